use chrono::{DateTime, Utc};

use super::{
    read::{self, Scope, Wish},
    told::{AccountAccess, Because, GivenAccess},
};
use crate::{
    access::{Ledger, Reach},
    accounts::{Account, AccountState},
    db::{AnyConnection, Id},
    memberships::{Membership, MembershipState},
    page::AsOf,
    policy::{Action, Role, Scope as Where},
    problem::Problem,
    versioned::{self, Versioned},
};

/// What an account may do in the programmes that the caller reviews. An account that has no part in any of them is there
/// for admins alone.
pub fn read(
    conn: &mut AnyConnection,
    reach: &Reach,
    id: Id,
    as_of: Option<AsOf>,
    now: DateTime<Utc>,
) -> Result<AccountAccess, Problem> {
    let scope = read::scope(conn, reach, None, as_of, now)?;
    let account = open(conn, &scope, id)?.ok_or(Problem::NotFound)?;
    let wish = Wish { account: Some(id), past: true, ..Wish::default() };
    let found = read::found(conn, &scope, &wish, None, i64::MAX)?;
    if !scope.admin && found.is_empty() {
        return Err(Problem::NotFound);
    }
    let active = account.state == AccountState::Active;
    let given: Vec<(Because, Vec<&'static str>)> = found
        .iter()
        .map(|(place, one)| {
            let program = &scope.programs[*place];
            let because = because(one, active, program.day);
            let actions = match because {
                Because::Holds => names(one.role.role(), program.active),
                _ => Vec::new(),
            };
            (because, actions)
        })
        .collect();
    let told = read::tell(conn, reach, &scope, found)?.into_iter().zip(given);
    let memberships =
        told.map(|(membership, (because, actions))| GivenAccess { membership, because, actions }).collect();
    let admin = account.admin && active && scope.admin;
    Ok(AccountAccess {
        account_id: id,
        account_state: Some(account.state),
        admin: scope.admin.then_some(account.admin),
        admin_actions: if admin { Role::Admin.actions().map(Action::name).collect() } else { Vec::new() },
        memberships,
    })
}

fn open(conn: &mut AnyConnection, scope: &Scope, id: Id) -> Result<Option<Account>, Problem> {
    let stored = match scope.at {
        None => Account::open(conn, Ledger::PLATFORM, id)?,
        Some(at) => Account::open_at(conn, Ledger::PLATFORM, id, at)?,
    };
    stored.map(|stored| versioned::parse(&stored.body)).transpose()
}

fn because(one: &Membership, active: bool, day: chrono::NaiveDate) -> Because {
    match () {
        () if one.state == MembershipState::Ended => Because::Ended,
        () if day < one.content.from_on => Because::NotBegun,
        () if !one.holds(day) => Because::Over,
        () if !active => Because::AccountNotActive,
        () => Because::Holds,
    }
}

/// What a role may do: in its programme, and on what all share while the programme is active.
fn names(role: Role, active: bool) -> Vec<&'static str> {
    role.actions().filter(|action| active || action.scope() == Where::Program).map(Action::name).collect()
}
