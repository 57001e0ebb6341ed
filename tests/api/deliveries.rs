//! Delivering to webhooks, and all that can go wrong with it. Time is moved, never waited for; only a receiver that
//! does not answer is waited for, a fifth of a second.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tangguh::{
    db::{Id, lock_head},
    policy::Role::*,
    webhooks::{Courier, Noted, Outbound},
};
use tokio::time::timeout;

use crate::{harness::*, receiver::*};

/// A webhook that somebody made.
pub struct Hook {
    pub id: String,
    pub path: String,
    pub secret: String,
    pub owner: Who,
}

impl Hook {
    /// One with a secret, which is not active yet.
    pub async fn of(world: &World, owner: Who, url: &str, types: Value) -> Hook {
        let made =
            world.post(owner.clone(), "{p}/webhooks").json(json!({"url": url, "types": types})).expect(201).await;
        let path = format!("{{p}}/webhooks/{}", made.id());
        let asked = world.post(owner.clone(), &format!("{path}/secrets")).if_match(&made.etag()).json(json!({}));
        let secret = asked.expect(201).await.body["secret"].as_str().unwrap().to_owned();
        let hook = Hook { id: made.id(), path, secret, owner };
        // What follows is not about how it came to be.
        hook.switch(world, "active").await;
        hook
    }

    pub async fn active(world: &World, owner: Who, receiver: &Receiver, types: Value) -> Hook {
        Hook::of(world, owner, &receiver.url, types).await
    }

    pub async fn switch(&self, world: &World, state: &str) -> Value {
        let etag = self.etag(world).await;
        let change = json!({"state": state});
        world.patch(self.owner.clone(), &self.path).if_match(&etag).patch(change).expect(200).await.body
    }

    pub async fn act(&self, world: &World, act: &str, body: Value) -> Reply {
        let etag = self.etag(world).await;
        world.post(self.owner.clone(), &format!("{}/{act}", self.path)).if_match(&etag).json(body).send().await
    }

    pub async fn etag(&self, world: &World) -> String {
        world.get(Member(Lead), &self.path).expect(200).await.etag()
    }

    pub async fn now(&self, world: &World) -> Value {
        world.get(Member(Lead), &self.path).expect(200).await.body
    }

    pub async fn delivery(&self, world: &World) -> Value {
        self.now(world).await["delivery"].clone()
    }

    /// What was sent: row, status or error.
    async fn log(&self, world: &World) -> Vec<(i64, String)> {
        let page = world.get(Member(Lead), &format!("{}/attempts?limit=200", self.path)).expect(200).await;
        let told = |attempt: &Value| {
            let said = attempt["error"].as_str().map_or(attempt["status"].to_string(), str::to_owned);
            (attempt["sequence"].as_i64().unwrap(), said)
        };
        page.items().iter().map(told).collect()
    }

    fn key(&self) -> Id {
        Id::parse(&self.id).unwrap()
    }
}

/// What a worker is made of.
pub fn courier(world: &World) -> Courier {
    Courier::new(world.service.clone(), &world.service.settings.webhooks)
}

fn impatient(world: &World) -> Courier {
    let settings = Outbound { answer_within: Duration::from_millis(200), ..receiving() };
    Courier::new(world.service.clone(), &settings)
}

/// Whether one of a message's signatures is by this secret.
pub fn is_signed(mail: &Mail, secret: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(
        format!("{}.{}.{}", mail.headers["webhook-id"], mail.headers["webhook-timestamp"], mail.text).as_bytes(),
    );
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    mail.headers["webhook-signature"].split(' ').any(|one| one == signature)
}

/// Makes so many shocks, each a row of the ledger; answers their rows.
async fn rows(world: &World, count: usize) -> Vec<i64> {
    let mut rows = Vec::new();
    for _ in 0..count {
        let new = json!({"kind": "shock", "name": {"id": "Banjir", "en": "Flood"}});
        world.post(Member(Lead), "{p}/shocks-and-stresses").json(new).expect(201).await;
        rows.push(head(world).await);
    }
    rows
}

async fn head(world: &World) -> i64 {
    let page = world.get(Member(Lead), "{p}/ledger?sort=-sequence&limit=1").expect(200).await;
    page.items()[0]["sequence"].as_i64().unwrap()
}

const SHOCKS: [&str; 1] = ["shock_or_stress.name"];

async fn of_shocks(world: &World, receiver: &Receiver) -> Hook {
    Hook::active(world, Member(Lead), receiver, json!(SHOCKS)).await
}

story! {
    async fn a_message_says_what_changed_and_nothing_of_what_it_says(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        courier(&world).round().await.unwrap();
        receiver.take();
        let question = world.question().await;
        courier(&world).round().await.unwrap();
        let came = receiver.take();
        assert_eq!(came.len(), 2, "the focus area and the question");
        let (mail, sequence) = (&came[1], head(&world).await);
        let at = world.clock.now();
        let base = "http://tangguh.test/api/v1/programs/jakarta";
        assert_eq!(mail.body(), json!({
            "type": "question.ask",
            "timestamp": at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "data": {
                "program": "jakarta", "sequence": sequence, "op": "upsert",
                "subject": {"kind": "question", "id": question.id(), "revision": 1},
                "links": {"subject": format!("{base}/questions/{}", question.id()), "webhook": format!("{base}/webhooks/{}", hook.id)},
            },
        }));
        assert!(!mail.text.contains("terendam"));
        let key = hook.id.replace('-', "");
        assert_eq!(mail.headers["webhook-id"], format!("msg_{key}_{sequence}"));
        assert_eq!(mail.headers["webhook-timestamp"], at.timestamp().to_string());
        assert_eq!(mail.headers["content-type"], "application/json");
        assert!(is_signed(mail, &hook.secret));
        assert!(!mail.headers.contains_key("authorization"));
        let delivery = hook.delivery(&world).await;
        assert_eq!((&delivery["lag"], &delivery["sequence"]), (&json!(0), &json!(sequence)));
        assert!(delivery["last_success_at"].is_string());
    }
}

story! {
    async fn what_does_not_go_through_keeps_the_rest_waiting_and_is_tried_again(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 3).await;
        receiver.answers([Script::status(500), Script::status(500)]);
        let courier = courier(&world);
        courier.round().await.unwrap();
        let failing = hook.delivery(&world).await;
        assert_eq!((&failing["failing_sequence"], &failing["failures"]), (&json!(rows[0]), &json!(1)));
        assert!(failing["failing_since"].is_string() && failing["next_attempt_at"].is_string(), "{failing}");
        assert!(failing["lag"].as_i64().unwrap() >= 3);
        // Whoever runs the service sees it too.
        let numbers = world.get(Nobody, "//metrics").expect(200).await.text;
        let lag = format!("tangguh_webhooks_lag_rows {}\n", failing["lag"]);
        for number in ["tangguh_webhooks_active 1\n", "tangguh_webhooks_failing 1\n", &lag] {
            assert!(numbers.contains(number), "{numbers}");
        }
        // Not before its time.
        world.clock.advance(TimeDelta::milliseconds(4999));
        courier.round().await.unwrap();
        assert_eq!(receiver.sequences(), rows[..1]);
        world.clock.advance(TimeDelta::milliseconds(501));
        courier.round().await.unwrap();
        assert_eq!(hook.delivery(&world).await["failures"], 2);
        // The second wait is five minutes.
        world.clock.advance(TimeDelta::seconds(299));
        courier.round().await.unwrap();
        let second = receiver.take();
        assert_eq!(second.len(), 1);
        world.clock.advance(TimeDelta::seconds(31));
        courier.round().await.unwrap();
        let rest = receiver.take();
        assert_eq!(rest.iter().map(Mail::sequence).collect::<Vec<_>>(), rows);
        assert_eq!(rest[0].headers["webhook-id"], second[0].headers["webhook-id"], "a repeat keeps its id");
        assert_ne!(rest[0].headers["webhook-timestamp"], second[0].headers["webhook-timestamp"]);
        let well = hook.delivery(&world).await;
        assert_eq!((&well["failures"], &well["failing_since"], &well["next_attempt_at"]), (&json!(0), &Value::Null, &Value::Null));
        let said = [(rows[0], "500"), (rows[0], "500"), (rows[0], "200"), (rows[1], "200"), (rows[2], "200")];
        assert_eq!(hook.log(&world).await, said.map(|(row, said)| (row, said.to_owned())));
    }
}

story! {
    async fn after_the_last_attempt_it_is_disabled_and_followers_are_told(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 1).await;
        receiver.answers((0..10).map(|_| Script::status(404)));
        let courier = courier(&world);
        for number in 1..=10 {
            courier.round().await.unwrap();
            assert_eq!(receiver.take().len(), 1, "attempt {number}");
            world.clock.advance(TimeDelta::hours(27));
        }
        courier.round().await.unwrap();
        assert_eq!(receiver.take().len(), 0);
        let given_up = hook.now(&world).await;
        assert_eq!((&given_up["state"], &given_up["disabled"]["why"]), (&json!("disabled"), &json!("gave_up")));
        assert_eq!(given_up["disabled"]["by_account_id"], Value::Null);
        assert_eq!(given_up["delivery"]["failing_sequence"], json!(rows[0]));
        let told = world.get(Member(Secretariat), "{p}/changes?types=webhook.disable").expect(200).await;
        assert_eq!(told.items().len(), 1);
        assert_eq!(told.items()[0]["subject_id"], json!(hook.id));
        assert_eq!(world.ledger().last().unwrap().0, "webhook.disable");
        // Switched on again, it begins with what did not go through.
        hook.switch(&world, "active").await;
        courier.round().await.unwrap();
        assert_eq!(receiver.sequences(), rows);
        world.verify();
    }
}

story! {
    async fn a_receiver_that_is_gone_is_written_to_no_more(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        rows(&world, 2).await;
        receiver.answers([Script::status(410)]);
        courier(&world).round().await.unwrap();
        assert_eq!(receiver.take().len(), 1);
        let gone = hook.now(&world).await;
        assert_eq!((&gone["state"], &gone["disabled"]["why"]), (&json!("disabled"), &json!("gone")));
        world.verify();
    }
}

story! {
    async fn a_busy_receiver_is_given_the_time_that_it_asks_for(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        rows(&world, 1).await;
        receiver.answers([Script::with(429, "retry-after: 90\r\n", "")]);
        let courier = courier(&world);
        courier.round().await.unwrap();
        world.clock.advance(TimeDelta::seconds(89));
        courier.round().await.unwrap();
        assert_eq!(receiver.take().len(), 1);
        world.clock.advance(TimeDelta::seconds(1));
        courier.round().await.unwrap();
        assert_eq!(receiver.take().len(), 1);
        assert_eq!(hook.delivery(&world).await["lag"], 0);
    }
}

story! {
    async fn no_redirect_is_followed(world) {
        let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 1).await;
        let lead_on = format!("location: {}\r\n", elsewhere.url);
        receiver.answers([Script::with(307, &lead_on, "")]);
        courier(&world).round().await.unwrap();
        assert_eq!(hook.log(&world).await, [(rows[0], "307".to_owned())]);
        assert_eq!(elsewhere.take().len(), 0);
    }
}

story! {
    async fn an_endless_answer_is_cut_off(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 1).await;
        receiver.answers([Script::Endless]);
        courier(&world).round().await.unwrap();
        assert_eq!(hook.log(&world).await, [(rows[0], "200".to_owned())]);
        let page = world.get(Member(Lead), &format!("{}/attempts", hook.path)).expect(200).await;
        assert_eq!(page.items()[0]["excerpt"].as_str().unwrap().len(), 1024);
        assert!(page.items()[0]["duration_ms"].as_i64().unwrap() < 4000, "it was not waited for");
    }
}

story! {
    async fn a_slow_receiver_is_a_failed_attempt_and_holds_nobody_else_up(world) {
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        let (waiting, other) = (of_shocks(&world, &slow).await, of_shocks(&world, &quick).await);
        let rows = rows(&world, 1).await;
        slow.answers([Script::Hang]);
        impatient(&world).round().await.unwrap();
        assert_eq!(waiting.log(&world).await, [(rows[0], "timeout".to_owned())]);
        assert_eq!(other.log(&world).await, [(rows[0], "200".to_owned())]);
        // Nor does one that does not listen.
        let nobody = Hook::of(&world, Member(Lead), "http://127.0.0.1:1/", json!(SHOCKS)).await;
        let next = self::rows(&world, 1).await;
        courier(&world).round().await.unwrap();
        assert_eq!(nobody.log(&world).await, [(next[0], "cannot_connect".to_owned())]);
        assert_eq!(quick.sequences(), [rows[0], next[0]]);
    }
}

story! {
    async fn what_leads_behind_our_walls_is_not_connected_to(world) {
        let receiver = Receiver::start().await;
        let name = receiver.url.replace("127.0.0.1", "localhost");
        let by_name = Hook::of(&world, Member(Lead), &name, json!(SHOCKS)).await;
        let by_number = of_shocks(&world, &receiver).await;
        let secure = Hook::of(&world, Member(Lead), &name.replace("http:", "https:"), json!(SHOCKS)).await;
        // The same settings but for the one that lets them through, as where it was taken away since.
        let guarded = Courier::new(world.service.clone(), &Outbound { allow: Vec::new(), ..receiving() });
        let rows = rows(&world, 1).await;
        guarded.round().await.unwrap();
        for hook in [&by_name, &by_number, &secure] {
            assert_eq!(hook.log(&world).await, [(rows[0], "address_refused".to_owned())]);
        }
        assert_eq!(receiver.take().len(), 0);
        // It speaks no TLS.
        secure.switch(&world, "disabled").await;
        world.clock.advance(TimeDelta::seconds(6));
        courier(&world).round().await.unwrap();
        assert_eq!(receiver.take().len(), 2, "with it, both lead here");
    }
}

story! {
    async fn killed_between_sending_and_noting_it_sends_again_and_loses_nothing(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 2).await;
        let killed = courier(&world);
        let lease = killed.claim(hook.key()).await.unwrap().unwrap();
        let letters = killed.ready(&lease).await.unwrap();
        killed.send(&letters[0]).await.result.unwrap();
        drop(killed);
        let first = receiver.take();
        // Its lease outlives it.
        let other = courier(&world);
        other.round().await.unwrap();
        assert_eq!(receiver.take().len(), 0);
        world.clock.advance(TimeDelta::seconds(45));
        other.round().await.unwrap();
        let came = receiver.take();
        assert_eq!(came.iter().map(Mail::sequence).collect::<Vec<_>>(), rows);
        assert_eq!(came[0].headers["webhook-id"], first[0].headers["webhook-id"]);
        assert_eq!(hook.log(&world).await.len(), 2);
    }
}

story! {
    async fn two_workers_deliver_each_message_once_and_in_order(world) {
        let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
        let mut hooks = Vec::new();
        for receiver in &receivers {
            hooks.push(of_shocks(&world, receiver).await);
        }
        let rows = rows(&world, 30).await;
        let other = world.instance();
        let (one, two) = (courier(&world), Courier::new(other, &receiving()));
        let (first, second) = futures_util::future::join(one.round(), two.round()).await;
        first.unwrap();
        second.unwrap();
        for (hook, receiver) in hooks.iter().zip(&receivers) {
            assert_eq!(receiver.sequences(), rows);
            let noted: Vec<i64> = hook.log(&world).await.iter().map(|(row, _)| *row).collect();
            assert_eq!(noted, rows);
        }
    }
}

story! {
    /// SQLite has one writer at a time, who waits for nobody.
    async fn what_went_through_is_noted_while_somebody_else_writes_the_ledger(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        rows(&world, 1).await;
        let courier = courier(&world);
        let lease = courier.claim(hook.key()).await.unwrap().unwrap();
        let letters = courier.ready(&lease).await.unwrap();
        let answered = courier.send(&letters[0]).await;
        let mut writer = world.conn();
        if world.kind == Kind::Postgres {
            writer.batch_execute("begin").unwrap();
            lock_head(&mut writer, world.program()).unwrap();
        }
        let noted = timeout(Duration::from_secs(10), courier.note(&lease, &letters[0], answered)).await;
        assert_eq!(noted.expect("it waits for the ledger, which whoever holds may wait for it").unwrap(), Noted::Delivered);
    }
}

story! {
    async fn whoever_lost_the_lease_moves_nothing(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 3).await;
        let (slow, quick) = (courier(&world), courier(&world));
        let lease = slow.claim(hook.key()).await.unwrap().unwrap();
        assert_eq!(quick.claim(hook.key()).await.unwrap(), None, "it is held");
        let letters = slow.ready(&lease).await.unwrap();
        let answered = slow.send(&letters[0]).await;
        // It was thought dead meanwhile, and another sent the same and one more.
        world.clock.advance(TimeDelta::seconds(45));
        let taken = quick.claim(hook.key()).await.unwrap().unwrap();
        for letter in &quick.ready(&taken).await.unwrap()[..2] {
            let answered = quick.send(letter).await;
            assert_eq!(quick.note(&taken, letter, answered).await.unwrap(), Noted::Delivered);
        }
        let before = hook.delivery(&world).await;
        assert_eq!(slow.note(&lease, &letters[0], answered).await.unwrap(), Noted::Lost);
        receiver.answers([Script::status(410)]);
        let gone = slow.send(&letters[0]).await;
        assert_eq!(slow.note(&lease, &letters[0], gone).await.unwrap(), Noted::Lost);
        slow.release(lease).await.unwrap();
        assert_eq!(hook.delivery(&world).await, before);
        assert_eq!(hook.now(&world).await["state"], "active");
        assert_eq!(slow.claim(hook.key()).await.unwrap(), None, "it is the other's still");
        assert_eq!(hook.log(&world).await, [(rows[0], "200".to_owned()), (rows[1], "200".to_owned())]);
    }
}

story! {
    async fn a_clock_set_back_neither_stops_delivery_nor_ends_a_lease(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 2).await;
        let (killed, other) = (courier(&world), courier(&world));
        killed.claim(hook.key()).await.unwrap().unwrap();
        // Nobody comes to release it, and it seems to hold for another three hours.
        world.clock.advance(TimeDelta::hours(-3));
        other.round().await.unwrap();
        assert_eq!(receiver.take().len(), 0, "who holds it may live");
        world.clock.advance(TimeDelta::seconds(45));
        receiver.answers([Script::status(500)]);
        other.round().await.unwrap();
        assert_eq!(receiver.take().len(), 1);
        // What was to wait five seconds would wait for hours.
        world.clock.advance(TimeDelta::hours(-3));
        other.round().await.unwrap();
        assert_eq!(receiver.sequences(), rows);
        assert_eq!(hook.delivery(&world).await["lag"], 0);
    }
}

story! {
    async fn without_a_membership_nothing_is_sent_any_more(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Partner), &receiver, json!(SHOCKS)).await;
        let sent = rows(&world, 1).await;
        courier(&world).round().await.unwrap();
        assert_eq!(receiver.sequences(), sent);
        let held = world.get(Member(Lead), "{p}/memberships?role=partner").expect(200).await;
        let held = &held.items()[0];
        let path = format!("{{p}}/memberships/{}/end", held["id"].as_str().unwrap());
        let etag = format!("\"{}\"", held["revision"]);
        let why = json!({"reason": "Kerja sama selesai."});
        world.post(Member(Lead), &path).if_match(&etag).json(why).expect(200).await;
        rows(&world, 1).await;
        courier(&world).round().await.unwrap();
        assert_eq!(receiver.take().len(), 0);
        let stopped = hook.now(&world).await;
        assert_eq!((&stopped["state"], &stopped["disabled"]["why"]), (&json!("disabled"), &json!("no_membership")));
        world.verify();
    }
}

story! {
    async fn a_message_that_cannot_go_through_can_be_skipped(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 2).await;
        receiver.answers([Script::status(400)]);
        let courier = courier(&world);
        courier.round().await.unwrap();
        let skip = |sequence: i64| json!({"sequence": sequence, "reason": "Penerima menolaknya."});
        let other = hook.act(&world, "skip", skip(rows[1])).await.expect(409);
        assert_eq!((other.problem(), other.pointers()), ("conflict", vec!["/sequence"]));
        let skipped = hook.act(&world, "skip", skip(rows[0])).await.expect(200);
        assert_eq!(skipped.body["skipped_sequence"], json!(rows[0]));
        courier.round().await.unwrap();
        assert_eq!(receiver.sequences(), rows);
        hook.act(&world, "skip", skip(rows[0])).await.expect(409);
        assert_eq!(world.ledger().last().unwrap().0, "webhook.skip");
        world.verify();
    }
}

story! {
    async fn what_was_skipped_meanwhile_is_not_noted_by_whoever_was_sending_it(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 2).await;
        receiver.answers([Script::status(500)]);
        let courier = courier(&world);
        courier.round().await.unwrap();
        let lease = courier.claim(hook.key()).await.unwrap().unwrap();
        let letters = courier.ready(&lease).await.unwrap();
        let answered = courier.send(&letters[0]).await;
        hook.act(&world, "skip", json!({"sequence": rows[0], "reason": "Tidak perlu."})).await.expect(200);
        assert_eq!(courier.note(&lease, &letters[0], answered).await.unwrap(), Noted::Lost);
        receiver.take();
        courier.round().await.unwrap();
        assert_eq!(receiver.sequences(), rows[1..]);
    }
}

story! {
    async fn a_range_is_sent_again_before_what_is_still_to_come(world) {
        let receiver = Receiver::start().await;
        let hook = of_shocks(&world, &receiver).await;
        let rows = rows(&world, 4).await;
        let courier = courier(&world);
        courier.round().await.unwrap();
        let ids = |mails: &[Mail]| -> Vec<String> { mails.iter().map(|mail| mail.headers["webhook-id"].clone()).collect() };
        let first = ids(&receiver.take());
        let range = |from: i64, to: i64| json!({"from_sequence": from, "to_sequence": to, "reason": "Basis data dipulihkan."});
        let end = head(&world).await;
        for (from, to, code) in [(rows[1], rows[0], "order"), (rows[0], end + 9, "too_large")] {
            let refused = hook.act(&world, "replay", range(from, to)).await.expect(422);
            assert_eq!((refused.pointers(), &refused.body["errors"][0]["code"]), (vec!["/to_sequence"], &json!(code)));
        }
        let again = hook.act(&world, "replay", range(rows[1], rows[2])).await.expect(200);
        assert_eq!(again.body["replayed"], json!({"from_sequence": rows[1], "to_sequence": rows[2]}));
        assert_eq!(again.body["delivery"]["replaying"], again.body["replayed"]);
        let next = self::rows(&world, 1).await;
        courier.round().await.unwrap();
        let came = receiver.take();
        assert_eq!(came.iter().map(Mail::sequence).collect::<Vec<_>>(), [rows[1], rows[2], next[0]]);
        assert_eq!(ids(&came)[..2], first[1..3], "what was had already is known by its id");
        let after = hook.delivery(&world).await;
        assert_eq!((&after["replaying"], &after["lag"]), (&Value::Null, &json!(0)));
    }
}

story! {
    async fn only_what_was_asked_for_is_sent(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(["question.ask", "question.review"])).await;
        let question = world.question().await;
        rows(&world, 2).await;
        let step = json!({"to": "proposed", "reason": "Siap."});
        let path = format!("{{p}}/questions/{}/transitions", question.id());
        world.post(Member(Lead), &path).if_match("\"1\"").json(step).expect(200).await;
        courier(&world).round().await.unwrap();
        let came: Vec<Value> = receiver.take().iter().map(|mail| mail.body()["type"].clone()).collect();
        assert_eq!(came, ["question.ask", "question.review"]);
        assert_eq!(hook.delivery(&world).await["lag"], 0);
    }
}

story! {
    async fn a_partner_is_told_of_no_drafts_and_of_no_other_organisations_inputs(world) {
        let (partner, agency, lead) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        for (who, receiver) in [(Partner, &partner), (Agency, &agency), (Lead, &lead)] {
            Hook::active(&world, Member(who), receiver, json!(["question.ask", "question.review", "input.send", "membership.grant"])).await;
        }
        let question = world.question().await;
        for (sender, reference) in [(Agency, "D-1"), (Partner, "M-1")] {
            let input = json!({"kind": "comment", "text": "Pompa rusak.", "language": "id", "external_ref": reference});
            world.post(Member(sender), "{p}/inputs").json(input).expect(201).await;
        }
        let grant = json!({"account_id": world.account(&Outsider), "role": "observer", "from_on": "2026-03-01",
            "stakeholder_id": world.seed.stakeholders["dinas"]});
        world.post(Member(Lead), "{p}/memberships").json(grant).expect(201).await;
        courier(&world).round().await.unwrap();
        let types = |receiver: &Receiver| -> Vec<String> {
            receiver.take().iter().map(|mail| mail.body()["type"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(types(&partner), ["input.send"]);
        assert_eq!(types(&agency), ["question.ask", "input.send", "input.send"]);
        assert_eq!(types(&lead), ["question.ask", "input.send", "input.send", "membership.grant"]);
        let step = json!({"to": "proposed", "reason": "Siap."});
        let path = format!("{{p}}/questions/{}/transitions", question.id());
        world.post(Member(Lead), &path).if_match("\"1\"").json(step).expect(200).await;
        courier(&world).round().await.unwrap();
        assert_eq!(types(&partner), ["question.review"]);
    }
}

story! {
    async fn a_long_stretch_that_says_nothing_is_walked_over(world) {
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Partner), &receiver, json!(["question.ask"])).await;
        rows(&world, 45).await;
        courier(&world).round().await.unwrap();
        assert_eq!(receiver.take().len(), 0);
        assert_eq!(hook.delivery(&world).await["lag"], 0);
    }
}
