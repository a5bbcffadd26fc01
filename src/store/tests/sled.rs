//! The embedded store over its life: reopened, killed, its index lost, torn or ahead, its machine started anew.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use loa_model::{Clock as _, JobState};
use loa_store::{
    Error, Expect, JobEnd, Options, SledStore, Store, StoreExt as _,
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

#[tokio::test]
async fn everything_is_there_after_a_clean_end() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    let note = Note::new("n", "kệ", "đặt");
    store
        .commit(by("add").insert(&note).enqueue(job(1, &clock)).enqueue(job(2, &clock)))
        .await
        .unwrap();
    let claimed = store.claim(&["ingest"], "máy-một", 2, MINUTE).await.unwrap();
    let run_at = clock.now() + MINUTE;
    store.finish(&claimed[0], JobEnd::Fail { reason: "lỗi".to_owned(), run_at }).await.unwrap();
    let lease = store.lease_account("memory:a", "máy-một", MINUTE).await.unwrap().unwrap();
    let (seq, jobs) = (store.last_seq(), store.jobs(None, 9).await.unwrap());
    let tail = store.tail(0, 99).await.unwrap();
    drop(store);
    let store = open(folder.path(), &clock);
    assert_eq!((store.recovery().replayed, &store.recovery().rebuilt), (0, &None));
    assert_eq!((store.last_seq(), store.jobs(None, 9).await.unwrap()), (seq, jobs));
    assert_eq!(store.tail(0, 99).await.unwrap(), tail);
    assert_eq!(store.read::<Note>("n").await.unwrap().unwrap().record, note);
    // Fences and tries go on where they were; what ran is still leased until its last durable time.
    assert_eq!(store.claim(&["ingest"], "máy-hai", 9, MINUTE).await.unwrap(), []);
    assert_eq!(store.lease_account("memory:a", "máy-hai", MINUTE).await.unwrap(), None);
    clock.advance(MINUTE);
    let again = store.claim(&["ingest"], "máy-hai", 9, MINUTE).await.unwrap();
    assert_eq!(again.iter().map(|c| (c.attempt, c.fence)).collect::<Vec<_>>(), [(2, 3), (2, 2)]);
    let taken = store.lease_account("memory:a", "máy-hai", MINUTE).await.unwrap().unwrap();
    assert_eq!(taken.fence, lease.fence + 1);
    sound(&store).await;
}

#[tokio::test]
async fn a_heartbeat_is_forgotten_with_the_process() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    store.commit(by("add").enqueue(job(1, &clock))).await.unwrap();
    let claimed = store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap().remove(0);
    let seq = store.last_seq();
    store.heartbeat(&claimed, MINUTE * 60).await.unwrap();
    assert_eq!(store.last_seq(), seq, "a heartbeat writes nothing");
    drop(store);
    let store = open(folder.path(), &clock);
    clock.advance(MINUTE);
    assert_eq!(store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap().len(), 1);
}

#[test]
fn two_cannot_own_a_folder() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let first = open(folder.path(), &clock);
    let second = SledStore::open(folder.path(), clock.clone(), Options::default());
    assert!(matches!(&second, Err(Error::Locked(_))), "{second:?}");
    drop(first);
    open(folder.path(), &clock);
}

#[tokio::test]
async fn a_lost_index_is_built_from_the_ledger() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 100).await;
    let before = sound(&store).await;
    drop(store);
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let store = open(folder.path(), &clock);
    assert_eq!(store.recovery().replayed, 100);
    assert_eq!(sound(&store).await, before);
}

#[tokio::test]
async fn a_spoilt_index_never_shows() {
    type Spoil = fn(&Path);
    fn xor(path: &Path, from: usize, to: usize) {
        let mut bytes = std::fs::read(path).unwrap();
        let end = bytes.len();
        bytes[end * from / 8..end * to / 8].iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(path, bytes).unwrap();
    }
    // (what was done to it, whether sled must notice by itself)
    let cases: [(&str, Spoil, bool); 6] = [
        ("settings", |index| xor(&index.join("conf"), 0, 8), true),
        ("first pages", |index| xor(&index.join("db"), 0, 1), false),
        ("later pages", |index| xor(&index.join("db"), 1, 2), false),
        ("last pages", |index| xor(&index.join("db"), 7, 8), false),
        ("no pages", |index| std::fs::write(index.join("db"), b"").unwrap(), false),
        (
            "a file in its place",
            |index| {
                std::fs::remove_dir_all(index).unwrap();
                std::fs::write(index, "đây không phải chỉ mục").unwrap();
            },
            true,
        ),
    ];
    for (name, spoil, noticed) in cases {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
        let store = open(folder.path(), &clock);
        fill(&store, 50).await;
        drop(store);
        spoil(&folder.path().join("index"));
        let store = open(folder.path(), &clock);
        let recovery = store.recovery().clone();
        assert!(!noticed || recovery.rebuilt.is_some(), "{name}: {recovery:?}");
        assert_eq!(set_aside(folder.path()), usize::from(recovery.rebuilt.is_some()), "{name}");
        assert_eq!(sound(&store).await.rows, 40, "{name}: {recovery:?}");
    }
}

#[tokio::test]
async fn an_index_ahead_of_the_ledger_is_not_believed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 9).await;
    let segment = folder.path().join("ledger/00000000000000000001.log");
    let length = std::fs::metadata(&segment).unwrap().len();
    fill(&store, 1).await;
    drop(store);
    // The disk lied about the last record.
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(length).unwrap();
    let store = open(folder.path(), &clock);
    let why = store.recovery().rebuilt.clone().unwrap();
    assert!(why.contains("knows record 10") && why.contains("ends at 9"), "{why}");
    assert_eq!((store.last_seq(), sound(&store).await.last_seq), (9, 9));
}

#[tokio::test]
async fn the_index_of_another_ledger_is_not_believed() {
    let (one, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(one.path(), &clock);
    fill(&store, 20).await;
    drop(store);
    std::fs::remove_dir_all(one.path().join("index")).unwrap();
    // The same records, so the same hashes but for the time: move the clock to make another history.
    clock.advance(MINUTE);
    let other = tempfile::tempdir().unwrap();
    let store = open(other.path(), &clock);
    fill(&store, 5).await;
    drop(store);
    std::fs::rename(other.path().join("index"), one.path().join("index")).unwrap();
    let store = open(one.path(), &clock);
    let why = store.recovery().rebuilt.clone().unwrap();
    assert!(why.contains("not the ledger's"), "{why}");
    sound(&store).await;
}

#[tokio::test]
async fn verify_finds_a_changed_index_and_rebuild_mends_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 30).await;
    drop(store);
    {
        let index = sled::open(folder.path().join("index")).unwrap();
        index.remove(b"rnote\x00003").unwrap().expect("the row was there");
        let entry = index.scan_prefix(b"inote_by_shelf").keys().next().unwrap().unwrap();
        index.remove(entry).unwrap();
        index.flush().unwrap();
    }
    let store = open(folder.path(), &clock);
    let report = store.verify().await.unwrap();
    assert!(!report.is_sound());
    let flaws = report.flaws.join("; ");
    assert!(
        flaws.contains("row note 003") && flaws.contains("index entry note_by_shelf"),
        "{flaws}"
    );
    assert_eq!(store.rebuild().await.unwrap(), 30);
    sound(&store).await;
}

#[tokio::test]
async fn verify_finds_a_changed_record_while_the_store_runs() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 30).await;
    let segment = folder.path().join("ledger/00000000000000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let report = store.verify().await.unwrap();
    assert!(report.flaws.join("; ").contains("damaged at record"), "{:?}", report.flaws);
    drop(store);
    let damaged = SledStore::open(folder.path(), clock.clone(), Options::default());
    assert!(matches!(&damaged, Err(Error::Io(why)) if why.contains("backup")), "{damaged:?}");
}

#[tokio::test]
async fn segments_follow_each_other() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let options = || Options { segment_bytes: 4000, ..Options::default() };
    let store = SledStore::open(folder.path(), clock.clone(), options()).unwrap();
    fill(&store, 200).await;
    let tail = store.tail(0, 1000).await.unwrap();
    assert!(sound(&store).await.segments > 10);
    drop(store);
    let store = SledStore::open(folder.path(), clock.clone(), options()).unwrap();
    assert_eq!(store.tail(0, 1000).await.unwrap(), tail);
    for after in 0..200 {
        let skip = usize::try_from(after).unwrap();
        assert_eq!(store.tail(after, 2).await.unwrap(), tail[skip..tail.len().min(skip + 2)]);
    }
}

/// Runs this test binary again as a writer in a folder; it prints every number it was told is durable.
fn writer(dir: &Path, abort_after: &str) -> std::process::Child {
    let args = ["--exact", "writes_until_it_dies", "--ignored", "--nocapture"];
    std::fs::write(dir.join("abort-after"), abort_after).unwrap();
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
    let options = Options { abort_after_seq, ..Options::default() };
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

fn durable(line: &str) -> Option<u64> {
    line.split("durable ").nth(1)?.trim().parse().ok()
}

#[tokio::test]
async fn a_process_that_aborts_behind_record_n_has_kept_n_and_told_nobody() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    for last in 1..=12 {
        let child = writer(folder.path(), &last.to_string()).wait_with_output().unwrap();
        assert!(!child.status.success());
        let told = String::from_utf8(child.stdout).unwrap();
        assert_eq!(told.lines().filter_map(durable).max(), None, "{told}");
        let store = open(&folder.path().join("data"), &clock);
        assert_eq!(store.last_seq(), last);
        assert!(store.get("note", &last.to_string()).await.unwrap().is_some());
        assert_eq!(store.recovery().rebuilt, None, "the same boot: the index is believed");
        assert_eq!(sound(&store).await.last_seq, last);
    }
}

#[tokio::test]
async fn a_killed_process_has_kept_all_it_told() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let mut kept = 0;
    for round in 0..8 {
        let mut child = writer(folder.path(), "");
        let mut told = kept;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines.filter_map(|line| durable(&line)).take(5 + round * 9) {
            told = line;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(&folder.path().join("data"), &clock);
        kept = store.last_seq();
        assert!(kept >= told, "told {told}, kept {kept}");
        assert_eq!(store.recovery().rebuilt, None);
        let report = sound(&store).await;
        assert_eq!((report.last_seq, report.rows), (kept, kept * 2));
        assert_eq!(
            store.jobs(Some(JobState::Available), usize::MAX).await.unwrap().len() as u64,
            kept
        );
    }
}

#[tokio::test]
async fn after_a_restart_of_the_machine_the_index_is_only_believed_if_it_ended_cleanly() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let boot = |id: &str| Options { boot_id: Some(id.to_owned()), ..Options::default() };
    writer(folder.path(), "20").wait().unwrap();
    let data = folder.path().join("data");
    let store = SledStore::open(&data, clock.clone(), boot("sau khi mất điện")).unwrap();
    assert!(store.recovery().rebuilt.is_some());
    assert_eq!((store.recovery().replayed, set_aside(&data)), (20, 1));
    sound(&store).await;
    drop(store);
    let store = SledStore::open(&data, clock.clone(), boot("một lần nữa")).unwrap();
    assert_eq!((store.recovery().replayed, &store.recovery().rebuilt), (0, &None));
}
