use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    criteria::Criterion,
    db::{AnyConnection, Id},
    events::{Event, take_part},
    facts::{Source, check_sources},
    focus_areas::{FocusArea, FocusAreaState},
    frameworks::{Edition, Node},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    questions::{Question, QuestionState},
    reason::Reason,
    schema::mapping_revisions,
    statements::Statement,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What can be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappedKind {
    FocusArea,
    Question,
    Criterion,
    Statement,
}

impl MappedKind {
    pub const fn name(self) -> &'static str {
        match self {
            MappedKind::FocusArea => "focus_area",
            MappedKind::Question => "question",
            MappedKind::Criterion => "criterion",
            MappedKind::Statement => "statement",
        }
    }
}

/// What is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MappedSubject {
    pub kind: MappedKind,
    pub id: Id,
}

/// How strongly the subject bears on the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    Primary,
    Secondary,
}

impl Strength {
    pub const fn name(self) -> &'static str {
        match self {
            Strength::Primary => "primary",
            Strength::Secondary => "secondary",
        }
    }
}

/// Where a mapping or a criterion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingState {
    Proposed,
    Validated,
    Rejected,
    Withdrawn,
}

impl MappingState {
    pub const fn name(self) -> &'static str {
        match self {
            MappingState::Proposed => "proposed",
            MappingState::Validated => "validated",
            MappingState::Rejected => "rejected",
            MappingState::Withdrawn => "withdrawn",
        }
    }
}

/// What a proposal is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictState {
    Validated,
    Rejected,
}

impl From<VerdictState> for MappingState {
    fn from(verdict: VerdictState) -> MappingState {
        match verdict {
            VerdictState::Validated => MappingState::Validated,
            VerdictState::Rejected => MappingState::Rejected,
        }
    }
}

/// What is found of a proposal, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Verdict {
    pub to: VerdictState,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// A mapping, as it is proposed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewMapping {
    pub subject: MappedSubject,
    /// The code of a framework edition.
    #[schema(min_length = 1, max_length = 40, example = "CRF-100RC")]
    pub framework: String,
    /// The code of one of its nodes.
    #[schema(min_length = 1, max_length = 40, example = "DRV-10")]
    pub node: String,
    pub strength: Strength,
    #[serde(default)]
    pub rationale: Option<Localized>,
    /// The organisation that maps so; agencies and partners map for their own.
    #[serde(default)]
    pub stakeholder_id: Option<Id>,
    /// The event at which it was proposed.
    #[serde(default)]
    pub event_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A subject on a node of a framework edition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Mapping {
    #[serde(flatten)]
    pub meta: Meta,
    #[serde(flatten)]
    pub content: NewMapping,
    pub framework_id: Id,
    pub node_id: Id,
    pub state: MappingState,
}

/// Which mappings to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MappingFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MappingState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<MappingState>>,
    /// Strengths, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Strength>>, min_items = 1, max_items = 100)]
    pub strength: Option<AnyOf<Strength>>,
    /// Focus areas that are mapped, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub focus_area_id: Option<AnyOf<Id>>,
    /// Questions that are mapped, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub question_id: Option<AnyOf<Id>>,
    /// Criteria that are mapped, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub criterion_id: Option<AnyOf<Id>>,
    /// Statements that are mapped, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub statement_id: Option<AnyOf<Id>>,
    /// Nodes, by id, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub node_id: Option<AnyOf<Id>>,
    /// Framework editions, by id, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub framework_id: Option<AnyOf<Id>>,
    /// Organisations that map so, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub stakeholder_id: Option<AnyOf<Id>>,
    /// Events at which they were proposed, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub event_id: Option<AnyOf<Id>>,
}

impl Filter for MappingFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
}

impl Mapping {
    fn subject_if(&self, kind: MappedKind) -> Option<Id> {
        (self.content.subject.kind == kind).then_some(self.content.subject.id)
    }
}

versioned!(
    Mapping as this,
    mappings,
    mapping_revisions {
        subject_kind: this.content.subject.kind.name(),
        focus_area_id: this.subject_if(MappedKind::FocusArea),
        question_id: this.subject_if(MappedKind::Question),
        criterion_id: this.subject_if(MappedKind::Criterion),
        statement_id: this.subject_if(MappedKind::Statement),
        framework_id: this.framework_id,
        node_id: this.node_id,
        strength: this.content.strength.name(),
        stakeholder_id: this.content.stakeholder_id,
        event_id: this.content.event_id
    }
);

impl Resource for Mapping {
    const KIND: &'static str = "mapping";
    const PATH: &'static str = "programs/{program}/mappings/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        self.content.rationale.iter().map(|text| ("/rationale".to_owned(), text)).collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::ValidateMapping => state == "proposed",
            Action::WithdrawMapping => state != "withdrawn",
            Action::ProposeMapping => false,
            _ => true,
        }
    }
}

impl Mapping {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &MappingFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use mapping_revisions as t;
        let mut query = listed!(mapping_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(strengths) = &filter.strength {
            query = query.filter(t::strength.eq_any(strengths.0.iter().map(|strength| strength.name())));
        }
        if let Some(ids) = &filter.focus_area_id {
            query = query.filter(t::focus_area_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.question_id {
            query = query.filter(t::question_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.criterion_id {
            query = query.filter(t::criterion_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.statement_id {
            query = query.filter(t::statement_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.node_id {
            query = query.filter(t::node_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.framework_id {
            query = query.filter(t::framework_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.stakeholder_id {
            query = query.filter(t::stakeholder_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.event_id {
            query = query.filter(t::event_id.eq_any(ids.0.clone()));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, mapping_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, mapping_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Proposes that a subject bears on a node.
    pub fn propose(tx: &mut Tx<'_>, mut new: NewMapping) -> Result<Recorded<Mapping>, Problem> {
        new.stakeholder_id = speaks_for(tx, new.stakeholder_id)?;
        check_subject(tx, new.subject)?;
        if let Some(event) = new.event_id {
            tx.must_exist::<Event>(&[("/event_id".into(), event)])?;
        }
        check_sources(tx, &new.sources)?;
        let edition = edition(tx, "/framework", &new.framework)?;
        let node = node(tx, "/node", &edition, &new.node)?;
        once(tx, &new, node.id)?;
        let mapping = Mapping {
            meta: Meta::new(tx.now),
            content: new,
            framework_id: edition.id,
            node_id: node.id,
            state: MappingState::Proposed,
        };
        tx.create(mapping, None)
    }

    /// Validates or rejects it.
    pub fn judge(tx: &mut Tx<'_>, id: Id, seen: Seen, verdict: Verdict) -> Result<Recorded<Mapping>, Problem> {
        let mut mapping: Mapping = tx.current(id, seen)?;
        mapping.state = verdict.to.into();
        tx.change(mapping, Some(&verdict.reason))
    }

    /// Takes it back: whoever proposed it, or those who validate.
    pub fn withdraw(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Mapping>, Problem> {
        let known: Mapping = tx.look(id)?;
        own_only(tx, known.content.stakeholder_id)?;
        let mut mapping: Mapping = tx.current(id, seen)?;
        mapping.state = MappingState::Withdrawn;
        tx.change(mapping, Some(&why.reason))
    }
}

/// The organisation that a proposal is of: agencies and partners propose for their own.
pub fn speaks_for(tx: &mut Tx<'_>, named: Option<Id>) -> Result<Option<Id>, Problem> {
    if tx.reach.may(Action::ValidateMapping) {
        if let Some(named) = named {
            take_part(tx, &[("/stakeholder_id".into(), named)])?;
        }
        return Ok(named);
    }
    match (named, tx.reach.stakeholder) {
        (Some(named), own) if own != Some(named) => Err(Problem::NotOwnOrganization),
        (_, own) => Ok(own),
    }
}

/// Refuses agencies and partners what is another organisation's.
pub fn own_only(tx: &Tx<'_>, owner: Option<Id>) -> Result<(), Problem> {
    let judges = tx.reach.may(Action::ValidateMapping);
    if judges || (owner.is_some() && owner == tx.reach.stakeholder) { Ok(()) } else { Err(Problem::NotOwnOrganization) }
}

/// The edition with this code.
pub fn edition(tx: &mut Tx<'_>, pointer: &str, code: &str) -> Result<Edition, Problem> {
    Edition::by_code(tx.conn, code)?.ok_or_else(|| {
        let (id, en) = ("tidak ada edisi kerangka dengan kode ini", "there is no framework edition with this code");
        Problem::Invalid(vec![FieldError::new(pointer, "not_found", id, en)])
    })
}

/// The node of this edition with this code.
pub fn node(tx: &mut Tx<'_>, pointer: &str, edition: &Edition, code: &str) -> Result<Node, Problem> {
    edition.node(tx.conn, code)?.ok_or_else(|| {
        Problem::OtherEdition(FieldError::new(
            pointer,
            "other_edition",
            format!("bukan simpul dari edisi {}", edition.content.code),
            format!("is no node of the edition {}", edition.content.code),
        ))
    })
}

/// The subject is there, and is still worked on.
fn check_subject(tx: &mut Tx<'_>, subject: MappedSubject) -> Result<(), Problem> {
    let named = [("/subject/id".to_owned(), subject.id)];
    let over = match subject.kind {
        MappedKind::FocusArea => {
            tx.must_exist::<FocusArea>(&named)?;
            tx.look::<FocusArea>(subject.id)?.state != FocusAreaState::Active
        }
        MappedKind::Question => {
            tx.must_exist::<Question>(&named)?;
            use QuestionState::{Draft, Merged, Retired, Split};
            // A draft is not there yet for those who see no drafts.
            matches!(tx.look::<Question>(subject.id)?.state, Draft | Merged | Split | Retired)
        }
        MappedKind::Criterion => {
            tx.must_exist::<Criterion>(&named)?;
            matches!(tx.look::<Criterion>(subject.id)?.state(), "rejected" | "withdrawn")
        }
        MappedKind::Statement => {
            tx.must_exist::<Statement>(&named)?;
            matches!(tx.look::<Statement>(subject.id)?.state(), "draft" | "superseded")
        }
    };
    if !over {
        return Ok(());
    }
    Err(Problem::Conflict(FieldError::new(
        "/subject/id",
        "not_open",
        "ini masih konsep atau sudah berakhir, jadi tidak dapat dipetakan",
        "this is still a draft or has ended, so it cannot be mapped",
    )))
}

/// One organisation maps a subject to a node once.
fn once(tx: &mut Tx<'_>, new: &NewMapping, node: Id) -> Result<(), Problem> {
    use mapping_revisions as t;
    let same = t::table
        .filter(t::node_id.eq(node))
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::seq_to.is_null())
        .filter(t::state.eq_any(["proposed", "validated"]))
        .filter(t::subject_kind.eq(new.subject.kind.name()))
        .select((t::body, t::stakeholder_id));
    let rows: Vec<(String, Option<Id>)> = same.load(tx.conn)?;
    for (body, by) in rows {
        let known: Mapping = versioned::parse(&body)?;
        if known.content.subject == new.subject && by == new.stakeholder_id {
            return Err(Problem::Taken(FieldError::new(
                "/node",
                "taken",
                "organisasi ini sudah memetakan hal ini ke simpul itu",
                "this organisation has mapped this to that node already",
            )));
        }
    }
    Ok(())
}
