use std::net::IpAddr;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use chrono::{DateTime, Utc};

use super::{
    door::{self, Reach},
    system::System,
    tx::{Recorded, Tx},
    write::request_id,
};
use crate::{
    db::{AnyConnection, Lane, read_transaction, write_transaction},
    problem::Problem,
    service::Service,
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
        let (service, request_id) = (self.service.clone(), request_id(&self.request));
        let done = self
            .service
            .db
            .run(Lane::Write, move |conn| {
                let system = System { act, request_id, now: service.clock.now(), schemas: service.schemas.clone() };
                system.write(conn, Reach::platform(), work)
            })
            .await?;
        self.service.callers.rights_changed();
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
}
