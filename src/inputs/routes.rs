use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    acts::InputCorrection,
    acts_routes,
    batch::{Batch, BatchResult, InputBatch},
    model::{Input, InputFilter, NewInput},
    outcome::{self, InputOutcome},
    receipt::{self, Envelope},
    send,
};
use crate::{
    access::{Can, Seen},
    db::Id,
    decisions::Trial,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    pages::Rendition,
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Unchecked, Valid},
};

/// A batch of 500 inputs has more to say than other bodies.
const BODY_LIMIT: usize = 4 << 20;

pub fn routes(api: &mut Routes<'_>) {
    api.body_limit(BODY_LIMIT)
        .service(list)
        .service(send_one)
        .service(send_batch)
        .service(acts_routes::decide_all)
        .service(read)
        .service(history)
        .service(read_outcome)
        .service(read_receipt)
        .service(correct)
        .service(withdraw)
        .service(acts_routes::step)
        .service(acts_routes::decide)
        .service(acts_routes::answer);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct InputPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The input's id.
    pub input_id: Id,
}

/// A page of inputs.
#[derive(Serialize, ToSchema)]
pub struct InputPage {
    pub items: Vec<Input>,
    pub next_cursor: Option<String>,
}

/// List the inputs of a programme
///
/// In the order in which they were received, or by `sort`. Partners see what their own organisation sent.
#[utoipa::path(
    tag = "inputs", operation_id = "list_inputs",
    params(ProgramPath, InputFilter, PageParams, ViewParams, ListParams<InputFilter>),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "A page of inputs", body = InputPage)),
)]
#[get("/programs/{program}/inputs")]
async fn list(can: Can<ReadInput>, listing: Listing<InputFilter>) -> Result<HttpResponse, Problem> {
    let today = can.today();
    can.list::<Input, _>(listing, move |conn, reach, filter, page, at| {
        Input::list(conn, reach, filter, page, at, today)
    })
    .await
}

/// Send an input
///
/// For your own organisation, with an `Idempotency-Key` or an `external_ref`. The same reference with the same content
/// answers what there is; with other content it is refused. The `Link` of the answer leads to the receipt.
#[utoipa::path(
    tag = "inputs", operation_id = "send_input",
    params(ProgramPath, Repeat),
    request_body = NewInput,
    security(("bearer" = [Action::SendInput])),
    responses(
        (status = 201, description = "The input, received", body = Input),
        (status = 200, description = "The input of this reference, which was sent before", body = Input),
        (status = 409, description = "The consultation does not take it, or the reference is in use: `conflict`, \
            `external-ref-taken`, `input-withdrawn`"),
    ),
)]
#[post("/programs/{program}/inputs")]
async fn send_one(can: Can<SendInput>, Valid(new): Valid<NewInput>) -> Result<HttpResponse, Problem> {
    let envelope = Envelope::of(&can)?;
    can.write(move |tx| send::receive(tx, &envelope, new)).await
}

/// Send many inputs
///
/// For your own organisation. With `mode: all`, one that cannot be taken refuses the whole, with the pointer of each
/// fault; with `mode: each`, the others are kept and each says what came of it. Each needs an `external_ref`, or the
/// request an `Idempotency-Key`.
#[utoipa::path(
    tag = "inputs", operation_id = "send_inputs",
    params(ProgramPath, Trial, Repeat),
    request_body = InputBatch,
    security(("bearer" = [Action::SendInput])),
    responses(
        (status = 200, description = "All were taken", body = BatchResult),
        (status = 207, description = "What came of each", body = BatchResult),
        (status = 409, description = "With `mode: all`, something stands against some of them: `outcome-conflicts`"),
    ),
)]
#[post("/programs/{program}/inputs/batch")]
async fn send_batch(
    can: Can<SendInput>,
    trial: web::Query<Trial>,
    Unchecked(body): Unchecked,
) -> Result<HttpResponse, Problem> {
    let (envelope, lang) = (Envelope::of(&can)?, can.language());
    let batch = Batch::read(body, &can.service().schemas)?;
    can.write_or_try(trial.dry_run, move |tx| batch.receive(tx, &envelope, lang)).await
}

/// Read an input
///
/// With where it stands, what is owed and what was decided. Partners see what their own organisation sent; what is
/// quarantined is seen by its sender and those who decide.
#[utoipa::path(
    tag = "inputs", operation_id = "get_input",
    params(InputPath, ViewParams),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "The input", body = Input)),
)]
#[get("/programs/{program}/inputs/{input_id}")]
async fn read(can: Can<ReadInput>, path: web::Path<InputPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Input>(path.input_id, view).await
}

/// Read an input's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "inputs", operation_id = "get_input_history",
    params(InputPath, PageParams),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/inputs/{input_id}/history")]
async fn history(
    can: Can<ReadInput>,
    path: web::Path<InputPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Input>(listing, move |_, _| Ok(path.input_id)).await
}

/// Read what became of an input
///
/// Its state, the day by which a decision is owed, the decision with the exact revisions that came of the input, the
/// answer, and who is to act next.
#[utoipa::path(
    tag = "inputs", operation_id = "get_input_outcome",
    params(InputPath),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "What became of it", body = InputOutcome)),
)]
#[get("/programs/{program}/inputs/{input_id}/outcome")]
async fn read_outcome(can: Can<ReadInput>, path: web::Path<InputPath>) -> Result<HttpResponse, Problem> {
    let today = can.today();
    let outcome = can.snapshot(move |conn, reach| outcome::read(conn, reach, path.input_id, today)).await?;
    can.answer(&outcome)
}

/// Read the receipt of an input
///
/// A compact JWS of type `tangguh-receipt+jws` over the input's row of the ledger, the digest of what was received and
/// the moment. It verifies with `GET /.well-known/record-keys.json`.
#[utoipa::path(
    tag = "inputs", operation_id = "get_input_receipt",
    params(InputPath),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "The receipt", body = String, content_type = "application/jose")),
)]
#[get("/programs/{program}/inputs/{input_id}/receipt")]
async fn read_receipt(can: Can<ReadInput>, path: web::Path<InputPath>) -> Result<HttpResponse, Problem> {
    let body = can
        .snapshot(move |conn, reach| {
            outcome::shown(conn, reach, path.input_id)?;
            receipt::read(conn, reach, path.input_id)
        })
        .await?;
    Ok(can.send(Rendition { body, content_type: "application/jose", lang: None, exact: true }))
}

/// Correct an input
///
/// A merge patch (RFC 7396) by the organisation that sent it, until it is in review. While more information is needed,
/// a `reply` puts it back into review.
#[utoipa::path(
    tag = "inputs", operation_id = "correct_input",
    params(InputPath, IfMatch),
    request_body(content = InputCorrection, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::CorrectInput])),
    responses(
        (status = 200, description = "The input at its new revision", body = Input),
        (status = 409, description = "Its state does not allow it, or nothing was asked"),
    ),
)]
#[patch("/programs/{program}/inputs/{input_id}")]
async fn correct(
    can: Can<CorrectInput>,
    path: web::Path<InputPath>,
    seen: Seen,
    patch: Patch<InputCorrection>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Input::correct(tx, path.input_id, seen, patch)).await
}

/// Withdraw an input
///
/// By the organisation that sent it, before it is decided on. Its reference stays taken.
#[utoipa::path(
    tag = "inputs", operation_id = "withdraw_input",
    params(InputPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::WithdrawInput])),
    responses(
        (status = 200, description = "The input, withdrawn", body = Input),
        (status = 409, description = "It is decided on, or withdrawn already"),
    ),
)]
#[post("/programs/{program}/inputs/{input_id}/withdrawal")]
async fn withdraw(
    can: Can<WithdrawInput>,
    path: web::Path<InputPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Input::withdraw(tx, path.input_id, seen, why)).await
}
