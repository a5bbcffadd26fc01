//! What the worker does with one post: happy paths, refusals, waits, unclear outcomes.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may")]

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use jiff::{SignedDuration, ToSpan};
use loa_channel::{
    Scope,
    memory::{Chain, Fault, Options},
};
use loa_delivery::{Breach, DeskError, IncidentKind};
use loa_model::{
    AccountStatus, Clock as _, DeliveryState as State, PostState, Priority,
    capability::{QuotaScope, ReadBack},
};
use support::{
    Drove, RefreshMode, World,
    pace::{gap, texts_a_day},
    person, receipt,
};

const CHAINS: [Chain; 3] = [Chain::Public, Chain::HiddenThenPublic, Chain::Processed];
const PAGE: &str = "memory:cong-tin";

fn options(chain: Chain, read_back: ReadBack) -> Options {
    Options { chain, read_back }
}

#[test]
fn every_chain_publishes_once_with_receipt_and_first_measurement() {
    for chain in CHAINS {
        let mut world = World::new(1, options(chain, ReadBack::ByMarker));
        let id = world.post(PAGE, |_, _| {});
        let worker = world.worker();
        world.rounds(&worker, 10);
        let d = world.delivery(id);
        assert_eq!((d.state, d.attempt), (State::Published, 1), "{chain:?}");
        assert!(d.receipt.is_some() && d.lease.is_none());
        assert_eq!((world.creates(id), world.live(id), world.measures()), (1, 1, 1), "{chain:?}");
    }
}

#[test]
fn a_dropped_reply_is_uncertain_then_found_and_created_once() {
    let mut world = World::new(2, Options::default());
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    let d = world.delivery(id);
    assert_eq!(d.state, State::Uncertain);
    let quarantine = d.quarantine_until.unwrap();
    assert!(quarantine >= world.clock.now() + 10.minutes());
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain, "no read-back before the quarantine is over");
    world.clock.advance_to(quarantine);
    world.tick(&worker);
    assert_eq!(world.state(id), State::Published);
    assert_eq!((world.creates(id), world.measures()), (1, 1));
}

#[test]
fn no_answer_within_the_limit_is_uncertain_too() {
    let mut world = World::new(3, Options::default());
    let id = world.post(PAGE, |_, _| {});
    world.channel.silent.store(1, Ordering::SeqCst);
    let worker = world.worker();
    let before = world.clock.now();
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain);
    assert_eq!(world.clock.now().duration_since(before), SignedDuration::from_secs(30));
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn absent_twice_is_sent_again_exactly_once() {
    let mut world = World::new(4, Options::default());
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropBeforeCommit);
    let worker = world.worker();
    world.rounds(&worker, 10);
    let d = world.delivery(id);
    assert_eq!((d.state, d.attempt, world.creates(id)), (State::Published, 2, 1));
    assert_eq!(d.evidence.iter().filter(|e| e.what.contains("did not find")).count(), 2);
}

#[test]
fn one_lagging_read_back_does_not_send_again() {
    let mut world = World::new(5, Options::default());
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    world.platform.lag(1);
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn without_read_back_a_person_decides() {
    let start = || {
        let mut world = World::new(6, options(Chain::Public, ReadBack::None));
        let id = world.post(PAGE, |_, _| {});
        world.platform.arm(Fault::DropAfterCommit);
        let worker = world.worker();
        world.rounds(&worker, 10);
        world.clock.advance(SignedDuration::from_hours(5));
        world.rounds(&worker, 10);
        assert_eq!(
            (world.state(id), world.creates(id)),
            (State::Uncertain, 1),
            "nobody decided yet"
        );
        (world, id, worker)
    };
    let (world, id, _worker) = start();
    let desk = world.desk();
    let d = support::ready(desk.confirm_live(id, person(3), receipt(""))).unwrap();
    assert_eq!((d.state, world.measures()), (State::Published, 1));

    let (world, id, worker) = start();
    let d =
        support::ready(world.desk().confirm_absent(id, person(3), "đã xem kênh".into())).unwrap();
    assert_eq!(d.state, State::Ready);
    world.rounds(&worker, 10);
    assert_eq!(world.state(id), State::Published);
}

#[test]
fn a_person_cannot_confirm_absent_while_the_request_may_be_on_its_way() {
    let mut world = World::new(6, options(Chain::Public, ReadBack::None));
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    let early = support::ready(world.desk().confirm_absent(id, person(3), "vội".into()));
    assert!(matches!(early, Err(DeskError::NotNow(_))), "{early:?}");
}

#[test]
fn the_platforms_wait_is_kept_for_its_scope_and_over_a_restart() {
    for (scope, other_waits) in [(Scope::Post, false), (Scope::Account, false), (Scope::App, true)]
    {
        let mut world = World::new(7, Options::default());
        let id = world.post(PAGE, |_, _| {});
        world.platform.arm(Fault::Throttle { wait: Duration::from_mins(15), scope });
        let worker = world.worker();
        let began = world.clock.now();
        world.tick(&worker);
        let second = world.post(PAGE, |_, _| {});
        let other = world.post("memory:tinh", |_, _| {});
        let worker = world.worker();
        world.tick(&worker);
        let published = |id| world.state(id) == State::Published;
        assert!(!published(id), "{scope:?}");
        assert_eq!(published(second), scope == Scope::Post, "{scope:?}");
        assert_eq!(published(other), !other_waits, "{scope:?}");
        world.rounds(&worker, 20);
        let d = world.delivery(id);
        assert_eq!((d.state, d.attempt <= d.max_attempts), (State::Published, true));
        assert!(world.clock.now().duration_since(began) >= SignedDuration::from_secs(900));
        assert_eq!(world.creates(id), 1);
    }
}

#[test]
fn throttling_never_uses_the_attempts_up() {
    let mut world = World::new(8, Options::default());
    let id = world.post(PAGE, |_, d| d.max_attempts = 2);
    for _ in 0..6 {
        world.platform.arm(Fault::Throttle { wait: Duration::from_mins(1), scope: Scope::Account });
    }
    let worker = world.worker();
    world.rounds(&worker, 40);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_refusal_goes_to_the_editor_and_an_unreachable_platform_is_tried_until_dead() {
    let mut world = World::new(9, Options::default());
    let refused = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::Refuse);
    let worker = world.worker();
    world.tick(&worker);
    let d = world.delivery(refused);
    assert_eq!(d.state, State::Rejected);
    assert!(d.reason.contains("memory/17"), "{}", d.reason);

    let dead = world.post(PAGE, |_, d| d.max_attempts = 2);
    for _ in 0..3 {
        world.platform.arm(Fault::Unreachable);
    }
    world.rounds(&worker, 20);
    assert_eq!((world.state(dead), world.creates(dead)), (State::Dead, 0));
    let now = world.clock.now();
    let again = support::ready(world.desk().retry(dead, person(3), now)).unwrap();
    assert_eq!(again.retry_of, Some(dead));
    let twice = support::ready(world.desk().retry(dead, person(3), now));
    assert!(matches!(twice, Err(DeskError::NotNow(_))), "one retry at a time");
    world.rounds(&worker, 20);
    assert_eq!((world.state(again.id), world.creates(dead)), (State::Published, 1));
}

#[test]
fn an_expired_token_is_refreshed_once_and_the_chain_goes_on() {
    let mut world = World::new(10, Options::default());
    *world.vault.secret.lock().unwrap() =
        Some(loa_model::Secret::new([("token".to_owned(), "old".to_owned())]));
    *world.channel.refresh.lock().unwrap() = RefreshMode::Token("good".into());
    world.config.refresh_check_s = 0;
    let id = world.post(PAGE, |_, d| d.max_attempts = 1);
    let worker = world.worker();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert_eq!(*world.vault.log.lock().unwrap(), ["begin", "kept"]);
    assert_eq!(world.channel.refreshes.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failed_refresh_pauses_the_account_and_keeps_the_delivery() {
    for mode in [RefreshMode::Nothing, RefreshMode::Refused, RefreshMode::Token("also bad".into())]
    {
        let mut world = World::new(11, Options::default());
        *world.vault.secret.lock().unwrap() =
            Some(loa_model::Secret::new([("token".to_owned(), "old".to_owned())]));
        *world.channel.refresh.lock().unwrap() = mode.clone();
        world.config.refresh_check_s = 0;
        let id = world.post(PAGE, |_, d| d.max_attempts = 1);
        let worker = world.worker();
        world.rounds(&worker, 10);
        let status = world.account(PAGE).status;
        assert!(matches!(status, AccountStatus::NeedsReauth { .. }), "{mode:?} {status:?}");
        assert_eq!((world.state(id), world.creates(id)), (State::Ready, 0));
        assert!(world.incidents().iter().any(|i| i.kind == IncidentKind::NeedsReauth));
        // A person connects it again.
        *world.vault.secret.lock().unwrap() =
            Some(loa_model::Secret::new([("token".to_owned(), "good".to_owned())]));
        support::ready(world.desk().resume_account(&PAGE.parse().unwrap(), person(3))).unwrap();
        world.rounds(&worker, 10);
        assert_eq!((world.state(id), world.creates(id)), (State::Published, 1), "{mode:?}");
    }
}

#[test]
fn what_is_not_as_approved_is_never_sent() {
    type Spoil = fn(&mut loa_model::Post, &mut loa_model::Delivery);
    let (made, unsigned, changed) =
        (Breach::MadeUnsigned, Breach::Unsigned, Breach::ChangedSinceSigned);
    let cases: [(&str, Spoil, State, &[Breach]); 6] = [
        ("changed words", |p, _| p.content.text.push_str(" đã sửa"), State::Held, &[changed]),
        ("void post", |p, _| p.state = PostState::Void, State::Held, &[made]),
        ("no approval", |p, _| p.approval = None, State::Held, &[made, unsigned]),
        (
            "other digest",
            |_, d| d.digest = loa_model::Digest::of(b"x"),
            State::Held,
            &[made, unsigned, changed],
        ),
        (
            "other account",
            |p, _| p.account = "memory:tinh".parse().unwrap(),
            State::Held,
            &[changed],
        ),
        ("window passed", |_, d| d.not_after = support::start() - 1.second(), State::Missed, &[]),
    ];
    for (name, spoil, state, breaks) in cases {
        let mut world = World::new(12, Options::default());
        world.breaks = breaks.to_vec();
        let id = world.post(PAGE, spoil);
        let worker = world.worker();
        world.rounds(&worker, 5);
        assert_eq!(world.state(id), state, "{name}");
        assert_eq!(world.platform.effects(), 0, "{name}: something was sent");
    }
}

#[test]
fn before_the_approved_window_it_waits() {
    let mut world = World::new(13, Options::default());
    let opens = world.clock.now() + 2.hours();
    let id = world.post(PAGE, |p, _| p.approval.as_mut().unwrap().not_before = opens);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!((world.state(id), world.creates(id)), (State::Ready, 0));
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
    assert!(world.clock.now() >= opens);
}

#[test]
fn quiet_hours_budget_and_gap_hold_posts_back_and_urgent_ones_pass() {
    let mut world = World::with(14, Options::default(), |c| {
        c.pace.quotas = vec![texts_a_day(QuotaScope::Account, 5, "Asia/Ho_Chi_Minh")];
        c.pace.account = gap(60_000, 1);
    });
    let ids: Vec<_> = (0..6).map(|_| world.post(PAGE, |_, _| {})).collect();
    let worker = world.worker();
    let began = world.clock.now();
    for _ in 0..30 {
        let round = world.tick(&worker);
        let wake = round.wake.unwrap();
        if wake.duration_since(began) > SignedDuration::from_hours(1) {
            break;
        }
        world.clock.advance_to(wake);
    }
    let live =
        |world: &World| ids.iter().filter(|id| world.state(**id) == State::Published).count();
    assert_eq!(live(&world), 4, "20 % of 5 is kept for urgent posts");
    let urgent = world.post(PAGE, |_, d| d.priority = Priority::Urgent);
    world.clock.advance(SignedDuration::from_mins(1));
    world.tick(&worker);
    assert_eq!(world.state(urgent), State::Published);
    world.rounds(&worker, 20);
    assert_eq!(live(&world), 6, "the next day has its own budget");
    let mut times: Vec<_> = ids.iter().map(|id| world.delivery(*id).receipt.unwrap().at).collect();
    times.sort();
    assert!(
        times.windows(2).all(|two| two[1].duration_since(two[0]) >= SignedDuration::from_secs(60))
    );
}

#[test]
fn a_restart_gives_no_fresh_burst() {
    let mut world = World::with(15, Options::default(), |c| {
        c.pace.account = gap(600_000, 2);
    });
    let ids: Vec<_> = (0..4).map(|_| world.post(PAGE, |_, _| {})).collect();
    for _ in 0..4 {
        let worker = world.worker();
        world.tick(&worker);
        world.tick(&worker);
    }
    let live = ids.iter().filter(|id| world.state(**id) == State::Published).count();
    assert_eq!(live, 2);
}

#[test]
fn accounts_are_served_in_turn_and_urgent_first() {
    let mut world = World::new(16, Options::default());
    let normal: Vec<_> = (0..3).map(|_| world.post(PAGE, |_, _| {})).collect();
    let urgent = world.post(PAGE, |_, d| d.priority = Priority::Urgent);
    let other = world.post("memory:tinh", |_, _| {});
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!((world.state(urgent), world.state(other)), (State::Published, State::Published));
    assert!(normal.iter().all(|id| world.state(*id) == State::Ready));
    world.rounds(&worker, 10);
    assert!(normal.iter().all(|id| world.state(*id) == State::Published));
}

#[test]
fn kill_switch_and_pause_stop_everything_and_lift_again() {
    for scope in ["all", "agency/demo", "channel/memory", ""] {
        let mut world = World::new(17, Options::default());
        let id = world.post(PAGE, |_, _| {});
        let desk = world.desk();
        let worker = world.worker();
        let page = PAGE.parse().unwrap();
        if scope.is_empty() {
            support::ready(desk.pause_account(&page, person(3), "bảo trì".into())).unwrap();
        } else {
            support::ready(desk.kill_switch(scope, true, person(3), "sự cố".into())).unwrap();
        }
        world.rounds(&worker, 5);
        assert_eq!(world.platform.effects(), 0, "{scope:?}");
        if scope.is_empty() {
            support::ready(desk.resume_account(&page, person(3))).unwrap();
        } else {
            support::ready(desk.kill_switch(scope, false, person(3), "xong".into())).unwrap();
        }
        world.rounds(&worker, 5);
        assert_eq!((world.state(id), world.creates(id)), (State::Published, 1), "{scope:?}");
    }
}

/// A round reads so many records of one state, and all switches there are: those that were lifted stay in front of the others.
#[test]
fn a_kill_switch_behind_many_that_were_lifted_is_heard() {
    let mut world = World::new(21, Options::default());
    world.config.batch = 2;
    let id = world.post(PAGE, |_, _| {});
    let desk = world.desk();
    let worker = world.worker();
    let switch =
        |scope, on| support::ready(desk.kill_switch(scope, on, person(3), "sự cố".into())).unwrap();
    for lifted in ["agency/demo", "all"] {
        switch(lifted, true);
        switch(lifted, false);
    }
    switch("channel/memory", true);
    assert_eq!(support::ready(desk.stops("demo")).unwrap()[0].scope, "channel/memory");
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.platform.effects()), (State::Ready, 0));
    switch("channel/memory", false);
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn a_pause_stops_a_chain_between_its_steps_too() {
    let page = PAGE.parse().unwrap();
    // Between two steps of one walk, and while the platform is processing.
    for (chain, freezes) in [(Chain::HiddenThenPublic, true), (Chain::Processed, false)] {
        let mut world = World::new(19, options(chain, ReadBack::ByMarker));
        let id = world.post(PAGE, |_, _| {});
        let worker = world.worker();
        let mut round = std::pin::pin!(worker.tick());
        if freezes {
            world.fuse().set_at("after send");
        }
        let froze = matches!(world.drive_pinned(&mut round), Drove::Blown);
        assert_eq!(froze, freezes, "{chain:?}");
        let desk = world.desk();
        support::ready(desk.pause_account(&page, person(3), "bảo trì".into())).unwrap();
        if freezes {
            world.fuse().thaw();
            assert!(matches!(world.drive_pinned(&mut round), Drove::Done(Ok(_))));
        }
        world.rounds(&worker, 10);
        assert_eq!((world.state(id), world.creates(id)), (State::Ready, 0), "{chain:?}");
        support::ready(desk.resume_account(&page, person(3))).unwrap();
        world.rounds(&worker, 10);
        let d = world.delivery(id);
        assert_eq!((d.state, d.attempt, world.creates(id)), (State::Published, 1, 1), "{chain:?}");
    }
}

#[test]
fn a_kill_switch_thrown_while_a_request_is_prepared_shuts_its_gate() {
    let mut world = World::new(20, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    let mut round = std::pin::pin!(worker.tick());
    world.fuse().set_at("before send");
    assert!(matches!(world.drive_pinned(&mut round), Drove::Blown));
    assert_eq!(world.state(id), State::Intent);
    let switch =
        |on| support::ready(world.desk().kill_switch("all", on, person(3), "sự cố".into()));
    switch(true).unwrap();
    // The request still waits for its connection when the switch is heard.
    assert!(matches!(world.drive_pinned(&mut round), Drove::Blown));
    world.fuse().thaw();
    assert!(matches!(world.drive_pinned(&mut round), Drove::Done(Ok(_))));
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.platform.effects()), (State::Ready, 0));
    switch(false).unwrap();
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));
}

#[test]
fn two_found_is_published_with_the_earliest_and_an_incident() {
    let mut world = World::new(18, Options::default());
    world.breaks = vec![Breach::DuplicateOpen];
    let first = world.post(PAGE, |_, _| {});
    let twin = world.post(PAGE, |p, d| {
        // Somebody posted the same marker by another way: two live posts of one code.
        p.content.link.code = "k1".into();
        d.marker = "k1".into();
    });
    world.platform.arm(Fault::DropAfterCommit);
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.rounds(&worker, 20);
    let one = world.delivery(first);
    assert_eq!((one.state, world.state(twin)), (State::Published, State::Published));
    let duplicate =
        world.incidents().into_iter().find(|i| i.kind == IncidentKind::Duplicate).unwrap();
    assert_eq!(duplicate.remote_ids.len(), 2);
    assert_eq!(one.receipt.unwrap().remote_id, duplicate.remote_ids[0]);
    assert_ne!(duplicate.kind.say("vi"), duplicate.kind.say("en"));
}
