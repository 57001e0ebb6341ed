use super::page::{Block, Line, Page, Passage, Piece, Section, Table, leads_somewhere, tidy};

/// CommonMark with the tables of GFM.
pub fn write(page: &Page) -> String {
    let mut out = String::with_capacity(4 * 1024);
    out.push_str("# ");
    passage(&mut out, &page.title);
    out.push_str("\n\n");
    facts(&mut out, &page.facts);
    for part in &page.sections {
        section(&mut out, part, 2);
    }
    if !page.footer.is_empty() {
        out.push_str("***\n\n");
    }
    for one in &page.footer {
        paragraph(&mut out, one);
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn section(out: &mut String, part: &Section, level: usize) {
    let level = level.min(6);
    out.push_str(&"#".repeat(level));
    out.push(' ');
    line(out, &part.heading);
    out.push_str("\n\n");
    for one in &part.blocks {
        match one {
            Block::Paragraph(one) => paragraph(out, one),
            Block::List(items) => {
                for item in items {
                    out.push_str("- ");
                    line(out, item);
                    out.push('\n');
                }
                out.push('\n');
            }
            Block::Table(one) => table(out, one),
            Block::Facts(pairs) => facts(out, pairs),
        }
    }
    for inner in &part.sections {
        section(out, inner, level + 1);
    }
}

fn paragraph(out: &mut String, one: &Line) {
    line(out, one);
    out.push_str("\n\n");
}

fn facts(out: &mut String, pairs: &[(Passage, Line)]) {
    for (name, value) in pairs {
        out.push_str("- ");
        strong(out, name);
        out.push_str(": ");
        line(out, value);
        out.push('\n');
    }
    if !pairs.is_empty() {
        out.push('\n');
    }
}

fn table(out: &mut String, table: &Table) {
    strong(out, &table.caption);
    out.push_str("\n\n|");
    for cell in &table.head {
        out.push(' ');
        passage(out, cell);
        out.push_str(" |");
    }
    out.push_str("\n|");
    out.push_str(&" --- |".repeat(table.head.len()));
    out.push('\n');
    for row in &table.rows {
        out.push('|');
        for cell in row {
            out.push(' ');
            line(out, cell);
            out.push_str(" |");
        }
        out.push('\n');
    }
    out.push('\n');
}

fn line(out: &mut String, line: &Line) {
    for piece in &line.0 {
        match piece {
            Piece::Words(words) => passage(out, words),
            Piece::Strong(words) => strong(out, words),
            Piece::Link(words, href) if leads_somewhere(href) => {
                out.push('[');
                passage(out, words);
                out.push_str("](");
                out.push_str(href);
                out.push(')');
            }
            Piece::Link(words, _) => passage(out, words),
        }
    }
}

/// Asterisks with a blank inside them, or with nothing, mean themselves.
fn strong(out: &mut String, words: &Passage) {
    let words = tidy(&words.words);
    let words = words.trim();
    if !words.is_empty() {
        out.push_str("**");
        escape(out, words);
        out.push_str("**");
    }
}

fn passage(out: &mut String, passage: &Passage) {
    escape(out, &passage.words);
}

/// A backslash makes any ASCII punctuation mean itself (CommonMark 2.4). All that begins something inside a line is
/// escaped everywhere; what begins something at the start of a line only, where words stand first. A colon and an at
/// sign are escaped for GFM's automatic links.
fn escape(out: &mut String, words: &str) {
    let words = tidy(words);
    let words = words.as_str();
    let begins = out.is_empty() || out.ends_with(['\n', ' ', '*', '#']);
    // Blanks that are not ASCII do not end a line's beginning for every reader of Markdown.
    let start = words.len() - words.trim_start().len();
    let digits = start + words[start..].bytes().take_while(u8::is_ascii_digit).count();
    for (at, one) in words.char_indices() {
        let inside = matches!(
            one,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '!' | '#' | '$' | '@' | '^'
        );
        let first = begins && at == start && matches!(one, '-' | '+' | '=');
        let numbered = begins && at == digits && at > start && matches!(one, '.' | ')');
        // Not the colon of a time of day, nor one that a blank follows.
        let linking =
            one == ':' && words[at + 1..].starts_with(|next: char| !next.is_whitespace() && !next.is_ascii_digit());
        if inside || first || numbered || linking {
            out.push('\\');
        }
        out.push(one);
    }
}
