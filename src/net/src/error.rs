//! What went wrong, and whether anything can have reached the other side.

use std::fmt;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether the other side can have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Provably not a byte of it.
    No,
    /// It may have seen all of it, part of it or nothing.
    Maybe,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "nothing was sent",
            Self::Maybe => "the request may have arrived",
        })
    }
}

/// Where it went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be built, or the client is not made for it.
    Request,
    /// The address is not allowed: wrong origin, scheme, port, or not public.
    Forbidden,
    /// The name cannot be resolved.
    Dns,
    /// No connection.
    Connect,
    /// No secure connection.
    Tls,
    /// The gate stayed shut.
    Gate,
    /// Too slow.
    Timeout,
    /// The connection broke after the request began.
    Broken,
    /// The answer is larger than the cap.
    TooLarge,
    /// Too many redirects, or one that leads nowhere.
    Redirect,
    /// The file that should take the answer cannot be written.
    File,
}

/// A request that brought no usable answer. Holds no token: addresses are redacted, headers and bodies left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({sent})")]
pub struct Error {
    /// Where it went wrong.
    pub kind: ErrorKind,
    /// Whether the other side can have seen the request.
    pub sent: Sent,
    /// Status of an answer whose body could not be read.
    pub status: Option<u16>,
    /// What happened, on what.
    pub message: String,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, sent: Sent, message: impl Into<String>) -> Self {
        Self { kind, sent, status: None, message: message.into() }
    }

    pub(crate) fn unsent(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Sent::No, message)
    }
}
