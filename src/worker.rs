//! What the service does by itself: a task in each process that is woken or looks every few seconds, does one piece of
//! work after the other, and ends when the process is told to stop.
//!
//! Several processes may run it. A piece is claimed by a lease: a row names who works on it and until when, and is
//! updated only where nobody else's lease holds. Whoever was killed claims nothing any more, so its lease ends; and
//! whoever lost a lease finds another name in the row and keeps nothing.

use std::{pin::pin, time::Duration};

use actix_web::web;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::select;
use tokio::{sync::Notify, time::sleep};

use crate::{db::Id, problem::Problem, service::Service};

/// Wakes a worker of this process; what other processes leave to do, it finds when it looks.
#[derive(Default)]
pub struct Bell(Notify);

impl Bell {
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// Whose a piece of work is for a while.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub by: Id,
    length: TimeDelta,
}

impl Lease {
    /// A name of its own, for a worker's whole life.
    pub fn new(length: TimeDelta) -> Lease {
        Lease { by: Id::new(), length }
    }

    /// When a lease ends that is taken or renewed now. A lease that ends later was taken before the clock was set back,
    /// and holds no longer than others.
    pub fn until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.length
    }
}

/// Works until the process is told to stop. `work` does one piece and says whether there may be more.
pub async fn run(
    service: &web::Data<Service>,
    bell: &Bell,
    every: Duration,
    work: impl AsyncFn() -> Result<bool, Problem>,
) {
    while !service.watcher.is_stopping() {
        match work().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(problem) => log::warn!("a piece of work was put off: {}", problem.name()),
        }
        let (rung, waited, stopped) = (pin!(bell.0.notified()), pin!(sleep(every)), pin!(service.watcher.stopped()));
        select(select(rung, waited), stopped).await;
    }
}
