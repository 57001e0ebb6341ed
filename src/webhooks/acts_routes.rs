use actix_web::{HttpResponse, post, web};

use super::{
    acts::{NewWebhookSecret, ReplayMessages, ShownWebhookSecret, SkipMessage},
    attempts::WebhookAttempt,
    client::Client,
    model::Webhook,
    routes::WebhookPath,
    secrets::NewSecret,
    trial,
};
use crate::{
    access::{Can, Reply, Seen},
    idempotency::Repeat,
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    seen::IfMatch,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(renew_secret).service(test).service(skip).service(replay);
}

/// Make a secret for a webhook
///
/// The answer holds the secret, this once: so the operation takes no `Idempotency-Key`. The one before it goes on signing
/// beside it for `keep_old_hours`, so that the receiver can change over; no more than two sign at a time.
#[utoipa::path(
    tag = "webhooks", operation_id = "create_webhook_secret",
    params(WebhookPath, IfMatch),
    request_body = NewWebhookSecret,
    security(("bearer" = [Action::RenewWebhookSecret])),
    responses(
        (status = 201, description = "The secret; `Location` names the webhook", body = ShownWebhookSecret),
        (status = 409, description = "Two secrets sign already: `conflict`"),
    ),
)]
#[post("/programs/{program}/webhooks/{webhook_id}/secrets")]
async fn renew_secret(
    can: Can<RenewWebhookSecret>,
    path: web::Path<WebhookPath>,
    seen: Seen,
    Valid(asked): Valid<NewWebhookSecret>,
) -> Result<HttpResponse, Problem> {
    let new = NewSecret::new(&can.service().sealer);
    can.write_secret(move |tx| {
        let made = Webhook::renew_secret(tx, path.webhook_id, seen, &new, asked.keep_old_hours)?;
        let shown = ShownWebhookSecret::of(new, made.value());
        tx.created(made)?.with_json(&shown)
    })
    .await
}

/// Send a test to a webhook
///
/// A message of type `webhook.test` is sent now, whether or not the webhook is active, and what came back is the answer.
/// Each call sends another.
#[utoipa::path(
    tag = "webhooks", operation_id = "test_webhook",
    params(WebhookPath),
    security(("bearer" = [Action::TestWebhook])),
    responses(
        (status = 200, description = "What came back", body = WebhookAttempt),
        (status = 409, description = "It has no secret yet: `conflict`; or the programme is archived: `wrong-state`"),
    ),
)]
#[post("/programs/{program}/webhooks/{webhook_id}/test")]
async fn test(can: Can<TestWebhook>, path: web::Path<WebhookPath>) -> Result<HttpResponse, Problem> {
    let (service, id) = (can.service().clone(), path.webhook_id);
    let trial = can.snapshot(move |conn, reach| trial::prepare(conn, reach, &service, id)).await?;
    let answered = trial.send(&Client::new(&can.service().settings.webhooks)).await;
    can.write_secret(move |tx| {
        let attempt = trial.keep(tx, &answered)?;
        Ok(tx.unchanged(Reply::json(200, &attempt)?))
    })
    .await
}

/// Skip the message that does not go through
///
/// It keeps those behind it waiting: name it as you saw it in `delivery.failing_sequence`, and why it can be left out.
#[utoipa::path(
    tag = "webhooks", operation_id = "skip_webhook_message",
    params(WebhookPath, IfMatch, Repeat),
    request_body = SkipMessage,
    security(("bearer" = [Action::SkipWebhookMessage])),
    responses(
        (status = 200, description = "The webhook at its new revision", body = Webhook),
        (status = 409, description = "That message does not keep others waiting: `conflict`"),
    ),
)]
#[post("/programs/{program}/webhooks/{webhook_id}/skip")]
async fn skip(
    can: Can<SkipWebhookMessage>,
    path: web::Path<WebhookPath>,
    seen: Seen,
    Valid(skip): Valid<SkipMessage>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Webhook::skip(tx, path.webhook_id, seen, skip)).await
}

/// Send messages again
///
/// Those of some rows of the ledger that it is done with, in order and before what is still to come, each under the id
/// that it had. A range that is still being sent again gives way to the new one.
#[utoipa::path(
    tag = "webhooks", operation_id = "replay_webhook_messages",
    params(WebhookPath, IfMatch, Repeat),
    request_body = ReplayMessages,
    security(("bearer" = [Action::ReplayWebhookMessages])),
    responses((status = 200, description = "The webhook at its new revision", body = Webhook)),
)]
#[post("/programs/{program}/webhooks/{webhook_id}/replay")]
async fn replay(
    can: Can<ReplayWebhookMessages>,
    path: web::Path<WebhookPath>,
    seen: Seen,
    Valid(replay): Valid<ReplayMessages>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Webhook::replay(tx, path.webhook_id, seen, replay)).await
}
