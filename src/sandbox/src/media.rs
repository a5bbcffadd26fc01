//! Files as received: kept by their hash, counted in bytes.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Files a platform received, each under its SHA-256.
#[derive(Debug, Clone)]
pub struct MediaStore {
    dir: PathBuf,
    /// Two requests may bring the same file at once: each writes aside under a name of its own.
    aside: Arc<AtomicU64>,
}

/// A file as it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRef {
    /// SHA-256 of the bytes, lower-case hex.
    pub sha256: String,
    /// Length, bytes.
    pub bytes: u64,
    /// Media type told by the first bytes, not by the sender.
    pub mime: String,
}

impl MediaStore {
    /// The files under `dir`.
    ///
    /// # Errors
    /// [`Error::File`] when the folder cannot be made.
    pub fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).map_err(Error::file("make", dir))?;
        Ok(Self { dir: dir.to_owned(), aside: Arc::default() })
    }

    /// Keeps a file before the record that names it.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be written.
    pub async fn put(&self, bytes: &Bytes) -> Result<MediaRef> {
        let sha256 = hash(bytes);
        let path = self.dir.join(&sha256);
        let number = self.aside.fetch_add(1, Ordering::Relaxed);
        let tmp = self.dir.join(format!("{sha256}.{number}.tmp"));
        tokio::fs::write(&tmp, bytes).await.map_err(Error::file("write", &tmp))?;
        tokio::fs::rename(&tmp, &path).await.map_err(Error::file("write", &path))?;
        Ok(MediaRef { sha256, bytes: bytes.len() as u64, mime: sniff(bytes).to_owned() })
    }

    /// The bytes of a file, or nothing when there is none of this hash.
    pub async fn get(&self, sha256: &str) -> Option<Bytes> {
        let known = sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit());
        if !known {
            return None;
        }
        tokio::fs::read(self.dir.join(sha256)).await.ok().map(Bytes::from)
    }
}

/// SHA-256 as lower-case hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
        out
    })
}

/// Media type by the first bytes.
pub fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/webm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_comes_back_by_its_hash_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let store = MediaStore::open(&dir.path().join("media")).unwrap();
        let bytes = Bytes::from_static(b"\x89PNG\r\n\x1a\n...");
        let kept = store.put(&bytes).await.unwrap();
        assert_eq!((kept.bytes, kept.mime.as_str()), (11, "image/png"));
        assert_eq!(store.get(&kept.sha256).await, Some(bytes));
        assert_eq!(store.get("../book.jsonl").await, None);
        assert_eq!(store.get(&"0".repeat(64)).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_same_file_from_many_at_once_is_whole_for_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let store = MediaStore::open(dir.path()).unwrap();
        let bytes = Bytes::from(vec![7; 3 << 20]);
        let one = |store: MediaStore, bytes: Bytes| async move {
            for _ in 0..8 {
                let kept = store.put(&bytes).await.unwrap();
                let read = store.get(&kept.sha256).await.unwrap();
                assert_eq!(read.len(), bytes.len(), "a reader saw half a file");
            }
        };
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..8 {
            all.spawn(one(store.clone(), bytes.clone()));
        }
        all.join_all().await;
    }
}
