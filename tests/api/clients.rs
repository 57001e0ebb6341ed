//! Machines: what they are given, what opens it, and when it ends.

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    clients::tell_of_expiry,
    policy::{Role::*, Scope},
    schema::{client_keys, ledger_rows, stored_replies},
    secret,
};

use crate::{harness::*, imports::settle, inputs::input, neighbour, operations::*};

pub fn client(scopes: &[&str]) -> Value {
    json!({"role": "partner", "name": "Pelapor", "purpose": "Mengirim laporan.", "scopes": scopes,
        "expires_on": "2026-06-30"})
}

/// A client of the partner's organisation, and its key.
async fn keyed(world: &World, body: Value) -> (String, String) {
    let made = world.post(Member(Partner), "{p}/clients").json(body).expect(201).await;
    let key = new_key(world, &made.id()).await.expect(201);
    (made.id(), key.body["key"].as_str().unwrap().to_owned())
}

async fn now(world: &World, id: &str) -> Reply {
    world.get(Member(Lead), &format!("{{p}}/clients/{id}")).expect(200).await
}

async fn new_key(world: &World, id: &str) -> Reply {
    let etag = now(world, id).await.etag();
    world.post(Member(Partner), &format!("{{p}}/clients/{id}/keys")).if_match(&etag).json(json!({})).send().await
}

fn codes(reply: &Reply) -> Vec<(&str, &str)> {
    let errors = reply.body["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

async fn token(world: &World, form: Value) -> Reply {
    world.post(Nobody, "oauth/token").form(&form).send().await
}

fn grant(id: &str, key: &str) -> Value {
    json!({"grant_type": "client_credentials", "client_id": id, "client_secret": key})
}

story! {
    async fn a_client_is_made_for_an_organisation_and_seen_by_it(world) {
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.send"])).expect(201).await;
        let id = made.id();
        assert_eq!(made.body["stakeholder_id"], json!(world.seed.stakeholders["mitra"]));
        assert_eq!((&made.body["keys"], &made.body["state"]), (&json!([]), &json!("active")));
        for role in [Lead, Secretariat, Partner] {
            world.get(Member(role), &format!("{{p}}/clients/{id}")).expect(200).await;
            assert_eq!(world.get(Member(role), "{p}/clients").expect(200).await.items().len(), 1, "{role:?}");
        }
        world.get(Member(Agency), &format!("{{p}}/clients/{id}")).expect(404).await;
        assert!(world.get(Member(Agency), "{p}/clients").expect(200).await.items().is_empty());
        for role in [Facilitator, Observer, Admin] {
            world.get(Member(role), "{p}/clients").expect(403).await;
            world.post(Member(role), "{p}/clients").json(client(&["input.send"])).expect(403).await;
        }
        neighbour::sees_nothing_of(&world, "clients", &id).await;

        // The secretariat makes them for others too; an agency does not.
        let mut theirs = client(&["input.send"]);
        theirs["stakeholder_id"] = json!(world.seed.stakeholders["mitra"]);
        world.post(Member(Secretariat), "{p}/clients").json(theirs.clone()).expect(201).await;
        let refused = world.post(Member(Agency), "{p}/clients").json(theirs).expect(403).await;
        assert_eq!(refused.problem(), "not-own-organization");
        world.verify();
    }
}

story! {
    async fn nobody_gives_a_client_more_than_they_have(world) {
        let mut wrong = client(&["input.send", "no.such", "client.make", "membership.grant", "account.read", "input.decide"]);
        wrong["expires_on"] = json!("2027-06-30");
        wrong["allowed_addresses"] = json!(["192.0.2.0/24", "somewhere", "2001:db8::1"]);
        let refused = world.post(Member(Partner), "{p}/clients").json(wrong).expect(422).await;
        assert_eq!(codes(&refused), [
            ("/scopes/1", "unknown"), ("/scopes/2", "for_people"), ("/scopes/3", "for_people"), ("/scopes/4", "for_people"),
            ("/scopes/5", "not_of_role"), ("/expires_on", "too_late"), ("/allowed_addresses/1", "no_network"),
        ]);
        let mut past = client(&["input.send"]);
        past["expires_on"] = json!("2026-01-14");
        let refused = world.post(Member(Partner), "{p}/clients").json(past).expect(422).await;
        assert_eq!(codes(&refused), [("/expires_on", "past")]);
        let none = world.post(Member(Partner), "{p}/clients").json(client(&[])).expect(422).await;
        assert_eq!(none.pointers(), ["/scopes"]);
        let mut unending = client(&["input.send"]);
        unending.as_object_mut().unwrap().remove("expires_on");
        assert_eq!(world.post(Member(Partner), "{p}/clients").json(unending).expect(422).await.pointers(), ["/expires_on"]);

        // What a role may do, and what it sees.
        let mut stronger = client(&["input.decide"]);
        stronger["role"] = json!("secretariat");
        let refused = world.post(Member(Partner), "{p}/clients").json(stronger.clone()).expect(403).await;
        assert_eq!((refused.problem(), &refused.body["missing_actions"]), ("cannot-grant", &json!(["input.decide"])));
        stronger["scopes"] = json!(["input.send"]);
        stronger["role"] = json!("agency");
        world.post(Member(Agency), "{p}/clients").json(stronger.clone()).expect(201).await;
        stronger["role"] = json!("lead");
        let of_lead = world.post(Member(Lead), "{p}/clients").json(stronger.clone()).expect(201).await;
        let refused = world.post(Member(Secretariat), "{p}/clients").json(stronger).expect(403).await;
        assert_eq!(refused.problem(), "cannot-grant");
        // A key gives all that its client has.
        let path = format!("{{p}}/clients/{}", of_lead.id());
        let refused = world.post(Member(Secretariat), &format!("{path}/keys")).if_match(&of_lead.etag()).json(json!({})).expect(403).await;
        assert_eq!(refused.problem(), "cannot-grant");
        world.patch(Member(Secretariat), &path).if_match(&of_lead.etag()).patch(json!({"expires_on": "2026-03-01"})).expect(403).await;
        // Whoever may not give it may still take it away.
        let why = json!({"reason": "Kunci bocor."});
        world.post(Member(Secretariat), &format!("{path}/revocation")).if_match(&of_lead.etag()).json(why).expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_key_opens_what_its_client_was_given_and_no_more(world) {
        let (id, key) = keyed(&world, client(&["input.send", "input.read"])).await;
        assert_eq!(secret::kind(&key), Some("ck"));
        let machine = Bearer(key.clone());
        let sent = world.post(machine.clone(), "{p}/inputs").json(input("KB-1")).expect(201).await;
        assert_eq!(sent.body["stakeholder_id"], json!(world.seed.stakeholders["mitra"]));
        let allowed = sent.body["allowed_actions"].as_array().unwrap();
        assert_eq!(allowed, &[json!("input.read")], "what it was not given it is not offered");
        world.get(machine.clone(), &format!("{{p}}/inputs/{}", sent.id())).expect(200).await;
        let etag = sent.etag();
        let refused = world.patch(machine.clone(), &format!("{{p}}/inputs/{}", sent.id())).if_match(&etag).patch(json!({"text": "Lain."})).expect(403).await;
        assert_eq!(refused.problem(), "forbidden");
        let explained = world.get(machine.clone(), "access/explain?action=input.correct&on=jakarta").expect(200).await.body;
        assert_eq!((&explained["allowed"], &explained["beyond_scopes"], &explained["missing"]), (&json!(false), &json!(true), &json!([])));

        // The ledger names the machine and its organisation.
        let row: (Option<tangguh::db::Id>, Option<tangguh::db::Id>) = ledger_rows::table
            .filter(ledger_rows::action.eq("input.send"))
            .select((ledger_rows::account_id, ledger_rows::stakeholder_id))
            .first(&mut world.conn())
            .unwrap();
        assert_eq!((json!(row.0), json!(row.1)), (json!(id), json!(world.seed.stakeholders["mitra"])));
        // It finds out who it is; it is no person.
        let own = world.get(machine.clone(), "me/memberships").expect(200).await;
        assert_eq!((&own.items()[0]["program"], &own.items()[0]["role"]), (&json!("jakarta"), &json!("partner")));
        assert_eq!(world.get(machine.clone(), "me").expect(403).await.problem(), "for-people");
        assert_eq!(world.patch(machine.clone(), "me").if_match("\"1\"").patch(json!({"name": "X"})).expect(403).await.problem(), "for-people");
        world.get(machine.clone(), "me/limits").expect(200).await;
        world.get(machine.clone(), "me/tasks").expect(200).await;
        // Repeats are its own.
        let body = json!({"kind": "comment", "text": "Sekali lagi.", "language": "id"});
        let first = world.post(machine.clone(), "{p}/inputs").key("malam-1").json(body.clone()).expect(201).await;
        let again = world.post(machine.clone(), "{p}/inputs").key("malam-1").json(body.clone()).expect(201).await;
        assert_eq!((again.id(), again.header("idempotency-replayed")), (first.id(), Some("true")));
        let other = world.post(Member(Partner), "{p}/inputs").key("malam-1").json(body).expect(201).await;
        assert_ne!(other.id(), first.id());
        world.verify();
    }
}

story! {
    async fn each_operation_that_a_client_was_not_given_is_refused(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let (_, key) = keyed(&world, client(&["question.read"])).await;
        let machine = Bearer(key);
        for operation in OPERATIONS.iter() {
            let Some(action) = operation.action else { continue };
            let reply = things.ask(&world, machine.clone(), operation).if_match("\"999.none\"").send().await;
            is_documented(operation, &reply);
            let given = action.name() == "question.read";
            let status = reply.status.as_u16();
            let right = match action.scope() {
                Scope::Program if given => reply.status.is_success(),
                Scope::SignedIn => reply.status.is_success() || reply.problem() == "for-people",
                Scope::Program | Scope::Platform => (status, reply.problem()) == (403, "forbidden"),
            };
            assert!(right, "{}: {status} {}", operation.id, reply.text);
        }
        world.verify();
    }
}

story! {
    async fn a_key_is_shown_once_and_kept_as_a_hash(world) {
        let (id, key) = keyed(&world, client(&["input.read"])).await;
        let kept: Vec<String> = client_keys::table.select(client_keys::hash).load(&mut world.conn()).unwrap();
        assert_eq!(kept, [secret::hash(&key)]);
        let bodies: Vec<Option<String>> = ledger_rows::table.select(ledger_rows::body).load(&mut world.conn()).unwrap();
        let replies: Vec<String> = stored_replies::table.select(stored_replies::body).load(&mut world.conn()).unwrap();
        let whole = json!([bodies, replies, now(&world, &id).await.text]).to_string();
        assert!(!whole.contains(&key) && !whole.contains(&secret::hash(&key)));

        // Two at once, so that one can take over from the other.
        let second = new_key(&world, &id).await.expect(201);
        let third = new_key(&world, &id).await.expect(409);
        assert_eq!(codes(&third), [("", "too_many_keys")]);
        world.get(Bearer(key.clone()), "{p}/inputs").expect(200).await;
        let first = now(&world, &id).await;
        let first = (first.body["keys"][0]["id"].as_str().unwrap().to_owned(), first.etag());
        let path = format!("{{p}}/clients/{id}/keys/{}", first.0);
        world.delete(Member(Partner), &path).if_match("\"1\"").expect(412).await;
        world.delete(Member(Partner), &path).if_match(&first.1).expect(200).await;
        world.get(Bearer(key), "{p}/inputs").expect(401).await;
        world.get(Bearer(second.body["key"].as_str().unwrap().into()), "{p}/inputs").expect(200).await;
        let etag = now(&world, &id).await.etag();
        world.delete(Member(Partner), &path).if_match(&etag).expect(404).await;
        let told: Vec<String> = world.ledger().into_iter().map(|(action, _)| action).collect();
        assert_eq!(told, ["client.make", "client.make_key", "client.make_key", "client.end_key"]);
        world.verify();
    }
}

/// The time of a use is written by nobody who waits for it: it is there soon.
async fn last_use(world: &World, id: &str, other_than: &Value) -> Value {
    for _ in 0..1000 {
        let used = now(world, id).await.body["keys"][0]["last_used_at"].clone();
        if used != *other_than {
            return used;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the use of the key was never noted");
}

story! {
    async fn the_last_use_of_a_key_is_told_to_the_minute(world) {
        let (id, key) = keyed(&world, client(&["input.read"])).await;
        assert_eq!(now(&world, &id).await.body["keys"][0].get("last_used_at"), None);
        let read = async || world.get(Bearer(key.clone()), "{p}/inputs").expect(200).await;
        read().await;
        let first = last_use(&world, &id, &Value::Null).await;
        assert_eq!(first, "2026-01-15T02:00:00.000000Z");
        let before = now(&world, &id).await;
        let list = world.get(Member(Lead), "{p}/clients").expect(200).await;
        world.get(Member(Lead), "{p}/clients").header("if-none-match", &list.etag()).expect(304).await;
        world.clock.advance(TimeDelta::minutes(2));
        read().await;
        assert_eq!(last_use(&world, &id, &first).await, "2026-01-15T02:02:00.000000Z");
        // That is no change of the client.
        let after = now(&world, &id).await;
        assert_eq!(after.body["revision"], before.body["revision"]);
        assert_ne!(after.etag(), before.etag());
        // Whoever has the list of before is told, though no ledger has grown.
        let list = world.get(Member(Lead), "{p}/clients").header("if-none-match", &list.etag()).expect(200).await;
        assert_eq!(list.items()[0]["keys"][0]["last_used_at"], "2026-01-15T02:02:00.000000Z");
        world.verify();
    }
}

story! {
    async fn a_client_calls_from_where_it_may(world) {
        let mut body = client(&["input.read"]);
        body["allowed_addresses"] = json!(["198.51.100.0/24", "2001:db8::/32"]);
        let (id, key) = keyed(&world, body).await;
        let from = async |address: &str| world.get(Bearer(key.clone()), "{p}/inputs").from(address).send().await;
        from("198.51.100.7").await.expect(200);
        // What is known of the key does not open it elsewhere.
        assert_eq!(from("198.51.101.7").await.expect(401).problem(), "invalid-token");
        let got = world.post(Nobody, "oauth/token").from("198.51.100.9").form(&grant(&id, &key)).expect(200).await;
        world.post(Nobody, "oauth/token").from("203.0.113.9").form(&grant(&id, &key)).expect(401).await;
        let bearer = Bearer(got.body["access_token"].as_str().unwrap().into());
        world.get(bearer.clone(), "{p}/inputs").from("198.51.100.1").expect(200).await;
        world.get(bearer, "{p}/inputs").from("192.0.2.1").expect(401).await;
    }
}

story! {
    async fn a_client_ends_with_its_day_and_a_key_with_its_own(world) {
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.read"])).expect(201).await;
        let path = format!("{{p}}/clients/{}", made.id());
        let key = async |body: Value| {
            let etag = now(&world, &made.id()).await.etag();
            world.post(Member(Partner), &format!("{path}/keys")).if_match(&etag).json(body).send().await
        };
        for day in ["2026-01-14", "2026-07-01"] {
            assert_eq!(codes(&key(json!({"expires_on": day})).await.expect(422)), [("/expires_on", "out_of_range")]);
        }
        let short = key(json!({"expires_on": "2026-01-20"})).await.expect(201);
        let long = key(json!({})).await.expect(201);
        assert_eq!(long.body["expires_on"], "2026-06-30");
        let open = async |key: &Reply| {
            world.get(Bearer(key.body["key"].as_str().unwrap().into()), "{p}/inputs").send().await.status.as_u16()
        };
        // The day ends at midnight in Jakarta, which is 17:00 UTC.
        world.clock.advance(TimeDelta::days(5) + TimeDelta::hours(14));
        assert_eq!((open(&short).await, open(&long).await), (200, 200));
        world.clock.advance(TimeDelta::hours(1));
        assert_eq!((open(&short).await, open(&long).await), (401, 200));
        // One that is over is in nobody's way.
        key(json!({})).await.expect(201);
        assert_eq!(now(&world, &made.id()).await.body["keys"].as_array().unwrap().len(), 2);
        world.clock.advance(TimeDelta::days(170));
        assert_eq!(open(&long).await, 401);
        assert_eq!(codes(&key(json!({})).await.expect(409)), [("", "expired")]);
        // A later end gives it back.
        let etag = now(&world, &made.id()).await.etag();
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"expires_on": "2026-12-31"})).expect(200).await;
        assert_eq!(open(&long).await, 200);
        world.verify();
    }
}

story! {
    async fn a_revoked_client_is_out_at_once(world) {
        let (id, key) = keyed(&world, client(&["input.read", "input.send"])).await;
        let got = token(&world, grant(&id, &key)).await.expect(200);
        let bearers = [key.clone(), got.body["access_token"].as_str().unwrap().to_owned()].map(Bearer);
        let twin = world.twin();
        for bearer in &bearers {
            world.get(bearer.clone(), "{p}/inputs").expect(200).await;
            twin.get(bearer.clone(), "{p}/inputs").expect(200).await;
        }
        let (path, etag) = (format!("{{p}}/clients/{id}"), now(&world, &id).await.etag());
        let why = json!({"reason": "Laptop hilang."});
        let revoked = world.post(Member(Partner), &format!("{path}/revocation")).if_match(&etag).json(why.clone()).expect(200).await;
        assert_eq!((&revoked.body["state"], &revoked.body["keys"]), (&json!("revoked"), &json!([])));
        for bearer in &bearers {
            world.get(bearer.clone(), "{p}/inputs").expect(401).await;
            // Another instance knew it a moment ago: it reads, and writes nothing.
            twin.post(bearer.clone(), "{p}/inputs").json(input("KB-9")).expect(401).await;
        }
        token(&world, grant(&id, &key)).await.expect(401);
        for act in ["revocation", "keys"] {
            let body = if act == "keys" { json!({}) } else { why.clone() };
            let refused = world.post(Member(Partner), &format!("{path}/{act}")).if_match(&revoked.etag()).json(body).expect(409).await;
            assert_eq!(refused.problem(), "wrong-state");
        }
        world.clock.advance(TimeDelta::seconds(5));
        twin.get(bearers[0].clone(), "{p}/inputs").expect(401).await;
        world.verify();
    }
}

story! {
    async fn what_a_client_is_given_less_it_has_less_at_once(world) {
        let (id, key) = keyed(&world, client(&["input.read", "input.send"])).await;
        let twin = world.twin();
        twin.post(Bearer(key.clone()), "{p}/inputs").json(input("KB-1")).expect(201).await;
        let etag = now(&world, &id).await.etag();
        let path = format!("{{p}}/clients/{id}");
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"scopes": ["input.read"]})).expect(200).await;
        world.post(Bearer(key.clone()), "{p}/inputs").json(input("KB-2")).expect(403).await;
        twin.post(Bearer(key.clone()), "{p}/inputs").json(input("KB-2")).expect(403).await;
        world.get(Bearer(key), "{p}/inputs").expect(200).await;
    }
}

story! {
    async fn a_client_gets_a_token_as_oauth_has_it(world) {
        let (id, key) = keyed(&world, client(&["input.read", "input.send"])).await;
        let got = token(&world, grant(&id, &key)).await.expect(200);
        assert_eq!((&got.body["token_type"], &got.body["expires_in"], &got.body["scope"]), (&json!("Bearer"), &json!(900), &json!("input.read input.send")));
        assert_eq!(got.header("cache-control"), Some("no-store"));
        let bearer = Bearer(got.body["access_token"].as_str().unwrap().into());
        world.post(bearer.clone(), "{p}/inputs").json(input("KB-1")).expect(201).await;
        world.get(bearer.clone(), "{p}/questions").expect(403).await;
        world.clock.advance(TimeDelta::minutes(15));
        world.get(bearer, "{p}/inputs").expect(401).await;

        // HTTP Basic, and less than all.
        let basic = |id: &str, key: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{key}")));
        let by_basic = async |value: &str, form: Value| {
            world.post(Nobody, "oauth/token").header("authorization", value).form(&form).send().await
        };
        let less = json!({"grant_type": "client_credentials", "scope": "input.read"});
        let got = by_basic(&basic(&id, &key), less).await.expect(200);
        assert_eq!(got.body["scope"], "input.read");
        let narrow = Bearer(got.body["access_token"].as_str().unwrap().into());
        world.get(narrow.clone(), "{p}/inputs").expect(200).await;
        world.post(narrow, "{p}/inputs").json(input("KB-2")).expect(403).await;

        let bare = json!({"grant_type": "client_credentials"});
        let with = |member: &str, value: &str| {
            let mut form = grant(&id, &key);
            form[member] = json!(value);
            form
        };
        let other = keyed(&world, client(&["input.read"])).await;
        for (form, status, error) in [
            (with("grant_type", "password"), 400, "unsupported_grant_type"),
            (json!({"client_id": id, "client_secret": key}), 400, "invalid_request"),
            (with("grant_type", ""), 400, "invalid_request"),
            (with("scope", "input.read question.read"), 400, "invalid_scope"),
            (with("scope", "no.such"), 400, "invalid_scope"),
            (with("client_id", &other.0), 401, "invalid_client"),
            (with("client_secret", &format!("{key}x")), 401, "invalid_client"),
            (with("client_secret", &secret::Secret::new("ck").shown), 401, "invalid_client"),
            (with("client_secret", &secret::Secret::new("pw").shown), 401, "invalid_client"),
            (bare.clone(), 401, "invalid_client"),
        ] {
            let refused = token(&world, form.clone()).await.expect(status);
            assert_eq!((&refused.body["error"], refused.header("cache-control")), (&json!(error), Some("no-store")), "{form}");
            assert_eq!(refused.header("www-authenticate").is_some(), status == 401, "{form}");
            assert!(refused.body["error_description"].is_string() && refused.body.get("type").is_none(), "{}", refused.text);
        }
        by_basic(&basic(&id, "wrong"), bare.clone()).await.expect(401);
        by_basic("Basic ***", bare).await.expect(401);
        assert_eq!(by_basic(&basic(&id, &key), grant(&id, &key)).await.expect(400).body["error"], "invalid_request");
        let twice = format!("grant_type=client_credentials&grant_type=client_credentials&client_id={id}&client_secret={key}");
        let ask = world.post(Nobody, "oauth/token").header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(ask.bytes(twice.into_bytes()).expect(400).await.body["error"], "invalid_request");
        world.post(Nobody, "oauth/token").json(grant(&id, &key)).expect(415).await;
        let ask = world.post(Nobody, "oauth/token").header("content-type", "application/x-www-form-urlencoded");
        ask.bytes(vec![b'a'; 20_000]).expect(413).await;

        let told = world.get(Nobody, "//.well-known/oauth-authorization-server").expect(200).await.body;
        assert_eq!(told["token_endpoint"], "http://tangguh.test/api/v1/oauth/token");
        assert_eq!(told["grant_types_supported"], json!(["client_credentials"]));
        assert!(told["scopes_supported"].as_array().unwrap().contains(&json!("input.send")));
        assert!(!told["scopes_supported"].as_array().unwrap().contains(&json!("client.make")));
    }
}

story! {
    async fn a_client_takes_its_token_back(world) {
        let (id, key) = keyed(&world, client(&["input.read"])).await;
        let other = keyed(&world, client(&["input.read"])).await;
        let got = async |id: &str, key: &str| {
            token(&world, grant(id, key)).await.expect(200).body["access_token"].as_str().unwrap().to_owned()
        };
        let (first, second) = (got(&id, &key).await, got(&id, &key).await);
        let back = async |token: &str| {
            let form = json!({"token": token, "client_id": id, "client_secret": key});
            world.post(Nobody, "oauth/revoke").form(&form).send().await
        };
        world.get(Bearer(first.clone()), "{p}/inputs").expect(200).await;
        back(&first).await.expect(200);
        world.get(Bearer(first.clone()), "{p}/inputs").expect(401).await;
        world.get(Bearer(second), "{p}/inputs").expect(200).await;
        // Twice is once; what is none is none; another's is another's; a key is no token.
        back(&first).await.expect(200);
        back("nonsense").await.expect(200);
        let theirs = got(&other.0, &other.1).await;
        assert_eq!(back(&theirs).await.expect(400).body["error"], "invalid_request");
        world.get(Bearer(theirs), "{p}/inputs").expect(200).await;
        assert_eq!(back(&key).await.expect(400).body["error"], "unsupported_token_type");
        let unknown = json!({"token": first, "client_id": id, "client_secret": "wrong"});
        world.post(Nobody, "oauth/revoke").form(&unknown).expect(401).await;
        let mine = world.token(&Member(Lead)).unwrap();
        assert_eq!(back(&mine).await.expect(400).body["error"], "invalid_request");
        world.get(Bearer(mine), "me").expect(200).await;
    }
}

story! {
    async fn whoever_follows_is_told_before_a_client_ends(world) {
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.read"])).expect(201).await;
        let told = async || tell_of_expiry(&world.service).await.unwrap();
        assert_eq!(told().await, 0);
        // Its last day is 166 days off.
        for (days, stretch) in [(136, 30), (23, 7), (6, 1)] {
            world.clock.advance(TimeDelta::days(days));
            assert_eq!((told().await, told().await), (1, 0));
            assert_eq!(now(&world, &made.id()).await.body["expiry_told_days"], json!(stretch));
        }
        let etag = now(&world, &made.id()).await.etag();
        let path = format!("{{p}}/clients/{}", made.id());
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"expires_on": "2026-07-20"})).expect(200).await;
        assert_eq!((told().await, told().await), (1, 0));
        let changes = world.get(Member(Partner), "{p}/changes?types=client.expiring").expect(200).await;
        assert_eq!(changes.items().len(), 4);
        assert!(changes.items().iter().all(|change| change["account_id"].is_null()), "{}", changes.text);
        assert!(world.get(Member(Agency), "{p}/changes?types=client.expiring").expect(200).await.items().is_empty());
        world.verify();
    }
}

story! {
    async fn a_file_of_a_client_is_taken_while_its_key_holds(world) {
        let (id, key) = keyed(&world, client(&["input.send", "input.read"])).await;
        let machine = Bearer(key);
        let upload = async |reference: &str| {
            let ask = world.post(machine.clone(), "{p}/input-imports").header("content-type", "application/x-ndjson");
            ask.bytes(format!("{}\n", input(reference)).into_bytes()).expect(202).await.id()
        };
        let state = async |import: &str| {
            let import = world.get(Member(Lead), &format!("{{p}}/input-imports/{import}")).expect(200).await.body;
            (import["state"].clone(), import["failure"].clone())
        };
        let first = upload("F-1").await;
        settle(&world).await;
        assert_eq!(state(&first).await.0, "done");
        let sent = world.get(machine.clone(), "{p}/inputs?external_ref=F-1").expect(200).await;
        assert_eq!(sent.items()[0]["stakeholder_id"], json!(world.seed.stakeholders["mitra"]));
        // Between the file and its rows the client is revoked.
        let second = upload("F-2").await;
        let etag = now(&world, &id).await.etag();
        let why = json!({"reason": "Kunci bocor."});
        world.post(Member(Lead), &format!("{{p}}/clients/{id}/revocation")).if_match(&etag).json(why).expect(200).await;
        settle(&world).await;
        assert_eq!(state(&second).await, (json!("failed"), json!("right_ended")));
        assert!(world.get(Member(Lead), "{p}/inputs?external_ref=F-2").expect(200).await.items().is_empty());
        world.verify();
    }
}
