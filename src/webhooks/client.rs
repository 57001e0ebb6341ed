//! One request to somebody else's server: no redirect is followed, no proxy is asked, nothing is waited for without an
//! end, and no more is read than is looked at.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header,
};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName},
    },
};
use url::{Host, Position, Url};

use super::{address::Guard, message::Message};

/// How webhooks are sent: settings.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Networks that may be written to though they are private.
    pub allow: Vec<IpNet>,
    /// Certification authorities that are trusted beside those of browsers.
    pub authorities: Vec<CertificateDer<'static>>,
    pub connect_within: Duration,
    pub answer_within: Duration,
    /// Messages that one process sends in a second at most: its processors are for requests first.
    pub rate: u32,
}

impl Default for Outbound {
    fn default() -> Outbound {
        Outbound {
            allow: Vec::new(),
            authorities: Vec::new(),
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(15),
            rate: 100,
        }
    }
}

impl Outbound {
    pub fn guard(&self) -> Guard {
        Guard { allow: self.allow.clone() }
    }
}

/// What came of an attempt.
#[derive(Debug)]
pub struct Answered {
    pub result: Result<Answer, Fault>,
    pub took: Duration,
}

/// What a receiver said.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The header as it came.
    pub retry_after: Option<String>,
    /// The beginning of the body, as text.
    pub excerpt: String,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The host's name leads nowhere.
    Resolve,
    /// It leads only where webhooks may not go.
    Address,
    Connect,
    Tls,
    Timeout,
    /// It hung up, or what it said is no HTTP.
    Answer,
}

impl Fault {
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Resolve => "name_not_found",
            Fault::Address => "address_refused",
            Fault::Connect => "cannot_connect",
            Fault::Tls => "no_trust",
            Fault::Timeout => "timeout",
            Fault::Answer => "no_answer",
        }
    }
}

const READ_AT_MOST: usize = 64 * 1024;
const KEPT_AT_MOST: usize = 1024;
const AGENT: &str = concat!("Tangguh/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// Sends messages.
pub struct Client {
    guard: Guard,
    tls: TlsConnector,
    connect_within: Duration,
    answer_within: Duration,
}

impl Client {
    pub fn new(settings: &Outbound) -> Client {
        Client {
            guard: settings.guard(),
            tls: tls(&settings.authorities),
            connect_within: settings.connect_within,
            answer_within: settings.answer_within,
        }
    }

    /// Sends a message once.
    pub async fn send(&self, url: &str, message: &Message, signatures: &str, timestamp: i64) -> Answered {
        let began = Instant::now();
        let until = began + self.answer_within;
        let sent = timeout_at(until, self.exchange(url, message, signatures, timestamp, until));
        let result = sent.await.unwrap_or(Err(Fault::Timeout));
        Answered { result, took: began.elapsed() }
    }

    async fn exchange(
        &self,
        url: &str,
        message: &Message,
        signatures: &str,
        timestamp: i64,
        until: Instant,
    ) -> Result<Answer, Fault> {
        let url = Url::parse(url).map_err(|_| Fault::Address)?;
        let request = Request::post(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::HOST, &url[Position::BeforeHost..Position::AfterPort])
            .header(header::USER_AGENT, AGENT)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures)
            .body(Full::new(Bytes::from(message.body.clone())))
            .map_err(|_| Fault::Address)?;
        let secure = url.scheme() == "https";
        let opened = timeout(self.connect_within, self.open(&url, secure)).await;
        let stream = opened.unwrap_or(Err(Fault::Timeout))?;
        if !secure {
            return talk(stream, request, until).await;
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).map_err(|_| Fault::Address)?,
            Some(Host::Ipv4(address)) => ServerName::from(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => ServerName::from(IpAddr::V6(address)),
            None => return Err(Fault::Address),
        };
        let greeted = timeout(self.connect_within, self.tls.connect(name, stream)).await;
        let stream = greeted.map_err(|_| Fault::Timeout)?.map_err(|_| Fault::Tls)?;
        talk(stream, request, until).await
    }

    /// A connection to the first of the host's addresses that takes one, of those that may be connected to.
    async fn open(&self, url: &Url, secure: bool) -> Result<TcpStream, Fault> {
        let port = url.port_or_known_default().ok_or(Fault::Address)?;
        let found: Vec<SocketAddr> = match url.host() {
            Some(Host::Domain(name)) => lookup_host((name, port)).await.map_err(|_| Fault::Resolve)?.collect(),
            Some(Host::Ipv4(address)) => vec![(address, port).into()],
            Some(Host::Ipv6(address)) => vec![(address, port).into()],
            None => return Err(Fault::Address),
        };
        let mut fault = if found.is_empty() { Fault::Resolve } else { Fault::Address };
        for address in found.into_iter().filter(|one| self.guard.permits(one.ip(), secure)) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(_) => fault = Fault::Connect,
            }
        }
        Err(fault)
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
    until: Instant,
) -> Result<Answer, Fault> {
    let handshake = http1::Builder::new().max_buf_size(READ_AT_MOST).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| Fault::Answer)?;
    let exchange = pin!(async move {
        let response = sender.send_request(request).await.map_err(|_| Fault::Answer)?;
        Ok(read(response, until).await)
    });
    // The connection lives in here: whoever stops waiting for the answer hangs up.
    match select(exchange, pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        Either::Right((_, exchange)) => exchange.await,
    }
}

/// The status is what counts; of the body only as much is waited for as is kept.
async fn read(response: Response<Incoming>, until: Instant) -> Answer {
    let (head, mut body) = response.into_parts();
    let retry_after = head.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (mut kept, mut seen) = (Vec::new(), 0);
    while seen < READ_AT_MOST
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        if let Some(data) = frame.data_ref() {
            seen += data.len();
            kept.extend(data.iter().take(KEPT_AT_MOST - kept.len()));
        }
    }
    Answer { status: head.status.as_u16(), retry_after, excerpt: redacted(&readable(&kept)) }
}

/// Text that both databases can hold.
fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}

/// A receiver may send back what it got, or tell what it is set up with.
fn redacted(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((at, prefix)) = SECRET.iter().filter_map(|prefix| Some((rest.find(prefix)?, *prefix))).min() {
        let (before, found) = rest.split_at(at + prefix.len());
        let secret =
            found.find(|one: char| !one.is_ascii_alphanumeric() && !"+/=".contains(one)).unwrap_or(found.len());
        shown.push_str(before);
        if secret > 0 {
            shown.push('…');
        }
        rest = &found[secret..];
    }
    shown + rest
}

/// How signatures and secrets begin.
const SECRET: [&str; 2] = ["v1,", "whsec_"];

/// # Panics
/// Never: the provider knows the versions of TLS that rustls has.
fn tls(authorities: &[CertificateDer<'static>]) -> TlsConnector {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    roots.add_parsable_certificates(authorities.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_answer_has_no_secrets_in_it() {
        for (said, kept) in [
            ("all is well", "all is well"),
            ("got v1,ab+/c= v1,x. why", "got v1,… v1,…. why"),
            ("set up with whsec_QUJD", "set up with whsec_…"),
            ("v1, v1,", "v1, v1,"),
            ("whsec_v1,abc", "whsec_…,abc"),
        ] {
            assert_eq!(redacted(said), kept);
        }
        assert_eq!(readable(b"a\0b\xff\n"), "a b\u{fffd} ");
    }
}
