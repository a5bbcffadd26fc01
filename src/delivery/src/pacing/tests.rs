use jiff::{SignedDuration, Timestamp, ToSpan};
use loa_model::{DeliveryId, Priority, capability::PaceRule};

use super::*;
use crate::config::QuietHours;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(n: u128) -> DeliveryId {
    // Ids of tests: only their difference matters.
    format!("{n:032x}").parse().unwrap()
}

fn rule(gap_ms: u64, burst: u32, per_day: u32, zone: &str) -> PaceRule {
    PaceRule { min_gap_ms: gap_ms, burst, per_day, day_zone: zone.into() }
}

struct Case {
    pace: Pace,
    rule: PaceRule,
    config: Config,
    priority: Priority,
}

impl Case {
    fn new(rule: PaceRule) -> Self {
        let config = Config { urgent_reserve_percent: 0, ..Config::default() };
        Self { pace: Pace::new("a"), rule, config, priority: Priority::Normal }
    }

    /// Asks and keeps what was granted.
    fn ask(&mut self, n: u128, now: Timestamp) -> Result<(), (Timestamp, Wait)> {
        let app = Pace::new("app");
        let question = Ask {
            delivery: id(n),
            priority: self.priority,
            account: &self.pace,
            app: &app,
            rule: &self.rule,
            begins: true,
        };
        match ask(&question, &self.config, now) {
            Verdict::Go(pace) => {
                self.pace = pace;
                Ok(())
            }
            Verdict::Later { until, why } => Err((until, why)),
        }
    }
}

#[test]
fn burst_then_gap_and_the_state_survives_as_a_record() {
    let now = at("2026-11-22T02:00:00Z");
    let mut case = Case::new(rule(60_000, 3, 0, "UTC"));
    for n in 0..3 {
        assert_eq!(case.ask(n, now), Ok(()));
    }
    let (until, why) = case.ask(3, now).unwrap_err();
    assert_eq!((until.duration_since(now), why), (SignedDuration::from_secs(60), Wait::Gap));
    let json = serde_json::to_string(&case.pace).unwrap();
    case.pace = serde_json::from_str(&json).unwrap();
    assert!(case.ask(3, now + 59.seconds()).is_err(), "a restart gives no fresh burst");
    assert_eq!(case.ask(3, now + 61.seconds()), Ok(()));
}

#[test]
fn a_clock_that_stepped_back_costs_at_most_one_burst() {
    let now = at("2026-11-22T02:00:00Z");
    let mut case = Case::new(rule(60_000, 2, 0, "UTC"));
    case.ask(0, now + 24.hours()).unwrap();
    let wait = case
        .ask(1, now)
        .map_or_else(|(until, _)| until.duration_since(now), |()| SignedDuration::ZERO);
    assert!(wait <= SignedDuration::from_secs(120), "{wait}");
}

#[test]
fn the_day_is_the_platforms_day_also_over_daylight_saving() {
    // Los Angeles: the day of 2026-03-08 has 23 hours, that of 2026-11-01 has 25.
    for (noon, hours) in [("2026-03-08T20:00:00Z", 11), ("2026-11-01T20:00:00Z", 12)] {
        let now = at(noon);
        let mut case = Case::new(rule(0, 1, 1, "America/Los_Angeles"));
        case.ask(0, now).unwrap();
        let (until, why) = case.ask(1, now).unwrap_err();
        assert_eq!(why, Wait::Budget);
        assert_eq!(until.duration_since(now), SignedDuration::from_hours(hours));
        assert_eq!(case.ask(1, until), Ok(()));
    }
}

#[test]
fn the_same_delivery_spends_once_and_a_refusal_gives_it_back() {
    let now = at("2026-11-22T02:00:00Z");
    let mut case = Case::new(rule(0, 1, 1, "UTC"));
    case.ask(0, now).unwrap();
    assert_eq!(case.ask(0, now), Ok(()), "unclear, found absent, sent again: spent once");
    assert!(case.ask(1, now).is_err());
    case.pace = refund(case.pace, id(0));
    assert_eq!(case.ask(1, now), Ok(()));
}

#[test]
fn quiet_hours_hold_all_but_urgent() {
    let quiet = |from: &str, to: &str| {
        Some(QuietHours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            zone: "Asia/Ho_Chi_Minh".into(),
        })
    };
    // 23:30 in Hà Nội.
    let night = at("2026-11-22T16:30:00Z");
    let mut case = Case::new(rule(0, 1, 0, "UTC"));
    case.config.quiet = quiet("22:00", "06:00");
    assert_eq!(case.ask(0, night), Err((at("2026-11-22T23:00:00Z"), Wait::Quiet)));
    assert_eq!(case.ask(0, at("2026-11-22T23:00:00Z")), Ok(()));
    case.priority = Priority::Urgent;
    assert_eq!(case.ask(0, night), Ok(()));
    case.priority = Priority::Normal;
    case.config.quiet = quiet("12:00", "13:00");
    assert_eq!(case.ask(0, night), Ok(()));
    assert_eq!(
        case.ask(0, at("2026-11-22T05:30:00Z")),
        Err((at("2026-11-22T06:00:00Z"), Wait::Quiet))
    );
}
