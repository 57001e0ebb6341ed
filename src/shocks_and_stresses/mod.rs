//! What hits the city: suddenly (a shock) or slowly (a stress); with its rank, who ranked it and when.
//! Focus areas name those that they answer.

mod model;
mod routes;

pub use model::ShockOrStress;
pub use routes::routes;
