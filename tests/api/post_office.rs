//! A mail server on this machine that speaks SMTP, takes mail or refuses it as it is told, and keeps what it got.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tangguh::mail::{Carrier, Relay, Way, mailbox};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::harness::*;

/// A mail as it came.
#[derive(Clone, Debug)]
pub struct Came {
    pub from: String,
    pub to: Vec<String>,
    /// Each with its name in small letters.
    pub headers: Vec<(String, String)>,
    /// Without its transfer encoding.
    pub text: String,
}

impl Came {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token that it holds.
    #[track_caller]
    pub fn token(&self) -> String {
        let at = self.text.find("tgh_").unwrap_or_else(|| panic!("no token: {}", self.text));
        let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        self.text[at..].chars().take_while(|letter| word(*letter)).collect()
    }
}

#[derive(Clone)]
pub struct PostOffice {
    port: u16,
    came: Arc<Mutex<Vec<Came>>>,
    /// What recipients are answered, one after the other; then 250.
    answers: Arc<Mutex<VecDeque<String>>>,
}

impl PostOffice {
    pub async fn open() -> PostOffice {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let office = PostOffice { port, came: Arc::default(), answers: Arc::default() };
        let serving = office.clone();
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                actix_web::rt::spawn(async move { serving.talk(stream).await });
            }
        });
        office
    }

    /// A world whose mail goes here.
    pub async fn world(kind: Kind) -> (World, PostOffice) {
        let office = PostOffice::open().await;
        let way = office.way();
        (World::with(kind, |settings| settings.mail.way = way).unwrap(), office)
    }

    pub fn way(&self) -> Way {
        let from = mailbox("Tangguh <tangguh@tangguh.test>").unwrap();
        Way::Smtp(Relay::new(&format!("smtp://127.0.0.1:{}", self.port), None, &from).unwrap())
    }

    pub fn answers<'a>(&self, answers: impl IntoIterator<Item = &'a str>) {
        self.answers.lock().unwrap().extend(answers.into_iter().map(str::to_owned));
    }

    /// Lets the service send all that is due, and hands over what came.
    pub async fn deliver(&self, world: &World) -> Vec<Came> {
        carry(world).await;
        std::mem::take(&mut self.came.lock().unwrap())
    }

    /// The only mail that is due.
    #[track_caller]
    pub fn only(&self, mut came: Vec<Came>) -> Came {
        assert_eq!(came.len(), 1, "{came:?}");
        came.remove(0)
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        let mut mail = Came { from: String::new(), to: Vec::new(), headers: Vec::new(), text: String::new() };
        stream.write_all(b"220 tangguh.test\r\n").await.ok()?;
        loop {
            let line = line(&mut stream).await?;
            let (word, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            let answer = match word.to_uppercase().as_str() {
                "EHLO" | "HELO" => "250 tangguh.test".into(),
                "MAIL" => {
                    mail.from = address(rest);
                    "250 ok".into()
                }
                "RCPT" => match self.answers.lock().unwrap().pop_front() {
                    Some(answer) => answer,
                    None => {
                        mail.to.push(address(rest));
                        "250 ok".into()
                    }
                },
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let mut bytes = String::new();
                    loop {
                        let line = self::line(&mut stream).await?;
                        if line == "." {
                            break;
                        }
                        bytes.push_str(line.strip_prefix('.').unwrap_or(&line));
                        bytes.push('\n');
                    }
                    self.came.lock().unwrap().push(read(mail.clone(), &bytes));
                    "250 kept".into()
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await.ok()?;
                    return None;
                }
                _ => "250 ok".into(),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
    }
}

/// Lets the service send all that is due.
pub async fn carry(world: &World) {
    let carrier = Carrier::new(&world.service);
    while carrier.run_once().await.unwrap() {}
}

/// The port of a server that speaks TLS with a certificate that it signed itself.
pub async fn untrusted() -> u16 {
    let pem = include_bytes!("unsigned.pem");
    let key = PrivateKeyDer::from_pem_slice(pem).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from_pem_slice(pem).unwrap()], key)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let port = listener.local_addr().unwrap().port();
    actix_web::rt::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client says no to it.
            _ = acceptor.accept(stream).await;
        }
    });
    port
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

fn address(text: &str) -> String {
    text.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or_else(String::new, |(one, _)| one.to_owned())
}

/// A mail of these lines: its headers unfolded, its text decoded.
pub fn read(mut mail: Came, lines: &str) -> Came {
    let (head, body) = lines.split_once("\n\n").unwrap();
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    mail.headers = head
        .lines()
        .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line:?} is no header")))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let encoded = mail.header("content-transfer-encoding").map(str::to_owned);
    mail.text = match encoded.as_deref() {
        Some("quoted-printable") => quoted_printable(body),
        Some("7bit") | None => body.to_owned(),
        Some(other) => panic!("nobody reads {other}"),
    };
    mail
}

fn quoted_printable(text: &str) -> String {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'=' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}
