//! One's own sign-ins: what goes on, and how to end it.

use actix_web::{HttpResponse, delete, get, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use crate::{
    access::{Myself, Reply},
    db::Id,
    page::{ListParams, Listing, PageParams},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    sign_ins::{OpenSignIn, SignInFilter, SignInPage},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list).service(end);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SignInPath {
    /// The sign-in's id.
    sign_in_id: Id,
}

/// List your own sign-ins
///
/// Those that go on: since when, from where, with what.
#[utoipa::path(
    tag = "me", operation_id = "list_my_sign_ins",
    params(PageParams, ListParams<SignInFilter>),
    security(("bearer" = [Action::ReadMe])),
    responses(
        (status = 200, description = "A page of your sign-ins", body = SignInPage),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[get("/me/sign-ins")]
async fn list(myself: Myself<ReadMe>, listing: Listing<SignInFilter>) -> Result<HttpResponse, Problem> {
    if myself.1.machine.is_some() {
        return Err(Problem::ForPeople);
    }
    let (page, asked) = (listing.page.clone(), listing.page);
    let (current, now) = (myself.1.sign_in, myself.service().clock.now());
    let mut rows = myself.read(move |conn, reach| OpenSignIn::list(conn, reach.account, current, &asked, now)).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(myself.service(), &json!(last.id), last.id));
    myself.page_of(&rows, next)
}

/// End one of your own sign-ins
///
/// Its tokens end at once: on this instance with the answer, on others within five seconds for reads.
#[utoipa::path(
    tag = "me", operation_id = "end_my_sign_in",
    params(SignInPath),
    security(("bearer" = [Action::EndOwnSignIn])),
    responses(
        (status = 204, description = "It has ended"),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[delete("/me/sign-ins/{sign_in_id}")]
async fn end(myself: Myself<EndOwnSignIn>, path: web::Path<SignInPath>) -> Result<HttpResponse, Problem> {
    let id = path.sign_in_id;
    let ended = myself.write_secret(move |tx| {
        if !OpenSignIn::end(tx.conn, tx.reach.account, id, tx.now)? {
            return Err(Problem::NotFound);
        }
        Ok(tx.unchanged(Reply::empty(204)))
    });
    let ended = ended.await?;
    myself.service().callers.rights_changed();
    Ok(ended)
}
