use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    events::{Event, Participation, number_of},
    facts::{Source, check_days, check_sources},
    focus_areas::FocusArea,
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    phases::Phase,
    policy::Action,
    problem::Problem,
    questions::Question,
    schema::consultation_revisions,
    statements::Statement,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What an input says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    Comment,
    Evidence,
    Proposal,
    /// Something stands against it.
    Objection,
}

impl InputKind {
    pub const fn name(self) -> &'static str {
        match self {
            InputKind::Comment => "comment",
            InputKind::Evidence => "evidence",
            InputKind::Proposal => "proposal",
            InputKind::Objection => "objection",
        }
    }
}

/// What can be consulted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsultedKind {
    FocusArea,
    Question,
    Statement,
    Phase,
    Event,
}

/// What is consulted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsultedSubject {
    pub kind: ConsultedKind,
    pub id: Id,
}

/// What can be edited of a consultation, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewConsultation {
    pub topic: Localized,
    /// What is asked.
    #[serde(default)]
    pub text: Option<Localized>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub subjects: Vec<ConsultedSubject>,
    /// Where it is only told (`inform`), no decision is owed on what is sent.
    pub participation: Participation,
    /// The kinds of input that are wanted.
    #[schema(min_items = 1, max_items = 4)]
    pub kinds: Vec<InputKind>,
    /// The first day, in the programme's time zone.
    pub opens_on: NaiveDate,
    /// The last day; null: until further notice.
    #[serde(default)]
    pub closes_on: Option<NaiveDate>,
    /// The event that it belongs to.
    #[serde(default)]
    pub event_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsultationState {
    Active,
}

/// A call for input.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Consultation {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "C-1")]
    pub code: String,
    #[serde(flatten)]
    pub content: NewConsultation,
    /// Always `active`: whether it is open is told by its days.
    pub state: ConsultationState,
}

/// Which consultations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsultationFilter {
    /// Open on this day.
    pub open_on: Option<NaiveDate>,
    /// Levels of participation, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Participation>>, min_items = 1, max_items = 100)]
    pub participation: Option<AnyOf<Participation>>,
}

impl Filter for ConsultationFilter {
    const SORTS: &'static [&'static str] = &["opens_on", "updated_at"];
}

versioned!(
    Consultation as this,
    consultations,
    consultation_revisions {
        number: number_of(&this.code),
        code: this.code.as_str(),
        participation: this.content.participation.name(),
        opens_on: this.content.opens_on,
        closes_on: this.content.closes_on,
        event_id: this.content.event_id
    }
);

impl Resource for Consultation {
    const KIND: &'static str = "consultation";
    const PATH: &'static str = "programs/{program}/consultations/{id}";

    fn state(&self) -> &str {
        match self.state {
            ConsultationState::Active => "active",
        }
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let text = self.content.text.iter().map(|text| ("/text".to_owned(), text));
        std::iter::once(("/topic".to_owned(), &self.content.topic)).chain(text).collect()
    }

    fn possible(action: Action, _state: &str) -> bool {
        action != Action::CreateConsultation
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let consultation: Consultation = versioned::parse(&stored.body)?;
        Ok(json!(consultation.content.opens_on))
    }
}

impl Consultation {
    /// Whether it takes input on this day.
    pub fn is_open(&self, day: NaiveDate) -> bool {
        self.content.opens_on <= day && self.content.closes_on.is_none_or(|last| day <= last)
    }

    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &ConsultationFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use consultation_revisions as t;
        let mut query = listed!(consultation_revisions, reach.ledger, at, &[]);
        if let Some(day) = filter.open_on {
            query = query.filter(t::opens_on.le(day)).filter(t::closes_on.is_null().or(t::closes_on.ge(day)));
        }
        if let Some(levels) = &filter.participation {
            query = query.filter(t::participation.eq_any(levels.0.iter().map(|level| level.name())));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, consultation_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, consultation_revisions, opens_on as NaiveDate).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Calls for input, under the next code.
    pub fn call(tx: &mut Tx<'_>, new: NewConsultation) -> Result<Recorded<Consultation>, Problem> {
        check(tx, &new)?;
        let last: Option<i32> = consultation_revisions::table
            .filter(consultation_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(consultation_revisions::seq_to.is_null())
            .select(diesel::dsl::max(consultation_revisions::number))
            .first(tx.conn)?;
        let code = format!("C-{}", last.unwrap_or(0) + 1);
        let (meta, state) = (Meta::new(tx.now), ConsultationState::Active);
        tx.create(Consultation { meta, code, content: new, state }, None)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<NewConsultation>,
    ) -> Result<Recorded<Consultation>, Problem> {
        let mut consultation: Consultation = tx.current(id, seen)?;
        let content: NewConsultation = patch.apply(&Tx::json(&consultation.content)?, &tx.schemas)?;
        check(tx, &content)?;
        consultation.content = content;
        tx.change(consultation, None)
    }
}

fn check(tx: &mut Tx<'_>, content: &NewConsultation) -> Result<(), Problem> {
    check_days("/closes_on", Some(content.opens_on), content.closes_on)?;
    if let Some(event) = content.event_id {
        tx.must_exist::<Event>(&[("/event_id".into(), event)])?;
    }
    check_sources(tx, &content.sources)?;
    let named = |wanted: ConsultedKind| -> Vec<(String, Id)> {
        let subjects = content.subjects.iter().enumerate().filter(|(_, subject)| subject.kind == wanted);
        subjects.map(|(number, subject)| (format!("/subjects/{number}/id"), subject.id)).collect()
    };
    tx.must_exist::<FocusArea>(&named(ConsultedKind::FocusArea))?;
    tx.must_exist::<Question>(&named(ConsultedKind::Question))?;
    tx.must_exist::<Statement>(&named(ConsultedKind::Statement))?;
    tx.must_exist::<Phase>(&named(ConsultedKind::Phase))?;
    tx.must_exist::<Event>(&named(ConsultedKind::Event))
}
