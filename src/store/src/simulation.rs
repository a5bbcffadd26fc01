//! The embedded store for simulations of other crates: the same engine, ledger and recovery on a disk in memory that loses
//! power, everything on the caller's thread. Behind the feature `simulation`, for tests only.
//!
//! Only the index differs: it is in memory, so every start builds it from the ledger.

use std::sync::Arc;

use async_trait::async_trait;
use loa_model::seams::SharedClock;

use crate::{
    changes::{Entry, Link, Row, Seq},
    contract::Store,
    error::Result,
    over::Over,
    rows::{MemoryRows, Rows},
    sled_store::{Recovery, SledStore},
    verify::Report,
};

pub use crate::ledger::simulated::{Disk, Loss};

/// The store of one process start. Nothing of it waits, so it runs under any executor; dropping it loses what a killed
/// process loses.
#[derive(Debug)]
pub struct SimulatedStore {
    store: SledStore,
    rows: Arc<MemoryRows>,
}

impl SimulatedStore {
    /// Opens what is on the disk, as [`SledStore::open`] does: cuts a torn tail off the ledger and replays it.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the ledger is damaged.
    pub fn open(clock: SharedClock, disk: &Disk, segment_bytes: u64) -> Result<Self> {
        let rows = Arc::new(MemoryRows::default());
        let segments = Arc::new(disk.clone());
        let store = SledStore::inline(clock, rows.clone(), segments, segment_bytes, 0)?;
        Ok(Self { store, rows })
    }

    /// What opening had to repair.
    pub fn recovery(&self) -> &Recovery {
        self.store.recovery()
    }

    /// As [`SledStore::verify`].
    ///
    /// # Errors
    /// As there.
    pub async fn verify(&self) -> Result<Report> {
        self.store.verify_here().await
    }
}

/// Writes go through the store; reads look at the same rows without the thread that [`SledStore`] reads on.
#[async_trait]
impl Over for SimulatedStore {
    fn under(&self) -> &dyn Store {
        &self.store
    }

    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.rows.row(table, key)
    }

    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        self.rows.range(index, from, to, limit, reverse)
    }

    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        self.rows.count(index, from, to)
    }

    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.rows.scan(table, from, limit)
    }

    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        self.store.reader.entries(after, self.store.last_seq(), limit)
    }

    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        self.store.reader.links(after, self.store.last_seq(), limit)
    }
}
