//! Decisions on questions, and whole stages in one request.

use futures_util::future::join;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    room::{HOST, Room, id_of, kept_replies},
};

/// A decision on a question at revision 2, and whatever else is said.
fn on(question: &str, kind: &str, more: Value) -> Value {
    let mut decision =
        json!({"question_id": question, "on_revision": 2, "kind": kind, "reason": "Disepakati bersama."});
    decision.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    decision
}

/// Keeps one decision without a ballot.
async fn decided(room: &Room<'_>, decision: Value) -> Value {
    room.outcomes(json!({"decisions": [decision]})).await.expect(200).body["decisions"][0].clone()
}

fn path_of(decision: &Value) -> String {
    format!("{{p}}/decisions/{}", decision["id"].as_str().unwrap())
}

story! {
    async fn a_ballot_is_decided_once_with_its_quorum(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ballot = room.open(json!({"question_id": question, "quorum": 2})).await;
        let keep = json!({"on_revision": 3, "kind": "keep", "reason": "Sesuai."});
        room.vote(HOST, &ballot, &room.dinas, json!({"value": "agree"})).await.expect(200);
        assert_eq!(room.decide(&ballot, keep.clone()).await.expect(409).problem(), "wrong-state");
        // Closing needs no quorum; deciding does.
        room.act(HOST, &ballot, "closing").await.expect(200);
        let before = world.ledger();
        assert_eq!(room.decide(&ballot, keep.clone()).await.expect(409).problem(), "no-quorum");
        assert_eq!(world.ledger(), before);

        let ballot = room.closed_on(&question).await;
        let other = room.proposed().await;
        let mut wrong = keep.clone();
        wrong["question_id"] = json!(other);
        assert_eq!(room.decide(&ballot, wrong).await.expect(422).pointers(), ["/question_id"]);
        world.post(Member(Agency), &format!("{ballot}/decision")).json(keep.clone()).expect(403).await;
        let given = room.decide(&ballot, keep.clone()).await.expect(201);
        assert_eq!((&given.body["on_revision"], &given.body["result_revision"], &given.body["state"], &given.body["question_id"]),
            (&json!(3), &json!(4), &json!("given"), &json!(question)));
        let now = room.question(&question).await;
        assert_eq!((&now["state"], &now["validated_revision"], &now["revision"]), (&json!("validated"), &json!(4), &json!(4)));
        assert_eq!(world.get(HOST, &ballot).expect(200).await.body["state"], "decided");
        assert_eq!(room.decide(&ballot, keep).await.expect(409).problem(), "wrong-state");
        let told = world.ledger();
        assert_eq!(told[told.len() - 3..], [("event.run".to_owned(), 4), ("event.run".into(), 4), ("event.run".into(), 1)]);
        world.verify();
    }
}

story! {
    async fn nothing_is_decided_on_an_old_revision(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ballot = room.closed_on(&question).await;
        let revision = json!({"text": {"id": "Lain?"}, "reason_kind": "wording", "reason": "Lebih jelas."});
        let path = format!("{{p}}/questions/{question}");
        room.act_with(Member(Lead), &path, "revisions", revision).await.expect(201);
        let before = world.ledger();
        let late = room.decide(&ballot, json!({"on_revision": 3, "kind": "keep", "reason": "Sesuai."})).await.expect(412);
        assert_eq!((late.problem(), &late.body["current_revision"]), ("stale", &json!(4)));
        let late = room.outcomes(json!({"decisions": [on(&question, "keep", json!({}))]})).await.expect(409);
        assert_eq!((late.problem(), late.pointers()), ("outcome-conflicts", vec!["/decisions/0/on_revision"]));
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}

story! {
    async fn each_kind_does_to_the_question_what_it_says(world) {
        let room = Room::new(&world).await;
        let elsewhere = world.post(Member(Lead), "{p}/focus-areas").json(json!({"names": [{"name": {"id": "Air"}}]})).expect(201).await.id();
        let target = room.proposed().await;
        let parts = json!([{"text": {"id": "Satu?"}}, {"text": {"id": "Dua?"}}]);
        let text = json!({"id": "Baru?"});
        let kinds = [
            ("keep", json!({}), "validated"),
            ("keep", json!({"validate": true}), "validated"),
            ("keep", json!({"validate": false}), "in_review"),
            ("revise", json!({"text": text}), "proposed"),
            ("revise", json!({"text": text, "validate": true, "reason_kind": "misfit"}), "validated"),
            ("revise", json!({"emphases": ["1.a"], "validate": false}), "proposed"),
            ("move", json!({"focus_area_id": elsewhere}), "proposed"),
            ("merge", json!({"into_id": target}), "merged"),
            ("split", json!({"into": parts}), "split"),
            ("retire", json!({}), "retired"),
            ("defer", json!({"problem": {"id": "Data belum ada"}}), "proposed"),
        ];
        for (kind, more, state) in kinds {
            let question = room.proposed().await;
            let before = room.question(&question).await;
            let decision = decided(&room, on(&question, kind, more.clone())).await;
            let after = room.question(&question).await;
            assert_eq!((&after["state"], &after["revision"]), (&json!(state), &json!(3)), "{kind} {more}");
            assert_eq!((&decision["result_revision"], &decision["kind"], &decision["ballot_id"]), (&json!(3), &json!(kind), &json!(null)));
            assert_eq!(after["text"] != before["text"], kind == "revise" && more["text"].is_object(), "{kind}");
            // Taken back, it stands in review as the room saw it.
            room.act(HOST, &path_of(&decision), "rescission").await.expect(200);
            let back = room.question(&question).await;
            assert_eq!((&back["state"], &back["revision"]), (&json!("in_review"), &json!(4)), "{kind}");
            for same in ["text", "emphases", "focus_area_id", "code", "merged_into_id", "split_into_ids", "validated_revision"] {
                assert_eq!(back[same], before[same], "{kind} {same}");
            }
            for part in after["split_into_ids"].as_array().into_iter().flatten() {
                assert_eq!(room.question(part.as_str().unwrap()).await["state"], "retired");
            }
            // Every code that it ever had finds it.
            for code in [&before["code"], &after["code"]] {
                assert_eq!(room.question(code.as_str().unwrap()).await["id"], json!(question), "{kind} {code}");
            }
            assert_eq!(world.get(HOST, &format!("{{p}}/questions/{question}")).expect(200).await.body["former_codes"].as_array().unwrap().contains(&after["code"]), kind == "move");
        }
        world.verify();
    }
}

story! {
    async fn a_decision_needs_what_its_kind_needs(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ended = room.proposed().await;
        decided(&room, on(&ended, "retire", json!({}))).await;
        let draft = world.question().await.id();
        let unknown = uuid::Uuid::now_v7().to_string();
        let part = json!({"text": {"id": "Satu?"}});
        let bad = [
            (on(&question, "revise", json!({})), "/decisions/0/text"),
            (on(&question, "revise", json!({"emphases": ["9.z"]})), "/decisions/0/emphases/0"),
            (on(&question, "revise", json!({"text": {"en": "New?"}})), "/decisions/0/text/id"),
            (on(&question, "move", json!({})), "/decisions/0/focus_area_id"),
            (on(&question, "move", json!({"focus_area_id": unknown})), "/decisions/0/focus_area_id"),
            (on(&question, "merge", json!({})), "/decisions/0/into_id"),
            (on(&question, "merge", json!({"into_id": unknown})), "/decisions/0/into_id"),
            (on(&question, "merge", json!({"into_id": question})), "/decisions/0/into_id"),
            (on(&question, "merge", json!({"into_id": ended})), "/decisions/0/into_id"),
            (on(&question, "split", json!({"into": [part]})), "/decisions/0/into"),
            (on(&unknown, "keep", json!({})), "/decisions/0/question_id"),
            (on(&question, "keep", json!({"on_revision": 1})), "/decisions/0/on_revision"),
            (on(&question, "keep", json!({"ballot_id": unknown})), "/decisions/0/ballot_id"),
            (on(&question, "keep", json!({"problem": {"en": "No data"}})), "/decisions/0/problem/id"),
            (on(&ended, "keep", json!({"on_revision": 3})), "/decisions/0/kind"),
            (on(&draft, "keep", json!({"on_revision": 1})), "/decisions/0/kind"),
            (json!({"on_revision": 2, "kind": "keep", "reason": "Ya."}), "/decisions/0/question_id"),
        ];
        let before = world.ledger();
        for (decision, pointer) in bad {
            let refused = room.outcomes(json!({"decisions": [decision]})).await.expect(409);
            assert_eq!((refused.problem(), refused.pointers()), ("outcome-conflicts", vec![pointer]), "{}", refused.text);
        }
        for (decision, pointer) in [(on(&question, "praise", json!({})), "/decisions/0/kind"), (on(&question, "keep", json!({"reason": ""})), "/decisions/0/reason")] {
            assert_eq!(room.outcomes(json!({"decisions": [decision]})).await.expect(422).pointers(), [pointer]);
        }
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}

story! {
    async fn a_decision_is_rescinded_once_and_given_again(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ballot = room.closed_on(&question).await;
        let keep = |revision: i32| json!({"on_revision": revision, "kind": "keep", "reason": "Sesuai."});
        let given = room.decide(&ballot, keep(3)).await.expect(201);
        let path = path_of(&given.body);
        world.post(Member(Agency), &format!("{path}/rescission")).if_match(&given.etag()).json(json!({"reason": "Salah."})).expect(403).await;
        world.post(HOST, &format!("{path}/rescission")).if_match(&given.etag()).json(json!({})).expect(422).await;
        world.post(HOST, &format!("{path}/rescission")).if_match("\"7.x\"").json(json!({"reason": "Salah."})).expect(412).await;
        let rescinded = room.act_with(HOST, &path, "rescission", json!({"reason": "Salah catat."})).await.expect(200);
        assert_eq!((&rescinded.body["state"], &rescinded.body["rescinded_reason"]), (&json!("rescinded"), &json!("Salah catat.")));
        assert!(!rescinded.body["allowed_actions"].as_array().unwrap().contains(&json!("event.run")));
        assert_eq!(world.get(HOST, &ballot).expect(200).await.body["state"], "closed");
        assert_eq!(room.act(HOST, &path, "rescission").await.expect(409).problem(), "wrong-state");
        let again = room.decide(&ballot, keep(5)).await.expect(201);
        assert_eq!(again.body["result_revision"], 6);

        let count = async |query: &str| world.get(Member(Observer), &format!("{{p}}/decisions?{query}")).expect(200).await.items().len();
        assert_eq!(count(&format!("question_id={question}")).await, 2);
        assert_eq!(count("state=given").await, 1);
        assert_eq!(count("kind=revise,defer").await, 0);
        assert_eq!(count(&format!("event_id={}&stage_id={}&kind=keep", id_of(&room.event), id_of(&room.stage))).await, 2);
        for program in ["{p}", "programs/porto"] {
            let there = path.replace("{p}", program);
            world.get(Neighbour(Lead), &there).expect(404).await;
            world.post(Neighbour(Lead), &format!("{there}/rescission")).if_match("\"1.x\"").json(json!({"reason": "Salah."})).expect(404).await;
        }
        world.verify();
    }
}

story! {
    async fn what_moved_on_is_not_put_back(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let revised = decided(&room, on(&question, "revise", json!({"text": {"id": "Baru?"}}))).await;
        let revision = json!({"text": {"id": "Lebih baru?"}, "reason_kind": "wording", "reason": "Lebih jelas."});
        room.act_with(Member(Lead), &format!("{{p}}/questions/{question}"), "revisions", revision.clone()).await.expect(201);
        let before = world.ledger();
        let refused = room.act(HOST, &path_of(&revised), "rescission").await.expect(409);
        assert_eq!((refused.problem(), &refused.body["errors"][0]["code"]), ("conflict", &json!("moved_on")));
        assert_eq!(world.ledger(), before);
        // Nor a split of which a part went on.
        let question = room.proposed().await;
        let split = decided(&room, on(&question, "split", json!({"into": [{"text": {"id": "Satu?"}}, {"text": {"id": "Dua?"}}]}))).await;
        let part = room.question(&question).await["split_into_ids"][1].as_str().unwrap().to_owned();
        room.act_with(Member(Lead), &format!("{{p}}/questions/{part}"), "revisions", revision).await.expect(201);
        let before = world.ledger();
        assert_eq!(room.act(HOST, &path_of(&split), "rescission").await.expect(409).problem(), "conflict");
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}

story! {
    async fn of_two_decisions_at_once_on_one_question_one_is_kept(world) {
        let (room, twin) = (Room::new(&world).await, world.twin());
        for _ in 0..3 {
            let question = room.proposed().await;
            let (first, second) = (room.closed_on(&question).await, room.closed_on(&question).await);
            let decide = async |world: &World, ballot: &str, kind: &str| {
                let body = json!({"on_revision": 3, "kind": kind, "reason": "Sesuai."});
                world.post(HOST, &format!("{ballot}/decision")).json(body).send().await
            };
            let (one, two) = join(decide(&world, &first, "keep"), decide(&twin, &second, "retire")).await;
            let mut statuses = [one.status.as_u16(), two.status.as_u16()];
            statuses.sort();
            assert_eq!(statuses, [201, 412], "{} {}", one.text, two.text);
            assert_eq!(room.question(&question).await["revision"], 4);
            let states = [world.get(HOST, &first).expect(200).await, world.get(HOST, &second).expect(200).await];
            let mut states = states.map(|ballot| ballot.body["state"].as_str().unwrap().to_owned());
            states.sort();
            assert_eq!(states, ["closed", "decided"]);
        }
        world.verify();
    }
}

/// What came of a stage: who was there, both votes, and what they decided.
fn whole(room: &Room<'_>, ballot: &str, question: &str) -> Value {
    let id = id_of(ballot);
    json!({
        "attendance": [{"stakeholder_id": room.dinas, "status": "attended", "capacity": "member"}],
        "votes": [
            {"ballot_id": id, "stakeholder_id": room.dinas, "value": "agree"},
            {"ballot_id": id, "stakeholder_id": room.mitra, "value": "agree"},
        ],
        "close_ballots": [id],
        "decisions": [{"ballot_id": id, "question_id": question, "on_revision": 3, "kind": "keep", "reason": "Sesuai."}],
    })
}

story! {
    async fn a_whole_stage_is_kept_in_one_request_and_safe_to_repeat(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ballot = room.open(json!({"question_id": question, "quorum": 2})).await;
        let (body, path) = (whole(&room, &ballot, &question), format!("{}/outcomes", room.stage));
        let send = || world.post(HOST, &path).key("tahap-1").json(body.clone());
        let before = (world.ledger(), kept_replies(&world));
        let tried = world.post(HOST, &format!("{path}?dry_run=true")).key("tahap-1").json(body.clone()).expect(200).await;
        assert_eq!((tried.header("dry-run"), tried.body["decisions"].as_array().unwrap().len()), (Some("true"), 1));
        assert_eq!((world.ledger(), kept_replies(&world)), before);
        assert_eq!(world.get(HOST, &ballot).expect(200).await.body["state"], "open");

        let made = send().expect(200).await;
        assert_eq!(made.header("dry-run"), None);
        let counts: Vec<_> = ["attendance", "votes", "ballots", "decisions"].iter().map(|name| made.body[name].as_array().unwrap().len()).collect();
        assert_eq!(counts, [1, 2, 1, 1]);
        // The ballot is told as it is in the end.
        let now = world.get(HOST, &ballot).expect(200).await;
        assert_eq!((&made.body["ballots"][0]["state"], &made.body["ballots"][0]["revision"]), (&json!("decided"), &now.body["revision"]));
        assert_eq!(made.body["votes"][0]["on_behalf"], true);
        assert_eq!(room.question(&question).await["state"], "validated");
        // Two votes, an attendance, the ballot twice, the question and the decision.
        assert_eq!(world.ledger().len(), before.0.len() + 7);
        let again = send().expect(200).await;
        assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &made.text));
        assert_eq!((world.ledger().len(), kept_replies(&world)), (before.0.len() + 7, before.1 + 1));
        world.post(Member(Agency), &path).json(json!({})).expect(403).await;
        world.verify();
    }
}

story! {
    async fn all_conflicts_of_a_stage_come_at_once_and_nothing_is_kept(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let (open, few) = (room.open(json!({"question_id": question})).await, room.open(json!({"quorum": 2})).await);
        let (closed, done) = (room.closed_on(&question).await, room.proposed().await);
        let stage = json!({"number": 2, "name": {"id": "Dua"}, "electorate": [room.dinas]});
        let stage = world.post(Member(Lead), &format!("{}/stages", room.event)).json(stage).expect(201).await.id();
        let elsewhere = format!("{}/stages/{stage}/ballots", room.event);
        let elsewhere = world.post(HOST, &elsewhere).json(crate::room::consensus(json!({}))).expect(201).await.id();
        room.attend(json!([{"stakeholder_id": room.mitra, "status": "invited", "capacity": "member"}])).await.expect(200);
        let vote = |ballot: &str, stakeholder: &str, value: &str| json!({"ballot_id": id_of(ballot), "stakeholder_id": stakeholder, "value": value});
        let body = json!({
            "attendance": [
                {"stakeholder_id": room.dinas, "status": "attended", "capacity": "member"},
                {"stakeholder_id": room.mitra, "status": "attended", "capacity": "member"},
            ],
            "votes": [
                vote(&open, &room.dinas, "agree"),
                vote(&open, &room.dinas, "object"),
                vote(&open, &room.sekretariat, "agree"),
                vote(&closed, &room.dinas, "agree"),
                vote(&elsewhere, &room.dinas, "agree"),
                vote(&few, &room.dinas, "agree"),
                {"ballot_id": id_of(&few), "stakeholder_id": room.mitra, "value": 3},
            ],
            "close_ballots": [id_of(&few), id_of(&few), id_of(&closed), elsewhere],
            "decisions": [
                on(&done, "keep", json!({"ballot_id": id_of(&few)})),
                on(&question, "keep", json!({"ballot_id": id_of(&open), "on_revision": 3})),
                on(&done, "keep", json!({})),
                on(&done, "retire", json!({})),
                on(&question, "keep", json!({"ballot_id": id_of(&closed), "on_revision": 3})),
                on(&question, "keep", json!({"ballot_id": id_of(&closed), "on_revision": 4})),
                on(&question, "keep", json!({"ballot_id": elsewhere})),
            ],
        });
        let before = (world.ledger(), kept_replies(&world));
        for dry_run in ["", "?dry_run=true"] {
            let refused = world.post(HOST, &format!("{}/outcomes{dry_run}", room.stage)).key("tahap-1").json(body.clone()).expect(409).await;
            assert_eq!(refused.header("dry-run").is_some(), !dry_run.is_empty());
            assert_eq!(refused.problem(), "outcome-conflicts");
            let mut pointers = refused.pointers();
            pointers.sort();
            assert_eq!(pointers, [
                "/attendance/1/on_revision",
                "/close_ballots/1", "/close_ballots/2", "/close_ballots/3",
                "/decisions/0/ballot_id", "/decisions/1/kind", "/decisions/3/on_revision", "/decisions/5/kind", "/decisions/6/ballot_id",
                "/votes/1/stakeholder_id", "/votes/2/stakeholder_id", "/votes/3/ballot_id", "/votes/4/ballot_id", "/votes/6/value",
            ], "{}", refused.text);
            assert_eq!((world.ledger(), kept_replies(&world)), before);
        }
        // What is no attendance at all is bad input, with its place in this request.
        let stranger = world.seed.stakeholders["tetangga"].to_string();
        let bad = json!({"attendance": [{"stakeholder_id": stranger, "status": "attended", "capacity": "member"}]});
        assert_eq!(room.outcomes(bad).await.expect(422).pointers(), ["/attendance/0/stakeholder_id"]);
        let many: Vec<Value> = (0..201).map(|_| on(&done, "keep", json!({}))).collect();
        assert_eq!(room.outcomes(json!({"decisions": many})).await.expect(422).pointers(), ["/decisions"]);
        world.get(HOST, &format!("{}/outcomes", room.stage)).expect(405).await;
        world.post(HOST, &format!("{}/outcomes?dry_run=maybe", room.stage)).json(json!({})).expect(400).await;
        assert_eq!((world.ledger(), kept_replies(&world)), before);
        world.verify();
    }
}
