use std::collections::BTreeMap;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, http::StatusCode, http::header, web};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::{
    credential::Credential,
    door::{Can, Ledger, Platform, Reach},
    identity::Caller,
    shown::Reader,
    tx::{Recorded, Tx},
};
use crate::{
    accounts::is_open,
    db::{AnyConnection, Id, Lane, lock_head, write_transaction},
    front::{DRY_RUN, RequestId},
    idempotency::{self, Key},
    ledger, personal_data,
    policy::{Action, Gate, Roles},
    problem::Problem,
    programs::time_zone_named,
    schema::{account_revisions, membership_revisions, program_revisions},
    secret::hex,
    service::Service,
    valid::BodyDigest,
    versioned::Resource,
};

/// An answer as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// What else belongs to it, as in the header `Link`.
    pub link: Option<String>,
    pub body: String,
}

impl Reply {
    pub fn empty(status: u16) -> Reply {
        Reply { status, etag: None, location: None, link: None, body: String::new() }
    }

    /// A JSON body.
    pub fn json<T: serde::Serialize>(status: u16, body: &T) -> Result<Reply, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Reply { body, ..Reply::empty(status) })
    }

    pub fn headers(&self) -> Value {
        json!({"etag": self.etag, "location": self.location, "link": self.link})
    }

    fn respond(self, replayed: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(etag) = self.etag {
            response.insert_header((header::ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        if let Some(link) = self.link {
            response.insert_header((header::LINK, link));
        }
        if replayed {
            response.insert_header(("Idempotency-Replayed", "true"));
        }
        if self.body.is_empty() {
            return response.finish();
        }
        response.content_type("application/json").body(self.body)
    }
}

/// What a trial answers: one that is refused was a trial too.
pub fn as_trial(answered: Result<HttpResponse, Problem>) -> HttpResponse {
    let mut response = answered.unwrap_or_else(|problem| problem.error_response());
    response.headers_mut().insert(DRY_RUN, header::HeaderValue::from_static("true"));
    response
}

/// What a write knows before it begins.
pub(super) struct Ask {
    reach: Reach,
    action: Action,
    request_id: String,
    /// What the record of reads calls it.
    operation: String,
    key: Option<Key>,
    source_language: String,
    time_zone: chrono_tz::Tz,
    /// Whether it may touch every programme.
    across: bool,
    /// Whether nothing of it is kept.
    trial: bool,
}

impl Ask {
    pub(super) fn new(reach: Reach, action: Action, request_id: String, key: Option<Key>) -> Ask {
        Ask {
            reach,
            action,
            request_id,
            operation: action.name().into(),
            key,
            source_language: String::new(),
            time_zone: chrono_tz::Tz::UTC,
            across: false,
            trial: false,
        }
    }

    /// Who asks, for the record of whom they were shown.
    fn reader(&self, at: DateTime<Utc>) -> Reader {
        let Reach { account: id, key, .. } = self.reach;
        Reader { id, key, operation: self.operation.clone(), request_id: self.request_id.clone(), at }
    }
}

type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem> + Send>;

pub(super) struct Done {
    reply: Reply,
    replayed: bool,
    rights_changed: bool,
    refusal: Option<Problem>,
    /// How far the ledgers have grown.
    heads: Vec<(Id, i64)>,
}

impl Done {
    /// Lets this process know what was committed.
    pub(super) fn tell(&self, service: &Service) {
        if self.rights_changed {
            service.callers.rights_changed();
        }
        service.watcher.told(self.heads.iter().copied());
    }
}

impl<A: Gate> Can<A> {
    /// Runs one change in one transaction, under the lock of its ledger's head: rights again, then the
    /// idempotency look-up, then `work`, then the stored reply. It can only answer what is on the ledger.
    pub async fn write(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let key = idempotency::key(&self.request)?;
        transact(&self.service, self.ask(key), Box::new(work)).await
    }

    /// Like [`Can::write`]; as a trial it is checked and answered alike, and rolled back: no row, no reply is kept.
    pub async fn write_or_try(
        &self,
        trial: bool,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.do_or_try(trial, false, Box::new(work)).await
    }

    /// Runs a change, or tries it. One `across` holds the ledgers of all programmes.
    async fn do_or_try(&self, trial: bool, across: bool, work: Work) -> Result<HttpResponse, Problem> {
        let key = idempotency::key(&self.request)?;
        if !trial {
            return transact(&self.service, Ask { across, ..self.ask(key) }, work).await;
        }
        // A trial keeps no key; one that would not do in earnest was refused all the same.
        let (shared, ask) = (self.service.clone(), Ask { across, trial: true, ..self.ask(None) });
        let tried = self.service.db.run(Lane::Write, move |conn| {
            let mut reply = None;
            // The transaction ends as a failure does; what it would have answered is kept aside.
            let ended = write_transaction(conn, |conn| {
                let done = run(conn, &shared, ask, work)?;
                reply = Some(done.refusal.map_or(Ok(done.reply), Err));
                Err::<(), _>(Problem::NotFound)
            });
            match (reply, ended) {
                (Some(tried), _) => tried,
                (None, Err(problem)) => Err(problem),
                (None, Ok(())) => Err(Problem::internal("a trial ended without an answer")),
            }
        });
        let tried = tried.await;
        self.keep_shown().await?;
        Ok(as_trial(tried.map(|reply| reply.respond(false))))
    }

    /// Like [`Can::write`], for what makes a secret: its reply is never stored, so it takes no key.
    pub async fn write_secret(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        transact(&self.service, self.ask(None), Box::new(work)).await
    }

    /// A change that makes something: 201 with its place.
    pub async fn create<R: Resource>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<R>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.write(move |tx| {
            let made = work(tx)?;
            tx.created(made)
        })
        .await
    }

    /// A change of something: 200 with what it is now.
    pub async fn change<R: Resource>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<R>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.write(move |tx| {
            let changed = work(tx)?;
            tx.changed(changed)
        })
        .await
    }

    /// Whether the request came with an `Idempotency-Key`.
    pub fn has_key(&self) -> bool {
        self.request.headers().contains_key("Idempotency-Key")
    }

    /// The SHA-256 of the request's body as it came, in hexadecimal. The body has been read by then.
    pub fn body_digest(&self) -> Result<String, Problem> {
        let digest = self.request.extensions().get::<BodyDigest>().copied();
        let BodyDigest(bytes) = digest.ok_or_else(|| Problem::internal("the body has not been read"))?;
        Ok(hex(&bytes))
    }

    fn ask(&self, key: Option<Key>) -> Ask {
        let Reader { operation, request_id, .. } = self.reader();
        Ask { operation, ..Ask::new(self.reach.clone(), Self::ACTION, request_id, key) }
    }
}

impl<A: Gate> Platform<A> {
    /// Like [`Can::write_or_try`], for a change of what all programmes share that changes programmes too. It takes the heads
    /// of their ledgers before the platform's, each in the order of the ids: whoever changes one programme and the platform
    /// takes them in that order as well, so that nobody waits for each other.
    pub async fn write_across(
        &self,
        trial: bool,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        self.do_or_try(trial, true, Box::new(work)).await
    }
}

/// The id that the request bears in logs and ledger.
pub(super) fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

async fn transact(service: &web::Data<Service>, ask: Ask, work: Work) -> Result<HttpResponse, Problem> {
    let shared = service.clone();
    let done =
        service.db.run(Lane::Write, move |conn| write_transaction(conn, |conn| run(conn, &shared, ask, work))).await?;
    done.tell(service);
    match done.refusal {
        Some(problem) => Err(problem),
        None => Ok(done.reply.respond(done.replayed)),
    }
}

pub(super) fn run(
    conn: &mut AnyConnection,
    service: &Service,
    mut ask: Ask,
    work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Reply>, Problem>,
) -> Result<Done, Problem> {
    let ledger = ask.reach.ledger;
    let mut heads = BTreeMap::new();
    if ask.across {
        for program in ledger::ids(conn)?.into_iter().filter(|id| *id != ledger) {
            heads.insert(program, lock_head(conn, program)?.ok_or(Problem::NotFound)?);
        }
    }
    heads.insert(ledger, lock_head(conn, ledger)?.ok_or(Problem::NotFound)?);
    let now = heads.values().map(|head| head.at).fold(service.clock.now(), DateTime::max);
    let closed = check_rights(conn, &mut ask, now)?;
    if let Some(key) = &ask.key
        && let Some(reply) = idempotency::find(conn, ask.reach.account, key, now)?
    {
        return Ok(Done { reply, replayed: true, rights_changed: false, refusal: None, heads: Vec::new() });
    }
    if let Some(problem) = closed {
        return Err(problem);
    }
    let account = ask.reach.account;
    let (shown, reader) = (ask.reach.shown.clone(), ask.reader(now));
    let mut tx = Tx {
        conn,
        now,
        reach: ask.reach,
        schemas: service.schemas.clone(),
        source_language: ask.source_language,
        time_zone: ask.time_zone,
        action: Some(ask.action),
        act: ask.action.name(),
        request_id: ask.request_id,
        heads,
        told: Vec::new(),
        looked: Default::default(),
        trial: ask.trial,
        rights_changed: false,
        refusal: None,
    };
    if ask.action.is_dangerous() {
        tx.require_proof()?;
    }
    let reply = work(&mut tx)?.into_inner();
    tx.store()?;
    let (rights_changed, refusal) = (tx.rights_changed, tx.refusal.take());
    let heads = tx.heads.iter().map(|(ledger, head)| (*ledger, head.sequence)).collect();
    personal_data::keep_reads(conn, &reader, shown.all())?;
    if let (Some(key), None) = (&ask.key, &refusal) {
        idempotency::keep(conn, account, key, &reply, now)?;
    }
    Ok(Done { reply, replayed: false, rights_changed, refusal, heads })
}

/// Looks at the account, its membership and its right once more, now that nobody can change them. Answers what
/// stands against any new change of the programme: a repeat of an earlier one is still answered.
fn check_rights(conn: &mut AnyConnection, ask: &mut Ask, now: DateTime<Utc>) -> Result<Option<Problem>, Problem> {
    let (account, ledger) = (ask.reach.account, ask.reach.ledger);
    if let Some(key) = ask.reach.key {
        return check_machine(conn, ask, key, now);
    }
    if ledger == Ledger::PLATFORM {
        ask.source_language = "id".into();
        let caller = Caller::reload(conn, account, ask.reach.unproven, now)?;
        let roles = caller.roles_anywhere(now);
        ask.reach.roles = roles;
        return permit(ask.action, &ask.reach).map(|()| None);
    }
    use account_revisions as who;
    use membership_revisions as held;
    use program_revisions as program;
    type Row = (
        String,
        bool,
        Option<chrono::NaiveDate>,
        String,
        String,
        String,
        Option<String>,
        Option<Id>,
        Option<chrono::NaiveDate>,
        Option<chrono::NaiveDate>,
    );
    let rows: Vec<Row> = who::table
        .inner_join(program::table.on(program::subject_id.eq(ledger).and(program::seq_to.is_null())))
        .left_join(
            held::table.on(held::account_id
                .eq(who::subject_id)
                .and(held::ledger_id.eq(ledger))
                .and(held::seq_to.is_null())
                .and(held::state.eq("active"))),
        )
        .filter(who::subject_id.eq(account))
        .filter(who::seq_to.is_null())
        .select((
            who::state,
            who::admin,
            who::expires_on,
            program::state,
            program::time_zone,
            program::source_language,
            held::role.nullable(),
            held::stakeholder_id.nullable(),
            held::from_on.nullable(),
            held::until_on.nullable(),
        ))
        .load(conn)?;
    let Some((state, admin, ends, program_state, time_zone, source_language, ..)) = rows.first() else {
        return Err(Problem::InvalidToken);
    };
    if !is_open(state, *ends, now) {
        return Err(Problem::InvalidToken);
    }
    ask.time_zone = time_zone_named(time_zone)?;
    let today = now.with_timezone(&ask.time_zone).date_naive();
    let mut roles = if *admin { Roles::default().with(crate::policy::Role::Admin) } else { Roles::default() };
    ask.reach.stakeholder = None;
    for (.., role, stakeholder, from_on, until_on) in &rows {
        let holds = from_on.is_some_and(|from| from <= today) && until_on.is_none_or(|until| today <= until);
        if let (true, Some(role)) = (holds, role.as_deref().and_then(crate::policy::Role::named)) {
            roles = roles.with(role);
            let acts = ask.action.roles().without(ask.reach.unproven).has(role);
            if ask.reach.stakeholder.is_none() && acts {
                ask.reach.stakeholder = *stakeholder;
            }
        }
    }
    ask.source_language = source_language.clone();
    ask.reach.roles = roles.without(ask.reach.unproven);
    permit(ask.action, &ask.reach)?;
    let closed = program_state != "active" && ask.action != Action::ArchiveProgram;
    Ok(closed.then(|| Problem::WrongState { action: ask.action.name(), state: program_state.clone() }))
}

/// The same for a client, whose key says all of it.
fn check_machine(
    conn: &mut AnyConnection,
    ask: &mut Ask,
    key: Id,
    now: DateTime<Utc>,
) -> Result<Option<Problem>, Problem> {
    let ledger = ask.reach.ledger;
    let caller = Caller::by_key(conn, &Credential::Key(key), now)?.ok_or(Problem::InvalidToken)?;
    let held = caller.memberships.iter().find(|held| held.program == ledger).ok_or(Problem::ForPeople)?;
    let (program_state, source_language): (String, String) = program_revisions::table
        .filter(program_revisions::subject_id.eq(ledger))
        .filter(program_revisions::seq_to.is_null())
        .select((program_revisions::state, program_revisions::source_language))
        .first(conn)?;
    ask.time_zone = held.time_zone;
    ask.source_language = source_language;
    ask.reach.scopes = ask.reach.scopes.meet(caller.scopes());
    ask.reach.roles = caller.roles_in(ledger, now);
    ask.reach.stakeholder = Some(held.stakeholder);
    permit(ask.action, &ask.reach)?;
    let closed = program_state != "active";
    Ok(closed.then(|| Problem::WrongState { action: ask.action.name(), state: program_state }))
}

fn permit(action: Action, reach: &Reach) -> Result<(), Problem> {
    if reach.may(action) {
        return Ok(());
    }
    if reach.roles.is_empty() && reach.ledger != Ledger::PLATFORM {
        return Err(Problem::NotFound);
    }
    Err(Problem::Forbidden { action: action.name(), on: reach.slug.to_string() })
}

/// How long a reply is kept for its key.
pub const KEPT: TimeDelta = TimeDelta::days(7);
