//! Periods as people ask for them: whole days of a zone, and the periods they are compared with.

use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// First day.
    pub first: Date,
    /// Last day, included.
    pub last: Date,
}

impl Days {
    /// How many; nothing when the last day is before the first.
    pub fn count(self) -> Option<i64> {
        let days = (self.last - self.first).get_days();
        (days >= 0).then(|| i64::from(days) + 1)
    }

    /// As many days, right before; as far as there are days.
    #[must_use]
    pub fn before(self) -> Self {
        let days = self.count().unwrap_or(1);
        Self {
            first: self.first.saturating_sub(days.days()),
            last: self.first.saturating_sub(1.day()),
        }
    }

    /// The same days a year earlier; of a 29 February the 28th.
    #[must_use]
    pub fn last_year(self) -> Self {
        let earlier = |day: Date| day.saturating_sub(1.year());
        Self { first: earlier(self.first), last: earlier(self.last) }
    }

    /// From the first instant to before the instant after the last, in a zone. An unknown zone counts as UTC.
    pub fn span(self, zone: &str) -> (Timestamp, Timestamp) {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let start = |day: Date, otherwise| {
            day.to_zoned(zone.clone()).map_or(otherwise, |zoned| zoned.timestamp())
        };
        let after = self.last.tomorrow().map_or(Timestamp::MAX, |day| start(day, Timestamp::MAX));
        (start(self.first, Timestamp::MIN), after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(first: &str, last: &str) -> Days {
        Days { first: first.parse().unwrap(), last: last.parse().unwrap() }
    }

    #[test]
    fn periods_are_compared_with_as_many_days_and_with_the_same_days() {
        let week = days("2026-11-16", "2026-11-22");
        assert_eq!(week.count(), Some(7));
        assert_eq!(week.before(), days("2026-11-09", "2026-11-15"));
        assert_eq!(week.last_year(), days("2025-11-16", "2025-11-22"));
        assert_eq!(days("2028-02-29", "2028-02-29").last_year(), days("2027-02-28", "2027-02-28"));
        assert_eq!(days("2026-11-16", "2026-11-16").before(), days("2026-11-15", "2026-11-15"));
        assert_eq!(days("2026-11-16", "2026-11-15").count(), None);
        assert_eq!(days("-009999-01-01", "-009999-01-01").before().count(), Some(1));
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let (from, to) = days("2026-11-16", "2026-11-16").span("Asia/Ho_Chi_Minh");
        assert_eq!(from.to_string(), "2026-11-15T17:00:00Z");
        assert_eq!(to.to_string(), "2026-11-16T17:00:00Z");
        let (from, to) = days("-009999-01-01", "9999-12-31").span("Asia/Ho_Chi_Minh");
        assert!(from < to, "the ends of the calendar are no error");
    }
}
