//! The access review: who may do what and why, and what becomes of memberships that nobody confirms.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::{memberships::end_unconfirmed, policy::Role::*};

use crate::harness::*;

/// The items of a review.
async fn review(world: &World, who: Who, query: &str) -> Vec<Value> {
    world.get(who, &format!("access/review?limit=200&{query}")).expect(200).await.items().to_vec()
}

/// What a review says of the membership with this role in `jakarta`.
async fn of(world: &World, role: &str) -> Value {
    review(world, Member(Admin), &format!("program=jakarta&role={role}")).await.remove(0)
}

fn path(reviewed: &Value) -> String {
    format!("{{p}}/memberships/{}", reviewed["membership_id"].as_str().unwrap())
}

fn etag(reviewed: &Value) -> String {
    format!("\"{}\"", reviewed["revision"])
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["role"].as_str().unwrap()).collect()
}

story! {
    async fn what_nobody_confirms_is_listed_and_ends_a_month_later(world) {
        let unconfirmed = async || end_unconfirmed(&world.service).await.unwrap();
        assert_eq!((review(&world, Member(Lead), "due=true").await.len(), unconfirmed().await), (0, (0, 0)));
        world.clock.advance(TimeDelta::days(366));
        let due = review(&world, Member(Lead), "due=true").await;
        assert_eq!(due.len(), 6);
        assert!(due.iter().all(|one| one["due"] == true && one["holds"] == true && one["confirmed_on"].is_null()));

        // Each is told of once, in both programmes.
        assert_eq!((unconfirmed().await, unconfirmed().await), ((12, 0), (0, 0)));
        let told = world.get(Member(Secretariat), "{p}/changes?types=membership.due").expect(200).await;
        assert_eq!((told.items().len(), &told.items()[0]["content"]["due_told_on"]), (6, &json!("2027-01-16")));

        let agency = of(&world, "agency").await;
        assert_eq!(agency["ends_unconfirmed_on"], "2027-02-16");
        let confirm = |who: Who, one: &Value| world.post(who, &format!("{}/confirmation", path(one))).json(json!({"reason": "Masih bertugas."}));
        confirm(Member(Secretariat), &agency).expect(428).await;
        confirm(Member(Partner), &agency).if_match(&etag(&agency)).expect(403).await;
        confirm(Neighbour(Lead), &agency).if_match(&etag(&agency)).expect(404).await;
        let confirmed = confirm(Member(Secretariat), &agency).if_match(&etag(&agency)).expect(200).await;
        assert_eq!(confirmed.body["confirmed_on"], "2027-01-16");
        assert_eq!(confirm(Member(Secretariat), &agency).if_match(&etag(&agency)).expect(412).await.problem(), "stale");
        // Nobody confirms their own, nor more than they have.
        let (secretariat, lead) = (of(&world, "secretariat").await, of(&world, "lead").await);
        let own = confirm(Member(Secretariat), &secretariat).if_match(&etag(&secretariat)).expect(409).await;
        assert_eq!(own.body["errors"][0]["code"], "own_membership");
        assert_eq!(confirm(Member(Secretariat), &lead).if_match(&etag(&lead)).expect(403).await.problem(), "cannot-grant");
        let agency = of(&world, "agency").await;
        assert_eq!((&agency["due"], &agency["due_on"], &agency["ends_unconfirmed_on"]), (&json!(false), &json!("2028-01-16"), &json!("2028-02-16")));
        assert_eq!(review(&world, Member(Lead), "due=false").await.len(), 1);

        world.clock.advance(TimeDelta::days(30));
        assert_eq!(unconfirmed().await, (0, 0));
        world.clock.advance(TimeDelta::days(1));
        assert_eq!((unconfirmed().await, unconfirmed().await), ((0, 9), (0, 0)));
        // The one that was confirmed stays, and so does the last lead.
        assert_eq!(names(&review(&world, Member(Lead), "").await), ["lead", "agency"]);
        world.get(Member(Facilitator), "{p}/questions").expect(404).await;
        world.get(Member(Agency), "{p}/questions").expect(200).await;
        // Of a service that was stopped for years nothing ends unannounced.
        world.clock.advance(TimeDelta::days(1000));
        assert_eq!((unconfirmed().await, unconfirmed().await), ((1, 0), (0, 0)));
        let lapsed = world.ledger().iter().filter(|(action, _)| action == "membership.lapse").count();
        assert_eq!(lapsed, 4);
        let told = world.get(Member(Lead), "{p}/changes?types=membership.lapse").expect(200).await;
        assert!(told.items().iter().all(|change| change["content"]["state"] == "ended"), "{}", told.text);
        world.verify();
    }
}

story! {
    async fn a_review_is_of_ones_own_programmes_and_of_any_day(world) {
        assert!(review(&world, Member(Secretariat), "").await.iter().all(|one| one["program"] == "jakarta"));
        assert!(review(&world, Neighbour(Lead), "").await.iter().all(|one| one["program"] == "porto"));
        world.get(Neighbour(Lead), "access/review?program=jakarta").expect(404).await;
        world.get(Member(Admin), "access/review?program=nowhere").expect(404).await;
        for who in [Outsider, Member(Agency), Member(Observer)] {
            world.get(who, "access/review").expect(403).await;
        }
        let all = review(&world, Member(Admin), "").await;
        assert!(["jakarta", "porto"].iter().all(|slug| all.iter().any(|one| one["program"] == *slug)));
        // Page by page it is the same.
        let (mut paged, mut next) = (Vec::new(), Some(String::new()));
        while let Some(cursor) = next {
            let page = world.get(Member(Admin), &format!("access/review?limit=3{cursor}")).expect(200).await;
            paged.extend(page.items().to_vec());
            next = page.body["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        }
        assert_eq!(paged, all);
        assert_eq!(review(&world, Member(Admin), &format!("stakeholder_id={}", world.seed.stakeholders["mitra"])).await.len(), 1);
        world.get(Member(Lead), "access/review?sort=role&state=x").expect(400).await;

        // A partner who left is there on the days before, and gone today.
        world.clock.advance(TimeDelta::days(3));
        let partner = of(&world, "partner").await;
        let why = json!({"reason": "Pindah tugas."});
        world.post(Member(Lead), &format!("{}/end", path(&partner))).if_match(&etag(&partner)).json(why).expect(200).await;
        assert!(review(&world, Member(Lead), "role=partner").await.is_empty());
        assert_eq!(review(&world, Member(Lead), "role=partner&as_of=2026-01-17").await.len(), 1);
        assert_eq!(review(&world, Member(Lead), "role=partner&as_of=2026-01-17T05:00:00Z").await.len(), 1);
        for moment in ["seq:1", "2026-01-18", "2030-01-01T00:00:00Z", "yesterday"] {
            world.get(Member(Lead), &format!("access/review?as_of={moment}")).expect(400).await;
        }
        // Before there was anything.
        assert!(review(&world, Member(Lead), "as_of=1999-12-31").await.is_empty());
        world.verify();
    }
}

story! {
    async fn what_an_account_may_do_is_told_with_why(world) {
        let partner = world.account(&Member(Partner));
        let access = format!("accounts/{partner}/access");
        let told = world.get(Member(Lead), &access).expect(200).await.body;
        let given = &told["memberships"][0];
        assert_eq!((&given["because"], &given["role"], &given["program"]), (&json!("holds"), &json!("partner"), &json!("jakarta")));
        let actions = given["actions"].as_array().unwrap();
        assert!(actions.contains(&json!("input.send")) && !actions.contains(&json!("input.decide")));
        assert_eq!((&told["admin"], &told["admin_actions"]), (&json!(null), &json!([])));
        // Of another programme's account nothing is known here, not even that it is there.
        let stranger = world.get(Neighbour(Lead), &access).expect(404).await;
        let nobody = world.get(Neighbour(Lead), "accounts/01920000-0000-7000-8000-000000000001/access").expect(404).await;
        assert_eq!(stranger.body["title"], nobody.body["title"]);
        world.get(Member(Facilitator), &access).expect(403).await;
        let admin = world.get(Member(Admin), &format!("accounts/{}/access", world.account(&Member(Admin)))).expect(200).await.body;
        assert_eq!((&admin["admin"], &admin["memberships"]), (&json!(true), &json!([])));
        assert!(admin["admin_actions"].as_array().unwrap().contains(&json!("account.lock")));

        world.clock.advance(TimeDelta::days(2));
        world.prove(&Member(Admin));
        let account = world.get(Member(Admin), &format!("accounts/{partner}")).expect(200).await;
        world.post(Member(Admin), &format!("accounts/{partner}/lock")).if_match(&account.etag()).json(json!({"reason": "Cuti."})).expect(200).await;
        let because = async |query: &str| world.get(Member(Admin), &format!("{access}{query}")).expect(200).await.body["memberships"][0]["because"].clone();
        assert_eq!((because("").await, because("?as_of=2026-01-16").await), (json!("account_not_active"), json!("holds")));
        let one = of(&world, "partner").await;
        world.post(Member(Lead), &format!("{}/end", path(&one))).if_match(&etag(&one)).json(json!({"reason": "Selesai."})).expect(200).await;
        assert_eq!(because("").await, json!("ended"));
        world.get(Member(Admin), &format!("{access}?as_of=seq:1")).expect(400).await;
        world.get(Member(Admin), &format!("{access}?as_of=soon")).expect(400).await;
        world.verify();
    }
}

story! {
    async fn a_table_of_the_review_holds_no_formula(world) {
        let account = world.account(&Member(Partner));
        let known = world.get(Member(Admin), &format!("accounts/{account}")).expect(200).await;
        let evil = json!({"name": "=HYPERLINK(\"https://evil.example\",\"klik\")"});
        world.patch(Member(Admin), &format!("accounts/{account}")).if_match(&known.etag()).patch(evil).expect(200).await;
        let table = world.get(Member(Lead), "access/review").header("accept", "text/csv").expect(200).await;
        assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
        let lines: Vec<&str> = table.text.trim_end().split("\r\n").collect();
        assert_eq!(lines.len(), 7);
        assert!(lines[0].starts_with("program,account_name,role,organisation,holds"));
        let evil = lines.iter().find(|line| line.contains(",partner,")).unwrap();
        assert!(evil.contains("\"'=HYPERLINK(\"\"https://evil.example\"\",\"\"klik\"\")\""), "{evil}");
        let both = world.get(Member(Admin), "access/review").header("accept", "text/csv, application/json;q=0.5").expect(200).await;
        assert!(both.text.lines().count() > 7);
        world.get(Member(Lead), "access/review").header("accept", "text/html").expect(406).await;
        world.verify();
    }
}
