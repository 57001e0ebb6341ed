//! What was sent and what came back: a log that is kept for thirty days.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    client::{Answer, Answered},
    message::Message,
};
use crate::{
    db::{AnyConnection, At, Backend, Id},
    page::{AnyOf, Filter, Page},
    problem::Problem,
    schema::webhook_attempts as t,
    walk,
};

const KEPT: TimeDelta = TimeDelta::days(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookAttemptState {
    Succeeded,
    Failed,
}

impl WebhookAttemptState {
    pub const fn name(self) -> &'static str {
        match self {
            WebhookAttemptState::Succeeded => "succeeded",
            WebhookAttemptState::Failed => "failed",
        }
    }
}

/// A message that was sent once, and what came back.
#[derive(Clone, Debug, Serialize, Queryable, Selectable, Insertable, ToSchema)]
#[diesel(table_name = t, check_for_backend(Backend), treat_none_as_default_value = false)]
pub struct WebhookAttempt {
    pub id: Id,
    pub webhook_id: Id,
    /// Goes up by one with each attempt of the webhook.
    #[schema(minimum = 1)]
    pub number: i64,
    /// The row of the ledger that the message tells of; null for a test.
    pub sequence: Option<i64>,
    /// The header `webhook-id`: the same in all attempts at a message.
    pub message_id: String,
    /// The type of the event, or `webhook.test`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    #[diesel(deserialize_as = At, serialize_as = At)]
    pub at: DateTime<Utc>,
    #[schema(minimum = 0)]
    pub duration_ms: i32,
    /// `succeeded` or `failed`.
    #[schema(value_type = WebhookAttemptState)]
    pub state: String,
    /// The HTTP status; null where none came.
    pub status: Option<i32>,
    /// Why no status came: `name_not_found`, `address_refused`, `cannot_connect`, `no_trust` (TLS), `timeout`,
    /// `no_answer`; null where one came.
    pub error: Option<String>,
    /// The beginning of what the receiver answered, 1,024 bytes at most.
    pub excerpt: Option<String>,
}

/// Which attempts to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookAttemptFilter {
    /// States, separated by commas.
    #[param(style = Form, explode = false, inline, value_type = Option<Vec<WebhookAttemptState>>, min_items = 1, max_items = 100)]
    pub state: Option<AnyOf<WebhookAttemptState>>,
    /// The row of the ledger that the message tells of.
    #[param(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub sequence: Option<i64>,
}

impl Filter for WebhookAttemptFilter {
    const SORTS: &'static [&'static str] = &["number"];
}

impl WebhookAttempt {
    pub fn of(webhook: Id, number: i64, message: &Message, answered: &Answered, now: DateTime<Utc>) -> WebhookAttempt {
        let answer: Option<&Answer> = answered.result.as_ref().ok();
        let through = answer.is_some_and(|answer| (200..300).contains(&answer.status));
        let state = if through { WebhookAttemptState::Succeeded } else { WebhookAttemptState::Failed };
        WebhookAttempt {
            id: Id::new(),
            webhook_id: webhook,
            number,
            sequence: message.sequence,
            message_id: message.id.clone(),
            kind: message.kind.clone(),
            at: now,
            duration_ms: i32::try_from(answered.took.as_millis()).unwrap_or(i32::MAX),
            state: state.name().into(),
            status: answer.map(|answer| answer.status.into()),
            error: answered.result.as_ref().err().map(|fault| fault.name().into()),
            excerpt: answer.map(|answer| answer.excerpt.clone()).filter(|text| !text.is_empty()),
        }
    }

    pub fn keep(&self, conn: &mut AnyConnection) -> QueryResult<usize> {
        diesel::insert_into(t::table).values(self.clone()).execute(conn)
    }

    /// In the order in which they were made, or newest first.
    pub fn list(
        conn: &mut AnyConnection,
        webhook: Id,
        filter: &WebhookAttemptFilter,
        page: &Page,
    ) -> Result<Vec<WebhookAttempt>, Problem> {
        let mut query =
            t::table.filter(t::webhook_id.eq(webhook)).select(WebhookAttempt::as_select()).into_boxed::<Backend>();
        if let Some(states) = &filter.state {
            query = query.filter(t::state.eq_any(states.0.iter().map(|state| state.name())));
        }
        if let Some(sequence) = filter.sequence {
            query = query.filter(t::sequence.eq(sequence));
        }
        Ok(walk!(query, page, t::number as i64).load(conn)?)
    }
}

/// Forgets attempts that are past their time.
pub fn sweep(conn: &mut AnyConnection, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(t::table.filter(t::at.lt(At(now - KEPT)))).execute(conn)
}
