use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::prelude::*;

use super::{proof::note_proof, throttle::Throttle};
use crate::{
    access::Public,
    accounts::{fold, is_open},
    db::{AnyConnection, At, Id},
    password,
    problem::Problem,
    schema::{account_passwords, account_people, account_revisions, sign_ins},
    second_factor,
};

/// How long a sign-in lasts, however often its token is renewed.
const LIFE: TimeDelta = TimeDelta::days(30);
/// How long it lasts when its token is not renewed.
const UNUSED: TimeDelta = TimeDelta::days(7);
/// How long the token before the current one gets the current one again.
const AGAIN: TimeDelta = TimeDelta::seconds(30);

/// A family of refresh tokens and the generation that is in use.
pub struct SignIn {
    pub id: Id,
    pub account: Id,
    pub generation: i32,
    /// Unless its token is renewed before.
    pub expires_at: DateTime<Utc>,
}

/// Where a sign-in comes from, for its owner to recognise it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// Signs an account in by its password, and by a code where it has a second factor.
///
/// Whoever guesses learns nothing: a wrong password, an address that nobody has, a locked account and one whose
/// password was never set get the same answer after the same work. That a code is missing is told to those alone who know
/// the password; it is no failure, and clears none.
pub async fn log_in(public: &Public, email: String, given: String, code: Option<String>) -> Result<SignIn, Problem> {
    let (service, now) = (public.service().clone(), public.service().clock.now());
    let (throttle, origin) = (Throttle::of_sign_in(&email, public.address()), public.origin());
    let folded = fold(&email);
    let (throttle, known) = public
        .read(move |conn| {
            throttle.check(conn, now)?;
            Ok((throttle, credentials(conn, &folded)?))
        })
        .await?;
    let cost = service.settings.password_cost;
    let (account, phc) = match known {
        Some((account, phc)) => (Some(account), phc),
        None => (None, password::decoy(cost).to_owned()),
    };
    let right = service
        .passwords
        .run(move || password::verify(&given, &phc))
        .await
        .map_err(|_| Problem::Busy { retry_after_s: 2 })?;
    public
        .write(move |conn, now| {
            // Others may have failed since we looked.
            throttle.check(conn, now)?;
            let mut known = account.filter(|_| right);
            if let Some(account) = known
                && !may_sign_in(conn, account, now)?
            {
                known = None;
            }
            let factor = known.map_or(Ok(false), |account| second_factor::is_set(conn, account))?;
            if let (Some(account), true) = (known, factor) {
                let Some(code) = code else { return Ok(Err(Problem::CodeRequired)) };
                if !second_factor::take(conn, &service.sealer, account, &code, now)? {
                    known = None;
                }
            }
            let Some(account) = known else {
                throttle.count(conn, now)?;
                return Ok(Err(Problem::InvalidCredentials));
            };
            throttle.succeeded(conn)?;
            let made = begin(conn, account, &origin, now)?;
            if factor {
                note_proof(conn, made.id, true, now)?;
            }
            Ok(Ok(made))
        })
        .await
}

fn credentials(conn: &mut AnyConnection, folded: &str) -> Result<Option<(Id, String)>, Problem> {
    Ok(account_people::table
        .inner_join(account_passwords::table.on(account_passwords::account_id.eq(account_people::account_id)))
        .filter(account_people::email_folded.eq(folded))
        .select((account_people::account_id, account_passwords::phc))
        .first(conn)
        .optional()?)
}

fn may_sign_in(conn: &mut AnyConnection, account: Id, now: DateTime<Utc>) -> Result<bool, Problem> {
    let known: Option<(String, Option<NaiveDate>)> = account_revisions::table
        .filter(account_revisions::subject_id.eq(account))
        .filter(account_revisions::seq_to.is_null())
        .select((account_revisions::state, account_revisions::expires_on))
        .first(conn)
        .optional()?;
    Ok(known.is_some_and(|(state, expires_on)| is_open(&state, expires_on, now)))
}

/// Begins a sign-in.
pub fn begin(conn: &mut AnyConnection, account: Id, origin: &Origin, now: DateTime<Utc>) -> Result<SignIn, Problem> {
    let new = SignIn { id: Id::new(), account, generation: 1, expires_at: now + UNUSED };
    diesel::insert_into(sign_ins::table)
        .values((
            sign_ins::id.eq(new.id),
            sign_ins::account_id.eq(account),
            sign_ins::generation.eq(new.generation),
            sign_ins::made_at.eq(At(now)),
            sign_ins::rotated_at.eq(At(now)),
            sign_ins::expires_at.eq(At(new.expires_at)),
            sign_ins::address.eq(origin.address.map(|address| address.to_string())),
            sign_ins::user_agent.eq(&origin.user_agent),
        ))
        .execute(conn)?;
    diesel::update(account_people::table.find(account))
        .set(account_people::last_sign_in_at.eq(At(now)))
        .execute(conn)?;
    Ok(new)
}

/// Takes a refresh token of a family: its next generation, or the end of the family. The inner error is to be
/// kept: it ended something.
pub fn rotate(
    conn: &mut AnyConnection,
    family: Id,
    generation: i32,
    now: DateTime<Utc>,
) -> Result<Result<SignIn, Problem>, Problem> {
    let advanced = diesel::update(sign_ins::table.find(family))
        .filter(sign_ins::generation.eq(generation))
        .filter(sign_ins::ended_at.is_null())
        .filter(sign_ins::expires_at.gt(At(now)))
        .set((sign_ins::generation.eq(generation + 1), sign_ins::rotated_at.eq(At(now))))
        .execute(conn)?;
    type Row = (Id, i32, At, At, At, Option<At>);
    let row: Option<Row> = sign_ins::table
        .find(family)
        .select((
            sign_ins::account_id,
            sign_ins::generation,
            sign_ins::made_at,
            sign_ins::rotated_at,
            sign_ins::expires_at,
            sign_ins::ended_at,
        ))
        .first(conn)
        .optional()?;
    let Some((account, current, At(made_at), At(rotated_at), At(expires_at), ended_at)) = row else {
        return Ok(Err(Problem::InvalidToken));
    };
    let sign_in = SignIn { id: family, account, generation: current, expires_at };
    if advanced == 1 {
        let expires_at = (made_at + LIFE).min(now + UNUSED);
        diesel::update(sign_ins::table.find(family)).set(sign_ins::expires_at.eq(At(expires_at))).execute(conn)?;
        return Ok(Ok(SignIn { expires_at, ..sign_in }));
    }
    if ended_at.is_some() || expires_at <= now {
        return Ok(Err(Problem::InvalidToken));
    }
    if generation == current - 1 && now - rotated_at <= AGAIN {
        return Ok(Ok(sign_in));
    }
    // Somebody else has an old token: neither of the two is trusted any more.
    end(conn, family, now, "reused")?;
    Ok(Err(Problem::InvalidToken))
}

/// Ends a sign-in.
pub fn end(conn: &mut AnyConnection, family: Id, now: DateTime<Utc>, why: &str) -> Result<(), Problem> {
    diesel::update(sign_ins::table.find(family))
        .filter(sign_ins::ended_at.is_null())
        .set((sign_ins::ended_at.eq(At(now)), sign_ins::end_reason.eq(why)))
        .execute(conn)?;
    Ok(())
}
