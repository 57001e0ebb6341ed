//! The public view: nothing of a programme that is not published, nothing that is not meant for everybody, and
//! statements exactly as they were published.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tangguh::policy::Role::*;

use crate::{harness::*, operations::*, planted};

async fn publish(world: &World, published: bool) {
    let of = world.get(Member(Lead), "{p}").expect(200).await;
    world.patch(Member(Lead), "{p}").if_match(&of.etag()).patch(json!({"published": published})).expect(200).await;
}

const PUBLIC: &str = "public/programs/jakarta";

story! {
    async fn nothing_of_a_programme_is_public_until_it_is_published(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let operations = || OPERATIONS.iter().filter(|operation| operation.path.starts_with("/api/v1/public/programs/{program}"));
        assert_eq!(operations().count(), 11);
        for operation in operations() {
            let shown = world.get(Nobody, &things.fill(&operation.path)).header("origin", "https://anywhere.example").expect(200).await;
            assert_eq!(shown.header("access-control-allow-origin"), Some("*"), "{}", operation.id);
            assert_eq!(shown.header("cache-control"), Some("public, max-age=60"), "{}", operation.id);
            assert!(!shown.header("vary").unwrap().contains("Authorization"), "{}", operation.id);
            // One answer for everybody, and nothing where the reader has it.
            for who in [Member(Lead), Neighbour(Partner), Outsider] {
                assert_eq!(world.get(who, &things.fill(&operation.path)).expect(200).await.text, shown.text, "{}", operation.id);
            }
            world.get(Nobody, &things.fill(&operation.path)).header("if-none-match", &shown.etag()).expect(304).await;
        }
        assert_eq!(world.get(Nobody, "public/programs").expect(200).await.items().len(), 1);
        publish(&world, false).await;
        for operation in operations() {
            for who in [Nobody, Member(Lead)] {
                let refused = world.get(who, &things.fill(&operation.path)).expect(404).await;
                assert_eq!(refused.header("access-control-allow-origin"), Some("*"), "{}", operation.id);
            }
        }
        assert!(world.get(Nobody, "public/programs").expect(200).await.items().is_empty());
        world.get(Nobody, "public/programs/nowhere").expect(404).await;
        world.get(Nobody, "public/programs/porto").expect(404).await;
        // A facilitator may not publish.
        let of = world.get(Member(Facilitator), "{p}").expect(200).await;
        world.patch(Member(Facilitator), "{p}").if_match(&of.etag()).patch(json!({"published": true})).expect(403).await;
        world.verify();
    }
}

/// Every member's name in an answer.
fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name.clone());
            names(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

story! {
    async fn what_is_public_tells_of_no_people_no_notes_and_no_rights(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let part = format!("{{p}}/stakeholders/{}", things.id("stakeholder_id"));
        let seen = world.get(Member(Lead), "{p}/stakeholders").expect(200).await;
        let revision = seen.items().iter().find(|item| item["stakeholder_id"] == things.id("stakeholder_id")).unwrap()["revision"].clone();
        world.patch(Member(Lead), &part).if_match(&format!("\"{revision}\"")).patch(json!({"note": "catatan rahasia"})).expect(200).await;
        for operation in OPERATIONS.iter().filter(|operation| operation.path.starts_with("/api/v1/public/")) {
            let shown = world.get(Nobody, &things.fill(&operation.path)).expect(200).await;
            let mut found = Vec::new();
            names(&shown.body, &mut found);
            for name in ["allowed_actions", "note", "sources", "translations", "account_id", "created_by", "people", "rank", "progress"] {
                assert!(!found.iter().any(|found| found == name), "{} tells {name}: {}", operation.id, shown.text);
            }
            assert!(!shown.text.contains("rahasia"), "{}: {}", operation.id, shown.text);
            for role in [Lead, Secretariat, Facilitator, Agency, Partner, Observer, Admin] {
                assert!(!shown.text.contains(&world.account(&Member(role)).to_string()), "{}: {}", operation.id, shown.text);
            }
        }
    }
}

story! {
    async fn a_validated_question_is_shown_as_it_was_validated(world) {
        publish(&world, true).await;
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}", asked.id());
        let listed = async || world.get(Nobody, &format!("{PUBLIC}/questions")).expect(200).await.items().to_vec();
        for (number, to) in ["proposed", "in_review"].iter().enumerate() {
            assert!(listed().await.is_empty());
            let step = json!({"to": to, "reason": "Lanjut."});
            world.post(Member(Lead), &format!("{path}/transitions")).if_match(&format!("\"{}\"", number + 1)).json(step).expect(200).await;
        }
        world.post(Member(Lead), &format!("{path}/validation")).if_match("\"3\"").json(json!({"reason": "Tepat."})).expect(200).await;
        let validated = listed().await;
        assert_eq!((&validated[0]["text"]["en"], &validated[0]["revision"], &validated[0]["focus_area"]), (&json!("Who floods first?"), &json!(4), &json!("FU-1")));
        let revision = json!({"text": {"id": "Rahasia?", "en": "A secret draft?"}, "reason_kind": "wording", "reason": "Coba."});
        world.post(Member(Lead), &format!("{path}/revisions")).if_match("\"4\"").json(revision).expect(201).await;
        assert_eq!(listed().await, validated);
        let step = json!({"to": "not_fitting", "reason": "Tidak cocok."});
        world.post(Member(Lead), &format!("{path}/transitions")).if_match("\"5\"").json(step).expect(200).await;
        assert!(listed().await.is_empty());
        world.verify();
    }
}

story! {
    async fn public_lists_have_pages(world) {
        publish(&world, true).await;
        for number in [3, 1, 2] {
            world.post(Member(Lead), "{p}/phases").json(json!({"number": number, "name": {"id": format!("Tahap {number}")}})).expect(201).await;
        }
        let first = world.get(Nobody, &format!("{PUBLIC}/phases?limit=2")).expect(200).await;
        let numbers: Vec<_> = first.items().iter().map(|item| item["number"].clone()).collect();
        assert_eq!(numbers, [1, 2]);
        assert!(first.header("link").unwrap().contains("rel=\"next\""));
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let last = world.get(Nobody, &format!("{PUBLIC}/phases?limit=2&cursor={cursor}")).expect(200).await;
        assert_eq!((last.items().len(), &last.items()[0]["number"], &last.body["next_cursor"]), (1, &json!(3), &Value::Null));
        assert_eq!(world.get(Nobody, &format!("{PUBLIC}/focus-areas?cursor={cursor}")).expect(400).await.problem(), "bad-cursor");
        for query in ["limit=201", "as_of=seq:1", "fields=id", "view=localized", "state=planned"] {
            world.get(Nobody, &format!("{PUBLIC}/phases?{query}")).expect(400).await;
        }
        for name in ["dinas", "mitra"] {
            let part = json!({"stakeholder_id": world.seed.stakeholders[name], "capacity": "member", "note": "rahasia"});
            world.post(Member(Lead), "{p}/stakeholders").json(part).expect(201).await;
        }
        let organisations = world.get(Nobody, &format!("{PUBLIC}/stakeholders?limit=1")).expect(200).await;
        assert_eq!((organisations.items().len(), &organisations.items()[0]["capacity"]), (1, &json!("member")));
        let cursor = organisations.body["next_cursor"].as_str().unwrap();
        let rest = world.get(Nobody, &format!("{PUBLIC}/stakeholders?limit=1&cursor={cursor}")).expect(200).await;
        assert_eq!((rest.items().len(), &rest.body["next_cursor"]), (1, &Value::Null));
        assert_ne!(rest.items()[0]["id"], organisations.items()[0]["id"]);
    }
}

story! {
    async fn an_event_is_public_once_its_minutes_are_approved(world) {
        publish(&world, true).await;
        let asked = world.question().await.id();
        let path = format!("{{p}}/questions/{asked}");
        for revision in 1..3 {
            let new = json!({"text": {"id": format!("Apa {revision}?")}, "reason_kind": "wording", "reason": "Jelas."});
            world.post(Member(Lead), &format!("{path}/revisions")).if_match(&format!("\"{revision}\"")).json(new).expect(201).await;
        }
        let planted = planted::event(&world, "jakarta", &asked);
        let minutes = format!("{PUBLIC}/events/{}/minutes", planted::EVENT);
        assert!(world.get(Nobody, &format!("{PUBLIC}/events")).expect(200).await.items().is_empty());
        world.get(Nobody, &minutes).expect(404).await;
        planted.approve();
        let events = world.get(Nobody, &format!("{PUBLIC}/events")).expect(200).await;
        assert_eq!(events.items()[0]["minutes"], json!(format!("/api/v1/{minutes}")));
        let json = world.get(Nobody, &minutes).expect(200).await;
        assert_eq!(json.text, world.get(Member(Observer), "{p}/events/E-900/minutes").expect(200).await.text);
        let page = world.get(Nobody, &minutes).header("accept", "text/html").expect(200).await;
        assert!(page.text.contains("<h1>Notulen: Sesi Kerja: Status Ketahanan Kota</h1>"), "{}", page.text);
        world.get(Nobody, &format!("{PUBLIC}/events/E-1/minutes")).expect(404).await;
    }
}

fn digest(text: &str) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(text)))
}

story! {
    async fn an_edition_is_exactly_what_was_published(world) {
        publish(&world, true).await;
        planted::edition(&world, "jakarta", 1);
        let path = format!("{PUBLIC}/statements/{}", planted::STATEMENT);
        let first = format!("{path}/editions/1");
        // Packed, it would be other bytes than the digest is of.
        let json = world.get(Nobody, &first).header("accept-encoding", "gzip").expect(200).await;
        assert_eq!(json.text, planted::text(1));
        assert_eq!((json.header("repr-digest"), json.header("content-encoding")), (Some(digest(&planted::text(1)).as_str()), None));
        assert!(json.header("link").unwrap().contains(&format!("</api/v1/{first}/signature>; rel=\"signature\"")));
        let markdown = world.get(Nobody, &format!("{first}?lang=en")).header("accept", "text/markdown").expect(200).await;
        let html = world.get(Nobody, &format!("{first}?lang=en")).header("accept", "text/html").expect(200).await;
        for page in [&markdown, &html] {
            assert_eq!(page.header("repr-digest"), Some(digest(&page.text).as_str()));
            assert_eq!(page.header("content-language"), Some("en"));
            for words in ["Resilience statement", "Governance", "The process is clear.", "Who?", "Dan terbuka."] {
                assert!(page.text.contains(words), "{words}: {}", page.text);
            }
        }
        assert!(html.text.contains("&lt;script&gt;") && !html.text.contains("<script"));
        let signature = world.get(Nobody, &format!("{first}/signature")).header("accept", "application/jose").expect(200).await;
        assert_eq!((signature.text.as_str(), signature.header("content-type")), ("header..signature-of-1", Some("application/jose")));

        planted::edition(&world, "jakarta", 2);
        let then = world.get(Nobody, &first).expect(200).await;
        assert_eq!((&then.text, then.etag()), (&json.text, json.etag()));
        assert!(then.header("link").unwrap().contains("/editions/2>; rel=\"successor-version\""), "{:?}", then.header("link"));
        let page = world.get(Nobody, &format!("{first}?lang=en")).header("accept", "text/html").expect(200).await;
        assert_eq!(page.text, html.text);
        let newest = world.get(Nobody, &path).expect(200).await;
        assert_eq!(newest.text, planted::text(2));
        assert_eq!(newest.header("content-location"), Some(format!("/api/v1/{path}/editions/2").as_str()));
        assert!(newest.header("link").unwrap().contains("/editions/1>; rel=\"predecessor-version\""));
        let listed = world.get(Nobody, &format!("{PUBLIC}/statements")).expect(200).await;
        let states: Vec<_> = listed.items().iter().map(|item| (item["edition"].clone(), item["state"].clone())).collect();
        assert_eq!(states, [(json!(1), json!("superseded")), (json!(2), json!("published"))]);
        let page = world.get(Nobody, &format!("{PUBLIC}/statements?limit=1")).expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let rest = world.get(Nobody, &format!("{PUBLIC}/statements?limit=1&cursor={cursor}")).expect(200).await;
        assert_eq!((&rest.items()[0]["edition"], &rest.body["next_cursor"]), (&json!(2), &Value::Null));
        for missing in ["editions/3", "editions/0", "editions/3/signature"] {
            world.get(Nobody, &format!("{path}/{missing}")).expect(404).await;
        }
        world.get(Nobody, &format!("{PUBLIC}/statements/S-1")).expect(404).await;
    }
}
