//! Resilience statements: what they rest on, the positions on them, their life.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting::*, harness::*};

story! {
    async fn a_statement_goes_from_draft_to_published_by_the_people_who_may(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let body = content(&[section(&area, &[&question])]);
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), "{p}/statements").json(body.clone()).expect(403).await;
        }
        let before = world.ledger().len();
        let drafted = world.post(Member(Secretariat), "{p}/statements").json(body).expect(201).await;
        assert_eq!((&drafted.body["code"], &drafted.body["edition"], &drafted.body["state"]), (&json!("S-1"), &json!(1), &json!("draft")));
        assert_eq!((&drafted.body["languages"], &drafted.body["content_revision"]), (&json!(["id"]), &json!(1)));
        assert_eq!(drafted.body["allowed_actions"], json!(["statement.read", "statement.revise", "statement.advance"]));
        let path = format!("{{p}}/statements/{}", drafted.id());
        world.get(Member(Partner), &path).expect(404).await;

        let step = async |to: &str, seen: &Reply| {
            let body = json!({"to": to, "reason": "Sudah waktunya."});
            world.post(Member(Secretariat), &format!("{path}/transitions")).if_match(&seen.etag()).json(body).send().await
        };
        assert_eq!(step("proposed", &drafted).await.expect(409).problem(), "wrong-state");
        let aligned = step("in_alignment", &drafted).await.expect(200);
        let back = step("draft", &aligned).await.expect(200);
        let aligned = step("in_alignment", &back).await.expect(200);
        assert_eq!(world.post(Member(Lead), &format!("{path}/adoption")).if_match(&aligned.etag()).json(why()).expect(409).await.problem(), "wrong-state");
        let proposed = step("proposed", &aligned).await.expect(200);
        assert_eq!(step("draft", &proposed).await.expect(409).problem(), "wrong-state");
        let aligned = step("in_alignment", &proposed).await.expect(200);
        let proposed = step("proposed", &aligned).await.expect(200);
        assert_eq!(proposed.body["content_revision"], 1, "no step changes the content");

        world.post(Member(Secretariat), &format!("{path}/adoption")).if_match(&proposed.etag()).json(why()).expect(403).await;
        assert_eq!(world.post(Member(Lead), &format!("{path}/publication")).if_match(&proposed.etag()).json(why()).expect(409).await.problem(), "wrong-state");
        let adopted = world.post(Member(Lead), &format!("{path}/adoption")).if_match(&proposed.etag()).json(why()).expect(200).await;
        assert_eq!((&adopted.body["state"], &adopted.body["adopted"]["on_revision"]), (&json!("adopted"), &json!(7)));
        assert_eq!(adopted.body["adopted"]["override_reason"], Value::Null);
        assert_eq!(adopted.body["adopted"]["stakeholder_id"], json!(world.seed.stakeholders["sekretariat"]));
        let mut more = content(&[section(&area, &[&question])]);
        more["reason"] = json!("Terlambat.");
        assert_eq!(world.post(Member(Lead), &format!("{path}/revisions")).if_match(&adopted.etag()).json(more.clone()).expect(409).await.problem(), "wrong-state");
        world.post(Member(Secretariat), &format!("{path}/publication")).if_match(&adopted.etag()).json(why()).expect(403).await;
        let published = world.post(Member(Lead), &format!("{path}/publication")).if_match(&adopted.etag()).json(why()).expect(200).await;
        assert_eq!(published.body["state"], "published");
        for (act, body) in [("publication", why()), ("adoption", why()), ("revisions", more), ("transitions", json!({"to": "draft", "reason": "Kembali."}))] {
            let refused = world.post(Member(Lead), &format!("{path}/{act}")).if_match(&published.etag()).json(body).expect(409).await;
            assert_eq!(refused.problem(), "already-published", "{act}");
        }
        assert_eq!(published.body["allowed_actions"], json!(["statement.read"]));
        let history = world.get(Member(Partner), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().len(), 7, "a partner sees the revisions that were no drafts");
        world.get(Member(Partner), &format!("{path}/revisions/1")).expect(404).await;
        let first = world.get(Member(Observer), &format!("{path}/revisions/1")).expect(200).await;
        assert_eq!((&first.body["state"], &first.body["allowed_actions"]), (&json!("draft"), &json!([])));
        let acts: Vec<String> = world.ledger().into_iter().skip(before).map(|(action, _)| action).collect();
        assert_eq!(acts[0], "statement.draft");
        assert_eq!(acts[7..], ["statement.adopt", "statement.publish"]);
        world.verify();
    }
}

story! {
    async fn a_statement_with_no_basis_is_never_there(world) {
        let area = world.focus_area().await;
        let refused = world.post(Member(Lead), "{p}/statements").json(content(&[section(&area, &[])])).expect(422).await;
        assert_eq!((refused.problem(), refused.pointers()), ("invalid", vec!["/sections/0/basis"]));
        let refused = world.post(Member(Lead), "{p}/statements").json(content(&[])).expect(422).await;
        assert_eq!(refused.pointers(), ["/sections"]);
        let question = validated(&world, &area).await;
        let twice = content(&[section(&area, &[&question]), section(&area, &[&question])]);
        let refused = world.post(Member(Lead), "{p}/statements").json(twice).expect(422).await;
        assert_eq!(refused.pointers(), ["/sections/1/focus_area_id"]);
        let unknown = uuid::Uuid::now_v7().to_string();
        let refused = world.post(Member(Lead), "{p}/statements").json(content(&[section(&unknown, &[&question])])).expect(422).await;
        assert_eq!(refused.pointers(), ["/sections/0/focus_area_id"]);
        let mut other = content(&[section(&area, &[&question])]);
        other["framework"] = json!("CRF-1066");
        assert_eq!(world.post(Member(Lead), "{p}/statements").json(other).expect(422).await.pointers(), ["/framework"]);
        assert!(world.get(Member(Lead), "{p}/statements").expect(200).await.items().is_empty());
        world.verify();
    }
}

story! {
    async fn a_basis_cannot_point_into_another_programme_nor_at_a_revision_that_is_not_there(world) {
        let area = world.focus_area().await;
        let ours = validated(&world, &area).await;
        let names = json!({"names": [{"name": {"id": "Banjir"}}]});
        let their_area = world.post(Neighbour(Lead), "programs/porto/focus-areas").json(names).expect(201).await.id();
        let body = json!({"focus_area_id": their_area, "text": {"id": "Milik siapa?"}});
        let theirs = world.post(Neighbour(Lead), "programs/porto/questions").json(body).expect(201).await;
        let step = json!({"to": "proposed", "reason": "Siap."});
        let path = format!("programs/porto/questions/{}/transitions", theirs.id());
        let theirs = Ref::of("question", &world.post(Neighbour(Lead), &path).if_match(&theirs.etag()).json(step).expect(200).await);
        let draft = Ref::of("question", &world.question().await);
        let ahead = Ref { revision: ours.revision + 1, ..ours.clone() };
        let other_kind = Ref { kind: "mapping", ..ours.clone() };
        let mut body = content(&[section(&area, &[&ours, &theirs, &draft, &ahead, &other_kind])]);
        body["overall"]["basis"] = json!([theirs.entry()]);
        let refused = world.post(Member(Lead), "{p}/statements").json(body).expect(422).await;
        assert_eq!(refused.problem(), "foreign-basis");
        assert_eq!(refused.pointers(), ["/overall/basis/0", "/sections/0/basis/1", "/sections/0/basis/2", "/sections/0/basis/3", "/sections/0/basis/4"]);
        // The same for a revision of a statement that is there.
        let statement = self::draft(&world, &content(&[section(&area, &[&ours])])).await;
        let mut worse = content(&[section(&area, &[&theirs])]);
        worse["reason"] = json!("Tetangga.");
        let refused = world.post(Member(Lead), &format!("{{p}}/statements/{}/revisions", statement.id)).if_match(&statement.etag()).json(worse).expect(422).await;
        assert_eq!((refused.problem(), refused.pointers()), ("foreign-basis", vec!["/sections/0/basis/0"]));
        world.verify();
    }
}

story! {
    async fn a_basis_tells_what_it_said_then_and_what_became_of_it(world) {
        let area = world.focus_area().await;
        let question = proposed(&world, &area).await;
        let mapped = mapping(&world, &area).await;
        let found = criterion(&world).await;
        let subject = proposed(&world, &area).await;
        let closed = closed_ballot(&world, &subject).await;
        let statement = draft(&world, &content(&[section(&area, &[&question, &mapped, &found, &closed])])).await;
        let path = format!("{{p}}/statements/{}/basis", statement.id);
        let read = async || world.get(Member(Observer), &path).expect(200).await;
        let told = read().await;
        let items = told.items();
        let kinds: Vec<_> = items.iter().map(|item| item["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["question", "mapping", "criterion", "ballot"]);
        assert_eq!((&items[0]["code"], &items[0]["text"]["en"]), (&json!("Q-1.1"), &json!("Who floods first?")));
        assert_eq!((&items[1]["code"], &items[2]["code"], &items[3]["code"]), (&json!("CRI-1.1"), &json!("K-1"), &json!("B-1")));
        assert!(items.iter().all(|item| item["validated"] == false && item["moved_on"] == false && item["focus_area_id"] == json!(area)));

        // What was proposed is validated with the words that it had: nothing moves on.
        let question = validate(&world, &question).await;
        judge(&world, &mapped, "validated").await;
        judge(&world, &found, "validated").await;
        decide(&world, &closed).await;
        let told = read().await;
        assert_eq!(told.body["moved_on_count"], 0, "{}", told.text);
        assert!(told.items().iter().all(|item| item["validated"] == true && item["moved_on"] == false), "{}", told.text);
        assert_eq!((&told.items()[0]["revision"], &told.items()[0]["current_revision"]), (&json!(2), &json!(4)));
        assert_eq!((&told.items()[0]["state"], &told.items()[0]["current_state"]), (&json!("proposed"), &json!("validated")));

        // Another wording moves on, and is not the one that was validated.
        let question = reword(&world, &question, "Siapa yang terakhir surut?").await;
        let told = read().await;
        assert_eq!((&told.body["moved_on_count"], &told.items()[0]["validated"]), (&json!(1), &json!(false)));
        assert_eq!(told.items()[0]["text"]["id"], "Siapa yang pertama terendam?");
        validate(&world, &question).await;
        let told = read().await;
        assert_eq!((&told.items()[0]["moved_on"], &told.items()[0]["validated"]), (&json!(true), &json!(false)));
        for item in told.items() {
            let link = item["href"].as_str().unwrap().to_owned();
            world.get(Member(Observer), &format!("/{link}")).expect(200).await;
        }
        world.verify();
    }
}

story! {
    async fn a_question_knows_which_statements_rest_on_it(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let other = validated(&world, &area).await;
        let path = format!("{{p}}/questions/{}/impact", question.id);
        assert!(world.get(Member(Observer), &path).expect(200).await.items().is_empty());
        let mut body = content(&[section(&area, &[&question])]);
        body["overall"]["basis"] = json!([question.entry()]);
        let statement = draft(&world, &body).await;
        assert!(world.get(Member(Partner), &path).expect(200).await.items().is_empty(), "a partner sees no draft");
        let told = world.get(Member(Observer), &path).expect(200).await;
        let places: Vec<&Value> = told.items().iter().map(|item| &item["focus_area_id"]).collect();
        assert_eq!(places, [&Value::Null, &json!(area)]);
        assert!(told.items().iter().all(|item| item["on_revision"] == question.revision && item["statement_id"] == statement.id.as_str()));
        assert_eq!((&told.items()[0]["state"], &told.items()[0]["edition"]), (&json!("draft"), &json!(1)));

        // What a later revision does not rest on any more, is not touched any more.
        revise(&world, &statement, &content(&[section(&area, &[&other])])).await;
        assert!(world.get(Member(Observer), &path).expect(200).await.items().is_empty());
        let told = world.get(Member(Observer), &format!("{{p}}/questions/{}/impact", other.id)).expect(200).await;
        assert_eq!(told.items().len(), 1);
        world.get(Neighbour(Lead), &format!("programs/porto/questions/{}/impact", other.id)).expect(404).await;
        world.verify();
    }
}

story! {
    async fn positions_are_taken_answered_and_go_stale_by_themselves(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let body = content(&[section(&area, &[&question])]);
        let statement = draft(&world, &body).await;
        for name in ["dinas", "mitra"] {
            takes_part(&world, name).await;
        }
        assert_eq!(take(&world, Member(Agency), &statement, "dinas", "endorse", None).await.expect(409).problem(), "wrong-state");
        take(&world, Member(Partner), &statement, "mitra", "endorse", None).await.expect(404);
        let statement = advance(&world, &statement, "in_alignment").await;
        take(&world, Member(Observer), &statement, "dinas", "endorse", None).await.expect(403);
        assert_eq!(take(&world, Member(Agency), &statement, "mitra", "endorse", None).await.expect(403).problem(), "not-own-organization");
        take(&world, Member(Lead), &statement, "tetangga", "endorse", None).await.expect(422);
        for kind in ["object", "endorse_with_reservation"] {
            assert_eq!(take(&world, Member(Agency), &statement, "dinas", kind, None).await.expect(422).pointers(), ["/comment"]);
        }
        let ahead = Ref { revision: statement.revision + 1, ..statement.clone() };
        take(&world, Member(Agency), &ahead, "dinas", "endorse", None).await.expect(412);

        let endorsed = take(&world, Member(Agency), &statement, "dinas", "endorse", None).await.expect(200);
        assert_eq!((&endorsed.body["state"], &endorsed.body["stale"], &endorsed.body["on_behalf"]), (&json!("standing"), &json!(false), &json!(false)));
        let objected = take(&world, Member(Facilitator), &statement, "mitra", "object", Some("Belum lengkap.")).await.expect(200);
        assert_eq!((&objected.body["state"], &objected.body["on_behalf"], &objected.body["answer"]), (&json!("open"), &json!(true), &Value::Null));
        assert_eq!(gate(&world, &statement).await, ["objection_open"]);

        let place = |name: &str| format!("{{p}}/statements/{}/positions/{}", statement.id, world.seed.stakeholders[name]);
        let answer = |name: &str, on_revision: i64| world.post(Member(Secretariat), &format!("{}/answer", place(name)))
            .json(json!({"text": "Sudah ditambahkan.", "on_revision": on_revision}));
        answer("mitra", 9).expect(412).await;
        answer("dinas", 1).expect(409).await;
        world.post(Member(Agency), &format!("{}/answer", place("mitra"))).json(json!({"text": "Ya.", "on_revision": 1})).expect(403).await;
        let answered = answer("mitra", 1).expect(200).await;
        assert_eq!((&answered.body["state"], &answered.body["answer"]["text"]), (&json!("answered"), &json!("Sudah ditambahkan.")));
        assert_eq!(answer("mitra", 2).expect(409).await.problem(), "wrong-state");
        assert!(gate(&world, &statement).await.is_empty());
        // Who objects once more has not been answered.
        take(&world, Member(Partner), &statement, "mitra", "object", Some("Masih belum.")).await.expect(200);
        assert_eq!(gate(&world, &statement).await, ["objection_open"]);
        answer("mitra", 3).expect(200).await;

        // A step leaves positions alone; new content makes them stale.
        let statement = advance(&world, &statement, "proposed").await;
        assert_eq!(world.get(Member(Observer), &place("dinas")).expect(200).await.body["stale"], false);
        let statement = revise(&world, &statement, &body).await;
        let told = world.get(Member(Observer), &format!("{{p}}/statements/{}", statement.id)).expect(200).await;
        assert_eq!((&told.body["state"], &told.body["content_revision"]), (&json!("in_alignment"), &json!(statement.revision)));
        let listed = world.get(Member(Observer), &format!("{{p}}/statements/{}/positions", statement.id)).expect(200).await;
        assert!(listed.items().len() == 2 && listed.items().iter().all(|one| one["stale"] == true), "{}", listed.text);
        assert_eq!(gate(&world, &statement).await, ["position_stale"]);
        let old = Ref { revision: statement.revision - 1, ..statement.clone() };
        let late = take(&world, Member(Agency), &old, "dinas", "endorse", None).await.expect(412);
        assert_eq!((late.problem(), &late.body["current_revision"]), ("stale", &json!(statement.revision)));
        let again = take(&world, Member(Agency), &statement, "dinas", "abstain", None).await.expect(200);
        assert_eq!((&again.body["stale"], &again.body["revision"]), (&json!(false), &json!(2)));
        assert!(gate(&world, &statement).await.is_empty());
        assert_eq!(world.get(Member(Observer), &format!("{}/history", place("dinas"))).expect(200).await.items().len(), 2);
        let open = world.get(Member(Lead), &format!("{{p}}/statements/{}/positions?state=open,standing", statement.id)).expect(200).await;
        assert_eq!(open.items().len(), 1);

        // Once it is adopted, nothing more can be said.
        let statement = advance(&world, &statement, "proposed").await;
        let can = |reply: Reply| reply.body["allowed_actions"].clone();
        assert_eq!(can(world.get(Member(Agency), &place("dinas")).expect(200).await), json!(["statement.position"]));
        let adopted = adopt(&world, &statement).await.expect(200);
        assert_eq!(can(world.get(Member(Agency), &place("dinas")).expect(200).await), json!([]));
        take(&world, Member(Agency), &Ref::of("statement", &adopted), "dinas", "endorse", None).await.expect(409);
        world.verify();
    }
}

story! {
    async fn the_next_edition_supersedes_the_one_before_and_only_once(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let body = content(&[section(&area, &[&question])]);
        let next = |of: &Ref| {
            let mut next = body.clone();
            next["supersedes_id"] = json!(of.id);
            next
        };
        let first = proposed_statement(&world, &body).await;
        assert_eq!(world.post(Member(Lead), "{p}/statements").json(next(&first)).expect(409).await.pointers(), ["/supersedes_id"]);
        let unknown = Ref { id: uuid::Uuid::now_v7().to_string(), ..first.clone() };
        world.post(Member(Lead), "{p}/statements").json(next(&unknown)).expect(422).await;
        let first = Ref::of("statement", &adopt(&world, &first).await.expect(200));
        let first = Ref::of("statement", &publish(&world, &first).await.expect(200));
        let second = draft(&world, &next(&first)).await;
        let told = world.get(Member(Lead), &format!("{{p}}/statements/{}", second.id)).expect(200).await;
        assert_eq!((&told.body["code"], &told.body["edition"], &told.body["supersedes_id"]), (&json!("S-1"), &json!(2), &json!(first.id)));
        let taken = world.post(Member(Lead), "{p}/statements").json(next(&first)).expect(409).await;
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/supersedes_id"]));
        let second = advance(&world, &second, "in_alignment").await;
        let second = advance(&world, &second, "proposed").await;
        let second = Ref::of("statement", &adopt(&world, &second).await.expect(200));
        assert_eq!(world.get(Member(Lead), &format!("{{p}}/statements/{}", first.id)).expect(200).await.body["state"], "published");
        publish(&world, &second).await.expect(200);
        let told = world.get(Member(Lead), &format!("{{p}}/statements/{}", first.id)).expect(200).await;
        assert_eq!((&told.body["state"], &told.body["superseded_by_id"]), (&json!("superseded"), &json!(second.id)));
        assert_eq!(draft(&world, &body).await.kind, "statement");
        let listed = world.get(Member(Observer), "{p}/statements?state=superseded,draft").expect(200).await;
        let codes: Vec<_> = listed.items().iter().map(|item| item["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["S-1", "S-2"]);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_statement(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let statement = proposed_statement(&world, &content(&[section(&area, &[&question])])).await;
        let before = world.ledger();
        for program in ["jakarta", "porto"] {
            let path = format!("programs/{program}/statements/{}", statement.id);
            for part in ["", "/history", "/revisions", "/revisions/1", "/gate", "/basis", "/positions"] {
                world.get(Neighbour(Lead), &format!("{path}{part}")).expect(404).await;
            }
            for act in ["adoption", "publication"] {
                world.post(Neighbour(Lead), &format!("{path}/{act}")).if_match(&statement.etag()).json(why()).expect(404).await;
            }
            let mut body = content(&[section(&area, &[&question])]);
            body["reason"] = json!("Milik kami.");
            // What it rests on is not theirs either: whichever is found first, nothing is told and nothing kept.
            let refused = world.post(Neighbour(Lead), &format!("{path}/revisions")).if_match(&statement.etag()).json(body).send().await;
            assert_eq!(refused.status, 404, "{}", refused.text);
        }
        assert!(world.get(Neighbour(Lead), "programs/porto/statements").expect(200).await.items().is_empty());
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}
