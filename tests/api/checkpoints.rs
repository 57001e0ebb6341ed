//! What vouches for a ledger from outside: its checkpoints, the keys that sign them, and the revisions that say the
//! same as its rows.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tangguh::{
    db::{AnyConnection, At, Id, types::instant_text},
    keys,
    ledger::{Verdict, checkpoints, verify},
    policy::Role::*,
    schema::{ledger_checkpoints, ledger_rows, ledgers, service_keys},
    token::{Key, KeyRing, KeyUse},
};

use crate::harness::*;

const TYP: &str = "tangguh-checkpoint+jws";

async fn phase(world: &World, number: i32) {
    let body = json!({"number": number, "name": {"id": "Fase"}});
    world.post(Member(Lead), "{p}/phases").json(body).expect(201).await;
}

pub fn head(world: &World) -> (i64, String) {
    let head = ledgers::table.find(world.program()).select((ledgers::sequence, ledgers::hash));
    head.first(&mut world.conn()).unwrap()
}

/// Does this to the database as its owner can.
#[track_caller]
fn tamper(world: &World, sql: &str) {
    let sql = sql.replace("{p}", &world.program().to_string());
    assert!(diesel::sql_query(&sql).execute(&mut world.conn()).unwrap() > 0, "{sql}");
}

/// Where the programme's ledger does not hold, and why.
#[track_caller]
fn broken(world: &World) -> (i64, String) {
    match verify(&mut world.conn(), world.program()).unwrap() {
        Verdict::Broken { sequence, why } => (sequence, why),
        holds => panic!("{holds:?}"),
    }
}

async fn list(world: &World, query: &str) -> Reply {
    world.get(Member(Lead), &format!("{{p}}/ledger/checkpoints{query}")).expect(200).await
}

fn sequences(reply: &Reply) -> Vec<i64> {
    reply.items().iter().map(|item| item["sequence"].as_i64().unwrap()).collect()
}

story! {
    async fn once_a_day_it_is_signed_where_each_ledger_stands(world) {
        assert_eq!(checkpoints::daily(&world.service).await.unwrap(), 3, "the platform's and two programmes'");
        assert_eq!(checkpoints::daily(&world.service).await.unwrap(), 0, "none grew");
        let first = head(&world).0;
        phase(&world, 1).await;
        world.clock.advance(TimeDelta::days(1) - TimeDelta::seconds(1));
        assert_eq!(checkpoints::daily(&world.service).await.unwrap(), 0, "it is not a day yet");
        world.clock.advance(TimeDelta::seconds(1));
        // Two instances at once make one.
        let twin = world.twin();
        let (here, there) = tokio::join!(checkpoints::daily(&world.service), checkpoints::daily(&twin.service));
        assert_eq!(here.unwrap() + there.unwrap(), 1, "the others did not grow");
        world.clock.advance(TimeDelta::days(3));
        assert_eq!(checkpoints::daily(&world.service).await.unwrap(), 0, "it did not grow");

        let all = list(&world, "").await;
        let (last, hash) = head(&world);
        assert_eq!(sequences(&all), [first, last]);
        assert_eq!((&all.items()[1]["hash"], &all.items()[1]["at"]), (&json!(hash), &json!("2026-01-16T02:00:00.000000Z")));
        let jws = all.items()[1]["jws"].as_str().unwrap();
        let signed = json!({"ledger": world.program(), "sequence": last, "hash": hash, "at": "2026-01-16T02:00:00.000000Z"});
        // The secret is not needed to see it.
        assert_eq!(keys::record_keys(&mut world.conn()).unwrap().verify_record(TYP, jws).unwrap(), signed);
        assert!(keys::record_keys(&mut world.conn()).unwrap().verify_record("tangguh-receipt+jws", jws).is_err());
        world.verify();
    }
}

story! {
    async fn the_command_does_not_wait_for_the_day(world) {
        let now = world.clock.now();
        let make = || checkpoints::make(&mut world.conn(), &world.service.keys(), now).unwrap();
        assert_eq!(make().len(), 3);
        assert!(make().is_empty());
        phase(&world, 1).await;
        let made = make();
        let [(ledger, checkpoint)] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!((*ledger, checkpoint.sequence), (world.program(), head(&world).0));
        // A clock that was set back does not make it older than what it vouches for.
        phase(&world, 2).await;
        let early = checkpoints::make(&mut world.conn(), &world.service.keys(), now - TimeDelta::days(9)).unwrap();
        assert_eq!(early[0].1.at, now);
        world.verify();
    }
}

story! {
    async fn checkpoints_are_read_in_pages_by_those_who_read_the_ledger(world) {
        let unsigned = list(&world, "").await;
        assert_eq!(unsigned.body, json!({"items": [], "next_cursor": null}));
        checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
        // The ledger did not grow, and the answer is another all the same.
        let again = world.get(Member(Lead), "{p}/ledger/checkpoints").header("if-none-match", &unsigned.etag());
        let signed = again.expect(200).await;
        assert_eq!(signed.items().len(), 1);
        world.get(Member(Lead), "{p}/ledger/checkpoints").header("if-none-match", &signed.etag()).expect(304).await;

        for number in 1..=2 {
            phase(&world, number).await;
            checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
        }
        let all = sequences(&list(&world, "").await);
        assert!(all.len() == 3 && all.is_sorted(), "{all:?}");
        for (sort, wanted) in [("sequence", all.clone()), ("-sequence", all.iter().rev().copied().collect())] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = list(&world, &format!("?sort={sort}&limit=2{cursor}")).await;
                seen.extend(sequences(&page));
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, wanted, "{sort}");
        }
        world.get(Member(Lead), "{p}/ledger/checkpoints?limit=201").expect(400).await;
        world.get(Member(Lead), "{p}/ledger/checkpoints?hash=x").expect(400).await;

        let porto = world.get(Neighbour(Lead), "programs/porto/ledger/checkpoints").expect(200).await;
        assert_eq!(porto.items().len(), 1);
        world.get(Neighbour(Lead), "{p}/ledger/checkpoints").expect(404).await;
        world.get(Member(Observer), "{p}/ledger/checkpoints").expect(403).await;
        world.get(Member(Lead), "ledger/checkpoints").expect(403).await;
        let platform = world.get(Member(Admin), "ledger/checkpoints").expect(200).await;
        assert_eq!(platform.items().len(), 1);
        assert_ne!(platform.items()[0]["hash"], porto.items()[0]["hash"]);
    }
}

pub fn sha(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the line of a ledger row is made of.
type Line = ((i64, At, Option<Id>, Option<Id>, String, String), (Id, i32, String, String));

/// Chains the programme's ledger anew, as somebody can who owns the database, and sets its head.
fn chain_anew(world: &World) {
    let conn = &mut world.conn();
    let rows: Vec<Line> = ledger_rows::table
        .filter(ledger_rows::ledger_id.eq(world.program()))
        .order(ledger_rows::sequence)
        .select((
            (
                ledger_rows::sequence,
                ledger_rows::at,
                ledger_rows::account_id,
                ledger_rows::stakeholder_id,
                ledger_rows::action,
                ledger_rows::subject_kind,
            ),
            (ledger_rows::subject_id, ledger_rows::revision, ledger_rows::request_id, ledger_rows::digest),
        ))
        .load(conn)
        .unwrap();
    let (mut last, mut hash) = (0, String::new());
    for ((sequence, At(at), account, stakeholder, action, kind), (subject, revision, request, digest)) in rows {
        let line = json!([
            world.program(),
            sequence,
            instant_text(&at),
            account,
            stakeholder,
            action,
            kind,
            subject,
            revision,
            request,
            digest,
        ]);
        hash = sha(&[&hash, "\n", &line.to_string()]);
        last = sequence;
        diesel::update(ledger_rows::table.find((world.program(), sequence)))
            .set(ledger_rows::hash.eq(&hash))
            .execute(conn)
            .unwrap();
    }
    let head = (ledgers::sequence.eq(last), ledgers::hash.eq(&hash));
    diesel::update(ledgers::table.find(world.program())).set(head).execute(conn).unwrap();
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// Takes a row out of the ledger, and the revision that it made, and everything that would tell of it.
pub fn remove(world: &World, sequence: i64) {
    let conn = &mut world.conn();
    let names = match conn {
        AnyConnection::Sqlite(_) => "select name from sqlite_master where type = 'table' and name like '%_revisions'",
        AnyConnection::Postgres(_) => {
            "select cast(tablename as text) as name from pg_tables where schemaname = 'public' and tablename like '%_revisions'"
        }
    };
    let tables: Vec<Named> = diesel::sql_query(names).load(conn).unwrap();
    let program = world.program();
    let mut run = |sql: String| diesel::sql_query(&sql).execute(conn).unwrap();
    let mut removed = 0;
    for Named { name } in tables {
        removed += run(format!("delete from {name} where ledger_id = '{program}' and seq_from = {sequence}"));
        run(format!(
            "update {name} set seq_from = case when seq_from > {sequence} then seq_from - 1 else seq_from end, \
             seq_to = case when seq_to > {sequence} then seq_to - 1 else seq_to end where ledger_id = '{program}'"
        ));
    }
    assert_eq!(removed, 1);
    run(format!("delete from ledger_rows where ledger_id = '{program}' and sequence = {sequence}"));
    run(format!(
        "update ledger_rows set sequence = 1 - sequence where ledger_id = '{program}' and sequence > {sequence}"
    ));
    run(format!("update ledger_rows set sequence = -sequence where ledger_id = '{program}' and sequence < 0"));
    chain_anew(world);
}

/// What a forged ledger without its first, a middle or its last row is found by.
async fn forged(world: World, gone: impl Fn(i64) -> i64) {
    phase(&world, 1).await;
    world.verify();
    checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
    let (last, hash) = head(&world);
    // Chaining it anew changes nothing where nothing was changed.
    chain_anew(&world);
    assert_eq!(head(&world), (last, hash));
    remove(&world, gone(last));
    assert_eq!(broken(&world), (last, "the checkpoint's row is missing".into()));
    tamper(&world, "delete from ledger_checkpoints where ledger_id = '{p}'");
    // Nothing but the checkpoint tells of it.
    let holds = verify(&mut world.conn(), world.program()).unwrap();
    assert_eq!(holds, Verdict::Holds { rows: last - 1 });
}

story! {
    async fn a_ledger_without_its_first_row_contradicts_its_checkpoint(world) {
        forged(world, |_| 1).await;
    }
}

story! {
    async fn a_ledger_without_a_middle_row_contradicts_its_checkpoint(world) {
        forged(world, |last| last / 2).await;
    }
}

story! {
    async fn a_ledger_without_its_last_row_contradicts_its_checkpoint(world) {
        forged(world, |last| last).await;
    }
}

story! {
    async fn another_row_in_the_place_of_the_last_contradicts_the_checkpoint(world) {
        phase(&world, 1).await;
        checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
        let (last, _) = head(&world);
        remove(&world, last);
        phase(&world, 2).await;
        phase(&world, 3).await;
        assert_eq!(head(&world).0, last + 1);
        assert_eq!(broken(&world), (last, "the row is not the one of the checkpoint".into()));
    }
}

story! {
    async fn a_checkpoint_cannot_be_made_up(world) {
        let service = &world.service;
        checkpoints::make(&mut world.conn(), &service.keys(), world.clock.now()).unwrap();
        let (last, _) = head(&world);
        let here = "where ledger_id = '{p}'";
        let told: (String, String) = ledger_checkpoints::table
            .filter(ledger_checkpoints::ledger_id.eq(world.program()))
            .select((ledger_checkpoints::jws, ledger_checkpoints::hash))
            .first(&mut world.conn())
            .unwrap();
        let set_jws = |jws: &str| tamper(&world, &format!("update ledger_checkpoints set jws = '{jws}' {here}"));

        // What stands beside the signature is not what was signed.
        tamper(&world, &format!("update ledger_checkpoints set hash = 'x' || substr(hash, 2) {here}"));
        assert_eq!(broken(&world), (last, "the checkpoint does not say what was signed".into()));
        tamper(&world, &format!("update ledger_checkpoints set hash = '{}' {here}", told.1));
        world.verify();
        // A checkpoint of another ledger.
        tamper(&world, &format!(
            "update ledger_checkpoints set jws = (select other.jws from ledger_checkpoints other \
             where other.ledger_id = '{}') {here}", world.seed.programs["porto"]));
        assert_eq!(broken(&world), (last, "the checkpoint does not say what was signed".into()));
        // Another kind of record that says the same.
        let payload: Value = service.keys().verify_record(TYP, &told.0).unwrap();
        set_jws(&service.keys().sign_record("tangguh-receipt+jws", &payload).unwrap());
        assert!(broken(&world).1.starts_with("the checkpoint's signature does not hold"));
        // Somebody else's key of the same name.
        let own = keys::load(&mut world.conn(), &service.sealer).unwrap();
        let record = own.iter().find(|key| key.used_for == KeyUse::Record).unwrap();
        let strangers = KeyUse::ALL.map(|used_for| Key::generate(used_for, world.clock.now())).map(|key| match key.used_for {
            KeyUse::Record => Key { id: record.id.clone(), ..key },
            _ => key,
        });
        let ring = KeyRing::new(strangers.to_vec(), "x".into()).unwrap();
        set_jws(&ring.sign_record(TYP, &payload).unwrap());
        assert!(broken(&world).1.starts_with("the checkpoint's signature does not hold"));
        set_jws("");
        assert!(broken(&world).1.starts_with("the checkpoint's signature does not hold"));
        set_jws(&told.0);
        world.verify();
        // A key that nobody knows any more.
        tamper(&world, "update service_keys set public_half = null where used_for = 'record'");
        assert!(broken(&world).1.starts_with("the checkpoint's signature does not hold"));
        keys::ensure(&mut world.conn(), &service.sealer, world.clock.now()).unwrap();
        world.verify();
    }
}

story! {
    async fn a_revision_that_says_something_else_than_the_ledger_is_found(world) {
        let asked = world.question().await;
        let path = format!("{{p}}/questions/{}/revisions", asked.id());
        let body = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
        world.post(Member(Lead), &path).if_match(&asked.etag()).json(body).expect(201).await;
        world.verify();
        let (last, _) = head(&world);
        let first = last - 1;
        let keep = "create table kept_revisions as select * from question_revisions";
        diesel::sql_query(keep).execute(&mut world.conn()).unwrap();
        let other = "question: the revision does not say what the ledger's row says";
        let gone = "question: the revision is missing";
        let ends = "question: the revision does not end where the next begins";
        for (wanted, sql) in [
            // What reads answer now, and what they answered.
            ((last, other), "update question_revisions set body = replace(body, 'Jalan', 'Gang') where revision = 2"),
            ((first, other), "update question_revisions set body = replace(body, 'Siapa', 'Siapá') where revision = 1"),
            ((first, other), "update question_revisions set body = body || ' '"),
            // Moved to a row that tells of another thing.
            ((first - 1, other), "update question_revisions set seq_from = seq_from - 1 where revision = 1"),
            ((first, gone), "delete from question_revisions where revision = 1"),
            ((last, gone), "delete from question_revisions where revision = 2"),
            ((first, gone), "delete from question_revisions"),
            ((last, ends), "update question_revisions set seq_to = seq_from + 1 where revision = 2"),
            ((first, ends), "update question_revisions set seq_to = seq_to + 1 where revision = 1"),
        ] {
            tamper(&world, sql);
            let found = broken(&world);
            assert_eq!((found.0, found.1.as_str()), wanted, "{sql}");
            diesel::sql_query("delete from question_revisions").execute(&mut world.conn()).unwrap();
            tamper(&world, "insert into question_revisions select * from kept_revisions");
            world.verify();
        }
    }
}

story! {
    async fn a_kind_that_nobody_keeps_is_found(world) {
        phase(&world, 1).await;
        let (last, _) = head(&world);
        tamper(&world, &format!("update ledger_rows set subject_kind = 'rumour' where ledger_id = '{{p}}' and sequence = {last}"));
        chain_anew(&world);
        let (sequence, why) = broken(&world);
        assert_eq!(sequence, last);
        assert_eq!(why, "phase: the revision does not say what the ledger's row says");
        tamper(&world, "delete from phase_revisions where ledger_id = '{p}'");
        assert_eq!(broken(&world), (last, "rumour: nobody keeps revisions of such a thing".into()));
    }
}

story! {
    async fn the_public_halves_stand_in_the_clear(world) {
        keys::rotate(&mut world.conn(), &world.service.sealer, &[KeyUse::Record], world.clock.now()).unwrap();
        let halves = || -> Vec<(String, String, Option<String>)> {
            let all = service_keys::table.order(service_keys::id);
            all.select((service_keys::id, service_keys::used_for, service_keys::public_half)).load(&mut world.conn()).unwrap()
        };
        let kept = halves();
        assert_eq!(kept.len(), 4);
        for (id, used_for, half) in &kept {
            assert_eq!(half.is_some(), used_for != "mac", "{id}");
        }
        // What is published is what is kept, and what the private halves give.
        let twin = world.twin();
        let published = twin.get(Nobody, "//.well-known/record-keys.json").expect(200).await;
        let published = published.body["keys"].as_array().unwrap();
        assert_eq!(published.len(), 2);
        for key in published {
            let (_, _, half) = kept.iter().find(|(id, ..)| *id == key["kid"]).unwrap();
            assert_eq!(&key["x"], &json!(half));
        }
        for key in keys::load(&mut world.conn(), &world.service.sealer).unwrap() {
            assert_eq!(key.public_half(), kept.iter().find(|(id, ..)| *id == key.id).unwrap().2);
        }

        // Keys of before get theirs at the next start.
        diesel::sql_query("update service_keys set public_half = null").execute(&mut world.conn()).unwrap();
        keys::ensure(&mut world.conn(), &world.service.sealer, world.clock.now()).unwrap();
        assert_eq!(halves(), kept);

        // Another's public half would verify what the other signed.
        let other = Key::generate(KeyUse::Record, world.clock.now()).public_half().unwrap();
        diesel::sql_query(format!("update service_keys set public_half = '{other}' where used_for = 'record'"))
            .execute(&mut world.conn())
            .unwrap();
        let error = keys::load(&mut world.conn(), &world.service.sealer).err().unwrap().to_string();
        assert!(error.contains("is not its own"), "{error}");
    }
}

story! {
    async fn a_checkpoint_outlives_the_key_that_signed_it(world) {
        checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
        keys::rotate(&mut world.conn(), &world.service.sealer, &KeyUse::ALL, world.clock.now()).unwrap();
        world.clock.advance(TimeDelta::days(4000));
        phase(&world, 1).await;
        let twin = world.twin();
        assert_eq!(checkpoints::daily(&twin.service).await.unwrap(), 1);
        world.verify();
        let all = list(&world, "").await;
        let kid = |at: usize| {
            let header = all.items()[at]["jws"].as_str().unwrap().split('.').next().unwrap().to_owned();
            let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, header).unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()
        };
        assert_eq!((kid(0)["typ"].as_str(), kid(0)["alg"].as_str()), (Some(TYP), Some("EdDSA")));
        assert_ne!(kid(0)["kid"], kid(1)["kid"]);
    }
}
