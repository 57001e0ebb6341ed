//! A mapping ties a focus area, question, criterion or statement to one node of one framework edition: how strongly, why,
//! and by which organisation. Several organisations may map differently, and both stand. It is never edited: whoever
//! changes their mind withdraws it and proposes another.
//!
//! Its life: proposed → validated or rejected; withdrawn from any of them.

mod model;
mod routes;

pub use model::{
    MappedKind, Mapping, MappingState, NewMapping, Strength, Verdict, edition, node, own_only, speaks_for,
};
pub use routes::routes;
