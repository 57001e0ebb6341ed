//! What the service logs while somebody reads along: for what must not stand there.
//!
//! There is one log for the whole process, so there are lines of other stories among it. Whoever looks for something,
//! looks for what is theirs alone.

use std::sync::{
    Mutex, Once,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use log::{Level, LevelFilter, Log, Metadata, Record};

static READERS: AtomicUsize = AtomicUsize::new(0);
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Book;

impl Log for Book {
    /// What is logged by default, and of our own parts all that can be switched on.
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        READERS.load(SeqCst) > 0 && (of.level() <= Level::Info || of.target().starts_with("tangguh"))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            LINES.lock().unwrap().push(format!("{} {} {}", record.level(), record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}

/// The log from now on.
pub struct Logbook {
    from: usize,
}

impl Logbook {
    pub fn open() -> Logbook {
        static BOOK: Once = Once::new();
        BOOK.call_once(|| {
            log::set_logger(&Book).unwrap();
            log::set_max_level(LevelFilter::Trace);
        });
        READERS.fetch_add(1, SeqCst);
        Logbook { from: LINES.lock().unwrap().len() }
    }

    /// What was logged since, the newest last.
    pub fn lines(&self) -> Vec<String> {
        LINES.lock().unwrap()[self.from..].to_vec()
    }
}

impl Drop for Logbook {
    fn drop(&mut self) {
        READERS.fetch_sub(1, SeqCst);
    }
}
