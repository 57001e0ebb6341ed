//! A membership gives an account a role in a programme, for an organisation, from day to day (in the
//! programme's time zone), acting or not, by virtue of some document.
//!
//! Nobody grants more than they have, and the last lead of an active programme stays. Role, account and
//! organisation never change: another role is another membership.

mod model;
mod routes;

pub use model::{MemberRole, Membership, MembershipContent, NewMembership, keep_a_lead};
pub use routes::routes;
