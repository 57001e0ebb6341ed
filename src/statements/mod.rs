//! Resilience statements: their sections, what these rest on, positions, adoption, publication.

mod routes;

pub use routes::routes;
