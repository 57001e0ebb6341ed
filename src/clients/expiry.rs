//! Telling of clients that are about to end: a row of the ledger 30 days before, 7 days and 1 day before, which feeds and
//! webhooks tell of.

use actix_web::web;
use chrono::{DateTime, Days, Utc};
use diesel::prelude::*;

use super::model::Client;
use crate::{
    access::{Reach, System},
    db::{AnyConnection, Id, Lane},
    policy::{Role, Roles},
    problem::Problem,
    programs::time_zone_named,
    schema::{client_revisions, program_revisions},
    service::Service,
    versioned::{self, Resource},
};

/// How many days before its end a client is told of.
const TOLD_BEFORE: [i64; 3] = [1, 7, 30];

/// What the ledger calls it.
const ACT: &str = "client.expiring";

struct Due {
    program: Id,
    slug: String,
    client: Id,
    days: i64,
}

/// Tells of each client whose end is near and that was not told of for this stretch. Answers how many.
pub async fn tell_of_expiry(service: &web::Data<Service>) -> Result<usize, Problem> {
    let shared = service.clone();
    let now = service.clock.now();
    let tell = move |conn: &mut AnyConnection| {
        let due = due(conn, now)?;
        due.iter().try_for_each(|one| tell(conn, &shared, one, now))?;
        Ok(due.len())
    };
    service.db.run(Lane::Long, tell).await
}

fn due(conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<Vec<Due>, Problem> {
    use client_revisions as client;
    use program_revisions as program;
    // A day more: it may be tomorrow already where the programme is.
    let horizon = now.date_naive().checked_add_days(Days::new(31)).unwrap_or(now.date_naive());
    let rows: Vec<(Id, String, String, String)> = client::table
        .inner_join(program::table.on(program::subject_id.eq(client::ledger_id)))
        .filter(client::seq_to.is_null())
        .filter(client::state.eq("active"))
        .filter(client::expires_on.le(horizon))
        .filter(program::seq_to.is_null())
        .filter(program::state.eq("active"))
        .order(client::subject_id)
        .select((client::ledger_id, program::slug, program::time_zone, client::body))
        .load(conn)?;
    let mut due = Vec::new();
    for (program, slug, time_zone, body) in rows {
        let client: Client = versioned::parse(&body)?;
        let today = now.with_timezone(&time_zone_named(&time_zone)?).date_naive();
        let left = (client.content.expires_on - today).num_days();
        let stretch = TOLD_BEFORE.into_iter().find(|days| left <= *days).filter(|_| left >= 0);
        if let Some(days) = stretch.filter(|days| client.expiry_told_days.is_none_or(|told| told > *days)) {
            due.push(Due { program, slug, client: client.meta.id, days });
        }
    }
    Ok(due)
}

fn tell(conn: &mut AnyConnection, service: &Service, due: &Due, now: DateTime<Utc>) -> Result<(), Problem> {
    let system = System { act: ACT, request_id: "expiry".into(), now, schemas: service.schemas.clone() };
    let reach = Reach {
        ledger: due.program,
        slug: due.slug.as_str().into(),
        roles: Roles::of(&[Role::Secretariat]),
        ..Reach::platform()
    };
    system.write(conn, reach, |tx| {
        let mut client: Client = tx.look(due.client)?;
        // Another instance may have told of it, or somebody changed it, a moment ago.
        let told = client.expiry_told_days.is_some_and(|told| told <= due.days);
        if told || client.state() != "active" {
            return Ok(tx.unchanged(client));
        }
        client.expiry_told_days = Some(due.days);
        tx.change(client, None)
    })?;
    Ok(())
}
