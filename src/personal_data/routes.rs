use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    completion::{CompletedDataRequest, DataRequestCompletion},
    due::{self, DuePersonalData},
    export::{self, PersonalData},
    reads::{PersonalDataRead, ReadFilter},
    requests::{DataRequest, DataRequestFilter, NewDataRequest},
};
use crate::{
    access::{Myself, Platform},
    db::Id,
    decisions::Trial,
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(own).service(ask).service(list).service(read).service(complete).service(list_due).service(list_reads);
}

/// What stands below an account's path.
pub fn account_routes(api: &mut Routes<'_>) {
    api.service(of_account);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    account_id: Id,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct DataRequestPath {
    /// The request's id.
    request_id: Id,
}

/// Read all that is kept of you
///
/// Every kind of personal data that the service keeps, with its purpose, its basis in law, how long it is kept, and what
/// there is of you: your account, sign-ins, memberships, invitations, attendance, mails, who was shown your data, what you
/// asked about it.
#[utoipa::path(
    tag = "personal-data", operation_id = "get_own_personal_data",
    security(("bearer" = [Action::ReadOwnData])),
    responses(
        (status = 200, description = "What is kept of you", body = PersonalData),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[get("/personal-data/me")]
async fn own(myself: Myself<ReadOwnData>) -> Result<HttpResponse, Problem> {
    let (terms, now) = (myself.service().settings.terms.clone(), myself.service().clock.now());
    let kept = myself.snapshot(move |conn, reach| export::read(conn, reach, reach.account, &terms, now)).await?;
    myself.answer(&kept)
}

/// Read all that is kept of somebody
///
/// The same as people read of themselves: for a copy to whoever asked for one and cannot sign in.
#[utoipa::path(
    tag = "personal-data", operation_id = "get_account_personal_data",
    params(AccountPath),
    security(("bearer" = [Action::ReviewData])),
    responses((status = 200, description = "What is kept of them", body = PersonalData)),
)]
#[get("/accounts/{account_id}/personal-data")]
async fn of_account(can: Platform<ReviewData>, path: web::Path<AccountPath>) -> Result<HttpResponse, Problem> {
    let (terms, now) = (can.service().settings.terms.clone(), can.service().clock.now());
    let kept = can.snapshot(move |conn, reach| export::read(conn, reach, path.account_id, &terms, now)).await?;
    can.answer(&kept)
}

/// Ask something about your data
///
/// To see it, to have it corrected, shown to nobody else, shown again, to take part no longer, to be erased, or that no
/// machine decide about you. A restriction and its lifting hold at once; an admin answers all of them, within 72 hours where the law
/// says so, and you are told by mail. Admins enter what somebody asked by another way, and note how.
#[utoipa::path(
    tag = "personal-data", operation_id = "ask_about_personal_data",
    params(Repeat),
    request_body = NewDataRequest,
    security(("bearer" = [Action::AskAboutData])),
    responses(
        (status = 201, description = "The request", body = DataRequest),
        (status = 403, description = "`for-people`: you are a client; or you ask for somebody else and are no admin"),
        (status = 409, description = "There is such a request already (`taken`), or the person was erased (`wrong-state`)"),
    ),
)]
#[post("/personal-data/requests")]
async fn ask(myself: Myself<AskAboutData>, Valid(new): Valid<NewDataRequest>) -> Result<HttpResponse, Problem> {
    let terms = myself.service().settings.terms.clone();
    myself.create(move |tx| DataRequest::ask(tx, new, &terms)).await
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
pub struct DataRequestPage {
    pub items: Vec<DataRequest>,
    pub next_cursor: Option<String>,
}

/// List the requests about personal data
///
/// Your own; admins see all.
#[utoipa::path(
    tag = "personal-data", operation_id = "list_personal_data_requests",
    params(DataRequestFilter, PageParams, ViewParams, ListParams<DataRequestFilter>),
    security(("bearer" = [Action::ReadOwnData])),
    responses(
        (status = 200, description = "A page of requests", body = DataRequestPage),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[get("/personal-data/requests")]
async fn list(myself: Myself<ReadOwnData>, listing: Listing<DataRequestFilter>) -> Result<HttpResponse, Problem> {
    myself.list::<DataRequest, _>(listing, DataRequest::list).await
}

/// Read a request about personal data
///
/// One of your own; admins read all. With the words of whoever asked and answered, until an erasure.
#[utoipa::path(
    tag = "personal-data", operation_id = "get_personal_data_request",
    params(DataRequestPath, ViewParams),
    security(("bearer" = [Action::ReadOwnData])),
    responses(
        (status = 200, description = "The request", body = DataRequest),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[get("/personal-data/requests/{request_id}")]
async fn read(
    myself: Myself<ReadOwnData>,
    path: web::Path<DataRequestPath>,
    view: View,
) -> Result<HttpResponse, Problem> {
    myself.show::<DataRequest>(path.request_id, view).await
}

/// Answer a request about personal data
///
/// `done` does what was asked: a withdrawal ends memberships and sign-ins and locks the account; an erasure forgets the
/// person, whose attendance, votes and history stand under an account's id of which nothing is known any more. Access and
/// correction are done before this says so. The person is told by mail. `dry_run=true` shows before what it would do, and
/// which rows of ledgers still name the person. Nobody answers their own request while there is another admin.
#[utoipa::path(
    tag = "personal-data", operation_id = "complete_personal_data_request",
    params(DataRequestPath, Trial, Repeat),
    request_body = DataRequestCompletion,
    security(("bearer" = [Action::CompleteDataRequest])),
    responses(
        (status = 200, description = "The request, and what its answer did", body = CompletedDataRequest),
        (status = 409, description = "It is answered already (`wrong-state`), is your own (`conflict`), or the last admin or lead would go (`last-holder`)"),
    ),
)]
#[post("/personal-data/requests/{request_id}/completion")]
async fn complete(
    can: Platform<CompleteDataRequest>,
    path: web::Path<DataRequestPath>,
    trial: web::Query<Trial>,
    Valid(with): Valid<DataRequestCompletion>,
) -> Result<HttpResponse, Problem> {
    let answered = can.write_across(trial.dry_run, move |tx| DataRequest::answer(tx, path.request_id, with)).await?;
    can.service().mails.ring();
    Ok(answered)
}

/// Read what is due about personal data
///
/// Requests that are not answered yet, with the hours that are left, and accounts that are over for longer than people are
/// known.
#[utoipa::path(
    tag = "personal-data", operation_id = "list_due_personal_data",
    security(("bearer" = [Action::ReviewData])),
    responses((status = 200, description = "What is due", body = DuePersonalData)),
)]
#[get("/personal-data/due")]
async fn list_due(can: Platform<ReviewData>) -> Result<HttpResponse, Problem> {
    let (terms, now) = (can.service().settings.terms.clone(), can.service().clock.now());
    let due = can.snapshot(move |conn, _| due::read(conn, &terms, now)).await?;
    can.answer(&due)
}

/// A page of reads.
#[derive(Serialize, ToSchema)]
pub struct PersonalDataReadPage {
    pub items: Vec<PersonalDataRead>,
    pub next_cursor: Option<String>,
}

/// List who was shown whose personal data
///
/// A row for each person in each answer that showed somebody to somebody else: by which operation, to which account or client,
/// with which key. It answers whose data a key read, as a notice of a breach must.
#[utoipa::path(
    tag = "personal-data", operation_id = "list_personal_data_reads",
    params(ReadFilter, PageParams, ListParams<ReadFilter>),
    security(("bearer" = [Action::ReviewData])),
    responses((status = 200, description = "A page of reads", body = PersonalDataReadPage)),
)]
#[get("/personal-data/reads")]
async fn list_reads(can: Platform<ReviewData>, listing: Listing<ReadFilter>) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, .. } = listing;
    let asked = page.clone();
    let mut rows = can.read(move |conn, _| PersonalDataRead::list(conn, &filter, &asked)).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.id), last.id));
    can.page_of(&rows, next)
}
