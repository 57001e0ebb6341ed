//! When the owner of a sign-in last proved to be that: at its beginning, or by a step-up (RFC 9470) since.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    db::{AnyConnection, At, Id},
    policy::PROVED_WITHIN,
    problem::Problem,
    schema::sign_ins,
};

/// Notes that a sign-in's owner has proved to be that: with the second factor, which it has shown from then on, or without.
pub fn note_proof(conn: &mut AnyConnection, sign_in: Id, factor: bool, now: DateTime<Utc>) -> QueryResult<()> {
    let row = sign_ins::table.find(sign_in);
    diesel::update(row).set(sign_ins::stepped_up_at.eq(At(now))).execute(conn)?;
    if factor {
        diesel::update(row).set(sign_ins::factor_shown.eq(true)).execute(conn)?;
    }
    Ok(())
}

/// Lets no sign-in of an account have shown a second factor: there is none any more.
pub fn forget_factor(conn: &mut AnyConnection, account: Id) -> QueryResult<usize> {
    diesel::update(sign_ins::table.filter(sign_ins::account_id.eq(account)))
        .set(sign_ins::factor_shown.eq(false))
        .execute(conn)
}

/// Refuses unless the owner has proved a moment ago to be that, and the sign-in goes on.
pub fn check_proof(conn: &mut AnyConnection, sign_in: Id, now: DateTime<Utc>) -> Result<(), Problem> {
    let known: Option<(At, Option<At>)> = sign_ins::table
        .find(sign_in)
        .filter(sign_ins::ended_at.is_null())
        .select((sign_ins::made_at, sign_ins::stepped_up_at))
        .first(conn)
        .optional()?;
    let (At(made_at), stepped_up_at) = known.ok_or(Problem::InvalidToken)?;
    let proved_at = stepped_up_at.map_or(made_at, |At(at)| at);
    if now - proved_at <= PROVED_WITHIN { Ok(()) } else { Err(Problem::StepUpRequired) }
}
