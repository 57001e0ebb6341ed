//! The operations as the document tells them, one of each thing to send them to, and one good body for each.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::http::Method;
use serde_json::{Value, json};
use tangguh::{
    api,
    policy::{Action, Role::*},
};

use crate::harness::*;

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(api::document);

pub static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    let items =
        paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |(verb, told)| (path, verb, told)));
    items
        .map(|(path, verb, told)| Operation {
            method: verb.to_uppercase().parse().unwrap(),
            path: path.clone(),
            id: told["operationId"].as_str().unwrap_or_else(|| panic!("{verb} {path} has no id")).to_owned(),
            action: told["security"][0]["bearer"][0].as_str().map(|name| {
                Action::named(name).unwrap_or_else(|| panic!("{verb} {path} asks for {name}, which is no action"))
            }),
            told,
        })
        .collect()
});

pub struct Operation {
    pub method: Method,
    pub path: String,
    pub id: String,
    /// The right that it asks for; none for what is public.
    pub action: Option<Action>,
    /// What the document says of it.
    pub told: &'static Value,
}

impl Operation {
    pub fn named(id: &str) -> &'static Operation {
        OPERATIONS.iter().find(|operation| operation.id == id).unwrap_or_else(|| panic!("there is no operation {id}"))
    }

    pub fn parameters(&self, place: &str) -> Vec<&'static Value> {
        let all = self.told["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    /// Whether a request must say which revision it was made from.
    pub fn is_pinned(&self) -> bool {
        self.parameters("header").iter().any(|parameter| parameter["name"] == "If-Match")
    }

    pub fn is_patch(&self) -> bool {
        self.method == Method::PATCH
    }

    /// The schema of its JSON body.
    pub fn body(&self) -> Option<&'static Value> {
        let content = self.told.pointer("/requestBody/content")?;
        let media = if self.is_patch() { "application/merge-patch+json" } else { "application/json" };
        // Forms are OAuth's, and told in its own words.
        Some(&content.get(media)?["schema"])
    }

    /// The schema of the form that it takes.
    pub fn form(&self) -> Option<&'static Value> {
        self.told.pointer("/requestBody/content/application~1x-www-form-urlencoded/schema")
    }

    /// The media type of a file that it takes, and its schema.
    pub fn file(&self) -> Option<(&'static str, &'static Value)> {
        let content = self.told.pointer("/requestBody/content")?;
        [FILE, SHEET].into_iter().find_map(|media| Some((media, &content.get(media)?["schema"])))
    }

    /// The schema of its JSON answer of this status.
    pub fn answer(&self, status: u16) -> Option<&'static Value> {
        self.told.pointer(&format!("/responses/{status}/content/application~1json/schema"))
    }

    /// The path of what it is about: as far as its last parameter. A key is a part of its client.
    pub fn resource(&self) -> &str {
        if let Some(client) = self.path.strip_suffix("/keys/{key_id}") {
            return client;
        }
        self.path.rfind('}').map_or(&self.path, |end| &self.path[..=end])
    }

    /// Somebody who may: a member of `jakarta`, an admin, or nobody for what is public.
    pub fn who_may(&self) -> Who {
        match self.action {
            // The things' input is a partner's, and nobody else's to change.
            Some(Action::CorrectInput | Action::WithdrawInput) => Member(Partner),
            None => Nobody,
            Some(action) => action.roles().iter().next().map_or(Member(Lead), Member),
        }
    }
}

/// What a reference leads to.
pub fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolved(DOCUMENT.pointer(reference.trim_start_matches('#')).expect(reference)),
        None => schema,
    }
}

/// One of each thing in one programme: the ids that fill a path.
pub struct Things {
    ids: BTreeMap<&'static str, String>,
    /// An organisation that has part in nothing.
    another: String,
    open_ballot: String,
    email: String,
    refresh_token: String,
}

impl Things {
    /// Makes them, by the programme's lead.
    pub async fn make(world: &World, program: &'static str, lead: Who) -> Things {
        let slug = format!("programs/{program}");
        let post = async |path: &str, body: Value| {
            world.post(lead.clone(), &format!("{slug}/{path}")).json(body).expect(201).await
        };
        let organisation = json!({"names": [{"name": {"id": format!("Lembaga {program}")}}], "kind": "other"});
        let stakeholder = world.post(lead.clone(), "stakeholders").json(organisation).expect(201).await.id();
        post("stakeholders", json!({"stakeholder_id": stakeholder, "capacity": "member"})).await;
        let organisation = json!({"names": [{"name": {"id": format!("Penerus {program}")}}], "kind": "other"});
        let another = world.post(lead.clone(), "stakeholders").json(organisation).expect(201).await.id();

        let email = format!("baru@{program}.example");
        let account = json!({"email": email, "name": "Orang baru"});
        let account = world.post(Member(Admin), "accounts").json(account).expect(201).await.body;
        let password = json!({"password_token": account["password_token"], "password": PASSWORD});
        world.post(Nobody, "auth/password").json(password).expect(204).await;
        let tokens = json!({"email": email, "password": PASSWORD});
        let tokens = world.post(Nobody, "auth/login").json(tokens).expect(200).await.body;
        let account = account["account_id"].as_str().unwrap().to_owned();
        let membership = json!({"account_id": account, "stakeholder_id": stakeholder, "role": "observer",
            "from_on": "2026-02-01"});
        let membership = post("memberships", membership).await.id();

        let bearer = Bearer(tokens["access_token"].as_str().unwrap().to_owned());
        let sign_ins = world.get(bearer, "me/sign-ins").expect(200).await.body;
        let invitation = json!({"email": format!("undangan@{program}.example"), "membership": {"program": program,
            "role": "observer", "stakeholder_id": stakeholder}});
        let invitation = world.post(lead.clone(), "invitations").json(invitation).expect(201).await.id();

        let correction = json!({"kind": "correction", "account_id": account, "note": "Lewat surat."});
        let request = world.post(Member(Admin), "personal-data/requests").json(correction).expect(201).await.id();

        let document = json!({"title": {"id": "Laporan"}, "kind": "report", "visibility": "public"});
        let document = post("documents", document).await.id();
        let phase = post("phases", json!({"number": 1, "name": {"id": "Fase I"}})).await.id();
        let shock = post("shocks-and-stresses", json!({"kind": "shock", "name": {"id": "Banjir"}})).await.id();
        let area = post("focus-areas", json!({"names": [{"name": {"id": "Tata kelola"}}]})).await.id();
        // Partners see no drafts, so it is proposed; and it has a revision behind it that they see.
        let question = post("questions", json!({"focus_area_id": area, "text": {"id": "Siapa?"}})).await;
        let path = format!("{slug}/questions/{}", question.id());
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        world.post(lead.clone(), &format!("{path}/transitions")).if_match("\"1\"").json(step).expect(200).await;
        let revision = json!({"text": {"id": "Siapa saja?"}, "reason_kind": "wording", "reason": "Lebih jelas."});
        world.post(lead.clone(), &format!("{path}/revisions")).if_match("\"2\"").json(revision).expect(201).await;

        let mapping = json!({"subject": {"kind": "focus_area", "id": area}, "framework": "CRI", "node": "CRI-1.1",
            "strength": "primary"});
        let mapping = post("mappings", mapping).await.id();
        let criterion = post("criteria", json!({"text": {"id": "Pulih dalam tiga hari"}})).await.id();
        // Partners see no drafts, so organisations are asked already; and one has an objection.
        let content = statement(&area, &question.id());
        let drafted = post("statements", content.clone()).await.id();
        let path = format!("{slug}/statements/{drafted}");
        let revised = with(content, json!({"reason": "Lebih jelas."}));
        world.post(lead.clone(), &format!("{path}/revisions")).if_match("\"1\"").json(revised).expect(201).await;
        let step = json!({"to": "in_alignment", "reason": "Siap ditanggapi."});
        world.post(lead.clone(), &format!("{path}/transitions")).if_match("\"2\"").json(step).expect(200).await;
        let objection = json!({"on_revision": 3, "kind": "object", "comment": "Belum lengkap."});
        let place = format!("{path}/positions/{stakeholder}");
        world.ask(lead.clone(), Method::PUT, &place).json(objection).expect(200).await;

        let other = post("questions", json!({"focus_area_id": area, "text": {"id": "Kapan?"}})).await.id();
        let step = json!({"to": "proposed", "reason": "Siap dibahas."});
        let path = format!("{slug}/questions/{other}/transitions");
        world.post(lead.clone(), &path).if_match("\"1\"").json(step).expect(200).await;
        let event = post("events", json!({"kind": "meeting", "name": {"id": "Rapat"}, "on": "2026-01-10"})).await.id();
        let stage = json!({"number": 1, "name": {"id": "Pembahasan"}, "electorate": [stakeholder]});
        let stage = post(&format!("events/{event}/stages"), stage).await.id();
        let present = json!({"items": [{"stakeholder_id": stakeholder, "status": "attended", "capacity": "member"}]});
        world
            .ask(lead.clone(), Method::PUT, &format!("{slug}/events/{event}/attendance"))
            .json(present)
            .expect(200)
            .await;
        let follow_up = json!({"text": {"id": "Siapkan bahan"}, "owner_stakeholder_id": stakeholder});
        let follow_up = post(&format!("events/{event}/follow-ups"), follow_up).await.id();
        let ballot = post(&format!("events/{event}/stages/{stage}/ballots"), self::ballot()).await.id();
        let path = format!("{slug}/ballots/{ballot}");
        let why = json!({"reason": "Siap."});
        world.post(lead.clone(), &format!("{path}/opening")).if_match("\"1\"").json(why.clone()).expect(200).await;
        let vote = json!({"value": "agree"});
        world.ask(lead.clone(), Method::PUT, &format!("{path}/votes/{stakeholder}")).json(vote).expect(200).await;
        world.post(lead.clone(), &format!("{path}/closing")).if_match("\"2\"").json(why).expect(200).await;
        let decision =
            json!({"decisions": [{"question_id": other, "on_revision": 2, "kind": "keep", "reason": "Sesuai."}]});
        let path = format!("{slug}/events/{event}/stages/{stage}/outcomes");
        let kept = world.post(lead.clone(), &path).json(decision).expect(200).await.body;
        let decision = kept["decisions"][0]["id"].as_str().unwrap().to_owned();

        // What is still open to be voted in, and what everybody may read.
        let path = format!("{slug}/events/{event}/stages/{stage}/ballots");
        let open_ballot = world.post(lead.clone(), &path).json(self::ballot()).expect(201).await.id();
        let path = format!("{slug}/ballots/{open_ballot}/opening");
        world.post(lead.clone(), &path).if_match("\"1\"").json(json!({"reason": "Siap."})).expect(200).await;
        let of = world.get(lead.clone(), &slug).expect(200).await;
        world.patch(lead.clone(), &slug).if_match(&of.etag()).patch(json!({"published": true})).expect(200).await;
        let step = |to: &str| ("transitions", json!({"to": to, "reason": "Sudah waktunya."}));
        let minuted = json!({"kind": "working_session", "name": {"id": "Sesi kerja"}, "on": "2026-01-12"});
        let minuted = post("events", minuted).await;
        let steps = ["confirmed", "held", "minutes_draft", "minutes_approved"].map(step);
        act(world, &lead, &format!("{slug}/events/{}", minuted.id()), &steps).await;
        let published = post("statements", statement(&area, &question.id())).await;
        let adoption = json!({"reason": "Ditetapkan.", "override_reason": "Tanpa tanggapan semua organisasi."});
        let steps = [
            step("in_alignment"),
            step("proposed"),
            ("adoption", adoption),
            ("publication", json!({"reason": "Untuk umum."})),
        ];
        act(world, &lead, &format!("{slug}/statements/{}", published.id()), &steps).await;
        let code = |made: &Reply| made.body["code"].as_str().unwrap().to_owned();

        let consultation = post("consultations", consultation()).await.id();
        let sender = match &lead {
            Neighbour(_) => Neighbour(Partner),
            _ => Member(Partner),
        };
        let client = json!({"role": "partner", "name": "Pelapor", "purpose": "Mengirim laporan.", "scopes": ["input.send"],
            "expires_on": "2026-06-30"});
        let client = world.post(sender.clone(), &format!("{slug}/clients")).json(client).expect(201).await.id();
        let path = format!("{slug}/clients/{client}/keys");
        let key = world.post(sender.clone(), &path).if_match("\"1\"").json(json!({})).expect(201).await.id();
        let path = format!("{slug}/inputs");
        let input = world.post(sender.clone(), &path).json(input("KB-1")).expect(201).await.id();
        let imports = format!("{slug}/input-imports");
        let import =
            world.post(sender.clone(), &imports).header("content-type", FILE).bytes(file("import_inputs").into_bytes());
        let import = import.expect(202).await.id();
        // Of another, something came.
        let other = world.post(sender, &path).json(self::input("KB-2")).expect(201).await.id();
        let effects = json!([{"kind": "question", "id": question.id(), "revision": 3}]);
        let decided = with(self::decision(), json!({"effects": effects}));
        let steps = [("transitions", json!({"to": "acknowledged", "reason": "Sudah dibaca."})), ("decision", decided)];
        act(world, &lead, &format!("{path}/{other}"), &steps).await;
        let webhook = post("webhooks", json!({"url": "https://hooks.example.org/tangguh"})).await.id();
        let ids = BTreeMap::from([
            ("program", program.to_owned()),
            ("stakeholder_id", stakeholder),
            ("account_id", account),
            ("sign_in_id", sign_ins["items"][0]["id"].as_str().unwrap().to_owned()),
            ("invitation_id", invitation),
            ("request_id", request),
            ("membership_id", membership),
            ("document_id", document),
            ("phase_id", phase),
            ("shock_or_stress_id", shock),
            ("focus_area_id", area),
            ("question_id", question.id()),
            ("mapping_id", mapping),
            ("criterion_id", criterion),
            ("statement_id", drafted),
            ("revision", "3".into()),
            ("event_id", event),
            ("stage_id", stage),
            ("follow_up_id", follow_up),
            ("ballot_id", ballot),
            ("decision_id", decision),
            ("consultation_id", consultation),
            ("input_id", input),
            ("client_id", client),
            ("key_id", key),
            ("import_id", import),
            ("webhook_id", webhook),
            ("event_code", code(&minuted)),
            ("statement_code", code(&published)),
            ("edition", "1".into()),
            ("name", "stale".into()),
            ("framework", "CRI".into()),
            ("event_type", "question.revise".into()),
        ]);
        let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
        Things { ids, another, open_ballot, email, refresh_token }
    }

    /// The same things, called by another programme's paths.
    pub fn under(&self, program: &'static str) -> Things {
        let mut ids = self.ids.clone();
        ids.insert("program", program.into());
        Things {
            ids,
            another: self.another.clone(),
            open_ballot: self.open_ballot.clone(),
            email: self.email.clone(),
            refresh_token: self.refresh_token.clone(),
        }
    }

    /// The same things, with a ballot in which votes can be cast in the place of one that was decided.
    pub fn before_the_vote(mut self) -> Things {
        self.ids.insert("ballot_id", self.open_ballot.clone());
        self
    }

    pub fn id(&self, name: &str) -> &str {
        self.ids.get(name).unwrap_or_else(|| panic!("make a thing for the path parameter {name}"))
    }

    /// The ids of what belongs to the programme alone.
    pub fn own_ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let shared = [
            "program",
            "stakeholder_id",
            "account_id",
            "sign_in_id",
            "request_id",
            "revision",
            "name",
            "event_code",
            "statement_code",
            "edition",
            "framework",
            "event_type",
        ];
        self.ids.iter().filter(move |(name, _)| !shared.contains(name)).map(|(name, id)| (*name, id.as_str()))
    }

    /// A path of the document, as [`World::ask`] takes it.
    pub fn fill(&self, path: &str) -> String {
        let parts = path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => self.id(name),
            None => part,
        });
        format!("/{}", parts.collect::<Vec<_>>().join("/"))
    }

    /// A body that the operation takes, if the thing is in the right state.
    pub fn good(&self, operation: &Operation) -> Option<Value> {
        operation.body()?;
        let reason = json!({"reason": "Demikian diputuskan."});
        let name = json!({"id": "Baru", "en": "New"});
        Some(match operation.id.as_str() {
            "log_in" => json!({"email": self.email, "password": PASSWORD}),
            "refresh_sign_in" => json!({"refresh_token": self.refresh_token}),
            // Whatever the token is, the answer is the same.
            "log_out" => json!({"refresh_token": "none"}),
            "set_password" => json!({"password_token": "none", "password": PASSWORD}),
            "make_client" => json!({"role": "partner", "name": "Pemantau", "purpose": "Membaca.",
                "scopes": ["input.read"], "expires_on": "2026-05-31"}),
            "edit_client" => json!({"purpose": "Mengirim laporan harian."}),
            "make_client_key" => json!({"expires_on": "2026-03-31"}),
            "edit_me" | "edit_account" => json!({"name": "Nama lain"}),
            "request_password_reset" => json!({"email": self.email}),
            "reset_password" => json!({"reset_token": "tgh_pr_none", "password": PASSWORD}),
            "confirm_email_change" => json!({"email_token": "tgh_ec_none"}),
            "accept_invitation" => {
                json!({"invitation_token": "tgh_in_none", "name": "Seorang", "password": PASSWORD})
            }
            "change_password" => json!({"current_password": PASSWORD, "password": "kuda lumping di bawah hujan"}),
            "confirm_totp" => json!({"code": "000000"}),
            "step_up" => json!({"password": PASSWORD}),
            "change_email" => json!({"current_password": PASSWORD, "email": "seorang@example.org"}),
            "send_invitation" => json!({"email": "undangan@example.org", "membership": {"program": self.id("program"),
                "role": "observer", "stakeholder_id": self.id("stakeholder_id")}}),
            "ask_about_personal_data" => json!({"kind": "access", "note": "Mohon salinannya."}),
            "complete_personal_data_request" => json!({"outcome": "done", "answer": "Sudah dibetulkan."}),
            "create_account" => json!({"email": "seorang@example.org", "name": "Seorang"}),
            "create_stakeholder" => json!({"names": [{"name": name}], "kind": "media"}),
            "edit_stakeholder" => json!({"abbreviation": "LB"}),
            "merge_stakeholder" => json!({"into_id": self.another, "reason": "Peraturan daerah yang baru."}),
            "split_stakeholder" => json!({"into": [{"stakeholder_id": self.another,
                "membership_ids": [self.id("membership_id")]}], "reason": "Peraturan daerah yang baru."}),
            "create_program" => {
                json!({"slug": "bandung", "source_language": "id", "name": name, "time_zone": "Asia/Jakarta"})
            }
            "edit_program" => json!({"name": name}),
            "archive_program" => json!({"to": "archived", "reason": "Selesai."}),
            "add_participant" => {
                json!({"new_stakeholder": {"names": [{"name": name}], "kind": "media"}, "capacity": "invited"})
            }
            "edit_participant" => json!({"capacity": "chair"}),
            "grant_membership" => json!({"account_id": self.id("account_id"), "role": "observer",
                "stakeholder_id": self.id("stakeholder_id"), "from_on": "2026-03-01"}),
            "edit_membership" => json!({"acting": true}),
            "plan_phase" => json!({"number": 2, "name": name}),
            "edit_phase" => json!({"name": name}),
            "name_focus_area" => json!({"names": [{"name": name}]}),
            "edit_focus_area" => json!({"problem": name}),
            "name_shock_or_stress" => json!({"kind": "stress", "name": name}),
            "edit_shock_or_stress" => json!({"rank": 1}),
            "ask_question" => json!({"focus_area_id": self.id("focus_area_id"), "text": name}),
            "revise_question" => json!({"text": name, "reason_kind": "wording", "reason": "Lebih tajam."}),
            "review_question" => json!({"to": "in_review", "reason": "Dibahas."}),
            "move_question" => json!({"focus_area_id": self.id("focus_area_id"), "reason": "Lebih cocok."}),
            "merge_question" => json!({"into_id": self.id("question_id"), "reason": "Sama."}),
            "split_question" => json!({"into": [{"text": name}, {"text": name}], "reason": "Dua soal."}),
            "add_document" => json!({"title": name, "kind": "slides", "visibility": "members"}),
            "edit_document" => json!({"title": name}),
            "plan_event" => json!({"kind": "forum", "name": name}),
            "edit_event" => json!({"name": name}),
            "advance_event" => json!({"to": "confirmed", "reason": "Sudah pasti."}),
            "add_stage" => json!({"number": 2, "name": name}),
            "edit_stage" => json!({"name": name}),
            "record_attendance" => json!({"items": [{"stakeholder_id": self.id("stakeholder_id"), "on_revision": 1,
                "status": "attended", "capacity": "member", "head_count": 2}]}),
            "edit_attendance" => json!({"head_count": 3}),
            "give_follow_up" => json!({"text": name, "owner_stakeholder_id": self.id("stakeholder_id")}),
            "report_follow_up" => json!({"state": "in_progress"}),
            "prepare_ballot" => ballot(),
            "edit_ballot" => json!({"title": name}),
            "cast_vote" => json!({"value": "agree"}),
            "decide_ballot" => json!({"question_id": self.id("question_id"), "on_revision": 3, "kind": "defer",
                "reason": "Lain kali."}),
            "keep_stage_outcomes" => json!({"attendance": [], "votes": [], "close_ballots": [], "decisions": []}),
            "propose_mapping" => {
                json!({"subject": {"kind": "question", "id": self.id("question_id")}, "framework": "CRI",
                "node": "CRI-1.2", "strength": "secondary"})
            }
            "propose_criterion" => json!({"text": name}),
            "edit_criterion" => json!({"text": name}),
            "judge_mapping" | "judge_criterion" => json!({"to": "validated", "reason": "Disepakati."}),
            "draft_statement" => statement(self.id("focus_area_id"), self.id("question_id")),
            "revise_statement" => with(statement(self.id("focus_area_id"), self.id("question_id")), reason),
            "advance_statement" => json!({"to": "proposed", "reason": "Sudah ditanggapi."}),
            "take_position" => json!({"on_revision": 3, "kind": "endorse"}),
            "answer_objection" => json!({"on_revision": 1, "text": "Sudah ditambahkan."}),
            "create_consultation" => consultation(),
            "edit_consultation" => json!({"topic": name}),
            "send_input" => input("KB-3"),
            "send_inputs" => json!({"mode": "all", "items": [input("KB-4"), input("KB-5")]}),
            "correct_input" => json!({"text": "Dibetulkan."}),
            "step_input" => json!({"to": "acknowledged", "reason": "Sudah dibaca."}),
            "decide_input" => decision(),
            "decide_inputs" => json!({"items": [{"input_id": self.id("input_id"), "on_revision": 1}],
                "decision": decision()}),
            "answer_input" => json!({"text": name}),
            "create_webhook" => json!({"url": "https://hooks.example.org/lain", "types": ["question.revise"]}),
            "edit_webhook" => json!({"description": "Untuk dasbor."}),
            "create_webhook_secret" => json!({"keep_old_hours": 24}),
            "skip_webhook_message" => json!({"sequence": 1, "reason": "Rusak."}),
            "replay_webhook_messages" => json!({"from_sequence": 1, "to_sequence": 2, "reason": "Terlewat."}),
            "lock_account"
            | "reset_second_factor"
            | "unlock_account"
            | "confirm_stakeholder"
            | "end_membership"
            | "confirm_membership"
            | "activate_phase"
            | "complete_phase"
            | "retire_focus_area"
            | "validate_question"
            | "retire_question"
            | "open_ballot"
            | "close_ballot"
            | "void_ballot"
            | "rescind_vote"
            | "rescind_decision"
            | "withdraw_mapping"
            | "withdraw_criterion"
            | "withdraw_input"
            | "revoke_client"
            | "revoke_invitation"
            | "adopt_statement"
            | "publish_statement" => reason,
            other => panic!("say what a good body of {other} is"),
        })
    }

    /// A whole request for an operation, except for its `If-Match`.
    pub fn ask<'w>(&self, world: &'w World, who: Who, operation: &Operation) -> Ask<'w> {
        let query = required(operation).iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        let path = self.fill(&operation.path) + if query.is_empty() { "" } else { "?" } + &query.join("&");
        let ask = world.ask(who, operation.method.clone(), &path);
        match self.good(operation) {
            Some(body) if operation.is_patch() => ask.patch(body),
            Some(body) => ask.json(body),
            None => match operation.file() {
                Some((media, _)) => ask.header("content-type", media).bytes(file(&operation.id).into_bytes()),
                None => ask,
            },
        }
    }
}

/// The media types of files that operations take.
pub const FILE: &str = "application/x-ndjson";
pub const SHEET: &str = "text/csv";

fn file(operation: &str) -> String {
    match operation {
        "import_inputs" => format!("{}\n", input("KB-6")),
        "import_stakeholders" => "name.id,kind\nLembaga Baru,media\n".into(),
        "import_accounts" => "email,name\nseorang@example.org,Seorang\n".into(),
        other => panic!("say what a good file of {other} is"),
    }
}

/// Good values of the query parameters that an operation must have.
pub fn required(operation: &Operation) -> &'static [(&'static str, &'static str)] {
    match operation.id.as_str() {
        "explain_access" => &[("action", "question.revise")],
        "get_coverage" => &[("framework", "CRI")],
        "diff_program" => &[("from", "seq:1")],
        "list_translation_backlog" => &[("lang", "en")],
        _ => &[],
    }
}

/// Takes a thing through these acts, one after the other.
async fn act(world: &World, who: &Who, path: &str, acts: &[(&str, Value)]) {
    for (act, body) in acts {
        let etag = world.get(who.clone(), path).expect(200).await.etag();
        world.post(who.clone(), &format!("{path}/{act}")).if_match(&etag).json(body.clone()).expect(200).await;
    }
}

/// A ballot without a question.
fn ballot() -> Value {
    json!({"title": {"id": "Setuju?", "en": "Agreed?"}, "method": "consensus", "rule": {"threshold_percent": 60},
        "quorum": 1, "unit": "organization"})
}

/// A call for input of every kind, which is open.
fn consultation() -> Value {
    json!({"topic": {"id": "Jalur evakuasi", "en": "Evacuation routes"}, "participation": "consult",
        "kinds": ["comment", "evidence", "proposal", "objection"], "opens_on": "2026-01-01"})
}

/// An input under this reference of its sender.
fn input(reference: &str) -> Value {
    json!({"kind": "comment", "text": "Jalur evakuasi terputus.", "language": "id", "external_ref": reference})
}

/// A decision on an input.
fn decision() -> Value {
    json!({"kind": "accepted", "text": {"id": "Diterima.", "en": "Accepted."}})
}

/// A statement of one section, which rests on the third revision of a question.
fn statement(area: &str, question: &str) -> Value {
    let basis = json!([{"kind": "question", "id": question, "revision": 3}]);
    json!({"title": {"id": "Status ketahanan"}, "overall": {"text": {"id": "Kota ini tangguh."}},
        "sections": [{"focus_area_id": area, "text": {"id": "Kota siap."}, "basis": basis}]})
}

/// One object with the members of another.
fn with(mut one: Value, other: Value) -> Value {
    one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    one
}

/// The same caller with one token for many requests: in a test build, making and checking tokens is most of the work.
pub fn signed_in(world: &World, who: &Who) -> Who {
    world.token(who).map_or(Nobody, Bearer)
}

/// Fails unless the document knows that the operation can answer this.
#[track_caller]
pub fn is_documented(operation: &Operation, reply: &Reply) {
    let status = reply.status.as_str();
    let known = operation.told["responses"].get(status);
    assert!(known.is_some(), "{}: the document does not say that it answers {status}: {}", operation.id, reply.text);
}
