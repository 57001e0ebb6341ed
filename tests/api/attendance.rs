//! Attendance by organisation. Persons are kept apart: in no revision, ledger, history or stored reply.

use actix_web::http::Method;
use diesel::prelude::*;
use futures_util::future::join3;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, schema::*};

use crate::{
    events::{join, leave},
    harness::*,
};

/// An event, and the path of its attendance.
async fn event(world: &World) -> (String, String) {
    let body = json!({"kind": "forum", "name": {"id": "Forum"}});
    let id = world.post(Member(Lead), "{p}/events").json(body).expect(201).await.id();
    let path = format!("{{p}}/events/{id}/attendance");
    (id, path)
}

fn entry(organisation: &str) -> Value {
    json!({"stakeholder_id": organisation, "status": "attended", "capacity": "member"})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn put<'w>(world: &'w World, who: Who, path: &str, items: &[Value]) -> Ask<'w> {
    world.ask(who, Method::PUT, path).json(json!({"items": items}))
}

/// Status of each organisation, as everybody reads it.
async fn statuses(world: &World, path: &str) -> Vec<(String, String)> {
    let listed = world.get(Member(Observer), path).expect(200).await;
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    listed.items().iter().map(|item| (text(item, "stakeholder_id"), text(item, "status"))).collect()
}

story! {
    async fn a_list_of_attendance_leaves_others_as_they_are(world) {
        let (event, path) = event(&world).await;
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        for role in [Agency, Partner, Observer] {
            put(&world, Member(role), &path, &[entry(&dinas)]).expect(403).await;
        }
        let made = put(&world, Member(Facilitator), &path, &[entry(&dinas)]).expect(200).await;
        // What nobody counted is not zero.
        assert_eq!((&made.items()[0]["revision"], &made.items()[0]["head_count"]), (&json!(1), &json!(null)));
        put(&world, Member(Lead), "{p}/events/E-1/attendance", &[with(entry(&mitra), json!({"status": "apologies"}))]).expect(200).await;
        assert_eq!(statuses(&world, &path).await, [(dinas.clone(), "attended".to_owned()), (mitra.clone(), "apologies".into())]);

        let spoken_for = json!({"on_revision": 1, "status": "represented", "represented_by_id": mitra, "head_count": 0});
        let changed = put(&world, Member(Lead), &path, &[with(entry(&dinas), spoken_for)]).expect(200).await;
        assert_eq!((&changed.items()[0]["revision"], &changed.items()[0]["represented_by_id"]), (&json!(2), &json!(mitra)));
        assert_eq!(statuses(&world, &format!("{path}?status=represented")).await, [(dinas.clone(), "represented".to_owned())]);

        let one = format!("{path}/{dinas}");
        let read = world.get(Member(Observer), &one).expect(200).await;
        assert_eq!(&read.body["event_id"], &json!(event));
        let patched = world.patch(Member(Facilitator), &one).if_match(&read.etag()).patch(json!({"status": "attended", "represented_by_id": null})).expect(200).await;
        assert_eq!((&patched.body["status"], &patched.body["head_count"]), (&json!("attended"), &json!(0)));
        world.patch(Member(Facilitator), &one).if_match(&read.etag()).patch(json!({"head_count": 2})).expect(412).await;
        world.patch(Member(Facilitator), &one).patch(json!({"head_count": 2})).expect(428).await;
        world.patch(Member(Agency), &one).if_match(&patched.etag()).patch(json!({"head_count": 2})).expect(403).await;
        assert_eq!(world.get(Member(Observer), &format!("{one}/history")).expect(200).await.items().len(), 3);
        world.verify();
    }
}

story! {
    async fn one_stale_entry_keeps_all_from_being_recorded(world) {
        let (_, path) = event(&world).await;
        let (dinas, mitra, sekretariat) = (join(&world, "dinas").await, join(&world, "mitra").await, join(&world, "sekretariat").await);
        put(&world, Member(Lead), &path, &[entry(&dinas), entry(&mitra)]).expect(200).await;
        put(&world, Member(Lead), &path, &[with(entry(&dinas), json!({"on_revision": 1, "note": "Datang terlambat."}))]).expect(200).await;
        let before = world.ledger();
        // Stale, not pinned, fine, and pinned although it is not there yet.
        let items = [with(entry(&dinas), json!({"on_revision": 1})), entry(&mitra), with(entry(&sekretariat), json!({"on_revision": 1}))];
        let refused = put(&world, Member(Lead), &path, &items).expect(409).await;
        assert_eq!(refused.problem(), "outcome-conflicts");
        assert_eq!(refused.pointers(), ["/items/0/on_revision", "/items/1/on_revision", "/items/2/on_revision"]);
        let half = [entry(&sekretariat), with(entry(&dinas), json!({"on_revision": 1}))];
        assert_eq!(put(&world, Member(Lead), &path, &half).expect(409).await.pointers(), ["/items/1/on_revision"]);
        assert_eq!(world.ledger(), before);
        assert_eq!(statuses(&world, &path).await.len(), 2);
        world.verify();
    }
}

story! {
    async fn each_wrong_entry_is_named(world) {
        let (_, path) = event(&world).await;
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        let outsider = world.seed.stakeholders["tetangga"].to_string();
        let before = world.ledger();
        for (items, pointer) in [
            (vec![entry(&dinas), entry(&outsider)], "/items/1/stakeholder_id"),
            (vec![entry(&dinas), entry(&dinas)], "/items/1/stakeholder_id"),
            (vec![with(entry(&dinas), json!({"status": "represented"}))], "/items/0/represented_by_id"),
            (vec![with(entry(&dinas), json!({"status": "represented", "represented_by_id": dinas}))], "/items/0/represented_by_id"),
            (vec![with(entry(&dinas), json!({"status": "represented", "represented_by_id": outsider}))], "/items/0/represented_by_id"),
            (vec![with(entry(&dinas), json!({"represented_by_id": mitra}))], "/items/0/represented_by_id"),
            (vec![with(entry(&dinas), json!({"status": "asleep"}))], "/items/0/status"),
            (vec![with(entry(&dinas), json!({"capacity": "king"}))], "/items/0/capacity"),
            (vec![with(entry(&dinas), json!({"head_count": -1}))], "/items/0/head_count"),
            (vec![with(entry(&dinas), json!({"people": [{"position": "Kepala"}]}))], "/items/0/people/0/name"),
            (vec![with(entry(&dinas), json!({"people": [{"name": "Sari", "age": 40}]}))], "/items/0/people/0/age"),
            (vec![], "/items"),
        ] {
            let refused = put(&world, Member(Lead), &path, &items).expect(422).await;
            assert_eq!(refused.pointers(), [pointer], "{}", refused.text);
        }
        assert_eq!(world.ledger(), before);
        world.get(Member(Lead), &format!("{path}/{dinas}")).expect(404).await;
        world.get(Neighbour(Lead), &path).expect(404).await;
        put(&world, Neighbour(Lead), &path, &[entry(&dinas)]).expect(404).await;
        put(&world, Neighbour(Lead), &path.replace("{p}", "programs/porto"), &[entry(&outsider)]).expect(404).await;
    }
}

story! {
    async fn who_has_left_stays_in_the_record_and_correctable(world) {
        let (_, path) = event(&world).await;
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        let spoken_for = with(entry(&dinas), json!({"status": "represented", "represented_by_id": mitra}));
        put(&world, Member(Lead), &path, std::slice::from_ref(&spoken_for)).expect(200).await;
        leave(&world, &dinas).await;
        leave(&world, &mitra).await;
        let one = format!("{path}/{dinas}");
        let read = world.get(Member(Lead), &one).expect(200).await;
        world.patch(Member(Lead), &one).if_match(&read.etag()).patch(json!({"note": "Lewat surat."})).expect(200).await;
        put(&world, Member(Lead), &path, &[with(spoken_for, json!({"on_revision": 2, "head_count": 1}))]).expect(200).await;
        // It cannot be named anew.
        assert_eq!(put(&world, Member(Lead), &path, &[entry(&mitra)]).expect(422).await.pointers(), ["/items/0/stakeholder_id"]);
        world.verify();
    }
}

const MARKED: &str = "Zubaidah Tandamata";

/// Every text that the database keeps for good or for a while, except the table that is for persons.
fn kept(world: &World) -> Vec<String> {
    let conn = &mut world.conn();
    let mut texts: Vec<String> = ledger_rows::table
        .select(ledger_rows::body)
        .load::<Option<String>>(conn)
        .unwrap()
        .into_iter()
        .flatten()
        .collect();
    texts.extend(
        ledger_rows::table.select(ledger_rows::reason).load::<Option<String>>(conn).unwrap().into_iter().flatten(),
    );
    texts.extend(attendance_revisions::table.select(attendance_revisions::body).load::<String>(conn).unwrap());
    texts.extend(stored_replies::table.select(stored_replies::body).load::<String>(conn).unwrap());
    texts.extend(stored_replies::table.select(stored_replies::headers).load::<String>(conn).unwrap());
    texts
}

fn persons(world: &World) -> Vec<String> {
    attendance_people::table
        .order(attendance_people::number)
        .select(attendance_people::name)
        .load(&mut world.conn())
        .unwrap()
}

story! {
    async fn persons_are_in_nothing_that_is_kept_or_answered(world) {
        let (event, path) = event(&world).await;
        let dinas = join(&world, "dinas").await;
        let people = json!({"people": [{"name": MARKED, "position": "Kepala bidang", "contact": "0812"}, {"name": "Budi Penanda"}]});
        let item = with(entry(&dinas), people);
        let made = put(&world, Member(Facilitator), &path, std::slice::from_ref(&item)).key("attendance-1").expect(200).await;
        let again = put(&world, Member(Facilitator), &path, &[item]).key("attendance-1").expect(200).await;
        assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &made.text));
        let one = format!("{path}/{dinas}");
        let read = world.get(Member(Lead), &one).expect(200).await;
        let patched = world.patch(Member(Lead), &one).if_match(&read.etag()).patch(json!({"people": [{"name": MARKED}]})).expect(200).await;
        assert_eq!(persons(&world), [MARKED]);
        let mut answers = vec![made.text, patched.text];
        for address in [path.clone(), one.clone(), format!("{one}/history"), format!("{{p}}/events/{event}"), "{p}/ledger?limit=200".into()] {
            answers.push(world.get(Member(Lead), &address).expect(200).await.text);
        }
        // What is refused does not say them either.
        answers.push(put(&world, Member(Lead), &path, &[with(entry(&dinas), json!({"people": [{"name": MARKED, "contact": 1}]}))]).expect(422).await.text);
        answers.push(put(&world, Member(Lead), &path, &[with(entry(&dinas), json!({"people": [{"name": MARKED}]}))]).expect(409).await.text);
        let stored = kept(&world);
        assert!(stored.iter().any(|text| text.contains(&dinas)), "the search looks where attendance is");
        for text in stored.iter().chain(&answers) {
            assert!(!text.contains("Tandamata") && !text.contains("Penanda"), "{text}");
        }
        world.verify();
    }
}

story! {
    async fn those_who_run_the_event_see_its_persons(world) {
        let (_, path) = event(&world).await;
        let (dinas, one) = (join(&world, "dinas").await, |id: &str| format!("{path}/{id}"));
        let item = with(entry(&dinas), json!({"people": [{"name": MARKED, "position": "Kepala"}, {"name": "Budi"}]}));
        put(&world, Member(Lead), &path, &[item]).expect(200).await;
        let told = json!([{"name": MARKED, "position": "Kepala", "contact": null}, {"name": "Budi", "position": null, "contact": null}]);
        for role in [Lead, Secretariat, Facilitator] {
            let listed = world.get(Member(role), &format!("{path}?expand=people")).expect(200).await;
            assert_eq!(listed.items()[0]["expanded"]["people"], told);
            let read = world.get(Member(role), &format!("{}?expand=people", one(&dinas))).expect(200).await;
            assert_eq!(read.body["expanded"]["people"], told);
        }
        for role in [Agency, Partner, Observer] {
            for address in [format!("{path}?expand=people"), format!("{}?expand=people", one(&dinas))] {
                let refused = world.get(Member(role), &address).expect(403).await;
                assert_eq!(refused.problem(), "forbidden");
                assert!(!refused.text.contains(MARKED));
            }
        }
        // What is left out stays; null takes all of them away.
        let read = world.get(Member(Lead), &one(&dinas)).expect(200).await;
        let kept = world.patch(Member(Lead), &one(&dinas)).if_match(&read.etag()).patch(json!({"head_count": 2})).expect(200).await;
        put(&world, Member(Lead), &path, &[with(entry(&dinas), json!({"on_revision": 2, "head_count": 3}))]).expect(200).await;
        assert_eq!(persons(&world), [MARKED, "Budi"]);
        world.patch(Member(Lead), &one(&dinas)).if_match(&kept.etag()).patch(json!({"people": null})).expect(412).await;
        let now = world.get(Member(Lead), &one(&dinas)).expect(200).await;
        world.patch(Member(Lead), &one(&dinas)).if_match(&now.etag()).patch(json!({"people": null})).expect(200).await;
        assert!(persons(&world).is_empty());
        let listed = world.get(Member(Lead), &format!("{path}?expand=people")).expect(200).await;
        assert_eq!((&listed.items()[0]["expanded"]["people"], &listed.items()[0]["head_count"]), (&json!([]), &json!(3)));
        world.verify();
    }
}

story! {
    async fn attendance_is_not_written_once_the_minutes_are_approved(world) {
        let (event, path) = event(&world).await;
        let (dinas, mitra) = (join(&world, "dinas").await, join(&world, "mitra").await);
        put(&world, Member(Lead), &path, &[entry(&dinas)]).expect(200).await;
        let place = format!("{{p}}/events/{event}");
        for to in ["confirmed", "held", "minutes_draft", "minutes_approved"] {
            let now = world.get(Member(Lead), &place).expect(200).await.etag();
            let step = json!({"to": to, "reason": "Demikian."});
            world.post(Member(Lead), &format!("{place}/transitions")).if_match(&now).json(step).expect(200).await;
        }
        assert_eq!(put(&world, Member(Lead), &path, &[entry(&mitra)]).expect(409).await.problem(), "wrong-state");
        let one = format!("{path}/{dinas}");
        let read = world.get(Member(Lead), &one).expect(200).await;
        let late = world.patch(Member(Lead), &one).if_match(&read.etag()).patch(json!({"head_count": 9})).expect(409).await;
        assert_eq!(late.problem(), "wrong-state");
        world.verify();
    }
}

story! {
    async fn tables_that_write_at_once_lose_nothing(world) {
        let (_, path) = event(&world).await;
        let twin = world.twin();
        let (dinas, mitra, sekretariat) = (join(&world, "dinas").await, join(&world, "mitra").await, join(&world, "sekretariat").await);
        put(&world, Member(Lead), &path, &[entry(&sekretariat)]).expect(200).await;
        let seen = world.get(Member(Lead), &format!("{path}/{sekretariat}")).expect(200).await.etag();
        let patch = json!({"head_count": 4, "people": [{"name": "Satu"}, {"name": "Dua"}]});
        let (one, two, three) = join3(
            put(&world, Member(Facilitator), &path, &[with(entry(&dinas), json!({"head_count": 2, "people": [{"name": "Tiga"}]}))]).send(),
            put(&twin, Member(Secretariat), &path, &[with(entry(&mitra), json!({"head_count": 3}))]).send(),
            twin.patch(Member(Lead), &format!("{path}/{sekretariat}")).if_match(&seen).patch(patch).send(),
        ).await;
        for answer in [one, two, three] {
            answer.expect(200);
        }
        let listed = world.get(Member(Lead), &format!("{path}?expand=people")).expect(200).await;
        for (organisation, heads, persons) in [(&dinas, 2, 1), (&mitra, 3, 0), (&sekretariat, 4, 2)] {
            let item = listed.items().iter().find(|item| item["stakeholder_id"] == json!(organisation)).unwrap();
            assert_eq!((item["head_count"].as_i64(), item["expanded"]["people"].as_array().unwrap().len()), (Some(heads), persons));
        }

        // Of two that write the same organisation, one wins and the other is told.
        let again = |heads: i32| [with(entry(&dinas), json!({"on_revision": 1, "head_count": heads}))];
        let (left, right) = futures_util::future::join(
            put(&world, Member(Facilitator), &path, &again(7)).send(),
            put(&twin, Member(Secretariat), &path, &again(8)).send(),
        ).await;
        let (won, lost) = if left.status == 200 { (left, right) } else { (right, left) };
        let (won, lost) = (won.expect(200), lost.expect(409));
        assert_eq!((lost.problem(), lost.pointers()), ("outcome-conflicts", vec!["/items/0/on_revision"]));
        let now = world.get(Member(Lead), &format!("{path}/{dinas}")).expect(200).await;
        assert_eq!((&now.body["revision"], &now.body["head_count"]), (&json!(2), &won.items()[0]["head_count"]));
        world.verify();
    }
}
