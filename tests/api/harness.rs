//! A service of its own for each story: a fresh database with two programmes, and callers who play each role.
//!
//! The databases are copies of a template that is made once for each process. The clock stands until a story
//! moves it.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use actix_web::{
    body::{MessageBody, to_bytes},
    dev::{Service as _, ServiceResponse},
    http::{Method, StatusCode, header::HeaderMap},
    test::{TestRequest, init_service},
    web,
};
use chrono::{DateTime, TimeZone, Utc};
use diesel::{Connection, PgConnection, connection::SimpleConnection, prelude::*};
use serde_json::{Value, json};
use tangguh::{
    access::{Reach, Recorded, System, Tx},
    accounts::{Account, NewAccount},
    api,
    clock::Clock,
    config::{Given, Settings},
    db::{AnyConnection, Db, Id, Pools, Target, migrations},
    frameworks, keys,
    ledger::{self, Verdict},
    memberships::Membership,
    password::Cost,
    policy::{
        Role::{self, *},
        Roles,
    },
    problem::Problem,
    programs::Program,
    schema::{ledger_rows, ledgers},
    seal::Sealer,
    service::Service,
    sign_ins::{self, Origin},
    stakeholders::Stakeholder,
    token::KeyRing,
    valid::{self, Schemas},
    versioned::{Resource, Versioned},
    webhooks::Outbound,
};

use crate::{cluster, operations::DOCUMENT};

/// Writes a story as two tests, `name::sqlite` and `name::postgres`.
macro_rules! story {
    ($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block) => {
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a story may need all that its file imports")]
            use super::*;

            async fn tell($world: $crate::harness::World) $body

            #[actix_web::test]
            async fn sqlite() {
                tell($crate::harness::World::new($crate::harness::Kind::Sqlite).unwrap()).await;
            }

            #[actix_web::test]
            async fn postgres() {
                // Without PostgreSQL the cluster has said so, loudly; in CI it has failed.
                if let Some(world) = $crate::harness::World::new($crate::harness::Kind::Postgres) {
                    tell(world).await;
                }
            }
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    Nobody,
    /// An account that is a member of nothing.
    Outsider,
    /// An account with this role in the programme `jakarta`; `Admin` is a member of nothing.
    Member(Role),
    /// An account with this role in the programme `porto`.
    Neighbour(Role),
    /// Whoever bears this token.
    Bearer(String),
}
pub use Who::*;

/// The day on which every story begins.
pub fn beginning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 15, 2, 0, 0).unwrap()
}

pub const PASSWORD: &str = "a long enough password";
pub const SECRET: &str = "only for tests, and long enough to be a secret";
const ISSUER: &str = "http://tangguh.test";

/// What the template holds.
#[derive(Clone, Default)]
pub struct Seed {
    /// Programmes by slug.
    pub programs: HashMap<String, Id>,
    /// Organisations by name: `dinas`, `mitra`, `sekretariat`, `tetangga`.
    pub stakeholders: HashMap<String, Id>,
    /// Accounts by address, each with a sign-in.
    accounts: HashMap<String, (Id, Id)>,
}

type Answer = Pin<Box<dyn Future<Output = Reply>>>;

pub struct World {
    pub kind: Kind,
    pub seed: Seed,
    pub clock: Clock,
    pub service: web::Data<Service>,
    pub target: Target,
    call: Box<dyn Fn(TestRequest) -> Answer>,
    // Removed with the world.
    _kept: Kept,
}

/// Where a world's database is. It goes with its world: those of a whole run together would fill a small disk.
enum Kept {
    Folder { _folder: tempfile::TempDir },
    Database { url: &'static str, name: String },
    Elsewhere,
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Kept::Database { url, name } = self
            && let Ok(mut conn) = PgConnection::establish(url)
        {
            // The service's threads may still be connected.
            _ = conn.batch_execute(&format!("drop database {name} with (force)"));
        }
    }
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl Reply {
    /// Fails, with the body, unless the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub fn etag(&self) -> String {
        self.header("etag").expect("an ETag").to_owned()
    }

    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    /// The name of the problem: the last part of its type.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|name| name.strip_prefix("/problems/")).unwrap_or("none")
    }

    /// The pointers of what is wrong, in order.
    pub fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["pointer"].as_str()).collect()
    }

    pub fn items(&self) -> &[Value] {
        self.body["items"].as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

/// A request in the making: `world.post(Member(Lead), "{p}/questions").json(…).send().await`.
pub struct Ask<'w> {
    world: &'w World,
    request: TestRequest,
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.insert_header((name.to_owned(), value.to_owned()));
        self
    }

    pub fn if_match(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn json(mut self, body: Value) -> Self {
        self.request = self.request.set_json(body);
        self
    }

    /// A merge patch.
    pub fn patch(self, body: Value) -> Self {
        let bytes = body.to_string();
        self.header("content-type", "application/merge-patch+json").bytes(bytes.into_bytes())
    }

    /// A form, of an object's members.
    pub fn form(self, body: &Value) -> Self {
        let pairs: Vec<(&String, &str)> =
            body.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap())).collect();
        let text = serde_urlencoded::to_string(pairs).unwrap();
        self.header("content-type", "application/x-www-form-urlencoded").bytes(text.into_bytes())
    }

    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.request = self.request.set_payload(body);
        self
    }

    pub fn from(mut self, address: &str) -> Self {
        self.request = self.request.peer_addr(format!("{address}:4711").parse().unwrap());
        self
    }

    pub async fn send(self) -> Reply {
        (self.world.call)(self.request).await
    }

    /// Sends, and fails unless the status is this.
    pub async fn expect(self, status: u16) -> Reply {
        self.send().await.expect(status)
    }
}

impl World {
    /// A world on this database; `None` where there is no PostgreSQL.
    pub fn new(kind: Kind) -> Option<World> {
        World::with(kind, |_| {})
    }

    /// A world with other settings.
    pub fn with(kind: Kind, change: impl FnOnce(&mut Settings)) -> Option<World> {
        let (target, seed, kept) = match kind {
            Kind::Sqlite => sqlite(),
            Kind::Postgres => postgres(cluster::url()?),
        };
        let mut settings = settings(target.clone());
        change(&mut settings);
        let clock = Clock::standing(beginning());
        let service = serve(settings, clock.clone());
        let call = calling(service.clone());
        Some(World { kind, seed, clock, service, target, call, _kept: kept })
    }

    /// The same world as seen through another instance of the service: its own threads, caches and app.
    pub fn twin(&self) -> World {
        let service = self.instance();
        let call = calling(service.clone());
        let (kind, seed, clock, target) = (self.kind, self.seed.clone(), self.clock.clone(), self.target.clone());
        World { kind, seed, clock, service, target, call, _kept: Kept::Elsewhere }
    }

    /// Another instance of the service on the same database.
    pub fn instance(&self) -> web::Data<Service> {
        serve(settings(self.target.clone()), self.clock.clone())
    }

    pub fn ask(&self, who: Who, method: Method, path: &str) -> Ask<'_> {
        let path = match path.strip_prefix("//") {
            Some(root) => format!("/{root}"),
            None => format!("/api/v1/{path}"),
        };
        let path = path.replace("{p}", "programs/jakarta");
        let mut request = TestRequest::default().method(method).uri(&path).peer_addr("192.0.2.1:4711".parse().unwrap());
        if let Some(token) = self.token(&who) {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        Ask { world: self, request }
    }

    pub fn get(&self, who: Who, path: &str) -> Ask<'_> {
        self.ask(who, Method::GET, path)
    }

    pub fn post(&self, who: Who, path: &str) -> Ask<'_> {
        self.ask(who, Method::POST, path)
    }

    pub fn patch(&self, who: Who, path: &str) -> Ask<'_> {
        self.ask(who, Method::PATCH, path)
    }

    pub fn delete(&self, who: Who, path: &str) -> Ask<'_> {
        self.ask(who, Method::DELETE, path)
    }

    fn address(who: &Who) -> Option<String> {
        match who {
            Nobody | Bearer(_) => None,
            Outsider => Some("outsider@example.org".into()),
            Member(role) => Some(format!("{}@jakarta.example", role.name())),
            Neighbour(role) => Some(format!("{}@porto.example", role.name())),
        }
    }

    pub fn account(&self, who: &Who) -> Id {
        self.seed.accounts[&World::address(who).unwrap()].0
    }

    pub fn email(&self, who: &Who) -> String {
        World::address(who).unwrap()
    }

    /// An access token, made now.
    pub fn token(&self, who: &Who) -> Option<String> {
        if let Bearer(token) = who {
            return Some(token.clone());
        }
        let (account, sign_in) = self.seed.accounts[&World::address(who)?];
        let (token, _) = self.service.keys().access_token(account.0, sign_in.0, self.clock.now()).unwrap();
        Some(token)
    }

    /// Lets somebody prove at this moment to be who they are, as what is dangerous asks for.
    pub fn prove(&self, who: &Who) {
        if let Some(known) = World::address(who) {
            let (_, sign_in) = self.seed.accounts[&known];
            sign_ins::note_proof(&mut self.conn(), sign_in, false, self.clock.now()).unwrap();
        }
    }

    /// A connection to this world's database, for looking at what no client sees.
    pub fn conn(&self) -> AnyConnection {
        self.target.connect().unwrap()
    }

    pub fn program(&self) -> Id {
        self.seed.programs["jakarta"]
    }

    /// Actions and revisions on the programme's ledger, after what the template holds.
    pub fn ledger(&self) -> Vec<(String, i32)> {
        ledger_rows::table
            .filter(ledger_rows::ledger_id.eq(self.program()))
            .filter(ledger_rows::request_id.ne("template"))
            .order(ledger_rows::sequence)
            .select((ledger_rows::action, ledger_rows::revision))
            .load(&mut self.conn())
            .unwrap()
    }

    /// Where every ledger stands: as long as nothing is changed, it is the same.
    pub fn heads(&self) -> Vec<(Id, i64, String)> {
        let heads = ledgers::table.order(ledgers::id).select((ledgers::id, ledgers::sequence, ledgers::hash));
        heads.load(&mut self.conn()).unwrap()
    }

    /// Fails unless every ledger verifies.
    #[track_caller]
    pub fn verify(&self) {
        let mut conn = self.conn();
        for id in ledger::ids(&mut conn).unwrap() {
            let verdict = ledger::verify(&mut conn, id).unwrap();
            assert!(matches!(verdict, Verdict::Holds { .. }), "{id}: {verdict:?}");
        }
    }

    /// A focus area to ask questions in: its id.
    pub async fn focus_area(&self) -> String {
        let body = json!({"names": [{"name": {"id": "Tata kelola", "en": "Governance"}}],
            "emphases": [{"code": "1.a", "text": {"id": "Proses", "en": "Process"}}]});
        self.post(Member(Lead), "{p}/focus-areas").json(body).expect(201).await.id()
    }

    /// A draft question in a new focus area.
    pub async fn question(&self) -> Reply {
        let body = json!({"focus_area_id": self.focus_area().await,
            "text": {"id": "Siapa yang pertama terendam?", "en": "Who floods first?"}});
        self.post(Member(Lead), "{p}/questions").json(body).expect(201).await
    }
}

/// Sends requests to an app of this service. The app is made at the first, inside the test's own runtime.
fn calling(service: web::Data<Service>) -> Box<dyn Fn(TestRequest) -> Answer> {
    let made: Arc<tokio::sync::OnceCell<_>> = Arc::default();
    Box::new(move |request: TestRequest| -> Answer {
        let (made, service) = (made.clone(), service.clone());
        Box::pin(async move {
            let app = made.get_or_init(|| async { init_service(api::app(service)).await }).await;
            answer(app.call(request.to_request()).await).await
        })
    })
}

async fn answer<B: MessageBody + 'static>(answered: Result<ServiceResponse<B>, actix_web::Error>) -> Reply {
    let response = match answered {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body()).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
}

fn settings(target: Target) -> Settings {
    let given = Given { database_url: "sqlite:unused".into(), ..defaults() };
    Settings {
        target,
        public_url: ISSUER.into(),
        pools: Pools { readers: 2, writers: 2, waiting: 1000 },
        password_cost: Cost::Test,
        second_factor: Roles::default(),
        webhooks: receiving(),
        ..given.check().unwrap()
    }
}

/// Webhooks go to this machine, as fast as they can, and nobody waits long.
pub fn receiving() -> Outbound {
    Outbound {
        allow: vec!["127.0.0.0/8".parse().unwrap()],
        connect_within: Duration::from_secs(2),
        answer_within: Duration::from_secs(5),
        rate: 1_000_000,
        ..Outbound::default()
    }
}

/// The settings that nobody gave.
pub fn defaults() -> Given {
    Given {
        database_url: "sqlite:tangguh.db".into(),
        listen: "127.0.0.1:8080".into(),
        db_queue: "1024".into(),
        body_limit: "1048576".into(),
        stop_seconds: "20".into(),
        limit_accounts: "off".into(),
        limit_clients: "off".into(),
        limit_visitors: "off".into(),
        security_contact: "mailto:security@example.org".into(),
        webhook_rate: "100".into(),
        digest_hour: "7".into(),
        ..Given::default()
    }
}

static SCHEMAS: LazyLock<Arc<Schemas>> = LazyLock::new(|| Arc::new(Schemas::new(&DOCUMENT)));

fn serve(settings: Settings, clock: Clock) -> web::Data<Service> {
    let sealer = Sealer::new(SECRET).unwrap();
    let mut conn = settings.target.connect().unwrap();
    let keys = KeyRing::new(keys::load(&mut conn, &sealer).unwrap(), ISSUER.into()).unwrap();
    drop(conn);
    let db = Db::start(&settings.target, settings.pools);
    web::Data::new(Service::new(db, clock, settings, sealer, keys, &DOCUMENT, SCHEMAS.clone()))
}

/// A copy of the template file, which is kept in memory: what is static is never removed.
fn sqlite() -> (Target, Seed, Kept) {
    static TEMPLATE: LazyLock<(Vec<u8>, Seed)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.db");
        let target = Target::Sqlite(path.to_str().unwrap().into());
        let mut conn = target.connect().unwrap();
        migrations::run(&mut conn).unwrap();
        let seed = plant(&mut conn);
        if let AnyConnection::Sqlite(conn) = &mut conn {
            conn.batch_execute("pragma wal_checkpoint(truncate)").unwrap();
        }
        (std::fs::read(path).unwrap(), seed)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    std::fs::write(&path, &TEMPLATE.0).unwrap();
    (Target::Sqlite(path.to_str().unwrap().into()), TEMPLATE.1.clone(), Kept::Folder { _folder: folder })
}

/// A copy of the template database.
fn postgres(url: &'static str) -> (Target, Seed, Kept) {
    static COPYING: Mutex<u32> = Mutex::new(0);
    static TEMPLATE: LazyLock<(String, Seed)> = LazyLock::new(|| {
        let url = cluster::url().unwrap();
        let name = format!("template_{}", uuid::Uuid::now_v7().simple());
        PgConnection::establish(url).unwrap().batch_execute(&format!("create database {name}")).unwrap();
        let mut conn = Target::Postgres(database(url, &name)).connect().unwrap();
        migrations::run(&mut conn).unwrap();
        let seed = plant(&mut conn);
        (name, seed)
    });
    let (template, seed) = &*TEMPLATE;
    let mut number = COPYING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    *number += 1;
    let name = format!("{template}_{number}");
    PgConnection::establish(url)
        .unwrap()
        .batch_execute(&format!("create database {name} template {template}"))
        .unwrap();
    (Target::Postgres(database(url, &name)), seed.clone(), Kept::Database { url, name })
}

/// The same URL with another database.
fn database(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// Two programmes with a member for each role, four organisations, an admin and an outsider.
fn plant(conn: &mut AnyConnection) -> Seed {
    let sealer = Sealer::new(SECRET).unwrap();
    keys::ensure(conn, &sealer, beginning()).unwrap();
    frameworks::load(conn, beginning(), &SCHEMAS).unwrap();
    let mut seed = Seed::default();
    for name in ["dinas", "mitra", "sekretariat", "tetangga"] {
        let body = json!({"names": [{"name": {"id": name, "en": name}}], "kind": "other"});
        let new = valid::checked(body, &SCHEMAS).unwrap();
        let made = act(conn, Reach::platform(), "stakeholder.create", |tx| Stakeholder::enter(tx, new));
        seed.stakeholders.insert(name.into(), made.meta().id);
    }
    for slug in ["jakarta", "porto"] {
        let body = json!({"slug": slug, "source_language": "id", "time_zone": "Asia/Jakarta",
            "name": {"id": slug, "en": slug}});
        let new = valid::checked(body, &SCHEMAS).unwrap();
        let made = act(conn, Reach::platform(), "program.create", |tx| Program::begin(tx, new));
        seed.programs.insert(slug.into(), made.meta().id);
    }
    account(conn, &mut seed, "outsider@example.org", false);
    account(conn, &mut seed, "admin@jakarta.example", true);
    for slug in ["jakarta", "porto"] {
        for role in Role::ALL.iter().filter(|role| **role != Admin) {
            let id = account(conn, &mut seed, &format!("{}@{slug}.example", role.name()), false);
            let stakeholder = match (slug, role) {
                ("porto", _) => "tetangga",
                (_, Partner) => "mitra",
                (_, Agency | Observer) => "dinas",
                _ => "sekretariat",
            };
            let body = json!({"account_id": id, "stakeholder_id": seed.stakeholders[stakeholder],
                "role": role, "from_on": "2026-01-01"});
            let new = valid::checked(body, &SCHEMAS).unwrap();
            let reach = Reach {
                ledger: seed.programs[slug],
                slug: slug.into(),
                roles: Roles::of(&[Admin]),
                ..Reach::platform()
            };
            act(conn, reach, "membership.grant", |tx| Membership::grant(tx, new));
        }
    }
    seed
}

fn account(conn: &mut AnyConnection, seed: &mut Seed, email: &str, admin: bool) -> Id {
    let body = json!({"email": email, "name": format!("Test {email}"), "admin": admin, "language": "en"});
    let new: NewAccount = valid::checked(body, &SCHEMAS).unwrap();
    let made = act(conn, Reach::platform(), "account.create", |tx| Ok(Account::create(tx, new)?.0));
    let id = made.meta().id;
    act(conn, Reach::platform(), "account.create", |tx| Account::activate(tx, id));
    let sign_in = sign_ins::begin(conn, id, &Origin::default(), beginning()).unwrap();
    seed.accounts.insert(email.into(), (id, sign_in.id));
    id
}

/// One change by the service itself.
pub fn act<R: Resource>(
    conn: &mut AnyConnection,
    reach: Reach,
    act: &'static str,
    work: impl FnOnce(&mut Tx<'_>) -> Result<Recorded<R>, Problem>,
) -> R {
    let system = System { act, request_id: "template".into(), now: beginning(), schemas: SCHEMAS.clone() };
    system.write(conn, reach, work).unwrap()
}

/// Compares what the code says with a file that is kept in the repository.
#[track_caller]
pub fn published(path: &str, made: &str) {
    if std::env::var_os("PUBLISH").is_some() {
        std::fs::write(path, made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "{path} is out of date: run PUBLISH=1 cargo test, and look at what changed");
}
