//! What a revision of a question costs SQLite alone: the statements of the write path, in its order, prepared once,
//! with the service's pragmas, and nothing else.
//!
//! usage: bare_sqlite FILE SECONDS PROGRAMS; prints transactions for each second

use std::{
    ffi::{CStr, CString, c_int},
    ptr::null_mut,
    time::{Duration, Instant},
};

use libsqlite3_sys as sql;

const PRAGMAS: &str = "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; \
     pragma foreign_keys = on; pragma cache_size = -16000; pragma temp_store = memory; pragma mmap_size = 268435456";

struct Conn(*mut sql::sqlite3);
struct Statement(*mut sql::sqlite3_stmt);

impl Conn {
    fn open(file: &str) -> Conn {
        let (mut raw, name) = (null_mut(), CString::new(file).unwrap());
        // SAFETY: `name` ends with NUL and outlives the call, and `raw` is where it may write.
        let code = unsafe { sql::sqlite3_open(name.as_ptr(), &mut raw) };
        assert_eq!(code, sql::SQLITE_OK, "{file} cannot be opened");
        Conn(raw)
    }

    fn run(&self, text: &str) {
        let text = CString::new(text).unwrap();
        // SAFETY: the connection is open, and `text` outlives the call.
        let code = unsafe { sql::sqlite3_exec(self.0, text.as_ptr(), None, null_mut(), null_mut()) };
        assert_eq!(code, sql::SQLITE_OK, "{text:?}");
    }

    fn prepare(&self, text: &str) -> Statement {
        let (mut raw, text) = (null_mut(), CString::new(text).unwrap());
        // SAFETY: the connection is open, and `text` outlives the call.
        let code = unsafe { sql::sqlite3_prepare_v2(self.0, text.as_ptr(), -1, &mut raw, null_mut()) };
        assert_eq!(code, sql::SQLITE_OK, "{text:?}");
        Statement(raw)
    }
}

impl Statement {
    fn text(&self, place: c_int, text: &str) -> &Statement {
        let length = c_int::try_from(text.len()).unwrap();
        // SAFETY: SQLite copies the text (SQLITE_TRANSIENT) before the call returns.
        let code =
            unsafe { sql::sqlite3_bind_text(self.0, place, text.as_ptr().cast(), length, sql::SQLITE_TRANSIENT()) };
        assert_eq!(code, sql::SQLITE_OK);
        self
    }

    fn integer(&self, place: c_int, number: i64) -> &Statement {
        // SAFETY: the statement is prepared and not stepping.
        assert_eq!(unsafe { sql::sqlite3_bind_int64(self.0, place, number) }, sql::SQLITE_OK);
        self
    }

    /// All rows, as texts.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        // SAFETY: the statement is prepared; a column's text is copied before the next step.
        unsafe {
            loop {
                match sql::sqlite3_step(self.0) {
                    sql::SQLITE_ROW => rows.push(
                        (0..sql::sqlite3_column_count(self.0))
                            .map(|column| match sql::sqlite3_column_text(self.0, column) {
                                text if text.is_null() => String::new(),
                                text => CStr::from_ptr(text.cast()).to_string_lossy().into_owned(),
                            })
                            .collect(),
                    ),
                    sql::SQLITE_DONE => break,
                    code => panic!("SQLite says {code}"),
                }
            }
            sql::sqlite3_reset(self.0);
        }
        rows
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip_while(|argument| argument.starts_with("--")).collect();
    let [_, file, seconds, programs] = &arguments[..] else { panic!("usage: bare_sqlite FILE SECONDS PROGRAMS") };
    let (seconds, programs): (u64, i64) = (seconds.parse().unwrap(), programs.parse().unwrap());
    let conn = Conn::open(file);
    conn.run(PRAGMAS);
    let account = &conn
        .prepare("select account_id from membership_revisions where role = 'facilitator' and seq_to is null limit 1")
        .rows()[0][0];
    // The programmes with the fewest questions are those that the benchmark made.
    let many = if programs > 1 { "asc" } else { "desc" };
    let questions = conn
        .prepare(&format!(
            "select subject_id, ledger_id from question_revisions where seq_to is null and ledger_id in (select \
             ledger_id from questions group by 1 order by count(*) {many} limit {programs}) order by random() limit 2000"
        ))
        .rows();

    let begin = conn.prepare("begin immediate");
    let head = conn.prepare("select sequence, hash, at from ledgers where id = ?");
    let rights = conn.prepare(
        "select w.state, w.admin, p.state, p.time_zone, p.source_language, m.role, m.stakeholder_id, m.from_on, \
         m.until_on from account_revisions w join program_revisions p on p.subject_id = ?1 and p.seq_to is null \
         left join membership_revisions m on m.account_id = w.subject_id and m.ledger_id = ?1 and m.seq_to is null \
         and m.state = 'active' where w.subject_id = ?2 and w.seq_to is null",
    );
    let reply = conn
        .prepare("select fingerprint, status, headers, body, at from stored_replies where account_id = ? and key = ?");
    let open = conn.prepare(
        "select revision, seq_from, state, focus_area_id, code, position, body from question_revisions \
         where subject_id = ? and ledger_id = ? and seq_to is null",
    );
    let close = conn
        .prepare("update question_revisions set seq_to = ? where subject_id = ? and revision = ? and seq_to is null");
    let revise = conn.prepare(
        "insert into question_revisions (subject_id, revision, ledger_id, seq_from, state, focus_area_id, code, \
         position, body) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let row = conn.prepare(
        "insert into ledger_rows (ledger_id, sequence, at, account_id, stakeholder_id, action, subject_kind, \
         subject_id, revision, reason, request_id, body, salt, digest, hash) values (?, ?, ?, ?, ?, \
         'question.revise', 'question', ?, ?, 'Measured.', 'bare', ?, 'AAAAAAAAAAAAAAAAAAAAAA', ?, ?)",
    );
    let moved = conn.prepare("update ledgers set sequence = ?, hash = ?, at = ? where id = ?");
    let keep = conn.prepare(
        "insert into stored_replies (account_id, key, fingerprint, status, headers, body, at) values (?, ?, ?, 201, \
         '{\"etag\":\"1.0000000000000000\",\"location\":\"/api/v1/programs/x/questions/x\"}', ?, ?)",
    );
    let commit = conn.prepare("commit");

    let (hash, at) = ("0".repeat(64), "2030-01-01T00:00:00.000000Z");
    let run = std::process::id();
    let (began, mut done) = (Instant::now(), 0_u64);
    while began.elapsed() < Duration::from_secs(seconds) {
        let [question, ledger] = &questions[done as usize % questions.len()][..] else { unreachable!() };
        let key = format!("bare-{run}-{done}");
        begin.rows();
        let sequence: i64 = head.text(1, ledger).rows()[0][0].parse::<i64>().unwrap() + 1;
        let held = &rights.text(1, ledger).text(2, account).rows()[0];
        reply.text(1, account).text(2, &key).rows();
        let now = &open.text(1, question).text(2, ledger).rows()[0];
        let [revision, _, state, area, code, position, body] = &now[..] else { unreachable!() };
        let revision: i64 = revision.parse().unwrap();
        close.integer(1, sequence).text(2, question).integer(3, revision).rows();
        revise.text(1, question).integer(2, revision + 1).text(3, ledger).integer(4, sequence).text(5, state);
        revise.text(6, area).text(7, code).integer(8, position.parse().unwrap()).text(9, body).rows();
        row.text(1, ledger).integer(2, sequence).text(3, at).text(4, account).text(5, &held[6]).text(6, question);
        row.integer(7, revision + 1).text(8, body).text(9, &hash).text(10, &hash).rows();
        moved.integer(1, sequence).text(2, &hash).text(3, at).text(4, ledger).rows();
        keep.text(1, account).text(2, &key).text(3, &hash).text(4, body).text(5, at).rows();
        commit.rows();
        done += 1;
    }
    println!("{:.1}", done as f64 / began.elapsed().as_secs_f64());
}
