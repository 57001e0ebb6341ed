use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;

use crate::secret::{hex, random};

/// How long an access token lives.
pub const ACCESS_TOKEN_LIFE: TimeDelta = TimeDelta::minutes(15);
/// How far the clocks of two instances may be apart, and how late one may learn of a rotation.
pub const LEEWAY: TimeDelta = TimeDelta::minutes(1);
/// How long what a MAC key made is accepted after the key's retirement. Nothing that carries a MAC may be
/// made to live longer: not a cursor, and not a family of refresh tokens between two uses.
pub const MAC_LIFE: TimeDelta = TimeDelta::days(30);

/// What a key is used for, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    /// Signs access tokens (Ed25519).
    Token,
    /// Signs receipts, statements and ledger checkpoints (Ed25519).
    Record,
    /// Authenticates what only the service reads back: cursors and refresh tokens (HMAC-SHA256).
    Mac,
}

impl KeyUse {
    pub const ALL: [KeyUse; 3] = [KeyUse::Token, KeyUse::Record, KeyUse::Mac];

    /// The name in the database and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            KeyUse::Token => "token",
            KeyUse::Record => "record",
            KeyUse::Mac => "mac",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|used_for| used_for.name() == name)
    }
}

/// A key with its secret half, as it is when unsealed.
#[derive(Clone)]
pub struct Key {
    /// The `kid`: 12 hexadecimal digits, random.
    pub id: String,
    pub used_for: KeyUse,
    /// The seed of an Ed25519 key, or the key of an HMAC.
    pub secret: [u8; 32],
    pub made_at: DateTime<Utc>,
    /// From when on it makes nothing new. What it made stays good for a while: see [`Key::accepted_at`].
    pub retired_at: Option<DateTime<Utc>>,
}

impl Key {
    /// # Panics
    /// When the operating system has no randomness.
    pub fn generate(used_for: KeyUse, now: DateTime<Utc>) -> Self {
        Self { id: hex(&random::<6>()), used_for, secret: random(), made_at: now, retired_at: None }
    }

    /// Whether what this key made is still accepted at `now`.
    pub fn accepted_at(&self, now: DateTime<Utc>) -> bool {
        accepted_at(self.used_for, self.retired_at, now)
    }

    /// The public half of a signing key, in base64url as in a JWK; a MAC key has none.
    pub fn public_half(&self) -> Option<String> {
        (self.used_for != KeyUse::Mac).then(|| URL_SAFE_NO_PAD.encode(self.public()))
    }

    /// The public half of a signing key. A MAC key has none, and what this gives for one means nothing.
    pub(super) fn public(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.secret).verifying_key().to_bytes()
    }
}

/// An instance that has not yet heard of a rotation signs with the old key a little past its retirement: hence
/// the leeway for tokens. Records are kept for ever, so their keys are accepted for ever.
pub(super) fn accepted_at(used_for: KeyUse, retired_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    let Some(retired_at) = retired_at else {
        return true;
    };
    match used_for {
        KeyUse::Token => now <= retired_at + ACCESS_TOKEN_LIFE + LEEWAY,
        KeyUse::Mac => now <= retired_at + MAC_LIFE,
        KeyUse::Record => true,
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("used_for", &self.used_for)
            .field("made_at", &self.made_at)
            .field("retired_at", &self.retired_at)
            .finish_non_exhaustive()
    }
}
