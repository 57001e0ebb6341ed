use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tangguh::{
    access::{Reach, System},
    accounts::Account,
    api,
    clock::Clock,
    config::{Given, Settings},
    db::{AnyConnection, Target, migrations},
    demo::{self, SignIns, Size},
    frameworks, keys, ledger,
    policy::{Role, Roles},
    reason::Reason,
    second_factor, start,
    token::{KeyRing, KeyUse},
    valid::{self, Schemas},
};

/// The API of record for city resilience programmes.
#[derive(Parser)]
#[command(version, about, long_about = None)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    given: Given,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default)
    Serve(Serve),
    /// Deliver to webhooks, send mail and do nothing else; as many may run as you like
    Work,
    /// Bring the database's schema up to date
    Migrate,
    /// Load the case of Jakarta and print new sign-ins for it
    Demo(Demo),
    /// Make accounts for the platform's admins
    #[command(subcommand)]
    Admin(Admin),
    /// Print the OpenAPI document
    Openapi,
    /// The service's own keys
    #[command(subcommand)]
    Keys(Keys),
    /// The ledgers
    #[command(subcommand)]
    Ledger(Ledger),
    /// Copy a SQLite database into a new file, while the service runs, and verify the ledgers in it
    Backup {
        /// The file to make; one that is there is not written over
        file: PathBuf,
    },
    /// Ask a running service whether it is ready; exits with 1 if it is not
    Healthcheck,
}

#[derive(Args, Default)]
struct Serve {
    /// Load the case of Jakarta first, and print new sign-ins for it
    #[arg(long)]
    demo: bool,
    /// Also write the demo's sign-ins to this file, as JSON that its owner alone can read
    #[arg(long, requires = "demo")]
    demo_sign_ins: Option<PathBuf>,
    /// Leave webhooks and mail to `tangguh work`, or to other instances
    #[arg(long)]
    no_worker: bool,
}

#[derive(Args)]
struct Demo {
    /// Made-up questions besides those of the case, to try the service under load
    #[arg(long, default_value_t = 0)]
    questions: u32,
    /// Revisions of each made-up question
    #[arg(long, default_value_t = 1)]
    revisions: u32,
}

#[derive(Subcommand)]
enum Admin {
    /// Make an admin and print the one-time token with which they set their password
    Create {
        /// The address that they sign in with
        #[arg(long)]
        email: String,
        /// Their name
        #[arg(long)]
        name: String,
    },
    /// Take away the second factor of somebody who has lost it: for the last admin, whom nobody else can help
    ResetSecondFactor {
        /// The address that they sign in with
        #[arg(long)]
        email: String,
        /// Why; it stands in the ledger
        #[arg(long)]
        reason: String,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Make new keys; those before stay accepted for the longest life of what they made
    Rotate {
        /// Which keys
        #[arg(long, value_enum, default_value = "all")]
        which: Which,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    All,
    Token,
    Record,
    Mac,
}

#[derive(Subcommand)]
enum Ledger {
    /// Recompute every ledger from its first row to its head, and compare it with what reads answer from and with its
    /// checkpoints; exits with 1 if one does not hold
    Verify,
    /// Sign where each ledger stands that grew since its last checkpoint, and print what was signed
    Checkpoint,
}

fn main() -> ExitCode {
    let default = "info,actix_server=warn";
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(default)).init();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tangguh: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let given = &cli.given;
    match cli.command.unwrap_or(Command::Serve(Serve::default())) {
        Command::Serve(args) => serve(given, &args),
        Command::Work => work(given),
        Command::Migrate => migrate(given),
        Command::Demo(args) => load_demo(given, &args),
        Command::Admin(Admin::Create { email, name }) => create_admin(given, &email, &name),
        Command::Admin(Admin::ResetSecondFactor { email, reason }) => reset_second_factor(given, &email, &reason),
        Command::Openapi => {
            println!("{}", serde_json::to_string_pretty(&api::document())?);
            Ok(())
        }
        Command::Keys(Keys::Rotate { which }) => rotate_keys(given, which),
        Command::Ledger(Ledger::Verify) => verify_ledgers(given),
        Command::Ledger(Ledger::Checkpoint) => sign_ledgers(given),
        Command::Backup { file } => backup(given, &file),
        Command::Healthcheck => healthcheck(given),
    }
}

/// Every wrong setting at once.
fn checked(given: &Given) -> anyhow::Result<Settings> {
    given.check().map_err(|wrong| anyhow::anyhow!("the settings are wrong:\n  {}", wrong.join("\n  ")))
}

fn serve(given: &Given, args: &Serve) -> anyhow::Result<()> {
    let mut settings = checked(given)?;
    if args.demo && given.second_factor.is_none() {
        // The demo is for looking around; nobody has an app for its accounts.
        settings.second_factor = Roles::default();
    }
    let sealer = start::sealer(given, &settings.target)?;
    let service = start::service(settings.clone(), sealer, Clock::system())?;
    let mut conn = settings.target.connect()?;
    if args.demo {
        demo::load(&mut conn, &service.clock, &service.schemas, Size::default())?;
        let sign_ins = demo::sign_ins(&mut conn, &settings.public_url, settings.password_cost, service.clock.now())?;
        if let Some(file) = &args.demo_sign_ins {
            sign_ins.write(file)?;
        }
        let token = start::demo_token(&service, &mut conn)?;
        tell_demo(&sign_ins, &token, settings.second_factor)?;
    } else if Account::none(&mut conn)? {
        println!(
            "There is no account yet. Make an admin with\n\n    tangguh admin create --email YOU@EXAMPLE.ORG --name 'YOUR NAME'\n"
        );
    }
    drop(conn);
    log::info!("listening on {}", settings.public_url);
    actix_web::rt::System::new().block_on(start::serve(service, !args.no_worker))
}

fn work(given: &Given) -> anyhow::Result<()> {
    let settings = checked(given)?;
    let sealer = start::sealer(given, &settings.target)?;
    let service = start::service(settings, sealer, Clock::system())?;
    log::info!("delivering to webhooks and sending mail");
    actix_web::rt::System::new().block_on(start::work(service));
    Ok(())
}

fn tell_demo(sign_ins: &SignIns, token: &str, second_factor: Roles) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let base = &sign_ins.base_url;
    writeln!(out, "\nTangguh with the case of Jakarta: {base}")?;
    writeln!(out, "The API in your browser:          {base}/docs/\n")?;
    writeln!(out, "Sign-ins, with passwords made at this start:\n")?;
    for (role, one) in &sign_ins.accounts {
        writeln!(out, "  {role:<12} {:<28} {}", one.email, one.password)?;
    }
    if second_factor.is_empty() {
        writeln!(out, "\nNo role needs a second factor here; without --demo, admin and lead do.")?;
    }
    writeln!(out, "\nTry it, within 15 minutes, as the facilitator:\n")?;
    writeln!(
        out,
        "curl -s '{base}/api/v1/programs/jakarta-berketahanan/questions?limit=3' -H 'Authorization: Bearer {token}'\n"
    )?;
    out.flush()?;
    Ok(())
}

fn migrate(given: &Given) -> anyhow::Result<()> {
    let mut conn = checked(given)?.target.connect()?;
    let ran = migrations::run(&mut conn)?;
    match ran.as_slice() {
        [] => println!("The schema is up to date."),
        ran => ran.iter().for_each(|name| println!("migrated: {name}")),
    }
    let schemas = Arc::new(Schemas::new(&api::document()));
    for code in frameworks::load(&mut conn, Clock::system().now(), &schemas).map_err(start::told)? {
        println!("loaded the framework edition {code}");
    }
    Ok(())
}

fn load_demo(given: &Given, args: &Demo) -> anyhow::Result<()> {
    let settings = checked(given)?;
    let mut conn = settings.target.connect()?;
    migrations::run(&mut conn)?;
    let (clock, schemas) = (Clock::system(), Arc::new(Schemas::new(&api::document())));
    let size = Size { questions: args.questions, revisions: args.revisions };
    frameworks::load(&mut conn, clock.now(), &schemas).map_err(start::told)?;
    if !demo::load(&mut conn, &clock, &schemas, size)? {
        println!("The case is there already; only the sign-ins are new.");
    }
    let sign_ins = demo::sign_ins(&mut conn, &settings.public_url, settings.password_cost, clock.now())?;
    println!("{}", serde_json::to_string_pretty(&sign_ins)?);
    Ok(())
}

fn create_admin(given: &Given, email: &str, name: &str) -> anyhow::Result<()> {
    let settings = checked(given)?;
    let mut conn = settings.target.connect()?;
    migrations::run(&mut conn)?;
    let schemas = Arc::new(Schemas::new(&api::document()));
    let body = serde_json::json!({"email": email, "name": name, "admin": true});
    let new = valid::checked(body, &schemas).map_err(start::told)?;
    let system =
        System { act: "account.create", request_id: "admin-create".into(), now: Clock::system().now(), schemas };
    let token = system
        .write(&mut conn, Reach::platform(), |tx| {
            let (made, token) = Account::create(tx, new)?;
            Ok(made.map(|_| token))
        })
        .map_err(start::told)?;
    println!(
        "Made. They set their password (12 characters or more) within 72 hours:\n\n\
         curl -X POST {}/api/v1/auth/password -H 'Content-Type: application/json' \\\n  \
         -d '{{\"password_token\": \"{}\", \"password\": \"…\"}}'",
        settings.public_url, token.password_token
    );
    if settings.second_factor.has(Role::Admin) {
        println!(
            "\nThen they sign in and set up a second factor, which admins need: see docs/operations.md, Second factor."
        );
    }
    Ok(())
}

fn reset_second_factor(given: &Given, email: &str, reason: &str) -> anyhow::Result<()> {
    let settings = checked(given)?;
    settings.target.must_exist()?;
    let mut conn = settings.target.connect()?;
    migrations::run(&mut conn)?;
    let schemas = Arc::new(Schemas::new(&api::document()));
    let why: Reason = valid::checked(serde_json::json!({"reason": reason}), &schemas).map_err(start::told)?;
    let account = Account::by_email(&mut conn, email).map_err(start::told)?;
    let account = account.with_context(|| format!("no account has the address {email}"))?;
    let act = "account.reset_second_factor";
    let system = System { act, request_id: "admin-reset-second-factor".into(), now: Clock::system().now(), schemas };
    system.write(&mut conn, Reach::platform(), |tx| second_factor::reset(tx, account, &why)).map_err(start::told)?;
    println!("The second factor of {email} is gone, and their sign-ins have ended. The password is the same.");
    Ok(())
}

fn rotate_keys(given: &Given, which: Which) -> anyhow::Result<()> {
    let settings = checked(given)?;
    let sealer = start::sealer(given, &settings.target)?;
    let mut conn = settings.target.connect()?;
    migrations::run(&mut conn)?;
    keys::ensure(&mut conn, &sealer, Clock::system().now())?;
    let uses: &[KeyUse] = match which {
        Which::All => &KeyUse::ALL,
        Which::Token => &[KeyUse::Token],
        Which::Record => &[KeyUse::Record],
        Which::Mac => &[KeyUse::Mac],
    };
    let made = keys::rotate(&mut conn, &sealer, uses, Clock::system().now()).map_err(start::told)?;
    println!("New keys: {}. Running instances read them within a minute.", made.join(", "));
    Ok(())
}

fn verify_ledgers(given: &Given) -> anyhow::Result<()> {
    let target = checked(given)?.target;
    target.must_exist()?;
    must_hold(&mut target.connect_read_only()?)
}

/// Tells of each ledger how many rows hold; fails if one does not.
fn must_hold(conn: &mut AnyConnection) -> anyhow::Result<()> {
    let mut broken = 0;
    for id in ledger::ids(conn)? {
        match ledger::verify(conn, id).map_err(start::told)? {
            ledger::Verdict::Holds { rows } => println!("{id}: {rows} rows hold"),
            ledger::Verdict::Broken { sequence, why } => {
                broken += 1;
                println!("{id}: row {sequence}: {why}");
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of the ledgers do not hold");
    }
    Ok(())
}

fn backup(given: &Given, file: &Path) -> anyhow::Result<()> {
    let target = checked(given)?.target;
    target.must_exist()?;
    target.copy_to(file)?;
    let copy = Target::Sqlite(file.display().to_string());
    let mut conn = copy.connect()?;
    if migrations::pending(&mut conn)? {
        println!("Its schema is older than this program, so the ledgers in it were not verified.");
    } else {
        must_hold(&mut conn)
            .with_context(|| format!("{} is a faithful copy of a database that is not right", file.display()))?;
    }
    println!("{} is a whole copy. The secret is not in it: keep that too, and apart from it.", file.display());
    Ok(())
}

fn sign_ledgers(given: &Given) -> anyhow::Result<()> {
    let settings = checked(given)?;
    settings.target.must_exist()?;
    let sealer = start::sealer(given, &settings.target)?;
    let mut conn = settings.target.connect()?;
    migrations::run(&mut conn)?;
    let now = Clock::system().now();
    let keys = KeyRing::new(keys::ensure(&mut conn, &sealer, now)?, settings.public_url)?;
    let made = ledger::checkpoints::make(&mut conn, &keys, now).map_err(start::told)?;
    if made.is_empty() {
        println!("No ledger grew since its last checkpoint.");
    }
    for (id, checkpoint) in made {
        println!("{id}: row {} {}", checkpoint.sequence, checkpoint.jws);
    }
    Ok(())
}

/// One GET of `/readyz`, with nothing but the standard library: containers have no curl.
fn healthcheck(given: &Given) -> anyhow::Result<()> {
    let mut address = checked(given)?.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let wait = Duration::from_secs(3);
    let mut stream = std::net::TcpStream::connect_timeout(&address, wait).context("nobody listens")?;
    stream.set_read_timeout(Some(wait))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer)?;
    match answer.split_whitespace().nth(1) {
        Some("200") => Ok(()),
        other => bail!("not ready: {}", other.unwrap_or("no answer")),
    }
}
