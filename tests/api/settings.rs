//! Settings and the sealing secret.

use std::os::unix::fs::PermissionsExt;

use tangguh::{
    config::Given,
    db::Target,
    mail::Way,
    policy::{Role, Roles},
    start,
};

use crate::harness::*;

#[test]
fn all_wrong_settings_are_told_at_once() {
    let given = Given {
        database_url: "mysql://user:hunter2@host/name".into(),
        listen: "localhost".into(),
        public_url: Some("tangguh.example".into()),
        http_threads: Some("0".into()),
        db_readers: Some("many".into()),
        db_writers: Some("-1".into()),
        db_queue: "0".into(),
        cors_origins: "https://good.example, dashboard.example,https://x.example/path".into(),
        trusted_proxies: "10.0.0.0/8, nowhere, 10.0.0.0/64".into(),
        body_limit: "1".into(),
        stop_seconds: "soon".into(),
        security_contact: "somebody".into(),
        webhook_allow: "127.0.0.0/8, everywhere".into(),
        webhook_ca_file: Some("/nowhere/ca.pem".into()),
        webhook_rate: "0".into(),
        digest_hour: "24".into(),
        smtp_url: Some("http://user:hunter2@mail.example.org".into()),
        mail_folder: Some("mails".into()),
        app_url: Some("tangguh.example".into()),
        second_factor: Some("lead, boss".into()),
        ..defaults()
    };
    let wrong = given.check().err().unwrap();
    for name in [
        "DATABASE_URL",
        "TANGGUH_LISTEN",
        "TANGGUH_PUBLIC_URL",
        "TANGGUH_HTTP_THREADS",
        "TANGGUH_DB_READERS",
        "TANGGUH_DB_WRITERS",
        "TANGGUH_DB_QUEUE",
        "TANGGUH_BODY_LIMIT",
        "TANGGUH_STOP_SECONDS",
        "TANGGUH_SECURITY_CONTACT",
        "TANGGUH_WEBHOOK_ALLOW",
        "TANGGUH_WEBHOOK_CA_FILE",
        "TANGGUH_DIGEST_HOUR",
        "TANGGUH_WEBHOOK_RATE",
        "TANGGUH_SMTP_URL begins",
        "TANGGUH_SMTP_URL and TANGGUH_MAIL_FOLDER",
        "TANGGUH_MAIL_FROM",
        "TANGGUH_APP_URL",
        "TANGGUH_SECOND_FACTOR",
    ] {
        assert_eq!(wrong.iter().filter(|line| line.starts_with(name)).count(), 1, "{name}: {wrong:#?}");
    }
    assert_eq!(wrong.iter().filter(|line| line.starts_with("TANGGUH_CORS_ORIGINS")).count(), 2, "{wrong:#?}");
    assert_eq!(wrong.iter().filter(|line| line.starts_with("TANGGUH_TRUSTED_PROXIES")).count(), 2, "{wrong:#?}");
    assert!(!wrong.join("\n").contains("hunter2"), "a password is not repeated: {wrong:#?}");
}

#[test]
fn the_defaults_are_good() {
    let settings = defaults().check().unwrap();
    assert_eq!(
        (settings.public_url.as_str(), settings.pools.readers, settings.pools.writers),
        ("http://127.0.0.1:8080", 2, 1)
    );
    assert_eq!(settings.second_factor, Roles::of(&[Role::Admin, Role::Lead]));
    let none =
        |given: &str| Given { second_factor: Some(given.into()), ..defaults() }.check().map(|one| one.second_factor);
    assert!(none("none").is_ok_and(Roles::is_empty) && none(",").is_err());
    let pools = Given { database_url: "postgres://host/name".into(), ..defaults() }.check().unwrap().pools;
    assert_eq!((pools.readers, pools.writers), (std::thread::available_parallelism().map_or(2, usize::from).max(2), 4));
}

#[test]
fn mail_goes_to_a_folder_beside_the_database_or_to_a_server() {
    let way = |given: Given| given.check().unwrap().mail.way;
    assert!(matches!(way(defaults()), Way::Folder(folder) if folder.ends_with("tangguh.db.mail")));
    let other = Given { database_url: "postgres://host/name".into(), ..defaults() };
    assert!(matches!(way(other), Way::Folder(folder) if folder.ends_with("tangguh.mail")));
    let server = Given {
        smtp_url: Some("smtps://user:p%40ss@mail.example.org".into()),
        mail_from: Some("Tangguh <tangguh@example.org>".into()),
        ..defaults()
    };
    assert!(matches!(way(server.clone()), Way::Smtp(_)));
    for wrong in [
        Given { mail_from: Some("nobody".into()), ..defaults() },
        Given { smtp_ca_file: Some("/nowhere/ca.pem".into()), ..server },
    ] {
        assert_eq!(wrong.check().err().map(|wrong| wrong.len()), Some(1));
    }
}

#[test]
fn a_database_is_a_file_or_a_server() {
    for url in ["", "sqlite:", "sqlite://", "sqlite::memory:", ":memory:", "mysql://host/name", "postgress://host/name"]
    {
        assert!(Given { database_url: url.into(), ..defaults() }.check().is_err(), "{url}");
    }
    for url in ["tangguh.db", "sqlite:tangguh.db", "sqlite:///var/lib/tangguh.db", "/var/lib/tangguh.db"] {
        assert!(Given { database_url: url.into(), ..defaults() }.check().is_ok(), "{url}");
    }
    assert!(!format!("{:?}", Target::parse("postgres://user:hunter2@host/name")).contains("hunter2"));
}

#[test]
fn beside_a_sqlite_file_the_secret_is_made_once_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tangguh.db");
    let target = Target::Sqlite(path.to_str().unwrap().into());
    let first = start::sealer(&defaults(), &target).unwrap();
    let file = folder.path().join("tangguh.db.secret");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let sealed = first.seal("label", b"text");
    assert_eq!(start::sealer(&defaults(), &target).unwrap().open("label", &sealed).unwrap(), b"text");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = start::sealer(&defaults(), &target).err().unwrap().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn with_postgresql_the_secret_must_be_given_and_the_error_says_how_to_make_one() {
    let target = Target::parse("postgres://host/name");
    let error = start::sealer(&defaults(), &target).err().unwrap().to_string();
    assert!(error.contains("TANGGUH_SECRET") && error.contains("openssl rand -base64 32"), "{error}");
    let short = Given { secret: Some("too short".into()), ..defaults() };
    let error = start::sealer(&short, &target).err().unwrap().to_string();
    assert!(error.contains("TANGGUH_SECRET") && error.contains("32"), "{error}");
    start::sealer(&Given { secret: Some(SECRET.into()), ..defaults() }, &target).unwrap();
    let both = Given { secret: Some(SECRET.into()), secret_file: Some("x".into()), ..defaults() };
    let error = start::sealer(&both, &target).err().unwrap().to_string();
    assert!(error.contains("TANGGUH_SECRET_FILE"), "{error}");
}

#[test]
fn a_secret_file_that_is_not_there_is_named() {
    let given = Given { secret_file: Some("/nowhere/secret".into()), ..defaults() };
    let error = start::sealer(&given, &Target::parse("postgres://host/name")).err().unwrap().to_string();
    assert!(error.contains("/nowhere/secret"), "{error}");
}
