//! What is not translated yet, or behind its source.

mod routes;

pub use routes::routes;
