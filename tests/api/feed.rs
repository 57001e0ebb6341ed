//! Following a programme: a copy that is kept up to date by changes is what a reader sees.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, operations::*};

/// What a follower has: things by kind and id, and where it stands.
#[derive(Default, Debug)]
struct Mirror {
    things: BTreeMap<(String, String), Value>,
    after: String,
}

impl Mirror {
    /// Nothing yet.
    fn empty() -> Mirror {
        Mirror { after: "0".into(), ..Mirror::default() }
    }

    /// Takes one page of changes. Answers them, and whether there may be more.
    async fn page(&mut self, world: &World, who: &Who, query: &str) -> (Vec<Value>, bool) {
        let path = format!("{{p}}/changes?after={}{query}", self.after);
        let page = world.get(who.clone(), &path).expect(200).await;
        assert_eq!(page.header("cache-control"), Some("no-store"));
        self.after = page.body["after"].as_str().unwrap().to_owned();
        for change in page.items() {
            self.take(change);
        }
        let at: i64 = self.after.split('.').next().unwrap().parse().unwrap();
        let head = page.body["head_sequence"].as_i64().unwrap();
        assert!(at <= head, "{at} is after {head}");
        (page.items().to_vec(), at < head)
    }

    fn take(&mut self, change: &Value) {
        let text = |member: &str| change[member].as_str().unwrap().to_owned();
        let key = (text("subject_kind"), text("subject_id"));
        match change["op"].as_str().unwrap() {
            "upsert" => {
                assert_eq!(
                    (&change["content"]["id"], &change["content"]["revision"]),
                    (&change["subject_id"], &change["revision"])
                );
                self.things.insert(key, change["content"].clone());
            }
            "gone" => {
                assert_eq!((&change["content"], &change["reason"]), (&Value::Null, &Value::Null));
                assert!(self.things.remove(&key).is_some(), "what was never told of is gone: {change}");
            }
            other => panic!("{other}"),
        }
    }

    /// Takes all changes that there are, a few at a time. Answers them.
    async fn catch_up(&mut self, world: &World, who: &Who, limit: usize) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let (items, more) = self.page(world, who, &format!("&limit={limit}")).await;
            assert!(items.len() <= limit);
            all.extend(items);
            if !more {
                return all;
            }
        }
    }

    fn kinds(&self) -> BTreeSet<&str> {
        self.things.keys().map(|(kind, _)| kind.as_str()).collect()
    }
}

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
        members.retain(|name, _| name != "allowed_actions" && name != "stale");
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
                "attendance", "ballot", "criterion", "decision", "document", "event", "focus_area", "follow_up",
                "mapping", "participant", "phase", "position", "program", "question", "shock_or_stress", "stage",
                "statement", "vote",
            ]);
            if role == Lead {
                known.insert("membership");
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
        world.delete(lead.clone(), &path).if_match("\"1\"").json(json!({"reason": "Keluar."})).expect(200).await;
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
        for wrong in ["account", "question,unknown", "question.unknown", "account_revisions"] {
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
        let ahead = sequence.parse::<i64>().unwrap() + 1;
        for bad in ["1", "-1", ".", "1.", "x.y", "0.", "99999999999999999999.a", &format!("+1.{view}"), &format!("{ahead}.{view}")] {
            let refused = world.get(Member(Lead), &format!("{{p}}/changes?after={bad}")).expect(400).await;
            assert_eq!(refused.problem(), "bad-cursor", "{bad}");
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
