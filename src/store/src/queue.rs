//! The queue: every open job and every account lease, and what may happen to them.
//!
//! Pure: decides on values and returns rows. A lease that ran out is not lost until somebody else takes the job: the
//! fence decides, not the clock, so a worker that was slow may still hand in its work.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use loa_model::{
    Job, JobId, JobState, Priority,
    job::{JobEvent, MOST_LOST},
    record::join,
};
use serde::{Deserialize, Serialize};

use crate::{
    changes::{Change, Expect},
    error::{Error, Result},
    lease::{AccountLease, Claimed, JobEnd, JobView},
};

/// Table of the jobs.
pub(crate) const JOBS: &str = "job";
/// Table of the account leases.
pub(crate) const LEASES: &str = "account_lease";
/// Index of every job by id, so by time of making.
pub(crate) const BY_ID: &str = "job_by_id";
/// Index of every job by (stored state, id).
pub(crate) const BY_STATE: &str = "job_by_state";

/// A job as it is kept. Its JSON is that of [`Job`] with these fields beside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobRow {
    #[serde(flatten)]
    pub(crate) job: Job,
    /// State at the last durable change; time alone may have moved it on since.
    pub(crate) state: JobState,
    /// Tries that were used up.
    pub(crate) tries: u32,
    /// Raised at every claim and at every taking away.
    pub(crate) fence: u64,
    /// Who runs it.
    pub(crate) owner: String,
    /// End of the lease.
    pub(crate) until: Option<Timestamp>,
    /// Why it failed last.
    pub(crate) reason: String,
    /// A person wants it to stop.
    pub(crate) cancel_requested: bool,
    /// Claims whose worker went silent: kept with the job, so a restart forgets none.
    #[serde(default)]
    pub(crate) lost: u32,
}

impl JobRow {
    /// A job that was just queued.
    pub(crate) fn queued(job: Job, at: Timestamp) -> Self {
        let state = if job.run_at > at { JobState::Scheduled } else { JobState::Available };
        Self {
            job,
            state,
            tries: 0,
            fence: 0,
            owner: String::new(),
            until: None,
            reason: String::new(),
            cancel_requested: false,
            lost: 0,
        }
    }

    /// The row change that keeps this.
    pub(crate) fn change(&self) -> Change {
        let id = self.job.id.to_string();
        let state = state_name(self.state);
        Change {
            table: JOBS.to_owned(),
            expect: Expect::Any,
            value: Some(serde_json::to_value(self).expect("a job is JSON")),
            index: vec![
                (BY_ID.to_owned(), id.clone()),
                (BY_STATE.to_owned(), join(&[&state, &id])),
            ],
            key: id,
        }
    }

    /// State as of `now`: what is due is available, and so is what lost its worker.
    pub(crate) fn state_at(&self, now: Timestamp) -> JobState {
        match self.state {
            JobState::Scheduled | JobState::Retryable if self.job.run_at <= now => {
                self.after(JobEvent::Due)
            }
            JobState::Executing if self.lapsed(now) => self.after(JobEvent::LeaseLost),
            state => state,
        }
    }

    /// The job for people.
    pub(crate) fn view(&self, now: Timestamp) -> JobView {
        let running = u32::from(self.state == JobState::Executing);
        JobView {
            job: self.job.clone(),
            state: self.state_at(now),
            attempt: self.tries + running,
            reason: self.reason.clone(),
            lost: self.lost,
            until: self.until,
            cancel_requested: self.cancel_requested,
        }
    }

    /// Ends the running try this way.
    pub(crate) fn end(&mut self, end: &JobEnd) {
        self.until = None;
        self.owner = String::new();
        match end {
            JobEnd::Complete => self.tried(JobEvent::Complete),
            JobEnd::Cancel => self.tried(JobEvent::Cancel),
            // A person's wish to stop wins over another try.
            JobEnd::Fail { reason, .. } | JobEnd::Discard { reason } if self.cancel_requested => {
                self.reason.clone_from(reason);
                self.tried(JobEvent::Cancel);
            }
            JobEnd::Snooze { .. } if self.cancel_requested => {
                self.state = self.after(JobEvent::Cancel);
            }
            JobEnd::Fail { reason, run_at } => {
                self.reason.clone_from(reason);
                if self.tries + 1 >= self.job.max_attempts {
                    self.tried(JobEvent::Exhaust);
                } else {
                    self.job.run_at = *run_at;
                    self.tried(JobEvent::Fail);
                }
            }
            JobEnd::Discard { reason } => {
                self.reason.clone_from(reason);
                self.tried(JobEvent::Exhaust);
            }
            JobEnd::Snooze { run_at } => {
                self.job.run_at = *run_at;
                self.state = self.after(JobEvent::Snooze);
            }
        }
    }

    /// Takes the job from a worker that went silent. The try counts: a job that kills its worker must not run for ever.
    fn take_away(&mut self) {
        self.fence += 1;
        self.until = None;
        let owner = std::mem::take(&mut self.owner);
        self.lost += 1;
        self.reason = format!("the worker {owner} went silent");
        let event = if self.cancel_requested {
            JobEvent::Cancel
        } else if self.lost >= MOST_LOST {
            self.reason =
                format!("poison: {} workers went silent over it, {owner} last", self.lost);
            JobEvent::Exhaust
        } else if self.tries + 1 >= self.job.max_attempts {
            JobEvent::Exhaust
        } else {
            JobEvent::LeaseLost
        };
        self.tried(event);
    }

    /// A dead letter that nobody wants any more; nothing when it is none.
    pub(crate) fn given_up(mut self) -> Option<Self> {
        (self.state == JobState::Discarded).then(|| {
            self.state = self.after(JobEvent::Cancel);
            self
        })
    }

    /// A person wants it tried again from the beginning.
    pub(crate) fn retry(&mut self, now: Timestamp) {
        self.state = self.after(JobEvent::Retry);
        self.tries = 0;
        self.lost = 0;
        self.cancel_requested = false;
        self.job.run_at = now;
    }

    fn tried(&mut self, event: JobEvent) {
        self.tries += 1;
        self.state = self.after(event);
    }

    fn after(&self, event: JobEvent) -> JobState {
        self.state.next(event).expect("the caller looked at the state")
    }

    fn lapsed(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }
}

/// The place of a waiting job in the queue.
type Place = (Priority, Timestamp, JobId);

/// Open jobs and account leases, as of the last decision.
#[derive(Debug, Default, Clone)]
pub(crate) struct Queue {
    open: BTreeMap<JobId, JobRow>,
    waiting: BTreeMap<Priority, BTreeSet<(Timestamp, JobId)>>,
    running: BTreeSet<(Timestamp, JobId)>,
    leases: BTreeMap<String, AccountLease>,
}

impl Queue {
    /// Puts a job as a durable row says it is.
    pub(crate) fn put(&mut self, row: JobRow) {
        if let Some(old) = self.open.remove(&row.job.id) {
            self.forget(&old);
        }
        if row.state.ended() {
            return;
        }
        if row.state == JobState::Executing {
            self.running.insert((row.until.unwrap_or(Timestamp::MIN), row.job.id));
        } else {
            let (priority, run_at, id) = place(&row.job);
            self.waiting.entry(priority).or_default().insert((run_at, id));
        }
        self.open.insert(row.job.id, row);
    }

    /// Puts a lease as a durable row says it is.
    pub(crate) fn put_lease(&mut self, lease: AccountLease) {
        self.leases.insert(lease.account.clone(), lease);
    }

    /// Keeps what was renewed in memory only: used when the queue is read again from its rows.
    pub(crate) fn renewed_as(&mut self, before: &Self) {
        for old in before.open.values() {
            let same = self.open.get(&old.job.id).filter(|row| row.fence == old.fence);
            if let Some(row) = same
                && row.state == JobState::Executing
                && old.until > row.until
            {
                let row = JobRow { until: old.until, ..row.clone() };
                self.put(row);
            }
        }
        for old in before.leases.values() {
            if let Some(lease) = self.leases.get_mut(&old.account)
                && lease.fence == old.fence
                && lease.until < old.until
            {
                lease.until = old.until;
            }
        }
    }

    /// An open job.
    pub(crate) fn job(&self, id: JobId) -> Option<&JobRow> {
        self.open.get(&id)
    }

    /// Open jobs in this state as of `now`, the newest first. What is due or running is found by its time: however many
    /// jobs are planned for later, they are not looked at.
    pub(crate) fn views(&self, state: JobState, now: Timestamp, limit: usize) -> Vec<JobView> {
        let lapsed = self.running.iter().take_while(|(until, _)| *until <= now);
        let due = self.waiting.values().flat_map(|all| all.iter().take_while(|(at, _)| *at <= now));
        let ids: BTreeSet<JobId> = match state {
            JobState::Executing => self.running.iter().map(|(_, id)| *id).collect(),
            JobState::Available => lapsed.chain(due).map(|(_, id)| *id).collect(),
            _ => self.waiting.values().flatten().map(|(_, id)| *id).collect(),
        };
        let rows = ids.iter().rev().filter_map(|id| self.open.get(id));
        let rows = rows.filter(|row| row.state_at(now) == state);
        rows.take(limit).map(|row| row.view(now)).collect()
    }

    /// The running job of this claim.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when its fence is not the current one.
    pub(crate) fn held(&self, id: JobId, fence: u64) -> Result<&JobRow> {
        self.open
            .get(&id)
            .filter(|row| row.state == JobState::Executing && row.fence == fence)
            .ok_or_else(|| Error::LeaseLost { what: format!("job {id}") })
    }

    /// Renews a lease in memory. Returns whether the job should stop.
    ///
    /// # Errors
    /// [`Error::LeaseLost`].
    pub(crate) fn heartbeat(&mut self, claimed: &Claimed, until: Timestamp) -> Result<bool> {
        let row = self.held(claimed.job.id, claimed.fence)?;
        let row = JobRow { until: row.until.max(Some(until)), ..row.clone() };
        let stop = row.cancel_requested;
        self.put(row);
        Ok(stop)
    }

    /// Decides a claim: the rows that change, and what was taken.
    pub(crate) fn claim(
        &self,
        kinds: &[String],
        owner: &str,
        n: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> (Vec<JobRow>, Vec<Claimed>) {
        let mut changed: BTreeMap<JobId, JobRow> = BTreeMap::new();
        let mut due: BTreeSet<Place> = BTreeSet::new();
        for (lease_end, id) in &self.running {
            if *lease_end > now {
                break;
            }
            let mut row = self.open[id].clone();
            row.take_away();
            if !row.state.ended() {
                due.insert(served(&row.job, now));
            }
            changed.insert(*id, row);
        }
        let wanted = |id: &JobId| {
            let row = changed.get(id).or_else(|| self.open.get(id));
            row.is_some_and(|row| kinds.iter().any(|kind| kind == row.job.work.name()))
        };
        for (priority, waiting) in &self.waiting {
            let waiting = waiting.iter().take_while(|(run_at, _)| *run_at <= now);
            let waiting = waiting.filter(|(_, id)| wanted(id)).take(n);
            due.extend(
                waiting.map(|(run_at, id)| {
                    (priority.after(now.duration_since(*run_at)), *run_at, *id)
                }),
            );
        }
        let taken: Vec<JobId> =
            due.iter().map(|(_, _, id)| *id).filter(|id| wanted(id)).take(n).collect();
        let mut claims = Vec::with_capacity(taken.len());
        for id in taken {
            let mut row = changed.remove(&id).unwrap_or_else(|| self.open[&id].clone());
            if row.state != JobState::Available {
                row.state = row.after(JobEvent::Due);
            }
            row.state = row.after(JobEvent::Claim);
            row.fence += 1;
            owner.clone_into(&mut row.owner);
            row.until = Some(until);
            claims.push(Claimed {
                job: row.job.clone(),
                attempt: row.tries + 1,
                fence: row.fence,
                until,
            });
            changed.insert(id, row);
        }
        (changed.into_values().collect(), claims)
    }

    /// A job that was put off, as it is when it is due now; nothing for any other.
    pub(crate) fn woken(&self, id: JobId, now: Timestamp) -> Option<JobRow> {
        let mut row =
            self.open.get(&id).filter(|row| row.state_at(now) == JobState::Scheduled)?.clone();
        row.job.run_at = now;
        row.state = row.after(JobEvent::Due);
        Some(row)
    }

    /// Decides a person's wish to call a job off: the row that changes, if any.
    pub(crate) fn cancel(&self, id: JobId, now: Timestamp) -> Option<JobRow> {
        let mut row = self.open.get(&id)?.clone();
        if row.state == JobState::Executing && !row.lapsed(now) {
            if row.cancel_requested {
                return None;
            }
            row.cancel_requested = true;
        } else if row.state == JobState::Executing {
            row.cancel_requested = true;
            row.take_away();
        } else {
            row.cancel_requested = true;
            row.state = row.after(JobEvent::Cancel);
        }
        Some(row)
    }

    /// Decides who may post on an account: the lease, and whether it must be written.
    pub(crate) fn lease(
        &self,
        account: &str,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<(AccountLease, bool)> {
        let old = self.leases.get(account);
        let fresh = |fence| AccountLease {
            account: account.to_owned(),
            owner: owner.to_owned(),
            fence,
            until,
        };
        match old {
            Some(old) if old.until > now && old.owner != owner => None,
            Some(old) if old.until > now => {
                Some((AccountLease { until: old.until.max(until), ..old.clone() }, false))
            }
            Some(old) => Some((fresh(old.fence + 1), true)),
            None => Some((fresh(1), true)),
        }
    }

    /// Whether an account is this owner's as of `now`.
    pub(crate) fn holds(&self, account: &str, owner: &str, now: Timestamp) -> bool {
        self.leases.get(account).is_some_and(|held| held.owner == owner && held.until > now)
    }

    /// Decides a release: the lease as it ends.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when it is not the current one.
    pub(crate) fn release(&self, lease: &AccountLease, now: Timestamp) -> Result<AccountLease> {
        let current = self.leases.get(&lease.account);
        current
            .filter(|held| held.fence == lease.fence && held.owner == lease.owner)
            .map(|held| AccountLease { until: held.until.min(now), ..held.clone() })
            .ok_or_else(|| Error::LeaseLost { what: format!("account {}", lease.account) })
    }

    fn forget(&mut self, old: &JobRow) {
        let (priority, run_at, id) = place(&old.job);
        if let Some(waiting) = self.waiting.get_mut(&priority) {
            waiting.remove(&(run_at, id));
        }
        self.running.remove(&(old.until.unwrap_or(Timestamp::MIN), old.job.id));
    }
}

/// Range of [`BY_STATE`] that holds the jobs of a stored state.
pub(crate) fn state_range(state: JobState) -> (String, String) {
    let from = join(&[&state_name(state), ""]);
    let to = format!("{from}\u{10ffff}");
    (from, to)
}

fn state_name(state: JobState) -> String {
    let name = serde_json::to_value(state).expect("a state is JSON");
    name.as_str().expect("a state is a JSON string").to_owned()
}

/// The row change that keeps a lease.
pub(crate) fn lease_change(lease: &AccountLease) -> Change {
    Change {
        table: LEASES.to_owned(),
        key: lease.account.clone(),
        expect: Expect::Any,
        value: Some(serde_json::to_value(lease).expect("a lease is JSON")),
        index: Vec::new(),
    }
}

/// The end of a lease taken now; as far as time goes when it would go further.
pub(crate) fn lease_end(now: Timestamp, lease: Duration) -> Timestamp {
    let lease = jiff::SignedDuration::try_from(lease).unwrap_or(jiff::SignedDuration::MAX);
    now.checked_add(lease).unwrap_or(Timestamp::MAX)
}

fn place(job: &Job) -> Place {
    (job.priority, job.run_at, job.id)
}

/// The place in which a due job is served: waiting makes it more urgent.
fn served(job: &Job, now: Timestamp) -> Place {
    (job.priority.after(now.duration_since(job.run_at)), job.run_at, job.id)
}
