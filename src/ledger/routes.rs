use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    checkpoints::Checkpoint,
    model::{LedgerFilter, LedgerRow, head},
};
use crate::{
    access::{Can, Platform},
    page::{Filter, ListParams, Listing, PageParams},
    policy::{Action, Gate, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(of_program).service(of_platform).service(checkpoints_of_program).service(checkpoints_of_platform);
}

/// A page of a ledger.
#[derive(Serialize, ToSchema)]
pub struct LedgerPage {
    pub items: Vec<LedgerRow>,
    pub next_cursor: Option<String>,
}

/// Read a programme's ledger
///
/// Every change in order: who, for which organisation, when, what and why.
#[utoipa::path(
    tag = "ledger", operation_id = "list_ledger",
    params(ProgramPath, LedgerFilter, PageParams, ListParams<LedgerFilter>),
    security(("bearer" = [Action::ReadLedger])),
    responses((status = 200, description = "A page of the ledger", body = LedgerPage)),
)]
#[get("/programs/{program}/ledger")]
async fn of_program(can: Can<ReadLedger>, listing: Listing<LedgerFilter>) -> Result<HttpResponse, Problem> {
    page(&can, listing).await
}

/// Read the platform's ledger
///
/// Accounts and stakeholders.
#[utoipa::path(
    tag = "ledger", operation_id = "list_platform_ledger",
    params(LedgerFilter, PageParams, ListParams<LedgerFilter>),
    security(("bearer" = [Action::ReadPlatformLedger])),
    responses((status = 200, description = "A page of the ledger", body = LedgerPage)),
)]
#[get("/ledger")]
async fn of_platform(
    can: Platform<ReadPlatformLedger>,
    listing: Listing<LedgerFilter>,
) -> Result<HttpResponse, Problem> {
    page(&can, listing).await
}

async fn page<A: Gate>(can: &Can<A>, listing: Listing<LedgerFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let (head, mut rows) = can
        .read(move |conn, reach| Ok((head(conn, reach.ledger)?, LedgerRow::list(conn, reach.ledger, &filter, &asked)?)))
        .await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.sequence), last.subject_id));
    let items = serde_json::to_string(&rows).map_err(Problem::internal)?;
    let tag = can.list_tag(head);
    Ok(can.page(tag, format!("{{\"items\":{items}"), next, None))
}

/// Which checkpoints to list: all.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CheckpointFilter {}

impl Filter for CheckpointFilter {
    const SORTS: &'static [&'static str] = &["sequence"];
}

/// A page of a ledger's checkpoints.
#[derive(Serialize, ToSchema)]
pub struct CheckpointPage {
    pub items: Vec<Checkpoint>,
    pub next_cursor: Option<String>,
}

/// Read the checkpoints of a programme's ledger
///
/// Signed words of where the ledger stood, one for each day on which it grew. Keep one where the service's operators
/// cannot reach it: whoever cuts the ledger off or writes it anew contradicts it.
#[utoipa::path(
    tag = "ledger", operation_id = "list_checkpoints",
    params(ProgramPath, PageParams, ListParams<CheckpointFilter>),
    security(("bearer" = [Action::ReadLedger])),
    responses((status = 200, description = "A page of the checkpoints", body = CheckpointPage)),
)]
#[get("/programs/{program}/ledger/checkpoints")]
async fn checkpoints_of_program(
    can: Can<ReadLedger>,
    listing: Listing<CheckpointFilter>,
) -> Result<HttpResponse, Problem> {
    checkpoints(&can, listing).await
}

/// Read the checkpoints of the platform's ledger
///
/// Signed words of where the ledger stood, one for each day on which it grew.
#[utoipa::path(
    tag = "ledger", operation_id = "list_platform_checkpoints",
    params(PageParams, ListParams<CheckpointFilter>),
    security(("bearer" = [Action::ReadPlatformLedger])),
    responses((status = 200, description = "A page of the checkpoints", body = CheckpointPage)),
)]
#[get("/ledger/checkpoints")]
async fn checkpoints_of_platform(
    can: Platform<ReadPlatformLedger>,
    listing: Listing<CheckpointFilter>,
) -> Result<HttpResponse, Problem> {
    checkpoints(&can, listing).await
}

async fn checkpoints<A: Gate>(can: &Can<A>, listing: Listing<CheckpointFilter>) -> Result<HttpResponse, Problem> {
    let page = listing.page;
    let asked = page.clone();
    // The ledger's head stands still while a checkpoint is made, so the tag is of the newest checkpoint.
    let (ledger, newest, mut rows) = can
        .snapshot(move |conn, reach| {
            let newest = Checkpoint::newest(conn, reach.ledger)?;
            Ok((reach.ledger, newest, Checkpoint::list(conn, reach.ledger, &asked)?))
        })
        .await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.sequence), ledger));
    let items = serde_json::to_string(&rows).map_err(Problem::internal)?;
    Ok(can.page(can.list_tag(newest), format!("{{\"items\":{items}"), next, None))
}
