//! The keys of a client: shown once, kept as hashes, two live ones at most, so that one can take over from the other.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::Client;
use crate::{
    access::{Credential, Recorded, Seen, Tx},
    db::{AnyConnection, At, Id, types},
    problem::{FieldError, Problem},
    schema::client_keys,
    secret::Secret,
    versioned::{self, Stored},
};

/// How many keys of a client live at once.
const LIVE: usize = 2;

/// A key, without what opens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ClientKey {
    pub id: Id,
    #[serde(serialize_with = "types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    /// The last day, where it ends before its client does.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// When it was last used, to the minute. It is kept outside the revisions.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "types::serialize_instant_if_any")]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// What a new key is made of.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct NewClientKey {
    /// The last day, in the programme's time zone; the client's where it is left out.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
}

/// A key just made. This is the only time that it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownKey {
    pub id: Id,
    /// What the client sends as `Authorization: Bearer …`, or as the `client_secret` of `POST /oauth/token`.
    #[schema(example = "tgh_ck_…")]
    pub key: String,
    /// The client's id, which is the `client_id` of `POST /oauth/token`.
    pub client_id: Id,
    pub expires_on: NaiveDate,
    /// The client's revision now.
    pub client_revision: i32,
}

/// Makes a key.
pub fn make(tx: &mut Tx<'_>, id: Id, seen: Seen, new: NewClientKey) -> Result<Recorded<ShownKey>, Problem> {
    let mut client: Client = tx.current(id, seen)?;
    client.within(tx)?;
    let (today, last) = (tx.today(), client.content.expires_on);
    if last < today {
        return Err(Problem::Conflict(FieldError::new(
            "",
            "expired",
            "klien ini sudah habis masanya: perpanjang dahulu",
            "this client has expired: give it a later end first",
        )));
    }
    if new.expires_on.is_some_and(|day| day < today || day > last) {
        return Err(Problem::Invalid(vec![FieldError::new(
            "/expires_on",
            "out_of_range",
            "harus antara hari ini dan hari terakhir klien",
            "must be between today and the client's last day",
        )]));
    }
    let (live, over): (Vec<ClientKey>, Vec<ClientKey>) =
        client.keys.into_iter().partition(|key| key.expires_on.is_none_or(|day| day >= today));
    if live.len() >= LIVE {
        return Err(Problem::Conflict(FieldError::new(
            "",
            "too_many_keys",
            "klien ini sudah punya dua kunci: akhiri salah satunya dahulu",
            "this client has two keys already: end one of them first",
        )));
    }
    over.iter().try_for_each(|key| end_row(tx, key.id))?;
    let secret = Secret::new(Credential::KIND);
    let key = ClientKey { id: Id::new(), made_at: tx.now, expires_on: new.expires_on, last_used_at: None };
    diesel::insert_into(client_keys::table)
        .values((
            client_keys::id.eq(key.id),
            client_keys::client_id.eq(id),
            client_keys::ledger_id.eq(tx.reach.ledger),
            client_keys::hash.eq(secret.hash),
            client_keys::made_at.eq(At(tx.now)),
            client_keys::expires_on.eq(key.expires_on),
        ))
        .execute(tx.conn)?;
    let key_id = key.id;
    client.keys = live;
    client.keys.push(key);
    let changed = tx.change(client, None)?;
    let client_revision = changed.value().meta.revision;
    let expires_on = new.expires_on.unwrap_or(last);
    Ok(changed.map(|_| ShownKey { id: key_id, key: secret.shown, client_id: id, expires_on, client_revision }))
}

/// Ends a key, at once and for good.
pub fn end(tx: &mut Tx<'_>, id: Id, key: Id, seen: Seen) -> Result<Recorded<Client>, Problem> {
    let mut client: Client = tx.current(id, seen)?;
    let known = client.keys.len();
    client.keys.retain(|live| live.id != key);
    if client.keys.len() == known {
        return Err(Problem::NotFound);
    }
    end_row(tx, key)?;
    tx.change(client, None)
}

/// Ends all keys of a client.
pub fn end_all(tx: &mut Tx<'_>, client: &mut Client) -> Result<(), Problem> {
    std::mem::take(&mut client.keys).iter().try_for_each(|key| end_row(tx, key.id))
}

fn end_row(tx: &mut Tx<'_>, key: Id) -> Result<(), Problem> {
    diesel::update(client_keys::table.find(key)).set(client_keys::ended_at.eq(At(tx.now))).execute(tx.conn)?;
    Ok(())
}

/// Says of each key when it was last used.
pub fn tell_last_use(conn: &mut AnyConnection, rows: &mut [Stored]) -> Result<(), Problem> {
    let mut clients = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        clients.push(versioned::parse::<Client>(&row.body)?);
    }
    let keys: Vec<Id> = clients.iter().flat_map(|client| client.keys.iter().map(|key| key.id)).collect();
    let used: Vec<(Id, Option<At>)> = client_keys::table
        .filter(client_keys::id.eq_any(keys))
        .select((client_keys::id, client_keys::last_used_at))
        .load(conn)?;
    let used: BTreeMap<Id, DateTime<Utc>> = used.into_iter().filter_map(|(id, at)| Some((id, at?.0))).collect();
    for (row, mut client) in rows.iter_mut().zip(clients) {
        for key in &mut client.keys {
            key.last_used_at = used.get(&key.id).copied();
        }
        row.body = serde_json::to_string(&client).map_err(Problem::internal)?;
    }
    Ok(())
}
