//! The receipt of an input: a compact JWS by the record key over its row of the ledger and the digest of what came,
//! made in the transaction that received it and never changed.

use std::sync::Arc;

use diesel::prelude::*;
use serde_json::json;

use super::model::Input;
use crate::{
    access::{Can, Reach, Tx, place},
    db::{AnyConnection, Id, types::instant_text},
    policy::Gate,
    problem::Problem,
    schema::receipts,
    service::Service,
    token::KeyRing,
};

/// What the signature is for, so that it cannot be taken for another record's.
const TYPE: &str = "tangguh-receipt+jws";

/// How something came: what a receipt says beside the input itself.
pub struct Envelope {
    keys: Arc<KeyRing>,
    issuer: String,
    /// The SHA-256 of the body as it came, in hexadecimal.
    pub digest: String,
    /// Whether it came with an `Idempotency-Key`.
    pub keyed: bool,
}

impl Envelope {
    pub fn of<A: Gate>(can: &Can<A>) -> Result<Envelope, Problem> {
        Ok(Envelope {
            keys: can.service().keys(),
            issuer: can.service().settings.public_url.clone(),
            digest: can.body_digest()?,
            keyed: can.has_key(),
        })
    }

    /// Of a file that came earlier.
    pub fn of_file(service: &Service, digest: String) -> Envelope {
        Envelope { keys: service.keys(), issuer: service.settings.public_url.clone(), digest, keyed: false }
    }
}

/// Signs and keeps the receipts of inputs that have just been made, the last of them by the ledger's last row.
pub fn keep(tx: &mut Tx<'_>, envelope: &Envelope, made: &[Input]) -> Result<(), Problem> {
    let ledger = tx.reach.ledger;
    let first = tx.sequence()? + 1 - made.len() as i64;
    let mut rows = Vec::with_capacity(made.len());
    for (input, sequence) in made.iter().zip(first..) {
        let claims = json!({
            "iss": envelope.issuer,
            "ledger": ledger,
            "sequence": sequence,
            "input_id": input.meta.id,
            "code": input.code,
            "stakeholder_id": input.stakeholder_id,
            "external_ref": input.content.external_ref,
            "digest": input.received.digest,
            "received_at": instant_text(&input.received.at),
        });
        let jws = envelope.keys.sign_record(TYPE, &claims).map_err(Problem::internal)?;
        rows.push((receipts::input_id.eq(input.meta.id), receipts::ledger_id.eq(ledger), receipts::jws.eq(jws)));
    }
    let kept: QueryResult<()> = crate::insert_many!(&mut *tx.conn, receipts::table, rows);
    Ok(kept?)
}

/// The receipt of an input.
pub fn read(conn: &mut AnyConnection, reach: &Reach, input: Id) -> Result<String, Problem> {
    let jws = receipts::table
        .filter(receipts::input_id.eq(input))
        .filter(receipts::ledger_id.eq(reach.ledger))
        .select(receipts::jws);
    Ok(jws.first(conn)?)
}

/// The `Link` of an input to its receipt.
pub fn link(reach: &Reach, input: Id) -> String {
    format!("<{}/receipt>; rel=\"receipt\"; type=\"application/jose\"", place::<Input>(&reach.slug, &input.to_string()))
}
