//! Webhooks as those who make them see them: whose they are, what can be done to them, what is never shown.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    policy::Role::*,
    schema::{ledger_rows, stored_replies, webhook_attempts, webhook_revisions, webhook_secrets},
    webhooks::{self, Outbound},
};

use crate::{deliveries::*, harness::*, receiver::*};

async fn attempts(world: &World, hook: &Hook, query: &str) -> Vec<Value> {
    let path = format!("{}/attempts{query}", hook.path);
    world.get(hook.owner.clone(), &path).expect(200).await.items().to_vec()
}

story! {
    async fn a_webhook_begins_disabled_and_is_switched_on_once_it_has_a_secret(world) {
        let new = json!({"url": "https://hooks.example.org/tangguh"});
        let made = world.post(Member(Partner), "{p}/webhooks").json(new).expect(201).await;
        assert_eq!((&made.body["state"], &made.body["disabled"]["why"]), (&json!("disabled"), &json!("new")));
        assert_eq!(made.body["role"], "partner");
        assert_eq!(made.body["stakeholder_id"], json!(world.seed.stakeholders["mitra"]));
        assert_eq!(made.body["delivery"]["lag"], 0);
        let path = format!("{{p}}/webhooks/{}", made.id());
        let on = json!({"state": "active"});
        let early = world.patch(Member(Partner), &path).if_match(&made.etag()).patch(on.clone()).expect(409).await;
        assert_eq!((early.problem(), early.pointers()), ("conflict", vec!["/state"]));
        let early = world.post(Member(Partner), &format!("{path}/test")).expect(409).await;
        assert_eq!(early.problem(), "conflict");

        let secret = world.post(Member(Partner), &format!("{path}/secrets")).if_match("\"1\"").json(json!({})).expect(201).await;
        assert!(secret.body["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_eq!(secret.body["webhook_revision"], 2);
        let active = world.patch(Member(Partner), &path).if_match("\"2\"").patch(on).expect(200).await;
        assert_eq!((&active.body["state"], &active.body["disabled"]), (&json!("active"), &Value::Null));
        let off = json!({"state": "disabled"});
        let off = world.patch(Member(Partner), &path).if_match("\"3\"").patch(off).expect(200).await;
        assert_eq!(off.body["disabled"]["why"], "by_hand");
        assert_eq!(off.body["disabled"]["by_account_id"], json!(world.account(&Member(Partner))));

        world.delete(Member(Partner), &path).if_match("\"4\"").expect(204).await;
        world.get(Member(Partner), &path).expect(404).await;
        assert_eq!(world.get(Member(Lead), "{p}/webhooks").expect(200).await.items(), &[] as &[Value]);
        let kept: i64 = webhook_secrets::table.count().get_result(&mut world.conn()).unwrap();
        assert_eq!(kept, 0, "a deleted webhook's secrets are forgotten");
        let done = ["create", "renew_secret", "edit", "edit", "delete"];
        let done: Vec<(String, i32)> = done.iter().zip(1..).map(|(act, revision)| (format!("webhook.{act}"), revision)).collect();
        assert_eq!(world.ledger(), done);
        world.verify();
    }
}

story! {
    async fn everything_wrong_with_a_webhook_is_told_at_once(world) {
        let closed = World::with(world.kind, |settings| settings.webhooks = Outbound::default()).unwrap();
        for (url, code) in [
            ("http://hooks.example.org/", "scheme"), ("https://127.1/", "address"), ("https://[::ffff:10.0.0.1]/", "address"),
            ("https://169.254.169.254/latest/meta-data", "address"), ("https://me:secret@hooks.example.org/", "credentials"),
        ] {
            let new = json!({"url": url, "types": ["question.revise", "question.read", "account.edit"]});
            let refused = closed.post(Member(Lead), "{p}/webhooks").json(new).expect(422).await;
            assert_eq!(refused.pointers(), ["/url", "/types/1", "/types/2"], "{url}");
            assert_eq!(refused.body["errors"][0]["code"], code, "{url}");
        }
        // And when it is edited.
        let hook = Hook::of(&closed, Member(Lead), "https://hooks.example.org/", json!(null)).await;
        let path = json!({"url": "https://10.0.0.1/"});
        let refused = closed.patch(Member(Lead), &hook.path).if_match(&hook.etag(&closed).await).patch(path).expect(422).await;
        assert_eq!(refused.pointers(), ["/url"]);
        assert_eq!(closed.ledger().len(), 3);
    }
}

story! {
    async fn a_webhook_is_its_organisations_own_and_shows_nobody_more_than_they_see(world) {
        let receiver = Receiver::start().await;
        let partner = Hook::active(&world, Member(Partner), &receiver, json!(null)).await;
        let agency = Hook::active(&world, Member(Agency), &receiver, json!(null)).await;
        let lead = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        let listed = async |who: Who| -> Vec<Value> {
            let page = world.get(who, "{p}/webhooks").expect(200).await;
            page.items().iter().map(|hook| hook["id"].clone()).collect()
        };
        assert_eq!(listed(Member(Secretariat)).await, [&partner, &agency, &lead].map(|hook| json!(hook.id)));
        assert_eq!(listed(Member(Agency)).await, [json!(agency.id)]);
        assert_eq!(listed(Member(Partner)).await, [json!(partner.id)]);
        for path in [agency.path.clone(), format!("{}/attempts", lead.path)] {
            let refused = world.get(Member(Partner), &path).expect(403).await;
            assert_eq!(refused.problem(), "not-own-organization");
        }
        let act = json!({"sequence": 1, "reason": "Bukan milik sendiri."});
        let refused = world.post(Member(Agency), &format!("{}/skip", partner.path)).if_match("\"3\"").json(act).expect(403).await;
        assert_eq!(refused.problem(), "not-own-organization");

        // An agency of the organisation that the lead acts for could have been told what the lead sees.
        let grant = json!({"account_id": world.account(&Outsider), "role": "agency", "from_on": "2026-01-01",
            "stakeholder_id": world.seed.stakeholders["sekretariat"]});
        world.post(Member(Lead), "{p}/memberships").json(grant).expect(201).await;
        world.clock.advance(TimeDelta::seconds(6));
        assert_eq!(listed(Outsider).await, &[] as &[Value]);
        world.get(Outsider, &lead.path).expect(403).await;
        let theft = json!({"url": "http://127.0.0.1:9/"});
        world.patch(Outsider, &lead.path).if_match("\"3\"").patch(theft).expect(403).await;
        // Nor are the followers of a programme told of others' webhooks.
        let told = world.get(Member(Partner), "{p}/changes?types=webhook").expect(200).await;
        assert!(told.items().iter().all(|change| change["subject_id"] == json!(partner.id)), "{}", told.text);
        assert_eq!(told.items().len(), 3);
    }
}

story! {
    async fn a_secret_is_shown_once_and_stands_nowhere_else(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        // A receiver may say what it likes: what came, and what it is secured with.
        receiver.answers([Script::status(500)]);
        world.post(hook.owner.clone(), &format!("{}/test", hook.path)).expect(200).await;
        let tested = receiver.take();
        let signature = tested[0].headers["webhook-signature"].clone();
        receiver.answers([Script::with(200, "", &format!("got {signature} for {}", hook.secret))]);
        world.post(hook.owner.clone(), &format!("{}/test", hook.path)).expect(200).await;
        let keyed = json!({"description": "Lain"});
        let keyed = world.patch(Member(Lead), &hook.path).if_match(&hook.etag(&world).await).key("k-1").patch(keyed);
        keyed.expect(200).await;

        let mut conn = world.conn();
        let mut texts: Vec<String> = ledger_rows::table
            .select(ledger_rows::body.assume_not_null())
            .filter(ledger_rows::body.is_not_null())
            .load(&mut conn)
            .unwrap();
        texts.extend(webhook_revisions::table.select(webhook_revisions::body).load::<String>(&mut conn).unwrap());
        texts.extend(stored_replies::table.select(stored_replies::body).load::<String>(&mut conn).unwrap());
        texts.extend(webhook_secrets::table.select(webhook_secrets::sealed).load::<String>(&mut conn).unwrap());
        let excerpts = webhook_attempts::table.select(webhook_attempts::excerpt.assume_not_null());
        texts.extend(excerpts.load::<String>(&mut conn).unwrap());
        for path in [hook.path.clone(), format!("{}/attempts", hook.path), "{p}/webhooks".into(), "{p}/changes".into(), "{p}/snapshot".into(), "{p}/ledger".into()] {
            texts.push(world.get(Member(Lead), &path).expect(200).await.text);
        }
        let bare = hook.secret.strip_prefix("whsec_").unwrap();
        assert!(texts.len() > 10);
        for text in texts {
            assert!(!text.contains(bare), "{text}");
            assert!(!text.contains(&signature), "{text}");
        }
    }
}

story! {
    async fn an_old_secret_signs_beside_the_new_one_for_a_while(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        let first = hook.secret.clone();
        let renew = async |hours: u32| {
            let path = format!("{}/secrets", hook.path);
            let body = json!({"keep_old_hours": hours});
            world.post(Member(Lead), &path).if_match(&hook.etag(&world).await).json(body).send().await
        };
        let test = async || {
            world.post(Member(Lead), &format!("{}/test", hook.path)).expect(200).await;
            receiver.take().remove(0)
        };
        let second = renew(24).await.expect(201).body["secret"].as_str().unwrap().to_owned();
        let both = test().await;
        assert_eq!(both.headers["webhook-signature"].split(' ').count(), 2);
        assert!(is_signed(&both, &first) && is_signed(&both, &second));
        let third = renew(24).await;
        assert_eq!((third.status.as_u16(), third.problem(), third.pointers()), (409, "conflict", vec!["/keep_old_hours"]));
        world.clock.advance(TimeDelta::hours(24));
        let alone = test().await;
        assert!(!is_signed(&alone, &first) && is_signed(&alone, &second));
        // One that leaked ends at once.
        let third = renew(0).await.expect(201).body["secret"].as_str().unwrap().to_owned();
        let renewed = test().await;
        assert!(!is_signed(&renewed, &second) && is_signed(&renewed, &third));
        assert_eq!(hook.now(&world).await["secrets"].as_array().unwrap().len(), 1);
    }
}

story! {
    async fn a_test_is_sent_at_once_and_what_came_back_is_told(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Partner), &receiver, json!(null)).await;
        receiver.answers([Script::with(418, "", "no coffee\u{0}")]);
        let tested = world.post(Member(Partner), &format!("{}/test", hook.path)).expect(200).await.body;
        assert_eq!((&tested["state"], &tested["status"]), (&json!("failed"), &json!(418)));
        assert_eq!((&tested["type"], &tested["sequence"]), (&json!("webhook.test"), &Value::Null));
        assert_eq!(tested["excerpt"], "no coffee ");
        let came = receiver.take().remove(0);
        assert_eq!(came.headers["webhook-id"], tested["message_id"]);
        assert!(is_signed(&came, &hook.secret));
        let body = came.body();
        assert_eq!((&body["type"], &body["data"]["program"]), (&json!("webhook.test"), &json!("jakarta")));
        // It keeps nothing waiting, and is on the log.
        assert_eq!(hook.delivery(&world).await["failing_since"], Value::Null);
        assert_eq!(attempts(&world, &hook, "").await, [tested]);
    }
}

story! {
    async fn attempts_are_listed_and_kept_for_thirty_days(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        receiver.answers([Script::status(500), Script::status(200), Script::status(404)]);
        for _ in 0..3 {
            world.post(Member(Lead), &format!("{}/test", hook.path)).expect(200).await;
        }
        let numbers = async |query: &str| -> Vec<i64> {
            attempts(&world, &hook, query).await.iter().map(|one| one["number"].as_i64().unwrap()).collect()
        };
        assert_eq!(numbers("").await, [1, 2, 3]);
        assert_eq!(numbers("?sort=-number").await, [3, 2, 1]);
        assert_eq!(numbers("?state=failed").await, [1, 3]);
        assert_eq!(numbers("?state=failed,succeeded&sequence=7").await, &[] as &[i64]);
        let page = world.get(Member(Lead), &format!("{}/attempts?limit=2", hook.path)).expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap().to_owned();
        assert_eq!(numbers(&format!("?limit=2&cursor={cursor}")).await, [3]);
        world.clock.advance(TimeDelta::days(30));
        let mut conn = world.conn();
        assert_eq!(webhooks::sweep(&mut conn, world.clock.now()).unwrap(), 0);
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(webhooks::sweep(&mut conn, world.clock.now()).unwrap(), 3);
    }
}

story! {
    async fn a_list_shows_how_far_each_has_come_though_the_ledger_stands_still(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        world.focus_area().await;
        let before = world.get(Member(Lead), "{p}/webhooks").expect(200).await;
        let again = world.get(Member(Lead), "{p}/webhooks").header("if-none-match", &before.etag()).send().await;
        assert_eq!(again.status, 304);
        courier(&world).round().await.unwrap();
        let after = world.get(Member(Lead), "{p}/webhooks").header("if-none-match", &before.etag()).expect(200).await;
        assert!(before.items()[0]["delivery"]["lag"].as_i64().unwrap() > 0);
        assert_eq!(after.items()[0]["delivery"]["lag"], 0);
        assert_eq!(hook.delivery(&world).await["lag"], 0);
    }
}
