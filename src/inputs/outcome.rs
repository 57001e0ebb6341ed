//! What became of an input, told to whoever sent it.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    decisions::{InputAnswer, InputDecision},
    effects::{self, InputEffectItem},
    model::{Input, InputState},
};
use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    localized::Localized,
    problem::Problem,
    versioned::{self, Versioned, hidden},
};

/// Who is to act next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NextActor {
    Sender,
    Secretariat,
    Nobody,
}

/// What comes next.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextStep {
    pub who: NextActor,
    /// In Indonesian and English.
    pub what: Localized,
}

/// What became of an input.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputOutcome {
    #[schema(example = "I-1")]
    pub code: String,
    pub state: InputState,
    /// The day by which a decision is owed; null where none is.
    pub due_on: Option<NaiveDate>,
    /// That day is over in the programme's time zone, and there is no decision.
    pub overdue: bool,
    pub decision: Option<InputDecision>,
    /// The exact revisions that came of it, with those that stand now.
    pub effects: Vec<InputEffectItem>,
    pub answer: Option<InputAnswer>,
    pub next_step: NextStep,
}

/// An input that this caller sees.
pub fn shown(conn: &mut AnyConnection, reach: &Reach, id: Id) -> Result<Input, Problem> {
    let stored = Input::open(conn, reach.ledger, id)?;
    let stored = stored.filter(|stored| !hidden::<Input>(reach, stored)).ok_or(Problem::NotFound)?;
    versioned::parse(&stored.body)
}

pub fn read(conn: &mut AnyConnection, reach: &Reach, id: Id, today: NaiveDate) -> Result<InputOutcome, Problem> {
    let input = shown(conn, reach, id)?;
    let named = input.decision.as_ref().map(|decision| decision.effects.as_slice()).unwrap_or_default();
    Ok(InputOutcome {
        effects: effects::read(conn, reach, named)?,
        overdue: input.is_overdue(today),
        next_step: next_step(input.state),
        code: input.code,
        state: input.state,
        due_on: input.due_on,
        decision: input.decision,
        answer: input.answer,
    })
}

fn next_step(state: InputState) -> NextStep {
    use NextActor::*;
    let (who, id, en) = match state {
        InputState::Received => (Secretariat, "Konfirmasi penerimaan.", "Acknowledge it."),
        InputState::Acknowledged => (Secretariat, "Tinjau dan putuskan.", "Review it and decide."),
        InputState::InReview => (Secretariat, "Putuskan.", "Decide."),
        InputState::MoreInformationNeeded => {
            (Sender, "Jawab pertanyaan pada question_to_sender.", "Reply to question_to_sender.")
        }
        InputState::Decided => (Secretariat, "Jawab pengirim.", "Answer the sender."),
        InputState::Quarantined => {
            (Secretariat, "Periksa dan putuskan apakah diterima.", "Look whether it is received.")
        }
        InputState::Answered | InputState::Withdrawn => (Nobody, "Tidak ada.", "Nothing."),
    };
    let what = [("id", id), ("en", en)].map(|(language, text)| (language.to_owned(), text.to_owned()));
    NextStep { who, what: Localized(what.into()) }
}
