//! Decisions on questions, each pinned to the revision that the room saw.

mod routes;

pub use routes::routes;
