use std::time::Duration;

use actix_web::{HttpResponse, get, http::header, web};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::{
    event_types::EventType,
    kinds::Feed,
    model::{self, Change, Cursor, Wanted},
    snapshot,
};
use crate::{
    access::{Can, Myself, Public},
    ledger,
    page::AnyOf,
    policy::{Action, Gate, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(of_program).service(take_snapshot).service(of_platform).service(all_types).service(one_type);
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
    /// Seconds to wait for a change where there is none yet. An empty page says that none came.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u64>,
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
/// for a caller who sees other things (another role, another organisation), or at a row that is there no more since the
/// service was restored from a backup, it is refused as `view-changed`: take a new snapshot. An empty page is not the end while `after` is behind `head_sequence`.
#[utoipa::path(
    tag = "feed", operation_id = "list_changes",
    params(ProgramPath, Following),
    security(("bearer" = [Action::FollowProgram])),
    responses(
        (status = 200, description = "Changes", body = ChangePage),
        (status = 410, description = "You see other things than when the cursor was made, or its row is there no more: `view-changed`"),
    ),
)]
#[get("/programs/{program}/changes")]
async fn of_program(can: Can<FollowProgram>, query: web::Query<Following>) -> Result<HttpResponse, Problem> {
    follow(&can, Feed::Program, query.into_inner()).await
}

/// Follow what all programmes share
///
/// What changed in organisations and framework editions, for everybody who is signed in; never in accounts. Begin with
/// `0`: there is no snapshot of it.
#[utoipa::path(
    tag = "feed", operation_id = "list_platform_changes",
    params(Following),
    security(("bearer" = [Action::ReadStakeholder])),
    responses(
        (status = 200, description = "Changes", body = ChangePage),
        (status = 410, description = "You see other things than when the cursor was made, or its row is there no more: `view-changed`"),
    ),
)]
#[get("/changes")]
async fn of_platform(can: Myself<ReadStakeholder>, query: web::Query<Following>) -> Result<HttpResponse, Problem> {
    follow(&can, Feed::Platform, query.into_inner()).await
}

async fn follow<A: Gate>(can: &Can<A>, feed: Feed, asked: Following) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::read(asked.types.map(|types| types.0))?;
    let limit = asked.limit.unwrap_or(200);
    let mut cursor = Cursor::read(asked.after.as_deref().unwrap_or("0"))?;
    let view = feed.view(&can.reach);
    if !cursor.fits(&view) {
        return Err(feed.view_changed(&can.reach));
    }
    // Nobody is answered after their token's end.
    let wait = match asked.wait.map(Duration::from_secs) {
        Some(wait) if !wait.is_zero() => wait.min(can.remaining()?),
        _ => Duration::ZERO,
    };
    let until = Instant::now() + wait;
    let (found, after) = loop {
        let (wanted, view, from) = (wanted.clone(), view.clone(), cursor);
        let (found, at) = can
            .snapshot(move |conn, reach| {
                if !from.holds(conn, reach.ledger)? {
                    return Err(feed.view_changed(reach));
                }
                let found = model::changes(conn, reach, feed, &wanted, from.sequence, limit)?;
                let at = Cursor::at(conn, reach.ledger, found.at, &view)?;
                Ok((found, at))
            })
            .await?;
        if !found.items.is_empty() || found.at < found.head || !grown(can, found.head, until).await {
            break (found, at);
        }
        if !at.fits(&feed.view(&can.again().await?)) {
            return Err(feed.view_changed(&can.reach));
        }
        cursor = at;
    };
    let page = ChangePage { items: found.items, after: after.text(), head_sequence: found.head };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(page))
}

/// Waits until the ledger has a row after `seen`, `until` at the longest; whether it has.
async fn grown<A: Gate>(can: &Can<A>, seen: i64, until: Instant) -> bool {
    let look = async || can.read(|conn, _| Ok(ledger::heads(conn)?)).await;
    Instant::now() < until && can.service().watcher.grown(can.reach.ledger, seen, until, look).await
}

/// Take a snapshot of a programme
///
/// All that you may see, as of the last row of the ledger at its beginning, one JSON object on each line:
/// `{"kind", "id", "revision", "content"}`. The last line is `{"end": true, "after", "count"}`: where it is missing, the
/// snapshot was cut off. Go on with the changes after its `after`.
#[utoipa::path(
    tag = "feed", operation_id = "take_snapshot",
    params(ProgramPath),
    security(("bearer" = [Action::FollowProgram])),
    responses((status = 200, description = "Lines of JSON", body = String, content_type = "application/x-ndjson")),
)]
#[get("/programs/{program}/snapshot")]
async fn take_snapshot(can: Can<FollowProgram>) -> Result<HttpResponse, Problem> {
    let begun = can.read(|conn, reach| snapshot::begin(conn, reach, Feed::Program)).await?;
    Ok(can.stream(snapshot::MEDIA_TYPE, begun, snapshot::go_on))
}

/// All types of events.
#[derive(Serialize, ToSchema)]
struct EventTypes {
    items: Vec<EventType>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct EventTypePath {
    /// An action's name.
    #[param(max_length = 60, example = "question.revise")]
    event_type: String,
}

/// List the types of events
///
/// Every action that makes rows of a ledger: what it changes, which feeds tell of it, and what happened in words.
#[utoipa::path(
    tag = "feed", operation_id = "list_event_types",
    responses((status = 200, description = "All types", body = EventTypes)),
)]
#[get("/event-types")]
async fn all_types(public: Public) -> Result<HttpResponse, Problem> {
    public.answer_cached(&EventTypes { items: EventType::all() })
}

/// Read a type of event
///
/// What it changes, which feeds tell of it, and what happened in words.
#[utoipa::path(
    tag = "feed", operation_id = "get_event_type",
    params(EventTypePath),
    responses((status = 200, description = "The type", body = EventType)),
)]
#[get("/event-types/{event_type}")]
async fn one_type(public: Public, path: web::Path<EventTypePath>) -> Result<HttpResponse, Problem> {
    public.answer_cached(&EventType::named(&path.event_type).ok_or(Problem::NotFound)?)
}
