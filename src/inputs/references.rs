//! What inputs refer to: it must be there, and be shown to whoever sends them. Many inputs are looked at together.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::model::{InputSubjectKind, NewInput};
use crate::{
    access::Tx,
    consultations::Consultation,
    db::Id,
    documents::Document,
    events::Event,
    focus_areas::FocusArea,
    phases::Phase,
    problem::{FieldError, Problem},
    questions::Question,
    schema::input_subjects,
    statements::Statement,
    versioned::Resource,
};

/// Something that an input refers to: the input's place among others, where in it, and the id.
type Named = (usize, String, Id);

/// What is wrong with the references of each input, by its place.
pub type Wrong = BTreeMap<usize, Vec<FieldError>>;

/// Looks up all that these inputs refer to.
pub fn check(tx: &mut Tx<'_>, inputs: &[(usize, NewInput)]) -> Result<Wrong, Problem> {
    let mut wrong = Wrong::new();
    let consultations =
        inputs.iter().filter_map(|(place, new)| Some((*place, "/consultation_id".to_owned(), new.consultation_id?)));
    seen::<Consultation>(tx, consultations.collect(), &mut wrong)?;
    let evidence = inputs.iter().flat_map(|(place, new)| {
        new.evidence_ids.iter().enumerate().map(|(number, id)| (*place, format!("/evidence_ids/{number}"), *id))
    });
    seen::<Document>(tx, evidence.collect(), &mut wrong)?;
    seen::<FocusArea>(tx, subjects(inputs, InputSubjectKind::FocusArea), &mut wrong)?;
    seen::<Question>(tx, subjects(inputs, InputSubjectKind::Question), &mut wrong)?;
    seen::<Statement>(tx, subjects(inputs, InputSubjectKind::Statement), &mut wrong)?;
    seen::<Phase>(tx, subjects(inputs, InputSubjectKind::Phase), &mut wrong)?;
    seen::<Event>(tx, subjects(inputs, InputSubjectKind::Event), &mut wrong)?;
    seen::<Consultation>(tx, subjects(inputs, InputSubjectKind::Consultation), &mut wrong)?;
    Ok(wrong)
}

fn subjects(inputs: &[(usize, NewInput)], kind: InputSubjectKind) -> Vec<Named> {
    let all = inputs.iter().flat_map(|(place, new)| {
        new.subjects.iter().enumerate().map(move |(number, subject)| (*place, number, subject))
    });
    let of_kind = all.filter(|(.., subject)| subject.kind == kind);
    of_kind.map(|(place, number, subject)| (place, format!("/subjects/{number}/id"), subject.id)).collect()
}

/// Notes what is not there, or not for this caller to see.
fn seen<R: Resource>(tx: &mut Tx<'_>, named: Vec<Named>, wrong: &mut Wrong) -> Result<(), Problem> {
    if named.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<Id> = named.iter().map(|(.., id)| *id).collect();
    let found = tx.look_all::<R>(&ids.into_iter().collect::<Vec<_>>())?;
    let known: BTreeSet<Id> = found.iter().map(|one| one.meta().id).collect();
    for (place, pointer, _) in named.into_iter().filter(|(.., id)| !known.contains(id)) {
        wrong.entry(place).or_default().push(missing::<R>(pointer));
    }
    Ok(())
}

/// There is no such thing here.
pub fn missing<R: Resource>(pointer: impl Into<String>) -> FieldError {
    FieldError::new(
        pointer,
        "not_found",
        format!("tidak ada {} dengan id ini di sini", R::KIND),
        format!("there is no {} with this id here", R::KIND.replace('_', " ")),
    )
}

/// Keeps what the content of these inputs is about, so that lists find them by it.
pub fn keep<'i>(tx: &mut Tx<'_>, inputs: impl Iterator<Item = (Id, i32, &'i NewInput)>) -> Result<(), Problem> {
    use input_subjects as t;
    let ledger = tx.reach.ledger;
    let rows = inputs.flat_map(|(input, revision, content)| {
        let numbered = (0..).zip(&content.subjects);
        numbered.map(move |(number, subject): (i32, _)| {
            (
                t::input_id.eq(input),
                t::input_revision.eq(revision),
                t::number.eq(number),
                t::ledger_id.eq(ledger),
                t::subject_id.eq(subject.id),
            )
        })
    });
    let rows: Vec<_> = rows.collect();
    let kept: QueryResult<()> = crate::insert_many!(&mut *tx.conn, t::table, rows);
    Ok(kept?)
}
