//! The service as its clients see it. One binary: linking is what costs time.
//!
//! Every story runs on both databases: `cargo test -- --list` shows it as `…::sqlite` and `…::postgres`.

#[macro_use]
mod harness;
mod cluster;
mod operations;

mod access;
mod examples;
mod openapi;
mod questions;
