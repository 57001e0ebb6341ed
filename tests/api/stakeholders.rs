//! Organisations, which all programmes share.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::harness::*;

fn organisation(name: &str) -> Value {
    json!({"names": [{"name": {"id": name}}], "kind": "ngo_local"})
}

/// The names that a search finds, in order.
async fn found(world: &World, query: &str) -> Vec<String> {
    let listed = world.get(Member(Partner), &format!("stakeholders?{query}")).expect(200).await;
    listed.items().iter().map(|item| item["names"][0]["name"]["id"].as_str().unwrap().to_owned()).collect()
}

/// The newest rows of the platform's ledger, oldest first.
async fn acts(world: &World, count: usize) -> Vec<(String, i64)> {
    let rows = world.get(Member(Admin), &format!("ledger?sort=-sequence&limit={count}")).expect(200).await;
    rows.items()
        .iter()
        .rev()
        .map(|row| (row["action"].as_str().unwrap().to_owned(), row["revision"].as_i64().unwrap()))
        .collect()
}

story! {
    async fn an_organisation_is_found_by_words_in_any_case(world) {
        for (name, short) in [("Yayasan Élan Öresund", json!("YÉÖ")), ("Dinas 100% Hijau", json!(null)), ("Dinas Tata_Air", json!("DTA"))] {
            let mut body = organisation(name);
            body["abbreviation"] = short;
            world.post(Member(Admin), "stakeholders").json(body).expect(201).await;
        }
        assert_eq!(found(&world, "q=DINAS").await, ["dinas", "Dinas 100% Hijau", "Dinas Tata_Air"]);
        // ÉLAN, öRESUND, yéö
        for query in ["%C3%89LAN", "%C3%B6RESUND", "y%C3%A9%C3%B6"] {
            assert_eq!(found(&world, &format!("q={query}")).await, ["Yayasan Élan Öresund"], "{query}");
        }
        // What means something to LIKE means itself here.
        assert_eq!(found(&world, "q=100%25").await, ["Dinas 100% Hijau"]);
        assert_eq!(found(&world, "q=a_a").await, ["Dinas Tata_Air"]);
        assert!(found(&world, "q=%5C").await.is_empty());
        assert_eq!(found(&world, "q=dta").await, ["Dinas Tata_Air"]);
        world.verify();
    }
}

story! {
    async fn organisations_are_sorted_by_name_and_found_by_kind_and_state(world) {
        world.post(Member(Lead), "stakeholders").json(organisation("Alpha")).expect(201).await;
        world.post(Member(Secretariat), "stakeholders").json(organisation("beta")).expect(201).await;
        assert_eq!(found(&world, "limit=3").await, ["Alpha", "beta", "dinas"]);
        assert_eq!(found(&world, "sort=-created_at&limit=2").await, ["beta", "Alpha"]);
        assert_eq!(found(&world, "kind=ngo_local,media").await, ["Alpha", "beta"]);
        assert!(found(&world, "state=provisional").await.is_empty());
        let page = world.get(Outsider, "stakeholders?limit=1&sort=-name").expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        assert_eq!(found(&world, &format!("limit=1&sort=-name&cursor={cursor}")).await.len(), 1);
        world.get(Outsider, "stakeholders?kind=guild").expect(400).await;
        for role in [Facilitator, Agency, Partner, Observer] {
            world.post(Member(role), "stakeholders").json(organisation("Gamma")).expect(403).await;
        }
        world.post(Outsider, "stakeholders").json(organisation("Gamma")).expect(403).await;
        world.verify();
    }
}

story! {
    async fn an_organisation_is_edited_and_keeps_its_earlier_names(world) {
        let made = world.post(Member(Admin), "stakeholders").json(organisation("Bappeda")).expect(201).await;
        assert_eq!(made.body["state"], "confirmed");
        assert_eq!(made.header("location").unwrap(), format!("/api/v1/stakeholders/{}", made.id()));
        let path = format!("stakeholders/{}", made.id());
        let patch = json!({"names": [{"name": {"id": "Bapperida"}, "from_on": "2024-01-01"}, {"name": {"id": "Bappeda"}, "until_on": "2023-12-31"}],
            "kind": "provincial_government", "codes": [{"system": "kemendagri", "code": "31"}], "external_references": [{"system": "portal", "reference": "7"}],
            "parent_id": world.seed.stakeholders["sekretariat"]});
        world.patch(Member(Facilitator), &path).if_match(&made.etag()).patch(patch.clone()).expect(403).await;
        let edited = world.patch(Member(Secretariat), &path).if_match(&made.etag()).patch(patch).expect(200).await;
        assert_eq!((&edited.body["kind"], &edited.body["names"][1]["name"]["id"]), (&json!("provincial_government"), &json!("Bappeda")));
        // The earlier name still finds it.
        assert_eq!(found(&world, "q=bappeda").await, ["Bapperida"]);
        for (patch, pointer) in [
            (json!({"parent_id": made.id()}), "/parent_id"),
            (json!({"predecessor_ids": [made.id()]}), "/predecessor_ids/0"),
            (json!({"successor_ids": [uuid::Uuid::now_v7()]}), "/successor_ids/0"),
            (json!({"names": []}), "/names"),
            (json!({"names": [{"name": {"en": "Planning agency"}}]}), "/names/0/name/id"),
            (json!({"kind": "guild"}), "/kind"),
            (json!({"state": "provisional"}), "/state"),
            (json!({"sources": [{"standing": "ours", "document_id": uuid::Uuid::now_v7()}]}), "/sources/0/document_id"),
        ] {
            let refused = world.patch(Member(Admin), &path).if_match(&edited.etag()).patch(patch).expect(422).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        let cleared = world.patch(Member(Admin), &path).if_match(&edited.etag()).patch(json!({"parent_id": null, "codes": []})).expect(200).await;
        assert_eq!((&cleared.body["parent_id"], &cleared.body["codes"]), (&json!(null), &json!([])));
        assert_eq!(acts(&world, 3).await, [("stakeholder.create".into(), 1), ("stakeholder.edit".into(), 2), ("stakeholder.edit".into(), 3)]);
        assert_eq!(world.get(Outsider, &format!("{path}/history")).expect(200).await.items().len(), 3);
        let then = world.get(Outsider, &format!("{path}?as_of=2026-01-15T02:00:00Z&fields=revision,kind")).expect(200).await;
        assert_eq!(then.body["revision"], 3);
        world.verify();
    }
}

story! {
    async fn a_provisional_organisation_is_confirmed_once(world) {
        let body = json!({"new_stakeholder": organisation("Karang Taruna"), "capacity": "invited"});
        let part = world.post(Member(Facilitator), "{p}/stakeholders").json(body).expect(201).await;
        let path = format!("stakeholders/{}", part.body["stakeholder_id"].as_str().unwrap());
        let new = world.get(Member(Secretariat), &path).expect(200).await;
        assert_eq!(new.body["allowed_actions"], json!(["stakeholder.read", "stakeholder.edit", "stakeholder.confirm"]));
        world.post(Member(Secretariat), &format!("{path}/confirmation")).if_match(&new.etag()).json(json!({})).expect(422).await;
        let confirmed = world.post(Member(Secretariat), &format!("{path}/confirmation")).if_match(&new.etag()).json(json!({"reason": "Ada suratnya."})).expect(200).await;
        assert_eq!((&confirmed.body["state"], &confirmed.body["allowed_actions"]), (&json!("confirmed"), &json!(["stakeholder.read", "stakeholder.edit"])));
        let again = world.post(Member(Admin), &format!("{path}/confirmation")).if_match(&confirmed.etag()).json(json!({"reason": "Lagi."})).expect(409).await;
        assert_eq!(again.problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn neighbours_share_an_organisation_and_not_what_it_is_elsewhere(world) {
        let made = world.post(Neighbour(Secretariat), "stakeholders").json(organisation("Câmara")).expect(201).await;
        // The same for both, with the rights of each.
        let path = format!("stakeholders/{}", made.id());
        assert_eq!(world.get(Member(Lead), &path).expect(200).await.etag(), made.etag());
        assert_eq!(world.get(Member(Observer), &path).expect(200).await.body["allowed_actions"], json!(["stakeholder.read"]));
        world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"abbreviation": "CML"})).expect(200).await;
        world.get(Member(Lead), &format!("{{p}}/stakeholders/{}", made.id())).expect(404).await;
        assert!(world.ledger().is_empty());
        world.verify();
    }
}
