//! Opening: what is believed after how the last run ended, and what is checked or built anew.

use std::{path::Path, sync::Arc};

use loa_model::seams::SharedClock;
use tokio::sync::watch;

use super::SledStore;
use crate::{
    changes::Seq,
    engine::Engine,
    error::{Error, Result},
    folder::{DataFolder, Trust},
    ledger::{Checkpoint, DiskFolder, Ledger, LogFolder},
    replay::Replay,
    reserve::{LOW, Reserve},
    rows::Rows,
    sled_rows::SledRows,
    writer::{Desk, Driver, Keep, Writer},
};

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A new ledger segment is begun beyond this many bytes.
    pub segment_bytes: u64,
    /// Memory for the index's pages, in bytes.
    pub cache_bytes: u64,
    /// With less room than this on the disk no new work is handed out, in bytes.
    pub low_bytes: u64,
    /// Id of the machine's boot, in place of what Linux says: tests play a restart of the machine with it.
    pub boot_id: Option<String>,
    /// A seam for tests of the real binary: the process aborts right after this record is durable and before anybody is
    /// told so. Nothing happens when it is there already. Never set in operation.
    pub abort_after_seq: Option<Seq>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            low_bytes: LOW,
            boot_id: None,
            abort_after_seq: None,
        }
    }
}

/// What opening checked and had to repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records of the ledger that were checked: all, or those behind the last checkpoint.
    pub checked: u64,
    /// Bytes of a torn record that were cut off the ledger; it was never acknowledged.
    pub cut_bytes: u64,
    /// Records the index lacked and was given.
    pub replayed: u64,
    /// Why the index was built anew, when it was.
    pub rebuilt: Option<String>,
}

/// A ledger and the index that belongs to it.
struct Pair {
    ledger: Ledger,
    rows: SledRows,
}

impl SledStore {
    /// Opens the store of a folder, made when it is not there: checks the ledger behind the last checkpoint and gives the
    /// index what it lacks. After an end that was not clean, or when anything does not fit, checks all of the ledger and
    /// builds the index anew. Blocks; call it before the async work begins.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has the folder, [`Error::Newer`] when a newer release wrote it,
    /// [`Error::Io`] when the ledger is damaged.
    pub fn open(dir: &Path, clock: SharedClock, options: Options) -> Result<Self> {
        let Options { segment_bytes, cache_bytes, low_bytes, boot_id, abort_after_seq } = options;
        let folder = Arc::new(DataFolder::open(dir, boot_id)?);
        let disk = DiskFolder::open(&folder.ledger());
        let disk: Arc<dyn LogFolder> =
            Arc::new(disk.map_err(|error| Error::Io(format!("ledger: {error}")))?);
        let opening = Opening { folder, disk, segment_bytes, cache_bytes };
        let trust = opening.folder.trust();
        if trust != Trust::Fresh && !Ledger::is_there(opening.disk.as_ref())? {
            return Err(Error::Io(format!(
                "{} holds an index and no ledger: put its ledger back, or restore a backup into an empty folder",
                dir.display()
            )));
        }
        let believed = match trust {
            Trust::Fresh => Ok(opening.anew(None)?),
            Trust::Whole(checkpoint) => opening.believe(checkpoint.as_ref())?,
            Trust::Doubtful(why) => Err(why),
        };
        let (Pair { ledger, rows }, rebuilt) = match believed {
            Ok(pair) => (pair, None),
            Err(why) => (opening.anew(Some(&why))?, Some(why)),
        };
        let Opening { folder, disk, .. } = opening;
        let keeper = folder.clone();
        let seat = Seat {
            rows: Arc::new(rows),
            ledger,
            reserve: Reserve::new(disk, low_bytes),
            abort_after: abort_after_seq,
            keep: Box::new(move |checkpoint| keeper.keep(checkpoint)),
        };
        let mut store = Self::start(clock, seat, Driver::threaded)?;
        store.recovery.rebuilt = rebuilt;
        store.folder = Some(folder);
        Ok(store)
    }

    /// A store over any folder of segments and any rows, on the caller's thread: for simulations.
    #[cfg(feature = "simulation")]
    pub(crate) fn inline(
        clock: SharedClock,
        rows: Arc<dyn Rows>,
        disk: Arc<dyn LogFolder>,
        segment_bytes: u64,
        low_bytes: u64,
    ) -> Result<Self> {
        let ledger = Ledger::open(disk.clone(), segment_bytes, None)?;
        let reserve = Reserve::new(disk, low_bytes);
        let keep: Keep = Box::new(|_| Ok(()));
        let seat = Seat { rows, ledger, reserve, abort_after: None, keep };
        let inline = |writer| Ok(Driver::Inline(Box::new(std::sync::Mutex::new(writer))));
        Self::start(clock, seat, inline)
    }

    fn start(
        clock: SharedClock,
        seat: Seat,
        driver: impl FnOnce(Writer) -> Result<Driver>,
    ) -> Result<Self> {
        let Seat { rows, ledger, reserve, abort_after, keep } = seat;
        let replayed = catch_up(&ledger, rows.as_ref())?;
        let (checked, cut_bytes) = (ledger.checked(), ledger.cut());
        let recovery = Recovery { checked, cut_bytes, replayed, rebuilt: None };
        let reader = ledger.reader();
        let (news, seq) = watch::channel(ledger.end().0);
        let engine = Engine::load(rows.clone(), ledger.at())?;
        let desk = Desk { engine, ledger, reserve };
        let driver = driver(Writer::new(desk, news, abort_after, keep))?;
        Ok(Self { clock, rows, reader, driver, seq, recovery, folder: None })
    }
}

/// What a store is made of.
struct Seat {
    rows: Arc<dyn Rows>,
    ledger: Ledger,
    reserve: Reserve,
    abort_after: Option<Seq>,
    keep: Keep,
}

/// What is opened, and how.
struct Opening {
    folder: Arc<DataFolder>,
    disk: Arc<dyn LogFolder>,
    segment_bytes: u64,
    cache_bytes: u64,
}

impl Opening {
    /// Checks all of the ledger and begins an empty index; the one that is there is set aside for a reason.
    fn anew(&self, why: Option<&str>) -> Result<Pair> {
        let folder = &self.folder;
        folder.forget_checkpoint()?;
        // A ledger that is damaged leaves the index where it is.
        let ledger = Ledger::open(self.disk.clone(), self.segment_bytes, None)?;
        if let Some(why) = why {
            let aside = folder.set_index_aside()?;
            let aside = aside.display();
            tracing::warn!(
                "Building the index anew from the ledger: {why}; the old one is {aside} · \
                 Đang dựng lại chỉ mục từ sổ cái; chỉ mục cũ ở {aside}"
            );
        }
        folder.begin()?;
        let rows = SledRows::open(folder.clone(), self.cache_bytes)?;
        Ok(Pair { ledger, rows })
    }

    /// Checks the ledger from a checkpoint on and opens the index as it is; the inner error says why it is not believed.
    fn believe(&self, checkpoint: Option<&Checkpoint>) -> Result<Result<Pair, String>> {
        let ledger = Ledger::open(self.disk.clone(), self.segment_bytes, checkpoint)?;
        let opened = self.folder.begin().and_then(|()| {
            let rows = SledRows::open(self.folder.clone(), self.cache_bytes)?;
            let (begun, applied) = (rows.begun()?, rows.applied()?);
            Ok((rows, begun, applied))
        });
        let (rows, begun, (seq, hash)) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(format!("the index cannot be read ({error})"))),
        };
        let (end, _) = ledger.end();
        if begun > end {
            return Ok(Err(format!("the index knows record {begun} and the ledger ends at {end}")));
        }
        if ledger.reader().hash_of(seq)? != hash {
            return Ok(Err(format!("record {seq} of the index is not the ledger's")));
        }
        Ok(Ok(Pair { ledger, rows }))
    }
}

/// Gives rows the records they lack. Returns how many that were.
fn catch_up(ledger: &Ledger, rows: &dyn Rows) -> Result<u64> {
    let (applied, _) = rows.applied()?;
    let mut replay = Replay::onto(rows);
    ledger.reader().read(applied, ledger.end().0, &mut |record| replay.take(record))?;
    replay.end()
}
