//! Forgetting a person. Attendance, votes, decisions and history stand, of an account of which nothing is known any more.

use diesel::prelude::*;

use super::{
    leaving::leave,
    named::{LedgerPlace, NamingRow, ledgers_of, naming},
    words::{By, Words},
};
use crate::{
    access::Tx,
    accounts::{Account, AccountState, Digest, fold, person},
    db::{AnyConnection, At, Id},
    invitations, ledger,
    mail::{self, MailKind, NewMail},
    one_time,
    problem::Problem,
    schema::{
        account_passwords, account_people, attendance_people, attendance_revisions, membership_revisions,
        password_tokens, personal_data_request_notes as notes, personal_data_request_revisions as requests, sign_ins,
        stored_replies,
    },
    second_factor,
    sign_ins::Throttle,
};

/// What is to be blanked beside what the service finds itself.
pub struct Also<'a> {
    /// Rows of ledgers whose texts name the person.
    pub rows: &'a [LedgerPlace],
    /// Other words that they are named by.
    pub words: &'a [String],
}

/// What came of it.
pub struct Erased {
    pub memberships: i32,
    /// The rows whose texts were erased.
    pub rows: Vec<LedgerPlace>,
    /// Rows that have the name in them, or another word that was listed, and that nobody listed.
    pub still_named: Vec<NamingRow>,
}

/// Forgets the person of an account. They are told so by a last mail.
pub fn erase(tx: &mut Tx<'_>, id: Id, request: Id, also: &Also<'_>, why: &str) -> Result<Erased, Problem> {
    let (email, name) = person(tx.conn, id)?;
    let account: Account = tx.look(id)?;
    let words = Words::of(&email, &name, also.words);
    let memberships = leave(tx, id, AccountState::Erased, why)?;
    let (rows, still_named) = erase_texts(tx.conn, &words, also.rows)?;
    forget_attendance(tx.conn, id, &email, &[also.words, &[name]].concat())?;
    forget_replies(tx.conn, id, &words)?;
    mail::forget(tx.conn, id, &email)?;
    forget_credentials(tx.conn, id, &email)?;
    invitations::forget(tx.conn, &email)?;
    forget_notes(tx.conn, id)?;
    forget_person(tx.conn, id)?;
    // The last mail: its address goes when it is sent.
    let mail = NewMail { subject: Some(request), ..account.mail(MailKind::PersonalData, &email) };
    mail::enqueue(tx.conn, &mail, tx.now)?;
    Ok(Erased { memberships, rows, still_named })
}

/// Erases the texts that hold the address, and those that somebody listed.
fn erase_texts(
    conn: &mut AnyConnection,
    words: &Words,
    listed: &[LedgerPlace],
) -> Result<(Vec<LedgerPlace>, Vec<NamingRow>), Problem> {
    let mut places = listed.to_vec();
    let mut still_named = Vec::new();
    for (row, by) in naming(conn, words)? {
        match by {
            _ if places.contains(&row.place) => {}
            By::Address => places.push(row.place),
            By::Words => still_named.push(row),
        }
    }
    for (of, sequence) in ledgers_of(conn, &places)? {
        ledger::erase(conn, of, sequence, |text| words.blank_json(text))?;
    }
    Ok((places, still_named))
}

/// Their places on lists of attendance stay, of nobody. Who has no account there is known by the address, or by a name of
/// theirs on the list of an organisation that the account acted for.
fn forget_attendance(conn: &mut AnyConnection, id: Id, email: &str, names: &[String]) -> QueryResult<()> {
    use attendance_people as t;
    let organisations: Vec<Id> = membership_revisions::table
        .filter(membership_revisions::account_id.eq(id))
        .select(membership_revisions::stakeholder_id)
        .distinct()
        .load(conn)?;
    type Row = (Id, i32, Option<Id>, String, Option<String>, Id);
    let listed: Vec<Row> = t::table
        .inner_join(
            attendance_revisions::table
                .on(attendance_revisions::subject_id.eq(t::attendance_id).and(attendance_revisions::seq_to.is_null())),
        )
        .select((t::attendance_id, t::number, t::account_id, t::name, t::contact, attendance_revisions::stakeholder_id))
        .load(conn)?;
    let theirs = |account: Option<Id>, named: &str, contact: Option<&str>, organisation: Id| {
        let own = names.iter().any(|name| fold(name) == fold(named));
        let same_name = own && organisations.contains(&organisation);
        account == Some(id)
            || account.is_none() && (same_name || contact.is_some_and(|contact| fold(contact) == fold(email)))
    };
    for (attendance, number, account, named, contact, organisation) in listed {
        if theirs(account, &named, contact.as_deref(), organisation) {
            let nothing = (t::name.eq(""), t::position.eq(None::<String>), t::contact.eq(None::<String>));
            let now = (nothing, t::account_id.eq(id));
            diesel::update(t::table.find((attendance, number))).set(now).execute(conn)?;
        }
    }
    Ok(())
}

/// Kept answers that say something of them say nothing any more. That there was an answer stays known: what is sent again has
/// no second effect.
fn forget_replies(conn: &mut AnyConnection, id: Id, words: &Words) -> QueryResult<()> {
    use stored_replies as t;
    let kept: Vec<(Id, String, String)> = t::table.select((t::account_id, t::key, t::body)).load(conn)?;
    let account = id.to_string();
    for (of, key, body) in kept {
        if of == id || body.contains(&account) || words.in_json(&body).is_some() {
            diesel::update(t::table.find((of, key))).set(t::body.eq("")).execute(conn)?;
        }
    }
    Ok(())
}

fn forget_credentials(conn: &mut AnyConnection, id: Id, email: &str) -> QueryResult<()> {
    diesel::delete(account_passwords::table.find(id)).execute(conn)?;
    diesel::delete(password_tokens::table.filter(password_tokens::account_id.eq(id))).execute(conn)?;
    diesel::delete(sign_ins::table.filter(sign_ins::account_id.eq(id))).execute(conn)?;
    second_factor::forget(conn, id)?;
    one_time::forget(conn, id, email)?;
    Throttle::forget(conn, email)
}

fn forget_notes(conn: &mut AnyConnection, id: Id) -> QueryResult<usize> {
    let theirs = requests::table.filter(requests::account_id.eq(id)).select(requests::subject_id);
    let theirs: Vec<Id> = theirs.distinct().load(conn)?;
    diesel::delete(notes::table.filter(notes::request_id.eq_any(theirs))).execute(conn)
}

/// The row stays, under a pseudonym: the account's id.
fn forget_person(conn: &mut AnyConnection, id: Id) -> QueryResult<usize> {
    use account_people as t;
    diesel::update(t::table.find(id))
        .set((
            t::email.eq(""),
            t::email_folded.eq(id.to_string()),
            t::name.eq(""),
            t::digest.eq(Digest::Never.name()),
            t::digest_at.eq(None::<At>),
            t::last_sign_in_at.eq(None::<At>),
            t::restricted_at.eq(None::<At>),
            t::notice_version.eq(None::<String>),
            t::notice_at.eq(None::<At>),
        ))
        .execute(conn)
}
