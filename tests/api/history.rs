//! What was: history, and the state at an earlier moment; and that a change names what it saw.

use chrono::TimeDelta;
use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, operations::*};

/// The number of the programme's newest ledger row.
async fn head(world: &World) -> i64 {
    world.get(Member(Lead), "{p}/summary").expect(200).await.body["head_sequence"].as_i64().unwrap()
}

story! {
    async fn a_question_is_read_as_it_was(world) {
        let before = head(&world).await;
        world.clock.advance(TimeDelta::hours(1));
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}", asked.id());
        let first = head(&world).await;
        world.clock.advance(TimeDelta::hours(1));
        let revision = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        let revised = world.post(Member(Lead), &format!("{path}/revisions")).if_match(&asked.etag()).json(revision).expect(201).await;
        let step = json!({"to": "proposed", "reason": "Ayo."});
        world.post(Member(Lead), &format!("{path}/transitions")).if_match(&revised.etag()).json(step).expect(200).await;

        // What is to come cannot be read.
        let early = world.get(Member(Agency), &format!("{path}?as_of=2030-01-01T00:00:00Z")).expect(400).await;
        assert_eq!(early.problem(), "bad-as-of");

        // At the instant of a change, the change has happened.
        for (moment, revision) in [
            (format!("seq:{first}"), 1), (format!("seq:{}", first + 1), 2), (format!("seq:{}", first + 2), 3),
            ("2026-01-15T03:00:00Z".into(), 1), ("2026-01-15T03:59:59.999999Z".into(), 1),
            ("2026-01-15T04:00:00Z".into(), 3), ("2026-01-15T11:00:00%2B07:00".into(), 3),
        ] {
            let then = world.get(Member(Agency), &format!("{path}?as_of={moment}")).expect(200).await;
            assert_eq!(then.body["revision"], revision, "{moment}");
            let listed = world.get(Member(Agency), &format!("{{p}}/questions?include_total=true&as_of={moment}")).expect(200).await;
            assert_eq!((&listed.items()[0]["revision"], &listed.body["total"]), (&json!(revision), &json!(1)), "{moment}");
        }
        for moment in [format!("seq:{before}"), "2026-01-15T02:59:59Z".into()] {
            world.get(Member(Agency), &format!("{path}?as_of={moment}")).expect(404).await;
            assert!(world.get(Member(Agency), &format!("{{p}}/questions?as_of={moment}")).expect(200).await.items().is_empty());
        }
        // The rights are today's: what a partner may not see now or then is not there.
        world.get(Member(Partner), &format!("{path}?as_of=seq:{first}")).expect(404).await;
        assert!(world.get(Member(Partner), &format!("{{p}}/questions?as_of=seq:{first}")).expect(200).await.items().is_empty());
        world.get(Member(Partner), &format!("{path}?as_of=seq:{}", first + 2)).expect(200).await;

        // A day is as it ended where the programme is, and is over then.
        world.clock.advance(TimeDelta::hours(13) - TimeDelta::microseconds(2));
        world.get(Member(Agency), &format!("{path}?as_of=2026-01-15")).expect(400).await;
        world.clock.advance(TimeDelta::microseconds(2));
        assert_eq!(world.get(Member(Agency), &format!("{path}?as_of=2026-01-15")).expect(200).await.body["revision"], 3);
        for moment in [format!("seq:{}", first + 3), "2020-01-01T00:00:00Z".into(), "2020-01-01".into()] {
            let refused = world.get(Member(Agency), &format!("{path}?as_of={moment}")).expect(400).await;
            assert_eq!(refused.problem(), "bad-as-of");
        }
        for moment in ["yesterday", "seq:0", "seq:-1", "seq:x", "2026-01-32", "seq:99999999999999999999"] {
            let refused = world.get(Member(Agency), &format!("{path}?as_of={moment}")).expect(400).await;
            assert_eq!(refused.pointers(), ["?as_of"], "{moment}");
        }
        world.verify();
    }
}

story! {
    async fn a_focus_area_is_read_as_it_was_called(world) {
        let id = world.focus_area().await;
        let path = format!("{{p}}/focus-areas/{id}");
        let first = head(&world).await;
        world.clock.advance(TimeDelta::days(1));
        let now = world.get(Member(Lead), &path).expect(200).await;
        let patch = json!({"names": [{"name": {"id": "Pemerintahan"}}]});
        let renamed = world.patch(Member(Lead), &path).if_match(&now.etag()).patch(patch).expect(200).await;
        world.clock.advance(TimeDelta::days(1));
        world.post(Member(Lead), &format!("{path}/retirement")).if_match(&renamed.etag()).json(json!({"reason": "Selesai."})).expect(200).await;

        let called = async |query: &str| {
            let then = world.get(Member(Partner), &format!("{path}?{query}")).expect(200).await;
            let listed = world.get(Member(Partner), &format!("{{p}}/focus-areas?{query}")).expect(200).await;
            assert_eq!(listed.items()[0]["names"], then.body["names"]);
            assert_eq!(listed.items()[0]["state"], then.body["state"]);
            (then.body["names"][0]["name"]["id"].as_str().unwrap().to_owned(), then.body["state"].as_str().unwrap().to_owned())
        };
        let (before, after) = ("Tata kelola".to_owned(), "Pemerintahan".to_owned());
        assert_eq!(called(&format!("as_of=seq:{first}")).await, (before.clone(), "active".into()));
        assert_eq!(called("as_of=2026-01-15T12:00:00Z").await, (before, "active".into()));
        assert_eq!(called("as_of=2026-01-16T12:00:00Z").await, (after.clone(), "active".into()));
        assert_eq!(called("").await, (after, "retired".into()));
        assert_eq!(world.get(Member(Partner), "{p}/focus-areas?state=active&as_of=2026-01-16T12:00:00Z").expect(200).await.items().len(), 1);
        world.verify();
    }
}

story! {
    async fn history_comes_in_pages_and_in_order(world) {
        let id = world.focus_area().await;
        let path = format!("{{p}}/focus-areas/{id}");
        for number in 1..=6 {
            let now = world.get(Member(Lead), &path).expect(200).await;
            world.clock.advance(TimeDelta::minutes(1));
            world.patch(Member(Secretariat), &path).if_match(&now.etag()).patch(json!({"problem": {"id": format!("Masalah {number}")}})).expect(200).await;
        }
        let (mut revisions, mut sequences, mut query) = (Vec::new(), Vec::new(), "limit=3".to_owned());
        loop {
            let page = world.get(Member(Observer), &format!("{path}/history?{query}")).expect(200).await;
            assert!(page.items().len() <= 3);
            for entry in page.items() {
                revisions.push(entry["revision"].as_i64().unwrap());
                sequences.push(entry["sequence"].as_i64().unwrap());
                assert_eq!(entry["content"]["revision"], entry["revision"]);
                assert_eq!(entry["content"]["updated_at"], entry["at"]);
            }
            match page.body["next_cursor"].as_str() {
                Some(cursor) => query = format!("limit=3&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(revisions, [1, 2, 3, 4, 5, 6, 7]);
        assert!(sequences.is_sorted());
        let all = world.get(Member(Observer), &format!("{path}/history")).expect(200).await;
        assert_eq!(all.items()[0]["action"], "focus_area.name");
        assert_eq!(all.items()[6]["account_id"], json!(world.account(&Member(Secretariat))));
        assert_eq!(all.items()[6]["content"]["problem"]["id"], "Masalah 6");
        world.get(Member(Observer), &format!("{path}/history")).header("if-none-match", &all.etag()).expect(304).await;
        // A cursor belongs to its own list.
        let cursor = world.get(Member(Observer), &format!("{path}/history?limit=3")).expect(200).await.body["next_cursor"].as_str().unwrap().to_owned();
        let other = world.focus_area().await;
        let stray = world.get(Member(Observer), &format!("{{p}}/focus-areas/{other}/history?cursor={cursor}")).expect(400).await;
        assert_eq!(stray.problem(), "bad-cursor");
        world.verify();
    }
}

story! {
    async fn every_change_of_what_is_there_names_the_revision_that_was_seen(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let ledgers = async || {
            let platform = world.get(Member(Admin), "ledger?sort=-sequence&limit=1").expect(200).await;
            (world.ledger(), platform.items()[0]["sequence"].clone())
        };
        let before = ledgers().await;
        let pinned: Vec<_> = OPERATIONS.iter().filter(|operation| operation.is_pinned()).collect();
        assert!(pinned.len() >= 45, "{}", pinned.len());
        for operation in pinned {
            let (id, who) = (&operation.id, signed_in(&world, &operation.who_may()));
            let bare = things.ask(&world, who.clone(), operation).send().await;
            assert_eq!((bare.status.as_u16(), bare.problem()), (428, "precondition-required"), "{id}: {}", bare.text);
            for tag in ["\"99.abc\"", "\"of somebody else\"", "\"0\""] {
                let stale = things.ask(&world, who.clone(), operation).if_match(tag).send().await;
                assert_eq!((stale.status.as_u16(), stale.problem()), (412, "stale"), "{id}: {}", stale.text);
                assert!(stale.body["current_revision"].as_i64().unwrap() >= 1, "{id}");
                assert_eq!(stale.header("etag"), stale.body["current_etag"].as_str(), "{id}");
            }
        }
        assert_eq!(ledgers().await, before);
        world.verify();
    }
}
