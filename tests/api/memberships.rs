//! Memberships: who holds which role, from day to day, and who may give it.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::policy::Role::{self, *};

use crate::{harness::*, neighbour};

/// The membership of one of the template's members, as the lead reads it.
async fn held(world: &World, role: Role) -> Reply {
    let account = world.account(&Member(role));
    let listed = world
        .get(Member(Lead), &format!("{{p}}/memberships?account_id={account}&role={}", role.name()))
        .expect(200)
        .await;
    let id = listed.items()[0]["id"].as_str().unwrap();
    world.get(Member(Lead), &format!("{{p}}/memberships/{id}")).expect(200).await
}

pub fn path(membership: &Reply) -> String {
    format!("{{p}}/memberships/{}", membership.id())
}

/// A membership of the outsider.
pub fn grant(world: &World, role: &str, from_on: &str) -> Value {
    json!({"account_email": "outsider@example.org", "stakeholder_id": world.seed.stakeholders["mitra"], "role": role, "from_on": from_on})
}

pub const WHY: &str = "Purnatugas.";

story! {
    async fn an_account_is_given_a_role_by_its_address_in_any_case(world) {
        world.get(Outsider, "{p}/questions").expect(404).await;
        let mut body = grant(&world, "partner", "2026-01-15");
        body["account_email"] = json!("OutSider@Example.ORG");
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), "{p}/memberships").json(body.clone()).expect(403).await;
        }
        let granted = world.post(Member(Secretariat), "{p}/memberships").json(body.clone()).expect(201).await;
        assert_eq!(granted.body["account_id"], json!(world.account(&Outsider)));
        // It holds at once, for the organisation that it names.
        world.get(Outsider, "{p}/questions").expect(200).await;
        let own = world.get(Outsider, "me/memberships").expect(200).await;
        assert_eq!((&own.items()[0]["program"], &own.items()[0]["holds_today"]), (&json!("jakarta"), &json!(true)));
        let twice = world.post(Member(Lead), "{p}/memberships").json(body.clone()).expect(409).await;
        assert_eq!(twice.problem(), "taken");

        let read = world.get(Member(Admin), &format!("{}?expand=account,stakeholder", path(&granted))).expect(200).await;
        assert_eq!(read.body["expanded"]["account"]["name"], "Test outsider@example.org");
        assert_eq!(read.body["expanded"]["stakeholder"]["names"][0]["name"]["id"], "mitra");
        body["account_email"] = json!("nobody@example.org");
        assert_eq!(world.post(Member(Lead), "{p}/memberships").json(body.clone()).expect(422).await.pointers(), ["/account_email"]);
        body["account_id"] = json!(world.account(&Outsider));
        assert_eq!(world.post(Member(Lead), "{p}/memberships").json(body).expect(422).await.pointers(), ["/account_id"]);
        assert_eq!(world.ledger(), [("membership.grant".to_owned(), 1)]);
        world.verify();
    }
}

story! {
    async fn what_a_membership_names_must_be_there(world) {
        let unknown = uuid::Uuid::now_v7();
        for (member, value, pointer) in [
            ("stakeholder_id", json!(unknown), "/stakeholder_id"), ("document_id", json!(unknown), "/document_id"),
            ("until_on", json!("2025-12-31"), "/until_on"), ("role", json!("admin"), "/role"), ("from_on", json!("soon"), "/from_on"),
        ] {
            let mut body = grant(&world, "partner", "2026-01-01");
            body[member] = value;
            assert_eq!(world.post(Member(Lead), "{p}/memberships").json(body).expect(422).await.pointers(), [pointer]);
        }
        // Another programme's letter will not do.
        let letter = json!({"title": {"id": "Surat tugas"}, "kind": "letter", "visibility": "secretariat"});
        let theirs = world.post(Neighbour(Lead), "programs/porto/documents").json(letter.clone()).expect(201).await.id();
        let mut body = grant(&world, "partner", "2026-01-01");
        body["document_id"] = json!(theirs);
        world.post(Member(Lead), "{p}/memberships").json(body.clone()).expect(422).await;
        body["document_id"] = json!(world.post(Member(Lead), "{p}/documents").json(letter).expect(201).await.id());
        body["acting"] = json!(true);
        let granted = world.post(Member(Lead), "{p}/memberships").json(body.clone()).expect(201).await;
        assert_eq!((&granted.body["acting"], &granted.body["document_id"]), (&json!(true), &body["document_id"]));
        let edited = world.patch(Member(Lead), &path(&granted)).if_match(&granted.etag()).patch(json!({"acting": false, "document_id": null, "note": "Definitif."})).expect(200).await;
        assert_eq!((&edited.body["acting"], &edited.body["document_id"], &edited.body["from_on"]), (&json!(false), &json!(null), &json!("2026-01-01")));
        for (patch, pointer) in [(json!({"role": "lead"}), "/role"), (json!({"from_on": null}), "/from_on"), (json!({"until_on": "2025-01-01"}), "/until_on")] {
            assert_eq!(world.patch(Member(Lead), &path(&granted)).if_match(&edited.etag()).patch(patch).expect(422).await.pointers(), [pointer]);
        }
        world.verify();
    }
}

story! {
    async fn nobody_grants_more_than_they_have(world) {
        let refused = world.post(Member(Secretariat), "{p}/memberships").json(grant(&world, "lead", "2026-01-01")).expect(403).await;
        assert_eq!((refused.problem(), &refused.body["missing_actions"]), ("cannot-grant", &json!(["phase.complete", "statement.adopt", "statement.publish"])));
        let lead = held(&world, Lead).await;
        let edit = world.patch(Member(Secretariat), &path(&lead)).if_match(&lead.etag()).patch(json!({"note": "Kami."})).expect(403).await;
        assert_eq!(edit.problem(), "cannot-grant");
        let end = world.post(Member(Secretariat), &format!("{}/end", path(&lead))).if_match(&lead.etag()).json(json!({"reason": WHY})).expect(403).await;
        assert_eq!(end.problem(), "cannot-grant");
        assert!(world.ledger().is_empty());
        // A lead may make a lead, and so may an admin; each role below goes from the secretariat.
        world.post(Member(Lead), "{p}/memberships").json(grant(&world, "lead", "2026-01-01")).expect(201).await;
        let mut body = grant(&world, "lead", "2026-01-01");
        body["account_email"] = json!(world.email(&Member(Observer)));
        world.post(Member(Admin), "{p}/memberships").json(body).expect(201).await;
        for role in ["secretariat", "facilitator", "agency", "partner", "observer"] {
            world.post(Member(Secretariat), "{p}/memberships").json(grant(&world, role, "2026-01-01")).expect(201).await;
        }
        world.verify();
    }
}

story! {
    async fn the_last_lead_stays(world) {
        let lead = held(&world, Lead).await;
        let end = format!("{}/end", path(&lead));
        for body in [json!({"reason": WHY}), json!({"reason": WHY, "on": "2026-01-20"})] {
            let refused = world.post(Member(Lead), &end).if_match(&lead.etag()).json(body).expect(409).await;
            assert_eq!(refused.problem(), "last-holder");
        }
        for patch in [json!({"until_on": "2026-06-30"}), json!({"from_on": "2026-01-16"})] {
            let refused = world.patch(Member(Admin), &path(&lead)).if_match(&lead.etag()).patch(patch).expect(409).await;
            assert_eq!(refused.problem(), "last-holder");
        }
        let account = world.get(Member(Admin), &format!("accounts/{}", world.account(&Member(Lead)))).expect(200).await;
        let lock = world.post(Member(Admin), &format!("accounts/{}/lock", account.id())).if_match(&account.etag()).json(json!({"reason": WHY})).expect(409).await;
        assert_eq!(lock.problem(), "last-holder");
        // One that begins tomorrow or ends some day is no lead to rely on.
        let mut some_day = grant(&world, "lead", "2026-01-16");
        let second = world.post(Member(Lead), "{p}/memberships").json(some_day.clone()).expect(201).await;
        world.post(Member(Lead), &end).if_match(&lead.etag()).json(json!({"reason": WHY})).expect(409).await;
        some_day = json!({"from_on": "2026-01-01", "until_on": "2026-12-31"});
        let second = world.patch(Member(Lead), &path(&second)).if_match(&second.etag()).patch(some_day).expect(200).await;
        world.post(Member(Lead), &end).if_match(&lead.etag()).json(json!({"reason": WHY})).expect(409).await;
        world.patch(Member(Lead), &path(&second)).if_match(&second.etag()).patch(json!({"until_on": null})).expect(200).await;
        let ended = world.post(Member(Lead), &end).if_match(&lead.etag()).json(json!({"reason": WHY})).expect(200).await;
        assert_eq!((&ended.body["state"], &ended.body["until_on"]), (&json!("ended"), &json!("2026-01-14")));
        // Now the second is the last.
        let second = held_by(&world, &Outsider).await;
        let refused = world.post(Outsider, &format!("{}/end", path(&second))).if_match(&second.etag()).json(json!({"reason": WHY})).expect(409).await;
        assert_eq!(refused.problem(), "last-holder");
        world.verify();
    }
}

/// The membership of this account, as itself reads it.
async fn held_by(world: &World, who: &Who) -> Reply {
    let own = world.get(who.clone(), "me/memberships").expect(200).await;
    let id = own.items()[0]["membership_id"].as_str().unwrap();
    world.get(who.clone(), &format!("{{p}}/memberships/{id}")).expect(200).await
}

story! {
    async fn a_lead_for_a_time_can_be_prolonged_though_nobody_else_is_lead(world) {
        let program = json!({"slug": "bandung", "source_language": "id", "time_zone": "Asia/Jakarta", "name": {"id": "Bandung"}});
        world.post(Member(Admin), "programs").json(program).expect(201).await;
        let mut acting = grant(&world, "lead", "2026-01-01");
        acting["until_on"] = json!("2026-03-31");
        acting["acting"] = json!(true);
        let acting = world.post(Member(Admin), "programs/bandung/memberships").json(acting).expect(201).await;
        let path = format!("programs/bandung/memberships/{}", acting.id());
        let longer = world.patch(Outsider, &path).if_match(&acting.etag()).patch(json!({"until_on": "2026-06-30"})).expect(200).await;
        let for_good = world.patch(Outsider, &path).if_match(&longer.etag()).patch(json!({"until_on": null, "acting": false})).expect(200).await;
        // From here on there is a lead who stays.
        world.patch(Outsider, &path).if_match(&for_good.etag()).patch(json!({"until_on": "2026-06-30"})).expect(409).await;
        world.verify();
    }
}

story! {
    async fn a_membership_from_tomorrow_holds_when_it_is_tomorrow_in_the_programme(world) {
        // It is nine in the morning in Jakarta, on the 15th.
        world.post(Member(Lead), "{p}/memberships").json(grant(&world, "partner", "2026-01-16")).expect(201).await;
        world.get(Outsider, "{p}/questions").expect(404).await;
        let own = world.get(Outsider, "me/memberships").expect(200).await;
        assert_eq!(own.items()[0]["holds_today"], false);
        world.clock.advance(TimeDelta::hours(15) - TimeDelta::microseconds(1));
        world.get(Outsider, "{p}/questions").expect(404).await;
        world.clock.advance(TimeDelta::microseconds(1));
        // 17:00 in London, midnight in Jakarta.
        world.get(Outsider, "{p}/questions").expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_membership_holds_to_the_end_of_its_last_day_in_the_programme(world) {
        let mut body = grant(&world, "facilitator", "2026-01-15");
        body["until_on"] = json!("2026-01-15");
        world.post(Member(Lead), "{p}/memberships").json(body).expect(201).await;
        let area = world.focus_area().await;
        let ask = async || world.post(Outsider, "{p}/questions").json(json!({"focus_area_id": area, "text": {"id": "Siapa?"}})).send().await;
        world.clock.advance(TimeDelta::hours(15) - TimeDelta::microseconds(1));
        ask().await.expect(201);
        world.clock.advance(TimeDelta::microseconds(1));
        ask().await.expect(404);
        world.get(Outsider, "{p}/questions").expect(404).await;
        world.verify();
    }
}

story! {
    async fn an_ended_membership_gives_nothing_from_that_moment(world) {
        let agency = held(&world, Agency).await;
        let token = world.token(&Member(Agency)).unwrap();
        world.get(Bearer(token.clone()), "{p}/questions").expect(200).await;
        let ended = world.post(Member(Secretariat), &format!("{}/end", path(&agency))).if_match(&agency.etag()).json(json!({"reason": WHY})).expect(200).await;
        assert_eq!((&ended.body["state"], &ended.body["allowed_actions"]), (&json!("ended"), &json!(["membership.read"])));
        world.get(Bearer(token), "{p}/questions").expect(404).await;
        world.get(Member(Agency), "{p}").expect(404).await;
        world.post(Member(Lead), &format!("{}/end", path(&agency))).if_match(&ended.etag()).json(json!({"reason": WHY})).expect(409).await;
        world.patch(Member(Lead), &path(&agency)).if_match(&ended.etag()).patch(json!({"note": "Lagi."})).expect(409).await;
        let history = world.get(Member(Lead), &format!("{}/history", path(&agency))).expect(200).await;
        assert_eq!((&history.items()[1]["action"], &history.items()[1]["reason"]), (&json!("membership.end"), &json!(WHY)));
        // The role can be given again: that is another membership.
        let again = json!({"account_id": world.account(&Member(Agency)), "stakeholder_id": world.seed.stakeholders["dinas"], "role": "agency", "from_on": "2026-01-15"});
        let again = world.post(Member(Lead), "{p}/memberships").json(again).expect(201).await;
        assert_ne!(again.id(), agency.id());
        world.get(Member(Agency), "{p}/questions").expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_role_for_an_organisation_is_recorded_with_what_is_done_in_it(world) {
        // A partner here and a facilitator for another organisation: each act names the organisation it was for.
        let mut body = grant(&world, "facilitator", "2026-01-01");
        body["account_email"] = json!(world.email(&Member(Partner)));
        body["stakeholder_id"] = json!(world.seed.stakeholders["dinas"]);
        world.post(Member(Lead), "{p}/memberships").json(body).expect(201).await;
        let area = world.focus_area().await;
        let asked = world.post(Member(Partner), "{p}/questions").json(json!({"focus_area_id": area, "text": {"id": "Siapa?"}})).expect(201).await;
        let ledger = world.get(Member(Lead), &format!("{{p}}/ledger?subject_id={}", asked.id())).expect(200).await;
        assert_eq!(ledger.items()[0]["stakeholder_id"], json!(world.seed.stakeholders["dinas"]));
        assert_eq!(ledger.items()[0]["account_id"], json!(world.account(&Member(Partner))));
        world.verify();
    }
}

story! {
    async fn memberships_are_found_by_role_state_and_day(world) {
        world.post(Member(Lead), "{p}/memberships").json(grant(&world, "partner", "2026-02-01")).expect(201).await;
        let count = async |query: &str| world.get(Member(Secretariat), &format!("{{p}}/memberships?{query}")).expect(200).await.items().len();
        assert_eq!(count("").await, 7);
        assert_eq!(count("role=partner,lead").await, 3);
        assert_eq!(count("role=partner&held_on=2026-01-31").await, 1);
        assert_eq!(count("role=partner&held_on=2026-02-01").await, 2);
        assert_eq!(count("state=ended").await, 0);
        assert_eq!(count(&format!("stakeholder_id={}", world.seed.stakeholders["mitra"])).await, 2);
        world.get(Member(Partner), "{p}/memberships").expect(403).await;
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_membership(world) {
        let agency = held(&world, Agency).await;
        neighbour::sees_nothing_of(&world, "memberships", &agency.id()).await;
        for program in ["jakarta", "porto"] {
            let path = format!("programs/{program}/memberships/{}/end", agency.id());
            world.post(Neighbour(Lead), &path).if_match(&agency.etag()).json(json!({"reason": WHY})).expect(404).await;
        }
        // A lead of one programme is nobody in another.
        world.post(Neighbour(Lead), "programs/porto/memberships").json(grant(&world, "lead", "2026-01-01")).expect(201).await;
        world.get(Outsider, "{p}").expect(404).await;
        world.get(Member(Agency), "{p}/questions").expect(200).await;
        world.verify();
    }
}
