//! Samples, totals, rollups and the plan.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use loa_channel::{Error, ErrorKind, RetryAdvice, Scope};
use loa_model::{DeliveryState, JobKind, Metric, PostFormat};
use loa_reach::{Measurement, Rollup, rebuild, record_click};
use loa_store::StoreExt as _;
use support::{World, measured, ready, start, value};

const PAGE: &str = "memory:cong-tin";

fn fail(kind: ErrorKind, advice: RetryAdvice) -> loa_channel::Result<Vec<loa_model::Measured>> {
    Err(Error::new(kind, advice, "nền tảng không trả lời"))
}

#[test]
fn a_sample_its_totals_and_the_next_job_are_one_commit() {
    let world = World::new();
    let post = world.live(1, PAGE, PostFormat::Photo, 1);
    world.script(measured(
        Some(true),
        vec![value(Metric::Views, "2026-06", 120), value(Metric::Reach, "2026-06", 90)],
    ));
    let Measurement::Kept { sample, next } = world.measure_at(15) else { panic!("not kept") };
    assert_eq!((sample.value(Metric::Views), sample.step), (Some(120), 0));
    assert_eq!(sample.value(Metric::Shares), None, "missing is not zero");
    assert_eq!(next, Some(start() + SignedDuration::from_mins(60)));
    assert_eq!(world.waiting(), [60]);
    assert_eq!(world.totals(post).samples, 1);
    assert_eq!(sample.raw, serde_json::json!({"raw": 1}));
}

#[test]
fn missed_measurements_are_skipped_and_the_series_ends_within_a_year() {
    let world = World::new();
    world.live(1, PAGE, PostFormat::Photo, 1);
    world.script(measured(None, vec![]));
    world.measure_at(7 * 60);
    assert_eq!(world.waiting(), [24 * 60], "1, 3 and 6 h were missed");
    let mut polls = 1;
    while let Some(next) = world.waiting().first().copied() {
        world.script(measured(None, vec![]));
        world.measure_at(next);
        polls += 1;
    }
    assert_eq!(polls, 16);
    assert!(world.claim(start() + SignedDuration::from_hours(24 * 400)).is_none());
}

#[test]
fn own_link_clicks_are_counted_by_day_without_robots_also_where_nothing_else_is() {
    let world = World::new();
    world.live(1, PAGE, PostFormat::Photo, 1);
    let click = |robot| {
        ready(record_click(&*world.store, &*world.clock, "k1", robot, "Asia/Ho_Chi_Minh")).unwrap();
    };
    click(false);
    click(true);
    // 17:30 UTC is the next day in Hà Nội.
    world.clock.set("2026-11-22T17:30:00Z".parse().unwrap());
    click(false);
    click(false);
    let days = ready(world.store.all::<loa_model::ClickCount>(10)).unwrap();
    let days: Vec<_> =
        days.iter().map(|d| (d.record.day.to_string(), d.record.people, d.record.robots)).collect();
    assert_eq!(days, [("2026-11-22".to_owned(), 1, 1), ("2026-11-23".to_owned(), 2, 0)]);
    world.script(fail(ErrorKind::Unsupported, RetryAdvice::Never));
    let Measurement::Kept { sample, .. } = world.measure_at(20 * 60) else { panic!("not kept") };
    assert_eq!(sample.values.len(), 1, "only what is known");
    assert_eq!(sample.value(Metric::LinkClicks), Some(3));
}

#[test]
fn gone_needs_two_looks_and_one_hiccup_is_forgiven() {
    let world = World::new();
    let post = world.live(1, PAGE, PostFormat::Photo, 1);
    for (at, alive) in [(15, false), (75, true), (180, false)] {
        world.script(measured(Some(alive), vec![]));
        world.measure_at(at);
        assert_eq!(world.state(post), DeliveryState::Published, "at {at}");
    }
    assert_eq!(world.waiting(), [240], "a second look soon");
    world.script(measured(Some(false), vec![]));
    world.measure_at(240);
    assert_eq!(world.state(post), DeliveryState::Gone);
    assert_eq!(world.waiting(), [] as [i64; 0], "nothing more to measure");
}

#[test]
fn failures_wait_as_told_and_the_series_survives_a_bad_day() {
    let world = World::new();
    world.live(1, PAGE, PostFormat::Photo, 1);
    let wait = RetryAdvice::Later { wait: Duration::from_mins(30), scope: Scope::Account };
    world.script(fail(ErrorKind::Throttled, wait));
    assert!(matches!(world.measure_at(15), Measurement::Later { .. }));
    assert_eq!(world.waiting(), [45]);
    let mut last = None;
    for _ in 0..5 {
        world.script(fail(ErrorKind::Unavailable, RetryAdvice::Verify));
        let at = world.waiting()[0];
        last = Some(world.measure_at(at));
    }
    assert!(matches!(last, Some(Measurement::Skipped { .. })), "{last:?}");
    assert_eq!(world.samples().len(), 0, "nothing was invented");
    assert_eq!(world.waiting(), [180], "the next one of the plan");
}

#[test]
fn a_retracted_post_is_not_measured() {
    let world = World::new();
    let post = world.live(1, PAGE, PostFormat::Photo, 1);
    let key = loa_model::DeliveryId(post.0).to_string();
    let mut kept = ready(world.store.read::<loa_model::Delivery>(&key)).unwrap().unwrap();
    kept.record.state = DeliveryState::Retracted;
    world.commit(
        loa_store::Changes::by(support::by(), "retract").update(&kept.record, kept.version),
    );
    assert_eq!(world.measure_at(15), Measurement::Over);
    assert_eq!(world.waiting(), [] as [i64; 0]);
}

#[test]
fn rollups_of_the_commits_equal_those_rebuilt_from_samples() {
    let world = World::new();
    let one = world.live(1, PAGE, PostFormat::Photo, 1);
    let two = world.live(2, "memory:tinh", PostFormat::Video, 1);
    // Falls, a missing number, a changed definition, and a number that appears late.
    let v = |metric, definition: &str, n| value(metric, definition, n);
    let script = [
        (
            15,
            vec![v(Metric::Views, "a", 100), v(Metric::Reach, "a", 80)],
            vec![v(Metric::Views, "a", 10)],
        ),
        (60, vec![v(Metric::Views, "a", 90), v(Metric::Reach, "a", 85)], vec![]),
        (
            180,
            vec![v(Metric::Views, "b", 500)],
            vec![v(Metric::Views, "a", 30), v(Metric::Shares, "a", 4)],
        ),
        (360, vec![v(Metric::Views, "b", 650)], vec![v(Metric::Views, "a", 31)]),
    ];
    for (at, of_one, of_two) in script {
        for _ in 0..2 {
            let claimed = world.claim(start() + SignedDuration::from_mins(at)).expect("a due job");
            let JobKind::Measure { post, .. } = claimed.job.work else { panic!("{claimed:?}") };
            let values = if post == one { &of_one } else { &of_two };
            world.script(measured(Some(true), values.clone()));
            world.measure(&claimed);
        }
    }
    let formats = BTreeMap::from([(one, PostFormat::Photo), (two, PostFormat::Video)]);
    let rebuilt = rebuild(&world.samples(), &formats, "Asia/Ho_Chi_Minh");
    let kept: BTreeMap<String, Rollup> = ready(world.store.all::<Rollup>(1000))
        .unwrap()
        .into_iter()
        .map(|r| (loa_model::Record::key(&r.record), r.record))
        .collect();
    assert_eq!(kept, rebuilt);
    assert!(kept.values().all(|r| r.metric != Metric::Reach), "reach is never added up");
    let gain = |definition: &str| -> i64 {
        kept.values()
            .filter(|r| {
                r.account.as_str() == PAGE
                    && r.metric == Metric::Views
                    && r.definition == definition
            })
            .map(|r| r.gain)
            .sum()
    };
    assert_eq!((gain("a"), gain("b")), (90, 150), "a fall counts, a new definition begins anew");
}
