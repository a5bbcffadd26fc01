//! The embedded store: the ledger makes durable, sled answers.

mod open;

use std::{fmt, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use loa_model::{Actor, JobId, JobState, seams::SharedClock};
use tokio::sync::watch;

pub use open::{Options, Recovery};

use crate::{
    backup::{BackedUp, Source, back_up},
    blobs::Blobs,
    changes::{Changes, Entry, Link, Row, Seq},
    contract::Store,
    engine::Engine,
    error::{Error, Result},
    folder::DataFolder,
    lease::{AccountLease, Claimed, JobEnd, JobView},
    ledger::Reader,
    replay::Replay,
    reserve::Room,
    rows::{MemoryRows, Rows},
    verify::{Report, Verification},
    writer::Driver,
};

/// The embedded store. One process owns its folder; dropping it ends cleanly.
pub struct SledStore {
    clock: SharedClock,
    rows: Arc<dyn Rows>,
    pub(crate) reader: Reader,
    driver: Driver,
    seq: watch::Receiver<Seq>,
    recovery: Recovery,
    folder: Option<Arc<DataFolder>>,
}

impl SledStore {
    /// What opening checked and had to repair.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Room on the disk, and whether new work is handed out.
    ///
    /// # Errors
    /// [`Error::Io`] when the store has failed.
    pub async fn room(&self) -> Result<Room> {
        self.driver.ask(|desk| Ok(desk.reserve.look())).await
    }

    /// Checks every record of the ledger (length, checksum, number, chain) and that the index is what a replay of the
    /// ledger gives. Commits go on meanwhile; those after its begin are not judged. What is wrong makes the next start
    /// build the index anew.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read; what is wrong with the content is in the report.
    pub async fn verify(&self) -> Result<Report> {
        let rows = self.rows.clone();
        let (end, applied) =
            self.driver.ask(move |desk| Ok((desk.ledger.end(), rows.applied()?))).await?;
        let (reader, rows) = (self.reader.clone(), self.rows.clone());
        let begun = blocking(move || Ok(Verification::begin(&reader, rows.as_ref(), end, applied)));
        let begun = begun.await?;
        let (to, _) = self.driver.ask(|desk| Ok(desk.ledger.end())).await?;
        let (reader, cut_bytes) = (self.reader.clone(), self.recovery.cut_bytes);
        let report = blocking(move || begun.end(&reader, to, cut_bytes)).await?;
        if let (Some(folder), Some(flaw)) = (&self.folder, report.flaws.first()) {
            folder.doubt(flaw);
        }
        Ok(report)
    }

    /// As [`Self::verify`], on the caller's thread.
    #[cfg(feature = "simulation")]
    pub(crate) async fn verify_here(&self) -> Result<Report> {
        let rows = self.rows.clone();
        let (end, applied) =
            self.driver.ask(move |desk| Ok((desk.ledger.end(), rows.applied()?))).await?;
        let begun = Verification::begin(&self.reader, self.rows.as_ref(), end, applied);
        let (to, _) = self.driver.ask(|desk| Ok(desk.ledger.end())).await?;
        begun.end(&self.reader, to, self.recovery.cut_bytes)
    }

    /// Checks all of the ledger and builds the index anew from it. Commits and reads wait meanwhile. Returns how many
    /// records were replayed.
    ///
    /// # Errors
    /// [`Error::Io`] when the ledger is damaged; the next start builds the index then.
    pub async fn rebuild(&self) -> Result<u64> {
        let (rows, reader, folder) = (self.rows.clone(), self.reader.clone(), self.folder.clone());
        self.driver
            .ask(move |desk| {
                let (end, _) = desk.ledger.end();
                let rebuilt = rows.renew(&mut |fresh| {
                    let mut replay = Replay::onto(fresh);
                    reader.check(end, &mut |record| replay.take(record))?;
                    replay.end()
                });
                if let (Err(error), Some(folder)) = (&rebuilt, folder) {
                    folder.doubt(&error.to_string());
                }
                rebuilt
            })
            .await
    }

    /// Copies the ledger up to the last durable record, and the blobs, into a folder; what it has from an earlier backup is
    /// not copied again. Commits go on meanwhile. `tell` hears of each step.
    ///
    /// # Errors
    /// [`Error::Refused`] when the folder is the backup of another store or lies in the data folder, [`Error::Locked`] while
    /// another backup is made into it, [`Error::Io`] also when the ledger is damaged.
    pub async fn back_up(
        &self,
        blobs: Arc<Blobs>,
        dir: &Path,
        mut tell: impl FnMut(String) + Send + 'static,
    ) -> Result<BackedUp> {
        let Some(folder) = self.folder.clone() else {
            return Err(Error::Io("a store without a folder has no backup".to_owned()));
        };
        let (reader, dir, made_at) = (self.reader.clone(), dir.to_owned(), self.clock.now());
        let extent = self.driver.ask(|desk| Ok(desk.ledger.extent())).await?;
        blocking(move || {
            let dir = folder.outside(&dir)?;
            let ledger = folder.ledger();
            let (reader, ledger, blobs) = (&reader, ledger.as_path(), blobs.as_ref());
            back_up(&Source { reader, ledger, blobs, extent, made_at }, &dir, &mut tell)
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
        self.read(move |rows| rows.row(&table, &key)).await
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

    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        let (index, from, to) = (index.to_owned(), from.to_owned(), to.to_owned());
        self.read(move |rows| rows.count(&index, &from, &to)).await
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
        let (owner, clock) = (owner.to_owned(), self.clock.clone());
        self.driver
            .ask(move |desk| {
                if desk.reserve.look().enough {
                    desk.engine.claim(clock.now(), &kinds, &owner, n, lease)
                } else {
                    Ok(Vec::new())
                }
            })
            .await
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

    async fn job(&self, job: JobId) -> Result<Option<JobView>> {
        self.decide(move |engine, now| engine.job(now, job)).await
    }

    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.decide(move |engine, now| engine.cancel(now, job, actor)).await
    }

    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.decide(move |engine, now| engine.retry(now, job, actor)).await
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        let (account, owner) = (account.to_owned(), owner.to_owned());
        let clock = self.clock.clone();
        self.driver
            .ask(move |desk| {
                let now = clock.now();
                if desk.engine.holds(now, &account, &owner) || desk.reserve.look().enough {
                    desk.engine.lease_account(now, &account, &owner, lease)
                } else {
                    Ok(None)
                }
            })
            .await
    }

    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        let lease = lease.clone();
        self.decide(move |engine, now| engine.release_account(now, &lease)).await
    }

    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        let (reader, to) = (self.reader.clone(), self.last_seq());
        blocking(move || reader.entries(after, to, limit)).await
    }

    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        let (reader, to) = (self.reader.clone(), self.last_seq());
        blocking(move || reader.links(after, to, limit)).await
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
        let ended = flushed.and_then(|()| folder.end());
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
