//! What utoipa's document becomes before it is published: the same facts, said in full.
//!
//! Handlers say what only they know. What follows from that is added here, in one place: which errors
//! an operation can have, which headers it answers with, that bodies refuse unknown members, what a
//! merge patch and a partial view look like. The result is also what bodies are checked against
//! ([`crate::valid::Schemas`]), so document and check cannot differ.

mod events;
mod schemas;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::{
    policy::Action,
    problem::{FieldError, Lang, MEDIA_TYPE, Problem},
};
use schemas::{Components, Derived, reference};

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Completes the document. `examples` is by operation id:
/// `{"ask_question": {"request": body, "response": {"status": 201, "body": body}}}`.
pub fn finish(openapi: OpenApi, examples: &Value) -> Value {
    let mut document = serde_json::to_value(openapi).expect("an OpenAPI document is JSON");
    document["servers"] = json!([{"url": "/"}]);
    let mut components = match document["components"]["schemas"].take() {
        Value::Object(components) => components,
        _ => Components::new(),
    };

    merge_all_of(&mut document, &mut components);
    close_bodies(&mut document, &mut components);
    describe_patches(&mut document, &mut components);
    describe_views(&mut document, &mut components);
    // A document of some operations alone tells of no messages.
    if components.contains_key("WebhookMessage") {
        document["webhooks"] = events::webhooks();
    }
    schemas::drop_unused(&json!([document["paths"], document["webhooks"]]), &mut components);
    document["components"]["schemas"] = components.into();

    let components = &document["components"]["schemas"].clone();
    for (method, operation) in operations(&mut document) {
        add_errors(operation);
        add_headers(method, operation, components);
        add_examples(operation, examples);
        if let Some(Value::Object(responses)) = operation.get_mut("responses") {
            responses.sort_keys();
        }
    }
    add_components(&mut document);
    forget_unused_responses(&mut document);
    document
}

fn operations(document: &mut Value) -> impl Iterator<Item = (&str, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths
        .filter_map(|(_, item)| item.as_object_mut())
        .flatten()
        .map(|(method, operation)| (method.as_str(), operation))
        .filter(|(method, _)| METHODS.contains(method))
}

/// The schemas in the media types of a request body or a response.
fn content_schemas(of: &mut Value) -> impl Iterator<Item = &mut Value> {
    let content = of.get_mut("content").and_then(Value::as_object_mut);
    content.into_iter().flatten().filter_map(|(_, media)| media.get_mut("schema"))
}

fn operation_schemas(operation: &mut Value) -> Vec<&mut Value> {
    let mut found = Vec::new();
    for (key, value) in operation.as_object_mut().into_iter().flatten() {
        match (key.as_str(), value) {
            ("parameters", Value::Array(parameters)) => {
                found.extend(parameters.iter_mut().filter_map(|one| one.get_mut("schema")));
            }
            ("requestBody", body) => found.extend(content_schemas(body)),
            ("responses", Value::Object(responses)) => {
                found.extend(responses.iter_mut().flat_map(|(_, one)| content_schemas(one)));
            }
            _ => {}
        }
    }
    found
}

fn each_schema(document: &mut Value, components: &mut Components, pass: impl Fn(&mut Value)) {
    components.values_mut().for_each(&pass);
    for (_, operation) in operations(document) {
        operation_schemas(operation).into_iter().for_each(&pass);
    }
}

fn merge_all_of(document: &mut Value, components: &mut Components) {
    let written = components.clone();
    each_schema(document, components, |schema| schemas::merge_all_of(schema, &written));
    let merged = components.clone();
    each_schema(document, components, |schema| schemas::name_objects(schema, &merged));
}

fn close_bodies(document: &mut Value, components: &mut Components) {
    let mut seen = BTreeSet::new();
    for (_, operation) in operations(document) {
        if let Some(body) = operation.get_mut("requestBody") {
            content_schemas(body).for_each(|schema| schemas::close(schema, components, &mut seen));
        }
    }
}

/// A handler declares the resource whose merge patch it takes; the document tells the patch, and as
/// `x-merged` what the patched whole must be.
fn describe_patches(document: &mut Value, components: &mut Components) {
    let mut derived = Derived::default();
    for (_, operation) in operations(document) {
        let content = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        let Some(content) = content.filter(|content| content.contains_key(MERGE_PATCH)) else {
            continue;
        };
        let patch = &mut content[MERGE_PATCH];
        patch["x-merged"] = patch["schema"].clone();
        patch["schema"] = derived.patch(&patch["schema"], components);
        let patch = patch.clone();
        content.insert(JSON.into(), patch);
    }
    derived.add_to(components);
}

fn describe_views(document: &mut Value, components: &mut Components) {
    let mut derived = Derived::default();
    for (_, operation) in operations(document) {
        if !["fields", "view", "expand"].iter().any(|name| has_parameter(operation, "query", name)) {
            continue;
        }
        if let Some(schema) = operation.pointer_mut("/responses/200/content/application~1json/schema") {
            let view = derived.view(schema, components);
            *schema = json!({"anyOf": [schema, view]});
        }
    }
    derived.add_to(components);
}

fn has_parameter(operation: &Value, place: &str, name: &str) -> bool {
    parameters(operation, place)
        .any(|parameter| parameter["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name)))
}

fn parameters<'a>(operation: &'a Value, place: &'a str) -> impl Iterator<Item = &'a Value> {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.into_iter().flatten().filter(move |parameter| parameter["in"] == place)
}

fn scopes(operation: &Value) -> Option<Vec<&str>> {
    let requirements = operation.get("security")?.as_array()?.iter().filter_map(Value::as_object);
    let requirements: Vec<_> = requirements.filter(|one| !one.is_empty()).collect();
    let scopes = requirements.iter().flat_map(|one| one.values()).filter_map(Value::as_array);
    (!requirements.is_empty()).then(|| scopes.flatten().filter_map(Value::as_str).collect())
}

/// The statuses of the errors that an operation with this shape can have.
fn error_statuses(operation: &Value) -> BTreeSet<u16> {
    // An operation refuses parameters that it does not have.
    let mut statuses = BTreeSet::from([400, 406, 500, 503]);
    // What says how the service is, and the keys, may be asked without a limit.
    if of_a_resource(operation) {
        statuses.insert(429);
    }
    if let Some(scopes) = scopes(operation) {
        statuses.insert(401);
        // One's own account needs no right.
        if scopes.is_empty() || !scopes.iter().all(|scope| scope.starts_with("me.")) {
            statuses.insert(403);
        }
    }
    if parameters(operation, "path").next().is_some() {
        statuses.insert(404);
    }
    if let Some(body) = operation.get("requestBody") {
        statuses.extend([413, 415]);
        // OAuth's endpoints take forms, and have errors of their own.
        if body["content"].get(FORM).is_none() {
            statuses.insert(422);
        }
    }
    if has_parameter(operation, "header", "If-Match") {
        statuses.extend([412, 428]);
    }
    if has_parameter(operation, "header", "Idempotency-Key") {
        statuses.extend([409, 422]);
    }
    statuses
}

fn add_errors(operation: &mut Value) {
    let statuses = error_statuses(operation);
    let declared = &mut operation["responses"];
    if !declared.is_object() {
        *declared = json!({});
    }
    let dangerous = scopes(operation).is_some_and(|scopes| scopes.iter().any(|scope| is_dangerous(scope)));
    let declared = &mut operation["responses"];
    for status in statuses {
        let kind = if status == 401 && dangerous { STEP_UP } else { status };
        if let Some((_, name, ..)) = ERRORS.iter().find(|(known, ..)| *known == kind)
            && declared.get(status.to_string()).is_none()
        {
            declared[status.to_string()] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
    // What a handler says in its own words has the same body and headers.
    for (status, response) in declared.as_object_mut().into_iter().flatten() {
        if status.starts_with(['4', '5']) && response.get("$ref").is_none() && response.get("content").is_none() {
            response["headers"] = error_headers(status.parse().unwrap_or_default()).into();
            response["content"] = json!({MEDIA_TYPE: {"schema": reference("Problem")}});
        }
    }
}

fn header_reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn add_headers(method: &str, operation: &mut Value, components: &Value) {
    let of_a_resource = of_a_resource(operation);
    // What comes while somebody waits for it is kept by nobody.
    let kept = of_a_resource && !has_parameter(operation, "query", "wait");
    // The public view is kept by caches, which would tell everybody what is left to one.
    let for_everybody = ["public", "frameworks", "feed"].iter().any(|tag| operation["tags"][0] == *tag);
    let limited = of_a_resource && !(for_everybody && scopes(operation).is_none());
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        if response.get("$ref").is_some() {
            continue;
        }
        let mut names = vec!["X-Request-Id"];
        let body = response.pointer("/content/application~1json/schema");
        let tagged = match (method, status.as_str()) {
            ("get", "200") => body.is_some(),
            (_, "200" | "201") => body.is_some_and(|body| has_revision(body, components)),
            _ => false,
        };
        if tagged && kept {
            names.push("ETag");
        }
        if status == "201" {
            names.push("Location");
        }
        if limited {
            names.extend(["RateLimit-Policy", "RateLimit"]);
        }
        let headers = response.as_object_mut().map(|response| response.entry("headers"));
        if let Some(headers) = headers.map(|entry| entry.or_insert_with(|| json!({}))) {
            for name in names.into_iter().rev() {
                if headers.get(name).is_none() {
                    headers[name] = header_reference(name);
                }
            }
        }
    }
}

/// Whether an operation is of a resource, and not of the service itself.
fn of_a_resource(operation: &Value) -> bool {
    operation["tags"].as_array().is_some_and(|tags| !tags.is_empty())
}

fn has_revision(schema: &Value, components: &Value) -> bool {
    if let Some(name) = schemas::referred(schema) {
        return has_revision(&components[name], components);
    }
    let choices = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    schema.pointer("/properties/revision").is_some()
        || choices.is_some_and(|all| all.iter().any(|one| has_revision(one, components)))
}

fn add_examples(operation: &mut Value, examples: &Value) {
    let example = operation["operationId"].as_str().and_then(|id| examples.get(id));
    let Some(example) = example else {
        return;
    };
    if let Some(request) = example.get("request") {
        set_example(operation.pointer_mut("/requestBody/content"), request);
    }
    if let Some(body) = example.pointer("/response/body") {
        let status = &example["response"]["status"];
        set_example(operation.pointer_mut(&format!("/responses/{status}/content")), body);
    }
}

/// Pages and Markdown say the same as the JSON does, in other words.
fn set_example(content: Option<&mut Value>, example: &Value) {
    let content = content.and_then(Value::as_object_mut).into_iter().flatten();
    for (_, media) in content.filter(|(kind, _)| kind.ends_with("json") || *kind == FORM) {
        media["example"] = example.clone();
    }
}

fn is_dangerous(scope: &str) -> bool {
    Action::named(scope).is_some_and(Action::is_dangerous)
}

/// In the place of a status: 401 of what is dangerous.
const STEP_UP: u16 = 0;

/// status, name in the document, description, example
type ErrorResponse = (u16, &'static str, &'static str, fn() -> Problem);

static ERRORS: &[ErrorResponse] = &[
    (400, "BadRequest", "The request cannot be read: `malformed`, `invalid-query`, `bad-cursor`, `bad-as-of`.", || {
        Problem::InvalidQuery(vec![FieldError::new("?limit", "too_large", "paling besar 200", "may be at most 200")])
    }),
    (
        401,
        "Unauthenticated",
        "There is no token or key, or it is not valid: `unauthenticated`, `invalid-token`.",
        || Problem::Unauthenticated,
    ),
    (
        STEP_UP,
        "StepUpRequired",
        "There is no token or key, or it is not valid: `unauthenticated`, `invalid-token`. Or you have not proved within 15 \
         minutes that it is you: `step-up-required`.",
        || Problem::StepUpRequired,
    ),
    (
        403,
        "Forbidden",
        "A member, but without the right: `forbidden`, `cannot-grant`, `not-own-organization`; a role that needs a second \
         factor: `second-factor-required`; a client: `for-people`.",
        || Problem::Forbidden { action: "question.revise", on: "programs/jakarta".into() },
    ),
    (404, "NotFound", "Nothing here, or nothing that the caller may see: `not-found`.", || Problem::NotFound),
    (406, "NotAcceptable", "None of the media types in `Accept` is to be had: `not-acceptable`.", || {
        Problem::NotAcceptable(vec![JSON])
    }),
    (
        409,
        "Conflict",
        "What is on record stands against it: `wrong-state`, `taken`, `last-holder`, `conflict`, `not-in-electorate`, \
         `ballot-not-open`, `rule-frozen`, `no-quorum`, `outcome-conflicts`, `gate-not-clear`, `already-published`, \
         `external-ref-taken`, `input-withdrawn`.",
        || Problem::WrongState { action: "question.revise", state: "merged".into() },
    ),
    (412, "Stale", "It was changed meanwhile, and nothing was overwritten: `stale`.", || Problem::Stale {
        revision: 4,
        etag: "\"4.9f2c41d07ab8e635\"".into(),
    }),
    (413, "TooLarge", "The body is past the limit: `too-large`.", || Problem::TooLarge(1 << 20)),
    (415, "UnsupportedMediaType", "The body is not of a type that is accepted here: `unsupported-media-type`.", || {
        Problem::UnsupportedMediaType(JSON)
    }),
    (
        422,
        "Invalid",
        "The content is not acceptable, all that is wrong being listed: `invalid`, `idempotency-key-reused`, \
         `other-edition`, `foreign-basis`.",
        || {
            Problem::Invalid(vec![FieldError::new(
                "/name/id",
                "too_long",
                "paling banyak 200 karakter",
                "may have at most 200 characters",
            )])
        },
    ),
    (428, "PreconditionRequired", "`If-Match` is missing: `precondition-required`.", || Problem::PreconditionRequired),
    (429, "TooManyRequests", "Past the share of requests: `too-many-requests`.", || Problem::TooManyRequests {
        retry_after_s: 7,
    }),
    (500, "Internal", "Something went wrong on our side: `internal`.", Problem::internal_example),
    (503, "Unavailable", "The service is busy or stopping: `busy`, `stopping`.", || Problem::Busy { retry_after_s: 1 }),
];

fn error_response((status, _, description, problem): &ErrorResponse) -> Value {
    let mut example = json!(problem().body(Lang::En));
    example["instance"] = "/api/v1/programs/jakarta/questions".into();
    example["request_id"] = "0198c5a2-7d3e-7c41-9a55-3f0e6b1d2c84".into();
    json!({
        "description": description,
        "headers": error_headers(if *status == STEP_UP { 401 } else { *status }),
        "content": {MEDIA_TYPE: {"schema": reference("Problem"), "example": example}},
    })
}

fn error_headers(status: u16) -> Map<String, Value> {
    let own = match status {
        401 => Some("WWW-Authenticate"),
        412 => Some("ETag"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    let names = own.into_iter().chain(["Content-Language", "X-Request-Id"]);
    names.map(|name| (name.to_owned(), header_reference(name))).collect()
}

const HEADERS: [(&str, &str); 8] = [
    ("Content-Language", "The language of the texts: `id` or `en`."),
    ("ETag", "The revision and a digest of this body: what `If-Match` and `If-None-Match` take."),
    ("Location", "The path of what was made."),
    ("RateLimit", "What is left of each policy (`r`), and the seconds until all of it is there again (`t`)."),
    (
        "RateLimit-Policy",
        "How many requests (`q`) the caller may send within so many seconds (`w`). None where the operator set none.",
    ),
    ("Retry-After", "Seconds to wait before trying again."),
    ("WWW-Authenticate", "`Bearer`, and what is wrong with the token."),
    ("X-Request-Id", "The request's id: the one that was sent, or one that was made for it."),
];

const BEARER: &str = "The access token of a sign-in (15 minutes). \
     The scope that stands at an operation is the action that the caller's role must include; a token \
     says who somebody is and carries no rights. `GET /api/v1/access/matrix` tells which role may do \
     what. Tokens are JWTs of RFC 9068, made and checked as RFC8725 asks: one algorithm (EdDSA), explicit \
     type (`at+jwt`), issuer and audience checked.";

fn add_components(document: &mut Value) {
    let components = &mut document["components"];
    for error in ERRORS {
        components["responses"][error.1] = error_response(error);
    }
    for (name, description) in HEADERS {
        components["headers"][name] = json!({"description": description, "schema": {"type": "string"}});
    }
    components["securitySchemes"]["bearer"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": BEARER,
    });
}

fn forget_unused_responses(document: &mut Value) {
    let mut used = BTreeSet::new();
    for (_, operation) in operations(document) {
        let responses = operation["responses"].as_object().into_iter().flatten();
        used.extend(responses.filter_map(|(_, response)| Some(response["$ref"].as_str()?.to_owned())));
    }
    if let Some(responses) = document["components"]["responses"].as_object_mut() {
        responses.retain(|name, _| used.contains(&format!("#/components/responses/{name}")));
    }
}

#[cfg(test)]
mod lints;
#[cfg(test)]
mod tests;
