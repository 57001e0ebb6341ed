use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    basis::{self, Basis},
    gate,
    model::{Adopt, NewStatement, Statement, StatementFilter, StatementRevision, StatementTransition},
    positions_routes, publication,
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
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(draft)
        .service(read)
        .service(history)
        .service(revisions)
        .service(revise)
        .service(revision)
        .service(advance)
        .service(read_gate)
        .service(read_basis)
        .service(adopt)
        .service(publish);
    positions_routes::routes(api);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct StatementPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The statement's id.
    pub statement_id: Id,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct StatementRevisionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The statement's id.
    statement_id: Id,
    /// The number of the revision.
    #[param(minimum = 1, maximum = 2_147_483_647, example = 1)]
    revision: i32,
}

/// A page of statements.
#[derive(Serialize, ToSchema)]
pub struct StatementPage {
    pub items: Vec<Statement>,
    pub next_cursor: Option<String>,
}

/// List the statements of a programme
///
/// In the order in which they were drafted, or by `sort`. Drafts are not shown to partners.
#[utoipa::path(
    tag = "statements", operation_id = "list_statements",
    params(ProgramPath, StatementFilter, PageParams, ViewParams, ListParams<StatementFilter>),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "A page of statements", body = StatementPage)),
)]
#[get("/programs/{program}/statements")]
async fn list(can: Can<ReadStatement>, listing: Listing<StatementFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Statement, _>(listing, Statement::list).await
}

/// Draft a statement
///
/// An overall account and a section for each focus area, each with the exact revisions that it rests on. With
/// `supersedes_id` it is the next edition of an adopted or published one.
#[utoipa::path(
    tag = "statements", operation_id = "draft_statement",
    params(ProgramPath, Repeat),
    request_body = NewStatement,
    security(("bearer" = [Action::DraftStatement])),
    responses(
        (status = 201, description = "The statement, a draft", body = Statement),
        (status = 409, description = "What it is to supersede cannot be superseded"),
    ),
)]
#[post("/programs/{program}/statements")]
async fn draft(can: Can<DraftStatement>, Valid(new): Valid<NewStatement>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Statement::draft(tx, new)).await
}

/// Read a statement
///
/// Drafts are not shown to partners.
#[utoipa::path(
    tag = "statements", operation_id = "get_statement",
    params(StatementPath, ViewParams),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "The statement", body = Statement)),
)]
#[get("/programs/{program}/statements/{statement_id}")]
async fn read(can: Can<ReadStatement>, path: web::Path<StatementPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Statement>(path.statement_id, view).await
}

/// Read a statement's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "statements", operation_id = "get_statement_history",
    params(StatementPath, PageParams),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/statements/{statement_id}/history")]
async fn history(
    can: Can<ReadStatement>,
    path: web::Path<StatementPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Statement>(listing, move |_, _| Ok(path.statement_id)).await
}

/// List a statement's revisions
///
/// The same as its history, under the path by which one more is made.
#[utoipa::path(
    tag = "statements", operation_id = "list_statement_revisions",
    params(StatementPath, PageParams),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/statements/{statement_id}/revisions")]
async fn revisions(
    can: Can<ReadStatement>,
    path: web::Path<StatementPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Statement>(listing, move |_, _| Ok(path.statement_id)).await
}

/// Revise a statement
///
/// All of its content anew. Positions on what it said before are stale from then on, and one that was proposed is aligned
/// again. Not any more once it is adopted: then another statement supersedes it.
#[utoipa::path(
    tag = "statements", operation_id = "revise_statement",
    params(StatementPath, IfMatch, Repeat),
    request_body = StatementRevision,
    security(("bearer" = [Action::ReviseStatement])),
    responses(
        (status = 201, description = "The statement at its new revision", body = Statement),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/statements/{statement_id}/revisions")]
async fn revise(
    can: Can<ReviseStatement>,
    path: web::Path<StatementPath>,
    seen: Seen,
    Valid(new): Valid<StatementRevision>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Statement::revise(tx, path.statement_id, seen, new)).await
}

/// Read an earlier revision of a statement
///
/// All that it said then.
#[utoipa::path(
    tag = "statements", operation_id = "get_statement_revision",
    params(StatementRevisionPath),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "The statement as it was at that revision", body = Statement)),
)]
#[get("/programs/{program}/statements/{statement_id}/revisions/{revision}")]
async fn revision(can: Can<ReadStatement>, path: web::Path<StatementRevisionPath>) -> Result<HttpResponse, Problem> {
    can.show_revision::<Statement>(path.revision, move |_, _| Ok(path.statement_id)).await
}

/// Take a plain step of a statement's life cycle
///
/// draft → in_alignment → proposed; from in_alignment back to draft, from proposed back to in_alignment.
#[utoipa::path(
    tag = "statements", operation_id = "advance_statement",
    params(StatementPath, IfMatch, Repeat),
    request_body = StatementTransition,
    security(("bearer" = [Action::AdvanceStatement])),
    responses(
        (status = 200, description = "The statement in its new state", body = Statement),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/statements/{statement_id}/transitions")]
async fn advance(
    can: Can<AdvanceStatement>,
    path: web::Path<StatementPath>,
    seen: Seen,
    Valid(step): Valid<StatementTransition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Statement::advance(tx, path.statement_id, seen, step)).await
}

/// Read what stands in the way of adopting a statement
///
/// Each obstacle with its link. An empty list means that adoption succeeds once it is proposed.
#[utoipa::path(
    tag = "statements", operation_id = "get_statement_gate",
    params(StatementPath),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "The gate", body = GateBody)),
)]
#[get("/programs/{program}/statements/{statement_id}/gate")]
async fn read_gate(can: Can<ReadStatement>, path: web::Path<StatementPath>) -> Result<HttpResponse, Problem> {
    let obstacles = can
        .snapshot(move |conn, reach| {
            let statement = Statement::shown(conn, reach, path.statement_id)?;
            gate::obstacles(conn, reach, &statement)
        })
        .await?;
    can.answer_told(|lang| GateBody::of(&obstacles, lang))
}

/// Read what a statement rests on
///
/// Each thing at the revision that the statement names, and what became of it since.
#[utoipa::path(
    tag = "statements", operation_id = "get_statement_basis",
    params(StatementPath),
    security(("bearer" = [Action::ReadStatement])),
    responses((status = 200, description = "The basis", body = Basis)),
)]
#[get("/programs/{program}/statements/{statement_id}/basis")]
async fn read_basis(can: Can<ReadStatement>, path: web::Path<StatementPath>) -> Result<HttpResponse, Problem> {
    let basis = can
        .snapshot(move |conn, reach| {
            let statement = Statement::shown(conn, reach, path.statement_id)?;
            basis::read(conn, reach, &statement)
        })
        .await?;
    can.answer(&basis)
}

/// Adopt a statement
///
/// It is determined (*ditetapkan*) by the lead. Refused, with the list of obstacles, while its gate is not clear, unless
/// `override_reason` says why it is adopted all the same: statement and ledger keep that for good.
#[utoipa::path(
    tag = "statements", operation_id = "adopt_statement",
    params(StatementPath, IfMatch, Repeat),
    request_body = Adopt,
    security(("bearer" = [Action::AdoptStatement])),
    responses(
        (status = 200, description = "The statement, adopted", body = Statement),
        (status = 409, description = "Its gate is not clear, or its state does not allow it"),
    ),
)]
#[post("/programs/{program}/statements/{statement_id}/adoption")]
async fn adopt(
    can: Can<AdoptStatement>,
    path: web::Path<StatementPath>,
    seen: Seen,
    Valid(adoption): Valid<Adopt>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Statement::adopt(tx, path.statement_id, seen, adoption)).await
}

/// Publish a statement
///
/// Its exact text is kept and signed with a record key, under an address that is for good. The edition that it supersedes
/// says from then on that it is superseded, and stays readable.
#[utoipa::path(
    tag = "statements", operation_id = "publish_statement",
    params(StatementPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::PublishStatement])),
    responses(
        (status = 200, description = "The statement, published", body = Statement),
        (status = 409, description = "It is published already, or not adopted"),
    ),
)]
#[post("/programs/{program}/statements/{statement_id}/publication")]
async fn publish(
    can: Can<PublishStatement>,
    path: web::Path<StatementPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    let keys = can.service().keys();
    can.change(move |tx| publication::publish(tx, &keys, path.statement_id, seen, why)).await
}
