use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Ledger, Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    facts::{Source, check_days, check_sources},
    keyset, listed,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::participant_revisions,
    stakeholders::{NewStakeholder, Stakeholder, StakeholderState},
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned},
};

/// What an organisation takes part as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    Chair,
    Secretariat,
    Member,
    StrategyPartner,
    Expert,
    Observer,
    Invited,
}

impl Capacity {
    pub const fn name(self) -> &'static str {
        match self {
            Capacity::Chair => "chair",
            Capacity::Secretariat => "secretariat",
            Capacity::Member => "member",
            Capacity::StrategyPartner => "strategy_partner",
            Capacity::Expert => "expert",
            Capacity::Observer => "observer",
            Capacity::Invited => "invited",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    Active,
    Removed,
}

/// What can be edited of a participant.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ParticipantContent {
    pub capacity: Capacity,
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A stakeholder to take part: one that is known, or a new one, which then is provisional.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewParticipant {
    /// A known organisation.
    #[serde(default)]
    pub stakeholder_id: Option<Id>,
    /// An organisation that nobody entered yet.
    #[serde(default)]
    pub new_stakeholder: Option<NewStakeholder>,
    #[serde(flatten)]
    pub content: ParticipantContent,
}

/// A stakeholder's part in a programme.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    #[serde(flatten)]
    pub meta: Meta,
    pub stakeholder_id: Id,
    #[serde(flatten)]
    pub content: ParticipantContent,
    pub state: ParticipantState,
    /// With `expand=stakeholder`: the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanded: Option<Value>,
}

/// Which participants to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ParticipantFilter {
    /// Capacities, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Capacity>>, min_items = 1, max_items = 100)]
    pub capacity: Option<AnyOf<Capacity>>,
}

impl Filter for ParticipantFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    const EXPANDS: &'static [&'static str] = Participant::EXPANDS;
}

versioned!(
    Participant as this,
    participants,
    participant_revisions { stakeholder_id: this.stakeholder_id, capacity: this.content.capacity.name() }
);

impl Resource for Participant {
    const KIND: &'static str = "participant";
    const PATH: &'static str = "programs/{program}/stakeholders/{id}";
    const GONE: &'static [&'static str] = &["removed"];
    const EXPANDS: &'static [&'static str] = &["stakeholder"];

    fn state(&self) -> &str {
        match self.state {
            ParticipantState::Active => "active",
            ParticipantState::Removed => "removed",
        }
    }

    fn possible(action: Action, _state: &str) -> bool {
        action != Action::AddParticipant
    }

    fn path_id(&self) -> String {
        self.stakeholder_id.to_string()
    }

    fn expand(
        conn: &mut AnyConnection,
        _reach: &Reach,
        stored: &Stored,
        wanted: &[String],
    ) -> Result<Map<String, Value>, Problem> {
        let mut expanded = Map::new();
        if !wanted.is_empty() {
            let participant: Participant = versioned::parse(&stored.body)?;
            let organisation = Stakeholder::open(conn, Ledger::PLATFORM, participant.stakeholder_id)?;
            let body = organisation.map(|stored| versioned::parse(&stored.body)).transpose()?;
            expanded.insert("stakeholder".into(), body.unwrap_or(Value::Null));
        }
        Ok(expanded)
    }
}

impl Participant {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &ParticipantFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(participant_revisions, reach.ledger, at, Participant::GONE);
        if let Some(capacities) = &filter.capacity {
            let names: Vec<&str> = capacities.0.iter().map(|one| one.name()).collect();
            query = query.filter(participant_revisions::capacity.eq_any(names));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, participant_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, participant_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The id of a stakeholder's part in a programme.
    pub fn identify(conn: &mut AnyConnection, ledger: Id, stakeholder: Id) -> Result<Id, Problem> {
        participant_revisions::table
            .filter(participant_revisions::ledger_id.eq(ledger))
            .filter(participant_revisions::stakeholder_id.eq(stakeholder))
            .filter(participant_revisions::seq_to.is_null())
            .select(participant_revisions::subject_id)
            .first(conn)
            .optional()?
            .ok_or(Problem::NotFound)
    }

    /// Lets a stakeholder take part: again, if it did before.
    pub fn add(tx: &mut Tx<'_>, new: NewParticipant) -> Result<Recorded<Participant>, Problem> {
        check(tx, &new.content)?;
        let stakeholder_id = match (new.stakeholder_id, new.new_stakeholder) {
            (Some(id), None) => {
                Stakeholder::must_act(tx, &[("/stakeholder_id".into(), id)])?;
                id
            }
            (None, Some(content)) => {
                let made = Stakeholder::create(tx, content, StakeholderState::Provisional)
                    .map_err(|problem| problem.below("/new_stakeholder"))?;
                made.value().meta.id
            }
            _ => {
                return Err(Problem::Invalid(vec![FieldError::new(
                    "/stakeholder_id",
                    "one_of",
                    "sebutkan tepat satu dari stakeholder_id dan new_stakeholder",
                    "give exactly one of stakeholder_id and new_stakeholder",
                )]));
            }
        };
        let known = match Participant::identify(tx.conn, tx.reach.ledger, stakeholder_id) {
            Ok(id) => Participant::open(tx.conn, tx.reach.ledger, id)?,
            Err(_) => None,
        };
        let Some(stored) = known else {
            let participant = Participant::new(tx.now, stakeholder_id, new.content);
            return tx.create(participant, None);
        };
        let mut participant: Participant = versioned::parse(&stored.body)?;
        if participant.state == ParticipantState::Active {
            return Err(Problem::Taken(FieldError::new(
                "/stakeholder_id",
                "taken",
                "organisasi ini sudah ikut serta",
                "this organisation takes part already",
            )));
        }
        participant.begin_again(new.content);
        tx.change(participant, None)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        stakeholder: Id,
        seen: Seen,
        patch: Patch<ParticipantContent>,
    ) -> Result<Recorded<Participant>, Problem> {
        let id = Participant::identify(tx.conn, tx.reach.ledger, stakeholder)?;
        let mut participant: Participant = tx.current(id, seen)?;
        participant.content = patch.apply(&Tx::json(&participant.content)?, &tx.schemas)?;
        check(tx, &participant.content)?;
        tx.change(participant, None)
    }

    /// Ends its part.
    pub fn remove(tx: &mut Tx<'_>, stakeholder: Id, seen: Seen) -> Result<Recorded<Participant>, Problem> {
        let id = Participant::identify(tx.conn, tx.reach.ledger, stakeholder)?;
        let mut participant: Participant = tx.current(id, seen)?;
        participant.state = ParticipantState::Removed;
        tx.change(participant, None)
    }
}

impl Participant {
    pub fn new(now: DateTime<Utc>, stakeholder_id: Id, content: ParticipantContent) -> Participant {
        let meta = Meta::new(now);
        Participant { meta, stakeholder_id, content, state: ParticipantState::Active, expanded: None }
    }

    pub fn is_active(&self) -> bool {
        self.state == ParticipantState::Active
    }

    pub fn begin_again(&mut self, content: ParticipantContent) {
        self.state = ParticipantState::Active;
        self.content = content;
    }

    /// What another organisation takes part as that takes over from today.
    pub fn taken_over(&self, today: NaiveDate) -> ParticipantContent {
        ParticipantContent { from_on: Some(today), until_on: None, ..self.content.clone() }
    }

    /// Ends its part, today being the last day where none was set.
    pub fn end(&mut self, today: NaiveDate) {
        self.state = ParticipantState::Removed;
        self.content.until_on =
            self.content.until_on.or(self.content.from_on.is_none_or(|from| from <= today).then_some(today));
    }
}

fn check(tx: &mut Tx<'_>, content: &ParticipantContent) -> Result<(), Problem> {
    check_days("/until_on", content.from_on, content.until_on)?;
    check_sources(tx, &content.sources)
}
