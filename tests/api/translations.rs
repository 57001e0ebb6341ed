//! The backlog of translations: what lacks a language, and what is behind its source.

use serde_json::{Value, json};
use tangguh::{
    access::Reach,
    documents::Document,
    policy::{Role::*, Roles},
    valid::{self, Schemas},
};

use crate::{drafting, harness::*, operations::DOCUMENT};

async fn backlog(world: &World, who: Who, query: &str) -> Reply {
    world.get(who, &format!("{{p}}/translations/backlog?{query}")).expect(200).await
}

/// Kind, pointer and state of each text.
fn texts(reply: &Reply) -> Vec<(&str, &str, &str)> {
    reply.items().iter().map(|item| (word(item, "kind"), word(item, "pointer"), word(item, "state"))).collect()
}

fn word<'i>(item: &'i Value, member: &str) -> &'i str {
    item[member].as_str().unwrap()
}

/// All pages of this many texts: id and pointer of each.
async fn walk(world: &World, limit: usize) -> Vec<(String, String)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = backlog(world, Member(Observer), &format!("lang=en&limit={limit}{cursor}")).await;
        assert!(page.items().len() <= limit);
        found.extend(page.items().iter().map(|item| (word(item, "id").to_owned(), word(item, "pointer").to_owned())));
        let Some(next) = page.body["next_cursor"].as_str() else { return found };
        assert!(page.header("link").unwrap().contains(next));
        cursor = format!("&cursor={next}");
    }
}

async fn document(world: &World, title: Value, visibility: &str) -> Reply {
    let body = json!({"title": title, "kind": "report", "visibility": visibility});
    world.post(Member(Lead), "{p}/documents").json(body).expect(201).await
}

story! {
    async fn a_text_waits_while_it_lacks_the_language_or_is_behind(world) {
        let question = world.question().await;
        assert_eq!(texts(&backlog(&world, Member(Observer), "lang=en").await), []);
        let path = format!("{{p}}/questions/{}", question.id());
        let revise = async |etag: &str, text: Value| {
            let body = json!({"text": text, "reason_kind": "wording", "reason": "Lebih tajam."});
            world.post(Member(Lead), &format!("{path}/revisions")).if_match(etag).json(body).expect(201).await
        };
        let old = json!({"id": "Siapa yang pertama dan paling dalam terendam?", "en": "Who floods first?"});
        let moved = revise(&question.etag(), old).await;
        let page = backlog(&world, Member(Observer), "lang=en").await;
        assert_eq!(texts(&page), [("question", "/text", "behind")]);
        let item = &page.items()[0];
        assert_eq!((&item["revision"], &item["of_revision"]), (&json!(2), &json!(1)));
        assert_eq!((&item["id"], &item["code"]), (&question.body["id"], &question.body["code"]));
        assert_eq!(item["name"]["id"], "Siapa yang pertama dan paling dalam terendam?");
        assert_eq!(world.get(Member(Observer), &format!("/{}", word(item, "href"))).expect(200).await.body["id"], question.body["id"]);

        let done = revise(&moved.etag(), json!({"id": "Siapa yang pertama dan paling dalam terendam?", "en": "Who floods first, and deepest?"})).await;
        assert_eq!(texts(&backlog(&world, Member(Observer), "lang=en").await), []);
        revise(&done.etag(), json!({"id": "Siapa yang pertama dan paling dalam terendam?"})).await;
        let page = backlog(&world, Member(Observer), "lang=en").await;
        assert_eq!(texts(&page), [("question", "/text", "missing")]);
        assert_eq!((&page.items()[0]["revision"], &page.items()[0]["of_revision"]), (&json!(4), &json!(null)));

        // Of the source language nothing can be missing; of a new one everything is.
        assert_eq!(texts(&backlog(&world, Member(Observer), "lang=id").await), []);
        let all = backlog(&world, Member(Observer), "lang=jv-ID").await;
        assert_eq!(texts(&all), [
            ("program", "/name", "missing"), ("focus_area", "/names/0/name", "missing"),
            ("focus_area", "/emphases/0/text", "missing"), ("question", "/text", "missing"),
        ]);
        assert_eq!(all.items()[0]["code"], json!(null));
    }
}

story! {
    async fn every_kind_of_thing_that_is_translated_is_in_the_backlog(world) {
        let text = json!({"id": "Teks"});
        let post = async |path: &str, body: Value| world.post(Member(Lead), &format!("{{p}}/{path}")).json(body).expect(201).await;
        post("phases", json!({"number": 1, "name": text, "aim": text, "deliverables": [{"name": text, "state": "planned"}]})).await;
        let area = post("focus-areas", json!({"names": [{"name": text}], "problem": text})).await.id();
        post("shocks-and-stresses", json!({"kind": "shock", "name": text, "description": text})).await;
        let question = post("questions", json!({"focus_area_id": area, "text": text})).await;
        let question = drafting::review(&world, &drafting::Ref::of("question", &question), "proposed").await;
        document(&world, text.clone(), "members").await;
        let event = post("events", json!({"kind": "forum", "name": text, "objectives": [text], "chair_role": text, "outcomes": [text]})).await.id();
        post(&format!("events/{event}/stages"), json!({"number": 1, "name": text, "purpose": text})).await;
        post("criteria", json!({"text": text})).await;
        let basis = json!([question.entry()]);
        let sections = json!([{"focus_area_id": area, "text": text, "basis": basis}]);
        let statement = json!({"title": text, "overall": {"text": text}, "sections": sections});
        post("statements", statement).await;
        post("consultations", json!({"topic": text, "text": text, "participation": "consult", "kinds": ["comment"], "opens_on": "2026-01-15"})).await;
        let found = backlog(&world, Member(Lead), "lang=en&limit=200").await;
        let expected = [
            ("phase", "/name"), ("phase", "/aim"), ("phase", "/deliverables/0/name"), ("focus_area", "/names/0/name"),
            ("focus_area", "/problem"), ("shock_or_stress", "/name"), ("shock_or_stress", "/description"),
            ("question", "/text"), ("document", "/title"), ("event", "/name"), ("event", "/chair_role"),
            ("event", "/objectives/0"), ("event", "/outcomes/0"), ("stage", "/name"), ("stage", "/purpose"),
            ("criterion", "/text"), ("statement", "/title"), ("statement", "/overall/text"), ("statement", "/sections/0/text"),
            ("consultation", "/topic"), ("consultation", "/text"),
        ];
        assert_eq!(texts(&found), expected.map(|(kind, pointer)| (kind, pointer, "missing")));
        // Where it is read, the text stands where the pointer says.
        for item in found.items() {
            let read = world.get(Member(Lead), &format!("/{}", word(item, "href"))).expect(200).await;
            assert_eq!((&read.body["id"], read.body.pointer(word(item, "pointer"))), (&item["id"], Some(&text)), "{item}");
        }
    }
}

story! {
    async fn pages_tell_each_text_once_and_what_changes_meanwhile_again(world) {
        let text = json!({"id": "Teks"});
        for number in 1..=3 {
            let body = json!({"number": number, "name": text, "aim": text});
            world.post(Member(Lead), "{p}/phases").json(body).expect(201).await;
        }
        document(&world, text.clone(), "members").await;
        let all = walk(&world, 200).await;
        assert_eq!(all.len(), 7);
        for limit in [1, 2, 3, 7] {
            assert_eq!(walk(&world, limit).await, all, "by {limit}");
        }
        // The first phase is half told when it changes: it goes to the end of its kind, and is told of anew.
        let page = backlog(&world, Member(Observer), "lang=en&limit=1").await;
        let path = format!("{{p}}/phases/{}", all[0].0);
        let seen = world.get(Member(Lead), &path).expect(200).await;
        world.patch(Member(Lead), &path).if_match(&seen.etag()).patch(json!({"number": 4})).expect(200).await;
        let cursor = word(&page.body, "next_cursor");
        let rest = backlog(&world, Member(Observer), &format!("lang=en&cursor={cursor}")).await;
        let told: Vec<_> = rest.items().iter().map(|item| word(item, "id")).collect();
        let ids: Vec<_> = [2, 3, 4, 5, 0, 1, 6].iter().map(|number: &usize| all[*number].0.as_str()).collect();
        assert_eq!((told, &rest.body["next_cursor"]), (ids, &json!(null)));
    }
}

story! {
    async fn a_page_looks_at_so_many_things_and_no_more(world) {
        let schemas = Schemas::new(&DOCUMENT);
        let reach = Reach { ledger: world.program(), slug: "jakarta".into(), roles: Roles::of(&[Lead]), ..Reach::platform() };
        let last = act(&mut world.conn(), reach, "document.add", |tx| {
            let add = |tx: &mut _, title: Value| {
                let body = json!({"title": title, "kind": "report", "visibility": "members"});
                Document::add(tx, valid::checked(body, &schemas)?)
            };
            for number in 0..600 {
                let _ = add(tx, json!({"id": format!("Laporan {number}"), "en": format!("Report {number}")}))?;
            }
            add(tx, json!({"id": "Yang terakhir"}))
        });
        let first = backlog(&world, Member(Observer), "lang=en").await;
        assert!(first.items().is_empty() && first.body["next_cursor"].is_string(), "{}", first.text);
        assert_eq!(walk(&world, 50).await, [(last.meta.id.to_string(), "/title".to_owned())]);
    }
}

story! {
    async fn what_may_not_be_seen_or_changes_no_more_is_not_in_the_backlog(world) {
        let text = json!({"id": "Teks"});
        document(&world, text.clone(), "secretariat").await;
        let area = world.focus_area().await;
        let question = json!({"focus_area_id": area, "text": text});
        let question = world.post(Member(Lead), "{p}/questions").json(question).expect(201).await;
        let kinds = async |who: Who| {
            let page = backlog(&world, who, "lang=en").await;
            page.items().iter().map(|item| word(item, "kind").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(Member(Secretariat)).await, ["question", "document"]);
        assert_eq!(kinds(Member(Facilitator)).await, ["question"], "the document is the secretariat's");
        assert!(kinds(Member(Partner)).await.is_empty(), "partners see no drafts");

        let path = format!("{{p}}/questions/{}/retirement", question.id());
        world.post(Member(Lead), &path).if_match(&question.etag()).json(json!({"reason": "Tidak ditanyakan lagi."})).expect(200).await;
        assert!(kinds(Member(Facilitator)).await.is_empty(), "nobody translates what is retired");
        let path = format!("{{p}}/focus-areas/{area}/retirement");
        let seen = world.get(Member(Lead), &format!("{{p}}/focus-areas/{area}")).expect(200).await;
        let waits = async || backlog(&world, Member(Facilitator), "lang=jv").await.items().iter().any(|item| item["kind"] == "focus_area");
        assert!(waits().await);
        world.post(Member(Lead), &path).if_match(&seen.etag()).json(json!({"reason": "Tidak lagi."})).expect(200).await;
        assert!(!waits().await);
    }
}

story! {
    async fn the_backlog_is_the_programmes_own(world) {
        document(&world, json!({"id": "Teks"}), "public").await;
        for who in [Neighbour(Lead), Outsider, Member(Admin)] {
            let refused = world.get(who.clone(), "{p}/translations/backlog?lang=en").send().await;
            let expected = if who == Member(Admin) { 403 } else { 404 };
            assert_eq!(refused.status, expected, "{who:?}: {}", refused.text);
        }
        let own = world.get(Neighbour(Lead), "programs/porto/translations/backlog?lang=en").expect(200).await;
        assert!(own.items().is_empty(), "{}", own.text);
        let page = backlog(&world, Member(Lead), "lang=fr&limit=1").await;
        let cursor = word(&page.body, "next_cursor");
        for (query, pointer) in [
            ("", "?lang"), ("lang=", "?lang"), ("lang=english", "?lang"), ("lang=EN", "?lang"), ("lang=en&limit=0", "?limit"),
            ("lang=en&limit=201", "?limit"), ("lang=en&sort=kind", "?sort"), ("lang=en&as_of=seq:1", "?as_of"),
        ] {
            let refused = world.get(Member(Lead), &format!("{{p}}/translations/backlog?{query}")).expect(400).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid-query", vec![pointer]), "{query}");
        }
        let other = world.get(Member(Lead), &format!("{{p}}/translations/backlog?lang=en&limit=1&cursor={cursor}")).expect(400).await;
        assert_eq!(other.problem(), "bad-cursor");
        let again = world.get(Member(Lead), "{p}/translations/backlog?lang=en").header("if-none-match", &backlog(&world, Member(Lead), "lang=en").await.etag());
        again.expect(304).await;
    }
}
