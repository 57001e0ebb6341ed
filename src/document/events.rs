//! The events as the document tells them: what is posted to a webhook, one entry for each type.

use serde_json::{Map, Value, json};

use super::schemas::reference;
use crate::{
    feed::{EventType, FeedName},
    webhooks,
};

/// The headers by which a receiver knows who sent a message.
const HEADERS: [(&str, &str, &str); 3] = [
    (
        "webhook-id",
        "The message's id: the same each time that it is sent. Whoever has seen it has it already.",
        "msg_01920000000070008000000000000002_48213",
    ),
    (
        "webhook-timestamp",
        "When this attempt was made, in seconds since 1970. Refuse what is older than five minutes.",
        "1768442820",
    ),
    (
        "webhook-signature",
        "One signature for each live secret, separated by blanks: `v1,` and the base64 of the HMAC-SHA256 over id, timestamp and body, joined by full stops. One that fits is enough.",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
];

pub fn webhooks() -> Value {
    let told = EventType::all().into_iter().filter(|known| known.feeds.contains(&FeedName::Program));
    let items: Map<String, Value> = told.map(|known| (known.name.to_owned(), json!({"post": item(&known)}))).collect();
    items.into()
}

fn item(known: &EventType) -> Value {
    let headers = HEADERS.map(|(name, description, example)| {
        json!({"name": name, "in": "header", "required": true, "description": description,
            "schema": {"type": "string", "maxLength": 1000}, "example": example})
    });
    let example = webhooks::example(known.name, known.subject_kinds.first().copied().unwrap_or_default());
    json!({
        "tags": ["webhooks"],
        "summary": known.name,
        "description": known.description.en,
        "operationId": format!("on_{}", known.name.replace('.', "_")),
        "parameters": headers,
        "requestBody": {
            "required": true,
            "content": {"application/json": {"schema": reference("WebhookMessage"), "example": example}},
        },
        "responses": {
            "2XX": {"description": "You have it. Nothing else counts as that."},
            "410": {"description": "You want no more: the webhook is disabled."},
            "429": {"description": "Not now: `Retry-After` is heeded, also with 503."},
            "default": {"description": "It is sent again later, and what comes after it waits."},
        },
    })
}
