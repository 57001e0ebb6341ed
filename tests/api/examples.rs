//! The examples of the document are real: one story that uses every operation once, and what was sent and
//! answered in it.
//!
//! What differs from run to run (ids, tokens, keys, hashes) is masked. The answers are those of both databases.

mod events;
mod mails;
mod partners;
mod personal_data;
mod reading;
mod second_factor;
mod statements;

use std::collections::BTreeMap;

use actix_web::http::Method;
use chrono::TimeDelta;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use tangguh::policy::{Action, Role::*};

use crate::{harness::*, operations::*, post_office::PostOffice};

const KEPT: &str = "openapi/examples.json";

/// Whether an operation takes or answers JSON.
fn has_json(operation: &Operation) -> bool {
    // Of the document itself, the document cannot give an example.
    let answers = operation.told["responses"].as_object().unwrap().keys().filter(|status| status.starts_with('2'));
    let mut answers = answers.filter_map(|status| operation.answer(status.parse().ok()?));
    let takes = operation.body().or(operation.form()).is_some();
    operation.id != "get_openapi" && (takes || answers.next().is_some())
}

/// The story as it is told, and what was recorded of it.
struct Run<'w> {
    world: &'w World,
    mask: Mask,
    recorded: BTreeMap<String, Value>,
}

impl Run<'_> {
    /// Calls an operation, with the revision that stands, and keeps request and answer as its example.
    async fn example(&mut self, id: &str, who: Who, path: &[&str], query: &str, body: Value) -> Reply {
        let reply = self.call(id, who, path, query, body.clone()).await;
        let operation = Operation::named(id);
        let mut answer = reply.body.clone();
        if operation.id == "get_readyz" {
            answer["database"] = "sqlite".into();
        }
        if operation.id == "get_access_matrix" {
            // All of it would be as long as the list of operations.
            answer["items"].as_array_mut().unwrap().retain(|row| {
                let shown = ["get_meta", "get_me", "ask_question", "complete_phase"];
                shown.iter().any(|id| row["operation_id"] == *id)
            });
        }
        let attempts = answer.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten();
        if operation.id == "list_webhook_attempts" {
            attempts.for_each(|attempt| attempt["duration_ms"] = 42.into());
        }
        if operation.id == "test_webhook" {
            answer["duration_ms"] = 42.into();
        }
        let mut example = json!({"request": body, "response": {"status": reply.status.as_u16(), "body": answer}});
        self.mask.apply("", &mut example);
        assert!(self.recorded.insert(id.into(), example).is_none(), "{id} has two examples");
        reply
    }

    /// Calls an operation without keeping it.
    async fn call(&self, id: &str, who: Who, path: &[&str], query: &str, body: Value) -> Reply {
        let operation = Operation::named(id);
        self.world.clock.advance(TimeDelta::minutes(7));
        let fill = |pattern: &str| {
            let mut values = path.iter();
            let parts = pattern.split('/').map(|part| match part.starts_with('{') {
                true => values.next().unwrap_or_else(|| panic!("{id} has more parameters")),
                false => part,
            });
            format!("/{}", parts.collect::<Vec<_>>().join("/"))
        };
        if operation.action.is_some_and(Action::is_dangerous) {
            self.world.prove(&who);
        }
        let mut ask = self.world.ask(who.clone(), operation.method.clone(), &(fill(&operation.path) + query));
        if operation.is_pinned() {
            let seen = self.world.get(who, &fill(operation.resource())).expect(200).await;
            ask = ask.if_match(&seen.etag());
        }
        if let (Some((media, _)), Value::String(file)) = (operation.file(), &body) {
            ask = ask.header("content-type", media).bytes(file.clone().into_bytes());
        }
        ask = match (body.is_null() || operation.file().is_some(), operation.is_patch()) {
            (true, _) => ask,
            (false, true) => ask.patch(body),
            (false, false) => ask.json(body),
        };
        let reply = ask.send().await;
        assert!(reply.status.is_success(), "{id}: {} {}", reply.status, reply.text);
        is_documented(operation, &reply);
        reply
    }

    /// What a client sends and gets as forms and OAuth's answers.
    async fn token(&mut self, client: &str, key: &str) {
        let grant = json!({"grant_type": "client_credentials", "client_id": client, "client_secret": key,
            "scope": "input.send"});
        let token = self.form("get_client_token", grant).await.body["access_token"].clone();
        let back = json!({"token": token, "client_id": client, "client_secret": key});
        self.form("revoke_client_token", back).await;
    }

    async fn form(&mut self, id: &str, form: Value) -> Reply {
        let operation = Operation::named(id);
        let ask = self.world.ask(Nobody, operation.method.clone(), &format!("/{}", operation.path));
        let reply = ask.form(&form).expect(200).await;
        let mut example = json!({"request": form, "response": {"status": 200, "body": reply.body}});
        example["request"]["token"]
            .as_str()
            .is_some()
            .then(|| example["request"]["token"] = "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2ln".into());
        self.mask.apply("", &mut example);
        self.recorded.insert(id.into(), example);
        reply
    }

    async fn read(&mut self, id: &str, who: Who, path: &[&str], query: &str) -> Reply {
        assert_eq!(Operation::named(id).method, Method::GET);
        self.example(id, who, path, query, Value::Null).await
    }

    async fn act(&mut self, id: &str, who: Who, path: &[&str], body: Value) -> Reply {
        self.example(id, who, path, "", body).await
    }
}

/// Puts what is the same in every run in the place of what is not.
#[derive(Default)]
struct Mask {
    ids: Vec<String>,
}

impl Mask {
    fn apply(&mut self, name: &str, value: &mut Value) {
        match value {
            Value::Object(members) => members.iter_mut().for_each(|(name, member)| self.apply(name, member)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.apply(name, item)),
            Value::String(text) => *text = self.text(name, text),
            _ => {}
        }
    }

    fn text(&mut self, name: &str, text: &str) -> String {
        match name {
            "access_token" => "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl".into(),
            "refresh_token" => "bmV4dC5nZW5lcmF0aW9u.c2lnbmF0dXJl".into(),
            "password_token" => "tgh_pw_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_123456".into(),
            "key" | "client_secret" => "tgh_ck_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_123456".into(),
            "reset_token" => "tgh_pr_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_123456".into(),
            "email_token" => "tgh_ec_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_123456".into(),
            "invitation_token" => "tgh_in_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_123456".into(),
            "password" | "current_password" => "kuda-lumping-di-bawah-hujan".into(),
            "secret" if !text.starts_with("whsec_") => "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(),
            "uri" if text.starts_with("otpauth:") => {
                let (begins, _) = text.split_once("?secret=").unwrap_or((text, ""));
                let rest = "issuer=Tangguh&algorithm=SHA1&digits=6&period=30";
                format!("{begins}?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&{rest}")
            }
            "recovery_codes" => "gezd-gnbv-gy3t-qojq".into(),
            "code" if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) => "287082".into(),
            "secret" => "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into(),
            // Receivers of this machine have another port in each run, and attempts are spread by chance.
            "url" if text.starts_with("http://127.0.0.1:") => "https://hooks.example.org/tangguh".into(),
            "next_attempt_at" => "2026-01-20T02:00:05.250000Z".into(),
            "message_id" if text.contains("_test_") => {
                "msg_01920000000070008000000000000001_test_01920000000070008000000000000002".into()
            }
            "message_id" => {
                format!("msg_01920000000070008000000000000001_{}", text.rsplit('_').next().unwrap_or_default())
            }
            "next_cursor" => "WzEsIjAxOTIwMDAwIl0.c2lnbmF0dXJl".into(),
            // All but the row in a feed's cursor depends on ids, which are others in each run.
            "after" if is_feed_cursor(text) => {
                text.split('.').next().map(|row| format!("{row}.yYEq5oGbV1sN0aZk.9f86d081884c")).unwrap_or_default()
            }
            // An Ed25519 key has 32 bytes.
            "x" => "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into(),
            "kid" => "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into(),
            "jws" => "eyJhbGciOiJFZERTQSIsImI2NCI6ZmFsc2V9..c2lnbmF0dXJl".into(),
            "etag" => "\"1.Xk2v0PqWcRk1bB9E\"".into(),
            // The choice of a daily mail is called so too.
            "digest" | "hash" if !["never", "daily"].contains(&text) => {
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()
            }
            _ => self.without_ids(text),
        }
    }

    /// The text with each id in it numbered in the order in which they turned up.
    fn without_ids(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = rest.get(..36).filter(|part| is_id(part));
            let length = match found {
                Some(id) => {
                    let known = self.ids.iter().position(|known| known == id);
                    let number = known.unwrap_or_else(|| {
                        self.ids.push(id.to_owned());
                        self.ids.len() - 1
                    });
                    out.push_str(&format!("01920000-0000-7000-8000-{:012x}", number + 1));
                    36
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        out
    }
}

/// Differences have members of the same name.
fn is_feed_cursor(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.as_slice(), [row, view, _] if row.bytes().all(|byte| byte.is_ascii_digit()) && view.len() == 16)
}

fn is_id(text: &str) -> bool {
    text.char_indices().all(|(at, letter)| match at {
        8 | 13 | 18 | 23 => letter == '-',
        _ => letter.is_ascii_hexdigit(),
    })
}

fn both(id: &str, en: &str) -> Value {
    json!({"id": id, "en": en})
}

story! {
    async fn every_example_in_the_document_is_a_request_and_its_answer(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let mut run = Run { world: &world, mask: Mask::default(), recorded: BTreeMap::new() };
        platform(&mut run).await;
        let account = people(&mut run).await;
        let stakeholder = organisations(&mut run).await;
        mails::mails(&mut run, &office, &stakeholder).await;
        second_factor::second_factor(&mut run, "rani.wulandari@dinas.example", &account).await;
        personal_data::personal_data(&mut run).await;
        programs(&mut run).await;
        participants(&mut run, &stakeholder).await;
        let document = documents(&mut run).await;
        let shock = shocks(&mut run, &document).await;
        let areas = focus_areas(&mut run, &shock, &stakeholder, &document).await;
        phases(&mut run, &document).await;
        questions(&mut run, &areas).await;
        memberships(&mut run, &account, &stakeholder, &document).await;
        let present = events::organisations(&mut run).await;
        events::events(&mut run, &areas[0], &present).await;
        statements::statements(&mut run, &areas[0], &present[0]).await;
        partners::clients(&mut run).await;
        let consultation = partners::consultations(&mut run, &areas[0]).await;
        partners::inputs(&mut run, &areas[0], &consultation).await;
        partners::webhooks(&mut run).await;
        reorganisations(&mut run, &stakeholder).await;
        reading::frameworks(&mut run).await;
        reading::program(&mut run).await;
        reading::public(&mut run).await;
        world.verify();

        let mut examples = Map::new();
        for operation in OPERATIONS.iter() {
            examples.extend(run.recorded.remove_entry(&operation.id));
        }
        published(KEPT, &(serde_json::to_string_pretty(&examples).unwrap() + "\n"));
    }
}

async fn platform(run: &mut Run<'_>) {
    for id in ["get_readyz", "get_meta", "get_jwks", "get_record_keys", "get_authorization_server", "get_access_matrix"]
    {
        run.read(id, Nobody, &[], "").await;
    }
}

/// An account from its beginning, and a sign-in from its beginning to its end.
async fn people(run: &mut Run<'_>) -> String {
    let admin = Member(Admin);
    let new = json!({"email": "rani@dinas.example", "name": "Rani Wulandari", "language": "id"});
    let made = run.act("create_account", admin.clone(), &[], new).await;
    let account = made.body["account_id"].as_str().unwrap().to_owned();
    let one = [account.as_str()];
    let token = run.act("renew_password_token", admin.clone(), &one, Value::Null).await;
    let password = json!({"password_token": token.body["password_token"], "password": PASSWORD});
    run.act("set_password", Nobody, &[], password).await;
    let credentials = json!({"email": "rani@dinas.example", "password": PASSWORD});
    let tokens = run.act("log_in", Nobody, &[], credentials).await;
    let refresh = |tokens: &Reply| json!({"refresh_token": tokens.body["refresh_token"]});
    let next = run.act("refresh_sign_in", Nobody, &[], refresh(&tokens)).await;
    run.act("log_out", Nobody, &[], refresh(&next)).await;

    run.read("list_accounts", admin.clone(), &[], "?email=rani@dinas.example").await;
    run.act("edit_account", admin.clone(), &one, json!({"name": "Rani Wulandari Sari"})).await;
    let why = json!({"reason": "Ponsel dinas hilang."});
    run.act("lock_account", admin.clone(), &one, why).await;
    let why = json!({"reason": "Ponsel diganti, kata sandi baru dipasang."});
    run.act("unlock_account", admin.clone(), &one, why).await;
    run.read("get_account", admin.clone(), &one, "").await;
    run.read("get_account_history", admin.clone(), &one, "?limit=2").await;
    let again = json!({"email": "rani@dinas.example", "password": PASSWORD});
    run.call("log_in", Nobody, &[], "", again).await;
    run.read("list_account_sign_ins", admin.clone(), &one, "").await;
    run.act("end_account_sign_ins", admin.clone(), &one, Value::Null).await;
    let table = "email,name,language,program,role,organisation\r\n\
        sri@dinas.example,Sri Rejeki,id,jakarta,agency,dinas\r\n\
        rani@dinas.example,Rani Wulandari,id,,,\r\n";
    run.act("import_accounts", admin, &[], json!(table)).await;

    let member = Member(Facilitator);
    run.read("get_me", member.clone(), &[], "").await;
    run.act("edit_me", member.clone(), &[], json!({"name": "Bayu Pratama", "language": "id"})).await;
    run.read("list_my_memberships", member.clone(), &[], "").await;
    run.read("get_my_limits", member.clone(), &[], "").await;
    run.read("explain_access", member, &[], "?action=question.validate&on=jakarta").await;
    account
}

async fn organisations(run: &mut Run<'_>) -> String {
    let lead = Member(Lead);
    let new = json!({
        "names": [{"name": both("Dinas Sumber Daya Air", "Water Resources Agency"), "from_on": "2015-01-01"}],
        "abbreviation": "DSDA",
        "kind": "provincial_government",
        "kind_as_reported": "Dinas",
        "codes": [{"system": "contoh", "code": "1.03"}],
        "sources": [{"fact": "/names", "url": "https://example.org/dinas", "standing": "reported"}],
    });
    let made = run.act("create_stakeholder", lead.clone(), &[], new).await;
    let id = made.id();
    let one = [id.as_str()];
    run.act(
        "edit_stakeholder",
        lead.clone(),
        &one,
        json!({"external_references": [
        {"system": "portal-data", "reference": "dsda"}]}),
    )
    .await;
    run.read("list_stakeholders", lead.clone(), &[], "?q=sumber").await;
    run.read("get_stakeholder", lead.clone(), &one, "").await;
    run.read("get_stakeholder_history", lead, &one, "?limit=1").await;
    let table = "name.id;name.en;kind;codes;parent\r\n\
        Dinas Sumber Daya Air;Water Resources Agency;provincial_government;contoh:1.03;\r\n\
        Suku Dinas Tata Air;Drainage Office;municipal_government;contoh:1.03.1;contoh:1.03\r\n";
    run.act("import_stakeholders", Member(Admin), &[], json!(table)).await;
    id
}

/// Years later: two agencies become one, and a foundation becomes two.
async fn reorganisations(run: &mut Run<'_>, into: &str) {
    let (lead, admin) = (Member(Lead), Member(Admin));
    let names = [
        both("Dinas Tata Air", "Drainage Agency"),
        both("Yayasan Kota", "City Foundation"),
        both("Yayasan Sungai", "River Foundation"),
        both("Yayasan Pantai", "Coast Foundation"),
    ];
    let mut ids = Vec::new();
    for name in names {
        let new = json!({"names": [{"name": name}], "kind": "other"});
        ids.push(run.call("create_stakeholder", lead.clone(), &[], "", new).await.id());
    }
    let part = json!({"stakeholder_id": ids[0], "capacity": "member"});
    run.call("add_participant", lead.clone(), &["jakarta"], "", part).await;
    let merge = json!({"into_id": into, "reason": "Peraturan Daerah 5/2026: kedua dinas menjadi satu."});
    run.act("merge_stakeholder", admin.clone(), &[&ids[0]], merge).await;
    let new = json!({"account_email": "outsider@example.org", "stakeholder_id": ids[1], "role": "observer",
        "from_on": "2026-01-15"});
    let held = run.call("grant_membership", lead, &["jakarta"], "", new).await.id();
    let split = json!({
        "into": [{"stakeholder_id": ids[2], "membership_ids": [held]}, {"stakeholder_id": ids[3]}],
        "reason": "Akta pemisahan yayasan.",
    });
    run.act("split_stakeholder", admin, &[&ids[1]], split).await;
}

async fn programs(run: &mut Run<'_>) {
    let (lead, admin) = (Member(Lead), Member(Admin));
    let new = json!({
        "slug": "kota-contoh",
        "source_language": "id",
        "name": both("Kota Contoh Tangguh", "Resilient Example City"),
        "time_zone": "Asia/Makassar",
        "area_codes": [{"system": "kemendagri", "edition": "permendagri-137-2017", "code": "73"}],
    });
    run.act("create_program", admin.clone(), &[], new).await;
    let step = json!({"to": "archived", "reason": "Programnya dilanjutkan di bawah nama lain."});
    run.act("archive_program", admin, &["kota-contoh"], step).await;
    let content = json!({
        "name": both("Jakarta Berketahanan", "Resilient Jakarta"),
        "summary": both("Program ketahanan kota.", "A programme for the city's resilience."),
        "network_memberships": [{"network": "100 Resilient Cities", "from_on": "2016-05-25"}],
    });
    run.act("edit_program", lead.clone(), &["jakarta"], content).await;
    run.read("list_programs", lead.clone(), &[], "").await;
    run.read("get_program", lead.clone(), &["jakarta"], "").await;
    run.read("get_program_history", lead, &["jakarta"], "?limit=1").await;
}

async fn participants(run: &mut Run<'_>, stakeholder: &str) {
    let lead = Member(Lead);
    let new = json!({"stakeholder_id": stakeholder, "capacity": "member", "from_on": "2026-01-15"});
    run.act("add_participant", lead.clone(), &["jakarta"], new).await;
    let one = ["jakarta", stakeholder];
    let content = json!({"capacity": "chair", "note": "Memimpin sidang pertama."});
    run.act("edit_participant", lead.clone(), &one, content).await;
    run.read("get_participant", lead.clone(), &one, "").await;
    run.read("list_participants", lead.clone(), &["jakarta"], "?capacity=chair").await;
    run.read("get_participant_history", lead.clone(), &one, "?limit=1").await;

    // Somebody comes who is on no list: entered in the room, confirmed later, and gone again.
    let guest = json!({
        "new_stakeholder": {"names": [{"name": both("Warga Kali Contoh", "Kali Contoh residents")}],
            "kind": "community_group"},
        "capacity": "invited",
    });
    let guest = run.call("add_participant", Member(Facilitator), &["jakarta"], "", guest).await;
    let guest = guest.body["stakeholder_id"].as_str().unwrap();
    run.act("confirm_stakeholder", lead.clone(), &[guest], json!({"reason": "Dikenal oleh kelurahan."})).await;
    run.call("remove_participant", lead, &["jakarta", guest], "", Value::Null).await;
}

async fn documents(run: &mut Run<'_>) -> String {
    let lead = Member(Lead);
    let new = json!({
        "title": both("Bahan paparan sesi pertama", "Slides of the first session"),
        "kind": "slides",
        "url": "https://example.org/paparan.pdf",
        "language": "id",
        "issued_on": "2018-08-23",
        "publisher": "Sekretariat Jakarta Berketahanan",
        "visibility": "members",
    });
    let made = run.act("add_document", lead.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let content = json!({"version": "2", "visibility": "public"});
    run.act("edit_document", lead.clone(), &one, content).await;
    run.read("list_documents", lead.clone(), &["jakarta"], "?kind=slides").await;
    run.read("get_document", lead.clone(), &one, "").await;
    run.read("get_document_history", lead, &one, "?limit=1").await;
    id
}

async fn shocks(run: &mut Run<'_>, document: &str) -> String {
    let lead = Member(Lead);
    let new = json!({
        "kind": "shock",
        "name": both("Banjir", "Flooding"),
        "rank": 1,
        "ranked_by": "Contoh kami",
        "sources": [{"fact": "/name", "document_id": document, "standing": "reported"}],
    });
    let made = run.act("name_shock_or_stress", lead.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let content = json!({"description": both("Luapan sungai dan rob.", "Overflowing rivers and tidal floods.")});
    run.act("edit_shock_or_stress", lead.clone(), &one, content).await;
    run.read("list_shocks_and_stresses", lead.clone(), &["jakarta"], "?kind=shock").await;
    run.read("get_shock_or_stress", lead.clone(), &one, "").await;
    run.read("get_shock_or_stress_history", lead, &one, "?limit=1").await;
    id
}

/// The ids of a focus area and of another one, into which questions can be moved.
async fn focus_areas(run: &mut Run<'_>, shock: &str, stakeholder: &str, document: &str) -> [String; 2] {
    let lead = Member(Lead);
    let new = json!({
        "names": [{"name": both("Pengelolaan air", "Water management"), "from_on": "2018-08-23"}],
        "problem": both("Air datang terlalu banyak atau terlalu sedikit.", "There is too much water or too little."),
        "emphases": [
            {"code": "1.a", "text": both("Akses air bersih", "Access to clean water")},
            {"code": "1.b", "text": both("Pengendalian banjir", "Flood control")},
        ],
        "shock_or_stress_ids": [shock],
        "sources": [{"fact": "/problem", "document_id": document, "standing": "ours"}],
    });
    let made = run.act("name_focus_area", lead.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let content = json!({"lead_stakeholder_id": stakeholder, "aliases": [both("Air", "Water")]});
    run.act("edit_focus_area", lead.clone(), &one, content).await;
    run.read("list_focus_areas", lead.clone(), &["jakarta"], "?state=active").await;
    run.read("get_focus_area", lead.clone(), &one, "").await;
    run.read("get_focus_area_history", lead.clone(), &one, "?limit=1").await;

    let mut others = Vec::new();
    for name in [both("Mobilitas", "Mobility"), both("Transportasi", "Transport")] {
        let new = json!({"names": [{"name": name}]});
        others.push(run.call("name_focus_area", lead.clone(), &["jakarta"], "", new).await.id());
    }
    let why = json!({"reason": "Tercakup oleh Mobilitas."});
    run.act("retire_focus_area", lead, &["jakarta", &others[1]], why).await;
    [id, others.swap_remove(0)]
}

async fn phases(run: &mut Run<'_>, document: &str) {
    let lead = Member(Lead);
    let new = json!({
        "number": 1,
        "name": both("Penilaian awal", "Preliminary assessment"),
        "aim": both("Mengenali guncangan dan tekanan.", "To know the shocks and stresses."),
        "planned_from_on": "2026-01-15",
        "planned_until_on": "2026-06-30",
    });
    let made = run.act("plan_phase", lead.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let content = json!({"deliverables": [{"name": both("Laporan awal", "Preliminary report"), "state": "issued",
        "issued_on": "2026-07-20", "document_id": document}]});
    run.act("edit_phase", lead.clone(), &one, content).await;
    run.read("list_phases", lead.clone(), &["jakarta"], "").await;
    let why = json!({"on": "2026-01-15", "reason": "Sidang pembukaan sudah berlangsung."});
    run.act("activate_phase", lead.clone(), &one, why).await;
    let why = json!({"on": "2026-01-15", "reason": "Laporan awal diterima."});
    run.act("complete_phase", lead.clone(), &one, why).await;
    run.read("get_phase", lead.clone(), &one, "").await;
    run.read("get_phase_history", lead, &one, "?limit=1").await;
}

async fn questions(run: &mut Run<'_>, [area, other]: &[String; 2]) {
    let (lead, facilitator) = (Member(Lead), Member(Facilitator));
    let new = json!({
        "focus_area_id": area,
        "text": both("Siapa yang pertama terendam?", "Who floods first?"),
        "emphases": ["1.b"],
        "sources": [{"note": "Contoh kami, bukan pertanyaan dari sesi.", "standing": "ours"}],
    });
    let made = run.act("ask_question", facilitator.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let revision = json!({
        "text": both("Kelurahan mana yang pertama terendam?", "Which sub-districts flood first?"),
        "reason_kind": "wording",
        "reason": "Yang dapat dihitung adalah kelurahan.",
    });
    run.act("revise_question", facilitator.clone(), &one, revision).await;
    let step = json!({"to": "proposed", "reason": "Siap dibahas."});
    run.act("review_question", facilitator.clone(), &one, step).await;
    let step = json!({"to": "in_review", "reason": "Dibahas di sidang kedua."});
    run.call("review_question", facilitator.clone(), &one, "", step).await;
    run.act("validate_question", lead.clone(), &one, json!({"reason": "Disepakati oleh sidang."})).await;

    run.read("list_questions", lead.clone(), &["jakarta"], "?state=validated&include_total=true").await;
    run.read("get_question", lead.clone(), &one, "").await;
    run.read("get_question_history", lead.clone(), &one, "?limit=1").await;
    run.read("list_question_revisions", lead.clone(), &one, "?limit=1").await;
    let second = ["jakarta", id.as_str(), "2"];
    run.read("get_question_revision", lead.clone(), &second, "").await;
    run.read("diff_question_revisions", lead.clone(), &second, "").await;

    let mut others = Vec::new();
    let texts = [
        both("Di mana warga mengambil air saat kemarau?", "Where do residents get water in the dry season?"),
        both("Bagaimana warga bepergian saat banjir?", "How do residents travel during floods?"),
        both("Berapa pompa yang bekerja, dan siapa merawatnya?", "How many pumps work, and who looks after them?"),
        both("Kelurahan mana yang lebih dahulu terendam?", "Which sub-districts are flooded earlier?"),
    ];
    for text in texts {
        let new = json!({"focus_area_id": area, "text": text});
        others.push(run.call("ask_question", facilitator.clone(), &["jakarta"], "", new).await.id());
    }
    let reason = json!({"reason": "Sudah dijawab oleh laporan tahun lalu."});
    run.act("retire_question", facilitator.clone(), &["jakarta", &others[0]], reason).await;
    let to = json!({"focus_area_id": other, "reason": "Tentang perjalanan, bukan tentang air."});
    run.act("move_question", facilitator.clone(), &["jakarta", &others[1]], to).await;
    let parts = json!({
        "into": [
            {"text": both("Berapa pompa yang bekerja?", "How many pumps work?"), "emphases": ["1.b"]},
            {"text": both("Siapa yang merawat pompa?", "Who looks after the pumps?"), "emphases": ["1.b"]},
        ],
        "reason": "Dua pertanyaan dalam satu kalimat.",
    });
    run.act("split_question", facilitator.clone(), &["jakarta", &others[2]], parts).await;
    let into = json!({"into_id": id, "reason": "Menanyakan hal yang sama."});
    run.act("merge_question", facilitator, &["jakarta", &others[3]], into).await;
}

async fn memberships(run: &mut Run<'_>, account: &str, stakeholder: &str, document: &str) {
    let lead = Member(Lead);
    let new = json!({"account_id": account, "stakeholder_id": stakeholder, "role": "agency", "from_on": "2026-01-15"});
    let made = run.act("grant_membership", lead.clone(), &["jakarta"], new).await;
    let id = made.id();
    let one = ["jakarta", id.as_str()];
    let content = json!({"acting": true, "document_id": document, "note": "Selama cuti kepala bidang."});
    run.act("edit_membership", lead.clone(), &one, content).await;
    run.read("list_memberships", lead.clone(), &["jakarta"], &format!("?account_id={account}")).await;
    run.read("get_membership", lead.clone(), &one, "").await;
    run.act("confirm_membership", lead.clone(), &one, json!({"reason": "Masih bertugas di bidang ini."})).await;
    run.read("review_access", lead.clone(), &[], &format!("?account_id={account}")).await;
    run.read("get_account_access", lead.clone(), &[account], "").await;
    let end = json!({"on": "2026-06-30", "reason": "Pindah tugas."});
    run.act("end_membership", lead.clone(), &one, end).await;
    run.read("get_membership_history", lead, &one, "?limit=1").await;
}

fn kept() -> Map<String, Value> {
    serde_json::from_str(&std::fs::read_to_string(KEPT).unwrap()).unwrap()
}

#[test]
fn every_operation_with_json_has_an_example_and_no_other_has() {
    let kept = kept();
    let kept: Vec<&str> = kept.keys().map(String::as_str).collect();
    let wanted = OPERATIONS.iter().filter(|operation| has_json(operation)).map(|operation| operation.id.as_str());
    assert_eq!(kept, wanted.collect::<Vec<_>>());
}

/// A schema of the document, with the components that it may refer to.
fn validator(schema: &Value) -> Validator {
    let schema = json!({"allOf": [schema], "components": {"schemas": DOCUMENT["components"]["schemas"]}});
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[test]
fn every_example_is_as_the_document_says() {
    let mut faults = Vec::new();
    for (id, example) in kept() {
        let operation = Operation::named(&id);
        let status = example["response"]["status"].as_u64().unwrap() as u16;
        let sides = [
            (
                "request",
                operation.body().or(operation.form()).or(operation.file().map(|(_, schema)| schema)),
                &example["request"],
            ),
            ("response", operation.answer(status), &example["response"]["body"]),
        ];
        for (side, schema, value) in sides {
            let Some(schema) = schema else {
                assert!(value.is_null(), "the document has no {side} of {id}");
                continue;
            };
            let wrong = validator(schema);
            faults
                .extend(wrong.iter_errors(value).map(|error| format!("{id} {side}{}: {error}", error.instance_path())));
            faults.extend(unknown(schema, value, "").into_iter().map(|at| format!("{id} {side}{at}: not documented")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Members that no alternative of the schema knows: what the service says and the document does not.
fn unknown(schema: &'static Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolved(schema);
    let choices = ["oneOf", "anyOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    let alternatives: Vec<_> = choices.map(|choice| unknown(choice, value, at)).collect();
    if let Some(best) = alternatives.into_iter().min_by_key(Vec::len) {
        return best;
    }
    match value {
        Value::Array(items) if schema["items"].is_object() => {
            let items = items.iter().enumerate();
            items.flat_map(|(number, item)| unknown(&schema["items"], item, &format!("{at}/{number}"))).collect()
        }
        Value::Object(members) if schema["properties"].is_object() => {
            let each = members.iter().map(|(name, member)| {
                let pointer = format!("{at}/{name}");
                match (schema["properties"].get(name), schema["additionalProperties"].as_bool()) {
                    (Some(property), _) => unknown(property, member, &pointer),
                    (None, Some(true)) => Vec::new(),
                    (None, _) => vec![pointer],
                }
            });
            each.flatten().collect()
        }
        _ => Vec::new(),
    }
}
