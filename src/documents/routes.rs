use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Document, DocumentFilter, NewDocument};
use crate::{
    access::{Can, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(create).service(read).service(history).service(edit);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DocumentPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The document's id.
    document_id: Id,
}

/// A page of documents.
#[derive(Serialize, ToSchema)]
pub struct DocumentPage {
    pub items: Vec<Document>,
    pub next_cursor: Option<String>,
}

/// List the documents of a programme
///
/// Those that you may see, by kind, visibility or the day of issue.
#[utoipa::path(
    tag = "documents", operation_id = "list_documents",
    params(ProgramPath, DocumentFilter, PageParams, ViewParams, ListParams<DocumentFilter>),
    security(("bearer" = [Action::ReadDocument])),
    responses((status = 200, description = "A page of documents", body = DocumentPage)),
)]
#[get("/programs/{program}/documents")]
async fn list(can: Can<ReadDocument>, listing: Listing<DocumentFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Document, _>(listing, Document::list).await
}

/// Add a document
///
/// The service keeps what is known of it, not the file.
#[utoipa::path(
    tag = "documents", operation_id = "add_document",
    params(ProgramPath, Repeat),
    request_body = NewDocument,
    security(("bearer" = [Action::AddDocument])),
    responses(
        (status = 201, description = "The document, at revision 1", body = Document),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/programs/{program}/documents")]
async fn create(can: Can<AddDocument>, Valid(new): Valid<NewDocument>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Document::add(tx, new)).await
}

/// Read a document
///
/// What is known of it: the service does not keep the file.
#[utoipa::path(
    tag = "documents", operation_id = "get_document",
    params(DocumentPath, ViewParams),
    security(("bearer" = [Action::ReadDocument])),
    responses((status = 200, description = "The document", body = Document)),
)]
#[get("/programs/{program}/documents/{document_id}")]
async fn read(can: Can<ReadDocument>, path: web::Path<DocumentPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Document>(path.document_id, view).await
}

/// Read a document's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "documents", operation_id = "get_document_history",
    params(DocumentPath, PageParams),
    security(("bearer" = [Action::ReadDocument])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/documents/{document_id}/history")]
async fn history(
    can: Can<ReadDocument>,
    path: web::Path<DocumentPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Document>(listing, move |_, _| Ok(path.document_id)).await
}

/// Edit a document
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "documents", operation_id = "edit_document",
    params(DocumentPath, IfMatch),
    request_body(content = NewDocument, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditDocument])),
    responses(
        (status = 200, description = "The document at its new revision", body = Document),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/programs/{program}/documents/{document_id}")]
async fn edit(
    can: Can<EditDocument>,
    path: web::Path<DocumentPath>,
    seen: Seen,
    patch: Patch<NewDocument>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Document::edit(tx, path.document_id, seen, patch)).await
}
