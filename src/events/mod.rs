//! Events: what people met for, with their stages, attendance, minutes and follow-ups.

pub mod minutes;
mod routes;

pub use routes::routes;
