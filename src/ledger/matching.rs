use diesel::prelude::*;

use super::model::kinds;
use crate::{
    accounts::Account,
    ballots::{Ballot, Vote},
    clients::Client,
    consultations::Consultation,
    criteria::Criterion,
    db::{AnyConnection, Id},
    decisions::Decision,
    documents::Document,
    events::{Attendance, Event, FollowUp, Stage},
    focus_areas::FocusArea,
    frameworks::Framework,
    inputs::Input,
    invitations::Invitation,
    mappings::Mapping,
    memberships::Membership,
    participants::Participant,
    phases::Phase,
    programs::Program,
    questions::Question,
    shocks_and_stresses::ShockOrStress,
    stakeholders::Stakeholder,
    statements::{Position, Statement},
    versioned::{Resource, Unmatched, Versioned},
    webhooks::Webhook,
};

type Find = fn(&mut AnyConnection, Id, &str, i64) -> QueryResult<Option<Unmatched>>;

/// A kind of thing, and how its revisions are compared with a ledger.
const fn of<R: Resource>() -> (&'static str, Find) {
    (R::KIND, <R as Versioned>::unmatched)
}

/// Every kind that a ledger may tell of. One that is not here does not verify.
const KINDS: &[(&str, Find)] = &[
    of::<Account>(),
    of::<Attendance>(),
    of::<Ballot>(),
    of::<Client>(),
    of::<Consultation>(),
    of::<Criterion>(),
    of::<Decision>(),
    of::<Document>(),
    of::<Event>(),
    of::<FocusArea>(),
    of::<FollowUp>(),
    of::<Framework>(),
    of::<Input>(),
    of::<Invitation>(),
    of::<Mapping>(),
    of::<Membership>(),
    of::<Participant>(),
    of::<Phase>(),
    of::<Position>(),
    of::<Program>(),
    of::<Question>(),
    of::<ShockOrStress>(),
    of::<Stage>(),
    of::<Stakeholder>(),
    of::<Statement>(),
    of::<Vote>(),
    of::<Webhook>(),
];

/// The first place where what reads answer from differs from what the ledger says, and why.
pub fn unmatched(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Option<(i64, String)>> {
    let mut first: Option<(i64, String)> = None;
    let mut note = |sequence: i64, why: String| {
        if first.as_ref().is_none_or(|(known, _)| sequence < *known) {
            first = Some((sequence, why));
        }
    };
    let told = kinds(conn, ledger)?;
    for (kind, find) in KINDS {
        let rows = told.iter().find(|told| told.kind == *kind).map_or(0, |told| told.rows);
        if let Some(Unmatched { sequence, why }) = find(conn, ledger, kind, rows)? {
            note(sequence, format!("{kind}: {why}"));
        }
    }
    for told in told {
        if !KINDS.iter().any(|(known, _)| *known == told.kind) {
            note(told.first, format!("{}: nobody keeps revisions of such a thing", told.kind));
        }
    }
    Ok(first)
}
