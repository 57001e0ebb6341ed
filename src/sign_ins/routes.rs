use actix_web::{HttpResponse, http::header, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{self, SignIn};
use crate::{
    access::{Public, Tx},
    accounts::Account,
    db::Id,
    password::{self, PasswordFault},
    problem::{FieldError, Problem},
    routes::Routes,
    secret,
    service::Service,
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(log_in).service(refresh).service(log_out).service(set_password);
    super::resets::routes(api);
    crate::second_factor::sign_in_routes(api);
    crate::invitations::acceptance_routes(api);
}

/// What a person signs in with.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    #[schema(min_length = 1, max_length = 254, example = "lead@demo.example")]
    pub email: String,
    #[schema(min_length = 1, max_length = 1024, format = Password)]
    pub password: String,
    /// Where the account has a second factor: the six digits of the authenticator app, or a recovery code.
    #[serde(default)]
    #[schema(min_length = 6, max_length = 40, example = "287082")]
    pub code: Option<String>,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
pub struct Refresh {
    #[schema(min_length = 1, max_length = 1024)]
    pub refresh_token: String,
}

/// A new password, and the one-time token that allows it.
#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    #[schema(min_length = 1, max_length = 200, example = "tgh_pw_…")]
    pub password_token: String,
    /// 12 to 128 characters, and none of the commonest.
    #[schema(min_length = 12, max_length = 128, format = Password)]
    pub password: String,
}

/// The tokens of a sign-in.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Good once: it gives the next one.
    pub refresh_token: String,
    /// Seconds until the sign-in ends, unless its token is renewed before: a week, or what is left of its 30 days.
    #[schema(example = 604_800)]
    pub refresh_expires_in: i64,
}

/// Sign in with a password
///
/// Failures are counted for each account and each address: after too many of them comes 429. The answer does not
/// tell whether there is such an account. Where it has a second factor, the code is sent too; a code is good once.
#[utoipa::path(
    tag = "sign-ins", operation_id = "log_in",
    request_body = Credentials,
    responses(
        (status = 200, description = "The tokens", body = Tokens),
        (status = 401, description = "`invalid-credentials`: address, password or code are wrong. `code-required`: the account has a second factor"),
        (status = 429, description = "Too many failures: `too-many-requests`"),
    ),
)]
#[post("/auth/login")]
async fn log_in(public: Public, Valid(given): Valid<Credentials>) -> Result<HttpResponse, Problem> {
    let sign_in = model::log_in(&public, given.email, given.password, given.code).await?;
    tokens(&public, &sign_in)
}

/// Get new tokens
///
/// The refresh token is good once and gives the next one; for 30 seconds it gives that same next one again. An
/// older one ends the sign-in. It also ends when its token was not renewed for a week, and 30 days after it began.
#[utoipa::path(
    tag = "sign-ins", operation_id = "refresh_sign_in",
    request_body = Refresh,
    responses(
        (status = 200, description = "The next tokens", body = Tokens),
        (status = 401, description = "The token does not hold, or no longer"),
    ),
)]
#[post("/auth/refresh")]
async fn refresh(public: Public, Valid(given): Valid<Refresh>) -> Result<HttpResponse, Problem> {
    let (family, generation) = read(&public, &given.refresh_token).await?.ok_or(Problem::InvalidToken)?;
    let rotated = public.write(move |conn, now| model::rotate(conn, Id(family), generation, now)).await;
    if rotated.is_err() {
        public.rights_changed();
    }
    tokens(&public, &rotated?)
}

/// Sign out
///
/// Ends the sign-in that the token belongs to. The answer is the same whatever the token is.
#[utoipa::path(
    tag = "sign-ins", operation_id = "log_out",
    request_body = Refresh,
    responses((status = 204, description = "Signed out")),
)]
#[post("/auth/logout")]
async fn log_out(public: Public, Valid(given): Valid<Refresh>) -> Result<HttpResponse, Problem> {
    if let Some((family, _)) = read(&public, &given.refresh_token).await? {
        public.write(move |conn, now| Ok(Ok(model::end(conn, Id(family), now, "signed_out")?))).await?;
        public.rights_changed();
    }
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// Set a password by a one-time token
///
/// The token is good once, for 72 hours. Every sign-in of the account ends.
#[utoipa::path(
    tag = "sign-ins", operation_id = "set_password",
    request_body = NewPassword,
    responses(
        (status = 204, description = "The password is set: sign in with it"),
        (status = 401, description = "The token does not hold, or no longer"),
    ),
)]
#[post("/auth/password")]
async fn set_password(public: Public, Valid(given): Valid<NewPassword>) -> Result<HttpResponse, Problem> {
    if !secret::well_formed(&given.password_token) {
        return Err(Problem::InvalidToken);
    }
    let token_hash = secret::hash(&given.password_token);
    let looked_up = token_hash.clone();
    let email = public.read(move |conn| Account::email_of_token(conn, &looked_up)).await?;
    password::check(&given.password, &email).map_err(refused)?;
    let phc = hashed(public.service(), given.password).await?;
    let notice = public.service().settings.terms.notice.clone();
    let set = move |tx: &mut Tx<'_>| Account::set_password(tx, &token_hash, &phc, &notice);
    public.change("account.set_password", set).await?;
    Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish())
}

/// The hash of a new password, made at the gate.
pub async fn hashed(service: &Service, password: String) -> Result<String, Problem> {
    let cost = service.settings.password_cost;
    let made = service.passwords.run(move || password::hash(&password, cost)).await;
    made.map_err(|_| Problem::Busy { retry_after_s: 2 })?.map_err(|error| Problem::internal(error.to_string()))
}

/// What is wrong with a password, for its owner to read.
pub fn refused(fault: PasswordFault) -> Problem {
    let (id, en) = match fault {
        PasswordFault::TooShort => ("kurang dari 12 karakter", "is shorter than 12 characters"),
        PasswordFault::TooLong => ("lebih dari 128 karakter", "is longer than 128 characters"),
        PasswordFault::TooCommon => ("termasuk kata sandi yang paling umum", "is one of the commonest"),
        PasswordFault::SameAsEmail => ("sama dengan alamat surel", "is the same as the e-mail address"),
    };
    Problem::Invalid(vec![FieldError::new("/password", fault.code(), id, en)])
}

/// The family and generation that a refresh token names, if it is ours.
async fn read(public: &Public, token: &str) -> Result<Option<(uuid::Uuid, i32)>, Problem> {
    let (service, now) = (public.service(), public.service().clock.now());
    if let Some(read) = service.keys().read_refresh(token, now) {
        return Ok(Some(read));
    }
    // Another instance may have made new keys since.
    crate::keys::reload(service).await?;
    Ok(service.keys().read_refresh(token, now))
}

fn tokens(public: &Public, sign_in: &SignIn) -> Result<HttpResponse, Problem> {
    let (keys, now) = (public.service().keys(), public.service().clock.now());
    let (access_token, expires_in) = keys
        .access_token(sign_in.account.0, sign_in.id.0, now)
        .map_err(|error| Problem::internal(error.to_string()))?;
    let tokens = Tokens {
        access_token,
        token_type: "Bearer",
        expires_in,
        refresh_token: keys.refresh_token(sign_in.id.0, sign_in.generation),
        refresh_expires_in: (sign_in.expires_at - now).num_seconds(),
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(tokens))
}
