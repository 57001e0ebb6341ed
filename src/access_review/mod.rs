//! Who may do what, and why: the memberships of the programmes that a reviewer looks after, now or at an earlier moment,
//! with when each was last confirmed and which are due for it. Nothing is kept here: it is read from memberships,
//! accounts and sign-ins.
//!
//! Admins review every programme; leads and secretariats review theirs.

mod account;
mod read;
mod routes;
mod table;
mod told;

pub use routes::{account_routes, routes};
