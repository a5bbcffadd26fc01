//! A backup: a folder that holds the ledger up to one record, the blobs, and a manifest that is written last.
//!
//! It grows: files of the ledger are only appended to, blobs never change, so a second backup into the same folder copies
//! what is new. Whatever a backup that was cut short left behind lies beyond what the manifest names, and is ignored. Keys
//! are not in it.

mod check;
mod copy;
mod restore;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use jiff::Timestamp;
use loa_model::{BlobHash, Digest};
use serde::{Deserialize, Serialize};

pub use check::{BackupReport, check_backup};
pub use restore::{Restored, restore};

use crate::{
    blobs::{self, Blobs},
    changes::Seq,
    error::{Error, Result},
    folder::{FORMAT, LEDGER, RELEASE, io_error, lock, readable, replace},
    ledger::{DiskFolder, Extent, Reader, segment_name, sync_folder, walk},
};

const MANIFEST: &str = "manifest.json";
/// Folder of the blobs, in a backup and in a data folder.
const BLOBS: &str = "blobs";

/// What a backup holds. Without it a folder is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the ledger's files.
    pub format: u32,
    /// Release that made it.
    pub release: String,
    /// Made at.
    pub made_at: Timestamp,
    /// Last record.
    pub seq: Seq,
    /// Its hash.
    pub head: Digest,
    /// Segments by their first record, with the bytes of them that count.
    pub segments: BTreeMap<Seq, u64>,
    /// Every blob that was there.
    pub blobs: BTreeSet<BlobHash>,
}

/// What a backup did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    /// Last record in it.
    pub seq: Seq,
    /// Its hash: kept elsewhere, it proves that nothing before it was changed.
    pub head: Digest,
    /// Bytes of the ledger that were copied.
    pub ledger_bytes: u64,
    /// Blobs in it.
    pub blobs: usize,
    /// Blobs that were copied.
    pub new_blobs: usize,
    /// Bytes of them.
    pub blob_bytes: u64,
    /// Blobs whose bytes are not what their name says: they are not in it.
    pub damaged: Vec<BlobHash>,
}

/// What is copied, and from where.
pub(crate) struct Source<'a> {
    pub(crate) reader: &'a Reader,
    /// Folder of the segments.
    pub(crate) ledger: &'a Path,
    pub(crate) blobs: &'a Blobs,
    pub(crate) extent: Extent,
    pub(crate) made_at: Timestamp,
}

impl Manifest {
    /// The manifest of a backup; nothing when there is none, or it was not finished.
    ///
    /// # Errors
    /// [`Error::Newer`] when a newer release made it, [`Error::Io`] when it cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        /// What any release can read of it.
        #[derive(Deserialize)]
        struct Made {
            format: u32,
            release: String,
        }
        let path = dir.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path, &error)),
        };
        let unreadable =
            |error: serde_json::Error| Error::Io(format!("{}: {error}", path.display()));
        let made: Made = serde_json::from_slice(&bytes).map_err(unreadable)?;
        readable(dir, made.format, &made.release)?;
        serde_json::from_slice(&bytes).map(Some).map_err(unreadable)
    }

    /// The manifest of a finished backup.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is none.
    fn of(dir: &Path) -> Result<Self> {
        Self::read(dir)?.ok_or_else(|| Error::Refused {
            what: dir.display().to_string(),
            why: format!(
                "it has no {MANIFEST}: it is no backup, or its first one was cut short; run `loa backup` again · \
                 không có {MANIFEST}: chưa có bản sao lưu hoàn chỉnh, hãy chạy lại `loa backup`"
            ),
        })
    }
}

/// Brings a backup up to date with a source. `tell` hears of each step.
pub(crate) fn back_up(
    source: &Source<'_>,
    dir: &Path,
    tell: &mut dyn FnMut(String),
) -> Result<BackedUp> {
    let segments = dir.join(LEDGER);
    let failed = |error| io_error(dir, &error);
    copy::make_folders(&segments).map_err(failed)?;
    let _lock = lock(dir)?;
    let before = Manifest::read(dir)?;
    if let Some(before) = &before {
        same_history(source, before, dir)?;
    }
    let Extent { seq, head, segments: wanted } = source.extent.clone();
    let mut ledger_bytes = 0;
    for (first, bytes) in &wanted {
        let have = before.as_ref().and_then(|before| before.segments.get(first)).copied();
        let name = segment_name(*first);
        let (from, to) = (source.ledger.join(&name), segments.join(&name));
        ledger_bytes += copy::append(&from, &to, have.unwrap_or(0), *bytes)?;
    }
    sync_folder(&segments).and_then(|()| sync_folder(dir)).map_err(failed)?;
    // What was just read is checked here and now, while its source is still there.
    let start = before.as_ref().map(|before| (before.seq, before.head, &before.segments));
    walk(&DiskFolder::there(&segments), &wanted, start, (seq, head))?;
    tell(format!("{ledger_bytes} bytes of the ledger, up to record {seq}"));
    let copied =
        copy::blobs(blobs::list(source.blobs.dir())?, source.blobs.dir(), &dir.join(BLOBS))?;
    tell(format!("{} blobs, {} bytes", copied.fresh, copied.bytes));
    let (fresh, damaged) = (copied.fresh, copied.damaged);
    let manifest = Manifest {
        format: FORMAT,
        release: RELEASE.to_owned(),
        made_at: source.made_at,
        seq,
        head,
        segments: wanted,
        blobs: copied.all,
    };
    let bytes = serde_json::to_vec(&manifest).expect("a manifest is JSON");
    replace(&dir.join(MANIFEST), &bytes).map_err(failed)?;
    let (blobs, blob_bytes) = (manifest.blobs.len(), copied.bytes);
    Ok(BackedUp { seq, head, ledger_bytes, blobs, new_blobs: fresh, blob_bytes, damaged })
}

/// Whether a backup is of this ledger, as it was earlier.
fn same_history(source: &Source<'_>, before: &Manifest, dir: &Path) -> Result<()> {
    let known =
        before.seq <= source.extent.seq && source.reader.hash_of(before.seq)? == before.head;
    if known {
        return Ok(());
    }
    Err(Error::Refused {
        what: dir.display().to_string(),
        why: format!(
            "its record {} is not in this ledger: it is the backup of another data folder; name another folder · \
             đó là bản sao lưu của thư mục dữ liệu khác: hãy chọn thư mục khác",
            before.seq
        ),
    })
}

/// Checks the ledger of a backup, or of what was made of one, against its manifest.
fn chain(dir: &Path, manifest: &Manifest) -> Result<()> {
    let disk = DiskFolder::there(&dir.join(LEDGER));
    walk(&disk, &manifest.segments, None, (manifest.seq, manifest.head))
}
