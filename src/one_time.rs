//! Tokens that go out by mail and are good once: for a new password, a new address, an invitation. Only their hash is
//! kept. A mail that is sent again has another token, and the one before holds as long: whichever mail arrives is good.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::{
    accounts::fold,
    db::{AnyConnection, At, Id},
    problem::Problem,
    schema::one_time_tokens as t,
    secret::{self, Secret},
};

/// What a token is for: one for another purpose is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    PasswordReset,
    EmailChange,
    Invitation,
}

/// What a token stands for.
pub struct OneTime {
    /// The account or the invitation.
    pub subject: Id,
    /// The address that it went to, where that is what it proves.
    pub email: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// How long it is known that a token was one: whoever comes late is told so.
const KNOWN: TimeDelta = TimeDelta::days(30);

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Purpose::PasswordReset => "password_reset",
            Purpose::EmailChange => "email_change",
            Purpose::Invitation => "invitation",
        }
    }

    /// The kind of secret, which its text names.
    const fn kind(self) -> &'static str {
        match self {
            Purpose::PasswordReset => "pr",
            Purpose::EmailChange => "ec",
            Purpose::Invitation => "in",
        }
    }

    /// The hash of a token, if it can be one for this.
    pub fn hash(self, shown: &str) -> Result<String, Problem> {
        if secret::kind(shown) == Some(self.kind()) { Ok(secret::hash(shown)) } else { Err(Problem::InvalidToken) }
    }

    /// Makes a token. It is for the mail alone.
    pub fn issue(
        self,
        conn: &mut AnyConnection,
        subject: Id,
        email: Option<&str>,
        expires_at: DateTime<Utc>,
    ) -> QueryResult<String> {
        let Secret { shown, hash } = Secret::new(self.kind());
        diesel::insert_into(t::table)
            .values((
                t::hash.eq(hash),
                t::purpose.eq(self.name()),
                t::subject_id.eq(subject),
                t::email.eq(email),
                t::expires_at.eq(At(expires_at)),
            ))
            .execute(conn)?;
        Ok(shown)
    }

    /// What a token stands for, whether or not it still holds.
    pub fn find(self, conn: &mut AnyConnection, hash: &str) -> Result<OneTime, Problem> {
        let found: Option<(Id, Option<String>, At)> = t::table
            .find(hash)
            .filter(t::purpose.eq(self.name()))
            .select((t::subject_id, t::email, t::expires_at))
            .first(conn)
            .optional()?;
        let (subject, email, At(expires_at)) = found.ok_or(Problem::InvalidToken)?;
        Ok(OneTime { subject, email, expires_at })
    }

    /// What a token stands for that still holds.
    pub fn holding(self, conn: &mut AnyConnection, hash: &str, now: DateTime<Utc>) -> Result<OneTime, Problem> {
        let found = self.find(conn, hash)?;
        if now < found.expires_at { Ok(found) } else { Err(Problem::InvalidToken) }
    }

    /// Ends all tokens of a subject for this.
    pub fn end(self, conn: &mut AnyConnection, subject: Id) -> QueryResult<usize> {
        diesel::delete(t::table.filter(t::subject_id.eq(subject)).filter(t::purpose.eq(self.name()))).execute(conn)
    }
}

/// Ends every token of an account, and every one that went to its address.
pub fn forget(conn: &mut AnyConnection, account: Id, email: &str) -> QueryResult<()> {
    let sent: Vec<(String, Option<String>)> =
        t::table.filter(t::email.is_not_null()).select((t::hash, t::email)).load(conn)?;
    let to_it = sent.into_iter().filter(|(_, to)| to.as_deref().is_some_and(|to| fold(to) == fold(email)));
    for (hash, _) in to_it {
        diesel::delete(t::table.find(hash)).execute(conn)?;
    }
    diesel::delete(t::table.filter(t::subject_id.eq(account))).execute(conn).map(drop)
}

/// Forgets what ended long ago.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(t::table.filter(t::expires_at.lt(At(now - KNOWN)))).execute(conn)
}
