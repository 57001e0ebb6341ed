//! Passwords of accounts: set with the token that an admin hands on or that comes by mail when the account was made, reset
//! with one that comes by mail, changed by whoever knows the present one.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Account, AccountState, Language, end_sign_ins, fold, note_notice, person};
use crate::{
    access::{Ledger, Recorded, Seen, Tx},
    db::{AnyConnection, At, Id},
    mail::{self, MailKind},
    one_time::Purpose,
    problem::{FieldError, Problem},
    schema::{account_passwords, account_people, account_revisions, password_tokens},
    secret::Secret,
    sign_ins::Throttle,
    versioned::{self, Versioned},
};

/// A one-time token to set an account's password. It is shown this once.
#[derive(Serialize, ToSchema)]
pub struct PasswordToken {
    pub account_id: Id,
    /// For `POST /api/v1/auth/password`, by the account's owner.
    #[schema(example = "tgh_pw_…")]
    pub password_token: String,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub expires_at: DateTime<Utc>,
}

/// How long a token to set a password holds that an admin hands on, and one that went out by mail: as long as an invitation.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(72);
const MAILED_LIFE: TimeDelta = TimeDelta::days(14);

impl Account {
    /// Makes a new token to set the password; earlier ones end.
    pub fn renew_token(tx: &mut Tx<'_>, id: Id, seen: Seen) -> Result<(Recorded<Account>, PasswordToken), Problem> {
        let account: Account = tx.current(id, seen)?;
        let token = issue_token(tx, id)?;
        Ok((tx.change(account, None)?, token))
    }

    /// A token for the mail that tells of a new account, and when it ends; none where the account has a password by now, is
    /// over, or has another address than the mail goes to. Those that were made before hold as long.
    pub fn mailed_token(
        conn: &mut AnyConnection,
        id: Id,
        recipient: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(String, DateTime<Utc>)>, Problem> {
        let Some(stored) = Account::open(conn, Ledger::PLATFORM, id)? else { return Ok(None) };
        let account: Account = versioned::parse(&stored.body)?;
        if account.state != AccountState::Invited || account.is_over(now) || person(conn, id)?.0 != recipient {
            return Ok(None);
        }
        let ends = now + MAILED_LIFE;
        Ok(Some((add_token(conn, id, ends)?, ends)))
    }

    /// The address of the account that a token is for, if the token holds.
    pub fn email_of_token(conn: &mut AnyConnection, token_hash: &str) -> Result<String, Problem> {
        password_tokens::table
            .inner_join(account_people::table.on(account_people::account_id.eq(password_tokens::account_id)))
            .filter(password_tokens::hash.eq(token_hash))
            .filter(password_tokens::used_at.is_null())
            .select(account_people::email)
            .first(conn)
            .optional()?
            .ok_or(Problem::InvalidToken)
    }

    /// Sets the password by a one-time token, on the account's own behalf. Its sign-ins end.
    pub fn set_password(
        tx: &mut Tx<'_>,
        token_hash: &str,
        phc: &str,
        notice: &str,
    ) -> Result<Recorded<Account>, Problem> {
        let id: Id = password_tokens::table
            .filter(password_tokens::hash.eq(token_hash))
            .filter(password_tokens::used_at.is_null())
            .filter(password_tokens::expires_at.gt(At(tx.now)))
            .select(password_tokens::account_id)
            .first(tx.conn)
            .optional()?
            .ok_or(Problem::InvalidToken)?;
        tx.reach.account = id;
        let mut account: Account = tx.look(id)?;
        if matches!(account.state, AccountState::Locked | AccountState::Erased) {
            return Err(Problem::InvalidToken);
        }
        keep_password(tx, id, phc)?;
        note_notice(tx, id, notice)?;
        end_sign_ins(tx.conn, id, None, tx.now, "password_set")?;
        account.state = AccountState::Active;
        tx.change(account, None)
    }

    /// The account of an address that its owner can sign in with, and their language.
    pub fn with_password(
        conn: &mut AnyConnection,
        email: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(Id, Language)>, Problem> {
        let found: Option<(Id, String)> = account_people::table
            .inner_join(account_passwords::table.on(account_passwords::account_id.eq(account_people::account_id)))
            .inner_join(account_revisions::table.on(account_revisions::subject_id.eq(account_people::account_id)))
            .filter(account_people::email_folded.eq(fold(email)))
            .filter(account_revisions::seq_to.is_null())
            .select((account_people::account_id, account_revisions::body))
            .first(conn)
            .optional()?;
        let Some((id, body)) = found else { return Ok(None) };
        let account: Account = versioned::parse(&body)?;
        Ok(account.is_open(now).then_some((id, account.language)))
    }

    /// The address of the account that a token from a mail is for, if the token holds.
    pub fn email_of_reset(conn: &mut AnyConnection, hash: &str, now: DateTime<Utc>) -> Result<String, Problem> {
        let account = Purpose::PasswordReset.holding(conn, hash, now)?.subject;
        Ok(person(conn, account)?.0)
    }

    /// Sets the password by a token that came by mail. Its sign-ins end, and failures to sign in are forgotten.
    pub fn reset_password(tx: &mut Tx<'_>, hash: &str, phc: &str) -> Result<Recorded<Account>, Problem> {
        let id = Purpose::PasswordReset.holding(tx.conn, hash, tx.now)?.subject;
        tx.reach.account = id;
        let account: Account = tx.look(id)?;
        if !account.is_open(tx.now) {
            return Err(Problem::InvalidToken);
        }
        keep_password(tx, id, phc)?;
        end_sign_ins(tx.conn, id, None, tx.now, "password_reset")?;
        let (email, _) = person(tx.conn, id)?;
        Throttle::of_sign_in(&email, None).succeeded(tx.conn)?;
        mail::enqueue(tx.conn, &account.mail(MailKind::PasswordChanged, &email), tx.now)?;
        tx.change(account, None)
    }

    /// An account's address and the hash of its password, if it has one.
    pub fn own_password(conn: &mut AnyConnection, id: Id) -> Result<(String, Option<String>), Problem> {
        let phc = account_passwords::table.find(id).select(account_passwords::phc).first(conn).optional()?;
        Ok((person(conn, id)?.0, phc))
    }

    /// Changes the password that was `known` a moment ago. The other sign-ins end.
    pub fn change_password(tx: &mut Tx<'_>, known: &str, phc: &str, sign_in: Id) -> Result<Recorded<Account>, Problem> {
        let id = tx.reach.account;
        let (email, now) = Account::own_password(tx.conn, id)?;
        if now.as_deref() != Some(known) {
            return Err(wrong_password());
        }
        keep_password(tx, id, phc)?;
        end_sign_ins(tx.conn, id, Some(sign_in), tx.now, "password_changed")?;
        let account: Account = tx.look(id)?;
        mail::enqueue(tx.conn, &account.mail(MailKind::PasswordChanged, &email), tx.now)?;
        tx.change(account, None)
    }
}

/// What is answered to whoever does not know the present password.
pub fn wrong_password() -> Problem {
    Problem::Invalid(vec![FieldError::new(
        "/current_password",
        "wrong",
        "bukan kata sandi Anda sekarang",
        "is not your present password",
    )])
}

/// Keeps a password in the place of the one before; what could still set another one ends.
pub(super) fn keep_password(tx: &mut Tx<'_>, id: Id, phc: &str) -> Result<(), Problem> {
    diesel::delete(account_passwords::table.find(id)).execute(tx.conn)?;
    diesel::insert_into(account_passwords::table)
        .values((
            account_passwords::account_id.eq(id),
            account_passwords::phc.eq(phc),
            account_passwords::set_at.eq(At(tx.now)),
        ))
        .execute(tx.conn)?;
    Purpose::PasswordReset.end(tx.conn, id)?;
    end_tokens(tx, id)?;
    Ok(())
}

pub(super) fn issue_token(tx: &mut Tx<'_>, account: Id) -> Result<PasswordToken, Problem> {
    end_tokens(tx, account)?;
    let expires_at = tx.now + TOKEN_LIFE;
    let password_token = add_token(tx.conn, account, expires_at)?;
    Ok(PasswordToken { account_id: account, password_token, expires_at })
}

fn add_token(conn: &mut AnyConnection, account: Id, expires_at: DateTime<Utc>) -> QueryResult<String> {
    let Secret { shown, hash } = Secret::new("pw");
    diesel::insert_into(password_tokens::table)
        .values((
            password_tokens::hash.eq(hash),
            password_tokens::account_id.eq(account),
            password_tokens::expires_at.eq(At(expires_at)),
        ))
        .execute(conn)?;
    Ok(shown)
}

/// Ends the tokens to set the password of an account.
fn end_tokens(tx: &mut Tx<'_>, account: Id) -> QueryResult<usize> {
    diesel::update(password_tokens::table)
        .filter(password_tokens::account_id.eq(account))
        .filter(password_tokens::used_at.is_null())
        .set(password_tokens::used_at.eq(At(tx.now)))
        .execute(tx.conn)
}
