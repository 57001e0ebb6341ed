//! Programmes: begun by admins, edited by their own, archived.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, neighbour};

fn program(slug: &str) -> Value {
    json!({"slug": slug, "source_language": "id", "time_zone": "Asia/Jakarta", "name": {"id": slug}})
}

fn slugs(reply: &Reply) -> Vec<&str> {
    reply.items().iter().filter_map(|item| item["slug"].as_str()).collect()
}

story! {
    async fn an_admin_begins_a_programme_and_nobody_else_does(world) {
        for who in [Member(Lead), Member(Secretariat), Outsider] {
            world.post(who, "programs").json(program("bandung")).expect(403).await;
        }
        let begun = world.post(Member(Admin), "programs").json(program("bandung")).expect(201).await;
        assert_eq!(begun.header("location"), Some("/api/v1/programs/bandung"));
        assert_eq!((&begun.body["state"], &begun.body["revision"]), (&json!("active"), &json!(1)));
        let taken = world.post(Member(Admin), "programs").json(program("jakarta")).expect(409).await;
        assert_eq!((taken.problem(), taken.pointers()), ("taken", vec!["/slug"]));
        for (member, value, pointer) in [
            ("time_zone", json!("Mars/Olympus"), "/time_zone"),
            ("slug", json!("Jakarta Kota"), "/slug"),
            ("source_language", json!("Indonesian"), "/source_language"),
            ("name", json!({"en": "Bandung"}), "/name/id"),
            ("network_memberships", json!([{"network": "100RC", "from_on": "2019-01-01", "until_on": "2018-01-01"}]), "/network_memberships/0/until_on"),
            ("sources", json!([{"standing": "ours", "document_id": uuid::Uuid::now_v7()}]), "/sources/0/document_id"),
        ] {
            let mut body = program("semarang");
            body[member] = value;
            let refused = world.post(Member(Admin), "programs").json(body).expect(422).await;
            assert!(refused.pointers().iter().all(|named| *named == pointer), "{}", refused.text);
        }
        // What was refused left nothing behind.
        world.post(Member(Admin), "programs").json(program("semarang")).expect(201).await;
        // An admin is a member of nothing: content is none of an admin's business.
        world.get(Member(Admin), "programs/bandung").expect(200).await;
        world.get(Member(Admin), "programs/bandung/questions").expect(403).await;
        world.verify();
    }
}

story! {
    async fn everybody_lists_the_programmes_they_have_a_part_in(world) {
        assert_eq!(slugs(&world.get(Member(Partner), "programs").expect(200).await), ["jakarta"]);
        assert_eq!(slugs(&world.get(Neighbour(Lead), "programs").expect(200).await), ["porto"]);
        assert!(world.get(Outsider, "programs").expect(200).await.items().is_empty());
        assert_eq!(slugs(&world.get(Member(Admin), "programs").expect(200).await), ["jakarta", "porto"]);
        assert_eq!(slugs(&world.get(Member(Admin), "programs?sort=-slug&limit=1").expect(200).await), ["porto"]);
        let page = world.get(Member(Admin), "programs?limit=1").expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = world.get(Member(Admin), &format!("programs?limit=1&cursor={cursor}")).expect(200).await;
        assert_eq!((slugs(&next), &next.body["next_cursor"]), (vec!["porto"], &json!(null)));
        assert!(world.get(Member(Admin), "programs?state=archived").expect(200).await.items().is_empty());
        world.get(Outsider, "programs/jakarta").expect(404).await;
        world.get(Outsider, "programs/nowhere").expect(404).await;
        world.verify();
    }
}

story! {
    async fn a_programme_is_edited_by_its_lead_and_secretariat(world) {
        let now = world.get(Member(Lead), "{p}").expect(200).await;
        let patch = json!({"summary": {"id": "Ringkasan"}, "area_codes": [{"system": "kemendagri", "edition": null, "code": "31"}]});
        for role in [Facilitator, Agency, Partner, Observer, Admin] {
            world.patch(Member(role), "{p}").if_match(&now.etag()).patch(patch.clone()).expect(403).await;
        }
        let edited = world.patch(Member(Secretariat), "{p}").if_match(&now.etag()).patch(patch).expect(200).await;
        assert_eq!((&edited.body["summary"]["id"], &edited.body["name"]), (&json!("Ringkasan"), &now.body["name"]));
        for (patch, pointer) in [
            (json!({"slug": "betawi"}), "/slug"), (json!({"source_language": "en"}), "/source_language"),
            (json!({"time_zone": "Asia/Batavia"}), "/time_zone"), (json!({"time_zone": null}), "/time_zone"),
        ] {
            assert_eq!(world.patch(Member(Lead), "{p}").if_match(&edited.etag()).patch(patch).expect(422).await.pointers(), [pointer]);
        }
        world.patch(Member(Lead), "{p}").if_match(&now.etag()).patch(json!({"summary": null})).expect(412).await;
        let emptied = world.patch(Member(Lead), "{p}").if_match(&edited.etag()).patch(json!({"summary": null, "area_codes": []})).expect(200).await;
        assert_eq!((&emptied.body["summary"], &emptied.body["area_codes"]), (&json!(null), &json!([])));
        assert_eq!(world.get(Member(Partner), "{p}/history").expect(200).await.items().len(), 3);
        assert_eq!(world.ledger(), [("program.edit".to_owned(), 2), ("program.edit".into(), 3)]);
        world.verify();
    }
}

story! {
    async fn in_an_archived_programme_nothing_changes(world) {
        let asked = world.question().await;
        let now = world.get(Member(Admin), "{p}").expect(200).await;
        let archive = json!({"to": "archived", "reason": "Program selesai."});
        world.post(Member(Lead), "{p}/transitions").if_match(&now.etag()).json(archive.clone()).expect(403).await;
        let archived = world.post(Member(Admin), "{p}/transitions").if_match(&now.etag()).json(archive.clone()).expect(200).await;
        assert_eq!(archived.body["state"], "archived");
        world.post(Member(Admin), "{p}/transitions").if_match(&archived.etag()).json(archive).expect(409).await;

        let before = world.ledger();
        for (path, body) in [
            ("focus-areas".to_owned(), json!({"names": [{"name": {"id": "Air"}}]})),
            ("documents".into(), json!({"title": {"id": "Naskah"}, "kind": "report", "visibility": "public"})),
            (format!("questions/{}/transitions", asked.id()), json!({"to": "proposed", "reason": "Ayo."})),
        ] {
            let refused = world.post(Member(Lead), &format!("{{p}}/{path}")).if_match(&asked.etag()).json(body).expect(409).await;
            assert_eq!(refused.problem(), "wrong-state", "{path}");
        }
        world.patch(Member(Lead), "{p}").if_match(&archived.etag()).patch(json!({"summary": null})).expect(409).await;
        assert_eq!(world.ledger(), before);
        // It can be read, and says that nothing can be done.
        let read = world.get(Member(Lead), &format!("{{p}}/questions/{}", asked.id())).expect(200).await;
        assert_eq!(read.body["allowed_actions"], json!(["question.read"]));
        let listed = world.get(Member(Lead), "{p}/questions").expect(200).await;
        assert_eq!(listed.items()[0]["allowed_actions"], json!(["question.read"]));
        let read = world.get(Member(Lead), "{p}").expect(200).await;
        assert_eq!(read.body["allowed_actions"], json!(["program.read", "program.summarize", "program.follow"]));
        // Its roles open nothing on the platform either.
        let body = json!({"names": [{"name": {"id": "Baru"}}], "kind": "other"});
        world.post(Member(Lead), "stakeholders").json(body).expect(403).await;

        let again = json!({"to": "active", "reason": "Berlanjut."});
        world.post(Member(Admin), "{p}/transitions").if_match(&archived.etag()).json(again).expect(200).await;
        let step = json!({"to": "proposed", "reason": "Ayo."});
        world.post(Member(Lead), &format!("{{p}}/questions/{}/transitions", asked.id())).if_match(&asked.etag()).json(step).expect(200).await;
        world.verify();
    }
}

story! {
    async fn the_summary_counts_what_there_is(world) {
        let asked = world.question().await;
        let area = asked.body["focus_area_id"].clone();
        let ask = json!({"focus_area_id": area, "text": {"id": "Di mana?"}});
        let other = world.post(Member(Lead), "{p}/questions").json(ask).expect(201).await;
        let step = json!({"to": "proposed", "reason": "Ayo."});
        world.post(Member(Lead), &format!("{{p}}/questions/{}/transitions", other.id())).if_match(&other.etag()).json(step).expect(200).await;
        let phase = json!({"number": 1, "name": {"id": "Tahap"}, "planned_from_on": "2026-01-14", "planned_until_on": "2026-01-15"});
        let phase = world.post(Member(Lead), "{p}/phases").json(phase).expect(201).await.id();
        world.post(Member(Lead), "{p}/shocks-and-stresses").json(json!({"kind": "shock", "name": {"id": "Banjir"}})).expect(201).await;
        let part = json!({"stakeholder_id": world.seed.stakeholders["dinas"], "capacity": "member"});
        let part = world.post(Member(Lead), "{p}/stakeholders").json(part).expect(201).await;

        let summary = world.get(Member(Observer), "{p}/summary").expect(200).await;
        let counts = json!([{"state": "draft", "count": 1}, {"state": "proposed", "count": 1}]);
        assert_eq!((&summary.body["program"], &summary.body["questions"]), (&json!("jakarta"), &counts));
        assert_eq!(summary.body["focus_areas"], json!([{"focus_area_id": area, "code": "FU-1", "questions": counts}]));
        assert_eq!(summary.body["phases"], json!([{"state": "planned", "count": 1}]));
        assert_eq!((&summary.body["participant_count"], &summary.body["shock_or_stress_count"], &summary.body["document_count"]), (&json!(1), &json!(1), &json!(0)));
        assert_eq!(summary.body["next_dates"], json!([{"on": "2026-01-15", "what": "phase_ends", "subject_id": phase}]));
        let head = summary.body["head_sequence"].as_i64().unwrap();
        let ledger = world.get(Member(Lead), "{p}/ledger?sort=-sequence&limit=1").expect(200).await;
        assert_eq!(ledger.items()[0]["sequence"], head);

        // Tomorrow, in Jakarta, that day is over; and who left is not counted.
        world.delete(Member(Lead), &format!("{{p}}/stakeholders/{}", world.seed.stakeholders["dinas"])).if_match(&part.etag()).expect(204).await;
        world.clock.advance(chrono::TimeDelta::hours(15));
        let summary = world.get(Member(Observer), "{p}/summary").expect(200).await;
        assert_eq!((&summary.body["next_dates"], &summary.body["participant_count"]), (&json!([]), &json!(0)));
        let theirs = world.get(Neighbour(Lead), "programs/porto/summary").expect(200).await;
        assert_eq!((&theirs.body["questions"], &theirs.body["focus_areas"]), (&json!([]), &json!([])));
        world.get(Neighbour(Lead), "{p}/summary").expect(404).await;
        world.verify();
    }
}

story! {
    async fn a_text_falls_back_to_the_source_language_of_its_programme(world) {
        let body = json!({"slug": "lisboa", "source_language": "pt", "time_zone": "Europe/Lisbon",
            "name": {"pt": "Lisboa resiliente", "en": "Resilient Lisbon", "de": "Lissabon"}});
        let begun = world.post(Member(Admin), "programs").json(body).expect(201).await;
        assert_eq!(begun.body["translations"].as_array().unwrap().len(), 2);
        let shown = world.get(Member(Admin), "programs/lisboa?view=localized").header("accept-language", "id").expect(200).await;
        assert_eq!(shown.body["name"], json!({"text": "Lisboa resiliente", "lang": "pt", "stale": false}));
        let shown = world.get(Member(Admin), "programs/lisboa?view=localized").header("accept-language", "en").expect(200).await;
        assert_eq!(shown.body["name"]["text"], "Resilient Lisbon");
        world.verify();
    }
}

story! {
    async fn a_neighbour_has_no_part_in_a_programme(world) {
        let now = world.get(Member(Lead), "{p}").expect(200).await;
        for path in ["{p}", "{p}/history", "{p}/summary", "{p}/ledger", "{p}/memberships"] {
            world.get(Neighbour(Lead), path).expect(404).await;
        }
        world.patch(Neighbour(Lead), "{p}").if_match(&now.etag()).patch(json!({"summary": null})).expect(404).await;
        neighbour::sees_nothing_of(&world, "memberships", &now.id()).await;
        assert!(world.ledger().is_empty());
        world.verify();
    }
}
