//! How much each caller may ask.

use chrono::TimeDelta;
use serde_json::json;
use tangguh::{
    limits::{Quota, Quotas},
    policy::Role::*,
};

use crate::{clients::client, harness::*};

/// A world with limits, ten seconds after the beginning of a minute; and the seconds until its day ends.
fn limited(kind: Kind, accounts: &str, visitors: &str) -> (World, i64) {
    let quotas =
        Quotas { accounts: accounts.parse().unwrap(), clients: Quota::NONE, visitors: visitors.parse().unwrap() };
    let world = World::with(kind, |settings| settings.quotas = quotas).unwrap();
    world.clock.advance(TimeDelta::seconds(70 - world.clock.now().timestamp() % 60));
    let day = 24 * 60 * 60;
    let left = day - world.clock.now().timestamp() % day;
    (world, left)
}

fn left(reply: &Reply) -> &str {
    reply.header("ratelimit").unwrap_or("none")
}

story! {
    async fn an_account_asks_so_much_in_a_minute_and_in_a_day(world) {
        let (world, day) = limited(world.kind, "3/6", "2/100");
        let first = world.get(Member(Observer), "{p}").expect(200).await;
        assert_eq!(first.header("ratelimit-policy"), Some("\"burst\";q=3;w=60, \"daily\";q=6;w=86400"));
        assert_eq!(left(&first), format!("\"burst\";r=2;t=50, \"daily\";r=5;t={day}"));
        // What somebody has already does not count.
        let same = world.get(Member(Observer), "{p}").header("if-none-match", &first.etag()).expect(304).await;
        assert_eq!(left(&same), left(&first));
        let told = world.get(Member(Observer), "me/limits").expect(200).await;
        let burst = json!({"name": "burst", "quota": 3, "window_seconds": 60, "remaining": 1, "resets_in_seconds": 50});
        assert_eq!(told.body["policies"][0], burst);
        // What is refused for another reason counts too.
        let forbidden = world.get(Member(Observer), "{p}/ledger").expect(403).await;
        assert_eq!(left(&forbidden), format!("\"burst\";r=0;t=50, \"daily\";r=3;t={day}"));
        let refused = world.get(Member(Observer), "{p}").expect(429).await;
        assert_eq!((refused.problem(), refused.header("retry-after")), ("too-many-requests", Some("50")));
        assert_eq!(left(&refused), left(&forbidden));
        // Others are not in its way, nor is it in theirs.
        world.get(Member(Lead), "{p}").expect(200).await;

        world.clock.advance(TimeDelta::seconds(50));
        for _ in 0..3 {
            world.get(Member(Observer), "{p}").expect(200).await;
        }
        world.clock.advance(TimeDelta::seconds(60));
        let refused = world.get(Member(Observer), "{p}").expect(429).await;
        let day = day - 110;
        assert_eq!(left(&refused), format!("\"burst\";r=3;t=60, \"daily\";r=0;t={day}"));
        assert_eq!(refused.header("retry-after"), Some(day.to_string().as_str()));
    }
}

story! {
    async fn visitors_count_by_their_address_and_so_do_tokens_that_do_not_hold(world) {
        let (world, _) = limited(world.kind, "100/100", "2/100");
        world.get(Nobody, "{p}").expect(401).await;
        world.get(Bearer("nonsense".into()), "{p}").expect(401).await;
        assert_eq!(world.get(Nobody, "{p}").expect(429).await.problem(), "too-many-requests");
        // The public view is the same for all: it is limited, and tells nobody what is left.
        assert_eq!(world.get(Nobody, "public/programs").expect(429).await.header("ratelimit"), None);
        world.get(Nobody, "public/programs").from("192.0.2.2").expect(200).await;
        world.get(Member(Observer), "{p}").expect(200).await;
        // What asks how the service is, is never refused.
        world.get(Nobody, "//livez").expect(200).await;
    }
}

story! {
    async fn a_client_is_in_a_class_of_its_own(world) {
        let quotas = Quotas { accounts: Quota::NONE, clients: "2/9".parse().unwrap(), visitors: Quota::NONE };
        let world = World::with(world.kind, |settings| settings.quotas = quotas).unwrap();
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.read"])).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", made.id());
        let mut bearers = Vec::new();
        for revision in ["\"1\"", "\"2\""] {
            let key = world.post(Member(Partner), &keys).if_match(revision).json(json!({})).expect(201).await;
            bearers.push(Bearer(key.body["key"].as_str().unwrap().to_owned()));
        }
        // Both of its keys count together, and nobody else with them.
        for bearer in &bearers {
            world.get(bearer.clone(), "{p}/inputs").expect(200).await;
        }
        world.get(bearers[0].clone(), "{p}/inputs").expect(429).await;
        assert_eq!(world.get(Member(Partner), "{p}/inputs").expect(200).await.header("ratelimit"), None);
    }
}
