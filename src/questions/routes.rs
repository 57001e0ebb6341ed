use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    acts::{Merge, Move, QuestionRevision, QuestionTransition, Split},
    model::{NewQuestion, Question, QuestionFilter},
};
use crate::{
    access::{Can, Seen},
    diff::{self, Difference},
    history::{HistoryFilter, HistoryPage},
    idempotency::Repeat,
    page::{ExpandParams, ListParams, Listing, PageParams, View, ViewParams},
    policy::{Action, gate::*},
    problem::{FieldError, Problem},
    programs::ProgramPath,
    reason::Reason,
    routes::Routes,
    seen::IfMatch,
    statements::{self, Impact},
    valid::Valid,
    versioned::{self, Versioned},
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(list)
        .service(ask)
        .service(read)
        .service(history)
        .service(revisions)
        .service(revise)
        .service(revision)
        .service(difference)
        .service(impact)
        .service(review)
        .service(validate)
        .service(relocate)
        .service(merge)
        .service(split)
        .service(retire);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct QuestionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The question's id, or any code that it ever had.
    #[param(max_length = 40, example = "Q-1.1")]
    question_id: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RevisionPath {
    /// The programme's slug.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    #[expect(dead_code, reason = "read by the door")]
    program: String,
    /// The question's id, or any code that it ever had.
    #[param(max_length = 40, example = "Q-1.1")]
    question_id: String,
    /// The number of the revision.
    #[param(minimum = 1, maximum = 2_147_483_647, example = 1)]
    revision: i32,
}

/// A page of questions.
#[derive(Serialize, ToSchema)]
pub struct QuestionPage {
    pub items: Vec<Question>,
    pub next_cursor: Option<String>,
    /// How many there are in all, where `include_total=true` asked.
    pub total: Option<i64>,
}

/// List the questions of a programme
///
/// In the order of their codes, or by `sort`: `code`, `created_at`, `updated_at`; a minus sign turns it round.
#[utoipa::path(
    tag = "questions", operation_id = "list_questions",
    params(ProgramPath, QuestionFilter, PageParams, ViewParams, ListParams<QuestionFilter>),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "A page of questions", body = QuestionPage)),
)]
#[get("/programs/{program}/questions")]
async fn list(can: Can<ReadQuestion>, listing: Listing<QuestionFilter>) -> Result<HttpResponse, Problem> {
    can.list::<Question, _>(listing, Question::list).await
}

/// Ask a new question
///
/// It begins as a draft, with a code of its focus area.
#[utoipa::path(
    tag = "questions", operation_id = "ask_question",
    params(ProgramPath, Repeat),
    request_body = NewQuestion,
    security(("bearer" = [Action::AskQuestion])),
    responses((status = 201, description = "The question, at revision 1", body = Question)),
)]
#[post("/programs/{program}/questions")]
async fn ask(can: Can<AskQuestion>, Valid(new): Valid<NewQuestion>) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Question::ask(tx, new)).await
}

/// Read a question
///
/// By its id or by any code that it ever had. Drafts are not shown to partners.
#[utoipa::path(
    tag = "questions", operation_id = "get_question",
    params(QuestionPath, ViewParams, ExpandParams<Question>),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "The question", body = Question)),
)]
#[get("/programs/{program}/questions/{question_id}")]
async fn read(can: Can<ReadQuestion>, path: web::Path<QuestionPath>, view: View) -> Result<HttpResponse, Problem> {
    can.show_found::<Question>(view, move |conn, reach| Question::identify(conn, reach.ledger, &path.question_id)).await
}

/// Read a question's history
///
/// Its revisions in order, with who made each, for which organisation, when and why.
#[utoipa::path(
    tag = "questions", operation_id = "get_question_history",
    params(QuestionPath, PageParams),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/questions/{question_id}/history")]
async fn history(
    can: Can<ReadQuestion>,
    path: web::Path<QuestionPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Question>(listing, move |conn, reach| Question::identify(conn, reach.ledger, &path.question_id)).await
}

/// List a question's revisions
///
/// The same as its history: every wording that it ever had, under the path by which one more is made.
#[utoipa::path(
    tag = "questions", operation_id = "list_question_revisions",
    params(QuestionPath, PageParams),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "A page of its revisions", body = HistoryPage)),
)]
#[get("/programs/{program}/questions/{question_id}/revisions")]
async fn revisions(
    can: Can<ReadQuestion>,
    path: web::Path<QuestionPath>,
    listing: Listing<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    can.history::<Question>(listing, move |conn, reach| Question::identify(conn, reach.ledger, &path.question_id)).await
}

/// Revise a question
///
/// What the body leaves out stays as it is. A question that was being discussed, validated or found unfit is
/// proposed again; the validated wording stays known as `validated_revision`.
#[utoipa::path(
    tag = "questions", operation_id = "revise_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = QuestionRevision,
    security(("bearer" = [Action::ReviseQuestion])),
    responses(
        (status = 201, description = "The question at its new revision", body = Question),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/revisions")]
async fn revise(
    can: Can<ReviseQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(new): Valid<QuestionRevision>,
) -> Result<HttpResponse, Problem> {
    can.create(move |tx| Question::revise(tx, &path.question_id, seen, new)).await
}

/// Read an earlier revision of a question
///
/// The wording and all else that it was then.
#[utoipa::path(
    tag = "questions", operation_id = "get_question_revision",
    params(RevisionPath),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "The question as it was at that revision", body = Question)),
)]
#[get("/programs/{program}/questions/{question_id}/revisions/{revision}")]
async fn revision(can: Can<ReadQuestion>, path: web::Path<RevisionPath>) -> Result<HttpResponse, Problem> {
    let number = path.revision;
    can.show_revision::<Question>(number, move |conn, reach| Question::identify(conn, reach.ledger, &path.question_id))
        .await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiffQuery {
    /// The revision to compare with; the one before where it is left out.
    #[param(minimum = 1, maximum = 2_147_483_647, example = 1)]
    from: Option<i32>,
}

/// Compare two revisions of a question
///
/// Field by field; a list is one field.
#[utoipa::path(
    tag = "questions", operation_id = "diff_question_revisions",
    params(RevisionPath, DiffQuery),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "What differs", body = Difference)),
)]
#[get("/programs/{program}/questions/{question_id}/revisions/{revision}/diff")]
async fn difference(
    can: Can<ReadQuestion>,
    path: web::Path<RevisionPath>,
    query: web::Query<DiffQuery>,
) -> Result<HttpResponse, Problem> {
    let (to, from) = (path.revision, query.from.unwrap_or(path.revision - 1));
    if from < 1 {
        return Err(Problem::InvalidQuery(vec![FieldError::new(
            "?from",
            "too_small",
            "revisi pertama tidak punya pendahulu",
            "there is no revision before the first",
        )]));
    }
    let difference = can
        .snapshot(move |conn, reach| {
            let id = Question::identify(conn, reach.ledger, &path.question_id)?;
            let mut at = |number| {
                let stored = Question::numbered(conn, reach.ledger, id, number)?.ok_or(Problem::NotFound)?;
                if versioned::hidden::<Question>(reach, &stored) {
                    return Err(Problem::NotFound);
                }
                versioned::parse(&stored.body)
            };
            let (before, after) = (at(from)?, at(to)?);
            Ok(Difference { from, to, changes: diff::fields(&before, &after) })
        })
        .await?;
    can.answer(&difference)
}

/// Read which statements rest on a question
///
/// On which revision of it, and in which section: those that the caller sees.
#[utoipa::path(
    tag = "questions", operation_id = "get_question_impact",
    params(QuestionPath),
    security(("bearer" = [Action::ReadQuestion])),
    responses((status = 200, description = "The statements", body = Impact)),
)]
#[get("/programs/{program}/questions/{question_id}/impact")]
async fn impact(can: Can<ReadQuestion>, path: web::Path<QuestionPath>) -> Result<HttpResponse, Problem> {
    let impact = can
        .snapshot(move |conn, reach| {
            let id = Question::identify(conn, reach.ledger, &path.question_id)?;
            let open = Question::open(conn, reach.ledger, id)?;
            open.filter(|open| !versioned::hidden::<Question>(reach, open)).ok_or(Problem::NotFound)?;
            statements::impact(conn, reach, id)
        })
        .await?;
    can.answer(&impact)
}

/// Take a plain step of a question's life cycle
///
/// To `proposed` from draft or in_review, to `in_review` from proposed, to `not_fitting` from proposed, in_review
/// or validated.
#[utoipa::path(
    tag = "questions", operation_id = "review_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = QuestionTransition,
    security(("bearer" = [Action::ReviewQuestion])),
    responses(
        (status = 200, description = "The question in its new state", body = Question),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/transitions")]
async fn review(
    can: Can<ReviewQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(step): Valid<QuestionTransition>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::review(tx, &path.question_id, seen, step)).await
}

/// Validate a question's wording outside a session
///
/// Its wording is found right: the revision is kept as `validated_revision`.
#[utoipa::path(
    tag = "questions", operation_id = "validate_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::ValidateQuestion])),
    responses(
        (status = 200, description = "The question, validated", body = Question),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/validation")]
async fn validate(
    can: Can<ValidateQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::validate(tx, &path.question_id, seen, why)).await
}

/// Move a question to another focus area
///
/// It keeps its id and gets a code of the new focus area; the old code still finds it. It is proposed again.
#[utoipa::path(
    tag = "questions", operation_id = "move_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = Move,
    security(("bearer" = [Action::ReorganizeQuestion])),
    responses(
        (status = 200, description = "The question under its new code", body = Question),
        (status = 409, description = "Its state does not allow it, or it is there already"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/move")]
async fn relocate(
    can: Can<ReorganizeQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(to): Valid<Move>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::relocate(tx, &path.question_id, seen, to)).await
}

/// Merge a question into another
///
/// It ends; the other goes on unchanged.
#[utoipa::path(
    tag = "questions", operation_id = "merge_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = Merge,
    security(("bearer" = [Action::ReorganizeQuestion])),
    responses(
        (status = 200, description = "The question, merged", body = Question),
        (status = 409, description = "One of the two has ended"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/merge")]
async fn merge(
    can: Can<ReorganizeQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(into): Valid<Merge>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::merge(tx, &path.question_id, seen, into)).await
}

/// Split a question into several
///
/// It ends; the new ones begin as proposed, with codes of the same focus area.
#[utoipa::path(
    tag = "questions", operation_id = "split_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = Split,
    security(("bearer" = [Action::ReorganizeQuestion])),
    responses(
        (status = 200, description = "The question, split, with the ids of the new ones", body = Question),
        (status = 409, description = "Its state does not allow it"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/split")]
async fn split(
    can: Can<ReorganizeQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(parts): Valid<Split>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::split(tx, &path.question_id, seen, parts)).await
}

/// Retire a question
///
/// It is no longer asked. It stays readable, with the reason.
#[utoipa::path(
    tag = "questions", operation_id = "retire_question",
    params(QuestionPath, IfMatch, Repeat),
    request_body = Reason,
    security(("bearer" = [Action::ReorganizeQuestion])),
    responses(
        (status = 200, description = "The question, retired", body = Question),
        (status = 409, description = "It has ended already"),
    ),
)]
#[post("/programs/{program}/questions/{question_id}/retirement")]
async fn retire(
    can: Can<ReorganizeQuestion>,
    path: web::Path<QuestionPath>,
    seen: Seen,
    Valid(why): Valid<Reason>,
) -> Result<HttpResponse, Problem> {
    can.change(move |tx| Question::retire(tx, &path.question_id, seen, why)).await
}
