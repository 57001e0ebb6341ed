//! Following a programme: a copy that is kept up to date by changes is what a reader sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all, join3, join5};
use serde_json::{Value, json};
use tangguh::policy::Role::*;
use tokio::time::sleep;

use crate::{checkpoints, harness::*, mirror::*, operations::*};

/// What was told, as op, type and revision.
fn told(changes: &[Value]) -> Vec<(&str, &str, i64)> {
    changes
        .iter()
        .map(|change| {
            (change["op"].as_str().unwrap(), change["type"].as_str().unwrap(), change["revision"].as_i64().unwrap())
        })
        .collect()
}

/// What depends on who asks or when, and is in no revision.
fn lasting(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !["allowed_actions", "stale", "delivery"].contains(&name.as_str()));
    }
    body
}

story! {
    async fn the_changes_from_the_first_on_tell_what_each_path_shows(world) {
        Things::make(&world, "jakarta", Member(Lead)).await;
        for role in [Lead, Facilitator, Partner] {
            let who = signed_in(&world, &Member(role));
            let mut mirror = Mirror::empty();
            let changes = mirror.catch_up(&world, &who, 7).await;
            let sequences: Vec<i64> = changes.iter().map(|change| change["sequence"].as_i64().unwrap()).collect();
            assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{sequences:?}");
            let mut known = BTreeSet::from([
                "attendance", "ballot", "consultation", "criterion", "decision", "document", "event", "focus_area",
                "follow_up", "input", "mapping", "participant", "phase", "position", "program", "question", "shock_or_stress", "stage",
                "statement", "vote",
            ]);
            // A partner sees its own machine, and a facilitator none.
            if role != Facilitator {
                known.insert("client");
            }
            if role == Lead {
                known.extend(["membership", "webhook"]);
            }
            assert_eq!(mirror.kinds(), known, "{role:?}");
            // The last that was told of each is what its path shows. A participant has no path of its own to read.
            let last: BTreeMap<&str, &Value> =
                changes.iter().map(|change| (change["subject_id"].as_str().unwrap(), change)).collect();
            for change in last.values().filter(|change| change["subject_kind"] != "participant") {
                let href = change["href"].as_str().unwrap();
                let shown = world.get(who.clone(), &format!("/{href}")).expect(200).await.body;
                assert_eq!(lasting(shown), lasting(change["content"].clone()), "{href}");
            }
            // In one page it is the same.
            let mut whole = Mirror::empty();
            assert_eq!(whole.catch_up(&world, &who, 1000).await, changes);
            assert_eq!((&whole.things, &whole.after), (&mirror.things, &mirror.after));
        }
    }
}

story! {
    async fn what_another_organisation_sent_is_nothing_to_a_partner(world) {
        let input = |reference: &str| json!({"kind": "comment", "text": "Perlu data.", "language": "id", "external_ref": reference});
        for (sender, reader, seen) in [(Agency, Partner, 0), (Partner, Partner, 1), (Partner, Observer, 1)] {
            let (sender, reader) = (signed_in(&world, &Member(sender)), signed_in(&world, &Member(reader)));
            let mut mirror = Mirror::empty();
            mirror.catch_up(&world, &reader, 100).await;
            let reference = uuid::Uuid::now_v7().to_string();
            world.post(sender, "{p}/inputs").json(input(&reference)).expect(201).await;
            assert_eq!(mirror.catch_up(&world, &reader, 100).await.len(), seen);
        }
    }
}

story! {
    async fn what_is_hidden_is_gone_and_comes_back(world) {
        let (lead, partner) = (signed_in(&world, &Member(Lead)), signed_in(&world, &Member(Partner)));
        let (mut seen, mut shown) = (Mirror::empty(), Mirror::empty());
        seen.catch_up(&world, &lead, 100).await;
        shown.catch_up(&world, &partner, 100).await;

        // A draft is nothing to a partner until it is proposed; then it is told of as it is.
        let question = world.question().await;
        let path = format!("{{p}}/questions/{}", question.id());
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        assert_eq!(told(&shown.catch_up(&world, &partner, 100).await), [("upsert", "focus_area.name", 1)]);
        world.post(lead.clone(), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(200).await;
        let all = seen.catch_up(&world, &lead, 100).await;
        assert_eq!(told(&all)[1..], [("upsert", "question.ask", 1), ("upsert", "question.review", 2)]);
        assert_eq!(all[2]["reason"], "Siap dibahas.");
        assert_eq!(all[2]["stakeholder_id"], json!(world.seed.stakeholders["sekretariat"]));
        assert_eq!(told(&shown.catch_up(&world, &partner, 100).await), [("upsert", "question.review", 2)]);

        // A document that becomes the secretariat's own.
        let document = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": "members"});
        let document = world.post(lead.clone(), "{p}/documents").json(document).expect(201).await;
        let path = format!("{{p}}/documents/{}", document.id());
        assert_eq!(told(&shown.catch_up(&world, &partner, 100).await), [("upsert", "document.add", 1)]);
        let own = json!({"visibility": "secretariat"});
        world.patch(lead.clone(), &path).if_match("\"1\"").patch(own).expect(200).await;
        world.patch(lead.clone(), &path).if_match("\"2\"").patch(json!({"title": {"id": "Rahasia"}})).expect(200).await;
        let hidden = shown.catch_up(&world, &partner, 100).await;
        assert_eq!(told(&hidden), [("gone", "document.edit", 2)]);
        assert!(!hidden[0].to_string().contains("Rahasia"));
        world.patch(lead.clone(), &path).if_match("\"3\"").patch(json!({"visibility": "members"})).expect(200).await;
        assert_eq!(told(&shown.catch_up(&world, &partner, 100).await), [("upsert", "document.edit", 4)]);

        // A participant that is removed is gone for everybody.
        let mitra = world.seed.stakeholders["mitra"];
        let body = json!({"stakeholder_id": mitra, "capacity": "member"});
        world.post(lead.clone(), "{p}/stakeholders").json(body.clone()).expect(201).await;
        seen.catch_up(&world, &lead, 100).await;
        shown.catch_up(&world, &partner, 100).await;
        let path = format!("{{p}}/stakeholders/{mitra}");
        world.delete(lead.clone(), &path).if_match("\"1\"").json(json!({"reason": "Keluar."})).expect(204).await;
        for (mirror, who) in [(&mut seen, &lead), (&mut shown, &partner)] {
            assert_eq!(told(&mirror.catch_up(&world, who, 100).await), [("gone", "participant.remove", 2)]);
        }
        world.post(lead.clone(), "{p}/stakeholders").json(body).expect(201).await;
        assert_eq!(told(&shown.catch_up(&world, &partner, 100).await), [("upsert", "participant.add", 3)]);
        world.verify();
    }
}

story! {
    async fn an_anonymous_vote_is_told_of_to_its_own_organisation_alone(world) {
        let lead = signed_in(&world, &Member(Lead));
        let [mitra, dinas] = ["mitra", "dinas"].map(|name| world.seed.stakeholders[name]);
        for one in [mitra, dinas] {
            let body = json!({"stakeholder_id": one, "capacity": "member"});
            world.post(lead.clone(), "{p}/stakeholders").json(body).expect(201).await;
        }
        let event = json!({"kind": "meeting", "name": {"id": "Rapat"}});
        let event = world.post(lead.clone(), "{p}/events").json(event).expect(201).await.id();
        let stage = json!({"number": 1, "name": {"id": "Satu"}, "electorate": [mitra, dinas]});
        let path = format!("{{p}}/events/{event}/stages");
        let stage = world.post(lead.clone(), &path).json(stage).expect(201).await.id();
        let ballot = json!({"title": {"id": "Setuju?"}, "method": "consensus", "rule": {"threshold_percent": 60},
            "quorum": 1, "unit": "organization", "anonymous": true});
        let ballot = world.post(lead.clone(), &format!("{path}/{stage}/ballots")).json(ballot).expect(201).await.id();
        let path = format!("{{p}}/ballots/{ballot}");
        world.post(lead.clone(), &format!("{path}/opening")).if_match("\"1\"").json(json!({"reason": "Siap."})).expect(200).await;
        for (one, role) in [(mitra, Partner), (dinas, Agency)] {
            let vote = json!({"value": "agree"});
            let place = format!("{path}/votes/{one}");
            world.ask(Member(role), actix_web::http::Method::PUT, &place).json(vote).expect(200).await;
        }
        for (who, seen) in [(Lead, vec![]), (Partner, vec![json!(mitra)]), (Agency, vec![json!(dinas)]), (Facilitator, vec![])] {
            let mut mirror = Mirror::empty();
            mirror.catch_up(&world, &Member(who), 50).await;
            let votes = mirror.things.iter().filter(|((kind, _), _)| kind == "vote");
            let whose: Vec<Value> = votes.map(|(_, vote)| vote["stakeholder_id"].clone()).collect();
            assert_eq!(whose, seen, "{who:?}");
        }
    }
}

story! {
    async fn types_choose_among_kinds_and_actions(world) {
        Things::make(&world, "jakarta", Member(Lead)).await;
        let lead = signed_in(&world, &Member(Lead));
        let all = Mirror::empty().catch_up(&world, &lead, 1000).await;
        let of = |wanted: fn(&Value) -> bool| all.iter().filter(|change| wanted(change)).cloned().collect::<Vec<_>>();
        let asked = async |types: &str| {
            let path = format!("{{p}}/changes?limit=1000&types={types}");
            world.get(lead.clone(), &path).expect(200).await.items().to_vec()
        };
        assert_eq!(asked("question").await, of(|change| change["subject_kind"] == "question"));
        assert_eq!(asked("question.review").await, of(|change| change["type"] == "question.review"));
        let both = of(|change| change["subject_kind"] == "phase" || change["type"] == "statement.revise");
        assert_eq!(asked("phase,statement.revise").await, both);
        assert!(both.len() > 1);
        // What a caller may not read is not told for being asked for by name.
        let who = Member(Partner);
        let none = world.get(who, "{p}/changes?types=membership,membership.grant").expect(200).await;
        assert_eq!(none.items(), [] as [Value; 0]);
        assert!(none.body["after"].as_str().unwrap().starts_with(&format!("{}.", none.body["head_sequence"])));
        for wrong in ["invitation", "question,unknown", "question.unknown", "account_revisions"] {
            let refused = world.get(lead.clone(), &format!("{{p}}/changes?types={wrong}")).expect(400).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid-query", vec!["?types"]), "{wrong}");
        }
    }
}

story! {
    async fn a_cursor_is_taken_as_it_was_given(world) {
        let mut mirror = Mirror::empty();
        mirror.catch_up(&world, &Member(Lead), 100).await;
        let (sequence, view) = mirror.after.split_once('.').unwrap();
        for bad in ["1", "-1", ".", "1.", "x.y", "0.", "99999999999999999999.a", &format!("+1.{view}")] {
            let refused = world.get(Member(Lead), &format!("{{p}}/changes?after={bad}")).expect(400).await;
            assert_eq!(refused.problem(), "bad-cursor", "{bad}");
        }
        // A row that is not there, another row's mark, and none.
        let (ahead, before) = (sequence.parse::<i64>().unwrap() + 1, sequence.parse::<i64>().unwrap() - 1);
        let unmarked = view.split_once('.').unwrap().0;
        for lost in [format!("{ahead}.{view}"), format!("{before}.{view}"), format!("0.{view}"), format!("{sequence}.{unmarked}")] {
            let refused = world.get(Member(Lead), &format!("{{p}}/changes?after={lost}")).expect(410).await;
            assert_eq!(refused.problem(), "view-changed", "{lost}");
        }
        for (bad, pointer) in [("limit=0", "?limit"), ("limit=1001", "?limit"), ("after=", "?after"), ("cursor=1", "?cursor")] {
            let refused = world.get(Member(Lead), &format!("{{p}}/changes?{bad}")).expect(400).await;
            assert_eq!((refused.problem(), refused.pointers()), ("invalid-query", vec![pointer]), "{bad}");
        }
        // Nothing new is an empty page.
        let page = world.get(Member(Lead), &format!("{{p}}/changes?after={}", mirror.after)).expect(200).await;
        assert_eq!((page.items(), &page.body["after"]), (&[] as &[Value], &json!(mirror.after)));
        // Where nothing is said, it begins from the first change.
        let first = world.get(Member(Lead), "{p}/changes?limit=1").expect(200).await;
        assert_eq!(first.items()[0]["sequence"], 1);
        assert_eq!(first.items()[0]["type"], "program.create");
    }
}

story! {
    async fn a_cursor_ends_with_the_view_that_it_was_made_for(world) {
        let mut mirror = Mirror::empty();
        mirror.catch_up(&world, &Member(Partner), 100).await;
        let path = format!("{{p}}/changes?after={}", mirror.after);
        // Somebody else's view is another view, and so is the same role for another organisation.
        for who in [Member(Lead), Member(Agency)] {
            let refused = world.get(who, &path).expect(410).await;
            assert_eq!(refused.problem(), "view-changed");
            assert_eq!(refused.body["snapshot"], "/api/v1/programs/jakarta/snapshot");
        }
        let account = world.account(&Member(Partner));
        let held = world.get(Member(Lead), &format!("{{p}}/memberships?account_id={account}")).expect(200).await;
        let held = format!("{{p}}/memberships/{}", held.items()[0]["id"].as_str().unwrap());
        let etag = world.get(Member(Lead), &held).expect(200).await.etag();
        world.get(Member(Partner), &path).expect(200).await;
        let why = json!({"reason": "Pindah."});
        world.post(Member(Lead), &format!("{held}/end")).if_match(&etag).json(why).expect(200).await;
        world.get(Member(Partner), &path).expect(404).await;
        let grant = json!({"account_id": account, "stakeholder_id": world.seed.stakeholders["mitra"],
            "role": "observer", "from_on": "2026-01-01"});
        world.post(Member(Lead), "{p}/memberships").json(grant).expect(201).await;
        assert_eq!(world.get(Member(Partner), &path).expect(410).await.problem(), "view-changed");
        // From the first change on it is told anew, also the drafts that an observer sees.
        world.question().await;
        let mut anew = Mirror::empty();
        anew.catch_up(&world, &Member(Partner), 100).await;
        assert!(anew.kinds().contains("question") && !mirror.kinds().contains("question"));
    }
}

story! {
    async fn whoever_knows_more_than_a_restored_database_begins_again(world) {
        let phase = async |number: i32| {
            world.post(Member(Lead), "{p}/phases").json(json!({"number": number, "name": {"id": "Fase"}})).expect(201).await
        };
        phase(1).await;
        let (lead, mut mirror) = (Member(Lead), Mirror::empty());
        mirror.catch_up(&world, &lead, 100).await;
        let path = format!("{{p}}/changes?after={}", mirror.after);
        let told = async || {
            let refused = world.get(lead.clone(), &path).expect(410).await;
            assert_eq!((refused.problem(), &refused.body["snapshot"]), ("view-changed", &json!("/api/v1/programs/jakarta/snapshot")));
        };
        world.get(lead.clone(), &path).expect(200).await;
        // The database is what it was before the last row; then another row stands in its place, and more after it.
        checkpoints::remove(&world, mirror.after.split('.').next().unwrap().parse().unwrap());
        told().await;
        phase(2).await;
        told().await;
        phase(3).await;
        told().await;
        let mut anew = snapshot(&world, &lead).await;
        assert_eq!(anew.things.keys().filter(|(kind, _)| kind == "phase").count(), 2);
        phase(4).await;
        assert_eq!(anew.catch_up(&world, &lead, 100).await.len(), 1);
    }
}

story! {
    async fn a_mirror_from_a_snapshot_is_the_next_snapshot(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let followers: Vec<Who> = [Lead, Partner, Observer].map(|role| signed_in(&world, &Member(role))).into();
        let mut mirrors = Vec::new();
        for who in &followers {
            let mirror = snapshot(&world, who).await;
            // It is what the changes from the first on tell.
            let mut told = Mirror::empty();
            told.catch_up(&world, who, 50).await;
            assert_eq!((&told.things, &told.after), (&mirror.things, &mirror.after));
            mirrors.push(mirror);
        }
        assert!(mirrors[0].things.len() > mirrors[1].things.len());

        // Drafts that become visible, things that become hidden, publications, removals, by several at a time.
        let area = world.focus_area().await;
        let ask = async |number: usize| {
            let body = json!({"focus_area_id": area, "text": {"id": format!("Pertanyaan {number}?")}});
            let made = world.post(Member(Facilitator), "{p}/questions").json(body).expect(201).await;
            if number.is_multiple_of(2) {
                let path = format!("{{p}}/questions/{}/transitions", made.id());
                let step = json!({"to": "proposed", "reason": "Siap dibahas."});
                world.post(Member(Lead), &path).if_match("\"1\"").json(step).expect(200).await;
            }
        };
        let file = async |visibility: &str| {
            let body = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": visibility});
            let made = world.post(Member(Lead), "{p}/documents").json(body).expect(201).await;
            let path = format!("{{p}}/documents/{}", made.id());
            let other = if visibility == "secretariat" { "members" } else { "secretariat" };
            world.patch(Member(Secretariat), &path).if_match("\"1\"").patch(json!({"visibility": other})).expect(200).await;
        };
        let basis = json!([{"kind": "question", "id": things.id("question_id"), "revision": 3}]);
        let state = json!({"title": {"id": "Status"}, "overall": {"text": {"id": "Tangguh."}},
            "sections": [{"focus_area_id": area, "text": {"id": "Siap."}, "basis": basis}]});
        let publish = async {
            let made = world.post(Member(Lead), "{p}/statements").json(state).expect(201).await;
            let path = format!("{{p}}/statements/{}", made.id());
            let step = json!({"to": "in_alignment", "reason": "Siap ditanggapi."});
            world.post(Member(Lead), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(200).await;
        };
        let mitra = json!({"stakeholder_id": world.seed.stakeholders["mitra"], "capacity": "member"});
        world.post(Member(Lead), "{p}/stakeholders").json(mitra).expect(201).await;
        let leave = async {
            let path = format!("{{p}}/stakeholders/{}", world.seed.stakeholders["mitra"]);
            world.delete(Member(Lead), &path).if_match("\"1\"").json(json!({"reason": "Keluar."})).expect(204).await;
        };
        let asked = join_all((0..8).map(ask));
        let filed = join(file("secretariat"), file("members"));
        // Whoever follows meanwhile misses nothing and is told nothing twice.
        let follow = async {
            let mut sequences = Vec::new();
            for _ in 0..10 {
                let changes = mirrors[1].catch_up(&world, &followers[1], 3).await;
                sequences.extend(changes.iter().map(|change| change["sequence"].as_i64().unwrap()));
            }
            assert!(sequences.windows(2).all(|pair| pair[0] < pair[1]), "{sequences:?}");
        };
        join5(asked, filed, publish, leave, follow).await;

        for (who, mirror) in followers.iter().zip(&mut mirrors) {
            mirror.catch_up(&world, who, 5).await;
            let now = snapshot(&world, who).await;
            assert_eq!(mirror.things, now.things);
            assert_eq!(mirror.after, now.after);
        }
        world.verify();
    }
}

story! {
    async fn a_snapshot_is_of_one_moment_and_of_any_size(world) {
        let area = world.focus_area().await;
        let mut conn = world.conn();
        let reach = tangguh::access::Reach {
            ledger: world.program(),
            slug: "jakarta".into(),
            ..tangguh::access::Reach::platform()
        };
        // More than a chunk has.
        for number in 0..1203 {
            let body = json!({"focus_area_id": area, "text": {"id": format!("Pertanyaan {number}?")}});
            let schemas = &world.service.schemas;
            let new = tangguh::valid::checked(body, schemas).unwrap();
            act(&mut conn, reach.clone(), "question.ask", |tx| tangguh::questions::Question::ask(tx, new));
        }
        let taken = snapshot(&world, &Member(Lead)).await;
        let questions = taken.things.keys().filter(|(kind, _)| kind == "question").count();
        assert_eq!(questions, 1203);
        // Nothing of them is a partner's to see: whole chunks say nothing, and the end comes all the same.
        let taken = snapshot(&world, &Member(Partner)).await;
        assert!(!taken.kinds().contains("question"));
        let mut told = Mirror::empty();
        told.catch_up(&world, &Member(Partner), 1000).await;
        assert_eq!(told.things, taken.things);
    }
}

story! {
    async fn no_feed_tells_of_people(world) {
        Things::make(&world, "jakarta", Member(Lead)).await;
        let event = json!({"kind": "meeting", "name": {"id": "Rapat"}});
        let event = world.post(Member(Lead), "{p}/events").json(event).expect(201).await.id();
        let mitra = world.seed.stakeholders["mitra"];
        world.post(Member(Lead), "{p}/stakeholders").json(json!({"stakeholder_id": mitra, "capacity": "member"})).expect(201).await;
        let present = json!({"items": [{"stakeholder_id": mitra, "status": "attended", "capacity": "member",
            "people": [{"name": "Siti Rahasia", "position": "Ketua", "contact": "siti@example.org"}]}]});
        let path = format!("{{p}}/events/{event}/attendance");
        world.ask(Member(Lead), actix_web::http::Method::PUT, &path).json(present).expect(200).await;
        let changes = world.get(Member(Lead), "{p}/changes?limit=1000").expect(200).await.text;
        let snapshot = world.get(Member(Lead), "{p}/snapshot").header("accept", "application/x-ndjson").expect(200).await.text;
        for told in [changes, snapshot] {
            assert!(told.contains("\"attendance\"") && told.contains("\"membership\""));
            for personal in ["Siti", "siti@", "jakarta.example", "Orang baru", "Test "] {
                assert!(!told.contains(personal), "{personal}");
            }
        }
    }
}

/// How long something took, and what came of it.
async fn timed<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let began = Instant::now();
    let done = work.await;
    (began.elapsed(), done)
}

story! {
    async fn who_waits_is_woken_by_what_concerns_them(world) {
        let (lead, partner) = (signed_in(&world, &Member(Lead)), signed_in(&world, &Member(Partner)));
        let (mut seen, mut shown) = (Mirror::empty(), Mirror::empty());
        seen.catch_up(&world, &lead, 100).await;
        shown.catch_up(&world, &partner, 100).await;
        let question = world.question().await;
        seen.catch_up(&world, &lead, 100).await;
        shown.catch_up(&world, &partner, 100).await;

        // Nothing comes: an empty page, when the time is over.
        let (took, (items, more)) = timed(seen.page(&world, &lead, "&wait=1")).await;
        assert!(items.is_empty() && !more);
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(15), "{took:?}");

        // A draft is revised, which wakes those who see it; a partner waits on until it is proposed.
        let path = format!("{{p}}/questions/{}", question.id());
        let work = async {
            sleep(Duration::from_millis(300)).await;
            let body = json!({"text": {"id": "Siapa?"}, "reason_kind": "wording", "reason": "Singkat."});
            world.post(lead.clone(), &format!("{path}/revisions")).if_match("\"1\"").json(body).expect(201).await;
            sleep(Duration::from_millis(300)).await;
            let step = json!({"to": "proposed", "reason": "Siap dibahas."});
            world.post(lead.clone(), &format!("{path}/transitions")).if_match("\"2\"").json(step).expect(200).await;
        };
        let first = timed(seen.page(&world, &lead, "&wait=30"));
        let second = timed(shown.page(&world, &partner, "&wait=30"));
        let (first, second, ()) = join3(first, second, work).await;
        assert_eq!(told(&first.1.0), [("upsert", "question.revise", 2)]);
        assert_eq!(told(&second.1.0), [("upsert", "question.review", 3)]);
        assert!(first.0 >= Duration::from_millis(300) && second.0 >= Duration::from_millis(600));
        assert!(first.0.max(second.0) < Duration::from_secs(15), "{:?} {:?}", first.0, second.0);

        // What there is already is answered at once.
        let (took, (items, _)) = timed(seen.page(&world, &lead, "&wait=30")).await;
        assert_eq!(told(&items), [("upsert", "question.review", 3)]);
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}

story! {
    async fn who_waits_is_woken_by_another_instance(world) {
        let (twin, lead) = (world.twin(), signed_in(&world, &Member(Lead)));
        let mut seen = Mirror::empty();
        seen.catch_up(&world, &lead, 100).await;
        let work = async {
            sleep(Duration::from_millis(300)).await;
            twin.focus_area().await;
        };
        let ((took, (items, _)), ()) = join(timed(seen.page(&world, &lead, "&wait=30")), work).await;
        assert_eq!(told(&items), [("upsert", "focus_area.name", 1)]);
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}

story! {
    async fn nobody_waits_longer_than_they_may(world) {
        let partner = signed_in(&world, &Member(Partner));
        let mut shown = Mirror::empty();
        shown.catch_up(&world, &partner, 100).await;
        let account = world.account(&Member(Partner));
        let held = world.get(Member(Lead), &format!("{{p}}/memberships?account_id={account}")).expect(200).await;
        let held = format!("{{p}}/memberships/{}", held.items()[0]["id"].as_str().unwrap());
        let etag = world.get(Member(Lead), &held).expect(200).await.etag();

        // A token that holds for one second more.
        world.clock.advance(chrono::TimeDelta::minutes(15) - chrono::TimeDelta::seconds(1));
        let (took, (items, _)) = timed(shown.page(&world, &partner, "&wait=30")).await;
        assert!(items.is_empty());
        assert!(took < Duration::from_secs(15), "{took:?}");
        let partner = signed_in(&world, &Member(Partner));

        // Whoever loses the right while they wait is told no more.
        let work = async {
            sleep(Duration::from_millis(200)).await;
            let why = json!({"reason": "Pindah."});
            world.post(Member(Lead), &format!("{held}/end")).if_match(&etag).json(why).expect(200).await;
        };
        let path = format!("{{p}}/changes?wait=30&after={}", shown.after);
        let (refused, ()) = join(world.get(partner, &path).send(), work).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (404, "not-found"));
        for wrong in ["-1", "31", "x"] {
            let refused = world.get(Member(Lead), &format!("{{p}}/changes?wait={wrong}")).expect(400).await;
            assert_eq!(refused.pointers(), ["?wait"], "{wrong}");
        }
    }
}

story! {
    async fn what_all_programmes_share_is_followed_by_everybody_signed_in(world) {
        let follow = async |who: Who, query: &str| world.get(who, &format!("changes?{query}")).expect(200).await;
        let first = follow(Outsider, "limit=1000").await;
        let kinds: BTreeSet<&str> =
            first.items().iter().map(|change| change["subject_kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, BTreeSet::from(["framework", "stakeholder"]));
        assert!(!first.text.contains("@"), "accounts are people's");
        let after = first.body["after"].as_str().unwrap().to_owned();

        // Whoever asks sees the same, so a cursor is everybody's; and a new organisation wakes who waits.
        let body = json!({"names": [{"name": {"id": "Lembaga"}}], "kind": "media"});
        let enter = async {
            sleep(Duration::from_millis(200)).await;
            world.post(Member(Lead), "stakeholders").json(body).expect(201).await
        };
        let query = format!("wait=30&after={after}");
        let waiting = follow(Member(Partner), &query);
        let ((took, page), made) = join(timed(waiting), enter).await;
        assert!(took < Duration::from_secs(15), "{took:?}");
        assert_eq!(told(page.items()), [("upsert", "stakeholder.create", 1)]);
        let change = &page.items()[0];
        assert_eq!(change["href"], format!("/api/v1/stakeholders/{}", made.id()));
        let shown = world.get(Outsider, &format!("/{}", change["href"].as_str().unwrap())).expect(200).await.body;
        assert_eq!(lasting(shown), change["content"]);
        // Accounts change unheard.
        let account = json!({"email": "seorang@example.org", "name": "Seorang"});
        world.post(Member(Admin), "accounts").json(account).expect(201).await;
        let page = follow(Outsider, &format!("after={}", page.body["after"].as_str().unwrap())).await;
        assert_eq!(page.items(), [] as [Value; 0]);
        let editions = follow(Outsider, "types=framework.load").await;
        assert_eq!(editions.items().len(), first.items().iter().filter(|one| one["subject_kind"] == "framework").count());
        for edition in editions.items() {
            world.get(Nobody, &format!("/{}", edition["href"].as_str().unwrap())).expect(200).await;
        }
        let foreign = world.get(Outsider, "changes?after=1.another").expect(410).await;
        assert_eq!((foreign.problem(), &foreign.body["snapshot"]), ("view-changed", &Value::Null));
    }
}

story! {
    async fn every_row_of_a_ledger_is_of_a_type_that_is_told(world) {
        use diesel::prelude::*;
        use tangguh::schema::ledger_rows;

        Things::make(&world, "jakarta", Member(Lead)).await;
        let guest = json!({"capacity": "invited",
            "new_stakeholder": {"names": [{"name": {"id": "Tamu"}}], "kind": "community_group"}});
        world.post(Member(Lead), "{p}/stakeholders").json(guest).expect(201).await;
        let types = world.get(Nobody, "event-types").expect(200).await;
        let types: BTreeMap<&str, &Value> =
            types.items().iter().map(|known| (known["type"].as_str().unwrap(), known)).collect();
        let rows: Vec<(String, String)> = ledger_rows::table
            .select((ledger_rows::action, ledger_rows::subject_kind))
            .distinct()
            .load(&mut world.conn())
            .unwrap();
        assert!(rows.len() > 25, "{}", rows.len());
        for (action, kind) in rows {
            let known = types.get(action.as_str()).unwrap_or_else(|| panic!("{action} is no type"));
            let kinds = known["subject_kinds"].as_array().unwrap();
            assert!(kinds.contains(&json!(kind)), "{action} changes a {kind}");
        }
        let one = world.get(Nobody, "event-types/question.revise").expect(200).await.body;
        assert_eq!(&one, types["question.revise"]);
        assert_eq!((&one["feeds"], &one["subject_kinds"]), (&json!(["program"]), &json!(["question"])));
        assert!(one["description"]["id"].is_string() && one["description"]["en"].is_string());
        for unknown in ["question.read", "question", "x.y"] {
            assert_eq!(world.get(Nobody, &format!("event-types/{unknown}")).expect(404).await.problem(), "not-found");
        }
    }
}
