use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_swagger_ui::Config;

use crate::{
    access::Public,
    problem::{self, Lang, Problem},
    routes::Routes,
    webhooks::Deliveries,
};

/// Below `/api/v1`.
pub fn routes(api: &mut Routes<'_>) {
    api.service(openapi).service(meta);
}

/// At the root.
pub fn root(root: &mut Routes<'_>) {
    root.service(livez)
        .service(readyz)
        .service(metrics)
        .service(problem_page)
        .service(jwks)
        .service(record_keys)
        .service(security_txt);
}

/// See whether the process lives
///
/// It asks nothing of the database: restart the process where this fails.
#[utoipa::path(
    tag = "platform", operation_id = "get_livez",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
#[get("/livez")]
async fn livez(_: Public) -> &'static str {
    "ok"
}

/// Whether the service can serve.
#[derive(Serialize, ToSchema)]
pub struct Readiness {
    #[schema(example = "sqlite")]
    pub database: &'static str,
}

/// See whether the service can serve
///
/// It asks the database.
#[utoipa::path(
    tag = "platform", operation_id = "get_readyz",
    responses((status = 200, description = "It can", body = Readiness)),
)]
#[get("/readyz")]
async fn readyz(public: Public) -> Result<HttpResponse, Problem> {
    let answered = public.read(|conn| Ok(crate::ledger::head(conn, crate::access::Ledger::PLATFORM)?)).await;
    public.service().metrics.database_up(answered.is_ok());
    answered?;
    let database = public.service().settings.target.kind();
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(Readiness { database }))
}

/// Read the service's numbers
///
/// Prometheus text: requests by route and status, latency, database threads, delivery to webhooks.
#[utoipa::path(
    tag = "platform", operation_id = "get_metrics",
    responses((status = 200, description = "The numbers", body = String, content_type = "text/plain")),
)]
#[get("/metrics")]
async fn metrics(public: Public) -> Result<HttpResponse, Problem> {
    let answered = public.read(|conn| Ok(Deliveries::now(conn)?)).await;
    let metrics = &public.service().metrics;
    metrics.database_up(answered.is_ok());
    if let Ok(deliveries) = answered {
        metrics.deliveries(deliveries);
    }
    let text = public.metrics_text()?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=1.0.0; charset=utf-8").body(text))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProblemPath {
    /// The last part of a problem's `type`.
    #[param(max_length = 60, example = "stale")]
    name: String,
}

/// Read what a problem means and what to do
///
/// For people: what `type` of a problem leads to, in Indonesian or English.
#[utoipa::path(
    tag = "platform", operation_id = "get_problem_page",
    params(ProblemPath),
    responses(
        (status = 200, description = "A page for people", body = String, content_type = "text/html"),
    ),
)]
#[get("/problems/{name}")]
async fn problem_page(_: Public, request: HttpRequest, path: web::Path<ProblemPath>) -> Result<HttpResponse, Problem> {
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let lang = Lang::of(wanted);
    let page = problem::html(&path.name, lang).ok_or(Problem::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_LANGUAGE, lang.tag()))
        .insert_header((header::VARY, "Accept-Language"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ))
        .body(page))
}

/// A set of public keys (RFC 7517).
#[derive(Serialize, ToSchema)]
pub struct KeySet {
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<serde_json::Value>,
}

/// Read the keys that access tokens are signed with
///
/// Whoever gets an access token can check it with these, without asking the service.
#[utoipa::path(
    tag = "platform", operation_id = "get_jwks",
    responses((status = 200, description = "The keys that tokens of today may bear", body = KeySet)),
)]
#[get("/.well-known/jwks.json")]
async fn jwks(public: Public) -> HttpResponse {
    let keys = public.service().keys().jwks(public.service().clock.now());
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(keys)
}

/// Read the keys that records are signed with
///
/// Receipts, statements, checkpoints. They stay published for ever.
#[utoipa::path(
    tag = "platform", operation_id = "get_record_keys",
    responses((status = 200, description = "Every key that a record was ever signed with", body = KeySet)),
)]
#[get("/.well-known/record-keys.json")]
async fn record_keys(public: Public) -> HttpResponse {
    let keys = public.service().keys().record_keys();
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(keys)
}

/// Read whom to tell of a weakness
///
/// RFC 9116.
#[utoipa::path(
    tag = "platform", operation_id = "get_security_txt",
    responses((status = 200, description = "security.txt", body = String, content_type = "text/plain")),
)]
#[get("/.well-known/security.txt")]
async fn security_txt(public: Public) -> HttpResponse {
    let settings = &public.service().settings;
    // Half a year ahead, as a whole day: the RFC asks for less than a year.
    let expires = (public.service().clock.now() + TimeDelta::days(180)).format("%Y-%m-%dT00:00:00Z");
    let text = format!(
        "Contact: {}\nExpires: {expires}\nPreferred-Languages: id, en\nCanonical: {}/.well-known/security.txt\n",
        settings.security_contact, settings.public_url
    );
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text)
}

/// Read the OpenAPI document
///
/// Made from the handlers; request bodies and parameters are checked against it.
#[utoipa::path(
    tag = "platform", operation_id = "get_openapi",
    responses((status = 200, description = "The document that describes this service", body = Object)),
)]
#[get("/openapi.json")]
async fn openapi(public: Public) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .content_type("application/json")
        .body(public.service().document.clone())
}

/// A limit that clients should know.
#[derive(Serialize, ToSchema)]
pub struct Limits {
    /// Items of a page at most.
    #[schema(example = 200)]
    pub page_limit: u32,
    #[schema(example = 50)]
    pub page_default: u32,
    /// Bytes of a request body at most.
    #[schema(example = 1_048_576, value_type = i64)]
    pub body_bytes: usize,
    /// Seconds that a reply is kept for its Idempotency-Key.
    #[schema(example = 604_800)]
    pub idempotency_seconds: i64,
}

/// What the service is.
#[derive(Serialize, ToSchema)]
pub struct About {
    #[schema(example = "tangguh")]
    pub name: &'static str,
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    #[schema(example = "v1")]
    pub api: &'static str,
    pub languages: [&'static str; 2],
    pub limits: Limits,
    /// Operations that will go away. None today.
    pub deprecations: Vec<String>,
}

/// Read what the service is
///
/// Its version, its languages and its limits.
#[utoipa::path(
    tag = "platform", operation_id = "get_meta",
    responses((status = 200, description = "What the service is", body = About)),
)]
#[get("/meta")]
async fn meta(public: Public) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(About {
        name: "tangguh",
        version: env!("CARGO_PKG_VERSION"),
        api: "v1",
        languages: ["id", "en"],
        limits: Limits {
            page_limit: 200,
            page_default: 50,
            body_bytes: public.service().settings.body_limit,
            idempotency_seconds: crate::access::KEPT.num_seconds(),
        },
        deprecations: Vec::new(),
    })
}

/// Swagger UI, from files that the binary holds: it works offline.
pub struct Swagger(Arc<Config<'static>>);

impl Default for Swagger {
    fn default() -> Self {
        let config = Config::from("/api/v1/openapi.json")
            .try_it_out_enabled(true)
            .persist_authorization(true)
            .display_request_duration(true)
            .filter(true)
            // Not swagger.io's, which would see the document.
            .validator_url("none");
        Swagger(Arc::new(config))
    }
}

impl Swagger {
    /// One file of Swagger UI; without a name its page.
    pub async fn serve(request: HttpRequest, swagger: web::Data<Swagger>) -> Result<HttpResponse, Problem> {
        let file = request.match_info().get("file").unwrap_or_default();
        if file.is_empty() && !request.path().ends_with('/') {
            return Ok(HttpResponse::MovedPermanently().insert_header((header::LOCATION, "/docs/")).finish());
        }
        let found = utoipa_swagger_ui::serve(file, swagger.0.clone())
            .map_err(|error| Problem::internal(error.to_string()))?
            .ok_or(Problem::NotFound)?;
        Ok(HttpResponse::Ok()
            .content_type(found.content_type)
            .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
            .insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
            ))
            .body(found.bytes.into_owned()))
    }
}
