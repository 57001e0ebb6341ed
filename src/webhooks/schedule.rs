//! What is made of an attempt: whether the message went through, when it is tried again, when we give up.

use chrono::{DateTime, TimeDelta, Utc};

use super::client::{Answer, Answered};
use crate::secret::random;

/// How long to wait after the first attempt that failed, after the second, and so on: Standard Webhooks 1.0. After the
/// last attempt, the endpoint is disabled.
const WAITS: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// The longest that a receiver can ask us to wait.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Delivered,
    /// The same message, not before this.
    Again(DateTime<Utc>),
    /// The receiver says that it is there no more.
    Gone,
    /// Every attempt failed.
    GiveUp,
}

/// `failures` is how many attempts at this message failed before.
pub fn after(answered: &Answered, failures: i32, now: DateTime<Utc>) -> Next {
    let asked = match &answered.result {
        Ok(Answer { status: 200..300, .. }) => return Next::Delivered,
        Ok(Answer { status: 410, .. }) => return Next::Gone,
        Ok(Answer { status: 429 | 503, retry_after: Some(text), .. }) => asked(text, now),
        _ => TimeDelta::zero(),
    };
    let wait = usize::try_from(failures).ok().and_then(|failures| WAITS.get(failures));
    // Never sooner than planned: a receiver that asks for a second each time would have used up all attempts in ten.
    wait.map_or(Next::GiveUp, |wait| Next::Again(now + with_jitter(*wait).max(asked)))
}

/// What `Retry-After` asks for: seconds, or an instant.
fn asked(text: &str, now: DateTime<Utc>) -> TimeDelta {
    let seconds = text.trim().parse::<u32>().ok().map(|seconds| TimeDelta::seconds(seconds.into()));
    let until = || Some(DateTime::<Utc>::from(httpdate::parse_http_date(text.trim()).ok()?) - now);
    seconds.or_else(until).unwrap_or_default().clamp(TimeDelta::zero(), LONGEST)
}

/// A tenth more at most, so that those who failed together do not come back together.
fn with_jitter(wait: TimeDelta) -> TimeDelta {
    let tenth = wait / 10;
    wait + tenth * i32::from(random::<1>()[0]) / 255
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeZone;

    use super::*;
    use crate::webhooks::client::Fault;

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 1, 15, 2, 0, 0).unwrap()
    }

    fn said(status: u16, retry_after: Option<&str>) -> Answered {
        let answer = Answer { status, retry_after: retry_after.map(str::to_owned), excerpt: String::new() };
        Answered { result: Ok(answer), took: Duration::ZERO }
    }

    fn waits(answered: &Answered, failures: i32) -> TimeDelta {
        match after(answered, failures, now()) {
            Next::Again(at) => at - now(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_2xx_goes_through_and_410_ends_it() {
        for status in [200, 202, 204, 299] {
            assert_eq!(after(&said(status, None), 9, now()), Next::Delivered);
        }
        for status in [301, 302, 307, 308, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(after(&said(status, None), 0, now()), Next::Again(_)), "{status}");
        }
        assert_eq!(after(&said(410, None), 0, now()), Next::Gone);
    }

    #[test]
    fn the_schedule_is_that_of_the_standard_with_a_tenth_of_jitter() {
        let failed = Answered { result: Err(Fault::Timeout), took: Duration::ZERO };
        for (failures, wait) in WAITS.into_iter().enumerate() {
            for _ in 0..20 {
                let waited = waits(&failed, failures as i32);
                assert!(wait <= waited && waited <= wait + wait / 10, "{waited} after {failures}");
            }
        }
        assert_eq!(after(&failed, WAITS.len() as i32, now()), Next::GiveUp);
    }

    #[test]
    fn a_receiver_can_ask_for_more_time_within_bounds() {
        assert_eq!(waits(&said(429, Some("60")), 0), TimeDelta::minutes(1));
        assert_eq!(waits(&said(503, Some("Thu, 15 Jan 2026 02:03:00 GMT")), 0), TimeDelta::minutes(3));
        assert_eq!(waits(&said(429, Some("4000000")), 0), TimeDelta::hours(24));
        // Not for less, and not with another status or in words.
        for (status, text) in
            [(429, "1"), (429, "soon"), (429, "-60"), (500, "60"), (503, "Thu, 15 Jan 2015 02:03:00 GMT")]
        {
            assert!(waits(&said(status, Some(text)), 0) <= TimeDelta::milliseconds(5500), "{status} {text}");
        }
    }
}
