//! Who stands outside: counts what happened, keeps what was promised to anybody, tells the story, says what was broken.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{AccountName, Clock as _, DeliveryId};
use loa_store::{Changes, Seq};

use crate::time::Timeline;

/// A person's wish that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    /// It shall not be live.
    Cancelled,
    /// It shall be taken back.
    Retracted,
}

/// A receipt that reached a worker.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Process.
    pub(crate) process: String,
    /// Id on the platform.
    pub(crate) remote_id: String,
    /// When.
    pub(crate) at: Timestamp,
}

/// A wait that a platform asked of a worker.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Process.
    pub(crate) process: String,
    /// Account that was posted on.
    pub(crate) account: AccountName,
    /// Whether all accounts of its app are to wait.
    pub(crate) app: bool,
    /// Until when.
    pub(crate) until: Timestamp,
    /// When it was asked.
    pub(crate) at: Timestamp,
}

/// The first request of a chain, as far as pace is concerned.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// Delivery.
    pub(crate) delivery: DeliveryId,
    /// Its account.
    pub(crate) account: AccountName,
    /// Time of its intent.
    pub(crate) intended: Timestamp,
    /// Whether it was urgent.
    pub(crate) urgent: bool,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// Commits whose caller was told that they are durable.
    pub(crate) acknowledged: BTreeMap<Seq, Changes>,
    /// Highest record that anybody could know of.
    pub(crate) visible: Seq,
    /// Public intents under which a request left, by (delivery, time, fence).
    pub(crate) spent_intents: BTreeSet<(DeliveryId, Timestamp, u64)>,
    /// First requests by account.
    pub(crate) starts: BTreeMap<AccountName, Vec<Start>>,
    /// Receipts that reached a worker which did not die right after.
    pub(crate) told: Vec<Told>,
    /// Waits that reached a worker which did not die right after.
    pub(crate) asked: Vec<Asked>,
    /// Wishes.
    pub(crate) wishes: BTreeSet<(DeliveryId, Wish)>,
    /// Times in which a worker stands still or waits in vain: now people act.
    pub(crate) moments: Vec<Duration>,
    lines: Vec<String>,
    counts: BTreeMap<String, u64>,
    broken: Option<String>,
}

/// The witness of one world.
pub(crate) struct Witness {
    timeline: Arc<Timeline>,
    began: Timestamp,
    loud: bool,
    seen: Mutex<Seen>,
}

impl Witness {
    /// A witness; a loud one writes the story down.
    pub(crate) fn new(timeline: &Arc<Timeline>, loud: bool) -> Arc<Self> {
        let began = timeline.now();
        Arc::new(Self { timeline: timeline.clone(), began, loud, seen: Mutex::default() })
    }

    /// Adds a line to the story.
    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        if self.loud {
            let since = self.timeline.now().duration_since(self.began);
            let (secs, millis) = (since.as_secs(), since.subsec_millis());
            let (h, m, s) = (secs / 3600, secs / 60 % 60, secs % 60);
            let line = format!("{h:02}:{m:02}:{s:02}.{millis:03} {}", line());
            self.seen().lines.push(line);
        }
    }

    /// Something happened once more.
    pub(crate) fn count(&self, what: &str) {
        let mut seen = self.seen();
        match seen.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => drop(seen.counts.insert(what.to_owned(), 1)),
        }
    }

    /// A promise was broken.
    pub(crate) fn broke(&self, promise: &str, how: &str) {
        self.say(|| format!("BROKEN {promise}: {how}"));
        self.seen().broken.get_or_insert_with(|| format!("{promise}: {how}"));
    }

    /// Breaks a promise unless `kept`.
    pub(crate) fn check(&self, kept: bool, promise: &str, how: impl FnOnce() -> String) {
        if !kept {
            self.broke(promise, &how());
        }
    }

    /// The first promise that was broken.
    pub(crate) fn broken(&self) -> Option<String> {
        self.seen().broken.clone()
    }

    /// What was seen.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process died: what it was told last it may have taken with it.
    pub(crate) fn died(&self, process: &str, since: Timestamp) {
        let horizon = since - SignedDuration::from_secs(60);
        self.seen().told.retain(|told| told.process != process || told.at < horizon);
        self.failed(process, since);
    }

    /// The store of a process failed: what it wanted to write down, other than a receipt, is lost.
    pub(crate) fn failed(&self, process: &str, since: Timestamp) {
        let horizon = since - SignedDuration::from_secs(60);
        self.seen().asked.retain(|asked| asked.process != process || asked.at < horizon);
    }

    /// Counts and story, at the end.
    pub(crate) fn take(&self) -> (BTreeMap<String, u64>, Vec<String>) {
        let mut seen = self.seen();
        (std::mem::take(&mut seen.counts), std::mem::take(&mut seen.lines))
    }
}

/// A future that never waits: reading from the store of the simulation.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the simulated store waits"),
    }
}
