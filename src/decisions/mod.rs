//! A decision on a question, taken in a stage of an event by those who run it: keep, revise, move, merge, split, retire
//! or defer. It is pinned to the revision that the room saw, and knows the revision that came of it. A wrong one is
//! rescinded with a reason, which puts the question back into review as it was, and given again.
//!
//! A whole stage can be sent in one request: attendance, votes and decisions, all or nothing.

mod model;
mod outcomes;
mod routes;

pub use model::{Decision, NewDecision, on_ballot};
pub use outcomes::{OutcomeDecision, Outcomes, StageOutcomes, keep_outcomes};
pub use routes::{Trial, routes, stage_routes};
