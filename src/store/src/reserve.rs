//! Room on the disk: watched before it is gone, with a ballast for what must still be written when it is.

use std::{path::Path, sync::Arc};

use serde::Serialize;

use crate::ledger::LogFolder;

/// With less room than this no new work is handed out. What runs must still end: an article in work takes up to some 100 MiB
/// of pictures and clips, then come a segment of the ledger and what the index writes about it.
pub(crate) const LOW: u64 = 256 << 20;
/// Room that is taken in good times and given back in bad ones: a segment of the ledger, some 90,000 records.
const BALLAST: u64 = 64 << 20;

/// Room on the disk of the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Room {
    /// Bytes this process may still write.
    pub free_bytes: u64,
    /// With less no new work is handed out.
    pub low_bytes: u64,
    /// Whether work is handed out: neither jobs nor accounts are while this is not so. What runs is ended and recorded.
    pub enough: bool,
}

impl Room {
    /// Room around a folder that no process of ours watches.
    ///
    /// # Errors
    /// The system's own.
    pub fn around(folder: &Path) -> std::io::Result<Self> {
        let free_bytes = crate::ledger::DiskFolder::there(folder).free()?;
        Ok(Self { free_bytes, low_bytes: LOW, enough: free_bytes >= LOW })
    }
}

/// Watches the disk for the writer.
#[derive(Debug)]
pub(crate) struct Reserve {
    disk: Arc<dyn LogFolder>,
    low: u64,
    enough: bool,
    held: bool,
}

impl Reserve {
    /// Watches this disk; `low` is the room that new work needs.
    pub(crate) fn new(disk: Arc<dyn LogFolder>, low: u64) -> Self {
        let mut reserve = Self { disk, low, enough: true, held: false };
        reserve.look();
        reserve
    }

    /// Looks at the disk, and takes or gives back the ballast.
    pub(crate) fn look(&mut self) -> Room {
        let free = self.disk.free().unwrap_or_else(|error| {
            tracing::warn!("The room on the disk is not known: {error}");
            self.low
        });
        if free < self.low && self.enough {
            tracing::error!(
                free_bytes = free,
                "The disk is nearly full: no new work is handed out, what runs is still recorded"
            );
            self.enough = false;
        }
        if free < self.low / 8 {
            self.give_back();
        }
        // More than low by what the ballast takes: what was handed out must not be refused at once.
        if free >= self.low.saturating_add(BALLAST) {
            if !self.enough {
                tracing::info!(free_bytes = free, "The disk has room again: work is handed out");
            }
            self.enough = true;
            if !self.held {
                self.hold();
            }
        }
        Room { free_bytes: free, low_bytes: self.low, enough: self.enough }
    }

    /// Gives the ballast back; whether there was one.
    pub(crate) fn give_back(&mut self) -> bool {
        if !self.held {
            return false;
        }
        self.held = false;
        self.enough = false;
        match self.disk.set_ballast(0) {
            Ok(()) => {
                tracing::error!("The disk is full: gave {BALLAST} bytes of ballast back to it");
                true
            }
            Err(error) => {
                tracing::error!("The ballast could not be given back: {error}");
                false
            }
        }
    }

    fn hold(&mut self) {
        self.held = true;
        if let Err(error) = self.disk.set_ballast(BALLAST) {
            tracing::warn!("There is no ballast for a full disk: {error}");
            self.held = false;
        }
    }
}
