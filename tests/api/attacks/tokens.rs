//! Tokens that somebody made, changed, stole or used twice.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join_all;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tangguh::{
    db::Id,
    policy::Role::*,
    schema::sign_ins,
    token::{Key, KeyRing, KeyUse},
};

use crate::{
    clients::client,
    harness::*,
    inputs::input,
    invitations::{accept, into},
    operations::{OPERATIONS, Things},
    post_office::PostOffice,
    resets::{forgot, move_to},
    sign_ins::{bearer, log_in, log_out, refresh, with_password},
    tokens::{keys_of, refused, token_key, try_it},
};

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
    async fn an_old_refresh_token_ends_the_sign_in_for_good(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        world.get(bearer(&second), "me").expect(200).await;
        world.clock.advance(TimeDelta::seconds(30) + TimeDelta::microseconds(1));
        let stolen = refresh(&world, &first.body["refresh_token"]).await.expect(401);
        assert_eq!((stolen.problem(), stolen.header("www-authenticate")), ("invalid-token", Some("Bearer error=\"invalid_token\"")));
        refresh(&world, &second.body["refresh_token"]).await.expect(401);
        world.get(bearer(&second), "me").expect(401).await;
        let kept: Vec<Option<String>> = sign_ins::table.filter(sign_ins::ended_at.is_not_null()).select(sign_ins::end_reason).load(&mut world.conn()).unwrap();
        assert_eq!(kept, [Some("reused".to_owned())]);
        // Other sign-ins of the same account go on.
        world.get(Member(Lead), "me").expect(200).await;
    }
}

story! {
    async fn the_token_before_the_one_before_ends_it_even_at_once(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        let third = refresh(&world, &second.body["refresh_token"]).await.expect(200);
        refresh(&world, &first.body["refresh_token"]).await.expect(401);
        refresh(&world, &third.body["refresh_token"]).await.expect(401);
    }
}

story! {
    async fn what_is_no_refresh_token_is_refused(world) {
        let access = world.token(&Member(Lead)).unwrap();
        for wrong in ["x", "tgr_", "tgr_a.b", access.as_str(), "tgr_\u{e9}"] {
            assert_eq!(refresh(&world, &json!(wrong)).await.expect(401).problem(), "invalid-token");
            log_out(&world, &json!(wrong)).await.expect(204);
        }
    }
}

story! {
    async fn an_invitation_is_accepted_once_though_many_try_at_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let token = office.only(office.deliver(&world).await).token();
        let twin = world.twin();
        let tries = [&world, &twin, &world, &twin].map(|world| accept(world, &token).send());
        let mut statuses: Vec<u16> = join_all(tries).await.into_iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort();
        assert_eq!(statuses, [200, 409, 409, 409]);
        let found = world.get(Member(Admin), "accounts?email=rani@dinas.example").expect(200).await;
        assert_eq!(found.items().len(), 1);
        world.verify();
    }
}

/// Where something that is secret opens a door, and how a text is tried there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    Header,
    Refresh,
    SetPassword,
    ResetPassword,
    ConfirmEmail,
    AcceptInvitation,
    ClientSecret,
}

use Door::*;

impl Door {
    const ALL: [Door; 7] = [Header, Refresh, SetPassword, ResetPassword, ConfirmEmail, AcceptInvitation, ClientSecret];

    async fn knock(self, world: &World, client: &str, text: &str) -> Reply {
        let password = "kuda lumping di bawah hujan";
        let (path, body) = match self {
            Header => return world.get(Bearer(text.into()), "{p}/inputs").send().await,
            ClientSecret => {
                let form = json!({"grant_type": "client_credentials", "client_id": client, "client_secret": text});
                return world.post(Nobody, "oauth/token").form(&form).send().await;
            }
            Refresh => ("refresh", json!({"refresh_token": text})),
            SetPassword => ("password", json!({"password_token": text, "password": password})),
            ResetPassword => ("password-resets", json!({"reset_token": text, "password": password})),
            ConfirmEmail => ("email-changes", json!({"email_token": text})),
            AcceptInvitation => {
                ("invitations", json!({"invitation_token": text, "name": "Rani", "password": password}))
            }
        };
        world.post(Nobody, &format!("auth/{path}")).json(body).send().await
    }
}

story! {
    async fn what_opens_one_door_opens_no_other(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Partner));
        let tokens = log_in(&world, "partner@jakarta.example", PASSWORD).expect(200).await.body;
        let body = json!({"email": "budi@example.org", "name": "Budi"});
        let account = world.post(Member(Admin), "accounts").json(body).expect(201).await.body;
        office.deliver(&world).await;
        forgot(&world, "lead@jakarta.example").expect(202).await;
        let reset = office.only(office.deliver(&world).await).token();
        move_to(&world, Member(Lead), PASSWORD, "ketua@example.org").expect(202).await;
        let moved = office.only(office.deliver(&world).await).token();
        world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let invited = office.only(office.deliver(&world).await).token();
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.read", "input.send"])).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", made.id());
        let key = world.post(Member(Partner), &keys).if_match(&made.etag()).json(json!({})).expect(201).await.body;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let machine = ClientSecret.knock(&world, &made.id(), &text(&key["key"])).await.expect(200).body;
        let sent = world.post(Member(Partner), "{p}/inputs").json(input("KB-1")).expect(201).await.body;
        let receipt = world.get(Member(Partner), &format!("{{p}}/inputs/{}/receipt", sent["id"].as_str().unwrap())).expect(200).await;
        world.post(Member(Partner), "{p}/inputs").json(input("KB-2")).expect(201).await;
        let cursor = world.get(Member(Partner), "{p}/inputs?limit=1").expect(200).await.body["next_cursor"].clone();
        let secrets: [(&str, String, &[Door]); 11] = [
            ("an access token", text(&tokens["access_token"]), &[Header]),
            ("a refresh token", text(&tokens["refresh_token"]), &[Refresh]),
            ("a token to set a password", text(&account["password_token"]), &[SetPassword]),
            ("a token to reset one", reset, &[ResetPassword]),
            ("a token for an address", moved, &[ConfirmEmail]),
            ("an invitation", invited, &[AcceptInvitation]),
            ("a client's key", text(&key["key"]), &[Header, ClientSecret]),
            ("a client's token", text(&machine["access_token"]), &[Header]),
            ("a receipt", receipt.text.clone(), &[]),
            ("a cursor", text(&cursor), &[]),
            ("an id", made.id(), &[]),
        ];
        for (name, secret, own) in &secrets {
            for door in Door::ALL.iter().filter(|door| !own.contains(door)) {
                let reply = door.knock(&world, &made.id(), secret).await;
                // What is too long to be such a token is not even looked up.
                let refused = reply.status == 401 || (reply.status == 422 && reply.pointers()[0].ends_with("_token"));
                assert!(refused, "{name} at {door:?}: {} {}", reply.status, reply.text);
            }
        }
        // None of that used one up.
        for (name, secret, own) in &secrets {
            for door in *own {
                let reply = door.knock(&world, &made.id(), secret).await;
                assert!(reply.status.is_success(), "{name} at {door:?}: {}", reply.text);
            }
        }
        world.verify();
    }
}

story! {
    async fn a_forged_refresh_token_ends_nobodys_sign_in(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        let tag = |reply: &Reply| reply.body["refresh_token"].as_str().unwrap().split_once('.').unwrap().1.to_owned();
        let family: Id = sign_ins::table.filter(sign_ins::generation.eq(2)).select(sign_ins::id).first(&mut world.conn()).unwrap();
        // Whoever knows the family, and not the key, can name an old generation; which would end it if it were believed.
        for generation in [0, 1, 2, 3, i32::MAX, -1] {
            let body = BASE64_URL_SAFE_NO_PAD.encode([&family.0.as_bytes()[..], &generation.to_be_bytes()].concat());
            for tag in [tag(&first), tag(&second), String::new(), "x".repeat(43)] {
                let forged = format!("tgr_{body}.{tag}");
                if [&first, &second].iter().all(|own| own.body["refresh_token"] != forged) {
                    refresh(&world, &json!(forged)).await.expect(401);
                    log_out(&world, &json!(forged)).await.expect(204);
                }
            }
        }
        world.get(bearer(&second), "me").expect(200).await;
        refresh(&world, &second.body["refresh_token"]).await.expect(200);
    }
}

story! {
    async fn a_token_counts_in_its_header_alone(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let token = world.token(&Member(Lead)).unwrap();
        // Not in a cookie, which browsers send by themselves; not in the query, which logs keep; not under other names.
        for operation in OPERATIONS.iter().filter(|operation| operation.action.is_some()) {
            let ask = things.ask(&world, Nobody, operation).if_match("\"1\"");
            let cookie = format!("access_token={token}; session={token}; authorization=Bearer {token}");
            let ask = ask.header("cookie", &cookie).header("x-authorization", &format!("Bearer {token}"));
            let reply = ask.header("proxy-authorization", &format!("Bearer {token}")).send().await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (401, "unauthenticated"), "{}", operation.id);
        }
        for name in ["access_token", "token", "key", "authorization"] {
            world.get(Nobody, &format!("{{p}}/questions?{name}={token}")).expect(401).await;
        }
        let twice = format!("Bearer {token}, Bearer {token}");
        refused("two in one header", world.get(Nobody, "me").header("authorization", &twice).send().await);
    }
}
