#![doc = include_str!("../README.md")]

mod backup;
mod blobs;
mod changes;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contract;
mod engine;
mod error;
mod folder;
mod lease;
mod ledger;
mod memory;
mod over;
mod queue;
mod replay;
mod reserve;
mod rows;
#[cfg(feature = "simulation")]
pub mod simulation;
mod sled_rows;
mod sled_store;
mod vault;
mod verify;
mod writer;

pub use backup::{BackedUp, BackupReport, Manifest, Restored, check_backup, restore};
pub use blobs::Blobs;
pub use changes::{Change, Changes, Entry, Expect, Link, Past, Row, Seq, Versioned};
pub use contract::{Store, StoreExt};
pub use error::{Error, Result};
pub use folder::FORMAT;
pub use lease::{AccountLease, Claimed, JobEnd, JobView};
pub use memory::MemoryStore;
pub use over::Over;
pub use reserve::Room;
pub use sled_store::{Options, Recovery, SledStore};
pub use vault::{RefreshMark, Vault};
pub use verify::Report;
