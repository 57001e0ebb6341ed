use chrono::{DateTime, Utc};
use diesel::{
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    prelude::*,
};

use super::{AnyConnection, At, Id};
use crate::{problem::Problem, schema::ledgers};

/// The newest row of a ledger: what the next row goes on from.
#[derive(Clone, Debug, Queryable)]
pub struct Head {
    /// The number of the newest row; 0 before the first.
    pub sequence: i64,
    pub hash: String,
    #[diesel(deserialize_as = At)]
    pub at: DateTime<Utc>,
}

/// Runs `work` in one transaction that is rolled back if it fails.
///
/// `MultiConnection` would begin with a plain BEGIN; in SQLite a reader that turns writer then fails
/// with SQLITE_BUSY_SNAPSHOT, which no waiting cures. So there it begins IMMEDIATE.
pub fn write_transaction<T>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    type Manager = <AnyConnection as Connection>::TransactionManager;
    match conn {
        AnyConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn)?,
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
    }
    match work(conn) {
        Ok(value) => {
            Manager::commit_transaction(conn)?;
            Ok(value)
        }
        Err(problem) => {
            // The cause matters more than a rollback that fails because the connection is gone.
            if let Err(error) = Manager::rollback_transaction(conn) {
                log::warn!("a rollback failed: {error}");
            }
            Err(problem)
        }
    }
}

/// As [`write_transaction`], but its commit does not wait for the disk: when the machine loses its power, what was
/// committed in the last moment may be undone, whole and in order. For what would then only be done a second time.
pub fn lazy_transaction<T>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    match conn {
        AnyConnection::Postgres(_) => write_transaction(conn, |conn| {
            conn.batch_execute("SET LOCAL synchronous_commit = off")?;
            work(conn)
        }),
        AnyConnection::Sqlite(_) => {
            conn.batch_execute("PRAGMA synchronous = NORMAL")?;
            let result = write_transaction(conn, work);
            conn.batch_execute("PRAGMA synchronous = FULL")?;
            result
        }
    }
}

/// Runs `work` on one state of the database: REPEATABLE READ on PostgreSQL, a read transaction in SQLite.
pub fn read_transaction<T>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem>,
) -> Result<T, Problem> {
    type Manager = <AnyConnection as Connection>::TransactionManager;
    match conn {
        AnyConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction_sql(
            conn,
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
        )?,
        AnyConnection::Sqlite(conn) => AnsiTransactionManager::begin_transaction(conn)?,
    }
    let result = work(conn);
    Manager::rollback_transaction(conn)?;
    result
}

/// Takes the ledger's head for this transaction: from here to the commit it has one writer.
///
/// In SQLite the transaction began IMMEDIATE and holds the only write lock already. On PostgreSQL it is NO KEY UPDATE, which
/// keeps other writers of the ledger out and not those who merely refer to it: with FOR UPDATE these wait for the head with
/// rows of their own in their hands, which whoever has the head may need next.
pub fn lock_head(conn: &mut AnyConnection, ledger: Id) -> QueryResult<Option<Head>> {
    let head = ledgers::table.find(ledger).select((ledgers::sequence, ledgers::hash, ledgers::at));
    match conn {
        AnyConnection::Postgres(conn) => {
            RunQueryDsl::<diesel::PgConnection>::get_result(head.for_no_key_update(), conn).optional()
        }
        AnyConnection::Sqlite(_) => head.first(conn).optional(),
    }
}
