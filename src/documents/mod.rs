//! A document is what facts rest on or what a programme made: its title, where it is, its hash, language and
//! version. The service keeps the metadata, not the file. Its visibility decides who sees it: everybody, the
//! programme's members, or the lead and secretariat.

mod model;
mod routes;

pub use model::{Document, NewDocument};
pub use routes::routes;
