use std::{
    fs::{File, OpenOptions, remove_file},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, absolute},
};

use anyhow::{Context, bail};
use diesel::{prelude::*, sql_types::Text};

use super::{AnyConnection, Target};

impl Target {
    /// Copies a SQLite database into a new file that its owner alone can read: one state of it, while others go on
    /// reading and writing.
    pub fn copy_to(&self, file: &Path) -> anyhow::Result<()> {
        if let Target::Postgres(_) = self {
            bail!(
                "PostgreSQL makes its own backups, of one state and while the service runs:\n\n    \
                 pg_dump -Fc -f {} \"$DATABASE_URL\"\n\ndocs/operations.md says how to restore one.",
                file.display()
            );
        }
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let made = match made {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} is there already, and nothing is written over", file.display())
            }
            other => other.with_context(|| format!("{} cannot be made", file.display()))?,
        };
        let copied = self.connect().and_then(|mut conn| copy(&mut conn, file)).and_then(|()| Ok(made.sync_all()?));
        if copied.is_err() {
            // What is half there is no backup; and its journal would be taken for another's.
            remove_file(file)?;
            _ = remove_file(format!("{}-journal", file.display()));
        }
        copied.with_context(|| format!("{} could not be written", file.display()))?;
        let whole = absolute(file)?;
        let folder = whole.parent().unwrap_or(&whole);
        File::open(folder).and_then(|folder| folder.sync_all()).context("the folder could not be synced")
    }
}

/// It writes into a file only while that is empty. Beside the one read transaction that it takes, nobody waits for it.
fn copy(conn: &mut AnyConnection, file: &Path) -> anyhow::Result<()> {
    let whole = absolute(file)?;
    let name = whole.to_str().context("its name is no text")?;
    diesel::sql_query("vacuum into ?").bind::<Text, _>(name).execute(conn)?;
    Ok(())
}
