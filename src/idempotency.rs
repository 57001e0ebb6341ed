//! Safe repeats: a request that comes again with its `Idempotency-Key` gets the stored reply, and has no
//! second effect. The record is written in the transaction of the effect; failures are not kept.

use actix_web::{HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use crate::{
    access::{KEPT, Reply},
    db::{AnyConnection, At, Id, constraint::OnConstraint},
    problem::{FieldError, Problem, Text},
    schema::stored_replies,
    secret::hex,
    valid::BodyDigest,
};

/// The header of everything that may be repeated safely.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what `key` reads")]
pub struct Repeat {
    /// A name of your own for this request, 1 to 128 characters: sent again with the same body within seven
    /// days, it gets the same reply and has no second effect.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}

/// A key, and what the request under it is.
#[derive(Clone, Debug)]
pub struct Key {
    key: String,
    fingerprint: String,
}

/// Reads the key that the request came with.
pub fn key(request: &HttpRequest) -> Result<Option<Key>, Problem> {
    let Some(value) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=128).contains(&key.len()) && key.bytes().all(|byte| (b'!'..=b'~').contains(&byte)));
    let Some(key) = key else {
        return Err(Problem::InvalidQuery(vec![FieldError {
            pointer: "Idempotency-Key".into(),
            code: "format".into(),
            detail: Text::new(
                "harus 1 sampai 128 karakter ASCII yang terlihat",
                "must be 1 to 128 visible ASCII characters",
            ),
        }]));
    };
    let mut hasher = Sha256::new();
    hasher.update(request.method().as_str());
    hasher.update(" ");
    hasher.update(request.uri().to_string());
    hasher.update("\n");
    if let Some(BodyDigest(digest)) = request.extensions().get::<BodyDigest>() {
        hasher.update(digest);
    }
    let fingerprint = hex(&hasher.finalize());
    Ok(Some(Key { key: key.to_owned(), fingerprint }))
}

/// The reply that this key got, if it is known: refused if the request under it was another.
pub fn find(conn: &mut AnyConnection, account: Id, key: &Key, now: DateTime<Utc>) -> Result<Option<Reply>, Problem> {
    let kept: Option<(String, i32, String, String, At)> = stored_replies::table
        .find((account, &key.key))
        .select((
            stored_replies::fingerprint,
            stored_replies::status,
            stored_replies::headers,
            stored_replies::body,
            stored_replies::at,
        ))
        .first(conn)
        .optional()?;
    let Some((fingerprint, status, headers, body, At(at))) = kept else { return Ok(None) };
    if at + KEPT < now {
        diesel::delete(stored_replies::table.find((account, &key.key))).execute(conn)?;
        return Ok(None);
    }
    if fingerprint != key.fingerprint {
        return Err(Problem::KeyReused);
    }
    let headers: Value = serde_json::from_str(&headers).map_err(Problem::internal)?;
    let text = |name: &str| headers[name].as_str().map(str::to_owned);
    let status = u16::try_from(status).map_err(Problem::internal)?;
    Ok(Some(Reply { status, etag: text("etag"), location: text("location"), link: text("link"), body }))
}

/// Keeps a reply for its key.
pub fn keep(
    conn: &mut AnyConnection,
    account: Id,
    key: &Key,
    reply: &Reply,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    diesel::insert_into(stored_replies::table)
        .values((
            stored_replies::account_id.eq(account),
            stored_replies::key.eq(&key.key),
            stored_replies::fingerprint.eq(&key.fingerprint),
            stored_replies::status.eq(i32::from(reply.status)),
            stored_replies::headers.eq(reply.headers().to_string()),
            stored_replies::body.eq(&reply.body),
            stored_replies::at.eq(At(now)),
        ))
        .execute(conn)
        // The same key at the same time on another ledger: it named another request.
        .on_constraint("stored_replies_account_id_key_key", || Problem::KeyReused)?;
    Ok(())
}

/// Forgets replies that are past their time.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(stored_replies::table.filter(stored_replies::at.lt(At(now - KEPT)))).execute(conn)
}
