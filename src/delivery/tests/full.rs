//! A disk that is full when a platform has answered: what it gave is written down when there is room.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use loa_channel::memory::{Chain, Options};
use loa_delivery::Worker;
use loa_model::{Clock as _, DeliveryId, DeliveryState as State, capability::ReadBack};
use support::{RefreshMode, World};
use tokio::sync::watch;

const PAGE: &str = "memory:cong-tin";

/// A post that is due where nothing can be read back: its receipt is all there is.
fn due(chain: Chain, refused: (u32, &'static str)) -> (World, DeliveryId, Worker) {
    let mut world = World::new(3, Options { chain, read_back: ReadBack::None });
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    *world.store.full.lock().unwrap() = refused;
    (world, id, worker)
}

#[test]
fn a_receipt_waits_for_room() {
    let (world, id, worker) = due(Chain::Public, (90, "live"));
    let began = world.clock.now();
    world.tick(&worker);
    let d = world.delivery(id);
    assert_eq!((d.state, world.live(id), d.attempt), (State::Published, 1, 1), "{d:#?}");
    assert!(world.clock.now().duration_since(began).as_secs() >= 90);
}

#[test]
fn the_ticket_of_what_may_be_public_waits_for_room() {
    let (world, id, worker) = due(Chain::Settling { after_s: 30, poll_s: 5 }, (20, "step"));
    world.rounds(&worker, 100);
    let d = world.delivery(id);
    assert_eq!((d.state, world.creates(id), d.attempt), (State::Published, 1, 1), "{d:#?}");
}

#[test]
fn new_credentials_wait_for_room() {
    let (world, id, worker) = due(Chain::Public, (0, ""));
    world.vault.put("old");
    *world.channel.refresh.lock().unwrap() = RefreshMode::Token("good".into());
    *world.vault.full.lock().unwrap() = 20;
    world.tick(&worker);
    assert_eq!(world.vault.token(), "good");
    assert_eq!(*world.vault.log.lock().unwrap(), ["begin", "kept"]);
    assert_eq!((world.delivery(id).state, world.creates(id)), (State::Published, 1));
}

/// One whose disk is full is told to end.
fn told_to_end(refused: u32) -> (World, DeliveryId) {
    let (world, id, worker) = due(Chain::Public, (refused, "live"));
    let (_stop, stopped) = watch::channel(true);
    // It sends before it hears of the end.
    let told = async {
        let (tick, ()) =
            futures::join!(worker.tick(), async { worker.run(stopped).await.unwrap() });
        tick.unwrap()
    };
    world.done(told);
    (world, id)
}

#[test]
fn one_that_is_told_to_end_still_writes_the_receipt() {
    let (world, id) = told_to_end(30);
    assert_eq!((world.delivery(id).state, world.live(id)), (State::Published, 1));
}

#[test]
fn one_that_is_told_to_end_ends_although_the_disk_stays_full() {
    let (mut world, id) = told_to_end(1000);
    assert_eq!(world.delivery(id).state, State::Intent);
    // Nobody sends it again: it is unclear, and people are asked.
    *world.store.full.lock().unwrap() = (0, "");
    let next = world.worker();
    world.rounds(&next, 50);
    let d = world.delivery(id);
    assert_eq!((d.state, world.creates(id), world.live(id)), (State::Uncertain, 1, 1), "{d:#?}");
}
