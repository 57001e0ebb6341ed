//! What is done to a webhook beside editing it: new secrets, skipping, sending again.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    cursor::Cursor,
    model::{Webhook, WebhookRange, WebhookSecret, WebhookState},
    secrets::{self, NewSecret},
};
use crate::{
    access::{Recorded, Seen, Tx},
    db::Id,
    problem::{FieldError, Problem},
};

/// Secrets that sign at the same time.
const LIVE: usize = 2;
/// Rows that can be sent again at one go.
const REPLAYED: i64 = 10_000;

/// When the secret until now stops signing.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub struct NewWebhookSecret {
    /// Hours in which the secret until now goes on signing beside the new one; 0 ends it, and any other, at once.
    #[serde(default = "a_day")]
    #[schema(minimum = 0, maximum = 168, default = 24)]
    pub keep_old_hours: u32,
}

fn a_day() -> u32 {
    24
}

/// A secret, shown this once.
#[derive(Serialize, ToSchema)]
pub struct ShownWebhookSecret {
    pub id: Id,
    /// As libraries for Standard Webhooks take it: `whsec_` and 32 bytes in base64.
    #[schema(example = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")]
    pub secret: String,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    /// The webhook's revision now: what `If-Match` compares.
    #[schema(minimum = 1)]
    pub webhook_revision: i32,
}

impl ShownWebhookSecret {
    pub fn of(new: NewSecret, webhook: &Webhook) -> ShownWebhookSecret {
        let (made_at, webhook_revision) = (webhook.meta.updated_at, webhook.meta.revision);
        ShownWebhookSecret { id: new.id, secret: new.shown, made_at, webhook_revision }
    }
}

/// The message that does not go through, and why it can be left out.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SkipMessage {
    /// `delivery.failing_sequence` of the webhook, as you saw it.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub sequence: i64,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// The rows of the ledger whose messages are to be sent again, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ReplayMessages {
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub from_sequence: i64,
    /// Included. At most 10,000 rows, and none that the webhook has yet to come to.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub to_sequence: i64,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

impl Webhook {
    /// Lets a new secret sign, and the one before it for a while.
    pub fn renew_secret(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        new: &NewSecret,
        keep_old_hours: u32,
    ) -> Result<Recorded<Webhook>, Problem> {
        let mut webhook = Webhook::seen(tx, id, seen)?;
        let end = tx.now + TimeDelta::hours(keep_old_hours.into());
        for secret in &mut webhook.secrets {
            secret.ends_at = Some(secret.ends_at.map_or(end, |known| known.min(end)));
        }
        webhook.keep_live(tx.now);
        webhook.secrets.push(WebhookSecret { id: new.id, made_at: tx.now, ends_at: None });
        if webhook.secrets.len() > LIVE {
            return Err(Problem::Conflict(FieldError::new(
                "/keep_old_hours",
                "two_secrets",
                "dua rahasia masih berlaku: tunggu yang lama berakhir, atau akhiri keduanya dengan 0",
                "two secrets sign already: wait for the old one's end, or end both with 0",
            )));
        }
        secrets::end(tx.conn, id, end)?;
        new.keep(tx.conn, id, tx.now)?;
        tx.change(webhook, None)
    }

    /// Leaves out the message that keeps the others waiting.
    pub fn skip(tx: &mut Tx<'_>, id: Id, seen: Seen, skip: SkipMessage) -> Result<Recorded<Webhook>, Problem> {
        let mut webhook = Webhook::seen(tx, id, seen)?;
        // First: from here on whoever sends holds the lease no more, and nothing moves but by this change.
        let cursor = Cursor::stop(tx.conn, id)?;
        if cursor.failing_sequence != Some(skip.sequence) {
            return Err(Problem::Conflict(FieldError::new(
                "/sequence",
                "not_failing",
                "pesan ini tidak sedang menahan yang lain; lihat delivery.failing_sequence",
                "this message does not keep others waiting; see delivery.failing_sequence",
            )));
        }
        Cursor::restart(tx.conn, id, webhook.state == WebhookState::Active)?;
        Cursor::skip(tx.conn, &cursor, skip.sequence)?;
        webhook.skipped_sequence = Some(skip.sequence);
        webhook.keep_live(tx.now);
        tx.change(webhook, Some(&skip.reason))
    }

    /// Sends messages again before what is still to come, each under the id that it had.
    pub fn replay(tx: &mut Tx<'_>, id: Id, seen: Seen, replay: ReplayMessages) -> Result<Recorded<Webhook>, Problem> {
        let mut webhook = Webhook::seen(tx, id, seen)?;
        let (from_sequence, to_sequence) = (replay.from_sequence, replay.to_sequence);
        let range = WebhookRange { from_sequence, to_sequence };
        let passed = Cursor::stop(tx.conn, id)?.passed;
        if let Some(wrong) = wrong(range, passed) {
            return Err(Problem::Invalid(vec![wrong]));
        }
        Cursor::restart(tx.conn, id, webhook.state == WebhookState::Active)?;
        Cursor::replay(tx.conn, id, range)?;
        webhook.replayed = Some(range);
        webhook.keep_live(tx.now);
        tx.change(webhook, Some(&replay.reason))
    }
}

fn wrong(range: WebhookRange, passed: i64) -> Option<FieldError> {
    let WebhookRange { from_sequence: from, to_sequence: to } = range;
    if to < from {
        let (id, en) = ("tidak boleh sebelum from_sequence", "must not be before from_sequence");
        return Some(FieldError::new("/to_sequence", "order", id, en));
    }
    if to > passed {
        return Some(FieldError::new(
            "/to_sequence",
            "too_large",
            format!("webhook ini baru sampai baris {passed}; yang sesudahnya akan dikirim"),
            format!("this webhook has come as far as row {passed}; what is after it is still to be sent"),
        ));
    }
    (to - from >= REPLAYED).then(|| {
        let (id, en) = ("paling banyak 10000 baris sekaligus", "may be 10000 rows at one go");
        FieldError::new("/to_sequence", "too_many", id, en)
    })
}
