//! One's own password and address: changed by whoever knows the present password.

use actix_web::{HttpResponse, post};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    access::{Can, Myself, Recorded, Reply, Tx},
    accounts::{Account, wrong_password},
    password,
    policy::{Action, Gate, gate::*},
    problem::{FieldError, Problem},
    routes::Routes,
    sign_ins::{Throttle, hashed, refused},
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
    let known = known(&myself).await?;
    password::check(&given.password, &known.email).map_err(refused)?;
    let right = known.is(&myself, given.current_password).await?;
    // As much work, right or wrong.
    let phc = hashed(myself.service(), given.password).await?;
    let sign_in = myself.1.sign_in;
    let changed = known.change(&myself, right, move |tx, present| {
        Ok(Account::change_password(tx, present, &phc, sign_in)?.map(|_| Reply::empty(204)))
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
    let known = known(&myself).await?;
    let right = known.is(&myself, given.current_password).await?;
    let changed = known.change(&myself, right, move |tx, _| {
        let throttle = Throttle::of_mail(&given.email, &tx.reach.account.to_string());
        throttle.check(tx.conn, tx.now)?;
        throttle.count(tx.conn, tx.now)?;
        Account::ask_for_email(tx, &given.email)?;
        Ok(tx.unchanged(Reply::empty(202)))
    });
    changed.await
}

/// What is known of an account before its owner has proved to be that.
struct Known {
    email: String,
    phc: String,
}

/// The account's address and the hash of its password, unless too many guesses were wrong.
async fn known<A: Gate>(can: &Can<A>) -> Result<Known, Problem> {
    let now = can.service().clock.now();
    can.read(move |conn, reach| {
        let (email, phc) = Account::own_password(conn, reach.account)?;
        Throttle::of_sign_in(&email, None).check(conn, now)?;
        let phc = phc.ok_or_else(|| {
            Problem::Conflict(FieldError::new(
                "",
                "no_password",
                "akun ini belum punya kata sandi: mintalah lewat surel",
                "this account has no password yet: ask for one by mail",
            ))
        })?;
        Ok(Known { email, phc })
    })
    .await
}

impl Known {
    /// Whether this is the present password.
    async fn is<A: Gate>(&self, can: &Can<A>, given: String) -> Result<bool, Problem> {
        let phc = self.phc.clone();
        let checked = can.service().passwords.run(move || password::verify(&given, &phc)).await;
        checked.map_err(|_| Problem::Busy { retry_after_s: 2 })
    }

    /// Does what only the owner may; a wrong password is counted instead.
    async fn change<A: Gate>(
        self,
        can: &Can<A>,
        right: bool,
        work: impl FnOnce(&mut Tx<'_>, &str) -> Result<Recorded<Reply>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let changed = can.write_secret(move |tx| {
            let throttle = Throttle::of_sign_in(&self.email, None);
            // Others may have guessed since we looked.
            throttle.check(tx.conn, tx.now)?;
            if right {
                return work(tx, &self.phc);
            }
            throttle.count(tx.conn, tx.now)?;
            Ok(tx.refuse(wrong_password()))
        });
        let changed = changed.await?;
        can.service().mails.ring();
        Ok(changed)
    }
}
