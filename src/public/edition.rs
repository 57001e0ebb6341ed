use serde::Deserialize;

use crate::{
    localized::Localized,
    pages::{
        Block, Line, Page, Passage, Section, day,
        labels::{self, Label},
    },
    problem::Lang,
};

/// What a page reads of an edition's text, which is all that the page is made of.
#[derive(Deserialize)]
pub struct Edition {
    program: Program,
    code: String,
    edition: i32,
    title: Localized,
    overall: Part,
    sections: Vec<Part>,
    #[serde(default)]
    adopted: Option<Adopted>,
    #[serde(default)]
    published_at: Option<String>,
    #[serde(default)]
    citation: Option<Localized>,
    #[serde(default)]
    earlier_editions: Vec<Earlier>,
}

#[derive(Deserialize)]
struct Program {
    name: Localized,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    focus_area: Option<Area>,
    text: Localized,
    #[serde(default)]
    basis: Vec<Entry>,
}

#[derive(Deserialize)]
struct Area {
    code: String,
    name: Localized,
}

#[derive(Deserialize)]
struct Entry {
    kind: String,
    #[serde(default)]
    code: Option<String>,
    revision: i32,
    #[serde(default)]
    text: Option<Localized>,
}

#[derive(Deserialize)]
struct Adopted {
    at: String,
    #[serde(default)]
    override_reason: Option<String>,
}

#[derive(Deserialize)]
struct Earlier {
    edition: i32,
    #[serde(default)]
    url: Option<String>,
}

impl Edition {
    /// Its page; `address` is where it is for good.
    pub fn page(&self, lang: Lang, source: &str, address: &str) -> Page {
        let label = |label: Label| Passage::plain(label.of(lang));
        let mut facts = vec![
            (label(labels::PROGRAM), Passage::of(&self.program.name, lang, source).into()),
            (label(labels::STATEMENT), Line::words(&self.code)),
            (label(labels::EDITION), Line::words(self.edition.to_string())),
        ];
        if let Some(adopted) = &self.adopted {
            facts.push((label(labels::ADOPTED), Line::words(written(&adopted.at, lang))));
            if let Some(reason) = &adopted.override_reason {
                let lang_of_reason = (source != lang.tag()).then(|| source.to_owned());
                let reason = Passage { words: reason.clone(), lang: lang_of_reason };
                facts.push((label(labels::OVERRIDE), reason.into()));
            }
        }
        if let Some(at) = &self.published_at {
            facts.push((label(labels::PUBLISHED), Line::words(written(at, lang))));
        }
        let mut sections = vec![self.overall.section(lang, source)];
        sections.extend(self.sections.iter().map(|part| part.section(lang, source)));
        if !self.earlier_editions.is_empty() {
            let mut earlier = Section::titled(labels::EARLIER, lang);
            earlier.add(Block::List(self.earlier_editions.iter().map(|one| one.line(lang)).collect()));
            sections.push(earlier);
        }
        let title = Passage::of(&self.title, lang, source);
        let link = |words: String, href: String| Line::link(Passage::plain(words), href);
        let mut footer = vec![Line::words(labels::WRITTEN_BY_SERVICE.of(lang))];
        if let Some(citation) = &self.citation {
            let citation = Passage::of(citation, lang, source);
            footer.push(Line::words(format!("{}: ", labels::CITE.of(lang))).and(citation));
        }
        let signature = format!("{address}/signature");
        footer.push(
            Line::words(format!("{}: ", labels::ADDRESS.of(lang))).and(link(address.to_owned(), address.to_owned())),
        );
        footer.push(Line::words(format!("{}: ", labels::SIGNATURE.of(lang))).and(link(signature.clone(), signature)));
        Page { lang, title, facts, sections, footer }
    }
}

/// The day of an instant or a date, as people write it.
fn written(at: &str, lang: Lang) -> String {
    at.get(..10).and_then(|on| on.parse().ok()).map_or_else(|| at.to_owned(), |on| day(on, lang))
}

impl Part {
    fn section(&self, lang: Lang, source: &str) -> Section {
        let heading = match &self.focus_area {
            Some(area) => Line::words(format!("{} ", area.code)).and(Passage::of(&area.name, lang, source)),
            None => Line::words(labels::OVERALL.of(lang)),
        };
        let mut section = Section::new(heading);
        section.text(&Passage::of(&self.text, lang, source));
        if !self.basis.is_empty() {
            let mut basis = Section::titled(labels::BASIS, lang);
            basis.add(Block::List(self.basis.iter().map(|entry| entry.line(lang, source)).collect()));
            section.sections.push(basis);
        }
        section
    }
}

impl Entry {
    fn line(&self, lang: Lang, source: &str) -> Line {
        let code = self.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let kind = labels::of_name(&self.kind, lang);
        let line = Line::words(format!("{kind}{code} ({} {})", labels::REVISION.of(lang), self.revision));
        match &self.text {
            Some(text) => line.then(": ").and(Passage::of(text, lang, source)),
            None => line,
        }
    }
}

impl Earlier {
    fn line(&self, lang: Lang) -> Line {
        let words = Passage::plain(format!("{} {}", labels::EDITION.of(lang), self.edition));
        match &self.url {
            Some(url) => Line::link(words, url),
            None => words.into(),
        }
    }
}
