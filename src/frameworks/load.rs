use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;

use super::model::{Edition, EditionContent, Framework, Name, Node, Quality};
use crate::{
    access::{Reach, System, Tx},
    db::{AnyConnection, Id},
    problem::Problem,
    schema::{framework_nodes, framework_qualities},
    valid::Schemas,
    versioned::Meta,
};

/// What was confirmed of the editions in public material, and where.
const EDITIONS: &str = include_str!("editions.json");

#[derive(Deserialize)]
struct File {
    editions: Vec<FileEdition>,
}

#[derive(Deserialize)]
struct FileEdition {
    #[serde(flatten)]
    content: EditionContent,
    nodes: Vec<FileNode>,
    qualities: Vec<FileQuality>,
}

#[derive(Deserialize)]
struct FileNode {
    code: String,
    level: String,
    parent: Option<String>,
    sort: i32,
    names: BTreeMap<String, Name>,
    gap: bool,
    note: Option<String>,
}

#[derive(Deserialize)]
struct FileQuality {
    code: String,
    sort: i32,
    names: BTreeMap<String, Name>,
    meaning: Option<String>,
    note: Option<String>,
}

/// Puts each edition that is not there yet on the platform's ledger, and answers their codes.
///
/// Looking and putting happen under the lock of that ledger's head: of two instances that start at once, the
/// second finds what the first has put there.
pub fn load(conn: &mut AnyConnection, now: DateTime<Utc>, schemas: &Arc<Schemas>) -> Result<Vec<String>, Problem> {
    let file: File = serde_json::from_str(EDITIONS).map_err(Problem::internal)?;
    // Nearly always they are all there, and then no instance has to wait for the head.
    let known = codes(conn)?;
    if file.editions.iter().all(|edition| known.contains(&edition.content.code)) {
        return Ok(Vec::new());
    }
    let system = System { act: "framework.load", request_id: "framework-load".into(), now, schemas: schemas.clone() };
    system.write(conn, Reach::platform(), |tx| {
        let known = codes(tx.conn)?;
        let mut made = Vec::new();
        for (edition, sort) in file.editions.into_iter().zip(1..) {
            if !known.contains(&edition.content.code) {
                made.push(edition.content.code.clone());
                put(tx, edition, sort)?;
            }
        }
        Ok(tx.unchanged(made))
    })
}

fn codes(conn: &mut AnyConnection) -> Result<Vec<String>, Problem> {
    Ok(Edition::list(conn)?.into_iter().map(|edition| edition.content.code).collect())
}

fn put(tx: &mut Tx<'_>, edition: FileEdition, sort: i32) -> Result<(), Problem> {
    let made = tx.create(Framework { meta: Meta::new(tx.now), content: edition.content, sort }, None)?;
    let framework = made.value().meta.id;
    let mut ids = HashMap::new();
    for node in edition.nodes {
        // Parents stand before what is below them.
        let parent = match &node.parent {
            None => None,
            Some(code) => Some(*ids.get(code).ok_or_else(|| Problem::internal("a node stands before its parent"))?),
        };
        let id = put_node(tx.conn, framework, parent, &node)?;
        ids.insert(node.code, id);
    }
    edition.qualities.into_iter().try_for_each(|quality| put_quality(tx.conn, framework, quality))
}

fn put_node(conn: &mut AnyConnection, framework: Id, parent: Option<Id>, from: &FileNode) -> Result<Id, Problem> {
    use framework_nodes as t;
    let node = Node {
        id: Id::new(),
        code: from.code.clone(),
        level: from.level.clone(),
        parent: from.parent.clone(),
        sort: from.sort,
        names: from.names.clone(),
        gap: from.gap,
        note: from.note.clone(),
    };
    diesel::insert_into(t::table)
        .values((
            t::id.eq(node.id),
            t::framework_id.eq(framework),
            t::code.eq(&node.code),
            t::level.eq(&node.level),
            t::parent_id.eq(parent),
            t::sort.eq(node.sort),
            t::body.eq(serde_json::to_string(&node).map_err(Problem::internal)?),
        ))
        .execute(conn)?;
    Ok(node.id)
}

fn put_quality(conn: &mut AnyConnection, framework: Id, from: FileQuality) -> Result<(), Problem> {
    use framework_qualities as t;
    let FileQuality { code, sort, names, meaning, note } = from;
    let quality = Quality { id: Id::new(), code, sort, names, meaning, note };
    diesel::insert_into(t::table)
        .values((
            t::id.eq(quality.id),
            t::framework_id.eq(framework),
            t::code.eq(&quality.code),
            t::sort.eq(quality.sort),
            t::body.eq(serde_json::to_string(&quality).map_err(Problem::internal)?),
        ))
        .execute(conn)?;
    Ok(())
}
