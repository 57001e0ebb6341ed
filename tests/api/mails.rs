//! Mail: what waits, what goes out, what comes of a server that is down.

use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tangguh::{
    mail::{Carrier, Relay, Way, mailbox},
    policy::Role::*,
    schema::mails,
};

use crate::{
    harness::*,
    post_office::{Came, PostOffice, carry, read, untrusted},
    sign_ins::with_password,
};

/// Somebody forgot the password.
async fn forgot(world: &World, email: &str) {
    world.post(Nobody, "auth/password-reset-requests").json(json!({"email": email})).expect(202).await;
}

pub async fn listed(world: &World, query: &str) -> Vec<Value> {
    world.get(Member(Admin), &format!("mails{query}")).expect(200).await.items().to_vec()
}

story! {
    async fn a_mail_waits_and_is_sent_and_its_address_is_forgotten(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        forgot(&world, "Lead@Jakarta.example").await;
        let [waiting] = &listed(&world, "").await[..] else { panic!() };
        assert_eq!((&waiting["kind"], &waiting["state"], &waiting["recipient"]), (&json!("password_reset"), &json!("waiting"), &json!("Lead@Jakarta.example")));
        assert_eq!((&waiting["attempts"], &waiting["next_attempt_at"]), (&json!(0), &waiting["made_at"]));

        let mail = office.only(office.deliver(&world).await);
        assert_eq!((mail.to, mail.from.as_str()), (vec!["Lead@Jakarta.example".to_owned()], "tangguh@localhost"));
        let sent = &listed(&world, "?state=sent&kind=password_reset").await[0];
        assert_eq!((&sent["recipient"], &sent["attempts"], &sent["error"], &sent["ended_at"].is_null()), (&json!(null), &json!(1), &json!(null), &false));
        assert!(listed(&world, "?state=waiting").await.is_empty());
        assert!(office.deliver(&world).await.is_empty());
        let addresses: Vec<Option<String>> = mails::table.select(mails::recipient).load(&mut world.conn()).unwrap();
        assert_eq!(addresses, [None]);
        // Who is no admin sees none of it.
        for who in [Member(Lead), Member(Secretariat), Neighbour(Lead), Outsider] {
            world.get(who, "mails").expect(403).await;
        }
    }
}

story! {
    async fn a_mail_speaks_the_language_of_its_reader_and_asks_for_no_answer(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        let english = office.only(office.deliver(&world).await);
        assert_eq!(english.header("subject"), Some("A new password for Tangguh"));
        assert_eq!(english.header("auto-submitted"), Some("auto-generated"));
        assert_eq!(english.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(english.text.contains("http://tangguh.test/api/v1/auth/password-resets"), "{}", english.text);
        let me = world.get(Member(Lead), "me").expect(200).await;
        world.patch(Member(Lead), "me").if_match(&me.etag()).patch(json!({"language": "id"})).expect(200).await;
        forgot(&world, "lead@jakarta.example").await;
        let indonesian = office.only(office.deliver(&world).await);
        assert_eq!(indonesian.header("subject"), Some("Kata sandi baru untuk Tangguh"));
        assert!(indonesian.text.contains("abaikan surel ini"), "{}", indonesian.text);
    }
}

story! {
    async fn a_mail_leads_to_the_application_where_there_is_one(world) {
        let office = PostOffice::open().await;
        let way = office.way();
        let world = World::with(world.kind, |settings| {
            settings.mail.way = way;
            settings.mail.app_url = Some("https://app.tangguh.example".into());
        })
        .unwrap();
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        let mail = office.only(office.deliver(&world).await);
        let link = format!("https://app.tangguh.example/password-reset#token={}", mail.token());
        assert!(mail.text.contains(&link), "{}", mail.text);
    }
}

story! {
    async fn a_server_that_is_down_gets_the_mail_later(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        office.answers(["451 later", "451 later"]);
        for (attempt, minutes) in [(1, 1), (2, 5)] {
            assert!(office.deliver(&world).await.is_empty());
            let waiting = &listed(&world, "?state=waiting").await[0];
            assert_eq!((&waiting["attempts"], &waiting["error"], &waiting["smtp_status"]), (&json!(attempt), &json!("refused"), &json!(451)));
            assert_eq!(waiting["recipient"], "lead@jakarta.example");
            // Not before its time.
            world.clock.advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
            assert!(office.deliver(&world).await.is_empty());
            world.clock.advance(TimeDelta::seconds(1));
        }
        let mail = office.only(office.deliver(&world).await);
        // The token is made at sending: however long that took, it is good.
        let reset = json!({"reset_token": mail.token(), "password": "kuda lumping di bawah hujan"});
        world.post(Nobody, "auth/password-resets").json(reset).expect(204).await;
        world.verify();
    }
}

story! {
    async fn a_server_that_is_gone_is_tried_for_three_days(world) {
        // A port that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let from = mailbox("tangguh@tangguh.test").unwrap();
        let way = Way::Smtp(Relay::new(&format!("smtp://127.0.0.1:{port}"), None, &from).unwrap());
        let world = World::with(world.kind, |settings| settings.mail.way = way).unwrap();
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        let mut attempts = 0;
        while listed(&world, "?state=waiting").await.len() == 1 {
            carry(&world).await;
            world.clock.advance(TimeDelta::hours(6));
            attempts += 1;
            assert!(attempts < 20, "it is never given up");
        }
        let [given_up] = &listed(&world, "").await[..] else { panic!() };
        assert_eq!((&given_up["state"], &given_up["error"], &given_up["recipient"]), (&json!("given_up"), &json!("no_answer"), &json!(null)));
        assert!(attempts >= 12, "{attempts}");
    }
}

story! {
    async fn an_address_that_the_server_does_not_know_is_given_up_at_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        office.answers(["550 no such user <lead@jakarta.example>"]);
        forgot(&world, "lead@jakarta.example").await;
        assert!(office.deliver(&world).await.is_empty());
        let told = world.get(Member(Admin), "mails").expect(200).await;
        assert_eq!((&told.items()[0]["state"], &told.items()[0]["smtp_status"]), (&json!("given_up"), &json!(550)));
        // What the server said may name the address.
        assert!(!told.text.contains("lead@jakarta.example"), "{}", told.text);
    }
}

story! {
    async fn two_processes_send_a_mail_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        for who in [Lead, Secretariat, Facilitator, Agency] {
            with_password(&world, &Member(who));
            forgot(&world, &world.email(&Member(who))).await;
        }
        let carriers = [Carrier::new(&world.service), Carrier::new(&world.service)];
        let work = carriers.iter().map(async |carrier| while carrier.run_once().await.unwrap() {});
        join_all(work).await;
        let mut to: Vec<String> = office.deliver(&world).await.into_iter().flat_map(|mail| mail.to).collect();
        to.sort();
        assert_eq!(to, ["agency@jakarta.example", "facilitator@jakarta.example", "lead@jakarta.example", "secretariat@jakarta.example"]);
    }
}

story! {
    async fn without_a_mail_server_mails_are_files_that_their_owner_reads(world) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mails = folder.path().join("mails");
        let way = Way::Folder(mails.clone());
        let world = World::with(world.kind, |settings| settings.mail.way = way).unwrap();
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        carry(&world).await;
        let files: Vec<_> = std::fs::read_dir(&mails).unwrap().map(|file| file.unwrap().path()).collect();
        let [file] = &files[..] else { panic!("{files:?}") };
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&mails), mode(file)), (0o700, 0o600));
        let text = std::fs::read_to_string(file).unwrap().replace("\r\n", "\n");
        let empty = Came { from: String::new(), to: Vec::new(), headers: Vec::new(), text: String::new() };
        let mail = read(empty, &text);
        assert_eq!(mail.header("to"), Some("lead@jakarta.example"));
        let reset = json!({"reset_token": mail.token(), "password": "kuda lumping di bawah hujan"});
        world.post(Nobody, "auth/password-resets").json(reset).expect(204).await;
        // A folder that cannot be made is tried again.
        std::fs::remove_dir_all(&mails).unwrap();
        std::fs::write(&mails, "a file").unwrap();
        carry(&world).await;
        assert_eq!(listed(&world, "?state=waiting").await[0]["error"], "no_folder");
    }
}

story! {
    async fn a_server_whose_certificate_nobody_known_signed_gets_no_mail_and_that_is_told(world) {
        let port = untrusted().await;
        let from = mailbox("tangguh@tangguh.test").unwrap();
        let way = Way::Smtp(Relay::new(&format!("smtps://127.0.0.1:{port}"), None, &from).unwrap());
        let world = World::with(world.kind, |settings| settings.mail.way = way).unwrap();
        with_password(&world, &Member(Lead));
        forgot(&world, "lead@jakarta.example").await;
        carry(&world).await;
        let waiting = &listed(&world, "?state=waiting").await[0];
        assert_eq!((&waiting["attempts"], &waiting["error"]), (&json!(1), &json!("no_trust")));
    }
}
