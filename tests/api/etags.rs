//! `ETag`, `If-None-Match` and `If-Match`.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{checkpoints, harness::*};

async fn revise(world: &World, asked: &Reply, if_match: &str) -> Reply {
    let body = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
    let path = format!("{{p}}/questions/{}/revisions", asked.id());
    world.post(Member(Lead), &path).if_match(if_match).json(body).send().await
}

story! {
    async fn what_has_not_changed_is_304(world) {
        let asked = world.question().await;
        for path in [&format!("{{p}}/questions/{}", asked.id()), "{p}/questions", "{p}/ledger", "stakeholders", "programs", "me",
            &format!("{{p}}/questions/{}/history", asked.id()), "{p}/summary", "me/memberships"]
        {
            let read = world.get(Member(Lead), path).expect(200).await;
            let tag = read.etag();
            for form in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), format!("W/\"x\",W/{tag}"), "*".into()] {
                let same = world.get(Member(Lead), path).header("if-none-match", &form).expect(304).await;
                assert_eq!((same.text.as_str(), same.header("etag")), ("", Some(tag.as_str())), "{path} {form}");
                assert_eq!(same.header("vary"), read.header("vary"), "{path}");
            }
            for form in ["\"other\"", "", &tag.replace('"', ""), &tag.to_uppercase()] {
                world.get(Member(Lead), path).header("if-none-match", form).expect(200).await;
            }
        }
    }
}

story! {
    async fn a_change_makes_another_tag(world) {
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}", asked.id());
        let before = world.get(Member(Lead), &path).expect(200).await.etag();
        revise(&world, &asked, &before).await.expect(201);
        let after = world.get(Member(Lead), &path).header("if-none-match", &before).expect(200).await;
        assert_ne!(after.etag(), before);
        assert!(after.etag().starts_with("\"2."));
    }
}

story! {
    async fn a_list_changes_with_any_row_of_its_ledger_and_no_other(world) {
        world.question().await;
        let tag = world.get(Member(Lead), "{p}/questions").expect(200).await.etag();
        let porto = json!({"names": [{"name": {"id": "Tata kelola"}}]});
        world.post(Neighbour(Lead), "programs/porto/focus-areas").json(porto.clone()).expect(201).await;
        world.get(Member(Lead), "{p}/questions").header("if-none-match", &tag).expect(304).await;
        world.post(Member(Lead), "{p}/focus-areas").json(porto).expect(201).await;
        world.get(Member(Lead), "{p}/questions").header("if-none-match", &tag).expect(200).await;
    }
}

story! {
    async fn a_list_of_another_past_is_another_list(world) {
        let phase = async |name: &str| {
            world.post(Member(Lead), "{p}/phases").json(json!({"number": 1, "name": {"id": name}})).expect(201).await
        };
        phase("Satu").await;
        let mut tags = Vec::new();
        for path in ["{p}/phases", "{p}/ledger", "{p}/translations/backlog?lang=en"] {
            tags.push((path, world.get(Member(Lead), path).expect(200).await.etag()));
        }
        // The database is what it was before; then as many rows have come, and they are others.
        let (last, _) = checkpoints::head(&world);
        checkpoints::remove(&world, last);
        phase("Lain").await;
        assert_eq!(checkpoints::head(&world).0, last);
        for (path, tag) in tags {
            let now = world.get(Member(Lead), path).header("if-none-match", &tag).expect(200).await;
            let number = |tag: &str| tag.split('.').next().unwrap().to_owned();
            assert_eq!(number(&now.etag()), number(&tag), "{path}");
        }
    }
}

story! {
    async fn another_role_or_query_gets_another_tag(world) {
        let asked = world.question().await;
        let one = format!("{{p}}/questions/{}", asked.id());
        for path in ["{p}/questions", &one] {
            let lead = world.get(Member(Lead), path).expect(200).await;
            let observer = world.get(Member(Observer), path).expect(200).await;
            assert_ne!(lead.etag(), observer.etag(), "{path}: they may do different things");
            for view in ["?fields=id", "?view=localized"] {
                let other = world.get(Member(Lead), &format!("{path}{view}")).expect(200).await;
                assert_ne!(lead.etag(), other.etag(), "{path}{view}");
            }
            let localized = |language| world.get(Member(Lead), &format!("{path}?view=localized")).header("accept-language", language).expect(200);
            assert_ne!(localized("id").await.etag(), localized("en").await.etag(), "{path}");
        }
        let tag = world.get(Member(Lead), "{p}/questions").expect(200).await.etag();
        for query in ["?limit=49", "?state=draft", "?sort=-code"] {
            assert_ne!(world.get(Member(Lead), &format!("{{p}}/questions{query}")).expect(200).await.etag(), tag, "{query}");
        }
    }
}

story! {
    async fn if_match_compares_the_revision(world) {
        let asked = world.question().await;
        let missing = world.post(Member(Lead), &format!("{{p}}/questions/{}/revisions", asked.id()))
            .json(json!({"text": {"id": "Apa?"}, "reason_kind": "wording", "reason": "x"})).expect(428).await;
        assert_eq!(missing.problem(), "precondition-required");
        for wrong in ["\"2.x\"", "\"0.x\"", "\"-1.x\"", "\"x\"", "*", "", "\"\"", "\"99999999999.x\"", "\"2147483648.x\""] {
            let refused = revise(&world, &asked, wrong).await.expect(412);
            assert_eq!((refused.problem(), &refused.body["current_revision"]), ("stale", &json!(1)), "{wrong}");
            assert_eq!(Some(refused.body["current_etag"].as_str().unwrap()), refused.header("etag"));
        }
        assert_eq!(world.ledger().len(), 2);
        // A proxy that compresses makes tags weak; another view of the same revision has another digest.
        let mut revision = 1;
        for right in ["\"N.of-another-view\"", "W/\"N.x\"", "N", "\"N\""] {
            let made = revise(&world, &asked, &right.replace('N', &revision.to_string())).await.expect(201);
            revision += 1;
            assert_eq!(made.body["revision"], revision, "{right}");
        }
    }
}

story! {
    async fn the_tag_of_a_stale_answer_goes_on(world) {
        let asked = world.question().await;
        revise(&world, &asked, &asked.etag()).await.expect(201);
        let stale = revise(&world, &asked, &asked.etag()).await.expect(412);
        let current = world.get(Member(Lead), &format!("{{p}}/questions/{}", asked.id())).expect(200).await.etag();
        assert_eq!(stale.header("etag"), Some(current.as_str()));
        revise(&world, &asked, &current).await.expect(201);
    }
}
