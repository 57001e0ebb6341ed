//! Follow-ups: who has to do what after an event, and how far it is.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    events::{join, leave},
    harness::*,
};

async fn event(world: &World) -> String {
    let body = json!({"kind": "forum", "name": {"id": "Forum"}});
    world.post(Member(Lead), "{p}/events").json(body).expect(201).await.id()
}

fn task(owner: &str) -> Value {
    json!({"text": {"id": "Siapkan data banjir", "en": "Prepare the flood data"}, "owner_stakeholder_id": owner, "due_on": "2026-02-01"})
}

story! {
    async fn its_owner_reports_how_far_it_is(world) {
        let (event, dinas, mitra) = (event(&world).await, join(&world, "dinas").await, join(&world, "mitra").await);
        let all = format!("{{p}}/events/{event}/follow-ups");
        for role in [Agency, Partner, Observer] {
            world.post(Member(role), &all).json(task(&dinas)).expect(403).await;
        }
        let given = world.post(Member(Facilitator), &all).json(task(&dinas)).expect(201).await;
        assert_eq!((&given.body["state"], &given.body["progress"]), (&json!("open"), &json!(null)));
        let path = format!("{all}/{}", given.id());
        assert_eq!(given.header("location").unwrap(), format!("/api/v1/programs/jakarta/events/{event}/follow-ups/{}", given.id()));

        // The agency is of the owner, the partner is not.
        let report = json!({"state": "in_progress", "progress": "Separuh jalan."});
        let foreign = world.patch(Member(Partner), &path).if_match(&given.etag()).patch(report.clone()).expect(403).await;
        assert_eq!(foreign.problem(), "not-own-organization");
        world.patch(Member(Observer), &path).if_match(&given.etag()).patch(report.clone()).expect(403).await;
        let refused = json!({"state": "done", "text": {"id": "Lain"}, "owner_stakeholder_id": mitra, "due_on": null});
        let refused = world.patch(Member(Agency), &path).if_match(&given.etag()).patch(refused).expect(422).await;
        let mut pointers = refused.pointers();
        pointers.sort();
        assert_eq!(pointers, ["/due_on", "/owner_stakeholder_id", "/text"]);
        let reported = world.patch(Member(Agency), &path).if_match(&given.etag()).patch(report.clone()).expect(200).await;
        assert_eq!((&reported.body["state"], &reported.body["progress"]), (&json!("in_progress"), &json!("Separuh jalan.")));
        world.patch(Member(Agency), &path).if_match(&given.etag()).patch(report).expect(412).await;

        // Those who run the event may give it to somebody else: then it is theirs to report.
        let moved = world.patch(Member(Facilitator), &path).if_match(&reported.etag()).patch(json!({"owner_stakeholder_id": mitra})).expect(200).await;
        world.patch(Member(Agency), &path).if_match(&moved.etag()).patch(json!({"state": "done"})).expect(403).await;
        let done = world.patch(Member(Partner), &path).if_match(&moved.etag()).patch(json!({"state": "done"})).expect(200).await;

        leave(&world, &mitra).await;
        world.patch(Member(Lead), &path).if_match(&done.etag()).patch(json!({"state": "dropped"})).expect(200).await;
        let history = world.get(Member(Observer), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().len(), 5);
        let reports = world.ledger().into_iter().filter(|(act, _)| act == "follow_up.report").count();
        assert_eq!(reports, 4);
        world.verify();
    }
}

story! {
    async fn each_wrong_member_of_a_follow_up_is_named(world) {
        let (event, dinas) = (event(&world).await, join(&world, "dinas").await);
        let all = format!("{{p}}/events/{event}/follow-ups");
        let before = world.ledger();
        let (outsider, unknown) = (world.seed.stakeholders["tetangga"].to_string(), uuid::Uuid::now_v7().to_string());
        for (name, value, pointer) in [
            ("owner_stakeholder_id", json!(outsider), "/owner_stakeholder_id"),
            ("owner_stakeholder_id", json!(unknown), "/owner_stakeholder_id"),
            ("focus_area_id", json!(unknown), "/focus_area_id"),
            ("text", json!({"en": "Only English"}), "/text/id"),
            ("due_on", json!("soon"), "/due_on"),
            ("state", json!("late"), "/state"),
            ("progress", json!("x".repeat(2001)), "/progress"),
            ("event_id", json!(event), "/event_id"),
        ] {
            let mut body = task(&dinas);
            body[name] = value;
            assert_eq!(world.post(Member(Lead), &all).json(body).expect(422).await.pointers(), [pointer]);
        }
        assert_eq!(world.ledger(), before);
    }
}

story! {
    async fn follow_ups_are_listed_by_owner_state_and_day(world) {
        let (event, dinas, mitra) = (event(&world).await, join(&world, "dinas").await, join(&world, "mitra").await);
        let all = format!("{{p}}/events/{event}/follow-ups");
        let mut ids = Vec::new();
        for (owner, due_on, state) in [(&dinas, Some("2026-02-01"), "open"), (&mitra, Some("2026-03-01"), "done"), (&dinas, None, "in_progress")] {
            let mut body = task(owner);
            (body["due_on"], body["state"]) = (json!(due_on), json!(state));
            ids.push(world.post(Member(Lead), &all).json(body).expect(201).await.id());
        }
        for (query, wanted) in [
            (String::new(), vec![0, 1, 2]), ("state=open,in_progress".into(), vec![0, 2]), (format!("owner_stakeholder_id={mitra}"), vec![1]),
            ("due_on.lt=2026-03-01".into(), vec![0]), ("sort=-updated_at".into(), vec![2, 1, 0]),
        ] {
            let listed = world.get(Member(Observer), &format!("{all}?{query}")).expect(200).await;
            let found: Vec<_> = listed.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
            let wanted: Vec<_> = wanted.into_iter().map(|number: usize| ids[number].clone()).collect();
            assert_eq!(found, wanted, "{query}");
        }
        // One is found in its own event alone.
        let other = world.post(Member(Lead), "{p}/events").json(json!({"kind": "forum", "name": {"id": "Lain"}})).expect(201).await.id();
        assert!(world.get(Member(Lead), &format!("{{p}}/events/{other}/follow-ups")).expect(200).await.items().is_empty());
        for more in ["", "/history"] {
            world.get(Member(Lead), &format!("{{p}}/events/{other}/follow-ups/{}{more}", ids[0])).expect(404).await;
            world.get(Neighbour(Lead), &format!("programs/porto/events/{event}/follow-ups/{}{more}", ids[0])).expect(404).await;
        }
        let path = format!("{{p}}/events/{other}/follow-ups/{}", ids[0]);
        world.patch(Member(Lead), &path).if_match("\"1\"").patch(json!({"state": "done"})).expect(404).await;
        world.verify();
    }
}
