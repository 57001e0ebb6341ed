use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    routes::EventPath,
    stages::{NewStage, Stage, StageFilter},
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
    api.service(list).service(add).service(read).service(history).service(edit);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StagePath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The event's id or code.
    #[param(max_length = 40, example = "E-1")]
    pub event_id: String,
    /// The stage's id.
    pub stage_id: Id,
}

/// A page of stages.
#[derive(Serialize, ToSchema)]
pub struct StagePage {
    pub items: Vec<Stage>,
    pub next_cursor: Option<String>,
}

/// List the stages of an event
///
/// In their order, each with its groups and its electorate.
#[utoipa::path(
    tag = "events", operation_id = "list_stages",
    params(EventPath, PageParams, ViewParams, ListParams<StageFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of stages", body = StagePage)),
)]
#[get("/programs/{program}/events/{event_id}/stages")]
async fn list(
    can: Can<ReadEvent>,
    path: web::Path<EventPath>,
    listing: Listing<StageFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<Stage, _>(listing, move |conn, reach, _, page, at| Stage::list(conn, reach, &path.event_id, page, at))
        .await
}

/// Add a stage to an event
///
/// With its place in the order and the organisations that decide in it.
#[utoipa::path(
    tag = "events", operation_id = "add_stage",
    params(EventPath, Repeat),
    request_body = NewStage,
    security(("bearer" = [Action::EditEvent])),
    responses(
        (status = 201, description = "The stage, at revision 1", body = Stage),
        (status = 409, description = "The event's state does not allow it, or the number is taken"),
    ),
)]
#[post("/programs/{program}/events/{event_id}/stages")]
async fn add(
    can: Can<EditEvent>,
    path: web::Path<EventPath>,
    Valid(new): Valid<NewStage>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Stage::add(tx, &path.event_id, new)).await
}

/// Read a stage
///
/// Its purpose, its groups and its electorate.
#[utoipa::path(
    tag = "events", operation_id = "get_stage",
    params(StagePath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The stage", body = Stage)),
)]
#[get("/programs/{program}/events/{event_id}/stages/{stage_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<StagePath>, view: View) -> Result<HttpResponse, Problem> {
    can.show_found::<Stage>(view, move |conn, reach| Stage::identify(conn, reach, &path.event_id, path.stage_id)).await
}

/// Read a stage's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "events", operation_id = "get_stage_history",
    params(StagePath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/events/{event_id}/stages/{stage_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<StagePath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Stage>(listing, move |conn, reach| Stage::identify(conn, reach, &path.event_id, path.stage_id)).await
}

/// Edit a stage
///
/// A merge patch (RFC 7396). The electorate does not change while a ballot of the stage is open.
#[utoipa::path(
    tag = "events", operation_id = "edit_stage",
    params(StagePath, IfMatch),
    request_body(content = NewStage, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditEvent])),
    responses(
        (status = 200, description = "The stage at its new revision", body = Stage),
        (status = 409, description = "The event's state does not allow it, a ballot is open, or the number is taken"),
    ),
)]
#[patch("/programs/{program}/events/{event_id}/stages/{stage_id}")]
async fn edit(
    can: Can<EditEvent>,
    path: web::Path<StagePath>,
    seen: Seen,
    patch: Patch<NewStage>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Stage::edit(tx, &path.event_id, path.stage_id, seen, patch)).await
}
