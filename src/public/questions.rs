use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Shown, shown};
use crate::{
    db::{AnyConnection, Id},
    localized::Localized,
    page::Page,
    problem::Problem,
    programs::Program,
    public_rows,
    questions::Question,
    schema::{focus_area_revisions, question_revisions},
    versioned::{self, Resource, Stored},
};

/// A validated analysis question, as everybody may see it: the wording that was validated, whatever is being
/// discussed since.
#[derive(Serialize, ToSchema)]
pub struct PublicQuestion {
    pub id: Id,
    /// Its code when it was validated.
    #[schema(example = "Q-3.2")]
    pub code: String,
    /// The code of its focus area.
    #[schema(example = "FU-3")]
    pub focus_area: String,
    pub text: Localized,
    /// Codes of the focus area's emphases that it takes up.
    pub emphases: Vec<String>,
    /// The revision that was validated.
    #[schema(minimum = 1)]
    pub revision: i32,
}

impl PublicQuestion {
    /// Those that have a validated wording and have not ended. A page may be shorter than it was asked to be, since
    /// questions that never were validated are passed over.
    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicQuestion>, Problem> {
        let going_on = ["proposed", "in_review", "validated"];
        let rows = public_rows!(conn, program, page, question_revisions, position as i64, going_on);
        let key = |stored: &Stored| Question::sort_key("code", stored);
        shown(rows, page, key, |rows| {
            let open = rows.iter().map(|row| versioned::parse(&row.body)).collect::<Result<Vec<Question>, _>>()?;
            let validated = validated(conn, &open)?;
            let areas: Vec<Id> = validated.iter().map(|question| question.focus_area_id).collect();
            let areas = codes(conn, program, &areas)?;
            Ok(validated.into_iter().map(|question| PublicQuestion::of(question, &areas)).collect())
        })
    }

    fn of(question: Question, areas: &HashMap<Id, String>) -> PublicQuestion {
        PublicQuestion {
            id: question.meta.id,
            code: question.code,
            focus_area: areas.get(&question.focus_area_id).cloned().unwrap_or_default(),
            text: question.text,
            emphases: question.emphases,
            revision: question.meta.revision,
        }
    }
}

/// The validated revision of each question that has one, in the same order.
fn validated(conn: &mut AnyConnection, open: &[Question]) -> Result<Vec<Question>, Problem> {
    let wanted: HashMap<Id, i32> = open.iter().filter_map(|one| Some((one.meta.id, one.validated_revision?))).collect();
    let older: Vec<Id> = open
        .iter()
        .filter(|one| wanted.get(&one.meta.id).is_some_and(|at| *at != one.meta.revision))
        .map(|one| one.meta.id)
        .collect();
    let mut found: HashMap<Id, Question> = HashMap::new();
    if !older.is_empty() {
        let rows: Vec<(Id, i32, String)> = question_revisions::table
            .filter(question_revisions::subject_id.eq_any(older))
            .filter(question_revisions::state.eq("validated"))
            .select((question_revisions::subject_id, question_revisions::revision, question_revisions::body))
            .load(conn)?;
        for (id, revision, body) in rows {
            if wanted.get(&id) == Some(&revision) {
                found.insert(id, versioned::parse(&body)?);
            }
        }
    }
    let ordered = open.iter().filter_map(|one| match wanted.get(&one.meta.id) {
        Some(at) if *at == one.meta.revision => Some(one.clone()),
        Some(_) => found.remove(&one.meta.id),
        None => None,
    });
    Ok(ordered.collect())
}

/// The codes of focus areas.
fn codes(conn: &mut AnyConnection, program: &Program, ids: &[Id]) -> Result<HashMap<Id, String>, Problem> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Id, String)> = focus_area_revisions::table
        .filter(focus_area_revisions::ledger_id.eq(program.meta.id))
        .filter(focus_area_revisions::seq_to.is_null())
        .filter(focus_area_revisions::subject_id.eq_any(ids.to_vec()))
        .select((focus_area_revisions::subject_id, focus_area_revisions::code))
        .load(conn)?;
    Ok(rows.into_iter().collect())
}
