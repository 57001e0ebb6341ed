//! What is to be done after an event, and what its owner reports.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    room::{HOST, Room},
};

story! {
    async fn the_owner_reports_how_far_it_is_and_changes_nothing_else(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/follow-ups", room.event);
        let body = json!({"text": {"id": "Siapkan bahan", "en": "Prepare material"}, "owner_stakeholder_id": room.dinas, "due_on": "2026-03-01"});
        let made = world.post(HOST, &list).json(body).expect(201).await;
        assert_eq!((&made.body["state"], &made.body["progress"]), (&json!("open"), &json!(null)));
        let path = format!("{list}/{}", made.id());
        let reported = room.patch(Member(Agency), &path, json!({"state": "in_progress", "progress": "Setengah."})).await.expect(200);
        assert_eq!((&reported.body["state"], &reported.body["progress"]), (&json!("in_progress"), &json!("Setengah.")));
        let own = json!({"text": {"id": "Lain"}, "due_on": "2027-01-01", "owner_stakeholder_id": room.mitra, "state": "done"});
        let refused = room.patch(Member(Agency), &path, own).await.expect(422);
        assert_eq!(refused.pointers(), ["/text", "/owner_stakeholder_id", "/due_on"]);
        let other = room.patch(Member(Partner), &path, json!({"state": "done"})).await.expect(403);
        assert_eq!(other.problem(), "not-own-organization");
        // An observer of the same organisation has no such right.
        assert_eq!(room.patch(Member(Observer), &path, json!({"state": "done"})).await.expect(403).problem(), "forbidden");
        let handed = room.patch(HOST, &path, json!({"owner_stakeholder_id": room.mitra, "due_on": null})).await.expect(200);
        assert_eq!((&handed.body["due_on"], &handed.body["state"]), (&json!(null), &json!("in_progress")));
        room.patch(Member(Agency), &path, json!({"state": "done"})).await.expect(403);
        room.patch(Member(Partner), &path, json!({"state": "done"})).await.expect(200);
        world.patch(HOST, &path).if_match(&made.etag()).patch(json!({"state": "open"})).expect(412).await;
        let told: Vec<_> = world.ledger().into_iter().filter(|(action, _)| action == "follow_up.report").map(|(_, revision)| revision).collect();
        assert_eq!(told, [2, 3, 4]);
        world.verify();
    }
}

story! {
    async fn follow_ups_are_given_by_those_who_run_the_event_to_participants(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/follow-ups", room.event);
        let stranger = world.seed.stakeholders["tetangga"].to_string();
        let body = |owner: &str| json!({"text": {"id": "Siapkan"}, "owner_stakeholder_id": owner});
        let with = |name: &str, value: Value| {
            let mut body = body(&room.dinas);
            body[name] = value;
            body
        };
        let bad = [
            (body(&stranger), "/owner_stakeholder_id"),
            (with("focus_area_id", json!(stranger)), "/focus_area_id"),
            (with("state", json!("late")), "/state"),
            (with("due_on", json!("besok")), "/due_on"),
            (with("text", json!({"en": "Prepare"})), "/text/id"),
        ];
        for (body, pointer) in bad {
            assert_eq!(world.post(HOST, &list).json(body).expect(422).await.pointers(), [pointer]);
        }
        world.post(Member(Agency), &list).json(body(&room.dinas)).expect(403).await;
        // Minutes that are approved do not stop it.
        room.steps(&["confirmed", "held", "minutes_draft", "minutes_approved", "closed"]).await;
        world.post(HOST, &list).json(body(&room.dinas)).expect(201).await;
        world.verify();
    }
}

story! {
    async fn follow_ups_are_listed_by_state_owner_and_day(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/follow-ups", room.event);
        for (owner, due, state) in [(&room.dinas, json!("2026-02-01"), "open"), (&room.mitra, json!("2026-03-01"), "open"), (&room.mitra, json!(null), "done")] {
            let body = json!({"text": {"id": "Siapkan"}, "owner_stakeholder_id": owner, "due_on": due, "state": state});
            world.post(HOST, &list).json(body).expect(201).await;
        }
        let count = async |query: &str| world.get(Member(Observer), &format!("{list}?{query}")).expect(200).await.items().len();
        assert_eq!(count("").await, 3);
        assert_eq!(count("state=open").await, 2);
        assert_eq!(count(&format!("owner_stakeholder_id={}", room.mitra)).await, 2);
        // What has no day is not late.
        assert_eq!(count("due_on.lt=2026-03-01").await, 1);
        assert_eq!(count("due_on.lt=2026-03-02").await, 2);
        let other = world.post(Member(Lead), "{p}/events").json(json!({"kind": "forum", "name": {"id": "Forum"}})).expect(201).await.id();
        assert!(world.get(HOST, &format!("{{p}}/events/{other}/follow-ups")).expect(200).await.items().is_empty());
        let id = world.get(HOST, &list).expect(200).await.items()[0]["id"].as_str().unwrap().to_owned();
        world.get(HOST, &format!("{{p}}/events/{other}/follow-ups/{id}")).expect(404).await;
        world.patch(HOST, &format!("{{p}}/events/{other}/follow-ups/{id}")).if_match("\"1.x\"").patch(json!({})).expect(404).await;
    }
}
