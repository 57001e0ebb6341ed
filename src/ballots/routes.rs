use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    model::{Ballot, BallotFilter, NewBallot},
    result::BallotResult,
    votes_routes,
};
use crate::{
    access::{Can, Seen},
    db::Id,
    decisions::{self, Decision, NewDecision},
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
    valid::{Patch, Valid},
    versioned::{self, Versioned},
};

/// Below `{p}/ballots`.
pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(read)
        .service(history)
        .service(edit)
        .service(open)
        .service(close)
        .service(void)
        .service(result)
        .service(decide);
    votes_routes::routes(api);
}

/// Below a stage of an event.
pub fn stage_routes(api: &mut Routes<'_>) {
    api.service(of_stage).service(prepare);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct BallotPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The ballot's id.
    pub ballot_id: Id,
}

/// A page of ballots.
#[derive(Serialize, ToSchema)]
pub struct BallotPage {
    pub items: Vec<Ballot>,
    pub next_cursor: Option<String>,
}

/// List the ballots of a programme
///
/// In the order of their codes, or by `sort`.
#[utoipa::path(
    tag = "ballots", operation_id = "list_ballots",
    params(ProgramPath, BallotFilter, PageParams, ViewParams, ListParams<BallotFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of ballots", body = BallotPage)),
)]
#[get("/programs/{program}/ballots")]
async fn list(can: Can<ReadEvent>, listing: Listing<BallotFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Ballot, _>(listing, Ballot::list).await
}

/// List the ballots of a stage
///
/// In the order of their codes, or by `sort`.
#[utoipa::path(
    tag = "ballots", operation_id = "list_stage_ballots",
    params(StagePath, BallotFilter, PageParams, ViewParams, ListParams<BallotFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of ballots", body = BallotPage)),
)]
#[get("/programs/{program}/events/{event_id}/stages/{stage_id}/ballots")]
async fn of_stage(
    can: Can<ReadEvent>,
    path: web::Path<StagePath>,
    listing: Listing<BallotFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<Ballot, _>(listing, move |conn, reach, filter, page, at| {
        Ballot::list_of(conn, reach, (&path.event_id, path.stage_id), filter, page, at)
    })
    .await
}

/// Prepare a ballot in a stage
///
/// Method, scale, rule, quorum and unit are declared beforehand. It begins as a draft.
#[utoipa::path(
    tag = "ballots", operation_id = "prepare_ballot",
    params(StagePath, Repeat),
    request_body = NewBallot,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 201, description = "The ballot, at revision 1", body = Ballot),
        (status = 409, description = "The event's state does not allow it"),
    ),
)]
#[post("/programs/{program}/events/{event_id}/stages/{stage_id}/ballots")]
async fn prepare(
    can: Can<RunEvent>,
    path: web::Path<StagePath>,
    Valid(new): Valid<NewBallot>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Ballot::prepare(tx, &path.event_id, path.stage_id, new)).await
}

/// Read a ballot
///
/// What is asked and how, who votes, and, once it is closed, the result.
#[utoipa::path(
    tag = "ballots", operation_id = "get_ballot",
    params(BallotPath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The ballot", body = Ballot)),
)]
#[get("/programs/{program}/ballots/{ballot_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<BallotPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Ballot>(path.ballot_id, view).await
}

/// Read a ballot's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "ballots", operation_id = "get_ballot_history",
    params(BallotPath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/ballots/{ballot_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<BallotPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Ballot>(listing, move |_, _| Ok(path.ballot_id)).await
}

/// Edit a ballot
///
/// A merge patch (RFC 7396), until the first vote: then what was declared is frozen.
#[utoipa::path(
    tag = "ballots", operation_id = "edit_ballot",
    params(BallotPath, IfMatch),
    request_body(content = NewBallot, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The ballot at its new revision", body = Ballot),
        (status = 409, description = "A vote was cast, or its state does not allow it"),
    ),
)]
#[patch("/programs/{program}/ballots/{ballot_id}")]
async fn edit(
    can: Can<RunEvent>,
    path: web::Path<BallotPath>,
    seen: Seen,
    patch: Patch<NewBallot>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Ballot::edit(tx, path.ballot_id, seen, patch)).await
}

/// Open a ballot
///
/// The electorate of its stage votes from now on. A question that is proposed is in review from now on, and the
/// revision that the electorate sees is fixed.
#[utoipa::path(
    tag = "ballots", operation_id = "open_ballot",
    params(BallotPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The ballot, open", body = Ballot),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/ballots/{ballot_id}/opening")]
async fn open(
    can: Can<RunEvent>,
    path: web::Path<BallotPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Ballot::open_for_votes(tx, path.ballot_id, seen, why)).await
}

/// Close a ballot
///
/// The result is computed from the votes that were cast.
#[utoipa::path(
    tag = "ballots", operation_id = "close_ballot",
    params(BallotPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The ballot, closed, with its result", body = Ballot),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/ballots/{ballot_id}/closing")]
async fn close(
    can: Can<RunEvent>,
    path: web::Path<BallotPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Ballot::close_votes(tx, path.ballot_id, seen, why)).await
}

/// Declare a ballot void
///
/// It counts for nothing; a new one can be held.
#[utoipa::path(
    tag = "ballots", operation_id = "void_ballot",
    params(BallotPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 200, description = "The ballot, void", body = Ballot),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/ballots/{ballot_id}/voiding")]
async fn void(
    can: Can<RunEvent>,
    path: web::Path<BallotPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Ballot::void(tx, path.ballot_id, seen, why)).await
}

/// Read the result of a ballot
///
/// Computed when it was closed: the distribution, by kind of organisation too, and what the declared rule makes of it.
#[utoipa::path(
    tag = "ballots", operation_id = "get_ballot_result",
    params(BallotPath),
    security(("bearer" = [Action::ReadEvent])),
    responses(
        (status = 200, description = "The result", body = BallotResult),
        (status = 409, description = "It is not closed yet"),
    ),
)]
#[get("/programs/{program}/ballots/{ballot_id}/result")]
async fn result(can: Can<ReadEvent>, path: web::Path<BallotPath>) -> Result<HttpResponse, Problem> {
    let result = can
        .read(move |conn, reach| {
            let stored = Ballot::open(conn, reach.ledger, path.ballot_id)?.ok_or(Problem::NotFound)?;
            let ballot: Ballot = versioned::parse(&stored.body)?;
            ballot.result.ok_or(Problem::WrongState { action: "event.read", state: stored.state })
        })
        .await?;
    can.answer(&result)
}

/// Decide on the question of a ballot
///
/// Pinned to the revision that the electorate saw. The computed result and the decision are two things: whoever decides
/// otherwise gives the reason. The decision, the question's new revision and the ledger's rows are one change.
#[utoipa::path(
    tag = "ballots", operation_id = "decide_ballot",
    params(BallotPath, Repeat),
    request_body = NewDecision,
    security(("bearer" = [Action::RunEvent])),
    responses(
        (status = 201, description = "The decision", body = Decision),
        (status = 409, description = "It is not closed, it has no quorum, or the question's state does not allow it"),
        (status = 412, description = "The question was changed meanwhile"),
    ),
)]
#[post("/programs/{program}/ballots/{ballot_id}/decision")]
async fn decide(
    can: Can<RunEvent>,
    path: web::Path<BallotPath>,
    Valid(new): Valid<NewDecision>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| decisions::on_ballot(tx, path.ballot_id, new)).await
}
