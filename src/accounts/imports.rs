//! Accounts from a table, each with a membership where the row names a programme: people who have an account already stay
//! as they are, the others get a mail with a token to set the password.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::model::{Account, NewAccount, fold};
use crate::{
    access::Tx,
    csv::Columns,
    db::Id,
    memberships::{Membership, NewMembership},
    problem::Problem,
    programs::{Program, ProgramState},
    schema::account_people,
    sheets::{MOST_ROWS, Row, Sheet, Taken},
    stakeholders::Directory,
    valid::checked,
};

static COLUMNS: Columns = Columns {
    names: &["email", "name", "language", "expires_on", "program", "role", "organisation", "until_on"],
    required: 2,
    most_rows: MOST_ROWS,
};

/// What a membership needs: all of it or nothing.
const MEMBERSHIP: [&str; 3] = ["program", "role", "organisation"];

/// Makes the accounts of a table that are not there yet, and writes to their owners.
pub fn take(tx: &mut Tx<'_>, sheet: &Sheet) -> Result<Taken, Problem> {
    let rows = sheet.rows(&COLUMNS)?;
    let known = known(tx, &rows)?;
    let mut places = Places { programs: programs(tx, &rows)?, directory: Directory::load(tx.conn)? };
    let (mut taken, mut seen) = (Taken::default(), HashMap::new());
    for mut row in rows {
        let address = row.cell("email").map(fold);
        let new = read(tx, &mut row)?;
        let part = places.part(tx, &mut row)?;
        if let Some(before) = address.clone().and_then(|address| seen.insert(address, row.place())) {
            let id = format!("alamat ini sudah ada di baris {before}");
            row.wrong("email", "repeated", id, format!("this address stands in row {before} already"));
        }
        let there = address.and_then(|address| known.get(&address).copied());
        match (new, there) {
            (Some(_), Some(id)) if !row.is_wrong() => taken.unchanged(row, id),
            (Some(new), None) if !row.is_wrong() => match make(tx, &mut row, new, part)? {
                Some(id) if !row.is_wrong() => taken.created(row, id),
                _ => taken.wrong(row),
            },
            _ => taken.wrong(row),
        }
    }
    Ok(taken)
}

/// Who has an account already, by folded address.
fn known(tx: &mut Tx<'_>, rows: &[Row]) -> Result<HashMap<String, Id>, Problem> {
    let addresses: Vec<String> = rows.iter().filter_map(|row| row.cell("email")).map(fold).collect();
    let found: Vec<(String, Id)> = account_people::table
        .filter(account_people::email_folded.eq_any(addresses))
        .select((account_people::email_folded, account_people::account_id))
        .load(tx.conn)?;
    Ok(found.into_iter().collect())
}

/// The programmes that the rows name and that go on, by slug.
fn programs(tx: &mut Tx<'_>, rows: &[Row]) -> Result<HashMap<String, Program>, Problem> {
    let mut programs = Program::named(tx.conn, rows.iter().filter_map(|row| row.cell("program")))?;
    programs.retain(|_, program| program.state == ProgramState::Active);
    Ok(programs)
}

/// The account that a row stands for; none where its cells are wrong.
fn read(tx: &Tx<'_>, row: &mut Row) -> Result<Option<NewAccount>, Problem> {
    row.missing("email");
    row.missing("name");
    let cells = ["email", "name", "language", "expires_on"];
    let told: Map<String, Value> =
        cells.iter().filter_map(|column| Some(((*column).to_owned(), json!(row.cell(column)?)))).collect();
    row.take(checked(told.into(), &tx.schemas), column)
}

/// Makes an account and its membership, and writes to its owner.
fn make(tx: &mut Tx<'_>, row: &mut Row, new: NewAccount, part: Option<Part>) -> Result<Option<Id>, Problem> {
    let made = Account::invite(tx, &new.content);
    let Some(made) = row.take(made, column)? else { return Ok(None) };
    let id = made.value().meta.id;
    if let Some(Part { program, mut membership }) = part {
        membership.account_id = Some(id);
        tx.turn_to(&program)?;
        membership.content.from_on = tx.today();
        let granted = Membership::grant(tx, membership);
        tx.turn_to_platform();
        row.take(granted, column)?;
    }
    Ok(Some(id))
}

/// The column that a member stands in.
fn column(pointer: &str) -> &str {
    match pointer.trim_start_matches('/') {
        "stakeholder_id" => "organisation",
        member => member,
    }
}

/// The programmes and organisations that rows may name.
struct Places {
    programs: HashMap<String, Program>,
    directory: Directory,
}

/// A membership that a row stands for: its account and its first day are known when the account is made.
struct Part {
    program: Program,
    membership: NewMembership,
}

impl Places {
    fn part(&mut self, tx: &Tx<'_>, row: &mut Row) -> Result<Option<Part>, Problem> {
        if MEMBERSHIP.iter().all(|column| row.cell(column).is_none()) {
            if row.cell("until_on").is_some() {
                let (id, en) = ("hanya untuk keanggotaan: sebutkan program", "is for memberships: name a programme");
                row.wrong("until_on", "unexpected", id, en);
            }
            return Ok(None);
        }
        MEMBERSHIP.iter().for_each(|column| row.missing(column));
        let program = row.cell("program").and_then(|slug| self.programs.get(slug)).cloned();
        if program.is_none() && row.cell("program").is_some() {
            let (id, en) = ("tidak ada program aktif dengan nama ini", "there is no active programme of this name");
            row.wrong("program", "not_found", id, en);
        }
        let organisation = self.directory.named_in(row, "organisation");
        let mut told = json!({"account_id": Id::NIL, "stakeholder_id": organisation.unwrap_or_default(),
            "role": row.cell("role").unwrap_or_default(), "from_on": tx.now.date_naive()});
        if let Some(day) = row.cell("until_on") {
            told["until_on"] = json!(day);
        }
        let membership = row.take(checked(told, &tx.schemas), column)?;
        let Some((program, membership)) = program.zip(membership) else { return Ok(None) };
        Ok(Some(Part { program, membership }))
    }
}
