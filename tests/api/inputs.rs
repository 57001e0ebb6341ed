//! Inputs: what organisations send for themselves, from the receipt to the answer.

use actix_web::http::Method;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tangguh::{
    keys,
    policy::Role::{self, *},
    token::KeyUse,
};

use crate::{drafting, harness::*, neighbour};

const RECEIPT: &str = "tangguh-receipt+jws";

/// A comment under this reference of its sender.
pub fn input(reference: &str) -> Value {
    json!({"kind": "comment", "text": "Jalur evakuasi di Kampung Melayu terputus.", "language": "id",
        "external_ref": reference})
}

/// The same with another member.
pub fn with(reference: &str, member: &str, value: Value) -> Value {
    let mut body = input(reference);
    body[member] = value;
    body
}

async fn send(world: &World, who: Who, body: Value) -> Reply {
    world.post(who, "{p}/inputs").json(body).send().await
}

/// What this caller sees now of an input.
async fn now(world: &World, who: Who, id: &str) -> Reply {
    world.get(who, &format!("{{p}}/inputs/{id}")).expect(200).await
}

/// An act on the input as it stands.
async fn act(world: &World, who: Who, id: &str, act: &str, body: Value) -> Reply {
    let etag = now(world, Member(Lead), id).await.etag();
    world.post(who, &format!("{{p}}/inputs/{id}/{act}")).if_match(&etag).json(body).send().await
}

async fn step(world: &World, id: &str, to: &str) -> Reply {
    let mut body = json!({"to": to, "reason": "Sesuai prosedur."});
    if to == "more_information_needed" {
        body["question_to_sender"] = json!("Di jembatan yang mana?");
    }
    act(world, Member(Secretariat), id, "transitions", body).await
}

fn decision() -> Value {
    json!({"kind": "accepted", "text": {"id": "Diterima.", "en": "Accepted."}})
}

/// An input in this state, under this reference.
async fn standing(world: &World, reference: &str, state: &str) -> String {
    let id = send(world, Member(Partner), input(reference)).await.expect(201).id();
    let steps: &[&str] = match state {
        "received" | "withdrawn" => &[],
        "acknowledged" | "decided" | "answered" => &["acknowledged"],
        "more_information_needed" => &["in_review", "more_information_needed"],
        "in_review" => &["in_review"],
        "quarantined" => &["quarantined"],
        other => panic!("{other}"),
    };
    for to in steps {
        step(world, &id, to).await.expect(200);
    }
    match state {
        "withdrawn" => _ = act(world, Member(Partner), &id, "withdrawal", drafting::why()).await.expect(200),
        "decided" | "answered" => _ = act(world, Member(Lead), &id, "decision", decision()).await.expect(200),
        _ => {}
    }
    if state == "answered" {
        act(world, Member(Lead), &id, "answer", json!({"text": {"id": "Terima kasih."}})).await.expect(200);
    }
    id
}

const STATES: [&str; 8] = [
    "received",
    "acknowledged",
    "in_review",
    "more_information_needed",
    "decided",
    "answered",
    "withdrawn",
    "quarantined",
];

/// A partner of another organisation than the template's.
pub async fn other_partner(world: &World) -> Who {
    let body = json!({"account_id": world.account(&Outsider), "stakeholder_id": world.seed.stakeholders["tetangga"],
        "role": "partner", "from_on": "2026-01-01"});
    world.post(Member(Lead), "{p}/memberships").json(body).expect(201).await;
    Outsider
}

fn ids(reply: &Reply) -> Vec<&str> {
    reply.items().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

fn may(reply: &Reply, action: &str) -> bool {
    reply.body["allowed_actions"].as_array().unwrap().contains(&json!(action))
}

story! {
    async fn an_input_goes_from_its_receipt_to_its_answer(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let mut body = input("KB-1");
        body["subjects"] = json!([{"kind": "question", "id": question.id}]);
        body["links"] = json!(["https://example.org/peta"]);
        let sent = send(&world, Member(Partner), body.clone()).await.expect(201);
        let id = sent.id();
        assert_eq!((&sent.body["code"], &sent.body["state"]), (&json!("I-1"), &json!("received")));
        assert_eq!(sent.body["stakeholder_id"], json!(world.seed.stakeholders["mitra"].to_string()));
        assert_eq!((&sent.body["due_on"], &sent.body["decision"]), (&json!("2026-02-14"), &Value::Null));
        let digest: String = Sha256::digest(body.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sent.body["received"]["digest"], json!(digest));
        assert!(may(&sent, "input.correct") && may(&sent, "input.withdraw") && !may(&sent, "input.decide"), "{}", sent.text);
        let next = async || {
            let told = world.get(Member(Partner), &format!("{{p}}/inputs/{id}/outcome")).expect(200).await.body;
            assert!(told["next_step"]["what"]["id"].is_string() && told["next_step"]["what"]["en"].is_string(), "{told}");
            (told["state"].as_str().unwrap().to_owned(), told["next_step"]["who"].as_str().unwrap().to_owned())
        };
        assert_eq!(next().await, ("received".into(), "secretariat".into()));

        let lead = world.account(&Member(Lead)).to_string();
        let known = json!({"to": "acknowledged", "reason": "Sudah dibaca.", "assigned_to_id": lead});
        let known = act(&world, Member(Secretariat), &id, "transitions", known).await.expect(200);
        assert_eq!(known.body["assigned_to_id"], json!(lead));
        step(&world, &id, "in_review").await.expect(200);
        let asked = step(&world, &id, "more_information_needed").await.expect(200);
        assert_eq!((&asked.body["question_to_sender"], &asked.body["assigned_to_id"]), (&json!("Di jembatan yang mana?"), &json!(lead)));
        assert_eq!(next().await, ("more_information_needed".into(), "sender".into()));
        let reply = json!({"reply": "Jembatan Kampung Melayu Kecil.", "text": "Jembatan terputus."});
        let replied = world.patch(Member(Partner), &format!("{{p}}/inputs/{id}")).if_match(&asked.etag()).patch(reply).expect(200).await;
        assert_eq!((&replied.body["state"], &replied.body["text"]), (&json!("in_review"), &json!("Jembatan terputus.")));
        assert_eq!((&replied.body["reply"], &replied.body["content_revision"]), (&json!("Jembatan Kampung Melayu Kecil."), &json!(5)));

        let reworded = drafting::reword(&world, &question, "Siapa yang terputus?").await;
        let taken = json!({"kind": "accepted_in_part", "text": {"id": "Pertanyaan diubah.", "en": "The question was changed."},
            "pointers": ["/text", "/links/0"], "effects": [{"kind": "question", "id": question.id, "revision": reworded.revision}]});
        let decided = act(&world, Member(Lead), &id, "decision", taken).await.expect(200);
        assert_eq!((&decided.body["state"], &decided.body["decision"]["reason_code"]), (&json!("decided"), &json!("accepted_in_part")));
        let answered = act(&world, Member(Lead), &id, "answer", json!({"text": {"id": "Terima kasih.", "en": "Thank you."}})).await.expect(200);
        assert_eq!(answered.body["answer"]["text"]["en"], "Thank you.");
        drafting::reword(&world, &reworded, "Siapa yang paling dahulu terputus?").await;

        let outcome = world.get(Member(Partner), &format!("{{p}}/inputs/{id}/outcome")).expect(200).await.body;
        assert_eq!((&outcome["state"], &outcome["overdue"], &outcome["next_step"]["who"]), (&json!("answered"), &json!(false), &json!("nobody")));
        let effect = &outcome["effects"][0];
        assert_eq!((&effect["revision"], &effect["current_revision"]), (&json!(3), &json!(4)), "{outcome}");
        let shown = world.get(Member(Partner), &format!("/{}", effect["href"].as_str().unwrap())).expect(200).await;
        assert_eq!((&shown.body["id"], &shown.body["code"]), (&json!(question.id), &effect["code"]));
        let impact = world.get(Member(Partner), &format!("{{p}}/questions/{}/impact", question.id)).expect(200).await.body;
        assert_eq!(impact["inputs"], json!([{"id": id, "code": "I-1", "revision": 3}]));
        let other = other_partner(&world).await;
        let impact = world.get(other, &format!("{{p}}/questions/{}/impact", question.id)).expect(200).await.body;
        assert_eq!(impact["inputs"], json!([]));

        let localized = world.get(Member(Partner), &format!("{{p}}/inputs/{id}?view=localized")).header("accept-language", "en").expect(200).await;
        assert_eq!(localized.body["decision"]["text"]["text"], "The question was changed.", "{}", localized.text);
        let history = world.get(Member(Partner), &format!("{{p}}/inputs/{id}/history")).expect(200).await;
        assert_eq!(history.items().len(), 7);
        let acts: Vec<_> = world.ledger().into_iter().map(|(action, _)| action).filter(|action| action.starts_with("input.")).collect();
        assert_eq!(acts, ["input.send", "input.decide", "input.decide", "input.decide", "input.correct", "input.decide", "input.decide"]);
        world.verify();
    }
}

story! {
    async fn a_receipt_says_what_came_and_verifies_with_the_record_keys(world) {
        let body = input("KB-1");
        let sent = send(&world, Member(Partner), body).await.expect(201);
        let link = sent.header("link").unwrap().to_owned();
        let path = format!("/api/v1/programs/jakarta/inputs/{}/receipt", sent.id());
        assert_eq!(link, format!("<{path}>; rel=\"receipt\"; type=\"application/jose\""));
        let receipt = world.get(Member(Partner), &format!("/{path}")).expect(200).await;
        assert_eq!(receipt.header("content-type"), Some("application/jose"));
        let keys = world.service.keys();
        let claims = keys.verify_record(RECEIPT, &receipt.text).unwrap();
        let head = world.get(Member(Lead), "{p}/ledger?sort=-sequence&limit=1").expect(200).await;
        let row = &head.items()[0];
        assert_eq!((&row["action"], &row["subject_id"]), (&json!("input.send"), &json!(sent.id())));
        for (name, expected) in [
            ("iss", json!("http://tangguh.test")), ("ledger", json!(world.program())), ("sequence", row["sequence"].clone()),
            ("input_id", json!(sent.id())), ("code", json!("I-1")), ("digest", sent.body["received"]["digest"].clone()),
            ("received_at", sent.body["received"]["at"].clone()), ("external_ref", json!("KB-1")),
            ("stakeholder_id", sent.body["stakeholder_id"].clone()),
        ] {
            assert_eq!(claims[name], expected, "{name}");
        }
        // Neither another kind of record nor one changed byte passes.
        assert!(keys.verify_record("tangguh-checkpoint+jws", &receipt.text).is_err());
        let parts: Vec<&str> = receipt.text.split('.').collect();
        let mut payload = BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
        *payload.iter_mut().find(|byte| **byte == b'1').unwrap() = b'2';
        let forged = format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(payload), parts[2]);
        assert!(keys.verify_record(RECEIPT, &forged).is_err());
        // It outlives the key that signed it.
        for _ in 0..2 {
            keys::rotate(&mut world.conn(), &world.service.sealer, &[KeyUse::Record], world.clock.now()).unwrap();
        }
        let later = world.twin();
        assert_eq!(later.service.keys().verify_record(RECEIPT, &receipt.text).unwrap(), claims);
        let served = later.get(Nobody, "//.well-known/record-keys.json").expect(200).await.body;
        let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
        assert!(served["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{served}");
        // A correction changes nothing of what was received.
        let path = format!("{{p}}/inputs/{}", sent.id());
        let corrected = world.patch(Member(Partner), &path).if_match(&sent.etag()).patch(json!({"text": "Lain."})).expect(200).await;
        assert_eq!(corrected.body["received"], sent.body["received"]);
        assert_eq!(world.get(Member(Lead), &format!("{path}/receipt")).expect(200).await.text, receipt.text);
        // It is shown to those who see the input.
        let other = other_partner(&world).await;
        for below in ["", "/receipt", "/outcome", "/history"] {
            world.get(other.clone(), &format!("{path}{below}")).expect(404).await;
        }
        world.verify();
    }
}

story! {
    async fn what_is_sent_has_a_name_and_is_kept_once(world) {
        let nameless = json!({"kind": "comment", "text": "Tanpa nama.", "language": "id"});
        let refused = send(&world, Member(Partner), nameless.clone()).await.expect(422);
        assert_eq!((refused.pointers(), &refused.body["errors"][0]["code"]), (vec!["/external_ref"], &json!("required")));
        let keyed = world.post(Member(Partner), "{p}/inputs").key("night-1").json(nameless.clone()).expect(201).await;
        let again = world.post(Member(Partner), "{p}/inputs").key("night-1").json(nameless).expect(201).await;
        assert_eq!((again.id(), again.header("idempotency-replayed")), (keyed.id(), Some("true")));
        assert_eq!(again.header("link"), keyed.header("link"));

        let first = send(&world, Member(Partner), input("KB-1")).await.expect(201);
        let rows = world.ledger().len();
        let same = send(&world, Member(Partner), input("KB-1")).await.expect(200);
        assert_eq!((same.id(), same.header("link")), (first.id(), first.header("link")));
        let mut spelt_out = input("KB-1");
        spelt_out["consultation_id"] = Value::Null;
        spelt_out["links"] = json!([]);
        assert_eq!(send(&world, Member(Partner), spelt_out).await.expect(200).id(), first.id());
        let taken = send(&world, Member(Partner), with("KB-1", "text", json!("Lain."))).await.expect(409);
        assert_eq!(taken.problem(), "external-ref-taken");
        let place = format!("/api/v1/programs/jakarta/inputs/{}", first.id());
        assert_eq!(taken.body["existing"], json!(place));
        assert_eq!(world.ledger().len(), rows);

        // Corrected since: a late repeat of the first and a repeat of the correction are the same input.
        let path = format!("/{place}");
        world.patch(Member(Partner), &path).if_match(&first.etag()).patch(json!({"text": "Dibetulkan."})).expect(200).await;
        for text in ["Jalur evakuasi di Kampung Melayu terputus.", "Dibetulkan."] {
            let repeated = send(&world, Member(Partner), with("KB-1", "text", json!(text))).await.expect(200);
            assert_eq!((repeated.id(), &repeated.body["text"]), (first.id(), &json!("Dibetulkan.")), "{text}");
        }
        // The reference is its organisation's own.
        let theirs = send(&world, Member(Agency), with("KB-1", "text", json!("Lain."))).await.expect(201);
        assert_ne!(theirs.id(), first.id());
        act(&world, Member(Partner), &first.id(), "withdrawal", drafting::why()).await.expect(200);
        let gone = send(&world, Member(Partner), input("KB-1")).await.expect(409);
        assert_eq!((gone.problem(), &gone.body["existing"]), ("input-withdrawn", &json!(place)));
        world.verify();
    }
}

story! {
    async fn the_same_reference_twice_at_once_is_one_input(world) {
        let twin = world.twin();
        let both = futures_util::future::join(send(&world, Member(Partner), input("KB-1")), send(&twin, Member(Partner), input("KB-1"))).await;
        let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!((statuses, both.0.id()), ([200, 201], both.1.id()));
        let both = futures_util::future::join(
            send(&world, Member(Partner), input("KB-2")),
            send(&twin, Member(Partner), with("KB-2", "text", json!("Lain."))),
        )
        .await;
        let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        assert_eq!(world.ledger().len(), 2);
        world.verify();
    }
}

story! {
    async fn a_consultation_takes_what_it_asks_for_while_it_is_open(world) {
        let call = async |level: &str, kinds: Value, opens: &str, closes: Value| {
            let body = json!({"topic": {"id": "Jalur evakuasi"}, "participation": level, "kinds": kinds, "opens_on": opens,
                "closes_on": closes});
            world.post(Member(Lead), "{p}/consultations").json(body).expect(201).await.id()
        };
        let open = call("consult", json!(["comment", "proposal"]), "2026-01-15", json!("2026-01-15")).await;
        let told = call("inform", json!(["comment"]), "2026-01-01", Value::Null).await;
        let early = call("consult", json!(["comment"]), "2026-01-16", Value::Null).await;
        let late = call("consult", json!(["comment"]), "2026-01-01", json!("2026-01-14")).await;
        let answer = |reference: &str, to: &str| with(reference, "consultation_id", json!(to));

        let sent = send(&world, Member(Partner), answer("A-1", &open)).await.expect(201);
        assert_eq!((&sent.body["consultation_id"], &sent.body["due_on"]), (&json!(open), &json!("2026-02-14")));
        let mut proposal = answer("A-2", &open);
        proposal["kind"] = json!("proposal");
        assert_eq!(send(&world, Member(Partner), proposal.clone()).await.expect(201).body["due_on"], json!("2026-03-16"));
        assert_eq!(send(&world, Member(Partner), answer("A-3", &told)).await.expect(201).body["due_on"], Value::Null);
        for closed in [&early, &late] {
            let refused = send(&world, Member(Partner), answer("A-4", closed)).await.expect(409);
            assert_eq!((refused.problem(), refused.pointers(), &refused.body["errors"][0]["code"]), ("conflict", vec!["/consultation_id"], &json!("not_open")));
        }
        proposal["kind"] = json!("objection");
        proposal["external_ref"] = json!("A-5");
        let refused = send(&world, Member(Partner), proposal).await.expect(409);
        assert_eq!((refused.pointers(), &refused.body["errors"][0]["code"]), (vec!["/kind"], &json!("not_wanted")));
        let unknown = send(&world, Member(Partner), answer("A-6", &uuid::Uuid::now_v7().to_string())).await.expect(422);
        assert_eq!(unknown.pointers(), ["/consultation_id"]);

        // 17:00 in London is the next day in Jakarta: the one is over, the other begins. A repeat is answered all the same.
        world.clock.advance(TimeDelta::hours(15));
        send(&world, Member(Partner), answer("A-7", &open)).await.expect(409);
        send(&world, Member(Partner), answer("A-7", &early)).await.expect(201);
        assert_eq!(send(&world, Member(Partner), answer("A-1", &open)).await.expect(200).id(), sent.id());
        world.verify();
    }
}

story! {
    async fn an_input_belongs_to_the_organisation_that_sent_it(world) {
        let other = other_partner(&world).await;
        let id = standing(&world, "KB-1", "received").await;
        let path = format!("{{p}}/inputs/{id}");
        let etag = now(&world, Member(Partner), &id).await.etag();
        // Whoever sends names no organisation.
        let named = send(&world, Member(Partner), with("KB-2", "stakeholder_id", json!(world.seed.stakeholders["dinas"].to_string()))).await.expect(422);
        assert_eq!(named.pointers(), ["/stakeholder_id"]);
        send(&world, Member(Observer), input("KB-2")).await.expect(403);
        let rows = world.ledger();
        for role in [Lead, Secretariat, Facilitator, Agency] {
            assert_eq!(now(&world, Member(role), &id).await.body["code"], "I-1", "{role:?}");
            let refused = world.patch(Member(role), &path).if_match(&etag).patch(json!({"text": "Lain."})).expect(403).await;
            assert_eq!(refused.problem(), "not-own-organization", "{role:?}");
            let refused = act(&world, Member(role), &id, "withdrawal", drafting::why()).await.expect(403);
            assert_eq!(refused.problem(), "not-own-organization", "{role:?}");
        }
        now(&world, Member(Observer), &id).await;
        world.patch(other.clone(), &path).if_match(&etag).patch(json!({"text": "Lain."})).expect(404).await;
        act(&world, other.clone(), &id, "withdrawal", drafting::why()).await.expect(404);
        for role in [Facilitator, Agency, Partner, Observer] {
            act(&world, Member(role), &id, "decision", decision()).await.expect(403);
            act(&world, Member(role), &id, "transitions", json!({"to": "acknowledged", "reason": "Ya."})).await.expect(403);
        }
        assert_eq!(world.ledger(), rows);
        // Lists show the same.
        let theirs = send(&world, other.clone(), input("KB-1")).await.expect(201).id();
        assert_eq!(ids(&world.get(other.clone(), "{p}/inputs").expect(200).await), [theirs.as_str()]);
        assert_eq!(ids(&world.get(Member(Partner), "{p}/inputs").expect(200).await), [id.as_str()]);
        assert_eq!(ids(&world.get(Member(Observer), "{p}/inputs").expect(200).await), [id.as_str(), &theirs]);
        // What is set aside is seen by its sender and those who decide.
        step(&world, &id, "quarantined").await.expect(200);
        for role in [Lead, Secretariat, Partner] {
            assert_eq!(now(&world, Member(role), &id).await.body["state"], "quarantined", "{role:?}");
            assert!(ids(&world.get(Member(role), "{p}/inputs").expect(200).await).contains(&id.as_str()), "{role:?}");
        }
        for role in [Facilitator, Agency, Observer] {
            world.get(Member(role), &path).expect(404).await;
            world.get(Member(role), &format!("{path}/receipt")).expect(404).await;
            assert_eq!(ids(&world.get(Member(role), "{p}/inputs").expect(200).await), [theirs.as_str()], "{role:?}");
        }
        // Nor does the difference between two moments tell of it.
        let told = async |who: Who| {
            let diff = world.get(who, "{p}/diff?from=seq:1").expect(200).await;
            let inputs = diff.items().iter().filter(|item| item["kind"] == "input");
            inputs.map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told(Member(Lead)).await, [id.as_str(), &theirs]);
        assert_eq!(told(Member(Partner)).await, [id.as_str()]);
        assert_eq!(told(Member(Observer)).await, [theirs.as_str()]);
        assert_eq!(told(other).await, [theirs.as_str()]);
        world.verify();
    }
}

story! {
    async fn the_life_cycle_allows_what_allowed_actions_say(world) {
        let steps = |from: &str| -> &[&str] {
            match from {
                "received" => &["acknowledged", "in_review", "quarantined"],
                "acknowledged" => &["in_review", "quarantined"],
                "in_review" => &["more_information_needed", "quarantined"],
                "more_information_needed" => &["in_review", "quarantined"],
                "quarantined" => &["received"],
                _ => &[],
            }
        };
        for from in STATES {
            for to in ["received", "acknowledged", "in_review", "more_information_needed", "quarantined"] {
                let id = standing(&world, &format!("{from}-{to}"), from).await;
                let reply = step(&world, &id, to).await;
                let expected = if steps(from).contains(&to) { 200 } else { 409 };
                assert_eq!(reply.status, expected, "{from} to {to}: {}", reply.text);
                assert!(expected == 200 || reply.problem() == "wrong-state", "{}", reply.text);
            }
            let decide = standing(&world, &format!("{from}-decide"), from).await;
            let own = now(&world, Member(Partner), &decide).await;
            let lead = now(&world, Member(Lead), &decide).await;
            let decidable = act(&world, Member(Lead), &decide, "decision", decision()).await.status == 200;
            assert_eq!(decidable, ["acknowledged", "in_review"].contains(&from), "{from}");
            let answerable = standing(&world, &format!("{from}-answer"), from).await;
            let answered = act(&world, Member(Lead), &answerable, "answer", json!({"text": {"id": "Ya."}})).await.status == 200;
            assert_eq!(answered, from == "decided", "{from}");
            assert_eq!(may(&lead, "input.decide"), decidable || answered || !steps(from).is_empty(), "{from}");
            let correct = standing(&world, &format!("{from}-correct"), from).await;
            let etag = now(&world, Member(Partner), &correct).await.etag();
            let path = format!("{{p}}/inputs/{correct}");
            let corrected = world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"text": "Lain."})).send().await;
            assert_eq!(corrected.status == 200, may(&own, "input.correct"), "{from}: {}", corrected.text);
            assert_eq!(may(&own, "input.correct"), ["received", "acknowledged", "more_information_needed"].contains(&from), "{from}");
            let withdraw = standing(&world, &format!("{from}-withdraw"), from).await;
            let withdrawn = act(&world, Member(Partner), &withdraw, "withdrawal", drafting::why()).await;
            assert_eq!(withdrawn.status == 200, may(&own, "input.withdraw"), "{from}: {}", withdrawn.text);
            assert_eq!(may(&own, "input.withdraw"), !["decided", "answered", "withdrawn"].contains(&from), "{from}");
        }
        world.verify();
    }
}

story! {
    async fn what_is_wrong_with_an_input_is_told_at_its_place(world) {
        let gone = uuid::Uuid::now_v7().to_string();
        let draft = world.question().await.id();
        let hidden = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": "members"});
        let theirs = world.post(Neighbour(Lead), "programs/porto/documents").json(hidden).expect(201).await.id();
        let wrong = [
            (with("R", "kind", json!("praise")), vec!["/kind"]),
            (with("R", "text", json!("")), vec!["/text"]),
            (with("R", "text", json!("x".repeat(20_001))), vec!["/text"]),
            (with("R", "language", json!("Indonesia")), vec!["/language"]),
            (with("R", "links", json!(["ftp://example.org/peta"])), vec!["/links/0"]),
            (with("R", "links", json!(["https://example.org/a", "javascript:alert(1)"])), vec!["/links/1"]),
            (with("R", "links", json!(vec!["https://example.org/a"; 21])), vec!["/links"]),
            (with("R", "external_ref", json!("")), vec!["/external_ref"]),
            (with("R", "external_ref", json!("two words")), vec!["/external_ref"]),
            (with("R", "evidence_ids", json!([gone, theirs])), vec!["/evidence_ids/0", "/evidence_ids/1"]),
            (with("R", "subjects", json!([{"kind": "phase", "id": gone}, {"kind": "statement", "id": gone}])), vec!["/subjects/0/id", "/subjects/1/id"]),
            (with("R", "subjects", json!([{"kind": "consultation", "id": gone}])), vec!["/subjects/0/id"]),
            // To a partner, a draft is not there.
            (with("R", "subjects", json!([{"kind": "question", "id": draft}])), vec!["/subjects/0/id"]),
            (with("R", "due_on", json!("2030-01-01")), vec!["/due_on"]),
        ];
        let rows = world.ledger().len();
        for (body, pointers) in wrong {
            let refused = send(&world, Member(Partner), body).await.expect(422);
            let mut found = refused.pointers();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, pointers, "{}", refused.text);
        }
        send(&world, Member(Facilitator), with("R", "subjects", json!([{"kind": "question", "id": draft}]))).await.expect(201);
        assert_eq!(world.ledger().len(), rows + 1);

        let id = standing(&world, "KB-1", "in_review").await;
        let question = |to: &str, question: Value| json!({"to": to, "reason": "Ya.", "question_to_sender": question});
        let refused = act(&world, Member(Lead), &id, "transitions", question("more_information_needed", Value::Null)).await.expect(422);
        assert_eq!(refused.pointers(), ["/question_to_sender"]);
        let refused = act(&world, Member(Lead), &id, "transitions", question("quarantined", json!("Di mana?"))).await.expect(422);
        assert_eq!(refused.pointers(), ["/question_to_sender"]);
        for account in [world.account(&Member(Partner)), world.account(&Neighbour(Lead))] {
            let assigned = json!({"to": "quarantined", "reason": "Ya.", "assigned_to_id": account});
            let refused = act(&world, Member(Lead), &id, "transitions", assigned).await.expect(422);
            assert_eq!(refused.pointers(), ["/assigned_to_id"]);
        }
        let other = standing(&world, "KB-2", "received").await;
        let etag = now(&world, Member(Partner), &other).await.etag();
        let path = format!("{{p}}/inputs/{other}");
        let refused = world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"reply": "Di sini."})).expect(409).await;
        assert_eq!((refused.pointers(), &refused.body["errors"][0]["code"]), (vec!["/reply"], &json!("not_asked")));
        for fixed in ["kind", "external_ref", "consultation_id", "state", "stakeholder_id"] {
            let refused = world.patch(Member(Partner), &path).if_match(&etag).patch(json!({fixed: "comment"})).expect(422).await;
            assert_eq!(refused.pointers(), [format!("/{fixed}")]);
        }
        let refused = world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"subjects": [{"kind": "event", "id": gone}]})).expect(422).await;
        assert_eq!(refused.pointers(), ["/subjects/0/id"]);
        assert_eq!(world.patch(Member(Partner), &path).if_match("\"9.x\"").patch(json!({"text": "Lain."})).expect(412).await.problem(), "stale");
        neighbour::sees_nothing_of(&world, "inputs", &other).await;
        world.verify();
    }
}

story! {
    async fn a_decision_names_what_is_there_and_why(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let draft = world.question().await;
        let (id, into) = (standing(&world, "KB-1", "in_review").await, standing(&world, "KB-2", "received").await);
        let (gone, aside) = (standing(&world, "KB-3", "withdrawn").await, standing(&world, "KB-4", "quarantined").await);
        let decide = |member: &str, value: Value| {
            let mut body = decision();
            body[member] = value;
            body
        };
        let merged = |into: Value| json!({"kind": "merged", "text": {"id": "Bersama."}, "merged_into_id": into});
        let effect = |kind: &str, id: &str, revision: i64| json!([{"kind": kind, "id": id, "revision": revision}]);
        let wrong = [
            (decide("text", json!({"en": "Only English."})), "invalid", vec!["/text/id"]),
            (decide("kind", json!("liked")), "invalid", vec!["/kind"]),
            (decide("reason_code", json!("because")), "invalid", vec!["/reason_code"]),
            (decide("pointers", json!(["/nothing"])), "invalid", vec!["/pointers/0"]),
            (decide("pointers", json!(["/text", "/links/0"])), "invalid", vec!["/pointers/1"]),
            (decide("effects", effect("question", &question.id, 9)), "foreign-basis", vec!["/effects/0"]),
            (decide("effects", effect("criterion", &question.id, 1)), "foreign-basis", vec!["/effects/0"]),
            (decide("effects", effect("question", &draft.id(), 1)), "foreign-basis", vec!["/effects/0"]),
            (decide("merged_into_id", json!(into)), "invalid", vec!["/merged_into_id"]),
            (merged(Value::Null), "invalid", vec!["/merged_into_id"]),
            (merged(json!(id)), "invalid", vec!["/merged_into_id"]),
            (merged(json!(uuid::Uuid::now_v7().to_string())), "invalid", vec!["/merged_into_id"]),
            (merged(json!(gone)), "conflict", vec!["/merged_into_id"]),
            (merged(json!(aside)), "conflict", vec!["/merged_into_id"]),
        ];
        let rows = world.ledger().len();
        for (body, problem, pointers) in wrong {
            let refused = act(&world, Member(Lead), &id, "decision", body).await;
            assert_eq!((refused.problem(), refused.pointers()), (problem, pointers), "{}", refused.text);
        }
        assert_eq!(world.ledger().len(), rows);
        let decided = act(&world, Member(Lead), &id, "decision", merged(json!(into))).await.expect(200);
        assert_eq!(decided.body["decision"]["merged_into_id"], json!(into));
        let mut other = decide("kind", json!("not_accepted"));
        other["reason_code"] = json!("out_of_scope");
        step(&world, &into, "acknowledged").await.expect(200);
        let decided = act(&world, Member(Lead), &into, "decision", other).await.expect(200);
        assert_eq!(decided.body["decision"]["reason_code"], "out_of_scope");
        let refused = act(&world, Member(Lead), &into, "answer", json!({"text": {"en": "Only English."}})).await.expect(422);
        assert_eq!(refused.pointers(), ["/text/id"]);
        world.verify();
    }
}

story! {
    async fn effects_are_of_every_kind_that_there_is(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let (mapping, criterion) = (drafting::mapping(&world, &area).await, drafting::criterion(&world).await);
        let statement = drafting::draft(&world, &drafting::content(&[drafting::section(&area, &[&question])])).await;
        let refused = async |id: &str| {
            let mut body = decision();
            body["effects"] = json!([statement.entry()]);
            act(&world, Member(Lead), id, "decision", body).await.expect(422)
        };
        let id = standing(&world, "KB-1", "in_review").await;
        assert_eq!(refused(&id).await.problem(), "foreign-basis");
        let aligned = drafting::advance(&world, &statement, "in_alignment").await;
        let mut body = decision();
        body["effects"] = json!([question.entry(), mapping.entry(), aligned.entry(), criterion.entry()]);
        act(&world, Member(Lead), &id, "decision", body).await.expect(200);
        let outcome = world.get(Member(Partner), &format!("{{p}}/inputs/{id}/outcome")).expect(200).await.body;
        let effects = outcome["effects"].as_array().unwrap();
        let codes: Vec<_> = effects.iter().map(|effect| effect["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["Q-1.1", "CRI-1.1", "S-1", "K-1"]);
        for effect in effects {
            let read = world.get(Member(Partner), &format!("/{}", effect["href"].as_str().unwrap())).expect(200).await;
            assert_eq!((&read.body["id"], &read.body["revision"]), (&effect["id"], &effect["current_revision"]), "{effect}");
        }
        world.verify();
    }
}

story! {
    async fn inputs_are_found_by_what_they_are_about_and_what_is_owed(world) {
        let area = world.focus_area().await;
        let event = drafting::event(&world, None).await.id();
        let call = json!({"topic": {"id": "Usulan"}, "participation": "involve", "kinds": ["proposal"], "opens_on": "2026-01-01"});
        let call = world.post(Member(Lead), "{p}/consultations").json(call).expect(201).await.id();
        let comment = send(&world, Member(Partner), with("KB-1", "subjects", json!([{"kind": "focus_area", "id": area}]))).await.expect(201);
        let mut proposal = with("KB-2", "consultation_id", json!(call));
        proposal["kind"] = json!("proposal");
        proposal["subjects"] = json!([{"kind": "event", "id": event}, {"kind": "consultation", "id": call}]);
        let proposal = send(&world, Member(Agency), proposal).await.expect(201);
        let (comment_id, proposal_id) = (comment.id(), proposal.id());
        let (one, two) = (comment_id.as_str(), proposal_id.as_str());
        let found = async |query: &str| {
            let reply = world.get(Member(Lead), &format!("{{p}}/inputs?{query}")).expect(200).await;
            ids(&reply).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let mitra = world.seed.stakeholders["mitra"].to_string();
        for (query, expected) in [
            ("".to_owned(), vec![one, two]),
            ("sort=-created_at".into(), vec![two, one]),
            ("sort=updated_at".into(), vec![one, two]),
            ("sort=-due_on".into(), vec![two, one]),
            ("kind=proposal,objection".into(), vec![two]),
            ("state=received".into(), vec![one, two]),
            ("state=decided".into(), vec![]),
            (format!("stakeholder_id={mitra}"), vec![one]),
            (format!("consultation_id={call}"), vec![two]),
            (format!("subject_id={area}"), vec![one]),
            (format!("subject_id={area},{event}"), vec![one, two]),
            ("external_ref=KB-2".into(), vec![two]),
            ("due_on.lt=2026-02-14".into(), vec![]),
            ("due_on.lt=2026-02-15".into(), vec![one]),
            ("overdue=true".into(), vec![]),
            ("overdue=false".into(), vec![one, two]),
        ] {
            assert_eq!(found(&query).await, expected, "{query}");
        }
        world.get(Member(Lead), "{p}/inputs?overdue=maybe").expect(400).await;

        // A corrected input is found by what it is about now; as of before, by what it was about then.
        let before = world.get(Member(Lead), "{p}/ledger?sort=-sequence&limit=1").expect(200).await.items()[0]["sequence"].as_i64().unwrap();
        let path = format!("{{p}}/inputs/{one}");
        let about = json!({"subjects": [{"kind": "event", "id": event}]});
        world.patch(Member(Partner), &path).if_match(&comment.etag()).patch(about).expect(200).await;
        step(&world, one, "acknowledged").await.expect(200);
        assert_eq!(found(&format!("subject_id={event}")).await, [one, two]);
        assert_eq!(found(&format!("subject_id={area}")).await, Vec::<String>::new());
        assert_eq!(found(&format!("subject_id={area}&as_of=seq:{before}")).await, [one]);

        // The last day is still in time; the day after, it is late, and the list knows without a change on the ledger.
        world.clock.advance(TimeDelta::days(30));
        let path = "{p}/inputs?overdue=true";
        let in_time = world.get(Member(Lead), path).expect(200).await;
        assert!(in_time.items().is_empty());
        world.clock.advance(TimeDelta::days(1));
        let late = world.get(Member(Lead), path).header("if-none-match", &in_time.etag()).expect(200).await;
        assert_eq!(ids(&late), [one]);
        world.get(Member(Lead), path).header("if-none-match", &late.etag()).expect(304).await;
        assert_eq!(found("overdue=false").await, [two]);
        let outcome = world.get(Member(Partner), &format!("{{p}}/inputs/{one}/outcome")).expect(200).await.body;
        assert_eq!((&outcome["overdue"], &outcome["due_on"]), (&json!(true), &json!("2026-02-14")));
        act(&world, Member(Lead), one, "decision", decision()).await.expect(200);
        assert_eq!(found("overdue=true").await, Vec::<String>::new());
        world.verify();
    }
}

story! {
    async fn one_decision_on_many_inputs_is_all_or_nothing(world) {
        let one = standing(&world, "KB-1", "acknowledged").await;
        let two = standing(&world, "KB-2", "in_review").await;
        let (fresh, gone) = (standing(&world, "KB-3", "received").await, uuid::Uuid::now_v7().to_string());
        let item = |id: &str, revision: i64| json!({"input_id": id, "on_revision": revision});
        let bulk = |items: Value| json!({"items": items, "decision": {"kind": "already_covered", "text": {"id": "Sudah ada di rencana."}}});
        let path = "{p}/inputs/decisions";
        let rows = world.ledger().len();
        let mixed = json!([item(&one, 2), item(&two, 1), item(&fresh, 1), item(&gone, 1), item(&one, 2)]);
        let refused = world.post(Member(Lead), path).json(bulk(mixed)).expect(409).await;
        assert_eq!(refused.problem(), "outcome-conflicts");
        assert_eq!(refused.pointers(), ["/items/1/on_revision", "/items/2/input_id", "/items/3/input_id", "/items/4/input_id"]);
        let codes: Vec<_> = refused.body["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["stale", "wrong_state", "not_found", "repeated"]);
        let mut merged = bulk(json!([item(&one, 2), item(&two, 2)]));
        merged["decision"] = json!({"kind": "merged", "text": {"id": "Bersama."}, "merged_into_id": two});
        assert_eq!(world.post(Member(Lead), path).json(merged).expect(422).await.pointers(), ["/decision/merged_into_id"]);
        let mut wordless = bulk(json!([item(&one, 2)]));
        wordless["decision"]["text"] = json!({"en": "Covered."});
        assert_eq!(world.post(Member(Lead), path).json(wordless).expect(422).await.pointers(), ["/decision/text/id"]);
        let mut strange = bulk(json!([item(&one, 2)]));
        strange["decision"]["pointers"] = json!(["/links/3"]);
        assert_eq!(world.post(Member(Lead), path).json(strange).expect(422).await.pointers(), ["/decision/pointers/0"]);
        world.post(Member(Lead), path).json(bulk(json!([]))).expect(422).await;
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), path).json(bulk(json!([item(&one, 2)]))).expect(403).await;
        }
        let good = bulk(json!([item(&one, 2), item(&two, 2)]));
        let tried = world.post(Member(Lead), "{p}/inputs/decisions?dry_run=true").json(good.clone()).expect(200).await;
        assert_eq!((tried.header("dry-run"), tried.items().len()), (Some("true"), 2));
        assert_eq!(world.ledger().len(), rows);
        let decided = world.post(Member(Lead), path).json(good.clone()).expect(200).await;
        assert_eq!(ids(&decided), [one.as_str(), &two]);
        assert!(decided.items().iter().all(|item| item["state"] == "decided" && item["decision"]["kind"] == "already_covered"));
        assert_eq!(world.ledger().len(), rows + 2);
        let again = world.post(Member(Lead), path).json(good).expect(409).await;
        assert_eq!(again.pointers(), ["/items/0/on_revision", "/items/1/on_revision"]);
        world.verify();
    }
}

/// What came of each item of a batch: its status and its problem.
fn came(reply: &Reply) -> Vec<(i64, String)> {
    let told = |item: &Value| {
        let problem = item["problem"]["type"].as_str().unwrap_or_default();
        (item["status"].as_i64().unwrap(), problem.trim_start_matches("/problems/").to_owned())
    };
    reply.items().iter().map(told).collect()
}

story! {
    async fn of_a_batch_each_is_taken_by_itself(world) {
        let path = "{p}/inputs/batch";
        send(&world, Member(Partner), input("known")).await.expect(201);
        send(&world, Member(Partner), input("other")).await.expect(201);
        let gone = standing(&world, "gone", "withdrawn").await;
        let call = json!({"topic": {"id": "Usulan"}, "participation": "involve", "kinds": ["proposal"], "opens_on": "2026-01-01"});
        let call = world.post(Member(Lead), "{p}/consultations").json(call).expect(201).await.id();
        let rows = world.ledger().len();
        let items = json!([
            input("new-1"),
            input("known"),
            with("other", "text", json!("Lain.")),
            input("gone"),
            with("bad", "text", json!("")),
            with("lost", "evidence_ids", json!([uuid::Uuid::now_v7().to_string()])),
            with("unasked", "consultation_id", json!(call)),
            {"kind": "comment", "text": "Tanpa nama.", "language": "id"},
            input("new-1"),
            "no object",
            input("new-2"),
        ]);
        let body = json!({"mode": "each", "items": items});
        let tried = world.post(Member(Partner), "{p}/inputs/batch?dry_run=true").json(body.clone()).expect(207).await;
        assert_eq!((tried.header("dry-run"), world.ledger().len()), (Some("true"), rows));
        let kept = world.post(Member(Partner), path).header("accept-language", "id").json(body.clone()).expect(207).await;
        let expected = [
            (201, ""), (200, ""), (409, "external-ref-taken"), (409, "input-withdrawn"), (422, "invalid"), (422, "invalid"),
            (409, "conflict"), (422, "invalid"), (422, "invalid"), (422, "invalid"), (201, ""),
        ];
        assert_eq!(came(&kept), expected.map(|(status, problem)| (status, problem.to_owned())), "{}", kept.text);
        assert_eq!(came(&tried), came(&kept));
        let items = kept.items();
        assert_eq!(items.iter().map(|item| item["index"].as_i64().unwrap()).collect::<Vec<_>>(), (0..11).collect::<Vec<_>>());
        assert_eq!(items[3]["problem"]["existing"], json!(format!("/api/v1/programs/jakarta/inputs/{gone}")));
        assert_eq!(items[4]["problem"]["errors"][0]["pointer"], "/text");
        assert_eq!(items[8]["problem"]["errors"][0]["code"], "repeated");
        assert!(items[4]["problem"]["title"].as_str().unwrap().starts_with("Isi"), "{}", items[4]);
        assert_eq!(world.ledger().len(), rows + 2);
        for (number, code) in [(0, "I-4"), (10, "I-5")] {
            let item = &items[number];
            let read = world.get(Member(Partner), &format!("/{}", item["location"].as_str().unwrap())).expect(200).await;
            assert_eq!((&read.body["id"], &read.body["code"], read.etag()), (&item["id"], &json!(code), item["etag"].as_str().unwrap().to_owned()));
            assert_eq!(item["code"], code);
            let receipt = world.get(Member(Partner), &format!("/{}/receipt", item["location"].as_str().unwrap())).expect(200).await;
            let claims = world.service.keys().verify_record(RECEIPT, &receipt.text).unwrap();
            assert_eq!((&claims["code"], &claims["digest"]), (&json!(code), &read.body["received"]["digest"]));
            let row = world.get(Member(Lead), &format!("{{p}}/ledger?subject_id={}", read.id())).expect(200).await;
            assert_eq!(row.items()[0]["sequence"], claims["sequence"], "{code}");
        }
        // Sent again, nothing is there twice.
        let again = world.post(Member(Partner), path).json(body).expect(207).await;
        assert_eq!((came(&again)[0].0, came(&again)[10].0, world.ledger().len()), (200, 200, rows + 2));
        world.verify();
    }
}

story! {
    async fn of_a_batch_all_are_taken_or_none(world) {
        let path = "{p}/inputs/batch";
        send(&world, Member(Partner), input("known")).await.expect(201);
        send(&world, Member(Partner), input("other")).await.expect(201);
        standing(&world, "gone", "withdrawn").await;
        let rows = world.ledger().len();
        let all = |items: Value| json!({"mode": "all", "items": items});
        let lost = with("lost", "subjects", json!([{"kind": "event", "id": uuid::Uuid::now_v7().to_string()}]));
        for (items, status, problem, pointers) in [
            (json!([input("a"), with("b", "text", json!("")), with("c", "kind", json!("praise"))]), 422, "invalid", vec!["/items/1/text", "/items/2/kind"]),
            (json!([input("a"), lost, input("a")]), 422, "invalid", vec!["/items/1/subjects/0/id", "/items/2/external_ref"]),
            (json!([input("a"), with("other", "text", json!("Lain.")), input("gone")]), 409, "outcome-conflicts", vec!["/items/1/external_ref", "/items/2/external_ref"]),
        ] {
            let refused = world.post(Member(Partner), path).json(all(items)).expect(status).await;
            let mut found = refused.pointers();
            found.sort_unstable();
            assert_eq!((refused.problem(), found), (problem, pointers), "{}", refused.text);
        }
        let many: Vec<Value> = (0..501).map(|number| input(&format!("n-{number}"))).collect();
        for mode in ["all", "each"] {
            let refused = world.post(Member(Partner), path).json(json!({"mode": mode, "items": many})).expect(422).await;
            assert_eq!(refused.pointers(), ["/items"], "{mode}");
        }
        assert_eq!(world.post(Member(Partner), path).json(json!({"mode": "some", "items": []})).expect(422).await.pointers(), ["/mode"]);
        assert_eq!(world.post(Member(Partner), path).json(json!({"mode": "each"})).expect(422).await.pointers(), ["/items"]);
        world.post(Member(Observer), path).json(all(json!([input("a")]))).expect(403).await;
        assert_eq!(world.ledger().len(), rows);
        let kept = world.post(Member(Partner), path).json(all(json!([input("known"), input("a"), input("b")]))).expect(200).await;
        assert_eq!(came(&kept).iter().map(|(status, _)| *status).collect::<Vec<_>>(), [200, 201, 201]);
        assert_eq!(world.ledger().len(), rows + 2);

        // With a key, an input needs no reference of its own, and the whole is kept once.
        let nameless = json!({"kind": "comment", "text": "Tanpa nama.", "language": "id"});
        let body = all(json!([nameless, nameless]));
        assert_eq!(world.post(Member(Partner), path).json(body.clone()).expect(422).await.pointers(), ["/items/0/external_ref", "/items/1/external_ref"]);
        let first = world.post(Member(Partner), path).key("night-1").json(body.clone()).expect(200).await;
        let again = world.post(Member(Partner), path).key("night-1").json(body).expect(200).await;
        assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), Some("true")));
        assert_eq!(world.ledger().len(), rows + 4);
        world.verify();
    }
}

story! {
    async fn a_batch_of_five_hundred_long_inputs_is_taken(world) {
        // More than a usual body may have.
        let items: Vec<Value> = (0..500).map(|number| with(&format!("n-{number}"), "text", json!("x".repeat(4000)))).collect();
        let body = json!({"mode": "each", "items": items});
        assert!(body.to_string().len() > 1 << 20);
        let kept = world.post(Member(Partner), "{p}/inputs/batch").json(body).expect(207).await;
        assert!(came(&kept).iter().all(|(status, _)| *status == 201));
        assert_eq!(world.ledger().len(), 500);
        let last = kept.items()[499]["code"].as_str().unwrap();
        assert_eq!(last, "I-500");
        let large = json!({"mode": "each", "items": (0..300).map(|number| with(&format!("m-{number}"), "text", json!("x".repeat(20_000)))).collect::<Vec<_>>()});
        assert_eq!(world.post(Member(Partner), "{p}/inputs/batch").json(large).expect(413).await.problem(), "too-large");
        world.verify();
    }
}

story! {
    async fn an_input_is_corrected_and_withdrawn_by_a_patch_and_an_act_of_its_own(world) {
        let roles: [Role; 5] = [Lead, Secretariat, Facilitator, Agency, Partner];
        for (number, role) in roles.into_iter().enumerate() {
            let sent = send(&world, Member(role), input(&format!("{number}"))).await.expect(201);
            let path = format!("{{p}}/inputs/{}", sent.id());
            let corrected = world.ask(Member(role), Method::PATCH, &path).if_match(&sent.etag()).patch(json!({"language": "jv"})).expect(200).await;
            assert_eq!((&corrected.body["language"], &corrected.body["content_revision"]), (&json!("jv"), &json!(2)), "{role:?}");
            let withdrawn = act(&world, Member(role), &sent.id(), "withdrawal", json!({"reason": "Keliru."})).await.expect(200);
            assert_eq!((&withdrawn.body["state"], &withdrawn.body["content_revision"]), (&json!("withdrawn"), &json!(2)), "{role:?}");
        }
        world.verify();
    }
}
