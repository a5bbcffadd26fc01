//! Rows, indexes and the ledger.

use loa_model::{Digest, Record as _};

use super::{HandClock, Note, Subject, by, job};
use crate::{Change, Error, Expect, StoreExt as _};

/// Text comes back byte for byte: composed and decomposed letters are not made alike.
pub async fn text_comes_back_byte_for_byte(store: Subject, _: &HandClock) {
    let composed = "ẫ ễ ộ ữ ặ đường – Đà Nẵng";
    let decomposed = "a\u{302}\u{303} e\u{302}\u{303} u\u{31b}\u{303} đ\u{200b}";
    store
        .commit(by("add notes").insert(&Note::new("ẫ", "kệ", composed)).insert(&Note::new(
            "a\u{302}\u{303}",
            "kệ",
            decomposed,
        )))
        .await
        .unwrap();
    let read = async |key: &str| store.read::<Note>(key).await.unwrap().map(|row| row.record.text);
    assert_eq!(read("ẫ").await.as_deref(), Some(composed));
    assert_eq!(read("a\u{302}\u{303}").await.as_deref(), Some(decomposed));
    assert_eq!(read("a").await, None);
}

/// An insert of a key that is there is a conflict.
pub async fn an_insert_refuses_a_taken_key(store: Subject, _: &HandClock) {
    let first = Note::new("một", "a", "đầu");
    store.commit(by("add").insert(&first)).await.unwrap();
    let again = store.commit(by("add").insert(&Note::new("một", "b", "sau"))).await;
    let Err(Error::Conflict { table, key }) = again else { panic!("{again:?}") };
    assert_eq!((table.as_str(), key.as_str()), ("note", "một"));
    assert_eq!(store.read::<Note>("một").await.unwrap().unwrap().record, first);
}

/// An update of a version that is no more is a conflict and changes nothing.
pub async fn a_stale_version_changes_nothing(store: Subject, _: &HandClock) {
    let v1 = store.commit(by("add").insert(&Note::new("n", "a", "một"))).await.unwrap();
    let v2 = store.commit(by("edit").update(&Note::new("n", "a", "hai"), v1)).await.unwrap();
    let stale = store.commit(by("edit").update(&Note::new("n", "a", "ba"), v1)).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    let absent = store.commit(by("edit").update(&Note::new("m", "a", "ba"), v1)).await;
    assert!(matches!(absent, Err(Error::Conflict { .. })), "{absent:?}");
    let found = store.read::<Note>("n").await.unwrap().unwrap();
    assert_eq!((found.record.text.as_str(), found.version), ("hai", v2));
    assert_eq!(store.last_seq(), v2);
}

/// One expectation that fails undoes the whole commit: rows, jobs and ledger.
pub async fn one_failed_expectation_undoes_the_commit(store: Subject, clock: &HandClock) {
    store.commit(by("add").insert(&Note::new("b", "a", "có"))).await.unwrap();
    let before = store.last_seq();
    let failed = store
        .commit(
            by("add two")
                .insert(&Note::new("a", "a", "mới"))
                .enqueue(job(1, clock))
                .insert(&Note::new("b", "a", "mới")),
        )
        .await;
    assert!(matches!(failed, Err(Error::Conflict { .. })), "{failed:?}");
    assert_eq!(store.get("note", "a").await.unwrap(), None);
    assert_eq!(store.jobs(None, 10).await.unwrap(), []);
    assert_eq!((store.last_seq(), store.tail(before, 10).await.unwrap()), (before, vec![]));
}

/// Of many who insert the same key at the same time, one wins.
pub async fn one_of_many_writers_wins(store: Subject, _: &HandClock) {
    let writers: Vec<_> = (0..32)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let note = Note::new("chung", "a", &format!("người {n}"));
                let own = Note::new(&format!("riêng-{n:02}"), "a", "của mình");
                store.commit(by("race").insert(&note).insert(&own)).await
            })
        })
        .collect();
    let mut won = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(_) => won += 1,
            Err(Error::Conflict { key, .. }) => assert_eq!(key, "chung"),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((won, store.last_seq()), (1, 1));
    assert_eq!(store.all::<Note>(100).await.unwrap().len(), 2);
}

/// Commits are numbered from 1 without a gap, and a row's version is the number of the commit that wrote it.
pub async fn versions_are_numbers_of_commits(store: Subject, _: &HandClock) {
    assert_eq!(store.last_seq(), 0);
    for n in 1..=5 {
        let seq =
            store.commit(by("put").put(&Note::new("n", "a", "x"), Expect::Any)).await.unwrap();
        assert_eq!(seq, n);
        assert_eq!(store.get("note", "n").await.unwrap().unwrap().version, n);
        assert_eq!(store.last_seq(), n);
    }
}

/// A deleted row is gone from the table and from every index, and its key may be inserted again.
pub async fn a_deleted_row_leaves_its_indexes(store: Subject, _: &HandClock) {
    let note = Note::new("n", "kệ", "x");
    let version = store.commit(by("add").insert(&note)).await.unwrap();
    let delete = |expect| {
        let mut changes = by("delete");
        changes.rows.push(Change {
            table: Note::TABLE.to_owned(),
            key: "n".to_owned(),
            expect,
            value: None,
            index: Vec::new(),
        });
        changes
    };
    let stale = store.commit(delete(Expect::Version(version + 1))).await;
    assert!(matches!(stale, Err(Error::Conflict { .. })), "{stale:?}");
    store.commit(delete(Expect::Version(version))).await.unwrap();
    assert_eq!(store.get("note", "n").await.unwrap(), None);
    assert_eq!(store.list::<Note>("note_by_shelf", "", 10).await.unwrap(), vec![]);
    assert_eq!(store.all::<Note>(10).await.unwrap(), vec![]);
    store.commit(by("add").insert(&note)).await.unwrap();
    assert_eq!(store.list::<Note>("note_by_shelf", "kệ", 10).await.unwrap().len(), 1);
}

/// When a row changes, its old index entries go and its new ones come.
pub async fn an_index_entry_moves_with_its_row(store: Subject, _: &HandClock) {
    let version = store.commit(by("add").insert(&Note::new("n", "cũ", "x"))).await.unwrap();
    store.commit(by("move").update(&Note::new("n", "mới", "x"), version)).await.unwrap();
    assert_eq!(store.list::<Note>("note_by_shelf", "cũ", 10).await.unwrap(), vec![]);
    let found = store.list::<Note>("note_by_shelf", "mới", 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].record.shelf, "mới");
}

/// A range holds its first key and not its last, in byte order; reversed it begins at the end; the limit counts rows.
pub async fn an_index_is_read_in_order_both_ways(store: Subject, _: &HandClock) {
    let mut changes = by("add");
    for (id, shelf) in [("3", "b"), ("1", "a"), ("2", "a"), ("4", "c"), ("5", "đ"), ("6", "z")] {
        changes = changes.insert(&Note::new(id, shelf, "x"));
    }
    store.commit(changes).await.unwrap();
    let range = async |from: &str, to: &str, limit, reverse| {
        let rows = store.range("note_by_shelf", from, to, limit, reverse).await.unwrap();
        rows.into_iter().map(|row| row.key).collect::<String>()
    };
    assert_eq!(range("", "\u{10ffff}", 10, false).await, "123465");
    assert_eq!(range("", "\u{10ffff}", 10, true).await, "564321");
    assert_eq!(range("a", "b", 10, false).await, "12");
    assert_eq!(range("a\u{1}2", "b\u{1}3", 10, false).await, "2");
    assert_eq!(range("a\u{1}2", "b\u{1}4", 10, true).await, "32");
    assert_eq!(range("", "\u{10ffff}", 2, false).await, "12");
    assert_eq!(range("", "\u{10ffff}", 2, true).await, "56");
    assert_eq!(range("b", "a", 10, false).await, "");
    assert_eq!(store.range("note", "", "z", 10, false).await.unwrap(), []);
    let last = store.list_last::<Note>("note_by_shelf", "a", 1).await.unwrap();
    assert_eq!(last[0].record.id, "2");
}

/// Counting an index gives what reading it gives, and no more than that.
pub async fn an_index_is_counted_as_it_is_read(store: Subject, _: &HandClock) {
    let mut changes = by("add");
    for (id, shelf) in [("3", "b"), ("1", "a"), ("2", "a"), ("4", "c"), ("5", "đ"), ("6", "z")] {
        changes = changes.insert(&Note::new(id, shelf, "x"));
    }
    store.commit(changes).await.unwrap();
    let edges = ["", "a", "a\u{1}2", "b", "b\u{1}3", "đ", "z", "\u{10ffff}"];
    for (from, to) in edges.iter().flat_map(|from| edges.iter().map(move |to| (from, to))) {
        let read = store.range("note_by_shelf", from, to, 10, false).await.unwrap().len();
        let counted = store.count("note_by_shelf", from, to).await.unwrap();
        assert_eq!(counted, read, "{from:?} to {to:?}");
    }
    assert_eq!(store.count_under("note_by_shelf", "a").await.unwrap(), 2);
    assert_eq!(store.count("note", "", "z").await.unwrap(), 0);
}

/// A scan gives the rows of one table in the order of their keys, from a key on.
pub async fn a_scan_begins_at_its_key(store: Subject, clock: &HandClock) {
    let mut changes = by("add").enqueue(job(1, clock));
    for id in ["c", "a", "đ", "b"] {
        changes = changes.insert(&Note::new(id, "", "x"));
    }
    store.commit(changes).await.unwrap();
    let scan = async |from: &str, limit| {
        let rows = store.scan("note", from, limit).await.unwrap();
        rows.into_iter().map(|row| row.key).collect::<String>()
    };
    assert_eq!(scan("", 10).await, "abcđ");
    assert_eq!(scan("b", 2).await, "bc");
    assert_eq!(scan("bb", 10).await, "cđ");
    assert_eq!(store.scan("not", "", 10).await.unwrap(), []);
}

/// A commit may change no row: then it is an audit record.
pub async fn an_audit_record_may_change_no_row(store: Subject, _: &HandClock) {
    let seq = store.commit(by("sign in")).await.unwrap();
    assert_eq!(store.tail(0, 10).await.unwrap()[0].changes.what, "sign in");
    assert_eq!(seq, 1);
}

/// A value of 64 KiB or more is refused: it belongs into a blob.
pub async fn big_values_are_refused(store: Subject, _: &HandClock) {
    let overhead = serde_json::to_string(&Note::new("n", "", "")).unwrap().len();
    let note = |bytes: usize| Note::new("n", "", &"x".repeat(bytes - overhead));
    let refused = store.commit(by("add").insert(&note(64 * 1024))).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(store.last_seq(), 0);
    store.commit(by("add").insert(&note(64 * 1024 - 1))).await.unwrap();
}

/// The tables of the queue are written by the queue alone.
pub async fn tables_of_the_queue_are_refused(store: Subject, clock: &HandClock) {
    let refused = store.commit(by("add").insert(&job(1, clock))).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(store.last_seq(), 0);
}

/// A NUL in a key is refused: it would sort a row into another place.
pub async fn keys_with_nul_are_refused(store: Subject, _: &HandClock) {
    for note in [Note::new("a\0b", "", ""), Note::new("a", "b\0", "")] {
        let refused = store.commit(by("add").insert(&note)).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    }
    assert_eq!(store.last_seq(), 0);
}

/// Two changes of one row in one commit are refused: which one counts would be a matter of luck.
pub async fn a_row_changes_once_in_a_commit(store: Subject, _: &HandClock) {
    let note = Note::new("n", "", "");
    let refused = store.commit(by("add").insert(&note).put(&note, Expect::Any)).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
    assert_eq!(store.last_seq(), 0);
}

/// The tail gives every record in order, each with who, what and when, chained to the one before; it can be paged.
pub async fn the_tail_is_a_chain_without_gaps(store: Subject, clock: &HandClock) {
    for n in 0..150 {
        clock.advance(std::time::Duration::from_millis(1));
        store
            .commit(by(&format!("việc {n}")).insert(&Note::new(&n.to_string(), "", "x")))
            .await
            .unwrap();
    }
    let all = store.tail(0, 1000).await.unwrap();
    assert_eq!(
        all.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        (1..=150).collect::<Vec<_>>()
    );
    assert_eq!(all[0].previous, Digest([0; 32]));
    assert_eq!((all[7].changes.what.as_str(), &all[7].changes.actor), ("việc 7", &by("").actor));
    assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at));
    let hashes: std::collections::BTreeSet<_> = all.iter().map(|entry| entry.previous).collect();
    assert_eq!(hashes.len(), all.len());
    let links = store.links(0, 1000).await.unwrap();
    let named: Vec<_> = links.iter().map(|link| (link.seq, link.previous)).collect();
    assert_eq!(named, all.iter().map(|entry| (entry.seq, entry.previous)).collect::<Vec<_>>());
    assert!(links.windows(2).all(|pair| pair[1].previous == pair[0].hash));
    let bytes = serde_json::to_vec(&all[149]).unwrap();
    let previous = &links[148].hash.0[..];
    let last = [&150_u64.to_le_bytes()[..], previous, &bytes].concat();
    assert_eq!(links[149].hash, Digest::of(&last), "over number, hash before, bytes");
    for (after, limit) in [(0, 3), (62, 4), (63, 4), (64, 100), (149, 9), (150, 9), (999, 9)] {
        let page = store.tail(after, limit).await.unwrap();
        let skip = usize::try_from(after).unwrap();
        assert_eq!(page, all.iter().skip(skip).take(limit).cloned().collect::<Vec<_>>(), "{after}");
        let page = store.links(after, limit).await.unwrap();
        assert_eq!(
            page,
            links.iter().skip(skip).take(limit).copied().collect::<Vec<_>>(),
            "{after}"
        );
    }
}

/// What a record was is read from its last commit to its first, each with its commit, and no more than asked for.
pub async fn the_past_of_a_record_is_read_backwards(store: Subject, _: &HandClock) {
    let other = Note::new("khác", "", "x");
    let mut version = 0;
    for n in 0..4 {
        let note = Note::new("bài", "", &format!("bản {n}"));
        let expect = if n == 0 { Expect::Absent } else { Expect::Version(version) };
        version = store.commit(by(&format!("việc {n}")).put(&note, expect)).await.unwrap();
        store.commit(by("khác").put(&other, Expect::Any)).await.unwrap();
    }
    let past = store.past::<Note>("bài", 9).await.unwrap();
    let told: Vec<_> = past.iter().map(|past| past.entry.changes.what.as_str()).collect();
    assert_eq!(told, ["việc 3", "việc 2", "việc 1", "việc 0"]);
    let last = store.read::<Note>("bài").await.unwrap().unwrap();
    assert_eq!((&past[0].record, past[0].entry.seq), (&last.record, last.version));
    assert_eq!(store.past::<Note>("bài", 2).await.unwrap(), past[..2]);
    // Nobody said what was there before: that is as far as it goes.
    assert_eq!(store.past::<Note>("khác", 9).await.unwrap().len(), 1);
    assert_eq!(store.past::<Note>("không có", 9).await.unwrap(), []);
}

/// A watcher sees that something was committed, and the number of the last commit.
pub async fn watchers_wake_at_every_commit(store: Subject, clock: &HandClock) {
    let mut watch = store.watch();
    assert!(!watch.has_changed().unwrap());
    store.commit(by("add").enqueue(job(1, clock))).await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(*watch.borrow_and_update(), 1);
    store.claim(super::KINDS, "máy-một", 1, super::MINUTE).await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!((*watch.borrow_and_update(), store.last_seq()), (2, 2));
}
