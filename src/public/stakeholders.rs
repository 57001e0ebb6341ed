use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    model::{Shown, shown},
    programs::PublicName,
};
use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    listed,
    page::Page,
    participants::Participant,
    problem::Problem,
    programs::Program,
    public_rows,
    schema::stakeholder_revisions,
    stakeholders::Stakeholder,
    versioned::{self, Stored},
};

/// An organisation that takes part in a programme, as everybody may see it.
#[derive(Serialize, ToSchema)]
pub struct PublicStakeholder {
    pub id: Id,
    /// Its names through time; the first is the one in use.
    pub names: Vec<PublicName>,
    pub abbreviation: Option<String>,
    #[schema(example = "provincial_government")]
    pub kind: String,
    /// What it takes part as.
    #[schema(example = "member")]
    pub capacity: String,
    pub from_on: Option<NaiveDate>,
    /// The last day.
    pub until_on: Option<NaiveDate>,
}

impl PublicStakeholder {
    /// Those that take part now, in the order in which they joined.
    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicStakeholder>, Problem> {
        let rows = public_rows!(conn, program, page, participant_revisions, subject_id as Id, ["active"]);
        let key = |stored: &Stored| Ok(json!(stored.id));
        shown(rows, page, key, |rows| {
            let parts = rows.iter().map(|row| versioned::parse(&row.body)).collect::<Result<Vec<Participant>, _>>()?;
            let ids: Vec<Id> = parts.iter().map(|part| part.stakeholder_id).collect();
            let query = listed!(stakeholder_revisions, Ledger::PLATFORM, None::<i64>, &[]);
            let named: Vec<Stored> = query.filter(stakeholder_revisions::subject_id.eq_any(ids)).load(conn)?;
            let mut items = Vec::with_capacity(parts.len());
            for part in parts {
                if let Some(stored) = named.iter().find(|stored| stored.id == part.stakeholder_id) {
                    items.push(PublicStakeholder::of(part, versioned::parse(&stored.body)?));
                }
            }
            Ok(items)
        })
    }

    fn of(part: Participant, one: Stakeholder) -> PublicStakeholder {
        PublicStakeholder {
            id: part.stakeholder_id,
            names: PublicName::all(one.content.names),
            abbreviation: one.content.abbreviation,
            kind: json!(one.content.kind).as_str().unwrap_or_default().to_owned(),
            capacity: part.content.capacity.name().to_owned(),
            from_on: part.content.from_on,
            until_on: part.content.until_on,
        }
    }
}
