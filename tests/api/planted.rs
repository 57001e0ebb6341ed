//! Events and statements as the record holds them, put there by hand: for what reads them.

use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    ballots::Ballot,
    db::{AnyConnection, At, Id, lock_head},
    decisions::Decision,
    events::{Attendance, Event, FollowUp, Stage},
    ledger::{Act, append, follow},
    schema::*,
    versioned::Resource,
};

use crate::harness::*;

/// The code of an event that is planted, far from those that the service gives.
pub const EVENT: &str = "E-900";
pub const STATEMENT: &str = "S-900";

/// An event that was planted.
pub struct Planted<'w> {
    world: &'w World,
    program: Id,
    pub id: Id,
    body: Value,
}

fn organisation(world: &World, name: &str) -> Id {
    world.seed.stakeholders[name]
}

/// Puts a text on the ledger, as every change does; answers the row's sequence.
fn record(conn: &mut AnyConnection, ledger: Id, kind: &str, subject: Id, revision: i32, body: &Value) -> i64 {
    let mut head = lock_head(conn, ledger).unwrap().unwrap();
    let act = Act {
        at: head.at,
        account: None,
        stakeholder: None,
        action: "event.plan",
        subject_kind: kind,
        subject,
        revision,
        reason: None,
        request_id: "planted",
    };
    let row = follow(ledger, &mut head, &act, body.to_string()).unwrap();
    append(conn, vec![row]).unwrap();
    let now = (ledgers::sequence.eq(head.sequence), ledgers::hash.eq(&head.hash));
    diesel::update(ledgers::table.find(ledger)).set(now).execute(conn).unwrap();
    head.sequence
}

fn meta(id: Id, more: Value) -> Value {
    let mut body = json!({"id": id, "revision": 1, "created_at": "2026-01-15T02:00:00.000000Z",
        "updated_at": "2026-01-15T02:00:00.000000Z"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

macro_rules! plant {
    ($conn:expr, $ledger:expr, $resource:ty, $anchors:ident, $revisions:ident, $id:expr, $state:expr, $body:expr, $($column:ident: $value:expr),*) => {{
        let seq = record($conn, $ledger, <$resource as Resource>::KIND, $id, 1, &$body);
        diesel::insert_into($anchors::table).values(($anchors::id.eq($id), $anchors::ledger_id.eq($ledger))).execute($conn).unwrap();
        diesel::insert_into($revisions::table)
            .values((
                $revisions::subject_id.eq($id),
                $revisions::revision.eq(1),
                $revisions::ledger_id.eq($ledger),
                $revisions::seq_from.eq(seq),
                $revisions::state.eq($state),
                $($revisions::$column.eq($value),)*
                $revisions::body.eq($body.to_string()),
            ))
            .execute($conn)
            .unwrap();
    }};
}

/// An event with all that minutes tell: two organisations there and one that was represented, a stage with a group and
/// an anonymous ballot, a decision that leads from revision 2 of the question to revision 3, and a follow-up.
pub fn event<'w>(world: &'w World, program: &str, question: &str) -> Planted<'w> {
    let (conn, ledger) = (&mut world.conn(), world.seed.programs[program]);
    let question = Id::parse(question).unwrap();
    let (dinas, mitra, sekretariat) =
        (organisation(world, "dinas"), organisation(world, "mitra"), organisation(world, "sekretariat"));
    let event = Id::new();
    let body = meta(
        event,
        json!({"code": EVENT, "kind": "working_session",
        "name": {"id": "Sesi Kerja: Status Ketahanan Kota"}, "on": "2018-08-23", "begins_at": "09:00", "ends_at": null,
        "venue": {"name": "Balai Kota", "building": "Blok G", "floor": "Lt. 5", "room": "Ruang Rapat II", "address": null, "url": null},
        "phase_id": null, "chair_role": {"id": "Deputi Gubernur", "en": "Deputy Governor"}, "chair_stakeholder_id": sekretariat,
        "objectives": [{"id": "Menyelaraskan pertanyaan", "en": "To align the questions"}], "participation": "collaborate",
        "material_ids": [], "outcomes": [{"id": "Pertanyaan <b>selaras</b> [x](javascript:y)"}],
        "sources": [{"standing": "ours", "note": "catatan rahasia sumber"}], "state": "minutes_draft"}),
    );
    plant!(conn, ledger, Event, events, event_revisions, event, "minutes_draft", body, kind: "working_session", code: EVENT,
        number: 900, held_on: None::<chrono::NaiveDate>, phase_id: None::<Id>);
    for (one, status, count, by) in [
        (dinas, "attended", Some(3), None),
        (mitra, "attended", None, None),
        (sekretariat, "represented", None, Some(dinas)),
    ] {
        let id = Id::new();
        let attendance = meta(
            id,
            json!({"event_id": event, "stakeholder_id": one, "status": status, "capacity": "member",
            "head_count": count, "represented_by_id": by, "note": "catatan rahasia kehadiran"}),
        );
        plant!(conn, ledger, Attendance, attendances, attendance_revisions, id, "recorded", attendance, event_id: event,
            stakeholder_id: one, status: status);
    }
    let stage = Id::new();
    let told = meta(
        stage,
        json!({"event_id": event, "number": 1, "name": {"id": "Penyelarasan", "en": "Alignment"}, "purpose": null,
        "groups": [{"name": {"id": "Meja 1"}, "stakeholder_ids": [dinas], "focus_area_ids": []}],
        "electorate": [dinas, mitra], "state": "current"}),
    );
    plant!(conn, ledger, Stage, stages, stage_revisions, stage, "current", told, event_id: event, number: 1);
    let ballot = Id::new();
    let told = meta(
        ballot,
        json!({"code": "B-900", "event_id": event, "stage_id": stage, "question_id": question,
        "question_revision": 2, "title": null, "method": "consensus", "scale": null, "options": null, "dots_each": null,
        "rule": {"threshold_percent": 100}, "quorum": 2, "unit": "organization", "anonymous": true, "electorate": [dinas, mitra],
        "state": "decided", "result": {"votes_count": 2, "abstentions_count": 0, "electorate_count": 2, "missing": [],
            "distribution": [{"value": "agree", "count": 1}, {"value": "agree_with_reservation", "count": 1}], "by_kind": [],
            "percent_agreement": 100.0, "median": null, "interquartile_range": null, "ranking": null, "quorum_met": true,
            "outcome": "agreed_with_reservations"}}),
    );
    plant!(conn, ledger, Ballot, ballots, ballot_revisions, ballot, "decided", told, event_id: event, stage_id: stage, number: 900,
        code: "B-900", question_id: Some(question), question_revision: Some(2));
    let decision = Id::new();
    let told = meta(
        decision,
        json!({"event_id": event, "stage_id": stage, "ballot_id": ballot, "question_id": question,
        "on_revision": 2, "result_revision": 3, "kind": "revise", "reason": "Masalahnya | lebih luas.", "reason_kind": "wording",
        "problem": null, "state": "given", "rescinded_reason": null}),
    );
    plant!(conn, ledger, Decision, decisions, decision_revisions, decision, "given", told, event_id: event, stage_id: stage,
        ballot_id: Some(ballot), question_id: question, on_revision: 2, result_revision: 3, kind: "revise");
    let follow_up = Id::new();
    let told = meta(
        follow_up,
        json!({"event_id": event, "text": {"id": "Menyusun pernyataan", "en": "Draft the statement"},
        "owner_stakeholder_id": sekretariat, "due_on": "2018-09-19", "state": "open", "progress": "catatan rahasia kemajuan",
        "focus_area_id": null}),
    );
    plant!(conn, ledger, FollowUp, follow_ups, follow_up_revisions, follow_up, "open", told, event_id: event,
        owner_stakeholder_id: sekretariat, due_on: None::<chrono::NaiveDate>);
    Planted { world, program: ledger, id: event, body }
}

impl Planted<'_> {
    /// Approves the minutes.
    pub fn approve(mut self) -> Self {
        self.step("minutes_approved");
        self
    }

    /// Takes the event to its next state.
    pub fn step(&mut self, state: &str) {
        let conn = &mut self.world.conn();
        let revision = self.body["revision"].as_i64().unwrap() as i32;
        self.body["revision"] = json!(revision + 1);
        self.body["state"] = json!(state);
        let seq = record(conn, self.program, Event::KIND, self.id, revision + 1, &self.body);
        let row = event_revisions::table.find((self.id, revision));
        diesel::update(row).set(event_revisions::seq_to.eq(seq)).execute(conn).unwrap();
        diesel::insert_into(event_revisions::table)
            .values((
                event_revisions::subject_id.eq(self.id),
                event_revisions::revision.eq(revision + 1),
                event_revisions::ledger_id.eq(self.program),
                event_revisions::seq_from.eq(seq),
                event_revisions::state.eq(state),
                event_revisions::kind.eq("working_session"),
                event_revisions::code.eq(EVENT),
                event_revisions::number.eq(900),
                event_revisions::body.eq(self.body.to_string()),
            ))
            .execute(conn)
            .unwrap();
    }
}

/// The text of a planted edition.
pub fn text(edition: i32) -> String {
    let earlier: Vec<Value> = (1..edition).map(|edition| json!({"edition": edition})).collect();
    json!({"program": {"slug": "jakarta", "name": {"id": "Jakarta Berketahanan"}}, "code": STATEMENT, "edition": edition,
        "title": {"id": "Status ketahanan kota", "en": "Resilience statement"},
        "overall": {"text": {"id": "Jakarta <script>alert(1)</script> tangguh.\n\nDan terbuka."}, "basis": []},
        "sections": [{"focus_area": {"code": "FU-1", "name": {"id": "Tata kelola", "en": "Governance"}},
            "text": {"id": "Prosesnya jelas.", "en": "The process is clear."},
            "basis": [{"kind": "question", "code": "Q-1.1", "revision": 3, "text": {"id": "Siapa saja?", "en": "Who?"}}]}],
        "adopted": {"at": "2018-08-23", "override_reason": null}, "published_at": "2018-08-24",
        "citation": {"id": "Jakarta, Status, edisi 1", "en": "Jakarta, Statement, edition 1"},
        "earlier_editions": earlier})
    .to_string()
}

/// A published edition of a statement.
pub fn edition(world: &World, program: &str, edition: i32) {
    let (conn, ledger, id) = (&mut world.conn(), world.seed.programs[program], Id::new());
    diesel::insert_into(statements::table)
        .values((statements::id.eq(id), statements::ledger_id.eq(ledger)))
        .execute(conn)
        .unwrap();
    diesel::insert_into(publications::table)
        .values((
            publications::statement_id.eq(id),
            publications::ledger_id.eq(ledger),
            publications::code.eq(STATEMENT),
            publications::edition.eq(edition),
            publications::at.eq(At(beginning())),
            publications::body.eq(text(edition)),
            publications::digest.eq(""),
            publications::jws.eq(format!("header..signature-of-{edition}")),
        ))
        .execute(conn)
        .unwrap();
}
