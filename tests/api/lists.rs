//! What all lists have in common: pages, cursors, limits, parameters.

use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::json;
use tangguh::{keys, policy::Role::*, token::KeyUse};

use crate::harness::*;

/// Asks this many questions in one focus area.
async fn ask(world: &World, count: usize) -> Vec<String> {
    let area = world.focus_area().await;
    let mut ids = Vec::new();
    for number in 0..count {
        let body = json!({"focus_area_id": area, "text": {"id": format!("Pertanyaan {number}?")}});
        ids.push(world.post(Member(Lead), "{p}/questions").json(body).expect(201).await.id());
    }
    ids
}

fn ids(reply: &Reply) -> Vec<String> {
    reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

fn next(reply: &Reply) -> Option<String> {
    reply.body["next_cursor"].as_str().map(str::to_owned)
}

async fn first_cursor(world: &World) -> String {
    next(&world.get(Member(Lead), "{p}/questions?limit=2").expect(200).await).unwrap()
}

story! {
    async fn all_pages_together_are_the_list(world) {
        let asked = ask(&world, 7).await;
        for (query, wanted) in [
            ("sort=code", asked.clone()),
            ("sort=-code", asked.iter().rev().cloned().collect()),
            ("sort=-updated_at", asked.iter().rev().cloned().collect::<Vec<_>>()),
            ("sort=created_at&state=draft", asked.clone()),
        ] {
            let whole = world.get(Member(Lead), &format!("{{p}}/questions?{query}")).expect(200).await;
            assert_eq!((ids(&whole), next(&whole)), (wanted.clone(), None), "{query}");
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = world.get(Member(Lead), &format!("{{p}}/questions?{query}&limit=3{cursor}")).expect(200).await;
                seen.extend(ids(&page));
                match next(&page) {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, wanted, "{query}");
        }
    }
}

story! {
    async fn pages_lose_nothing_while_others_write(world) {
        let asked = ask(&world, 6).await;
        let area = world.focus_area().await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{{p}}/questions?sort=created_at&limit=2{cursor}");
            let one = json!({"focus_area_id": area, "text": {"id": "Baru?"}});
            let more = world.post(Member(Lead), "{p}/questions").json(one).send();
            let (page, more) = futures_util::future::join(world.get(Member(Lead), &path).send(), more).await;
            more.expect(201);
            seen.extend(ids(&page));
            match next(&page) {
                Some(next) if seen.len() < 40 => cursor = format!("&cursor={next}"),
                _ => break,
            }
        }
        assert_eq!(&seen[..6], &asked[..]);
        let mut once = seen.clone();
        once.dedup();
        assert_eq!(once, seen, "nothing comes twice");
    }
}

story! {
    async fn the_link_leads_to_the_next_page(world) {
        ask(&world, 3).await;
        let page = world.get(Member(Lead), "{p}/questions?state=draft&limit=2&fields=id").expect(200).await;
        let link = page.header("link").unwrap();
        let url = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap();
        assert!(url.starts_with("/api/v1/programs/jakarta/questions?state=draft&limit=2&fields=id&cursor="), "{url}");
        let last = world.get(Member(Lead), url.strip_prefix("/api/v1/").unwrap()).expect(200).await;
        assert_eq!((last.items().len(), last.header("link")), (1, None));
    }
}

story! {
    async fn a_cursor_is_bound_to_its_list_filters_and_sort(world) {
        ask(&world, 4).await;
        let cursor = first_cursor(&world).await;
        // Page length and what is shown are free.
        world.get(Member(Lead), &format!("{{p}}/questions?limit=1&fields=id&include_total=true&cursor={cursor}")).expect(200).await;
        let programs = [
            (Member(Lead), "{p}/questions?state=draft&"),
            (Member(Lead), "{p}/questions?sort=-code&"),
            (Member(Lead), "{p}/questions?sort=created_at&"),
            (Member(Lead), "{p}/questions?as_of=seq:3&"),
            (Member(Lead), "{p}/focus-areas?"),
            (Member(Lead), "{p}/ledger?"),
            (Member(Lead), "stakeholders?"),
            (Neighbour(Lead), "programs/porto/questions?"),
        ];
        for (who, path) in programs {
            let refused = world.get(who, &format!("{path}cursor={cursor}")).expect(400).await;
            assert_eq!(refused.problem(), "bad-cursor", "{path}");
        }
    }
}

story! {
    async fn a_changed_cursor_is_refused(world) {
        ask(&world, 4).await;
        let cursor = first_cursor(&world).await;
        let mut wrong: Vec<String> = ["", ".", "a.b", "null", "%00", "%C3%A9"].map(str::to_owned).into();
        wrong.push(cursor[..cursor.len() - 1].to_owned());
        wrong.push(format!("{cursor}A"));
        wrong.push(cursor.replace('.', ""));
        for at in (0..cursor.len() - 1).step_by(7) {
            let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
            wrong.push(format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]));
        }
        for cursor in wrong {
            let refused = world.get(Member(Lead), &format!("{{p}}/questions?limit=2&cursor={cursor}")).send().await;
            assert_eq!(refused.status, 400, "{cursor}: {}", refused.text);
        }
    }
}

story! {
    async fn a_cursor_outlives_a_rotation_and_ends_a_month_later(world) {
        ask(&world, 4).await;
        let old = first_cursor(&world).await;
        let (conn, sealer) = (&mut world.conn(), &world.service.sealer);
        keys::rotate(conn, sealer, &[KeyUse::Mac], world.clock.now()).unwrap();
        keys::reload(&world.service).await.unwrap();
        let new = first_cursor(&world).await;
        assert_ne!(old, new);
        for cursor in [&old, &new] {
            world.get(Member(Lead), &format!("{{p}}/questions?limit=2&cursor={cursor}")).expect(200).await;
        }
        world.clock.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
        let refused = world.get(Member(Lead), &format!("{{p}}/questions?limit=2&cursor={old}")).expect(400).await;
        assert_eq!(refused.problem(), "bad-cursor");
        world.get(Member(Lead), &format!("{{p}}/questions?limit=2&cursor={new}")).expect(200).await;
    }
}

story! {
    async fn a_page_has_from_1_to_200_items(world) {
        ask(&world, 2).await;
        for limit in ["1", "200"] {
            world.get(Member(Lead), &format!("{{p}}/questions?limit={limit}")).expect(200).await;
        }
        for limit in ["0", "201", "-1", "1.5", "many", "", "99999999999999999999"] {
            let refused = world.get(Member(Lead), &format!("{{p}}/questions?limit={limit}")).expect(400).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid-query", vec!["?limit"]), "{limit}");
        }
    }
}

story! {
    async fn a_page_of_200_is_full(world) {
        let area = world.focus_area().await;
        for _ in 0..21 {
            let ask = || {
                let body = json!({"focus_area_id": area, "text": {"id": "Berapa?"}});
                world.post(Member(Lead), "{p}/questions").json(body).expect(201)
            };
            join_all((0..10).map(|_| ask())).await;
        }
        let page = world.get(Member(Lead), "{p}/questions?limit=200&include_total=true&fields=id").expect(200).await;
        assert_eq!((page.items().len(), &page.body["total"]), (200, &json!(210)));
        let last = world.get(Member(Lead), &format!("{{p}}/questions?limit=200&cursor={}", next(&page).unwrap())).expect(200).await;
        assert_eq!((last.items().len(), next(&last)), (10, None));
        world.verify();
    }
}

story! {
    async fn fields_pick_members(world) {
        ask(&world, 1).await;
        let page = world.get(Member(Lead), "{p}/questions?fields=id,code").expect(200).await;
        let members: Vec<&String> = page.items()[0].as_object().unwrap().keys().collect();
        assert_eq!(members, ["id", "code"]);
        let one = world.get(Member(Lead), "{p}/questions/Q-1.1?fields=revision").expect(200).await;
        assert_eq!(one.body, json!({"revision": 1}));
    }
}

story! {
    async fn every_unknown_parameter_is_named(world) {
        let asked = world.question().await;
        for path in ["{p}/questions", &format!("{{p}}/questions/{}", asked.id()), "{p}/ledger", "stakeholders", "me"] {
            let refused = world.get(Member(Lead), &format!("{path}?nonsense=1&moreover=2")).expect(400).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid-query", vec!["?nonsense", "?moreover"]), "{path}");
        }
    }
}

story! {
    async fn every_wrong_value_is_named_at_once(world) {
        let path = "{p}/questions?limit=0&sort=mood&state=lost&focus_area_id=x&updated_at.gte=yesterday&as_of=then&view=wide&expand=all";
        let refused = world.get(Member(Lead), path).expect(400).await;
        let mut wrong = refused.pointers();
        wrong.sort();
        assert_eq!(wrong, ["?as_of", "?expand", "?focus_area_id", "?limit", "?sort", "?state", "?updated_at.gte", "?view"]);
        for path in ["limit=1&limit=2", "state=draft&state=proposed", "cursor=a&cursor=b", "fields=id&fields=code"] {
            let refused = world.get(Member(Lead), &format!("{{p}}/questions?{path}")).expect(400).await;
            assert_eq!(refused.body["errors"][0]["code"], "repeated", "{path}");
        }
    }
}
