use actix_web::{HttpResponse, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    model::Stakeholder,
    reorganise::{StakeholderMerge, StakeholderSplit},
    routes::StakeholderPath,
};
use crate::{
    access::{Platform, Seen},
    consequences::Consequence,
    decisions::Trial,
    idempotency::Repeat,
    policy::{Action, gate::*},
    problem::Problem,
    seen::IfMatch,
    valid::Valid,
};

/// An organisation that was merged or split, and what that brought.
#[derive(Serialize, ToSchema)]
pub struct ReorganizedStakeholder {
    #[serde(flatten)]
    stakeholder: Stakeholder,
    consequences: Vec<Consequence>,
}

/// Merge an organisation into another
///
/// What is live goes over in every active programme: memberships, clients, webhooks, its part in the programme, open
/// follow-ups, the lead of focus areas. What it did, said and voted keeps its id and its names. Whoever asks for it is
/// sent on with 308; with `as_of` before the merger it is there as it was. While it has a voice in an open ballot this is
/// refused. `dry_run=true` shows every consequence before.
#[utoipa::path(
    tag = "stakeholders", operation_id = "merge_stakeholder",
    params(StakeholderPath, Trial, IfMatch, Repeat),
    request_body = StakeholderMerge,
    security(("bearer" = [Action::ReorganizeStakeholder])),
    responses(
        (status = 200, description = "The organisation that was merged", body = ReorganizedStakeholder),
        (status = 409, description = "It has a voice in an open ballot, or is there no more"),
    ),
)]
#[post("/stakeholders/{stakeholder_id}/merge")]
pub(super) async fn merge(
    can: Platform<ReorganizeStakeholder>,
    path: web::Path<StakeholderPath>,
    trial: web::Query<Trial>,
    seen: Seen,
    Valid(act): Valid<StakeholderMerge>,
) -> Result<HttpResponse, Problem> {
    can.write_across(trial.dry_run, move |tx| {
        let (merged, consequences) = Stakeholder::merge(tx, path.stakeholder_id, seen, act)?;
        tx.changed_with(merged, &consequences)
    })
    .await
}

/// Split an organisation
///
/// Its memberships and clients are divided: each that is live is named once, under an organisation that it goes to or under
/// `keeps`. Without `keeps` the organisation is there no more, and takes part in nothing. Those that something goes to take
/// part where it goes. `dry_run=true` shows every consequence before, or what is not named yet.
#[utoipa::path(
    tag = "stakeholders", operation_id = "split_stakeholder",
    params(StakeholderPath, Trial, IfMatch, Repeat),
    request_body = StakeholderSplit,
    security(("bearer" = [Action::ReorganizeStakeholder])),
    responses(
        (status = 200, description = "The organisation that was split", body = ReorganizedStakeholder),
        (status = 409, description = "It would be there no more and has a voice in an open ballot, or it is there no more"),
    ),
)]
#[post("/stakeholders/{stakeholder_id}/split")]
pub(super) async fn split(
    can: Platform<ReorganizeStakeholder>,
    path: web::Path<StakeholderPath>,
    trial: web::Query<Trial>,
    seen: Seen,
    Valid(act): Valid<StakeholderSplit>,
) -> Result<HttpResponse, Problem> {
    can.write_across(trial.dry_run, move |tx| {
        let (split, consequences) = Stakeholder::split(tx, path.stakeholder_id, seen, act)?;
        tx.changed_with(split, &consequences)
    })
    .await
}
