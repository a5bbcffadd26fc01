//! The one writer: takes what waits, decides it, makes it durable with one sync, then answers.
//!
//! Two drivers run the same code: inline (the caller's thread, for simulations) and threaded (its own thread, so that a
//! sync never stands on an async worker). Nothing is answered before it is durable, and nothing is read before.

use std::{
    fmt,
    sync::{Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use tokio::sync::{oneshot, watch};

use crate::{
    changes::Seq,
    engine::Engine,
    error::{Error, Result},
    ledger::{Checkpoint, Ledger, Unwritten},
    reserve::Reserve,
};

/// Commits that share a sync, at most.
const GROUP: usize = 1024;
/// A checkpoint is kept for every so many records: reading them takes a start some 50 ms.
const CHECKPOINT_EVERY: u64 = 10_000;

/// Looks for the next question before the thread sleeps: some tens of microseconds on an idle machine.
const LOOKS: u32 = 64;

/// What the writer works on.
pub(crate) struct Desk {
    /// Decides.
    pub(crate) engine: Engine,
    /// Makes durable.
    pub(crate) ledger: Ledger,
    /// Watches the disk.
    pub(crate) reserve: Reserve,
}

/// Where checkpoints are kept.
pub(crate) type Keep = Box<dyn Fn(&Checkpoint) -> Result<()> + Send>;

/// A question to the writer: decides, and returns how to answer once it is known whether that is durable.
type Ask = Box<dyn FnOnce(Result<&mut Desk>) -> Option<Answer> + Send>;
type Answer = Box<dyn FnOnce(Result<()>) + Send>;

/// Runs groups of questions.
pub(crate) struct Writer {
    desk: Desk,
    seq: watch::Sender<Seq>,
    abort_after: Option<Seq>,
    failed: Option<String>,
    keep: Keep,
    /// The last checkpoint that was kept, and the segment it lies in.
    kept: (Seq, Seq),
}

impl Writer {
    /// A writer on this desk. It tells `seq` of every durable record.
    pub(crate) fn new(
        desk: Desk,
        seq: watch::Sender<Seq>,
        abort_after: Option<Seq>,
        keep: Keep,
    ) -> Self {
        // A record that is there already was acknowledged long ago.
        let abort_after = abort_after.filter(|last| *last > desk.engine.seq());
        let mut writer = Self { desk, seq, abort_after, failed: None, keep, kept: (0, 0) };
        writer.keep_checkpoint();
        writer
    }

    /// Keeps the last record as the place from which the next start checks.
    fn keep_checkpoint(&mut self) {
        let Some(checkpoint) = self.desk.ledger.checkpoint() else { return };
        if self.failed.is_some() || self.kept.0 == checkpoint.seq {
            return;
        }
        self.kept = (checkpoint.seq, checkpoint.segment);
        if let Err(error) = (self.keep)(&checkpoint) {
            // Nothing is lost: the next start checks more.
            tracing::warn!("A checkpoint could not be kept: {error}");
        }
    }

    /// Decides as many questions as may share a sync, makes them durable, answers them.
    fn run(&mut self, asks: &mut dyn Iterator<Item = Ask>) {
        let mut answers = Vec::new();
        for ask in asks.take(GROUP) {
            let desk = match &self.failed {
                None => Ok(&mut self.desk),
                Some(why) => Err(Error::Io(why.clone())),
            };
            answers.extend(ask(desk));
            // The record that the process must die behind is the last of its group.
            if self.abort_after.is_some_and(|last| self.desk.engine.seq() >= last) {
                break;
            }
        }
        if answers.is_empty() {
            return;
        }
        if self.desk.engine.staged().is_empty() {
            return tell(answers, &Ok(()));
        }
        match self.write() {
            Ok(()) => self.apply(answers),
            Err(why) => tell(answers, &Err(why)),
        }
        let (end, _) = self.desk.ledger.end();
        if end >= self.kept.0 + CHECKPOINT_EVERY || self.desk.ledger.segment() > self.kept.1 {
            self.keep_checkpoint();
        }
    }

    /// Makes what was decided durable.
    fn write(&mut self) -> Result<(), String> {
        let Desk { engine, ledger, reserve } = &mut self.desk;
        reserve.look();
        let mut written = ledger.append(engine.staged());
        if matches!(written, Err(Unwritten::Full(_))) && reserve.give_back() {
            // Only the write is tried again; nothing was synced.
            written = ledger.append(engine.staged());
        }
        if let Err(unwritten) = written {
            let why = match unwritten {
                Unwritten::Refused(why) | Unwritten::Full(why) => match engine.forget() {
                    Ok(()) => return Err(why),
                    Err(error) => format!("{why}; then {error}"),
                },
                Unwritten::Fatal(why) => why,
            };
            self.failed = Some(why.clone());
            return Err(why);
        }
        if self.abort_after.is_some_and(|last| engine.seq() >= last) {
            tracing::error!("Aborting behind record {} as asked", engine.seq());
            std::process::abort();
        }
        Ok(())
    }

    /// Gives the rows what is durable. Everybody is told first, with readers kept out meanwhile: who was waiting goes on
    /// while the index is written, and whoever reads then waits for it.
    fn apply(&mut self, answers: Vec<Answer>) {
        let (seq, mut answers) = (self.desk.engine.seq(), Some(answers));
        let applied = self.desk.engine.apply(&mut || {
            self.seq.send_replace(seq);
            tell(answers.take().unwrap_or_default(), &Ok(()));
        });
        if let Err(error) = applied {
            let why = format!(
                "the index failed ({error}); the records are safe in the ledger: start loa again, it rebuilds the index"
            );
            tracing::error!("{why}");
            self.failed = Some(why);
        }
    }
}

/// The next question; nothing once nobody can ask any more. Whoever was just answered often asks again at once, and to wake a
/// thread that sleeps takes longer than to ask a few times.
fn next(waiting: &mpsc::Receiver<Ask>) -> Option<Ask> {
    for _ in 0..LOOKS {
        match waiting.try_recv() {
            Ok(ask) => return Some(ask),
            Err(mpsc::TryRecvError::Disconnected) => return None,
            Err(mpsc::TryRecvError::Empty) => std::thread::yield_now(),
        }
    }
    waiting.recv().ok()
}

fn tell(answers: Vec<Answer>, outcome: &Result<(), String>) {
    for answer in answers {
        answer(match outcome {
            Ok(()) => Ok(()),
            Err(why) => Err(Error::Io(why.clone())),
        });
    }
}

/// Where the writer runs.
pub(crate) enum Driver {
    /// On the thread of whoever asks.
    #[cfg_attr(not(feature = "simulation"), expect(dead_code, reason = "simulations are tests"))]
    Inline(Box<Mutex<Writer>>),
    /// On its own thread, until the sender is dropped.
    Threaded {
        /// To the thread; nothing once it is to stop.
        asks: Option<mpsc::Sender<Ask>>,
        /// The thread.
        thread: Option<JoinHandle<()>>,
    },
}

impl Driver {
    /// Starts the thread of a writer.
    ///
    /// # Errors
    /// [`Error::Io`] when the machine has no thread left.
    pub(crate) fn threaded(mut writer: Writer) -> Result<Self> {
        let (asks, waiting) = mpsc::channel::<Ask>();
        let work = move || {
            while let Some(first) = next(&waiting) {
                writer.run(&mut std::iter::once(first).chain(waiting.try_iter()));
            }
            writer.keep_checkpoint();
        };
        let thread = std::thread::Builder::new().name("loa-ledger".to_owned()).spawn(work);
        let thread = thread.map_err(|error| Error::Io(format!("no thread to write: {error}")))?;
        Ok(Self::Threaded { asks: Some(asks), thread: Some(thread) })
    }

    /// Asks the writer; resolves when the answer is durable.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Desk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel::<Result<T>>();
        let ask: Ask = Box::new(move |desk| {
            let decided = desk.and_then(decide);
            Some(Box::new(move |durable: Result<()>| {
                // A receiver that is gone was dropped with its future: nobody waits for this answer.
                drop(tell.send(durable.and(decided)));
            }))
        });
        match self {
            Self::Inline(writer) => {
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                writer.run(&mut std::iter::once(ask));
            }
            Self::Threaded { asks, .. } => {
                let asks = asks.as_ref().ok_or_else(stopped)?;
                asks.send(ask).map_err(|_| stopped())?;
            }
        }
        told.await.map_err(|_| stopped())?
    }

    /// Lets the thread finish what waits, and ends it. Returns whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        match self {
            Self::Inline(_) => true,
            Self::Threaded { asks, thread } => {
                drop(asks.take());
                thread.take().is_none_or(|thread| thread.join().is_ok())
            }
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inline(_) => "Driver::Inline",
            Self::Threaded { .. } => "Driver::Threaded",
        })
    }
}

/// What a caller hears from a writer that panicked or was stopped.
fn stopped() -> Error {
    Error::Io("the writer of the store has stopped; start loa again".to_owned())
}
