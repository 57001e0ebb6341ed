use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::model::Sight;
use crate::{
    access::Reach,
    db::{AnyConnection, At, Backend, Id},
    page::{AnyOf, Filter, Page},
    problem::{Lang, Problem, ProblemBody},
    schema::{input_import_rows, input_imports},
    walk,
};

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    Csv,
    Ndjson,
}

impl ImportFormat {
    pub const fn name(self) -> &'static str {
        match self {
            ImportFormat::Csv => "csv",
            ImportFormat::Ndjson => "ndjson",
        }
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportState {
    /// The file is still coming.
    Uploading,
    /// All of it is there.
    Waiting,
    /// Its rows are being taken.
    Processing,
    /// Each row has its report.
    Done,
    /// The upload broke off: nothing was made of it. Send the file again.
    CutOff,
    /// `failure` says why. What was received before stays.
    Failed,
}

impl ImportState {
    pub const fn name(self) -> &'static str {
        match self {
            ImportState::Uploading => "uploading",
            ImportState::Waiting => "waiting",
            ImportState::Processing => "processing",
            ImportState::Done => "done",
            ImportState::CutOff => "cut_off",
            ImportState::Failed => "failed",
        }
    }
}

/// Why an import failed as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFailure {
    /// The file has more than 50,000 rows: nothing was made of it.
    TooManyRows,
    /// The file has more than 64 MiB: nothing was made of it.
    TooLarge,
    /// The file is not UTF-8: nothing was made of it.
    NotUtf8,
    /// A row has more than 256 KiB, as where a quotation mark is missing: nothing was made of the file.
    RowTooLong,
    /// The columns of a CSV file are not those that there are: nothing was made of it.
    WrongColumns,
    /// The sender's account, membership or role ended before all rows were taken.
    RightEnded,
    /// The sender acts for another organisation now.
    OtherOrganization,
    /// The programme was archived before all rows were taken.
    ProgramClosed,
    /// Something went wrong on our side, again and again.
    Internal,
}

impl ImportFailure {
    pub const fn name(self) -> &'static str {
        match self {
            ImportFailure::TooManyRows => "too_many_rows",
            ImportFailure::TooLarge => "too_large",
            ImportFailure::NotUtf8 => "not_utf8",
            ImportFailure::RowTooLong => "row_too_long",
            ImportFailure::WrongColumns => "wrong_columns",
            ImportFailure::RightEnded => "right_ended",
            ImportFailure::OtherOrganization => "other_organization",
            ImportFailure::ProgramClosed => "program_closed",
            ImportFailure::Internal => "internal",
        }
    }
}

/// A file of inputs, and how far it was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputImport {
    pub id: Id,
    /// The organisation whose inputs they are.
    pub stakeholder_id: Id,
    pub format: ImportFormat,
    /// Whether it is only tried: each row has its report, and no input is made.
    pub dry_run: bool,
    pub state: ImportState,
    /// With `failed`: why.
    pub failure: Option<ImportFailure>,
    /// The SHA-256 of the file in hexadecimal, once all of it is there.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub digest: Option<String>,
    /// Rows that are there; of a file that was not taken, none.
    #[schema(minimum = 0)]
    pub rows_count: i32,
    /// Rows of which a new input was made, or would have been.
    #[schema(minimum = 0)]
    pub received_count: i32,
    /// Rows that were sent before, with the same content.
    #[schema(minimum = 0)]
    pub repeated_count: i32,
    /// Rows that cannot be taken.
    #[schema(minimum = 0)]
    pub refused_count: i32,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub created_at: DateTime<Utc>,
    /// When all of the file was there.
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub uploaded_at: Option<DateTime<Utc>>,
    /// When the last row had its report, or the import failed.
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub finished_at: Option<DateTime<Utc>>,
}

/// What came of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportRowState {
    /// Its turn has not come.
    Waiting,
    /// A new input was made of it, or would have been.
    Received,
    /// It was sent before, with the same content.
    Repeated,
    /// It cannot be taken: `problem` says why.
    Refused,
    /// The import failed before its turn.
    Skipped,
}

impl ImportRowState {
    pub const fn name(self) -> &'static str {
        match self {
            ImportRowState::Waiting => "waiting",
            ImportRowState::Received => "received",
            ImportRowState::Repeated => "repeated",
            ImportRowState::Refused => "refused",
            ImportRowState::Skipped => "skipped",
        }
    }
}

/// A row of a file, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportRow {
    /// Its number among the rows of the file, from 1; the header line of a CSV file is none.
    #[schema(minimum = 1)]
    pub number: i32,
    /// The line of the file on which it begins, from 1.
    #[schema(minimum = 1)]
    pub line: i32,
    pub state: ImportRowState,
    /// The sender's own reference, where it could be read.
    #[schema(example = "KB-2026-0042")]
    pub external_ref: Option<String>,
    /// The input that came of it, or is there already. None where it was only tried.
    pub input_id: Option<Id>,
    #[schema(example = "I-1")]
    pub code: Option<String>,
    /// What is wrong with it. The pointers are of the input that the row stands for.
    #[schema(value_type = Option<ProblemBody>)]
    pub problem: Option<Value>,
    /// Of a CSV file: the columns that the errors of the problem are about, in their order.
    pub columns: Vec<String>,
}

/// Which imports to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ImportState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<ImportState>>,
}

impl Filter for ImportFilter {}

/// Which rows to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportRowFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<ImportRowState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<ImportRowState>>,
}

impl Filter for ImportRowFilter {
    const SORTS: &'static [&'static str] = &["number"];
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = input_imports, check_for_backend(Backend))]
struct ImportFields {
    id: Id,
    stakeholder_id: Id,
    format: String,
    dry_run: bool,
    state: String,
    failure: Option<String>,
    digest: Option<String>,
    rows_count: i32,
    received_count: i32,
    repeated_count: i32,
    refused_count: i32,
    created_at: At,
    uploaded_at: Option<At>,
    finished_at: Option<At>,
}

/// One of the names that an enum has in JSON.
fn named<T: serde::de::DeserializeOwned>(name: String) -> Result<T, Problem> {
    serde_json::from_value(Value::String(name)).map_err(Problem::internal)
}

impl TryFrom<ImportFields> for InputImport {
    type Error = Problem;

    fn try_from(row: ImportFields) -> Result<InputImport, Problem> {
        Ok(InputImport {
            id: row.id,
            stakeholder_id: row.stakeholder_id,
            format: named(row.format)?,
            dry_run: row.dry_run,
            state: named(row.state)?,
            failure: row.failure.map(named).transpose()?,
            digest: row.digest,
            rows_count: row.rows_count,
            received_count: row.received_count,
            repeated_count: row.repeated_count,
            refused_count: row.refused_count,
            created_at: row.created_at.0,
            uploaded_at: row.uploaded_at.map(|at| at.0),
            finished_at: row.finished_at.map(|at| at.0),
        })
    }
}

impl InputImport {
    /// An import that this caller sees: of their own organisation, or of all.
    pub fn read(conn: &mut AnyConnection, reach: &Reach, id: Id) -> Result<InputImport, Problem> {
        use input_imports as t;
        let found = t::table.find(id).filter(t::ledger_id.eq(reach.ledger)).select(ImportFields::as_select());
        let import = InputImport::try_from(found.first(conn)?)?;
        match Sight::of(reach) {
            Sight::Own(own) if own != import.stakeholder_id => Err(Problem::NotFound),
            _ => Ok(import),
        }
    }

    /// Those that this caller sees.
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &ImportFilter,
        page: &Page,
    ) -> Result<Vec<InputImport>, Problem> {
        use input_imports as t;
        let mut query =
            t::table.filter(t::ledger_id.eq(reach.ledger)).select(ImportFields::as_select()).into_boxed::<Backend>();
        if let Sight::Own(own) = Sight::of(reach) {
            query = query.filter(t::stakeholder_id.eq(own));
        }
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        let found: Vec<ImportFields> = walk!(query, page, t::id as Id).load(conn)?;
        found.into_iter().map(InputImport::try_from).collect()
    }
}

type RowFields = (i32, i32, String, Option<String>, Option<Id>, Option<String>, Option<String>);

impl ImportRow {
    /// The rows of an import that this caller sees, their problems in one language.
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        import: Id,
        filter: &ImportRowFilter,
        page: &Page,
        lang: Lang,
    ) -> Result<Vec<ImportRow>, Problem> {
        use input_import_rows as t;
        let format = InputImport::read(conn, reach, import)?.format;
        let mut query = t::table
            .filter(t::import_id.eq(import))
            .select((t::number, t::line, t::state, t::external_ref, t::input_id, t::code, t::problem))
            .into_boxed::<Backend>();
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        let found: Vec<RowFields> = walk!(query, page, t::number as i32).load(conn)?;
        found.into_iter().map(|row| ImportRow::told(row, format, lang)).collect()
    }

    fn told(row: RowFields, format: ImportFormat, lang: Lang) -> Result<ImportRow, Problem> {
        let (number, line, state, external_ref, input_id, code, problem) = row;
        let problem = problem.map(|text| ByLanguage::read(&text, lang)).transpose()?.flatten();
        let errors = problem.as_ref().and_then(|problem| problem["errors"].as_array()).into_iter().flatten();
        let columns = match format {
            ImportFormat::Csv => errors.map(|error| super::cells::column(error["pointer"].as_str())).collect(),
            ImportFormat::Ndjson => Vec::new(),
        };
        Ok(ImportRow { number, line, state: named(state)?, external_ref, input_id, code, problem, columns })
    }
}

/// A problem as a row keeps it: whoever reads the report may read another language than its sender.
pub struct ByLanguage;

impl ByLanguage {
    pub fn text(problem: &Problem) -> Result<String, Problem> {
        let bodies = [Lang::Id, Lang::En].map(|lang| (lang.tag(), problem.body(lang)));
        serde_json::to_string(&BTreeMap::from(bodies)).map_err(Problem::internal)
    }

    fn read(text: &str, lang: Lang) -> Result<Option<Value>, Problem> {
        let mut bodies: BTreeMap<String, Value> = serde_json::from_str(text).map_err(Problem::internal)?;
        Ok(bodies.remove(lang.tag()))
    }
}
