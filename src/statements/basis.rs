//! What a statement rests on, as real references to exact revisions: kept with each revision that changes the content,
//! and read back with what became of each since.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{BasisEntry, BasisKind, Statement, StatementState};
use crate::{
    access::{Reach, Tx},
    db::{AnyConnection, Id},
    inputs::{self, EffectItem},
    localized::Localized,
    problem::{FieldError, Problem},
    schema::{
        ballot_revisions, criterion_revisions, mapping_revisions, question_revisions, statement_basis,
        statement_revisions,
    },
    versioned,
};

/// One revision of something that a statement rests on.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    pub state: String,
    pub body: Value,
}

impl Revision {
    /// Whether it says the same as another revision of the same thing. A step of its life cycle, a source or a note
    /// of who validated it are not what it says: a statement that rests on a wording stays right when that very
    /// wording is validated.
    fn says_what(&self, kind: BasisKind, other: &Revision) -> bool {
        substance(kind).iter().all(|member| self.body[*member] == other.body[*member])
    }
}

/// The members that a statement relies on.
fn substance(kind: BasisKind) -> &'static [&'static str] {
    match kind {
        BasisKind::Question => &["focus_area_id", "text", "emphases"],
        BasisKind::Mapping => &["subject", "framework", "node", "strength", "rationale"],
        BasisKind::Criterion => &["text", "framework", "qualities", "nodes"],
        BasisKind::Ballot => &["question_id", "question_revision", "title", "method", "rule", "result"],
    }
}

/// Revisions of things, by kind, id and number; the open one of each has its number in `open`.
#[derive(Default)]
pub(super) struct Found {
    pub revisions: BTreeMap<(BasisKind, Id, i32), Revision>,
    pub open: BTreeMap<(BasisKind, Id), i32>,
}

impl Found {
    pub fn at(&self, entry: &BasisEntry) -> Option<&Revision> {
        self.revisions.get(&(entry.kind, entry.id, entry.revision))
    }

    pub fn now(&self, entry: &BasisEntry) -> Option<(i32, &Revision)> {
        let open = *self.open.get(&(entry.kind, entry.id))?;
        Some((open, self.revisions.get(&(entry.kind, entry.id, open))?))
    }

    /// What became of an entry: where it stands now, and whether it says something else than it did.
    pub fn since(&self, entry: &BasisEntry) -> Result<Since<'_>, Problem> {
        let missing = || Problem::internal("a statement rests on something that is not there");
        let then = self.at(entry).ok_or_else(missing)?;
        let (revision, now) = self.now(entry).ok_or_else(missing)?;
        let moved_on = revision != entry.revision && !now.says_what(entry.kind, then);
        Ok(Since { then, revision, state: &now.state, moved_on, settled: now.state == carrying(entry.kind) })
    }
}

/// What became of something that a statement rests on.
pub(super) struct Since<'f> {
    pub then: &'f Revision,
    /// The revision that stands now.
    pub revision: i32,
    /// Where it stands now.
    pub state: &'f str,
    /// It says something else now than what the statement rests on.
    pub moved_on: bool,
    /// It stands where something must stand to carry a statement.
    pub settled: bool,
}

type Row = (Id, Id, i32, Option<i64>, String, String);

/// The named revisions and the open ones of the same things, with two queries for each kind. Whose ledger they are on is
/// looked at afterwards: with it in the query, SQLite reads all that the programme has.
macro_rules! revisions_of {
    ($conn:expr, $ledger:expr, $table:ident, $ids:expr, $revisions:expr) => {{
        use $table::dsl as t;
        let columns = (t::ledger_id, t::subject_id, t::revision, t::seq_to, t::state, t::body);
        let ids: &BTreeSet<Id> = $ids;
        let open = t::$table.filter(t::subject_id.eq_any(ids)).filter(t::seq_to.is_null()).select(columns);
        let named = t::$table.filter(t::subject_id.eq_any(ids)).filter(t::revision.eq_any($revisions)).select(columns);
        let mut rows: Vec<Row> = open.load($conn)?;
        rows.extend(named.load::<Row>($conn)?);
        rows.retain(|(of, ..)| *of == $ledger);
        rows
    }};
}

/// Looks up what entries name.
pub(super) fn find(conn: &mut AnyConnection, reach: &Reach, entries: &[BasisEntry]) -> Result<Found, Problem> {
    let mut found = Found::default();
    for kind in [BasisKind::Question, BasisKind::Mapping, BasisKind::Criterion, BasisKind::Ballot] {
        let named: Vec<&BasisEntry> = entries.iter().filter(|entry| entry.kind == kind).collect();
        if named.is_empty() {
            continue;
        }
        let ids: BTreeSet<Id> = named.iter().map(|entry| entry.id).collect();
        let revisions: BTreeSet<i32> = named.iter().map(|entry| entry.revision).collect();
        let rows = match kind {
            BasisKind::Question => revisions_of!(conn, reach.ledger, question_revisions, &ids, &revisions),
            BasisKind::Mapping => revisions_of!(conn, reach.ledger, mapping_revisions, &ids, &revisions),
            BasisKind::Criterion => revisions_of!(conn, reach.ledger, criterion_revisions, &ids, &revisions),
            BasisKind::Ballot => revisions_of!(conn, reach.ledger, ballot_revisions, &ids, &revisions),
        };
        for (_, id, revision, seq_to, state, body) in rows {
            if seq_to.is_none() {
                found.open.insert((kind, id), revision);
            }
            let body = versioned::parse(&body)?;
            found.revisions.insert((kind, id, revision), Revision { state, body });
        }
    }
    Ok(found)
}

/// The entries that this programme does not have at that very revision, or that are drafts.
pub(super) fn foreign(
    conn: &mut AnyConnection,
    reach: &Reach,
    entries: impl Iterator<Item = (String, Option<Id>, BasisEntry)>,
) -> Result<Vec<FieldError>, Problem> {
    let entries: Vec<(String, BasisEntry)> = entries.map(|(pointer, _, entry)| (pointer, entry)).collect();
    let named: Vec<BasisEntry> = entries.iter().map(|(_, entry)| *entry).collect();
    let found = find(conn, reach, &named)?;
    let mut foreign = Vec::new();
    for (pointer, entry) in entries {
        match found.at(&entry) {
            None => foreign.push(FieldError::new(
                pointer,
                "not_found",
                "program ini tidak punya revisi itu",
                "this programme does not have that revision",
            )),
            Some(revision) if revision.state == "draft" => foreign.push(FieldError::new(
                pointer,
                "draft",
                "pernyataan tidak bertumpu pada konsep",
                "a statement does not rest on a draft",
            )),
            Some(_) => {}
        }
    }
    Ok(foreign)
}

/// Keeps what the statement's content rests on.
pub(super) fn keep(tx: &mut Tx<'_>, statement: &Statement) -> Result<(), Problem> {
    use statement_basis as t;
    for (number, (_, focus_area, entry)) in statement.entries().enumerate() {
        let of = |kind: BasisKind| (entry.kind == kind).then_some(entry);
        let (question, mapping) = (of(BasisKind::Question), of(BasisKind::Mapping));
        let (criterion, ballot) = (of(BasisKind::Criterion), of(BasisKind::Ballot));
        diesel::insert_into(t::table)
            .values((
                t::statement_id.eq(statement.meta.id),
                t::statement_revision.eq(statement.content_revision),
                t::number.eq(number as i32),
                t::ledger_id.eq(tx.reach.ledger),
                t::focus_area_id.eq(focus_area),
                t::kind.eq(entry.kind.name()),
                t::question_id.eq(question.map(|one| one.id)),
                t::question_revision.eq(question.map(|one| one.revision)),
                t::mapping_id.eq(mapping.map(|one| one.id)),
                t::mapping_revision.eq(mapping.map(|one| one.revision)),
                t::criterion_id.eq(criterion.map(|one| one.id)),
                t::criterion_revision.eq(criterion.map(|one| one.revision)),
                t::ballot_id.eq(ballot.map(|one| one.id)),
                t::ballot_revision.eq(ballot.map(|one| one.revision)),
            ))
            .execute(tx.conn)?;
    }
    Ok(())
}

/// One thing that a statement rests on, then and now.
#[derive(Debug, Serialize, ToSchema)]
pub struct BasisItem {
    /// The section; null for the overall account.
    pub focus_area_id: Option<Id>,
    pub kind: BasisKind,
    pub id: Id,
    /// Its code, if it has one.
    #[schema(example = "Q-1.2")]
    pub code: Option<String>,
    /// The revision that the statement rests on.
    pub revision: i32,
    /// What it said at that revision.
    pub text: Option<Localized>,
    /// Where it stood at that revision.
    pub state: String,
    pub current_revision: i32,
    pub current_state: String,
    /// It says something else now: the statement rests on what it said before. A step of its life cycle alone moves
    /// nothing on.
    pub moved_on: bool,
    /// It is validated now (a ballot: decided), and says what it said at the revision that the statement rests on.
    pub validated: bool,
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// What a statement rests on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Basis {
    pub items: Vec<BasisItem>,
    /// How many of them say something else now.
    pub moved_on_count: i64,
}

/// Where something stands in the API.
pub(super) fn href(reach: &Reach, entry: &BasisEntry) -> String {
    format!("/api/v1/programs/{}/{}/{}", reach.slug, entry.kind.collection(), entry.id)
}

/// The state in which something carries a statement.
pub(super) fn carrying(kind: BasisKind) -> &'static str {
    if kind == BasisKind::Ballot { "decided" } else { "validated" }
}

/// What something says of itself: its code and its words.
pub(super) fn told(kind: BasisKind, revision: &Revision) -> Result<(Option<String>, Option<Localized>), Problem> {
    let body = &revision.body;
    let code = match kind {
        BasisKind::Mapping => body["node"].as_str(),
        _ => body["code"].as_str(),
    };
    let words = match kind {
        BasisKind::Question | BasisKind::Criterion => &body["text"],
        BasisKind::Mapping => &body["rationale"],
        BasisKind::Ballot => &body["title"],
    };
    let text = Some(words).filter(|words| words.is_object()).cloned();
    Ok((code.map(str::to_owned), text.map(serde_json::from_value).transpose().map_err(Problem::internal)?))
}

/// Reads what a statement rests on.
pub fn read(conn: &mut AnyConnection, reach: &Reach, statement: &Statement) -> Result<Basis, Problem> {
    let entries: Vec<(Option<Id>, BasisEntry)> = statement.entries().map(|(_, area, entry)| (area, entry)).collect();
    let named: Vec<BasisEntry> = entries.iter().map(|(_, entry)| *entry).collect();
    let found = find(conn, reach, &named)?;
    let mut items = Vec::with_capacity(entries.len());
    for (focus_area_id, entry) in entries {
        let since = found.since(&entry)?;
        let (code, text) = told(entry.kind, since.then)?;
        items.push(BasisItem {
            focus_area_id,
            kind: entry.kind,
            id: entry.id,
            code,
            revision: entry.revision,
            text,
            state: since.then.state.clone(),
            current_revision: since.revision,
            current_state: since.state.to_owned(),
            moved_on: since.moved_on,
            validated: since.settled && !since.moved_on,
            href: href(reach, &entry),
        });
    }
    let moved_on_count = items.iter().filter(|item| item.moved_on).count() as i64;
    Ok(Basis { items, moved_on_count })
}

/// A statement that rests on a question.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImpactItem {
    pub statement_id: Id,
    #[schema(example = "S-1")]
    pub code: String,
    pub edition: i32,
    pub state: StatementState,
    /// The section; null for the overall account.
    pub focus_area_id: Option<Id>,
    /// The revision of the question that it rests on.
    pub on_revision: i32,
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// Which statements rest on which revision of a question, and which inputs it came of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Impact {
    pub items: Vec<ImpactItem>,
    /// The inputs that a revision of it came of, as far as this caller sees them.
    pub inputs: Vec<EffectItem>,
}

/// Which statements rest on a question, and which inputs it came of: those that this caller sees.
pub fn impact(conn: &mut AnyConnection, reach: &Reach, question: Id) -> Result<Impact, Problem> {
    use statement_basis as b;
    let rows: Vec<(Id, i32, Option<Id>, Option<i32>)> = b::table
        .filter(b::question_id.eq(question))
        .filter(b::ledger_id.eq(reach.ledger))
        .order((b::statement_id, b::statement_revision, b::number))
        .select((b::statement_id, b::statement_revision, b::focus_area_id, b::question_revision))
        .load(conn)?;
    let inputs = inputs::of_question(conn, reach, question)?;
    if rows.is_empty() {
        return Ok(Impact { items: Vec::new(), inputs });
    }
    let bodies: Vec<String> = statement_revisions::table
        .filter(statement_revisions::subject_id.eq_any(rows.iter().map(|(id, ..)| *id).collect::<BTreeSet<Id>>()))
        .filter(statement_revisions::seq_to.is_null())
        .select(statement_revisions::body)
        .load(conn)?;
    let mut statements = BTreeMap::new();
    for body in &bodies {
        let statement: Statement = versioned::parse(body)?;
        let hidden = <Statement as crate::versioned::Resource>::hidden_from(reach);
        if !hidden.contains(&statement.state.name()) {
            statements.insert(statement.meta.id, statement);
        }
    }
    let items = rows.into_iter().filter_map(|(id, content_revision, focus_area_id, on_revision)| {
        let statement = statements.get(&id).filter(|statement| statement.content_revision == content_revision)?;
        Some(ImpactItem {
            statement_id: id,
            code: statement.code.clone(),
            edition: statement.edition,
            state: statement.state,
            focus_area_id,
            on_revision: on_revision?,
            href: format!("/api/v1/programs/{}/statements/{id}", reach.slug),
        })
    });
    Ok(Impact { items: items.collect(), inputs })
}
