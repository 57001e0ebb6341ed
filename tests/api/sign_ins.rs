//! Signing in and out.

use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join;
use serde_json::{Value, json};
use tangguh::{
    db::At,
    keys,
    password::{self, Cost},
    policy::Role::*,
    schema::account_passwords,
    token::KeyUse,
};

use crate::harness::*;

/// Gives an account a password without the detour of a one-time token.
pub fn with_password(world: &World, who: &Who) {
    diesel::insert_into(account_passwords::table)
        .values((
            account_passwords::account_id.eq(world.account(who)),
            account_passwords::phc.eq(password::hash(PASSWORD, Cost::Test).unwrap()),
            account_passwords::set_at.eq(At(world.clock.now())),
        ))
        .execute(&mut world.conn())
        .unwrap();
}

pub fn log_in<'w>(world: &'w World, email: &str, password: &str) -> Ask<'w> {
    world.post(Nobody, "auth/login").json(json!({"email": email, "password": password}))
}

pub async fn refresh(world: &World, token: &Value) -> Reply {
    world.post(Nobody, "auth/refresh").json(json!({"refresh_token": token})).send().await
}

pub async fn log_out(world: &World, token: &Value) -> Reply {
    world.post(Nobody, "auth/logout").json(json!({"refresh_token": token})).send().await
}

pub fn bearer(tokens: &Reply) -> Who {
    Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
}

story! {
    async fn the_right_password_gives_tokens(world) {
        with_password(&world, &Member(Lead));
        let tokens = log_in(&world, " LEAD@Jakarta.Example", PASSWORD).expect(200).await;
        assert_eq!((tokens.body["expires_in"].as_i64(), tokens.body["refresh_expires_in"].as_i64()), (Some(900), Some(7 * 86_400)));
        assert_eq!(tokens.header("cache-control"), Some("no-store"));
        world.get(bearer(&tokens), "me").expect(200).await;
    }
}

story! {
    async fn a_success_forgets_the_accounts_failures(world) {
        with_password(&world, &Member(Lead));
        for _ in 0..3 {
            for _ in 0..9 {
                log_in(&world, "lead@jakarta.example", "not the right password").expect(401).await;
            }
            log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        }
    }
}

story! {
    async fn a_refresh_token_gives_the_next(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.clock.advance(TimeDelta::minutes(20));
        world.get(bearer(&first), "me").expect(401).await;
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_ne!(second.body["refresh_token"], first.body["refresh_token"]);
        assert_eq!(second.body["refresh_expires_in"], 7 * 86_400);
        world.get(bearer(&second), "me").expect(200).await;
        // The answer got lost: the same again, for half a minute.
        world.clock.advance(TimeDelta::seconds(30));
        let again = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(again.body["refresh_token"], second.body["refresh_token"]);
        refresh(&world, &second.body["refresh_token"]).await.expect(200);
    }
}

story! {
    async fn two_refreshes_at_once_get_the_same_token(world) {
        with_password(&world, &Member(Lead));
        let twin = world.twin();
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        let token = &first.body["refresh_token"];
        let (one, two) = join(refresh(&world, token), refresh(&twin, token)).await;
        let (one, two) = (one.expect(200), two.expect(200));
        assert_eq!(one.body["refresh_token"], two.body["refresh_token"]);
    }
}

story! {
    async fn a_sign_in_ends_after_thirty_days(world) {
        with_password(&world, &Member(Lead));
        let mut last = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        for _ in 0..5 {
            world.clock.advance(TimeDelta::days(6) - TimeDelta::milliseconds(200));
            last = refresh(&world, &last.body["refresh_token"]).await.expect(200);
        }
        assert_eq!(last.body["refresh_expires_in"], 1);
        world.clock.advance(TimeDelta::seconds(1));
        refresh(&world, &last.body["refresh_token"]).await.expect(401);
    }
}

story! {
    async fn a_sign_in_that_is_not_used_ends_after_a_week(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        assert_eq!(first.body["refresh_expires_in"], TimeDelta::days(7).num_seconds());
        world.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        let next = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(next.body["refresh_expires_in"], TimeDelta::days(7).num_seconds());
        // Whoever did not get that answer gets the same token again, and no more time.
        world.clock.advance(TimeDelta::seconds(20));
        let again = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(again.body["refresh_expires_in"], TimeDelta::days(7).num_seconds() - 20);
        world.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(20));
        refresh(&world, &next.body["refresh_token"]).await.expect(401);
    }
}

story! {
    async fn signing_out_ends_access_at_once(world) {
        with_password(&world, &Member(Lead));
        let tokens = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        world.get(bearer(&tokens), "me").expect(200).await;
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
        world.get(bearer(&tokens), "me").expect(401).await;
        refresh(&world, &tokens.body["refresh_token"]).await.expect(401);
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
    }
}

story! {
    async fn signing_out_works_where_the_keys_are_not_known_yet(world) {
        with_password(&world, &Member(Lead));
        keys::rotate(&mut world.conn(), &world.service.sealer, &[KeyUse::Mac], world.clock.now()).unwrap();
        let twin = world.twin();
        let tokens = log_in(&twin, "lead@jakarta.example", PASSWORD).expect(200).await;
        log_out(&world, &tokens.body["refresh_token"]).await.expect(204);
        world.get(bearer(&tokens), "me").expect(401).await;
    }
}

story! {
    async fn locking_an_account_ends_its_sign_ins(world) {
        with_password(&world, &Member(Agency));
        let tokens = log_in(&world, "agency@jakarta.example", PASSWORD).expect(200).await;
        let path = format!("accounts/{}", world.account(&Member(Agency)));
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.post(Member(Admin), &format!("{path}/lock")).if_match(&tag).json(json!({"reason": "Hilang."})).expect(200).await;
        refresh(&world, &tokens.body["refresh_token"]).await.expect(401);
        world.get(bearer(&tokens), "me").expect(401).await;
        log_in(&world, "agency@jakarta.example", PASSWORD).expect(401).await;
    }
}

story! {
    async fn a_refresh_token_outlives_a_rotation(world) {
        with_password(&world, &Member(Lead));
        let first = log_in(&world, "lead@jakarta.example", PASSWORD).expect(200).await;
        keys::rotate(&mut world.conn(), &world.service.sealer, &KeyUse::ALL, world.clock.now()).unwrap();
        keys::reload(&world.service).await.unwrap();
        let second = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        let again = refresh(&world, &first.body["refresh_token"]).await.expect(200);
        assert_eq!(again.body["refresh_token"], second.body["refresh_token"]);
    }
}
