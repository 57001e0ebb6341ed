//! What stands in the way of adopting a statement and of completing a phase.

use futures_util::future::join;
use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting::*, harness::*};

/// The gate, and what adoption says of it, which is the same.
#[track_caller]
fn same(told: &[String], refused: &Reply) {
    assert_eq!((refused.status.as_u16(), refused.problem()), (409, "gate-not-clear"), "{}", refused.text);
    assert_eq!(told, codes(refused));
}

story! {
    async fn each_obstacle_is_listed_and_when_the_last_is_settled_adoption_succeeds(world) {
        let area = world.focus_area().await;
        let other = world.focus_area().await;
        let young = proposed(&world, &area).await;
        let moved = validated(&world, &area).await;
        let rejected = judge(&world, &mapping(&world, &area).await, "rejected").await;
        let mapped = mapping(&world, &area).await;
        let found = criterion(&world).await;
        let closed = closed_ballot(&world, &proposed(&world, &area).await).await;
        let mut body = content(&[section(&area, &[&young, &moved, &mapped, &rejected, &found, &closed])]);
        body["languages"] = json!(["id", "en"]);
        body["framework"] = json!("CRI");
        let statement = draft(&world, &body).await;
        let now = reword(&world, &moved, "Siapa yang terakhir surut?").await;
        let now = validate(&world, &now).await;

        for name in ["dinas", "mitra"] {
            takes_part(&world, name).await;
        }
        let statement = advance(&world, &statement, "in_alignment").await;
        take(&world, Member(Agency), &statement, "dinas", "endorse", None).await.expect(200);
        // A text whose translation is left behind, and one that has none.
        body["sections"][0]["text"]["id"] = json!("Kota belum siap menghadapi banjir.");
        body["overall"]["text"] = json!({"id": "Kota ini tangguh."});
        let statement = revise(&world, &statement, &body).await;
        take(&world, Member(Partner), &statement, "mitra", "object", Some("Belum lengkap.")).await.expect(200);
        let statement = advance(&world, &statement, "proposed").await;
        let mut wanted = vec!["question_not_validated", "basis_moved_on", "mapping_proposed", "mapping_not_validated",
            "criterion_not_validated", "ballot_undecided", "mapping_missing", "section_missing", "mapping_missing",
            "position_stale", "objection_open", "translation_missing", "translation_behind"];
        let told = gate(&world, &statement).await;
        assert_eq!(told, wanted);
        same(&told, &adopt(&world, &statement).await);

        let path = format!("{{p}}/statements/{}/gate", statement.id);
        let read = world.get(Member(Observer), &path).header("accept-language", "id").expect(200).await;
        assert_eq!((&read.body["clear"], read.header("content-language")), (&json!(false), Some("id")));
        let english = world.get(Member(Observer), &path).header("accept-language", "en").expect(200).await;
        for (one, other) in read.body["obstacles"].as_array().unwrap().iter().zip(english.body["obstacles"].as_array().unwrap()) {
            assert_ne!(one["detail"], other["detail"], "{one}");
            let link = one["href"].as_str().unwrap();
            world.get(Member(Observer), &format!("/{link}")).expect(200).await;
        }

        let mut settled = async |statement: &Ref, gone: &[&str]| {
            for code in gone {
                let at = wanted.iter().position(|one| one == code).unwrap_or_else(|| panic!("{code} is settled already"));
                wanted.remove(at);
            }
            let told = gate(&world, statement).await;
            assert_eq!(told, wanted);
            if !told.is_empty() {
                same(&told, &adopt(&world, statement).await);
            }
        };
        let young = validate(&world, &young).await;
        settled(&statement, &["question_not_validated"]).await;
        judge(&world, &mapped, "validated").await;
        settled(&statement, &["mapping_proposed", "mapping_missing"]).await;
        judge(&world, &found, "validated").await;
        settled(&statement, &["criterion_not_validated"]).await;
        decide(&world, &closed).await;
        settled(&statement, &["ballot_undecided"]).await;
        let elsewhere = mapping(&world, &other).await;
        judge(&world, &elsewhere, "validated").await;
        settled(&statement, &["mapping_missing"]).await;
        let answer = json!({"text": "Sudah ditambahkan.", "on_revision": 1});
        let place = format!("{{p}}/statements/{}/positions/{}/answer", statement.id, world.seed.stakeholders["mitra"]);
        world.post(Member(Lead), &place).json(answer).expect(200).await;
        settled(&statement, &["objection_open"]).await;
        take(&world, Member(Agency), &statement, "dinas", "endorse", None).await.expect(200);
        settled(&statement, &["position_stale"]).await;

        // What is wrong with the text itself takes a new text, which makes the endorsement stale.
        let third = validated(&world, &other).await;
        body = content(&[section(&area, &[&young, &now, &mapped, &found, &closed]), section(&other, &[&third])]);
        body["sections"][0]["text"]["en"] = json!("The city is ready for floods by now.");
        body["languages"] = json!(["id", "en"]);
        body["framework"] = json!("CRI");
        let statement = revise(&world, &statement, &body).await;
        assert_eq!(gate(&world, &statement).await, ["position_stale"]);
        take(&world, Member(Agency), &statement, "dinas", "endorse_with_reservation", Some("Dengan catatan.")).await.expect(200);
        let statement = advance(&world, &statement, "proposed").await;
        assert!(gate(&world, &statement).await.is_empty());
        let adopted = adopt(&world, &statement).await.expect(200);
        assert_eq!(adopted.body["adopted"]["overridden"], json!([]));
        world.verify();
    }
}

story! {
    async fn a_reason_to_override_a_clear_gate_is_not_kept(world) {
        let area = world.focus_area().await;
        let question = validated(&world, &area).await;
        let statement = proposed_statement(&world, &content(&[section(&area, &[&question])])).await;
        let body = json!({"reason": "Ditetapkan.", "override_reason": "Untuk berjaga-jaga."});
        let path = format!("{{p}}/statements/{}/adoption", statement.id);
        let adopted = world.post(Member(Lead), &path).if_match(&statement.etag()).json(body).expect(200).await;
        assert_eq!(adopted.body["adopted"]["override_reason"], Value::Null);
        let rows = world.get(Member(Lead), "{p}/ledger?action=statement.adopt").expect(200).await;
        assert_eq!(rows.items()[0]["reason"], "Ditetapkan.");
        world.verify();
    }
}

/// Numbers that look like chance, and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// Once in this many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A programme with a statement that is proposed, in which chance left some things undone.
async fn programme(world: &World, chance: &mut Chance) -> Ref {
    let mut sections = Vec::new();
    let mut later = Vec::new();
    let framework = chance.once_in(2);
    for _ in 0..1 + chance.below(3) {
        let area = world.focus_area().await;
        let question = proposed(world, &area).await;
        let question = if chance.once_in(8) { question } else { validate(world, &question).await };
        let mapped = mapping(world, &area).await;
        let mapped = match chance.below(12) {
            0 => mapped,
            1 => judge(world, &mapped, "rejected").await,
            _ => judge(world, &mapped, "validated").await,
        };
        let mut basis = vec![&question];
        if chance.once_in(2) {
            basis.push(&mapped);
        }
        if sections.is_empty() || !chance.once_in(8) {
            sections.push(section(&area, &basis));
        }
        later.push((area, question));
    }
    let mut body = content(&sections);
    if framework {
        body["framework"] = json!("CRI");
    }
    body["languages"] = if chance.once_in(2) { json!(["id", "en"]) } else { json!(["id"]) };
    if chance.once_in(6) {
        body["overall"]["text"] = json!({"id": "Kota ini tangguh."});
    }
    let mut statement = proposed_statement(world, &body).await;
    for name in ["dinas", "mitra"] {
        takes_part(world, name).await;
        let kind = ["endorse", "abstain", "object", "endorse_with_reservation"][(chance.below(7) % 4) as usize];
        take(world, Member(Facilitator), &statement, name, kind, Some("Catatan.")).await.expect(200);
        if kind == "object" && !chance.once_in(3) {
            let place = format!("{{p}}/statements/{}/positions/{}/answer", statement.id, world.seed.stakeholders[name]);
            world.post(Member(Lead), &place).json(json!({"text": "Terjawab.", "on_revision": 1})).expect(200).await;
        }
    }
    if chance.once_in(4) {
        body["sections"][0]["text"]["id"] = json!("Bunyi yang baru.");
        statement = revise(world, &statement, &body).await;
        statement = advance(world, &statement, "proposed").await;
        if chance.once_in(2) {
            for name in ["dinas", "mitra"] {
                take(world, Member(Facilitator), &statement, name, "endorse", None).await.expect(200);
            }
        }
    }
    let (area, question) = &later[later.len() - 1];
    match chance.below(10) {
        0 => {
            reword(world, question, "Bunyi lain?").await;
        }
        1 => {
            review(world, question, "not_fitting").await;
        }
        2 => {
            let retired = world.post(Member(Lead), &format!("{{p}}/focus-areas/{area}/retirement"));
            retired.if_match("\"1\"").json(why()).expect(200).await;
        }
        _ => {}
    }
    statement
}

/// Asks the gates of this many programmes of chance, and then adopts.
async fn tries(kind: Kind, from: u64, count: u64) -> (u32, u32) {
    let (mut clear, mut shut) = (0, 0);
    for seed in from..from + count {
        let Some(world) = World::new(kind) else { return (u32::MAX, u32::MAX) };
        let statement = programme(&world, &mut Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))).await;
        let told = gate(&world, &statement).await;
        let reply = adopt(&world, &statement).await;
        if told.is_empty() {
            assert_eq!(reply.status, 200, "seed {seed}: {}", reply.text);
            clear += 1;
        } else {
            assert_eq!((reply.status.as_u16(), codes(&reply)), (409, told), "seed {seed}");
            shut += 1;
        }
    }
    (clear, shut)
}

/// The gate is empty exactly when adoption succeeds.
#[actix_web::test]
async fn a_clear_gate_and_an_adoption_that_succeeds_are_the_same_in_sqlite() {
    let (clear, shut) = tries(Kind::Sqlite, 1, 48).await;
    assert!(clear >= 8 && shut >= 8, "{clear} were clear, {shut} were not");
}

#[actix_web::test]
async fn a_clear_gate_and_an_adoption_that_succeeds_are_the_same_in_postgres() {
    let (clear, shut) = tries(Kind::Postgres, 101, 16).await;
    assert!(clear >= 2 && shut >= 2, "{clear} were clear, {shut} were not");
}

async fn unfit(world: &World, question: &Ref) -> Reply {
    let path = format!("{{p}}/questions/{}/transitions", question.id);
    let body = json!({"to": "not_fitting", "reason": "Ternyata tidak cocok."});
    world.post(Member(Lead), &path).if_match(&question.etag()).json(body).send().await
}

story! {
    async fn no_statement_is_adopted_whose_basis_is_not_validated_however_close_the_race(world) {
        let (area, twin) = (world.focus_area().await, world.twin());
        let rounds = if world.kind == Kind::Postgres { 200 } else { 30 };
        let (mut adopted_first, mut withdrawn_first) = (0, 0);
        for round in 0..rounds {
            let question = validated(&world, &area).await;
            let statement = proposed_statement(&world, &content(&[section(&area, &[&question])])).await;
            // Each of the two has the start of the other in half of the rounds.
            let (adoption, withdrawal) = if round % 2 == 0 {
                join(adopt(&world, &statement), unfit(&twin, &question)).await
            } else {
                let (withdrawal, adoption) = join(unfit(&world, &question), adopt(&twin, &statement)).await;
                (adoption, withdrawal)
            };
            // Nothing stops the withdrawal: whoever is second sees what the first did.
            withdrawal.expect(200);
            if adoption.status != 200 {
                same(&["question_not_validated".into()], &adoption);
                withdrawn_first += 1;
                continue;
            }
            adopted_first += 1;
            // It was validated at the very row that adopted.
            let path = format!("{{p}}/ledger?subject_id={}&sort=-sequence&limit=1", statement.id);
            let row = world.get(Member(Lead), &path).expect(200).await;
            assert_eq!(row.items()[0]["action"], "statement.adopt");
            let path = format!("{{p}}/questions/{}?as_of=seq:{}", question.id, row.items()[0]["sequence"]);
            let then = world.get(Member(Lead), &path).expect(200).await;
            assert_eq!((&then.body["state"], &then.body["revision"]), (&json!("validated"), &json!(question.revision)));
        }
        assert!(adopted_first > 0 && withdrawn_first > 0, "{adopted_first} adopted first, {withdrawn_first} withdrawn first");
        world.verify();
    }
}

story! {
    async fn a_phase_is_completed_when_nothing_is_open_in_it(world) {
        let yields = |state: &str| json!([{"name": {"id": "Laporan", "en": "Report"}, "state": state}]);
        let body = json!({"number": 1, "name": {"id": "Tahap"}, "deliverables": yields("draft")});
        let planned = world.post(Member(Lead), "{p}/phases").json(body).expect(201).await;
        let path = format!("{{p}}/phases/{}", planned.id());
        let active = world.post(Member(Lead), &format!("{path}/activation")).if_match(&planned.etag()).json(why()).expect(200).await;
        let owner = takes_part(&world, "dinas").await;
        let held = event(&world, Some(&planned.id())).await;
        let elsewhere = event(&world, None).await;
        let todo = json!({"text": {"id": "Kirim data"}, "owner_stakeholder_id": owner});
        let todo = world.post(Member(Facilitator), &format!("{{p}}/events/{}/follow-ups", held.id())).json(todo).expect(201).await;
        let question = review(&world, &proposed(&world, &world.focus_area().await).await, "in_review").await;

        let read = async || codes(&world.get(Member(Observer), &format!("{path}/gate")).expect(200).await);
        let complete = |seen: &Reply, body: Value| world.post(Member(Lead), &format!("{path}/completion")).if_match(&seen.etag()).json(body).send();
        let told = read().await;
        assert_eq!(told, ["deliverable_open", "event_open", "follow_up_open", "question_in_review"]);
        same(&told, &complete(&active, why()).await);
        let linked = world.get(Member(Observer), &format!("{path}/gate")).expect(200).await;
        for obstacle in linked.body["obstacles"].as_array().unwrap() {
            world.get(Member(Observer), &format!("/{}", obstacle["href"].as_str().unwrap())).expect(200).await;
        }

        review(&world, &question, "not_fitting").await;
        assert_eq!(read().await, ["deliverable_open", "event_open", "follow_up_open"]);
        let place = format!("{{p}}/events/{}/follow-ups/{}", held.id(), todo.id());
        let begun = world.patch(Member(Agency), &place).if_match(&todo.etag()).patch(json!({"state": "in_progress"})).expect(200).await;
        assert_eq!(read().await, ["deliverable_open", "event_open", "follow_up_open"]);
        world.patch(Member(Agency), &place).if_match(&begun.etag()).patch(json!({"state": "done"})).expect(200).await;
        assert_eq!(read().await, ["deliverable_open", "event_open"]);
        let off = json!({"to": "cancelled", "reason": "Tidak jadi."});
        world.post(Member(Lead), &format!("{{p}}/events/{}/transitions", held.id())).if_match(&held.etag()).json(off).expect(200).await;
        assert_eq!(read().await, ["deliverable_open"]);
        let issued = world.patch(Member(Lead), &path).if_match(&active.etag()).patch(json!({"deliverables": yields("issued")})).expect(200).await;
        assert!(read().await.is_empty(), "an event of no phase does not count: {}", elsewhere.text);
        let completed = complete(&issued, why()).await.expect(200);
        assert_eq!((&completed.body["state"], completed.body.get("override_reason")), (&json!("completed"), None));
        world.get(Neighbour(Lead), &format!("programs/porto/phases/{}/gate", planned.id())).expect(404).await;
        world.verify();
    }
}

story! {
    async fn a_lead_can_complete_a_phase_over_its_gate_with_a_reason_that_is_kept(world) {
        let body = json!({"number": 1, "name": {"id": "Tahap"}, "deliverables": [{"name": {"id": "Buku"}, "state": "planned"}]});
        let planned = world.post(Member(Lead), "{p}/phases").json(body).expect(201).await;
        let path = format!("{{p}}/phases/{}", planned.id());
        let active = world.post(Member(Lead), &format!("{path}/activation")).if_match(&planned.etag()).json(why()).expect(200).await;
        let body = json!({"reason": "Selesai.", "override_reason": "Buku terbit tahun depan."});
        world.post(Member(Secretariat), &format!("{path}/completion")).if_match(&active.etag()).json(body.clone()).expect(403).await;
        let completed = world.post(Member(Lead), &format!("{path}/completion")).if_match(&active.etag()).json(body).expect(200).await;
        assert_eq!(completed.body["override_reason"], "Buku terbit tahun depan.");
        let rows = world.get(Member(Lead), "{p}/ledger?action=phase.complete").expect(200).await;
        assert!(rows.items()[0]["reason"].as_str().unwrap().contains("Buku terbit tahun depan."), "{}", rows.text);
        world.verify();
    }
}
