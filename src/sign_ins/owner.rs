//! Somebody who is signed in and proves anew to be the account's owner. Wrong proofs are counted like failures to sign in.

use actix_web::HttpResponse;

use super::throttle::Throttle;
use crate::{
    access::{Can, Recorded, Reply, Tx},
    accounts::Account,
    password,
    policy::Gate,
    problem::{FieldError, Problem},
};

/// What is known of an account before its owner has proved to be that.
pub struct Owner {
    pub email: String,
    phc: Option<String>,
}

impl Owner {
    /// The caller's, unless too many guesses were wrong.
    pub async fn of<A: Gate>(can: &Can<A>) -> Result<Owner, Problem> {
        let now = can.service().clock.now();
        can.read(move |conn, reach| {
            let (email, phc) = Account::own_password(conn, reach.account)?;
            Throttle::of_sign_in(&email, None).check(conn, now)?;
            Ok(Owner { email, phc })
        })
        .await
    }

    /// The hash of the present password.
    pub fn phc(&self) -> Result<&str, Problem> {
        self.phc.as_deref().ok_or_else(|| {
            Problem::Conflict(FieldError::new(
                "",
                "no_password",
                "akun ini belum punya kata sandi: mintalah lewat surel",
                "this account has no password yet: ask for one by mail",
            ))
        })
    }

    /// Whether this is the present password.
    pub async fn knows<A: Gate>(&self, can: &Can<A>, given: String) -> Result<bool, Problem> {
        let phc = self.phc()?.to_owned();
        let checked = can.service().passwords.run(move || password::verify(&given, &phc)).await;
        checked.map_err(|_| Problem::Busy { retry_after_s: 2 })
    }

    /// Does what only the owner may. The inner error of `work` says that the proof was wrong: it is counted.
    pub async fn change<A: Gate>(
        self,
        can: &Can<A>,
        work: impl FnOnce(&mut Tx<'_>) -> Result<Result<Recorded<Reply>, Problem>, Problem> + Send + 'static,
    ) -> Result<HttpResponse, Problem> {
        let changed = can.write_secret(move |tx| {
            let throttle = Throttle::of_sign_in(&self.email, None);
            // Others may have guessed since we looked.
            throttle.check(tx.conn, tx.now)?;
            match work(tx)? {
                Ok(done) => Ok(done),
                Err(wrong) => {
                    throttle.count(tx.conn, tx.now)?;
                    Ok(tx.refuse(wrong))
                }
            }
        });
        let changed = changed.await?;
        can.service().mails.ring();
        Ok(changed)
    }
}
