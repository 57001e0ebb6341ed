//! A file of inputs: NDJSON or CSV, up to 50,000 rows, of one organisation. Its rows go to the database while it is still
//! coming, so no instance holds more of it than a chunk. Nothing is made of them before the whole file is there: an
//! upload that was cut off leaves no input behind.
//!
//! Its life: uploading → waiting → processing → done; or `cut_off`, `failed`. After the answer a worker takes a complete
//! file chunk by chunk: each chunk is one transaction that keeps its inputs *and* says so at its rows, so a process that
//! dies leaves nothing half and the next goes on where it stopped. The sender's rights are looked at in each.
//!
//! An import is no part of the programme's record, and on no ledger: the inputs that came of it are.

mod cells;
mod closing;
mod model;
mod process;
mod routes;
mod rows;
mod upload;

pub use process::{Taker, take_imports};
pub use routes::routes;
