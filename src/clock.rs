//! The time, as an argument: tests move it, and nothing else in the service asks the system for it.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Tells the time in whole microseconds, which is what both databases keep.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Set: a clock that stands until it is moved; microseconds since 1970.
    stands_at: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub fn system() -> Clock {
        Clock::default()
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    pub fn standing(at: DateTime<Utc>) -> Clock {
        Clock { stands_at: Some(Arc::new(AtomicI64::new(at.timestamp_micros()))) }
    }

    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.stands_at {
            Some(at) => DateTime::from_timestamp_micros(at.load(Ordering::SeqCst)).unwrap_or_default(),
            None => Utc::now(),
        };
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }

    /// Moves a standing clock; does nothing to the system's.
    pub fn advance(&self, by: TimeDelta) {
        if let Some(at) = &self.stands_at {
            at.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}
