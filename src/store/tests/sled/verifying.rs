//! `verify` and `rebuild`.

use std::sync::Arc;

use loa_store::{
    Error, Expect, Options, SledStore, Store,
    conformance::{HandClock, Note, by},
};

use crate::{fill, first_segment, flip_middle, killed_behind, open, sound};

#[tokio::test]
async fn i7_verify_finds_a_changed_index_and_rebuild_mends_it() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    // After a kill on the same boot the index is believed, as far as it reached the page cache.
    let data = killed_behind(folder.path(), 29);
    drop(open(&data, &clock));
    killed_behind(folder.path(), 30);
    {
        let index = sled::open(data.join("index")).unwrap();
        assert_eq!(index.remove(b"rnote\x003").unwrap().map(|_| ()), Some(()), "the row was there");
        let entry = index.scan_prefix(b"inote_by_shelf").keys().next().unwrap().unwrap();
        index.remove(entry).unwrap();
        let (key, row) = index.scan_prefix(b"rnote\x009").next().unwrap().unwrap();
        index.insert("rnote\0không có", row).unwrap();
        assert_eq!(key, b"rnote\x009");
        index.flush().unwrap();
    }
    let store = open(&data, &clock);
    assert_eq!(store.recovery().rebuilt, None);
    let report = store.verify().await.unwrap();
    let flaws = report.flaws.join("; ");
    assert!(flaws.contains("I6 row note 3 is not in the index"), "{flaws}");
    assert!(flaws.contains("I7 the index entries of row note 1 "), "{flaws}");
    assert!(flaws.contains("I6 row note không có of the index is not in the ledger"), "{flaws}");
    assert_eq!(report.flaws.len(), 3, "{flaws}");
    assert_eq!(store.rebuild().await.unwrap(), 30);
    sound(&store).await;
    drop(store);
    assert_eq!(open(&data, &clock).recovery().rebuilt, None, "what was mended is not doubted");
}

#[tokio::test]
async fn i6_verify_finds_a_changed_record_while_the_store_runs() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = open(folder.path(), &clock);
    fill(&store, 30).await;
    flip_middle(&first_segment(folder.path()));
    let report = store.verify().await.unwrap();
    let flaws = report.flaws.join("; ");
    assert!(flaws.starts_with("I6 ") && flaws.contains("damaged at record"), "{flaws}");
    drop(store);
    let damaged = SledStore::open(folder.path(), clock.clone(), Options::default());
    assert!(matches!(&damaged, Err(Error::Io(why)) if why.contains("backup")), "{damaged:?}");
}

#[tokio::test]
async fn verify_goes_on_beside_commits_and_judges_none_of_them() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = Arc::new(open(folder.path(), &clock));
    fill(&store, 300).await;
    let mut verified = 0;
    for round in 0..20 {
        let busy = store.clone();
        let writing = tokio::spawn(async move {
            for n in 0..60 {
                // New rows, changed rows, rows that move in the index, rows that go.
                let note =
                    Note::new(&format!("{:03}", (n * 7 + round) % 80), &format!("kệ {n}"), "bận");
                let mut changes = by("note").put(&note, Expect::Any);
                if n % 3 == 0 {
                    changes.rows[0].value = None;
                    changes.rows[0].index.clear();
                }
                busy.commit(changes).await.unwrap();
            }
        });
        let before = store.last_seq();
        let report = store.verify().await.unwrap();
        assert_eq!(report.flaws, Vec::<String>::new());
        verified += u32::from(store.last_seq() > before);
        writing.await.unwrap();
    }
    assert!(verified > 0, "no commit came while it was verified");
}

#[tokio::test]
async fn readers_never_see_a_part_of_a_rebuild() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let store = Arc::new(open(folder.path(), &clock));
    fill(&store, 400).await;
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            let mut reads = 0;
            while Arc::strong_count(&store) > 1 {
                assert_eq!(store.scan("note", "", 99).await.unwrap().len(), 40);
                let shelf = store.range("note_by_shelf", "", "\u{10ffff}", 99, false).await;
                assert_eq!(shelf.unwrap().len(), 40);
                reads += 1;
            }
            reads
        }
    });
    for _ in 0..5 {
        assert_eq!(store.rebuild().await.unwrap(), 400);
    }
    drop(store);
    assert!(reading.await.unwrap() > 0);
}
