use actix_web::{HttpResponse, get};
use serde_json::json;

use super::backlog::{self, BacklogFilter, BacklogPage};
use crate::{
    access::Can,
    db::Id,
    ledger::stand,
    page::{Listing, PageParams},
    policy::{Action, gate::*},
    problem::Problem,
    programs::ProgramPath,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(read);
}

/// List the texts that are to be translated
///
/// Each localized text that has no words in the language, or words that render an earlier source. By kind of thing, and
/// in each kind by when it was last changed. What can be changed no more is left out, and so is what you may not see.
#[utoipa::path(
    tag = "programs", operation_id = "list_translation_backlog",
    params(ProgramPath, BacklogFilter, PageParams),
    security(("bearer" = [Action::SummarizeProgram])),
    responses((status = 200, description = "A page of the backlog", body = BacklogPage)),
)]
#[get("/programs/{program}/translations/backlog")]
async fn read(can: Can<SummarizeProgram>, listing: Listing<BacklogFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let (head, (items, mark)) = can
        .snapshot(move |conn, reach| Ok((stand(conn, reach.ledger)?, backlog::read(conn, reach, &filter, &asked)?)))
        .await?;
    let next = mark.map(|mark| page.cursor(can.service(), &json!(mark), Id::NIL));
    let items = serde_json::to_string(&items).map_err(Problem::internal)?;
    Ok(can.page(can.list_tag(&head), format!("{{\"items\":{items}"), next, None))
}
