use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Backend, Id},
    documents::Document,
    facts::{Source, check_sources},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    phases::Phase,
    policy::Action,
    problem::{FieldError, Problem},
    schema::event_revisions,
    stakeholders::Stakeholder,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    WorkingSession,
    Workshop,
    Forum,
    FocusGroup,
    PublicConsultation,
    Seminar,
    Meeting,
    MonitoringMeeting,
    Milestone,
}

impl EventKind {
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::WorkingSession => "working_session",
            EventKind::Workshop => "workshop",
            EventKind::Forum => "forum",
            EventKind::FocusGroup => "focus_group",
            EventKind::PublicConsultation => "public_consultation",
            EventKind::Seminar => "seminar",
            EventKind::Meeting => "meeting",
            EventKind::MonitoringMeeting => "monitoring_meeting",
            EventKind::Milestone => "milestone",
        }
    }
}

/// The level of participation that is promised: the spectrum of IAP2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Participation {
    /// People are told.
    Inform,
    /// They are heard, and told how their input counted.
    Consult,
    /// Their concerns show in the options.
    Involve,
    /// Solutions are worked out with them.
    Collaborate,
    /// They decide.
    Empower,
}

impl Participation {
    pub const fn name(self) -> &'static str {
        match self {
            Participation::Inform => "inform",
            Participation::Consult => "consult",
            Participation::Involve => "involve",
            Participation::Collaborate => "collaborate",
            Participation::Empower => "empower",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    Planned,
    Confirmed,
    Held,
    MinutesDraft,
    MinutesApproved,
    Closed,
    Postponed,
    Cancelled,
}

impl EventState {
    pub const fn name(self) -> &'static str {
        match self {
            EventState::Planned => "planned",
            EventState::Confirmed => "confirmed",
            EventState::Held => "held",
            EventState::MinutesDraft => "minutes_draft",
            EventState::MinutesApproved => "minutes_approved",
            EventState::Closed => "closed",
            EventState::Postponed => "postponed",
            EventState::Cancelled => "cancelled",
        }
    }

    /// The steps of the life cycle.
    const fn leads_to(self, to: EventState) -> bool {
        use EventState::*;
        matches!(
            (self, to),
            (Planned, Confirmed | Postponed | Cancelled)
                | (Confirmed, Held | Postponed | Cancelled)
                | (Held, MinutesDraft)
                | (MinutesDraft, MinutesApproved)
                // To mend them, with a reason.
                | (MinutesApproved, Closed | MinutesDraft)
                | (Postponed, Planned | Cancelled)
        )
    }
}

/// Where an event is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Venue {
    #[schema(min_length = 1, max_length = 300, example = "Balaikota Provinsi DKI Jakarta")]
    pub name: String,
    #[serde(default)]
    #[schema(max_length = 120, example = "Blok G")]
    pub building: Option<String>,
    #[serde(default)]
    #[schema(max_length = 60, example = "5")]
    pub floor: Option<String>,
    #[serde(default)]
    #[schema(max_length = 120)]
    pub room: Option<String>,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub address: Option<String>,
    /// Where it is joined online.
    #[serde(default)]
    #[schema(max_length = 2000, format = "uri")]
    pub url: Option<String>,
}

/// What can be edited of an event, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewEvent {
    pub kind: EventKind,
    pub name: Localized,
    /// The day, in the programme's time zone.
    #[serde(default)]
    pub on: Option<NaiveDate>,
    /// Local time of day.
    #[serde(default)]
    #[schema(max_length = 5, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "09:00")]
    pub begins_at: Option<String>,
    /// Local time of day.
    #[serde(default)]
    #[schema(max_length = 5, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "12:00")]
    pub ends_at: Option<String>,
    #[serde(default)]
    pub venue: Option<Venue>,
    #[serde(default)]
    pub phase_id: Option<Id>,
    /// In which role it is chaired: a role, not a person.
    #[serde(default)]
    pub chair_role: Option<Localized>,
    #[serde(default)]
    pub chair_stakeholder_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 30)]
    pub objectives: Vec<Localized>,
    #[serde(default)]
    pub participation: Option<Participation>,
    /// Documents that were shown or handed out.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub material_ids: Vec<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub outcomes: Vec<Localized>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// What people met for.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Event {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "E-1")]
    pub code: String,
    #[serde(flatten)]
    pub content: NewEvent,
    pub state: EventState,
}

/// A step of an event's life cycle.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct EventTransition {
    pub to: EventState,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// Which events to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<EventKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<EventKind>>,
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<EventState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<EventState>>,
    /// Phases, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub phase_id: Option<AnyOf<Id>>,
    /// On this day or later.
    #[serde(rename = "on.gte")]
    #[param(rename = "on.gte")]
    pub on_gte: Option<NaiveDate>,
    /// Before this day.
    #[serde(rename = "on.lt")]
    #[param(rename = "on.lt")]
    pub on_lt: Option<NaiveDate>,
}

impl Filter for EventFilter {
    const SORTS: &'static [&'static str] = &["code", "on", "updated_at"];
}

versioned!(
    Event as this,
    events,
    event_revisions {
        kind: this.content.kind.name(),
        code: this.code.as_str(),
        number: number_of(&this.code),
        held_on: this.content.on,
        phase_id: this.content.phase_id
    }
);

type Boxed<'q> = event_revisions::BoxedQuery<'q, Backend, crate::versioned::Columns>;

/// The number in a code: `E-10` comes after `E-9`.
pub fn number_of(code: &str) -> i32 {
    code.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Resource for Event {
    const KIND: &'static str = "event";
    const PATH: &'static str = "programs/{program}/events/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let list = |name: &'static str, texts: &'_ [Localized]| {
            texts.iter().enumerate().map(|(number, _)| format!("/{name}/{number}")).collect::<Vec<_>>()
        };
        let objectives = list("objectives", &self.content.objectives).into_iter().zip(&self.content.objectives);
        let outcomes = list("outcomes", &self.content.outcomes).into_iter().zip(&self.content.outcomes);
        let chair = self.content.chair_role.iter().map(|text| ("/chair_role".to_owned(), text));
        std::iter::once(("/name".to_owned(), &self.content.name))
            .chain(chair)
            .chain(objectives)
            .chain(outcomes)
            .collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::EditEvent => !["minutes_approved", "closed", "cancelled"].contains(&state),
            Action::AdvanceEvent => !["closed", "cancelled"].contains(&state),
            Action::RunEvent => ["planned", "confirmed", "held", "minutes_draft"].contains(&state),
            Action::PlanEvent => false,
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let event: Event = versioned::parse(&stored.body)?;
        Ok(if sort == "on" { json!(event.content.on) } else { json!(number_of(&event.code)) })
    }
}

impl Event {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &EventFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(event_revisions, reach.ledger, at, &[]);
        if let Some(kinds) = &filter.kind {
            query = query.filter(event_revisions::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        if let Some(states) = &filter.state {
            query = query.filter(event_revisions::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(phases) = &filter.phase_id {
            query = query.filter(event_revisions::phase_id.eq_any(phases.0.clone()));
        }
        if let Some(from) = filter.on_gte {
            query = query.filter(event_revisions::held_on.ge(from));
        }
        if let Some(until) = filter.on_lt {
            query = query.filter(event_revisions::held_on.lt(until));
        }
        let rows: Vec<Stored> = match page.sort {
            "on" => by_day(query, page)?.load(conn)?,
            "updated_at" => keyset!(query, page, event_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, event_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The id of the event that a path names: by its id or by its code.
    pub fn identify(conn: &mut AnyConnection, ledger: Id, name: &str) -> Result<Id, Problem> {
        if let Some(id) = Id::parse(name) {
            return Ok(id);
        }
        let number = number_of(name);
        if name != format!("E-{number}") {
            return Err(Problem::NotFound);
        }
        let found = event_revisions::table
            .filter(event_revisions::ledger_id.eq(ledger))
            .filter(event_revisions::number.eq(number))
            .filter(event_revisions::code.eq(name))
            .filter(event_revisions::seq_to.is_null())
            .select(event_revisions::subject_id);
        found.first(conn).optional()?.ok_or(Problem::NotFound)
    }

    /// The event that a path names, if things can still be done in it.
    pub fn running(tx: &mut Tx<'_>, name: &str) -> Result<Event, Problem> {
        let id = Event::identify(tx.conn, tx.reach.ledger, name)?;
        let event: Event = tx.look(id)?;
        match Event::possible(Action::RunEvent, event.state()) {
            true => Ok(event),
            false => Err(Problem::WrongState { action: tx.act(), state: event.state().into() }),
        }
    }

    /// Plans a new event.
    pub fn plan(tx: &mut Tx<'_>, new: NewEvent) -> Result<Recorded<Event>, Problem> {
        check(tx, &new)?;
        let last: Option<i32> = event_revisions::table
            .filter(event_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(event_revisions::seq_to.is_null())
            .select(diesel::dsl::max(event_revisions::number))
            .first(tx.conn)?;
        let code = format!("E-{}", last.unwrap_or(0) + 1);
        tx.create(Event { meta: Meta::new(tx.now), code, content: new, state: EventState::Planned }, None)
    }

    pub fn edit(tx: &mut Tx<'_>, name: &str, seen: Seen, patch: Patch<NewEvent>) -> Result<Recorded<Event>, Problem> {
        let id = Event::identify(tx.conn, tx.reach.ledger, name)?;
        let mut event: Event = tx.current(id, seen)?;
        event.content = patch.apply(&Tx::json(&event.content)?, &tx.schemas)?;
        check(tx, &event.content)?;
        tx.change(event, None)
    }

    /// Takes a step of its life cycle.
    pub fn advance(tx: &mut Tx<'_>, name: &str, seen: Seen, step: EventTransition) -> Result<Recorded<Event>, Problem> {
        let id = Event::identify(tx.conn, tx.reach.ledger, name)?;
        let mut event: Event = tx.current(id, seen)?;
        if !event.state.leads_to(step.to) {
            return Err(Problem::WrongState { action: "event.advance", state: event.state.name().into() });
        }
        event.state = step.to;
        if step.to == EventState::Held && event.content.on.is_none() {
            event.content.on = Some(tx.today());
        }
        tx.change(event, Some(&step.reason))
    }
}

/// Sorts events by their day. Those without one come last, whichever way round: the databases differ on where a null
/// belongs.
fn by_day<'q>(query: Boxed<'q>, page: &Page) -> Result<Boxed<'q>, Problem> {
    use event_revisions::{held_on, subject_id};
    let mut query = query.limit(page.limit + 1);
    if let Some((day, id)) = page.after::<Option<NaiveDate>>()? {
        query = match (day, page.descending) {
            (Some(day), false) => query.filter(
                held_on.gt(day).or(held_on.eq(day).and(subject_id.gt(id))).or(held_on.is_null()).assume_not_null(),
            ),
            (Some(day), true) => query.filter(
                held_on.lt(day).or(held_on.eq(day).and(subject_id.lt(id))).or(held_on.is_null()).assume_not_null(),
            ),
            (None, false) => query.filter(held_on.is_null()).filter(subject_id.gt(id)),
            (None, true) => query.filter(held_on.is_null()).filter(subject_id.lt(id)),
        };
    }
    let dated_first = held_on.is_null().asc();
    Ok(match page.descending {
        false => query.order((dated_first, held_on.asc(), subject_id.asc())),
        true => query.order((dated_first, held_on.desc(), subject_id.desc())),
    })
}

fn check(tx: &mut Tx<'_>, content: &NewEvent) -> Result<(), Problem> {
    if let (Some(begins), Some(ends)) = (&content.begins_at, &content.ends_at)
        && ends < begins
    {
        return Err(Problem::Invalid(vec![FieldError::new(
            "/ends_at",
            "before_begin",
            "berakhir sebelum dimulai",
            "ends before it begins",
        )]));
    }
    if let Some(phase) = content.phase_id {
        tx.must_exist::<Phase>(&[("/phase_id".into(), phase)])?;
    }
    if let Some(chair) = content.chair_stakeholder_id {
        tx.must_exist::<Stakeholder>(&[("/chair_stakeholder_id".into(), chair)])?;
    }
    let materials: Vec<(String, Id)> =
        content.material_ids.iter().enumerate().map(|(number, id)| (format!("/material_ids/{number}"), *id)).collect();
    tx.must_exist::<Document>(&materials)?;
    check_sources(tx, &content.sources)
}
