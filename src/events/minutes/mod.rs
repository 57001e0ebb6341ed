//! Minutes, which the service writes from what happened: the event, who was there, the stages with their ballots and
//! decisions, outcomes and follow-ups, and as an annex what each decision changed. Organisations only: no people, no
//! notes, no comments on votes; of an anonymous ballot what its result says.
//!
//! Once they are approved they are of the ledger's row that approved them: what happens to a question later, or to the
//! name of an organisation, does not change them.

mod page;
mod read;
mod routes;
mod told;

pub use read::{of, settled};
pub use routes::{rendition, show};
pub use told::Minutes;
