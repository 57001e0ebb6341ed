//! A room to decide in: an event with one stage, and the organisations that vote in it.

use actix_web::http::Method;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    policy::Role::*,
    schema::{ledger_rows, stored_replies},
};

use crate::harness::*;

/// The role that runs events, and decides nothing else.
pub const HOST: Who = Member(Facilitator);

pub struct Room<'w> {
    pub world: &'w World,
    pub dinas: String,
    pub mitra: String,
    pub sekretariat: String,
    /// Where the event is, below `/api/v1/`.
    pub event: String,
    /// Where its stage is.
    pub stage: String,
}

impl<'w> Room<'w> {
    /// Three organisations take part; the first two are the electorate of the stage.
    pub async fn new(world: &'w World) -> Room<'w> {
        let mut ids = Vec::new();
        for name in ["dinas", "mitra", "sekretariat"] {
            let id = world.seed.stakeholders[name].to_string();
            takes_part(world, &id).await;
            ids.push(id);
        }
        let [dinas, mitra, sekretariat] = ids.try_into().unwrap();
        let planned = json!({"kind": "working_session", "name": {"id": "Rapat kerja", "en": "Working session"}});
        let event = world.post(Member(Lead), "{p}/events").json(planned).expect(201).await.id();
        let event = format!("{{p}}/events/{event}");
        let stage =
            json!({"number": 1, "name": {"id": "Pembahasan", "en": "Discussion"}, "electorate": [dinas, mitra]});
        let stage = world.post(Member(Lead), &format!("{event}/stages")).json(stage).expect(201).await.id();
        let stage = format!("{event}/stages/{stage}");
        Room { world, dinas, mitra, sekretariat, event, stage }
    }

    /// More organisations of a kind, which take part and vote in the stage too.
    pub async fn more(&self, kind: &str, count: usize) -> Vec<String> {
        let mut made = Vec::new();
        for number in 0..count {
            let body = json!({"names": [{"name": {"id": format!("{kind} {number}")}}], "kind": kind});
            let id = self.world.post(Member(Lead), "stakeholders").json(body).expect(201).await.id();
            takes_part(self.world, &id).await;
            made.push(id);
        }
        let stage = self.world.get(HOST, &self.stage).expect(200).await;
        let mut electorate = stage.body["electorate"].as_array().unwrap().clone();
        electorate.extend(made.iter().map(|id| json!(id)));
        let patch = json!({"electorate": electorate});
        self.world.patch(Member(Lead), &self.stage).if_match(&stage.etag()).patch(patch).expect(200).await;
        made
    }

    /// A question that was proposed: at revision 2.
    pub async fn proposed(&self) -> String {
        let asked = self.world.question().await;
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        let path = format!("{{p}}/questions/{}/transitions", asked.id());
        self.world.post(Member(Lead), &path).if_match(&asked.etag()).json(step).expect(200).await;
        asked.id()
    }

    /// A draft ballot: by consensus, with a quorum of one, and whatever else is said.
    pub async fn prepared(&self, more: Value) -> String {
        let ballot = self.world.post(HOST, &format!("{}/ballots", self.stage)).json(consensus(more)).expect(201).await;
        format!("{{p}}/ballots/{}", ballot.id())
    }

    /// A ballot that is open.
    pub async fn open(&self, more: Value) -> String {
        let ballot = self.prepared(more).await;
        self.act(HOST, &ballot, "opening").await.expect(200);
        ballot
    }

    /// A closed ballot on a question at revision 3, to which both agreed.
    pub async fn closed_on(&self, question: &str) -> String {
        let ballot = self.open(json!({"question_id": question})).await;
        for stakeholder in [&self.dinas, &self.mitra] {
            self.vote(HOST, &ballot, stakeholder, json!({"value": "agree"})).await.expect(200);
        }
        self.act(HOST, &ballot, "closing").await.expect(200);
        ballot
    }

    /// An act with a reason, on what stands there now.
    pub async fn act(&self, who: Who, path: &str, act: &str) -> Reply {
        self.act_with(who, path, act, json!({"reason": "Demikian."})).await
    }

    pub async fn act_with(&self, who: Who, path: &str, act: &str, body: Value) -> Reply {
        let etag = self.world.get(Member(Lead), path).expect(200).await.etag();
        self.world.post(who, &format!("{path}/{act}")).if_match(&etag).json(body).send().await
    }

    pub async fn patch(&self, who: Who, path: &str, body: Value) -> Reply {
        let etag = self.world.get(Member(Lead), path).expect(200).await.etag();
        self.world.patch(who, path).if_match(&etag).patch(body).send().await
    }

    pub async fn put(&self, who: Who, path: &str, body: Value) -> Reply {
        self.world.ask(who, Method::PUT, path).json(body).send().await
    }

    pub async fn vote(&self, who: Who, ballot: &str, stakeholder: &str, body: Value) -> Reply {
        self.put(who, &format!("{ballot}/votes/{stakeholder}"), body).await
    }

    pub async fn attend(&self, items: Value) -> Reply {
        self.put(HOST, &format!("{}/attendance", self.event), json!({"items": items})).await
    }

    pub async fn decide(&self, ballot: &str, body: Value) -> Reply {
        self.world.post(HOST, &format!("{ballot}/decision")).json(body).send().await
    }

    pub async fn outcomes(&self, body: Value) -> Reply {
        self.world.post(HOST, &format!("{}/outcomes", self.stage)).json(body).send().await
    }

    /// Takes the event through these states.
    pub async fn steps(&self, states: &[&str]) {
        for to in states {
            let step = json!({"to": to, "reason": "Demikian."});
            self.act_with(Member(Lead), &self.event, "transitions", step).await.expect(200);
        }
    }

    pub async fn question(&self, id: &str) -> Value {
        self.world.get(HOST, &format!("{{p}}/questions/{id}")).expect(200).await.body
    }
}

async fn takes_part(world: &World, stakeholder: &str) {
    let body = json!({"stakeholder_id": stakeholder, "capacity": "member"});
    world.post(Member(Lead), "{p}/stakeholders").json(body).expect(201).await;
}

/// A ballot by consensus, and whatever else is said.
pub fn consensus(more: Value) -> Value {
    let mut ballot = json!({"title": {"id": "Setuju?", "en": "Agreed?"}, "method": "consensus",
        "rule": {"threshold_percent": 60}, "quorum": 1, "unit": "organization"});
    ballot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ballot
}

/// The last part of a path.
pub fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Everything that the ledger and the stored replies hold, as text.
pub fn kept(world: &World) -> String {
    let mut conn = world.conn();
    let rows: Vec<Option<String>> = ledger_rows::table.select(ledger_rows::body).load(&mut conn).unwrap();
    let replies: Vec<String> = stored_replies::table.select(stored_replies::body).load(&mut conn).unwrap();
    rows.into_iter().flatten().chain(replies).collect::<Vec<_>>().join("\n")
}

/// How many replies are kept for their keys.
pub fn kept_replies(world: &World) -> i64 {
    stored_replies::table.count().get_result(&mut world.conn()).unwrap()
}

/// Ends an organisation's part in the programme.
pub async fn leave(world: &World, id: &str) {
    let path = format!("{{p}}/stakeholders/{id}");
    let now = world.get(Member(Secretariat), &path).expect(200).await.etag();
    world.delete(Member(Secretariat), &path).if_match(&now).expect(204).await;
}
