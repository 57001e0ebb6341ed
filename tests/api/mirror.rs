//! A follower's copy of a programme, and what must be true of it whatever is done in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting::*, harness::*, operations::signed_in};

/// What a follower has: things by kind and id, and where it stands.
#[derive(Clone, Default, Debug)]
pub struct Mirror {
    pub things: BTreeMap<(String, String), Value>,
    pub after: String,
}

impl Mirror {
    /// Nothing yet.
    pub fn empty() -> Mirror {
        Mirror { after: "0".into(), ..Mirror::default() }
    }

    /// Takes one page of changes. Answers them, and whether there may be more.
    pub async fn page(&mut self, world: &World, who: &Who, query: &str) -> (Vec<Value>, bool) {
        self.take_page(&self.ask(world, who, query).await.expect(200))
    }

    pub async fn ask(&self, world: &World, who: &Who, query: &str) -> Reply {
        world.get(who.clone(), &format!("{{p}}/changes?after={}{query}", self.after)).send().await
    }

    pub fn take_page(&mut self, page: &Reply) -> (Vec<Value>, bool) {
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
    pub async fn catch_up(&mut self, world: &World, who: &Who, limit: usize) -> Vec<Value> {
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

    pub fn kinds(&self) -> BTreeSet<&str> {
        self.things.keys().map(|(kind, _)| kind.as_str()).collect()
    }
}

/// A snapshot, and the cursor to go on from. Fails unless it came to its end and says how much it told.
pub async fn snapshot(world: &World, who: &Who) -> Mirror {
    let taken = world.get(who.clone(), "{p}/snapshot").expect(200).await;
    assert_eq!(taken.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(taken.header("cache-control"), Some("no-store"));
    let mut lines: Vec<Value> = taken.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let end = lines.pop().unwrap();
    assert_eq!((&end["end"], &end["count"]), (&json!(true), &json!(lines.len())));
    let mut mirror = Mirror { after: end["after"].as_str().unwrap().to_owned(), ..Mirror::default() };
    for line in lines {
        let text = |member: &str| line[member].as_str().unwrap().to_owned();
        assert_eq!((&line["content"]["id"], &line["content"]["revision"]), (&line["id"], &line["revision"]));
        let before = mirror.things.insert((text("kind"), text("id")), line["content"].clone());
        assert_eq!(before, None, "twice in one snapshot");
    }
    mirror
}

/// What happens to a programme and to those who follow it. The number chooses among what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Ask,
    Propose,
    Revise,
    Move,
    File,
    /// A document is hidden from all but the secretariat, or shown again.
    Hide,
    Send,
    Withdraw,
    Quarantine,
    Publish,
    /// An organisation leaves, or comes back.
    Leave,
    /// The partner's account becomes an observer, or a partner again.
    OtherRole,
    /// A follower takes a few changes and keeps its copy.
    Follow,
    /// A follower takes a few changes and dies before it has kept them.
    Die,
}

impl Step {
    const ALL: [(u32, Step); 14] = [
        (4, Step::Ask),
        (4, Step::Propose),
        (4, Step::Revise),
        (2, Step::Move),
        (2, Step::File),
        (3, Step::Hide),
        (4, Step::Send),
        (2, Step::Withdraw),
        (2, Step::Quarantine),
        (1, Step::Publish),
        (2, Step::Leave),
        (1, Step::OtherRole),
        (6, Step::Follow),
        (3, Step::Die),
    ];

    fn any() -> impl Strategy<Value = Step> {
        proptest::strategy::Union::new_weighted(Step::ALL.map(|(weight, step)| (weight, Just(step))).into())
    }

    fn is_a_followers(self) -> bool {
        matches!(self, Step::Follow | Step::Die)
    }
}

/// What the writers know of the programme.
struct Programme<'w> {
    world: &'w World,
    areas: [String; 2],
    statement: Ref,
}

impl Programme<'_> {
    async fn new(world: &World) -> Programme<'_> {
        let area = world.focus_area().await;
        let question = validated(world, &area).await;
        let statement = proposed_statement(world, &content(&[section(&area, &[&question])])).await;
        let statement = Ref::of("statement", &adopt(world, &statement).await.expect(200));
        let areas = [area, world.focus_area().await];
        Programme { world, areas, statement }
    }

    /// One of the things at this path that may be changed so, if there is any.
    async fn choose(&self, path: &str, number: usize) -> Option<Ref> {
        let items = self.world.get(Member(Secretariat), &format!("{{p}}/{path}")).expect(200).await;
        let one = items.items().get(number.checked_rem(items.items().len())?)?;
        Some(Ref { kind: "", id: one["id"].as_str()?.to_owned(), revision: one["revision"].as_i64()? })
    }

    /// Does one step; `None` where there is nothing to do it to.
    async fn write(&self, step: Step, number: usize) -> Option<Reply> {
        let world = self.world;
        let area = &self.areas[number % 2];
        let act = async |path: String, one: &Ref, body: Value| {
            world.post(Member(Secretariat), &path).if_match(&one.etag()).json(body).send().await
        };
        let reply = match step {
            Step::Ask => {
                let body = json!({"focus_area_id": area, "text": {"id": format!("Pertanyaan {number}?")}});
                world.post(Member(Facilitator), "{p}/questions").json(body).send().await
            }
            Step::Propose => {
                let one = self.choose("questions?state=draft", number).await?;
                act(
                    format!("{{p}}/questions/{}/transitions", one.id),
                    &one,
                    json!({"to": "proposed", "reason": "Siap."}),
                )
                .await
            }
            Step::Revise => {
                let one = self.choose("questions?state=draft,proposed", number).await?;
                let body = json!({"text": {"id": format!("Siapa, {number}?")}, "reason_kind": "wording", "reason": "Singkat."});
                act(format!("{{p}}/questions/{}/revisions", one.id), &one, body).await
            }
            Step::Move => {
                let one = self.choose("questions?state=draft,proposed", number).await?;
                let body = json!({"focus_area_id": area, "reason": "Lebih cocok di sana."});
                act(format!("{{p}}/questions/{}/move", one.id), &one, body).await
            }
            Step::File => {
                let visibility = ["members", "secretariat"][number % 2];
                let body =
                    json!({"title": {"id": format!("Laporan {number}")}, "kind": "report", "visibility": visibility});
                world.post(Member(Lead), "{p}/documents").json(body).send().await
            }
            Step::Hide => {
                let one = self.choose("documents", number).await?;
                let path = format!("{{p}}/documents/{}", one.id);
                let visibility = ["members", "secretariat"][number / 7 % 2];
                let body = json!({"visibility": visibility});
                world.patch(Member(Lead), &path).if_match(&one.etag()).patch(body).send().await
            }
            Step::Send => {
                let body = json!({"kind": "comment", "text": format!("Air naik, {number}."), "language": "id",
                    "external_ref": format!("R-{number}")});
                world.post(Member([Agency, Partner][number % 2]), "{p}/inputs").json(body).send().await
            }
            Step::Withdraw => {
                let one = self.choose("inputs?state=received", number).await?;
                let path = format!("{{p}}/inputs/{}/withdrawal", one.id);
                world.post(Member([Agency, Partner][number % 2]), &path).if_match(&one.etag()).json(why()).send().await
            }
            Step::Quarantine => {
                let one = self.choose("inputs?state=received", number).await?;
                act(
                    format!("{{p}}/inputs/{}/transitions", one.id),
                    &one,
                    json!({"to": "quarantined", "reason": "Iklan."}),
                )
                .await
            }
            Step::Publish => publish(world, &self.statement).await,
            Step::Leave => {
                let mitra = world.seed.stakeholders["mitra"];
                let path = format!("{{p}}/stakeholders/{mitra}");
                let now = world.get(Member(Lead), &path).send().await;
                if now.status == 200 {
                    world.delete(Member(Lead), &path).if_match(&now.etag()).json(why()).send().await
                } else {
                    let body = json!({"stakeholder_id": mitra, "capacity": "member"});
                    world.post(Member(Lead), "{p}/stakeholders").json(body).send().await
                }
            }
            Step::OtherRole => {
                let account = world.account(&Member(Partner));
                let held = format!("memberships?account_id={account}&state=active");
                let path = format!("{{p}}/{held}");
                let held = world.get(Member(Lead), &path).expect(200).await;
                let one = held.items().first()?;
                let path = format!("{{p}}/memberships/{}/end", one["id"].as_str()?);
                let etag = format!("\"{}\"", one["revision"]);
                world.post(Member(Lead), &path).if_match(&etag).json(why()).expect(200).await;
                let other = if one["role"] == "partner" { "observer" } else { "partner" };
                let grant = json!({"account_id": account, "stakeholder_id": one["stakeholder_id"], "role": other, "from_on": "2026-01-01"});
                world.post(Member(Lead), "{p}/memberships").json(grant).send().await
            }
            Step::Follow | Step::Die => return None,
        };
        Some(reply)
    }
}

/// Somebody who follows: what is kept survives it.
struct Follower {
    who: Who,
    kept: Mirror,
    snapshots: usize,
}

impl Follower {
    async fn follow(&mut self, world: &World, limit: usize) -> Mirror {
        let mut copy = self.kept.clone();
        let page = copy.ask(world, &self.who, &format!("&limit={limit}")).await;
        match page.status.as_u16() {
            200 => drop(copy.take_page(&page)),
            410 => {
                assert_eq!(page.problem(), "view-changed");
                self.snapshots += 1;
                copy = snapshot(world, &self.who).await;
            }
            // Between two roles: what there is stays.
            404 => {}
            other => panic!("{other}: {}", page.text),
        }
        copy
    }

    async fn step(&mut self, world: &World, step: Step, number: usize) {
        let copy = self.follow(world, 1 + number % 9).await;
        if step == Step::Follow {
            self.kept = copy;
        }
    }
}

story! {
    /// The steps come from a fixed seed, so a run that fails can be had again, as far as the threads allow.
    async fn a_copy_is_the_snapshot_whatever_happens_in_whatever_order(world) {
        const WRITERS: usize = 4;
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, b"tangguh, a mirror, 2018-08-23...");
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
        let steps = proptest::collection::vec((Step::any(), 0..1_000_000_usize), 160);
        let steps = steps.new_tree(&mut runner).unwrap().current();

        let programme = Programme::new(&world).await;
        let mut followers = Vec::new();
        for role in [Agency, Partner] {
            let who = signed_in(&world, &Member(role));
            let kept = snapshot(&world, &who).await;
            followers.push(Follower { who, kept, snapshots: 0 });
        }
        let mut done = BTreeMap::<Step, usize>::new();
        for chunk in steps.chunks(WRITERS) {
            let (of_followers, of_writers): (Vec<_>, Vec<_>) = chunk.iter().partition(|(step, _)| step.is_a_followers());
            let writing = join_all(of_writers.into_iter().map(async |&(step, number)| (step, programme.write(step, number).await)));
            let following = join_all(followers.iter_mut().enumerate().map(async |(at, follower)| {
                for &&(step, number) in of_followers.iter().filter(|(_, number)| number % 2 == at) {
                    follower.step(&world, step, number / 2).await;
                }
            }));
            let (written, _) = futures_util::future::join(writing, following).await;
            for (step, reply) in written {
                let Some(reply) = reply else { continue };
                // Somebody else was faster, it is another organisation's, or the partner is between two roles.
                let refused = [403, 404, 409, 412].contains(&reply.status.as_u16());
                assert!(reply.status.is_success() || refused, "{step:?}: {}", reply.text);
                *done.entry(step).or_default() += usize::from(reply.status.is_success());
            }
            for (step, _) in of_followers {
                *done.entry(*step).or_default() += 1;
            }
        }
        // Each was done, and three died at least: a run in which little happens would say nothing.
        for (_, step) in Step::ALL {
            let wanted = if step == Step::Die { 3 } else { 1 };
            assert!(done.get(&step) >= Some(&wanted), "{step:?}: {done:?}");
        }
        for follower in &mut followers {
            let now = loop {
                follower.kept = follower.follow(&world, 50).await;
                let now = snapshot(&world, &follower.who).await;
                if follower.kept.after == now.after {
                    break now;
                }
            };
            assert_eq!(follower.kept.things, now.things);
            assert!(now.things.len() > 20, "{}", now.things.len());
        }
        // The partner was told that it sees other things now; to the agency nothing of that kind happened.
        assert_eq!((followers[0].snapshots, followers[1].snapshots > 0), (0, true));
        world.verify();
    }
}
