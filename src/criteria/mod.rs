//! Base criteria of resilience.

mod routes;

pub use routes::routes;
