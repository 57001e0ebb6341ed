use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::{dsl::exists, prelude::*};
use serde_json::Value;

use super::told::*;
use crate::{
    access::Reach,
    consultations::{Consultation, ConsultedKind},
    db::{AnyConnection, Id},
    events::Event,
    focus_areas::FocusArea,
    inputs::{Input, InputSubjectKind, effects_of},
    inputs_seen, listed,
    phases::Phase,
    problem::Problem,
    programs::Program,
    public::PublicOrganisation,
    questions::Question,
    schema::{
        ballot_revisions, consultation_revisions, decision_revisions, input_effects, input_revisions, input_subjects,
    },
    statements::Statement,
    versioned::{self, Resource, Stored, Versioned, hidden},
};

/// What a reader asks about.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The id or code of a question.
    pub question: Option<String>,
    /// The id or code of an event.
    pub event: Option<String>,
}

/// What belongs to the report, once it is known.
#[derive(Clone, Debug)]
pub struct Scope {
    pub program: std::sync::Arc<TraceProgram>,
    pub about: TraceSubject,
    consultations: Vec<AskedConsultation>,
    questions: Vec<Id>,
}

/// The most consultations that a report names.
const MOST: usize = 200;

/// What is asked about, the questions that it is about, and which consultations belong to it.
type Found = (TraceSubject, Vec<Id>, Belongs);
type Belongs = Box<dyn Fn(&Consultation) -> bool>;

/// Finds what is asked about; `NotFound` where the reader is not shown it.
pub fn scope(conn: &mut AnyConnection, reach: &Reach, wish: &Wish) -> Result<Scope, Problem> {
    let program: Program = shown(conn, reach, reach.ledger)?;
    let (about, questions, belongs) = match (&wish.question, &wish.event) {
        (Some(name), _) => of_question(conn, reach, name)?,
        (None, Some(name)) => of_event(conn, reach, name)?,
        (None, None) => of_program(&program),
    };
    let consultations = consultations(conn, reach, belongs)?;
    let program = TraceProgram {
        slug: program.slug,
        name: program.content.name,
        source_language: program.source_language,
        time_zone: program.content.time_zone,
    };
    Ok(Scope { program: program.into(), about, consultations, questions })
}

fn of_question(conn: &mut AnyConnection, reach: &Reach, name: &str) -> Result<Found, Problem> {
    let id = Question::identify(conn, reach.ledger, name)?;
    let question: Question = shown(conn, reach, id)?;
    let about = TraceSubject { kind: TraceKind::Question, id, code: question.code, text: question.text };
    Ok((about, vec![id], Box::new(move |call| asks_about(call, ConsultedKind::Question, id))))
}

fn of_event(conn: &mut AnyConnection, reach: &Reach, name: &str) -> Result<Found, Problem> {
    let id = Event::identify(conn, reach.ledger, name)?;
    let event: Event = shown(conn, reach, id)?;
    let about = TraceSubject { kind: TraceKind::Event, id, code: event.code, text: event.content.name };
    let its =
        move |call: &Consultation| call.content.event_id == Some(id) || asks_about(call, ConsultedKind::Event, id);
    Ok((about, treated(conn, reach.ledger, id)?, Box::new(its)))
}

fn of_program(program: &Program) -> Found {
    let (id, code, text) = (program.meta.id, program.slug.clone(), program.content.name.clone());
    (TraceSubject { kind: TraceKind::Program, id, code, text }, Vec::new(), Box::new(|_| true))
}

fn shown<R: Resource>(conn: &mut AnyConnection, reach: &Reach, id: Id) -> Result<R, Problem> {
    let stored = R::open(conn, reach.ledger, id)?.filter(|stored| !hidden::<R>(reach, stored));
    versioned::parse(&stored.ok_or(Problem::NotFound)?.body)
}

fn asks_about(call: &Consultation, kind: ConsultedKind, id: Id) -> bool {
    call.content.subjects.iter().any(|subject| subject.kind == kind && subject.id == id)
}

/// The questions that an event had ballots or decisions on.
fn treated(conn: &mut AnyConnection, ledger: Id, event: Id) -> Result<Vec<Id>, Problem> {
    let ballots: Vec<Option<Id>> = ballot_revisions::table
        .filter(ballot_revisions::ledger_id.eq(ledger))
        .filter(ballot_revisions::event_id.eq(event))
        .filter(ballot_revisions::seq_to.is_null())
        .select(ballot_revisions::question_id)
        .load(conn)?;
    let decisions: Vec<Id> = decision_revisions::table
        .filter(decision_revisions::ledger_id.eq(ledger))
        .filter(decision_revisions::event_id.eq(event))
        .filter(decision_revisions::seq_to.is_null())
        .select(decision_revisions::question_id)
        .load(conn)?;
    let all: BTreeSet<Id> = ballots.into_iter().flatten().chain(decisions).collect();
    Ok(all.into_iter().collect())
}

/// Those that belong to the report, the newest first.
fn consultations(
    conn: &mut AnyConnection,
    reach: &Reach,
    belongs: impl Fn(&Consultation) -> bool,
) -> Result<Vec<AskedConsultation>, Problem> {
    let rows = listed!(consultation_revisions, reach.ledger, None::<i64>, &[]);
    let rows: Vec<Stored> = rows.order(consultation_revisions::number.desc()).load(conn)?;
    let mut found = Vec::new();
    for row in rows {
        let call: Consultation = versioned::parse(&row.body)?;
        if belongs(&call) && found.len() < MOST {
            found.push(asked(call));
        }
    }
    Ok(found)
}

fn asked(call: Consultation) -> AskedConsultation {
    AskedConsultation {
        id: call.meta.id,
        code: call.code,
        topic: call.content.topic,
        text: call.content.text,
        participation: call.content.participation,
        opens_on: call.content.opens_on,
        closes_on: call.content.closes_on,
    }
}

/// The inputs that belong to the report and that the reader sees, in the order in which they were received.
pub fn inputs(
    conn: &mut AnyConnection,
    reach: &Reach,
    scope: &Scope,
    after: Option<Id>,
    limit: i64,
) -> Result<Vec<Input>, Problem> {
    use {input_effects as e, input_revisions as t, input_subjects as s};
    let mut query = inputs_seen!(listed!(input_revisions, reach.ledger, None::<i64>, &[]), reach);
    if scope.about.kind != TraceKind::Program {
        let calls: Vec<Id> = scope.consultations.iter().map(|call| call.id).collect();
        let mut subjects = scope.questions.clone();
        subjects.push(scope.about.id);
        let about = s::table
            .filter(s::input_id.eq(t::subject_id))
            .filter(s::input_revision.eq(t::content_revision))
            .filter(s::subject_id.eq_any(subjects));
        let changed =
            e::table.filter(e::input_id.eq(t::subject_id)).filter(e::question_id.eq_any(scope.questions.clone()));
        query = query.filter(t::consultation_id.eq_any(calls).or(exists(about)).or(exists(changed)));
    }
    if let Some(after) = after {
        query = query.filter(t::subject_id.gt(after));
    }
    let rows: Vec<Stored> = query.order(t::subject_id).limit(limit).load(conn)?;
    rows.iter().map(|row| versioned::parse(&row.body)).collect()
}

/// Tells what was said and done, with the names of all that it refers to.
pub fn tell(conn: &mut AnyConnection, reach: &Reach, inputs: Vec<Input>) -> Result<Vec<SaidAndDone>, Problem> {
    let organisations: BTreeSet<Id> = inputs.iter().map(|input| input.stakeholder_id).collect();
    let organisations = PublicOrganisation::named(conn, &organisations.into_iter().collect::<Vec<_>>())?;
    let codes = codes(conn, reach, &inputs)?;
    let named = inputs.iter().filter_map(|input| input.decision.as_ref()).flat_map(|one| one.effects.iter().copied());
    let mut effects = effects_of(conn, reach, &named.collect::<Vec<_>>())?.into_iter();
    let told = inputs.into_iter().map(|input| {
        let organisation = organisations.get(&input.stakeholder_id).cloned();
        let organisation = organisation.ok_or_else(|| Problem::internal("an input's organisation is not there"))?;
        let count = input.decision.as_ref().map_or(0, |decision| decision.effects.len());
        let about = input.content.subjects.iter().map(|subject| SaidAbout {
            kind: subject.kind,
            id: subject.id,
            code: codes.get(&subject.id).cloned(),
        });
        Ok(SaidAndDone {
            id: input.meta.id,
            code: input.code,
            organisation,
            kind: input.content.kind,
            consultation: input.content.consultation_id.and_then(|id| codes.get(&id).cloned()),
            about: about.collect(),
            text: input.content.text,
            language: input.content.language,
            links: input.content.links,
            state: input.state,
            received_at: input.received.at,
            due_on: input.due_on,
            effects: effects.by_ref().take(count).collect(),
            decision: input.decision,
            answer: input.answer,
        })
    });
    told.collect()
}

/// The codes of what inputs are about and answer, as far as the reader is shown it; of a phase, its number.
fn codes(conn: &mut AnyConnection, reach: &Reach, inputs: &[Input]) -> Result<HashMap<Id, String>, Problem> {
    let mut named: BTreeMap<InputSubjectKind, BTreeSet<Id>> = BTreeMap::new();
    for content in inputs.iter().map(|input| &input.content) {
        for subject in &content.subjects {
            named.entry(subject.kind).or_default().insert(subject.id);
        }
        named.entry(InputSubjectKind::Consultation).or_default().extend(content.consultation_id);
    }
    let mut codes = HashMap::new();
    for (kind, ids) in named {
        let ids: Vec<Id> = ids.into_iter().collect();
        match kind {
            InputSubjectKind::FocusArea => add_codes::<FocusArea>(conn, reach, &ids, &mut codes)?,
            InputSubjectKind::Question => add_codes::<Question>(conn, reach, &ids, &mut codes)?,
            InputSubjectKind::Statement => add_codes::<Statement>(conn, reach, &ids, &mut codes)?,
            InputSubjectKind::Phase => add_codes::<Phase>(conn, reach, &ids, &mut codes)?,
            InputSubjectKind::Event => add_codes::<Event>(conn, reach, &ids, &mut codes)?,
            InputSubjectKind::Consultation => add_codes::<Consultation>(conn, reach, &ids, &mut codes)?,
        }
    }
    Ok(codes)
}

fn add_codes<R: Resource>(
    conn: &mut AnyConnection,
    reach: &Reach,
    ids: &[Id],
    codes: &mut HashMap<Id, String>,
) -> Result<(), Problem> {
    for stored in R::open_all(conn, reach.ledger, ids)? {
        if hidden::<R>(reach, &stored) {
            continue;
        }
        let body: Value = versioned::parse(&stored.body)?;
        let code =
            body["code"].as_str().map(str::to_owned).or_else(|| body["number"].as_i64().map(|one| one.to_string()));
        codes.extend(code.map(|code| (stored.id, code)));
    }
    Ok(())
}

/// What was asked, for the report and these items of it.
pub fn asked_of(
    conn: &mut AnyConnection,
    reach: &Reach,
    scope: &Scope,
    items: &[SaidAndDone],
) -> Result<Asked, Problem> {
    let about = items.iter().flat_map(|item| &item.about);
    let about = about.filter(|subject| subject.kind == InputSubjectKind::Question).map(|subject| subject.id);
    let ids: BTreeSet<Id> = scope.questions.iter().copied().chain(about).collect();
    let mut questions = Vec::new();
    for stored in Question::open_all(conn, reach.ledger, &ids.into_iter().collect::<Vec<_>>())? {
        if hidden::<Question>(reach, &stored) {
            continue;
        }
        let question: Question = versioned::parse(&stored.body)?;
        questions.push(AskedQuestion {
            id: question.meta.id,
            code: question.code,
            revision: question.meta.revision,
            text: question.text,
            state: question.state,
        });
    }
    questions.sort_by_key(|question| question.id);
    Ok(Asked { consultations: scope.consultations.clone(), questions })
}
