//! Mappings, criteria and a statement that rests on them, as far as its publication.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use super::{Run, both};
use crate::harness::*;

fn why(reason: &str) -> Value {
    json!({"reason": reason})
}

/// What a statement of this focus area rests on: kind, id and revision of each.
async fn proposals(run: &mut Run<'_>, area: &str) -> Vec<Value> {
    let facilitator = Member(Facilitator);
    let program = ["jakarta"];
    let new = json!({"subject": {"kind": "focus_area", "id": area}, "framework": "CRI", "node": "CRI-1.3",
        "strength": "primary", "rationale": both("Air bersih untuk semua", "Clean water for all"),
        "sources": [{"note": "Pemetaan kami.", "standing": "ours"}]});
    let mapping = run.act("propose_mapping", facilitator.clone(), &program, new).await.id();
    let one = ["jakarta", mapping.as_str()];
    let verdict = json!({"to": "validated", "reason": "Disepakati oleh sidang."});
    run.act("judge_mapping", facilitator.clone(), &one, verdict.clone()).await;
    run.read("list_mappings", facilitator.clone(), &program, "?state=validated").await;
    run.read("get_mapping", facilitator.clone(), &one, "").await;
    run.read("get_mapping_history", facilitator.clone(), &one, "?limit=1").await;
    let new = json!({"subject": {"kind": "focus_area", "id": area}, "framework": "CRI", "node": "CRI-1.2",
        "strength": "secondary"});
    let other = run.call("propose_mapping", Member(Agency), &program, "", new).await.id();
    run.act("withdraw_mapping", Member(Agency), &["jakarta", &other], why("Salah simpul.")).await;

    let new = json!({"text": both("Pulih dalam tiga hari", "Back within three days")});
    let criterion = run.act("propose_criterion", facilitator.clone(), &program, new).await.id();
    let one = ["jakarta", criterion.as_str()];
    let content = json!({"text": both("Layanan air pulih dalam tiga hari", "Water supply is back within three days")});
    run.act("edit_criterion", facilitator.clone(), &one, content).await;
    run.act("judge_criterion", facilitator.clone(), &one, verdict).await;
    run.read("list_criteria", facilitator.clone(), &program, "").await;
    run.read("get_criterion", facilitator.clone(), &one, "").await;
    run.read("get_criterion_history", facilitator.clone(), &one, "?limit=1").await;
    let new = json!({"text": both("Kota tanpa banjir", "A city without floods")});
    let other = run.call("propose_criterion", Member(Agency), &program, "", new).await.id();
    run.act("withdraw_criterion", Member(Agency), &["jakarta", &other], why("Tidak dapat diukur.")).await;
    vec![
        json!({"kind": "mapping", "id": mapping, "revision": 2}),
        json!({"kind": "criterion", "id": criterion, "revision": 3}),
    ]
}

/// A statement from its draft to its publication; this organisation takes a position on it.
pub async fn statements(run: &mut Run<'_>, area: &str, stakeholder: &str) {
    let (lead, secretariat) = (Member(Lead), Member(Secretariat));
    let found = run.world.get(lead.clone(), "{p}/questions?state=validated").expect(200).await;
    let question = &found.items()[0];
    let question_id = question["id"].as_str().unwrap().to_owned();
    let mut basis = proposals(run, area).await;
    basis.push(json!({"kind": "question", "id": question_id, "revision": question["revision"]}));
    let content = json!({
        "title": both("Status ketahanan kota", "The city's resilience"),
        "overall": {"text": both("Kota ini dapat pulih dari banjir.", "This city can recover from floods.")},
        "sections": [{"focus_area_id": area, "basis": basis,
            "text": both("Air bersih tetap mengalir saat banjir.", "Clean water keeps running during floods.")}],
        "languages": ["id", "en"],
        "sources": [{"note": "Contoh kami.", "standing": "ours"}],
    });
    let statement = run.act("draft_statement", secretariat.clone(), &["jakarta"], content.clone()).await.id();
    let one = ["jakarta", statement.as_str()];
    let mut revision = content;
    revision["title"] = both("Status ketahanan kota 2026", "The city's resilience in 2026");
    revision["reason"] = json!("Judul menyebut tahunnya.");
    run.act("revise_statement", secretariat.clone(), &one, revision).await;
    let step = json!({"to": "in_alignment", "reason": "Siap ditanggapi."});
    run.act("advance_statement", secretariat.clone(), &one, step).await;
    positions(run, &statement, stakeholder).await;

    let step = json!({"to": "proposed", "reason": "Semua keberatan telah dijawab."});
    run.call("advance_statement", secretariat.clone(), &one, "", step).await;
    run.read("get_statement_gate", lead.clone(), &one, "").await;
    run.read("get_statement_basis", lead.clone(), &one, "").await;
    let adoption = json!({"reason": "Ditetapkan dalam sidang pleno.",
        "override_reason": "Fokus utama Mobilitas dibahas dalam edisi berikutnya."});
    run.act("adopt_statement", lead.clone(), &one, adoption).await;
    run.act("publish_statement", lead.clone(), &one, why("Untuk diketahui umum.")).await;
    run.read("get_statement", lead.clone(), &one, "").await;
    run.read("list_statements", lead.clone(), &["jakarta"], "?state=published").await;
    run.read("get_statement_history", lead.clone(), &one, "?limit=1").await;
    run.read("list_statement_revisions", lead.clone(), &one, "?limit=1").await;
    run.read("get_statement_revision", lead.clone(), &["jakarta", &statement, "2"], "").await;
    run.read("get_question_impact", lead.clone(), &["jakarta", &question_id], "").await;
    let phases = run.world.get(lead.clone(), "{p}/phases").expect(200).await;
    let phase = phases.items()[0]["id"].as_str().unwrap().to_owned();
    run.read("get_phase_gate", lead, &["jakarta", &phase], "").await;
}

async fn positions(run: &mut Run<'_>, statement: &str, stakeholder: &str) {
    let one = ["jakarta", statement, stakeholder];
    let objection = json!({"on_revision": 3, "kind": "object", "comment": "Kawasan pesisir belum disebut."});
    run.act("take_position", Member(Agency), &one, objection).await;
    let answer = json!({"on_revision": 1, "text": "Kawasan pesisir dibahas dalam pernyataan berikutnya."});
    run.act("answer_objection", Member(Secretariat), &one, answer).await;
    run.read("get_position", Member(Agency), &one, "").await;
    run.read("get_position_history", Member(Agency), &one, "?limit=1").await;
    run.read("list_positions", Member(Agency), &one[..2], "").await;
}
