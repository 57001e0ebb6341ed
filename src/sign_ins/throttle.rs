//! Failed sign-ins are counted for each account and each address, in the database, so that every instance
//! counts the same. An address that nobody has is counted like one that somebody has. So are requests that send mail.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use crate::{
    accounts::fold,
    db::{AnyConnection, At},
    problem::Problem,
    proxies::network,
    schema::sign_in_failures,
    secret::hex,
};

/// Failures within this time count together.
const WINDOW: TimeDelta = TimeDelta::minutes(15);
const FOR_ACCOUNT: i32 = 10;
const FOR_ADDRESS: i32 = 100;
/// How much mail goes to one address, and on behalf of one network.
const MAILS_TO: i32 = 3;
const MAILS_FROM: i32 = 30;

/// What something is counted under, and how often each bears it.
pub struct Throttle(Vec<(String, i32)>);

impl Throttle {
    /// Of failures to sign in.
    pub fn of_sign_in(email: &str, address: Option<IpAddr>) -> Throttle {
        let mut subjects = vec![(format!("account:{}", hidden(email)), FOR_ACCOUNT)];
        subjects.extend(address.map(|address| (format!("address:{}", network(address)), FOR_ADDRESS)));
        Throttle(subjects)
    }

    /// Of mails that somebody lets us send to an address.
    pub fn of_mail(email: &str, from: &str) -> Throttle {
        Throttle(vec![(format!("mail-to:{}", hidden(email)), MAILS_TO), (format!("mail-from:{from}"), MAILS_FROM)])
    }

    /// Forgets what was counted for an address.
    pub fn forget(conn: &mut AnyConnection, email: &str) -> QueryResult<()> {
        let subjects = [format!("account:{}", hidden(email)), format!("mail-to:{}", hidden(email))];
        diesel::delete(sign_in_failures::table.filter(sign_in_failures::subject.eq_any(subjects)))
            .execute(conn)
            .map(drop)
    }

    /// Refuses while there were too many under any of them.
    pub fn check(&self, conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<(), Problem> {
        for (subject, limit) in &self.0 {
            let known: Option<(At, i32)> = sign_in_failures::table
                .find(subject)
                .select((sign_in_failures::since, sign_in_failures::count))
                .first(conn)
                .optional()?;
            if let Some((At(since), count)) = known
                && count >= *limit
                && now < since + WINDOW
            {
                let wait = (since + WINDOW - now).num_seconds().max(1);
                return Err(Problem::TooManyRequests { retry_after_s: wait.unsigned_abs() });
            }
        }
        Ok(())
    }

    /// Counts one under each.
    pub fn count(&self, conn: &mut AnyConnection, now: DateTime<Utc>) -> Result<(), Problem> {
        for (subject, _) in &self.0 {
            let counted = diesel::update(sign_in_failures::table.find(subject))
                .filter(sign_in_failures::since.gt(At(now - WINDOW)))
                .set(sign_in_failures::count.eq(sign_in_failures::count + 1))
                .execute(conn)?;
            if counted == 0 {
                begin_counting(conn, subject, now)?;
            }
        }
        Ok(())
    }

    /// Forgets the account's failures: its owner has shown up. The address's stay.
    pub fn succeeded(&self, conn: &mut AnyConnection) -> Result<(), Problem> {
        if let Some((subject, _)) = self.0.first() {
            diesel::delete(sign_in_failures::table.find(subject)).execute(conn)?;
        }
        Ok(())
    }
}

/// The address itself is personal data: its hash counts as well.
fn hidden(email: &str) -> String {
    hex(&Sha256::digest(fold(email))[..16])
}

/// The first failure of a window. Another instance may count the same one at this moment: then it is the second.
fn begin_counting(conn: &mut AnyConnection, subject: &str, now: DateTime<Utc>) -> QueryResult<usize> {
    // Diesel has no ON CONFLICT for two databases; the text is the same on both.
    let first = diesel::sql_query(
        "insert into sign_in_failures (subject, since, count) values ($1, $2, 1) on conflict (subject) do update \
         set count = case when sign_in_failures.since > $3 then sign_in_failures.count + 1 else 1 end, \
         since = case when sign_in_failures.since > $4 then sign_in_failures.since else excluded.since end",
    );
    let window = At(now - WINDOW);
    first
        .bind::<diesel::sql_types::Text, _>(subject)
        .bind::<crate::db::sql::Instant, _>(At(now))
        .bind::<crate::db::sql::Instant, _>(window)
        .bind::<crate::db::sql::Instant, _>(window)
        .execute(conn)
}

/// Forgets what no longer counts.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(sign_in_failures::table.filter(sign_in_failures::since.lt(At(now - WINDOW)))).execute(conn)
}
