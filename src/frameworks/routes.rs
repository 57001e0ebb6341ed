use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Edition, Node, NodesWanted, Quality};
use crate::{access::Public, problem::Problem, routes::Routes};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(one).service(nodes).service(qualities);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct FrameworkPath {
    /// The edition's code.
    #[param(max_length = 60, example = "CRI")]
    framework: String,
}

/// Which nodes to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NodeFilter {
    /// One of the edition's levels.
    #[param(max_length = 60, example = "goal")]
    level: Option<String>,
    /// The code of the node that they are directly below.
    #[param(max_length = 60, example = "CRI-10")]
    parent: Option<String>,
}

/// All editions.
#[derive(Serialize, ToSchema)]
struct Editions {
    items: Vec<Edition>,
}

/// Nodes of an edition.
#[derive(Serialize, ToSchema)]
struct Nodes {
    items: Vec<Node>,
}

/// The qualities of an edition.
#[derive(Serialize, ToSchema)]
struct Qualities {
    items: Vec<Quality>,
}

/// List the framework editions
///
/// They are few and come in one answer. An edition never changes: another wording is another edition.
#[utoipa::path(
    tag = "frameworks", operation_id = "list_frameworks",
    responses((status = 200, description = "All editions", body = Editions)),
)]
#[get("/frameworks")]
async fn list(public: Public) -> Result<HttpResponse, Problem> {
    let items = public.read(Edition::list).await?;
    public.answer_cached(&Editions { items })
}

/// Read a framework edition
///
/// Its levels, what is not known of it, and the sources of its names.
#[utoipa::path(
    tag = "frameworks", operation_id = "get_framework",
    params(FrameworkPath),
    responses((status = 200, description = "The edition", body = Edition)),
)]
#[get("/frameworks/{framework}")]
async fn one(public: Public, path: web::Path<FrameworkPath>) -> Result<HttpResponse, Problem> {
    let code = path.into_inner().framework;
    let edition = public.read(move |conn| Edition::by_code(conn, &code)?.ok_or(Problem::NotFound)).await?;
    public.answer_cached(&edition)
}

/// List the nodes of a framework edition
///
/// In one answer, each before what is below it. A node whose name was found nowhere is a gap: it is listed, so
/// that nobody takes what is left for the whole.
#[utoipa::path(
    tag = "frameworks", operation_id = "list_framework_nodes",
    params(FrameworkPath, NodeFilter),
    responses((status = 200, description = "The nodes", body = Nodes)),
)]
#[get("/frameworks/{framework}/nodes")]
async fn nodes(
    public: Public,
    path: web::Path<FrameworkPath>,
    filter: web::Query<NodeFilter>,
) -> Result<HttpResponse, Problem> {
    let (code, filter) = (path.into_inner().framework, filter.into_inner());
    let wanted = NodesWanted { level: filter.level, parent: filter.parent };
    let items =
        public.read(move |conn| Edition::by_code(conn, &code)?.ok_or(Problem::NotFound)?.nodes(conn, &wanted)).await?;
    public.answer_cached(&Nodes { items })
}

/// List the qualities of a framework edition
///
/// Empty for an edition of which none are known.
#[utoipa::path(
    tag = "frameworks", operation_id = "list_framework_qualities",
    params(FrameworkPath),
    responses((status = 200, description = "The qualities", body = Qualities)),
)]
#[get("/frameworks/{framework}/qualities")]
async fn qualities(public: Public, path: web::Path<FrameworkPath>) -> Result<HttpResponse, Problem> {
    let code = path.into_inner().framework;
    let items =
        public.read(move |conn| Edition::by_code(conn, &code)?.ok_or(Problem::NotFound)?.qualities(conn)).await?;
    public.answer_cached(&Qualities { items })
}
