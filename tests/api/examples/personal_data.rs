//! What people ask about their data, and who was shown it.

use serde_json::json;
use tangguh::policy::Role::*;

use super::Run;
use crate::harness::*;

pub async fn personal_data(run: &mut Run<'_>) {
    let (person, admin) = (Member(Facilitator), Member(Admin));
    let asked = json!({"kind": "restriction", "note": "Mohon nama saya tidak ditampilkan."});
    let asked = run.act("ask_about_personal_data", person.clone(), &[], asked).await.id();
    run.read("get_own_personal_data", person.clone(), &[], "").await;
    let account = run.world.account(&person).to_string();
    run.read("get_account_personal_data", admin.clone(), &[&account], "").await;
    run.read("list_due_personal_data", admin.clone(), &[], "").await;
    let answer = json!({"outcome": "done", "answer": "Nama Anda kini hanya terlihat oleh Anda dan pengelola."});
    run.act("complete_personal_data_request", admin.clone(), &[&asked], answer).await;
    run.read("list_personal_data_requests", admin.clone(), &[], "?state=done").await;
    run.read("get_personal_data_request", person.clone(), &[&asked], "").await;
    run.read("list_personal_data_reads", admin, &[], "?sort=-at&limit=2").await;
    run.call("ask_about_personal_data", person, &[], "", json!({"kind": "lifting"})).await;
}
