//! The schema's history: the same names in both databases, applied before the service serves.

use diesel::migration::MigrationVersion;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::AnyConnection;

pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Brings the schema up to date and tells which migrations that took.
pub fn run(conn: &mut AnyConnection) -> anyhow::Result<Vec<String>> {
    match conn {
        AnyConnection::Postgres(conn) => {
            // Two instances that start at once migrate one after the other.
            use diesel::connection::SimpleConnection;
            conn.batch_execute("select pg_advisory_lock(7449613)")?;
            let ran = names(conn.run_pending_migrations(POSTGRES));
            conn.batch_execute("select pg_advisory_unlock(7449613)")?;
            ran
        }
        AnyConnection::Sqlite(conn) => names(conn.run_pending_migrations(SQLITE)),
    }
}

/// Whether there is a migration that this binary knows and the database lacks.
pub fn pending(conn: &mut AnyConnection) -> anyhow::Result<bool> {
    match conn {
        AnyConnection::Postgres(conn) => conn.has_pending_migration(POSTGRES),
        AnyConnection::Sqlite(conn) => conn.has_pending_migration(SQLITE),
    }
    .map_err(|error| anyhow::anyhow!("the migrations could not be read: {error}"))
}

/// Takes back every migration, newest first.
pub fn revert_all(conn: &mut AnyConnection) -> anyhow::Result<Vec<String>> {
    match conn {
        AnyConnection::Postgres(conn) => names(conn.revert_all_migrations(POSTGRES)),
        AnyConnection::Sqlite(conn) => names(conn.revert_all_migrations(SQLITE)),
    }
}

fn names(
    ran: Result<Vec<MigrationVersion<'_>>, Box<dyn std::error::Error + Send + Sync>>,
) -> anyhow::Result<Vec<String>> {
    ran.map(|versions| versions.iter().map(ToString::to_string).collect())
        .map_err(|error| anyhow::anyhow!("a migration failed: {error}"))
}
