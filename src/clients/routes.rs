use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    keys::{self, NewClientKey, ShownKey},
    model::{Client, ClientContent, ClientFilter, NewClient},
};
use crate::{
    access::{Can, Reply, Seen},
    consequences::{self, Consequence},
    db::Id,
    decisions::Trial,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(make)
        .service(read)
        .service(history)
        .service(edit)
        .service(revoke)
        .service(make_key)
        .service(end_key);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ClientPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The client's id.
    client_id: Id,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct KeyPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The client's id.
    client_id: Id,
    /// The key's id.
    key_id: Id,
}

/// A page of clients.
#[derive(Serialize, ToSchema)]
pub struct ClientPage {
    pub items: Vec<Client>,
    pub next_cursor: Option<String>,
}

/// List the clients of a programme
///
/// In the order in which they were made, or by `sort`: `expires_on` shows first what ends first. Agencies and partners see
/// those of their own organisation.
#[utoipa::path(
    tag = "clients", operation_id = "list_clients",
    params(ProgramPath, ClientFilter, PageParams, ViewParams, ListParams<ClientFilter>),
    security(("bearer" = [Action::ReadClient])),
    responses((status = 200, description = "A page of clients", body = ClientPage)),
)]
#[get("/programs/{program}/clients")]
async fn list(can: Can<ReadClient>, listing: Listing<ClientFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Client, _>(listing, Client::list).await
}

/// Make a client
///
/// For a machine of an organisation: what it may do must be among what you may do yourself. It has no key
/// yet.
#[utoipa::path(
    tag = "clients", operation_id = "make_client",
    params(ProgramPath, Repeat),
    request_body = NewClient,
    security(("bearer" = [Action::MakeClient])),
    responses((status = 201, description = "The client", body = Client)),
)]
#[post("/programs/{program}/clients")]
async fn make(can: Can<MakeClient>, Valid(new): Valid<NewClient>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Client::make(tx, new)).await
}

/// Read a client
///
/// With its live keys, and when each was last used.
#[utoipa::path(
    tag = "clients", operation_id = "get_client",
    params(ClientPath, ViewParams),
    security(("bearer" = [Action::ReadClient])),
    responses((status = 200, description = "The client", body = Client)),
)]
#[get("/programs/{program}/clients/{client_id}")]
async fn read(can: Can<ReadClient>, path: web::Path<ClientPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Client>(path.client_id, view).await
}

/// Read a client's history
///
/// Its revisions in order: who gave it what, and when keys were made and ended.
#[utoipa::path(
    tag = "clients", operation_id = "get_client_history",
    params(ClientPath, PageParams),
    security(("bearer" = [Action::ReadClient])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/clients/{client_id}/history")]
async fn history(
    can: Can<ReadClient>,
    path: web::Path<ClientPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Client>(listing, move |_, _| Ok(path.client_id)).await
}

/// Edit a client
///
/// A merge patch (RFC 7396). What it may do from now on must be among what you may do yourself; it holds at once.
#[utoipa::path(
    tag = "clients", operation_id = "edit_client",
    params(ClientPath, IfMatch),
    request_body(content = ClientContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditClient])),
    responses(
        (status = 200, description = "The client at its new revision", body = Client),
        (status = 409, description = "It is revoked"),
    ),
)]
#[patch("/programs/{program}/clients/{client_id}")]
async fn edit(
    can: Can<EditClient>,
    path: web::Path<ClientPath>,
    seen: Seen,
    patch: Patch<ClientContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Client::edit(tx, path.client_id, seen, patch)).await
}

/// A client that was revoked, and what that brought.
#[derive(Serialize, ToSchema)]
pub struct RevokedClient {
    #[serde(flatten)]
    client: Client,
    consequences: Vec<Consequence>,
}

/// Revoke a client
///
/// Its keys and tokens end at once: on this instance with the answer, on others within five seconds for reads. It cannot
/// be brought back. `consequences` tells which keys end and which files are taken in no further; `dry_run=true` tells it
/// before.
#[utoipa::path(
    tag = "clients", operation_id = "revoke_client",
    params(ClientPath, Trial, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RevokeClient])),
    responses(
        (status = 200, description = "The client, revoked", body = RevokedClient),
        (status = 409, description = "It is revoked already"),
    ),
)]
#[post("/programs/{program}/clients/{client_id}/revocation")]
async fn revoke(
    can: Can<RevokeClient>,
    path: web::Path<ClientPath>,
    trial: web::Query<Trial>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.write_or_try(trial.dry_run, move |tx| {
        let consequences = consequences::of_revoking(tx, path.client_id)?;
        let revoked = Client::revoke(tx, path.client_id, seen, why)?;
        tx.changed_with(revoked, &consequences)
    })
    .await
}

/// Make a key of a client
///
/// The key is shown this once, so the operation takes no `Idempotency-Key`: where the answer was lost, end the key that
/// nobody knows. Two keys live at most: make the new one, give it to the machine, end the old one.
#[utoipa::path(
    tag = "clients", operation_id = "make_client_key",
    params(ClientPath, IfMatch),
    request_body = NewClientKey,
    security(("bearer" = [Action::MakeClientKey])),
    responses(
        (status = 201, description = "The key; `Location` names the client", body = ShownKey),
        (status = 409, description = "It has two keys already, has expired or is revoked"),
    ),
)]
#[post("/programs/{program}/clients/{client_id}/keys")]
async fn make_key(
    can: Can<MakeClientKey>,
    path: web::Path<ClientPath>,
    seen: Seen,
    Valid(new): Valid<NewClientKey>,
) -> Result<HttpResponse, Problem> {
    can.write_secret(move |tx| {
        let made = keys::make(tx, path.client_id, seen, new)?;
        let location = crate::access::place::<Client>(&tx.reach.slug, &path.client_id.to_string());
        made.try_map(|shown| Ok(Reply { location: Some(location), ..Reply::json(201, &shown)? }))
    })
    .await
}

/// End a key of a client
///
/// At once, with the tokens that were got for it.
#[utoipa::path(
    tag = "clients", operation_id = "end_client_key",
    params(KeyPath, IfMatch),
    security(("bearer" = [Action::EndClientKey])),
    responses(
        (status = 200, description = "The client without it", body = Client),
        (status = 409, description = "It is revoked"),
    ),
)]
#[delete("/programs/{program}/clients/{client_id}/keys/{key_id}")]
async fn end_key(can: Can<EndClientKey>, path: web::Path<KeyPath>, seen: Seen) -> Result<HttpResponse, Problem> {
    can.change(move |tx| keys::end(tx, path.client_id, path.key_id, seen)).await
}
