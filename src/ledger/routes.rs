use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{LedgerRow, head};
use crate::{
    access::{Can, Platform},
    db::Id,
    page::{AnyOf, Filter, ListParams, Listing, PageParams},
    policy::{Action, Gate, gate::*},
    problem::Problem,
    programs::ProgramPath,
};

pub fn routes(api: &mut ServiceConfig) {
    api.service(of_program).service(of_platform);
}

/// Which changes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LedgerFilter {
    /// Actions by name, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ActionName>>, min_items = 1, max_items = 100)]
    pub action: Option<AnyOf<String>>,
    /// Kinds of subject, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<SubjectKind>>, min_items = 1, max_items = 100)]
    pub subject_kind: Option<AnyOf<String>>,
    /// The id of what was changed.
    pub subject_id: Option<Id>,
    /// The account that acted.
    pub account_id: Option<Id>,
    /// At this instant or later.
    #[serde(rename = "at.gte")]
    #[param(rename = "at.gte")]
    pub at_gte: Option<DateTime<Utc>>,
    /// Before this instant.
    #[serde(rename = "at.lt")]
    #[param(rename = "at.lt")]
    pub at_lt: Option<DateTime<Utc>>,
}

/// An action's name.
#[derive(ToSchema)]
#[schema(max_length = 60, pattern = "^[a-z_]+\\.[a-z_]+$", example = "question.revise")]
#[expect(dead_code, reason = "describes what a string is")]
struct ActionName(String);

/// A kind of thing: what stands before the dot of an action's name.
#[derive(ToSchema)]
#[schema(max_length = 60, pattern = "^[a-z_]+$", example = "question")]
#[expect(dead_code, reason = "describes what a string is")]
struct SubjectKind(String);

impl Filter for LedgerFilter {
    const SORTS: &'static [&'static str] = &["sequence"];
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
    let more = rows.len() as i64 > page.limit;
    rows.truncate(page.limit as usize);
    let last = rows.last().filter(|_| more);
    let next = last.map(|last| page.cursor(can.service(), &json!(last.sequence), last.subject_id));
    let items = serde_json::to_string(&rows).map_err(Problem::internal)?;
    let tag = can.list_tag(head);
    Ok(can.page(tag, format!("{{\"items\":{items}"), next, None))
}
