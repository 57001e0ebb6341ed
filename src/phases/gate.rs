//! What stands in the way of completing a phase.

use diesel::prelude::*;

use super::model::{DeliverableState, Phase};
use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    gate::Obstacle,
    problem::{Problem, Text},
    schema::{event_revisions, follow_up_revisions, question_revisions},
};

/// Everything that must be settled before the phase can be completed.
pub fn obstacles(conn: &mut AnyConnection, reach: &Reach, phase: &Phase) -> Result<Vec<Obstacle>, Problem> {
    let below = |rest: String| format!("/api/v1/programs/{}/{rest}", reach.slug);
    let mut found = Vec::new();
    for deliverable in phase.content.deliverables.iter().filter(|one| one.state != DeliverableState::Issued) {
        let name = deliverable.name.0.values().next().cloned().unwrap_or_default();
        found.push(Obstacle {
            code: "deliverable_open",
            detail: Text::new(format!("{name} belum terbit"), format!("{name} is not issued")),
            href: below(format!("phases/{}", phase.meta.id)),
            subject_kind: "phase",
            subject_id: phase.meta.id,
        });
    }
    use event_revisions as e;
    let events: Vec<(Id, String, String)> = e::table
        .filter(e::ledger_id.eq(reach.ledger))
        .filter(e::phase_id.eq(phase.meta.id))
        .filter(e::seq_to.is_null())
        .order(e::number)
        .select((e::subject_id, e::code, e::state))
        .load(conn)?;
    for (id, code, state) in &events {
        if !["minutes_approved", "closed", "cancelled"].contains(&state.as_str()) {
            found.push(Obstacle {
                code: "event_open",
                detail: Text::new(format!("{code} masih {state}"), format!("{code} is still {state}")),
                href: below(format!("events/{id}")),
                subject_kind: "event",
                subject_id: *id,
            });
        }
    }
    use follow_up_revisions as f;
    let follow_ups: Vec<(Id, Id)> = f::table
        .filter(f::event_id.eq_any(events.iter().map(|(id, ..)| *id)))
        .filter(f::state.eq_any(["open", "in_progress"]))
        .filter(f::seq_to.is_null())
        .order(f::subject_id)
        .select((f::subject_id, f::event_id))
        .load(conn)?;
    for (id, event) in follow_ups {
        found.push(Obstacle {
            code: "follow_up_open",
            detail: Text::new("tindak lanjut ini belum selesai", "this follow-up is not done"),
            href: below(format!("events/{event}/follow-ups/{id}")),
            subject_kind: "follow_up",
            subject_id: id,
        });
    }
    use question_revisions as q;
    let questions: Vec<(Id, String)> = q::table
        .filter(q::ledger_id.eq(reach.ledger))
        .filter(q::state.eq("in_review"))
        .filter(q::seq_to.is_null())
        .order(q::position)
        .limit(200)
        .select((q::subject_id, q::code))
        .load(conn)?;
    for (id, code) in questions {
        found.push(Obstacle {
            code: "question_in_review",
            detail: Text::new(format!("{code} masih dibahas"), format!("{code} is still in review")),
            href: below(format!("questions/{id}")),
            subject_kind: "question",
            subject_id: id,
        });
    }
    Ok(found)
}
