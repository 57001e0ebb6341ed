use std::collections::BTreeSet;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{attendance::take_part, model::Event};
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    focus_areas::FocusArea,
    keyset, listed,
    localized::Localized,
    page::{Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::{ballot_revisions, stage_revisions},
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// A table of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Group {
    pub name: Localized,
    #[serde(default)]
    #[schema(max_items = 200)]
    pub stakeholder_ids: Vec<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub focus_area_ids: Vec<Id>,
}

/// What can be edited of a stage, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewStage {
    /// Its place in the order of the event's stages; no two have the same.
    #[schema(minimum = 1, maximum = 99)]
    pub number: i32,
    pub name: Localized,
    #[serde(default)]
    pub purpose: Option<Localized>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub groups: Vec<Group>,
    /// The organisations that decide in this stage: participants of the programme.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub electorate: Vec<Id>,
}

impl NewStage {
    /// Every organisation that it names.
    fn organisations(&self) -> Vec<Id> {
        let seated = self.groups.iter().flat_map(|group| &group.stakeholder_ids);
        self.electorate.iter().chain(seated).copied().collect()
    }
}

/// A part of an event, with those who decide in it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Stage {
    #[serde(flatten)]
    pub meta: Meta,
    pub event_id: Id,
    #[serde(flatten)]
    pub content: NewStage,
}

/// Stages are listed whole: an event has few.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StageFilter {}

impl Filter for StageFilter {
    const SORTS: &'static [&'static str] = &["number"];
}

versioned!(Stage as this, stages, stage_revisions { event_id: this.event_id, number: this.content.number });

impl Resource for Stage {
    const KIND: &'static str = "stage";
    const PATH: &'static str = "programs/{program}/events/{id}";
    const DONE_TO_IT: &'static [Action] = &[Action::EditEvent, Action::RunEvent];

    fn state(&self) -> &str {
        "current"
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let purpose = self.content.purpose.iter().map(|text| ("/purpose".to_owned(), text));
        let groups = self.content.groups.iter().enumerate();
        std::iter::once(("/name".to_owned(), &self.content.name))
            .chain(purpose)
            .chain(groups.map(|(number, group)| (format!("/groups/{number}/name"), &group.name)))
            .collect()
    }

    fn sort_key(_sort: &str, stored: &Stored) -> Result<Value, Problem> {
        let stage: Stage = versioned::parse(&stored.body)?;
        Ok(json!(stage.content.number))
    }

    fn path_id(&self) -> String {
        format!("{}/stages/{}", self.event_id, self.meta.id)
    }
}

impl Stage {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        event: &str,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let event = Event::identify(conn, reach.ledger, event)?;
        use crate::versioned::Versioned;
        if Event::existing(conn, reach.ledger, &[event])?.is_empty() {
            return Err(Problem::NotFound);
        }
        let query = listed!(stage_revisions, reach.ledger, at, &[]).filter(stage_revisions::event_id.eq(event));
        let rows: Vec<Stored> = keyset!(query, page, stage_revisions, number as i32).load(conn)?;
        Ok(rows.into())
    }

    /// The stage of this event with this id: one of another event is not found.
    pub fn identify(conn: &mut AnyConnection, reach: &Reach, event: &str, stage: Id) -> Result<Id, Problem> {
        let event = Event::identify(conn, reach.ledger, event)?;
        stage_revisions::table
            .filter(stage_revisions::subject_id.eq(stage))
            .filter(stage_revisions::ledger_id.eq(reach.ledger))
            .filter(stage_revisions::event_id.eq(event))
            .filter(stage_revisions::seq_to.is_null())
            .select(stage_revisions::subject_id)
            .first(conn)
            .optional()?
            .ok_or(Problem::NotFound)
    }

    /// The stage that a path names, if things can still be done in its event.
    pub fn running(tx: &mut Tx<'_>, event: &str, stage: Id) -> Result<Stage, Problem> {
        let reach = tx.reach.clone();
        let id = Stage::identify(tx.conn, &reach, event, stage)?;
        Event::running(tx, event)?;
        tx.look(id)
    }

    /// Adds a stage to an event.
    pub fn add(tx: &mut Tx<'_>, event: &str, new: NewStage) -> Result<Recorded<Stage>, Problem> {
        let event = editable(tx, event)?;
        check(tx, &new, &[])?;
        let stage = Stage { meta: Meta::new(tx.now), event_id: event.meta.id, content: new };
        tx.create(stage, None).map_err(|problem| problem.taken(NUMBER, number_taken))
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        event: &str,
        stage: Id,
        seen: Seen,
        patch: Patch<NewStage>,
    ) -> Result<Recorded<Stage>, Problem> {
        let reach = tx.reach.clone();
        let id = Stage::identify(tx.conn, &reach, event, stage)?;
        editable(tx, event)?;
        let mut stage: Stage = tx.current(id, seen)?;
        let (electorate, named) = (stage.content.electorate.clone(), stage.content.organisations());
        stage.content = patch.apply(&Tx::json(&stage.content)?, &tx.schemas)?;
        check(tx, &stage.content, &named)?;
        let changed = electorate.iter().collect::<BTreeSet<_>>() != stage.content.electorate.iter().collect();
        if changed && has_open_ballot(tx, id)? {
            return Err(Problem::Conflict(FieldError::new(
                "/electorate",
                "ballot_open",
                "pemungutan suara di tahap ini sedang terbuka; tutup atau batalkan dahulu",
                "a ballot of this stage is open; close or void it first",
            )));
        }
        tx.change(stage, None).map_err(|problem| problem.taken(NUMBER, number_taken))
    }
}

/// The event that a path names, if its stages can still be changed.
fn editable(tx: &mut Tx<'_>, event: &str) -> Result<Event, Problem> {
    let id = Event::identify(tx.conn, tx.reach.ledger, event)?;
    let event: Event = tx.look(id)?;
    match Event::possible(Action::RunEvent, event.state()) {
        true => Ok(event),
        false => Err(Problem::WrongState { action: "event.edit", state: event.state().into() }),
    }
}

fn has_open_ballot(tx: &mut Tx<'_>, stage: Id) -> Result<bool, Problem> {
    let open = ballot_revisions::table
        .filter(ballot_revisions::stage_id.eq(stage))
        .filter(ballot_revisions::state.eq("open"))
        .filter(ballot_revisions::seq_to.is_null());
    Ok(diesel::select(diesel::dsl::exists(open)).get_result(tx.conn)?)
}

const NUMBER: &str = "stage_revisions_event_id_number_key";

fn number_taken() -> FieldError {
    FieldError::new("/number", "taken", "sudah ada tahap dengan nomor ini", "there is a stage with this number already")
}

/// `known` were named before: one that has left the programme since does not stand in the way of an edit.
fn check(tx: &mut Tx<'_>, content: &NewStage, known: &[Id]) -> Result<(), Problem> {
    let mut named: Vec<(String, Id)> =
        content.electorate.iter().enumerate().map(|(number, id)| (format!("/electorate/{number}"), *id)).collect();
    let mut areas = Vec::new();
    let mut twice = Vec::new();
    for (number, id) in content.electorate.iter().enumerate() {
        if content.electorate[..number].contains(id) {
            let (told_id, told_en) = ("disebut lebih dari sekali", "is named more than once");
            twice.push(FieldError::new(format!("/electorate/{number}"), "repeated", told_id, told_en));
        }
    }
    if !twice.is_empty() {
        return Err(Problem::Invalid(twice));
    }
    for (group, of) in content.groups.iter().enumerate() {
        let place = |name: &str, number: usize| format!("/groups/{group}/{name}/{number}");
        named.extend(of.stakeholder_ids.iter().enumerate().map(|(number, id)| (place("stakeholder_ids", number), *id)));
        areas.extend(of.focus_area_ids.iter().enumerate().map(|(number, id)| (place("focus_area_ids", number), *id)));
    }
    named.retain(|(_, id)| !known.contains(id));
    take_part(tx, &named)?;
    tx.must_exist::<FocusArea>(&areas)
}
