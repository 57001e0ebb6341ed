//! Accounts: made by an admin, opened by a one-time token, locked.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, schema::ledger_rows};

use crate::harness::*;

const WHY: &str = "Purnatugas.";

fn budi() -> Value {
    json!({"email": "Budi.Santoso@Example.org", "name": "Budi Santoso", "language": "en"})
}

pub async fn make(world: &World, body: Value) -> (String, String) {
    let made = world.post(Member(Admin), "accounts").json(body).expect(201).await;
    (made.body["account_id"].as_str().unwrap().to_owned(), made.body["password_token"].as_str().unwrap().to_owned())
}

async fn set_password(world: &World, token: &str) -> Reply {
    world.post(Nobody, "auth/password").json(json!({"password_token": token, "password": PASSWORD})).send().await
}

async fn log_in(world: &World, email: &str) -> Reply {
    world.post(Nobody, "auth/login").json(json!({"email": email, "password": PASSWORD})).send().await
}

pub async fn account(world: &World, id: &str) -> Reply {
    world.get(Member(Admin), &format!("accounts/{id}")).expect(200).await
}

/// Sends an act on an account at the revision that stands now.
pub async fn act(world: &World, who: Who, id: &str, act: &str) -> Reply {
    let now = account(world, id).await;
    world.post(who, &format!("accounts/{id}/{act}")).if_match(&now.etag()).json(json!({"reason": WHY})).send().await
}

async fn renew(world: &World, id: &str) -> Reply {
    let now = account(world, id).await;
    world.post(Member(Admin), &format!("accounts/{id}/password-token")).if_match(&now.etag()).send().await
}

/// Another admin, signed in.
pub async fn second_admin(world: &World) -> (String, Who) {
    let (id, token) = make(world, json!({"email": "admin2@example.org", "name": "Admin Dua", "admin": true})).await;
    set_password(world, &token).await.expect(204);
    let tokens = log_in(world, "admin2@example.org").await.expect(200);
    (id, Bearer(tokens.body["access_token"].as_str().unwrap().to_owned()))
}

story! {
    async fn an_account_is_made_then_opened_by_its_token_then_signed_in_with(world) {
        for who in [Member(Lead), Member(Secretariat), Outsider] {
            world.post(who.clone(), "accounts").json(budi()).expect(403).await;
            world.get(who, "accounts").expect(403).await;
        }
        let made = world.post(Member(Admin), "accounts").json(budi()).expect(201).await;
        let (id, token) = (made.body["account_id"].as_str().unwrap().to_owned(), made.body["password_token"].as_str().unwrap().to_owned());
        assert_eq!(made.header("location").unwrap(), format!("/api/v1/accounts/{id}"));
        assert_eq!((&made.body["expires_at"], made.header("cache-control")), (&json!("2026-01-18T02:00:00.000000Z"), Some("no-store")));
        assert_eq!(account(&world, &id).await.body["state"], "invited");
        log_in(&world, "budi.santoso@example.org").await.expect(401);

        for (password, code) in [("short", "too_short"), ("budi.santoso@example.org", "same_as_email")] {
            let refused = world.post(Nobody, "auth/password").json(json!({"password_token": token, "password": password})).expect(422).await;
            assert_eq!(refused.pointers(), ["/password"], "{code}");
        }
        set_password(&world, &token).await.expect(204);
        assert_eq!(account(&world, &id).await.body["state"], "active");
        // In any case, with blanks or without.
        for email in ["budi.santoso@example.org", "BUDI.SANTOSO@EXAMPLE.ORG", "Budi.Santoso@Example.org"] {
            let tokens = log_in(&world, email).await.expect(200);
            let me = world.get(Bearer(tokens.body["access_token"].as_str().unwrap().into()), "me").expect(200).await;
            assert_eq!((me.id(), &me.body["email"], &me.body["name"]), (id.clone(), &json!("Budi.Santoso@Example.org"), &json!("Budi Santoso")));
        }
        // The token was good once.
        set_password(&world, &token).await.expect(401);
        world.verify();
    }
}

story! {
    async fn a_token_to_set_the_password_holds_for_72_hours(world) {
        let (_, token) = make(&world, budi()).await;
        world.clock.advance(TimeDelta::hours(72) - TimeDelta::microseconds(1));
        let (other, late) = make(&world, json!({"email": "siti@example.org", "name": "Siti"})).await;
        set_password(&world, &token).await.expect(204);
        world.clock.advance(TimeDelta::hours(72));
        let refused = set_password(&world, &late).await.expect(401);
        assert_eq!(refused.problem(), "invalid-token");
        assert_eq!(account(&world, &other).await.body["state"], "invited");
        set_password(&world, "tgh_pw_nonsense").await.expect(401);
        world.verify();
    }
}

story! {
    async fn a_new_token_ends_the_earlier_ones(world) {
        let (id, first) = make(&world, budi()).await;
        let renewed = renew(&world, &id).await.expect(201);
        set_password(&world, &first).await.expect(401);
        let token = renewed.body["password_token"].as_str().unwrap();
        assert_ne!(token, first);
        set_password(&world, token).await.expect(204);
        // For one who forgot: setting it again ends the sign-ins.
        let tokens = log_in(&world, "budi.santoso@example.org").await.expect(200);
        let bearer = Bearer(tokens.body["access_token"].as_str().unwrap().into());
        world.get(bearer.clone(), "me").expect(200).await;
        let renewed = renew(&world, &id).await.expect(201);
        world.get(bearer.clone(), "me").expect(200).await;
        set_password(&world, renewed.body["password_token"].as_str().unwrap()).await.expect(204);
        world.get(bearer, "me").expect(401).await;
        world.post(Nobody, "auth/refresh").json(json!({"refresh_token": tokens.body["refresh_token"]})).expect(401).await;
        world.verify();
    }
}

story! {
    async fn a_lock_ends_the_sign_ins_at_once(world) {
        let (id, token) = make(&world, budi()).await;
        set_password(&world, &token).await.expect(204);
        let tokens = log_in(&world, "budi.santoso@example.org").await.expect(200);
        let bearer = Bearer(tokens.body["access_token"].as_str().unwrap().into());
        world.get(bearer.clone(), "me").expect(200).await;
        let pending = renew(&world, &id).await.expect(201).body["password_token"].as_str().unwrap().to_owned();

        let locked = act(&world, Member(Admin), &id, "lock").await.expect(200);
        assert_eq!(locked.body["state"], "locked");
        world.get(bearer.clone(), "me").expect(401).await;
        world.post(Nobody, "auth/refresh").json(json!({"refresh_token": tokens.body["refresh_token"]})).expect(401).await;
        log_in(&world, "budi.santoso@example.org").await.expect(401);
        set_password(&world, &pending).await.expect(401);
        assert_eq!(renew(&world, &id).await.expect(409).problem(), "wrong-state");
        act(&world, Member(Admin), &id, "lock").await.expect(409);

        let unlocked = act(&world, Member(Admin), &id, "unlock").await.expect(200);
        assert_eq!(unlocked.body["state"], "active");
        act(&world, Member(Admin), &id, "unlock").await.expect(409);
        world.get(bearer, "me").expect(401).await;
        log_in(&world, "budi.santoso@example.org").await.expect(200);
        // One that never had a password is invited again.
        let (other, _) = make(&world, json!({"email": "siti@example.org", "name": "Siti"})).await;
        act(&world, Member(Admin), &other, "lock").await.expect(200);
        assert_eq!(act(&world, Member(Admin), &other, "unlock").await.expect(200).body["state"], "invited");
        world.verify();
    }
}

story! {
    async fn an_address_belongs_to_one_account_in_any_case(world) {
        let (id, _) = make(&world, budi()).await;
        let mut same = budi();
        same["email"] = json!("  BUDI.santoso@example.ORG ");
        let blank = world.post(Member(Admin), "accounts").json(same.clone()).send().await;
        assert!([409, 422].contains(&blank.status.as_u16()), "{}", blank.text);
        same["email"] = json!("BUDI.santoso@example.ORG");
        let taken = world.post(Member(Admin), "accounts").json(same).expect(409).await;
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/email"]));
        for email in ["nonsense", "@example.org", "a@b@c"] {
            assert_eq!(world.post(Member(Admin), "accounts").json(json!({"email": email, "name": "Siapa"})).expect(422).await.pointers(), ["/email"]);
        }
        let (other, _) = make(&world, json!({"email": "siti@example.org", "name": "Siti"})).await;
        let now = account(&world, &other).await;
        let taken = world.patch(Member(Admin), &format!("accounts/{other}")).if_match(&now.etag()).patch(json!({"email": "Budi.Santoso@example.org"})).expect(409).await;
        assert_eq!(taken.pointers(), ["/email"]);
        let found = world.get(Member(Admin), "accounts?email=budi.SANTOSO@example.org").expect(200).await;
        assert_eq!((found.items().len(), &found.items()[0]["id"]), (1, &json!(id)));
        assert!(world.get(Member(Admin), "accounts?email=nobody@example.org").expect(200).await.items().is_empty());
        assert_eq!(world.get(Member(Admin), "accounts?state=invited").expect(200).await.items().len(), 2);
        world.verify();
    }
}

story! {
    async fn personal_data_stands_neither_on_the_ledger_nor_in_history(world) {
        let (id, _) = make(&world, budi()).await;
        let now = account(&world, &id).await;
        let path = format!("accounts/{id}");
        let edited = world.patch(Member(Admin), &path).if_match(&now.etag()).patch(json!({"name": "Budi S.", "email": "budi@example.org"})).expect(200).await;
        assert_eq!((&edited.body["name"], &edited.body["email"], &edited.body["revision"]), (&json!("Budi S."), &json!("budi@example.org"), &json!(2)));
        assert_eq!(edited.etag(), account(&world, &id).await.etag());
        world.patch(Member(Admin), &path).if_match(&edited.etag()).patch(json!({"name": null})).expect(422).await;

        let history = world.get(Member(Admin), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().len(), 2);
        let mut told = history.text.to_lowercase();
        told += &world.get(Member(Admin), "ledger?limit=200").expect(200).await.text.to_lowercase();
        let bodies: Vec<Option<String>> = ledger_rows::table.select(ledger_rows::body).load(&mut world.conn()).unwrap();
        told += &bodies.into_iter().flatten().collect::<String>().to_lowercase();
        for personal in ["budi", "santoso", "jakarta.example", "test lead"] {
            assert!(!told.contains(personal), "{personal}");
        }
        // Others are told the name of a member, and not the address.
        let part = json!({"account_id": id, "stakeholder_id": world.seed.stakeholders["dinas"], "role": "observer", "from_on": "2026-01-01"});
        let part = world.post(Member(Lead), "{p}/memberships").json(part).expect(201).await;
        assert!(!part.text.to_lowercase().contains("budi"));
        let read = world.get(Member(Lead), &format!("{{p}}/memberships/{}?expand=account", part.id())).expect(200).await;
        assert_eq!(read.body["expanded"]["account"], json!({"id": id, "name": "Budi S."}));
        world.verify();
    }
}

story! {
    async fn people_edit_their_own_name_and_language_and_no_more(world) {
        let me = world.get(Member(Partner), "me").expect(200).await;
        let edited = world.patch(Member(Partner), "me").if_match(&me.etag()).patch(json!({"name": "Rina", "language": "id"})).expect(200).await;
        assert_eq!((&edited.body["name"], &edited.body["language"], &edited.body["email"]), (&json!("Rina"), &json!("id"), &me.body["email"]));
        for (patch, pointer) in [(json!({"admin": true}), "/admin"), (json!({"email": "rina@example.org"}), "/email"), (json!({"state": "active"}), "/state"), (json!({"name": ""}), "/name")] {
            let refused = world.patch(Member(Partner), "me").if_match(&edited.etag()).patch(patch).expect(422).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        // Another's account is an admin's business.
        world.get(Member(Partner), &format!("accounts/{}", me.id())).expect(403).await;
        assert_eq!(account(&world, &me.id()).await.body["revision"], edited.body["revision"]);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_an_account(world) {
        let lead = account(&world, &world.account(&Member(Lead)).to_string()).await;
        for path in ["accounts".to_owned(), format!("accounts/{}", lead.id()), format!("accounts/{}/history", lead.id()), "ledger".into()] {
            world.get(Neighbour(Lead), &path).expect(403).await;
        }
        act(&world, Neighbour(Lead), &lead.id(), "lock").await.expect(403);
        world.patch(Neighbour(Lead), &format!("accounts/{}", lead.id())).if_match(&lead.etag()).patch(json!({"admin": true})).expect(403).await;
        world.get(Member(Lead), "me").expect(200).await;
        world.verify();
    }
}

story! {
    async fn an_account_ends_with_its_last_day(world) {
        let (id, token) = make(&world, json!({"email": "budi.santoso@example.org", "name": "Budi", "expires_on": "2026-01-16"})).await;
        let password = json!({"password_token": token, "password": PASSWORD});
        world.post(Nobody, "auth/password").json(password).expect(204).await;
        let credentials = || json!({"email": "budi.santoso@example.org", "password": PASSWORD});
        world.clock.advance(TimeDelta::hours(46) - TimeDelta::seconds(1));
        let tokens = world.post(Nobody, "auth/login").json(credentials()).expect(200).await;
        let budi = Bearer(tokens.body["access_token"].as_str().unwrap().into());
        let me = world.get(budi.clone(), "me").expect(200).await;
        world.clock.advance(TimeDelta::seconds(6));
        world.get(budi.clone(), "me").expect(401).await;
        world.patch(budi.clone(), "me").if_match(&me.etag()).patch(json!({"name": "Budi S."})).expect(401).await;
        let late = world.post(Nobody, "auth/login").json(credentials()).expect(401).await;
        assert_eq!(late.problem(), "invalid-credentials");
        world.prove(&Member(Admin));
        // It goes on where an admin says so; its end cannot be put into the past.
        let path = format!("accounts/{id}");
        let edit = async |expires_on: Value| {
            let now = account(&world, &id).await;
            world.patch(Member(Admin), &path).if_match(&now.etag()).patch(json!({"expires_on": expires_on})).send().await
        };
        assert_eq!(edit(json!("2026-01-15")).await.expect(422).pointers(), ["/expires_on"]);
        assert_eq!(edit(json!(null)).await.expect(200).body["expires_on"], json!(null));
        world.post(Nobody, "auth/login").json(credentials()).expect(200).await;
        // Not the last admin, nor the last lead.
        for who in [Member(Admin), Member(Lead)] {
            let own = world.account(&who).to_string();
            let now = account(&world, &own).await;
            let ends = json!({"expires_on": "2026-12-31"});
            let refused = world.patch(Member(Admin), &format!("accounts/{own}")).if_match(&now.etag()).patch(ends).expect(409).await;
            assert_eq!(refused.problem(), "last-holder", "{who:?}");
        }
        world.verify();
    }
}
