//! How a request is answered: the act, its rows on the ledgers, the answer by mail, in one transaction.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    erasure::{Also, Erased, erase},
    leaving::leave,
    named::{LedgerPlace, NamingRow},
    requests::{DataRequest, DataRequestKind, DataRequestState},
    restriction,
};
use crate::{
    access::{Recorded, Reply, Tx},
    accounts::{Account, AccountState, keep_an_admin, person},
    db::Id,
    mail::{self, MailKind, NewMail},
    problem::{FieldError, Problem},
    schema::personal_data_request_notes as notes,
    versioned::Resource,
};

/// How a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataRequestOutcome {
    Done,
    Refused,
}

/// The answer to a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct DataRequestCompletion {
    pub outcome: DataRequestOutcome,
    /// What the person is told beside that, by mail; required where it is refused. It is on no ledger.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub answer: Option<String>,
    /// Of an erasure: rows of ledgers whose texts name the person and are to be erased. Those that hold the address are
    /// found without.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub ledger_rows: Vec<LedgerPlace>,
    /// Of an erasure: other words that they are named by, which are blanked in the rows that are erased.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub words: Vec<Word>,
}

/// A word or several.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(min_length = 3, max_length = 200, example = "Bu Rani")]
pub struct Word(pub String);

/// A request that was answered, and what that did.
#[derive(Serialize, ToSchema)]
pub struct CompletedDataRequest {
    #[schema(value_type = DataRequest)]
    pub request: serde_json::Value,
    /// How many memberships ended.
    #[schema(minimum = 0)]
    pub memberships_ended: i32,
    /// Rows of ledgers whose texts were erased.
    pub erased_rows: Vec<LedgerPlace>,
    /// Rows that have the name in them, or one of `words`, and are not erased: look at them in a trial (`dry_run=true`),
    /// and list those that mean this person.
    pub still_named: Vec<NamingRow>,
}

/// What an act did.
#[derive(Default)]
struct Did {
    memberships: i32,
    rows: Vec<LedgerPlace>,
    still_named: Vec<NamingRow>,
}

impl From<Erased> for Did {
    fn from(Erased { memberships, rows, still_named }: Erased) -> Did {
        Did { memberships, rows, still_named }
    }
}

impl DataRequest {
    /// Does what was asked, or refuses it.
    pub fn answer(tx: &mut Tx<'_>, id: Id, with: DataRequestCompletion) -> Result<Recorded<Reply>, Problem> {
        let mut request: DataRequest = tx.look(id)?;
        if request.state != DataRequestState::Received {
            return Err(Problem::WrongState { action: tx.act(), state: request.state.name().into() });
        }
        not_of_oneself(tx, &request)?;
        let done = with.outcome == DataRequestOutcome::Done;
        check(&request, &with)?;
        let did = match done {
            true => request.act(tx, &with)?,
            false => request.leave_be(tx)?,
        };
        let forgotten = done && request.kind == DataRequestKind::Erasure;
        if !forgotten {
            let said = notes::table.find(id);
            diesel::update(said).set(notes::answer.eq(&with.answer)).execute(tx.conn)?;
            tell(tx, &request)?;
        }
        request.state = if done { DataRequestState::Done } else { DataRequestState::Refused };
        request.completed_at = Some(tx.now);
        let answered = tx.change(request, None)?;
        let shown = tx.show(answered.value())?;
        tx.changed(answered)?.with_json(&CompletedDataRequest {
            request: shown,
            memberships_ended: did.memberships,
            erased_rows: did.rows,
            still_named: did.still_named,
        })
    }

    fn act(&self, tx: &mut Tx<'_>, with: &DataRequestCompletion) -> Result<Did, Problem> {
        let (id, why) = (self.account_id, format!("{}:{}", DataRequest::KIND, self.meta.id));
        match self.kind {
            // The person has it from `GET /personal-data/me`, or the admin has done it already.
            DataRequestKind::Access | DataRequestKind::Correction | DataRequestKind::Objection => {}
            DataRequestKind::Restriction => drop(restriction::begin(tx, id)?),
            DataRequestKind::Lifting => drop(restriction::lift(tx, id)?),
            DataRequestKind::Withdrawal => {
                let memberships = leave(tx, id, AccountState::Locked, &why)?;
                return Ok(Did { memberships, ..Did::default() });
            }
            DataRequestKind::Erasure => {
                let words: Vec<String> = with.words.iter().map(|Word(word)| word.clone()).collect();
                let also = Also { rows: &with.ledger_rows, words: &words };
                return Ok(erase(tx, id, self.meta.id, &also, &why)?.into());
            }
        }
        Ok(Did::default())
    }

    /// Leaves things as they were.
    fn leave_be(&self, tx: &mut Tx<'_>) -> Result<Did, Problem> {
        if self.kind == DataRequestKind::Restriction {
            restriction::take_back(tx, self.account_id, self.meta.created_at)?;
        }
        Ok(Did::default())
    }
}

/// Nobody answers their own request, unless there is no other admin.
fn not_of_oneself(tx: &mut Tx<'_>, request: &DataRequest) -> Result<(), Problem> {
    if request.account_id != tx.reach.account || keep_an_admin(tx.conn, request.account_id).is_err() {
        return Ok(());
    }
    Err(Problem::Conflict(FieldError::new(
        "",
        "own_request",
        "permintaan sendiri dijawab oleh pengelola lain",
        "your own request is answered by another admin",
    )))
}

fn check(request: &DataRequest, with: &DataRequestCompletion) -> Result<(), Problem> {
    let mut wrong = Vec::new();
    if with.outcome == DataRequestOutcome::Refused && with.answer.is_none() {
        wrong.push(FieldError::new(
            "/answer",
            "required",
            "sebutkan mengapa permintaan ini ditolak",
            "say why the request is refused",
        ));
    }
    let erases = request.kind == DataRequestKind::Erasure && with.outcome == DataRequestOutcome::Done;
    let listed = [("/ledger_rows", with.ledger_rows.is_empty()), ("/words", with.words.is_empty())];
    for (pointer, _) in listed.into_iter().filter(|(_, empty)| !empty && !erases) {
        wrong.push(FieldError::new(pointer, "not_expected", "hanya untuk penghapusan", "is for an erasure alone"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::Invalid(wrong)) }
}

/// Tells the person what came of it.
fn tell(tx: &mut Tx<'_>, request: &DataRequest) -> Result<(), Problem> {
    let (email, _) = person(tx.conn, request.account_id)?;
    if email.is_empty() {
        return Ok(());
    }
    let account: Account = tx.look(request.account_id)?;
    let mail = NewMail { subject: Some(request.meta.id), ..account.mail(MailKind::PersonalData, &email) };
    Ok(mail::enqueue(tx.conn, &mail, tx.now)?)
}
