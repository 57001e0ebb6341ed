//! Where the two databases differ, and that a client cannot tell.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{db::constraint::broken, policy::Role::*};

use crate::{harness::*, sign_ins};

async fn enter(world: &World, name: &str) -> Reply {
    let body = json!({"names": [{"name": {"id": name}}], "kind": "other"});
    world.post(Member(Admin), "stakeholders").json(body).expect(201).await
}

fn names(reply: &Reply) -> Vec<String> {
    reply.items().iter().map(|item| item["names"][0]["name"]["id"].as_str().unwrap().to_owned()).collect()
}

story! {
    async fn names_sort_alike_everywhere(world) {
        for name in ["Zulu", "apel", "Äpfel", "élan", "Ökologi", "zoo", "ZOO 2", "日本", "a b", "a-b", "A", "_x", "😀"] {
            enter(&world, name).await;
        }
        let list = world.get(Member(Lead), "stakeholders?sort=name").expect(200).await;
        let listed = names(&list);
        let mut wanted = listed.clone();
        wanted.sort_by_key(|name| name.to_lowercase());
        assert_eq!((listed.len(), &listed), (17, &wanted), "by the code points of the folded name");
        let turned = names(&world.get(Member(Lead), "stakeholders?sort=-name").expect(200).await);
        assert_eq!(turned.into_iter().rev().collect::<Vec<_>>(), wanted);
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(Member(Lead), &format!("stakeholders?sort=name&limit=2{cursor}")).expect(200).await;
            seen.extend(names(&page));
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, wanted);
    }
}

story! {
    async fn case_and_wildcards_in_a_search_mean_the_same(world) {
        for name in ["Äpfel & Öl", "100% Bambu", "under_score", "back\\slash", "İstanbul"] {
            enter(&world, name).await;
        }
        for (words, wanted) in [
            ("DINAS", vec!["dinas"]), ("äPF", vec!["Äpfel & Öl"]), ("%C3%96L", vec!["Äpfel & Öl"]), ("%25", vec!["100% Bambu"]), ("0%25+b", vec!["100% Bambu"]),
            ("_", vec!["under_score"]), ("d_n", vec![]), ("%5C", vec!["back\\slash"]), ("d%25s", vec![]), ("'", vec![]), ("STANBUL", vec!["İstanbul"]),
        ] {
            let words = words.replace('ä', "%C3%A4");
            let found = world.get(Member(Lead), &format!("stakeholders?q={words}")).expect(200).await;
            assert_eq!(names(&found), wanted, "{words}");
        }
    }
}

story! {
    async fn an_open_end_is_later_than_every_day(world) {
        // NULL sorts first in one and last in the other: no list sorts by a column that may be null.
        let held = world.get(Member(Lead), "{p}/memberships?held_on=2999-01-01&limit=200").expect(200).await;
        assert_eq!(held.items().len(), 6);
        assert_eq!(world.get(Member(Lead), "{p}/memberships?held_on=2025-12-31").expect(200).await.items().len(), 0);
    }
}

story! {
    async fn a_number_that_one_database_cannot_hold_is_refused_by_both(world) {
        for number in [json!(2_147_483_648_i64), json!(9_223_372_036_854_775_807_i64), json!(1e300), json!(-1), json!(1.5)] {
            let refused = world.post(Member(Lead), "{p}/phases").json(json!({"number": number, "name": {"id": "Satu"}})).expect(422).await;
            assert_eq!(refused.pointers(), ["/number"], "{number}");
        }
        let asked = world.question().await;
        for number in ["2147483648", "99999999999999999999", "-1", "0"] {
            world.get(Member(Lead), &format!("{{p}}/questions/{}/revisions/{number}", asked.id())).expect(404).await;
        }
        let refused = world.get(Member(Lead), "{p}/questions?as_of=seq:999999999").expect(400).await;
        assert_eq!(refused.problem(), "bad-as-of");
    }
}

story! {
    async fn no_nul_reaches_the_database(world) {
        let area = world.focus_area().await;
        let text = "a\0b";
        for (path, body, pointer) in [
            ("{p}/questions", json!({"focus_area_id": area, "text": {"id": text}}), "/text/id"),
            ("{p}/phases", json!({"number": 1, "name": {"id": text}}), "/name/id"),
        ] {
            let refused = world.post(Member(Lead), path).json(body).expect(422).await;
            assert_eq!(refused.pointers(), [pointer], "{path}");
        }
        let refused = world.post(Member(Admin), "accounts").json(json!({"email": "a\0b@example.org", "name": text})).send().await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let refused = sign_ins::log_in(&world, "a\0b@example.org", "a\0b").send().await;
        assert!(matches!(refused.status.as_u16(), 401 | 422), "{}", refused.text);
        for path in ["stakeholders?q=a%00b", "{p}/questions?code=%00", "{p}/ledger?action=a%00"] {
            let refused = world.get(Member(Lead), path).expect(400).await;
            assert_eq!(refused.problem(), "invalid-query", "{path}");
        }
        world.get(Member(Admin), "accounts?email=a%00b").expect(400).await;
    }
}

story! {
    async fn an_address_is_one_in_whatever_case(world) {
        let make = |email: &str| world.post(Member(Admin), "accounts").json(json!({"email": email, "name": "Ny. Ängström"})).send();
        make("Ängström@Example.ORG").await;
        make("siti.Nurhaliza@Example.ORG").await.expect(201);
        let taken = make("SITI.nurhaliza@example.org").await.expect(409);
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/email"]));
        let found = world.get(Member(Admin), "accounts?email=Siti.NURHALIZA@example.org").expect(200).await;
        assert_eq!((found.items().len(), &found.items()[0]["email"]), (1, &json!("siti.Nurhaliza@Example.ORG")));
    }
}

story! {
    async fn an_instant_is_exact_to_the_microsecond(world) {
        world.clock.advance(TimeDelta::microseconds(123_456));
        let asked = world.question().await;
        let at = "2026-01-15T02:00:00.123456Z";
        assert_eq!((&asked.body["created_at"], &asked.body["updated_at"]), (&json!(at), &json!(at)));
        world.clock.advance(TimeDelta::microseconds(1));
        let next = world.question().await;
        assert_eq!(next.body["created_at"], "2026-01-15T02:00:00.123457Z");
        let count = |query: String| {
            let asked = world.get(Member(Lead), &format!("{{p}}/questions?{query}")).expect(200);
            async move { asked.await.items().len() }
        };
        assert_eq!(count(format!("updated_at.gte={at}")).await, 2);
        assert_eq!(count(format!("updated_at.lt={at}")).await, 0);
        assert_eq!(count("updated_at.gte=2026-01-15T02:00:00.123457Z".into()).await, 1);
        assert_eq!(count("updated_at.lt=2026-01-15T09:00:00.123457%2B07:00".into()).await, 1);
        assert_eq!(count(format!("as_of={at}")).await, 1);
        // A whole second has microseconds too: text sorts as time does.
        assert_eq!(count("updated_at.gte=2026-01-15T02:00:00Z".into()).await, 2);
    }
}

story! {
    async fn an_instant_far_away_is_only_far_away(world) {
        world.question().await;
        for (query, wanted) in [
            ("updated_at.gte=9999-12-31T23:59:59.999999Z", 0), ("updated_at.lt=9999-12-31T23:59:59-12:00", 1), ("updated_at.gte=9999-12-31T23:59:59-12:00", 0),
            ("updated_at.lt=0000-01-01T00:00:00%2B12:00", 0), ("updated_at.gte=0000-01-01T00:00:00%2B12:00", 1), ("updated_at.gte=0001-01-01T00:00:00Z", 1),
        ] {
            let found = world.get(Member(Lead), &format!("{{p}}/questions?{query}")).expect(200).await;
            assert_eq!(found.items().len(), wanted, "{query}");
        }
        for query in ["updated_at.gte=%2B262142-12-31T23:59:59Z", "updated_at.lt=-262143-01-01T00:00:00Z", "updated_at.gte=%2B10000-01-01T00:00:00Z"] {
            let found = world.get(Member(Lead), &format!("{{p}}/questions?{query}")).send().await;
            assert!(found.status == 400 || (found.status == 200 && found.items().is_empty()), "{query}: {}", found.text);
        }
    }
}

story! {
    async fn a_broken_constraint_has_the_same_name(world) {
        let mut conn = world.conn();
        let program = world.program();
        let ledger = "insert into ledgers (id, sequence, hash, at) values ('00000000-0000-0000-0000-000000000000', 0, '', '2026-01-01T00:00:00.000000Z')";
        let key = "insert into service_keys (id, used_for, sealed, made_at) values ('x', 'nothing', '', '2026-01-01T00:00:00.000000Z')";
        let revision = format!("update program_revisions set revision = 0 where subject_id = '{program}'");
        let until = "update membership_revisions set until_on = '1999-01-01'";
        let role = "update membership_revisions set role = 'king'";
        let person = "update account_people set email_folded = 'lead@jakarta.example'";
        let slug = "update programs set slug = 'jakarta'";
        for (sql, name) in [
            (ledger, "ledgers_id_key"), (key, "service_keys_used_for_check"), (revision.as_str(), "program_revisions_revision_check"),
            (until, "membership_revisions_until_on_check"), (role, "membership_revisions_role_check"),
            (person, "account_people_email_folded_key"), (slug, "programs_slug_key"),
        ] {
            let error = diesel::sql_query(sql).execute(&mut conn).unwrap_err();
            assert_eq!(broken(&error).as_deref(), Some(name), "{error}");
        }
        let orphan = format!("insert into phases (id, ledger_id) values ('{program}', 'ffffffff-ffff-ffff-ffff-ffffffffffff')");
        assert!(diesel::sql_query(orphan).execute(&mut conn).is_err(), "foreign keys hold on both");
    }
}

story! {
    async fn what_is_unique_among_open_revisions_is_told_by_its_field(world) {
        let body = json!({"number": 1, "name": {"id": "Satu"}});
        world.post(Member(Lead), "{p}/phases").json(body.clone()).expect(201).await;
        let taken = world.post(Member(Lead), "{p}/phases").json(body.clone()).expect(409).await;
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/number"]));
        world.post(Neighbour(Lead), "programs/porto/phases").json(body).expect(201).await;
        let program = json!({"slug": "porto", "source_language": "id", "time_zone": "Asia/Jakarta", "name": {"id": "Lagi"}});
        let taken = world.post(Member(Admin), "programs").json(program).expect(409).await;
        assert_eq!(taken.pointers(), ["/slug"]);
    }
}

story! {
    async fn text_of_every_kind_comes_back_as_it_was(world) {
        let area = world.focus_area().await;
        for text in ["é vs e\u{301}", "😀 👩‍👩‍👧", "a'b\"c\\d", "%s _ %", "ꦗꦏꦂꦠ", "\u{202e}kanan", "null", "0", "{}"] {
            let made = world.post(Member(Lead), "{p}/questions").json(json!({"focus_area_id": area, "text": {"id": text}})).expect(201).await;
            let read = world.get(Member(Lead), &format!("{{p}}/questions/{}", made.id())).expect(200).await;
            assert_eq!(read.body["text"]["id"], Value::from(text));
            assert_eq!(read.etag(), made.etag());
        }
        world.verify();
    }
}
