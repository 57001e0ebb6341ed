use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Listed, Reach, Recorded, Seen, Tx},
    db::{AnyConnection, Id},
    facts::{DatedName, Source, check_days, check_sources, name_texts},
    keyset, listed,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::focus_area_revisions,
    shocks_and_stresses::ShockOrStress,
    stakeholders::Stakeholder,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FocusAreaState {
    Active,
    Retired,
}

impl FocusAreaState {
    pub const fn name(self) -> &'static str {
        match self {
            FocusAreaState::Active => "active",
            FocusAreaState::Retired => "retired",
        }
    }
}

/// What the questions of a focus area should stress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emphasis {
    #[schema(min_length = 1, max_length = 20, example = "1.a")]
    pub code: String,
    pub text: Localized,
}

/// The code of an emphasis, as the questions that take it up name it.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 20, example = "1.a")]
#[expect(dead_code, reason = "describes what a string is")]
pub struct EmphasisCode(String);

/// What can be edited of a focus area.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FocusAreaContent {
    /// Its names through time; the first is the one in use.
    #[schema(min_items = 1, max_items = 50)]
    pub names: Vec<DatedName>,
    /// Other names for it.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub aliases: Vec<Localized>,
    /// The problem behind it.
    #[serde(default)]
    pub problem: Option<Localized>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub emphases: Vec<Emphasis>,
    /// The shocks and stresses that it answers.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub shock_or_stress_ids: Vec<Id>,
    /// The organisation that leads it.
    #[serde(default)]
    pub lead_stakeholder_id: Option<Id>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A new focus area.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewFocusArea {
    /// Its number for good, from which its code is made; the next free one where it is left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 99)]
    pub number: Option<i32>,
    #[serde(flatten)]
    pub content: FocusAreaContent,
}

/// A main problem field of a programme.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FocusArea {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "FU-1")]
    pub code: String,
    pub number: i32,
    #[serde(flatten)]
    pub content: FocusAreaContent,
    pub state: FocusAreaState,
}

/// Which focus areas to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FocusAreaFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<FocusAreaState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<FocusAreaState>>,
    /// Codes, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<FocusAreaCode>>, min_items = 1, max_items = 100)]
    pub code: Option<AnyOf<String>>,
}

/// A focus area's code.
#[derive(ToSchema)]
#[schema(max_length = 12, pattern = "^FU-[0-9]{1,9}$", example = "FU-1")]
#[expect(dead_code, reason = "describes what a string is")]
struct FocusAreaCode(String);

impl Filter for FocusAreaFilter {
    const SORTS: &'static [&'static str] = &["number", "updated_at"];
}

versioned!(
    FocusArea as this,
    focus_areas,
    focus_area_revisions {
        number: this.number,
        code: this.code.as_str(),
        lead_stakeholder_id: this.content.lead_stakeholder_id,
    }
);

impl Resource for FocusArea {
    const KIND: &'static str = "focus_area";
    const PATH: &'static str = "programs/{program}/focus-areas/{id}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let content = &self.content;
        let aliases = content.aliases.iter().enumerate();
        let emphases = content.emphases.iter().enumerate();
        name_texts(&content.names)
            .chain(aliases.map(|(number, alias)| (format!("/aliases/{number}"), alias)))
            .chain(content.problem.iter().map(|problem| ("/problem".to_owned(), problem)))
            .chain(emphases.map(|(number, emphasis)| (format!("/emphases/{number}/text"), &emphasis.text)))
            .collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::EditFocusArea | Action::RetireFocusArea => state == "active",
            Action::NameFocusArea => false,
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "updated_at" {
            return Ok(json!(stored.seq_from));
        }
        let area: FocusArea = versioned::parse(&stored.body)?;
        Ok(json!(area.number))
    }
}

impl FocusArea {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &FocusAreaFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(focus_area_revisions, reach.ledger, at, &[]);
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states.0.iter().map(|state| state.name()).collect();
            query = query.filter(focus_area_revisions::state.eq_any(names));
        }
        if let Some(codes) = &filter.code {
            query = query.filter(focus_area_revisions::code.eq_any(codes.0.clone()));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, focus_area_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, focus_area_revisions, number as i32).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Names a new focus area.
    pub fn name(tx: &mut Tx<'_>, new: NewFocusArea) -> Result<Recorded<FocusArea>, Problem> {
        check(tx, &new.content)?;
        let number = match new.number {
            Some(number) => number,
            None => next_number(tx)?,
        };
        let area = FocusArea {
            meta: Meta::new(tx.now),
            code: format!("FU-{number}"),
            number,
            content: new.content,
            state: FocusAreaState::Active,
        };
        tx.create(area, None).map_err(|problem| {
            problem.taken("focus_area_revisions_ledger_id_number_key", || {
                FieldError::new(
                    "/number",
                    "taken",
                    "sudah ada fokus utama dengan nomor ini",
                    "there is a focus area with this number already",
                )
            })
        })
    }

    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<FocusAreaContent>,
    ) -> Result<Recorded<FocusArea>, Problem> {
        let mut area: FocusArea = tx.current(id, seen)?;
        area.content = patch.apply(&Tx::json(&area.content)?, &tx.schemas)?;
        check(tx, &area.content)?;
        tx.change(area, None)
    }

    /// Ends it: no question can be asked in it or moved to it any more.
    pub fn retire(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<FocusArea>, Problem> {
        let mut area: FocusArea = tx.current(id, seen)?;
        area.state = FocusAreaState::Retired;
        tx.change(area, Some(&why.reason))
    }
}

fn next_number(tx: &mut Tx<'_>) -> Result<i32, Problem> {
    let last: Option<i32> = focus_area_revisions::table
        .filter(focus_area_revisions::ledger_id.eq(tx.reach.ledger))
        .filter(focus_area_revisions::seq_to.is_null())
        .select(diesel::dsl::max(focus_area_revisions::number))
        .first(tx.conn)?;
    Ok(last.unwrap_or(0) + 1)
}

fn check(tx: &mut Tx<'_>, content: &FocusAreaContent) -> Result<(), Problem> {
    for (number, name) in content.names.iter().enumerate() {
        check_days(&format!("/names/{number}/until_on"), name.from_on, name.until_on)?;
    }
    for (number, emphasis) in content.emphases.iter().enumerate() {
        if content.emphases[..number].iter().any(|other| other.code == emphasis.code) {
            return Err(Problem::Invalid(vec![FieldError::new(
                format!("/emphases/{number}/code"),
                "repeated",
                "kode ini sudah dipakai penekanan lain",
                "another emphasis has this code",
            )]));
        }
    }
    check_sources(tx, &content.sources)?;
    let answered: Vec<(String, Id)> = content
        .shock_or_stress_ids
        .iter()
        .enumerate()
        .map(|(number, id)| (format!("/shock_or_stress_ids/{number}"), *id))
        .collect();
    tx.must_exist::<ShockOrStress>(&answered)?;
    let lead: Vec<(String, Id)> =
        content.lead_stakeholder_id.iter().map(|id| ("/lead_stakeholder_id".to_owned(), *id)).collect();
    tx.must_exist::<Stakeholder>(&lead)
}
