//! What stands in the way of a statement's adoption. Adopting asks the same function inside its transaction.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::{
    basis::{find, href},
    model::{BasisEntry, BasisKind, Statement},
};
use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    frameworks::Edition,
    gate::Obstacle,
    problem::{Problem, Text},
    schema::{focus_area_revisions, mapping_revisions, position_revisions},
    stakeholders::Stakeholder,
    versioned::Resource,
};

/// Everything that must be settled before the statement can be adopted.
pub fn obstacles(conn: &mut AnyConnection, reach: &Reach, statement: &Statement) -> Result<Vec<Obstacle>, Problem> {
    let mut found = basis(conn, reach, statement)?;
    found.extend(focus_areas(conn, reach, statement)?);
    found.extend(positions(conn, reach, statement)?);
    found.extend(translations(reach, statement));
    Ok(found)
}

fn place(reach: &Reach, statement: &Statement) -> String {
    format!("/api/v1/programs/{}/statements/{}", reach.slug, statement.meta.id)
}

fn basis(conn: &mut AnyConnection, reach: &Reach, statement: &Statement) -> Result<Vec<Obstacle>, Problem> {
    let entries: Vec<BasisEntry> = statement.entries().map(|(_, _, entry)| entry).collect();
    let found = find(conn, reach, &entries)?;
    let mut obstacles = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in &entries {
        if !seen.insert((entry.kind, entry.id, entry.revision)) {
            continue;
        }
        let since = found.since(entry)?;
        let mut stand = |(code, detail): (&'static str, Text)| {
            let (href, subject_kind) = (href(reach, entry), entry.kind.name());
            obstacles.push(Obstacle { code, detail, href, subject_kind, subject_id: entry.id });
        };
        if !since.settled {
            stand(unsettled(entry.kind, since.state));
        }
        if since.moved_on {
            let (was, is) = (entry.revision, since.revision);
            let id = format!("isi dasar ini berubah pada revisi {is}; pernyataan bertumpu pada revisi {was}");
            let en = format!("this says something else at revision {is}; the statement rests on revision {was}");
            stand(("basis_moved_on", Text::new(id, en)));
        }
    }
    Ok(obstacles)
}

fn unsettled(kind: BasisKind, state: &str) -> (&'static str, Text) {
    let text = |id: &str, en: &str| Text::new(format!("{id} (sekarang {state})"), format!("{en} (now {state})"));
    match kind {
        BasisKind::Question => {
            ("question_not_validated", text("pertanyaan ini belum tervalidasi", "this question is not validated"))
        }
        BasisKind::Mapping if state == "proposed" => {
            ("mapping_proposed", text("pemetaan ini masih diusulkan", "this mapping is still proposed"))
        }
        BasisKind::Mapping => {
            ("mapping_not_validated", text("pemetaan ini tidak berlaku", "this mapping does not hold"))
        }
        BasisKind::Criterion => {
            ("criterion_not_validated", text("kriteria ini belum tervalidasi", "this criterion is not validated"))
        }
        BasisKind::Ballot => {
            ("ballot_undecided", text("pemungutan suara ini belum diputuskan", "this ballot is not decided"))
        }
    }
}

/// Active focus areas that have no section, or no validated mapping to the statement's framework.
fn focus_areas(conn: &mut AnyConnection, reach: &Reach, statement: &Statement) -> Result<Vec<Obstacle>, Problem> {
    use focus_area_revisions as a;
    let areas: Vec<(Id, String)> = a::table
        .filter(a::ledger_id.eq(reach.ledger))
        .filter(a::state.eq("active"))
        .filter(a::seq_to.is_null())
        .order(a::number)
        .select((a::subject_id, a::code))
        .load(conn)?;
    let mapped: Option<BTreeSet<Id>> = match &statement.content.framework {
        None => None,
        Some(code) => {
            let edition = Edition::by_code(conn, code)?.ok_or_else(|| Problem::internal("a framework is missing"))?;
            use mapping_revisions as m;
            let ids: Vec<Option<Id>> = m::table
                .filter(m::ledger_id.eq(reach.ledger))
                .filter(m::framework_id.eq(edition.id))
                .filter(m::state.eq("validated"))
                .filter(m::seq_to.is_null())
                .filter(m::focus_area_id.is_not_null())
                .select(m::focus_area_id)
                .load(conn)?;
            Some(ids.into_iter().flatten().collect())
        }
    };
    let mut obstacles = Vec::new();
    for (id, code) in areas {
        let mut stand = |what: &'static str, detail: Text| {
            let href = format!("/api/v1/programs/{}/focus-areas/{id}", reach.slug);
            obstacles.push(Obstacle { code: what, detail, href, subject_kind: "focus_area", subject_id: id });
        };
        if !statement.content.sections.iter().any(|section| section.focus_area_id == id) {
            let told = Text::new(format!("{code} belum punya bagian"), format!("{code} has no section"));
            stand("section_missing", told);
        }
        if mapped.as_ref().is_some_and(|mapped| !mapped.contains(&id)) {
            let told = Text::new(
                format!("{code} belum punya pemetaan yang tervalidasi"),
                format!("{code} has no validated mapping"),
            );
            stand("mapping_missing", told);
        }
    }
    Ok(obstacles)
}

/// Objections without an answer, and endorsements of what the statement said before; those of organisations that are there
/// no more cannot be renewed and stand in nobody's way.
fn positions(conn: &mut AnyConnection, reach: &Reach, statement: &Statement) -> Result<Vec<Obstacle>, Problem> {
    use position_revisions as p;
    let rows: Vec<(Id, Id, String, String, i32)> = p::table
        .filter(p::statement_id.eq(statement.meta.id))
        .filter(p::seq_to.is_null())
        .order(p::subject_id)
        .select((p::subject_id, p::stakeholder_id, p::state, p::kind, p::on_revision))
        .load(conn)?;
    let organisations: Vec<Id> = rows.iter().map(|(_, stakeholder, ..)| *stakeholder).collect();
    let gone = Stakeholder::gone(conn, &organisations)?;
    let mut obstacles = Vec::new();
    for (id, stakeholder, state, kind, on_revision) in rows {
        let (code, detail) = if state == "open" {
            ("objection_open", Text::new("keberatan ini belum dijawab", "this objection is not answered"))
        } else if on_revision < statement.content_revision
            && kind.starts_with("endorse")
            && !gone.contains(&stakeholder)
        {
            let told = ("dukungan ini atas isi yang terdahulu", "this endorsement is of what it said before");
            ("position_stale", Text::new(told.0, told.1))
        } else {
            continue;
        };
        let href = format!("{}/positions/{stakeholder}", place(reach, statement));
        obstacles.push(Obstacle { code, detail, href, subject_kind: "position", subject_id: id });
    }
    Ok(obstacles)
}

/// Texts that are missing or behind in a language in which the statement must be complete.
fn translations(reach: &Reach, statement: &Statement) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    for language in &statement.content.languages {
        for (pointer, text) in statement.texts() {
            let behind = statement
                .meta
                .translations
                .iter()
                .any(|one| one.pointer == pointer && one.language == *language && one.stale);
            let (code, detail) = if !text.0.contains_key(language) {
                let told = format!("{pointer} belum ada dalam bahasa {language}");
                ("translation_missing", Text::new(told, format!("{pointer} is not there in {language}")))
            } else if behind {
                let told = format!("{pointer} dalam bahasa {language} tertinggal dari sumbernya");
                ("translation_behind", Text::new(told, format!("{pointer} in {language} is behind its source")))
            } else {
                continue;
            };
            let href = place(reach, statement);
            obstacles.push(Obstacle { code, detail, href, subject_kind: "statement", subject_id: statement.meta.id });
        }
    }
    obstacles
}
