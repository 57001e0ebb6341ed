use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    facts::{Source, check_sources},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::Problem,
    schema::shock_or_stress_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShockOrStressKind {
    /// It comes suddenly.
    Shock,
    /// It wears the city down slowly.
    Stress,
}

impl ShockOrStressKind {
    pub const fn name(self) -> &'static str {
        match self {
            ShockOrStressKind::Shock => "shock",
            ShockOrStressKind::Stress => "stress",
        }
    }
}

/// What can be edited of a shock or stress.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShockOrStressContent {
    pub name: Localized,
    #[serde(default)]
    pub description: Option<Localized>,
    /// Its place among those of its kind, 1 being the foremost.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub rank: Option<i32>,
    /// Who ranked it.
    #[serde(default)]
    #[schema(max_length = 300)]
    pub ranked_by: Option<String>,
    #[serde(default)]
    pub ranked_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A new shock or stress.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewShockOrStress {
    pub kind: ShockOrStressKind,
    #[serde(flatten)]
    pub content: ShockOrStressContent,
}

/// What hits the city suddenly or slowly.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ShockOrStress {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "SH-1")]
    pub code: String,
    pub kind: ShockOrStressKind,
    #[serde(flatten)]
    pub content: ShockOrStressContent,
}

/// Which shocks and stresses to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShockOrStressFilter {
    /// `shock` or `stress`.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ShockOrStressKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<ShockOrStressKind>>,
}

impl Filter for ShockOrStressFilter {
    const SORTS: &'static [&'static str] = &["code", "updated_at"];
}

versioned!(
    ShockOrStress as this,
    shocks_and_stresses,
    shock_or_stress_revisions { kind: this.kind.name(), code: this.code.as_str(), number: position(&this.code) }
);

/// Stresses come after the shocks.
const STRESSES: i32 = 1_000_000;

/// Sorts codes as people count: SH-10 comes after SH-9.
fn position(code: &str) -> i32 {
    let number = code.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    if code.starts_with("ST") { STRESSES + number } else { number }
}

impl Resource for ShockOrStress {
    const KIND: &'static str = "shock_or_stress";
    const PATH: &'static str = "programs/{program}/shocks-and-stresses/{id}";

    fn state(&self) -> &str {
        "current"
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let description = self.content.description.iter().map(|text| ("/description".to_owned(), text));
        std::iter::once(("/name".to_owned(), &self.content.name)).chain(description).collect()
    }

    fn possible(action: Action, _state: &str) -> bool {
        action != Action::NameShockOrStress
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let one: ShockOrStress = versioned::parse(&stored.body)?;
        Ok(json!(position(&one.code)))
    }
}

impl ShockOrStress {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &ShockOrStressFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(shock_or_stress_revisions, reach.ledger, at, &[]);
        if let Some(kinds) = &filter.kind {
            let names: Vec<&str> = kinds.0.iter().map(|kind| kind.name()).collect();
            query = query.filter(shock_or_stress_revisions::kind.eq_any(names));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, shock_or_stress_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, shock_or_stress_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Names a new one, under the next code of its kind.
    pub fn name(tx: &mut Tx<'_>, new: NewShockOrStress) -> Result<Recorded<ShockOrStress>, Problem> {
        check_sources(tx, &new.content.sources)?;
        let last: Option<i32> = shock_or_stress_revisions::table
            .filter(shock_or_stress_revisions::ledger_id.eq(tx.reach.ledger))
            .filter(shock_or_stress_revisions::kind.eq(new.kind.name()))
            .filter(shock_or_stress_revisions::seq_to.is_null())
            .select(diesel::dsl::max(shock_or_stress_revisions::number))
            .first(tx.conn)?;
        let prefix = match new.kind {
            ShockOrStressKind::Shock => "SH",
            ShockOrStressKind::Stress => "ST",
        };
        let code = format!("{prefix}-{}", last.unwrap_or(0) % STRESSES + 1);
        tx.create(ShockOrStress { meta: Meta::new(tx.now), code, kind: new.kind, content: new.content }, None)
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<ShockOrStressContent>,
    ) -> Result<Recorded<ShockOrStress>, Problem> {
        let mut one: ShockOrStress = tx.current(id, seen)?;
        one.content = patch.apply(&Tx::json(&one.content)?, &tx.schemas)?;
        check_sources(tx, &one.content.sources)?;
        tx.change(one, None)
    }
}
