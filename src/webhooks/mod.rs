//! A webhook is a receiver of an organisation that is told of a programme's changes as they happen, by Standard
//! Webhooks 1.0: what is told is what the organisation may see in the role of whoever made it, and both are fixed then.
//! It begins disabled, since nothing is sent unsigned: secrets are made by an operation of their own.
//!
//! Each is a leased cursor on the ledger, and a log of attempts. Messages go out in the ledger's order, one for each row;
//! one that does not go through keeps those behind it waiting, until it does, is skipped by hand, or the webhook is
//! disabled. Any number of processes may deliver: who holds the lease sends, and only who still holds it moves the
//! cursor. Killed between sending and noting, a process leaves a message that is sent again under the same id.

mod acts;
mod acts_routes;
mod address;
mod attempts;
mod client;
mod cursor;
mod delivery;
mod letters;
mod message;
mod model;
mod routes;
mod schedule;
mod secrets;
mod trial;
mod worker;

pub use attempts::sweep;
pub use client::{Client, Outbound};
pub use cursor::Deliveries;
pub use delivery::{Courier, Lease, Letter, Noted};
pub use message::{WebhookMessage, example};
pub use model::Webhook;
pub use routes::routes;
pub use worker::work;
