use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, get};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    checkpoints::Checkpoint,
    export,
    model::{LedgerFilter, LedgerRow, stand},
};
use crate::{
    access::{Can, Platform},
    csv,
    page::{Filter, ListParams, Listing, PageParams},
    pages::accepted,
    policy::{Action, Gate, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(of_program).service(of_platform).service(export_of_program).service(export_of_platform);
    api.service(checkpoints_of_program).service(checkpoints_of_platform);
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
        .read(move |conn, reach| {
            Ok((stand(conn, reach.ledger)?, LedgerRow::list(conn, reach.ledger, &filter, &asked)?))
        })
        .await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.sequence), last.subject_id));
    let items = serde_json::to_string(&rows).map_err(Problem::internal)?;
    Ok(can.page(can.list_tag(&head), format!("{{\"items\":{items}"), next, None))
}

/// What a ledger can be had as.
enum Format {
    Lines,
    Table,
}

impl FromRequest for Format {
    type Error = Problem;
    type Future = Ready<Result<Format, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        const OFFERED: [&str; 2] = [export::MEDIA_TYPE, csv::NAME];
        ready(accepted(request, &OFFERED).map(|chosen| match chosen {
            csv::NAME => Format::Table,
            _ => Format::Lines,
        }))
    }
}

/// Export a programme's ledger
///
/// As far as it stands now, while others go on writing. As lines of JSON it has what it takes to verify it without this
/// service: a first line that names the ledger and its last row, each row with salt and the exact text that its digest
/// covers, the checkpoints, and a last line, `{"line": "end"}`: where that is missing, the file was cut off. What you may
/// not read is left out, and so is what was erased by law: the digest stands for it. As CSV it has the columns of the
/// list, to be read; a cell that begins like a formula has an apostrophe before it. Of chosen rows (`whole` is false) the
/// chain cannot be verified.
#[utoipa::path(
    tag = "ledger", operation_id = "export_ledger",
    params(ProgramPath, LedgerFilter),
    security(("bearer" = [Action::ReadLedger])),
    responses((
        status = 200, description = "The ledger",
        content((String = "application/x-ndjson"), (String = "text/csv")),
    )),
)]
#[get("/programs/{program}/ledger/export")]
async fn export_of_program(
    can: Can<ReadLedger>,
    listing: Listing<LedgerFilter>,
    format: Format,
) -> Result<HttpResponse, Problem> {
    exported(&can, listing.filter, format).await
}

/// Export the platform's ledger
///
/// Accounts, stakeholders and framework editions, in the same formats as a programme's.
#[utoipa::path(
    tag = "ledger", operation_id = "export_platform_ledger",
    params(LedgerFilter),
    security(("bearer" = [Action::ReadPlatformLedger])),
    responses((
        status = 200, description = "The ledger",
        content((String = "application/x-ndjson"), (String = "text/csv")),
    )),
)]
#[get("/ledger/export")]
async fn export_of_platform(
    can: Platform<ReadPlatformLedger>,
    listing: Listing<LedgerFilter>,
    format: Format,
) -> Result<HttpResponse, Problem> {
    exported(&can, listing.filter, format).await
}

async fn exported<A: Gate>(can: &Can<A>, filter: LedgerFilter, format: Format) -> Result<HttpResponse, Problem> {
    let begun = can.read(move |conn, reach| export::begin(conn, reach, filter)).await?;
    Ok(match format {
        Format::Lines => can.stream(export::MEDIA_TYPE, begun, export::lines),
        Format::Table => can.stream(csv::MEDIA_TYPE, begun, export::table),
    })
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
    let (ledger, mut rows) =
        can.read(move |conn, reach| Ok((reach.ledger, Checkpoint::list(conn, reach.ledger, &asked)?))).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.sequence), ledger));
    // The ledger's head stands still while a checkpoint is made.
    can.page_of(&rows, next)
}
