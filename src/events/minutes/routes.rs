use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::told::Minutes;
use crate::{
    access::Can,
    db::{AnyConnection, Id},
    pages::{LangParams, Rendition, Wanted},
    policy::{Action, gate::*},
    problem::Problem,
    schema::event_revisions,
};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MinutesPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The event's id, or its code.
    #[param(max_length = 40, example = "E-1")]
    event_id: String,
}

/// Read the minutes of an event
///
/// Written by the service from what happened: who was there, the stages, what was decided on which question and why,
/// what is to be done, and what each decision changed. Organisations only, no people. JSON for programs; Markdown or a
/// page that prints well by `Accept`. Once they are approved they never change.
#[utoipa::path(
    tag = "events", operation_id = "get_minutes",
    params(MinutesPath, LangParams),
    security(("bearer" = [Action::ReadEvent])),
    responses((
        status = 200, description = "The minutes",
        content((Minutes = "application/json"), (String = "text/markdown"), (String = "text/html")),
    )),
)]
#[get("/programs/{program}/events/{event_id}/minutes")]
pub async fn show(can: Can<ReadEvent>, path: web::Path<MinutesPath>, wanted: Wanted) -> Result<HttpResponse, Problem> {
    let told = can
        .snapshot(move |conn, reach| {
            let event = identify(conn, reach.ledger, &path.event_id)?;
            super::of(conn, reach.ledger, event)
        })
        .await?;
    Ok(can.send(rendition(&told, wanted, "/api/v1/programs")?))
}

/// Minutes in the format that was asked for; what they link to lies below `programs`.
pub fn rendition(minutes: &Minutes, wanted: Wanted, programs: &str) -> Result<Rendition, Problem> {
    let json = serde_json::to_string(minutes).map_err(Problem::internal)?;
    let source = &minutes.program.source_language;
    Ok(Rendition::of(wanted, source, json, |lang| super::page::of(minutes, lang, programs)))
}

fn identify(conn: &mut AnyConnection, ledger: Id, name: &str) -> Result<Id, Problem> {
    use diesel::prelude::*;
    if let Some(id) = Id::parse(name) {
        return Ok(id);
    }
    let number = name.strip_prefix("E-").and_then(|number| number.parse::<i32>().ok()).ok_or(Problem::NotFound)?;
    event_revisions::table
        .filter(event_revisions::ledger_id.eq(ledger))
        .filter(event_revisions::number.eq(number))
        .filter(event_revisions::code.eq(name))
        .filter(event_revisions::seq_to.is_null())
        .select(event_revisions::subject_id)
        .first(conn)
        .optional()?
        .ok_or(Problem::NotFound)
}
