use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web::Bytes,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use futures_util::stream;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    door::{Can, Ledger, Reach},
    shown,
    tx::place,
};
use crate::{
    db::{AnyConnection, Head, Id, Lane},
    ledger::{self, LedgerRow},
    localized,
    page::{AsOf, Filter, Listing, Page, View, refuse, wrong_expands},
    pages::Rendition,
    policy::{Action, Gate, Roles},
    problem::{Lang, Problem},
    programs::time_zone_named,
    schema::program_revisions,
    versioned::{self, Resource, Stored, hidden, with_members},
};

/// The rows of a page, and how many there are in all where that was asked.
pub struct Listed {
    pub rows: Vec<Stored>,
    pub total: Option<i64>,
}

/// A part of a long answer.
pub struct Part<S> {
    pub text: String,
    /// What the next part is made from; `None` after the last.
    pub left: Option<S>,
}

impl From<Vec<Stored>> for Listed {
    fn from(rows: Vec<Stored>) -> Listed {
        Listed { rows, total: None }
    }
}

/// `"<revision>.<digest of this body>"`: what a client sees is what the tag stands for.
pub fn etag(revision: i32, body: &str) -> String {
    format!("\"{revision}.{}\"", digest(body.as_bytes()))
}

pub(super) fn digest(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..12])
}

/// The stored text with what this caller may do spliced on: nothing is parsed.
pub fn render<R: Resource>(stored: &Stored, reach: &Reach) -> String {
    let mut body = String::with_capacity(stored.body.len() + 256);
    push_rendered::<R>(&mut body, stored, reach);
    body
}

fn push_rendered<R: Resource>(body: &mut String, stored: &Stored, reach: &Reach) {
    push_text(body, stored);
    push_actions::<R>(body, &stored.state, R::also(reach, stored), reach);
}

/// A stored text without its last brace.
fn push_text(body: &mut String, stored: &Stored) {
    body.push_str(stored.body.strip_suffix('}').unwrap_or(&stored.body));
}

/// What may be done with something in `state`, or with what it is `also`, and the last brace.
fn push_actions<R: Resource>(body: &mut String, state: &str, also: Option<&'static str>, reach: &Reach) {
    body.push_str(",\"allowed_actions\":[");
    let mut first = true;
    let also = also.into_iter().flat_map(Action::of_subject);
    for action in Action::of_subject(R::KIND).chain(R::DONE_TO_IT).chain(also) {
        if allowed::<R>(*action, reach, state) {
            if !first {
                body.push(',');
            }
            first = false;
            body.push('"');
            body.push_str(action.name());
            body.push('"');
        }
    }
    body.push_str("]}");
}

/// Whether this caller may do `action` on something in `state`. What belongs to an archived programme is only
/// read; of the programme itself, its own state says what may be done.
fn allowed<R: Resource>(action: Action, reach: &Reach, state: &str) -> bool {
    let held = reach.may(action);
    let open = !reach.archived || R::KIND == "program" || action.name().ends_with(".read");
    held && open && R::possible(action, state)
}

/// The ends of a page's texts: many things are in few states.
#[derive(Default)]
struct Ends(Vec<(String, Option<&'static str>, String)>);

impl Ends {
    fn of<R: Resource>(&mut self, stored: &Stored, reach: &Reach) -> &str {
        let also = R::also(reach, stored);
        let known = self.0.iter().position(|(state, kind, _)| *state == stored.state && *kind == also);
        let known = known.unwrap_or_else(|| {
            let mut end = String::with_capacity(256);
            push_actions::<R>(&mut end, &stored.state, also, reach);
            self.0.push((stored.state.clone(), also, end));
            self.0.len() - 1
        });
        &self.0[known].2
    }
}

/// A stored text in the view that was asked for.
fn viewed<R: Resource>(
    stored: &Stored,
    reach: &Reach,
    view: &View,
    expanded: Map<String, Value>,
) -> Result<String, Problem> {
    if view.is_plain() {
        return Ok(render::<R>(stored, reach));
    }
    let mut value: Value = serde_json::from_str(&render::<R>(stored, reach)).map_err(Problem::internal)?;
    if let Some(language) = view.language {
        let resource: R = versioned::parse(&stored.body)?;
        for (pointer, _) in resource.texts() {
            if let Some(text) = value.pointer_mut(&pointer) {
                *text = localized::choose(text, &pointer, language, &resource.meta().translations);
            }
        }
    }
    if let (Some(fields), Some(object)) = (&view.fields, value.as_object_mut()) {
        object.retain(|name, _| fields.iter().any(|field| field == name));
    }
    if let (false, Some(object)) = (view.expand.is_empty(), value.as_object_mut()) {
        object.insert("expanded".into(), Value::Object(expanded));
    }
    serde_json::to_string(&value).map_err(Problem::internal)
}

/// The ledger's sequence that a read is about; `None` for now. What is to come cannot be read: the same
/// question would have another answer later.
pub fn moment(
    conn: &mut AnyConnection,
    ledger: Id,
    as_of: Option<AsOf>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, Problem> {
    let (head, last) = match as_of {
        None => return Ok(None),
        Some(_) => ledger::newest(conn, ledger)?,
    };
    let as_of = match as_of {
        Some(AsOf::Day(day)) => {
            let end = AsOf::Day(day).instant(zone_of(conn, ledger)?);
            Some(AsOf::Instant(end.ok_or_else(|| Problem::BadAsOf(day.to_string()))?))
        }
        other => other,
    };
    match as_of {
        Some(AsOf::Sequence(sequence)) if sequence <= head => Ok(Some(sequence)),
        Some(AsOf::Sequence(sequence)) => Err(Problem::BadAsOf(format!("seq:{sequence}"))),
        // A clock that was set back is behind the ledger.
        Some(AsOf::Instant(at)) if at > now.max(last) => Err(Problem::BadAsOf(crate::db::types::instant_text(&at))),
        Some(AsOf::Instant(at)) => match ledger::sequence_at(conn, ledger, at)? {
            Some(sequence) => Ok(Some(sequence)),
            None => Err(Problem::BadAsOf(crate::db::types::instant_text(&at))),
        },
        Some(AsOf::Day(_)) | None => Ok(None),
    }
}

/// The time zone that days of a ledger are told in: its programme's, or UTC for the platform's.
fn zone_of(conn: &mut AnyConnection, ledger: Id) -> Result<Tz, Problem> {
    use program_revisions as t;
    let zone = t::table.filter(t::subject_id.eq(ledger)).filter(t::seq_to.is_null()).select(t::time_zone);
    let zone: Option<String> = zone.first(conn).optional()?;
    zone.map_or(Ok(Tz::UTC), |name| time_zone_named(&name))
}

fn find<R: Resource>(
    conn: &mut AnyConnection,
    reach: &Reach,
    id: Id,
    as_of: Option<AsOf>,
    now: DateTime<Utc>,
) -> Result<Stored, Problem> {
    let ledger = if R::PLATFORM { Ledger::PLATFORM } else { reach.ledger };
    let stored = match moment(conn, ledger, as_of, now)? {
        None => R::open(conn, ledger, id)?,
        Some(sequence) => R::open_at(conn, ledger, id, sequence)?,
    };
    let mut stored = stored.filter(|stored| !hidden::<R>(reach, stored)).ok_or(Problem::NotFound)?;
    R::complete(conn, reach, std::slice::from_mut(&mut stored))?;
    Ok(stored)
}

impl<A: Gate> Can<A> {
    /// Runs one read. A single statement sees one state; use [`Can::snapshot`] for more than one.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection, &Reach) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let reach = self.reach.clone();
        let found = self.service.db.run(Lane::Read, move |conn| work(conn, &reach)).await?;
        self.keep_shown().await?;
        Ok(found)
    }

    /// Runs several reads that all see the same state.
    pub async fn snapshot<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection, &Reach) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read(move |conn, reach| crate::db::read_transaction(conn, |conn| work(conn, reach))).await
    }

    /// Answers with a text that is made part by part on the lane of long work, so that neither a text nor a thread is
    /// held for all of it. `next` makes a part from what the part before left, and says what it leaves itself; `None`
    /// ends. A client sees that it came to its end by its last line alone: a failure cuts it off.
    pub fn stream<S: Send + 'static>(
        &self,
        content_type: &'static str,
        first: S,
        next: impl Fn(&mut AnyConnection, &Reach, S) -> Result<Part<S>, Problem> + Copy + Send + 'static,
    ) -> HttpResponse {
        let (service, reach, reader) = (self.service.clone(), self.reach.clone(), self.reader());
        let parts = stream::try_unfold(Some(first), move |left| {
            let (service, reach, reader) = (service.clone(), reach.clone(), reader.clone());
            async move {
                let Some(left) = left else { return Ok::<_, Problem>(None) };
                let shown = reach.shown.clone();
                let part = service.db.run(Lane::Long, move |conn| next(conn, &reach, left)).await?;
                shown::keep(&service, &reader, &shown).await?;
                Ok(Some((Bytes::from(part.text), part.left)))
            }
        });
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .content_type(content_type)
            .streaming(parts)
    }

    /// Answers one resource: 200 with its ETag, 304, or 404.
    pub async fn show<R: Resource>(&self, id: Id, view: View) -> Result<HttpResponse, Problem> {
        self.show_found::<R>(view, move |_, _| Ok(id)).await
    }

    /// Like [`Can::show`], with more members, which the resource itself does not have.
    pub async fn show_with<R: Resource>(
        &self,
        id: Id,
        more: impl FnOnce(&mut AnyConnection) -> Result<String, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let now = self.service.clock.now();
        let (stored, more) =
            self.snapshot(move |conn, reach| Ok((find::<R>(conn, reach, id, None, now)?, more(conn)?))).await?;
        let body = with_members(&render::<R>(&stored, &self.reach), &more);
        Ok(self.tagged(etag(stored.revision, &body), body))
    }

    /// Like [`Can::show`], where the path names the resource by more than its id.
    pub async fn show_found<R: Resource>(
        &self,
        view: View,
        identify: impl FnOnce(&mut AnyConnection, &Reach) -> Result<Id, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        refuse(wrong_expands(&view, R::EXPANDS).into_iter().collect())?;
        let (asked, now) = (view.clone(), self.service.clock.now());
        let (stored, expanded) = self
            .read(move |conn, reach| {
                let id = identify(conn, reach)?;
                let stored = find::<R>(conn, reach, id, asked.as_of, now)?;
                let expanded = R::expand(conn, reach, &stored, &asked.expand)?;
                Ok((stored, expanded))
            })
            .await?;
        if let Some(id) = R::moved_to(&stored)? {
            return Ok(self.moved(&place::<R>(&self.reach.slug, &id.to_string())));
        }
        let body = viewed::<R>(&stored, &self.reach, &view, expanded)?;
        Ok(self.tagged(etag(stored.revision, &body), body))
    }

    /// 308 to where something went on, with the same query.
    fn moved(&self, place: &str) -> HttpResponse {
        let query = self.request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        HttpResponse::PermanentRedirect()
            .insert_header((header::LOCATION, format!("{place}{query}")))
            .insert_header((header::CACHE_CONTROL, "private, no-cache"))
            .finish()
    }

    /// Answers one earlier revision of a resource.
    pub async fn show_revision<R: Resource>(
        &self,
        revision: i32,
        identify: impl FnOnce(&mut AnyConnection, &Reach) -> Result<Id, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let stored = self
            .read(move |conn, reach| {
                let id = identify(conn, reach)?;
                R::numbered(conn, reach.ledger, id, revision)?
                    .filter(|stored| !hidden::<R>(reach, stored))
                    .ok_or(Problem::NotFound)
            })
            .await?;
        // What may be done, may be done with the open revision: an earlier one is only read.
        let body = render::<R>(&stored, &Reach { roles: Roles::default(), ..self.reach.clone() });
        Ok(self.tagged(etag(stored.revision, &body), body))
    }

    /// Answers a list: its page, its ETag (from the ledger's head, so that a 304 costs one look), its links.
    pub async fn list<R: Resource, F: Filter + Send>(
        &self,
        listing: Listing<F>,
        rows: impl FnOnce(&mut AnyConnection, &Reach, &F, &Page, Option<i64>) -> Result<Listed, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let Listing { filter, page, view } = listing;
        let (asked_page, asked_view) = (page.clone(), view.clone());
        let (query, now) = (self.request.uri().to_string(), self.service.clock.now());
        let day = F::BY_DAY.then(|| self.today());
        let wanted: Vec<HeaderValue> = self.request.headers().get_all(header::IF_NONE_MATCH).cloned().collect();
        let (tag, found) = self
            .read(move |conn, reach| {
                let ledger = if R::PLATFORM { Ledger::PLATFORM } else { reach.ledger };
                let head = ledger::stand(conn, ledger)?;
                let mut seen = format!("{query}\n{}\n{}\n{:?}", reach.view(), head.hash, asked_view.language);
                // What is expanded may belong to the platform.
                if !asked_view.expand.is_empty() {
                    seen.push_str(&format!("\n{}", ledger::stand(conn, Ledger::PLATFORM)?.hash));
                }
                if let Some(day) = day {
                    seen.push_str(&format!("\n{day}"));
                }
                let tag = head_tag(&head, &seen);
                if !F::LIVE && wanted.iter().any(|wanted| matches(wanted, &tag)) {
                    return Ok((tag, None));
                }
                let at = moment(conn, ledger, asked_view.as_of, now)?;
                let mut listed = rows(conn, reach, &filter, &asked_page, at)?;
                let more = asked_page.cut(&mut listed.rows).is_some();
                R::complete(conn, reach, &mut listed.rows)?;
                let mut items = Vec::with_capacity(listed.rows.len());
                for stored in listed.rows {
                    let expanded = R::expand(conn, reach, &stored, &asked_view.expand)?;
                    items.push((stored, expanded));
                }
                Ok((tag, Some((items, listed.total, more))))
            })
            .await?;
        let Some((items, total, more)) = found else {
            return Ok(not_modified(&tag));
        };
        let next = match items.last() {
            Some((last, _)) if more => Some(page.cursor(&self.service, &R::sort_key(page.sort, last)?, last.id)),
            _ => None,
        };
        let mut body =
            String::with_capacity(64 + items.iter().map(|(stored, _)| stored.body.len() + 256).sum::<usize>());
        body.push_str("{\"items\":[");
        let mut ends = Ends::default();
        for (number, (stored, expanded)) in items.into_iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            if view.is_plain() {
                push_text(&mut body, &stored);
                body.push_str(ends.of::<R>(&stored, &self.reach));
            } else {
                body.push_str(&viewed::<R>(&stored, &self.reach, &view, expanded)?);
            }
        }
        body.push(']');
        Ok(if F::LIVE { self.page_by_text(body, next, total) } else { self.page(tag, body, next, total) })
    }

    /// Answers the revisions of a resource in order: who made each, when, why, and what it says.
    pub async fn history<R: Resource>(
        &self,
        listing: Listing<crate::history::HistoryFilter>,
        identify: impl FnOnce(&mut AnyConnection, &Reach) -> Result<Id, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let page = listing.page;
        let asked = page.clone();
        let after = page.after::<i32>()?.map_or(0, |(revision, _)| revision);
        let query = self.request.uri().to_string();
        let (tag, entries, last, id) = self
            .snapshot(move |conn, reach| {
                let ledger = if R::PLATFORM { Ledger::PLATFORM } else { reach.ledger };
                let head = ledger::stand(conn, ledger)?;
                let id = identify(conn, reach)?;
                let mut revisions = R::history(conn, ledger, id, after, asked.limit + 1)?;
                if R::open(conn, ledger, id)?.is_none_or(|open| hidden::<R>(reach, &open)) {
                    return Err(Problem::NotFound);
                }
                let last = asked.cut(&mut revisions).map(|last| last.revision);
                revisions.retain(|stored| {
                    !R::hidden_from(reach).contains(&stored.state.as_str()) && !R::hidden_row(reach, stored)
                });
                let sequences: Vec<i64> = revisions.iter().map(|stored| stored.seq_from).collect();
                let rows = LedgerRow::numbered(conn, ledger, &sequences)?;
                let entries = crate::history::entries(revisions, &rows)?;
                let tag = head_tag(&head, &format!("{query}\n{}\n{}", reach.view(), head.hash));
                Ok((tag, entries, last, id))
            })
            .await?;
        let next = last.map(|revision| page.cursor(&self.service, &json!(revision), id));
        let items = serde_json::to_string(&entries).map_err(Problem::internal)?;
        Ok(self.page(tag, format!("{{\"items\":{items}"), next, None))
    }

    /// Answers a page of things on ledgers of their own: its ETag is of its text.
    pub fn list_across<R: Resource>(
        &self,
        mut rows: Vec<Stored>,
        page: &Page,
        roles: impl Fn(Id) -> Roles,
    ) -> Result<HttpResponse, Problem> {
        let last = page.cut(&mut rows).map(|last| Ok::<_, Problem>((R::sort_key(page.sort, last)?, last.id)));
        let next = last.transpose()?.map(|(key, id)| page.cursor(&self.service, &key, id));
        let items: Vec<String> = rows
            .iter()
            .map(|stored| render::<R>(stored, &Reach { roles: roles(stored.id), ..self.reach.clone() }))
            .collect();
        Ok(self.page_by_text(format!("{{\"items\":[{}]", items.join(",")), next, None))
    }

    /// The ETag of a list: the ledger's head, and the view and query.
    pub fn list_tag(&self, head: &Head) -> String {
        head_tag(head, &format!("{}\n{}\n{}", self.request.uri(), self.reach.view(), head.hash))
    }

    /// The day that it is in the programme's time zone.
    pub fn today(&self) -> chrono::NaiveDate {
        self.service.clock.now().with_timezone(&self.time_zone).date_naive()
    }

    /// Answers a page of things that are on no ledger; `next` is where the one after it begins. Its ETag is of its text.
    pub fn page_of<T: serde::Serialize>(&self, items: &[T], next: Option<String>) -> Result<HttpResponse, Problem> {
        let items = serde_json::to_string(items).map_err(Problem::internal)?;
        Ok(self.page_by_text(format!("{{\"items\":{items}"), next, None))
    }

    /// Ends a page's body and gives it its headers.
    pub fn page(&self, tag: String, body: String, next: Option<String>, total: Option<i64>) -> HttpResponse {
        let mut response = self.tagged(tag, page_text(body, next.as_deref(), total));
        if let Some(cursor) = next {
            link_next(&mut response, &self.next_page(&cursor));
        }
        response
    }

    /// The same, where no ledger's head stands for what is on it: the ETag is of the text, its end included.
    fn page_by_text(&self, body: String, next: Option<String>, total: Option<i64>) -> HttpResponse {
        let tag = text_tag(&page_text(body.clone(), next.as_deref(), total));
        self.page(tag, body, next, total)
    }

    /// 200 with an ETag, or 304 if the client has this very text.
    pub fn tagged(&self, tag: String, body: String) -> HttpResponse {
        if self.request.headers().get_all(header::IF_NONE_MATCH).any(|wanted| matches(wanted, &tag)) {
            return not_modified(&tag);
        }
        HttpResponse::Ok()
            .insert_header((header::ETAG, tag))
            .insert_header((header::CACHE_CONTROL, "private, no-cache"))
            .content_type("application/json")
            .body(body)
    }

    /// 200 with a page for members, in whatever media type; its ETag is of its text.
    pub fn send(&self, rendition: Rendition) -> HttpResponse {
        let tag = text_tag(&rendition.body);
        if self.request.headers().get_all(header::IF_NONE_MATCH).any(|wanted| matches(wanted, &tag)) {
            return not_modified(&tag);
        }
        let mut response = HttpResponse::Ok();
        response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
        rendition.describe(&mut response);
        response.body(rendition.body)
    }

    /// The address of the page that this cursor leads to.
    pub fn next_page(&self, cursor: &str) -> String {
        next_url(self.request.uri(), cursor)
    }

    /// The same as [`Can::send`], of a part whose `Link` leads to the next.
    pub fn send_part(&self, rendition: Rendition, next: Option<&str>) -> HttpResponse {
        let mut response = self.send(rendition);
        if let Some(next) = next {
            link_next(&mut response, next);
        }
        response
    }

    /// The language that the reader asks for.
    pub fn language(&self) -> Lang {
        Lang::of(self.request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()))
    }

    /// 200 with something that is told in the reader's language.
    pub fn answer_told<T: serde::Serialize>(&self, tell: impl FnOnce(Lang) -> T) -> Result<HttpResponse, Problem> {
        let lang = self.language();
        let mut response = self.answer(&tell(lang))?;
        response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
        Ok(response)
    }

    /// 200 with something that has no revisions; its ETag is of its text.
    pub fn answer<T: serde::Serialize>(&self, value: &T) -> Result<HttpResponse, Problem> {
        let body = serde_json::to_string(value).map_err(Problem::internal)?;
        Ok(self.tagged(text_tag(&body), body))
    }
}

/// `"<head sequence>.<digest of view, query and the head's hash>"`: in a database that was restored, another row may be
/// the head of the same number.
fn head_tag(head: &Head, seen: &str) -> String {
    format!("\"{}.{}\"", head.sequence, digest(seen.as_bytes()))
}

/// The ETag of what no revision and no ledger's head stands for.
pub(super) fn text_tag(text: &str) -> String {
    format!("\"{}\"", digest(text.as_bytes()))
}

/// A page's text: what comes after its items, too.
fn page_text(mut body: String, next: Option<&str>, total: Option<i64>) -> String {
    match next {
        Some(cursor) => {
            body.push_str(",\"next_cursor\":\"");
            body.push_str(cursor);
            body.push('"');
        }
        None => body.push_str(",\"next_cursor\":null"),
    }
    if let Some(total) = total {
        body.push_str(&format!(",\"total\":{total}"));
    }
    body.push('}');
    body
}

/// Leads to the next page.
pub(super) fn link_next(response: &mut HttpResponse, url: &str) {
    if let Ok(link) = format!("<{url}>; rel=\"next\"").parse() {
        response.headers_mut().insert(header::LINK, link);
    }
}

fn not_modified(tag: &str) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((header::ETAG, tag.to_owned()))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .finish()
}

/// RFC 9110, 13.1.2: weak comparison, a list, or `*`.
pub(super) fn matches(wanted: &HeaderValue, tag: &str) -> bool {
    let Ok(wanted) = wanted.to_str() else { return false };
    wanted.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

pub(super) fn next_url(uri: &actix_web::http::Uri, cursor: &str) -> String {
    let rest: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .collect();
    let mut query = rest.join("&");
    if !query.is_empty() {
        query.push('&');
    }
    format!("{}?{query}cursor={cursor}", uri.path())
}
