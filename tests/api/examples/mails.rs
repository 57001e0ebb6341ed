//! What goes by mail, and what comes back.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use super::Run;
use crate::{harness::*, post_office::PostOffice};

/// A forgotten password, another address, another password, and somebody new.
pub async fn mails(run: &mut Run<'_>, office: &PostOffice, stakeholder: &str) {
    let forgot = json!({"email": "rani@dinas.example"});
    run.act("request_password_reset", Nobody, &[], forgot).await;
    let mails = office.deliver(run.world).await;
    let mail = mails.last().unwrap();
    run.act("reset_password", Nobody, &[], json!({"reset_token": mail.token(), "password": PASSWORD})).await;

    // A token holds for a quarter of an hour, and each call takes seven minutes of it.
    let me = async |run: &Run<'_>| {
        let credentials = json!({"email": "rani@dinas.example", "password": PASSWORD});
        let tokens = run.call("log_in", Nobody, &[], "", credentials).await;
        Bearer(tokens.body["access_token"].as_str().unwrap().to_owned())
    };
    let reading = me(run).await;
    let open = run.read("list_my_sign_ins", reading, &[], "").await;
    let first = open.items()[0]["id"].as_str().unwrap().to_owned();
    let ending = me(run).await;
    run.call("end_my_sign_in", ending, &[&first], "", Value::Null).await;
    let changing = me(run).await;
    let password = json!({"current_password": PASSWORD, "password": PASSWORD});
    run.act("change_password", changing, &[], password).await;
    let moving = me(run).await;
    let address = json!({"current_password": PASSWORD, "email": "rani.wulandari@dinas.example"});
    run.act("change_email", moving, &[], address).await;
    let mails = office.deliver(run.world).await;
    let mail = mails.last().unwrap();
    run.act("confirm_email_change", Nobody, &[], json!({"email_token": mail.token()})).await;

    let secretariat = Member(Secretariat);
    let membership = json!({"program": "jakarta", "stakeholder_id": stakeholder, "role": "agency"});
    let new = |email: &str| json!({"email": email, "language": "id", "membership": membership});
    let first = run.act("send_invitation", secretariat.clone(), &[], new("budi@dinas.example")).await;
    let mails = office.deliver(run.world).await;
    let mail = mails.last().unwrap();
    let acceptance = json!({"invitation_token": mail.token(), "name": "Budi Santoso", "password": PASSWORD});
    run.act("accept_invitation", Nobody, &[], acceptance).await;
    let wrong = run.call("send_invitation", secretariat.clone(), &[], "", new("budy@dinas.example")).await;
    let why = json!({"reason": "Salah alamat."});
    run.act("revoke_invitation", secretariat.clone(), &[&wrong.id()], why).await;
    run.read("list_invitations", secretariat.clone(), &[], "?state=revoked").await;
    run.read("get_invitation", secretariat, &[&first.id()], "").await;
    run.read("list_mails", Member(Admin), &[], "?sort=-created_at&limit=2").await;
}
