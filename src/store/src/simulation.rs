//! The embedded store for simulations of other crates: the same engine, ledger and recovery on a disk in memory that loses
//! power, everything on the caller's thread. Behind the feature `simulation`, for tests only.
//!
//! Only the index differs: it is in memory, so every start builds it from the ledger.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState, seams::SharedClock};
use tokio::sync::watch;

use crate::{
    changes::{Changes, Entry, Link, Row, Seq},
    contract::Store,
    error::Result,
    lease::{AccountLease, Claimed, JobEnd, JobView},
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
impl Store for SimulatedStore {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.store.commit(changes).await
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

    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        self.store.claim(kinds, owner, n, lease).await
    }

    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        self.store.heartbeat(claimed, lease).await
    }

    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.store.finish(claimed, end).await
    }

    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        self.store.jobs(state, limit).await
    }

    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.store.cancel_job(job, actor).await
    }

    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.store.retry_job(job, actor).await
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        self.store.lease_account(account, owner, lease).await
    }

    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        self.store.release_account(lease).await
    }

    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        self.store.reader.entries(after, self.last_seq(), limit)
    }

    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        self.store.reader.links(after, self.last_seq(), limit)
    }

    fn last_seq(&self) -> Seq {
        self.store.last_seq()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.store.watch()
    }
}
