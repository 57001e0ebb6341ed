//! The HTTP face of the service: which resources there are, the app made of them, and the document made of
//! the app.

use actix_cors::Cors;
use actix_web::{
    App, Error, HttpRequest, HttpResponse, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    guard::{Guard, fn_guard},
    http::{Method, header},
    middleware::{Compress, from_fn},
    web,
};
use serde_json::Value;
use utoipa::OpenApi as _;

use crate::{
    access, accounts, asked_said_did, ballots, clients, consultations, coverage, criteria, decisions, document,
    documents, events, feed, focus_areas, frameworks,
    front::{front, in_public_view},
    inputs, invitations, ledger, mail, mappings, me, memberships, pages, participants, personal_data, phases,
    platform::{self, Swagger},
    problem::{FieldError, Problem, ProblemBody},
    programs, public, questions,
    routes::Routes,
    service::Service,
    shocks_and_stresses, sign_ins, stakeholders, statements, translations,
    valid::BodyLimit,
    webhooks,
};

/// Every resource is named here, once, with the words that its paths begin with.
///
/// actix-web tries patterns one after the other, and one with a parameter is a regular expression: with all of
/// them in one scope, a sixth of the processor time of a read went there. So each resource has a scope of its own,
/// which a comparison of words picks.
fn resources(root: &mut Routes<'_>) {
    platform::root(root);
    clients::metadata_routes(root);
    root.below(BASE, Beginning::Shared(&["openapi.json", "meta"]).guard(), platform::routes)
        .below(BASE, Beginning::Shared(&["auth"]).guard(), sign_ins::routes)
        .below(BASE, Beginning::Shared(&["oauth"]).guard(), clients::oauth_routes)
        .below(BASE, Beginning::Shared(&["me", "access"]).guard(), me::routes)
        .below(BASE, Beginning::Shared(&["accounts"]).guard(), accounts::routes)
        .below(BASE, Beginning::Shared(&["invitations"]).guard(), invitations::routes)
        .below(BASE, Beginning::Shared(&["mails"]).guard(), mail::routes)
        .below(BASE, Beginning::Shared(&["personal-data"]).guard(), personal_data::routes)
        .below(BASE, Beginning::Shared(&["stakeholders"]).guard(), stakeholders::routes)
        .below(BASE, Beginning::Shared(&["frameworks"]).guard(), frameworks::routes)
        .below(BASE, Beginning::Shared(&["public"]).guard(), public::routes)
        .below(BASE, Beginning::OneProgram.guard(), programs::routes)
        .below(BASE, Beginning::InProgram("stakeholders").guard(), participants::routes)
        .below(BASE, Beginning::InProgram("memberships").guard(), memberships::routes)
        .below(BASE, Beginning::InProgram("clients").guard(), clients::routes)
        .below(BASE, Beginning::InProgram("phases").guard(), phases::routes)
        .below(BASE, Beginning::InProgram("focus-areas").guard(), focus_areas::routes)
        .below(BASE, Beginning::InProgram("shocks-and-stresses").guard(), shocks_and_stresses::routes)
        .below(BASE, Beginning::InProgram("questions").guard(), questions::routes)
        .below(BASE, Beginning::InProgram("documents").guard(), documents::routes)
        .below(BASE, Beginning::InProgram("events").guard(), events::routes)
        .below(BASE, Beginning::InProgram("ballots").guard(), ballots::routes)
        .below(BASE, Beginning::InProgram("decisions").guard(), decisions::routes)
        .below(BASE, Beginning::InProgram("mappings").guard(), mappings::routes)
        .below(BASE, Beginning::InProgram("criteria").guard(), criteria::routes)
        .below(BASE, Beginning::InProgram("coverage").guard(), coverage::routes)
        .below(BASE, Beginning::InProgram("statements").guard(), statements::routes)
        .below(BASE, Beginning::InProgram("consultations").guard(), consultations::routes)
        .below(BASE, Beginning::InProgram("inputs").guard(), inputs::routes)
        .below(BASE, Beginning::InProgram("input-imports").guard(), inputs::import_routes)
        .below(BASE, Beginning::InProgram("asked-said-did").guard(), asked_said_did::routes)
        .below(BASE, Beginning::InProgram("webhooks").guard(), webhooks::routes)
        .below(BASE, Beginning::InProgram("translations").guard(), translations::routes)
        .below(BASE, Beginning::Feed.guard(), feed::routes)
        .below(BASE, Beginning::Ledger.guard(), ledger::routes);
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
    /// `changes` or `event-types`, or `programs/{program}/` and `changes` or `snapshot`.
    Feed,
    /// `ledger`, or `programs/{program}/ledger`.
    Ledger,
}

impl Beginning {
    fn begins(self, first: &str, inside: Option<&str>) -> bool {
        match self {
            Beginning::Shared(known) => known.contains(&first),
            Beginning::OneProgram => {
                let own = ["diff", "history", "summary", "transitions"];
                first == "programs" && inside.is_none_or(|word| own.contains(&word))
            }
            Beginning::InProgram(known) => inside == Some(known),
            Beginning::Feed => {
                ["changes", "event-types"].contains(&first)
                    || inside.is_some_and(|word| ["changes", "snapshot"].contains(&word))
            }
            Beginning::Ledger => first == "ledger" || inside == Some("ledger"),
        }
    }

    /// Lets the requests through whose paths begin so.
    fn guard(self) -> impl Guard {
        fn_guard(move |on| {
            let known = on.req_data().get::<Words>().copied();
            let path = on.head().uri.path();
            let words = known.unwrap_or_else(|| {
                let words = Words::of(path);
                on.req_data_mut().insert(words);
                words
            });
            let first = path.get(Words::BEGIN..words.first).unwrap_or_default();
            self.begins(first, words.inside.and_then(|(begin, end)| path.get(begin..end)))
        })
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
        (name = "sign-ins", description = "Signing in and out, passwords, and what comes back from mails."),
        (name = "me", description = "Your own account and memberships."),
        (name = "access", description = "Who may do what, and why."),
        (name = "accounts", description = "People's sign-ins, for admins."),
        (name = "invitations", description = "Bringing in people who have no account yet."),
        (name = "personal-data", description = "What is kept of people, and what they can ask of it: to see it, to have it corrected, restricted or erased. Who was shown whose data."),
        (name = "mails", description = "What the service writes to people, for admins: what waits, what went out, what did not."),
        (name = "stakeholders", description = "Organisations, shared by all programmes."),
        (name = "programs", description = "One city's work on its resilience."),
        (name = "participants", description = "The organisations that take part in a programme."),
        (name = "memberships", description = "Who has which role in a programme, for which organisation."),
        (name = "clients", description = "Machines' credentials, each of one organisation in one programme, and their tokens."),
        (name = "phases", description = "The stretches of a programme."),
        (name = "focus-areas", description = "The main problem fields of a programme."),
        (name = "shocks-and-stresses", description = "What hits the city."),
        (name = "questions", description = "Analysis questions: revised, never edited; moved, merged, split, never lost."),
        (name = "documents", description = "What facts rest on."),
        (name = "frameworks", description = "Editions of resilience frameworks: reference data."),
        (name = "events", description = "What people met for: stages, attendance, minutes, follow-ups."),
        (name = "ballots", description = "Questions put to the electorate of a stage, and what came of it."),
        (name = "decisions", description = "What was decided on which revision of which question, and why."),
        (name = "mappings", description = "How the programme's work touches a framework edition."),
        (name = "criteria", description = "Base criteria of resilience."),
        (name = "statements", description = "Resilience statements, what they rest on, and who stands behind them."),
        (name = "consultations", description = "Calls for input."),
        (name = "inputs", description = "What organisations send for themselves, and what became of it."),
        (name = "public", description = "What is published, for everybody."),
        (name = "feed", description = "Following a programme: what changed, a snapshot to begin with, the types of events."),
        (name = "webhooks", description = "Being told of a programme's changes as they happen, by Standard Webhooks 1.0."),
        (name = "ledger", description = "Every change, in order."),
    ),
    components(schemas(ProblemBody, webhooks::WebhookMessage)),
)]
struct Heading;

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
    App::new()
        .configure(|app| resources(&mut Routes::serving(app)))
        .app_data(web::Data::from(service.schemas.clone()))
        .app_data(service)
        .app_data(web::Data::new(Swagger::default()))
        .app_data(BodyLimit(limit))
        .app_data(web::PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| {
            let text = error.to_string();
            Problem::malformed(format!("kueri tidak dapat dibaca: {text}"), text).into()
        }))
        .route("/docs", web::get().to(Swagger::serve))
        .route("/docs/{file:.*}", web::get().to(Swagger::serve))
        .default_service(web::to(nowhere))
        .wrap(from_fn(known_method))
        .wrap(from_fn(access::authenticate))
        .wrap(from_fn(accept))
        .wrap(cors)
        .wrap(Compress::default())
        .wrap(from_fn(front))
}

/// Browsers may call from the named origins, and from any for the public view. Tokens go in a header, so no cookies are allowed.
fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allowed_origin_fn(|_, asked| in_public_view(asked.uri.path()))
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers(["authorization", "content-type", "accept", "accept-language", "if-match", "if-none-match"])
        .allowed_headers(["idempotency-key", "x-request-id"])
        .expose_headers(["etag", "link", "location", "retry-after", "x-request-id", "content-language"])
        .expose_headers(["idempotency-replayed", "dry-run", "ratelimit", "ratelimit-policy", "deprecation", "sunset"])
        .expose_headers(["repr-digest"])
        .max_age(3600)
        .block_on_origin_mismatch(false)
}

/// A path that there is not; and what OPTIONS asks of one that there is.
async fn nowhere(request: HttpRequest, service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    match service.operations.methods(request.path()) {
        Some(methods) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((header::ALLOW, methods.join(", "))).finish())
        }
        _ => Err(Problem::NotFound),
    }
}

/// The answer to a request that goes no further.
fn refuse<B>(request: ServiceRequest, problem: &Problem) -> ServiceResponse<EitherBody<B>> {
    request.into_response(problem.error_response()).map_into_right_body()
}

/// Refuses a method that a path does not know. The routes would take `GET /things/batch` for `GET /things/{id}`.
async fn known_method(
    request: ServiceRequest,
    next: actix_web::middleware::Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let service = request.app_data::<web::Data<Service>>();
    let methods = service.and_then(|service| service.operations.methods(request.path()));
    let unknown = methods.filter(|methods| !methods.iter().any(|method| method == request.method().as_str()));
    if let Some(methods) = unknown {
        let problem = Problem::MethodNotAllowed(methods.to_vec());
        return Ok(refuse(request, &problem));
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// Many more than any operation has. Each is compared with all before it: ten thousand, for which there is room in a
/// path, would keep a thread busy for a second.
const MOST_PARAMETERS: usize = 100;

/// Refuses paths that can name nothing, queries that can ask for nothing, and what we cannot answer in: below `/api/v1` the document says what an operation answers in, mostly JSON.
async fn accept(
    request: ServiceRequest,
    next: actix_web::middleware::Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let names_nothing = || {
        // No name has a zero byte, and PostgreSQL takes none in a text: such a path names nothing.
        if request.path().contains("%00") {
            return Some(Problem::NotFound);
        }
        let parameters = request.query_string().bytes().filter(|byte| *byte == b'&').count();
        (parameters >= MOST_PARAMETERS).then(|| {
            let (id, en) = ("terlalu banyak parameter", "too many parameters");
            Problem::InvalidQuery(vec![FieldError::new("?", "too_many", id, en)])
        })
    };
    if let Some(problem) = names_nothing() {
        return Ok(refuse(request, &problem));
    }
    let wanted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    // Failures are JSON of a kind of their own: whoever asks for that takes JSON.
    const USUAL: &[&str] = &["application/json", "application/problem+json"];
    if !pages::accepts(wanted, USUAL) && request.path().starts_with("/api/v1/") {
        let service = request.app_data::<web::Data<Service>>();
        let offered = service.map_or(&[][..], |service| service.operations.media(request.method(), request.path()));
        if !pages::accepts(wanted, offered) {
            let offered = if offered.is_empty() { USUAL[..1].to_vec() } else { offered.to_vec() };
            return Ok(refuse(request, &Problem::NotAcceptable(offered)));
        }
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// What the examples are made of: real requests and answers, recorded by a test.
const EXAMPLES: &str = include_str!("../openapi/examples.json");

/// The document that describes the routes that the service really has: it is made from them.
pub fn document() -> Value {
    let examples = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let mut told = Heading::openapi();
    // An app that nobody starts: what its operations say of themselves is all that is wanted of it.
    let _ = App::new().configure(|app| resources(&mut Routes::documenting(app, &mut told)));
    document::finish(told, &examples)
}
