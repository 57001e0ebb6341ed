//! The public view: what a published programme shows to everybody, with no sign-in and one answer for all.
//!
//! Its types name each member that they show, and are made from the stored texts by naming each: what is added to a
//! resource later is not public until somebody adds it here. Never shown: people, notes, ratings, drafts, who did
//! what, and anything of a programme that is not published.

mod edition;
mod events;
mod model;
mod programs;
mod questions;
mod routes;
mod stakeholders;
mod statements;

pub use events::{PublicVenue, TOLD};
pub use programs::PublicOrganisation;
pub use routes::routes;
