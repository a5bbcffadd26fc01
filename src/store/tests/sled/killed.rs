//! A process that dies has kept what it told.

use std::{
    io::{BufRead as _, BufReader},
    sync::Arc,
};

use loa_model::JobState;
use loa_store::{Options, SledStore, Store, conformance::HandClock};

use crate::{child, open, set_aside, sound, writer};

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

#[tokio::test]
async fn a_process_killed_under_load_leaves_an_index_that_is_made_whole() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let (mut kept, mut replayed) = (0, 0);
    for round in 0..5 {
        let mut child = child(folder.path(), "writes_much_until_it_dies");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = lines.filter_map(|line| durable(&line)).take(40 + round * 97);
        let told = told.fold(kept, u64::max);
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(&folder.path().join("data"), &clock);
        kept = store.last_seq();
        assert!(kept >= told, "told {told}, kept {kept}");
        assert_eq!(store.recovery().rebuilt, None);
        replayed += store.recovery().replayed;
        assert_eq!(sound(&store).await.last_seq, kept);
    }
    assert!(replayed > 0, "the index never lacked anything");
}
