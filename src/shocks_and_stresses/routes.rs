use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{NewShockOrStress, ShockOrStress, ShockOrStressContent, ShockOrStressFilter};
use crate::{
    access::{Can, Seen},
    db::Id,
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
    api.service(list).service(create).service(read).service(history).service(edit);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ShockOrStressPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The shock's or stress's id.
    shock_or_stress_id: Id,
}

/// A page of shocks and stresses.
#[derive(Serialize, ToSchema)]
pub struct ShockOrStressPage {
    pub items: Vec<ShockOrStress>,
    pub next_cursor: Option<String>,
}

/// List the shocks and stresses of a programme
///
/// In the order of their codes, or by `sort`.
#[utoipa::path(
    tag = "shocks-and-stresses", operation_id = "list_shocks_and_stresses",
    params(ProgramPath, ShockOrStressFilter, PageParams, ViewParams, ListParams<ShockOrStressFilter>),
    security(("bearer" = [Action::ReadShockOrStress])),
    responses((status = 200, description = "A page of shocks and stresses", body = ShockOrStressPage)),
)]
#[get("/programs/{program}/shocks-and-stresses")]
async fn list(can: Can<ReadShockOrStress>, listing: Listing<ShockOrStressFilter>) -> Result<HttpResponse, Problem> {
    can.list::<ShockOrStress, _>(listing, ShockOrStress::list).await
}

/// Name a shock or stress
///
/// It gets a code for good: `SH-…` or `ST-…`.
#[utoipa::path(
    tag = "shocks-and-stresses", operation_id = "name_shock_or_stress",
    params(ProgramPath, Repeat),
    request_body = NewShockOrStress,
    security(("bearer" = [Action::NameShockOrStress])),
    responses(
        (status = 201, description = "The shock or stress, at revision 1", body = ShockOrStress),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/programs/{program}/shocks-and-stresses")]
async fn create(can: Can<NameShockOrStress>, Valid(new): Valid<NewShockOrStress>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| ShockOrStress::name(tx, new)).await
}

/// Read a shock or stress
///
/// What it is, and how it was ranked, by whom and when.
#[utoipa::path(
    tag = "shocks-and-stresses", operation_id = "get_shock_or_stress",
    params(ShockOrStressPath, ViewParams),
    security(("bearer" = [Action::ReadShockOrStress])),
    responses((status = 200, description = "The shock or stress", body = ShockOrStress)),
)]
#[get("/programs/{program}/shocks-and-stresses/{shock_or_stress_id}")]
async fn read(
    can: Can<ReadShockOrStress>,
    path: web::Path<ShockOrStressPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    can.show::<ShockOrStress>(path.shock_or_stress_id, view).await
}

/// Read a shock or stress's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "shocks-and-stresses", operation_id = "get_shock_or_stress_history",
    params(ShockOrStressPath, PageParams),
    security(("bearer" = [Action::ReadShockOrStress])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/shocks-and-stresses/{shock_or_stress_id}/history")]
async fn history(
    can: Can<ReadShockOrStress>,
    path: web::Path<ShockOrStressPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<ShockOrStress>(listing, move |_, _| Ok(path.shock_or_stress_id)).await
}

/// Edit a shock or stress
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "shocks-and-stresses", operation_id = "edit_shock_or_stress",
    params(ShockOrStressPath, IfMatch),
    request_body(content = ShockOrStressContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditShockOrStress])),
    responses(
        (status = 200, description = "The shock or stress at its new revision", body = ShockOrStress),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/programs/{program}/shocks-and-stresses/{shock_or_stress_id}")]
async fn edit(
    can: Can<EditShockOrStress>,
    path: web::Path<ShockOrStressPath>,
    seen: Seen,
    patch: Patch<ShockOrStressContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| ShockOrStress::edit(tx, path.shock_or_stress_id, seen, patch)).await
}
