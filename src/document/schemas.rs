//! Passes over the schemas of the document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

pub(super) const PREFIX: &str = "#/components/schemas/";

pub(super) type Components = Map<String, Value>;

/// The component that `schema` is a reference to.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{PREFIX}{name}")})
}

const OF_ONE: [&str; 5] = ["items", "additionalProperties", "not", "contains", "propertyNames"];
const OF_A_LIST: [&str; 4] = ["oneOf", "anyOf", "allOf", "prefixItems"];
const BY_NAME: [&str; 3] = ["properties", "patternProperties", "$defs"];

/// The schemas that `schema` is made of. What is not a schema, such as an example, is left alone.
pub(super) fn parts(schema: &mut Value) -> Vec<&mut Value> {
    let Some(members) = schema.as_object_mut() else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    for (key, value) in members {
        let key = key.as_str();
        if OF_ONE.contains(&key) {
            parts.push(value);
        } else if OF_A_LIST.contains(&key) {
            parts.extend(value.as_array_mut().into_iter().flatten());
        } else if BY_NAME.contains(&key) {
            parts.extend(value.as_object_mut().into_iter().flat_map(Map::values_mut));
        }
    }
    parts
}

pub(super) fn is_object(schema: &Value) -> bool {
    schema.get("properties").is_some_and(Value::is_object)
}

/// An object whose members have names of their own, such as a text by language.
fn is_map(schema: &Value) -> bool {
    !is_object(schema) && schema.get("additionalProperties").is_some_and(Value::is_object)
}

fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()
}

/// Takes away the components that nothing in `paths` leads to: those that were only flattened into others.
pub(super) fn drop_unused(paths: &Value, components: &mut Components) {
    let mut used = BTreeSet::new();
    let mut open = vec![paths.clone(), reference(PROBLEM)];
    while let Some(value) = open.pop() {
        if let Some(name) = referred(&value)
            && used.insert(name.to_owned())
        {
            open.extend(components.get(name).cloned());
        }
        match value {
            Value::Object(members) => open.extend(members.into_iter().map(|(_, member)| member)),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    components.retain(|name, _| used.contains(name));
}

/// What every error response leads to; they are added later.
const PROBLEM: &str = "Problem";

/// Makes one schema of each `allOf`. utoipa writes `#[serde(flatten)]` as `allOf` of the flattened
/// type and the struct's own members, and an object inside `allOf` cannot refuse unknown members.
pub(super) fn merge_all_of(schema: &mut Value, components: &Components) {
    parts(schema).into_iter().for_each(|part| merge_all_of(part, components));
    let Some(Value::Array(all)) = schema.get("allOf") else {
        return;
    };
    if let Some(annotated) = annotated_reference(all) {
        replace_all_of(schema, annotated);
        return;
    }
    // The struct's own members stand before those that were flattened into it.
    let (own, flattened): (Vec<_>, Vec<_>) = all.iter().partition(|part| referred(part).is_none());
    let resolved = own.into_iter().chain(flattened).map(|part| {
        let mut part = match referred(part).and_then(|name| components.get(name)) {
            Some(component) => component.clone(),
            None => part.clone(),
        };
        merge_all_of(&mut part, components);
        part
    });
    let mut merged = vec![json!({"type": "object", "properties": {}})];
    let mut discriminator = None;
    for part in resolved {
        let branches = match alternatives(&part) {
            Some(branches) => {
                discriminator = part.get("discriminator").cloned().or(discriminator);
                branches.iter().map(|branch| resolve(branch, components)).collect()
            }
            None => vec![part],
        };
        if branches.is_empty() || !branches.iter().all(is_object) {
            return;
        }
        merged = merged.iter().flat_map(|left| branches.iter().map(|right| joined(left, right))).collect();
    }
    let whole = match (merged.len(), discriminator) {
        (1, _) => merged.swap_remove(0),
        (_, None) => json!({"oneOf": merged}),
        (_, Some(discriminator)) => json!({"oneOf": merged, "discriminator": discriminator}),
    };
    replace_all_of(schema, whole);
}

fn resolve(schema: &Value, components: &Components) -> Value {
    let mut found = match referred(schema).and_then(|name| components.get(name)) {
        Some(component) => component.clone(),
        None => schema.clone(),
    };
    merge_all_of(&mut found, components);
    found
}

/// A reference with a description or default of its own, which OpenAPI 3.1 lets stand side by side.
fn annotated_reference(all: &[Value]) -> Option<Value> {
    const MEANT_FOR_PEOPLE: [&str; 8] =
        ["title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly"];
    let [target, notes] = all else {
        return None;
    };
    referred(target)?;
    let mut whole = target.clone();
    for (key, value) in notes.as_object()? {
        if MEANT_FOR_PEOPLE.contains(&key.as_str()) {
            whole[key] = value.clone();
        } else if key != "type" {
            return None;
        }
    }
    Some(whole)
}

/// Puts the keys of `whole` where `allOf` was; what stood beside it wins.
fn replace_all_of(schema: &mut Value, whole: Value) {
    let (Some(members), Value::Object(whole)) = (schema.as_object_mut(), whole) else {
        return;
    };
    let beside = std::mem::replace(members, whole);
    members.extend(beside.into_iter().filter(|(key, _)| key != "allOf"));
}

fn joined(left: &Value, right: &Value) -> Value {
    let mut properties = left["properties"].as_object().cloned().unwrap_or_default();
    for (name, property) in right["properties"].as_object().into_iter().flatten() {
        properties.insert(name.clone(), property.clone());
    }
    let mut required: Vec<Value> = Vec::new();
    let names = [left, right].into_iter().filter_map(|part| part.get("required")?.as_array());
    for name in names.flatten() {
        if !required.contains(name) {
            required.push(name.clone());
        }
    }
    let mut whole = json!({"type": "object"});
    if !required.is_empty() {
        whole["required"] = required.into();
    }
    whole["properties"] = properties.into();
    // `false` of a part would refuse the members of the other.
    let mut more = [right, left].into_iter().filter_map(|part| part.get("additionalProperties"));
    if let Some(more) = more.find(|more| **more != json!(false)) {
        whole["additionalProperties"] = more.clone();
    }
    whole
}

/// Gives an object that was written out the name that it has: utoipa writes out what a generic type is
/// of, so that `Page<Thing>` would have all of `Thing` in it.
pub(super) fn name_objects(schema: &mut Value, components: &Components) {
    for part in parts(schema) {
        let named = components.iter().find(|(_, component)| is_object(part) && *component == part);
        match named {
            Some((name, _)) => *part = reference(name),
            None => name_objects(part, components),
        }
    }
}

/// Makes every object that `schema` leads to refuse members that it does not list.
pub(super) fn close(schema: &mut Value, components: &mut Components, seen: &mut BTreeSet<String>) {
    if let Some(name) = referred(schema).map(str::to_owned)
        && seen.insert(name.clone())
        && let Some(mut component) = components.get_mut(&name).map(Value::take)
    {
        close(&mut component, components, seen);
        components.insert(name, component);
    }
    if is_object(schema) && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = false.into();
    }
    if schema.get("allOf").is_some() {
        // What could not be merged stays open: each part would refuse the others' members.
        return;
    }
    parts(schema).into_iter().for_each(|part| close(part, components, seen));
}

/// Schemas that are made from others, to be added to the components.
#[derive(Default)]
pub(super) struct Derived(BTreeMap<String, Value>);

impl Derived {
    pub fn add_to(self, components: &mut Components) {
        for (name, schema) in self.0 {
            components.entry(name).or_insert(schema);
        }
    }

    /// The merge patch of an object: nothing is required, and `null` takes away what may be absent.
    /// Objects inside are patched in their turn (of a text by language, `null` takes one language away); an
    /// array is replaced.
    pub fn patch(&mut self, schema: &Value, components: &Components) -> Value {
        if let Some(name) = referred(schema) {
            let Some(component) = components.get(name).filter(|one| is_object(one) || is_map(one)) else {
                return schema.clone();
            };
            let patch = format!("{name}Patch");
            if !self.0.contains_key(&patch) {
                self.0.insert(patch.clone(), Value::Null);
                let derived = self.patch(component, components);
                self.0.insert(patch.clone(), derived);
            }
            let mut patched = schema.clone();
            patched["$ref"] = format!("{PREFIX}{patch}").into();
            return patched;
        }
        let mut patched = schema.clone();
        if is_object(schema) {
            let required = schema["required"].as_array();
            let required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
            for (name, property) in patched["properties"].as_object_mut().into_iter().flatten() {
                *property = self.patch(property, components);
                if !required(name) {
                    take_null(property);
                }
            }
            for key in ["required", "minProperties", "example", "examples"] {
                patched.as_object_mut().map(|members| members.shift_remove(key));
            }
        } else if is_map(schema) {
            take_null(&mut patched["additionalProperties"]);
        } else if let Some(choices) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key))
            && choices.as_array().is_some_and(|all| all.iter().filter(|one| !is_null(one)).count() == 1)
        {
            parts(&mut patched).into_iter().for_each(|one| *one = self.patch(one, components));
        }
        if let Some(members) = patched.as_object_mut() {
            members.shift_remove("default");
        }
        patched
    }

    /// What `?fields=`, `?view=localized` and `?expand=` make of a response: members may be missing,
    /// texts may be in one language, and other resources may stand in `expanded`. A page stays a page
    /// of such items.
    pub fn view(&mut self, schema: &Value, components: &Components) -> Value {
        if let Some(name) = referred(schema) {
            let Some(component) = components.get(name) else {
                return schema.clone();
            };
            let view = format!("{name}View");
            let derived = self.view(component, components);
            self.0.insert(view.clone(), derived);
            return reference(&view);
        }
        let mut view = schema.clone();
        let is_page = schema.pointer("/properties/items/items").is_some();
        if is_page {
            view["properties"]["items"]["items"] = self.view(&schema["properties"]["items"]["items"], components);
        } else if schema.get("items").is_some() {
            view["items"] = self.view(&schema["items"], components);
        } else {
            self.widen(&mut view, components);
            if is_object(&view) {
                view.as_object_mut().map(|members| members.shift_remove("required"));
                let properties = view["properties"].as_object_mut();
                properties.map(|properties| properties.entry("expanded").or_insert_with(expanded));
            }
        }
        for key in ["example", "examples"] {
            view.as_object_mut().map(|members| members.shift_remove(key));
        }
        view
    }

    /// Lets each localized text in `schema` be in one language.
    fn widen(&mut self, schema: &mut Value, components: &Components) {
        match referred(schema).map(str::to_owned) {
            Some(name) if name == LOCALIZED => {
                schema.as_object_mut().map(|members| members.shift_remove("$ref"));
                schema["anyOf"] = json!([reference(LOCALIZED), reference(ONE_LANGUAGE)]);
                if !components.contains_key(ONE_LANGUAGE) {
                    self.0.insert(ONE_LANGUAGE.into(), one_language());
                }
            }
            Some(name) if leads_to_localized(&name, components, &mut BTreeSet::new()) => {
                let view = format!("{name}View");
                if !self.0.contains_key(&view) {
                    self.0.insert(view.clone(), Value::Null);
                    let mut inner = components[&name].clone();
                    self.widen(&mut inner, components);
                    self.0.insert(view.clone(), inner);
                }
                schema["$ref"] = format!("{PREFIX}{view}").into();
            }
            Some(_) => {}
            None => parts(schema).into_iter().for_each(|part| self.widen(part, components)),
        }
    }
}

const LOCALIZED: &str = "Localized";
const ONE_LANGUAGE: &str = "OneLanguage";

fn leads_to_localized(name: &str, components: &Components, seen: &mut BTreeSet<String>) -> bool {
    if name == LOCALIZED {
        return true;
    }
    let (true, Some(mut component)) = (seen.insert(name.into()), components.get(name).cloned()) else {
        return false;
    };
    let mut open = vec![&mut component];
    while let Some(schema) = open.pop() {
        if referred(schema).is_some_and(|name| leads_to_localized(name, components, seen)) {
            return true;
        }
        open.extend(parts(schema));
    }
    false
}

fn expanded() -> Value {
    json!({
        "type": "object",
        "description": "The resources that `expand` asked for, by the name of the member that refers to them.",
        "additionalProperties": true,
    })
}

fn one_language() -> Value {
    json!({
        "type": "object",
        "description": "A text in one language.",
        "required": ["text", "lang", "stale"],
        "properties": {
            "text": {"type": "string"},
            "lang": {"type": "string", "description": "The language that the text is in."},
            "stale": {"type": "boolean", "description": "Whether it translates an older text than the one that stands."},
        },
    })
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn take_null(schema: &mut Value) {
    if let Some(target) = schema.as_object_mut().and_then(|members| members.shift_remove("$ref")) {
        schema["oneOf"] = json!([{"$ref": target}, {"type": "null"}]);
        return;
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(choices)) = schema.get_mut(key) {
            if !choices.iter().any(is_null) {
                choices.push(json!({"type": "null"}));
            }
            return;
        }
    }
    let Some(kind) = schema.get_mut("type") else {
        return;
    };
    match kind {
        Value::Array(types) if !types.iter().any(|one| one == "null") => types.push("null".into()),
        Value::String(one) if one != "null" => *kind = json!([one.as_str(), "null"]),
        _ => {}
    }
    if let Some(Value::Array(options)) = schema.get_mut("enum")
        && !options.contains(&Value::Null)
    {
        options.push(Value::Null);
    }
}
