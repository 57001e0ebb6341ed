//! The life of a question.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

fn path(id: &str) -> String {
    format!("{{p}}/questions/{id}")
}

fn why(reason: &str) -> Value {
    json!({"reason": reason})
}

/// A new wording in the source language alone.
fn wording(id: &str) -> Value {
    json!({"text": {"id": id}, "reason_kind": "wording", "reason": "Lebih tajam."})
}

/// Sends an act on the revision that stands now.
async fn act(world: &World, who: Who, id: &str, act: &str, body: Value) -> Reply {
    let now = world.get(Member(Lead), &path(id)).expect(200).await;
    world.post(who, &format!("{}/{act}", path(id))).if_match(&now.etag()).json(body).send().await
}

async fn step(world: &World, who: Who, id: &str, to: &str) -> Reply {
    act(world, who, id, "transitions", json!({"to": to, "reason": format!("Menjadi {to}.")})).await
}

/// A focus area with a number of its own and an emphasis `a`.
async fn area(world: &World, number: i32) -> String {
    let body = json!({"number": number, "names": [{"name": {"id": format!("Fokus {number}")}}],
        "emphases": [{"code": format!("{number}.a"), "text": {"id": "Proses"}}]});
    world.post(Member(Lead), "{p}/focus-areas").json(body).expect(201).await.id()
}

async fn ask(world: &World, area: &str, text: &str) -> String {
    let body = json!({"focus_area_id": area, "text": {"id": text}});
    world.post(Member(Facilitator), "{p}/questions").json(body).expect(201).await.id()
}

fn codes(reply: &Reply) -> Vec<&str> {
    reply.items().iter().filter_map(|item| item["code"].as_str()).collect()
}

story! {
    async fn a_revision_that_comes_too_late_changes_nothing(world) {
        let asked = world.question().await;
        let path = path(&asked.id());
        let first = wording("Jalan mana yang pertama terendam?");
        let revised = world.post(Member(Facilitator), &format!("{path}/revisions")).if_match(&asked.etag()).json(first.clone()).expect(201).await;
        assert_eq!(revised.body["revision"], 2);

        let late = world.post(Member(Lead), &format!("{path}/revisions")).if_match(&asked.etag()).json(first).expect(412).await;
        assert_eq!((late.problem(), &late.body["current_revision"]), ("stale", &json!(2)));
        assert_eq!(late.header("etag"), late.body["current_etag"].as_str());
        assert_eq!(world.ledger(), [
            ("focus_area.name".into(), 1), ("question.ask".into(), 1), ("question.revise".into(), 2),
        ]);
        world.verify();
    }
}

story! {
    async fn a_question_goes_from_draft_to_validated_and_back_when_it_is_revised(world) {
        let id = world.question().await.id();
        let state = |reply: &Reply| reply.body["state"].as_str().unwrap_or_default().to_owned();

        assert_eq!(state(&step(&world, Member(Facilitator), &id, "proposed").await.expect(200)), "proposed");
        let unfit = step(&world, Member(Facilitator), &id, "not_fitting").await.expect(200);
        assert_eq!(state(&unfit), "not_fitting");
        // Not fitting is left by a new wording, not by a step.
        let stuck = step(&world, Member(Facilitator), &id, "proposed").await.expect(409);
        assert_eq!(stuck.problem(), "wrong-state");

        let revised = act(&world, Member(Facilitator), &id, "revisions", wording("Jalan mana?")).await.expect(201);
        assert_eq!((state(&revised), &revised.body["revision"]), ("proposed".into(), &json!(4)));
        assert_eq!(revised.header("location").unwrap(), format!("/api/v1/programs/jakarta/questions/{id}"));
        step(&world, Member(Facilitator), &id, "in_review").await.expect(200);

        // Whoever facilitates does not validate outside a session.
        let forbidden = act(&world, Member(Facilitator), &id, "validation", why("Sepakat.")).await.expect(403);
        assert_eq!(forbidden.problem(), "forbidden");
        let validated = act(&world, Member(Secretariat), &id, "validation", why("Sepakat.")).await.expect(200);
        assert_eq!((state(&validated), &validated.body["validated_revision"]), ("validated".into(), &json!(6)));

        let revised = act(&world, Member(Lead), &id, "revisions", wording("Jalan mana dahulu?")).await.expect(201);
        assert_eq!((state(&revised), &revised.body["validated_revision"]), ("proposed".into(), &json!(6)));

        let acts: Vec<_> = world.ledger().into_iter().skip(1).collect();
        assert_eq!(acts, [
            ("question.ask".to_owned(), 1), ("question.review".into(), 2), ("question.review".into(), 3),
            ("question.revise".into(), 4), ("question.review".into(), 5), ("question.validate".into(), 6),
            ("question.revise".into(), 7),
        ]);
        world.verify();
    }
}

story! {
    async fn a_step_that_the_life_cycle_does_not_have_is_refused(world) {
        let id = world.question().await.id();
        for to in ["in_review", "not_fitting"] {
            let refused = step(&world, Member(Lead), &id, to).await.expect(409);
            assert_eq!(refused.problem(), "wrong-state", "draft to {to}");
        }
        act(&world, Member(Lead), &id, "validation", why("Sepakat.")).await.expect(409);
        // No step leads to an end, and none into validation.
        for to in ["validated", "merged", "draft", "somewhere"] {
            assert_eq!(step(&world, Member(Lead), &id, to).await.expect(422).pointers(), ["/to"]);
        }
        step(&world, Member(Lead), &id, "proposed").await.expect(200);
        step(&world, Member(Lead), &id, "in_review").await.expect(200);
        step(&world, Member(Lead), &id, "proposed").await.expect(200);
        act(&world, Member(Lead), &id, "validation", why("Sepakat.")).await.expect(409);
        step(&world, Member(Lead), &id, "in_review").await.expect(200);
        act(&world, Member(Lead), &id, "validation", why("Sepakat.")).await.expect(200);
        step(&world, Member(Lead), &id, "in_review").await.expect(409);
        let unfit = step(&world, Member(Lead), &id, "not_fitting").await.expect(200);
        assert_eq!(unfit.body["validated_revision"], 6);
        world.verify();
    }
}

story! {
    async fn every_act_on_a_question_needs_a_reason_and_history_tells_it(world) {
        let id = world.question().await.id();
        let other = area(&world, 2).await;
        let before = world.ledger();
        for (act_name, body) in [
            ("revisions", json!({"text": {"id": "Baru"}, "reason_kind": "wording"})),
            ("transitions", json!({"to": "proposed"})),
            ("validation", json!({})),
            ("move", json!({"focus_area_id": other})),
            ("merge", json!({"into_id": id})),
            ("split", json!({"into": [{"text": {"id": "Satu"}}, {"text": {"id": "Dua"}}]})),
            ("retirement", json!({})),
        ] {
            let refused = act(&world, Member(Lead), &id, act_name, body.clone()).await.expect(422);
            assert_eq!(refused.pointers(), ["/reason"], "{act_name}");
            let mut empty = body;
            empty["reason"] = json!("");
            assert_eq!(act(&world, Member(Lead), &id, act_name, empty).await.expect(422).pointers(), ["/reason"]);
        }
        assert_eq!(world.ledger(), before);

        step(&world, Member(Facilitator), &id, "proposed").await.expect(200);
        let history = world.get(Member(Agency), &format!("{}/history", path(&id))).expect(200).await;
        let entry = &history.items()[1];
        assert_eq!((&entry["action"], &entry["reason"]), (&json!("question.review"), &json!("Menjadi proposed.")));
        assert_eq!(entry["account_id"], json!(world.account(&Member(Facilitator))));
        assert_eq!(entry["stakeholder_id"], json!(world.seed.stakeholders["sekretariat"]));
        world.verify();
    }
}

story! {
    async fn each_earlier_wording_stays_readable_and_two_can_be_compared(world) {
        let asked = world.question().await;
        let id = asked.id();
        let body = json!({"text": {"id": "Jalan mana?", "en": "Which street?"}, "emphases": ["1.a"],
            "reason_kind": "emphasis", "reason": "Penekanan."});
        act(&world, Member(Lead), &id, "revisions", body).await.expect(201);
        step(&world, Member(Lead), &id, "proposed").await.expect(200);

        let first = world.get(Member(Observer), &format!("{}/revisions/1", path(&id))).expect(200).await;
        assert_eq!(first.body["text"], json!({"id": "Siapa yang pertama terendam?", "en": "Who floods first?"}));
        assert_eq!((&first.body["revision"], &first.body["allowed_actions"]), (&json!(1), &json!([])));
        let listed = world.get(Member(Observer), &format!("{}/revisions", path(&id))).expect(200).await;
        assert_eq!(listed.items().len(), 3);
        for missing in ["0", "4", "99"] {
            world.get(Member(Lead), &format!("{}/revisions/{missing}", path(&id))).expect(404).await;
        }

        let diff = world.get(Member(Agency), &format!("{}/revisions/2/diff", path(&id))).expect(200).await;
        assert_eq!(diff.body, json!({"from": 1, "to": 2, "changes": [
            {"pointer": "/text/en", "before": "Who floods first?", "after": "Which street?"},
            {"pointer": "/text/id", "before": "Siapa yang pertama terendam?", "after": "Jalan mana?"},
            {"pointer": "/emphases", "before": [], "after": ["1.a"]},
        ]}));
        let diff = world.get(Member(Agency), &format!("{}/revisions/3/diff?from=1", path(&id))).expect(200).await;
        assert!(diff.body["changes"].as_array().unwrap().contains(&json!({"pointer": "/state", "before": "draft", "after": "proposed"})));
        // Backwards too.
        let back = world.get(Member(Agency), &format!("{}/revisions/2/diff?from=3", path(&id))).expect(200).await;
        assert_eq!(back.body["changes"], json!([{"pointer": "/state", "before": "proposed", "after": "draft"}]));
        world.get(Member(Lead), &format!("{}/revisions/1/diff", path(&id))).expect(400).await;
        world.get(Member(Lead), &format!("{}/revisions/9/diff", path(&id))).expect(404).await;
        world.verify();
    }
}

story! {
    async fn a_move_keeps_the_id_and_the_old_code_still_finds_it(world) {
        let (one, two) = (area(&world, 1).await, area(&world, 2).await);
        let id = ask(&world, &one, "Siapa?").await;
        step(&world, Member(Lead), &id, "proposed").await.expect(200);
        step(&world, Member(Lead), &id, "in_review").await.expect(200);
        let to = json!({"focus_area_id": two, "emphases": ["2.a"], "reason": "Lebih cocok di sana."});
        let moved = act(&world, Member(Facilitator), &id, "move", to).await.expect(200);
        assert_eq!(moved.id(), id);
        assert_eq!(
            (&moved.body["code"], &moved.body["former_codes"], &moved.body["state"], &moved.body["emphases"]),
            (&json!("Q-2.1"), &json!(["Q-1.1"]), &json!("proposed"), &json!(["2.a"])),
        );
        for code in ["Q-1.1", "Q-2.1"] {
            assert_eq!(world.get(Member(Partner), &path(code)).expect(200).await.id(), id);
        }
        // The old code is never given again, and neither is the new one when the question goes back.
        ask(&world, &one, "Berikutnya?").await;
        assert_eq!(world.get(Member(Lead), &path("Q-1.2")).expect(200).await.body["former_codes"], json!([]));
        let back = json!({"focus_area_id": one, "reason": "Kembali."});
        let back = act(&world, Member(Facilitator), &id, "move", back).await.expect(200);
        assert_eq!((&back.body["code"], &back.body["former_codes"]), (&json!("Q-1.3"), &json!(["Q-1.1", "Q-2.1"])));
        ask(&world, &two, "Yang lain?").await;
        assert_ne!(world.get(Member(Lead), &path("Q-2.2")).expect(200).await.id(), id);
        for code in ["Q-1.1", "Q-2.1", "Q-1.3"] {
            assert_eq!(world.get(Member(Lead), &path(code)).expect(200).await.id(), id, "{code}");
        }
        // A filter by code is about the codes of now.
        assert!(world.get(Member(Lead), "{p}/questions?code=Q-1.1").expect(200).await.items().is_empty());
        assert_eq!(act(&world, Member(Lead), &id, "move", json!({"focus_area_id": one, "reason": "Lagi."})).await.expect(409).problem(), "conflict");
        world.verify();
    }
}

story! {
    async fn a_draft_that_is_moved_stays_a_draft(world) {
        let (one, two) = (area(&world, 1).await, area(&world, 2).await);
        let id = ask(&world, &one, "Siapa?").await;
        let moved = act(&world, Member(Lead), &id, "move", json!({"focus_area_id": two, "reason": "Lebih cocok."})).await.expect(200);
        assert_eq!(moved.body["state"], "draft");
        world.get(Member(Partner), &path("Q-1.1")).expect(404).await;
        world.verify();
    }
}

story! {
    async fn a_merged_question_ends_and_names_the_one_that_goes_on(world) {
        let area = area(&world, 1).await;
        let (one, two) = (ask(&world, &area, "Siapa?").await, ask(&world, &area, "Siapa saja?").await);
        let itself = act(&world, Member(Lead), &one, "merge", json!({"into_id": one, "reason": "Sama."})).await.expect(409);
        assert_eq!(itself.pointers(), ["/into_id"]);
        let nowhere = json!({"into_id": uuid::Uuid::now_v7(), "reason": "Sama."});
        assert_eq!(act(&world, Member(Lead), &one, "merge", nowhere).await.expect(422).pointers(), ["/into_id"]);

        let merged = act(&world, Member(Facilitator), &one, "merge", json!({"into_id": two, "reason": "Sama."})).await.expect(200);
        assert_eq!((&merged.body["state"], &merged.body["merged_into_id"]), (&json!("merged"), &json!(two)));
        assert_eq!(merged.body["allowed_actions"], json!(["question.read"]));
        let other = world.get(Member(Lead), &path(&two)).expect(200).await;
        assert_eq!((&other.body["revision"], &other.body["state"]), (&json!(1), &json!("draft")));
        // Nothing merges into what has ended.
        let ended = act(&world, Member(Lead), &two, "merge", json!({"into_id": one, "reason": "Sama."})).await.expect(409);
        assert_eq!(ended.problem(), "conflict");
        assert_eq!(world.ledger().last().unwrap(), &("question.reorganise".to_owned(), 2));
        world.verify();
    }
}

story! {
    async fn a_split_makes_proposed_questions_that_know_where_they_came_from(world) {
        let area = area(&world, 1).await;
        let id = ask(&world, &area, "Siapa dan di mana?").await;
        let before = world.ledger();
        let unknown = json!({"into": [{"text": {"id": "Siapa?"}}, {"text": {"id": "Di mana?"}, "emphases": ["9.z"]}], "reason": "Dua hal."});
        let refused = act(&world, Member(Lead), &id, "split", unknown).await.expect(422);
        assert_eq!(refused.pointers(), ["/into/1/emphases/0"]);
        let untold = json!({"into": [{"text": {"id": "Siapa?"}}, {"text": {"en": "Where?"}}], "reason": "Dua hal."});
        assert_eq!(act(&world, Member(Lead), &id, "split", untold).await.expect(422).pointers(), ["/into/1/text/id"]);
        let one = json!({"into": [{"text": {"id": "Siapa?"}}], "reason": "Satu hal."});
        assert_eq!(act(&world, Member(Lead), &id, "split", one).await.expect(422).pointers(), ["/into"]);
        assert_eq!(world.ledger(), before);

        let parts = json!({"into": [{"text": {"id": "Siapa?"}, "emphases": ["1.a"]}, {"text": {"id": "Di mana?"}}], "reason": "Dua hal."});
        let split = act(&world, Member(Facilitator), &id, "split", parts).await.expect(200);
        assert_eq!(split.body["state"], "split");
        let new = world.get(Member(Partner), "{p}/questions?state=proposed").expect(200).await;
        assert_eq!(codes(&new), ["Q-1.2", "Q-1.3"]);
        let ids: Vec<&Value> = new.items().iter().map(|item| &item["id"]).collect();
        assert_eq!(split.body["split_into_ids"], json!(ids));
        for item in new.items() {
            assert_eq!((&item["split_from_id"], &item["revision"]), (&json!(id), &json!(1)));
        }
        assert_eq!(world.ledger()[before.len()..], [
            ("question.reorganise".to_owned(), 1), ("question.reorganise".into(), 1), ("question.reorganise".into(), 2),
        ]);
        world.verify();
    }
}

story! {
    async fn what_has_ended_is_changed_no_more(world) {
        let area = area(&world, 1).await;
        let go_on = ask(&world, &area, "Yang tetap?").await;
        let ends = [
            ("retirement", why("Tidak ditanyakan lagi.")),
            ("merge", json!({"into_id": go_on, "reason": "Sama."})),
            ("split", json!({"into": [{"text": {"id": "Satu"}}, {"text": {"id": "Dua"}}], "reason": "Dua hal."})),
        ];
        for (end, body) in ends {
            let id = ask(&world, &area, "Yang berakhir?").await;
            act(&world, Member(Lead), &id, end, body).await.expect(200);
            let before = world.ledger();
            for (act_name, body) in [
                ("revisions", wording("Lagi?")),
                ("transitions", json!({"to": "proposed", "reason": "Lagi."})),
                ("validation", why("Lagi.")),
                ("move", json!({"focus_area_id": area, "reason": "Lagi."})),
                ("merge", json!({"into_id": go_on, "reason": "Lagi."})),
                ("split", json!({"into": [{"text": {"id": "Satu"}}, {"text": {"id": "Dua"}}], "reason": "Lagi."})),
                ("retirement", why("Lagi.")),
            ] {
                let refused = act(&world, Member(Lead), &id, act_name, body).await.expect(409);
                assert_eq!(refused.problem(), "wrong-state", "{act_name} after {end}");
            }
            assert_eq!(world.ledger(), before);
            // It is never deleted.
            world.get(Member(Observer), &path(&id)).expect(200).await;
        }
        world.verify();
    }
}

story! {
    async fn a_partner_sees_no_draft_anywhere(world) {
        let area = area(&world, 1).await;
        let draft = ask(&world, &area, "Masih rancangan?").await;
        let known = ask(&world, &area, "Sudah diusulkan?").await;
        act(&world, Member(Lead), &known, "revisions", wording("Sudah diusulkan, bukan?")).await.expect(201);
        step(&world, Member(Lead), &known, "proposed").await.expect(200);
        act(&world, Member(Lead), &known, "revisions", wording("Diusulkan lagi?")).await.expect(201);

        let partner = Member(Partner);
        for hidden in ["", "/history", "/revisions", "/revisions/1", "/revisions/1/diff?from=1"] {
            world.get(partner.clone(), &format!("{}{hidden}", path(&draft))).expect(404).await;
        }
        world.get(partner.clone(), &path("Q-1.1")).expect(404).await;
        world.get(partner.clone(), &format!("{}?as_of=seq:5", path(&draft))).expect(404).await;
        let listed = world.get(partner.clone(), "{p}/questions?include_total=true").expect(200).await;
        assert_eq!((codes(&listed), &listed.body["total"]), (vec!["Q-1.2"], &json!(1)));
        assert!(world.get(partner.clone(), "{p}/questions?state=draft").expect(200).await.items().is_empty());

        // Of what it sees, it does not see the time when that was a draft.
        for hidden in ["/revisions/1", "/revisions/2", "/revisions/3/diff", "/revisions/4/diff?from=1"] {
            world.get(partner.clone(), &format!("{}{hidden}", path(&known))).expect(404).await;
        }
        world.get(partner.clone(), &format!("{}/revisions/4/diff", path(&known))).expect(200).await;
        for kind in ["history", "revisions"] {
            let mut seen = Vec::new();
            let mut next = Some(String::new());
            while let Some(cursor) = next {
                let page = world.get(partner.clone(), &format!("{}/{kind}?limit=1{cursor}", path(&known))).expect(200).await;
                seen.extend(page.items().iter().map(|entry| entry["revision"].as_i64().unwrap()));
                next = page.body["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
            }
            assert_eq!(seen, [3, 4], "{kind}");
        }
        let summary = world.get(partner, "{p}/summary").expect(200).await;
        assert_eq!(summary.body["questions"], json!([{"state": "proposed", "count": 1}]));
        let summary = world.get(Member(Agency), "{p}/summary").expect(200).await;
        assert_eq!(summary.body["questions"], json!([{"state": "draft", "count": 1}, {"state": "proposed", "count": 1}]));
        world.verify();
    }
}

story! {
    async fn emphases_are_those_of_the_focus_area(world) {
        let (one, two) = (area(&world, 1).await, area(&world, 2).await);
        let body = json!({"focus_area_id": one, "text": {"id": "Siapa?"}, "emphases": ["1.a", "2.a", "9.z"]});
        let refused = world.post(Member(Lead), "{p}/questions").json(body).expect(422).await;
        assert_eq!(refused.pointers(), ["/emphases/1", "/emphases/2"]);
        let id = ask(&world, &one, "Siapa?").await;
        let revision = json!({"emphases": ["2.a"], "reason_kind": "emphasis", "reason": "Penekanan."});
        assert_eq!(act(&world, Member(Lead), &id, "revisions", revision).await.expect(422).pointers(), ["/emphases/0"]);
        let to = json!({"focus_area_id": two, "emphases": ["1.a"], "reason": "Pindah."});
        assert_eq!(act(&world, Member(Lead), &id, "move", to).await.expect(422).pointers(), ["/emphases/0"]);
        let nowhere = json!({"focus_area_id": uuid::Uuid::now_v7(), "text": {"id": "Siapa?"}});
        assert_eq!(world.post(Member(Lead), "{p}/questions").json(nowhere).expect(422).await.pointers(), ["/focus_area_id"]);
        let kept = act(&world, Member(Lead), &id, "revisions", json!({"emphases": ["1.a"], "reason_kind": "emphasis", "reason": "Penekanan."})).await.expect(201);
        assert_eq!((&kept.body["emphases"], &kept.body["text"]["id"]), (&json!(["1.a"]), &json!("Siapa?")));
        world.verify();
    }
}

story! {
    async fn allowed_actions_fit_role_and_state(world) {
        let id = world.question().await.id();
        let seen = async |who: Who| world.get(who, &path(&id)).expect(200).await.body["allowed_actions"].clone();
        let all = json!(["question.read", "question.revise", "question.review", "question.reorganise"]);
        for role in [Lead, Secretariat, Facilitator] {
            assert_eq!(seen(Member(role)).await, all, "{role:?}");
        }
        for role in [Agency, Observer] {
            assert_eq!(seen(Member(role)).await, json!(["question.read"]), "{role:?}");
        }
        step(&world, Member(Lead), &id, "proposed").await.expect(200);
        step(&world, Member(Lead), &id, "in_review").await.expect(200);
        assert_eq!(seen(Member(Facilitator)).await, all);
        let validating = json!(["question.read", "question.revise", "question.review", "question.validate", "question.reorganise"]);
        assert_eq!(seen(Member(Secretariat)).await, validating);
        assert_eq!(seen(Member(Partner)).await, json!(["question.read"]));
        step(&world, Member(Lead), &id, "not_fitting").await.expect(200);
        assert_eq!(seen(Member(Lead)).await, json!(["question.read", "question.revise", "question.reorganise"]));
        world.verify();
    }
}

story! {
    async fn lists_are_filtered_sorted_counted_and_paged(world) {
        let (one, two) = (area(&world, 1).await, area(&world, 2).await);
        for number in 1..=11 {
            ask(&world, &one, &format!("Pertanyaan {number}?")).await;
        }
        world.clock.advance(chrono::TimeDelta::hours(1));
        let last = ask(&world, &two, "Yang lain?").await;
        step(&world, Member(Lead), &last, "proposed").await.expect(200);
        let first = world.get(Member(Lead), &path("Q-1.1")).expect(200).await.id();
        act(&world, Member(Lead), &first, "revisions", wording("Yang pertama?")).await.expect(201);

        let list = async |query: &str| world.get(Member(Agency), &format!("{{p}}/questions?{query}")).expect(200).await;
        // Codes sort as people count.
        let page = list("limit=3&include_total=true").await;
        assert_eq!((codes(&page), &page.body["total"]), (vec!["Q-1.1", "Q-1.2", "Q-1.3"], &json!(12)));
        let turned = list("sort=-code&limit=4").await;
        assert_eq!(codes(&turned), ["Q-2.1", "Q-1.11", "Q-1.10", "Q-1.9"]);
        let mut all = Vec::new();
        let mut query = "sort=-code&limit=5".to_owned();
        loop {
            let page = list(&query).await;
            all.extend(codes(&page).into_iter().map(str::to_owned));
            match page.body["next_cursor"].as_str() {
                Some(cursor) => {
                    assert!(page.header("link").unwrap().contains("rel=\"next\""));
                    query = format!("sort=-code&limit=5&cursor={cursor}");
                }
                None => break,
            }
        }
        assert_eq!((all.len(), all[11].as_str()), (12, "Q-1.1"));

        assert_eq!(codes(&list("sort=-updated_at&limit=2").await), ["Q-1.1", "Q-2.1"]);
        assert_eq!(codes(&list("sort=-created_at&limit=1").await), ["Q-2.1"]);
        assert_eq!(codes(&list("state=proposed,in_review").await), ["Q-2.1"]);
        assert_eq!(codes(&list(&format!("focus_area_id={two}")).await), ["Q-2.1"]);
        assert_eq!(codes(&list("code=Q-1.10,Q-1.2").await), ["Q-1.2", "Q-1.10"]);
        assert_eq!(codes(&list("updated_at.gte=2026-01-15T03:00:00Z").await), ["Q-1.1", "Q-2.1"]);
        let early = list("updated_at.lt=2026-01-15T03:00:00Z&include_total=true").await;
        assert_eq!((early.items().len(), &early.body["total"]), (10, &json!(10)));

        let expanded = list("code=Q-2.1&expand=focus_area&fields=code").await;
        assert_eq!(expanded.items()[0]["expanded"]["focus_area"]["id"], json!(two));
        assert_eq!((&expanded.items()[0]["code"], expanded.items()[0].get("text")), (&json!("Q-2.1"), None));
        let single = world.get(Member(Agency), &format!("{}?expand=focus_area", path("Q-2.1"))).expect(200).await;
        assert_eq!(single.body["expanded"]["focus_area"]["code"], "FU-2");
        for (query, pointer) in [("expand=everything", "?expand"), ("sort=text", "?sort"), ("state=lost", "?state"), ("colour=red", "?colour")] {
            let refused = world.get(Member(Agency), &format!("{{p}}/questions?{query}")).expect(400).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        world.verify();
    }
}

story! {
    async fn a_translation_is_stale_when_its_source_moves_on(world) {
        let asked = world.question().await;
        let id = asked.id();
        let fresh = json!([{"pointer": "/text", "language": "en", "of_revision": 1, "stale": false}]);
        assert_eq!(asked.body["translations"], fresh);
        let moved_on = json!({"text": {"id": "Jalan mana?", "en": "Who floods first?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        let revised = act(&world, Member(Lead), &id, "revisions", moved_on).await.expect(201);
        assert_eq!(revised.body["translations"], json!([{"pointer": "/text", "language": "en", "of_revision": 1, "stale": true}]));

        let view = format!("{}?view=localized", path(&id));
        let shown = world.get(Member(Agency), &view).header("accept-language", "en").expect(200).await;
        assert_eq!(shown.body["text"], json!({"text": "Who floods first?", "lang": "en", "stale": true}));
        let shown = world.get(Member(Agency), &view).header("accept-language", "id-ID").expect(200).await;
        assert_eq!(shown.body["text"], json!({"text": "Jalan mana?", "lang": "id", "stale": false}));
        assert!(shown.header("vary").unwrap().to_lowercase().contains("accept-language"));

        let translated = json!({"text": {"id": "Jalan mana?", "en": "Which street?"}, "reason_kind": "translation", "reason": "Terjemahan."});
        let revised = act(&world, Member(Lead), &id, "revisions", translated).await.expect(201);
        assert_eq!(revised.body["translations"], json!([{"pointer": "/text", "language": "en", "of_revision": 3, "stale": false}]));
        let none = act(&world, Member(Lead), &id, "revisions", wording("Jalan mana saja?")).await.expect(201);
        assert_eq!(none.body.get("translations"), None);
        let shown = world.get(Member(Agency), &view).header("accept-language", "en").expect(200).await;
        assert_eq!(shown.body["text"]["lang"], "id");
        world.verify();
    }
}

story! {
    async fn a_question_needs_words_in_the_source_language(world) {
        let area = world.focus_area().await;
        let body = json!({"focus_area_id": area, "text": {"en": "Who?"}});
        assert_eq!(world.post(Member(Lead), "{p}/questions").json(body).expect(422).await.pointers(), ["/text/id"]);
        let id = ask(&world, &area, "Siapa?").await;
        let revision = json!({"text": {"en": "Who?"}, "reason_kind": "wording", "reason": "Salah."});
        assert_eq!(act(&world, Member(Lead), &id, "revisions", revision).await.expect(422).pointers(), ["/text/id"]);
        assert_eq!(world.ledger().len(), 2);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_question(world) {
        let asked = world.question().await;
        let id = asked.id();
        step(&world, Member(Lead), &id, "proposed").await.expect(200);
        neighbour::sees_nothing_of(&world, "questions", &id).await;
        world.get(Neighbour(Lead), "programs/porto/questions/Q-1.1").expect(404).await;
        for (act_name, body) in [
            ("revisions", wording("Milik kami?")),
            ("transitions", json!({"to": "in_review", "reason": "Milik kami."})),
            ("validation", why("Milik kami.")),
            ("retirement", why("Milik kami.")),
        ] {
            for program in ["jakarta", "porto"] {
                let path = format!("programs/{program}/questions/{id}/{act_name}");
                world.post(Neighbour(Lead), &path).if_match("\"2.x\"").json(body.clone()).expect(404).await;
            }
        }
        // Its own question cannot reach over either.
        let area = asked.body["focus_area_id"].clone();
        let body = json!({"focus_area_id": area, "text": {"id": "Siapa?"}});
        let refused = world.post(Neighbour(Lead), "programs/porto/questions").json(body).expect(422).await;
        assert_eq!(refused.pointers(), ["/focus_area_id"]);
        // Codes are each programme's own.
        let names = json!({"number": 1, "names": [{"name": {"id": "Milik Porto"}}]});
        let theirs = world.post(Neighbour(Lead), "programs/porto/focus-areas").json(names).expect(201).await.id();
        let body = json!({"focus_area_id": theirs, "text": {"id": "Siapa?"}});
        let own = world.post(Neighbour(Lead), "programs/porto/questions").json(body).expect(201).await;
        assert_eq!(own.body["code"], "Q-1.1");
        assert_eq!(world.get(Member(Lead), &path("Q-1.1")).expect(200).await.id(), id);
        let merge = json!({"into_id": id, "reason": "Sama."});
        let refused = world.post(Neighbour(Lead), &format!("programs/porto/questions/{}/merge", own.id())).if_match(&own.etag()).json(merge).expect(422).await;
        assert_eq!(refused.pointers(), ["/into_id"]);
        assert_eq!(world.ledger().len(), 3);
        world.verify();
    }
}
