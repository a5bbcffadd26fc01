//! The pace of an account or an app as it must survive a restart: when it last went, what it spent of its allowances, and
//! what the platform said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};
use loa_channel::{Scope, Usage};
use loa_model::{
    AccountName, DeliveryId,
    capability::{PaceRule, Quota, QuotaScope, Window},
    record::Record,
    schedule::{day_around, zone},
};
use serde::{Deserialize, Serialize};

/// Percent of an allowance from which posts go slower.
pub(crate) const SLOW_FROM: u8 = 60;

/// Percent from which only urgent posts go.
pub(crate) const STOP_FROM: u8 = 95;

/// Percent from which nothing is read that can wait: the rest is kept for posts.
pub(crate) const READS_STOP_FROM: u8 = 90;

/// A reading that says the same is kept again only when it lasts this much longer.
const SAME: SignedDuration = SignedDuration::from_secs(60);

/// Pace of one account or one app. Committed with the intent that spends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Account name, or `app/<channel>/<app>`.
    pub key: String,
    /// Theoretical arrival time of the next post, nanoseconds since 1970; absent before the first.
    pub tat_ns: Option<u64>,
    /// When the last post began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Account that had the last turn; of apps only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<AccountName>,
    /// What is spent, by allowance.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spending: BTreeMap<String, Spending>,
    /// The platform asked to wait until.
    pub not_before: Option<Timestamp>,
    /// What it said.
    pub reason: String,
    /// How much of its allowance the platform said is used, from 60 % on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// Day and posts of the budget that the first release kept: read and kept as they are, and counted no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<Date>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    spent: BTreeSet<DeliveryId>,
}

/// Units spent of one allowance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// By post: reserved with its intent, and kept while its outcome is unclear.
    pub posts: BTreeMap<DeliveryId, Spent>,
    /// By calls that no reservation covers, summed up by the hour they were made in.
    pub calls: BTreeMap<Timestamp, u32>,
}

/// Units of one post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Units reserved for it.
    pub units: u32,
    /// Units its calls took so far; what they take more than was reserved counts.
    #[serde(default)]
    pub used: u32,
    /// When.
    pub at: Timestamp,
}

/// A reading of a usage header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Percent.
    pub percent: u8,
    /// Until when it says something.
    pub until: Timestamp,
}

impl Spent {
    /// Whether it counts in the window of `now`.
    pub(crate) fn counts(self, window: &Window, now: Timestamp) -> bool {
        counted(window, now).holds(&Entry::of_post(self, window))
    }
}

impl Pace {
    /// A fresh pace.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            tat_ns: None,
            last: None,
            turn: None,
            spending: BTreeMap::new(),
            not_before: None,
            reason: String::new(),
            used: None,
            day: None,
            spent: BTreeSet::new(),
        }
    }

    /// The percentage the platform told, while it says something.
    pub fn percent(&self, now: Timestamp) -> Option<Used> {
        self.used.filter(|used| now < used.until)
    }

    /// When what can wait may be read again: the platform asked to wait, or little of the allowance is left.
    pub fn reads_from(&self, now: Timestamp) -> Option<Timestamp> {
        let full = self.percent(now).filter(|used| used.percent >= READS_STOP_FROM);
        self.not_before.max(full.map(|used| used.until)).filter(|until| *until > now)
    }

    /// Units of an allowance that count now.
    pub fn spent_of(&self, quota: &Quota, now: Timestamp) -> u64 {
        self.spending.get(&quota.bucket).map_or(0, |spending| spending.total(&quota.window, now))
    }

    /// When the next units of an allowance are back; nothing while none are spent.
    pub fn back_at(&self, quota: &Quota, now: Timestamp) -> Option<Timestamp> {
        let counts = counted(&quota.window, now);
        let entries = self.spending.get(&quota.bucket)?.entries(&quota.window);
        let spent = entries.filter(|entry| counts.holds(entry) && entry.units > 0);
        spent.map(|entry| entry.back_at(&counts)).min()
    }

    /// Reserves units for a post, or says when enough of them are back. What is reserved stays reserved: a post that is sent
    /// again spends once.
    pub(crate) fn reserve(
        &mut self,
        quota: &Quota,
        limit: u64,
        (post, units): (DeliveryId, u32),
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        let spending = self.spending.entry(quota.bucket.clone()).or_default();
        spending.forget(&quota.window, now);
        if spending.posts.contains_key(&post) {
            return Ok(());
        }
        if spending.total(&quota.window, now) + u64::from(units) > limit {
            return Err(spending.free_at(&quota.window, limit.saturating_sub(units.into()), now));
        }
        spending.posts.insert(post, Spent { units, used: 0, at: now });
        Ok(())
    }

    /// The pace with the units of a post given back, where a refused post costs nothing.
    #[must_use]
    pub(crate) fn refunded(mut self, rule: &PaceRule, post: DeliveryId) -> Self {
        for quota in rule.quotas.iter().filter(|quota| !quota.refused_counts) {
            if let Some(spending) = self.spending.get_mut(&quota.bucket) {
                spending.posts.remove(&post);
            }
        }
        self
    }
}

impl Record for Pace {
    const TABLE: &'static str = "pace";
    fn key(&self) -> String {
        self.key.clone()
    }
}

/// Lays what was said about allowances over the paces of an account and its app. `post` is the one whose chain made the
/// calls: they are of what it reserved.
pub fn hear(
    account: &mut Pace,
    app: &mut Pace,
    heard: &[Usage],
    rule: &PaceRule,
    post: Option<DeliveryId>,
    now: Timestamp,
) {
    for usage in heard {
        match *usage {
            Usage::Level { scope, percent, lasts } => {
                let pace = if scope == Scope::App { &mut *app } else { &mut *account };
                let lasts = SignedDuration::try_from(lasts).unwrap_or(SignedDuration::MAX);
                let until = now.saturating_add(lasts).unwrap_or(now);
                let told = (percent >= SLOW_FROM).then_some(Used { percent, until });
                let same = pace.percent(now).zip(told).is_some_and(|(kept, told)| {
                    kept.percent == told.percent && told.until.duration_since(kept.until) < SAME
                });
                if !same {
                    pace.used = told;
                }
            }
            Usage::Spent { bucket, units } => {
                let Some(quota) = rule.quotas.iter().find(|quota| quota.bucket == bucket) else {
                    continue;
                };
                let pace = match quota.scope {
                    QuotaScope::Account => &mut *account,
                    QuotaScope::App => &mut *app,
                };
                let spending = pace.spending.entry(quota.bucket.clone()).or_default();
                spending.forget(&quota.window, now);
                match post.and_then(|post| spending.posts.get_mut(&post)) {
                    Some(spent) => spent.used += units,
                    None => *spending.calls.entry(hour_of(now)).or_default() += units,
                }
            }
        }
    }
}

impl Spending {
    /// Units that count at `now`.
    pub fn total(&self, window: &Window, now: Timestamp) -> u64 {
        let counts = counted(window, now);
        self.entries(window).filter(|entry| counts.holds(entry)).map(|entry| entry.units).sum()
    }

    /// When so much has come back that no more than `most` is spent.
    fn free_at(&self, window: &Window, most: u64, now: Timestamp) -> Timestamp {
        let counts = counted(window, now);
        let mut spent: Vec<Entry> =
            self.entries(window).filter(|entry| counts.holds(entry)).collect();
        spent.sort_by_key(|entry| entry.back_at(&counts));
        let mut left = spent.iter().map(|entry| entry.units).sum::<u64>();
        for entry in &spent {
            left -= entry.units;
            if left <= most {
                return entry.back_at(&counts).max(now + SignedDuration::from_millis(1));
            }
        }
        counts.next.unwrap_or(now + SignedDuration::from_hours(24))
    }

    /// Drops what counts no more.
    fn forget(&mut self, window: &Window, now: Timestamp) {
        let counts = counted(window, now);
        self.posts.retain(|_, spent| counts.holds(&Entry::of_post(*spent, window)));
        self.calls.retain(|hour, units| counts.holds(&Entry::of_calls(*hour, *units, window)));
    }

    fn entries<'a>(&'a self, window: &'a Window) -> impl Iterator<Item = Entry> + 'a {
        let posts = self.posts.values().map(|spent| Entry::of_post(*spent, window));
        posts.chain(self.calls.iter().map(|(hour, units)| Entry::of_calls(*hour, *units, window)))
    }
}

/// Units with the first and the last instant at which they may have been spent, and when they come back in a rolling window.
struct Entry {
    units: u64,
    first: Timestamp,
    last: Timestamp,
    rolls_off: Timestamp,
}

impl Entry {
    fn of_post(spent: Spent, window: &Window) -> Self {
        Self::new(spent.units.max(spent.used), spent.at, spent.at, window)
    }

    /// An hour counts as long as any of its calls may.
    fn of_calls(hour: Timestamp, units: u32, window: &Window) -> Self {
        let end = hour.saturating_add(SignedDuration::from_hours(1)).unwrap_or(hour);
        Self::new(units, hour, end - SignedDuration::from_nanos(1), window)
    }

    fn new(units: u32, first: Timestamp, last: Timestamp, window: &Window) -> Self {
        let length = match window {
            Window::RollingH(hours) => SignedDuration::from_hours((*hours).into()),
            Window::DayOf(_) => SignedDuration::ZERO,
        };
        let rolls_off = last.saturating_add(length).unwrap_or(last);
        Self { units: units.into(), first, last, rolls_off }
    }

    fn back_at(&self, counts: &Counts) -> Timestamp {
        counts.next.unwrap_or(self.rolls_off)
    }
}

/// What counts at an instant: a stretch of time, and when the next one begins should all come back at once.
struct Counts {
    from: Timestamp,
    next: Option<Timestamp>,
}

impl Counts {
    fn holds(&self, entry: &Entry) -> bool {
        entry.last >= self.from && self.next.is_none_or(|next| entry.first < next)
    }
}

/// A day of an unknown zone is one of UTC; a test reads every capability's.
fn counted(window: &Window, now: Timestamp) -> Counts {
    match window {
        Window::DayOf(name) => {
            let zone = zone(name).unwrap_or(jiff::tz::TimeZone::UTC);
            let (from, next) = day_around(&zone, now);
            Counts { from, next: Some(next) }
        }
        Window::RollingH(hours) => {
            let length = SignedDuration::from_hours((*hours).into());
            // What was spent exactly that long ago is back.
            let from = now - length + SignedDuration::from_nanos(1);
            Counts { from, next: None }
        }
    }
}

/// When the window that begins at `now`, or the day it lies in, is over.
pub(crate) fn window_end(window: &Window, now: Timestamp) -> Timestamp {
    let hours = match window {
        Window::RollingH(hours) => *hours,
        Window::DayOf(_) => 24,
    };
    counted(window, now).next.unwrap_or(now + SignedDuration::from_hours(hours.into()))
}

fn hour_of(now: Timestamp) -> Timestamp {
    let seconds = now.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(now)
}
