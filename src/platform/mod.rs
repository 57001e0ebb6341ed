//! What the service says of itself: whether it is alive and ready, its numbers, its keys, its document, what its
//! problems mean.

mod routes;

pub use routes::{Swagger, root, routes};
