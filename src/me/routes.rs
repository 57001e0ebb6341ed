use actix_web::{HttpResponse, get, http::header, patch, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    explain::{Explanation, Rule, explain},
    tasks::{self, Tasks},
};
use crate::{
    access::{Myself, Public, Seen},
    access_review,
    accounts::{Account, OwnContent},
    db::Id,
    limits::LimitStanding,
    policy::{Action, Role, gate::*},
    problem::{FieldError, Problem},
    routes::Routes,
    second_factor,
    seen::IfMatch,
    valid::Patch,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(read)
        .service(edit)
        .service(memberships)
        .service(own_tasks)
        .service(own_limits)
        .service(explained)
        .service(matrix);
    super::sign_ins::routes(api);
    super::credentials::routes(api);
    second_factor::routes(api);
    access_review::routes(api);
}

/// Your own account.
#[derive(Serialize, ToSchema)]
pub struct OwnAccount {
    #[serde(flatten)]
    account: Account,
    /// Whether a role of yours counts only where the sign-in has shown a second factor.
    second_factor_required: bool,
    /// How many recovery codes are left.
    #[schema(minimum = 0, maximum = 10)]
    recovery_codes_left: i64,
}

/// Read your own account
///
/// With the ETag that editing it takes, and whether you need a second factor.
#[utoipa::path(
    tag = "me", operation_id = "get_me",
    security(("bearer" = [Action::ReadMe])),
    responses(
        (status = 200, description = "Your account", body = OwnAccount),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[get("/me")]
async fn read(myself: Myself<ReadMe>) -> Result<HttpResponse, Problem> {
    if myself.1.machine.is_some() {
        return Err(Problem::ForPeople);
    }
    let (account, service) = (myself.reach.account, myself.service());
    let required = myself.1.holds_any(service.settings.second_factor, service.clock.now());
    myself
        .show_with::<Account>(account, move |conn| {
            let left = second_factor::codes_left(conn, account)?;
            Ok(format!("\"second_factor_required\":{required},\"recovery_codes_left\":{left}"))
        })
        .await
}

/// Edit your own account
///
/// Your name, the language that the service writes to you in, and whether it writes every morning of what waits for you
/// (`digest`). A merge patch (RFC 7396).
#[utoipa::path(
    tag = "me", operation_id = "edit_me",
    params(IfMatch),
    request_body(content = OwnContent, content_type = "application/merge-patch+json"),
    security(("bearer" = [Action::EditMe])),
    responses(
        (status = 200, description = "Your account at its new revision", body = Account),
        (status = 403, description = "`for-people`: you are a client"),
    ),
)]
#[patch("/me")]
async fn edit(myself: Myself<EditMe>, seen: Seen, patch: Patch<OwnContent>) -> Result<HttpResponse, Problem> {
    myself.change(move |tx| Account::edit_own(tx, seen, patch)).await
}

/// What you may ask, and what is left of it.
#[derive(Serialize, ToSchema)]
pub struct OwnLimits {
    /// None where the operator set none.
    pub policies: Vec<LimitStanding>,
}

/// See what you may ask
///
/// How many requests your account or client may send in a minute and in a day, and how many of them are left. Every answer says the
/// same in `RateLimit-Policy` and `RateLimit`. Each instance of the service counts by itself; answers with 304 do not count.
#[utoipa::path(
    tag = "me", operation_id = "get_my_limits",
    security(("bearer" = [Action::ReadMe])),
    responses((status = 200, description = "Your limits", body = OwnLimits)),
)]
#[get("/me/limits")]
async fn own_limits(myself: Myself<ReadMe>) -> Result<HttpResponse, Problem> {
    let service = myself.service();
    let policies = service.limits.standing(&myself.1.who(), service.clock.now());
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(OwnLimits { policies }))
}

/// A membership of your own.
#[derive(Serialize, ToSchema)]
pub struct OwnMembership {
    pub membership_id: Id,
    #[schema(example = "jakarta-berketahanan")]
    pub program: String,
    pub role: Role,
    /// The organisation that you act for there.
    pub stakeholder_id: Id,
    pub from_on: chrono::NaiveDate,
    pub until_on: Option<chrono::NaiveDate>,
    /// Whether it holds today, in the programme's time zone.
    pub holds_today: bool,
}

/// Your own memberships.
#[derive(Serialize, ToSchema)]
pub struct OwnMemberships {
    pub items: Vec<OwnMembership>,
}

/// List your own memberships
///
/// Those that are open, in every programme.
#[utoipa::path(
    tag = "me", operation_id = "list_my_memberships",
    security(("bearer" = [Action::ReadMe])),
    responses((status = 200, description = "Your memberships", body = OwnMemberships)),
)]
#[get("/me/memberships")]
async fn memberships(myself: Myself<ReadMe>) -> Result<HttpResponse, Problem> {
    let now = myself.service().clock.now();
    let items = myself.1.all_memberships().map(|held| OwnMembership {
        membership_id: held.id,
        program: held.slug.to_string(),
        role: held.role,
        stakeholder_id: held.stakeholder,
        from_on: held.from_on,
        until_on: held.until_on,
        holds_today: held.holds(now),
    });
    myself.answer(&OwnMemberships { items: items.collect() })
}

/// Read what waits for you
///
/// In each programme of yours: ballots to vote in, positions to take or renew, follow-ups and inputs with their dates,
/// decisions, answers, adoptions and publications that only you can give. What is due first stands first.
#[utoipa::path(
    tag = "me", operation_id = "list_own_tasks",
    security(("bearer" = [Action::ReadMe])),
    responses((status = 200, description = "What waits for you", body = Tasks)),
)]
#[get("/me/tasks")]
async fn own_tasks(myself: Myself<ReadMe>) -> Result<HttpResponse, Problem> {
    let (caller, now) = (myself.1.clone(), myself.service().clock.now());
    let tasks = myself.snapshot(move |conn, _| tasks::read(conn, &caller, now)).await?;
    myself.answer(&tasks)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// An action's name, as in the access matrix.
    #[param(required = true, min_length = 1, max_length = 100, example = "question.revise")]
    action: Option<String>,
    /// The programme's slug; left out for what all programmes share.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    on: Option<String>,
}

/// Explain a right
///
/// Which rule it is, which of your memberships grants it or would, and which role is missing.
#[utoipa::path(
    tag = "access", operation_id = "explain_access",
    params(ExplainQuery),
    security(("bearer" = [Action::ExplainAccess])),
    responses(
        (status = 200, description = "Why the right is held or missing", body = Explanation),
        (status = 404, description = "You are no member of that programme, or there is none"),
    ),
)]
#[get("/access/explain")]
async fn explained(myself: Myself<ExplainAccess>, query: web::Query<ExplainQuery>) -> Result<HttpResponse, Problem> {
    let action = query.action.as_deref().and_then(Action::named).ok_or_else(|| {
        Problem::InvalidQuery(vec![FieldError::new(
            "?action",
            "unknown",
            "sebutkan nama tindakan dari matriks akses",
            "give the name of an action of the access matrix",
        )])
    })?;
    let on = query.on.as_deref().filter(|slug| !slug.is_empty());
    let explanation = explain(&myself.1, action, on, myself.service().clock.now())?;
    myself.answer(&explanation)
}

/// One operation and who may call it.
#[derive(Serialize, ToSchema)]
pub struct MatrixRow {
    #[schema(example = "revise_question")]
    pub operation_id: String,
    #[schema(example = "POST")]
    pub method: String,
    pub path: String,
    /// Null for what needs no sign-in.
    pub rule: Option<Rule>,
}

/// Who may do what.
#[derive(Serialize, ToSchema)]
pub struct Matrix {
    pub items: Vec<MatrixRow>,
}

/// Read who may do what
///
/// Every operation with the rule that it asks for: the whole access policy.
#[utoipa::path(
    tag = "access", operation_id = "get_access_matrix",
    responses((status = 200, description = "The access matrix", body = Matrix)),
)]
#[get("/access/matrix")]
async fn matrix(public: Public) -> HttpResponse {
    let rows = public.service().operations.all().iter().map(|operation| MatrixRow {
        operation_id: operation.id.clone(),
        method: operation.method.clone(),
        path: operation.path.clone(),
        rule: operation.action.map(Rule::of),
    });
    HttpResponse::Ok().insert_header(("cache-control", "public, max-age=300")).json(Matrix { items: rows.collect() })
}
