//! Backups: whole while the store runs, only what is new, recognised when cut short, checked before they are believed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use loa_model::BlobHash;
use loa_store::{
    BackedUp, Blobs, Error, Manifest, Options, Restored, SledStore, Store, check_backup,
    conformance::HandClock, restore,
};

use crate::{copy, fill, flip_middle, open, sound};

/// A store in small segments with its blobs, and a place for its backup.
struct House {
    folder: tempfile::TempDir,
    clock: Arc<HandClock>,
    store: Arc<SledStore>,
    blobs: Arc<Blobs>,
}

impl House {
    fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
        let data = folder.path().join("data");
        let options = Options { segment_bytes: 4000, ..Options::default() };
        let store = Arc::new(SledStore::open(&data, clock.clone(), options).unwrap());
        let blobs = Arc::new(Blobs::open(&data.join("blobs")).unwrap());
        fs::create_dir(data.join("keys")).unwrap();
        fs::write(data.join("keys/vault.key"), "chìa khóa").unwrap();
        Self { folder, clock, store, blobs }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn photo(&self, text: &str) -> BlobHash {
        self.blobs.put(Bytes::from(text.repeat(9000))).await.unwrap()
    }

    async fn back_up(&self, name: &str) -> loa_store::Result<BackedUp> {
        self.store.back_up(self.blobs.clone(), &self.path(name), |_| ()).await
    }

    fn restore(&self, from: &str, to: &str) -> loa_store::Result<Restored> {
        restore(&self.path(from), &self.path(to), self.clock.clone(), &mut |_| ())
    }

    fn open(&self, name: &str) -> SledStore {
        open(&self.path(name), &self.clock)
    }
}

fn files(dir: &Path) -> BTreeMap<String, (u64, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            let inner = files(&entry.path());
            found.extend(inner.into_iter().map(|(path, seen)| (format!("{name}/{path}"), seen)));
        } else {
            found.insert(name, (about.len(), about.modified().unwrap()));
        }
    }
    found
}

fn is_segment(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "log")
}

/// The last segment of a backup.
fn last_segment(dir: &Path) -> PathBuf {
    let mut names: Vec<_> =
        fs::read_dir(dir.join("ledger")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.pop().unwrap()
}

#[tokio::test]
async fn a_backup_comes_back_as_it_was_and_holds_no_key() {
    let house = House::new();
    fill(&house.store, 200).await;
    let photo = house.photo("ảnh").await;
    let made = house.back_up("sao lưu").await.unwrap();
    assert_eq!((made.seq, made.blobs, made.new_blobs, made.damaged), (200, 1, 1, vec![]));
    let report = check_backup(&house.path("sao lưu")).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.last_seq, report.head, report.blobs), (200, made.head, 1));
    let kept = files(&house.path("sao lưu"));
    assert!(kept.keys().all(|name| !name.contains("key")), "{kept:?}");
    let restored = house.restore("sao lưu", "mới").unwrap();
    assert_eq!((restored.seq, restored.head, restored.blobs), (200, made.head, 1));
    let store = house.open("mới");
    assert_eq!(
        (store.recovery().checked, &store.recovery().rebuilt),
        (0, &None),
        "it ended cleanly"
    );
    assert_eq!(store.tail(0, 999).await.unwrap(), house.store.tail(0, 999).await.unwrap());
    assert_eq!(sound(&store).await.rows, 40);
    let blobs = Blobs::open(&house.path("mới/blobs")).unwrap();
    assert_eq!(blobs.get(photo).await.unwrap(), "ảnh".repeat(9000));
    fill(&store, 1).await;
    assert_eq!(store.last_seq(), 201);
}

#[tokio::test]
async fn a_second_backup_copies_only_what_is_new() {
    let house = House::new();
    fill(&house.store, 100).await;
    house.photo("một").await;
    let first = house.back_up("sao lưu").await.unwrap();
    let before = files(&house.path("sao lưu"));
    let again = house.back_up("sao lưu").await.unwrap();
    assert_eq!((again.seq, again.ledger_bytes, again.new_blobs, again.blobs), (100, 0, 0, 1));
    fill(&house.store, 3).await;
    house.photo("hai").await;
    let second = house.back_up("sao lưu").await.unwrap();
    let after = files(&house.path("sao lưu"));
    let total = |files: &BTreeMap<String, (u64, _)>| {
        files.iter().filter(|(name, _)| is_segment(name)).map(|(_, (bytes, _))| bytes).sum::<u64>()
    };
    assert_eq!(first.ledger_bytes, total(&before));
    assert_eq!(second.ledger_bytes, total(&after) - total(&before));
    assert_eq!((second.blobs, second.new_blobs), (2, 1));
    let sealed = before.iter().filter(|(name, seen)| is_segment(name) && after[*name].0 == seen.0);
    assert!(sealed.clone().count() > 3);
    for (name, seen) in sealed {
        assert_eq!(after[name], *seen, "{name} was written again");
    }
    assert!(check_backup(&house.path("sao lưu")).unwrap().is_sound());
    house.restore("sao lưu", "mới").unwrap();
    assert_eq!(sound(&house.open("mới")).await.last_seq, 103);
}

#[tokio::test]
async fn a_backup_is_whole_while_the_store_runs() {
    let house = House::new();
    let busy = house.store.clone();
    let writing = tokio::spawn(async move {
        loop {
            fill(&busy, 5).await;
        }
    });
    let mut last = 0;
    for round in 0..12 {
        while house.store.last_seq() < last + 7 {
            tokio::task::yield_now().await;
        }
        let made = house.back_up("sao lưu").await.unwrap();
        assert!(made.seq > last, "round {round}");
        last = made.seq;
        assert!(check_backup(&house.path("sao lưu")).unwrap().is_sound());
    }
    writing.abort();
    house.restore("sao lưu", "mới").unwrap();
    let (there, here) = (house.open("mới"), &house.store);
    assert_eq!(there.last_seq(), last);
    let limit = usize::try_from(last).unwrap();
    assert_eq!(there.tail(0, limit).await.unwrap(), here.tail(0, limit).await.unwrap());
    sound(&there).await;
}

#[tokio::test]
async fn a_backup_that_was_cut_short_is_the_one_before_or_none() {
    let house = House::new();
    fill(&house.store, 60).await;
    house.back_up("sao lưu").await.unwrap();
    let manifest = house.path("sao lưu/manifest.json");
    let first = fs::read(&manifest).unwrap();
    let old = files(&house.path("sao lưu"));
    fill(&house.store, 40).await;
    house.photo("mới").await;
    house.back_up("sao lưu").await.unwrap();
    let whole = house.path("trọn");
    copy(&house.path("sao lưu"), &whole);
    // Cut right before its manifest: in the middle of any file that was being copied.
    for cut in [0, 1, 700, 5000] {
        let torn = house.path(&format!("dở {cut}"));
        copy(&whole, &torn);
        fs::write(torn.join("manifest.json"), &first).unwrap();
        let last = last_segment(&torn);
        let name = format!("ledger/{}", last.file_name().unwrap().to_str().unwrap());
        let fewest = old.get(&name).map_or(0, |(bytes, _)| *bytes);
        let length = fs::metadata(&last).unwrap().len().saturating_sub(cut).max(fewest);
        fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(length).unwrap();
        let report = check_backup(&torn).unwrap();
        assert!(report.is_sound() && report.last_seq == 60, "{report:?}");
        house.restore(&format!("dở {cut}"), &format!("từ {cut}")).unwrap();
        assert_eq!(sound(&house.open(&format!("từ {cut}"))).await.last_seq, 60);
        // The next one makes it whole.
        assert_eq!(house.back_up(&format!("dở {cut}")).await.unwrap().seq, 100);
        assert!(check_backup(&torn).unwrap().is_sound());
    }
    fs::remove_file(&manifest).unwrap();
    let none = check_backup(&house.path("sao lưu"));
    assert!(
        matches!(&none, Err(Error::Refused { why, .. }) if why.contains("cut short")),
        "{none:?}"
    );
    let none = house.restore("sao lưu", "không");
    assert!(matches!(&none, Err(Error::Refused { .. })), "{none:?}");
    assert!(!house.path("không").exists());
    assert_eq!(house.back_up("sao lưu").await.unwrap().seq, 100);
    assert!(check_backup(&house.path("sao lưu")).unwrap().is_sound());
}

#[tokio::test]
async fn damage_in_a_backup_is_found_and_nothing_is_made_of_its_ledger() {
    let house = House::new();
    fill(&house.store, 60).await;
    let photo = house.photo("ảnh").await;
    house.back_up("sao lưu").await.unwrap();
    copy(&house.path("sao lưu"), &house.path("hỏng"));
    flip_middle(&house.path("hỏng/ledger/00000000000000000001.log"));
    let report = check_backup(&house.path("hỏng")).unwrap();
    assert!(report.flaws.join("").contains("damaged at record"), "{report:?}");
    let refused = house.restore("hỏng", "mới");
    assert!(matches!(&refused, Err(Error::Io(why)) if why.contains("damaged")), "{refused:?}");
    let opened = SledStore::open(&house.path("mới"), house.clock.clone(), Options::default());
    assert!(
        matches!(&opened, Err(Error::Refused { why, .. }) if why.contains("did not finish")),
        "{opened:?}"
    );
    // The same folder takes a good one.
    house.restore("sao lưu", "mới").unwrap();
    assert_eq!(sound(&house.open("mới")).await.last_seq, 60);
    // A blob that is spoilt or gone is told, and the rest comes back.
    let hex = photo.to_string();
    let (first, rest) = hex.split_at(2);
    let blob = house.path(&format!("sao lưu/blobs/sha256/{first}/{rest}"));
    for spoil in [|path: &Path| flip_middle(path), |path: &Path| fs::remove_file(path).unwrap()] {
        spoil(&blob);
        let report = check_backup(&house.path("sao lưu")).unwrap();
        assert!(!report.is_sound() && report.damaged == [photo], "{report:?}");
        let to = format!("từ {}", blob.exists());
        assert_eq!(house.restore("sao lưu", &to).unwrap().damaged, [photo]);
        let blobs = Blobs::open(&house.path(&to).join("blobs")).unwrap();
        assert!(!blobs.exists(photo).await.unwrap(), "other bytes under its name");
    }
}

#[tokio::test]
async fn damage_in_the_store_is_found_when_it_is_backed_up() {
    let house = House::new();
    fill(&house.store, 60).await;
    let photo = house.photo("ảnh").await;
    flip_middle(&house.blobs.path(photo).unwrap());
    let made = house.back_up("sao lưu").await.unwrap();
    assert_eq!((made.blobs, made.damaged), (0, vec![photo]));
    flip_middle(&house.path("data/ledger/00000000000000000001.log"));
    let failed = house.back_up("thứ hai").await;
    assert!(
        matches!(&failed, Err(Error::Io(why)) if why.contains("damaged at record")),
        "{failed:?}"
    );
    assert_eq!(Manifest::read(&house.path("thứ hai")).unwrap(), None);
}

#[tokio::test]
async fn nothing_is_overwritten_by_a_backup_or_a_restore() {
    let (one, other) = (House::new(), House::new());
    fill(&one.store, 20).await;
    // Another history: its records are of another time.
    other.clock.advance(crate::MINUTE);
    fill(&other.store, 30).await;
    one.back_up("sao lưu").await.unwrap();
    let before = files(&one.path("sao lưu"));
    let refused = other.store.back_up(other.blobs.clone(), &one.path("sao lưu"), |_| ()).await;
    assert!(
        matches!(&refused, Err(Error::Refused { why, .. }) if why.contains("another data folder")),
        "{refused:?}"
    );
    assert_eq!(files(&one.path("sao lưu")), before);
    for inside in ["data", "data/sao lưu"] {
        let refused = one.back_up(inside).await;
        assert!(matches!(&refused, Err(Error::Refused { .. })), "{inside}: {refused:?}");
    }
    let data = one.path("đầy");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("thư.txt"), "đừng mất").unwrap();
    let refused = one.restore("sao lưu", "đầy");
    assert!(
        matches!(&refused, Err(Error::Refused { why, .. }) if why.contains("empty")),
        "{refused:?}"
    );
    assert_eq!(files(&data).len(), 1);
    // An empty one will do.
    fs::create_dir(one.path("rỗng")).unwrap();
    one.restore("sao lưu", "rỗng").unwrap();
    assert_eq!(one.open("rỗng").last_seq(), 20);
}
