use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE32_NOPAD;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::totp::{self, DIGITS, PERIOD, SECRET_LEN};
use crate::{
    access::{Caller, Recorded, Tx},
    accounts::{Account, end_sign_ins, person},
    db::{AnyConnection, At, Id, types},
    mail::{self, MailKind},
    policy::Roles,
    problem::{FieldError, Problem},
    reason::Reason,
    schema::{recovery_codes, totp_secrets as t},
    seal::Sealer,
    secret::{hash, random},
    sign_ins,
};

/// How long a secret waits for its first code.
const WAITS: TimeDelta = TimeDelta::hours(1);
const CODES: usize = 10;
/// 80 bits: so many cannot be tried, even by whoever has a copy of the hashes.
const CODE_LEN: usize = 10;

/// A secret for an authenticator app. It is shown this once, and not in force until a code of it is confirmed.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// In base 32, to be typed.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    pub secret: String,
    /// The same as a URI, to be shown as a QR code.
    #[schema(
        example = "otpauth://totp/Tangguh:rani%40dinas.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tangguh&algorithm=SHA1&digits=6&period=30"
    )]
    pub uri: String,
    /// Until when its first code is waited for.
    #[serde(serialize_with = "types::serialize_instant")]
    pub expires_at: DateTime<Utc>,
}

/// Codes for when the authenticator app is lost. They are shown this once; each is good once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    #[schema(min_items = 10, max_items = 10, example = json!([
        "gezd-gnbv-gy3t-qojq", "mfrg-gzdf-mztw-q2lk", "nruw-u3lo-n5yh-c4tt", "ov3h-o6dz-pizd-gnbv", "ge2t-mnzy-he2d-kojq",
        "kryh-k4tj-mnsx-g5dt", "onxw-25dp-pizg-c3tp", "pfxx-k2lu-nbsx-e43f", "o5ux-g2df-onxw-yzlo", "mzuw-2zlo-orzw-63tf"
    ]))]
    pub recovery_codes: Vec<String>,
}

/// Whether an account has a second factor in force.
pub fn is_set(conn: &mut AnyConnection, account: Id) -> QueryResult<bool> {
    let known = t::table.filter(t::account_id.eq(account)).filter(t::confirmed_at.is_not_null());
    Ok(known.count().get_result::<i64>(conn)? > 0)
}

/// How many recovery codes are left of an account.
pub fn codes_left(conn: &mut AnyConnection, account: Id) -> QueryResult<i64> {
    recovery_codes::table.filter(recovery_codes::account_id.eq(account)).count().get_result(conn)
}

/// Takes a code of the authenticator app, or a recovery code. Whether it was right: then it is so no more.
pub fn take(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    account: Id,
    given: &str,
    now: DateTime<Utc>,
) -> Result<bool, Problem> {
    let given = plain(given);
    if given.len() != DIGITS {
        let code = recovery_codes::table.find((account, hash(&given)));
        return Ok(diesel::delete(code).execute(conn)? == 1);
    }
    let known: Option<(Id, String, Option<i64>)> = t::table
        .filter(t::account_id.eq(account))
        .filter(t::confirmed_at.is_not_null())
        .select((t::id, t::sealed, t::last_step))
        .first(conn)
        .optional()?;
    let Some((id, sealed, last)) = known else { return Ok(false) };
    let Some(step) = totp::step(&open(sealer, id, &sealed)?, &given, last, now) else { return Ok(false) };
    // Somebody else may take it at this moment.
    let taken = diesel::update(t::table.find(id))
        .filter(t::last_step.is_null().or(t::last_step.lt(step)))
        .set(t::last_step.eq(step))
        .execute(conn)?;
    Ok(taken == 1)
}

/// A code as it was meant: apps and people group it.
fn plain(given: &str) -> String {
    given.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_ascii_lowercase()
}

/// Makes a secret for the caller, in the place of one that still waits.
pub fn begin(tx: &mut Tx<'_>, sealer: &Sealer) -> Result<Recorded<TotpSecret>, Problem> {
    let (account, id, secret) = (tx.reach.account, Id::new(), random::<SECRET_LEN>());
    diesel::delete(t::table.filter(t::account_id.eq(account)).filter(t::confirmed_at.is_null())).execute(tx.conn)?;
    diesel::insert_into(t::table)
        .values((
            t::id.eq(id),
            t::account_id.eq(account),
            t::sealed.eq(BASE64_STANDARD.encode(sealer.seal(&label(id), &secret))),
            t::made_at.eq(At(tx.now)),
        ))
        .execute(tx.conn)?;
    let (email, _) = person(tx.conn, account)?;
    let secret = BASE32_NOPAD.encode(&secret);
    let uri = uri(&email, &secret);
    Ok(tx.unchanged(TotpSecret { secret, uri, expires_at: tx.now + WAITS }))
}

/// As apps read it; Google's wiki of the Authenticator is all the standard that there is.
fn uri(email: &str, secret: &str) -> String {
    let email: String = url::form_urlencoded::byte_serialize(email.as_bytes()).collect();
    let email = email.replace('+', "%20");
    format!(
        "otpauth://totp/Tangguh:{email}?secret={secret}&issuer=Tangguh&algorithm=SHA1&digits={DIGITS}&period={PERIOD}"
    )
}

/// Puts the caller's waiting secret in force by its first code; one before it ends, and so do the other sign-ins. The inner
/// error is to be kept: a guess was wrong.
pub fn confirm(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    given: &str,
) -> Result<Result<Recorded<RecoveryCodes>, Problem>, Problem> {
    let account = tx.reach.account;
    let waiting: Option<(Id, String)> = t::table
        .filter(t::account_id.eq(account))
        .filter(t::confirmed_at.is_null())
        .filter(t::made_at.gt(At(tx.now - WAITS)))
        .select((t::id, t::sealed))
        .first(tx.conn)
        .optional()?;
    let (id, sealed) = waiting.ok_or_else(|| {
        Problem::Conflict(FieldError::new(
            "",
            "no_secret",
            "tidak ada rahasia yang menunggu kodenya: mintalah dahulu",
            "no secret waits for its code: ask for one first",
        ))
    })?;
    let Some(step) = totp::step(&open(sealer, id, &sealed)?, &plain(given), None, tx.now) else {
        return Ok(Err(wrong_code()));
    };
    diesel::delete(t::table.filter(t::account_id.eq(account)).filter(t::id.ne(id))).execute(tx.conn)?;
    diesel::update(t::table.find(id)).set((t::confirmed_at.eq(At(tx.now)), t::last_step.eq(step))).execute(tx.conn)?;
    let codes = new_codes(tx.conn, account)?;
    if let Some(sign_in) = tx.reach.sign_in {
        sign_ins::note_proof(tx.conn, sign_in, true, tx.now)?;
    }
    end_sign_ins(tx.conn, account, tx.reach.sign_in, tx.now, "second_factor_set")?;
    let mut known: Account = tx.look(account)?;
    known.second_factor = true;
    tell(tx, &known, MailKind::SecondFactorSet)?;
    Ok(Ok(tx.change(known, None)?.map(|_| codes)))
}

/// Makes other recovery codes for the caller.
pub fn renew_codes(tx: &mut Tx<'_>) -> Result<Recorded<RecoveryCodes>, Problem> {
    let account: Account = tx.look(tx.reach.account)?;
    must_be_set(&account)?;
    let codes = new_codes(tx.conn, account.meta.id)?;
    Ok(tx.change(account, None)?.map(|_| codes))
}

/// Forgets the second factor of an account whose owner is forgotten.
pub fn forget(conn: &mut AnyConnection, account: Id) -> QueryResult<()> {
    diesel::delete(t::table.filter(t::account_id.eq(account))).execute(conn)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)?;
    Ok(())
}

/// Ends the caller's second factor, unless one of these roles is theirs.
pub fn remove(tx: &mut Tx<'_>, needed_by: Roles) -> Result<Recorded<Account>, Problem> {
    let account: Account = tx.look(tx.reach.account)?;
    must_be_set(&account)?;
    let caller = Caller::reload(tx.conn, account.meta.id, Roles::default(), tx.now)?;
    if caller.holds_any(needed_by, tx.now) {
        return Err(Problem::Conflict(FieldError::new(
            "",
            "second_factor_required",
            "peran Anda memerlukan faktor kedua; Anda dapat menggantinya dengan yang lain",
            "a role of yours needs a second factor; you can put another in its place",
        )));
    }
    end(tx, account, None)
}

/// Ends the second factor of somebody who has lost it, and their sign-ins. The password stays.
pub fn reset(tx: &mut Tx<'_>, account: Id, why: &Reason) -> Result<Recorded<Account>, Problem> {
    let account: Account = tx.look(account)?;
    must_be_set(&account)?;
    end_sign_ins(tx.conn, account.meta.id, None, tx.now, "second_factor_reset")?;
    end(tx, account, Some(&why.reason))
}

fn end(tx: &mut Tx<'_>, mut account: Account, reason: Option<&str>) -> Result<Recorded<Account>, Problem> {
    let id = account.meta.id;
    forget(tx.conn, id)?;
    sign_ins::forget_factor(tx.conn, id)?;
    account.second_factor = false;
    tell(tx, &account, MailKind::SecondFactorRemoved)?;
    tx.change(account, reason)
}

fn must_be_set(account: &Account) -> Result<(), Problem> {
    if account.second_factor {
        return Ok(());
    }
    Err(Problem::Conflict(FieldError::new(
        "",
        "no_second_factor",
        "akun ini tidak memakai faktor kedua",
        "this account has no second factor",
    )))
}

/// What is answered to a code that is not right, or is so no more.
pub fn wrong_code() -> Problem {
    Problem::Invalid(vec![FieldError::new(
        "/code",
        "wrong",
        "bukan kode yang berlaku sekarang, atau sudah dipakai",
        "is not a code of this moment, or was used already",
    )])
}

fn new_codes(conn: &mut AnyConnection, account: Id) -> QueryResult<RecoveryCodes> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account_id.eq(account))).execute(conn)?;
    let codes: Vec<String> =
        (0..CODES).map(|_| BASE32_NOPAD.encode(&random::<CODE_LEN>()).to_ascii_lowercase()).collect();
    for code in &codes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::account_id.eq(account), recovery_codes::hash.eq(hash(code))))
            .execute(conn)?;
    }
    let grouped = |code: &String| [&code[..4], &code[4..8], &code[8..12], &code[12..]].join("-");
    Ok(RecoveryCodes { recovery_codes: codes.iter().map(grouped).collect() })
}

fn tell(tx: &mut Tx<'_>, account: &Account, kind: MailKind) -> Result<(), Problem> {
    let (email, _) = person(tx.conn, account.meta.id)?;
    Ok(mail::enqueue(tx.conn, &account.mail(kind, &email), tx.now)?)
}

fn label(id: Id) -> String {
    format!("totp {id}")
}

fn open(sealer: &Sealer, id: Id, sealed: &str) -> Result<Vec<u8>, Problem> {
    let sealed = BASE64_STANDARD.decode(sealed).map_err(Problem::internal)?;
    sealer.open(&label(id), &sealed).map_err(Problem::internal)
}

/// Forgets secrets whose first code nobody sent.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(t::table.filter(t::confirmed_at.is_null()).filter(t::made_at.lt(At(now - WAITS)))).execute(conn)
}
