//! How a doubt ends: what proves that a post is not there, and what does not.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::{pin::pin, sync::atomic::Ordering};

use jiff::SignedDuration;
use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::DeskError;
use loa_model::{DeliveryState as State, capability::ReadBack};
use support::{Drove, World, person, ready};

const PAGE: &str = "memory:cong-tin";

fn options(chain: Chain) -> Options {
    Options { chain, read_back: ReadBack::ByMarker }
}

/// A read-back that was asked before the post was sent again says nothing about the second try.
#[test]
fn an_answer_counts_only_for_the_doubt_it_was_asked_in() {
    let mut world = World::new(1, options(Chain::Public));
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropBeforeCommit);
    world.platform.arm(Fault::DropAfterCommit);
    let (slow, quick) = (world.worker_named("cham#1"), world.worker_named("nhanh#1"));
    let quarantine = world.tick(&slow).wake.unwrap();
    assert_eq!(world.state(id), State::Uncertain);

    world.clock.advance_to(quarantine);
    world.fuse().set_at("after find");
    let mut asked = pin!(slow.tick());
    assert!(matches!(world.drive_pinned(&mut asked), Drove::Blown));
    // The quick one proves it absent and sends it again; it is made, and the answer is lost.
    while world.creates(id) == 0 {
        let round = world.tick(&quick);
        world.clock.advance_to(round.wake.unwrap());
    }
    let d = world.delivery(id);
    assert_eq!((d.state, d.absent.len()), (State::Uncertain, 0));

    // After the second quarantine the old answer arrives, and a listing misses the post once.
    world.clock.advance_to(d.quarantine_until.unwrap());
    world.fuse().thaw();
    assert!(matches!(world.drive_pinned(&mut asked), Drove::Done(Ok(_))));
    world.platform.lag(1);
    world.rounds(&quick, 30);
    let d = world.delivery(id);
    assert_eq!((d.state, world.creates(id)), (State::Published, 1), "{d:#?}");
}

/// Two read-backs asked at one moment are one proof, however late the second answer is.
#[test]
fn two_answers_of_one_moment_are_not_apart() {
    let mut world = World::new(2, options(Chain::Public));
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let (slow, quick) = (world.worker_named("cham#1"), world.worker_named("nhanh#1"));
    let quarantine = world.tick(&slow).wake.unwrap();
    world.clock.advance_to(quarantine);
    // Listings miss it at this moment.
    world.platform.lag(2);
    world.fuse().set_at("after find");
    let mut asked = pin!(slow.tick());
    assert!(matches!(world.drive_pinned(&mut asked), Drove::Blown));
    world.clock.advance(SignedDuration::from_secs(31));
    world.tick(&quick);
    assert_eq!(world.delivery(id).absent.len(), 1);

    world.clock.advance(SignedDuration::from_mins(3));
    world.fuse().thaw();
    assert!(matches!(world.drive_pinned(&mut asked), Drove::Done(Ok(_))));
    assert_eq!(world.state(id), State::Uncertain);
    world.rounds(&quick, 30);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

/// The gate stays shut for the second request of one intent; the first may have been done all the same.
#[test]
fn a_gate_that_shuts_after_a_request_left_proves_nothing() {
    let mut world = World::new(3, options(Chain::Public));
    world.channel.repeats.store(true, Ordering::SeqCst);
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain, "{:#?}", world.delivery(id));
    world.rounds(&worker, 30);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

/// The doubt is about a request of a worker that lost the account, so the record has no intent any more.
#[test]
fn a_person_waits_for_the_request_of_a_worker_that_was_lost() {
    let mut world = World::new(4, options(Chain::HiddenThenPublic));
    let id = world.post(PAGE, |_, _| {});
    let (slow, quick) = (world.worker_named("cham#1"), world.worker_named("nhanh#1"));
    // The draft is made; the request that shows it is on the wire.
    world.fuse().set_at("after send");
    let mut sending = pin!(slow.tick());
    assert!(matches!(world.drive_pinned(&mut sending), Drove::Blown));
    world.fuse().thaw();
    world.fuse().set_at("on the wire");
    assert!(matches!(world.drive_pinned(&mut sending), Drove::Blown));
    world.clock.advance(SignedDuration::from_secs(31));
    ready(world.desk().cancel(id, person(3), "ảnh sai".into())).unwrap();
    world.tick(&quick);
    world.tick(&quick);
    let d = world.delivery(id);
    assert_eq!((d.state, d.intent.is_some(), world.live(id)), (State::Uncertain, false, 0));

    let absent = || ready(world.desk().confirm_absent(id, person(3), "không thấy".into()));
    assert!(matches!(absent(), Err(DeskError::NotNow(_))), "{:#?}", world.delivery(id));
    world.fuse().thaw();
    drop(world.drive_pinned(&mut sending));
    assert_eq!(world.live(id), 1);
}
