//! An index that is lost, spoilt, ahead or foreign is never believed.

use std::{path::Path, sync::Arc};

use loa_store::{
    Store, StoreExt as _,
    conformance::{HandClock, Note},
};

use crate::{MINUTE, fill, first_segment, open, set_aside, sound};

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
        // What was not seen at once is never taken for content, and the next start mends it.
        for n in 0..40 {
            let read = store.read::<Note>(&format!("{n:03}")).await;
            assert!(read.is_err() || read.unwrap().is_some(), "{name}: note {n} is gone");
        }
        let whole = store.verify().await.unwrap().is_sound();
        drop(store);
        let store = open(folder.path(), &clock);
        assert!(whole || store.recovery().rebuilt.is_some(), "{name}");
        assert_eq!(sound(&store).await.rows, 40, "{name}: {recovery:?}");
    }
}

#[tokio::test]
async fn an_index_ahead_of_the_ledger_is_not_believed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 9).await;
    let segment = first_segment(folder.path());
    drop(store);
    let length = std::fs::metadata(&segment).unwrap().len();
    let store = open(folder.path(), &clock);
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
    for name in ["index", "index.mark"] {
        std::fs::rename(other.path().join(name), one.path().join(name)).unwrap();
    }
    let store = open(one.path(), &clock);
    let why = store.recovery().rebuilt.clone().unwrap();
    assert!(why.contains("not the ledger's"), "{why}");
    sound(&store).await;
}
