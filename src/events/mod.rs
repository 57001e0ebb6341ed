//! Events: what people met for, with their stages, attendance, minutes and follow-ups.

mod routes;

pub use routes::routes;
