//! What changed in a programme between two moments.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting, harness::*};

async fn head(world: &World) -> i64 {
    world.get(Member(Lead), "{p}/summary").expect(200).await.body["head_sequence"].as_i64().unwrap()
}

async fn diff(world: &World, who: Who, query: &str) -> Reply {
    world.get(who, &format!("{{p}}/diff?{query}")).expect(200).await
}

async fn plan(world: &World, number: i32) -> Reply {
    let body = json!({"number": number, "name": {"id": "Tahap"}});
    world.post(Member(Lead), "{p}/phases").json(body).expect(201).await
}

async fn renumber(world: &World, phase: &str, number: i32) {
    let path = format!("{{p}}/phases/{phase}");
    let seen = world.get(Member(Lead), &path).expect(200).await;
    world.patch(Member(Lead), &path).if_match(&seen.etag()).patch(json!({"number": number})).expect(200).await;
}

fn ids(reply: &Reply) -> Vec<String> {
    reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Of each act: its name and its reason.
fn acts(item: &Value) -> Vec<(&str, Option<&str>)> {
    let acts = item["acts"].as_array().unwrap().iter();
    acts.map(|act| (act["action"].as_str().unwrap(), act["reason"].as_str())).collect()
}

/// The subjects of all pages, and how many pages there are.
async fn walk(world: &World, query: &str) -> (Vec<Value>, usize) {
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = diff(world, Member(Observer), &format!("{query}{cursor}")).await;
        found.extend(page.items().to_vec());
        pages += 1;
        let Some(next) = page.body["next_cursor"].as_str() else { return (found, pages) };
        assert!(page.header("link").unwrap().contains(next));
        cursor = format!("&cursor={next}");
    }
}

story! {
    async fn each_subject_is_told_once_with_what_differs_and_who_did_what_and_why(world) {
        let phase = plan(&world, 1).await.id();
        let question = world.question().await;
        let from = head(&world).await;
        renumber(&world, &phase, 3).await;
        let path = format!("{{p}}/questions/{}", question.id());
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        world.clock.advance(TimeDelta::minutes(5));
        let proposed = world.post(Member(Secretariat), &format!("{path}/transitions")).if_match(&question.etag()).json(step).expect(200).await;
        let text = json!({"text": {"id": "Siapa lebih dulu?"}, "reason_kind": "wording", "reason": "Lebih jelas."});
        world.post(Member(Facilitator), &format!("{path}/revisions")).if_match(&proposed.etag()).json(text).expect(201).await;
        renumber(&world, &phase, 4).await;
        let new = plan(&world, 2).await;

        let page = diff(&world, Member(Observer), &format!("from=seq:{from}")).await;
        assert_eq!(ids(&page), [phase.clone(), question.id(), new.id()]);
        assert_eq!((&page.body["from_sequence"], &page.body["to_sequence"], &page.body["next_cursor"]), (&json!(from), &json!(from + 5), &json!(null)));
        let [changed, revised, made] = page.items() else { panic!("{}", page.text) };
        assert_eq!((&changed["kind"], &changed["code"], &changed["revision_before"], &changed["revision_after"]), (&json!("phase"), &json!(null), &json!(1), &json!(3)));
        assert_eq!(changed["changes"], json!([{"pointer": "/number", "before": 1, "after": 4}]));
        assert_eq!(acts(changed), [("phase.edit", None), ("phase.edit", None)]);
        assert_eq!(acts(revised), [("question.review", Some("Siap dibahas.")), ("question.revise", Some("Lebih jelas."))]);
        let [review, revision] = &revised["acts"].as_array().unwrap()[..] else { panic!("{revised}") };
        assert_eq!((&review["sequence"], &revision["sequence"], &review["at"]), (&json!(from + 2), &json!(from + 3), &json!("2026-01-15T02:05:00.000000Z")));
        assert_eq!((&review["account_id"], &revision["account_id"]), (&json!(world.account(&Member(Secretariat))), &json!(world.account(&Member(Facilitator)))));
        assert_eq!(review["stakeholder_id"], json!(world.seed.stakeholders["sekretariat"]));
        assert_eq!((&revised["code"], &revised["focus_area_id"]), (&question.body["code"], &question.body["focus_area_id"]));
        let changes = revised["changes"].as_array().unwrap();
        assert!(changes.contains(&json!({"pointer": "/state", "before": "draft", "after": "proposed"})), "{revised}");
        assert!(changes.contains(&json!({"pointer": "/text/en", "before": "Who floods first?", "after": null})), "{revised}");
        assert_eq!((&made["revision_before"], &made["revision_after"]), (&json!(null), &json!(1)));
        assert!(made["changes"].as_array().unwrap().contains(&json!({"pointer": "/number", "before": null, "after": 2})));
        assert!(page.items().iter().all(|item| item["earlier_acts"] == false));

        // Between the two acts on the phase; and what was changed back does not differ.
        let part = diff(&world, Member(Observer), &format!("from=seq:{from}&to=seq:{}", from + 2)).await;
        assert_eq!(part.items()[0]["changes"], json!([{"pointer": "/number", "before": 1, "after": 3}]));
        assert_eq!(part.items()[1]["changes"].as_array().unwrap().len(), 1, "{}", part.text);
        renumber(&world, &phase, 1).await;
        let back = diff(&world, Member(Observer), &format!("from=seq:{from}")).await;
        assert_eq!((&back.items()[0]["changes"], acts(&back.items()[0]).len()), (&json!([]), 3));
        assert!(diff(&world, Member(Observer), &format!("from=seq:{from}&to=seq:{from}")).await.items().is_empty());
    }
}

story! {
    async fn a_difference_is_of_two_moments_too(world) {
        let first = plan(&world, 1).await;
        world.clock.advance(TimeDelta::hours(1));
        let second = plan(&world, 2).await;
        world.clock.advance(TimeDelta::hours(1));
        renumber(&world, &first.id(), 5).await;
        let page = diff(&world, Member(Observer), "from=2026-01-15T02:30:00Z&to=2026-01-15T03:30:00Z").await;
        assert_eq!(ids(&page), [second.id()]);
        let page = diff(&world, Member(Observer), "from=2026-01-15T02:30:00Z").await;
        assert_eq!(ids(&page), [second.id(), first.id()]);
        let now = head(&world).await;
        for (query, problem) in [
            (format!("from=seq:{now}&to=seq:{}", now - 1), "bad-as-of"), (format!("from=seq:{}", now + 1), "bad-as-of"),
            (format!("from=seq:1&to=seq:{}", now + 1), "bad-as-of"), ("from=2026-01-15T04:00:01Z".into(), "bad-as-of"),
            ("from=2020-01-01T00:00:00Z".into(), "bad-as-of"), ("from=2026-01-15T03:30:00Z&to=2026-01-15T02:30:00Z".into(), "bad-as-of"),
        ] {
            let refused = world.get(Member(Observer), &format!("{{p}}/diff?{query}")).send().await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (400, problem), "{query}");
        }
        for (query, pointer) in [
            ("", "?from"), ("to=seq:2", "?from"), ("from=yesterday", "?from"), ("from=seq:0", "?from"), ("from=2026-13-45T00:00:00Z", "?from"),
            ("from=seq:1&to=later", "?to"), ("from=seq:1&limit=0", "?limit"), ("from=seq:1&sort=-sequence", "?sort"),
        ] {
            let refused = world.get(Member(Observer), &format!("{{p}}/diff?{query}")).send().await;
            assert_eq!((refused.status.as_u16(), refused.problem(), refused.pointers()), (400, "invalid-query", vec![pointer]), "{query}");
        }
    }
}

story! {
    async fn pages_tell_each_subject_once_and_go_as_far_as_the_first(world) {
        let from = head(&world).await;
        let mut phases = Vec::new();
        for number in 1..=5 {
            phases.push(plan(&world, number).await.id());
        }
        for (number, phase) in (11..).zip(phases.iter().rev()) {
            renumber(&world, phase, number).await;
        }
        for limit in [1, 2, 3, 5, 200] {
            let (found, _) = walk(&world, &format!("from=seq:{from}&limit={limit}")).await;
            let told: Vec<_> = found.iter().map(|item| item["id"].as_str().unwrap()).collect();
            assert_eq!(told, phases, "by {limit}");
            assert!(found.iter().all(|item| item["revision_after"] == 2 && item["revision_before"].is_null()));
        }
        let first = diff(&world, Member(Observer), &format!("from=seq:{from}&limit=2")).await;
        renumber(&world, &phases[4], 21).await;
        plan(&world, 6).await;
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let rest = diff(&world, Member(Observer), &format!("from=seq:{from}&cursor={cursor}")).await;
        assert_eq!((ids(&rest), &rest.body["to_sequence"]), (phases[2..].to_vec(), &first.body["to_sequence"]));
        assert_eq!(rest.items()[2]["revision_after"], 2, "the state when the first page was read");
        let other = world.get(Member(Observer), &format!("{{p}}/diff?from=seq:{}&cursor={cursor}", from + 1)).expect(400).await;
        assert_eq!(other.problem(), "bad-cursor");
        let tag = rest.etag();
        let path = format!("{{p}}/diff?from=seq:{from}&cursor={cursor}");
        world.get(Member(Observer), &path).header("if-none-match", &tag).expect(304).await;
    }
}

story! {
    async fn a_subject_that_was_changed_very_often_does_not_make_a_page_long(world) {
        let from = head(&world).await;
        let phase = plan(&world, 1).await.id();
        for number in 0..100 {
            renumber(&world, &phase, 10 + number % 2).await;
        }
        let last = plan(&world, 2).await.id();
        let page = diff(&world, Member(Observer), &format!("from=seq:{from}")).await;
        assert_eq!(ids(&page), [phase.clone(), last.clone()]);
        let item = &page.items()[0];
        let told: Vec<i64> = item["acts"].as_array().unwrap().iter().map(|act| act["sequence"].as_i64().unwrap()).collect();
        assert_eq!(told, (from + 2..=from + 101).collect::<Vec<_>>(), "the newest hundred, in order");
        assert_eq!((&item["earlier_acts"], &item["revision_after"]), (&json!(true), &json!(101)));
        assert_eq!((&page.items()[1]["earlier_acts"], acts(&page.items()[1]).len()), (&json!(false), 1));
        // A page of one walks a few rows only: those that say nothing new cost pages, not time.
        let (found, pages) = walk(&world, &format!("from=seq:{from}&limit=1")).await;
        assert_eq!(found.iter().map(|item| item["id"].as_str().unwrap()).collect::<Vec<_>>(), [phase, last]);
        assert!(pages > 20, "{pages}");
    }
}

story! {
    async fn what_a_caller_may_not_see_is_no_difference_to_them(world) {
        let from = head(&world).await;
        let question = world.question().await;
        let other = world.post(Member(Lead), "{p}/questions").json(json!({"focus_area_id": question.body["focus_area_id"], "text": {"id": "Kapan?"}})).expect(201).await;
        let path = format!("{{p}}/questions/{}", question.id());
        let text = json!({"text": {"id": "Siapa?"}, "reason_kind": "wording", "reason": "Rahasia."});
        let revised = world.post(Member(Lead), &format!("{path}/revisions")).if_match(&question.etag()).json(text).expect(201).await;
        let drafts = head(&world).await;
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        world.post(Member(Lead), &format!("{path}/transitions")).if_match(&revised.etag()).json(step).expect(200).await;

        let seen = diff(&world, Member(Partner), &format!("from=seq:{from}")).await;
        assert_eq!(ids(&seen), [question.body["focus_area_id"].as_str().unwrap().to_owned(), question.id()], "not {}", other.id());
        let item = &seen.items()[1];
        assert_eq!((&item["revision_before"], &item["revision_after"]), (&json!(null), &json!(3)));
        assert_eq!(acts(item), [("question.review", Some("Siap dibahas."))]);
        assert!(!seen.text.contains("Rahasia") && !seen.text.contains("terendam"), "{}", seen.text);
        let seen = diff(&world, Member(Partner), &format!("from=seq:{drafts}")).await;
        assert_eq!(seen.items()[0]["revision_before"], json!(null), "a draft is not shown, so it was not there");
        assert!(seen.items()[0]["changes"].as_array().unwrap().iter().all(|change| change["before"].is_null()), "{}", seen.text);
        assert!(ids(&diff(&world, Member(Partner), &format!("from=seq:{from}&to=seq:{drafts}")).await).len() == 1);
        assert_eq!(ids(&diff(&world, Member(Agency), &format!("from=seq:{from}")).await).len(), 3);

        let from = head(&world).await;
        let body = json!({"title": {"id": "Naskah tertutup"}, "kind": "report", "visibility": "secretariat"});
        let kept = world.post(Member(Lead), "{p}/documents").json(body).expect(201).await;
        let body = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": "members"});
        let open = world.post(Member(Lead), "{p}/documents").json(body).expect(201).await;
        assert_eq!(ids(&diff(&world, Member(Facilitator), &format!("from=seq:{from}")).await), [open.id()]);
        assert_eq!(ids(&diff(&world, Member(Secretariat), &format!("from=seq:{from}")).await), [kept.id(), open.id()]);
        let open_at = head(&world).await;
        let path = format!("{{p}}/documents/{}", open.id());
        let closing = json!({"visibility": "secretariat", "title": {"id": "Rahasia"}});
        world.patch(Member(Lead), &path).if_match(&open.etag()).patch(closing).expect(200).await;
        let seen = diff(&world, Member(Facilitator), &format!("from=seq:{open_at}")).await;
        assert!(seen.items().is_empty(), "{}", seen.text);
    }
}

story! {
    async fn subjects_are_counted_by_focus_area_and_event(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let from = head(&world).await;
        let post = async |path: &str, body: Value| world.post(Member(Lead), &format!("{{p}}/{path}")).json(body).expect(201).await.id();
        let stakeholder = world.seed.stakeholders["dinas"];
        post("stakeholders", json!({"stakeholder_id": stakeholder, "capacity": "member"})).await;
        let event = post("events", json!({"kind": "working_session", "name": {"id": "Sidang"}})).await;
        let stage = post(&format!("events/{event}/stages"), json!({"number": 1, "name": {"id": "Pembahasan"}, "electorate": [stakeholder]})).await;
        let ballot = json!({"question_id": question.id, "method": "consensus", "rule": {"threshold_percent": 60}, "quorum": 1, "unit": "organization"});
        let ballot = post(&format!("events/{event}/stages/{stage}/ballots"), ballot).await;
        let mapping = |kind: &str, id: &str| json!({"subject": {"kind": kind, "id": id}, "framework": "CRI", "node": "CRI-1.1", "strength": "primary"});
        let of_area = post("mappings", mapping("focus_area", &area)).await;
        let of_question = post("mappings", mapping("question", &question.id)).await;
        let criterion = post("criteria", json!({"text": {"id": "Pulih"}, "event_id": event})).await;
        let page = diff(&world, Member(Observer), &format!("from=seq:{from}")).await;
        let place = |id: &str| {
            let found = page.items().iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{id}: {}", page.text));
            (found["kind"].as_str().unwrap(), found["focus_area_id"].as_str(), found["event_id"].as_str())
        };
        let (area, event) = (area.as_str(), event.as_str());
        assert_eq!(place(event), ("event", None, Some(event)));
        assert_eq!(place(&ballot), ("ballot", Some(area), Some(event)));
        assert_eq!(place(&of_area), ("mapping", Some(area), None));
        assert_eq!(place(&of_question), ("mapping", Some(area), None));
        assert_eq!(place(&criterion), ("criterion", None, Some(event)));
        let groups = page.body["groups"].as_array().unwrap();
        for (area, event, count) in [(None, None, 1), (None, Some(event), 2), (Some(area), None, 2), (Some(area), Some(event), 1)] {
            let group = json!({"focus_area_id": area, "event_id": event, "count": count});
            assert!(groups.contains(&group), "{group}: {}", page.text);
        }
        assert_eq!(groups.len(), 4);
    }
}

story! {
    async fn nothing_of_people_or_of_single_voices_is_told(world) {
        let area = world.focus_area().await;
        let question = drafting::proposed(&world, &area).await;
        let stakeholder = world.seed.stakeholders["dinas"];
        let lead = Member(Lead);
        let post = async |path: &str, body: Value| world.post(lead.clone(), &format!("{{p}}/{path}")).json(body).send().await;
        let from = head(&world).await;
        post("stakeholders", json!({"stakeholder_id": stakeholder, "capacity": "member"})).await.expect(201);
        let membership = json!({"account_id": world.account(&Outsider), "stakeholder_id": stakeholder, "role": "observer", "from_on": "2026-01-01"});
        post("memberships", membership).await.expect(201);
        let event = post("events", json!({"kind": "meeting", "name": {"id": "Rapat"}})).await.expect(201).id();
        let present = json!({"items": [{"stakeholder_id": stakeholder, "status": "attended", "capacity": "member"}]});
        world.ask(lead.clone(), actix_web::http::Method::PUT, &format!("{{p}}/events/{event}/attendance")).json(present).expect(200).await;
        let stage = post(&format!("events/{event}/stages"), json!({"number": 1, "name": {"id": "Bahas"}, "electorate": [stakeholder]})).await.expect(201).id();
        let ballot = json!({"question_id": question.id, "method": "consensus", "rule": {"threshold_percent": 60}, "quorum": 1, "unit": "organization"});
        let ballot = post(&format!("events/{event}/stages/{stage}/ballots"), ballot).await.expect(201);
        let path = format!("{{p}}/ballots/{}", ballot.id());
        world.post(lead.clone(), &format!("{path}/opening")).if_match(&ballot.etag()).json(json!({"reason": "Mulai."})).expect(200).await;
        let vote = json!({"value": "object", "comment": "Suara tunggal"});
        world.ask(lead.clone(), actix_web::http::Method::PUT, &format!("{path}/votes/{stakeholder}")).json(vote).expect(200).await;

        let page = diff(&world, lead.clone(), &format!("from=seq:{from}")).await;
        let mut kinds: Vec<_> = page.items().iter().map(|item| item["kind"].as_str().unwrap()).collect();
        kinds.sort();
        assert_eq!(kinds, ["ballot", "event", "participant", "question"]);
        assert!(!page.text.contains("Suara tunggal") && !page.text.contains("vote"), "{}", page.text);
        world.verify();

        for (who, status) in [(Neighbour(Lead), 404), (Outsider, 200), (Member(Admin), 403), (Nobody, 401)] {
            world.get(who.clone(), "{p}/diff?from=seq:1").expect(status).await;
        }
        let own = world.get(Neighbour(Lead), "programs/porto/diff?from=seq:1").expect(200).await;
        assert!(own.items().is_empty(), "{}", own.text);
    }
}
