//! Jobs through the queue: claimed many at a time, ended together. What ends at the same time shares a sync.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use loa_model::{Actor, Job, JobId, JobKind};
use loa_store::{Changes, Error, JobEnd, Result, Store};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::clock;

const ROUNDS: usize = 9;
const JOBS: usize = 2000;
/// Jobs that are queued, claimed and ended together.
const BATCH: usize = 500;

/// Jobs claimed and completed per second, by round. Queueing them is not counted.
pub(crate) fn per_second(store: &Arc<dyn Store>, runtime: &Runtime) -> Result<Vec<f64>> {
    runtime.block_on(async {
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            queue(store, round * JOBS).await?;
            let start = Instant::now();
            let mut done = 0;
            while done < JOBS {
                done += claim_and_complete(store).await?;
            }
            rounds.push(crate::per_second(JOBS, start.elapsed()));
        }
        Ok(rounds)
    })
}

async fn queue(store: &Arc<dyn Store>, first: usize) -> Result<()> {
    for begin in (first..first + JOBS).step_by(BATCH) {
        let mut changes = Changes::by(Actor::Worker("bench".to_owned()), "queue jobs");
        for n in begin..begin + BATCH {
            let id: JobId = format!("00000000-0000-7000-8000-{n:012}").parse().expect("an id");
            let work = JobKind::Ingest { source: format!("bài {n}"), agency: "demo".to_owned() };
            changes = changes.enqueue(Job::new(id, "demo", work, clock().now()));
        }
        store.commit(changes).await?;
    }
    Ok(())
}

async fn claim_and_complete(store: &Arc<dyn Store>) -> Result<usize> {
    let claims = store.claim(&["ingest"], "bench", BATCH, Duration::from_mins(1)).await?;
    let count = claims.len();
    let mut ends = JoinSet::new();
    for claimed in claims {
        let store = store.clone();
        ends.spawn(async move { store.finish(&claimed, JobEnd::Complete).await });
    }
    while let Some(ended) = ends.join_next().await {
        ended.map_err(|error| Error::Io(error.to_string()))??;
    }
    Ok(count)
}
