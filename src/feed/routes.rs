use actix_web::{HttpResponse, get, http::header, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    kinds::Feed,
    model::{self, Change, Cursor, Wanted},
};
use crate::{
    access::Can,
    page::AnyOf,
    policy::{Action, Gate, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(of_program);
}

/// Which changes to answer with.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Following {
    /// The cursor that the snapshot or the answer before gave; `0` to begin from the first change.
    #[param(min_length = 1, max_length = 60, default = "0", example = "0")]
    after: Option<String>,
    /// Kinds of things and types of events, separated by commas; all where it is missing.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<EventName>>, min_items = 1, max_items = 100)]
    types: Option<AnyOf<String>>,
    /// How many changes at most.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<i64>,
}

/// The name of a kind of thing, or of a type of event.
#[derive(ToSchema)]
#[schema(max_length = 60, pattern = "^[a-z_]+(\\.[a-z_]+)?$", example = "question")]
#[expect(dead_code, reason = "describes what a string is")]
struct EventName(String);

/// Changes in the order in which they were made.
#[derive(Serialize, ToSchema)]
pub struct ChangePage {
    pub items: Vec<Change>,
    /// Where to go on: the next `after`. It moves even where no change is told.
    pub after: String,
    /// The ledger's last row: while `after` begins with a smaller number, there may be more.
    pub head_sequence: i64,
}

/// Follow a programme
///
/// What changed since `after`, in order, each with the whole new content as you may see it. Where a cursor was made
/// for a caller who sees other things (another role, another organisation), it is refused as `view-changed`: take a
/// new snapshot. An empty page is not the end while `after` is behind `head_sequence`.
#[utoipa::path(
    tag = "feed", operation_id = "list_changes",
    params(ProgramPath, Following),
    security(("bearer" = [Action::FollowProgram])),
    responses(
        (status = 200, description = "Changes", body = ChangePage),
        (status = 410, description = "You see other things than when the cursor was made: `view-changed`"),
    ),
)]
#[get("/programs/{program}/changes")]
async fn of_program(can: Can<FollowProgram>, query: web::Query<Following>) -> Result<HttpResponse, Problem> {
    follow(&can, Feed::Program, query.into_inner()).await
}

async fn follow<A: Gate>(can: &Can<A>, feed: Feed, asked: Following) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::read(asked.types.map(|types| types.0))?;
    let limit = asked.limit.unwrap_or(200);
    let cursor = Cursor::read(asked.after.as_deref().unwrap_or("0"))?;
    let view = feed.view(&can.reach);
    if !cursor.fits(&view) {
        return Err(feed.view_changed(&can.reach));
    }
    let from = cursor.sequence;
    let found = can.snapshot(move |conn, reach| model::changes(conn, reach, feed, &wanted, from, limit)).await?;
    let page = ChangePage { items: found.items, after: Cursor::text(found.at, &view), head_sequence: found.head };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(page))
}
