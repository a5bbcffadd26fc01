//! Prints the store's rows of the bench table as one JSON array: durable commits against the bare disk, jobs, and opening.
//!
//! Each round measures the disk (append a record of the same length, fdatasync), one writer, and 64 writers, one after the
//! other, so that a slow second of the machine hits all three. A row is the median of the rounds' ratios, its spread the
//! middle half of them over that.
//! Then jobs are claimed and completed, and a store of a million records is opened, after a clean end and after a kill, each several times.
//! The first argument is the folder to work in; a temporary one without it.

mod jobs;
mod open;

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use loa_model::{
    Actor, Agency, Clock,
    seams::{BoxFuture, SharedClock},
};
use loa_store::{Changes, Expect, Options, SledStore, Store};
use serde_json::json;
use tokio::runtime::Runtime;

/// Slices are short and many: the speed of a shared disk changes from one second to the next.
const ROUNDS: usize = 81;
const SLICE: Duration = Duration::from_millis(60);
const GROUP_SLICE: Duration = Duration::from_millis(180);
const WRITERS: usize = 64;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T05:00:00Z".parse().expect("an instant")
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn clock() -> SharedClock {
    Arc::new(Noon)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let many = Runtime::new()?;
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(OsStr::new(open::DIE)) {
        let dir = arguments.next().ok_or("the folder is missing")?;
        return Ok(open::write_and_die(Path::new(&dir), &many)?);
    }
    let temporary = tempfile::tempdir()?;
    let folder = first.map_or(temporary.path().to_owned(), PathBuf::from);
    let store: Arc<dyn Store> =
        Arc::new(SledStore::open(&folder.join("data"), clock(), Options::default())?);
    let one = tokio::runtime::Builder::new_current_thread().build()?;
    let record = record_length(&folder, &one, &store)?;
    let raw = folder.join("raw");
    let (mut single, mut group) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let disk = raw_per_second(&raw, record)?;
        let alone = one.block_on(commits(store.clone(), 0, SLICE))?;
        let together = many.block_on(all_commits(&store))?;
        single.push(per_second(alone, SLICE) / disk);
        group.push(per_second(together, GROUP_SLICE) / disk);
    }
    let jobs = jobs::per_second(&store, &many)?;
    drop(store);
    let opened = open::seconds(&folder.join("million"), &many)?;
    let rows = json!([
        row("store.commit_over_raw", "ratio", single, Bound::AtLeast(0.8)),
        row("store.group_commit_over_raw", "ratio", group, Bound::AtLeast(8.0)),
        row("store.jobs_per_s", "jobs/s", jobs, Bound::AtLeast(5000.0)),
        row("store.open_1m_s", "s", opened, Bound::AtMost(2.0)),
    ]);
    writeln!(std::io::stdout(), "{rows:#}")?;
    Ok(())
}

/// Bytes a commit of this bench takes in the ledger.
fn record_length(
    folder: &Path,
    runtime: &Runtime,
    store: &Arc<dyn Store>,
) -> Result<usize, Box<dyn std::error::Error>> {
    let segment = folder.join("data/ledger/00000000000000000001.log");
    // Behind its end the segment is zeros.
    let end = || fs::read(&segment).map(|bytes| bytes.iter().rposition(|byte| *byte != 0));
    let before = end()?;
    runtime.block_on(store.commit(changes(0, 0)))?;
    Ok(end()?.zip(before).map(|(after, before)| after - before).ok_or("an empty ledger")?)
}

fn raw_per_second(path: &Path, record: usize) -> std::io::Result<f64> {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    let bytes = vec![b'x'; record];
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SLICE {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(per_second(count, SLICE))
}

/// Commits one after the other for a slice of time. Returns how many.
async fn commits(
    store: Arc<dyn Store>,
    writer: usize,
    slice: Duration,
) -> loa_store::Result<usize> {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < slice {
        store.commit(changes(writer, count)).await?;
        count += 1;
    }
    Ok(count)
}

async fn all_commits(store: &Arc<dyn Store>) -> Result<usize, Box<dyn std::error::Error>> {
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(commits(store.clone(), writer, GROUP_SLICE)))
        .collect();
    let mut count = 0;
    for writer in writers {
        count += writer.await??;
    }
    Ok(count)
}

/// A row change like those of the pipeline: a record with an index entry, replaced now and then.
fn changes(writer: usize, n: usize) -> Changes {
    let agency = Agency {
        name: format!("cong-{writer}-{}", n % 500),
        title: "Cổng thông tin điện tử tỉnh – chỉ đạo, điều hành".to_owned(),
        brand: "demo".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
        urgent_alone: false,
    };
    Changes::by(Actor::Worker("bench".to_owned()), "put agency").put(&agency, Expect::Any)
}

fn per_second(count: usize, slice: Duration) -> f64 {
    f64::from(u32::try_from(count).expect("a few thousand")) / slice.as_secs_f64()
}

/// A row of the table: the median, and the middle half over it.
fn row(name: &str, unit: &str, mut values: Vec<f64>, bound: Bound) -> serde_json::Value {
    values.sort_by(f64::total_cmp);
    let quarter = values.len() / 4;
    let value = values[values.len() / 2];
    let spread = (values[values.len() - 1 - quarter] - values[quarter]) / value;
    let (bound, ok) = match bound {
        Bound::AtLeast(bound) => (bound, value >= bound),
        Bound::AtMost(bound) => (bound, value <= bound),
    };
    json!({
        "name": name, "value": value, "unit": unit, "bound": bound, "ok": ok,
        "n": values.len(), "spread": spread,
    })
}

/// What a row must keep.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}
