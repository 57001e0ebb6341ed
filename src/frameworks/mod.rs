//! Framework editions: reference data, read-only.

mod routes;

pub use routes::routes;
