//! One error of the stand-ins' shared part.

use std::{io, path::PathBuf};

/// Result of the sandbox.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a stand-in, apart from what the platform it imitates would refuse.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the data folder cannot be read or written.
    #[error("cannot {what} {}: {source}; check that the folder exists and is writable", path.display())]
    File {
        /// Read, write, open.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A file of the data folder holds something else than we wrote.
    #[error("cannot understand {} at line {line}: {why}; move the file away to start empty", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A port is taken.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port base")]
    Listen {
        /// Port asked for.
        port: u16,
        /// Cause.
        source: io::Error,
    },
    /// The clock cannot be moved that way.
    #[error("cannot move the clock: {0}")]
    Clock(String),
    /// The request to the control API is not understood, or nothing answers there.
    #[error("control: {0}")]
    Control(String),
}

impl Error {
    /// A file error as `map_err` wants it.
    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
