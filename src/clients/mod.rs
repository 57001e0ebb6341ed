//! A client is a machine's credentials: of one organisation in one programme, with one role and of that role the
//! actions that it was given, until a day that must be named. It signs in with a key, or with an access token that it
//! gets for its key.
//!
//! Nobody gives a client more than they have themselves, and a client makes neither clients nor members. Of a key only
//! the hash is kept. A client that is revoked stays, for its acts bear its id.

mod expiry;
mod keys;
mod model;
mod oauth;
mod oauth_routes;
mod routes;

pub use expiry::tell_of_expiry;
pub use model::Client;
pub use oauth::sweep;
pub use oauth_routes::{metadata_routes, oauth_routes};
pub use routes::routes;
