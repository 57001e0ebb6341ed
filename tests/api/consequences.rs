//! What follows from cutting somebody off, shown before it is done.

use serde_json::{Value, json};
use tangguh::policy::Role::{self, *};

use crate::{harness::*, room::Room};

const WHY: &str = "Pindah tugas.";

fn kinds(reply: &Reply) -> Vec<&str> {
    let told = reply.body["consequences"].as_array().unwrap_or_else(|| panic!("no consequences: {}", reply.text));
    told.iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

/// Tries an act and then does it: both tell the same, and the trial changes nothing.
async fn tried_and_done(world: &World, who: Who, path: &str, act: &str, body: Value) -> Reply {
    let seen = world.get(who.clone(), path).expect(200).await;
    let tried = world
        .post(who.clone(), &format!("{path}/{act}?dry_run=true"))
        .if_match(&seen.etag())
        .json(body.clone())
        .expect(200)
        .await;
    assert_eq!(tried.header("dry-run"), Some("true"));
    let now = world.get(who.clone(), path).expect(200).await.body;
    assert_eq!((&now["revision"], &now["state"]), (&seen.body["revision"], &seen.body["state"]));
    let done = world.post(who, &format!("{path}/{act}")).if_match(&seen.etag()).json(body).expect(200).await;
    assert_eq!((done.header("dry-run"), &done.body["consequences"]), (None, &tried.body["consequences"]));
    done
}

async fn membership(world: &World, role: Role) -> String {
    let own = world.get(Member(role), "me/memberships").expect(200).await;
    format!("{{p}}/memberships/{}", own.items()[0]["membership_id"].as_str().unwrap())
}

story! {
    async fn locking_an_account_ends_its_sign_ins_and_leaves_what_only_it_could_do(world) {
        let room = Room::new(&world).await;
        let ballot = room.open(json!({})).await;
        let path = format!("accounts/{}", world.account(&Member(Partner)));
        let locked = tried_and_done(&world, Member(Admin), &path, "lock", json!({"reason": WHY})).await;
        assert_eq!(kinds(&locked), ["sign_in_ends", "membership_rests", "organization_left", "task_left"]);
        let told = &locked.body["consequences"];
        assert_eq!((&told[0]["program"], &told[1]["program"], &told[2]["subject_id"]), (&json!(null), &json!("jakarta"), &json!(room.mitra)));
        let ballot = ballot.replace("{p}", "programs/jakarta");
        assert!(told[3]["href"].as_str().unwrap().contains(&ballot), "{told}");
        assert_eq!(locked.body["state"], "locked");
        world.get(Member(Partner), "me").expect(401).await;
        // An agency's colleague observes only, and is somebody all the same.
        let path = format!("accounts/{}", world.account(&Member(Agency)));
        let locked = tried_and_done(&world, Member(Admin), &path, "lock", json!({"reason": WHY})).await;
        assert_eq!(kinds(&locked), ["sign_in_ends", "membership_rests"]);
        world.verify();
    }
}

story! {
    async fn what_is_refused_is_refused_in_a_trial_too(world) {
        let path = format!("accounts/{}", world.account(&Member(Lead)));
        let seen = world.get(Member(Admin), &path).expect(200).await;
        let lock = format!("{path}/lock?dry_run=true");
        let refused = world.post(Member(Admin), &lock).if_match(&seen.etag()).json(json!({"reason": WHY})).expect(409).await;
        assert_eq!((refused.problem(), refused.header("dry-run")), ("last-holder", Some("true")));
        world.post(Member(Admin), &lock).json(json!({"reason": WHY})).expect(428).await;
        world.post(Member(Lead), &lock).if_match(&seen.etag()).json(json!({"reason": WHY})).expect(403).await;
        let lead = membership(&world, Lead).await;
        let refused = world.post(Member(Lead), &format!("{lead}/end?dry_run=true")).if_match("\"1\"").json(json!({"reason": WHY})).expect(409).await;
        assert_eq!(refused.problem(), "last-holder");
        // The last admin does not lock itself out.
        let path = format!("accounts/{}", world.account(&Member(Admin)));
        let seen = world.get(Member(Admin), &path).expect(200).await;
        let refused = world.post(Member(Admin), &format!("{path}/lock")).if_match(&seen.etag()).json(json!({"reason": WHY})).expect(409).await;
        assert_eq!(refused.problem(), "last-holder");
        world.verify();
    }
}

story! {
    async fn two_admins_cannot_remove_each_other(world) {
        let path = |who: &Who| format!("accounts/{}", world.account(who));
        let outsider = world.get(Member(Admin), &path(&Outsider)).expect(200).await;
        let second = world.patch(Member(Admin), &path(&Outsider)).if_match(&outsider.etag()).patch(json!({"admin": true})).expect(200).await;
        let first = world.get(Outsider, &path(&Member(Admin))).expect(200).await;
        let lock = |by: Who, whom: &Who, seen: &Reply| world.post(by, &format!("{}/lock", path(whom))).if_match(&seen.etag()).json(json!({"reason": WHY})).send();
        let (one, two) = futures_util::future::join(lock(Member(Admin), &Outsider, &second), lock(Outsider, &Member(Admin), &first)).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        // Whoever was first: the other one is locked by then, and is nobody.
        assert_eq!(statuses, [200, 401], "{} {}", one.text, two.text);
        world.verify();
    }
}

story! {
    async fn ending_a_membership_stops_the_webhook_that_nobody_else_may_have(world) {
        let hook = world.post(Member(Partner), "{p}/webhooks").json(json!({"url": "https://hooks.example.org/tangguh"})).expect(201).await;
        let path = format!("{{p}}/webhooks/{}", hook.id());
        world.post(Member(Partner), &format!("{path}/secrets")).if_match(&hook.etag()).json(json!({})).expect(201).await;
        let etag = world.get(Member(Partner), &path).expect(200).await.etag();
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"state": "active"})).expect(200).await;
        let held = membership(&world, Partner).await;
        // Some day, or now.
        let etag = world.get(Member(Lead), &held).expect(200).await.etag();
        let later = json!({"on": "2026-03-31", "reason": WHY});
        let later = world.post(Member(Lead), &format!("{held}/end?dry_run=true")).if_match(&etag).json(later).expect(200).await;
        assert_eq!((kinds(&later), &later.body["until_on"], &later.body["state"]), (vec!["organization_left", "webhook_stops"], &json!("2026-03-31"), &json!("active")));
        let ended = tried_and_done(&world, Member(Lead), &held, "end", json!({"reason": WHY})).await;
        assert_eq!(kinds(&ended), ["organization_left", "webhook_stops"]);
        assert_eq!(ended.body["consequences"][1]["subject_id"], json!(hook.id()));
        // Of several who act for an organisation one can go.
        let ended = tried_and_done(&world, Member(Lead), &membership(&world, Observer).await, "end", json!({"reason": WHY})).await;
        assert!(kinds(&ended).is_empty());
        world.verify();
    }
}

story! {
    async fn revoking_a_client_ends_its_keys_and_its_files(world) {
        let client = json!({"role": "partner", "name": "Pelapor", "purpose": "Mengirim laporan.", "scopes": ["input.send"], "expires_on": "2026-06-30"});
        let made = world.post(Member(Partner), "{p}/clients").json(client).expect(201).await;
        let path = format!("{{p}}/clients/{}", made.id());
        let key = world.post(Member(Partner), &format!("{path}/keys")).if_match(&made.etag()).json(json!({})).expect(201).await;
        let machine = Bearer(key.body["key"].as_str().unwrap().to_owned());
        let line = json!({"kind": "comment", "text": "Terendam.", "language": "id", "external_ref": "KB-1"});
        let file = world.post(machine.clone(), "{p}/input-imports").header("content-type", "application/x-ndjson").bytes(format!("{line}\n").into_bytes()).expect(202).await;
        let revoked = tried_and_done(&world, Member(Partner), &path, "revocation", json!({"reason": WHY})).await;
        assert_eq!(kinds(&revoked), ["key_ends", "import_stops"]);
        let told = &revoked.body["consequences"];
        assert_eq!((&told[0]["subject_id"], &told[1]["subject_id"]), (&json!(key.id()), &json!(file.id())));
        world.get(machine, "me/limits").expect(401).await;
        world.verify();
    }
}
