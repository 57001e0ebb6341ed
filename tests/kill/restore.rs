//! What else an operator meets. A backup is taken while many write, and restored elsewhere: all that was acknowledged before it
//! is there, nothing is half there, the ledgers verify, and a service goes on from it. And the disk takes no more.

use std::{
    path::Path,
    process::Command,
    sync::atomic::Ordering,
    thread::{Scope, ScopedJoinHandle, scope, sleep},
    time::{Duration, Instant},
};

use crate::{
    End, LIMIT, WRITERS, cluster,
    service::{Instance, Place},
    truth,
    writers::{Acknowledged, Shared, write},
};

/// Writes before the backup is taken.
const BEFORE: usize = 150;

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

/// How much a file may grow before the disk takes no more: some hundred writes.
const ROOM: usize = 3_000;

#[test]
fn a_disk_that_takes_no_more_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(format!("sqlite:{}", folder.path().join("full.db").display()));
    let mut running = Instance::stopped();
    running.revive_within(&place, ROOM);
    let shared = Shared::new(&place, vec![running.port]);
    scope(|threads| {
        let _end = End(&shared);
        let writers = begin(threads, &shared);
        let began = Instant::now();
        // A write that is answered with 503 is sent again, and again.
        while shared.repeated.load(Ordering::SeqCst) < WRITERS {
            assert!(began.elapsed() < LIMIT, "{} writes, and the disk is not full", shared.acknowledged());
            sleep(Duration::from_millis(20));
        }
        let fitted = shared.all_acknowledged();
        assert!(!fitted.is_empty());
        truth::check(&place, &fitted);
        // There is room again.
        running.kill();
        running.revive(&place);
        reach(&shared, fitted.len() + BEFORE);
        end(&shared, writers);
    });
    truth::check(&place, &shared.all_acknowledged());
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
        let writers = begin(threads, &shared);
        reach(&shared, BEFORE);
        let before = shared.all_acknowledged();
        take();
        let after = shared.acknowledged();
        assert!(after > before.len(), "nobody wrote while the backup was taken");
        reach(&shared, after + BEFORE);
        end(&shared, writers);
        before
    });
    let all = shared.all_acknowledged();
    truth::check(place, &all);
    (before, all)
}

fn begin<'t>(threads: &'t Scope<'t, '_>, shared: &'t Shared) -> Vec<ScopedJoinHandle<'t, ()>> {
    (0..WRITERS).map(|number| threads.spawn(move || write(shared, number))).collect()
}

/// Lets writers bring to its end what is under way, and fails if one has failed.
fn end(shared: &Shared, writers: Vec<ScopedJoinHandle<'_, ()>>) {
    shared.stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
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
        end(&shared, vec![writer]);
    });
    truth::check(restored, &[before, &shared.all_acknowledged()].concat());
    println!(
        "{} writes before the backup, {} in all, {} after it was restored",
        before.len(),
        all.len(),
        shared.acknowledged()
    );
}
