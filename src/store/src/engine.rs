//! The one place that decides: checks what is asked against what is, and stages the record that makes it so.
//!
//! Memory, the ledger's inline driver and its thread run this same code; they differ in where records and rows are kept.

mod admit;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use admit::{admit, has_float};
use jiff::Timestamp;
use loa_model::{Actor, Digest, JobId, JobState};

use crate::{
    changes::{Change, Changes, Entry, Expect, Seq},
    error::{Error, Result},
    lease::{AccountLease, Claimed, JobEnd, JobView},
    queue::{self, JobRow, Queue},
    rows::{Resolved, RowOp, Rows, Stored},
};

/// Values from here on do not belong into rows but into blobs.
pub(crate) const VALUE_LIMIT: usize = 64 * 1024;
/// A record from here on is refused before it is written.
pub(crate) const RECORD_LIMIT: usize = 16 * 1024 * 1024;

/// A record that was decided and is not durable yet.
#[derive(Debug)]
pub(crate) struct Staged {
    /// The record.
    pub(crate) entry: Entry,
    /// Its JSON, the bytes that are kept.
    pub(crate) payload: Vec<u8>,
    /// Its hash, the `previous` of the next.
    pub(crate) hash: Digest,
    /// What it does to the rows.
    pub(crate) ops: Vec<RowOp>,
}

/// Hash of a record: over its number, the hash before it and its bytes.
pub(crate) fn chain(seq: Seq, previous: Digest, payload: &[u8]) -> Digest {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    hash.update(seq.to_le_bytes());
    hash.update(previous.0);
    hash.update(payload);
    Digest(hash.finalize().into())
}

/// Decides, one request after the other.
#[derive(Debug)]
pub(crate) struct Engine {
    rows: Arc<dyn Rows>,
    queue: Queue,
    last: Entered,
    durable: Entered,
    staged: Vec<Staged>,
    /// Rows that are staged and not in `rows` yet.
    overlay: BTreeMap<(String, String), Option<Seq>>,
}

/// The last record, as far as the next one needs it.
#[derive(Debug, Clone, Copy)]
struct Entered {
    seq: Seq,
    hash: Digest,
    at: Timestamp,
}

impl Engine {
    /// Decides on what these rows say. `at` is the time of the last record.
    pub(crate) fn load(rows: Arc<dyn Rows>, at: Timestamp) -> Result<Self> {
        let (seq, hash) = rows.applied()?;
        let queue = load_queue(rows.as_ref())?;
        let last = Entered { seq, hash, at };
        let (staged, overlay) = (Vec::new(), BTreeMap::new());
        Ok(Self { rows, queue, last, durable: last, staged, overlay })
    }

    /// Number of the last record that was decided.
    pub(crate) fn seq(&self) -> Seq {
        self.last.seq
    }

    /// What must be made durable now.
    pub(crate) fn staged(&self) -> &[Staged] {
        &self.staged
    }

    /// What was staged is durable: applies it to the rows. `tell` is called as [`Rows::apply`] says.
    pub(crate) fn apply(&mut self, tell: &mut dyn FnMut()) -> Result<Vec<Entry>> {
        let staged = std::mem::take(&mut self.staged).into_iter();
        let (entries, records): (Vec<Entry>, Vec<Resolved>) = staged
            .map(|Staged { entry, hash, ops, .. }| {
                let seq = entry.seq;
                (entry, Resolved { seq, hash, ops })
            })
            .unzip();
        self.rows.apply(&records, tell)?;
        self.durable = self.last;
        self.overlay.clear();
        Ok(entries)
    }

    /// What was staged was not written: forgets it.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.staged.clear();
        self.overlay.clear();
        self.last = self.durable;
        let mut queue = load_queue(self.rows.as_ref())?;
        queue.renewed_as(&self.queue);
        self.queue = queue;
        Ok(())
    }

    /// Stages a caller's changes.
    pub(crate) fn commit(&mut self, now: Timestamp, mut changes: Changes) -> Result<Seq> {
        let mut seen = BTreeSet::new();
        for change in &changes.rows {
            admit(change)?;
            if !seen.insert((&change.table, &change.key)) {
                return Err(refused(change, "one commit changes a row once: join the changes"));
            }
            let version = self.version(&change.table, &change.key)?;
            let met = match change.expect {
                Expect::Any => true,
                Expect::Absent => version.is_none(),
                Expect::Version(expected) => version == Some(expected),
            };
            if !met {
                return Err(conflict(&change.table, &change.key));
            }
        }
        for job in &changes.enqueue {
            let id = job.id.to_string();
            if self.version(queue::JOBS, &id)?.is_some() {
                return Err(conflict(queue::JOBS, &id));
            }
        }
        let ids: BTreeSet<JobId> = changes.enqueue.iter().map(|job| job.id).collect();
        if ids.len() < changes.enqueue.len() {
            return Err(Error::Refused {
                what: changes.what,
                why: "it queues the same job id twice".to_owned(),
            });
        }
        if let Some((id, fence)) = changes.finish {
            self.queue.held(id, fence)?;
        }
        let woken: BTreeSet<JobId> = std::mem::take(&mut changes.wake).into_iter().collect();
        let woken = woken.into_iter().filter_map(|id| self.queue.woken(id, now));
        changes.rows.extend(woken.map(|row| row.change()));
        self.stage(now, changes)
    }

    /// Takes due jobs.
    pub(crate) fn claim(
        &mut self,
        now: Timestamp,
        kinds: &[String],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        let until = queue::lease_end(now, lease);
        let (rows, claims) = self.queue.claim(kinds, owner, n, now, until);
        let actor = Actor::Worker(owner.to_owned());
        self.keep(now, Changes::by(actor, "claim jobs"), rows.iter().map(JobRow::change))?;
        Ok(claims)
    }

    /// Renews a job's lease, in memory only.
    pub(crate) fn heartbeat(
        &mut self,
        now: Timestamp,
        claimed: &Claimed,
        lease: Duration,
    ) -> Result<bool> {
        self.queue.heartbeat(claimed, queue::lease_end(now, lease))
    }

    /// Ends a try.
    pub(crate) fn finish(&mut self, now: Timestamp, claimed: &Claimed, end: &JobEnd) -> Result<()> {
        let mut row = self.queue.held(claimed.job.id, claimed.fence)?.clone();
        let actor = Actor::Worker(row.owner.clone());
        row.end(end);
        let what = match end {
            JobEnd::Complete => "complete job",
            JobEnd::Fail { .. } => "fail job",
            JobEnd::Discard { .. } => "discard job",
            JobEnd::Snooze { .. } => "snooze job",
            JobEnd::Cancel => "stop job",
        };
        self.keep(now, Changes::by(actor, what), [row.change()])
    }

    /// A person's wish to call a job off.
    pub(crate) fn cancel(&mut self, now: Timestamp, job: JobId, actor: Actor) -> Result<()> {
        if self.version(queue::JOBS, &job.to_string())?.is_none() {
            return Err(Error::Refused {
                what: format!("cancelling job {job}"),
                why: "there is no such job".to_owned(),
            });
        }
        let row = match self.queue.job(job) {
            Some(_) => self.queue.cancel(job, now),
            // Of what is over only a dead letter can be called off: nobody wants it any more.
            None => job_row(self.rows.as_ref(), job)?.and_then(JobRow::given_up),
        };
        self.keep(now, Changes::by(actor, "cancel job"), row.iter().map(JobRow::change))
    }

    /// A person's wish to try a job again that was discarded or called off.
    pub(crate) fn retry(&mut self, now: Timestamp, job: JobId, actor: Actor) -> Result<()> {
        let refused = |why: &str| Error::Refused {
            what: format!("trying job {job} again"),
            why: why.to_owned(),
        };
        // What is open is in the queue, also when it is staged only.
        if self.queue.job(job).is_some() {
            return Err(refused("it is under way"));
        }
        let row = job_row(self.rows.as_ref(), job)?;
        let mut row = row.ok_or_else(|| refused("there is no such job"))?;
        match row.state {
            JobState::Discarded | JobState::Cancelled => row.retry(now),
            JobState::Completed => return Err(refused("it is done")),
            _ => return Err(refused("it is under way")),
        }
        self.keep(now, Changes::by(actor, "retry job"), [row.change()])
    }

    /// Jobs for people.
    pub(crate) fn jobs(
        &self,
        now: Timestamp,
        state: Option<JobState>,
        limit: usize,
    ) -> Result<Vec<JobView>> {
        let rows = match state {
            None => self.rows.range(queue::BY_ID, "", "\u{10ffff}", limit, true)?,
            Some(state) if state.ended() => {
                let (from, to) = queue::state_range(state);
                self.rows.range(queue::BY_STATE, &from, &to, limit, true)?
            }
            Some(state) => return Ok(self.queue.views(state, now, limit)),
        };
        rows.iter()
            .map(|row| {
                let kept: JobRow = parse(queue::JOBS, &row.key, &row.value)?;
                Ok(self.queue.job(kept.job.id).unwrap_or(&kept).view(now))
            })
            .collect()
    }

    /// A job by its id, as it is now.
    pub(crate) fn job(&self, now: Timestamp, job: JobId) -> Result<Option<JobView>> {
        let open = self.queue.job(job).map(|row| row.view(now));
        if open.is_some() {
            return Ok(open);
        }
        let row = self.rows.row(queue::JOBS, &job.to_string())?;
        row.map(|row| {
            let kept: JobRow = parse(queue::JOBS, &row.key, &row.value)?;
            Ok(kept.view(now))
        })
        .transpose()
    }

    /// Takes or keeps the right to post on an account.
    pub(crate) fn lease_account(
        &mut self,
        now: Timestamp,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        let until = queue::lease_end(now, lease);
        let Some((lease, write)) = self.queue.lease(account, owner, now, until) else {
            return Ok(None);
        };
        if write {
            let changes = Changes::by(Actor::Worker(owner.to_owned()), "lease account");
            self.keep(now, changes, [queue::lease_change(&lease)])?;
        } else {
            self.queue.put_lease(lease.clone());
        }
        Ok(Some(lease))
    }

    /// Whether an account is this owner's now: its lease may be kept when new ones are not given.
    pub(crate) fn holds(&self, now: Timestamp, account: &str, owner: &str) -> bool {
        self.queue.holds(account, owner, now)
    }

    /// Gives the right to post back.
    pub(crate) fn release_account(&mut self, now: Timestamp, lease: &AccountLease) -> Result<()> {
        let ended = self.queue.release(lease, now)?;
        let changes = Changes::by(Actor::Worker(lease.owner.clone()), "release account");
        self.keep(now, changes, [queue::lease_change(&ended)])
    }

    fn version(&self, table: &str, key: &str) -> Result<Option<Seq>> {
        match self.overlay.get(&(table.to_owned(), key.to_owned())) {
            Some(version) => Ok(*version),
            None => Ok(self.rows.row(table, key)?.map(|row| row.version)),
        }
    }

    /// Stages rows of the queue, unless there are none.
    fn keep(
        &mut self,
        now: Timestamp,
        mut changes: Changes,
        rows: impl IntoIterator<Item = Change>,
    ) -> Result<()> {
        changes.rows.extend(rows);
        if !changes.rows.is_empty() {
            self.stage(now, changes)?;
        }
        Ok(())
    }

    fn stage(&mut self, now: Timestamp, changes: Changes) -> Result<Seq> {
        let (seq, previous) = (self.last.seq + 1, self.last.hash);
        // The audit trail never runs backwards, even when the machine's clock does.
        let at = now.max(self.last.at);
        let mut entry = Entry { seq, at, previous, changes };
        let payload = serde_json::to_vec(&entry).expect("a record is JSON");
        if payload.len() >= RECORD_LIMIT {
            return Err(Error::Refused {
                what: entry.changes.what,
                why: format!("{} bytes are too much for one commit: split it", payload.len()),
            });
        }
        if entry.changes.rows.iter().filter_map(|row| row.value.as_ref()).any(has_float) {
            // What is kept is what a replay will read: decimal digits, which may round a float.
            entry = serde_json::from_slice(&payload).expect("what was written can be read");
        }
        let ops = resolve(&entry, |id| Ok(self.queue.job(id).cloned()))?;
        for op in &ops {
            take_in(&mut self.queue, op)?;
            let version = op.row.as_ref().map(|row| row.version);
            self.overlay.insert((op.table.clone(), op.key.clone()), version);
        }
        let hash = chain(seq, previous, &payload);
        self.last = Entered { seq, hash, at };
        self.staged.push(Staged { entry, payload, hash, ops });
        Ok(seq)
    }
}

/// What a record does to the rows: the one meaning of a ledger record, live and on replay.
pub(crate) fn resolve(
    entry: &Entry,
    job: impl Fn(JobId) -> Result<Option<JobRow>>,
) -> Result<Vec<RowOp>> {
    let changes = &entry.changes;
    let put = |change: &Change| RowOp {
        table: change.table.clone(),
        key: change.key.clone(),
        row: change.value.as_ref().map(|value| Stored {
            version: entry.seq,
            value: serde_json::to_vec(value).expect("JSON is JSON").into(),
            index: change.index.clone(),
        }),
    };
    let mut ops: Vec<RowOp> = changes.rows.iter().map(put).collect();
    for job in &changes.enqueue {
        ops.push(put(&JobRow::queued(job.clone(), entry.at).change()));
    }
    if let Some((id, _)) = changes.finish {
        let mut row = job(id)?.ok_or_else(|| Error::Corrupt {
            table: queue::JOBS.to_owned(),
            key: id.to_string(),
            why: format!("record {} finishes it and it is not there", entry.seq),
        })?;
        // Over already when an earlier replay of this record was cut short.
        if !row.state.ended() {
            row.end(&JobEnd::Complete);
        }
        ops.push(put(&row.change()));
    }
    Ok(ops)
}

/// A job's row in these rows.
pub(crate) fn job_row(rows: &dyn Rows, id: JobId) -> Result<Option<JobRow>> {
    let key = id.to_string();
    rows.row(queue::JOBS, &key)?.map(|row| parse(queue::JOBS, &key, &row.value)).transpose()
}

fn load_queue(rows: &dyn Rows) -> Result<Queue> {
    let mut queue = Queue::default();
    // Ended jobs are history: only the open ones are read, however many there were.
    for state in
        [JobState::Scheduled, JobState::Available, JobState::Executing, JobState::Retryable]
    {
        let (from, to) = queue::state_range(state);
        for row in rows.range(queue::BY_STATE, &from, &to, usize::MAX, false)? {
            queue.put(parse(queue::JOBS, &row.key, &row.value)?);
        }
    }
    for row in rows.scan(queue::LEASES, "", usize::MAX)? {
        queue.put_lease(parse(queue::LEASES, &row.key, &row.value)?);
    }
    Ok(queue)
}

/// Lets the queue know of a row that is one of its own.
fn take_in(queue: &mut Queue, op: &RowOp) -> Result<()> {
    match (op.table.as_str(), &op.row) {
        (queue::JOBS, Some(row)) => queue.put(parse(queue::JOBS, &op.key, &row.value)?),
        (queue::LEASES, Some(row)) => queue.put_lease(parse(queue::LEASES, &op.key, &row.value)?),
        _ => {}
    }
    Ok(())
}

pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    table: &str,
    key: &str,
    value: &[u8],
) -> Result<T> {
    serde_json::from_slice(value).map_err(|error| Error::Corrupt {
        table: table.to_owned(),
        key: key.to_owned(),
        why: error.to_string(),
    })
}

fn refused(change: &Change, why: &str) -> Error {
    Error::Refused { what: format!("{} {}", change.table, change.key), why: why.to_owned() }
}

fn conflict(table: &str, key: &str) -> Error {
    Error::Conflict { table: table.to_owned(), key: key.to_owned() }
}
