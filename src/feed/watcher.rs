//! Whoever waits for a ledger to grow is woken here. What this process commits, it is told of at once. What other
//! instances commit is looked for while somebody waits: by one of those who wait, for all of them.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};

use crate::{db::Id, problem::Problem};

/// How often the database is asked for the heads of all ledgers while somebody waits.
const EVERY: Duration = Duration::from_millis(250);

/// The newest rows of the ledgers, as far as this process knows them.
pub struct Watcher {
    heads: Mutex<HashMap<Id, watch::Sender<i64>>>,
    /// Held by the one that looks; when it looked last.
    looked: tokio::sync::Mutex<Option<Instant>>,
    /// How often any ledger was found to have grown.
    grown: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
}

impl Default for Watcher {
    fn default() -> Watcher {
        let (heads, looked) = (Mutex::default(), tokio::sync::Mutex::default());
        Watcher { heads, looked, grown: watch::channel(0).0, stopping: watch::channel(false).0 }
    }
}

impl Watcher {
    /// Notes how far ledgers have grown, and wakes whoever waits for that.
    pub fn told(&self, heads: impl IntoIterator<Item = (Id, i64)>) {
        let mut grown = false;
        for (ledger, sequence) in heads {
            grown |= self.with(ledger, |head| {
                head.send_if_modified(|known| {
                    let newer = sequence > *known;
                    *known = sequence.max(*known);
                    newer
                })
            });
        }
        if grown {
            self.grown.send_modify(|times| *times += 1);
        }
    }

    /// Hears of every growth of any ledger that this process comes to know of.
    pub fn growths(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    fn with<T>(&self, ledger: Id, work: impl FnOnce(&watch::Sender<i64>) -> T) -> T {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        work(heads.entry(ledger).or_insert_with(|| watch::channel(0).0))
    }

    /// Waits until the ledger has a row after `seen`, `until` at the longest; whether it has. It holds nothing but
    /// memory: `look` asks the database for the heads of all ledgers, and only one of those who wait does.
    pub async fn grown(
        &self,
        ledger: Id,
        seen: i64,
        until: Instant,
        look: impl AsyncFn() -> Result<Vec<(Id, i64)>, Problem>,
    ) -> bool {
        let mut head = self.with(ledger, watch::Sender::subscribe);
        let grown = pin!(head.wait_for(|head| *head > seen));
        let looking = pin!(self.look(look));
        let stopped = pin!(self.stopped());
        match timeout_at(until, select(select(grown, looking), stopped)).await {
            Ok(Either::Left(_)) => true,
            Ok(Either::Right(_)) | Err(_) => false,
        }
    }

    /// Nobody waits any more: the process is being stopped.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the process is being stopped.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the process is being stopped.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the watcher does.
        _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// Looks on and on, once nobody else does. Another goes on when this is dropped.
    async fn look(&self, look: impl AsyncFn() -> Result<Vec<(Id, i64)>, Problem>) {
        let mut looked = self.looked.lock().await;
        loop {
            if let Some(last) = *looked {
                sleep_until(last + EVERY).await;
            }
            *looked = Some(Instant::now());
            match look().await {
                Ok(heads) => self.told(heads),
                // The next look may have more luck, and whoever waits is answered in time in any case.
                Err(problem) => log::debug!("the heads of the ledgers could not be read: {}", problem.name()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::{pending, ready},
    };

    use futures_util::future::join;
    use tokio::time::sleep;

    use super::*;

    const LEDGER: Id = Id::NIL;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[actix_web::test]
    async fn a_commit_wakes_whoever_waits() {
        let watcher = Watcher::default();
        let never = async || pending().await;
        let commit = async {
            sleep(Duration::from_millis(20)).await;
            watcher.told([(LEDGER, 3), (Id::new(), 9)]);
        };
        assert!(join(watcher.grown(LEDGER, 2, soon(), never), commit).await.0);
        // What is known already needs no waiting, and what is behind wakes nobody.
        assert!(watcher.grown(LEDGER, 2, soon(), never).await);
        watcher.told([(LEDGER, 1)]);
        let shortly = Instant::now() + Duration::from_millis(20);
        assert!(!watcher.grown(LEDGER, 3, shortly, never).await);
    }

    #[actix_web::test]
    async fn one_looks_for_all_and_nobody_when_nobody_waits() {
        let (watcher, looks, head) = (Watcher::default(), Cell::new(0), Cell::new(1));
        let look = async || {
            looks.set(looks.get() + 1);
            Ok(vec![(LEDGER, head.get())])
        };
        let others = async {
            sleep(Duration::from_millis(600)).await;
            head.set(2);
        };
        let began = Instant::now();
        let waiting = join(watcher.grown(LEDGER, 1, soon(), look), watcher.grown(LEDGER, 1, soon(), look));
        assert_eq!(join(waiting, others).await.0, (true, true));
        // A look at the beginning and one each quarter of a second, however many wait.
        let most = 2 + began.elapsed().as_millis() / EVERY.as_millis();
        assert!((3..=most).contains(&looks.get()), "{} of {most}", looks.get());
        let after = looks.get();
        sleep(EVERY * 3).await;
        assert_eq!(looks.get(), after);
    }

    #[actix_web::test]
    async fn who_looks_may_go_and_a_failed_look_is_no_end() {
        let (watcher, head) = (Watcher::default(), Cell::new(0));
        let failing = async || Err(Problem::Busy { retry_after_s: 1 });
        let look = async || ready(Ok(vec![(LEDGER, head.get())])).await;
        let shortly = Instant::now() + Duration::from_millis(100);
        let first = async {
            let grown = watcher.grown(LEDGER, 0, shortly, failing).await;
            head.set(1);
            grown
        };
        assert_eq!(join(first, watcher.grown(LEDGER, 0, soon(), look)).await, (false, true));
    }

    #[actix_web::test]
    async fn nobody_waits_for_a_process_that_stops() {
        let watcher = Watcher::default();
        let never = async || pending().await;
        let stop = async {
            sleep(Duration::from_millis(20)).await;
            watcher.stop();
        };
        let began = Instant::now();
        assert!(!join(watcher.grown(LEDGER, 0, soon(), never), stop).await.0);
        assert!(!watcher.grown(LEDGER, 0, soon(), never).await);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
