//! Framework editions: reference data, read-only. Each edition is put on the platform's ledger once, and never
//! changes: another wording is another edition.

mod load;
mod model;
mod routes;

pub use load::load;
pub use model::{Edition, EditionSource, Framework, Name, Node, Quality};
pub use routes::routes;
