//! The embedded store: the ledger makes durable, sled answers.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_model::{Actor, JobId, JobState, seams::SharedClock};
use tokio::sync::watch;

use crate::{
    changes::{Changes, Entry, Row, Seq},
    contract::Store,
    engine::{Engine, job_row, resolve},
    error::{Error, Result},
    folder::DataFolder,
    lease::{AccountLease, Claimed, JobEnd, JobView},
    ledger::{DiskFolder, Ledger, Reader, Record},
    report::{self, Report},
    rows::{MemoryRows, Rows},
    sled_rows::SledRows,
    writer::{Desk, Driver, Writer},
};

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A new ledger segment is begun beyond this many bytes.
    pub segment_bytes: u64,
    /// Memory for the index's pages, in bytes.
    pub cache_bytes: u64,
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
            boot_id: None,
            abort_after_seq: None,
        }
    }
}

/// What opening had to repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes of a torn record that were cut off the ledger; it was never acknowledged.
    pub cut_bytes: u64,
    /// Records the index lacked and was given.
    pub replayed: u64,
    /// Why the index was built anew, when it was.
    pub rebuilt: Option<String>,
}

/// The embedded store. One process owns its folder; dropping it ends cleanly.
pub struct SledStore {
    clock: SharedClock,
    rows: Arc<dyn Rows>,
    pub(crate) reader: Reader,
    driver: Driver,
    seq: watch::Receiver<Seq>,
    recovery: Recovery,
    folder: Option<DataFolder>,
}

impl SledStore {
    /// Opens the store of a folder, made when it is not there: cuts a torn tail off the ledger, gives the index what it
    /// lacks, and builds it anew when it cannot be trusted. Blocks; call it before the async work begins.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process has the folder, [`Error::Io`] when the ledger is damaged.
    pub fn open(dir: &Path, clock: SharedClock, options: Options) -> Result<Self> {
        let Options { segment_bytes, cache_bytes, boot_id, abort_after_seq } = options;
        let folder = DataFolder::open(dir, boot_id)?;
        let segments = DiskFolder::open(&folder.ledger());
        let segments = segments.map_err(|error| Error::Io(format!("ledger: {error}")))?;
        let mut distrust = folder.distrust().map(str::to_owned);
        let mut rows = None;
        if distrust.is_none() {
            folder.mark(false)?;
            match open_index(&folder, cache_bytes) {
                Ok(opened) => rows = Some(opened),
                Err(why) => distrust = Some(why),
            }
        }
        let applied = rows.as_ref().map_or(Ok(None), |rows| rows.applied().map(Some))?;
        let mut hash_there = None;
        let ledger = Ledger::open(Arc::new(segments), segment_bytes, &mut |record| {
            if applied.is_some_and(|(seq, _)| seq == record.seq) {
                hash_there = Some(record.hash);
            }
            Ok(())
        })?;
        if let Some((seq, hash)) = applied
            && seq > 0
            && hash_there != Some(hash)
        {
            distrust = Some(if seq > ledger.end().0 {
                format!("it knows record {seq} and the ledger ends at {}", ledger.end().0)
            } else {
                format!("its record {seq} is not the ledger's")
            });
        }
        if let Some(why) = &distrust {
            drop(rows.take());
            let aside = folder.set_index_aside()?;
            let aside = aside.display();
            tracing::warn!(
                "Building the index anew from the ledger: {why}; the old one is {aside}"
            );
            folder.mark(false)?;
        }
        let rows = match rows {
            Some(rows) => rows,
            None => open_index(&folder, cache_bytes).map_err(Error::Io)?,
        };
        let mut store =
            Self::start(clock, Arc::new(rows), ledger, abort_after_seq, Driver::threaded)?;
        store.recovery.rebuilt = distrust;
        store.folder = Some(folder);
        Ok(store)
    }

    /// A store over any folder of segments and any rows, on the caller's thread: for simulations.
    #[cfg(feature = "simulation")]
    pub(crate) fn inline(
        clock: SharedClock,
        rows: Arc<dyn Rows>,
        segments: Arc<dyn crate::ledger::LogFolder>,
        segment_bytes: u64,
    ) -> Result<Self> {
        let ledger = Ledger::open(segments, segment_bytes, &mut |_| Ok(()))?;
        let inline = |writer| Ok(Driver::Inline(Box::new(std::sync::Mutex::new(writer))));
        Self::start(clock, rows, ledger, None, inline)
    }

    fn start(
        clock: SharedClock,
        rows: Arc<dyn Rows>,
        ledger: Ledger,
        abort_after: Option<Seq>,
        driver: impl FnOnce(Writer) -> Result<Driver>,
    ) -> Result<Self> {
        let replayed = replay(&ledger, rows.as_ref())?;
        let at = ledger.last().map_or(Timestamp::MIN, |entry| entry.at);
        let recovery = Recovery { cut_bytes: ledger.cut(), replayed, rebuilt: None };
        let reader = ledger.reader();
        let (news, seq) = watch::channel(ledger.end().0);
        let desk = Desk { engine: Engine::load(rows.clone(), at)?, ledger };
        let driver = driver(Writer::new(desk, news, abort_after))?;
        Ok(Self { clock, rows, reader, driver, seq, recovery, folder: None })
    }

    /// What opening had to repair.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Checks every record of the ledger (length, checksum, number, chain) and that the index is what a replay of the
    /// ledger gives. Commits wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read; what is wrong with the content is in the report.
    pub async fn verify(&self) -> Result<Report> {
        let (reader, rows, cut) = (self.reader.clone(), self.rows.clone(), self.recovery.cut_bytes);
        self.driver
            .ask(move |desk| {
                let (seq, hash) = desk.ledger.end();
                report::verify(&reader, rows.as_ref(), (seq, hash), cut)
            })
            .await
    }

    /// Builds the index anew from the ledger. Commits wait meanwhile. Returns how many records were replayed.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn rebuild(&self) -> Result<u64> {
        let rows = self.rows.clone();
        self.driver
            .ask(move |desk| {
                rows.clear()?;
                replay(&desk.ledger, rows.as_ref())
            })
            .await
    }

    /// Asks the writer, with the time of the question.
    async fn decide<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Engine, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let clock = self.clock.clone();
        self.driver.ask(move |desk| ask(&mut desk.engine, clock.now())).await
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let rows = self.rows.clone();
        blocking(move || read(rows.as_ref())).await
    }
}

#[async_trait]
impl Store for SledStore {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.decide(|engine, now| engine.commit(now, changes)).await
    }

    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        let (table, key) = (table.to_owned(), key.to_owned());
        self.read(move |rows| {
            let row = rows.row(&table, &key)?;
            Ok(row.map(|row| Row { key, version: row.version, value: row.value }))
        })
        .await
    }

    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        let (index, from, to) = (index.to_owned(), from.to_owned(), to.to_owned());
        self.read(move |rows| rows.range(&index, &from, &to, limit, reverse)).await
    }

    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        let (table, from) = (table.to_owned(), from.to_owned());
        self.read(move |rows| rows.scan(&table, &from, limit)).await
    }

    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let owner = owner.to_owned();
        self.decide(move |engine, now| engine.claim(now, &kinds, &owner, n, lease)).await
    }

    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        let claimed = claimed.clone();
        self.decide(move |engine, now| engine.heartbeat(now, &claimed, lease)).await
    }

    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        let claimed = claimed.clone();
        self.decide(move |engine, now| engine.finish(now, &claimed, &end)).await
    }

    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        self.decide(move |engine, now| engine.jobs(now, state, limit)).await
    }

    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.decide(move |engine, now| engine.cancel(now, job, actor)).await
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        let (account, owner) = (account.to_owned(), owner.to_owned());
        self.decide(move |engine, now| engine.lease_account(now, &account, &owner, lease)).await
    }

    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        let lease = lease.clone();
        self.decide(move |engine, now| engine.release_account(now, &lease)).await
    }

    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        let (reader, to) = (self.reader.clone(), self.last_seq());
        blocking(move || reader.entries(after, to, limit)).await
    }

    fn last_seq(&self) -> Seq {
        *self.seq.borrow()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.seq.clone()
    }
}

impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("last_seq", &self.last_seq()).finish_non_exhaustive()
    }
}

impl Drop for SledStore {
    fn drop(&mut self) {
        if !self.driver.stop() {
            return;
        }
        let Some(folder) = &self.folder else { return };
        let rows = std::mem::replace(&mut self.rows, Arc::new(MemoryRows::default()));
        if Arc::strong_count(&rows) > 1 {
            // Somebody still reads; sled may write after us, so this end is not a clean one.
            return;
        }
        let flushed = rows.flush();
        drop(rows);
        let ended = flushed.and_then(|()| folder.sync_index()).and_then(|()| folder.mark(true));
        if let Err(error) = ended {
            // Nothing is lost: without the mark the next start looks closer, and rebuilds if it must.
            tracing::warn!("Could not mark a clean end: {error}");
        }
    }
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(read).await;
    done.unwrap_or_else(|error| Err(Error::Io(format!("reading the store failed: {error}"))))
}

/// Opens sled, which may fail or panic on pages it cannot read.
fn open_index(folder: &DataFolder, cache_bytes: u64) -> Result<SledRows, String> {
    let path = folder.index();
    match catch_unwind(AssertUnwindSafe(|| SledRows::open(&path, cache_bytes))) {
        Ok(Ok(rows)) => Ok(rows),
        Ok(Err(error)) => Err(format!("it cannot be read ({error})")),
        Err(_) => Err("sled panicked while reading it".to_owned()),
    }
}

/// Gives rows the records they lack. Returns how many that were.
fn replay(ledger: &Ledger, rows: &dyn Rows) -> Result<u64> {
    let (applied, _) = rows.applied()?;
    let mut replayed = 0;
    ledger.replay(applied, &mut |record| {
        replayed += 1;
        apply(record, rows)
    })?;
    Ok(replayed)
}

/// Applies a record of the ledger to rows.
pub(crate) fn apply(record: &Record<'_>, rows: &dyn Rows) -> Result<()> {
    let ops = resolve(&record.entry()?, |id| job_row(rows, id))?;
    rows.apply(record.seq, record.hash, &ops)
}
