//! A stakeholder is an organisation. It is shared by all programmes: its names and kinds change through time,
//! and sources may disagree on them. A facilitator may add a provisional one in the room; the secretariat or an
//! admin confirms it. Accounts and clients are other things: they act for a stakeholder.

mod model;
mod routes;

pub use model::{NewStakeholder, Stakeholder, StakeholderState};
pub use routes::routes;
