use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    imports,
    model::{NewStakeholder, Stakeholder, StakeholderFilter},
    reorganise_routes,
};
use crate::{
    access::{Myself, Platform, Seen},
    db::Id,
    decisions::Trial,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    sheets::{ImportReport, Sheet, SheetFile},
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(create).service(read).service(history).service(edit).service(confirm);
    api.service(import);
    api.service(reorganise_routes::merge).service(reorganise_routes::split);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct StakeholderPath {
    /// The stakeholder's id.
    pub(super) stakeholder_id: Id,
}

/// A page of stakeholders.
#[derive(Serialize, ToSchema)]
pub struct StakeholderPage {
    pub items: Vec<Stakeholder>,
    pub next_cursor: Option<String>,
}

/// List the stakeholders
///
/// Of all programmes, by kind, state or words of a name.
#[utoipa::path(
    tag = "stakeholders", operation_id = "list_stakeholders",
    params(StakeholderFilter, PageParams, ViewParams, ListParams<StakeholderFilter>),
    security(("bearer" = [Action::ReadStakeholder])),
    responses((status = 200, description = "A page of stakeholders", body = StakeholderPage)),
)]
#[get("/stakeholders")]
async fn list(can: Myself<ReadStakeholder>, listing: Listing<StakeholderFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Stakeholder, _>(listing, Stakeholder::list).await
}

/// Enter a stakeholder
///
/// An organisation that all programmes can then name, once confirmed or before.
#[utoipa::path(
    tag = "stakeholders", operation_id = "create_stakeholder",
    params(Repeat),
    request_body = NewStakeholder,
    security(("bearer" = [Action::CreateStakeholder])),
    responses(
        (status = 201, description = "The stakeholder, at revision 1", body = Stakeholder),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/stakeholders")]
async fn create(can: Platform<CreateStakeholder>, Valid(new): Valid<NewStakeholder>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Stakeholder::enter(tx, new)).await
}

/// Enter stakeholders from a table
///
/// CSV in UTF-8 as spreadsheets write it, separated by commas or semicolons, up to 2,000 rows: columns `name.id`, `kind`;
/// optionally `name.en`, `abbreviation`, `kind_as_reported`, `codes` and `external_references` (each `system:code`,
/// separated by spaces), `parent` (by id, code, name or abbreviation; it may stand in a row above) and `source` (a URL). An
/// organisation that is there already, by a code, a reference or a name, stays as it is: so the same file can be sent
/// again. One wrong cell refuses the file, and each is named. With `dry_run` the report tells of wrong rows too.
#[utoipa::path(
    tag = "stakeholders", operation_id = "import_stakeholders",
    params(Trial, Repeat),
    request_body(content = SheetFile, content_type = "text/csv"),
    security(("bearer" = [Action::ImportStakeholders])),
    responses((status = 200, description = "What came of each row", body = ImportReport)),
)]
#[post("/stakeholders/imports")]
async fn import(
    can: Platform<ImportStakeholders>,
    trial: web::Query<Trial>,
    sheet: Sheet,
) -> Result<HttpResponse, Problem> {
    let lang = can.language();
    can.write_or_try(trial.dry_run, move |tx| imports::take(tx, &sheet)?.answer(tx, trial.dry_run, lang)).await
}

/// Read a stakeholder
///
/// With its names through time and its codes in registers. One that was merged into another answers 308 with the path of that
/// one; with `as_of` before the merger it answers as it was.
#[utoipa::path(
    tag = "stakeholders", operation_id = "get_stakeholder",
    params(StakeholderPath, ViewParams),
    security(("bearer" = [Action::ReadStakeholder])),
    responses(
        (status = 200, description = "The stakeholder", body = Stakeholder),
        (
            status = 308, description = "It was merged into another: `Location` is where it went on",
            headers(("Location" = String, description = "The path of that organisation")),
        ),
    ),
)]
#[get("/stakeholders/{stakeholder_id}")]
async fn read(
    can: Myself<ReadStakeholder>,
    path: web::Path<StakeholderPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    can.show::<Stakeholder>(path.stakeholder_id, view).await
}

/// Read a stakeholder's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "stakeholders", operation_id = "get_stakeholder_history",
    params(StakeholderPath, PageParams),
    security(("bearer" = [Action::ReadStakeholder])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/stakeholders/{stakeholder_id}/history")]
async fn history(
    can: Myself<ReadStakeholder>,
    path: web::Path<StakeholderPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Stakeholder>(listing, move |_, _| Ok(path.stakeholder_id)).await
}

/// Edit a stakeholder
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "stakeholders", operation_id = "edit_stakeholder",
    params(StakeholderPath, IfMatch),
    request_body(content = NewStakeholder, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditStakeholder])),
    responses(
        (status = 200, description = "The stakeholder at its new revision", body = Stakeholder),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/stakeholders/{stakeholder_id}")]
async fn edit(
    can: Platform<EditStakeholder>,
    path: web::Path<StakeholderPath>,
    seen: Seen,
    patch: Patch<NewStakeholder>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Stakeholder::edit(tx, path.stakeholder_id, seen, patch)).await
}

/// Confirm a provisional stakeholder
///
/// Somebody looked: it exists, it is named right and it is not in the list twice.
#[utoipa::path(
    tag = "stakeholders", operation_id = "confirm_stakeholder",
    params(StakeholderPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::ConfirmStakeholder])),
    responses(
        (status = 200, description = "The stakeholder, confirmed", body = Stakeholder),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/stakeholders/{stakeholder_id}/confirmation")]
async fn confirm(
    can: Platform<ConfirmStakeholder>,
    path: web::Path<StakeholderPath>,
    seen: Seen,
    Valid(act): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Stakeholder::confirm(tx, path.stakeholder_id, seen, act)).await
}
