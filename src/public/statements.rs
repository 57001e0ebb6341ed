use actix_web::{HttpResponse, http::header};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{edition::Edition, model::Shown};
use crate::{
    db::{AnyConnection, At, Backend, Id},
    localized::Localized,
    page::Page,
    pages::{Media, Rendition, Wanted},
    problem::Problem,
    programs::Program,
    schema::publications,
    versioned, walk,
};

/// A published edition of a resilience statement, as lists show it.
#[derive(Serialize, ToSchema)]
pub struct PublicStatement {
    #[schema(example = "S-1")]
    pub code: String,
    #[schema(minimum = 1)]
    pub edition: i32,
    pub title: Localized,
    /// `published`, or `superseded` by a later edition.
    #[schema(example = "published")]
    pub state: String,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub published_at: DateTime<Utc>,
    /// SHA-256 of the edition's JSON, in base64.
    pub digest: String,
    /// Where the edition is, for good.
    #[schema(format = "uri-reference")]
    pub url: String,
    /// Where its signature is.
    #[schema(format = "uri-reference")]
    pub signature: String,
}

/// One edition as it was published, and which editions there are beside it.
pub struct Found {
    slug: String,
    source_language: String,
    code: String,
    edition: i32,
    body: String,
    jws: String,
    editions: Vec<i32>,
}

#[derive(Deserialize)]
struct Titled {
    title: Localized,
}

type Row = (Id, String, i32, At, String, String);

impl PublicStatement {
    /// All published editions, superseded ones too, in the order in which they were drafted.
    pub fn list(conn: &mut AnyConnection, program: &Program, page: &Page) -> Result<Shown<PublicStatement>, Problem> {
        let query = publications::table
            .filter(publications::ledger_id.eq(program.meta.id))
            .select((
                publications::statement_id,
                publications::code,
                publications::edition,
                publications::at,
                publications::digest,
                publications::body,
            ))
            .into_boxed::<Backend>();
        let mut rows: Vec<Row> = walk!(query, page, publications::statement_id as Id).load(conn)?;
        let next = page.cut(&mut rows).map(|(id, ..)| (json!(id), *id));
        let codes: Vec<String> = rows.iter().map(|(_, code, ..)| code.clone()).collect();
        let known: Vec<(String, i32)> = publications::table
            .filter(publications::ledger_id.eq(program.meta.id))
            .filter(publications::code.eq_any(codes))
            .select((publications::code, publications::edition))
            .load(conn)?;
        let items = rows.into_iter().map(|(_, code, edition, At(published_at), digest, body)| {
            let later = known.iter().any(|(other, number)| *other == code && *number > edition);
            let url = address(&program.slug, &code, edition);
            Ok(PublicStatement {
                title: versioned::parse::<Titled>(&body)?.title,
                state: if later { "superseded" } else { "published" }.to_owned(),
                published_at,
                digest,
                signature: format!("{url}/signature"),
                url,
                code,
                edition,
            })
        });
        Ok(Shown { items: items.collect::<Result<_, Problem>>()?, next })
    }
}

/// An edition of a statement by its code; the newest where no edition is named.
pub fn find(conn: &mut AnyConnection, program: &Program, code: &str, edition: Option<i32>) -> Result<Found, Problem> {
    let mut editions: Vec<i32> = publications::table
        .filter(publications::ledger_id.eq(program.meta.id))
        .filter(publications::code.eq(code))
        .select(publications::edition)
        .load(conn)?;
    editions.sort_unstable();
    let edition = edition.or(editions.last().copied()).ok_or(Problem::NotFound)?;
    let (body, jws): (String, String) = publications::table
        .filter(publications::ledger_id.eq(program.meta.id))
        .filter(publications::code.eq(code))
        .filter(publications::edition.eq(edition))
        .select((publications::body, publications::jws))
        .first(conn)
        .optional()?
        .ok_or(Problem::NotFound)?;
    let (slug, source_language) = (program.slug.clone(), program.source_language.clone());
    Ok(Found { slug, source_language, code: code.to_owned(), edition, body, jws, editions })
}

fn address(slug: &str, code: &str, edition: i32) -> String {
    format!("/api/v1/public/programs/{slug}/statements/{code}/editions/{edition}")
}

impl Found {
    /// The exact text that was published, or a page that is made of nothing else.
    pub fn rendition(&self, wanted: Wanted) -> Result<Rendition, Problem> {
        if wanted.media == Media::Json {
            return Ok(Rendition::json(self.body.clone()).exact());
        }
        let edition: Edition = versioned::parse(&self.body)?;
        let address = self.address();
        let page = |lang| edition.page(lang, &self.source_language, &address);
        Ok(Rendition::of(wanted, &self.source_language, String::new(), page).exact())
    }

    pub fn signature(&self) -> Rendition {
        Rendition { body: self.jws.clone(), content_type: "application/jose", lang: None, exact: true }
    }

    fn address(&self) -> String {
        address(&self.slug, &self.code, self.edition)
    }

    /// What belongs to the edition and may change after it was published stands in headers: its text never changes.
    pub fn linked(&self, mut response: HttpResponse) -> HttpResponse {
        let base = self.address();
        let neighbour = |edition: Option<&i32>, rel: &str| {
            edition.map(|edition| format!("<{}>; rel=\"{rel}\"", address(&self.slug, &self.code, *edition)))
        };
        let earlier = self.editions.iter().rev().find(|edition| **edition < self.edition);
        let later = self.editions.iter().find(|edition| **edition > self.edition);
        let links = [
            Some(format!("<{base}>; rel=\"canonical\"")),
            Some(format!("<{base}/signature>; rel=\"signature\"; type=\"application/jose\"")),
            neighbour(earlier, "predecessor-version"),
            neighbour(later, "successor-version"),
            neighbour(self.editions.last(), "latest-version"),
        ];
        let links: Vec<String> = links.into_iter().flatten().collect();
        let headers = response.headers_mut();
        if let Ok(links) = links.join(", ").parse() {
            headers.insert(header::LINK, links);
        }
        if let Ok(base) = base.parse() {
            headers.insert(header::CONTENT_LOCATION, base);
        }
        response
    }
}

/// The edition's text, as the document describes it: it has what the statement, its basis and its adoption were when
/// it was published.
#[derive(ToSchema)]
#[schema(value_type = Object)]
#[expect(dead_code, reason = "describes a text that is sent as it was stored")]
pub struct PublicEdition(Value);
