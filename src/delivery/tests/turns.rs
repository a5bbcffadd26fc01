//! I8, no ready delivery starves: turns between accounts under the limits of their app, and what holds them all up.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp, ToSpan};
use loa_channel::{
    Scope, Usage,
    memory::{Chain, Fault, Options},
};
use loa_delivery::Pace;
use loa_model::{
    AccountName, Clock as _, DeliveryId, DeliveryState as State, Priority, Timing,
    capability::{QuotaScope, ReadBack},
};
use loa_store::StoreExt as _;
use support::{
    Drove, World,
    pace::{gap, texts_a_day},
    ready,
};

const PAGE: &str = "memory:cong-tin";

/// Accounts in the order in which their posts went live, with the times.
fn went(world: &World, posts: &[DeliveryId]) -> Vec<(Timestamp, AccountName)> {
    let mut live: Vec<_> = posts
        .iter()
        .map(|id| world.delivery(*id))
        .filter_map(|d| Some((d.receipt?.at, d.account)))
        .collect();
    live.sort();
    live
}

/// A disk that keeps one of them waiting keeps no other.
#[test]
fn what_becomes_due_together_becomes_ready_together() {
    let mut world = World::new(1, Options::default());
    let posts: Vec<_> = (0..10).map(|_| world.post(PAGE, |_, _| {})).collect();
    let worker = world.worker();
    world.fuse().set_at("before commit");
    assert!(matches!(world.drive(worker.tick()), Drove::Blown));
    let ready = posts.iter().filter(|id| world.state(**id) == State::Ready);
    assert_eq!(ready.count(), 9);
}

fn app_limited(seed: u64, every_ms: u64) -> World {
    World::with(seed, Options::default(), |c| c.pace.app = gap(every_ms, 1))
}

#[test]
fn i8_sixty_three_provinces_under_one_app_all_have_their_turns() {
    for restarts in [false, true] {
        let mut world = app_limited(1, 1000);
        world.config.spread_s = 0;
        let names = world.provinces();
        let posts: Vec<_> =
            (0..2).flat_map(|_| names.clone()).map(|name| world.post(&name, |_, _| {})).collect();
        let began = world.clock.now();
        let mut worker = world.worker();
        for _ in 0..400 {
            let round = world.tick(&worker);
            let Some(wake) = round.wake else { break };
            world.clock.advance_to(wake);
            if restarts {
                worker = world.worker();
            }
        }
        let live = went(&world, &posts);
        assert_eq!(live.len(), 126, "restarts: {restarts}");
        // Whoever waits has one turn before anyone has two.
        for window in live.windows(63) {
            let mut names: Vec<_> = window.iter().map(|(_, name)| name).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 63, "restarts: {restarts}");
        }
        let apart = |two: &[(Timestamp, AccountName)]| two[1].0.duration_since(two[0].0);
        assert!(live.windows(2).all(|two| apart(two) >= SignedDuration::from_secs(1)));
        let took = world.clock.now().duration_since(began);
        assert!(took <= SignedDuration::from_secs(63 * 2), "no turn was wasted: {took}");
    }
}

#[test]
fn a_chain_goes_on_while_other_accounts_of_its_app_wait_for_their_turn() {
    let slow = Options { chain: Chain::Processed, read_back: ReadBack::ByMarker };
    let mut world = World::with(11, slow, |c| c.pace.app = gap(3_600_000, 1));
    // Every wait hands the chain back.
    (world.config.hold_wait_s, world.config.spread_s) = (1, 0);
    let names = world.provinces();
    let began = world.clock.now();
    let all: Vec<_> = names.iter().map(|name| world.post(name, |_, _| {})).collect();
    let worker = world.worker();
    while world.clock.now() < began + 1.minute() {
        let wake = world.tick(&worker).wake.unwrap();
        world.clock.advance_to(wake);
    }
    assert_eq!(went(&world, &all).len(), 1, "begun, handed back twice and live within a minute");
}

#[test]
fn a_round_that_only_waits_writes_nothing() {
    let mut world = app_limited(2, 60_000);
    let names = world.provinces();
    for name in &names {
        world.post(name, |_, _| {});
    }
    let worker = world.worker();
    world.tick(&worker);
    world.clock.advance(SignedDuration::from_mins(10));
    world.tick(&worker);
    let store = &world.store.inner;
    let before = loa_store::Store::last_seq(store);
    let round = world.tick(&worker);
    assert_eq!(loa_store::Store::last_seq(store), before, "{round:?}");
    assert_eq!(round.wake, Some(world.clock.now() + 1.minute()), "the app's next turn");
}

#[test]
fn urgent_goes_before_all_and_backfill_after_all_until_it_has_waited_long() {
    let mut world = app_limited(3, 1000);
    world.config.spread_s = 0;
    let names = world.provinces();
    let backfill = world.post(&names[0], |_, d| d.priority = Priority::Backfill);
    let normal: Vec<_> = names[1..11].iter().map(|name| world.post(name, |_, _| {})).collect();
    let urgent = world.post(&names[40], |_, d| d.priority = Priority::Urgent);
    let worker = world.worker();
    world.rounds(&worker, 200);
    let all: Vec<_> = normal.iter().copied().chain([backfill, urgent]).collect();
    let order = went(&world, &all);
    assert_eq!(order[0].1.as_str(), names[40]);
    assert_eq!(order[11].1.as_str(), names[0]);

    // An app that never comes to rest: an hour on, what can wait is the day's work.
    let mut world = app_limited(4, 60_000);
    (world.config.backfill_ages_s, world.config.spread_s) = (3600, 0);
    let names = world.provinces();
    let old = world.post(&names[0], |_, d| d.priority = Priority::Backfill);
    let worker = world.worker();
    let began = world.clock.now();
    while world.state(old) != State::Published {
        for name in &names[1..4] {
            world.post(name, |_, _| {});
        }
        world.tick(&worker);
        world.clock.advance(SignedDuration::from_mins(1));
        let waited = world.clock.now().duration_since(began);
        assert!(waited < SignedDuration::from_hours(2), "it starves");
    }
    assert!(world.clock.now().duration_since(began) >= SignedDuration::from_hours(1));
}

#[test]
fn nobody_stands_behind_another_s_backlog_nor_an_urgent_post_behind_its_own() {
    let mut world = World::new(5, Options::default());
    world.config.batch = 50;
    let backlog: Vec<_> = (0..300).map(|_| world.post(PAGE, |_, _| {})).collect();
    let worker = world.worker();
    for _ in 0..7 {
        world.tick(&worker);
    }
    let later = world.clock.now() + 1.second();
    world.clock.advance_to(later);
    let other = world.post("memory:tinh", |_, _| {});
    let urgent = world.post(PAGE, |_, d| d.priority = Priority::Urgent);
    world.tick(&worker);
    world.tick(&worker);
    assert_eq!((world.state(other), world.state(urgent)), (State::Published, State::Published));
    let waiting = backlog.iter().filter(|id| world.state(**id) == State::Ready).count();
    assert!(waiting > 200, "the backlog is still there: {waiting}");
}

#[test]
fn an_app_s_allowance_is_spent_by_all_its_accounts_and_by_no_other_app() {
    let mut world = World::with(6, Options::default(), |c| {
        c.pace.quotas = vec![texts_a_day(QuotaScope::App, 10, "America/Los_Angeles")];
    });
    world.config.concurrency = 1;
    let names = world.provinces();
    let posts: Vec<_> = names[..12].iter().map(|name| world.post(name, |_, _| {})).collect();
    let elsewhere = world.post(PAGE, |_, _| {});
    let live =
        |world: &World| posts.iter().filter(|id| world.state(**id) == State::Published).count();
    // 02:00 UTC is the evening before in California.
    let midnight: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
    let mut worker = world.worker();
    loop {
        let wake = world.tick(&worker).wake.unwrap();
        if wake >= midnight {
            break;
        }
        world.clock.advance_to(wake);
        worker = world.worker();
    }
    assert_eq!(live(&world), 8, "20 % are kept");
    assert_eq!(world.state(elsewhere), State::Published, "another app's");
    let urgent = world.post(&names[20], |_, d| d.priority = Priority::Urgent);
    world.tick(&worker);
    assert_eq!(world.state(urgent), State::Published);
    world.clock.advance_to(midnight - 1.second());
    world.tick(&worker);
    assert_eq!(live(&world), 8);
    world.clock.advance_to(midnight);
    world.rounds(&worker, 20);
    assert_eq!(live(&world), 12);
}

#[test]
fn two_accounts_of_one_app_at_once_do_not_share_one_turn() {
    // Two workers see the same app at the same moment, each with an account: one of them must ask again.
    for freeze in 1..30 {
        let mut world = World::with(7, Options::default(), |c| {
            c.pace.app = gap(600_000, 1);
        });
        for name in ["memory:a", "memory:b"] {
            world.open_account(name, "loa");
        }
        let posts = [world.post("memory:a", |_, _| {}), world.post("memory:b", |_, _| {})];
        let slow = world.worker_named("cham#1");
        let mut held = std::pin::pin!(slow.tick());
        world.fuse().set(freeze);
        let blown = matches!(world.drive_pinned(&mut held), support::Drove::Blown);
        world.fuse().thaw();
        let quick = world.worker_named("nhanh#1");
        world.tick(&quick);
        if blown {
            world.drive_pinned(&mut held);
        }
        let live = posts.iter().filter(|id| world.state(**id) == State::Published).count();
        assert!(live <= 1, "frozen at {freeze}: two turns within ten minutes");
        world.rounds(&quick, 40);
        world.clock.advance(SignedDuration::from_mins(11));
        world.rounds(&quick, 40);
        let live = went(&world, &posts);
        assert_eq!(live.len(), 2, "frozen at {freeze}");
        let apart = live[1].0.duration_since(live[0].0);
        assert!(apart >= SignedDuration::from_mins(10), "frozen at {freeze}: {apart}");
    }
}

#[test]
fn what_the_platform_says_of_its_allowance_slows_every_account_it_concerns() {
    for (scope, others_wait) in [(Scope::Account, false), (Scope::App, true)] {
        let mut world = World::with(8, Options::default(), |c| c.pace.account = gap(10_000, 1));
        for name in ["memory:a", "memory:b"] {
            world.open_account(name, "loa");
        }
        let level = Usage::Level { scope, percent: 97, lasts: Duration::from_hours(1) };
        world.platform.say_usage(Some(level));
        let first = world.post("memory:a", |_, _| {});
        let worker = world.worker();
        world.tick(&worker);
        assert_eq!(world.state(first), State::Published);
        world.platform.say_usage(None);
        let said = world.clock.now();
        let second = world.post("memory:a", |_, _| {});
        let other = world.post("memory:b", |_, _| {});
        // A restart forgets nothing of it.
        let worker = world.worker();
        world.clock.advance(SignedDuration::from_mins(30));
        world.tick(&worker);
        assert_ne!(world.state(second), State::Published, "{scope:?}");
        assert_eq!(world.state(other) == State::Published, !others_wait, "{scope:?}");
        let urgent = world.post("memory:b", |_, d| d.priority = Priority::Urgent);
        world.clock.advance(SignedDuration::from_secs(11));
        world.tick(&worker);
        assert_eq!(world.state(urgent), State::Published, "{scope:?}");
        world.clock.advance_to(said + 1.hour());
        world.rounds(&worker, 10);
        assert_eq!((world.state(second), world.state(other)), (State::Published, State::Published));
    }
}

#[test]
fn a_refusal_gives_an_app_s_units_back_while_others_spend_them() {
    let mut world = World::with(9, Options::default(), |c| {
        c.pace.quotas = vec![texts_a_day(QuotaScope::App, 5, "UTC")];
    });
    world.config.urgent_reserve_percent = 0;
    let names = world.provinces();
    world.platform.arm(Fault::Refuse);
    world.platform.arm(Fault::Throttle { wait: Duration::from_mins(1), scope: Scope::Account });
    let posts: Vec<_> = names[..6].iter().map(|name| world.post(name, |_, _| {})).collect();
    let worker = world.worker();
    for _ in 0..10 {
        world.tick(&worker);
        world.clock.advance(SignedDuration::from_mins(2));
    }
    let count = |state| posts.iter().filter(|id| world.state(**id) == state).count();
    assert_eq!((count(State::Rejected), count(State::Published)), (1, 5));
    let pace = ready(world.store.inner.read::<Pace>("app/memory/loa")).unwrap().unwrap().record;
    assert_eq!(pace.spending["texts"].posts.len(), 5, "{pace:?}");
}

#[test]
fn posts_due_at_once_are_spread_unless_they_named_their_time_and_never_beyond_their_window() {
    let mut world = app_limited(10, 100);
    let names = world.provinces();
    let due = world.clock.now() + 1.hour();
    let plan = |world: &mut World, name: &str, timing: Timing, priority: Priority| {
        world.post(name, |post, d| {
            (d.due_at, d.not_before, d.priority, post.timing) = (due, due, priority, timing);
        })
    };
    let exact = Timing::Exact { wall: "2026-11-22T10:00".parse().unwrap() };
    let slot = Timing::Slot { wall: "2026-11-22T10:00".parse().unwrap() };
    let spread: Vec<_> =
        names[..60].iter().map(|name| plan(&mut world, name, slot, Priority::Normal)).collect();
    let kept = plan(&mut world, &names[60], exact, Priority::Normal);
    let urgent = plan(&mut world, &names[61], slot, Priority::Urgent);
    let narrow = world.post(&names[62], |post, d| {
        (d.due_at, d.not_before, post.timing) = (due, due, slot);
        d.not_after = due + 1.second();
    });
    let alone = world.post(PAGE, |_, d| (d.due_at, d.not_before) = (due, due));
    let mut worker = world.worker();
    for _ in 0..400 {
        let Some(wake) = world.tick(&worker).wake else { break };
        world.clock.advance_to(wake);
        // The places are kept, not drawn anew.
        worker = world.worker();
    }
    let after = |id: DeliveryId| {
        let d = world.delivery(id);
        d.receipt.map(|receipt| receipt.at.duration_since(due).as_secs())
    };
    let seconds: Vec<_> = spread.iter().map(|id| after(*id).expect("it is live")).collect();
    assert!(seconds.iter().all(|at| (0..=120).contains(at)), "{seconds:?}");
    let mut by_minute: BTreeMap<i64, u32> = BTreeMap::new();
    for at in &seconds {
        *by_minute.entry(at / 10).or_default() += 1;
    }
    assert!(by_minute.values().all(|count| *count <= 6), "not evenly: {by_minute:?}");
    for (id, told) in [(kept, "named its time"), (urgent, "urgent"), (narrow, "window")] {
        assert!(after(id).is_some_and(|at| at <= 1), "{told}: {:?}", after(id));
    }
    assert_eq!(after(alone), Some(0), "nobody else of its app is due");
}
