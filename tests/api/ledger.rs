//! The ledger: what it tells, and that it cannot be changed unseen.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    db::AnyConnection,
    ledger::{Verdict, verify},
    policy::Role::*,
    schema::{ledger_rows, ledgers},
};

use crate::harness::*;

/// Some changes by different people, a minute apart.
async fn history(world: &World) -> Reply {
    let asked = world.question().await;
    world.clock.advance(TimeDelta::minutes(1));
    let path = format!("{{p}}/questions/{}/revisions", asked.id());
    let body = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "Lebih tajam."});
    world.post(Member(Facilitator), &path).if_match(&asked.etag()).json(body).expect(201).await;
    world.clock.advance(TimeDelta::minutes(1));
    world.post(Member(Lead), "{p}/phases").json(json!({"number": 1, "name": {"id": "Satu"}})).expect(201).await;
    asked
}

fn actions(reply: &Reply) -> Vec<&str> {
    reply.items().iter().map(|row| row["action"].as_str().unwrap()).collect()
}

story! {
    async fn the_ledger_tells_who_did_what_when_and_why(world) {
        let asked = history(&world).await;
        let rows = world.get(Member(Lead), "{p}/ledger?action=question.revise").expect(200).await;
        let row = &rows.items()[0];
        assert_eq!(row["account_id"], json!(world.account(&Member(Facilitator))));
        assert_eq!(row["stakeholder_id"], json!(world.seed.stakeholders["sekretariat"]));
        assert_eq!((row["subject_kind"].as_str(), row["subject_id"].as_str()), (Some("question"), Some(asked.id().as_str())));
        assert_eq!((&row["revision"], &row["reason"], &row["at"]), (&json!(2), &json!("Lebih tajam."), &json!("2026-01-15T02:01:00.000000Z")));
    }
}

story! {
    async fn the_ledger_is_filtered_and_paged(world) {
        let asked = history(&world).await;
        let facilitator = world.account(&Member(Facilitator));
        for (query, wanted) in [
            ("action=question.ask,phase.plan".to_owned(), None),
            ("subject_kind=question".to_owned(), Some(vec!["question.ask", "question.revise"])),
            (format!("subject_id={}", asked.id()), Some(vec!["question.ask", "question.revise"])),
            (format!("account_id={facilitator}"), Some(vec!["question.revise"])),
            (format!("stakeholder_id={}&subject_kind=question,phase", world.seed.stakeholders["sekretariat"]), Some(vec!["question.ask", "question.revise", "phase.plan"])),
            (format!("stakeholder_id={}", world.seed.stakeholders["mitra"]), Some(vec![])),
            ("at.gte=2026-01-15T02:00:00.000001Z".to_owned(), Some(vec!["question.revise", "phase.plan"])),
            ("at.gte=2026-01-15T02:01:00Z&at.lt=2026-01-15T02:02:00Z".to_owned(), Some(vec!["question.revise"])),
            ("at.gte=2999-01-01T00:00:00Z".to_owned(), Some(vec![])),
            ("at.lt=1999-01-01T00:00:00Z".to_owned(), Some(vec![])),
            ("subject_kind=question&at.gte=2026-01-15T02:01:00Z".to_owned(), Some(vec!["question.revise"])),
            ("subject_kind=question&at.lt=2026-01-15T09:01:00%2B07:00".to_owned(), Some(vec!["question.ask"])),
            ("subject_kind=question&sort=-sequence".to_owned(), Some(vec!["question.revise", "question.ask"])),
            ("action=nothing.such".to_owned(), Some(vec![])),
        ] {
            let rows = world.get(Member(Lead), &format!("{{p}}/ledger?{query}")).expect(200).await;
            match wanted {
                Some(wanted) => assert_eq!(actions(&rows), wanted, "{query}"),
                None => assert!(actions(&rows).contains(&"question.ask"), "{query}"),
            }
        }
        for sort in ["sequence", "-sequence"] {
            let whole = world.get(Member(Lead), &format!("{{p}}/ledger?sort={sort}")).expect(200).await;
            let (mut seen, mut cursor): (Vec<Value>, _) = (Vec::new(), String::new());
            loop {
                let page = world.get(Member(Lead), &format!("{{p}}/ledger?sort={sort}&limit=2{cursor}")).expect(200).await;
                seen.extend(page.items().iter().cloned());
                match page.body["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(seen, whole.items(), "{sort}");
            let mut sequences: Vec<i64> = seen.iter().map(|row| row["sequence"].as_i64().unwrap()).collect();
            sequences.sort();
            assert_eq!(sequences, (1..=seen.len() as i64).collect::<Vec<_>>(), "gapless");
        }
    }
}

story! {
    async fn each_programme_has_a_ledger_of_its_own(world) {
        history(&world).await;
        let porto = world.get(Neighbour(Lead), "programs/porto/ledger").expect(200).await;
        assert!(!actions(&porto).contains(&"question.ask"));
        world.get(Neighbour(Lead), "{p}/ledger").expect(404).await;
        world.get(Member(Observer), "{p}/ledger").expect(403).await;
        world.get(Member(Lead), "ledger").expect(403).await;
        let platform = world.get(Member(Admin), "ledger?subject_kind=account").expect(200).await;
        assert!(!platform.items().is_empty() && !platform.text.contains('@'), "no personal data");
    }
}

story! {
    async fn time_never_runs_backwards(world) {
        let asked = history(&world).await;
        world.clock.advance(TimeDelta::hours(-2));
        let made = world.post(Member(Lead), "{p}/phases").json(json!({"number": 2, "name": {"id": "Dua"}})).expect(201).await;
        assert_eq!(made.body["created_at"], "2026-01-15T02:02:00.000000Z");
        let rows = world.get(Member(Lead), "{p}/ledger").expect(200).await;
        let ats: Vec<&str> = rows.items().iter().map(|row| row["at"].as_str().unwrap()).collect();
        assert!(ats.is_sorted(), "{ats:?}");
        // As of an instant is still one state.
        let then = world.get(Member(Lead), &format!("{{p}}/questions/{}?as_of=2026-01-15T02:00:30Z", asked.id())).expect(200).await;
        assert_eq!(then.body["revision"], 1);
        world.verify();
    }
}

/// The place where the programme's ledger stops to hold.
#[track_caller]
fn broken_at(conn: &mut AnyConnection, world: &World) -> i64 {
    match verify(conn, world.program()).unwrap() {
        Verdict::Broken { sequence, why } => {
            assert!(!why.is_empty());
            sequence
        }
        holds => panic!("{holds:?}"),
    }
}

/// Does this to the ledger, and tells where it stops to hold.
fn tampered(world: &World, sql: &[String]) -> i64 {
    let mut conn = world.conn();
    for one in sql {
        let one = one.replace("{p}", &world.program().to_string());
        assert!(diesel::sql_query(&one).execute(&mut conn).unwrap() > 0, "{one}");
    }
    broken_at(&mut conn, world)
}

/// Keeps the ledgers beside themselves.
fn keep(world: &World) {
    for sql in
        ["create table kept_rows as select * from ledger_rows", "create table kept_heads as select * from ledgers"]
    {
        diesel::sql_query(sql).execute(&mut world.conn()).unwrap();
    }
}

/// Puts the kept ledgers back.
fn restore(world: &World) {
    for sql in [
        "delete from ledger_rows",
        "update ledgers set sequence = (select sequence from kept_heads where kept_heads.id = ledgers.id), \
         hash = (select hash from kept_heads where kept_heads.id = ledgers.id)",
        "insert into ledger_rows select * from kept_rows",
    ] {
        diesel::sql_query(sql).execute(&mut world.conn()).unwrap();
    }
    world.verify();
}

story! {
    async fn whatever_is_changed_is_found(world) {
        history(&world).await;
        world.verify();
        let last: i64 = ledgers::table.find(world.program()).select(ledgers::sequence).first(&mut world.conn()).unwrap();
        let last_text = last.to_string();
        let here = "ledger_id = '{p}'";
        let cases: Vec<(i64, Vec<String>)> = vec![
            (3, vec![format!("update ledger_rows set body = replace(body, '\"revision\":', '\"Revision\":') where {here} and sequence = 3")]),
            (2, vec![format!("update ledger_rows set body = body || ' ' where {here} and sequence = 2")]),
            (4, vec![format!("update ledger_rows set hash = 'z' || substr(hash, 2) where {here} and sequence = 4")]),
            (4, vec![format!("update ledger_rows set digest = 'zz' || substr(digest, 3) where {here} and sequence = 4")]),
            (last, vec![format!("update ledger_rows set at = (select min(at) from ledger_rows) where {here} and sequence = {last_text}")]),
            (last, vec![format!("update ledger_rows set action = 'question.ask' where {here} and sequence = {last_text}")]),
            (last - 1, vec![format!("update ledger_rows set reason = 'Lain.' where {here} and sequence = {}", last - 1)]),
            (last, vec![format!("update ledger_rows set account_id = null where {here} and sequence = {last_text}")]),
            (last, vec![format!("update ledger_rows set revision = 7 where {here} and sequence = {last_text}")]),
            (last, vec![format!("update ledger_rows set request_id = 'x' where {here} and sequence = {last_text}")]),
            (3, vec![
                format!("update ledger_rows set sequence = 1000 where {here} and sequence = 3"),
                format!("update ledger_rows set sequence = 3 where {here} and sequence = 4"),
                format!("update ledger_rows set sequence = 4 where {here} and sequence = 1000"),
            ]),
            (1, vec![format!("delete from ledger_rows where {here} and sequence = 1")]),
            (3, vec![format!("delete from ledger_rows where {here} and sequence = 3")]),
            (last, vec![format!("delete from ledger_rows where {here} and sequence = {last_text}")]),
            (1, vec![format!("delete from ledger_rows where {here}")]),
            (last + 1, vec![format!("update ledgers set sequence = sequence + 1 where id = '{{p}}'")]),
            (last + 1, vec![format!("update ledgers set hash = 'x' where id = '{{p}}'")]),
        ];
        keep(&world);
        for (wanted, sql) in cases {
            assert_eq!(tampered(&world, &sql), wanted, "{sql:?}");
            restore(&world);
        }
    }
}

story! {
    async fn an_erased_body_leaves_the_chain_whole(world) {
        let asked = history(&world).await;
        diesel::update(ledger_rows::table.filter(ledger_rows::ledger_id.eq(world.program())).filter(ledger_rows::sequence.lt(5)))
            .set((ledger_rows::body.eq(None::<String>), ledger_rows::reason.eq(None::<String>)))
            .execute(&mut world.conn())
            .unwrap();
        world.verify();
        world.get(Member(Lead), "{p}/ledger").expect(200).await;
        world.get(Member(Lead), &format!("{{p}}/questions/{}/history", asked.id())).expect(200).await;
    }
}

story! {
    async fn a_ledger_verifies_while_others_write(world) {
        let (target, program) = (world.target.clone(), world.program());
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let until = done.clone();
        let checker = std::thread::spawn(move || {
            let (mut conn, mut checks) = (target.connect_read_only().unwrap(), 0);
            while !until.load(std::sync::atomic::Ordering::SeqCst) {
                let verdict = verify(&mut conn, program).unwrap();
                assert!(matches!(verdict, Verdict::Holds { .. }), "{verdict:?}");
                checks += 1;
            }
            checks
        });
        for number in 1..=60 {
            world.post(Member(Lead), "{p}/phases").json(json!({"number": number, "name": {"id": "Fase"}})).expect(201).await;
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        assert!(checker.join().unwrap() > 0);
    }
}

story! {
    async fn only_a_moment_of_the_ledger_can_be_read(world) {
        history(&world).await;
        for (as_of, status) in [("seq:1", 200), ("seq:0", 400), ("seq:-1", 400), ("seq:999999", 400), ("seq:99999999999999999999", 400), ("1999-01-01T00:00:00Z", 400)] {
            world.get(Member(Lead), &format!("{{p}}/questions?as_of={as_of}")).expect(status).await;
        }
    }
}
