//! The operations, as the document tells them: for wrong methods, unknown or wrong parameters, the access
//! matrix.

mod paths;

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use actix_web::{HttpRequest, http::Method};
use jsonschema::Validator;
use serde_json::Value;

use crate::{
    policy::Action,
    problem::{FieldError, Problem},
    valid::{Schemas, bounded, controls, explain},
};
use paths::{KnownPath, Paths};

/// One operation of the document.
pub struct Operation {
    pub method: String,
    pub path: String,
    pub id: String,
    /// The right that it asks for; none for what is public.
    pub action: Option<Action>,
    query: Vec<Parameter>,
    /// The media types of what it answers where all is well.
    media: Vec<&'static str>,
}

/// The media types that operations answer in.
const MEDIA: [&str; 7] = [
    "application/json",
    "application/x-ndjson",
    "text/markdown",
    "text/html",
    "text/csv",
    "application/jose",
    "text/plain",
];

/// The media types that the document lists for an operation's success.
fn media(operation: &Value) -> Vec<&'static str> {
    let answers = operation["responses"].as_object().into_iter().flatten();
    let content: Vec<&Value> =
        answers.filter(|(status, _)| status.starts_with('2')).map(|(_, answer)| &answer["content"]).collect();
    MEDIA.into_iter().filter(|media| content.iter().any(|content| content.get(*media).is_some())).collect()
}

/// Every operation.
pub struct Operations {
    all: Vec<Operation>,
    paths: Paths,
    schemas: Arc<Schemas>,
}

impl Operations {
    pub fn of(document: &Value, schemas: &Arc<Schemas>) -> Operations {
        let mut all = Vec::new();
        let mut paths = Paths::default();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let (mut methods, mut operations) = (Vec::new(), Vec::new());
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Some(id) = operation["operationId"].as_str() else { continue };
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                methods.push(method.to_uppercase());
                operations.push((method.to_uppercase(), all.len()));
                all.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    id: id.to_owned(),
                    action: operation["security"][0]["bearer"][0].as_str().and_then(Action::named),
                    query: parameters.filter(|one| one["in"] == "query").filter_map(Parameter::of).collect(),
                    media: media(operation),
                });
            }
            // What answers GET answers HEAD, and every path OPTIONS.
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".into());
            }
            methods.push("OPTIONS".into());
            methods.sort();
            paths.insert(KnownPath { pattern: path.clone(), methods, operations });
        }
        Operations { all, paths, schemas: schemas.clone() }
    }

    pub fn all(&self) -> &[Operation] {
        &self.all
    }

    /// The methods that a path knows; none where there is no such path.
    pub fn methods(&self, path: &str) -> Option<&[String]> {
        self.paths.find(path).map(|known| known.methods.as_slice())
    }

    /// The media types that a request can be answered in; none where there is no such operation or its answer has no
    /// body.
    pub fn media(&self, method: &Method, path: &str) -> &[&'static str] {
        // HEAD tells what GET would answer.
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        let known = self.paths.find(path);
        let known = known.and_then(|known| known.operations.iter().find(|(other, _)| other == method));
        known.and_then(|(_, number)| self.all.get(*number)).map_or(&[], |operation| &operation.media)
    }

    /// The pattern that a path is one of; none where the document has no such path.
    pub fn pattern(&self, path: &str) -> Option<&str> {
        self.paths.find(path).map(|known| known.pattern.as_str())
    }

    /// The id of the operation that a request asks for.
    pub fn id(&self, request: &HttpRequest) -> Option<&str> {
        self.asked(request).map(|operation| operation.id.as_str())
    }

    /// The operation that a request asks for.
    fn asked(&self, request: &HttpRequest) -> Option<&Operation> {
        // A word that is percent-encoded for no reason is found by the router, and not by its bytes.
        let known = self.paths.find(request.path()).or_else(|| self.paths.find(&request.match_pattern()?))?;
        let (_, number) = known.operations.iter().find(|(method, _)| method == request.method().as_str())?;
        self.all.get(*number)
    }

    /// Refuses parameters that the operation does not have, and values that their schemas do not allow: all
    /// that is wrong at once.
    pub fn check_query(&self, request: &HttpRequest) -> Result<(), Problem> {
        let Some(operation) = self.asked(request) else { return Ok(()) };
        let parameters = &operation.query;
        if request.query_string().is_empty() && !parameters.iter().any(|parameter| parameter.required) {
            return Ok(());
        }
        let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let mut errors = Vec::new();
        for (number, (name, value)) in pairs.iter().enumerate() {
            let known = parameters.iter().find(|parameter| parameter.name == *name);
            if pairs[..number].iter().any(|(other, _)| other == name) {
                if known.is_some() {
                    let (id, en) = ("muncul lebih dari sekali: pakai koma", "stands more than once: use commas");
                    errors.push(FieldError::new(format!("?{name}"), "repeated", id, en));
                }
                continue;
            }
            match known {
                Some(parameter) => parameter.check(value, &self.schemas, &mut errors)?,
                None => errors.push(FieldError::new(
                    format!("?{name}"),
                    "unknown_parameter",
                    "operasi ini tidak punya parameter itu",
                    "this operation has no such parameter",
                )),
            }
        }
        for parameter in parameters.iter().filter(|parameter| parameter.required) {
            if !pairs.iter().any(|(name, _)| *name == parameter.name) {
                let pointer = format!("?{}", parameter.name);
                errors.push(FieldError::new(pointer, "required", "wajib diisi", "is required"));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::InvalidQuery(bounded(errors))) }
    }
}

/// A query parameter of an operation.
struct Parameter {
    name: String,
    required: bool,
    schema: Value,
    /// Made when it is first needed.
    validator: OnceLock<Result<Validator, Arc<str>>>,
}

impl Parameter {
    fn of(parameter: &Value) -> Option<Parameter> {
        Some(Parameter {
            name: parameter["name"].as_str()?.to_owned(),
            required: parameter["required"] == true,
            schema: parameter["schema"].clone(),
            validator: OnceLock::new(),
        })
    }

    /// Adds what is wrong with one value.
    fn check(&self, value: &str, schemas: &Schemas, errors: &mut Vec<FieldError>) -> Result<(), Problem> {
        let pointer = format!("?{}", self.name);
        if controls(value) {
            errors.push(FieldError::new(
                pointer,
                "control_character",
                "tidak boleh memuat karakter kendali",
                "must not have control characters",
            ));
            return Ok(());
        }
        let validator = self.validator.get_or_init(|| schemas.validator_of(&self.schema));
        let validator =
            validator.as_ref().map_err(|error| Problem::internal(format!("the schema of {}: {error}", self.name)))?;
        let mut wrong = Vec::new();
        for error in validator.iter_errors(&self.read(value)) {
            explain(&error, &mut wrong);
        }
        // Of a list, the first wrong value is told: where it stands in the list says nothing in a URL.
        errors.extend(wrong.into_iter().next().map(|error| FieldError { pointer, ..error }));
        Ok(())
    }

    /// The value that the text stands for; the text itself where it is none of the parameter's type.
    fn read(&self, value: &str) -> Value {
        let text = || Value::String(value.to_owned());
        match self.schema["type"].as_str() {
            Some("integer") => value.parse::<i64>().map_or_else(|_| text(), Value::from),
            Some("boolean") => value.parse::<bool>().map_or_else(|_| text(), Value::from),
            Some("array") => value.split(',').map(Value::from).collect(),
            _ => text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, FromRequest, HttpResponse, ResponseError, dev::Payload, test, web};
    use serde_json::json;

    use super::*;

    struct Checked;

    impl FromRequest for Checked {
        type Error = Problem;
        type Future = std::future::Ready<Result<Checked, Problem>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let operations = request.app_data::<web::Data<Operations>>().unwrap();
            std::future::ready(operations.check_query(request).map(|()| Checked))
        }
    }

    /// What is wrong with a query, as pointers and codes.
    async fn wrong(query: &str) -> Vec<(String, String)> {
        let document = json!({"paths": {"/things": {"get": {"operationId": "list_things", "parameters": [
            {"in": "query", "name": "limit", "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
            {"in": "query", "name": "all", "schema": {"type": "boolean"}},
            {"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 3}},
            {"in": "query", "name": "state", "schema": {"type": "array", "items": {"enum": ["new", "old"]}}},
            {"in": "query", "name": "action", "required": true, "schema": {"type": "string"}},
        ]}}}});
        let operations = web::Data::new(Operations::of(&document, &Arc::new(Schemas::new(&document))));
        let ok = |_: Checked| async { HttpResponse::Ok().finish() };
        let app = test::init_service(App::new().app_data(operations).route("/things", web::get().to(ok))).await;
        let request = test::TestRequest::get().uri(&format!("/things{query}")).to_request();
        match test::try_call_service(&app, request).await {
            Ok(response) if response.status().is_success() => Vec::new(),
            Ok(response) => told(response.response().extensions().get::<Problem>().unwrap()),
            Err(error) => told(error.as_error::<Problem>().unwrap()),
        }
    }

    fn told(problem: &Problem) -> Vec<(String, String)> {
        assert_eq!(problem.status_code(), 400);
        let Problem::InvalidQuery(errors) = problem else { panic!("{problem:?}") };
        errors.iter().map(|error| (error.pointer.clone(), error.code.to_string())).collect()
    }

    #[actix_web::test]
    async fn all_that_is_wrong_with_a_query_is_told_at_once() {
        let found = wrong("?limit=0&all=yes&q=%00&state=new,odd,older&limit=2&other=1").await;
        let found: Vec<_> = found.iter().map(|(at, code)| (at.as_str(), code.as_str())).collect();
        assert_eq!(
            found,
            [
                ("?limit", "too_small"),
                ("?all", "type"),
                ("?q", "control_character"),
                ("?state", "one_of"),
                ("?limit", "repeated"),
                ("?other", "unknown_parameter"),
                ("?action", "required"),
            ]
        );
        assert!(wrong("?limit=200&all=true&q=%F0%9F%98%80&state=old,new&action=x").await.is_empty());
        for number in ["1.0", "1e2", "", "99999999999999999999", "%2B5%20"] {
            assert_eq!(wrong(&format!("?action=x&limit={number}")).await[0].1, "type", "{number}");
        }
    }
}
