use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::passwords::{PasswordToken, issue_token, keep_password};
use crate::{
    access::{Ledger, Listed, Person, Reach, Recorded, Seen, Tx},
    db::{
        AnyConnection, At, Id,
        constraint::OnConstraint,
        types::{self, instant_text},
    },
    keyset, listed,
    mail::{self, MailKind, NewMail},
    memberships::keep_a_lead,
    page::{AnyOf, Filter, Page},
    personal_data::{self, Known},
    policy::Action,
    problem::{FieldError, Lang, Problem},
    reason::Reason,
    schema::{account_passwords, account_people, account_revisions, membership_revisions, program_revisions, sign_ins},
    sign_ins::OpenSignIn,
    valid::Patch,
    versioned,
    versioned::{Meta, Resource, Stored, Versioned, with_members},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Its owner has not set a password yet.
    Invited,
    Active,
    /// Nobody can sign in with it, and no token of it holds.
    Locked,
    /// Its owner was forgotten: nothing of them is known any more.
    Erased,
}

impl AccountState {
    pub const fn name(self) -> &'static str {
        match self {
            AccountState::Invited => "invited",
            AccountState::Active => "active",
            AccountState::Locked => "locked",
            AccountState::Erased => "erased",
        }
    }
}

/// The language that the service writes to a person in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    Id,
    En,
}

impl Language {
    /// As in `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::Id => "id",
            Language::En => "en",
        }
    }

    /// The language of a tag that this service wrote.
    pub fn named(tag: &str) -> Language {
        if tag == Language::En.tag() { Language::En } else { Language::Id }
    }
}

impl From<Language> for Lang {
    fn from(language: Language) -> Lang {
        match language {
            Language::Id => Lang::Id,
            Language::En => Lang::En,
        }
    }
}

/// Whether somebody gets a mail of what waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    Never,
    /// Once a day in the morning, where something waits.
    Daily,
}

impl Digest {
    pub const fn name(self) -> &'static str {
        match self {
            Digest::Never => "never",
            Digest::Daily => "daily",
        }
    }

    pub fn named(name: &str) -> Digest {
        if name == Digest::Daily.name() { Digest::Daily } else { Digest::Never }
    }
}

/// What can be edited of an account by an admin.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccountContent {
    #[schema(min_length = 3, max_length = 254, format = Email)]
    pub email: String,
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Whether it is a platform admin.
    #[serde(default)]
    pub admin: bool,
    #[serde(default)]
    pub language: Language,
    /// The last day (UTC) on which it can be signed in with; null: until it is locked.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
}

/// A new account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewAccount {
    #[serde(flatten)]
    pub content: AccountContent,
}

/// What people can edit of their own account.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnContent {
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    pub language: Language,
    pub digest: Digest,
}

/// A person's sign-in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Account {
    #[serde(flatten)]
    pub meta: Meta,
    pub admin: bool,
    pub language: Language,
    pub state: AccountState,
    /// The last day (UTC) on which it can be signed in with; after it no token of it holds.
    #[serde(default)]
    pub expires_on: Option<NaiveDate>,
    /// Whether signing in with it takes a code as well.
    #[serde(default)]
    pub second_factor: bool,
    /// Added when it is read: revisions hold no personal data. Null once its owner was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true)]
    pub email: Option<String>,
    /// Added when it is read, like `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true)]
    pub name: Option<String>,
    /// Whether its owner wants a daily mail of what waits for them. Added when it is read, like `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true, value_type = Digest)]
    pub digest: Option<Digest>,
    /// When its owner last signed in, if ever. Added when it is read, like `email`.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "types::serialize_instant_if_any")]
    pub last_sign_in_at: Option<DateTime<Utc>>,
    /// Since when its owner wants to be shown to nobody but admins, if they do. Added when it is read, like `email`.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "types::serialize_instant_if_any")]
    pub restricted_at: Option<DateTime<Utc>>,
}

/// Which accounts to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<AccountState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<AccountState>>,
    /// Whether they are admins.
    pub admin: Option<bool>,
    /// The whole address, in any case.
    #[param(max_length = 254)]
    pub email: Option<String>,
}

impl Filter for AccountFilter {
    const SORTS: &'static [&'static str] = &["created_at", "updated_at"];
    const LIVE: bool = true;
}

versioned!(Account as this, accounts, account_revisions { admin: this.admin, expires_on: this.expires_on });

impl Resource for Account {
    const KIND: &'static str = "account";
    const PATH: &'static str = "accounts/{id}";
    const PLATFORM: bool = true;

    fn state(&self) -> &str {
        self.state.name()
    }

    fn possible(action: Action, state: &str) -> bool {
        match action {
            Action::LockAccount | Action::RenewPasswordToken => state != "locked" && state != "erased",
            Action::UnlockAccount => state == "locked",
            Action::CreateAccount | Action::ImportAccounts => false,
            Action::ReadAccount => true,
            _ => state != "erased",
        }
    }

    fn also(reach: &Reach, stored: &Stored) -> Option<&'static str> {
        (stored.id == reach.account).then_some("me")
    }

    fn complete(conn: &mut AnyConnection, reach: &Reach, rows: &mut [Stored]) -> Result<(), Problem> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let mut people = personal_data::known(conn, reach, &ids)?;
        for row in rows {
            let Known { email, name, digest, last_sign_in_at, restricted_at } =
                people.remove(&row.id).unwrap_or_default();
            let [last, restricted] = [last_sign_in_at, restricted_at].map(|at| at.as_ref().map(instant_text));
            let (last, restricted) = (json!(last), json!(restricted));
            let (email, name, digest) = (json!(email), json!(name), json!(digest.unwrap_or(Digest::Never)));
            let more = format!(
                "\"email\":{email},\"name\":{name},\"digest\":{digest},\"last_sign_in_at\":{last},\"restricted_at\":{restricted}"
            );
            row.body = with_members(&row.body, &more);
        }
        Ok(())
    }
}

/// Addresses are compared folded, on both databases alike.
pub fn fold(email: &str) -> String {
    email.trim().to_lowercase()
}

fn email_taken() -> Problem {
    Problem::Taken(FieldError::new(
        "/email",
        "taken",
        "alamat ini sudah dipakai akun lain",
        "another account has this address",
    ))
}

impl Account {
    /// A mail about this account, in its language, to an address that is, was or is to be its owner's.
    pub fn mail<'a>(&self, kind: MailKind, recipient: &'a str) -> NewMail<'a> {
        NewMail { kind, recipient, account: Some(self.meta.id), subject: None, language: self.language }
    }

    pub fn list(
        conn: &mut AnyConnection,
        _reach: &Reach,
        filter: &AccountFilter,
        page: &Page,
        at: Option<i64>,
    ) -> Result<Listed, Problem> {
        let mut query = listed!(account_revisions, Ledger::PLATFORM, at, &[]);
        if let Some(states) = &filter.state {
            let names: Vec<&str> = states.0.iter().map(|state| state.name()).collect();
            query = query.filter(account_revisions::state.eq_any(names));
        }
        if let Some(admin) = filter.admin {
            query = query.filter(account_revisions::admin.eq(admin));
        }
        if let Some(email) = &filter.email {
            let id = Account::by_email(conn, email)?.unwrap_or_default();
            query = query.filter(account_revisions::subject_id.eq(id));
        }
        let rows: Vec<Stored> = match page.sort {
            "updated_at" => keyset!(query, page, account_revisions, seq_from as i64).load(conn)?,
            _ => keyset!(query, page, account_revisions, subject_id as Id).load(conn)?,
        };
        Ok(rows.into())
    }

    /// Whether nobody can sign in yet.
    pub fn none(conn: &mut AnyConnection) -> QueryResult<bool> {
        Ok(account_people::table.count().get_result::<i64>(conn)? == 0)
    }

    pub fn by_email(conn: &mut AnyConnection, email: &str) -> Result<Option<Id>, Problem> {
        Ok(account_people::table
            .filter(account_people::email_folded.eq(fold(email)))
            .select(account_people::account_id)
            .first(conn)
            .optional()?)
    }

    /// Makes an account and the token with which its owner sets the password; nobody is written to.
    pub fn create(tx: &mut Tx<'_>, new: NewAccount) -> Result<(Recorded<Account>, PasswordToken), Problem> {
        let made = Account::begin(tx, &new.content, AccountState::Invited)?;
        let token = issue_token(tx, made.value().meta.id)?;
        Ok((made, token))
    }

    /// The same, and its owner gets a token by mail as well.
    pub fn create_and_tell(tx: &mut Tx<'_>, new: NewAccount) -> Result<(Recorded<Account>, PasswordToken), Problem> {
        let made = Account::invite(tx, &new.content)?;
        let token = issue_token(tx, made.value().meta.id)?;
        Ok((made, token))
    }

    /// Makes an account and writes to its owner, who sets the password with the token in the mail.
    pub fn invite(tx: &mut Tx<'_>, content: &AccountContent) -> Result<Recorded<Account>, Problem> {
        let made = Account::begin(tx, content, AccountState::Invited)?;
        mail::enqueue(tx.conn, &made.value().mail(MailKind::Account, content.email.trim()), tx.now)?;
        Ok(made)
    }

    /// Makes an account of somebody who was invited and has chosen a password.
    pub fn accept(
        tx: &mut Tx<'_>,
        content: &AccountContent,
        phc: &str,
        notice: &str,
    ) -> Result<Recorded<Account>, Problem> {
        let made = Account::begin(tx, content, AccountState::Active)?;
        keep_password(tx, made.value().meta.id, phc)?;
        note_notice(tx, made.value().meta.id, notice)?;
        Ok(made)
    }

    fn begin(tx: &mut Tx<'_>, content: &AccountContent, state: AccountState) -> Result<Recorded<Account>, Problem> {
        check_last_day(tx, content.expires_on)?;
        if content.admin {
            tx.require_proof()?;
        }
        let account = Account {
            meta: Meta::new(tx.now),
            admin: content.admin,
            language: content.language,
            state,
            expires_on: content.expires_on,
            second_factor: false,
            email: None,
            name: None,
            digest: None,
            last_sign_in_at: None,
            restricted_at: None,
        };
        let id = account.meta.id;
        let made = tx.create(account, None)?;
        diesel::insert_into(account_people::table)
            .values((
                account_people::account_id.eq(id),
                account_people::email.eq(content.email.trim()),
                account_people::email_folded.eq(fold(&content.email)),
                account_people::name.eq(&content.name),
            ))
            .execute(tx.conn)
            .on_constraint("account_people_email_folded_key", email_taken)?;
        Ok(made)
    }

    /// Edits it, personal data included; only the rest is on the ledger.
    pub fn edit(
        tx: &mut Tx<'_>,
        id: Id,
        seen: Seen,
        patch: Patch<AccountContent>,
    ) -> Result<Recorded<Account>, Problem> {
        let mut account: Account = tx.current(id, seen)?;
        let (email, name) = person(tx.conn, id)?;
        let (admin, language, expires_on) = (account.admin, account.language, account.expires_on);
        let now = AccountContent { email, name, admin, language, expires_on };
        let content: AccountContent = patch.apply(&Tx::json(&now)?, &tx.schemas)?;
        let ends = content.expires_on.is_some() && expires_on.is_none();
        if admin && (!content.admin || ends) {
            keep_an_admin(tx.conn, id)?;
        }
        if ends {
            keep_leads(tx, id)?;
        }
        if content.expires_on != expires_on {
            check_last_day(tx, content.expires_on)?;
        }
        diesel::update(account_people::table.find(id))
            .set((
                account_people::email.eq(content.email.trim()),
                account_people::email_folded.eq(fold(&content.email)),
                account_people::name.eq(&content.name),
            ))
            .execute(tx.conn)
            .on_constraint("account_people_email_folded_key", email_taken)?;
        account.admin = content.admin;
        account.language = content.language;
        account.expires_on = content.expires_on;
        tx.change(account, None)
    }

    /// Whether somebody may sign in with it at this moment.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        is_open(self.state.name(), self.expires_on, now)
    }

    /// Whether its last day is past.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        is_over(self.expires_on, now)
    }

    /// Edits what people may edit of their own account.
    pub fn edit_own(tx: &mut Tx<'_>, seen: Seen, patch: Patch<OwnContent>) -> Result<Recorded<Account>, Problem> {
        let id = tx.reach.account;
        let mut account: Account = tx.current(id, seen)?;
        use account_people as t;
        let (name, digest): (String, String) = t::table.find(id).select((t::name, t::digest)).first(tx.conn)?;
        let before = Digest::named(&digest);
        let now = OwnContent { name, language: account.language, digest: before };
        let content: OwnContent = patch.apply(&Tx::json(&now)?, &tx.schemas)?;
        let told = (t::name.eq(&content.name), t::digest.eq(content.digest.name()));
        diesel::update(t::table.find(id)).set(told).execute(tx.conn)?;
        if (before, content.digest) == (Digest::Never, Digest::Daily) {
            // The first one is due at the next morning.
            diesel::update(t::table.find(id)).set(t::digest_at.eq(At(tx.now))).execute(tx.conn)?;
        }
        account.language = content.language;
        tx.change(account, None)
    }

    /// Ends its sign-ins and lets nobody sign in with it.
    pub fn lock(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Account>, Problem> {
        let account: Account = tx.current(id, seen)?;
        account.may_leave(tx)?;
        account.close(tx, AccountState::Locked, &why.reason)
    }

    /// Refuses that the last admin or the last lead of an active programme goes.
    pub fn may_leave(&self, tx: &mut Tx<'_>) -> Result<(), Problem> {
        if self.admin {
            keep_an_admin(tx.conn, self.meta.id)?;
        }
        keep_leads(tx, self.meta.id)
    }

    /// Ends its sign-ins and lets nobody sign in with it: for now, or for good where its owner is erased.
    pub fn close(mut self, tx: &mut Tx<'_>, state: AccountState, why: &str) -> Result<Recorded<Account>, Problem> {
        end_sign_ins(tx.conn, self.meta.id, None, tx.now, state.name())?;
        if state == AccountState::Erased {
            (self.admin, self.language, self.expires_on) = (false, Language::default(), None);
        }
        self.state = state;
        tx.change(self, Some(why))
    }

    /// Lets its owner sign in again: with the password, if one was ever set.
    pub fn unlock(tx: &mut Tx<'_>, id: Id, seen: Seen, why: Reason) -> Result<Recorded<Account>, Problem> {
        let mut account: Account = tx.current(id, seen)?;
        let has_password: i64 =
            account_passwords::table.filter(account_passwords::account_id.eq(id)).count().get_result(tx.conn)?;
        account.state = if has_password > 0 { AccountState::Active } else { AccountState::Invited };
        tx.change(account, Some(&why.reason))
    }

    /// Its sign-ins that go on.
    pub fn sign_ins(
        conn: &mut AnyConnection,
        reach: &Reach,
        id: Id,
        page: &Page,
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenSignIn>, Problem> {
        Account::open(conn, Ledger::PLATFORM, id)?.ok_or(Problem::NotFound)?;
        let open = OpenSignIn::list(conn, id, Id::NIL, page, now)?;
        if !open.is_empty() && id != reach.account {
            reach.shown.note(Person::Account(id));
        }
        Ok(open)
    }

    /// Ends all of them.
    pub fn end_sign_ins(tx: &mut Tx<'_>, id: Id) -> Result<Recorded<Account>, Problem> {
        let account: Account = tx.look(id)?;
        end_sign_ins(tx.conn, id, None, tx.now, "by_admin")?;
        tx.change(account, None)
    }

    /// Lets it be signed in with; its password is set apart.
    pub fn activate(tx: &mut Tx<'_>, id: Id) -> Result<Recorded<Account>, Problem> {
        let mut account: Account = tx.look(id)?;
        account.state = AccountState::Active;
        tx.change(account, None)
    }
}

/// Notes which privacy notice its owner was shown.
pub(super) fn note_notice(tx: &mut Tx<'_>, id: Id, version: &str) -> QueryResult<usize> {
    let shown = (account_people::notice_version.eq(version), account_people::notice_at.eq(At(tx.now)));
    diesel::update(account_people::table.find(id)).set(shown).execute(tx.conn)
}

/// The address and name of an account.
pub fn person(conn: &mut AnyConnection, id: Id) -> Result<(String, String), Problem> {
    Ok(account_people::table.find(id).select((account_people::email, account_people::name)).first(conn)?)
}

/// Ends the sign-ins of an account, all or all but one; how many went on.
pub fn end_sign_ins(
    conn: &mut AnyConnection,
    account: Id,
    but: Option<Id>,
    now: DateTime<Utc>,
    why: &str,
) -> QueryResult<usize> {
    diesel::update(sign_ins::table)
        .filter(sign_ins::account_id.eq(account))
        .filter(sign_ins::id.ne(but.unwrap_or(Id::NIL)))
        .filter(sign_ins::ended_at.is_null())
        .filter(sign_ins::expires_at.gt(At(now)))
        .set((sign_ins::ended_at.eq(At(now)), sign_ins::end_reason.eq(why)))
        .execute(conn)
}

/// Whether somebody may sign in, at this moment, with an account of this state and last day.
pub fn is_open(state: &str, expires_on: Option<NaiveDate>, now: DateTime<Utc>) -> bool {
    state == AccountState::Active.name() && !is_over(expires_on, now)
}

fn is_over(expires_on: Option<NaiveDate>, now: DateTime<Utc>) -> bool {
    expires_on.is_some_and(|last| last < now.date_naive())
}

fn check_last_day(tx: &Tx<'_>, expires_on: Option<NaiveDate>) -> Result<(), Problem> {
    if !is_over(expires_on, tx.now) {
        return Ok(());
    }
    Err(Problem::Invalid(vec![FieldError::new(
        "/expires_on",
        "out_of_range",
        "sudah lewat: kunci akun ini bila harus berakhir sekarang",
        "is over: lock the account where it is to end now",
    )]))
}

/// Refuses a change after which nobody is admin for as long as they like.
pub fn keep_an_admin(conn: &mut AnyConnection, without: Id) -> Result<(), Problem> {
    let others: i64 = account_revisions::table
        .filter(account_revisions::seq_to.is_null())
        .filter(account_revisions::admin.eq(true))
        .filter(account_revisions::state.eq("active"))
        .filter(account_revisions::expires_on.is_null())
        .filter(account_revisions::subject_id.ne(without))
        .count()
        .get_result(conn)?;
    if others > 0 { Ok(()) } else { Err(Problem::LastHolder("admin")) }
}

/// Refuses to lock the only lead of an active programme.
fn keep_leads(tx: &mut Tx<'_>, account: Id) -> Result<(), Problem> {
    use membership_revisions as held;
    let leads: Vec<(Id, Id)> = held::table
        .inner_join(
            program_revisions::table
                .on(program_revisions::subject_id.eq(held::ledger_id).and(program_revisions::seq_to.is_null())),
        )
        .filter(held::account_id.eq(account))
        .filter(held::seq_to.is_null())
        .filter(held::state.eq("active"))
        .filter(held::role.eq("lead"))
        .filter(program_revisions::state.eq("active"))
        .select((held::ledger_id, held::subject_id))
        .load(tx.conn)?;
    let today = tx.now.date_naive();
    let mut programs: Vec<Id> = leads.iter().map(|(program, _)| *program).collect();
    programs.dedup();
    for program in programs {
        let own: Vec<Id> = leads.iter().filter(|(other, _)| *other == program).map(|(_, id)| *id).collect();
        keep_a_lead(tx.conn, program, &own, today)?;
    }
    Ok(())
}
