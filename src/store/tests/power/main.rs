//! Power loss: a real writer process on the real store, its calls to the disk kept by a shim, and disks as they may stand when
//! the power goes at any of them. sled's flush is no sync and is taken for none.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod dice;
mod disk;
mod model;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use dice::Dice;
use disk::{Loss, Names, Op, Writes};
use loa_store::{
    SledStore, Store, StoreExt as _,
    conformance::{HandClock, Note},
};

/// Images of one run; `make soak` asks for more with `POWER_IMAGES`.
const IMAGES: u64 = 60;
/// Commits of each writer in each life.
const COMMITS: u32 = 30;

/// What a writer process did in its lives.
struct Run {
    folder: tempfile::TempDir,
    ops: Vec<Op>,
}

impl Run {
    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("disk")
    }

    /// Numbers and purposes of the commits that were told of within the first `cut` calls.
    fn told(&self, cut: usize) -> BTreeMap<u64, String> {
        let said = self.ops[..cut].iter().filter_map(|op| match op {
            Op::Said(text) => Some(text.lines()),
            _ => None,
        });
        let told = said.flatten().filter_map(|line| line.split_once("durable ")?.1.split_once(' '));
        told.map(|(seq, what)| (seq.parse().unwrap(), what.to_owned())).collect()
    }

    /// Opens the store that the power leaves behind so many calls. Returns whether its index was still believed.
    fn judge(&self, cut: usize, loss: Loss, seed: u64) -> Result<bool, String> {
        let to = tempfile::tempdir().unwrap();
        disk::image(&self.ops[..cut], loss, &mut Dice::new(seed), &self.root(), to.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(model::judge(&to.path().join("data"), &self.told(cut)))
    }
}

/// Three lives of a writer: one that ends cleanly, one that aborts, one that ends cleanly again.
fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (shim, log) = (folder.path().join("shim.so"), folder.path().join("log"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/shim.c");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&shim)
            .arg(source)
            .status();
        assert!(made.is_ok_and(|status| status.success()), "a C compiler is needed: make setup");
        let root = folder.path().canonicalize().unwrap().join("disk");
        fs::create_dir(&root).unwrap();
        for end in ["clean", "abort", "clean"] {
            fs::write(folder.path().join("end"), end).unwrap();
            let lived = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "lives_under_the_shim", "--ignored", "--nocapture"])
                .current_dir(&root)
                .env("LD_PRELOAD", &shim)
                .env("POWER_LOG", &log)
                .env("POWER_ROOT", &root)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .unwrap();
            assert_eq!(lived.success(), end == "clean");
        }
        let ops = disk::read(&fs::read(&log).unwrap());
        Run { folder, ops }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "the writer process of the tests below"]
async fn lives_under_the_shim() {
    let clock = Arc::new(HandClock::default());
    let store = SledStore::open(Path::new("data"), clock.clone(), model::options()).unwrap();
    let store = Arc::new(store);
    let writers = (1..=model::WRITERS).map(|writer| {
        let (store, clock) = (store.clone(), clock.clone());
        tokio::spawn(async move {
            let last = store.read::<Note>(&writer.to_string()).await.unwrap();
            let last = last.map_or(0, |note| note.record.text.parse().unwrap());
            let mut claimed = Vec::new();
            for n in last + 1..=last + COMMITS {
                let mut changes = model::changes(writer, n, &clock);
                if let Some(claimed) = claimed.pop() {
                    changes = changes.finish(&claimed);
                }
                let what = changes.what.clone();
                let seq = store.commit(changes).await.unwrap();
                println!("durable {seq} {what}");
                if n % 4 == 0 {
                    let (owner, minute) = (format!("máy {writer}"), Duration::from_mins(1));
                    claimed = store.claim(&["ingest"], &owner, 1, minute).await.unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    // As the parent wrote it down.
    if fs::read_to_string("../end").unwrap() == "abort" {
        std::process::abort();
    }
}

#[test]
fn what_was_told_is_there_whatever_the_power_takes() {
    let run = run();
    #[expect(clippy::disallowed_methods, reason = "`make soak` says how many")]
    let images = std::env::var("POWER_IMAGES").map_or(IMAGES, |text| text.parse().unwrap());
    let (next, told, believed) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicU64::new(0));
    let work = || {
        let seeds = std::iter::repeat_with(|| next.fetch_add(1, Relaxed));
        for seed in seeds.take_while(|seed| *seed < images) {
            let mut dice = Dice::new(seed);
            // Every eighth time behind a clean end.
            let ended = seed % 8 == 0;
            let cut = if ended { run.ops.len() } else { dice.below(run.ops.len()) };
            let loss = Loss {
                writes: dice.pick(&[Writes::None, Writes::Prefix, Writes::Random, Writes::Torn]),
                names: dice.pick(&[Names::None, Names::Prefix, Names::All]),
                obeys: true,
            };
            let what = format!("image {seed}, power lost behind call {cut}, {loss:?}");
            let trusted = run.judge(cut, loss, seed).unwrap_or_else(|why| panic!("{what}: {why}"));
            assert!(trusted || !ended, "{what}: after a clean end the index is not believed");
            told.fetch_add(run.told(cut).len(), Relaxed);
            believed.fetch_add(u64::from(trusted), Relaxed);
        }
    };
    // They mostly wait for the disk.
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(work))));
    let (told, believed, calls) = (told.into_inner(), believed.into_inner(), run.ops.len());
    println!(
        "{images} images of {calls} calls: all {told} commits that were told are there; \
         the index was believed {believed} times, else built anew"
    );
    assert!(told as u64 > images * 50, "hardly anything was told: {told}");
}

/// Nothing bypasses the shim: with all that it saw, the disk is what it really is.
#[test]
fn the_shim_sees_all_that_reaches_the_disk() {
    let run = run();
    let to = tempfile::tempdir().unwrap();
    let all = Loss { writes: Writes::All, names: Names::All, obeys: true };
    disk::image(&run.ops, all, &mut Dice::new(0), &run.root(), to.path());
    let (seen, real) = (content(to.path()), content(&run.root()));
    assert_eq!(seen.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>());
    let segments = real.keys().filter(|path| path.starts_with("data/ledger")).count();
    assert!(segments > 10, "the ledger has only {segments} segments");
    for (path, bytes) in &real {
        // Room taken in advance has no content.
        if path != Path::new("data/ballast") {
            assert!(seen[path] == *bytes, "{} is not what was written", path.display());
        }
    }
}

/// The control: on a disk that forgets what a sync asked for, the same test finds that commits are lost.
#[test]
fn a_disk_that_forgets_its_syncs_is_noticed() {
    let run = run();
    let calls = run.ops.len();
    for (part, writes) in [(2, Writes::None), (1, Writes::None), (2, Writes::Random)] {
        let loss = Loss { writes, names: Names::All, obeys: false };
        let judged = run.judge(calls / part, loss, 7);
        assert!(judged.is_err(), "nobody noticed: {loss:?} behind call {}", calls / part);
    }
}

fn content(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
