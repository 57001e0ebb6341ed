//! A stakeholder is an organisation. It is shared by all programmes: its names and kinds change through time,
//! and sources may disagree on them. A facilitator may add a provisional one in the room; the secretariat or an
//! admin confirms it. Accounts and clients are other things: they act for a stakeholder.

//!
//! Organisations are renamed, merged and split over the years. The past is never rewritten: what was done keeps the id of who
//! did it, and what is live goes over by a change of its own.

mod directory;
mod imports;
mod model;
mod moving;
mod reorganise;
mod reorganise_routes;
mod routes;

pub use directory::Directory;
pub use model::{NewStakeholder, Stakeholder, StakeholderState};
pub use moving::programs as open_programs;
pub use routes::routes;
