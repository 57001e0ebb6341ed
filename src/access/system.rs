use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    door::Reach,
    tx::{Recorded, Tx},
};
use crate::{
    db::{AnyConnection, lock_head, write_transaction},
    problem::Problem,
    valid::Schemas,
};

/// The door of the service itself: commands, the demo, passwords by one-time token. It asks for no right, so
/// it says by name what it does; the ledger's row bears that name.
pub struct System {
    pub act: &'static str,
    pub request_id: String,
    pub now: DateTime<Utc>,
    pub schemas: Arc<Schemas>,
}

impl System {
    /// Runs one change in one transaction, under the lock of the head of `reach`'s ledger.
    pub fn write<T>(
        self,
        conn: &mut AnyConnection,
        reach: Reach,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<T>, Problem>,
    ) -> Result<T, Problem> {
        write_transaction(conn, |conn| {
            let head = lock_head(conn, reach.ledger)?.ok_or(Problem::NotFound)?;
            let mut tx = Tx {
                conn,
                now: self.now.max(head.at),
                heads: [(reach.ledger, head)].into(),
                told: Vec::new(),
                looked: Default::default(),
                reach,
                schemas: self.schemas,
                source_language: "id".into(),
                time_zone: chrono_tz::Tz::UTC,
                action: None,
                act: self.act,
                request_id: self.request_id,
                trial: false,
                rights_changed: false,
                refusal: None,
            };
            let done = work(&mut tx)?.into_inner();
            tx.store()?;
            Ok(done)
        })
    }
}
