//! The public view: published things only, one answer for everybody.

mod routes;

pub use routes::routes;
