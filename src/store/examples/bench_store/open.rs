//! Opening a store of a million records: after a clean end, and after its process was killed.

use std::{
    io::Write as _,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use loa_model::{Actor, Job, JobId, JobKind};
use loa_store::{Change, Changes, Claimed, Error, Expect, Options, Result, SledStore, Store};
use serde_json::json;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::clock;

/// First argument of the child that dies.
pub(crate) const DIE: &str = "write-and-die";

const ROUNDS: usize = 5;
const RECORDS: u64 = 1_000_000;
/// Commits that wait together: they share a sync.
const GROUP: u64 = 1000;
/// Every so many records a job is queued; it is done a group later, so few are open.
const JOB_EVERY: u64 = 10;

/// Fills a new store.
fn fill(dir: &Path, runtime: &Runtime) -> Result<()> {
    let store: Arc<SledStore> = Arc::new(SledStore::open(dir, clock(), Options::default())?);
    runtime.block_on(async {
        let mut done: Vec<Claimed> = Vec::new();
        while store.last_seq() < RECORDS {
            let first = store.last_seq();
            let mut group = JoinSet::new();
            for n in first..first + GROUP {
                let changes = record(n);
                let changes = match done.pop() {
                    Some(claimed) => changes.finish(&claimed),
                    None => changes,
                };
                let store = store.clone();
                group.spawn(async move { store.commit(changes).await });
            }
            while let Some(joined) = group.join_next().await {
                joined.expect("a commit does not panic")?;
            }
            done = store.claim(&["ingest"], "bench", 1000, Duration::from_mins(1)).await?;
        }
        Ok(())
    })
}

fn record(n: u64) -> Changes {
    let text = "Nghị quyết về phát triển hạ tầng số, giai đoạn 2026–2030, xã miền núi";
    let change = Change {
        table: "post".to_owned(),
        key: format!("{n:032x}"),
        expect: Expect::Absent,
        value: Some(json!({ "n": n, "title": text, "account": n % 500, "state": "published" })),
        index: vec![("post_by_account".to_owned(), format!("{:04}{n:012}", n % 500))],
    };
    let mut changes = Changes::by(Actor::Worker("bench".to_owned()), "publish post");
    changes.rows.push(change);
    if n.is_multiple_of(JOB_EVERY) {
        let id: JobId = format!("00000000-0000-7000-8000-{n:012}").parse().expect("an id");
        let work = JobKind::Ingest { source: format!("bài {n}"), agency: "demo".to_owned() };
        changes = changes.enqueue(Job::new(id, "demo", work, clock().now()));
    }
    changes
}

/// The child of the bench: writes a little and dies without an end.
pub(crate) fn write_and_die(dir: &Path, runtime: &Runtime) -> Result<()> {
    let store = SledStore::open(dir, clock(), Options::default())?;
    runtime.block_on(async {
        let first = store.last_seq();
        for n in first..first + GROUP {
            store.commit(record(n)).await?;
        }
        Ok::<_, Error>(())
    })?;
    std::process::abort();
}

/// Seconds to open a store of a million records, the worse of the two: after a clean end, and after its process was killed.
pub(crate) fn seconds(
    dir: &Path,
    runtime: &Runtime,
) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    if !dir.exists() {
        fill(dir, runtime)?;
    }
    let (mut ended, mut killed) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ended.push(time_open(dir)?);
        let child = Command::new(std::env::current_exe()?).arg(DIE).arg(dir).status()?;
        assert!(!child.success(), "the child aborts");
        killed.push(time_open(dir)?);
    }
    ended.sort_by(f64::total_cmp);
    killed.sort_by(f64::total_cmp);
    Ok(if ended[ROUNDS / 2] > killed[ROUNDS / 2] { ended } else { killed })
}

fn time_open(dir: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let start = Instant::now();
    let store = SledStore::open(dir, clock(), Options::default())?;
    let seconds = start.elapsed().as_secs_f64();
    assert!(store.last_seq() >= RECORDS, "{store:?}");
    // It costs its time, and the bound is missed honestly.
    if let Some(why) = &store.recovery().rebuilt {
        writeln!(std::io::stderr(), "bench: an opening built the index anew: {why}")?;
    }
    Ok(seconds)
}
