use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{dsl::exists, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::decisions::{InputAnswer, InputDecision};
use crate::{
    access::{Listed, Reach},
    consultations::InputKind,
    db::{AnyConnection, Id},
    events::number_of,
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::{Action, Role, Roles},
    problem::Problem,
    schema::{input_revisions, input_subjects},
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What an input can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputSubjectKind {
    FocusArea,
    Question,
    Statement,
    Phase,
    Event,
    Consultation,
}

/// What an input is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputSubject {
    pub kind: InputSubjectKind,
    pub id: Id,
}

/// An address of more about it.
#[derive(ToSchema)]
#[schema(
    max_length = 2000,
    pattern = r"^https?://[^\s/]+(/\S*)?$",
    format = "uri",
    example = "https://example.org/peta"
)]
#[expect(dead_code, reason = "describes what a string is")]
pub struct InputLink(String);

/// An input, as its sender makes it. Whose it is is never sent: it is the sender's own organisation's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewInput {
    pub kind: InputKind,
    /// The consultation that it answers: open today, and one that wants this kind.
    #[serde(default)]
    pub consultation_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 20)]
    pub subjects: Vec<InputSubject>,
    #[schema(min_length = 1, max_length = 20000)]
    pub text: String,
    /// The language of the text.
    #[schema(min_length = 2, max_length = 3, pattern = "^[a-z]{2,3}$", example = "id")]
    pub language: String,
    #[serde(default)]
    #[schema(max_items = 20, value_type = Vec<InputLink>)]
    pub links: Vec<String>,
    /// Documents of this programme that show it.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub evidence_ids: Vec<Id>,
    /// The sender's own reference, unique for its organisation in the programme. An input needs this or an
    /// `Idempotency-Key`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200, pattern = "^[!-~]+$", example = "KB-2026-0042")]
    pub external_ref: Option<String>,
}

/// Where an input stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputState {
    Received,
    Acknowledged,
    InReview,
    /// Its sender was asked something.
    MoreInformationNeeded,
    Decided,
    Answered,
    /// By its sender.
    Withdrawn,
    /// Set aside: seen by its sender and those who decide, and by nobody else.
    Quarantined,
}

impl InputState {
    pub const fn name(self) -> &'static str {
        match self {
            InputState::Received => "received",
            InputState::Acknowledged => "acknowledged",
            InputState::InReview => "in_review",
            InputState::MoreInformationNeeded => "more_information_needed",
            InputState::Decided => "decided",
            InputState::Answered => "answered",
            InputState::Withdrawn => "withdrawn",
            InputState::Quarantined => "quarantined",
        }
    }

    /// Whether a decision is still owed.
    pub fn is_owed(self) -> bool {
        OWED.contains(&self.name())
    }
}

/// The states in which a decision is owed.
const OWED: &[&str] = &["received", "acknowledged", "in_review", "more_information_needed"];

/// What was received, and when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Received {
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    /// The SHA-256 of the request's body as it came, in hexadecimal; of a batch, the whole of it.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: String,
}

/// What an organisation sent, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Input {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "I-1")]
    pub code: String,
    /// The organisation that sent it.
    pub stakeholder_id: Id,
    #[serde(flatten)]
    pub content: NewInput,
    /// The revision that last changed what its sender says.
    #[schema(minimum = 1)]
    pub content_revision: i32,
    pub state: InputState,
    /// The day by which a decision is owed; null where its consultation only tells (`inform`).
    pub due_on: Option<NaiveDate>,
    /// The account that looks after it.
    pub assigned_to_id: Option<Id>,
    /// What its sender was asked last.
    pub question_to_sender: Option<String>,
    /// What its sender said to that.
    pub reply: Option<String>,
    pub decision: Option<InputDecision>,
    pub answer: Option<InputAnswer>,
    pub received: Received,
}

/// Which inputs to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InputFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<InputState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<InputState>>,
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<InputKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<InputKind>>,
    /// Organisations that sent them, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub stakeholder_id: Option<AnyOf<Id>>,
    /// Consultations that they answer, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub consultation_id: Option<AnyOf<Id>>,
    /// What they are about, by id, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub subject_id: Option<AnyOf<Id>>,
    /// A sender's own reference.
    #[param(min_length = 1, max_length = 200, pattern = "^[!-~]+$")]
    pub external_ref: Option<String>,
    /// `true`: a decision was owed before today, and there is none; `false`: all others.
    pub overdue: Option<bool>,
    /// A decision is owed before this day.
    #[serde(rename = "due_on.lt")]
    #[param(rename = "due_on.lt")]
    pub due_on_lt: Option<NaiveDate>,
}

impl Filter for InputFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at", "due_on"];
    const BY_DAY: bool = true;
}

/// Where no decision is owed, lists have this day: the last.
const NEVER: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();

versioned!(
    Input as this,
    inputs,
    input_revisions {
        number: number_of(&this.code),
        code: this.code.as_str(),
        stakeholder_id: this.stakeholder_id,
        consultation_id: this.content.consultation_id,
        kind: this.content.kind.name(),
        external_ref: this.content.external_ref.as_deref(),
        content_revision: this.content_revision,
        due_on: this.due_on.unwrap_or(NEVER)
    }
);

/// Who sees the inputs of all organisations.
const SEE_ALL: Roles = Roles::of(&[Role::Lead, Role::Secretariat, Role::Facilitator, Role::Agency, Role::Observer]);

/// Whose inputs a caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All that there are: who decides.
    All,
    /// Those of all organisations, but what is set aside only of this one.
    AllButQuarantined(Id),
    /// Those of this organisation.
    Own(Id),
}

impl Sight {
    pub fn of(reach: &Reach) -> Sight {
        let own = reach.stakeholder.unwrap_or(Id::NIL);
        match () {
            () if reach.may(Action::DecideInput) => Sight::All,
            () if SEE_ALL.meets(reach.roles) => Sight::AllButQuarantined(own),
            () => Sight::Own(own),
        }
    }
}

/// Narrows a query over inputs to those that the caller sees.
#[macro_export]
macro_rules! inputs_seen {
    ($query:expr, $reach:expr) => {{
        use diesel::prelude::*;
        use $crate::{inputs::Sight, schema::input_revisions as t};
        match Sight::of($reach) {
            Sight::All => $query,
            Sight::AllButQuarantined(own) => $query.filter(t::stakeholder_id.eq(own).or(t::state.ne("quarantined"))),
            Sight::Own(own) => $query.filter(t::stakeholder_id.eq(own)),
        }
    }};
}

impl Resource for Input {
    const KIND: &'static str = "input";
    const PATH: &'static str = "programs/{program}/inputs/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let decision = self.decision.iter().map(|decision| ("/decision/text".to_owned(), &decision.text));
        let answer = self.answer.iter().map(|answer| ("/answer/text".to_owned(), &answer.text));
        decision.chain(answer).collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::SendInput => false,
            Action::CorrectInput => ["received", "acknowledged", "more_information_needed"].contains(&state),
            Action::WithdrawInput => !["decided", "answered", "withdrawn"].contains(&state),
            Action::DecideInput => !["answered", "withdrawn"].contains(&state),
            _ => true,
        }
    }

    fn hidden_row(reach: &Reach, stored: &Stored) -> bool {
        let own = match Sight::of(reach) {
            Sight::All => return false,
            Sight::AllButQuarantined(_) if stored.state != "quarantined" => return false,
            Sight::AllButQuarantined(own) | Sight::Own(own) => own,
        };
        stored.owner() != Some(own)
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        match sort {
            "updated_at" => Ok(json!(stored.seq_from)),
            "due_on" => {
                let input: Input = versioned::parse(&stored.body)?;
                Ok(json!(input.due_on.unwrap_or(NEVER)))
            }
            _ => Ok(json!(stored.id)),
        }
    }
}

impl Input {
    /// The day by which a decision is owed on something of this kind that was received on `day`.
    pub fn due(kind: InputKind, day: NaiveDate) -> Option<NaiveDate> {
        let days = match kind {
            InputKind::Comment | InputKind::Evidence | InputKind::Objection => 30,
            InputKind::Proposal => 60,
        };
        day.checked_add_signed(TimeDelta::days(days))
    }

    /// Whether a decision was owed before `today`, and there is none.
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.state.is_owed() && self.due_on.is_some_and(|due| due < today)
    }

    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &InputFilter,
        page: &Page,
        at: Option<i64>,
        today: NaiveDate,
    ) -> Result<Listed, Problem> {
        use input_revisions as t;
        let mut query = inputs_seen!(listed!(input_revisions, reach.ledger, at, &[]), reach);
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(kinds) = &filter.kind {
            query = query.filter(t::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        if let Some(ids) = &filter.stakeholder_id {
            query = query.filter(t::stakeholder_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.consultation_id {
            query = query.filter(t::consultation_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.subject_id {
            use input_subjects as s;
            let ever = s::table.filter(s::subject_id.eq_any(ids.0.clone())).select(s::input_id);
            let still = s::table
                .filter(s::input_id.eq(t::subject_id))
                .filter(s::input_revision.eq(t::content_revision))
                .filter(s::subject_id.eq_any(ids.0.clone()));
            // The first condition says no more than the second: by it, the database begins at the subject.
            query = query.filter(t::subject_id.eq_any(ever)).filter(exists(still));
        }
        if let Some(reference) = &filter.external_ref {
            query = query.filter(t::external_ref.eq(reference.clone()));
        }
        if let Some(overdue) = filter.overdue {
            let late = t::due_on.lt(today).and(t::state.eq_any(OWED.iter().copied()));
            query = match overdue {
                true => query.filter(late),
                false => query.filter(diesel::dsl::not(late)),
            };
        }
        if let Some(day) = filter.due_on_lt {
            query = query.filter(t::due_on.lt(day));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, input_revisions, seq_from as i64).load(conn)?,
            "due_on" => keyset!(query, page, input_revisions, due_on as NaiveDate).load(conn)?,
            _ => keyset!(query, page, input_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }
}
