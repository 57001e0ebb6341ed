//! Which nodes of a framework edition are touched, and where organisations differ.

mod routes;

pub use routes::routes;
