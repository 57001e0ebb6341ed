//! The subjects of one page of a difference: what each was and is, and what was done between.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    dsl::{count_star, max},
    prelude::*,
};
use serde_json::{Map, Value};

use super::{DiffAct, DiffItem};
use crate::{
    access::Reach,
    ballots::Ballot,
    consultations::Consultation,
    criteria::Criterion,
    db::{AnyConnection, At, Id},
    decisions::Decision,
    diff::fields,
    documents::Document,
    events::Event,
    focus_areas::FocusArea,
    inputs::Input,
    mappings::Mapping,
    participants::Participant,
    phases::Phase,
    problem::Problem,
    questions::Question,
    schema::{ledger_rows as rows, question_revisions},
    shocks_and_stresses::ShockOrStress,
    statements::Statement,
    versioned::{self, Resource, Stored},
};

/// More acts than anybody reads of one subject at one go.
const ACTS: i64 = 100;

/// What is told of: its kind, the states that a caller is not shown, what else one is not shown, and the state that a
/// body is in.
struct Kind {
    name: &'static str,
    hidden_from: fn(&Reach) -> &'static [&'static str],
    hidden_row: Option<fn(&Reach, &Stored) -> bool>,
    state: fn(&str) -> Result<String, Problem>,
}

const fn of<R: Resource>() -> Kind {
    Kind { name: R::KIND, hidden_from: R::hidden_from, hidden_row: None, state: state::<R> }
}

/// Of a kind that hides single things from some.
const fn row_by_row<R: Resource>() -> Kind {
    Kind { hidden_row: Some(R::hidden_row), ..of::<R>() }
}

fn state<R: Resource>(body: &str) -> Result<String, Problem> {
    Ok(versioned::parse::<R>(body)?.state().to_owned())
}

/// No memberships, accounts, votes or attendance: those are about people and single voices. No webhooks: those are about
/// the software.
const KINDS: &[Kind] = &[
    of::<Phase>(),
    of::<FocusArea>(),
    of::<ShockOrStress>(),
    of::<Question>(),
    of::<Document>(),
    of::<Participant>(),
    of::<Event>(),
    of::<Ballot>(),
    of::<Decision>(),
    of::<Mapping>(),
    of::<Criterion>(),
    of::<Statement>(),
    of::<Consultation>(),
    row_by_row::<Input>(),
];

fn kind_named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

pub fn is_told_of(kind: &str) -> bool {
    kind_named(kind).is_some()
}

/// A row without its body.
#[derive(Queryable)]
struct Row {
    sequence: i64,
    at: At,
    account_id: Option<Id>,
    stakeholder_id: Option<Id>,
    action: String,
    kind: String,
    subject: Id,
    reason: Option<String>,
}

/// What was done to one subject.
struct Acted {
    count: i64,
    rows: Vec<Row>,
    before: Option<i64>,
}

/// What a row says that its subject was.
struct Body {
    revision: i32,
    text: Option<String>,
}

/// The subjects in the order in which they are given. Those that the caller is not shown are left out.
pub fn read(
    conn: &mut AnyConnection,
    reach: &Reach,
    (from, to): (i64, i64),
    subjects: &[Id],
) -> Result<Vec<DiffItem>, Problem> {
    let mut acted = acted(conn, reach.ledger, (from, to), subjects)?;
    let mut wanted = BTreeSet::new();
    for one in acted.values() {
        wanted.extend(one.before);
        wanted.extend(one.rows.last().map(|row| row.sequence));
        // Where some states are hidden, so is what was done in them.
        if one.rows.first().and_then(|row| kind_named(&row.kind)).is_some_and(|kind| hides(kind, reach)) {
            wanted.extend(one.rows.iter().map(|row| row.sequence));
        }
    }
    let bodies = bodies(conn, reach.ledger, &wanted)?;
    let mut items = Vec::with_capacity(subjects.len());
    for id in subjects {
        let one = acted.remove(id).map(|acted| item(reach, acted, &bodies)).transpose()?;
        items.extend(one.flatten());
    }
    let areas = areas_of_questions(conn, reach.ledger, to, &items)?;
    Ok(items
        .into_iter()
        .map(|(mut item, question)| {
            let by_question = question.and_then(|id| areas.get(&id).copied());
            item.focus_area_id = item.focus_area_id.or(by_question);
            item
        })
        .collect())
}

/// What was done to each subject between the two rows, and the row that said before what it was.
fn acted(
    conn: &mut AnyConnection,
    ledger: Id,
    (from, to): (i64, i64),
    subjects: &[Id],
) -> Result<BTreeMap<Id, Acted>, Problem> {
    let counts: Vec<(Id, i64)> = rows::table
        .filter(rows::subject_id.eq_any(subjects.iter().copied()))
        .filter(rows::ledger_id.eq(ledger))
        .filter(rows::sequence.gt(from))
        .filter(rows::sequence.le(to))
        .group_by(rows::subject_id)
        .select((rows::subject_id, count_star()))
        .load(conn)?;
    let befores: Vec<(Id, Option<i64>)> = rows::table
        .filter(rows::subject_id.eq_any(subjects.iter().copied()))
        .filter(rows::ledger_id.eq(ledger))
        .filter(rows::sequence.le(from))
        .group_by(rows::subject_id)
        .select((rows::subject_id, max(rows::sequence)))
        .load(conn)?;
    let befores: BTreeMap<Id, Option<i64>> = befores.into_iter().collect();
    let (few, many): (Vec<_>, Vec<_>) = counts.iter().partition(|(_, count)| *count <= ACTS);
    let few = few.iter().map(|(id, _)| *id).collect();
    let mut found = latest(conn, ledger, (from, to), few, ACTS * subjects.len() as i64)?;
    for (id, _) in many {
        found.extend(latest(conn, ledger, (from, to), vec![id], ACTS)?);
    }
    let mut acted: BTreeMap<Id, Acted> = BTreeMap::new();
    for (id, count) in counts {
        acted.insert(id, Acted { count, rows: Vec::new(), before: befores.get(&id).copied().flatten() });
    }
    found.sort_by_key(|row| row.sequence);
    for row in found {
        if let Some(one) = acted.get_mut(&row.subject) {
            one.rows.push(row);
        }
    }
    Ok(acted)
}

/// The newest rows about these subjects.
fn latest(
    conn: &mut AnyConnection,
    ledger: Id,
    (from, to): (i64, i64),
    subjects: Vec<Id>,
    limit: i64,
) -> Result<Vec<Row>, Problem> {
    Ok(rows::table
        .filter(rows::subject_id.eq_any(subjects))
        .filter(rows::ledger_id.eq(ledger))
        .filter(rows::sequence.gt(from))
        .filter(rows::sequence.le(to))
        .order((rows::subject_id, rows::sequence.desc()))
        .limit(limit)
        .select((
            rows::sequence,
            rows::at,
            rows::account_id,
            rows::stakeholder_id,
            rows::action,
            rows::subject_kind,
            rows::subject_id,
            rows::reason,
        ))
        .load(conn)?)
}

fn bodies(conn: &mut AnyConnection, ledger: Id, wanted: &BTreeSet<i64>) -> Result<BTreeMap<i64, Body>, Problem> {
    let found: Vec<(i64, i32, Option<String>)> = rows::table
        .filter(rows::ledger_id.eq(ledger))
        .filter(rows::sequence.eq_any(wanted.iter().copied()))
        .select((rows::sequence, rows::revision, rows::body))
        .load(conn)?;
    Ok(found.into_iter().map(|(sequence, revision, text)| (sequence, Body { revision, text })).collect())
}

fn hides(kind: &Kind, reach: &Reach) -> bool {
    kind.hidden_row.is_some() || !(kind.hidden_from)(reach).is_empty()
}

/// Whether the caller is shown what a row made of its subject. Of an erased text nobody knows the state.
fn shown(kind: &Kind, reach: &Reach, body: &Body) -> Result<bool, Problem> {
    let Some(text) = &body.text else { return Ok(!hides(kind, reach)) };
    if !hides(kind, reach) {
        return Ok(true);
    }
    let state = (kind.state)(text)?;
    if (kind.hidden_from)(reach).contains(&state.as_str()) {
        return Ok(false);
    }
    let Some(hidden) = kind.hidden_row else { return Ok(true) };
    let stored = Stored { id: Id::NIL, revision: body.revision, seq_from: 0, state, body: text.clone() };
    Ok(!hidden(reach, &stored))
}

fn parsed(body: &Body) -> Result<Value, Problem> {
    match &body.text {
        Some(text) => serde_json::from_str(text).map_err(Problem::internal),
        None => Ok(Value::Object(Map::new())),
    }
}

/// One subject's difference and the question that it is about; `None` if the caller is not shown it.
fn item(reach: &Reach, acted: Acted, bodies: &BTreeMap<i64, Body>) -> Result<Option<(DiffItem, Option<Id>)>, Problem> {
    let Some(last) = acted.rows.last() else { return Ok(None) };
    let (Some(kind), Some(after)) = (kind_named(&last.kind), bodies.get(&last.sequence)) else { return Ok(None) };
    if !shown(kind, reach, after)? {
        return Ok(None);
    }
    let before = match acted.before.and_then(|sequence| bodies.get(&sequence)) {
        Some(before) if shown(kind, reach, before)? => Some(before),
        _ => None,
    };
    let was = before.map_or_else(|| Ok(Value::Object(Map::new())), parsed)?;
    let (id, now) = (last.subject, parsed(after)?);
    let subject = |of: &str| if now["subject"]["kind"] == of { id_in(&now["subject"]["id"]) } else { None };
    let own = |of: &str, member: &str| if kind.name == of { Some(id) } else { id_in(&now[member]) };
    let earlier_acts = acted.count > acted.rows.len() as i64;
    let mut acts = Vec::with_capacity(acted.rows.len());
    for row in acted.rows {
        let body = bodies.get(&row.sequence);
        if hides(kind, reach) && !body.map_or(Ok(false), |body| shown(kind, reach, body))? {
            continue;
        }
        acts.push(act(row));
    }
    let item = DiffItem {
        kind: kind.name,
        id,
        code: now["code"].as_str().map(str::to_owned),
        revision_before: before.map(|before| before.revision),
        revision_after: after.revision,
        focus_area_id: own("focus_area", "focus_area_id").or_else(|| subject("focus_area")),
        event_id: own("event", "event_id"),
        changes: fields(&was, &now),
        acts,
        earlier_acts,
    };
    Ok(Some((item, id_in(&now["question_id"]).or_else(|| subject("question")))))
}

fn act(row: Row) -> DiffAct {
    let Row { sequence, at: At(at), account_id, stakeholder_id, action, reason, .. } = row;
    DiffAct { sequence, at, action, account_id, stakeholder_id, reason }
}

fn id_in(value: &Value) -> Option<Id> {
    serde_json::from_value(value.clone()).ok()
}

/// The focus area that each question was in at the end.
fn areas_of_questions(
    conn: &mut AnyConnection,
    ledger: Id,
    to: i64,
    items: &[(DiffItem, Option<Id>)],
) -> Result<BTreeMap<Id, Id>, Problem> {
    use question_revisions as q;
    let ids: BTreeSet<Id> = items.iter().filter_map(|(_, question)| *question).collect();
    let areas: Vec<(Id, Id)> = q::table
        .filter(q::subject_id.eq_any(ids))
        .filter(q::ledger_id.eq(ledger))
        .filter(q::seq_from.le(to))
        .filter(q::seq_to.is_null().or(q::seq_to.gt(to)))
        .select((q::subject_id, q::focus_area_id))
        .load(conn)?;
    Ok(areas.into_iter().collect())
}
