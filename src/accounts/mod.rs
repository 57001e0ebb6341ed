//! An account is a person's sign-in. What it may do comes from its memberships; `admin` makes it a platform
//! admin. Name and e-mail address are personal data and live in a table of their own: revisions and ledger hold
//! the account's id alone. An admin makes an account and gets a one-time token with which its owner sets the
//! password.

mod model;
mod routes;

pub use model::{Account, AccountContent, AccountState, NewAccount, OwnContent, PasswordToken, end_sign_ins, fold};
pub use routes::routes;
