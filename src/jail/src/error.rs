//! What can go wrong with a child, said so that a person knows what to do.

use std::{io, time::Duration};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no result. `log` is the end of the child's stderr, at most 64 kB.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The child could not be started.
    #[error("cannot start {exe}: {source}; check that the file exists and may be executed")]
    Start {
        /// The program.
        exe: String,
        /// Why.
        source: io::Error,
    },
    /// A limit could not be set: the child refuses to work without it.
    #[error("cannot limit the child ({what}): {reason}")]
    Limit {
        /// Which limit.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// Someone asked to stop; the child is dead.
    #[error("cancelled")]
    Cancelled,
    /// The child took longer than allowed and was killed.
    #[error("killed after {} s on the clock: the input takes too long, try a smaller one", limit.as_secs_f64())]
    Late {
        /// The limit.
        limit: Duration,
        /// End of its log.
        log: String,
    },
    /// The child ended without a result: a limit, a signal or a crash.
    #[error("the child died ({status}): {}", last_line(log))]
    Died {
        /// Exit status in words.
        status: String,
        /// End of its log.
        log: String,
    },
    /// The child says it cannot do the job.
    #[error("{message}")]
    Refused {
        /// Its reason.
        message: String,
        /// End of its log.
        log: String,
    },
    /// The child said something that is not a message.
    #[error("the child broke the protocol: {what}")]
    Protocol {
        /// What it did.
        what: String,
        /// End of its log.
        log: String,
    },
    /// A pipe broke.
    #[error("pipe: {0}")]
    Io(#[from] io::Error),
}

impl Error {
    /// The end of the child's log, when there is one.
    pub fn log(&self) -> &str {
        match self {
            Self::Late { log, .. }
            | Self::Died { log, .. }
            | Self::Refused { log, .. }
            | Self::Protocol { log, .. } => log,
            _ => "",
        }
    }
}

fn last_line(log: &str) -> &str {
    log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing")
}
