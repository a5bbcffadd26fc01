//! Why nothing was spoken.

use super::speech::Unsaid;

/// Result of a voice.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was spoken, said so that a person knows what to do. Holds no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No provider is configured.
    #[error("no voice is configured; choose a provider or make the clip without narration")]
    Off,
    /// The configuration cannot work.
    #[error("voice {provider}: {reason}")]
    Config {
        /// Kind of the provider.
        provider: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The words cannot be given to a voice.
    #[error("text to speak: {0}")]
    Text(String),
    /// The spoken words do not say the numbers of the text.
    #[error(
        "{text:?} would not be spoken truthfully: {differs:?}; write the numbers of this passage in another form"
    )]
    Unfaithful {
        /// The text.
        text: String,
        /// What differs.
        differs: Vec<Unsaid>,
    },
    /// The provider refused or did not finish.
    #[error("voice {provider}{}: {message}; {todo}", http(.status.as_ref()))]
    Provider {
        /// Kind of the provider.
        provider: &'static str,
        /// HTTP status, when there was an answer.
        status: Option<u16>,
        /// Its words, shortened.
        message: String,
        /// What to do.
        todo: &'static str,
    },
    /// It could not be reached.
    #[error("voice {provider}: {source}; check its base address and the network")]
    Net {
        /// Kind of the provider.
        provider: &'static str,
        /// Why.
        source: loa_net::Error,
    },
    /// The program could not speak.
    #[error("voice program {program}: {reason}{}", told(.log))]
    Program {
        /// Which.
        program: String,
        /// What went wrong and what to do.
        reason: String,
        /// The end of what it wrote to its error stream.
        log: String,
    },
    /// What came is no speech.
    #[error("voice {provider}: {reason}")]
    Sound {
        /// Kind of the provider.
        provider: &'static str,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Someone asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// Whether the same words may be spoken later without a person's doing: the service or the network was at fault.
    pub fn may_work_later(&self) -> bool {
        match self {
            Self::Provider { status, .. } => {
                status.is_none_or(|status| status == 429 || status >= 500)
            }
            Self::Net { .. } | Self::Sound { .. } | Self::File { .. } | Self::Cancelled => true,
            Self::Off
            | Self::Config { .. }
            | Self::Text(_)
            | Self::Unfaithful { .. }
            | Self::Program { .. } => false,
        }
    }
}

fn http(status: Option<&u16>) -> String {
    status.map(|status| format!(" (HTTP {status})")).unwrap_or_default()
}

fn told(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; it said: {log}") }
}
