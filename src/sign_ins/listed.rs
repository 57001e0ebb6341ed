//! The sign-ins of an account that go on, for its owner and for admins.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    db::{AnyConnection, At, Backend, Id, types},
    page::{Filter, Page},
    problem::Problem,
    schema::sign_ins as t,
    walk,
};

/// A sign-in that goes on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenSignIn {
    pub id: Id,
    #[serde(serialize_with = "types::serialize_instant")]
    pub made_at: DateTime<Utc>,
    /// When its tokens were last renewed: it was used about then, or up to 15 minutes later.
    #[serde(serialize_with = "types::serialize_instant")]
    pub last_used_at: DateTime<Utc>,
    /// When it ends, unless its tokens are renewed before: a week after they were, and no later than 30 days after it began.
    #[serde(serialize_with = "types::serialize_instant")]
    pub expires_at: DateTime<Utc>,
    /// Where it began.
    #[schema(example = "192.0.2.1")]
    pub address: Option<String>,
    /// The beginning of the `User-Agent` that it began with.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")]
    pub user_agent: Option<String>,
    /// Whether this request came with it.
    pub current: bool,
}

/// A page of sign-ins.
#[derive(Serialize, ToSchema)]
pub struct SignInPage {
    pub items: Vec<OpenSignIn>,
    pub next_cursor: Option<String>,
}

/// How to list sign-ins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SignInFilter {}

impl Filter for SignInFilter {}

/// It has neither run out nor been ended.
#[diesel::dsl::auto_type]
fn goes_on(now: At) -> _ {
    t::ended_at.is_null().and(t::expires_at.gt(now))
}

impl OpenSignIn {
    /// The ids of those of an account, in the order in which they began.
    pub fn ids(conn: &mut AnyConnection, account: Id, now: DateTime<Utc>) -> QueryResult<Vec<Id>> {
        t::table.filter(t::account_id.eq(account)).filter(goes_on(At(now))).order(t::id).select(t::id).load(conn)
    }

    /// In the order in which they began, or newest first; `current` is the one that the request came with.
    pub fn list(
        conn: &mut AnyConnection,
        account: Id,
        current: Id,
        page: &Page,
        now: DateTime<Utc>,
    ) -> Result<Vec<OpenSignIn>, Problem> {
        let open = t::table
            .filter(t::account_id.eq(account))
            .filter(goes_on(At(now)))
            .select((t::id, t::made_at, t::rotated_at, t::expires_at, t::address, t::user_agent))
            .into_boxed::<Backend>();
        type Row = (Id, At, At, At, Option<String>, Option<String>);
        let rows: Vec<Row> = walk!(open, page, t::id as Id).load(conn)?;
        let told = rows.into_iter().map(|(id, At(made_at), At(last_used_at), At(expires_at), address, user_agent)| {
            OpenSignIn { id, made_at, last_used_at, expires_at, address, user_agent, current: id == current }
        });
        Ok(told.collect())
    }

    /// Ends one of an account's own; whether it went on.
    pub fn end(conn: &mut AnyConnection, account: Id, id: Id, now: DateTime<Utc>) -> QueryResult<bool> {
        let ended = diesel::update(t::table.find(id))
            .filter(t::account_id.eq(account))
            .filter(goes_on(At(now)))
            .set((t::ended_at.eq(At(now)), t::end_reason.eq("by_owner")))
            .execute(conn)?;
        Ok(ended == 1)
    }
}

/// How long it is known where a sign-in came from that is over.
const KEPT: TimeDelta = TimeDelta::days(90);

/// Forgets sign-ins that were over long ago: no token of them holds.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    let past = At(now - KEPT);
    diesel::delete(t::table.filter(t::expires_at.lt(past).or(t::ended_at.is_not_null().and(t::ended_at.lt(past)))))
        .execute(conn)
}
