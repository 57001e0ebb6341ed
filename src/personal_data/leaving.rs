//! What ends when somebody takes part no longer.

use diesel::prelude::*;

use crate::{
    access::Tx,
    accounts::{Account, AccountState},
    db::Id,
    memberships::Membership,
    problem::Problem,
    schema::membership_revisions as t,
    stakeholders::open_programs,
    versioned,
};

/// Ends an account's memberships in the programmes in which something can still change, then its sign-ins and the account.
/// Answers how many memberships ended.
pub fn leave(tx: &mut Tx<'_>, id: Id, state: AccountState, why: &str) -> Result<i32, Problem> {
    let account: Account = tx.look(id)?;
    account.may_leave(tx)?;
    let mut ended = 0;
    for program in open_programs(tx.conn)? {
        tx.turn_to(&program)?;
        for mut one in memberships(tx, id)? {
            one.cease(tx.today());
            if state == AccountState::Erased {
                // It was written about the person.
                one.content.note = None;
            }
            drop(tx.change(one, Some(why))?);
            ended += 1;
        }
    }
    tx.turn_to_platform();
    drop(account.close(tx, state, why)?);
    Ok(ended)
}

/// Those that hold now or will.
fn memberships(tx: &mut Tx<'_>, account: Id) -> Result<Vec<Membership>, Problem> {
    let open = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::account_id.eq(account))
        .filter(t::state.eq("active"))
        .filter(t::until_on.is_null().or(t::until_on.ge(tx.today())))
        .filter(t::seq_to.is_null());
    let bodies: Vec<String> = open.order(t::subject_id).select(t::body).load(tx.conn)?;
    bodies.iter().map(|body| versioned::parse(body)).collect()
}
