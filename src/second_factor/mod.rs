//! A second factor: what somebody has, beside the password that they know. It is the time-based code of an authenticator app
//! (TOTP, RFC 6238), or a recovery code where the app is lost.
//!
//! Its secret rests sealed, and is not in force until its first code has come back. A code is taken once: the time step of
//! the last one is kept, and none before it counts. Wrong ones are counted like wrong passwords. Recovery codes are good
//! once each and kept as hashes.
//!
//! `TANGGUH_SECOND_FACTOR` names the roles that need one: such a role counts for nothing in a sign-in that has not shown it
//! (`access/identity.rs`). What is dangerous asks for it, or for the password, anew (`policy.rs`, RFC 9470).

mod model;
mod routes;
mod totp;

pub use model::{codes_left, forget, is_set, reset, sweep, take};
pub use routes::{account_routes, routes, sign_in_routes};
