use std::fmt::Write as _;

use super::{
    labels,
    page::{Block, Line, Page, Passage, Piece, Section, Table, leads_somewhere, tidy},
};

/// On the screen: one column of dark text on white, wide tables in a frame that scrolls. On paper: A4, no links to
/// skip by, headings kept with what follows, table heads on each sheet.
const STYLE: &str = "\
:root{color-scheme:light}\
body{margin:0;background:#fff;color:#1a1a1a;font:1.0625rem/1.55 Georgia,'Noto Serif','Liberation Serif',serif}\
.skip{position:absolute;left:-999rem}\
.skip:focus{left:1rem;top:1rem;background:#fff;padding:.5rem;outline:3px solid #003d80}\
header,main,footer{max-width:46rem;margin:0 auto;padding:1rem}\
h1,h2,h3,h4,h5,h6{font-family:'Noto Sans','Liberation Sans',Arial,sans-serif;line-height:1.25;margin:1.6em 0 .5em}\
h1{font-size:1.8rem;margin-top:.5em}main{padding-top:0}main>section:first-child>h2{margin-top:.4em}h2{font-size:1.35rem;border-bottom:2px solid #595959;padding-bottom:.2rem}\
h3{font-size:1.12rem}h4,h5,h6{font-size:1rem}h5,h6{color:#404040}\
a{color:#003d80;text-decoration:underline}a:focus{outline:3px solid #003d80}\
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.3rem 1.2rem;margin:1rem 0}\
dt{font-weight:bold}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%;margin:1rem 0;font-size:.95em}\
caption{text-align:start;font-weight:bold;padding:.3rem 0}\
th,td{border:1px solid #595959;padding:.35rem .5rem;text-align:start;vertical-align:top;overflow-wrap:break-word}\
thead th{background:#ececec}\
.wide{overflow-x:auto}.wide:focus{outline:3px solid #003d80}\
footer{border-top:1px solid #595959;font-size:.9em;overflow-wrap:anywhere}\
@page{size:A4;margin:20mm 18mm}\
@media print{html{font-size:10pt}.skip{display:none}header,main,footer{max-width:none;padding:0}\
h1,h2,h3,h4,h5,h6{break-after:avoid}.short{break-inside:avoid}tr,dd{break-inside:avoid}thead{display:table-header-group}.wide{overflow:visible}\
a{color:inherit}}";

pub fn write(page: &Page) -> String {
    let mut out = String::with_capacity(8 * 1024);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
        page.lang.tag()
    );
    escape(&mut out, &page.title.words);
    let skip = labels::SKIP.of(page.lang);
    let _ = write!(
        out,
        "</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#isi\">{skip}</a>\n<header>\n<h1>"
    );
    passage(&mut out, &page.title);
    out.push_str("</h1>\n");
    facts(&mut out, &page.facts);
    out.push_str("</header>\n<main id=\"isi\">\n");
    for part in &page.sections {
        section(&mut out, part, 2);
    }
    out.push_str("</main>\n<footer>\n");
    for one in &page.footer {
        paragraph(&mut out, one);
    }
    out.push_str("</footer>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, part: &Section, level: usize) {
    let level = level.min(6);
    let _ = write!(out, "<section>\n<h{level}>");
    line(out, &part.heading);
    let _ = writeln!(out, "</h{level}>");
    for one in &part.blocks {
        block(out, one);
    }
    for inner in &part.sections {
        section(out, inner, level + 1);
    }
    out.push_str("</section>\n");
}

fn block(out: &mut String, block: &Block) {
    match block {
        Block::Paragraph(one) => paragraph(out, one),
        Block::List(items) => {
            out.push_str("<ul>\n");
            for item in items {
                out.push_str("<li>");
                line(out, item);
                out.push_str("</li>\n");
            }
            out.push_str("</ul>\n");
        }
        Block::Table(one) => table(out, one),
        Block::Facts(pairs) => facts(out, pairs),
    }
}

fn paragraph(out: &mut String, one: &Line) {
    out.push_str("<p>");
    line(out, one);
    out.push_str("</p>\n");
}

fn facts(out: &mut String, pairs: &[(Passage, Line)]) {
    if pairs.is_empty() {
        return;
    }
    out.push_str("<dl>\n");
    for (name, value) in pairs {
        out.push_str("<dt>");
        passage(out, name);
        out.push_str("</dt><dd>");
        line(out, value);
        out.push_str("</dd>\n");
    }
    out.push_str("</dl>\n");
}

/// The most rows of a table that is kept on one sheet.
const SHORT: usize = 12;

/// What scrolls must be reachable by keys, and say what it is.
fn table(out: &mut String, table: &Table) {
    // A short one is not torn apart on paper; a long one goes on under its head.
    out.push_str(if table.rows.len() > SHORT { "<div class=\"wide\"" } else { "<div class=\"wide short\"" });
    out.push_str(" role=\"region\" tabindex=\"0\" aria-label=\"");
    escape(out, &table.caption.words);
    out.push('"');
    language(out, table.caption.lang.as_deref());
    out.push_str(">\n<table>\n<caption>");
    escape(out, &table.caption.words);
    out.push_str("</caption>\n<thead>\n<tr>");
    for cell in &table.head {
        out.push_str("<th scope=\"col\">");
        passage(out, cell);
        out.push_str("</th>");
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (number, cell) in row.iter().enumerate() {
            out.push_str(if number == 0 { "<th scope=\"row\">" } else { "<td>" });
            line(out, cell);
            out.push_str(if number == 0 { "</th>" } else { "</td>" });
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

fn line(out: &mut String, line: &Line) {
    for piece in &line.0 {
        match piece {
            Piece::Words(words) => passage(out, words),
            Piece::Strong(words) => {
                out.push_str("<strong");
                language(out, words.lang.as_deref());
                out.push('>');
                escape(out, &words.words);
                out.push_str("</strong>");
            }
            Piece::Link(words, href) if leads_somewhere(href) => {
                out.push_str("<a href=\"");
                escape(out, href);
                out.push_str("\">");
                passage(out, words);
                out.push_str("</a>");
            }
            Piece::Link(words, _) => passage(out, words),
        }
    }
}

fn passage(out: &mut String, passage: &Passage) {
    if passage.lang.is_none() {
        return escape(out, &passage.words);
    }
    out.push_str("<span");
    language(out, passage.lang.as_deref());
    out.push('>');
    escape(out, &passage.words);
    out.push_str("</span>");
}

fn language(out: &mut String, lang: Option<&str>) {
    if let Some(lang) = lang {
        out.push_str(" lang=\"");
        escape(out, lang);
        out.push('"');
    }
}

fn escape(out: &mut String, words: &str) {
    for one in tidy(words).chars() {
        match one {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}
