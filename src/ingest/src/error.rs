//! Why an article could not be read, with a stable code for the locale files.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was read. Nothing is stored when this comes back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The portal did not answer.
    #[error("cannot fetch {url}: {why}; check the address, or save the page and give the file")]
    Fetch {
        /// Address, without secrets.
        url: String,
        /// What happened.
        why: String,
        /// Whether the same request may work later.
        again: bool,
    },
    /// The portal answered with something other than success.
    #[error("{url} answered {status}; check that the article is public")]
    Status {
        /// Address, without secrets.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// Larger than the cap.
    #[error("{what} is larger than {limit} bytes; give a smaller file")]
    TooLarge {
        /// Address or path.
        what: String,
        /// Cap in bytes.
        limit: u64,
    },
    /// The answer stops in the middle.
    #[error("{url} came incomplete (no </html>); try again or save the page and give the file")]
    Truncated {
        /// Address.
        url: String,
    },
    /// The file is not there or may not be read.
    #[error("cannot read {}: {why}", path.display())]
    File {
        /// Path.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Neither HTML nor JSON nor Markdown.
    #[error("{what} is of an unknown kind; give .html, .json, .md, .txt or an article's address")]
    UnknownKind {
        /// Address or path.
        what: String,
    },
    /// A feed where one article was asked for.
    #[error("{what} is a feed; read it as a feed and choose an entry")]
    IsFeed {
        /// Address.
        what: String,
    },
    /// The bytes are no text in a known encoding.
    #[error("the text is not in a known encoding; save it as UTF-8")]
    Encoding,
    /// Tags nested so deep that it is no page of a portal.
    #[error("the page nests more than {limit} elements; it is no article page")]
    TooDeep {
        /// Cap.
        limit: usize,
    },
    /// No headline was found.
    #[error("no headline was found; is this the page of one article? enter it by hand otherwise")]
    NoTitle,
    /// No text was found.
    #[error("no article text was found; the page may need a browser: enter it by hand")]
    EmptyBody,
    /// JSON of neither schema.
    #[error("the JSON is not an article: {0}; see the schema in the manual")]
    Json(String),
    /// Front matter that cannot be understood.
    #[error("front matter line {line} is wrong: {why}")]
    FrontMatter {
        /// Line, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A feed of more entries than one can be watched with.
    #[error("the feed has more than {limit} entries; take the feed of a section")]
    TooMany {
        /// Cap.
        limit: usize,
    },
    /// Not a feed.
    #[error("not an RSS or Atom feed: {0}")]
    Feed(String),
}

impl Error {
    /// Stable code: the key `ingest_error.<code>` of the locale files.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fetch { .. } => "fetch",
            Self::Status { .. } => "status",
            Self::TooLarge { .. } => "too_large",
            Self::Truncated { .. } => "truncated",
            Self::File { .. } => "file",
            Self::UnknownKind { .. } => "unknown_kind",
            Self::IsFeed { .. } => "is_feed",
            Self::Encoding => "encoding",
            Self::TooDeep { .. } => "too_deep",
            Self::NoTitle => "no_title",
            Self::EmptyBody => "empty_body",
            Self::Json(_) => "json",
            Self::FrontMatter { .. } => "front_matter",
            Self::TooMany { .. } => "too_many",
            Self::Feed(_) => "feed",
        }
    }

    /// Every code, for the test of the locale files.
    pub const CODES: [&'static str; 15] = [
        "fetch",
        "status",
        "too_large",
        "truncated",
        "file",
        "unknown_kind",
        "is_feed",
        "encoding",
        "too_deep",
        "no_title",
        "empty_body",
        "json",
        "front_matter",
        "too_many",
        "feed",
    ];

    /// Whether the same source may be readable later: a worker then tries again.
    pub fn may_work_later(&self) -> bool {
        match self {
            Self::Fetch { again, .. } => *again,
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Truncated { .. } => true,
            _ => false,
        }
    }
}
