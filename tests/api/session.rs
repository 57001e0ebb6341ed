//! The story of a whole session, through the API alone, by the people of each role: from a planned event to a
//! published statement. It is told on both databases, and what they answer is the same once ids and times are masked.

use std::collections::HashMap;

use actix_web::http::Method;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::harness::*;

/// One telling: the world, and what was answered in it.
struct Telling {
    world: World,
    answers: Vec<String>,
    ids: HashMap<String, usize>,
}

impl Telling {
    fn new(world: World) -> Telling {
        Telling { world, answers: Vec::new(), ids: HashMap::new() }
    }

    /// Sends a request, wants this status, and keeps the answer.
    async fn ask(&mut self, who: Who, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
        self.pinned(who, method, path, body, None, status).await
    }

    async fn pinned(
        &mut self,
        who: Who,
        method: Method,
        path: &str,
        body: Option<Value>,
        etag: Option<String>,
        status: u16,
    ) -> Value {
        let patch = method == Method::PATCH;
        let heading = format!("{who:?} {method} {path}");
        let mut ask = self.world.ask(who, method, path);
        if let Some(etag) = etag {
            ask = ask.if_match(&etag);
        }
        ask = match body {
            Some(body) if patch => ask.patch(body),
            Some(body) => ask.json(body),
            None => ask,
        };
        let reply = ask.send().await;
        assert_eq!(reply.status.as_u16(), status, "{heading}: {}", reply.text);
        let mut body = reply.body.clone();
        self.mask(&mut body);
        let heading = heading.split('/').map(|word| self.masked(word)).collect::<Vec<_>>().join("/");
        self.answers.push(format!("{heading} {status}\n{}", serde_json::to_string_pretty(&body).unwrap()));
        reply.body
    }

    async fn get(&mut self, who: Who, path: &str) -> Value {
        self.ask(who, Method::GET, path, None, 200).await
    }

    async fn make(&mut self, who: Who, path: &str, body: Value) -> Value {
        self.ask(who, Method::POST, path, Some(body), 201).await
    }

    async fn put(&mut self, who: Who, path: &str, body: Value) -> Value {
        self.ask(who, Method::PUT, path, Some(body), 200).await
    }

    /// An act on what stands at `path` now.
    async fn act(&mut self, who: Who, path: &str, act: &str, body: Value, status: u16) -> Value {
        let etag = self.world.get(who.clone(), path).expect(200).await.etag();
        self.pinned(who, Method::POST, &format!("{path}/{act}"), Some(body), Some(etag), status).await
    }

    async fn edit(&mut self, who: Who, path: &str, body: Value) -> Value {
        let etag = self.world.get(who.clone(), path).expect(200).await.etag();
        self.pinned(who, Method::PATCH, path, Some(body), Some(etag), 200).await
    }

    /// Ids by the order in which they appear; times, digests and signatures not at all.
    fn mask(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.masked(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask(item)),
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    match name.as_str() {
                        "digest" | "hash" | "jws" | "request_id" | "current_etag" | "next_cursor" | "commitment" => {
                            *member = json!("~");
                        }
                        _ => self.mask(member),
                    }
                }
            }
            _ => {}
        }
    }

    fn masked(&mut self, text: &str) -> String {
        if chrono::DateTime::parse_from_rfc3339(text).is_ok() {
            return "@".into();
        }
        text.split('/')
            .map(|word| match uuid::Uuid::try_parse(word) {
                Ok(_) => {
                    let next = self.ids.len() + 1;
                    format!("#{}", *self.ids.entry(word.into()).or_insert(next))
                }
                Err(_) => word.to_owned(),
            })
            .collect::<Vec<_>>()
            .join("/")
    }
}

fn text(words: &str) -> Value {
    json!({"id": format!("{words} (id)"), "en": format!("{words} (en)")})
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

fn why(reason: &str) -> Value {
    json!({"reason": reason})
}

/// The programme before the session: two focus areas, five questions, who takes part.
struct Before {
    areas: [String; 2],
    questions: Vec<String>,
    phase: String,
    organisations: [String; 3],
}

async fn prepare(told: &mut Telling) -> Before {
    let organisations = ["dinas", "mitra", "sekretariat"].map(|name| told.world.seed.stakeholders[name].to_string());
    told.edit(Member(Secretariat), "{p}", json!({"published": true})).await;
    for (organisation, capacity) in organisations.iter().zip(["member", "strategy_partner", "secretariat"]) {
        let body = json!({"stakeholder_id": organisation, "capacity": capacity});
        told.make(Member(Secretariat), "{p}/stakeholders", body).await;
    }
    let phase = told.make(Member(Secretariat), "{p}/phases", json!({"number": 2, "name": text("Phase II")})).await;
    let path = format!("{{p}}/phases/{}", id(&phase));
    told.act(Member(Secretariat), &path, "activation", why("It begins."), 200).await;
    let mut areas = Vec::new();
    for (number, name, code) in [(1, "Governance", "1.a"), (2, "Preparedness", "2.a")] {
        let body = json!({"number": number, "names": [{"name": text(name)}], "problem": text("Split by sector"),
            "emphases": [{"code": code, "text": text("Process")}]});
        areas.push(id(&told.make(Member(Lead), "{p}/focus-areas", body).await));
    }
    let mut questions = Vec::new();
    for number in 0..5 {
        let body = json!({"focus_area_id": areas[0], "text": text(&format!("Question {number}?"))});
        let asked = id(&told.make(Member(Facilitator), "{p}/questions", body).await);
        let step = json!({"to": "proposed", "reason": "Ready for the session."});
        told.act(Member(Facilitator), &format!("{{p}}/questions/{asked}"), "transitions", step, 200).await;
        questions.push(asked);
    }
    Before { areas: areas.try_into().unwrap(), questions, phase: id(&phase), organisations }
}

/// Plans the event with its three stages, invites, and opens it. Answers its path and those of its stages.
async fn convene(told: &mut Telling, before: &Before) -> (String, Vec<String>) {
    let [dinas, mitra, sekretariat] = &before.organisations;
    let event = json!({"kind": "working_session", "name": text("Working session"), "on": "2026-01-15",
        "venue": {"name": "Balaikota", "building": "Blok G", "floor": "5"}, "phase_id": before.phase,
        "chair_role": text("Chief Resilience Officer"), "participation": "collaborate",
        "objectives": [text("To confirm the focus areas with their questions.")]});
    let event = format!("{{p}}/events/{}", id(&told.make(Member(Secretariat), "{p}/events", event).await));
    let mut stages = Vec::new();
    for (number, name) in [(1, "Questions"), (2, "Framework"), (3, "Statement")] {
        let stage = json!({"number": number, "name": text(name), "electorate": [dinas, mitra, sekretariat]});
        let stage = told.make(Member(Secretariat), &format!("{event}/stages"), stage).await;
        stages.push(format!("{event}/stages/{}", id(&stage)));
    }
    let invited =
        |organisation: &String| json!({"stakeholder_id": organisation, "status": "invited", "capacity": "member"});
    let list: Vec<Value> = before.organisations.iter().map(invited).collect();
    told.put(Member(Facilitator), &format!("{event}/attendance"), json!({"items": list})).await;
    for step in ["confirmed", "held"] {
        let step = json!({"to": step, "reason": "As planned."});
        told.act(Member(Secretariat), &event, "transitions", step, 200).await;
    }
    for (organisation, count) in [(dinas, json!(3)), (mitra, Value::Null)] {
        let path = format!("{event}/attendance/{organisation}");
        told.edit(Member(Facilitator), &path, json!({"status": "attended", "head_count": count})).await;
    }
    (event, stages)
}

/// A ballot on a question, open.
async fn ballot(told: &mut Telling, stage: &str, question: &str) -> (String, Value) {
    let body = json!({"question_id": question, "method": "agreement", "quorum": 2, "unit": "organization",
        "scale": {"points": 3, "labels": [text("Does not fit"), text("Needs revision"), text("Fits")], "agree_from": 3},
        "rule": {"threshold_percent": 60}});
    let made = told.make(Member(Facilitator), &format!("{stage}/ballots"), body).await;
    let path = format!("{{p}}/ballots/{}", id(&made));
    let opened = told.act(Member(Facilitator), &path, "opening", why("The table is ready."), 200).await;
    (path, opened)
}

/// Stage (i): each organisation says of the questions whether they fit; the facilitator decides.
async fn questions(told: &mut Telling, before: &Before, stage: &str) {
    let [dinas, mitra, sekretariat] = &before.organisations;
    let (path, opened) = ballot(told, stage, &before.questions[0]).await;
    told.put(Member(Agency), &format!("{path}/votes/{dinas}"), json!({"value": 3})).await;
    // Whoever has no quorum waits.
    told.act(Member(Facilitator), &path, "closing", why("Too early."), 200).await;
    let decision = json!({"kind": "keep", "on_revision": opened["question_revision"], "reason": "It fits."});
    told.ask(Member(Facilitator), Method::POST, &format!("{path}/decision"), Some(decision), 409).await;
    told.act(Member(Facilitator), &path, "voiding", why("Without a quorum."), 200).await;

    let (path, opened) = ballot(told, stage, &before.questions[0]).await;
    told.put(Member(Agency), &format!("{path}/votes/{dinas}"), json!({"value": 2, "comment": "Sharper?"})).await;
    told.put(Member(Agency), &format!("{path}/votes/{dinas}"), json!({"value": 3})).await;
    told.put(Member(Partner), &format!("{path}/votes/{mitra}"), json!({"value": 1})).await;
    // It has nobody who votes: the facilitator records what it said.
    told.put(Member(Facilitator), &format!("{path}/votes/{sekretariat}"), json!({"value": 3})).await;
    told.ask(Member(Agency), Method::PUT, &format!("{path}/votes/{mitra}"), Some(json!({"value": 3})), 403).await;
    told.act(Member(Facilitator), &path, "closing", why("All have spoken."), 200).await;
    told.get(Member(Observer), &format!("{path}/result")).await;
    let decision = json!({"kind": "keep", "on_revision": opened["question_revision"], "reason": "It fits."});
    told.make(Member(Facilitator), &format!("{path}/decision"), decision).await;

    // The rest in one request, as a table does that was off line: first as a trial, then in earnest, then once more.
    let (second, opened) = ballot(told, stage, &before.questions[1]).await;
    let ballot_id = second.rsplit('/').next().unwrap();
    let votes: Vec<Value> = before
        .organisations
        .iter()
        .map(|organisation| json!({"ballot_id": ballot_id, "stakeholder_id": organisation, "value": 2}))
        .collect();
    let outcomes = json!({
        "votes": votes, "close_ballots": [ballot_id],
        "decisions": [
            {"ballot_id": ballot_id, "question_id": before.questions[1], "on_revision": opened["question_revision"],
             "kind": "revise", "text": text("A sharper question?"), "emphases": ["1.a"], "reason_kind": "emphasis",
             "problem": text("Split by sector"), "validate": true, "reason": "Takes up the emphasis."},
            {"question_id": before.questions[2], "on_revision": 2, "kind": "move", "focus_area_id": before.areas[1],
             "emphases": ["2.a"], "reason_kind": "misfit", "reason": "It is about preparedness."},
            {"question_id": before.questions[3], "on_revision": 2, "kind": "retire", "reason": "Asked elsewhere."},
            {"question_id": before.questions[4], "on_revision": 2, "kind": "defer", "reason": "For the next session."},
        ],
    });
    let path = format!("{stage}/outcomes");
    let mut late = outcomes.clone();
    late["decisions"][1]["on_revision"] = json!(1);
    told.ask(Member(Facilitator), Method::POST, &path, Some(late), 409).await;
    told.ask(Member(Facilitator), Method::POST, &format!("{path}?dry_run=true"), Some(outcomes.clone()), 200).await;
    let first = told.world.post(Member(Facilitator), &path).key("stage-1").json(outcomes.clone()).expect(200).await;
    let again = told.world.post(Member(Facilitator), &path).key("stage-1").json(outcomes).expect(200).await;
    assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), Some("true")));
    let moved = told.get(Member(Lead), &format!("{{p}}/questions/{}", before.questions[2])).await;
    assert_eq!((&moved["state"], &moved["code"]), (&json!("proposed"), &json!("Q-2.1")));
    let keep = json!({"decisions": [{"question_id": before.questions[2], "on_revision": moved["revision"],
        "kind": "keep", "reason": "It fits there."}]});
    told.ask(Member(Facilitator), Method::POST, &path, Some(keep), 200).await;
}

/// Stage (ii): mappings to one edition are proposed by several, then validated or rejected.
async fn framework(told: &mut Telling, before: &Before, event: &str) -> Vec<String> {
    let event_id = event.rsplit('/').next().unwrap();
    let mut validated = Vec::new();
    for (who, area, node, strength, verdict) in [
        (Agency, 0, "DRV-10", "primary", "validated"),
        (Partner, 0, "DRV-11", "secondary", "rejected"),
        (Facilitator, 1, "DRV-8", "primary", "validated"),
    ] {
        let body = json!({"subject": {"kind": "focus_area", "id": before.areas[area]}, "framework": "CRF-100RC",
            "node": node, "strength": strength, "rationale": text("By its meaning"), "event_id": event_id});
        let mapping = id(&told.make(Member(who), "{p}/mappings", body).await);
        let verdict_body = json!({"to": verdict, "reason": "Discussed at the table."});
        let path = format!("{{p}}/mappings/{mapping}");
        told.act(Member(Facilitator), &path, "transitions", verdict_body, 200).await;
        if verdict == "validated" {
            validated.push(mapping);
        }
    }
    told.get(Member(Observer), "{p}/coverage?framework=CRF-100RC").await;
    validated
}

/// Stage (iii): a statement that rests on the two stages before, aligned, adopted and published.
async fn statement(told: &mut Telling, before: &Before, event: &str, mappings: &[String]) -> String {
    let [dinas, mitra, _] = &before.organisations;
    let event_id = event.rsplit('/').next().unwrap();
    let criterion = json!({"text": text("Nobody is left out"), "event_id": event_id});
    let criterion = format!("{{p}}/criteria/{}", id(&told.make(Member(Partner), "{p}/criteria", criterion).await));
    let mut basis = vec![Vec::new(), Vec::new()];
    for (section, kind, collection, subject) in [
        (0, "question", "questions", before.questions[0].as_str()),
        (0, "question", "questions", &before.questions[1]),
        (0, "mapping", "mappings", &mappings[0]),
        (0, "criterion", "criteria", criterion.rsplit('/').next().unwrap()),
        (1, "question", "questions", &before.questions[2]),
        (1, "mapping", "mappings", &mappings[1]),
    ] {
        let now = told.world.get(Member(Lead), &format!("{{p}}/{collection}/{subject}")).expect(200).await.body;
        basis[section].push(json!({"kind": kind, "id": subject, "revision": now["revision"]}));
    }
    let content = |basis: &[Vec<Value>], words: &str| {
        json!({"title": text("Resilience statement"), "framework": "CRF-100RC", "languages": ["id", "en"],
        "overall": {"text": text(words), "basis": []},
        "sections": [
            {"focus_area_id": before.areas[0], "text": text("Governance"), "basis": basis[0]},
            {"focus_area_id": before.areas[1], "text": text("Preparedness"), "basis": basis[1]},
        ]})
    };
    let drafted = told.make(Member(Secretariat), "{p}/statements", content(&basis, "The city is learning")).await;
    let path = format!("{{p}}/statements/{}", id(&drafted));
    // Partners see no draft.
    told.ask(Member(Partner), Method::GET, &path, None, 404).await;
    let step = json!({"to": "in_alignment", "reason": "What do you say?"});
    told.act(Member(Secretariat), &path, "transitions", step, 200).await;

    let position = |told: &Value, kind: &str, comment: Value| json!({"on_revision": told["content_revision"], "kind": kind, "comment": comment});
    let now = told.get(Member(Agency), &path).await;
    told.put(Member(Agency), &format!("{path}/positions/{dinas}"), position(&now, "endorse", Value::Null)).await;
    let objection = position(&now, "object", json!("It says nothing of water."));
    let objected = told.put(Member(Partner), &format!("{path}/positions/{mitra}"), objection).await;
    let step = json!({"to": "proposed", "reason": "All have spoken."});
    told.act(Member(Secretariat), &path, "transitions", step, 200).await;
    told.get(Member(Lead), &format!("{path}/gate")).await;
    told.act(Member(Lead), &path, "adoption", why("The session determined it."), 409).await;

    // One by one: the objection is answered, the criterion validated and named at that revision, the position renewed.
    let answer = json!({"on_revision": objected["revision"], "text": "Water stands in another focus area."});
    told.ask(Member(Secretariat), Method::POST, &format!("{path}/positions/{mitra}/answer"), Some(answer), 200).await;
    let verdict = json!({"to": "validated", "reason": "Agreed."});
    let criterion_now = told.act(Member(Facilitator), &criterion, "transitions", verdict, 200).await;
    basis[0][3]["revision"] = criterion_now["revision"].clone();
    let mut revised = content(&basis, "The city is learning, and says how");
    revised["reason"] = json!("Rests on the validated criterion.");
    told.act(Member(Secretariat), &path, "revisions", revised, 201).await;
    let now = told.get(Member(Partner), &path).await;
    told.put(Member(Agency), &format!("{path}/positions/{dinas}"), position(&now, "endorse", Value::Null)).await;
    let reserved = position(&now, "endorse_with_reservation", json!("Water should follow."));
    told.put(Member(Partner), &format!("{path}/positions/{mitra}"), reserved).await;
    if now["state"] == "in_alignment" {
        let step = json!({"to": "proposed", "reason": "Aligned again."});
        told.act(Member(Secretariat), &path, "transitions", step, 200).await;
    }
    let gate = told.get(Member(Lead), &format!("{path}/gate")).await;
    assert_eq!(gate["clear"], true, "{gate}");
    told.act(Member(Secretariat), &path, "adoption", why("Not mine to say."), 403).await;
    told.act(Member(Lead), &path, "adoption", why("The session determined it."), 200).await;
    told.act(Member(Lead), &path, "publication", why("For everybody."), 200).await;
    path
}

/// Tells the whole session, and ends by asking what came of it.
async fn session(world: World) -> Vec<String> {
    let mut told = Telling::new(world);
    let before = prepare(&mut told).await;
    let (event, stages) = convene(&mut told, &before).await;
    questions(&mut told, &before, &stages[0]).await;
    let mappings = framework(&mut told, &before, &event).await;
    let statement = statement(&mut told, &before, &event, &mappings).await;
    let follow_up = json!({"text": text("Prepare the deferred question"), "due_on": "2026-02-15",
        "owner_stakeholder_id": before.organisations[0]});
    let follow_up = told.make(Member(Facilitator), &format!("{event}/follow-ups"), follow_up).await;
    told.get(Member(Agency), "me/tasks").await;
    let path = format!("{event}/follow-ups/{}", id(&follow_up));
    told.edit(Member(Agency), &path, json!({"state": "done", "progress": "Written."})).await;
    for step in ["minutes_draft", "minutes_approved"] {
        let step = json!({"to": step, "reason": "Read and found right."});
        told.act(Member(Secretariat), &event, "transitions", step, 200).await;
    }
    told.get(Member(Observer), &format!("{event}/minutes")).await;
    told.get(Member(Observer), &format!("{statement}/basis")).await;
    told.get(Member(Observer), &format!("{{p}}/questions/{}/impact", before.questions[0])).await;
    let changed = told.get(Member(Observer), "{p}/diff?from=seq:1").await;
    assert!(!changed["items"].as_array().unwrap().is_empty(), "{changed}");
    told.get(Member(Observer), "{p}/translations/backlog?lang=en").await;
    for path in ["programs", "{p}/statements", "{p}/statements/S-1", "{p}/statements/S-1/editions/1", "{p}/questions"] {
        told.get(Nobody, &format!("public/{path}")).await;
    }
    told.get(Nobody, "public/{p}/events/E-1/minutes").await;
    told.world.verify();
    told.answers
}

#[actix_web::test]
async fn a_session_from_planned_event_to_published_statement_is_the_same_on_both_databases() {
    let sqlite = session(World::new(Kind::Sqlite).unwrap()).await;
    assert!(sqlite.len() > 90, "{}", sqlite.len());
    let Some(world) = World::new(Kind::Postgres) else { return };
    let postgres = session(world).await;
    assert_eq!(sqlite.len(), postgres.len());
    for (one, other) in sqlite.iter().zip(&postgres) {
        assert_eq!(one, other);
    }
}
