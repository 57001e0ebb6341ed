use std::collections::BTreeSet;

use actix_web::body::to_bytes;
use serde_json::{Value, json};

use super::*;

fn every() -> Vec<Problem> {
    let error = || FieldError::new("/slug", "taken", "sudah dipakai", "is in use");
    vec![
        Problem::Unauthenticated,
        Problem::InvalidToken,
        Problem::InvalidCredentials,
        Problem::CodeRequired,
        Problem::SecondFactorRequired,
        Problem::StepUpRequired,
        Problem::Forbidden { action: "question.revise", on: "programs/jakarta".into() },
        Problem::CannotGrant(vec!["statement.adopt"]),
        Problem::NotFound,
        Problem::malformed("Tidak terbaca.", "Not readable."),
        Problem::InvalidQuery(vec![error()]),
        Problem::BadCursor,
        Problem::BadAsOf("yesterday".into()),
        Problem::ViewChanged { snapshot: Some("/api/v1/programs/jakarta/snapshot".into()) },
        Problem::MethodNotAllowed(vec!["GET".into(), "PATCH".into()]),
        Problem::NotAcceptable(vec!["application/json"]),
        Problem::UnsupportedMediaType("application/json"),
        Problem::TooLarge(1 << 20),
        Problem::Invalid(vec![error()]),
        Problem::KeyReused,
        Problem::Taken(error()),
        Problem::WrongState { action: "question.revise", state: "merged".into() },
        Problem::LastHolder("lead"),
        Problem::Conflict(error()),
        Problem::NotOwnOrganization,
        Problem::ForPeople,
        Problem::NotInElectorate,
        Problem::BallotNotOpen { state: "closed".into() },
        Problem::RuleFrozen,
        Problem::NoQuorum { needed: 8, cast: 5 },
        Problem::OutcomeConflicts(vec![error()]),
        Problem::OtherEdition(error()),
        Problem::ForeignBasis(vec![error()]),
        Problem::GateNotClear(Vec::new()),
        Problem::AlreadyPublished,
        Problem::ExternalRefTaken { existing: "/api/v1/programs/jakarta/inputs/1".into() },
        Problem::InputWithdrawn { existing: "/api/v1/programs/jakarta/inputs/1".into(), at: DateTime::UNIX_EPOCH },
        Problem::Stale { revision: 4, etag: "\"4.abc\"".into() },
        Problem::PreconditionRequired,
        Problem::TooManyRequests { retry_after_s: 7 },
        Problem::Busy { retry_after_s: 1 },
        Problem::Stopping,
        Problem::internal("the disk is on fire"),
    ]
}

async fn body(response: HttpResponse) -> Value {
    let bytes = to_bytes(response.into_body()).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

#[test]
fn every_problem_has_a_page_in_both_languages() {
    let names: BTreeSet<_> = every().iter().map(Problem::name).collect();
    let written: BTreeSet<_> = pages().iter().map(|page| page.name).collect();
    assert_eq!(names, written);
    assert_eq!(pages().len(), written.len());
    for problem in every() {
        let page = page(problem.name()).unwrap();
        assert_eq!(page.status, problem.status_code().as_u16(), "{}", page.name);
        for (id, en) in [page.title, page.meaning, page.remedy] {
            assert!(!id.is_empty() && !en.is_empty() && id != en, "{}", page.name);
        }
        let detail = problem.detail();
        assert!(!detail.id.is_empty() && !detail.en.is_empty() && detail.id != detail.en);
        let html = html(page.name, Lang::Id).unwrap();
        assert!(html.contains("<html lang=\"id\">") && html.contains(page.name));
    }
    assert_eq!(html("no-such", Lang::En), None);
}

#[test]
fn the_language_is_looked_up_by_quality() {
    for (header, lang) in [
        (None, Lang::En),
        (Some(""), Lang::En),
        (Some("id"), Lang::Id),
        (Some("id-ID,id;q=0.9,en;q=0.8"), Lang::Id),
        (Some("en;q=0.5, ID-Latn-ID;q=0.7"), Lang::Id),
        (Some("in-ID"), Lang::Id),
        (Some("id;q=0, fr"), Lang::En),
        (Some("fr, *;q=0.9, id;q=0.1"), Lang::Id),
        (Some("*"), Lang::En),
        (Some("id;q=x"), Lang::En),
        (Some("en, id"), Lang::En),
    ] {
        assert_eq!(Lang::of(header), lang, "{header:?}");
    }
}

#[actix_web::test]
async fn an_answer_names_request_language_and_particulars() {
    let problem = Problem::Forbidden { action: "question.revise", on: "a/b&c".into() };
    let response = problem.respond(Lang::Id, "/api/v1/x", "r-1");
    assert_eq!(header(&response, "content-language"), "id");
    assert_eq!(header(&response, "content-type"), MEDIA_TYPE);
    assert_eq!(
        body(response).await,
        json!({
            "type": "/problems/forbidden",
            "title": "Tidak diizinkan",
            "status": 403,
            "detail": "Peran Anda tidak mengizinkan question.revise pada a/b&c.",
            "instance": "/api/v1/x",
            "request_id": "r-1",
            "explain": "/api/v1/access/explain?action=question.revise&on=a%2Fb%26c",
        })
    );

    let problem = Problem::Stale { revision: 4, etag: "\"4.abc\"".into() };
    let response = problem.respond(Lang::En, "/x", "r");
    assert_eq!(header(&response, "etag"), "\"4.abc\"");
    let body = body(response).await;
    assert_eq!(body["current_revision"], 4);
    assert_eq!(body["current_etag"], "\"4.abc\"");
}

#[actix_web::test]
async fn without_the_middleware_it_is_english_and_leaves_itself_behind() {
    let response = Problem::NotFound.error_response();
    let left = response.extensions().get::<Problem>().cloned();
    assert!(matches!(left, Some(Problem::NotFound)));
    assert_eq!(header(&response, "content-language"), "en");
    assert_eq!(body(response).await.get("instance"), None);
}

#[actix_web::test]
async fn a_middleware_finds_the_problem_of_a_handler() {
    use actix_web::{App, dev::Service, test, web};

    let app = App::new()
        .wrap_fn(|request, service| {
            let answer = service.call(request);
            async {
                let answer = answer.await?;
                let problem = answer.response().extensions().get::<Problem>().cloned();
                Ok(match problem {
                    Some(problem) => {
                        let path = answer.request().path().to_owned();
                        answer.into_response(problem.respond(Lang::Id, &path, "r"))
                    }
                    None => answer,
                })
            }
        })
        .route("/x", web::get().to(async || Err::<String, _>(Problem::BadCursor)));
    let app = test::init_service(app).await;
    let request = test::TestRequest::get().uri("/x?cursor=1").to_request();
    let answer: Value = test::call_and_read_body_json(&app, request).await;
    assert_eq!(answer["title"], "Kursor tidak dapat dipakai");
    assert_eq!(answer["instance"], "/x");
}

#[actix_web::test]
async fn headers_follow_the_status() {
    for (problem, name, value) in [
        (Problem::Unauthenticated, "www-authenticate", "Bearer"),
        (Problem::InvalidToken, "www-authenticate", "Bearer error=\"invalid_token\""),
        (Problem::MethodNotAllowed(vec!["GET".into(), "PUT".into()]), "allow", "GET, PUT"),
        (Problem::TooManyRequests { retry_after_s: 7 }, "retry-after", "7"),
        (Problem::Busy { retry_after_s: 2 }, "retry-after", "2"),
    ] {
        assert_eq!(header(&problem.error_response(), name), value);
    }
}

#[actix_web::test]
async fn a_cause_is_never_shown() {
    let response = Problem::internal("the disk is on fire").respond(Lang::En, "/", "r");
    assert!(!body(response).await.to_string().contains("disk"));
    assert!(matches!(Problem::from(DbError::NotFound), Problem::NotFound));
    assert!(matches!(Problem::from(DbError::NotInTransaction), Problem::Internal(_)));
}
