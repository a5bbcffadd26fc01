//! After the post: cancels that race with sending, retractions, corrections.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test may")]

mod support;

use jiff::SignedDuration;
use loa_channel::memory::{Chain, Fault, Options};
use loa_delivery::{Breach, DeskError, IncidentKind, NotNow};
use loa_model::{
    Account, AccountStatus, Clock as _, DeliveryId, DeliveryState as State, PostAddress, Receipt,
    Why, capability::ReadBack,
};
use loa_store::{Changes, Expect, Store as _};
use support::{Drove, World, person};

const PAGE: &str = "memory:cong-tin";

fn cancel(world: &World, id: loa_model::DeliveryId) -> State {
    support::ready(world.desk().cancel(id, person(3), "ảnh sai".into())).unwrap().state
}

#[test]
fn a_cancel_before_sending_sends_nothing() {
    let mut world = World::new(1, Options::default());
    let id = world.post(PAGE, |_, _| {});
    assert_eq!(cancel(&world, id), State::Cancelled);
    let worker = world.worker();
    world.rounds(&worker, 5);
    assert_eq!(world.platform.effects(), 0);
}

/// The cancel comes at every await of the chain in turn: the end is "nothing live", never a lost wish.
#[test]
fn a_cancel_at_any_await_ends_with_nothing_live() {
    for (chain, fault) in [
        (Chain::Public, None),
        (Chain::HiddenThenPublic, None),
        (Chain::Processed, None),
        (Chain::Public, Some(Fault::DropAfterCommit)),
        (Chain::Public, Some(Fault::DropBeforeCommit)),
        (Chain::Public, Some(Fault::Unreachable)),
    ] {
        for at in 1..100 {
            let mut world = World::new(at, Options { chain, read_back: ReadBack::ByMarker });
            let id = world.post(PAGE, |_, _| {});
            if let Some(fault) = fault {
                world.platform.arm(fault);
            }
            let worker = world.worker();
            world.fuse().set(at);
            let mut tick = std::pin::pin!(worker.tick());
            if !matches!(world.drive_pinned(&mut tick), Drove::Blown) {
                assert!(at > 10, "only {at} awaits were tried for {chain:?}");
                break;
            }
            world.fuse().thaw();
            let story = format!("{chain:?} {fault:?} cancelled at await {at}");
            let was = world.state(id);
            if was == State::Published {
                continue;
            }
            let now_is = cancel(&world, id);
            drop(world.drive_pinned(&mut tick));
            world.rounds(&worker, 30);
            let d = world.delivery(id);
            assert!(
                matches!(d.state, State::Cancelled | State::Retracted),
                "{story}: {was:?} {now_is:?} {d:#?}"
            );
            assert_eq!(world.live(id), 0, "{story}");
            assert!(world.creates(id) <= 1, "{story}");
        }
    }
}

#[test]
fn a_cancel_while_making_public_is_in_doubt_ends_with_nothing_live_or_tells_a_person() {
    for lose_answer in [Fault::DropAfterCommit, Fault::DropBeforeCommit] {
        for at in 1..60 {
            let options = Options { chain: Chain::HiddenThenPublic, read_back: ReadBack::ByMarker };
            let mut world = World::new(at, options);
            let id = world.post(PAGE, |_, _| {});
            world.platform.arm_after(1, lose_answer);
            let worker = world.worker();
            world.fuse().set(at);
            let mut tick = std::pin::pin!(worker.tick());
            let blown = matches!(world.drive_pinned(&mut tick), Drove::Blown);
            world.fuse().thaw();
            cancel(&world, id);
            if blown {
                let _ended = world.drive_pinned(&mut tick);
            }
            world.rounds(&worker, 30);
            let told = world.incidents().iter().any(|i| i.kind == IncidentKind::MayBeLive);
            let story = format!("{lose_answer:?} cancelled at await {at}");
            assert!(world.live(id) == 0 || told, "{story}: {:#?}", world.delivery(id));
            if !blown {
                assert!(at > 12 && told, "{story}");
                break;
            }
        }
    }
}

#[test]
fn where_posts_cannot_be_taken_back_a_person_is_told() {
    let mut world = World::with(2, Options::default(), |c| c.delete = false);
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(cancel(&world, id), State::Uncertain);
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.live(id)), (State::Published, 1));
    let told = world.incidents();
    assert!(
        told.iter().any(|i| i.kind == IncidentKind::CannotRetract && !i.remote_ids.is_empty()),
        "{told:?}"
    );

    support::ready(world.desk().retract(id, person(3), "sai số liệu".into())).unwrap();
    world.rounds(&worker, 10);
    assert_eq!(world.state(id), State::Published, "refused, with the reason kept");
    assert!(world.delivery(id).reason.contains("not offer it"));
    let open = support::ready(world.desk().open_incidents("demo", 10)).unwrap();
    assert_eq!(open.len(), 2);
    support::ready(world.desk().close_incident(&open[0].record.id, person(3))).unwrap();
    assert_eq!(support::ready(world.desk().open_incidents("demo", 10)).unwrap().len(), 1);
}

/// The look found a retraction to do; before it is sent, somebody pauses the account.
#[test]
fn a_pause_holds_a_retraction_that_was_already_found() {
    let page = PAGE.parse().unwrap();
    let mut world = World::new(3, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.rounds(&worker, 5);
    let desk = world.desk();
    support::ready(desk.retract(id, person(3), "thu hồi".into())).unwrap();
    let mut round = std::pin::pin!(worker.tick());
    world.fuse().set_at("before lease");
    assert!(matches!(world.drive_pinned(&mut round), Drove::Blown));
    support::ready(desk.pause_account(&page, person(3), "bảo trì".into())).unwrap();
    world.fuse().thaw();
    assert!(matches!(world.drive_pinned(&mut round), Drove::Done(Ok(_))));
    assert_eq!((world.state(id), world.live(id)), (State::Retracting, 1));
    support::ready(desk.resume_account(&page, person(3))).unwrap();
    world.rounds(&worker, 5);
    assert_eq!((world.state(id), world.live(id)), (State::Retracted, 0));
}

/// A chain that kept the account is called off while a retraction is on its way: the next look sees no reason to keep the
/// account, and must not hand it to another worker yet.
#[test]
fn a_look_gives_no_account_back_that_is_being_served() {
    let mut world = World::new(3, Options { chain: Chain::Processed, ..Options::default() });
    let first = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.rounds(&worker, 50);
    assert_eq!(world.state(first), State::Published);
    let waits = world.post(PAGE, |_, _| {});
    world.tick(&worker);
    assert_eq!(world.state(waits), State::Leased);
    let desk = world.desk();
    support::ready(desk.retract(first, person(3), "thu hồi".into())).unwrap();
    let mut round = std::pin::pin!(worker.tick());
    world.fuse().set_at("before retract");
    assert!(matches!(world.drive_pinned(&mut round), Drove::Blown));
    assert_eq!(cancel(&world, waits), State::Cancelled);
    world.fuse().thaw();
    world.tick(&worker);
    let other = world.store.inner.lease_account(PAGE, "cham#1", std::time::Duration::from_secs(30));
    assert_eq!(support::ready(other).unwrap(), None);
    assert!(matches!(world.drive_pinned(&mut round), Drove::Done(Ok(_))));
    assert_eq!((world.state(first), world.live(first)), (State::Retracted, 0));
}

#[test]
fn a_retraction_is_tried_until_it_is_gone_also_over_a_crash() {
    for fault in [
        None,
        Some(Fault::DropAfterCommit),
        Some(Fault::DropBeforeCommit),
        Some(Fault::Unreachable),
    ] {
        let mut world = World::new(3, Options::default());
        let id = world.post(PAGE, |_, _| {});
        let worker = world.worker();
        world.rounds(&worker, 5);
        support::ready(world.desk().retract(id, person(3), "thu hồi".into())).unwrap();
        if let Some(fault) = fault {
            world.platform.arm(fault);
        }
        world.fuse().set(3);
        assert!(matches!(world.drive(worker.tick()), Drove::Blown));
        world.fuse().set(0);
        let worker = world.worker();
        world.clock.advance(jiff::SignedDuration::from_secs(31));
        world.rounds(&worker, 20);
        assert_eq!((world.state(id), world.live(id)), (State::Retracted, 0), "{fault:?}");
    }
}

#[test]
fn a_correction_reaches_the_live_post_only_when_it_is_approved() {
    let mut world = World::new(4, Options::default());
    let id = world.post(PAGE, |_, _| {});
    let worker = world.worker();
    world.rounds(&worker, 5);
    let desk = world.desk();
    // The corrected posts are records only: their own deliveries never run.
    world.breaks = vec![Breach::MadeUnsigned, Breach::Unsigned, Breach::ChangedSinceSigned];
    let far = world.clock.now() + jiff::SignedDuration::from_hours(30);
    let unsigned = world.post(PAGE, |p, d| {
        p.content.text = "Đã đính chính: gần 3 triệu đồng".into();
        d.due_at = far;
    });
    let unsigned = world.delivery(unsigned).post;
    let refused = support::ready(desk.correct(id, person(3), unsigned, "sai số".into()));
    assert!(matches!(refused, Err(DeskError::NotNow(_))), "{refused:?}");
    let signed = world.post(PAGE, |p, d| {
        p.content.text = "Đã đính chính: gần 3 triệu đồng".into();
        d.due_at = far;
        let digest = p.digest();
        p.approval.as_mut().unwrap().digest = digest;
    });
    let signed = world.delivery(signed).post;
    support::ready(desk.correct(id, person(3), signed, "sai số".into())).unwrap();
    world.platform.arm(Fault::DropBeforeCommit);
    assert_eq!(world.state(id), State::Correcting);
    while world.state(id) == State::Correcting {
        let wake = world.tick(&worker).wake.expect("the correction is not done");
        world.clock.advance_to(wake);
    }
    assert_eq!(world.state(id), State::Published);
    let live = world.platform.live(&world.delivery(id).marker);
    assert_eq!((live.len(), live[0].content.text.as_str()), (1, "Đã đính chính: gần 3 triệu đồng"));
}

fn seen(url: &str) -> Receipt {
    let at = support::start();
    Receipt { remote_id: String::new(), url: url.to_owned(), raw: serde_json::Value::Null, at }
}

/// A person saw it live and nobody knows its id: an empty one in a request may name something else.
#[test]
fn a_post_without_an_id_is_never_asked_for_and_a_person_takes_it_back() {
    let mut world = World::new(6, Options { chain: Chain::Public, read_back: ReadBack::None });
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.rounds(&worker, 10);
    support::ready(world.desk().confirm_live(id, person(3), seen(""))).unwrap();
    let asked = world.platform.effects();
    let corrected =
        support::ready(world.desk().correct(id, person(3), world.delivery(id).post, "sai".into()));
    assert!(matches!(corrected, Err(DeskError::NotNow(NotNow::NoId))), "{corrected:?}");
    support::ready(world.desk().retract(id, person(3), "sai".into())).unwrap();
    world.rounds(&worker, 10);
    assert_eq!(world.platform.effects(), asked, "no request was made");
    assert_eq!((world.state(id), world.live(id)), (State::Published, 1));
    assert_eq!(world.delivery(id).reason, Why::NoId.sentence());
    assert!(world.incidents().iter().any(|i| i.kind == IncidentKind::CannotRetract));
}

/// The address tells the id by the channel's rule: then the machine takes the post back itself.
#[test]
fn the_id_is_taken_out_of_the_address_a_person_gives() {
    let address = || PostAddress {
        hosts: vec!["site.example".into()],
        at: "/posts/{id}".into(),
        id: "{id}".into(),
    };
    let mut world =
        World::with(6, Options { chain: Chain::Public, read_back: ReadBack::None }, |c| {
            c.addresses = vec![address()];
        });
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.rounds(&worker, 10);
    let d = world.delivery(id);
    let shown = world.platform.live(&d.marker)[0].remote_id.clone();
    let url = format!("https://site.example/posts/{shown}");
    let now = support::ready(world.desk().confirm_live(id, person(3), seen(&url))).unwrap();
    assert_eq!(now.receipt.unwrap().remote_id, shown);
    support::ready(world.desk().retract(id, person(3), "sai".into())).unwrap();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.live(id)), (State::Retracted, 0));
}

/// A readable platform with a post whose answer was lost, and the worker that sent it.
fn in_doubt() -> (World, DeliveryId, loa_delivery::Worker) {
    let mut world = World::new(6, Options { chain: Chain::Public, read_back: ReadBack::ByMarker });
    let id = world.post(PAGE, |_, _| {});
    world.platform.arm(Fault::DropAfterCommit);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain);
    (world, id, worker)
}

/// Whoever saw it does not end the search: the receipt is found, and the machine can take the post back itself.
#[test]
fn a_post_that_a_person_saw_is_searched_for_on() {
    let (world, id, worker) = in_doubt();
    let d = support::ready(world.desk().confirm_live(id, person(3), seen(""))).unwrap();
    assert_eq!((d.state, d.seen_live.is_some()), (State::Uncertain, true));
    world.rounds(&worker, 10);
    let d = world.delivery(id);
    assert_eq!((d.state, d.has_remote_id(), d.seen_live), (State::Published, true, None));
    assert_eq!((world.creates(id), world.measures()), (1, 1));
    support::ready(world.desk().retract(id, person(3), "sai".into())).unwrap();
    world.rounds(&worker, 10);
    assert_eq!((world.state(id), world.live(id)), (State::Retracted, 0));
}

/// The platform lists it never: the person's word stands, and nothing is sent a second time.
#[test]
fn a_persons_word_stands_when_the_search_ends() {
    for wish in [false, true] {
        let (world, id, worker) = in_doubt();
        world.platform.lag(100);
        let desk = world.desk();
        support::ready(desk.confirm_live(id, person(3), seen(""))).unwrap();
        if wish {
            support::ready(desk.cancel(id, person(3), "thôi".into())).unwrap();
        }
        world.rounds(&worker, 30);
        let d = world.delivery(id);
        assert_eq!((d.state, d.has_remote_id()), (State::Published, false), "{d:#?}");
        assert_eq!((world.creates(id), world.measures()), (1, 1));
        let asks = world.incidents().iter().any(|i| i.kind == IncidentKind::CannotRetract);
        assert_eq!(asks, wish, "only a person can take it down now");
        assert_eq!(world.broken(), []);
    }
}

/// Nobody hears from the platform for a day: the word stands too. Whoever finds that it is not there after all has it sent again.
#[test]
fn a_search_that_hears_nothing_ends_after_a_day() {
    let (world, id, worker) = in_doubt();
    support::ready(world.desk().confirm_live(id, person(3), seen(""))).unwrap();
    let dead = AccountStatus::NeedsReauth {
        reason: "token expired".into(),
        since: world.clock.now(),
        first: false,
    };
    let account = Account { status: dead, ..world.account(PAGE) };
    world.commit(Changes::by(support::operator(), "token expired").put(&account, Expect::Any));
    world.clock.advance(SignedDuration::from_hours(23));
    world.tick(&worker);
    assert_eq!(world.state(id), State::Uncertain);
    world.clock.advance(SignedDuration::from_hours(2));
    world.tick(&worker);
    assert_eq!((world.state(id), world.creates(id)), (State::Published, 1));

    let (world, id, _worker) = in_doubt();
    world.clock.advance(SignedDuration::from_mins(2));
    let desk = world.desk();
    support::ready(desk.confirm_live(id, person(3), seen(""))).unwrap();
    let d = support::ready(desk.confirm_absent(id, person(3), "nhầm bài khác".into())).unwrap();
    assert_eq!((d.state, d.seen_live), (State::Ready, None));
}

/// One post has one address: whoever gives it for a second one is told whose it is.
#[test]
fn one_address_is_given_for_one_post() {
    let mut world = World::new(6, Options { chain: Chain::Public, read_back: ReadBack::None });
    let ids = [world.post(PAGE, |_, _| {}), world.post(PAGE, |_, _| {})];
    let worker = world.worker();
    for _ in ids {
        world.platform.arm(Fault::DropAfterCommit);
    }
    world.rounds(&worker, 20);
    let desk = world.desk();
    let url = "https://site.example/posts/7";
    support::ready(desk.confirm_live(ids[0], person(3), seen(url))).unwrap();
    let second = support::ready(desk.confirm_live(ids[1], person(3), seen(url)));
    let first = world.delivery(ids[0]).post;
    assert!(
        matches!(&second, Err(DeskError::NotNow(NotNow::Taken(post))) if *post == first),
        "{second:?}"
    );
    assert_eq!(world.state(ids[1]), State::Uncertain);
    support::ready(desk.confirm_live(ids[1], person(3), seen("https://site.example/posts/8")))
        .unwrap();
    assert_eq!(world.state(ids[1]), State::Published);
}
