use actix_web::{App, HttpResponse, ResponseError, test, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::OpenApi;

use super::*;
use crate::{document::finish, problem::Lang};

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
struct Localized {
    #[schema(min_length = 1, max_length = 5)]
    id: String,
    en: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Weight {
    Light,
    Heavy,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
struct Thing {
    name: Localized,
    summary: Option<Localized>,
    #[schema(minimum = 1, maximum = 9)]
    rank: Option<i32>,
    count: Option<i16>,
    weight: Weight,
    #[schema(max_items = 1)]
    ids: Option<Vec<uuid::Uuid>>,
    day: Option<chrono::NaiveDate>,
    at: Option<chrono::DateTime<chrono::Utc>>,
    #[schema(format = "email")]
    email: Option<String>,
    #[schema(pattern = "^[a-z]+$")]
    slug: Option<String>,
    #[schema(required, nullable)]
    note: Option<String>,
}

#[utoipa::path(post, path = "/things", responses((status = 200, description = "")))]
async fn things(Valid(thing): Valid<Thing>, request: HttpRequest) -> HttpResponse {
    assert!(request.extensions().get::<BodyDigest>().is_some());
    HttpResponse::Ok().json(thing)
}

#[derive(OpenApi)]
#[openapi(paths(things_document), components(schemas(Thing)))]
struct Api;

#[utoipa::path(
    post,
    path = "/things",
    request_body = Thing,
    responses((status = 200, description = ""))
)]
#[expect(dead_code, reason = "only its document is looked at")]
fn things_document() {}

fn schemas() -> Schemas {
    Schemas::new(&finish(Api::openapi(), &json!({})))
}

fn valid() -> Value {
    json!({"name": {"id": "a"}, "weight": "light", "note": null})
}

fn errors<T: std::fmt::Debug>(result: Result<T, Problem>) -> Vec<(String, String)> {
    match result {
        Err(Problem::Invalid(errors)) => {
            errors.into_iter().map(|error| (error.pointer, error.code.into_owned())).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn check(value: Value) -> Vec<(String, String)> {
    errors(checked::<Thing>(value, &schemas()))
}

#[test]
async fn all_that_is_wrong_is_told_at_once() {
    let mut found = check(json!({
        "name": {"id": "too long", "more": 1},
        "summary": {"id": ""},
        "rank": 10,
        "weight": "medium",
        "ids": ["x", "0198c5a2-7d3e-7c41-9a55-3f0e6b1d2c84"],
        "day": "2018-02-30",
        "at": "yesterday",
        "email": "nobody",
        "slug": "A",
        "a/b": 1,
    }));
    found.sort();
    let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
    assert_eq!(
        found,
        [
            ("/at", "format"),
            ("/a~1b", "unknown_member"),
            ("/day", "format"),
            ("/email", "format"),
            ("/ids", "too_many"),
            ("/ids/0", "format"),
            ("/name/id", "too_long"),
            ("/name/more", "unknown_member"),
            ("/note", "required"),
            ("/rank", "too_large"),
            ("/slug", "pattern"),
            ("/summary/id", "too_short"),
            ("/weight", "one_of"),
        ]
    );
}

#[test]
async fn types_are_told_also_through_a_choice() {
    let found = check(json!({"name": 1, "summary": 1, "rank": "1", "weight": "light", "note": 2}));
    let types: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert!(found.iter().all(|(_, code)| code == "type"), "{found:?}");
    assert_eq!(types, ["/name", "/summary", "/rank", "/note"]);
}

#[test]
async fn details_name_the_limit_in_both_languages() {
    let mut thing = valid();
    thing["name"]["id"] = "abcdef".into();
    let Err(Problem::Invalid(errors)) = checked::<Thing>(thing, &schemas()) else { panic!() };
    assert_eq!(errors[0].detail.of(Lang::En), "may have at most 5 characters");
    assert_eq!(errors[0].detail.of(Lang::Id), "paling banyak 5 karakter");
}

#[test]
async fn what_only_the_rust_type_knows_has_its_pointer_too() {
    let mut thing = valid();
    thing["count"] = 70_000.into();
    assert_eq!(check(thing), [("/count".into(), "too_large".into())]);
}

#[test]
async fn a_flood_of_errors_is_cut_and_says_so() {
    let members = (0..500).map(|n| (format!("m{n}"), Value::Null));
    let mut thing = valid();
    thing.as_object_mut().unwrap().extend(members);
    let found = check(thing);
    assert_eq!(found.len(), 201);
    assert_eq!(found[200].1, "more_errors");
}

async fn post(content_type: &str, body: impl Into<web::Bytes>) -> (u16, Value) {
    let app =
        App::new().app_data(Data::new(schemas())).app_data(BodyLimit(200)).route("/things", web::post().to(things));
    let app = test::init_service(app).await;
    let request =
        test::TestRequest::post().uri("/things").insert_header(("content-type", content_type)).set_payload(body);
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    (status, test::read_body_json(response).await)
}

#[actix_web::test]
async fn a_body_is_read_within_its_limits() {
    let (status, body) = post("application/json; charset=utf-8", valid().to_string()).await;
    assert_eq!((status, &body["weight"]), (200, &json!("light")));

    assert_eq!(post("text/plain", "{}").await.0, 415);
    assert_eq!(post("application/merge-patch+json", "{}").await.0, 415);
    assert_eq!(post("application/json", " ".repeat(201)).await.0, 413);

    let (status, body) = post("application/json", "{\"name\":\n x}").await;
    assert_eq!(status, 400);
    assert!(body["detail"].as_str().unwrap().contains("line 2, column 2"), "{body}");
    assert_eq!(post("application/json", "").await.0, 400);
    assert_eq!(post("application/json", vec![b'"', 0xff, b'"']).await.0, 400);
    assert_eq!(post("application/json", "\"\\ud800\"").await.0, 400);
    assert_eq!(post("application/json", "[".repeat(190)).await.0, 400);
    assert_eq!(post("application/json", "{\"a\":1,\"a\":1}").await.0, 400);
}

#[actix_web::test]
async fn a_packed_body_is_unpacked_no_further_than_its_limit() {
    let packed = |bytes: &[u8]| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut packer, bytes).unwrap();
        packer.finish().unwrap()
    };
    let unpack = |bytes: &[u8], limit| decompressed(MultiGzDecoder::new(bytes), limit);
    let bomb = packed(&vec![b'a'; 10_000_000]);
    assert!(bomb.len() < 20_000);
    assert!(matches!(unpack(&bomb, 1000), Err(Problem::TooLarge(1000))));
    assert_eq!(unpack(&packed(b"{}"), 2).unwrap(), b"{}");
    assert!(matches!(unpack(&packed(b"{}")[..12], 1000), Err(Problem::Malformed(_))));
    assert!(matches!(unpack(b"{}", 1000), Err(Problem::Malformed(_))));
}

#[actix_web::test]
async fn control_characters_are_refused_where_they_are() {
    let body = r#"{"name": {"id": "a\u0000"}, "x\u0001": ["ok\n\t\r", "\u007f"]}"#;
    let (status, body) = post("application/json", body).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> = body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, ["/name/id", "/x\u{1}", "/x\u{1}/1"]);
    assert_eq!(body["errors"][0]["code"], "control_character");
}

#[test]
async fn a_patch_changes_what_it_names() {
    let schemas = schemas();
    let current = json!({
        "id": 1, "revision": 3,
        "name": {"id": "a", "en": "b"}, "summary": {"id": "c"}, "rank": 3,
        "weight": "light", "note": "n",
    });
    let patch = json!({"name": {"en": null}, "summary": null, "rank": null, "note": null, "weight": "heavy"});
    let thing = Patch::<Thing>::new(patch, &schemas).unwrap().apply(&current, &schemas).unwrap();
    assert_eq!(thing.name, Localized { id: "a".into(), en: None });
    assert_eq!((thing.summary, thing.rank, thing.note), (None, None, None));
    assert_eq!(thing.weight, Weight::Heavy);

    let patch = json!({"summary": {"en": "d"}});
    let thing = Patch::<Thing>::new(patch, &schemas).unwrap().apply(&current, &schemas).unwrap();
    assert_eq!(thing.summary, Some(Localized { id: "c".into(), en: Some("d".into()) }));

    let patch = Patch::<Thing>::new(json!({"name": {"id": null}, "rank": 0}), &schemas).unwrap();
    let mut found = errors(patch.apply(&current, &schemas));
    found.sort();
    assert_eq!(found, [("/name/id".into(), "required".into()), ("/rank".into(), "too_small".into())]);
}

#[test]
async fn a_patch_must_be_an_object_of_known_members() {
    let schemas = schemas();
    let patch = json!({"revision": null, "name": {"fr": null}, "summary": {"de": 1}});
    let found = errors(Patch::<Thing>::new(patch, &schemas));
    let pointers: Vec<_> = found.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(pointers, ["/revision", "/name/fr", "/summary/de"]);
    assert_eq!(errors(Patch::<Thing>::new(json!([]), &schemas)), [("".into(), "type".into())]);
}

#[test]
async fn every_refusal_is_a_problem() {
    let error = checked::<Thing>(json!({}), &schemas()).unwrap_err();
    assert_eq!(error.status_code().as_u16(), 422);
}

#[test]
async fn a_tagged_choice_tells_what_is_wrong_with_the_alternative_that_was_meant() {
    let alternative = |tag: &str, member: &str| {
        json!({
            "type": "object",
            "required": ["at", member],
            "properties": {"at": {"type": "string", "enum": [tag]}, member: {"type": "string"}},
            "additionalProperties": false,
        })
    };
    let place = json!({"oneOf": [alternative("city", "city"), alternative("village", "village")]});
    let schemas = Schemas::new(&json!({"components": {"schemas": {"Place": place}}}));
    for (value, at, code) in [
        (json!({"at": "city"}), "/city", "required"),
        (json!({"at": "village", "village": 1}), "/village", "type"),
        (json!({"at": "sea"}), "/at", "one_of"),
        (json!({}), "/at", "required"),
        (json!(1), "", "type"),
    ] {
        let found = errors(schemas.check("Place", &value));
        assert_eq!(found, [(at.into(), code.into())], "{value}");
    }
}
