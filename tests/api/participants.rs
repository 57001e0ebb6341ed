//! Organisations that take part in a programme.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

story! {
    async fn a_known_organisation_takes_part_once(world) {
        let dinas = world.seed.stakeholders["dinas"];
        let body = json!({"stakeholder_id": dinas, "capacity": "member", "from_on": "2018-08-23"});
        for role in [Agency, Partner, Observer, Admin] {
            world.post(Member(role), "{p}/stakeholders").json(body.clone()).expect(403).await;
        }
        let added = world.post(Member(Facilitator), "{p}/stakeholders").json(body.clone()).expect(201).await;
        assert_eq!(added.header("location").unwrap(), format!("/api/v1/programs/jakarta/stakeholders/{dinas}"));
        let twice = world.post(Member(Facilitator), "{p}/stakeholders").json(body).expect(409).await;
        assert_eq!((twice.problem(), twice.pointers()), ("taken", vec!["/stakeholder_id"]));

        let path = format!("{{p}}/stakeholders/{dinas}");
        let edited = world.patch(Member(Secretariat), &path).if_match(&added.etag()).patch(json!({"capacity": "chair", "from_on": null})).expect(200).await;
        assert_eq!((&edited.body["capacity"], &edited.body["from_on"]), (&json!("chair"), &json!(null)));
        let backwards = json!({"from_on": "2019-01-01", "until_on": "2018-01-01"});
        assert_eq!(world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(backwards).expect(422).await.pointers(), ["/until_on"]);
        world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(json!({"stakeholder_id": dinas})).expect(422).await;

        let listed = world.get(Member(Partner), "{p}/stakeholders?capacity=chair&expand=stakeholder").expect(200).await;
        assert_eq!(listed.items()[0]["expanded"]["stakeholder"]["names"][0]["name"]["id"], "dinas");
        assert!(world.get(Member(Partner), "{p}/stakeholders?capacity=member").expect(200).await.items().is_empty());
        let read = world.get(Member(Partner), &format!("{path}?expand=stakeholder")).expect(200).await;
        assert_eq!(read.body["expanded"]["stakeholder"]["id"], json!(dinas));
        assert_eq!(world.ledger(), [("participant.add".to_owned(), 1), ("participant.edit".into(), 2)]);
        world.verify();
    }
}

story! {
    async fn one_that_nobody_entered_yet_is_provisional(world) {
        let body = json!({"new_stakeholder": {"names": [{"name": {"id": "Karang Taruna"}}], "kind": "community_group"}, "capacity": "invited"});
        let added = world.post(Member(Facilitator), "{p}/stakeholders").json(body.clone()).expect(201).await;
        let id = added.body["stakeholder_id"].as_str().unwrap().to_owned();
        let new = world.get(Member(Partner), &format!("stakeholders/{id}")).expect(200).await;
        assert_eq!((&new.body["state"], &new.body["kind"]), (&json!("provisional"), &json!("community_group")));
        // Each of the two is on its own ledger.
        assert_eq!(world.ledger(), [("participant.add".to_owned(), 1)]);
        let platform = world.get(Member(Admin), "ledger?sort=-sequence&limit=1").expect(200).await;
        assert_eq!(platform.items()[0]["subject_id"], json!(id));
        // A facilitator may not confirm it; the secretariat may.
        let path = format!("stakeholders/{id}/confirmation");
        world.post(Member(Facilitator), &path).if_match(&new.etag()).json(json!({"reason": "Ada suratnya."})).expect(403).await;
        world.post(Member(Secretariat), &path).if_match(&new.etag()).json(json!({"reason": "Ada suratnya."})).expect(200).await;

        let before = platform.items()[0]["sequence"].as_i64().unwrap() + 1;
        let mut wrong = body.clone();
        wrong["new_stakeholder"]["parent_id"] = json!(uuid::Uuid::now_v7());
        assert_eq!(world.post(Member(Lead), "{p}/stakeholders").json(wrong).expect(422).await.pointers(), ["/new_stakeholder/parent_id"]);
        let mut wrong = body.clone();
        wrong["new_stakeholder"]["names"] = json!([{"name": {"en": "Youth group"}}]);
        assert_eq!(world.post(Member(Lead), "{p}/stakeholders").json(wrong).expect(422).await.pointers(), ["/new_stakeholder/names/0/name/id"]);
        let mut both = body;
        both["stakeholder_id"] = json!(world.seed.stakeholders["dinas"]);
        for wrong in [both, json!({"capacity": "member"})] {
            assert_eq!(world.post(Member(Lead), "{p}/stakeholders").json(wrong).expect(422).await.pointers(), ["/stakeholder_id"]);
        }
        let nobody = json!({"stakeholder_id": uuid::Uuid::now_v7(), "capacity": "member"});
        assert_eq!(world.post(Member(Lead), "{p}/stakeholders").json(nobody).expect(422).await.pointers(), ["/stakeholder_id"]);
        let platform = world.get(Member(Admin), "ledger?sort=-sequence&limit=1").expect(200).await;
        assert_eq!(platform.items()[0]["sequence"], before);
        world.verify();
    }
}

story! {
    async fn one_that_left_can_take_part_again_under_the_same_history(world) {
        let dinas = world.seed.stakeholders["dinas"];
        let path = format!("{{p}}/stakeholders/{dinas}");
        let body = |capacity: &str| json!({"stakeholder_id": dinas, "capacity": capacity});
        let added = world.post(Member(Lead), "{p}/stakeholders").json(body("member")).expect(201).await;
        world.delete(Member(Lead), &path).expect(428).await;
        let gone = world.delete(Member(Lead), &path).if_match(&added.etag()).expect(204).await;
        assert!(gone.text.is_empty());
        world.get(Member(Lead), &path).expect(404).await;
        world.delete(Member(Lead), &path).if_match("\"2.x\"").expect(404).await;
        assert!(world.get(Member(Lead), "{p}/stakeholders").expect(200).await.items().is_empty());

        let again = world.post(Member(Facilitator), "{p}/stakeholders").json(body("observer")).expect(201).await;
        assert_eq!((again.id(), &again.body["revision"], &again.body["state"]), (added.id(), &json!(3), &json!("active")));
        let read = world.get(Member(Lead), &path).expect(200).await;
        assert_eq!((&read.body["capacity"], read.etag()), (&json!("observer"), again.etag()));
        let history = world.get(Member(Lead), &format!("{path}/history")).expect(200).await;
        let actions: Vec<_> = history.items().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["participant.add", "participant.remove", "participant.add"]);
        assert_eq!(history.items()[1]["content"]["state"], "removed");
        // As of then it did not take part.
        let sequence = history.items()[1]["sequence"].as_i64().unwrap();
        assert!(world.get(Member(Lead), &format!("{{p}}/stakeholders?as_of=seq:{sequence}")).expect(200).await.items().is_empty());
        assert_eq!(world.ledger().len(), 3);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_participant(world) {
        let dinas = world.seed.stakeholders["dinas"];
        let body = json!({"stakeholder_id": dinas, "capacity": "member"});
        world.post(Member(Lead), "{p}/stakeholders").json(body.clone()).expect(201).await;
        neighbour::sees_nothing_of(&world, "stakeholders", &dinas.to_string()).await;
        // The organisation is shared; its part in each programme is not.
        world.post(Neighbour(Lead), "programs/porto/stakeholders").json(body).expect(201).await;
        world.delete(Neighbour(Lead), &format!("programs/jakarta/stakeholders/{dinas}")).if_match("\"1.x\"").expect(404).await;
        world.delete(Neighbour(Lead), &format!("programs/porto/stakeholders/{dinas}")).if_match("\"1.x\"").expect(204).await;
        world.get(Member(Lead), &format!("{{p}}/stakeholders/{dinas}")).expect(200).await;
        assert_eq!(world.ledger().len(), 1);
        world.verify();
    }
}
