//! The service as its clients see it. One binary: linking is what costs time.
//!
//! Every story runs on both databases: `cargo test -- --list` shows it as `…::sqlite` and `…::postgres`.

#[macro_use]
mod harness;
mod cluster;
mod operations;

mod access;
mod concurrency;
mod database;
mod etags;
mod examples;
mod front;
mod idempotency;
mod ledger;
mod lists;
mod openapi;
mod problems;
mod questions;
mod schema;
mod settings;
mod sign_ins;
mod tokens;
