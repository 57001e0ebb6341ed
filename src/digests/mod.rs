//! The daily digest: a mail of what waits for somebody, for people without webhooks. Who wants it chooses it (`PATCH /me`);
//! whoever is waited for by nothing gets none.
//!
//! It is due at one hour of the day, where the programme of the reader's oldest membership is. The step that finds it due
//! notes the time and puts the mail into the queue in one transaction, so that of several processes one does, and one that
//! is killed has done both or neither. What it says is read when it is sent.

mod due;
mod letter;

pub use due::{enqueue_due, work};
pub use letter::write;
