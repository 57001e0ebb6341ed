//! What messages are signed with: made here, sealed in the database since it is used again, shown once.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::message::SigningKey;
use crate::{
    db::{AnyConnection, At, Id},
    problem::Problem,
    schema::webhook_secrets as secrets,
    seal::Sealer,
    secret::random,
};

/// A secret just made: sealed for the database, and in the clear for whoever asked for it.
pub struct NewSecret {
    pub id: Id,
    pub shown: String,
    sealed: String,
}

impl NewSecret {
    /// # Panics
    /// When the operating system has no randomness.
    pub fn new(sealer: &Sealer) -> NewSecret {
        let (id, key) = (Id::new(), SigningKey(random()));
        let sealed = BASE64_STANDARD.encode(sealer.seal(&label(id), &key.0));
        NewSecret { id, shown: key.shown(), sealed }
    }

    pub fn keep(&self, conn: &mut AnyConnection, webhook: Id, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::insert_into(secrets::table)
            .values((
                secrets::id.eq(self.id),
                secrets::webhook_id.eq(webhook),
                secrets::sealed.eq(&self.sealed),
                secrets::made_at.eq(At(now)),
            ))
            .execute(conn)
    }
}

fn label(id: Id) -> String {
    format!("webhook secret {id}")
}

/// Lets those that have no end yet end at `at`.
pub fn end(conn: &mut AnyConnection, webhook: Id, at: DateTime<Utc>) -> QueryResult<usize> {
    let open = secrets::table.filter(secrets::webhook_id.eq(webhook));
    diesel::update(open.filter(secrets::ends_at.is_null().or(secrets::ends_at.gt(At(at)))))
        .set(secrets::ends_at.eq(At(at)))
        .execute(conn)
}

/// Forgets all of a webhook that is deleted.
pub fn forget(conn: &mut AnyConnection, webhook: Id) -> QueryResult<usize> {
    diesel::delete(secrets::table.filter(secrets::webhook_id.eq(webhook))).execute(conn)
}

/// Those that sign now, the oldest first.
pub fn live(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    webhook: Id,
    now: DateTime<Utc>,
) -> Result<Vec<SigningKey>, Problem> {
    let found: Vec<(Id, String)> = secrets::table
        .filter(secrets::webhook_id.eq(webhook))
        .filter(secrets::ends_at.is_null().or(secrets::ends_at.gt(At(now))))
        .order(secrets::id)
        .select((secrets::id, secrets::sealed))
        .load(conn)?;
    found.into_iter().map(|(id, sealed)| open(sealer, id, &sealed)).collect()
}

fn open(sealer: &Sealer, id: Id, sealed: &str) -> Result<SigningKey, Problem> {
    let sealed = BASE64_STANDARD.decode(sealed).map_err(Problem::internal)?;
    let key = sealer.open(&label(id), &sealed).map_err(Problem::internal)?;
    let key = key.try_into().map_err(|_| Problem::internal("a webhook's secret has a wrong length"))?;
    Ok(SigningKey(key))
}
