//! A platform that accepts a public request and shows the post later: what may be live is never put aside unseen.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use jiff::{SignedDuration, ToSpan};
use loa_channel::{
    Scope,
    memory::{Chain, Fault, Options},
};
use loa_delivery::{DeskError, IncidentKind, QuietHours};
use loa_model::{
    Clock as _, Delivery, DeliveryId, DeliveryState as State,
    capability::{QuotaScope, ReadBack},
};
use support::{
    World,
    pace::{gap, texts_a_day},
    person,
};

const PAGE: &str = "memory:cong-tin";

fn options(after_s: u32, poll_s: u32) -> Options {
    Options { chain: Chain::Settling { after_s, poll_s }, read_back: ReadBack::ByMarker }
}

/// A post that the platform accepted and has not shown yet; its window ends in an hour.
fn accepted(
    after_s: u32,
    poll_s: u32,
    change: impl FnOnce(&mut Delivery),
) -> (World, DeliveryId, loa_delivery::Worker) {
    let mut world = World::new(1, options(after_s, poll_s));
    let id = world.post(PAGE, |_, d| {
        d.not_after = d.due_at + 1.hour();
        change(d);
    });
    let worker = world.worker();
    world.tick(&worker);
    assert!(world.delivery(id).may_be_live(), "{:#?}", world.delivery(id));
    assert_eq!((world.creates(id), world.live(id)), (1, 0));
    (world, id, worker)
}

#[test]
fn a_post_still_processing_after_its_window_is_published_not_missed() {
    // Polled under the lease (60 s) and after being handed back (300 s).
    for poll_s in [60, 300] {
        let (world, id, worker) = accepted(3 * 3600, poll_s, |_| {});
        world.rounds(&worker, 3000);
        let d = world.delivery(id);
        assert_eq!((d.state, world.live(id)), (State::Published, 1), "every {poll_s} s: {d:#?}");
        assert!(world.clock.now() > d.not_after && d.attempt == 1, "{d:#?}");
        assert_eq!((world.creates(id), world.measures()), (1, 1));
    }
}

#[test]
fn a_restart_after_the_window_goes_on_asking() {
    let (mut world, id, worker) = accepted(3 * 3600, 60, |_| {});
    drop(worker);
    world.clock.advance(SignedDuration::from_hours(2));
    let worker = world.worker();
    world.rounds(&worker, 3000);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_post_that_never_shows_becomes_uncertain_and_is_not_sent_again_after_its_window() {
    let (world, id, worker) = accepted(u32::MAX, 300, |_| {});
    let mut uncertain = false;
    for _ in 0..5000 {
        let Some(wake) = world.tick(&worker).wake else { break };
        uncertain |= world.state(id) == State::Uncertain;
        world.clock.advance_to(wake);
    }
    let d = world.delivery(id);
    assert!(uncertain, "it was read back before it was given up");
    assert_eq!((d.state, world.creates(id)), (State::Missed, 1), "{d:#?}");
    assert!(world.clock.now() >= d.not_after + 23.hours());
}

#[test]
fn a_question_that_fails_with_no_attempt_left_is_asked_again_ever_more_slowly() {
    for fault in [Fault::Unreachable, Fault::DropBeforeCommit] {
        let (world, id, worker) = accepted(3 * 3600, 60, |d| d.max_attempts = 1);
        for _ in 0..20 {
            world.platform.arm_poll(fault);
        }
        let mut rounds = 0;
        while world.state(id) != State::Published && rounds < 3000 {
            rounds += 1;
            let wake = world.tick(&worker).wake.expect("it goes on asking");
            assert_ne!(world.state(id), State::Dead, "{fault:?}");
            world.clock.advance_to(wake);
        }
        let d = world.delivery(id);
        assert_eq!((d.state, d.attempt, d.max_attempts), (State::Published, 1, 1), "{fault:?}");
        assert_eq!(world.creates(id), 1, "{fault:?}");
    }
}

#[test]
fn the_platforms_refusal_of_the_content_ends_it() {
    let (world, id, worker) = accepted(3 * 3600, 60, |_| {});
    world.platform.arm_poll(Fault::Refuse);
    world.rounds(&worker, 20);
    let d = world.delivery(id);
    assert_eq!((d.state, world.live(id)), (State::Rejected, 0));
    assert!(d.reason.contains("memory/17"), "{}", d.reason);
}

#[test]
fn a_throttled_question_waits_as_the_platform_asks() {
    let (world, id, worker) = accepted(1800, 60, |d| d.max_attempts = 1);
    let wait = std::time::Duration::from_hours(2);
    world.platform.arm_poll(Fault::Throttle { wait, scope: Scope::Account });
    world.rounds(&worker, 50);
    let d = world.delivery(id);
    assert_eq!((d.state, d.attempt), (State::Published, 1));
    assert!(world.clock.now().duration_since(d.due_at) >= SignedDuration::from_hours(2));
}

#[test]
fn quiet_hours_do_not_delay_the_question() {
    let mut world = World::new(1, options(1800, 300));
    // 09:00 in Hà Nội; quiet from 09:10 to the next morning.
    world.config.quiet = Some(QuietHours {
        from: "09:10".parse().unwrap(),
        to: "06:00".parse().unwrap(),
        zone: "Asia/Ho_Chi_Minh".into(),
    });
    let id = world.post(PAGE, |_, _| {});
    let began = world.clock.now();
    let worker = world.worker();
    for _ in 0..20 {
        let Some(wake) = world.tick(&worker).wake else { break };
        if world.state(id) == State::Published {
            break;
        }
        world.clock.advance_to(wake);
    }
    assert_eq!(world.state(id), State::Published);
    assert!(world.clock.now().duration_since(began) < SignedDuration::from_hours(1));
}

#[test]
fn a_void_post_that_may_be_live_is_looked_at_and_not_held() {
    let (world, id, worker) = accepted(3600, 60, |_| {});
    let held = support::ready(world.desk().hold(id, person(3), "bài đã thay đổi".into()));
    assert!(matches!(held, Err(DeskError::Refused(_))), "{held:?}");
    let key = world.delivery(id).post.to_string();
    let mut post =
        support::ready(loa_store::StoreExt::read::<loa_model::Post>(&world.store.inner, &key))
            .unwrap()
            .unwrap();
    post.record.state = loa_model::PostState::Void;
    world.commit(
        loa_store::Changes::by(support::operator(), "void post").update(&post.record, post.version),
    );
    world.rounds(&worker, 3000);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_cancel_after_the_public_step_tells_a_person_and_takes_it_back_once_it_is_live() {
    for poll_s in [60, 300] {
        let (world, id, worker) = accepted(3600, poll_s, |_| {});
        let state = support::ready(world.desk().cancel(id, person(3), "ảnh sai".into())).unwrap();
        assert!(state.cancel_requested && !state.state.is_terminal(), "{state:#?}");
        let told = world.incidents().iter().any(|i| i.kind == IncidentKind::MayBeLive);
        assert!(told, "{:?}", world.incidents());
        world.rounds(&worker, 3000);
        let d = world.delivery(id);
        assert_eq!((d.state, world.live(id)), (State::Retracted, 0), "every {poll_s} s: {d:#?}");
    }
}

#[test]
fn a_crash_at_any_await_while_it_settles_loses_nothing() {
    let mut tried = 0;
    for at in 1..80 {
        // Shown after its window, and before the first read-back: a longer lag is what the quarantine is set for.
        let mut world = World::new(at, options(500, 150));
        let id = world.post(PAGE, |_, d| {
            d.not_after = d.due_at + 5.minutes();
            d.max_attempts = 1;
        });
        let worker = world.worker();
        world.fuse().set(at);
        let mut blown = false;
        for _ in 0..30 {
            match world.drive(worker.tick()) {
                support::Drove::Blown => {
                    blown = true;
                    break;
                }
                support::Drove::Done(round) => match round.unwrap().wake {
                    Some(wake) => world.clock.advance_to(wake),
                    None => break,
                },
            }
        }
        world.fuse().set(0);
        let worker = world.worker();
        world.rounds(&worker, 3000);
        let d = world.delivery(id);
        // Never sent, or sent once and found.
        let whole = match world.creates(id) {
            0 => matches!(d.state, State::Dead | State::Missed),
            1 => matches!(d.state, State::Published),
            _ => false,
        };
        assert!(whole, "crash at {at}: {} creates, {d:#?}", world.creates(id));
        if !blown {
            break;
        }
        tried = at;
    }
    assert!(tried > 20, "only {tried} awaits were tried");
}

/// Processing that outlasts the lease of the worker costs neither pace nor an attempt when the chain goes on.
#[test]
fn a_chain_that_was_handed_back_goes_on_without_paying_again() {
    let slow = Options { chain: Chain::Processed, read_back: ReadBack::ByMarker };
    let mut world = World::with(1, slow, |c| {
        c.pace.account = gap(3_600_000, 1);
        c.pace.quotas = vec![texts_a_day(QuotaScope::Account, 1, "UTC")];
    });
    world.config.hold_wait_s = 1;
    world.config.urgent_reserve_percent = 0;
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    let began = world.clock.now();
    let worker = world.worker();
    world.tick(&worker);
    let d = world.delivery(id);
    assert_eq!((d.state, d.ticket.is_some()), (State::Ready, true), "it was handed back");
    world.rounds(&worker, 10);
    let d = world.delivery(id);
    assert_eq!((d.state, d.attempt, d.max_attempts), (State::Published, 1, 1), "{d:#?}");
    assert!(d.receipt.unwrap().at.duration_since(began) < SignedDuration::from_mins(1));
}
