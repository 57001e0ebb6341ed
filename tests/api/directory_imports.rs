//! Organisations and accounts from tables: whole or not at all, and nothing twice.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{harness::*, post_office::PostOffice, sign_ins::log_in};

const OWN: &str = "kuda lumping di bawah hujan";

fn import<'w>(world: &'w World, path: &str, table: &str) -> Ask<'w> {
    world.post(Member(Admin), path).header("content-type", "text/csv").bytes(table.as_bytes().to_vec())
}

/// Rows of a report, each with what came of it.
fn came(reply: &Reply) -> Vec<(i64, &str)> {
    let rows = reply.body["rows"].as_array().unwrap_or_else(|| panic!("no rows: {}", reply.text));
    rows.iter().map(|row| (row["row"].as_i64().unwrap(), row["outcome"].as_str().unwrap())).collect()
}

fn counts(reply: &Reply) -> [i64; 3] {
    ["created_count", "unchanged_count", "wrong_count"].map(|name| reply.body[name].as_i64().unwrap())
}

/// Pointers and codes of what is wrong.
fn wrong(reply: &Reply) -> Vec<(String, String)> {
    told(&reply.body["errors"])
}

fn told(errors: &Value) -> Vec<(String, String)> {
    let errors = errors.as_array().into_iter().flatten();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors.map(|error| (text(error, "pointer"), text(error, "code"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect()
}

/// How many rows the platform's ledger has, and how many of this action.
async fn ledger(world: &World, action: &str) -> (i64, usize) {
    let rows = world.get(Member(Admin), "ledger?sort=-sequence&limit=200").expect(200).await;
    let last = rows.items()[0]["sequence"].as_i64().unwrap();
    (last, rows.items().iter().filter(|row| row["action"] == action).count())
}

const ORGANISATIONS: &str = "\u{feff}name.id;name.en;kind;abbreviation;codes;parent;source\r\n\
    Dinas Lingkungan;Environment Agency;provincial_government;DLH;contoh:1.05 kemendagri:31;;https://example.org/dlh\r\n\
    \"Suku Dinas\r\nLingkungan; Kota\";;municipal_government;;contoh:1.05.1;contoh:1.05;\r\n\
    \r\n\
    Dinas;;other;;;;\r\n";

story! {
    async fn organisations_come_from_a_table_once(world) {
        let before = ledger(&world, "stakeholder.import").await;
        // The row without anything in it counts, as the spreadsheet shows it.
        let tried = import(&world, "stakeholders/imports?dry_run=true", ORGANISATIONS).expect(200).await;
        assert_eq!((tried.header("dry-run"), counts(&tried)), (Some("true"), [2, 1, 0]));
        assert_eq!(came(&tried), [(2, "created"), (3, "created"), (5, "unchanged")]);
        assert_eq!((&tried.body["rows"][0]["id"], &tried.body["rows"][2]["id"]), (&json!(null), &json!(world.seed.stakeholders["dinas"])));
        assert_eq!(ledger(&world, "stakeholder.import").await, before);

        let made = import(&world, "stakeholders/imports", ORGANISATIONS).key("satu").expect(200).await;
        assert_eq!((made.header("dry-run"), came(&made)), (None, came(&tried)));
        assert_eq!(ledger(&world, "stakeholder.import").await, (before.0 + 2, 2));
        let read = async |row: usize| {
            let id = made.body["rows"][row]["id"].as_str().unwrap();
            world.get(Member(Partner), &format!("stakeholders/{id}")).expect(200).await.body
        };
        let (agency, office) = (read(0).await, read(1).await);
        assert_eq!((&agency["names"][0]["name"], &agency["state"], &agency["abbreviation"]), (&json!({"id": "Dinas Lingkungan", "en": "Environment Agency"}), &json!("confirmed"), &json!("DLH")));
        assert_eq!((&agency["codes"][1]["system"], &agency["codes"][1]["code"], &agency["sources"][0]["url"]), (&json!("kemendagri"), &json!("31"), &json!("https://example.org/dlh")));
        assert_eq!((&office["parent_id"], &office["names"][0]["name"]["id"]), (&agency["id"], &json!("Suku Dinas\r\nLingkungan; Kota")));

        // The same request again is replayed; the same file again makes nothing.
        let replayed = import(&world, "stakeholders/imports", ORGANISATIONS).key("satu").expect(200).await;
        assert_eq!((replayed.header("idempotency-replayed"), &replayed.body), (Some("true"), &made.body));
        let again = import(&world, "stakeholders/imports", ORGANISATIONS).key("dua").expect(200).await;
        assert_eq!((counts(&again), &again.body["rows"][1]["id"]), ([0, 3, 0], &office["id"]));
        assert_eq!(import(&world, "stakeholders/imports", "name.id,kind\nLain,media\n").key("satu").expect(422).await.problem(), "idempotency-key-reused");
        assert_eq!(ledger(&world, "stakeholder.import").await, (before.0 + 2, 2));
        world.verify();
    }
}

story! {
    async fn a_wrong_row_lets_none_of_the_others_in(world) {
        let before = ledger(&world, "stakeholder.import").await;
        let table = "name.id,kind,name.en,codes,parent,source\r\n\
            Dinas Baik,media,,,,\r\n\
            ,guild,,tanpa-sistem,Tidak Ada,bukan url\r\n\
            =HYPERLINK(\"http://jahat\"),media,,,,\r\n\
            DINAS  baik,media,,,,,lebih\r\n\
            Dinas Kedua,media,,contoh:1,dinas,\r\n\
            Dinas Ketiga,media,,Contoh:1,,\r\n";
        let expected = pairs(&[
            ("/rows/3/name.id", "required"), ("/rows/3/codes", "format"), ("/rows/3/parent", "not_found"), ("/rows/3/kind", "one_of"), ("/rows/3/source", "format"),
            ("/rows/4/name.id", "formula"),
            ("/rows/5", "surplus_cell"), ("/rows/5/name.id", "repeated"),
            ("/rows/7/name.id", "repeated"),
        ]);
        let refused = import(&world, "stakeholders/imports", table).key("satu").expect(422).await;
        assert_eq!((refused.problem(), wrong(&refused)), ("invalid", expected.clone()));
        assert_eq!(ledger(&world, "stakeholder.import").await, before);
        assert!(world.get(Member(Admin), "stakeholders?q=dinas%20baik").expect(200).await.items().is_empty());
        // A trial tells what would come of each row, in the reader's language.
        let tried = import(&world, "stakeholders/imports?dry_run=true", table).header("accept-language", "id").expect(200).await;
        assert_eq!(came(&tried), [(2, "created"), (3, "wrong"), (4, "wrong"), (5, "wrong"), (6, "created"), (7, "wrong")]);
        let of_rows: Vec<_> = tried.body["rows"].as_array().unwrap().iter().flat_map(|row| told(&row["errors"])).collect();
        assert_eq!(of_rows, expected);
        assert!(tried.text.contains("berawal seperti rumus"), "{}", tried.text);
        // A key that came with a failure is free for the file without it.
        import(&world, "stakeholders/imports", "name.id,kind\nDinas Baik,media\n").key("satu").expect(200).await;
        world.verify();
    }
}

story! {
    async fn an_organisation_is_the_same_by_its_code_before_its_name(world) {
        let table = "name.id,kind,codes,external_references\n\
            Dinas Kesehatan,provincial_government,kemendagri:31,portal:dinkes\n\
            Dinas Kesehatan,provincial_government,kemendagri:32,\n";
        let made = import(&world, "stakeholders/imports", table).expect(200).await;
        assert_eq!(counts(&made), [2, 0, 0], "two agencies of one name, in two provinces");
        let first = &made.body["rows"][0]["id"];
        let known = |table: &str| import(&world, "stakeholders/imports", table).send();
        let renamed = known("name.id,kind,codes\nDinas Kesehatan dan Gizi,media,KEMENDAGRI:31\n").await.expect(200);
        assert_eq!((came(&renamed), &renamed.body["rows"][0]["id"]), (vec![(2, "unchanged")], first));
        let referred = known("name.id,kind,external_references\nLain,media,portal:dinkes\n").await.expect(200);
        assert_eq!(&referred.body["rows"][0]["id"], first);
        let either = known("name.id,kind\ndinas kesehatan,media\n").await.expect(422);
        assert_eq!(wrong(&either), pairs(&[("/rows/2/name.id", "ambiguous")]));
        // Where several have a code, the name tells which.
        let shared = known("name.id,kind,codes,external_references\nSudin Satu,media,sudin:1 kota:9,\nSudin Dua,media,sudin:2,portal:dua\n").await.expect(200);
        let path = format!("stakeholders/{}", shared.body["rows"][1]["id"].as_str().unwrap());
        let seen = world.get(Member(Admin), &path).expect(200).await.etag();
        let codes = json!({"codes": [{"system": "sudin", "code": "2"}, {"system": "kota", "code": "9"}]});
        world.patch(Member(Admin), &path).if_match(&seen).patch(codes).expect(200).await;
        let told = known("name.id,kind,codes\nSudin Dua,media,kota:9\n").await.expect(200);
        assert_eq!(told.body["rows"][0]["id"], shared.body["rows"][1]["id"]);
        let parent = known("name.id,kind,parent\nPuskesmas,media,Dinas Kesehatan\n").await.expect(422);
        assert_eq!(wrong(&parent), pairs(&[("/rows/2/parent", "ambiguous")]));
        // One that was merged meanwhile is not entered again, and nothing new belongs to it.
        let path = format!("stakeholders/{}", first.as_str().unwrap());
        let seen = world.get(Member(Admin), &path).expect(200).await.etag();
        let merge = json!({"into_id": world.seed.stakeholders["dinas"], "reason": "Digabung."});
        world.post(Member(Admin), &format!("{path}/merge")).if_match(&seen).json(merge).expect(200).await;
        let merged = known("name.id,kind,codes\nDinas Kesehatan,media,kemendagri:31\n").await.expect(200);
        assert_eq!(came(&merged), [(2, "unchanged")]);
        let gone = known("name.id,kind,parent\nPuskesmas,media,kemendagri:31\n").await.expect(422);
        assert_eq!(wrong(&gone), pairs(&[("/rows/2/parent", "organisation_gone")]));
        world.verify();
    }
}

story! {
    async fn a_file_that_is_no_such_table_is_refused_in_plain_words(world) {
        for path in ["stakeholders/imports", "accounts/imports"] {
            let (head, row) = if path.starts_with("stake") { ("name.id,kind", "x,media") } else { ("email,name", "x@example.org,X") };
            let send = |table: String| import(&world, path, &table).send();
            assert_eq!(wrong(&send("organisasi,\n".into()).await.expect(422))[0], ("organisasi".into(), "unknown_column".into()));
            assert_eq!(send(String::new()).await.expect(422).pointers(), head.split(',').collect::<Vec<_>>());
            assert_eq!(wrong(&send(format!("{head},kind,name\n{row}\n")).await.expect(422)).iter().filter(|(_, code)| code == "repeated").count(), 1);
            let many: String = (0..2001).map(|number| format!("{number}{row}\n")).collect();
            assert_eq!(wrong(&send(format!("{head}\n{many}")).await.expect(422)), pairs(&[("", "too_many_rows")]));
            send(format!("{head}\n{}", "x".repeat(1 << 20))).await.expect(413);
            let latin = world.post(Member(Admin), path).header("content-type", "text/csv").bytes([head.as_bytes(), b"\n\xE9,\xE9\n"].concat());
            assert_eq!(wrong(&latin.expect(422).await), pairs(&[("", "not_utf8")]));
            for kind in ["application/json", "text/csv; charset=windows-1252", "text/plain"] {
                world.post(Member(Admin), path).header("content-type", kind).bytes(head.as_bytes().to_vec()).expect(415).await;
            }
            assert_eq!(counts(&send(head.to_owned()).await.expect(200)), [0, 0, 0]);
            for who in [Member(Lead), Member(Secretariat), Neighbour(Lead), Outsider] {
                world.post(who, path).header("content-type", "text/csv").bytes(head.as_bytes().to_vec()).expect(403).await;
            }
        }
    }
}

const PEOPLE: &str = "email,name,language,expires_on,program,role,organisation,until_on\r\n\
    Rani@Dinas.example,Rani Wulandari,id,,jakarta,agency,dinas,2026-12-31\r\n\
    budi@mitra.example,Budi Santoso,en,2026-06-30,,,,\r\n\
    lead@jakarta.example,Lead,,,porto,lead,dinas,\r\n";

story! {
    async fn people_of_a_table_get_a_mail_and_sign_in(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let tried = import(&world, "accounts/imports?dry_run=true", PEOPLE).expect(200).await;
        assert_eq!((tried.header("dry-run"), came(&tried)), (Some("true"), vec![(2, "created"), (3, "created"), (4, "unchanged")]));
        assert!(office.deliver(&world).await.is_empty());
        assert!(world.get(Member(Admin), "accounts?email=rani@dinas.example").expect(200).await.items().is_empty());

        let made = import(&world, "accounts/imports", PEOPLE).key("satu").expect(200).await;
        assert_eq!((came(&made), &made.body["rows"][2]["id"]), (came(&tried), &json!(world.account(&Member(Lead)))));
        assert!(!made.text.contains("example") && !made.text.contains("tgh_"), "{}", made.text);
        let mut mails = office.deliver(&world).await;
        mails.sort_by(|one, other| other.to.cmp(&one.to));
        let to: Vec<&str> = mails.iter().map(|mail| mail.to[0].as_str()).collect();
        assert_eq!(to, ["budi@mitra.example", "Rani@Dinas.example"]);
        assert_eq!((mails[0].header("subject"), mails[1].header("subject")), (Some("Your Tangguh account"), Some("Akun Tangguh Anda")));
        let password = json!({"password_token": mails[1].token(), "password": OWN});
        world.post(Nobody, "auth/password").json(password.clone()).expect(204).await;
        world.post(Nobody, "auth/password").json(password).expect(401).await;
        let tokens = log_in(&world, "rani@dinas.example", OWN).expect(200).await;
        let rani = Bearer(tokens.body["access_token"].as_str().unwrap().into());
        let held = world.get(rani.clone(), "me/memberships").expect(200).await;
        let [held] = held.items() else { panic!("{}", held.text) };
        assert_eq!((&held["program"], &held["role"], &held["from_on"], &held["until_on"]), (&json!("jakarta"), &json!("agency"), &json!("2026-01-15"), &json!("2026-12-31")));
        assert_eq!(held["stakeholder_id"], json!(world.seed.stakeholders["dinas"]));
        world.get(rani, "{p}/questions").expect(200).await;
        // Who had an account has what they had.
        assert_eq!(world.get(Member(Lead), "me/memberships").expect(200).await.items().len(), 1);
        let budi = world.get(Member(Admin), "accounts?email=budi@mitra.example").expect(200).await;
        assert_eq!((&budi.items()[0]["state"], &budi.items()[0]["expires_on"], &budi.items()[0]["admin"]), (&json!("invited"), &json!("2026-06-30"), &json!(false)));
        assert_eq!(ledger(&world, "account.import").await.1, 2);
        assert_eq!(world.ledger(), [("account.import".to_owned(), 1)]);

        let again = import(&world, "accounts/imports", PEOPLE).key("dua").expect(200).await;
        assert_eq!(counts(&again), [0, 3, 0]);
        assert!(office.deliver(&world).await.is_empty());
        let rows = world.get(Member(Admin), "ledger?limit=200").expect(200).await.text.to_lowercase();
        assert!(!rows.contains("rani") && !rows.contains("tgh_"));
        world.verify();
    }
}

story! {
    async fn a_wrong_person_lets_none_of_the_others_in(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let before = ledger(&world, "account.import").await;
        let table = "email,name,language,expires_on,program,role,organisation,until_on\n\
            baik@dinas.example,Orang Baik,id,,jakarta,agency,dinas,\n\
            bukan alamat,,jv,31/12/2026,,,,2026-12-31\n\
            a@example.org,A,,2026-01-01,,,,\n\
            b@example.org,B,,,jakarta,admin,,\n\
            c@example.org,C,,,tiada,agency,tiada,\n\
            d@example.org,D,,,jakarta,agency,dinas,2026-01-01\n\
            BAIK@dinas.example,Orang Baik,,,,,,\n";
        let refused = import(&world, "accounts/imports", table).expect(422).await;
        let mut found = wrong(&refused);
        found.sort();
        assert_eq!(found, pairs(&[
            ("/rows/3/email", "format"), ("/rows/3/expires_on", "format"), ("/rows/3/language", "one_of"), ("/rows/3/name", "required"), ("/rows/3/until_on", "unexpected"),
            ("/rows/4/expires_on", "out_of_range"),
            ("/rows/5/organisation", "required"), ("/rows/5/role", "one_of"),
            ("/rows/6/organisation", "not_found"), ("/rows/6/program", "not_found"),
            ("/rows/7/until_on", "before_begin"),
            ("/rows/8/email", "repeated"),
        ]));
        assert_eq!(ledger(&world, "account.import").await, before);
        assert!(world.ledger().is_empty());
        assert!(office.deliver(&world).await.is_empty());
        assert!(world.get(Member(Admin), "accounts?email=baik@dinas.example").expect(200).await.items().is_empty());
        world.verify();
    }
}

story! {
    async fn a_person_of_an_account_that_an_admin_made_gets_a_mail_too(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let new = |email: &str| world.post(Member(Admin), "accounts").json(json!({"email": email, "name": "Rani", "language": "en"}));
        let handed = new("rani@dinas.example").expect(201).await;
        let mail = office.only(office.deliver(&world).await);
        assert_eq!((mail.header("subject"), mail.to.as_slice()), (Some("Your Tangguh account"), &["rani@dinas.example".to_owned()][..]));
        assert!(mail.text.contains("http://tangguh.test/api/v1/auth/password") && mail.text.contains("2026-01-29 02:00 UTC"), "{}", mail.text);
        // Either token is good; whichever is used first ends the other.
        assert_ne!(json!(mail.token()), handed.body["password_token"]);
        world.clock.advance(chrono::TimeDelta::days(13));
        let set = |token: Value| world.post(Nobody, "auth/password").json(json!({"password_token": token, "password": OWN})).send();
        set(handed.body["password_token"].clone()).await.expect(401);
        set(json!(mail.token())).await.expect(204);
        log_in(&world, "rani@dinas.example", OWN).expect(200).await;
        // A password that was set meanwhile, and an address that was wrong, get no mail.
        let set_already = new("sri@dinas.example").expect(201).await;
        set(set_already.body["password_token"].clone()).await.expect(204);
        let mistyped = new("budy@dinas.example").expect(201).await;
        let path = format!("accounts/{}", mistyped.body["account_id"].as_str().unwrap());
        let seen = world.get(Member(Admin), &path).expect(200).await.etag();
        world.prove(&Member(Admin));
        world.patch(Member(Admin), &path).if_match(&seen).patch(json!({"email": "budi@dinas.example"})).expect(200).await;
        assert!(office.deliver(&world).await.is_empty());
        world.verify();
    }
}
