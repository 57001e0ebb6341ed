use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Tx},
    among,
    db::{AnyConnection, Backend, Id},
    facts::{Source, check_sources},
    focus_areas::{EmphasisCode, FocusArea, FocusAreaState},
    keyset, ledger, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::{Action, Role, Roles},
    problem::{FieldError, Problem},
    schema::{question_codes, question_revisions},
    versioned,
    versioned::{Columns, Meta, Resource, Stored, Versioned},
};

/// Where a question stands in its life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// Being written: partners do not see it.
    Draft,
    Proposed,
    InReview,
    Validated,
    /// Found not to fit its focus area.
    NotFitting,
    /// Ended: another question asks it too.
    Merged,
    /// Ended: several questions ask it now.
    Split,
    /// Ended: no longer asked.
    Retired,
}

impl QuestionState {
    pub const fn name(self) -> &'static str {
        match self {
            QuestionState::Draft => "draft",
            QuestionState::Proposed => "proposed",
            QuestionState::InReview => "in_review",
            QuestionState::Validated => "validated",
            QuestionState::NotFitting => "not_fitting",
            QuestionState::Merged => "merged",
            QuestionState::Split => "split",
            QuestionState::Retired => "retired",
        }
    }
}

/// An analysis question of a focus area.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Question {
    #[serde(flatten)]
    pub meta: Meta,
    /// Its code in the programme; `former_codes` find it too.
    #[schema(example = "Q-3.2")]
    pub code: String,
    pub focus_area_id: Id,
    pub text: Localized,
    /// Codes of the focus area's emphases that it takes up.
    pub emphases: Vec<String>,
    pub state: QuestionState,
    /// The revision whose wording was validated last.
    pub validated_revision: Option<i32>,
    /// Codes that it had in other focus areas, oldest first.
    pub former_codes: Vec<String>,
    /// The question that asks it too, where it was merged.
    pub merged_into_id: Option<Id>,
    /// The questions that ask it now, where it was split.
    pub split_into_ids: Vec<Id>,
    /// The question that it came from, where that was split.
    pub split_from_id: Option<Id>,
    pub sources: Vec<Source>,
}

/// A new question.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewQuestion {
    pub focus_area_id: Id,
    pub text: Localized,
    /// Codes of the focus area's emphases that it takes up.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Vec<EmphasisCode>)]
    pub emphases: Vec<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// Which questions to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<QuestionState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<QuestionState>>,
    /// Focus areas, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub focus_area_id: Option<AnyOf<Id>>,
    /// Codes that they have now, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<QuestionCode>>, min_items = 1, max_items = 100)]
    pub code: Option<AnyOf<String>>,
    /// Changed at this instant or later.
    #[serde(rename = "updated_at.gte")]
    #[param(rename = "updated_at.gte")]
    pub updated_at_gte: Option<DateTime<Utc>>,
    /// Changed before this instant.
    #[serde(rename = "updated_at.lt")]
    #[param(rename = "updated_at.lt")]
    pub updated_at_lt: Option<DateTime<Utc>>,
}

/// A question's code.
#[derive(ToSchema)]
#[schema(max_length = 22, pattern = "^Q-[0-9]{1,9}\\.[0-9]{1,9}$", example = "Q-1.1")]
#[expect(dead_code, reason = "describes what a string is")]
struct QuestionCode(String);

impl Filter for QuestionFilter {
    const SORTS: &'static [&'static str] = &["code", "created_at", "updated_at"];
    const EXPANDS: &'static [&'static str] = Question::EXPANDS;
    const COUNTED: bool = true;
}

versioned!(
    Question as this,
    questions,
    question_revisions { focus_area_id: this.focus_area_id, code: this.code.as_str(), position: position(&this.code) }
);

/// Sorts codes as people count: comes after.
fn position(code: &str) -> i64 {
    let mut numbers = code.trim_start_matches("Q-").split('.').map(|part| part.parse().unwrap_or(0));
    numbers.next().unwrap_or(0) * 1_000_000 + numbers.next().unwrap_or(0)
}

impl Resource for Question {
    const KIND: &'static str = "question";
    const PATH: &'static str = "programs/{program}/questions/{id}";
    const EXPANDS: &'static [&'static str] = &["focus_area"];

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        vec![("/text".into(), &self.text)]
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ReviseQuestion | Action::ReorganizeQuestion => {
                ["draft", "proposed", "in_review", "validated", "not_fitting"].contains(&state)
            }
            Action::ReviewQuestion => ["draft", "proposed", "in_review", "validated"].contains(&state),
            Action::ValidateQuestion => state == "in_review",
            Action::AskQuestion => false,
            _ => true,
        }
    }

    /// Partners see no drafts.
    fn hidden_from(reach: &Reach) -> &'static [&'static str] {
        const DRAFTERS: Roles =
            Roles::of(&[Role::Lead, Role::Secretariat, Role::Facilitator, Role::Agency, Role::Observer]);
        if reach.roles.meets(DRAFTERS) { &[] } else { &["draft"] }
    }

    fn expand(
        conn: &mut AnyConnection,
        reach: &Reach,
        stored: &Stored,
        wanted: &[String],
    ) -> Result<Map<String, Value>, Problem> {
        let mut expanded = Map::new();
        if wanted.iter().any(|name| name == "focus_area") {
            let question: Question = versioned::parse(&stored.body)?;
            let area = FocusArea::open(conn, reach.ledger, question.focus_area_id)?;
            let area = area.map(|area| versioned::parse(&area.body)).transpose()?;
            expanded.insert("focus_area".into(), area.unwrap_or(Value::Null));
        }
        Ok(expanded)
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(match sort {
            "code" => {
                let question: Question = versioned::parse(&stored.body)?;
                json!(position(&question.code))
            }
            "updated_at" => json!(stored.seq_from),
            _ => json!(stored.id),
        })
    }
}

impl Question {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &QuestionFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let total = match page.include_total {
            true => Some(filtered(conn, reach, filter, at)?.count().get_result(conn)?),
            false => None,
        };
        let query = filtered(conn, reach, filter, at)?;
        let rows = match page.sort {
            "updated_at" => {
                // In this order, what came later than the moment that is asked for is passed over at once.
                let query = match at {
                    Some(at) => query.filter(question_revisions::seq_from.le(at)),
                    None => query,
                };
                keyset!(query, page, question_revisions, seq_from as i64).load(conn)?
            }
            "created_at" => keyset!(query, page, question_revisions, subject_id as Id).load(conn)?,
            _ => keyset!(query, page, question_revisions, position as i64).load(conn)?,
        };
        Ok(Listed { rows, total })
    }

    /// The id of the question that a path names: by its id, or by any code that it ever had.
    pub fn identify(conn: &mut AnyConnection, ledger: Id, name: &str) -> Result<Id, Problem> {
        if let Some(id) = Id::parse(name) {
            return Ok(id);
        }
        let found = question_codes::table.find((ledger, name)).select(question_codes::question_id);
        found.first(conn).optional()?.ok_or(Problem::NotFound)
    }

    /// Asks a new question, as a draft.
    pub fn ask(tx: &mut Tx<'_>, new: NewQuestion) -> Result<Recorded<Question>, Problem> {
        let area = area_for(tx, new.focus_area_id, &new.emphases)?;
        check_sources(tx, &new.sources)?;
        let meta = Meta::new(tx.now);
        let code = next_code(tx, &area)?;
        let question = Question {
            meta,
            code: code.clone(),
            focus_area_id: new.focus_area_id,
            text: new.text,
            emphases: new.emphases,
            state: QuestionState::Draft,
            validated_revision: None,
            former_codes: Vec::new(),
            merged_into_id: None,
            split_into_ids: Vec::new(),
            split_from_id: None,
            sources: new.sources,
        };
        let id = question.meta.id;
        let asked = tx.create(question, None)?;
        keep_code(tx, &area, &code, id)?;
        Ok(asked)
    }
}

fn filtered(
    conn: &mut AnyConnection,
    reach: &Reach,
    filter: &QuestionFilter,
    at: Option<i64>,
) -> Result<question_revisions::BoxedQuery<'static, Backend, Columns>, Problem> {
    let mut query = listed!(question_revisions, reach.ledger, at, Question::hidden_from(reach));
    if let Some(states) = &filter.state {
        query = among!(query, question_revisions::state, states.0.iter().map(|state| state.name()).collect());
    }
    if let Some(areas) = &filter.focus_area_id {
        query = among!(query, question_revisions::focus_area_id, areas.0.clone());
    }
    if let Some(codes) = &filter.code {
        query = among!(query, question_revisions::code, codes.0.clone());
    }
    if let Some(from) = filter.updated_at_gte {
        let before = ledger::sequence_before(conn, reach.ledger, from)?;
        query = query.filter(question_revisions::seq_from.gt(before));
    }
    if let Some(until) = filter.updated_at_lt {
        let before = ledger::sequence_before(conn, reach.ledger, until)?;
        query = query.filter(question_revisions::seq_from.le(before));
    }
    Ok(query)
}

/// The focus area that a question is to belong to: it is there, active, and has these emphases.
pub(super) fn area_for(tx: &mut Tx<'_>, id: Id, emphases: &[String]) -> Result<FocusArea, Problem> {
    tx.must_exist::<FocusArea>(&[("/focus_area_id".into(), id)])?;
    let area: FocusArea = tx.look(id)?;
    if area.state != FocusAreaState::Active {
        return Err(Problem::Conflict(FieldError::new(
            "/focus_area_id",
            "retired",
            "fokus utama ini sudah tidak dipakai",
            "this focus area is retired",
        )));
    }
    check_emphases(&area, emphases)?;
    Ok(area)
}

/// Refuses emphases that the focus area does not have.
pub(super) fn check_emphases(area: &FocusArea, emphases: &[String]) -> Result<(), Problem> {
    let unknown: Vec<FieldError> = emphases
        .iter()
        .enumerate()
        .filter(|(_, code)| !area.content.emphases.iter().any(|emphasis| emphasis.code == **code))
        .map(|(number, _)| {
            FieldError::new(
                format!("/emphases/{number}"),
                "not_found",
                "fokus utama ini tidak punya penekanan dengan kode itu",
                "this focus area has no emphasis with that code",
            )
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Problem::Invalid(unknown)) }
}

/// A code that no question of the focus area ever had.
pub(super) fn next_code(tx: &mut Tx<'_>, area: &FocusArea) -> Result<String, Problem> {
    let last: Option<i32> = question_codes::table
        .filter(question_codes::focus_area_id.eq(area.meta.id))
        .select(diesel::dsl::max(question_codes::ordinal))
        .first(tx.conn)?;
    Ok(format!("Q-{}.{}", area.number, last.unwrap_or(0) + 1))
}

/// Makes a code find its question for ever.
pub(super) fn keep_code(tx: &mut Tx<'_>, area: &FocusArea, code: &str, question: Id) -> Result<(), Problem> {
    let ordinal = (position(code) % 1_000_000) as i32;
    diesel::insert_into(question_codes::table)
        .values((
            question_codes::ledger_id.eq(tx.reach.ledger),
            question_codes::code.eq(code),
            question_codes::question_id.eq(question),
            question_codes::focus_area_id.eq(area.meta.id),
            question_codes::ordinal.eq(ordinal),
        ))
        .execute(tx.conn)?;
    Ok(())
}
