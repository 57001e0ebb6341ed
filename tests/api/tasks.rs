//! What waits for a caller.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    drafting::{self, Ref},
    harness::*,
    room::{HOST, Room},
};

async fn tasks(world: &World, who: Who) -> Reply {
    world.get(who, "me/tasks").expect(200).await
}

async fn kinds(world: &World, who: Who) -> Vec<String> {
    let reply = tasks(world, who).await;
    reply.items().iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

story! {
    async fn a_ballot_waits_for_those_who_vote_and_then_for_those_who_decide(world) {
        let room = Room::new(&world).await;
        room.prepared(json!({"title": {"id": "Nanti"}})).await;
        let question = room.proposed().await;
        world.clock.advance(chrono::TimeDelta::minutes(5));
        let ballot = room.open(json!({"question_id": question})).await;
        let told = tasks(&world, Member(Agency)).await;
        let [task] = told.items() else { panic!("{}", told.text) };
        assert_eq!((&task["kind"], &task["program"], &task["due_on"]), (&json!("vote"), &json!("jakarta"), &json!(null)));
        assert_eq!((&task["title"]["id"], &task["since"]), (&json!("Setuju?"), &json!("2026-01-15T02:05:00.000000Z")));
        assert_eq!(told.body["more"], false);
        assert_eq!(kinds(&world, Member(Partner)).await, ["vote"]);
        for who in [Member(Observer), HOST, Member(Lead), Member(Admin), Neighbour(Agency), Outsider] {
            assert!(kinds(&world, who.clone()).await.is_empty(), "{who:?}");
        }
        // It is done where it says.
        room.put(Member(Agency), &format!("/{}", task["href"].as_str().unwrap()), json!({"value": "agree"})).await.expect(200);
        assert!(kinds(&world, Member(Agency)).await.is_empty());
        assert_eq!(kinds(&world, Member(Partner)).await, ["vote"]);
        let rescinded = json!({"reason": "Salah catat."});
        world.post(Member(Agency), &format!("{ballot}/votes/{}/rescission", room.dinas)).json(rescinded).expect(200).await;
        assert_eq!(kinds(&world, Member(Agency)).await, ["vote"], "a vote that was rescinded is to be given again");
        room.vote(Member(Agency), &ballot, &room.dinas, json!({"value": "agree"})).await.expect(200);

        room.act(HOST, &ballot, "closing").await.expect(200);
        assert!(kinds(&world, Member(Partner)).await.is_empty(), "too late to vote");
        for who in [HOST, Member(Lead), Member(Secretariat)] {
            assert_eq!(kinds(&world, who.clone()).await, ["decide"], "{who:?}");
        }
        let href = tasks(&world, HOST).await.items()[0]["href"].as_str().unwrap().to_owned();
        let keep = json!({"on_revision": 3, "kind": "keep", "reason": "Mufakat."});
        world.post(HOST, &format!("/{href}")).json(keep).expect(201).await;
        assert!(kinds(&world, HOST).await.is_empty());
    }
}

story! {
    async fn what_an_event_left_waits_for_its_owner_by_the_day_on_which_it_is_due(world) {
        let room = Room::new(&world).await;
        let give = async |text: &str, owner: &str, due: Value| {
            let body = json!({"text": {"id": text}, "owner_stakeholder_id": owner, "due_on": due});
            world.post(HOST, &format!("{}/follow-ups", room.event)).json(body).expect(201).await.id()
        };
        give("kapan saja", &room.dinas, json!(null)).await;
        let late = give("nanti", &room.dinas, json!("2026-05-01")).await;
        give("segera", &room.dinas, json!("2026-02-01")).await;
        give("lain", &room.mitra, json!("2026-01-20")).await;
        world.clock.advance(chrono::TimeDelta::minutes(5));
        room.open(json!({})).await;
        let titles = async || {
            let told = tasks(&world, Member(Agency)).await;
            told.items().iter().map(|item| item["title"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(titles().await, ["segera", "nanti", "kapan saja", "Setuju?"]);
        assert_eq!(tasks(&world, Member(Agency)).await.items()[0]["due_on"], "2026-02-01");
        let path = format!("{}/follow-ups/{late}", room.event);
        room.patch(Member(Agency), &path, json!({"state": "in_progress"})).await.expect(200);
        assert_eq!(titles().await.len(), 4, "begun is not done");
        room.patch(Member(Agency), &path, json!({"state": "done"})).await.expect(200);
        assert_eq!(titles().await, ["segera", "kapan saja", "Setuju?"]);
        assert!(kinds(&world, Member(Observer)).await.is_empty(), "observers report nothing");
    }
}

story! {
    async fn a_statement_waits_for_positions_answers_adoption_and_publication(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        for name in ["dinas", "mitra", "sekretariat"] {
            drafting::takes_part(&world, name).await;
        }
        let content = drafting::content(&[drafting::section(&area, &[&question])]);
        let statement = drafting::draft(&world, &content).await;
        assert!(kinds(&world, Member(Agency)).await.is_empty(), "a draft asks nobody");
        let statement = drafting::advance(&world, &statement, "in_alignment").await;
        assert_eq!(kinds(&world, Member(Agency)).await, ["take_position"]);
        assert!(kinds(&world, Member(Observer)).await.is_empty());
        drafting::take(&world, Member(Agency), &statement, "dinas", "endorse", None).await.expect(200);
        drafting::take(&world, Member(Secretariat), &statement, "sekretariat", "endorse", None).await.expect(200);
        drafting::take(&world, Member(Partner), &statement, "mitra", "object", Some("Pesisir belum disebut.")).await.expect(200);
        assert!(kinds(&world, Member(Agency)).await.is_empty());
        assert_eq!(kinds(&world, Member(Secretariat)).await, ["answer_objection"]);
        assert!(kinds(&world, HOST).await.is_empty(), "facilitators do not answer");
        let href = tasks(&world, Member(Secretariat)).await.items()[0]["href"].as_str().unwrap().to_owned();
        let answer = json!({"on_revision": 1, "text": "Ditambahkan."});
        world.post(Member(Secretariat), &format!("/{href}")).json(answer).expect(200).await;
        assert!(kinds(&world, Member(Secretariat)).await.is_empty());

        let statement = drafting::revise(&world, &statement, &content_of(&content)).await;
        for who in [Member(Agency), Member(Partner), Member(Secretariat)] {
            assert_eq!(kinds(&world, who.clone()).await, ["renew_position"], "{who:?}");
        }
        let statement = drafting::advance(&world, &statement, "proposed").await;
        let renewed = drafting::take(&world, Member(Lead), &statement, "sekretariat", "endorse", None).await;
        renewed.expect(200);
        assert_eq!(kinds(&world, Member(Lead)).await, ["adopt"]);
        assert!(kinds(&world, Member(Secretariat)).await.is_empty(), "only the lead adopts");
        let adoption = json!({"reason": "Ditetapkan.", "override_reason": "Waktunya habis."});
        let path = format!("{{p}}/statements/{}", statement.id);
        let adopted = world.post(Member(Lead), &format!("{path}/adoption")).if_match(&statement.etag()).json(adoption).expect(200).await;
        assert_eq!(kinds(&world, Member(Lead)).await, ["publish"]);
        assert!(kinds(&world, Member(Agency)).await.is_empty(), "what is adopted asks for no positions");
        drafting::publish(&world, &Ref::of("statement", &adopted)).await.expect(200);
        assert!(kinds(&world, Member(Lead)).await.is_empty());
    }
}

fn content_of(content: &Value) -> Value {
    let mut other = content.clone();
    other["overall"]["text"] = json!({"id": "Kota ini makin tangguh.", "en": "This city grows more resilient."});
    other
}

story! {
    async fn an_input_waits_for_those_who_decide_and_for_its_sender_when_asked(world) {
        let input = json!({"kind": "comment", "text": "Jalan terputus.", "language": "id", "external_ref": "KB-1"});
        let path = format!("{{p}}/inputs/{}", world.post(Member(Partner), "{p}/inputs").json(input).expect(201).await.id());
        let act = async |who: Who, what: &str, body: Value| {
            let etag = world.get(Member(Lead), &path).expect(200).await.etag();
            world.post(who, &format!("{path}/{what}")).if_match(&etag).json(body).expect(200).await
        };
        let told = tasks(&world, Member(Secretariat)).await;
        let [task] = told.items() else { panic!("{}", told.text) };
        assert_eq!((&task["kind"], &task["title"], &task["due_on"]), (&json!("decide_input"), &json!({"id": "I-1"}), &json!("2026-02-14")));
        for role in [Facilitator, Agency, Partner, Observer] {
            assert!(kinds(&world, Member(role)).await.is_empty(), "{role:?}");
        }
        act(Member(Lead), "transitions", json!({"to": "in_review", "reason": "Dibaca."})).await;
        let asked = json!({"to": "more_information_needed", "reason": "Kurang jelas.", "question_to_sender": "Di mana?"});
        act(Member(Lead), "transitions", asked).await;
        assert_eq!(kinds(&world, Member(Partner)).await, ["reply_to_question"]);
        for role in [Lead, Agency] {
            assert!(kinds(&world, Member(role)).await.is_empty(), "{role:?}");
        }
        let etag = world.get(Member(Partner), &path).expect(200).await.etag();
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"reply": "Di jembatan."})).expect(200).await;
        assert!(kinds(&world, Member(Partner)).await.is_empty());
        assert_eq!(kinds(&world, Member(Lead)).await, ["decide_input"]);
        act(Member(Lead), "decision", json!({"kind": "accepted", "text": {"id": "Diterima."}})).await;
        let told = tasks(&world, Member(Lead)).await;
        assert_eq!((&told.items()[0]["kind"], told.items()[0]["href"].as_str().unwrap().ends_with("/answer")), (&json!("answer_input"), true));
        act(Member(Lead), "answer", json!({"text": {"id": "Terima kasih."}})).await;
        assert!(kinds(&world, Member(Lead)).await.is_empty());
    }
}
