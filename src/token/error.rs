use jsonwebtoken::errors::ErrorKind;

use super::KeyUse;

/// A set of keys that the service cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// No key of this use is in service: make one with [`Key::generate`](super::Key::generate).
    #[error("there is no {} key in service", .0.name())]
    Missing(KeyUse),
    #[error("two keys have the id {0}")]
    SameId(String),
}

/// Why an access token or a record is not accepted. For the log: to a client they are all one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("this is not a token with the members that ours have")]
    Malformed,
    #[error("the token is of another type")]
    WrongType,
    #[error("the token is signed in another way than EdDSA")]
    WrongAlgorithm,
    /// No key, one for another use, or one whose time is over.
    #[error("no accepted key has the token's kid")]
    UnknownKey,
    #[error("the signature does not fit")]
    BadSignature,
    #[error("the token comes from another issuer")]
    WrongIssuer,
    #[error("the token is meant for another audience")]
    WrongAudience,
    #[error("the token has expired")]
    Expired,
    #[error("the token was issued in the future")]
    NotYet,
}

/// Something could not be signed. With a sound ring only a record that is not an object causes it.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("only a JSON object can be signed as a record")]
    NotAnObject,
    #[error("signing failed: {0}")]
    Failed(#[from] jsonwebtoken::errors::Error),
}

impl From<jsonwebtoken::errors::Error> for TokenError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature => TokenError::BadSignature,
            ErrorKind::InvalidAlgorithm => TokenError::WrongAlgorithm,
            ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
            ErrorKind::InvalidAudience => TokenError::WrongAudience,
            _ => TokenError::Malformed,
        }
    }
}
