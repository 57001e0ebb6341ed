//! The operations, as the document tells them: for wrong methods, unknown parameters, the access matrix.

use std::collections::HashMap;

use actix_router::{Path, ResourceDef};
use actix_web::HttpRequest;
use serde_json::Value;

use crate::{
    policy::Action,
    problem::{FieldError, Problem},
};

/// One operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub id: String,
    /// The right that it asks for; none for what is public.
    pub action: Option<Action>,
    pub query: Vec<String>,
}

/// Every operation.
pub struct Operations {
    all: Vec<Operation>,
    by_route: HashMap<(String, String), usize>,
    paths: Vec<(ResourceDef, Vec<String>)>,
}

impl Operations {
    pub fn of(document: &Value) -> Operations {
        let mut all = Vec::new();
        let mut paths = Vec::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            let mut methods = Vec::new();
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Some(id) = operation["operationId"].as_str() else { continue };
                let query = operation["parameters"].as_array().into_iter().flatten();
                methods.push(method.to_uppercase());
                all.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    id: id.to_owned(),
                    action: operation["security"][0]["bearer"][0].as_str().and_then(Action::named),
                    query: query
                        .filter(|parameter| parameter["in"] == "query")
                        .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                        .collect(),
                });
            }
            methods.sort();
            paths.push((ResourceDef::new(path.as_str()), methods));
        }
        let by_route =
            all.iter().enumerate().map(|(number, one)| ((one.method.clone(), one.path.clone()), number)).collect();
        Operations { all, by_route, paths }
    }

    pub fn all(&self) -> &[Operation] {
        &self.all
    }

    /// The methods that a path knows; none where there is no such path.
    pub fn methods(&self, path: &str) -> Option<&[String]> {
        let known = self.paths.iter().find(|(pattern, _)| pattern.capture_match_info(&mut Path::new(path)));
        known.map(|(_, methods)| methods.as_slice())
    }

    /// Refuses parameters that the operation does not have: all of them at once.
    pub fn check_query(&self, request: &HttpRequest) -> Result<(), Problem> {
        if request.query_string().is_empty() {
            return Ok(());
        }
        let Some(pattern) = request.match_pattern() else { return Ok(()) };
        let Some(number) = self.by_route.get(&(request.method().as_str().to_owned(), pattern)) else {
            return Ok(());
        };
        let known = &self.all[*number].query;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
        let unknown: Vec<FieldError> = pairs
            .iter()
            .filter(|(name, _)| !known.contains(name))
            .map(|(name, _)| {
                FieldError::new(
                    format!("?{name}"),
                    "unknown_parameter",
                    "operasi ini tidak punya parameter itu",
                    "this operation has no such parameter",
                )
            })
            .collect();
        if unknown.is_empty() { Ok(()) } else { Err(Problem::InvalidQuery(unknown)) }
    }
}
