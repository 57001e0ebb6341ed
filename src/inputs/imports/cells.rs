//! A row as an input: what a line of NDJSON or the cells of a CSV row say.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::super::model::NewInput;
use crate::{
    db::{AnyConnection, Id},
    problem::{FieldError, Problem},
    schema::{
        consultation_revisions, event_revisions, focus_area_revisions, phase_revisions, question_codes,
        statement_revisions,
    },
    valid::{Schemas, checked, parse, refuse_controls},
};

/// A row that was read: its reference where it has one, and the input that it stands for.
pub struct Sent {
    pub external_ref: Option<String>,
    pub input: Result<NewInput, Problem>,
}

impl Sent {
    /// A line of NDJSON.
    pub fn line(raw: &str, schemas: &Schemas) -> Sent {
        match parse(raw.as_bytes()) {
            Ok(value) => Sent::of(value, Vec::new(), schemas),
            Err(problem) => Sent { external_ref: None, input: Err(problem) },
        }
    }

    /// The cells of a CSV row.
    pub fn cells(raw: &str, columns: &[String], codes: &mut Codes<'_>, schemas: &Schemas) -> Result<Sent, Problem> {
        let cells: Vec<String> = serde_json::from_str(raw).map_err(Problem::internal)?;
        let mut row = Row { value: Map::new(), errors: Vec::new() };
        for (number, cell) in cells.iter().enumerate() {
            match columns.get(number).map(String::as_str) {
                _ if cell.trim().is_empty() => {}
                Some("") | None => row.surplus(number),
                Some(column) => row.put(column, cell, codes)?,
            }
        }
        let value = Value::Object(row.value);
        match refuse_controls(&value) {
            Ok(()) => Ok(Sent::of(value, row.errors, schemas)),
            Err(problem) => Ok(Sent { external_ref: reference(&value), input: Err(problem) }),
        }
    }

    /// All that is wrong with it at once.
    fn of(value: Value, mut errors: Vec<FieldError>, schemas: &Schemas) -> Sent {
        let external_ref = reference(&value);
        let nameless = value.is_object() && value.get("external_ref").is_none_or(Value::is_null);
        let input = match checked::<NewInput>(value, schemas) {
            Err(Problem::Invalid(more)) => {
                errors.extend(more);
                Err(())
            }
            Err(other) => return Sent { external_ref, input: Err(other) },
            Ok(input) => Ok(input),
        };
        if nameless {
            let (id, en) = ("wajib diisi pada setiap baris berkas", "is required in each row of a file");
            errors.push(FieldError::new("/external_ref", "required", id, en));
        }
        let input = match input {
            Ok(input) if errors.is_empty() => Ok(input),
            _ => Err(Problem::Invalid(errors)),
        };
        Sent { external_ref, input }
    }
}

/// The reference of a row, if it can be one.
fn reference(value: &Value) -> Option<String> {
    let text = value["external_ref"].as_str()?;
    let fits = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

/// The column of a CSV file that a member of an input stands in.
pub fn column(pointer: Option<&str>) -> String {
    let member = pointer.unwrap_or_default().split('/').nth(1).unwrap_or_default();
    match member {
        "consultation_id" => "consultation",
        "evidence_ids" => "evidence",
        other => other,
    }
    .to_owned()
}

/// A CSV row on its way to be an input.
struct Row {
    value: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Row {
    fn put(&mut self, column: &str, cell: &str, codes: &mut Codes<'_>) -> Result<(), Problem> {
        let words = || cell.split_whitespace();
        let (member, value) = match column {
            "text" => (column, json!(cell)),
            "links" => (column, words().collect()),
            "evidence" => ("evidence_ids", words().collect()),
            "consultation" => ("consultation_id", self.find(codes, "consultation", cell.trim(), "/consultation_id")?),
            "subjects" => (column, self.subjects(words(), codes)?),
            _ => (column, json!(cell.trim())),
        };
        self.value.insert(member.to_owned(), value);
        Ok(())
    }

    /// `Q-1.2`, or `question:Q-1.2`, or `question:` and an id; one after the other.
    fn subjects<'w>(&mut self, words: impl Iterator<Item = &'w str>, codes: &mut Codes<'_>) -> Result<Value, Problem> {
        let mut subjects = Vec::new();
        for (number, word) in words.enumerate() {
            let named = word.split_once(':').or_else(|| Some((kind_of(word)?, word)));
            let Some((kind, name)) = named else {
                let (id, en) = ("harus berupa kode, atau jenis:id", "must be a code, or kind:id");
                self.errors.push(FieldError::new(format!("/subjects/{number}"), "format", id, en));
                continue;
            };
            let id = self.find(codes, kind, name, &format!("/subjects/{number}/id"))?;
            subjects.push(json!({"kind": kind, "id": id}));
        }
        Ok(subjects.into())
    }

    /// The id that a name stands for. What there is not is told, and does not keep the rest from being looked at.
    fn find(&mut self, codes: &mut Codes<'_>, kind: &str, name: &str, pointer: &str) -> Result<Value, Problem> {
        if Id::parse(name).is_some() {
            return Ok(json!(name));
        }
        if let Some(id) = codes.find(kind, name)? {
            return Ok(json!(id));
        }
        let (id, en) = ("tidak ada yang berkode ini di sini", "there is nothing of this code here");
        self.errors.push(FieldError::new(pointer, "not_found", id, en));
        Ok(json!(Id::NIL))
    }

    fn surplus(&mut self, number: usize) {
        let number = number + 1;
        let (id, en) = (
            format!("sel ke-{number} tidak berkolom"),
            format!("cell {number} has no column: is a quotation mark missing?"),
        );
        self.errors.push(FieldError::new("", "surplus_cell", id, en));
    }
}

/// The kind of thing that has codes like this.
fn kind_of(code: &str) -> Option<&'static str> {
    Some(match code.split_once('-')?.0 {
        "Q" => "question",
        "FU" => "focus_area",
        "S" => "statement",
        "E" => "event",
        "C" => "consultation",
        _ => return None,
    })
}

/// Ids by code, each looked for once.
pub struct Codes<'c> {
    conn: &'c mut AnyConnection,
    ledger: Id,
    known: HashMap<String, Option<Id>>,
}

/// The newest thing of a code: a later edition of a statement may have the code of the one before.
macro_rules! coded {
    ($conn:expr, $ledger:expr, $code:expr, $table:ident) => {{
        use $table as t;
        t::table
            .filter(t::ledger_id.eq($ledger))
            .filter(t::code.eq($code))
            .filter(t::seq_to.is_null())
            .order(t::subject_id.desc())
            .select(t::subject_id)
            .first($conn)
            .optional()?
    }};
}

impl<'c> Codes<'c> {
    pub fn new(conn: &'c mut AnyConnection, ledger: Id) -> Codes<'c> {
        Codes { conn, ledger, known: HashMap::new() }
    }

    fn find(&mut self, kind: &str, code: &str) -> Result<Option<Id>, Problem> {
        // PostgreSQL compares with no text that holds NUL.
        if code.contains('\0') {
            return Ok(None);
        }
        let key = format!("{kind}:{code}");
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let (conn, ledger) = (&mut *self.conn, self.ledger);
        let found: Option<Id> = match kind {
            "question" => {
                let found = question_codes::table.find((ledger, code)).select(question_codes::question_id);
                found.first(conn).optional()?
            }
            "focus_area" => coded!(conn, ledger, code, focus_area_revisions),
            "statement" => coded!(conn, ledger, code, statement_revisions),
            "event" => coded!(conn, ledger, code, event_revisions),
            "consultation" => coded!(conn, ledger, code, consultation_revisions),
            "phase" => match code.parse::<i32>() {
                Ok(number) => {
                    use phase_revisions as t;
                    let found = t::table
                        .filter(t::ledger_id.eq(ledger))
                        .filter(t::number.eq(number))
                        .filter(t::seq_to.is_null())
                        .select(t::subject_id);
                    found.first(conn).optional()?
                }
                Err(_) => None,
            },
            _ => None,
        };
        self.known.insert(key, found);
        Ok(found)
    }
}
