use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    model::{ImportFilter, ImportRow, ImportRowFilter, InputImport},
    upload::{self, Upload},
};
use crate::{
    access::Can,
    db::Id,
    decisions::Trial,
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(begin).service(read).service(rows);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ImportPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The import's id.
    import_id: Id,
}

/// A file of inputs, one in each row.
#[derive(ToSchema)]
#[schema(max_length = 67108864)]
#[expect(dead_code, reason = "describes what a body is")]
pub struct ImportFile(String);

/// A page of imports.
#[derive(Serialize, ToSchema)]
pub struct InputImportPage {
    pub items: Vec<InputImport>,
    pub next_cursor: Option<String>,
}

/// A page of the rows of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportRowPage {
    pub items: Vec<ImportRow>,
    pub next_cursor: Option<String>,
}

/// List the imports of inputs
///
/// In the order in which they were begun. Partners see those of their own organisation.
#[utoipa::path(
    tag = "inputs", operation_id = "list_input_imports",
    params(ProgramPath, ImportFilter, PageParams, ListParams<ImportFilter>),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "A page of imports", body = InputImportPage)),
)]
#[get("/programs/{program}/input-imports")]
async fn list(can: Can<ReadInput>, listing: Listing<ImportFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let mut found = can.read(move |conn, reach| InputImport::list(conn, reach, &filter, &asked)).await?;
    let next = page.cut(&mut found).map(|last| page.cursor(can.service(), &json!(last.id), last.id));
    can.page_of(&found, next)
}

/// Import a file of inputs
///
/// For your own organisation: NDJSON, of which each line is a `NewInput`, or CSV in UTF-8 (columns `kind`, `text`,
/// `language`, `external_ref`; optionally `consultation`, `subjects`, `links`, `evidence`), up to 50,000 rows and 64 MiB.
/// Each row needs an `external_ref`. A file that is no good as a whole is refused, and nothing is made of it. Otherwise
/// each row is taken by itself after the answer: look at `Location`. With `dry_run` each row has its report and no input
/// is made.
#[utoipa::path(
    tag = "inputs", operation_id = "import_inputs",
    params(ProgramPath, Trial, Repeat),
    request_body(content((ImportFile = "application/x-ndjson"), (ImportFile = "text/csv"))),
    security(("bearer" = [Action::SendInput])),
    responses((status = 202, description = "All of the file is there; its rows are taken one after the other",
        body = InputImport, headers(("Location" = String, description = "The path of the import.")))),
)]
#[post("/programs/{program}/input-imports")]
async fn begin(can: Can<SendInput>, trial: web::Query<Trial>, upload: Upload) -> Result<HttpResponse, Problem> {
    upload::receive(&can, upload, trial.dry_run).await
}

/// Read an import of inputs
///
/// How far it is: `uploading`, `waiting`, `processing`, `done`, `cut_off` or `failed`, and what came of its rows.
#[utoipa::path(
    tag = "inputs", operation_id = "get_input_import",
    params(ImportPath),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "The import", body = InputImport)),
)]
#[get("/programs/{program}/input-imports/{import_id}")]
async fn read(can: Can<ReadInput>, path: web::Path<ImportPath>) -> Result<HttpResponse, Problem> {
    can.answer(&can.read(move |conn, reach| InputImport::read(conn, reach, path.import_id)).await?)
}

/// List the rows of an import of inputs
///
/// In the order of the file, each with what came of it: the input, or what is wrong with the row.
#[utoipa::path(
    tag = "inputs", operation_id = "list_input_import_rows",
    params(ImportPath, ImportRowFilter, PageParams, ListParams<ImportRowFilter>),
    security(("bearer" = [Action::ReadInput])),
    responses((status = 200, description = "A page of the rows", body = ImportRowPage)),
)]
#[get("/programs/{program}/input-imports/{import_id}/rows")]
async fn rows(
    can: Can<ReadInput>,
    path: web::Path<ImportPath>,
    listing: Listing<ImportRowFilter>,
) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let (asked, id, lang) = (page.clone(), path.import_id, can.language());
    let mut found = can.snapshot(move |conn, reach| ImportRow::list(conn, reach, id, &filter, &asked, lang)).await?;
    let next = page.cut(&mut found).map(|last| page.cursor(can.service(), &json!(last.number), id));
    can.page_of(&found, next)
}
