use actix_web::{HttpResponse, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    positions::{NewAnswer, NewPosition, Position, PositionFilter},
    routes::StatementPath,
};
use crate::{
    access::Can,
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(take).service(read).service(history).service(answer);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PositionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The statement's id.
    statement_id: Id,
    /// The id of the organisation whose position it is.
    stakeholder_id: Id,
}

/// A page of positions.
#[derive(Serialize, ToSchema)]
pub struct PositionPage {
    pub items: Vec<Position>,
    pub next_cursor: Option<String>,
}

/// List the positions on a statement
///
/// What each organisation says, of which revision, and whether that is stale.
#[utoipa::path(
    tag = "statements", operation_id = "list_positions",
    params(StatementPath, PositionFilter, PageParams, ViewParams, ListParams<PositionFilter>),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "A page of positions", body = PositionPage)),
)]
#[get("/programs/{program}/statements/{statement_id}/positions")]
async fn list(
    can: Can<ReadStatement>,
    path: web::Path<StatementPath>,
    listing: Listing<PositionFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<Position, _>(listing, move |conn, reach, filter, page, at| {
        Position::list(conn, reach, path.statement_id, filter, page, at)
    })
    .await
}

/// Take a position on a statement
///
/// Pinned to the revision that was read. Agencies and partners speak for their own organisation; those who run the session
/// can record what another said. An objection is open until it is answered.
#[utoipa::path(
    tag = "statements", operation_id = "take_position",
    params(PositionPath, Repeat),
    request_body = NewPosition,
    security(("bearer" = [Action::TakePosition])),
    responses(
        (status = 200, description = "The position", body = Position),
        (status = 409, description = "The statement's state does not allow it"),
        (status = 412, description = "The statement's content was changed meanwhile"),
    ),
)]
#[put("/programs/{program}/statements/{statement_id}/positions/{stakeholder_id}")]
async fn take(
    can: Can<TakePosition>,
    path: web::Path<PositionPath>,
    Valid(new): Valid<NewPosition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Position::take(tx, path.statement_id, path.stakeholder_id, new)).await
}

/// Read an organisation's position on a statement
///
/// With the answer to an objection.
#[utoipa::path(
    tag = "statements", operation_id = "get_position",
    params(PositionPath, ViewParams),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "The position", body = Position)),
)]
#[get("/programs/{program}/statements/{statement_id}/positions/{stakeholder_id}")]
async fn read(can: Can<ReadStatement>, path: web::Path<PositionPath>, view: View) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Position::identify(conn, reach, path.statement_id, path.stakeholder_id);
    can.show_found::<Position>(view, find).await
}

/// Read the history of an organisation's position
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "statements", operation_id = "get_position_history",
    params(PositionPath, PageParams),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/statements/{statement_id}/positions/{stakeholder_id}/history")]
async fn history(
    can: Can<ReadStatement>,
    path: web::Path<PositionPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Position::identify(conn, reach, path.statement_id, path.stakeholder_id);
    can.history::<Position>(listing, find).await
}

/// Answer an objection
///
/// Pinned to the revision of the position. From then on it does not stand in the way of adoption any more.
#[utoipa::path(
    tag = "statements", operation_id = "answer_objection",
    params(PositionPath, Repeat),
    request_body = NewAnswer,
    security(("bearer" = [Action::AnswerObjection])),
    responses(
        (status = 200, description = "The position, with the answer", body = Position),
        (status = 409, description = "It is no open objection, or the statement's state does not allow it"),
        (status = 412, description = "The position was changed meanwhile"),
    ),
)]
#[post("/programs/{program}/statements/{statement_id}/positions/{stakeholder_id}/answer")]
async fn answer(
    can: Can<AnswerObjection>,
    path: web::Path<PositionPath>,
    Valid(new): Valid<NewAnswer>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Position::answer(tx, path.statement_id, path.stakeholder_id, new)).await
}
