use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{accept::choose, page::Piece, *};
use crate::problem::Lang;

/// A page that has these words everywhere where words can be.
fn everywhere(words: &str) -> Page {
    let passage = Passage { words: words.into(), lang: Some("en".into()) };
    let line = || Line::from(passage.clone());
    let mut section = Section::new(line());
    section.add(Block::Paragraph(line()));
    section.add(Block::Paragraph(Line::words("a ").and(line())));
    section.add(Block::Paragraph(Line(vec![Piece::Strong(passage.clone())])));
    section.add(Block::Paragraph(Line::link(passage.clone(), "/api/v1/meta")));
    section.add(Block::List(vec![line(), Line::words(words)]));
    section.add(Block::Table(Table {
        caption: passage.clone(),
        head: vec![passage.clone(), Passage::plain(words)],
        rows: vec![vec![line(), Line::words(words)]],
    }));
    section.add(Block::Facts(vec![(passage.clone(), line())]));
    section.sections.push(Section::new(Line::words(words)));
    Page {
        lang: Lang::Id,
        title: passage.clone(),
        facts: vec![(passage.clone(), line())],
        sections: vec![section],
        footer: vec![line()],
    }
}

/// The tags of an HTML text, with their attributes' names.
fn tags(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(begin) = rest.find('<') {
        let end = begin + rest[begin..].find('>').expect("a tag that ends");
        let tag = &rest[begin + 1..end];
        let attributes: Vec<&str> = tag.split('"').step_by(2).collect();
        found.push(attributes.join("\"\""));
        rest = &rest[end + 1..];
    }
    found
}

/// What a Markdown text is made of, without its words.
fn structure(markdown: &str) -> Vec<String> {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let shape = parser.filter_map(|event| match event {
        Event::Text(_) => None,
        Event::Start(Tag::Link { dest_url, .. }) => Some(format!("link {dest_url}")),
        Event::Start(tag) => Some(format!("{tag:?}")),
        Event::End(TagEnd::Link) => Some("end of link".into()),
        Event::End(tag) => Some(format!("/{tag:?}")),
        other => Some(format!("{other:?}")),
    });
    shape.collect()
}

/// Words as hostile as they come, beside those that chance makes.
fn hostile() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "[x](javascript:alert(1))",
        "<script>alert(1)</script>",
        "a | b",
        "# a",
        "- a",
        "1. a",
        "12) a",
        "> a",
        "```",
        "~~~",
        "***",
        "___",
        "===",
        "---",
        "&lt;b&gt;",
        "![x](http://x)",
        "<http://x>",
        "\\",
        "\\\\",
        "`a`",
        "**a**",
        "_a_",
        "[a]: /b",
        "+ a",
        "a\n\nb",
        "a\n# b",
        "\ta",
        "    a",
        "\" onload=\"x",
        "' x='",
        "-->",
        "]]>",
        "|---|",
        "~~a~~",
        "\u{202e}a",
        "a\r\nb",
        "\u{2028}",
        "&#60;",
        "a  ",
        "a\\",
    ]);
    let chance = prop::string::string_regex("[ -~\n\r\té\u{a0}\u{202e}]{1,40}").unwrap();
    let words = prop::collection::vec(prop_oneof![known.prop_map(str::to_owned), chance], 1..4);
    words
        .prop_map(|parts| parts.concat())
        .prop_filter("something to read", |words| !super::page::tidy(words).trim().is_empty())
}

proptest! {
    #[test]
    fn no_words_make_a_tag_or_an_attribute(words in hostile()) {
        prop_assert_eq!(tags(&everywhere(&words).html()), tags(&everywhere("x").html()));
    }

    #[test]
    fn no_words_make_markup_in_markdown(words in hostile()) {
        prop_assert_eq!(structure(&everywhere(&words).markdown()), structure(&everywhere("x").markdown()), "{}", everywhere(&words).markdown());
    }
}

#[test]
fn words_are_read_as_they_were_written() {
    let words = r#"Siapa "pertama" & <kedua>? 1. a | b_c *d* [e](f) ~g~ #h x@y.z"#;
    let markdown = everywhere(words).markdown();
    let parser = Parser::new_ext(&markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    let mut read = String::new();
    for event in parser {
        match event {
            Event::Text(text) => read.push_str(&text),
            Event::End(_) => read.push('\n'),
            _ => {}
        }
    }
    // Title, fact, heading, and so on.
    assert!(read.matches(words).count() >= 15, "{read}");
}

#[test]
fn only_the_web_and_our_own_paths_are_links() {
    for (href, leads) in [
        ("/api/v1/meta", true),
        ("https://example.org/a?b=c#d", true),
        ("http://example.org", true),
        ("javascript:alert(1)", false),
        ("JavaScript:alert(1)", false),
        ("//example.org", false),
        ("data:text/html,x", false),
        ("https://example.org/) [x](javascript:x", false),
        ("/a\"onload=\"x", false),
        ("", false),
    ] {
        let mut page = everywhere("x");
        page.footer = vec![Line::link(Passage::plain("y"), href)];
        assert_eq!(page.html().contains(">y</a>"), leads, "{href}");
        assert_eq!(page.markdown().contains("[y]("), leads, "{href}");
    }
}

#[test]
fn a_page_says_which_language_each_passage_is_in() {
    let html = everywhere("Who floods first?").html();
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"id\">"));
    assert!(html.contains("<h1><span lang=\"en\">Who floods first?</span></h1>"));
    assert_eq!(html.matches("<h1").count(), 1);
    assert!(html.contains("<th scope=\"col\">") && html.contains("<th scope=\"row\">") && html.contains("<caption>"));
    assert!(!html.contains("<script") && html.contains("@page"));
}

#[test]
fn a_text_stands_in_the_wanted_language_or_says_its_own() {
    let text = crate::localized::Localized([("id".to_owned(), "satu".to_owned()), ("en".into(), "one".into())].into());
    assert_eq!(Passage::of(&text, Lang::En, "id"), Passage::plain("one"));
    let text = crate::localized::Localized([("id".to_owned(), "satu".to_owned()), ("nl".into(), "een".into())].into());
    assert_eq!(Passage::of(&text, Lang::En, "id"), Passage { words: "satu".into(), lang: Some("id".into()) });
    assert_eq!(Passage::of(&text, Lang::En, "nl"), Passage { words: "een".into(), lang: Some("nl".into()) });
}

#[test]
fn the_media_type_that_is_liked_best_is_chosen() {
    for (accept, wanted) in [
        (None, Some(Media::Json)),
        (Some(""), Some(Media::Json)),
        (Some("*/*"), Some(Media::Json)),
        (Some("text/html"), Some(Media::Html)),
        (Some("text/*"), Some(Media::Markdown)),
        (Some("text/markdown;q=0.5, text/html;q=0.9"), Some(Media::Html)),
        (Some("text/html;q=0.1, */*"), Some(Media::Json)),
        (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), Some(Media::Html)),
        (Some("*/*, application/json;q=0"), Some(Media::Markdown)),
        (Some("application/json;q=0.3, text/markdown; Q = 0.4"), Some(Media::Markdown)),
        (Some("image/png"), None),
        (Some("text/html;q=0"), None),
        (Some("text/html;q=2"), None),
        (Some("TEXT/HTML"), Some(Media::Html)),
    ] {
        let chosen = choose(accept, &Media::NAMES).and_then(Media::named);
        assert_eq!(chosen, wanted, "{accept:?}");
    }
}
