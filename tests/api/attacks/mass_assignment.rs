//! Members that are the service's own to set, sent along with those that are the client's.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, operations::*};

/// What somebody would like to set, with a value that would suit them.
fn wished() -> [(&'static str, Value); 24] {
    let id = json!("01890000-0000-7000-8000-000000000001");
    [
        ("id", id.clone()),
        ("revision", json!(1)),
        ("state", json!("validated")),
        ("role", json!("lead")),
        ("roles", json!(["admin"])),
        ("admin", json!(true)),
        ("is_admin", json!(true)),
        ("scopes", json!(["membership.grant"])),
        ("account_id", id.clone()),
        ("by_account_id", id.clone()),
        ("stakeholder_id", id.clone()),
        ("program", json!("porto")),
        ("program_id", id.clone()),
        ("ledger_id", id),
        ("sequence", json!(1)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("updated_at", json!("2020-01-01T00:00:00Z")),
        ("decided_at", json!("2020-01-01T00:00:00Z")),
        ("expires_at", json!("2099-01-01T00:00:00Z")),
        ("code", json!("Q-1.1")),
        ("result", json!({"outcome": "agreed"})),
        ("allowed_actions", json!(["account.edit"])),
        ("__proto__", json!({"admin": true})),
        ("constructor", json!({"prototype": {"admin": true}})),
    ]
}

/// The members that a schema knows, wherever it says so.
fn known(schema: &'static Value, found: &mut Vec<&'static str>) {
    let schema = resolved(schema);
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
    for parts in ["allOf", "anyOf", "oneOf"] {
        schema[parts].as_array().into_iter().flatten().for_each(|part| known(part, found));
    }
}

story! {
    async fn what_is_the_services_own_is_refused_by_name_in_every_body(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await.before_the_vote();
        let (mut tried, mut faults) = (0, Vec::new());
        let heads = world.heads();
        for operation in OPERATIONS.iter() {
            let (Some(schema), Some(good)) = (operation.body(), things.good(operation)) else { continue };
            let mut own = Vec::new();
            known(schema, &mut own);
            let who = signed_in(&world, &operation.who_may());
            let seen = match operation.is_pinned() {
                true => world.get(who.clone(), &things.fill(operation.resource())).expect(200).await.etag(),
                false => "\"1\"".into(),
            };
            // All of them in one body: each must be named.
            let wished: Vec<(&str, Value)> = wished().into_iter().filter(|(name, _)| !own.contains(name)).collect();
            let mut body = good;
            wished.iter().for_each(|(name, value)| body[*name] = value.clone());
            let ask = world.ask(who, operation.method.clone(), &things.fill(&operation.path)).if_match(&seen);
            let reply = if operation.is_patch() { ask.patch(body) } else { ask.json(body) }.send().await;
            let named = reply.pointers();
            tried += wished.len();
            let missed: Vec<&str> =
                wished.iter().map(|(name, _)| *name).filter(|name| !named.contains(&format!("/{name}").as_str())).collect();
            if reply.status != 422 || !missed.is_empty() {
                faults.push(format!("{} answers {} and does not name {missed:?}", operation.id, reply.status));
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert!(tried > 1500, "only {tried} members were tried");
        assert_eq!(world.heads(), heads, "something was changed");
        world.verify();
    }
}

story! {
    async fn an_unknown_member_is_refused_however_deep_it_stands(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await.before_the_vote();
        let mut faults = Vec::new();
        let heads = world.heads();
        for operation in OPERATIONS.iter() {
            let (Some(_), Some(good)) = (operation.body(), things.good(operation)) else { continue };
            let who = signed_in(&world, &operation.who_may());
            let seen = match operation.is_pinned() {
                true => world.get(who.clone(), &things.fill(operation.resource())).expect(200).await.etag(),
                false => "\"1\"".into(),
            };
            let mut places = Vec::new();
            objects(&good, String::new(), &mut places);
            for place in places {
                let mut body = good.clone();
                body.pointer_mut(&place).unwrap()["is_admin"] = json!(true);
                let ask = world.ask(who.clone(), operation.method.clone(), &things.fill(&operation.path)).if_match(&seen);
                let reply = if operation.is_patch() { ask.patch(body) } else { ask.json(body) }.send().await;
                if reply.status != 422 {
                    faults.push(format!("{} answers {} at {place}: {}", operation.id, reply.status, reply.text));
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        assert_eq!(world.heads(), heads, "something was changed");
    }
}

/// Where an object stands in a value.
fn objects(value: &Value, place: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                objects(value, format!("{place}/{name}"), found);
            }
            found.push(place);
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| objects(item, format!("{place}/{number}"), found));
        }
        _ => {}
    }
}
