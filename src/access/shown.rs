//! Whose personal data an answer shows. Whoever looks a person up for somebody notes it in the [`Reach`](super::Reach); the
//! door keeps it, and an answer of which that cannot be kept is not given.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::web;
use chrono::{DateTime, Utc};

use super::{door::Can, write::request_id};
use crate::{
    db::{Id, Lane, write_transaction},
    personal_data,
    policy::Gate,
    problem::Problem,
    service::Service,
};

/// Somebody whose data was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    Account(Id),
    /// The address that an invitation went to.
    Invitation(Id),
    /// The persons on an organisation's list of attendance.
    Attendance(Id),
}

/// Who was shown so far in one request.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<BTreeSet<Person>>>);

impl Shown {
    pub fn note(&self, person: Person) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(person);
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// All of them so far.
    pub fn all(&self) -> BTreeSet<Person> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of them so far, which are not told again.
    fn take(&self) -> BTreeSet<Person> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who reads, and by which operation.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The account, or the client.
    pub id: Id,
    pub key: Option<Id>,
    pub operation: String,
    pub request_id: String,
    pub at: DateTime<Utc>,
}

/// Keeps whom an answer that is about to be given shows.
pub(super) async fn keep(service: &web::Data<Service>, reader: &Reader, shown: &Shown) -> Result<(), Problem> {
    let shown = shown.take();
    if shown.is_empty() {
        return Ok(());
    }
    let reader = Reader { at: service.clock.now(), ..reader.clone() };
    let keep = move |conn: &mut _| write_transaction(conn, |conn| Ok(personal_data::keep_reads(conn, &reader, shown)?));
    service.db.run(Lane::Write, keep).await
}

impl<A: Gate> Can<A> {
    /// Who asks, for the record of whom they were shown.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            id: self.reach.account,
            key: self.reach.key,
            operation: self.service.operations.id(&self.request).unwrap_or(A::ACTION.name()).to_owned(),
            request_id: request_id(&self.request),
            at: self.service.clock.now(),
        }
    }

    /// Keeps whom the answer shows, if it shows anybody.
    pub(super) async fn keep_shown(&self) -> Result<(), Problem> {
        if self.reach.shown.is_empty() {
            return Ok(());
        }
        keep(&self.service, &self.reader(), &self.reach.shown).await
    }
}
