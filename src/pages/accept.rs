use actix_web::{HttpRequest, http::header};

use crate::problem::Problem;

/// What a page can be had as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Json,
    Markdown,
    Html,
}

impl Media {
    pub const NAMES: [&str; 3] = ["application/json", "text/markdown", "text/html"];

    pub fn named(name: &str) -> Option<Media> {
        match name {
            "application/json" => Some(Media::Json),
            "text/markdown" => Some(Media::Markdown),
            "text/html" => Some(Media::Html),
            _ => None,
        }
    }
}

/// Which of the media types on offer the reader takes.
pub fn accepted(request: &HttpRequest, offered: &[&'static str]) -> Result<&'static str, Problem> {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    choose(accept, offered).ok_or_else(|| Problem::NotAcceptable(offered.to_vec()))
}

/// Which of the media types on offer a client likes best (RFC 9110, 12.5.1): the first of those with the highest
/// quality; none where it takes none. Without the header it takes anything.
pub(super) fn choose<'o>(accept: Option<&str>, offered: &[&'o str]) -> Option<&'o str> {
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty());
    let Some(accept) = accept else { return offered.first().copied() };
    let ranges: Vec<(String, u16)> = accept.split(',').filter_map(range).collect();
    let mut best = None;
    for media in offered {
        let quality = quality(media, &ranges);
        if quality > best.map_or(0, |(_, known)| known) {
            best = Some((*media, quality));
        }
    }
    best.map(|(media, _)| media)
}

/// Whether a client takes one of these.
pub fn accepts(accept: Option<&str>, offered: &[&str]) -> bool {
    choose(accept, offered).is_some()
}

/// A media range without its parameters, and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let media = parts.next().filter(|media| !media.is_empty())?;
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        (name.trim() == "q").then(|| value.trim().parse::<f32>().ok())
    });
    let quality = match quality {
        None => 1000,
        Some(Some(quality)) if (0.0..=1.0).contains(&quality) => (quality * 1000.0) as u16,
        // A weight that cannot be read is none at all.
        Some(_) => return None,
    };
    Some((media, quality))
}

/// The quality that the most specific range gives a media type.
fn quality(media: &str, ranges: &[(String, u16)]) -> u16 {
    let kind = media.split('/').next().unwrap_or_default();
    for wanted in [media.to_owned(), format!("{kind}/*"), "*/*".to_owned()] {
        let named = ranges.iter().filter(|(range, _)| *range == wanted).map(|(_, quality)| *quality).max();
        if let Some(quality) = named {
            return quality;
        }
    }
    0
}
