//! Receiving: one input or many go the same way, with few statements.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{
    model::{Input, InputState, NewInput, Received},
    receipt::{self, Envelope},
    references,
};
use crate::{
    access::{Recorded, Reply, Tx, place},
    consultations::Consultation,
    db::Id,
    events::Participation,
    problem::{FieldError, Problem},
    schema::input_revisions,
    versioned::{self, Meta, Stored, Versioned},
};

/// What came of something that was sent.
pub enum Arrived {
    /// It is here already: the same was sent before.
    Known(Input),
    /// It is to be kept.
    New(Input),
}

/// Something that was sent: its place among others, and what came of it.
pub type Came = (usize, Result<Arrived, Problem>);

/// Receives one input.
pub fn receive(tx: &mut Tx<'_>, envelope: &Envelope, new: NewInput) -> Result<Recorded<Reply>, Problem> {
    let arrived = arrive(tx, envelope, vec![(0, new)])?.pop();
    let (_, arrived) = arrived.ok_or_else(|| Problem::internal("what was sent got lost"))?;
    match arrived? {
        Arrived::Known(input) => {
            let link = receipt::link(&tx.reach, input.meta.id);
            let known = tx.unchanged(input);
            Ok(tx.changed(known)?.map(|reply| Reply { link: Some(link), ..reply }))
        }
        Arrived::New(input) => {
            let link = receipt::link(&tx.reach, input.meta.id);
            let made = keep(tx, envelope, vec![input])?;
            let made = made.try_map(|mut made| made.pop().ok_or_else(|| Problem::internal("nothing was kept")))?;
            Ok(tx.created(made)?.map(|reply| Reply { link: Some(link), ..reply }))
        }
    }
}

/// Looks at what was sent, each with its place, and says of each what is to become of it. Nothing is kept yet.
pub fn arrive(tx: &mut Tx<'_>, envelope: &Envelope, sent: Vec<(usize, NewInput)>) -> Result<Vec<Came>, Problem> {
    let organisation = tx.reach.stakeholder.ok_or(Problem::NotOwnOrganization)?;
    let earlier = earlier(tx, organisation, &sent)?;
    let mut arrived = Vec::with_capacity(sent.len());
    let mut new: Vec<(usize, NewInput)> = Vec::new();
    for (place, one) in sent {
        let reference = one.external_ref.as_ref();
        let first = new.iter().find(|(_, other)| reference.is_some() && other.external_ref.as_ref() == reference);
        if reference.is_none() && !envelope.keyed {
            arrived.push((place, Err(without_name())));
        } else if let Some(known) = reference.and_then(|reference| earlier.get(reference)) {
            arrived.push((place, again(tx, known, &one)));
        } else if first.is_some() {
            arrived.push((place, Err(twice())));
        } else {
            new.push((place, one));
        }
    }
    let mut wrong = references::check(tx, &new)?;
    let mut number = last_number(tx)?;
    for (place, one) in new {
        let ready = match wrong.remove(&place) {
            Some(errors) => Err(Problem::Invalid(errors)),
            None => answers(tx, &one),
        };
        let ready = ready.map(|owed| {
            number += 1;
            Arrived::New(begin(tx, envelope, organisation, number, one, owed))
        });
        arrived.push((place, ready));
    }
    arrived.sort_by_key(|(place, _)| *place);
    Ok(arrived)
}

/// Puts new inputs in the database and on the ledger, each with its receipt.
pub fn keep(tx: &mut Tx<'_>, envelope: &Envelope, new: Vec<Input>) -> Result<Recorded<Vec<Input>>, Problem> {
    let made = tx.create_all(new, &[])?;
    references::keep(tx, made.value().iter().map(|one| (one.meta.id, one.content_revision, &one.content)))?;
    receipt::keep(tx, envelope, made.value())?;
    Ok(made)
}

fn begin(tx: &Tx<'_>, envelope: &Envelope, organisation: Id, number: i32, new: NewInput, owed: bool) -> Input {
    Input {
        meta: Meta::new(tx.now),
        code: format!("I-{number}"),
        stakeholder_id: organisation,
        due_on: Input::due(new.kind, tx.today()).filter(|_| owed),
        content: new,
        content_revision: 1,
        state: InputState::Received,
        assigned_to_id: None,
        question_to_sender: None,
        reply: None,
        decision: None,
        answer: None,
        received: Received { at: tx.now, digest: envelope.digest.clone() },
    }
}

fn last_number(tx: &mut Tx<'_>) -> Result<i32, Problem> {
    let last: Option<i32> = input_revisions::table
        .filter(input_revisions::ledger_id.eq(tx.reach.ledger))
        .filter(input_revisions::seq_to.is_null())
        .select(diesel::dsl::max(input_revisions::number))
        .first(tx.conn)?;
    Ok(last.unwrap_or(0))
}

/// What the organisation sent before under these references.
fn earlier(tx: &mut Tx<'_>, organisation: Id, sent: &[(usize, NewInput)]) -> Result<BTreeMap<String, Input>, Problem> {
    use input_revisions as t;
    let references: BTreeSet<String> = sent.iter().filter_map(|(_, one)| one.external_ref.clone()).collect();
    if references.is_empty() {
        return Ok(BTreeMap::new());
    }
    let bodies: Vec<String> = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(organisation))
        .filter(t::external_ref.eq_any(references))
        .filter(t::seq_to.is_null())
        .select(t::body)
        .load(tx.conn)?;
    let inputs = bodies.iter().map(|body| versioned::parse::<Input>(body));
    inputs.map(|input| input.map(|input| (input.content.external_ref.clone().unwrap_or_default(), input))).collect()
}

/// Sent again under a reference that is known: the same is what there is, anything else is refused.
fn again(tx: &mut Tx<'_>, known: &Input, sent: &NewInput) -> Result<Arrived, Problem> {
    let existing = place::<Input>(&tx.reach.slug, &known.meta.id.to_string());
    if known.state == InputState::Withdrawn {
        return Err(Problem::InputWithdrawn { existing, at: known.meta.updated_at });
    }
    // It may have been corrected since: a late repeat of the first is still the same.
    if known.content == *sent || first_content(tx, known)? == *sent {
        return Ok(Arrived::Known(known.clone()));
    }
    Err(Problem::ExternalRefTaken { existing })
}

fn first_content(tx: &mut Tx<'_>, input: &Input) -> Result<NewInput, Problem> {
    if input.content_revision == 1 {
        return Ok(input.content.clone());
    }
    let first: Option<Stored> = Input::numbered(tx.conn, tx.reach.ledger, input.meta.id, 1)?;
    let first = first.ok_or_else(|| Problem::internal("an input has no first revision"))?;
    Ok(versioned::parse::<Input>(&first.body)?.content)
}

/// Whether a decision is owed on it; refused if its consultation does not take it today.
fn answers(tx: &mut Tx<'_>, new: &NewInput) -> Result<bool, Problem> {
    let Some(id) = new.consultation_id else { return Ok(true) };
    let consultation: Consultation = tx.look(id)?;
    if !consultation.is_open(tx.today()) {
        return Err(Problem::Conflict(FieldError::new(
            "/consultation_id",
            "not_open",
            "konsultasi ini tidak dibuka hari ini",
            "this consultation is not open today",
        )));
    }
    if !consultation.content.kinds.contains(&new.kind) {
        return Err(Problem::Conflict(FieldError::new(
            "/kind",
            "not_wanted",
            "konsultasi ini tidak meminta masukan jenis ini",
            "this consultation does not ask for input of this kind",
        )));
    }
    Ok(consultation.content.participation != Participation::Inform)
}

/// Nothing tells it from another of the same words.
fn without_name() -> Problem {
    Problem::Invalid(vec![FieldError::new(
        "/external_ref",
        "required",
        "wajib diisi bila tidak ada Idempotency-Key",
        "is required where there is no Idempotency-Key",
    )])
}

fn twice() -> Problem {
    Problem::Invalid(vec![FieldError::new(
        "/external_ref",
        "repeated",
        "muncul dua kali dalam satu kiriman",
        "stands twice in one batch",
    )])
}
