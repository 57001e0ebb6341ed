//! The service's own keys, and what they make: access tokens, signed records, tags and refresh tokens. Nothing
//! else uses `jsonwebtoken`.
//!
//! Three kinds of key ([`KeyUse`]), each for one purpose: a key of one kind never verifies what belongs to
//! another. A [`KeyRing`] is what all keys of the database amount to at one moment; it does not change, and a
//! rotation makes a new ring. Another instance may have rotated a moment ago, so a caller that meets
//! [`TokenError::UnknownKey`] reads the keys again (not more often than every few seconds) before it says no.
//!
//! Time is always an argument. `jsonwebtoken` would ask the system's clock, so its checks of time are switched
//! off and made here.

mod error;
mod key;
mod mac;
#[cfg(test)]
mod tests;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, SecondsFormat, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use error::{KeyRingError, SignError, TokenError};
pub use key::{ACCESS_TOKEN_LIFE, Key, KeyUse, LEEWAY, MAC_LIFE};

use crate::secret::random;

/// The audience of our access tokens: this API and no other service behind the same issuer.
pub const AUDIENCE: &str = "tangguh";
/// RFC 9068 wants a client; people sign in through the service itself.
const CLIENT_ID: &str = "tangguh-login";
const ACCESS_TYPE: &str = "at+jwt";

/// All keys at one moment. Immutable: wrap it in an `Arc` and replace it after a rotation.
pub struct KeyRing {
    issuer: String,
    token: Signer,
    record: Signer,
    /// Newest first, as `macs`.
    verifiers: Vec<Verifier>,
    macs: Vec<Key>,
    /// The place in `macs` of the key that makes new tags.
    newest_mac: usize,
    /// What the library checks of an access token.
    access_rules: Validation,
}

/// What an access token says: who, and never what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessClaims {
    /// The account, or the client.
    pub account: Uuid,
    /// The family of refresh tokens that this token came with: one sign-in. The key, where a client got it.
    pub family: Uuid,
    pub expires_at: DateTime<Utc>,
    /// What it says beside, where a client got it.
    pub client: Option<ClientClaims>,
}

/// What an access token says that a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientClaims {
    /// The token's own id.
    pub token: String,
    /// The actions that the client asked for, with spaces between; none: all that it was given. It narrows alone: what
    /// the client may do is looked up.
    pub scope: Option<String>,
}

struct Signer {
    id: String,
    key: EncodingKey,
}

struct Verifier {
    id: String,
    used_for: KeyUse,
    made_at: DateTime<Utc>,
    retired_at: Option<DateTime<Utc>>,
    public: [u8; 32],
    key: DecodingKey,
}

#[derive(Serialize)]
struct MadeClaims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: Uuid,
    client_id: &'a str,
    /// The family, under the name that is registered for a session.
    sid: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    iat: i64,
    exp: i64,
    jti: String,
}

/// `iss` and `aud` are for the library to check.
#[derive(Deserialize)]
struct ReadClaims {
    sub: Uuid,
    client_id: String,
    sid: Uuid,
    scope: Option<String>,
    iat: i64,
    exp: i64,
    jti: String,
}

impl KeyRing {
    /// The newest key of each use that is not retired signs; one of each must be there. `issuer` is the base
    /// address of the service, exactly as clients see it in `iss`.
    pub fn new(mut keys: Vec<Key>, issuer: String) -> Result<Self, KeyRingError> {
        keys.sort_by(|a, b| (b.made_at, &b.id).cmp(&(a.made_at, &a.id)));
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.id == key.id) {
                return Err(KeyRingError::SameId(key.id.clone()));
            }
        }
        let token = Signer::newest(&keys, KeyUse::Token)?;
        let record = Signer::newest(&keys, KeyUse::Record)?;
        let (macs, signing): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(|key| key.used_for == KeyUse::Mac);
        let newest_mac =
            macs.iter().position(|key| key.retired_at.is_none()).ok_or(KeyRingError::Missing(KeyUse::Mac))?;
        let verifiers = signing.iter().map(Verifier::of).collect();
        let access_rules = access_rules(&issuer);
        Ok(Self { issuer, token, record, verifiers, macs, newest_mac, access_rules })
    }

    fn mac_key(&self) -> &Key {
        &self.macs[self.newest_mac]
    }

    /// An access token (RFC 9068) and the seconds that it lives. It carries no roles: they are looked up.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn access_token(&self, account: Uuid, family: Uuid, now: DateTime<Utc>) -> Result<(String, i64), SignError> {
        self.made_token(account, family, CLIENT_ID, None, now)
    }

    /// An access token for a client, which it gets for its key. `scope` is what it asked for, if it asked for less than
    /// all that it was given.
    ///
    /// # Panics
    /// When the operating system has no randomness.
    pub fn client_token(
        &self,
        client: Uuid,
        key: Uuid,
        scope: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(String, i64), SignError> {
        self.made_token(client, key, &client.to_string(), scope, now)
    }

    fn made_token(
        &self,
        subject: Uuid,
        session: Uuid,
        client_id: &str,
        scope: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(String, i64), SignError> {
        let life = ACCESS_TOKEN_LIFE.num_seconds();
        let claims = MadeClaims {
            iss: &self.issuer,
            aud: AUDIENCE,
            sub: subject,
            client_id,
            sid: session,
            scope,
            iat: now.timestamp(),
            exp: now.timestamp() + life,
            jti: URL_SAFE_NO_PAD.encode(random::<16>()),
        };
        Ok((self.token.sign(ACCESS_TYPE, &claims)?, life))
    }

    /// What an access token says, if this service made it for itself and it is alive at `now`.
    pub fn verify_access(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        let verifier = self.verifier(token, ACCESS_TYPE, KeyUse::Token, now)?;
        let claims = jsonwebtoken::decode::<ReadClaims>(token, &verifier.key, &self.access_rules)?.claims;
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or(TokenError::Malformed)?;
        let issued_at = DateTime::from_timestamp(claims.iat, 0).ok_or(TokenError::Malformed)?;
        if now >= expires_at {
            return Err(TokenError::Expired);
        }
        if issued_at > now + LEEWAY {
            return Err(TokenError::NotYet);
        }
        let of_client = claims.client_id != CLIENT_ID;
        let client = of_client.then_some(ClientClaims { token: claims.jti, scope: claims.scope });
        Ok(AccessClaims { account: claims.sub, family: claims.sid, expires_at, client })
    }

    /// The JWK set of the keys whose access tokens are accepted at `now`, newest first.
    pub fn jwks(&self, now: DateTime<Utc>) -> Value {
        let keys = self.verifiers.iter().filter(|v| v.used_for == KeyUse::Token && v.accepted_at(now));
        json!({ "keys": keys.map(Verifier::jwk).collect::<Vec<_>>() })
    }

    /// The JWK set of all record keys that there ever were, newest first, with the time in which each signed.
    pub fn record_keys(&self) -> Value {
        let keys = self.verifiers.iter().filter(|v| v.used_for == KeyUse::Record).map(|v| {
            let mut jwk = v.jwk();
            jwk["made_at"] = instant(v.made_at).into();
            jwk["retired_at"] = v.retired_at.map(instant).into();
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// A compact JWS over an object. `typ` says what kind of record it is (`tangguh-receipt+jws`) and keeps
    /// one from being taken for another.
    pub fn sign_record(&self, typ: &str, payload: &Value) -> Result<String, SignError> {
        if !payload.is_object() {
            return Err(SignError::NotAnObject);
        }
        self.record.sign(typ, payload)
    }

    /// A compact JWS over these very bytes, with the payload left out (RFC 7515, appendix F): whoever has the bytes puts
    /// them back, in base64url, between the dots.
    pub fn sign_detached(&self, typ: &str, bytes: &[u8]) -> Result<String, SignError> {
        let header = self.record.header(typ);
        let header = serde_json::to_vec(&header).map_err(jsonwebtoken::errors::Error::from)?;
        let header = URL_SAFE_NO_PAD.encode(header);
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(bytes));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.record.key, Algorithm::EdDSA)?;
        Ok(format!("{header}..{signature}"))
    }

    /// Whether a record key of this service ever signed these very bytes as this `typ`.
    pub fn verify_detached(&self, typ: &str, jws: &str, bytes: &[u8]) -> Result<(), TokenError> {
        let (header, signature) = jws.split_once("..").ok_or(TokenError::Malformed)?;
        let whole = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(bytes));
        let verifier = self.verifier(&whole, typ, KeyUse::Record, DateTime::<Utc>::MAX_UTC)?;
        let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(bytes));
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &verifier.key, Algorithm::EdDSA) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TokenError::BadSignature),
            Err(error) => Err(error.into()),
        }
    }

    /// What a record says, if a record key of this service ever signed it as this `typ`.
    pub fn verify_record(&self, typ: &str, jws: &str) -> Result<Value, TokenError> {
        verify_record(&self.verifiers, typ, jws)
    }

    fn verifier(&self, jws: &str, typ: &str, used_for: KeyUse, now: DateTime<Utc>) -> Result<&Verifier, TokenError> {
        chosen(&self.verifiers, jws, typ, used_for, now)
    }
}

/// The record keys of a service as anybody knows them: their public halves verify, and sign nothing. So records
/// can be verified without the secret that seals the private ones.
#[derive(Default)]
pub struct RecordKeys(Vec<Verifier>);

impl RecordKeys {
    /// Adds a key by its id and its public half, as [`Key::public_half`] tells it. False if that is none.
    pub fn add(&mut self, id: String, public_half: &str, made_at: DateTime<Utc>) -> bool {
        let half = URL_SAFE_NO_PAD.decode(public_half).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let verifier = half.map(|public| Verifier {
            id,
            used_for: KeyUse::Record,
            made_at,
            retired_at: None,
            public,
            key: DecodingKey::from_ed_der(&public),
        });
        let sound = verifier.is_some();
        self.0.extend(verifier);
        sound
    }

    /// What a record says, if one of these keys signed it as this `typ`.
    pub fn verify_record(&self, typ: &str, jws: &str) -> Result<Value, TokenError> {
        verify_record(&self.0, typ, jws)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("issuer", &self.issuer)
            .field("token", &self.token.id)
            .field("record", &self.record.id)
            .field("mac", &self.mac_key().id)
            .finish_non_exhaustive()
    }
}

impl Signer {
    fn newest(newest_first: &[Key], used_for: KeyUse) -> Result<Self, KeyRingError> {
        let key = newest_first
            .iter()
            .find(|key| key.used_for == used_for && key.retired_at.is_none())
            .ok_or(KeyRingError::Missing(used_for))?;
        // PKCS #8 round an Ed25519 seed, which the library wants: the constant of RFC 8410, section 7.
        let mut der = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\
            ................................";
        der[16..].copy_from_slice(&key.secret);
        Ok(Self { id: key.id.clone(), key: EncodingKey::from_ed_der(&der) })
    }

    fn header(&self, typ: &str) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.id.clone());
        header
    }

    fn sign<T: Serialize>(&self, typ: &str, payload: &T) -> Result<String, SignError> {
        Ok(jsonwebtoken::encode(&self.header(typ), payload, &self.key)?)
    }
}

impl Verifier {
    fn of(key: &Key) -> Self {
        let public = key.public();
        Self {
            id: key.id.clone(),
            used_for: key.used_for,
            made_at: key.made_at,
            retired_at: key.retired_at,
            public,
            // The name notwithstanding, the library wants the bare 32 bytes.
            key: DecodingKey::from_ed_der(&public),
        }
    }

    fn accepted_at(&self, now: DateTime<Utc>) -> bool {
        key::accepted_at(self.used_for, self.retired_at, now)
    }

    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(self.public),
            "kid": self.id,
            "use": "sig",
            "alg": "EdDSA",
        })
    }
}

/// The key that a token's header points to. Nothing in the header is proved yet: it may only choose among
/// the keys of the expected use.
fn chosen<'v>(
    verifiers: &'v [Verifier],
    jws: &str,
    typ: &str,
    used_for: KeyUse,
    now: DateTime<Utc>,
) -> Result<&'v Verifier, TokenError> {
    let header = jsonwebtoken::decode_header(jws)?;
    if header.alg != Algorithm::EdDSA {
        return Err(TokenError::WrongAlgorithm);
    }
    // RFC 7515, 4.1.11: what is critical must be understood, and we understand no extension.
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    if !header.typ.is_some_and(|found| same_type(&found, typ)) {
        return Err(TokenError::WrongType);
    }
    let id = header.kid.ok_or(TokenError::UnknownKey)?;
    verifiers.iter().find(|v| v.id == id && v.used_for == used_for && v.accepted_at(now)).ok_or(TokenError::UnknownKey)
}

fn verify_record(verifiers: &[Verifier], typ: &str, jws: &str) -> Result<Value, TokenError> {
    let verifier = chosen(verifiers, jws, typ, KeyUse::Record, DateTime::<Utc>::MAX_UTC)?;
    Ok(jsonwebtoken::decode::<Value>(jws, &verifier.key, &signature_only())?.claims)
}

/// EdDSA and no other algorithm, and no claim looked at.
fn signature_only() -> Validation {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules
}

/// The signature, the issuer and the audience. Times are checked against the given clock.
fn access_rules(issuer: &str) -> Validation {
    let mut rules = signature_only();
    rules.validate_aud = true;
    rules.set_audience(&[AUDIENCE]);
    rules.set_issuer(&[issuer]);
    rules.set_required_spec_claims(&["iss", "aud"]);
    rules
}

/// Media types do not tell upper from lower case, and `application/` may be left out (RFC 7515, 4.1.9).
fn same_type(found: &str, expected: &str) -> bool {
    let bare = match found.split_at_checked("application/".len()) {
        Some((front, rest)) if front.eq_ignore_ascii_case("application/") && !rest.contains('/') => rest,
        _ => found,
    };
    bare.eq_ignore_ascii_case(expected)
}

/// RFC 3339 in UTC with microseconds, as everywhere in the API.
fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
