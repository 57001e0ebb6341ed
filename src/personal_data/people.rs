//! The one place that decides who is shown the name and the address of an account, and that notes it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::{
    access::{Person, Reach},
    accounts::Digest,
    db::{AnyConnection, At, Id},
    policy::Role,
    problem::Problem,
    schema::account_people as t,
};

/// What a caller may know of a person; nothing of one who was erased.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub email: Option<String>,
    pub name: Option<String>,
    pub digest: Option<Digest>,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    /// Since when their data is shown to them and to admins alone.
    pub restricted_at: Option<DateTime<Utc>>,
}

/// Whether the caller is shown who an account is: that of somebody who asked for a restriction, only they and the admins who
/// must act on it.
fn shows(reach: &Reach, account: Id, restricted: bool) -> bool {
    !restricted || reach.account == account || reach.roles.has(Role::Admin)
}

/// What the caller may know of the people of these accounts. Whoever is shown to somebody else is noted.
pub fn known(conn: &mut AnyConnection, reach: &Reach, accounts: &[Id]) -> Result<HashMap<Id, Known>, Problem> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    type Row = (Id, String, String, String, Option<At>, Option<At>);
    let rows: Vec<Row> = t::table
        .filter(t::account_id.eq_any(accounts.iter().copied()))
        .select((t::account_id, t::email, t::name, t::digest, t::last_sign_in_at, t::restricted_at))
        .load(conn)?;
    let told = rows.into_iter().map(|(account, email, name, digest, last, restricted)| {
        let restricted_at = restricted.map(|At(at)| at);
        // Of a person who was erased, both are empty.
        if email.is_empty() || !shows(reach, account, restricted_at.is_some()) {
            return (account, Known { restricted_at, ..Known::default() });
        }
        if account != reach.account {
            reach.shown.note(Person::Account(account));
        }
        let last_sign_in_at = last.map(|At(at)| at);
        (
            account,
            Known {
                email: Some(email),
                name: Some(name),
                digest: Some(Digest::named(&digest)),
                last_sign_in_at,
                restricted_at,
            },
        )
    });
    Ok(told.collect())
}
