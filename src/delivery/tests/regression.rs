//! Defects that were found, each reduced to the smallest story. The simulation (`tests/simulation`) found all of these.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may")]

mod support;

use std::{pin::pin, sync::atomic::Ordering};

use jiff::SignedDuration;
use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::{DeskError, NotNow, Pace};
use loa_model::{
    Capability, Clock as _, DeliveryId, DeliveryState as State,
    capability::{QuotaScope, ReadBack},
};
use loa_store::StoreExt as _;
use support::{Drove, World, pace::texts_a_day, person};

const PAGE: &str = "memory:cong-tin";

fn options(chain: Chain) -> Options {
    Options { chain, read_back: ReadBack::ByMarker }
}

fn live(seed: u64) -> (World, DeliveryId) {
    let mut world = World::new(seed, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.live(id)), (State::Published, 1));
    (world, id)
}

/// A worker lost its account while a chain waited, and got it again after another one had taken the chain over: it kept the
/// account for that chain for ever and posted nothing of it any more.
#[test]
fn a_chain_that_another_worker_took_over_does_not_keep_the_account() {
    let mut world = World::new(414, options(Chain::Processed));
    let id = world.post(PAGE, |_, _| {});
    let (slow, quick) = (world.worker_named("cham#1"), world.worker_named("nhanh#1"));
    world.tick(&slow);
    assert_eq!(world.state(id), State::Leased, "it waits for the platform");
    world.clock.advance(SignedDuration::from_secs(31));
    world.tick(&quick);
    assert_eq!(world.state(id), State::Ready, "the other one recovered it");
    world.rounds(&slow, 20);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

/// A pause reached a chain only at the next round: what waited under the lease was made public all the same.
#[test]
fn an_account_paused_at_any_await_makes_nothing_public_any_more() {
    for chain in [Chain::Public, Chain::HiddenThenPublic, Chain::Processed] {
        for at in 1..60 {
            let mut world = World::new(at, options(chain));
            let id = world.post(PAGE, |_, _| {});
            let worker = world.worker();
            world.fuse().set(at);
            let mut rounds = pin!(async {
                for _ in 0..4 {
                    worker.tick().await.unwrap();
                    world.clock.advance(SignedDuration::from_secs(6));
                }
            });
            let blown = matches!(world.drive_pinned(&mut rounds), Drove::Blown);
            world.fuse().thaw();
            let before = (world.platform.effects(), world.delivery(id));
            let page = PAGE.parse().unwrap();
            support::ready(world.desk().pause_account(&page, person(3), "bảo trì".into())).unwrap();
            if !blown {
                assert!(at > 12, "only {at} awaits were tried for {chain:?}");
                break;
            }
            assert!(matches!(world.drive_pinned(&mut rounds), Drove::Done(())));
            // What has its intent may be past the gate; nothing else leaves.
            let under_way = u64::from(before.1.state == State::Intent);
            let sent = world.platform.effects() - before.0;
            assert!(
                sent <= under_way,
                "{chain:?} paused at {at}: {sent} requests, {:#?}",
                before.1
            );
            support::ready(world.desk().resume_account(&page, person(3))).unwrap();
            world.rounds(&worker, 20);
            assert_eq!((world.state(id), world.creates(id)), (State::Published, 1), "{at}");
        }
    }
}

/// Corrections and retractions looked at the kill switch at the beginning of a round only.
#[test]
fn a_switch_thrown_after_the_round_began_stops_a_retraction() {
    for paused in [false, true] {
        let (mut world, id) = live(2527);
        let desk = world.desk();
        support::ready(desk.retract(id, person(3), "thu hồi".into())).unwrap();
        let effects = world.platform.effects();
        let worker = world.worker();
        world.fuse().set(1);
        let mut tick = pin!(worker.tick());
        assert!(matches!(world.drive_pinned(&mut tick), Drove::Blown));
        assert_eq!(*world.fuse().names.lock().unwrap(), ["before lease"]);
        world.fuse().thaw();
        let page = PAGE.parse().unwrap();
        if paused {
            support::ready(desk.pause_account(&page, person(3), "bảo trì".into())).unwrap();
        } else {
            support::ready(desk.kill_switch("all", true, person(3), "sự cố".into())).unwrap();
        }
        let _round = world.done(tick.as_mut());
        world.rounds(&worker, 3);
        assert_eq!((world.state(id), world.platform.effects()), (State::Retracting, effects));
        if paused {
            support::ready(desk.resume_account(&page, person(3))).unwrap();
        } else {
            support::ready(desk.kill_switch("all", false, person(3), "xong".into())).unwrap();
        }
        world.rounds(&worker, 5);
        assert_eq!((world.state(id), world.live(id)), (State::Retracted, 0));
    }
}

/// A round read what is to be taken back, then waited for the account while another worker did it: it was asked for twice.
#[test]
fn a_retraction_that_another_worker_finished_is_not_sent_again() {
    let (world, id) = live(157);
    support::ready(world.desk().retract(id, person(3), "thu hồi".into())).unwrap();
    let (slow, quick) = (world.worker_named("cham#1"), world.worker_named("nhanh#1"));
    world.fuse().set(1);
    let mut late = pin!(slow.tick());
    assert!(matches!(world.drive_pinned(&mut late), Drove::Blown));
    world.fuse().thaw();
    world.tick(&quick);
    assert_eq!(world.state(id), State::Retracted);
    let effects = world.platform.effects();
    let _round = world.done(late.as_mut());
    assert_eq!(world.platform.effects(), effects);
}

fn dead(world: &mut World) -> DeliveryId {
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    world.platform.arm(Fault::Unreachable);
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!(world.state(id), State::Dead);
    id
}

/// A post that was live and taken back could be sent once more by retrying an older delivery of it.
#[test]
fn a_post_that_was_taken_back_does_not_come_back_through_an_older_delivery() {
    let mut world = World::new(1621, Options::default());
    let first = dead(&mut world);
    let desk = world.desk();
    let second = support::ready(desk.retry(first, person(3), world.clock.now())).unwrap().id;
    let worker = world.worker();
    world.rounds(&worker, 10);
    support::ready(desk.retract(second, person(3), "thu hồi".into())).unwrap();
    world.rounds(&worker, 10);
    assert_eq!(world.state(second), State::Retracted);
    let again = support::ready(desk.retry(first, person(3), world.clock.now()));
    assert!(matches!(again, Err(DeskError::NotNow(NotNow::WasLive))), "{again:?}");
}

/// Two people who retried two different deliveries of one post at the same moment posted it twice.
#[test]
fn two_people_who_retry_two_deliveries_of_a_post_at_once_post_it_once() {
    let mut world = World::new(1, Options::default());
    let first = dead(&mut world);
    let desk = world.desk();
    world.platform.arm(Fault::Unreachable);
    let second = support::ready(desk.retry(first, person(3), world.clock.now())).unwrap().id;
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!(world.state(second), State::Dead);
    let now = world.clock.now();
    world.fuse().set(1);
    let mut one = pin!(desk.retry(first, person(3), now));
    assert!(matches!(world.drive_pinned(&mut one), Drove::Blown));
    world.fuse().thaw();
    support::ready(desk.retry(second, person(3), now)).unwrap();
    let other = world.done(one.as_mut());
    assert!(matches!(other, Err(DeskError::Conflict)), "{other:?}");
    world.rounds(&worker, 10);
    assert_eq!(world.creates(first), 1);
}

/// A delivery whose worker was lost in its last attempt was dead without a word why.
#[test]
fn a_delivery_that_died_with_its_worker_says_why() {
    let lost_at = |at| {
        let mut world = World::new(137, options(Chain::HiddenThenPublic));
        let id = world.post(PAGE, |_, d| d.max_attempts = 1);
        let worker = world.worker();
        world.fuse().set(at);
        assert!(matches!(world.drive(worker.tick()), Drove::Blown), "never intended");
        world.fuse().set(0);
        (world, id)
    };
    let intended = |(world, id): &(World, DeliveryId)| world.state(*id) == State::Intent;
    let (mut world, id) = (1..100).map(lost_at).find(intended).unwrap();
    let worker = world.worker();
    world.rounds(&worker, 5);
    let d = world.delivery(id);
    assert_eq!(d.state, State::Dead);
    assert!(d.reason.contains("worker was lost"), "{d:#?}");
}

/// More posts stood in front of a post than one look takes in, all of a paused account: it never became missed, and a worker
/// without anything to do went round and round.
#[test]
fn a_post_behind_a_paused_backlog_is_missed_in_time() {
    let mut world = World::new(3120, Options::default());
    world.config.batch = 2;
    world.open_account("memory:khac", "loa");
    let kept: Vec<_> = (0..4).map(|_| world.post("memory:khac", |_, _| {})).collect();
    let soon = world.clock.now() + SignedDuration::from_secs(1);
    let late = world.post("memory:khac", |_, d| {
        d.not_after = soon + SignedDuration::from_secs(1);
        d.due_at = soon;
    });
    support::ready(world.desk().pause_account(
        &"memory:khac".parse().unwrap(),
        person(3),
        "bảo trì".into(),
    ))
    .unwrap();
    let worker = world.worker();
    for _ in 0..5 {
        world.rounds(&worker, 3);
        world.clock.advance(SignedDuration::from_secs(6));
    }
    assert_eq!(world.state(late), State::Missed);
    assert!(kept.iter().all(|id| world.state(*id) == State::Ready));
}

/// A refusal gave back to the day's allowance also what earlier attempts of the post, whose answers were lost, may have used.
#[test]
fn an_attempt_that_may_have_made_something_is_paid_for_whatever_comes_after() {
    for lost_first in [false, true] {
        let quota = texts_a_day(QuotaScope::Account, 10, "UTC");
        let limits = |c: &mut Capability| c.pace.quotas = vec![quota.clone()];
        let mut world = World::with(3722, options(Chain::HiddenThenPublic), limits);
        let id = world.post(PAGE, |_, _| {});
        if lost_first {
            world.platform.arm(Fault::DropAfterCommit);
        }
        world.platform.arm(Fault::Refuse);
        let worker = world.worker();
        world.rounds(&worker, 20);
        assert_eq!(world.state(id), State::Rejected);
        let pace = support::ready(world.store.read::<Pace>(PAGE)).unwrap().unwrap().record;
        let spent = pace.spent_of(&quota, world.clock.now());
        assert_eq!(spent, u64::from(lost_first));
    }
}

/// An error in the service of one account ended the round: what the others had on the wire was dropped and became a doubt
/// only when its lease was lost.
#[test]
fn an_error_of_one_account_drops_nothing_of_the_others() {
    let mut world = World::new(853, Options::default());
    let (failing, other) = ("memory:cong-tin", "memory:tinh");
    let posts = [world.post(failing, |_, _| {}), world.post(other, |_, _| {})];
    *world.store.broken.lock().unwrap() = Some(failing.to_owned());
    // The other one's request is on the wire until its patience is at an end.
    world.channel.silent.store(1, Ordering::SeqCst);
    let worker = world.worker();
    let round = world.tick(&worker);
    assert_eq!(round.failed.len(), 1, "{round:?}");
    assert_eq!(round.failed[0].0.as_str(), failing);
    assert_eq!([world.state(posts[0]), world.state(posts[1])], [State::Ready, State::Uncertain]);
    assert!(
        round.wake.is_some_and(|wake| wake <= world.clock.now() + SignedDuration::from_secs(1))
    );
    *world.store.broken.lock().unwrap() = None;
    world.rounds(&worker, 20);
    assert_eq!([world.state(posts[0]), world.state(posts[1])], [State::Published; 2]);
    assert_eq!([world.creates(posts[0]), world.creates(posts[1])], [1; 2]);
}
