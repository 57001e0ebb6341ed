//! A throw-away PostgreSQL cluster made from the PostgreSQL programs of this machine.
//!
//! [`url`] gives the cluster that all tests of this process share; a test that has to stop the
//! database makes one for itself with [`start_separate`].
//!
//! | Variable                        | Meaning                                                        |
//! |---------------------------------|----------------------------------------------------------------|
//! | `TANGGUH_TEST_POSTGRES_URL`     | use this server and start none (not for [`start_separate`])    |
//! | `TANGGUH_TEST_REQUIRE_POSTGRES` | no PostgreSQL is a failure, not a notice; `CI` means the same  |
//!
//! A cluster lives in a directory of its own under the temporary directory and listens on a Unix
//! socket in it, on no TCP port. The directory has mode 0700, so only this user gets in. PostgreSQL
//! refuses to run as root: for root everything runs as the user `postgres`, else `nobody`.
//!
//! The cluster ends with the test process, however that ends. A watchdog, started before the cluster,
//! reads from a pipe that only this process holds open; when the kernel closes the pipe, the watchdog
//! stops the server and removes the directory. The watchdog and the server are process groups of
//! their own, so Ctrl-C reaches the tests and not them.
//!
//! The supported runner is `cargo test`: one process, one cluster. `cargo nextest` runs each test in a
//! process of its own and each would start a cluster, which works but is slow; give it a server in
//! `TANGGUH_TEST_POSTGRES_URL`.

use std::collections::HashSet;
use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Once, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The oldest major version that Tangguh supports.
const OLDEST: u32 = 15;
/// Only part of the socket's name: nothing listens on TCP.
const PORT: u16 = 5432;
const USER: &str = "tangguh";
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

const INITDB_LIMIT: Duration = Duration::from_secs(120);
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const TOOL_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// What the server is started with, besides where it lives. Nothing here has to survive a power cut.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=400",
    "shared_buffers=128MB",
    "jit=off",
    "logging_collector=off",
];

/// `$1` is the cluster's directory, `$2` the directory of the programs. `read` returns when the test
/// process is gone (or drops the pipe). A server that was killed leaves its System V segment behind,
/// which its pid file names. The loop is for a death in the middle of `initdb`, which may still be
/// writing.
const WATCHDOG: &str = r#"
trap '' HUP INT QUIT TERM
read -r _
n=0
while [ -e "$1" ] && [ "$n" -lt 50 ]; do
    if [ -e "$1/data/postmaster.pid" ]; then
        "$2/pg_ctl" stop -s -w -t 20 -m immediate -D "$1/data"
        segment=$(sed -n '7s/.* //p' "$1/data/postmaster.pid")
        [ -n "$segment" ] && ipcrm -m "$segment"
    fi
    rm -rf "$1"
    n=$((n + 1))
    [ -e "$1" ] && sleep 0.2
done
"#;

/// The URL of the PostgreSQL server for the tests of this process; its database is `postgres` and the
/// user may create others. The first call starts the server, unless `TANGGUH_TEST_POSTGRES_URL` names
/// one.
///
/// `None` when this machine has no PostgreSQL: the test is to return without testing, and stderr has
/// told so once.
///
/// # Panics
///
/// When there is no PostgreSQL though `CI` or `TANGGUH_TEST_REQUIRE_POSTGRES` asks for it, and when
/// there is one and it does not start.
pub fn url() -> Option<&'static str> {
    static SHARED: OnceLock<Result<Option<Server>, String>> = OnceLock::new();
    // A failure is kept too: not every test shall wait for it again.
    match SHARED.get_or_init(Server::find) {
        Ok(server) => server.as_ref().map(Server::url),
        Err(error) => panic!("{error}"),
    }
}

/// A cluster for one test, which may stop and start it. It is always made here:
/// `TANGGUH_TEST_POSTGRES_URL` names a server that is not ours to stop.
///
/// `None` under the same terms as for [`url`].
///
/// # Panics
///
/// As [`url`] does.
pub fn start_separate() -> Option<Cluster> {
    let started = local_programs().and_then(|programs| programs.map(Cluster::create).transpose());
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// What [`url`] hands out.
enum Server {
    /// The one that `TANGGUH_TEST_POSTGRES_URL` names.
    Given(String),
    Ours(Cluster),
}

impl Server {
    fn find() -> Result<Option<Server>, String> {
        match env::var("TANGGUH_TEST_POSTGRES_URL") {
            Ok(url) if !url.is_empty() => Ok(Some(Server::Given(url))),
            _ => Ok(local_programs()?.map(Cluster::create).transpose()?.map(Server::Ours)),
        }
    }

    fn url(&self) -> &str {
        match self {
            Server::Given(url) => url,
            Server::Ours(cluster) => &cluster.url,
        }
    }
}

/// A PostgreSQL cluster of this process. Dropping it stops the server and removes all of it.
pub struct Cluster {
    /// `postgres://…/postgres`, the same before and after a restart.
    pub url: String,
    directory: PathBuf,
    programs: Programs,
    /// Its standard input is the pipe whose end stops the cluster.
    watchdog: Child,
    /// `None` while the server is down.
    postmaster: Option<Child>,
    /// Whether the last server was killed, so that its sessions may outlive it for a moment.
    killed: bool,
}

impl Cluster {
    fn create(programs: Programs) -> Result<Cluster, String> {
        let directory = new_directory(programs.user.as_ref())?;
        let watchdog = programs
            .command(Path::new("/bin/sh"))
            .args(["-c", WATCHDOG, "tangguh-test-watchdog"])
            .args([&directory, &programs.directory])
            .stdin(Stdio::piped())
            .spawn();
        let watchdog = watchdog.map_err(|error| {
            _ = fs::remove_dir_all(&directory);
            format!("cannot start the watchdog of the test cluster: {error}")
        })?;
        // From here on, an early return drops the cluster, and that cleans up.
        let host = directory.display().to_string().replace('/', "%2F");
        let mut cluster = Cluster {
            url: format!("postgres://{USER}@{host}:{PORT}/postgres"),
            directory,
            programs,
            watchdog,
            postmaster: None,
            killed: false,
        };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--locale=C", "-D", &data],
            INITDB_LIMIT,
        )?;
        cluster.boot()?;
        Ok(cluster)
    }

    /// Starts the server after [`stop`](Self::stop) or [`kill`](Self::kill) and returns when it takes
    /// connections. Nothing happens if it runs.
    #[track_caller]
    pub fn start(&mut self) {
        if self.postmaster.is_none()
            && let Err(error) = self.boot()
        {
            panic!("{error}");
        }
    }

    /// Stops the server in an orderly way: its sessions are ended and told so, and its socket is gone
    /// on return. Nothing happens if it is down.
    #[track_caller]
    pub fn stop(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else { return };
        let data = self.data();
        let stopped =
            self.run("pg_ctl", &["stop", "-w", "-t", "50", "-m", "fast", "-D", &data], STOP_LIMIT).and_then(|()| {
                match wait(&mut postmaster, STOP_LIMIT) {
                    Ok(Some(_)) => Ok(()),
                    other => Err(self.failure(&format!("the test cluster does not stop: {other:?}"))),
                }
            });
        if let Err(error) = stopped {
            self.postmaster = Some(postmaster);
            panic!("{error}");
        }
    }

    /// Kills the server with SIGKILL: no farewell, no checkpoint, and the socket's file stays, at which
    /// connections are refused. Sessions break a moment later, when they notice. The next
    /// [`start`](Self::start) recovers from the log. Nothing happens if the server is down.
    #[track_caller]
    pub fn kill(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else { return };
        if let Err(error) = postmaster.kill().and_then(|()| postmaster.wait()) {
            panic!("cannot kill the test cluster: {error}");
        }
        self.killed = true;
    }

    /// Runs one of PostgreSQL's programs for clients to its end. It runs as whoever runs the server, so the files that it
    /// makes are to be in a [`place`](Self::place) of the cluster's.
    #[track_caller]
    pub fn tool(&self, program: &str, arguments: &[&str]) {
        if let Err(error) = self.run(program, arguments, TOOL_LIMIT) {
            panic!("{error}");
        }
    }

    /// The path of a file that goes with the cluster.
    pub fn place(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }

    fn boot(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let log = self.log()?;
            let mut command = self.programs.command(&self.programs.directory.join("postgres"));
            command.args(["-D", &self.data(), "-p", &PORT.to_string()]);
            command.arg("-c").arg(format!("unix_socket_directories={}", self.directory.display()));
            for setting in SETTINGS {
                command.args(["-c", setting]);
            }
            let mut postmaster = command
                .stdout(log.try_clone().map_err(|error| format!("cannot share the log: {error}"))?)
                .stderr(log)
                .spawn()
                .map_err(|error| format!("cannot start {}: {error}", self.programs.directory.display()))?;
            let ended = loop {
                if let Ok(Some(status)) = postmaster.try_wait() {
                    break status;
                }
                if self.ready(postmaster.id()) {
                    self.postmaster = Some(postmaster);
                    self.killed = false;
                    return Ok(());
                }
                if Instant::now() > deadline {
                    // Left to the watchdog and to `drop`.
                    self.postmaster = Some(postmaster);
                    return Err(self.failure(&format!("the test cluster is not ready after {START_LIMIT:?}")));
                }
                sleep(POLL);
            };
            // A session that outlives a killed server still holds the shared memory.
            if !self.killed || Instant::now() > deadline {
                return Err(self.failure(&format!("the test cluster does not start: {ended}")));
            }
            sleep(Duration::from_millis(100));
        }
    }

    /// The pid file tells, as `pg_ctl -w start` reads it: line 1 is the pid (the file may be that of a
    /// killed server) and line 8 the state.
    fn ready(&self, pid: u32) -> bool {
        let Ok(file) = fs::read_to_string(self.directory.join("data/postmaster.pid")) else { return false };
        let lines: Vec<&str> = file.lines().map(str::trim).collect();
        lines.first().is_some_and(|line| *line == pid.to_string())
            && lines.get(7).is_some_and(|line| *line == "ready")
            && UnixStream::connect(self.directory.join(format!(".s.PGSQL.{PORT}"))).is_ok()
    }

    fn data(&self) -> String {
        self.directory.join("data").display().to_string()
    }

    /// Runs a program of PostgreSQL to its end, within `limit`.
    fn run(&self, program: &str, arguments: &[&str], limit: Duration) -> Result<(), String> {
        let log = self.log()?;
        let mut child = self
            .programs
            .command(&self.programs.directory.join(program))
            .args(arguments)
            .stdout(log.try_clone().map_err(|error| format!("cannot share the log: {error}"))?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot run {program}: {error}"))?;
        match wait(&mut child, limit) {
            Ok(Some(status)) if status.success() => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("{program} failed: {status}"))),
            Ok(None) => {
                _ = child.kill();
                _ = child.wait();
                Err(self.failure(&format!("{program} did not end within {limit:?}")))
            }
            Err(error) => Err(format!("cannot wait for {program}: {error}")),
        }
    }

    fn log(&self) -> Result<File, String> {
        let path = self.directory.join("log");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// `what`, with the end of the log, which is gone when somebody reads the message.
    fn failure(&self, what: &str) -> String {
        let log = fs::read(self.directory.join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(30)..].join("\n    ");
        format!("{what}\n  programs: {}\n  end of the log:\n    {tail}", self.programs.directory.display())
    }
}

impl Drop for Cluster {
    /// The same way out as for a process that dies: the watchdog does it.
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        _ = wait(&mut self.watchdog, STOP_LIMIT);
        if let Some(postmaster) = &mut self.postmaster {
            // It has ended, or the watchdog has been killed.
            _ = postmaster.kill();
            _ = postmaster.wait();
        }
        _ = fs::remove_dir_all(&self.directory);
    }
}

/// Where PostgreSQL's programs are and who runs them.
struct Programs {
    directory: PathBuf,
    /// `None` runs them as this user.
    user: Option<User>,
}

impl Programs {
    fn command(&self, program: &Path) -> Command {
        command(program, self.user.as_ref())
    }
}

/// Whom root turns into.
struct User {
    uid: u32,
    gid: u32,
}

/// The programs to use. `None`, after a notice, when there are none; an error when there have to be.
fn local_programs() -> Result<Option<Programs>, String> {
    let user = substitute_for_root()?;
    if let Some(directory) = newest_programs(user.as_ref()) {
        return Ok(Some(Programs { directory, user }));
    }
    for variable in ["CI", "TANGGUH_TEST_REQUIRE_POSTGRES"] {
        if env::var(variable).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false")) {
            return Err(format!(
                "{variable} is set, so the tests need PostgreSQL, and there is no initdb, postgres and pg_ctl of \
                 version {OLDEST} or newer in the usual places or on PATH. Install the server (Debian: apt install \
                 postgresql), or name a running one in TANGGUH_TEST_POSTGRES_URL (not enough for the tests that \
                 restart the database)."
            ));
        }
    }
    static NOTICE: Once = Once::new();
    NOTICE.call_once(|| {
        let rule = "=".repeat(100);
        let notice = format!(
            "\n{rule}\nWARNING: THE POSTGRESQL HALF IS NOT TESTED. No PostgreSQL {OLDEST} or newer (initdb, postgres, \
             pg_ctl) was found.\nThe tests that need it pass without testing. Install PostgreSQL, or set \
             TANGGUH_TEST_POSTGRES_URL;\nTANGGUH_TEST_REQUIRE_POSTGRES=1 makes this a failure.\n{rule}\n"
        );
        // Not `eprint!`, whose output the test harness keeps to itself when a test passes.
        _ = io::stderr().lock().write_all(notice.as_bytes());
    });
    Ok(None)
}

/// The directory of the newest PostgreSQL that `user` can run.
fn newest_programs(user: Option<&User>) -> Option<PathBuf> {
    let mut seen = HashSet::new();
    let mut best: Option<((bool, u32), PathBuf)> = None;
    for directory in candidate_directories() {
        // The programs look for one another beside themselves, so links such as those of
        // /usr/local/bin are followed to where all of them are.
        let Ok(postgres) = fs::canonicalize(directory.join("postgres")) else { continue };
        let Some(directory) = postgres.parent() else { continue };
        if !seen.insert(directory.to_owned()) || PROGRAMS.iter().any(|name| !directory.join(name).is_file()) {
            continue;
        }
        let Some(version) = version(&postgres, user).filter(|version| *version >= OLDEST) else { continue };
        // A script in front of the real programs may change the user or the version: the last resort.
        let rank = (PROGRAMS.iter().all(|name| !is_script(&directory.join(name))), version);
        if best.as_ref().is_none_or(|(other, _)| rank > *other) {
            best = Some((rank, directory.to_owned()));
        }
    }
    best.map(|(_, directory)| directory)
}

fn candidate_directories() -> Vec<PathBuf> {
    let mut found = Vec::new();
    // Where packages put them: the parent, how the versioned name begins, and what follows it.
    for (parent, prefix, rest) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                found.push(entry.path().join(rest));
            }
        }
    }
    found.extend(["/usr/local/pgsql/bin", "/opt/homebrew/bin"].map(PathBuf::from));
    let mut pg_config = Command::new("pg_config");
    if let Some(line) = first_output(pg_config.arg("--bindir").stdin(Stdio::null())) {
        found.push(PathBuf::from(line));
    }
    found.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    found.retain(|directory| directory.is_absolute());
    found
}

/// The major version, from `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version(postgres: &Path, user: Option<&User>) -> Option<u32> {
    let line = first_output(command(postgres, user).arg("--version"))?;
    let word = line.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    word.split(|other: char| !other.is_ascii_digit()).next()?.parse().ok()
}

fn is_script(program: &Path) -> bool {
    let mut start = [0; 2];
    File::open(program).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}

/// What a program that succeeds prints at first.
fn first_output(command: &mut Command) -> Option<String> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    match wait(&mut child, Duration::from_secs(10)) {
        Ok(Some(status)) if status.success() => {
            let mut text = [0; 1000];
            let length = child.stdout.take()?.read(&mut text).ok()?;
            Some(String::from_utf8_lossy(&text[..length]).lines().next()?.trim().to_owned())
        }
        Ok(Some(_)) => None,
        _ => {
            _ = child.kill();
            _ = child.wait();
            None
        }
    }
}

/// A command that cannot tell whose shell it was started from: no terminal, no Ctrl-C, no `PGPORT`.
fn command(program: &Path, user: Option<&User>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.current_dir("/").process_group(0);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C");
    if let Some(user) = user {
        // This drops root's supplementary groups as well.
        command.uid(user.uid).gid(user.gid);
    }
    command
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() > deadline {
            return Ok(status);
        }
        sleep(POLL);
    }
}

/// `None` for everybody but root.
fn substitute_for_root() -> Result<Option<User>, String> {
    let uid = first_output(Command::new("id").arg("-u").stdin(Stdio::null())).ok_or("cannot run `id -u`")?;
    if uid != "0" {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(|error| format!("cannot read /etc/passwd: {error}"))?;
    let user = ["postgres", "nobody"].into_iter().find_map(|name| find_user(&passwd, name));
    user.map(Some).ok_or_else(|| {
        "PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run the tests as another \
         user, or set TANGGUH_TEST_POSTGRES_URL"
            .to_owned()
    })
}

fn find_user(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, uid, gid, ..] = fields[..] else { return None };
        // macOS writes nobody's as -2.
        let number = |text: &str| text.parse::<u32>().or_else(|_| text.parse::<i32>().map(i32::cast_unsigned)).ok();
        let user = User { uid: number(uid)?, gid: number(gid)? };
        (found == name && user.uid != 0).then_some(user)
    })
}

/// A new directory that only `user` may enter.
fn new_directory(user: Option<&User>) -> Result<PathBuf, String> {
    let base = [env::temp_dir(), PathBuf::from("/tmp")]
        .into_iter()
        .find(|base| is_usable_base(base, user.is_some()))
        .ok_or("neither the temporary directory nor /tmp can hold the test cluster")?;
    // No name is given out twice: the watchdog of the last one that had it may not have ended.
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1000 {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = base.join(format!("tangguh-pg-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => {
                if let Some(user) = user
                    && let Err(error) = chown(&directory, Some(user.uid), Some(user.gid))
                {
                    _ = fs::remove_dir(&directory);
                    return Err(format!("cannot give {} to uid {}: {error}", directory.display(), user.uid));
                }
                return Ok(directory);
            }
            // Of another cluster, or of a process that had this pid in another container.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot create {}: {error}", directory.display())),
        }
    }
    Err(format!("{} is full of old test clusters (tangguh-pg-*)", base.display()))
}

/// Short enough for the name of a socket, nothing to be escaped in a URL or a setting, and open to the
/// user that root turns into.
fn is_usable_base(base: &Path, other_user: bool) -> bool {
    let open = |path: &Path, bits: u32| fs::metadata(path).is_ok_and(|found| found.mode() & bits == bits);
    base.is_absolute()
        && base.is_dir()
        && base.to_str().is_some_and(|text| {
            text.len() <= 60 && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+".contains(c))
        })
        && (!other_user || open(base, 0o003) && base.ancestors().all(|part| open(part, 0o001)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VICTIM_TELLS: &str = "TANGGUH_TEST_CLUSTER_VICTIM";

    fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if condition() {
                return true;
            }
            sleep(POLL);
        }
        false
    }

    /// Connects and logs in, without a client library.
    fn log_in(directory: &Path) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(directory.join(format!(".s.PGSQL.{PORT}")))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let parameters = format!("user\0{USER}\0database\0postgres\0\0");
        let mut startup = (u32::try_from(parameters.len()).unwrap() + 8).to_be_bytes().to_vec();
        startup.extend(0x0003_0000_u32.to_be_bytes());
        startup.extend(parameters.bytes());
        stream.write_all(&startup)?;
        let mut answer = [0; 9];
        stream.read_exact(&mut answer)?;
        // AuthenticationOk
        assert_eq!(answer, *b"R\0\0\0\x08\0\0\0\0");
        Ok(stream)
    }

    /// `None` when there is no psql.
    fn psql(url: &str, sql: &str) -> Option<String> {
        let mut command = command(Path::new("psql"), None);
        command.env("PGCONNECT_TIMEOUT", "10").args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]);
        match command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output() {
            Ok(output) => {
                assert!(output.status.success(), "psql failed with {}", output.status);
                Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn directory_of(url: &str) -> PathBuf {
        let host = url.strip_prefix("postgres://tangguh@").unwrap().strip_suffix(":5432/postgres").unwrap();
        PathBuf::from(host.replace("%2F", "/"))
    }

    /// Whether the process runs; one that only nobody has waited for does not.
    fn runs(pid: &str) -> bool {
        let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps");
        let state = String::from_utf8(state.stdout).unwrap();
        !state.trim().is_empty() && !state.trim().starts_with('Z')
    }

    #[test]
    fn a_clients_program_of_the_same_version_is_at_hand() {
        let Some(cluster) = start_separate() else { return };
        let dump = cluster.place("dump.sql");
        cluster.tool("pg_dump", &["-f", &dump, &cluster.url]);
        assert!(fs::read_to_string(dump).unwrap().contains("PostgreSQL database dump complete"));
    }

    #[test]
    fn all_tests_share_one_server() {
        let Some(first) = url() else { return };
        assert_eq!(std::thread::spawn(url).join().unwrap(), Some(first));
        assert!(matches!(psql(first, "select 1").as_deref(), None | Some("1")));
        if env::var_os("TANGGUH_TEST_POSTGRES_URL").is_none() {
            log_in(&directory_of(first)).unwrap();
            let settings = "select concat_ws(' ', current_setting('fsync'), current_setting('max_connections'), \
                            current_setting('jit'), current_setting('server_encoding'), \
                            '<' || current_setting('listen_addresses') || '>')";
            assert!(matches!(psql(first, settings).as_deref(), None | Some("off 400 off UTF8 <>")));
        }
    }

    #[test]
    fn a_separate_cluster_stops_and_starts() {
        let Some(mut cluster) = start_separate() else { return };
        let directory = cluster.directory.clone();
        let url = cluster.url.clone();
        psql(&url, "create table kept (n int); insert into kept values (7)");

        let mut session = log_in(&directory).unwrap();
        cluster.stop();
        cluster.stop();
        session.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(log_in(&directory).unwrap_err().kind(), ErrorKind::NotFound);
        cluster.start();
        cluster.start();
        assert_eq!(cluster.url, url);
        assert!(matches!(psql(&url, "select n from kept").as_deref(), None | Some("7")));

        psql(&url, "checkpoint");
        let mut session = log_in(&directory).unwrap();
        cluster.kill();
        assert_eq!(log_in(&directory).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        session.read_to_end(&mut Vec::new()).unwrap();
        cluster.start();
        assert!(matches!(psql(&url, "select n from kept").as_deref(), None | Some("7")));

        cluster.kill();
        drop(cluster);
        assert!(!directory.exists());
    }

    #[test]
    fn a_dropped_cluster_is_gone() {
        let Some(cluster) = start_separate() else { return };
        let directory = cluster.directory.clone();
        let pid = cluster.postmaster.as_ref().unwrap().id().to_string();
        let _session = log_in(&directory).unwrap();
        assert!(runs(&pid));
        drop(cluster);
        assert!(!directory.exists());
        assert!(!runs(&pid));
    }

    /// The process that the next test kills: this program, run for this test alone.
    #[test]
    #[ignore = "is run by a_killed_process_leaves_nothing"]
    fn victim() {
        let Some(file) = env::var_os(VICTIM_TELLS) else { return };
        let url = url().unwrap();
        fs::write(file, format!("{url}\n")).unwrap();
        sleep(Duration::from_secs(60));
    }

    #[test]
    fn a_killed_process_leaves_nothing() {
        if newest_programs(substitute_for_root().unwrap().as_ref()).is_none() {
            return;
        }
        let file = env::temp_dir().join(format!("tangguh-victim-{}", std::process::id()));
        let name = module_path!().split_once("::").unwrap().1.to_owned() + "::victim";
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", &name, "--ignored", "--nocapture"])
            .env(VICTIM_TELLS, &file)
            .env_remove("TANGGUH_TEST_POSTGRES_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let told = until(Duration::from_secs(50), || {
            url = fs::read_to_string(&file).unwrap_or_default();
            url.ends_with('\n')
        });
        let directory = told.then(|| directory_of(url.trim()));
        let session = directory.as_ref().map(|directory| log_in(directory));
        let pid_file = directory.as_ref().map(|directory| fs::read_to_string(directory.join("data/postmaster.pid")));
        // SIGKILL.
        victim.kill().unwrap();
        victim.wait().unwrap();
        _ = fs::remove_file(&file);
        assert!(told, "the victim did not start its cluster");
        let pid_file = pid_file.unwrap().unwrap();
        let pid = pid_file.lines().next().unwrap();
        session.unwrap().unwrap().read_to_end(&mut Vec::new()).unwrap();
        let directory = directory.unwrap();
        assert!(until(Duration::from_secs(30), || !directory.exists()), "{} stays", directory.display());
        assert!(until(Duration::from_secs(10), || !runs(pid)), "the server {pid} stays");
    }

    #[test]
    fn users_are_found() {
        let passwd = "root:*:0:0::/:/bin/sh\nnobody:*:-2:-2::/:/bin/false\npostgres:x:101:104:a,,,:/var:/bin/bash\n";
        let find = |name| find_user(passwd, name).map(|user| (user.uid, user.gid));
        assert_eq!(find("postgres"), Some((101, 104)));
        assert_eq!(find("nobody"), Some((4_294_967_294, 4_294_967_294)));
        assert_eq!(find("root"), None);
        assert_eq!(find("post"), None);
    }
}
