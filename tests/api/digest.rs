//! The daily digest: whoever chose it gets one mail a day of what waits for them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join3;
use serde_json::json;
use tangguh::{digests, policy::Role::*};
use tokio::time::sleep;

use crate::{
    concurrency::batch,
    harness::*,
    post_office::{Came, PostOffice},
    room::Room,
};

async fn choose(world: &World, who: Who, digest: &str) -> Reply {
    let seen = world.get(who.clone(), "me").expect(200).await;
    world.patch(who, "me").if_match(&seen.etag()).patch(json!({"digest": digest})).expect(200).await
}

/// Goes on to an instant, and lets the service send what is due then.
async fn at(world: &World, office: &PostOffice, now: &str) -> Vec<Came> {
    let now: DateTime<Utc> = now.parse().unwrap();
    world.clock.advance(now - world.clock.now());
    digests::enqueue_due(&world.service).await.unwrap();
    office.deliver(world).await
}

story! {
    async fn what_waits_is_told_every_morning_to_who_chose_it(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let room = Room::new(&world).await;
        assert_eq!(world.get(Member(Agency), "me").expect(200).await.body["digest"], "never");
        let chosen = choose(&world, Member(Agency), "daily").await;
        assert_eq!(chosen.body["digest"], "daily");
        assert_eq!(choose(&world, Member(Observer), "daily").await.body["digest"], "daily");
        let owed = json!({"owner_stakeholder_id": room.dinas, "text": {"id": "Kirim  peta\ngenangan", "en": "Send the flood map"}, "due_on": "2026-02-01"});
        let follow_up = world.post(Member(Lead), &format!("{}/follow-ups", room.event)).json(owed).expect(201).await.id();
        room.open(json!({"title": {"id": "Setuju?", "en": "Agreed?"}})).await;

        // It was chosen at nine, so the first is due at seven on the next day.
        assert!(at(&world, &office, "2026-01-15T16:00:00Z").await.is_empty());
        assert!(at(&world, &office, "2026-01-15T23:59:59Z").await.is_empty());
        let mail = office.only(at(&world, &office, "2026-01-16T00:00:00Z").await);
        assert_eq!((mail.to.as_slice(), mail.header("subject")), (&["agency@jakarta.example".to_owned()][..], Some("2 things wait for you on Tangguh")));
        for part in ["jakarta: 2", "* Follow up: Send the flood map (until 2026-02-01)", "* Vote: Agreed?", "PATCH http://tangguh.test/api/v1/me with {\"digest\": \"never\"}"] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
        assert!(mail.text.find("Follow up") < mail.text.find("Vote"), "what is due first stands first");

        // Once a day, and on the next day again: in the language that its reader has chosen meanwhile.
        assert!(at(&world, &office, "2026-01-16T12:00:00Z").await.is_empty());
        let seen = world.get(Member(Agency), "me").expect(200).await;
        world.patch(Member(Agency), "me").if_match(&seen.etag()).patch(json!({"language": "id"})).expect(200).await;
        let mail = office.only(at(&world, &office, "2026-01-17T03:00:00Z").await);
        assert_eq!(mail.header("subject"), Some("2 hal menunggu Anda di Tangguh"));
        assert!(mail.text.contains("* Tindak lanjuti: Kirim peta genangan (sampai 2026-02-01)"), "{}", mail.text);
        assert!(at(&world, &office, "2026-01-17T04:00:00Z").await.is_empty());

        // Where nothing waits, nothing is sent.
        let path = format!("{}/follow-ups/{follow_up}", room.event);
        let seen = world.get(Member(Agency), &path).expect(200).await.etag();
        world.patch(Member(Agency), &path).if_match(&seen).patch(json!({"state": "done"})).expect(200).await;
        choose(&world, Member(Agency), "never").await;
        assert!(at(&world, &office, "2026-01-18T00:00:00Z").await.is_empty());
        // The choice is nobody else's to read.
        let history = world.get(Member(Admin), "ledger?limit=200").expect(200).await;
        assert!(!history.text.contains("\"digest\":\"daily\""), "{}", history.text);
        world.verify();
    }
}

story! {
    async fn a_digest_goes_to_nobody_whom_nothing_waits_for_or_who_cannot_sign_in(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let room = Room::new(&world).await;
        for who in [Member(Agency), Member(Partner), Member(Observer), Member(Secretariat), Outsider, Member(Admin)] {
            choose(&world, who, "daily").await;
        }
        room.open(json!({"title": {"id": "Setuju?"}})).await;
        let lock = async |who: Who| {
            let path = format!("accounts/{}", world.account(&who));
            let seen = world.get(Member(Admin), &path).expect(200).await.etag();
            world.prove(&Member(Admin));
            world.post(Member(Admin), &format!("{path}/lock")).if_match(&seen).json(json!({"reason": "Ponsel hilang."})).expect(200).await;
        };
        lock(Member(Partner)).await;
        let mail = office.only(at(&world, &office, "2026-01-16T00:00:00Z").await);
        assert_eq!(mail.to, ["agency@jakarta.example"]);
        // One that waits in the queue is dropped when its reader is locked, is over, or wants it no more.
        world.clock.advance(TimeDelta::days(1));
        digests::enqueue_due(&world.service).await.unwrap();
        choose(&world, Member(Agency), "never").await;
        assert!(office.deliver(&world).await.is_empty());
        choose(&world, Member(Agency), "daily").await;
        world.clock.advance(TimeDelta::days(1));
        digests::enqueue_due(&world.service).await.unwrap();
        lock(Member(Agency)).await;
        assert!(office.deliver(&world).await.is_empty());
        assert!(at(&world, &office, "2026-01-20T00:00:00Z").await.is_empty());
        let mails = world.get(Member(Admin), "mails?kind=digest&state=waiting").expect(200).await;
        assert!(mails.items().is_empty(), "{}", mails.text);
    }
}

story! {
    async fn two_processes_send_a_digest_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let room = Room::new(&world).await;
        choose(&world, Member(Agency), "daily").await;
        choose(&world, Member(Partner), "daily").await;
        room.open(json!({"title": {"id": "Setuju?"}})).await;
        world.clock.advance(TimeDelta::hours(23));
        // Both have seen what is due before either can note it.
        let (twin, mut held) = (world.instance(), world.conn());
        let sql = match world.kind {
            Kind::Sqlite => "begin immediate",
            Kind::Postgres => "begin; select 1 from account_people for update",
        };
        batch(&mut held, sql);
        let release = async {
            sleep(Duration::from_millis(400)).await;
            batch(&mut held, "commit");
        };
        let (one, two, ()) = join3(digests::enqueue_due(&world.service), digests::enqueue_due(&twin), release).await;
        assert_eq!(one.unwrap() + two.unwrap(), 2);
        let mut to: Vec<String> = office.deliver(&world).await.into_iter().flat_map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, ["agency@jakarta.example", "partner@jakarta.example"]);
        // Whoever starts anew later finds that it was put into the queue.
        assert_eq!(digests::enqueue_due(&world.instance()).await.unwrap(), 0);
        assert!(office.deliver(&world).await.is_empty());
    }
}

story! {
    async fn a_digest_that_a_server_did_not_take_is_not_sent_a_day_late(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let room = Room::new(&world).await;
        choose(&world, Member(Agency), "daily").await;
        room.open(json!({"title": {"id": "Setuju?"}})).await;
        office.answers(["451 later"]);
        assert!(at(&world, &office, "2026-01-16T00:00:00Z").await.is_empty());
        // An hour later it goes through.
        let mail = office.only(at(&world, &office, "2026-01-16T01:00:00Z").await);
        assert!(mail.text.contains("Setuju?"));
        office.answers(["451 later"]);
        assert!(at(&world, &office, "2026-01-17T00:00:00Z").await.is_empty());
        let next = at(&world, &office, "2026-01-18T00:00:00Z").await;
        assert_eq!(next.len(), 1, "{next:?}");
    }
}
