//! What a post had at an age, and how long its views took to come to half.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Series, story::Reading};

/// The age at which posts are compared.
pub(crate) const DAY_S: i64 = 24 * 3600;
/// The age whose views count as the whole for the half-life.
pub(crate) const WHOLE_S: i64 = 28 * DAY_S;

/// How long a post took to half of the views it had at 28 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "known")]
pub enum HalfLife {
    /// Estimated between two readings, as if views came evenly between them.
    At {
        /// Seconds after it went live.
        age_s: i64,
        /// Age of the last reading that was still below half; 0 when there is none.
        after_s: i64,
        /// Age of the first reading at half or above.
        by_s: i64,
    },
    /// It is not 28 days old.
    TooYoung,
    /// It is old enough, but no reading lies at 28 days or on both sides of it.
    NotMeasured,
    /// The platform never gave its views.
    NotGiven,
    /// The platform changed how it counts.
    MethodBreak,
    /// Nobody saw it within 28 days.
    NoViews,
}

/// The half-life of a post by its series of views.
pub fn half_life(series: &Series, now: Timestamp) -> HalfLife {
    let age_s = |at: Timestamp| at.duration_since(series.live_since).as_secs();
    let within = |at: Timestamp| age_s(at) <= WHOLE_S;
    if series.points.iter().any(|point| point.method_break && within(point.at)) {
        return HalfLife::MethodBreak;
    }
    // After a later change of method the count is another one.
    let one = series.points.iter().take_while(|point| !point.method_break);
    let readings: Vec<Reading> = one
        .filter_map(|point| Some(Reading { age_s: age_s(point.at), value: point.value? }))
        .collect();
    if now.duration_since(series.live_since) < SignedDuration::from_secs(WHOLE_S) {
        return HalfLife::TooYoung;
    }
    if readings.is_empty() {
        return HalfLife::NotGiven;
    }
    let Some(whole) = at_age(&readings, WHOLE_S) else { return HalfLife::NotMeasured };
    if whole == 0 {
        return HalfLife::NoViews;
    }
    // Half of an odd number is the larger half: at least half of the views were there.
    let half = whole.div_ceil(2);
    let mut below = Reading { age_s: 0, value: 0 };
    for reading in readings {
        if reading.value >= half {
            let age_s = between(below, reading, half);
            return HalfLife::At { age_s, after_s: below.age_s, by_s: reading.age_s };
        }
        below = reading;
    }
    HalfLife::NotMeasured
}

/// The number at an age: a reading at that age or at most a twentieth later as it is, else a straight line between the
/// readings before and after. Nothing when there is none after it or none before it.
pub(crate) fn at_age(readings: &[Reading], age_s: i64) -> Option<u64> {
    let after = readings.iter().find(|reading| reading.age_s >= age_s)?;
    if after.age_s <= age_s + age_s / 20 {
        return Some(after.value);
    }
    let before = readings.iter().rev().find(|reading| reading.age_s < age_s)?;
    let span = i128::from(after.age_s - before.age_s);
    let step = i128::from(after.value) - i128::from(before.value);
    let value = i128::from(before.value) + step * i128::from(age_s - before.age_s) / span;
    u64::try_from(value).ok()
}

/// Age at which a straight line from `below` to `above` comes to `value`.
fn between(below: Reading, above: Reading, value: u64) -> i64 {
    let span = i128::from(above.age_s - below.age_s);
    let rise = i128::from(above.value) - i128::from(below.value);
    let part = i128::from(value) - i128::from(below.value);
    let added = if rise > 0 { span * part / rise } else { span };
    below.age_s + i64::try_from(added).unwrap_or(0)
}

/// The middle one; of an even number the mean of the two in the middle, rounded down.
pub(crate) fn median(mut all: Vec<u64>) -> Option<u64> {
    all.sort_unstable();
    let middle = all.len() / 2;
    let high = *all.get(middle)?;
    if all.len() % 2 == 1 {
        return Some(high);
    }
    let low = all.get(middle.checked_sub(1)?)?;
    Some(low.midpoint(high))
}

/// The smallest number that at least this many of a hundred are not above: a number that was measured, not one between two.
pub(crate) fn percentile(mut all: Vec<u64>, of_hundred: usize) -> Option<u64> {
    all.sort_unstable();
    let rank = (all.len() * of_hundred).div_ceil(100);
    all.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use loa_model::{PostFormat, PostId};

    use super::*;
    use crate::Point;

    const HOUR: i64 = 3600;

    fn readings(all: &[(i64, u64)]) -> Vec<Reading> {
        all.iter().map(|(hours, value)| Reading { age_s: hours * HOUR, value: *value }).collect()
    }

    #[test]
    fn a_number_between_two_readings_lies_on_a_straight_line() {
        let own = readings(&[(1, 100), (20, 290), (30, 390), (700, 400)]);
        for (hours, expect) in [
            (1, Some(100)),
            (20, Some(290)),
            // 24 h: 290 + 100 · 4/10.
            (24, Some(330)),
            // 30 h is less than a twentieth later than 29 h: taken as it is.
            (29, Some(390)),
            (700, Some(400)),
            (701, None),
        ] {
            assert_eq!(at_age(&own, hours * HOUR), expect, "{hours} h");
        }
        assert_eq!(
            at_age(&readings(&[(30, 9)]), 24 * HOUR),
            None,
            "nothing before: not a guess from zero"
        );
        // A count that falls is not below nothing.
        assert_eq!(at_age(&readings(&[(10, 100), (40, 40)]), 25 * HOUR), Some(70));
    }

    #[test]
    fn middles_and_tails() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![7]), Some(7));
        assert_eq!(median(vec![9, 1, 5]), Some(5));
        assert_eq!(median(vec![9, 1, 5, 6]), Some(5), "5.5 rounded down");
        assert_eq!(percentile(vec![], 95), None);
        assert_eq!(percentile(vec![3], 95), Some(3));
        assert_eq!(percentile((1..=20).collect(), 95), Some(19));
        assert_eq!(percentile((1..=100).rev().collect(), 95), Some(95));
    }

    fn series(points: &[(i64, Option<u64>, bool)]) -> Series {
        let live_since: Timestamp = "2026-10-01T02:00:00Z".parse().unwrap();
        let point = |(hours, value, method_break): &(i64, Option<u64>, bool)| Point {
            at: live_since + SignedDuration::from_hours(*hours),
            value: *value,
            method_break: *method_break,
        };
        Series {
            label: "memory:tinh".into(),
            post: PostId(uuid::Uuid::nil()),
            live_since,
            format: PostFormat::Video,
            source_name: "views".into(),
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn the_half_life_is_found_between_two_readings_or_its_absence_explained() {
        let at = |age_h: i64, after_h: i64, by_h: i64| HalfLife::At {
            age_s: age_h * HOUR,
            after_s: after_h * HOUR,
            by_s: by_h * HOUR,
        };
        let month = 28 * 24;
        let old = month + 48;
        let v = |hours, value| (hours, Some(value), false);
        for (points, now_h, expect) in [
            // Whole 1000, half 500: from 400 at 6 h to 700 at 24 h, a third of the way, 12 h.
            (vec![v(1, 100), v(6, 400), v(24, 700), v(month, 1000)], old, at(12, 6, 24)),
            // Half within the first hour: from nothing at the beginning.
            (
                vec![v(1, 600), v(month, 600)],
                old,
                HalfLife::At { age_s: 1800, after_s: 0, by_s: 3600 },
            ),
            (vec![v(1, 100), v(6, 400)], 100, HalfLife::TooYoung),
            (vec![v(1, 100), v(6, 400)], old, HalfLife::NotMeasured),
            (vec![(1, None, false), (month, None, false)], old, HalfLife::NotGiven),
            (vec![v(1, 0), v(month, 0)], old, HalfLife::NoViews),
            (vec![v(1, 10), (48, Some(5), true), v(month, 90)], old, HalfLife::MethodBreak),
            // The reading of day 28 was missed: 58 days on both sides, 1000 + 300 · 21/51 of the days.
            (
                vec![v(1, 500), v(7 * 24, 1000), v(58 * 24, 1300)],
                60 * 24,
                HalfLife::At {
                    // Whole 1123, half 562: from 500 at 1 h to 1000 at 168 h, 62/500 of 167 h.
                    age_s: HOUR + 167 * HOUR * 62 / 500,
                    after_s: HOUR,
                    by_s: 7 * 24 * HOUR,
                },
            ),
        ] {
            let series = series(&points);
            let now = series.live_since + SignedDuration::from_hours(now_h);
            assert_eq!(half_life(&series, now), expect, "{points:?}");
        }
    }
}
