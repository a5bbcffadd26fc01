//! When a post goes out: wall time in a zone and the instant it means, the slots of an account, quiet hours, local days.
//!
//! What a person chooses is wall time in an IANA zone; what is kept and compared is the instant, with the zone beside it. A
//! wall time that a clock change skips or repeats is read by one rule, jiff's *compatible* one, the same as calendars use:
//! skipped means as much later as the clock jumped, repeated means the first time.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    account::AccountName,
    ids::PostId,
    record::{Record, time_key},
};

/// A name that is no IANA zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a time zone: {0:?} (write an IANA name like Asia/Ho_Chi_Minh)")]
pub struct UnknownZone(pub String);

/// The zone of this name.
///
/// # Errors
/// [`UnknownZone`]. Names in the settings are checked at the start.
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    TimeZone::get(name).map_err(|_| UnknownZone(name.to_owned()))
}

/// The zone of a name that was checked before; UTC should its data be gone since.
pub(crate) fn known_zone(name: &str) -> TimeZone {
    zone(name).unwrap_or(TimeZone::UTC)
}

/// How a post's time was chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Timing {
    /// As soon as it may go.
    #[default]
    Soon,
    /// A person named this wall time: it is kept to the minute.
    Exact {
        /// As it was written.
        wall: DateTime,
    },
    /// The account's next free slot.
    Slot {
        /// Wall time of the slot.
        wall: DateTime,
    },
}

impl Timing {
    /// Whether it is nothing in particular.
    pub fn is_soon(&self) -> bool {
        *self == Self::Soon
    }
}

/// When posts are wanted, before each account's own time is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "when")]
pub enum When {
    /// As soon as they may go.
    #[default]
    Soon,
    /// At this instant, which a person wrote as wall time.
    At {
        /// The instant.
        at: Timestamp,
        /// As it was written, in the agency's zone.
        wall: DateTime,
    },
    /// Each in the next free slot of its account.
    NextSlot,
    /// Each when its account usually posts: in its next free slot; where it has no slots, as soon as it may go at a distance from
    /// the account's other posts and outside its quiet hours. The first urgent one waits for none of this.
    Usual,
}

/// The instant that a wall time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    /// The instant.
    pub at: Timestamp,
    /// Whether the clock shows that time once.
    pub shown: Shown,
}

/// How often a clock shows a wall time on its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Once, as on nearly every day.
    Once,
    /// Never: the clock jumps over it. The instant is as much later as the jump is long.
    Never {
        /// What the clock shows then.
        instead: DateTime,
    },
    /// Twice: the clock is put back. The first time is meant.
    Twice {
        /// The other instant.
        second: Timestamp,
    },
}

impl Meant {
    /// What a person must know, when the wall time was not clear; Vietnamese unless `lang` is `en`.
    pub fn say(&self, wall: DateTime, lang: &str) -> Option<String> {
        let vi = lang != "en";
        match self.shown {
            Shown::Once => None,
            Shown::Never { instead } if vi => Some(format!(
                "đồng hồ nhảy qua {wall} (đổi giờ): bài lên lúc đồng hồ chỉ {instead}"
            )),
            Shown::Never { instead } => {
                Some(format!("the clock jumps over {wall}: the post goes out at {instead}"))
            }
            Shown::Twice { second } if vi => Some(format!(
                "đồng hồ chỉ {wall} hai lần (đổi giờ): bài lên lần đầu, {}, không phải {second}",
                self.at
            )),
            Shown::Twice { second } => Some(format!(
                "the clock shows {wall} twice: the first time is meant, {}, not {second}",
                self.at
            )),
        }
    }
}

/// The instant that a wall time means in a zone.
///
/// # Errors
/// When the instant lies outside the years that can be written.
///
/// ```
/// use loa_model::schedule::{Shown, meant, zone};
///
/// let berlin = zone("Europe/Berlin").unwrap();
/// let skipped = meant("2026-03-29T02:30".parse().unwrap(), &berlin).unwrap();
/// assert_eq!(skipped.at.to_string(), "2026-03-29T01:30:00Z");
/// assert_eq!(skipped.shown, Shown::Never { instead: "2026-03-29T03:30".parse().unwrap() });
/// ```
pub fn meant(wall: DateTime, zone: &TimeZone) -> Result<Meant, jiff::Error> {
    let read = zone.to_ambiguous_timestamp(wall);
    let at = read.compatible()?;
    let shown = match read.offset() {
        AmbiguousOffset::Unambiguous { .. } => Shown::Once,
        AmbiguousOffset::Gap { .. } => Shown::Never { instead: zone.to_datetime(at) },
        AmbiguousOffset::Fold { .. } => Shown::Twice { second: read.later()? },
    };
    Ok(Meant { at, shown })
}

/// The local day that holds `now`, from its first instant to that of the next one. Days follow one another without a gap or
/// an overlap whatever the clock does at midnight, so that what is counted by the day starts anew exactly once.
pub fn day_around(zone: &TimeZone, now: Timestamp) -> (Timestamp, Timestamp) {
    let date = zone.to_datetime(now).date();
    let begins = |date: Date| {
        let first = date.to_zoned(zone.clone()).and_then(|day| day.start_of_day());
        first.map(|day| day.timestamp())
    };
    let around = || {
        let tomorrow = begins(date.tomorrow()?)?;
        // Put back over midnight, a clock shows a date again that was over.
        if tomorrow <= now {
            return Ok((tomorrow, begins(date.checked_add(2.days())?)?));
        }
        Ok((begins(date)?, tomorrow))
    };
    let ends_of_time = |_: jiff::Error| (now, now + SignedDuration::from_hours(24));
    around().unwrap_or_else(ends_of_time)
}

/// Hours in which nothing but urgent posts goes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// Start, for example `22:00`.
    pub from: Time,
    /// End; earlier than `from` means the next morning, the same means no quiet hours at all.
    pub to: Time,
    /// IANA zone of both.
    pub zone: String,
}

impl QuietHours {
    /// Their end, when `now` lies in them. Always later than `now`, and quiet no more.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until_in(&known_zone(&self.zone), now)
    }

    fn until_in(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let mut free = now;
        // Two nights touch only where a clock change moves an end over the next start.
        while let Some(end) = self.end_of(zone, free) {
            free = end;
            if free.duration_since(now) > SignedDuration::from_hours(72) {
                break;
            }
        }
        (free > now).then_some(free)
    }

    /// End of the one stretch of quiet that holds `now`. Compared as instants: a wall time alone does not tell whether the
    /// clock shows it for the first time or again.
    fn end_of(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        let days = [today.yesterday(), Ok(today), today.tomorrow()];
        days.into_iter().flatten().find_map(|day| {
            let last = if self.to < self.from { day.tomorrow().ok()? } else { day };
            let start = meant(day.to_datetime(self.from), zone).ok()?.at;
            let end = meant(last.to_datetime(self.to), zone).ok()?.at;
            (start <= now && now < end).then_some(end)
        })
    }
}

/// A recurring slot: `mon-fri 07:30`, `sat,sun 09:00` or `daily 19:45`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotRule {
    /// Wall time.
    pub at: Time,
    /// Days, Monday first.
    days: [bool; 7],
}

/// A text that is no slot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a slot: {0:?} (write days and a time: \"mon-fri 07:30\", \"sat,sun 09:00\", \"daily 19:45\")"
)]
pub struct BadSlot(pub String);

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl SlotRule {
    /// Whether it holds on this day of the week.
    pub fn is_on(&self, day: Weekday) -> bool {
        let place = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.days.get(place).copied().unwrap_or_default()
    }
}

impl FromStr for SlotRule {
    type Err = BadSlot;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || BadSlot(text.to_owned());
        let (days_text, time) = text.trim().split_once(' ').ok_or_else(bad)?;
        let place = |name: &str| DAYS.iter().position(|day| *day == name.trim()).ok_or_else(bad);
        let mut days = [false; 7];
        if days_text == "daily" {
            days = [true; 7];
        } else {
            for part in days_text.split(',') {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let (first, last) = (place(first)?, place(last)?);
                days.get_mut(first..=last).ok_or_else(bad)?.fill(true);
            }
        }
        Ok(Self { at: time.trim().parse().map_err(|_| bad())?, days })
    }
}

impl fmt::Display for SlotRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> =
            DAYS.iter().zip(self.days).filter_map(|(name, on)| on.then_some(*name)).collect();
        let days = match named.as_slice() {
            [_, _, _, _, _, _, _] => "daily".to_owned(),
            ["mon", "tue", "wed", "thu", "fri"] => "mon-fri".to_owned(),
            named => named.join(","),
        };
        write!(f, "{days} {}", self.at.strftime("%H:%M"))
    }
}

impl Serialize for SlotRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SlotRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One slot on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The instant.
    pub at: Timestamp,
    /// Wall time of its rule; a clock change may show another.
    pub wall: DateTime,
}

/// When one account posts. Where it says nothing, the installation's settings and the channel's pace hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// IANA zone of the slots.
    pub zone: String,
    /// Recurring slots.
    #[serde(default)]
    pub slots: Vec<SlotRule>,
    /// Quiet hours instead of the installation's.
    #[serde(default)]
    pub quiet: Option<QuietHours>,
    /// Smallest distance of two posts that are not urgent, seconds; the channel's own where that is longer.
    #[serde(default)]
    pub min_gap_s: u32,
}

impl Default for Plan {
    /// A plan that says nothing.
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), slots: Vec::new(), quiet: None, min_gap_s: 0 }
    }
}

/// Why a plan cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlan {
    /// A zone is unknown.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// A slot lies in quiet hours: nothing would ever go out in it.
    #[error("the slot \"{0}\" lies in the quiet hours")]
    Quiet(SlotRule),
}

/// Days that are looked through for slots.
const SLOT_DAYS: i64 = 62;

impl Plan {
    /// Whether it can be kept, with the quiet hours that hold where it names none.
    ///
    /// # Errors
    /// [`BadPlan`].
    pub fn check(&self, quiet: Option<&QuietHours>) -> Result<(), BadPlan> {
        let own = zone(&self.zone)?;
        let Some(quiet) = self.quiet.as_ref().or(quiet) else { return Ok(()) };
        zone(&quiet.zone)?;
        // An ordinary day: clock changes come and go.
        let day = jiff::civil::date(2026, 7, 15);
        for slot in &self.slots {
            let at = meant(day.to_datetime(slot.at), &own).map(|meant| meant.at);
            if at.is_ok_and(|at| quiet.until(at).is_some()) {
                return Err(BadPlan::Quiet(*slot));
            }
        }
        Ok(())
    }

    /// Slots after `after` in order, two months far. A slot that a clock change skips is as much later, one that it repeats
    /// is taken once.
    pub fn slots_after(&self, after: Timestamp) -> Vec<Slot> {
        self.slots_in(&known_zone(&self.zone), after)
    }

    fn slots_in(&self, zone: &TimeZone, after: Timestamp) -> Vec<Slot> {
        let first = zone.to_datetime(after).date();
        let days = (-1..SLOT_DAYS).filter_map(|n| first.checked_add(n.days()).ok());
        let mut slots: Vec<Slot> = days
            .flat_map(|day| {
                let rules = self.slots.iter().filter(move |rule| rule.is_on(day.weekday()));
                rules.map(move |rule| day.to_datetime(rule.at))
            })
            .filter_map(|wall| Some(Slot { at: meant(wall, zone).ok()?.at, wall }))
            .filter(|slot| slot.at > after)
            .collect();
        slots.sort();
        slots.dedup_by_key(|slot| slot.at);
        slots
    }
}

/// The plan of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    /// Account.
    pub account: AccountName,
    /// When it posts.
    pub plan: Plan,
}

impl Record for Timetable {
    const TABLE: &'static str = "timetable";
    fn key(&self) -> String {
        self.account.to_string()
    }
}

/// A slot that a post has. One record per account and instant: who commits it first has the slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotTaken {
    /// Account.
    pub account: AccountName,
    /// The slot.
    pub at: Timestamp,
    /// Who has it.
    pub post: PostId,
}

impl SlotTaken {
    /// Key of the slot of an account at an instant.
    pub fn key_of(account: &AccountName, at: Timestamp) -> String {
        format!("{account}/{}", time_key(at))
    }
}

impl Record for SlotTaken {
    const TABLE: &'static str = "slot";
    fn key(&self) -> String {
        Self::key_of(&self.account, self.at)
    }
}

#[cfg(test)]
mod tests;
