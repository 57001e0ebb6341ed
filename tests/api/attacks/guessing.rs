//! Guesses, until one is right: at passwords, at sign-in and after it, and mail that is had sent without end.

use chrono::TimeDelta;
use futures_util::future::{join, join_all};
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    resets::{NEW, change, forgot, move_to},
    sign_ins::{log_in, with_password},
};

story! {
    async fn ten_failures_close_an_account_for_a_quarter_of_an_hour(world) {
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        for email in ["lead@jakarta.example", "nobody@jakarta.example"] {
            for number in 0..10 {
                let spelt = if number % 2 == 0 { email.to_uppercase() } else { email.to_owned() };
                log_in(&world, &spelt, "not the right password").expect(401).await;
            }
            let closed = log_in(&world, email, PASSWORD).expect(429).await;
            assert_eq!((closed.problem(), closed.header("retry-after")), ("too-many-requests", Some("900")), "{email}");
        }
        log_in(&world, "agency@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
        let closed = log_in(&world, "lead@jakarta.example", PASSWORD).expect(429).await;
        assert_eq!(closed.header("retry-after"), Some("1"));
        world.clock.advance(TimeDelta::seconds(1));
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
    }
}

story! {
    async fn failures_at_once_and_on_two_instances_are_all_counted(world) {
        let twin = world.twin();
        let fail = |world| log_in(world, "nobody@jakarta.example", "not the right password").send();
        for _ in 0..5 {
            let (one, two) = join(fail(&world), fail(&twin)).await;
            assert_eq!((one.status.as_u16(), two.status.as_u16()), (401, 401), "{} {}", one.text, two.text);
        }
        fail(&twin).await.expect(429);
    }
}

story! {
    async fn a_hundred_failures_close_an_address_whatever_its_headers_say(world) {
        with_password(&world, &Member(Lead));
        for number in 0..100 {
            log_in(&world, &format!("nobody-{number}@example.org"), "not the right password")
                .from("203.0.113.5").header("x-forwarded-for", &format!("198.51.100.{number}")).expect(401).await;
        }
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.5").expect(429).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.5").header("x-forwarded-for", "192.0.2.77").expect(429).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.6").expect(200).await;
    }
}

story! {
    async fn behind_a_trusted_proxy_the_forwarded_address_counts(world) {
        let world = World::with(world.kind, |settings| settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]).unwrap();
        with_password(&world, &Member(Lead));
        let through = |email: &str, password, header, value: &str| log_in(&world, email, password).from("10.0.0.1").header(header, value);
        for number in 0..100 {
            // What the client itself sends stands before what the proxy adds.
            let chain = format!("198.51.100.{number}, 203.0.113.5");
            through(&format!("nobody-{number}@example.org"), "not the right password", "x-forwarded-for", &chain).expect(401).await;
        }
        through("lead@jakarta.example", PASSWORD, "x-forwarded-for", "203.0.113.5").expect(429).await;
        through("lead@jakarta.example", PASSWORD, "forwarded", "for=203.0.113.5;proto=https").expect(429).await;
        through("lead@jakarta.example", PASSWORD, "x-forwarded-for", "203.0.113.6").expect(200).await;
        through("lead@jakarta.example", PASSWORD, "forwarded", "for=203.0.113.6").expect(200).await;
    }
}

story! {
    async fn an_address_gets_three_mails_in_a_quarter_of_an_hour(world) {
        for email in ["lead@jakarta.example", "nobody@jakarta.example"] {
            for number in 0..3 {
                forgot(&world, email).from(&format!("203.0.113.{number}")).expect(202).await;
            }
            let refused = forgot(&world, &email.to_uppercase()).from("203.0.113.9").expect(429).await;
            assert_eq!((refused.problem(), refused.header("retry-after")), ("too-many-requests", Some("900")));
        }
        for number in 0..30 {
            forgot(&world, &format!("nobody-{number}@example.org")).from("198.51.100.1").expect(202).await;
        }
        forgot(&world, "nobody-30@example.org").from("198.51.100.1").expect(429).await;
        forgot(&world, "nobody-30@example.org").from("198.51.100.2").expect(202).await;
        world.clock.advance(TimeDelta::minutes(15));
        forgot(&world, "lead@jakarta.example").from("198.51.100.1").expect(202).await;
    }
}

story! {
    async fn guesses_at_the_present_password_are_counted(world) {
        with_password(&world, &Member(Lead));
        for number in 0..10 {
            let guess = if number % 2 == 0 {
                change(&world, Member(Lead), "not the right password", NEW)
            } else {
                move_to(&world, Member(Lead), "not the right password", "baru@example.org")
            };
            guess.expect(422).await;
        }
        change(&world, Member(Lead), PASSWORD, NEW).expect(429).await;
        move_to(&world, Member(Lead), PASSWORD, "baru@example.org").expect(429).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(429).await;
        world.clock.advance(TimeDelta::minutes(15));
        change(&world, Member(Lead), PASSWORD, NEW).expect(204).await;
    }
}

story! {
    async fn many_guesses_at_once_are_no_more_than_one_after_the_other(world) {
        with_password(&world, &Member(Lead));
        let twin = world.twin();
        // Thirty, sent before the first is counted.
        let tries = (0..30).map(|number| {
            let instance = if number % 2 == 0 { &world } else { &twin };
            log_in(instance, "lead@jakarta.example", &format!("guess number {number}")).send()
        });
        let answers = join_all(tries).await;
        let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!(count(401) + count(429) + count(503), 30);
        // Each thread that writes may be in the middle of one when the tenth is counted: there are four.
        assert!(count(401) <= 10 + 3, "{} guesses were looked at", count(401));
        let closed = count(401) >= 10;
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(if closed { 429 } else { 200 }).await;
    }
}
