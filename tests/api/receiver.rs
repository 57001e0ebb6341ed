//! A receiver of webhooks on this machine that answers as it is told, and keeps what it got.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What came: one request.
#[derive(Clone, Debug)]
pub struct Mail {
    /// By name in small letters.
    pub headers: BTreeMap<String, String>,
    pub text: String,
}

impl Mail {
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn sequence(&self) -> i64 {
        self.body()["data"]["sequence"].as_i64().unwrap()
    }
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub enum Script {
    /// These bytes, and no more.
    Say(String),
    /// Nothing, for a minute.
    Hang,
    /// A body without an end.
    Endless,
}

impl Script {
    pub fn status(status: u16) -> Script {
        Script::with(status, "", "said")
    }

    /// With further header lines, each with its line end.
    pub fn with(status: u16, headers: &str, body: &str) -> Script {
        Script::Say(format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    came: Arc<Mutex<Vec<Mail>>>,
    scripts: Arc<Mutex<VecDeque<Script>>>,
}

impl Receiver {
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/hook?of=test");
        let receiver = Receiver { url, came: Arc::default(), scripts: Arc::default() };
        let serving = receiver.clone();
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                actix_web::rt::spawn(async move { serving.answer(stream).await });
            }
        });
        receiver
    }

    /// Answers the next requests so, and those after them with 200.
    pub fn answers(&self, scripts: impl IntoIterator<Item = Script>) {
        self.scripts.lock().unwrap().extend(scripts);
    }

    /// What came since this was asked last.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.came.lock().unwrap())
    }

    /// The rows of the ledger that it was told of since this was asked last.
    pub fn sequences(&self) -> Vec<i64> {
        self.take().iter().map(Mail::sequence).collect()
    }

    async fn answer(&self, mut stream: TcpStream) {
        let Some(mail) = read(&mut stream).await else { return };
        self.came.lock().unwrap().push(mail);
        let script = self.scripts.lock().unwrap().pop_front().unwrap_or(Script::status(200));
        match script {
            Script::Say(text) => _ = stream.write_all(text.as_bytes()).await,
            Script::Hang => sleep(Duration::from_secs(60)).await,
            Script::Endless => {
                let mut part = "HTTP/1.1 200 OK\r\n\r\n".to_owned();
                while stream.write_all(part.as_bytes()).await.is_ok() {
                    part = "x".repeat(1000);
                }
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Mail> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: BTreeMap<String, String> =
                lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length: usize = headers["content-length"].parse().unwrap();
            if body.len() >= length {
                return Some(Mail { text: body.to_owned(), headers });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
