//! Time that moves only when nothing else can, and the views that single processes have of it.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{Clock, seams::BoxFuture};

/// The true time of the world.
#[derive(Debug)]
pub(crate) struct Timeline {
    now: Mutex<Timestamp>,
    sleepers: Mutex<BTreeMap<(Timestamp, u64), Waker>>,
    number: AtomicU64,
}

impl Timeline {
    /// A world that begins at `start`.
    pub(crate) fn new(start: Timestamp) -> Arc<Self> {
        let (sleepers, number) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Self { now: Mutex::new(start), sleepers, number })
    }

    /// Moves on to `at` and wakes whoever slept until then.
    pub(crate) fn advance_to(&self, at: Timestamp) {
        {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = at.max(*now);
        }
        let now = self.now();
        let mut sleepers = self.sleepers();
        while let Some(entry) = sleepers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            entry.remove().wake();
        }
    }

    /// When somebody wakes up next.
    pub(crate) fn next_sleeper(&self) -> Option<Timestamp> {
        self.sleepers().keys().next().map(|(at, _)| *at)
    }

    fn sleepers(&self) -> MutexGuard<'_, BTreeMap<(Timestamp, u64), Waker>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Timeline {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        let until = self.now() + SignedDuration::try_from(wait).expect("nobody sleeps for ages");
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Box::pin(Sleep { timeline: self, key: (until, number) })
    }
}

struct Sleep<'a> {
    timeline: &'a Timeline,
    key: (Timestamp, u64),
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.timeline.now() >= self.key.0 {
            return Poll::Ready(());
        }
        self.timeline.sleepers().insert(self.key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.timeline.sleepers().remove(&self.key);
    }
}

/// The clock of one machine: it may be some seconds ahead or behind, and jump. Its sleeps are not moved by that, as those of
/// a monotonic clock.
#[derive(Debug)]
pub(crate) struct View {
    timeline: Arc<Timeline>,
    ahead_ms: AtomicI64,
}

impl View {
    /// A clock that is right.
    pub(crate) fn of(timeline: &Arc<Timeline>) -> Arc<Self> {
        Arc::new(Self { timeline: timeline.clone(), ahead_ms: AtomicI64::new(0) })
    }

    /// Sets it this far ahead.
    pub(crate) fn set_ahead(&self, ahead_ms: i64) {
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }
}

impl Clock for View {
    fn now(&self) -> Timestamp {
        self.timeline.now() + SignedDuration::from_millis(self.ahead_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.timeline.sleep(wait)
    }
}
