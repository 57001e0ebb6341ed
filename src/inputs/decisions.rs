//! The decision on an input, or on many at once, and the answer to its sender.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    effects::{self, InputEffect},
    model::{Input, InputState},
    references::missing,
};
use crate::{
    access::{Recorded, Seen, Tx},
    db::Id,
    localized::Localized,
    problem::{FieldError, Problem},
};

/// What is decided on an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputDecisionKind {
    Accepted,
    AcceptedInPart,
    /// Dealt with together with another input.
    Merged,
    Deferred,
    OutOfScope,
    AlreadyCovered,
    NotAccepted,
}

/// A place in an input.
#[derive(ToSchema)]
#[schema(max_length = 200, pattern = "^(/[^/]+)+$", example = "/text")]
#[expect(dead_code, reason = "describes what a string is")]
pub struct InputPointer(String);

/// A decision, as it is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewInputDecision {
    pub kind: InputDecisionKind,
    /// Why, as a code; the kind itself where it is left out. So what is not accepted may say that it is out of scope.
    #[serde(default)]
    pub reason_code: Option<InputDecisionKind>,
    /// Why, in words that can be published.
    pub text: Localized,
    /// JSON pointers of the members of the input that it is about; none: all of it.
    #[serde(default)]
    #[schema(max_items = 20, value_type = Vec<InputPointer>)]
    pub pointers: Vec<String>,
    /// What came of the input.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub effects: Vec<InputEffect>,
    /// The input with which it is dealt; required with `merged`, and only then.
    #[serde(default)]
    pub merged_into_id: Option<Id>,
}

/// The decision on an input.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputDecision {
    pub kind: InputDecisionKind,
    pub reason_code: InputDecisionKind,
    pub text: Localized,
    pub pointers: Vec<String>,
    pub effects: Vec<InputEffect>,
    pub merged_into_id: Option<Id>,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub decided_at: DateTime<Utc>,
}

/// The answer to a sender, as it is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewInputAnswer {
    pub text: Localized,
}

/// The answer to a sender.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InputAnswer {
    pub text: Localized,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub answered_at: DateTime<Utc>,
}

/// One input of many on which the same is decided.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct DecidedItem {
    pub input_id: Id,
    /// The revision that was looked at.
    #[schema(minimum = 1, maximum = 2147483647)]
    pub on_revision: i32,
}

/// One decision on many inputs.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct BulkInputDecision {
    #[schema(min_items = 1, max_items = 200)]
    pub items: Vec<DecidedItem>,
    pub decision: NewInputDecision,
}

impl Input {
    /// Decides on it.
    pub fn decide(tx: &mut Tx<'_>, id: Id, seen: Seen, new: NewInputDecision) -> Result<Recorded<Input>, Problem> {
        let input: Input = tx.current(id, seen)?;
        if !awaits_decision(input.state) {
            return Err(Problem::WrongState { action: tx.act(), state: input.state.name().to_owned() });
        }
        check(tx, "", &new, &[id])?;
        let wrong = strange_pointers("", &new, &input)?;
        if !wrong.is_empty() {
            return Err(Problem::Invalid(wrong));
        }
        let decided = decided(tx, input, &new)?;
        effects::keep(tx, &[id], &new.effects)?;
        Ok(decided)
    }

    /// Decides the same on many, all or none.
    pub fn decide_all(tx: &mut Tx<'_>, bulk: BulkInputDecision) -> Result<Recorded<Vec<Input>>, Problem> {
        let BulkInputDecision { items, decision: new } = bulk;
        let ids: Vec<Id> = items.iter().map(|item| item.input_id).collect();
        check(tx, "/decision", &new, &ids)?;
        tx.look_all::<Input>(&ids)?;
        let (mut inputs, mut conflicts) = (Vec::with_capacity(items.len()), Vec::new());
        for (number, item) in items.iter().enumerate() {
            match decidable(tx, &ids[..number], item) {
                Ok(input) => inputs.push(input),
                Err(Problem::Conflict(mut error)) => {
                    error.pointer.insert_str(0, &format!("/items/{number}"));
                    conflicts.push(error);
                }
                Err(other) => return Err(other),
            }
        }
        if !conflicts.is_empty() {
            return Err(Problem::OutcomeConflicts(conflicts));
        }
        for input in &inputs {
            let wrong = strange_pointers("/decision", &new, input)?;
            if !wrong.is_empty() {
                return Err(Problem::Invalid(wrong));
            }
        }
        let made: Result<Vec<_>, Problem> = inputs.into_iter().map(|input| decided(tx, input, &new)).collect();
        effects::keep(tx, &ids, &new.effects)?;
        Ok(Recorded::all(made?))
    }

    /// Answers its sender.
    pub fn answer(tx: &mut Tx<'_>, id: Id, seen: Seen, new: NewInputAnswer) -> Result<Recorded<Input>, Problem> {
        let mut input: Input = tx.current(id, seen)?;
        if input.state != InputState::Decided {
            return Err(Problem::WrongState { action: tx.act(), state: input.state.name().to_owned() });
        }
        source_words(tx, "/text", &new.text)?;
        input.answer = Some(InputAnswer { text: new.text, answered_at: tx.now });
        input.state = InputState::Answered;
        tx.change(input, None)
    }
}

/// It must have been acknowledged before it is decided on.
const fn awaits_decision(state: InputState) -> bool {
    matches!(state, InputState::Acknowledged | InputState::InReview)
}

/// The input of one item, if that very revision can be decided on.
fn decidable(tx: &mut Tx<'_>, before: &[Id], item: &DecidedItem) -> Result<Input, Problem> {
    let conflict = |pointer: &str, code: &'static str, id: String, en: String| {
        Err(Problem::Conflict(FieldError::new(pointer, code, id, en)))
    };
    if before.contains(&item.input_id) {
        let (id, en) = ("masukan ini muncul dua kali", "this input stands twice");
        return conflict("/input_id", "repeated", id.into(), en.into());
    }
    let input: Input = match tx.look(item.input_id) {
        Err(Problem::NotFound) => return Err(Problem::Conflict(missing::<Input>("/input_id"))),
        found => found?,
    };
    let (revision, state) = (input.meta.revision, input.state.name());
    if revision != item.on_revision {
        let (id, en) = (format!("sekarang pada revisi {revision}"), format!("is now at revision {revision}"));
        return conflict("/on_revision", "stale", id, en);
    }
    if !awaits_decision(input.state) {
        let id = format!("tidak dapat diputuskan dalam keadaan {state}");
        return conflict("/input_id", "wrong_state", id, format!("cannot be decided in the state {state}"));
    }
    Ok(input)
}

/// What is wrong with a decision on these inputs, whatever stands in them.
fn check(tx: &mut Tx<'_>, at: &str, new: &NewInputDecision, inputs: &[Id]) -> Result<(), Problem> {
    source_words(tx, &format!("{at}/text"), &new.text)?;
    let place = format!("{at}/merged_into_id");
    let wrong = match (new.kind == InputDecisionKind::Merged, new.merged_into_id) {
        (true, None) => Some(("required", "wajib diisi bila digabungkan", "is required where it is merged")),
        (false, Some(_)) => Some(("unexpected", "hanya bila digabungkan", "only where it is merged")),
        (true, Some(into)) if inputs.contains(&into) => {
            Some(("itself", "tidak dapat digabungkan dengan dirinya", "cannot be merged into itself"))
        }
        _ => None,
    };
    if let Some((code, id, en)) = wrong {
        return Err(Problem::Invalid(vec![FieldError::new(place, code, id, en)]));
    }
    if let Some(into) = new.merged_into_id {
        let other = tx.look_all::<Input>(&[into])?.pop();
        let other = other.ok_or_else(|| Problem::Invalid(vec![missing::<Input>(place.clone())]))?;
        if matches!(other.state, InputState::Withdrawn | InputState::Quarantined) {
            let (id, en) = ("masukan itu ditarik atau disisihkan", "that input was withdrawn or set aside");
            return Err(Problem::Conflict(FieldError::new(place, "not_open", id, en)));
        }
    }
    effects::check(tx, &format!("{at}/effects"), &new.effects)
}

/// The pointers that lead nowhere in this input.
fn strange_pointers(at: &str, new: &NewInputDecision, input: &Input) -> Result<Vec<FieldError>, Problem> {
    let content: Value = Tx::json(&input.content)?;
    let strange = new.pointers.iter().enumerate().filter(|(_, pointer)| content.pointer(pointer).is_none());
    let error = |(number, _)| {
        let (id, en) = ("tidak ada anggota ini dalam masukan", "the input has no such member");
        FieldError::new(format!("{at}/pointers/{number}"), "not_found", id, en)
    };
    Ok(strange.map(error).collect())
}

fn decided(tx: &mut Tx<'_>, mut input: Input, new: &NewInputDecision) -> Result<Recorded<Input>, Problem> {
    input.decision = Some(InputDecision {
        kind: new.kind,
        reason_code: new.reason_code.unwrap_or(new.kind),
        text: new.text.clone(),
        pointers: new.pointers.clone(),
        effects: new.effects.clone(),
        merged_into_id: new.merged_into_id,
        decided_at: tx.now,
    });
    input.state = InputState::Decided;
    tx.change(input, None)
}

/// The text has words in the programme's source language, at its place in the request.
fn source_words(tx: &Tx<'_>, pointer: &str, text: &Localized) -> Result<(), Problem> {
    if text.0.contains_key(&tx.source_language) {
        return Ok(());
    }
    Err(Problem::Invalid(vec![FieldError::new(
        format!("{pointer}/{}", tx.source_language),
        "required",
        "teks dalam bahasa sumber program wajib ada",
        "the text in the programme's source language is required",
    )]))
}
