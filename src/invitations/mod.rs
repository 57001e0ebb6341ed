//! An invitation goes by mail to somebody who has no account yet: into a programme, with a role there for an organisation,
//! or to the platform alone. Whoever accepts gives name, password and language, and gets account and membership in one
//! transaction.
//!
//! Nobody invites to more than they have, neither when they send it nor when it is accepted: an invitation holds as long
//! as whoever sent it may still send it. It is good once, for fourteen days. The address is personal data and stands in
//! a table of its own; it is forgotten when the invitation is accepted, or thirty days after it is over.

mod acceptance;
mod acceptance_routes;
mod model;
mod routes;

pub use acceptance_routes::routes as acceptance_routes;
pub use model::{Invitation, expire, forget, sweep};
pub use routes::routes;
