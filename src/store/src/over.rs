//! Stores over other stores.

use std::time::Duration;

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState};

use crate::{
    changes::{Changes, Entry, Link, Row, Seq},
    contract::Store,
    error::Result,
    lease::{AccountLease, Claimed, JobEnd, JobView},
};

/// A store over another one: what it does not do itself, that one does. Every method is that of [`Store`].
#[expect(missing_docs, reason = "every method is told by the store")]
#[async_trait]
pub trait Over: Send + Sync {
    /// The store under it.
    fn under(&self) -> &dyn Store;
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.under().commit(changes).await
    }
    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.under().get(table, key).await
    }
    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        self.under().range(index, from, to, limit, reverse).await
    }
    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        self.under().count(index, from, to).await
    }
    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.under().scan(table, from, limit).await
    }
    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        self.under().claim(kinds, owner, n, lease).await
    }
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        self.under().heartbeat(claimed, lease).await
    }
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.under().finish(claimed, end).await
    }
    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        self.under().jobs(state, limit).await
    }
    async fn job(&self, job: JobId) -> Result<Option<JobView>> {
        self.under().job(job).await
    }
    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.under().cancel_job(job, actor).await
    }
    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.under().retry_job(job, actor).await
    }
    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        self.under().lease_account(account, owner, lease).await
    }
    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        self.under().release_account(lease).await
    }
    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        self.under().tail(after, limit).await
    }
    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        self.under().links(after, limit).await
    }
    fn last_seq(&self) -> Seq {
        self.under().last_seq()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.under().watch()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Over> Store for S {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        Over::commit(self, changes).await
    }
    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        Over::get(self, table, key).await
    }
    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        Over::range(self, index, from, to, limit, reverse).await
    }
    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        Over::count(self, index, from, to).await
    }
    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        Over::scan(self, table, from, limit).await
    }
    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        Over::claim(self, kinds, owner, n, lease).await
    }
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        Over::heartbeat(self, claimed, lease).await
    }
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        Over::finish(self, claimed, end).await
    }
    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        Over::jobs(self, state, limit).await
    }
    async fn job(&self, job: JobId) -> Result<Option<JobView>> {
        Over::job(self, job).await
    }
    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        Over::cancel_job(self, job, actor).await
    }
    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        Over::retry_job(self, job, actor).await
    }
    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        Over::lease_account(self, account, owner, lease).await
    }
    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        Over::release_account(self, lease).await
    }
    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        Over::tail(self, after, limit).await
    }
    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        Over::links(self, after, limit).await
    }
    fn last_seq(&self) -> Seq {
        Over::last_seq(self)
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        Over::watch(self)
    }
}
