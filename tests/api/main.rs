//! The service as its clients see it. One binary: linking is what costs time.
//!
//! Every story runs on both databases: `cargo test -- --list` shows it as `…::sqlite` and `…::postgres`.

#[macro_use]
mod harness;
mod cluster;
mod drafting;
mod mirror;
mod operations;
mod receiver;
mod room;

mod access;
mod accounts;
mod asked_said_did;
mod attendance;
mod ballots;
mod checkpoints;
mod clients;
mod concurrency;
mod consultations;
mod database;
mod decisions;
mod deliveries;
mod diff;
mod documents;
mod etags;
mod events;
mod examples;
mod exports;
mod feed;
mod focus_areas;
mod follow_ups;
mod frameworks;
mod front;
mod gates;
mod history;
mod idempotency;
mod imports;
mod inputs;
mod ledger;
mod limits;
mod lists;
mod memberships;
mod minutes;
mod neighbour;
mod openapi;
mod participants;
mod phases;
mod plans;
mod planted;
mod problems;
mod programs;
mod public;
mod publications;
mod questions;
mod schema;
mod session;
mod settings;
mod shocks_and_stresses;
mod sign_ins;
mod stakeholders;
mod statements;
mod tasks;
mod tokens;
mod translations;
mod webhooks;
