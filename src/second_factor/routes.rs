use actix_web::{HttpResponse, delete, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{self, RecoveryCodes, TotpSecret, wrong_code};
use crate::{
    access::{Myself, Platform, Reply},
    accounts::Account,
    db::{Id, types},
    idempotency::Repeat,
    policy::{Action, PROVED_WITHIN, gate::*},
    problem::{FieldError, Problem},
    reason::Reason,
    routes::Routes,
    sign_ins::{self, Owner},
    valid::Valid,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(begin).service(confirm).service(renew_codes).service(remove);
}

/// What belongs to a sign-in.
pub fn sign_in_routes(api: &mut Routes<'_>) {
    api.service(step_up);
}

/// What admins do about other people's.
pub fn account_routes(api: &mut Routes<'_>) {
    api.service(reset);
}

/// The first code of a new secret.
#[derive(Deserialize, ToSchema)]
pub struct TotpConfirmation {
    /// The six digits that the authenticator app shows.
    #[schema(min_length = 6, max_length = 40, example = "287082")]
    pub code: String,
}

/// A proof that it is you: the code where you have a second factor, else the password.
#[derive(Deserialize, ToSchema)]
pub struct Proof {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1024, format = Password)]
    pub password: Option<String>,
    /// The six digits of the authenticator app, or a recovery code.
    #[serde(default)]
    #[schema(min_length = 6, max_length = 40, example = "287082")]
    pub code: Option<String>,
}

/// That you have proved to be you.
#[derive(Serialize, ToSchema)]
pub struct Proved {
    /// Until when this sign-in may do what is dangerous.
    #[serde(serialize_with = "types::serialize_instant")]
    pub until: DateTime<Utc>,
}

/// Ask for the secret of an authenticator app
///
/// It is shown this once, and in force when its first code comes back within an hour. Until then nothing changes: a second
/// factor that you have already goes on. The operation takes no `Idempotency-Key`.
#[utoipa::path(
    tag = "me", operation_id = "begin_totp",
    security(("bearer" = [Action::ChangeSecondFactor])),
    responses(
        (status = 201, description = "The secret", body = TotpSecret),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[post("/me/totp")]
async fn begin(myself: Myself<ChangeSecondFactor>) -> Result<HttpResponse, Problem> {
    let sealer = myself.service().sealer.clone();
    myself.write_secret(move |tx| model::begin(tx, &sealer)?.try_map(|made| Reply::json(201, &made))).await
}

/// Put an authenticator app in force by its first code
///
/// From then on you sign in with a code too. This sign-in counts as having shown the second factor, and your others end. The
/// answer holds ten recovery codes, shown this once; earlier ones end, and so does an app that you had before. A mail tells
/// of it. A wrong code counts like a failure to sign in.
#[utoipa::path(
    tag = "me", operation_id = "confirm_totp",
    request_body = TotpConfirmation,
    security(("bearer" = [Action::ChangeSecondFactor])),
    responses(
        (status = 200, description = "It is in force: the recovery codes", body = RecoveryCodes),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "No secret waits for its code"),
    ),
)]
#[post("/me/totp/confirmation")]
async fn confirm(
    myself: Myself<ChangeSecondFactor>,
    Valid(given): Valid<TotpConfirmation>,
) -> Result<HttpResponse, Problem> {
    let (owner, sealer) = (Owner::of(&myself).await?, myself.service().sealer.clone());
    let confirmed = owner.change(&myself, move |tx| match model::confirm(tx, &sealer, &given.code)? {
        Ok(made) => made.try_map(|codes| Reply::json(200, &codes)).map(Ok),
        Err(wrong) => Ok(Err(wrong)),
    });
    confirmed.await
}

/// Make new recovery codes
///
/// Ten, shown this once; earlier ones end. The operation takes no `Idempotency-Key`.
#[utoipa::path(
    tag = "me", operation_id = "renew_recovery_codes",
    security(("bearer" = [Action::ChangeSecondFactor])),
    responses(
        (status = 201, description = "The codes", body = RecoveryCodes),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "You have no second factor"),
    ),
)]
#[post("/me/recovery-codes")]
async fn renew_codes(myself: Myself<ChangeSecondFactor>) -> Result<HttpResponse, Problem> {
    myself.write_secret(move |tx| model::renew_codes(tx)?.try_map(|codes| Reply::json(201, &codes))).await
}

/// Remove your second factor
///
/// The password alone signs in from then on. Refused where a role of yours needs a second factor: put another in its place.
/// A mail tells of it.
#[utoipa::path(
    tag = "me", operation_id = "remove_totp",
    security(("bearer" = [Action::ChangeSecondFactor])),
    responses(
        (status = 204, description = "It is removed"),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "You have none, or a role of yours needs it"),
    ),
)]
#[delete("/me/totp")]
async fn remove(myself: Myself<ChangeSecondFactor>) -> Result<HttpResponse, Problem> {
    let needed_by = myself.service().settings.second_factor;
    let removed = myself.write_secret(move |tx| Ok(model::remove(tx, needed_by)?.map(|_| Reply::empty(204)))).await?;
    myself.service().mails.ring();
    Ok(removed)
}

/// Prove again that it is you
///
/// What is dangerous is done only within 15 minutes of signing in or of this, and answers 401 `step-up-required` otherwise
/// (RFC 9470). The access token stays the same. Where you have a second factor, its code is the proof, and it is shown in
/// this sign-in from then on. A wrong proof counts like a failure to sign in.
#[utoipa::path(
    tag = "sign-ins", operation_id = "step_up",
    request_body = Proof,
    security(("bearer" = [Action::StepUp])),
    responses(
        (status = 200, description = "Proved", body = Proved),
        (status = 403, description = "`for-people`: you are a client"),
        (status = 409, description = "The account has no password: ask for one by mail"),
    ),
)]
#[post("/auth/step-up")]
async fn step_up(myself: Myself<StepUp>, Valid(given): Valid<Proof>) -> Result<HttpResponse, Problem> {
    let owner = Owner::of(&myself).await?;
    let by_password = match given.password {
        Some(password) => Some(owner.knows(&myself, password).await?),
        None => None,
    };
    let (sealer, sign_in) = (myself.service().sealer.clone(), myself.1.sign_in);
    let proved = owner.change(&myself, move |tx| {
        let account = tx.reach.account;
        let factor = model::is_set(tx.conn, account)?;
        let (right, wrong) = match (factor, given.code, by_password) {
            (true, None, _) => return Err(missing("/code")),
            (false, _, None) => return Err(missing("/password")),
            (true, Some(code), _) => (model::take(tx.conn, &sealer, account, &code, tx.now)?, wrong_code()),
            (false, _, Some(right)) => (right, wrong_password()),
        };
        if !right {
            return Ok(Err(wrong));
        }
        sign_ins::note_proof(tx.conn, sign_in, factor, tx.now)?;
        let reply = Reply::json(200, &Proved { until: tx.now + PROVED_WITHIN })?;
        Ok(Ok(tx.unchanged(reply)))
    });
    let proved = proved.await?;
    myself.service().callers.rights_changed();
    Ok(proved)
}

fn missing(pointer: &str) -> Problem {
    Problem::Invalid(vec![FieldError::new(pointer, "required", "wajib diisi", "is required")])
}

fn wrong_password() -> Problem {
    Problem::Invalid(vec![FieldError::new("/password", "wrong", "bukan kata sandi Anda", "is not your password")])
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    account_id: Id,
}

/// Take away somebody's lost second factor
///
/// For somebody who has lost both app and recovery codes, and whom you know it to be. Their sign-ins end; they sign in with
/// the password, and roles that need a second factor do not count until they have set up a new one. A mail tells them.
#[utoipa::path(
    tag = "accounts", operation_id = "reset_second_factor",
    params(AccountPath, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::ResetSecondFactor])),
    responses(
        (status = 200, description = "The account", body = Account),
        (status = 409, description = "It has no second factor"),
    ),
)]
#[post("/accounts/{account_id}/totp-reset")]
async fn reset(
    can: Platform<ResetSecondFactor>,
    path: web::Path<AccountPath>,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    let changed = can.change(move |tx| model::reset(tx, path.account_id, &why)).await?;
    can.service().mails.ring();
    Ok(changed)
}
