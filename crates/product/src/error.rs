//! What the room answers when it says no: a code for programs, a sentence for people, and whose fault it is.

use metastore::MetastoreError;

use crate::passwords::PasswordError;
use crate::tokens::TokenError;

/// Who has to change something before the same request can pass. The door maps each to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is not acceptable as it is.
    Input,
    /// We do not know who asks.
    Unauthenticated,
    /// We know who asks, and it is not allowed.
    Forbidden,
    /// It is not there, or not for this viewer.
    Missing,
    /// Somebody else has it already.
    Conflict,
    /// Nobody's: too much at once; see [`ProductError::retry_after_ms`].
    Busy,
    /// Ours. The text is for the log, not for the caller.
    House,
}

/// Why the room did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    #[error("this username is taken")]
    UsernameTaken,
    #[error("username or password is wrong")]
    BadCredentials,
    #[error("sign in first: the token is missing, expired or not ours")]
    Unauthenticated,
    #[error("this refresh token was used before; sign in again")]
    RefreshReused,
    #[error("you must be at least {age_years_min} years old")]
    TooYoung { age_years_min: i32 },
    #[error("{0} does not exist")]
    NotFound(&'static str),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("this video is for adults: sign in with an account of somebody of age")]
    AdultsOnly,
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    #[error("too much at once; try again shortly")]
    Busy { retry_after_ms: u64 },
    #[error("the metastore failed")]
    Store(#[source] MetastoreError),
    #[error("a password could not be hashed")]
    Password(#[from] PasswordError),
    #[error("a token could not be made")]
    Token(#[from] TokenError),
}

/// How long a caller should wait when the store or the hashers are full.
const RETRY_AFTER_MS: u64 = 1_000;

impl ProductError {
    /// A word for programs; stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UsernameTaken => "username_taken",
            Self::BadCredentials => "bad_credentials",
            Self::Unauthenticated => "unauthenticated",
            Self::RefreshReused => "refresh_reused",
            Self::TooYoung { .. } => "too_young",
            Self::NotFound(_) => "not_found",
            Self::Forbidden(_) => "forbidden",
            Self::AdultsOnly => "adults_only",
            Self::Invalid { .. } => "invalid",
            Self::Busy { .. } => "busy",
            Self::Store(_) | Self::Password(_) | Self::Token(_) => "internal",
        }
    }

    pub fn fault(&self) -> Fault {
        match self {
            Self::UsernameTaken => Fault::Conflict,
            Self::BadCredentials | Self::Unauthenticated | Self::RefreshReused => Fault::Unauthenticated,
            Self::TooYoung { .. } | Self::Forbidden(_) | Self::AdultsOnly => Fault::Forbidden,
            Self::NotFound(_) => Fault::Missing,
            Self::Invalid { .. } => Fault::Input,
            Self::Busy { .. } => Fault::Busy,
            Self::Store(_) | Self::Password(_) | Self::Token(_) => Fault::House,
        }
    }

    /// Which field of the request is at fault, in the wire's spelling.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }

    /// When to come back, for [`Fault::Busy`].
    pub fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        }
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    pub(crate) fn busy() -> Self {
        Self::Busy {
            retry_after_ms: RETRY_AFTER_MS,
        }
    }
}

impl From<MetastoreError> for ProductError {
    fn from(error: MetastoreError) -> Self {
        match error {
            MetastoreError::NotFound(what) => Self::NotFound(what),
            busy if busy.is_retryable() => {
                tracing::warn!(error = %busy, "the store is busy");
                Self::busy()
            }
            other => Self::Store(other),
        }
    }
}
