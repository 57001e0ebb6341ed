//! What the service measures of itself, as Prometheus text.

use std::{
    sync::atomic::{AtomicI64, AtomicU64},
    time::Duration,
};

use actix_web::http::Method;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{db::Db, webhooks::Deliveries};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

const NAMED: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter<u64, AtomicU64>>,
    latency: Family<Route, Histogram>,
    database_up: Gauge<i64, AtomicI64>,
    threads_busy: Gauge<i64, AtomicI64>,
    threads: Gauge<i64, AtomicI64>,
    jobs_waiting: Gauge<i64, AtomicI64>,
    webhooks_active: Gauge<i64, AtomicI64>,
    webhooks_failing: Gauge<i64, AtomicI64>,
    webhooks_lag: Gauge<i64, AtomicI64>,
}

impl Metrics {
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("tangguh");
        let requests = Family::default();
        // From a quarter of a millisecond to four seconds.
        let latency: Family<Route, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_25, 2.0, 15)));
        let [database_up, threads_busy, threads, jobs_waiting]: [Gauge<i64, AtomicI64>; 4] = Default::default();
        let [webhooks_active, webhooks_failing, webhooks_lag]: [Gauge<i64, AtomicI64>; 3] = Default::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer, by route", latency.clone());
        registry.register("database_up", "Whether the database answered when last asked", database_up.clone());
        registry.register("database_threads_busy", "Database threads at work", threads_busy.clone());
        registry.register("database_threads", "Database threads", threads.clone());
        registry.register("database_jobs_waiting", "Jobs that wait for a database thread", jobs_waiting.clone());
        registry.register("webhooks_active", "Webhooks that are sent to", webhooks_active.clone());
        registry.register(
            "webhooks_failing",
            "Of these, those whose next message has failed",
            webhooks_failing.clone(),
        );
        registry.register("webhooks_lag_rows", "The most rows that one has yet to come to", webhooks_lag.clone());
        Metrics {
            registry,
            requests,
            latency,
            database_up,
            threads_busy,
            threads,
            jobs_waiting,
            webhooks_active,
            webhooks_failing,
            webhooks_lag,
        }
    }

    /// Counts an answer. `route` is the pattern, never the path: a path would make a series for each id.
    /// A method that HTTP does not name is one of `other`, since clients can make them up.
    pub fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let method = if NAMED.contains(method) { method.as_str() } else { "other" };
        let labels = Answered { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.latency.get_or_create(&Route { route: labels.route }).observe(took.as_secs_f64());
    }

    pub fn database_up(&self, up: bool) {
        self.database_up.set(i64::from(up));
    }

    /// What the database says of delivery: whichever processes deliver, each tells the same.
    pub fn deliveries(&self, now: Deliveries) {
        self.webhooks_active.set(now.active);
        self.webhooks_failing.set(now.failing);
        self.webhooks_lag.set(now.lag.unwrap_or(0));
    }

    pub fn text(&self, db: &Db) -> Result<String, std::fmt::Error> {
        let (busy, threads, waiting) = db.load();
        self.threads_busy.set(busy as i64);
        self.threads.set(threads as i64);
        self.jobs_waiting.set(waiting as i64);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}
