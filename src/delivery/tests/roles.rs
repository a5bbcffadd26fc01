//! Who may decide what at the desk.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::{Act, Desk, DeskError, NotNow};
use loa_model::{
    AccountStatus, Clock as _, Delivery, DeliveryId, DeliveryState as State, Post, Role, User,
    UserId, capability::ReadBack,
};
use loa_store::StoreExt as _;
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

/// Roles are of an agency: what a person is in one is nothing in another.
#[test]
fn who_works_in_two_agencies_decides_in_each_by_its_roles() {
    for (home, also, may) in [
        (("demo", Role::Author), ("khac", Role::Approver), false),
        (("khac", Role::Author), ("demo", Role::Approver), true),
    ] {
        let mut world = world();
        world.hire(7, home.0, home.1);
        world.also(7, also.0, also.1);
        let id = world.post(PAGE, |_, _| {});
        let worker = world.worker();
        world.rounds(&worker, 5);
        let (desk, by, page) = (world.desk(), person(7), PAGE.parse().unwrap());
        let article =
            support::ready(world.store.read::<Post>(&world.delivery(id).post.to_string()));
        let article = article.unwrap().unwrap().record.article;
        let answers = [
            support::ready(desk.pause_account(&page, by, "bảo trì".into())),
            support::ready(desk.kill_switch("agency/demo", true, by, "sự cố".into())),
            support::ready(desk.retract(id, by, "sai".into())).map(|_| ()),
        ];
        for answer in answers {
            let refused = matches!(answer, Err(DeskError::Role { .. }));
            assert_eq!((answer.is_ok(), refused), (may, !may), "{home:?} {also:?}: {answer:?}");
        }
        let taken = support::ready(desk.retract_everywhere(article, by, "sai")).unwrap();
        assert_eq!(taken.len(), usize::from(may), "{home:?} {also:?}");
        let theirs = support::ready(desk.kill_switch("agency/khac", true, by, "sự cố".into()));
        assert_eq!(theirs.is_ok(), !may, "{home:?} {also:?}: {theirs:?}");
    }
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

#[test]
fn the_newsroom_holds_releases_and_calls_off_what_was_not_sent() {
    let decisions: [(&str, bool, Decision); 3] = [
        ("hold", false, |_, desk, id, by| support::ready(desk.hold(id, by, "chờ số liệu".into()))),
        ("release", true, |_, desk, id, by| support::ready(desk.release(id, by))),
        ("cancel", false, |_, desk, id, by| support::ready(desk.cancel(id, by, "ảnh sai".into()))),
    ];
    for (name, held, decide) in decisions {
        for (who, may) in [(1, true), (5, true), (3, true), (4, false), (6, false), (9, false)] {
            let mut world = world();
            let id = world.post(PAGE, |_, _| {});
            let desk = world.desk();
            if held {
                support::ready(desk.hold(id, person(3), "chờ".into())).unwrap();
            }
            let before = world.delivery(id);
            let answer = decide(&world, &desk, id, person(who));
            assert_eq!(answer.is_ok(), may, "{name} by {who}: {answer:?}");
            assert!(may || world.delivery(id) == before, "{name} by {who} changed something");
        }
    }
}

/// Calling off what may be live ends in taking it back: that is an approver's decision.
#[test]
fn only_an_approver_calls_off_what_may_be_live() {
    let mut world = world();
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain);
    for who in [1, 4, 5] {
        let refused = support::ready(world.desk().cancel(id, person(who), "ảnh sai".into()));
        assert!(matches!(refused, Err(DeskError::Role { needs: Role::Approver })), "{refused:?}");
    }
    assert!(
        support::ready(world.desk().cancel(id, person(3), "ảnh sai".into()))
            .unwrap()
            .cancel_requested
    );
}

#[test]
fn a_decision_that_needs_a_reason_is_nothing_without_one() {
    let decisions: [(&str, Decision); 4] = [
        ("hold", |_, desk, id, by| support::ready(desk.hold(id, by, "  ".into()))),
        ("cancel", |_, desk, id, by| support::ready(desk.cancel(id, by, String::new()))),
        ("confirm absent", |_, desk, id, by| {
            support::ready(desk.confirm_absent(id, by, "\n".into()))
        }),
        ("retract", |_, desk, id, by| support::ready(desk.retract(id, by, String::new()))),
    ];
    let mut world = world();
    let id = world.post(PAGE, |_, _| {});
    for (name, decide) in decisions {
        let refused = decide(&world, &world.desk(), id, person(3));
        assert!(matches!(refused, Err(DeskError::NoReason)), "{name}: {refused:?}");
    }
    let paused = support::ready(world.desk().kill_switch("all", true, person(3), " ".into()));
    assert!(matches!(paused, Err(DeskError::NoReason)), "{paused:?}");
}

/// What pages offer is what the desk takes: for every state, person and act.
#[test]
fn the_acts_offered_are_the_acts_taken() {
    let users = [1, 3, 4, 5, 6];
    let states: [fn(&mut World) -> DeliveryId; 4] = [
        |world| world.post(PAGE, |_, _| {}),
        |world| {
            let id = world.post(PAGE, |_, _| {});
            support::ready(world.desk().hold(id, person(3), "chờ".into())).unwrap();
            id
        },
        |world| {
            let id = world.post(PAGE, |_, _| {});
            support::ready(world.desk().cancel(id, person(3), "sai".into())).unwrap();
            id
        },
        |world| {
            let id = world.post(PAGE, |_, _| {});
            let worker = world.worker();
            world.rounds(&worker, 5);
            id
        },
    ];
    let mut taken = 0;
    for make in states {
        for n in users {
            for act in Act::ALL {
                let mut world = world();
                let id = make(&mut world);
                let desk = world.desk();
                let by = person(n);
                let d = world.delivery(id);
                let user = support::ready(world.store.read::<User>(&by.to_string())).unwrap();
                let offered = act.is_open_to(&user.unwrap().record, &d);
                let answer = support::ready(async {
                    match act {
                        Act::ConfirmLive => desk.confirm_live(id, by, receipt("")).await,
                        Act::ConfirmAbsent => desk.confirm_absent(id, by, "x".into()).await,
                        Act::Hold => desk.hold(id, by, "x".into()).await,
                        Act::Release => desk.release(id, by).await,
                        Act::Cancel => desk.cancel(id, by, "x".into()).await,
                        Act::Retry => desk.retry(id, by, world.clock.now()).await,
                        Act::Retract => desk.retract(id, by, "x".into()).await,
                        Act::Correct => desk.correct(id, by, d.post, "x".into()).await,
                        Act::SetAside => {
                            desk.set_aside(id, by, "x".into()).await.map(|()| d.clone())
                        }
                    }
                });
                assert_eq!(answer.is_ok(), offered, "{act:?} by {n} on {:?}: {answer:?}", d.state);
                taken += usize::from(offered);
            }
        }
    }
    assert!(taken > 10, "{taken}");
}

#[test]
fn incidents_are_closed_by_their_own_newsroom() {
    for (who, may) in [(1, false), (3, true), (4, true), (5, true), (6, false), (9, false)] {
        let mut world = world();
        let id = world.post(PAGE, |_, _| {});
        *world.vault.secret.lock().unwrap() = None;
        let worker = world.worker();
        world.tick(&worker);
        assert_eq!(world.state(id), State::Ready);
        let incident = world.incidents().remove(0);
        let answer = support::ready(world.desk().close_incident(&incident.id, person(who)));
        assert_eq!(answer.is_ok(), may, "{who}: {answer:?}");
        let by = world.incidents().remove(0).closed.and_then(|(by, _)| by);
        assert_eq!(by, may.then(|| person(who)));
    }
}

#[test]
fn a_switch_over_nothing_is_refused() {
    let world = world();
    for scope in ["", "agency/", "channel/", "channel/khong-co", "everything", PAGE] {
        let by = person(3);
        let refused = support::ready(world.desk().kill_switch(scope, true, by, "x".into()));
        let strange = matches!(refused, Err(DeskError::NotNow(NotNow::BadScope(_))));
        assert!(strange, "{scope:?}: {refused:?}");
    }
}

#[test]
fn an_agency_is_told_what_stops_it_and_nothing_of_others() {
    let world = world();
    let desk = world.desk();
    let told = |agency: &str| {
        let stops = support::ready(desk.stops(agency)).unwrap();
        stops.into_iter().map(|stop| (stop.scope, stop.reason)).collect::<Vec<_>>()
    };
    assert_eq!(told("demo"), []);
    let why = || "bảo trì".to_owned();
    support::ready(desk.kill_switch("agency/khac", true, person(6), why())).unwrap();
    support::ready(desk.kill_switch("channel/memory", true, person(6), why())).unwrap();
    support::ready(desk.pause_account(&PAGE.parse().unwrap(), person(3), why())).unwrap();
    let ours = [("channel/memory".to_owned(), why()), (PAGE.to_owned(), why())];
    assert_eq!(told("demo"), ours);
    assert_eq!(
        told("khac"),
        [("agency/khac".to_owned(), why()), ("channel/memory".to_owned(), why())]
    );
    support::ready(desk.kill_switch("channel/memory", false, person(3), String::new())).unwrap();
    support::ready(desk.resume_account(&PAGE.parse().unwrap(), person(3))).unwrap();
    assert_eq!(told("demo"), []);
}

/// Whoever connects the account again has dealt with the incident.
#[test]
fn an_account_that_posts_again_has_no_open_incident() {
    let mut world = world();
    world.post(PAGE, |_, _| {});
    *world.vault.secret.lock().unwrap() = None;
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(support::ready(world.desk().open_incidents("demo", 9)).unwrap().len(), 1);
    support::ready(world.desk().resume_account(&PAGE.parse().unwrap(), person(4))).unwrap();
    assert_eq!(support::ready(world.desk().open_incidents("demo", 9)).unwrap(), []);
}
