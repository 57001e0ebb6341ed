//! Signing in and out.

use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tangguh::{
    db::At,
    keys,
    password::{self, Cost},
    policy::Role::*,
    schema::{account_passwords, sign_ins},
    token::KeyUse,
};

use crate::harness::*;

/// Gives an account a password without the detour of a one-time token.
pub fn with_password(world: &World, who: &Who) {
    diesel::insert_into(account_passwords::table)
        .values((
            account_passwords::account_id.eq(world.account(who)),
            account_passwords::phc.eq(password::hash(PASSWORD, Cost::Test).unwrap()),
            account_passwords::set_at.eq(At(world.clock.now())),
        ))
        .execute(&mut world.conn())
        .unwrap();
}

pub fn log_in<'w>(world: &'w World, email: &str, password: &str) -> Ask<'w> {
    world.post(Nobody, "auth/login").json(json!({"email": email, "password": password}))
}

async fn refresh(world: &World, token: &Value) -> Reply {
    world.post(Nobody, "auth/refresh").json(json!({"refresh_token": token})).send().await
}

async fn log_out(world: &World, token: &Value) -> Reply {
    world.post(Nobody, "auth/logout").json(json!({"refresh_token": token})).send().await
}

fn bearer(tokens: &Reply) -> Who {
    Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
}

/// All that an answer tells, but for what differs with each request.
fn told(reply: &Reply) -> (u16, String, Vec<String>) {
    let mut body = reply.body.clone();
    body.as_object_mut().unwrap().remove("request_id");
    let mut names: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "x-request-id" => name.to_string(),
            _ => format!("{name}: {}", value.to_str().unwrap()),
        })
        .collect();
    names.sort();
    (reply.status.as_u16(), body.to_string(), names)
}

story! {
    async fn the_right_password_gives_tokens(world) {
        with_password(&world, &Member(Lead));
        let tokens = log_in(&world, " LEAD@Jakarta.Example", PASSWORD).expect(200).await;
        assert_eq!((tokens.body["expires_in"].as_i64(), tokens.body["refresh_expires_in"].as_i64()), (Some(900), Some(30 * 86_400)));
        assert_eq!(tokens.header("cache-control"), Some("no-store"));
        world.get(bearer(&tokens), "me").expect(200).await;
    }
}

story! {
    async fn whoever_guesses_learns_nothing(world) {
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        let agency = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &agency).expect(200).await.etag();
        world.post(Member(Admin), &format!("{agency}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        let wrong = log_in(&world, "lead@jakarta.example", "not the right password").expect(401).await;
        assert_eq!((wrong.problem(), wrong.header("www-authenticate")), ("invalid-credentials", Some("Bearer")));
        for (email, password) in [
            ("nobody@jakarta.example", PASSWORD),
            ("agency@jakarta.example", PASSWORD), // locked
            ("observer@jakarta.example", PASSWORD), // has never set one
        ] {
            let answer = log_in(&world, email, password).send().await;
            assert_eq!(told(&answer), told(&wrong), "{email}");
        }
    }
}

story! {
    async fn every_sign_in_does_one_hash_of_work(world) {
        // With every place at the gate taken nobody gets an answer: so everybody has come to it.
        with_password(&world, &Member(Lead));
        let gate = &world.service.passwords;
        let _places = (gate.acquire().await.unwrap(), gate.acquire().await.unwrap());
        let tries = ["lead@jakarta.example", "nobody@jakarta.example", "observer@jakarta.example"];
        for answer in join_all(tries.map(|email| log_in(&world, email, PASSWORD).send())).await {
            assert_eq!((answer.status.as_u16(), answer.problem()), (503, "busy"), "{}", answer.text);
            assert!(answer.header("retry-after").is_some());
        }
    }
}

#[test]
fn a_decoy_costs_what_a_hash_costs() {
    for cost in [Cost::Full, Cost::Test] {
        let parameters = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(&password::hash("any", cost).unwrap()), parameters(password::decoy(cost)));
        assert!(!password::verify("any", password::decoy(cost)));
    }
}

story! {
    async fn ten_failures_close_an_account_for_a_quarter_of_an_hour(world) {
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        for email in ["lead@jakarta.example", "nobody@jakarta.example"] {
            for number in 0..10 {
                let spelt = if number % 2 == 0 { email.to_uppercase() } else { email.to_owned() };
                log_in(&world, &spelt, "not the right password").expect(401).await;
            }
            let closed = log_in(&world, email, PASSWORD).expect(429).await;
            assert_eq!((closed.problem(), closed.header("retry-after")), ("too-many-requests", Some("900")), "{email}");
        }
        log_in(&world, "agency@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
        let closed = log_in(&world, "lead@jakarta.example", PASSWORD).expect(429).await;
        assert_eq!(closed.header("retry-after"), Some("1"));
        world.clock.advance(TimeDelta::seconds(1));
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
    }
}

story! {
    async fn a_success_forgets_the_accounts_failures(world) {
        with_password(&world, &Member(Lead));
        for _ in 0..3 {
            for _ in 0..9 {
                log_in(&world, "lead@jakarta.example", "not the right password").expect(401).await;
            }
            log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        }
    }
}

story! {
    async fn failures_at_once_and_on_two_instances_are_all_counted(world) {
        let twin = world.twin();
        let fail = |world| log_in(world, "nobody@jakarta.example", "not the right password").send();
        for _ in 0..5 {
            let (one, two) = join(fail(&world), fail(&twin)).await;
            assert_eq!((one.status.as_u16(), two.status.as_u16()), (401, 401), "{} {}", one.text, two.text);
        }
        fail(&twin).await.expect(429);
    }
}

story! {
    async fn a_hundred_failures_close_an_address_whatever_its_headers_say(world) {
        with_password(&world, &Member(Lead));
        for number in 0..100 {
            log_in(&world, &format!("nobody-{number}@example.org"), "not the right password")
                .from("203.0.113.5").header("x-forwarded-for", &format!("198.51.100.{number}")).expect(401).await;
        }
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.5").expect(429).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.5").header("x-forwarded-for", "192.0.2.77").expect(429).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.6").expect(200).await;
    }
}

story! {
    async fn behind_a_trusted_proxy_the_forwarded_address_counts(world) {
        let world = World::with(world.kind, |settings| settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]).unwrap();
        with_password(&world, &Member(Lead));
        let through = |email: &str, password, header, value: &str| log_in(&world, email, password).from("10.0.0.1").header(header, value);
        for number in 0..100 {
            // What the client itself sends stands before what the proxy adds.
            let chain = format!("198.51.100.{number}, 203.0.113.5");
            through(&format!("nobody-{number}@example.org"), "not the right password", "x-forwarded-for", &chain).expect(401).await;
        }
        through("lead@jakarta.example", PASSWORD, "x-forwarded-for", "203.0.113.5").expect(429).await;
        through("lead@jakarta.example", PASSWORD, "forwarded", "for=203.0.113.5;proto=https").expect(429).await;
        through("lead@jakarta.example", PASSWORD, "x-forwarded-for", "203.0.113.6").expect(200).await;
        through("lead@jakarta.example", PASSWORD, "forwarded", "for=203.0.113.6").expect(200).await;
    }
}

story! {
    async fn a_refresh_token_gives_the_next(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::minutes(20));
        world.get(bearer(&first), "me").expect(401).await;
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_ne!(second.body["refresh_token"], first.body["refresh_token"]);
        assert_eq!(second.body["refresh_expires_in"], 30 * 86_400 - 20 * 60);
        world.get(bearer(&second), "me").expect(200).await;
        // The answer got lost: the same again, for half a minute.
        world.clock.advance(TimeDelta::seconds(30));
        let again = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(again.body["refresh_token"], second.body["refresh_token"]);
        refresh(&world, &second.body["refresh_token"]).await.expect(200);
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
    async fn two_refreshes_at_once_get_the_same_token(world) {
        with_password(&world, &Member(Lead));
        let twin = world.twin();
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let token = &first.body["refresh_token"];
        let (one, two) = join(refresh(&world, token), refresh(&twin, token)).await;
        let (one, two) = (one.expect(200), two.expect(200));
        assert_eq!(one.body["refresh_token"], two.body["refresh_token"]);
    }
}

story! {
    async fn a_sign_in_ends_after_thirty_days(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
        let last = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(last.body["refresh_expires_in"], 1);
        world.clock.advance(TimeDelta::seconds(1));
        refresh(&world, &last.body["refresh_token"]).await.expect(401);
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
    async fn signing_out_ends_access_at_once(world) {
        with_password(&world, &Member(Lead));
        let tokens = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.get(bearer(&tokens), "me").expect(200).await;
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
        world.get(bearer(&tokens), "me").expect(401).await;
        refresh(&world, &tokens.body["refresh_token"]).await.expect(401);
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
    }
}

story! {
    async fn signing_out_works_where_the_keys_are_not_known_yet(world) {
        with_password(&world, &Member(Lead));
        keys::rotate(&mut world.conn(), &world.service.sealer, &[KeyUse::Mac], world.clock.now()).unwrap();
        let twin = world.twin();
        let tokens = log_in(&twin, "lead@jakarta.example", PASSWORD).expect(200).await;
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
        world.get(bearer(&tokens), "me").expect(401).await;
    }
}

story! {
    async fn locking_an_account_ends_its_sign_ins(world) {
        with_password(&world, &Member(Agency));
        let tokens = log_in(&world, "agency@jakarta.example", PASSWORD).expect(200).await;
        let path = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.post(Member(Admin), &format!("{path}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        refresh(&world, &tokens.body["refresh_token"]).await.expect(401);
        world.get(bearer(&tokens), "me").expect(401).await;
        log_in(&world, "agency@jakarta.example", PASSWORD).expect(401).await;
    }
}

story! {
    async fn a_refresh_token_outlives_a_rotation(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        keys::rotate(&mut world.conn(), &world.service.sealer, &KeyUse::ALL, world.clock.now()).unwrap();
        keys::reload(&world.service).await.unwrap();
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        let again = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(again.body["refresh_token"], second.body["refresh_token"]);
    }
}
