//! Mappings of focus areas, questions, criteria and statements to nodes of a framework edition.

mod routes;

pub use routes::routes;
