use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Ledger,
    db::{AnyConnection, Id},
    listed,
    problem::Problem,
    schema::{framework_nodes, framework_qualities, framework_revisions},
    versioned,
    versioned::{Meta, Resource, Stored},
};

/// What is known of an edition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EditionContent {
    #[schema(example = "CRI")]
    pub code: String,
    pub name: String,
    /// The kinds of its nodes, from the root of the tree to its leaves.
    #[schema(example = json!(["dimension", "goal", "indicator"]))]
    pub levels: Vec<String>,
    /// What is not known of it, or known only from one side.
    pub note: Option<String>,
    pub sources: Vec<EditionSource>,
}

/// What an edition's names and numbers were found in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EditionSource {
    /// What the edition's names refer to it by.
    #[schema(example = "100rc_crf")]
    pub key: String,
    pub title: String,
    /// Where it is, as far as that is known: not always a link.
    pub url: String,
    pub note: String,
}

/// A name in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Name {
    pub text: String,
    /// The key of the source whose wording it is; null for a translation of ours.
    pub source: Option<String>,
    /// Our translation: no publisher of the framework says it so.
    pub ours: bool,
}

/// An edition, as the ledger has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Framework {
    #[serde(flatten)]
    pub meta: Meta,
    #[serde(flatten)]
    pub content: EditionContent,
    pub sort: i32,
}

versioned!(Framework as this, frameworks, framework_revisions { code: &this.content.code, sort: this.sort });

impl Resource for Framework {
    const KIND: &'static str = "framework";
    const PATH: &'static str = "frameworks/{id}";
    const PLATFORM: bool = true;

    fn state(&self) -> &str {
        "current"
    }

    fn path_id(&self) -> String {
        self.content.code.clone()
    }
}

/// An edition of a framework.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Edition {
    /// Made by this installation: another one has other ids for the same codes.
    pub id: Id,
    #[serde(flatten)]
    pub content: EditionContent,
    /// When this installation took it over.
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub loaded_at: DateTime<Utc>,
}

/// A node of an edition's tree.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Node {
    pub id: Id,
    #[schema(example = "CRI-10.1")]
    pub code: String,
    #[schema(example = "indicator")]
    pub level: String,
    /// The code of the node that it is below; null at the root.
    #[schema(example = "CRI-10")]
    pub parent: Option<String>,
    /// Its place when the tree is read from top to bottom. Sort by it, not by the code: as text, 10.1 comes before 2.1.
    #[schema(minimum = 1)]
    pub sort: i32,
    /// By language; empty for a gap.
    pub names: BTreeMap<String, Name>,
    /// That it exists is known, but not what it is called.
    pub gap: bool,
    /// What is uncertain about it.
    pub note: Option<String>,
}

/// A quality that resilient systems have, by an edition.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    pub id: Id,
    #[schema(example = "Q-ROBUST")]
    pub code: String,
    #[schema(minimum = 1)]
    pub sort: i32,
    /// By language.
    pub names: BTreeMap<String, Name>,
    /// What it means, in English and in words of ours.
    pub meaning: Option<String>,
    /// What is uncertain about it.
    pub note: Option<String>,
}

/// Which nodes to list.
#[derive(Clone, Debug, Default)]
pub struct NodesWanted {
    pub level: Option<String>,
    pub parent: Option<String>,
}

impl Edition {
    fn of(stored: &Stored) -> Result<Edition, Problem> {
        let framework: Framework = versioned::parse(&stored.body)?;
        Ok(Edition { id: framework.meta.id, content: framework.content, loaded_at: framework.meta.created_at })
    }

    /// All editions, in the order in which they were made.
    pub fn list(conn: &mut AnyConnection) -> Result<Vec<Edition>, Problem> {
        use framework_revisions as t;
        let query = listed!(framework_revisions, Ledger::PLATFORM, None::<i64>, &[]);
        let rows: Vec<Stored> = query.order((t::sort, t::subject_id)).load(conn)?;
        rows.iter().map(Edition::of).collect()
    }

    pub fn by_code(conn: &mut AnyConnection, code: &str) -> Result<Option<Edition>, Problem> {
        use framework_revisions as t;
        let query = listed!(framework_revisions, Ledger::PLATFORM, None::<i64>, &[]);
        let row: Option<Stored> = query.filter(t::code.eq(code.to_owned())).first(conn).optional()?;
        row.as_ref().map(Edition::of).transpose()
    }

    /// Its nodes, each before what is below it.
    pub fn nodes(&self, conn: &mut AnyConnection, wanted: &NodesWanted) -> Result<Vec<Node>, Problem> {
        use framework_nodes as t;
        let rows: Vec<String> =
            t::table.filter(t::framework_id.eq(self.id)).order((t::sort, t::id)).select(t::body).load(conn)?;
        let mut nodes = rows.iter().map(|body| versioned::parse::<Node>(body)).collect::<Result<Vec<_>, _>>()?;
        // An edition is short, and always read whole by its key: what was not asked for is left out here.
        nodes.retain(|node| {
            wanted.level.as_ref().is_none_or(|level| node.level == *level)
                && wanted.parent.as_ref().is_none_or(|parent| node.parent.as_ref() == Some(parent))
        });
        Ok(nodes)
    }

    /// Its node with this code.
    pub fn node(&self, conn: &mut AnyConnection, code: &str) -> Result<Option<Node>, Problem> {
        use framework_nodes as t;
        let found = t::table.filter(t::framework_id.eq(self.id)).filter(t::code.eq(code)).select(t::body);
        let body: Option<String> = found.first(conn).optional()?;
        body.map(|body| versioned::parse(&body)).transpose()
    }

    pub fn qualities(&self, conn: &mut AnyConnection) -> Result<Vec<Quality>, Problem> {
        use framework_qualities as t;
        let rows: Vec<String> =
            t::table.filter(t::framework_id.eq(self.id)).order((t::sort, t::id)).select(t::body).load(conn)?;
        rows.iter().map(|body| versioned::parse(body)).collect()
    }
}
