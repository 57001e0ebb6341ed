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
    personal_data::DataRequest,
    phases::Phase,
    programs::Program,
    questions::Question,
    shocks_and_stresses::ShockOrStress,
    stakeholders::Stakeholder,
    statements::{Position, Statement},
    versioned::{Resource, Unmatched, Versioned},
    webhooks::Webhook,
};

/// A kind of thing, and what is done with its revisions as a ledger knows them.
struct Kind {
    name: &'static str,
    /// Compares them with a ledger.
    unmatched: fn(&mut AnyConnection, Id, &str, i64) -> QueryResult<Option<Unmatched>>,
    rewrite: fn(&mut AnyConnection, Id, Id, i32, &str) -> QueryResult<usize>,
}

const fn of<R: Resource>() -> Kind {
    Kind { name: R::KIND, unmatched: <R as Versioned>::unmatched, rewrite: <R as Versioned>::rewrite }
}

/// Every kind that a ledger may tell of. One that is not here does not verify.
const KINDS: &[Kind] = &[
    of::<Account>(),
    of::<Attendance>(),
    of::<Ballot>(),
    of::<Client>(),
    of::<Consultation>(),
    of::<Criterion>(),
    of::<DataRequest>(),
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

/// Puts another text in the place of a revision's, where that one is erased by law.
pub fn rewrite(
    conn: &mut AnyConnection,
    ledger: Id,
    kind: &str,
    (subject, revision): (Id, i32),
    body: &str,
) -> QueryResult<usize> {
    let known = KINDS.iter().find(|known| known.name == kind);
    known.map_or(Ok(0), |known| (known.rewrite)(conn, ledger, subject, revision, body))
}

/// The first place where what reads answer from differs from what the ledger says, and why.
pub fn unmatched(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Option<(i64, String)>> {
    let mut first: Option<(i64, String)> = None;
    let mut note = |sequence: i64, why: String| {
        if first.as_ref().is_none_or(|(known, _)| sequence < *known) {
            first = Some((sequence, why));
        }
    };
    let told = kinds(conn, ledger)?;
    for Kind { name, unmatched, .. } in KINDS {
        let rows = told.iter().find(|told| told.kind == *name).map_or(0, |told| told.rows);
        if let Some(Unmatched { sequence, why }) = unmatched(conn, ledger, name, rows)? {
            note(sequence, format!("{name}: {why}"));
        }
    }
    for told in told {
        if !KINDS.iter().any(|known| known.name == told.kind) {
            note(told.first, format!("{}: nobody keeps revisions of such a thing", told.kind));
        }
    }
    Ok(first)
}
