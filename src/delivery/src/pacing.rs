//! May this post go out now? Kill switch and account status are asked before; here: quiet hours, the platform's own wait,
//! daily budget, then distance and burst. Pure over the [`Pace`] record, which is committed with the intent.

use std::{
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{NotKeyed, StateStore},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use loa_model::{DeliveryId, Priority, capability::PaceRule};

use crate::{Config, Pace, config::QuietHours};

/// Why a post waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Quiet hours.
    Quiet,
    /// The platform asked for it.
    Platform,
    /// The day's budget is spent.
    Budget,
    /// Distance to the post before.
    Gap,
}

/// Answer of the pacing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go: commit this pace together with the intent.
    Go(Pace),
    /// Not before.
    Later {
        /// When to ask again.
        until: Timestamp,
        /// Why.
        why: Wait,
    },
}

/// What is asked.
pub struct Ask<'a> {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Its urgency.
    pub priority: Priority,
    /// Pace of its account.
    pub account: &'a Pace,
    /// Pace of its app.
    pub app: &'a Pace,
    /// The channel's rule.
    pub rule: &'a PaceRule,
    /// Whether it begins a chain: going on with one costs nothing.
    pub begins: bool,
}

/// Whether a post may go out at `now`.
pub fn ask(ask: &Ask<'_>, config: &Config, now: Timestamp) -> Verdict {
    let later = |until, why| Verdict::Later { until, why };
    let urgent = ask.priority == Priority::Urgent;
    if let Some(until) = config.quiet.as_ref().filter(|_| !urgent).and_then(|q| quiet_until(q, now))
    {
        return later(until, Wait::Quiet);
    }
    let hint = ask.account.not_before.max(ask.app.not_before);
    if let Some(until) = hint.filter(|until| *until > now) {
        return later(until, Wait::Platform);
    }
    let mut pace = ask.account.clone();
    if !ask.begins {
        return Verdict::Go(pace);
    }
    let rule = ask.rule;
    if rule.per_day > 0 {
        let (today, midnight) = day_of(&rule.day_zone, now);
        if pace.day != Some(today) {
            pace.day = Some(today);
            pace.spent.clear();
        }
        let kept = if urgent {
            0
        } else {
            rule.per_day * u32::from(config.urgent_reserve_percent.min(100)) / 100
        };
        let limit = (rule.per_day - kept) as usize;
        if !pace.spent.contains(&ask.delivery) && pace.spent.len() >= limit {
            return later(midnight, Wait::Budget);
        }
        pace.spent.insert(ask.delivery);
    }
    match gcra(rule, pace.tat_ns, now) {
        Ok(tat) => {
            pace.tat_ns = tat;
            Verdict::Go(pace)
        }
        Err(until) => later(until, Wait::Gap),
    }
}

/// The pace with the budget of a delivery given back: it was provably refused.
#[must_use]
pub fn refund(mut pace: Pace, delivery: DeliveryId) -> Pace {
    pace.spent.remove(&delivery);
    pace
}

/// Date in the platform's zone and its next midnight. An unknown zone counts as UTC.
fn day_of(zone: &str, now: Timestamp) -> (Date, Timestamp) {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let local = now.to_zoned(zone);
    let midnight = local
        .tomorrow()
        .and_then(|day| day.start_of_day())
        .map_or(now + jiff::SignedDuration::from_hours(24), |day| day.timestamp());
    (local.date(), midnight)
}

/// End of the quiet hours, when `now` lies in them.
fn quiet_until(quiet: &QuietHours, now: Timestamp) -> Option<Timestamp> {
    let local = now.to_zoned(TimeZone::get(&quiet.zone).unwrap_or(TimeZone::UTC));
    let time = local.time();
    let over_night = quiet.to < quiet.from;
    let inside = if over_night {
        time >= quiet.from || time < quiet.to
    } else {
        time >= quiet.from && time < quiet.to
    };
    if !inside {
        return None;
    }
    let day =
        if over_night && time >= quiet.from { local.date().tomorrow().ok()? } else { local.date() };
    day.to_datetime(quiet.to).to_zoned(local.time_zone().clone()).ok().map(|end| end.timestamp())
}

/// One cell of governor's GCRA over the persisted arrival time: `Ok(new time)` or when to come again.
fn gcra(rule: &PaceRule, tat_ns: Option<u64>, now: Timestamp) -> Result<Option<u64>, Timestamp> {
    let gap = Duration::from_millis(rule.min_gap_ms);
    let Some(quota) = Quota::with_period(gap) else { return Ok(None) };
    let burst = NonZeroU32::new(rule.burst.max(1)).expect("at least 1");
    let now_ns = u64::try_from(now.as_nanosecond()).unwrap_or(0);
    // A clock that stepped back must not make an account wait longer than its own burst.
    let most =
        u64::try_from(gap.as_nanos()).unwrap_or(u64::MAX).saturating_mul(u64::from(burst.get()));
    let tat = tat_ns.map(|tat| tat.min(now_ns.saturating_add(most)));
    let limiter: RateLimiter<NotKeyed, Kept, Reading, NoOpMiddleware<Duration>> = RateLimiter::new(
        quota.allow_burst(burst),
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
            let wait =
                jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::from_secs(1));
            Err(now + wait.max(jiff::SignedDuration::from_millis(1)))
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
