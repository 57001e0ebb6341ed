//! What is published of a statement: an exact text, its digest and a detached signature, made once.

use base64::{Engine, prelude::*};
use diesel::prelude::*;
use futures_util::future::join;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tangguh::{policy::Role::*, schema::publications, token::TokenError};

use crate::{drafting::*, harness::*};

const TYPE: &str = "tangguh-statement+jws";

/// The texts that were kept: edition, body, digest, JWS.
fn kept(world: &World) -> Vec<(i32, String, String, String)> {
    publications::table
        .filter(publications::ledger_id.eq(world.program()))
        .order(publications::edition)
        .select((publications::edition, publications::body, publications::digest, publications::jws))
        .load(&mut world.conn())
        .unwrap()
}

async fn adopted(world: &World, content: &Value) -> Ref {
    let statement = proposed_statement(world, content).await;
    Ref::of("statement", &adopt(world, &statement).await.expect(200))
}

story! {
    async fn what_is_published_is_one_exact_text_with_all_that_it_rests_on(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let mapped = judge(&world, &mapping(&world, &area).await, "validated").await;
        let mut body = content(&[section(&area, &[&question, &mapped])]);
        body["title"] = json!({"id": "Status ketahanan kota"});
        let statement = adopted(&world, &body).await;
        assert!(kept(&world).is_empty());
        let published = publish(&world, &statement).await.expect(200);

        let (edition, text, digest, jws) = kept(&world).remove(0);
        let told: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((edition, &told["code"], &told["edition"]), (1, &json!("S-1"), &json!(1)));
        assert_eq!((&told["program"]["slug"], &told["program"]["name"]["en"]), (&json!("jakarta"), &json!("jakarta")));
        assert_eq!((&told["title"], &told["overall"]["text"]["en"]), (&body["title"], &json!("This city is resilient.")));
        let part = &told["sections"][0];
        assert_eq!((&part["focus_area"]["code"], &part["focus_area"]["name"]["en"]), (&json!("FU-1"), &json!("Governance")));
        assert_eq!(part["basis"][0], json!({"kind": "question", "id": question.id, "code": "Q-1.1", "revision": question.revision,
            "text": {"en": "Who floods first?", "id": "Siapa yang pertama terendam?"}}));
        assert_eq!((&part["basis"][1]["code"], &part["basis"][1]["text"]["id"]), (&json!("CRI-1.1"), &json!("Hunian aman")));
        assert_eq!((&told["adopted"]["override_reason"], &told["earlier_editions"]), (&Value::Null, &json!([])));
        let url = "/api/v1/public/programs/jakarta/statements/S-1/editions/1";
        assert_eq!(told["citation"], json!({
            "id": format!("jakarta. Status ketahanan kota. S-1, edisi 1, 2026-01-15. {url}"),
            "en": format!("jakarta. Status ketahanan kota. S-1, edition 1, 2026-01-15. {url}")}));
        // Nobody's account is in it.
        assert!(!text.contains(&world.account(&Member(Lead)).to_string()));

        assert_eq!(digest, BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
        assert_eq!(published.body["published"], json!({"at": told["published_at"], "digest": digest, "url": url}));
        let keys = world.service.keys();
        keys.verify_detached(TYPE, &jws, text.as_bytes()).unwrap();
        assert_eq!(keys.verify_detached(TYPE, &jws, text.replacen("tangguh", "rapuh", 1).as_bytes()), Err(TokenError::BadSignature));
        let (header, signature) = jws.split_once("..").unwrap();
        let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!(TYPE), &json!("EdDSA")));
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
        let served = world.get(Nobody, "//.well-known/record-keys.json").expect(200).await;
        let ids: Vec<&Value> = served.body["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
        assert!(ids.contains(&&header["kid"]), "{}", served.text);
        world.verify();
    }
}

story! {
    async fn a_published_text_stays_what_it_was_whatever_becomes_of_its_basis(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let body = content(&[section(&area, &[&question])]);
        let first = adopted(&world, &body).await;
        publish(&world, &first).await.expect(200);
        let before = kept(&world);
        let question = reword(&world, &question, "Siapa yang terakhir surut?").await;
        let question = validate(&world, &question).await;
        let program = world.get(Member(Lead), "{p}").expect(200).await;
        world.patch(Member(Lead), "{p}").if_match(&program.etag()).patch(json!({"name": {"id": "Jakarta Tangguh"}, "published": true})).expect(200).await;

        let mut next = content(&[section(&area, &[&question])]);
        next["supersedes_id"] = json!(first.id);
        let second = adopted(&world, &next).await;
        publish(&world, &second).await.expect(200);
        let now = kept(&world);
        assert_eq!((now.len(), &now[0]), (2, &before[0]));
        let told: Value = serde_json::from_str(&now[1].1).unwrap();
        let url = |edition: i32| format!("/api/v1/public/programs/jakarta/statements/S-1/editions/{edition}");
        assert_eq!(told["earlier_editions"], json!([{"edition": 1, "url": url(1)}]));
        assert_eq!(told["sections"][0]["basis"][0]["text"]["id"], "Siapa yang terakhir surut?");
        // What everybody is shown is that very text, and its signature.
        for (edition, text, _, jws) in &now {
            let shown = world.get(Nobody, &format!("/{}", url(*edition))).expect(200).await;
            assert_eq!(&shown.text, text);
            let signature = world.get(Nobody, &format!("/{}/signature", url(*edition))).header("accept", "application/jose").expect(200).await;
            assert_eq!(&signature.text, jws);
            world.service.keys().verify_detached(TYPE, jws, shown.text.as_bytes()).unwrap();
        }
        world.verify();
    }
}

story! {
    async fn an_overridden_gate_is_told_for_good(world) {
        let area = world.focus_area().await;
        let question = proposed(&world, &area).await;
        let statement = proposed_statement(&world, &content(&[section(&area, &[&question])])).await;
        let path = format!("{{p}}/statements/{}/adoption", statement.id);
        let refused = world.post(Member(Lead), &path).if_match(&statement.etag()).json(why()).expect(409).await;
        assert_eq!((refused.problem(), codes(&refused)), ("gate-not-clear", vec!["question_not_validated".to_owned()]));
        let over = json!({"reason": "Ditetapkan.", "override_reason": "Sidang berikutnya baru bulan depan."});
        let adopted = world.post(Member(Lead), &path).if_match(&statement.etag()).json(over).expect(200).await;
        let place = format!("/api/v1/programs/jakarta/questions/{}", question.id);
        assert_eq!(adopted.body["adopted"]["overridden"], json!([{"code": "question_not_validated", "href": place}]));
        assert_eq!(adopted.body["adopted"]["override_reason"], "Sidang berikutnya baru bulan depan.");
        let rows = world.get(Member(Lead), "{p}/ledger?action=statement.adopt").expect(200).await;
        assert!(rows.items()[0]["reason"].as_str().unwrap().contains("Sidang berikutnya baru bulan depan."), "{}", rows.text);
        let published = publish(&world, &Ref::of("statement", &adopted)).await.expect(200);
        assert_eq!(published.body["adopted"], adopted.body["adopted"]);
        let told: Value = serde_json::from_str(&kept(&world)[0].1).unwrap();
        assert_eq!((&told["adopted"]["override_reason"], &told["adopted"]["overridden"]),
            (&json!("Sidang berikutnya baru bulan depan."), &json!(["question_not_validated"])));
        world.verify();
    }
}

story! {
    async fn of_two_publications_at_once_one_wins(world) {
        let (area, twin) = (world.focus_area().await, world.twin());
        let question = validated(&world, &area).await;
        let body = content(&[section(&area, &[&question])]);
        for round in 1..=8 {
            let statement = adopted(&world, &body).await;
            let (one, two) = join(publish(&world, &statement), publish(&twin, &statement)).await;
            let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
            won.expect(200);
            assert!([("already-published", 409), ("stale", 412)].contains(&(lost.problem(), lost.status.as_u16())), "{}", lost.text);
            assert_eq!(kept(&world).len(), round);
        }
        // A repeat of the same request is answered with the same reply.
        let statement = adopted(&world, &body).await;
        let path = format!("{{p}}/statements/{}/publication", statement.id);
        let send = || world.post(Member(Lead), &path).if_match(&statement.etag()).key("terbit-1").json(why()).expect(200);
        let (first, again) = (send().await, send().await);
        assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), Some("true")));
        assert_eq!(kept(&world).len(), 9);
        world.verify();
    }
}
