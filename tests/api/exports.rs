//! A ledger as a file: it can be verified without us, and says no more than its reader may read.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{
    db::{Id, lock_head},
    ledger::{Act, append, checkpoints, follow},
    policy::Role::*,
    schema::{ledger_rows, ledgers},
};

use crate::{
    checkpoints::{head, sha},
    harness::*,
    operations::*,
};

const PATH: &str = "{p}/ledger/export";

/// An exported ledger, line by line.
struct Export {
    ledger: Value,
    rows: Vec<Value>,
    checkpoints: Vec<Value>,
}

impl Export {
    /// Reads it. Fails unless the lines stand in their order and it came to its end.
    async fn take(world: &World, who: Who, path: &str) -> Export {
        let reply = world.get(who, path).expect(200).await;
        assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let mut lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let end = lines.pop().unwrap();
        let ledger = lines.remove(0);
        assert_eq!((&ledger["line"], &ledger["format"]), (&json!("ledger"), &json!("tangguh-ledger/1")));
        let rows: Vec<Value> = lines.iter().take_while(|line| line["line"] == "row").cloned().collect();
        let checkpoints = lines.split_off(rows.len());
        assert!(checkpoints.iter().all(|line| line["line"] == "checkpoint"));
        assert_eq!(end, json!({"line": "end", "rows": rows.len(), "checkpoints": checkpoints.len()}));
        Export { ledger, rows, checkpoints }
    }

    /// Fails unless each row follows from the one before, as docs/architecture.md says, and the last is the head. Answers
    /// how many bodies it has.
    fn verify(&self) -> usize {
        let (mut hash, mut bodies) = (String::new(), 0);
        for (number, row) in self.rows.iter().enumerate() {
            assert_eq!(row["sequence"], number + 1);
            let text = |name: &str| row[name].as_str().unwrap_or_default();
            if row["body"].is_null() {
                assert_eq!(row["salt"], Value::Null);
            } else {
                assert_eq!(row["digest"], sha(&[text("salt"), text("body"), "\n", text("reason")]), "{row}");
                bodies += 1;
            }
            let line = json!([
                self.ledger["ledger"],
                row["sequence"],
                row["at"],
                row["account_id"],
                row["stakeholder_id"],
                row["action"],
                row["subject_kind"],
                row["subject_id"],
                row["revision"],
                row["request_id"],
                row["digest"]
            ]);
            hash = sha(&[&hash, "\n", &line.to_string()]);
            assert_eq!(row["hash"], hash);
        }
        assert_eq!((&self.ledger["sequence"], &self.ledger["hash"]), (&json!(self.rows.len()), &json!(hash)));
        bodies
    }
}

fn sign(world: &World) {
    checkpoints::make(&mut world.conn(), &world.service.keys(), world.clock.now()).unwrap();
}

story! {
    async fn an_export_has_all_that_it_takes_to_verify_it(world) {
        Things::make(&world, "jakarta", Member(Lead)).await;
        sign(&world);
        world.clock.advance(TimeDelta::minutes(5));
        world.post(Member(Lead), "{p}/phases").json(json!({"number": 7, "name": {"id": "Fase \"tujuh\" \\ \n\t é 😀 \u{2028}"}})).expect(201).await;
        let (last, hash) = head(&world);
        let export = Export::take(&world, Member(Lead), PATH).await;
        let told = ["ledger", "program", "sequence", "hash", "at", "whole"].map(|name| &export.ledger[name]);
        let wanted = [json!(world.program()), json!("jakarta"), json!(last), json!(hash), json!("2026-01-15T02:05:00.000000Z"), json!(true)];
        assert_eq!(told, wanted.each_ref());
        // A lead reads all of this.
        assert_eq!(export.verify(), export.rows.len());
        let listed = world.get(Member(Lead), "{p}/ledger/checkpoints").expect(200).await;
        let mut signed = export.checkpoints.clone();
        signed.iter_mut().for_each(|line| _ = line.as_object_mut().unwrap().remove("line"));
        assert_eq!((signed.as_slice(), signed[0]["sequence"].as_i64()), (listed.items(), Some(last - 1)));

        let platform = Export::take(&world, Member(Admin), "ledger/export").await;
        assert_eq!(platform.verify(), platform.rows.len());
        assert_eq!((&platform.ledger["program"], platform.rows[0]["body"].is_string()), (&Value::Null, true));
        assert!(platform.rows.iter().all(|row| !row["body"].as_str().unwrap().contains('@')), "no personal data");
        for (who, path, status) in [
            (Member(Observer), PATH, 403), (Member(Facilitator), PATH, 403), (Neighbour(Lead), PATH, 404), (Nobody, PATH, 401),
            (Member(Lead), "ledger/export", 403), (Member(Admin), PATH, 403),
        ] {
            world.get(who.clone(), path).expect(status).await;
        }
    }
}

/// Makes the ledger longer by rows that are like its last.
fn lengthen(world: &World, rows: i64) {
    let conn = &mut world.conn();
    let mut last = lock_head(conn, world.program()).unwrap().unwrap();
    let row = ledger_rows::table.find((world.program(), last.sequence)).select(ledger_rows::body);
    let body: Option<String> = row.first(conn).unwrap();
    let (subject, at) = (Id::new(), last.at);
    let act = |revision| Act {
        at,
        account: None,
        stakeholder: None,
        action: "phase.edit",
        subject_kind: "phase",
        subject,
        revision,
        reason: None,
        request_id: "long",
    };
    let made =
        (1..=rows).map(|revision| follow(world.program(), &mut last, &act(revision as i32), body.clone().unwrap()));
    let made: Vec<_> = made.map(Result::unwrap).collect();
    conn.transaction(|conn| append(conn, made)).unwrap();
    let now = (ledgers::sequence.eq(last.sequence), ledgers::hash.eq(&last.hash));
    diesel::update(ledgers::table.find(world.program())).set(now).execute(conn).unwrap();
}

story! {
    async fn a_long_ledger_is_told_in_parts_as_it_stood(world) {
        world.post(Member(Lead), "{p}/phases").json(json!({"number": 1, "name": {"id": "Satu"}})).expect(201).await;
        // With the head in the middle of a part, and at its end.
        let (begun, _) = head(&world);
        for more in [1500 - begun, 700] {
            lengthen(&world, more);
            let export = Export::take(&world, Member(Lead), PATH).await;
            assert_eq!(export.verify() as i64, head(&world).0);
            let csv = world.get(Member(Lead), PATH).header("accept", "text/csv").expect(200).await;
            assert_eq!(csv.text.lines().count() as i64, head(&world).0 + 1);
        }
    }
}

story! {
    async fn what_its_reader_may_not_read_stays_closed_and_verifies(world) {
        Things::make(&world, "jakarta", Member(Lead)).await;
        let client = json!({"role": "secretariat", "name": "Arsip", "purpose": "Menyimpan buku besar.",
            "scopes": ["ledger.read", "question.read"], "expires_on": "2026-06-30"});
        let made = world.post(Member(Lead), "{p}/clients").json(client).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", made.id());
        let key = world.post(Member(Lead), &keys).if_match(&made.etag()).json(json!({})).expect(201).await;
        let archive = Bearer(key.body["key"].as_str().unwrap().into());
        let export = Export::take(&world, archive, PATH).await;
        let bodies = export.verify();
        assert!(bodies > 0 && bodies < export.rows.len());
        for row in &export.rows {
            assert_eq!(row["body"].is_string(), row["subject_kind"] == "question", "{row}");
        }
        // What was erased by law is closed to everybody.
        let asked = ledger_rows::table.filter(ledger_rows::ledger_id.eq(world.program())).filter(ledger_rows::action.eq("question.ask"));
        let erased = diesel::update(asked)
            .set((ledger_rows::body.eq(None::<String>), ledger_rows::reason.eq(None::<String>)))
            .execute(&mut world.conn())
            .unwrap();
        let export = Export::take(&world, Member(Lead), PATH).await;
        assert_eq!(export.rows.len() - export.verify(), erased);
    }
}

story! {
    async fn chosen_rows_are_exported_and_said_to_be_chosen(world) {
        let asked = world.question().await;
        let revision = json!({"text": {"id": "Jalan mana?"}, "reason_kind": "wording", "reason": "=HYPERLINK(\"https://example.org\")"});
        let path = format!("{{p}}/questions/{}/revisions", asked.id());
        world.post(Member(Facilitator), &path).if_match(&asked.etag()).header("x-request-id", "@SUM(1)").json(revision).expect(201).await;
        let filter = format!("{PATH}?account_id={}&action=question.revise", world.account(&Member(Facilitator)));
        let export = Export::take(&world, Member(Lead), &filter).await;
        assert_eq!((export.rows.len(), &export.ledger["whole"]), (1, &json!(false)));
        assert_eq!(export.ledger["sequence"], head(&world).0);

        let csv = world.get(Member(Lead), &filter).header("accept", "text/csv").expect(200).await;
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let lines: Vec<&str> = csv.text.split("\r\n").collect();
        let row = &export.rows[0];
        let text = |name: &str| row[name].as_str().unwrap();
        assert_eq!(lines.len(), 3, "{}", csv.text);
        assert_eq!(lines[0], "sequence,at,account_id,stakeholder_id,action,subject_kind,subject_id,revision,reason,request_id,digest,hash");
        assert_eq!(lines[1], format!("{},2026-01-15T02:00:00.000000Z,{},{},question.revise,question,{},2,\"'=HYPERLINK(\"\"https://example.org\"\")\",'@SUM(1),{},{}",
            row["sequence"], text("account_id"), text("stakeholder_id"), asked.id(), text("digest"), text("hash")));

        world.get(Member(Lead), PATH).header("accept", "text/html").expect(406).await;
        for (wrong, pointer) in [("at.gte=yesterday", "?at.gte"), ("limit=5", "?limit"), ("format=csv", "?format"), ("stakeholder_id=mitra", "?stakeholder_id")] {
            let refused = world.get(Member(Lead), &format!("{PATH}?{wrong}")).expect(400).await;
            assert_eq!(refused.pointers(), [pointer], "{wrong}");
        }
    }
}
