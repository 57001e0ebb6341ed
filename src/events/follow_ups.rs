use chrono::NaiveDate;
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
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::follow_up_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpState {
    #[default]
    Open,
    InProgress,
    Done,
    /// It is not to be done any more.
    Dropped,
}

impl FollowUpState {
    pub const fn name(self) -> &'static str {
        match self {
            FollowUpState::Open => "open",
            FollowUpState::InProgress => "in_progress",
            FollowUpState::Done => "done",
            FollowUpState::Dropped => "dropped",
        }
    }
}

/// What can be changed of a follow-up, and what a new one is made of. Its owner reports `state` and `progress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewFollowUp {
    pub text: Localized,
    /// The organisation that is to do it: a participant of the programme.
    pub owner_stakeholder_id: Id,
    /// The day until which, in the programme's time zone.
    #[serde(default)]
    pub due_on: Option<NaiveDate>,
    #[serde(default)]
    pub focus_area_id: Option<Id>,
    #[serde(default)]
    pub state: FollowUpState,
    /// How far it is, in the owner's words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub progress: Option<String>,
}

/// What somebody has to do after an event.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FollowUp {
    #[serde(flatten)]
    pub meta: Meta,
    pub event_id: Id,
    #[serde(flatten)]
    pub content: NewFollowUp,
}

/// Which follow-ups to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FollowUpFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<FollowUpState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<FollowUpState>>,
    /// Owners, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub owner_stakeholder_id: Option<AnyOf<Id>>,
    /// Due before this day.
    #[serde(rename = "due_on.lt")]
    #[param(rename = "due_on.lt")]
    pub due_on_lt: Option<NaiveDate>,
}

impl Filter for FollowUpFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
}

versioned!(
    FollowUp as this,
    follow_ups,
    follow_up_revisions {
        event_id: this.event_id,
        owner_stakeholder_id: this.content.owner_stakeholder_id,
        due_on: this.content.due_on
    }
);

impl Resource for FollowUp {
    const KIND: &'static str = "follow_up";
    const PATH: &'static str = "programs/{program}/events/{id}";

    fn state(&self) -> &str {
        self.content.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        vec![("/text".into(), &self.content.text)]
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(if sort == "updated_at" { json!(stored.seq_from) } else { json!(stored.id) })
    }

    fn path_id(&self) -> String {
        format!("{}/follow-ups/{}", self.event_id, self.meta.id)
    }
}

impl FollowUp {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        event: &str,
        filter: &FollowUpFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use crate::versioned::Versioned;
        let event = Event::identify(conn, reach.ledger, event)?;
        if Event::existing(conn, reach.ledger, &[event])?.is_empty() {
            return Err(Problem::NotFound);
        }
        let mut query =
            listed!(follow_up_revisions, reach.ledger, at, &[]).filter(follow_up_revisions::event_id.eq(event));
        if let Some(states) = &filter.state {
            query = query.filter(follow_up_revisions::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(owners) = &filter.owner_stakeholder_id {
            query = query.filter(follow_up_revisions::owner_stakeholder_id.eq_any(owners.0.clone()));
        }
        if let Some(day) = filter.due_on_lt {
            query = query.filter(follow_up_revisions::due_on.lt(day));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, follow_up_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, follow_up_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The follow-up of this event with this id.
    pub fn identify(conn: &mut AnyConnection, reach: &Reach, event: &str, id: Id) -> Result<Id, Problem> {
        let event = Event::identify(conn, reach.ledger, event)?;
        follow_up_revisions::table
            .filter(follow_up_revisions::subject_id.eq(id))
            .filter(follow_up_revisions::ledger_id.eq(reach.ledger))
            .filter(follow_up_revisions::event_id.eq(event))
            .filter(follow_up_revisions::seq_to.is_null())
            .select(follow_up_revisions::subject_id)
            .first(conn)
            .optional()?
            .ok_or(Problem::NotFound)
    }

    /// Gives an organisation something to do. That may be found out long after the minutes were approved.
    pub fn give(tx: &mut Tx<'_>, event: &str, new: NewFollowUp) -> Result<Recorded<FollowUp>, Problem> {
        let id = Event::identify(tx.conn, tx.reach.ledger, event)?;
        let event: Event = tx.look(id)?;
        check(tx, &new, None)?;
        tx.create(FollowUp { meta: Meta::new(tx.now), event_id: event.meta.id, content: new }, None)
    }

    /// Changes it. The owner reports how far it is; the rest is for those who run the event.
    pub fn report(
        tx: &mut Tx<'_>,
        event: &str,
        id: Id,
        seen: Seen,
        patch: Patch<NewFollowUp>,
    ) -> Result<Recorded<FollowUp>, Problem> {
        let reach = tx.reach.clone();
        let id = FollowUp::identify(tx.conn, &reach, event, id)?;
        let runs = reach.may(Action::RunEvent);
        let known: FollowUp = tx.look(id)?;
        if !runs && reach.stakeholder != Some(known.content.owner_stakeholder_id) {
            return Err(Problem::NotOwnOrganization);
        }
        let mut follow_up: FollowUp = tx.current(id, seen)?;
        let content: NewFollowUp = patch.apply(&Tx::json(&follow_up.content)?, &tx.schemas)?;
        if !runs {
            only_reports(&follow_up.content, &content)?;
        }
        check(tx, &content, Some(&follow_up.content))?;
        follow_up.content = content;
        tx.change(follow_up, None)
    }
}

/// Refuses what an owner may not change.
fn only_reports(before: &NewFollowUp, after: &NewFollowUp) -> Result<(), Problem> {
    let changed = [
        ("/text", before.text != after.text),
        ("/owner_stakeholder_id", before.owner_stakeholder_id != after.owner_stakeholder_id),
        ("/due_on", before.due_on != after.due_on),
        ("/focus_area_id", before.focus_area_id != after.focus_area_id),
    ];
    let refused: Vec<FieldError> = changed
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(pointer, _)| {
            FieldError::new(
                pointer,
                "read_only",
                "pemilik tindak lanjut hanya melaporkan state dan progress",
                "the owner reports state and progress alone",
            )
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(Problem::Invalid(refused)) }
}

/// An owner that has left the programme since stays named: what it left undone can still be dropped.
fn check(tx: &mut Tx<'_>, content: &NewFollowUp, before: Option<&NewFollowUp>) -> Result<(), Problem> {
    let owner = content.owner_stakeholder_id;
    if before.is_none_or(|before| before.owner_stakeholder_id != owner) {
        take_part(tx, &[("/owner_stakeholder_id".into(), owner)])?;
    }
    match content.focus_area_id {
        Some(area) => tx.must_exist::<FocusArea>(&[("/focus_area_id".into(), area)]),
        None => Ok(()),
    }
}
