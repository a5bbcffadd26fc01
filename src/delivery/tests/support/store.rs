//! The store of the world: it crashes where the fuse blows, and fails where a test wants it to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState};
use loa_store::{
    AccountLease, Changes, Claimed, Entry, JobEnd, JobView, MemoryStore, Row, Seq, Store,
};

use super::Fuse;

/// The memory store with a fuse before and after every durable call.
pub struct FuseStore {
    pub inner: MemoryStore,
    pub fuse: Arc<Fuse>,
    /// The account nobody can take, because the disk fails at it.
    pub broken: Mutex<Option<String>>,
    /// How many commits the disk refuses from now on, and the end of the words they are of.
    pub full: Mutex<(u32, &'static str)>,
}

impl FuseStore {
    fn is_full(&self, what: &str) -> bool {
        let mut full = self.full.lock().unwrap();
        let refuses = full.0 > 0 && what.ends_with(full.1);
        full.0 -= u32::from(refuses);
        refuses
    }
}

#[async_trait]
impl Store for FuseStore {
    async fn commit(&self, changes: Changes) -> loa_store::Result<Seq> {
        self.fuse.point("before commit").await;
        if self.is_full(&changes.what) {
            return Err(loa_store::Error::Io("the disk is full".into()));
        }
        let answer = self.inner.commit(changes).await;
        self.fuse.point("after commit").await;
        answer
    }
    async fn get(&self, table: &str, key: &str) -> loa_store::Result<Option<Row>> {
        self.inner.get(table, key).await
    }
    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> loa_store::Result<Vec<Row>> {
        self.inner.range(index, from, to, limit, reverse).await
    }
    async fn count(&self, index: &str, from: &str, to: &str) -> loa_store::Result<usize> {
        self.inner.count(index, from, to).await
    }
    async fn scan(&self, table: &str, from: &str, limit: usize) -> loa_store::Result<Vec<Row>> {
        self.inner.scan(table, from, limit).await
    }
    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> loa_store::Result<Vec<Claimed>> {
        self.inner.claim(kinds, owner, n, lease).await
    }
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> loa_store::Result<bool> {
        self.inner.heartbeat(claimed, lease).await
    }
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> loa_store::Result<()> {
        self.inner.finish(claimed, end).await
    }
    async fn jobs(&self, state: Option<JobState>, limit: usize) -> loa_store::Result<Vec<JobView>> {
        self.inner.jobs(state, limit).await
    }
    async fn cancel_job(&self, job: JobId, actor: Actor) -> loa_store::Result<()> {
        self.inner.cancel_job(job, actor).await
    }
    async fn retry_job(&self, job: JobId, actor: Actor) -> loa_store::Result<()> {
        self.inner.retry_job(job, actor).await
    }
    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> loa_store::Result<Option<AccountLease>> {
        self.fuse.point("before lease").await;
        let broken = self.broken.lock().unwrap().as_deref() == Some(account);
        if broken {
            tokio::task::yield_now().await;
            return Err(loa_store::Error::Io("input/output error".into()));
        }
        self.inner.lease_account(account, owner, lease).await
    }
    async fn release_account(&self, lease: &AccountLease) -> loa_store::Result<()> {
        self.fuse.point("before release").await;
        self.inner.release_account(lease).await
    }
    async fn tail(&self, after: Seq, limit: usize) -> loa_store::Result<Vec<Entry>> {
        self.inner.tail(after, limit).await
    }
    async fn links(&self, after: Seq, limit: usize) -> loa_store::Result<Vec<loa_store::Link>> {
        self.inner.links(after, limit).await
    }
    fn last_seq(&self) -> Seq {
        self.inner.last_seq()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.inner.watch()
    }
}
