//! Data of a person that is shown to nobody but them and the admins who must act.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    access::Tx,
    db::{At, Id},
    schema::account_people as t,
};

/// Shows a person's data to nobody else from now on. One that is restricted already stays so since then.
pub fn begin(tx: &mut Tx<'_>, account: Id) -> QueryResult<usize> {
    let shown = t::table.find(account).filter(t::restricted_at.is_null());
    diesel::update(shown).set(t::restricted_at.eq(At(tx.now))).execute(tx.conn)
}

/// Shows it again.
pub fn lift(tx: &mut Tx<'_>, account: Id) -> QueryResult<usize> {
    diesel::update(t::table.find(account)).set(t::restricted_at.eq(None::<At>)).execute(tx.conn)
}

/// Takes back the restriction that began with a request which is refused.
pub fn take_back(tx: &mut Tx<'_>, account: Id, asked_at: DateTime<Utc>) -> QueryResult<usize> {
    let begun = t::table.find(account).filter(t::restricted_at.eq(At(asked_at)));
    diesel::update(begun).set(t::restricted_at.eq(None::<At>)).execute(tx.conn)
}
