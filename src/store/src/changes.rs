//! What is written: rows, the changes of one commit, and the ledger record that keeps them.

use bytes::Bytes;
use jiff::Timestamp;
use loa_model::{Actor, Job, JobId, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    lease::Claimed,
};

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

/// Where a record of another schema than the first says which. A record without it is of the first.
const SCHEMA: &str = "$schema";

impl Row {
    /// The record in it, whatever schema it was written in.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not parse.
    pub fn read<R: Record>(&self) -> Result<Versioned<R>> {
        let read = if R::SCHEMA == 1 {
            serde_json::from_slice(&self.value)
        } else {
            serde_json::from_slice(&self.value).and_then(upgraded)
        };
        let record = read.map_err(|error| corrupt::<R>(&self.key, &error))?;
        Ok(Versioned { record, version: self.version })
    }
}

impl Change {
    /// The record it puts, whatever schema it was written in; nothing when it deletes one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not parse.
    pub fn record<R: Record>(&self) -> Result<Option<R>> {
        let read = self.value.as_ref().map(|value| {
            if R::SCHEMA == 1 { R::deserialize(value) } else { upgraded(value.clone()) }
        });
        read.transpose().map_err(|error| corrupt::<R>(&self.key, &error))
    }
}

/// A record of any schema.
fn upgraded<R: Record>(value: Value) -> serde_json::Result<R> {
    let schema = value.get(SCHEMA).and_then(Value::as_u64);
    let schema = schema.and_then(|schema| u16::try_from(schema).ok()).unwrap_or(1);
    let same = schema == R::SCHEMA;
    serde_json::from_value(if same { value } else { R::upgrade(schema, value) })
}

fn corrupt<R: Record>(key: &str, error: &serde_json::Error) -> Error {
    let (table, key, why) = (R::TABLE.to_owned(), key.to_owned(), error.to_string());
    Error::Corrupt { table, key, why }
}

/// JSON of a record, with its schema where it is not the first.
fn json<R: Record>(record: &R) -> Value {
    let mut value = serde_json::to_value(record).expect("records serialize to JSON");
    if let (true, Some(fields)) = (R::SCHEMA != 1, value.as_object_mut()) {
        fields.insert(SCHEMA.to_owned(), R::SCHEMA.into());
    }
    value
}

/// A record read back with its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub record: T,
    /// Its version, for [`Changes::update`].
    pub version: Seq,
}

/// What a record was once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past<T> {
    /// The record as it was written.
    pub record: T,
    /// The commit that wrote it: when, who, what, and what else.
    pub entry: Entry,
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
    pub value: Option<Value>,
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
    /// Jobs that were put off and are due with this commit. The ledger keeps the rows that come of it.
    #[serde(skip)]
    pub wake: Vec<JobId>,
}

impl Changes {
    /// No changes yet.
    pub fn by(actor: Actor, what: impl Into<String>) -> Self {
        Self {
            actor,
            what: what.into(),
            rows: Vec::new(),
            enqueue: Vec::new(),
            finish: None,
            wake: Vec::new(),
        }
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
            value: Some(json(record)),
            index: record
                .index()
                .into_iter()
                .map(|entry| (entry.index.to_owned(), entry.key))
                .collect(),
        });
        self
    }

    /// Deletes the version that was read. The ledger keeps what it was.
    #[must_use]
    pub fn delete<R: Record>(mut self, record: &R, version: Seq) -> Self {
        self.rows.push(Change {
            table: R::TABLE.to_owned(),
            key: record.key(),
            expect: Expect::Version(version),
            value: None,
            index: Vec::new(),
        });
        self
    }

    /// Queues a job in the same commit.
    #[must_use]
    pub fn enqueue(mut self, job: Job) -> Self {
        self.enqueue.push(job);
        self
    }

    /// Makes a job that was put off due with this commit: what it waited for is here. Nothing happens to one that runs, that
    /// failed, or that is over.
    #[must_use]
    pub fn wake(mut self, job: JobId) -> Self {
        self.wake.push(job);
        self
    }

    /// Ends the job this commit is the work of.
    #[must_use]
    pub fn finish(mut self, claimed: &Claimed) -> Self {
        self.finish = Some((claimed.job.id, claimed.fence));
        self
    }
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

/// How a ledger record hangs on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Number.
    pub seq: Seq,
    /// Hash that the record names as that of the one before; zeros in the first.
    pub previous: loa_model::Digest,
    /// Its own hash: SHA-256 over its number, `previous` and its bytes.
    pub hash: loa_model::Digest,
}
