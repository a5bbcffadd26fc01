//! Credentials that age are renewed before they are refused; a lost answer is asked for once more.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use loa_channel::memory::{Chain, Options, TOKEN};
use loa_delivery::IncidentKind;
use loa_model::{AccountStatus, DeliveryState as State, Secret, capability::ReadBack};
use support::{RefreshMode, World};

const PAGE: &str = "memory:cong-tin";

fn world(token: &str, mode: RefreshMode) -> World {
    let world = World::new(1, Options { chain: Chain::Public, read_back: ReadBack::ByMarker });
    world.vault.put(token);
    *world.channel.refresh.lock().unwrap() = mode;
    world
}

#[test]
fn an_aging_token_is_renewed_before_the_post_goes_out() {
    let mut world = world("old", RefreshMode::Token("good".into()));
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert_eq!(world.platform.effects(), 1, "no request went out with the old token");
    assert_eq!(*world.vault.log.lock().unwrap(), ["begin", "kept"]);
}

#[test]
fn one_refusal_of_fresh_credentials_waits_and_does_not_call_a_person() {
    let mut world = world("old", RefreshMode::Token("good".into()));
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    world.platform.arm(loa_channel::memory::Fault::ExpireToken);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(*world.vault.log.lock().unwrap(), ["begin", "kept"], "renewed, then refused");
    assert_eq!(
        (world.state(id), world.account(PAGE).status),
        (State::Ready, AccountStatus::Active)
    );
    world.clock.advance(SignedDuration::from_mins(1));
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert_eq!(world.incidents(), []);
}

#[test]
fn an_account_is_looked_at_at_most_every_ten_minutes_and_a_look_is_no_record() {
    let mut world = world("good", RefreshMode::Nothing);
    let worker = world.worker();
    for _ in 0..20 {
        world.post(PAGE, |_, _| {});
        world.tick(&worker);
        world.clock.advance(SignedDuration::from_mins(1));
    }
    assert_eq!(world.channel.looks.load(Ordering::SeqCst), 2, "20 posts in 20 minutes");
    world.post("memory:tinh", |_, _| {});
    world.tick(&worker);
    assert_eq!(world.channel.looks.load(Ordering::SeqCst), 3, "each account for itself");
    assert_eq!(*world.vault.log.lock().unwrap(), [""; 0]);
    assert_eq!(world.channel.refreshes.load(Ordering::SeqCst), 0);
}

/// Measuring renews credentials too, and a refresh token may work once.
#[test]
fn a_token_that_somebody_else_renewed_meanwhile_is_not_used_up_again() {
    let mut world = world("old", RefreshMode::Refused);
    let good = Secret::new([(TOKEN.to_owned(), "good".to_owned())]);
    *world.vault.renewed_meanwhile.lock().unwrap() = Some(good);
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!((world.state(id), world.vault.token().as_str()), (State::Published, "good"));
    assert_eq!(*world.vault.log.lock().unwrap(), ["begin", "nothing"]);
    assert_eq!(world.channel.refreshes.load(Ordering::SeqCst), 0);
    assert_eq!(world.incidents(), []);
}

/// The answer is lost, the process restarts: the old refresh token is tried once more.
#[test]
fn a_lost_answer_is_asked_for_once_more_also_after_a_restart() {
    let mut world = world("old", RefreshMode::Lost);
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    let worker = world.worker();
    world.tick(&worker);
    let log = world.vault.log.lock().unwrap().clone();
    assert!(log.starts_with(&["begin", "nothing"]), "the vault is free for the next try: {log:?}");
    drop(worker);
    *world.channel.refresh.lock().unwrap() = RefreshMode::Token("good".into());
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.vault.token().as_str()), (State::Published, "good"));
    let log = world.vault.log.lock().unwrap().clone();
    assert_eq!(log.iter().filter(|what| **what == "kept").count(), 1, "{log:?}");
    assert!(log.ends_with(&["begin", "kept"]), "{log:?}");
}

#[test]
fn a_refused_renewal_tells_a_person_once_and_the_old_token_posts_on() {
    let mut world = world("good", RefreshMode::Refused);
    let worker = world.worker();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(world.post(PAGE, |_, _| {}));
        world.tick(&worker);
        world.clock.advance(SignedDuration::from_mins(30));
    }
    assert!(ids.iter().all(|id| world.state(*id) == State::Published));
    assert_eq!(world.account(PAGE).status, AccountStatus::Active);
    let told = world.incidents().iter().filter(|i| i.kind == IncidentKind::NeedsReauth).count();
    assert_eq!((told, world.channel.refreshes.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_paused_or_killed_account_renews_nothing() {
    for scope in ["", "all"] {
        let mut world = world("old", RefreshMode::Token("good".into()));
        world.post(PAGE, |_, _| {});
        let desk = world.desk();
        let by = support::person(3);
        if scope.is_empty() {
            let page = PAGE.parse().unwrap();
            support::ready(desk.pause_account(&page, by, "bảo trì".into())).unwrap();
        } else {
            support::ready(desk.kill_switch(scope, true, by, "sự cố".into())).unwrap();
        }
        let worker = world.worker();
        world.rounds(&worker, 5);
        assert_eq!(world.channel.refreshes.load(Ordering::SeqCst), 0, "{scope:?}");
    }
}
