//! Events, their life cycle and their stages.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    neighbour,
    room::{HOST, Room, leave},
};

fn meeting() -> Value {
    json!({"kind": "meeting", "name": {"id": "Rapat", "en": "Meeting"}})
}

async fn step(world: &World, path: &str, to: &str) -> Reply {
    let etag = world.get(Member(Lead), path).expect(200).await.etag();
    let body = json!({"to": to, "reason": "Demikian."});
    world.post(Member(Lead), &format!("{path}/transitions")).if_match(&etag).json(body).send().await
}

story! {
    async fn an_event_goes_through_its_states_and_no_others(world) {
        let made = world.post(Member(Secretariat), "{p}/events").json(meeting()).expect(201).await;
        assert_eq!((&made.body["code"], &made.body["state"], &made.body["on"]), (&json!("E-1"), &json!("planned"), &json!(null)));
        let path = format!("{{p}}/events/{}", made.id());
        for wrong in ["planned", "held", "minutes_draft", "minutes_approved", "closed"] {
            assert_eq!(step(&world, &path, wrong).await.expect(409).problem(), "wrong-state", "{wrong}");
        }
        for to in ["postponed", "planned", "confirmed", "postponed", "planned", "confirmed"] {
            step(&world, &path, to).await.expect(200);
        }
        for wrong in ["planned", "minutes_draft"] {
            step(&world, &path, wrong).await.expect(409);
        }
        let held = step(&world, &path, "held").await.expect(200);
        // Nobody said on which day: it was today, in Jakarta.
        assert_eq!(held.body["on"], "2026-01-15");
        for wrong in ["postponed", "cancelled", "minutes_approved"] {
            step(&world, &path, wrong).await.expect(409);
        }
        for to in ["minutes_draft", "minutes_approved", "minutes_draft", "minutes_approved"] {
            step(&world, &path, to).await.expect(200);
        }
        let etag = world.get(Member(Lead), &path).expect(200).await.etag();
        let refused = world.patch(Member(Lead), &path).if_match(&etag).patch(json!({"on": "2026-01-14"})).expect(409).await;
        assert_eq!(refused.problem(), "wrong-state");
        let closed = step(&world, &path, "closed").await.expect(200);
        let actions: Vec<_> = closed.body["allowed_actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(actions, ["event.read"]);
        for wrong in ["minutes_draft", "planned", "cancelled"] {
            step(&world, &path, wrong).await.expect(409);
        }
        let told = world.ledger();
        assert_eq!((told.first().unwrap(), told.last().unwrap()), (&("event.plan".to_owned(), 1), &("event.advance".to_owned(), 13)));
        world.verify();
    }
}

story! {
    async fn a_step_needs_a_reason_the_newest_revision_and_the_right(world) {
        let made = world.post(Member(Lead), "{p}/events").json(meeting()).expect(201).await;
        let path = format!("{{p}}/events/{}/transitions", made.id());
        let ask = |who: Who, body: Value| world.post(who, &path).if_match(&made.etag()).json(body);
        assert_eq!(ask(Member(Lead), json!({"to": "confirmed"})).expect(422).await.pointers(), ["/reason"]);
        ask(Member(Lead), json!({"to": "confirmed", "reason": ""})).expect(422).await;
        ask(Member(Lead), json!({"to": "forgotten", "reason": "Ya."})).expect(422).await;
        ask(Member(Facilitator), json!({"to": "confirmed", "reason": "Ya."})).expect(403).await;
        world.post(Member(Lead), &path).json(json!({"to": "confirmed", "reason": "Ya."})).expect(428).await;
        ask(Member(Lead), json!({"to": "confirmed", "reason": "Ya."})).expect(200).await;
        ask(Member(Lead), json!({"to": "held", "reason": "Ya."})).expect(412).await;
        assert_eq!(world.ledger().len(), 2);
        world.verify();
    }
}

story! {
    async fn what_an_event_names_must_be_there(world) {
        let unknown = uuid::Uuid::now_v7().to_string();
        let with = |name: &str, value: Value| {
            let mut body = meeting();
            body[name] = value;
            body
        };
        let bad = [
            (with("phase_id", json!(unknown)), "/phase_id"),
            (with("chair_stakeholder_id", json!(unknown)), "/chair_stakeholder_id"),
            (with("material_ids", json!([unknown])), "/material_ids/0"),
            (with("on", json!("2026-02-30")), "/on"),
            (with("begins_at", json!("24:00")), "/begins_at"),
            (with("ends_at", json!("9.00")), "/ends_at"),
            (with("kind", json!("party")), "/kind"),
            (with("participation", json!("ignore")), "/participation"),
            (with("venue", json!({"name": ""})), "/venue/name"),
            (with("name", json!({"en": "Meeting"})), "/name/id"),
            (with("objectives", json!([{"en": "Only English"}])), "/objectives/0/id"),
        ];
        for (body, pointer) in bad {
            let refused = world.post(Member(Lead), "{p}/events").json(body).expect(422).await;
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        let mut backwards = with("begins_at", json!("12:00"));
        backwards["ends_at"] = json!("09:00");
        assert_eq!(world.post(Member(Lead), "{p}/events").json(backwards).expect(422).await.pointers(), ["/ends_at"]);
        assert!(world.ledger().is_empty());
        world.verify();
    }
}

story! {
    async fn events_are_found_by_code_and_listed_by_kind_state_and_day(world) {
        for (kind, on) in [("forum", "2026-01-10"), ("meeting", "2026-02-10"), ("forum", "2026-03-10")] {
            let body = json!({"kind": kind, "name": {"id": kind}, "on": on});
            world.post(Member(Lead), "{p}/events").json(body).expect(201).await;
        }
        step(&world, "{p}/events/E-2", "confirmed").await.expect(200);
        let codes = async |query: &str| -> Vec<String> {
            let listed = world.get(Member(Observer), &format!("{{p}}/events?{query}")).expect(200).await;
            listed.items().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(codes("").await, ["E-1", "E-2", "E-3"]);
        assert_eq!(codes("sort=-code").await, ["E-3", "E-2", "E-1"]);
        assert_eq!(codes("kind=forum").await, ["E-1", "E-3"]);
        assert_eq!(codes("state=confirmed").await, ["E-2"]);
        assert_eq!(codes("on.gte=2026-02-10&on.lt=2026-03-10").await, ["E-2"]);
        assert_eq!(codes("sort=-updated_at&limit=1").await, ["E-2"]);
        // Those without a day come last, whichever way round.
        world.post(Member(Lead), "{p}/events").json(json!({"kind": "forum", "name": {"id": "Tanpa hari"}})).expect(201).await;
        assert_eq!(codes("sort=on").await, ["E-1", "E-2", "E-3", "E-4"]);
        assert_eq!(codes("sort=-on").await, ["E-3", "E-2", "E-1", "E-4"]);
        assert_eq!(world.get(Member(Observer), "{p}/events/E-2").expect(200).await.body["kind"], "meeting");
        for nothing in ["E-5", "E-02", "E-99999999999999", "F-1", "%00", "E-1%00"] {
            world.get(Member(Observer), &format!("{{p}}/events/{nothing}")).expect(404).await;
        }
        world.get(Member(Observer), "{p}/events?kind=party").expect(400).await;
    }
}

story! {
    async fn stages_have_numbers_of_their_own_and_an_electorate_of_participants(world) {
        let room = Room::new(&world).await;
        let stages = format!("{}/stages", room.event);
        let add = async |body: Value| world.post(Member(Lead), &stages).json(body).send().await;
        let taken = add(json!({"number": 1, "name": {"id": "Lagi"}})).await.expect(409);
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/number"]));
        let stranger = world.seed.stakeholders["tetangga"].to_string();
        let outside = add(json!({"number": 2, "name": {"id": "Dua"}, "electorate": [room.dinas, stranger]})).await.expect(422);
        assert_eq!(outside.pointers(), ["/electorate/1"]);
        let twice = add(json!({"number": 2, "name": {"id": "Dua"}, "electorate": [room.dinas, room.mitra, room.dinas]})).await.expect(422);
        assert_eq!(twice.pointers(), ["/electorate/2"]);
        let groups = json!([{"name": {"id": "Meja 1"}, "stakeholder_ids": [room.dinas, stranger]}]);
        assert_eq!(add(json!({"number": 2, "name": {"id": "Dua"}, "groups": groups})).await.expect(422).pointers(), ["/groups/0/stakeholder_ids/1"]);
        let groups = json!([{"name": {"id": "Meja 1"}, "focus_area_ids": [stranger]}]);
        assert_eq!(add(json!({"number": 2, "name": {"id": "Dua"}, "groups": groups})).await.expect(422).pointers(), ["/groups/0/focus_area_ids/0"]);
        assert_eq!(add(json!({"number": 0, "name": {"id": "Nol"}})).await.expect(422).pointers(), ["/number"]);
        add(json!({"number": 2, "name": {"id": "Dua"}})).await.expect(201);
        let taken = room.patch(Member(Lead), &room.stage, json!({"number": 2})).await.expect(409);
        assert_eq!(taken.pointers(), ["/number"]);

        // Another event has its own numbers, and does not show this one's stages.
        let other = world.post(Member(Lead), "{p}/events").json(meeting()).expect(201).await.id();
        world.post(Member(Lead), &format!("{{p}}/events/{other}/stages")).json(json!({"number": 1, "name": {"id": "Satu"}})).expect(201).await;
        let id = room.stage.rsplit('/').next().unwrap();
        world.get(HOST, &format!("{{p}}/events/{other}/stages/{id}")).expect(404).await;
        let listed = world.get(HOST, &stages).expect(200).await;
        assert_eq!(listed.items().iter().map(|stage| &stage["number"]).collect::<Vec<_>>(), [1, 2]);

        // An organisation that has left since does not stand in the way of a rename; it cannot be named anew.
        room.patch(Member(Lead), &room.stage, json!({"number": 3, "electorate": [room.dinas]})).await.expect(200);
        leave(&world, &room.dinas).await;
        let renamed = room.patch(Member(Lead), &room.stage, json!({"name": {"id": "Pleno"}})).await.expect(200);
        assert_eq!(renamed.body["electorate"], json!([room.dinas]));
        let anew = json!({"number": 4, "name": {"id": "Lagi"}, "electorate": [room.dinas]});
        assert_eq!(add(anew).await.expect(422).pointers(), ["/electorate/0"]);
        world.verify();
    }
}

story! {
    async fn an_electorate_stands_while_a_ballot_is_open(world) {
        let room = Room::new(&world).await;
        let ballot = room.open(json!({})).await;
        let smaller = json!({"electorate": [room.dinas]});
        let refused = room.patch(Member(Lead), &room.stage, smaller.clone()).await.expect(409);
        assert_eq!((refused.problem(), refused.pointers()), ("conflict", vec!["/electorate"]));
        // The same electorate in another order is no change, and the name is free.
        let same = json!({"electorate": [room.mitra, room.dinas], "name": {"id": "Nama lain"}});
        room.patch(Member(Lead), &room.stage, same).await.expect(200);
        room.act(HOST, &ballot, "closing").await.expect(200);
        room.patch(Member(Lead), &room.stage, smaller).await.expect(200);
        // What the ballot counted stays.
        let counted = world.get(HOST, &ballot).expect(200).await;
        assert_eq!(counted.body["electorate"], json!([room.dinas, room.mitra]));
        world.verify();
    }
}

story! {
    async fn nothing_is_decided_in_an_event_that_does_not_run(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let closed = room.closed_on(&question).await;
        let open = room.open(json!({})).await;
        room.vote(Member(Agency), &open, &room.dinas, json!({"value": "agree"})).await.expect(200);
        let draft = room.prepared(json!({})).await;
        let present = json!([{"stakeholder_id": room.dinas, "status": "attended", "capacity": "member"}]);
        room.attend(present.clone()).await.expect(200);
        for states in [&["postponed"][..], &["planned", "confirmed", "held", "minutes_draft", "minutes_approved"], &["closed"]] {
            room.steps(states).await;
            let before = world.ledger().len();
            let refused = [
                room.attend(present.clone()).await,
                room.patch(HOST, &format!("{}/attendance/{}", room.event, room.dinas), json!({"head_count": 1})).await,
                world.post(Member(Lead), &format!("{}/stages", room.event)).json(json!({"number": 2, "name": {"id": "Dua"}})).send().await,
                room.patch(Member(Lead), &room.stage, json!({"number": 3})).await,
                world.post(HOST, &format!("{}/ballots", room.stage)).json(crate::room::consensus(json!({}))).send().await,
                room.patch(HOST, &draft, json!({"quorum": 2})).await,
                room.act(HOST, &draft, "opening").await,
                room.act(HOST, &open, "closing").await,
                room.act(HOST, &open, "voiding").await,
                room.vote(Member(Agency), &open, &room.dinas, json!({"value": "object"})).await,
                world.post(Member(Agency), &format!("{open}/votes/{}/rescission", room.dinas)).json(json!({"reason": "Salah."})).send().await,
                room.decide(&closed, json!({"on_revision": 3, "kind": "keep", "reason": "Sesuai."})).await,
                room.outcomes(json!({"decisions": [{"question_id": question, "on_revision": 3, "kind": "keep", "reason": "Sesuai."}]})).await,
            ];
            for (number, refused) in refused.into_iter().enumerate() {
                assert_eq!(refused.expect(409).problem(), "wrong-state", "{number} {states:?}");
            }
            assert_eq!(world.ledger().len(), before);
        }
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_an_event(world) {
        let room = Room::new(&world).await;
        let (id, before) = (room.event.rsplit('/').next().unwrap(), world.ledger());
        neighbour::sees_nothing_of(&world, "events", id).await;
        for below in ["stages", "attendance", "follow-ups"] {
            for program in ["{p}", "programs/porto"] {
                world.get(Neighbour(Lead), &format!("{program}/events/{id}/{below}")).expect(404).await;
            }
        }
        let stage = room.stage.replace("{p}", "programs/porto");
        world.get(Neighbour(Lead), &stage).expect(404).await;
        world.post(Neighbour(Lead), &format!("{stage}/ballots")).json(crate::room::consensus(json!({}))).expect(404).await;
        world.post(Neighbour(Lead), &format!("{stage}/outcomes")).json(json!({})).expect(404).await;
        // Codes are each programme's own.
        let theirs = world.post(Neighbour(Lead), "programs/porto/events").json(meeting()).expect(201).await;
        assert_eq!(theirs.body["code"], "E-1");
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}
