//! From settings to a running service.

use std::{
    io::Write as _,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpServer, web};
use anyhow::{Context, bail, ensure};
use futures_util::future::{join3, select};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    accounts::Account,
    api, clients,
    clock::Clock,
    config::{Given, Settings},
    db::{AnyConnection, Db, Lane, Target, migrations, write_transaction},
    digests, frameworks, idempotency, inputs, invitations, keys,
    ledger::checkpoints,
    mail::{self, Way},
    memberships, one_time, personal_data,
    problem::{Lang, Problem},
    seal::Sealer,
    second_factor,
    service::Service,
    sign_ins::{self, Origin},
    token::KeyRing,
    valid::Schemas,
    webhooks,
};

/// The secret that seals the keys: given, in a file, or made beside a new SQLite file.
pub fn sealer(given: &Given, target: &Target) -> anyhow::Result<Sealer> {
    let text = match (&given.secret, &given.secret_file, target) {
        (Some(secret), None, _) => secret.clone(),
        (None, Some(file), _) => read_secret(file)?,
        (Some(_), Some(_), _) => bail!("TANGGUH_SECRET and TANGGUH_SECRET_FILE are both given: one is enough"),
        (None, None, Target::Sqlite(path)) => {
            let file = PathBuf::from(format!("{path}.secret"));
            if file.exists() {
                read_secret(&file)?
            } else {
                ensure!(
                    !keys::are_sealed(target)?,
                    "the secret file {} is gone, and the keys in the database cannot be opened without it: put it \
                     back, or give TANGGUH_SECRET",
                    file.display()
                );
                make_secret(&file)?
            }
        }
        (None, None, Target::Postgres(_)) => bail!(
            "TANGGUH_SECRET is missing: with PostgreSQL every instance needs the same one. Make it once with\n\
             \n    openssl rand -base64 32\n\nand keep it: the service's keys cannot be opened without it."
        ),
    };
    Sealer::new(text).map_err(|error| anyhow::anyhow!("TANGGUH_SECRET: {error}"))
}

fn read_secret(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("the secret file {}", file.display()))?;
    let mode = std::fs::metadata(file)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "the secret file {} can be read by others: chmod 600 it", file.display());
    Ok(text)
}

fn make_secret(file: &Path) -> anyhow::Result<String> {
    let secret = Sealer::generate_secret();
    let mut made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("the secret file {} cannot be made", file.display()))?;
    made.write_all(secret.as_bytes())?;
    made.sync_all()?;
    Ok(secret)
}

/// Migrates, opens the keys and starts the database threads.
pub fn service(settings: Settings, sealer: Sealer, clock: Clock) -> anyhow::Result<web::Data<Service>> {
    let mut conn = settings.target.connect()?;
    for name in migrations::run(&mut conn)? {
        log::info!("migrated: {name}");
    }
    let document = api::document();
    let schemas = Arc::new(Schemas::new(&document));
    for code in frameworks::load(&mut conn, clock.now(), &schemas).map_err(told)? {
        log::info!("loaded the framework edition {code}");
    }
    let keys = keys::ensure(&mut conn, &sealer, clock.now())?;
    let keys = KeyRing::new(keys, settings.public_url.clone()).map_err(|error| anyhow::anyhow!("{error}"))?;
    drop(conn);
    let db = Db::start(&settings.target, settings.pools);
    Ok(web::Data::new(Service::new(db, clock, settings, sealer, keys, &document, schemas)))
}

/// Serves until the process is told to stop; then requests in flight end, and so do messages to webhooks, which it
/// delivers unless another process does.
pub async fn serve(service: web::Data<Service>, deliver: bool) -> anyhow::Result<()> {
    let settings = service.settings.clone();
    actix_web::rt::spawn(keep_house(service.clone()));
    actix_web::rt::spawn(end_waiting(service.clone()));
    let taking = actix_web::rt::spawn(inputs::take_imports(service.clone()));
    let worker = deliver.then(|| actix_web::rt::spawn(deliver_all(service.clone())));
    let stopped = service.clone();
    HttpServer::new(move || api::app(service.clone()))
        .workers(settings.http_threads)
        .shutdown_timeout(settings.stop_after.as_secs())
        .bind(settings.listen)
        .with_context(|| format!("{} cannot be listened on", settings.listen))?
        .run()
        .await?;
    stopped.watcher.stop();
    // It ends the rows that it is at, and lets other processes go on at once.
    if tokio::time::timeout(settings.stop_after, taking).await.is_err() {
        log::warn!("a file of inputs was left in the middle: other processes go on with it in a minute");
    }
    if let Some(worker) = worker {
        worker.await?;
    }
    Ok(())
}

/// Delivers to webhooks, sends mail and digests and does nothing else, until the process is told to stop.
pub async fn work(service: web::Data<Service>) {
    actix_web::rt::spawn(end_waiting(service.clone()));
    deliver_all(service).await;
}

/// Sends what leaves the service.
async fn deliver_all(service: web::Data<Service>) {
    if let Way::Folder(folder) = &service.settings.mail.way {
        log::info!("mails are written to {}: no mail server is set (TANGGUH_SMTP_URL)", folder.display());
    }
    join3(webhooks::work(service.clone()), digests::work(service.clone()), mail::carry(service)).await;
}

/// Answers whoever waits for a change when the process is told to stop: nothing is in flight that would keep it.
async fn end_waiting(service: web::Data<Service>) {
    let (Ok(mut stop), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        log::warn!("who waits for a change is not answered when the process stops: it hears no signals");
        return;
    };
    select(pin!(stop.recv()), pin!(interrupt.recv())).await;
    service.watcher.stop();
}

/// Reads new keys that another instance made, signs where the ledgers stand once a day, and forgets what is past
/// its time.
async fn keep_house(service: web::Data<Service>) {
    let mut minutes = 0_u64;
    loop {
        actix_web::rt::time::sleep(Duration::from_secs(60)).await;
        minutes += 1;
        if let Err(problem) = keys::reload(&service).await {
            log::warn!("the keys could not be read again: {}", problem.name());
        }
        match checkpoints::daily(&service).await {
            Ok(made) => log::debug!("made {made} checkpoints"),
            Err(problem) => log::warn!("the checkpoints could not be made: {}", problem.name()),
        }
        match clients::tell_of_expiry(&service).await {
            Ok(told) => log::debug!("told of {told} clients that are about to end"),
            Err(problem) => log::warn!("clients that are about to end could not be told of: {}", problem.name()),
        }
        match invitations::expire(&service).await {
            Ok(ended) => log::debug!("ended {ended} invitations"),
            Err(problem) => log::warn!("invitations that are over could not be ended: {}", problem.name()),
        }
        if minutes.is_multiple_of(60) {
            match memberships::end_unconfirmed(&service).await {
                Ok((told, ended)) => log::debug!("told of {told} memberships that are due, ended {ended}"),
                Err(problem) => log::warn!("memberships could not be ended: {}", problem.name()),
            }
            let (now, reads_kept) = (service.clock.now(), service.settings.terms.reads_kept);
            let swept = service.db.run(Lane::Long, move |conn| {
                Ok(idempotency::sweep(conn, now)?
                    + sign_ins::sweep(conn, now)?
                    + sign_ins::sweep_sign_ins(conn, now)?
                    + invitations::sweep(conn, now)?
                    + one_time::sweep(conn, now)?
                    + second_factor::sweep(conn, now)?
                    + mail::sweep(conn, now)?
                    + clients::sweep(conn, now)?
                    + personal_data::sweep(conn, reads_kept, now)?
                    + webhooks::sweep(conn, now)?)
            });
            match swept.await {
                Ok(rows) => log::debug!("forgot {rows} rows that were past their time"),
                Err(problem) => log::warn!("old rows could not be forgotten: {}", problem.name()),
            }
        }
    }
}

/// An access token for the demo's facilitator: what the printed `curl` line bears.
pub fn demo_token(service: &Service, conn: &mut AnyConnection) -> anyhow::Result<String> {
    let (now, email) = (service.clock.now(), "facilitator@demo.example");
    let sign_in = write_transaction(conn, |conn| {
        let account = Account::by_email(conn, email)?.ok_or(Problem::NotFound)?;
        sign_ins::begin(conn, account, &Origin::default(), now)
    })
    .map_err(told)?;
    let (token, _) = service.keys().access_token(sign_in.account.0, sign_in.id.0, now)?;
    Ok(token)
}

/// A problem, for whoever runs a command.
pub fn told(problem: Problem) -> anyhow::Error {
    match &problem {
        Problem::Internal(_) => anyhow::Error::from(problem),
        _ => anyhow::anyhow!("{}", serde_json::to_string(&problem.body(Lang::En)).unwrap_or_default()),
    }
}
