use actix_web::web;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Caller, Ledger, Listed, Person, Reach, Recorded, System, Tx},
    accounts::{Account, Language, fold},
    among,
    db::{AnyConnection, At, Id, Lane, types},
    facts::check_days,
    keyset, listed,
    mail::{self, MailKind, NewMail},
    memberships::MemberRole,
    page::{AnyOf, Filter, Page},
    policy::{Action, Role, Roles, beyond},
    problem::{FieldError, Problem},
    programs::time_zone_named,
    reason::Reason,
    schema::{invitation_people, invitation_revisions, program_revisions},
    service::Service,
    sign_ins::Throttle,
    stakeholders::Stakeholder,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned, with_members},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    Open,
    Accepted,
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

impl InvitationState {
    pub const fn name(self) -> &'static str {
        match self {
            InvitationState::Open => "open",
            InvitationState::Accepted => "accepted",
            InvitationState::Revoked => "revoked",
            InvitationState::Expired => "expired",
        }
    }
}

/// The membership that comes of an invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvitedMembership {
    /// The programme, by its slug.
    #[schema(min_length = 3, max_length = 60, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "jakarta-berketahanan")]
    pub program: String,
    /// The organisation that the account is to act for.
    pub stakeholder_id: Id,
    pub role: MemberRole,
    /// The last day; null: until it is ended. The first is the day of acceptance.
    #[serde(default)]
    pub until_on: Option<NaiveDate>,
}

/// A new invitation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewInvitation {
    #[schema(min_length = 3, max_length = 254, format = Email)]
    pub email: String,
    /// The language of the mail, and of the account unless whoever accepts chooses another.
    #[serde(default)]
    pub language: Language,
    /// Left out by admins alone: then it is an invitation to the platform.
    #[serde(default)]
    pub membership: Option<InvitedMembership>,
}

/// An invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    #[serde(flatten)]
    pub meta: Meta,
    pub invited_by_id: Id,
    pub language: Language,
    /// Null where it is to the platform alone.
    pub membership: Option<InvitedMembership>,
    /// The programme's id.
    pub program_id: Option<Id>,
    #[serde(serialize_with = "types::serialize_instant")]
    pub expires_at: DateTime<Utc>,
    pub state: InvitationState,
    /// What came of it.
    pub account_id: Option<Id>,
    /// Added when it is read: revisions hold no personal data. Null once it is forgotten; then the account has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Which invitations to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<InvitationState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<InvitationState>>,
    /// The whole address, in any case.
    #[param(max_length = 254)]
    pub email: Option<String>,
}

impl Filter for InvitationFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    // Who may see which is on the programmes' ledgers, and when an address is forgotten is on none.
    const LIVE: bool = true;
}

/// How long one is good.
const LIFE: TimeDelta = TimeDelta::days(14);
/// How long the address is known of one that came to nothing.
const KNOWN: TimeDelta = TimeDelta::days(30);

versioned!(Invitation as this, invitations, invitation_revisions { program_id: this.program_id });

impl Resource for Invitation {
    const KIND: &'static str = "invitation";
    const PATH: &'static str = "invitations/{id}";
    const PLATFORM: bool = true;

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::RevokeInvitation => state == "open",
            Action::SendInvitation => false,
            _ => true,
        }
    }

    fn complete(conn: &mut AnyConnection, reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let people: Vec<(Id, String)> = invitation_people::table
            .filter(invitation_people::invitation_id.eq_any(ids))
            .select((invitation_people::invitation_id, invitation_people::email))
            .load(conn)?;
        for row in rows {
            let email = people.iter().find(|(id, _)| *id == row.id).map(|(_, email)| email);
            if email.is_some() {
                reach.shown.note(Person::Invitation(row.id));
            }
            row.body = with_members(&row.body, &format!("\"email\":{}", json!(email)));
        }
        Ok(())
    }
}

impl Invitation {
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &InvitationFilter,
        page: &Page,
        at: Option<i64>,
        now: DateTime<Utc>,
    ) -> Result<Listed, Problem> {
        use invitation_revisions as t;
        let mut query = listed!(invitation_revisions, Ledger::PLATFORM, at, &[]);
        if let Some(programs) = overseen(conn, reach, now)? {
            query = query.filter(t::program_id.eq_any(programs.into_iter().map(Some)));
        }
        if let Some(states) = &filter.state {
            query = among!(query, t::state, states.0.iter().map(|state| state.name()).collect());
        }
        if let Some(email) = &filter.email {
            let ids: Vec<Id> = invitation_people::table
                .filter(invitation_people::email_folded.eq(fold(email)))
                .select(invitation_people::invitation_id)
                .load(conn)?;
            query = query.filter(t::subject_id.eq_any(ids));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, invitation_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, invitation_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// The id, if the caller may know of it: admins of all, others of those into programmes that they invite to.
    pub fn known(conn: &mut AnyConnection, reach: &Reach, id: Id, now: DateTime<Utc>) -> Result<Id, Problem> {
        let stored = Invitation::open(conn, Ledger::PLATFORM, id)?.ok_or(Problem::NotFound)?;
        let invitation: Invitation = versioned::parse(&stored.body)?;
        match overseen(conn, reach, now)? {
            Some(programs) if !invitation.program_id.is_some_and(|id| programs.contains(&id)) => Err(Problem::NotFound),
            _ => Ok(id),
        }
    }

    /// Invites somebody who has no account; the mail goes out after the commit.
    pub fn send(tx: &mut Tx<'_>, new: NewInvitation) -> Result<Recorded<Invitation>, Problem> {
        let program_id = match &new.membership {
            Some(membership) => Some(program(tx, membership)?),
            None if tx.reach.roles.has(Role::Admin) => None,
            None => {
                return Err(Problem::Invalid(vec![FieldError::new(
                    "/membership",
                    "required",
                    "hanya pengelola yang mengundang tanpa keanggotaan",
                    "only admins invite without a membership",
                )]));
            }
        };
        if Account::by_email(tx.conn, &new.email)?.is_some() {
            return Err(Problem::Taken(FieldError::new(
                "/email",
                "has_account",
                "sudah ada akun dengan alamat ini: beri keanggotaan kepadanya",
                "there is an account with this address: give it a membership",
            )));
        }
        if invited(tx, &new.email, program_id)? {
            return Err(Problem::Taken(FieldError::new(
                "/email",
                "invited",
                "alamat ini sudah diundang: cabut dahulu undangan itu",
                "this address is invited already: revoke that invitation first",
            )));
        }
        let throttle = Throttle::of_mail(&new.email, &tx.reach.account.to_string());
        throttle.check(tx.conn, tx.now)?;
        throttle.count(tx.conn, tx.now)?;
        let invitation = Invitation {
            meta: Meta::new(tx.now),
            invited_by_id: tx.reach.account,
            language: new.language,
            membership: new.membership,
            program_id,
            expires_at: tx.now + LIFE,
            state: InvitationState::Open,
            account_id: None,
            email: None,
        };
        let id = invitation.meta.id;
        let made = tx.create(invitation, None)?;
        let email = new.email.trim();
        diesel::insert_into(invitation_people::table)
            .values((
                invitation_people::invitation_id.eq(id),
                invitation_people::email.eq(email),
                invitation_people::email_folded.eq(fold(email)),
            ))
            .execute(tx.conn)?;
        let (kind, language) = (MailKind::Invitation, new.language);
        let mail = NewMail { kind, recipient: email, account: None, subject: Some(id), language };
        mail::enqueue(tx.conn, &mail, tx.now)?;
        Ok(made)
    }

    /// Ends it: its token does not hold any more.
    pub fn revoke(tx: &mut Tx<'_>, id: Id, why: Reason) -> Result<Recorded<Invitation>, Problem> {
        let (reach, now) = (tx.reach.clone(), tx.now);
        let id = Invitation::known(tx.conn, &reach, id, now)?;
        let invitation: Invitation = tx.look(id)?;
        invitation.must_be_open(now, tx.act())?;
        invitation.end(tx, InvitationState::Revoked, Some(&why.reason))
    }

    /// One that somebody may still accept.
    pub fn waiting(conn: &mut AnyConnection, id: Id, now: DateTime<Utc>) -> Result<Option<Invitation>, Problem> {
        let Some(stored) = Invitation::open(conn, Ledger::PLATFORM, id)? else { return Ok(None) };
        let invitation: Invitation = versioned::parse(&stored.body)?;
        Ok(Some(invitation).filter(|invitation| invitation.state_at(now) == InvitationState::Open))
    }

    /// Its state, also where it ran out a moment ago and that is not on the record yet.
    fn state_at(&self, now: DateTime<Utc>) -> InvitationState {
        let late = self.state == InvitationState::Open && now >= self.expires_at;
        if late { InvitationState::Expired } else { self.state }
    }

    /// Refuses what is over.
    pub(super) fn must_be_open(&self, now: DateTime<Utc>, action: &'static str) -> Result<(), Problem> {
        match self.state_at(now) {
            InvitationState::Open => Ok(()),
            other => Err(Problem::WrongState { action, state: other.name().into() }),
        }
    }

    /// What whoever invited may give, if they may still send this: nobody invites to more than they have.
    pub(super) fn backing(&self, tx: &mut Tx<'_>) -> Result<Roles, Problem> {
        let roles = match tx.roles_in(self.invited_by_id, self.program_id.unwrap_or(Ledger::PLATFORM)) {
            // Their account is locked.
            Err(Problem::InvalidToken) => Roles::default(),
            other => other?,
        };
        let needed = if self.program_id.is_some() { Action::SendInvitation.roles() } else { Roles::of(&[Role::Admin]) };
        let beyond = self.membership.as_ref().map(|membership| beyond(roles, membership.role.role()));
        if needed.meets(roles) && beyond.is_none_or(|missing| missing.is_empty()) {
            return Ok(roles);
        }
        Err(Problem::Conflict(FieldError::new(
            "",
            "not_backed",
            "pengundangnya tidak lagi berhak mengundang: mintalah undangan baru",
            "whoever sent it may not invite any more: ask for a new one",
        )))
    }

    fn end(
        mut self,
        tx: &mut Tx<'_>,
        state: InvitationState,
        reason: Option<&str>,
    ) -> Result<Recorded<Invitation>, Problem> {
        self.state = state;
        diesel::update(invitation_people::table.find(self.meta.id))
            .set(invitation_people::forget_at.eq(At(tx.now + KNOWN)))
            .execute(tx.conn)?;
        tx.change(self, reason)
    }
}

/// The programmes that the caller invites to; none where they see all invitations.
fn overseen(conn: &mut AnyConnection, reach: &Reach, now: DateTime<Utc>) -> Result<Option<Vec<Id>>, Problem> {
    if reach.roles.has(Role::Admin) {
        return Ok(None);
    }
    let caller = Caller::reload(conn, reach.account, reach.unproven, now)?;
    Ok(Some(caller.programs_with(Action::SendInvitation.roles(), now)))
}

/// The programme that somebody is invited into, if the caller may give this role there.
fn program(tx: &mut Tx<'_>, membership: &InvitedMembership) -> Result<Id, Problem> {
    let found: Option<(Id, String, String)> = program_revisions::table
        .filter(program_revisions::seq_to.is_null())
        .filter(program_revisions::slug.eq(&membership.program))
        .select((program_revisions::subject_id, program_revisions::state, program_revisions::time_zone))
        .first(tx.conn)
        .optional()?;
    let account = tx.reach.account;
    let roles = match &found {
        Some((id, ..)) => tx.roles_in(account, *id)?,
        None => Roles::default(),
    };
    let Some((id, state, time_zone)) = found.filter(|_| !roles.is_empty()) else {
        return Err(Problem::Invalid(vec![FieldError::new(
            "/membership/program",
            "not_found",
            "tidak ada program dengan nama ini, atau Anda bukan anggotanya",
            "there is no programme of this name, or you are no member of it",
        )]));
    };
    if !Action::SendInvitation.roles().meets(roles) {
        return Err(Problem::Forbidden { action: tx.act(), on: membership.program.clone() });
    }
    if state != "active" {
        return Err(Problem::WrongState { action: tx.act(), state });
    }
    let missing = beyond(roles, membership.role.role());
    if !missing.is_empty() {
        return Err(Problem::CannotGrant(missing));
    }
    tx.must_exist::<Stakeholder>(&[("/membership/stakeholder_id".into(), membership.stakeholder_id)])?;
    let today = tx.now.with_timezone(&time_zone_named(&time_zone)?).date_naive();
    check_days("/membership/until_on", Some(today), membership.until_on)?;
    Ok(id)
}

/// Whether an address waits for an answer already, in the same programme.
fn invited(tx: &mut Tx<'_>, email: &str, program: Option<Id>) -> Result<bool, Problem> {
    use invitation_revisions as t;
    let bodies: Vec<String> = t::table
        .inner_join(invitation_people::table.on(invitation_people::invitation_id.eq(t::subject_id)))
        .filter(invitation_people::email_folded.eq(fold(email)))
        .filter(t::seq_to.is_null())
        .filter(t::state.eq(InvitationState::Open.name()))
        .select(t::body)
        .load(tx.conn)?;
    for body in bodies {
        let other: Invitation = versioned::parse(&body)?;
        if other.program_id == program && other.state_at(tx.now) == InvitationState::Open {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends invitations that nobody accepted in time. Answers how many.
pub async fn expire(service: &web::Data<Service>) -> Result<usize, Problem> {
    let (shared, now) = (service.clone(), service.clock.now());
    let work = move |conn: &mut AnyConnection| {
        use invitation_revisions as t;
        let bodies: Vec<String> = t::table
            .filter(t::seq_to.is_null())
            .filter(t::state.eq(InvitationState::Open.name()))
            .select(t::body)
            .load(conn)?;
        let mut ended = 0;
        for body in bodies {
            let open: Invitation = versioned::parse(&body)?;
            if open.state_at(now) == InvitationState::Open {
                continue;
            }
            let schemas = shared.schemas.clone();
            let system = System { act: "invitation.expire", request_id: "expiry".into(), now, schemas };
            system.write(conn, Reach::platform(), |tx| {
                // Another instance, or somebody who revoked it, may have been quicker.
                let invitation: Invitation = tx.look(open.meta.id)?;
                match invitation.state {
                    InvitationState::Open => invitation.end(tx, InvitationState::Expired, None),
                    _ => Ok(tx.unchanged(invitation)),
                }
            })?;
            ended += 1;
        }
        Ok(ended)
    };
    service.db.run(Lane::Long, work).await
}

/// Forgets an address that invitations went to.
pub fn forget(conn: &mut AnyConnection, email: &str) -> QueryResult<usize> {
    diesel::delete(invitation_people::table.filter(invitation_people::email_folded.eq(fold(email)))).execute(conn)
}

/// Forgets the addresses of invitations that came to nothing.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(invitation_people::table.filter(invitation_people::forget_at.lt(At(now)))).execute(conn)
}
