use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    model::{Decision, DecisionFilter},
    outcomes::{self, Outcomes, StageOutcomes},
};
use crate::{
    access::{Can, Reply, Seen},
    db::Id,
    events::StagePath,
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

/// Below `{p}/decisions`.
pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(read).service(history).service(rescind);
}

/// Below a stage of an event.
pub fn stage_routes(api: &mut Routes<'_>) {
    api.service(keep);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DecisionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The decision's id.
    decision_id: Id,
}

/// A page of decisions.
#[derive(Serialize, ToSchema)]
pub struct DecisionPage {
    pub items: Vec<Decision>,
    pub next_cursor: Option<String>,
}

/// Whether to try only.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// Checks and answers the same, and keeps nothing: the answer bears `Dry-Run: true`.
    #[serde(default)]
    #[param(required = false)]
    pub dry_run: bool,
}

/// List the decisions of a programme
///
/// In the order in which they were given, or by `sort`.
#[utoipa::path(
    tag = "decisions", operation_id = "list_decisions",
    params(ProgramPath, DecisionFilter, PageParams, ViewParams, ListParams<DecisionFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of decisions", body = DecisionPage)),
)]
#[get("/programs/{program}/decisions")]
async fn list(can: Can<ReadEvent>, listing: Listing<DecisionFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Decision, _>(listing, Decision::list).await
}

/// Read a decision
///
/// On which revision it was taken, what came of it, and why.
#[utoipa::path(
    tag = "decisions", operation_id = "get_decision",
    params(DecisionPath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The decision", body = Decision)),
)]
#[get("/programs/{program}/decisions/{decision_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<DecisionPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Decision>(path.decision_id, view).await
}

/// Read a decision's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "decisions", operation_id = "get_decision_history",
    params(DecisionPath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/decisions/{decision_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<DecisionPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Decision>(listing, move |_, _| Ok(path.decision_id)).await
}

/// Rescind a decision
///
/// The question stands in review again, as the room saw it; its ballot is closed and undecided. Not once the question was
/// changed again: then it takes a new decision.
#[utoipa::path(
    tag = "decisions", operation_id = "rescind_decision",
    params(DecisionPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The decision, rescinded", body = Decision),
        (status = 409, description = "It was rescinded already, or the question was changed since"),
    ),
)]
#[post("/programs/{program}/decisions/{decision_id}/rescission")]
async fn rescind(
    can: Can<RunEvent>,
    path: web::Path<DecisionPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Decision::rescind(tx, path.decision_id, seen, why)).await
}

/// Send what came of a stage
///
/// Attendance, votes, ballots to close and decisions, in this order, all or nothing. Everything is pinned to the revision
/// that the room saw; what changed meanwhile, and what breaks a rule, comes back as one list of conflicts.
#[utoipa::path(
    tag = "decisions", operation_id = "keep_stage_outcomes",
    params(StagePath, Trial, Repeat),
    request_body = StageOutcomes,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "What was made of it", body = Outcomes),
        (status = 409, description = "The event's state does not allow it, or some outcomes conflict"),
    ),
)]
#[post("/programs/{program}/events/{event_id}/stages/{stage_id}/outcomes")]
async fn keep(
    can: Can<RunEvent>,
    path: web::Path<StagePath>,
    trial: web::Query<Trial>,
    Valid(told): Valid<StageOutcomes>,
) -> Result<HttpResponse, Problem> {
    can.write_or_try(trial.dry_run, move |tx| {
        let made = outcomes::keep(tx, &path.event_id, path.stage_id, told)?;
        made.try_map(|mut made| {
            if trial.dry_run {
                made.tell_no_secrets();
            }
            Reply::json(200, &made.shown(tx)?)
        })
    })
    .await
}
