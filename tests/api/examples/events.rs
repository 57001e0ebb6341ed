//! A working session: its stages, who was there, what was voted and decided, and its minutes.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use super::{Run, both};
use crate::harness::*;

const HOST: Who = Member(Facilitator);

fn why(reason: &str) -> Value {
    json!({"reason": reason})
}

/// The organisations in the room, as participants of the programme: the agency's and the partner's.
pub async fn organisations(run: &mut Run<'_>) -> [String; 2] {
    let found = ["dinas", "mitra"].map(|name| run.world.seed.stakeholders[name].to_string());
    for stakeholder in &found {
        let member = json!({"stakeholder_id": stakeholder, "capacity": "member"});
        run.call("add_participant", Member(Lead), &["jakarta"], "", member).await;
    }
    found
}

/// A session from its plan to its approved minutes.
pub async fn events(run: &mut Run<'_>, area: &str, [dinas, mitra]: &[String; 2]) {
    let secretariat = Member(Secretariat);
    let program = ["jakarta"];
    let plan = json!({
        "kind": "working_session",
        "name": both("Sidang kerja kedua", "Second working session"),
        "on": "2026-01-15",
        "venue": {"name": "Balai Kota", "building": "Blok G", "floor": "Lt. 5"},
        "chair_role": both("Kepala sekretariat", "Head of the secretariat"),
        "objectives": [both("Menyelaraskan pertanyaan", "To align the questions")],
        "participation": "collaborate",
        "sources": [{"note": "Contoh kami.", "standing": "ours"}],
    });
    let event = run.act("plan_event", secretariat.clone(), &program, plan).await.id();
    let one = ["jakarta", event.as_str()];
    run.act("edit_event", secretariat.clone(), &one, json!({"begins_at": "09:00", "ends_at": "15:30"})).await;
    let step = |to: &str| json!({"to": to, "reason": "Sesuai jadwal."});
    run.act("advance_event", secretariat.clone(), &one, step("confirmed")).await;
    run.read("list_events", HOST, &program, "?kind=working_session").await;
    run.read("get_event", HOST, &one, "").await;
    run.read("get_event_history", HOST, &one, "?limit=1").await;

    let new = json!({"number": 1, "name": both("Pertanyaan", "Questions"), "electorate": [dinas, mitra]});
    let stage = run.act("add_stage", secretariat.clone(), &one, new).await.id();
    let of_stage = ["jakarta", event.as_str(), stage.as_str()];
    let content = json!({"purpose": both("Menyelaraskan pertanyaan", "To align the questions"),
        "groups": [{"name": both("Meja air", "Water table"), "stakeholder_ids": [dinas, mitra],
            "focus_area_ids": [area]}]});
    run.act("edit_stage", secretariat.clone(), &of_stage, content).await;
    run.read("list_stages", HOST, &one, "").await;
    run.read("get_stage", HOST, &of_stage, "").await;
    run.read("get_stage_history", HOST, &of_stage, "?limit=1").await;

    attendance(run, &event, dinas, mitra).await;
    run.call("advance_event", secretariat.clone(), &one, "", step("held")).await;
    let [first, second] = ["Siapa yang merawat tanggul?", "Berapa lama air surut?"].map(|text| both(text, text));
    let questions = [asked(run, area, first).await, asked(run, area, second).await];
    ballots(run, of_stage, &questions[0], [dinas, mitra]).await;
    outcomes(run, of_stage, &questions[1], dinas).await;
    follow_ups(run, &event, dinas).await;
    for to in ["minutes_draft", "minutes_approved"] {
        run.call("advance_event", secretariat.clone(), &one, "", step(to)).await;
    }
    run.read("get_minutes", Member(Observer), &one, "").await;
}

/// A question that is ready for the session.
async fn asked(run: &mut Run<'_>, area: &str, text: Value) -> String {
    let new = json!({"focus_area_id": area, "text": text});
    let question = run.call("ask_question", HOST, &["jakarta"], "", new).await.id();
    let step = json!({"to": "proposed", "reason": "Siap dibahas."});
    run.call("review_question", HOST, &["jakarta", &question], "", step).await;
    question
}

async fn attendance(run: &mut Run<'_>, event: &str, dinas: &str, mitra: &str) {
    let one = ["jakarta", event];
    let items = json!({"items": [
        {"stakeholder_id": dinas, "status": "attended", "capacity": "member",
            "people": [{"name": "Rani Wulandari", "position": "Kepala bidang"}]},
        {"stakeholder_id": mitra, "status": "confirmed", "capacity": "invited"},
    ]});
    run.act("record_attendance", HOST, &one, items).await;
    let of = ["jakarta", event, dinas];
    run.act("edit_attendance", HOST, &of, json!({"head_count": 3})).await;
    run.read("list_attendance", HOST, &one, "?status=attended").await;
    run.read("get_attendance", HOST, &of, "").await;
    run.read("get_attendance_history", HOST, &of, "?limit=1").await;
}

/// A ballot on a question, from its draft to a decision that is taken back.
async fn ballots(run: &mut Run<'_>, of_stage: [&str; 3], question: &str, [dinas, mitra]: [&String; 2]) {
    let new = json!({
        "question_id": question,
        "method": "agreement",
        "scale": {"points": 3, "agree_from": 3, "labels": [both("Tidak sesuai", "Does not fit"),
            both("Perlu diubah", "Needs revision"), both("Sesuai", "Fits")]},
        "rule": {"threshold_percent": 60},
        "quorum": 1,
        "unit": "organization",
    });
    let ballot = run.act("prepare_ballot", HOST, &of_stage, new.clone()).await.id();
    let one = ["jakarta", ballot.as_str()];
    run.act("edit_ballot", HOST, &one, json!({"quorum": 2})).await;
    run.act("open_ballot", HOST, &one, why("Meja air siap.")).await;
    let votes = [("jakarta", &ballot, dinas), ("jakarta", &ballot, mitra)];
    let [of_dinas, of_mitra] = votes.map(|(program, ballot, by)| [program, ballot.as_str(), by.as_str()]);
    run.read("list_own_tasks", Member(Agency), &[], "").await;
    let vote = json!({"value": 3, "comment": "Sudah sesuai dengan tugas kami."});
    run.act("cast_vote", Member(Agency), &of_dinas, vote).await;
    run.call("cast_vote", Member(Partner), &of_mitra, "", json!({"value": 1})).await;
    run.act("rescind_vote", Member(Partner), &of_mitra, why("Salah tekan.")).await;
    run.call("cast_vote", HOST, &of_mitra, "", json!({"value": 3})).await;
    run.read("list_votes", HOST, &one, "").await;
    run.read("get_vote", HOST, &of_mitra, "").await;
    run.read("get_vote_history", HOST, &of_mitra, "?limit=1").await;
    run.act("close_ballot", HOST, &one, why("Semua sudah bersuara.")).await;
    run.read("get_ballot_result", HOST, &one, "").await;
    let seen = run.world.get(HOST, &format!("{{p}}/ballots/{ballot}")).expect(200).await.body;
    let decision = json!({"on_revision": seen["question_revision"], "kind": "keep", "reason": "Semua setuju."});
    let decision = run.act("decide_ballot", HOST, &one, decision).await.id();
    run.read("list_stage_ballots", HOST, &of_stage, "").await;
    run.read("list_ballots", HOST, &one[..1], "?state=decided").await;
    run.read("get_ballot", HOST, &one, "").await;
    run.read("get_ballot_history", HOST, &one, "?limit=1").await;
    let of_decision = ["jakarta", decision.as_str()];
    run.read("list_decisions", HOST, &one[..1], "?kind=keep").await;
    run.read("get_decision", HOST, &of_decision, "").await;
    run.act("rescind_decision", HOST, &of_decision, why("Dicatat pada pertanyaan yang salah.")).await;
    run.read("get_decision_history", HOST, &of_decision, "?limit=1").await;

    let other = run.call("prepare_ballot", HOST, &of_stage, "", new).await.id();
    run.act("void_ballot", HOST, &["jakarta", &other], why("Pertanyaannya sudah diputuskan.")).await;
}

/// What a table wrote down while it was off line.
async fn outcomes(run: &mut Run<'_>, of_stage: [&str; 3], question: &str, dinas: &str) {
    let new = json!({"question_id": question, "method": "consensus", "rule": {"threshold_percent": 100}, "quorum": 1,
        "unit": "organization"});
    let ballot = run.call("prepare_ballot", HOST, &of_stage, "", new).await.id();
    run.call("open_ballot", HOST, &["jakarta", &ballot], "", why("Meja kedua siap.")).await;
    let outcomes = json!({
        "votes": [{"ballot_id": ballot, "stakeholder_id": dinas, "value": "agree"}],
        "close_ballots": [ballot],
        "decisions": [{
            "ballot_id": ballot,
            "question_id": question,
            "on_revision": 3,
            "kind": "revise",
            "text": both("Berapa jam air surut di tiap kelurahan?", "How many hours until each sub-district is dry?"),
            "reason_kind": "wording",
            "validate": true,
            "reason": "Yang dapat dihitung adalah jam.",
        }],
    });
    run.act("keep_stage_outcomes", HOST, &of_stage, outcomes).await;
}

async fn follow_ups(run: &mut Run<'_>, event: &str, dinas: &str) {
    let one = ["jakarta", event];
    let new = json!({"text": both("Menghitung pompa yang bekerja", "Count the pumps that work"),
        "owner_stakeholder_id": dinas, "due_on": "2026-02-15"});
    let follow_up = run.act("give_follow_up", HOST, &one, new).await.id();
    let of = ["jakarta", event, follow_up.as_str()];
    let report = json!({"state": "in_progress", "progress": "Dua dari lima kelurahan sudah dihitung."});
    run.act("report_follow_up", Member(Agency), &of, report).await;
    run.read("list_follow_ups", HOST, &one, "?state=in_progress").await;
    run.read("get_follow_up", HOST, &of, "").await;
    run.read("get_follow_up_history", HOST, &of, "?limit=1").await;
}
