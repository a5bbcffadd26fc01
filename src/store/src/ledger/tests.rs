//! The ledger on a disk that loses power: nothing acknowledged is missing, nothing torn is read.

mod room;
mod trouble;

use std::{sync::Arc, time::Duration};

use loa_model::{
    Actor, Agency, Clock, Job, JobId, JobKind,
    seams::{BoxFuture, SharedClock},
};

use super::{
    HEADER, Ledger, Unwritten,
    simulated::{Disk, Loss},
};
use crate::{Changes, Entry, Error, Expect, Seq, engine::Engine, replay::Replay, rows::MemoryRows};

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
        urgent_alone: false,
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
    let ledger = Ledger::open(Arc::new(disk.clone()), SEGMENT, None)?;
    let rows = Arc::new(MemoryRows::default());
    let mut replay = Replay::onto(rows.as_ref());
    ledger.reader().read(0, ledger.end().0, &mut |record| replay.take(record))?;
    replay.end()?;
    Ok(Desk { engine: Engine::load(rows, ledger.at())?, ledger })
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
        self.engine.apply(&mut || ()).unwrap();
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
fn checking_from_any_checkpoint_finds_what_checking_all_finds() {
    let whole = Disk::default();
    work_until_dark(&whole, 12, &mut Vec::new());
    let mut spared = 0;
    for operation in 0..whole.operations() {
        let disk = Disk::default();
        disk.lose_power_at(operation);
        let mut checkpoints = Vec::new();
        if let Ok(mut clerk) = open(&disk) {
            for round in 0..12 {
                if clerk.commit(round % 3 + 1, &mut Vec::new()).is_err() {
                    break;
                }
                checkpoints.extend(clerk.ledger.checkpoint());
            }
        }
        for left in
            [disk.next_process(), disk.power_cycle(Loss::All), disk.power_cycle(Loss::Tail(350))]
        {
            let files = left.files();
            let all = open(&left).unwrap();
            for checkpoint in &checkpoints {
                let again = Disk::with(files.clone());
                let from =
                    Ledger::open(Arc::new(again.clone()), SEGMENT, Some(checkpoint)).unwrap();
                let place = format!("operation {operation}, checkpoint {}", checkpoint.seq);
                assert_eq!((from.end(), from.at()), (all.ledger.end(), all.ledger.at()), "{place}");
                assert_eq!(from.checked(), from.end().0 - checkpoint.seq, "{place}");
                assert_eq!(from.reader().entries(0, from.end().0, 99).unwrap(), all.entries());
                assert_eq!(
                    (again.files(), from.checkpoint()),
                    (left.files(), all.ledger.checkpoint())
                );
                spared += checkpoint.seq;
            }
        }
    }
    assert!(spared > 0);
}

#[test]
fn a_flipped_byte_behind_a_checkpoint_is_reported() {
    let disk = Disk::default();
    let mut clerk = open(&disk).unwrap();
    clerk.commit(2, &mut Vec::new()).unwrap();
    let checkpoint = clerk.ledger.checkpoint().unwrap();
    let sound = disk.files().remove(0).1.len();
    for _ in 0..3 {
        clerk.commit(1, &mut Vec::new()).unwrap();
    }
    let files = disk.files();
    // Record 3 was followed by another group, so it was acknowledged.
    for at in sound..sound + 200 {
        let mut wrong = files.clone();
        wrong[0].1[at] ^= 1;
        let opened = Ledger::open(Arc::new(Disk::with(wrong)), SEGMENT, Some(&checkpoint));
        assert!(matches!(&opened, Err(Error::Io(why)) if why.contains("damaged at record 3")));
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
