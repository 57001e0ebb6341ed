//! Who is calling: from the bearer token or key to an account or client, and what it holds today.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    HttpMessage, HttpRequest, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use ipnet::IpNet;
use quick_cache::sync::Cache;

use super::credential::Credential;
use crate::{
    accounts::is_open,
    db::{AnyConnection, At, Id, Lane},
    limits::Who,
    policy::{Action, Actions, Role, Roles},
    problem::Problem,
    proxies::client_address,
    schema::{account_revisions, membership_revisions, program_revisions, sign_ins},
    secret,
    service::Service,
    token::TokenError,
};

/// A membership that is open now; whether it holds today depends on the day in its programme.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: Id,
    pub program: Id,
    pub slug: Arc<str>,
    pub role: Role,
    pub stakeholder: Id,
    pub from_on: NaiveDate,
    pub until_on: Option<NaiveDate>,
    pub time_zone: Tz,
    pub program_active: bool,
}

impl Held {
    /// Whether it holds on the day that it is, in the programme's time zone, at `now`.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        let today = now.with_timezone(&self.time_zone).date_naive();
        self.from_on <= today && self.until_on.is_none_or(|until| today <= until)
    }
}

/// What a client is, beside what it holds as an account does.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The key that it came with.
    pub key: Id,
    /// What of its role's actions it was given.
    pub scopes: Actions,
    /// Where it may call from; empty: from anywhere.
    pub allowed_addresses: Vec<IpNet>,
    pub last_used_at: Option<DateTime<Utc>>,
}

/// An account or a client, and what it holds.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account's id, or the client's.
    pub account: Id,
    /// The sign-in that the token came from; none for clients.
    pub sign_in: Id,
    pub machine: Option<Machine>,
    /// When the token or key ends that the caller came with.
    pub expires_at: DateTime<Utc>,
    pub admin: bool,
    pub memberships: Vec<Held>,
    /// Every programme, for admins, who act in programmes that they are no members of.
    pub programs: Vec<(Id, Arc<str>, bool)>,
    /// The roles that do not count, since they need a second factor and the sign-in has not shown one.
    pub unproven: Roles,
    /// What the account holds of these: it is nowhere above.
    pub withheld: Withheld,
}

/// What an account holds and cannot use without a second factor.
#[derive(Clone, Debug, Default)]
pub struct Withheld {
    pub admin: bool,
    pub memberships: Vec<Held>,
}

impl Caller {
    /// What of its roles' actions it was given.
    pub fn scopes(&self) -> Actions {
        self.machine.as_ref().map_or(Actions::ALL, |machine| machine.scopes)
    }

    pub fn key(&self) -> Option<Id> {
        self.machine.as_ref().map(|machine| machine.key)
    }

    /// Whether it may call from this address.
    pub fn may_call_from(&self, address: Option<IpAddr>) -> bool {
        let allowed = self.machine.as_ref().map_or(&[][..], |machine| &machine.allowed_addresses);
        allowed.is_empty() || address.is_some_and(|address| allowed.iter().any(|network| network.contains(&address)))
    }

    /// The sign-in that a person came by.
    pub fn sign_in(&self) -> Option<Id> {
        Some(self.sign_in).filter(|id| *id != Id::NIL)
    }

    /// Whether a role would give the right if the sign-in had shown a second factor: in the programme of this slug, or
    /// where none is named, in any active one.
    pub fn is_withheld(&self, action: Action, on: &str, now: DateTime<Utc>) -> bool {
        let here = |held: &Held| if on.is_empty() { held.program_active } else { &*held.slug == on };
        let member = self.withheld.memberships.iter();
        let member = member.filter(|held| here(held) && held.holds(now)).any(|held| action.roles().has(held.role));
        member || (self.withheld.admin && action.roles().has(Role::Admin))
    }

    /// Why it may not: for want of the second factor alone, or of the right.
    pub(super) fn refusal(&self, action: Action, on: &str, now: DateTime<Utc>) -> Problem {
        if self.is_withheld(action, on, now) {
            return Problem::SecondFactorRequired;
        }
        Problem::Forbidden { action: action.name(), on: on.to_owned() }
    }

    /// The same where it has no part in the programme, as far as its roles count: an outsider is told nothing.
    pub(super) fn missing(&self, action: Action, slug: &str, now: DateTime<Utc>) -> Problem {
        let member = self.withheld.memberships.iter().any(|held| &*held.slug == slug && held.holds(now));
        if member || self.is_withheld(action, slug, now) {
            return self.refusal(action, slug, now);
        }
        Problem::NotFound
    }

    /// Whose requests its own count with.
    pub fn who(&self) -> Who {
        match self.machine {
            Some(_) => Who::Client(self.account),
            None => Who::Account(self.account),
        }
    }

    /// The roles that the account holds at `now` in one programme, with `Admin` if it is one.
    pub fn roles_in(&self, program: Id, now: DateTime<Utc>) -> Roles {
        let own = if self.admin { Roles::default().with(Role::Admin) } else { Roles::default() };
        self.memberships
            .iter()
            .filter(|held| held.program == program && held.holds(now))
            .fold(own, |roles, held| roles.with(held.role))
    }

    /// The roles that the account holds at `now` in any active programme.
    pub fn roles_anywhere(&self, now: DateTime<Utc>) -> Roles {
        let own = if self.admin { Roles::default().with(Role::Admin) } else { Roles::default() };
        self.memberships
            .iter()
            .filter(|held| held.program_active && held.holds(now))
            .fold(own, |roles, held| roles.with(held.role))
    }

    /// Loads an account that may sign in: not locked, not past its last day, with `sign_in` still going on. The roles in
    /// `second_factor` count only where that has shown one.
    pub fn load(
        conn: &mut AnyConnection,
        account: Id,
        sign_in: Id,
        second_factor: Roles,
        now: DateTime<Utc>,
    ) -> Result<Caller, Problem> {
        use account_revisions as account_rows;
        type Row = (String, bool, Option<NaiveDate>, Option<At>, bool);
        let known: Option<Row> = account_rows::table
            .inner_join(sign_ins::table.on(sign_ins::account_id.eq(account_rows::subject_id)))
            .filter(account_rows::subject_id.eq(account))
            .filter(account_rows::seq_to.is_null())
            .filter(sign_ins::id.eq(sign_in))
            .select((
                account_rows::state,
                account_rows::admin,
                account_rows::expires_on,
                sign_ins::ended_at,
                sign_ins::factor_shown,
            ))
            .first(conn)
            .optional()?;
        let (admin, shown) = match known {
            Some((state, admin, ends, None, shown)) if is_open(&state, ends, now) => (admin, shown),
            _ => return Err(Problem::InvalidToken),
        };
        let unproven = if shown { Roles::default() } else { second_factor };
        Ok(Caller { sign_in, ..Caller::of(conn, account, admin, unproven)? })
    }

    /// Whether one of these roles is the account's, as an admin or in an active programme, whether or not it counts in this
    /// sign-in.
    pub fn holds_any(&self, roles: Roles, now: DateTime<Utc>) -> bool {
        let admin = (self.admin || self.withheld.admin) && roles.has(Role::Admin);
        admin || self.all_memberships().any(|held| held.program_active && held.holds(now) && roles.has(held.role))
    }

    /// What it holds, whether or not that counts in this sign-in.
    pub fn all_memberships(&self) -> impl Iterator<Item = &Held> {
        self.memberships.iter().chain(&self.withheld.memberships)
    }

    /// The programmes in which the account holds one of these roles at `now`.
    pub fn programs_with(&self, roles: Roles, now: DateTime<Utc>) -> Vec<Id> {
        let held = self.memberships.iter().filter(|held| held.holds(now) && roles.has(held.role));
        held.map(|held| held.program).collect()
    }

    /// Loads an account again, for a write or for what it holds where; whether its sign-in goes on was seen moments ago,
    /// and so was which roles count for nothing in it.
    pub fn reload(
        conn: &mut AnyConnection,
        account: Id,
        unproven: Roles,
        now: DateTime<Utc>,
    ) -> Result<Caller, Problem> {
        let known: Option<(String, bool, Option<NaiveDate>)> = account_revisions::table
            .filter(account_revisions::subject_id.eq(account))
            .filter(account_revisions::seq_to.is_null())
            .select((account_revisions::state, account_revisions::admin, account_revisions::expires_on))
            .first(conn)
            .optional()?;
        match known {
            Some((state, admin, ends)) if is_open(&state, ends, now) => Caller::of(conn, account, admin, unproven),
            _ => Err(Problem::InvalidToken),
        }
    }

    fn of(conn: &mut AnyConnection, account: Id, admin: bool, unproven: Roles) -> Result<Caller, Problem> {
        use membership_revisions as held;
        type Row = (Id, Id, String, Id, NaiveDate, Option<NaiveDate>, String, String, String);
        let rows: Vec<Row> = held::table
            .inner_join(
                program_revisions::table
                    .on(program_revisions::subject_id.eq(held::ledger_id).and(program_revisions::seq_to.is_null())),
            )
            .filter(held::account_id.eq(account))
            .filter(held::seq_to.is_null())
            .filter(held::state.eq("active"))
            .select((
                held::subject_id,
                held::ledger_id,
                held::role,
                held::stakeholder_id,
                held::from_on,
                held::until_on,
                program_revisions::slug,
                program_revisions::state,
                program_revisions::time_zone,
            ))
            .load(conn)?;
        let (withheld, memberships): (Vec<Held>, Vec<Held>) = rows
            .into_iter()
            .filter_map(|(id, program, role, stakeholder, from_on, until_on, slug, state, time_zone)| {
                Some(Held {
                    id,
                    program,
                    slug: slug.into(),
                    role: Role::named(&role)?,
                    stakeholder,
                    from_on,
                    until_on,
                    time_zone: time_zone.parse().ok()?,
                    program_active: state == "active",
                })
            })
            .partition(|held| unproven.has(held.role));
        let withheld = Withheld { admin: admin && unproven.has(Role::Admin), memberships: withheld };
        let admin = admin && !withheld.admin;
        let programs = if admin {
            let rows: Vec<(Id, String, String)> = program_revisions::table
                .filter(program_revisions::seq_to.is_null())
                .select((program_revisions::subject_id, program_revisions::slug, program_revisions::state))
                .load(conn)?;
            rows.into_iter().map(|(id, slug, state)| (id, slug.into(), state == "active")).collect()
        } else {
            Vec::new()
        };
        let expires_at = DateTime::<Utc>::MAX_UTC;
        let (sign_in, machine) = (Id::NIL, None);
        Ok(Caller { account, sign_in, machine, expires_at, admin, memberships, programs, unproven, withheld })
    }
}

struct Known {
    caller: Arc<Caller>,
    loaded_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// The value of [`Callers::changes`] when it was loaded.
    changes: u64,
}

/// Callers by their token: checking a signature costs more than all the rest of a read.
pub struct Callers {
    known: Cache<String, Arc<Known>>,
    /// Goes up when this process changes a right, an account or a programme: then nothing known counts.
    changes: AtomicU64,
}

/// How old the rights of a read may be.
const FRESH: TimeDelta = TimeDelta::seconds(5);
const REMEMBERED: usize = 10_000;

impl Callers {
    pub fn new() -> Callers {
        Callers { known: Cache::new(REMEMBERED), changes: AtomicU64::new(0) }
    }

    /// Makes the next request of everybody look again.
    pub fn rights_changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }

    fn find(&self, token: &str, now: DateTime<Utc>) -> Option<Arc<Caller>> {
        let known = self.known.get(token)?;
        let age = now - known.loaded_at;
        let fresh = now < known.expires_at
            && age >= TimeDelta::zero()
            && age < FRESH
            && known.changes == self.changes.load(Ordering::SeqCst);
        fresh.then(|| known.caller.clone())
    }
}

impl Default for Callers {
    fn default() -> Self {
        Callers::new()
    }
}

/// Who sent the request, or why the token that it bears is no good. Nothing where it bears none.
#[derive(Clone)]
pub(super) enum Identity {
    Known(Arc<Caller>),
    Refused(&'static str),
    /// It could not be found out.
    Failed(Problem),
}

/// Finds out who is calling, and whether that is within what they may ask. What they may do, the doors decide.
pub async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut known = None;
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let service = request.app_data::<web::Data<Service>>().cloned();
        let token = value.to_str().ok().and_then(bearer).map(str::to_owned);
        let identity = match service.as_ref().zip(token.as_deref()) {
            None => Identity::Refused("the Authorization header is no Bearer token"),
            Some((service, token)) => match identify(service, request.request(), token).await {
                Ok(caller) => {
                    known = Some(caller.who());
                    Identity::Known(caller)
                }
                Err(Problem::InvalidToken) => Identity::Refused("the token does not hold"),
                Err(problem) => Identity::Failed(problem),
            },
        };
        request.extensions_mut().insert(identity);
    }
    let service = request.app_data::<web::Data<Service>>().cloned();
    let Some(service) = service.filter(|_| request.path().starts_with("/api/v1/")) else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let address = client_address(request.request(), &service.settings.trusted_proxies);
    let who = known.unwrap_or_else(|| Who::at(address));
    let allowance = service.limits.take(&who, service.clock.now());
    if let Some(retry_after_s) = allowance.refused {
        request.extensions_mut().insert(allowance);
        let refused = Problem::TooManyRequests { retry_after_s }.error_response();
        return Ok(request.into_response(refused).map_into_right_body());
    }
    let response = next.call(request).await?.map_into_left_body();
    // Whoever has it already has asked for nothing.
    let unchanged = response.status() == StatusCode::NOT_MODIFIED;
    let allowance = if unchanged { service.limits.give_back(&who, service.clock.now()) } else { allowance };
    response.request().extensions_mut().insert(allowance);
    Ok(response)
}

/// The scheme's name is not case-sensitive (RFC 9110, 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The token that a request bears, if any.
fn token(request: &HttpRequest) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer)
}

/// Finds out once more who is calling, for an answer that kept them waiting.
pub(super) async fn again(service: &web::Data<Service>, request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
    identify(service, request, token(request).ok_or(Problem::Unauthenticated)?).await
}

/// Who bears this token or key, if they may call from where they do.
async fn identify(service: &web::Data<Service>, request: &HttpRequest, token: &str) -> Result<Arc<Caller>, Problem> {
    let caller = match secret::kind(token) {
        Some(Credential::KIND) => by_key(service, token).await?,
        _ => by_token(service, token).await?,
    };
    if caller.may_call_from(client_address(request, &service.settings.trusted_proxies)) {
        return Ok(caller);
    }
    log::info!("client {} called from an address that it may not call from", caller.account);
    Err(Problem::InvalidToken)
}

/// The client of a key. A key stands in memory as in the database: by its hash.
async fn by_key(service: &web::Data<Service>, key: &str) -> Result<Arc<Caller>, Problem> {
    let (now, hash) = (service.clock.now(), secret::hash(key));
    if let Some(caller) = service.callers.find(&hash, now) {
        return Ok(caller);
    }
    load(service, hash.clone(), now, move |conn| {
        Caller::by_key(conn, &Credential::Hash(hash), now)?.ok_or(Problem::InvalidToken)
    })
    .await
}

/// The account or client of an access token.
async fn by_token(service: &web::Data<Service>, token: &str) -> Result<Arc<Caller>, Problem> {
    let now = service.clock.now();
    if let Some(caller) = service.callers.find(token, now) {
        return Ok(caller);
    }
    let claims = match service.keys().verify_access(token, now) {
        Ok(claims) => claims,
        Err(TokenError::UnknownKey) => {
            // Another instance may have made new keys since.
            crate::keys::reload(service).await?;
            service.keys().verify_access(token, now).map_err(|_| Problem::InvalidToken)?
        }
        Err(_) => return Err(Problem::InvalidToken),
    };
    let second_factor = service.settings.second_factor;
    load(service, token.to_owned(), now, move |conn| {
        let mut caller = match &claims.client {
            None => Caller::load(conn, Id(claims.account), Id(claims.family), second_factor, now)?,
            Some(client) => Caller::by_client_token(conn, &claims, client, now)?.ok_or(Problem::InvalidToken)?,
        };
        caller.expires_at = caller.expires_at.min(claims.expires_at);
        Ok(caller)
    })
    .await
}

/// Reads a caller, and remembers it under `name`.
async fn load(
    service: &web::Data<Service>,
    name: String,
    now: DateTime<Utc>,
    read: impl FnOnce(&mut AnyConnection) -> Result<Caller, Problem> + Send + 'static,
) -> Result<Arc<Caller>, Problem> {
    let changes = service.callers.changes.load(Ordering::SeqCst);
    let caller = Arc::new(service.db.run(Lane::Read, read).await?);
    caller.note_use(service, now);
    let expires_at = caller.expires_at;
    service.callers.known.insert(name, Arc::new(Known { caller: caller.clone(), loaded_at: now, expires_at, changes }));
    Ok(caller)
}
