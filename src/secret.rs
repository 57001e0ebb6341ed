//! Secrets that are shown once and kept only as a hash: one-time passwords, the keys of clients.
//!
//! `tgh_<kind>_<43 characters>_<6 characters>`: the prefix lets people and scanners of repositories see what
//! was leaked, the long part is 256 random bits, the last part a checksum that tells a slip of the hand from
//! a wrong secret without asking the database. Base 62, so that a double click selects all of it.

use std::fmt;

use sha2::{Digest, Sha256};

const PREFIX: &str = "tgh";
const RANDOM_LEN: usize = 43;
const CHECKSUM_LEN: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A secret just made.
pub struct Secret {
    /// For its owner, once. It is neither stored nor logged.
    pub shown: String,
    /// What is stored: see [`hash`].
    pub hash: String,
}

impl Secret {
    /// `kind` is one or more lower-case letters or digits: `pw` for a one-time password.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn new(kind: &str) -> Self {
        debug_assert!(is_kind(kind), "{kind:?} cannot be read back from a secret");
        let body = format!("{PREFIX}_{kind}_{}", base62::<RANDOM_LEN>(&mut random::<32>()));
        let shown = format!("{body}_{}", checksum(&body));
        let hash = hash(&shown);
        Self { shown, hash }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// SHA-256 in lower-case hexadecimal. No salt and no slow hash: 256 random bits cannot be guessed, and the
/// same secret must give the same hash for the look-up.
pub fn hash(shown: &str) -> String {
    hex(&Sha256::digest(shown))
}

/// Whether this can be a secret of ours, of whatever kind. A wrong one is not worth a look-up.
pub fn well_formed(shown: &str) -> bool {
    kind(shown).is_some()
}

/// The kind that a well-formed secret names.
pub fn kind(shown: &str) -> Option<&str> {
    let (body, sum) = shown.rsplit_once('_')?;
    let (front, digits) = body.rsplit_once('_')?;
    let kind = front.strip_prefix(PREFIX)?.strip_prefix('_')?;
    let sound = is_kind(kind)
        && digits.len() == RANDOM_LEN
        && digits.bytes().all(|b| b.is_ascii_alphanumeric())
        && sum == checksum(body);
    sound.then_some(kind)
}

fn is_kind(kind: &str) -> bool {
    !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn checksum(body: &str) -> String {
    base62::<CHECKSUM_LEN>(&mut crc32(body.as_bytes()).to_be_bytes())
}

/// The big-endian number in `N` digits of base 62; `number` is used up. Higher digits would be lost:
/// 43 hold 256 bits, 6 hold 32.
fn base62<const N: usize>(number: &mut [u8]) -> String {
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in number.iter_mut() {
            let value = rest * 256 + usize::from(*byte);
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *digit = BASE62[rest];
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
}

/// CRC-32 as in zip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Random bytes from the operating system.
///
/// # Panics
/// When it has none. No key, salt or nonce may be made without, and on the systems that we run on this does
/// not happen after start-up.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the operating system has no randomness: {error}");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_secret_is_well_formed_and_names_its_kind() {
        let Secret { shown, hash: kept } = Secret::new("pw");
        assert_eq!(shown.len(), "tgh_pw_".len() + 43 + "_".len() + 6);
        assert_eq!(kind(&shown), Some("pw"));
        assert_eq!(hash(&shown), kept);
        assert_ne!(shown, Secret::new("pw").shown);
    }

    #[test]
    fn the_parts_are_the_published_algorithms() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(base62::<3>(&mut [0x0F, 0x24]), "10W");
        assert_eq!(base62::<RANDOM_LEN>(&mut [0xFF; 32]), "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }

    #[test]
    fn another_shape_is_not_well_formed() {
        let shown = Secret::new("pw").shown;
        for wrong in [
            "",
            "_",
            "tgh_pw",
            &shown[..shown.len() - 1],
            &format!("{shown} "),
            &shown.replacen("pw", "key", 1),
            &shown.replacen("pw", "PW", 1),
            &shown.replacen("tgh", "tgr", 1),
        ] {
            assert!(!well_formed(wrong), "{wrong:?}");
        }
        let empty_kind = format!("tgh__{}", "0".repeat(43));
        assert!(!well_formed(&format!("{empty_kind}_{}", checksum(&empty_kind))));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("pw")), "Secret(hidden)");
    }

    proptest! {
        #[test]
        fn one_changed_character_shows(kind in "[a-z0-9]{1,8}", at: prop::sample::Index, other in "[0-9A-Za-z_]") {
            let shown = Secret::new(&kind).shown;
            let at = at.index(shown.len());
            prop_assume!(shown[at..=at] != other);
            let changed = format!("{}{other}{}", &shown[..at], &shown[at + 1..]);
            prop_assert!(!well_formed(&changed), "{changed}");
        }

        #[test]
        fn nothing_made_up_is_well_formed(made_up in "(tgh_)?\\PC*") {
            prop_assert!(!well_formed(&made_up));
        }

        #[test]
        fn base_62_loses_nothing(number: u32) {
            let text = base62::<CHECKSUM_LEN>(&mut number.to_be_bytes());
            let back = text.bytes().fold(0u64, |sum, digit| {
                sum * 62 + BASE62.iter().position(|&b| b == digit).unwrap() as u64
            });
            prop_assert_eq!(back, u64::from(number));
        }
    }
}
