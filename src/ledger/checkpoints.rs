//! Checkpoints: a signed word of where a ledger stood. Who keeps one can tell later that the ledger was not cut
//! off or written anew since, whoever holds the database.

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{dsl::exists, prelude::*};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    db::{AnyConnection, At, Backend, Id, Lane, lock_head, types::instant_text, write_transaction},
    keys,
    page::Page,
    problem::Problem,
    schema::{ledger_checkpoints, ledger_rows, ledgers},
    service::Service,
    token::{KeyRing, RecordKeys},
    walk,
};

/// What the header of a checkpoint's JWS says that it is.
pub const TYP: &str = "tangguh-checkpoint+jws";
/// How old the newest checkpoint is when the service makes the next.
const EVERY: TimeDelta = TimeDelta::days(1);

/// Where a ledger stood, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = ledger_checkpoints, check_for_backend(Backend))]
pub struct Checkpoint {
    /// The row that was the ledger's last.
    pub sequence: i64,
    /// That row's hash.
    pub hash: String,
    /// When this was signed.
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    #[diesel(deserialize_as = At)]
    pub at: DateTime<Utc>,
    /// A compact JWS of type `tangguh-checkpoint+jws` over `ledger`, `sequence`, `hash` and `at`, by one of the
    /// keys at `/.well-known/record-keys.json`.
    pub jws: String,
}

impl Checkpoint {
    /// The checkpoints of a ledger, in order or newest first.
    pub fn list(conn: &mut AnyConnection, ledger: Id, page: &Page) -> Result<Vec<Checkpoint>, Problem> {
        let query = ledger_checkpoints::table
            .filter(ledger_checkpoints::ledger_id.eq(ledger))
            .select(Checkpoint::as_select())
            .into_boxed::<Backend>();
        Ok(walk!(query, page, ledger_checkpoints::sequence as i64).load(conn)?)
    }

    /// Those of no row after this one, in order.
    pub fn until(conn: &mut AnyConnection, ledger: Id, sequence: i64) -> QueryResult<Vec<Checkpoint>> {
        ledger_checkpoints::table
            .filter(ledger_checkpoints::ledger_id.eq(ledger))
            .filter(ledger_checkpoints::sequence.le(sequence))
            .order(ledger_checkpoints::sequence)
            .select(Checkpoint::as_select())
            .load(conn)
    }

    /// What is signed.
    fn payload(&self, ledger: Id) -> Value {
        json!({"ledger": ledger, "sequence": self.sequence, "hash": self.hash, "at": instant_text(&self.at)})
    }

    /// What is wrong with it, if the row that it tells of has this hash now.
    fn fault(&self, ledger: Id, hash: Option<&str>, keys: &RecordKeys) -> Option<String> {
        match keys.verify_record(TYP, &self.jws) {
            Err(error) => return Some(format!("the checkpoint's signature does not hold: {error}")),
            Ok(signed) if signed != self.payload(ledger) => {
                return Some("the checkpoint does not say what was signed".into());
            }
            Ok(_) => {}
        }
        match hash {
            None => Some("the checkpoint's row is missing".into()),
            Some(hash) if hash != self.hash => Some("the row is not the one of the checkpoint".into()),
            Some(_) => None,
        }
    }
}

/// Signs where each ledger stands that grew since its last checkpoint. Answers the ledgers and what was signed.
pub fn make(conn: &mut AnyConnection, keys: &KeyRing, now: DateTime<Utc>) -> Result<Vec<(Id, Checkpoint)>, Problem> {
    make_where(conn, keys, now, None)
}

/// The same, for ledgers without a checkpoint of the last day.
fn make_due(conn: &mut AnyConnection, keys: &KeyRing, now: DateTime<Utc>) -> Result<Vec<(Id, Checkpoint)>, Problem> {
    make_where(conn, keys, now, Some(now - EVERY))
}

fn make_where(
    conn: &mut AnyConnection,
    keys: &KeyRing,
    now: DateTime<Utc>,
    none_after: Option<DateTime<Utc>>,
) -> Result<Vec<(Id, Checkpoint)>, Problem> {
    let mut made = Vec::new();
    for ledger in waiting(conn, none_after)? {
        if let Some(checkpoint) = write_transaction(conn, |conn| sign(conn, keys, ledger, now, none_after))? {
            made.push((ledger, checkpoint));
        }
    }
    Ok(made)
}

/// The ledgers that grew since their last checkpoint, if that was not made after this moment.
fn waiting(conn: &mut AnyConnection, none_after: Option<DateTime<Utc>>) -> QueryResult<Vec<Id>> {
    let own = ledger_checkpoints::table.filter(ledger_checkpoints::ledger_id.eq(ledgers::id));
    let grown = ledgers::table
        .filter(ledgers::sequence.gt(0))
        .filter(diesel::dsl::not(exists(own.filter(ledger_checkpoints::sequence.ge(ledgers::sequence)))))
        .order(ledgers::id)
        .select(ledgers::id)
        .into_boxed::<Backend>();
    match none_after {
        None => grown.load(conn),
        Some(moment) => {
            grown.filter(diesel::dsl::not(exists(own.filter(ledger_checkpoints::at.gt(At(moment)))))).load(conn)
        }
    }
}

/// Signs one ledger's head under its lock. Another instance may have done so a moment ago.
fn sign(
    conn: &mut AnyConnection,
    keys: &KeyRing,
    ledger: Id,
    now: DateTime<Utc>,
    none_after: Option<DateTime<Utc>>,
) -> Result<Option<Checkpoint>, Problem> {
    let Some(head) = lock_head(conn, ledger)? else { return Ok(None) };
    if !waiting(conn, none_after)?.contains(&ledger) {
        return Ok(None);
    }
    // A clock that was set back is behind the ledger.
    let mut made = Checkpoint { sequence: head.sequence, hash: head.hash, at: now.max(head.at), jws: String::new() };
    made.jws = keys.sign_record(TYP, &made.payload(ledger)).map_err(Problem::internal)?;
    diesel::insert_into(ledger_checkpoints::table)
        .values((
            ledger_checkpoints::ledger_id.eq(ledger),
            ledger_checkpoints::sequence.eq(made.sequence),
            ledger_checkpoints::hash.eq(&made.hash),
            ledger_checkpoints::at.eq(At(made.at)),
            ledger_checkpoints::jws.eq(&made.jws),
        ))
        .execute(conn)?;
    Ok(Some(made))
}

/// What the service does now and then: a checkpoint for each ledger that grew and has none of the last day. Answers
/// how many it made.
pub async fn daily(service: &web::Data<Service>) -> Result<usize, Problem> {
    let (keys, now) = (service.keys(), service.clock.now());
    service.db.run(Lane::Long, move |conn| Ok(make_due(conn, &keys, now)?.len())).await
}

/// The first checkpoint of a ledger that does not hold: its row, and what is wrong. It is verified with the
/// public halves that the database keeps in the clear.
pub fn broken(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Option<(i64, String)>> {
    let keys = keys::record_keys(conn)?;
    let known: Vec<(Checkpoint, Option<String>)> = ledger_checkpoints::table
        .left_join(
            ledger_rows::table.on(ledger_rows::ledger_id
                .eq(ledger_checkpoints::ledger_id)
                .and(ledger_rows::sequence.eq(ledger_checkpoints::sequence))),
        )
        .filter(ledger_checkpoints::ledger_id.eq(ledger))
        .order(ledger_checkpoints::sequence)
        .select((Checkpoint::as_select(), ledger_rows::hash.nullable()))
        .load(conn)?;
    let mut faults = known.iter().filter_map(|(checkpoint, hash)| {
        Some((checkpoint.sequence, checkpoint.fault(ledger, hash.as_deref(), &keys)?))
    });
    Ok(faults.next())
}
