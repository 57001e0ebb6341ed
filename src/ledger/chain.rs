use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{checkpoints, matching, model::Act};
use crate::{
    db::{AnyConnection, At, Head, Id, read_transaction, types::instant_text},
    insert_many,
    problem::Problem,
    schema::{ledger_rows, ledgers},
    secret::hex,
};

/// A row that follows from the one before and is not in the database yet.
#[derive(Insertable)]
#[diesel(table_name = ledger_rows, treat_none_as_default_value = false)]
pub struct NewRow {
    ledger_id: Id,
    sequence: i64,
    at: At,
    account_id: Option<Id>,
    stakeholder_id: Option<Id>,
    action: String,
    subject_kind: String,
    subject_id: Id,
    revision: i32,
    reason: Option<String>,
    request_id: String,
    body: Option<String>,
    salt: String,
    digest: String,
    hash: String,
}

/// Makes the row that follows `head`, and moves `head` on to it. The caller holds the head's lock, and puts the row
/// into the database and stores the head before its transaction ends.
pub fn follow(ledger: Id, head: &mut Head, act: &Act<'_>, body: String) -> Result<NewRow, Problem> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|error| Problem::internal(error.to_string()))?;
    let salt = BASE64_URL_SAFE_NO_PAD.encode(salt);
    let sequence = head.sequence + 1;
    let digest = digest(&salt, &body, act.reason);
    let hash = chained(&head.hash, &line(ledger, sequence, act, &digest));
    *head = Head { sequence, hash: hash.clone(), at: act.at };
    Ok(NewRow {
        ledger_id: ledger,
        sequence,
        at: At(act.at),
        account_id: act.account,
        stakeholder_id: act.stakeholder,
        action: act.action.into(),
        subject_kind: act.subject_kind.into(),
        subject_id: act.subject,
        revision: act.revision,
        reason: act.reason.map(str::to_owned),
        request_id: act.request_id.into(),
        body: Some(body),
        salt,
        digest,
        hash,
    })
}

/// Puts rows into the database.
pub fn append(conn: &mut AnyConnection, rows: Vec<NewRow>) -> QueryResult<()> {
    insert_many!(conn, ledger_rows::table, rows)
}

/// What a check of one ledger found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every row follows from the one before, the head is the last, what reads answer from says the same, and so
    /// does every checkpoint.
    Holds { rows: i64 },
    /// The first place that does not: its sequence, and what is wrong there.
    Broken { sequence: i64, why: String },
}

const CHUNK: i64 = 2_000;

/// Recomputes a ledger from its first row to its head, in chunks; then compares what it says with the revisions
/// and with the checkpoints. Others may go on writing: it looks at one state.
pub fn verify(conn: &mut AnyConnection, ledger: Id) -> Result<Verdict, Problem> {
    read_transaction(conn, |conn| Ok(check(conn, ledger)?))
}

fn check(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Verdict> {
    let (rows, mut broken) = recompute(conn, ledger)?;
    for find in [matching::unmatched, checkpoints::broken] {
        if broken.is_none() {
            broken = find(conn, ledger)?;
        }
    }
    Ok(match broken {
        Some((sequence, why)) => Verdict::Broken { sequence, why },
        None => Verdict::Holds { rows },
    })
}

/// How many rows follow from each other from the first on, and what is wrong after them.
fn recompute(conn: &mut AnyConnection, ledger: Id) -> QueryResult<(i64, Option<(i64, String)>)> {
    let (mut sequence, mut hash) = (0, String::new());
    loop {
        let rows: Vec<Row> = ledger_rows::table
            .filter(ledger_rows::ledger_id.eq(ledger))
            .filter(ledger_rows::sequence.gt(sequence))
            .order(ledger_rows::sequence)
            .limit(CHUNK)
            .select(Row::as_select())
            .load(conn)?;
        let last = rows.len() < CHUNK as usize;
        for row in rows {
            if let Some(why) = row.fault(ledger, sequence, &hash) {
                return Ok((sequence, Some((sequence + 1, why))));
            }
            (sequence, hash) = (row.sequence, row.hash);
        }
        if last {
            break;
        }
    }
    let (head, head_hash): (i64, String) =
        ledgers::table.find(ledger).select((ledgers::sequence, ledgers::hash)).first(conn)?;
    if head == sequence && head_hash == hash {
        return Ok((sequence, None));
    }
    let why = match head == sequence {
        true => format!("the head has another hash than row {sequence}, the last"),
        false => format!("the head says {head}, the last row is {sequence}"),
    };
    Ok((sequence, Some((sequence + 1, why))))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = ledger_rows, check_for_backend(crate::db::Backend))]
struct Row {
    sequence: i64,
    #[diesel(deserialize_as = At)]
    at: DateTime<Utc>,
    account_id: Option<Id>,
    stakeholder_id: Option<Id>,
    action: String,
    subject_kind: String,
    subject_id: Id,
    revision: i32,
    reason: Option<String>,
    request_id: String,
    body: Option<String>,
    salt: String,
    digest: String,
    hash: String,
}

impl Row {
    fn fault(&self, ledger: Id, before: i64, hash_before: &str) -> Option<String> {
        if self.sequence != before + 1 {
            return Some(format!("row {} is missing", before + 1));
        }
        let act = Act {
            at: self.at,
            account: self.account_id,
            stakeholder: self.stakeholder_id,
            action: &self.action,
            subject_kind: &self.subject_kind,
            subject: self.subject_id,
            revision: self.revision,
            reason: self.reason.as_deref(),
            request_id: &self.request_id,
        };
        // A body that the law made us erase leaves its digest behind.
        if let Some(body) = &self.body
            && digest(&self.salt, body, act.reason) != self.digest
        {
            return Some("the digest is not that of body and reason".into());
        }
        (chained(hash_before, &line(ledger, self.sequence, &act, &self.digest)) != self.hash)
            .then(|| "the hash does not follow from the row before".into())
    }
}

fn digest(salt: &str, body: &str, reason: Option<&str>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(body);
    hasher.update("\n");
    hasher.update(reason.unwrap_or_default());
    hex(&hasher.finalize())
}

fn line(ledger: Id, sequence: i64, act: &Act<'_>, digest: &str) -> String {
    json!([
        ledger,
        sequence,
        instant_text(&act.at),
        act.account,
        act.stakeholder,
        act.action,
        act.subject_kind,
        act.subject,
        act.revision,
        act.request_id,
        digest,
    ])
    .to_string()
}

fn chained(before: &str, line: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update("\n");
    hasher.update(line);
    hex(&hasher.finalize())
}
