use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, http::header, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::oauth::{self, ClientToken, Failure, Form, Refusal};
use crate::{
    access::Public,
    policy::Action,
    problem::{Problem, ProblemBody},
    routes::Routes,
};

pub fn oauth_routes(api: &mut Routes<'_>) {
    api.service(token).service(revoke);
}

/// At the root.
pub fn metadata_routes(root: &mut Routes<'_>) {
    root.service(authorization_server);
}

/// Longer than any form that these operations know.
const FORM_LIMIT: usize = 16 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// What a client asks a token with.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what `Form` reads")]
pub struct TokenRequest {
    /// `client_credentials`.
    #[schema(max_length = 100, example = "client_credentials")]
    grant_type: String,
    /// The client's id, unless HTTP Basic says it.
    #[schema(max_length = 100)]
    client_id: Option<String>,
    /// A key of the client, unless HTTP Basic says it.
    #[schema(max_length = 200, format = Password)]
    client_secret: Option<String>,
    /// Actions with spaces between, if the token is to do less than the client may.
    #[schema(max_length = 4000, example = "input.read input.send")]
    scope: Option<String>,
}

/// What a client takes a token back with.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes what `Form` reads")]
pub struct RevocationRequest {
    /// The access token.
    #[schema(max_length = 4000)]
    token: String,
    /// It is not looked at.
    #[schema(max_length = 100, example = "access_token")]
    token_type_hint: Option<String>,
    /// The client's id, unless HTTP Basic says it.
    #[schema(max_length = 100)]
    client_id: Option<String>,
    /// A key of the client, unless HTTP Basic says it.
    #[schema(max_length = 200, format = Password)]
    client_secret: Option<String>,
}

async fn form(request: &HttpRequest, body: web::Payload) -> Result<Form, Failure> {
    if !request.content_type().eq_ignore_ascii_case(FORM) {
        return Err(Problem::UnsupportedMediaType(FORM).into());
    }
    let cut_off = || Problem::malformed("Isi permintaan tidak sampai dengan utuh.", "The body did not arrive whole.");
    let body = body.to_bytes_limited(FORM_LIMIT).await.map_err(|_| Problem::TooLarge(FORM_LIMIT))?;
    Ok(Form::read(&body.map_err(|_| cut_off())?)?)
}

fn told(failure: Failure) -> Result<HttpResponse, Problem> {
    match failure {
        Failure::Refused(refusal) => Ok(refusal.respond()),
        Failure::Failed(problem) => Err(problem),
    }
}

/// Get an access token for a client's key
///
/// The client-credentials grant of OAuth 2.0 (RFC 6749, 4.4): the client names itself by HTTP Basic or in the form, never
/// both. The token lives for 15 minutes, and ends with the key. A client may as well send its key itself as the bearer.
/// The token is never stored, so the operation takes no `Idempotency-Key`. Errors are OAuth's.
#[utoipa::path(
    tag = "clients", operation_id = "get_client_token",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token", body = ClientToken),
        (status = 400, description = "`invalid_request`, `unsupported_grant_type` or `invalid_scope`; where the request cannot be read at all, `malformed` or `invalid-query`", content((Refusal = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 401, description = "`invalid_client`: no such client, or no key of it that holds here and now", body = Refusal),
    ),
)]
#[post("/oauth/token")]
async fn token(public: Public, request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Problem> {
    let granted = async { oauth::grant(&public, request.headers(), &form(&request, body).await?).await };
    match granted.await {
        Ok(token) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(token)),
        Err(failure) => told(failure),
    }
}

/// Take an access token back
///
/// RFC 7009, for a client's own access tokens. What is no token of this service, or none any more, is taken back already.
/// Errors are OAuth's.
#[utoipa::path(
    tag = "clients", operation_id = "revoke_client_token",
    request_body(content = RevocationRequest, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The token holds no more"),
        (status = 400, description = "`invalid_request`, or `unsupported_token_type` for a key; where the request cannot be read at all, `malformed` or `invalid-query`", content((Refusal = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 401, description = "`invalid_client`: no such client, or no key of it that holds here and now", body = Refusal),
    ),
)]
#[post("/oauth/revoke")]
async fn revoke(public: Public, request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Problem> {
    let revoked = async { oauth::revoke(&public, request.headers(), &form(&request, body).await?).await };
    match revoked.await {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()),
        Err(failure) => told(failure),
    }
}

/// Where clients find what they need to get tokens (RFC 8414).
#[derive(Serialize, ToSchema)]
pub struct AuthorizationServer {
    pub issuer: String,
    pub token_endpoint: String,
    pub revocation_endpoint: String,
    pub jwks_uri: String,
    pub grant_types_supported: [&'static str; 1],
    /// None: nobody is sent here by a browser.
    pub response_types_supported: Vec<String>,
    pub token_endpoint_auth_methods_supported: [&'static str; 2],
    pub revocation_endpoint_auth_methods_supported: [&'static str; 2],
    pub scopes_supported: Vec<&'static str>,
    pub service_documentation: String,
}

/// Read where clients get tokens
///
/// The metadata of OAuth 2.0 (RFC 8414).
#[utoipa::path(
    tag = "platform", operation_id = "get_authorization_server",
    responses((status = 200, description = "The metadata", body = AuthorizationServer)),
)]
#[get("/.well-known/oauth-authorization-server")]
async fn authorization_server(public: Public) -> HttpResponse {
    let issuer = public.service().settings.public_url.clone();
    let methods = ["client_secret_basic", "client_secret_post"];
    let for_clients = Action::ALL.iter().filter(|action| action.is_for_clients());
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).json(AuthorizationServer {
        token_endpoint: format!("{issuer}/api/v1/oauth/token"),
        revocation_endpoint: format!("{issuer}/api/v1/oauth/revoke"),
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        grant_types_supported: ["client_credentials"],
        response_types_supported: Vec::new(),
        token_endpoint_auth_methods_supported: methods,
        revocation_endpoint_auth_methods_supported: methods,
        scopes_supported: for_clients.map(|action| action.name()).collect(),
        service_documentation: format!("{issuer}/docs/"),
        issuer,
    })
}
