//! A resilience statement (*status ketahanan kota*): the agreed account of how resilient the city is, with an overall
//! account and a section for each focus area. Each section names its basis: exact revisions of questions, mappings,
//! criteria and ballots.
//!
//! Its life: draft → in_alignment (organisations take positions) → proposed → adopted → published → superseded. A new
//! revision before adoption makes positions stale; after adoption, a new statement supersedes it. Adoption asks the gate;
//! the lead can override it with a reason, which the statement and the ledger keep for good. What was published never
//! changes: its exact text is kept and signed.

mod basis;
mod gate;
mod model;
mod positions;
mod positions_routes;
mod publication;
mod routes;

pub use basis::{Impact, impact};
pub use model::{NewStatement, Statement, StatementState};
pub use positions::Position;
pub use routes::routes;
