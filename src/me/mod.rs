//! What a signed-in caller finds out about itself: its account, its memberships, what it may do and why.

mod credentials;
mod explain;
mod routes;
mod sign_ins;
pub mod tasks;

pub use routes::routes;
