//! Consultations: calls for input, open from day to day.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting, harness::*, neighbour};

fn call() -> Value {
    json!({"topic": {"id": "Jalur evakuasi", "en": "Evacuation routes"}, "text": {"id": "Jalur mana yang terputus?"},
        "participation": "consult", "kinds": ["comment", "evidence"], "opens_on": "2026-01-10"})
}

fn with(member: &str, value: Value) -> Value {
    let mut body = call();
    body[member] = value;
    body
}

story! {
    async fn a_call_for_input_is_made_edited_and_read_by_all_roles(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let event = drafting::event(&world, None).await.id();
        let mut body = call();
        body["subjects"] = json!([{"kind": "focus_area", "id": area}, {"kind": "question", "id": question.id},
            {"kind": "event", "id": event}]);
        body["event_id"] = json!(event);
        let made = world.post(Member(Secretariat), "{p}/consultations").json(body).expect(201).await;
        assert_eq!((&made.body["code"], &made.body["state"]), (&json!("C-1"), &json!("active")));
        assert_eq!(made.body["closes_on"], Value::Null);
        assert!(made.body["allowed_actions"].as_array().unwrap().contains(&json!("consultation.edit")), "{}", made.text);
        let path = format!("{{p}}/consultations/{}", made.id());
        let edited = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"closes_on": "2026-02-10"})).expect(200).await;
        assert_eq!((&edited.body["closes_on"], &edited.body["revision"]), (&json!("2026-02-10"), &json!(2)));
        let stale = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"closes_on": null})).expect(412).await;
        assert_eq!(stale.problem(), "stale");
        for role in [Lead, Secretariat, Facilitator, Agency, Partner, Observer] {
            let read = world.get(Member(role), &path).expect(200).await;
            assert_eq!(read.body["subjects"].as_array().unwrap().len(), 3, "{role:?}");
            let may = read.body["allowed_actions"].as_array().unwrap().contains(&json!("consultation.edit"));
            assert_eq!(may, matches!(role, Lead | Secretariat), "{role:?}");
        }
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), "{p}/consultations").json(call()).expect(403).await;
            world.patch(Member(role), &path).if_match(&edited.etag()).patch(json!({"closes_on": null})).expect(403).await;
        }
        let history = world.get(Member(Observer), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().len(), 2);
        let second = world.post(Member(Lead), "{p}/consultations").json(call()).expect(201).await;
        assert_eq!(second.body["code"], "C-2");
        let told: Vec<_> = world.ledger().into_iter().rev().take(3).collect();
        assert_eq!(told, [("consultation.create".into(), 1), ("consultation.edit".into(), 2), ("consultation.create".into(), 1)]);
        world.verify();
    }
}

story! {
    async fn what_is_open_on_a_day_is_found(world) {
        let make = async |opens: &str, closes: Value, level: &str| {
            let mut body = with("opens_on", json!(opens));
            body["closes_on"] = closes;
            body["participation"] = json!(level);
            world.post(Member(Lead), "{p}/consultations").json(body).expect(201).await.id()
        };
        let late = make("2026-02-01", json!("2026-02-28"), "involve").await;
        let early = make("2026-01-01", json!("2026-01-31"), "inform").await;
        let lasting = make("2026-01-10", Value::Null, "consult").await;
        let found = async |query: &str| {
            let reply = world.get(Member(Partner), &format!("{{p}}/consultations?{query}")).expect(200).await;
            reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("").await, [early.as_str(), &lasting, &late]);
        assert_eq!(found("sort=-opens_on").await, [late.as_str(), &lasting, &early]);
        assert_eq!(found("sort=updated_at").await, [late.as_str(), &early, &lasting]);
        assert_eq!(found("open_on=2026-01-31").await, [early.as_str(), &lasting]);
        assert_eq!(found("open_on=2026-02-01").await, [lasting.as_str(), &late]);
        assert_eq!(found("open_on=2025-12-31").await, Vec::<String>::new());
        assert_eq!(found("participation=inform,involve").await, [early.as_str(), &late]);
        for limit in 1..=2 {
            let mut walked = Vec::new();
            let mut next = format!("limit={limit}");
            loop {
                let page = world.get(Member(Lead), &format!("{{p}}/consultations?{next}")).expect(200).await;
                walked.extend(page.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
                let Some(cursor) = page.body["next_cursor"].as_str() else { break };
                next = format!("limit={limit}&cursor={cursor}");
            }
            assert_eq!(walked, [early.as_str(), &lasting, &late], "by {limit}");
        }
        world.get(Member(Lead), "{p}/consultations?open_on=soon").expect(400).await;
        world.verify();
    }
}

story! {
    async fn a_call_that_names_what_is_not_there_or_ends_before_it_begins_is_refused(world) {
        let theirs = world.post(Neighbour(Lead), "programs/porto/events").json(json!({"kind": "forum", "name": {"id": "Forum"}})).expect(201).await.id();
        let gone = uuid::Uuid::now_v7().to_string();
        let wrong = [
            (with("closes_on", json!("2026-01-09")), vec!["/closes_on"]),
            (with("opens_on", json!("2026-02-30")), vec!["/opens_on"]),
            (with("kinds", json!([])), vec!["/kinds"]),
            (with("kinds", json!(["praise"])), vec!["/kinds/0"]),
            (with("participation", json!("listen")), vec!["/participation"]),
            (with("topic", json!({"en": "Only English"})), vec!["/topic/id"]),
            (with("text", json!({"en": "Only English"})), vec!["/text/id"]),
            (with("event_id", json!(theirs)), vec!["/event_id"]),
            (with("subjects", json!([{"kind": "event", "id": theirs}])), vec!["/subjects/0/id"]),
            (with("subjects", json!([{"kind": "phase", "id": gone}, {"kind": "phase", "id": theirs}])), vec!["/subjects/0/id", "/subjects/1/id"]),
            (with("subjects", json!([{"kind": "statement", "id": gone}])), vec!["/subjects/0/id"]),
            (with("sources", json!([{"document_id": gone, "standing": "reported"}])), vec!["/sources/0/document_id"]),
        ];
        for (body, pointers) in wrong {
            let refused = world.post(Member(Lead), "{p}/consultations").json(body.clone()).expect(422).await;
            assert_eq!(refused.pointers(), pointers, "{body}");
        }
        let made = world.post(Member(Lead), "{p}/consultations").json(call()).expect(201).await;
        let path = format!("{{p}}/consultations/{}", made.id());
        let refused = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"closes_on": "2026-01-01"})).expect(422).await;
        assert_eq!(refused.pointers(), ["/closes_on"]);
        assert_eq!(world.ledger().len(), 1);
        neighbour::sees_nothing_of(&world, "consultations", &made.id()).await;
        world.verify();
    }
}
