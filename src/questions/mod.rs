//! A question is an analysis question of a focus area: what the programme must find out.
//!
//! It is never edited, only revised, and never deleted. Its life: draft → proposed → in_review → validated;
//! not_fitting from any of the last three; merged, split and retired are its ends. Revising one that is
//! in_review, validated or not_fitting makes it proposed again, and the validated wording stays known. A
//! move keeps its id and gives it a code of the new focus area; its old codes still find it, and no other
//! question ever gets them.

mod acts;
mod model;
mod routes;

pub use model::{NewQuestion, Question, QuestionState};
pub use routes::routes;

pub use acts::{Merge, Move, QuestionRevision, QuestionTransition, ReasonKind, ReviewState, Split, SplitPart};
