//! What stands in front of every handler.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use tangguh::policy::Role::*;

use crate::{harness::*, operations::OPERATIONS};

story! {
    async fn every_answer_has_the_security_headers(world) {
        for (who, path, status) in [(Nobody, "meta", 200), (Nobody, "//livez", 200), (Nobody, "nowhere", 404), (Nobody, "me", 401), (Member(Lead), "{p}/questions", 200)] {
            let answer = world.get(who, path).expect(status).await;
            for (name, value) in [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"), ("strict-transport-security", "max-age=31536000; includeSubDomains"), ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")] {
                assert_eq!(answer.header(name), Some(value), "{path}");
            }
            assert!(answer.header("x-request-id").is_some(), "{path}");
        }
    }
}

story! {
    async fn what_only_a_caller_may_see_is_not_for_shared_caches(world) {
        for path in ["{p}/questions", "{p}", "me", "{p}/ledger", "stakeholders", "programs"] {
            let answer = world.get(Member(Lead), path).expect(200).await;
            assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{path}");
            assert!(answer.header("vary").unwrap().contains("Authorization"), "{path}");
        }
    }
}

story! {
    async fn readiness_asks_the_database_and_life_does_not(world) {
        world.get(Nobody, "//livez").expect(200).await;
        let kind = match world.kind { Kind::Sqlite => "sqlite", Kind::Postgres => "postgresql" };
        assert_eq!(world.get(Nobody, "//readyz").expect(200).await.body["database"], kind);
    }
}

story! {
    async fn metrics_count_requests_by_route_and_status(world) {
        world.get(Member(Lead), "{p}/questions").expect(200).await;
        world.get(Nobody, "{p}/questions").expect(401).await;
        let text = world.get(Nobody, "//metrics").expect(200).await.text;
        assert!(text.contains("/api/v1/programs/{program}/questions"), "{text}");
        assert!(text.contains("401") && !text.contains("jakarta"), "{text}");
    }
}

story! {
    async fn a_browser_of_an_allowed_origin_can_read_a_problem(world) {
        let settings = |settings: &mut tangguh::config::Settings| settings.cors_origins = vec!["https://dashboard.example".into()];
        let world = World::with(world.kind, settings).unwrap();
        let refused = world.get(Nobody, "me").header("origin", "https://dashboard.example").expect(401).await;
        assert_eq!(refused.header("access-control-allow-origin"), Some("https://dashboard.example"));
        assert!(refused.header("access-control-expose-headers").is_some_and(|names| names.contains("etag")));
        let stranger = world.get(Nobody, "me").header("origin", "https://elsewhere.example").send().await;
        assert_eq!(stranger.header("access-control-allow-origin"), None);
    }
}

story! {
    async fn a_method_that_a_path_does_not_know_is_405_and_never_taken_for_another_paths(world) {
        let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for operation in OPERATIONS.iter() {
            paths.entry(&operation.path).or_default().insert(operation.method.as_str());
        }
        for (path, known) in paths {
            let words = path.split('/').map(|word| if word.starts_with('{') { "x" } else { word });
            let path = format!("/{}", words.collect::<Vec<_>>().join("/"));
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if !known.contains(method.as_str()) {
                    let reply = world.ask(Member(Admin), method.clone(), &path).expect(405).await;
                    let allowed = reply.header("allow").unwrap();
                    assert!(known.iter().all(|one| allowed.contains(one)), "{method} {path}: {allowed}");
                }
            }
        }
    }
}
