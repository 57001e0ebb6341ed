//! Mail to people. It is put into a queue by the change that it tells of, in its transaction, and sent afterwards by a
//! worker that any number of processes may run: a lease keeps two from sending one mail.
//!
//! What a mail says is made at sending, and so is the token in it: no token stands anywhere but in the mail. An address
//! stands in the queue until its mail was sent or given up. A mail to an address that nobody has is put into the queue
//! like any other and dropped by the worker: whoever asked learns nothing, by words or by time.

mod letters;
mod post;
mod queue;
mod routes;
mod worker;

pub use letters::Written;
pub use post::{Outgoing, Relay, Way, mailbox};
pub use queue::{MailKind, NewMail, enqueue, forget, sweep};
pub use routes::routes;
pub use worker::{Carrier, carry};
