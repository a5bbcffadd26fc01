//! The data folder of an embedded store: who owns it, and whether its index may be trusted after the last end.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ledger::sync_folder,
};

/// Written beside the index: how the last run ended.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Boot of the machine; the page cache lives no longer. Empty where the system does not tell.
    boot: String,
    /// Whether the index was synced at a clean end.
    clean: bool,
}

/// A data folder this process owns.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    boot: String,
    /// Locked as long as it is open; the kernel lets go of it however the process ends.
    _lock: fs::File,
}

impl DataFolder {
    /// Takes the folder, made when it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has it.
    pub(crate) fn open(path: &Path, boot: Option<String>) -> Result<Self> {
        fs::create_dir_all(path).map_err(|error| io_error(path, &error))?;
        let name = path.join("lock");
        let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&name);
        let lock = lock.map_err(|error| io_error(&name, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(Error::Locked(path.display().to_string()));
            }
            Err(fs::TryLockError::Error(error)) => return Err(io_error(&name, &error)),
        }
        let boot = boot.or_else(boot_id).unwrap_or_default();
        Ok(Self { path: path.to_owned(), boot, _lock: lock })
    }

    /// Folder of the segments.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path.join("ledger")
    }

    /// Folder of the index.
    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index")
    }

    /// Why the index must not be trusted, if it must not: power may have been lost while it was open.
    pub(crate) fn distrust(&self) -> Option<&'static str> {
        if !self.index().exists() {
            return None;
        }
        let mark = fs::read(self.mark_path()).ok();
        match mark.and_then(|bytes| serde_json::from_slice::<Mark>(&bytes).ok()) {
            None => Some("it has no mark of its last run"),
            Some(mark) if mark.clean => None,
            // A killed process leaves what it wrote in the page cache of the same boot.
            Some(mark) if !self.boot.is_empty() && mark.boot == self.boot => None,
            Some(_) => Some("the machine was started anew and loa had not ended cleanly"),
        }
    }

    /// Notes that the index is open, or that it was synced at the end.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn mark(&self, clean: bool) -> Result<()> {
        let mark = Mark { boot: self.boot.clone(), clean };
        let bytes = serde_json::to_vec(&mark).expect("a mark is JSON");
        let path = self.mark_path();
        replace(&path, &bytes).map_err(|error| io_error(&path, &error))
    }

    /// Syncs every file of the index: sled does not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn sync_index(&self) -> Result<()> {
        sync_tree(&self.index()).map_err(|error| io_error(&self.index(), &error))
    }

    /// Moves the index aside, for somebody to look at. Returns where it went.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn set_index_aside(&self) -> Result<PathBuf> {
        let aside = (1..).map(|n| self.path.join(format!("index.broken-{n}")));
        let aside = aside.into_iter().find(|path| !path.exists()).expect("numbers do not end");
        let moved = fs::rename(self.index(), &aside).and_then(|()| sync_folder(&self.path));
        moved.map_err(|error| io_error(&aside, &error))?;
        Ok(aside)
    }

    fn mark_path(&self) -> PathBuf {
        self.path.join("index.mark")
    }
}

/// Writes a small file so that a power loss leaves the old or the new one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(path)
}

fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Io(format!("{}: {error}", path.display()))
}
