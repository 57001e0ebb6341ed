//! The publication of a statement: its exact text, digest and signature, made once.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    basis::{find, told},
    model::{BasisEntry, Publication, Statement, StatementState},
};
use crate::{
    access::{Recorded, Seen, Tx},
    db::{At, Id, types::instant_text},
    focus_areas::FocusArea,
    localized::Localized,
    problem::Problem,
    programs::Program,
    reason::Reason,
    schema::publications,
    token::KeyRing,
};

/// What the signature of a published statement is for, so that it cannot be taken for another record's.
const TYPE: &str = "tangguh-statement+jws";

/// Publishes an adopted statement. What it supersedes is superseded from then on.
pub fn publish(
    tx: &mut Tx<'_>,
    keys: &Arc<KeyRing>,
    id: Id,
    seen: Seen,
    why: Reason,
) -> Result<Recorded<Statement>, Problem> {
    let mut statement = super::model::before_adoption(tx, id, seen)?;
    let url = place(tx, &statement.code, statement.edition);
    let body = text(tx, &statement, &url)?;
    let digest = BASE64_STANDARD.encode(Sha256::digest(body.as_bytes()));
    let jws = keys.sign_detached(TYPE, body.as_bytes()).map_err(Problem::internal)?;
    diesel::insert_into(publications::table)
        .values((
            publications::statement_id.eq(statement.meta.id),
            publications::ledger_id.eq(tx.reach.ledger),
            publications::code.eq(&statement.code),
            publications::edition.eq(statement.edition),
            publications::at.eq(At(tx.now)),
            publications::body.eq(&body),
            publications::digest.eq(&digest),
            publications::jws.eq(jws),
        ))
        .execute(tx.conn)?;
    if let Some(before) = statement.supersedes_id {
        let mut before: Statement = tx.look(before)?;
        before.state = StatementState::Superseded;
        before.superseded_by_id = Some(statement.meta.id);
        let _on_the_ledger = tx.change(before, Some(&why.reason))?;
    }
    statement.published = Some(Publication { at: tx.now, digest, url });
    statement.state = StatementState::Published;
    tx.change(statement, Some(&why.reason))
}

/// Where an edition is for good.
fn place(tx: &Tx<'_>, code: &str, edition: i32) -> String {
    format!("/api/v1/public/programs/{}/statements/{code}/editions/{edition}", tx.reach.slug)
}

/// The exact text that is published: everything that a reader needs, and nothing that could change.
fn text(tx: &mut Tx<'_>, statement: &Statement, url: &str) -> Result<String, Problem> {
    let program: Program = tx.look(tx.reach.ledger)?;
    let entries: Vec<BasisEntry> = statement.entries().map(|(_, _, entry)| entry).collect();
    let reach = tx.reach.clone();
    let found = find(tx.conn, &reach, &entries)?;
    let basis = |entries: &[BasisEntry]| -> Result<Vec<Value>, Problem> {
        let one = |entry: &BasisEntry| {
            let revision = found.at(entry).ok_or_else(|| Problem::internal("a basis is missing"))?;
            let (code, text) = told(entry.kind, revision)?;
            let (kind, id) = (entry.kind, entry.id);
            Ok(json!({"kind": kind, "id": id, "code": code, "revision": entry.revision, "text": text}))
        };
        entries.iter().map(one).collect()
    };
    let mut sections = Vec::new();
    for section in &statement.content.sections {
        let area: FocusArea = tx.look(section.focus_area_id)?;
        let name = area.content.names.first().map(|dated| &dated.name);
        sections.push(json!({
            "focus_area": {"id": area.meta.id, "code": area.code, "name": name},
            "text": section.text,
            "basis": basis(&section.basis)?,
        }));
    }
    let earlier: Vec<i32> = publications::table
        .filter(publications::ledger_id.eq(reach.ledger))
        .filter(publications::code.eq(&statement.code))
        .order(publications::edition)
        .select(publications::edition)
        .load(tx.conn)?;
    let earlier: Vec<Value> = earlier
        .iter()
        .map(|edition| json!({"edition": edition, "url": place(tx, &statement.code, *edition)}))
        .collect();
    let overall = &statement.content.overall;
    let adopted = statement.adopted.as_ref().map(|adopted| {
        let overridden: Vec<&str> = adopted.overridden.iter().map(|one| one.code.as_str()).collect();
        json!({"at": instant_text(&adopted.at), "on_revision": adopted.on_revision,
            "override_reason": adopted.override_reason, "overridden": overridden})
    });
    let told = json!({
        "program": {"slug": program.slug, "name": program.content.name},
        "code": statement.code,
        "edition": statement.edition,
        "title": statement.content.title,
        "overall": {"text": overall.text, "basis": basis(&overall.basis)?},
        "sections": sections,
        "framework": statement.content.framework,
        "adopted": adopted,
        "published_at": instant_text(&tx.now),
        "url": url,
        "citation": citation(&program, statement, url, tx),
        "earlier_editions": earlier,
    });
    serde_json::to_string(&told).map_err(Problem::internal)
}

/// How the edition is cited, in Indonesian and in English: by the title in that language, or in the source language.
fn citation(program: &Program, statement: &Statement, url: &str, tx: &Tx<'_>) -> Value {
    let day = tx.today();
    let (edition, code) = (statement.edition, &statement.code);
    let cited = [("id", "edisi"), ("en", "edition")].map(|(language, word)| {
        let said = |text: &Localized| {
            let words = text.0.get(language).or_else(|| text.0.get(&tx.source_language));
            words.cloned().unwrap_or_default()
        };
        let (of, title) = (said(&program.content.name), said(&statement.content.title));
        (language.to_owned(), json!(format!("{of}. {title}. {code}, {word} {edition}, {day}. {url}")))
    });
    Value::Object(cited.into_iter().collect())
}
