use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    events::{Event, number_of},
    facts::{Source, check_sources},
    keyset, listed,
    localized::Localized,
    mappings::{MappingState, Verdict, edition, node, own_only, speaks_for},
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::criterion_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// The code of a quality or node.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 40, example = "Q-INCLUSIVE")]
#[expect(dead_code, reason = "describes what a string is")]
struct FrameworkCode(String);

/// What can be edited of a criterion, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewCriterion {
    pub text: Localized,
    /// The code of the framework edition that its qualities and nodes are of.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 40, example = "CRI")]
    pub framework: Option<String>,
    /// Codes of qualities.
    #[serde(default)]
    #[schema(max_items = 20, value_type = Vec<FrameworkCode>)]
    pub qualities: Vec<String>,
    /// Codes of nodes.
    #[serde(default)]
    #[schema(max_items = 50, value_type = Vec<FrameworkCode>)]
    pub nodes: Vec<String>,
    /// The event that found it.
    #[serde(default)]
    pub event_id: Option<Id>,
    /// The organisation that proposes it; agencies and partners propose for their own.
    #[serde(default)]
    pub stakeholder_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A base criterion of resilience.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Criterion {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "K-1")]
    pub code: String,
    #[serde(flatten)]
    pub content: NewCriterion,
    pub state: MappingState,
}

/// Which criteria to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CriterionFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MappingState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<MappingState>>,
    /// Organisations that propose them, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub stakeholder_id: Option<AnyOf<Id>>,
    /// Events that found them, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Id>>, min_items = 1, max_items = 100)]
    pub event_id: Option<AnyOf<Id>>,
}

impl Filter for CriterionFilter {
    const SORTS: &'static [&'static str] = &["code", "updated_at"];
}

versioned!(
    Criterion as this,
    criteria,
    criterion_revisions {
        number: number_of(&this.code),
        code: this.code.as_str(),
        stakeholder_id: this.content.stakeholder_id,
        event_id: this.content.event_id
    }
);

impl Resource for Criterion {
    const KIND: &'static str = "criterion";
    const PATH: &'static str = "programs/{program}/criteria/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        vec![("/text".into(), &self.content.text)]
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::EditCriterion | Action::ValidateCriterion => state == "proposed",
            Action::WithdrawCriterion => state != "withdrawn",
            Action::ProposeCriterion => false,
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let criterion: Criterion = versioned::parse(&stored.body)?;
        Ok(json!(number_of(&criterion.code)))
    }
}

impl Criterion {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &CriterionFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        use criterion_revisions as t;
        let mut query = listed!(criterion_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(ids) = &filter.stakeholder_id {
            query = query.filter(t::stakeholder_id.eq_any(ids.0.clone()));
        }
        if let Some(ids) = &filter.event_id {
            query = query.filter(t::event_id.eq_any(ids.0.clone()));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, criterion_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, criterion_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Proposes a criterion, under the next code.
    pub fn propose(tx: &mut Tx<'_>, mut new: NewCriterion) -> Result<Recorded<Criterion>, Problem> {
        new.stakeholder_id = speaks_for(tx, new.stakeholder_id)?;
        check(tx, &new)?;
        let last: Option<i32> = criterion_revisions::table
            .filter(criterion_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(criterion_revisions::seq_to.is_null())
            .select(diesel::dsl::max(criterion_revisions::number))
            .first(tx.conn)?;
        let code = format!("K-{}", last.unwrap_or(0) + 1);
        tx.create(Criterion { meta: Meta::new(tx.now), code, content: new, state: MappingState::Proposed }, None)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<NewCriterion>,
    ) -> Result<Recorded<Criterion>, Problem> {
        let known: Criterion = tx.look(id)?;
        own_only(tx, known.content.stakeholder_id)?;
        let mut criterion: Criterion = tx.current(id, seen)?;
        let mut content: NewCriterion = patch.apply(&Tx::json(&criterion.content)?, &tx.schemas)?;
        content.stakeholder_id = speaks_for(tx, content.stakeholder_id)?;
        check(tx, &content)?;
        criterion.content = content;
        tx.change(criterion, None)
    }

    /// Validates or rejects it.
    pub fn judge(tx: &mut Tx<'_>, id: Id, seen: Seen, verdict: Verdict) -> Result<Recorded<Criterion>, Problem> {
        let mut criterion: Criterion = tx.current(id, seen)?;
        criterion.state = verdict.to.into();
        tx.change(criterion, Some(&verdict.reason))
    }

    /// Takes it back: whoever proposed it, or those who validate.
    pub fn withdraw(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Criterion>, Problem> {
        let known: Criterion = tx.look(id)?;
        own_only(tx, known.content.stakeholder_id)?;
        let mut criterion: Criterion = tx.current(id, seen)?;
        criterion.state = MappingState::Withdrawn;
        tx.change(criterion, Some(&why.reason))
    }
}

fn check(tx: &mut Tx<'_>, content: &NewCriterion) -> Result<(), Problem> {
    if let Some(event) = content.event_id {
        tx.must_exist::<Event>(&[("/event_id".into(), event)])?;
    }
    check_sources(tx, &content.sources)?;
    let Some(code) = &content.framework else {
        if content.qualities.is_empty() && content.nodes.is_empty() {
            return Ok(());
        }
        let (id, en) = ("wajib diisi bila ada kualitas atau simpul", "is required with qualities or nodes");
        return Err(Problem::Invalid(vec![FieldError::new("/framework", "required", id, en)]));
    };
    let edition = edition(tx, "/framework", code)?;
    let known = edition.qualities(tx.conn)?;
    for (number, quality) in content.qualities.iter().enumerate() {
        if !known.iter().any(|one| one.code == *quality) {
            return Err(Problem::OtherEdition(FieldError::new(
                format!("/qualities/{number}"),
                "other_edition",
                format!("bukan kualitas dari edisi {code}"),
                format!("is no quality of the edition {code}"),
            )));
        }
    }
    for (number, named) in content.nodes.iter().enumerate() {
        node(tx, &format!("/nodes/{number}"), &edition, named)?;
    }
    Ok(())
}
