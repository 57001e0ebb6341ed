//! Passwords of people: what is accepted as one, how it is kept, and how many are computed at once.

use std::{sync::Arc, time::Duration};

use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier, password_hash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The fewest characters of a password.
pub const MIN_CHARS: usize = 12;
/// The most characters of a password: room for a long sentence, and none for a burden.
pub const MAX_CHARS: usize = 128;

/// Passwords of 12 characters or more that are tried first by anyone who guesses; lower case, one a line. The first of that
/// length in Mark Burnett's list of the ten million (public domain), by how often they were found, as SecLists (MIT) has it;
/// and some of our own making.
const COMMON: &str = include_str!("common_passwords.txt");

/// What one guess costs. A hash carries its own parameters, so hashes of both verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// The first choice of OWASP's Password Storage Cheat Sheet for argon2id: 19 MiB, two passes, one lane.
    #[default]
    Full,
    /// The least that argon2 allows. For tests, never for people.
    Test,
}

const FULL: Params = match Params::new(19 * 1024, 2, 1, Some(32)) {
    Ok(params) => params,
    Err(_) => panic!("argon2 refuses these parameters"),
};
const TEST: Params = match Params::new(Params::MIN_M_COST, 1, 1, Some(32)) {
    Ok(params) => params,
    Err(_) => panic!("argon2 refuses these parameters"),
};

impl Cost {
    fn params(self) -> Params {
        match self {
            Cost::Full => FULL,
            Cost::Test => TEST,
        }
    }
}

/// The operating system could not give the memory or the salt for a hash.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashError(#[from] password_hash::Error);

/// argon2id with a new salt, as a PHC string. It takes tens of milliseconds and 19 MiB: call it through a
/// [`Gate`].
pub fn hash(password: &str, cost: Cost) -> Result<String, HashError> {
    let phc = Argon2::from(cost.params()).hash_password(password.as_bytes())?;
    Ok(phc.to_string())
}

/// Whether the hash was made from this password; no, if it cannot be read. As costly as [`hash`].
pub fn verify(password: &str, phc: &str) -> bool {
    Argon2::default().verify_password(password.as_bytes(), phc).is_ok()
}

/// A hash that no password has. Verifying against it takes as long as against a real one, so that an answer's
/// time does not tell whether there is such an account. Its digest is made up: it need not come from any
/// password to cost the same.
pub const fn decoy(cost: Cost) -> &'static str {
    match cost {
        Cost::Full => {
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBvZiBub2JvZHkuLg$g03J5YtDI+fTiGfpdNvyh/YUJOdgzaeUhx9ibDc0/U8"
        }
        Cost::Test => "$argon2id$v=19$m=8,t=1,p=1$c2FsdCBvZiBub2JvZHkuLg$g03J5YtDI+fTiGfpdNvyh/YUJOdgzaeUhx9ibDc0/U8",
    }
}

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    #[error("a password has at least {MIN_CHARS} characters")]
    TooShort,
    #[error("a password has at most {MAX_CHARS} characters")]
    TooLong,
    #[error("this password is one of those that are guessed first")]
    TooCommon,
    #[error("the e-mail address cannot be the password")]
    SameAsEmail,
}

impl PasswordFault {
    /// The code in a problem's `errors`.
    pub fn code(self) -> &'static str {
        match self {
            PasswordFault::TooShort => "too_short",
            PasswordFault::TooLong => "too_long",
            PasswordFault::TooCommon => "too_common",
            PasswordFault::SameAsEmail => "same_as_email",
        }
    }
}

/// Whether a person may take this password. Length and being hard to guess count (NIST SP 800-63B), kinds of
/// characters do not. Upper and lower case are not told apart in the two comparisons.
pub fn check(password: &str, email: &str) -> Result<(), PasswordFault> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err(PasswordFault::TooShort);
    }
    if chars > MAX_CHARS {
        return Err(PasswordFault::TooLong);
    }
    let folded = password.to_lowercase();
    if folded.trim() == email.trim().to_lowercase() {
        return Err(PasswordFault::SameAsEmail);
    }
    if COMMON.lines().any(|common| common == folded) {
        return Err(PasswordFault::TooCommon);
    }
    Ok(())
}

/// Lets a few hashes run at once and makes the rest wait briefly, so that many sign-ins cannot take the
/// memory and the processors from everybody else. Clones share the same places.
#[derive(Debug, Clone)]
pub struct Gate {
    places: Arc<Semaphore>,
    wait: Duration,
}

/// A place at the gate, given back when dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

/// No place came free in time: the answer is 503 with `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at this moment")]
pub struct Busy;

impl Default for Gate {
    /// Two places, two seconds.
    fn default() -> Self {
        Self::new(2, Duration::from_secs(2))
    }
}

impl Gate {
    pub fn new(places: usize, wait: Duration) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), wait }
    }

    /// A place, first come first served.
    pub async fn acquire(&self) -> Result<Place, Busy> {
        match tokio::time::timeout(self.wait, self.places.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place(permit)),
            // Nobody closes the semaphore, so this is the time-out.
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// Does `work` (hashing, verifying) on a thread that may block, holding a place until it is done, even
    /// when the caller has gone: a client that hangs up does not free a place early.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = self.acquire().await?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        match task.await {
            Ok(done) => Ok(done),
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => Err(Busy),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHash;

    use super::*;

    const EMAIL: &str = "siti.rahma@jakarta.example";

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_hash_verifies_its_own_password_only() {
        let phc = hash("banjir kanal timur", Cost::Test).unwrap();
        assert!(verify("banjir kanal timur", &phc));
        assert!(!verify("banjir kanal barat", &phc));
        assert_ne!(phc, hash("banjir kanal timur", Cost::Test).unwrap());
    }

    #[test]
    fn a_hash_that_cannot_be_read_verifies_nothing() {
        for phc in ["", "$argon2id$", "banjir kanal timur", "$2y$10$abcdefghijklmnopqrstuv"] {
            assert!(!verify("", phc) && !verify("banjir kanal timur", phc), "{phc:?}");
        }
    }

    #[test]
    fn the_decoy_costs_what_a_hash_costs_and_is_never_right() {
        for cost in [Cost::Full, Cost::Test] {
            let real = hash("banjir kanal timur", cost).unwrap();
            let (real, decoy) = (PasswordHash::new(&real).unwrap(), PasswordHash::new(decoy(cost)).unwrap());
            assert_eq!((decoy.algorithm, decoy.version, &decoy.params), (real.algorithm, real.version, &real.params));
            assert_eq!(decoy.salt.unwrap().len(), real.salt.unwrap().len());
            assert_eq!(decoy.hash.unwrap().len(), real.hash.unwrap().len());
        }
        assert!(!verify("", decoy(Cost::Test)));
        assert!(!verify("banjir kanal timur", decoy(Cost::Full)));
    }

    #[test]
    fn the_full_cost_is_owasps() {
        let phc = hash("banjir kanal timur", Cost::default()).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    }

    #[test]
    fn a_password_is_judged_by_length_and_by_how_it_would_be_guessed() {
        for (password, judged) in [
            ("banjir kanal timur", Ok(())),
            ("hujan hujan!", Ok(())),
            ("hujan hujan", Err(PasswordFault::TooShort)),
            ("", Err(PasswordFault::TooShort)),
            // Eleven characters of two bytes each are still eleven.
            (&"é".repeat(11), Err(PasswordFault::TooShort)),
            (&"é!".repeat(64), Ok(())),
            (&"é!".repeat(65), Err(PasswordFault::TooLong)),
            ("123456789012", Err(PasswordFault::TooCommon)),
            ("PassWord1234", Err(PasswordFault::TooCommon)),
            ("Siti.Rahma@Jakarta.example", Err(PasswordFault::SameAsEmail)),
        ] {
            assert_eq!(check(password, EMAIL), judged, "{password:?}");
        }
        assert_eq!(PasswordFault::SameAsEmail.code(), "same_as_email");
    }

    #[test]
    fn the_list_of_common_passwords_has_nothing_that_the_length_refuses() {
        let listed: Vec<&str> = COMMON.lines().collect();
        assert!(listed.len() >= 3000, "{}", listed.len());
        assert!(listed.is_sorted_by(|a, b| a < b), "sorted, each once");
        for common in listed {
            assert!(common.chars().count() >= MIN_CHARS, "{common:?}");
            assert_eq!(common, common.trim().to_lowercase());
        }
    }

    #[test]
    fn a_third_hash_waits_for_a_place_and_then_gives_up() {
        block_on(async {
            let gate = Gate::new(2, Duration::from_millis(20));
            let first = gate.acquire().await.unwrap();
            let _second = gate.clone().acquire().await.unwrap();
            assert_eq!(gate.acquire().await.unwrap_err(), Busy);
            assert_eq!(gate.run(|| "never").await, Err(Busy));
            drop(first);
            assert_eq!(gate.run(|| "done").await, Ok("done"));
        });
    }

    #[test]
    fn a_caller_who_leaves_does_not_free_a_place_before_the_work_is_done() {
        block_on(async {
            let gate = Gate::new(1, Duration::from_millis(20));
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let left = tokio::time::timeout(Duration::from_millis(5), gate.run(move || wait.recv())).await;
            assert!(left.is_err(), "the caller has left");
            assert_eq!(gate.acquire().await.unwrap_err(), Busy);
            go.send(()).unwrap();
            assert!(gate.acquire().await.is_ok());
        });
    }
}
