//! One error for every channel: what happened for people, what to do for code.

use std::{fmt, time::Duration};

/// Result of a channel.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller must do. Callers branch on this and on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAdvice {
    /// Never: the platform refuses it, or it cannot be done.
    Never,
    /// Provably not done: again after `wait`.
    Later {
        /// The platform's own wait, or the adapter's default.
        wait: Duration,
        /// Whom the wait holds up.
        scope: Scope,
    },
    /// Provably not done: a person must connect the account again.
    Reauthorize,
    /// The outcome is not known: read back, never send again blindly.
    Verify,
}

/// Whom a wait holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This post only.
    Post,
    /// Every post of the account.
    Account,
    /// Every account of the app.
    App,
}

/// What happened, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The platform refuses the content.
    Content,
    /// A file cannot be used.
    Media,
    /// Too many requests.
    Throttled,
    /// A daily or monthly allowance is used up.
    Quota,
    /// The credentials are refused.
    Auth,
    /// The platform or the way to it is not available.
    Unavailable,
    /// The answer cannot be understood.
    Protocol,
    /// The channel cannot do this.
    Unsupported,
    /// The message is not from the platform.
    Forged,
    /// The gate stayed shut: fence, deadline, digest or window. Nothing of that request was sent.
    Gate,
    /// Our own fault: a missing blob, a bad setting.
    Internal,
}

/// A failure of a channel.
#[derive(Debug)]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// What to do.
    pub advice: RetryAdvice,
    /// The platform's own code, kept as it is.
    pub platform_code: String,
    /// What it said, redacted.
    pub message: String,
    /// Cause.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind and advice.
    pub fn new(kind: ErrorKind, advice: RetryAdvice, message: impl Into<String>) -> Self {
        Self { kind, advice, platform_code: String::new(), message: message.into(), source: None }
    }

    /// The channel cannot do this.
    pub fn unsupported(what: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            RetryAdvice::Never,
            format!("{what} is not offered by this channel"),
        )
    }

    /// Our own fault.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, RetryAdvice::Never, message)
    }

    /// This error with the platform's code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.platform_code = code.into();
        self
    }

    /// This error with its cause.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if !self.platform_code.is_empty() {
            write!(f, " (platform code {})", self.platform_code)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}
