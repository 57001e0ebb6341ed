use super::{
    Block, Line, Passage, Section,
    labels::{self, Label},
};
use crate::{localized::Localized, problem::Lang, public::PublicOrganisation};

/// Puts what a page tells into the page's language.
pub struct Writer<'t> {
    pub lang: Lang,
    /// The language that stands in for one that there is not.
    pub source: &'t str,
}

impl Writer<'_> {
    pub fn passage(&self, text: &Localized) -> Passage {
        Passage::of(text, self.lang, self.source)
    }

    pub fn label(&self, label: Label) -> Passage {
        Passage::plain(label.of(self.lang))
    }

    pub fn name(&self, name: &str) -> Line {
        Line::words(labels::of_name(name, self.lang))
    }

    pub fn organisation(&self, one: &PublicOrganisation) -> Line {
        let line = Line::from(self.passage(&one.name));
        match &one.abbreviation {
            Some(short) => line.then(format!(" ({short})")),
            None => line,
        }
    }

    pub fn or_nothing(&self, mut section: Section) -> Section {
        if section.is_empty() {
            section.add(Block::Paragraph(Line::words(labels::NOT_RECORDED.of(self.lang))));
        }
        section
    }
}
