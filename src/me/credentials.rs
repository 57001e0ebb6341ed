//! One's own password and address: changed by whoever knows the present password.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    access::{Myself, Reply},
    accounts::{Account, wrong_password},
    password,
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
    sign_ins::{Owner, Throttle, hashed, refused},
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(change_password).service(change_email);
}

/// The present password, and a new one.
#[derive(Deserialize, ToSchema)]
pub struct PasswordChange {
    #[schema(min_length = 1, max_length = 1024, format = Password)]
    pub current_password: String,
    /// 12 to 128 characters, and none of the commonest.
    #[schema(min_length = 12, max_length = 128, format = Password)]
    pub password: String,
}

/// The present password, and a new address.
#[derive(Deserialize, ToSchema)]
pub struct EmailChange {
    #[schema(min_length = 1, max_length = 1024, format = Password)]
    pub current_password: String,
    #[schema(min_length = 3, max_length = 254, format = Email)]
    pub email: String,
}

/// Change your own password
///
/// Your other sign-ins end; this one goes on. A mail tells of it. A wrong present password counts like a failure to sign in.
#[utoipa::path(
    tag = "me", operation_id = "change_password",
    request_body = PasswordChange,
    security(("bearer" = [Action::ChangePassword])),
    responses(
        (status = 204, description = "It is changed"),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "The account has no password: ask for one by mail"),
    ),
)]
#[post("/me/password")]
async fn change_password(
    myself: Myself<ChangePassword>,
    Valid(given): Valid<PasswordChange>,
) -> Result<HttpResponse, Problem> {
    let owner = Owner::of(&myself).await?;
    let present = owner.phc()?.to_owned();
    password::check(&given.password, &owner.email).map_err(refused)?;
    let right = owner.knows(&myself, given.current_password).await?;
    // As much work, right or wrong.
    let phc = hashed(myself.service(), given.password).await?;
    let sign_in = myself.1.sign_in;
    let changed = owner.change(&myself, move |tx| {
        if !right {
            return Ok(Err(wrong_password()));
        }
        Ok(Ok(Account::change_password(tx, &present, &phc, sign_in)?.map(|_| Reply::empty(204))))
    });
    changed.await
}

/// Change your own address
///
/// A mail with a token goes to the new address, and the account has it once the token is confirmed. Whether another account
/// has it already is not told: then no mail goes there.
#[utoipa::path(
    tag = "me", operation_id = "change_email",
    request_body = EmailChange,
    security(("bearer" = [Action::ChangeEmail])),
    responses(
        (status = 202, description = "A mail is on its way to the new address"),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "The account has no password: ask for one by mail"),
    ),
)]
#[post("/me/email-changes")]
async fn change_email(myself: Myself<ChangeEmail>, Valid(given): Valid<EmailChange>) -> Result<HttpResponse, Problem> {
    let owner = Owner::of(&myself).await?;
    let right = owner.knows(&myself, given.current_password).await?;
    let changed = owner.change(&myself, move |tx| {
        if !right {
            return Ok(Err(wrong_password()));
        }
        let throttle = Throttle::of_mail(&given.email, &tx.reach.account.to_string());
        throttle.check(tx.conn, tx.now)?;
        throttle.count(tx.conn, tx.now)?;
        Account::ask_for_email(tx, &given.email)?;
        Ok(Ok(tx.unchanged(Reply::empty(202))))
    });
    changed.await
}
