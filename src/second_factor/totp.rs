//! TOTP (RFC 6238) as every authenticator app makes it: SHA-1, six digits, thirty seconds.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// As long as what HMAC-SHA-1 makes (RFC 4226, 4).
pub const SECRET_LEN: usize = 20;
pub const DIGITS: usize = 6;
/// Seconds.
pub const PERIOD: i64 = 30;
/// How many steps the clock of a telephone may be off, either way.
const DRIFT: i64 = 1;

/// The step in time that a code is of, if it is one of these moments' and none that came before `last`.
pub fn step(secret: &[u8], code: &str, last: Option<i64>, now: DateTime<Utc>) -> Option<i64> {
    let given: u32 = code.parse().ok().filter(|_| code.bytes().all(|digit| digit.is_ascii_digit()))?;
    let current = now.timestamp().div_euclid(PERIOD);
    (current - DRIFT..=current + DRIFT)
        .filter(|step| last.is_none_or(|last| *step > last))
        .find(|step| this(secret, *step) == given)
}

/// The code of a step in time (RFC 4226, 5.3).
fn this(secret: &[u8], step: i64) -> u32 {
    // A key that is shorter than HMAC's block is as if it were filled up with zeros; ours are.
    let mut block = [0; 64];
    block[..secret.len()].copy_from_slice(secret);
    let digest = <Hmac<Sha1> as Mac>::new(&block.into()).chain_update(step.to_be_bytes()).finalize().into_bytes();
    let at = usize::from(digest[19] & 0xf);
    let bits = u32::from_be_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]]);
    (bits & 0x7fff_ffff) % 10_u32.pow(DIGITS as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; SECRET_LEN] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// RFC 6238, appendix B, whose eight digits end in these six.
    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let codes = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in codes {
            assert_eq!(step(SECRET, code, None, at(seconds)), Some(seconds / PERIOD), "{seconds}");
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off() {
        for (off, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(step(SECRET, "005924", None, at(1_234_567_890 + off)).is_some(), taken, "{off}");
        }
    }

    #[test]
    fn no_step_is_taken_again_and_none_before_it() {
        let now = at(1_234_567_890);
        let taken = step(SECRET, "005924", None, now).unwrap();
        assert_eq!(step(SECRET, "005924", Some(taken), now), None);
        assert_eq!(step(SECRET, "005924", Some(taken + 1), now), None);
        assert_eq!(step(SECRET, "005924", Some(taken - 1), now), Some(taken));
    }
}
