//! What comes back from mails: a new password for somebody who forgot theirs, a new address.

use actix_web::{HttpResponse, http::header, post};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    routes::{hashed, refused},
    throttle::Throttle,
};
use crate::{
    access::Public,
    accounts::{Account, Language},
    mail::{self, MailKind, NewMail},
    one_time::Purpose,
    password,
    problem::Problem,
    proxies::network,
    routes::Routes,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(request).service(reset).service(confirm_email);
}

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
pub struct PasswordResetRequest {
    #[schema(min_length = 3, max_length = 254, format = Email)]
    pub email: String,
}

/// A new password, and the token from the mail.
#[derive(Deserialize, ToSchema)]
pub struct PasswordReset {
    #[schema(min_length = 1, max_length = 200, example = "tgh_pr_…")]
    pub reset_token: String,
    /// 12 to 128 characters, and none of the commonest.
    #[schema(min_length = 12, max_length = 128, format = Password)]
    pub password: String,
}

/// The token from the mail that went to the new address.
#[derive(Deserialize, ToSchema)]
pub struct EmailConfirmation {
    #[schema(min_length = 1, max_length = 200, example = "tgh_ec_…")]
    pub email_token: String,
}

/// Ask for a new password
///
/// A mail with a token goes to the address, if an account with a password has it. The answer is the same, after the same work,
/// whether or not one does: that is looked up when the mail is sent. Three mails go to one address in a quarter of an hour.
#[utoipa::path(
    tag = "sign-ins", operation_id = "request_password_reset",
    request_body = PasswordResetRequest,
    responses(
        (status = 202, description = "If there is such an account, a mail is on its way"),
        (status = 429, description = "Too many mails: `too-many-requests`"),
    ),
)]
#[post("/auth/password-reset-requests")]
async fn request(public: Public, Valid(given): Valid<PasswordResetRequest>) -> Result<HttpResponse, Problem> {
    let from = public.address().map(network).unwrap_or_default();
    let queued = public.write(move |conn, now| {
        let throttle = Throttle::of_mail(&given.email, &from);
        throttle.check(conn, now)?;
        throttle.count(conn, now)?;
        let mail = NewMail {
            kind: MailKind::PasswordReset,
            recipient: given.email.trim(),
            account: None,
            subject: None,
            language: Language::default(),
        };
        mail::enqueue(conn, &mail, now)?;
        Ok(Ok(()))
    });
    queued.await?;
    public.service().mails.ring();
    Ok(HttpResponse::Accepted().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Set a new password by the token from a mail
///
/// The token is good once, for an hour. Every sign-in of the account ends, and so does any other token that could set its
/// password. A mail tells of it.
#[utoipa::path(
    tag = "sign-ins", operation_id = "reset_password",
    request_body = PasswordReset,
    responses(
        (status = 204, description = "The password is set: sign in with it"),
        (status = 401, description = "The token does not hold, or no longer"),
    ),
)]
#[post("/auth/password-resets")]
async fn reset(public: Public, Valid(given): Valid<PasswordReset>) -> Result<HttpResponse, Problem> {
    let hash = Purpose::PasswordReset.hash(&given.reset_token)?;
    let (looked_up, now) = (hash.clone(), public.service().clock.now());
    let email = public.read(move |conn| Account::email_of_reset(conn, &looked_up, now)).await?;
    password::check(&given.password, &email).map_err(refused)?;
    let phc = hashed(public.service(), given.password).await?;
    public.change("account.reset_password", move |tx| Account::reset_password(tx, &hash, &phc)).await?;
    public.service().mails.ring();
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Confirm a new address by the token from a mail
///
/// The token is good once, for 24 hours. From then on the account has the new address, and the old one is told.
#[utoipa::path(
    tag = "sign-ins", operation_id = "confirm_email_change",
    request_body = EmailConfirmation,
    responses(
        (status = 204, description = "The account has the new address: sign in with it"),
        (status = 401, description = "The token does not hold, or no longer"),
        (status = 409, description = "Another account got the address meanwhile"),
    ),
)]
#[post("/auth/email-changes")]
async fn confirm_email(public: Public, Valid(given): Valid<EmailConfirmation>) -> Result<HttpResponse, Problem> {
    let hash = Purpose::EmailChange.hash(&given.email_token)?;
    public.change("account.change_email", move |tx| Account::change_email(tx, &hash)).await?;
    public.service().mails.ring();
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}
