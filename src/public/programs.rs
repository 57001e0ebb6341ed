use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::model::{Shown, programs, shown};
use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    facts::{Code, DatedName},
    focus_areas::FocusArea,
    localized::Localized,
    page::Page,
    phases::Phase,
    problem::Problem,
    programs::Program,
    public_rows,
    schema::stakeholder_revisions,
    stakeholders::Stakeholder,
    versioned::{self, Resource},
};

/// A network of cities that the programme belongs or belonged to.
#[derive(Serialize, ToSchema)]
pub struct PublicNetwork {
    pub network: String,
    pub from_on: Option<NaiveDate>,
    /// The last day.
    pub until_on: Option<NaiveDate>,
}

/// A programme, as everybody may see it.
#[derive(Serialize, ToSchema)]
pub struct PublicProgram {
    #[schema(example = "jakarta-berketahanan")]
    pub slug: String,
    pub name: Localized,
    pub summary: Option<Localized>,
    #[schema(example = "id")]
    pub source_language: String,
    #[schema(example = "Asia/Jakarta")]
    pub time_zone: String,
    pub area_codes: Vec<Code>,
    pub network_memberships: Vec<PublicNetwork>,
    #[schema(example = "active")]
    pub state: String,
}

impl PublicProgram {
    pub fn of(program: Program) -> PublicProgram {
        let state = program.state().to_owned();
        let networks = program.content.network_memberships.into_iter();
        PublicProgram {
            slug: program.slug,
            name: program.content.name,
            summary: program.content.summary,
            source_language: program.source_language,
            time_zone: program.content.time_zone,
            area_codes: program.content.area_codes,
            network_memberships: networks
                .map(|one| PublicNetwork { network: one.network, from_on: one.from_on, until_on: one.until_on })
                .collect(),
            state,
        }
    }

    pub fn list(conn: &mut AnyConnection, page: &Page) -> Result<Shown<PublicProgram>, Problem> {
        let key = |stored: &versioned::Stored| Ok(json!(versioned::parse::<Program>(&stored.body)?.slug));
        shown(programs(conn, page)?, page, key, |rows| {
            rows.iter().map(|row| Ok(PublicProgram::of(versioned::parse(&row.body)?))).collect()
        })
    }
}

/// What a phase yields.
#[derive(Serialize, ToSchema)]
pub struct PublicDeliverable {
    pub name: Localized,
    #[schema(example = "issued")]
    pub state: String,
    pub issued_on: Option<NaiveDate>,
}

/// A stretch of a programme, as everybody may see it.
#[derive(Serialize, ToSchema)]
pub struct PublicPhase {
    pub id: Id,
    pub number: i32,
    pub name: Localized,
    pub aim: Option<Localized>,
    pub planned_from_on: Option<NaiveDate>,
    pub planned_until_on: Option<NaiveDate>,
    pub actual_from_on: Option<NaiveDate>,
    pub actual_until_on: Option<NaiveDate>,
    pub deliverables: Vec<PublicDeliverable>,
    #[schema(example = "active")]
    pub state: String,
}

impl PublicPhase {
    fn of(phase: Phase) -> PublicPhase {
        let (state, content) = (phase.state().to_owned(), phase.content);
        let deliverables = content.deliverables.into_iter().map(|one| PublicDeliverable {
            name: one.name,
            state: json!(one.state).as_str().unwrap_or_default().to_owned(),
            issued_on: one.issued_on,
        });
        PublicPhase {
            id: phase.meta.id,
            number: content.number,
            name: content.name,
            aim: content.aim,
            planned_from_on: content.planned_from_on,
            planned_until_on: content.planned_until_on,
            actual_from_on: content.actual_from_on,
            actual_until_on: content.actual_until_on,
            deliverables: deliverables.collect(),
            state,
        }
    }

    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicPhase>, Problem> {
        let rows =
            public_rows!(conn, program, page, phase_revisions, number as i32, ["planned", "active", "completed"]);
        let key = |stored: &versioned::Stored| Phase::sort_key("number", stored);
        shown(rows, page, key, |rows| {
            rows.iter().map(|row| Ok(PublicPhase::of(versioned::parse(&row.body)?))).collect()
        })
    }
}

/// What the questions of a focus area should stress.
#[derive(Serialize, ToSchema)]
pub struct PublicEmphasis {
    #[schema(example = "1.a")]
    pub code: String,
    pub text: Localized,
}

/// A name, and the days on which it held.
#[derive(Serialize, ToSchema)]
pub struct PublicName {
    pub name: Localized,
    pub from_on: Option<NaiveDate>,
    /// The last day.
    pub until_on: Option<NaiveDate>,
}

impl PublicName {
    pub fn all(names: Vec<DatedName>) -> Vec<PublicName> {
        let names = names.into_iter();
        names.map(|one| PublicName { name: one.name, from_on: one.from_on, until_on: one.until_on }).collect()
    }
}

/// A main problem field of a programme, as everybody may see it.
#[derive(Serialize, ToSchema)]
pub struct PublicFocusArea {
    pub id: Id,
    #[schema(example = "FU-1")]
    pub code: String,
    pub number: i32,
    /// Its names through time; the first is the one in use.
    pub names: Vec<PublicName>,
    pub aliases: Vec<Localized>,
    /// The problem behind it.
    pub problem: Option<Localized>,
    pub emphases: Vec<PublicEmphasis>,
    /// The organisation that leads it.
    pub lead: Option<PublicOrganisation>,
}

impl PublicFocusArea {
    /// The active ones.
    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicFocusArea>, Problem> {
        let rows = public_rows!(conn, program, page, focus_area_revisions, number as i32, ["active"]);
        let key = |stored: &versioned::Stored| FocusArea::sort_key("number", stored);
        shown(rows, page, key, |rows| {
            let areas = rows.iter().map(|row| versioned::parse(&row.body)).collect::<Result<Vec<FocusArea>, _>>()?;
            let leads: Vec<Id> = areas.iter().filter_map(|area| area.content.lead_stakeholder_id).collect();
            let leads = PublicOrganisation::named(conn, &leads)?;
            Ok(areas.into_iter().map(|area| PublicFocusArea::of(area, &leads)).collect())
        })
    }

    fn of(area: FocusArea, leads: &HashMap<Id, PublicOrganisation>) -> PublicFocusArea {
        let content = area.content;
        let emphases = content.emphases.into_iter();
        PublicFocusArea {
            id: area.meta.id,
            code: area.code,
            number: area.number,
            names: PublicName::all(content.names),
            aliases: content.aliases,
            problem: content.problem,
            emphases: emphases.map(|one| PublicEmphasis { code: one.code, text: one.text }).collect(),
            lead: content.lead_stakeholder_id.and_then(|id| leads.get(&id).cloned()),
        }
    }
}

/// An organisation by its name.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PublicOrganisation {
    pub id: Id,
    pub name: Localized,
    pub abbreviation: Option<String>,
    /// What kind of organisation it is.
    #[schema(example = "provincial_government")]
    pub kind: String,
}

impl PublicOrganisation {
    pub fn of(one: &Stakeholder) -> PublicOrganisation {
        PublicOrganisation {
            id: one.meta.id,
            name: one.content.names.first().map(|dated| dated.name.clone()).unwrap_or_default(),
            abbreviation: one.content.abbreviation.clone(),
            kind: json!(one.content.kind).as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The organisations with these ids, as they are named now.
    pub fn named(conn: &mut AnyConnection, ids: &[Id]) -> Result<HashMap<Id, PublicOrganisation>, Problem> {
        PublicOrganisation::named_at(conn, ids, None)
    }

    /// The organisations with these ids, as they were named after a row of the platform's ledger.
    pub fn named_at(
        conn: &mut AnyConnection,
        ids: &[Id],
        at: Option<i64>,
    ) -> Result<HashMap<Id, PublicOrganisation>, Problem> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = crate::listed!(stakeholder_revisions, Ledger::PLATFORM, at, &[]);
        let rows: Vec<crate::versioned::Stored> =
            rows.filter(stakeholder_revisions::subject_id.eq_any(ids.to_vec())).load(conn)?;
        rows.iter().map(|row| Ok((row.id, PublicOrganisation::of(&versioned::parse(&row.body)?)))).collect()
    }
}
