//! Takes jobs, keeps their leases alive, ends them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use loa_model::{
    Cancel, JobId, Progress, VariantKind,
    job::{Lane, backoff},
    seams::SharedClock,
};
use loa_store::{Claimed, Error as StoreError, JobEnd, Store};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};

use crate::flow::{Done, Flow};

/// Settings of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Variants of pictures at the same time.
    pub draws: usize,
    /// Films and sound at the same time; each uses every core it gets.
    pub renders: usize,
    /// Questions for numbers at the same time.
    pub measures: usize,
    /// Other jobs at the same time.
    pub others: usize,
    /// Lease of a job in seconds, kept alive while it runs.
    pub lease_s: u64,
    /// Longest nap between two looks at the queue, seconds.
    pub poll_s: u64,
    /// Longest wait for running jobs when stopping, seconds.
    pub grace_s: u64,
    /// Variants drawn of every article; a carousel only of those with a list, a long clip only of those with enough to tell.
    pub variants: Vec<VariantKind>,
}

impl Default for Config {
    fn default() -> Self {
        let variants = vec![
            VariantKind::Infographic,
            VariantKind::Carousel,
            VariantKind::ShortClip,
            VariantKind::LongClip,
            VariantKind::LowBand,
        ];
        Self {
            draws: 1,
            renders: 1,
            measures: 2,
            others: 4,
            lease_s: 60,
            poll_s: 5,
            grace_s: 10,
            variants,
        }
    }
}

impl Config {
    /// Jobs of a lane at the same time.
    fn most(&self, lane: Lane) -> usize {
        match lane {
            Lane::Desk => self.others,
            Lane::Draw => self.draws,
            Lane::Render => self.renders,
            Lane::Measure => self.measures,
        }
    }
}

/// Where the latest progress of each running job is shown.
pub type ProgressBoard = watch::Sender<BTreeMap<JobId, Progress>>;

/// One worker of the queue.
pub struct Worker {
    flow: Arc<Flow>,
    store: Arc<dyn Store>,
    clock: SharedClock,
    board: Arc<ProgressBoard>,
    config: Config,
    owner: String,
}

impl Worker {
    /// A worker called `owner`, unique to this process.
    pub fn new(flow: Arc<Flow>, board: Arc<ProgressBoard>, config: Config, owner: String) -> Self {
        let (store, clock) = (Arc::clone(&flow.deps().store), flow.deps().clock.clone());
        Self { flow, store, clock, board, config, owner }
    }

    /// Works until `stop` turns true, then lets running jobs end or hands them back.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut running = Running::default();
        let stopping = Cancel::new();
        let mut commits = self.store.watch();
        while !*stop.borrow() {
            let mut taken = 0;
            for lane in Lane::ALL {
                taken += self.take(lane, &mut running, &stopping).await;
            }
            if taken > 0 {
                continue;
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                changed = commits.changed() => if changed.is_err() { break },
                true = running.one_ends() => {}
                () = self.clock.sleep(Duration::from_secs(self.config.poll_s)) => {}
            }
        }
        stopping.cancel();
        let ended = async { while running.one_ends().await {} };
        if tokio::time::timeout(Duration::from_secs(self.config.grace_s), ended).await.is_err() {
            tracing::warn!("Some jobs did not stop in time; they run again at the next start");
        }
    }

    /// Claims as many jobs as the lane has room for and starts them.
    async fn take(&self, lane: Lane, running: &mut Running, stopping: &Cancel) -> usize {
        let free = self.config.most(lane).saturating_sub(running.of(lane));
        if free == 0 {
            return 0;
        }
        match self.store.claim(lane.kinds(), &self.owner, free, self.lease()).await {
            Ok(claimed) => {
                let taken = claimed.len();
                for job in claimed {
                    running.start(lane, Task::new(self, job, stopping.clone()).run());
                }
                taken
            }
            Err(error) => {
                tracing::error!(%error, "The queue cannot be read");
                0
            }
        }
    }

    fn lease(&self) -> Duration {
        Duration::from_secs(self.config.lease_s)
    }
}

/// What runs, and in which lane.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    lanes: BTreeMap<tokio::task::Id, Lane>,
}

impl Running {
    fn start(&mut self, lane: Lane, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.lanes.insert(task.id(), lane);
    }

    fn of(&self, lane: Lane) -> usize {
        self.lanes.values().filter(|one| **one == lane).count()
    }

    /// Waits until a task ends; nothing when none runs.
    async fn one_ends(&mut self) -> bool {
        let ended = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            // A job that panicked keeps its lease until it runs out: then it is tried again, and that try counts.
            Some(Err(error)) => error.id(),
            None => return false,
        };
        self.lanes.remove(&ended);
        true
    }
}

/// One job under its lease.
struct Task {
    flow: Arc<Flow>,
    store: Arc<dyn Store>,
    clock: SharedClock,
    board: Arc<ProgressBoard>,
    lease: Duration,
    job: Claimed,
    stopping: Cancel,
}

impl Task {
    fn new(worker: &Worker, job: Claimed, stopping: Cancel) -> Self {
        Self {
            flow: Arc::clone(&worker.flow),
            store: Arc::clone(&worker.store),
            clock: worker.clock.clone(),
            board: Arc::clone(&worker.board),
            lease: worker.lease(),
            job,
            stopping,
        }
    }

    async fn run(self) {
        let id = self.job.job.id;
        let kind = self.job.job.work.name();
        let cancel = Cancel::new();
        let board = Arc::clone(&self.board);
        let progress = move |now: Progress| board.send_modify(|map| drop(map.insert(id, now)));
        progress(Progress { step: format!("job.{kind}"), done: 0, total: 0, eta_ms: None });
        let work = self.flow.run(&self.job, &cancel, &progress);
        tokio::pin!(work);
        let mut by_person = false;
        let result = loop {
            tokio::select! {
                result = &mut work => break Some(result),
                () = tokio::time::sleep((self.lease / 6).min(Duration::from_secs(1))) => {
                    if self.stopping.is_cancelled() {
                        cancel.cancel();
                    }
                    match self.store.heartbeat(&self.job, self.lease).await {
                        Ok(asked) => {
                            by_person |= asked;
                            if asked {
                                cancel.cancel();
                            }
                        }
                        Err(StoreError::LeaseLost { .. }) => {
                            cancel.cancel();
                            break None;
                        }
                        Err(error) => tracing::warn!(job = %id, %error, "A lease could not be renewed"),
                    }
                }
            }
        };
        self.board.send_modify(|map| drop(map.remove(&id)));
        let Some(result) = result else {
            tracing::warn!(job = %id, kind, "The lease of job {id} was lost; somebody else has it");
            return;
        };
        self.end(result, by_person).await;
    }

    async fn end(&self, result: Result<Done, crate::Error>, by_person: bool) {
        let now = self.clock.now();
        let (id, kind) = (self.job.job.id, self.job.job.work.name());
        let end = match result {
            Ok(Done::Committed) => return,
            Ok(Done::Nothing) => JobEnd::Complete,
            Ok(Done::Later(run_at)) => JobEnd::Snooze { run_at },
            Err(_) if by_person => JobEnd::Cancel,
            Err(_) if self.stopping.is_cancelled() => JobEnd::Snooze { run_at: now },
            Err(error) if error.is_final() => {
                tracing::error!(job = %id, kind, %error, "Job {id} ({kind}) cannot be done");
                JobEnd::Discard { reason: error.to_string() }
            }
            Err(error) => {
                tracing::warn!(job = %id, kind, attempt = self.job.attempt, %error, "Job {id} ({kind}) failed and runs again");
                let wait = backoff(self.job.attempt, self.flow.deps().ids.chance());
                let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60));
                JobEnd::Fail { reason: error.to_string(), run_at: now + wait }
            }
        };
        let without_result = !matches!(end, JobEnd::Complete | JobEnd::Snooze { .. });
        if let Err(error) = self.store.finish(&self.job, end).await {
            tracing::warn!(job = %id, %error, "The end of job {id} could not be kept; it runs again");
            return;
        }
        if let Some(variant) = self.job.job.work.variant().filter(|_| without_result)
            && let Err(error) = self.flow.deps().review.wake(variant).await
        {
            tracing::warn!(job = %id, %error, "Composing that waits for job {id} looks again in a minute only");
        }
    }
}
