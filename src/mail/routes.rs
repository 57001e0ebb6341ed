use actix_web::{HttpResponse, get};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::queue::{Mail, MailFilter};
use crate::{
    access::Platform,
    page::{ListParams, Listing, PageParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list);
}

/// A page of mails.
#[derive(Serialize, ToSchema)]
pub struct MailPage {
    pub items: Vec<Mail>,
    pub next_cursor: Option<String>,
}

/// List the mails
///
/// What waits to be sent, and for thirty days what was sent or given up; never what a mail says. One that does not go
/// through is tried again for three days.
#[utoipa::path(
    tag = "mails", operation_id = "list_mails",
    params(MailFilter, PageParams, ListParams<MailFilter>),
    security(("bearer" = [Action::ReadMail])),
    responses((status = 200, description = "A page of mails", body = MailPage)),
)]
#[get("/mails")]
async fn list(can: Platform<ReadMail>, listing: Listing<MailFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let mut rows = can.read(move |conn, reach| Mail::list(conn, reach, &filter, &asked)).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.id), last.id));
    can.page_of(&rows, next)
}
