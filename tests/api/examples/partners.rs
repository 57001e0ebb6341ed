//! What partners are asked, and what they send.

use serde_json::{Value, json};
use tangguh::{policy::Role::*, webhooks::Courier};

use super::{Run, both};
use crate::{
    harness::*,
    imports::settle,
    receiver::{Receiver, Script},
};

/// A machine gets a key and a token, and loses them.
pub async fn clients(run: &mut Run<'_>) {
    let (partner, program) = (Member(Partner), ["jakarta"]);
    let new = json!({
        "role": "partner",
        "name": "Sistem pelaporan banjir",
        "purpose": "Mengirim laporan warga setiap malam.",
        "scopes": ["input.send", "input.read"],
        "expires_on": "2026-12-31",
        "allowed_addresses": ["192.0.2.0/24"],
    });
    let made = run.act("make_client", partner.clone(), &program, new).await.id();
    let one = ["jakarta", made.as_str()];
    let key = run.act("make_client_key", partner.clone(), &one, json!({"expires_on": "2026-06-30"})).await;
    run.token(&made, key.body["key"].as_str().unwrap()).await;
    // When the key was last used is written by nobody who waits for it.
    let path = format!("{{p}}/clients/{made}");
    for _ in 0..1000 {
        let shown = run.world.get(partner.clone(), &path).expect(200).await;
        if shown.body["keys"][0]["last_used_at"].is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    run.read("list_clients", partner.clone(), &program, "?expires_on.lt=2027-01-31").await;
    run.read("get_client", partner.clone(), &one, "").await;
    run.act("edit_client", partner.clone(), &one, json!({"allowed_addresses": ["192.0.2.1"]})).await;
    run.act("end_client_key", partner.clone(), &["jakarta", &made, &key.id()], serde_json::Value::Null).await;
    run.act("revoke_client", partner.clone(), &one, json!({"reason": "Sistem diganti."})).await;
    run.read("get_client_history", partner, &one, "?limit=1").await;
}

/// A call for input about this focus area.
pub async fn consultations(run: &mut Run<'_>, area: &str) -> String {
    let (lead, program) = (Member(Lead), ["jakarta"]);
    let new = json!({
        "topic": both("Jalur evakuasi", "Evacuation routes"),
        "text": both("Jalur mana yang terputus saat banjir?", "Which routes are cut off in a flood?"),
        "subjects": [{"kind": "focus_area", "id": area}],
        "participation": "consult",
        "kinds": ["comment", "evidence", "proposal"],
        "opens_on": "2026-01-15",
    });
    let made = run.act("create_consultation", lead.clone(), &program, new).await.id();
    let one = ["jakarta", made.as_str()];
    run.act("edit_consultation", lead, &one, json!({"closes_on": "2026-03-31"})).await;
    run.read("list_consultations", Member(Partner), &program, "?open_on=2026-01-20").await;
    run.read("get_consultation", Member(Partner), &one, "").await;
    run.read("get_consultation_history", Member(Partner), &one, "?limit=1").await;
    made
}

/// What an organisation sends from its own system, and what becomes of it.
pub async fn inputs(run: &mut Run<'_>, area: &str, consultation: &str) {
    let (partner, secretariat, program) = (Member(Partner), Member(Secretariat), ["jakarta"]);
    let new = json!({
        "kind": "evidence",
        "consultation_id": consultation,
        "subjects": [{"kind": "focus_area", "id": area}],
        "text": "Jembatan Kali Contoh terendam sejak pukul tiga pagi.",
        "language": "id",
        "links": ["https://example.org/peta/kali-contoh"],
        "external_ref": "KB-2026-0042",
    });
    let sent = run.act("send_input", partner.clone(), &program, new).await.id();
    let one = ["jakarta", sent.as_str()];
    let content = json!({"text": "Jembatan Kali Contoh terendam sejak pukul dua pagi."});
    run.act("correct_input", partner.clone(), &one, content).await;
    let step = json!({"to": "acknowledged", "reason": "Sudah dibaca.",
        "assigned_to_id": run.world.account(&secretariat)});
    run.act("step_input", secretariat.clone(), &one, step).await;
    let found = run.world.get(secretariat.clone(), "{p}/questions?state=validated").expect(200).await;
    let question = &found.items()[0];
    let decision = json!({
        "kind": "accepted",
        "text": both("Pertanyaan dipertajam.", "The question was made sharper."),
        "pointers": ["/text"],
        "effects": [{"kind": "question", "id": question["id"], "revision": question["revision"]}],
    });
    run.act("decide_input", secretariat.clone(), &one, decision).await;
    let answer = json!({"text": both("Terima kasih; lihat pertanyaan itu.", "Thank you; see the question.")});
    run.act("answer_input", secretariat.clone(), &one, answer).await;
    run.read("get_input_outcome", partner.clone(), &one, "").await;
    run.read("get_input", partner.clone(), &one, "").await;
    run.read("get_input_history", partner.clone(), &one, "?limit=1").await;
    run.read("list_inputs", partner.clone(), &program, "?state=answered").await;

    let comment = |reference: &str, text: &str| {
        json!({"kind": "comment", "text": text, "language": "id",
        "external_ref": reference})
    };
    let items = json!([
        comment("KB-2026-0043", "Rambu evakuasi hilang."),
        comment("KB-2026-0044", "Posko terkunci."),
        comment("KB-2026-0042", "Isi lain.")
    ]);
    let came = run.act("send_inputs", partner.clone(), &program, json!({"mode": "each", "items": items})).await;
    let id = |number: usize| came.items()[number]["id"].as_str().unwrap().to_owned();
    let why = json!({"reason": "Posko sudah dibuka."});
    run.act("withdraw_input", partner.clone(), &["jakarta", &id(1)], why).await;
    let step = json!({"to": "in_review", "reason": "Dibahas."});
    run.call("step_input", secretariat.clone(), &["jakarta", &id(0)], "", step).await;
    let file = format!(
        "{}\n{}\n",
        comment("KB-2026-0045", "Pompa di Kali Contoh mati."),
        json!({"kind": "comment", "text": "", "language": "id", "external_ref": "KB-2026-0046"})
    );
    let import = run.act("import_inputs", partner.clone(), &program, json!(file)).await.id();
    settle(run.world).await;
    run.read("list_input_imports", partner.clone(), &program, "?state=done").await;
    run.read("get_input_import", partner.clone(), &["jakarta", &import], "").await;
    run.read("list_input_import_rows", partner.clone(), &["jakarta", &import], "").await;
    let bulk = json!({"items": [{"input_id": id(0), "on_revision": 2}],
        "decision": {"kind": "already_covered", "text": both("Sudah ada dalam rencana.", "It is in the plan already.")}});
    run.act("decide_inputs", secretariat, &program, bulk).await;
    run.read("get_asked_said_did", partner, &program, "?limit=1").await;
}

/// Being told of changes: a receiver that is tried, fails once, and gets a range again.
pub async fn webhooks(run: &mut Run<'_>) {
    let (partner, program) = (Member(Partner), ["jakarta"]);
    let new = json!({"url": "https://hooks.example.org/tangguh", "description": "Sistem masukan kami",
        "types": ["input.send", "input.decide", "input.withdraw"]});
    let made = run.act("create_webhook", partner.clone(), &program, new).await.id();
    let one = ["jakarta", made.as_str()];
    run.act("create_webhook_secret", partner.clone(), &one, json!({"keep_old_hours": 24})).await;
    let receiver = Receiver::start().await;
    run.call("edit_webhook", partner.clone(), &one, "", json!({"url": receiver.url})).await;
    run.act("test_webhook", partner.clone(), &one, Value::Null).await;
    run.act("edit_webhook", partner.clone(), &one, json!({"state": "active"})).await;

    let input = json!({"kind": "comment", "text": "Pompa rusak.", "language": "id", "external_ref": "KB-2026-0050"});
    run.call("send_input", partner.clone(), &program, "", input).await;
    receiver.answers([Script::status(500)]);
    let courier = Courier::new(run.world.service.clone(), &run.world.service.settings.webhooks);
    courier.round().await.unwrap();
    let failing = run.read("get_webhook", partner.clone(), &one, "").await.body["delivery"]["failing_sequence"].clone();
    let skip = json!({"sequence": failing, "reason": "Diperiksa dengan tangan."});
    run.act("skip_webhook_message", partner.clone(), &one, skip).await;
    let range = json!({"from_sequence": failing, "to_sequence": failing, "reason": "Penerima sudah diperbaiki."});
    run.act("replay_webhook_messages", partner.clone(), &one, range).await;
    courier.round().await.unwrap();
    run.read("list_webhook_attempts", partner.clone(), &one, "?state=succeeded").await;
    run.read("list_webhooks", partner.clone(), &program, "?state=active").await;
    run.call("delete_webhook", partner, &one, "", Value::Null).await;
}
