//! Time, randomness and the fuse: everything that must be the same for the same seed.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use loa_model::{Clock, Entropy, seams::BoxFuture};

use super::start;

/// Time that moves only when the test moves it.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: Mutex<Option<Timestamp>>,
    sleepers: Mutex<BTreeMap<(Timestamp, u64), Waker>>,
    number: AtomicU64,
}

impl ManualClock {
    pub fn advance_to(&self, at: Timestamp) {
        {
            let mut now = self.now.lock().unwrap();
            *now = Some(now.unwrap_or_else(start).max(at));
        }
        let now = self.now();
        let mut sleepers = self.sleepers.lock().unwrap();
        while let Some(entry) = sleepers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            entry.remove().wake();
        }
    }

    pub fn advance(&self, by: SignedDuration) {
        self.advance_to(self.now() + by);
    }

    pub fn next_sleeper(&self) -> Option<Timestamp> {
        self.sleepers.lock().unwrap().keys().next().map(|(at, _)| *at)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.now.lock().unwrap().unwrap_or_else(start)
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        let until = self.now() + SignedDuration::try_from(wait).unwrap();
        Box::pin(Sleep { clock: self, until, number: self.number.fetch_add(1, Ordering::Relaxed) })
    }
}

struct Sleep<'a> {
    clock: &'a ManualClock,
    until: Timestamp,
    number: u64,
}

impl Future for Sleep<'_> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.until {
            return Poll::Ready(());
        }
        let key = (self.until, self.number);
        self.clock.sleepers.lock().unwrap().insert(key, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.sleepers.lock().unwrap().remove(&(self.until, self.number));
    }
}

/// Whether somebody asked to be polled again.
#[derive(Debug, Default)]
pub struct Woken(AtomicBool);

impl Woken {
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A small generator: the same seed gives the same world.
#[derive(Debug)]
pub struct Seeded(Mutex<u64>);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next().to_le_bytes()[3];
        }
    }
}

/// Stops the worker at one of its awaits.
#[derive(Debug, Default)]
pub struct Fuse {
    count: AtomicU64,
    at: AtomicU64,
    at_name: Mutex<Option<&'static str>>,
    pub blown: AtomicBool,
    /// Await at which it blew last; 0 when it never did.
    pub most: AtomicU64,
    pub names: Mutex<Vec<&'static str>>,
    frozen: Mutex<Option<Waker>>,
}

impl Fuse {
    /// Blows at the `n`th await from now; 0 never.
    pub fn set(&self, n: u64) {
        self.count.store(0, Ordering::SeqCst);
        self.at.store(n, Ordering::SeqCst);
        self.blown.store(false, Ordering::SeqCst);
        self.names.lock().unwrap().clear();
    }

    /// Blows at the next await of this name.
    pub fn set_at(&self, name: &'static str) {
        self.set(0);
        *self.at_name.lock().unwrap() = Some(name);
    }

    /// Lets whoever froze go on as soon as it is polled again.
    pub fn thaw(&self) {
        self.at.store(0, Ordering::SeqCst);
        *self.at_name.lock().unwrap() = None;
        self.blown.store(false, Ordering::SeqCst);
        if let Some(waker) = self.frozen.lock().unwrap().take() {
            waker.wake();
        }
    }

    pub async fn point(&self, name: &'static str) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        self.names.lock().unwrap().push(name);
        let named = self.at_name.lock().unwrap().take_if(|wanted| *wanted == name).is_some();
        if named || count == self.at.load(Ordering::SeqCst) {
            self.blown.store(true, Ordering::SeqCst);
            self.most.store(count, Ordering::SeqCst);
            std::future::poll_fn(|cx| {
                *self.frozen.lock().unwrap() = Some(cx.waker().clone());
                if self.blown.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
    }
}
