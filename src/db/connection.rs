use std::{fs::OpenOptions, io::ErrorKind, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use anyhow::{Context, bail};
use diesel::{PgConnection, SqliteConnection, connection::SimpleConnection, prelude::*, result::Error as DbError};

/// A connection to either database. Queries are written once, against [`Backend`].
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

pub type Backend = <AnyConnection as Connection>::Backend;

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A connection string for libpq.
    Postgres(String),
    /// The path of the database file.
    Sqlite(String),
}

/// How long SQLite waits for another process's write, and PostgreSQL for another transaction's lock.
const LOCK_WAIT: Duration = Duration::from_secs(5);

impl Target {
    /// Reads a `postgres://…` or `sqlite:…` URL; anything else is the path of a SQLite file.
    pub fn parse(url: &str) -> Target {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Target::Postgres(url.to_owned())
        } else {
            let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
            Target::Sqlite(path.unwrap_or(url).to_owned())
        }
    }

    /// The name of the kind of database, as metrics and `/readyz` show it.
    pub fn kind(&self) -> &'static str {
        match self {
            Target::Postgres(_) => "postgresql",
            Target::Sqlite(_) => "sqlite",
        }
    }

    /// A connection that may write.
    pub fn connect(&self) -> anyhow::Result<AnyConnection> {
        match self {
            Target::Postgres(url) => {
                let mut conn = PgConnection::establish(url).context("PostgreSQL cannot be reached")?;
                conn.batch_execute(&format!(
                    "set application_name = 'tangguh'; set lock_timeout = {0}; \
                     set statement_timeout = 60000; set idle_in_transaction_session_timeout = 60000; \
                     set time zone 'UTC'",
                    LOCK_WAIT.as_millis()
                ))?;
                Ok(AnyConnection::Postgres(conn))
            }
            Target::Sqlite(path) => {
                make_private(path)?;
                let mut conn = SqliteConnection::establish(path)
                    .with_context(|| format!("the SQLite file {path} cannot be opened"))?;
                // WAL lets readers go on while one writes; FULL survives a loss of power.
                conn.batch_execute(&format!(
                    "pragma busy_timeout = {}; pragma journal_mode = wal; pragma synchronous = full; \
                     pragma foreign_keys = on; pragma cache_size = -16000; pragma temp_store = memory; \
                     pragma mmap_size = 268435456",
                    LOCK_WAIT.as_millis()
                ))?;
                Ok(AnyConnection::Sqlite(conn))
            }
        }
    }

    /// Fails where there is no such SQLite file, for commands that only look.
    pub fn must_exist(&self) -> anyhow::Result<()> {
        match self {
            Target::Sqlite(path) if !Path::new(path).exists() => bail!("there is no SQLite file {path}"),
            _ => Ok(()),
        }
    }

    /// A connection that the database itself keeps from writing.
    pub fn connect_read_only(&self) -> anyhow::Result<AnyConnection> {
        let mut conn = self.connect()?;
        match &mut conn {
            AnyConnection::Postgres(conn) => conn.batch_execute("set default_transaction_read_only = on")?,
            AnyConnection::Sqlite(conn) => conn.batch_execute("pragma query_only = on")?,
        }
        Ok(conn)
    }
}

/// Whether a statement failed because the database's disk takes no more. Its transaction is rolled back.
pub fn is_full(error: &DbError) -> bool {
    let DbError::DatabaseError(_, info) = error else { return false };
    // SQLITE_FULL, SQLITE_IOERR (a quota, a limit, a disk that fails) and PostgreSQL's 53100: diesel hands on the texts
    // alone.
    ["database or disk is full", "disk I/O error", "No space left on device", "Disk quota exceeded"]
        .iter()
        .any(|told| info.message().contains(told))
}

/// Makes a new database file that its owner alone can read; SQLite gives its other files the same mode.
fn make_private(path: &str) -> anyhow::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("the SQLite file {path} cannot be made"))
        }
        _ => Ok(()),
    }
}

/// Never shows the password that the URL may hold.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Postgres(_) => f.write_str("Postgres(…)"),
            Target::Sqlite(path) => write!(f, "Sqlite({path})"),
        }
    }
}
