//! The document: that it is the one that was published, that it says all that it should, and that the limits in
//! it hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tangguh::{policy::Role::*, problem};

use crate::{harness::*, operations::*};

#[test]
fn the_published_document_is_up_to_date() {
    published("openapi/openapi.json", &(serde_json::to_string_pretty(&*DOCUMENT).unwrap() + "\n"));
}

/// Fails with everything that is missing, so that it can be mended at one go.
#[track_caller]
fn none(missing: Vec<String>) {
    assert!(missing.is_empty(), "{} in all:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn every_operation_says_in_words_what_it_does() {
    let texts = ["summary", "description"];
    let missing = OPERATIONS.iter().flat_map(|operation| {
        let silent =
            texts.iter().filter(|text| operation.told[**text].as_str().is_none_or(|said| said.trim().is_empty()));
        silent.map(|text| format!("{} has no {text}", operation.id))
    });
    none(missing.collect());
}

#[test]
fn a_summary_is_a_heading() {
    let long = OPERATIONS.iter().filter(|operation| {
        let summary = operation.told["summary"].as_str().unwrap_or_default();
        summary.len() > 80 || summary.ends_with('.') || summary.contains('\n')
    });
    none(long.map(|operation| operation.id.clone()).collect());
}

#[test]
fn no_two_operations_share_an_id() {
    let mut ids = BTreeSet::new();
    for operation in OPERATIONS.iter() {
        assert!(ids.insert(&operation.id), "two operations are called {}", operation.id);
        let plain = operation.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(plain, "{} is not in snake case", operation.id);
    }
}

#[test]
fn every_operation_has_one_tag_that_is_described() {
    let tags = DOCUMENT["tags"].as_array().unwrap();
    let mut unused: BTreeSet<&str> = tags.iter().filter_map(|tag| tag["name"].as_str()).collect();
    assert!(tags.iter().all(|tag| tag["description"].is_string()), "a tag has no description");
    let known = unused.clone();
    for operation in OPERATIONS.iter() {
        let own: Vec<&str> =
            operation.told["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert!(own.len() == 1 && known.contains(own[0]), "{} has the tags {own:?}", operation.id);
        unused.remove(own[0]);
    }
    assert!(unused.is_empty(), "no operation has the tags {unused:?}");
}

/// utoipa says nothing when a path parameter is not in `params(…)`: it is then not in the document.
#[test]
fn every_path_parameter_is_listed() {
    for operation in OPERATIONS.iter() {
        let in_path: BTreeSet<&str> =
            operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let listed = operation.parameters("path");
        let names: BTreeSet<&str> = listed.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        assert_eq!(in_path, names, "the path parameters of {}", operation.id);
        assert!(listed.iter().all(|parameter| parameter["required"] == true), "{}: not required", operation.id);
    }
}

/// utoipa keeps the last of two schemas that have the same name, and says nothing.
#[test]
fn no_two_schemas_share_a_name() {
    let mut declared: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in rust_files("src".as_ref()) {
        // The types of unit tests are in no document.
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for name in schema_names(&text) {
            if let Some(other) = declared.insert(name.clone(), file.clone()) {
                panic!("two schemas are called {name}: in {} and {}", other.display(), file.display());
            }
        }
    }
    // What the document derives from a schema has its name with one of these behind it.
    let known = |name: &str| {
        let derived = ["Patch", "View"].iter().filter_map(|end| name.strip_suffix(end));
        derived.chain([name]).any(|name| declared.contains_key(name)) || name == "OneLanguage"
    };
    let published = DOCUMENT["components"]["schemas"].as_object().unwrap();
    none(published.keys().filter(|name| !known(name)).map(|name| format!("where does {name} come from?")).collect());
}

/// The names that a source file gives to schemas: of types that derive them, with `#[schema(as = …)]` if that
/// stands before, and of types that implement them.
fn schema_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut derives, mut renamed) = (false, None);
    for item in text.split("#[derive(").skip(1) {
        let (list, rest) = item.split_once(")]").unwrap_or((item, ""));
        derives |= list.split([',', ' ', '\n']).any(|word| word.trim().ends_with("ToSchema"));
        // A pattern in an attribute has braces too, but no line ends after them.
        let end = ["{\n", ";\n"].iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        let head = &rest[..end];
        if let Some((_, name)) = head.split_once("#[schema(as = ") {
            renamed = name.split([')', ',']).next().map(str::to_owned);
        }
        let declared = ["struct ", "enum "].iter().find_map(|kind| head.split_once(kind));
        let Some((_, name)) = declared else { continue };
        if std::mem::take(&mut derives) {
            let own = name.split(['<', '(', ' ', '\n']).next().unwrap_or_default().to_owned();
            names.push(renamed.take().unwrap_or(own));
        }
        renamed = None;
    }
    let by_hand = text.split("impl ToSchema for ").skip(1);
    names.extend(by_hand.filter_map(|item| item.split([' ', '<', '{']).next()).map(str::to_owned));
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The errors that an operation of this shape can have.
fn errors(operation: &Operation) -> BTreeSet<&'static str> {
    let mut expected = BTreeSet::from(["500", "503"]);
    if operation.action.is_some() {
        expected.insert("401");
    }
    if operation.action.is_some_and(|action| !action.roles().is_empty()) {
        expected.insert("403");
    }
    if !operation.parameters("path").is_empty() {
        expected.insert("404");
    }
    if operation.body().is_some() {
        expected.extend(["400", "413", "415", "422"]);
    }
    if !operation.parameters("query").is_empty() {
        expected.insert("400");
    }
    if operation.is_pinned() {
        expected.extend(["412", "428"]);
    }
    expected
}

#[test]
fn every_operation_lists_the_errors_that_it_can_have() {
    let mut missing = Vec::new();
    for operation in OPERATIONS.iter() {
        let told = operation.told["responses"].as_object().unwrap();
        missing.extend(
            errors(operation)
                .iter()
                .filter(|status| !told.contains_key(**status))
                .map(|status| format!("{} does not list {status}", operation.id)),
        );
        assert!(told.keys().any(|status| status.starts_with('2')), "{} never succeeds", operation.id);
    }
    none(missing);
}

#[test]
fn every_error_is_a_problem_that_is_told_by_name() {
    for operation in OPERATIONS.iter() {
        for (status, told) in operation.told["responses"].as_object().unwrap() {
            if !status.starts_with(['4', '5']) {
                continue;
            }
            let response = match told["$ref"].as_str() {
                Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}")),
                None => told,
            };
            let schema = &response["content"][problem::MEDIA_TYPE]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{} {status}", operation.id);
            assert!(response["description"].as_str().is_some_and(|said| !said.is_empty()), "{} {status}", operation.id);
        }
    }
}

/// Whoever reads the document learns the name of every problem that there is, under its status.
#[test]
fn every_problem_stands_under_its_status() {
    let shared = DOCUMENT["components"]["responses"].as_object().unwrap().values();
    let shared = shared.map(|told| (told["content"][problem::MEDIA_TYPE]["example"]["status"].to_string(), told));
    let own = OPERATIONS.iter().flat_map(|operation| operation.told["responses"].as_object().unwrap());
    let told: Vec<(String, &str)> = shared
        .chain(own.map(|(status, told)| (status.clone(), told)))
        .filter_map(|(status, told)| Some((status, told["description"].as_str()?)))
        .collect();
    let missing = problem::pages().iter().filter(|page| {
        let (wanted, name) = (page.status.to_string(), format!("`{}`", page.name));
        !told.iter().any(|(status, said)| *status == wanted && said.contains(&name))
    });
    // No operation can be asked for by a method that it does not have.
    let missing = missing.filter(|page| page.name != "method-not-allowed");
    none(missing.map(|page| format!("{} ({})", page.name, page.status)).collect());
}

#[test]
fn every_text_list_and_number_of_a_body_has_its_limit() {
    let mut open = BTreeSet::new();
    for body in OPERATIONS.iter().filter_map(Operation::body) {
        find_open(body, "", &mut open);
    }
    none(open.into_iter().collect());
}

fn find_open(schema: &'static Value, at: &str, open: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return find_open(resolved(schema), reference.rsplit('/').next().unwrap(), open);
    }
    for choice in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
        find_open(choice, at, open);
    }
    let has = |keys: &[&str]| keys.iter().all(|key| schema.get(*key).is_some());
    let short = ["uuid", "date", "date-time"].iter().any(|format| schema["format"] == *format);
    let closed = match kind(schema) {
        "string" => has(&["maxLength"]) || has(&["enum"]) || has(&["pattern"]) || short,
        "array" => has(&["maxItems"]),
        "integer" | "number" => has(&["minimum", "maximum"]),
        "object" => schema["additionalProperties"] == false || has(&["maxProperties"]),
        _ => true,
    };
    if !closed {
        open.insert(format!("{at} ({}) has no limit", kind(schema)));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        find_open(property, &format!("{at}/{name}"), open);
    }
    for (key, name) in [("items", "0"), ("additionalProperties", "*")] {
        if schema[key].is_object() {
            find_open(&schema[key], &format!("{at}/{name}"), open);
        }
    }
}

/// The type of a schema, `null` aside.
fn kind(schema: &Value) -> &str {
    let types = schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]);
    types.filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
}

/// One value past one limit.
struct Past {
    /// Where it stands, and what stands there.
    place: String,
    value: Value,
    /// What the answer is to say: the place, and what is wrong with it.
    pointer: String,
    code: &'static str,
}

/// The component that a schema refers to, `null` aside.
fn component(schema: &'static Value) -> Option<&'static str> {
    let choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    choices.chain([schema]).find_map(|one| one["$ref"].as_str())
}

/// What a schema is beside `null` and references.
fn meant(schema: &'static Value) -> &'static Value {
    let schema = resolved(schema);
    let mut choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    match choices.find(|choice| choice["type"] != "null") {
        Some(choice) => meant(choice),
        None => schema,
    }
}

fn takes_null(schema: &'static Value) -> bool {
    let schema = resolved(schema);
    let choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    choices.chain([schema]).any(|one| {
        one["type"] == "null" || one["type"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "null"))
    })
}

/// A value that the schema accepts, with every member that there can be.
fn sample(schema: &'static Value) -> Value {
    let schema = meant(schema);
    match kind(schema) {
        "string" => json!(sample_text(schema)),
        "integer" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => {
            let length = schema["minItems"].as_u64().unwrap_or(0).max(1);
            (0..length).map(|_| sample(&schema["items"])).collect()
        }
        "object" if schema["additionalProperties"].is_object() => {
            json!({"id": sample(&schema["additionalProperties"])})
        }
        "object" => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            Value::Object(properties.map(|(name, property)| (name.clone(), sample(property))).collect())
        }
        other => panic!("no sample of {other}: {schema}"),
    }
}

fn sample_text(schema: &Value) -> String {
    if let Some(options) = schema["enum"].as_array() {
        return options[0].as_str().unwrap().to_owned();
    }
    let by_format = match schema["format"].as_str() {
        Some("uuid") => "01920000-0000-7000-8000-000000000001",
        Some("date") => "2026-02-01",
        Some("date-time") => "2026-02-01T00:00:00Z",
        Some("email") => "seorang@example.org",
        Some("uri") => "https://example.org/",
        Some("password") => "a long enough password",
        None => "",
        Some(other) => panic!("no sample of the format {other}"),
    };
    let shortest = "a".repeat(schema["minLength"].as_u64().unwrap_or(1).max(1) as usize);
    let long = "0".repeat(64);
    let validator = jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    let mut tries = [by_format, &shortest, "id", "abc", "09:00", "/text", "question.revise", &long].into_iter();
    tries.find(|text| validator.is_valid(&json!(text))).unwrap_or_else(|| panic!("no sample of {schema}")).to_owned()
}

/// Everything that is past a limit of `schema` or of what is in it. What is in the components of `known` was tried
/// elsewhere: of them, one value of another type shows that they are meant here.
fn past(schema: &'static Value, at: &str, known: &mut BTreeSet<&'static str>, found: &mut Vec<Past>) {
    let nullable = takes_null(schema);
    let tried = !at.is_empty() && component(schema).is_some_and(|name| !known.insert(name));
    let schema = meant(schema);
    if tried {
        let value = if kind(schema) == "string" { json!([]) } else { json!("x") };
        found.push(Past { place: at.into(), value, pointer: at.into(), code: "type" });
        return;
    }
    let mut add = |value: Value, code| {
        found.push(Past { place: at.into(), value, pointer: at.into(), code });
    };
    let number = |key: &str| schema[key].as_u64().map(|number| number as usize);
    if !nullable {
        add(Value::Null, "type");
    }
    match kind(schema) {
        "string" => {
            add(json!([]), "type");
            if let Some(longest) = number("maxLength") {
                add(json!("a".repeat(longest + 1)), "too_long");
            }
            if let Some(shortest) = number("minLength") {
                add(json!("a".repeat(shortest - 1)), "too_short");
            }
            if schema.get("pattern").is_some() {
                let only = json!({"pattern": schema["pattern"]});
                let taken = jsonschema::is_valid(&only, &json!("~"));
                add(json!(if taken { "~ ~" } else { "~" }), "pattern");
            }
            if schema.get("enum").is_some() {
                add(json!("no such thing"), "one_of");
            }
            if schema["format"].as_str().is_some_and(|format| format != "password") {
                add(json!("no such thing"), "format");
            }
        }
        "integer" => {
            add(json!("1"), "type");
            if let Some(greatest) = schema["maximum"].as_i64() {
                add(json!(greatest + 1), "too_large");
            }
            if let Some(least) = schema["minimum"].as_i64() {
                add(json!(least - 1), "too_small");
            }
        }
        "boolean" => add(json!("true"), "type"),
        "array" => {
            add(json!("x"), "type");
            let item = sample(&schema["items"]);
            if let Some(most) = number("maxItems") {
                add((0..=most).map(|_| item.clone()).collect(), "too_many");
            }
            if let Some(fewest) = number("minItems") {
                add((1..fewest).map(|_| item.clone()).collect(), "too_few");
            }
            past(&schema["items"], &format!("{at}/0"), known, found);
        }
        "object" if schema["additionalProperties"].is_object() => {
            add(json!("x"), "type");
            let text = sample(&schema["additionalProperties"]);
            // How members are called is a limit of the object.
            let place = format!("{at}/no such language");
            found.push(Past { pointer: place.clone(), place, value: text, code: "pattern" });
            past(&schema["additionalProperties"], &format!("{at}/id"), known, found);
        }
        "object" => {
            if !at.is_empty() {
                add(json!("x"), "type");
            }
            if schema["additionalProperties"] == false {
                let pointer = format!("{at}/no_such_member");
                found.push(Past { place: pointer.clone(), value: json!(1), pointer, code: "unknown_member" });
            }
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let pointer = format!("{at}/{name}");
                if schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name)) {
                    let mut without = sample(schema);
                    without.as_object_mut().unwrap().shift_remove(name);
                    found.push(Past { place: at.into(), value: without, pointer: pointer.clone(), code: "required" });
                }
                past(property, &pointer, known, found);
            }
        }
        other => panic!("no limits of {other}"),
    }
}

/// `body` with `value` at `place`, which its parent may not have yet.
fn put(body: &Value, place: &str, value: &Value) -> Value {
    let mut body = body.clone();
    match place.rsplit_once('/') {
        None => body = value.clone(),
        Some((parent, name)) => match body.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        },
    }
    body
}

/// The limits stand in the document, and nowhere else: what is past one is refused at its place.
#[actix_web::test]
async fn every_limit_in_the_document_holds() {
    let world = World::new(Kind::Sqlite).unwrap();
    let things = Things::make(&world, "jakarta", Member(Lead)).await.before_the_vote();
    let (mut tried, mut faults) = (0, Vec::new());
    // A patch is merged before it is checked, so its parts are tried apart from those of other bodies.
    let (mut of_bodies, mut of_patches) = (BTreeSet::new(), BTreeSet::new());
    for operation in OPERATIONS.iter() {
        let Some(schema) = operation.body() else { continue };
        let known = if operation.is_patch() { &mut of_patches } else { &mut of_bodies };
        let (who, path) = (signed_in(&world, &operation.who_may()), things.fill(&operation.path));
        let mut limits = Vec::new();
        past(schema, "", known, &mut limits);
        let whole = sample(schema);
        let seen = match operation.is_pinned() {
            true => world.get(who.clone(), &things.fill(operation.resource())).expect(200).await.etag(),
            false => "\"1\"".into(),
        };
        for Past { place, value, pointer, code } in limits {
            // That the body itself is an object is not a limit of anything in it; and null takes a language out of
            // a text that is patched.
            let patched = operation.is_patch() && !place.contains("/0/");
            if value.is_null() && (place.is_empty() || (patched && place.ends_with("/id"))) {
                continue;
            }
            let body = put(&whole, &place, &value);
            let ask = world.ask(who.clone(), operation.method.clone(), &path).if_match(&seen);
            let ask = if operation.is_patch() { ask.patch(body) } else { ask.json(body) };
            let reply = ask.send().await;
            tried += 1;
            // In a patch, null takes away: what must be there is then missing.
            let codes = if code == "type" && value.is_null() { vec!["type", "required"] } else { vec![code] };
            let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
            let right = reply.status == 422
                && errors.iter().any(|error| codes.contains(&error["code"].as_str().unwrap_or_default()))
                && errors.iter().all(|error| error["pointer"] == *pointer);
            if !right {
                let (id, status, said) = (&operation.id, reply.status, &reply.body["errors"]);
                let shown: String = value.to_string().chars().take(80).collect();
                faults.push(format!("{id}: {shown} at {place} ({code} at {pointer}): {status} {said}"));
            }
        }
    }
    none(faults);
    assert!(tried > 500, "only {tried} limits were tried");
    world.verify();
}

#[actix_web::test]
async fn every_parameter_is_checked() {
    let world = World::new(Kind::Sqlite).unwrap();
    let things = Things::make(&world, "jakarta", Member(Lead)).await;
    let mut faults = Vec::new();
    // Whoever looks whether the process lives, or reads a page, may add what they like.
    let free = ["get_livez", "get_problem_page"];
    for operation in OPERATIONS.iter().filter(|operation| !free.contains(&operation.id.as_str())) {
        let asked = operation.parameters("query");
        let mut wrong = vec![("no_such_parameter".to_owned(), "1".to_owned())];
        for parameter in &asked {
            let (name, schema) = (parameter["name"].as_str().unwrap(), meant(&parameter["schema"]));
            let mut add = |value: String| wrong.push((name.to_owned(), value));
            match kind(schema) {
                "integer" => {
                    add("x".into());
                    schema["minimum"].as_i64().into_iter().for_each(|least| add((least - 1).to_string()));
                    schema["maximum"].as_i64().into_iter().for_each(|greatest| add((greatest + 1).to_string()));
                }
                "boolean" => add("perhaps".into()),
                "string" if schema.get("enum").is_some() => add("no such thing".into()),
                "string" if schema["format"].is_string() => add("no such thing".into()),
                _ => {}
            }
            if ["sort", "expand", "as_of", "cursor", "state", "kind", "role", "capacity", "visibility"].contains(&name)
            {
                add("no-such-thing".into());
            }
        }
        let who = signed_in(&world, &operation.who_may());
        for (name, value) in wrong {
            let mut path = things.fill(&operation.path);
            let others = required(operation).iter().filter(|(other, _)| *other != name);
            let query = others.copied().chain([(name.as_str(), value.as_str())]).collect::<Vec<_>>();
            path.push_str(&format!("?{}", serde_urlencoded::to_string(query).unwrap()));
            let ask = world.ask(who.clone(), operation.method.clone(), &path).if_match("\"1\"");
            let reply = match things.good(operation) {
                Some(body) if operation.is_patch() => ask.patch(body),
                Some(body) => ask.json(body),
                None => ask,
            };
            let reply = reply.send().await;
            // Beside what else is wrong with it.
            let pointed = reply.pointers().contains(&format!("?{name}").as_str());
            let pointed = pointed || ["bad-cursor", "bad-as-of"].contains(&reply.problem());
            if reply.status != 400 || !pointed {
                faults.push(format!("{} ?{name}={value}: {} {}", operation.id, reply.status, reply.text));
            }
        }
    }
    none(faults);
}
