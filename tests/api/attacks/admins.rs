//! Those who may do the most, against each other and against themselves.

use futures_util::future::join;
use serde_json::json;
use tangguh::policy::Role::*;

use crate::{
    accounts::{account, act, make, second_admin},
    harness::*,
    memberships::{WHY, grant, path},
};

story! {
    async fn the_last_admin_stays(world) {
        let own = world.account(&Member(Admin)).to_string();
        assert_eq!(act(&world, Member(Admin), &own, "lock").await.expect(409).problem(), "last-holder");
        let now = account(&world, &own).await;
        let demote = async |who: Who, id: &str, etag: &str| world.patch(who, &format!("accounts/{id}")).if_match(etag).patch(json!({"admin": false})).send().await;
        assert_eq!(demote(Member(Admin), &own, &now.etag()).await.expect(409).problem(), "last-holder");
        // One who was only invited does not count.
        let (_, _) = make(&world, json!({"email": "admin3@example.org", "name": "Admin Tiga", "admin": true})).await;
        assert_eq!(demote(Member(Admin), &own, &now.etag()).await.expect(409).problem(), "last-holder");
        let (_, second) = second_admin(&world).await;
        demote(second.clone(), &own, &now.etag()).await.expect(200);
        world.get(Member(Admin), "accounts").expect(403).await;
        world.verify();
    }
}

story! {
    async fn two_admins_cannot_remove_each_other_into_none(world) {
        let first = world.account(&Member(Admin)).to_string();
        let (second, two) = second_admin(&world).await;
        let (of_first, of_second) = (account(&world, &first).await.etag(), account(&world, &second).await.etag());
        let (one_path, two_path) = (format!("accounts/{first}"), format!("accounts/{second}"));
        let one_goes = world.patch(two.clone(), &one_path).if_match(&of_first).patch(json!({"admin": false})).send();
        let two_goes = world.patch(Member(Admin), &two_path).if_match(&of_second).patch(json!({"admin": false})).send();
        let (one_goes, two_goes) = futures_util::future::join(one_goes, two_goes).await;
        let mut statuses = [one_goes.status.as_u16(), two_goes.status.as_u16()];
        statuses.sort();
        assert!([[200, 403], [200, 409]].contains(&statuses), "{statuses:?}");
        let left = if one_goes.status.is_success() { two } else { Member(Admin) };
        assert_eq!(world.get(left, "accounts?admin=true").expect(200).await.items().len(), 1);
        world.verify();
    }
}

story! {
    async fn two_leads_cannot_be_taken_away_at_the_same_time(world) {
        let second = world.post(Member(Lead), "{p}/memberships").json(grant(&world, "lead", "2026-01-01")).expect(201).await;
        let account = world.get(Member(Admin), &format!("accounts/{}", world.account(&Member(Lead)))).expect(200).await;
        let (lock, end) = (format!("accounts/{}/lock", account.id()), format!("{}/end", path(&second)));
        let lock = world.post(Member(Admin), &lock).if_match(&account.etag()).json(json!({"reason": WHY})).send();
        let end = world.post(Member(Admin), &end).if_match(&second.etag()).json(json!({"reason": WHY})).send();
        let (lock, end) = futures_util::future::join(lock, end).await;
        let mut statuses = [lock.status.as_u16(), end.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [200, 409], "{} {}", lock.text, end.text);
        world.verify();
    }
}

story! {
    async fn a_lead_who_is_locked_is_no_lead_to_rely_on(world) {
        let second = world.post(Member(Lead), "{p}/memberships").json(grant(&world, "lead", "2026-01-01")).expect(201).await;
        let account = world.get(Member(Admin), &format!("accounts/{}", world.account(&Member(Lead)))).expect(200).await;
        world.post(Member(Admin), &format!("accounts/{}/lock", account.id())).if_match(&account.etag()).json(json!({"reason": WHY})).expect(200).await;
        let refused = world.post(Member(Admin), &format!("{}/end", path(&second))).if_match(&second.etag()).json(json!({"reason": WHY})).expect(409).await;
        assert_eq!(refused.problem(), "last-holder");
        world.verify();
    }
}

story! {
    async fn two_admins_cannot_lock_each_other_out(world) {
        let first = world.account(&Member(Admin)).to_string();
        let (second, two) = second_admin(&world).await;
        let (of_first, of_second) = (account(&world, &first).await.etag(), account(&world, &second).await.etag());
        let lock = |who: Who, id: &str, etag: &str| {
            world.post(who, &format!("accounts/{id}/lock")).if_match(etag).json(json!({"reason": "Dia mulai duluan."})).send()
        };
        let (one, other) = join(lock(two.clone(), &first, &of_first), lock(Member(Admin), &second, &of_second)).await;
        // Whoever comes second is nobody any more, or is told that there would be no admin left.
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort();
        assert!([[200, 401], [200, 409]].contains(&statuses), "{statuses:?}");
        let left = if one.status.is_success() { two } else { Member(Admin) };
        let admins = world.get(left.clone(), "accounts?admin=true&state=active").expect(200).await;
        assert_eq!(admins.items().len(), 1);
        // And that one can neither lock nor end itself.
        let own = admins.items()[0]["id"].as_str().unwrap().to_owned();
        let now = world.get(left.clone(), &format!("accounts/{own}")).expect(200).await;
        assert_eq!(lock(left.clone(), &own, &now.etag()).await.expect(409).problem(), "last-holder");
        let ends = world.patch(left, &format!("accounts/{own}")).if_match(&now.etag()).patch(json!({"expires_on": "2026-02-01"}));
        assert_eq!(ends.expect(409).await.problem(), "last-holder");
        world.verify();
    }
}
