//! The service as its clients see it. One binary: linking is what costs time.
//!
//! Every story runs on both databases: `cargo test -- --list` shows it as `…::sqlite` and `…::postgres`.

#[macro_use]
mod harness;
mod cluster;
mod operations;

mod access;
mod accounts;
mod concurrency;
mod database;
mod documents;
mod etags;
mod examples;
mod focus_areas;
mod front;
mod history;
mod idempotency;
mod ledger;
mod lists;
mod memberships;
mod neighbour;
mod openapi;
mod participants;
mod phases;
mod plans;
mod problems;
mod programs;
mod questions;
mod schema;
mod settings;
mod shocks_and_stresses;
mod sign_ins;
mod stakeholders;
mod tokens;
