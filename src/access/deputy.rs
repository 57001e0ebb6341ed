use actix_web::web;

use super::{
    door::{Can, Reach},
    tx::{Recorded, Tx},
    write::{Ask, Reply, request_id, run},
};
use crate::{
    db::{Id, Lane, write_transaction},
    idempotency,
    policy::{Action, Gate},
    problem::Problem,
    service::Service,
};

/// Leave to do in several transactions what a caller asked for once, if need be after they have gone. Each looks at the
/// caller's rights again: a right that ended in between ends the work.
pub struct Deputy {
    service: web::Data<Service>,
    reach: Reach,
    action: Action,
    request_id: String,
}

impl Deputy {
    /// Goes on for an account, or a client with its key, with what it asked for in a request that was answered.
    pub fn of<A: Gate>(
        service: &web::Data<Service>,
        program: Id,
        slug: &str,
        (account, key): (Id, Option<Id>),
        request_id: &str,
    ) -> Deputy {
        let reach = Reach { ledger: program, slug: slug.into(), account, key, ..Reach::platform() };
        Deputy { service: service.clone(), reach, action: A::ACTION, request_id: request_id.to_owned() }
    }

    pub fn service(&self) -> &web::Data<Service> {
        &self.service
    }

    /// Runs one of the changes in one transaction, as [`Can::write`] does; no key is looked for, no reply is kept.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<T>, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let shared = self.service.clone();
        let ask = Ask::new(self.reach.clone(), self.action, self.request_id.clone(), None);
        let done = self.service.db.run(Lane::Write, move |conn| {
            let mut told = None;
            let done = write_transaction(conn, |conn| {
                run(conn, &shared, ask, |tx| {
                    Ok(work(tx)?.map(|value| {
                        told = Some(value);
                        Reply::empty(204)
                    }))
                })
            })?;
            let told = told.ok_or_else(|| Problem::internal("a change told nothing"))?;
            Ok((told, done))
        });
        let (told, done) = done.await?;
        done.tell(&self.service);
        Ok(told)
    }
}

impl<A: Gate> Can<A> {
    /// For what takes several transactions.
    pub fn deputy(&self) -> Deputy {
        Deputy {
            service: self.service.clone(),
            reach: self.reach.clone(),
            action: Self::ACTION,
            request_id: request_id(&self.request),
        }
    }

    /// The id of the request, as logs and ledger know it.
    pub fn request_id(&self) -> String {
        request_id(&self.request)
    }

    /// Refuses an `Idempotency-Key` that cannot be one, before a long body is read.
    pub fn check_key(&self) -> Result<(), Problem> {
        idempotency::key(&self.request).map(drop)
    }
}
