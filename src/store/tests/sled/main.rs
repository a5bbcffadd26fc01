//! The embedded store over its life: reopened, killed, its index lost, torn or ahead, its machine started anew.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod backup;
mod index;
mod killed;
mod life;
mod opening;
mod verifying;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use loa_store::{
    Expect, Options, SledStore, Store,
    conformance::{HandClock, Note, by, job},
};

const MINUTE: Duration = Duration::from_mins(1);

fn open(dir: &Path, clock: &Arc<HandClock>) -> SledStore {
    SledStore::open(dir, clock.clone(), Options::default()).unwrap()
}

async fn fill(store: &SledStore, notes: u64) {
    for n in 0..notes {
        let note = Note::new(&format!("{:03}", n % 40), &format!("kệ {}", n % 7), "ẫ ễ ộ ữ ặ");
        store.commit(by("note").put(&note, Expect::Any)).await.unwrap();
    }
}

async fn sound(store: &SledStore) -> loa_store::Report {
    let report = store.verify().await.unwrap();
    assert_eq!(report.flaws, Vec::<String>::new());
    report
}

fn set_aside(dir: &Path) -> usize {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("index.broken-")).count()
}

/// A folder whose process died right behind record `last`.
fn killed_behind(dir: &Path, last: u64) -> PathBuf {
    assert!(!writer(dir, &last.to_string()).wait().unwrap().success());
    dir.join("data")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// The first segment of a data folder.
fn first_segment(dir: &Path) -> PathBuf {
    dir.join("ledger/00000000000000000001.log")
}

/// Changes one byte in the middle of what is written in a file; a segment in use has zeros behind that.
fn flip_middle(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.iter().rposition(|byte| *byte != 0).unwrap() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// Runs this test binary again as a writer in a folder; it prints every number it was told is durable.
fn writer(dir: &Path, abort_after: &str) -> std::process::Child {
    std::fs::write(dir.join("abort-after"), abort_after).unwrap();
    child(dir, "writes_until_it_dies")
}

/// Runs a test of this binary in a process of its own, in a folder.
fn child(dir: &Path, test: &str) -> std::process::Child {
    let args = ["--exact", test, "--ignored", "--nocapture"];
    Command::new(std::env::current_exe().unwrap())
        .args(args)
        .current_dir(dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "the child process of the tests below"]
async fn writes_until_it_dies() {
    let clock = Arc::new(HandClock::default());
    let abort_after_seq = std::fs::read_to_string("abort-after").unwrap().parse().ok();
    let options = Options { abort_after_seq, segment_bytes: 8000, ..Options::default() };
    let store = SledStore::open(Path::new("data"), clock.clone(), options).unwrap();
    let mut n = u32::try_from(store.last_seq()).unwrap();
    loop {
        n += 1;
        let note = Note::new(&n.to_string(), "kệ", "đường");
        let seq =
            store.commit(by("note").put(&note, Expect::Any).enqueue(job(n, &clock))).await.unwrap();
        println!("durable {seq}");
    }
}

/// What a busy store does: rows that come, move in the index and go; jobs that are claimed and finished with a commit.
#[tokio::test]
#[ignore = "the child process of a test"]
async fn writes_much_until_it_dies() {
    let clock = Arc::new(HandClock::default());
    let store = SledStore::open(Path::new("data"), clock.clone(), Options::default()).unwrap();
    let store = Arc::new(store);
    let mut n = u32::try_from(store.last_seq()).unwrap();
    let mut claims = Vec::new();
    loop {
        let mut group = tokio::task::JoinSet::new();
        for _ in 0..24 {
            n += 1;
            let shelf = |n: u32| format!("kệ {}", n % 7);
            let fresh = Note::new(&format!("mới {n}"), &shelf(n), "đường");
            let moved = Note::new(&format!("cũ {}", n % 24), &shelf(n / 24), &"ẫ".repeat(300));
            let mut changes = by("note").put(&fresh, Expect::Any).put(&moved, Expect::Any);
            changes = changes.enqueue(job(n, &clock));
            if n % 3 == 0 {
                let mut gone =
                    by("").put(&Note::new(&format!("mới {}", n - 2), "", ""), Expect::Any);
                gone.rows[0].value = None;
                gone.rows[0].index.clear();
                changes.rows.append(&mut gone.rows);
            }
            if let Some(claimed) = claims.pop() {
                changes = changes.finish(&claimed);
            }
            let store = store.clone();
            group.spawn(async move { store.commit(changes).await.unwrap() });
        }
        while let Some(seq) = group.join_next().await {
            println!("durable {}", seq.unwrap());
        }
        claims = store.claim(&["ingest"], "máy", 24, MINUTE).await.unwrap();
    }
}
