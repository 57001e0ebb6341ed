//! A focus area is a main problem field that a programme's first phase leaves for the second.
//!
//! It has a number for good, dated names (the first is the one in use), the problem behind it, and emphases:
//! what its questions should stress. It is retired, never deleted.

mod model;
mod routes;

pub use model::{EmphasisCode, FocusArea, FocusAreaState};
pub use routes::routes;
