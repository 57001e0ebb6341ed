//! The ledger: every change of a programme (or of the platform) as one row, in the order of their
//! commits, each chained to the one before.
//!
//! `digest = SHA-256(salt ‖ body ‖ LF ‖ reason)` and `hash = SHA-256(previous hash ‖ LF ‖ line)`, where the line
//! is a JSON array of the row's own columns with the digest. So body and reason can be erased by law and the
//! chain still verifies. An unsigned chain alone does not stop somebody who rewrites all of it: that is what the
//! signed [`checkpoints`] are for.

mod chain;
pub mod checkpoints;
mod erasure;
mod export;
mod matching;
mod model;
mod routes;

pub use chain::{NewRow, Verdict, append, follow, verify};
pub use checkpoints::Checkpoint;
pub use erasure::erase;
pub use model::{Act, LedgerRow, hash_at, head, heads, ids, newest, sequence_at, sequence_before, stand};
pub use routes::routes;
