use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::Value;

use super::{
    door::{Ledger, Reach},
    identity::Caller,
    read::{etag, render},
    write::Reply,
};
use crate::{
    consequences::Consequence,
    db::{AnyConnection, At, Head, Id, MANY, Reused, lock_head},
    ledger::{self, Act, NewRow},
    localized,
    policy::{Action, Roles},
    problem::{FieldError, Problem, Text},
    programs::{Program, time_zone_named},
    schema::ledgers,
    sign_ins,
    valid::Schemas,
    versioned::{self, Resource, Stored, hidden, with_members},
};

/// The revision that the client saw: what `If-Match` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen(pub i32);

/// Proof that a change is on the ledger. Only [`Tx`] makes one.
#[must_use]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    pub fn value(&self) -> &T {
        &self.0
    }

    pub(super) fn into_inner(self) -> T {
        self.0
    }

    /// What is on the ledger, told otherwise.
    pub fn map<U>(self, tell: impl FnOnce(T) -> U) -> Recorded<U> {
        Recorded(tell(self.0))
    }

    /// What is on the ledger, told as an answer.
    pub fn try_map<U>(self, tell: impl FnOnce(T) -> Result<U, Problem>) -> Result<Recorded<U>, Problem> {
        tell(self.0).map(Recorded)
    }

    /// Several changes of one request.
    pub fn all(made: Vec<Recorded<T>>) -> Recorded<Vec<T>> {
        Recorded(made.into_iter().map(|one| one.0).collect())
    }

    /// Two parts of one request.
    pub fn and<U>(self, other: Recorded<U>) -> Recorded<(T, U)> {
        Recorded((self.0, other.0))
    }
}

impl<T> Recorded<Vec<T>> {
    /// The thing of a change of one.
    fn only(mut self) -> Result<Recorded<T>, Problem> {
        self.0.pop().map(Recorded).ok_or_else(|| Problem::internal("a change of one thing made none"))
    }

    /// With the changes of another part of the request.
    pub fn with(mut self, other: Recorded<T>) -> Recorded<Vec<T>> {
        self.0.push(other.0);
        self
    }
}

impl Recorded<Reply> {
    /// The same answer with another body, which has no revision.
    pub fn with_json<B: serde::Serialize>(self, body: &B) -> Result<Recorded<Reply>, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Recorded(Reply { body, etag: None, ..self.0 }))
    }
}

/// One change in the making: one transaction under the lock of the ledger's head.
pub struct Tx<'c> {
    pub conn: &'c mut AnyConnection,
    /// One moment for everything that this change touches; never before the ledger's last.
    pub now: DateTime<Utc>,
    pub reach: Reach,
    pub schemas: Arc<Schemas>,
    /// The programme's source language; `id` for what belongs to no programme.
    pub source_language: String,
    /// The programme's time zone.
    pub(super) time_zone: Tz,
    /// What rules about state look at; `None` for the service itself.
    pub(super) action: Option<Action>,
    /// What the ledger calls it.
    pub(super) act: &'static str,
    pub(super) request_id: String,
    pub(super) heads: BTreeMap<Id, Head>,
    /// What the ledgers tell of this change and the database does not hold yet.
    pub(super) told: Vec<NewRow>,
    /// The open revisions that this change has looked at or made of others: they stay what they are until it changes
    /// them.
    pub(super) looked: BTreeMap<(&'static str, Id), Stored>,
    /// Nothing of the change is kept.
    pub(super) trial: bool,
    /// The change touches accounts, memberships or programmes: nobody's cached rights count any more.
    pub(super) rights_changed: bool,
    /// What refused the change, where what happened up to there is kept all the same.
    pub(super) refusal: Option<Problem>,
}

/// Kinds whose changes change rights.
const RIGHTS: &[&str] = &["account", "client", "membership", "program"];

impl Tx<'_> {
    /// The open revision of something, if the caller saw this very revision and its state allows the action.
    pub fn current<R: Resource>(&mut self, id: Id, seen: Seen) -> Result<R, Problem> {
        let stored = self.stored::<R>(id)?;
        if stored.revision != seen.0 {
            let body = render::<R>(&stored, &self.reach);
            return Err(Problem::Stale { revision: stored.revision, etag: etag(stored.revision, &body) });
        }
        if self.action.is_some_and(|action| !R::possible(action, &stored.state)) {
            return Err(Problem::WrongState { action: self.act, state: stored.state });
        }
        versioned::parse(&stored.body)
    }

    /// The open revision of something that the change looks at without changing it.
    pub fn look<R: Resource>(&mut self, id: Id) -> Result<R, Problem> {
        versioned::parse(&self.stored::<R>(id)?.body)
    }

    /// Looks at several things at once: those that are there and that the caller may see.
    pub fn look_all<R: Resource>(&mut self, ids: &[Id]) -> Result<Vec<R>, Problem> {
        for stored in R::open_all(self.conn, self.ledger_of::<R>(), ids)? {
            self.looked.entry((R::KIND, stored.id)).or_insert(stored);
        }
        let known: Vec<Id> = ids.iter().copied().filter(|id| self.looked.contains_key(&(R::KIND, *id))).collect();
        let seen = known.into_iter().map(|id| self.look(id));
        seen.filter(|one| !matches!(one, Err(Problem::NotFound))).collect()
    }

    fn stored<R: Resource>(&mut self, id: Id) -> Result<Stored, Problem> {
        let known = self.looked.get(&(R::KIND, id)).cloned();
        let stored = match known {
            Some(stored) => stored,
            None => {
                let stored = R::open(self.conn, self.ledger_of::<R>(), id)?.ok_or(Problem::NotFound)?;
                self.looked.insert((R::KIND, id), stored.clone());
                stored
            }
        };
        if hidden::<R>(&self.reach, &stored) { Err(Problem::NotFound) } else { Ok(stored) }
    }

    /// Puts something new in the database and on the ledger.
    pub fn create<R: Resource>(&mut self, new: R, reason: Option<&str>) -> Result<Recorded<R>, Problem> {
        self.create_all(vec![new], &[reason])?.only()
    }

    /// Puts several new things of one kind in the database and on the ledger, with a few statements. Each has its own
    /// reason, or none.
    pub fn create_all<R: Resource>(
        &mut self,
        mut new: Vec<R>,
        reasons: &[Option<&str>],
    ) -> Result<Recorded<Vec<R>>, Problem> {
        let ledger = self.ledger_of::<R>();
        // First: the anchor's foreign key takes a share of the head, which two changes would wait for each
        // other to give up.
        self.head(ledger)?;
        R::insert_anchors(self.conn, ledger, &new)?;
        let bodies = new.iter_mut().map(|one| self.written(one, &[])).collect::<Result<_, _>>()?;
        self.keep(ledger, new, bodies, reasons)
    }

    /// Closes the revision that `changed` was made from, and opens the next.
    pub fn change<R: Resource>(&mut self, mut changed: R, reason: Option<&str>) -> Result<Recorded<R>, Problem> {
        let ledger = self.ledger_of::<R>();
        let (id, before) = (changed.meta().id, changed.meta().revision);
        let was = match self.looked.remove(&(R::KIND, id)) {
            Some(was) => was,
            // Shown to the caller or not: what was removed may be added again.
            None => R::open(self.conn, ledger, id)?.ok_or(Problem::NotFound)?,
        };
        let was: R = versioned::parse(&was.body)?;
        let sequence = self.head(ledger)?.sequence + 1;
        if R::close(self.conn, id, before, sequence)? == 0 {
            return Err(Problem::internal("a revision was closed under the lock of its ledger"));
        }
        let meta = changed.meta_mut();
        meta.revision = before + 1;
        meta.updated_at = self.now;
        let body = self.written(&mut changed, &was.texts())?;
        let state = changed.state().to_owned();
        let stored = Stored { id, revision: before + 1, seq_from: sequence, state, body: body.clone() };
        let changed = self.keep(ledger, vec![changed], vec![body], &[reason])?.only()?;
        self.looked.insert((R::KIND, id), stored);
        Ok(changed)
    }

    /// The text of something new or changed, with what its translations render.
    fn written<R: Resource>(
        &self,
        new: &mut R,
        old_texts: &[(String, &localized::Localized)],
    ) -> Result<String, Problem> {
        let revision = new.meta().revision;
        self.require_source_language(new)?;
        new.meta_mut().translations =
            localized::carry(&new.meta().translations, old_texts, &new.texts(), &self.source_language, revision);
        serde_json::to_string(new).map_err(Problem::internal)
    }

    fn keep<R: Resource>(
        &mut self,
        ledger: Id,
        new: Vec<R>,
        bodies: Vec<String>,
        reasons: &[Option<&str>],
    ) -> Result<Recorded<Vec<R>>, Problem> {
        let mut head = self.head(ledger)?;
        R::insert_revisions(self.conn, ledger, head.sequence + 1, &new, &bodies)?;
        for (number, (one, body)) in new.iter().zip(bodies).enumerate() {
            let act = Act {
                at: self.now,
                account: Some(self.reach.account).filter(|account| *account != Id::NIL),
                stakeholder: self.reach.stakeholder,
                action: self.act,
                subject_kind: R::KIND,
                subject: one.meta().id,
                revision: one.meta().revision,
                reason: reasons.get(number).copied().flatten(),
                request_id: &self.request_id,
            };
            self.told.push(ledger::follow(ledger, &mut head, &act, body)?);
        }
        self.heads.insert(ledger, head);
        if self.told.len() >= MANY {
            self.tell()?;
        }
        self.rights_changed |= RIGHTS.contains(&R::KIND);
        Ok(Recorded(new))
    }

    /// Every localized text has words in the programme's source language.
    pub fn require_source_language<R: Resource>(&self, new: &R) -> Result<(), Problem> {
        let missing: Vec<FieldError> = new
            .texts()
            .iter()
            .filter(|(_, text)| !text.0.contains_key(&self.source_language))
            .map(|(pointer, _)| FieldError {
                pointer: format!("{pointer}/{}", self.source_language),
                code: "required".into(),
                detail: Text::new(
                    "teks dalam bahasa sumber program wajib ada",
                    "the text in the programme's source language is required",
                ),
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::Invalid(missing)) }
    }

    fn ledger_of<R: Resource>(&self) -> Id {
        if R::PLATFORM { Ledger::PLATFORM } else { self.reach.ledger }
    }

    /// The head of a ledger, locked until the commit. A change of two ledgers takes its programme's first
    /// and the platform's second, so that two changes never wait for each other.
    fn head(&mut self, ledger: Id) -> Result<Head, Problem> {
        if let Some(head) = self.heads.get(&ledger) {
            return Ok(head.clone());
        }
        let head = lock_head(self.conn, ledger)?.ok_or(Problem::NotFound)?;
        self.now = self.now.max(head.at);
        self.heads.insert(ledger, head.clone());
        Ok(head)
    }

    /// The last row of the programme's ledger: of this change, once it has made one.
    pub fn sequence(&mut self) -> Result<i64, Problem> {
        Ok(self.head(self.reach.ledger)?.sequence)
    }

    /// Locks the ledger that an `R` is on until the commit: for a rule that looks at more than one ledger.
    pub fn hold<R: Resource>(&mut self) -> Result<(), Problem> {
        self.head(self.ledger_of::<R>()).map(drop)
    }

    /// Begins the ledger of a new programme. What this change makes from here on belongs to it.
    pub fn begin_ledger(&mut self, program: Id, slug: &str) -> Result<(), Problem> {
        let head = Head { sequence: 0, hash: String::new(), at: self.now };
        diesel::insert_into(ledgers::table)
            .values((
                ledgers::id.eq(program),
                ledgers::sequence.eq(head.sequence),
                ledgers::hash.eq(&head.hash),
                ledgers::at.eq(At(head.at)),
            ))
            .execute(self.conn)?;
        self.heads.insert(program, head);
        self.reach.ledger = program;
        self.reach.slug = slug.into();
        Ok(())
    }

    /// Turns to a programme whose ledger this change holds: what it makes from here on belongs to that one.
    pub fn turn_to(&mut self, program: &Program) -> Result<(), Problem> {
        // One that was begun while the others were waited for is held by nobody.
        if !self.heads.contains_key(&program.meta.id) {
            return Err(Problem::Busy { retry_after_s: 1 });
        }
        self.reach.ledger = program.meta.id;
        self.reach.slug = program.slug.as_str().into();
        self.source_language = program.source_language.clone();
        self.time_zone = time_zone_named(&program.content.time_zone)?;
        Ok(())
    }

    /// Turns back to what all programmes share.
    pub fn turn_to_platform(&mut self) {
        self.reach.ledger = Ledger::PLATFORM;
        self.reach.slug = "".into();
        self.source_language = "id".into();
        self.time_zone = Tz::UTC;
    }

    /// Puts what the ledgers tell of this change into the database.
    fn tell(&mut self) -> QueryResult<()> {
        ledger::append(self.conn, std::mem::take(&mut self.told))
    }

    /// Puts what the ledgers tell of this change into the database, and their heads: the end of every change.
    pub(super) fn store(&mut self) -> Result<(), Problem> {
        self.tell()?;
        for (ledger, head) in &self.heads {
            let now = (ledgers::sequence.eq(head.sequence), ledgers::hash.eq(&head.hash), ledgers::at.eq(At(head.at)));
            Reused(diesel::update(ledgers::table.find(ledger)).set(now)).execute(self.conn)?;
        }
        Ok(())
    }

    /// Refuses ids that are not there, each with the pointer of its place.
    pub fn must_exist<R: Resource>(&mut self, ids: &[(String, Id)]) -> Result<(), Problem> {
        if ids.is_empty() {
            return Ok(());
        }
        let wanted: Vec<Id> = ids.iter().map(|(_, id)| *id).collect();
        let known = R::existing(self.conn, self.ledger_of::<R>(), &wanted)?;
        let missing: Vec<FieldError> = ids
            .iter()
            .filter(|(_, id)| !known.contains(id))
            .map(|(pointer, _)| FieldError {
                pointer: pointer.clone(),
                code: "not_found".into(),
                detail: Text::new(
                    format!("tidak ada {} dengan id ini di sini", R::KIND),
                    format!("there is no {} with this id here", R::KIND.replace('_', " ")),
                ),
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::Invalid(missing)) }
    }

    /// The day that it is in the programme's time zone.
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.time_zone).date_naive()
    }

    /// The roles that an account holds now in a programme, which need not be the one of this change. The caller's own are
    /// those that count in this sign-in.
    pub fn roles_in(&mut self, account: Id, program: Id) -> Result<Roles, Problem> {
        let unproven = if account == self.reach.account { self.reach.unproven } else { Roles::default() };
        Ok(Caller::reload(self.conn, account, unproven, self.now)?.roles_in(program, self.now))
    }

    /// Refuses unless the caller has proved a moment ago to be who they are. The service has nothing to prove, and a trial
    /// changes nothing.
    pub fn require_proof(&mut self) -> Result<(), Problem> {
        match self.reach.sign_in.filter(|_| !self.trial) {
            Some(sign_in) => sign_ins::check_proof(self.conn, sign_in, self.now),
            None => Ok(()),
        }
    }

    /// Answers with something unchanged: the explicit way to end without a row.
    pub fn unchanged<T>(&self, value: T) -> Recorded<T> {
        Recorded(value)
    }

    /// Keeps what happened up to here and says no all the same.
    pub fn refuse(&mut self, problem: Problem) -> Recorded<Reply> {
        self.refusal = Some(problem);
        Recorded(Reply::empty(500))
    }

    /// The answer to something that was made: 201 with its place.
    pub fn created<R: Resource>(&mut self, made: Recorded<R>) -> Result<Recorded<Reply>, Problem> {
        let mut reply = self.reply(201, &made.0)?;
        reply.location = Some(place::<R>(&self.reach.slug, &made.0.path_id()));
        Ok(Recorded(reply))
    }

    /// The answer to something that was changed.
    pub fn changed<R: Resource>(&mut self, changed: Recorded<R>) -> Result<Recorded<Reply>, Problem> {
        Ok(Recorded(self.reply(200, &changed.0)?))
    }

    /// The same, with what followed from it beside.
    pub fn changed_with<R: Resource>(
        &mut self,
        changed: Recorded<R>,
        consequences: &[Consequence],
    ) -> Result<Recorded<Reply>, Problem> {
        let mut reply = self.reply(200, &changed.0)?;
        let told = serde_json::to_string(consequences).map_err(Problem::internal)?;
        reply.body = with_members(&reply.body, &format!("\"consequences\":{told}"));
        Ok(Recorded(reply))
    }

    /// The answer to several things that were made or changed: each as the caller sees it.
    pub fn all_changed<R: Resource>(&mut self, changed: Recorded<Vec<R>>) -> Result<Recorded<Reply>, Problem> {
        let items = self.show_all(&changed.0)?;
        Ok(Recorded(Reply::json(200, &serde_json::json!({"items": items}))?))
    }

    /// Each of several things as the caller sees it.
    pub fn show_all<R: Resource>(&mut self, resources: &[R]) -> Result<Vec<Value>, Problem> {
        resources.iter().map(|one| self.show(one)).collect()
    }

    /// Something as the caller sees it.
    pub fn show<R: Resource>(&mut self, resource: &R) -> Result<Value, Problem> {
        versioned::parse(&self.reply(200, resource)?.body)
    }

    /// What the ledger calls this change.
    pub fn act(&self) -> &'static str {
        self.act
    }

    fn reply<R: Resource>(&mut self, status: u16, resource: &R) -> Result<Reply, Problem> {
        let mut stored = Stored {
            id: resource.meta().id,
            revision: resource.meta().revision,
            seq_from: 0,
            state: resource.state().to_owned(),
            body: serde_json::to_string(resource).map_err(Problem::internal)?,
        };
        R::complete(self.conn, &self.reach, std::slice::from_mut(&mut stored))?;
        let body = render::<R>(&stored, &self.reach);
        let etag = etag(stored.revision, &body);
        Ok(Reply { status, etag: Some(etag), location: None, link: None, body })
    }

    /// The content of a merge patch on something, as JSON.
    pub fn json<T: serde::Serialize>(content: &T) -> Result<Value, Problem> {
        serde_json::to_value(content).map_err(Problem::internal)
    }
}

/// The path of a resource, for `Location` and for links.
pub fn place<R: Resource>(slug: &str, id: &str) -> String {
    format!("/api/v1/{}", R::PATH.replace("{program}", slug).replace("{id}", id))
}
