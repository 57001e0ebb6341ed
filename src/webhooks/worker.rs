//! The worker: it follows the ledgers and lets a courier deliver, for several webhooks side by side and never for one
//! twice. Any number of processes may run one.

use std::{pin::pin, sync::Arc, time::Duration};

use actix_web::web;
use futures_util::future::{Either, select};
use tokio::{
    sync::{Notify, Semaphore},
    time::{sleep, timeout},
};

use super::delivery::Courier;
use crate::service::Service;

/// Webhooks that one process sends for at the same time.
const SIDE_BY_SIDE: u32 = 16;
/// How often it looks for what other processes wrote, and for what is to be tried again.
const TICK: Duration = Duration::from_secs(2);
/// What is committed within this time is looked for once.
const GATHER: Duration = Duration::from_millis(20);

/// Delivers until the process is stopped; then what is being sent is waited for and noted.
pub async fn work(service: web::Data<Service>) {
    let courier = Arc::new(Courier::new(service.clone(), &service.settings.webhooks));
    let mut growths = service.watcher.growths();
    let places = Arc::new(Semaphore::new(SIDE_BY_SIDE as usize));
    let freed = Arc::new(Notify::new());
    while !service.watcher.is_stopping() {
        begin_turns(&courier, &places, &freed).await;
        let (grown, another) = (pin!(growths.changed()), pin!(freed.notified()));
        let woken = pin!(timeout(TICK, select(grown, another)));
        let ended = pin!(service.watcher.stopped());
        if let Either::Right(_) = select(woken, ended).await {
            break;
        }
        sleep(GATHER).await;
    }
    courier.end();
    _ = places.acquire_many(SIDE_BY_SIDE).await;
}

/// Begins as many turns as there are places for.
async fn begin_turns(courier: &Arc<Courier>, places: &Arc<Semaphore>, freed: &Arc<Notify>) {
    let due = match courier.due(places.available_permits()).await {
        Ok(due) => due,
        // The next tick may have more luck.
        Err(problem) => return log::warn!("what is due to webhooks could not be read: {}", problem.name()),
    };
    for webhook in due {
        let Ok(place) = places.clone().try_acquire_owned() else { return };
        let (courier, freed) = (courier.clone(), freed.clone());
        actix_web::rt::spawn(async move {
            let done = courier.turn(webhook).await;
            drop(place);
            match done {
                Ok(()) => freed.notify_one(),
                Err(problem) => log::warn!("a turn of the webhook {webhook} failed: {}", problem.name()),
            }
        });
    }
}
