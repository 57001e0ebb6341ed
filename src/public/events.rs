use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{
    model::{Shown, shown},
    programs::PublicOrganisation,
};
use crate::{
    db::{AnyConnection, Id},
    localized::Localized,
    page::Page,
    problem::Problem,
    programs::Program,
    public_rows,
    schema::event_revisions,
    versioned::{self, Stored},
};

/// The states in which an event's minutes are approved: before, nothing of it is public.
pub const TOLD: [&str; 2] = ["minutes_approved", "closed"];

/// Where an event was.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PublicVenue {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub building: Option<String>,
    #[serde(default)]
    pub floor: Option<String>,
    #[serde(default)]
    pub room: Option<String>,
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
}

/// What people met for, as everybody may see it once its minutes are approved.
#[derive(Serialize, ToSchema)]
pub struct PublicEvent {
    pub id: Id,
    #[schema(example = "E-1")]
    pub code: String,
    #[schema(example = "working_session")]
    pub kind: String,
    pub name: Localized,
    /// The day, in the programme's time zone.
    pub on: Option<NaiveDate>,
    #[schema(example = "09:00")]
    pub begins_at: Option<String>,
    #[schema(example = "12:00")]
    pub ends_at: Option<String>,
    pub venue: Option<PublicVenue>,
    /// The office that chaired it.
    pub chair_role: Option<Localized>,
    /// The organisation that chaired it.
    pub chair: Option<PublicOrganisation>,
    pub objectives: Vec<Localized>,
    /// The level of participation (IAP2).
    #[schema(example = "collaborate")]
    pub participation: Option<String>,
    pub outcomes: Vec<Localized>,
    #[schema(example = "minutes_approved")]
    pub state: String,
    /// Where its minutes are.
    #[schema(format = "uri-reference")]
    pub minutes: String,
}

/// What the public view reads of an event's stored text.
#[derive(Deserialize)]
struct Told {
    id: Id,
    code: String,
    kind: String,
    name: Localized,
    on: Option<NaiveDate>,
    begins_at: Option<String>,
    ends_at: Option<String>,
    venue: Option<PublicVenue>,
    chair_role: Option<Localized>,
    chair_stakeholder_id: Option<Id>,
    objectives: Vec<Localized>,
    participation: Option<String>,
    outcomes: Vec<Localized>,
    state: String,
}

impl PublicEvent {
    /// Those whose minutes are approved, in the order of their codes.
    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicEvent>, Problem> {
        let rows = public_rows!(conn, program, page, event_revisions, number as i32, TOLD);
        let key = |stored: &Stored| Ok(json!(number(&versioned::parse::<Told>(&stored.body)?.code)));
        shown(rows, page, key, |rows| {
            let events = rows.iter().map(|row| versioned::parse(&row.body)).collect::<Result<Vec<Told>, _>>()?;
            let chairs: Vec<Id> = events.iter().filter_map(|event| event.chair_stakeholder_id).collect();
            let chairs = PublicOrganisation::named(conn, &chairs)?;
            Ok(events.into_iter().map(|event| PublicEvent::of(event, program, &chairs)).collect())
        })
    }

    fn of(event: Told, program: &Program, chairs: &HashMap<Id, PublicOrganisation>) -> PublicEvent {
        PublicEvent {
            minutes: format!("/api/v1/public/programs/{}/events/{}/minutes", program.slug, event.code),
            id: event.id,
            code: event.code,
            kind: event.kind,
            name: event.name,
            on: event.on,
            begins_at: event.begins_at,
            ends_at: event.ends_at,
            venue: event.venue,
            chair_role: event.chair_role,
            chair: event.chair_stakeholder_id.and_then(|id| chairs.get(&id).cloned()),
            objectives: event.objectives,
            participation: event.participation,
            outcomes: event.outcomes,
            state: event.state,
        }
    }
}

/// The number in a code: codes are given in order.
fn number(code: &str) -> i32 {
    code.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The id of an event whose minutes are approved, by its code.
pub fn told(conn: &mut AnyConnection, program: &Program, code: &str) -> Result<Id, Problem> {
    event_revisions::table
        .filter(event_revisions::ledger_id.eq(program.meta.id))
        .filter(event_revisions::number.eq(number(code)))
        .filter(event_revisions::code.eq(code))
        .filter(event_revisions::seq_to.is_null())
        .filter(event_revisions::state.eq_any(TOLD))
        .select(event_revisions::subject_id)
        .first(conn)
        .optional()?
        .ok_or(Problem::NotFound)
}
