//! Ballots: a question put to the electorate of a stage; the computed result and the decision are two things.

mod routes;

pub use routes::routes;
