//! What a signed-in caller finds out about itself: its account, its memberships, what it may do and why.

mod explain;
mod routes;
pub mod tasks;

pub use routes::routes;
