use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Consultation, ConsultationFilter, NewConsultation};
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
    api.service(list).service(call).service(read).service(history).service(edit);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ConsultationPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The consultation's id.
    consultation_id: Id,
}

/// A page of consultations.
#[derive(Serialize, ToSchema)]
pub struct ConsultationPage {
    pub items: Vec<Consultation>,
    pub next_cursor: Option<String>,
}

/// List the consultations of a programme
///
/// By the day on which they open, or by `sort`. `open_on` finds those that take input on a day.
#[utoipa::path(
    tag = "consultations", operation_id = "list_consultations",
    params(ProgramPath, ConsultationFilter, PageParams, ViewParams, ListParams<ConsultationFilter>),
    security(("bearer" = [Action::ReadConsultation])),
    responses((status = 200, description = "A page of consultations", body = ConsultationPage)),
)]
#[get("/programs/{program}/consultations")]
async fn list(can: Can<ReadConsultation>, listing: Listing<ConsultationFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Consultation, _>(listing, Consultation::list).await
}

/// Call for input
///
/// What is asked, about what, which kinds of input are wanted, and from which day to which.
#[utoipa::path(
    tag = "consultations", operation_id = "create_consultation",
    params(ProgramPath, Repeat),
    request_body = NewConsultation,
    security(("bearer" = [Action::CreateConsultation])),
    responses((status = 201, description = "The consultation", body = Consultation)),
)]
#[post("/programs/{program}/consultations")]
async fn call(can: Can<CreateConsultation>, Valid(new): Valid<NewConsultation>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Consultation::call(tx, new)).await
}

/// Read a consultation
///
/// It is open from `opens_on` to `closes_on`, both included, in the programme's time zone.
#[utoipa::path(
    tag = "consultations", operation_id = "get_consultation",
    params(ConsultationPath, ViewParams),
    security(("bearer" = [Action::ReadConsultation])),
    responses((status = 200, description = "The consultation", body = Consultation)),
)]
#[get("/programs/{program}/consultations/{consultation_id}")]
async fn read(
    can: Can<ReadConsultation>,
    path: web::Path<ConsultationPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    can.show::<Consultation>(path.consultation_id, view).await
}

/// Read a consultation's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "consultations", operation_id = "get_consultation_history",
    params(ConsultationPath, PageParams),
    security(("bearer" = [Action::ReadConsultation])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/consultations/{consultation_id}/history")]
async fn history(
    can: Can<ReadConsultation>,
    path: web::Path<ConsultationPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Consultation>(listing, move |_, _| Ok(path.consultation_id)).await
}

/// Edit a consultation
///
/// A merge patch (RFC 7396). What was sent already stands, whatever is asked for from now on.
#[utoipa::path(
    tag = "consultations", operation_id = "edit_consultation",
    params(ConsultationPath, IfMatch),
    request_body(content = NewConsultation, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditConsultation])),
    responses((status = 200, description = "The consultation at its new revision", body = Consultation)),
)]
#[patch("/programs/{program}/consultations/{consultation_id}")]
async fn edit(
    can: Can<EditConsultation>,
    path: web::Path<ConsultationPath>,
    seen: Seen,
    patch: Patch<NewConsultation>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Consultation::edit(tx, path.consultation_id, seen, patch)).await
}
