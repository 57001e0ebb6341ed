//! Pages for people: minutes and statements, as Markdown and as HTML that needs no script, reads well aloud and
//! prints well. A page is built once, of passages that know their language, and written in either format; all that
//! comes from outside is escaped by the writers, so no builder can forget it.
//!
//! Which format and language a reader gets is asked here too: the same resource is JSON for programs.

mod accept;
mod answer;
mod html;
pub mod labels;
mod markdown;
mod page;
mod writer;

pub use accept::{Media, accepted, accepts};
pub use answer::{LangParams, PageLang, Rendition, Wanted, asked_language};
pub use page::{Block, Line, Page, Passage, Piece, Section, Table, day};
pub use writer::Writer;

#[cfg(test)]
mod tests;
