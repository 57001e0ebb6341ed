use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::gate;
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    documents::Document,
    facts::{Source, check_days, check_sources},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::phase_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    Planned,
    Active,
    Completed,
}

impl PhaseState {
    pub const fn name(self) -> &'static str {
        match self {
            PhaseState::Planned => "planned",
            PhaseState::Active => "active",
            PhaseState::Completed => "completed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliverableState {
    Planned,
    Draft,
    Issued,
}

/// What a phase yields.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Deliverable {
    pub name: Localized,
    pub state: DeliverableState,
    /// Apart from the end of its phase: a book may come out months later.
    #[serde(default)]
    pub issued_on: Option<NaiveDate>,
    #[serde(default)]
    pub document_id: Option<Id>,
}

/// What can be edited of a phase, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewPhase {
    /// Its place in the order of the programme's phases; no two have the same.
    #[schema(minimum = 1, maximum = 99)]
    pub number: i32,
    pub name: Localized,
    #[serde(default)]
    pub aim: Option<Localized>,
    #[serde(default)]
    pub planned_from_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    pub planned_until_on: Option<NaiveDate>,
    #[serde(default)]
    pub actual_from_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    pub actual_until_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub deliverables: Vec<Deliverable>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A stretch of a programme.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Phase {
    #[serde(flatten)]
    pub meta: Meta,
    #[serde(flatten)]
    pub content: NewPhase,
    pub state: PhaseState,
    /// Why it was completed although its gate was not clear, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub override_reason: Option<String>,
}

/// The day on which a phase begins or ends, and why it does.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct PhaseAct {
    /// In the programme's time zone. Today where it is left out and no actual date is known yet.
    #[serde(default)]
    pub on: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// The completion of a phase.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct PhaseCompletion {
    #[serde(flatten)]
    pub act: PhaseAct,
    /// Why it is completed although its gate is not clear. It is kept for good.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub override_reason: Option<String>,
}

/// Which phases to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PhaseFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<PhaseState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<PhaseState>>,
}

impl Filter for PhaseFilter {
    const SORTS: &'static [&'static str] = &["number", "updated_at"];
}

versioned!(Phase as this, phases, phase_revisions { number: this.content.number });

impl Resource for Phase {
    const KIND: &'static str = "phase";
    const PATH: &'static str = "programs/{program}/phases/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let aim = self.content.aim.iter().map(|aim| ("/aim".to_owned(), aim));
        let yields = self.content.deliverables.iter().enumerate();
        std::iter::once(("/name".to_owned(), &self.content.name))
            .chain(aim)
            .chain(yields.map(|(number, one)| (format!("/deliverables/{number}/name"), &one.name)))
            .collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ActivatePhase => state == "planned",
            Action::CompletePhase => state == "active",
            Action::PlanPhase => false,
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let phase: Phase = versioned::parse(&stored.body)?;
        Ok(json!(phase.content.number))
    }
}

impl Phase {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &PhaseFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(phase_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states.0.iter().map(|state| state.name()).collect();
            query = query.filter(phase_revisions::state.eq_any(names));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, phase_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, phase_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Plans a new phase.
    pub fn plan(tx: &mut Tx<'_>, new: NewPhase) -> Result<Recorded<Phase>, Problem> {
        check(tx, &new)?;
        let state = PhaseState::Planned;
        tx.create(Phase { meta: Meta::new(tx.now), content: new, state, override_reason: None }, None)
            .map_err(|problem| problem.taken(NUMBER, number_taken))
    }

    pub fn edit(tx: &mut Tx<'_>, id: Id, seen: Seen, patch: Patch<NewPhase>) -> Result<Recorded<Phase>, Problem> {
        let mut phase: Phase = tx.current(id, seen)?;
        phase.content = patch.apply(&Tx::json(&phase.content)?, &tx.schemas)?;
        check(tx, &phase.content)?;
        tx.change(phase, None).map_err(|problem| problem.taken(NUMBER, number_taken))
    }

    /// Begins it.
    pub fn activate(tx: &mut Tx<'_>, id: Id, seen: Seen, act: PhaseAct) -> Result<Recorded<Phase>, Problem> {
        let mut phase: Phase = tx.current(id, seen)?;
        phase.state = PhaseState::Active;
        let known = act.on.or(phase.content.actual_from_on);
        // A phase of the past, entered later, need not begin on a known day.
        let begins_today = phase.content.actual_until_on.is_none();
        phase.content.actual_from_on = known.or(begins_today.then(|| tx.today()));
        check(tx, &phase.content)?;
        tx.change(phase, Some(&act.reason))
    }

    /// Ends it, if nothing stands in the way, or over what does, with a reason.
    pub fn complete(tx: &mut Tx<'_>, id: Id, seen: Seen, end: PhaseCompletion) -> Result<Recorded<Phase>, Problem> {
        let mut phase: Phase = tx.current(id, seen)?;
        let reach = tx.reach.clone();
        let obstacles = gate::obstacles(tx.conn, &reach, &phase)?;
        if !obstacles.is_empty() && end.override_reason.is_none() {
            return Err(Problem::GateNotClear(obstacles));
        }
        let act = end.act;
        phase.override_reason = end.override_reason.filter(|_| !obstacles.is_empty());
        let why = match &phase.override_reason {
            Some(over) => format!("{}\nOverride: {over}", act.reason),
            None => act.reason.clone(),
        };
        phase.state = PhaseState::Completed;
        phase.content.actual_until_on = act.on.or(phase.content.actual_until_on).or(Some(tx.today()));
        check(tx, &phase.content)?;
        tx.change(phase, Some(&why))
    }
}

const NUMBER: &str = "phase_revisions_ledger_id_number_key";

fn number_taken() -> FieldError {
    FieldError::new("/number", "taken", "sudah ada tahap dengan nomor ini", "there is a phase with this number already")
}

fn check(tx: &mut Tx<'_>, content: &NewPhase) -> Result<(), Problem> {
    check_days("/planned_until_on", content.planned_from_on, content.planned_until_on)?;
    check_days("/actual_until_on", content.actual_from_on, content.actual_until_on)?;
    check_sources(tx, &content.sources)?;
    let cited: Vec<(String, Id)> = content
        .deliverables
        .iter()
        .enumerate()
        .filter_map(|(number, one)| Some((format!("/deliverables/{number}/document_id"), one.document_id?)))
        .collect();
    tx.must_exist::<Document>(&cited)
}
