//! The mark beside the index: how the last run ended, and by what the index is known again.

use std::{collections::BTreeMap, fs, io, os::unix::fs::MetadataExt as _, path::Path};

use serde::{Deserialize, Serialize};

/// Written when a run begins, when it sees something broken, and at its clean end.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Boot of the machine; the page cache lives no longer. Empty where the system does not tell.
    boot: String,
    /// Number of the index folder on its disk: a copy made while loa ran has another one.
    #[serde(default)]
    inode: u64,
    /// Whether the index was synced at a clean end.
    clean: bool,
    /// Files of the index at the clean end, with their lengths.
    #[serde(default)]
    files: BTreeMap<String, u64>,
    /// What was seen to be wrong; empty when nothing was.
    #[serde(default)]
    pub(super) doubt: String,
}

impl Mark {
    /// The index is in use.
    pub(super) fn in_use(boot: &str, index: &Path) -> io::Result<Self> {
        let inode = fs::metadata(index)?.ino();
        Ok(Self { boot: boot.to_owned(), inode, ..Self::default() })
    }

    /// The index was synced, and its run is over.
    pub(super) fn ended(self, index: &Path) -> io::Result<Self> {
        Ok(Self { clean: true, files: files(index)?, ..self })
    }

    /// Something was seen to be wrong.
    pub(super) fn doubted(self, why: &str) -> Self {
        Self { doubt: why.to_owned(), ..self }
    }

    /// Why the index and the checkpoint must not be believed, if they must not.
    pub(super) fn distrust(&self, boot: &str, index: &Path) -> Option<String> {
        let why = if !self.doubt.is_empty() {
            self.doubt.as_str()
        } else if self.clean {
            if files(index).ok().as_ref() == Some(&self.files) {
                return None;
            }
            "its files are not those it had when loa ended"
        } else if boot.is_empty() || self.boot != boot {
            "the machine was started anew and loa had not ended cleanly"
        } else if fs::metadata(index).ok().map(|found| found.ino()) != Some(self.inode) {
            // A killed process leaves what it wrote in the page cache of the same boot, but only for the files themselves.
            "it is a copy that was made while loa ran"
        } else {
            return None;
        };
        Some(why.to_owned())
    }
}

/// Files below a folder by their path in it, with their lengths.
fn files(folder: &Path) -> io::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            let inner = files(&entry.path())?;
            found.extend(inner.into_iter().map(|(path, bytes)| (format!("{name}/{path}"), bytes)));
        } else {
            found.insert(name, entry.metadata()?.len());
        }
    }
    Ok(found)
}
