//! The binary as whoever runs it sees it: how it starts, what it says, how it stops.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

const BINARY: &str = env!("CARGO_BIN_EXE_tangguh");
const PATIENCE: Duration = Duration::from_secs(30);

fn tangguh(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    // Nothing from the outside but what a test gives.
    command.env_clear().current_dir(folder).env("RUST_LOG", "info").stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    tangguh(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running service. It is killed when it is dropped.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Running {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = tangguh(folder)
            .arg("serve")
            .args(["--listen", &address.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut running = Running { child, address };
        let began = Instant::now();
        while !running.get("/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            assert!(began.elapsed() < PATIENCE, "not ready in time");
            assert!(running.child.try_wait().unwrap().is_none(), "it ended at once");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn terminate(&self) {
        let killed = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for its end and answers what it printed.
    fn end(mut self) -> (bool, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().success(), out, err)
    }
}

#[test]
fn a_request_in_flight_ends_and_a_new_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // With more threads, the second request could be answered by one while the first still waits for another.
    let running = Running::start(folder.path(), &["--http-threads", "1"]);
    let body = r#"{"email": "nobody@example.org", "password": "a wrong password"}"#;
    let mut stream = TcpStream::connect(running.address).unwrap();
    write!(
        stream,
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    // The request has begun when another one after it was answered.
    assert!(running.get("/livez").unwrap().starts_with("HTTP/1.1 200"));
    running.terminate();
    let began = Instant::now();
    while TcpStream::connect(running.address).is_ok() {
        assert!(began.elapsed() < PATIENCE, "it went on listening");
        std::thread::sleep(Duration::from_millis(20));
    }
    stream.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(running.end().0);
}

#[test]
fn the_first_start_says_how_to_make_an_admin_and_keeps_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), &[]);
    let secret = std::fs::metadata(folder.path().join("tangguh.db.secret")).unwrap();
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    running.terminate();
    let (success, out, err) = running.end();
    assert!(success && out.contains("tangguh admin create"), "{out}{err}");

    let made = run(folder.path(), &["admin", "create", "--email", "ada@example.org", "--name", "Ada"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("tgh_pw_"));
    let twice = run(folder.path(), &["admin", "create", "--email", "ADA@example.org", "--name", "Ada"]);
    assert!(!twice.status.success() && text(&twice.stderr).contains("/problems/taken"), "{}", text(&twice.stderr));
    assert!(text(&made.stdout).contains("second factor"));
    for (email, told) in [("eva@example.org", "no account has the address"), ("ada@example.org", "no_second_factor")] {
        let reset = ["admin", "reset-second-factor", "--email", email, "--reason", "Lost."];
        let refused = run(folder.path(), &reset);
        assert!(!refused.status.success() && text(&refused.stderr).contains(told), "{}", text(&refused.stderr));
    }
    let verified = run(folder.path(), &["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));

    // Another secret opens nothing, and says so.
    let other = ["serve", "--secret", "quite another secret than the one before"];
    let refused = run(folder.path(), &other);
    assert!(!refused.status.success() && text(&refused.stderr).contains("TANGGUH_SECRET"));
}

#[test]
fn every_wrong_setting_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let refused = tangguh(folder.path())
        .env("TANGGUH_LISTEN", "nowhere")
        .env("TANGGUH_DB_READERS", "0")
        .env("TANGGUH_CORS_ORIGINS", "dashboard")
        .env("TANGGUH_TRUSTED_PROXIES", "10.0.0.0/99")
        .env("TANGGUH_LIMIT_ACCOUNTS", "many")
        .env("TANGGUH_LIMIT_CLIENTS", "")
        .env("TANGGUH_LIMIT_VISITORS", "5/2")
        .output()
        .unwrap();
    let told = text(&refused.stderr);
    assert!(!refused.status.success());
    let mut wrong = vec!["LISTEN", "DB_READERS", "CORS_ORIGINS", "TRUSTED_PROXIES"];
    wrong.extend(["LIMIT_ACCOUNTS", "LIMIT_CLIENTS", "LIMIT_VISITORS"]);
    for name in wrong.iter().map(|name| format!("TANGGUH_{name}")) {
        assert!(told.contains(&name), "{name} is missing in: {told}");
    }
    let refused = tangguh(folder.path()).env("DATABASE_URL", "postgres://nobody@localhost/none").output().unwrap();
    let told = text(&refused.stderr);
    assert!(!refused.status.success() && told.contains("openssl rand"), "{told}");
}

#[test]
fn the_demo_prints_sign_ins_that_differ_at_each_start_and_no_secret_reaches_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut passwords = Vec::new();
    for _ in 0..2 {
        let running = Running::start(folder.path(), &["--demo", "--demo-sign-ins", "sign-ins.json"]);
        let file = folder.path().join("sign-ins.json");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let password = kept["accounts"]["lead"]["password"].as_str().unwrap().to_owned();
        assert!(running.get("/api/v1/programs").unwrap().starts_with("HTTP/1.1 401"));
        running.terminate();
        let (_, out, err) = running.end();
        assert!(out.contains(&password) && !err.contains(&password));
        assert!(out.contains("No role needs a second factor here"), "{out}");
        assert!(err.contains("GET /api/v1/programs 401"), "{err}");
        passwords.push(password);
    }
    assert_ne!(passwords[0], passwords[1]);
}

#[test]
fn the_ledgers_are_signed_and_verified_by_commands() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["verify", "checkpoint"] {
        let nothing = run(folder.path(), &["ledger", command]);
        assert!(!nothing.status.success() && text(&nothing.stderr).contains("there is no SQLite file"), "{command}");
    }
    let made = run(folder.path(), &["admin", "create", "--email", "ada@example.org", "--name", "Ada"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let signed = run(folder.path(), &["ledger", "checkpoint"]);
    let platform = "00000000-0000-0000-0000-000000000000: row ";
    assert!(signed.status.success() && text(&signed.stdout).starts_with(platform), "{}", text(&signed.stderr));
    let again = run(folder.path(), &["ledger", "checkpoint"]);
    assert!(again.status.success() && text(&again.stdout).contains("No ledger grew"), "{}", text(&again.stdout));

    // Whoever verifies needs no secret.
    std::fs::remove_file(folder.path().join("tangguh.db.secret")).unwrap();
    let holds = run(folder.path(), &["ledger", "verify"]);
    assert!(holds.status.success() && text(&holds.stdout).contains("rows hold"), "{}", text(&holds.stdout));

    let file = folder.path().join("tangguh.db");
    let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    conn.batch_execute("update account_revisions set body = body || ' '").unwrap();
    let broken = run(folder.path(), &["ledger", "verify"]);
    assert_eq!(broken.status.code(), Some(1));
    let told = text(&broken.stdout);
    assert!(told.contains("account: the revision does not say what the ledger's row says"), "{told}");
    assert!(text(&broken.stderr).contains("1 of the ledgers do not hold"), "{}", text(&broken.stderr));
}

#[test]
fn a_backup_is_whole_and_private_and_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = run(folder.path(), &["backup", "copy.db"]);
    assert!(!nothing.status.success() && text(&nothing.stderr).contains("there is no SQLite file"));
    let made = run(folder.path(), &["admin", "create", "--email", "ada@example.org", "--name", "Ada"]);
    assert!(made.status.success(), "{}", text(&made.stderr));

    let copied = run(folder.path(), &["backup", "copy.db"]);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    let told = text(&copied.stdout);
    assert!(told.contains("rows hold") && told.contains("The secret is not in it"), "{told}");
    let file = folder.path().join("copy.db");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!folder.path().join("copy.db-wal").exists());
    let held = run(folder.path(), &["ledger", "verify", "--database-url", "copy.db"]);
    assert!(held.status.success(), "{}", text(&held.stdout));

    let before = std::fs::read(&file).unwrap();
    let again = run(folder.path(), &["backup", "copy.db"]);
    assert!(!again.status.success() && text(&again.stderr).contains("nothing is written over"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let nowhere = run(folder.path(), &["backup", "no/such/folder/copy.db"]);
    assert!(!nowhere.status.success() && text(&nowhere.stderr).contains("cannot be made"));

    // What is not right in the database is not right in its copy, and is told.
    let mut conn = SqliteConnection::establish(folder.path().join("tangguh.db").to_str().unwrap()).unwrap();
    conn.batch_execute("update account_revisions set body = body || ' '").unwrap();
    let broken = run(folder.path(), &["backup", "broken.db"]);
    assert!(!broken.status.success() && text(&broken.stderr).contains("1 of the ledgers do not hold"));

    // PostgreSQL has its own way, and no password is shown.
    let url = "postgres://ada:geheim@localhost:1/none";
    let other = run(folder.path(), &["backup", "x.db", "--database-url", url]);
    assert!(!other.status.success() && text(&other.stderr).contains("pg_dump -Fc -f x.db"), "{}", text(&other.stderr));
    assert!(!text(&other.stderr).contains("geheim") && !folder.path().join("x.db").exists());
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &[],
        &["serve"],
        &["migrate"],
        &["demo"],
        &["admin", "create"],
        &["openapi"],
        &["keys", "rotate"],
        &["ledger", "verify"],
        &["ledger", "checkpoint"],
        &["backup"],
        &["healthcheck"],
    ];
    for command in commands {
        let help = run(folder.path(), &[command, ["--help"].as_slice()].concat());
        assert!(help.status.success() && help.stdout.len() > 60, "{command:?}");
    }
}
