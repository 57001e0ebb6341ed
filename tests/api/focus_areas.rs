//! Focus areas: their numbers, names through time, and emphases.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

story! {
    async fn a_focus_area_has_a_number_and_code_for_good(world) {
        let name = |text: &str| json!([{"name": {"id": text}}]);
        let make = async |body| world.post(Member(Lead), "{p}/focus-areas").json(body).send().await;
        let third = make(json!({"number": 3, "names": name("Tiga")})).await.expect(201);
        assert_eq!((&third.body["code"], &third.body["state"]), (&json!("FU-3"), &json!("active")));
        assert_eq!(make(json!({"names": name("Empat")})).await.expect(201).body["code"], "FU-4");
        let taken = make(json!({"number": 3, "names": name("Lagi")})).await.expect(409);
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/number"]));
        assert_eq!(make(json!({"number": 0, "names": name("Nol")})).await.expect(422).pointers(), ["/number"]);
        assert_eq!(make(json!({"number": 5, "names": []})).await.expect(422).pointers(), ["/names"]);

        let path = format!("{{p}}/focus-areas/{}", third.id());
        let renumbered = world.patch(Member(Lead), &path).if_match(&third.etag()).patch(json!({"number": 9})).expect(422).await;
        assert_eq!(renumbered.pointers(), ["/number"]);
        // A retired one keeps its number.
        world.post(Member(Secretariat), &format!("{path}/retirement")).if_match(&third.etag()).json(json!({"reason": "Selesai."})).expect(200).await;
        make(json!({"number": 3, "names": name("Lagi")})).await.expect(409);
        make(json!({"number": 1, "names": name("Satu")})).await.expect(201);
        let listed = world.get(Member(Partner), "{p}/focus-areas").expect(200).await;
        let codes: Vec<_> = listed.items().iter().map(|item| item["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["FU-1", "FU-3", "FU-4"]);
        let active = world.get(Member(Partner), "{p}/focus-areas?state=active&sort=-number").expect(200).await;
        assert_eq!(active.items().len(), 2);
        assert_eq!(world.get(Member(Partner), "{p}/focus-areas?code=FU-3").expect(200).await.items()[0]["state"], "retired");
        assert_eq!(world.ledger(), [
            ("focus_area.name".to_owned(), 1), ("focus_area.name".into(), 1), ("focus_area.retire".into(), 2), ("focus_area.name".into(), 1),
        ]);
        world.verify();
    }
}

story! {
    async fn names_hold_from_day_to_day_and_the_first_is_in_use(world) {
        let body = json!({"names": [{"name": {"id": "Air", "en": "Water"}, "from_on": "2018-08-23"}],
            "aliases": [{"id": "Banjir"}]});
        let made = world.post(Member(Lead), "{p}/focus-areas").json(body).expect(201).await;
        let path = format!("{{p}}/focus-areas/{}", made.id());
        let renamed = json!({"names": [
            {"name": {"id": "Ketahanan air"}, "from_on": "2019-01-01"},
            {"name": {"id": "Air", "en": "Water"}, "from_on": "2018-08-23", "until_on": "2018-12-31", "note": "Sesi kerja."},
        ]});
        let edited = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(renamed).expect(200).await;
        assert_eq!(edited.body["names"][0]["name"]["id"], "Ketahanan air");
        assert_eq!((&edited.body["names"][1]["until_on"], &edited.body["aliases"]), (&json!("2018-12-31"), &json!([{"id": "Banjir"}])));
        // The older name took another place in the list; its translation is the same as before.
        assert_eq!(edited.body["translations"], json!([{"pointer": "/names/1/name", "language": "en", "of_revision": 1, "stale": false}]));

        let backwards = json!({"names": [{"name": {"id": "Air"}, "from_on": "2019-01-01", "until_on": "2018-01-01"}]});
        let refused = world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(backwards).expect(422).await;
        assert_eq!(refused.pointers(), ["/names/0/until_on"]);
        world.verify();
    }
}

story! {
    async fn a_stale_translation_stays_stale_when_its_text_takes_another_place(world) {
        let body = json!({"names": [{"name": {"id": "Air", "en": "Water"}}]});
        let made = world.post(Member(Lead), "{p}/focus-areas").json(body).expect(201).await;
        let path = format!("{{p}}/focus-areas/{}", made.id());
        let moved_on = json!({"names": [{"name": {"id": "Air bersih", "en": "Water"}}]});
        let stale = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(moved_on).expect(200).await;
        assert_eq!(stale.body["translations"][0]["stale"], true);
        let renamed = json!({"names": [{"name": {"id": "Sumber air", "en": "Sources of water"}}, {"name": {"id": "Air bersih", "en": "Water"}}]});
        let renamed = world.patch(Member(Lead), &path).if_match(&stale.etag()).patch(renamed).expect(200).await;
        assert_eq!(renamed.body["translations"], json!([
            {"pointer": "/names/0/name", "language": "en", "of_revision": 3, "stale": false},
            {"pointer": "/names/1/name", "language": "en", "of_revision": 1, "stale": true},
        ]));
        world.verify();
    }
}

story! {
    async fn a_merge_patch_changes_what_it_names_and_nothing_else(world) {
        let body = json!({"names": [{"name": {"id": "Air"}}], "problem": {"id": "Banjir", "en": "Floods"},
            "emphases": [{"code": "1.a", "text": {"id": "Proses"}}, {"code": "1.b", "text": {"id": "Hasil"}}],
            "lead_stakeholder_id": world.seed.stakeholders["dinas"]});
        let made = world.post(Member(Lead), "{p}/focus-areas").json(body).expect(201).await;
        let path = format!("{{p}}/focus-areas/{}", made.id());
        // Nested: one language of a text.
        let edited = world.patch(Member(Lead), &path).if_match(&made.etag()).patch(json!({"problem": {"en": "Flooding"}})).expect(200).await;
        assert_eq!(edited.body["problem"], json!({"id": "Banjir", "en": "Flooding"}));
        assert_eq!(edited.body["emphases"], made.body["emphases"]);
        // Null takes away: a language, a member; an array replaces.
        let patch = json!({"problem": {"en": null}, "lead_stakeholder_id": null, "emphases": [{"code": "1.b", "text": {"id": "Hasil"}}]});
        let edited = world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(patch).expect(200).await;
        assert_eq!(edited.body["problem"], json!({"id": "Banjir"}));
        assert_eq!((&edited.body["lead_stakeholder_id"], &edited.body["emphases"][0]["code"]), (&json!(null), &json!("1.b")));
        let edited = world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(json!({"problem": null})).expect(200).await;
        assert_eq!((&edited.body["problem"], &edited.body["revision"]), (&json!(null), &json!(4)));
        for (patch, pointer) in [
            (json!({"names": null}), "/names"),
            (json!({"names": [{"name": {"id": null}}]}), "/names/0/name/id"),
            (json!({"colour": "red"}), "/colour"),
            (json!({"code": "FU-9"}), "/code"),
            (json!({"emphases": [{"code": "1.a", "text": {"id": "Satu"}}, {"code": "1.a", "text": {"id": "Dua"}}]}), "/emphases/1/code"),
            (json!({"lead_stakeholder_id": uuid::Uuid::now_v7()}), "/lead_stakeholder_id"),
            (json!({"shock_or_stress_ids": [uuid::Uuid::now_v7()]}), "/shock_or_stress_ids/0"),
            (json!({"sources": [{"standing": "reported", "document_id": uuid::Uuid::now_v7()}]}), "/sources/0/document_id"),
        ] {
            let refused = world.patch(Member(Lead), &path).if_match(&edited.etag()).patch(patch).expect(422).await;
            assert_eq!(refused.pointers(), [pointer]);
        }
        assert_eq!(world.ledger().len(), 4);
        world.verify();
    }
}

story! {
    async fn in_a_retired_focus_area_nothing_is_asked(world) {
        let id = world.focus_area().await;
        let other = world.focus_area().await;
        let body = json!({"focus_area_id": other, "text": {"id": "Siapa?"}});
        let asked = world.post(Member(Lead), "{p}/questions").json(body).expect(201).await;
        let path = format!("{{p}}/focus-areas/{id}");
        let now = world.get(Member(Lead), &path).expect(200).await;
        let retired = world.post(Member(Lead), &format!("{path}/retirement")).if_match(&now.etag()).json(json!({"reason": "Selesai."})).expect(200).await;
        assert_eq!((&retired.body["state"], &retired.body["allowed_actions"]), (&json!("retired"), &json!(["focus_area.read"])));

        let refused = world.post(Member(Lead), "{p}/questions").json(json!({"focus_area_id": id, "text": {"id": "Siapa?"}})).expect(409).await;
        assert_eq!((refused.problem(), refused.pointers()), ("conflict", vec!["/focus_area_id"]));
        let to = json!({"focus_area_id": id, "reason": "Pindah."});
        world.post(Member(Lead), &format!("{{p}}/questions/{}/move", asked.id())).if_match(&asked.etag()).json(to).expect(409).await;
        for (path, body) in [(path.clone(), json!({"problem": null})), (format!("{path}/retirement"), json!({"reason": "Lagi."}))] {
            let ask = if path.ends_with("retirement") { world.post(Member(Lead), &path).json(body) } else { world.patch(Member(Lead), &path).patch(body) };
            assert_eq!(ask.if_match(&retired.etag()).expect(409).await.problem(), "wrong-state");
        }
        assert_eq!(world.ledger().len(), 4);
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_focus_area(world) {
        let id = world.focus_area().await;
        neighbour::sees_nothing_of(&world, "focus-areas", &id).await;
        // Nor can its focus area name the shocks of another programme.
        let shock = world.post(Member(Lead), "{p}/shocks-and-stresses").json(json!({"kind": "shock", "name": {"id": "Banjir"}})).expect(201).await.id();
        let body = json!({"names": [{"name": {"id": "Air"}}], "shock_or_stress_ids": [shock]});
        let refused = world.post(Neighbour(Lead), "programs/porto/focus-areas").json(body).expect(422).await;
        assert_eq!(refused.pointers(), ["/shock_or_stress_ids/0"]);
        world.verify();
    }
}
