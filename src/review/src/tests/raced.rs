//! A store in which somebody else is always faster once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState};
use loa_store::{AccountLease, Changes, Claimed, Entry, JobEnd, JobView, Result, Row, Seq, Store};

/// A store whose first commit comes second: somebody else's change of the same rows lands in between.
pub(super) struct Raced {
    pub(super) inner: Arc<dyn Store>,
    pub(super) rival: Mutex<Option<Changes>>,
}

#[async_trait]
impl Store for Raced {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            self.inner.commit(rival).await?;
        }
        self.inner.commit(changes).await
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
        self.inner.claim(kinds, owner, n, lease).await
    }
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        self.inner.heartbeat(claimed, lease).await
    }
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.inner.finish(claimed, end).await
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
    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<loa_store::Link>> {
        self.inner.links(after, limit).await
    }
    fn last_seq(&self) -> Seq {
        self.inner.last_seq()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.inner.watch()
    }
}
