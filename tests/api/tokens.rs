//! Access tokens, and the keys that sign them.

use chrono::TimeDelta;
use serde_json::json;
use tangguh::{
    config::Settings,
    keys,
    policy::Role::*,
    seal::Sealer,
    start,
    token::{Key, KeyUse},
};

use crate::{harness::*, idempotency::end_membership};

pub fn keys_of(world: &World) -> Vec<Key> {
    keys::load(&mut world.conn(), &world.service.sealer).unwrap()
}

pub fn token_key(world: &World) -> Key {
    keys_of(world).into_iter().find(|key| key.used_for == KeyUse::Token && key.retired_at.is_none()).unwrap()
}

pub async fn try_it(world: &World, token: String) -> Reply {
    world.get(Bearer(token), "me").send().await
}

#[track_caller]
pub fn refused(why: &str, reply: Reply) {
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
