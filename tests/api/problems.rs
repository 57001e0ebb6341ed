//! What every failure has in common.

use actix_web::http::Method;
use diesel::prelude::*;
use serde_json::json;
use tangguh::{policy::Role::*, schema::ledger_rows};

use crate::{
    harness::*,
    operations::{OPERATIONS, Things, signed_in},
};

story! {
    async fn a_problem_speaks_the_readers_language(world) {
        let bad = json!({"text": {"id": ""}, "nonsense": 1});
        let refused = |language| world.post(Member(Lead), "{p}/questions").header("accept-language", language).json(bad.clone()).expect(422);
        let (id, en) = (refused("id-ID, en;q=0.5").await, refused("fr, en;q=0.5, id;q=0.1").await);
        assert_eq!((id.header("content-language"), en.header("content-language")), (Some("id"), Some("en")));
        for member in ["title", "detail"] {
            assert_ne!(id.body[member], en.body[member], "{member}");
        }
        assert_ne!(id.body["errors"][0]["detail"], en.body["errors"][0]["detail"]);
        assert_eq!((id.pointers(), id.problem()), (en.pointers(), en.problem()));
        assert_eq!(id.header("content-type"), Some("application/problem+json"));
        let neither = refused("fr").await;
        assert_eq!(neither.header("content-language"), Some("en"));
        for told in ["Authorization", "Accept-Language"] {
            assert!(id.header("vary").unwrap().contains(told), "{told}");
        }
    }
}

story! {
    async fn a_problem_from_before_the_handler_does_too(world) {
        for (path, who, status) in [("nowhere", Nobody, 404), ("me", Nobody, 401), ("{p}/questions?x=1", Member(Lead), 400), ("programs/porto", Member(Lead), 404)] {
            let told = world.get(who, path).header("accept-language", "id").expect(status).await;
            assert_eq!(told.header("content-language"), Some("id"), "{path}");
            assert_eq!(told.body["request_id"].as_str(), told.header("x-request-id"), "{path}");
            assert_eq!(told.body["instance"], format!("/api/v1/{}", path.replace("{p}", "programs/jakarta").split('?').next().unwrap()));
            assert_eq!(told.body["status"], status);
        }
    }
}

story! {
    async fn the_type_of_a_problem_is_a_page(world) {
        let told = world.get(Nobody, "nowhere").expect(404).await;
        let page = told.body["type"].as_str().unwrap().to_owned();
        let page = world.get(Nobody, &format!("/{page}")).header("accept-language", "id").expect(200).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("content-language"), Some("id"));
    }
}

story! {
    async fn the_request_id_is_echoed_and_on_the_ledger(world) {
        let body = json!({"number": 1, "name": {"id": "Satu"}});
        let made = world.post(Member(Lead), "{p}/phases").header("x-request-id", "from-the-client-7").json(body).expect(201).await;
        assert_eq!(made.header("x-request-id"), Some("from-the-client-7"));
        let kept: String = ledger_rows::table
            .filter(ledger_rows::ledger_id.eq(world.program()))
            .order(ledger_rows::sequence.desc())
            .select(ledger_rows::request_id)
            .first(&mut world.conn())
            .unwrap();
        assert_eq!(kept, "from-the-client-7");
    }
}

story! {
    async fn a_request_id_that_is_none_is_replaced(world) {
        for id in ["", "a b", &"x".repeat(101), "evil\"quote é"] {
            let echoed = world.get(Nobody, "meta").header("x-request-id", id).expect(200).await;
            let echoed = echoed.header("x-request-id").unwrap().to_owned();
            assert_ne!(echoed, id);
            assert!(uuid::Uuid::try_parse(&echoed).is_ok(), "{echoed}");
        }
        let one = world.get(Nobody, "meta").expect(200).await;
        let two = world.get(Nobody, "meta").expect(200).await;
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
    }
}

story! {
    async fn a_forbidden_act_says_where_to_ask_why(world) {
        let asked = json!({"number": 1, "name": {"id": "Satu"}});
        let refused = world.post(Member(Observer), "{p}/phases").json(asked).expect(403).await;
        assert_eq!(refused.problem(), "forbidden");
        let path = refused.body["explain"].as_str().unwrap().strip_prefix("/api/v1/").unwrap().to_owned();
        world.get(Member(Observer), &path).expect(200).await;
    }
}

story! {
    async fn a_zero_byte_in_a_path_finds_nothing(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        for operation in OPERATIONS.iter().filter(|operation| operation.method == Method::GET) {
            let who = signed_in(&world, &operation.who_may());
            for parameter in operation.parameters("path") {
                let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                for nothing in ["%00", "a%00b"] {
                    let path = things.fill(&operation.path.replace(&name, nothing));
                    let reply = world.get(who.clone(), &path).send().await;
                    assert_eq!(reply.status, 404, "{} {path}: {}", operation.id, reply.text);
                }
            }
        }
    }
}
