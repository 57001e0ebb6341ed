//! The service as its clients see it. One binary: linking is what costs time.
//!
//! Every story runs on both databases: `cargo test -- --list` shows it as `…::sqlite` and `…::postgres`.

#[macro_use]
mod harness;
mod cluster;

mod accounts;
mod documents;
mod focus_areas;
mod history;
mod memberships;
mod neighbour;
mod participants;
mod phases;
mod programs;
mod questions;
mod shocks_and_stresses;
mod stakeholders;
