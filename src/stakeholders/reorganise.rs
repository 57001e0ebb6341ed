//! Merging an organisation into another, and splitting one, without rewriting the past.
//!
//! The organisation is on the platform's ledger, and what acts for it is on those of its programmes. All of it changes in one
//! transaction that holds every ledger: each thing gets a revision on the ledger it belongs to, so each programme's own
//! record says from which row on it acts for whom, a snapshot or an `as_of` needs no other ledger to be understood, and rights
//! stay a look-up of one row. The other way, to look up who an organisation has become wherever one is named, would leave the
//! programmes' records saying what is not so, and would have to be thought of in every query. Reorganising is rare; that
//! no programme is written to for its milliseconds is its price.
//!
//! What an organisation did, said and voted keeps its id, and the id keeps its names. Archived programmes are not touched.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    model::{Stakeholder, StakeholderState},
    moving,
};
use crate::{
    access::{Recorded, Seen, Tx},
    consequences::{self, Consequence},
    db::Id,
    problem::{FieldError, Problem},
    programs::Program,
};

/// Into which organisation one is merged, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StakeholderMerge {
    pub into_id: Id,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// What of an organisation's goes to one part of it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StakeholderShare {
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub membership_ids: Vec<Id>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub client_ids: Vec<Id>,
}

/// An organisation that one is split into, and what goes to it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StakeholderPart {
    pub stakeholder_id: Id,
    #[serde(flatten)]
    pub share: StakeholderShare,
}

/// How an organisation is split. Every membership that holds or will hold and every client that is not revoked, in active
/// programmes, is named once.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct StakeholderSplit {
    #[schema(min_items = 1, max_items = 20)]
    pub into: Vec<StakeholderPart>,
    /// What the organisation keeps, which then goes on beside the others; null: it is there no more.
    #[serde(default)]
    pub keeps: Option<StakeholderShare>,
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// An organisation as it is now, and what followed.
pub type Reorganised = (Recorded<Stakeholder>, Vec<Consequence>);

impl Stakeholder {
    /// Merges it into another: what is live goes over, and whoever asks for it is sent there.
    pub fn merge(tx: &mut Tx<'_>, id: Id, seen: Seen, act: StakeholderMerge) -> Result<Reorganised, Problem> {
        let mut old: Stakeholder = tx.current(id, seen)?;
        let mut new = successor(tx, "/into_id".into(), id, act.into_id)?;
        let (into, why) = (act.into_id, act.reason.as_str());
        let programs = moving::programs(tx.conn)?;
        moving::refuse_open_ballots(tx, &programs, id)?;
        let mut told = Vec::new();
        for program in &programs {
            tx.turn_to(program)?;
            told.extend(moving::move_all(tx, id, into, why)?);
        }
        tx.turn_to_platform();
        link(&mut old, &mut new);
        old.state = StakeholderState::Merged;
        old.merged_into_id = Some(into);
        drop(tx.change(new, Some(why))?);
        Ok((tx.change(old, Some(why))?, told))
    }

    /// Splits it: each membership and client goes where it is told to go.
    pub fn split(tx: &mut Tx<'_>, id: Id, seen: Seen, act: StakeholderSplit) -> Result<Reorganised, Problem> {
        let mut old: Stakeholder = tx.current(id, seen)?;
        let mut parts = Vec::new();
        for (number, part) in act.into.iter().enumerate() {
            parts.push(successor(tx, format!("/into/{number}/stakeholder_id"), id, part.stakeholder_id)?);
        }
        let programs = moving::programs(tx.conn)?;
        let plan = Plan::of(tx, &programs, id, &act)?;
        let dissolved = act.keeps.is_none();
        if dissolved {
            moving::refuse_open_ballots(tx, &programs, id)?;
        }
        let mut told = Vec::new();
        for program in &programs {
            tx.turn_to(program)?;
            told.extend(plan.carry_out(tx, id, dissolved, &act.reason)?);
        }
        tx.turn_to_platform();
        for mut part in parts {
            link(&mut old, &mut part);
            drop(tx.change(part, Some(&act.reason))?);
        }
        if dissolved {
            old.state = StakeholderState::Split;
        }
        Ok((tx.change(old, Some(&act.reason))?, told))
    }
}

/// The organisation that another goes over to.
fn successor(tx: &mut Tx<'_>, pointer: String, of: Id, id: Id) -> Result<Stakeholder, Problem> {
    if id == of {
        let (indonesian, english) =
            ("organisasi tidak dapat beralih ke dirinya sendiri", "an organisation cannot go over to itself");
        return Err(Problem::Invalid(vec![FieldError::new(pointer, "itself", indonesian, english)]));
    }
    Stakeholder::must_act(tx, &[(pointer, id)])?;
    tx.look(id)
}

/// As many as an organisation names.
const NAMED: usize = 50;

/// Each names the other, where it does not yet.
fn link(old: &mut Stakeholder, new: &mut Stakeholder) {
    let (before, after) = (&mut new.content.predecessor_ids, &mut old.content.successor_ids);
    if !before.contains(&old.meta.id) && before.len() < NAMED {
        before.push(old.meta.id);
    }
    if !after.contains(&new.meta.id) && after.len() < NAMED {
        after.push(new.meta.id);
    }
}

/// Where each membership and client goes; none: it stays.
struct Plan(BTreeMap<Id, Option<Id>>);

impl Plan {
    /// What the request says, if it names each live membership and client once and nothing else.
    fn of(tx: &mut Tx<'_>, programs: &[Program], id: Id, act: &StakeholderSplit) -> Result<Plan, Problem> {
        let mut live: BTreeMap<Id, &'static str> = BTreeMap::new();
        for program in programs {
            tx.turn_to(program)?;
            live.extend(moving::memberships(tx, id)?.iter().map(|one| (one.meta.id, "membership")));
            live.extend(moving::clients(tx, id)?.iter().map(|one| (one.meta.id, "client")));
        }
        tx.turn_to_platform();
        let (mut plan, mut errors) = (BTreeMap::new(), Vec::new());
        let mut parts = BTreeSet::new();
        for (number, part) in act.into.iter().enumerate() {
            if !parts.insert(part.stakeholder_id) {
                errors.push(repeated(format!("/into/{number}/stakeholder_id")));
            }
        }
        let shares = act.into.iter().enumerate();
        let shares = shares.map(|(number, part)| (format!("/into/{number}"), &part.share, Some(part.stakeholder_id)));
        for (pointer, share, into) in shares.chain(act.keeps.iter().map(|share| ("/keeps".into(), share, None))) {
            let named = numbered("membership", &share.membership_ids).chain(numbered("client", &share.client_ids));
            for (kind, number, one) in named {
                let pointer = format!("{pointer}/{kind}_ids/{number}");
                if live.get(&one) != Some(&kind) {
                    let (indonesian, english) = match kind {
                        "client" => {
                            ("bukan klien organisasi ini yang masih aktif", "is no live client of this organisation")
                        }
                        _ => (
                            "bukan keanggotaan organisasi ini yang masih aktif",
                            "is no live membership of this organisation",
                        ),
                    };
                    errors.push(FieldError::new(pointer, "not_found", indonesian, english));
                } else if plan.insert(one, into).is_some() {
                    errors.push(repeated(pointer));
                }
            }
        }
        for (missing, kind) in live.iter().filter(|(one, _)| !plan.contains_key(one)) {
            errors.push(FieldError::new(
                "/into",
                format!("{kind}_missing"),
                format!("{kind} {missing} belum disebut"),
                format!("the {kind} {missing} is not named"),
            ));
        }
        if errors.is_empty() { Ok(Plan(plan)) } else { Err(Problem::Invalid(errors)) }
    }

    /// Moves what is told to move in the programme that the change has turned to.
    fn carry_out(&self, tx: &mut Tx<'_>, id: Id, dissolved: bool, why: &str) -> Result<Vec<Consequence>, Problem> {
        let (mut told, mut joins) = (Vec::new(), BTreeSet::new());
        for one in moving::memberships(tx, id)? {
            if let Some(Some(into)) = self.0.get(&one.meta.id).copied() {
                joins.insert(into);
                told.push(moving::move_membership(tx, one, into, why)?);
            }
        }
        for one in moving::clients(tx, id)? {
            if let Some(Some(into)) = self.0.get(&one.meta.id).copied() {
                joins.insert(into);
                told.push(moving::move_client(tx, one, into, why)?);
            }
        }
        if let Some(part) = moving::participant(tx, id)?.filter(|part| part.is_active()) {
            for into in joins {
                told.extend(moving::join(tx, &part, into, why)?);
            }
            if dissolved {
                told.push(moving::leave(tx, part, why)?);
            }
        }
        let today = tx.today();
        told.extend(consequences::unbacked(tx, id, today)?);
        if dissolved {
            told.extend(moving::leaves(tx, id)?);
        }
        Ok(told)
    }
}

fn numbered<'i>(kind: &'static str, ids: &'i [Id]) -> impl Iterator<Item = (&'static str, usize, Id)> + 'i {
    ids.iter().enumerate().map(move |(number, id)| (kind, number, *id))
}

fn repeated(pointer: String) -> FieldError {
    FieldError::new(pointer, "repeated", "disebut lebih dari sekali", "is named more than once")
}
