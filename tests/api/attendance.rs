//! Who attended: by organisation; persons are kept apart.

use actix_web::http::Method;
use diesel::prelude::*;
use futures_util::future::join;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, schema::attendance_revisions};

use crate::{
    harness::*,
    room::{HOST, Room, kept, leave},
};

fn present(stakeholder: &str) -> Value {
    json!({"stakeholder_id": stakeholder, "status": "attended", "capacity": "member"})
}

fn with(mut one: Value, more: Value) -> Value {
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

story! {
    async fn attendance_is_recorded_by_organisation_and_leaves_others_alone(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/attendance", room.event);
        let first = room.attend(json!([present(&room.dinas)])).await.expect(200);
        // Nobody counted: that is not the same as nobody there.
        assert_eq!((first.items().len(), &first.items()[0]["head_count"]), (1, &json!(null)));
        let second = room.attend(json!([
            with(present(&room.dinas), json!({"on_revision": 1, "head_count": 2})),
            with(present(&room.mitra), json!({"status": "apologies"})),
        ])).await.expect(200);
        assert_eq!(second.items().len(), 2);
        // The whole list comes back, those that nobody named among them.
        let third = room.attend(json!([present(&room.sekretariat)])).await.expect(200);
        assert_eq!(third.items().len(), 3, "{}", third.text);
        let listed = world.get(Member(Observer), &list).expect(200).await;
        let told: Vec<_> = listed.items().iter().map(|one| (&one["status"], &one["head_count"], &one["revision"])).collect();
        assert_eq!(told[0], (&json!("attended"), &json!(2), &json!(2)));
        assert_eq!(told[1], (&json!("apologies"), &json!(null), &json!(1)));
        assert_eq!(world.get(HOST, &format!("{list}?status=apologies")).expect(200).await.items().len(), 1);

        let path = format!("{list}/{}", room.dinas);
        let edited = room.patch(HOST, &path, json!({"head_count": null, "note": "Datang terlambat."})).await.expect(200);
        assert_eq!((&edited.body["head_count"], &edited.body["status"], &edited.body["revision"]), (&json!(null), &json!("attended"), &json!(3)));
        world.patch(HOST, &path).if_match("\"1.x\"").patch(json!({"head_count": 1})).expect(412).await;
        world.patch(Member(Agency), &path).if_match(&edited.etag()).patch(json!({"head_count": 1})).expect(403).await;
        world.get(HOST, &format!("{path}/history")).expect(200).await;
        world.verify();
    }
}

story! {
    async fn a_stale_list_is_refused_whole_and_names_each_conflict(world) {
        let room = Room::new(&world).await;
        room.attend(json!([present(&room.dinas), present(&room.mitra)])).await.expect(200);
        let before = world.ledger();
        let refused = room.attend(json!([
            present(&room.dinas),
            with(present(&room.mitra), json!({"on_revision": 2})),
            with(present(&room.sekretariat), json!({"on_revision": 1})),
        ])).await.expect(409);
        assert_eq!((refused.problem(), refused.pointers()), ("outcome-conflicts", vec!["/items/0/on_revision", "/items/1/on_revision", "/items/2/on_revision"]));
        assert_eq!(world.ledger(), before);
        let good = json!([present(&room.sekretariat), present(&room.dinas)]);
        assert_eq!(room.attend(good).await.expect(409).pointers(), ["/items/1/on_revision"]);
        assert_eq!(world.ledger(), before);
        world.verify();
    }
}

story! {
    async fn bad_attendance_is_refused(world) {
        let room = Room::new(&world).await;
        let stranger = world.seed.stakeholders["tetangga"].to_string();
        let bad = [
            (json!([present(&room.dinas), present(&stranger)]), "/items/1/stakeholder_id"),
            (json!([present(&room.dinas), present(&room.dinas)]), "/items/1/stakeholder_id"),
            (json!([with(present(&room.dinas), json!({"status": "represented"}))]), "/items/0/represented_by_id"),
            (json!([with(present(&room.dinas), json!({"represented_by_id": room.mitra}))]), "/items/0/represented_by_id"),
            (json!([with(present(&room.dinas), json!({"status": "represented", "represented_by_id": room.dinas}))]), "/items/0/represented_by_id"),
            (json!([with(present(&room.dinas), json!({"status": "represented", "represented_by_id": stranger}))]), "/items/0/represented_by_id"),
            (json!([with(present(&room.dinas), json!({"head_count": -1}))]), "/items/0/head_count"),
            (json!([with(present(&room.dinas), json!({"on_revision": 0}))]), "/items/0/on_revision"),
            (json!([with(present(&room.dinas), json!({"capacity": "guest"}))]), "/items/0/capacity"),
            (json!([with(present(&room.dinas), json!({"people": [{"name": ""}]}))]), "/items/0/people/0/name"),
            (json!([]), "/items"),
        ];
        let before = world.ledger();
        for (items, pointer) in bad {
            let refused = room.attend(items).await.expect(422);
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        assert_eq!(world.ledger(), before);
        let spoken_for = with(present(&room.dinas), json!({"status": "represented", "represented_by_id": room.mitra}));
        room.attend(json!([spoken_for])).await.expect(200);
        let path = format!("{}/attendance/{}", room.event, room.dinas);
        assert_eq!(room.patch(HOST, &path, json!({"represented_by_id": null})).await.expect(422).pointers(), ["/represented_by_id"]);
        room.patch(HOST, &path, json!({"represented_by_id": null, "status": "attended"})).await.expect(200);
        world.verify();
    }
}

story! {
    async fn persons_are_nowhere_but_with_those_who_run_the_event(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/attendance", room.event);
        let person = |name: &str| json!([{"name": name, "position": "Kepala XQZORANGJABATAN", "contact": "xqzorang@example.org"}]);
        let items = json!({"items": [with(present(&room.dinas), json!({"people": person("Ibu XQZORANGSATU")}))]});
        let put = world.ask(HOST, Method::PUT, &list).key("hadir-1").json(items.clone()).expect(200).await;
        assert!(!put.text.contains("XQZORANG"), "{}", put.text);
        let again = world.ask(HOST, Method::PUT, &list).key("hadir-1").json(items).expect(200).await;
        assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &put.text));
        let path = format!("{list}/{}", room.dinas);
        let patched = room.patch(HOST, &path, json!({"people": person("Bapak XQZORANGDUA")})).await.expect(200);
        assert!(!patched.text.contains("XQZORANG"), "{}", patched.text);
        // Left out, they stay.
        room.patch(HOST, &path, json!({"head_count": 1})).await.expect(200);
        let by_stage = json!({"attendance": [with(present(&room.mitra), json!({"people": person("Ibu XQZORANGTIGA")}))]});
        let outcomes = world.post(HOST, &format!("{}/outcomes", room.stage)).key("hasil-1").json(by_stage).expect(200).await;
        assert!(!outcomes.text.contains("XQZORANG"), "{}", outcomes.text);

        for who in [Member(Lead), Member(Secretariat), HOST] {
            let shown = world.get(who, &format!("{path}?expand=people")).expect(200).await;
            assert_eq!(shown.body["expanded"]["people"][0]["name"], "Bapak XQZORANGDUA", "{}", shown.text);
        }
        for who in [Member(Agency), Member(Partner), Member(Observer)] {
            for below in [path.as_str(), &list] {
                assert_eq!(world.get(who.clone(), &format!("{below}?expand=people")).expect(403).await.problem(), "forbidden");
            }
            assert!(!world.get(who.clone(), &path).expect(200).await.text.contains("XQZORANG"));
            assert!(!world.get(who, &format!("{path}/history")).expect(200).await.text.contains("XQZORANG"));
        }
        let bodies: Vec<String> = attendance_revisions::table.select(attendance_revisions::body).load(&mut world.conn()).unwrap();
        assert!(bodies.len() >= 4 && !bodies.iter().any(|body| body.to_lowercase().contains("xqzorang")));
        assert!(kept(&world).contains(&room.dinas) && !kept(&world).to_lowercase().contains("xqzorang"));
        room.patch(HOST, &path, json!({"people": []})).await.expect(200);
        assert_eq!(world.get(HOST, &format!("{path}?expand=people")).expect(200).await.body["expanded"]["people"], json!([]));
        world.verify();
    }
}

story! {
    async fn two_lists_at_once_lose_nothing(world) {
        let (room, twin) = (Room::new(&world).await, world.twin());
        let list = format!("{}/attendance", room.event);
        let put = async |world: &World, items: Value| {
            world.ask(HOST, Method::PUT, &list).json(json!({"items": items})).send().await
        };
        // Different organisations: both are kept.
        let (one, two) = join(put(&world, json!([present(&room.dinas)])), put(&twin, json!([present(&room.mitra)]))).await;
        one.expect(200);
        two.expect(200);
        assert_eq!(world.get(HOST, &list).expect(200).await.items().len(), 2);
        // The same one: one is kept, the other hears of it.
        for revision in 1..4 {
            let at = |head_count: i32| json!([with(present(&room.dinas), json!({"on_revision": revision, "head_count": head_count}))]);
            let (one, two) = join(put(&world, at(1)), put(&twin, at(2))).await;
            let (won, lost, count) = if one.status == 200 { (one, two, 1) } else { (two, one, 2) };
            won.expect(200);
            let lost = lost.expect(409);
            assert_eq!((lost.problem(), lost.pointers()), ("outcome-conflicts", vec!["/items/0/on_revision"]));
            let now = world.get(HOST, &format!("{list}/{}", room.dinas)).expect(200).await;
            assert_eq!((&now.body["head_count"], &now.body["revision"]), (&json!(count), &json!(revision + 1)));
        }
        // Nobody is there yet: only one creates.
        let (one, two) = join(put(&world, json!([present(&room.sekretariat)])), put(&twin, json!([present(&room.sekretariat)]))).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [200, 409], "{} {}", one.text, two.text);
        world.verify();
    }
}

story! {
    async fn who_has_left_stays_in_the_record_and_correctable(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/attendance", room.event);
        let put = async |items: Value| world.ask(HOST, Method::PUT, &list).json(json!({"items": items})).send().await;
        let spoken_for = with(present(&room.dinas), json!({"status": "represented", "represented_by_id": room.mitra}));
        put(json!([spoken_for])).await.expect(200);
        leave(&world, &room.dinas).await;
        leave(&world, &room.mitra).await;
        room.patch(HOST, &format!("{list}/{}", room.dinas), json!({"note": "Lewat surat."})).await.expect(200);
        put(json!([with(spoken_for, json!({"on_revision": 2, "head_count": 1}))])).await.expect(200);
        // It cannot be named anew.
        assert_eq!(put(json!([present(&room.mitra)])).await.expect(422).pointers(), ["/items/0/stakeholder_id"]);
        world.verify();
    }
}

story! {
    async fn null_takes_all_persons_away(world) {
        let room = Room::new(&world).await;
        let list = format!("{}/attendance", room.event);
        let items = json!({"items": [with(present(&room.dinas), json!({"people": [{"name": "Budi"}, {"name": "Ani"}]}))]});
        world.ask(HOST, Method::PUT, &list).json(items).expect(200).await;
        let path = format!("{list}/{}", room.dinas);
        let people = async || world.get(HOST, &format!("{path}?expand=people")).expect(200).await.body["expanded"]["people"].clone();
        assert_eq!(people().await.as_array().unwrap().len(), 2);
        room.patch(HOST, &path, json!({"people": null})).await.expect(200);
        assert_eq!(people().await, json!([]));
        world.verify();
    }
}
