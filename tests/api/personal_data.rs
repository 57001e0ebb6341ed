//! What is kept of people: seen, corrected, restricted, withdrawn, erased; and who was shown whom.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::{prelude::*, sql_types::Text};
use serde_json::{Value, json};
use tangguh::{
    db::AnyConnection,
    personal_data::register::{self, REGISTER},
    policy::Role::*,
    schema::{account_people, personal_data_reads, stored_replies},
};

use crate::{
    harness::*,
    post_office::{Came, PostOffice},
    room::{HOST, Room},
    sign_ins::log_in,
};

const EMAIL: &str = "xqzwulan.rani@dinas.example";
const NAME: &str = "Rani Xqzwulandari";
/// What all that names her has in it, in lower case: so long that no random key or salt has it by chance.
const TRACE: &str = "xqzwulan";
const OWN: &str = "kuda lumping di bawah hujan";

/// Somebody who was invited and accepted, for `dinas` in `jakarta`.
struct Rani<'w> {
    world: &'w World,
    office: &'w PostOffice,
    id: String,
    membership: String,
}

impl<'w> Rani<'w> {
    async fn invited(world: &'w World, office: &'w PostOffice) -> Rani<'w> {
        let invitation = json!({"email": EMAIL, "language": "id", "membership": {"program": "jakarta", "role": "agency",
            "stakeholder_id": world.seed.stakeholders["dinas"]}});
        world.post(Member(Lead), "invitations").key("undang").json(invitation).expect(201).await;
        let token = office.only(office.deliver(world).await).token();
        let acceptance = json!({"invitation_token": token, "name": NAME, "password": OWN});
        let accepted = world.post(Nobody, "auth/invitations").json(acceptance).expect(200).await;
        let id = accepted.body["account_id"].as_str().unwrap().to_owned();
        let held = world.get(Member(Lead), &format!("{{p}}/memberships?account_id={id}")).expect(200).await;
        let membership = held.items()[0]["id"].as_str().unwrap().to_owned();
        Rani { world, office, id, membership }
    }

    async fn me(&self) -> Who {
        let tokens = log_in(self.world, EMAIL, OWN).expect(200).await;
        Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
    }

    /// What she asks herself.
    async fn asks(&self, kind: &str) -> Reply {
        let body = json!({"kind": kind, "note": format!("Mohon, {NAME}.")});
        self.world.post(self.me().await, "personal-data/requests").key(kind).json(body).expect(201).await
    }

    async fn name_for(&self, who: Who) -> Value {
        let path = format!("{{p}}/memberships/{}?expand=account", self.membership);
        self.world.get(who, &path).expect(200).await.body["expanded"]["account"]["name"].clone()
    }
}

async fn answer(world: &World, id: &str, body: Value) -> Reply {
    let path = format!("personal-data/requests/{id}/completion");
    world.post(Member(Admin), &path).json(body).send().await
}

/// One kind of what is kept of somebody.
fn part(kept: &Reply, kind: &str) -> Value {
    let parts = kept.body["parts"].as_array().unwrap();
    parts.iter().find(|part| part["kind"] == kind).unwrap_or_else(|| panic!("{kind}: {}", kept.text)).clone()
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    of: String,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Value1 {
    #[diesel(sql_type = Text)]
    value: String,
}

fn ask<
    T: diesel::deserialize::QueryableByName<diesel::sqlite::Sqlite>
        + diesel::deserialize::QueryableByName<diesel::pg::Pg>
        + 'static,
>(
    conn: &mut AnyConnection,
    sqlite: &str,
    postgres: &str,
) -> Vec<T> {
    match conn {
        AnyConnection::Sqlite(conn) => diesel::sql_query(sqlite).load(conn).unwrap(),
        AnyConnection::Postgres(conn) => diesel::sql_query(postgres).load(conn).unwrap(),
    }
}

/// Every column of every table in which a text has this in it, in any case.
fn holding(world: &World, what: &str) -> Vec<String> {
    let mut conn = world.conn();
    let columns: Vec<Column> = ask(
        &mut conn,
        "select m.name as \"of\", c.name as name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'",
        "select table_name::text as \"of\", column_name::text as name from information_schema.columns where table_schema = 'public'",
    );
    assert!(columns.len() > 300, "all tables are looked at");
    let mut found = Vec::new();
    for Column { of, name } in columns {
        let text = format!(
            "select cast(\"{name}\" as text) as value from \"{of}\" where lower(cast(\"{name}\" as text)) like '%{what}%'"
        );
        let values: Vec<Value1> = ask(&mut conn, &text, &text);
        found.extend(values.into_iter().map(|one| format!("{of}.{name}: {}", one.value)));
    }
    found
}

/// Whom an account or client was shown, by which operation.
async fn shown_to(world: &World, query: &str) -> Vec<(String, String)> {
    let told = world.get(Member(Admin), &format!("personal-data/reads?limit=200{query}")).expect(200).await;
    let word = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    told.items().iter().map(|one| (word(one, "operation"), word(one, "person_id"))).collect()
}

story! {
    async fn a_person_is_erased_and_what_they_did_stands(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let world = &world;
        let room = Room::new(world).await;
        let rani = Rani::invited(world, &office).await;
        let me = rani.me().await;

        // She attends, votes, sends an input; and others write of her.
        let people = json!([{"account_id": rani.id, "position": "Xqzwulankepala"}, {"name": NAME.to_uppercase()}, {"name": "Budi", "contact": EMAIL}]);
        room.attend(json!([{"stakeholder_id": room.dinas, "status": "attended", "capacity": "member", "people": people}])).await.expect(200);
        let ballot = room.open(json!({})).await;
        room.vote(me.clone(), &ballot, &room.dinas, json!({"value": "agree"})).await.expect(200);
        let input = json!({"kind": "comment", "language": "id", "text": format!("Hubungi {NAME} di {}.", EMAIL.to_uppercase())});
        let input = world.post(me.clone(), "{p}/inputs").key("masukan").json(input).expect(201).await;
        let membership = format!("{{p}}/memberships/{}", rani.membership);
        room.patch(Member(Lead), &membership, json!({"note": format!("Menggantikan {NAME} senior.")})).await.expect(200);
        let document = json!({"title": {"id": format!("Surat Bu Xqzwulan tentang {NAME}")}, "kind": "report", "visibility": "members"});
        let document = world.post(Member(Lead), "{p}/documents").key("surat").json(document).expect(201).await;

        // She reads what is kept of her, and corrects it.
        let kept = world.get(me.clone(), "personal-data/me").expect(200).await;
        assert_eq!((&kept.body["notice"]["current"], &kept.body["notice"]["shown"]), (&json!("1"), &json!("1")));
        assert_eq!(part(&kept, "account")["items"][0]["email"], EMAIL);
        assert_eq!(part(&kept, "memberships")["items"][0]["program"], "jakarta");
        assert_eq!(part(&kept, "attendance")["items"].as_array().unwrap().len(), 2);
        assert_eq!(part(&kept, "attendance")["items"][0]["name"], NAME);
        assert_eq!(part(&kept, "sign_ins")["items"][0]["address"], "192.0.2.1");
        assert_eq!(part(&kept, "record")["items"].as_array().unwrap().len(), 2);
        for part in kept.body["parts"].as_array().unwrap() {
            assert!(part["purpose"]["id"].is_string() && part["legal_basis"].is_string() && part["retention"]["en"].is_string(), "{part}");
        }
        let tag = world.get(me.clone(), "me").expect(200).await.etag();
        let corrected = format!("{NAME}-Putri");
        world.patch(me.clone(), "me").if_match(&tag).patch(json!({"name": corrected})).expect(200).await;

        // Others are shown her name, until she wants to be shown to nobody.
        for who in [Member(Secretariat), Member(Admin)] {
            assert_eq!(rani.name_for(who).await, json!(corrected));
        }
        let asked = rani.asks("restriction").await;
        assert_eq!((&asked.body["state"], &asked.body["due_at"]), (&json!("received"), &json!("2026-01-18T02:00:00.000000Z")));
        assert_eq!(rani.name_for(Member(Secretariat)).await, json!(null));
        assert_eq!(rani.name_for(Member(Admin)).await, json!(corrected));
        let review = world.get(Member(Lead), "access/review").expect(200).await;
        assert!(review.text.contains(&rani.id) && !review.text.to_lowercase().contains(TRACE), "{}", review.text);
        let listed = world.get(Member(Facilitator), &format!("{}/attendance/{}?expand=people", room.event, room.dinas)).expect(200).await;
        assert_eq!(listed.body["expanded"]["people"][0], json!({"name": null, "account_id": rani.id, "position": null, "contact": null}));
        assert_eq!(world.get(me.clone(), "me").expect(200).await.body["name"], json!(corrected));
        answer(world, &asked.id(), json!({"outcome": "done"})).await.expect(200);
        let told = office.only(office.deliver(world).await);
        let copy = world.get(Member(Admin), &format!("accounts/{}/personal-data", rani.id)).expect(200).await;
        assert_eq!(part(&copy, "account")["items"][0]["email"], EMAIL);
        assert!(shown_to(world, &format!("&person_id={}", rani.id)).await.iter().any(|(operation, _)| operation == "get_account_personal_data"));
        assert!(told.to == [EMAIL] && told.text.contains("membatasi pemakaian data Anda telah dipenuhi"), "{}", told.text);

        // She takes part no longer.
        let asked = rani.asks("withdrawal").await;
        let done = answer(world, &asked.id(), json!({"outcome": "done", "answer": "Terima kasih."})).await.expect(200);
        assert_eq!((&done.body["memberships_ended"], &done.body["request"]["state"]), (&json!(1), &json!("done")));
        world.get(me, "me").expect(401).await;
        log_in(world, EMAIL, OWN).expect(401).await;
        assert_eq!(world.get(Member(Lead), &membership).expect(200).await.body["state"], "ended");
        assert!(office.only(office.deliver(world).await).text.contains("Terima kasih."));

        // She is forgotten: asked by telephone, tried first.
        let asked = json!({"kind": "erasure", "account_id": rani.id, "note": format!("Lewat telepon dari {NAME}.")});
        let asked = world.post(Member(Admin), "personal-data/requests").key("telepon").json(asked).expect(201).await;
        let trial = format!("personal-data/requests/{}/completion?dry_run=true", asked.id());
        let tried = world.post(Member(Admin), &trial).json(json!({"outcome": "done", "words": [NAME]})).expect(200).await;
        assert_eq!(tried.header("dry-run"), Some("true"));
        let kinds = |of: &Value| of.as_array().unwrap().iter().map(|row| row["subject_kind"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(kinds(&tried.body["still_named"]), BTreeSet::from(["document".to_owned(), "membership".to_owned()]));
        assert!(!holding(world, TRACE).is_empty());
        let rows: Vec<Value> = tried.body["still_named"].as_array().unwrap().iter().map(|row| json!({"program": row["program"], "sequence": row["sequence"]})).collect();
        let completion = json!({"outcome": "done", "ledger_rows": rows, "words": [NAME, "Bu Xqzwulan"]});
        let path = format!("personal-data/requests/{}/completion", asked.id());
        let done = world.post(Member(Admin), &path).key("hapus").json(completion).expect(200).await;
        assert_eq!(done.body["still_named"], json!([]));
        let told = office.only(office.deliver(world).await);
        assert!(told.to == [EMAIL] && told.text.contains("menghapus data Anda telah dipenuhi"), "{}", told.text);

        // Nothing of her is anywhere: no table, no export, no kept answer.
        assert_eq!(holding(world, TRACE), Vec::<String>::new());
        for (who, path) in [(Member(Admin), "ledger/export"), (Member(Lead), "{p}/ledger/export"), (Member(Lead), "{p}/snapshot")] {
            assert!(!world.get(who, path).expect(200).await.text.to_lowercase().contains(TRACE), "{path}");
        }
        world.verify();
        // What was sent is sent again to no effect.
        let again = world.post(Member(Lead), "{p}/documents").key("surat").json(json!({"title": {"id": format!("Surat Bu Xqzwulan tentang {NAME}")}, "kind": "report", "visibility": "members"})).expect(201).await;
        assert_eq!((again.header("idempotency-replayed"), again.text.as_str()), (Some("true"), ""));

        let left = world.get(Member(Admin), &format!("accounts/{}/personal-data", rani.id)).expect(200).await;
        assert_eq!((part(&left, "sign_ins")["items"].clone(), part(&left, "account")["items"][0]["name"].clone()), (json!([]), json!(null)));
        let grant = json!({"account_id": rani.id, "role": "observer", "stakeholder_id": room.dinas, "from_on": "2026-02-01"});
        assert_eq!(world.post(Member(Lead), "{p}/memberships").json(grant).expect(422).await.pointers(), ["/account_id"]);

        // What she did stands, by an account of which nothing is known.
        let account = world.get(Member(Admin), &format!("accounts/{}", rani.id)).expect(200).await;
        assert_eq!((&account.body["state"], &account.body["email"], &account.body["name"]), (&json!("erased"), &json!(null), &json!(null)));
        assert_eq!(account.body["allowed_actions"], json!(["account.read"]));
        room.act(HOST, &ballot, "closing").await.expect(200);
        let result = world.get(Member(Lead), &format!("{ballot}/result")).expect(200).await;
        assert!(result.text.contains("\"agree\""), "{}", result.text);
        let listed = world.get(Member(Facilitator), &format!("{}/attendance/{}?expand=people", room.event, room.dinas)).expect(200).await;
        let people = listed.body["expanded"]["people"].as_array().unwrap();
        assert!(people.len() == 3 && people.iter().all(|person| person["account_id"] == json!(rani.id) && person["name"].is_null()), "{}", listed.text);
        let history = world.get(Member(Lead), &format!("{membership}/history")).expect(200).await;
        assert_eq!(history.items()[1]["content"]["note"], "Menggantikan [dihapus] senior.");
        let read = world.get(Member(Lead), &format!("{{p}}/inputs/{}", input.id())).expect(200).await;
        assert_eq!(read.body["text"], "Hubungi [dihapus] di [dihapus].");
        let read = world.get(Member(Lead), &format!("{{p}}/documents/{}", document.id())).expect(200).await;
        assert_eq!(read.body["title"]["id"], "Surat [dihapus] tentang [dihapus]");
        let acted = world.get(Member(Lead), &format!("{{p}}/ledger?account_id={}", rani.id)).expect(200).await;
        let acts: Vec<&str> = acted.items().iter().map(|row| row["action"].as_str().unwrap()).collect();
        assert!(acts.contains(&"ballot.vote") && acts.contains(&"input.send"), "{acts:?}");

        // Whoever keeps a copy is told to forget too.
        let followed = world.get(Member(Partner), "changes?after=0&types=account").expect(200).await;
        let [erased] = followed.items() else { panic!("{}", followed.text) };
        assert_eq!((&erased["type"], &erased["subject_id"], &erased["content"]["state"]), (&json!("personal_data.complete"), &json!(rani.id), &json!("erased")));
        let changes = world.get(Member(Lead), "{p}/changes?after=0&types=document").expect(200).await;
        assert_eq!(changes.items()[0]["content"]["title"]["id"], "Surat [dihapus] tentang [dihapus]");
        assert_eq!(rani.office.deliver(world).await.len(), 0);
    }
}

story! {
    async fn a_restriction_that_is_refused_is_taken_back_and_one_is_lifted_at_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let rani = Rani::invited(&world, &office).await;
        let asked = rani.asks("restriction").await;
        assert_eq!(rani.name_for(Member(Lead)).await, json!(null));
        assert_eq!(answer(&world, &asked.id(), json!({"outcome": "refused"})).await.expect(422).pointers(), ["/answer"]);
        answer(&world, &asked.id(), json!({"outcome": "refused", "answer": "Ada kewajiban hukum."})).await.expect(200);
        assert_eq!(rani.name_for(Member(Lead)).await, json!(NAME));
        let told: Came = office.only(office.deliver(&world).await);
        assert!(told.text.contains("ditolak") && told.text.contains("Ada kewajiban hukum."), "{}", told.text);
        let mine = world.get(rani.me().await, &format!("personal-data/requests/{}", asked.id())).expect(200).await;
        assert_eq!((&mine.body["state"], &mine.body["answer"]), (&json!("refused"), &json!("Ada kewajiban hukum.")));
        assert_eq!(answer(&world, &asked.id(), json!({"outcome": "refused", "answer": "Lagi."})).await.expect(409).problem(), "wrong-state");

        world.clock.advance(TimeDelta::hours(1));
        let body = json!({"kind": "restriction"});
        world.post(rani.me().await, "personal-data/requests").json(body.clone()).expect(201).await;
        let twice = world.post(rani.me().await, "personal-data/requests").json(body).expect(409).await;
        assert_eq!((twice.problem(), twice.pointers()), ("taken", vec!["/kind"]));
        world.post(rani.me().await, "personal-data/requests").json(json!({"kind": "lifting"})).expect(201).await;
        assert_eq!(rani.name_for(Member(Lead)).await, json!(NAME));
        world.verify();
    }
}

story! {
    async fn what_is_due_is_told_with_the_hours_that_are_left(world) {
        let lead = world.account(&Member(Lead)).to_string();
        for kind in ["withdrawal", "access"] {
            world.post(Member(Lead), "personal-data/requests").json(json!({"kind": kind})).expect(201).await;
        }
        let due = async || world.get(Member(Admin), "personal-data/due").expect(200).await;
        world.clock.advance(TimeDelta::minutes(30));
        let told = due().await;
        let first = &told.body["requests"][0];
        assert_eq!((&first["account_id"], &first["hours_left"], &first["overdue"]), (&json!(lead), &json!(71), &json!(false)));
        world.clock.advance(TimeDelta::hours(72));
        let told = due().await;
        let late: Vec<_> = told.body["requests"].as_array().unwrap().iter().map(|one| (&one["hours_left"], &one["overdue"])).collect();
        assert_eq!(late, [(&json!(-1), &json!(true)), (&json!(-1), &json!(true))]);
        assert_eq!(told.body["retention"], json!([]));

        let path = format!("accounts/{}", world.account(&Outsider));
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.prove(&Member(Admin));
        world.post(Member(Admin), &format!("{path}/lock")).if_match(&tag).json(json!({"reason": "Pindah."})).expect(200).await;
        world.clock.advance(TimeDelta::days(729));
        assert_eq!(due().await.body["retention"], json!([]));
        world.clock.advance(TimeDelta::days(1));
        let told = due().await;
        let over = told.body["retention"].as_array().unwrap();
        assert_eq!((over.len(), &over[0]["account_id"], &over[0]["because"]), (1, &json!(world.account(&Outsider)), &json!("locked")));
    }
}

story! {
    async fn nobody_asks_for_others_or_answers_themselves(world) {
        let other = world.account(&Member(Partner));
        let ask = |who: Who, body: Value| world.post(who, "personal-data/requests").json(body).send();
        for who in [Member(Lead), Outsider] {
            assert_eq!(ask(who, json!({"kind": "erasure", "account_id": other, "note": "Katanya."})).await.expect(403).problem(), "forbidden");
        }
        assert_eq!(ask(Member(Admin), json!({"kind": "erasure", "account_id": other})).await.expect(422).pointers(), ["/note"]);
        let none = json!({"kind": "erasure", "account_id": uuid::Uuid::now_v7(), "note": "Katanya."});
        assert_eq!(ask(Member(Admin), none).await.expect(422).pointers(), ["/account_id"]);

        let asked = ask(Member(Lead), json!({"kind": "access"})).await.expect(201);
        let place = format!("personal-data/requests/{}", asked.id());
        world.get(Member(Lead), &place).expect(200).await;
        world.get(Member(Secretariat), &place).expect(404).await;
        assert_eq!(world.get(Member(Secretariat), "personal-data/requests").expect(200).await.items().len(), 0);
        assert_eq!(world.get(Member(Admin), "personal-data/requests?state=received&kind=access").expect(200).await.items().len(), 1);
        let wrong = json!({"outcome": "done", "words": ["Budi"], "ledger_rows": [{"sequence": 1}]});
        assert_eq!(answer(&world, &asked.id(), wrong).await.expect(422).pointers(), ["/ledger_rows", "/words"]);

        // The only admin and the only lead stay.
        let own = ask(Member(Admin), json!({"kind": "erasure"})).await.expect(201).id();
        assert_eq!(answer(&world, &own, json!({"outcome": "done"})).await.expect(409).problem(), "last-holder");
        let lead = ask(Member(Lead), json!({"kind": "erasure"})).await.expect(201).id();
        assert_eq!(answer(&world, &lead, json!({"outcome": "done"})).await.expect(409).problem(), "last-holder");
        let nowhere = json!({"outcome": "done", "ledger_rows": [{"program": "nowhere", "sequence": 1}, {"sequence": 999_999}]});
        let partner = ask(Member(Partner), json!({"kind": "erasure"})).await.expect(201).id();
        assert_eq!(answer(&world, &partner, nowhere).await.expect(422).pointers(), ["/ledger_rows/0", "/ledger_rows/1"]);
        // Where there is another admin, that one answers.
        let path = format!("accounts/{}", world.account(&Outsider));
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.patch(Member(Admin), &path).if_match(&tag).patch(json!({"admin": true})).expect(200).await;
        assert_eq!(answer(&world, &own, json!({"outcome": "done"})).await.expect(409).problem(), "conflict");
        let path = format!("personal-data/requests/{own}/completion");
        world.post(Outsider, &path).json(json!({"outcome": "done"})).expect(200).await;
        world.get(Member(Admin), "me").expect(401).await;
        world.verify();
    }
}

story! {
    async fn it_is_known_who_was_shown_whom(world) {
        let [lead, admin, agency] = [Lead, Admin, Agency].map(|role| world.account(&Member(role)).to_string());
        assert_eq!(shown_to(&world, "").await, []);
        // One's own data is no matter; nor is a list of ids.
        world.get(Member(Lead), "me").expect(200).await;
        world.get(Member(Lead), "{p}/memberships").expect(200).await;
        assert_eq!(shown_to(&world, "").await, []);
        world.get(Member(Lead), &format!("{{p}}/memberships?account_id={agency}&expand=account")).expect(200).await;
        world.get(Member(Admin), "accounts?limit=3").expect(200).await;
        assert_eq!(shown_to(&world, &format!("&reader_id={lead}")).await, [("list_memberships".to_owned(), agency.clone())]);
        assert_eq!(shown_to(&world, &format!("&reader_id={admin}")).await.len(), 2, "the admin is one of the three");
        let by = shown_to(&world, &format!("&person_id={agency}")).await;
        assert_eq!(by.first(), Some(&("list_memberships".to_owned(), agency.clone())));

        // A change shows as well, in its own transaction; and a table part by part.
        let path = format!("accounts/{agency}");
        let tag = world.get(Member(Admin), &path).expect(200).await.etag();
        world.patch(Member(Admin), &path).if_match(&tag).patch(json!({"name": "Lain"})).expect(200).await;
        world.get(Member(Secretariat), "access/review").header("accept", "text/csv").expect(200).await;
        let by: BTreeMap<String, usize> = shown_to(&world, &format!("&person_id={agency}")).await.into_iter().fold(BTreeMap::new(), |mut by, (operation, _)| {
            *by.entry(operation).or_default() += 1;
            by
        });
        assert_eq!((by.get("edit_account"), by.get("review_access"), by.get("get_account")), (Some(&1), Some(&1), Some(&1)), "{by:?}");

        // A machine is known by its key.
        let client = json!({"role": "secretariat", "name": "Cermin", "purpose": "Menyalin.", "scopes": ["membership.read"], "expires_on": "2026-05-31"});
        let client = world.post(Member(Secretariat), "{p}/clients").json(client).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", client.id());
        let key = world.post(Member(Secretariat), &keys).if_match(&client.etag()).json(json!({})).expect(201).await;
        let bearer = Bearer(key.body["key"].as_str().unwrap().to_owned());
        world.get(bearer, &format!("{{p}}/memberships?account_id={agency}&expand=account")).expect(200).await;
        assert_eq!(shown_to(&world, &format!("&key_id={}", key.id())).await, [("list_memberships".to_owned(), agency.clone())]);
        let later = world.clock.now() + TimeDelta::seconds(1);
        let later = later.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        assert_eq!(shown_to(&world, &format!("&at.gte={later}")).await, []);

        // Page by page it is the same; and it is forgotten in its time.
        let all = shown_to(&world, "").await;
        let page = world.get(Member(Admin), "personal-data/reads?limit=2").expect(200).await;
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = world.get(Member(Admin), &format!("personal-data/reads?limit=2&cursor={cursor}")).expect(200).await;
        assert_eq!(next.items()[0]["person_id"], json!(all[2].1));
        let kept = world.service.settings.terms.reads_kept;
        tangguh::personal_data::sweep(&mut world.conn(), kept, world.clock.now() + kept + TimeDelta::seconds(1)).unwrap();
        let left: i64 = personal_data_reads::table.count().get_result(&mut world.conn()).unwrap();
        assert_eq!(left, 0);
    }
}

story! {
    async fn no_answer_is_given_of_which_it_cannot_be_kept_whom_it_shows(world) {
        diesel::connection::SimpleConnection::batch_execute(&mut world.conn(), "alter table personal_data_reads rename to away").unwrap();
        let refused = world.get(Member(Admin), "accounts").expect(500).await;
        assert!(!refused.text.contains("@"), "{}", refused.text);
        world.get(Member(Lead), "{p}/memberships").expect(200).await;
    }
}

story! {
    async fn which_notice_was_shown_is_noted_where_a_password_is_set(world) {
        let unknown: i64 = account_people::table.filter(account_people::notice_version.is_not_null()).count().get_result(&mut world.conn()).unwrap();
        assert_eq!(unknown, 0);
        let own = world.get(Member(Lead), "personal-data/me").expect(200).await;
        assert_eq!(own.body["notice"], json!({"current": "1", "shown": null, "shown_at": null}));
        let made = world.post(Member(Admin), "accounts").json(json!({"email": EMAIL, "name": NAME})).expect(201).await;
        let body = json!({"password_token": made.body["password_token"], "password": OWN});
        world.post(Nobody, "auth/password").json(body).expect(204).await;
        let noted: Vec<Option<String>> = account_people::table.filter(account_people::email.eq(EMAIL)).select(account_people::notice_version).load(&mut world.conn()).unwrap();
        assert_eq!(noted, [Some("1".to_owned())]);
        let kept: i64 = stored_replies::table.count().get_result(&mut world.conn()).unwrap();
        assert_eq!(kept, 0);
    }
}

/// Tables that say nothing of people, but by the id of an account or in somebody's own words, which an erasure blanks.
const WITHOUT: &[&str] = &[
    "account_revisions",
    "accounts",
    "attendance_revisions",
    "attendances",
    "ballot_revisions",
    "ballots",
    "client_keys",
    "client_revisions",
    "clients",
    "consultation_revisions",
    "consultations",
    "criteria",
    "criterion_revisions",
    "decision_revisions",
    "decisions",
    "document_revisions",
    "documents",
    "event_revisions",
    "events",
    "focus_area_revisions",
    "focus_areas",
    "follow_up_revisions",
    "follow_ups",
    "framework_nodes",
    "framework_qualities",
    "framework_revisions",
    "frameworks",
    "input_effects",
    "input_import_rows",
    "input_imports",
    "input_revisions",
    "input_subjects",
    "inputs",
    "invitation_revisions",
    "invitations",
    "ledger_checkpoints",
    "ledgers",
    "mapping_revisions",
    "mappings",
    "memberships",
    "participant_revisions",
    "participants",
    "password_tokens",
    "personal_data_requests",
    "phase_revisions",
    "phases",
    "position_revisions",
    "positions",
    "program_revisions",
    "programs",
    "publications",
    "question_codes",
    "question_revisions",
    "questions",
    "receipts",
    "revoked_tokens",
    "secret_votes",
    "service_keys",
    "shock_or_stress_revisions",
    "shocks_and_stresses",
    // Its subjects are hashes.
    "sign_in_failures",
    "stage_revisions",
    "stages",
    "stakeholder_revisions",
    "stakeholders",
    "statement_basis",
    "statement_revisions",
    "statements",
    "vote_revisions",
    "votes",
    "webhook_attempts",
    "webhook_cursors",
    "webhook_revisions",
    "webhook_secrets",
    "webhooks",
];

/// Texts that say nothing of people though they stand beside what does.
const PLAIN: &[(&str, &[&str])] = &[
    ("ledger_rows", &["action", "subject_kind", "request_id", "salt", "digest", "hash"]),
    ("mails", &["kind", "state", "language", "error"]),
    ("membership_revisions", &["state", "body"]),
    ("one_time_tokens", &["hash", "purpose"]),
    ("personal_data_reads", &["request_id", "person_kind"]),
    ("personal_data_request_revisions", &["state", "body"]),
    ("sign_ins", &["end_reason"]),
    ("stored_replies", &["key", "fingerprint", "headers"]),
];

#[test]
fn every_table_is_in_the_register_or_said_to_hold_nothing_of_people() {
    let registered: BTreeMap<&str, &[&str]> = REGISTER.iter().flat_map(|entry| entry.columns).copied().collect();
    let mut tables: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for part in include_str!("../../src/schema.rs").split("diesel::table! {").skip(1) {
        let lines = part.lines().map(str::trim).skip_while(|line| !line.ends_with(") {"));
        let lines: Vec<&str> = lines.collect();
        let table = lines[0].split(' ').next().unwrap();
        let columns = lines.iter().filter_map(|line| line.trim_end_matches(',').split_once(" -> "));
        tables.insert(table, columns.collect());
    }
    for (table, columns) in &tables {
        let Some(named) = registered.get(table) else {
            assert!(WITHOUT.contains(table), "{table}: what does it hold of people, and is it in the register?");
            continue;
        };
        assert!(!WITHOUT.contains(table), "{table} stands in both");
        for name in *named {
            assert!(columns.iter().any(|(known, _)| known == name), "{table} has no column {name}");
        }
        let plain = PLAIN.iter().find(|(known, _)| known == table).map_or(&[][..], |(_, plain)| *plain);
        for (name, kind) in columns.iter().filter(|(_, kind)| kind.contains("Text")) {
            assert!(
                named.contains(name) || plain.contains(name),
                "{table}.{name} ({kind}): does it say something of a person?"
            );
        }
    }
    let gone: Vec<_> = WITHOUT.iter().chain(registered.keys()).filter(|table| !tables.contains_key(**table)).collect();
    assert!(gone.is_empty(), "there are no such tables: {gone:?}");
}

#[test]
fn the_documentation_shows_the_register() {
    let page = include_str!("../../docs/personal-data.md");
    let table = register::table();
    assert!(page.contains(&table), "docs/personal-data.md shows another register:\n{table}");
}
