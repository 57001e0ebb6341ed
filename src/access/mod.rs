//! The only doors to the database. A handler has no connection: it asks for a door, and gets one only
//! after the policy has said yes.
//!
//! * [`Can<A>`]: leave to do `A` in the programme that the path names.
//! * [`Platform<A>`]: leave to do `A` on what all programmes share.
//! * [`Myself<A>`]: any signed-in caller, about themselves.
//! * [`Public`]: nobody in particular; listed by name in `policy.rs`.
//! * [`Deputy`]: for what a caller asked for and the service does in several transactions.
//! * [`System`]: the service itself: the commands, the demo.
//!
//! Rights are looked up, never carried in a token. For reads they may be five seconds old; a write looks
//! again inside its transaction.

mod credential;
mod deputy;
mod door;
mod identity;
mod publicly;
mod read;
mod shown;
mod system;
mod tx;
mod write;

pub use credential::{Credential, end_of};
pub use deputy::Deputy;
pub use door::{Can, Ledger, Myself, Platform, Reach};
pub use identity::{Caller, Callers, Held, Machine, Withheld, authenticate};
pub use publicly::Public;
pub use read::{Listed, Part, etag, moment, render};
pub use shown::{Person, Reader, Shown};
pub use system::System;
pub use tx::{Recorded, Seen, Tx, place};
pub use write::{KEPT, Reply, as_trial};
