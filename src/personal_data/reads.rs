//! The record of who was shown whose personal data, when, by which operation.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    access::{Person, Reader},
    db::{AnyConnection, At, Backend, Id, types},
    insert_many,
    page::{Filter, Page},
    problem::Problem,
    schema::personal_data_reads as t,
    walk,
};

/// What was shown of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// The name, the address, or the sign-ins of an account.
    Account,
    /// The address that an invitation went to.
    Invitation,
    /// The persons on an organisation's list of attendance who have no account.
    Attendance,
}

impl PersonKind {
    const fn name(self) -> &'static str {
        match self {
            PersonKind::Account => "account",
            PersonKind::Invitation => "invitation",
            PersonKind::Attendance => "attendance",
        }
    }
}

fn told(person: Person) -> (PersonKind, Id) {
    match person {
        Person::Account(id) => (PersonKind::Account, id),
        Person::Invitation(id) => (PersonKind::Invitation, id),
        Person::Attendance(id) => (PersonKind::Attendance, id),
    }
}

/// Keeps whom an answer shows.
pub fn keep(conn: &mut AnyConnection, reader: &Reader, shown: BTreeSet<Person>) -> QueryResult<()> {
    let rows = shown.into_iter().map(told).map(|(kind, person)| {
        (
            t::id.eq(Id::new()),
            t::at.eq(At(reader.at)),
            t::reader_id.eq(reader.id),
            t::key_id.eq(reader.key),
            t::operation.eq(reader.operation.as_str()),
            t::request_id.eq(reader.request_id.as_str()),
            t::person_kind.eq(kind.name()),
            t::person_id.eq(person),
        )
    });
    insert_many!(conn, t::table, rows.collect::<Vec<_>>())
}

/// Somebody's personal data was shown to somebody else.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PersonalDataRead {
    pub id: Id,
    #[serde(serialize_with = "types::serialize_instant")]
    pub at: DateTime<Utc>,
    /// The account that it was shown to, or the client.
    pub reader_id: Id,
    /// The key that a client came with; null for people.
    pub key_id: Option<Id>,
    /// The operation, by its id in the OpenAPI document.
    #[schema(example = "list_accounts")]
    pub operation: String,
    /// The request, as the access log and the ledgers know it.
    pub request_id: String,
    #[schema(value_type = PersonKind)]
    pub person_kind: String,
    /// The account, the invitation, or the attendance that somebody is on the list of.
    pub person_id: Id,
}

/// Which reads to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadFilter {
    /// By this account or client.
    pub reader_id: Option<Id>,
    /// With this key of a client.
    pub key_id: Option<Id>,
    /// Of this account, invitation or attendance.
    pub person_id: Option<Id>,
    /// At this instant or later.
    #[serde(rename = "at.gte")]
    #[param(rename = "at.gte")]
    pub at_gte: Option<DateTime<Utc>>,
    /// Before this instant.
    #[serde(rename = "at.lt")]
    #[param(rename = "at.lt")]
    pub at_lt: Option<DateTime<Utc>>,
}

impl Filter for ReadFilter {
    const SORTS: &'static [&'static str] = &["at"];
}

impl PersonalDataRead {
    /// In the order in which they were, or newest first.
    pub fn list(conn: &mut AnyConnection, filter: &ReadFilter, page: &Page) -> Result<Vec<PersonalDataRead>, Problem> {
        let columns =
            (t::id, t::at, t::reader_id, t::key_id, t::operation, t::request_id, t::person_kind, t::person_id);
        let mut query = t::table.select(columns).into_boxed::<Backend>();
        if let Some(reader) = filter.reader_id {
            query = query.filter(t::reader_id.eq(reader));
        }
        if let Some(key) = filter.key_id {
            query = query.filter(t::key_id.eq(key));
        }
        if let Some(person) = filter.person_id {
            query = query.filter(t::person_id.eq(person));
        }
        if let Some(from) = filter.at_gte {
            query = query.filter(t::at.ge(At(from)));
        }
        if let Some(until) = filter.at_lt {
            query = query.filter(t::at.lt(At(until)));
        }
        type Row = (Id, At, Id, Option<Id>, String, String, String, Id);
        let rows: Vec<Row> = walk!(query, page, t::id as Id).load(conn)?;
        let told =
            rows.into_iter().map(|(id, At(at), reader_id, key_id, operation, request_id, person_kind, person_id)| {
                PersonalDataRead { id, at, reader_id, key_id, operation, request_id, person_kind, person_id }
            });
        Ok(told.collect())
    }
}

/// Forgets what was read longer ago than it is kept.
pub fn sweep(conn: &mut AnyConnection, kept: TimeDelta, now: DateTime<Utc>) -> QueryResult<usize> {
    diesel::delete(t::table.filter(t::at.lt(At(now - kept)))).execute(conn)
}
