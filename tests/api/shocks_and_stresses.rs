//! Shocks and stresses.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

story! {
    async fn shocks_and_stresses_are_counted_apart_and_sort_as_people_count(world) {
        let name = async |kind: &str| world.post(Member(Secretariat), "{p}/shocks-and-stresses").json(json!({"kind": kind, "name": {"id": "Banjir"}})).expect(201).await;
        assert_eq!(name("stress").await.body["code"], "ST-1");
        for number in 1..=10 {
            assert_eq!(name("shock").await.body["code"], format!("SH-{number}"));
        }
        assert_eq!(name("stress").await.body["code"], "ST-2");
        let codes = async |query: &str| {
            let listed = world.get(Member(Partner), &format!("{{p}}/shocks-and-stresses?{query}")).expect(200).await;
            listed.items().iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(codes("limit=2").await, ["SH-1", "SH-2"]);
        assert_eq!(codes("sort=-code&limit=4").await, ["ST-2", "ST-1", "SH-10", "SH-9"]);
        assert_eq!(codes("kind=stress").await, ["ST-1", "ST-2"]);
        let page = world.get(Member(Partner), "{p}/shocks-and-stresses?limit=9").expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        assert_eq!(codes(&format!("limit=9&cursor={cursor}")).await, ["SH-10", "ST-1", "ST-2"]);
        world.verify();
    }
}

story! {
    async fn a_rank_is_edited_and_the_kind_is_not(world) {
        let body = json!({"kind": "shock", "name": {"id": "Banjir", "en": "Floods"}, "rank": 1, "ranked_by": "Sekretariat", "ranked_on": "2018-08-23"});
        let named = world.post(Member(Lead), "{p}/shocks-and-stresses").json(body).expect(201).await;
        let path = format!("{{p}}/shocks-and-stresses/{}", named.id());
        let edited = world.patch(Member(Lead), &path).if_match(&named.etag()).patch(json!({"rank": 2, "ranked_by": null})).expect(200).await;
        assert_eq!((&edited.body["rank"], &edited.body["ranked_by"], &edited.body["ranked_on"]), (&json!(2), &json!(null), &json!("2018-08-23")));
        for (patch, pointer) in [
            (json!({"kind": "stress"}), "/kind"), (json!({"rank": 0}), "/rank"), (json!({"rank": 1.5}), "/rank"),
            (json!({"ranked_on": "2018-13-01"}), "/ranked_on"), (json!({"name": {"id": null}}), "/name/id"),
        ] {
            let refused = world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(patch).expect(422).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        world.patch(Member(Facilitator), &path).if_match(&edited.etag()).patch(json!({"rank": 3})).expect(403).await;
        assert_eq!(world.ledger(), [("shock_or_stress.name".to_owned(), 1), ("shock_or_stress.edit".into(), 2)]);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_shock(world) {
        let body = json!({"kind": "shock", "name": {"id": "Banjir"}});
        let id = world.post(Member(Lead), "{p}/shocks-and-stresses").json(body.clone()).expect(201).await.id();
        neighbour::sees_nothing_of(&world, "shocks-and-stresses", &id).await;
        assert_eq!(world.post(Neighbour(Lead), "programs/porto/shocks-and-stresses").json(body).expect(201).await.body["code"], "SH-1");
        world.verify();
    }
}
