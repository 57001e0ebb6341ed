//! What stands in the way of completing a phase. Completing asks the same function inside its transaction.

use diesel::prelude::*;

use super::model::{DeliverableState, Phase};
use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    gate::Obstacle,
    localized::Localized,
    problem::{Problem, Text},
    schema::{event_revisions, follow_up_revisions, question_revisions},
};

/// Everything that must be settled before the phase can be completed.
pub fn obstacles(conn: &mut AnyConnection, reach: &Reach, phase: &Phase) -> Result<Vec<Obstacle>, Problem> {
    let mut found = deliverables(reach, phase);
    let events = events(conn, reach, phase)?;
    found.extend(events.iter().filter_map(|event| event.obstacle(reach)));
    found.extend(follow_ups(conn, reach, &events)?);
    found.extend(questions(conn, reach)?);
    Ok(found)
}

fn below(reach: &Reach, rest: &str) -> String {
    format!("/api/v1/programs/{}/{rest}", reach.slug)
}

/// A name in the reader's language, or in whichever it has.
fn said(name: &Localized, language: &str) -> String {
    name.0.get(language).or_else(|| name.0.values().next()).cloned().unwrap_or_default()
}

fn deliverables(reach: &Reach, phase: &Phase) -> Vec<Obstacle> {
    let open = phase.content.deliverables.iter().filter(|one| one.state != DeliverableState::Issued);
    let obstacle = |name: &Localized| Obstacle {
        code: "deliverable_open",
        detail: Text::new(format!("{} belum terbit", said(name, "id")), format!("{} is not issued", said(name, "en"))),
        href: below(reach, &format!("phases/{}", phase.meta.id)),
        subject_kind: "phase",
        subject_id: phase.meta.id,
    };
    open.map(|deliverable| obstacle(&deliverable.name)).collect()
}

struct Held {
    id: Id,
    code: String,
    state: String,
}

impl Held {
    /// An event is over once its minutes are approved: nothing that was decided in it changes any more.
    fn obstacle(&self, reach: &Reach) -> Option<Obstacle> {
        let Held { id, code, state } = self;
        let over = ["minutes_approved", "closed", "cancelled"].contains(&state.as_str());
        (!over).then(|| Obstacle {
            code: "event_open",
            detail: Text::new(format!("{code} masih {state}"), format!("{code} is still {state}")),
            href: below(reach, &format!("events/{id}")),
            subject_kind: "event",
            subject_id: *id,
        })
    }
}

fn events(conn: &mut AnyConnection, reach: &Reach, phase: &Phase) -> Result<Vec<Held>, Problem> {
    use event_revisions as e;
    let rows: Vec<(Id, String, String)> = e::table
        .filter(e::ledger_id.eq(reach.ledger))
        .filter(e::phase_id.eq(phase.meta.id))
        .filter(e::seq_to.is_null())
        .order(e::number)
        .select((e::subject_id, e::code, e::state))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, code, state)| Held { id, code, state }).collect())
}

/// What somebody still has to do after the phase's events.
fn follow_ups(conn: &mut AnyConnection, reach: &Reach, events: &[Held]) -> Result<Vec<Obstacle>, Problem> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    use follow_up_revisions as f;
    let rows: Vec<(Id, Id)> = f::table
        .filter(f::event_id.eq_any(events.iter().map(|event| event.id)))
        .filter(f::state.eq_any(["open", "in_progress"]))
        .filter(f::seq_to.is_null())
        .order(f::subject_id)
        .select((f::subject_id, f::event_id))
        .load(conn)?;
    let obstacle = |(id, event): (Id, Id)| Obstacle {
        code: "follow_up_open",
        detail: Text::new("tindak lanjut ini belum selesai", "this follow-up is not done"),
        href: below(reach, &format!("events/{event}/follow-ups/{id}")),
        subject_kind: "follow_up",
        subject_id: id,
    };
    Ok(rows.into_iter().map(obstacle).collect())
}

/// Enough of them to say that there are some, and to begin with.
const QUESTIONS_SHOWN: i64 = 200;

fn questions(conn: &mut AnyConnection, reach: &Reach) -> Result<Vec<Obstacle>, Problem> {
    use question_revisions as q;
    let rows: Vec<(Id, String)> = q::table
        .filter(q::ledger_id.eq(reach.ledger))
        .filter(q::state.eq("in_review"))
        .filter(q::seq_to.is_null())
        .order(q::position)
        .limit(QUESTIONS_SHOWN)
        .select((q::subject_id, q::code))
        .load(conn)?;
    let obstacle = |(id, code): (Id, String)| Obstacle {
        code: "question_in_review",
        detail: Text::new(format!("{code} masih dibahas"), format!("{code} is still in review")),
        href: below(reach, &format!("questions/{id}")),
        subject_kind: "question",
        subject_id: id,
    };
    Ok(rows.into_iter().map(obstacle).collect())
}
