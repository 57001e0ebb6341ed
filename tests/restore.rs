//! A backup is taken while many write, and restored elsewhere: all that was acknowledged before it is there, nothing is
//! half there, the ledgers verify, and a service goes on from it.

#[path = "api/cluster.rs"]
mod cluster;
#[path = "kill/service.rs"]
mod service;
#[path = "kill/truth.rs"]
mod truth;
#[path = "kill/writers.rs"]
mod writers;

use std::{
    path::Path,
    process::Command,
    sync::atomic::Ordering,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use service::{Instance, Place};
use writers::{Acknowledged, Shared, write};

const WRITERS: usize = 6;
/// Writes before the backup is taken.
const BEFORE: usize = 150;
/// Past this something hangs.
const LIMIT: Duration = Duration::from_secs(120);

mod a_backup_under_load_restores_whole {
    use super::*;

    #[test]
    fn sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let database = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
        let place = Place::new(database("one.db"));
        let (before, all) = back_up(&place, || tangguh_backup(&place, &folder.path().join("backup.db")));
        // As docs/operations.md says: the backup is put where the database was, or elsewhere.
        std::fs::rename(folder.path().join("backup.db"), folder.path().join("two.db")).unwrap();
        goes_on(&place.restored(database("two.db")), &before, &all);
    }

    #[test]
    fn postgres() {
        // Without PostgreSQL the cluster has said so, loudly; in CI it has failed.
        let Some(cluster) = cluster::start_separate() else { return };
        let place = Place::new(cluster.url.clone());
        let dump = cluster.place("tangguh.dump");
        let (before, all) = back_up(&place, || cluster.tool("pg_dump", &["-Fc", "-f", &dump, &cluster.url]));
        let url = cluster.url.replace("/postgres", "/restored");
        assert_ne!(url, cluster.url);
        cluster.tool("createdb", &["--maintenance-db", &cluster.url, "restored"]);
        cluster.tool("pg_restore", &["--no-owner", "--exit-on-error", "-d", &url, &dump]);
        goes_on(&place.restored(url), &before, &all);
    }
}

fn tangguh_backup(place: &Place, file: &Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tangguh"));
    let output = command.arg("backup").arg(file).env("DATABASE_URL", &place.url).output().unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && told.contains("rows hold"), "{told}");
}

/// Takes a backup while many write. Answers what was acknowledged before it, and all that was in the end.
fn back_up(place: &Place, take: impl FnOnce()) -> (Vec<Acknowledged>, Vec<Acknowledged>) {
    let running = Instance::start(place);
    let shared = Shared::new(place, vec![running.port]);
    let before = scope(|threads| {
        let _end = End(&shared);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                threads.spawn({
                    let shared = &shared;
                    move || write(shared, number)
                })
            })
            .collect();
        reach(&shared, BEFORE);
        let before = shared.all_acknowledged();
        take();
        let after = shared.acknowledged();
        assert!(after > before.len(), "nobody wrote while the backup was taken");
        reach(&shared, after + BEFORE);
        shared.stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        before
    });
    let all = shared.all_acknowledged();
    truth::check(place, &all);
    (before, all)
}

/// Lets the writers end when the scope does, however it does.
struct End<'s>(&'s Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.abandoned.store(std::thread::panicking(), Ordering::SeqCst);
    }
}

fn reach(shared: &Shared, writes: usize) {
    let began = Instant::now();
    while shared.acknowledged() < writes {
        assert!(began.elapsed() < LIMIT, "{} writes after {LIMIT:?}", shared.acknowledged());
        sleep(Duration::from_millis(5));
    }
}

/// What was acknowledged before the backup is in it, what came later is not all there, and the service goes on from it.
fn goes_on(restored: &Place, before: &[Acknowledged], all: &[Acknowledged]) {
    truth::check(restored, before);
    let running = Instance::start(restored);
    let shared = Shared::new(restored, vec![running.port]);
    // The same keys as before: what the restore took back is done again, and what it did not is answered as it was.
    scope(|threads| {
        let _end = End(&shared);
        let writer = threads.spawn(|| write(&shared, 0));
        reach(&shared, BEFORE);
        shared.stop.store(true, Ordering::SeqCst);
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    truth::check(restored, &[before, &shared.all_acknowledged()].concat());
    println!(
        "{} writes before the backup, {} in all, {} after it was restored",
        before.len(),
        all.len(),
        shared.acknowledged()
    );
}
