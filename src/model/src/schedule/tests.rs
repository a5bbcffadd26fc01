use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn wall(text: &str) -> DateTime {
    text.parse().unwrap()
}

/// Every zone of the data in the binary, with the instants at which its clock was or will be changed. Names of the same
/// clock stand for one another.
fn zones() -> Vec<(String, TimeZone, Vec<Timestamp>)> {
    let bundled = TimeZoneDatabase::bundled();
    let mut names = 0;
    let mut clocks = std::collections::BTreeMap::new();
    for name in bundled.available() {
        let zone = bundled.get(name.as_str()).unwrap();
        let changes: Vec<_> = zone
            .following(at("2005-01-01T00:00:00Z"))
            .map(|change| (change.timestamp(), change.offset()))
            .take_while(|(change, _)| *change < at("2032-01-01T00:00:00Z"))
            .collect();
        let first = zone.to_offset(at("2005-01-01T00:00:00Z"));
        clocks.entry((first, changes)).or_insert_with(|| (name.to_string(), zone));
        names += 1;
    }
    assert!(names > 400 && clocks.len() > 100, "{names} zones, {} clocks", clocks.len());
    let bare = |changes: Vec<(Timestamp, _)>| changes.into_iter().map(|(at, _)| at).collect();
    clocks.into_iter().map(|((_, changes), (name, zone))| (name, zone, bare(changes))).collect()
}

/// Instants around each change of a clock, every `step` for `reach` before and after.
fn around(changes: &[Timestamp], reach: SignedDuration, step: SignedDuration) -> Vec<Timestamp> {
    let mut instants = Vec::new();
    for change in changes {
        let mut now = *change - reach;
        while now <= *change + reach {
            instants.push(now);
            now += step;
        }
    }
    instants
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[test]
fn a_wall_time_around_every_clock_change_means_one_instant_and_comes_back() {
    let (mut once, mut never, mut twice) = (0, 0, 0);
    for (name, zone, changes) in zones() {
        let mut last: Option<(DateTime, Timestamp)> = None;
        for change in changes {
            // Walls, not instants: those that no clock shows are among them.
            let middle = zone.to_datetime(change);
            for quarter in -16..=16 {
                let asked = middle.checked_add((quarter * 15).minutes()).unwrap();
                let asked = asked.date().at(asked.hour(), asked.minute() / 15 * 15, 0, 0);
                let Meant { at, shown } = meant(asked, &zone).unwrap();
                let back = zone.to_datetime(at);
                match shown {
                    Shown::Once => {
                        once += 1;
                        assert_eq!(back, asked, "{name}");
                    }
                    Shown::Twice { second } => {
                        twice += 1;
                        assert_eq!(back, asked, "{name}");
                        assert_eq!(zone.to_datetime(second), asked, "{name}");
                        assert!(at < second, "{name}: the first time is meant");
                    }
                    Shown::Never { instead } => {
                        never += 1;
                        assert_eq!(back, instead, "{name}");
                        assert!(back > asked, "{name}: {asked} became {back}");
                        // As much later as the clock jumps, and after the jump.
                        assert!(at >= change, "{name}: {asked} at {at}, changed {change}");
                    }
                }
                // Later on the clock is later in time, between walls that clocks show.
                if matches!(shown, Shown::Never { .. }) {
                    continue;
                }
                if let Some((before, then)) = last
                    && before < asked
                {
                    assert!(then < at, "{name}: {before} at {then}, {asked} at {at}");
                }
                last = Some((asked, at));
            }
        }
    }
    assert!(once > 50_000 && never > 5_000 && twice > 5_000, "{once} {never} {twice}");
}

#[test]
fn quiet_hours_end_later_at_their_wall_time_and_are_over_then_in_every_zone() {
    let nights = [("22:00", "06:00"), ("23:30", "00:30"), ("01:00", "01:30"), ("00:00", "02:30")];
    let mut seen = 0;
    for (name, zone, changes) in zones() {
        // The last changes of each zone: the rules repeat.
        let recent = changes.get(changes.len().saturating_sub(4)..).unwrap_or_default();
        for now in around(recent, HOUR * 26, SignedDuration::from_mins(40)) {
            for (from, to) in nights {
                let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
                let quiet = QuietHours { from, to, zone: name.clone() };
                let Some(end) = quiet.until_in(&zone, now) else { continue };
                seen += 1;
                let told = || format!("{name} {from}–{to}: {now} until {end}");
                assert!(end > now, "{}", told());
                assert_eq!(quiet.until_in(&zone, end), None, "{}", told());
                // At the wall time of its end, or where a clock that jumps over it stands instead.
                let shows = zone.to_datetime(end);
                let ends = shows.date().to_datetime(to);
                assert_eq!(meant(ends, &zone).unwrap().at, end, "{} shows {shows}", told());
                assert!(end.duration_since(now) < HOUR * 24, "{}", told());
            }
        }
    }
    assert!(seen > 20_000, "{seen}");
}

#[test]
fn an_hour_that_comes_twice_is_quiet_once() {
    // Clocks in Los Angeles go back at 02:00: 01:00 to 02:00 comes twice.
    let zone = "America/Los_Angeles".to_owned();
    let quiet = QuietHours { from: "22:00".parse().unwrap(), to: "01:30".parse().unwrap(), zone };
    assert_eq!(quiet.until(at("2026-11-01T08:10:00Z")), Some(at("2026-11-01T08:30:00Z")));
    assert_eq!(quiet.until(at("2026-11-01T09:10:00Z")), None, "01:10 for the second time");
    let none = QuietHours { to: quiet.from, ..quiet };
    assert_eq!(none.until(at("2026-11-01T05:00:00Z")), None, "from and to the same: no quiet");
}

#[test]
fn days_follow_one_another_and_start_once_in_every_zone() {
    for (name, zone, changes) in zones() {
        let mut last: Option<(Timestamp, Timestamp)> = None;
        for now in around(&changes, HOUR * 30, SignedDuration::from_mins(45)) {
            let (start, end) = day_around(&zone, now);
            assert!(start <= now && now < end, "{name}: {now} not in {start}–{end}");
            // Beside the change itself, the day is the date that the clock shows.
            let far = changes.iter().all(|c| now.duration_since(*c).abs() > HOUR * 25);
            assert!(!far || zone.to_datetime(start).date() == zone.to_datetime(now).date());
            if let Some((before, until)) = last.filter(|(before, _)| *before <= start) {
                let same = start == before && end == until;
                assert!(same || start >= until, "{name}: {start} within {before}–{until}");
            }
            let (next, _) = day_around(&zone, end);
            assert_eq!(next, end, "{name}: the next day starts where this one ends");
            last = Some((start, end));
        }
    }
}

#[test]
fn pacific_days_of_23_and_25_hours() {
    let zone = zone("America/Los_Angeles").unwrap();
    let hours = |noon: &str| {
        let (start, end) = day_around(&zone, at(noon));
        (start.to_string(), end.duration_since(start).as_hours())
    };
    assert_eq!(hours("2026-03-08T20:00:00Z"), ("2026-03-08T08:00:00Z".to_owned(), 23));
    assert_eq!(hours("2026-11-01T20:00:00Z"), ("2026-11-01T07:00:00Z".to_owned(), 25));
    assert_eq!(hours("2026-11-02T20:00:00Z"), ("2026-11-02T08:00:00Z".to_owned(), 24));
    // Clocks in Newfoundland went back at one minute past midnight: the date before showed again.
    let newfoundland = super::zone("America/St_Johns").unwrap();
    let (start, _) = day_around(&newfoundland, at("2010-11-07T02:40:00Z"));
    assert_eq!(start, at("2010-11-07T02:30:00Z"), "23:10 again, and the new day has begun");
}

fn plan(zone: &str, slots: &[&str]) -> Plan {
    Plan {
        zone: zone.to_owned(),
        slots: slots.iter().map(|slot| slot.parse().unwrap()).collect(),
        quiet: None,
        min_gap_s: 0,
    }
}

#[test]
fn slots_in_every_zone_come_in_order_once_a_day_at_their_wall_time() {
    for (name, zone, changes) in zones() {
        let plan = plan(&name, &["daily 02:30", "daily 23:45", "mon-fri 07:30"]);
        for change in changes.iter().rev().take(4) {
            let after = *change - HOUR * 40;
            let slots = plan.slots_in(&zone, after);
            assert!(slots.windows(2).all(|two| two[0].at < two[1].at), "{name}");
            assert!(slots.iter().all(|slot| slot.at > after), "{name}");
            for slot in &slots {
                let Meant { at, shown } = meant(slot.wall, &zone).unwrap();
                assert_eq!(at, slot.at, "{name}");
                let kept = zone.to_datetime(at) == slot.wall;
                assert_eq!(kept, !matches!(shown, Shown::Never { .. }), "{name} {slot:?}");
            }
            let mut walls: Vec<_> = slots.iter().map(|slot| slot.wall).collect();
            walls.dedup();
            assert_eq!(walls.len(), slots.len(), "{name}: a slot twice");
        }
    }
}

#[test]
fn slots_are_written_as_people_say_them() {
    for (text, shown) in [
        ("mon-fri 07:30", "mon-fri 07:30"),
        ("daily 19:45", "daily 19:45"),
        ("sun,sat 9:00", ""),
        ("sun,sat 09:00", "sat,sun 09:00"),
        ("mon-sun 11:00", "daily 11:00"),
        ("mon,wed-fri 11:00:00", "mon,wed,thu,fri 11:00"),
        ("fri-mon 11:00", ""),
        ("thứ hai 11:00", ""),
        ("mon", ""),
        ("mon 24:30", ""),
    ] {
        let read = text.parse::<SlotRule>();
        assert_eq!(read.map(|slot| slot.to_string()).unwrap_or_default(), shown, "{text}");
    }
    let weekday = plan("Asia/Ho_Chi_Minh", &["mon-fri 07:30", "mon-fri 11:00", "mon-fri 19:45"]);
    // Sunday evening in Hà Nội.
    let slots = weekday.slots_after(at("2026-11-22T13:00:00Z"));
    assert_eq!(slots[0].at, at("2026-11-23T00:30:00Z"));
    assert_eq!(slots[3].wall, wall("2026-11-24T07:30"));
    let json = serde_json::to_string(&weekday).unwrap();
    assert!(json.contains("\"mon-fri 07:30\""), "{json}");
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), weekday);
}

#[test]
fn a_plan_that_cannot_be_kept_is_refused() {
    let good = plan("Asia/Ho_Chi_Minh", &["daily 07:30"]);
    assert_eq!(good.check(None), Ok(()));
    assert!(plan("Asia/Ha_Noi", &[]).check(None).is_err());
    let night = |from: &str, to: &str| QuietHours {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        zone: "Asia/Ho_Chi_Minh".into(),
    };
    let quiet = night("22:00", "08:00");
    assert_eq!(good.check(Some(&quiet)), Err(BadPlan::Quiet(good.slots[0])));
    let own = Plan { quiet: Some(night("22:00", "06:00")), ..good };
    assert_eq!(own.check(Some(&quiet)), Ok(()), "an account's own quiet hours hold instead");
}

#[test]
fn people_are_told_what_an_unclear_time_means() {
    let berlin = zone("Europe/Berlin").unwrap();
    let said = |text: &str, lang| {
        let wall = wall(text);
        meant(wall, &berlin).unwrap().say(wall, lang)
    };
    assert_eq!(said("2026-11-22T07:30", "vi"), None);
    let skipped = said("2026-03-29T02:30", "en").unwrap();
    assert!(skipped.contains("2026-03-29T03:30:00"), "{skipped}");
    let twice = said("2026-10-25T02:30", "vi").unwrap();
    assert!(twice.contains("2026-10-25T00:30:00Z") && twice.contains("lần đầu"), "{twice}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any minute of 30 years in any zone.
    #[test]
    fn any_wall_time_comes_back_unless_no_clock_shows_it(
        which in any::<prop::sample::Index>(),
        minute in 0i64..30 * 366 * 24 * 60,
    ) {
        let names: Vec<_> =
            TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
        let zone = TimeZoneDatabase::bundled().get(which.get(names.as_slice()).as_str()).unwrap();
        let asked = wall("2005-01-01T00:00").checked_add(minute.minutes()).unwrap();
        let Meant { at, shown } = meant(asked, &zone).unwrap();
        let back = zone.to_datetime(at);
        prop_assert_eq!(back == asked, !matches!(shown, Shown::Never { .. }));
        let (start, end) = day_around(&zone, at);
        prop_assert!(start <= at && at < end);
    }
}
