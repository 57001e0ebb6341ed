use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    db::{AnyConnection, At, Backend, Head, Id},
    page::{AnyOf, Filter, Page},
    problem::Problem,
    schema::{ledger_rows, ledgers},
    walk,
};

/// One change, before it is a row: everything that the row says beside the subject's text.
#[derive(Clone, Debug)]
pub struct Act<'a> {
    pub at: DateTime<Utc>,
    pub account: Option<Id>,
    pub stakeholder: Option<Id>,
    pub action: &'a str,
    pub subject_kind: &'a str,
    pub subject: Id,
    pub revision: i32,
    pub reason: Option<&'a str>,
    pub request_id: &'a str,
}

/// One change, as the ledger keeps it.
#[derive(Debug, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = ledger_rows, check_for_backend(Backend))]
pub struct LedgerRow {
    /// Gapless within its ledger, in the order of the commits.
    pub sequence: i64,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    #[diesel(deserialize_as = At)]
    pub at: DateTime<Utc>,
    /// The account that acted, or the client; null for the service itself.
    pub account_id: Option<Id>,
    /// The organisation that it acted for; null for admins and the service.
    pub stakeholder_id: Option<Id>,
    /// The action's name, as in the access matrix.
    #[schema(example = "question.revise")]
    pub action: String,
    #[schema(example = "question")]
    pub subject_kind: String,
    pub subject_id: Id,
    /// The subject's revision after the change.
    pub revision: i32,
    /// Why, in the words of whoever acted.
    pub reason: Option<String>,
    pub request_id: String,
    /// SHA-256 of salt, body and reason, in hexadecimal.
    pub digest: String,
    /// SHA-256 of the hash before and this row's line, in hexadecimal.
    pub hash: String,
}

/// Which changes to list.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, IntoParams)]
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
    /// The account that acted, or the client.
    pub account_id: Option<Id>,
    /// The organisation that it acted for.
    pub stakeholder_id: Option<Id>,
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

impl LedgerFilter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == LedgerFilter::default()
    }

    /// The rows that it asks for. Time never runs backwards in a ledger: what was between two instants is what stands
    /// between two rows, and is read in their order. Beside that there is no index for it: 50,000 rows are looked
    /// through in 20 ms, and each index would cost every write.
    pub fn narrow(&self, conn: &mut AnyConnection, ledger: Id) -> QueryResult<Rows> {
        let mut query = ledger_rows::table.filter(ledger_rows::ledger_id.eq(ledger)).into_boxed::<Backend>();
        if let Some(actions) = &self.action {
            query = query.filter(ledger_rows::action.eq_any(actions.0.clone()));
        }
        if let Some(kinds) = &self.subject_kind {
            query = query.filter(ledger_rows::subject_kind.eq_any(kinds.0.clone()));
        }
        if let Some(subject) = self.subject_id {
            query = query.filter(ledger_rows::subject_id.eq(subject));
        }
        if let Some(account) = self.account_id {
            query = query.filter(ledger_rows::account_id.eq(account));
        }
        if let Some(stakeholder) = self.stakeholder_id {
            query = query.filter(ledger_rows::stakeholder_id.eq(stakeholder));
        }
        if let Some(from) = self.at_gte {
            query = query.filter(ledger_rows::sequence.gt(sequence_before(conn, ledger, from)?));
        }
        if let Some(until) = self.at_lt {
            query = query.filter(ledger_rows::sequence.le(sequence_before(conn, ledger, until)?));
        }
        Ok(query)
    }
}

/// Rows of one ledger, before it is said which of their columns are read.
pub type Rows = ledger_rows::BoxedQuery<'static, Backend>;

impl LedgerRow {
    /// The rows of a ledger, in order or newest first.
    pub fn list(
        conn: &mut AnyConnection,
        ledger: Id,
        filter: &LedgerFilter,
        page: &Page,
    ) -> Result<Vec<LedgerRow>, Problem> {
        let query = filter.narrow(conn, ledger)?.select(LedgerRow::as_select());
        Ok(walk!(query, page, ledger_rows::sequence as i64).load(conn)?)
    }

    /// The rows with these sequences: who made which revision, when and why.
    pub fn numbered(conn: &mut AnyConnection, ledger: Id, sequences: &[i64]) -> QueryResult<Vec<LedgerRow>> {
        let Some((first, last)) = sequences.iter().min().zip(sequences.iter().max()) else {
            return Ok(Vec::new());
        };
        // A history's revisions may lie far apart, so each is looked up by its key.
        ledger_rows::table
            .filter(ledger_rows::ledger_id.eq(ledger))
            .filter(ledger_rows::sequence.between(*first, *last))
            .filter(ledger_rows::sequence.eq_any(sequences.iter().copied()))
            .select(LedgerRow::as_select())
            .load(conn)
    }
}

/// The number of the newest row; 0 before the first.
pub fn head(conn: &mut AnyConnection, ledger: Id) -> QueryResult<i64> {
    ledgers::table.find(ledger).select(ledgers::sequence).first(conn)
}

/// The newest row, for whoever only reads: its number, hash and time.
pub fn stand(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Head> {
    ledgers::table.find(ledger).select((ledgers::sequence, ledgers::hash, ledgers::at)).first(conn)
}

/// The hash of a row; empty before the first, and `None` where there is no such row.
pub fn hash_at(conn: &mut AnyConnection, ledger: Id, sequence: i64) -> QueryResult<Option<String>> {
    if sequence == 0 {
        return Ok(Some(String::new()));
    }
    ledger_rows::table.find((ledger, sequence)).select(ledger_rows::hash).first(conn).optional()
}

/// The numbers of the newest rows of all ledgers.
pub fn heads(conn: &mut AnyConnection) -> QueryResult<Vec<(Id, i64)>> {
    ledgers::table.select((ledgers::id, ledgers::sequence)).load(conn)
}

/// The number of the newest row, and when it was made.
pub fn newest(conn: &mut AnyConnection, ledger: Id) -> QueryResult<(i64, DateTime<Utc>)> {
    let (sequence, At(at)) = ledgers::table.find(ledger).select((ledgers::sequence, ledgers::at)).first(conn)?;
    Ok((sequence, at))
}

/// The newest row at `instant`; `None` before the first.
pub fn sequence_at(conn: &mut AnyConnection, ledger: Id, instant: DateTime<Utc>) -> QueryResult<Option<i64>> {
    ledger_rows::table
        .filter(ledger_rows::ledger_id.eq(ledger))
        .filter(ledger_rows::at.le(At(instant)))
        .order((ledger_rows::at.desc(), ledger_rows::sequence.desc()))
        .select(ledger_rows::sequence)
        .first(conn)
        .optional()
}

/// The newest row before `instant`; 0 before the first.
pub fn sequence_before(conn: &mut AnyConnection, ledger: Id, instant: DateTime<Utc>) -> QueryResult<i64> {
    let found = ledger_rows::table
        .filter(ledger_rows::ledger_id.eq(ledger))
        .filter(ledger_rows::at.lt(At(instant)))
        .order((ledger_rows::at.desc(), ledger_rows::sequence.desc()))
        .select(ledger_rows::sequence)
        .first(conn);
    Ok(found.optional()?.unwrap_or(0))
}

/// Every ledger, the platform's first.
pub fn ids(conn: &mut AnyConnection) -> QueryResult<Vec<Id>> {
    ledgers::table.order(ledgers::id).select(ledgers::id).load(conn)
}

/// How often a ledger tells of a kind of thing.
pub struct Told {
    pub kind: String,
    pub rows: i64,
    /// The first row that does.
    pub first: i64,
}

/// The kinds of things that a ledger tells of.
pub fn kinds(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Vec<Told>> {
    use diesel::dsl::{count_star, min};
    let told: Vec<(String, i64, Option<i64>)> = ledger_rows::table
        .filter(ledger_rows::ledger_id.eq(ledger))
        .group_by(ledger_rows::subject_kind)
        .select((ledger_rows::subject_kind, count_star(), min(ledger_rows::sequence)))
        .load(conn)?;
    Ok(told.into_iter().map(|(kind, rows, first)| Told { kind, rows, first: first.unwrap_or_default() }).collect())
}
