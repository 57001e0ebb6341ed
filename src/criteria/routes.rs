use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Criterion, CriterionFilter, NewCriterion};
use crate::{
    access::{Can, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    mappings::Verdict,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(propose).service(read).service(history).service(edit).service(judge).service(withdraw);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CriterionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The criterion's id.
    criterion_id: Id,
}

/// A page of criteria.
#[derive(Serialize, ToSchema)]
pub struct CriterionPage {
    pub items: Vec<Criterion>,
    pub next_cursor: Option<String>,
}

/// List the criteria of a programme
///
/// In the order in which they were proposed, or by `sort`.
#[utoipa::path(
    tag = "criteria", operation_id = "list_criteria",
    params(ProgramPath, CriterionFilter, PageParams, ViewParams, ListParams<CriterionFilter>),
    security(("bearer" = [Action::ReadCriterion])),
    responses((status = 200, description = "A page of criteria", body = CriterionPage)),
)]
#[get("/programs/{program}/criteria")]
async fn list(can: Can<ReadCriterion>, listing: Listing<CriterionFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Criterion, _>(listing, Criterion::list).await
}

/// Propose a criterion
///
/// What "resilient" must mean for this city, with the qualities and nodes of a framework edition that it bears on.
#[utoipa::path(
    tag = "criteria", operation_id = "propose_criterion",
    params(ProgramPath, Repeat),
    request_body = NewCriterion,
    security(("bearer" = [Action::ProposeCriterion])),
    responses(
        (status = 201, description = "The criterion, proposed", body = Criterion),
        (status = 409, description = "What it is about has ended, or it is there already"),
    ),
)]
#[post("/programs/{program}/criteria")]
async fn propose(can: Can<ProposeCriterion>, Valid(new): Valid<NewCriterion>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Criterion::propose(tx, new)).await
}

/// Read a criterion
///
/// With the organisation that proposed it and where it stands.
#[utoipa::path(
    tag = "criteria", operation_id = "get_criterion",
    params(CriterionPath, ViewParams),
    security(("bearer" = [Action::ReadCriterion])),
    responses((status = 200, description = "The criterion", body = Criterion)),
)]
#[get("/programs/{program}/criteria/{criterion_id}")]
async fn read(can: Can<ReadCriterion>, path: web::Path<CriterionPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Criterion>(path.criterion_id, view).await
}

/// Read a criterion's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "criteria", operation_id = "get_criterion_history",
    params(CriterionPath, PageParams),
    security(("bearer" = [Action::ReadCriterion])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/criteria/{criterion_id}/history")]
async fn history(
    can: Can<ReadCriterion>,
    path: web::Path<CriterionPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Criterion>(listing, move |_, _| Ok(path.criterion_id)).await
}

/// Edit a criterion
///
/// A merge patch (RFC 7396), while it is proposed. Agencies and partners edit what their own organisation proposed.
#[utoipa::path(
    tag = "criteria", operation_id = "edit_criterion",
    params(CriterionPath, IfMatch),
    request_body(content = NewCriterion, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditCriterion])),
    responses(
        (status = 200, description = "The criterion at its new revision", body = Criterion),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[patch("/programs/{program}/criteria/{criterion_id}")]
async fn edit(
    can: Can<EditCriterion>,
    path: web::Path<CriterionPath>,
    seen: Seen,
    patch: Patch<NewCriterion>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Criterion::edit(tx, path.criterion_id, seen, patch)).await
}

/// Validate or reject a criterion
///
/// By those who facilitate, with the reason.
#[utoipa::path(
    tag = "criteria", operation_id = "judge_criterion",
    params(CriterionPath, IfMatch, Repeat),
    request_body = Verdict,
    security(("bearer" = [Action::ValidateCriterion])),
    responses(
        (status = 200, description = "The criterion in its new state", body = Criterion),
        (status = 409, description = "It is not proposed any more"),
    ),
)]
#[post("/programs/{program}/criteria/{criterion_id}/transitions")]
async fn judge(
    can: Can<ValidateCriterion>,
    path: web::Path<CriterionPath>,
    seen: Seen,
    Valid(verdict): Valid<Verdict>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Criterion::judge(tx, path.criterion_id, seen, verdict)).await
}

/// Withdraw a criterion
///
/// Agencies and partners withdraw what their own organisation proposed.
#[utoipa::path(
    tag = "criteria", operation_id = "withdraw_criterion",
    params(CriterionPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::WithdrawCriterion])),
    responses(
        (status = 200, description = "The criterion, withdrawn", body = Criterion),
        (status = 409, description = "It was withdrawn already"),
    ),
)]
#[post("/programs/{program}/criteria/{criterion_id}/withdrawal")]
async fn withdraw(
    can: Can<WithdrawCriterion>,
    path: web::Path<CriterionPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Criterion::withdraw(tx, path.criterion_id, seen, why)).await
}
