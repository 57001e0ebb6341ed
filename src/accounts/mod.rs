//! An account is a person's sign-in. What it may do comes from its memberships; `admin` makes it a platform
//! admin. Name and e-mail address are personal data and live in a table of their own: revisions and ledger hold
//! the account's id alone. An admin makes an account and gets a one-time token with which its owner sets the
//! password; its owner gets another by mail, which is good as well. Or somebody is invited, and makes it by accepting.
//!
//! Whoever forgot the password gets a token by mail. Another address is the account's once a token that went there came
//! back.

mod addresses;
mod imports;
mod model;
mod passwords;
mod routes;

pub use model::{
    Account, AccountContent, AccountState, Digest, Language, NewAccount, OwnContent, end_sign_ins, fold, is_open,
    keep_an_admin, person,
};
pub use passwords::{PasswordToken, wrong_password};
pub use routes::routes;
