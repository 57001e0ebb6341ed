use actix_web::{
    FromRequest, HttpRequest, HttpResponseBuilder,
    dev::Payload,
    http::header::{self, ContentEncoding},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::{Media, Page, accepted};
use crate::problem::{Lang, Problem};

/// The languages that pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageLang {
    Id,
    En,
}

/// The parameter of pages for people.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Wanted` reads")]
pub struct LangParams {
    /// The language of the Markdown or HTML page; by `Accept-Language` where it is left out, else the programme's
    /// source language. JSON has all languages.
    #[param(inline)]
    lang: Option<PageLang>,
}

/// What the reader of a page asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub media: Media,
    /// The language that was asked for, if any.
    pub lang: Option<Lang>,
}

/// The language that a reader asks for by `lang` or by `Accept-Language`, if any.
pub fn asked_language(request: &HttpRequest) -> Option<Lang> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let asked = pairs.iter().find(|(name, _)| name == "lang").and_then(|(_, value)| Lang::named(value));
    let said = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.or_else(|| Lang::asked(said))
}

impl FromRequest for Wanted {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lang = asked_language(request);
        let chosen = accepted(request, &Media::NAMES);
        let media = chosen.map(|name| Media::named(name).unwrap_or(Media::Json));
        std::future::ready(media.map(|media| Wanted { media, lang }))
    }
}

impl Wanted {
    /// The language of the page: the one that was asked for, or the programme's own, or English.
    pub fn language(&self, source: &str) -> Lang {
        self.lang.or_else(|| Lang::named(source)).unwrap_or_default()
    }
}

/// A text in one media type, with the headers that belong to it.
#[derive(Clone, Debug)]
pub struct Rendition {
    pub body: String,
    pub content_type: &'static str,
    /// The language that it is in; none for JSON, which has all.
    pub lang: Option<Lang>,
    /// Whether its bytes are a record: then they go out as they are, with their digest.
    pub exact: bool,
}

impl Rendition {
    pub fn json(body: String) -> Rendition {
        Rendition { body, content_type: "application/json", lang: None, exact: false }
    }

    /// A page in the format that was asked for, or the JSON that it is made of.
    pub fn of(wanted: Wanted, source: &str, json: String, page: impl FnOnce(Lang) -> Page) -> Rendition {
        let lang = wanted.language(source);
        let (body, content_type) = match wanted.media {
            Media::Json => return Rendition::json(json),
            Media::Markdown => (page(lang).markdown(), "text/markdown; charset=utf-8"),
            Media::Html => (page(lang).html(), "text/html; charset=utf-8"),
        };
        Rendition { body, content_type, lang: Some(lang), exact: false }
    }

    /// The same, as a record.
    pub fn exact(self) -> Rendition {
        Rendition { exact: true, ..self }
    }

    /// The headers that tell what it is. `Repr-Digest` (RFC 9530) is of the bytes as they go out, which are not packed.
    pub fn describe(&self, response: &mut HttpResponseBuilder) {
        if self.exact {
            let digest = BASE64_STANDARD.encode(Sha256::digest(&self.body));
            response.insert_header(("repr-digest", format!("sha-256=:{digest}:")));
            response.insert_header(ContentEncoding::Identity);
        }
        response.content_type(self.content_type);
        if let Some(lang) = self.lang {
            response.insert_header((header::CONTENT_LANGUAGE, lang.tag()));
        }
        if self.content_type.starts_with("text/html") {
            response.insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
            ));
        }
    }
}
