//! Copying bytes into a backup and out of it, each file durable before anything names it.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use loa_model::{BlobHash, Digest};
use sha2::{Digest as _, Sha256};

use crate::{
    blobs,
    error::{Error, Result},
    folder::io_error,
    ledger::sync_folder,
};

const CHUNK: usize = 1 << 20;

/// Blobs that were copied.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Every blob that is there now and was wanted.
    pub(super) all: BTreeSet<BlobHash>,
    /// How many were not there before.
    pub(super) fresh: usize,
    /// Bytes of them.
    pub(super) bytes: u64,
    /// Blobs whose bytes are not what their name says, or that are gone: they were not copied.
    pub(super) damaged: Vec<BlobHash>,
}

/// Brings a copy of a file that only grows up to `wanted` bytes. Its first `have` bytes are good; what it has beyond them
/// was never finished. Returns how many bytes were copied.
pub(super) fn append(from: &Path, to: &Path, have: u64, wanted: u64) -> Result<u64> {
    let copy = || {
        let mut target =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(to)?;
        let there = target.metadata()?.len();
        let have = have.min(there).min(wanted);
        if there == wanted && have == wanted {
            return Ok(0);
        }
        target.set_len(have)?;
        target.seek(SeekFrom::Start(have))?;
        let mut source = fs::File::open(from)?;
        source.seek(SeekFrom::Start(have))?;
        let copied = io::copy(&mut source.take(wanted - have), &mut target)?;
        target.sync_all()?;
        Ok(copied)
    };
    let copied: io::Result<u64> = copy();
    let copied = copied.map_err(|error| io_error(to, &error))?;
    let there = fs::metadata(to).map_err(|error| io_error(to, &error))?.len();
    if there == wanted {
        return Ok(copied);
    }
    let (from, short) = (from.display(), wanted - there);
    Err(Error::Io(format!("{from} is {short} bytes shorter than it must be")))
}

/// Copies blobs that are wanted from one folder of blobs to another, each checked against its name.
pub(super) fn blobs(
    wanted: impl IntoIterator<Item = BlobHash>,
    from: &Path,
    to: &Path,
) -> Result<Copied> {
    let mut copied = Copied::default();
    for hash in wanted {
        let target = to.join(blobs::place(hash));
        if target.is_file() {
            copied.all.insert(hash);
            continue;
        }
        match blob(hash, &from.join(blobs::place(hash)), &target)? {
            Some(bytes) => {
                copied.bytes += bytes;
                copied.fresh += 1;
                copied.all.insert(hash);
            }
            None => copied.damaged.push(hash),
        }
    }
    Ok(copied)
}

/// Copies a blob under another name and gives it its own once its bytes are known to be right. Nothing when they are not.
fn blob(hash: BlobHash, from: &Path, to: &Path) -> Result<Option<u64>> {
    let folder = to.parent().expect("a blob lies in a folder");
    let aside = to.with_extension("part");
    let copy = || {
        make_folders(folder)?;
        let mut target = fs::File::create(&aside)?;
        let (found, bytes) = match hash_into(from, &mut target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (None, 0),
            other => other.map(|(found, bytes)| (Some(found), bytes))?,
        };
        if found != Some(hash) {
            fs::remove_file(&aside)?;
            return Ok(None);
        }
        target.sync_all()?;
        fs::rename(&aside, to)?;
        sync_folder(folder)?;
        Ok(Some(bytes))
    };
    let copied: io::Result<Option<u64>> = copy();
    copied.map_err(|error| io_error(to, &error))
}

/// Whether a blob's bytes are what its name says.
pub(super) fn is_sound(hash: BlobHash, path: &Path) -> Result<bool> {
    match hash_into(path, &mut io::sink()) {
        Ok((found, _)) => Ok(found == hash),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error(path, &error)),
    }
}

fn hash_into(path: &Path, target: &mut dyn io::Write) -> io::Result<(BlobHash, u64)> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
        hash.update(part);
        target.write_all(part)?;
        bytes += part.len() as u64;
    }
    Ok((Digest(hash.finalize().into()), bytes))
}

/// Makes a folder and those above it, with names that survive a power loss. The path is absolute.
pub(super) fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().ok_or(io::ErrorKind::NotFound)?;
    make_folders(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_folder(above)
}
