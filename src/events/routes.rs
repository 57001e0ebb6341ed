use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    attendance_routes, follow_ups_routes,
    model::{Event, EventFilter, EventTransition, NewEvent},
    stages_routes,
};
use crate::{
    access::{Can, Seen},
    ballots, decisions,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(plan).service(read).service(history).service(edit).service(advance);
    attendance_routes::routes(api);
    stages_routes::routes(api);
    follow_ups_routes::routes(api);
    ballots::stage_routes(api);
    decisions::stage_routes(api);
    api.service(super::minutes::show);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EventPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The event's id or code.
    #[param(max_length = 40, example = "E-1")]
    pub event_id: String,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub struct EventPage {
    pub items: Vec<Event>,
    pub next_cursor: Option<String>,
}

/// List the events of a programme
///
/// In the order of their codes, or by `sort`.
#[utoipa::path(
    tag = "events", operation_id = "list_events",
    params(ProgramPath, EventFilter, PageParams, ViewParams, ListParams<EventFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of events", body = EventPage)),
)]
#[get("/programs/{program}/events")]
async fn list(can: Can<ReadEvent>, listing: Listing<EventFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Event, _>(listing, Event::list).await
}

/// Plan an event
///
/// It begins as planned, under the next code.
#[utoipa::path(
    tag = "events", operation_id = "plan_event",
    params(ProgramPath, Repeat),
    request_body = NewEvent,
    security(("bearer" = [Action::PlanEvent])),
    responses((status = 201, description = "The event, at revision 1", body = Event)),
)]
#[post("/programs/{program}/events")]
async fn plan(can: Can<PlanEvent>, Valid(new): Valid<NewEvent>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Event::plan(tx, new)).await
}

/// Read an event
///
/// Its day, venue, objectives, materials and outcomes.
#[utoipa::path(
    tag = "events", operation_id = "get_event",
    params(EventPath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The event", body = Event)),
)]
#[get("/programs/{program}/events/{event_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<EventPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show_found::<Event>(view, move |conn, reach| Event::identify(conn, reach.ledger, &path.event_id)).await
}

/// Read an event's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "events", operation_id = "get_event_history",
    params(EventPath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/events/{event_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<EventPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Event>(listing, move |conn, reach| Event::identify(conn, reach.ledger, &path.event_id)).await
}

/// Edit an event
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties. Not any more once its minutes are approved.
#[utoipa::path(
    tag = "events", operation_id = "edit_event",
    params(EventPath, IfMatch),
    request_body(content = NewEvent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditEvent])),
    responses(
        (status = 200, description = "The event at its new revision", body = Event),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[patch("/programs/{program}/events/{event_id}")]
async fn edit(
    can: Can<EditEvent>,
    path: web::Path<EventPath>,
    seen: Seen,
    patch: Patch<NewEvent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Event::edit(tx, &path.event_id, seen, patch)).await
}

/// Take a step of an event's life cycle
///
/// planned → confirmed → held → minutes_draft → minutes_approved → closed; planned and confirmed can be postponed or
/// cancelled, a postponed one planned again or cancelled, and approved minutes drawn back to be mended.
#[utoipa::path(
    tag = "events", operation_id = "advance_event",
    params(EventPath, IfMatch, Repeat),
    request_body = EventTransition,
    security(("bearer" = [Action::AdvanceEvent])),
    responses(
        (status = 200, description = "The event in its new state", body = Event),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/events/{event_id}/transitions")]
async fn advance(
    can: Can<AdvanceEvent>,
    path: web::Path<EventPath>,
    seen: Seen,
    Valid(step): Valid<EventTransition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Event::advance(tx, &path.event_id, seen, step)).await
}
