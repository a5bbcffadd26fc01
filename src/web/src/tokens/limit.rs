//! How often a token may ask.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed},
};
use loa_model::{Digest, seams::SharedClock};

/// Requests in a minute.
const A_MINUTE: u32 = 600;
/// Tokens whose counts are kept; beyond it all begin anew.
const MOST: usize = 10_000;

/// The clock handed down by `main`, as the limiter reads it.
#[derive(Debug, Clone)]
struct Reading(SharedClock);

impl Clock for Reading {
    type Instant = Nanos;
    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().as_nanosecond()).unwrap_or(0))
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Reading, NoOpMiddleware<Nanos>>;

/// A limiter for each token.
#[derive(Default)]
pub(crate) struct Limits(Mutex<BTreeMap<Digest, Limiter>>);

impl Limits {
    /// Counts a request of a token, or says after how many seconds it may ask again.
    pub(crate) fn wait(&self, token: Digest, clock: &SharedClock) -> Option<u64> {
        let reading = Reading(clock.clone());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(&token) {
            all.clear();
        }
        let limiter = all.entry(token).or_insert_with(|| {
            let most = NonZeroU32::new(A_MINUTE).expect("more than none");
            Limiter::direct_with_clock(Quota::per_minute(most), reading.clone())
        });
        let refused = limiter.check().err()?;
        let wait = refused.wait_time_from(reading.now());
        Some((wait + Duration::from_millis(999)).as_secs().max(1))
    }
}
