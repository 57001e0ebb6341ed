use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    event_types::EventType,
    kinds::{Feed, Kind, Text},
};
use crate::{
    access::Reach,
    db::{AnyConnection, At, Backend, Id},
    ledger,
    problem::{FieldError, Problem},
    schema::ledger_rows as rows,
};

/// Where a follower stands: the last row that it knows of, and what it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub sequence: i64,
    /// None for the beginning, before any row.
    made_for: Option<(String, String)>,
}

/// How much of a row's hash a cursor bears: enough to know it from another in its place.
const MARK: usize = 12;

impl Cursor {
    /// `0`, or `<sequence>.<view>.<mark>`.
    pub fn read(text: &str) -> Result<Cursor, Problem> {
        if text == "0" {
            return Ok(Cursor { sequence: 0, made_for: None });
        }
        let (sequence, rest) = text.split_once('.').ok_or(Problem::BadCursor)?;
        // Of one without a mark, nobody knows which row it means.
        let (view, mark) = rest.split_once('.').unwrap_or((rest, "none"));
        if view.is_empty() || !sequence.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::BadCursor);
        }
        let sequence = sequence.parse().map_err(|_| Problem::BadCursor)?;
        Ok(Cursor { sequence, made_for: Some((view.to_owned(), mark.to_owned())) })
    }

    /// The one that stands at a row, for this view.
    pub fn at(conn: &mut AnyConnection, ledger: Id, sequence: i64, view: &str) -> Result<Cursor, Problem> {
        let hash = ledger::hash_at(conn, ledger, sequence)?.ok_or(Problem::BadCursor)?;
        Ok(Cursor { sequence, made_for: Some((view.to_owned(), mark(&hash).to_owned())) })
    }

    pub fn text(&self) -> String {
        match &self.made_for {
            None => "0".into(),
            Some((view, mark)) => format!("{}.{view}.{mark}", self.sequence),
        }
    }

    /// Whether it was made for this view.
    pub fn fits(&self, view: &str) -> bool {
        self.made_for.as_ref().is_none_or(|(own, _)| own == view)
    }

    /// Whether the row that it stands at is still the one that it was made at. It is not when the database was restored
    /// to a time before that.
    pub fn holds(&self, conn: &mut AnyConnection, ledger: Id) -> QueryResult<bool> {
        let Some((_, own)) = &self.made_for else { return Ok(true) };
        Ok(ledger::hash_at(conn, ledger, self.sequence)?.is_some_and(|hash| mark(&hash) == own))
    }
}

fn mark(hash: &str) -> &str {
    hash.get(..MARK).unwrap_or("0")
}

/// What a follower makes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOp {
    /// Keep this content in the place of what there was.
    Upsert,
    /// Forget it: it is there no more, or is shown to you no more.
    Gone,
}

/// One change, as the follower may see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// The row of the ledger that tells of it. Rows that say nothing to you are left out.
    pub sequence: i64,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub at: DateTime<Utc>,
    /// What was done: an action's name, one of `GET /api/v1/event-types`.
    #[serde(rename = "type")]
    #[schema(example = "question.revise")]
    pub kind: String,
    #[schema(example = "question")]
    pub subject_kind: String,
    pub subject_id: Id,
    /// The subject's revision after the change.
    pub revision: i32,
    pub op: ChangeOp,
    /// The path of the subject.
    #[schema(format = "uri-reference")]
    pub href: String,
    /// The organisation that it was done for; null for the service itself and with `gone`.
    pub stakeholder_id: Option<Id>,
    /// Why, in the words of whoever did it; null with `gone`.
    pub reason: Option<String>,
    /// What the subject says at this revision, without what depends on who asks; null with `gone`.
    #[schema(value_type = Option<Object>)]
    pub content: Option<Box<RawValue>>,
}

/// Which changes are wanted: of these kinds, or by these actions; all where neither is named.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    kinds: Vec<String>,
    actions: Vec<String>,
    all: bool,
}

impl Wanted {
    /// Reads the names of kinds and actions.
    pub fn read(types: Option<Vec<String>>) -> Result<Wanted, Problem> {
        let Some(types) = types else { return Ok(Wanted { all: true, ..Wanted::default() }) };
        let (actions, kinds): (Vec<_>, Vec<_>) = types.into_iter().partition(|name| name.contains('.'));
        let known = kinds.iter().all(|kind| Kind::feed_of(kind).is_some())
            && actions.iter().all(|name| EventType::named(name).is_some());
        if !known {
            return Err(Problem::InvalidQuery(vec![FieldError::new(
                "?types",
                "one_of",
                "harus nama jenis hal atau jenis peristiwa dari GET /api/v1/event-types",
                "must be names of kinds of things, or types of events of GET /api/v1/event-types",
            )]));
        }
        Ok(Wanted { kinds, actions, all: false })
    }

    /// What was done by these actions, or by any.
    pub fn by(actions: Option<Vec<String>>) -> Wanted {
        Wanted { kinds: Vec::new(), all: actions.is_none(), actions: actions.unwrap_or_default() }
    }
}

/// A page of changes, before it is told.
pub struct Changes {
    pub items: Vec<Change>,
    /// The last row that was looked at.
    pub at: i64,
    /// The ledger's last row.
    pub head: i64,
}

/// How many rows one request looks at, at most: whoever wants few kinds of a long ledger comes again.
const SPAN: i64 = 10_000;

#[derive(Queryable)]
struct Row {
    sequence: i64,
    at: At,
    action: String,
    kind: String,
    subject: Id,
    revision: i32,
    stakeholder_id: Option<Id>,
    reason: Option<String>,
    body: Option<String>,
}

/// What changed after a row: at most `limit` changes.
pub fn changes(
    conn: &mut AnyConnection,
    reach: &Reach,
    feed: Feed,
    wanted: &Wanted,
    after: i64,
    limit: i64,
) -> Result<Changes, Problem> {
    let head = ledger::head(conn, reach.ledger)?;
    if after > head {
        return Err(Problem::BadCursor);
    }
    let kinds: BTreeMap<&str, &Kind> = feed.kinds(reach).map(|kind| (kind.name, kind)).collect();
    let stop = head.min(after.saturating_add(SPAN));
    let (mut items, mut at) = (Vec::new(), after);
    while at < stop && (items.len() as i64) < limit {
        let found = load(conn, reach.ledger, kinds.keys().copied(), wanted, (at, stop), limit)?;
        at = match found.last() {
            Some(last) if found.len() as i64 == limit => last.sequence,
            _ => stop,
        };
        items.extend(told(conn, reach, &kinds, found)?);
    }
    if items.len() as i64 > limit {
        items.truncate(limit as usize);
        at = items.last().map_or(at, |last| last.sequence);
    }
    Ok(Changes { items, at, head })
}

fn load<'k>(
    conn: &mut AnyConnection,
    ledger: Id,
    kinds: impl Iterator<Item = &'k str>,
    wanted: &Wanted,
    (after, stop): (i64, i64),
    limit: i64,
) -> QueryResult<Vec<Row>> {
    let mut query = rows::table
        .filter(rows::ledger_id.eq(ledger))
        .filter(rows::sequence.gt(after))
        .filter(rows::sequence.le(stop))
        .filter(rows::subject_kind.eq_any(kinds.collect::<Vec<_>>()))
        .order(rows::sequence)
        .limit(limit)
        .select((
            rows::sequence,
            rows::at,
            rows::action,
            rows::subject_kind,
            rows::subject_id,
            rows::revision,
            rows::stakeholder_id,
            rows::reason,
            rows::body,
        ))
        .into_boxed::<Backend>();
    if !wanted.all {
        let (kinds, actions) = (wanted.kinds.clone(), wanted.actions.clone());
        query = query.filter(rows::subject_kind.eq_any(kinds).or(rows::action.eq_any(actions)));
    }
    query.load(conn)
}

/// What the rows say to the caller.
fn told(
    conn: &mut AnyConnection,
    reach: &Reach,
    kinds: &BTreeMap<&str, &Kind>,
    found: Vec<Row>,
) -> Result<Vec<Change>, Problem> {
    let mut told = Vec::with_capacity(found.len());
    let mut withdrawn = Vec::new();
    for mut row in found {
        let Some(kind) = kinds.get(row.kind.as_str()) else { continue };
        // Of a text that was erased by law, the revision is left.
        let body = match row.body.take() {
            None => kind.left_of(conn, reach.ledger, row.subject, row.revision)?,
            body => body,
        };
        let text = body.map(|body| text(row.subject, row.revision, row.sequence, body));
        let place = text.as_ref().map_or(Ok(None), |text| kind.place(reach, text))?;
        match (place, text) {
            (Some(href), Some(text)) => told.push(upsert(row, href, text.body)?),
            _ if row.revision > 1 => withdrawn.push((*kind, row)),
            _ => {}
        }
    }
    told.extend(gone(conn, reach, withdrawn)?);
    told.sort_by_key(|change| change.sequence);
    Ok(told)
}

fn text(subject: Id, revision: i32, sequence: i64, body: String) -> Text {
    Text { subject, revision, sequence, body }
}

fn upsert(row: Row, href: String, body: String) -> Result<Change, Problem> {
    let content = RawValue::from_string(body).map_err(Problem::internal)?;
    let change = change(row, ChangeOp::Upsert, href);
    Ok(Change { content: Some(content), ..change })
}

fn change(row: Row, op: ChangeOp, href: String) -> Change {
    let Row { sequence, at: At(at), action: kind, kind: subject_kind, subject: subject_id, revision, .. } = row;
    let (stakeholder_id, reason) = (row.stakeholder_id, row.reason);
    Change { sequence, at, kind, subject_kind, subject_id, revision, op, href, stakeholder_id, reason, content: None }
}

/// Of what the caller is not shown, what it was shown until then. No more is said of it than that it is gone.
fn gone(conn: &mut AnyConnection, reach: &Reach, withdrawn: Vec<(&Kind, Row)>) -> Result<Vec<Change>, Problem> {
    if withdrawn.is_empty() {
        return Ok(Vec::new());
    }
    let subjects: BTreeSet<Id> = withdrawn.iter().map(|(_, row)| row.subject).collect();
    let revisions: BTreeSet<i32> = withdrawn.iter().map(|(_, row)| row.revision - 1).collect();
    let before: Vec<(Id, i32, i64, Option<String>)> = rows::table
        .filter(rows::subject_id.eq_any(subjects))
        .filter(rows::revision.eq_any(revisions))
        .filter(rows::ledger_id.eq(reach.ledger))
        .select((rows::subject_id, rows::revision, rows::sequence, rows::body))
        .load(conn)?;
    let mut before: BTreeMap<(Id, i32), Text> = before
        .into_iter()
        .filter_map(|(id, revision, sequence, body)| Some(((id, revision), text(id, revision, sequence, body?))))
        .collect();
    let mut found = Vec::new();
    for (kind, row) in withdrawn {
        let Some(shown) = before.remove(&(row.subject, row.revision - 1)) else { continue };
        if let Some(href) = kind.place(reach, &shown)? {
            let change = change(row, ChangeOp::Gone, href);
            found.push(Change { stakeholder_id: None, reason: None, ..change });
        }
    }
    Ok(found)
}
