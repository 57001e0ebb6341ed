//! What partners are asked, and what they send.

use serde_json::json;
use tangguh::policy::Role::*;

use super::{Run, both};
use crate::harness::*;

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
