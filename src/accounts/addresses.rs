//! Another address for an account, once it has proved to be its owner's.

use diesel::prelude::*;

use super::model::{Account, fold, person};
use crate::{
    access::{Recorded, Tx},
    db::constraint::OnConstraint,
    mail::{self, MailKind},
    one_time::Purpose,
    problem::{FieldError, Problem},
    schema::account_people,
};

impl Account {
    /// Sends a token to an address that is to be the account's. To whoever asks, it is the same whether or not the address
    /// is another account's already: then nothing is sent.
    pub fn ask_for_email(tx: &mut Tx<'_>, email: &str) -> Result<(), Problem> {
        let account: Account = tx.look(tx.reach.account)?;
        Ok(mail::enqueue(tx.conn, &account.mail(MailKind::EmailChange, email.trim()), tx.now)?)
    }

    /// Gives an account the address that a token went to, and tells the old one. Tokens that went to the old one end.
    pub fn change_email(tx: &mut Tx<'_>, hash: &str) -> Result<Recorded<Account>, Problem> {
        let token = Purpose::EmailChange.holding(tx.conn, hash, tx.now)?;
        let (id, email) = (token.subject, token.email.ok_or(Problem::InvalidToken)?);
        tx.reach.account = id;
        let account: Account = tx.look(id)?;
        if !account.is_open(tx.now) {
            return Err(Problem::InvalidToken);
        }
        let (old, _) = person(tx.conn, id)?;
        diesel::update(account_people::table.find(id))
            .set((account_people::email.eq(&email), account_people::email_folded.eq(fold(&email))))
            .execute(tx.conn)
            .on_constraint("account_people_email_folded_key", || {
                Problem::Conflict(FieldError::new(
                    "",
                    "taken",
                    "alamat ini sementara itu dipakai akun lain",
                    "another account got this address meanwhile",
                ))
            })?;
        Purpose::EmailChange.end(tx.conn, id)?;
        Purpose::PasswordReset.end(tx.conn, id)?;
        mail::enqueue(tx.conn, &account.mail(MailKind::EmailChanged, &old), tx.now)?;
        tx.change(account, None)
    }
}
