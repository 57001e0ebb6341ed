//! What stands in front of every handler: the request's id, its line in the access log, its numbers, the
//! headers that every answer has, and problems in the reader's language.

use std::{borrow::Cow, fmt::Write as _, time::Instant};

use actix_web::{
    Error, HttpMessage,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use crate::{
    limits::Allowance,
    problem::{Lang, Problem},
    service::Service,
};

/// The id that a request bears in logs, ledger and answers: the client's own, or one that we make.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Says that what was asked was only tried: nothing of it is kept.
pub const DRY_RUN: HeaderName = HeaderName::from_static("dry-run");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const ID_MAX: usize = 100;

/// Wraps every request. It decides nothing about rights.
pub async fn front<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let began = Instant::now();
    let service = request.app_data::<web::Data<Service>>().cloned();
    let id = request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Lang::of(language);
    // HEAD is GET without the body, which the HTTP layer leaves away since it knows what was asked.
    let method = request.method().clone();
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }

    let mut response = match next.call(request).await {
        Ok(response) => response.map_into_left_body(),
        Err(error) => return Err(error),
    };
    let problem = response.response().extensions().get::<Problem>().cloned().or_else(|| middlewares(&response));
    if let Some(problem) = problem {
        let mut told = problem.respond(language, response.request().path(), &id);
        // What CORS said of the answer holds for its problem too: else no browser could read it. And a trial that is
        // refused was a trial.
        for (name, value) in response.headers() {
            if name.as_str().starts_with("access-control-") || name == DRY_RUN {
                told.headers_mut().append(name.clone(), value.clone());
            }
        }
        response = response.into_response(told).map_into_right_body();
    }
    let known = service.as_ref().and_then(|service| service.operations.pattern(response.request().path()));
    let route = known.map(Cow::Borrowed).or_else(|| response.request().match_pattern().map(Cow::Owned));
    let public = route.as_deref().is_some_and(|route| !route.starts_with("/api/v1/"));
    let for_everybody = in_public_view(response.request().path());
    // A cache would tell everybody what is left to one.
    let allowance =
        response.request().extensions().get::<Allowance>().and_then(Allowance::headers).filter(|_| !for_everybody);
    let headers = response.headers_mut();
    if let Some((policy, limit)) = allowance {
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, limit)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in SECURITY {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    // Pages say themselves what they need.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NO_PAGE));
    }
    // What must go out exactly as it is says so to the compression by a coding that is none.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    if for_everybody {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding, Accept-Language"));
    } else if !public {
        let vary = "Authorization, Accept, Accept-Encoding, Accept-Language, Origin";
        headers.insert(header::VARY, HeaderValue::from_static(vary));
    }
    if let Some(service) = &service {
        let took = began.elapsed();
        let status = response.status().as_u16();
        service.metrics.answered(&method, route.as_deref().unwrap_or("unmatched"), status, took);
        if log::log_enabled!(target: "access", log::Level::Info) {
            log_line(&response, service, &method, &id, status, took);
        }
    }
    Ok(response)
}

/// Whether a path is of the public view: one answer for everybody, from whatever site it is asked.
pub fn in_public_view(path: &str) -> bool {
    ["/api/v1/public", "/api/v1/frameworks", "/api/v1/event-types"]
        .iter()
        .filter_map(|beginning| path.strip_prefix(beginning))
        .any(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a middleware refused without knowing of problems: CORS a preflight, compression every coding.
fn middlewares<B>(response: &ServiceResponse<B>) -> Option<Problem> {
    // OAuth's endpoints refuse in words of their own, which are JSON.
    if response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json") {
        return None;
    }
    match response.status() {
        StatusCode::BAD_REQUEST => Some(Problem::malformed(
            "Asal, metode, atau header ini tidak diizinkan untuk permintaan dari situs lain.",
            "This origin, method or header is not allowed in requests from other sites.",
        )),
        StatusCode::NOT_ACCEPTABLE => Some(Problem::NotAcceptable(vec!["gzip", "deflate", "identity"])),
        _ => None,
    }
}

const SECURITY: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("cross-origin-resource-policy", "cross-origin"),
];

/// What is no page loads nothing and stands in no frame, whatever a browser takes it for.
const NO_PAGE: &str = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/// One line for each request: never a query's values, a header or a body, since secrets may be in them.
fn log_line<B>(
    response: &ServiceResponse<B>,
    service: &Service,
    method: &Method,
    id: &str,
    status: u16,
    took: std::time::Duration,
) {
    let request = response.request();
    let address = crate::proxies::client_address(request, &service.settings.trusted_proxies);
    let mut line = String::with_capacity(160);
    if let Some(address) = address {
        let _ = write!(line, "{address} ");
    }
    let _ = write!(line, "{method} {} {status} {}us {id}", request.path(), took.as_micros());
    log::info!(target: "access", "{line}");
}

fn request_id(request: &ServiceRequest) -> String {
    let given = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()));
    match given {
        Some(id) => id.to_owned(),
        None => uuid::Uuid::now_v7().to_string(),
    }
}
