//! What the published document must be like. Spectral (`.ci/spectral.yaml`) looks at much of the same; this
//! is what a change can break without a linter at hand, and what only we know.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    api,
    policy::{Action, PUBLIC},
};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |(method, one)| (path, method, one)))
        .filter(|(_, method, _)| METHODS.contains(&method.as_str()))
        .map(|(path, method, operation)| (method.clone(), path.clone(), operation))
        .collect()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn said(value: &Value, name: &str) -> bool {
    value[name].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn every_operation_is_described_once() {
    let document = api::document();
    let tags: BTreeSet<_> = list(&document, "tags").filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        for part in ["summary", "description", "operationId"] {
            assert!(said(operation, part), "{method} {path} has no {part}");
        }
        assert!(ids.insert(operation["operationId"].as_str()), "{method} {path}: this operationId is used twice");
        let named: Vec<_> = list(operation, "tags").filter_map(Value::as_str).collect();
        assert!(matches!(named[..], [tag] if tags.contains(tag)), "{method} {path}: the tags are {named:?}");
    }
    assert!(ids.len() > 80);
}

#[test]
fn every_operation_names_its_right_or_is_public() {
    let document = api::document();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let asked = operation.get("security");
        if PUBLIC.contains(&id) {
            assert_eq!(asked, None, "{method} {path} is public and asks for a sign-in");
            continue;
        }
        let scopes: Vec<_> = list(&asked.unwrap()[0], "bearer").filter_map(Value::as_str).collect();
        let known = matches!(scopes[..], [scope] if Action::named(scope).is_some());
        assert!(known, "{method} {path}: the scopes are {scopes:?}");
        for status in ["401", "403"] {
            let needed = status == "401" || !scopes[0].starts_with("me.");
            assert!(!needed || !operation["responses"][status].is_null(), "{method} {path} has no {status}");
        }
    }
    let ids: BTreeSet<_> =
        operations(&document).iter().filter_map(|(.., one)| one["operationId"].as_str().map(str::to_owned)).collect();
    for id in PUBLIC {
        assert!(ids.contains(*id), "policy::PUBLIC names {id}, which is no operation");
    }
}

#[test]
fn every_parameter_of_a_path_is_listed_and_every_parameter_described() {
    for (method, path, operation) in operations(&api::document()) {
        let in_path: BTreeSet<_> =
            path.split('{').skip(1).filter_map(|rest| rest.split('}').next().map(str::to_owned)).collect();
        let listed: BTreeSet<_> = list(operation, "parameters")
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(in_path, listed, "{method} {path}");
        for parameter in list(operation, "parameters") {
            assert!(said(parameter, "description"), "{method} {path}: {} has no description", parameter["name"]);
        }
    }
}

#[test]
fn every_error_has_a_name_a_problem_and_its_headers() {
    let document = api::document();
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let mut wanted = vec!["400", "406", "500", "503"];
        // OAuth's endpoints take forms, and refuse in OAuth's words.
        let oauth = path.contains("/oauth/");
        if operation.get("requestBody").is_some() {
            wanted.extend(["413", "415"]);
            wanted.extend((!oauth).then_some("422"));
        }
        if list(operation, "parameters").any(|parameter| parameter["name"] == "If-Match") {
            wanted.extend(["412", "428"]);
        }
        if path.contains('{') {
            wanted.push("404");
        }
        for status in wanted {
            assert!(responses.contains_key(status), "{method} {path} has no {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
            let response = match response["$ref"].as_str() {
                Some(name) => document.pointer(&name[1..]).unwrap(),
                None => response,
            };
            let own = oauth && matches!(status.as_str(), "400" | "401");
            let (media, name) =
                if own { ("application/json", "OAuthError") } else { ("application/problem+json", "Problem") };
            let schema = &response["content"][media]["schema"]["$ref"];
            assert_eq!(schema, &format!("#/components/schemas/{name}"), "{method} {path} {status}");
            assert!(said(response, "description"), "{method} {path} {status} is not described");
            let waits = matches!(status.as_str(), "429" | "503");
            assert!(!waits || !response["headers"]["Retry-After"].is_null(), "{method} {path} {status}");
        }
    }
}

/// utoipa makes one schema of two types with one name, without a word.
#[test]
fn no_two_types_have_one_schema_name() {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") || path.ends_with("tests.rs") {
                continue;
            }
            let (text, mut derives) = (std::fs::read_to_string(&path).unwrap(), false);
            for line in text.lines().map(str::trim) {
                derives |= line.starts_with("#[derive(") && line.contains("ToSchema");
                let words: Vec<_> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
                let declares = words.iter().position(|word| matches!(*word, "struct" | "enum"));
                if let (true, Some(at)) = (derives, declares.filter(|_| !line.starts_with(['#', '/']))) {
                    derives = false;
                    found.entry(words[at + 1].to_owned()).or_default().push(path.display().to_string());
                }
            }
        }
    }
    assert!(found.len() > 80, "{} types were found", found.len());
    let twice: Vec<_> = found.iter().filter(|(_, paths)| paths.len() > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// Looks at `schema` and at all that it leads to.
fn visit(schema: &Value, components: &Map<String, Value>, seen: &mut BTreeSet<String>, look: &mut impl FnMut(&Value)) {
    if let Some(name) = super::schemas::referred(schema) {
        if seen.insert(name.to_owned()) {
            visit(&components[name], components, seen, look);
        }
        return;
    }
    look(schema);
    for part in super::schemas::parts(&mut schema.clone()) {
        visit(part, components, seen, look);
    }
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || list(schema, "type").any(|one| one == kind)
}

#[test]
fn every_integer_has_a_format() {
    let document = api::document();
    let components = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in components {
        visit(schema, components, &mut BTreeSet::new(), &mut |schema| {
            assert!(!is(schema, "integer") || said(schema, "format"), "{name}: {schema}");
        });
    }
}

/// The service takes nothing of which the document does not say how much of it there may be.
#[test]
fn every_part_of_a_request_has_limits() {
    let document = api::document();
    let components = document["components"]["schemas"].as_object().unwrap();
    let mut seen = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
        let schemas = bodies.map(|(_, media)| &media["schema"]);
        for schema in schemas.chain(list(operation, "parameters").map(|parameter| &parameter["schema"])) {
            visit(schema, components, &mut seen, &mut |schema| {
                let has = |name: &str| schema.get(name).is_some();
                let fixed = has("enum") || matches!(schema["format"].as_str(), Some("uuid" | "date" | "date-time"));
                let limited = (!is(schema, "string") || has("maxLength") || fixed)
                    && (!is(schema, "array") || has("maxItems"))
                    && (!is(schema, "integer") || (has("minimum") && has("maximum")));
                assert!(limited, "{method} {path}: {schema}");
                let closed = !super::schemas::is_object(schema) || has("additionalProperties");
                assert!(closed, "{method} {path} takes members that it does not know: {schema}");
            });
        }
    }
}
