//! Sealing of what must rest in the database and must not be readable from a copy of it: private keys, and
//! the secrets of authenticator apps.
//!
//! One secret, `TANGGUH_SECRET`, opens everything; it is never stored with what it seals. The key is
//! HKDF-SHA256 (RFC 5869) of the secret's own characters, so any long random text serves and none has to be
//! decoded. What is sealed is bound to a label: a sealed key moved to another row does not open there.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::random;

/// The first byte of everything sealed. It names the key derivation and the cipher together.
const VERSION: u8 = 1;
const SALT: &[u8] = b"tangguh seal v1";
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;

/// The shortest secret accepted, in bytes, blanks around it not counted. 32 hexadecimal characters are
/// 128 bits, the least that is out of reach of guessing; what [`Sealer::generate_secret`] makes has 256.
pub const SECRET_MIN_LEN: usize = 32;

/// Seals and opens with one secret. Cheap to use from many threads.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(hidden)")
    }
}

/// The sealing secret cannot be used; the text says how to make a good one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sealing secret has {found} characters and must have at least {SECRET_MIN_LEN} random ones: \
     make one with `openssl rand -base64 32`"
)]
pub struct SecretTooShort {
    found: usize,
}

/// Why something sealed does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Cut off, or never made by a [`Sealer`].
    #[error("this is not something sealed")]
    Malformed,
    /// Sealed by a release that came after this one.
    #[error("this was sealed in version {0}, which this release does not know")]
    UnknownVersion(u8),
    /// Another secret, another label, or changed since. They cannot be told apart.
    #[error("this was sealed with another secret or for another purpose, or was changed since")]
    Refused,
}

impl Sealer {
    /// `secret` as it stands in the setting or the file; blanks and line ends around it are no part of it.
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, SecretTooShort> {
        let secret = secret.as_ref().trim_ascii();
        if secret.len() < SECRET_MIN_LEN {
            return Err(SecretTooShort { found: secret.len() });
        }
        let key = hkdf(SALT, secret, b"");
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()) })
    }

    /// A secret fit for [`Sealer::new`]: 256 random bits as 43 characters that need no quoting in a shell.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate_secret() -> String {
        URL_SAFE_NO_PAD.encode(random::<32>())
    }

    /// Version byte, nonce, ciphertext with its tag: 41 bytes longer than `plain`. Sealing twice gives two
    /// different results. `label` says what this is and where it belongs, and opening needs the same one.
    ///
    /// # Panics
    /// When the operating system has no randomness, or beyond the cipher's 256 GiB.
    pub fn seal(&self, label: &str, plain: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let aad = aad(label);
        let Ok(hidden) = self.cipher.encrypt(&nonce.into(), Payload { msg: plain, aad: &aad }) else {
            panic!("{} bytes are more than can be sealed at once", plain.len());
        };
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + hidden.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&hidden);
        sealed
    }

    /// What [`seal`](Self::seal) was given, if it was sealed with this secret and this label.
    pub fn open(&self, label: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (&version, rest) = sealed.split_first().ok_or(SealError::Malformed)?;
        if version != VERSION {
            return Err(SealError::UnknownVersion(version));
        }
        let (nonce, hidden) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Malformed)?;
        if hidden.len() < TAG_LEN {
            return Err(SealError::Malformed);
        }
        self.cipher.decrypt(&(*nonce).into(), Payload { msg: hidden, aad: &aad(label) }).map_err(|_| SealError::Refused)
    }
}

fn aad(label: &str) -> Vec<u8> {
    let mut aad = vec![VERSION];
    aad.extend_from_slice(label.as_bytes());
    aad
}

/// HMAC-SHA256 under a key of at most 64 bytes, HMAC's own block, which no key here reaches.
pub(crate) fn hmac<const N: usize>(key: &[u8; N]) -> Hmac<Sha256> {
    const { assert!(N <= 64, "a longer key would have to be hashed first") };
    let mut block = [0; 64];
    block[..N].copy_from_slice(key);
    <Hmac<Sha256> as Mac>::new(&block.into())
}

/// The first 32 bytes of HKDF-SHA256. `salt` has at most 64 bytes.
fn hkdf(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut salt_block = [0; 64];
    salt_block[..salt.len()].copy_from_slice(salt);
    let extracted: [u8; 32] = hmac(&salt_block).chain_update(secret).finalize().into_bytes().into();
    hmac(&extracted).chain_update(info).chain_update([1]).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new("0123456789abcdef0123456789abcdef").unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_key_derivation_is_that_of_rfc_5869() {
        let okm = hkdf(&bytes("000102030405060708090a0b0c"), &[0x0b; 22], &bytes("f0f1f2f3f4f5f6f7f8f9"));
        assert_eq!(okm[..], bytes("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_and_label_only() {
        let sealed = sealer().seal("key 1", b"private");
        assert_eq!(sealer().open("key 1", &sealed), Ok(b"private".to_vec()));
        assert_eq!(sealer().open("key 2", &sealed), Err(SealError::Refused));
        let other = Sealer::new(Sealer::generate_secret()).unwrap();
        assert_eq!(other.open("key 1", &sealed), Err(SealError::Refused));
    }

    #[test]
    fn sealing_twice_gives_two_results() {
        assert_ne!(sealer().seal("a", b"same"), sealer().seal("a", b"same"));
    }

    #[test]
    fn a_line_end_is_no_part_of_the_secret() {
        let from_file = Sealer::new("0123456789abcdef0123456789abcdef\n").unwrap();
        assert_eq!(from_file.open("a", &sealer().seal("a", b"x")), Ok(b"x".to_vec()));
    }

    #[test]
    fn a_short_secret_is_refused_with_a_way_to_make_one() {
        let refused = Sealer::new("  0123456789abcdef0123456789abcde  ").unwrap_err();
        assert!(refused.to_string().contains("31 characters"), "{refused}");
        assert!(refused.to_string().contains("openssl rand -base64 32"), "{refused}");
    }

    #[test]
    fn what_is_not_sealed_is_named() {
        let sealed = sealer().seal("a", b"");
        assert_eq!(sealer().open("a", b""), Err(SealError::Malformed));
        assert_eq!(sealer().open("a", &sealed[..sealed.len() - 1]), Err(SealError::Malformed));
        assert_eq!(sealer().open("a", b"\x02..."), Err(SealError::UnknownVersion(2)));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", sealer()), "Sealer(hidden)");
    }

    proptest! {
        #[test]
        fn everything_sealed_opens(label in ".*", plain: Vec<u8>) {
            prop_assert_eq!(sealer().open(&label, &sealer().seal(&label, &plain)), Ok(plain));
        }

        #[test]
        fn nothing_changed_opens(plain: Vec<u8>, at: prop::sample::Index, flip in 1u8..) {
            let mut sealed = sealer().seal("a", &plain);
            let at = at.index(sealed.len());
            sealed[at] ^= flip;
            prop_assert!(sealer().open("a", &sealed).is_err());
        }

        #[test]
        fn nothing_made_up_opens(mut made_up: Vec<u8>) {
            made_up.insert(0, VERSION);
            prop_assert!(sealer().open("a", &made_up).is_err());
        }
    }
}
