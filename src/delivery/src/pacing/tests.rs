use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp, ToSpan};
use loa_channel::{Scope, Usage};
use loa_model::{
    DeliveryId, MediaRole, Plan, PostFormat, Priority, QuietHours, Shape,
    capability::{Gap, PaceRule, Quota, QuotaScope, Window},
};

use super::*;
use crate::{
    outlook::{Outlook, Planned, outlook},
    pace::{Used, hear},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(n: u128) -> DeliveryId {
    // Only their difference matters; the id of nobody is 0.
    format!("{:032x}", n + 1).parse().unwrap()
}

fn shape(format: PostFormat) -> Shape {
    Shape { format, files: BTreeMap::new() }
}

fn gap(min_gap_ms: u64, burst: u32) -> Gap {
    Gap { min_gap_ms, burst }
}

fn rule(account: Gap, quotas: Vec<Quota>) -> PaceRule {
    PaceRule { account, app: Gap::default(), app_setting: "app_id".into(), quotas }
}

/// An allowance from which every text takes `units`.
fn quota(scope: QuotaScope, limit: u32, window: Window, units: u32) -> Quota {
    Quota {
        bucket: "posts".into(),
        scope,
        limit,
        window,
        cost: BTreeMap::from([(PostFormat::Text, units)]),
        cost_of_file: BTreeMap::from([(MediaRole::Captions, 400)]),
        refused_counts: false,
    }
}

fn a_day(limit: u32, zone: &str) -> Quota {
    quota(QuotaScope::Account, limit, Window::DayOf(zone.into()), 1)
}

struct Case {
    account: Pace,
    app: Pace,
    rule: PaceRule,
    plan: Option<Plan>,
    config: Config,
    priority: Priority,
    shape: Shape,
}

impl Case {
    fn new(rule: PaceRule) -> Self {
        let config = Config { urgent_reserve_percent: 0, ..Config::default() };
        Self {
            account: Pace::new("a"),
            app: Pace::new("app"),
            rule,
            plan: None,
            config,
            priority: Priority::Normal,
            shape: shape(PostFormat::Text),
        }
    }

    fn question(&self, n: u128) -> Ask<'_> {
        Ask {
            delivery: id(n),
            shape: &self.shape,
            priority: self.priority,
            account: &self.account,
            app: &self.app,
            rule: &self.rule,
            plan: self.plan.as_ref(),
            begins: true,
        }
    }

    /// Asks and keeps what was granted.
    fn ask(&mut self, n: u128, now: Timestamp) -> Result<(), (Timestamp, Wait)> {
        let answer = self.question(n).now(&self.config, now);
        let Go { account, app } = answer.map_err(|held| (held.until, held.why))?;
        (self.account, self.app) = (account, app);
        Ok(())
    }

    fn hear(&mut self, usage: Usage, now: Timestamp) {
        hear(&mut self.account, &mut self.app, &[usage], &self.rule, None, now);
    }

    fn wait(&mut self, n: u128, now: Timestamp) -> SignedDuration {
        self.ask(n, now)
            .map_or_else(|(until, _)| until.duration_since(now), |()| SignedDuration::ZERO)
    }

    fn outlook(&self, planned: &[Planned], now: Timestamp) -> Outlook {
        let account = "memory:cong-tin".parse().unwrap();
        outlook(
            &account,
            &self.question(99),
            std::slice::from_ref(&self.shape),
            planned,
            &self.config,
            now,
        )
    }

    fn next_free(&self, planned: &[Planned], now: Timestamp) -> Timestamp {
        self.outlook(planned, now).next_free[&self.shape.format]
    }

    /// Process death: only what is a record is left.
    fn restart(&mut self) {
        for pace in [&mut self.account, &mut self.app] {
            let json = serde_json::to_string(pace).unwrap();
            *pace = serde_json::from_str(&json).unwrap();
        }
    }
}

fn level(scope: Scope, percent: u8) -> Usage {
    Usage::Level { scope, percent, lasts: Duration::from_hours(1) }
}

const NOW: &str = "2026-11-22T02:00:00Z";

#[test]
fn burst_then_gap_for_account_and_app_and_a_restart_gives_no_fresh_burst() {
    let now = at(NOW);
    for of_app in [false, true] {
        let mut case = Case::new(rule(gap(60_000, 3), vec![]));
        if of_app {
            (case.rule.account, case.rule.app) = (Gap::default(), gap(60_000, 3));
        }
        for n in 0..3 {
            assert_eq!(case.ask(n, now), Ok(()));
        }
        let (until, why) = case.ask(3, now).unwrap_err();
        assert_eq!((until.duration_since(now), why), (SignedDuration::from_secs(60), Wait::Gap));
        case.restart();
        assert!(case.ask(3, now + 59.seconds()).is_err());
        assert_eq!(case.ask(3, now + 61.seconds()), Ok(()));
    }
}

#[test]
fn a_clock_that_was_put_back_holds_up_nobody_and_gives_no_burst() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(60_000, 2), vec![]));
    case.plan = Some(own_gap(600));
    case.ask(0, now + 24.hours()).unwrap();
    assert_eq!(case.ask(1, now), Ok(()));
    case.plan = None;
    let mut waits = Vec::new();
    let mut time = now;
    for n in 2..6 {
        let wait = case.wait(n, time);
        waits.push(wait.as_secs());
        time += wait;
        if !wait.is_zero() {
            case.ask(n, time).unwrap();
        }
    }
    assert_eq!(waits, [60, 60, 60, 60]);
}

#[test]
fn a_machine_whose_clock_is_a_little_behind_keeps_the_distance_to_the_posts_of_another() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(60_000, 1), vec![]));
    case.ask(0, now).unwrap();
    let behind = now - 20.seconds();
    assert_eq!(case.ask(1, behind), Err((now + 60.seconds(), Wait::Gap)));
    let mut case = Case::new(rule(gap(0, 1), vec![]));
    case.plan = Some(own_gap(600));
    case.ask(0, now).unwrap();
    assert_eq!(case.ask(1, behind), Err((now + 600.seconds(), Wait::Gap)));
}

fn own_gap(min_gap_s: u32) -> Plan {
    Plan { zone: "Asia/Ho_Chi_Minh".into(), slots: vec![], quiet: None, min_gap_s }
}

#[test]
fn an_account_s_own_distance_is_kept_by_all_but_urgent_posts() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(20_000, 1), vec![]));
    case.plan = Some(own_gap(1800));
    case.ask(0, now).unwrap();
    let soon = now + 21.seconds();
    assert_eq!(case.ask(1, soon), Err((now + 1800.seconds(), Wait::Gap)));
    case.priority = Priority::Urgent;
    assert_eq!(case.ask(2, now + 19.seconds()), Err((now + 20.seconds(), Wait::Gap)));
    assert_eq!(case.ask(2, soon), Ok(()), "an urgent one keeps the channel's distance only");
    case.priority = Priority::Normal;
    assert_eq!(case.ask(1, now + 1801.seconds()), Err((soon + 1800.seconds(), Wait::Gap)));
    case.plan = Some(own_gap(1));
    assert_eq!(case.ask(3, soon + 2.seconds()).unwrap_err().1, Wait::Gap, "never below 20 s");
}

#[test]
fn the_day_is_the_platforms_day_also_over_daylight_saving() {
    // Los Angeles: the day of 2026-03-08 has 23 hours, that of 2026-11-01 has 25.
    for (noon, hours) in [("2026-03-08T20:00:00Z", 11), ("2026-11-01T20:00:00Z", 12)] {
        let now = at(noon);
        let mut case = Case::new(rule(Gap::default(), vec![a_day(1, "America/Los_Angeles")]));
        case.ask(0, now).unwrap();
        let (until, why) = case.ask(1, now).unwrap_err();
        assert_eq!(why, Wait::Budget);
        assert_eq!(until.duration_since(now), SignedDuration::from_hours(hours));
        assert_eq!(case.ask(1, until), Ok(()));
    }
}

#[test]
fn over_a_year_of_pacific_days_each_gives_its_allowance_exactly_once() {
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").unwrap();
    let mut case = Case::new(rule(Gap::default(), vec![a_day(2, "America/Los_Angeles")]));
    let mut granted: BTreeMap<jiff::civil::Date, u32> = BTreeMap::new();
    let mut now = at("2026-01-01T08:00:00Z");
    for n in 0.. {
        if now >= at("2027-01-01T08:00:00Z") {
            break;
        }
        if case.ask(n, now).is_ok() {
            *granted.entry(now.to_zoned(zone.clone()).date()).or_default() += 1;
        }
        case.restart();
        now += 7.hours();
    }
    assert_eq!(granted.len(), 365);
    assert!(granted.values().all(|count| *count == 2), "{granted:?}");
}

#[test]
fn a_rolling_window_gives_units_back_one_by_one_and_none_at_midnight() {
    let now = at("2026-11-22T23:30:00Z");
    let reels = quota(QuotaScope::Account, 3, Window::RollingH(24), 1);
    let mut case = Case::new(rule(Gap::default(), vec![reels]));
    for n in 0..3u8 {
        case.ask(n.into(), now + i64::from(n).minutes()).unwrap();
    }
    let later = now + 1.hour();
    assert_eq!(case.ask(3, later), Err((now + 24.hours(), Wait::Budget)), "midnight is nothing");
    assert_eq!(case.ask(3, now + 24.hours()), Ok(()));
    let second = now + 24.hours() + 1.minute();
    assert_eq!(case.ask(4, now + 24.hours()), Err((second, Wait::Budget)));
    case.shape = shape(PostFormat::Photo);
    assert_eq!(case.ask(5, now + 24.hours()), Ok(()), "the allowance is one of reels");
}

#[test]
fn units_count_and_the_reserve_is_for_urgent_posts() {
    let now = at(NOW);
    let units = quota(QuotaScope::App, 10_000, Window::DayOf("UTC".into()), 600);
    let mut case = Case::new(rule(Gap::default(), vec![units]));
    case.config.urgent_reserve_percent = 20;
    let granted = (0..20).take_while(|n| case.ask(*n, now).is_ok()).count();
    assert_eq!(granted, 13, "13 × 600 of 8,000");
    case.priority = Priority::Urgent;
    let urgent = (20..40).take_while(|n| case.ask(*n, now).is_ok()).count();
    assert_eq!(urgent, 3, "16 × 600 of 10,000");
    assert_eq!(case.account.spending, BTreeMap::new(), "an app's units are the app's");
    case.shape.files.insert(MediaRole::Captions, 1);
    assert_eq!(case.rule.quotas[0].cost_of(&case.shape), 1000, "captions are paid for besides");
}

#[test]
fn calls_beside_posts_are_counted_and_those_of_a_reserved_post_are_not_again() {
    let now = at(NOW);
    let units = quota(QuotaScope::App, 1000, Window::DayOf("UTC".into()), 600);
    let mut case = Case::new(rule(Gap::default(), vec![units]));
    case.ask(0, now).unwrap();
    let call = Usage::Spent { bucket: "posts", units: 50 };
    let heard = [call, Usage::Spent { bucket: "unknown", units: 9 }];
    hear(&mut case.account, &mut case.app, &heard, &case.rule, Some(id(0)), now);
    let spent = |case: &Case, now| case.app.spent_of(&case.rule.quotas[0], now);
    assert_eq!(spent(&case, now), 600, "what its reservation covers");
    let much = Usage::Spent { bucket: "posts", units: 560 };
    hear(&mut case.account, &mut case.app, &[much], &case.rule, Some(id(0)), now);
    assert_eq!(spent(&case, now), 610, "and what it takes beyond");
    for _ in 0..3 {
        case.hear(call, now);
    }
    assert_eq!(spent(&case, now), 760);
    assert_eq!(case.ask(1, now).unwrap_err().1, Wait::Budget);
    // Its chain goes on after midnight: the new day pays for what is called then.
    let tomorrow = now + 24.hours();
    hear(&mut case.account, &mut case.app, &[call], &case.rule, Some(id(0)), tomorrow);
    assert_eq!(spent(&case, tomorrow), 50);
    let left = &case.outlook(&[], tomorrow).quota_left[0];
    assert_eq!((left.left, left.limit), (950, 1000));
}

#[test]
fn the_same_delivery_spends_once_and_a_refusal_gives_it_back_unless_requests_count() {
    let now = at(NOW);
    for refused_counts in [false, true] {
        let quota = Quota { refused_counts, ..a_day(1, "UTC") };
        let mut case = Case::new(rule(Gap::default(), vec![quota]));
        case.ask(0, now).unwrap();
        assert_eq!(case.ask(0, now), Ok(()), "unclear, found absent, sent again: spent once");
        assert!(case.ask(1, now).is_err());
        case.account = case.account.refunded(&case.rule, id(0));
        assert_eq!(case.ask(1, now).is_ok(), !refused_counts);
    }
}

#[test]
fn usage_slows_down_from_60_percent_and_stops_at_95() {
    let now = at(NOW);
    let wait_at = |percent: u8, scope: Scope, urgent: bool| {
        let mut case = Case::new(rule(Gap::default(), vec![]));
        let of_scope =
            if scope == Scope::App { &mut case.rule.app } else { &mut case.rule.account };
        *of_scope = gap(20_000, 1);
        case.ask(0, now).unwrap();
        case.hear(level(scope, percent), now);
        if urgent {
            case.priority = Priority::Urgent;
        }
        case.restart();
        case.wait(1, now).as_secs()
    };
    for scope in [Scope::Account, Scope::App] {
        for (percent, seconds) in
            [(0, 20), (59, 20), (60, 20), (77, 38), (78, 41), (90, 140), (94, 700), (95, 3600)]
        {
            assert_eq!(wait_at(percent, scope, false), seconds, "{percent} % of {scope:?}");
        }
        assert_eq!(wait_at(99, scope, true), 20, "the last percents are for urgent posts");
        assert_eq!(wait_at(100, scope, true), 3600);
    }
}

#[test]
fn a_reading_ages_out_a_lower_one_takes_its_place_and_the_platforms_wait_wins() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(1000, 1), vec![]));
    case.hear(level(Scope::Account, 97), now);
    assert_eq!(case.ask(0, now), Err((now + 1.hour(), Wait::Usage)));
    assert_eq!(case.account.reads_from(now), Some(now + 1.hour()), "reads leave it the rest");
    case.account.not_before = Some(now + 2.hours());
    assert_eq!(case.ask(0, now), Err((now + 2.hours(), Wait::Platform)));
    case.account.not_before = None;
    assert_eq!(case.ask(0, now + 1.hour()), Ok(()), "an hour later it says nothing any more");
    case.hear(level(Scope::Account, 97), now + 1.hour());
    case.hear(level(Scope::Account, 12), now + 1.hour());
    assert_eq!(case.ask(1, now + 61.minutes()), Ok(()));
    assert_eq!((case.account.used, case.account.reads_from(now)), (None, None));
}

#[test]
fn the_same_reading_again_changes_nothing() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(1000, 1), vec![]));
    case.hear(level(Scope::App, 80), now);
    let kept = case.app.clone();
    case.hear(level(Scope::App, 80), now + 59.seconds());
    assert_eq!(case.app, kept);
    case.hear(level(Scope::App, 80), now + 61.seconds());
    let until = now + 61.seconds() + 1.hour();
    assert_eq!(case.app.used, Some(Used { percent: 80, until }));
}

fn night(from: &str, to: &str) -> QuietHours {
    QuietHours {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        zone: "Asia/Ho_Chi_Minh".into(),
    }
}

#[test]
fn quiet_hours_hold_all_but_urgent_and_an_account_may_have_its_own() {
    // 23:30 in Hà Nội.
    let late = at("2026-11-22T16:30:00Z");
    let mut case = Case::new(rule(Gap::default(), vec![]));
    case.config.quiet = Some(night("22:00", "06:00"));
    assert_eq!(case.ask(0, late), Err((at("2026-11-22T23:00:00Z"), Wait::Quiet)));
    assert_eq!(case.ask(0, at("2026-11-22T23:00:00Z")), Ok(()));
    case.priority = Priority::Urgent;
    assert_eq!(case.ask(0, late), Ok(()));
    case.priority = Priority::Normal;
    case.plan = Some(Plan { quiet: Some(night("12:00", "13:00")), ..own_gap(0) });
    assert_eq!(case.ask(0, late), Ok(()), "the account's own hours hold instead");
    let noon = at("2026-11-22T05:30:00Z");
    assert_eq!(case.ask(0, noon), Err((at("2026-11-22T06:00:00Z"), Wait::Quiet)));
    case.plan = Some(Plan { quiet: Some(night("00:00", "00:00")), ..own_gap(0) });
    assert_eq!(case.ask(0, late), Ok(()), "an account without any");
}

fn planned(account: &str, n: u128, at: Timestamp) -> Planned {
    let account = account.parse().unwrap();
    Planned { delivery: id(n), account, at, shape: shape(PostFormat::Text) }
}

#[test]
fn the_next_free_slot_minds_quiet_hours_distance_allowance_and_what_is_planned() {
    let now = at(NOW);
    let own = "memory:cong-tin";
    let mut case = Case::new(rule(gap(600_000, 1), vec![a_day(3, "UTC")]));
    assert_eq!(case.next_free(&[], now), now);
    case.ask(0, now).unwrap();
    assert_eq!(case.next_free(&[], now), now + 10.minutes());
    let other = planned("memory:tinh", 7, now + 10.minutes());
    assert_eq!(case.next_free(&[other], now), now + 10.minutes(), "another account's post");
    let soon = planned(own, 1, now + 15.minutes());
    assert_eq!(case.next_free(std::slice::from_ref(&soon), now), now + 25.minutes());
    // One is spent and two are planned for today: the next is tomorrow's.
    let evening = planned(own, 2, now + 8.hours());
    let both = [soon, evening];
    assert_eq!(case.next_free(&both, now), at("2026-11-23T00:00:00Z"));
    let left = &case.outlook(&both, now).quota_left[0];
    assert_eq!((left.left, left.planned, left.limit), (2, 2, 3));
    case.config.quiet = Some(night("06:00", "09:00"));
    assert_eq!(case.next_free(&both, now), at("2026-11-23T02:00:00Z"));
    case.rule.quotas[0].limit = 0;
    assert_eq!(case.outlook(&[], now).next_free, BTreeMap::new(), "never is not an instant");
}

#[test]
fn an_app_s_units_are_planned_for_by_all_its_accounts() {
    let now = at(NOW);
    let units = quota(QuotaScope::App, 1000, Window::DayOf("UTC".into()), 400);
    let mut case = Case::new(rule(Gap::default(), vec![units]));
    case.config.urgent_reserve_percent = 0;
    let others = [planned("memory:a", 1, now), planned("memory:b", 2, now + 1.hour())];
    assert_eq!(case.next_free(&others, now), at("2026-11-23T00:00:00Z"));
    let left = &case.outlook(&others, now).quota_left[0];
    assert_eq!((left.left, left.planned), (1000, 800));
}

#[test]
fn going_on_with_a_chain_costs_nothing_but_obeys_the_platform() {
    let now = at(NOW);
    let mut case = Case::new(rule(gap(600_000, 1), vec![a_day(1, "UTC")]));
    case.ask(0, now).unwrap();
    let goes_on = |case: &Case, now| {
        let ask = Ask { begins: false, ..case.question(1) };
        ask.now(&case.config, now).map_err(|held| held.why)
    };
    let Go { account, app } = goes_on(&case, now).unwrap();
    assert_eq!((&account, &app), (&case.account, &case.app));
    case.app.not_before = Some(now + 1.minute());
    assert_eq!(goes_on(&case, now), Err(Wait::Platform));
}

#[test]
fn people_are_told_when_units_are_back_and_what_the_platform_itself_said() {
    let now = at(NOW);
    let rolling = quota(QuotaScope::Account, 3, Window::RollingH(24), 1);
    let mut case = Case::new(rule(Gap::default(), vec![rolling]));
    assert_eq!(case.outlook(&[], now).quota_left[0].back_at, None, "none are spent");
    case.ask(0, now).unwrap();
    case.ask(1, now + 2.hours()).unwrap();
    let back = |case: &Case, now| case.outlook(&[], now).quota_left[0].back_at;
    assert_eq!(back(&case, now + 3.hours()), Some(now + 24.hours()), "the first that was spent");
    assert_eq!(back(&case, now + 25.hours()), Some(now + 26.hours()));
    assert_eq!(back(&case, now + 27.hours()), None);
    let mut case = Case::new(rule(Gap::default(), vec![a_day(3, "UTC")]));
    case.ask(0, now).unwrap();
    assert_eq!(back(&case, now), Some(at("2026-11-23T00:00:00Z")), "a day ends for all at once");
    let quiet = case.outlook(&[], now);
    assert!(quiet.told.is_empty() && quiet.waits.is_empty());
    let lasts = std::time::Duration::from_hours(1);
    case.hear(Usage::Level { scope: Scope::App, percent: 87, lasts }, now);
    case.account.not_before = Some(now + 5.minutes());
    case.account.reason = "too many calls".to_owned();
    let told = case.outlook(&[], now);
    assert_eq!((told.told[0].scope, told.told[0].percent), (QuotaScope::App, 87));
    assert_eq!(
        (told.waits[0].scope, told.waits[0].until),
        (QuotaScope::Account, now + 5.minutes())
    );
    let later = case.outlook(&[], now + 2.hours());
    assert!(later.told.is_empty() && later.waits.is_empty(), "{later:?}");
}
