//! What is done with an input between its receipt and its decision.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    model::{Input, InputLink, InputState, InputSubject, NewInput},
    references,
};
use crate::{
    access::{Recorded, Seen, Tx},
    db::Id,
    policy::Action,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::membership_revisions,
    valid::Patch,
};

/// What the sender of an input may correct.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputCorrection {
    #[serde(default)]
    #[schema(max_items = 20)]
    pub subjects: Vec<InputSubject>,
    #[schema(min_length = 1, max_length = 20000)]
    pub text: String,
    /// The language of the text.
    #[schema(min_length = 2, max_length = 3, pattern = "^[a-z]{2,3}$", example = "id")]
    pub language: String,
    #[serde(default)]
    #[schema(max_items = 20, value_type = Vec<InputLink>)]
    pub links: Vec<String>,
    /// Documents of this programme that show it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub evidence_ids: Vec<Id>,
    /// What the sender says to what was asked, while more information is needed: the input goes back into review.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    pub reply: Option<String>,
}

/// Where a plain step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputStepState {
    Received,
    Acknowledged,
    InReview,
    MoreInformationNeeded,
    Quarantined,
}

impl From<InputStepState> for InputState {
    fn from(to: InputStepState) -> InputState {
        match to {
            InputStepState::Received => InputState::Received,
            InputStepState::Acknowledged => InputState::Acknowledged,
            InputStepState::InReview => InputState::InReview,
            InputStepState::MoreInformationNeeded => InputState::MoreInformationNeeded,
            InputStepState::Quarantined => InputState::Quarantined,
        }
    }
}

/// A plain step of an input's life.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct InputTransition {
    pub to: InputStepState,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// What the sender is asked; required with `more_information_needed`, and only then.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 4000)]
    pub question_to_sender: Option<String>,
    /// The account that looks after it from now on: one of the lead's or the secretariat's. As it was where it is left
    /// out.
    #[serde(default)]
    pub assigned_to_id: Option<Id>,
}

/// The steps of the life cycle.
const fn leads_to(from: InputState, to: InputState) -> bool {
    use InputState::*;
    matches!(
        (from, to),
        (Received, Acknowledged | InReview)
            | (Acknowledged, InReview)
            | (InReview, MoreInformationNeeded)
            | (MoreInformationNeeded, InReview)
            | (Received | Acknowledged | InReview | MoreInformationNeeded, Quarantined)
            | (Quarantined, Received)
    )
}

impl Input {
    /// The input as its own organisation saw it.
    fn own(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<Input, Problem> {
        let known: Input = tx.look(id)?;
        if tx.reach.stakeholder != Some(known.stakeholder_id) {
            return Err(Problem::NotOwnOrganization);
        }
        tx.current(id, seen)
    }

    /// Corrects what was sent, or replies to what was asked.
    pub fn correct(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<InputCorrection>,
    ) -> Result<Recorded<Input>, Problem> {
        let mut input = Input::own(tx, id, seen)?;
        let replies = patch.value().get("reply").is_some_and(|reply| !reply.is_null());
        let corrected: InputCorrection = patch.apply(&Tx::json(&input)?, &tx.schemas)?;
        if replies {
            if input.state != InputState::MoreInformationNeeded {
                return Err(Problem::Conflict(FieldError::new(
                    "/reply",
                    "not_asked",
                    "tidak ada pertanyaan kepada pengirim yang menunggu jawaban",
                    "nothing that the sender was asked is waiting for a reply",
                )));
            }
            input.reply = corrected.reply;
            input.state = InputState::InReview;
        }
        let InputCorrection { subjects, text, language, links, evidence_ids, .. } = corrected;
        let content = NewInput { subjects, text, language, links, evidence_ids, ..input.content.clone() };
        let changes = content != input.content;
        if changes {
            let named = NewInput { consultation_id: None, ..content.clone() };
            if let Some(errors) = references::check(tx, &[(0, named)])?.remove(&0) {
                return Err(Problem::Invalid(errors));
            }
            input.content = content;
            input.content_revision = input.meta.revision + 1;
        }
        let corrected = tx.change(input, None)?;
        if changes {
            let input = corrected.value();
            let (id, revision) = (input.meta.id, input.content_revision);
            references::keep(tx, std::iter::once((id, revision, &input.content)))?;
        }
        Ok(corrected)
    }

    /// Takes it back.
    pub fn withdraw(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Input>, Problem> {
        let mut input = Input::own(tx, id, seen)?;
        input.state = InputState::Withdrawn;
        tx.change(input, Some(&why.reason))
    }

    /// Takes a plain step.
    pub fn step(tx: &mut Tx<'_>, id: Id, seen: Seen, step: InputTransition) -> Result<Recorded<Input>, Problem> {
        let mut input: Input = tx.current(id, seen)?;
        let to = InputState::from(step.to);
        if !leads_to(input.state, to) {
            return Err(Problem::WrongState { action: tx.act(), state: input.state.name().to_owned() });
        }
        match (to == InputState::MoreInformationNeeded, step.question_to_sender) {
            (true, Some(question)) => (input.question_to_sender, input.reply) = (Some(question), None),
            (false, None) => {}
            (asks, _) => return Err(asked_wrongly(asks)),
        }
        if let Some(account) = step.assigned_to_id {
            must_decide(tx, account)?;
            input.assigned_to_id = Some(account);
        }
        input.state = to;
        tx.change(input, Some(&step.reason))
    }
}

fn asked_wrongly(asks: bool) -> Problem {
    let (code, id, en) = match asks {
        true => ("required", "wajib diisi bila diperlukan keterangan", "is required where more information is needed"),
        false => ("unexpected", "hanya bila diperlukan keterangan", "only where more information is needed"),
    };
    Problem::Invalid(vec![FieldError::new("/question_to_sender", code, id, en)])
}

/// The account has a role in the programme that decides on inputs.
fn must_decide(tx: &mut Tx<'_>, account: Id) -> Result<(), Problem> {
    use membership_revisions as held;
    let roles: Vec<&str> = Action::DecideInput.roles().iter().map(|role| role.name()).collect();
    let today = tx.today();
    let holds = held::table
        .filter(held::account_id.eq(account))
        .filter(held::ledger_id.eq(tx.reach.ledger))
        .filter(held::seq_to.is_null())
        .filter(held::state.eq("active"))
        .filter(held::role.eq_any(roles))
        .filter(held::until_on.is_null().or(held::until_on.ge(today)));
    if diesel::select(diesel::dsl::exists(holds)).get_result(tx.conn)? {
        return Ok(());
    }
    Err(Problem::Invalid(vec![FieldError::new(
        "/assigned_to_id",
        "not_found",
        "akun ini tidak memutuskan masukan dalam program ini",
        "this account does not decide on inputs in this programme",
    )]))
}
