//! An article is taken back on every channel.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::{DeskError, Took};
use loa_model::{ArticleId, DeliveryId, DeliveryState as State, Role, capability::ReadBack};
use support::{World, person};

const PAGE: &str = "memory:cong-tin";

fn article() -> ArticleId {
    "00000000-0000-7000-8000-0000000000aa".parse().unwrap()
}

fn post(world: &mut World) -> DeliveryId {
    world.post(PAGE, |post, d| {
        post.article = article();
        d.article = article();
    })
}

fn told(world: &World) -> Vec<(DeliveryId, String)> {
    let done = support::ready(world.desk().retract_everywhere(article(), person(3), " sai "));
    let named = |taken: loa_delivery::TakenBack| {
        let took = match taken.took {
            Took::Refused(error) => format!("refused: {}", error.key()),
            took => format!("{took:?}"),
        };
        (DeliveryId(taken.post.0), took)
    };
    done.unwrap().into_iter().map(named).collect()
}

fn world(deletes: bool) -> World {
    let options = Options { chain: Chain::Public, read_back: ReadBack::None };
    let world = World::with(1, options, |capability| capability.delete = deletes);
    world.hire(5, "demo", Role::Editor);
    world.hire(6, "khac", Role::Approver);
    world
}

#[test]
fn each_post_is_taken_back_as_far_as_it_went() {
    let mut world = world(true);
    let live = post(&mut world);
    let worker = world.worker();
    world.rounds(&worker, 5);
    assert_eq!(world.state(live), State::Published);
    let unclear = post(&mut world);
    world.platform.arm(Fault::DropAfterCommit);
    world.rounds(&worker, 5);
    assert_eq!(world.state(unclear), State::Uncertain);
    let waits = post(&mut world);
    let other = world.post(PAGE, |_, _| {});
    let all = [(live, "Asked"), (unclear, "Wished"), (waits, "CalledOff")];
    assert_eq!(told(&world), all.map(|(id, took)| (id, took.to_owned())));
    assert_eq!(world.delivery(live).reason, "sai");
    assert_eq!((world.state(live), world.state(waits)), (State::Retracting, State::Cancelled));
    assert!(world.delivery(unclear).cancel_requested);
    assert_eq!(world.state(other), State::Scheduled, "another article stays");
    // Asked again, nothing happens twice.
    let before = [live, unclear, waits].map(|id| world.delivery(id));
    let again = [(live, "Asked"), (unclear, "Wished"), (waits, "Nothing")];
    assert_eq!(told(&world), again.map(|(id, took)| (id, took.to_owned())));
    assert_eq!([live, unclear, waits].map(|id| world.delivery(id)), before);
    world.rounds(&worker, 5);
    assert_eq!((world.state(live), world.live(live)), (State::Retracted, 0));
}

#[test]
fn what_the_channel_does_not_take_back_is_left_to_a_person() {
    let mut world = world(false);
    let live = post(&mut world);
    let worker = world.worker();
    world.rounds(&worker, 5);
    assert_eq!(told(&world), [(live, "ByHand".to_owned())]);
    world.rounds(&worker, 5);
    assert_eq!(world.state(live), State::Published);
    assert_eq!(world.incidents().len(), 1, "somebody is told to remove it");
}

#[test]
fn a_correction_under_way_refuses_and_stops_no_other() {
    let mut world = world(true);
    let (first, second) = (post(&mut world), post(&mut world));
    let worker = world.worker();
    world.rounds(&worker, 9);
    assert_eq!([world.state(first), world.state(second)], [State::Published; 2]);
    let new = world.delivery(first).post;
    support::ready(world.desk().correct(first, person(3), new, "sai số".into())).unwrap();
    let all = [(first, "refused: refused"), (second, "Asked")];
    assert_eq!(told(&world), all.map(|(id, took)| (id, took.to_owned())));
}

#[test]
fn it_takes_an_approver_of_the_agency_and_a_reason() {
    let mut world = world(true);
    let live = post(&mut world);
    let worker = world.worker();
    world.rounds(&worker, 5);
    let ask =
        |who, why| support::ready(world.desk().retract_everywhere(article(), person(who), why));
    assert!(matches!(ask(5, "sai"), Err(DeskError::Role { needs: Role::Approver })));
    assert!(matches!(ask(3, " \n"), Err(DeskError::NoReason)));
    assert!(ask(6, "sai").unwrap().is_empty(), "another agency finds nothing");
    assert_eq!(world.state(live), State::Published);
}
