//! Nothing whose time has come stays longer than a minute without an alarm, and what rightly waits raises none.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::{pin::pin, time::Duration};

use jiff::{SignedDuration, Timestamp, ToSpan};
use loa_channel::{
    Scope,
    memory::{Chain, Fault, Options},
};
use loa_delivery::{DeskError, Incident, IncidentKind, QuietHours, Subject, Waits, Watchdog};
use loa_model::{
    AccountName, Clock as _, DeliveryId, DeliveryState as State, Job, JobId, JobKind, Why,
    capability::{QuotaScope, ReadBack},
};
use loa_store::{Changes, JobEnd, Store as _};
use support::{Drove, World, operator, pace::texts_a_day, person, ready};

const PAGE: &str = "memory:cong-tin";

fn page() -> AccountName {
    PAGE.parse().unwrap()
}
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// A look, with somebody who measures what is live.
fn look(world: &World, dog: &Watchdog) -> Vec<Incident> {
    let hour = Duration::from_hours(1);
    for claimed in ready(world.store.claim(&["measure"], "w", 99, hour)).unwrap() {
        ready(world.store.finish(&claimed, JobEnd::Complete)).unwrap();
    }
    world.done(dog.look()).unwrap()
}

fn stuck(world: &World) -> Vec<Incident> {
    let mut all = world.incidents();
    all.retain(|incident| incident.kind == IncidentKind::Stuck);
    all
}

/// Looks every ten seconds for so long, with nobody else at work; when the first alarm was raised.
fn alone(world: &World, dog: &Watchdog, longest: SignedDuration) -> Option<Timestamp> {
    let end = world.clock.now() + longest;
    while world.clock.now() <= end {
        if !look(world, dog).is_empty() {
            return Some(world.clock.now());
        }
        world.clock.advance(EVERY);
    }
    None
}

fn within_a_minute(alarm: Option<Timestamp>, deadline: Timestamp, about: &str) {
    let alarm = alarm.unwrap_or_else(|| panic!("{about}: no alarm"));
    let late = alarm.duration_since(deadline);
    assert!(late <= SignedDuration::from_mins(1), "{about}: {late} after its deadline");
    assert!(late >= SignedDuration::from_secs(30), "{about}: a worker had only {late}");
}

/// A delivery in each state from which something must move it on, its worker dead, and its deadline.
fn dead_in(state: State) -> (World, DeliveryId, Timestamp) {
    let (world, id) = match state {
        State::Ready | State::Leased | State::Intent => died_in(state),
        _ => left_in(state),
    };
    let d = world.delivery(id);
    assert_eq!(d.state, state);
    let deadline = match state {
        State::Leased => d.lease.unwrap().until,
        State::Intent => {
            let longest = i64::from(world.config.create_timeout_s);
            d.intent.unwrap().at + SignedDuration::from_secs(longest)
        }
        State::Uncertain => d.quarantine_until.unwrap(),
        State::Held => d.not_after,
        _ => world.clock.now(),
    };
    (world, id, deadline)
}

fn due() -> (World, DeliveryId) {
    let mut world = World::new(1, Options::default());
    let id = world.post(PAGE, |_, d| d.not_after = d.due_at + 1.hour());
    (world, id)
}

/// Killed at the first await that leaves it in this state.
fn died_in(state: State) -> (World, DeliveryId) {
    for at in 1..40 {
        let (mut world, id) = due();
        let worker = world.worker();
        world.fuse().set(at);
        let died = matches!(world.drive(worker.tick()), Drove::Blown);
        world.fuse().set(0);
        if died && world.state(id) == state {
            return (world, id);
        }
    }
    panic!("no await leaves it {state:?}");
}

fn left_in(state: State) -> (World, DeliveryId) {
    let (mut world, id) = due();
    let desk = world.desk();
    if state == State::Uncertain {
        world.platform.arm(Fault::DropAfterCommit);
    }
    if !matches!(state, State::Scheduled | State::Held) {
        let worker = world.worker();
        world.tick(&worker);
    }
    match state {
        State::Held => drop(ready(desk.hold(id, person(3), "chờ".into())).unwrap()),
        State::Retracting => drop(ready(desk.retract(id, person(3), "sai".into())).unwrap()),
        State::Correcting => {
            let post = world.delivery(id).post;
            ready(desk.correct(id, person(3), post, "sai".into())).unwrap();
        }
        _ => {}
    }
    (world, id)
}

#[test]
fn a_dead_worker_is_noticed_within_a_minute_in_every_state() {
    for state in [
        State::Scheduled,
        State::Ready,
        State::Leased,
        State::Intent,
        State::Uncertain,
        State::Held,
        State::Retracting,
        State::Correcting,
    ] {
        let (mut world, id, deadline) = dead_in(state);
        let dog = Watchdog::new(world.desk());
        let alarm = alone(&world, &dog, SignedDuration::from_hours(3));
        within_a_minute(alarm, deadline, &format!("{state:?}"));
        // Once, also for the next process, and `status` sees it without any memory.
        let again = Watchdog::new(world.desk());
        assert_eq!(alone(&world, &again, SignedDuration::from_mins(5)), None, "{state:?}");
        let told = stuck(&world);
        assert_eq!(told.len(), 1, "{state:?}: {told:?}");
        assert_eq!((told[0].delivery, told[0].agency.as_str()), (Some(id), "demo"));
        let seen = ready(world.desk().overdue(SignedDuration::from_mins(1))).unwrap();
        assert_eq!(seen.len(), 1, "{state:?}");
        assert_eq!((seen[0].subject, seen[0].since), (Subject::Delivery(id), deadline));
        // A new worker takes it, and the incident is closed by nobody.
        let worker = world.worker();
        world.rounds(&worker, 40);
        world.done(again.look()).unwrap();
        let closed = stuck(&world)[0].closed.unwrap_or_else(|| panic!("{state:?} is open"));
        assert_eq!(closed.0, None, "{state:?}");
        assert!(ready(world.desk().open_incidents("demo", 9)).unwrap().is_empty(), "{state:?}");
    }
}

/// The worker hangs for ever with a request on the wire: the watchdog is not in its loop.
#[test]
fn a_frozen_worker_is_noticed() {
    for at in 1..40 {
        let (mut world, id) = due();
        let worker = world.worker();
        let mut frozen = pin!(worker.tick());
        world.fuse().set(at);
        assert!(matches!(world.drive_pinned(&mut frozen), Drove::Blown));
        if world.fuse().names.lock().unwrap().last() != Some(&"on the wire") {
            continue;
        }
        world.fuse().thaw();
        assert_eq!(world.state(id), State::Intent);
        let dog = Watchdog::new(world.desk());
        let longest = SignedDuration::from_secs(i64::from(world.config.create_timeout_s));
        let deadline = world.delivery(id).intent.unwrap().at + longest;
        within_a_minute(alone(&world, &dog, SignedDuration::from_mins(5)), deadline, "frozen");
        return;
    }
    panic!("it never was on the wire");
}

/// Rounds at their wake-ups with a look every ten seconds between: as in a healthy process.
fn healthy(world: &World, worker: &loa_delivery::Worker, dog: &Watchdog, longest: SignedDuration) {
    let end = world.clock.now() + longest;
    while world.clock.now() < end {
        let wake = world.tick(worker).wake.unwrap_or(end);
        loop {
            assert_eq!(look(world, dog), [], "at {}", world.clock.now());
            let next = (world.clock.now() + EVERY).min(wake.max(world.clock.now()));
            world.clock.advance_to(next);
            if next >= wake || next >= end {
                break;
            }
        }
    }
}

#[test]
fn work_that_goes_on_raises_no_alarm() {
    let options = Options { chain: Chain::Processed, read_back: ReadBack::ByMarker };
    let mut world = World::with(3, options, |c| {
        c.pace.account.min_gap_ms = 600_000;
        c.pace.account.burst = 1;
    });
    let ids: Vec<_> = (0..6).map(|_| world.post(PAGE, |_, _| {})).collect();
    let later = world.post("memory:tinh", |_, d| d.due_at += 40.minutes());
    world.platform.arm_after(1, Fault::DropAfterCommit);
    let wait = Duration::from_mins(25);
    world.platform.arm_after(3, Fault::Throttle { wait, scope: Scope::Account });
    for _ in 0..2 {
        world.platform.arm_after(5, Fault::Unreachable);
    }
    let worker = world.worker();
    let dog = Watchdog::new(world.desk());
    healthy(&world, &worker, &dog, SignedDuration::from_hours(4));
    for id in ids.into_iter().chain([later]) {
        assert_eq!(world.state(id), State::Published);
    }
}

type Arrange = fn(&mut World) -> DeliveryId;

#[test]
fn what_rightly_waits_raises_no_alarm_and_says_why() {
    let cases: [(&str, Arrange, Option<Why>); 9] = [
        (
            "paused",
            |w| {
                let id = w.post(PAGE, |_, _| {});
                ready(w.desk().pause_account(&page(), person(3), "bảo trì".into())).unwrap();
                id
            },
            Some(Why::Paused),
        ),
        (
            "all",
            |w| {
                let id = w.post(PAGE, |_, _| {});
                ready(w.desk().kill_switch("all", true, person(3), "sự cố".into())).unwrap();
                id
            },
            Some(Why::KillSwitch),
        ),
        (
            "channel",
            |w| {
                let id = w.post(PAGE, |_, _| {});
                ready(w.desk().kill_switch("channel/memory", true, person(3), "sự cố".into()))
                    .unwrap();
                id
            },
            Some(Why::KillSwitch),
        ),
        (
            "credentials",
            |w| {
                *w.vault.secret.lock().unwrap() = None;
                w.post(PAGE, |_, _| {})
            },
            Some(Why::NoCredentials),
        ),
        (
            "quiet hours",
            |w| {
                w.config.quiet = Some(QuietHours {
                    from: "08:00".parse().unwrap(),
                    to: "17:00".parse().unwrap(),
                    zone: "Asia/Ho_Chi_Minh".into(),
                });
                w.post(PAGE, |_, _| {})
            },
            Some(Why::QuietHours),
        ),
        (
            "platform",
            |w| {
                w.platform
                    .arm(Fault::Throttle { wait: Duration::from_hours(5), scope: Scope::Account });
                w.post(PAGE, |_, _| {});
                w.post(PAGE, |_, _| {})
            },
            Some(Why::PlatformWait),
        ),
        (
            "budget",
            |w| {
                w.post(PAGE, |_, _| {});
                w.post(PAGE, |_, _| {})
            },
            Some(Why::Budget),
        ),
        (
            "a person",
            |w| {
                w.platform.arm(Fault::DropAfterCommit);
                w.post(PAGE, |_, _| {})
            },
            None,
        ),
        (
            "held",
            |w| {
                let id = w.post(PAGE, |_, _| {});
                ready(w.desk().hold(id, person(3), "chờ".into())).unwrap();
                id
            },
            None,
        ),
    ];
    for (name, arrange, why) in cases {
        let read_back = if name == "a person" { ReadBack::None } else { ReadBack::ByMarker };
        let mut world = World::with(4, Options { chain: Chain::Public, read_back }, |c| {
            c.pace.quotas = vec![texts_a_day(QuotaScope::Account, 1, "UTC")];
        });
        world.config.urgent_reserve_percent = 0;
        let id = arrange(&mut world);
        let worker = world.worker();
        world.tick(&worker);
        world.tick(&worker);
        let waits = ready(world.desk().waits(&world.delivery(id))).unwrap();
        match (why, &waits) {
            (Some(why), Waits::Back { why: told, .. }) => {
                assert_eq!(*told, why, "{name}");
            }
            (None, Waits::Person) => {}
            (None, Waits::Until(_)) if name == "a person" => {}
            other => panic!("{name}: {other:?}"),
        }
        // Nobody works any more, and still nothing is wrong.
        drop(worker);
        let dog = Watchdog::new(world.desk());
        assert_eq!(alone(&world, &dog, SignedDuration::from_hours(3)), None, "{name}");
        assert_eq!(stuck(&world), [], "{name}");
    }
}

#[test]
fn what_is_let_go_again_gives_the_worker_its_time() {
    let mut world = World::new(5, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let desk = world.desk();
    ready(desk.pause_account(&page(), person(3), "bảo trì".into())).unwrap();
    let worker = world.worker();
    world.tick(&worker);
    let dog = Watchdog::new(world.desk());
    assert_eq!(alone(&world, &dog, SignedDuration::from_hours(2)), None);
    ready(desk.resume_account(&page(), person(3))).unwrap();
    let resumed = world.clock.now();
    // The worker died meanwhile: that is an alarm, a minute after the account was resumed and not at once.
    drop(worker);
    let alarm = alone(&world, &dog, SignedDuration::from_hours(1));
    within_a_minute(alarm, resumed, "resumed");
    assert_eq!(stuck(&world)[0].delivery, Some(id));
}

fn job(n: u128, work: JobKind, world: &World) -> Job {
    Job::new(JobId(uuid::Uuid::from_u128(n)), "demo", work, world.clock.now())
}

fn read(world: &World, n: u128) -> Job {
    let source = "https://minhhoa.example/bai.htm".to_owned();
    job(n, JobKind::Ingest { source, agency: "demo".into() }, world)
}

#[test]
fn a_job_that_nobody_takes_is_noticed_and_a_full_lane_is_not() {
    let world = World::new(6, Options::default());
    let variant = loa_model::VariantId(uuid::Uuid::from_u128(7));
    let draws = job(9, JobKind::Render { variant }, &world);
    world.commit(Changes::by(operator(), "queue").enqueue(read(&world, 1)).enqueue(draws));
    let store = world.store.clone();
    let day = Duration::from_hours(24);
    let claimed = ready(store.claim(&["ingest"], "w", 1, day)).unwrap().remove(0);
    world.commit(Changes::by(operator(), "queue").enqueue(read(&world, 2)));
    let dog = Watchdog::new(world.desk());
    let began = world.clock.now();
    // Another job of the lane runs: the second waits for its turn. Nobody draws.
    within_a_minute(alone(&world, &dog, SignedDuration::from_mins(5)), began, "render");
    assert_eq!(alone(&world, &dog, SignedDuration::from_hours(1)), None);
    let told = stuck(&world);
    assert_eq!((told.len(), told[0].job), (1, Some(JobId(uuid::Uuid::from_u128(9)))));
    ready(store.finish(&claimed, JobEnd::Complete)).unwrap();
    let free = world.clock.now();
    within_a_minute(alone(&world, &dog, SignedDuration::from_mins(5)), free, "second");
    ready(store.claim(&["ingest", "render"], "w", 9, day)).unwrap();
    world.done(dog.look()).unwrap();
    assert!(stuck(&world).iter().all(|incident| incident.closed.is_some()));
}

#[test]
fn a_job_that_kills_its_workers_is_told_once_and_again_after_a_retry() {
    let world = World::new(7, Options::default());
    world.commit(Changes::by(operator(), "queue").enqueue(read(&world, 1)));
    let store = world.store.clone();
    let dog = Watchdog::new(world.desk());
    let die = || {
        for _ in 0..3 {
            assert_eq!(
                ready(store.claim(&["ingest"], "w", 1, Duration::from_secs(30))).unwrap().len(),
                1
            );
            world.clock.advance(SignedDuration::from_secs(31));
        }
        assert!(
            ready(store.claim(&["ingest"], "w", 1, Duration::from_secs(30))).unwrap().is_empty()
        );
    };
    let poison = || {
        world.done(dog.look()).unwrap();
        let mut all = world.incidents();
        all.retain(|incident| incident.kind == IncidentKind::Poison);
        (all.len(), all.iter().filter(|incident| incident.closed.is_none()).count())
    };
    die();
    assert_eq!(poison(), (1, 1));
    assert_eq!(poison(), (1, 1));
    let id = JobId(uuid::Uuid::from_u128(1));
    let strange = ready(world.desk().retry_job(id, person(9)));
    assert!(matches!(strange, Err(DeskError::Role { .. })), "{strange:?}");
    ready(world.desk().retry_job(id, person(3))).unwrap();
    assert_eq!(poison(), (1, 0), "dealt with");
    die();
    assert_eq!(poison(), (2, 1));
}

/// Workers die until this one was lost with the post in its hands.
fn dies_with_it(world: &mut World, id: DeliveryId) {
    for at in 1..60 {
        let worker = world.worker();
        world.fuse().set(at);
        let died = matches!(world.drive(worker.tick()), Drove::Blown);
        world.fuse().set(0);
        world.clock.advance(SignedDuration::from_secs(31));
        let d = world.delivery(id);
        let owner = loa_delivery::owner_name("tram", world.instance);
        match d.state {
            State::Leased if died && d.lease.as_ref().is_some_and(|l| l.owner == owner) => return,
            // It died before it took it, or before it gave up what the last one held.
            State::Scheduled | State::Ready | State::Leased => {}
            _ => panic!("{d:?}"),
        }
    }
    panic!("no await leaves it leased");
}

#[test]
fn a_post_that_kills_its_workers_is_held_and_told_until_a_person_releases_it() {
    let mut world = World::new(1, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let dog = Watchdog::new(world.desk());
    let poison = |world: &World| {
        world.done(dog.look()).unwrap();
        let mut all = world.incidents();
        all.retain(|incident| incident.kind == IncidentKind::Poison);
        (all.len(), all.iter().filter(|incident| incident.closed.is_none()).count())
    };
    for n in 1..=2 {
        for _ in 0..3 {
            assert_eq!(poison(&world), (n - 1, 0));
            dies_with_it(&mut world, id);
        }
        let worker = world.worker();
        world.tick(&worker);
        let d = world.delivery(id);
        assert_eq!((d.state, d.lost, d.attempt), (State::Held, 3, 0), "{d:?}");
        assert_eq!(Why::of(&d.reason).0, Some(Why::Poison));
        assert_eq!(poison(&world), (n, 1));
        assert_eq!(poison(&world), (n, 1), "once");
        ready(world.desk().release(id, person(3))).unwrap();
        assert_eq!(poison(&world), (n, 0), "dealt with");
    }
    // Two deaths are bad luck.
    dies_with_it(&mut world, id);
    dies_with_it(&mut world, id);
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert_eq!(world.delivery(id).lost, 0);
}

#[test]
fn the_loop_looks_until_it_is_stopped() {
    let mut world = World::new(9, Options::default());
    world.post(PAGE, |_, _| {});
    let dog = Watchdog::new(world.desk());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let clock = world.clock.clone();
    let both = async {
        let asker = async {
            clock.sleep(Duration::from_mins(1)).await;
            stop.send(true).expect("the loop listens");
        };
        tokio::join!(dog.run(stopped), asker)
    };
    world.done(both);
    assert_eq!(stuck(&world).len(), 1);
}

/// The platform asks to wait for longer than the post may: at the end of its window somebody must say so.
#[test]
fn a_post_that_is_held_back_beyond_its_window_is_noticed_when_the_window_ends() {
    for held in [false, true] {
        let mut world = World::new(10, Options::default());
        let id = world.post(PAGE, |_, d| d.not_after = d.due_at + 1.hour());
        let wait = Duration::from_hours(5);
        world.platform.arm(Fault::Throttle { wait, scope: Scope::Post });
        let worker = world.worker();
        world.tick(&worker);
        if held {
            ready(world.desk().hold(id, person(3), "chờ".into())).unwrap();
        }
        let d = world.delivery(id);
        assert!(d.not_before > d.not_after, "{d:?}");
        drop(worker);
        let dog = Watchdog::new(world.desk());
        let alarm = alone(&world, &dog, SignedDuration::from_hours(3));
        within_a_minute(alarm, d.not_after, &format!("held: {held}"));
    }
}
