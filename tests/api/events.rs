//! Events and their stages: what people met for, its life cycle, and who decides in each part of it.

use actix_web::http::Method;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

fn event() -> Value {
    json!({"kind": "working_session", "name": {"id": "Sesi kerja", "en": "Working session"}})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn plan(world: &World, more: Value) -> Reply {
    world.post(Member(Secretariat), "{p}/events").json(with(event(), more)).expect(201).await
}

async fn step(world: &World, id: &str, to: &str) -> Reply {
    let path = format!("{{p}}/events/{id}");
    let now = world.get(Member(Secretariat), &path).expect(200).await.etag();
    let body = json!({"to": to, "reason": "Demikian jalannya."});
    world.post(Member(Secretariat), &format!("{path}/transitions")).if_match(&now).json(body).send().await
}

/// Makes an organisation of the template take part in the programme, and gives its id.
pub async fn join(world: &World, name: &str) -> String {
    let id = world.seed.stakeholders[name].to_string();
    let body = json!({"stakeholder_id": id, "capacity": "member"});
    world.post(Member(Secretariat), "{p}/stakeholders").json(body).expect(201).await;
    id
}

/// Ends an organisation's part in the programme.
pub async fn leave(world: &World, id: &str) {
    let path = format!("{{p}}/stakeholders/{id}");
    let now = world.get(Member(Secretariat), &path).expect(200).await.etag();
    world.delete(Member(Secretariat), &path).if_match(&now).expect(204).await;
}

story! {
    async fn an_event_goes_from_planned_to_closed(world) {
        let planned = plan(&world, json!({"begins_at": "09:00", "ends_at": "12:00"})).await;
        let id = planned.id();
        assert_eq!((&planned.body["code"], &planned.body["state"], &planned.body["on"]), (&json!("E-1"), &json!("planned"), &json!(null)));
        assert_eq!(planned.header("location").unwrap(), format!("/api/v1/programs/jakarta/events/{id}"));
        assert_eq!(planned.body["allowed_actions"], json!(["event.read", "event.edit", "event.advance", "event.run"]));
        for wrong in ["held", "minutes_draft", "minutes_approved", "closed", "planned"] {
            assert_eq!(step(&world, &id, wrong).await.expect(409).problem(), "wrong-state", "{wrong}");
        }
        for to in ["confirmed", "held", "minutes_draft", "minutes_approved"] {
            assert_eq!(step(&world, &id, to).await.expect(200).body["state"], to);
        }
        let path = format!("{{p}}/events/{id}");
        let approved = world.get(Member(Secretariat), &path).expect(200).await;
        // 02:00 in London is 09:00 of the same day in Jakarta.
        assert_eq!(approved.body["on"], "2026-01-15");
        assert_eq!(approved.body["allowed_actions"], json!(["event.read", "event.advance"]));
        let late = world.patch(Member(Lead), &path).if_match(&approved.etag()).patch(json!({"participation": "involve"})).expect(409).await;
        assert_eq!(late.problem(), "wrong-state");
        // Drawn back to be mended, and approved again.
        step(&world, &id, "minutes_draft").await.expect(200);
        let drawn_back = world.get(Member(Lead), &path).expect(200).await;
        world.patch(Member(Lead), &path).if_match(&drawn_back.etag()).patch(json!({"participation": "involve"})).expect(200).await;
        for to in ["minutes_approved", "closed"] {
            step(&world, &id, to).await.expect(200);
        }
        for to in ["minutes_draft", "planned", "cancelled"] {
            step(&world, &id, to).await.expect(409);
        }
        let acts: Vec<_> = world.ledger().into_iter().map(|(act, _)| act).collect();
        assert_eq!(acts.iter().filter(|act| *act == "event.advance").count(), 7);
        let history = world.get(Member(Observer), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().len(), 9);
        assert_eq!(history.items()[1]["reason"], "Demikian jalannya.");
        world.verify();
    }
}

story! {
    async fn an_event_can_be_put_off_and_called_off(world) {
        let id = plan(&world, json!({})).await.id();
        for to in ["postponed", "planned", "confirmed", "postponed"] {
            step(&world, &id, to).await.expect(200);
        }
        let attendance = format!("{{p}}/events/{id}/attendance");
        let dinas = join(&world, "dinas").await;
        let body = json!({"items": [{"stakeholder_id": dinas, "status": "attended", "capacity": "member"}]});
        let off = world.ask(Member(Lead), Method::PUT, &attendance).json(body.clone()).expect(409).await;
        assert_eq!(off.problem(), "wrong-state");
        let (stages, stage) = (format!("{{p}}/events/{id}/stages"), json!({"number": 1, "name": {"id": "Pembukaan"}}));
        world.post(Member(Lead), &stages).json(stage.clone()).expect(409).await;
        for to in ["planned", "cancelled"] {
            step(&world, &id, to).await.expect(200);
        }
        for to in ["planned", "confirmed", "held", "postponed"] {
            step(&world, &id, to).await.expect(409);
        }
        world.ask(Member(Lead), Method::PUT, &attendance).json(body).expect(409).await;
        let off = world.post(Member(Lead), &stages).json(stage).expect(409).await;
        assert_eq!(off.problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn only_lead_and_secretariat_plan_and_advance_events(world) {
        let id = plan(&world, json!({})).await.id();
        let path = format!("{{p}}/events/{id}");
        let before = world.ledger();
        for role in [Facilitator, Agency, Partner, Observer] {
            let seen = world.get(Member(role), &path).expect(200).await;
            world.post(Member(role), "{p}/events").json(event()).expect(403).await;
            world.patch(Member(role), &path).if_match(&seen.etag()).patch(json!({"kind": "forum"})).expect(403).await;
            let step = json!({"to": "confirmed", "reason": "Siap."});
            world.post(Member(role), &format!("{path}/transitions")).if_match(&seen.etag()).json(step).expect(403).await;
        }
        assert_eq!(world.ledger(), before);
        let step = json!({"to": "confirmed", "reason": "Siap."});
        world.post(Member(Lead), &format!("{path}/transitions")).json(step.clone()).expect(428).await;
        world.patch(Member(Lead), &path).if_match("\"1\"").patch(json!({"kind": "forum"})).expect(200).await;
        let stale = world.post(Member(Lead), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(412).await;
        assert_eq!(stale.body["current_revision"], 2);
        let unreasoned = world.post(Member(Lead), &format!("{path}/transitions")).if_match("\"2\"").json(json!({"to": "confirmed"})).expect(422).await;
        assert_eq!(unreasoned.pointers(), ["/reason"]);
        world.verify();
    }
}

story! {
    async fn each_wrong_member_of_an_event_is_named(world) {
        let unknown = uuid::Uuid::now_v7().to_string();
        for (more, pointer) in [
            (json!({"kind": "party"}), "/kind"),
            (json!({"name": {"en": "Only English"}}), "/name/id"),
            (json!({"on": "2026-02-30"}), "/on"),
            (json!({"begins_at": "9:00"}), "/begins_at"),
            (json!({"begins_at": "24:00"}), "/begins_at"),
            (json!({"begins_at": "13:00", "ends_at": "09:00"}), "/ends_at"),
            (json!({"venue": {"building": "Blok G"}}), "/venue/name"),
            (json!({"phase_id": unknown}), "/phase_id"),
            (json!({"chair_stakeholder_id": unknown}), "/chair_stakeholder_id"),
            (json!({"material_ids": [unknown]}), "/material_ids/0"),
            (json!({"objectives": [{"en": "Only English"}]}), "/objectives/0/id"),
            (json!({"participation": "shout"}), "/participation"),
            (json!({"code": "E-7"}), "/code"),
            (json!({"state": "closed"}), "/state"),
        ] {
            let refused = world.post(Member(Lead), "{p}/events").json(with(event(), more)).expect(422).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid", vec![pointer]));
        }
        // What another programme has is not here.
        let phase = json!({"number": 1, "name": {"id": "Fase"}});
        let theirs = world.post(Neighbour(Lead), "programs/porto/phases").json(phase).expect(201).await.id();
        let refused = world.post(Member(Lead), "{p}/events").json(with(event(), json!({"phase_id": theirs}))).expect(422).await;
        assert_eq!(refused.pointers(), ["/phase_id"]);
        assert!(world.ledger().is_empty());
    }
}

story! {
    async fn events_are_found_by_code_and_listed_by_day(world) {
        let phase = world.post(Member(Lead), "{p}/phases").json(json!({"number": 1, "name": {"id": "Fase"}})).expect(201).await.id();
        for (kind, on) in [("forum", Some("2026-03-01")), ("meeting", None), ("forum", Some("2026-01-20")), ("workshop", Some("2026-03-01")), ("meeting", None)] {
            plan(&world, json!({"kind": kind, "on": on, "phase_id": phase})).await;
        }
        step(&world, "E-3", "confirmed").await.expect(200);
        let third = world.get(Member(Observer), "{p}/events/E-3").expect(200).await;
        assert_eq!((&third.body["code"], &third.body["state"]), (&json!("E-3"), &json!("confirmed")));
        for nothing in ["E-9", "E-03", "Q-3", "E-99999999999999"] {
            world.get(Member(Observer), &format!("{{p}}/events/{nothing}")).expect(404).await;
        }
        let codes = async |query: &str| {
            // One on a page, so that every cursor is followed.
            let (mut all, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = world.get(Member(Observer), &format!("{{p}}/events?limit=1&{query}{cursor}")).expect(200).await;
                all.extend(page.items().iter().map(|item| item["code"].as_str().unwrap().to_owned()));
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return all.join(" "),
                }
            }
        };
        // Those without a day come last, whichever way round.
        for (query, found) in [
            ("sort=on", "E-3 E-1 E-4 E-2 E-5"), ("sort=-on", "E-4 E-1 E-3 E-5 E-2"), ("sort=-code", "E-5 E-4 E-3 E-2 E-1"),
            ("sort=-updated_at", "E-3 E-5 E-4 E-2 E-1"), ("kind=forum", "E-1 E-3"), ("kind=forum,workshop&on.gte=2026-02-01", "E-1 E-4"),
            ("on.lt=2026-03-01", "E-3"), ("state=confirmed", "E-3"), ("sort=on&state=planned", "E-1 E-4 E-2 E-5"),
        ] {
            assert_eq!(codes(query).await, found, "{query}");
        }
        assert_eq!(codes(&format!("phase_id={phase}")).await, "E-1 E-2 E-3 E-4 E-5");
        assert_eq!(codes(&format!("phase_id={}", uuid::Uuid::now_v7())).await, "");
        let refused = world.get(Member(Lead), "{p}/events?kind=party").expect(400).await;
        assert_eq!(refused.pointers(), ["?kind"]);
        world.verify();
    }
}

story! {
    async fn a_stage_has_its_place_and_its_electorate(world) {
        let event = plan(&world, json!({})).await.id();
        let stages = format!("{{p}}/events/{event}/stages");
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        let area = world.focus_area().await;
        let stage = |number: i32, electorate: &[&str]| json!({"number": number, "name": {"id": "Pembahasan"}, "electorate": electorate,
            "groups": [{"name": {"id": "Meja 1"}, "stakeholder_ids": [dinas], "focus_area_ids": [area]}]});
        let second = world.post(Member(Secretariat), &stages).json(stage(2, &[&dinas, &mitra])).expect(201).await;
        let path = format!("{stages}/{}", second.id());
        assert_eq!(second.header("location").unwrap(), format!("/api/v1/programs/jakarta/events/{event}/stages/{}", second.id()));
        let taken = world.post(Member(Lead), &stages).json(stage(2, &[])).expect(409).await;
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/number"]));
        world.post(Member(Lead), "{p}/events/E-1/stages").json(stage(1, &[&mitra])).expect(201).await;
        let listed = world.get(Member(Observer), &stages).expect(200).await;
        let numbers: Vec<_> = listed.items().iter().map(|item| item["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, [1, 2]);

        let outsider = world.seed.stakeholders["tetangga"].to_string();
        for (number, electorate, pointer) in [
            (3, vec![&dinas, &outsider], "/electorate/1"), (3, vec![&dinas, &dinas], "/electorate/1"), (0, vec![], "/number"), (100, vec![], "/number"),
        ] {
            let electorate: Vec<&str> = electorate.into_iter().map(String::as_str).collect();
            let refused = world.post(Member(Lead), &stages).json(stage(number, &electorate)).expect(422).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        let strangers = json!({"groups": [{"name": {"id": "Meja"}, "stakeholder_ids": [outsider]}]});
        let refused = world.patch(Member(Lead), &path).if_match(&second.etag()).patch(strangers).expect(422).await;
        assert_eq!(refused.pointers(), ["/groups/0/stakeholder_ids/0"]);
        let unknown = json!({"groups": [{"name": {"id": "Meja"}, "focus_area_ids": [uuid::Uuid::now_v7()]}]});
        let refused = world.patch(Member(Lead), &path).if_match(&second.etag()).patch(unknown).expect(422).await;
        assert_eq!(refused.pointers(), ["/groups/0/focus_area_ids/0"]);
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), &stages).json(stage(4, &[])).expect(403).await;
        }

        // One that has left since does not stand in the way of a rename; it cannot be named anew.
        leave(&world, &dinas).await;
        let renamed = world.patch(Member(Lead), &path).if_match(&second.etag()).patch(json!({"name": {"id": "Pleno"}})).expect(200).await;
        assert_eq!(renamed.body["electorate"], json!([dinas, mitra]));
        let refused = world.post(Member(Lead), &stages).json(json!({"number": 5, "name": {"id": "Lagi"}, "electorate": [dinas]})).expect(422).await;
        assert_eq!(refused.pointers(), ["/electorate/0"]);

        // A stage is found in its own event alone.
        let other = plan(&world, json!({})).await.id();
        world.get(Member(Lead), &format!("{{p}}/events/{other}/stages/{}", second.id())).expect(404).await;
        world.get(Member(Lead), &format!("{{p}}/events/{other}/stages/{}/history", second.id())).expect(404).await;
        world.patch(Member(Lead), &format!("{{p}}/events/{other}/stages/{}", second.id())).if_match(&renamed.etag()).patch(json!({"number": 9})).expect(404).await;
        assert_eq!(world.get(Member(Lead), &format!("{path}/history")).expect(200).await.items().len(), 2);

        for to in ["confirmed", "held", "minutes_draft", "minutes_approved"] {
            step(&world, &event, to).await.expect(200);
        }
        let late = world.patch(Member(Lead), &path).if_match(&renamed.etag()).patch(json!({"number": 9})).expect(409).await;
        assert_eq!(late.problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn the_electorate_stands_while_a_ballot_is_open(world) {
        let event = plan(&world, json!({})).await.id();
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        let stages = format!("{{p}}/events/{event}/stages");
        let made = world.post(Member(Lead), &stages).json(json!({"number": 1, "name": {"id": "Suara"}, "electorate": [dinas, mitra]})).expect(201).await;
        let path = format!("{stages}/{}", made.id());
        let ballot = json!({"title": {"id": "Setuju?"}, "method": "consensus", "rule": {"threshold_percent": 60}, "quorum": 1, "unit": "organization"});
        let ballot = world.post(Member(Facilitator), &format!("{path}/ballots")).json(ballot).expect(201).await;
        let act = async |act: &str, etag: &str| {
            let path = format!("{{p}}/ballots/{}/{act}", ballot.id());
            world.post(Member(Facilitator), &path).if_match(etag).json(json!({"reason": "Sudah waktunya."})).expect(200).await.etag()
        };
        let opened = act("opening", &ballot.etag()).await;
        let refused = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"electorate": [dinas]})).expect(409).await;
        assert_eq!((refused.problem(), refused.pointers()), ("conflict", vec!["/electorate"]));
        // Another order of the same is no change of it, and the rest is free.
        let same = json!({"electorate": [mitra, dinas], "name": {"id": "Pemungutan suara"}});
        let renamed = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(same).expect(200).await;
        act("closing", &opened).await;
        world.patch(Member(Lead), &path).if_match(&renamed.etag()).patch(json!({"electorate": [dinas]})).expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_an_event(world) {
        let id = plan(&world, json!({})).await.id();
        let stages = format!("events/{id}/stages");
        let stage = world.post(Member(Lead), &format!("{{p}}/{stages}")).json(json!({"number": 1, "name": {"id": "Pleno"}})).expect(201).await.id();
        neighbour::sees_nothing_of(&world, "events", &id).await;
        let before = world.ledger();
        for program in ["jakarta", "porto"] {
            let path = format!("programs/{program}/events/{id}");
            let step = json!({"to": "cancelled", "reason": "Milik kami."});
            world.post(Neighbour(Lead), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(404).await;
            for of in ["stages", "attendance", "follow-ups"] {
                world.get(Neighbour(Lead), &format!("{path}/{of}")).expect(404).await;
            }
            world.get(Neighbour(Lead), &format!("{path}/stages/{stage}")).expect(404).await;
            world.post(Neighbour(Lead), &format!("{path}/stages")).json(json!({"number": 2, "name": {"id": "Pleno"}})).expect(404).await;
            world.patch(Neighbour(Lead), &format!("{path}/stages/{stage}")).if_match("\"1\"").patch(json!({"number": 3})).expect(404).await;
        }
        assert_eq!(world.ledger(), before);
        // Codes are each programme's own.
        let theirs = world.post(Neighbour(Lead), "programs/porto/events").json(event()).expect(201).await;
        assert_eq!(theirs.body["code"], "E-1");
        world.verify();
    }
}
