use diesel::prelude::*;

use super::matching::rewrite;
use crate::{
    db::{AnyConnection, Id},
    problem::Problem,
    schema::ledger_rows as t,
};

/// Erases what a row says in words: its text and its reason, and the salt, without which its digest tells nobody what they
/// were. The digest stays, so the chain still verifies. The revision that the row made stays too, as `blank` leaves its text.
pub fn erase(
    conn: &mut AnyConnection,
    ledger: Id,
    sequence: i64,
    blank: impl FnOnce(&str) -> Result<String, Problem>,
) -> Result<(), Problem> {
    type Row = (String, Id, i32, Option<String>);
    let row = t::table.find((ledger, sequence)).select((t::subject_kind, t::subject_id, t::revision, t::body));
    let (kind, subject, revision, body): Row = row.first(conn)?;
    if let Some(body) = body {
        rewrite(conn, ledger, &kind, (subject, revision), &blank(&body)?)?;
    }
    diesel::update(t::table.find((ledger, sequence)))
        .set((t::body.eq(None::<String>), t::reason.eq(None::<String>), t::salt.eq("")))
        .execute(conn)?;
    Ok(())
}
