//! A phase is a stretch of a programme with an aim and deliverables. Planned and actual dates are separate
//! facts: plans slip, and both stay. It is planned, then active, then completed.

mod gate;
mod model;
mod routes;

pub use model::{NewPhase, Phase, PhaseAct};
pub use routes::routes;
