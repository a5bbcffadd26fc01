//! How a doubt ends: what proves that a post is not there, and what does not.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::sync::atomic::Ordering;

use loa_channel::memory::{Chain, Fault, Options};
use loa_model::{DeliveryState as State, capability::ReadBack};
use support::World;

const PAGE: &str = "memory:cong-tin";

fn options(chain: Chain) -> Options {
    Options { chain, read_back: ReadBack::ByMarker }
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
