//! The worker: takes a mail, writes it, sends it, notes what came of it. Killed between sending and noting, it leaves a
//! mail that is sent again, under the same Message-ID.

use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;

use super::{
    letters::{self, Letter},
    post::Fault,
    queue::{self, Claimed},
};
use crate::{
    db::{AnyConnection, Lane, write_transaction},
    problem::Problem,
    service::Service,
    worker::{self, Lease},
};

/// How often a worker looks for what other processes left to send, and for what is to be tried again.
const EVERY: Duration = Duration::from_secs(5);
/// How long sending one mail may take at the most.
const LEASE: TimeDelta = TimeDelta::minutes(3);

/// Sends the mail of this process's database until it is told to stop.
pub async fn carry(service: web::Data<Service>) {
    let carrier = Carrier::new(&service);
    worker::run(&service, &service.mails, EVERY, async || carrier.run_once().await).await;
    if let Err(problem) = carrier.release().await {
        log::warn!("other processes must wait for the mail of this one: {}", problem.name());
    }
}

/// A worker, under a name of its own.
pub struct Carrier {
    service: web::Data<Service>,
    lease: Lease,
}

impl Carrier {
    pub fn new(service: &web::Data<Service>) -> Carrier {
        Carrier { service: service.clone(), lease: Lease::new(LEASE) }
    }

    /// Sends the mail that is due longest; whether there was one.
    pub async fn run_once(&self) -> Result<bool, Problem> {
        let (now, lease) = (self.service.clock.now(), self.lease);
        let Some(mail) = self.change(move |conn| queue::claim(conn, lease, now)).await? else { return Ok(false) };
        let outgoing = &self.service.settings.mail;
        let came = match self.write(&mail).await {
            Ok(None) => return Ok(true),
            Ok(Some(letter)) => outgoing.send(mail.id, &mail.recipient, mail.made_at, letter).await,
            Err(problem) => {
                log::warn!("a mail could not be written: {}", problem.name());
                Err(Fault::NotWritten)
            }
        };
        if let Err(fault) = came {
            log::warn!("the mail {} did not go through: {}", mail.id, fault.name());
        }
        let now = self.service.clock.now();
        self.change(move |conn| Ok(queue::note(conn, lease, &mail, came, now)?)).await?;
        Ok(true)
    }

    /// What the mail says now; nothing where nobody is to get it any more: then it is dropped.
    async fn write(&self, mail: &Claimed) -> Result<Option<Letter>, Problem> {
        let (mail, lease, service) = (mail.clone(), self.lease, self.service.clone());
        self.change(move |conn| {
            let letter = letters::write(conn, &service, &mail)?;
            if letter.is_none() {
                queue::withdraw(conn, lease, &mail)?;
            }
            Ok(letter)
        })
        .await
    }

    async fn release(&self) -> Result<(), Problem> {
        let lease = self.lease;
        self.change(move |conn| Ok(queue::release(conn, lease)?)).await.map(drop)
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.service.db.run(Lane::Long, move |conn| write_transaction(conn, work)).await
    }
}
