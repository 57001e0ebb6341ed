//! What was asked, said and done, as one report.

use serde_json::{Value, json};
use tangguh::policy::Role::*;

use crate::{drafting, harness::*, inputs::other_partner};

const PATH: &str = "{p}/asked-said-did";

async fn send(world: &World, who: Who, body: Value) -> String {
    world.post(who, "{p}/inputs").json(body).expect(201).await.id()
}

fn input(reference: &str, more: Value) -> Value {
    let mut body = json!({"kind": "comment", "text": format!("Masukan {reference}."), "language": "id", "external_ref": reference});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn act(world: &World, id: &str, act: &str, body: Value) {
    let path = format!("{{p}}/inputs/{id}");
    let etag = world.get(Member(Lead), &path).expect(200).await.etag();
    world.post(Member(Lead), &format!("{path}/{act}")).if_match(&etag).json(body).expect(200).await;
}

/// The references of what a report tells was said.
fn said(report: &Reply) -> Vec<String> {
    let text =
        |item: &Value| item["text"].as_str().unwrap().trim_start_matches("Masukan ").trim_end_matches('.').to_owned();
    report.items().iter().map(text).collect()
}

struct Told {
    question: drafting::Ref,
    event: String,
    other: Who,
}

/// A question, an event that decided on it, two consultations, and inputs by two organisations.
async fn story(world: &World) -> Told {
    let area = world.focus_area().await;
    let question = drafting::proposed(world, &area).await;
    let ballot = drafting::closed_ballot(world, &question).await;
    let event = world.get(Member(Lead), &format!("{{p}}/ballots/{}", ballot.id)).expect(200).await.body["event_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = async |topic: &str, subjects: Value, event: Value| {
        let body = json!({"topic": {"id": topic, "en": format!("{topic} (en)")}, "participation": "consult", "subjects": subjects,
            "kinds": ["comment", "proposal"], "opens_on": "2026-01-01", "event_id": event});
        world.post(Member(Lead), "{p}/consultations").json(body).expect(201).await.id()
    };
    let asking = call("Tentang pertanyaan", json!([{"kind": "question", "id": question.id}]), Value::Null).await;
    let meeting = call("Tentang acara", json!([]), json!(event)).await;
    let other = other_partner(world).await;
    let about = |id: &str| json!({"subjects": [{"kind": "question", "id": id}]});
    let decided = send(world, Member(Partner), input("tentang", about(&question.id))).await;
    send(world, Member(Partner), input("menjawab", json!({"consultation_id": asking}))).await;
    send(world, other.clone(), input("acara", json!({"consultation_id": meeting}))).await;
    let changed = send(world, other.clone(), input("mengubah", json!({}))).await;
    let aside = send(world, other.clone(), input("disisihkan", about(&question.id))).await;
    send(world, Member(Agency), input("lain", json!({"text": "Masukan lain."}))).await;
    let step = |to: &str| json!({"to": to, "reason": "Sesuai prosedur."});
    act(world, &aside, "transitions", step("quarantined")).await;
    let standing =
        world.get(Member(Lead), &format!("{{p}}/questions/{}", question.id)).expect(200).await.body["revision"].clone();
    for id in [&decided, &changed] {
        act(world, id, "transitions", step("acknowledged")).await;
        let effects = if *id == changed {
            json!([{"kind": "question", "id": question.id, "revision": standing}])
        } else {
            json!([])
        };
        let decision = json!({"kind": "accepted", "reason_code": "already_covered", "text": {"id": "Diterima.", "en": "Accepted <b>."}, "effects": effects});
        act(world, id, "decision", decision).await;
    }
    act(world, &decided, "answer", json!({"text": {"id": "Terima kasih.", "en": "Thank you."}})).await;
    Told { question, event, other }
}

story! {
    async fn a_report_tells_what_was_asked_said_and_done(world) {
        let Told { question, event, other } = story(&world).await;
        let code = world.get(Member(Lead), &format!("{{p}}/questions/{}", question.id)).expect(200).await.body["code"].as_str().unwrap().to_owned();

        let report = world.get(Member(Lead), &format!("{PATH}?question={code}")).expect(200).await;
        assert_eq!(said(&report), ["tentang", "menjawab", "mengubah", "disisihkan"]);
        let body = &report.body;
        assert_eq!((&body["about"]["kind"], &body["about"]["code"], &body["about"]["id"]), (&json!("question"), &json!(code), &json!(question.id)));
        assert_eq!(body["asked"]["consultations"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect::<Vec<_>>(), ["C-1"]);
        assert_eq!(body["asked"]["questions"][0]["code"], json!(code));
        let first = &report.items()[0];
        assert_eq!((&first["organisation"]["name"]["id"], &first["about"][0]["code"], &first["state"]), (&json!("mitra"), &json!(code), &json!("answered")));
        assert_eq!((&first["decision"]["reason_code"], &first["answer"]["text"]["en"]), (&json!("already_covered"), &json!("Thank you.")));
        assert_eq!((&report.items()[1]["consultation"], &report.items()[1]["decision"]), (&json!("C-1"), &Value::Null));
        assert_eq!((&report.items()[2]["effects"][0]["code"], &report.items()[0]["effects"]), (&json!(code), &json!([])));

        let report = world.get(Member(Lead), &format!("{PATH}?event={event}")).expect(200).await;
        assert_eq!(said(&report), ["tentang", "acara", "mengubah", "disisihkan"]);
        assert_eq!(report.body["asked"]["consultations"][0]["code"], "C-2");
        let report = world.get(Member(Lead), PATH).expect(200).await;
        assert_eq!((said(&report).len(), &report.body["about"]["code"]), (6, &json!("jakarta")));

        // Of inputs, everybody sees what they see in the list.
        assert_eq!(said(&world.get(Member(Partner), PATH).expect(200).await), ["tentang", "menjawab"]);
        assert_eq!(said(&world.get(other, PATH).expect(200).await), ["acara", "mengubah", "disisihkan"]);
        assert_eq!(said(&world.get(Member(Observer), PATH).expect(200).await), ["tentang", "menjawab", "acara", "mengubah", "lain"]);
        let draft = world.question().await.id();
        world.get(Member(Partner), &format!("{PATH}?question={draft}")).expect(404).await;
        world.get(Member(Lead), &format!("{PATH}?question=Q-9.9")).expect(404).await;
        world.get(Neighbour(Lead), &format!("programs/porto/asked-said-did?question={}", question.id)).expect(404).await;
        let both = world.get(Member(Lead), &format!("{PATH}?question={code}&event={event}")).expect(400).await;
        assert_eq!(both.pointers(), ["?event"]);
        world.verify();
    }
}

story! {
    async fn a_report_has_pages_and_all_forms(world) {
        story(&world).await;
        let first = world.get(Member(Lead), &format!("{PATH}?limit=4")).expect(200).await;
        assert_eq!(said(&first).len(), 4);
        let link = first.header("link").unwrap();
        let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
        let second = world.get(Member(Lead), &format!("/{next}")).expect(200).await;
        assert_eq!((said(&second), &second.body["next_cursor"], second.header("link")), (vec!["disisihkan".to_owned(), "lain".to_owned()], &Value::Null, None));
        world.get(Member(Lead), PATH).header("if-none-match", &world.get(Member(Lead), PATH).expect(200).await.etag()).expect(304).await;

        let html = world.get(Member(Lead), &format!("{PATH}?lang=en&limit=4")).header("accept", "text/html").expect(200).await;
        assert_eq!((html.header("content-type"), html.header("content-language")), (Some("text/html; charset=utf-8"), Some("en")));
        assert!(html.text.contains("<h1>Asked, said, done</h1>") && html.text.contains("Accepted &lt;b&gt;."), "{}", html.text);
        assert!(html.text.contains("Next page") && html.text.contains("<span lang=\"id\">Masukan tentang.</span>"), "{}", html.text);
        assert!(html.text.contains("already covered") && html.text.contains("Q-1.1 (revision 3)"), "{}", html.text);
        let markdown = world.get(Member(Lead), PATH).header("accept", "text/markdown").expect(200).await;
        assert!(markdown.text.contains("\n## Yang ditanyakan\n") && markdown.text.contains("sudah tercakup"), "{}", markdown.text);

        world.post(Member(Agency), "{p}/inputs").json(input("rumus", json!({"text": "=HYPERLINK(\"https://example.org\")\nDua baris."}))).expect(201).await;
        let csv = world.get(Member(Lead), &format!("{PATH}?lang=en")).header("accept", "text/csv").expect(200).await;
        assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
        let lines: Vec<&str> = csv.text.split("\r\n").collect();
        assert!(lines[0].starts_with("code,organisation,kind,received_at,consultation,about,text,"));
        assert_eq!(lines.len(), 9, "{}", csv.text);
        assert!(lines[1].starts_with("I-1,mitra,comment,2026-01-15T02:00:00.000000Z,,Q-1.1,Masukan tentang.,id,,answered,2026-02-14,accepted,already_covered,Accepted <b>.,"), "{}", lines[1]);
        assert!(lines[4].contains("Q-1.1@3"), "{}", lines[4]);
        assert!(lines[7].contains("\"'=HYPERLINK(\"\"https://example.org\"\")\nDua baris.\""), "{}", lines[7]);
        world.get(Member(Lead), PATH).header("accept", "image/png").expect(406).await;
        let none = world.get(Member(Facilitator), &format!("{PATH}?lang=en")).header("accept", "text/html").expect(200).await;
        assert!(!none.text.contains("disisihkan"), "{}", none.text);
    }
}

story! {
    async fn a_report_of_nothing_says_so(world) {
        let report = world.get(Member(Partner), PATH).expect(200).await;
        assert_eq!((report.items().len(), &report.body["asked"]), (0, &json!({"consultations": [], "questions": []})));
        let html = world.get(Member(Partner), PATH).header("accept", "text/html").expect(200).await;
        assert!(html.text.contains("Tidak tercatat."), "{}", html.text);
        let csv = world.get(Member(Partner), PATH).header("accept", "text/csv").expect(200).await;
        assert_eq!(csv.text.lines().count(), 1);
    }
}
