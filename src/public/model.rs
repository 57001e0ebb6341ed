use diesel::prelude::*;
use serde_json::Value;

use crate::{
    db::{AnyConnection, Backend, Id},
    keyset,
    page::{Filter, Page},
    problem::Problem,
    programs::Program,
    schema::program_revisions,
    versioned::{self, Stored},
};

/// Lists of the public view take no filters, and have one order.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InOrder {}

impl Filter for InOrder {
    const SORTS: &'static [&'static str] = &["order"];
}

/// Items of a page, with the key and id of the last where there are more.
pub struct Shown<T> {
    pub items: Vec<T>,
    pub next: Option<(Value, Id)>,
}

/// The published programme of this slug. One that is not published is not found, like one that is not there.
pub fn find(conn: &mut AnyConnection, slug: &str) -> Result<Program, Problem> {
    let stored: Option<String> = program_revisions::table
        .filter(program_revisions::slug.eq(slug))
        .filter(program_revisions::seq_to.is_null())
        .filter(program_revisions::published.eq(true))
        .select(program_revisions::body)
        .first(conn)
        .optional()?;
    versioned::parse(&stored.ok_or(Problem::NotFound)?)
}

/// A page of the published programmes.
pub fn programs(conn: &mut AnyConnection, page: &Page) -> Result<Vec<Stored>, Problem> {
    let query = program_revisions::table
        .select((
            program_revisions::subject_id,
            program_revisions::revision,
            program_revisions::seq_from,
            program_revisions::state,
            program_revisions::body,
        ))
        .filter(program_revisions::seq_to.is_null())
        .filter(program_revisions::published.eq(true))
        .into_boxed::<Backend>();
    Ok(keyset!(query, page, program_revisions, slug as String).load(conn)?)
}

/// Turns the rows of a page, which are one too many where there is a next page, into what is shown of them.
pub fn shown<T>(
    mut rows: Vec<Stored>,
    page: &Page,
    key: impl Fn(&Stored) -> Result<Value, Problem>,
    show: impl FnOnce(Vec<Stored>) -> Result<Vec<T>, Problem>,
) -> Result<Shown<T>, Problem> {
    let next = page.cut(&mut rows).map(|last| Ok::<_, Problem>((key(last)?, last.id))).transpose()?;
    Ok(Shown { items: show(rows)?, next })
}

/// The open rows of one programme's table of revisions, in one order, in these states.
#[macro_export]
macro_rules! public_rows {
    ($conn:expr, $program:expr, $page:expr, $revisions:ident, $column:ident as $key:ty, $states:expr) => {{
        use diesel::prelude::*;
        let query = $crate::listed!($revisions, $program.meta.id, None::<i64>, &[]);
        let query = query.filter($crate::schema::$revisions::state.eq_any($states));
        let rows: Vec<$crate::versioned::Stored> =
            $crate::keyset!(query, $page, $revisions, $column as $key).load($conn)?;
        rows
    }};
}
