//! Every setting: a flag and an environment variable, its default, and why one would change it. All that
//! are wrong are reported at once.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::TimeDelta;
use clap::Args;
use ipnet::IpNet;
use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{
    db::{Pools, Target},
    limits::{Quota, Quotas},
    mail::{self, Outgoing, Relay, Way},
    password,
    personal_data::Terms,
    policy::{Role, Roles},
    proxies::network_named,
    webhooks::Outbound,
};

/// The settings as they are given. All are text here, so that one wrong value does not hide another.
#[derive(Args, Clone, Debug, Default)]
pub struct Given {
    /// Where the data is: `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST/NAME`
    #[arg(long, global = true, env = "DATABASE_URL", default_value = "sqlite:tangguh.db", hide_env_values = true)]
    pub database_url: String,
    /// Seals the service's keys in the database: at least 32 characters, kept secret, never changed. Beside a
    /// SQLite file it is made at the first start; with PostgreSQL it must be given (`openssl rand -base64 32`)
    #[arg(long, global = true, env = "TANGGUH_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// A file that holds the secret, instead of `--secret`
    #[arg(long, global = true, env = "TANGGUH_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
    /// Address and port to listen on
    #[arg(long, global = true, env = "TANGGUH_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The URL that clients reach the service by: the issuer of its tokens [default: http://LISTEN]
    #[arg(long, global = true, env = "TANGGUH_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Threads that serve HTTP [default: the number of cores]
    #[arg(long, global = true, env = "TANGGUH_HTTP_THREADS")]
    pub http_threads: Option<String>,
    /// Database threads for reads, each with a connection of its own; more if the database is far away
    /// [default: the number of cores, at least 2]
    #[arg(long, global = true, env = "TANGGUH_DB_READERS")]
    pub db_readers: Option<String>,
    /// Database threads for writes [default: 1 for SQLite, 4 for PostgreSQL]
    #[arg(long, global = true, env = "TANGGUH_DB_WRITERS")]
    pub db_writers: Option<String>,
    /// Requests that may wait for a database thread; one more gets 503
    #[arg(long, global = true, env = "TANGGUH_DB_QUEUE", default_value = "1024")]
    pub db_queue: String,
    /// Origins that browsers may call from, separated by commas (`https://dashboard.example`)
    #[arg(long, global = true, env = "TANGGUH_CORS_ORIGINS", default_value = "")]
    pub cors_origins: String,
    /// Addresses or networks of proxies whose Forwarded or X-Forwarded-For is believed, separated by commas
    #[arg(long, global = true, env = "TANGGUH_TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: String,
    /// The largest request body, in bytes
    #[arg(long, global = true, env = "TANGGUH_BODY_LIMIT", default_value = "1048576")]
    pub body_limit: String,
    /// Requests that one account may send in a minute and in a day, as `600/100000`; `off` for no limit
    #[arg(long, global = true, env = "TANGGUH_LIMIT_ACCOUNTS", default_value = "600/100000")]
    pub limit_accounts: String,
    /// Requests that one client (a machine with a key) may send in a minute and in a day; `off` for no limit
    #[arg(long, global = true, env = "TANGGUH_LIMIT_CLIENTS", default_value = "1200/200000")]
    pub limit_clients: String,
    /// Requests that one address may send in a minute and in a day without signing in; `off` for no limit
    #[arg(long, global = true, env = "TANGGUH_LIMIT_VISITORS", default_value = "120/20000")]
    pub limit_visitors: String,
    /// Seconds that requests in flight get to end when the service is stopped
    #[arg(long, global = true, env = "TANGGUH_STOP_SECONDS", default_value = "20")]
    pub stop_seconds: String,
    /// Networks that webhooks may be sent to though they are private, separated by commas; there without TLS too. For
    /// tests and closed networks
    #[arg(long, global = true, env = "TANGGUH_WEBHOOK_ALLOW", default_value = "")]
    pub webhook_allow: String,
    /// A file of PEM certificates: authorities that webhooks trust beside those of browsers
    #[arg(long, global = true, env = "TANGGUH_WEBHOOK_CA_FILE")]
    pub webhook_ca_file: Option<PathBuf>,
    /// Webhook messages that one process sends in a second at most
    #[arg(long, global = true, env = "TANGGUH_WEBHOOK_RATE", default_value = "100")]
    pub webhook_rate: String,
    /// The server that takes the service's mail: `smtps://USER:PASSWORD@HOST`, or `smtp://…` for STARTTLS. Without it, mails
    /// are written to a folder
    #[arg(long, global = true, env = "TANGGUH_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// A file of PEM certificates: authorities that the mail server may be trusted by, beside those of browsers
    #[arg(long, global = true, env = "TANGGUH_SMTP_CA_FILE")]
    pub smtp_ca_file: Option<PathBuf>,
    /// Whom mails are from, as `Tangguh <tangguh@example.org>`; required with a mail server
    #[arg(long, global = true, env = "TANGGUH_MAIL_FROM")]
    pub mail_from: Option<String>,
    /// The folder that mails are written to where there is no mail server [default: beside a SQLite file `PATH.mail`, else
    /// `tangguh.mail`]
    #[arg(long, global = true, env = "TANGGUH_MAIL_FOLDER")]
    pub mail_folder: Option<PathBuf>,
    /// The application that people use: mails lead to its pages `password-reset`, `email-change`, `invitation`, `password`,
    /// `tasks` and `digest`. Without it they tell the token, or what to call
    #[arg(long, global = true, env = "TANGGUH_APP_URL")]
    pub app_url: Option<String>,
    /// The hour, from 0 to 23, at which daily digests are due, in the time zone of the reader's programme
    #[arg(long, global = true, env = "TANGGUH_DIGEST_HOUR", default_value = "7")]
    pub digest_hour: String,
    /// Roles that count only in sign-ins that have shown a second factor, separated by commas; `none` for no role
    /// [default: admin,lead]
    #[arg(long, global = true, env = "TANGGUH_SECOND_FACTOR")]
    pub second_factor: Option<String>,
    /// The version of the privacy notice that people are shown where they set their password [default: 1]
    #[arg(long, global = true, env = "TANGGUH_NOTICE_VERSION")]
    pub notice_version: Option<String>,
    /// Hours within which requests about personal data are answered, where the law names no time [default: 72]
    #[arg(long, global = true, env = "TANGGUH_ANSWER_HOURS")]
    pub answer_hours: Option<String>,
    /// Days that a person is known whose account is over; then the account is listed for erasure [default: 730]
    #[arg(long, global = true, env = "TANGGUH_PERSON_DAYS")]
    pub person_days: Option<String>,
    /// Days that it is known who was shown whose personal data [default: 730]
    #[arg(long, global = true, env = "TANGGUH_READS_DAYS")]
    pub reads_days: Option<String>,
    /// Whom to tell of a weakness: the Contact of security.txt (`mailto:…` or `https://…`)
    #[arg(long, global = true, env = "TANGGUH_SECURITY_CONTACT", default_value = "mailto:security@example.org")]
    pub security_contact: String,
}

/// The settings, checked.
#[derive(Clone)]
pub struct Settings {
    pub target: Target,
    pub listen: SocketAddr,
    pub public_url: String,
    pub http_threads: usize,
    pub pools: Pools,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
    pub body_limit: usize,
    pub quotas: Quotas,
    pub stop_after: Duration,
    pub security_contact: String,
    pub webhooks: Outbound,
    pub mail: Outgoing,
    /// From 0 to 23.
    pub digest_hour: u32,
    /// The roles that count only in sign-ins that have shown a second factor.
    pub second_factor: Roles,
    /// What people are promised about their data.
    pub terms: Terms,
    /// Not a setting: tests hash passwords cheaply.
    pub password_cost: password::Cost,
}

impl Given {
    /// Checks every setting; fails with all that are wrong.
    pub fn check(&self) -> Result<Settings, Vec<String>> {
        let mut wrong = Vec::new();
        let target = Target::parse(&self.database_url);
        let sqlite = matches!(target, Target::Sqlite(_));
        if let Target::Sqlite(path) = &target {
            if path.is_empty() {
                wrong.push("DATABASE_URL names no file, such as sqlite:tangguh.db".into());
            } else if path.contains("://") {
                // Never the URL itself: it may hold a password.
                wrong.push("DATABASE_URL begins with neither postgres:// nor sqlite:".into());
            } else if path.contains(":memory:") || path.contains("mode=memory") {
                wrong.push("DATABASE_URL: every database thread would have a memory of its own: name a file".into());
            }
        }
        let listen: SocketAddr = self.listen.parse().unwrap_or_else(|_| {
            wrong.push(format!("TANGGUH_LISTEN: {:?} is no address with a port, such as 127.0.0.1:8080", self.listen));
            SocketAddr::from(([127, 0, 0, 1], 8080))
        });
        let public_url = self.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
        if !(public_url.starts_with("http://") || public_url.starts_with("https://")) {
            wrong.push(format!("TANGGUH_PUBLIC_URL: {public_url:?} does not begin with http:// or https://"));
        }
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let mut count = |name: &str, given: Option<&str>, default: usize, range: std::ops::RangeInclusive<usize>| {
            let Some(given) = given else { return default };
            match given.parse() {
                Ok(number) if range.contains(&number) => number,
                _ => {
                    wrong.push(format!("{name}: {given:?} is no number from {} to {}", range.start(), range.end()));
                    default
                }
            }
        };
        let (readers, writers) = (cores.max(2), if sqlite { 1 } else { 4 });
        let http_threads = count("TANGGUH_HTTP_THREADS", self.http_threads.as_deref(), cores, 1..=256);
        let pools = Pools {
            readers: count("TANGGUH_DB_READERS", self.db_readers.as_deref(), readers, 1..=256),
            writers: count("TANGGUH_DB_WRITERS", self.db_writers.as_deref(), writers, 1..=256),
            waiting: count("TANGGUH_DB_QUEUE", Some(&self.db_queue), 1024, 1..=1_000_000),
        };
        let body_limit = count("TANGGUH_BODY_LIMIT", Some(&self.body_limit), 1 << 20, 1024..=(1 << 30));
        let stop = count("TANGGUH_STOP_SECONDS", Some(&self.stop_seconds), 20, 0..=3600);
        let rate = count("TANGGUH_WEBHOOK_RATE", Some(&self.webhook_rate), 100, 1..=100_000);
        let digest_hour = count("TANGGUH_DIGEST_HOUR", Some(&self.digest_hour), 7, 0..=23);
        let hours = count("TANGGUH_ANSWER_HOURS", self.answer_hours.as_deref(), 72, 1..=8760);
        let person_days = count("TANGGUH_PERSON_DAYS", self.person_days.as_deref(), 730, 1..=36_500);
        let reads_days = count("TANGGUH_READS_DAYS", self.reads_days.as_deref(), 730, 1..=36_500);
        let mut quota = |name: &str, given: &str| {
            given.parse().unwrap_or_else(|()| {
                wrong.push(format!("{name}: {given:?} is neither \"off\" nor two numbers such as 600/100000"));
                Quota::NONE
            })
        };
        let accounts = quota("TANGGUH_LIMIT_ACCOUNTS", &self.limit_accounts);
        let clients = quota("TANGGUH_LIMIT_CLIENTS", &self.limit_clients);
        let visitors = quota("TANGGUH_LIMIT_VISITORS", &self.limit_visitors);
        let trusted_proxies = networks("TANGGUH_TRUSTED_PROXIES", &self.trusted_proxies, &mut wrong);
        let allow = networks("TANGGUH_WEBHOOK_ALLOW", &self.webhook_allow, &mut wrong);
        let authorities = self.webhook_ca_file.as_deref().map_or(Vec::new(), |file| authorities(file, &mut wrong));
        let cors_origins: Vec<String> = listed(&self.cors_origins).map(str::to_owned).collect();
        for origin in &cors_origins {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            if rest.is_none_or(|rest| rest.is_empty() || rest.contains('/')) {
                wrong.push(format!("TANGGUH_CORS_ORIGINS: {origin:?} is no origin, such as https://dashboard.example"));
            }
        }
        if !self.security_contact.contains(':') {
            wrong.push(format!("TANGGUH_SECURITY_CONTACT: {:?} is no URI", self.security_contact));
        }
        let second_factor = self.second_factor.as_deref().filter(|given| !given.is_empty()).unwrap_or("admin,lead");
        let second_factor = roles(second_factor, &mut wrong);
        let notice = self.notice_version.clone().unwrap_or_else(|| "1".into());
        if notice.trim().is_empty() || notice.chars().count() > 100 {
            wrong.push(format!("TANGGUH_NOTICE_VERSION: {notice:?} is no text of 1 to 100 characters"));
        }
        let mail = self.outgoing(&target, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Settings {
            target,
            listen,
            public_url: public_url.trim_end_matches('/').to_owned(),
            http_threads,
            pools,
            cors_origins,
            trusted_proxies,
            body_limit,
            quotas: Quotas { accounts, clients, visitors },
            stop_after: Duration::from_secs(stop as u64),
            security_contact: self.security_contact.clone(),
            webhooks: Outbound { allow, authorities, rate: rate as u32, ..Outbound::default() },
            mail: mail.ok_or_else(Vec::new)?,
            digest_hour: digest_hour as u32,
            second_factor,
            terms: Terms {
                notice,
                answer_within: TimeDelta::hours(hours as i64),
                kept_after_end: TimeDelta::days(person_days as i64),
                reads_kept: TimeDelta::days(reads_days as i64),
            },
            password_cost: password::Cost::Full,
        })
    }

    /// Where mail goes; none where that is told wrongly.
    fn outgoing(&self, target: &Target, wrong: &mut Vec<String>) -> Option<Outgoing> {
        // A variable that is set to nothing is not set.
        let given = |told: &Option<String>| told.clone().filter(|text| !text.is_empty());
        let named = given(&self.mail_from);
        let told = named.as_deref().unwrap_or("Tangguh <tangguh@localhost>");
        let from = mail::mailbox(told);
        if from.is_none() {
            wrong.push(format!("TANGGUH_MAIL_FROM: {told:?} is no address, such as Tangguh <tangguh@example.org>"));
        }
        let app_url = given(&self.app_url).map(|url| url.trim_end_matches('/').to_owned());
        if let Some(url) = app_url.as_deref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://"))
        {
            wrong.push(format!("TANGGUH_APP_URL: {url:?} does not begin with http:// or https://"));
        }
        let from = from?;
        let Some(url) = given(&self.smtp_url) else {
            let beside = match target {
                Target::Sqlite(path) => format!("{path}.mail").into(),
                Target::Postgres(_) => "tangguh.mail".into(),
            };
            return Some(Outgoing { way: Way::Folder(self.mail_folder.clone().unwrap_or(beside)), from, app_url });
        };
        if self.mail_folder.is_some() {
            wrong.push("TANGGUH_SMTP_URL and TANGGUH_MAIL_FOLDER are both given: one is enough".into());
        }
        if named.is_none() {
            wrong.push("TANGGUH_MAIL_FROM is missing: a mail server wants to know whom mails are from".into());
        }
        let authorities = self.smtp_ca_file.as_deref().map(|file| {
            std::fs::read(file)
                .map_err(|error| wrong.push(format!("TANGGUH_SMTP_CA_FILE: {}: {error}", file.display())))
        });
        let authorities = authorities.transpose().ok()?;
        // Never the URL itself: it may hold a password.
        let relay = Relay::new(&url, authorities.as_deref(), &from)
            .map_err(|why| wrong.push(format!("TANGGUH_SMTP_URL {why}")));
        Some(Outgoing { way: Way::Smtp(relay.ok()?), from, app_url })
    }
}

fn roles(given: &str, wrong: &mut Vec<String>) -> Roles {
    let mut roles = Roles::default();
    if given == "none" {
        return roles;
    }
    for name in listed(given) {
        match Role::named(name) {
            Some(role) => roles = roles.with(role),
            None => wrong.push(format!("TANGGUH_SECOND_FACTOR: {name:?} is no role, such as admin or lead")),
        }
    }
    if listed(given).next().is_none() {
        wrong.push("TANGGUH_SECOND_FACTOR names no role: write none if that is meant".into());
    }
    roles
}

fn networks(name: &str, given: &str, wrong: &mut Vec<String>) -> Vec<IpNet> {
    let mut read = |text: &str| {
        let network = network_named(text);
        if network.is_none() {
            wrong.push(format!("{name}: {text:?} is no address or network"));
        }
        network
    };
    listed(given).filter_map(&mut read).collect()
}

fn authorities(file: &Path, wrong: &mut Vec<String>) -> Vec<CertificateDer<'static>> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(found) if !found.is_empty() => return found,
        Ok(_) => wrong.push(format!("TANGGUH_WEBHOOK_CA_FILE: {} holds no certificate", file.display())),
        Err(error) => wrong.push(format!("TANGGUH_WEBHOOK_CA_FILE: {}: {error}", file.display())),
    }
    Vec::new()
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty())
}
