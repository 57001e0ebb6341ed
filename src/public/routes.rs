use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    events::{PublicEvent, told},
    model::{InOrder, Shown, find},
    programs::{PublicFocusArea, PublicPhase, PublicProgram},
    questions::PublicQuestion,
    stakeholders::PublicStakeholder,
    statements::{self, Found, PublicEdition, PublicStatement},
};
use crate::{
    access::Public,
    db::AnyConnection,
    events::minutes::{self, Minutes},
    page::{Listing, Page, PageParams},
    pages::{LangParams, Wanted},
    problem::Problem,
    programs::Program,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(programs)
        .service(one)
        .service(phases)
        .service(focus_areas)
        .service(questions)
        .service(events)
        .service(stakeholders)
        .service(statement_list)
        .service(newest)
        .service(edition)
        .service(signature)
        .service(public_minutes);
}

/// A published programme.
#[derive(Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct PublicPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    pub program: String,
}

/// A page of published programmes.
#[derive(Serialize, ToSchema)]
struct PublicProgramPage {
    items: Vec<PublicProgram>,
    next_cursor: Option<String>,
}

/// List the published programmes
///
/// By their slugs.
#[utoipa::path(
    tag = "public", operation_id = "list_public_programs",
    params(PageParams),
    responses((status = 200, description = "A page of published programmes", body = PublicProgramPage)),
)]
#[get("/public/programs")]
async fn programs(public: Public, listing: Listing<InOrder>) -> Result<HttpResponse, Problem> {
    let page = listing.page.clone();
    let shown = public.read(move |conn| PublicProgram::list(conn, &page)).await?;
    public.list_cached(&shown.items, &listing.page, shown.next)
}

/// Read a published programme
///
/// Its name, its area and its networks.
#[utoipa::path(
    tag = "public", operation_id = "get_public_program",
    params(PublicPath),
    responses((status = 200, description = "The programme", body = PublicProgram)),
)]
#[get("/public/programs/{program}")]
async fn one(public: Public, path: web::Path<PublicPath>) -> Result<HttpResponse, Problem> {
    let program = public.read(move |conn| find(conn, &path.program)).await?;
    public.answer_cached(&PublicProgram::of(program))
}

/// Answers a page of what a published programme has.
async fn list<T: Serialize + Send + 'static>(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
    rows: fn(&mut AnyConnection, &Program, &Page) -> Result<Shown<T>, Problem>,
) -> Result<HttpResponse, Problem> {
    let page = listing.page.clone();
    let shown = public
        .read(move |conn| {
            let program = find(conn, &path.program)?;
            rows(conn, &program, &page)
        })
        .await?;
    public.list_cached(&shown.items, &listing.page, shown.next)
}

/// A page of a published programme's phases.
#[derive(Serialize, ToSchema)]
struct PublicPhasePage {
    items: Vec<PublicPhase>,
    next_cursor: Option<String>,
}

/// List the phases of a published programme
///
/// In the order of their numbers.
#[utoipa::path(
    tag = "public", operation_id = "list_public_phases",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of phases", body = PublicPhasePage)),
)]
#[get("/public/programs/{program}/phases")]
async fn phases(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicPhase::list).await
}

/// A page of a published programme's focus areas.
#[derive(Serialize, ToSchema)]
struct PublicFocusAreaPage {
    items: Vec<PublicFocusArea>,
    next_cursor: Option<String>,
}

/// List the focus areas of a published programme
///
/// The active ones, in the order of their numbers.
#[utoipa::path(
    tag = "public", operation_id = "list_public_focus_areas",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of focus areas", body = PublicFocusAreaPage)),
)]
#[get("/public/programs/{program}/focus-areas")]
async fn focus_areas(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicFocusArea::list).await
}

/// A page of a published programme's validated questions.
#[derive(Serialize, ToSchema)]
struct PublicQuestionPage {
    items: Vec<PublicQuestion>,
    next_cursor: Option<String>,
}

/// List the validated questions of a published programme
///
/// Each in the wording that was validated, whatever is being discussed since. A page may have fewer than `limit`:
/// go on while there is a `next_cursor`.
#[utoipa::path(
    tag = "public", operation_id = "list_public_questions",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of questions", body = PublicQuestionPage)),
)]
#[get("/public/programs/{program}/questions")]
async fn questions(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicQuestion::list).await
}

/// A page of a published programme's events.
#[derive(Serialize, ToSchema)]
struct PublicEventPage {
    items: Vec<PublicEvent>,
    next_cursor: Option<String>,
}

/// List the events of a published programme
///
/// Those whose minutes are approved, in the order of their codes.
#[utoipa::path(
    tag = "public", operation_id = "list_public_events",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of events", body = PublicEventPage)),
)]
#[get("/public/programs/{program}/events")]
async fn events(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicEvent::list).await
}

/// A page of the organisations that take part in a published programme.
#[derive(Serialize, ToSchema)]
struct PublicStakeholderPage {
    items: Vec<PublicStakeholder>,
    next_cursor: Option<String>,
}

/// List the organisations that take part in a published programme
///
/// Organisations only, in the order in which they joined: no people.
#[utoipa::path(
    tag = "public", operation_id = "list_public_stakeholders",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of organisations", body = PublicStakeholderPage)),
)]
#[get("/public/programs/{program}/stakeholders")]
async fn stakeholders(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicStakeholder::list).await
}

/// An event of a published programme.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PublicEventPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    program: String,
    /// The event's code.
    #[param(max_length = 12, pattern = "^E-[0-9]{1,9}$", example = "E-1")]
    event_code: String,
}

/// Read the approved minutes of an event
///
/// Who was there (organisations, no people), the stages, what was decided on which question and why, what is to be
/// done, and what each decision changed. JSON for programs; Markdown or a page that prints well by `Accept`.
#[utoipa::path(
    tag = "public", operation_id = "get_public_minutes",
    params(PublicEventPath, LangParams),
    responses((
        status = 200, description = "The minutes",
        content((Minutes = "application/json"), (String = "text/markdown"), (String = "text/html")),
    )),
)]
#[get("/public/programs/{program}/events/{event_code}/minutes")]
async fn public_minutes(
    public: Public,
    path: web::Path<PublicEventPath>,
    wanted: Wanted,
) -> Result<HttpResponse, Problem> {
    let told = public
        .read(move |conn| {
            let program = find(conn, &path.program)?;
            let event = told(conn, &program, &path.event_code)?;
            minutes::of(conn, program.meta.id, event)
        })
        .await?;
    Ok(public.send_cached(minutes::rendition(&told, wanted, "/api/v1/public/programs")?))
}

/// A page of a published programme's statements.
#[derive(Serialize, ToSchema)]
struct PublicStatementPage {
    items: Vec<PublicStatement>,
    next_cursor: Option<String>,
}

/// List the published statements of a programme
///
/// Every edition that was published, superseded ones too.
#[utoipa::path(
    tag = "public", operation_id = "list_public_statements",
    params(PublicPath, PageParams),
    responses((status = 200, description = "A page of published editions", body = PublicStatementPage)),
)]
#[get("/public/programs/{program}/statements")]
async fn statement_list(
    public: Public,
    path: web::Path<PublicPath>,
    listing: Listing<InOrder>,
) -> Result<HttpResponse, Problem> {
    list(public, path, listing, PublicStatement::list).await
}

/// A statement of a published programme.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PublicStatementPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    program: String,
    /// The statement's code.
    #[param(max_length = 12, pattern = "^S-[0-9]{1,9}$", example = "S-1")]
    statement_code: String,
}

/// An edition of a statement of a published programme.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PublicEditionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    program: String,
    /// The statement's code.
    #[param(max_length = 12, pattern = "^S-[0-9]{1,9}$", example = "S-1")]
    statement_code: String,
    /// The number of the edition.
    #[param(minimum = 1, maximum = 2_147_483_647, example = 1)]
    edition: i32,
}

/// Read the newest edition of a statement
///
/// Where it is for good stands in `Content-Location`.
#[utoipa::path(
    tag = "public", operation_id = "get_public_statement",
    params(PublicStatementPath, LangParams),
    responses((
        status = 200, description = "The newest edition",
        content((PublicEdition = "application/json"), (String = "text/markdown"), (String = "text/html")),
    )),
)]
#[get("/public/programs/{program}/statements/{statement_code}")]
async fn newest(public: Public, path: web::Path<PublicStatementPath>, wanted: Wanted) -> Result<HttpResponse, Problem> {
    let path = path.into_inner();
    let found = find_edition(&public, path.program, path.statement_code, None).await?;
    Ok(found.linked(public.send_cached(found.rendition(wanted)?)))
}

/// Read an edition of a statement
///
/// The JSON is exactly the text that was published and signed, and never changes: `Repr-Digest` is of its bytes. The
/// Markdown and the page that prints well are made of that text alone. `Link` leads to the signature, to earlier and
/// later editions.
#[utoipa::path(
    tag = "public", operation_id = "get_public_edition",
    params(PublicEditionPath, LangParams),
    responses((
        status = 200, description = "The edition",
        content((PublicEdition = "application/json"), (String = "text/markdown"), (String = "text/html")),
    )),
)]
#[get("/public/programs/{program}/statements/{statement_code}/editions/{edition}")]
async fn edition(public: Public, path: web::Path<PublicEditionPath>, wanted: Wanted) -> Result<HttpResponse, Problem> {
    let path = path.into_inner();
    let found = find_edition(&public, path.program, path.statement_code, Some(path.edition)).await?;
    Ok(found.linked(public.send_cached(found.rendition(wanted)?)))
}

/// Read the signature of an edition
///
/// A detached JWS in compact form (RFC 7515, appendix F): its payload is the edition's JSON, byte by byte, and its key
/// stands in `/.well-known/record-keys.json`.
#[utoipa::path(
    tag = "public", operation_id = "get_public_edition_signature",
    params(PublicEditionPath),
    responses((status = 200, description = "The signature", body = String, content_type = "application/jose")),
)]
#[get("/public/programs/{program}/statements/{statement_code}/editions/{edition}/signature")]
async fn signature(public: Public, path: web::Path<PublicEditionPath>) -> Result<HttpResponse, Problem> {
    let path = path.into_inner();
    let found = find_edition(&public, path.program, path.statement_code, Some(path.edition)).await?;
    Ok(public.send_cached(found.signature()))
}

async fn find_edition(public: &Public, program: String, code: String, number: Option<i32>) -> Result<Found, Problem> {
    public
        .read(move |conn| {
            let program = find(conn, &program)?;
            statements::find(conn, &program, &code, number)
        })
        .await
}
