//! Over its life: ended, opened again, owned.

use std::sync::Arc;

use loa_model::{Clock as _, Job, JobState};
use loa_store::{
    Error, JobEnd, Options, SledStore, Store, StoreExt as _,
    conformance::{HandClock, Note, by, job},
};

use crate::{MINUTE, fill, open, sound};

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

#[tokio::test]
async fn poison_is_counted_over_restarts_and_by_a_rebuilt_index() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(HandClock::default()));
    let poison = Job { max_attempts: 9, ..job(1, &clock) };
    let store = open(folder.path(), &clock);
    store.commit(by("add").enqueue(poison.clone())).await.unwrap();
    drop(store);
    for start in 1..=3 {
        let store = open(folder.path(), &clock);
        let owner = format!("máy#{start}");
        assert_eq!(store.claim(&["ingest"], &owner, 1, MINUTE).await.unwrap().len(), 1, "{owner}");
        // This start ends without a word about the job, and the index with it.
        drop(store);
        std::fs::remove_dir_all(folder.path().join("index")).unwrap();
        clock.advance(MINUTE);
    }
    let store = open(folder.path(), &clock);
    assert_eq!(store.claim(&["ingest"], "máy#4", 1, MINUTE).await.unwrap(), []);
    let over = store.jobs(Some(JobState::Discarded), 9).await.unwrap().remove(0);
    assert_eq!((over.job.id, over.lost), (poison.id, 3));
    assert_eq!(over.reason, "poison: 3 workers went silent over it, máy#3 last");
    sound(&store).await;
}
