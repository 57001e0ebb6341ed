use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{basis, gate};
use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    events::number_of,
    facts::{Source, check_sources},
    focus_areas::FocusArea,
    keyset, listed,
    localized::Localized,
    mappings::edition,
    page::{AnyOf, Filter, Page},
    policy::{Action, Role, Roles},
    problem::{FieldError, Problem},
    schema::statement_revisions,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementState {
    /// Being written: partners do not see it.
    Draft,
    /// Organisations are asked what they say.
    InAlignment,
    Proposed,
    /// *Ditetapkan*: determined by the lead.
    Adopted,
    Published,
    /// A later edition stands in its place.
    Superseded,
}

impl StatementState {
    pub const fn name(self) -> &'static str {
        match self {
            StatementState::Draft => "draft",
            StatementState::InAlignment => "in_alignment",
            StatementState::Proposed => "proposed",
            StatementState::Adopted => "adopted",
            StatementState::Published => "published",
            StatementState::Superseded => "superseded",
        }
    }
}

/// What a statement can rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BasisKind {
    Question,
    Mapping,
    Criterion,
    Ballot,
}

impl BasisKind {
    pub const fn name(self) -> &'static str {
        match self {
            BasisKind::Question => "question",
            BasisKind::Mapping => "mapping",
            BasisKind::Criterion => "criterion",
            BasisKind::Ballot => "ballot",
        }
    }

    /// The word of its paths.
    pub const fn collection(self) -> &'static str {
        match self {
            BasisKind::Question => "questions",
            BasisKind::Mapping => "mappings",
            BasisKind::Criterion => "criteria",
            BasisKind::Ballot => "ballots",
        }
    }
}

/// One thing that a statement rests on, at one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BasisEntry {
    pub kind: BasisKind,
    pub id: Id,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
}

/// The account of the whole city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overall {
    pub text: Localized,
    #[serde(default)]
    #[schema(max_items = 100)]
    pub basis: Vec<BasisEntry>,
}

/// The account of one focus area. It rests on something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatementSection {
    pub focus_area_id: Id,
    pub text: Localized,
    #[schema(min_items = 1, max_items = 200)]
    pub basis: Vec<BasisEntry>,
}

/// A language tag.
#[derive(ToSchema)]
#[schema(max_length = 6, pattern = "^[a-z]{2,3}-?[A-Z]{0,2}$", example = "en")]
#[expect(dead_code, reason = "describes what a string is")]
struct LanguageTag(String);

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatementContent {
    pub title: Localized,
    pub overall: Overall,
    #[schema(min_items = 1, max_items = 50)]
    pub sections: Vec<StatementSection>,
    /// Languages in which all of it must be there, and up to date, when it is adopted.
    #[serde(default)]
    #[schema(max_items = 10, value_type = Vec<LanguageTag>)]
    pub languages: Vec<String>,
    /// The code of the framework edition to which each focus area must be mapped when it is adopted.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40, example = "CRF-100RC")]
    pub framework: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A new statement.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewStatement {
    #[serde(flatten)]
    pub content: StatementContent,
    /// An adopted or published statement that this one is to take the place of, as its next edition.
    #[serde(default)]
    pub supersedes_id: Option<Id>,
}

/// New content for a statement: all of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StatementRevision {
    #[serde(flatten)]
    pub content: StatementContent,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// States that a plain step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementStep {
    Draft,
    InAlignment,
    Proposed,
}

/// A plain step of a statement's life cycle.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StatementTransition {
    pub to: StatementStep,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// The adoption of a statement.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Adopt {
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
    /// Why it is adopted although its gate is not clear. It is kept for good.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000)]
    pub override_reason: Option<String>,
}

/// An obstacle that was overridden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Overridden {
    #[schema(example = "translation_behind")]
    pub code: String,
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// Who adopted a statement, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Adoption {
    /// The revision that was adopted.
    pub on_revision: i32,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    pub account_id: Id,
    pub stakeholder_id: Option<Id>,
    /// Why the gate was overridden, if it was.
    pub override_reason: Option<String>,
    /// What stood in the way and was overridden.
    pub overridden: Vec<Overridden>,
}

/// Where a statement was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Publication {
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    /// SHA-256 of the published text, in base64.
    pub digest: String,
    /// Where it is for good.
    #[schema(format = "uri-reference")]
    pub url: String,
}

/// A resilience statement.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "S-1")]
    pub code: String,
    #[schema(minimum = 1)]
    pub edition: i32,
    #[serde(flatten)]
    pub content: StatementContent,
    pub state: StatementState,
    /// The revision that changed the content last: positions and basis are of that.
    #[schema(minimum = 1)]
    pub content_revision: i32,
    pub supersedes_id: Option<Id>,
    pub superseded_by_id: Option<Id>,
    pub adopted: Option<Adoption>,
    pub published: Option<Publication>,
}

/// Which statements to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<StatementState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<StatementState>>,
}

impl Filter for StatementFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
}

versioned!(
    Statement as this,
    statements,
    statement_revisions {
        number: number_of(&this.code),
        code: this.code.as_str(),
        edition: this.edition,
        supersedes_id: this.supersedes_id
    }
);

impl Resource for Statement {
    const KIND: &'static str = "statement";
    const PATH: &'static str = "programs/{program}/statements/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let sections = self.content.sections.iter().enumerate();
        [("/title".to_owned(), &self.content.title), ("/overall/text".to_owned(), &self.content.overall.text)]
            .into_iter()
            .chain(sections.map(|(number, section)| (format!("/sections/{number}/text"), &section.text)))
            .collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ReviseStatement | Action::AdvanceStatement => {
                ["draft", "in_alignment", "proposed"].contains(&state)
            }
            Action::TakePosition | Action::AnswerObjection => ["in_alignment", "proposed"].contains(&state),
            Action::AdoptStatement => state == "proposed",
            Action::PublishStatement => state == "adopted",
            Action::DraftStatement => false,
            _ => true,
        }
    }

    /// Partners see no drafts.
    fn hidden_from(reach: &Reach) -> &'static [&'static str] {
        const DRAFTERS: Roles =
            Roles::of(&[Role::Lead, Role::Secretariat, Role::Facilitator, Role::Agency, Role::Observer]);
        if reach.roles.meets(DRAFTERS) { &[] } else { &["draft"] }
    }
}

impl Statement {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &StatementFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(statement_revisions, reach.ledger, at, Statement::hidden_from(reach));
        if let Some(states) = &filter.state {
            query = query.filter(statement_revisions::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, statement_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, statement_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The open revision, as a reader sees it.
    pub fn shown(conn: &mut AnyConnection, reach: &Reach, id: Id) -> Result<Statement, Problem> {
        let stored = Statement::open(conn, reach.ledger, id)?
            .filter(|stored| !versioned::hidden::<Statement>(reach, stored))
            .ok_or(Problem::NotFound)?;
        versioned::parse(&stored.body)
    }

    /// Every thing that it rests on, with the pointer of its place.
    pub fn entries(&self) -> impl Iterator<Item = (String, Option<Id>, BasisEntry)> {
        entries(&self.content)
    }

    /// Drafts a statement: the first edition of a new code, or the next of the one that it supersedes.
    pub fn draft(tx: &mut Tx<'_>, new: NewStatement) -> Result<Recorded<Statement>, Problem> {
        let content = checked(tx, new.content)?;
        let (code, edition) = match new.supersedes_id {
            Some(id) => {
                tx.must_exist::<Statement>(&[("/supersedes_id".into(), id)])?;
                let before: Statement = tx.look(id)?;
                if !matches!(before.state, StatementState::Adopted | StatementState::Published) {
                    return Err(Problem::Conflict(FieldError::new(
                        "/supersedes_id",
                        "wrong_state",
                        "hanya pernyataan yang telah ditetapkan atau diterbitkan yang dapat digantikan",
                        "only an adopted or published statement can be superseded",
                    )));
                }
                (before.code, before.edition + 1)
            }
            None => (next_code(tx)?, 1),
        };
        let statement = Statement {
            meta: Meta::new(tx.now),
            code,
            edition,
            content,
            state: StatementState::Draft,
            content_revision: 1,
            supersedes_id: new.supersedes_id,
            superseded_by_id: None,
            adopted: None,
            published: None,
        };
        let drafted = tx.create(statement, None).map_err(|problem| problem.taken(EDITION, edition_taken))?;
        basis::keep(tx, drafted.value())?;
        Ok(drafted)
    }

    /// Gives it new content. One that was proposed is aligned again; positions on what it said before are stale.
    pub fn revise(tx: &mut Tx<'_>, id: Id, seen: Seen, new: StatementRevision) -> Result<Recorded<Statement>, Problem> {
        let mut statement = before_adoption(tx, id, seen)?;
        statement.content = checked(tx, new.content)?;
        statement.content_revision = statement.meta.revision + 1;
        if statement.state == StatementState::Proposed {
            statement.state = StatementState::InAlignment;
        }
        let revised = tx.change(statement, Some(&new.reason))?;
        basis::keep(tx, revised.value())?;
        Ok(revised)
    }

    /// Takes a plain step of the life cycle.
    pub fn advance(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        step: StatementTransition,
    ) -> Result<Recorded<Statement>, Problem> {
        use StatementState::{Draft, InAlignment, Proposed};
        let mut statement = before_adoption(tx, id, seen)?;
        statement.state = match (statement.state, step.to) {
            (Draft | Proposed, StatementStep::InAlignment) => InAlignment,
            (InAlignment, StatementStep::Proposed) => Proposed,
            (InAlignment, StatementStep::Draft) => Draft,
            (state, _) => {
                return Err(Problem::WrongState { action: "statement.advance", state: state.name().into() });
            }
        };
        tx.change(statement, Some(&step.reason))
    }

    /// Adopts it, if nothing stands in the way, or over what does, with a reason.
    pub fn adopt(tx: &mut Tx<'_>, id: Id, seen: Seen, adopt: Adopt) -> Result<Recorded<Statement>, Problem> {
        let mut statement = before_adoption(tx, id, seen)?;
        let reach = tx.reach.clone();
        let obstacles = gate::obstacles(tx.conn, &reach, &statement)?;
        if !obstacles.is_empty() && adopt.override_reason.is_none() {
            return Err(Problem::GateNotClear(obstacles));
        }
        let overridden: Vec<Overridden> =
            obstacles.into_iter().map(|one| Overridden { code: one.code.into(), href: one.href }).collect();
        let override_reason = adopt.override_reason.filter(|_| !overridden.is_empty());
        let why = match &override_reason {
            Some(over) => format!("{}\nOverride: {over}", adopt.reason),
            None => adopt.reason,
        };
        statement.adopted = Some(Adoption {
            on_revision: statement.meta.revision,
            at: tx.now,
            account_id: reach.account,
            stakeholder_id: reach.stakeholder,
            override_reason,
            overridden,
        });
        statement.state = StatementState::Adopted;
        tx.change(statement, Some(&why))
    }
}

/// The open revision that was seen; a published statement says plainly that it does not change.
pub(super) fn before_adoption(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<Statement, Problem> {
    let known: Statement = tx.look(id)?;
    if known.published.is_some() {
        return Err(Problem::AlreadyPublished);
    }
    tx.current(id, seen)
}

fn entries(content: &StatementContent) -> impl Iterator<Item = (String, Option<Id>, BasisEntry)> {
    let overall = content.overall.basis.iter().enumerate();
    let sections = content.sections.iter().enumerate().flat_map(|(section, told)| {
        let place = move |(number, entry): (usize, &BasisEntry)| {
            (format!("/sections/{section}/basis/{number}"), Some(told.focus_area_id), *entry)
        };
        told.basis.iter().enumerate().map(place)
    });
    overall.map(|(number, entry)| (format!("/overall/basis/{number}"), None, *entry)).chain(sections)
}

/// The content with its defaults, if what it names is there.
fn checked(tx: &mut Tx<'_>, mut content: StatementContent) -> Result<StatementContent, Problem> {
    if content.languages.is_empty() {
        content.languages.push(tx.source_language.clone());
    }
    let mut twice = Vec::new();
    let areas: Vec<(String, Id)> = content
        .sections
        .iter()
        .enumerate()
        .map(|(number, section)| (format!("/sections/{number}/focus_area_id"), section.focus_area_id))
        .collect();
    for (number, (pointer, id)) in areas.iter().enumerate() {
        if areas[..number].iter().any(|(_, other)| other == id) {
            let (told_id, told_en) = ("sudah punya bagian", "has a section already");
            twice.push(FieldError::new(pointer, "repeated", told_id, told_en));
        }
    }
    if !twice.is_empty() {
        return Err(Problem::Invalid(twice));
    }
    tx.must_exist::<FocusArea>(&areas)?;
    if let Some(code) = &content.framework {
        edition(tx, "/framework", code)?;
    }
    check_sources(tx, &content.sources)?;
    let reach = tx.reach.clone();
    let foreign = basis::foreign(tx.conn, &reach, entries(&content))?;
    if foreign.is_empty() { Ok(content) } else { Err(Problem::ForeignBasis(foreign)) }
}

fn next_code(tx: &mut Tx<'_>) -> Result<String, Problem> {
    let last: Option<i32> = statement_revisions::table
        .filter(statement_revisions::ledger_id.eq(tx.reach.ledger))
        .filter(statement_revisions::seq_to.is_null())
        .select(diesel::dsl::max(statement_revisions::number))
        .first(tx.conn)?;
    Ok(format!("S-{}", last.unwrap_or(0) + 1))
}

const EDITION: &str = "statement_revisions_ledger_id_code_edition_key";

fn edition_taken() -> FieldError {
    FieldError::new(
        "/supersedes_id",
        "taken",
        "sudah ada pernyataan yang akan menggantikannya",
        "there is a statement already that is to supersede it",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn entries_are_pointed_at_where_they_stand() {
        let content: StatementContent = serde_json::from_value(json!({
            "title": {"id": "S"}, "overall": {"text": {"id": "O"}, "basis": [{"kind": "ballot", "id": Id::NIL, "revision": 1}]},
            "sections": [{"focus_area_id": Id::NIL, "text": {"id": "B"}, "basis": [
                {"kind": "question", "id": Id::NIL, "revision": 2}, {"kind": "mapping", "id": Id::NIL, "revision": 3}]}],
        }))
        .unwrap();
        let told: Vec<Value> = entries(&content).map(|(pointer, _, entry)| json!([pointer, entry.revision])).collect();
        assert_eq!(
            json!(told),
            json!([["/overall/basis/0", 1], ["/sections/0/basis/0", 2], ["/sections/0/basis/1", 3]])
        );
    }
}
