//! A store that dies at one of its writes: before it is kept, or after it is and before anybody hears of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState};
use loa_store::{
    AccountLease, Changes, Claimed, Entry, Error, JobEnd, JobView, Link, Result, Row, Seq, Store,
};

/// Counts writes and dies at one of them; at none when that is zero.
pub struct Frail {
    pub inner: Arc<dyn Store>,
    pub writes: AtomicU64,
    /// Twice the number of the write, and one more when it is kept.
    pub dies_at: AtomicU64,
    /// Whether the process is dead: nothing is written before it starts again.
    pub dead: AtomicBool,
}

impl Frail {
    pub fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            writes: AtomicU64::new(0),
            dies_at: AtomicU64::new(0),
            dead: AtomicBool::new(false),
        })
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let n = 2 * (1 + self.writes.fetch_add(1, Ordering::Relaxed));
        let at = self.dies_at.load(Ordering::Relaxed);
        let dead = || {
            self.dead.store(true, Ordering::Relaxed);
            Err(Error::Io("the machine lost its power".to_owned()))
        };
        if at == n || self.dead.load(Ordering::Relaxed) {
            return dead();
        }
        let done = write.await?;
        if at == n + 1 { dead() } else { Ok(done) }
    }
}

#[async_trait]
impl Store for Frail {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.write(self.inner.commit(changes)).await
    }
    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.inner.get(table, key).await
    }
    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        self.inner.range(index, from, to, limit, reverse).await
    }
    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        self.inner.count(index, from, to).await
    }
    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.inner.scan(table, from, limit).await
    }
    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        self.write(self.inner.claim(kinds, owner, n, lease)).await
    }
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        self.inner.heartbeat(claimed, lease).await
    }
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.write(self.inner.finish(claimed, end)).await
    }
    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        self.inner.jobs(state, limit).await
    }
    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.inner.cancel_job(job, actor).await
    }
    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.inner.retry_job(job, actor).await
    }
    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        self.inner.lease_account(account, owner, lease).await
    }
    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        self.inner.release_account(lease).await
    }
    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        self.inner.tail(after, limit).await
    }
    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        self.inner.links(after, limit).await
    }
    fn last_seq(&self) -> Seq {
        self.inner.last_seq()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.inner.watch()
    }
}
