//! The ledger on a disk that loses power: nothing acknowledged is missing, nothing torn is read.

use std::{sync::Arc, time::Duration};

use loa_model::{
    Actor, Agency, Clock, Job, JobId, JobKind,
    seams::{BoxFuture, SharedClock},
};

use super::{
    HEADER, Ledger, Unwritten,
    simulated::{Disk, Loss},
};
use crate::{
    Changes, Entry, Error, Expect, Seq, SledStore, Store,
    engine::Engine,
    rows::{MemoryRows, Rows},
    sled_store::apply,
};

const SEGMENT: u64 = 1500;

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> jiff::Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn clock() -> SharedClock {
    Arc::new(Noon)
}

fn changes(n: u64) -> Changes {
    let agency = Agency {
        name: format!("tỉnh-{}", n % 5),
        title: format!("Cổng thông tin – đặt tên lần {n}: ẫ ễ ộ ữ ặ"),
        brand: "demo".to_owned(),
        zone: "Asia/Ho_Chi_Minh".to_owned(),
    };
    let id: JobId = format!("00000000-0000-7000-8000-{n:012}").parse().unwrap();
    let work = JobKind::Ingest { source: format!("bài {n}"), agency: agency.name.clone() };
    Changes::by(Actor::Worker("máy".to_owned()), format!("việc {n}"))
        .put(&agency, Expect::Any)
        .enqueue(Job::new(id, "demo", work, clock().now()))
}

struct Desk {
    engine: Engine,
    ledger: Ledger,
}

fn open(disk: &Disk) -> crate::Result<Desk> {
    let ledger = Ledger::open(Arc::new(disk.clone()), SEGMENT, &mut |_| Ok(()))?;
    let rows = Arc::new(MemoryRows::default());
    ledger.replay(0, &mut |record| apply(record, rows.as_ref()))?;
    let at = ledger.last().map_or(jiff::Timestamp::MIN, |entry| entry.at);
    Ok(Desk { engine: Engine::load(rows, at)?, ledger })
}

impl Desk {
    /// Commits a group of so many; what was attempted is added to `attempted`, acknowledged or not.
    fn commit(&mut self, group: u64, attempted: &mut Vec<Entry>) -> Result<Seq, Unwritten> {
        for _ in 0..group {
            let n = self.engine.seq() + 1;
            self.engine.commit(clock().now(), changes(n)).unwrap();
        }
        attempted.extend(self.engine.staged().iter().map(|staged| staged.entry.clone()));
        self.ledger.append(self.engine.staged())?;
        self.engine.apply().unwrap();
        Ok(self.engine.seq())
    }

    fn entries(&self) -> Vec<Entry> {
        self.ledger.reader().entries(0, self.ledger.end().0, usize::MAX).unwrap()
    }
}

/// Commits groups of 1 to 3 until the power goes. Returns the last acknowledged record.
fn work_until_dark(disk: &Disk, rounds: u64, attempted: &mut Vec<Entry>) -> Seq {
    let Ok(mut clerk) = open(disk) else { return 0 };
    let mut acknowledged = clerk.engine.seq();
    for round in 0..rounds {
        match clerk.commit(round % 3 + 1, attempted) {
            Ok(seq) => acknowledged = seq,
            Err(_) => break,
        }
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_missing_after_a_power_loss_at_any_operation() {
    let whole = Disk::default();
    assert_eq!(work_until_dark(&whole, 12, &mut Vec::new()), 24);
    let segments = whole.files().len();
    assert!(segments > 3, "{segments} segments: rotation is not in the test");
    let losses = (0..7).map(Loss::Scattered).chain([1, 350, 999].map(Loss::Tail));
    let losses: Vec<Loss> = losses.chain([Loss::All]).collect();
    for operation in 0..whole.operations() {
        let disk = Disk::default();
        disk.lose_power_at(operation);
        let mut attempted = Vec::new();
        let acknowledged = work_until_dark(&disk, 12, &mut attempted);
        for &loss in &losses {
            let place = format!("operation {operation}, {loss:?}");
            let back = disk.power_cycle(loss);
            let mut clerk = open(&back).unwrap_or_else(|error| panic!("{place}: {error}"));
            let found = clerk.entries();
            assert!(found.len() as u64 >= acknowledged, "{place}: an acknowledged record is gone");
            assert_eq!(found, attempted[..found.len()], "{place}");
            // And again, after more work: what was kept without having been acknowledged must be durable by now.
            let mut attempted = found;
            let seq = clerk.commit(2, &mut attempted).unwrap();
            drop(clerk);
            let again = open(&back.power_cycle(Loss::All)).unwrap();
            assert_eq!((again.entries(), again.engine.seq()), (attempted, seq), "{place}");
        }
    }
}

#[test]
fn what_a_killed_process_left_is_durable_before_anybody_acts_on_it() {
    let whole = Disk::default();
    work_until_dark(&whole, 6, &mut Vec::new());
    for operation in 0..whole.operations() {
        let disk = Disk::default();
        disk.lose_power_at(operation);
        let acknowledged = work_until_dark(&disk, 6, &mut Vec::new());
        let next = disk.next_process();
        let found = open(&next).unwrap().entries();
        assert!(found.len() as u64 >= acknowledged, "operation {operation}");
        let after = open(&next.power_cycle(Loss::All)).unwrap();
        assert_eq!(after.entries(), found, "operation {operation}");
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_and_the_rest_kept() {
    let disk = Disk::default();
    let mut clerk = open(&disk).unwrap();
    let mut entries = Vec::new();
    clerk.commit(1, &mut entries).unwrap();
    let before = disk.files().remove(0).1.len();
    clerk.commit(1, &mut entries).unwrap();
    let (name, bytes) = disk.files().remove(0);
    for end in before..bytes.len() {
        let torn = Disk::with([(name.clone(), bytes[..end].to_vec())]);
        let clerk = open(&torn).unwrap();
        assert_eq!(clerk.entries(), entries[..1], "torn at {end}");
        assert_eq!(clerk.ledger.cut(), (end - before) as u64);
        assert_eq!(torn.files()[0].1.len(), before);
    }
    for at in before..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x10;
        let clerk = open(&Disk::with([(name.clone(), wrong)])).unwrap();
        assert_eq!(clerk.entries(), entries[..1], "wrong at {at}");
    }
}

#[test]
fn a_flipped_byte_in_the_middle_is_reported_and_nothing_is_cut() {
    let disk = Disk::default();
    work_until_dark(&disk, 8, &mut Vec::new());
    let files = disk.files();
    assert!(files.len() > 1);
    for (place, (name, bytes)) in files.iter().enumerate() {
        // Records 14 and 15 are the last group, which may be a torn tail; all before it was acknowledged.
        let last = bytes.windows(9).position(|window| window == b"{\"seq\":14");
        let sound = last.map_or(bytes.len(), |payload| payload - HEADER);
        for at in (0..sound).step_by(7) {
            let mut wrong = files.clone();
            wrong[place].1[at] ^= 1;
            let wrong = Disk::with(wrong);
            let before = wrong.files();
            let Err(Error::Io(why)) = open(&wrong).map(|_| ()) else {
                panic!("{name}, byte {at}: opened")
            };
            assert!(why.contains("damaged at record") && why.contains("backup"), "{why}");
            assert_eq!(wrong.files(), before, "{name}, byte {at}: changed");
        }
    }
}

#[test]
fn a_record_that_was_replaced_breaks_the_chain() {
    let one = Disk::default();
    let mut clerk = open(&one).unwrap();
    let mut entries = Vec::new();
    clerk.commit(1, &mut entries).unwrap();
    let first = one.files().remove(0).1.len();
    clerk.commit(1, &mut entries).unwrap();
    // Another history of the same length, whole in itself.
    let other = Disk::default();
    let mut clerk = open(&other).unwrap();
    let changes = Changes::by(Actor::Operator("kẻ lạ".to_owned()), "forge");
    clerk.engine.commit(clock().now(), changes).unwrap();
    clerk.ledger.append(clerk.engine.staged()).unwrap();
    let (name, mut forged) = other.files().remove(0);
    forged.extend_from_slice(&one.files()[0].1[first..]);
    let Err(Error::Io(why)) = open(&Disk::with([(name, forged)])).map(|_| ()) else {
        panic!("opened")
    };
    assert!(why.contains("chain of hashes"), "{why}");
}

#[test]
fn a_missing_segment_is_reported() {
    let disk = Disk::default();
    work_until_dark(&disk, 12, &mut Vec::new());
    let mut files = disk.files();
    files.remove(1);
    let Err(Error::Io(why)) = open(&Disk::with(files)).map(|_| ()) else { panic!("opened") };
    assert!(why.contains("missing"), "{why}");
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_any_more() {
    let disk = Disk::default();
    let rows = Arc::new(MemoryRows::default());
    let store = SledStore::inline(clock(), rows, Arc::new(disk.clone()), SEGMENT).unwrap();
    store.commit(changes(1)).await.unwrap();
    disk.fail_syncs(1);
    for n in 2..6 {
        let failed = store.commit(changes(n)).await;
        assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("sync")), "{failed:?}");
        assert!(store.claim(&["ingest"], "máy", 1, Duration::from_mins(1)).await.is_err());
    }
    assert_eq!(store.last_seq(), 1);
    let back = disk.power_cycle(Loss::All);
    let rows = Arc::new(MemoryRows::default());
    let store = SledStore::inline(clock(), rows, Arc::new(back), SEGMENT).unwrap();
    assert_eq!(store.commit(changes(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_full_disk_refuses_a_commit_and_takes_the_next() {
    let disk = Disk::default();
    let rows = Arc::new(MemoryRows::default());
    let store = SledStore::inline(clock(), rows, Arc::new(disk.clone()), SEGMENT).unwrap();
    let minute = Duration::from_mins(1);
    store.commit(changes(1)).await.unwrap();
    let claimed = store.claim(&["ingest"], "máy", 1, minute).await.unwrap().remove(0);
    store.heartbeat(&claimed, minute * 3).await.unwrap();
    disk.fail_appends(1);
    let failed = store.commit(changes(2)).await;
    assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("append")), "{failed:?}");
    assert!(store.get("agency", "tỉnh-2").await.unwrap().is_none());
    assert_eq!(store.commit(changes(2)).await.unwrap(), 3);
    assert!(!store.heartbeat(&claimed, minute).await.unwrap(), "the running job is still ours");
    assert!(store.verify().await.unwrap().is_sound());
    let rows: Arc<dyn Rows> = Arc::new(MemoryRows::default());
    let back = Arc::new(disk.power_cycle(Loss::All));
    let store = SledStore::inline(clock(), rows, back, SEGMENT).unwrap();
    assert_eq!(store.last_seq(), 3);
}

/// Found by the simulation (seed 258): the next commit needs a new segment, and the disk is full for a while.
#[tokio::test]
async fn a_full_disk_at_the_start_of_a_segment_refuses_a_commit_and_takes_the_next() {
    let disk = Disk::default();
    let rows = Arc::new(MemoryRows::default());
    let store = SledStore::inline(clock(), rows, Arc::new(disk.clone()), SEGMENT).unwrap();
    let mut last = 0;
    while disk.files().iter().all(|(_, bytes)| (bytes.len() as u64) < SEGMENT) {
        last = store.commit(changes(last + 1)).await.unwrap();
    }
    disk.fail_appends(3);
    for _ in 0..3 {
        let failed = store.commit(changes(last + 1)).await;
        assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("start")), "{failed:?}");
    }
    for n in 1..8 {
        assert_eq!(store.commit(changes(last + n)).await.unwrap(), last + n);
    }
    assert!(disk.files().len() > 2 && store.verify().await.unwrap().is_sound());
    let rows: Arc<dyn Rows> = Arc::new(MemoryRows::default());
    let back = Arc::new(disk.power_cycle(Loss::All));
    let store = SledStore::inline(clock(), rows, back, SEGMENT).unwrap();
    assert_eq!(store.last_seq(), last + 7);
}
