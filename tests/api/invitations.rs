//! Invitations: sent within one's own rights, accepted once.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::{invitations, policy::Role::*};

use crate::{harness::*, post_office::PostOffice, sign_ins::log_in};

const OWN: &str = "kuda lumping di bawah hujan";

/// An invitation into `jakarta`.
pub fn into(world: &World, email: &str, role: &str) -> Value {
    json!({"email": email, "language": "id", "membership": {"program": "jakarta", "role": role,
        "stakeholder_id": world.seed.stakeholders["dinas"]}})
}

pub fn accept<'w>(world: &'w World, token: &str) -> Ask<'w> {
    let body = json!({"invitation_token": token, "name": "Rani Wulandari", "password": OWN});
    world.post(Nobody, "auth/invitations").json(body)
}

async fn revoke(world: &World, who: Who, id: &str) -> Reply {
    world.post(who, &format!("invitations/{id}/revocation")).json(json!({"reason": "Salah alamat."})).send().await
}

story! {
    async fn whoever_accepts_is_a_member_at_once(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let sent = world.post(Member(Secretariat), "invitations").key("satu").json(into(&world, "Rani@Dinas.example", "agency")).expect(201).await;
        assert_eq!((&sent.body["state"], &sent.body["email"], &sent.body["expires_at"]), (&json!("open"), &json!("Rani@Dinas.example"), &json!("2026-01-29T02:00:00.000000Z")));
        assert_eq!(sent.body["allowed_actions"], json!(["invitation.read", "invitation.revoke"]));
        // Sent again with its key, it is the same one.
        let again = world.post(Member(Secretariat), "invitations").key("satu").json(into(&world, "Rani@Dinas.example", "agency")).expect(201).await;
        assert_eq!(again.id(), sent.id());
        let mail = office.only(office.deliver(&world).await);
        assert_eq!((mail.header("subject"), &mail.to[..]), (Some("Undangan ke Tangguh"), &["Rani@Dinas.example".to_owned()][..]));
        assert!(mail.text.contains("program jakarta") && mail.text.contains("2026-01-29 02:00 UTC"), "{}", mail.text);

        let accepted = accept(&world, &mail.token()).expect(200).await;
        assert_eq!((&accepted.body["email"], &accepted.body["program"], &accepted.body["role"]), (&json!("Rani@Dinas.example"), &json!("jakarta"), &json!("agency")));
        let tokens = log_in(&world, "rani@dinas.example", OWN).expect(200).await;
        let rani = Bearer(tokens.body["access_token"].as_str().unwrap().into());
        let me = world.get(rani.clone(), "me").expect(200).await;
        assert_eq!((&me.body["name"], &me.body["language"], &me.body["state"], &me.body["admin"]), (&json!("Rani Wulandari"), &json!("id"), &json!("active"), &json!(false)));
        let held = world.get(rani.clone(), "me/memberships").expect(200).await;
        assert_eq!((&held.items()[0]["role"], &held.items()[0]["from_on"], &held.items()[0]["holds_today"]), (&json!("agency"), &json!("2026-01-15"), &json!(true)));
        world.get(rani, "{p}/questions").expect(200).await;

        // Used twice.
        let twice = accept(&world, &mail.token()).expect(409).await;
        assert_eq!(twice.problem(), "wrong-state");
        assert!(twice.body["detail"].as_str().unwrap().contains("accepted"), "{}", twice.text);
        let read = world.get(Member(Lead), &format!("invitations/{}", sent.id())).expect(200).await;
        assert_eq!((&read.body["state"], &read.body["account_id"], &read.body["email"]), (&json!("accepted"), &me.body["id"], &json!(null)));
        assert_eq!(revoke(&world, Member(Lead), &sent.id()).await.expect(409).problem(), "wrong-state");
        assert_eq!(world.ledger().last().map(|(action, _)| action.as_str()), Some("invitation.accept"));
        let rows = world.get(Member(Admin), "ledger?limit=200").expect(200).await.text.to_lowercase();
        assert!(!rows.contains("rani") && !rows.contains("tgh_"));
        world.verify();
    }
}

story! {
    async fn nobody_invites_to_more_than_they_have(world) {
        let send = |who: Who, body: Value| world.post(who, "invitations").json(body).send();
        let beyond = send(Member(Secretariat), into(&world, "a@example.org", "lead")).await.expect(403);
        assert_eq!(beyond.problem(), "cannot-grant");
        send(Member(Lead), into(&world, "a@example.org", "lead")).await.expect(201);
        send(Member(Secretariat), into(&world, "b@example.org", "secretariat")).await.expect(201);
        // Without a membership only admins invite; and they invite everywhere.
        assert_eq!(send(Member(Lead), json!({"email": "c@example.org"})).await.expect(422).pointers(), ["/membership"]);
        send(Member(Admin), json!({"email": "c@example.org"})).await.expect(201);
        send(Member(Admin), into(&world, "d@example.org", "lead")).await.expect(201);
        for who in [Member(Facilitator), Member(Agency), Member(Partner), Member(Observer), Outsider] {
            assert_eq!(send(who, into(&world, "e@example.org", "observer")).await.expect(403).problem(), "forbidden");
        }
        // What is not to be said by whoever asks.
        for member in ["admin", "state", "account_id", "expires_at"] {
            let mut body = into(&world, "e@example.org", "observer");
            body[member] = json!(true);
            assert_eq!(send(Member(Admin), body).await.expect(422).pointers(), [format!("/{member}")]);
        }
        let mut body = into(&world, "e@example.org", "observer");
        body["membership"]["stakeholder_id"] = json!(uuid::Uuid::now_v7());
        assert_eq!(send(Member(Lead), body.clone()).await.expect(422).pointers(), ["/membership/stakeholder_id"]);
        body = into(&world, "e@example.org", "observer");
        body["membership"]["until_on"] = json!("2026-01-14");
        assert_eq!(send(Member(Lead), body).await.expect(422).pointers(), ["/membership/until_on"]);
    }
}

story! {
    async fn a_neighbour_neither_invites_to_a_programme_nor_sees_its_invitations(world) {
        let foreign = world.post(Neighbour(Lead), "invitations").json(into(&world, "a@example.org", "observer")).expect(422).await;
        assert_eq!((foreign.pointers(), foreign.body["errors"][0]["code"].as_str()), (vec!["/membership/program"], Some("not_found")));
        let mut unknown = into(&world, "a@example.org", "observer");
        unknown["membership"]["program"] = json!("no-such-programme");
        let unknown = world.post(Neighbour(Lead), "invitations").json(unknown).expect(422).await;
        assert_eq!(unknown.body["errors"], foreign.body["errors"], "nor whether there is such a programme");

        let ours = world.post(Member(Lead), "invitations").json(into(&world, "a@example.org", "observer")).expect(201).await;
        let to_all = world.post(Member(Admin), "invitations").json(json!({"email": "b@example.org"})).expect(201).await;
        for id in [ours.id(), to_all.id()] {
            world.get(Neighbour(Lead), &format!("invitations/{id}")).expect(404).await;
            revoke(&world, Neighbour(Secretariat), &id).await.expect(404);
        }
        let seen = |reply: Reply| reply.items().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert!(seen(world.get(Neighbour(Lead), "invitations").expect(200).await).is_empty());
        assert_eq!(seen(world.get(Member(Secretariat), "invitations").expect(200).await), [ours.id()]);
        assert_eq!(seen(world.get(Member(Admin), "invitations?sort=-created_at").expect(200).await), [to_all.id(), ours.id()]);
        assert_eq!(seen(world.get(Member(Admin), "invitations?email=A@EXAMPLE.org&state=open").expect(200).await), [ours.id()]);
        world.verify();
    }
}

story! {
    async fn a_revoked_invitation_opens_nothing(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let sent = world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        // Not twice while one is open.
        let twice = world.post(Member(Secretariat), "invitations").json(into(&world, "RANI@dinas.example", "agency")).expect(409).await;
        assert_eq!((twice.problem(), twice.pointers()), ("taken", vec!["/email"]));
        let token = office.only(office.deliver(&world).await).token();
        let revoked = revoke(&world, Member(Secretariat), &sent.id()).await.expect(200);
        assert_eq!(revoked.body["state"], "revoked");
        let refused = accept(&world, &token).expect(409).await;
        assert_eq!(refused.problem(), "wrong-state");
        log_in(&world, "rani@dinas.example", OWN).expect(401).await;
        // One that was revoked before its mail went out goes to nobody.
        let next = world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "agency")).expect(201).await;
        revoke(&world, Member(Lead), &next.id()).await.expect(200);
        assert!(office.deliver(&world).await.is_empty());
        world.verify();
    }
}

story! {
    async fn an_invitation_expires_and_its_address_is_forgotten(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let sent = world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let token = office.only(office.deliver(&world).await).token();
        world.clock.advance(TimeDelta::days(14) - TimeDelta::seconds(1));
        assert_eq!(invitations::expire(&world.service).await.unwrap(), 0);
        world.clock.advance(TimeDelta::seconds(1));
        let late = accept(&world, &token).expect(409).await;
        assert!(late.body["detail"].as_str().unwrap().contains("expired"), "{}", late.text);
        // Another can be sent at once.
        world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        assert_eq!(invitations::expire(&world.service).await.unwrap(), 1);
        let path = format!("invitations/{}", sent.id());
        let read = world.get(Member(Lead), &path).expect(200).await;
        assert_eq!((&read.body["state"], &read.body["email"]), (&json!("expired"), &json!("rani@dinas.example")));
        world.clock.advance(TimeDelta::days(31));
        invitations::sweep(&mut world.conn(), world.clock.now()).unwrap();
        assert_eq!(world.get(Member(Lead), &path).expect(200).await.body["email"], json!(null));
        world.verify();
    }
}

story! {
    async fn an_invitation_holds_as_long_as_whoever_sent_it_may_send_it(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        world.post(Member(Secretariat), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let token = office.only(office.deliver(&world).await).token();
        let secretariat = world.account(&Member(Secretariat));
        let memberships = world.get(Member(Lead), &format!("{{p}}/memberships?account_id={secretariat}")).expect(200).await;
        let path = format!("{{p}}/memberships/{}", memberships.items()[0]["id"].as_str().unwrap());
        let tag = world.get(Member(Lead), &path).expect(200).await.etag();
        world.post(Member(Lead), &format!("{path}/end")).if_match(&tag).json(json!({"reason": "Pindah."})).expect(200).await;
        let refused = accept(&world, &token).expect(409).await;
        assert_eq!((refused.problem(), refused.body["errors"][0]["code"].as_str()), ("conflict", Some("not_backed")));
        world.verify();
    }
}

story! {
    async fn who_has_an_account_is_given_a_membership_instead(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        let known = world.post(Member(Lead), "invitations").json(into(&world, "Observer@Porto.example", "observer")).expect(409).await;
        assert_eq!((known.problem(), known.body["errors"][0]["code"].as_str()), ("taken", Some("has_account")));
        // Meanwhile an admin makes the account.
        world.post(Member(Lead), "invitations").json(into(&world, "rani@dinas.example", "observer")).expect(201).await;
        let token = office.only(office.deliver(&world).await).token();
        world.post(Member(Admin), "accounts").json(json!({"email": "rani@dinas.example", "name": "Rani"})).expect(201).await;
        let late = accept(&world, &token).expect(409).await;
        assert_eq!((late.problem(), late.body["errors"][0]["code"].as_str()), ("conflict", Some("has_account")));
        world.verify();
    }
}

story! {
    async fn an_acceptance_is_held_to_the_rules_of_passwords(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        world.post(Member(Admin), "invitations").json(json!({"email": "rani.wulandari@dinas.example", "language": "en"})).expect(201).await;
        let token = office.only(office.deliver(&world).await).token();
        for (password, code) in [("qwertyuiop123", "too_common"), ("Rani.Wulandari@dinas.example", "same_as_email"), ("pendek", "too_short")] {
            let body = json!({"invitation_token": token, "name": "Rani", "password": password});
            let refused = world.post(Nobody, "auth/invitations").json(body).expect(422).await;
            assert_eq!((refused.pointers(), refused.body["errors"][0]["code"].as_str()), (vec!["/password"], Some(code)));
        }
        let body = json!({"invitation_token": token, "name": "Rani", "password": OWN, "admin": true});
        assert_eq!(world.post(Nobody, "auth/invitations").json(body).expect(422).await.pointers(), ["/admin"]);
        let body = json!({"invitation_token": token, "name": "Rani", "password": OWN, "language": "id"});
        let accepted = world.post(Nobody, "auth/invitations").json(body).expect(200).await;
        assert_eq!((&accepted.body["program"], &accepted.body["role"]), (&json!(null), &json!(null)));
        let found = world.get(Member(Admin), "accounts?email=rani.wulandari@dinas.example").expect(200).await;
        assert_eq!((&found.items()[0]["state"], &found.items()[0]["language"]), (&json!("active"), &json!("id")));
        world.verify();
    }
}
