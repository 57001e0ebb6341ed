//! A programme is one city's (or area's) work on its resilience. Everything else belongs to one, but for
//! accounts, stakeholders and frameworks. It has a slug for good, a source language for good, and a time zone in
//! which its days are days. It is active until it is archived; then nothing in it changes.

mod diff;
mod model;
mod routes;
mod summary;

pub use model::{NewProgram, Program, ProgramContent, ProgramState, time_zone_named};
pub use routes::{ProgramPath, routes};
