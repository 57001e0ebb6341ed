//! Following a programme: what changed since a row of its ledger, as the follower may see it, and a snapshot to begin
//! with. Whoever keeps a copy takes the snapshot once and then the changes, each of which names the whole new content.
//!
//! A cursor holds the number of the last row that was looked at, a digest of what decides what the follower sees, and a
//! piece of that row's hash. When what it sees changes, or another row stands in that one's place since the database was
//! restored, what it has cannot be brought up to date by changes alone, and it is told so.

mod event_types;
mod kinds;
mod model;
mod routes;
mod snapshot;
mod watcher;

pub use event_types::{EventType, FeedName};
pub use kinds::{Feed, Text, may_read};
pub use model::{Change, ChangeOp, Wanted, changes};
pub use routes::routes;
pub use watcher::Watcher;
