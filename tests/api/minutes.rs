//! Minutes: what they tell, in three formats, and that they stay what they were when they were approved.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, planted};

/// A question with three revisions: asked, proposed, revised.
async fn question(world: &World) -> String {
    let question = world.question().await;
    let path = format!("{{p}}/questions/{}", question.id());
    let step = json!({"to": "proposed", "reason": "Siap."});
    world.post(Member(Lead), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(200).await;
    let revision = json!({"text": {"id": "Siapa saja yang pertama terendam?", "en": "Who all floods first?"},
        "reason_kind": "wording", "reason": "Lebih luas."});
    world.post(Member(Lead), &format!("{path}/revisions")).if_match("\"2\"").json(revision).expect(201).await;
    question.id()
}

const MINUTES: &str = "{p}/events/E-900/minutes";

story! {
    async fn minutes_tell_who_was_there_what_was_decided_and_why(world) {
        let question = question(&world).await;
        let planted = planted::event(&world, "jakarta", &question);
        for role in [Lead, Secretariat, Facilitator, Agency, Partner, Observer] {
            world.get(Member(role), MINUTES).expect(200).await;
        }
        let told = world.get(Member(Observer), &format!("{{p}}/events/{}/minutes", planted.id)).expect(200).await;
        let body = &told.body;
        assert_eq!((&body["approved"], &body["as_of"]), (&json!(false), &json!(null)));
        assert_eq!((&body["event"]["on"], &body["event"]["code"]), (&json!("2018-08-23"), &json!("E-900")));
        let there: usize = body["attendance"].as_array().unwrap().iter().map(|kind| kind["organisations"].as_array().unwrap().len()).sum();
        assert_eq!((there, &body["head_count"], &body["without_head_count"]), (3, &json!(3), &json!(1)));
        let stage = &body["stages"][0];
        assert_eq!(stage["electorate"].as_array().unwrap().len(), 2);
        assert_eq!(stage["ballots"][0]["result"]["outcome"], "agreed_with_reservations");
        assert_eq!(stage["ballots"][0]["question"]["revision"], 2);
        let decision = &stage["decisions"][0];
        assert_eq!((&decision["before"]["text"]["en"], &decision["after"]["text"]["en"]), (&json!("Who floods first?"), &json!("Who all floods first?")));
        assert_eq!(decision["reason"], "Masalahnya | lebih luas.");
        assert_eq!(body["follow_ups"][0]["due_on"], "2018-09-19");
        let changed: Vec<_> = body["annex"][0]["changes"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
        assert_eq!(changed, ["/text/en", "/text/id"]);
        assert!(!told.text.contains("rahasia"), "a note is told: {}", told.text);
    }
}

story! {
    async fn the_three_formats_of_minutes_agree(world) {
        planted::event(&world, "jakarta", &question(&world).await);
        let html = world.get(Member(Lead), &format!("{MINUTES}?lang=en")).header("accept", "text/html").expect(200).await;
        assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(html.header("content-language"), Some("en"));
        assert_eq!(html.header("content-security-policy"), Some("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"));
        assert!(html.header("vary").unwrap().contains("Accept, "));
        let markdown = world.get(Member(Lead), &format!("{MINUTES}?lang=en")).header("accept", "text/markdown").expect(200).await;
        for words in ["Attendance", "23 August 2018", "Who all floods first?", "To align the questions", "19 September 2018",
            "agreed with reservations", "Deputy Governor"] {
            assert!(html.text.contains(words), "{words}: {}", html.text);
            assert!(markdown.text.contains(words), "{words}: {}", markdown.text);
        }
        assert!(html.text.contains("<span lang=\"id\">Pertanyaan &lt;b&gt;selaras&lt;/b&gt; [x](javascript:y)</span>"), "{}", html.text);
        assert!(markdown.text.contains(r"Pertanyaan \<b\>selaras\</b\> \[x\](javascript\:y)"), "{}", markdown.text);
        assert!(markdown.text.contains(r"Masalahnya \| lebih luas."));
        // The programme's own language where nobody says another.
        let own = world.get(Member(Lead), MINUTES).header("accept", "text/html").expect(200).await;
        assert!(own.text.contains("<html lang=\"id\">") && own.text.contains("Daftar hadir") && own.text.contains("23 Agustus 2018"));
        let asked = world.get(Member(Lead), MINUTES).header("accept", "text/html").header("accept-language", "en").expect(200).await;
        assert!(asked.text.contains("<html lang=\"en\">"));
        let same = world.get(Member(Lead), MINUTES).header("accept", "text/html").header("if-none-match", &own.etag()).expect(304).await;
        assert!(same.text.is_empty());
        let refused = world.get(Member(Lead), MINUTES).header("accept", "image/png").expect(406).await;
        assert_eq!(refused.problem(), "not-acceptable");
        world.get(Member(Lead), &format!("{MINUTES}?lang=nl")).expect(400).await;
        // Where there is no page, there is none.
        world.get(Member(Lead), "{p}/questions").header("accept", "text/html").expect(406).await;
    }
}

story! {
    async fn approved_minutes_stay_what_they_were(world) {
        let question = question(&world).await;
        let mut planted = planted::event(&world, "jakarta", &question).approve();
        let approved = world.get(Member(Lead), MINUTES).expect(200).await;
        assert_eq!(approved.body["approved"], true);
        assert!(approved.body["as_of"].as_i64().unwrap() > 0);
        world.clock.advance(chrono::TimeDelta::hours(1));
        let path = format!("{{p}}/questions/{question}");
        let revision = json!({"text": {"id": "Lain sama sekali"}, "reason_kind": "other", "reason": "Berubah."});
        world.post(Member(Lead), &format!("{path}/revisions")).if_match("\"3\"").json(revision).expect(201).await;
        let dinas = format!("stakeholders/{}", world.seed.stakeholders["dinas"]);
        let known = world.get(Member(Lead), &dinas).expect(200).await;
        world.patch(Member(Lead), &dinas).if_match(&known.etag()).patch(json!({"names": [{"name": {"id": "Dinas Baru"}}]})).expect(200).await;
        let of = world.get(Member(Lead), "{p}").expect(200).await;
        world.patch(Member(Lead), "{p}").if_match(&of.etag()).patch(json!({"name": {"id": "Nama baru"}})).expect(200).await;
        planted.step("closed");
        assert_eq!(world.get(Member(Lead), MINUTES).expect(200).await.text, approved.text);
        let draft = planted::event(&world, "porto", &{
            let area = world.post(Neighbour(Lead), "programs/porto/focus-areas").json(json!({"names": [{"name": {"id": "Air"}}]})).expect(201).await.id();
            let asked = json!({"focus_area_id": area, "text": {"id": "Apa?"}});
            let asked = world.post(Neighbour(Lead), "programs/porto/questions").json(asked).expect(201).await.id();
            let path = format!("programs/porto/questions/{asked}");
            for revision in 1..3 {
                let new = json!({"text": {"id": format!("Apa {revision}?")}, "reason_kind": "wording", "reason": "Jelas."});
                world.post(Neighbour(Lead), &format!("{path}/revisions")).if_match(&format!("\"{revision}\"")).json(new).expect(201).await;
            }
            asked
        });
        let theirs = world.get(Neighbour(Lead), "programs/porto/events/E-900/minutes").expect(200).await;
        assert!(theirs.text.contains("Dinas Baru"), "a draft tells of now: {}", theirs.text);
        // A neighbour's event is not there.
        world.get(Member(Lead), &format!("{{p}}/events/{}/minutes", draft.id)).expect(404).await;
        world.get(Member(Lead), "{p}/events/E-901/minutes").expect(404).await;
    }
}
