//! Disks that are full or fail: what was acknowledged stays, what cannot be kept is refused, and a sync is never tried twice.

use std::{process::Command, sync::Arc, time::Duration};

use super::{SEGMENT, changes, clock, open};
use crate::{
    Error, JobEnd, SledStore, Store,
    ledger::{
        DiskFolder, Ledger, LogFolder as _, Unwritten,
        simulated::{Disk, Loss},
    },
    rows::MemoryRows,
};

const MINUTE: Duration = Duration::from_mins(1);
const BALLAST: u64 = 64 << 20;

fn store(disk: &Disk, low: u64) -> SledStore {
    let rows = Arc::new(MemoryRows::default());
    SledStore::inline(clock(), rows, Arc::new(disk.clone()), SEGMENT, low).unwrap()
}

fn used(disk: &Disk) -> u64 {
    disk.files().iter().map(|(_, bytes)| bytes.len() as u64).sum()
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_and_nothing_is_tried_again() {
    let disk = Disk::default();
    let store = store(&disk, 0);
    store.commit(changes(1)).await.unwrap();
    disk.fail_syncs(1);
    let failed = store.commit(changes(2)).await;
    assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("sync")), "{failed:?}");
    let operations = disk.operations();
    for n in 3..6 {
        let failed = store.commit(changes(n)).await;
        assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("sync")), "{failed:?}");
        assert!(store.claim(&["ingest"], "máy", 1, MINUTE).await.is_err());
    }
    assert_eq!(disk.operations(), operations, "the disk was asked again");
    assert_eq!(store.last_seq(), 1);
    let store = self::store(&disk.power_cycle(Loss::All), 0);
    assert_eq!(store.commit(changes(2)).await.unwrap(), 2);
}

#[tokio::test]
async fn a_failed_write_costs_that_commit_only() {
    let disk = Disk::default();
    let store = store(&disk, 0);
    store.commit(changes(1)).await.unwrap();
    let claimed = store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap().remove(0);
    store.heartbeat(&claimed, MINUTE * 3).await.unwrap();
    disk.fail_appends(1);
    let failed = store.commit(changes(2)).await;
    assert!(matches!(&failed, Err(Error::Io(why)) if why.contains("append")), "{failed:?}");
    assert!(store.get("agency", "tỉnh-2").await.unwrap().is_none());
    assert_eq!(store.commit(changes(2)).await.unwrap(), 3);
    assert!(!store.heartbeat(&claimed, MINUTE).await.unwrap(), "the running job is still ours");
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(self::store(&disk.power_cycle(Loss::All), 0).last_seq(), 3);
}

/// Found by the simulation: the next commit needs a new segment, and the disk takes nothing for a while.
#[tokio::test]
async fn a_write_that_fails_at_the_start_of_a_segment_costs_that_commit_only() {
    let disk = Disk::default();
    let store = store(&disk, 0);
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
    assert_eq!(self::store(&disk.power_cycle(Loss::All), 0).last_seq(), last + 7);
}

#[tokio::test]
async fn a_nearly_full_disk_hands_out_no_work_and_records_what_runs() {
    let (disk, low) = (Disk::default(), 20_000);
    disk.set_capacity(BALLAST + 2 * low);
    let store = store(&disk, low);
    assert_eq!(disk.ballast(), BALLAST);
    store.commit(changes(1)).await.unwrap();
    store.commit(changes(2)).await.unwrap();
    let claimed = store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap().remove(0);
    let lease = store.lease_account("memory:a", "máy", MINUTE).await.unwrap().unwrap();
    assert!(store.room().await.unwrap().enough);
    let mut n = 2;
    while store.room().await.unwrap().free_bytes >= low {
        n += 1;
        store.commit(changes(n)).await.unwrap();
    }
    // Nothing new begins.
    assert!(!store.room().await.unwrap().enough);
    assert_eq!(store.claim(&["ingest"], "máy", 9, MINUTE).await.unwrap(), []);
    assert_eq!(store.lease_account("memory:b", "máy", MINUTE).await.unwrap(), None);
    // What runs goes on: its lease, its records, its end.
    assert_eq!(store.lease_account("memory:a", "máy", MINUTE).await.unwrap(), Some(lease.clone()));
    assert!(!store.heartbeat(&claimed, MINUTE).await.unwrap());
    store.finish(&claimed, JobEnd::Complete).await.unwrap();
    while disk.ballast() > 0 {
        n += 1;
        store.commit(changes(n)).await.unwrap();
    }
    for _ in 0..40 {
        n += 1;
        store.commit(changes(n)).await.unwrap();
    }
    assert!(used(&disk) > 2 * low, "the ballast was needed");
    store.release_account(&lease).await.unwrap();
    assert_eq!(store.lease_account("memory:a", "máy", MINUTE).await.unwrap(), None);
    // Somebody made room.
    disk.set_capacity(used(&disk) + BALLAST + 2 * low);
    assert_eq!(store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap().len(), 1);
    assert_eq!(disk.ballast(), BALLAST);
    assert!(store.verify().await.unwrap().is_sound());
    assert_eq!(self::store(&disk.power_cycle(Loss::All), low).last_seq(), store.last_seq());
}

#[tokio::test]
async fn the_commit_that_meets_a_full_disk_is_kept_on_the_ballast() {
    let disk = Disk::default();
    let store = store(&disk, 0);
    store.commit(changes(1)).await.unwrap();
    assert_eq!(disk.ballast(), BALLAST);
    disk.set_capacity(used(&disk) + BALLAST + 100);
    assert_eq!(store.commit(changes(2)).await.unwrap(), 2);
    assert_eq!(disk.ballast(), 0);
    assert_eq!(store.claim(&["ingest"], "máy", 1, MINUTE).await.unwrap(), []);
    assert_eq!(self::store(&disk.power_cycle(Loss::All), 0).last_seq(), 2);
}

#[test]
fn a_disk_that_is_full_at_any_byte_keeps_what_was_acknowledged_and_goes_on_when_there_is_room() {
    let mut refused_at_rotation = 0;
    // From the middle of the first segment into the second.
    for room in (1800..2600).step_by(2) {
        let disk = Disk::default();
        disk.set_capacity(room);
        let mut clerk = open(&disk).unwrap();
        let mut kept = Vec::new();
        let mut attempted = Vec::new();
        while clerk.commit(1, &mut attempted).is_ok() {
            kept.clone_from(&attempted);
        }
        let full = clerk.ledger.append(clerk.engine.staged());
        assert!(matches!(full, Err(Unwritten::Full(_))), "{full:?}");
        clerk.engine.forget().unwrap();
        let rotates = format!("{full:?}").contains("cannot start");
        refused_at_rotation += u32::from(rotates);
        for left in
            [disk.next_process(), disk.power_cycle(Loss::All), disk.power_cycle(Loss::Tail(500))]
        {
            assert_eq!(open(&left).unwrap().entries(), kept, "room {room}");
        }
        disk.set_capacity(1 << 20);
        for _ in 0..5 {
            clerk.commit(1, &mut kept).unwrap();
        }
        assert_eq!(open(&disk.power_cycle(Loss::All)).unwrap().entries(), kept, "room {room}");
    }
    assert!(refused_at_rotation > 2, "no segment was begun on a full disk");
}

#[test]
fn power_lost_while_a_segment_is_begun_on_a_full_disk_loses_nothing() {
    // As much as leaves no room for the first bytes of the second segment.
    let capacity = (1500..3000)
        .find(|bytes| {
            let disk = Disk::default();
            disk.set_capacity(*bytes);
            let mut clerk = open(&disk).unwrap();
            while clerk.commit(1, &mut Vec::new()).is_ok() {}
            format!("{:?}", clerk.ledger.append(clerk.engine.staged())).contains("cannot start")
        })
        .unwrap();
    for operation in 0.. {
        let disk = Disk::default();
        disk.set_capacity(capacity);
        disk.lose_power_at(operation);
        let (mut attempted, mut acknowledged) = (Vec::new(), 0);
        if let Ok(mut clerk) = open(&disk) {
            for _ in 0..6 {
                match clerk.commit(1, &mut attempted) {
                    Ok(seq) => acknowledged = seq,
                    Err(_) => clerk.engine.forget().unwrap(),
                }
            }
        }
        for loss in [Loss::All, Loss::Tail(500), Loss::Scattered(operation)] {
            let found = open(&disk.power_cycle(loss)).unwrap().entries();
            assert!(found.len() as u64 >= acknowledged, "operation {operation}, {loss:?}");
        }
        if disk.operations() < operation {
            break;
        }
    }
}

#[test]
fn a_real_file_that_may_not_grow_refuses_and_keeps_whole_records() {
    let folder = tempfile::tempdir().unwrap();
    // The limit of the shell holds for the child; the signal it would be killed by is ignored.
    let shell = "trap '' XFSZ; ulimit -f 40; exec \"$@\"";
    let child = Command::new("sh")
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::tests::trouble::writes_into_a_file_that_may_not_grow"])
        .args(["--ignored", "--nocapture"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{told} {}", String::from_utf8_lossy(&child.stderr));
    let kept = told.lines().filter_map(|line| line.split("durable ").nth(1)).next_back();
    let kept: u64 = kept.unwrap().trim().parse().unwrap();
    assert!(kept > 5, "{told}");
    let disk = Arc::new(DiskFolder::open(&folder.path().join("ledger")).unwrap());
    let ledger = Ledger::open(disk, 1 << 20, None).unwrap();
    assert_eq!((ledger.end().0, ledger.cut()), (kept, 0));
}

#[test]
#[ignore = "the child process of the test above"]
fn writes_into_a_file_that_may_not_grow() {
    let folder = std::env::current_dir().unwrap().join("ledger");
    let disk = Arc::new(DiskFolder::open(&folder).unwrap());
    let ledger = Ledger::open(disk.clone(), 1 << 20, None).unwrap();
    let engine = crate::engine::Engine::load(Arc::new(MemoryRows::default()), ledger.at()).unwrap();
    let mut clerk = super::Desk { engine, ledger };
    let name = disk.list().unwrap().remove(0);
    loop {
        match clerk.commit(1, &mut Vec::new()) {
            Ok(seq) => println!("durable {seq}"),
            Err(Unwritten::Refused(why)) => {
                assert!(why.contains("append"), "{why}");
                break;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let length = disk.read(&name).unwrap().len().unwrap();
    for _ in 0..3 {
        let again = clerk.ledger.append(clerk.engine.staged());
        assert!(matches!(again, Err(Unwritten::Refused(_))), "{again:?}");
        assert_eq!(disk.read(&name).unwrap().len().unwrap(), length, "half a record is left");
    }
}
