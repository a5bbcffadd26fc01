//! Why there is no clip.

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no clip, said so that a person knows what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The timeline does not add up.
    #[error("timeline: {0}")]
    Timeline(String),
    /// Words that would be drawn are not the article's and not marked as edited.
    #[error("{plate}: {text:?} is not in the article and not marked as edited; fix the brief")]
    Unfaithful {
        /// Where they would stand.
        plate: String,
        /// The words.
        text: String,
    },
    /// Words do not fit their place.
    #[error("{plate}: {text:?} does not fit; shorten the passage")]
    Overflow {
        /// Where they would stand.
        plate: String,
        /// The words.
        text: String,
    },
    /// A photo cannot be used.
    #[error("photo: {0}")]
    Photo(String),
    /// A video of the article cannot be used.
    #[error("video: {0}")]
    Video(String),
    /// A storyboard does not fit its brief.
    #[error(transparent)]
    Storyboard(#[from] loa_model::BadStoryboard),
    /// The article has too little to tell for a clip of this kind.
    #[error(
        "Bài chỉ đủ cho {seconds} giây, clip này cần ít nhất {least} giây / The article fills {seconds} s, this clip needs {least} s at least"
    )]
    TooShort {
        /// What it fills, seconds.
        seconds: u64,
        /// What is needed, seconds.
        least: u64,
    },
    /// The canvas could not draw.
    #[error(transparent)]
    Canvas(#[from] loa_canvas::Error),
    /// The child could not work.
    #[error(transparent)]
    Jail(#[from] loa_jail::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The encoder refused.
    #[error("encode {what}: {reason}")]
    Encode {
        /// What it was doing.
        what: &'static str,
        /// Its words.
        reason: String,
    },
    /// The file is larger than its budget allows, however bad the picture.
    #[error(
        "{name}: {bytes} byte, tối đa {most}; hãy bỏ bớt cảnh / {name}: {bytes} bytes, at most {most} are allowed; remove a scene"
    )]
    OverBudget {
        /// Rendition.
        name: String,
        /// What it needs.
        bytes: u64,
        /// What it may need.
        most: u64,
    },
    /// Someone asked to stop; nothing is left behind.
    #[error("cancelled")]
    Cancelled,
    /// This build has no encoder.
    #[error("this build cannot encode video; build it with the feature `ffmpeg`")]
    Unavailable,
}

pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::File { path: path.display().to_string(), source }
}
