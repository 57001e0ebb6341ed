use std::future::Ready;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, get, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::{
    account,
    read::{self, Wish},
    table,
    told::{AccessReviewPage, AccountAccess},
};
use crate::{
    access::Platform,
    csv,
    db::Id,
    memberships::MemberRole,
    page::{AnyOf, AsOf, Filter, Listing, PageParams},
    pages::{Media, accepted},
    policy::{Action, gate::*},
    problem::Problem,
    routes::Routes,
};

pub fn routes(api: &mut Routes<'_>) {
    api.service(review);
}

pub fn account_routes(api: &mut Routes<'_>) {
    api.service(of_account);
}

/// Which memberships to review.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ReviewFilter {
    /// A programme's slug; all that you review where it is left out.
    #[param(max_length = 60, example = "jakarta-berketahanan")]
    program: Option<String>,
    /// Roles, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<MemberRole>>, min_items = 1, max_items = 100)]
    role: Option<AnyOf<MemberRole>>,
    /// For this organisation.
    stakeholder_id: Option<Id>,
    /// Of this account.
    account_id: Option<Id>,
    /// Those that are due for a confirmation, or those that are not.
    due: Option<bool>,
}

impl Filter for ReviewFilter {}

/// The moment that is looked at.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MomentParams {
    /// How it stood at an earlier moment: an RFC 3339 instant, or a day (its end, where each programme is).
    #[param(
        max_length = 40,
        value_type = Option<String>,
        pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+ -][0-9]{2}:[0-9]{2}))?$",
        example = "2026-01-14"
    )]
    as_of: Option<AsOf>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct AccountPath {
    /// The account's id.
    account_id: Id,
}

/// Whether the reader takes a table before JSON.
struct AsTable(bool);

impl FromRequest for AsTable {
    type Error = Problem;
    type Future = Ready<Result<AsTable, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let offered = [Media::NAMES[0], csv::NAME];
        std::future::ready(accepted(request, &offered).map(|chosen| AsTable(chosen == csv::NAME)))
    }
}

/// Review who has access
///
/// Every membership that gives access now or will, or that did at an earlier moment: who holds which role for whom, by which
/// document, when somebody last confirmed it, and when the account last signed in. `due=true` lists those whose beginning or
/// last confirmation was twelve months ago; a month after the service told so (`membership.due`) it ends them. Admins review all programmes, leads and
/// secretariats their own. JSON page by page; as CSV all of it, in which a cell that begins like a formula has an apostrophe
/// before it.
#[utoipa::path(
    tag = "access", operation_id = "review_access",
    params(ReviewFilter, PageParams, MomentParams),
    security(("bearer" = [Action::ReviewAccess])),
    responses(
        (
            status = 200, description = "The review, or a page of it",
            content((AccessReviewPage = "application/json"), (String = "text/csv")),
        ),
        (status = 404, description = "You do not review such a programme, or there is none"),
    ),
)]
#[get("/access/review")]
async fn review(
    can: Platform<ReviewAccess>,
    listing: Listing<ReviewFilter>,
    AsTable(table): AsTable,
) -> Result<HttpResponse, Problem> {
    let Listing { filter, page, view } = listing;
    let now = can.service().clock.now();
    let wish = Wish {
        roles: filter.role.map(|roles| roles.0),
        stakeholder: filter.stakeholder_id,
        account: filter.account_id,
        due: filter.due,
        past: false,
    };
    let (named, as_of) = (filter.program, view.as_of);
    if table {
        let scope = can.snapshot(move |conn, reach| read::scope(conn, reach, named.as_deref(), as_of, now)).await?;
        let rest = table::Rest { scope, wish, lang: can.language(), after: None };
        return Ok(can.stream(csv::MEDIA_TYPE, rest, table::go_on));
    }
    let after = page.after::<String>()?;
    let (asked, limit) = (page.clone(), page.limit + 1);
    let (items, last) = can
        .snapshot(move |conn, reach| {
            let scope = read::scope(conn, reach, named.as_deref(), as_of, now)?;
            let mut found = read::found(conn, &scope, &wish, after, limit)?;
            let last = asked.cut(&mut found).map(|(place, one)| (scope.programs[*place].slug.clone(), one.meta.id));
            Ok((read::tell(conn, reach, &scope, found)?, last))
        })
        .await?;
    let next = last.map(|(slug, id)| page.cursor(can.service(), &json!(slug), id));
    can.page_of(&items, next)
}

/// Read what an account may do
///
/// Each membership in the programmes that you review, what its role allows, and why it gives that or nothing: now, or at an
/// earlier moment. Admins see all programmes, and whether it is an admin itself.
#[utoipa::path(
    tag = "access", operation_id = "get_account_access",
    params(AccountPath, MomentParams),
    security(("bearer" = [Action::ReviewAccess])),
    responses((status = 200, description = "What it may do, and why", body = AccountAccess)),
)]
#[get("/accounts/{account_id}/access")]
async fn of_account(
    can: Platform<ReviewAccess>,
    path: web::Path<AccountPath>,
    moment: web::Query<MomentParams>,
) -> Result<HttpResponse, Problem> {
    let (as_of, now) = (moment.as_of, can.service().clock.now());
    let told = can.snapshot(move |conn, reach| account::read(conn, reach, path.account_id, as_of, now)).await?;
    can.answer(&told)
}
