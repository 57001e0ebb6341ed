use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Mapping, MappingFilter, NewMapping, Verdict};
use crate::{
    access::{Can, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(propose).service(read).service(history).service(judge).service(withdraw);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MappingPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The mapping's id.
    mapping_id: Id,
}

/// A page of mappings.
#[derive(Serialize, ToSchema)]
pub struct MappingPage {
    pub items: Vec<Mapping>,
    pub next_cursor: Option<String>,
}

/// List the mappings of a programme
///
/// In the order in which they were proposed, or by `sort`.
#[utoipa::path(
    tag = "mappings", operation_id = "list_mappings",
    params(ProgramPath, MappingFilter, PageParams, ViewParams, ListParams<MappingFilter>),
    security(("bearer" = [Action::ReadMapping])),
    responses((status = 200, description = "A page of mappings", body = MappingPage)),
)]
#[get("/programs/{program}/mappings")]
async fn list(can: Can<ReadMapping>, listing: Listing<MappingFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Mapping, _>(listing, Mapping::list).await
}

/// Propose a mapping
///
/// Of a focus area, question, criterion or statement to one node of one framework edition. Several organisations may map
/// differently, and both stand.
#[utoipa::path(
    tag = "mappings", operation_id = "propose_mapping",
    params(ProgramPath, Repeat),
    request_body = NewMapping,
    security(("bearer" = [Action::ProposeMapping])),
    responses(
        (status = 201, description = "The mapping, proposed", body = Mapping),
        (status = 409, description = "What it is about has ended, or it is there already"),
    ),
)]
#[post("/programs/{program}/mappings")]
async fn propose(can: Can<ProposeMapping>, Valid(new): Valid<NewMapping>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Mapping::propose(tx, new)).await
}

/// Read a mapping
///
/// With the organisation that proposed it and where it stands.
#[utoipa::path(
    tag = "mappings", operation_id = "get_mapping",
    params(MappingPath, ViewParams),
    security(("bearer" = [Action::ReadMapping])),
    responses((status = 200, description = "The mapping", body = Mapping)),
)]
#[get("/programs/{program}/mappings/{mapping_id}")]
async fn read(can: Can<ReadMapping>, path: web::Path<MappingPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Mapping>(path.mapping_id, view).await
}

/// Read a mapping's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "mappings", operation_id = "get_mapping_history",
    params(MappingPath, PageParams),
    security(("bearer" = [Action::ReadMapping])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/mappings/{mapping_id}/history")]
async fn history(
    can: Can<ReadMapping>,
    path: web::Path<MappingPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Mapping>(listing, move |_, _| Ok(path.mapping_id)).await
}

/// Validate or reject a mapping
///
/// By those who facilitate, with the reason.
#[utoipa::path(
    tag = "mappings", operation_id = "judge_mapping",
    params(MappingPath, IfMatch, Repeat),
    request_body = Verdict,
    security(("bearer" = [Action::ValidateMapping])),
    responses(
        (status = 200, description = "The mapping in its new state", body = Mapping),
        (status = 409, description = "It is not proposed any more"),
    ),
)]
#[post("/programs/{program}/mappings/{mapping_id}/transitions")]
async fn judge(
    can: Can<ValidateMapping>,
    path: web::Path<MappingPath>,
    seen: Seen,
    Valid(verdict): Valid<Verdict>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Mapping::judge(tx, path.mapping_id, seen, verdict)).await
}

/// Withdraw a mapping
///
/// Agencies and partners withdraw what their own organisation proposed.
#[utoipa::path(
    tag = "mappings", operation_id = "withdraw_mapping",
    params(MappingPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::WithdrawMapping])),
    responses(
        (status = 200, description = "The mapping, withdrawn", body = Mapping),
        (status = 409, description = "It was withdrawn already"),
    ),
)]
#[post("/programs/{program}/mappings/{mapping_id}/withdrawal")]
async fn withdraw(
    can: Can<WithdrawMapping>,
    path: web::Path<MappingPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Mapping::withdraw(tx, path.mapping_id, seen, why)).await
}
