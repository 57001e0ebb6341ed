//! Tangguh, the API of record for city resilience programmes.
//!
//! One process serves HTTP over one database, SQLite or PostgreSQL, and nothing that must be right lives in its
//! memory. A request goes through these, in this order:
//!
//! * `front` gives it an id, and its answer the headers, numbers and log line that all have;
//! * [`access`] finds out who asks and opens a *door*, once [`policy`] has said yes. A handler has no connection:
//!   the door is its first argument and its only way to the database, so no right can be forgotten;
//! * [`valid`] checks a body against the schema that our own OpenAPI document publishes;
//! * the handler in a resource's `routes` calls one function of its `model`;
//! * [`db`] runs that on one of a few threads that have a connection each. There is no pool;
//! * a write is one transaction: lock the head of the programme's ledger, look at the right again, look for the
//!   idempotency key, run the model, store the reply. It must end in a `Recorded`, which is made by putting the
//!   change on the ledger;
//! * what went wrong is a [`problem`].
//!
//! Resources are [`versioned`]: an anchor row and its revisions, which never change and keep the exact text of
//! what they were. A change closes one and opens the next, so now, then and history are one table, and a read sends
//! stored text. Each programme has one [`ledger`], and the platform has one: every change in the order of the
//! commits, each row chained to the one before. Its sequence is what `as_of`, the ETags of lists and history go by.
//!
//! [`api`] lists the resources and makes the app. `document` completes the OpenAPI document that is made from the
//! app, and [`operations`] reads back from it which methods, parameters and rights there are. [`page`],
//! `idempotency`, `seen` (If-Match), `sheets` (CSV) and [`localized`] are conventions of the API, one file each. [`token`], [`keys`],
//! [`seal`], [`secret`], [`password`] and [`second_factor`] are about secrets. What is done after the answer, a [`worker`] does; [`mail`] goes out so, [`digests`] and [`one_time`] tokens in it. What is kept of people, why and how long, is in [`personal_data`]. [`start`] puts all of it together, and [`clock`] tells
//! the time, which tests move.
//!
//! Where the two databases differ is in [`db`] alone. `docs/architecture.md` says more, and how to add a resource.

pub mod access;
mod access_review;
pub mod accounts;
pub mod api;
mod asked_said_did;
pub mod ballots;
pub mod clients;
pub mod clock;
pub mod config;
mod consequences;
mod consultations;
mod coverage;
mod criteria;
mod csv;
pub mod db;
pub mod decisions;
pub mod demo;
pub mod diff;
pub mod digests;
mod document;
pub mod documents;
pub mod events;
mod facts;
pub mod feed;
mod focus_areas;
pub mod frameworks;
mod front;
mod gate;
mod history;
mod idempotency;
pub mod inputs;
pub mod invitations;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod localized;
pub mod mail;
pub mod mappings;
mod me;
pub mod memberships;
pub mod metrics;
pub mod one_time;
pub mod operations;
pub mod page;
pub mod pages;
pub mod participants;
pub mod password;
pub mod personal_data;
pub mod phases;
mod platform;
pub mod policy;
pub mod problem;
pub mod programs;
pub mod proxies;
mod public;
pub mod questions;
pub mod reason;
pub mod routes;
pub mod schema;
pub mod seal;
pub mod second_factor;
pub mod secret;
mod seen;
pub mod service;
mod sheets;
mod shocks_and_stresses;
pub mod sign_ins;
pub mod stakeholders;
pub mod start;
pub mod statements;
pub mod token;
mod translations;
pub mod valid;
pub mod versioned;
pub mod webhooks;
pub mod worker;
