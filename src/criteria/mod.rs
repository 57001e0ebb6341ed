//! A base criterion of resilience (*kriteria dasar ketahanan kota*): what "resilient" must mean for this city, with the
//! qualities and framework nodes that it bears on, and the event that found it.
//!
//! Its life: proposed → validated or rejected; withdrawn from any of them. It can be edited while it is proposed.

mod model;
mod routes;

pub use model::Criterion;
pub use routes::routes;
