//! A ledger as a file, as far as it stood when it was asked for: lines of JSON with all that it takes to verify it
//! without us, or a table to read. It is told chunk by chunk, each a short read: rows never change, so nobody is kept
//! waiting for it. What the reader may not see of a row, its digest stands for, as it does for what was erased by law.

use diesel::prelude::*;
use serde::Serialize;

use super::{
    checkpoints::Checkpoint,
    model::{LedgerFilter, LedgerRow, Rows, stand},
};
use crate::{
    access::{Ledger, Part, Reach},
    csv::push_row,
    db::{AnyConnection, Backend, Head, Id, types::instant_text},
    feed,
    problem::Problem,
    schema::ledger_rows,
};

pub const MEDIA_TYPE: &str = "application/x-ndjson";

/// How the lines are to be read; another name when a verifier of today would misread them.
const FORMAT: &str = "tangguh-ledger/1";
/// Rows that one read looks at.
const CHUNK: i64 = 500;

/// What is still to be told.
pub struct Rest {
    filter: LedgerFilter,
    /// The row that was the last at the beginning.
    head: Head,
    /// The last row that was told.
    after: i64,
    rows: u64,
}

/// A line of the file.
#[derive(Serialize)]
#[serde(tag = "line", rename_all = "snake_case")]
enum Line<'a> {
    /// The first: which ledger, and where it stood.
    Ledger {
        format: &'static str,
        ledger: Id,
        /// Null for the platform's.
        program: Option<&'a str>,
        sequence: i64,
        hash: &'a str,
        at: String,
        /// Whether it has every row. Of chosen ones the chain cannot be followed.
        whole: bool,
    },
    Row(&'a Row),
    Checkpoint(&'a Checkpoint),
    /// The last: where it is missing, the file was cut off.
    End {
        rows: u64,
        checkpoints: usize,
    },
}

/// A row with what its digest is made of.
#[derive(Serialize, Queryable, Selectable)]
#[diesel(table_name = ledger_rows, check_for_backend(Backend))]
struct Row {
    #[serde(flatten)]
    #[diesel(embed)]
    row: LedgerRow,
    /// Null where the body is.
    #[diesel(deserialize_as = String)]
    salt: Option<String>,
    /// The exact text of what the subject was after the change.
    body: Option<String>,
}

pub fn begin(conn: &mut AnyConnection, reach: &Reach, filter: LedgerFilter) -> Result<Rest, Problem> {
    Ok(Rest { filter, head: stand(conn, reach.ledger)?, after: 0, rows: 0 })
}

/// The next lines of JSON.
pub fn lines(conn: &mut AnyConnection, reach: &Reach, mut rest: Rest) -> Result<Part<Rest>, Problem> {
    let mut text = String::new();
    if rest.after == 0 {
        let program = (reach.ledger != Ledger::PLATFORM).then_some(&*reach.slug);
        let Head { sequence, hash, at } = &rest.head;
        let (ledger, sequence, at, whole) = (reach.ledger, *sequence, instant_text(at), rest.filter.is_empty());
        push_line(&mut text, &Line::Ledger { format: FORMAT, ledger, program, sequence, hash, at, whole })?;
    }
    let rows: Vec<Row> = rest.next(conn, reach.ledger)?.select(Row::as_select()).load(conn)?;
    let more = rest.pass(rows.len(), rows.last().map(|last| &last.row));
    for mut row in rows {
        withhold(reach, &mut row)?;
        push_line(&mut text, &Line::Row(&row))?;
    }
    if more {
        return Ok(Part { text, left: Some(rest) });
    }
    let checkpoints = Checkpoint::until(conn, reach.ledger, rest.head.sequence)?;
    for checkpoint in &checkpoints {
        push_line(&mut text, &Line::Checkpoint(checkpoint))?;
    }
    push_line(&mut text, &Line::End { rows: rest.rows, checkpoints: checkpoints.len() })?;
    Ok(Part { text, left: None })
}

/// The next rows of the table; the names of the columns before the first.
pub fn table(conn: &mut AnyConnection, reach: &Reach, mut rest: Rest) -> Result<Part<Rest>, Problem> {
    let mut text = String::new();
    if rest.after == 0 {
        push_row(&mut text, &COLUMNS);
    }
    let rows: Vec<LedgerRow> = rest.next(conn, reach.ledger)?.select(LedgerRow::as_select()).load(conn)?;
    let more = rest.pass(rows.len(), rows.last());
    rows.into_iter().for_each(|row| push_row(&mut text, &cells(row)));
    Ok(Part { text, left: more.then_some(rest) })
}

impl Rest {
    /// The next rows.
    fn next(&self, conn: &mut AnyConnection, ledger: Id) -> QueryResult<Rows> {
        let narrowed = self.filter.narrow(conn, ledger)?;
        let rows = narrowed.filter(ledger_rows::sequence.gt(self.after));
        Ok(rows.filter(ledger_rows::sequence.le(self.head.sequence)).order(ledger_rows::sequence).limit(CHUNK))
    }

    /// Moves past rows that were told; whether there may be more.
    fn pass(&mut self, rows: usize, last: Option<&LedgerRow>) -> bool {
        self.rows += rows as u64;
        self.after = last.map_or(self.after, |last| last.sequence);
        rows as i64 == CHUNK
    }
}

/// Leaves out what the reader may not see, and what it could be guessed by.
fn withhold(reach: &Reach, row: &mut Row) -> Result<(), Problem> {
    let LedgerRow { subject_id: subject, revision, sequence, .. } = row.row;
    if let Some(body) = row.body.take() {
        let text = feed::Text { subject, revision, sequence, body };
        row.body = feed::may_read(reach, &row.row.subject_kind, &text)?.then_some(text.body);
    }
    if row.body.is_none() {
        row.salt = None;
    }
    Ok(())
}

fn push_line(text: &mut String, line: &Line<'_>) -> Result<(), Problem> {
    text.push_str(&serde_json::to_string(line).map_err(Problem::internal)?);
    text.push('\n');
    Ok(())
}

const COLUMNS: [&str; 12] = [
    "sequence",
    "at",
    "account_id",
    "stakeholder_id",
    "action",
    "subject_kind",
    "subject_id",
    "revision",
    "reason",
    "request_id",
    "digest",
    "hash",
];

fn cells(row: LedgerRow) -> [String; COLUMNS.len()] {
    let id = |id: Option<Id>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        row.sequence.to_string(),
        instant_text(&row.at),
        id(row.account_id),
        id(row.stakeholder_id),
        row.action,
        row.subject_kind,
        row.subject_id.to_string(),
        row.revision.to_string(),
        row.reason.unwrap_or_default(),
        row.request_id,
        row.digest,
        row.hash,
    ]
}
