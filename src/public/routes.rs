use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    events::PublicEvent,
    find,
    model::{InOrder, Shown},
    programs::{PublicFocusArea, PublicPhase, PublicProgram},
    questions::PublicQuestion,
    stakeholders::PublicStakeholder,
};
use crate::{
    access::Public,
    db::AnyConnection,
    page::{Listing, Page, PageParams},
    problem::Problem,
    programs::Program,
};

pub fn routes(api: &mut ServiceConfig) {
    api.service(programs)
        .service(one)
        .service(phases)
        .service(focus_areas)
        .service(questions)
        .service(events)
        .service(stakeholders);
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
