//! Ids of another organisation and of another programme, in every position that takes one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    db::Id,
    policy::Role::{self, *},
    schema::ledger_rows,
};

use crate::{harness::*, operations::*};

story! {
    async fn a_programme_neither_shows_nor_changes_a_thing_of_another(world) {
        let ours = Things::make(&world, "jakarta", Member(Lead)).await;
        let theirs = Things::make(&world, "porto", Neighbour(Lead)).await;
        let astray = theirs.under("jakarta");
        let before = whole(&world, &theirs).await;
        let members: BTreeMap<&str, Who> =
            Role::ALL.iter().map(|role| (role.name(), signed_in(&world, &Member(*role)))).collect();
        let of_program = OPERATIONS.iter().filter(|operation| operation.action.is_some());
        let of_program = of_program.filter(|operation| operation.path.contains("/programs/{program}/"));
        for operation in of_program {
            let roles: Vec<Role> = operation.action.unwrap().roles().iter().collect();
            if operation.parameters("path").len() > 1 {
                let seen = before.iter().find(|(path, _)| *path == operation.resource());
                let seen = seen.map_or("\"1\"".into(), |(_, body)| format!("\"{}\"", body["revision"]));
                for role in roles {
                    // The bodies name things of ours, so that only the path is wrong.
                    let path = astray.fill(&operation.path);
                    let mut ask = world.ask(members[role.name()].clone(), operation.method.clone(), &path).if_match(&seen);
                    ask = match ours.good(operation) {
                        Some(body) if operation.is_patch() => ask.patch(body),
                        Some(body) => ask.json(body),
                        None => ask,
                    };
                    let reply = ask.send().await;
                    assert_eq!(reply.status, 404, "{} by {role:?}: {}", operation.id, reply.text);
                }
            } else if operation.method == "GET" {
                for role in roles {
                    let shown = ours.ask(&world, members[role.name()].clone(), operation).expect(200).await.text;
                    for (name, id) in theirs.own_ids() {
                        assert!(!shown.contains(id), "{} shows {role:?} their {name}: {shown}", operation.id);
                    }
                }
            }
        }
        assert_eq!(whole(&world, &theirs).await, before);
        world.verify();
    }
}

/// Every thing of a programme, by the path of the document.
async fn whole(world: &World, things: &Things) -> Vec<(&'static str, Value)> {
    let mut found = Vec::new();
    for operation in OPERATIONS.iter() {
        let of_program = operation.path.contains("/programs/{program}/") && operation.path.ends_with("_id}");
        if operation.method == "GET" && of_program {
            let path = things.fill(&operation.path);
            found.push((operation.path.as_str(), world.get(Neighbour(Lead), &path).expect(200).await.body));
        }
    }
    found
}

/// Where a body of this schema can name something: pointers, with the first of each array.
fn places(schema: &'static Value, place: String, found: &mut BTreeSet<String>) {
    let schema = resolved(schema);
    for parts in ["allOf", "anyOf", "oneOf"] {
        schema[parts].as_array().into_iter().flatten().for_each(|part| places(part, place.clone(), found));
    }
    if let Some(items) = schema.get("items") {
        places(items, format!("{place}/0"), found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match name.as_str() {
            name if name == "id" || name.ends_with("_id") => _ = found.insert(place),
            name if name.ends_with("_ids") => _ = found.insert(format!("{place}/0")),
            _ => places(member, place, found),
        }
    }
}

/// What comes before the reference is looked at: their ballot is open. The same is tried where a ballot is prepared, and
/// where a whole stage's decisions are kept.
const OUT_OF_STATE: [&str; 2] = ["edit_ballot", "decide_ballot"];

/// Which of a programme's own things stands in a place; none where it is something that all programmes share.
fn of_program(operation: &Operation, place: &str) -> Option<&'static str> {
    let name = place.trim_end_matches("/0").rsplit('/').next()?;
    Some(match name {
        "document_id" | "evidence_ids" | "material_ids" => "document_id",
        "input_id" | "merged_into_id" => "input_id",
        // Of subjects, bases and effects: each is tried as a question.
        "question_id" | "id" => "question_id",
        "into_id" if operation.path.contains("{program}") => "question_id",
        "focus_area_id" | "focus_area_ids" => "focus_area_id",
        "shock_or_stress_ids" => "shock_or_stress_id",
        "supersedes_id" => "statement_id",
        "phase_id" => "phase_id",
        "event_id" => "event_id",
        "ballot_id" => "ballot_id",
        "consultation_id" => "consultation_id",
        "membership_ids" => "membership_id",
        "client_ids" => "client_id",
        "stakeholder_id"
        | "stakeholder_ids"
        | "lead_stakeholder_id"
        | "chair_stakeholder_id"
        | "owner_stakeholder_id"
        | "represented_by_id"
        | "parent_id"
        | "predecessor_ids"
        | "successor_ids"
        | "account_id"
        | "assigned_to_id"
        | "into_id" => return None,
        other => panic!("say what {other} names, at {place} of {}", operation.id),
    })
}

/// What must stand beside an id, by the name of what holds it.
fn beside(things: &Things, holder: &str) -> Value {
    let question = things.id("question_id");
    match holder {
        "sources" => json!({"standing": "reported"}),
        "deliverables" => json!({"name": {"id": "Buku"}, "state": "issued"}),
        "subject" | "subjects" => json!({"kind": "question"}),
        "effects" | "basis" => json!({"kind": "question", "revision": 3}),
        "groups" => json!({"name": {"id": "Meja 1"}}),
        "decisions" => json!({"question_id": question, "on_revision": 3, "kind": "defer", "reason": "Lain kali."}),
        "votes" => {
            json!({"ballot_id": things.id("ballot_id"), "stakeholder_id": things.id("stakeholder_id"), "value": "agree"})
        }
        _ => json!({}),
    }
}

/// A body with this id in this place, and in all else as it was.
fn placed(things: &Things, mut body: Value, place: &str, id: &str) -> Value {
    let words: Vec<&str> = place[1..].split('/').collect();
    let mut at = &mut body;
    for (number, word) in words.iter().enumerate() {
        let array = words.get(number + 1) == Some(&"0");
        at = match word {
            &"0" => {
                let items = at.as_array_mut().unwrap();
                if items.is_empty() {
                    items.push(if number + 1 == words.len() { json!(null) } else { beside(things, words[number - 1]) });
                }
                &mut items[0]
            }
            name => {
                let missing = at.get(*name).is_none_or(Value::is_null);
                if missing && number + 1 < words.len() {
                    at[*name] = if array { json!([]) } else { beside(things, name) };
                }
                &mut at[*name]
            }
        };
    }
    *at = json!(id);
    // What can only be said together.
    match place.rsplit('/').next() {
        Some("merged_into_id") => body = merged(body, place),
        Some("into_id") if place.starts_with("/decisions") => body["decisions"][0]["kind"] = json!("merge"),
        Some("focus_area_id") if place.starts_with("/decisions") => body["decisions"][0]["kind"] = json!("move"),
        Some("into_id") if body.get("on_revision").is_some() => body["kind"] = json!("merge"),
        Some("focus_area_id") if body.get("on_revision").is_some() => body["kind"] = json!("move"),
        _ => {}
    }
    body
}

/// A decision that merges an input.
fn merged(mut body: Value, place: &str) -> Value {
    let decision = if place.starts_with("/decision/") { &mut body["decision"] } else { &mut body };
    decision["kind"] = json!("merged");
    body
}

story! {
    async fn a_body_cannot_refer_to_a_thing_of_another_programme(world) {
        let ours = Things::make(&world, "jakarta", Member(Lead)).await.before_the_vote();
        let theirs = Things::make(&world, "porto", Neighbour(Lead)).await;
        let path = format!("{{p}}/inputs/{}/transitions", ours.id("input_id"));
        let step = json!({"to": "acknowledged", "reason": "Sudah dibaca."});
        world.post(Member(Lead), &path).if_match("\"1\"").json(step).expect(200).await;
        let heads = world.heads();
        let (mut tried, mut faults) = (0, Vec::new());
        for operation in OPERATIONS.iter() {
            let (Some(schema), Some(good)) = (operation.body(), ours.good(operation)) else { continue };
            let mut found = BTreeSet::new();
            places(schema, String::new(), &mut found);
            for place in found {
                let Some(name) = of_program(operation, &place) else { continue };
                let who = signed_in(&world, &operation.who_may());
                let mut ask = world.ask(who.clone(), operation.method.clone(), &ours.fill(&operation.path));
                if operation.is_pinned() {
                    ask = ask.if_match(&world.get(who, &ours.fill(operation.resource())).expect(200).await.etag());
                }
                let body = placed(&ours, good.clone(), &place, theirs.id(name));
                let shown = body.to_string();
                let reply = if operation.is_patch() { ask.patch(body) } else { ask.json(body) }.send().await;
                tried += 1;
                // Of what is named by kind, id and revision, all of it is pointed at.
                let here = |pointer: &&str| *pointer == place || format!("{pointer}/id") == place;
                let told = [409, 422].contains(&reply.status.as_u16()) && reply.pointers().iter().any(here);
                let told = told || (OUT_OF_STATE.contains(&operation.id.as_str()) && reply.status == 409);
                if !told {
                    faults.push(format!("{} at {place}: {} {}\n  {shown}", operation.id, reply.status, reply.text));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert!(tried > 60, "only {tried} places were tried");
        assert_eq!(world.heads(), heads);
    }
}

story! {
    async fn a_partner_gets_at_nothing_of_another_organisation(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await.before_the_vote();
        let own = world.seed.stakeholders["tetangga"];
        let hidden: Vec<&str> =
            ["input_id", "client_id", "key_id", "import_id", "webhook_id", "invitation_id"].map(|name| things.id(name)).to_vec();
        for role in ["partner", "agency"] {
            let grant = json!({"account_id": world.account(&Outsider), "stakeholder_id": own, "role": role, "from_on": "2026-01-01"});
            world.post(Member(Lead), "{p}/memberships").json(grant).expect(201).await;
            world.clock.advance(TimeDelta::seconds(6));
            let who = signed_in(&world, &Outsider);
            for operation in OPERATIONS.iter().filter(|operation| operation.path.contains("{program}") && operation.action.is_some()) {
                let mut bodies = vec![things.good(operation)];
                // And in the name of the other organisation, wherever a body can say whose something is.
                let mut found = BTreeSet::new();
                operation.body().into_iter().for_each(|schema| places(schema, String::new(), &mut found));
                for place in found.iter().filter(|place| place.ends_with("/stakeholder_id")) {
                    bodies.push(Some(placed(&things, things.good(operation).unwrap(), place, things.id("stakeholder_id"))));
                }
                for body in bodies {
                    let mut ask = world.ask(who.clone(), operation.method.clone(), &things.fill(&operation.path));
                    if operation.is_pinned() {
                        // At the revision that stands, which it may have come to know: only whose it is stands in the way.
                        ask = ask.if_match(&world.get(Member(Lead), &things.fill(operation.resource())).expect(200).await.etag());
                    }
                    let reply = match body {
                        Some(body) if operation.is_patch() => ask.patch(body),
                        Some(body) => ask.json(body),
                        None => match operation.file() {
                            Some((media, _)) => ask.header("content-type", media).bytes(Vec::new()),
                            None => ask,
                        },
                    };
                    let reply = reply.send().await;
                    assert!(!reply.status.is_server_error(), "{}: {}", operation.id, reply.text);
                    if operation.method == "GET" && role == "partner" {
                        for id in &hidden {
                            assert!(!reply.text.contains(id) || !reply.status.is_success(), "{} shows {id}: {}", operation.id, reply.text);
                        }
                    }
                }
            }
        }
        // What it did, it did for its own organisation, to things that it made itself.
        let done: Vec<(Id, String, Id, i32, Option<Id>)> = ledger_rows::table
            .filter(ledger_rows::account_id.eq(world.account(&Outsider)))
            .order(ledger_rows::sequence)
            .select((ledger_rows::ledger_id, ledger_rows::action, ledger_rows::subject_id, ledger_rows::revision, ledger_rows::stakeholder_id))
            .load(&mut world.conn())
            .unwrap();
        assert!(done.len() > 3, "it could do nothing, so nothing was shown: {done:?}");
        let mut made = BTreeSet::new();
        for (_, action, subject, revision, stakeholder) in done {
            assert_eq!(stakeholder, Some(own), "{action} was done for another organisation");
            assert!(revision == 1 || made.contains(&subject), "{action} was done to a thing of others");
            made.insert(subject);
        }
        for table in ["input", "client", "webhook", "vote", "position", "mapping", "criterion"] {
            let bodies: Vec<(Id, Option<String>)> = ledger_rows::table
                .filter(ledger_rows::subject_kind.eq(table))
                .filter(ledger_rows::account_id.eq(world.account(&Outsider)))
                .select((ledger_rows::subject_id, ledger_rows::body))
                .load(&mut world.conn())
                .unwrap();
            for (_, body) in bodies {
                let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
                assert_eq!(body["stakeholder_id"], json!(own), "{table}: {body}");
            }
        }
        world.verify();
    }
}
