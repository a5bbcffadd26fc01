//! Bytes by their SHA-256: media and everything else that is too big for a row.
//!
//! A blob is durable (written aside, synced, renamed, folder synced) when `put` returns, so a record that names it may be
//! committed after that and never before.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use loa_model::BlobHash;
use object_store::{
    MultipartUpload as _, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload,
    local::LocalFileSystem,
};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    ledger::{make_folder, sync_folder},
};

/// Bytes of a file that are in memory at a time.
const CHUNK: usize = 1 << 20;

/// The blobs of a folder.
#[derive(Debug)]
pub struct Blobs {
    store: LocalFileSystem,
    dir: PathBuf,
}

impl Blobs {
    /// The blobs of a folder, made when it is not there. Blocks shortly.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Self> {
        let made = make_folder(dir).and_then(|()| sync_folder(dir));
        made.map_err(|error| Error::Io(format!("blobs: {}: {error}", dir.display())))?;
        let store = LocalFileSystem::new_with_prefix(dir).map_err(|error| failed(&error))?;
        Ok(Self { store: store.with_fsync(true), dir: dir.to_owned() })
    }

    /// Their folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps these bytes. Putting them again is cheap and changes nothing.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn put(&self, bytes: Bytes) -> Result<BlobHash> {
        let hash = BlobHash::of(&bytes);
        if self.path(hash).is_some() {
            return Ok(hash);
        }
        let mode = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&address(hash), PutPayload::from_bytes(bytes), mode).await {
            // Somebody put the same bytes at the same moment.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(hash),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Keeps a copy of a file. Returns its hash and its length. A megabyte is in memory at a time.
    ///
    /// # Errors
    /// [`Error::Io`], also when the file changes meanwhile.
    pub async fn put_file(&self, path: &Path) -> Result<(BlobHash, u64)> {
        let unreadable = |error: io::Error| Error::Io(format!("{}: {error}", path.display()));
        let (hash, length) = {
            let path = path.to_owned();
            blocking(move || hash_file(&path)).await.map_err(unreadable)?
        };
        if self.path(hash).is_some() {
            return Ok((hash, length));
        }
        let mut file = {
            let path = path.to_owned();
            blocking(move || fs::File::open(path)).await.map_err(unreadable)?
        };
        let upload = self.store.put_multipart(&address(hash)).await;
        let mut upload = upload.map_err(|error| failed(&error))?;
        let mut copied = Sha256::new();
        loop {
            let (rest, chunk) = blocking(move || {
                let chunk = read_chunk(&mut file)?;
                Ok((file, chunk))
            })
            .await
            .map_err(unreadable)?;
            file = rest;
            if chunk.is_empty() {
                break;
            }
            copied.update(&chunk);
            let part = upload.put_part(PutPayload::from(chunk));
            part.await.map_err(|error| failed(&error))?;
        }
        if <[u8; 32]>::from(copied.finalize()) != hash.0 {
            upload.abort().await.map_err(|error| failed(&error))?;
            return Err(Error::Io(format!("{} changed while it was read", path.display())));
        }
        upload.complete().await.map_err(|error| failed(&error))?;
        Ok((hash, length))
    }

    /// The bytes of a blob, checked against its hash.
    ///
    /// # Errors
    /// [`Error::Io`] when it is not there, [`Error::Corrupt`] when its bytes are others.
    pub async fn get(&self, hash: BlobHash) -> Result<Bytes> {
        let found = self.store.get(&address(hash)).await.map_err(|error| failed(&error))?;
        let bytes = found.bytes().await.map_err(|error| failed(&error))?;
        let checked = bytes.clone();
        let actual = blocking(move || Ok(BlobHash::of(&checked)))
            .await
            .map_err(|error| Error::Io(format!("blobs: {error}")))?;
        if actual == hash {
            return Ok(bytes);
        }
        Err(Error::Corrupt {
            table: "blob".to_owned(),
            key: hash.to_string(),
            why: format!("its bytes hash to {actual}: restore it from a backup or render it again"),
        })
    }

    /// Where a blob lies on this machine: for ranges of it, and for the media child. `None` when it is not there. The
    /// bytes are not checked.
    pub fn path(&self, hash: BlobHash) -> Option<PathBuf> {
        let path = self.store.path_to_filesystem(&address(hash)).ok()?;
        path.is_file().then_some(path)
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn exists(&self, hash: BlobHash) -> Result<bool> {
        match self.store.head(&address(hash)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// `sha256/ab/cd…`.
fn address(hash: BlobHash) -> object_store::path::Path {
    object_store::path::Path::from(place(hash))
}

/// Where a blob lies in a folder of blobs: `sha256/ab/cd…`.
pub(crate) fn place(hash: BlobHash) -> String {
    let text = hash.to_string();
    let (first, rest) = text.split_at_checked(2).expect("a hash has 64 hex characters");
    format!("sha256/{first}/{rest}")
}

/// The blobs of a folder by their names. What is on its way into it has another name.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn list(dir: &Path) -> Result<Vec<BlobHash>> {
    let listed = || {
        let mut found = Vec::new();
        for first in fs::read_dir(dir.join("sha256"))? {
            let first = first?;
            if !first.file_type()?.is_dir() {
                continue;
            }
            let start = first.file_name().to_string_lossy().into_owned();
            for rest in fs::read_dir(first.path())? {
                let name = format!("{start}{}", rest?.file_name().to_string_lossy());
                found.extend(name.parse::<BlobHash>().ok());
            }
        }
        Ok(found)
    };
    let found: io::Result<Vec<BlobHash>> = listed();
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found.map_err(|error| Error::Io(format!("blobs: {error}"))),
    }
}

fn hash_file(path: &Path) -> io::Result<(BlobHash, u64)> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut length) = (Sha256::new(), 0);
    loop {
        let chunk = read_chunk(&mut file)?;
        if chunk.is_empty() {
            return Ok((loa_model::Digest(hash.finalize().into()), length));
        }
        hash.update(&chunk);
        length += chunk.len() as u64;
    }
}

fn read_chunk(file: &mut fs::File) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn failed(error: &object_store::Error) -> Error {
    Error::Io(format!("blobs: {error}"))
}
