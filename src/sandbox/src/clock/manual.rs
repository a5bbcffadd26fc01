//! A clock for tests: it stands still until it is moved.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use loa_model::{Clock, seams::BoxFuture};
use tokio::sync::watch;

use super::{Advance, later};
use crate::error::Result;

/// A clock that stands still until a test moves it. Moving it wakes the sleepers it passes.
///
/// ```
/// use std::time::Duration;
/// use loa_model::Clock;
/// use loa_sandbox::{Advance, ManualClock};
///
/// let clock = ManualClock::at("2026-11-22T08:00:00Z".parse()?);
/// clock.advance(Duration::from_mins(1))?;
/// assert_eq!(clock.now(), "2026-11-22T08:01:00Z".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(now) })
    }

    /// How many sleep on it now.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

impl Advance for ManualClock {
    fn advance(&self, by: Duration) -> Result<()> {
        self.now.send_modify(|now| *now = later(*now, by));
        Ok(())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            let until = later(*now.borrow(), wait);
            // The sender lives as long as `self`, so the wait cannot fail.
            now.wait_for(|now| *now >= until).await.expect("the clock outlives its sleepers");
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_passes_it() {
        let clock = ManualClock::at("2026-11-22T08:00:00Z".parse().unwrap());
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_mins(1)).await })
        };
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(59)).unwrap();
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1)).unwrap();
        sleeper.await.unwrap();
    }
}
