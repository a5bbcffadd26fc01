//! Who may decide what at the desk.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::{Desk, DeskError};
use loa_model::{
    AccountStatus, Clock as _, Delivery, DeliveryId, DeliveryState as State, Role, UserId,
    capability::ReadBack,
};
use support::{World, person, receipt};

const PAGE: &str = "memory:cong-tin";

/// A desk with an author (1), an admin (4), an editor (5), an approver of another agency (6) and the approver (3).
fn world() -> World {
    let world = World::new(1, Options { chain: Chain::Public, read_back: ReadBack::None });
    world.hire(1, "demo", Role::Author);
    world.hire(4, "demo", Role::Admin);
    world.hire(5, "demo", Role::Editor);
    world.hire(6, "khac", Role::Approver);
    world
}

type Decision = fn(&World, &Desk, DeliveryId, UserId) -> Result<Delivery, DeskError>;

#[test]
fn only_an_approver_of_the_agency_decides_about_posts() {
    let decisions: [(&str, Option<Fault>, Decision); 5] = [
        ("retract", None, |_, desk, id, by| support::ready(desk.retract(id, by, "sai".into()))),
        ("correct", None, |world, desk, id, by| {
            support::ready(desk.correct(id, by, world.delivery(id).post, "sai số".into()))
        }),
        ("confirm live", Some(Fault::DropAfterCommit), |_, desk, id, by| {
            support::ready(desk.confirm_live(id, by, receipt("")))
        }),
        ("confirm absent", Some(Fault::DropBeforeCommit), |_, desk, id, by| {
            support::ready(desk.confirm_absent(id, by, "không thấy".into()))
        }),
        ("retry", Some(Fault::Refuse), |world, desk, id, by| {
            support::ready(desk.retry(id, by, world.clock.now()))
        }),
    ];
    for (name, fault, decide) in decisions {
        let mut world = world();
        let id = world.post(PAGE, |_, _| {});
        if let Some(fault) = fault {
            world.platform.arm(fault);
        }
        let worker = world.worker();
        world.rounds(&worker, 5);
        world.clock.advance(jiff::SignedDuration::from_mins(5));
        let before = world.delivery(id);
        let desk = world.desk();
        // 9 is nobody.
        for stranger in [1, 4, 5, 9] {
            let refused = decide(&world, &desk, id, person(stranger));
            let needs = matches!(refused, Err(DeskError::Role { needs: Role::Approver }));
            assert!(needs, "{name} by {stranger}: {refused:?}");
        }
        let foreign = decide(&world, &desk, id, person(6));
        assert!(matches!(foreign, Err(DeskError::Unknown(_))), "{name}: {foreign:?}");
        assert_eq!(world.delivery(id), before, "{name}: refused, and yet something changed");
        decide(&world, &desk, id, person(3)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn an_admin_or_an_approver_stops_and_starts() {
    let page = PAGE.parse().unwrap();
    for (who, may) in [(1, false), (5, false), (9, false), (3, true), (4, true)] {
        let world = world();
        let desk = world.desk();
        let by = person(who);
        let answers = [
            support::ready(desk.pause_account(&page, by, "bảo trì".into())),
            support::ready(desk.kill_switch("all", true, by, "sự cố".into())),
            support::ready(desk.kill_switch("agency/demo", true, by, "sự cố".into())),
            support::ready(desk.kill_switch("channel/memory", false, by, "xong".into())),
        ];
        for answer in answers {
            let refused = matches!(answer, Err(DeskError::Role { .. }));
            assert_eq!((answer.is_ok(), refused), (may, !may), "{who}: {answer:?}");
        }
        let paused = matches!(world.account(PAGE).status, AccountStatus::Paused { .. });
        assert_eq!(paused, may);
        assert_eq!(support::ready(desk.resume_account(&page, by)).is_ok(), may, "{who}");
        assert_eq!(world.account(PAGE).status, AccountStatus::Active);
    }
}

#[test]
fn another_agency_stops_nothing_of_ours() {
    let world = world();
    let desk = world.desk();
    let paused = support::ready(desk.pause_account(&PAGE.parse().unwrap(), person(6), "?".into()));
    assert!(matches!(paused, Err(DeskError::Unknown(_))), "{paused:?}");
    let switched = support::ready(desk.kill_switch("agency/demo", true, person(6), "?".into()));
    assert!(matches!(switched, Err(DeskError::Role { .. })), "{switched:?}");
    support::ready(desk.kill_switch("agency/khac", true, person(6), "của mình".into())).unwrap();
}

#[test]
fn a_refused_decision_leaves_the_post_live() {
    let mut world = world();
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.rounds(&worker, 5);
    support::ready(world.desk().retract(id, person(1), "x".into())).unwrap_err();
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.live(id)), (State::Published, 1));
}
