//! What the whole service shares: database threads, clock, keys, settings and what it measures.

use std::sync::{Arc, RwLock};

use actix_web::web::Bytes;
use serde_json::Value;

use crate::{
    access::Callers, clock::Clock, config::Settings, db::Db, feed::Watcher, limits::Limits, metrics::Metrics,
    operations::Operations, password, seal::Sealer, token::KeyRing, valid::Schemas, worker::Bell,
};

pub struct Service {
    /// Only `access` sends work to it.
    pub(crate) db: Db,
    pub clock: Clock,
    pub settings: Settings,
    pub metrics: Metrics,
    pub sealer: Sealer,
    pub passwords: password::Gate,
    /// The text of the OpenAPI document, as it is served: its tree would be the largest thing in memory.
    pub document: Bytes,
    /// Its schemas, compiled: what request bodies are checked with.
    pub schemas: Arc<Schemas>,
    /// Its operations: who may call them, and with which parameters.
    pub operations: Operations,
    pub(crate) callers: Callers,
    pub(crate) limits: Limits,
    /// Who waits for a ledger to grow.
    pub(crate) watcher: Watcher,
    /// Rung when a file of inputs is there to be taken.
    pub(crate) imports: Bell,
    /// Rung when a mail is there to be sent.
    pub(crate) mails: Bell,
    keys: RwLock<Arc<KeyRing>>,
}

impl Service {
    pub fn new(
        db: Db,
        clock: Clock,
        settings: Settings,
        sealer: Sealer,
        keys: KeyRing,
        document: &Value,
        schemas: Arc<Schemas>,
    ) -> Service {
        Service {
            db,
            clock,
            metrics: Metrics::new(),
            sealer,
            passwords: password::Gate::default(),
            operations: Operations::of(document, &schemas),
            schemas,
            document: document.to_string().into(),
            callers: Callers::new(),
            limits: Limits::new(settings.quotas),
            watcher: Watcher::default(),
            imports: Bell::default(),
            mails: Bell::default(),
            keys: RwLock::new(Arc::new(keys)),
            settings,
        }
    }

    /// The keys as this process knows them.
    pub fn keys(&self) -> Arc<KeyRing> {
        match self.keys.read() {
            Ok(keys) => keys.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    pub(crate) fn set_keys(&self, keys: KeyRing) {
        match self.keys.write() {
            Ok(mut held) => *held = Arc::new(keys),
            Err(poisoned) => *poisoned.into_inner() = Arc::new(keys),
        }
    }
}
