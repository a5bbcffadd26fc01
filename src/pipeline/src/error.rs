//! Why a job did not end.

/// Failures of a job. The text is shown to people with the job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A source cannot be read.
    #[error(transparent)]
    Ingest(#[from] loa_ingest::Error),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] loa_store::Error),
    /// A post cannot be made or moved.
    #[error(transparent)]
    Review(#[from] loa_review::ReviewError),
    /// A card cannot be drawn.
    #[error(transparent)]
    Infographic(#[from] loa_infographic::Error),
    /// What a person chose does not fit the brief.
    #[error(transparent)]
    Choice(#[from] loa_model::BadChoice),
    /// A clip cannot be made.
    #[error(transparent)]
    Clip(#[from] loa_clip::Error),
    /// A number cannot be had.
    #[error(transparent)]
    Reach(#[from] loa_reach::Error),
    /// A template of an agency cannot be drawn.
    #[error("{id}: {why}")]
    Own {
        /// Its name among all templates.
        id: String,
        /// Why, and what to do, in both languages.
        why: String,
    },
    /// The child that draws it could not be started or lost its pipes.
    #[error(transparent)]
    Child(loa_jail::Error),
    /// A photo cannot be used.
    #[error("photo {index} cannot be used: {why}")]
    Photo {
        /// Which photo of the article, from 1.
        index: usize,
        /// Why.
        why: String,
    },
    /// There is nothing to draw with.
    #[error("nothing can be drawn: {0}")]
    Engine(String),
    /// A record that the job is about is gone.
    #[error("{what} {id} does not exist")]
    Missing {
        /// Kind of record.
        what: &'static str,
        /// Its key.
        id: String,
    },
    /// The disk refused.
    #[error("{what}: {why}")]
    Disk {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        why: String,
    },
    /// A voice could not speak.
    #[error(transparent)]
    Voice(#[from] loa_clip::voice::Error),
    /// Sound alone is asked for where nobody speaks.
    #[error(
        "Chưa có giọng đọc: khai báo [voices] trong cấu hình rồi làm lại / No voice is configured: add one under [voices] and render again"
    )]
    NoVoice,
    /// Somebody asked to stop.
    #[error("called off")]
    Cancelled,
}

/// Result of a job.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether trying again cannot help.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Ingest(error) => !error.may_work_later(),
            Self::Store(error) | Self::Review(loa_review::ReviewError::Store(error)) => {
                !matches!(error, loa_store::Error::Conflict { .. } | loa_store::Error::Io(_))
            }
            Self::Review(error) => !matches!(error, loa_review::ReviewError::Conflict),
            Self::Infographic(_)
            | Self::Choice(_)
            | Self::Engine(_)
            | Self::Own { .. }
            | Self::Photo { .. }
            | Self::Missing { .. }
            | Self::NoVoice => true,
            Self::Voice(error) => !error.may_work_later(),
            Self::Clip(_)
            | Self::Reach(_)
            | Self::Child(_)
            | Self::Disk { .. }
            | Self::Cancelled => false,
        }
    }
}
