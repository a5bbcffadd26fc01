#![doc = include_str!("../README.md")]

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
mod queue;
mod report;
mod rows;
#[cfg(feature = "simulation")]
pub mod simulation;
mod sled_rows;
mod sled_store;
mod vault;
mod writer;

pub use blobs::Blobs;
pub use changes::{Change, Changes, Entry, Expect, Row, Seq, Versioned};
pub use contract::{Store, StoreExt};
pub use error::{Error, Result};
pub use lease::{AccountLease, Claimed, JobEnd, JobView};
pub use memory::MemoryStore;
pub use report::Report;
pub use sled_store::{Options, Recovery, SledStore};
pub use vault::{RefreshMark, Vault};
