//! What is there to read without an account, and what is told of a programme as a whole.

use serde_json::json;
use tangguh::{ledger::checkpoints, policy::Role::*};

use super::Run;
use crate::harness::*;

/// The editions of frameworks, as far as a page of the document can show them.
pub async fn frameworks(run: &mut Run<'_>) {
    run.read("list_frameworks", Nobody, &[], "").await;
    run.read("get_framework", Nobody, &["CRI"], "").await;
    run.read("list_framework_nodes", Nobody, &["CRI"], "?parent=CRI-1").await;
    run.read("list_framework_qualities", Nobody, &["CRI"], "").await;
}

/// What everybody may read of a programme that is published.
pub async fn public(run: &mut Run<'_>) {
    run.call("edit_program", Member(Lead), &["jakarta"], "", json!({"published": true})).await;
    run.read("list_public_programs", Nobody, &[], "").await;
    let program = ["jakarta"];
    run.read("get_public_program", Nobody, &program, "").await;
    for id in ["phases", "focus_areas", "questions", "events", "stakeholders", "statements"] {
        run.read(&format!("list_public_{id}"), Nobody, &program, "?limit=1").await;
    }
    run.read("get_public_statement", Nobody, &["jakarta", "S-1"], "").await;
    run.read("get_public_edition", Nobody, &["jakarta", "S-1", "1"], "").await;
    run.read("get_public_minutes", Nobody, &["jakarta", "E-1"], "").await;
}

/// What is told of the programme as a whole.
pub async fn program(run: &mut Run<'_>) {
    let program = ["jakarta"];
    run.read("summarize_program", Member(Observer), &program, "").await;
    run.read("get_coverage", Member(Observer), &program, "?framework=CRF-100RC").await;
    run.read("diff_program", Member(Observer), &program, "?from=seq:7&limit=1").await;
    run.read("list_translation_backlog", Member(Observer), &program, "?lang=en&limit=2").await;
    run.read("list_changes", Member(Observer), &program, "?after=0&types=question&limit=2").await;
    run.read("list_platform_changes", Member(Observer), &[], "?after=0&types=stakeholder&limit=1").await;
    run.read("list_event_types", Nobody, &[], "").await;
    run.read("get_event_type", Nobody, &["question.revise"], "").await;
    run.read("list_ledger", Member(Lead), &program, "?sort=-sequence&limit=2").await;
    run.read("list_platform_ledger", Member(Admin), &[], "?subject_kind=account&sort=-sequence&limit=2").await;
    checkpoints::daily(&run.world.service).await.unwrap();
    run.read("list_checkpoints", Member(Lead), &program, "?limit=1").await;
    run.read("list_platform_checkpoints", Member(Admin), &[], "?limit=1").await;
}
