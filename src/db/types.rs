//! Column types that are native in each database: ids are `uuid` on PostgreSQL and text in SQLite,
//! instants are `timestamptz` and RFC 3339 text with microseconds, which sorts as time does.

use chrono::{DateTime, Datelike, SecondsFormat, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Text, Timestamptz},
    sqlite::Sqlite,
};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};
use uuid::Uuid;

use super::Backend;

pub mod sql {
    use diesel::{
        query_builder::QueryId,
        sql_types::{HasSqlType, SqlOrd, SqlType},
    };

    use super::Backend;

    /// `uuid` on PostgreSQL, hyphenated lower-case text in SQLite.
    #[derive(SqlType, QueryId, Clone, Copy, Debug)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Text"))]
    pub struct Id;

    /// `timestamptz` on PostgreSQL, text in SQLite; microseconds on both.
    #[derive(SqlType, QueryId, Clone, Copy, Debug)]
    #[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Text"))]
    pub struct Instant;

    macro_rules! on_both {
        ($($name:ident)+) => {$(
            impl HasSqlType<$name> for Backend {
                fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                    Backend::lookup_sql_type::<$name>(lookup)
                }
            }
            impl SqlOrd for $name {}
        )+};
    }
    on_both!(Id Instant);
}

/// The id of a thing: a UUIDv7, so that ids sort by when they were made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow, Serialize, Deserialize,
)]
#[diesel(sql_type = sql::Id)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl Id {
    /// The platform's ledger.
    pub const NIL: Id = Id(Uuid::nil());

    /// A new one.
    pub fn new() -> Id {
        Id(Uuid::now_v7())
    }

    pub fn parse(text: &str) -> Option<Id> {
        Uuid::try_parse(text).ok().map(Id)
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).into()
    }
}

impl ToSchema for Id {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

/// An instant on its way to or from the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Instant)]
pub struct At(pub DateTime<Utc>);

impl At {
    /// Years have four digits: only then does the text sort as time does. What lies beyond, a filter may name.
    fn storable(&self) -> DateTime<Utc> {
        match self.0.year() {
            ..0 => FIRST,
            0..=9999 => self.0,
            _ => LAST,
        }
    }
}

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
const FIRST: DateTime<Utc> = DateTime::from_timestamp_micros(-62_167_219_200_000_000).unwrap();
const LAST: DateTime<Utc> = DateTime::from_timestamp_micros(253_402_300_799_999_999).unwrap();

impl From<At> for DateTime<Utc> {
    fn from(At(at): At) -> DateTime<Utc> {
        at
    }
}

impl From<DateTime<Utc>> for At {
    fn from(at: DateTime<Utc>) -> At {
        At(at)
    }
}

macro_rules! on_both {
    ($($rust:ty as $sql:expr, $sql_type:ty;)+) => {$(
        impl ToSql<$sql_type, Backend> for $rust {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Backend>) -> serialize::Result {
                out.set_value(($sql, self));
                Ok(IsNull::No)
            }
        }
        impl FromSql<$sql_type, Backend> for $rust {
            fn from_sql(value: <Backend as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<Self, $sql_type>()
            }
        }
    )+};
}
on_both! {
    Id as sql::Id, sql::Id;
    At as sql::Instant, sql::Instant;
}

impl ToSql<sql::Id, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&self.0, out)
    }
}
impl FromSql<sql::Id, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<diesel::sql_types::Uuid, Pg>::from_sql(value).map(Id)
    }
}
impl ToSql<sql::Id, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.hyphenated().to_string());
        Ok(IsNull::No)
    }
}
impl FromSql<sql::Id, Sqlite> for Id {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Id(Uuid::try_parse(&text)?))
    }
}

impl ToSql<sql::Instant, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamptz, Pg>::to_sql(&self.storable(), &mut out.reborrow())
    }
}
impl FromSql<sql::Instant, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Timestamptz, Pg>::from_sql(value).map(At)
    }
}
impl ToSql<sql::Instant, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(instant_text(&self.storable()));
        Ok(IsNull::No)
    }
}
impl FromSql<sql::Instant, Sqlite> for At {
    fn from_sql(value: <Sqlite as diesel::backend::Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(At(text.parse()?))
    }
}

/// An instant as it is written everywhere: RFC 3339, UTC, microseconds.
pub fn instant_text(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Serialises what may be an instant as [`instant_text`].
pub fn serialize_instant_if_any<S: serde::Serializer>(at: &Option<DateTime<Utc>>, to: S) -> Result<S::Ok, S::Error> {
    at.as_ref().map(instant_text).serialize(to)
}

/// Serialises an instant as [`instant_text`].
pub fn serialize_instant<S: serde::Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&instant_text(at))
}
