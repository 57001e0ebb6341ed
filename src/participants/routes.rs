use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{NewParticipant, Participant, ParticipantContent, ParticipantFilter};
use crate::{
    access::{Can, Reply, Seen},
    db::Id,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ExpandParams, ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
    seen::IfMatch,
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(add).service(read).service(history).service(edit).service(remove);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ParticipantPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The stakeholder's id.
    stakeholder_id: Id,
}

/// A page of participants.
#[derive(Serialize, ToSchema)]
pub struct ParticipantPage {
    pub items: Vec<Participant>,
    pub next_cursor: Option<String>,
}

/// List the stakeholders that take part in a programme
///
/// Each with its capacity and the days on which it holds.
#[utoipa::path(
    tag = "participants", operation_id = "list_participants",
    params(ProgramPath, ParticipantFilter, PageParams, ViewParams, ListParams<ParticipantFilter>),
    security(("bearer" = [Action::ReadParticipant])),
    responses((status = 200, description = "A page of participants", body = ParticipantPage)),
)]
#[get("/programs/{program}/stakeholders")]
async fn list(can: Can<ReadParticipant>, listing: Listing<ParticipantFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Participant, _>(listing, Participant::list).await
}

/// Let a stakeholder take part
///
/// One that is known, by `stakeholder_id`, or one that nobody entered yet, by `new_stakeholder`: it is then
/// provisional until it is confirmed.
#[utoipa::path(
    tag = "participants", operation_id = "add_participant",
    params(ProgramPath, Repeat),
    request_body = NewParticipant,
    security(("bearer" = [Action::AddParticipant])),
    responses(
        (status = 201, description = "The participant", body = Participant),
        (status = 409, description = "It takes part already"),
    ),
)]
#[post("/programs/{program}/stakeholders")]
async fn add(can: Can<AddParticipant>, Valid(new): Valid<NewParticipant>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Participant::add(tx, new)).await
}

/// Read a stakeholder's part in a programme
///
/// In which capacity it takes part, and since when.
#[utoipa::path(
    tag = "participants", operation_id = "get_participant",
    params(ParticipantPath, ViewParams, ExpandParams<Participant>),
    security(("bearer" = [Action::ReadParticipant])),
    responses((status = 200, description = "The participant", body = Participant)),
)]
#[get("/programs/{program}/stakeholders/{stakeholder_id}")]
async fn read(
    can: Can<ReadParticipant>,
    path: web::Path<ParticipantPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    can.show_found::<Participant>(view, move |conn, reach| {
        Participant::identify(conn, reach.ledger, path.stakeholder_id)
    })
    .await
}

/// Read the history of a stakeholder's part in a programme
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "participants", operation_id = "get_participant_history",
    params(ParticipantPath, PageParams),
    security(("bearer" = [Action::ReadParticipant])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/stakeholders/{stakeholder_id}/history")]
async fn history(
    can: Can<ReadParticipant>,
    path: web::Path<ParticipantPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Participant>(listing, move |conn, reach| {
        Participant::identify(conn, reach.ledger, path.stakeholder_id)
    })
    .await
}

/// Edit a stakeholder's part in a programme
///
/// A merge patch (RFC 7396): members that it leaves out stay, null empties.
#[utoipa::path(
    tag = "participants", operation_id = "edit_participant",
    params(ParticipantPath, IfMatch),
    request_body(content = ParticipantContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditParticipant])),
    responses((status = 200, description = "The participant at its new revision", body = Participant)),
)]
#[patch("/programs/{program}/stakeholders/{stakeholder_id}")]
async fn edit(
    can: Can<EditParticipant>,
    path: web::Path<ParticipantPath>,
    seen: Seen,
    patch: Patch<ParticipantContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Participant::edit(tx, path.stakeholder_id, seen, patch)).await
}

/// End a stakeholder's part in a programme
///
/// Its history stays; adding it again goes on from there.
#[utoipa::path(
    tag = "participants", operation_id = "remove_participant",
    params(ParticipantPath, IfMatch),
    security(("bearer" = [Action::RemoveParticipant])),
    responses((status = 204, description = "It takes part no longer")),
)]
#[delete("/programs/{program}/stakeholders/{stakeholder_id}")]
async fn remove(
    can: Can<RemoveParticipant>,
    path: web::Path<ParticipantPath>,
    seen: Seen,
) -> Result<HttpResponse, Problem> {
    can.write(move |tx| Ok(Participant::remove(tx, path.stakeholder_id, seen)?.map(|_| Reply::empty(204)))).await
}
