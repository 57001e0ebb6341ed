use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    gate,
    model::{NewPhase, Phase, PhaseAct, PhaseCompletion, PhaseFilter},
};
use crate::{
    access::{Can, Seen},
    db::Id,
    gate::GateBody,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
    versioned::{self, Versioned},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(create)
        .service(read)
        .service(history)
        .service(edit)
        .service(activate)
        .service(read_gate)
        .service(complete);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PhasePath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The phase's id.
    phase_id: Id,
}

/// A page of phases.
#[derive(Serialize, ToSchema)]
pub struct PhasePage {
    pub items: Vec<Phase>,
    pub next_cursor: Option<String>,
}

/// List the phases of a programme
///
/// In their order, or by `sort`.
#[utoipa::path(
    tag = "phases", operation_id = "list_phases",
    params(ProgramPath, PhaseFilter, PageParams, ViewParams, ListParams<PhaseFilter>),
    security(("bearer" = [Action::ReadPhase])),
    responses((status = 200, description = "A page of phases", body = PhasePage)),
)]
#[get("/programs/{program}/phases")]
async fn list(can: Can<ReadPhase>, listing: Listing<PhaseFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Phase, _>(listing, Phase::list).await
}

/// Plan a phase
///
/// It begins as planned, with its number in the order of the phases.
#[utoipa::path(
    tag = "phases", operation_id = "plan_phase",
    params(ProgramPath, Repeat),
    request_body = NewPhase,
    security(("bearer" = [Action::PlanPhase])),
    responses(
        (status = 201, description = "The phase, at revision 1", body = Phase),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/programs/{program}/phases")]
async fn create(can: Can<PlanPhase>, Valid(new): Valid<NewPhase>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Phase::plan(tx, new)).await
}

/// Read a phase
///
/// Its aim, its days as planned and as they came, its deliverables.
#[utoipa::path(
    tag = "phases", operation_id = "get_phase",
    params(PhasePath, ViewParams),
    security(("bearer" = [Action::ReadPhase])),
    responses((status = 200, description = "The phase", body = Phase)),
)]
#[get("/programs/{program}/phases/{phase_id}")]
async fn read(can: Can<ReadPhase>, path: web::Path<PhasePath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Phase>(path.phase_id, view).await
}

/// Read a phase's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "phases", operation_id = "get_phase_history",
    params(PhasePath, PageParams),
    security(("bearer" = [Action::ReadPhase])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/phases/{phase_id}/history")]
async fn history(
    can: Can<ReadPhase>,
    path: web::Path<PhasePath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Phase>(listing, move |_, _| Ok(path.phase_id)).await
}

/// Edit a phase
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "phases", operation_id = "edit_phase",
    params(PhasePath, IfMatch),
    request_body(content = NewPhase, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditPhase])),
    responses(
        (status = 200, description = "The phase at its new revision", body = Phase),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/programs/{program}/phases/{phase_id}")]
async fn edit(
    can: Can<EditPhase>,
    path: web::Path<PhasePath>,
    seen: Seen,
    patch: Patch<NewPhase>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Phase::edit(tx, path.phase_id, seen, patch)).await
}

/// Begin a phase
///
/// A planned phase becomes active, from the day that is given.
#[utoipa::path(
    tag = "phases", operation_id = "activate_phase",
    params(PhasePath, IfMatch, Repeat),
    request_body = PhaseAct,
    security(("bearer" = [Action::ActivatePhase])),
    responses(
        (status = 200, description = "The phase, active", body = Phase),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/phases/{phase_id}/activation")]
async fn activate(
    can: Can<ActivatePhase>,
    path: web::Path<PhasePath>,
    seen: Seen,
    Valid(act): Valid<PhaseAct>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Phase::activate(tx, path.phase_id, seen, act)).await
}

/// Read what stands in the way of completing a phase
///
/// Each obstacle with its link: deliverables that are not issued, events that are not over, follow-ups, questions in review.
#[utoipa::path(
    tag = "phases", operation_id = "get_phase_gate",
    params(PhasePath),
    security(("bearer" = [Action::ReadPhase])),
    responses((status = 200, description = "The gate", body = GateBody)),
)]
#[get("/programs/{program}/phases/{phase_id}/gate")]
async fn read_gate(can: Can<ReadPhase>, path: web::Path<PhasePath>) -> Result<HttpResponse, Problem> {
    let obstacles = can
        .snapshot(move |conn, reach| {
            let stored = Phase::open(conn, reach.ledger, path.phase_id)?.ok_or(Problem::NotFound)?;
            let phase: Phase = versioned::parse(&stored.body)?;
            gate::obstacles(conn, reach, &phase)
        })
        .await?;
    can.answer_told(|lang| GateBody::of(&obstacles, lang))
}

/// Complete a phase
///
/// An active phase ends, on the day that is given. Refused, with the list of obstacles, while its gate is not clear, unless
/// `override_reason` says why it is completed all the same.
#[utoipa::path(
    tag = "phases", operation_id = "complete_phase",
    params(PhasePath, IfMatch, Repeat),
    request_body = PhaseCompletion,
    security(("bearer" = [Action::CompletePhase])),
    responses(
        (status = 200, description = "The phase, completed", body = Phase),
        (status = 409, description = "Its gate is not clear, or its state does not allow it"),
    ),
)]
#[post("/programs/{program}/phases/{phase_id}/completion")]
async fn complete(
    can: Can<CompletePhase>,
    path: web::Path<PhasePath>,
    seen: Seen,
    Valid(end): Valid<PhaseCompletion>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Phase::complete(tx, path.phase_id, seen, end)).await
}
