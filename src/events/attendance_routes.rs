use actix_web::{HttpResponse, get, patch, put, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    attendance::{Attendance, AttendanceEdit, AttendanceFilter, AttendanceList},
    model::Event,
    routes::EventPath,
};
use crate::{
    access::{Can, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ExpandParams, ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(record).service(read).service(history).service(edit);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AttendancePath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The event's id or code.
    #[param(max_length = 40, example = "E-1")]
    event_id: String,
    /// The organisation's id.
    stakeholder_id: Id,
}

/// A page of attendance.
#[derive(Serialize, ToSchema)]
pub struct AttendancePage {
    pub items: Vec<Attendance>,
    pub next_cursor: Option<String>,
}

/// The attendance of an event, whole.
#[derive(Serialize, ToSchema)]
pub struct RecordedAttendance {
    pub items: Vec<Attendance>,
}

/// List who attended an event
///
/// By organisation. `expand=people` adds the persons, for those who run the event.
#[utoipa::path(
    tag = "events", operation_id = "list_attendance",
    params(EventPath, AttendanceFilter, PageParams, ViewParams, ListParams<AttendanceFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of attendance", body = AttendancePage)),
)]
#[get("/programs/{program}/events/{event_id}/attendance")]
async fn list(
    can: Can<ReadEvent>,
    path: web::Path<EventPath>,
    listing: Listing<AttendanceFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<Attendance, _>(listing, move |conn, reach, filter, page, at| {
        Attendance::list(conn, reach, &path.event_id, filter, page, at)
    })
    .await
}

/// Record who attended an event
///
/// Of several organisations at once, all or none. Those that the list leaves out keep what they have, so that two tables
/// can write side by side. What is recorded already is pinned with `on_revision`; each that was changed meanwhile is a
/// conflict, and nothing is kept.
#[utoipa::path(
    tag = "events", operation_id = "record_attendance",
    params(EventPath, Repeat),
    request_body = AttendanceList,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The whole list as it is now", body = RecordedAttendance),
        (status = 409, description = "The event's state does not allow it, or some were changed meanwhile"),
    ),
)]
#[put("/programs/{program}/events/{event_id}/attendance")]
async fn record(
    can: Can<RunEvent>,
    path: web::Path<EventPath>,
    Valid(attended): Valid<AttendanceList>,
) -> Result<HttpResponse, Problem> {
    can.write(move |tx| {
        let event = Event::running(tx, &path.event_id)?;
        let recorded = Attendance::record(tx, &event, attended.items)?;
        let whole = Attendance::whole(tx, event.meta.id)?;
        tx.all_changed(recorded.map(|_| whole))
    })
    .await
}

/// Read an organisation's attendance
///
/// `expand=people` adds the persons, for those who run the event.
#[utoipa::path(
    tag = "events", operation_id = "get_attendance",
    params(AttendancePath, ViewParams, ExpandParams<Attendance>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "Its attendance", body = Attendance)),
)]
#[get("/programs/{program}/events/{event_id}/attendance/{stakeholder_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<AttendancePath>, view: View) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Attendance::identify(conn, reach, &path.event_id, path.stakeholder_id);
    can.show_found::<Attendance>(view, find).await
}

/// Read the history of an organisation's attendance
///
/// Its revisions in order, with who made each, for which organisation, when and why. Persons are in none of them.
#[utoipa::path(
    tag = "events", operation_id = "get_attendance_history",
    params(AttendancePath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/events/{event_id}/attendance/{stakeholder_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<AttendancePath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Attendance::identify(conn, reach, &path.event_id, path.stakeholder_id);
    can.history::<Attendance>(listing, find).await
}

/// Change an organisation's attendance
///
/// A merge patch (RFC 7396). `people`, where given, replaces all persons; null takes them away.
#[utoipa::path(
    tag = "events", operation_id = "edit_attendance",
    params(AttendancePath, IfMatch),
    request_body(content = AttendanceEdit, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "Its attendance at the new revision", body = Attendance),
        (status = 409, description = "The event's state does not allow it"),
    ),
)]
#[patch("/programs/{program}/events/{event_id}/attendance/{stakeholder_id}")]
async fn edit(
    can: Can<RunEvent>,
    path: web::Path<AttendancePath>,
    seen: Seen,
    patch: Patch<AttendanceEdit>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Attendance::edit(tx, &path.event_id, path.stakeholder_id, seen, patch)).await
}
