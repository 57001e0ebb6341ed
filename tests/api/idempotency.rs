//! Safe repeats.

use chrono::TimeDelta;
use futures_util::future::join;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::harness::*;

async fn new_question(world: &World) -> Value {
    json!({"focus_area_id": world.focus_area().await, "text": {"id": "Siapa yang terdampak?"}})
}

fn asked(world: &World) -> usize {
    world.ledger().iter().filter(|(action, _)| action == "question.ask").count()
}

#[track_caller]
fn same(first: &Reply, again: &Reply) {
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{}", again.text);
    assert_eq!(first.header("idempotency-replayed"), None);
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    for name in ["etag", "location", "content-type", "cache-control"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
}

story! {
    async fn a_repeat_gets_the_same_answer_and_has_no_second_effect(world) {
        let body = new_question(&world).await;
        let first = world.post(Member(Lead), "{p}/questions").key("k-1").json(body.clone()).expect(201).await;
        assert!(first.header("location").unwrap().ends_with(&first.id()));
        world.clock.advance(TimeDelta::hours(1));
        let again = world.post(Member(Lead), "{p}/questions").key("k-1").json(body).expect(201).await;
        same(&first, &again);
        assert_eq!(asked(&world), 1);
        world.verify();
    }
}

story! {
    async fn a_repeat_with_its_old_if_match_is_replayed(world) {
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}/revisions", asked.id());
        let body = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        let revise = |tag: String| world.post(Member(Lead), &path).key("r").if_match(&tag).json(body.clone()).expect(201);
        let first = revise(asked.etag()).await;
        same(&first, &revise(asked.etag()).await);
        same(&first, &revise(first.etag()).await);
        assert_eq!(world.ledger().last().unwrap(), &("question.revise".into(), 2));
    }
}

story! {
    async fn another_request_under_the_same_key_is_refused(world) {
        let body = new_question(&world).await;
        world.post(Member(Lead), "{p}/questions").key("k").json(body.clone()).expect(201).await;
        let mut other = body.clone();
        other["text"]["id"] = "Lain?".into();
        for (path, body) in [("{p}/questions", other), ("{p}/phases", json!({"number": 1, "name": {"id": "Satu"}}))] {
            let refused = world.post(Member(Lead), path).key("k").json(body).expect(422).await;
            assert_eq!(refused.problem(), "idempotency-key-reused");
        }
        assert_eq!(asked(&world), 1);
    }
}

story! {
    async fn two_at_once_have_one_effect_and_one_answer(world) {
        let body = new_question(&world).await;
        let twin = world.twin();
        for (round, other) in [(1, &world), (2, &twin), (3, &twin)] {
            let key = format!("at-once-{round}");
            let one = world.post(Member(Lead), "{p}/questions").key(&key).json(body.clone()).send();
            let two = other.post(Member(Lead), "{p}/questions").key(&key).json(body.clone()).send();
            let (one, two) = join(one, two).await;
            let (one, two) = (one.expect(201), two.expect(201));
            match one.header("idempotency-replayed") {
                None => same(&one, &two),
                Some(_) => same(&two, &one),
            }
            assert_eq!(asked(&world), round);
        }
        world.verify();
    }
}

story! {
    async fn the_same_key_at_once_on_two_programmes_has_one_effect(world) {
        // An admin acts on both ledgers, which do not wait for each other.
        let grant = |slug: &str, who: &Who, stakeholder: &str| {
            let body = json!({"account_id": world.account(who), "stakeholder_id": world.seed.stakeholders[stakeholder],
                "role": "observer", "from_on": "2026-01-01"});
            world.post(Member(Admin), &format!("programs/{slug}/memberships")).key("twice").json(body).send()
        };
        let (one, two) = join(grant("jakarta", &Outsider, "mitra"), grant("porto", &Outsider, "mitra")).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [201, 422], "{} {}", one.text, two.text);
        world.verify();
    }
}

story! {
    async fn failures_are_not_kept(world) {
        let body = new_question(&world).await;
        world.post(Member(Lead), "{p}/questions").key("k").json(json!({})).expect(422).await;
        world.post(Member(Partner), "{p}/questions").key("k").json(body.clone()).expect(403).await;
        let asked = world.post(Member(Lead), "{p}/questions").key("k").json(body).expect(201).await;
        assert_eq!(asked.header("idempotency-replayed"), None);
        let path = format!("{{p}}/questions/{}/revisions", asked.id());
        let body = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        world.post(Member(Lead), &path).key("r").if_match("\"9.x\"").json(body.clone()).expect(412).await;
        let revised = world.post(Member(Lead), &path).key("r").if_match(&asked.etag()).json(body).expect(201).await;
        assert_eq!(revised.header("idempotency-replayed"), None);
    }
}

story! {
    async fn a_reply_is_kept_for_seven_days(world) {
        let body = new_question(&world).await;
        let ask = || world.post(Member(Lead), "{p}/questions").key("k").json(body.clone()).expect(201);
        let first = ask().await;
        world.clock.advance(TimeDelta::days(7));
        same(&first, &ask().await);
        world.clock.advance(TimeDelta::microseconds(1));
        let second = ask().await;
        assert_eq!(second.header("idempotency-replayed"), None);
        assert_ne!(second.id(), first.id());
        same(&second, &ask().await);
    }
}

story! {
    async fn the_keys_of_two_accounts_do_not_meet(world) {
        let body = new_question(&world).await;
        let ask = |who| world.post(who, "{p}/questions").key("k").json(body.clone()).expect(201);
        let (one, two) = (ask(Member(Lead)).await, ask(Member(Facilitator)).await);
        assert_ne!(one.id(), two.id());
        assert_eq!(two.header("idempotency-replayed"), None);
    }
}

story! {
    async fn a_repeat_asks_for_the_right_again(world) {
        let body = new_question(&world).await;
        let who = Member(Facilitator);
        world.post(who.clone(), "{p}/questions").key("k").json(body.clone()).expect(201).await;
        end_membership(&world, &who).await;
        world.post(who, "{p}/questions").key("k").json(body).expect(404).await;
    }
}

story! {
    async fn a_repeat_is_replayed_though_the_programme_was_archived_meanwhile(world) {
        let body = new_question(&world).await;
        let first = world.post(Member(Lead), "{p}/questions").key("k").json(body.clone()).expect(201).await;
        let program = world.get(Member(Admin), "{p}").expect(200).await;
        let archive = json!({"to": "archived", "reason": "Selesai."});
        world.post(Member(Admin), "{p}/transitions").if_match(&program.etag()).json(archive).expect(200).await;
        same(&first, &world.post(Member(Lead), "{p}/questions").key("k").json(body.clone()).expect(201).await);
        world.post(Member(Lead), "{p}/questions").key("another").json(body).expect(409).await;
    }
}

story! {
    async fn a_key_is_visible_ascii(world) {
        let body = new_question(&world).await;
        for key in ["", "a b", &"k".repeat(129)] {
            let refused = world.post(Member(Lead), "{p}/questions").key(key).json(body.clone()).expect(400).await;
            assert_eq!(refused.pointers(), ["Idempotency-Key"], "{key}");
        }
        world.post(Member(Lead), "{p}/questions").key(&"k".repeat(128)).json(body).expect(201).await;
        assert_eq!(asked(&world), 1);
    }
}

/// Ends the membership that this caller holds in Jakarta.
pub async fn end_membership(world: &World, who: &Who) {
    let path = format!("{{p}}/memberships?account_id={}", world.account(who));
    let held = world.get(Member(Admin), &path).expect(200).await.items()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("{{p}}/memberships/{held}");
    let tag = world.get(Member(Admin), &path).expect(200).await.etag();
    let end = json!({"reason": "Pindah tugas."});
    world.post(Member(Admin), &format!("{path}/end")).if_match(&tag).json(end).expect(200).await;
}
