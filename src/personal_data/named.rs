//! The rows of ledgers whose texts name a person.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{By, Words};
use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    ledger,
    problem::{FieldError, Problem},
    schema::{ledger_rows, programs},
};

/// A row of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerPlace {
    /// The programme, by its slug; null for the platform's ledger.
    #[serde(default)]
    #[schema(max_length = 60, example = "jakarta-berketahanan")]
    pub program: Option<String>,
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991i64)]
    pub sequence: i64,
}

/// A row whose text names the person.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NamingRow {
    #[serde(flatten)]
    pub place: LedgerPlace,
    #[schema(example = "document")]
    pub subject_kind: String,
    pub subject_id: Id,
    #[schema(minimum = 1)]
    pub revision: i32,
}

/// Rows that one read looks at.
const CHUNK: i64 = 1_000;

/// Every row, of whichever ledger, whose text or reason names the person, and by what.
pub fn naming(conn: &mut AnyConnection, words: &Words) -> Result<Vec<(NamingRow, By)>, Problem> {
    let slugs: Vec<(Id, String)> = programs::table.select((programs::id, programs::slug)).load(conn)?;
    let mut found = Vec::new();
    for of in ledger::ids(conn)? {
        let slug = slugs.iter().find(|(id, _)| *id == of).map(|(_, slug)| slug);
        let mut last = 0;
        loop {
            type Row = (i64, String, Id, i32, Option<String>, Option<String>);
            let rows: Vec<Row> = ledger_rows::table
                .filter(ledger_rows::ledger_id.eq(of))
                .filter(ledger_rows::sequence.gt(last))
                .order(ledger_rows::sequence)
                .limit(CHUNK)
                .select((
                    ledger_rows::sequence,
                    ledger_rows::subject_kind,
                    ledger_rows::subject_id,
                    ledger_rows::revision,
                    ledger_rows::body,
                    ledger_rows::reason,
                ))
                .load(conn)?;
            let full = rows.len() as i64 == CHUNK;
            for (sequence, subject_kind, subject_id, revision, body, reason) in rows {
                last = sequence;
                let by = [body, reason].into_iter().flatten().filter_map(|text| words.in_json(&text));
                // One that holds the address is erased, whatever else it says.
                if let Some(by) = by.min() {
                    let place = LedgerPlace { program: slug.cloned(), sequence };
                    found.push((NamingRow { place, subject_kind, subject_id, revision }, by));
                }
            }
            if !full {
                break;
            }
        }
    }
    Ok(found)
}

/// The ledgers of the places that somebody listed; refused with the pointer of each that is none.
pub fn ledgers_of(conn: &mut AnyConnection, places: &[LedgerPlace]) -> Result<Vec<(Id, i64)>, Problem> {
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    for (number, place) in places.iter().enumerate() {
        let of = match &place.program {
            None => Some(Ledger::PLATFORM),
            Some(slug) => {
                programs::table.filter(programs::slug.eq(slug)).select(programs::id).first(conn).optional()?
            }
        };
        match of.map(|of| Ok::<_, Problem>((of, ledger::hash_at(conn, of, place.sequence)?))).transpose()? {
            Some((of, Some(_))) => found.push((of, place.sequence)),
            _ => wrong.push(FieldError::new(
                format!("/ledger_rows/{number}"),
                "not_found",
                "tidak ada baris seperti itu",
                "there is no such row",
            )),
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(Problem::Invalid(wrong)) }
}
