use diesel::{
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
};

use super::{AnyConnection, Backend};

/// A statement whose text is always the same, and which is therefore prepared once for each connection.
///
/// Diesel prepares every UPDATE anew, since a changeset may leave columns out: two statements to parse and plan in
/// each write. Only for changesets without `Option`s that leave out.
pub struct Reused<S>(pub S);

impl<S: QueryFragment<Backend>> QueryFragment<Backend> for Reused<S> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Backend) -> QueryResult<bool> {
        Ok(true)
    }
}

/// It is known by its text.
impl<S> QueryId for Reused<S> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S> RunQueryDsl<AnyConnection> for Reused<S> {}
