//! What opening checks: what is new after a clean end or a kill, everything when there is any doubt.

use std::{fs, path::Path, sync::Arc};

use loa_store::{Error, Options, SledStore, Store, conformance::HandClock};

use crate::{copy, fill, first_segment, flip_middle, killed_behind, open, set_aside, sound};

/// Segments so small that a few records fill one.
fn small() -> Options {
    Options { segment_bytes: 4000, ..Options::default() }
}

/// A folder that ended cleanly with so many records, in many segments.
async fn ended(dir: &Path, clock: &Arc<HandClock>, records: u64) {
    let store = SledStore::open(dir, clock.clone(), small()).unwrap();
    fill(&store, records).await;
}

#[tokio::test]
async fn a_clean_end_leaves_nothing_to_check() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    ended(folder.path(), &clock, 200).await;
    let boot = Some("hôm sau".to_owned());
    for options in [small(), Options { boot_id: boot, ..small() }] {
        let store = SledStore::open(folder.path(), clock.clone(), options).unwrap();
        let recovery = store.recovery();
        assert_eq!((recovery.checked, recovery.replayed, &recovery.rebuilt), (0, 0, &None));
        assert_eq!((store.last_seq(), store.tail(0, 999).await.unwrap().len()), (200, 200));
        assert_eq!(store.tail(123, 1).await.unwrap()[0].seq, 124);
        sound(&store).await;
    }
}

#[tokio::test]
async fn after_a_kill_only_what_came_behind_the_checkpoint_is_checked() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let data = killed_behind(folder.path(), 120);
    let checked = open(&data, &clock).recovery().checked;
    assert!(checked > 0 && checked < 30, "{checked}: a checkpoint is kept when a segment begins");
    killed_behind(folder.path(), 123);
    let store = open(&data, &clock);
    assert_eq!((store.recovery().checked, &store.recovery().rebuilt), (3, &None));
    assert_eq!(sound(&store).await.last_seq, 123);
}

#[tokio::test]
async fn after_the_machine_went_down_everything_is_checked_and_built_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let data = killed_behind(folder.path(), 120);
    let boot_id = Some("sau khi mất điện".to_owned());
    let options = Options { boot_id, ..Options::default() };
    let store = SledStore::open(&data, clock.clone(), options).unwrap();
    let recovery = store.recovery();
    assert_eq!((recovery.checked, recovery.replayed, set_aside(&data)), (120, 120, 1));
    sound(&store).await;
}

#[tokio::test]
async fn a_copy_made_while_it_ran_is_checked_and_built_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let data = killed_behind(folder.path(), 60);
    let other = folder.path().join("bản chép");
    copy(&data, &other);
    let store = open(&other, &clock);
    let why = store.recovery().rebuilt.clone().unwrap();
    assert!(why.contains("copy"), "{why}");
    assert_eq!((store.recovery().checked, sound(&store).await.last_seq), (60, 60));
    // One that was made after a clean end is as good as the first.
    drop(store);
    let third = folder.path().join("bản chép nữa");
    copy(&other, &third);
    assert_eq!(open(&third, &clock).recovery().rebuilt, None);
}

#[tokio::test]
async fn a_ledger_without_its_checkpoint_is_checked_whole() {
    type Spoil = fn(&Path);
    let clock = Arc::new(HandClock::default());
    let spoils: [(&str, Spoil); 4] = [
        ("no checkpoint", |dir| fs::remove_file(dir.join("checkpoint")).unwrap()),
        ("no JSON", |dir| fs::write(dir.join("checkpoint"), "{\"seq\":").unwrap()),
        ("another record", |dir| {
            let text = fs::read_to_string(dir.join("checkpoint")).unwrap();
            fs::write(dir.join("checkpoint"), text.replace("\"seq\":90", "\"seq\":89")).unwrap();
        }),
        ("another place", |dir| {
            let text = fs::read_to_string(dir.join("checkpoint")).unwrap();
            fs::write(dir.join("checkpoint"), text.replace("\"offset\":", "\"offset\":1")).unwrap();
        }),
    ];
    for (name, spoil) in spoils {
        let folder = tempfile::tempdir().unwrap();
        ended(folder.path(), &clock, 90).await;
        spoil(folder.path());
        let store = SledStore::open(folder.path(), clock.clone(), small()).unwrap();
        assert_eq!((store.recovery().checked, &store.recovery().rebuilt), (90, &None), "{name}");
        sound(&store).await;
    }
}

#[tokio::test]
async fn a_segment_that_is_shorter_or_gone_is_found_at_once() {
    let clock = Arc::new(HandClock::default());
    let spoils: [fn(&Path); 2] = [
        |segment| fs::remove_file(segment).unwrap(),
        |segment| {
            let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
            file.set_len(file.metadata().unwrap().len() - 1).unwrap();
        },
    ];
    for spoil in spoils {
        let folder = tempfile::tempdir().unwrap();
        ended(folder.path(), &clock, 90).await;
        spoil(&first_segment(folder.path()));
        let opened = SledStore::open(folder.path(), clock.clone(), small());
        assert!(matches!(&opened, Err(Error::Io(why)) if why.contains("damaged")), "{opened:?}");
        assert_eq!(set_aside(folder.path()), 0, "a damaged ledger leaves the rest as it is");
    }
}

#[tokio::test]
async fn an_index_without_its_ledger_is_no_beginning() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    ended(folder.path(), &clock, 9).await;
    fs::remove_dir_all(folder.path().join("ledger")).unwrap();
    for _ in 0..2 {
        let opened = SledStore::open(folder.path(), clock.clone(), small());
        assert!(matches!(&opened, Err(Error::Io(why)) if why.contains("no ledger")), "{opened:?}");
    }
}

#[tokio::test]
async fn what_opening_does_not_read_verify_does_and_then_opening_too() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    ended(folder.path(), &clock, 90).await;
    flip_middle(&first_segment(folder.path()));
    let store = SledStore::open(folder.path(), clock.clone(), small()).unwrap();
    assert_eq!(store.recovery().checked, 0);
    let flaws = store.verify().await.unwrap().flaws.join("; ");
    assert!(flaws.contains("damaged at record"), "{flaws}");
    let rebuilt = store.rebuild().await;
    assert!(rebuilt.is_err(), "no index is built from a damaged ledger");
    drop(store);
    let opened = SledStore::open(folder.path(), clock.clone(), small());
    assert!(matches!(&opened, Err(Error::Io(why)) if why.contains("backup")), "{opened:?}");
}
