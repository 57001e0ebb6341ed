//! A message that tells of nothing, sent while somebody waits for what comes back.

use super::{
    attempts::WebhookAttempt,
    client::{Answered, Client},
    cursor::Cursor,
    letters,
    message::{Message, SigningKey},
    model::{Webhook, no_secret},
    secrets,
};
use crate::{
    access::{Reach, Tx},
    db::{AnyConnection, Id},
    problem::Problem,
    service::Service,
    versioned::{self, Versioned},
};

/// What is to be sent, where to and with which signatures.
pub struct Trial {
    webhook: Id,
    url: String,
    message: Message,
    keys: Vec<SigningKey>,
    timestamp: i64,
}

pub fn prepare(conn: &mut AnyConnection, reach: &Reach, service: &Service, id: Id) -> Result<Trial, Problem> {
    let (webhook, now) = (Webhook::owned(conn, reach, id)?, service.clock.now());
    let stored = Webhook::open(conn, reach.ledger, webhook)?.ok_or(Problem::NotFound)?;
    let hook: Webhook = versioned::parse(&stored.body)?;
    let keys = secrets::live(conn, &service.sealer, webhook, now)?;
    if keys.is_empty() {
        return Err(no_secret());
    }
    let (home, _) = letters::home(conn, reach.ledger, &service.settings.public_url)?;
    let message = Message::test(webhook, &home, now)?;
    Ok(Trial { webhook, url: hook.content.url, message, keys, timestamp: now.timestamp() })
}

impl Trial {
    pub async fn send(&self, client: &Client) -> Answered {
        let signatures = self.message.signatures(&self.keys, self.timestamp);
        client.send(&self.url, &self.message, &signatures, self.timestamp).await
    }

    pub fn keep(&self, tx: &mut Tx<'_>, answered: &Answered) -> Result<WebhookAttempt, Problem> {
        let number = Cursor::count_test(tx.conn, self.webhook)?;
        let attempt = WebhookAttempt::of(self.webhook, number, &self.message, answered, tx.now);
        attempt.keep(tx.conn)?;
        Ok(attempt)
    }
}
