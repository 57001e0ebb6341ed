//! Organisations through time: renamed, merged and split, with the past as it was.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, schema::ledger_rows};

use crate::{
    harness::*,
    room::{HOST, Room},
};

async fn entered(world: &World, name: &str) -> String {
    let new = json!({"names": [{"name": {"id": name}}], "kind": "provincial_government"});
    world.post(Member(Lead), "stakeholders").json(new).expect(201).await.id()
}

/// Reorganises an organisation as it stands now.
async fn act(world: &World, id: &str, what: &str, body: &Value) -> Reply {
    let etag = world.get(Member(Admin), &format!("stakeholders/{id}")).expect(200).await.etag();
    world.post(Member(Admin), &format!("stakeholders/{id}/{what}")).if_match(&etag).json(body.clone()).send().await
}

async fn grant(world: &World, who: &Who, stakeholder: &str, role: &str) -> String {
    let body = json!({"account_email": world.email(who), "stakeholder_id": stakeholder, "role": role, "from_on": "2026-01-01"});
    world.post(Member(Lead), "{p}/memberships").json(body).expect(201).await.id()
}

fn client(role: &str) -> Value {
    json!({"role": role, "name": "Pelapor", "purpose": "Mengirim laporan.", "scopes": ["input.send", "input.read"], "expires_on": "2026-06-30"})
}

fn input(reference: &str) -> Value {
    json!({"kind": "comment", "text": "Jalan terendam.", "language": "id", "external_ref": reference})
}

/// The kinds of the consequences, each once, in the order of the alphabet.
fn kinds(reply: &Reply) -> Vec<&str> {
    let told = reply.body["consequences"].as_array().unwrap_or_else(|| panic!("no consequences: {}", reply.text));
    let kinds: std::collections::BTreeSet<&str> = told.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    kinds.into_iter().collect()
}

/// How many rows all ledgers have.
fn rows(world: &World) -> i64 {
    ledger_rows::table.count().get_result(&mut world.conn()).unwrap()
}

story! {
    async fn an_organisation_from_its_entry_to_its_merger(world) {
        // Entered in the room, confirmed, and somebody acts for it.
        let new = json!({"new_stakeholder": {"names": [{"name": {"id": "Dinas Tata Air"}}], "kind": "provincial_government"}, "capacity": "member"});
        let part = world.post(Member(Facilitator), "{p}/stakeholders").json(new).expect(201).await;
        let old = part.body["stakeholder_id"].as_str().unwrap().to_owned();
        let path = format!("stakeholders/{old}");
        let provisional = world.get(Member(Admin), &path).expect(200).await;
        world.post(Member(Admin), &format!("{path}/confirmation")).if_match(&provisional.etag()).json(json!({"reason": "Ada."})).expect(200).await;
        let membership = grant(&world, &Outsider, &old, "agency").await;
        let made = world.post(Outsider, "{p}/clients").json(client("agency")).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", made.id());
        let key = world.post(Outsider, &keys).if_match(&made.etag()).json(json!({})).expect(201).await.body["key"].as_str().unwrap().to_owned();
        let sent = world.post(Bearer(key.clone()), "{p}/inputs").json(input("KB-1")).expect(201).await;
        let webhook = world.post(Outsider, "{p}/webhooks").json(json!({"url": "https://hooks.example.org/tangguh"})).expect(201).await;

        // It has a voice in a ballot, and something to do.
        let room = Room::new(&world).await;
        let stage = world.get(Member(Lead), &room.stage).expect(200).await;
        let seats = json!({"electorate": [room.dinas, old]});
        world.patch(Member(Lead), &room.stage).if_match(&stage.etag()).patch(seats).expect(200).await;
        let ballot = room.open(json!({})).await;
        room.vote(Outsider, &ballot, &old, json!({"value": "agree"})).await.expect(200);
        let follow_up = json!({"text": {"id": "Siapkan data"}, "owner_stakeholder_id": old});
        let follow_up = world.post(HOST, &format!("{}/follow-ups", room.event)).json(follow_up).expect(201).await;
        let into = json!({"into_id": room.dinas, "reason": "Perda 5/2026."});
        assert_eq!(act(&world, &old, "merge", &into).await.expect(409).body["errors"][0]["code"], "ballot_open");
        room.act(HOST, &ballot, "closing").await.expect(200);

        // It is renamed: the day before it had another name.
        world.clock.advance(TimeDelta::days(2));
        let known = world.get(Member(Admin), &path).expect(200).await;
        let names = json!({"names": [{"name": {"id": "Dinas Air"}, "from_on": "2026-01-17"}, {"name": {"id": "Dinas Tata Air"}, "until_on": "2026-01-16"}]});
        world.patch(Member(Admin), &path).if_match(&known.etag()).patch(names).expect(200).await;
        let name = async |query: &str| world.get(Member(Observer), &format!("{path}{query}")).expect(200).await.body["names"][0]["name"]["id"].clone();
        assert_eq!((name("").await, name("?as_of=2026-01-16").await), (json!("Dinas Air"), json!("Dinas Tata Air")));

        // First, what would follow.
        world.clock.advance(TimeDelta::days(1));
        world.prove(&Member(Admin));
        let (before, seen) = (rows(&world), world.get(Member(Admin), &path).expect(200).await.etag());
        let merge = || world.post(Member(Admin), &format!("{path}/merge")).if_match(&seen).json(into.clone());
        let tried = world.post(Member(Admin), &format!("{path}/merge?dry_run=true")).if_match(&seen).json(into.clone()).expect(200).await;
        assert_eq!(tried.header("dry-run"), Some("true"));
        assert_eq!(kinds(&tried), ["client_moves", "follow_up_moves", "input_stays", "membership_moves", "participant_ends", "stage_names_it", "webhook_moves"]);
        assert_eq!((rows(&world), name("").await), (before, json!("Dinas Air")));
        let merged = merge().key("gabung-1").expect(200).await;
        assert_eq!((kinds(&merged), &merged.body["state"], &merged.body["merged_into_id"]), (kinds(&tried), &json!("merged"), &json!(room.dinas)));
        assert_eq!(merge().key("gabung-1").expect(200).await.header("idempotency-replayed"), Some("true"));
        assert_eq!(merge().expect(412).await.problem(), "stale");

        // Who asks for it is sent on; the past is as it was.
        let sent_on = world.get(Member(Observer), &format!("{path}?fields=id")).expect(308).await;
        assert_eq!(sent_on.header("location").unwrap(), format!("/api/v1/stakeholders/{}?fields=id", room.dinas));
        assert_eq!((name("?as_of=2026-01-17").await, name("?as_of=2026-01-16").await), (json!("Dinas Air"), json!("Dinas Tata Air")));
        let history = world.get(Member(Observer), &format!("{path}/history")).expect(200).await;
        assert_eq!(history.items().last().unwrap()["action"], "stakeholder.reorganise");
        let successor = world.get(Member(Observer), &format!("stakeholders/{}", room.dinas)).expect(200).await;
        assert_eq!(successor.body["predecessor_ids"], json!([old]));
        let vote = world.get(Member(Lead), &format!("{ballot}/votes/{old}")).expect(200).await;
        assert_eq!((&vote.body["stakeholder_id"], &vote.body["state"]), (&json!(old), &json!("cast")));
        let told = world.get(Member(Lead), &format!("{{p}}/ledger?subject_id={}", sent.id())).expect(200).await;
        assert_eq!(told.items()[0]["stakeholder_id"], json!(old));
        assert_eq!(world.get(Member(Lead), &format!("{{p}}/inputs/{}", sent.id())).expect(200).await.body["stakeholder_id"], json!(old));

        // What is live goes on for the other.
        let now = async |path: &str, member: &str| world.get(Member(Lead), path).expect(200).await.body[member].clone();
        assert_eq!(now(&format!("{{p}}/memberships/{membership}"), "stakeholder_id").await, json!(room.dinas));
        assert_eq!(now(&format!("{{p}}/memberships/{membership}?as_of=2026-01-17"), "stakeholder_id").await, json!(old));
        assert_eq!(now(&format!("{{p}}/webhooks/{}", webhook.id()), "stakeholder_id").await, json!(room.dinas));
        assert_eq!(now(&format!("{}/follow-ups/{}", room.event, follow_up.id()), "owner_stakeholder_id").await, json!(room.dinas));
        world.get(Member(Lead), &format!("{{p}}/stakeholders/{old}")).expect(404).await;
        let next = world.post(Bearer(key), "{p}/inputs").json(input("KB-2")).expect(201).await;
        assert_eq!(next.body["stakeholder_id"], json!(room.dinas));
        let own = world.get(Outsider, "me/memberships").expect(200).await;
        assert_eq!(own.items()[0]["stakeholder_id"], json!(room.dinas));

        // Nobody acts for it any more.
        let body = json!({"account_email": world.email(&Member(Partner)), "stakeholder_id": old, "role": "agency", "from_on": "2026-01-01"});
        assert_eq!(world.post(Member(Lead), "{p}/memberships").json(body).expect(422).await.body["errors"][0]["code"], "organisation_gone");
        let body = json!({"stakeholder_id": old, "capacity": "member"});
        assert_eq!(world.post(Member(Lead), "{p}/stakeholders").json(body).expect(422).await.pointers(), ["/stakeholder_id"]);
        let mut body = client("agency");
        body["stakeholder_id"] = json!(old);
        assert_eq!(world.post(Member(Lead), "{p}/clients").json(body).expect(422).await.pointers(), ["/stakeholder_id"]);
        let closed = world.patch(Member(Admin), &path).if_match(&merged.etag()).patch(json!({"abbreviation": "DA"})).expect(409).await;
        assert_eq!(closed.problem(), "wrong-state");
        let again = act(&world, &room.mitra, "merge", &json!({"into_id": old, "reason": "Perda."})).await.expect(422);
        assert_eq!((again.pointers(), &again.body["errors"][0]["code"]), (vec!["/into_id"], &json!("organisation_gone")));

        // And one voice does not become two: the stage still names it.
        let prepared = room.prepared(json!({})).await;
        assert_eq!(room.act(HOST, &prepared, "opening").await.expect(409).body["errors"][0]["code"], "organisation_gone");
        room.patch(Member(Lead), &room.stage, json!({"electorate": [room.dinas, room.mitra]})).await.expect(200);
        room.act(HOST, &prepared, "opening").await.expect(200);
        world.verify();
    }
}

story! {
    async fn a_role_that_is_held_for_both_is_held_once_after_a_merger(world) {
        let (dinas, mitra) = (world.seed.stakeholders["dinas"].to_string(), world.seed.stakeholders["mitra"].to_string());
        let other = grant(&world, &Member(Partner), &dinas, "partner").await;
        let merged = act(&world, &mitra, "merge", &json!({"into_id": dinas, "reason": "Perda."})).await.expect(200);
        assert_eq!(kinds(&merged), ["membership_ends"]);
        let held = world.get(Member(Partner), "me/memberships").expect(200).await;
        assert_eq!((held.items().len(), &held.items()[0]["membership_id"]), (1, &json!(other)));
        world.get(Member(Partner), "{p}/questions").expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_merger_goes_through_all_programmes_but_those_that_are_archived(world) {
        let old = entered(&world, "Yayasan Lama").await;
        let new = entered(&world, "Yayasan Baru").await;
        let ours = grant(&world, &Outsider, &old, "partner").await;
        let body = json!({"account_email": "outsider@example.org", "stakeholder_id": old, "role": "partner", "from_on": "2026-01-01"});
        let theirs = world.post(Neighbour(Lead), "programs/porto/memberships").json(body.clone()).expect(201).await.id();
        let program = json!({"slug": "bandung", "source_language": "id", "time_zone": "Asia/Jakarta", "name": {"id": "Bandung"}});
        world.post(Member(Admin), "programs").json(program).expect(201).await;
        let past = world.post(Member(Admin), "programs/bandung/memberships").json(body).expect(201).await.id();
        let bandung = world.get(Member(Admin), "programs/bandung").expect(200).await;
        let step = json!({"to": "archived", "reason": "Selesai."});
        world.post(Member(Admin), "programs/bandung/transitions").if_match(&bandung.etag()).json(step).expect(200).await;
        act(&world, &old, "merge", &json!({"into_id": new, "reason": "Akta."})).await.expect(200);
        for (path, organisation) in [
            (format!("{{p}}/memberships/{ours}"), &new),
            (format!("programs/porto/memberships/{theirs}"), &new),
            (format!("programs/bandung/memberships/{past}"), &old),
        ] {
            assert_eq!(world.get(Member(Admin), &path).expect(200).await.body["stakeholder_id"], json!(organisation), "{path}");
        }
        // Each programme's ledger tells of its own.
        let told = world.get(Neighbour(Lead), "programs/porto/ledger?sort=-sequence&limit=1").expect(200).await;
        assert_eq!((&told.items()[0]["action"], &told.items()[0]["subject_id"]), (&json!("stakeholder.reorganise"), &json!(theirs)));
        // Merged once more, each answers with the next.
        act(&world, &new, "merge", &json!({"into_id": world.seed.stakeholders["tetangga"], "reason": "Akta."})).await.expect(200);
        let hop = |id: &str| format!("stakeholders/{id}");
        assert!(world.get(Outsider, &hop(&old)).expect(308).await.header("location").unwrap().ends_with(&new));
        world.get(Outsider, &hop(&new)).expect(308).await;
        world.verify();
    }
}

story! {
    async fn a_split_divides_what_is_live_and_forgets_nothing(world) {
        let mitra = world.seed.stakeholders["mitra"].to_string();
        world.post(Member(Lead), "{p}/stakeholders").json(json!({"stakeholder_id": mitra, "capacity": "strategy_partner"})).expect(201).await;
        let partner = world.get(Member(Partner), "me/memberships").expect(200).await.items()[0]["membership_id"].as_str().unwrap().to_owned();
        let second = grant(&world, &Outsider, &mitra, "partner").await;
        let machine = world.post(Member(Partner), "{p}/clients").json(client("partner")).expect(201).await.id();
        let (one, two) = (entered(&world, "Mitra Satu").await, entered(&world, "Mitra Dua").await);
        let part = |id: &str, memberships: &[&str], clients: &[&str]| json!({"stakeholder_id": id, "membership_ids": memberships, "client_ids": clients});
        let split = async |into: Value, keeps: Value| act(&world, &mitra, "split", &json!({"into": into, "keeps": keeps, "reason": "Akta."})).await;

        // Each is named once, and nothing else is.
        let missing = split(json!([part(&one, &[&partner], &[])]), json!(null)).await.expect(422);
        let codes: Vec<&str> = missing.body["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!((missing.pointers(), codes), (vec!["/into", "/into"], vec!["membership_missing", "client_missing"]));
        assert!(missing.text.contains(&second) && missing.text.contains(&machine));
        let agency = world.get(Member(Agency), "me/memberships").expect(200).await.items()[0]["membership_id"].as_str().unwrap().to_owned();
        let wrong = split(
            json!([part(&one, &[&partner, &agency], &[&partner]), part(&two, &[&partner, &second], &[&machine]), part(&one, &[], &[])]),
            json!({"membership_ids": [second]}),
        )
        .await
        .expect(422);
        let mut pointers = wrong.pointers();
        pointers.sort();
        assert_eq!(pointers, ["/into/0/client_ids/0", "/into/0/membership_ids/1", "/into/1/membership_ids/0", "/into/2/stakeholder_id", "/keeps/membership_ids/0"]);
        assert_eq!(split(json!([part(&mitra, &[], &[])]), json!(null)).await.expect(422).pointers(), ["/into/0/stakeholder_id"]);

        // A part goes off; the rest goes on as it is.
        let kept = split(json!([part(&one, &[&second], &[])]), json!({"membership_ids": [partner], "client_ids": [machine]})).await.expect(200);
        assert_eq!((kinds(&kept), &kept.body["state"], &kept.body["successor_ids"]), (vec!["membership_moves", "participant_joins"], &json!("confirmed"), &json!([one])));
        let joined = world.get(Member(Lead), &format!("{{p}}/stakeholders/{one}")).expect(200).await;
        assert_eq!((&joined.body["capacity"], &joined.body["from_on"]), (&json!("strategy_partner"), &json!("2026-01-15")));
        world.get(Member(Lead), &format!("{{p}}/stakeholders/{mitra}")).expect(200).await;

        // Then all of it.
        let webhook = world.post(Member(Partner), "{p}/webhooks").json(json!({"url": "https://hooks.example.org/tangguh"})).expect(201).await;
        let secrets = format!("{{p}}/webhooks/{}/secrets", webhook.id());
        world.post(Member(Partner), &secrets).if_match(&webhook.etag()).json(json!({})).expect(201).await;
        let path = format!("{{p}}/webhooks/{}", webhook.id());
        let etag = world.get(Member(Partner), &path).expect(200).await.etag();
        world.patch(Member(Partner), &path).if_match(&etag).patch(json!({"state": "active"})).expect(200).await;
        let gone = split(json!([part(&two, &[&partner], &[&machine])]), json!(null)).await.expect(200);
        assert_eq!(kinds(&gone), ["client_moves", "membership_moves", "participant_ends", "participant_joins", "webhook_stops"]);
        let shown = world.get(Member(Observer), &format!("stakeholders/{mitra}")).expect(200).await;
        assert_eq!((&shown.body["state"], &shown.body["successor_ids"]), (&json!("split"), &json!([one, two])));
        assert_eq!(shown.body["allowed_actions"], json!(["stakeholder.read"]));
        world.get(Member(Partner), "{p}/questions").expect(200).await;
        assert_eq!(act(&world, &mitra, "merge", &json!({"into_id": one, "reason": "Akta."})).await.expect(409).problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn only_an_admin_reorganises_what_they_have_seen(world) {
        let (dinas, mitra) = (world.seed.stakeholders["dinas"].to_string(), world.seed.stakeholders["mitra"].to_string());
        let path = format!("stakeholders/{mitra}/merge");
        let body = json!({"into_id": dinas, "reason": "Perda."});
        for who in [Member(Lead), Member(Secretariat), Neighbour(Lead), Outsider] {
            world.post(who, &path).if_match("\"1\"").json(body.clone()).expect(403).await;
        }
        world.post(Member(Admin), &path).json(body.clone()).expect(428).await;
        world.post(Member(Admin), &path).if_match("\"7\"").json(body.clone()).expect(412).await;
        let nobody = "01920000-0000-7000-8000-000000000001";
        world.post(Member(Admin), &format!("stakeholders/{nobody}/merge")).if_match("\"1\"").json(body).expect(404).await;
        for into in [mitra.as_str(), nobody, &world.program().to_string(), &world.account(&Member(Lead)).to_string()] {
            let refused = act(&world, &mitra, "merge", &json!({"into_id": into, "reason": "Perda."})).await.expect(422);
            assert_eq!(refused.pointers(), ["/into_id"], "{into}");
        }
        assert_eq!(act(&world, &mitra, "merge", &json!({"into_id": dinas})).await.expect(422).pointers(), ["/reason"]);
        assert_eq!(act(&world, &mitra, "split", &json!({"into": [], "reason": "Akta."})).await.expect(422).pointers(), ["/into"]);
        world.get(Member(Partner), &format!("stakeholders/{mitra}")).expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_merger_and_what_others_do_meanwhile_wait_for_each_other_and_no_longer(world) {
        let (dinas, mitra) = (world.seed.stakeholders["dinas"].to_string(), world.seed.stakeholders["mitra"].to_string());
        let old = entered(&world, "Yayasan Lama").await;
        let second = grant(&world, &Outsider, &world.seed.stakeholders["sekretariat"].to_string(), "lead").await;
        let mut asked = Vec::new();
        for (from, into) in [(&old, &dinas), (&mitra, &dinas), (&dinas, &mitra)] {
            let body = json!({"into_id": into, "reason": "Perda."});
            asked.push(world.post(Member(Admin), &format!("stakeholders/{from}/merge")).if_match("\"1\"").json(body).send());
        }
        // These take a programme's ledger first and the platform's second.
        for number in 0..4 {
            let new = json!({"new_stakeholder": {"names": [{"name": {"id": format!("Tamu {number}")}}], "kind": "media"}, "capacity": "invited"});
            asked.push(world.post(Member(Lead), "{p}/stakeholders").json(new.clone()).send());
            asked.push(world.post(Neighbour(Lead), "programs/porto/stakeholders").json(new).send());
        }
        let end = json!({"reason": "Selesai."});
        asked.push(world.post(Member(Admin), &format!("{{p}}/memberships/{second}/end")).if_match("\"1\"").json(end).send());
        let answers = futures_util::future::join_all(asked).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
        // Two that would each be merged into the other: one of them was first.
        assert_eq!(statuses[1..3].iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        world.verify();
    }
}
