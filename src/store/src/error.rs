//! What can go wrong in a store.

/// Failures of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A row was not in the expected version: read again and decide anew.
    #[error("conflict on {table} {key}: somebody else changed it")]
    Conflict {
        /// Table.
        table: String,
        /// Key.
        key: String,
    },
    /// The lease of a job or account is not ours any more.
    #[error("lease lost on {what}")]
    LeaseLost {
        /// Job id or account.
        what: String,
    },
    /// Another process owns the data folder.
    #[error("{0} is in use by another loa process; stop it or use another --data folder")]
    Locked(String),
    /// The data folder, or a backup, was written by a release that knows more than this one.
    #[error(
        "{path} was written by Loa {release} in format {format}, and this is Loa {} which reads up to format {}: \
         install that release, or restore a backup made by this one · \
         {path} do Loa {release} ghi (định dạng {format}), bản này chỉ đọc đến định dạng {}: \
         hãy cài bản đó, hoặc phục hồi từ bản sao lưu của bản này",
        crate::folder::RELEASE,
        crate::folder::FORMAT,
        crate::folder::FORMAT
    )]
    Newer {
        /// Folder.
        path: String,
        /// Who wrote it.
        release: String,
        /// How.
        format: u32,
    },
    /// The disk refused or the file is not what it should be.
    #[error("store failed: {0}")]
    Io(String),
    /// The store does not take this: nothing was written, and trying again will not help.
    #[error("the store refuses {what}: {why}")]
    Refused {
        /// What was asked.
        what: String,
        /// Why, and what to do.
        why: String,
    },
    /// A stored value is not what its type expects.
    #[error("record {table} {key} cannot be read: {why}")]
    Corrupt {
        /// Table.
        table: String,
        /// Key.
        key: String,
        /// Why.
        why: String,
    },
}

/// Result of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;
