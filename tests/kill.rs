//! The service dies by SIGKILL while many write, again and again: nothing that it acknowledged is lost, nothing
//! is half there, and a request that is sent again has one effect.
//!
//! The same writers write while a backup is taken, and while the disk takes no more: `restore`.
//!
//! `TANGGUH_KILL_SEED` repeats the moments of a run, as far as the machine lets it.

#[path = "api/cluster.rs"]
mod cluster;
#[path = "kill/restore.rs"]
mod restore;
#[path = "kill/service.rs"]
mod service;
#[path = "kill/truth.rs"]
mod truth;
#[path = "kill/writers.rs"]
mod writers;

use std::{
    sync::atomic::Ordering,
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use service::{Instance, Place};
use writers::{Shared, write};

const KILLS: usize = 20;
const WRITES: usize = 1_000;
const WRITERS: usize = 8;
/// Past this something hangs.
const LIMIT: Duration = Duration::from_secs(300);

mod no_acknowledged_write_is_lost {
    use super::*;

    #[test]
    fn sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(format!("sqlite:{}", folder.path().join("kill.db").display()));
        torment(&place, 1);
    }

    #[test]
    fn postgres() {
        // Without PostgreSQL the cluster has said so, loudly; in CI it has failed.
        let Some(cluster) = cluster::start_separate() else { return };
        torment(&Place::new(cluster.url.clone()), 2);
    }
}

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn new() -> Dice {
        let given = std::env::var("TANGGUH_KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or(20_180_823);
        println!("TANGGUH_KILL_SEED={seed}");
        Dice(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

/// Lets the writers end when the scope does, however it does.
struct End<'s>(&'s Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.abandoned.store(std::thread::panicking(), Ordering::SeqCst);
    }
}

fn torment(place: &Place, instances: usize) {
    let began = Instant::now();
    let mut dice = Dice::new();
    let mut running: Vec<Instance> = (0..instances).map(|_| Instance::start(place)).collect();
    let shared = Shared::new(place, running.iter().map(|instance| instance.port).collect());
    scope(|threads| {
        let _end = End(&shared);
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let shared = &shared;
                threads.spawn(move || write(shared, number))
            })
            .collect();
        for kill in 1..=KILLS {
            let enough = WRITES * kill / KILLS;
            while shared.acknowledged() < enough && !writers.iter().any(|writer| writer.is_finished()) {
                assert!(began.elapsed() < LIMIT, "{} writes after {LIMIT:?}", shared.acknowledged());
                sleep(Duration::from_millis(5));
            }
            sleep(Duration::from_millis(dice.below(60)));
            // One instance, or all of them at once.
            let victim = dice.below(instances as u64 + 1) as usize;
            for (number, instance) in running.iter_mut().enumerate() {
                if victim == number || victim == instances {
                    instance.kill();
                }
            }
            running.iter_mut().for_each(|instance| instance.revive(place));
            // What is acknowledged from here on may or may not be there yet.
            let acknowledged = shared.all_acknowledged();
            truth::check(place, &acknowledged);
        }
        shared.stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
    let acknowledged = shared.all_acknowledged();
    truth::check(place, &acknowledged);
    running.iter_mut().for_each(Instance::kill);
    place.verify_ledgers();
    let repeated = shared.repeated.load(Ordering::SeqCst);
    println!("{KILLS} kills, {} writes, {repeated} of them sent again, {:?}", acknowledged.len(), began.elapsed());
    assert!(acknowledged.len() >= WRITES);
    assert!(repeated > 0, "no kill met a request");
}
