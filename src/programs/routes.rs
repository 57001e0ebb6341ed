use actix_web::{HttpResponse, get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    diff::{self, DiffFilter, DiffPage, Found},
    model::{NewProgram, Program, ProgramContent, ProgramFilter, ProgramTransition},
    summary::{self, Summary},
};
use crate::{
    access::{Can, Myself, Platform, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    ledger::stand,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(begin)
        .service(read)
        .service(history)
        .service(edit)
        .service(step)
        .service(summarize)
        .service(difference);
}

/// The programme that a path names: the door reads it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "read by the door")]
pub struct ProgramPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    program: String,
}

/// A page of programmes.
#[derive(Serialize, ToSchema)]
pub struct ProgramPage {
    pub items: Vec<Program>,
    pub next_cursor: Option<String>,
}

/// List the programmes that you are a member of
///
/// Admins see all.
#[utoipa::path(
    tag = "programs", operation_id = "list_programs",
    params(ProgramFilter, PageParams, ListParams<ProgramFilter>),
    security(("bearer" = [Action::ListPrograms])),
    responses((status = 200, description = "A page of programmes", body = ProgramPage)),
)]
#[get("/programs")]
async fn list(myself: Myself<ListPrograms>, listing: Listing<ProgramFilter>) -> Result<HttpResponse, Problem> {
    let now = myself.service().clock.now();
    let own = myself.1.memberships.iter().filter(|held| held.holds(now)).map(|held| held.program);
    let ids: Vec<Id> = own.chain(myself.1.programs.iter().map(|(id, ..)| *id)).collect();
    let (filter, page) = (listing.filter, listing.page.clone());
    let rows = myself.read(move |conn, _| Program::among(conn, &ids, &filter, &page)).await?;
    myself.list_across::<Program>(rows, &listing.page, |id| myself.1.roles_in(id, now))
}

/// Begin a programme
///
/// It begins active, with a ledger of its own and no members: grant a lead next.
#[utoipa::path(
    tag = "programs", operation_id = "create_program",
    params(Repeat),
    request_body = NewProgram,
    security(("bearer" = [Action::CreateProgram])),
    responses(
        (status = 201, description = "The programme, at revision 1", body = Program),
        (status = 409, description = "The slug is taken"),
    ),
)]
#[post("/programs")]
async fn begin(can: Platform<CreateProgram>, Valid(new): Valid<NewProgram>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Program::begin(tx, new)).await
}

/// Read a programme
///
/// Its name, its area and its networks.
#[utoipa::path(
    tag = "programs", operation_id = "get_program",
    params(ProgramPath, ViewParams),
    security(("bearer" = [Action::ReadProgram])),
    responses((status = 200, description = "The programme", body = Program)),
)]
#[get("/programs/{program}")]
async fn read(can: Can<ReadProgram>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Program>(can.reach.ledger, view).await
}

/// Read a programme's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "programs", operation_id = "get_program_history",
    params(ProgramPath, PageParams),
    security(("bearer" = [Action::ReadProgram])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/history")]
async fn history(can: Can<ReadProgram>, listing: Listing<HistoryFilter>) -> Result<HttpResponse, Problem> {
    can.history::<Program>(listing, |_, reach| Ok(reach.ledger)).await
}

/// Edit a programme
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "programs", operation_id = "edit_program",
    params(ProgramPath, IfMatch),
    request_body(content = ProgramContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditProgram])),
    responses(
        (status = 200, description = "The programme at its new revision", body = Program),
        (status = 409, description = "It is archived"),
    ),
)]
#[patch("/programs/{program}")]
async fn edit(can: Can<EditProgram>, seen: Seen, patch: Patch<ProgramContent>) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Program::edit(tx, seen, patch)).await
}

/// Archive a programme, or make it active again
///
/// In an archived programme nothing changes.
#[utoipa::path(
    tag = "programs", operation_id = "archive_program",
    params(ProgramPath, IfMatch, Repeat),
    request_body = ProgramTransition,
    security(("bearer" = [Action::ArchiveProgram])),
    responses(
        (status = 200, description = "The programme in its new state", body = Program),
        (status = 409, description = "It is in that state already"),
    ),
)]
#[post("/programs/{program}/transitions")]
async fn step(
    can: Can<ArchiveProgram>,
    seen: Seen,
    Valid(step): Valid<ProgramTransition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Program::step(tx, seen, step)).await
}

/// See a programme at a glance
///
/// Counts by state, the next days, and the head of the ledger: one call for a dashboard.
#[utoipa::path(
    tag = "programs", operation_id = "summarize_program",
    params(ProgramPath),
    security(("bearer" = [Action::SummarizeProgram])),
    responses((status = 200, description = "The programme at a glance", body = Summary)),
)]
#[get("/programs/{program}/summary")]
async fn summarize(can: Can<SummarizeProgram>) -> Result<HttpResponse, Problem> {
    let today = can.today();
    let summary = can.snapshot(move |conn, reach| summary::read(conn, reach, today)).await?;
    can.answer(&summary)
}

/// See what changed between two moments
///
/// Each subject that was changed, in the order in which each first was: what differs, and who changed it, when and why.
/// Of memberships, accounts, attendance and votes it does not tell, nor of what you may not see.
#[utoipa::path(
    tag = "programs", operation_id = "diff_program",
    params(ProgramPath, DiffFilter, PageParams),
    security(("bearer" = [Action::SummarizeProgram])),
    responses((status = 200, description = "A page of what changed", body = DiffPage)),
)]
#[get("/programs/{program}/diff")]
async fn difference(can: Can<SummarizeProgram>, listing: Listing<DiffFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let (asked, now) = (page.clone(), can.service().clock.now());
    let (head, (found, mark)) = can
        .snapshot(move |conn, reach| Ok((stand(conn, reach.ledger)?, diff::read(conn, reach, &filter, &asked, now)?)))
        .await?;
    let next = mark.map(|mark| page.cursor(can.service(), &json!(mark), Id::NIL));
    let Found { from_sequence, to_sequence, items, groups } = found;
    let items = serde_json::to_string(&items).map_err(Problem::internal)?;
    let groups = serde_json::to_string(&groups).map_err(Problem::internal)?;
    let body = format!(
        "{{\"from_sequence\":{from_sequence},\"to_sequence\":{to_sequence},\"items\":{items},\"groups\":{groups}"
    );
    Ok(can.page(can.list_tag(&head), body, next, None))
}
