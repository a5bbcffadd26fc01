//! The contract every backend keeps, and typed reading over it.

use std::time::Duration;

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState, Record};

use crate::{
    changes::{Change, Changes, Entry, Expect, Link, Past, Row, Seq, Versioned},
    error::Result,
    lease::{AccountLease, Claimed, JobEnd, JobView},
    queue,
};

#[cfg(doc)]
use crate::error::Error;

/// The contract of a backend. One conformance suite runs on every one.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes the changes durable together, or none. Returns after the ledger is on disk.
    ///
    /// # Errors
    /// [`Error::Conflict`] or [`Error::LeaseLost`] when an expectation fails; nothing is written then.
    async fn commit(&self, changes: Changes) -> Result<Seq>;

    /// A row by primary key.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>>;

    /// Rows of an index whose sort key lies in `from..to`, in order; the newest first when `reverse`.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>>;

    /// How many rows [`Store::range`] would find without a limit. A backend answers from its index and reads no row.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize>;

    /// Rows of a table in the order of their primary keys.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>>;

    /// Takes up to `n` due jobs of these kinds under a lease: urgent first, then by time; backfill that waited long
    /// enough counts as the day's work. Jobs whose lease ran out are due again. A job that used up its tries, or whose workers
    /// died with it again and again (poison), is discarded.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>>;

    /// Keeps a job's lease. Returns whether a person asked to call the job off.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool>;

    /// Ends a job that made no commit of its own.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()>;

    /// Jobs by state, newest first; every state when `None`.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>>;

    /// A job by its id, also one that ended.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn job(&self, job: JobId) -> Result<Option<JobView>>;

    /// A person calls a job off: at once when nobody runs it, else at its next heartbeat.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()>;

    /// A person has a job tried again that was discarded or called off: at once, with all its tries.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is under way, done, or not there; [`Error::Io`].
    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()>;

    /// Takes or keeps the right to post on an account. `None` while another owner holds it. The fence rises whenever the
    /// owner changes or the lease had run out.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>>;

    /// Gives the right back.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn release_account(&self, lease: &AccountLease) -> Result<()>;

    /// Ledger records after `after`, in order.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>>;

    /// How ledger records after `after` are chained, in order. Their hashes are those of the bytes that are kept, so what was
    /// changed there no longer fits what comes after it.
    ///
    /// # Errors
    /// [`Error::Io`], also when a record is damaged.
    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>>;

    /// Number of the last durable commit.
    fn last_seq(&self) -> Seq;

    /// A receiver that changes at every commit: wake-up hint for workers and pages.
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq>;
}

/// Typed reading over any store.
#[async_trait]
pub trait StoreExt: Store {
    /// A record by its key.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not parse.
    async fn read<R: Record>(&self, key: &str) -> Result<Option<Versioned<R>>> {
        self.get(R::TABLE, key).await?.map(|row| row.read()).transpose()
    }

    /// Records of an index under a prefix, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not parse.
    async fn list<R: Record>(
        &self,
        index: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Versioned<R>>> {
        self.range(index, prefix, &end_of(prefix), limit, false)
            .await?
            .iter()
            .map(Row::read)
            .collect()
    }

    /// Records of an index under a prefix, the last first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not parse.
    async fn list_last<R: Record>(
        &self,
        index: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<Versioned<R>>> {
        self.range(index, prefix, &end_of(prefix), limit, true)
            .await?
            .iter()
            .map(Row::read)
            .collect()
    }

    /// Records of a table, in the order of their keys.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not parse.
    async fn all<R: Record>(&self, limit: usize) -> Result<Vec<Versioned<R>>> {
        self.scan(R::TABLE, "", limit).await?.iter().map(Row::read).collect()
    }

    /// What a record was at each commit that wrote it, the newest first and at most `most`. It ends early where somebody wrote
    /// without saying which version they replaced.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not parse.
    async fn past<R: Record>(&self, key: &str, most: usize) -> Result<Vec<Past<R>>> {
        let mut past = Vec::new();
        let mut version = self.get(R::TABLE, key).await?.map(|row| row.version);
        while let Some(seq) = version.filter(|_| past.len() < most) {
            let Some(entry) = self.tail(seq.saturating_sub(1), 1).await?.pop() else { break };
            let of_it = |change: &&Change| change.table == R::TABLE && change.key == key;
            let Some(change) = entry.changes.rows.iter().find(of_it) else { break };
            version = match change.expect {
                Expect::Version(before) => Some(before),
                Expect::Absent | Expect::Any => None,
            };
            let Some(record) = change.record()? else { break };
            past.push(Past { record, entry });
        }
        Ok(past)
    }

    /// How many entries of an index lie under a prefix.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn count_under(&self, index: &str, prefix: &str) -> Result<usize> {
        self.count(index, prefix, &end_of(prefix)).await
    }

    /// How many jobs there are of each state that has any. Only those that did not end are read, and they are few. One state is
    /// counted after the other: a job that moves meanwhile may be counted twice or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn count_jobs(&self) -> Result<Vec<(JobState, usize)>> {
        let mut counts = Vec::new();
        for state in JobState::ALL {
            let count = if state.ended() {
                let (from, to) = queue::state_range(state);
                self.count(queue::BY_STATE, &from, &to).await?
            } else {
                self.jobs(Some(state), usize::MAX).await?.len()
            };
            if count > 0 {
                counts.push((state, count));
            }
        }
        Ok(counts)
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

/// The sort key behind all that begin with `prefix`.
fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}
