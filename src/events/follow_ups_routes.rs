use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    follow_ups::{FollowUp, FollowUpFilter, NewFollowUp},
    routes::EventPath,
};
use crate::{
    access::{Can, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(give).service(read).service(history).service(report);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct FollowUpPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The event's id or code.
    #[param(max_length = 40, example = "E-1")]
    event_id: String,
    /// The follow-up's id.
    follow_up_id: Id,
}

/// A page of follow-ups.
#[derive(Serialize, ToSchema)]
pub struct FollowUpPage {
    pub items: Vec<FollowUp>,
    pub next_cursor: Option<String>,
}

/// List the follow-ups of an event
///
/// Who has to do what until when, and how far it is.
#[utoipa::path(
    tag = "events", operation_id = "list_follow_ups",
    params(EventPath, FollowUpFilter, PageParams, ViewParams, ListParams<FollowUpFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of follow-ups", body = FollowUpPage)),
)]
#[get("/programs/{program}/events/{event_id}/follow-ups")]
async fn list(
    can: Can<ReadEvent>,
    path: web::Path<EventPath>,
    listing: Listing<FollowUpFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<FollowUp, _>(listing, move |conn, reach, filter, page, at| {
        FollowUp::list(conn, reach, &path.event_id, filter, page, at)
    })
    .await
}

/// Give an organisation something to do
///
/// It takes part in the programme.
#[utoipa::path(
    tag = "events", operation_id = "give_follow_up",
    params(EventPath, Repeat),
    request_body = NewFollowUp,
    security(("bearer" = [Action::RunEvent])),
    responses((status = 201, description = "The follow-up, at revision 1", body = FollowUp)),
)]
#[post("/programs/{program}/events/{event_id}/follow-ups")]
async fn give(
    can: Can<RunEvent>,
    path: web::Path<EventPath>,
    Valid(new): Valid<NewFollowUp>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| FollowUp::give(tx, &path.event_id, new)).await
}

/// Read a follow-up
///
/// What is to be done, by whom, until when.
#[utoipa::path(
    tag = "events", operation_id = "get_follow_up",
    params(FollowUpPath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The follow-up", body = FollowUp)),
)]
#[get("/programs/{program}/events/{event_id}/follow-ups/{follow_up_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<FollowUpPath>, view: View) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| FollowUp::identify(conn, reach, &path.event_id, path.follow_up_id);
    can.show_found::<FollowUp>(view, find).await
}

/// Read a follow-up's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "events", operation_id = "get_follow_up_history",
    params(FollowUpPath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/events/{event_id}/follow-ups/{follow_up_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<FollowUpPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| FollowUp::identify(conn, reach, &path.event_id, path.follow_up_id);
    can.history::<FollowUp>(listing, find).await
}

/// Report how far a follow-up is
///
/// A merge patch (RFC 7396). Its owner changes `state` and `progress`; those who run the event, all of it.
#[utoipa::path(
    tag = "events", operation_id = "report_follow_up",
    params(FollowUpPath, IfMatch),
    request_body(content = NewFollowUp, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::ReportFollowUp])),
    responses((status = 200, description = "The follow-up at its new revision", body = FollowUp)),
)]
#[patch("/programs/{program}/events/{event_id}/follow-ups/{follow_up_id}")]
async fn report(
    can: Can<ReportFollowUp>,
    path: web::Path<FollowUpPath>,
    seen: Seen,
    patch: Patch<NewFollowUp>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| FollowUp::report(tx, &path.event_id, path.follow_up_id, seen, patch)).await
}
