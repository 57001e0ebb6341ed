//! Files of inputs: what comes of each row, and what becomes of a file that does not come to its end.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use actix_web::HttpServer;
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tangguh::{
    api,
    db::{At, Id},
    inputs::Taker,
    policy::Role::*,
    schema::{input_import_rows, input_imports},
};

use crate::{
    harness::*,
    inputs::{input, other_partner, with},
};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv; charset=utf-8";
const HEADER: &str = "kind,text,language,external_ref";

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("{}\n", input(&format!("n-{number}")))).collect()
}

fn upload<'w>(world: &'w World, who: Who, kind: &str, file: impl Into<Vec<u8>>) -> Ask<'w> {
    world.post(who, "{p}/input-imports").header("content-type", kind).bytes(file.into())
}

/// Lets a worker take all that waits.
pub async fn settle(world: &World) {
    let taker = Taker::new(&world.service);
    while taker.run_once().await.unwrap() {}
}

async fn import(world: &World, id: &str) -> Value {
    world.get(Member(Partner), &format!("{{p}}/input-imports/{id}")).expect(200).await.body
}

async fn rows(world: &World, id: &str) -> Vec<Value> {
    let path = format!("{{p}}/input-imports/{id}/rows?limit=200");
    world.get(Member(Partner), &path).header("accept-language", "en").expect(200).await.items().to_vec()
}

/// The state of each row, and the first thing that is wrong with it: its code and its place.
fn told(rows: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = |row: &Value| {
        let error = &row["problem"]["errors"][0];
        let code = error["code"].as_str().or(row["problem"]["type"].as_str()).unwrap_or_default();
        (text(&row["state"]), code.trim_start_matches("/problems/").to_owned(), text(&error["pointer"]))
    };
    rows.iter().map(told).collect()
}

fn expected(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    all.iter().map(|(state, code, pointer)| ((*state).into(), (*code).into(), (*pointer).into())).collect()
}

/// What is kept of a file's rows: how many there are, and how many of them still say what they said.
fn kept(world: &World) -> (i64, i64) {
    let all = input_import_rows::table.count().get_result(&mut world.conn()).unwrap();
    let raw = input_import_rows::table.filter(input_import_rows::raw.is_not_null()).count();
    (all, raw.get_result(&mut world.conn()).unwrap())
}

story! {
    async fn each_row_of_a_file_is_taken_or_refused_by_itself(world) {
        for reference in ["known", "other"] {
            world.post(Member(Partner), "{p}/inputs").json(input(reference)).expect(201).await;
        }
        let before = world.ledger().len();
        let mut nameless = input("x");
        nameless.as_object_mut().unwrap().shift_remove("external_ref");
        let mut file = lines(&[
            input("new-1"),
            input("known"),
            with("other", "text", json!("Lain.")),
            with("theirs", "stakeholder_id", json!(world.seed.stakeholders["dinas"])),
            with("long", "text", json!("x".repeat(20_001))),
            nameless,
            input("new-1"),
            with("lost", "subjects", json!([{"kind": "event", "id": Id::new()}])),
            with("twice", "kind", json!("praise")),
        ]);
        file.push_str("{\"kind\": \n\n");
        file.push_str("{\"kind\": \"comment\", \"text\": \"\\u0000\", \"language\": \"id\", \"external_ref\": \"nul\"}\r\n");
        file.push_str("\u{0}\n");
        file.push_str(&input("new-2").to_string());

        let sent = upload(&world, Member(Partner), NDJSON, file.clone()).expect(202).await;
        let id = sent.id();
        assert_eq!(sent.header("location"), Some(format!("/api/v1/programs/jakarta/input-imports/{id}").as_str()));
        assert_eq!((&sent.body["state"], &sent.body["rows_count"], &sent.body["format"]), (&json!("waiting"), &json!(13), &json!("ndjson")));
        let digest: String = Sha256::digest(file.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sent.body["digest"], json!(digest));
        // Nothing is made of it before a worker takes it.
        assert_eq!((world.ledger().len(), kept(&world)), (before, (13, 13)));
        settle(&world).await;

        let done = import(&world, &id).await;
        assert_eq!((&done["state"], &done["received_count"], &done["repeated_count"], &done["refused_count"]),
            (&json!("done"), &json!(2), &json!(1), &json!(10)), "{done}");
        let rows = rows(&world, &id).await;
        assert_eq!(told(&rows), expected(&[
            ("received", "", ""),
            ("repeated", "", ""),
            ("refused", "external-ref-taken", ""),
            ("refused", "unknown_member", "/stakeholder_id"),
            ("refused", "too_long", "/text"),
            ("refused", "required", "/external_ref"),
            ("refused", "repeated", "/external_ref"),
            ("refused", "not_found", "/subjects/0/id"),
            ("refused", "one_of", "/kind"),
            ("refused", "malformed", ""),
            ("refused", "control_character", "/text"),
            ("refused", "malformed", ""),
            ("received", "", ""),
        ]));
        assert_eq!(rows.iter().map(|row| row["line"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14]);
        assert_eq!((&rows[0]["external_ref"], &rows[0]["code"], &rows[12]["code"]), (&json!("new-1"), &json!("I-3"), &json!("I-4")));
        let read = world.get(Member(Partner), &format!("{{p}}/inputs/{}", rows[0]["input_id"].as_str().unwrap())).expect(200).await.body;
        assert_eq!((&read["external_ref"], &read["received"]["digest"]), (&json!("new-1"), &json!(digest)));
        let receipt = world.get(Member(Partner), &format!("{{p}}/inputs/{}/receipt", read["id"].as_str().unwrap())).expect(200).await;
        let claims = world.service.keys().verify_record("tangguh-receipt+jws", &receipt.text).unwrap();
        assert_eq!(claims["digest"], json!(digest));
        assert_eq!((world.ledger().len(), kept(&world)), (before + 2, (13, 0)));

        let path = format!("{{p}}/input-imports/{id}/rows");
        let only = world.get(Member(Partner), &format!("{path}?state=received,repeated&limit=2")).expect(200).await;
        assert_eq!((only.items().len(), only.items()[1]["number"].as_i64()), (2, Some(2)));
        let next = only.body["next_cursor"].as_str().unwrap().to_owned();
        let rest = world.get(Member(Partner), &format!("{path}?state=received,repeated&limit=2&cursor={next}")).expect(200).await;
        assert_eq!((rest.items().len(), rest.items()[0]["number"].as_i64(), &rest.body["next_cursor"]), (1, Some(13), &Value::Null));
        let indonesian = world.get(Member(Partner), &format!("{path}?state=refused&limit=1")).header("accept-language", "id").expect(200).await;
        assert!(indonesian.items()[0]["problem"]["detail"].as_str().unwrap().starts_with("Organisasi Anda"), "{}", indonesian.text);

        // Sent again at night, nothing is there twice.
        let again = upload(&world, Member(Partner), NDJSON, file).expect(202).await.id();
        settle(&world).await;
        let again = import(&world, &again).await;
        assert_eq!((&again["received_count"], &again["repeated_count"], world.ledger().len()), (&json!(0), &json!(3), before + 2));
        world.verify();
    }
}

story! {
    async fn csv_is_read_as_spreadsheets_write_it(world) {
        let area = world.focus_area().await;
        let question = crate::drafting::proposed(&world, &area).await.id;
        let code = world.get(Member(Lead), &format!("{{p}}/questions/{question}")).expect(200).await.body["code"].as_str().unwrap().to_owned();
        let draft = world.question().await.body["code"].as_str().unwrap().to_owned();
        let call = json!({"topic": {"id": "Jalur"}, "participation": "consult", "kinds": ["comment"], "opens_on": "2026-01-01"});
        let call = world.post(Member(Lead), "{p}/consultations").json(call).expect(201).await.id();
        let file = format!(
            "\u{feff}kind;text;language;external_ref;consultation;subjects;links;\r\n\
             comment;\"Jembatan terputus; air \"\"naik\"\".\r\nSejak pagi.\";id;A-1;C-1;{code} focus_area:{area};https://example.org/a https://example.org/b;\r\n\
             evidence;Foto.;id;A-2;C-1;;;\r\n\
             comment;Rancangan.;id;A-3;;{draft};;\r\n\
             comment;Salah.;id;A-4;C-9;Q-9.9 apa E-1;ftp://example.org;x\r\n\
             ;;;;;;;\r\n\
             comment;;Indonesia;A 5;;;;\r\n"
        );
        let sent = upload(&world, Member(Partner), CSV, file.clone()).expect(202).await;
        let id = sent.id();
        assert_eq!((&sent.body["format"], &sent.body["rows_count"]), (&json!("csv"), &json!(5)));
        settle(&world).await;
        let rows = rows(&world, &id).await;
        assert_eq!(rows.iter().map(|row| (row["number"].as_i64().unwrap(), row["line"].as_i64().unwrap())).collect::<Vec<_>>(),
            [(1, 2), (2, 4), (3, 5), (4, 6), (5, 8)]);
        assert_eq!(rows[0]["state"], "received", "{}", rows[0]);
        let read = world.get(Member(Partner), &format!("{{p}}/inputs/{}", rows[0]["input_id"].as_str().unwrap())).expect(200).await.body;
        assert_eq!(read["text"], "Jembatan terputus; air \"naik\".\r\nSejak pagi.");
        assert_eq!((&read["consultation_id"], &read["links"]), (&json!(call), &json!(["https://example.org/a", "https://example.org/b"])));
        assert_eq!(read["subjects"], json!([{"kind": "question", "id": question}, {"kind": "focus_area", "id": area}]));
        // The consultation does not ask for evidence, and a draft is not there for partners.
        assert_eq!((told(&rows)[1].1.as_str(), &rows[1]["columns"]), ("not_wanted", &json!(["kind"])));
        assert_eq!((told(&rows)[2].1.as_str(), &rows[2]["columns"]), ("not_found", &json!(["subjects"])));
        let codes: Vec<_> = rows[3]["problem"]["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["not_found", "not_found", "format", "not_found", "surplus_cell", "pattern"], "{}", rows[3]);
        assert_eq!(rows[3]["columns"], json!(["consultation", "subjects", "subjects", "subjects", "", "links"]));
        assert_eq!(rows[4]["state"], "refused");
        let mut columns: Vec<_> = rows[4]["columns"].as_array().unwrap().iter().map(|column| column.as_str().unwrap()).collect();
        columns.sort_unstable();
        columns.dedup();
        assert_eq!(columns, ["external_ref", "language", "text"]);
        world.verify();
    }
}

story! {
    async fn a_file_that_is_no_good_is_refused_as_a_whole(world) {
        let refused = async |kind: &str, file: Vec<u8>, status: u16| upload(&world, Member(Partner), kind, file).expect(status).await;
        let missing = refused(CSV, b"kind,text,bahasa\ncomment,Satu,id\n".to_vec(), 422).await;
        assert_eq!(missing.pointers(), ["bahasa", "language", "external_ref"]);
        let codes: Vec<_> = missing.body["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["unknown_column", "required", "required"]);
        assert_eq!(refused(CSV, Vec::new(), 422).await.pointers().len(), 4);
        let mut latin = format!("{HEADER}\n").into_bytes();
        (0..600).for_each(|number| latin.extend(format!("comment,Satu,id,A-{number}\n").bytes()));
        latin.extend(b"comment,Caf\xE9,id,B\n");
        let told = refused(CSV, latin, 422).await;
        assert_eq!((told.pointers(), &told.body["errors"][0]["code"]), (vec![""], &json!("not_utf8")));
        assert!(told.text.contains("602"), "{}", told.text);
        let quoted = format!("{}\n{}", numbered(600), "x".repeat(300_000));
        assert_eq!(refused(NDJSON, quoted.into_bytes(), 422).await.body["errors"][0]["code"], "row_too_long");
        for (kind, encoding) in [("application/json", ""), ("text/csv; charset=iso-8859-1", ""), (CSV, "gzip")] {
            let ask = upload(&world, Member(Partner), kind, HEADER);
            let ask = if encoding.is_empty() { ask } else { ask.header("content-encoding", encoding) };
            assert_eq!(ask.expect(415).await.problem(), "unsupported-media-type", "{kind}");
        }
        let long = upload(&world, Member(Partner), NDJSON, "{}").header("content-length", "67108865").expect(413).await;
        assert_eq!(long.problem(), "too-large");
        upload(&world, Member(Observer), NDJSON, "{}").expect(403).await;
        upload(&world, Member(Partner), NDJSON, "{}").key("no good").expect(400).await;

        let told: Vec<_> = world.get(Member(Partner), "{p}/input-imports").expect(200).await.items().to_vec();
        let told: Vec<_> = told.iter().map(|one| (one["state"].as_str().unwrap(), one["failure"].as_str().unwrap(), one["rows_count"].as_i64().unwrap())).collect();
        assert_eq!(told, [("failed", "wrong_columns", 0), ("failed", "wrong_columns", 0), ("failed", "not_utf8", 0), ("failed", "row_too_long", 0)]);
        settle(&world).await;
        assert_eq!((kept(&world), world.ledger().len()), ((0, 0), 0));
        // A file without rows is none that is no good.
        let empty = upload(&world, Member(Partner), CSV, HEADER).expect(202).await;
        assert_eq!((&empty.body["state"], &empty.body["rows_count"]), (&json!("done"), &json!(0)));
        world.verify();
    }
}

story! {
    async fn a_file_of_one_row_too_many_is_refused(world) {
        let told = upload(&world, Member(Partner), NDJSON, numbered(50_001)).expect(422).await;
        assert_eq!((told.pointers(), &told.body["errors"][0]["code"]), (vec![""], &json!("too_many_rows")));
        let listed = world.get(Member(Partner), "{p}/input-imports?state=failed").expect(200).await;
        assert_eq!((listed.items().len(), &listed.items()[0]["failure"]), (1, &json!("too_many_rows")));
        assert_eq!(kept(&world), (0, 0));
        let most = upload(&world, Member(Partner), NDJSON, numbered(50_000)).expect(202).await;
        assert_eq!((&most.body["rows_count"], &most.body["state"]), (&json!(50_000), &json!("waiting")));
        world.verify();
    }
}

story! {
    async fn an_upload_that_breaks_off_leaves_no_input(world) {
        let service = world.service.clone();
        let server = HttpServer::new(move || api::app(service.clone())).workers(1).bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let (token, file) = (world.token(&Member(Partner)).unwrap(), numbered(1200));
        let head = |framing: &str| {
            format!("POST /api/v1/programs/jakarta/input-imports HTTP/1.1\r\nHost: tangguh.test\r\nAuthorization: Bearer {token}\r\n\
                Content-Type: {NDJSON}\r\n{framing}\r\n\r\n")
        };
        let state = async || {
            for _ in 0..500 {
                let found = world.get(Member(Partner), "{p}/input-imports?sort=-created_at").expect(200).await;
                match found.items().first() {
                    Some(one) if one["state"] != "uploading" => return one.clone(),
                    _ => actix_web::rt::time::sleep(Duration::from_millis(20)).await,
                }
            }
            panic!("it is still being uploaded");
        };
        // By its length, and by chunks of which the last never comes.
        let chunked = format!("{}{:x}\r\n{file}\r\n", head("Transfer-Encoding: chunked"), file.len());
        let lengthy = format!("{}{file}", head(&format!("Content-Length: {}", file.len() + 1)));
        for (number, request) in [chunked, lengthy].into_iter().enumerate() {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            drop(stream);
            let mut told = Value::Null;
            for _ in 0..500 {
                let found = world.get(Member(Partner), "{p}/input-imports").expect(200).await;
                if found.items().len() == number + 1 {
                    told = state().await;
                    break;
                }
                actix_web::rt::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!((&told["state"], &told["failure"], &told["rows_count"]), (&json!("cut_off"), &Value::Null, &json!(0)), "{told}");
        }
        settle(&world).await;
        assert_eq!((kept(&world), world.ledger().len()), ((0, 0), 0));
        // Whole, it is taken.
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("{}{file}", head(&format!("Connection: close\r\nContent-Length: {}", file.len()))).as_bytes()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        settle(&world).await;
        assert_eq!(world.ledger().len(), 1200);
        handle.stop(false).await;
        world.verify();
    }
}

story! {
    async fn an_upload_that_no_process_reads_any_more_is_cut_off(world) {
        use input_imports as t;
        let id = upload(&world, Member(Partner), NDJSON, numbered(3)).expect(202).await.id();
        // As a process leaves it that is killed in the middle.
        let uploading = (t::state.eq("uploading"), t::uploaded_at.eq(None::<At>), t::digest.eq(None::<String>));
        diesel::update(t::table.find(Id::parse(&id).unwrap())).set(uploading).execute(&mut world.conn()).unwrap();
        settle(&world).await;
        assert_eq!(import(&world, &id).await["state"], "uploading");
        world.clock.advance(TimeDelta::minutes(6));
        settle(&world).await;
        assert_eq!((import(&world, &id).await["state"].as_str(), kept(&world), world.ledger().len()), (Some("cut_off"), (0, 0), 0));
    }
}

story! {
    async fn an_import_whose_process_died_goes_on_and_nothing_is_there_twice(world) {
        use input_imports as t;
        let id = upload(&world, Member(Partner), NDJSON, numbered(1200)).expect(202).await.id();
        let other = world.twin();
        let (first, second) = (Taker::new(&world.service), Taker::new(&other.service));
        assert!(first.run_once().await.unwrap());
        let half = import(&world, &id).await;
        assert_eq!((&half["state"], &half["received_count"], world.ledger().len()), (&json!("processing"), &json!(500), 500));
        assert_eq!(kept(&world), (1200, 700));
        // It is the first worker's as long as its lease holds; then another goes on, and the first finds nothing to do.
        assert!(!second.run_once().await.unwrap());
        world.clock.advance(TimeDelta::seconds(61));
        assert!(second.run_once().await.unwrap());
        assert!(!first.run_once().await.unwrap());
        assert_eq!(world.ledger().len(), 1000);
        // A lease that ends too late was taken before the clock was set back: it holds nobody off.
        let late = At(world.clock.now() + TimeDelta::hours(5));
        let leased = (t::leased_by.eq(Some(Id::new())), t::leased_until.eq(Some(late)));
        diesel::update(t::table.find(Id::parse(&id).unwrap())).set(leased).execute(&mut world.conn()).unwrap();
        assert!(first.run_once().await.unwrap());
        assert!(!first.run_once().await.unwrap() && !second.run_once().await.unwrap());
        let done = import(&world, &id).await;
        assert_eq!((&done["state"], &done["received_count"], &done["refused_count"], world.ledger().len()), (&json!("done"), &json!(1200), &json!(0), 1200));
        assert_eq!(kept(&world), (1200, 0));
        world.verify();
    }
}

story! {
    async fn two_workers_at_once_take_each_row_once(world) {
        for who in [Partner, Agency] {
            upload(&world, Member(who), NDJSON, numbered(700)).expect(202).await;
        }
        let other = world.twin();
        futures_util::future::join(settle(&world), settle(&other)).await;
        // Whoever waited for the other's lease looks again when it has ended.
        world.clock.advance(TimeDelta::seconds(61));
        settle(&world).await;
        assert_eq!(world.ledger().len(), 1400);
        let states: Vec<_> = world.get(Member(Lead), "{p}/input-imports").expect(200).await.items().iter().map(|one| one["received_count"].clone()).collect();
        assert_eq!(states, [json!(700), json!(700)]);
        world.verify();
    }
}

story! {
    async fn a_right_that_ends_ends_the_import(world) {
        let id = upload(&world, Member(Partner), NDJSON, numbered(1200)).expect(202).await.id();
        let taker = Taker::new(&world.service);
        taker.run_once().await.unwrap();
        let account = world.account(&Member(Partner)).to_string();
        let held = world.get(Member(Lead), &format!("{{p}}/memberships?account_id={account}")).expect(200).await.items()[0].clone();
        let path = format!("{{p}}/memberships/{}", held["id"].as_str().unwrap());
        let etag = world.get(Member(Lead), &path).expect(200).await.etag();
        world.post(Member(Lead), &format!("{path}/end")).if_match(&etag).json(json!({"reason": "Selesai."})).expect(200).await;
        assert!(taker.run_once().await.unwrap() && !taker.run_once().await.unwrap());
        let seen = world.get(Member(Lead), &format!("{{p}}/input-imports/{id}")).expect(200).await.body;
        // What was received before stays.
        assert_eq!((&seen["state"], &seen["failure"], &seen["received_count"]), (&json!("failed"), &json!("right_ended"), &json!(500)), "{seen}");
        let skipped = world.get(Member(Lead), &format!("{{p}}/input-imports/{id}/rows?state=skipped&limit=1")).expect(200).await;
        assert_eq!(skipped.items()[0]["number"], 501);
        assert_eq!(kept(&world), (1200, 0));

        let theirs = upload(&world, Member(Agency), NDJSON, numbered(2)).expect(202).await.id();
        let step = json!({"to": "archived", "reason": "Selesai."});
        let program = world.get(Member(Admin), "{p}").expect(200).await;
        world.post(Member(Admin), "{p}/transitions").if_match(&program.etag()).json(step).expect(200).await;
        settle(&world).await;
        let seen = world.get(Member(Agency), &format!("{{p}}/input-imports/{theirs}")).expect(200).await.body;
        assert_eq!((&seen["state"], &seen["failure"], &seen["received_count"]), (&json!("failed"), &json!("program_closed"), &json!(0)));
        world.verify();
    }
}

story! {
    async fn a_trial_reports_the_same_and_makes_no_input(world) {
        world.post(Member(Partner), "{p}/inputs").json(input("known")).expect(201).await;
        let before = world.ledger().len();
        let file = lines(&[input("a"), input("known"), with("b", "text", json!("")), input("a")]);
        let ask = world.post(Member(Partner), "{p}/input-imports?dry_run=true").header("content-type", NDJSON);
        let tried = ask.key("night-1").bytes(file.clone().into_bytes()).expect(202).await;
        assert_eq!((tried.header("dry-run"), &tried.body["dry_run"]), (Some("true"), &json!(true)));
        settle(&world).await;
        let trial = rows(&world, &tried.id()).await;
        assert_eq!(told(&trial), expected(&[("received", "", ""), ("repeated", "", ""), ("refused", "too_short", "/text"), ("refused", "repeated", "/external_ref")]));
        assert_eq!((&trial[0]["input_id"], &trial[0]["code"], world.ledger().len()), (&Value::Null, &Value::Null, before));
        // No key was kept, and in earnest the same comes of each.
        let sent = upload(&world, Member(Partner), NDJSON, file).key("night-1").expect(202).await;
        assert_eq!(sent.header("dry-run"), None);
        settle(&world).await;
        assert_eq!(told(&rows(&world, &sent.id()).await), told(&trial));
        assert_eq!(world.ledger().len(), before + 1);
        world.verify();
    }
}

story! {
    async fn a_file_under_the_same_key_is_one_import(world) {
        let first = upload(&world, Member(Partner), NDJSON, numbered(3)).key("night-1").expect(202).await;
        settle(&world).await;
        let again = upload(&world, Member(Partner), NDJSON, numbered(3)).key("night-1").expect(202).await;
        assert_eq!((again.id(), again.header("idempotency-replayed"), again.header("location")), (first.id(), Some("true"), first.header("location")));
        let other = upload(&world, Member(Partner), NDJSON, numbered(4)).key("night-1").expect(422).await;
        assert_eq!(other.problem(), "idempotency-key-reused");
        assert_eq!(world.get(Member(Partner), "{p}/input-imports").expect(200).await.items().len(), 1);
        assert_eq!(kept(&world), (3, 0));
    }
}

story! {
    async fn an_import_is_seen_by_its_organisation_and_those_who_see_all_inputs(world) {
        let other = other_partner(&world).await;
        let id = upload(&world, Member(Partner), NDJSON, numbered(2)).expect(202).await.id();
        let theirs = upload(&world, other.clone(), NDJSON, numbered(2)).expect(202).await.id();
        settle(&world).await;
        let listed = async |who: Who| {
            let found = world.get(who, "{p}/input-imports").expect(200).await;
            found.items().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed(Member(Partner)).await, [id.as_str()]);
        assert_eq!(listed(other.clone()).await, [theirs.as_str()]);
        for role in [Lead, Secretariat, Facilitator, Agency, Observer] {
            assert_eq!(listed(Member(role)).await, [id.as_str(), &theirs], "{role:?}");
        }
        for below in ["", "/rows"] {
            let path = format!("{{p}}/input-imports/{id}{below}");
            world.get(other.clone(), &path).expect(404).await;
            world.get(Member(Observer), &path).expect(200).await;
            world.get(Neighbour(Lead), &format!("programs/porto/input-imports/{id}{below}")).expect(404).await;
        }
        // A page that nothing changed in is not sent again, and one that did is.
        let page = world.get(Member(Partner), "{p}/input-imports").expect(200).await;
        world.get(Member(Partner), "{p}/input-imports").header("if-none-match", &page.etag()).expect(304).await;
        let first = world.get(Member(Partner), "{p}/input-imports?limit=1").expect(200).await;
        upload(&world, Member(Partner), CSV, HEADER).expect(202).await;
        world.get(Member(Partner), "{p}/input-imports").header("if-none-match", &page.etag()).expect(200).await;
        // The first page says the same of what is on it, and now that there is a second.
        let again = world.get(Member(Partner), "{p}/input-imports?limit=1").header("if-none-match", &first.etag());
        let again = again.expect(200).await;
        assert_eq!((&first.body["next_cursor"], again.items()), (&Value::Null, first.items()));
        assert!(again.body["next_cursor"].is_string() && again.header("link").is_some(), "{}", again.text);
    }
}
