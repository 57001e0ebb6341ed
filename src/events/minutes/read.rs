use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::told::*;
use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    diff,
    ledger::{self, LedgerRow},
    listed,
    localized::Localized,
    problem::Problem,
    programs::Program,
    public::{PublicOrganisation, PublicVenue, TOLD},
    schema::{
        attendance_revisions, ballot_revisions, decision_revisions, event_revisions, focus_area_revisions,
        follow_up_revisions, phase_revisions, question_revisions, stage_revisions,
    },
    versioned::{self, Stored, Versioned},
};

/// What minutes read of an event's stored text.
#[derive(Deserialize)]
struct Event {
    code: String,
    kind: String,
    name: Localized,
    on: Option<NaiveDate>,
    begins_at: Option<String>,
    ends_at: Option<String>,
    venue: Option<PublicVenue>,
    phase_id: Option<Id>,
    chair_role: Option<Localized>,
    chair_stakeholder_id: Option<Id>,
    objectives: Vec<Localized>,
    participation: Option<String>,
    outcomes: Vec<Localized>,
    state: String,
}

#[derive(Deserialize)]
struct Stage {
    number: i32,
    name: Localized,
    purpose: Option<Localized>,
    groups: Vec<Group>,
    electorate: Vec<Id>,
}

#[derive(Deserialize)]
struct Group {
    name: Localized,
    stakeholder_ids: Vec<Id>,
    focus_area_ids: Vec<Id>,
}

#[derive(Deserialize)]
struct Attendance {
    stakeholder_id: Id,
    status: String,
    capacity: String,
    head_count: Option<i64>,
    represented_by_id: Option<Id>,
}

#[derive(Deserialize)]
struct FollowUp {
    text: Localized,
    owner_stakeholder_id: Id,
    due_on: Option<NaiveDate>,
    state: String,
    focus_area_id: Option<Id>,
}

#[derive(Deserialize)]
struct Ballot {
    code: String,
    stage_id: Id,
    title: Option<Localized>,
    question_id: Option<Id>,
    question_revision: Option<i32>,
    method: String,
    unit: String,
    anonymous: bool,
    quorum: i64,
    state: String,
    result: Option<MinutesResult>,
}

#[derive(Deserialize)]
struct Decision {
    stage_id: Id,
    ballot_id: Option<Id>,
    question_id: Id,
    on_revision: i32,
    result_revision: i32,
    kind: String,
    reason: String,
    problem: Option<Localized>,
    state: String,
}

/// What belongs to an event, now or after a row of the ledger, in the order in which it was made.
macro_rules! of_event {
    ($conn:expr, $ledger:expr, $event:expr, $at:expr, $revisions:ident) => {{
        let rows = listed!($revisions, $ledger, $at, &[]).filter($revisions::event_id.eq($event));
        let rows: Vec<Stored> = rows.order($revisions::subject_id).load($conn)?;
        rows
    }};
}

fn read<T: DeserializeOwned>(rows: &[Stored]) -> Result<Vec<(Id, T)>, Problem> {
    let rows = rows.iter();
    rows.map(|row| Ok((row.id, versioned::parse(&row.body)?))).collect()
}

/// The row of the ledger that approved an event's minutes, if they are approved.
pub fn settled(conn: &mut AnyConnection, ledger: Id, event: Id) -> Result<Option<i64>, Problem> {
    let now: Option<String> = event_revisions::table
        .filter(event_revisions::subject_id.eq(event))
        .filter(event_revisions::ledger_id.eq(ledger))
        .filter(event_revisions::seq_to.is_null())
        .select(event_revisions::state)
        .first(conn)
        .optional()?;
    if !TOLD.contains(&now.ok_or(Problem::NotFound)?.as_str()) {
        return Ok(None);
    }
    Ok(event_revisions::table
        .filter(event_revisions::subject_id.eq(event))
        .filter(event_revisions::state.eq("minutes_approved"))
        .order(event_revisions::revision.desc())
        .select(event_revisions::seq_from)
        .first(conn)
        .optional()?)
}

/// Writes the minutes of an event, which must all be read in one snapshot.
pub fn of(conn: &mut AnyConnection, ledger: Id, event: Id) -> Result<Minutes, Problem> {
    let at = settled(conn, ledger, event)?;
    let program = match at {
        Some(at) => Program::open_at(conn, ledger, ledger, at)?,
        None => Program::open(conn, ledger, ledger)?,
    };
    let program: Program = versioned::parse(&program.ok_or(Problem::NotFound)?.body)?;
    let found = listed!(event_revisions, ledger, at, &[]).filter(event_revisions::subject_id.eq(event));
    let found: Stored = found.first(conn).optional()?.ok_or(Problem::NotFound)?;
    let told: Event = versioned::parse(&found.body)?;
    let record = Record::read(conn, ledger, event, at, &told)?;
    let phase = match told.phase_id {
        Some(phase) => phase_name(conn, ledger, phase, at)?,
        None => None,
    };
    let attendance = record.attendance();
    let present = record.attendance.iter().filter(|(_, one)| one.status == "attended");
    let counts: Vec<Option<i64>> = present.map(|(_, one)| one.head_count).collect();
    let known: Vec<i64> = counts.iter().flatten().copied().collect();
    Ok(Minutes {
        program: MinutesProgram {
            slug: program.slug,
            name: program.content.name,
            source_language: program.source_language,
        },
        approved: at.is_some(),
        as_of: at,
        attendance,
        head_count: (!known.is_empty()).then(|| known.iter().sum()),
        without_head_count: (counts.len() - known.len()) as i64,
        stages: record.stages(),
        follow_ups: record.follow_ups(),
        annex: record.annex(),
        objectives: told.objectives,
        outcomes: told.outcomes,
        event: MinutesEvent {
            id: event,
            code: told.code,
            kind: told.kind,
            name: told.name,
            on: told.on,
            begins_at: told.begins_at,
            ends_at: told.ends_at,
            venue: told.venue,
            chair_role: told.chair_role,
            chair: told.chair_stakeholder_id.and_then(|id| record.organisations.get(&id).cloned()),
            phase,
            participation: told.participation,
            state: told.state,
        },
    })
}

fn phase_name(conn: &mut AnyConnection, ledger: Id, phase: Id, at: Option<i64>) -> Result<Option<Localized>, Problem> {
    #[derive(Deserialize)]
    struct Named {
        name: Localized,
    }
    let found = listed!(phase_revisions, ledger, at, &[]).filter(phase_revisions::subject_id.eq(phase));
    let found: Option<Stored> = found.first(conn).optional()?;
    let named: Option<Named> = found.map(|row| versioned::parse(&row.body)).transpose()?;
    Ok(named.map(|named| named.name))
}

/// All that an event's minutes are made of, in a fixed number of queries.
struct Record {
    stages: Vec<(Id, Stage)>,
    attendance: Vec<(Id, Attendance)>,
    ballots: Vec<(Id, Ballot)>,
    decisions: Vec<(Id, Decision)>,
    follow_ups: Vec<(Id, FollowUp)>,
    organisations: HashMap<Id, PublicOrganisation>,
    focus_areas: HashMap<Id, MinutesFocusArea>,
    questions: HashMap<(Id, i32), Value>,
}

impl Record {
    fn read(conn: &mut AnyConnection, ledger: Id, event: Id, at: Option<i64>, told: &Event) -> Result<Record, Problem> {
        let mut stages: Vec<(Id, Stage)> = read(&of_event!(conn, ledger, event, at, stage_revisions))?;
        stages.sort_by_key(|(_, stage)| stage.number);
        let attendance: Vec<(Id, Attendance)> = read(&of_event!(conn, ledger, event, at, attendance_revisions))?;
        let ballots: Vec<(Id, Ballot)> = read(&of_event!(conn, ledger, event, at, ballot_revisions))?;
        let decisions: Vec<(Id, Decision)> = read(&of_event!(conn, ledger, event, at, decision_revisions))?;
        let follow_ups: Vec<(Id, FollowUp)> = read(&of_event!(conn, ledger, event, at, follow_up_revisions))?;

        let mut named: HashSet<Id> = told.chair_stakeholder_id.into_iter().collect();
        named
            .extend(attendance.iter().flat_map(|(_, one)| [Some(one.stakeholder_id), one.represented_by_id]).flatten());
        named.extend(stages.iter().flat_map(|(_, stage)| &stage.electorate));
        named.extend(stages.iter().flat_map(|(_, stage)| &stage.groups).flat_map(|group| &group.stakeholder_ids));
        named.extend(follow_ups.iter().map(|(_, one)| one.owner_stakeholder_id));
        let named: Vec<Id> = named.into_iter().collect();
        let moment = platform_at(conn, ledger, at)?;
        let organisations = PublicOrganisation::named_at(conn, &named, moment)?;

        let areas = stages.iter().flat_map(|(_, stage)| &stage.groups).flat_map(|group| &group.focus_area_ids);
        let areas: HashSet<Id> =
            areas.copied().chain(follow_ups.iter().filter_map(|(_, one)| one.focus_area_id)).collect();
        let focus_areas = focus_areas(conn, ledger, areas, at)?;

        let voted = ballots.iter().filter_map(|(_, one)| one.question_id.zip(one.question_revision));
        let decided = decisions
            .iter()
            .flat_map(|(_, one)| [(one.question_id, one.on_revision), (one.question_id, one.result_revision)]);
        let questions = questions(conn, ledger, voted.chain(decided).collect())?;
        Ok(Record { stages, attendance, ballots, decisions, follow_ups, organisations, focus_areas, questions })
    }

    fn organisation(&self, id: &Id) -> Option<PublicOrganisation> {
        self.organisations.get(id).cloned()
    }

    fn question(&self, id: Id, revision: i32) -> Option<MinutesQuestion> {
        let body = self.questions.get(&(id, revision))?;
        Some(MinutesQuestion {
            id,
            code: body["code"].as_str().unwrap_or_default().to_owned(),
            revision,
            text: serde_json::from_value(body["text"].clone()).unwrap_or_default(),
        })
    }

    fn attendance(&self) -> Vec<MinutesKind> {
        let mut kinds: BTreeMap<String, Vec<MinutesAttendance>> = BTreeMap::new();
        for (_, one) in &self.attendance {
            let Some(organisation) = self.organisation(&one.stakeholder_id) else { continue };
            kinds.entry(organisation.kind.clone()).or_default().push(MinutesAttendance {
                organisation,
                capacity: one.capacity.clone(),
                status: one.status.clone(),
                head_count: one.head_count,
                represented_by: one.represented_by_id.and_then(|id| self.organisation(&id)),
            });
        }
        kinds.into_iter().map(|(kind, organisations)| MinutesKind { kind, organisations }).collect()
    }

    fn stages(&self) -> Vec<MinutesStage> {
        let stages = self.stages.iter().map(|(id, stage)| MinutesStage {
            id: *id,
            number: stage.number,
            name: stage.name.clone(),
            purpose: stage.purpose.clone(),
            groups: stage.groups.iter().map(|group| self.group(group)).collect(),
            electorate: stage.electorate.iter().filter_map(|id| self.organisation(id)).collect(),
            ballots: self.ballots(*id),
            decisions: self.decisions(*id),
        });
        stages.collect()
    }

    fn group(&self, group: &Group) -> MinutesGroup {
        MinutesGroup {
            name: group.name.clone(),
            organisations: group.stakeholder_ids.iter().filter_map(|id| self.organisation(id)).collect(),
            focus_areas: group.focus_area_ids.iter().filter_map(|id| self.focus_areas.get(id).cloned()).collect(),
        }
    }

    /// Those that were opened: a draft was never put to anybody.
    fn ballots(&self, stage: Id) -> Vec<MinutesBallot> {
        let opened = self.ballots.iter().filter(|(_, one)| one.stage_id == stage && one.state != "draft");
        let told = opened.map(|(_, one)| MinutesBallot {
            code: one.code.clone(),
            title: one.title.clone(),
            question: one.question_id.zip(one.question_revision).and_then(|(id, at)| self.question(id, at)),
            method: one.method.clone(),
            unit: one.unit.clone(),
            anonymous: one.anonymous,
            quorum: one.quorum,
            state: one.state.clone(),
            result: one.result.clone().filter(|_| one.state != "void"),
        });
        told.collect()
    }

    fn decisions(&self, stage: Id) -> Vec<MinutesDecision> {
        let given = self.decisions.iter().filter(|(_, one)| one.stage_id == stage);
        let told = given.filter_map(|(_, one)| {
            let ballot = self.ballots.iter().find(|(id, _)| Some(*id) == one.ballot_id);
            Some(MinutesDecision {
                before: self.question(one.question_id, one.on_revision)?,
                after: self.question(one.question_id, one.result_revision)?,
                kind: one.kind.clone(),
                reason: one.reason.clone(),
                problem: one.problem.clone(),
                ballot: ballot.map(|(_, ballot)| ballot.code.clone()),
                rescinded: one.state == "rescinded",
            })
        });
        told.collect()
    }

    fn follow_ups(&self) -> Vec<MinutesFollowUp> {
        let told = self.follow_ups.iter().map(|(_, one)| MinutesFollowUp {
            text: one.text.clone(),
            owner: self.organisation(&one.owner_stakeholder_id),
            due_on: one.due_on,
            state: one.state.clone(),
            focus_area: one.focus_area_id.and_then(|id| self.focus_areas.get(&id).cloned()),
        });
        told.collect()
    }

    fn annex(&self) -> Vec<MinutesChange> {
        let standing = self.decisions.iter().filter(|(_, one)| one.state == "given");
        let told = standing.filter_map(|(_, one)| {
            let before = self.questions.get(&(one.question_id, one.on_revision))?;
            let after = self.questions.get(&(one.question_id, one.result_revision))?;
            let mut changes = diff::fields(before, after);
            changes.retain(|change| CHANGES.iter().any(|member| change.pointer.split('/').nth(1) == Some(*member)));
            (!changes.is_empty()).then(|| MinutesChange {
                question_id: one.question_id,
                code: before["code"].as_str().unwrap_or_default().to_owned(),
                from: one.on_revision,
                to: one.result_revision,
                changes,
            })
        });
        told.collect()
    }
}

/// The members of a question that a reader of minutes is told of: not its sources, which have notes.
const CHANGES: [&str; 7] = ["text", "emphases", "code", "focus_area_id", "state", "merged_into_id", "split_into_ids"];

/// Where the platform's ledger stood when the programme's was at `at`.
fn platform_at(conn: &mut AnyConnection, ledger: Id, at: Option<i64>) -> Result<Option<i64>, Problem> {
    let Some(at) = at else { return Ok(None) };
    let row = LedgerRow::numbered(conn, ledger, &[at])?;
    let row = row.first().ok_or_else(|| Problem::internal("a revision has no ledger row"))?;
    Ok(ledger::sequence_at(conn, Ledger::PLATFORM, row.at)?)
}

fn focus_areas(
    conn: &mut AnyConnection,
    ledger: Id,
    ids: HashSet<Id>,
    at: Option<i64>,
) -> Result<HashMap<Id, MinutesFocusArea>, Problem> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = listed!(focus_area_revisions, ledger, at, &[]);
    let rows: Vec<Stored> = rows.filter(focus_area_revisions::subject_id.eq_any(ids)).load(conn)?;
    let areas: Vec<(Id, crate::focus_areas::FocusArea)> = read(&rows)?;
    let named = areas.into_iter().map(|(id, area)| {
        let name = area.content.names.first().map(|dated| dated.name.clone()).unwrap_or_default();
        (id, MinutesFocusArea { code: area.code, name })
    });
    Ok(named.collect())
}

/// The texts of exactly these revisions.
fn questions(
    conn: &mut AnyConnection,
    ledger: Id,
    wanted: HashSet<(Id, i32)>,
) -> Result<HashMap<(Id, i32), Value>, Problem> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: HashSet<Id> = wanted.iter().map(|(id, _)| *id).collect();
    let revisions: HashSet<i32> = wanted.iter().map(|(_, revision)| *revision).collect();
    let rows: Vec<(Id, i32, String)> = question_revisions::table
        .filter(question_revisions::ledger_id.eq(ledger))
        .filter(question_revisions::subject_id.eq_any(ids))
        .filter(question_revisions::revision.eq_any(revisions))
        .select((question_revisions::subject_id, question_revisions::revision, question_revisions::body))
        .load(conn)?;
    let rows = rows.into_iter().filter(|(id, revision, _)| wanted.contains(&(*id, *revision)));
    rows.map(|(id, revision, body)| Ok(((id, revision), versioned::parse(&body)?))).collect()
}
