//! The compiled schemas of the document, and what their errors are called.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use jsonschema::{
    PatternOptions, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind as Kind},
    types::JsonType,
};
use serde_json::{Map, Value, json};

use crate::problem::{FieldError, Problem};

const PREFIX: &str = "#/components/schemas/";

/// A body with more errors than this is told so and not told all.
const MOST_ERRORS: usize = 200;

/// The schemas of the finished OpenAPI document, each compiled when it is first asked for.
pub struct Schemas {
    components: Map<String, Value>,
    compiled: BTreeMap<String, OnceLock<Result<Validator, Arc<str>>>>,
}

impl Schemas {
    /// `document` is what [`crate::document::finish`] returned.
    pub fn new(document: &Value) -> Schemas {
        let components = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
        let compiled = components.keys().map(|name| (name.clone(), OnceLock::new())).collect();
        Schemas { components, compiled }
    }

    /// Compiles everything, and names the first schema that does not compile: for start-up and tests.
    pub fn compile_all(&self) -> Result<(), Problem> {
        self.compiled.keys().try_for_each(|name| self.validator(name).map(drop))
    }

    /// Everything that is wrong with `value` as a `name`.
    pub fn check(&self, name: &str, value: &Value) -> Result<(), Problem> {
        let mut errors = Vec::new();
        for error in self.validator(name)?.iter_errors(value) {
            explain(&error, &mut errors);
            if errors.len() > MOST_ERRORS {
                break;
            }
        }
        refuse(errors)
    }

    fn validator(&self, name: &str) -> Result<&Validator, Problem> {
        let slot =
            self.compiled.get(name).ok_or_else(|| Problem::internal(format!("the document has no schema {name}")))?;
        slot.get_or_init(|| self.compile(name))
            .as_ref()
            .map_err(|error| Problem::internal(format!("the schema {name}: {error}")))
    }

    fn compile(&self, name: &str) -> Result<Validator, Arc<str>> {
        self.validator_of(&json!({"$ref": format!("{PREFIX}{name}")}))
    }

    /// Compiles a schema that stands outside the components, such as a parameter's.
    pub(crate) fn validator_of(&self, schema: &Value) -> Result<Validator, Arc<str>> {
        let mut needed = BTreeSet::new();
        self.gather(schema, &mut needed);
        let schemas: Map<String, Value> =
            needed.into_iter().filter_map(|name| Some((name.clone(), self.component(&name)?.clone()))).collect();
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": {"schemas": schemas},
        });
        jsonschema::options()
            .should_validate_formats(true)
            // Linear time whatever the input: no look-around, no back-references.
            .with_pattern_options(PatternOptions::regex())
            .build(&schema)
            .map_err(|error| error.to_string().into())
    }

    /// The names of all components that `schema` refers to, directly or not.
    fn gather(&self, schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(name) = referred(schema)
                    && found.insert(name.to_owned())
                    && let Some(component) = self.component(name)
                {
                    self.gather(component, found);
                }
                members.values().for_each(|member| self.gather(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| self.gather(item, found)),
            _ => {}
        }
    }

    pub(super) fn component(&self, name: &str) -> Option<&Value> {
        self.components.get(name)
    }

    /// What `schema` stands for: references followed, and `null` left out of a choice.
    fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        // Not a loop without end, even if a component refers to itself.
        for _ in 0..16 {
            if let Some(component) = referred(schema).and_then(|name| self.component(name)) {
                schema = component;
                continue;
            }
            let mut choices = choices(schema).filter(|choice| choice["type"] != "null");
            match (choices.next(), choices.next()) {
                (Some(only), None) => schema = only,
                _ => break,
            }
        }
        schema
    }

    fn takes_null(&self, schema: &Value) -> bool {
        if let Some(component) = referred(schema).and_then(|name| self.component(name)) {
            return self.takes_null(component);
        }
        if choices(schema).next().is_some() {
            return choices(schema).any(|choice| self.takes_null(choice));
        }
        match &schema["type"] {
            Value::String(one) => one == "null",
            Value::Array(some) => some.iter().any(|one| one == "null"),
            _ => schema.get("enum").is_none() && schema.get("const").is_none(),
        }
    }

    /// Names the members of a merge patch that `schema` has no place for. An array replaces, so its
    /// items are looked at with the merged whole.
    pub(super) fn unknown_members(
        &self,
        schema: &Value,
        patch: &Map<String, Value>,
        at: &str,
        errors: &mut Vec<FieldError>,
    ) {
        let schema = self.resolve(schema);
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        let open = schema.get("additionalProperties").is_some_and(|more| *more != json!(false));
        for (name, value) in patch {
            let pointer = child(at, name);
            match (properties.get(name), value) {
                (Some(property), Value::Object(inner)) => {
                    self.unknown_members(property, inner, &pointer, errors);
                }
                (None, _) if !open => errors.push(unknown_member(pointer)),
                _ => {}
            }
        }
    }

    /// RFC 7396, but a `null` stays where the schema has a place for it.
    pub(super) fn merge(&self, schema: &Value, target: &mut Value, patch: &Value) {
        let Value::Object(patch) = patch else {
            *target = patch.clone();
            return;
        };
        let schema = self.resolve(schema);
        if !target.is_object() {
            *target = Value::Object(Map::new());
        }
        let Value::Object(members) = target else {
            return;
        };
        for (name, value) in patch {
            let property = schema.get("properties").and_then(|properties| properties.get(name));
            if value.is_null() {
                if property.is_some_and(|property| self.takes_null(property)) {
                    members.insert(name.clone(), Value::Null);
                } else {
                    members.shift_remove(name);
                }
            } else {
                let member = members.entry(name).or_insert(Value::Null);
                self.merge(property.unwrap_or(&Value::Null), member, value);
            }
        }
    }
}

/// `Ok` if there are no errors.
pub(super) fn refuse(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(bounded(errors))) }
}

/// The first errors, and one that says so where there are more: an answer is never much larger than what was asked.
pub(crate) fn bounded(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    if errors.len() > MOST_ERRORS {
        errors.truncate(MOST_ERRORS);
        errors.push(FieldError::new(
            "",
            "more_errors",
            format!("ada lebih dari {MOST_ERRORS} kesalahan; selebihnya tidak disebutkan"),
            format!("there are more than {MOST_ERRORS} errors; the rest are not listed"),
        ));
    }
    errors
}

fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
}

/// The pointer of the member `name` of what is at `at`.
pub(super) fn child(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn unknown_member(pointer: String) -> FieldError {
    FieldError::new(pointer, "unknown_member", "tidak dikenal di sini", "is not known here")
}

/// Puts an error of the validator into our words, with the limit that was passed.
pub(crate) fn explain(error: &ValidationError<'_>, errors: &mut Vec<FieldError>) {
    let at = error.instance_path().as_str();
    let (code, id, en) = match error.kind() {
        Kind::Required { property } => {
            let pointer = child(at, property.as_str().unwrap_or_default());
            errors.push(FieldError::new(pointer, "required", "wajib diisi", "is required"));
            return;
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            errors.extend(unexpected.iter().map(|name| unknown_member(child(at, name))));
            return;
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } | Kind::OneOfMultipleValid { context } => {
            return explain_choice(at, context, errors);
        }
        Kind::PropertyNames { error: named } => {
            let pointer = child(at, named.instance().as_str().unwrap_or_default());
            let mut own = Vec::new();
            explain(named, &mut own);
            errors.extend(own.into_iter().map(|error| FieldError { pointer: pointer.clone(), ..error }));
            return;
        }
        Kind::Type { kind } => {
            let types = type_names(kind);
            ("type", format!("harus berjenis {types}"), format!("must be of type {types}"))
        }
        Kind::MinLength { limit: 1 } => ("too_short", "tidak boleh kosong".into(), "must not be empty".into()),
        Kind::MinLength { limit } => (
            "too_short",
            format!("sekurang-kurangnya {limit} karakter"),
            format!("must have at least {limit} characters"),
        ),
        Kind::MaxLength { limit } => {
            ("too_long", format!("paling banyak {limit} karakter"), format!("may have at most {limit} characters"))
        }
        Kind::MinItems { limit } => {
            ("too_few", format!("sekurang-kurangnya {limit} butir"), format!("must have at least {limit} items"))
        }
        Kind::MaxItems { limit } => {
            ("too_many", format!("paling banyak {limit} butir"), format!("may have at most {limit} items"))
        }
        Kind::MinProperties { limit } => {
            ("too_few", format!("sekurang-kurangnya {limit} anggota"), format!("must have at least {limit} members"))
        }
        Kind::MaxProperties { limit } => {
            ("too_many", format!("paling banyak {limit} anggota"), format!("may have at most {limit} members"))
        }
        Kind::Minimum { limit } => {
            ("too_small", format!("sekurang-kurangnya {limit}"), format!("must be at least {limit}"))
        }
        Kind::ExclusiveMinimum { limit } => {
            ("too_small", format!("harus lebih dari {limit}"), format!("must be more than {limit}"))
        }
        Kind::Maximum { limit } => ("too_large", format!("paling besar {limit}"), format!("may be at most {limit}")),
        Kind::ExclusiveMaximum { limit } => {
            ("too_large", format!("harus kurang dari {limit}"), format!("must be less than {limit}"))
        }
        Kind::Format { format } => {
            let (id, en) = format_words(format);
            ("format", format!("harus berupa {id}"), format!("must be {en}"))
        }
        Kind::Pattern { pattern } => {
            ("pattern", format!("harus mengikuti pola {pattern}"), format!("must follow the pattern {pattern}"))
        }
        Kind::Enum { options } => {
            let options = values(options);
            ("one_of", format!("harus salah satu dari {options}"), format!("must be one of {options}"))
        }
        Kind::Constant { expected_value } => {
            ("one_of", format!("harus {expected_value}"), format!("must be {expected_value}"))
        }
        Kind::UniqueItems => {
            ("invalid", "butirnya tidak boleh berulang".into(), "must not have the same item twice".into())
        }
        Kind::MultipleOf { multiple_of } => {
            ("invalid", format!("harus kelipatan {multiple_of}"), format!("must be a multiple of {multiple_of}"))
        }
        _ => ("invalid", "tidak dapat diterima".into(), "is not acceptable".into()),
    };
    errors.push(FieldError::new(at, code, id, en));
}

/// A choice of schemas says why through the one alternative that was meant: the only one that is of
/// the value's type and has its tag.
fn explain_choice(at: &str, context: &[Vec<ValidationError<'static>>], errors: &mut Vec<FieldError>) {
    let meant = context.iter().filter(|alternative| {
        !alternative.iter().any(|error| match error.kind() {
            Kind::Type { .. } => error.instance_path().as_str() == at,
            Kind::Constant { .. } => true,
            Kind::Enum { options } => options.as_array().is_some_and(|options| options.len() == 1),
            _ => false,
        })
    });
    let meant: Vec<_> = meant.collect();
    let [only] = meant[..] else {
        let told = one_type_error(at, context)
            .or_else(|| one_tag_error(context))
            .map_or_else(|| common_errors(context), |error| vec![error]);
        if told.is_empty() {
            errors.push(FieldError::new(
                at,
                "invalid",
                "tidak cocok dengan satu pun bentuk yang diterima",
                "is like none of the forms that are accepted",
            ));
        }
        errors.extend(told);
        return;
    };
    only.iter().for_each(|error| explain(error, errors));
}

/// If no alternative has the value's type, the types that would do.
fn one_type_error(at: &str, context: &[Vec<ValidationError<'static>>]) -> Option<FieldError> {
    let mut types = Vec::new();
    for alternative in context {
        types.push(alternative.iter().find_map(|error| match error.kind() {
            Kind::Type { kind } if error.instance_path().as_str() == at => Some(type_names(kind)),
            _ => None,
        })?);
    }
    let types = types.join(" | ");
    (!types.is_empty())
        .then(|| FieldError::new(at, "type", format!("harus berjenis {types}"), format!("must be of type {types}")))
}

/// If every alternative has another tag than the value, the tags that there are.
fn one_tag_error(context: &[Vec<ValidationError<'static>>]) -> Option<FieldError> {
    let mut pointer = None;
    let mut tags = Vec::new();
    for alternative in context {
        let (at, tag) = alternative.iter().find_map(|error| match error.kind() {
            Kind::Enum { options } if options.as_array()?.len() == 1 => {
                Some((error.instance_path().as_str(), values(options)))
            }
            Kind::Constant { expected_value } => Some((error.instance_path().as_str(), expected_value.to_string())),
            _ => None,
        })?;
        if *pointer.get_or_insert(at) != at {
            return None;
        }
        tags.push(tag);
    }
    let tags = tags.join(", ");
    Some(FieldError::new(pointer?, "one_of", format!("harus salah satu dari {tags}"), format!("must be one of {tags}")))
}

/// What is wrong whichever alternative was meant.
fn common_errors(context: &[Vec<ValidationError<'static>>]) -> Vec<FieldError> {
    let mut told = context.iter().map(|alternative| {
        let mut errors = Vec::new();
        alternative.iter().for_each(|error| explain(error, &mut errors));
        errors
    });
    let Some(mut common) = told.next() else {
        return Vec::new();
    };
    for errors in told {
        common.retain(|error| errors.contains(error));
    }
    common
}

fn type_names(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(set) => set.iter().map(|one: JsonType| one.to_string()).collect::<Vec<_>>().join(" | "),
    }
}

fn values(options: &Value) -> String {
    let Some(options) = options.as_array() else {
        return options.to_string();
    };
    options.iter().map(Value::to_string).collect::<Vec<_>>().join(", ")
}

fn format_words(format: &str) -> (String, String) {
    let (id, en) = match format {
        "date" => ("tanggal seperti 2018-08-23", "a date like 2018-08-23"),
        "date-time" => ("waktu RFC 3339 seperti 2018-08-23T03:00:00Z", "an RFC 3339 instant like 2018-08-23T03:00:00Z"),
        "uuid" => ("UUID", "a UUID"),
        "uri" => ("URI lengkap", "a full URI"),
        "email" => ("alamat surel", "an e-mail address"),
        other => return (format!("{other} yang sah"), format!("a valid {other}")),
    };
    (id.into(), en.into())
}
