//! Access tokens, and the keys that sign them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use diesel::prelude::*;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tangguh::{
    config::Settings,
    db::Id,
    keys,
    policy::Role::*,
    schema::sign_ins,
    seal::Sealer,
    start,
    token::{Key, KeyRing, KeyUse},
};

use crate::{harness::*, idempotency::end_membership};

fn keys_of(world: &World) -> Vec<Key> {
    keys::load(&mut world.conn(), &world.service.sealer).unwrap()
}

fn token_key(world: &World) -> Key {
    keys_of(world).into_iter().find(|key| key.used_for == KeyUse::Token && key.retired_at.is_none()).unwrap()
}

/// What a token of the lead's says.
fn claims(world: &World) -> Value {
    let account = world.account(&Member(Lead));
    let sign_in: Id =
        sign_ins::table.filter(sign_ins::account_id.eq(account)).select(sign_ins::id).first(&mut world.conn()).unwrap();
    let now = world.clock.now().timestamp();
    json!({"iss": "http://tangguh.test", "aud": "tangguh", "sub": account, "client_id": "tangguh-login",
        "sid": sign_in, "iat": now, "exp": now + 900, "jti": "x"})
}

/// Whatever claims and type, signed by this key as if it were for records.
fn signed(world: &World, key: &Key, typ: &str, claims: &Value) -> String {
    let now = world.clock.now();
    let others = [KeyUse::Token, KeyUse::Mac].map(|used_for| Key::generate(used_for, now));
    let disguised = Key { used_for: KeyUse::Record, retired_at: None, ..key.clone() };
    let ring = KeyRing::new([others.to_vec(), vec![disguised]].concat(), "none".into()).unwrap();
    ring.sign_record(typ, claims).unwrap()
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

async fn try_it(world: &World, token: String) -> Reply {
    world.get(Bearer(token), "me").send().await
}

#[track_caller]
fn refused(why: &str, reply: Reply) {
    assert_eq!((reply.status.as_u16(), reply.problem()), (401, "invalid-token"), "{why}: {}", reply.text);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{why}");
}

story! {
    async fn a_token_lives_for_a_quarter_of_an_hour(world) {
        let token = world.token(&Member(Lead)).unwrap();
        world.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
        try_it(&world, token.clone()).await.expect(200);
        world.clock.advance(TimeDelta::seconds(1));
        refused("expired", try_it(&world, token).await);
    }
}

story! {
    async fn only_our_own_tokens_for_this_use_are_accepted(world) {
        let (key, right) = (token_key(&world), claims(&world));
        // What is refused below is refused for that one reason.
        try_it(&world, signed(&world, &key, "at+jwt", &right)).await.expect(200);
        try_it(&world, signed(&world, &key, "application/at+jwt", &right)).await.expect(200);

        for typ in ["JWT", "tangguh-receipt+jws", "", "application/x/at+jwt"] {
            refused(typ, try_it(&world, signed(&world, &key, typ, &right)).await);
        }
        let changed = |name: &str, value: Value| {
            let mut claims = right.clone();
            claims[name] = value;
            signed(&world, &key, "at+jwt", &claims)
        };
        let now = world.clock.now().timestamp();
        for (name, value) in [
            ("iss", json!("https://elsewhere.example")), ("iss", json!("http://tangguh.test/")), ("iss", Value::Null),
            ("aud", json!("another")), ("aud", json!([])), ("aud", Value::Null),
            ("exp", json!(now)), ("exp", json!(now - 1)), ("exp", json!("later")), ("iat", json!(now + 3600)),
            ("sub", json!("lead")), ("sub", json!(Id::new())), ("sid", json!(Id::new())), ("sid", Value::Null),
        ] {
            refused(&format!("{name} {value}"), try_it(&world, changed(name, value)).await);
        }
        // Somebody else's sign-in does not make one the lead.
        let mut borrowed = right.clone();
        borrowed["sub"] = json!(world.account(&Member(Agency)));
        refused("another's sign-in", try_it(&world, signed(&world, &key, "at+jwt", &borrowed)).await);
    }
}

story! {
    async fn another_key_is_refused_whatever_it_calls_itself(world) {
        let (key, right, now) = (token_key(&world), claims(&world), world.clock.now());
        let stranger = Key::generate(KeyUse::Token, now);
        refused("unknown kid", try_it(&world, signed(&world, &stranger, "at+jwt", &right)).await);
        let disguised = Key { id: key.id.clone(), ..stranger };
        refused("another key under our kid", try_it(&world, signed(&world, &disguised, "at+jwt", &right)).await);
        let record = keys_of(&world).into_iter().find(|key| key.used_for == KeyUse::Record).unwrap();
        refused("a record key", try_it(&world, signed(&world, &record, "at+jwt", &right)).await);
        let injected = ["' or '1'='1", "../../../../dev/null", "\0", "", &"k".repeat(5000)];
        for id in injected {
            let named = Key { id: id.to_owned(), ..key.clone() };
            refused(id, try_it(&world, signed(&world, &named, "at+jwt", &right)).await);
        }
    }
}

story! {
    async fn another_algorithm_is_refused(world) {
        let (key, right) = (token_key(&world), claims(&world));
        let jwks = world.get(Nobody, "//.well-known/jwks.json").expect(200).await;
        let x = jwks.body["keys"][0]["x"].as_str().unwrap();
        let raw = BASE64_URL_SAFE_NO_PAD.decode(x).unwrap();
        for algorithm in ["none", "None", "NONE", ""] {
            let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": key.id});
            refused(algorithm, try_it(&world, format!("{}.{}.", part(&header), part(&right))).await);
        }
        // The public key, as the secret of an HMAC.
        for secret in [raw.as_slice(), x.as_bytes(), jwks.text.as_bytes()] {
            let front = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "at+jwt", "kid": key.id})), part(&right));
            let tag = <Hmac<Sha256> as Mac>::new_from_slice(secret).unwrap().chain_update(&front).finalize().into_bytes();
            refused("HS256", try_it(&world, format!("{front}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))).await);
        }
        let token = world.token(&Member(Lead)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let mut forged = right.clone();
        forged["sub"] = json!(world.account(&Member(Admin)));
        for wrong in [
            format!("{}.{}.{}", parts[0], part(&forged), parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}.x"), format!("{token}x"), "x".into(), "..".into(), "é.é.é".into(),
        ] {
            refused(&wrong, try_it(&world, wrong.clone()).await);
        }
    }
}

story! {
    async fn a_key_in_the_header_is_not_looked_at(world) {
        let right = claims(&world);
        let own = Key::generate(KeyUse::Token, world.clock.now());
        let ring = KeyRing::new(KeyUse::ALL.map(|used_for| Key { used_for, id: format!("k{}", used_for.name()), ..own.clone() }).to_vec(), "x".into()).unwrap();
        let jwk = ring.jwks(world.clock.now())["keys"][0].clone();
        // Signed over another header, so it could not hold; but neither may it be asked to.
        let token = ring.sign_record("at+jwt", &right).unwrap();
        let rest = token.split_once('.').unwrap().1;
        for header in [
            json!({"alg": "EdDSA", "typ": "at+jwt", "kid": token_key(&world).id, "jwk": jwk}),
            json!({"alg": "EdDSA", "typ": "at+jwt", "jku": "http://127.0.0.1:1/jwks.json", "kid": "x"}),
            json!({"alg": "EdDSA", "typ": "at+jwt", "kid": token_key(&world).id, "crit": ["x"], "x": 1}),
        ] {
            refused(&header.to_string(), try_it(&world, format!("{}.{rest}", part(&header))).await);
        }
    }
}

story! {
    async fn what_is_no_bearer_token_is_no_caller(world) {
        for value in ["Basic bGVhZDpwYXNz", "Bearer", "Bearer ", "token", ""] {
            let reply = world.get(Nobody, "me").header("authorization", value).send().await;
            refused(value, reply);
        }
        let none = world.get(Nobody, "me").expect(401).await;
        assert_eq!((none.problem(), none.header("www-authenticate")), ("unauthenticated", Some("Bearer")));
        let token = world.token(&Member(Lead)).unwrap();
        world.get(Nobody, "me").header("authorization", &format!("bEaReR {token}")).expect(200).await;
    }
}

story! {
    async fn a_locked_account_is_nobody_at_once(world) {
        let who = Member(Facilitator);
        let path = format!("accounts/{}", world.account(&who));
        let token = world.token(&who).unwrap();
        let twin = world.twin();
        twin.get(Bearer(token.clone()), "{p}/questions").expect(200).await;
        let question = json!({"focus_area_id": world.focus_area().await, "text": {"id": "Apa?"}});
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.post(Member(Admin), &format!("{path}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        refused("locked", try_it(&world, token.clone()).await);
        // Elsewhere a read may be five seconds behind; a write never is.
        let write = twin.post(Bearer(token.clone()), "{p}/questions").json(question).send().await;
        refused("locked, elsewhere", write);
        world.clock.advance(TimeDelta::seconds(5));
        refused("locked, elsewhere, later", try_it(&twin, token).await);
    }
}

story! {
    async fn an_ended_membership_ends_writing_at_once_everywhere(world) {
        let who = Member(Facilitator);
        let (twin, token) = (world.twin(), Bearer(world.token(&Member(Facilitator)).unwrap()));
        let question = json!({"focus_area_id": world.focus_area().await, "text": {"id": "Apa?"}});
        for instance in [&world, &twin] {
            instance.get(token.clone(), "{p}/questions").expect(200).await;
        }
        end_membership(&world, &who).await;
        world.get(token.clone(), "{p}/questions").expect(404).await;
        world.post(token.clone(), "{p}/questions").json(question.clone()).expect(404).await;
        twin.post(token.clone(), "{p}/questions").json(question).expect(404).await;
        // Only a read elsewhere may still be answered, for five seconds.
        twin.get(token.clone(), "{p}/questions").expect(200).await;
        world.clock.advance(TimeDelta::seconds(5));
        twin.get(token, "{p}/questions").expect(404).await;
    }
}

story! {
    async fn a_membership_ends_with_its_day_in_the_programmes_time_zone(world) {
        let who = Member(Facilitator);
        let path = format!("{{p}}/memberships?account_id={}", world.account(&who));
        let id = world.get(Member(Admin), &path).expect(200).await.items()[0]["id"].as_str().unwrap().to_owned();
        let path = format!("{{p}}/memberships/{id}");
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        let end = json!({"on": "2026-01-15", "reason": "Pindah tugas."});
        world.post(Member(Admin), &format!("{path}/end")).if_match(&tag).json(end).expect(200).await;
        // It is 09:00 in Jakarta; the day ends there at 17:00 UTC.
        world.clock.advance(TimeDelta::hours(15) - TimeDelta::microseconds(1));
        world.get(who.clone(), "{p}").expect(200).await;
        world.clock.advance(TimeDelta::microseconds(1));
        world.get(who, "{p}").expect(404).await;
    }
}

story! {
    async fn keys_are_rotated_with_overlap(world) {
        let token = world.token(&Member(Lead)).unwrap();
        let record = world.service.keys().sign_record("tangguh-receipt+jws", &json!({"a": 1})).unwrap();
        world.clock.advance(TimeDelta::minutes(1));
        keys::rotate(&mut world.conn(), &world.service.sealer, &KeyUse::ALL, world.clock.now()).unwrap();
        let twin = world.twin();
        // Made with the new key, before this instance knows of it.
        let new = twin.token(&Member(Lead)).unwrap();
        try_it(&world, new.clone()).await.expect(200);
        let jwks = || world.get(Nobody, "//.well-known/jwks.json").expect(200);
        let kids = |set: Reply| set.body["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(kids(jwks().await).len(), 2);
        world.clock.advance(TimeDelta::minutes(14) - TimeDelta::seconds(1));
        for instance in [&world, &twin] {
            try_it(instance, token.clone()).await.expect(200);
        }
        world.clock.advance(TimeDelta::seconds(1));
        refused("expired", try_it(&world, token).await);
        world.clock.advance(TimeDelta::minutes(3));
        assert_eq!(kids(jwks().await), [token_key(&world).id]);
        let published = world.get(Nobody, "//.well-known/record-keys.json").expect(200).await;
        assert_eq!(published.body["keys"].as_array().unwrap().len(), 2);
        assert!(published.body["keys"][0]["retired_at"].is_null() && published.body["keys"][1]["retired_at"].is_string());
        world.clock.advance(TimeDelta::days(4000));
        assert_eq!(world.service.keys().verify_record("tangguh-receipt+jws", &record).unwrap(), json!({"a": 1}));
        assert_eq!(world.get(Nobody, "//.well-known/record-keys.json").expect(200).await.body, published.body);
        assert!(!published.text.contains("\"d\"") && !jwks().await.text.contains("\"d\""), "no private half");
    }
}

story! {
    async fn a_wrong_secret_is_told_clearly(world) {
        let other = Sealer::new("another secret, which is long enough as well").unwrap();
        let error = keys::load(&mut world.conn(), &other).err().unwrap().to_string();
        assert!(error.contains("TANGGUH_SECRET"), "{error}");
        let settings: Settings = world.service.settings.clone();
        let error = start::service(settings, other, world.clock.clone()).err().unwrap().to_string();
        assert!(error.contains("TANGGUH_SECRET"), "{error}");
    }
}
