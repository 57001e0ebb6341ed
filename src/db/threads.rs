use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use tokio::sync::oneshot;

use super::{AnyConnection, Target};
use crate::problem::Problem;

/// A job gets a connection, or the problem that there is none, and says what is to become of it.
type Job = Box<dyn FnOnce(Result<&mut AnyConnection, Problem>) -> After + Send>;

/// What is to become of a connection after a job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Keep,
    /// It may have broken: it is asked whether it still answers.
    Ask,
    /// The job panicked, and may have left a transaction open.
    Drop,
}

/// Which threads run a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Short reads, on connections that cannot write.
    Read,
    /// Transactions that write.
    Write,
    /// Imports, snapshots, exports: what would keep short work waiting.
    Long,
}

/// How many threads, each with a connection of its own, and how many jobs may wait for them.
#[derive(Clone, Copy, Debug)]
pub struct Pools {
    pub readers: usize,
    pub writers: usize,
    pub waiting: usize,
}

/// The database threads. Only `access.rs` sends them work.
#[derive(Clone)]
pub struct Db {
    read: flume::Sender<Job>,
    write: flume::Sender<Job>,
    long: flume::Sender<Job>,
    busy: Arc<AtomicUsize>,
    target: Target,
    pools: Pools,
}

/// A connection that was idle longer than this is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(1);

impl Db {
    pub fn start(target: &Target, pools: Pools) -> Db {
        let busy = Arc::new(AtomicUsize::new(0));
        let lane = |name: &str, threads: usize, writes: bool| {
            let (sender, receiver) = flume::bounded::<Job>(pools.waiting);
            for number in 0..threads {
                let (target, jobs, busy) = (target.clone(), receiver.clone(), busy.clone());
                let made = std::thread::Builder::new()
                    .name(format!("db-{name}-{number}"))
                    .spawn(move || serve(&target, writes, &jobs, &busy));
                if let Err(error) = made {
                    log::error!("a database thread cannot be started: {error}");
                }
            }
            sender
        };
        Db {
            read: lane("read", pools.readers, false),
            write: lane("write", pools.writers, true),
            long: lane("long", 1, true),
            busy,
            target: target.clone(),
            pools,
        }
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Threads at work, threads in all, and jobs that wait.
    pub fn load(&self) -> (usize, usize, usize) {
        let waiting = self.read.len() + self.write.len() + self.long.len();
        (self.busy.load(Ordering::Relaxed), self.pools.readers + self.pools.writers + 1, waiting)
    }

    /// Runs `work` on a thread of the lane. It runs to its end even if the caller goes away.
    ///
    /// Fails with [`Problem::Busy`] at once when too many jobs wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let ran = conn.map(|conn| catch_unwind(AssertUnwindSafe(|| work(conn))));
            let (result, after) = match ran {
                Ok(Ok(result)) => {
                    let doubtful = matches!(result, Err(Problem::Internal(_) | Problem::Busy { .. }));
                    (result, if doubtful { After::Ask } else { After::Keep })
                }
                Ok(Err(_)) => (Err(Problem::internal("a database job panicked")), After::Drop),
                Err(problem) => (Err(problem), After::Keep),
            };
            // Nobody listens when the client has gone.
            let _ = answer.send(result);
            after
        });
        let queue = match lane {
            Lane::Read => &self.read,
            Lane::Write => &self.write,
            Lane::Long => &self.long,
        };
        queue.try_send(job).map_err(|_| Problem::Busy { retry_after_s: 1 })?;
        answered.await.map_err(Problem::internal)?
    }
}

fn serve(target: &Target, writes: bool, jobs: &flume::Receiver<Job>, busy: &AtomicUsize) {
    let mut open: Option<AnyConnection> = None;
    let mut last_used = Instant::now();
    while let Ok(job) = jobs.recv() {
        busy.fetch_add(1, Ordering::Relaxed);
        if last_used.elapsed() > IDLE {
            open = open.and_then(answering);
        }
        if open.is_none() {
            let made = if writes { target.connect() } else { target.connect_read_only() };
            match made {
                Ok(conn) => open = Some(conn),
                Err(error) => log::error!("no connection to the database: {error:#}"),
            }
        }
        let after = match &mut open {
            Some(conn) => job(Ok(conn)),
            None => job(Err(Problem::Busy { retry_after_s: 2 })),
        };
        open = match after {
            After::Keep => open,
            After::Ask => open.and_then(answering),
            After::Drop => None,
        };
        last_used = Instant::now();
        busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connection, if it still answers.
fn answering(mut conn: AnyConnection) -> Option<AnyConnection> {
    let answer = match &mut conn {
        AnyConnection::Postgres(conn) => conn.batch_execute("select 1"),
        AnyConnection::Sqlite(conn) => conn.batch_execute("select 1"),
    };
    answer.is_ok().then_some(conn)
}
