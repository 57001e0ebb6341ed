//! Clients that write all the time, and send again what was not answered.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::prelude::*;
use serde_json::{Value, json};
use tangguh::{db::Id, schema::focus_area_revisions};

use crate::service::Place;

/// A write that was answered with 2xx.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// Its idempotency key, which is also in the text that it wrote.
    pub key: String,
    pub question: Id,
    pub revision: i32,
}

pub struct Shared {
    pub stop: AtomicBool,
    /// The test has failed: nobody answers any more.
    pub abandoned: AtomicBool,
    /// Requests that were sent more than once.
    pub repeated: AtomicUsize,
    acknowledged: Mutex<Vec<Acknowledged>>,
    ports: Vec<u16>,
    token: String,
    focus_area: Id,
}

impl Shared {
    pub fn new(place: &Place, ports: Vec<u16>) -> Shared {
        let focus_area = focus_area_revisions::table
            .filter(focus_area_revisions::code.eq("FU-1"))
            .filter(focus_area_revisions::seq_to.is_null())
            .select(focus_area_revisions::subject_id)
            .first(&mut place.connect())
            .unwrap();
        Shared {
            stop: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            repeated: AtomicUsize::new(0),
            acknowledged: Mutex::default(),
            ports,
            token: place.token.clone(),
            focus_area,
        }
    }

    pub fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    pub fn all_acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().unwrap().clone()
    }
}

/// How long one request may remain unanswered while the service is killed and started.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks questions and revises them until it is told to stop. What is under way then is still brought to its end.
pub fn write(shared: &Shared, number: usize) {
    let mut client = Client { shared, number, connection: None };
    let mut mine: Option<(Id, i32)> = None;
    for step in 0.. {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let key = format!("kill-{number}-{step}");
        let text = json!({"id": format!("Pertanyaan {key}."), "en": format!("Question {key}.")});
        // Every tenth write asks a new question.
        let written = match mine {
            Some((id, revision)) if step % 10 != 0 => {
                let body = json!({"text": text, "reason_kind": "wording", "reason": "The kill test."});
                let written = client.post(&format!("/{id}/revisions"), &key, Some(revision), &body);
                assert_eq!(written, (id, revision + 1), "{key}");
                written
            }
            _ => {
                let written = client.post("", &key, None, &json!({"focus_area_id": shared.focus_area, "text": text}));
                assert_eq!(written.1, 1, "{key}");
                written
            }
        };
        mine = Some(written);
        let (question, revision) = written;
        shared.acknowledged.lock().unwrap().push(Acknowledged { key, question, revision });
    }
}

struct Client<'s> {
    shared: &'s Shared,
    number: usize,
    connection: Option<BufReader<TcpStream>>,
}

impl Client<'_> {
    /// Sends one write, again and again with the same key, until it is acknowledged. Nothing but a service that is
    /// down or busy may stand against it.
    fn post(&mut self, path: &str, key: &str, seen: Option<i32>, body: &Value) -> (Id, i32) {
        let body = body.to_string();
        let seen = seen.map(|revision| format!("If-Match: \"{revision}.x\"\r\n")).unwrap_or_default();
        let request = format!(
            "POST /api/v1/programs/jakarta-berketahanan/questions{path} HTTP/1.1\r\nHost: tangguh.test\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Idempotency-Key: {key}\r\n{seen}\r\n{body}",
            self.shared.token,
            body.len(),
        );
        let began = Instant::now();
        for attempt in 0.. {
            if attempt == 1 {
                self.shared.repeated.fetch_add(1, Ordering::SeqCst);
            }
            match self.exchange(&request, attempt) {
                Some((201, answer)) => {
                    let answer: Value = serde_json::from_str(&answer).unwrap();
                    let id = Id::parse(answer["id"].as_str().unwrap()).unwrap();
                    assert!(answer["text"]["en"].as_str().unwrap().contains(&format!(" {key}.")), "{key}: {answer}");
                    return (id, answer["revision"].as_i64().unwrap() as i32);
                }
                Some((503, _)) => {}
                Some((status, answer)) => panic!("{key} was answered with {status} at attempt {attempt}: {answer}"),
                None => self.connection = None,
            }
            assert!(!self.shared.abandoned.load(Ordering::SeqCst), "given up");
            assert!(began.elapsed() < PATIENCE, "{key} gets no answer");
            sleep(Duration::from_millis(20));
        }
        unreachable!()
    }

    /// `None` where the connection broke, or none was to be had.
    fn exchange(&mut self, request: &str, attempt: usize) -> Option<(u16, String)> {
        if self.connection.is_none() {
            // Another instance at the next attempt: the key is known to all.
            let port = self.shared.ports[(self.number + attempt) % self.shared.ports.len()];
            let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_nodelay(true).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
            self.connection = Some(BufReader::new(stream));
        }
        let connection = self.connection.as_mut()?;
        connection.get_mut().write_all(request.as_bytes()).ok()?;
        let mut line = String::new();
        connection.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            line.clear();
            connection.read_line(&mut line).ok().filter(|read| *read > 0)?;
            match line.trim_end().split_once(": ") {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).ok()?;
        Some((status, String::from_utf8(body).ok()?))
    }
}
