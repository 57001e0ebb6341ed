//! Documents: who sees which, and facts that rest on them.

use serde_json::{Value, json};
use tangguh::policy::Role::{self, *};

use crate::{harness::*, neighbour};

fn document(visibility: &str) -> Value {
    json!({"title": {"id": format!("Naskah {visibility}")}, "kind": "report", "visibility": visibility})
}

story! {
    async fn visibility_decides_who_sees_a_document(world) {
        let mut ids = Vec::new();
        for visibility in ["public", "members", "secretariat"] {
            ids.push(world.post(Member(Secretariat), "{p}/documents").json(document(visibility)).expect(201).await.id());
        }
        for role in Role::ALL.iter().copied().filter(|role| *role != Admin) {
            let inner = [Lead, Secretariat].contains(&role);
            let listed = world.get(Member(role), "{p}/documents").expect(200).await;
            assert_eq!(listed.items().len(), if inner { 3 } else { 2 }, "{role:?}");
            let path = format!("{{p}}/documents/{}", ids[2]);
            for path in [path.clone(), format!("{path}/history")] {
                world.get(Member(role), &path).expect(if inner { 200 } else { 404 }).await;
            }
            world.get(Member(role), &format!("{{p}}/documents/{}", ids[1])).expect(200).await;
            let hidden = world.get(Member(role), "{p}/documents?visibility=secretariat").expect(200).await;
            assert_eq!(hidden.items().len(), usize::from(inner));
            let summary = world.get(Member(role), "{p}/summary").expect(200).await;
            assert_eq!(summary.body["document_count"], if inner { 3 } else { 2 });
        }
        world.verify();
    }
}

story! {
    async fn a_document_that_is_closed_again_is_not_found_any_more(world) {
        let open = world.post(Member(Lead), "{p}/documents").json(document("members")).expect(201).await;
        let path = format!("{{p}}/documents/{}", open.id());
        world.get(Member(Agency), &path).expect(200).await;
        let closed = world.patch(Member(Lead), &path).if_match(&open.etag()).patch(json!({"visibility": "secretariat"})).expect(200).await;
        world.get(Member(Agency), &path).expect(404).await;
        world.get(Member(Agency), &format!("{path}/history")).expect(404).await;
        world.patch(Member(Lead), &path).if_match(&closed.etag()).patch(json!({"visibility": "public"})).expect(200).await;
        // Of the time when it was closed, others see nothing.
        let history = world.get(Member(Agency), &format!("{path}/history")).expect(200).await;
        let revisions: Vec<_> = history.items().iter().map(|entry| entry["revision"].as_i64().unwrap()).collect();
        assert_eq!(revisions, [1, 3]);
        assert_eq!(world.get(Member(Lead), &format!("{path}/history")).expect(200).await.items().len(), 3);
        world.verify();
    }
}

story! {
    async fn documents_are_found_by_kind_and_day(world) {
        for (kind, day) in [("article", json!("2018-08-23")), ("slides", json!("2018-08-24")), ("letter", json!(null))] {
            let body = json!({"title": {"id": kind}, "kind": kind, "visibility": "public", "issued_on": day,
                "url": "https://example.org/naskah", "sha256": "a".repeat(64), "language": "id", "version": "1", "publisher": "Sekretariat"});
            world.post(Member(Lead), "{p}/documents").json(body).expect(201).await;
        }
        let kinds = async |query: &str| {
            let listed = world.get(Member(Observer), &format!("{{p}}/documents?{query}")).expect(200).await;
            listed.items().iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds("kind=article,letter").await, ["article", "letter"]);
        assert_eq!(kinds("issued_on.gte=2018-08-24").await, ["slides"]);
        assert_eq!(kinds("issued_on.lt=2018-08-24").await, ["article"]);
        assert_eq!(kinds("sort=-created_at&limit=1").await, ["letter"]);
        world.get(Member(Observer), "{p}/documents?issued_on.gte=someday").expect(400).await;
        for (member, value) in [("sha256", "abc"), ("language", "Indonesian"), ("kind", "rumour"), ("visibility", "nobody"), ("url", "not a link")] {
            let mut body = document("public");
            body[member] = json!(value);
            let refused = world.post(Member(Lead), "{p}/documents").json(body).expect(422).await;
            assert!(refused.pointers().iter().all(|pointer| *pointer == format!("/{member}")), "{}", refused.text);
        }
        world.verify();
    }
}

story! {
    async fn sources_name_known_documents_of_the_same_programme(world) {
        let ours = world.post(Member(Lead), "{p}/documents").json(document("public")).expect(201).await;
        let theirs = world.post(Neighbour(Lead), "programs/porto/documents").json(document("public")).expect(201).await;
        let sources = |id: &str| json!([{"standing": "ours", "note": "Bacaan kami."}, {"fact": "/text", "standing": "reported", "document_id": id}]);
        let area = world.focus_area().await;
        let ask = async |id: &str| world.post(Member(Lead), "{p}/questions").json(json!({"focus_area_id": area, "text": {"id": "Siapa?"}, "sources": sources(id)})).send().await;
        assert_eq!(ask(&theirs.id()).await.expect(422).pointers(), ["/sources/1/document_id"]);
        assert_eq!(ask(&uuid::Uuid::now_v7().to_string()).await.expect(422).pointers(), ["/sources/1/document_id"]);
        let asked = ask(&ours.id()).await.expect(201);
        assert_eq!((&asked.body["sources"][0]["fact"], &asked.body["sources"][1]["document_id"]), (&json!(null), &json!(ours.id())));
        for (collection, mut body) in [
            ("documents", document("public")),
            ("phases", json!({"number": 1, "name": {"id": "Tahap"}})),
            ("focus-areas", json!({"names": [{"name": {"id": "Air"}}]})),
            ("shocks-and-stresses", json!({"kind": "shock", "name": {"id": "Banjir"}})),
            ("stakeholders", json!({"stakeholder_id": world.seed.stakeholders["dinas"], "capacity": "member"})),
        ] {
            body["sources"] = sources(&theirs.id());
            let refused = world.post(Member(Lead), &format!("{{p}}/{collection}")).json(body.clone()).expect(422).await;
            assert_eq!(refused.pointers(), ["/sources/1/document_id"], "{collection}");
            body["sources"] = sources(&ours.id());
            world.post(Member(Lead), &format!("{{p}}/{collection}")).json(body).expect(201).await;
        }
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_document(world) {
        let id = world.post(Member(Lead), "{p}/documents").json(document("public")).expect(201).await.id();
        neighbour::sees_nothing_of(&world, "documents", &id).await;
        world.verify();
    }
}
