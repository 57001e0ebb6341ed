use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;

use super::told::ReviewedMembership;
use crate::{
    access::{Caller, Ledger, Reach},
    accounts::{Account, AccountState},
    db::{AnyConnection, At, Id},
    documents::Document,
    ledger, listed,
    localized::Localized,
    memberships::{MemberRole, Membership, MembershipState},
    page::AsOf,
    personal_data,
    policy::OVERSEERS,
    problem::Problem,
    programs::time_zone_named,
    public::PublicOrganisation,
    schema::{membership_revisions, program_revisions, sign_ins},
    versioned::{self, Stored, Versioned},
};

/// Which memberships are looked for.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    pub roles: Option<Vec<MemberRole>>,
    pub stakeholder: Option<Id>,
    pub account: Option<Id>,
    /// Those that are due for a confirmation, or those that are not.
    pub due: Option<bool>,
    /// Those too that give nothing any more.
    pub past: bool,
}

/// A programme that is reviewed, and the moment that is looked at there.
#[derive(Clone, Debug)]
pub struct Reviewed {
    pub id: Id,
    pub slug: String,
    pub active: bool,
    at: Option<i64>,
    pub day: NaiveDate,
}

/// The programmes that a caller reviews, in the order of their slugs.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whether it is an admin who asks.
    pub admin: bool,
    pub programs: Vec<Reviewed>,
    /// The row of the platform's ledger; none for now.
    pub at: Option<i64>,
    instant: DateTime<Utc>,
}

/// What a caller reviews at a moment: all of theirs, or the one that is named.
pub fn scope(
    conn: &mut AnyConnection,
    reach: &Reach,
    named: Option<&str>,
    as_of: Option<AsOf>,
    now: DateTime<Utc>,
) -> Result<Scope, Problem> {
    use program_revisions as t;
    let caller = Caller::reload(conn, reach.account, reach.unproven, now)?;
    let rows: Vec<(Id, String, String, String)> = t::table
        .filter(t::seq_to.is_null())
        .order(t::slug)
        .select((t::subject_id, t::slug, t::state, t::time_zone))
        .load(conn)?;
    let own = |id: &Id| caller.admin || caller.roles_in(*id, now).meets(OVERSEERS);
    let rows = rows.into_iter().filter(|(id, slug, ..)| own(id) && named.is_none_or(|named| named == slug));
    let rows: Vec<_> = rows.collect();
    if named.is_some() && rows.is_empty() {
        return Err(Problem::NotFound);
    }
    let instant = moment(as_of, Tz::UTC, now)?;
    let at = match as_of {
        None => None,
        Some(_) => Some(ledger::sequence_at(conn, Ledger::PLATFORM, instant)?.unwrap_or(0)),
    };
    let mut programs = Vec::new();
    for (id, slug, state, zone) in rows {
        let zone = time_zone_named(&zone)?;
        let instant = moment(as_of, zone, now)?;
        let at = match as_of {
            None => None,
            Some(_) => match ledger::sequence_at(conn, id, instant)? {
                // It had not begun.
                None => continue,
                found => found,
            },
        };
        let day = instant.with_timezone(&zone).date_naive();
        programs.push(Reviewed { id, slug, active: state == "active", at, day });
    }
    Ok(Scope { admin: caller.admin, programs, at, instant })
}

/// The instant that is looked at. Each programme has a ledger of its own, so a row of one says nothing here; and what is to
/// come cannot be read.
fn moment(as_of: Option<AsOf>, zone: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let Some(as_of) = as_of else { return Ok(now) };
    let told = match as_of {
        AsOf::Instant(at) => crate::db::types::instant_text(&at),
        AsOf::Day(day) => day.to_string(),
        AsOf::Sequence(sequence) => format!("seq:{sequence}"),
    };
    as_of.instant(zone).filter(|at| *at <= now).ok_or(Problem::BadAsOf(told))
}

/// Where a reading goes on: after this membership of the programme with this slug.
pub type After = Option<(String, Id)>;

/// Memberships read at one go.
const CHUNK: i64 = 200;

/// So many memberships at most that fit the wish, each with its place among the programmes.
pub fn found(
    conn: &mut AnyConnection,
    scope: &Scope,
    wish: &Wish,
    after: After,
    limit: i64,
) -> Result<Vec<(usize, Membership)>, Problem> {
    let mut found = Vec::new();
    for (place, program) in scope.programs.iter().enumerate() {
        let mut last = match &after {
            Some((slug, _)) if program.slug < *slug => continue,
            Some((slug, id)) if program.slug == *slug => Some(*id),
            _ => None,
        };
        loop {
            let rows = chunk(conn, program, wish, last)?;
            last = rows.last().map(|row| row.id);
            let full = rows.len() as i64 == CHUNK;
            for row in rows {
                let membership: Membership = versioned::parse(&row.body)?;
                if wish.fits(&membership, program.day) {
                    found.push((place, membership));
                }
                if found.len() as i64 == limit {
                    return Ok(found);
                }
            }
            if !full {
                break;
            }
        }
    }
    Ok(found)
}

fn chunk(conn: &mut AnyConnection, program: &Reviewed, wish: &Wish, last: Option<Id>) -> Result<Vec<Stored>, Problem> {
    use membership_revisions as t;
    let mut query = listed!(membership_revisions, program.id, program.at, &[]);
    if let Some(roles) = &wish.roles {
        query = query.filter(t::role.eq_any(roles.iter().map(|role| role.role().name())));
    }
    if let Some(stakeholder) = wish.stakeholder {
        query = query.filter(t::stakeholder_id.eq(stakeholder));
    }
    if let Some(account) = wish.account {
        query = query.filter(t::account_id.eq(account));
    }
    if let Some(last) = last {
        query = query.filter(t::subject_id.gt(last));
    }
    Ok(query.order(t::subject_id).limit(CHUNK).load(conn)?)
}

impl Wish {
    fn fits(&self, membership: &Membership, day: NaiveDate) -> bool {
        let over =
            membership.state == MembershipState::Ended || membership.content.until_on.is_some_and(|until| until < day);
        (self.past || !over) && self.due.is_none_or(|due| due == is_due(membership, day))
    }
}

fn is_due(membership: &Membership, day: NaiveDate) -> bool {
    membership.holds(day) && membership.due_on() <= day
}

/// What stands behind the ids of these memberships.
pub fn tell(
    conn: &mut AnyConnection,
    reach: &Reach,
    scope: &Scope,
    found: Vec<(usize, Membership)>,
) -> Result<Vec<ReviewedMembership>, Problem> {
    let accounts: BTreeSet<Id> = found.iter().map(|(_, one)| one.account_id).collect();
    let accounts: Vec<Id> = accounts.into_iter().collect();
    let organisations: BTreeSet<Id> = found.iter().map(|(_, one)| one.stakeholder_id).collect();
    let organisations: Vec<Id> = organisations.into_iter().collect();
    let organisations = PublicOrganisation::named_at(conn, &organisations, scope.at)?;
    let people = personal_data::known(conn, reach, &accounts)?;
    let name = |id: &Id| people.get(id).and_then(|known| known.name.clone());
    let states = states(conn, scope, &accounts)?;
    let sign_ins = last_sign_ins(conn, scope, &accounts)?;
    let titles = titles(conn, scope, &found)?;
    let told = found.into_iter().map(|(place, one)| {
        let program = &scope.programs[place];
        let content = &one.content;
        ReviewedMembership {
            program: program.slug.clone(),
            membership_id: one.meta.id,
            revision: one.meta.revision,
            role: one.role,
            account_id: one.account_id,
            account_name: name(&one.account_id),
            account_state: states.get(&one.account_id).copied(),
            stakeholder_id: one.stakeholder_id,
            stakeholder_name: organisations.get(&one.stakeholder_id).map(|known| known.name.clone()),
            acting: content.acting,
            document_id: content.document_id,
            document_title: content.document_id.and_then(|id| titles.get(&id).cloned()),
            from_on: content.from_on,
            until_on: content.until_on,
            holds: one.holds(program.day),
            granted_at: one.meta.created_at,
            confirmed_on: one.confirmed_on,
            due_on: one.due_on(),
            ends_unconfirmed_on: one.ends_unconfirmed_on(program.day),
            due: is_due(&one, program.day),
            last_sign_in_at: sign_ins.get(&one.account_id).copied().filter(|_| name(&one.account_id).is_some()),
        }
    });
    Ok(told.collect())
}

fn states(conn: &mut AnyConnection, scope: &Scope, accounts: &[Id]) -> Result<HashMap<Id, AccountState>, Problem> {
    let rows = match scope.at {
        None => Account::open_all(conn, Ledger::PLATFORM, accounts)?,
        Some(at) => {
            let mut rows = Vec::new();
            for account in accounts {
                rows.extend(Account::open_at(conn, Ledger::PLATFORM, *account, at)?);
            }
            rows
        }
    };
    let read = |row: Stored| serde_json::from_str::<Account>(&row.body).map(|one| (row.id, one.state));
    rows.into_iter().map(|row| read(row).map_err(Problem::internal)).collect()
}

fn last_sign_ins(
    conn: &mut AnyConnection,
    scope: &Scope,
    accounts: &[Id],
) -> Result<HashMap<Id, DateTime<Utc>>, Problem> {
    let rows: Vec<(Id, At)> = sign_ins::table
        .filter(sign_ins::account_id.eq_any(accounts.iter().copied()))
        .filter(sign_ins::made_at.le(At(scope.instant)))
        .order(sign_ins::made_at)
        .select((sign_ins::account_id, sign_ins::made_at))
        .load(conn)?;
    // Of several, the last is kept.
    Ok(rows.into_iter().map(|(account, At(made_at))| (account, made_at)).collect())
}

fn titles(
    conn: &mut AnyConnection,
    scope: &Scope,
    found: &[(usize, Membership)],
) -> Result<HashMap<Id, Localized>, Problem> {
    let mut titles = HashMap::new();
    for (place, program) in scope.programs.iter().enumerate() {
        let of_program = found.iter().filter(|(of, _)| *of == place);
        let cited: BTreeSet<Id> = of_program.filter_map(|(_, one)| one.content.document_id).collect();
        let cited: Vec<Id> = cited.into_iter().collect();
        for row in Document::open_all(conn, program.id, &cited)? {
            let document: Document = versioned::parse(&row.body)?;
            titles.insert(row.id, document.content.title);
        }
    }
    Ok(titles)
}
