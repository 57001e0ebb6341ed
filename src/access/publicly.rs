use std::net::IpAddr;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, http::header, web};
use chrono::{DateTime, Utc};

use super::{
    door::{self, Reach},
    read::{link_next, matches, next_url, text_tag},
    system::System,
    tx::{Recorded, Tx},
    write::request_id,
};
use crate::{
    db::{AnyConnection, Id, Lane, read_transaction, write_transaction},
    page::Page,
    pages::Rendition,
    problem::Problem,
    service::Service,
    sign_ins::Origin,
};

/// The door of what needs no sign-in: the operations that `policy::PUBLIC` lists. It leads to no
/// resource; what it writes (sign-ins, failures, passwords by one-time token) is on no ledger but for
/// what the model functions record themselves.
pub struct Public {
    service: web::Data<Service>,
    request: HttpRequest,
}

impl FromRequest for Public {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(door::service(request).and_then(|service| {
            service.operations.check_query(request)?;
            Ok(Public { service, request: request.clone() })
        }))
    }
}

impl Public {
    pub fn service(&self) -> &web::Data<Service> {
        &self.service
    }

    /// Where the request came from: the peer, or what a trusted proxy says.
    pub fn address(&self) -> Option<IpAddr> {
        crate::proxies::client_address(&self.request, &self.service.settings.trusted_proxies)
    }

    /// The same, and with what: the beginning of `User-Agent`.
    pub fn origin(&self) -> Origin {
        const SHOWN: usize = 200;
        let told = self.request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Origin { address: self.address(), user_agent: told.map(|text| text.chars().take(SHOWN).collect()) }
    }

    /// Runs reads that all see the same state.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.service.db.run(Lane::Read, |conn| read_transaction(conn, work)).await
    }

    /// Runs a change on the platform's ledger on behalf of an account that `work` finds out.
    pub async fn change<T: Send + 'static>(
        &self,
        act: &'static str,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<T>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.change_in(Reach::platform(), act, work).await
    }

    /// The same on another ledger, and on the platform's where the change touches that too.
    pub async fn change_in<T: Send + 'static>(
        &self,
        reach: Reach,
        act: &'static str,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<T>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (service, request_id, ledger) = (self.service.clone(), request_id(&self.request), reach.ledger);
        let changed = self.service.db.run(Lane::Write, move |conn| {
            let system = System { act, request_id, now: service.clock.now(), schemas: service.schemas.clone() };
            system.write(conn, reach, |tx| {
                let done = work(tx)?;
                let head = tx.sequence()?;
                Ok(done.map(|done| (done, head)))
            })
        });
        let (done, head) = changed.await?;
        self.service.callers.rights_changed();
        self.service.watcher.told([(ledger, head)]);
        Ok(done)
    }

    /// The service's numbers.
    pub fn metrics_text(&self) -> Result<String, Problem> {
        self.service.metrics.text(&self.service.db).map_err(Problem::internal)
    }

    /// Forgets cached rights: an account or sign-in changed.
    pub fn rights_changed(&self) {
        self.service.callers.rights_changed();
    }

    /// Runs a write whose refusals are kept: `Ok(Err(problem))` commits and answers the problem.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection, DateTime<Utc>) -> Result<Result<T, Problem>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let now = self.service.clock.now();
        self.service.db.run(Lane::Write, move |conn| write_transaction(conn, |conn| work(conn, now))).await?
    }

    /// 200 with what is the same for everybody and may be kept for a minute, or 304: its ETag is of its text.
    pub fn answer_cached<T: serde::Serialize>(&self, value: &T) -> Result<HttpResponse, Problem> {
        Ok(self.send_cached(Rendition::json(serde_json::to_string(value).map_err(Problem::internal)?)))
    }

    /// A page of a list for everybody; `next` is where the one after it begins, if there is one.
    pub fn list_cached<T: serde::Serialize>(
        &self,
        items: &[T],
        page: &Page,
        next: Option<(serde_json::Value, Id)>,
    ) -> Result<HttpResponse, Problem> {
        let next = next.map(|(key, id)| page.cursor(&self.service, &key, id));
        let body = serde_json::json!({"items": items, "next_cursor": next});
        let mut response = self.answer_cached(&body)?;
        if let Some(cursor) = next {
            link_next(&mut response, &next_url(self.request.uri(), &cursor));
        }
        Ok(response)
    }

    /// A text for everybody, in whatever media type.
    pub fn send_cached(&self, rendition: Rendition) -> HttpResponse {
        let tag = text_tag(&rendition.body);
        let known = self.request.headers().get_all(header::IF_NONE_MATCH).any(|wanted| matches(wanted, &tag));
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "public, max-age=60"));
        if known {
            return response.finish();
        }
        rendition.describe(&mut response);
        response.body(rendition.body)
    }
}
