//! A data folder of every release opens; one of a newer release is refused with what to do.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jiff::ToSpan as _;
use loa_model::{
    Account, Actor, Agency, Article, Brief, ClickCount, Clock as _, Delivery, Entropy, Job, JobId,
    JobKind, JobState, Post, Priority, PublicMedia, Record, Sample, Secret, User, Variant, When,
    record::IndexEntry,
};
use loa_store::{
    Blobs, Change, Changes, Error, Expect, FORMAT, JobEnd, Manifest, Options, SledStore, Store,
    StoreExt as _, Vault, check_backup,
    conformance::{HandClock, by},
    restore,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
const HOUR: Duration = Duration::from_hours(1);
const PHOTO: &[u8] = "ảnh".as_bytes();

fn open(dir: &Path) -> loa_store::Result<SledStore> {
    SledStore::open(dir, Arc::new(HandClock::default()), Options::default())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

/// Folders of releases, with the records that were put into them.
fn releases() -> Vec<(PathBuf, Value)> {
    let folders = fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path());
    folders
        .map(|folder| {
            let records = fs::read(folder.join("records.json")).unwrap();
            (folder, serde_json::from_slice(&records).unwrap())
        })
        .collect()
}

fn records<R: Record>(all: &Value) -> Vec<R> {
    let records = all[R::TABLE].as_array().unwrap().iter();
    records.map(|record| serde_json::from_value(record.clone()).unwrap()).collect()
}

/// Every record of a kind reads as what it was, and would be written again as it was.
async fn reads<R: Record>(store: &SledStore, all: &Value) {
    let found = store.all::<R>(99).await.unwrap();
    let found = found.iter().map(|row| serde_json::to_value(&row.record).unwrap());
    let mut found: Vec<Value> = found.collect();
    let mut put = all[R::TABLE].as_array().unwrap().clone();
    found.sort_by_key(Value::to_string);
    put.sort_by_key(Value::to_string);
    assert_eq!(found, put, "{}", R::TABLE);
    assert!(!found.is_empty(), "{}", R::TABLE);
    assert!(
        R::SCHEMA == 1 || FORMAT > 1,
        "{}: a release without schema {} must refuse the folder: raise FORMAT",
        R::TABLE,
        R::SCHEMA
    );
}

#[derive(Debug)]
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

async fn vault(store: Arc<dyn Store>) -> Vault {
    let key = Some([7; 32]);
    Vault::open(Path::new("no file is needed"), store, Arc::new(Zeros), key).await.unwrap()
}

#[tokio::test]
async fn a_folder_of_every_release_opens_and_reads_as_it_was_written() {
    for (release, all) in releases() {
        let folder = tempfile::tempdir().unwrap();
        copy(&release, folder.path());
        let clock = Arc::new(HandClock::default());
        clock.advance(HOUR * 2);
        let store = SledStore::open(folder.path(), clock, Options::default()).unwrap();
        let store = Arc::new(store);
        let report = store.verify().await.unwrap();
        assert_eq!(report.flaws, Vec::<String>::new());
        assert!(report.rows > 30, "{report:?}");
        reads::<Agency>(&store, &all).await;
        reads::<Account>(&store, &all).await;
        reads::<User>(&store, &all).await;
        reads::<Article>(&store, &all).await;
        reads::<Brief>(&store, &all).await;
        reads::<Variant>(&store, &all).await;
        reads::<Post>(&store, &all).await;
        reads::<Delivery>(&store, &all).await;
        reads::<Sample>(&store, &all).await;
        reads::<PublicMedia>(&store, &all).await;
        reads::<ClickCount>(&store, &all).await;
        // Kinds of other crates, which read them in their own tests.
        for table in [
            "incident",
            "correction",
            "kill_switch",
            "pace",
            "reach_totals",
            "reach_rollup",
            "session",
            "start",
        ] {
            let rows = store.scan(table, "", 99).await.unwrap();
            let found: Vec<Value> =
                rows.iter().map(|row| serde_json::from_slice(&row.value).unwrap()).collect();
            assert_eq!(json!(found), all[table], "{table}");
        }
        let post = store.list::<Post>("post_by_code", "k7f3q", 9).await.unwrap();
        assert_eq!(post.len(), 1, "secondary indexes are there");
        let jobs = store.jobs(None, 99).await.unwrap();
        let mut states: Vec<_> =
            jobs.iter().map(|view| (view.job.work.name(), view.state)).collect();
        states.sort_by_key(|(kind, state)| format!("{kind} {state:?}"));
        let expected = [
            ("brief", JobState::Available),
            ("compose", JobState::Scheduled),
            ("ingest", JobState::Available),
            ("ingest", JobState::Cancelled),
            ("ingest", JobState::Completed),
            ("ingest", JobState::Completed),
            ("ingest", JobState::Discarded),
            ("measure", JobState::Scheduled),
            ("render", JobState::Retryable),
        ];
        assert_eq!(states, expected);
        let claimed = store.claim(&["ingest", "brief"], "máy", 9, HOUR).await.unwrap();
        assert_eq!(claimed.len(), 2, "what was executing lost its worker long ago");
        let lease = store.lease_account("memory:cong-tin", "máy mới", HOUR).await.unwrap().unwrap();
        assert_eq!(lease.fence, 2, "fences go on");
        let secret =
            vault(store.clone()).await.get(&"memory:cong-tin".parse().unwrap()).await.unwrap();
        assert_eq!(secret.get("token"), Some("rất-bí-mật"));
        let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
        assert_eq!(blobs.get(loa_model::BlobHash::of(PHOTO)).await.unwrap(), PHOTO);
        // And it goes on from there.
        let seq = store.last_seq();
        assert_eq!(store.commit(by("go on")).await.unwrap(), seq + 1);
    }
}

#[tokio::test]
#[ignore = "run it once for a release, then copy target/tmp/<release> beside the fixtures of the others"]
async fn writes_the_folder_of_this_release() {
    let release = env!("CARGO_PKG_VERSION");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(release);
    let all = fs::read(Path::new(FIXTURES).join(release).join("records.json")).unwrap();
    let all: Value = serde_json::from_slice(&all).unwrap();
    let clock = Arc::new(HandClock::default());
    let store = SledStore::open(&dir, clock.clone(), Options::default()).unwrap();
    let store = Arc::new(store);
    put::<Agency>(&store, &all).await;
    put::<Account>(&store, &all).await;
    put::<User>(&store, &all).await;
    put::<Article>(&store, &all).await;
    put::<Brief>(&store, &all).await;
    put::<Variant>(&store, &all).await;
    put::<Post>(&store, &all).await;
    put::<Delivery>(&store, &all).await;
    put::<Sample>(&store, &all).await;
    put::<PublicMedia>(&store, &all).await;
    put::<ClickCount>(&store, &all).await;
    for (table, key) in [
        ("incident", "id"),
        ("correction", "delivery"),
        ("kill_switch", "scope"),
        ("pace", "key"),
        ("reach_totals", "post"),
        ("reach_rollup", "day"),
        ("session", "token"),
        ("start", "place"),
    ] {
        for value in all[table].as_array().unwrap() {
            let mut changes = by("put record");
            changes.rows.push(Change {
                table: table.to_owned(),
                key: value[key].as_str().unwrap().to_owned(),
                expect: Expect::Absent,
                value: Some(value.clone()),
                index: vec![(format!("{table}_by_key"), value[key].as_str().unwrap().to_owned())],
            });
            store.commit(changes).await.unwrap();
        }
    }
    queue(&store, &clock).await;
    let secret = Secret::new([("token".to_owned(), "rất-bí-mật".to_owned())]);
    let account = "memory:cong-tin".parse().unwrap();
    let actor = Actor::User("01935000-0000-7000-8000-000000000001".parse().unwrap());
    vault(store.clone()).await.put(&account, secret, actor).await.unwrap();
    let blobs = Blobs::open(&dir.join("blobs")).unwrap();
    blobs.put(Bytes::from_static(PHOTO)).await.unwrap();
}

async fn put<R: Record>(store: &SledStore, all: &Value) {
    for record in records::<R>(all) {
        store.commit(by("put record").insert(&record)).await.unwrap();
    }
}

/// Jobs of every kind and in every state, and a lease.
async fn queue(store: &SledStore, clock: &HandClock) {
    let at = clock.now();
    let article = "01935000-0000-7000-8000-000000000002".parse().unwrap();
    let ingest =
        |n: u32| JobKind::Ingest { source: format!("bài {n}"), agency: "so-y-te".to_owned() };
    let author = "01935000-0000-7000-8000-000000000001".parse().unwrap();
    let accounts = vec!["memory:cong-tin".parse().unwrap()];
    let kinds = [
        ingest(1),
        ingest(2),
        ingest(3),
        ingest(4),
        ingest(5),
        JobKind::Brief { article, revision: 1 },
        JobKind::Render { variant: "01935000-0000-7000-8000-000000000004".parse().unwrap() },
        JobKind::Compose { article, revision: 1, accounts, author, when: When::Soon, text: None },
        JobKind::Measure { post: "01935000-0000-7000-8000-000000000005".parse().unwrap(), step: 3 },
    ];
    let mut changes = by("queue jobs");
    for (n, work) in kinds.into_iter().enumerate() {
        let id: JobId = format!("01935000-0000-7000-8000-1000000000{n:02}").parse().unwrap();
        let later = matches!(work, JobKind::Compose { .. } | JobKind::Measure { .. });
        let run_at = if later { at + 9000.hours() } else { at };
        let max_attempts = if n == 3 { 1 } else { 5 };
        let job = Job {
            run_at,
            max_attempts,
            priority: Priority::Urgent,
            ..Job::new(id, "so-y-te", work, at)
        };
        changes = changes.enqueue(job);
    }
    store.commit(changes).await.unwrap();
    let claimed = store.claim(&["ingest", "render"], "máy#1", 9, HOUR).await.unwrap();
    // The fifth one is left as it is: executing.
    store.finish(&claimed[0], JobEnd::Complete).await.unwrap();
    store.commit(by("finish with its work").finish(&claimed[1])).await.unwrap();
    store.finish(&claimed[2], JobEnd::Cancel).await.unwrap();
    let again = at + 9000.hours();
    store
        .finish(&claimed[3], JobEnd::Fail { reason: "lỗi".to_owned(), run_at: again })
        .await
        .unwrap();
    let reason = "hết giờ".to_owned();
    let render = claimed.iter().find(|claim| claim.job.work.name() == "render").unwrap();
    store.finish(render, JobEnd::Fail { reason, run_at: again }).await.unwrap();
    store.lease_account("memory:cong-tin", "máy#1", HOUR).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_folder_of_a_newer_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = open(&data).unwrap();
    store.commit(by("write")).await.unwrap();
    drop(store);
    let signed: Value = serde_json::from_slice(&fs::read(data.join("format")).unwrap()).unwrap();
    assert_eq!(signed, json!({ "format": FORMAT, "release": env!("CARGO_PKG_VERSION") }));
    let newer = json!({ "format": FORMAT + 1, "release": "9.1.0", "more": true }).to_string();
    fs::write(data.join("format"), &newer).unwrap();
    let refused = open(&data);
    let Err(Error::Newer { .. }) = &refused else { panic!("{refused:?}") };
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("9.1.0") && why.contains("install") && why.contains("hãy cài"), "{why}");
    assert_eq!(fs::read_to_string(data.join("format")).unwrap(), newer);
    // So is a folder whose word cannot be read at all.
    fs::write(data.join("format"), "?").unwrap();
    assert!(matches!(open(&data), Err(Error::Io(_))));
    // And a folder of an older one is signed by this one from now on.
    fs::write(data.join("format"), json!({ "format": 1, "release": "0.0.9" }).to_string()).unwrap();
    drop(open(&data).unwrap());
    let signed_again: Value =
        serde_json::from_slice(&fs::read(data.join("format")).unwrap()).unwrap();
    assert_eq!(signed_again, signed);
}

#[tokio::test]
async fn the_backup_of_a_newer_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("data")).unwrap();
    let blobs = Arc::new(Blobs::open(&folder.path().join("data/blobs")).unwrap());
    let dir = folder.path().join("sao lưu");
    store.back_up(blobs.clone(), &dir, |_| ()).await.unwrap();
    let manifest = dir.join("manifest.json");
    let mut value: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    assert_eq!(value["release"], env!("CARGO_PKG_VERSION"));
    value["format"] = json!(FORMAT + 1);
    value["head"] = json!({ "told": "in another way" });
    fs::write(&manifest, value.to_string()).unwrap();
    let clock = Arc::new(HandClock::default());
    let new = folder.path().join("mới");
    assert!(matches!(Manifest::read(&dir), Err(Error::Newer { .. })));
    assert!(matches!(check_backup(&dir), Err(Error::Newer { .. })));
    assert!(matches!(restore(&dir, &new, clock, &mut |_| ()), Err(Error::Newer { .. })));
    assert!(matches!(store.back_up(blobs, &dir, |_| ()).await, Err(Error::Newer { .. })));
    assert!(!new.exists());
}

#[tokio::test]
async fn the_mark_of_the_first_release_costs_a_rebuild_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.commit(by("write")).await.unwrap();
    drop(store);
    fs::remove_file(folder.path().join("format")).unwrap();
    fs::remove_file(folder.path().join("checkpoint")).unwrap();
    fs::write(folder.path().join("index.mark"), r#"{"boot":"khi xưa","clean":true}"#).unwrap();
    let store = open(folder.path()).unwrap();
    assert!(store.recovery().rebuilt.is_some());
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(store.last_seq(), 1);
}

/// A kind of record whose meaning changed: what was one name is two now.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Person {
    id: String,
    family: String,
    given: String,
}

impl Record for Person {
    const TABLE: &'static str = "person";
    const SCHEMA: u16 = 3;
    fn key(&self) -> String {
        self.id.clone()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "person_by_family", key: self.family.clone() }]
    }
    fn upgrade(schema: u16, mut value: Value) -> Value {
        if schema < 2 {
            let name = value["name"].as_str().unwrap_or_default().to_owned();
            let (family, given) = name.split_once(' ').unwrap_or((&name, ""));
            value["family"] = json!(family);
            value["first"] = json!(given);
        }
        if schema < 3 {
            value["given"] = value["first"].take();
        }
        value
    }
}

#[tokio::test]
async fn records_of_earlier_schemas_are_read_as_of_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let old = |key: &str, value: Value| {
        let index = vec![("person_by_family".to_owned(), key.to_owned())];
        let (table, key) = ("person".to_owned(), key.to_owned());
        Change { table, key, expect: Expect::Absent, value: Some(value), index }
    };
    let mut changes = Changes::by(Actor::Operator("bản cũ".to_owned()), "add people");
    changes.rows.push(old("a", json!({ "id": "a", "name": "Nguyễn Thị Lan" })));
    changes
        .rows
        .push(old("b", json!({ "$schema": 2, "id": "b", "family": "Trần", "first": "Minh" })));
    store.commit(changes).await.unwrap();
    let person = |id: &str, family: &str, given: &str| {
        let [id, family, given] = [id, family, given].map(str::to_owned);
        Person { id, family, given }
    };
    store.commit(by("add person").insert(&person("c", "Lê", "Hoa"))).await.unwrap();
    let kept: Value =
        serde_json::from_slice(&store.get("person", "c").await.unwrap().unwrap().value).unwrap();
    assert_eq!(kept["$schema"], 3);
    let all = store.all::<Person>(9).await.unwrap();
    let all: Vec<Person> = all.into_iter().map(|row| row.record).collect();
    assert_eq!(
        all,
        [person("a", "Nguyễn", "Thị Lan"), person("b", "Trần", "Minh"), person("c", "Lê", "Hoa")]
    );
    // Written again, it is of this schema.
    let found = store.read::<Person>("a").await.unwrap().unwrap();
    store.commit(by("keep").update(&found.record, found.version)).await.unwrap();
    let kept = store.list::<Person>("person_by_family", "Nguyễn", 9).await.unwrap();
    assert_eq!(kept[0].record, found.record);
}
