//! A table of organisations or of people as a spreadsheet writes it. It is taken whole or not at all, and what came of each
//! row is told by the number that the spreadsheet shows for it.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Recorded, Reply, Tx},
    csv::{self, Columns, Csv, Fault, MARK, RawRow},
    db::Id,
    problem::{FieldError, FieldErrorBody, Lang, Problem},
    valid::{controls, must_be_utf8, read_bytes},
};

/// The most rows of a table.
pub const MOST_ROWS: i32 = 2_000;

/// What a table is in the document.
#[derive(ToSchema)]
#[schema(max_length = 1048576)]
#[expect(dead_code, reason = "describes what a body is")]
pub struct SheetFile(String);

/// A table as it was sent.
pub struct Sheet(Vec<u8>);

impl FromRequest for Sheet {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Sheet, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            must_be_utf8(&request)?;
            read_bytes(&request, payload, &[csv::NAME]).await.map(Sheet)
        })
    }
}

impl Sheet {
    /// Its rows, if it is a table of these columns.
    pub fn rows(&self, known: &'static Columns) -> Result<Vec<Row>, Problem> {
        let (columns, found) = read(&self.0, known).map_err(Fault::problem)?;
        found.iter().map(|raw| Row::of(raw, &columns)).collect()
    }
}

fn read(file: &[u8], known: &'static Columns) -> Result<(Vec<String>, Vec<RawRow>), Fault> {
    let (mut reader, mut found) = (Csv::new(known), Vec::new());
    reader.feed(file.strip_prefix(MARK).unwrap_or(file), &mut found)?;
    reader.end(&mut found)?;
    Ok((reader.columns().unwrap_or_default().to_vec(), found))
}

/// A row on its way to be something, and what is wrong with it. Each error names its column.
pub struct Row {
    place: i32,
    cells: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl Row {
    fn of(raw: &RawRow, columns: &[String]) -> Result<Row, Problem> {
        let texts: Vec<String> = serde_json::from_str(&raw.raw).map_err(Problem::internal)?;
        let mut row = Row { place: raw.place, cells: Vec::new(), errors: Vec::new() };
        for (number, text) in texts.into_iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
            let text = text.trim().to_owned();
            match columns.get(number).filter(|name| !name.is_empty()) {
                None => {
                    let number = number + 1;
                    let id = format!("sel ke-{number} tidak berkolom");
                    row.wrong("", "surplus_cell", id, format!("cell {number} has no column"));
                }
                Some(column) if csv::is_formula(&text) => {
                    let (id, en) = ("berawal seperti rumus", "begins like a formula");
                    row.wrong(column, "formula", id, en);
                }
                Some(column) if controls(&text) => {
                    let (id, en) = ("memuat karakter kendali", "has control characters");
                    row.wrong(column, "control_character", id, en);
                }
                Some(column) => row.cells.push((column.clone(), text)),
            }
        }
        Ok(row)
    }

    /// Its number, as the spreadsheet shows it.
    pub fn place(&self) -> i32 {
        self.place
    }

    /// What stands in a column.
    pub fn cell(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| name == column).map(|(_, text)| text.as_str())
    }

    /// The words of a column.
    pub fn words(&self, column: &str) -> Vec<String> {
        self.cell(column).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    }

    /// Notes that a cell is wrong.
    pub fn wrong(
        &mut self,
        column: &str,
        code: &'static str,
        id: impl Into<std::borrow::Cow<'static, str>>,
        en: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        self.errors.push(FieldError::new(column, code, id, en));
    }

    /// Notes that a cell is empty that must not be, unless something else is wrong with it.
    pub fn missing(&mut self, column: &str) {
        if self.cell(column).is_none() && !self.errors.iter().any(|error| error.pointer == column) {
            self.wrong(column, "required", "wajib diisi", "is required");
        }
    }

    /// What was made of it; what is wrong with it is noted under the columns that the pointers stand for. Cells that were
    /// found wrong before are not told of twice.
    pub fn take<T>(&mut self, made: Result<T, Problem>, column: fn(&str) -> &str) -> Result<Option<T>, Problem> {
        let errors = match made {
            Ok(made) => return Ok(Some(made)),
            Err(Problem::Invalid(errors)) => errors,
            Err(Problem::Taken(error) | Problem::Conflict(error)) => vec![error],
            Err(other) => return Err(other),
        };
        for error in errors {
            let column = column(&error.pointer).to_owned();
            if !self.errors.iter().any(|known| known.pointer == column) {
                self.errors.push(FieldError { pointer: column, ..error });
            }
        }
        Ok(None)
    }

    pub fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The errors, each with the place of its cell.
    fn placed(&self) -> impl Iterator<Item = FieldError> {
        let at = |column: &str| match column {
            "" => format!("/rows/{}", self.place),
            column => format!("/rows/{}/{column}", self.place),
        };
        self.errors.iter().map(move |error| FieldError { pointer: at(&error.pointer), ..error.clone() })
    }
}

/// What came of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    Created,
    /// It is there already: nothing was changed.
    Unchanged,
    /// Nothing can be made of it. Told by trials alone: in earnest the whole file is refused.
    Wrong,
}

/// A row of a file, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportedRow {
    /// Its number as a spreadsheet shows it: the header is row 1.
    #[schema(minimum = 2)]
    pub row: i32,
    pub outcome: RowOutcome,
    /// What was made or is there; null where nothing is, as after a trial.
    pub id: Option<Id>,
    /// What is wrong: `/rows/5/kind` is the cell of the column `kind` in row 5.
    pub errors: Vec<FieldErrorBody>,
}

/// What came of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    #[schema(minimum = 0)]
    pub created_count: i32,
    #[schema(minimum = 0)]
    pub unchanged_count: i32,
    #[schema(minimum = 0)]
    pub wrong_count: i32,
    /// In the order of the file; rows without anything in them are left out.
    #[schema(max_items = 2000)]
    pub rows: Vec<ReportedRow>,
}

/// What came of the rows so far.
#[derive(Default)]
pub struct Taken(Vec<(Row, RowOutcome, Option<Id>)>);

impl Taken {
    pub fn created(&mut self, row: Row, id: Id) {
        self.0.push((row, RowOutcome::Created, Some(id)));
    }

    pub fn unchanged(&mut self, row: Row, id: Id) {
        self.0.push((row, RowOutcome::Unchanged, Some(id)));
    }

    pub fn wrong(&mut self, row: Row) {
        self.0.push((row, RowOutcome::Wrong, None));
    }

    /// The report. In earnest, one row that is wrong refuses the file, and all that is wrong is named.
    pub fn answer(self, tx: &mut Tx<'_>, trial: bool, lang: Lang) -> Result<Recorded<Reply>, Problem> {
        let errors: Vec<FieldError> = self.0.iter().flat_map(|(row, ..)| row.placed()).collect();
        if !trial && !errors.is_empty() {
            return Err(Problem::Invalid(errors));
        }
        let count = |wanted: RowOutcome| self.0.iter().filter(|(_, outcome, _)| *outcome == wanted).count() as i32;
        let rows = self.0.iter().map(|(row, outcome, id)| ReportedRow {
            row: row.place,
            outcome: *outcome,
            // What a trial made is there no more.
            id: id.filter(|_| !trial || *outcome == RowOutcome::Unchanged),
            errors: row.placed().map(|error| error.body(lang)).collect(),
        });
        let report = ImportReport {
            created_count: count(RowOutcome::Created),
            unchanged_count: count(RowOutcome::Unchanged),
            wrong_count: count(RowOutcome::Wrong),
            rows: rows.collect(),
        };
        Ok(tx.unchanged(Reply::json(200, &report)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: Columns = Columns { names: &["a", "b"], required: 1, most_rows: 3 };

    fn rows(file: &str) -> Result<Vec<Row>, Problem> {
        Sheet(file.as_bytes().to_vec()).rows(&KNOWN)
    }

    #[test]
    fn rows_are_numbered_as_the_spreadsheet_shows_them() {
        for file in [
            "a,b\r\n1,\"x\r\ny\"\r\n\r\n,\r\n2,z\r\n\r\n3,\r\n",
            "\u{feff}a;b\n1;\"x\ny\"\n\n;\n2;z\n\n3;",
            "a,b\r1,\"x\ry\"\r\r,\r2,z\r\r3,\r",
        ] {
            let places: Vec<i32> = rows(file).unwrap().iter().map(Row::place).collect();
            assert_eq!(places, [2, 5, 7], "{file:?}");
        }
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_or_that_have_no_column_are_wrong() {
        let rows = rows("a,b\n=1+1,\" x \"\n-,y,z\n").unwrap();
        let told = |row: &Row| row.placed().map(|error| (error.pointer, error.code.to_string())).collect::<Vec<_>>();
        assert_eq!(told(&rows[0]), [("/rows/2/a".to_owned(), "formula".to_owned())]);
        assert_eq!(rows[0].cell("b"), Some("x"));
        let both = [("/rows/3/a", "formula"), ("/rows/3", "surplus_cell")];
        assert_eq!(told(&rows[1]), both.map(|(at, code)| (at.to_owned(), code.to_owned())));
    }

    #[test]
    fn a_table_of_too_many_rows_is_refused() {
        assert_eq!(rows("a\n1\n2\n3\n").unwrap().len(), 3);
        let Err(Problem::Invalid(errors)) = rows("a\n1\n2\n3\n4\n") else { panic!() };
        assert_eq!(errors[0].code, "too_many_rows");
    }
}
