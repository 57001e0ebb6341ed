//! What changed in a programme between two moments, subject by subject, in the order in which each first changed. It is
//! read from the ledger, which a page walks a stretch of: what a page costs does not grow with the ledger.

mod subjects;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Reach, moment},
    db::{AnyConnection, Id},
    diff::FieldChange,
    ledger,
    page::{AsOf, Filter, Page},
    problem::Problem,
    schema::ledger_rows,
};

/// How many rows of the ledger a page walks for each subject that it may tell of: a stretch of rows that say nothing
/// new ends the page early, and the next one goes on from there.
const WALK: i64 = 4;

/// The two moments.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiffFilter {
    /// The state before: an RFC 3339 instant, or `seq:N` for the state after ledger row N.
    #[param(
        required = true,
        value_type = String,
        max_length = 40,
        pattern = r"^(seq:[1-9][0-9]{0,17}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+ -][0-9]{2}:[0-9]{2}))$",
        example = "seq:1"
    )]
    from: Option<AsOf>,
    /// The state after, told likewise; now where it is missing. All pages of one difference go as far as the first.
    #[param(
        max_length = 40,
        value_type = Option<String>,
        pattern = r"^(seq:[1-9][0-9]{0,17}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+ -][0-9]{2}:[0-9]{2}))$",
        example = "seq:2"
    )]
    to: Option<AsOf>,
}

impl Filter for DiffFilter {
    const SORTS: &'static [&'static str] = &["sequence"];
}

/// One act between the two moments.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiffAct {
    /// The ledger's row.
    #[schema(minimum = 1)]
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
}

/// One subject that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DiffItem {
    #[schema(example = "question")]
    pub kind: &'static str,
    pub id: Id,
    /// Null where such things have none.
    #[schema(example = "Q-1")]
    pub code: Option<String>,
    /// Null where it was not there yet, or not shown to you.
    #[schema(minimum = 1)]
    pub revision_before: Option<i32>,
    #[schema(minimum = 1)]
    pub revision_after: i32,
    /// The focus area that it is or belongs to, by itself or by its question.
    pub focus_area_id: Option<Id>,
    /// The event that it is or belongs to.
    pub event_id: Option<Id>,
    /// What differs, from before to after: nothing, if it was changed and changed back.
    pub changes: Vec<FieldChange>,
    /// Who changed it, when and why, in order.
    #[schema(max_items = 100)]
    pub acts: Vec<DiffAct>,
    /// There were acts before these, too many to tell: its history has them.
    pub earlier_acts: bool,
}

/// How many of a page's subjects belong to one focus area and event; null: to none.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct DiffGroup {
    pub focus_area_id: Option<Id>,
    pub event_id: Option<Id>,
    #[schema(minimum = 1)]
    pub count: i64,
}

/// A page of what changed. It may hold fewer subjects than `limit` and still have a next.
#[derive(Serialize, ToSchema)]
pub struct DiffPage {
    /// The ledger row after which the state before stood.
    #[schema(minimum = 1)]
    pub from_sequence: i64,
    /// The ledger row after which the state after stood.
    #[schema(minimum = 1)]
    pub to_sequence: i64,
    pub items: Vec<DiffItem>,
    /// Counts within this page.
    pub groups: Vec<DiffGroup>,
    pub next_cursor: Option<String>,
}

/// What a page tells.
pub struct Found {
    pub from_sequence: i64,
    pub to_sequence: i64,
    pub items: Vec<DiffItem>,
    pub groups: Vec<DiffGroup>,
}

/// Where the next page goes on: after this row, as far as that one.
pub type Mark = (i64, i64);

/// A page, and where the next one goes on.
pub fn read(
    conn: &mut AnyConnection,
    reach: &Reach,
    filter: &DiffFilter,
    page: &Page,
    now: DateTime<Utc>,
) -> Result<(Found, Option<Mark>), Problem> {
    let from = moment(conn, reach.ledger, filter.from, now)?.ok_or_else(|| Problem::BadAsOf("from".into()))?;
    let mark = page.after::<Mark>()?.map(|(mark, _)| mark);
    let to = match mark {
        Some((_, to)) => to,
        None => match moment(conn, reach.ledger, filter.to, now)? {
            Some(to) => to,
            None => ledger::head(conn, reach.ledger)?,
        },
    };
    if from > to {
        return Err(Problem::BadAsOf(format!("seq:{from}")));
    }
    let walk = page.limit * WALK;
    let walked: Vec<(i64, String, Id)> = ledger_rows::table
        .filter(ledger_rows::ledger_id.eq(reach.ledger))
        .filter(ledger_rows::sequence.gt(mark.map_or(from, |(sequence, _)| sequence)))
        .filter(ledger_rows::sequence.le(to))
        .order(ledger_rows::sequence)
        .limit(walk)
        .select((ledger_rows::sequence, ledger_rows::subject_kind, ledger_rows::subject_id))
        .load(conn)?;
    let mut firsts = firsts(conn, reach.ledger, from, &walked)?;
    let last = if firsts.len() as i64 > page.limit {
        firsts.truncate(page.limit as usize);
        firsts.last().map(|(sequence, _)| *sequence)
    } else {
        walked.last().map(|(sequence, ..)| *sequence).filter(|last| walked.len() as i64 == walk && *last < to)
    };
    let subjects: Vec<Id> = firsts.into_iter().map(|(_, id)| id).collect();
    let items = subjects::read(conn, reach, (from, to), &subjects)?;
    let groups = groups(&items);
    let found = Found { from_sequence: from, to_sequence: to, items, groups };
    Ok((found, last.map(|last| (last, to))))
}

/// The rows that are the first of their subject after `from`, with the subject.
fn firsts(
    conn: &mut AnyConnection,
    ledger: Id,
    from: i64,
    walked: &[(i64, String, Id)],
) -> Result<Vec<(i64, Id)>, Problem> {
    let told = walked.iter().filter(|(_, kind, _)| subjects::is_told_of(kind));
    let told: Vec<(i64, Id)> = told.map(|(sequence, _, id)| (*sequence, *id)).collect();
    let Some((begin, _)) = told.first().copied() else { return Ok(Vec::new()) };
    let ids: BTreeSet<Id> = told.iter().map(|(_, id)| *id).collect();
    // What changed before this page was on an earlier one.
    let earlier: Vec<Id> = ledger_rows::table
        .filter(ledger_rows::subject_id.eq_any(ids))
        .filter(ledger_rows::ledger_id.eq(ledger))
        .filter(ledger_rows::sequence.gt(from))
        .filter(ledger_rows::sequence.lt(begin))
        .select(ledger_rows::subject_id)
        .distinct()
        .load(conn)?;
    let mut seen: BTreeSet<Id> = earlier.into_iter().collect();
    Ok(told.into_iter().filter(|(_, id)| seen.insert(*id)).collect())
}

fn groups(items: &[DiffItem]) -> Vec<DiffGroup> {
    let mut counts: BTreeMap<(Option<Id>, Option<Id>), i64> = BTreeMap::new();
    for item in items {
        *counts.entry((item.focus_area_id, item.event_id)).or_default() += 1;
    }
    let group = |((focus_area_id, event_id), count)| DiffGroup { focus_area_id, event_id, count };
    counts.into_iter().map(group).collect()
}
