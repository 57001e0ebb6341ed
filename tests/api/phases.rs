//! Phases: planned, then active, then completed.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

story! {
    async fn a_phase_is_planned_then_active_then_completed(world) {
        let body = json!({"number": 1, "name": {"id": "Persiapan"}, "planned_from_on": "2026-01-01", "planned_until_on": "2026-03-31"});
        let planned = world.post(Member(Secretariat), "{p}/phases").json(body).expect(201).await;
        assert_eq!((&planned.body["state"], &planned.body["actual_from_on"]), (&json!("planned"), &json!(null)));
        let path = format!("{{p}}/phases/{}", planned.id());
        let early = world.post(Member(Lead), &format!("{path}/completion")).if_match(&planned.etag()).json(json!({"reason": "Selesai."})).expect(409).await;
        assert_eq!(early.problem(), "wrong-state");

        // 17:00 in London is midnight in Jakarta: today is a day there.
        world.clock.advance(chrono::TimeDelta::hours(15));
        let active = world.post(Member(Secretariat), &format!("{path}/activation")).if_match(&planned.etag()).json(json!({"reason": "Mulai."})).expect(200).await;
        assert_eq!((&active.body["state"], &active.body["actual_from_on"]), (&json!("active"), &json!("2026-01-16")));
        assert_eq!(active.body["planned_from_on"], "2026-01-01");
        world.post(Member(Lead), &format!("{path}/activation")).if_match(&active.etag()).json(json!({"reason": "Lagi."})).expect(409).await;

        world.post(Member(Secretariat), &format!("{path}/completion")).if_match(&active.etag()).json(json!({"reason": "Selesai."})).expect(403).await;
        let before = json!({"on": "2026-01-15", "reason": "Selesai."});
        let refused = world.post(Member(Lead), &format!("{path}/completion")).if_match(&active.etag()).json(before).expect(422).await;
        assert_eq!(refused.problem(), "invalid");
        let done = json!({"on": "2026-04-02", "reason": "Selesai."});
        let completed = world.post(Member(Lead), &format!("{path}/completion")).if_match(&active.etag()).json(done).expect(200).await;
        assert_eq!((&completed.body["state"], &completed.body["actual_until_on"]), (&json!("completed"), &json!("2026-04-02")));
        assert_eq!(world.ledger(), [
            ("phase.plan".to_owned(), 1), ("phase.activate".into(), 2), ("phase.complete".into(), 3),
        ]);
        world.verify();
    }
}

story! {
    async fn no_two_phases_have_the_same_number(world) {
        let plan = async |number: i32| world.post(Member(Lead), "{p}/phases").json(json!({"number": number, "name": {"id": format!("Tahap {number}")}})).send().await;
        plan(2).await.expect(201);
        let first = plan(1).await.expect(201);
        let taken = plan(2).await.expect(409);
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/number"]));
        let path = format!("{{p}}/phases/{}", first.id());
        let taken = world.patch(Member(Lead), &path).if_match(&first.etag()).patch(json!({"number": 2})).expect(409).await;
        assert_eq!(taken.pointers(), ["/number"]);
        world.patch(Member(Lead), &path).if_match(&first.etag()).patch(json!({"number": 3})).expect(200).await;
        plan(1).await.expect(201);
        let listed = world.get(Member(Observer), "{p}/phases?sort=-number").expect(200).await;
        let numbers: Vec<_> = listed.items().iter().map(|item| item["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert!(world.get(Member(Observer), "{p}/phases?state=active,completed").expect(200).await.items().is_empty());
        world.verify();
    }
}

story! {
    async fn what_is_planned_and_what_happened_each_end_after_they_begin(world) {
        let body = json!({"number": 1, "name": {"id": "Tahap"}, "planned_from_on": "2026-03-01", "planned_until_on": "2026-02-01"});
        let refused = world.post(Member(Lead), "{p}/phases").json(body).expect(422).await;
        assert_eq!(refused.pointers(), ["/planned_until_on"]);
        let body = json!({"number": 1, "name": {"id": "Tahap"}, "actual_from_on": "2018-07-01", "actual_until_on": "2018-06-01"});
        assert_eq!(world.post(Member(Lead), "{p}/phases").json(body).expect(422).await.pointers(), ["/actual_until_on"]);
        for day in ["2026-02-30", "2026-2-3", "yesterday", ""] {
            let body = json!({"number": 1, "name": {"id": "Tahap"}, "planned_from_on": day});
            assert_eq!(world.post(Member(Lead), "{p}/phases").json(body).expect(422).await.pointers(), ["/planned_from_on"], "{day}");
        }
        assert!(world.ledger().is_empty());
        world.verify();
    }
}

story! {
    async fn a_deliverable_names_a_known_document(world) {
        let yields = |id: &str| json!({"number": 1, "name": {"id": "Tahap"}, "deliverables": [
            {"name": {"id": "Laporan", "en": "Report"}, "state": "issued", "issued_on": "2019-01-10", "document_id": id}]});
        let unknown = uuid::Uuid::now_v7().to_string();
        let refused = world.post(Member(Lead), "{p}/phases").json(yields(&unknown)).expect(422).await;
        assert_eq!(refused.pointers(), ["/deliverables/0/document_id"]);
        let document = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": "public"});
        let theirs = world.post(Neighbour(Lead), "programs/porto/documents").json(document.clone()).expect(201).await.id();
        world.post(Member(Lead), "{p}/phases").json(yields(&theirs)).expect(422).await;
        let ours = world.post(Member(Lead), "{p}/documents").json(document).expect(201).await.id();
        let planned = world.post(Member(Lead), "{p}/phases").json(yields(&ours)).expect(201).await;
        assert_eq!(planned.body["deliverables"][0]["document_id"], json!(ours));
        assert_eq!(planned.body["translations"][0]["pointer"], "/deliverables/0/name");
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_phase(world) {
        let id = world.post(Member(Lead), "{p}/phases").json(json!({"number": 1, "name": {"id": "Tahap"}})).expect(201).await.id();
        neighbour::sees_nothing_of(&world, "phases", &id).await;
        for act in ["activation", "completion"] {
            world.post(Neighbour(Lead), &format!("programs/porto/phases/{id}/{act}")).if_match("\"1.x\"").json(json!({"reason": "Milik kami."})).expect(404).await;
        }
        // Numbers are each programme's own.
        world.post(Neighbour(Lead), "programs/porto/phases").json(json!({"number": 1, "name": {"id": "Tahap"}})).expect(201).await;
        assert_eq!(world.ledger().len(), 1);
        world.verify();
    }
}
