use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{FocusArea, FocusAreaContent, FocusAreaFilter, NewFocusArea};
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
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(create).service(read).service(history).service(edit).service(retire);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct FocusAreaPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The focus area's id.
    focus_area_id: Id,
}

/// A page of focus areas.
#[derive(Serialize, ToSchema)]
pub struct FocusAreaPage {
    pub items: Vec<FocusArea>,
    pub next_cursor: Option<String>,
}

/// List the focus areas of a programme
///
/// In the order of their numbers, or by `sort`; retired ones too.
#[utoipa::path(
    tag = "focus-areas", operation_id = "list_focus_areas",
    params(ProgramPath, FocusAreaFilter, PageParams, ViewParams, ListParams<FocusAreaFilter>),
    security(("bearer" = [Action::ReadFocusArea])),
    responses((status = 200, description = "A page of focus areas", body = FocusAreaPage)),
)]
#[get("/programs/{program}/focus-areas")]
async fn list(can: Can<ReadFocusArea>, listing: Listing<FocusAreaFilter>) -> Result<HttpResponse, Problem> {
    can.list::<FocusArea, _>(listing, FocusArea::list).await
}

/// Name a focus area
///
/// It gets a number for good, from which its code is made.
#[utoipa::path(
    tag = "focus-areas", operation_id = "name_focus_area",
    params(ProgramPath, Repeat),
    request_body = NewFocusArea,
    security(("bearer" = [Action::NameFocusArea])),
    responses(
        (status = 201, description = "The focus area, at revision 1", body = FocusArea),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/programs/{program}/focus-areas")]
async fn create(can: Can<NameFocusArea>, Valid(new): Valid<NewFocusArea>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| FocusArea::name(tx, new)).await
}

/// Read a focus area
///
/// Its names through time, the problem behind it and its emphases.
#[utoipa::path(
    tag = "focus-areas", operation_id = "get_focus_area",
    params(FocusAreaPath, ViewParams),
    security(("bearer" = [Action::ReadFocusArea])),
    responses((status = 200, description = "The focus area", body = FocusArea)),
)]
#[get("/programs/{program}/focus-areas/{focus_area_id}")]
async fn read(can: Can<ReadFocusArea>, path: web::Path<FocusAreaPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<FocusArea>(path.focus_area_id, view).await
}

/// Read a focus area's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "focus-areas", operation_id = "get_focus_area_history",
    params(FocusAreaPath, PageParams),
    security(("bearer" = [Action::ReadFocusArea])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/focus-areas/{focus_area_id}/history")]
async fn history(
    can: Can<ReadFocusArea>,
    path: web::Path<FocusAreaPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<FocusArea>(listing, move |_, _| Ok(path.focus_area_id)).await
}

/// Edit a focus area
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "focus-areas", operation_id = "edit_focus_area",
    params(FocusAreaPath, IfMatch),
    request_body(content = FocusAreaContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditFocusArea])),
    responses(
        (status = 200, description = "The focus area at its new revision", body = FocusArea),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/programs/{program}/focus-areas/{focus_area_id}")]
async fn edit(
    can: Can<EditFocusArea>,
    path: web::Path<FocusAreaPath>,
    seen: Seen,
    patch: Patch<FocusAreaContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| FocusArea::edit(tx, path.focus_area_id, seen, patch)).await
}

/// Retire a focus area
///
/// No question can be asked in it or moved to it any more.
#[utoipa::path(
    tag = "focus-areas", operation_id = "retire_focus_area",
    params(FocusAreaPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RetireFocusArea])),
    responses(
        (status = 200, description = "The focus area, retired", body = FocusArea),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/focus-areas/{focus_area_id}/retirement")]
async fn retire(
    can: Can<RetireFocusArea>,
    path: web::Path<FocusAreaPath>,
    seen: Seen,
    Valid(act): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| FocusArea::retire(tx, path.focus_area_id, seen, act)).await
}
