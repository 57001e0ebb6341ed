//! What a statement rests on and what is done with one, through the API: for the stories about statements.

use actix_web::http::Method;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::harness::*;

/// One revision of something that a statement can rest on.
#[derive(Clone, Debug)]
pub struct Ref {
    pub kind: &'static str,
    pub id: String,
    pub revision: i64,
}

impl Ref {
    pub fn of(kind: &'static str, reply: &Reply) -> Ref {
        Ref { kind, id: reply.id(), revision: reply.body["revision"].as_i64().unwrap() }
    }

    pub fn entry(&self) -> Value {
        json!({"kind": self.kind, "id": self.id, "revision": self.revision})
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }
}

pub fn why() -> Value {
    json!({"reason": "Demikian disepakati."})
}

/// A question of this focus area, proposed.
pub async fn proposed(world: &World, area: &str) -> Ref {
    let body =
        json!({"focus_area_id": area, "text": {"id": "Siapa yang pertama terendam?", "en": "Who floods first?"}});
    let asked = world.post(Member(Lead), "{p}/questions").json(body).expect(201).await;
    review(world, &Ref::of("question", &asked), "proposed").await
}

/// A plain step of a question's life.
pub async fn review(world: &World, question: &Ref, to: &str) -> Ref {
    let path = format!("{{p}}/questions/{}/transitions", question.id);
    let body = json!({"to": to, "reason": "Dibahas."});
    Ref::of("question", &world.post(Member(Lead), &path).if_match(&question.etag()).json(body).expect(200).await)
}

/// Finds a question right that is proposed.
pub async fn validate(world: &World, question: &Ref) -> Ref {
    let question = review(world, question, "in_review").await;
    let path = format!("{{p}}/questions/{}/validation", question.id);
    Ref::of("question", &world.post(Member(Lead), &path).if_match(&question.etag()).json(why()).expect(200).await)
}

/// A question of this focus area, validated.
pub async fn validated(world: &World, area: &str) -> Ref {
    let question = proposed(world, area).await;
    validate(world, &question).await
}

/// A new wording, by which the question is proposed again.
pub async fn reword(world: &World, question: &Ref, text: &str) -> Ref {
    let path = format!("{{p}}/questions/{}/revisions", question.id);
    let body = json!({"text": {"id": text}, "reason_kind": "wording", "reason": "Lebih tajam."});
    Ref::of("question", &world.post(Member(Lead), &path).if_match(&question.etag()).json(body).expect(201).await)
}

/// A proposed mapping of a focus area.
pub async fn mapping(world: &World, area: &str) -> Ref {
    let body = json!({"subject": {"kind": "focus_area", "id": area}, "framework": "CRI", "node": "CRI-1.1",
        "strength": "primary", "rationale": {"id": "Hunian aman"}});
    Ref::of("mapping", &world.post(Member(Facilitator), "{p}/mappings").json(body).expect(201).await)
}

/// A proposed criterion.
pub async fn criterion(world: &World) -> Ref {
    let body = json!({"text": {"id": "Pulih dalam tiga hari"}});
    Ref::of("criterion", &world.post(Member(Facilitator), "{p}/criteria").json(body).expect(201).await)
}

/// Validates or rejects a mapping or a criterion.
pub async fn judge(world: &World, proposal: &Ref, to: &str) -> Ref {
    let collection = if proposal.kind == "mapping" { "mappings" } else { "criteria" };
    let path = format!("{{p}}/{collection}/{}/transitions", proposal.id);
    let body = json!({"to": to, "reason": "Disepakati."});
    let judged = world.post(Member(Facilitator), &path).if_match(&proposal.etag()).json(body).expect(200).await;
    Ref::of(proposal.kind, &judged)
}

/// Lets an organisation of the template take part; it may do so already.
pub async fn takes_part(world: &World, name: &str) -> String {
    let id = world.seed.stakeholders[name].to_string();
    let body = json!({"stakeholder_id": id, "capacity": "member"});
    let reply = world.post(Member(Lead), "{p}/stakeholders").json(body).send().await;
    assert!([201, 409].contains(&reply.status.as_u16()), "{}", reply.text);
    id
}

/// An event, in a phase or in none.
pub async fn event(world: &World, phase: Option<&str>) -> Reply {
    let body = json!({"kind": "working_session", "name": {"id": "Sidang kerja"}, "phase_id": phase});
    world.post(Member(Lead), "{p}/events").json(body).expect(201).await
}

/// A closed ballot on a question, in which one organisation voted.
pub async fn closed_ballot(world: &World, question: &Ref) -> Ref {
    let voter = takes_part(world, "dinas").await;
    let event = event(world, None).await.id();
    let stage = json!({"number": 1, "name": {"id": "Pertanyaan"}, "electorate": [voter]});
    let stage = world.post(Member(Lead), &format!("{{p}}/events/{event}/stages")).json(stage).expect(201).await.id();
    let body = json!({"question_id": question.id, "method": "consensus", "rule": {"threshold_percent": 100},
        "quorum": 1, "unit": "organization"});
    let path = format!("{{p}}/events/{event}/stages/{stage}/ballots");
    let mut ballot = Ref::of("ballot", &world.post(Member(Facilitator), &path).json(body).expect(201).await);
    let path = format!("{{p}}/ballots/{}", ballot.id);
    for act in ["opening", "closing"] {
        if act == "closing" {
            let vote = world.ask(Member(Agency), Method::PUT, &format!("{path}/votes/{voter}"));
            vote.json(json!({"value": "agree"})).expect(200).await;
        }
        let now = world.get(Member(Lead), &path).expect(200).await.etag();
        let acted = world.post(Member(Facilitator), &format!("{path}/{act}")).if_match(&now).json(why());
        ballot = Ref::of("ballot", &acted.expect(200).await);
    }
    ballot
}

/// Keeps the question of a closed ballot, which validates it.
pub async fn decide(world: &World, ballot: &Ref) -> Ref {
    let path = format!("{{p}}/ballots/{}", ballot.id);
    let told = world.get(Member(Lead), &path).expect(200).await.body;
    let body = json!({"on_revision": told["question_revision"], "kind": "keep", "reason": "Mufakat."});
    world.post(Member(Facilitator), &format!("{path}/decision")).json(body).expect(201).await;
    Ref::of("ballot", &world.get(Member(Lead), &path).expect(200).await)
}

/// One section of a statement.
pub fn section(area: &str, basis: &[&Ref]) -> Value {
    let basis: Vec<Value> = basis.iter().map(|one| one.entry()).collect();
    json!({"focus_area_id": area, "text": {"id": "Kota siap menghadapi banjir.", "en": "The city is ready for floods."},
        "basis": basis})
}

/// The content of a statement with these sections.
pub fn content(sections: &[Value]) -> Value {
    json!({"title": {"id": "Status ketahanan kota", "en": "The city's resilience"},
        "overall": {"text": {"id": "Kota ini tangguh.", "en": "This city is resilient."}}, "sections": sections})
}

pub async fn draft(world: &World, content: &Value) -> Ref {
    Ref::of("statement", &world.post(Member(Secretariat), "{p}/statements").json(content.clone()).expect(201).await)
}

/// New content for a statement.
pub async fn revise(world: &World, statement: &Ref, content: &Value) -> Ref {
    let mut body = content.clone();
    body["reason"] = json!("Disempurnakan.");
    let path = format!("{{p}}/statements/{}/revisions", statement.id);
    let revised = world.post(Member(Secretariat), &path).if_match(&statement.etag()).json(body).expect(201).await;
    Ref::of("statement", &revised)
}

/// A plain step of a statement's life.
pub async fn advance(world: &World, statement: &Ref, to: &str) -> Ref {
    let path = format!("{{p}}/statements/{}/transitions", statement.id);
    let body = json!({"to": to, "reason": "Sudah waktunya."});
    let stepped = world.post(Member(Secretariat), &path).if_match(&statement.etag()).json(body).expect(200).await;
    Ref::of("statement", &stepped)
}

/// A statement with this content, as far as `proposed`.
pub async fn proposed_statement(world: &World, content: &Value) -> Ref {
    let statement = draft(world, content).await;
    let statement = advance(world, &statement, "in_alignment").await;
    advance(world, &statement, "proposed").await
}

pub async fn adopt(world: &World, statement: &Ref) -> Reply {
    let path = format!("{{p}}/statements/{}/adoption", statement.id);
    world.post(Member(Lead), &path).if_match(&statement.etag()).json(why()).send().await
}

pub async fn publish(world: &World, statement: &Ref) -> Reply {
    let path = format!("{{p}}/statements/{}/publication", statement.id);
    world.post(Member(Lead), &path).if_match(&statement.etag()).json(why()).send().await
}

/// The codes of what stands in the way, in order.
pub async fn gate(world: &World, statement: &Ref) -> Vec<String> {
    codes(&world.get(Member(Observer), &format!("{{p}}/statements/{}/gate", statement.id)).expect(200).await)
}

pub fn codes(reply: &Reply) -> Vec<String> {
    let obstacles = reply.body["obstacles"].as_array().expect("obstacles");
    obstacles.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// Takes a position for the organisation of this name.
pub async fn take(world: &World, who: Who, statement: &Ref, name: &str, kind: &str, comment: Option<&str>) -> Reply {
    let body = json!({"on_revision": statement.revision, "kind": kind, "comment": comment});
    let stakeholder = world.seed.stakeholders[name];
    let path = format!("{{p}}/statements/{}/positions/{stakeholder}", statement.id);
    world.ask(who, Method::PUT, &path).json(body).send().await
}
