//! Whoever asks who is here, which programmes there are, or whose address something is.

use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::json;
use tangguh::{
    password::{self, Cost},
    policy::Role::*,
    schema::one_time_tokens,
};

use crate::{
    harness::*,
    operations::{OPERATIONS, Things, signed_in},
    post_office::PostOffice,
    resets::{forgot, move_to},
    sign_ins::{log_in, with_password},
};

/// All that an answer tells, but for what differs with each request.
fn told(reply: &Reply) -> (u16, String, Vec<String>) {
    let mut body = reply.body.clone();
    body.as_object_mut().unwrap().remove("request_id");
    let mut names: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "x-request-id" => name.to_string(),
            _ => format!("{name}: {}", value.to_str().unwrap()),
        })
        .collect();
    names.sort();
    (reply.status.as_u16(), body.to_string(), names)
}

story! {
    async fn whoever_guesses_learns_nothing(world) {
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        let agency = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &agency).expect(200).await.etag();
        world.post(Member(Admin), &format!("{agency}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        let wrong = log_in(&world, "lead@jakarta.example", "not the right password").expect(401).await;
        assert_eq!((wrong.problem(), wrong.header("www-authenticate")), ("invalid-credentials", Some("Bearer")));
        for (email, password) in [
            ("nobody@jakarta.example", PASSWORD),
            ("agency@jakarta.example", PASSWORD), // locked
            ("observer@jakarta.example", PASSWORD), // has never set one
        ] {
            let answer = log_in(&world, email, password).send().await;
            assert_eq!(told(&answer), told(&wrong), "{email}");
        }
    }
}

story! {
    async fn every_sign_in_does_one_hash_of_work(world) {
        // With every place at the gate taken nobody gets an answer: so everybody has come to it.
        with_password(&world, &Member(Lead));
        let gate = &world.service.passwords;
        let _places = (gate.acquire().await.unwrap(), gate.acquire().await.unwrap());
        let tries = ["lead@jakarta.example", "nobody@jakarta.example", "observer@jakarta.example"];
        for answer in join_all(tries.map(|email| log_in(&world, email, PASSWORD).send())).await {
            assert_eq!((answer.status.as_u16(), answer.problem()), (503, "busy"), "{}", answer.text);
            assert!(answer.header("retry-after").is_some());
        }
    }
}

#[test]
fn a_decoy_costs_what_a_hash_costs() {
    for cost in [Cost::Full, Cost::Test] {
        let parameters = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(&password::hash("any", cost).unwrap()), parameters(password::decoy(cost)));
        assert!(!password::verify("any", password::decoy(cost)));
    }
}

story! {
    async fn whoever_asks_for_a_reset_learns_nothing(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        let agency = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &agency).expect(200).await.etag();
        world.post(Member(Admin), &format!("{agency}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        let mut answers = Vec::new();
        // Somebody's, nobody's, a locked one, one that never had a password.
        for email in ["lead@jakarta.example", "nobody@jakarta.example", "agency@jakarta.example", "observer@jakarta.example"] {
            let answer = forgot(&world, email).expect(202).await;
            let mut headers: Vec<String> = answer.headers.iter().filter(|(name, _)| name.as_str() != "x-request-id")
                .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            headers.sort();
            answers.push((answer.text, headers));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        // Each left one mail to be sent and no token: the work was the same, whoever has the address.
        let listed = world.get(Member(Admin), "mails?state=waiting").expect(200).await;
        assert_eq!(listed.items().len(), 4);
        let tokens: i64 = one_time_tokens::table.count().get_result(&mut world.conn()).unwrap();
        assert_eq!(tokens, 0);
        let mail = office.only(office.deliver(&world).await);
        assert_eq!(mail.to, ["lead@jakarta.example"]);
        assert_eq!(world.get(Member(Admin), "mails").expect(200).await.items().len(), 1, "the others are gone");
    }
}

story! {
    async fn whether_an_address_is_taken_is_not_told(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let taken = move_to(&world, Member(Lead), PASSWORD, "agency@jakarta.example").expect(202).await;
        let free = move_to(&world, Member(Lead), PASSWORD, "ketua@example.org").expect(202).await;
        assert_eq!(taken.text, free.text);
        let mail = office.only(office.deliver(&world).await);
        assert_eq!(mail.to, ["ketua@example.org"]);
        // Meanwhile somebody else gets it.
        world.post(Member(Admin), "accounts").json(json!({"email": "Ketua@example.org", "name": "Lain"})).expect(201).await;
        let late = world.post(Nobody, "auth/email-changes").json(json!({"email_token": mail.token()})).expect(409).await;
        assert_eq!((late.problem(), late.body["errors"][0]["code"].as_str()), ("conflict", Some("taken")));
        world.clock.advance(TimeDelta::hours(24));
        world.post(Nobody, "auth/email-changes").json(json!({"email_token": mail.token()})).expect(401).await;
    }
}

story! {
    async fn a_programme_of_others_is_as_one_that_is_not_there(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let nothing = things.under("nowhere");
        let of_program = OPERATIONS.iter().filter(|operation| operation.action.is_some());
        for operation in of_program.filter(|operation| operation.path.contains("{program}")) {
            for who in [Outsider, Neighbour(Lead)] {
                let who = signed_in(&world, &who);
                let of_others = things.ask(&world, who.clone(), operation).if_match("\"1\"").send().await;
                let of_nobody = nothing.ask(&world, who, operation).if_match("\"1\"").send().await;
                let (status, body, headers) = told(&of_others);
                assert_eq!((status, body.replace("jakarta", "nowhere"), headers), told(&of_nobody), "{}", operation.id);
            }
        }
        // Nor where a query, a body or another thing names it.
        let invite = |program: &str| {
            let body = json!({"email": "rani@dinas.example", "membership": {"program": program, "role": "observer",
                "stakeholder_id": world.seed.stakeholders["dinas"]}});
            world.post(Neighbour(Lead), "invitations").json(body).send()
        };
        assert_eq!(told(&invite("jakarta").await), told(&invite("nowhere").await));
        for path in ["access/review?program=", "access/explain?action=question.revise&on="] {
            let of = |program: &str| world.get(Neighbour(Lead), &format!("{path}{program}")).send();
            let (of_others, of_nobody) = (told(&of("jakarta").await), told(&of("nowhere").await));
            assert_eq!((of_others.0, of_others.1.replace("jakarta", "nowhere")), (of_nobody.0, of_nobody.1), "{path}");
        }
        for id in [world.account(&Member(Agency)).to_string(), uuid::Uuid::now_v7().to_string()] {
            world.get(Neighbour(Lead), &format!("accounts/{id}/access")).expect(404).await;
        }
    }
}
