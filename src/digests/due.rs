//! Who is to get a digest now.

use std::time::Duration;

use actix_web::web;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use crate::{
    accounts::{Digest, Language, is_open},
    db::{AnyConnection, At, Id, Lane, write_transaction},
    mail::{self, MailKind, NewMail},
    problem::Problem,
    programs::time_zone_named,
    schema::{account_people, account_revisions, membership_revisions, program_revisions},
    service::Service,
    worker::{self, Bell},
};

/// How often a process looks for digests that are due.
const EVERY: Duration = Duration::from_secs(60);

/// Puts digests into the queue when they are due, until the process is told to stop.
pub async fn work(service: web::Data<Service>) {
    let look = async || enqueue_due(&service).await.map(|_| false);
    worker::run(&service, &Bell::default(), EVERY, look).await;
}

/// Puts each digest that is due into the queue, once. Answers how many.
pub async fn enqueue_due(service: &web::Data<Service>) -> Result<usize, Problem> {
    let (now, hour) = (service.clock.now(), service.settings.digest_hour);
    let enqueue = move |conn: &mut AnyConnection| {
        let mut count = 0;
        for reader in readers(conn, now)? {
            let due = last_due(now, reader.zone, hour);
            let waits = reader.digest_at.is_none_or(|at| at < due);
            if waits && write_transaction(conn, |conn| reader.enqueue(conn, due, now))? {
                count += 1;
            }
        }
        Ok(count)
    };
    let count = service.db.run(Lane::Long, enqueue).await?;
    if count > 0 {
        service.mails.ring();
    }
    Ok(count)
}

/// Somebody who wants a digest every day.
struct Reader {
    account: Id,
    email: String,
    /// When they chose it, or when the last one was put into the queue.
    digest_at: Option<DateTime<Utc>>,
    zone: Tz,
}

/// Those who can sign in and are members of a programme that goes on, each where the oldest of their memberships is.
fn readers(conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<Vec<Reader>, Problem> {
    use account_people as people;
    use account_revisions as account;
    use membership_revisions as held;
    use program_revisions as program;
    type Who = (Id, String, Option<At>, String, Option<NaiveDate>);
    type Where = (String, NaiveDate, Option<NaiveDate>);
    let rows: Vec<(Who, Where)> = people::table
        .inner_join(account::table.on(account::subject_id.eq(people::account_id).and(account::seq_to.is_null())))
        .inner_join(held::table.on(held::account_id.eq(people::account_id).and(held::seq_to.is_null())))
        .inner_join(program::table.on(program::subject_id.eq(held::ledger_id).and(program::seq_to.is_null())))
        .filter(people::digest.eq(Digest::Daily.name()))
        .filter(held::state.eq("active"))
        .filter(program::state.eq("active"))
        .order((people::account_id, held::subject_id))
        .select((
            (people::account_id, people::email, people::digest_at, account::state, account::expires_on),
            (program::time_zone, held::from_on, held::until_on),
        ))
        .load(conn)?;
    let mut readers: Vec<Reader> = Vec::new();
    for ((account, email, digest_at, state, expires_on), (zone, from_on, until_on)) in rows {
        let known = readers.last().is_some_and(|reader| reader.account == account);
        let zone = time_zone_named(&zone)?;
        let today = now.with_timezone(&zone).date_naive();
        let holds = from_on <= today && until_on.is_none_or(|until| today <= until);
        if !known && holds && is_open(&state, expires_on, now) {
            readers.push(Reader { account, email, digest_at: digest_at.map(|At(at)| at), zone });
        }
    }
    Ok(readers)
}

impl Reader {
    /// Notes that the digest is on its way and puts it into the queue, unless another process was quicker or it is not
    /// wanted any more.
    fn enqueue(&self, conn: &mut AnyConnection, due: DateTime<Utc>, now: DateTime<Utc>) -> Result<bool, Problem> {
        use account_people as t;
        let waiting = t::table
            .find(self.account)
            .filter(t::digest.eq(Digest::Daily.name()))
            .filter(t::digest_at.is_null().or(t::digest_at.lt(At(due))));
        if diesel::update(waiting).set(t::digest_at.eq(At(now))).execute(conn)? == 0 {
            return Ok(false);
        }
        let mail = NewMail {
            kind: MailKind::Digest,
            recipient: &self.email,
            account: Some(self.account),
            subject: None,
            // It is looked up at sending, like all that the mail says.
            language: Language::default(),
        };
        mail::enqueue(conn, &mail, now)?;
        Ok(true)
    }
}

/// When a digest was last due there.
fn last_due(now: DateTime<Utc>, zone: Tz, hour: u32) -> DateTime<Utc> {
    let today = now.with_timezone(&zone).date_naive();
    let due = at(today, zone, hour);
    if due <= now { due } else { at(today.checked_sub_days(Days::new(1)).unwrap_or(today), zone, hour) }
}

/// An hour of a day there; where clocks are put forward over it, the next.
fn at(day: NaiveDate, zone: Tz, hour: u32) -> DateTime<Utc> {
    let local = day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default());
    let there = |local| zone.from_local_datetime(&local).earliest();
    let found = there(local).or_else(|| there(local + TimeDelta::hours(1)));
    found.map_or_else(|| local.and_utc(), |found| found.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_one_hour_of_each_day_wherever_that_is() {
        let due = |now: &str, zone: Tz, hour: u32| {
            let due = last_due(now.parse().unwrap(), zone, hour);
            due.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        };
        let jakarta = chrono_tz::Asia::Jakarta;
        assert_eq!(due("2026-01-15T00:00:00Z", jakarta, 7), "2026-01-15T00:00:00Z");
        assert_eq!(due("2026-01-14T23:59:59Z", jakarta, 7), "2026-01-14T00:00:00Z");
        assert_eq!(due("2026-01-15T16:59:00Z", jakarta, 7), "2026-01-15T00:00:00Z");
        // Clocks go from 1:00 to 2:00 on the first of these days, and from 2:00 to 1:00 on the second.
        let lisbon = chrono_tz::Europe::Lisbon;
        assert_eq!(due("2026-03-29T12:00:00Z", lisbon, 1), "2026-03-29T01:00:00Z");
        assert_eq!(due("2026-10-25T12:00:00Z", lisbon, 1), "2026-10-25T00:00:00Z");
        assert_eq!(due("2026-10-25T00:30:00Z", lisbon, 1), "2026-10-25T00:00:00Z");
    }
}
