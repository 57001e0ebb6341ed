//! History: the revisions of a resource in order, with who made each, for whom, when and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{db::Id, ledger::LedgerRow, page::Filter, problem::Problem, versioned::Stored};

/// History takes no filters.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryFilter {}

impl Filter for HistoryFilter {
    const SORTS: &'static [&'static str] = &["revision"];
}

/// One revision, and how it came about.
#[derive(Serialize, ToSchema)]
pub struct HistoryEntry {
    #[schema(minimum = 1)]
    pub revision: i32,
    /// The ledger's row that made it.
    pub sequence: i64,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    #[schema(example = "question.revise")]
    pub action: String,
    /// The account that acted.
    pub account_id: Option<Id>,
    /// The organisation that it acted for.
    pub stakeholder_id: Option<Id>,
    pub reason: Option<String>,
    /// What the resource was at this revision.
    #[schema(value_type = Object)]
    pub content: Box<RawValue>,
}

/// A page of history.
#[derive(Serialize, ToSchema)]
pub struct HistoryPage {
    pub items: Vec<HistoryEntry>,
    pub next_cursor: Option<String>,
}

/// Joins revisions with the ledger rows that made them.
pub fn entries(revisions: Vec<Stored>, rows: &[LedgerRow]) -> Result<Vec<HistoryEntry>, Problem> {
    revisions
        .into_iter()
        .map(|stored| {
            let row = rows.iter().find(|row| row.sequence == stored.seq_from);
            let row = row.ok_or_else(|| Problem::internal("a revision has no ledger row"))?;
            Ok(HistoryEntry {
                revision: stored.revision,
                sequence: row.sequence,
                at: row.at,
                action: row.action.clone(),
                account_id: row.account_id,
                stakeholder_id: row.stakeholder_id,
                reason: row.reason.clone(),
                content: RawValue::from_string(stored.body).map_err(Problem::internal)?,
            })
        })
        .collect()
}
