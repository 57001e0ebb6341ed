//! What follows from an act beside what it changes: who cannot go on, what stops, what nobody is left to do. Acts that
//! cut somebody off answer with it, and as a trial (`dry_run=true`) they show it before anything happened: it is read in the
//! act's own transaction, so a trial shows what the act would do.

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    access::{Caller, Held, Recorded, Tx, place},
    clients::Client,
    db::Id,
    me::tasks::{self, Task},
    memberships::Membership,
    policy::{Role, Roles},
    problem::Problem,
    schema::{account_revisions, input_imports, membership_revisions, program_revisions, webhook_revisions},
    sign_ins::OpenSignIn,
    stakeholders::Stakeholder,
    versioned::{self, Resource},
    webhooks::Webhook,
};

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsequenceKind {
    /// A sign-in ends at once.
    SignInEnds,
    /// A membership gives nothing while its account is locked.
    MembershipRests,
    /// A membership ends: the account has the same for the other organisation already.
    MembershipEnds,
    /// From now on it is for the other organisation.
    MembershipMoves,
    /// From now on it acts for the other organisation.
    ClientMoves,
    /// A key of a client ends at once, with the tokens that were got for it.
    KeyEnds,
    /// From now on it is of the other organisation.
    WebhookMoves,
    /// A webhook is told of nothing more: no membership of its organisation may see as much.
    WebhookStops,
    /// A file that is still being taken in is taken in no further.
    ImportStops,
    /// Nobody is left in the programme who acts for the organisation.
    OrganizationLeft,
    /// Something waits for the organisation, and nobody is left to do it.
    TaskLeft,
    /// The other organisation takes part from now on.
    ParticipantJoins,
    /// The organisation does not take part any more.
    ParticipantEnds,
    /// From now on the other organisation owes it.
    FollowUpMoves,
    /// It is still to be done, and its owner is there no more: name another.
    FollowUpLeft,
    /// From now on the other organisation leads it.
    FocusAreaMoves,
    /// Its lead organisation is there no more: name another.
    FocusAreaLeft,
    /// The stage of an event that is not over names the organisation: edit it, or no ballot can be opened there.
    StageNamesIt,
    /// An input stays the organisation's: it will still be decided and answered.
    InputStays,
    /// A position stays the organisation's, and cannot be renewed.
    PositionStays,
}

/// Something that follows from an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Consequence {
    pub kind: ConsequenceKind,
    /// The slug of the programme where; null for what is in none.
    #[schema(example = "jakarta-berketahanan")]
    pub program: Option<String>,
    /// What it happens to.
    #[schema(example = "membership")]
    pub subject_kind: &'static str,
    /// Null for tasks.
    pub subject_id: Option<Id>,
    /// Where it is to be read; null for what has no path.
    #[schema(format = "uri-reference")]
    pub href: Option<String>,
}

impl Consequence {
    /// What happens to a thing of a programme.
    pub fn to<R: Resource>(kind: ConsequenceKind, program: &str, one: &R) -> Consequence {
        Consequence::at::<R>(kind, program, one.meta().id, &one.path_id())
    }

    /// The same, of a thing that is known by its id and its place.
    pub fn at<R: Resource>(kind: ConsequenceKind, program: &str, id: Id, path_id: &str) -> Consequence {
        Consequence {
            kind,
            program: Some(program.to_owned()),
            subject_kind: R::KIND,
            subject_id: Some(id),
            href: Some(place::<R>(program, path_id)),
        }
    }

    fn plain(kind: ConsequenceKind, program: Option<&str>, subject_kind: &'static str, id: Id) -> Consequence {
        Consequence { kind, program: program.map(str::to_owned), subject_kind, subject_id: Some(id), href: None }
    }

    fn task(task: Task) -> Consequence {
        Consequence {
            kind: ConsequenceKind::TaskLeft,
            program: Some(task.program),
            subject_kind: "task",
            subject_id: None,
            href: Some(task.href),
        }
    }
}

/// What locking an account brings, asked before it is locked.
pub fn of_locking(tx: &mut Tx<'_>, account: Id) -> Result<Vec<Consequence>, Problem> {
    let open = OpenSignIn::ids(tx.conn, account, tx.now)?;
    let mut told: Vec<Consequence> =
        open.into_iter().map(|id| Consequence::plain(ConsequenceKind::SignInEnds, None, "sign_in", id)).collect();
    // Nobody acts by an account that nobody can sign in with: then nothing is lost.
    let Ok(caller) = Caller::reload(tx.conn, account, Roles::default(), tx.now) else { return Ok(told) };
    let now = tx.now;
    for held in caller.memberships.iter().filter(|held| held.program_active && held.holds(now)) {
        let path_id = held.id.to_string();
        told.push(Consequence::at::<Membership>(ConsequenceKind::MembershipRests, &held.slug, held.id, &path_id));
        let day = now.with_timezone(&held.time_zone).date_naive();
        told.extend(left(tx, &caller, held, day)?);
    }
    told.extend(imports(tx, account, None)?);
    Ok(told)
}

/// Ends a membership, and tells what that brings.
pub fn of_ending(
    tx: &mut Tx<'_>,
    id: Id,
    end: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<Membership>, Problem>,
) -> Result<(Recorded<Membership>, Vec<Consequence>), Problem> {
    let before: Membership = tx.look(id)?;
    let caller = Caller::reload(tx.conn, before.account_id, Roles::default(), tx.now).ok();
    let ended = end(tx)?;
    // From this day on it does not hold.
    let last = ended.value().content.until_on.unwrap_or(NaiveDate::MAX);
    let day = last.checked_add_days(Days::new(1)).unwrap_or(last).max(tx.today());
    let held = caller.as_ref().and_then(|caller| caller.memberships.iter().find(|held| held.id == id));
    let mut told = match (&caller, held) {
        (Some(caller), Some(held)) => left(tx, caller, held, day)?,
        _ => Vec::new(),
    };
    told.extend(unbacked(tx, before.stakeholder_id, day)?);
    let elsewhere = caller.iter().flat_map(|caller| &caller.memberships);
    let stays = elsewhere.filter(|held| held.id != id && held.program == tx.reach.ledger).count() > 0;
    if !stays {
        told.extend(imports(tx, before.account_id, Some(tx.reach.ledger))?);
    }
    Ok((ended, told))
}

/// What revoking a client brings, asked before it is revoked.
pub fn of_revoking(tx: &mut Tx<'_>, id: Id) -> Result<Vec<Consequence>, Problem> {
    let client: Client = tx.look(id)?;
    let slug = tx.reach.slug.clone();
    let key = |id: Id| Consequence::plain(ConsequenceKind::KeyEnds, Some(&slug), "client_key", id);
    let mut told: Vec<Consequence> = client.keys.iter().map(|one| key(one.id)).collect();
    told.extend(imports(tx, id, None)?);
    Ok(told)
}

/// Whether an organisation is left without anybody in a programme from a day on, once this membership gives nothing more,
/// and what then waits for it in vain.
fn left(tx: &mut Tx<'_>, caller: &Caller, held: &Held, day: NaiveDate) -> Result<Vec<Consequence>, Problem> {
    use membership_revisions as t;
    let others: i64 = t::table
        .inner_join(
            account_revisions::table
                .on(account_revisions::subject_id.eq(t::account_id).and(account_revisions::seq_to.is_null())),
        )
        .filter(account_revisions::state.eq("active"))
        .filter(t::ledger_id.eq(held.program))
        .filter(t::stakeholder_id.eq(held.stakeholder))
        .filter(t::seq_to.is_null())
        .filter(t::state.eq("active"))
        .filter(t::from_on.le(day))
        .filter(t::until_on.is_null().or(t::until_on.ge(day)))
        .filter(t::account_id.ne(caller.account))
        .count()
        .get_result(tx.conn)?;
    if others > 0 {
        return Ok(Vec::new());
    }
    let kind = ConsequenceKind::OrganizationLeft;
    let organisation = held.stakeholder;
    let mut told = vec![Consequence::at::<Stakeholder>(kind, &held.slug, organisation, &organisation.to_string())];
    // What it does as an organisation; running the programme goes on with others.
    let runs = matches!(held.role, Role::Lead | Role::Secretariat | Role::Facilitator);
    if !runs {
        let alone = Caller { memberships: vec![held.clone()], ..caller.clone() };
        let now = tx.now;
        told.extend(tasks::read(tx.conn, &alone, now)?.items.into_iter().map(Consequence::task));
    }
    Ok(told)
}

/// The active webhooks of an organisation that no membership backs any more from a day on.
pub fn unbacked(tx: &mut Tx<'_>, stakeholder: Id, day: NaiveDate) -> Result<Vec<Consequence>, Problem> {
    use webhook_revisions as t;
    let bodies: Vec<String> = t::table
        .filter(t::ledger_id.eq(tx.reach.ledger))
        .filter(t::stakeholder_id.eq(stakeholder))
        .filter(t::state.eq("active"))
        .filter(t::seq_to.is_null())
        .order(t::subject_id)
        .select(t::body)
        .load(tx.conn)?;
    let mut told = Vec::new();
    for body in bodies {
        let webhook: Webhook = versioned::parse(&body)?;
        if !webhook.is_backed(tx.conn, tx.reach.ledger, day)? {
            told.push(Consequence::to(ConsequenceKind::WebhookStops, &tx.reach.slug, &webhook));
        }
    }
    Ok(told)
}

/// The files of an account or client that are still being taken in, in one programme or in all.
fn imports(tx: &mut Tx<'_>, account: Id, program: Option<Id>) -> Result<Vec<Consequence>, Problem> {
    use input_imports as t;
    let open: Vec<(Id, Id, String)> = t::table
        .inner_join(
            program_revisions::table
                .on(program_revisions::subject_id.eq(t::ledger_id).and(program_revisions::seq_to.is_null())),
        )
        .filter(t::account_id.eq(account))
        .filter(t::state.eq_any(["uploading", "waiting", "processing"]))
        .order(t::id)
        .select((t::id, t::ledger_id, program_revisions::slug))
        .load(tx.conn)?;
    let open = open.into_iter().filter(|(_, of, _)| program.is_none_or(|program| program == *of));
    let told = open.map(|(id, _, slug)| Consequence {
        href: Some(format!("/api/v1/programs/{slug}/input-imports/{id}")),
        ..Consequence::plain(ConsequenceKind::ImportStops, Some(&slug), "input_import", id)
    });
    Ok(told.collect())
}
