//! Whether a backup could be restored: read only, so that it may lie on a disk that cannot be written.

use std::path::Path;

use loa_model::{BlobHash, Digest};
use serde::Serialize;

use super::{BLOBS, Manifest, chain, copy};
use crate::{blobs, changes::Seq, error::Result};

/// State of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Last record.
    pub last_seq: Seq,
    /// Its hash, as the manifest says.
    pub head: Digest,
    /// Release that made it.
    pub release: String,
    /// Made at.
    pub made_at: jiff::Timestamp,
    /// Files of the ledger.
    pub segments: usize,
    /// Blobs that the manifest names.
    pub blobs: usize,
    /// Those that are gone or have other bytes.
    pub damaged: Vec<BlobHash>,
    /// What is wrong with the ledger; empty when all is well.
    pub flaws: Vec<String>,
}

impl BackupReport {
    /// Whether all of it could be restored.
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty() && self.damaged.is_empty()
    }
}

/// Checks a backup: every record of its ledger, every blob.
///
/// # Errors
/// [`crate::Error::Refused`] when it has no manifest, [`crate::Error::Newer`] when a newer release made it,
/// [`crate::Error::Io`] when a file cannot be read.
pub fn check_backup(dir: &Path) -> Result<BackupReport> {
    let manifest = Manifest::of(dir)?;
    let flaws = chain(dir, &manifest).err().map(|error| error.to_string());
    let mut damaged = Vec::new();
    for hash in &manifest.blobs {
        if !copy::is_sound(*hash, &dir.join(BLOBS).join(blobs::place(*hash)))? {
            damaged.push(*hash);
        }
    }
    Ok(BackupReport {
        last_seq: manifest.seq,
        head: manifest.head,
        release: manifest.release,
        made_at: manifest.made_at,
        segments: manifest.segments.len(),
        blobs: manifest.blobs.len(),
        damaged,
        flaws: flaws.into_iter().collect(),
    })
}
