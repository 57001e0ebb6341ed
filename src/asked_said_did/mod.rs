//! What was asked, what was said to it, and what was done with that: one report for a question, for an event or for a
//! whole programme. Asked are consultations and questions, said are inputs, done are decisions with their reasons, the
//! exact revisions that came of them, and answers.
//!
//! Nothing is kept of it: it is told anew from the record, and shows of inputs what the reader sees in their list. JSON,
//! Markdown and HTML are pages of it; CSV has all of it, and is written while it is read.

mod page;
mod read;
mod routes;
mod table;
mod told;

pub use routes::routes;
