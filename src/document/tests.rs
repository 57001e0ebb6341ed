use actix_web::{App, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use utoipa_actix_web::AppExt;

use super::*;
use crate::{problem::ProblemBody, valid::Schemas};

/// A text by language.
#[derive(Serialize, Deserialize, ToSchema)]
struct Localized {
    #[schema(min_length = 1)]
    id: String,
    en: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
struct DatedName {
    name: Localized,
    from_on: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Light,
    Heavy,
}

/// What people may change.
#[derive(Serialize, Deserialize, ToSchema)]
struct ThingContent {
    /// What it is called.
    title: Localized,
    summary: Option<Localized>,
    #[schema(max_items = 2)]
    names: Vec<DatedName>,
    number: Option<i32>,
    weight: Weight,
    other: Option<Weight>,
    #[schema(value_type = Object)]
    free: Option<Value>,
    labels: Option<std::collections::HashMap<String, String>>,
}

/// A thing.
#[derive(Serialize, ToSchema)]
struct Thing {
    id: String,
    revision: i32,
    #[serde(flatten)]
    content: ThingContent,
}

/// A new thing.
#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Deserialize, ToSchema)]
struct NewThing {
    slug: String,
    #[serde(flatten)]
    content: ThingContent,
    #[serde(flatten)]
    place: Place,
}

#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Deserialize, ToSchema)]
#[serde(tag = "at", rename_all = "snake_case")]
enum Place {
    City(City),
    Village { village: String },
}

#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Deserialize, ToSchema)]
struct City {
    city: String,
}

#[derive(Serialize, ToSchema)]
struct Page<T: ToSchema> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

#[utoipa::path(
    tag = "things",
    params(("fields" = Option<String>, Query)),
    responses((status = 200, description = "The things", body = Page<Thing>)),
    security(("bearer" = ["thing.read"]))
)]
#[get("/things")]
async fn list_things() -> &'static str {
    ""
}

#[utoipa::path(
    tag = "things",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body = NewThing,
    responses(
        (status = 201, description = "Made", body = Thing),
        (status = 409, description = "There is one already")
    ),
    security(("bearer" = ["thing.make"]))
)]
#[post("/things")]
async fn make_thing() -> &'static str {
    ""
}

#[utoipa::path(
    tag = "things",
    params(("id" = String, Path), ("If-Match" = String, Header)),
    request_body(content = ThingContent, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "Edited", body = Thing)),
    security(("bearer" = ["thing.edit"]))
)]
#[patch("/things/{id}")]
async fn edit_thing() -> &'static str {
    ""
}

#[utoipa::path(
    tag = "me",
    responses((status = 200, description = "Me", body = Thing)),
    security(("bearer" = ["me.read"]))
)]
#[get("/me")]
async fn read_me() -> &'static str {
    ""
}

#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Heading;

fn finished() -> Value {
    let raw = App::new()
        .into_utoipa_app()
        .openapi(Heading::openapi())
        .service(list_things)
        .service(make_thing)
        .service(edit_thing)
        .service(read_me)
        .split_for_parts()
        .1;
    let examples = json!({
        "make_thing": {"request": {"slug": "a"}, "response": {"status": 201, "body": {"id": "1"}}}
    });
    finish(raw, &examples)
}

fn statuses(document: &Value, path: &str, method: &str) -> Vec<String> {
    document["paths"][path][method]["responses"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn what_was_flattened_is_one_object() {
    let document = finished();
    let thing = &document["components"]["schemas"]["Thing"];
    assert_eq!(thing.get("allOf"), None);
    assert_eq!(thing["description"], "A thing.");
    assert_eq!(thing["required"], json!(["id", "revision", "title", "names", "weight", "free"]));
    let names: Vec<_> = thing["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names[..3], ["id", "revision", "title"]);
    assert_eq!(thing["properties"]["title"]["description"], "What it is called.");
    // Nothing that is only ever sent to clients is closed.
    assert_eq!(thing.get("additionalProperties"), None);
}

#[test]
fn a_flattened_choice_is_a_choice_of_whole_objects() {
    let document = finished();
    let new = &document["components"]["schemas"]["NewThing"];
    let branches = new["oneOf"].as_array().unwrap();
    assert_eq!(branches.len(), 2);
    for (branch, member) in branches.iter().zip(["city", "village"]) {
        for name in ["slug", "title", "at", member] {
            assert!(branch["properties"].get(name).is_some(), "{name}");
        }
        assert_eq!(branch["additionalProperties"], false);
    }
}

#[test]
fn bodies_refuse_unknown_members_but_maps_stay_maps() {
    let document = finished();
    let schemas = &document["components"]["schemas"];
    for name in ["ThingContent", "Localized", "DatedName", "ThingContentPatch"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
    }
    let labels = &schemas["ThingContent"]["properties"]["labels"];
    assert_eq!(labels["additionalProperties"]["type"], "string");
    let free = &schemas["ThingContent"]["properties"]["free"];
    assert_eq!(free.get("additionalProperties"), None);
}

#[test]
fn a_merge_patch_is_told_as_one() {
    let document = finished();
    let schemas = &document["components"]["schemas"];
    let content = &document["paths"]["/things/{id}"]["patch"]["requestBody"]["content"];
    for media in ["application/merge-patch+json", "application/json"] {
        assert_eq!(content[media]["schema"], reference("ThingContentPatch"));
    }
    let patch = &schemas["ThingContentPatch"];
    assert_eq!(patch.get("required"), None);
    assert_eq!(patch["properties"]["title"]["$ref"], "#/components/schemas/LocalizedPatch");
    assert_eq!(patch["properties"]["summary"]["oneOf"], json!([reference("LocalizedPatch"), {"type": "null"}]));
    assert_eq!(patch["properties"]["names"]["items"], reference("DatedName"));
    assert_eq!(schemas["LocalizedPatch"]["properties"]["id"]["type"], "string");
    assert_eq!(schemas["LocalizedPatch"]["properties"]["en"]["type"], json!(["string", "null"]));
}

#[test]
fn a_partial_view_may_leave_out_members_and_languages() {
    let document = finished();
    let schemas = &document["components"]["schemas"];
    let body = &document["paths"]["/things"]["get"]["responses"]["200"]["content"];
    assert_eq!(
        body["application/json"]["schema"]["anyOf"],
        json!([reference("Page_Thing"), reference("Page_ThingView")])
    );
    let page = &schemas["Page_ThingView"];
    assert_eq!(page["required"], json!(["items"]));
    // utoipa writes out what a generic type is of; here it has its name again.
    assert_eq!(schemas["Page_Thing"]["properties"]["items"]["items"], reference("Thing"));
    assert_eq!(page["properties"]["items"]["items"], reference("ThingView"));
    let view = &schemas["ThingView"];
    assert_eq!(view.get("required"), None);
    assert_eq!(view["properties"]["expanded"]["type"], "object");
    assert_eq!(view["properties"]["title"]["anyOf"], json!([reference("Localized"), reference("OneLanguage")]));
    assert_eq!(view["properties"]["names"]["items"], reference("DatedNameView"));
    assert!(schemas.get("OneLanguage").is_some());
    assert_eq!(schemas["DatedNameView"]["required"], json!(["name"]));
}

#[test]
fn errors_follow_from_the_shape_of_an_operation() {
    let document = finished();
    assert_eq!(statuses(&document, "/things", "get"), ["200", "400", "401", "403", "406", "429", "500", "503"]);
    assert_eq!(
        statuses(&document, "/things", "post"),
        ["201", "400", "401", "403", "406", "409", "413", "415", "422", "429", "500", "503"]
    );
    assert_eq!(
        statuses(&document, "/things/{id}", "patch"),
        ["200", "400", "401", "403", "404", "406", "412", "413", "415", "422", "428", "429", "500", "503"]
    );
    assert_eq!(statuses(&document, "/me", "get"), ["200", "400", "401", "406", "429", "500", "503"]);

    let conflict = &document["paths"]["/things"]["post"]["responses"]["409"];
    assert_eq!(conflict["description"], "There is one already");
    assert_eq!(conflict["content"][MEDIA_TYPE]["schema"], reference("Problem"));
}

#[test]
fn every_error_response_has_the_example_of_its_status() {
    let document = finished();
    let schemas = Schemas::new(&document);
    for error in ERRORS {
        let response = error_response(error);
        let example = &response["content"][MEDIA_TYPE]["example"];
        assert_eq!(example["status"], error.0);
        schemas.check("Problem", example).unwrap();
    }
}

#[test]
fn headers_and_examples_stand_at_their_responses() {
    let document = finished();
    let made = &document["paths"]["/things"]["post"]["responses"]["201"];
    for name in ["ETag", "Location", "X-Request-Id"] {
        assert_eq!(made["headers"][name], header_reference(name));
    }
    assert_eq!(made["content"][JSON]["example"], json!({"id": "1"}));
    let request = &document["paths"]["/things"]["post"]["requestBody"]["content"][JSON];
    assert_eq!(request["example"], json!({"slug": "a"}));
    let list = &document["paths"]["/things"]["get"]["responses"]["200"];
    assert!(list["headers"].get("ETag").is_some() && list["headers"].get("Location").is_none());
}

#[test]
fn it_is_whole_and_says_nothing_of_widths() {
    let document = finished();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    assert_eq!(document["servers"], json!([{"url": "/"}]));
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    Schemas::new(&document).compile_all().unwrap();
}
