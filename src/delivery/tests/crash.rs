//! The worker dies, freezes or is replaced at every await, under random faults: never twice, never lost.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may")]

mod support;

use std::{pin::pin, sync::atomic::Ordering, time::Duration};

use jiff::SignedDuration;
use loa_channel::{
    Scope,
    memory::{Chain, Fault, Options},
};
use loa_model::{Clock as _, Delivery, DeliveryId, DeliveryState as State, capability::ReadBack};
use loa_store::StoreExt as _;
use support::{Drove, World, person, receipt};

const CHAINS: [Chain; 4] = [
    Chain::Public,
    Chain::HiddenThenPublic,
    Chain::Processed,
    Chain::Settling { after_s: 100, poll_s: 45 },
];
const PAGE: &str = "memory:cong-tin";

/// Rounds of fresh starts until nothing waits; each start may blow again at an await drawn from the seed.
fn settle(world: &mut World, crashes: &mut Vec<u64>) {
    for _ in 0..400 {
        let worker = world.worker();
        world.fuse().set(crashes.pop().unwrap_or(0));
        let mut over = false;
        for _ in 0..200 {
            match world.drive(worker.tick()) {
                Drove::Done(round) => {
                    if let Some(wake) = round.expect("the store works").wake {
                        world.clock.advance_to(wake);
                    } else {
                        over = true;
                        break;
                    }
                }
                Drove::Blown => break,
            }
        }
        if over && crashes.is_empty() {
            world.fuse().set(0);
            if !release(world) {
                return;
            }
        }
        // The next start comes a little later, as real ones do.
        world.clock.advance(SignedDuration::from_secs(3));
    }
    panic!("never settles");
}

/// A person lets go what was held because three starts in a row died with it.
fn release(world: &World) -> bool {
    let held = support::ready(world.store.inner.all::<Delivery>(100)).unwrap();
    let held: Vec<_> =
        held.iter().map(|kept| &kept.record).filter(|d| d.state == State::Held).collect();
    for d in &held {
        assert!(d.is_poison(), "{d:#?}");
        support::ready(world.desk().release(d.id, person(3))).unwrap();
    }
    !held.is_empty()
}

fn judge(world: &World, id: DeliveryId, read_back: ReadBack, story: &str) {
    let d = world.delivery(id);
    let (creates, live) = (world.creates(id), world.live(id));
    assert!(creates <= 1, "{story}: posted {creates} times; {d:#?}");
    match d.state {
        State::Published => {
            assert_eq!(live, 1, "{story}: published without a live post; {d:#?}");
            assert!(d.receipt.is_some(), "{story}: I2");
        }
        State::Uncertain => {
            assert_eq!(read_back, ReadBack::None, "{story}: left uncertain; {d:#?}");
        }
        other => panic!("{story}: lost in {other:?}; {d:#?}"),
    }
}

/// A person looks at the platform and says the truth.
fn decide(world: &World, id: DeliveryId) {
    if world.state(id) == State::Uncertain {
        world.clock.advance(SignedDuration::from_mins(2));
        if world.live(id) > 0 {
            support::ready(world.desk().confirm_live(id, person(3), receipt(""))).unwrap();
        } else {
            support::ready(world.desk().confirm_absent(id, person(3), "không thấy".into()))
                .unwrap();
        }
    }
}

#[test]
fn a_crash_at_every_await_of_every_chain_posts_exactly_once() {
    for chain in CHAINS {
        for read_back in [ReadBack::ByMarker, ReadBack::None] {
            let mut points = 0;
            for at in 1..200 {
                let mut world = World::new(at, Options { chain, read_back });
                let id = world.post(PAGE, |_, _| {});
                settle(&mut world, &mut vec![at]);
                judge(&world, id, read_back, &format!("{chain:?} {read_back:?} crash at {at}"));
                decide(&world, id);
                settle(&mut world, &mut vec![]);
                assert_eq!(
                    (world.state(id), world.creates(id)),
                    (State::Published, 1),
                    "{chain:?} crash at {at}"
                );
                if world.blew_at() != at {
                    break;
                }
                points = at;
            }
            assert!(points >= 10, "only {points} awaits were tried for {chain:?}");
        }
    }
}

/// Two workers of two places: the first freezes at every await in turn, loses its lease, wakes up late.
#[test]
fn a_worker_that_freezes_at_any_await_and_wakes_up_late_never_posts_a_second_time() {
    for chain in CHAINS {
        for asleep_s in [40, 400, 700, 4000] {
            let mut tried = 0;
            for at in 1..200 {
                let mut world = World::new(at, Options { chain, read_back: ReadBack::ByMarker });
                let id = world.post(PAGE, |_, _| {});
                let slow = world.worker_named("cham#1");
                let quick = world.worker_named("nhanh#1");
                world.fuse().set(at);
                let mut frozen = pin!(async {
                    for _ in 0..3 {
                        slow.tick().await.expect("the store works");
                    }
                });
                let froze = world.drive_pinned(&mut frozen) == Drove::Blown;
                let on_the_wire = world.fuse().names.lock().unwrap().last() == Some(&"on the wire");
                if froze && on_the_wire && asleep_s > 600 {
                    // A request that is longer on its way than the quarantine: no program can close that window.
                    continue;
                }
                // The fuse is out for the others; the frozen one goes on when it is driven again.
                world.fuse().thaw();
                let until = world.clock.now() + SignedDuration::from_secs(asleep_s);
                for _ in 0..50 {
                    let round = world.tick(&quick);
                    match round.wake {
                        Some(wake) if wake <= until => world.clock.advance_to(wake),
                        _ => break,
                    }
                }
                world.clock.advance_to(until);
                if froze {
                    tried += 1;
                    let _late = world.drive_pinned(&mut frozen);
                }
                world.fuse().set(0);
                world.rounds(&quick, 60);
                world.clock.advance(SignedDuration::from_hours(1));
                world.rounds(&quick, 60);
                let story = format!("{chain:?} frozen at {at} for {asleep_s} s");
                judge(&world, id, ReadBack::ByMarker, &story);
                if !froze {
                    break;
                }
            }
            assert!(tried >= 8, "only {tried} awaits were tried for {chain:?}");
        }
    }
}

#[test]
fn random_crashes_and_faults_leave_exactly_one_live_post_of_each() {
    for seed in 1..=400u64 {
        let dice = support::Seeded::new(seed);
        let chain = CHAINS[dice.below(4) as usize];
        let read_back = if dice.below(4) == 0 { ReadBack::None } else { ReadBack::ByMarker };
        let mut world = World::new(seed, Options { chain, read_back });
        let ids: Vec<_> = (0..=dice.below(3))
            .map(|n| {
                let account = if n % 2 == 0 { PAGE } else { "memory:tinh" };
                world.post(account, |_, d| d.max_attempts = 30)
            })
            .collect();
        for _ in 0..dice.below(5) {
            let fault = match dice.below(5) {
                0 => Fault::DropAfterCommit,
                1 => Fault::DropBeforeCommit,
                2 => Fault::Throttle {
                    wait: Duration::from_secs(30 + dice.below(300)),
                    scope: Scope::Account,
                },
                3 => Fault::Throttle { wait: Duration::from_secs(30), scope: Scope::App },
                _ => Fault::Unreachable,
            };
            world.platform.arm_after(dice.below(3) as usize, fault);
        }
        if dice.below(3) == 0 {
            world.platform.lag(1);
        }
        world.channel.silent.store(dice.below(2) as u32, Ordering::SeqCst);
        let mut crashes: Vec<_> = (0..dice.below(6)).map(|_| 1 + dice.below(40)).collect();
        let story = format!("seed {seed} {chain:?} {read_back:?} crashes {crashes:?}");
        settle(&mut world, &mut crashes);
        for id in &ids {
            judge(&world, *id, read_back, &story);
        }
        for _ in 0..4 {
            for id in &ids {
                decide(&world, *id);
            }
            settle(&mut world, &mut vec![]);
        }
        for id in &ids {
            let d = world.delivery(*id);
            assert_eq!((d.state, world.creates(*id)), (State::Published, 1), "{story}: {d:#?}");
        }
        assert_eq!(world.measures(), ids.len(), "{story}: one first measurement each");
    }
}

#[test]
fn a_restart_recovers_its_own_former_lease_at_once_and_another_place_waits_for_it() {
    let crashed = || {
        let mut world = World::new(
            7,
            Options { chain: Chain::HiddenThenPublic, read_back: ReadBack::ByMarker },
        );
        let id = world.post(PAGE, |_, _| {});
        let worker = world.worker();
        // Due, lease, claim, intent: dies right before the first request.
        world.fuse().set(9);
        assert!(
            matches!(world.drive(worker.tick()), Drove::Blown),
            "{:?}",
            world.fuse().names.lock().unwrap()
        );
        assert_eq!(world.state(id), State::Intent);
        world.fuse().set(0);
        (world, id)
    };
    let (mut world, id) = crashed();
    let before = world.clock.now();
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!(
        (world.state(id), world.clock.now()),
        (State::Published, before),
        "no time was lost"
    );

    let (world, id) = crashed();
    let worker = world.worker_named("khac#9");
    let round = world.tick(&worker);
    assert_eq!(world.state(id), State::Intent, "the owner may still be alive");
    world.clock.advance_to(round.wake.unwrap());
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_shutdown_hands_every_lease_back() {
    let mut world =
        World::new(8, Options { chain: Chain::Processed, read_back: ReadBack::ByMarker });
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(world.state(id), State::Leased, "it waits for the platform under its lease");
    world.done(worker.hand_back()).unwrap();
    let d = world.delivery(id);
    assert_eq!((d.state, d.ticket.is_some(), d.max_attempts), (State::Ready, true, 5));
    let other = world.worker_named("khac#1");
    world.rounds(&other, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert_eq!(world.delivery(id).attempt, 1, "going on is no second attempt");
}

#[test]
fn the_loop_publishes_and_stops_when_asked() {
    let mut world =
        World::new(9, Options { chain: Chain::Processed, read_back: ReadBack::ByMarker });
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let clock = world.clock.clone();
    let both = async {
        let asker = async {
            clock.sleep(Duration::from_mins(2)).await;
            stop.send(true).expect("the loop listens");
        };
        tokio::join!(worker.run(stopped), asker).0
    };
    world.done(both).unwrap();
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_request_that_takes_long_keeps_no_other_account_waiting() {
    let mut world = World::new(854, Options::default());
    world.config.poll_s = 3600;
    let (slow, other) = ("memory:cong-tin", "memory:tinh");
    let due = world.clock.now() + SignedDuration::from_secs(5);
    let posts = [
        world.post(slow, |_, _| {}),
        world.post(slow, |_, d| d.due_at = due),
        world.post(other, |_, d| d.due_at = due),
    ];
    world.channel.silent.store(1, Ordering::SeqCst);
    let worker = world.worker();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let states = || posts.map(|id| world.state(id));
    let watcher = async {
        world.clock.sleep(Duration::from_secs(10)).await;
        let during = states();
        world.clock.sleep(Duration::from_secs(25)).await;
        stop.send(true).unwrap();
        [during, states()]
    };
    let [during, after] = world.done(async { tokio::join!(worker.run(stopped), watcher).1 });
    assert_eq!(during, [State::Intent, State::Ready, State::Published]);
    assert_eq!(after, [State::Uncertain, State::Published, State::Published]);
    let receipt = world.delivery(posts[2]).receipt.unwrap();
    assert!(receipt.at.duration_since(due) < SignedDuration::from_secs(1), "{receipt:?}");
}
