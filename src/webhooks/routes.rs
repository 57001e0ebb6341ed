use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    acts_routes,
    attempts::{WebhookAttempt, WebhookAttemptFilter},
    model::{NewWebhook, Webhook, WebhookContent, WebhookFilter},
};
use crate::{
    access::{Can, Reply, Seen},
    db::Id,
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(make).service(read).service(edit).service(remove).service(attempts);
    acts_routes::routes(api);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WebhookPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The webhook's id.
    pub webhook_id: Id,
}

/// A page of webhooks.
#[derive(Serialize, ToSchema)]
pub struct WebhookPage {
    pub items: Vec<Webhook>,
    pub next_cursor: Option<String>,
}

/// List the webhooks of a programme
///
/// Lead and secretariat see all; agencies and partners those of their own organisation that see no more than they do.
#[utoipa::path(
    tag = "webhooks", operation_id = "list_webhooks",
    params(ProgramPath, WebhookFilter, PageParams, ViewParams, ListParams<WebhookFilter>),
    security(("bearer" = [Action::ReadWebhook])),
    responses((status = 200, description = "A page of webhooks", body = WebhookPage)),
)]
#[get("/programs/{program}/webhooks")]
async fn list(can: Can<ReadWebhook>, listing: Listing<WebhookFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Webhook, _>(listing, Webhook::list).await
}

/// Make a webhook
///
/// For your own organisation: it is told of what your role may see, from now on. It is disabled at first: make a secret,
/// give it to the receiver, try it with a test, then make it active. What happens meanwhile is sent then.
#[utoipa::path(
    tag = "webhooks", operation_id = "create_webhook",
    params(ProgramPath, Repeat),
    request_body = NewWebhook,
    security(("bearer" = [Action::CreateWebhook])),
    responses((status = 201, description = "The webhook", body = Webhook)),
)]
#[post("/programs/{program}/webhooks")]
async fn make(can: Can<CreateWebhook>, Valid(new): Valid<NewWebhook>) -> Result<HttpResponse, Problem> {
    let guard = can.service().settings.webhooks.guard();
    can.create(move |tx| Webhook::make(tx, new, &guard)).await
}

/// Read a webhook
///
/// With how far it has come: the rows that it lags behind the ledger, and the message that does not go through.
#[utoipa::path(
    tag = "webhooks", operation_id = "get_webhook",
    params(WebhookPath, ViewParams),
    security(("bearer" = [Action::ReadWebhook])),
    responses((status = 200, description = "The webhook", body = Webhook)),
)]
#[get("/programs/{program}/webhooks/{webhook_id}")]
async fn read(can: Can<ReadWebhook>, path: web::Path<WebhookPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show_found::<Webhook>(view, move |conn, reach| Webhook::owned(conn, reach, path.webhook_id)).await
}

/// Edit a webhook
///
/// A merge patch (RFC 7396). `state` switches it on and off. The next attempt at what does not go through is the first
/// again, and made at once.
#[utoipa::path(
    tag = "webhooks", operation_id = "edit_webhook",
    params(WebhookPath, IfMatch),
    request_body(content = WebhookContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditWebhook])),
    responses(
        (status = 200, description = "The webhook at its new revision", body = Webhook),
        (status = 409, description = "It has no secret yet, so it cannot be made active: `conflict`"),
    ),
)]
#[patch("/programs/{program}/webhooks/{webhook_id}")]
async fn edit(
    can: Can<EditWebhook>,
    path: web::Path<WebhookPath>,
    seen: Seen,
    patch: Patch<WebhookContent>,
) -> Result<HttpResponse, Problem> {
    let guard = can.service().settings.webhooks.guard();
    can.change(move |tx| Webhook::edit(tx, path.webhook_id, seen, patch, &guard)).await
}

/// Delete a webhook
///
/// Nothing is sent any more, and its secrets are forgotten. Its history stays on the ledger.
#[utoipa::path(
    tag = "webhooks", operation_id = "delete_webhook",
    params(WebhookPath, IfMatch),
    security(("bearer" = [Action::DeleteWebhook])),
    responses((status = 204, description = "It is deleted")),
)]
#[delete("/programs/{program}/webhooks/{webhook_id}")]
async fn remove(can: Can<DeleteWebhook>, path: web::Path<WebhookPath>, seen: Seen) -> Result<HttpResponse, Problem> {
    can.write(move |tx| Ok(Webhook::delete(tx, path.webhook_id, seen)?.map(|_| Reply::empty(204)))).await
}

/// A page of the attempts of a webhook.
#[derive(Serialize, ToSchema)]
pub struct WebhookAttemptPage {
    pub items: Vec<WebhookAttempt>,
    pub next_cursor: Option<String>,
}

/// List what was sent to a webhook
///
/// Every attempt of the last thirty days with what came back, in order; `sort=-number` for the newest first.
#[utoipa::path(
    tag = "webhooks", operation_id = "list_webhook_attempts",
    params(WebhookPath, WebhookAttemptFilter, PageParams, ListParams<WebhookAttemptFilter>),
    security(("bearer" = [Action::ReadWebhook])),
    responses((status = 200, description = "A page of attempts", body = WebhookAttemptPage)),
)]
#[get("/programs/{program}/webhooks/{webhook_id}/attempts")]
async fn attempts(
    can: Can<ReadWebhook>,
    path: web::Path<WebhookPath>,
    listing: Listing<WebhookAttemptFilter>,
) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let find = move |conn: &mut _, reach: &_| {
        let id = Webhook::owned(conn, reach, path.webhook_id)?;
        WebhookAttempt::list(conn, id, &filter, &asked)
    };
    let mut rows = can.read(find).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.number), last.id));
    can.page_of(&rows, next)
}
