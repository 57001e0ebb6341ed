//! Forgotten passwords, passwords that are changed, and other addresses.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    post_office::PostOffice,
    sign_ins::{log_in, with_password},
};

pub const NEW: &str = "kuda lumping di bawah hujan";

pub fn forgot<'w>(world: &'w World, email: &str) -> Ask<'w> {
    world.post(Nobody, "auth/password-reset-requests").json(json!({"email": email}))
}

fn reset<'w>(world: &'w World, token: &str, password: &str) -> Ask<'w> {
    world.post(Nobody, "auth/password-resets").json(json!({"reset_token": token, "password": password}))
}

pub fn change<'w>(world: &'w World, who: Who, current: &str, password: &str) -> Ask<'w> {
    world.post(who, "me/password").json(json!({"current_password": current, "password": password}))
}

pub fn move_to<'w>(world: &'w World, who: Who, current: &str, email: &str) -> Ask<'w> {
    world.post(who, "me/email-changes").json(json!({"current_password": current, "email": email}))
}

fn bearer(tokens: &Reply) -> Who {
    Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
}

story! {
    async fn a_token_from_a_mail_sets_a_password_once_and_ends_every_sign_in(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let before = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        forgot(&world, "LEAD@jakarta.example").expect(202).await;
        forgot(&world, "lead@jakarta.example").expect(202).await;
        let mails = office.deliver(&world).await;
        // Both are good, until one is used.
        let [one, two] = &mails[..] else { panic!("{mails:?}") };
        assert_eq!(reset(&world, &one.token(), "123456789012").expect(422).await.pointers(), ["/password"]);
        reset(&world, &one.token(), NEW).expect(204).await;
        assert_eq!(reset(&world, &one.token(), NEW).expect(401).await.problem(), "invalid-token");
        reset(&world, &two.token(), NEW).expect(401).await;
        world.get(bearer(&before), "me").expect(401).await;
        world.get(Member(Lead), "me").expect(401).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(401).await;
        log_in(&world, "lead@jakarta.example", NEW).expect(200).await;
        // Its owner is told.
        let told = office.only(office.deliver(&world).await);
        assert_eq!(told.header("subject"), Some("Your Tangguh password has changed"));
        assert!(!told.text.contains("tgh_"));
        // No token is kept, and none is told.
        let rows = world.get(Member(Admin), "ledger?limit=200").expect(200).await;
        assert!(rows.text.contains("account.reset_password") && !rows.text.contains("tgh_"));
        world.verify();
    }
}

story! {
    async fn a_reset_token_is_good_for_an_hour_and_for_nothing_else(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").expect(202).await;
        let token = office.only(office.deliver(&world).await).token();
        for (path, member) in [("auth/password", "password_token"), ("auth/invitations", "invitation_token"), ("auth/email-changes", "email_token")] {
            let mut body = json!({"password": NEW, "name": "Siapa"});
            let known = |name: &str| path == "auth/invitations" || (name == "password" && path == "auth/password");
            body.as_object_mut().unwrap().retain(|name, _| known(name));
            body[member] = json!(token);
            world.post(Nobody, path).json(body).expect(401).await;
        }
        for wrong in ["x", "tgh_pr_", &token[..token.len() - 1]] {
            assert_eq!(reset(&world, wrong, NEW).expect(401).await.problem(), "invalid-token");
        }
        world.clock.advance(TimeDelta::hours(1));
        reset(&world, &token, NEW).expect(401).await;
    }
}

story! {
    async fn a_reset_opens_an_account_that_guesses_have_closed(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        for _ in 0..10 {
            log_in(&world, "lead@jakarta.example", "not the right password").expect(401).await;
        }
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(429).await;
        forgot(&world, "lead@jakarta.example").expect(202).await;
        let token = office.only(office.deliver(&world).await).token();
        reset(&world, &token, NEW).expect(204).await;
        log_in(&world, "lead@jakarta.example", NEW).expect(200).await;
    }
}

story! {
    async fn a_locked_account_stays_locked_whatever_mail_it_has_got(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Agency));
        forgot(&world, "agency@jakarta.example").expect(202).await;
        move_to(&world, Member(Agency), PASSWORD, "dinas@example.org").expect(202).await;
        let mails = office.deliver(&world).await;
        let agency = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &agency).expect(200).await.etag();
        world.post(Member(Admin), &format!("{agency}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        reset(&world, &mails[0].token(), NEW).expect(401).await;
        world.post(Nobody, "auth/email-changes").json(json!({"email_token": mails[1].token()})).expect(401).await;
    }
}

story! {
    async fn a_changed_password_ends_the_other_sign_ins(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let [one, other] = [(); 2].map(|()| log_in(&world, "lead@jakarta.example", PASSWORD));
        let (one, other) = (one.expect(200).await, other.expect(200).await);
        let wrong = change(&world, bearer(&one), "not the right password", NEW).expect(422).await;
        assert_eq!(wrong.pointers(), ["/current_password"]);
        for (password, code) in [("PassWord1234", "too_common"), ("lead@jakarta.example", "same_as_email")] {
            let refused = change(&world, bearer(&one), PASSWORD, password).expect(422).await;
            assert_eq!((refused.pointers(), refused.body["errors"][0]["code"].as_str()), (vec!["/password"], Some(code)));
        }
        change(&world, bearer(&one), PASSWORD, NEW).expect(204).await;
        world.get(bearer(&one), "me").expect(200).await;
        world.get(bearer(&other), "me").expect(401).await;
        log_in(&world, "lead@jakarta.example", NEW).expect(200).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(401).await;
        let told = office.only(office.deliver(&world).await);
        assert_eq!((told.to, told.headers.iter().any(|(_, value)| value == "Your Tangguh password has changed")), (vec!["lead@jakarta.example".to_owned()], true));
        let rows = world.get(Member(Admin), "ledger?subject_kind=account&sort=-sequence&limit=1").expect(200).await;
        assert_eq!(rows.items()[0]["action"], "me.change_password");
        world.verify();
    }
}

story! {
    async fn an_account_without_a_password_has_none_to_change(world) {
        for reply in [change(&world, Member(Observer), PASSWORD, NEW).expect(409).await, move_to(&world, Member(Observer), PASSWORD, "baru@example.org").expect(409).await] {
            assert_eq!((reply.problem(), reply.body["errors"][0]["code"].as_str()), ("conflict", Some("no_password")));
        }
    }
}

story! {
    async fn another_address_is_the_accounts_once_it_is_confirmed(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        with_password(&world, &Member(Agency));
        move_to(&world, Member(Lead), PASSWORD, "ketua@example.org").expect(202).await;
        forgot(&world, "lead@jakarta.example").expect(202).await;
        let mails = office.deliver(&world).await;
        let confirm = |token: String| world.post(Nobody, "auth/email-changes").json(json!({"email_token": token}));
        assert_eq!(mails[0].to, ["ketua@example.org"]);
        // Until then nothing changes.
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        log_in(&world, "ketua@example.org", PASSWORD).expect(401).await;
        confirm(mails[0].token()).expect(204).await;
        confirm(mails[0].token()).expect(401).await;
        log_in(&world, "ketua@example.org", PASSWORD).expect(200).await;
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(401).await;
        assert_eq!(world.get(Member(Lead), "me").expect(200).await.body["email"], "ketua@example.org");
        // A token that went to the old address does not hold any more, and the old address is told.
        reset(&world, &mails[1].token(), NEW).expect(401).await;
        let told = office.only(office.deliver(&world).await);
        assert_eq!(told.to, ["lead@jakarta.example"]);
        assert!(!told.text.contains("ketua@example.org"));
        let rows = world.get(Member(Admin), "ledger?sort=-sequence&limit=1").expect(200).await;
        assert_eq!(rows.items()[0]["action"], "account.change_email");
        assert!(!rows.text.contains("ketua"));
        world.verify();
    }
}

story! {
    async fn sign_ins_are_listed_and_ended(world) {
        with_password(&world, &Member(Lead));
        let phone = log_in(&world, "lead@jakarta.example", PASSWORD).from("203.0.113.5").header("user-agent", &"x".repeat(300)).expect(200).await;
        world.clock.advance(TimeDelta::minutes(10));
        let desk = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::minutes(1));
        world.post(Nobody, "auth/refresh").json(json!({"refresh_token": phone.body["refresh_token"]})).expect(200).await;
        let own = world.get(bearer(&desk), "me/sign-ins?sort=-created_at&limit=2").expect(200).await;
        assert!(own.body["next_cursor"].is_string());
        let [second, first] = own.items() else { panic!("{}", own.text) };
        assert_eq!((&second["current"], &first["current"], &first["address"]), (&json!(true), &json!(false), &json!("203.0.113.5")));
        assert_eq!(first["user_agent"].as_str().map(str::len), Some(200));
        assert_eq!((&first["made_at"], &first["last_used_at"]), (&json!("2026-01-15T02:00:00.000000Z"), &json!("2026-01-15T02:11:00.000000Z")));
        // An admin sees the same, and when its owner last signed in.
        let path = format!("accounts/{}", world.account(&Member(Lead)));
        let admin = world.get(Member(Admin), &format!("{path}/sign-ins")).expect(200).await;
        assert_eq!((admin.items().len(), &admin.items()[1]["id"], &admin.items()[2]["current"]), (3, &first["id"], &json!(false)));
        assert_eq!(world.get(Member(Admin), &path).expect(200).await.body["last_sign_in_at"], "2026-01-15T02:10:00.000000Z");
        world.get(Member(Lead), &format!("{path}/sign-ins")).expect(403).await;

        let one = format!("me/sign-ins/{}", first["id"].as_str().unwrap());
        world.delete(Member(Agency), &one).expect(404).await;
        world.delete(bearer(&desk), &one).expect(204).await;
        world.delete(bearer(&desk), &one).expect(404).await;
        world.get(bearer(&phone), "me").expect(401).await;
        world.post(Nobody, "auth/refresh").json(json!({"refresh_token": phone.body["refresh_token"]})).expect(401).await;
        world.get(bearer(&desk), "me").expect(200).await;

        world.delete(Member(Secretariat), &format!("{path}/sign-ins")).expect(403).await;
        world.delete(Member(Admin), &format!("{path}/sign-ins")).expect(200).await;
        world.get(bearer(&desk), "me").expect(401).await;
        assert!(world.get(Member(Admin), &format!("{path}/sign-ins")).expect(200).await.items().is_empty());
        world.get(Member(Admin), &format!("accounts/{}/sign-ins", uuid::Uuid::now_v7())).expect(404).await;
        let rows: Vec<Value> = world.get(Member(Admin), "ledger?sort=-sequence&limit=1").expect(200).await.items().to_vec();
        assert_eq!(rows[0]["action"], "account.end_sign_ins");
        // Locked out of nothing: the password still opens.
        log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.verify();
    }
}
