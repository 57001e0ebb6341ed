//! What an admin has to do about personal data, and until when.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Terms, requests::DataRequest};
use crate::{
    accounts::{Account, AccountState},
    db::{AnyConnection, Id, types},
    problem::Problem,
    schema::{account_revisions as accounts, personal_data_request_revisions as requests},
    versioned,
};

/// How many of each are told at most; when they are done, others are.
const SHOWN: i64 = 200;

/// What is due.
#[derive(Serialize, ToSchema)]
pub struct DuePersonalData {
    /// Requests that are not answered yet, those that are due first before the others: 200 at most.
    pub requests: Vec<DueRequest>,
    /// Accounts that are over for longer than people are known, the oldest first: 200 at most. Enter a request for each,
    /// of the kind `erasure`.
    pub retention: Vec<OverdueAccount>,
}

/// A request that is not answered yet.
#[derive(Serialize, ToSchema)]
pub struct DueRequest {
    #[serde(flatten)]
    pub request: DueRequestOf,
    /// Whole hours that are left; below zero, since when it is overdue.
    pub hours_left: i64,
    pub overdue: bool,
}

/// Which it is.
#[derive(Serialize, ToSchema)]
pub struct DueRequestOf {
    pub request_id: Id,
    pub account_id: Id,
    pub kind: super::DataRequestKind,
    #[serde(serialize_with = "types::serialize_instant")]
    pub received_at: DateTime<Utc>,
    #[serde(serialize_with = "types::serialize_instant")]
    pub due_at: DateTime<Utc>,
}

/// Why an account is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverBecause {
    Locked,
    /// Nobody ever set its password.
    NeverUsed,
    /// Its last day is over.
    Expired,
}

/// An account whose person need not be known any more.
#[derive(Serialize, ToSchema)]
pub struct OverdueAccount {
    pub account_id: Id,
    pub because: OverBecause,
    /// Since when it is over.
    #[serde(serialize_with = "types::serialize_instant")]
    pub over_since: DateTime<Utc>,
    /// Since when its person should not be known any more.
    #[serde(serialize_with = "types::serialize_instant")]
    pub due_at: DateTime<Utc>,
}

/// What is due now.
pub fn read(conn: &mut AnyConnection, terms: &Terms, now: DateTime<Utc>) -> Result<DuePersonalData, Problem> {
    Ok(DuePersonalData { requests: waiting(conn, now)?, retention: over(conn, terms.kept_after_end, now)? })
}

fn waiting(conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<Vec<DueRequest>, Problem> {
    let open = requests::table.filter(requests::seq_to.is_null()).filter(requests::state.eq("received"));
    let order = open.order((requests::due_at, requests::subject_id)).limit(SHOWN);
    let bodies: Vec<String> = order.select(requests::body).load(conn)?;
    let told = bodies.iter().map(|body| {
        let of: DataRequest = versioned::parse(body)?;
        let left = of.due_at - now;
        let request = DueRequestOf {
            request_id: of.meta.id,
            account_id: of.account_id,
            kind: of.kind,
            received_at: of.meta.created_at,
            due_at: of.due_at,
        };
        Ok(DueRequest { request, hours_left: whole_hours(left), overdue: left < TimeDelta::zero() })
    });
    told.collect()
}

/// Rounded down: half an hour late is the hour -1.
fn whole_hours(left: TimeDelta) -> i64 {
    left.num_seconds().div_euclid(3600)
}

fn over(conn: &mut AnyConnection, kept: TimeDelta, now: DateTime<Utc>) -> Result<Vec<OverdueAccount>, Problem> {
    let (latest, day) = (now - kept, (now - kept).date_naive());
    let open = accounts::table.filter(accounts::seq_to.is_null()).filter(accounts::state.ne("erased"));
    let over = open.filter(accounts::state.ne("active").or(accounts::expires_on.lt(day)));
    let bodies: Vec<String> = over.select(accounts::body).load(conn)?;
    let mut found = Vec::new();
    for body in &bodies {
        let account: Account = versioned::parse(body)?;
        let (because, over_since) = since(&account);
        if over_since <= latest {
            let account_id = account.meta.id;
            found.push(OverdueAccount { account_id, because, over_since, due_at: over_since + kept });
        }
    }
    found.sort_by_key(|one| (one.over_since, one.account_id));
    found.truncate(SHOWN as usize);
    Ok(found)
}

/// Why an account is over, and since when: its last change locked it, unless its last day came before.
fn since(account: &Account) -> (OverBecause, DateTime<Utc>) {
    let changed = account.meta.updated_at;
    let ended = account.expires_on.and_then(|last| last.succ_opt()).and_then(|day| day.and_hms_opt(0, 0, 0));
    match (account.state, ended.map(|at| at.and_utc())) {
        (AccountState::Active, Some(ended)) => (OverBecause::Expired, ended),
        (AccountState::Locked, _) => (OverBecause::Locked, changed),
        _ => (OverBecause::NeverUsed, changed),
    }
}
