//! When a post is measured: 15 min, 1, 3, 6, 24, 48 h, 7 and 28 days after posting, then every 30 days within a year.

use jiff::{SignedDuration, Timestamp};

const EARLY: u32 = 8;
const EARLY_MINUTES: [i64; EARLY as usize] =
    [15, 60, 3 * 60, 6 * 60, 24 * 60, 48 * 60, 7 * 24 * 60, 28 * 24 * 60];

/// Time of sample `step` after posting; nothing after the last one.
pub fn offset(step: u32) -> Option<SignedDuration> {
    if let Some(minutes) = EARLY_MINUTES.get(step as usize) {
        return Some(SignedDuration::from_mins(*minutes));
    }
    let months = i64::from(step) - i64::from(EARLY) + 1;
    let days = 28 + 30 * months;
    (days <= 365).then(|| SignedDuration::from_hours(24 * days))
}

/// The step after `step` that is still to come at `now`, with its time. What was missed meanwhile is skipped.
pub fn next_step(step: u32, live_since: Timestamp, now: Timestamp) -> Option<(u32, Timestamp)> {
    (step + 1..)
        .map_while(|next| Some((next, live_since.checked_add(offset(next)?).ok()?)))
        .find(|(_, at)| *at > now)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn the_plan_ends_within_a_year_and_grows() {
        let all: Vec<_> = (0..).map_while(offset).collect();
        assert_eq!(all.len(), 19);
        assert!(all.windows(2).all(|two| two[0] < two[1]));
        assert_eq!(all.last(), Some(&SignedDuration::from_hours(24 * 358)));
    }

    #[test]
    fn missed_steps_are_skipped() {
        let live: Timestamp = "2026-11-22T02:00:00Z".parse().unwrap();
        for (step, after, expect) in [
            (0, 15.minutes(), Some((1, 60))),
            (0, 60.minutes(), Some((2, 180))),
            (0, 500.minutes(), Some((4, 1440))),
            (17, 20.minutes(), Some((18, 358 * 1440))),
            (18, 20.minutes(), None),
        ] {
            let expect = expect.map(|(step, minutes): (u32, i64)| {
                (step, live + SignedDuration::from_mins(minutes))
            });
            assert_eq!(next_step(step, live, live + after), expect, "{step} {after}");
        }
    }
}
