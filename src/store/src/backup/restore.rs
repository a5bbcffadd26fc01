//! A backup becomes a data folder again.

use std::{fs, io, path::Path};

use loa_model::{BlobHash, Digest, seams::SharedClock};
use serde::Serialize;

use super::{BLOBS, Manifest, chain, copy};
use crate::{
    changes::Seq,
    error::{Error, Result},
    folder::{LEDGER, RESTORING, io_error, lock, replace, sign},
    ledger::{make_folder, segment_name, sync_folder},
    sled_store::{Options, SledStore},
};

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Last record.
    pub seq: Seq,
    /// Its hash.
    pub head: Digest,
    /// When the backup was made: what happened after it is not in the folder.
    pub made_at: jiff::Timestamp,
    /// Blobs that were restored.
    pub blobs: usize,
    /// Blobs that the backup should hold and does not hold whole.
    pub damaged: Vec<BlobHash>,
}

/// Makes a data folder of a backup: checks its ledger before anything is believed, copies the blobs by their hash, builds
/// the index. The folder must be absent, empty, or left behind by a restore that was cut short. Blocks.
///
/// # Errors
/// [`Error::Refused`] when the folder holds anything or the backup was never finished, [`Error::Newer`] when a newer release
/// made it, [`Error::Io`] when its ledger is damaged. Until all is well, the folder cannot be opened as a data folder.
pub fn restore(
    dir: &Path,
    data: &Path,
    clock: SharedClock,
    tell: &mut dyn FnMut(String),
) -> Result<Restored> {
    let manifest = Manifest::of(dir)?;
    let failed = |error| io_error(data, &error);
    let unfinished = data.join(RESTORING);
    if !unfinished.exists() && !is_empty(data).map_err(failed)? {
        return Err(Error::Refused {
            what: data.display().to_string(),
            why: "a backup is restored into an empty folder only: name another with --data, or move this one away · \
                  chỉ phục hồi vào thư mục rỗng: hãy chọn thư mục khác bằng --data, hoặc dời thư mục này đi"
                .to_owned(),
        });
    }
    make_folder(data).map_err(failed)?;
    // From here to the end nobody takes the folder for a data folder, also not after a power loss.
    replace(&unfinished, b"").map_err(failed)?;
    let ours = lock(data)?;
    let segments = data.join(LEDGER);
    // What an earlier try left may be of another backup.
    match fs::remove_dir_all(&segments) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => fs::create_dir(&segments).map_err(failed)?,
    }
    for (first, bytes) in &manifest.segments {
        let name = Path::new(LEDGER).join(segment_name(*first));
        copy::append(&dir.join(&name), &data.join(&name), 0, *bytes)?;
    }
    sync_folder(&segments).map_err(failed)?;
    chain(data, &manifest)?;
    tell(format!("{} records, chain checked", manifest.seq));
    let wanted = manifest.blobs.iter().copied();
    let copied = copy::blobs(wanted, &dir.join(BLOBS), &data.join(BLOBS))?;
    tell(format!("{} blobs", copied.all.len()));
    sign(data)?;
    fs::remove_file(&unfinished).and_then(|()| sync_folder(data)).map_err(failed)?;
    drop(ours);
    let store = SledStore::open(data, clock, Options::default())?;
    tell(format!("index of {} records built", store.recovery().replayed));
    Ok(Restored {
        seq: manifest.seq,
        head: manifest.head,
        made_at: manifest.made_at,
        blobs: copied.all.len(),
        damaged: copied.damaged,
    })
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
