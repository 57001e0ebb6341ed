use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Reach, place},
    consultations::Consultation,
    criteria::Criterion,
    db::{AnyConnection, Id},
    documents::Document,
    events::{Event, Stage},
    focus_areas::FocusArea,
    localized::Localized,
    page::{Filter, Page},
    phases::Phase,
    policy::Action,
    problem::Problem,
    programs::Program,
    questions::Question,
    shocks_and_stresses::ShockOrStress,
    statements::Statement,
    versioned::{self, Resource, Stored, hidden},
};

/// How many open revisions a page looks at: where most is translated, it ends early and the next goes on from there.
const WALKED: i64 = 500;

/// Which texts to list.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BacklogFilter {
    /// The language to translate into, as texts name it.
    #[param(max_length = 6, pattern = "^[a-z]{2,3}(-[A-Z]{2})?$", example = "en")]
    lang: String,
}

impl Filter for BacklogFilter {
    const SORTS: &'static [&'static str] = &["kind"];
}

/// What a text lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// There are no words in this language.
    Missing,
    /// There are, and the source has moved on since.
    Behind,
}

/// A text that is to be translated.
#[derive(Debug, Serialize, ToSchema)]
pub struct BacklogItem {
    /// What it is a text of.
    #[schema(example = "question")]
    pub kind: &'static str,
    pub id: Id,
    /// Null where such things have none.
    #[schema(example = "Q-3.2")]
    pub code: Option<String>,
    /// What the thing is called or asks: the first of its texts.
    pub name: Localized,
    /// The text's place in the thing.
    #[schema(example = "/text")]
    pub pointer: String,
    pub state: Lack,
    /// The revision whose source is to be rendered: the one that stands.
    #[schema(minimum = 1)]
    pub revision: i32,
    /// The revision whose source the words render that there are; null if there are none.
    #[schema(minimum = 1)]
    pub of_revision: Option<i32>,
    /// Where the thing is read and translated.
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// A page of the backlog. It may hold fewer texts than `limit` and still have a next.
#[derive(Serialize, ToSchema)]
pub struct BacklogPage {
    pub items: Vec<BacklogItem>,
    pub next_cursor: Option<String>,
}

/// Where to go on: the kind, the ledger row that made the thing, and how many of that thing's texts were told.
pub type Mark = (String, i64, usize);

/// What of a kind goes on a page.
struct Stretch {
    sequence: i64,
    told: usize,
    room: usize,
    rows: i64,
}

/// What was found of a kind, how many rows were looked at for it, and where to go on, if not at the next kind.
struct Walked {
    items: Vec<BacklogItem>,
    rows: i64,
    next: Option<(i64, usize)>,
}

type Walk = fn(&mut AnyConnection, &Reach, &str, Action, &Stretch) -> Result<Walked, Problem>;

const fn of<R: Resource>(translated_by: Action) -> (&'static str, Action, Walk) {
    (R::KIND, translated_by, walk::<R>)
}

/// What is translated, in the order of the list, each with the act that brings a translation: what does not allow it
/// any more (a merged question, an adopted statement) waits for nobody.
const KINDS: &[(&str, Action, Walk)] = &[
    of::<Program>(Action::EditProgram),
    of::<Phase>(Action::EditPhase),
    of::<FocusArea>(Action::EditFocusArea),
    of::<ShockOrStress>(Action::EditShockOrStress),
    of::<Question>(Action::ReviseQuestion),
    of::<Document>(Action::EditDocument),
    of::<Event>(Action::EditEvent),
    of::<Stage>(Action::EditEvent),
    of::<Criterion>(Action::EditCriterion),
    of::<Statement>(Action::ReviseStatement),
    of::<Consultation>(Action::EditConsultation),
];

/// A page, and where the next one goes on.
pub fn read(
    conn: &mut AnyConnection,
    reach: &Reach,
    filter: &BacklogFilter,
    page: &Page,
) -> Result<(Vec<BacklogItem>, Option<Mark>), Problem> {
    let (kind, mut sequence, mut told) = match page.after::<Mark>()? {
        Some(((kind, sequence, told), _)) => (kind, sequence, told),
        None => (KINDS[0].0.to_owned(), 0, 0),
    };
    let begin = KINDS.iter().position(|(known, ..)| *known == kind).ok_or(Problem::BadCursor)?;
    let (mut items, mut rows) = (Vec::new(), WALKED);
    for (kind, translated_by, walk) in &KINDS[begin..] {
        let stretch = Stretch { sequence, told, room: page.limit as usize - items.len(), rows };
        let walked = walk(conn, reach, &filter.lang, *translated_by, &stretch)?;
        items.extend(walked.items);
        rows -= walked.rows;
        if let Some((sequence, told)) = walked.next {
            return Ok((items, Some(((*kind).to_owned(), sequence, told))));
        }
        (sequence, told) = (0, 0);
    }
    Ok((items, None))
}

fn walk<R: Resource>(
    conn: &mut AnyConnection,
    reach: &Reach,
    lang: &str,
    translated_by: Action,
    stretch: &Stretch,
) -> Result<Walked, Problem> {
    let found = R::open_since(conn, reach.ledger, stretch.sequence, stretch.rows + 1)?;
    let mut items = Vec::new();
    for (rows, stored) in (0..).zip(&found) {
        if rows == stretch.rows {
            return Ok(Walked { items, rows, next: Some((stored.seq_from, 0)) });
        }
        if hidden::<R>(reach, stored) || !R::possible(translated_by, &stored.state) {
            continue;
        }
        // A thing that changed since the page before has another row, and is told of anew.
        let told = if stored.seq_from == stretch.sequence { stretch.told } else { 0 };
        for (number, item) in lacking::<R>(reach, lang, stored)?.into_iter().enumerate().skip(told) {
            if items.len() == stretch.room {
                return Ok(Walked { items, rows, next: Some((stored.seq_from, number)) });
            }
            items.push(item);
        }
    }
    Ok(Walked { items, rows: found.len() as i64, next: None })
}

/// The texts of one thing that lack this language or are behind in it.
fn lacking<R: Resource>(reach: &Reach, lang: &str, stored: &Stored) -> Result<Vec<BacklogItem>, Problem> {
    #[derive(Deserialize)]
    struct Coded {
        #[serde(default)]
        code: Option<String>,
    }
    let thing: R = versioned::parse(&stored.body)?;
    let texts = thing.texts();
    let known = &thing.meta().translations;
    let mut lacks = texts.iter().filter_map(|(pointer, text)| {
        if !text.0.contains_key(lang) {
            return Some((pointer, Lack::Missing, None));
        }
        let behind = known.iter().find(|known| known.stale && known.language == lang && known.pointer == *pointer)?;
        Some((pointer, Lack::Behind, Some(behind.of_revision)))
    });
    let Some(first) = lacks.next() else { return Ok(Vec::new()) };
    let Coded { code } = versioned::parse(&stored.body)?;
    let name = texts.first().map(|(_, text)| (*text).clone()).unwrap_or_default();
    let href = place::<R>(&reach.slug, &thing.path_id());
    let item = |(pointer, state, of_revision): (&String, Lack, Option<i32>)| BacklogItem {
        kind: R::KIND,
        id: stored.id,
        code: code.clone(),
        name: name.clone(),
        pointer: pointer.clone(),
        state,
        revision: stored.revision,
        of_revision,
        href: href.clone(),
    };
    Ok(std::iter::once(first).chain(lacks).map(item).collect())
}
