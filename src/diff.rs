//! The difference of two revisions, field by field.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One field that differs.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct FieldChange {
    /// JSON pointer.
    #[schema(example = "/text/en")]
    pub pointer: String,
    /// Null where it was not there.
    #[schema(value_type = Value)]
    pub before: Value,
    /// Null where it is gone.
    #[schema(value_type = Value)]
    pub after: Value,
}

/// What differs between two revisions of one thing.
#[derive(Debug, Serialize, ToSchema)]
pub struct Difference {
    #[schema(minimum = 1)]
    pub from: i32,
    #[schema(minimum = 1)]
    pub to: i32,
    pub changes: Vec<FieldChange>,
}

/// Members that differ between any two revisions and say nothing.
const ALWAYS: &[&str] = &["/revision", "/updated_at", "/translations"];

/// Compares two texts member by member; a list is one field.
pub fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare("", before, after, &mut changes);
    changes.retain(|change| !ALWAYS.contains(&change.pointer.as_str()));
    changes
}

fn compare(pointer: &str, before: &Value, after: &Value, changes: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                compare(
                    &format!("{pointer}/{escaped}"),
                    old.get(name).unwrap_or(&Value::Null),
                    new.get(name).unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        _ if before == after => {}
        _ => changes.push(FieldChange { pointer: pointer.to_owned(), before: before.clone(), after: after.clone() }),
    }
}
