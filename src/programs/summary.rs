//! One call for a dashboard: how many of what in which state, what comes next, and the head to follow from.

use chrono::NaiveDate;
use diesel::{dsl::count_star, prelude::*};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    ledger,
    phases::Phase,
    problem::Problem,
    questions::Question,
    schema::{
        document_revisions, focus_area_revisions, participant_revisions, phase_revisions, question_revisions,
        shock_or_stress_revisions,
    },
    versioned::{self, Resource},
};

/// How many questions are in one state.
#[derive(Serialize, ToSchema)]
pub struct StateCount {
    #[schema(example = "proposed")]
    pub state: String,
    pub count: i64,
}

/// A focus area and its questions.
#[derive(Serialize, ToSchema)]
pub struct FocusAreaCount {
    pub focus_area_id: Id,
    #[schema(example = "FU-1")]
    pub code: String,
    pub questions: Vec<StateCount>,
}

/// A day that is still to come.
#[derive(Serialize, ToSchema)]
pub struct NextDate {
    pub on: NaiveDate,
    /// What happens then: `phase_begins`, `phase_ends`.
    #[schema(example = "phase_ends")]
    pub what: &'static str,
    pub subject_id: Id,
}

/// A programme at a glance.
#[derive(Serialize, ToSchema)]
pub struct Summary {
    #[schema(example = "jakarta-berketahanan")]
    pub program: String,
    /// The ledger's newest row: what to follow changes from.
    pub head_sequence: i64,
    pub questions: Vec<StateCount>,
    pub focus_areas: Vec<FocusAreaCount>,
    pub phases: Vec<StateCount>,
    pub participant_count: i64,
    pub document_count: i64,
    pub shock_or_stress_count: i64,
    /// The next days on which something is planned, soonest first, ten at most.
    pub next_dates: Vec<NextDate>,
}

/// Counts what this caller may see. All counts are of one state.
pub fn read(conn: &mut AnyConnection, reach: &Reach, today: NaiveDate) -> Result<Summary, Problem> {
    let hidden = Question::hidden_from(reach);
    let counts: Vec<(Id, String, i64)> = question_revisions::table
        .filter(question_revisions::ledger_id.eq(reach.ledger))
        .filter(question_revisions::seq_to.is_null())
        .filter(question_revisions::state.ne_all(hidden.iter().copied()))
        .group_by((question_revisions::focus_area_id, question_revisions::state))
        .order((question_revisions::focus_area_id, question_revisions::state))
        .select((question_revisions::focus_area_id, question_revisions::state, count_star()))
        .load(conn)?;
    let areas: Vec<(Id, String)> = focus_area_revisions::table
        .filter(focus_area_revisions::ledger_id.eq(reach.ledger))
        .filter(focus_area_revisions::seq_to.is_null())
        .order(focus_area_revisions::number)
        .select((focus_area_revisions::subject_id, focus_area_revisions::code))
        .load(conn)?;
    let focus_areas = areas
        .into_iter()
        .map(|(focus_area_id, code)| FocusAreaCount {
            focus_area_id,
            code,
            questions: counts
                .iter()
                .filter(|(area, ..)| *area == focus_area_id)
                .map(|(_, state, count)| StateCount { state: state.clone(), count: *count })
                .collect(),
        })
        .collect();
    let mut questions: Vec<StateCount> = Vec::new();
    for (_, state, count) in counts {
        match questions.iter_mut().find(|known| known.state == state) {
            Some(known) => known.count += count,
            None => questions.push(StateCount { state, count }),
        }
    }
    questions.sort_by(|one, other| one.state.cmp(&other.state));
    let phases: Vec<(String, i64)> = phase_revisions::table
        .filter(phase_revisions::ledger_id.eq(reach.ledger))
        .filter(phase_revisions::seq_to.is_null())
        .group_by(phase_revisions::state)
        .order(phase_revisions::state)
        .select((phase_revisions::state, count_star()))
        .load(conn)?;
    Ok(Summary {
        program: reach.slug.to_string(),
        head_sequence: ledger::head(conn, reach.ledger)?,
        questions,
        focus_areas,
        phases: phases.into_iter().map(|(state, count)| StateCount { state, count }).collect(),
        participant_count: participant_revisions::table
            .filter(participant_revisions::ledger_id.eq(reach.ledger))
            .filter(participant_revisions::seq_to.is_null())
            .filter(participant_revisions::state.eq("active"))
            .count()
            .get_result(conn)?,
        document_count: document_revisions::table
            .filter(document_revisions::ledger_id.eq(reach.ledger))
            .filter(document_revisions::seq_to.is_null())
            .filter(document_revisions::state.ne_all(crate::documents::Document::hidden_from(reach).iter().copied()))
            .count()
            .get_result(conn)?,
        shock_or_stress_count: shock_or_stress_revisions::table
            .filter(shock_or_stress_revisions::ledger_id.eq(reach.ledger))
            .filter(shock_or_stress_revisions::seq_to.is_null())
            .count()
            .get_result(conn)?,
        next_dates: next_dates(conn, reach, today)?,
    })
}

fn next_dates(conn: &mut AnyConnection, reach: &Reach, today: NaiveDate) -> Result<Vec<NextDate>, Problem> {
    let bodies: Vec<String> = phase_revisions::table
        .filter(phase_revisions::ledger_id.eq(reach.ledger))
        .filter(phase_revisions::seq_to.is_null())
        .filter(phase_revisions::state.ne("completed"))
        .select(phase_revisions::body)
        .load(conn)?;
    let mut dates = Vec::new();
    for body in bodies {
        let phase: Phase = versioned::parse(&body)?;
        let planned = [("phase_begins", phase.content.planned_from_on), ("phase_ends", phase.content.planned_until_on)];
        for (what, on) in planned {
            if let Some(on) = on.filter(|on| *on >= today) {
                dates.push(NextDate { on, what, subject_id: phase.meta.id });
            }
        }
    }
    dates.sort_by_key(|date| date.on);
    dates.truncate(10);
    Ok(dates)
}
