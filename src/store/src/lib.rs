#![doc = include_str!("../README.md")]

mod changes;
mod contract;
mod engine;
mod error;
mod lease;
mod memory;
mod queue;
mod rows;

pub use changes::{Change, Changes, Entry, Expect, Row, Seq, Versioned};
pub use contract::{Store, StoreExt};
pub use error::{Error, Result};
pub use lease::{AccountLease, Claimed, JobEnd, JobView};
pub use memory::MemoryStore;
