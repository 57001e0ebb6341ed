//! An input is what an organisation sends for itself, mostly from its own system and unattended: a comment, evidence, a
//! proposal or an objection, with the sender's own reference. It gets a receipt, a day by which a decision is owed, a
//! decision with a reason that can be published, and an answer; and it says which revisions came of it.
//!
//! Its life: received → acknowledged → in_review ⇄ more_information_needed → decided → answered; or withdrawn by its
//! sender, quarantined. Its sender may correct it until it is in review.

mod acts;
mod acts_routes;
mod batch;
mod decisions;
mod effects;
mod imports;
mod model;
mod outcome;
mod receipt;
mod references;
mod routes;
mod send;

pub use decisions::{InputAnswer, InputDecision};
pub use effects::{EffectItem, InputEffectItem, of_question, read as effects_of};
pub use imports::{Taker, routes as import_routes, take_imports};
pub use model::{Input, InputState, InputSubjectKind, Sight};
pub use routes::routes;
