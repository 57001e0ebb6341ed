use actix_web::{HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{
    imports,
    model::{Account, AccountContent, AccountFilter, NewAccount},
    passwords::PasswordToken,
};
use crate::{
    access::{Platform, Reply, Seen},
    access_review,
    consequences::{self, Consequence},
    db::Id,
    decisions::Trial,
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ListParams, Listing, PageParams, View, ViewParams},
    personal_data,
    policy::{Action, gate::*},
    problem::Problem,
    reason::Reason,
    routes::Routes,
    second_factor,
    seen::IfMatch,
    sheets::{ImportReport, Sheet, SheetFile},
    sign_ins::{SignInFilter, SignInPage},
    valid::{Patch, Valid},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(create)
        .service(import)
        .service(read)
        .service(history)
        .service(edit)
        .service(lock)
        .service(unlock)
        .service(renew_token)
        .service(list_sign_ins)
        .service(end_sign_ins);
    second_factor::account_routes(api);
    access_review::account_routes(api);
    personal_data::account_routes(api);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    account_id: Id,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct AccountPage {
    pub items: Vec<Account>,
    pub next_cursor: Option<String>,
}

/// List the accounts
///
/// All of the platform, those that are locked too.
#[utoipa::path(
    tag = "accounts", operation_id = "list_accounts",
    params(AccountFilter, PageParams, ViewParams, ListParams<AccountFilter>),
    security(("bearer" = [Action::ReadAccount])),
    responses((status = 200, description = "A page of accounts", body = AccountPage)),
)]
#[get("/accounts")]
async fn list(can: Platform<ReadAccount>, listing: Listing<AccountFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Account, _>(listing, Account::list).await
}

/// Make an account
///
/// The answer holds a one-time token, good for 72 hours, with which the account's owner sets the password. It is
/// shown this once, so the operation takes no `Idempotency-Key`. A mail with a token of its own, good for 14 days, goes to
/// the address; whichever is used first ends the other.
#[utoipa::path(
    tag = "accounts", operation_id = "create_account",
    request_body = NewAccount,
    security(("bearer" = [Action::CreateAccount])),
    responses(
        (status = 201, description = "The token; `Location` names the account", body = PasswordToken),
        (status = 409, description = "The address is taken"),
    ),
)]
#[post("/accounts")]
async fn create(can: Platform<CreateAccount>, Valid(new): Valid<NewAccount>) -> Result<HttpResponse, Problem> {
    let made = can.write_secret(move |tx| {
        let (made, token) = Account::create_and_tell(tx, new)?;
        let place = tx.created(made)?;
        place.with_json(&token)
    });
    let made = made.await?;
    can.service().mails.ring();
    Ok(made)
}

/// Make accounts from a table
///
/// CSV in UTF-8 as spreadsheets write it, separated by commas or semicolons, up to 2,000 rows: columns `email`, `name`;
/// optionally `language`, `expires_on`, and for a membership from today on `program` (its slug), `role`, `organisation` (by
/// id, code, name or abbreviation) and `until_on`. Each new owner gets a mail with a token, good for 14 days, to set the
/// password. Who has an account already stays as they are, without another membership: so the same file can be sent again.
/// One wrong cell refuses the file, and each is named. With `dry_run` the report tells of wrong rows too, and no mail is
/// sent.
#[utoipa::path(
    tag = "accounts", operation_id = "import_accounts",
    params(Trial, Repeat),
    request_body(content = SheetFile, content_type = "text/csv"),
    security(("bearer" = [Action::ImportAccounts])),
    responses((status = 200, description = "What came of each row", body = ImportReport)),
)]
#[post("/accounts/imports")]
async fn import(
    can: Platform<ImportAccounts>,
    trial: web::Query<Trial>,
    sheet: Sheet,
) -> Result<HttpResponse, Problem> {
    let lang = can.language();
    let taken = can.write_across(trial.dry_run, move |tx| imports::take(tx, &sheet)?.answer(tx, trial.dry_run, lang));
    let taken = taken.await?;
    can.service().mails.ring();
    Ok(taken)
}

/// Read an account
///
/// With the address and the name, which only admins and the owner see.
#[utoipa::path(
    tag = "accounts", operation_id = "get_account",
    params(AccountPath, ViewParams),
    security(("bearer" = [Action::ReadAccount])),
    responses((status = 200, description = "The account", body = Account)),
)]
#[get("/accounts/{account_id}")]
async fn read(can: Platform<ReadAccount>, path: web::Path<AccountPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show::<Account>(path.account_id, view).await
}

/// Read an account's history
///
/// Its revisions in order, without personal data, which revisions do not hold.
#[utoipa::path(
    tag = "accounts", operation_id = "get_account_history",
    params(AccountPath, PageParams),
    security(("bearer" = [Action::ReadAccount])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/accounts/{account_id}/history")]
async fn history(
    can: Platform<ReadAccount>,
    path: web::Path<AccountPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Account>(listing, move |_, _| Ok(path.account_id)).await
}

/// Edit an account
///
/// A merge patch (RFC 7396). The last admin stays admin.
#[utoipa::path(
    tag = "accounts", operation_id = "edit_account",
    params(AccountPath, IfMatch),
    request_body(content = AccountContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditAccount])),
    responses(
        (status = 200, description = "The account at its new revision", body = Account),
        (status = 409, description = "The address is taken, or it is the last admin"),
    ),
)]
#[patch("/accounts/{account_id}")]
async fn edit(
    can: Platform<EditAccount>,
    path: web::Path<AccountPath>,
    seen: Seen,
    patch: Patch<AccountContent>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Account::edit(tx, path.account_id, seen, patch)).await
}

/// An account that was locked, and what that brought.
#[derive(Serialize, ToSchema)]
pub struct LockedAccount {
    #[serde(flatten)]
    account: Account,
    consequences: Vec<Consequence>,
}

/// Lock an account
///
/// Its sign-ins end at once and nobody can sign in with it. The last admin and the last lead of an active
/// programme cannot be locked. `consequences` tells who and what cannot go on; `dry_run=true` tells it before.
#[utoipa::path(
    tag = "accounts", operation_id = "lock_account",
    params(AccountPath, Trial, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::LockAccount])),
    responses(
        (status = 200, description = "The account, locked", body = LockedAccount),
        (status = 409, description = "It is locked already, or somebody's last"),
    ),
)]
#[post("/accounts/{account_id}/lock")]
async fn lock(
    can: Platform<LockAccount>,
    path: web::Path<AccountPath>,
    trial: web::Query<Trial>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.write_or_try(trial.dry_run, move |tx| {
        let consequences = consequences::of_locking(tx, path.account_id)?;
        let locked = Account::lock(tx, path.account_id, seen, why)?;
        tx.changed_with(locked, &consequences)
    })
    .await
}

/// Unlock an account
///
/// Its owner signs in with the password that they had.
#[utoipa::path(
    tag = "accounts", operation_id = "unlock_account",
    params(AccountPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::UnlockAccount])),
    responses(
        (status = 200, description = "The account, unlocked", body = Account),
        (status = 409, description = "It is not locked"),
    ),
)]
#[post("/accounts/{account_id}/unlock")]
async fn unlock(
    can: Platform<UnlockAccount>,
    path: web::Path<AccountPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Account::unlock(tx, path.account_id, seen, why)).await
}

/// Make a new token to set an account's password
///
/// For somebody whose token ran out or who forgot the password. Earlier tokens end. It is shown this once, so the
/// operation takes no `Idempotency-Key`.
#[utoipa::path(
    tag = "accounts", operation_id = "renew_password_token",
    params(AccountPath, IfMatch),
    security(("bearer" = [Action::RenewPasswordToken])),
    responses(
        (status = 201, description = "The token", body = PasswordToken),
        (status = 409, description = "The account is locked"),
    ),
)]
#[post("/accounts/{account_id}/password-token")]
async fn renew_token(
    can: Platform<RenewPasswordToken>,
    path: web::Path<AccountPath>,
    seen: Seen,
) -> Result<HttpResponse, Problem> {
    can.write_secret(move |tx| {
        let (renewed, token) = Account::renew_token(tx, path.account_id, seen)?;
        let reply = Reply::json(201, &token)?;
        Ok(renewed.map(|_| reply))
    })
    .await
}

/// List an account's sign-ins
///
/// Those that go on: since when, from where, with what.
#[utoipa::path(
    tag = "accounts", operation_id = "list_account_sign_ins",
    params(AccountPath, PageParams, ListParams<SignInFilter>),
    security(("bearer" = [Action::ReadAccount])),
    responses((status = 200, description = "A page of its sign-ins", body = SignInPage)),
)]
#[get("/accounts/{account_id}/sign-ins")]
async fn list_sign_ins(
    can: Platform<ReadAccount>,
    path: web::Path<AccountPath>,
    listing: Listing<SignInFilter>,
) -> Result<HttpResponse, Problem> {
    let (page, asked) = (listing.page.clone(), listing.page);
    let (id, now) = (path.account_id, can.service().clock.now());
    let mut rows = can.read(move |conn, reach| Account::sign_ins(conn, reach, id, &asked, now)).await?;
    let next = page.cut(&mut rows).map(|last| page.cursor(can.service(), &json!(last.id), last.id));
    can.page_of(&rows, next)
}

/// End an account's sign-ins
///
/// All that go on, at once: its owner signs in again. To keep them out, lock it.
#[utoipa::path(
    tag = "accounts", operation_id = "end_account_sign_ins",
    params(AccountPath, Repeat),
    security(("bearer" = [Action::EndSignIns])),
    responses((status = 200, description = "The account", body = Account)),
)]
#[delete("/accounts/{account_id}/sign-ins")]
async fn end_sign_ins(can: Platform<EndSignIns>, path: web::Path<AccountPath>) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Account::end_sign_ins(tx, path.account_id)).await
}
