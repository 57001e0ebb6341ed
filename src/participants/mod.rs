//! A participant is a stakeholder's part in one programme: in which capacity, from when to when. Paths name it
//! by the stakeholder. Removing one keeps its history; adding it again goes on from there.

mod model;
mod routes;

pub use model::{Capacity, NewParticipant, Participant};
pub use routes::routes;
