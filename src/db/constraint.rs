//! Which constraint a statement broke, by the same name on both databases.

use diesel::result::{DatabaseErrorKind, Error};

use crate::problem::Problem;

/// The name of the broken constraint, `<table>_<columns>_key` or `…_check`.
///
/// PostgreSQL says it; SQLite names the columns of a unique constraint (from which our naming rule makes
/// the name) and the name of a check. SQLite never names a foreign key.
pub fn broken(error: &Error) -> Option<String> {
    let Error::DatabaseError(kind, info) = error else { return None };
    if let Some(name) = info.constraint_name() {
        return Some(name.to_owned());
    }
    match kind {
        DatabaseErrorKind::UniqueViolation => {
            let columns = info.message().strip_prefix("UNIQUE constraint failed: ")?;
            let table = columns.split('.').next()?;
            let names: Vec<&str> = columns.split(", ").filter_map(|column| column.split('.').nth(1)).collect();
            Some(format!("{table}_{}_key", names.join("_")))
        }
        DatabaseErrorKind::CheckViolation => {
            info.message().strip_prefix("CHECK constraint failed: ").map(str::to_owned)
        }
        _ => None,
    }
}

/// Turns the breach of one named constraint into a problem that the client can act on.
pub trait OnConstraint<T> {
    fn on_constraint(self, name: &str, problem: impl FnOnce() -> Problem) -> Result<T, Problem>;
}

impl<T> OnConstraint<T> for Result<T, Error> {
    fn on_constraint(self, name: &str, problem: impl FnOnce() -> Problem) -> Result<T, Problem> {
        self.map_err(|error| if broken(&error).as_deref() == Some(name) { problem() } else { error.into() })
    }
}
