use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Invitation, InvitationFilter, NewInvitation};
use crate::{
    access::Platform,
    db::Id,
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    reason::Reason,
    routes::Routes,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(send).service(read).service(revoke);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct InvitationPath {
    /// The invitation's id.
    invitation_id: Id,
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub struct InvitationPage {
    pub items: Vec<Invitation>,
    pub next_cursor: Option<String>,
}

/// List the invitations
///
/// Admins see all; leads and secretariats those into their programmes.
#[utoipa::path(
    tag = "invitations", operation_id = "list_invitations",
    params(InvitationFilter, PageParams, ViewParams, ListParams<InvitationFilter>),
    security(("bearer" = [Action::ReadInvitation])),
    responses((status = 200, description = "A page of invitations", body = InvitationPage)),
)]
#[get("/invitations")]
async fn list(can: Platform<ReadInvitation>, listing: Listing<InvitationFilter>) -> Result<HttpResponse, Problem> {
    let now = can.service().clock.now();
    can.list::<Invitation, _>(listing, move |conn, reach, filter, page, at| {
        Invitation::list(conn, reach, filter, page, at, now)
    })
    .await
}

/// Invite somebody
///
/// For people who have no account yet. A mail with a token goes to the address, in the language that you name; whoever accepts
/// gets an account, and a membership of the programme with the role, which must be inside your own. It is good for 14 days.
#[utoipa::path(
    tag = "invitations", operation_id = "send_invitation",
    params(Repeat),
    request_body = NewInvitation,
    security(("bearer" = [Action::SendInvitation])),
    responses(
        (status = 201, description = "The invitation", body = Invitation),
        (status = 403, description = "You may not invite to that programme (`forbidden`), or not with that role (`cannot-grant`)"),
        (status = 409, description = "The address has an account or is invited already (`taken`), or the programme is archived"),
    ),
)]
#[post("/invitations")]
async fn send(can: Platform<SendInvitation>, Valid(new): Valid<NewInvitation>) -> Result<HttpResponse, Problem> {
    let sent = can.create(move |tx| Invitation::send(tx, new)).await?;
    can.service().mails.ring();
    Ok(sent)
}

/// Read an invitation
///
/// With the address that it went to, as long as that is known.
#[utoipa::path(
    tag = "invitations", operation_id = "get_invitation",
    params(InvitationPath, ViewParams),
    security(("bearer" = [Action::ReadInvitation])),
    responses((status = 200, description = "The invitation", body = Invitation)),
)]
#[get("/invitations/{invitation_id}")]
async fn read(
    can: Platform<ReadInvitation>,
    path: web::Path<InvitationPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    let now = can.service().clock.now();
    can.show_found::<Invitation>(view, move |conn, reach| Invitation::known(conn, reach, path.invitation_id, now)).await
}

/// Revoke an invitation
///
/// Its token does not hold any more.
#[utoipa::path(
    tag = "invitations", operation_id = "revoke_invitation",
    params(InvitationPath, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::RevokeInvitation])),
    responses(
        (status = 200, description = "The invitation, revoked", body = Invitation),
        (status = 409, description = "It is over already"),
    ),
)]
#[post("/invitations/{invitation_id}/revocation")]
async fn revoke(
    can: Platform<RevokeInvitation>,
    path: web::Path<InvitationPath>,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Invitation::revoke(tx, path.invitation_id, why)).await
}
