//! The service's own keys: made at the first start, sealed in the database, known to every instance,
//! rotated with overlap. Beside each signing key stands its public half in the clear, so that what it signed can
//! be verified without the secret.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    db::{AnyConnection, At, Lane, Target, write_transaction},
    problem::Problem,
    schema::service_keys,
    seal::Sealer,
    service::Service,
    token::{Key, KeyRing, KeyUse, RecordKeys},
};

/// Every key, opened. Fails if the sealing secret is not the one they were sealed with, and if the public half that
/// stands beside a key is not its own: then others would verify with somebody else's.
pub fn load(conn: &mut AnyConnection, sealer: &Sealer) -> anyhow::Result<Vec<Key>> {
    type Row = (String, String, String, At, Option<At>, Option<String>);
    let rows: Vec<Row> = service_keys::table
        .order(service_keys::made_at)
        .select((
            service_keys::id,
            service_keys::used_for,
            service_keys::sealed,
            service_keys::made_at,
            service_keys::retired_at,
            service_keys::public_half,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, used_for, sealed, At(made_at), retired_at, public_half)| {
            let secret = sealer.open(&label(&id), &BASE64_STANDARD.decode(sealed)?).map_err(|error| {
                anyhow::anyhow!(
                    "the key {id} does not open ({error}): TANGGUH_SECRET is not the one that it was sealed with"
                )
            })?;
            let key = Key {
                used_for: KeyUse::named(&used_for).ok_or_else(|| anyhow::anyhow!("a key for {used_for}"))?,
                secret: secret.try_into().map_err(|_| anyhow::anyhow!("the key {id} has a wrong length"))?,
                id,
                made_at,
                retired_at: retired_at.map(|At(at)| at),
            };
            if public_half.is_some() && public_half != key.public_half() {
                anyhow::bail!("the public half that stands beside the key {} is not its own", key.id);
            }
            Ok(key)
        })
        .collect()
}

/// Writes the public halves of keys that were made before these were kept.
fn fill(conn: &mut AnyConnection, keys: &[Key]) -> Result<(), Problem> {
    let missing: Vec<String> = service_keys::table
        .filter(service_keys::public_half.is_null())
        .filter(service_keys::used_for.ne(KeyUse::Mac.name()))
        .select(service_keys::id)
        .load(conn)?;
    for key in keys.iter().filter(|key| missing.contains(&key.id)) {
        diesel::update(service_keys::table.find(&key.id))
            .set(service_keys::public_half.eq(key.public_half()))
            .execute(conn)?;
    }
    Ok(())
}

/// The public halves of all record keys, as they stand in the clear: no secret opens anything here.
pub fn record_keys(conn: &mut AnyConnection) -> QueryResult<RecordKeys> {
    let rows: Vec<(String, Option<String>, At)> = service_keys::table
        .filter(service_keys::used_for.eq(KeyUse::Record.name()))
        .select((service_keys::id, service_keys::public_half, service_keys::made_at))
        .load(conn)?;
    let mut keys = RecordKeys::default();
    for (id, public_half, At(made_at)) in rows {
        if !keys.add(id.clone(), public_half.as_deref().unwrap_or_default(), made_at) {
            log::warn!("there is no public half beside the record key {id}: what it signed does not verify");
        }
    }
    Ok(keys)
}

/// Whether a database holds keys already, sealed with a secret that somebody has.
pub fn are_sealed(target: &Target) -> anyhow::Result<bool> {
    if target.must_exist().is_err() {
        return Ok(false);
    }
    let mut conn = target.connect()?;
    crate::db::migrations::run(&mut conn)?;
    Ok(service_keys::table.count().get_result::<i64>(&mut conn)? > 0)
}

/// Makes the keys that are missing, and the public halves, and answers all keys.
pub fn ensure(conn: &mut AnyConnection, sealer: &Sealer, now: DateTime<Utc>) -> anyhow::Result<Vec<Key>> {
    let known = load(conn, sealer)?;
    write_transaction(conn, |conn| fill(conn, &known))
        .map_err(|problem| anyhow::anyhow!("the public halves of the keys cannot be stored: {problem}"))?;
    let missing: Vec<KeyUse> = KeyUse::ALL
        .iter()
        .copied()
        .filter(|used_for| !known.iter().any(|key| key.used_for == *used_for && key.retired_at.is_none()))
        .collect();
    if missing.is_empty() {
        return Ok(known);
    }
    write_transaction(conn, |conn| {
        missing.iter().try_for_each(|used_for| insert(conn, sealer, &Key::generate(*used_for, now)))
    })
    .map_err(|problem| anyhow::anyhow!("the keys cannot be stored: {problem}"))?;
    load(conn, sealer)
}

/// Makes a new key for each of these uses and retires those before: they go on being accepted for the
/// longest life of what they made.
pub fn rotate(
    conn: &mut AnyConnection,
    sealer: &Sealer,
    uses: &[KeyUse],
    now: DateTime<Utc>,
) -> Result<Vec<String>, Problem> {
    write_transaction(conn, |conn| {
        let mut made = Vec::new();
        for used_for in uses {
            diesel::update(service_keys::table)
                .filter(service_keys::used_for.eq(used_for.name()))
                .filter(service_keys::retired_at.is_null())
                .set(service_keys::retired_at.eq(At(now)))
                .execute(conn)?;
            let key = Key::generate(*used_for, now);
            insert(conn, sealer, &key)?;
            made.push(key.id);
        }
        Ok(made)
    })
}

fn insert(conn: &mut AnyConnection, sealer: &Sealer, key: &Key) -> Result<(), Problem> {
    let sealed = BASE64_STANDARD.encode(sealer.seal(&label(&key.id), &key.secret));
    diesel::insert_into(service_keys::table)
        .values((
            service_keys::id.eq(&key.id),
            service_keys::used_for.eq(key.used_for.name()),
            service_keys::sealed.eq(sealed),
            service_keys::made_at.eq(At(key.made_at)),
            service_keys::retired_at.eq(key.retired_at.map(At)),
            service_keys::public_half.eq(key.public_half()),
        ))
        .execute(conn)?;
    Ok(())
}

fn label(id: &str) -> String {
    format!("service key {id}")
}

/// Reads the keys again: another instance, or `tangguh keys rotate`, may have made new ones.
pub async fn reload(service: &actix_web::web::Data<Service>) -> Result<(), Problem> {
    let (shared, issuer) = (service.clone(), service.settings.public_url.clone());
    let keys = service
        .db
        .run(Lane::Read, move |conn| load(conn, &shared.sealer).map_err(|error| Problem::internal(error.to_string())))
        .await?;
    service.set_keys(KeyRing::new(keys, issuer).map_err(|error| Problem::internal(error.to_string()))?);
    Ok(())
}
