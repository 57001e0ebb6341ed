use actix_web::{HttpResponse, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Membership, MembershipContent, MembershipEnd, MembershipFilter, NewMembership};
use crate::{
    access::{Can, Seen},
    consequences::{self, Consequence},
    db::Id,
    decisions::Trial,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ExpandParams, ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(create).service(read).service(history).service(edit).service(end).service(confirm);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MembershipPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The membership's id.
    membership_id: Id,
}

/// A page of memberships.
#[derive(Serialize, ToSchema)]
pub struct MembershipPage {
    pub items: Vec<Membership>,
    pub next_cursor: Option<String>,
}

/// List the memberships of a programme
///
/// Open ones and those that ended, by role, account, organisation or day.
#[utoipa::path(
    tag = "memberships", operation_id = "list_memberships",
    params(ProgramPath, MembershipFilter, PageParams, ViewParams, ListParams<MembershipFilter>),
    security(("bearer" = [Action::ReadMembership])),
    responses((status = 200, description = "A page of memberships", body = MembershipPage)),
)]
#[get("/programs/{program}/memberships")]
async fn list(can: Can<ReadMembership>, listing: Listing<MembershipFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Membership, _>(listing, Membership::list).await
}

/// Give an account a role
///
/// Nobody grants more than they have: a role whose actions are not all your own is refused.
#[utoipa::path(
    tag = "memberships", operation_id = "grant_membership",
    params(ProgramPath, Repeat),
    request_body = NewMembership,
    security(("bearer" = [Action::GrantMembership])),
    responses(
        (status = 201, description = "The membership, at revision 1", body = Membership),
        (status = 409, description = "Something unique is taken"),
    ),
)]
#[post("/programs/{program}/memberships")]
async fn create(can: Can<GrantMembership>, Valid(new): Valid<NewMembership>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Membership::grant(tx, new)).await
}

/// Read a membership
///
/// Who has which role, for which organisation, from which day on.
#[utoipa::path(
    tag = "memberships", operation_id = "get_membership",
    params(MembershipPath, ViewParams, ExpandParams<Membership>),
    security(("bearer" = [Action::ReadMembership])),
    responses((status = 200, description = "The membership", body = Membership)),
)]
#[get("/programs/{program}/memberships/{membership_id}")]
async fn read(can: Can<ReadMembership>, path: web::Path<MembershipPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Membership>(path.membership_id, view).await
}

/// Read a membership's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "memberships", operation_id = "get_membership_history",
    params(MembershipPath, PageParams),
    security(("bearer" = [Action::ReadMembership])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/memberships/{membership_id}/history")]
async fn history(
    can: Can<ReadMembership>,
    path: web::Path<MembershipPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Membership>(listing, move |_, _| Ok(path.membership_id)).await
}

/// Edit a membership
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "memberships", operation_id = "edit_membership",
    params(MembershipPath, IfMatch),
    request_body(content = MembershipContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditMembership])),
    responses(
        (status = 200, description = "The membership at its new revision", body = Membership),
        (status = 409, description = "Its state does not allow it, or something unique is taken"),
    ),
)]
#[patch("/programs/{program}/memberships/{membership_id}")]
async fn edit(
    can: Can<EditMembership>,
    path: web::Path<MembershipPath>,
    seen: Seen,
    patch: Patch<MembershipContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Membership::edit(tx, path.membership_id, seen, patch)).await
}

/// A membership with its last day, and what its end brings.
#[derive(Serialize, ToSchema)]
pub struct EndedMembership {
    #[serde(flatten)]
    membership: Membership,
    consequences: Vec<Consequence>,
}

/// End a membership
///
/// At once, or on a later day. The last lead of an active programme stays. `consequences` tells what stops then and what
/// nobody is left to do; `dry_run=true` tells it before.
#[utoipa::path(
    tag = "memberships", operation_id = "end_membership",
    params(MembershipPath, Trial, IfMatch, Repeat),
    request_body = MembershipEnd,
    security(("bearer" = [Action::EndMembership])),
    responses(
        (status = 200, description = "The membership with its last day", body = EndedMembership),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/memberships/{membership_id}/end")]
async fn end(
    can: Can<EndMembership>,
    path: web::Path<MembershipPath>,
    trial: web::Query<Trial>,
    seen: Seen,
    Valid(act): Valid<MembershipEnd>,
) -> Result<HttpResponse, Problem> {
    can.write_or_try(trial.dry_run, move |tx| {
        let id = path.membership_id;
        let (ended, consequences) = consequences::of_ending(tx, id, |tx| Membership::end(tx, id, seen, act))?;
        tx.changed_with(ended, &consequences)
    })
    .await
}

/// Confirm a membership
///
/// Somebody looked: it is still right. From today it holds for another twelve months before it is due again (see
/// `GET /api/v1/access/review`). Nobody confirms their own, and as with granting, nobody confirms more than they have.
#[utoipa::path(
    tag = "memberships", operation_id = "confirm_membership",
    params(MembershipPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::ConfirmMembership])),
    responses(
        (status = 200, description = "The membership, confirmed today", body = Membership),
        (status = 409, description = "It has ended, or it is your own"),
    ),
)]
#[post("/programs/{program}/memberships/{membership_id}/confirmation")]
async fn confirm(
    can: Can<ConfirmMembership>,
    path: web::Path<MembershipPath>,
    seen: Seen,
    Valid(act): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Membership::confirm(tx, path.membership_id, seen, act)).await
}
