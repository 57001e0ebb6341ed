use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};

use super::{html, labels::Label, markdown};
use crate::{localized::Localized, problem::Lang};

/// A page for people, in one language; a passage of it may be in another.
#[derive(Clone, Debug)]
pub struct Page {
    pub lang: Lang,
    pub title: Passage,
    /// What stands under the title: whose it is, of which day, at which address.
    pub facts: Vec<(Passage, Line)>,
    pub sections: Vec<Section>,
    /// How to cite it, and where it comes from.
    pub footer: Vec<Line>,
}

/// A part of a page under a heading of its own.
#[derive(Clone, Debug, Default)]
pub struct Section {
    pub heading: Line,
    pub blocks: Vec<Block>,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug)]
pub enum Block {
    Paragraph(Line),
    List(Vec<Line>),
    Table(Table),
    /// Names and what they stand for.
    Facts(Vec<(Passage, Line)>),
}

/// The first cell of each row is its header.
#[derive(Clone, Debug)]
pub struct Table {
    pub caption: Passage,
    pub head: Vec<Passage>,
    pub rows: Vec<Vec<Line>>,
}

/// What is read in one go.
#[derive(Clone, Debug, Default)]
pub struct Line(pub Vec<Piece>);

#[derive(Clone, Debug)]
pub enum Piece {
    Words(Passage),
    Strong(Passage),
    /// Only `http`, `https` and paths of this service are links; whatever else is its words alone.
    Link(Passage, String),
}

/// Words, and the language that they are in where it is not the page's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    pub words: String,
    pub lang: Option<String>,
}

impl Passage {
    /// Words in the page's language, or in none: a name, a number, a code.
    pub fn plain(words: impl Into<String>) -> Passage {
        Passage { words: words.into(), lang: None }
    }

    /// A text in the page's language; in the source language where it has none, or in what there is.
    pub fn of(text: &Localized, lang: Lang, source: &str) -> Passage {
        let found = text.0.get_key_value(lang.tag()).or_else(|| text.0.get_key_value(source));
        match found.or_else(|| text.0.iter().next()) {
            Some((language, words)) => {
                Passage { words: words.clone(), lang: (language != lang.tag()).then(|| language.clone()) }
            }
            None => Passage::default(),
        }
    }
}

impl Line {
    pub fn words(words: impl Into<String>) -> Line {
        Line(vec![Piece::Words(Passage::plain(words))])
    }

    pub fn link(passage: Passage, href: impl Into<String>) -> Line {
        Line(vec![Piece::Link(passage, href.into())])
    }

    pub fn strong(passage: Passage) -> Line {
        Line(vec![Piece::Strong(passage)])
    }

    /// Goes on with plain words.
    pub fn then(mut self, words: impl Into<String>) -> Line {
        self.0.push(Piece::Words(Passage::plain(words)));
        self
    }

    pub fn and(mut self, other: impl Into<Line>) -> Line {
        self.0.extend(other.into().0);
        self
    }

    /// Lines one after the other, with something between them.
    pub fn joined(lines: impl IntoIterator<Item = Line>, between: &str) -> Line {
        let mut all = Line::default();
        for line in lines {
            if !all.0.is_empty() {
                all = all.then(between);
            }
            all.0.extend(line.0);
        }
        all
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Passage> for Line {
    fn from(passage: Passage) -> Line {
        Line(vec![Piece::Words(passage)])
    }
}

impl Section {
    pub fn new(heading: impl Into<Line>) -> Section {
        Section { heading: heading.into(), ..Section::default() }
    }

    pub fn titled(heading: Label, lang: Lang) -> Section {
        Section::new(Line::words(heading.of(lang)))
    }

    pub fn add(&mut self, block: Block) {
        self.blocks.push(block);
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.sections.is_empty()
    }

    /// A text that may have paragraphs.
    pub fn text(&mut self, passage: &Passage) {
        for words in passage.words.split("\n\n").filter(|words| !words.trim().is_empty()) {
            let passage = Passage { words: words.to_owned(), lang: passage.lang.clone() };
            self.blocks.push(Block::Paragraph(passage.into()));
        }
    }
}

impl Page {
    pub fn html(&self) -> String {
        html::write(self)
    }

    pub fn markdown(&self) -> String {
        markdown::write(self)
    }
}

/// Words as both writers take them: one line, with nothing in it that is not seen or that turns the direction of
/// what stands around it.
pub(super) fn tidy(words: &str) -> String {
    let unseen = |one: char| {
        one.is_control()
            || matches!(one, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let seen: String =
        words.chars().map(|one| if one.is_whitespace() { ' ' } else { one }).filter(|one| !unseen(*one)).collect();
    let mut tidy = String::with_capacity(seen.len());
    for one in seen.chars() {
        if one != ' ' || !tidy.ends_with(' ') {
            tidy.push(one);
        }
    }
    tidy
}

/// Where a link may lead: to the web, or to a path of this service.
pub(super) fn leads_somewhere(href: &str) -> bool {
    let plain = href.bytes().all(|one| one.is_ascii_graphic() && !b"<>\"'`\\()[]{}|^".contains(&one));
    let path = href.starts_with('/') && !href.starts_with("//");
    plain && (path || href.starts_with("https://") || href.starts_with("http://"))
}

/// A day, as people write it.
pub fn day(on: NaiveDate, lang: Lang) -> String {
    const MONTHS: [[&str; 12]; 2] = [
        [
            "Januari",
            "Februari",
            "Maret",
            "April",
            "Mei",
            "Juni",
            "Juli",
            "Agustus",
            "September",
            "Oktober",
            "November",
            "Desember",
        ],
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    ];
    let months = match lang {
        Lang::Id => &MONTHS[0],
        Lang::En => &MONTHS[1],
    };
    let mut text = on.day().to_string();
    let _ = write!(text, " {} {}", months[on.month0() as usize], on.year());
    text
}
