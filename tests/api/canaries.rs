//! Canaries: a marked text in every field that is personal and in every secret. Then all that the service says is
//! searched for them: every answer to everybody, the log, mails, messages of webhooks, and the whole database. Where one
//! may be found is told below, with the reason; anywhere else is a fault, and so is a place that is told for nothing.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::Method;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tangguh::{policy::Role::*, sign_ins::sweep};

use crate::{
    access::everybody,
    clients::client,
    deliveries::{Hook, courier},
    harness::*,
    logbook::Logbook,
    operations::*,
    post_office::PostOffice,
    receiver::Receiver,
    resets::{forgot, move_to},
    sign_ins::{log_in, with_password},
};

/// Columns of the database in which a field may stand, and why.
const KEPT: &[(&str, &[&str], &str)] = &[
    ("name", &["account_people.name"], "the table of people, which is neither history nor ledger"),
    ("email", &["account_people.email", "account_people.email_folded"], "the same"),
    ("email", &["mails.recipient"], "a mail that waits to be sent"),
    ("name", &["stored_replies.body"], "the answer to a change that bore a key, for seven days"),
    ("email", &["stored_replies.body"], "the same"),
    ("new_email", &["one_time_tokens.email"], "what the token in that mail proves, until it is used or over"),
    (
        "invited",
        &["invitation_people.email", "invitation_people.email_folded"],
        "until the invitation is accepted, revoked or a month over",
    ),
    ("invited", &["one_time_tokens.email"], "what the token in that mail proves, until it is used or over"),
    ("invited", &["stored_replies.body"], "the answer to a change that bore a key, for seven days"),
    ("forgetful", &["mails.recipient"], "a mail that waits, until it is found out that nobody has the address"),
    ("user_agent", &["sign_ins.user_agent"], "for its owner to recognise a sign-in"),
    ("address", &["sign_ins.address"], "the same"),
    ("address", &["sign_in_failures.subject"], "guesses are counted, for a quarter of an hour"),
    ("note", &["personal_data_request_notes.note"], "what somebody asked about their data, on no ledger"),
    ("attendee", &["attendance_people.name"], "the table of people who attended"),
    ("position", &["attendance_people.position"], "the same"),
    ("contact", &["attendance_people.contact"], "the same"),
];

/// Fields that the answers of operations may have, who may get them, and why.
const TOLD: &[(&[&str], &[&str], &str, &str)] = &[
    (&["name", "email"], &["get_me"], "owner", "what is one's own"),
    (&["address", "user_agent"], &["list_my_sign_ins"], "owner", "the same"),
    (
        &["name", "email"],
        &["list_accounts", "get_account", "end_account_sign_ins"],
        "admin",
        "who looks after accounts",
    ),
    (&["address", "user_agent"], &["list_account_sign_ins"], "admin", "the same"),
    (&["email", "forgetful"], &["list_mails"], "admin", "who finds out why a mail does not go through"),
    (
        &["name", "email", "new_email", "address", "user_agent", "note"],
        &["get_own_personal_data"],
        "owner",
        "all that is kept of oneself",
    ),
    (
        &["name", "email", "new_email", "address", "user_agent", "note"],
        &["get_account_personal_data"],
        "admin",
        "for a copy to somebody who cannot sign in",
    ),
    (&["note"], &["list_personal_data_requests"], "owner, admin", "who asked, and who answers"),
    (&["invited"], &["list_invitations"], "lead, secretariat, admin", "who invite, and revoke"),
    (
        &["name"],
        &["list_memberships", "get_membership", "review_access", "get_account_access"],
        "lead, secretariat, admin",
        "who give memberships, and answer for them",
    ),
    (
        &["attendee", "position", "contact"],
        &["list_attendance", "get_attendance"],
        "lead, secretariat, facilitator",
        "who run the event",
    ),
];

/// From where somebody signs in who nobody else is.
const ADDRESS: &str = "203.0.113.217";

/// What was planted: texts by the field that they stand in.
pub struct Canaries {
    /// Of people.
    pub people: BTreeMap<&'static str, String>,
    /// What nobody is ever told again.
    pub secrets: BTreeMap<&'static str, String>,
    pub things: Things,
}

impl Canaries {
    /// Plants one in every field of people, and makes one secret of each kind.
    pub async fn plant(world: &World, office: &PostOffice) -> Canaries {
        let mark = uuid::Uuid::now_v7().simple().to_string()[20..].to_owned();
        let things = Things::make(world, "jakarta", Member(Lead)).await;
        let mut people = BTreeMap::new();
        let mut mail = |field: &'static str| -> String {
            people.insert(field, format!("kenari-{field}-{mark}@burung.example"));
            people[field].clone()
        };
        let (email, new_email, invited, forgetful, unknown) =
            (mail("email"), mail("new_email"), mail("invited"), mail("forgetful"), mail("unknown"));
        for field in ["name", "user_agent", "note", "attendee", "position", "contact"] {
            people.insert(field, format!("Kenari {field} {mark}"));
        }
        people.insert("address", ADDRESS.into());
        let mut secrets = BTreeMap::new();
        let mut secret = |name: &'static str, text: &Value| secrets.insert(name, text.as_str().unwrap().to_owned());
        let (password, guess) = (format!("sandi kenari {mark} di pohon"), format!("tebakan kenari {mark}"));
        secret("password", &json!(password));
        secret("guess", &json!(guess));

        // The account of the things, under a name and an address that are marked, by a change that bore a key.
        let path = format!("accounts/{}", things.id("account_id"));
        let now = world.get(Member(Admin), &path).expect(200).await;
        let named = json!({"name": people["name"], "email": email});
        world.patch(Member(Admin), &path).if_match(&now.etag()).key("kenari-akun").patch(named).expect(200).await;
        let now = world.get(Member(Admin), &path).expect(200).await;
        let renewed =
            world.post(Member(Admin), &format!("{path}/password-token")).if_match(&now.etag()).expect(201).await;
        secret("password_token", &renewed.body["password_token"]);
        let set = json!({"password_token": renewed.body["password_token"], "password": password});
        world.post(Nobody, "auth/password").json(set).expect(204).await;
        let try_it = |email: &str, password: &str| {
            log_in(world, email, password).from(ADDRESS).header("user-agent", &people["user_agent"])
        };
        try_it(&email, &guess).expect(401).await;
        try_it(&unknown, &guess).expect(401).await;
        let tokens = try_it(&email, &password).expect(200).await.body;
        secret("access_token", &tokens["access_token"]);
        secret("refresh_token", &tokens["refresh_token"]);

        let owner = Bearer(tokens["access_token"].as_str().unwrap().into());
        let factor = world.post(owner.clone(), "me/totp").expect(201).await.body;
        secret("totp_secret", &factor["secret"]);
        let question = json!({"kind": "access", "note": people["note"]});
        world.post(owner.clone(), "personal-data/requests").json(question).expect(201).await;

        // What goes out by mail: some has, and some waits.
        office.deliver(world).await;
        move_to(world, owner, &password, &new_email).expect(202).await;
        secret("email_token", &json!(office.only(office.deliver(world).await).token()));
        forgot(world, &email).expect(202).await;
        secret("reset_token", &json!(office.only(office.deliver(world).await).token()));
        let invitation = json!({"email": invited, "membership": {"program": "jakarta", "role": "observer",
            "stakeholder_id": things.id("stakeholder_id")}});
        world.post(Member(Lead), "invitations").key("kenari-undangan").json(invitation).expect(201).await;
        secret("invitation_token", &json!(office.only(office.deliver(world).await).token()));
        for email in [&email, &forgetful] {
            forgot(world, email).expect(202).await;
        }

        // Who attended.
        let path = format!("{{p}}/events/{}/attendance", things.id("event_id"));
        let person =
            json!([{"name": people["attendee"], "position": people["position"], "contact": people["contact"]}]);
        let present = json!({"items": [{"stakeholder_id": things.id("stakeholder_id"), "on_revision": 1, "status": "attended",
            "capacity": "member", "people": person}]});
        world.ask(Member(Facilitator), Method::PUT, &path).key("kenari-hadir").json(present).expect(200).await;

        // What machines hold.
        let made = world.post(Member(Partner), "{p}/clients").json(client(&["input.read"])).expect(201).await;
        let keys = format!("{{p}}/clients/{}/keys", made.id());
        let key = world.post(Member(Partner), &keys).if_match(&made.etag()).json(json!({})).expect(201).await.body;
        secret("client_key", &key["key"]);
        Canaries { people, secrets, things }
    }

    /// Those that stand in a text.
    fn in_text(&self, text: &str) -> Vec<&'static str> {
        let text = text.to_lowercase();
        let all = self.people.iter().chain(&self.secrets);
        all.filter(|(_, mark)| text.contains(&mark.to_lowercase())).map(|(field, _)| *field).collect()
    }
}

/// Where in the database these texts stand, whatever they are: `field in table.column`. Empty is what an erasure wants.
pub fn found(world: &World, marks: &BTreeMap<&'static str, String>) -> BTreeSet<String> {
    let places =
        marks.iter().flat_map(|(field, mark)| world.everywhere(mark).into_iter().map(move |place| (field, place)));
    places.map(|(field, place)| format!("{field} in {}", place.name())).collect()
}

fn name(who: &Who) -> String {
    match who {
        Nobody | Bearer(_) => "nobody".into(),
        Outsider => "outsider".into(),
        Member(role) => role.name().into(),
        Neighbour(role) => format!("neighbour's {}", role.name()),
    }
}

/// The answers that may have a field, as they are noted.
fn permitted() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (fields, operations, callers, _) in TOLD {
        for (field, operation) in
            fields.iter().flat_map(|field| operations.iter().map(move |operation| (field, operation)))
        {
            all.extend(callers.split(", ").map(|caller| format!("{field} by {operation} to {caller}")));
        }
    }
    all
}

/// The ways to ask for the same: whole pages, everything expanded, each media type that it answers in.
fn variants(operation: &Operation) -> Vec<(String, String)> {
    let has = |name: &str| operation.parameters("query").into_iter().find(|parameter| parameter["name"] == name);
    let mut query: Vec<String> = required(operation).iter().map(|(name, value)| format!("{name}={value}")).collect();
    query.extend(has("limit").map(|_| "limit=200".to_owned()));
    if let Some(expand) = has("expand") {
        let known = resolved(&expand["schema"])["items"]["enum"].as_array().unwrap().iter();
        query.push(format!("expand={}", known.filter_map(Value::as_str).collect::<Vec<_>>().join(",")));
    }
    let path = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let media =
        operation.told["responses"]["200"]["content"].as_object().into_iter().flatten().map(|(media, _)| media.clone());
    let media = if operation.method == Method::GET { media.collect() } else { Vec::new() };
    if media.is_empty() {
        vec![(path, "application/json".into())]
    } else {
        media.into_iter().map(|media| (path.clone(), media)).collect()
    }
}

/// What the answers of these operations tell, asked by everybody in every way: `field by operation to caller`.
async fn told(world: &World, canaries: &Canaries, of: impl Fn(&Operation) -> bool) -> BTreeSet<String> {
    let mut everybody: Vec<(Who, String)> = everybody().iter().map(|who| (signed_in(world, who), name(who))).collect();
    everybody.push((Bearer(canaries.secrets["access_token"].clone()), "owner".into()));
    let mut told = BTreeSet::new();
    for operation in OPERATIONS.iter().filter(|operation| of(operation)) {
        for ((caller, name), (query, media)) in
            everybody.iter().flat_map(|who| variants(operation).into_iter().map(move |how| (who, how)))
        {
            let path = canaries.things.fill(&operation.path) + &query;
            let mut ask = world.ask(caller.clone(), operation.method.clone(), &path).header("accept", &media);
            if operation.is_pinned() {
                ask = ask.if_match("\"999.none\"");
            }
            let ask = match canaries.things.good(operation) {
                Some(body) if operation.is_patch() => ask.patch(body),
                Some(body) => ask.json(body),
                None => ask,
            };
            let reply = ask.send().await;
            let headers: String = reply.headers.iter().map(|(name, value)| format!("{name}: {value:?}\n")).collect();
            for field in canaries.in_text(&(reply.text + &headers)) {
                told.insert(format!("{field} by {} to {name}", operation.id));
            }
        }
    }
    told
}

story! {
    async fn no_canary_sings_where_it_may_not(world) {
        let log = Logbook::open();
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let receiver = Receiver::start().await;
        let hook = Hook::active(&world, Member(Lead), &receiver, json!(null)).await;
        let mut canaries = Canaries::plant(&world, &office).await;
        canaries.secrets.insert("webhook_secret", hook.secret.clone());
        let mut kept = found(&world, &canaries.people);

        let reading = told(&world, &canaries, |operation| operation.method == Method::GET).await;
        // The rest changes things.
        let writing = told(&world, &canaries, |operation| operation.method != Method::GET).await;
        let told: BTreeSet<String> = reading.union(&writing).cloned().collect();
        let may = permitted();
        let mut faults: Vec<String> = told.difference(&may).map(|one| format!("an answer tells the {one}")).collect();
        faults.extend(may.difference(&told).map(|one| format!("permitted for nothing: the {one}")));

        // What went out by other ways.
        courier(&world).round().await.unwrap();
        let messages = receiver.take();
        assert!(!messages.is_empty(), "nothing was sent to the webhook");
        faults.extend(messages.iter().flat_map(|message| canaries.in_text(&message.text)).map(|field| format!("a webhook is told the {field}")));
        for mail in office.deliver(&world).await {
            faults.extend(canaries.in_text(&mail.text).iter().map(|field| format!("a mail to {:?} tells the {field}", mail.to)));
        }
        let logged = log.lines().into_iter().flat_map(|line| canaries.in_text(&line).into_iter().map(move |field| (field, line.clone())));
        // The access log tells where requests come from.
        faults.extend(logged.filter(|(field, _)| *field != "address").map(|(field, line)| format!("the log tells the {field}: {line}")));

        kept.extend(found(&world, &canaries.people));
        let may: BTreeSet<String> = KEPT.iter().flat_map(|(field, columns, _)| columns.iter().map(move |column| format!("{field} in {column}"))).collect();
        faults.extend(kept.difference(&may).map(|one| format!("the database has the {one}")));
        faults.extend(may.difference(&kept).map(|one| format!("permitted for nothing: the {one}")));
        faults.extend(found(&world, &canaries.secrets).iter().map(|one| format!("the database has the {one}")));
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        world.verify();
    }
}

story! {
    async fn after_an_erasure_no_canary_is_left(world) {
        let (world, office) = PostOffice::world(world.kind).await;
        with_password(&world, &Member(Lead));
        let canaries = Canaries::plant(&world, &office).await;
        let own = ["name", "email", "new_email", "user_agent", "address", "note"];
        let mut marks = canaries.people.clone();
        marks.retain(|field, _| own.contains(field));
        let asked = json!({"kind": "erasure", "account_id": canaries.things.id("account_id"), "note": "Lewat surat."});
        let asked = world.post(Member(Admin), "personal-data/requests").json(asked).expect(201).await;
        let path = format!("personal-data/requests/{}/completion", asked.id());
        let done = json!({"outcome": "done", "answer": "Sudah dihapus."});
        world.post(Member(Admin), &path).json(done).expect(200).await;
        // Guesses from an address are counted for a quarter of an hour, whoever made them.
        world.clock.advance(TimeDelta::minutes(16));
        sweep(&mut world.conn(), world.clock.now()).unwrap();
        office.deliver(&world).await;
        assert_eq!(found(&world, &marks), BTreeSet::new());
        let told = told(&world, &canaries, |operation| operation.method == Method::GET).await;
        let left: Vec<&String> = told.iter().filter(|one| own.iter().any(|field| one.starts_with(&format!("{field} ")))).collect();
        assert!(left.is_empty(), "{left:?}");
        world.verify();
    }
}
