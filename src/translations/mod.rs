//! What is not translated yet, or behind its source: the texts that a translator has still to write.

mod backlog;
mod routes;

pub use routes::routes;
