//! The way out: a mail server, or a folder of files where there is none.

use std::{
    error::Error,
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio_rustls::rustls::{
    self,
    pki_types::{CertificateDer, pem::PemObject},
};
use url::{Host, Url};

use super::letters::Letter;
use crate::db::Id;

/// How long one command of a mail server may take, and how long a whole mail.
const COMMAND: Duration = Duration::from_secs(20);
const WHOLE: Duration = Duration::from_secs(120);

/// Where mail goes, and whom it is from.
#[derive(Clone)]
pub struct Outgoing {
    pub way: Way,
    pub from: Mailbox,
    /// The application that people use, which mails lead to.
    pub app_url: Option<String>,
}

#[derive(Clone)]
pub enum Way {
    /// A file for each mail.
    Folder(PathBuf),
    Smtp(Relay),
}

/// A mail server that takes our mail.
#[derive(Clone)]
pub struct Relay(AsyncSmtpTransport<Tokio1Executor>);

/// Why a mail did not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server said no, with this status.
    Refused(u16),
    /// There is no TLS with it that can be trusted.
    NoTrust,
    Timeout,
    NoAnswer,
    /// The address is one that no mail can be sent to.
    BadAddress,
    NoFolder,
    /// It could not be written, whatever the reason: others are not to wait for it.
    NotWritten,
}

impl Fault {
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Refused(_) => "refused",
            Fault::NoTrust => "no_trust",
            Fault::Timeout => "timeout",
            Fault::NoAnswer => "no_answer",
            Fault::BadAddress => "bad_address",
            Fault::NoFolder => "no_folder",
            Fault::NotWritten => "not_written",
        }
    }

    pub fn status(self) -> Option<i32> {
        if let Fault::Refused(status) = self { Some(status.into()) } else { None }
    }

    /// Whether it will be no better later: the address is wrong. What else a server refuses for good may be a setting.
    pub const fn is_final(self) -> bool {
        matches!(self, Fault::BadAddress | Fault::Refused(550 | 551 | 553))
    }
}

impl From<lettre::transport::smtp::Error> for Fault {
    fn from(error: lettre::transport::smtp::Error) -> Fault {
        match error.status() {
            Some(status) => Fault::Refused(status.into()),
            // What a server answers may name the address; what the way there was like does not.
            None => {
                log::warn!("the mail server: {error}");
                match error {
                    error if error.is_tls() || is_of_tls(&error) => Fault::NoTrust,
                    error if error.is_timeout() => Fault::Timeout,
                    _ => Fault::NoAnswer,
                }
            }
        }
    }
}

/// Whether the way to a server failed on TLS, as where nobody known signed its certificate. To the library that is a
/// connection like any other that did not come about.
fn is_of_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An address with or without a name, as in `Tangguh <tangguh@example.org>`.
pub fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

impl Relay {
    /// A server by its URL, `smtps://USER:PASSWORD@HOST` or `smtp://…`, and the PEM certificates of authorities to trust
    /// beside those of browsers. On the way to another machine nothing goes without TLS. What is wrong is told without
    /// the URL, which may hold a password.
    pub fn new(url: &str, authorities: Option<&[u8]>, from: &Mailbox) -> Result<Relay, &'static str> {
        let mut url = Url::parse(url).map_err(|_| "is no URL, such as smtps://USER:PASSWORD@HOST")?;
        let wrapped = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err("begins with neither smtps:// nor smtp://"),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("names no host")?.to_owned();
        // Of a scheme that it does not know, the library leaves addresses as they stand.
        let local = match Host::parse(&host) {
            Ok(Host::Ipv4(address)) => address.is_loopback(),
            Ok(Host::Ipv6(address)) => address.is_loopback(),
            _ => host == "localhost",
        };
        if url.query().is_some() || !["", "/"].contains(&url.path()) {
            return Err("has more than a scheme, a user, a password, a host and a port");
        }
        // Whoever names authorities wants TLS.
        let plain = !wrapped && local && authorities.is_none();
        if !wrapped && !plain {
            url.set_query(Some("tls=required"));
        }
        let no_url = |_| "cannot be used";
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str()).map_err(no_url)?;
        if let Some(pem) = authorities {
            const UNREADABLE: &str = "is trusted by no certificate that can be read";
            // The library takes a file without a certificate for one that trusts nobody more.
            CertificateDer::pem_slice_iter(pem).next().ok_or(UNREADABLE)?.map_err(|_| UNREADABLE)?;
            let authorities = Certificate::from_pem(pem).map_err(|_| UNREADABLE)?;
            let trust = TlsParameters::builder(host).add_root_certificate(authorities).build_rustls();
            let trust = trust.map_err(|_| UNREADABLE)?;
            builder = builder.tls(if wrapped { Tls::Wrapper(trust) } else { Tls::Required(trust) });
        }
        let named = ClientId::Domain(from.email.domain().to_owned());
        Ok(Relay(builder.hello_name(named).timeout(Some(COMMAND)).build()))
    }
}

/// That nobody need answer (RFC 3834): no out-of-office comes back.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<AutoSubmitted, Box<dyn std::error::Error + Send + Sync>> {
        Ok(AutoSubmitted)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(AutoSubmitted::name(), "auto-generated".into())
    }
}

impl Outgoing {
    /// Sends a mail once. The same one bears the same Message-ID however often it is sent.
    pub(super) async fn send(&self, id: Id, recipient: &str, at: DateTime<Utc>, letter: Letter) -> Result<(), Fault> {
        // Whatever an address is, it is no more than one address here.
        let address: Address = recipient.parse().map_err(|_| Fault::BadAddress)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(letter.subject)
            .date(at.into())
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|_| Fault::BadAddress)?;
        match &self.way {
            Way::Smtp(relay) => match tokio::time::timeout(WHOLE, relay.0.send(message)).await {
                Ok(sent) => Ok(sent.map(drop)?),
                Err(_) => Err(Fault::Timeout),
            },
            Way::Folder(folder) => {
                let (folder, name) = (folder.clone(), format!("{id}.eml"));
                let kept = tokio::task::spawn_blocking(move || keep(&folder, &name, &message.formatted()));
                match kept.await {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => {
                        log::warn!("the folder of mails: {error}");
                        Err(Fault::NoFolder)
                    }
                    Err(_) => Err(Fault::NoFolder),
                }
            }
        }
    }
}

/// Writes a file that its owner alone can read: there may be a token in it.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let unfinished = folder.join(format!(".{name}"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_another_machine_without_tls() {
        let from = mailbox("Tangguh <tangguh@example.org>").unwrap();
        let relay = |url: &str| Relay::new(url, None, &from).map(|relay| format!("{:?}", relay.0));
        for url in ["smtps://mail.example.org", "smtp://user:p%40ss@mail.example.org:2525", "smtps://127.0.0.1"] {
            let made = relay(url).unwrap();
            assert!(made.contains("Wrapper") || made.contains("Required"), "{url}: {made}");
        }
        assert!(Relay::new("smtp://127.0.0.1", Some(b"no certificate"), &from).is_err(), "authorities mean TLS");
        for url in ["smtp://127.0.0.1:1025", "smtp://localhost", "smtp://[::1]:25"] {
            assert!(relay(url).unwrap().contains("None"), "{url}");
        }
        for url in ["", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://mail.example.org?tls=none"] {
            assert!(relay(url).is_err(), "{url}");
        }
        assert!(Relay::new("smtps://mail.example.org", Some(b"no certificate"), &from).is_err());
    }

    #[test]
    fn an_address_is_no_more_than_one() {
        for wrong in ["a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "a b@example.org", "a@"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong:?}");
        }
    }
}
