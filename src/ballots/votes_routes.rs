use actix_web::{HttpResponse, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    routes::BallotPath,
    votes::{NewVote, Vote, VoteFilter},
};
use crate::{
    access::Can,
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    reason::Reason,
    routes::Routes,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(cast).service(read).service(history).service(rescind);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct VotePath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The ballot's id.
    ballot_id: Id,
    /// The id of the organisation that votes.
    stakeholder_id: Id,
}

/// A page of votes.
#[derive(Serialize, ToSchema)]
pub struct VotePage {
    pub items: Vec<Vote>,
    pub next_cursor: Option<String>,
}

/// List the votes of a ballot
///
/// Who voted, and, unless the ballot is anonymous, what each said.
#[utoipa::path(
    tag = "ballots", operation_id = "list_votes",
    params(BallotPath, VoteFilter, PageParams, ViewParams, ListParams<VoteFilter>),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of votes", body = VotePage)),
)]
#[get("/programs/{program}/ballots/{ballot_id}/votes")]
async fn list(
    can: Can<ReadEvent>,
    path: web::Path<BallotPath>,
    listing: Listing<VoteFilter>,
) -> Result<HttpResponse, Problem> {
    can.list::<Vote, _>(listing, move |conn, reach, filter, page, at| {
        Vote::list(conn, reach, path.ballot_id, filter, page, at)
    })
    .await
}

/// Cast an organisation's vote
///
/// Or change it: until the ballot is closed. Agencies and partners vote for their own organisation; those who run the
/// event can record what another said, which is marked as `on_behalf`.
#[utoipa::path(
    tag = "ballots", operation_id = "cast_vote",
    params(VotePath, Repeat),
    request_body = NewVote,
    security(("bearer" = [Action::CastVote])),
    responses(
        (status = 200, description = "The vote", body = Vote),
        (status = 409, description = "The ballot is not open, or the organisation is not in its electorate"),
    ),
)]
#[put("/programs/{program}/ballots/{ballot_id}/votes/{stakeholder_id}")]
async fn cast(
    can: Can<CastVote>,
    path: web::Path<VotePath>,
    Valid(new): Valid<NewVote>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Vote::cast(tx, path.ballot_id, path.stakeholder_id, new)).await
}

/// Read an organisation's vote
///
/// What it said, unless the ballot is anonymous.
#[utoipa::path(
    tag = "ballots", operation_id = "get_vote",
    params(VotePath, ViewParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "The vote", body = Vote)),
)]
#[get("/programs/{program}/ballots/{ballot_id}/votes/{stakeholder_id}")]
async fn read(can: Can<ReadEvent>, path: web::Path<VotePath>, view: View) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Vote::identify(conn, reach, path.ballot_id, path.stakeholder_id);
    can.show_found::<Vote>(view, find).await
}

/// Read the history of an organisation's vote
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "ballots", operation_id = "get_vote_history",
    params(VotePath, PageParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/ballots/{ballot_id}/votes/{stakeholder_id}/history")]
async fn history(
    can: Can<ReadEvent>,
    path: web::Path<VotePath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let find = move |conn: &mut _, reach: &_| Vote::identify(conn, reach, path.ballot_id, path.stakeholder_id);
    can.history::<Vote>(listing, find).await
}

/// Rescind an organisation's vote
///
/// It does not count any more, and can be cast anew while the ballot is open.
#[utoipa::path(
    tag = "ballots", operation_id = "rescind_vote",
    params(VotePath, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::CastVote])),
    responses(
        (status = 200, description = "The vote, rescinded", body = Vote),
        (status = 409, description = "The ballot is not open, or the vote is rescinded already"),
    ),
)]
#[post("/programs/{program}/ballots/{ballot_id}/votes/{stakeholder_id}/rescission")]
async fn rescind(
    can: Can<CastVote>,
    path: web::Path<VotePath>,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Vote::rescind(tx, path.ballot_id, path.stakeholder_id, why)).await
}
