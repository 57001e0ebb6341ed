//! Things that change under revisions. A resource is an anchor row and its revisions; a revision's
//! content is never updated: a change closes the open row and opens the next. So now is `seq_to is
//! null`, then is `seq_from <= n < seq_to`, history is the rows in order, and a stale `If-Match` is a
//! close that finds no row.
//!
//! Each revision keeps the exact text of what it was: the same text that the ledger's digest covers,
//! and that reads send on without parsing. The columns beside it are what lists filter and sort by.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Text},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    access::Reach,
    db::{AnyConnection, Id},
    localized::{Localized, Translation},
    policy::Action,
    problem::Problem,
};

/// What every resource says of itself beside its content.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// Never changes.
    pub id: Id,
    /// Goes up by one with each change; what `If-Match` compares.
    #[schema(minimum = 1)]
    pub revision: i32,
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub created_at: DateTime<Utc>,
    /// When this revision was made.
    #[serde(serialize_with = "crate::db::types::serialize_instant")]
    pub updated_at: DateTime<Utc>,
    /// Which source revision each translation renders. Empty where nothing is translated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub translations: Vec<Translation>,
    /// What this caller may do with it now. Never stored: it depends on who asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = true)]
    pub allowed_actions: Vec<String>,
}

impl Meta {
    pub fn new(at: DateTime<Utc>) -> Meta {
        Meta { id: Id::new(), revision: 1, created_at: at, updated_at: at, ..Meta::default() }
    }
}

/// A resource as the ledger, history and the generic reads know it.
pub trait Resource: Serialize + DeserializeOwned + Versioned + Send + 'static {
    /// The first half of its actions' names.
    const KIND: &'static str;
    /// Below `/api/v1/`, with `{program}` and `{id}` to be filled in.
    const PATH: &'static str;
    /// Whether it is on the platform's ledger, shared by all programmes.
    const PLATFORM: bool = false;
    /// States in which it is not there any more: it is not found, and only its history tells of it.
    const GONE: &'static [&'static str] = &[];
    /// Actions of another kind of thing that are done to it too: a ballot is opened by running its event.
    const DONE_TO_IT: &'static [Action] = &[];
    /// What `?expand=` can add.
    const EXPANDS: &'static [&'static str] = &[];

    /// Where it stands in its life cycle, or another word that rules look at.
    fn state(&self) -> &str;

    /// Its localized texts, each with the JSON pointer of its place.
    fn texts(&self) -> Vec<(String, &Localized)> {
        Vec::new()
    }

    /// Whether the life cycle allows `action` on something in `state`.
    fn possible(_action: Action, _state: &str) -> bool {
        true
    }

    /// Another kind of thing that this is to this caller, whose actions count too: one's own account is `me`.
    fn also(_reach: &Reach, _stored: &Stored) -> Option<&'static str> {
        None
    }

    /// States that this caller is not shown. Such a thing is not found.
    fn hidden_from(_reach: &Reach) -> &'static [&'static str] {
        &[]
    }

    /// Whether this caller is not shown this one, where that is not a matter of its state alone: then it is not found.
    fn hidden_row(_reach: &Reach, _stored: &Stored) -> bool {
        false
    }

    /// Where it went on, if that is another thing now: whoever asks for this one is sent there.
    fn moved_to(_stored: &Stored) -> Result<Option<Id>, Problem> {
        Ok(None)
    }

    /// What stands behind the ids that the client wants expanded, by name.
    fn expand(
        _conn: &mut AnyConnection,
        _reach: &Reach,
        _stored: &Stored,
        _wanted: &[String],
    ) -> Result<Map<String, Value>, Problem> {
        Ok(Map::new())
    }

    /// Adds what is kept outside the revisions (personal data) to their texts, when they are read by this caller.
    fn complete(_conn: &mut AnyConnection, _reach: &Reach, _rows: &mut [Stored]) -> Result<(), Problem> {
        Ok(())
    }

    /// The value by which a list in this order is sorted, as its cursor holds it.
    fn sort_key(sort: &str, stored: &Stored) -> Result<Value, Problem> {
        Ok(match sort {
            "updated_at" => json!(stored.seq_from),
            _ => json!(stored.id),
        })
    }

    /// The id that paths and `Location` use, where that is not its own.
    fn path_id(&self) -> String {
        self.meta().id.to_string()
    }
}

/// The columns of [`Stored`], for the types of boxed queries.
pub type Columns = (crate::db::sql::Id, Integer, BigInt, Text, Text);

/// One revision as it is stored.
#[derive(Clone, Debug, Queryable)]
pub struct Stored {
    pub id: Id,
    pub revision: i32,
    pub seq_from: i64,
    pub state: String,
    pub body: String,
}

impl Stored {
    /// The organisation that it is of, where it says so.
    pub fn owner(&self) -> Option<Id> {
        #[derive(Deserialize)]
        struct Owned {
            stakeholder_id: Id,
        }
        serde_json::from_str::<Owned>(&self.body).ok().map(|owned| owned.stakeholder_id)
    }
}

/// What a stored text says, as the type that reads of it what it needs. We wrote it: that it cannot be read is our fault.
pub fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Problem> {
    serde_json::from_str(body).map_err(Problem::internal)
}

/// The text of a JSON object with more members behind its own.
pub fn with_members(body: &str, more: &str) -> String {
    format!("{},{more}}}", body.strip_suffix('}').unwrap_or(body))
}

/// Whether the caller is not shown this: then it is not found.
pub fn hidden<R: Resource>(reach: &Reach, stored: &Stored) -> bool {
    let state = stored.state.as_str();
    R::GONE.contains(&state) || R::hidden_from(reach).contains(&state) || R::hidden_row(reach, stored)
}

/// The tables of a resource, and what all revisions have. Written by [`versioned!`] alone.
pub trait Versioned: Sized {
    fn meta(&self) -> &Meta;
    fn meta_mut(&mut self) -> &mut Meta;
    /// The open revision.
    fn open(conn: &mut AnyConnection, ledger: Id, id: Id) -> QueryResult<Option<Stored>>;
    /// The open revisions of several things, in no order.
    fn open_all(conn: &mut AnyConnection, ledger: Id, ids: &[Id]) -> QueryResult<Vec<Stored>>;
    /// The revision that was open after ledger row `sequence`.
    fn open_at(conn: &mut AnyConnection, ledger: Id, id: Id, sequence: i64) -> QueryResult<Option<Stored>>;
    fn numbered(conn: &mut AnyConnection, ledger: Id, id: Id, revision: i32) -> QueryResult<Option<Stored>>;
    /// The revisions after `after`, in order.
    fn history(conn: &mut AnyConnection, ledger: Id, id: Id, after: i32, limit: i64) -> QueryResult<Vec<Stored>>;
    /// The open revisions that row `sequence` or a later one made, in that order. Each row makes one, so their order
    /// is total; and what changes goes to the end, so whoever walks on misses nothing.
    fn open_since(conn: &mut AnyConnection, ledger: Id, sequence: i64, limit: i64) -> QueryResult<Vec<Stored>>;
    /// The revisions that were open after ledger row `sequence`, in the order of the rows that made them, after `after`.
    fn standing(
        conn: &mut AnyConnection,
        ledger: Id,
        sequence: i64,
        after: i64,
        limit: i64,
    ) -> QueryResult<Vec<Stored>>;
    fn insert_anchors(conn: &mut AnyConnection, ledger: Id, new: &[Self]) -> QueryResult<()>;
    /// Opens revisions with their texts, the first by ledger row `first` and each of the others by the next.
    fn insert_revisions(
        conn: &mut AnyConnection,
        ledger: Id,
        first: i64,
        new: &[Self],
        bodies: &[String],
    ) -> QueryResult<()>;
    /// Puts another text in the place of a revision's: the one thing that ever changes of a revision's content, and only
    /// where the law wants words erased.
    fn rewrite(conn: &mut AnyConnection, ledger: Id, id: Id, revision: i32, body: &str) -> QueryResult<usize>;
    /// Closes `revision` if it is the open one; 0 if somebody was quicker.
    fn close(conn: &mut AnyConnection, id: Id, revision: i32, sequence: i64) -> QueryResult<usize>;
    /// Which of these ids are in the ledger.
    fn existing(conn: &mut AnyConnection, ledger: Id, ids: &[Id]) -> QueryResult<Vec<Id>>;
    /// The first place where the revisions differ from the ledger's rows about things of this `kind`, of which there
    /// are `told`. They are compared in the database, each revision with the row that it was made with.
    fn unmatched(conn: &mut AnyConnection, ledger: Id, kind: &str, told: i64) -> QueryResult<Option<Unmatched>>;
}

/// A revision and its ledger row that do not say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmatched {
    /// The row's sequence.
    pub sequence: i64,
    pub why: &'static str,
}

/// Writes the [`Versioned`] queries of a resource: its anchors, its revisions, and the columns that its
/// revisions have beside the common ones.
#[macro_export]
macro_rules! versioned {
    ($resource:ty as $this:ident, $anchors:ident $({ $($anchor_column:ident: $anchor_value:expr),+ })?, $revisions:ident {
        $($column:ident: $value:expr),* $(,)?
    }) => {
        impl $crate::versioned::Versioned for $resource {
            fn meta(&self) -> &$crate::versioned::Meta {
                &self.meta
            }

            fn meta_mut(&mut self) -> &mut $crate::versioned::Meta {
                &mut self.meta
            }

            fn open(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                id: $crate::db::Id,
            ) -> diesel::QueryResult<Option<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::{db::AnyConnection, schema::$revisions::dsl as t};
                let open = t::$revisions
                    .filter(t::subject_id.eq(id))
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::seq_to.is_null())
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body));
                // The query that most reads are. A MultiConnection writes its SQL anew each time, to find the
                // prepared statement by it; a connection of one kind finds it by the query's type.
                match conn {
                    AnyConnection::Postgres(conn) => open.first(conn).optional(),
                    AnyConnection::Sqlite(conn) => open.first(conn).optional(),
                }
            }

            fn open_all(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                ids: &[$crate::db::Id],
            ) -> diesel::QueryResult<Vec<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::{schema::$revisions::dsl as t, versioned::Stored};
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                let stored = (t::subject_id, t::revision, t::seq_from, t::state, t::body);
                // With the ledger in the query, SQLite reads all of it: it is looked at afterwards.
                let found: Vec<($crate::db::Id, Stored)> = t::$revisions
                    .filter(t::subject_id.eq_any(ids.iter().copied()))
                    .filter(t::seq_to.is_null())
                    .select((t::ledger_id, stored))
                    .load(conn)?;
                Ok(found.into_iter().filter(|(of, _)| *of == ledger).map(|(_, stored)| stored).collect())
            }

            fn open_at(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                id: $crate::db::Id,
                sequence: i64,
            ) -> diesel::QueryResult<Option<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                t::$revisions
                    .filter(t::subject_id.eq(id))
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::seq_from.le(sequence))
                    .filter(t::seq_to.is_null().or(t::seq_to.gt(sequence)))
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
                    .first(conn)
                    .optional()
            }

            fn numbered(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                id: $crate::db::Id,
                revision: i32,
            ) -> diesel::QueryResult<Option<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                t::$revisions
                    .filter(t::subject_id.eq(id))
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::revision.eq(revision))
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
                    .first(conn)
                    .optional()
            }

            fn history(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                id: $crate::db::Id,
                after: i32,
                limit: i64,
            ) -> diesel::QueryResult<Vec<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                t::$revisions
                    .filter(t::subject_id.eq(id))
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::revision.gt(after))
                    .order(t::revision)
                    .limit(limit)
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
                    .load(conn)
            }

            fn open_since(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                sequence: i64,
                limit: i64,
            ) -> diesel::QueryResult<Vec<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                t::$revisions
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::seq_to.is_null())
                    .filter(t::seq_from.ge(sequence))
                    .order(t::seq_from)
                    .limit(limit)
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
                    .load(conn)
            }

            fn standing(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                sequence: i64,
                after: i64,
                limit: i64,
            ) -> diesel::QueryResult<Vec<$crate::versioned::Stored>> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                // An index has them in this order, so that all chunks together read each revision once.
                t::$revisions
                    .filter(t::ledger_id.eq(ledger))
                    .filter(t::seq_from.gt(after))
                    .filter(t::seq_from.le(sequence))
                    .filter(t::seq_to.is_null().or(t::seq_to.gt(sequence)))
                    .order(t::seq_from)
                    .limit(limit)
                    .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
                    .load(conn)
            }

            fn insert_anchors(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                new: &[Self],
            ) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::schema::$anchors::dsl as t;
                let row = new.iter().map(|$this| {
                    (t::id.eq($this.meta.id), t::ledger_id.eq(ledger), $($(t::$anchor_column.eq($anchor_value),)+)?)
                });
                $crate::insert_many!(conn, t::$anchors, row.collect::<Vec<_>>())
            }

            fn insert_revisions(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                first: i64,
                new: &[Self],
                bodies: &[String],
            ) -> diesel::QueryResult<()> {
                use diesel::prelude::*;
                use $crate::{schema::$revisions::dsl as t, versioned::Resource as _};
                let row = new.iter().zip(bodies).zip(first..).map(|(($this, body), sequence)| {
                    (
                        t::subject_id.eq($this.meta.id),
                        t::revision.eq($this.meta.revision),
                        t::ledger_id.eq(ledger),
                        t::seq_from.eq(sequence),
                        t::state.eq($this.state()),
                        $(t::$column.eq($value),)*
                        t::body.eq(body),
                    )
                });
                $crate::insert_many!(conn, t::$revisions, row.collect::<Vec<_>>())
            }

            fn close(
                conn: &mut $crate::db::AnyConnection,
                id: $crate::db::Id,
                revision: i32,
                sequence: i64,
            ) -> diesel::QueryResult<usize> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                let close = diesel::update(t::$revisions.find((id, revision)).filter(t::seq_to.is_null()));
                $crate::db::Reused(close.set(t::seq_to.eq(sequence))).execute(conn)
            }

            fn rewrite(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                id: $crate::db::Id,
                revision: i32,
                body: &str,
            ) -> diesel::QueryResult<usize> {
                use diesel::prelude::*;
                use $crate::schema::$revisions::dsl as t;
                let revision = t::$revisions.find((id, revision)).filter(t::ledger_id.eq(ledger));
                diesel::update(revision).set(t::body.eq(body)).execute(conn)
            }

            fn existing(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                ids: &[$crate::db::Id],
            ) -> diesel::QueryResult<Vec<$crate::db::Id>> {
                use diesel::prelude::*;
                use $crate::schema::$anchors::dsl as t;
                t::$anchors
                    .filter(t::id.eq_any(ids.iter().copied()))
                    .filter(t::ledger_id.eq(ledger))
                    .select(t::id)
                    .load(conn)
            }

            fn unmatched(
                conn: &mut $crate::db::AnyConnection,
                ledger: $crate::db::Id,
                kind: &str,
                told: i64,
            ) -> diesel::QueryResult<Option<$crate::versioned::Unmatched>> {
                use diesel::{dsl::min, prelude::*};
                use $crate::schema::{$revisions::dsl as t, ledger_rows as rows};
                // Its row is another's, or says something else. A body that was erased by law says nothing.
                let other: Option<i64> = t::$revisions
                    .left_join(rows::table.on(rows::ledger_id.eq(t::ledger_id).and(rows::sequence.eq(t::seq_from))))
                    .filter(t::ledger_id.eq(ledger))
                    .filter(
                        rows::sequence
                            .nullable()
                            .is_null()
                            .or(rows::subject_kind.ne(kind))
                            .or(rows::subject_id.ne(t::subject_id))
                            .or(rows::revision.ne(t::revision))
                            .or(rows::body.ne(t::body.nullable())),
                    )
                    .select(min(t::seq_from))
                    .first(conn)?;
                // Where each has a row of its own and there are as many, none is missing: no need to look for it.
                let kept: i64 = t::$revisions.filter(t::ledger_id.eq(ledger)).count().get_result(conn)?;
                let gone: Option<i64> = if other.is_none() && kept == told {
                    None
                } else {
                    rows::table
                        .left_join(
                            t::$revisions.on(rows::subject_id.eq(t::subject_id).and(rows::revision.eq(t::revision))),
                        )
                        .filter(rows::ledger_id.eq(ledger))
                        .filter(rows::subject_kind.eq(kind))
                        .filter(t::seq_from.nullable().is_null().or(t::ledger_id.ne(ledger)))
                        .select(min(rows::sequence))
                        .first(conn)?
                };
                // A revision ends where the next one of the same thing begins, and the last does not end.
                let ends: Option<i64> = t::$revisions
                    .left_join(
                        rows::table.on(rows::subject_id.eq(t::subject_id).and(rows::revision.eq(t::revision + 1))),
                    )
                    .filter(t::ledger_id.eq(ledger))
                    .filter(
                        rows::sequence
                            .ne(t::seq_to.assume_not_null())
                            .or(t::seq_to.is_null().and(rows::sequence.nullable().is_not_null()))
                            .or(t::seq_to.is_not_null().and(rows::sequence.nullable().is_null())),
                    )
                    .select(min(t::seq_from))
                    .first(conn)?;
                let found = [
                    (other, "the revision does not say what the ledger's row says"),
                    (gone, "the revision is missing"),
                    (ends, "the revision does not end where the next begins"),
                ];
                let found = found.into_iter().filter_map(|(sequence, why)| {
                    Some($crate::versioned::Unmatched { sequence: sequence?, why })
                });
                // What holds of several at one place is told in the order above.
                Ok(found.min_by_key(|found| found.sequence))
            }
        }
    };
}

/// A boxed query over the revisions that were open at `$at` and that `$reach` may see: where every list
/// begins.
#[macro_export]
macro_rules! listed {
    ($revisions:ident, $ledger:expr, $at:expr, $hidden:expr) => {{
        use diesel::prelude::*;
        use $crate::schema::$revisions::dsl as t;
        let mut query = t::$revisions
            .select((t::subject_id, t::revision, t::seq_from, t::state, t::body))
            .filter(t::ledger_id.eq($ledger))
            .into_boxed::<$crate::db::Backend>();
        query = match $at {
            None => query.filter(t::seq_to.is_null()),
            // The sum keeps SQLite from reading everything older than `at` and sorting it: a list has an order of its
            // own, and an index in that order knows which revisions were open.
            Some(at) => query.filter((t::seq_from + 0).le(at)).filter(t::seq_to.is_null().or(t::seq_to.gt(at))),
        };
        let hidden: &'static [&'static str] = $hidden;
        if !hidden.is_empty() {
            query = query.filter(t::state.ne_all(hidden.iter().copied()));
        }
        query
    }};
}

/// Sorts a list's query by a column (made total by the id) and begins it after the page's cursor.
#[macro_export]
macro_rules! keyset {
    ($query:expr, $page:expr, $revisions:ident, $column:ident as $key:ty) => {{
        use diesel::prelude::*;
        use $crate::schema::$revisions::dsl as t;
        let page: &$crate::page::Page = $page;
        let mut query = $query.limit(page.limit + 1);
        if let Some((key, id)) = page.after::<$key>()? {
            // The first condition says what the second does less plainly: PostgreSQL enters the index there.
            query = if page.descending {
                query
                    .filter(t::$column.le(key.clone()))
                    .filter(t::$column.lt(key.clone()).or(t::$column.eq(key).and(t::subject_id.lt(id))))
            } else {
                query
                    .filter(t::$column.ge(key.clone()))
                    .filter(t::$column.gt(key.clone()).or(t::$column.eq(key).and(t::subject_id.gt(id))))
            };
        }
        if page.descending {
            query.order((t::$column.desc(), t::subject_id.desc()))
        } else {
            query.order((t::$column.asc(), t::subject_id.asc()))
        }
    }};
}

/// One page of a boxed query over what has no revisions, by a column whose values no two of its rows share.
#[macro_export]
macro_rules! walk {
    ($query:expr, $page:expr, $column:path as $key:ty) => {{
        use diesel::prelude::*;
        let page: &$crate::page::Page = $page;
        let mut query = $query.limit(page.limit + 1);
        if let Some((key, _)) = page.after::<$key>()? {
            query = if page.descending { query.filter($column.lt(key)) } else { query.filter($column.gt(key)) };
        }
        if page.descending { query.order($column.desc()) } else { query.order($column.asc()) }
    }};
}

/// Narrows a list's query to rows whose column has one of `$values`. One value is an equation: unlike a list of
/// them, which has as many texts as lengths, that is prepared once.
#[macro_export]
macro_rules! among {
    ($query:expr, $column:expr, $values:expr) => {{
        use diesel::prelude::*;
        let mut values: Vec<_> = $values;
        match (values.len(), values.pop()) {
            (1, Some(only)) => $query.filter($column.eq(only)),
            (_, last) => {
                values.extend(last);
                $query.filter($column.eq_any(values))
            }
        }
    }};
}
