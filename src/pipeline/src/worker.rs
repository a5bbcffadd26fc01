//! Takes jobs, keeps their leases alive, ends them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::SignedDuration;
use loa_model::{Cancel, JobId, Progress, VariantKind, job::backoff, seams::SharedClock};
use loa_store::{Claimed, Error as StoreError, JobEnd, Store};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};

use crate::flow::{Done, Flow};

/// Settings of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Renders at the same time; each uses every core it gets.
    pub renders: usize,
    /// Other jobs at the same time.
    pub others: usize,
    /// Lease of a job in seconds, kept alive while it runs.
    pub lease_s: u64,
    /// Longest nap between two looks at the queue, seconds.
    pub poll_s: u64,
    /// Longest wait for running jobs when stopping, seconds.
    pub grace_s: u64,
    /// Variants drawn of every article.
    pub variants: Vec<VariantKind>,
}

impl Default for Config {
    fn default() -> Self {
        let variants = vec![VariantKind::Infographic, VariantKind::ShortClip, VariantKind::LowBand];
        Self { renders: 1, others: 4, lease_s: 60, poll_s: 5, grace_s: 10, variants }
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

const RENDERS: [&str; 1] = ["render"];
const OTHERS: [&str; 4] = ["ingest", "brief", "compose", "measure"];

impl Worker {
    /// A worker called `owner`, unique to this process.
    pub fn new(flow: Arc<Flow>, board: Arc<ProgressBoard>, config: Config, owner: String) -> Self {
        let (store, clock) = (Arc::clone(&flow.deps().store), flow.deps().clock.clone());
        Self { flow, store, clock, board, config, owner }
    }

    /// Works until `stop` turns true, then lets running jobs end or hands them back.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut renders, mut others) = (JoinSet::new(), JoinSet::new());
        let stopping = Cancel::new();
        let mut commits = self.store.watch();
        while !*stop.borrow() {
            let mut taken = self.take(&RENDERS, self.config.renders, &mut renders, &stopping).await;
            taken += self.take(&OTHERS, self.config.others, &mut others, &stopping).await;
            if taken > 0 {
                continue;
            }
            tokio::select! {
                changed = stop.changed() => if changed.is_err() { break },
                changed = commits.changed() => if changed.is_err() { break },
                Some(_) = renders.join_next(), if !renders.is_empty() => {}
                Some(_) = others.join_next(), if !others.is_empty() => {}
                () = self.clock.sleep(Duration::from_secs(self.config.poll_s)) => {}
            }
        }
        stopping.cancel();
        let ended = async {
            while renders.join_next().await.is_some() {}
            while others.join_next().await.is_some() {}
        };
        if tokio::time::timeout(Duration::from_secs(self.config.grace_s), ended).await.is_err() {
            tracing::warn!("Some jobs did not stop in time; they run again at the next start");
        }
    }

    /// Claims as many jobs as are free and starts them.
    async fn take(
        &self,
        kinds: &[&str],
        most: usize,
        running: &mut JoinSet<()>,
        stopping: &Cancel,
    ) -> usize {
        while running.try_join_next().is_some() {}
        let free = most.saturating_sub(running.len());
        if free == 0 {
            return 0;
        }
        match self.store.claim(kinds, &self.owner, free, self.lease()).await {
            Ok(claimed) => {
                let taken = claimed.len();
                for job in claimed {
                    running.spawn(Task::new(self, job, stopping.clone()).run());
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
                JobEnd::Fail { reason: error.to_string(), run_at: now }
            }
            Err(error) => {
                tracing::warn!(job = %id, kind, attempt = self.job.attempt, %error, "Job {id} ({kind}) failed and runs again");
                let wait = SignedDuration::try_from(backoff(self.job.attempt, 0.75))
                    .unwrap_or(SignedDuration::from_secs(60));
                JobEnd::Fail { reason: error.to_string(), run_at: now + wait }
            }
        };
        if let Err(error) = self.store.finish(&self.job, end).await {
            tracing::warn!(job = %id, %error, "The end of job {id} could not be kept; it runs again");
        }
    }
}
