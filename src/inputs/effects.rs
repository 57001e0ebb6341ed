//! What came of inputs, as real references to exact revisions; and back, from a question to the inputs that changed it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::Input;
use crate::{
    access::{Reach, Tx},
    db::{AnyConnection, Id},
    problem::{FieldError, Problem},
    schema::{criterion_revisions, input_effects, mapping_revisions, question_revisions, statement_revisions},
    versioned::{self, Versioned, hidden},
};

/// What can come of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    Question,
    Mapping,
    Statement,
    Criterion,
}

impl EffectKind {
    const fn name(self) -> &'static str {
        match self {
            EffectKind::Question => "question",
            EffectKind::Mapping => "mapping",
            EffectKind::Statement => "statement",
            EffectKind::Criterion => "criterion",
        }
    }

    const fn collection(self) -> &'static str {
        match self {
            EffectKind::Question => "questions",
            EffectKind::Mapping => "mappings",
            EffectKind::Statement => "statements",
            EffectKind::Criterion => "criteria",
        }
    }
}

/// The exact revision that came of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputEffect {
    pub kind: EffectKind,
    pub id: Id,
    #[schema(minimum = 1, maximum = 2147483647)]
    pub revision: i32,
}

/// What came of an input, then and now.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputEffectItem {
    pub kind: EffectKind,
    pub id: Id,
    /// Its code; of a mapping, the node's.
    #[schema(example = "Q-1.2")]
    pub code: Option<String>,
    /// The revision that came of the input.
    pub revision: i32,
    /// The revision that stands now.
    pub current_revision: i32,
    #[schema(format = "uri-reference")]
    pub href: String,
}

/// An input that something came of.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectItem {
    pub id: Id,
    #[schema(example = "I-1")]
    pub code: String,
    /// The revision of the question that came of it.
    pub revision: i32,
}

/// What is looked at of a revision.
struct Row {
    id: Id,
    revision: i32,
    is_open: bool,
    state: String,
    body: String,
}

/// The named revisions and the open ones of the same things. Whose ledger they are on is looked at afterwards: with it
/// in the query, SQLite reads all that the programme has.
macro_rules! rows_of {
    ($conn:expr, $ledger:expr, $table:ident, $ids:expr, $revisions:expr) => {{
        use $table::dsl as t;
        let named = t::seq_to.is_null().or(t::revision.eq_any($revisions));
        let found: Vec<(Id, Id, i32, Option<i64>, String, String)> = t::$table
            .filter(t::subject_id.eq_any($ids))
            .filter(named)
            .select((t::ledger_id, t::subject_id, t::revision, t::seq_to, t::state, t::body))
            .load($conn)?;
        let of_ledger = found.into_iter().filter(|(of, ..)| *of == $ledger);
        of_ledger
            .map(|(_, id, revision, seq_to, state, body)| Row { id, revision, is_open: seq_to.is_none(), state, body })
            .collect::<Vec<Row>>()
    }};
}

type Found = BTreeMap<EffectKind, Vec<Row>>;

fn find(conn: &mut AnyConnection, ledger: Id, effects: &[InputEffect]) -> Result<Found, Problem> {
    let mut found = Found::new();
    for kind in [EffectKind::Question, EffectKind::Mapping, EffectKind::Statement, EffectKind::Criterion] {
        let named = || effects.iter().filter(|effect| effect.kind == kind);
        let ids: BTreeSet<Id> = named().map(|effect| effect.id).collect();
        let revisions: BTreeSet<i32> = named().map(|effect| effect.revision).collect();
        if ids.is_empty() {
            continue;
        }
        let rows = match kind {
            EffectKind::Question => rows_of!(conn, ledger, question_revisions, ids, revisions),
            EffectKind::Mapping => rows_of!(conn, ledger, mapping_revisions, ids, revisions),
            EffectKind::Statement => rows_of!(conn, ledger, statement_revisions, ids, revisions),
            EffectKind::Criterion => rows_of!(conn, ledger, criterion_revisions, ids, revisions),
        };
        found.insert(kind, rows);
    }
    Ok(found)
}

/// Refuses revisions that this programme does not have, and drafts, which senders are not shown.
pub fn check(tx: &mut Tx<'_>, pointer: &str, effects: &[InputEffect]) -> Result<(), Problem> {
    let found = find(tx.conn, tx.reach.ledger, effects)?;
    let wrong = effects.iter().enumerate().filter_map(|(number, effect)| {
        let mut rows = found.get(&effect.kind).into_iter().flatten();
        let row = rows.find(|row| row.id == effect.id && row.revision == effect.revision);
        let (code, id, en) = match row {
            None => ("not_found", "program ini tidak punya revisi itu", "this programme does not have that revision"),
            Some(row) if row.state == "draft" => ("draft", "ini masih konsep", "this is still a draft"),
            Some(_) => return None,
        };
        Some(FieldError::new(format!("{pointer}/{number}"), code, id, en))
    });
    let wrong: Vec<FieldError> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Problem::ForeignBasis(wrong)) }
}

/// Keeps what came of these inputs.
pub fn keep(tx: &mut Tx<'_>, inputs: &[Id], effects: &[InputEffect]) -> Result<(), Problem> {
    use input_effects as t;
    let mut rows = Vec::with_capacity(inputs.len() * effects.len());
    for input in inputs {
        for (number, effect) in (0..).zip(effects) {
            let of = |kind: EffectKind| (effect.kind == kind).then_some(effect);
            let (question, mapping) = (of(EffectKind::Question), of(EffectKind::Mapping));
            let (statement, criterion) = (of(EffectKind::Statement), of(EffectKind::Criterion));
            let number: i32 = number;
            rows.push((
                t::input_id.eq(*input),
                t::number.eq(number),
                t::ledger_id.eq(tx.reach.ledger),
                t::kind.eq(effect.kind.name()),
                t::question_id.eq(question.map(|one| one.id)),
                t::question_revision.eq(question.map(|one| one.revision)),
                t::mapping_id.eq(mapping.map(|one| one.id)),
                t::mapping_revision.eq(mapping.map(|one| one.revision)),
                t::statement_id.eq(statement.map(|one| one.id)),
                t::statement_revision.eq(statement.map(|one| one.revision)),
                t::criterion_id.eq(criterion.map(|one| one.id)),
                t::criterion_revision.eq(criterion.map(|one| one.revision)),
            ));
        }
    }
    let kept: QueryResult<()> = crate::insert_many!(&mut *tx.conn, t::table, rows);
    Ok(kept?)
}

/// What came of an input, with what stands now.
pub fn read(conn: &mut AnyConnection, reach: &Reach, effects: &[InputEffect]) -> Result<Vec<InputEffectItem>, Problem> {
    let found = find(conn, reach.ledger, effects)?;
    let items = effects.iter().map(|effect| {
        let rows = found.get(&effect.kind).into_iter().flatten().filter(|row| row.id == effect.id);
        let open = rows.into_iter().find(|row| row.is_open);
        let open = open.ok_or_else(|| Problem::internal("what came of an input is not there"))?;
        let body: Value = versioned::parse(&open.body)?;
        let code = &body[if effect.kind == EffectKind::Mapping { "node" } else { "code" }];
        Ok(InputEffectItem {
            kind: effect.kind,
            id: effect.id,
            code: code.as_str().map(str::to_owned),
            revision: effect.revision,
            current_revision: open.revision,
            href: format!("/api/v1/programs/{}/{}/{}", reach.slug, effect.kind.collection(), effect.id),
        })
    });
    items.collect()
}

/// The inputs that changed a question, with the revision that came of each: those that this caller sees.
pub fn of_question(conn: &mut AnyConnection, reach: &Reach, question: Id) -> Result<Vec<EffectItem>, Problem> {
    use input_effects as t;
    let rows: Vec<(Id, Option<i32>)> = t::table
        .filter(t::question_id.eq(question))
        .filter(t::ledger_id.eq(reach.ledger))
        .order((t::input_id, t::number))
        .select((t::input_id, t::question_revision))
        .load(conn)?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Id> = rows.iter().map(|(id, _)| *id).collect::<BTreeSet<Id>>().into_iter().collect();
    let mut codes = BTreeMap::new();
    for stored in Input::open_all(conn, reach.ledger, &ids)? {
        if !hidden::<Input>(reach, &stored) {
            let input: Input = versioned::parse(&stored.body)?;
            codes.insert(input.meta().id, input.code);
        }
    }
    let items = rows
        .into_iter()
        .filter_map(|(id, revision)| Some(EffectItem { id, code: codes.get(&id)?.clone(), revision: revision? }));
    Ok(items.collect())
}
