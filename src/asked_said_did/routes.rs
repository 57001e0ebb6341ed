use std::future::Ready;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, get};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    page,
    read::{self, Wish},
    table,
    told::AskedSaidDid,
};
use crate::{
    access::{Can, Reach},
    csv,
    db::{AnyConnection, Id},
    page::{Filter, Listing, Page, PageParams},
    pages::{Media, PageLang, Rendition, Wanted, accepted, asked_language},
    policy::{Action, gate::*},
    problem::{FieldError, Problem},
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(show);
}

/// What the report is about: the whole programme where nothing is named.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TraceFilter {
    /// A question's id or code.
    #[param(min_length = 1, max_length = 40, example = "Q-1.2")]
    question: Option<String>,
    /// An event's id or code; not with `question`.
    #[param(min_length = 1, max_length = 40)]
    event: Option<String>,
    /// The language of Markdown, HTML and CSV; by `Accept-Language` where it is left out, else the programme's source
    /// language. JSON has all languages.
    #[param(inline)]
    #[expect(dead_code, reason = "read by `asked_language`")]
    lang: Option<PageLang>,
}

impl Filter for TraceFilter {}

/// What the reader takes.
#[derive(Clone, Copy)]
enum Rendering {
    Page(Wanted),
    Table(Wanted),
}

impl FromRequest for Rendering {
    type Error = Problem;
    type Future = Ready<Result<Rendering, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let [json, markdown, html] = Media::NAMES;
        let offered = [json, markdown, html, csv::NAME];
        let lang = asked_language(request);
        let wanted = |media| Wanted { media, lang };
        std::future::ready(accepted(request, &offered).map(|chosen| match chosen {
            csv::NAME => Rendering::Table(wanted(Media::Json)),
            other => Rendering::Page(wanted(Media::named(other).unwrap_or(Media::Json))),
        }))
    }
}

/// Read what was asked, said and done
///
/// For a question (the inputs about it, those to consultations about it, and those that changed it), for an event (the
/// inputs about it, to its consultations, and about the questions that it had ballots or decisions on), or for the whole
/// programme. Of inputs you see those that you see in their list. JSON, Markdown and HTML by `Accept`, page by page; as
/// CSV all of it, one row for each input, in which a cell that begins like a formula has an apostrophe before it.
#[utoipa::path(
    tag = "inputs", operation_id = "get_asked_said_did",
    params(ProgramPath, TraceFilter, PageParams),
    security(("bearer" = [Action::ReadInput])),
    responses((
        status = 200, description = "The report, or a page of it",
        content((AskedSaidDid = "application/json"), (String = "text/markdown"), (String = "text/html"), (String = "text/csv")),
    )),
)]
#[get("/programs/{program}/asked-said-did")]
async fn show(
    can: Can<ReadInput>,
    listing: Listing<TraceFilter>,
    rendering: Rendering,
) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let wish = wish(filter)?;
    let wanted = match rendering {
        Rendering::Page(wanted) => wanted,
        Rendering::Table(wanted) => {
            let scope = can.snapshot(move |conn, reach| read::scope(conn, reach, &wish)).await?;
            let lang = wanted.language(&scope.program.source_language);
            return Ok(can.stream(csv::MEDIA_TYPE, table::Rest { scope, lang, after: None }, table::go_on));
        }
    };
    let asked = page.clone();
    let (mut report, last) = can.snapshot(move |conn, reach| report(conn, reach, &wish, &asked)).await?;
    report.next_cursor = last.map(|last| page.cursor(can.service(), &json!(last), last));
    let next = report.next_cursor.as_deref().map(|cursor| can.next_page(cursor));
    let json = serde_json::to_string(&report).map_err(Problem::internal)?;
    let source = &report.program.source_language;
    let rendition = Rendition::of(wanted, source, json, |lang| page::of(&report, lang, next.as_deref()));
    Ok(can.send_part(rendition, next.as_deref()))
}

fn wish(filter: TraceFilter) -> Result<Wish, Problem> {
    if filter.question.is_some() && filter.event.is_some() {
        let (id, en) = ("tidak bersama question", "not together with question");
        return Err(Problem::InvalidQuery(vec![FieldError::new("?event", "unexpected", id, en)]));
    }
    Ok(Wish { question: filter.question, event: filter.event })
}

/// A page of the report, and its last input where there are more.
fn report(
    conn: &mut AnyConnection,
    reach: &Reach,
    wish: &Wish,
    page: &Page,
) -> Result<(AskedSaidDid, Option<Id>), Problem> {
    let scope = read::scope(conn, reach, wish)?;
    let after = page.after::<Id>()?.map(|(_, id)| id);
    let mut inputs = read::inputs(conn, reach, &scope, after, page.limit + 1)?;
    let last = page.cut(&mut inputs).map(|last| last.meta.id);
    let items = read::tell(conn, reach, inputs)?;
    let asked = read::asked_of(conn, reach, &scope, &items)?;
    let read::Scope { program, about, .. } = scope;
    let program = std::sync::Arc::unwrap_or_clone(program);
    Ok((AskedSaidDid { program, about, asked, items, next_cursor: None }, last))
}
