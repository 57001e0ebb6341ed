//! What a receiver gets: a thin body that says what changed and where to read it, and the signatures by which it knows
//! that we sent it. Standard Webhooks 1.0.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use hmac::Mac;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::Webhook;
use crate::{
    access::place,
    db::Id,
    feed::{Change, ChangeOp},
    problem::Problem,
    seal::hmac,
};

/// What is sent to a webhook when something changed: what it was and where to read it, without its content.
#[derive(Serialize, ToSchema)]
pub struct WebhookMessage<'a> {
    /// The type of the event: an action's name, one of `GET /api/v1/event-types`; or `webhook.test`.
    #[serde(rename = "type")]
    #[schema(example = "question.revise", max_length = 60)]
    pub kind: &'a str,
    /// When it happened.
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub timestamp: DateTime<Utc>,
    pub data: WebhookData<'a>,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookData<'a> {
    /// The programme's slug.
    #[schema(max_length = 60)]
    pub program: &'a str,
    /// The row of the ledger that tells of it: messages come in this order, and some rows say nothing to you. Null in a
    /// test.
    pub sequence: Option<i64>,
    /// Whether to read the subject anew or to forget it; null in a test.
    pub op: Option<ChangeOp>,
    /// What changed; null in a test.
    pub subject: Option<WebhookSubject<'a>>,
    /// Where to read more.
    pub links: WebhookLinks,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookSubject<'a> {
    #[schema(example = "question", max_length = 60)]
    pub kind: &'a str,
    pub id: Id,
    /// Its revision after the change.
    #[schema(minimum = 1)]
    pub revision: i32,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookLinks {
    /// Where the subject is read; null in a test.
    #[schema(format = "uri", max_length = 2000)]
    pub subject: Option<String>,
    /// The webhook that this was sent to.
    #[schema(format = "uri", max_length = 2000)]
    pub webhook: String,
}

/// Where links lead: the service's public URL and the programme's slug.
#[derive(Clone, Debug)]
pub struct Home {
    pub url: String,
    pub slug: String,
}

impl Home {
    fn webhook(&self, id: Id) -> String {
        format!("{}{}", self.url, place::<Webhook>(&self.slug, &id.to_string()))
    }
}

/// A message as it is sent. The same change makes the same message each time: repeats and replays keep the id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    pub kind: String,
    pub sequence: Option<i64>,
    pub body: String,
}

impl Message {
    pub fn of(change: &Change, webhook: Id, home: &Home) -> Result<Message, Problem> {
        let told = WebhookMessage {
            kind: &change.kind,
            timestamp: change.at,
            data: WebhookData {
                program: &home.slug,
                sequence: Some(change.sequence),
                op: Some(change.op),
                subject: Some(WebhookSubject {
                    kind: &change.subject_kind,
                    id: change.subject_id,
                    revision: change.revision,
                }),
                links: WebhookLinks {
                    subject: Some(format!("{}{}", home.url, change.href)),
                    webhook: home.webhook(webhook),
                },
            },
        };
        let id = format!("msg_{}_{}", webhook.0.simple(), change.sequence);
        Message::new(id, Some(change.sequence), &told)
    }

    /// One that tells of nothing.
    pub fn test(webhook: Id, home: &Home, now: DateTime<Utc>) -> Result<Message, Problem> {
        let links = WebhookLinks { subject: None, webhook: home.webhook(webhook) };
        let data = WebhookData { program: &home.slug, sequence: None, op: None, subject: None, links };
        let id = format!("msg_{}_test_{}", webhook.0.simple(), Id::new().0.simple());
        Message::new(id, None, &WebhookMessage { kind: TEST, timestamp: now, data })
    }

    fn new(id: String, sequence: Option<i64>, told: &WebhookMessage<'_>) -> Result<Message, Problem> {
        let body = serde_json::to_string(told).map_err(Problem::internal)?;
        Ok(Message { id, kind: told.kind.to_owned(), sequence, body })
    }

    /// The header `webhook-signature`: one signature for each key.
    pub fn signatures(&self, keys: &[SigningKey], timestamp: i64) -> String {
        let signed = keys.iter().map(|key| key.sign(&self.id, timestamp, &self.body));
        signed.collect::<Vec<_>>().join(" ")
    }
}

/// The type of a message that tells of nothing.
pub const TEST: &str = "webhook.test";

/// What messages are signed with. It shows itself in no log.
#[derive(Clone)]
pub struct SigningKey(pub [u8; 32]);

impl SigningKey {
    /// As receivers' libraries take it.
    pub fn shown(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(self.0))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = hmac(&self.0).chain_update(format!("{id}.{timestamp}.{body}")).finalize().into_bytes();
        format!("v1,{}", BASE64_STANDARD.encode(signed))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(hidden)")
    }
}

/// An example for the document.
pub fn example(kind: &str, subject: &str) -> serde_json::Value {
    json!({
        "type": kind,
        "timestamp": "2026-01-15T02:07:00.000000Z",
        "data": {
            "program": "jakarta-berketahanan",
            "sequence": 48213,
            "op": "upsert",
            "subject": {"kind": subject, "id": "01920000-0000-7000-8000-000000000001", "revision": 5},
            "links": {
                "subject": "https://tangguh.example/api/v1/programs/jakarta-berketahanan/.../01920000-0000-7000-8000-000000000001",
                "webhook": "https://tangguh.example/api/v1/programs/jakarta-berketahanan/webhooks/01920000-0000-7000-8000-000000000002",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn a_signature_is_that_of_the_standard() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        // Ours have 32 bytes; HMAC fills a key up with zeros, so that of the example is the same with eight of them.
        let mut key = [0; 32];
        key[..secret.len()].copy_from_slice(&secret);
        let signed = SigningKey(key).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_live_key_signs() {
        let message = Message { id: "msg_1".into(), kind: TEST.into(), sequence: None, body: "{}".into() };
        let both = message.signatures(&[SigningKey([1; 32]), SigningKey([2; 32])], 7);
        let signatures: Vec<&str> = both.split(' ').collect();
        assert!(signatures.len() == 2 && signatures[0] != signatures[1], "{both}");
        assert!(signatures.iter().all(|one| one.starts_with("v1,")), "{both}");
        assert_eq!(format!("{:?}", SigningKey([1; 32])), "SigningKey(hidden)");
    }
}
