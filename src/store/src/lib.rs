//! Records with versions, secondary indexes by key range, a job queue with leases and fences, and an append-only ledger.
//!
//! The store knows records, not the domain. Times come from the clock it was opened with.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use loa_model::{Actor, Job, JobId, Record};
use serde::{Deserialize, Serialize};

/// Number of a ledger record: gapless from 1. Also the version of the rows it wrote.
pub type Seq = u64;

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Primary key.
    pub key: String,
    /// Sequence number of the commit that wrote it.
    pub version: Seq,
    /// JSON.
    pub value: Bytes,
}

/// A record read back with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub record: T,
    /// Its version, for [`Changes::update`].
    pub version: Seq,
}

/// Which version a put expects to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// The key must be new.
    Absent,
    /// The row must have this version.
    Version(Seq),
    /// Whatever is there.
    Any,
}

/// One change of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Table.
    pub table: String,
    /// Primary key.
    pub key: String,
    /// Expected state before.
    pub expect: Expect,
    /// New JSON, or nothing to delete the row.
    pub value: Option<serde_json::Value>,
    /// Index entries of the new value: (index, sort key).
    pub index: Vec<(String, String)>,
}

/// Changes that happen together or not at all, with who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Who.
    pub actor: Actor,
    /// What, a short English verb phrase for the audit log, for example `approve post`.
    pub what: String,
    /// Row changes.
    pub rows: Vec<Change>,
    /// Jobs to queue.
    pub enqueue: Vec<Job>,
    /// Job finished by this commit, with its fence: the work and its end are one commit.
    pub finish: Option<(JobId, u64)>,
}

impl Changes {
    /// No changes yet.
    pub fn by(actor: Actor, what: impl Into<String>) -> Self {
        Self { actor, what: what.into(), rows: Vec::new(), enqueue: Vec::new(), finish: None }
    }

    /// Puts a new record; its key must not exist.
    #[must_use]
    pub fn insert<R: Record>(self, record: &R) -> Self {
        self.put(record, Expect::Absent)
    }

    /// Replaces the version that was read.
    #[must_use]
    pub fn update<R: Record>(self, record: &R, version: Seq) -> Self {
        self.put(record, Expect::Version(version))
    }

    /// Puts a record with an expectation.
    #[must_use]
    pub fn put<R: Record>(mut self, record: &R, expect: Expect) -> Self {
        self.rows.push(Change {
            table: R::TABLE.to_owned(),
            key: record.key(),
            expect,
            value: Some(serde_json::to_value(record).expect("records serialize to JSON")),
            index: record
                .index()
                .into_iter()
                .map(|entry| (entry.index.to_owned(), entry.key))
                .collect(),
        });
        self
    }

    /// Queues a job in the same commit.
    #[must_use]
    pub fn enqueue(mut self, job: Job) -> Self {
        self.enqueue.push(job);
        self
    }

    /// Ends the job this commit is the work of.
    #[must_use]
    pub fn finish(mut self, claimed: &Claimed) -> Self {
        self.finish = Some((claimed.job.id, claimed.fence));
        self
    }
}

/// A job under a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// This try, from 1.
    pub attempt: u32,
    /// Fence of the lease.
    pub fence: u64,
    /// Lease end.
    pub until: Timestamp,
}

/// How a job ended for now, when its work made no commit of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// Done.
    Complete,
    /// Failed: again at `run_at` while tries are left, else discarded with the reason.
    Fail {
        /// Why, for people.
        reason: String,
        /// Not before.
        run_at: Timestamp,
    },
    /// Not now; costs no try.
    Snooze {
        /// Not before.
        run_at: Timestamp,
    },
    /// Called off.
    Cancel,
}

/// A job with its state, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// State.
    pub state: loa_model::JobState,
    /// Tries so far.
    pub attempt: u32,
    /// Last reason.
    pub reason: String,
    /// Whether a person asked to call it off while it runs: the worker obeys at its next heartbeat.
    pub cancel_requested: bool,
}

/// The right to post on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLease {
    /// Account name.
    pub account: String,
    /// Owner.
    pub owner: String,
    /// Raised at every change of owner.
    pub fence: u64,
    /// Until.
    pub until: Timestamp,
}

/// A ledger record, as the audit log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Number.
    pub seq: Seq,
    /// Committed at.
    pub at: Timestamp,
    /// Hash of the record before, chained.
    pub previous: loa_model::Digest,
    /// What changed.
    pub changes: Changes,
}

/// Failures of the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A row was not in the expected version: read again and decide anew.
    #[error("conflict on {table} {key}: somebody else changed it")]
    Conflict {
        /// Table.
        table: String,
        /// Key.
        key: String,
    },
    /// The lease of a job or account is not ours any more.
    #[error("lease lost on {what}")]
    LeaseLost {
        /// Job id or account.
        what: String,
    },
    /// Another process owns the data folder.
    #[error("{0} is in use by another loa process; stop it or use another --data folder")]
    Locked(String),
    /// The disk refused or the file is not what it should be.
    #[error("store failed: {0}")]
    Io(String),
    /// A stored value is not what its type expects.
    #[error("record {table} {key} cannot be read: {why}")]
    Corrupt {
        /// Table.
        table: String,
        /// Key.
        key: String,
        /// Why.
        why: String,
    },
}

/// Result of the store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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

    /// Rows of a table in the order of their primary keys.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>>;

    /// Takes up to `n` due jobs of these kinds under a lease: urgent first, then by time. Jobs whose lease ran out are due
    /// again. A job claimed more often than its `max_attempts` is discarded.
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
    async fn jobs(&self, state: Option<loa_model::JobState>, limit: usize) -> Result<Vec<JobView>>;

    /// A person calls a job off: at once when nobody runs it, else at its next heartbeat.
    ///
    /// # Errors
    /// [`Error::Io`].
    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()>;

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
        self.get(R::TABLE, key).await?.map(|row| parse::<R>(&row)).transpose()
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
        let to = format!("{prefix}\u{10ffff}");
        self.range(index, prefix, &to, limit, false).await?.iter().map(parse::<R>).collect()
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
        let to = format!("{prefix}\u{10ffff}");
        self.range(index, prefix, &to, limit, true).await?.iter().map(parse::<R>).collect()
    }

    /// Records of a table, in the order of their keys.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one does not parse.
    async fn all<R: Record>(&self, limit: usize) -> Result<Vec<Versioned<R>>> {
        self.scan(R::TABLE, "", limit).await?.iter().map(parse::<R>).collect()
    }
}

impl<S: Store + ?Sized> StoreExt for S {}

fn parse<R: Record>(row: &Row) -> Result<Versioned<R>> {
    match serde_json::from_slice(&row.value) {
        Ok(record) => Ok(Versioned { record, version: row.version }),
        Err(error) => Err(Error::Corrupt {
            table: R::TABLE.to_owned(),
            key: row.key.clone(),
            why: error.to_string(),
        }),
    }
}
