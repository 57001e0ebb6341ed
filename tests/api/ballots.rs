//! Ballots: how they are asked, who votes, what the votes amount to.

use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, schema::secret_votes};

use crate::{
    harness::*,
    neighbour,
    room::{HOST, Room, consensus, id_of, kept},
};

fn agreement(more: Value) -> Value {
    let labels: Vec<Value> = (1..=4).map(|point| json!({"id": format!("Titik {point}")})).collect();
    let mut ballot = json!({"method": "agreement", "scale": {"points": 4, "labels": labels, "agree_from": 3}});
    ballot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ballot
}

fn dots(more: Value) -> Value {
    let options = json!([{"key": "air", "label": {"id": "Air"}}, {"key": "jalan", "label": {"id": "Jalan"}}, {"key": "tanah", "label": {"id": "Tanah"}}]);
    let mut ballot = json!({"method": "dots", "options": options, "dots_each": 3});
    ballot.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ballot
}

fn actions(reply: &Reply) -> Vec<&str> {
    reply.body["allowed_actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

story! {
    async fn a_ballot_is_prepared_opened_closed_and_tells_its_result(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let ballot = room.prepared(json!({"question_id": question, "title": null})).await;
        let draft = world.get(HOST, &ballot).expect(200).await;
        assert_eq!((&draft.body["code"], &draft.body["state"], &draft.body["electorate"], &draft.body["question_revision"]),
            (&json!("B-1"), &json!("draft"), &json!([]), &json!(null)));
        assert!(!actions(&draft).contains(&"ballot.vote"), "{}", draft.text);
        assert_eq!(world.get(HOST, &format!("{ballot}/result")).expect(409).await.problem(), "wrong-state");
        let early = room.vote(Member(Agency), &ballot, &room.dinas, json!({"value": "agree"})).await.expect(409);
        assert_eq!(early.problem(), "ballot-not-open");
        room.act(HOST, &ballot, "closing").await.expect(409);

        let open = room.act(HOST, &ballot, "opening").await.expect(200);
        // The question is in review from now on, and that is the revision that the electorate sees.
        let asked = room.question(&question).await;
        assert_eq!((&asked["state"], &asked["revision"], &open.body["question_revision"]), (&json!("in_review"), &json!(3), &json!(3)));
        assert_eq!(open.body["electorate"], json!([room.dinas, room.mitra]));
        assert_eq!(actions(&open), ["ballot.vote", "event.run"]);
        room.act(HOST, &ballot, "opening").await.expect(409);

        let own = room.vote(Member(Agency), &ballot, &room.dinas, json!({"value": "agree", "comment": "Setuju."})).await.expect(200);
        assert_eq!((&own.body["value"], &own.body["on_behalf"], &own.body["commitment"]), (&json!("agree"), &json!(false), &json!(null)));
        let heard = room.vote(HOST, &ballot, &room.mitra, json!({"value": "agree_with_reservation"})).await.expect(200);
        assert_eq!(heard.body["on_behalf"], true);
        let votes = world.get(Member(Observer), &format!("{ballot}/votes")).expect(200).await;
        assert_eq!(votes.items().iter().map(|vote| &vote["value"]).collect::<Vec<_>>(), ["agree", "agree_with_reservation"]);

        let closed = room.act(HOST, &ballot, "closing").await.expect(200);
        let result = world.get(Member(Observer), &format!("{ballot}/result")).expect(200).await;
        assert_eq!(closed.body["result"], result.body);
        assert_eq!((&result.body["votes_count"], &result.body["outcome"], &result.body["percent_agreement"], &result.body["quorum_met"]),
            (&json!(2), &json!("agreed_with_reservations"), &json!(100.0), &json!(true)));
        // What the ballot found is no decision.
        assert_eq!(room.question(&question).await["revision"], 3);
        assert_eq!(actions(&closed), ["event.run"]);
        for act in ["opening", "closing"] {
            assert_eq!(room.act(HOST, &ballot, act).await.expect(409).problem(), "wrong-state");
        }
        world.verify();
    }
}

story! {
    async fn a_ballot_opens_on_questions_that_can_be_discussed_and_with_an_electorate(world) {
        let room = Room::new(&world).await;
        let draft = world.question().await.id();
        let ballot = room.prepared(json!({"question_id": draft})).await;
        assert_eq!(room.act(HOST, &ballot, "opening").await.expect(409).problem(), "wrong-state");
        assert_eq!(room.question(&draft).await["revision"], 1);
        let question = room.proposed().await;
        for _ in 0..2 {
            // Another ballot on it sees the same revision.
            let open = room.prepared(json!({"question_id": question})).await;
            assert_eq!(room.act(HOST, &open, "opening").await.expect(200).body["question_revision"], 3);
        }
        let empty = world.post(Member(Lead), &format!("{}/stages", room.event)).json(json!({"number": 2, "name": {"id": "Dua"}})).expect(201).await.id();
        let nobody = world.post(HOST, &format!("{}/stages/{empty}/ballots", room.event)).json(consensus(json!({}))).expect(201).await.id();
        let refused = room.act(HOST, &format!("{{p}}/ballots/{nobody}"), "opening").await.expect(409);
        assert_eq!((refused.problem(), &refused.body["errors"][0]["code"]), ("conflict", &json!("no_electorate")));
        world.verify();
    }
}

story! {
    async fn a_ballot_says_how_it_is_asked(world) {
        let room = Room::new(&world).await;
        let label = json!({"id": "Titik"});
        let unknown = uuid::Uuid::now_v7().to_string();
        let bad = [
            (json!({"title": null}), "/title"),
            (json!({"title": {"en": "Agreed?"}}), "/title/id"),
            (json!({"question_id": unknown}), "/question_id"),
            (json!({"method": "agreement"}), "/scale"),
            (json!({"scale": {"points": 2, "labels": [label, label], "agree_from": 2}}), "/scale"),
            (agreement(json!({"scale": {"points": 3, "labels": [label, label], "agree_from": 2}})), "/scale/labels"),
            (agreement(json!({"scale": {"points": 2, "labels": [label, label], "agree_from": 3}})), "/scale/agree_from"),
            (agreement(json!({"scale": {"points": 12, "labels": [label, label], "agree_from": 3}})), "/scale/points"),
            (dots(json!({"options": [{"key": "air", "label": label}]})), "/options"),
            (dots(json!({"options": [{"key": "air", "label": label}, {"key": "air", "label": label}]})), "/options/1/key"),
            (dots(json!({"options": [{"key": "Air", "label": label}, {"key": "tanah", "label": label}]})), "/options/0/key"),
            (dots(json!({"dots_each": null})), "/dots_each"),
            (dots(json!({"dots_each": 21})), "/dots_each"),
            (json!({"dots_each": 3}), "/options"),
            (json!({"rule": {"threshold_percent": 0}}), "/rule/threshold_percent"),
            (json!({"rule": {"threshold_percent": 101}}), "/rule/threshold_percent"),
            (json!({"quorum": 0}), "/quorum"),
            (json!({"unit": "vote"}), "/unit"),
            (json!({"unit": "person", "anonymous": true}), "/unit"),
        ];
        let before = world.ledger();
        for (more, pointer) in bad {
            let refused = world.post(HOST, &format!("{}/ballots", room.stage)).json(consensus(more)).expect(422).await;
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        world.post(Member(Agency), &format!("{}/ballots", room.stage)).json(consensus(json!({}))).expect(403).await;
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}

story! {
    async fn the_rule_is_frozen_by_the_first_vote(world) {
        let room = Room::new(&world).await;
        let ballot = room.open(json!({})).await;
        room.patch(HOST, &ballot, json!({"quorum": 2, "rule": {"threshold_percent": 80}})).await.expect(200);
        let question = room.proposed().await;
        assert_eq!(room.patch(HOST, &ballot, json!({"question_id": question})).await.expect(409).pointers(), ["/question_id"]);
        room.vote(Member(Agency), &ballot, &room.dinas, json!({"value": "agree"})).await.expect(200);
        let before = world.ledger();
        for change in [json!({"rule": {"threshold_percent": 1}}), json!({"quorum": 1}), json!({"anonymous": true}), json!({"title": {"id": "Lain?"}})] {
            assert_eq!(room.patch(HOST, &ballot, change).await.expect(409).problem(), "rule-frozen");
        }
        assert_eq!(world.ledger(), before);
        // A vote that was taken back was cast all the same.
        world.post(Member(Agency), &format!("{ballot}/votes/{}/rescission", room.dinas)).json(json!({"reason": "Salah."})).expect(200).await;
        assert_eq!(room.patch(HOST, &ballot, json!({"quorum": 1})).await.expect(409).problem(), "rule-frozen");
        room.act(HOST, &ballot, "closing").await.expect(200);
        assert_eq!(room.patch(HOST, &ballot, json!({"quorum": 1})).await.expect(409).problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn each_organisation_of_the_electorate_votes_once_and_for_itself(world) {
        let room = Room::new(&world).await;
        let ballot = room.open(json!({})).await;
        let agree = json!({"value": "agree"});
        let outside = room.vote(HOST, &ballot, &room.sekretariat, agree.clone()).await.expect(409);
        assert_eq!(outside.problem(), "not-in-electorate");
        let unknown = uuid::Uuid::now_v7().to_string();
        assert_eq!(room.vote(HOST, &ballot, &unknown, agree.clone()).await.expect(409).problem(), "not-in-electorate");
        let other = room.vote(Member(Agency), &ballot, &room.mitra, agree.clone()).await.expect(403);
        assert_eq!(other.problem(), "not-own-organization");
        assert_eq!(room.vote(Member(Partner), &ballot, &room.dinas, agree.clone()).await.expect(403).problem(), "not-own-organization");
        assert_eq!(room.vote(Member(Observer), &ballot, &room.dinas, agree.clone()).await.expect(403).problem(), "forbidden");
        room.vote(Member(Agency), &ballot, &room.dinas, agree.clone()).await.expect(200);
        let changed = room.vote(Member(Agency), &ballot, &room.dinas, json!({"value": "object", "comment": "Belum."})).await.expect(200);
        assert_eq!((&changed.body["revision"], &changed.body["value"]), (&json!(2), &json!("object")));
        let path = format!("{ballot}/votes/{}", room.dinas);
        let stranger = world.post(Member(Partner), &format!("{path}/rescission")).json(json!({"reason": "Salah."})).expect(403).await;
        assert_eq!(stranger.problem(), "not-own-organization");
        world.post(HOST, &format!("{ballot}/votes/{}/rescission", room.mitra)).json(json!({"reason": "Salah."})).expect(404).await;
        assert_eq!(world.post(Member(Agency), &format!("{path}/rescission")).json(json!({})).expect(422).await.pointers(), ["/reason"]);
        let taken = world.post(Member(Agency), &format!("{path}/rescission")).json(json!({"reason": "Salah."})).expect(200).await;
        assert_eq!((&taken.body["state"], &taken.body["revision"]), (&json!("rescinded"), &json!(3)));
        assert_eq!(world.post(HOST, &format!("{path}/rescission")).json(json!({"reason": "Lagi."})).expect(409).await.problem(), "wrong-state");
        assert_eq!(world.get(HOST, &format!("{ballot}/votes?state=cast")).expect(200).await.items().len(), 0);
        let anew = room.vote(Member(Agency), &ballot, &room.dinas, agree.clone()).await.expect(200);
        assert_eq!((&anew.body["state"], &anew.body["revision"]), (&json!("cast"), &json!(4)));
        world.post(Member(Agency), &format!("{path}/rescission")).json(json!({"reason": "Salah."})).expect(200).await;
        room.vote(Member(Partner), &ballot, &room.mitra, agree.clone()).await.expect(200);
        let closed = room.act(HOST, &ballot, "closing").await.expect(200);
        // What was taken back does not count.
        assert_eq!((&closed.body["result"]["votes_count"], &closed.body["result"]["missing_ids"]), (&json!(1), &json!([room.dinas])));
        for (who, stakeholder) in [(Member(Agency), &room.dinas), (HOST, &room.mitra)] {
            assert_eq!(room.vote(who.clone(), &ballot, stakeholder, agree.clone()).await.expect(409).problem(), "ballot-not-open");
            let late = world.post(who, &format!("{ballot}/votes/{stakeholder}/rescission")).json(json!({"reason": "Salah."})).expect(409).await;
            assert_eq!(late.problem(), "ballot-not-open");
        }
        world.verify();
    }
}

story! {
    async fn a_vote_fits_its_ballot(world) {
        let room = Room::new(&world).await;
        let (plain, scaled, spread) = (room.open(json!({})).await, room.open(agreement(json!({}))).await, room.open(dots(json!({}))).await);
        let before = world.ledger();
        let bad = [
            (&plain, json!(1)), (&plain, json!({"air": 1})), (&plain, json!("yes")), (&plain, json!(null)), (&plain, json!([])),
            (&scaled, json!("agree")), (&scaled, json!(0)), (&scaled, json!(5)), (&scaled, json!(2.5)), (&scaled, json!({"air": 1})),
            (&spread, json!("abstain")), (&spread, json!(1)), (&spread, json!({"laut": 1})), (&spread, json!({"air": 2, "jalan": 2})),
            (&spread, json!({"air": -1, "jalan": 4})), (&spread, json!({"air": 1.5})), (&spread, json!({"air": "1"})),
        ];
        for (ballot, value) in bad {
            let refused = room.vote(HOST, ballot, &room.dinas, json!({"value": value})).await.expect(422);
            assert!(refused.pointers().iter().all(|pointer| pointer.starts_with("/value")) && !refused.pointers().is_empty(), "{value}: {}", refused.text);
        }
        for persons in [json!(0), json!(10_001), json!("1")] {
            assert_eq!(room.vote(HOST, &plain, &room.dinas, json!({"value": "agree", "persons": persons})).await.expect(422).pointers(), ["/persons"]);
        }
        assert_eq!(world.ledger(), before);
        for (ballot, value) in [(&plain, json!("abstain")), (&scaled, json!(4)), (&scaled, json!("abstain")), (&spread, json!({"air": 3})), (&spread, json!({"air": 1, "jalan": 2}))] {
            let cast = room.vote(HOST, ballot, &room.dinas, json!({"value": value})).await.expect(200);
            assert_eq!(cast.body["value"], value);
        }
        // A whole number may be written with a point.
        assert_eq!(room.vote(HOST, &scaled, &room.dinas, json!({"value": 2.0})).await.expect(200).body["value"], 2);
        world.verify();
    }
}

story! {
    async fn results_tell_scales_and_dots_by_persons_too(world) {
        let room = Room::new(&world).await;
        let scaled = room.open(agreement(json!({"unit": "person"}))).await;
        room.vote(HOST, &scaled, &room.dinas, json!({"value": 4, "persons": 3})).await.expect(200);
        room.vote(HOST, &scaled, &room.mitra, json!({"value": 1})).await.expect(200);
        let result = room.act(HOST, &scaled, "closing").await.expect(200).body["result"].clone();
        assert_eq!(result["distribution"], json!([{"value": 1, "count": 1}, {"value": 4, "count": 3}]));
        assert_eq!((&result["percent_agreement"], &result["median"], &result["outcome"]), (&json!(75.0), &json!(4.0), &json!("agreed")));
        assert_eq!(result["interquartile_range"], json!({"lower": 3.25, "upper": 4.0}));
        let spread = room.open(dots(json!({}))).await;
        room.vote(HOST, &spread, &room.dinas, json!({"value": {"jalan": 2, "air": 1}})).await.expect(200);
        room.vote(HOST, &spread, &room.mitra, json!({"value": {"jalan": 1, "tanah": 1}})).await.expect(200);
        let result = room.act(HOST, &spread, "closing").await.expect(200).body["result"].clone();
        assert_eq!(result["ranking"], json!([{"key": "jalan", "dots": 3}, {"key": "air", "dots": 1}, {"key": "tanah", "dots": 1}]));
        assert_eq!((&result["outcome"], &result["percent_agreement"]), (&json!("none"), &json!(null)));
        world.verify();
    }
}

story! {
    async fn nobody_learns_what_an_anonymous_vote_says(world) {
        let room = Room::new(&world).await;
        let ballot = room.open(json!({"anonymous": true})).await;
        let cast = |value: &str| json!({"value": value, "comment": "XQZRAHASIA"});
        let path = format!("{ballot}/votes/{}", room.dinas);
        let put = || world.ask(Member(Agency), actix_web::http::Method::PUT, &path).key("suara-1").json(cast("object"));
        let own = put().expect(200).await;
        assert_eq!((&own.body["value"], &own.body["comment"]), (&json!(null), &json!(null)));
        assert_eq!(own.body["commitment"].as_str().map(str::len), Some(64));
        assert_eq!(put().expect(200).await.header("idempotency-replayed"), Some("true"));
        room.vote(Member(Partner), &ballot, &room.mitra, cast("object")).await.expect(200);
        let again = room.vote(Member(Agency), &ballot, &room.dinas, cast("object")).await.expect(200);
        // The same words do not look the same.
        assert_ne!(again.body["commitment"], own.body["commitment"]);
        room.outcomes(json!({"votes": [{"ballot_id": id_of(&ballot), "stakeholder_id": room.mitra, "value": "object", "comment": "XQZRAHASIA"}]})).await.expect(200);

        // Each sees that its own vote is in, and nothing of others.
        let seen = async |who: Who| {
            let listed = world.get(who, &format!("{ballot}/votes")).expect(200).await;
            assert!(!listed.text.contains("object") && !listed.text.contains("XQZRAHASIA"), "{}", listed.text);
            listed.items().iter().map(|vote| vote["stakeholder_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(seen(Member(Agency)).await, std::slice::from_ref(&room.dinas));
        assert_eq!(seen(Member(Partner)).await, std::slice::from_ref(&room.mitra));
        for who in [Member(Lead), HOST] {
            assert!(seen(who).await.is_empty());
        }
        for who in [Member(Lead), HOST, Member(Partner)] {
            for below in ["", "/history"] {
                world.get(who.clone(), &format!("{path}{below}")).expect(404).await;
            }
        }
        let read = world.get(Member(Agency), &path).expect(200).await;
        let history = world.get(Member(Agency), &format!("{path}/history")).expect(200).await;
        let told = kept(&world);
        for text in [&read.text, &history.text, &told] {
            assert!(!text.contains("XQZRAHASIA") && !text.contains("\"object\""), "{text}");
        }
        let secrets: Vec<String> = secret_votes::table.select(secret_votes::value).load(&mut world.conn()).unwrap();
        assert!(secrets.len() == 2 && secrets.iter().all(|secret| secret.contains("XQZRAHASIA")), "{secrets:?}");
        let result = room.act(HOST, &ballot, "closing").await.expect(200).body["result"].clone();
        // Two voted: what they said together would tell what each did.
        assert_eq!((&result["votes_count"], &result["outcome"]), (&json!(2), &json!("none")));
        for told in ["missing_ids", "by_kind", "distribution"] {
            assert_eq!(result[told], json!([]), "{told}");
        }
        world.verify();
    }
}

story! {
    async fn small_groups_are_not_told_apart_in_an_anonymous_ballot(world) {
        let room = Room::new(&world).await;
        let media = room.more("media", 3).await;
        let academics = room.more("academia", 1).await;
        let all: Vec<&String> = media.iter().chain(&academics).chain([&room.dinas, &room.mitra]).collect();
        let kinds = async |anonymous: bool, voters: &[&String]| {
            let ballot = room.open(json!({"anonymous": anonymous})).await;
            for voter in voters {
                room.vote(HOST, &ballot, voter, json!({"value": "agree"})).await.expect(200);
            }
            let closed = room.act(HOST, &ballot, "closing").await.expect(200);
            let mut kinds: Vec<String> = closed.body["result"]["by_kind"].as_array().unwrap().iter()
                .map(|kind| format!("{} {}", kind["kind"].as_str().unwrap(), kind["distribution"][0]["count"])).collect();
            kinds.sort();
            kinds
        };
        assert_eq!(kinds(false, &all).await, ["academia 1", "media 3", "other 2"]);
        assert_eq!(kinds(true, &all).await, ["media 3", "other 3"]);
        // Two are left over: they would be known from what is missing in the sum.
        assert!(kinds(true, &all[..5]).await.is_empty());
        assert_eq!(kinds(true, &all[..3]).await, ["media 3"]);
        world.verify();
    }
}

story! {
    async fn ballots_are_listed_and_voided(world) {
        let room = Room::new(&world).await;
        let question = room.proposed().await;
        let first = room.open(json!({"question_id": question})).await;
        let second = room.prepared(json!({})).await;
        let codes = async |path: &str| -> Vec<String> {
            world.get(Member(Observer), path).expect(200).await.items().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(codes("{p}/ballots").await, ["B-1", "B-2"]);
        assert_eq!(codes("{p}/ballots?sort=-code").await, ["B-2", "B-1"]);
        assert_eq!(codes("{p}/ballots?state=open,void").await, ["B-1"]);
        assert_eq!(codes(&format!("{{p}}/ballots?question_id={question}")).await, ["B-1"]);
        assert_eq!(codes(&format!("{{p}}/ballots?event_id={}&stage_id={}", id_of(&room.event), id_of(&room.stage))).await, ["B-1", "B-2"]);
        assert_eq!(codes(&format!("{}/ballots", room.stage)).await, ["B-1", "B-2"]);
        assert!(codes(&format!("{}/ballots?stage_id={question}", room.stage)).await.is_empty());
        for ballot in [&first, &second] {
            let void = room.act(HOST, ballot, "voiding").await.expect(200);
            assert_eq!((&void.body["state"], &void.body["result"]), (&json!("void"), &json!(null)));
            assert!(actions(&void).is_empty(), "{}", void.text);
            assert_eq!(room.act(HOST, ballot, "voiding").await.expect(409).problem(), "wrong-state");
        }
        assert_eq!(room.vote(HOST, &first, &room.dinas, json!({"value": "agree"})).await.expect(409).problem(), "ballot-not-open");
        assert_eq!(codes("{p}/ballots?state=open,void").await, ["B-1", "B-2"]);
        neighbour::sees_nothing_of(&world, "ballots", id_of(&first)).await;
        for program in ["{p}", "programs/porto"] {
            let path = format!("{program}/ballots/{}", id_of(&first));
            for below in ["votes", "result"] {
                world.get(Neighbour(Lead), &format!("{path}/{below}")).expect(404).await;
            }
            room.vote(Neighbour(Lead), &path, &room.dinas, json!({"value": "agree"})).await.expect(404);
        }
        world.verify();
    }
}
