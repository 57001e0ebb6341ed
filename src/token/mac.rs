use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::{Key, KeyRing};
use crate::seal::hmac;

const REFRESH_PREFIX: &str = "tgr_";
const REFRESH_LABEL: &str = "refresh token v1";
/// 32 bytes in base64url.
const TAG_LEN: usize = 43;

/// What only the service reads back.
impl KeyRing {
    /// Authenticates a message under the newest MAC key. `label` names the purpose, so that a tag made for
    /// one cannot be used for another. The tag is the key's id and 43 characters of base64url.
    pub fn mac(&self, label: &str, message: &[u8]) -> String {
        let key = self.mac_key();
        format!("{}{}", key.id, URL_SAFE_NO_PAD.encode(labelled(key, label, message).finalize().into_bytes()))
    }

    /// Whether `tag` was made by [`mac`](Self::mac) for this label and message, by a key that is accepted at
    /// `now`. Takes the same time wherever the first difference is.
    pub fn check_mac(&self, label: &str, message: &[u8], tag: &str, now: DateTime<Utc>) -> bool {
        let Some((id, tag)) = tag.len().checked_sub(TAG_LEN).and_then(|at| tag.split_at_checked(at)) else {
            return false;
        };
        let key = self.macs.iter().find(|key| key.id == id && key.accepted_at(now));
        match (key, URL_SAFE_NO_PAD.decode(tag)) {
            (Some(key), Ok(tag)) => labelled(key, label, message).verify_slice(&tag).is_ok(),
            _ => false,
        }
    }

    /// The refresh token of a generation of a family (one sign-in): `tgr_<family and generation>.<tag>`.
    ///
    /// The row of the family keeps the generation and not the token, so the same token can be made again: the
    /// client that repeats a refresh within 30 s because it lost the answer gets generation n + 1 once more.
    /// Under one key that is the same text. When the MAC key was rotated in between, it is another text, made
    /// with the new key, and both read back as the same family and generation until the old key's time is
    /// over: whichever of the two the client kept goes on working, and counts as the same token.
    pub fn refresh_token(&self, family: Uuid, generation: i32) -> String {
        let mut body = [0; 20];
        body[..16].copy_from_slice(family.as_bytes());
        body[16..].copy_from_slice(&generation.to_be_bytes());
        format!("{REFRESH_PREFIX}{}.{}", URL_SAFE_NO_PAD.encode(body), self.mac(REFRESH_LABEL, &body))
    }

    /// The family and the generation of a refresh token of ours; whether it is the current one is the row's to say.
    pub fn read_refresh(&self, token: &str, now: DateTime<Utc>) -> Option<(Uuid, i32)> {
        let (body, tag) = token.strip_prefix(REFRESH_PREFIX)?.split_once('.')?;
        let body: [u8; 20] = URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()?;
        if !self.check_mac(REFRESH_LABEL, &body, tag, now) {
            return None;
        }
        let (family, generation) = body.split_first_chunk::<16>()?;
        Some((Uuid::from_bytes(*family), i32::from_be_bytes(generation.try_into().ok()?)))
    }
}

/// The label's length stands first, so that no two pairs of label and message run together.
fn labelled(key: &Key, label: &str, message: &[u8]) -> Hmac<Sha256> {
    hmac(&key.secret).chain_update((label.len() as u64).to_be_bytes()).chain_update(label).chain_update(message)
}
