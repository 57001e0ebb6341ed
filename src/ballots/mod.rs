//! A ballot puts a question to the electorate of a stage. How it is answered (method, scale, rule, quorum, unit) is
//! declared beforehand and frozen with the first vote; the result is computed when it closes, and the decision is
//! another thing, by a role and with a reason.
//!
//! Its life: draft → open → closed → decided; or void, with a reason. Each organisation of the electorate has one vote,
//! which it can change until the ballot is closed. Where the ballot is anonymous, what a vote says is kept apart: the
//! ledger has a commitment to it, and nobody is shown it.

mod model;
mod result;
mod routes;
#[cfg(test)]
mod tests;
mod votes;
mod votes_routes;

pub use model::{Ballot, BallotState, NewBallot, close_all};
pub use result::Quartiles;
pub use routes::{routes, stage_routes};
pub use votes::{ListedVote, NewVote, Vote, VoteValue, cast_all};
