//! The life of a question.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::harness::*;

story! {
    async fn a_revision_that_comes_too_late_changes_nothing(world) {
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}", asked.id());
        let first = json!({"text": {"id": "Jalan mana yang pertama terendam?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        let revised = world.post(Member(Facilitator), &format!("{path}/revisions")).if_match(&asked.etag()).json(first.clone()).expect(201).await;
        assert_eq!(revised.body["revision"], 2);

        let late = world.post(Member(Lead), &format!("{path}/revisions")).if_match(&asked.etag()).json(first).expect(412).await;
        assert_eq!((late.problem(), &late.body["current_revision"]), ("stale", &json!(2)));
        assert_eq!(world.ledger(), [
            ("focus_area.name".into(), 1), ("question.ask".into(), 1), ("question.revise".into(), 2),
        ]);
        world.verify();
    }
}
