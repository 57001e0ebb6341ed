//! Delivering, step by step: take the lease, look what is next, send it, note what came of it. Between any two steps the
//! process may die or lose the lease.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use actix_web::web;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

pub use super::letters::Letter;
use super::{
    attempts::WebhookAttempt,
    client::{Answered, Client, Outbound},
    cursor::Cursor,
    letters::{self, Found},
    model::{Webhook, WebhookDisabled, WebhookDisabledWhy, WebhookState},
    schedule::{self, Next},
};
use crate::{
    access::{Reach, Recorded, System, Tx},
    db::{AnyConnection, Id, Lane, lazy_transaction, read_transaction},
    policy::{Role, Roles},
    problem::Problem,
    service::Service,
};

/// What messages were made ready this long ago is looked at anew: rights are a little old at most.
const FRESH: Duration = Duration::from_secs(2);
/// Messages that one webhook may send before it is another's turn.
const TURN: usize = 100;

/// Delivers for one process.
pub struct Courier {
    service: web::Data<Service>,
    client: Client,
    /// The time between two messages, and when the next may go.
    every: Duration,
    next: tokio::sync::Mutex<Instant>,
    ending: AtomicBool,
}

/// The right to send for one webhook, and its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub webhook: Id,
    owner: Id,
}

/// What was made of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    Delivered,
    /// It is tried again later, and so is what comes after it.
    Waits,
    Disabled,
    /// Somebody else has the lease: nothing was noted.
    Lost,
}

impl Courier {
    pub fn new(service: web::Data<Service>, settings: &Outbound) -> Courier {
        let every = Duration::from_secs(1) / settings.rate.max(1);
        let next = tokio::sync::Mutex::new(Instant::now());
        Courier { service, client: Client::new(settings), every, next, ending: AtomicBool::new(false) }
    }

    /// Takes no new message any more.
    pub fn end(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    /// The webhooks that have something to send, at most so many.
    pub async fn due(&self, limit: usize) -> Result<Vec<Id>, Problem> {
        let now = self.service.clock.now();
        let due = move |conn: &mut AnyConnection| {
            if Cursor::overlong(conn, now)? {
                Cursor::cut(conn, now)?;
            }
            Ok(Cursor::due(conn, now, limit as i64)?)
        };
        self.service.db.run(Lane::Long, due).await
    }

    /// Delivers all that is due now, and all that becomes due by that.
    pub async fn round(&self) -> Result<(), Problem> {
        loop {
            let due = self.due(16).await?;
            if due.is_empty() {
                return Ok(());
            }
            let turns = join_all(due.into_iter().map(|webhook| self.turn(webhook))).await;
            turns.into_iter().collect::<Result<Vec<()>, _>>()?;
        }
    }

    /// Sends for one webhook, until it has come to the end, a message does not go through, or it is another's turn.
    pub async fn turn(&self, webhook: Id) -> Result<(), Problem> {
        let Some(lease) = self.claim(webhook).await? else { return Ok(()) };
        let done = self.work_off(&lease).await;
        self.release(lease).await?;
        done
    }

    async fn work_off(&self, lease: &Lease) -> Result<(), Problem> {
        let (mut ready, mut made_at) = (VecDeque::new(), Instant::now());
        for _ in 0..TURN {
            if ready.is_empty() || made_at.elapsed() > FRESH {
                (ready, made_at) = (self.ready(lease).await?.into(), Instant::now());
            }
            let Some(letter) = ready.pop_front().filter(|_| !self.ending.load(Ordering::SeqCst)) else { break };
            self.pace().await;
            let answered = self.send(&letter).await;
            if self.note(lease, &letter, answered).await? != Noted::Delivered {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the next message may go.
    async fn pace(&self) {
        let at = {
            let mut next = self.next.lock().await;
            let at = (*next).max(Instant::now());
            *next = at + self.every;
            at
        };
        sleep_until(at).await;
    }

    /// Takes the lease of a webhook, if nobody has it.
    pub async fn claim(&self, webhook: Id) -> Result<Option<Lease>, Problem> {
        let (owner, now) = (Id::new(), self.service.clock.now());
        let claim = move |conn: &mut AnyConnection| Ok(Cursor::claim(conn, webhook, owner, now)?);
        let claimed = self.service.db.run(Lane::Long, claim).await?;
        Ok(claimed.then_some(Lease { webhook, owner }))
    }

    pub async fn release(&self, lease: Lease) -> Result<(), Problem> {
        let now = self.service.clock.now();
        let release = move |conn: &mut AnyConnection| Ok(Cursor::release(conn, lease.webhook, lease.owner, now)?);
        self.service.db.run(Lane::Long, release).await.map(drop)
    }

    /// The next messages in order; none where there is nothing to send or the lease is lost.
    pub async fn ready(&self, lease: &Lease) -> Result<Vec<Letter>, Problem> {
        let (lease, now) = (*lease, self.service.clock.now());
        loop {
            let service = self.service.clone();
            let find = move |conn: &mut AnyConnection| {
                read_transaction(conn, |conn| {
                    let url = &service.settings.public_url;
                    letters::find(conn, &service.sealer, url, (lease.webhook, lease.owner), now)
                })
            };
            match self.service.db.run(Lane::Long, find).await? {
                Found::Letters(letters) => return Ok(letters),
                Found::End | Found::Lost => return Ok(Vec::new()),
                Found::Nothing { cursor, upto } => self.move_on(lease, cursor, upto).await?,
                Found::NotBacked => {
                    self.disable(lease, WebhookDisabledWhy::NoMembership).await?;
                    return Ok(Vec::new());
                }
            }
        }
    }

    async fn move_on(&self, lease: Lease, cursor: Cursor, upto: i64) -> Result<(), Problem> {
        let work = move |conn: &mut AnyConnection| {
            lazy_transaction(conn, |conn| Ok(Cursor::move_on(conn, &cursor, lease.owner, upto)?))
        };
        self.service.db.run(Lane::Long, work).await.map(drop)
    }

    /// Sends a message once. Nothing is noted.
    pub async fn send(&self, letter: &Letter) -> Answered {
        let timestamp = self.service.clock.now().timestamp();
        let signatures = letter.message.signatures(&letter.keys, timestamp);
        self.client.send(&letter.url, &letter.message, &signatures, timestamp).await
    }

    /// Notes what came of an attempt, and moves on if the message went through. Whoever lost the lease notes nothing.
    pub async fn note(&self, lease: &Lease, letter: &Letter, answered: Answered) -> Result<Noted, Problem> {
        let (lease, letter, now) = (*lease, letter.clone(), self.service.clock.now());
        if schedule::after(&answered, 0, now) == Next::Delivered {
            // If this is lost with the power, the message is sent once more.
            let work = move |conn: &mut AnyConnection| {
                lazy_transaction(conn, |conn| Ok(keep(conn, lease, &letter, &answered, now)?.1))
            };
            return self.service.db.run(Lane::Long, work).await;
        }
        // A failure may be the last: then its row of the ledger is written with it.
        self.change(lease, move |tx| {
            let (why, noted) = keep(tx.conn, lease, &letter, &answered, now)?;
            match why {
                Some(why) => Ok(disable(tx, lease.webhook, why)?.map(|_| noted)),
                None => Ok(tx.unchanged(noted)),
            }
        })
        .await
    }

    async fn disable(&self, lease: Lease, why: WebhookDisabledWhy) -> Result<Noted, Problem> {
        let now = self.service.clock.now();
        self.change(lease, move |tx| {
            if Cursor::count(tx.conn, lease.webhook, lease.owner, now)?.is_none() {
                return Ok(tx.unchanged(Noted::Lost));
            }
            Ok(disable(tx, lease.webhook, why)?.map(|_| Noted::Disabled))
        })
        .await
    }

    /// A change by the service itself on the programme's ledger.
    async fn change(
        &self,
        lease: Lease,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Noted>, Problem> + Send + 'static,
    ) -> Result<Noted, Problem> {
        let service = self.service.clone();
        let change = move |conn: &mut AnyConnection| {
            let ledger = Cursor::of(conn, lease.webhook)?.ledger;
            let reach = Reach { ledger, roles: Roles::of(&[Role::Secretariat]), ..Reach::platform() };
            let (request_id, now) = (format!("webhook-{}", lease.webhook), service.clock.now());
            let system = System { act: "webhook.disable", request_id, now, schemas: service.schemas.clone() };
            system.write(conn, reach, |tx| {
                let noted = work(tx)?;
                let head = tx.sequence()?;
                Ok(noted.map(|noted| (noted, ledger, head)))
            })
        };
        let (noted, ledger, head) = self.service.db.run(Lane::Long, change).await?;
        self.service.watcher.told([(ledger, head)]);
        Ok(noted)
    }
}

/// Keeps an attempt and moves the cursor, if the lease still holds; why the webhook is to be disabled, if it is.
fn keep(
    conn: &mut AnyConnection,
    lease: Lease,
    letter: &Letter,
    answered: &Answered,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(Option<WebhookDisabledWhy>, Noted), Problem> {
    let Some(cursor) = Cursor::count(conn, lease.webhook, lease.owner, now)? else {
        return Ok((None, Noted::Lost));
    };
    WebhookAttempt::of(lease.webhook, cursor.attempts, &letter.message, answered, now).keep(conn)?;
    let next = schedule::after(answered, cursor.failures_of(letter.sequence), now);
    cursor.note(conn, letter.sequence, next, now)?;
    Ok(match next {
        Next::Delivered => (None, Noted::Delivered),
        Next::Again(_) => (None, Noted::Waits),
        Next::Gone => (Some(WebhookDisabledWhy::Gone), Noted::Disabled),
        Next::GiveUp => (Some(WebhookDisabledWhy::GaveUp), Noted::Disabled),
    })
}

fn disable(tx: &mut Tx<'_>, id: Id, why: WebhookDisabledWhy) -> Result<Recorded<Webhook>, Problem> {
    let mut webhook: Webhook = tx.look(id)?;
    webhook.state = WebhookState::Disabled;
    webhook.disabled = Some(WebhookDisabled { why, by_account_id: None, at: tx.now });
    webhook.keep_live(tx.now);
    Cursor::disable(tx.conn, id)?;
    tx.change(webhook, None)
}
