//! The real binary, as a process that can be killed.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tangguh::{
    clock::Clock,
    config::Given,
    db::AnyConnection,
    demo::{self, Size},
    start,
};

const BINARY: &str = env!("CARGO_BIN_EXE_tangguh");
const SECRET: &str = "only for tests, and long enough to be a secret";
const PUBLIC_URL: &str = "http://tangguh.test";

/// A database with the demo in it, and a caller.
pub struct Place {
    pub url: String,
    /// The demo's facilitator, for 15 minutes.
    pub token: String,
}

impl Place {
    pub fn new(url: String) -> Place {
        let given = Given {
            database_url: url.clone(),
            secret: Some(SECRET.into()),
            listen: "127.0.0.1:0".into(),
            public_url: Some(PUBLIC_URL.into()),
            db_queue: "64".into(),
            body_limit: "1048576".into(),
            stop_seconds: "1".into(),
            limit_accounts: "off".into(),
            limit_clients: "off".into(),
            limit_visitors: "off".into(),
            webhook_rate: "100".into(),
            digest_hour: "7".into(),
            security_contact: "mailto:nobody@tangguh.test".into(),
            ..Given::default()
        };
        let settings = given.check().unwrap();
        let sealer = start::sealer(&given, &settings.target).unwrap();
        let service = start::service(settings, sealer, Clock::system()).unwrap();
        let mut conn = service.settings.target.connect().unwrap();
        demo::load(&mut conn, &service.clock, &service.schemas, Size::default()).unwrap();
        let token = start::demo_token(&service, &mut conn).unwrap();
        Place { url, token }
    }

    /// The same, where its database was restored to.
    pub fn restored(&self, url: String) -> Place {
        Place { url, token: self.token.clone() }
    }

    fn command(&self) -> Command {
        self.command_of(BINARY)
    }

    fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("DATABASE_URL", &self.url).env("TANGGUH_SECRET", SECRET).env("TANGGUH_PUBLIC_URL", PUBLIC_URL);
        for class in ["ACCOUNTS", "CLIENTS", "VISITORS"] {
            command.env(format!("TANGGUH_LIMIT_{class}"), "off");
        }
        command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    pub fn connect(&self) -> AnyConnection {
        tangguh::db::Target::parse(&self.url).connect_read_only().unwrap()
    }

    /// `tangguh ledger verify`, which fails if a ledger does not hold.
    pub fn verify_ledgers(&self) {
        let output = self.command().args(["ledger", "verify"]).stdout(Stdio::piped()).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
    }
}

/// A process that serves, or did.
pub struct Instance {
    pub port: u16,
    process: Option<Child>,
}

impl Instance {
    pub fn start(place: &Place) -> Instance {
        let mut instance = Instance::stopped();
        instance.revive(place);
        instance
    }

    /// One that does not run yet.
    pub fn stopped() -> Instance {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Instance { port, process: None }
    }

    /// Starts it unless it runs, and waits until it listens.
    pub fn revive(&mut self, place: &Place) {
        if self.process.is_some() {
            return;
        }
        self.begin(place.command());
    }

    /// The same, with a process whose files may not grow past so many kilobytes.
    pub fn revive_within(&mut self, place: &Place, kilobytes: usize) {
        let mut command = place.command_of("bash");
        // What would end the process is an error of the write then, as when a disk is full.
        command.env("RUST_LOG", "off").args([
            "-c",
            "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"",
            &kilobytes.to_string(),
            BINARY,
        ]);
        self.begin(command);
    }

    fn begin(&mut self, mut command: Command) {
        command.arg("serve").env("TANGGUH_LISTEN", format!("127.0.0.1:{}", self.port)).env("TANGGUH_HTTP_THREADS", "2");
        let mut process = command.spawn().unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = process.try_wait().unwrap() {
                panic!("the service does not start: {status}");
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the service does not listen");
            sleep(Duration::from_millis(5));
        }
        self.process = Some(process);
    }

    /// SIGKILL. Nothing happens if it is dead.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}
