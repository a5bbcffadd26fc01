//! May this post go out now? Kill switch and account status are asked before; here, for the account and then for its app:
//! quiet hours, allowances, the platform's own wait, what its usage headers say, then distance and burst. Pure over the
//! [`Pace`] records, which are committed with the intent.

use std::{
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota as Cells, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
use jiff::{SignedDuration, Timestamp};
use loa_model::{
    DeliveryId, Plan, Priority, Shape,
    capability::{Gap, PaceRule, Quota, QuotaScope},
};

use crate::{
    Config, Pace,
    pace::{SLOW_FROM, STOP_FROM, Used},
};

/// Clocks of two machines differ by less. Further ahead is a clock that was put back.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// Why a post waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Quiet hours.
    Quiet,
    /// An allowance is spent.
    Budget,
    /// The platform asked for it.
    Platform,
    /// The platform says that its allowance is nearly used up.
    Usage,
    /// Distance to the post before.
    Gap,
}

/// It may not go yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// When to ask again.
    pub until: Timestamp,
    /// Why.
    pub why: Wait,
}

/// It may go: these are committed together with the intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    /// Pace of the account from then on.
    pub account: Pace,
    /// Pace of its app from then on.
    pub app: Pace,
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Delivery.
    pub delivery: DeliveryId,
    /// What it is made of.
    pub shape: &'a Shape,
    /// Its urgency.
    pub priority: Priority,
    /// Pace of its account.
    pub account: &'a Pace,
    /// Pace of its app.
    pub app: &'a Pace,
    /// The channel's rule.
    pub rule: &'a PaceRule,
    /// The account's own plan.
    pub plan: Option<&'a Plan>,
    /// Whether it begins a chain: going on with one costs nothing.
    pub begins: bool,
}

impl Ask<'_> {
    /// Whether the post may go at `now`.
    ///
    /// # Errors
    /// [`Held`]: why not, and until when at least.
    pub fn now(&self, config: &Config, now: Timestamp) -> Result<Go, Held> {
        Ok(Go { account: self.of_account(config, now)?, app: self.of_app(config, now)? })
    }

    /// The account's part of it.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub fn of_account(&self, config: &Config, now: Timestamp) -> Result<Pace, Held> {
        let quiet = self.plan.and_then(|plan| plan.quiet.as_ref()).or(config.quiet.as_ref());
        if !self.is_urgent()
            && let Some(until) = quiet.and_then(|quiet| quiet.until(now))
        {
            return Err(Held { until, why: Wait::Quiet });
        }
        let mut pace = self.within(self.account.clone(), QuotaScope::Account, config, now)?;
        if self.begins {
            self.keeps_own_gap(now)?;
            pace.last = Some(now);
        }
        Ok(pace)
    }

    /// The app's part of it, shared with its other accounts.
    ///
    /// # Errors
    /// As [`Self::now`].
    pub fn of_app(&self, config: &Config, now: Timestamp) -> Result<Pace, Held> {
        self.within(self.app.clone(), QuotaScope::App, config, now)
    }

    /// Units that a post which is not urgent may use: the rest is kept for urgent ones.
    pub(crate) fn limit(quota: &Quota, urgent: bool, config: &Config) -> u64 {
        let limit = u64::from(quota.limit);
        let percent = if urgent { 0 } else { config.urgent_reserve_percent.min(100) };
        limit - limit * u64::from(percent) / 100
    }

    fn is_urgent(&self) -> bool {
        self.priority == Priority::Urgent
    }

    fn within(
        &self,
        mut pace: Pace,
        scope: QuotaScope,
        config: &Config,
        now: Timestamp,
    ) -> Result<Pace, Held> {
        if self.begins {
            for quota in self.rule.quotas.iter().filter(|quota| quota.scope == scope) {
                let units = quota.cost_of(self.shape);
                if units > 0 {
                    let limit = Self::limit(quota, self.is_urgent(), config);
                    let reserved = pace.reserve(quota, limit, (self.delivery, units), now);
                    reserved.map_err(|until| Held { until, why: Wait::Budget })?;
                }
            }
        }
        if let Some(until) = pace.not_before.filter(|until| *until > now) {
            return Err(Held { until, why: Wait::Platform });
        }
        let used = pace.percent(now);
        let stop = if self.is_urgent() { 100 } else { STOP_FROM };
        if let Some(Used { until, .. }) = used.filter(|used| used.percent >= stop) {
            return Err(Held { until, why: Wait::Usage });
        }
        if self.begins {
            let gap = match scope {
                QuotaScope::Account => self.rule.account,
                QuotaScope::App => self.rule.app,
            };
            let percent = used.filter(|_| !self.is_urgent()).map_or(0, |used| used.percent);
            let gone = gcra(gap, percent, pace.tat_ns, now);
            pace.tat_ns = gone.map_err(|until| Held { until, why: Wait::Gap })?;
        }
        Ok(pace)
    }

    /// The distance that the account itself wants; urgent posts keep the channel's only.
    fn keeps_own_gap(&self, now: Timestamp) -> Result<(), Held> {
        let gap = SignedDuration::from_secs(self.plan.map_or(0, |plan| plan.min_gap_s.into()));
        // A post of the far future is one of a clock that was put back: it holds up nobody.
        let last =
            self.account.last.filter(|last| !self.is_urgent() && *last <= now + CLOCKS_APART);
        match last.map(|last| last + gap).filter(|until| *until > now) {
            Some(until) => Err(Held { until, why: Wait::Gap }),
            None => Ok(()),
        }
    }
}

/// One cell of governor's GCRA over the persisted arrival time: the new time, or when to come again. At `percent` of the
/// platform's allowance the distance grows, from once at 60 without bound towards 95.
fn gcra(
    gap: Gap,
    percent: u8,
    tat_ns: Option<u64>,
    now: Timestamp,
) -> Result<Option<u64>, Timestamp> {
    let period = Duration::from_millis(gap.min_gap_ms);
    let Some(cells) = Cells::with_period(period) else { return Ok(tat_ns) };
    let burst = NonZeroU32::new(gap.burst.max(1)).expect("at least 1");
    let now_ns = u64::try_from(now.as_nanosecond()).unwrap_or(0);
    let period_ns = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
    // A time further ahead than any burst reaches is one of a clock that was put back: one post may go, and no burst.
    let most = period_ns.saturating_mul(burst.get().into()).saturating_add(now_ns);
    let far = most.saturating_add(u64::try_from(CLOCKS_APART.as_nanos()).unwrap_or(0));
    let slower = period_ns.saturating_mul(percent.saturating_sub(SLOW_FROM).into())
        / u64::from(STOP_FROM.saturating_sub(percent).max(1));
    let sane = |tat: u64| if tat > far { most - period_ns } else { tat };
    let tat = tat_ns.map(|tat| sane(tat).saturating_add(slower));
    let limiter: RateLimiter<NotKeyed, Kept, Reading, NoOpMiddleware<Duration>> = RateLimiter::new(
        cells.allow_burst(burst),
        Kept(Mutex::new(tat)),
        Reading(AtomicU64::new(0)),
    );
    // The limiter counts from the clock's reading at its birth: born at 1970, its times are absolute and can be kept.
    limiter.clock().0.store(now_ns, Ordering::Release);
    match limiter.check() {
        Ok(()) => {
            Ok(limiter.into_state_store().0.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        Err(not_until) => {
            let wait = not_until.wait_time_from(Duration::from_nanos(now_ns));
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(1));
            Err(now + wait.max(SignedDuration::from_millis(1)))
        }
    }
}

struct Reading(AtomicU64);

impl Clock for Reading {
    type Instant = Duration;
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

struct Kept(Mutex<Option<u64>>);

impl StateStore for Kept {
    type Key = NotKeyed;
    fn measure_and_replace<T, F, E>(&self, _key: &NotKeyed, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut tat = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, new) = f(tat.map(Nanos::from))?;
        *tat = Some(new.as_u64());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
