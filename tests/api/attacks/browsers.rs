//! What a page of another site can make a browser do here, and what it can read of it.

use actix_web::http::Method;
use tangguh::policy::Role::*;

use crate::{harness::*, operations::*};

const ELSEWHERE: &str = "https://elsewhere.example";
const DASHBOARD: &str = "https://dashboard.example";

fn with_dashboard(kind: Kind) -> World {
    World::with(kind, |settings| settings.cors_origins = vec![DASHBOARD.into()]).unwrap()
}

async fn preflight(world: &World, origin: &str, method: &str, path: &str) -> Reply {
    let ask = world.ask(Nobody, Method::OPTIONS, path).header("origin", origin);
    let ask = ask.header("access-control-request-method", method);
    ask.header("access-control-request-headers", "authorization, content-type, if-match").send().await
}

story! {
    async fn a_site_that_nobody_named_may_ask_for_what_is_public_and_for_nothing_else(world) {
        let preflight = async |path: &str| {
            let ask = world.ask(Nobody, Method::OPTIONS, path).header("origin", "https://anywhere.example");
            ask.header("access-control-request-method", "GET").header("access-control-request-headers", "if-none-match").send().await
        };
        let allowed = preflight("public/programs").await;
        assert!(allowed.status.is_success(), "{}", allowed.text);
        assert_eq!(allowed.header("access-control-allow-origin"), Some("*"));
        assert_eq!(preflight("programs").await.header("access-control-allow-origin"), None);
    }
}

story! {
    async fn another_site_is_let_into_nothing_that_is_not_public(world) {
        let world = with_dashboard(world.kind);
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let who = signed_in(&world, &Member(Lead));
        let like_ours = [
            "null", ELSEWHERE, "http://dashboard.example", "https://dashboard.example:8443", "https://dashboard.example.elsewhere.example",
            "https://elsewhere.example/dashboard.example", "https://dashboard.example@elsewhere.example", "https://DASHBOARD.example.",
        ];
        let closed = OPERATIONS.iter().filter(|operation| operation.action.is_some());
        for (number, operation) in closed.enumerate() {
            let (path, method) = (things.fill(&operation.path), operation.method.as_str());
            let origin = like_ours[number % like_ours.len()];
            let asked = preflight(&world, origin, method, &path).await;
            assert_eq!(asked.header("access-control-allow-origin"), None, "{method} {path} from {origin}");
            // And of what is sent without asking first, nothing can be read.
            if operation.method == Method::GET {
                let sent = things.ask(&world, who.clone(), operation).header("origin", origin).send().await;
                assert_eq!(sent.header("access-control-allow-origin"), None, "{method} {path} from {origin}");
            }
            let asked = preflight(&world, DASHBOARD, method, &path).await;
            assert_eq!(asked.header("access-control-allow-origin"), Some(DASHBOARD), "{method} {path}: {}", asked.text);
        }
    }
}

story! {
    async fn nothing_here_goes_by_what_a_browser_sends_by_itself(world) {
        let world = with_dashboard(world.kind);
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        for operation in OPERATIONS.iter() {
            for (who, origin) in [(operation.who_may(), DASHBOARD), (Nobody, ELSEWHERE)] {
                let ask = things.ask(&world, signed_in(&world, &who), operation).if_match("\"999.none\"");
                let reply = ask.header("origin", origin).send().await;
                assert_eq!(reply.header("set-cookie"), None, "{} sets a cookie", operation.id);
                let credentials = reply.header("access-control-allow-credentials");
                assert_eq!(credentials, None, "{} lets {origin} send credentials", operation.id);
            }
        }
    }
}

story! {
    async fn no_form_of_another_site_does_anything(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let heads = world.heads();
        // What a page may send without asking first. Even if the browser had a token to send, it would not do.
        let simple = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];
        let writing = OPERATIONS.iter().filter(|operation| operation.body().is_some());
        for operation in writing {
            let who = signed_in(&world, &operation.who_may());
            let body = things.good(operation).unwrap().to_string();
            for media in simple {
                let ask = world.ask(who.clone(), operation.method.clone(), &things.fill(&operation.path));
                let ask = ask.if_match("\"1\"").header("content-type", media).header("origin", ELSEWHERE);
                let reply = ask.bytes(body.clone().into_bytes()).send().await;
                assert_eq!(reply.status, 415, "{} takes {media:?}: {}", operation.id, reply.text);
            }
        }
        assert_eq!(world.heads(), heads);
    }
}

story! {
    async fn a_method_is_the_one_that_was_sent(world) {
        let made = world.question().await;
        let path = format!("{{p}}/questions/{}", made.id());
        for name in ["x-http-method-override", "x-http-method", "x-method-override", "_method"] {
            for method in ["DELETE", "PATCH", "POST"] {
                let reply = world.get(Member(Lead), &path).header(name, method).expect(200).await;
                assert_eq!(reply.etag(), made.etag());
            }
        }
        for method in ["TRACE", "CONNECT", "PROPFIND", "DEBUG"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            world.ask(Member(Lead), method, &path).expect(405).await;
        }
        world.verify();
    }
}
