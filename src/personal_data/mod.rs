//! What the service keeps of people, and what they can ask of it (law 27/2022, and what else comes to the same): to see it,
//! to have it corrected, shown to nobody, no longer used, erased.
//!
//! All that is kept is in one register ([`register`]), which says why and how long. Who is shown whose data is decided in
//! one place ([`people`]), and noted there: the door keeps it before the answer leaves, so that "whose data did this key
//! read" can be answered. Erasing somebody ([`erasure`]) leaves attendance, votes and history as they were, of an account of
//! which nothing is known any more; a text on a ledger that names them is erased with its reason, and its digest stays, so
//! that the chain still verifies.

mod completion;
mod due;
mod erasure;
mod export;
mod leaving;
mod named;
mod people;
mod reads;
pub mod register;
mod requests;
mod restriction;
mod routes;
mod words;

pub use people::{Known, known};
pub use reads::{keep as keep_reads, sweep};
pub use requests::{DataRequest, DataRequestKind, DataRequestState, told_of};
pub use routes::{account_routes, routes};

use chrono::TimeDelta;

/// What the operator promises.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The version of the privacy notice that people are shown where they set their password.
    pub notice: String,
    /// Within which requests are answered for which the law names no time.
    pub answer_within: TimeDelta,
    /// How long a person is known whose account is over.
    pub kept_after_end: TimeDelta,
    /// How long it is known who was shown whose data.
    pub reads_kept: TimeDelta,
}
