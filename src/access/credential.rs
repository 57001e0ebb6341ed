//! What a client comes with: its key, or an access token that it got for it.

use std::sync::Arc;

use actix_web::web;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::identity::{Caller, Held, Machine, Withheld};
use crate::{
    clients::Client,
    db::{AnyConnection, At, Id, Lane},
    policy::{Action, Actions, Roles},
    problem::Problem,
    programs::time_zone_named,
    schema::{client_keys, client_revisions, program_revisions, revoked_tokens},
    service::Service,
    token::{AccessClaims, ClientClaims},
    versioned,
};

/// How a key is named: by what the client shows of it, or by its id.
#[derive(Clone, Debug)]
pub enum Credential {
    /// What [`crate::secret::hash`] makes of it.
    Hash(String),
    Key(Id),
}

/// How old the time of a key's last use may be before it is written again.
const USE_NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

impl Credential {
    /// The kind of secret that a client's key is.
    pub const KIND: &str = "ck";
}

/// A key with its client and its programme.
type Row = (Id, Option<NaiveDate>, Option<At>, Id, String, String, String, String);

impl Caller {
    /// Notes that a client's key was used, unless that was noted a moment ago. Nobody waits for it.
    pub fn note_use(&self, service: &web::Data<Service>, now: DateTime<Utc>) {
        let long_ago = |machine: &&Machine| machine.last_used_at.is_none_or(|last| now - last >= USE_NOTED_EVERY);
        let Some(machine) = self.machine.as_ref().filter(long_ago) else { return };
        let (service, key) = (service.clone(), machine.key);
        actix_web::rt::spawn(async move {
            let noted = service.db.run(Lane::Write, move |conn| {
                diesel::update(client_keys::table.find(key))
                    .set(client_keys::last_used_at.eq(At(now)))
                    .execute(conn)?;
                Ok(())
            });
            if let Err(problem) = noted.await {
                log::warn!("the use of a client's key could not be noted: {}", problem.name());
            }
        });
    }

    /// The client that a key is of, if both hold at `now`.
    pub fn by_key(
        conn: &mut AnyConnection,
        credential: &Credential,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, Problem> {
        use client_revisions as client;
        use program_revisions as program;
        let mut query = client_keys::table
            .inner_join(client::table.on(client::subject_id.eq(client_keys::client_id)))
            .inner_join(program::table.on(program::subject_id.eq(client_keys::ledger_id)))
            .filter(client_keys::ended_at.is_null())
            .filter(client::seq_to.is_null())
            .filter(client::state.eq("active"))
            .filter(program::seq_to.is_null())
            .select((
                client_keys::id,
                client_keys::expires_on,
                client_keys::last_used_at,
                client_keys::ledger_id,
                client::body,
                program::slug,
                program::state,
                program::time_zone,
            ))
            .into_boxed();
        query = match credential {
            Credential::Hash(hash) => query.filter(client_keys::hash.eq(hash)),
            Credential::Key(id) => query.filter(client_keys::id.eq(*id)),
        };
        let found: Option<Row> = query.first(conn).optional()?;
        let caller = found.map(of_row).transpose()?;
        Ok(caller.filter(|caller| caller.memberships.iter().all(|held| held.holds(now))))
    }

    /// The client that an access token was made for, if its key still holds and the token was not taken back.
    pub(super) fn by_client_token(
        conn: &mut AnyConnection,
        claims: &AccessClaims,
        of_client: &ClientClaims,
        now: DateTime<Utc>,
    ) -> Result<Option<Caller>, Problem> {
        let revoked: i64 =
            revoked_tokens::table.filter(revoked_tokens::id.eq(&of_client.token)).count().get_result(conn)?;
        if revoked > 0 {
            return Ok(None);
        }
        let found = Caller::by_key(conn, &Credential::Key(Id(claims.family)), now)?;
        let mut found = found.filter(|caller| caller.account == Id(claims.account));
        if let (Some(machine), Some(scope)) =
            (found.as_mut().and_then(|caller| caller.machine.as_mut()), &of_client.scope)
        {
            // What the client asked for itself: it narrows, and never widens.
            let asked: Actions = scope.split(' ').filter_map(Action::named).collect();
            machine.scopes = machine.scopes.meet(asked);
        }
        Ok(found)
    }
}

fn of_row(row: Row) -> Result<Caller, Problem> {
    let (key, key_expires_on, last_used_at, program, body, slug, program_state, time_zone) = row;
    let client: Client = versioned::parse(&body)?;
    let time_zone = time_zone_named(&time_zone)?;
    let until_on = key_expires_on.map_or(client.content.expires_on, |day| day.min(client.content.expires_on));
    let slug: Arc<str> = slug.into();
    let held = Held {
        id: client.meta.id,
        program,
        slug: slug.clone(),
        role: client.role.role(),
        stakeholder: client.stakeholder_id,
        from_on: client.meta.created_at.with_timezone(&time_zone).date_naive(),
        until_on: Some(until_on),
        time_zone,
        program_active: program_state == "active",
    };
    let machine = Machine {
        key,
        scopes: client.scopes(),
        allowed_addresses: client.networks(),
        last_used_at: last_used_at.map(|At(at)| at),
    };
    Ok(Caller {
        account: client.meta.id,
        sign_in: Id::NIL,
        machine: Some(machine),
        expires_at: end_of(until_on, time_zone),
        admin: false,
        memberships: vec![held],
        programs: Vec::new(),
        // A machine has no second factor to show.
        unproven: Roles::default(),
        withheld: Withheld::default(),
    })
}

/// The instant at which a day ends in a time zone.
pub fn end_of(day: NaiveDate, time_zone: Tz) -> DateTime<Utc> {
    let midnight = day.checked_add_days(Days::new(1)).map(|next| next.and_time(NaiveTime::MIN));
    let local = midnight.and_then(|midnight| time_zone.from_local_datetime(&midnight).earliest());
    local.map_or(DateTime::<Utc>::MAX_UTC, |local| local.with_timezone(&Utc))
}
