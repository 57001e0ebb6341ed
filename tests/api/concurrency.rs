//! Many at once, held locks, full queues, lost connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use diesel::{connection::SimpleConnection, prelude::*};
use futures_util::future::{join, join_all, join3};
use serde_json::{Value, json};
use tangguh::{
    db::{AnyConnection, Id, Pools},
    policy::Role::*,
};

use crate::harness::*;

/// Runs statements that Diesel has no words for.
pub fn batch(conn: &mut AnyConnection, sql: &str) {
    match conn {
        AnyConnection::Postgres(conn) => conn.batch_execute(sql).unwrap(),
        AnyConnection::Sqlite(conn) => conn.batch_execute(sql).unwrap(),
    }
}

/// Takes the lock that a write of this programme needs first.
fn hold_head(world: &World, program: Id) -> AnyConnection {
    let mut conn = world.conn();
    match &conn {
        AnyConnection::Postgres(_) => {
            batch(&mut conn, &format!("begin; select 1 from ledgers where id = '{program}' for update"));
        }
        AnyConnection::Sqlite(_) => batch(&mut conn, "begin immediate"),
    }
    conn
}

fn phase(number: i32) -> Value {
    json!({"number": number, "name": {"id": "Fase"}})
}

async fn revise(world: &World, asked: &Reply, text: &str) -> Reply {
    let body = json!({"text": {"id": text}, "reason_kind": "wording", "reason": "Lebih tajam."});
    let path = format!("{{p}}/questions/{}/revisions", asked.id());
    world.post(Member(Lead), &path).if_match(&asked.etag()).json(body).send().await
}

story! {
    async fn of_two_changes_at_once_one_wins(world) {
        let twin = world.twin();
        for other in [&world, &twin, &twin] {
            let asked = world.question().await;
            let (one, two) = join(revise(&world, &asked, "Satu?"), revise(other, &asked, "Dua?")).await;
            let (won, lost) = if one.status == 201 { (one, two) } else { (two, one) };
            let (won, lost) = (won.expect(201), lost.expect(412));
            assert_eq!((won.body["revision"].as_i64(), lost.body["current_revision"].as_i64()), (Some(2), Some(2)));
            let now = other.get(Member(Lead), &format!("{{p}}/questions/{}", asked.id())).expect(200).await;
            assert_eq!((&now.body["text"], now.etag()), (&won.body["text"], won.etag()));
            assert_eq!(lost.header("etag"), Some(won.etag().as_str()));
        }
        let revisions = world.ledger().iter().filter(|(action, _)| action == "question.revise").count();
        assert_eq!(revisions, 3);
        world.verify();
    }
}

story! {
    async fn many_at_once_on_two_instances_make_one_gapless_ledger(world) {
        let (twin, area) = (world.twin(), world.focus_area().await);
        let ask = |number: usize| {
            let instance = if number.is_multiple_of(2) { &world } else { &twin };
            instance.post(Member(Lead), "{p}/questions").json(json!({"focus_area_id": area, "text": {"id": "Apa?"}})).expect(201)
        };
        let mut codes: Vec<String> = join_all((0..24).map(ask)).await.iter().map(|made| made.body["code"].as_str().unwrap().to_owned()).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), 24, "no code is given twice");
        world.verify();
    }
}

story! {
    async fn the_same_unique_value_at_once_goes_to_one(world) {
        let twin = world.twin();
        let one = world.post(Member(Lead), "{p}/phases").json(phase(1)).send();
        let two = twin.post(Member(Lead), "{p}/phases").json(phase(1)).send();
        let (one, two) = join(one, two).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, two.text);
        let email = json!({"email": "One@example.org", "name": "One"});
        let one = world.post(Member(Admin), "accounts").json(email.clone()).send();
        let two = twin.post(Member(Admin), "accounts").json(email).send();
        let (one, two) = join(one, two).await;
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, two.text);
        world.verify();
    }
}

story! {
    async fn two_programmes_that_write_to_the_platform_too_never_wait_for_each_other(world) {
        // Provisional organisations are on both ledgers: the programme's first, the platform's second.
        let twin = world.twin();
        for _ in 0..5 {
            let body = json!({"new_stakeholder": {"names": [{"name": {"id": "Karang Taruna"}}], "kind": "community_group"},
                "capacity": "member", "from_on": "2026-01-01"});
            let one = world.post(Member(Facilitator), "{p}/stakeholders").json(body.clone()).send();
            let two = twin.post(Neighbour(Facilitator), "programs/porto/stakeholders").json(body).send();
            let three = world.post(Member(Admin), "stakeholders").json(json!({"names": [{"name": {"id": "Baru"}}], "kind": "other"})).send();
            let (one, two, three) = join3(one, two, three).await;
            for answer in [one, two, three] {
                answer.expect(201);
            }
        }
        world.verify();
    }
}

story! {
    async fn a_held_lock_is_a_503_and_then_all_is_well(world) {
        let mut held = hold_head(&world, world.program());
        let busy = world.post(Member(Lead), "{p}/phases").json(phase(1)).expect(503).await;
        assert_eq!((busy.problem(), busy.header("retry-after")), ("busy", Some("1")));
        batch(&mut held, "rollback");
        world.post(Member(Lead), "{p}/phases").json(phase(1)).expect(201).await;
        assert_eq!(world.ledger().len(), 1);
    }
}

story! {
    async fn while_one_programme_is_locked_reads_and_others_go_on(world) {
        let mut held = hold_head(&world, world.program());
        world.get(Member(Lead), "{p}/questions").expect(200).await;
        world.get(Nobody, "//readyz").expect(200).await;
        // SQLite has one write lock for all.
        if world.kind == Kind::Postgres {
            world.post(Neighbour(Lead), "programs/porto/phases").json(phase(1)).expect(201).await;
            world.post(Member(Admin), "stakeholders").json(json!({"names": [{"name": {"id": "Baru"}}], "kind": "other"})).expect(201).await;
        }
        batch(&mut held, "rollback");
    }
}

story! {
    async fn a_full_queue_is_a_quick_503(world) {
        let world = World::with(world.kind, |settings| settings.pools = Pools { readers: 1, writers: 1, waiting: 1 }).unwrap();
        let token = Bearer(world.token(&Member(Lead)).unwrap());
        world.get(token.clone(), "{p}/phases").expect(200).await;
        let mut held = hold_head(&world, world.program());
        let released = Arc::new(AtomicBool::new(false));
        let release = released.clone();
        let holder = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(700));
            release.store(true, Ordering::SeqCst);
            batch(&mut held, "rollback");
        });
        let answers = join_all((1..=6).map(|number| {
            let sent = world.post(token.clone(), "{p}/phases").json(phase(number)).send();
            let released = released.clone();
            async move { (sent.await, released.load(Ordering::SeqCst)) }
        })).await;
        holder.join().unwrap();
        let (mut made, mut refused) = (0, 0);
        for (answer, late) in answers {
            match answer.status.as_u16() {
                201 => made += 1,
                _ => {
                    let busy = answer.expect(503);
                    assert_eq!((busy.problem(), busy.header("retry-after")), ("busy", Some("1")));
                    assert!(!late, "it waited for the lock");
                    refused += 1;
                }
            }
        }
        assert!(made >= 1 && refused >= 3, "{made} made, {refused} refused");
        assert_eq!(world.ledger().len(), made);
        world.post(token, "{p}/phases").json(phase(9)).expect(201).await;
        world.verify();
    }
}

story! {
    async fn lost_connections_come_back_by_themselves(world) {
        let token = Bearer(world.token(&Member(Lead)).unwrap());
        for number in 1..=3 {
            // Every thread has a connection.
            join_all((0..8).map(|_| world.get(token.clone(), "{p}/phases").send())).await;
            world.post(token.clone(), "{p}/phases").json(phase(number * 25)).expect(201).await;
            if world.kind == Kind::Postgres {
                batch(&mut world.conn(), "select pg_terminate_backend(pid) from pg_stat_activity \
                    where datname = current_database() and pid <> pg_backend_pid()");
            }
            let mut made = 0;
            for attempt in 0..20 {
                let read = world.get(token.clone(), "{p}/phases").send().await;
                let write = world.post(token.clone(), "{p}/phases").json(phase(number * 25 + attempt + 1)).send().await;
                for answer in [&read, &write] {
                    assert!(matches!(answer.status.as_u16(), 200 | 201 | 503), "{}", answer.text);
                    assert!(answer.status != 503 || answer.header("retry-after").is_some());
                }
                made += i32::from(write.status == 201);
            }
            assert!(made >= 16, "{made} of 20");
            world.get(token.clone(), "{p}/phases").expect(200).await;
        }
        world.verify();
    }
}

/// Lets no row onto a ledger, as a database does whose disk is full: SQLite ends the transaction by itself.
fn fill_disk(world: &World) {
    let mut conn = world.conn();
    let sql = match &conn {
        AnyConnection::Sqlite(_) => {
            "create trigger full before insert on ledger_rows begin \
             select raise(rollback, 'database or disk is full'); end"
        }
        AnyConnection::Postgres(_) => {
            "create function no_room() returns trigger language plpgsql as $$ begin raise exception using \
             errcode = 'disk_full', message = 'could not extend file \"base/1/2\": No space left on device'; end $$; \
             create trigger full_disk before insert on ledger_rows execute function no_room()"
        }
    };
    batch(&mut conn, sql);
}

fn make_room(world: &World) {
    let mut conn = world.conn();
    let sql = match &conn {
        AnyConnection::Sqlite(_) => "drop trigger full",
        AnyConnection::Postgres(_) => "drop trigger full_disk on ledger_rows",
    };
    batch(&mut conn, sql);
}

story! {
    async fn a_full_disk_is_a_503_and_loses_nothing(world) {
        let token = Bearer(world.token(&Member(Lead)).unwrap());
        world.post(token.clone(), "{p}/phases").key("satu").json(phase(1)).expect(201).await;
        fill_disk(&world);
        // Every thread that writes meets it.
        let refused = join_all((2..10).map(|number| {
            world.post(token.clone(), "{p}/phases").key(&format!("key-{number}")).json(phase(number)).send()
        }));
        for refused in refused.await {
            assert_eq!((refused.status.as_u16(), refused.problem(), refused.header("retry-after")), (503, "busy", Some("30")), "{}", refused.text);
        }
        assert_eq!(world.get(token.clone(), "{p}/phases").expect(200).await.items().len(), 1);
        let replayed = world.post(token.clone(), "{p}/phases").key("satu").json(phase(1)).expect(201).await;
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
        make_room(&world);
        let made = join_all((2..10).map(|number| {
            world.post(token.clone(), "{p}/phases").key(&format!("key-{number}")).json(phase(number)).send()
        }));
        for made in made.await {
            assert_eq!((made.status.as_u16(), made.header("idempotency-replayed")), (201, None), "{}", made.text);
        }
        assert_eq!(world.ledger().len(), 9);
        world.verify();
    }
}

story! {
    async fn a_connection_for_reading_cannot_write(world) {
        let mut conn = world.target.connect_read_only().unwrap();
        let write = diesel::sql_query("update ledgers set sequence = sequence + 1").execute(&mut conn);
        let error = write.unwrap_err().to_string();
        assert!(error.contains("read-only") || error.contains("readonly"), "{error}");
        let make = diesel::sql_query("create table more (id integer)").execute(&mut conn);
        assert!(make.is_err());
        let read: i64 = tangguh::schema::ledgers::table.count().get_result(&mut conn).unwrap();
        assert_eq!(read, 3);
    }
}
