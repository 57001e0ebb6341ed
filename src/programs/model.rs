use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Recorded, Seen, Tx},
    db::{AnyConnection, Backend, Id},
    facts::{Code, Source, check_days, check_sources},
    keyset,
    localized::Localized,
    page::{AnyOf, Filter, Page},
    policy::Action,
    problem::{FieldError, Problem},
    schema::program_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgramState {
    Active,
    Archived,
}

impl ProgramState {
    pub const fn name(self) -> &'static str {
        match self {
            ProgramState::Active => "active",
            ProgramState::Archived => "archived",
        }
    }
}

/// A network of cities that the programme belongs or belonged to. It may end before the programme does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NetworkMembership {
    #[schema(min_length = 1, max_length = 200)]
    pub network: String,
    #[serde(default)]
    pub from_on: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// What can be edited of a programme.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProgramContent {
    pub name: Localized,
    #[serde(default)]
    pub summary: Option<Localized>,
    /// An IANA time zone: days are days there.
    #[schema(max_length = 60, example = "Asia/Jakarta")]
    pub time_zone: String,
    /// The area that it is about.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub area_codes: Vec<Code>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub network_memberships: Vec<NetworkMembership>,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
    /// Whether everybody may read its public view, without signing in.
    #[serde(default)]
    pub published: bool,
}

/// A new programme.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewProgram {
    /// Its name in paths, for good.
    #[schema(min_length = 3, max_length = 60, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "jakarta-berketahanan")]
    pub slug: String,
    /// The language in which texts are written first, for good.
    #[schema(max_length = 6, pattern = "^[a-z]{2,3}(-[A-Z]{2})?$", example = "id")]
    pub source_language: String,
    #[serde(flatten)]
    pub content: ProgramContent,
}

/// One city's work on its resilience.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Program {
    #[serde(flatten)]
    pub meta: Meta,
    #[schema(example = "jakarta-berketahanan")]
    pub slug: String,
    #[schema(example = "id")]
    pub source_language: String,
    #[serde(flatten)]
    pub content: ProgramContent,
    pub state: ProgramState,
}

/// A step of a programme's life cycle.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ProgramTransition {
    pub to: ProgramState,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// Which programmes to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProgramFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ProgramState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<ProgramState>>,
}

impl Filter for ProgramFilter {
    const SORTS: &'static [&'static str] = &["slug", "created_at"];
}

versioned!(
    Program as this,
    programs { slug: this.slug.as_str() },
    program_revisions {
        slug: this.slug.as_str(),
        time_zone: this.content.time_zone.as_str(),
        source_language: this.source_language.as_str(),
        published: this.content.published,
    }
);

impl Resource for Program {
    const KIND: &'static str = "program";
    const PATH: &'static str = "programs/{program}";

    fn state(&self) -> &str {
        self.state.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        let summary = self.content.summary.iter().map(|text| ("/summary".to_owned(), text));
        std::iter::once(("/name".to_owned(), &self.content.name)).chain(summary).collect()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::EditProgram => state == "active",
            Action::CreateProgram | Action::ListPrograms => false,
            _ => true,
        }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        if sort == "created_at" {
            return Ok(json!(stored.id));
        }
        let program: Program = versioned::parse(&stored.body)?;
        Ok(json!(program.slug))
    }
}

/// A programme's time zone, which was checked when it was given.
pub fn time_zone_named(name: &str) -> Result<chrono_tz::Tz, Problem> {
    name.parse().map_err(|_| Problem::internal("a programme has no time zone"))
}

impl Program {
    /// The programmes among these ids.
    pub fn among(
        conn: &mut AnyConnection,
        ids: &[Id],
        filter: &ProgramFilter,
        page: &Page,
    ) -> Result<Vec<Stored>, Problem> {
        use program_revisions as t;
        let mut query = t::table
            .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
            .filter(t::seq_to.is_null())
            .filter(t::subject_id.eq_any(ids.to_vec()))
            .into_boxed::<Backend>();
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states.0.iter().map(|state| state.name()).collect();
            query = query.filter(t::state.eq_any(names));
        }
        Ok(match page.sort {
            "created_at" => keyset!(query, page, program_revisions, subject_id as Id).load(conn)?,
            _ => keyset!(query, page, program_revisions, slug as String).load(conn)?,
        })
    }

    /// The programmes with these slugs, by slug.
    pub fn named<'a>(
        conn: &mut AnyConnection,
        slugs: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, Program>, Problem> {
        use program_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::slug.eq_any(slugs.into_iter().collect::<HashSet<_>>()))
            .filter(t::seq_to.is_null())
            .select(t::body)
            .load(conn)?;
        let programs = bodies.iter().map(|body| versioned::parse::<Program>(body));
        programs.map(|program| program.map(|program| (program.slug.clone(), program))).collect()
    }

    /// Begins a programme and its ledger.
    pub fn begin(tx: &mut Tx<'_>, new: NewProgram) -> Result<Recorded<Program>, Problem> {
        let program = Program {
            meta: Meta::new(tx.now),
            slug: new.slug,
            source_language: new.source_language,
            content: new.content,
            state: ProgramState::Active,
        };
        tx.source_language = program.source_language.clone();
        tx.begin_ledger(program.meta.id, &program.slug)?;
        check(tx, &program.content)?;
        tx.create(program, None).map_err(|problem| {
            problem.taken("programs_slug_key", || {
                FieldError::new("/slug", "taken", "slug ini sudah dipakai", "this slug is taken")
            })
        })
    }

    pub fn edit(tx: &mut Tx<'_>, seen: Seen, patch: Patch<ProgramContent>) -> Result<Recorded<Program>, Problem> {
        let mut program: Program = tx.current(tx.reach.ledger, seen)?;
        program.content = patch.apply(&Tx::json(&program.content)?, &tx.schemas)?;
        check(tx, &program.content)?;
        tx.change(program, None)
    }

    /// Archives it, or makes it active again.
    pub fn step(tx: &mut Tx<'_>, seen: Seen, step: ProgramTransition) -> Result<Recorded<Program>, Problem> {
        let mut program: Program = tx.current(tx.reach.ledger, seen)?;
        if program.state == step.to {
            return Err(Problem::WrongState { action: "program.archive", state: program.state.name().into() });
        }
        program.state = step.to;
        tx.change(program, Some(&step.reason))
    }
}

fn check(tx: &mut Tx<'_>, content: &ProgramContent) -> Result<(), Problem> {
    if content.time_zone.parse::<chrono_tz::Tz>().is_err() {
        return Err(Problem::Invalid(vec![FieldError::new(
            "/time_zone",
            "unknown",
            "bukan zona waktu IANA",
            "is no IANA time zone",
        )]));
    }
    for (number, network) in content.network_memberships.iter().enumerate() {
        check_days(&format!("/network_memberships/{number}/until_on"), network.from_on, network.until_on)?;
    }
    check_sources(tx, &content.sources)
}
