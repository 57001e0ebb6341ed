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
    policy::{Action, Role, Roles},
    problem::Problem,
    schema::document_revisions,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    Article,
    Dataset,
    Letter,
    Minutes,
    Regulation,
    Report,
    Slides,
    Strategy,
    Other,
}

impl DocumentKind {
    pub const fn name(self) -> &'static str {
        match self {
            DocumentKind::Article => "article",
            DocumentKind::Dataset => "dataset",
            DocumentKind::Letter => "letter",
            DocumentKind::Minutes => "minutes",
            DocumentKind::Regulation => "regulation",
            DocumentKind::Report => "report",
            DocumentKind::Slides => "slides",
            DocumentKind::Strategy => "strategy",
            DocumentKind::Other => "other",
        }
    }
}

/// Who sees a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    Public,
    /// Every member of the programme.
    Members,
    /// The lead and the secretariat.
    Secretariat,
}

impl Visibility {
    pub const fn name(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Members => "members",
            Visibility::Secretariat => "secretariat",
        }
    }
}

/// What can be edited of a document, and what a new one is made of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewDocument {
    pub title: Localized,
    pub kind: DocumentKind,
    #[serde(default)]
    #[schema(max_length = 2000, format = "uri")]
    pub url: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    #[serde(default)]
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Option<String>,
    /// Language tag of the document itself.
    #[serde(default)]
    #[schema(max_length = 6, pattern = "^[a-z]{2,3}(-[A-Z]{2})?$")]
    pub language: Option<String>,
    #[serde(default)]
    #[schema(max_length = 60)]
    pub version: Option<String>,
    #[serde(default)]
    pub issued_on: Option<NaiveDate>,
    #[serde(default)]
    #[schema(max_length = 300)]
    pub publisher: Option<String>,
    pub visibility: Visibility,
    #[serde(default)]
    #[schema(max_items = 50)]
    pub sources: Vec<Source>,
}

/// A document's metadata.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Document {
    #[serde(flatten)]
    pub meta: Meta,
    #[serde(flatten)]
    pub content: NewDocument,
}

/// Which documents to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentFilter {
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<DocumentKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<DocumentKind>>,
    /// Visibilities, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<Visibility>>, min_items = 1, max_items = 100)]
    pub visibility: Option<AnyOf<Visibility>>,
    /// Issued on this day or later.
    #[serde(rename = "issued_on.gte")]
    #[param(rename = "issued_on.gte")]
    pub issued_on_gte: Option<NaiveDate>,
    /// Issued before this day.
    #[serde(rename = "issued_on.lt")]
    #[param(rename = "issued_on.lt")]
    pub issued_on_lt: Option<NaiveDate>,
}

impl Filter for DocumentFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
}

versioned!(
    Document as this,
    documents,
    document_revisions { kind: this.content.kind.name(), issued_on: this.content.issued_on }
);

impl Resource for Document {
    const KIND: &'static str = "document";
    const PATH: &'static str = "programs/{program}/documents/{id}";

    /// What its rules look at is who sees it.
    fn state(&self) -> &str {
        self.content.visibility.name()
    }

    fn texts(&self) -> Vec<(String, &Localized)> {
        vec![("/title".into(), &self.content.title)]
    }

    fn possible(action: Action, _state: &str) -> bool {
        action != Action::AddDocument
    }

    fn hidden_from(reach: &Reach) -> &'static [&'static str] {
        const INNER: Roles = Roles::of(&[Role::Lead, Role::Secretariat]);
        if reach.roles.meets(INNER) { &[] } else { &["secretariat"] }
    }

    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(if sort == "updated_at" { json!(stored.seq_from) } else { json!(stored.id) })
    }
}

impl Document {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &DocumentFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(document_revisions, reach.ledger, at, Document::hidden_from(reach));
        if let Some(kinds) = &filter.kind {
            let names: Vec<&str> = kinds.0.iter().map(|kind| kind.name()).collect();
            query = query.filter(document_revisions::kind.eq_any(names));
        }
        if let Some(visibilities) = &filter.visibility {
            let names: Vec<&str> = visibilities.0.iter().map(|one| one.name()).collect();
            query = query.filter(document_revisions::state.eq_any(names));
        }
        if let Some(from) = filter.issued_on_gte {
            query = query.filter(document_revisions::issued_on.ge(from));
        }
        if let Some(until) = filter.issued_on_lt {
            query = query.filter(document_revisions::issued_on.lt(until));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, document_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, document_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    pub fn add(tx: &mut Tx<'_>, new: NewDocument) -> Result<Recorded<Document>, Problem> {
        check_sources(tx, &new.sources)?;
        tx.create(Document { meta: Meta::new(tx.now), content: new }, None)
    }

    pub fn edit(tx: &mut Tx<'_>, id: Id, seen: Seen, patch: Patch<NewDocument>) -> Result<Recorded<Document>, Problem> {
        let mut document: Document = tx.current(id, seen)?;
        document.content = patch.apply(&Tx::json(&document.content)?, &tx.schemas)?;
        check_sources(tx, &document.content.sources)?;
        tx.change(document, None)
    }
}
