//! The HTTP face of the service: which resources there are, the app made of them, and the document made of
//! the app.

use actix_cors::Cors;
use actix_web::{
    App, Error, HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    guard::{GuardContext, fn_guard},
    http::{Method, header},
    middleware::{Compress, from_fn},
    web,
};
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa_actix_web::{AppExt, UtoipaApp, scope, service_config::ServiceConfig};

use crate::{
    access, accounts, document, documents, focus_areas,
    front::front,
    ledger, me, memberships, participants, phases,
    platform::{self, Swagger},
    problem::{Problem, ProblemBody},
    programs, questions,
    service::Service,
    shocks_and_stresses, sign_ins, stakeholders,
    valid::BodyLimit,
};

/// Every resource is named here, once, with the words that its paths begin with.
///
/// actix-web tries patterns one after the other, and one with a parameter is a regular expression: with all of
/// them in one scope, a sixth of the processor time of a read went there. So each resource has a scope of its own,
/// which a comparison of words picks.
fn resources(root: &mut ServiceConfig) {
    root.service(below(Beginning::Shared(&["openapi.json", "meta"]), platform::routes))
        .service(below(Beginning::Shared(&["auth"]), sign_ins::routes))
        .service(below(Beginning::Shared(&["me", "access"]), me::routes))
        .service(below(Beginning::Shared(&["accounts"]), accounts::routes))
        .service(below(Beginning::Shared(&["stakeholders"]), stakeholders::routes))
        .service(below(Beginning::OneProgram, programs::routes))
        .service(below(Beginning::InProgram("stakeholders"), participants::routes))
        .service(below(Beginning::InProgram("memberships"), memberships::routes))
        .service(below(Beginning::InProgram("phases"), phases::routes))
        .service(below(Beginning::InProgram("focus-areas"), focus_areas::routes))
        .service(below(Beginning::InProgram("shocks-and-stresses"), shocks_and_stresses::routes))
        .service(below(Beginning::InProgram("questions"), questions::routes))
        .service(below(Beginning::InProgram("documents"), documents::routes))
        .service(below(Beginning::Ledger, ledger::routes));
}

/// What the paths of a resource begin with, below `/api/v1/`.
#[derive(Clone, Copy)]
enum Beginning {
    /// One of these words.
    Shared(&'static [&'static str]),
    /// `programs`, and nothing else that is named here.
    OneProgram,
    /// `programs/{program}/` and this word.
    InProgram(&'static str),
    /// `ledger`, or `programs/{program}/ledger`.
    Ledger,
}

impl Beginning {
    fn begins(self, first: &str, inside: Option<&str>) -> bool {
        match self {
            Beginning::Shared(known) => known.contains(&first),
            Beginning::OneProgram => {
                let own = ["history", "summary", "transitions"];
                first == "programs" && inside.is_none_or(|word| own.contains(&word))
            }
            Beginning::InProgram(known) => inside == Some(known),
            Beginning::Ledger => first == "ledger" || inside == Some("ledger"),
        }
    }
}

/// Where the words stand in a path that a beginning looks at: found once for each request, not for each resource.
#[derive(Clone, Copy)]
struct Words {
    /// Where the first word below `/api/v1/` ends.
    first: usize,
    /// Of `programs/{program}/…`: where the word after the programme begins and ends.
    inside: Option<(usize, usize)>,
}

impl Words {
    const BEGIN: usize = BASE.len() + 1;

    fn of(path: &str) -> Words {
        let end = |begin: usize| path.get(begin..).and_then(|rest| rest.find('/')).map(|length| begin + length);
        let Some(first) = end(Words::BEGIN) else { return Words { first: path.len(), inside: None } };
        let inside = match path.get(Words::BEGIN..first) {
            Some("programs") => end(first + 1).map(|program| (program + 1, end(program + 1).unwrap_or(path.len()))),
            _ => None,
        };
        Words { first, inside }
    }
}

fn below(
    beginning: Beginning,
    routes: fn(&mut ServiceConfig),
) -> scope::Scope<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>,
> {
    let begins = move |on: &GuardContext<'_>| {
        let known = on.req_data().get::<Words>().copied();
        let path = on.head().uri.path();
        let words = known.unwrap_or_else(|| {
            let words = Words::of(path);
            on.req_data_mut().insert(words);
            words
        });
        let first = path.get(Words::BEGIN..words.first).unwrap_or_default();
        beginning.begins(first, words.inside.and_then(|(begin, end)| path.get(begin..end)))
    };
    scope::scope(BASE).guard(fn_guard(begins)).configure(routes)
}

const BASE: &str = "/api/v1";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tangguh",
        version = "1",
        description = "The API of record for city resilience programmes: who worked out what, what it rests on and what came of it.\n\nSign in with `POST /api/v1/auth/login` and send the access token as `Authorization: Bearer …`. Every failure is an RFC 9457 problem that names every wrong field. Changing takes the ETag that you read as `If-Match`; anything that makes or acts takes an `Idempotency-Key`, so that it can be repeated safely.",
        license(name = "MIT OR Apache-2.0", url = "https://spdx.org/licenses/MIT.html"),
        contact(name = "The Tangguh contributors", url = "https://example.org/tangguh"),
    ),
    tags(
        (name = "platform", description = "What the service says of itself."),
        (name = "sign-ins", description = "Signing in and out, passwords."),
        (name = "me", description = "Your own account and memberships."),
        (name = "access", description = "Who may do what, and why."),
        (name = "accounts", description = "People's sign-ins, for admins."),
        (name = "stakeholders", description = "Organisations, shared by all programmes."),
        (name = "programs", description = "One city's work on its resilience."),
        (name = "participants", description = "The organisations that take part in a programme."),
        (name = "memberships", description = "Who has which role in a programme, for which organisation."),
        (name = "phases", description = "The stretches of a programme."),
        (name = "focus-areas", description = "The main problem fields of a programme."),
        (name = "shocks-and-stresses", description = "What hits the city."),
        (name = "questions", description = "Analysis questions: revised, never edited; moved, merged, split, never lost."),
        (name = "documents", description = "What facts rest on."),
        (name = "ledger", description = "Every change, in order."),
    ),
    components(schemas(ProblemBody)),
)]
struct Heading;

fn routes() -> UtoipaApp<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>,
> {
    App::new().into_utoipa_app().openapi(Heading::openapi()).configure(platform::root).configure(resources)
}

/// The app that serves. What it needs of the service, its doors take from `service`.
pub fn app(
    service: web::Data<Service>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let cors = cors(&service.settings.cors_origins);
    let limit = service.settings.body_limit;
    routes()
        .app_data(web::Data::from(service.schemas.clone()))
        .app_data(service)
        .app_data(web::Data::new(Swagger::default()))
        .app_data(BodyLimit(limit))
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            let text = error.to_string();
            Problem::malformed(format!("kueri tidak dapat dibaca: {text}"), text).into()
        }))
        .map(|app| {
            app.route("/docs", web::get().to(Swagger::serve))
                .route("/docs/{file:.*}", web::get().to(Swagger::serve))
                .default_service(web::to(nowhere))
                .wrap(from_fn(access::authenticate))
                .wrap(from_fn(accept))
                .wrap(cors)
                .wrap(Compress::default())
                .wrap(from_fn(front))
        })
        .split_for_parts()
        .0
}

/// Browsers may call from the named origins. Tokens go in a header, so no cookies are allowed.
fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers(["authorization", "content-type", "accept", "accept-language", "if-match", "if-none-match"])
        .allowed_headers(["idempotency-key", "x-request-id"])
        .expose_headers(["etag", "link", "location", "retry-after", "x-request-id", "content-language"])
        .expose_headers(["idempotency-replayed", "dry-run", "ratelimit", "ratelimit-policy", "deprecation", "sunset"])
        .max_age(3600)
        .block_on_origin_mismatch(false)
}

/// A path that there is not, or a method that a path does not know; and what OPTIONS asks of one that there is.
async fn nowhere(request: HttpRequest, service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    match service.operations.methods(request.path()) {
        Some(methods) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((header::ALLOW, methods.join(", "))).finish())
        }
        // A word of the path was percent-encoded for no reason: nobody else is sent here with a method that fits.
        Some(methods) if methods.iter().any(|method| method == request.method().as_str()) => Err(Problem::NotFound),
        Some(methods) => Err(Problem::MethodNotAllowed(methods.to_vec())),
        None => Err(Problem::NotFound),
    }
}

/// Refuses what we cannot answer in: everything below `/api/v1` is JSON.
async fn accept(
    request: ServiceRequest,
    next: actix_web::middleware::Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let wanted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let json = wanted.is_none_or(|wanted| {
        wanted.trim().is_empty()
            || wanted.split(',').any(|range| {
                let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
                let media = parts.next().unwrap_or_default();
                let refused =
                    parts.any(|part| matches!(part.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
                !refused
                    && matches!(
                        media.as_str(),
                        "*/*" | "application/*" | "application/json" | "application/problem+json"
                    )
            })
    });
    if !json && request.path().starts_with("/api/v1/") {
        let refused = actix_web::ResponseError::error_response(&Problem::NotAcceptable(vec!["application/json"]));
        return Ok(request.into_response(refused).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// What the examples are made of: real requests and answers, recorded by a test.
const EXAMPLES: &str = include_str!("../openapi/examples.json");

/// The document that describes the routes that the service really has: it is made from them.
pub fn document() -> Value {
    let examples = serde_json::from_str(EXAMPLES).unwrap_or_default();
    document::finish(routes().split_for_parts().1, &examples)
}
