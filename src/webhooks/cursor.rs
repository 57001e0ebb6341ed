//! How far the messages of a webhook have come, and who sends them now. A row that is not versioned: it changes with
//! every message.
//!
//! A lease is held by its token. It runs out by the clock, and whoever finds it run out takes it; but only who holds it
//! moves the cursor, so a process that was thought dead and is not moves nothing any more. A clock that was set back
//! would make leases and waits last as long as it was set back by: a lease that ends later than one taken now would is
//! cut to that, and a wait that was begun in what is now the future is over.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    dsl::{count, count_star, max},
    prelude::*,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{model::WebhookRange, schedule};
use crate::{
    db::{AnyConnection, At, Backend, Id},
    problem::Problem,
    schema::{ledgers, webhook_cursors as t},
};

/// How long a lease holds that is not renewed: three attempts that time out.
pub const LEASE: TimeDelta = TimeDelta::seconds(45);

/// How far a webhook has come.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookDelivery {
    /// The last row of the ledger that it is done with.
    pub sequence: i64,
    /// The ledger's last row.
    pub head_sequence: i64,
    /// The rows between them. Not every row makes a message.
    pub lag: i64,
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// When the message that does not go through failed first; null while nothing fails.
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub failing_since: Option<DateTime<Utc>>,
    /// The message that does not go through, and keeps the others waiting.
    pub failing_sequence: Option<i64>,
    /// The attempts at that message, all of which failed.
    #[schema(minimum = 0)]
    pub failures: i32,
    #[serde(serialize_with = "crate::db::types::serialize_instant_if_any")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What is still to be sent again by hand.
    pub replaying: Option<WebhookRange>,
}

/// How delivery fares in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Deliveries {
    pub active: i64,
    /// Of the active ones, those whose next message has failed already.
    pub failing: i64,
    /// The most rows that an active one has yet to come to.
    pub lag: Option<i64>,
}

impl Deliveries {
    pub fn now(conn: &mut AnyConnection) -> QueryResult<Deliveries> {
        t::table
            .inner_join(ledgers::table.on(ledgers::id.eq(t::ledger_id)))
            .filter(t::active)
            .select((count_star(), count(t::failing_sequence), max(ledgers::sequence - t::passed)))
            .first(conn)
    }
}

/// The row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = t, check_for_backend(Backend))]
pub struct Cursor {
    #[diesel(column_name = webhook_id)]
    pub webhook: Id,
    #[diesel(column_name = ledger_id)]
    pub ledger: Id,
    /// The last row that it is done with.
    pub passed: i64,
    /// While a range is sent again: the last row of it that is done, and the last that is to be.
    pub replay_passed: Option<i64>,
    pub replay_to: Option<i64>,
    pub failing_sequence: Option<i64>,
    pub failing_since: Option<At>,
    pub failures: i32,
    pub next_attempt_at: Option<At>,
    pub last_success_at: Option<At>,
    /// The attempts that were ever made.
    pub attempts: i64,
}

impl Cursor {
    /// A new webhook is told of what comes after the row that made it.
    pub fn begin(conn: &mut AnyConnection, ledger: Id, webhook: Id, at: i64, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::insert_into(t::table)
            .values((
                t::webhook_id.eq(webhook),
                t::ledger_id.eq(ledger),
                t::active.eq(false),
                t::passed.eq(at),
                t::lease_until.eq(At(now)),
                t::failures.eq(0),
                t::attempts.eq(0_i64),
            ))
            .execute(conn)
    }

    pub fn of(conn: &mut AnyConnection, webhook: Id) -> QueryResult<Cursor> {
        t::table.find(webhook).select(Cursor::as_select()).first(conn)
    }

    /// The cursor, if this lease still holds it.
    pub fn held(conn: &mut AnyConnection, webhook: Id, owner: Id) -> QueryResult<Option<Cursor>> {
        t::table.find(webhook).filter(t::lease_owner.eq(owner)).select(Cursor::as_select()).first(conn).optional()
    }

    /// How far each has come.
    pub fn told(conn: &mut AnyConnection, webhooks: &[Id]) -> QueryResult<Vec<(Id, WebhookDelivery)>> {
        let rows: Vec<(Cursor, i64)> = t::table
            .inner_join(ledgers::table.on(ledgers::id.eq(t::ledger_id)))
            .filter(t::webhook_id.eq_any(webhooks.iter().copied()))
            .select((Cursor::as_select(), ledgers::sequence))
            .load(conn)?;
        Ok(rows.into_iter().map(|(cursor, head)| (cursor.webhook, cursor.tell(head))).collect())
    }

    fn tell(self, head: i64) -> WebhookDelivery {
        // Inside the change that makes it, the ledger's head is not stored yet.
        let head = head.max(self.passed);
        let replaying = self.replay_passed.zip(self.replay_to);
        WebhookDelivery {
            sequence: self.passed,
            head_sequence: head,
            lag: head - self.passed,
            last_success_at: self.last_success_at.map(Into::into),
            failing_since: self.failing_since.map(Into::into),
            failing_sequence: self.failing_sequence,
            failures: self.failures,
            next_attempt_at: self.next_attempt_at.map(Into::into),
            replaying: replaying.map(|(passed, to)| WebhookRange { from_sequence: passed + 1, to_sequence: to }),
        }
    }

    /// Takes the lease from whoever sends, until the end of the transaction for good: then nobody moves the cursor.
    pub fn stop(conn: &mut AnyConnection, webhook: Id) -> QueryResult<Cursor> {
        diesel::update(t::table.find(webhook)).set(t::lease_owner.eq(None::<Id>)).execute(conn)?;
        Cursor::of(conn, webhook)
    }

    /// Begins anew with whatever stands first. Who sends now holds the lease no more.
    pub fn restart(conn: &mut AnyConnection, webhook: Id, active: bool) -> QueryResult<usize> {
        diesel::update(t::table.find(webhook))
            .set((
                t::active.eq(active),
                t::lease_owner.eq(None::<Id>),
                t::failing_sequence.eq(None::<i64>),
                t::failing_since.eq(None::<At>),
                t::failures.eq(0),
                t::next_attempt_at.eq(None::<At>),
            ))
            .execute(conn)
    }

    /// Puts these rows before what is still to come.
    pub fn replay(conn: &mut AnyConnection, webhook: Id, range: WebhookRange) -> QueryResult<usize> {
        diesel::update(t::table.find(webhook))
            .set((t::replay_passed.eq(range.from_sequence - 1), t::replay_to.eq(range.to_sequence)))
            .execute(conn)
    }

    /// Leaves out the message that does not go through.
    pub fn skip(conn: &mut AnyConnection, cursor: &Cursor, sequence: i64) -> QueryResult<usize> {
        pass(conn, cursor, sequence, None)
    }

    /// The active webhooks that have something to send and that nobody sends for, those first that waited longest.
    pub fn due(conn: &mut AnyConnection, now: DateTime<Utc>, limit: i64) -> QueryResult<Vec<Id>> {
        let at = At(now);
        t::table
            .inner_join(ledgers::table.on(ledgers::id.eq(t::ledger_id)))
            .filter(t::active)
            .filter(t::lease_owner.is_null().or(t::lease_until.le(at)))
            .filter(t::next_attempt_at.is_null().or(t::next_attempt_at.le(at)).or(t::tried_at.gt(at)))
            .filter(t::passed.lt(ledgers::sequence).or(t::replay_to.is_not_null()))
            .order((t::lease_until, t::webhook_id))
            .limit(limit)
            .select(t::webhook_id)
            .load(conn)
    }

    /// Whether there are leases that end later than one that is taken now.
    pub fn overlong(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<bool> {
        diesel::select(diesel::dsl::exists(t::table.filter(t::lease_until.gt(At(now + LEASE))))).get_result(conn)
    }

    /// Cuts them: who holds one and lives renews it in time.
    pub fn cut(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
        let end = At(now + LEASE);
        diesel::update(t::table.filter(t::lease_until.gt(end))).set(t::lease_until.eq(end)).execute(conn)
    }

    /// Takes the lease, if nobody has it.
    pub fn claim(conn: &mut AnyConnection, webhook: Id, owner: Id, now: DateTime<Utc>) -> QueryResult<bool> {
        let free = t::lease_owner.is_null().or(t::lease_until.le(At(now)));
        let claimed = diesel::update(t::table.find(webhook).filter(t::active).filter(free))
            .set((t::lease_owner.eq(owner), t::lease_until.eq(At(now + LEASE))))
            .execute(conn)?;
        Ok(claimed > 0)
    }

    /// Gives the lease up. When it was held last says whose turn it is next.
    pub fn release(conn: &mut AnyConnection, webhook: Id, owner: Id, now: DateTime<Utc>) -> QueryResult<usize> {
        diesel::update(t::table.find(webhook).filter(t::lease_owner.eq(owner)))
            .set((t::lease_owner.eq(None::<Id>), t::lease_until.eq(At(now))))
            .execute(conn)
    }

    /// Renews the lease and counts an attempt; `None` if somebody else has it now. From here to the end of the
    /// transaction nobody else moves the cursor.
    pub fn count(conn: &mut AnyConnection, webhook: Id, owner: Id, now: DateTime<Utc>) -> QueryResult<Option<Cursor>> {
        let held = diesel::update(t::table.find(webhook).filter(t::lease_owner.eq(owner)))
            .set((t::attempts.eq(t::attempts + 1), t::tried_at.eq(At(now)), t::lease_until.eq(At(now + LEASE))))
            .execute(conn)?;
        if held == 0 { Ok(None) } else { Cursor::of(conn, webhook).map(Some) }
    }

    /// Counts an attempt that moves nothing; its number.
    pub fn count_test(conn: &mut AnyConnection, webhook: Id) -> QueryResult<i64> {
        diesel::update(t::table.find(webhook)).set(t::attempts.eq(t::attempts + 1)).execute(conn)?;
        t::table.find(webhook).select(t::attempts).first(conn)
    }

    /// Notes what came of the attempt that [`Cursor::count`] counted.
    pub fn note(
        &self,
        conn: &mut AnyConnection,
        sequence: i64,
        next: schedule::Next,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let again = match next {
            schedule::Next::Delivered => {
                pass(conn, self, sequence, Some(now))?;
                return Ok(());
            }
            schedule::Next::Again(at) => Some(At(at)),
            schedule::Next::Gone | schedule::Next::GiveUp => None,
        };
        // A failure of another message begins anew.
        let since = self.failing_since.filter(|_| self.failing_sequence == Some(sequence));
        diesel::update(t::table.find(self.webhook))
            .set((
                t::failing_sequence.eq(sequence),
                t::failing_since.eq(since.unwrap_or(At(now))),
                t::failures.eq(self.failures_of(sequence) + 1),
                t::next_attempt_at.eq(again),
            ))
            .execute(conn)?;
        Ok(())
    }

    /// How many attempts at this message failed already.
    pub fn failures_of(&self, sequence: i64) -> i32 {
        if self.failing_sequence == Some(sequence) { self.failures } else { 0 }
    }

    /// Disables it: nobody holds the lease any more. What failed last stays to be seen.
    pub fn disable(conn: &mut AnyConnection, webhook: Id) -> QueryResult<usize> {
        diesel::update(t::table.find(webhook))
            .set((t::active.eq(false), t::lease_owner.eq(None::<Id>), t::next_attempt_at.eq(None::<At>)))
            .execute(conn)
    }

    /// Moves on over rows that say nothing to it.
    pub fn move_on(conn: &mut AnyConnection, cursor: &Cursor, owner: Id, to: i64) -> QueryResult<usize> {
        let held = diesel::update(t::table.find(cursor.webhook).filter(t::lease_owner.eq(owner)));
        if held.set(t::lease_owner.eq(owner)).execute(conn)? == 0 {
            return Ok(0);
        }
        pass(conn, cursor, to, None)
    }
}

/// Moves past a row, of the range that is sent again or of all; `sent_at` where its message went through.
fn pass(
    conn: &mut AnyConnection,
    cursor: &Cursor,
    sequence: i64,
    sent_at: Option<DateTime<Utc>>,
) -> QueryResult<usize> {
    let (passed, replay_passed, replay_to) = match cursor.replay_to {
        Some(to) if sequence < to => (cursor.passed, Some(sequence), Some(to)),
        Some(_) => (cursor.passed, None, None),
        None => (sequence.max(cursor.passed), None, None),
    };
    diesel::update(t::table.find(cursor.webhook))
        .set((
            t::passed.eq(passed),
            t::replay_passed.eq(replay_passed),
            t::replay_to.eq(replay_to),
            t::failing_sequence.eq(None::<i64>),
            t::failing_since.eq(None::<At>),
            t::failures.eq(0),
            t::next_attempt_at.eq(None::<At>),
            sent_at.map(|at| t::last_success_at.eq(At(at))),
        ))
        .execute(conn)
}
