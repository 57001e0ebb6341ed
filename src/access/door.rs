use std::{future::Ready, marker::PhantomData, sync::Arc, time::Duration};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use chrono_tz::Tz;

use super::{
    identity::{self, Caller, Identity},
    shown::Shown,
};
use crate::{
    db::Id,
    policy::{Action, Actions, Gate, Roles, Scope},
    problem::Problem,
    service::Service,
};

/// The platform's ledger: accounts, stakeholders.
pub struct Ledger;

impl Ledger {
    pub const PLATFORM: Id = Id::NIL;
}

/// Who asks, in which ledger and with which roles: what a query narrows by.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The programme's id, or [`Ledger::PLATFORM`].
    pub ledger: Id,
    /// The programme's slug; empty for the platform.
    pub slug: Arc<str>,
    pub roles: Roles,
    /// What of the roles' actions the caller was given: all, but for clients.
    pub scopes: Actions,
    /// The account, or the client.
    pub account: Id,
    /// The key that a client came with; none for people.
    pub key: Option<Id>,
    /// The sign-in that the caller came by; none for clients and the service itself.
    pub sign_in: Option<Id>,
    /// Roles that count for nothing here: they need a second factor, and the sign-in has not shown one.
    pub unproven: Roles,
    /// The organisation that the caller acts for, if any.
    pub stakeholder: Option<Id>,
    /// Nothing can be changed in the programme any more.
    pub archived: bool,
    /// Whose personal data it was shown.
    pub shown: Shown,
}

impl Reach {
    /// What decides, beside the rows themselves, what the caller is shown of them.
    pub fn view(&self) -> String {
        format!("{:?} {:?} {:?}", self.roles, self.scopes, self.stakeholder)
    }

    /// Whether the caller has the right to `action`: by a role, and as a client by what it was given.
    pub fn may(&self, action: Action) -> bool {
        self.scopes.has(action) && (action.scope() == Scope::SignedIn || action.roles().meets(self.roles))
    }

    /// Nobody in particular, on the platform's ledger.
    pub fn platform() -> Reach {
        Reach {
            ledger: Ledger::PLATFORM,
            slug: "".into(),
            roles: Roles::default(),
            scopes: Actions::ALL,
            account: Id::NIL,
            key: None,
            sign_in: None,
            unproven: Roles::default(),
            stakeholder: None,
            archived: false,
            shown: Shown::default(),
        }
    }
}

/// Leave to do `A` in the programme that the path names.
///
/// Deciding takes no input or output, so it comes before any other argument of the handler is looked
/// at: actix-web extracts arguments side by side, and the first to fail is what the client sees.
pub struct Can<A> {
    pub reach: Reach,
    pub(super) service: web::Data<Service>,
    pub(super) request: HttpRequest,
    pub(super) time_zone: Tz,
    action: PhantomData<fn() -> A>,
}

/// Leave to do `A` on what all programmes share: it is held by a role in any active programme, or by admins.
pub struct Platform<A>(pub(super) Can<A>);

/// Leave of any signed-in caller to do `A`, about themselves or on what everybody signed in may read.
pub struct Myself<A>(pub(super) Can<A>, pub Arc<Caller>);

impl<A: Gate> FromRequest for Can<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Can::decide(request))
    }
}

impl<A: Gate> FromRequest for Platform<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Platform::decide(request))
    }
}

impl<A: Gate> FromRequest for Myself<A> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Myself::decide(request))
    }
}

fn caller(request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
    match request.extensions().get::<Identity>() {
        Some(Identity::Known(caller)) => Ok(caller.clone()),
        Some(Identity::Refused(why)) => {
            log::debug!("refused: {why}");
            Err(Problem::InvalidToken)
        }
        Some(Identity::Failed(problem)) => Err(problem.clone()),
        None => Err(Problem::Unauthenticated),
    }
}

pub(super) fn service(request: &HttpRequest) -> Result<web::Data<Service>, Problem> {
    request.app_data::<web::Data<Service>>().cloned().ok_or_else(|| Problem::internal("no service"))
}

impl<A: Gate> Can<A> {
    pub(super) const ACTION: Action = A::ACTION;

    fn decide(request: &HttpRequest) -> Result<Can<A>, Problem> {
        let caller = caller(request)?;
        Can::of(request, &caller)
    }

    fn of(request: &HttpRequest, caller: &Caller) -> Result<Can<A>, Problem> {
        let service = service(request)?;
        let slug = request.match_info().get("program").ok_or(Problem::NotFound)?;
        let now = service.clock.now();
        // An outsider is told the same whether or not the programme exists.
        let (ledger, slug, active) = caller
            .memberships
            .iter()
            .find(|held| &*held.slug == slug && held.holds(now))
            .map(|held| (held.program, held.slug.clone(), held.program_active))
            .or_else(|| {
                let known = caller.programs.iter().find(|(_, known, _)| &**known == slug);
                known.map(|(id, slug, active)| (*id, slug.clone(), *active))
            })
            .ok_or_else(|| caller.missing(A::ACTION, slug, now))?;
        let acting = caller
            .memberships
            .iter()
            .find(|held| held.program == ledger && held.holds(now) && A::ACTION.roles().has(held.role));
        let time_zone = acting.map_or(Tz::UTC, |held| held.time_zone);
        let reach = Reach {
            ledger,
            slug,
            roles: caller.roles_in(ledger, now),
            scopes: caller.scopes(),
            account: caller.account,
            key: caller.key(),
            sign_in: caller.sign_in(),
            unproven: caller.unproven,
            stakeholder: acting.map(|held| held.stakeholder),
            archived: !active,
            shown: Shown::default(),
        };
        if !reach.may(A::ACTION) {
            return Err(caller.refusal(A::ACTION, &reach.slug, now));
        }
        service.operations.check_query(request)?;
        Ok(Can { reach, service, request: request.clone(), time_zone, action: PhantomData })
    }

    /// How far the caller reaches now, for an answer that kept them waiting: they may have lost the right since.
    pub async fn again(&self) -> Result<Reach, Problem> {
        let caller = identity::again(&self.service, &self.request).await?;
        match A::ACTION.scope() {
            Scope::Program => Ok(Can::<A>::of(&self.request, &caller)?.reach),
            Scope::Platform => Err(Problem::internal("nobody is kept waiting for what platform roles may do")),
            Scope::SignedIn => Ok(platform_reach(&caller, A::ACTION, self.service.clock.now())),
        }
    }

    /// How long the caller's token or key still holds.
    pub fn remaining(&self) -> Result<Duration, Problem> {
        let left = caller(&self.request)?.expires_at - self.service.clock.now();
        left.to_std().map_err(|_| Problem::InvalidToken)
    }
}

impl<A: Gate> Platform<A> {
    fn decide(request: &HttpRequest) -> Result<Platform<A>, Problem> {
        let caller = caller(request)?;
        let service = service(request)?;
        let now = service.clock.now();
        let reach = platform_reach(&caller, A::ACTION, now);
        if !reach.may(A::ACTION) {
            return Err(caller.refusal(A::ACTION, "", now));
        }
        service.operations.check_query(request)?;
        Ok(Platform(Can { reach, service, request: request.clone(), time_zone: Tz::UTC, action: PhantomData }))
    }
}

fn platform_reach(caller: &Caller, action: Action, now: chrono::DateTime<chrono::Utc>) -> Reach {
    let stakeholder = caller
        .memberships
        .iter()
        .find(|held| held.program_active && held.holds(now) && action.roles().has(held.role))
        .map(|held| held.stakeholder);
    let roles = caller.roles_anywhere(now);
    let (scopes, account, key) = (caller.scopes(), caller.account, caller.key());
    let (sign_in, unproven) = (caller.sign_in(), caller.unproven);
    Reach { roles, scopes, account, key, sign_in, unproven, stakeholder, ..Reach::platform() }
}

impl<A: Gate> Myself<A> {
    fn decide(request: &HttpRequest) -> Result<Myself<A>, Problem> {
        let caller = caller(request)?;
        let service = service(request)?;
        let reach = platform_reach(&caller, A::ACTION, service.clock.now());
        if !reach.may(A::ACTION) {
            return Err(Problem::ForPeople);
        }
        service.operations.check_query(request)?;
        let can = Can { reach, service, request: request.clone(), time_zone: Tz::UTC, action: PhantomData };
        Ok(Myself(can, caller))
    }
}

impl<A> Can<A> {
    pub fn service(&self) -> &web::Data<Service> {
        &self.service
    }
}

/// The doors beside [`Can`] are the same door in another frame.
macro_rules! same_door {
    ($($door:ident)+) => {$(
        impl<A> std::ops::Deref for $door<A> {
            type Target = Can<A>;
            fn deref(&self) -> &Can<A> {
                &self.0
            }
        }
    )+};
}
same_door!(Platform Myself);
