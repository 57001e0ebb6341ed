//! What those who decide do with inputs.

use actix_web::{HttpResponse, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    acts::InputTransition,
    decisions::{BulkInputDecision, NewInputAnswer, NewInputDecision},
    model::Input,
    routes::InputPath,
};
use crate::{
    access::{Can, Seen},
    decisions::Trial,
    idempotency::Repeat,
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    seen::IfMatch,
    valid::Valid,
};

/// The inputs on which the same was decided.
#[derive(Serialize, ToSchema)]
pub struct DecidedInputs {
    pub items: Vec<Input>,
}

/// Take a plain step of an input's life
///
/// From received to acknowledged; from either to in_review; from there to more_information_needed and back; from any
/// of them to quarantined, and from there back to received.
#[utoipa::path(
    tag = "inputs", operation_id = "step_input",
    params(InputPath, IfMatch, Repeat),
    request_body = InputTransition,
    security(("bearer" = [Action::DecideInput])),
    responses(
        (status = 200, description = "The input in its new state", body = Input),
        (status = 409, description = "Its state does not lead there"),
    ),
)]
#[post("/programs/{program}/inputs/{input_id}/transitions")]
pub(super) async fn step(
    can: Can<DecideInput>,
    path: web::Path<InputPath>,
    seen: Seen,
    Valid(step): Valid<InputTransition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Input::step(tx, path.input_id, seen, step)).await
}

/// Decide on an input
///
/// Once it is acknowledged or in review, with a reason that can be published and the exact revisions that came of it.
#[utoipa::path(
    tag = "inputs", operation_id = "decide_input",
    params(InputPath, IfMatch, Repeat),
    request_body = NewInputDecision,
    security(("bearer" = [Action::DecideInput])),
    responses(
        (status = 200, description = "The input, decided", body = Input),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/inputs/{input_id}/decision")]
pub(super) async fn decide(
    can: Can<DecideInput>,
    path: web::Path<InputPath>,
    seen: Seen,
    Valid(new): Valid<NewInputDecision>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Input::decide(tx, path.input_id, seen, new)).await
}

/// Answer the sender of an input
///
/// Once it is decided.
#[utoipa::path(
    tag = "inputs", operation_id = "answer_input",
    params(InputPath, IfMatch, Repeat),
    request_body = NewInputAnswer,
    security(("bearer" = [Action::DecideInput])),
    responses(
        (status = 200, description = "The input, answered", body = Input),
        (status = 409, description = "It is not decided, or answered already"),
    ),
)]
#[post("/programs/{program}/inputs/{input_id}/answer")]
pub(super) async fn answer(
    can: Can<DecideInput>,
    path: web::Path<InputPath>,
    seen: Seen,
    Valid(new): Valid<NewInputAnswer>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Input::answer(tx, path.input_id, seen, new)).await
}

/// Decide on many inputs
///
/// The same on each, all or none, each pinned to the revision that was looked at. What stands against some of them comes
/// back as one list of conflicts.
#[utoipa::path(
    tag = "inputs", operation_id = "decide_inputs",
    params(ProgramPath, Trial, Repeat),
    request_body = BulkInputDecision,
    security(("bearer" = [Action::DecideInput])),
    responses(
        (status = 200, description = "The inputs, decided", body = DecidedInputs),
        (status = 409, description = "Some were changed meanwhile or cannot be decided on: `outcome-conflicts`"),
    ),
)]
#[post("/programs/{program}/inputs/decisions")]
pub(super) async fn decide_all(
    can: Can<DecideInput>,
    trial: web::Query<Trial>,
    Valid(bulk): Valid<BulkInputDecision>,
) -> Result<HttpResponse, Problem> {
    can.write_or_try(trial.dry_run, move |tx| {
        let decided = Input::decide_all(tx, bulk)?;
        tx.all_changed(decided)
    })
    .await
}
