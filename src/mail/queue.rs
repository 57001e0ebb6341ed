//! The queue: what waits, what was sent, what was given up.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::post::Fault;
use crate::{
    access::{Person, Reach},
    accounts::{Account, Language, fold},
    db::{AnyConnection, At, Backend, Id, types},
    page::{AnyOf, Filter, Page},
    problem::Problem,
    schema::mails as t,
    walk,
    worker::Lease,
};

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    Invitation,
    /// With a token to set the first password of an account that an admin made.
    Account,
    /// With a token to set a new password.
    PasswordReset,
    /// That the password is another now.
    PasswordChanged,
    /// With a token that proves a new address.
    EmailChange,
    /// To the old address: that the account has another now.
    EmailChanged,
    /// What waits for somebody.
    Digest,
    /// That a second factor is in force.
    SecondFactorSet,
    /// That the second factor is gone.
    SecondFactorRemoved,
    /// What came of a request about personal data.
    PersonalData,
}

impl MailKind {
    const ALL: [MailKind; 10] = [
        MailKind::Invitation,
        MailKind::Account,
        MailKind::PasswordReset,
        MailKind::PasswordChanged,
        MailKind::EmailChange,
        MailKind::EmailChanged,
        MailKind::Digest,
        MailKind::SecondFactorSet,
        MailKind::SecondFactorRemoved,
        MailKind::PersonalData,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            MailKind::Invitation => "invitation",
            MailKind::Account => "account",
            MailKind::PasswordReset => "password_reset",
            MailKind::PasswordChanged => "password_changed",
            MailKind::EmailChange => "email_change",
            MailKind::EmailChanged => "email_changed",
            MailKind::Digest => "digest",
            MailKind::SecondFactorSet => "second_factor_set",
            MailKind::SecondFactorRemoved => "second_factor_removed",
            MailKind::PersonalData => "personal_data",
        }
    }

    fn named(name: &str) -> Result<MailKind, Problem> {
        let found = MailKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Problem::internal("a mail of an unknown kind"))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    Waiting,
    Sent,
    GivenUp,
}

impl MailState {
    const fn name(self) -> &'static str {
        match self {
            MailState::Waiting => "waiting",
            MailState::Sent => "sent",
            MailState::GivenUp => "given_up",
        }
    }
}

/// A mail to be sent.
pub struct NewMail<'a> {
    pub kind: MailKind,
    pub recipient: &'a str,
    /// Whose account it is about, if there is one.
    pub account: Option<Id>,
    /// What else it is about: an invitation.
    pub subject: Option<Id>,
    pub language: Language,
}

/// Puts a mail into the queue; it is sent after the commit.
pub fn enqueue(conn: &mut AnyConnection, new: &NewMail<'_>, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::insert_into(t::table)
        .values((
            t::id.eq(Id::new()),
            t::kind.eq(new.kind.name()),
            t::state.eq(MailState::Waiting.name()),
            t::account_id.eq(new.account),
            t::subject_id.eq(new.subject),
            t::recipient.eq(new.recipient),
            t::language.eq(new.language.tag()),
            t::made_at.eq(At(now)),
            t::next_attempt_at.eq(At(now)),
            t::attempts.eq(0),
        ))
        .execute(conn)?;
    Ok(())
}

/// A mail that waits, was sent or was given up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Mail {
    pub id: Id,
    #[schema(value_type = MailKind)]
    pub kind: String,
    #[schema(value_type = MailState)]
    pub state: String,
    /// Whose account it is about; null where it is about none, or where that is found out at sending.
    pub account_id: Option<Id>,
    /// The address, until the mail was sent or given up.
    pub recipient: Option<String>,
    #[serde(serialize_with = "types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    /// How often it was tried.
    #[schema(minimum = 0)]
    pub attempts: i32,
    /// When it is tried next; null where it is not.
    #[serde(serialize_with = "types::serialize_instant_if_any")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Why the last attempt failed: `refused` (see `smtp_status`), `no_trust` (no TLS that can be trusted, as where nobody
    /// known signed the certificate), `timeout`, `no_answer`, `bad_address`,
    /// `no_folder`, `not_written`; null where none did.
    pub error: Option<String>,
    /// What the mail server answered when it refused.
    #[schema(minimum = 400, maximum = 599)]
    pub smtp_status: Option<i32>,
    /// When it was sent or given up.
    #[serde(serialize_with = "types::serialize_instant_if_any")]
    pub ended_at: Option<DateTime<Utc>>,
}

/// Which mails to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MailFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MailState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<MailState>>,
    /// Kinds, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MailKind>>, min_items = 1, max_items = 100)]
    pub kind: Option<AnyOf<MailKind>>,
}

impl Filter for MailFilter {}

impl Mail {
    /// In the order in which they were made, or newest first.
    pub fn list(
        conn: &mut AnyConnection,
        reach: &Reach,
        filter: &MailFilter,
        page: &Page,
    ) -> Result<Vec<Mail>, Problem> {
        let columns = (
            (t::id, t::kind, t::state, t::account_id, t::recipient, t::made_at),
            (t::attempts, t::next_attempt_at, t::error, t::status, t::ended_at),
        );
        let mut query = t::table.select(columns).into_boxed::<Backend>();
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(kinds) = &filter.kind {
            query = query.filter(t::kind.eq_any(kinds.0.iter().map(|kind| kind.name())));
        }
        type Whom = (Id, String, String, Option<Id>, Option<String>, At);
        type How = (i32, Option<At>, Option<String>, Option<i32>, Option<At>);
        let rows: Vec<(Whom, How)> = walk!(query, page, t::id as Id).load(conn)?;
        for (_, _, _, account, recipient, _) in rows.iter().map(|(whom, _)| whom) {
            let Some(recipient) = recipient else { continue };
            // Of a mail that somebody asked for without signing in, it is found out at sending whose it is.
            if let Some(account) = account.map_or_else(|| Account::by_email(conn, recipient), |id| Ok(Some(id)))? {
                reach.shown.note(Person::Account(account));
            }
        }
        let told = rows.into_iter().map(|(whom, how)| {
            let ((id, kind, state, account_id, recipient, At(made_at)), (attempts, next, error, smtp_status, ended)) =
                (whom, how);
            let (next_attempt_at, ended_at) = (next.map(|At(at)| at), ended.map(|At(at)| at));
            Mail {
                id,
                kind,
                state,
                account_id,
                recipient,
                made_at,
                attempts,
                next_attempt_at,
                error,
                smtp_status,
                ended_at,
            }
        });
        Ok(told.collect())
    }
}

/// A mail that a worker has taken.
#[derive(Clone)]
pub(super) struct Claimed {
    pub id: Id,
    pub kind: MailKind,
    pub account: Option<Id>,
    pub subject: Option<Id>,
    pub recipient: String,
    pub language: Language,
    pub made_at: DateTime<Utc>,
    /// How often it was tried before.
    attempts: i32,
}

/// How long a mail waits after each failure, in minutes; the last holds from then on.
const WAITS: [i64; 6] = [1, 5, 15, 60, 180, 360];
/// When a mail is given up.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(3);
/// How long it is shown what became of a mail.
const KEPT: TimeDelta = TimeDelta::days(30);

/// No lease of another worker holds: there is none, it ended, or it ends later than one that is taken now would.
#[diesel::dsl::auto_type]
fn held_by_nobody_else(by: Id, now: At, latest: At) -> _ {
    t::leased_until.is_null().or(t::leased_by.eq(by)).or(t::leased_until.lt(now)).or(t::leased_until.gt(latest))
}

/// Takes the mail that is due longest, if one is and nobody else was quicker.
pub(super) fn claim(conn: &mut AnyConnection, lease: Lease, now: DateTime<Utc>) -> Result<Option<Claimed>, Problem> {
    let free = || held_by_nobody_else(lease.by, At(now), At(lease.until(now)));
    type Row = (Id, String, Option<Id>, Option<Id>, Option<String>, String, At, i32);
    let due: Option<Row> = t::table
        .filter(t::state.eq(MailState::Waiting.name()))
        .filter(t::next_attempt_at.le(At(now)))
        .filter(free())
        .order((t::next_attempt_at, t::id))
        .select((t::id, t::kind, t::account_id, t::subject_id, t::recipient, t::language, t::made_at, t::attempts))
        .first(conn)
        .optional()?;
    let Some((id, kind, account, subject, recipient, language, At(made_at), attempts)) = due else { return Ok(None) };
    let waiting = t::table.find(id).filter(t::state.eq(MailState::Waiting.name())).filter(free());
    let until = Some(At(lease.until(now)));
    let taken = diesel::update(waiting).set((t::leased_by.eq(Some(lease.by)), t::leased_until.eq(until)));
    if taken.execute(conn)? == 0 {
        return Ok(None);
    }
    let recipient = recipient.ok_or_else(|| Problem::internal("a mail that waits has no address"))?;
    let (kind, language) = (MailKind::named(&kind)?, Language::named(&language));
    Ok(Some(Claimed { id, kind, account, subject, recipient, language, made_at, attempts }))
}

/// Notes what came of an attempt, if the lease still holds.
pub(super) fn note(
    conn: &mut AnyConnection,
    lease: Lease,
    mail: &Claimed,
    came: Result<(), Fault>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let wait = WAITS.get(mail.attempts.unsigned_abs() as usize).or(WAITS.last()).copied().unwrap_or_default();
    let (state, again, fault) = match came {
        Ok(()) => (MailState::Sent, None, None),
        Err(fault) if fault.is_final() || now - mail.made_at >= GIVEN_UP_AFTER => {
            (MailState::GivenUp, None, Some(fault))
        }
        Err(fault) => (MailState::Waiting, Some(now + TimeDelta::minutes(wait)), Some(fault)),
    };
    let recipient = again.map(|_| mail.recipient.as_str());
    diesel::update(t::table.find(mail.id).filter(t::leased_by.eq(lease.by)))
        .set((
            t::state.eq(state.name()),
            t::recipient.eq(recipient),
            t::attempts.eq(mail.attempts + 1),
            t::next_attempt_at.eq(again.map(At)),
            t::error.eq(fault.map(Fault::name)),
            t::status.eq(fault.and_then(Fault::status)),
            t::ended_at.eq(again.is_none().then_some(At(now))),
            t::leased_by.eq(None::<Id>),
            t::leased_until.eq(None::<At>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Drops a mail that nobody is to get.
pub(super) fn withdraw(conn: &mut AnyConnection, lease: Lease, mail: &Claimed) -> QueryResult<usize> {
    diesel::delete(t::table.find(mail.id).filter(t::leased_by.eq(lease.by))).execute(conn)
}

/// Lets others go on at once with what this worker has taken.
pub(super) fn release(conn: &mut AnyConnection, lease: Lease) -> QueryResult<usize> {
    diesel::update(t::table.filter(t::leased_by.eq(lease.by)))
        .set((t::leased_by.eq(None::<Id>), t::leased_until.eq(None::<At>)))
        .execute(conn)
}

/// Drops what waits for somebody who is erased.
pub fn forget(conn: &mut AnyConnection, account: Id, email: &str) -> QueryResult<()> {
    let waiting: Vec<(Id, Option<Id>, Option<String>)> =
        t::table.filter(t::recipient.is_not_null()).select((t::id, t::account_id, t::recipient)).load(conn)?;
    for (id, of, to) in waiting {
        if of == Some(account) || to.is_some_and(|to| fold(&to) == fold(email)) {
            diesel::delete(t::table.find(id)).execute(conn)?;
        }
    }
    Ok(())
}

/// Forgets mails that are past their time.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(t::table.filter(t::ended_at.lt(At(now - KEPT)))).execute(conn)
}
