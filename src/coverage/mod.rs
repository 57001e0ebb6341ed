//! Which nodes of a framework edition the programme's work touches, and which not; which focus areas and questions are on
//! no node; where organisations differ. Lists to work down, and no score: coverage is not resilience.

mod model;
mod routes;

pub use routes::routes;
