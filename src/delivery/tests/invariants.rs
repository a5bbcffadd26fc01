//! Each invariant of delivery, broken by hand after a true story: `check` names it, and nothing else. I6 and I7 are the
//! store's: `src/store/tests/sled/verifying.rs`.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use jiff::{SignedDuration, ToSpan};
use loa_channel::memory::Options;
use loa_delivery::{Breach, Incident, IncidentKind, KillSwitch, Pace, pace::Spent};
use loa_model::{
    AccountStatus, Actor, Clock as _, Delivery, DeliveryEvent as Event, DeliveryId,
    DeliveryState as State, Intent, Post, PostState, Record as _,
    capability::QuotaScope,
    delivery::{Effect, Lease},
};
use loa_store::{Change, Changes, Expect, Store as _, StoreExt as _};
use support::{World, operator, pace::texts_a_day, person, ready, receipt};

const PAGE: &str = "memory:cong-tin";

fn worker() -> Actor {
    Actor::Worker("tram#1".into())
}

/// A world in which one post went out and another waits for its time.
fn world() -> (World, DeliveryId, DeliveryId) {
    let mut world = World::with(7, Options::default(), |capability| {
        capability.pace.quotas = vec![texts_a_day(QuotaScope::Account, 5, "UTC")];
    });
    let live = world.post(PAGE, |_, _| {});
    let tomorrow = world.clock.now() + 24.hours();
    let waiting = world.post(PAGE, |_, d| d.due_at = tomorrow);
    let worker = world.worker();
    world.tick(&worker);
    assert_eq!((world.state(live), world.state(waiting)), (State::Published, State::Scheduled));
    assert_eq!(world.broken(), vec![]);
    (world, live, waiting)
}

/// Writes a delivery as it must not be.
fn forge(world: &World, by: Actor, id: DeliveryId, change: impl FnOnce(&mut Delivery)) {
    let mut forged = world.delivery(id);
    change(&mut forged);
    world.commit(Changes::by(by, "forge").put(&forged, Expect::Any));
}

/// Walks a delivery by its own machine.
fn walk(world: &World, by: &Actor, id: DeliveryId, event: Event) {
    let next = world.delivery(id).apply(event, world.clock.now()).unwrap();
    world.commit(Changes::by(by.clone(), "walk").put(&next, Expect::Any));
}

/// What is broken now is this and nothing else. The world may end like this.
fn only(world: &mut World, breaches: impl Into<Vec<Breach>>) {
    world.breaks = breaches.into();
    world.breaks.sort_unstable();
    let broken = world.broken();
    let mut kinds: Vec<_> = broken.iter().map(|one| one.breach).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds, world.breaks, "{broken:#?}");
    for one in &broken {
        let said = one.to_string();
        assert!(said.starts_with(&format!("{:?} ", one.breach.invariant())), "{said}");
        assert!(said.contains(one.breach.say("vi")) && said.contains(one.breach.say("en")));
    }
}

fn leased(world: &World, id: DeliveryId, owner: &str) {
    walk(world, &worker(), id, Event::Due);
    claimed(world, id, owner);
}

fn claimed(world: &World, id: DeliveryId, owner: &str) {
    let fence = world.delivery(id).fence + 1;
    let until = world.clock.now() + 1.hours();
    let by = Actor::Worker(owner.into());
    walk(world, &by, id, Event::Claim { owner: owner.into(), fence, until });
}

fn intent(world: &World, d: &Delivery) -> Intent {
    let at = world.clock.now();
    Intent {
        step: "start".into(),
        effect: Effect::Public,
        digest: d.digest,
        fence: d.fence,
        at,
        send_deadline: at + 20.seconds(),
    }
}

/// The waiting one is due, taken and about to be sent.
fn sending(world: &World, id: DeliveryId) {
    world.clock.advance_to(world.delivery(id).due_at);
    leased(world, id, "tram#1");
    intend(world, id);
}

fn intend(world: &World, id: DeliveryId) {
    let at = world.clock.now();
    reserve(world, |posts| posts.extend([(id, Spent { units: 1, used: 0, at })]));
    let intent = intent(world, &world.delivery(id));
    walk(world, &worker(), id, Event::Intend(intent));
}

fn unclear(world: &World, id: DeliveryId) {
    sending(world, id);
    let quarantine_until = world.clock.now() + 10.minutes();
    walk(world, &worker(), id, Event::Unclear { quarantine_until, reason: "mất kết nối".into() });
}

#[test]
fn i1_a_receipt_that_becomes_another() {
    let (mut world, live, _) = world();
    forge(&world, worker(), live, |d| d.receipt = Some(receipt("bài khác")));
    only(&mut world, [Breach::OtherReceipt]);
}

#[test]
fn i1_two_deliveries_of_one_post_that_are_live() {
    let (mut world, live, _) = world();
    let twin = Delivery { id: DeliveryId(uuid::Uuid::from_u128(99)), ..world.delivery(live) };
    world.commit(Changes::by(operator(), "forge").insert(&twin));
    only(&mut world, [Breach::TwoLive]);
}

#[test]
fn i1_a_duplicate_that_nobody_dealt_with() {
    let (mut world, live, _) = world();
    let mut incident = Incident {
        id: "1".into(),
        agency: "demo".into(),
        kind: IncidentKind::Duplicate,
        account: Some(PAGE.parse().unwrap()),
        delivery: Some(live),
        job: None,
        remote_ids: vec!["a".into(), "b".into()],
        detail: String::new(),
        at: world.clock.now(),
        closed: None,
    };
    world.commit(Changes::by(operator(), "report").insert(&incident));
    only(&mut world, [Breach::DuplicateOpen]);
    incident.closed = Some((Some(person(3)), world.clock.now()));
    world.commit(Changes::by(operator(), "close").put(&incident, Expect::Any));
    world.breaks = vec![];
    assert_eq!(world.broken(), vec![]);
}

#[test]
fn i2_published_without_a_receipt() {
    let (mut world, live, _) = world();
    forge(&world, operator(), live, |d| d.receipt = None);
    only(&mut world, [Breach::NoReceipt]);
}

#[test]
fn i2_a_receipt_that_nobody_stands_for() {
    let (mut world, live, _) = world();
    forge(&world, operator(), live, |d| d.receipt = Some(receipt("")));
    only(&mut world, [Breach::EmptyReceipt]);
}

#[test]
fn i3_sent_without_an_intent_or_with_another_one() {
    type Spoil = fn(&mut Delivery);
    let spoils: [(Spoil, Breach); 3] = [
        (|d| d.intent = None, Breach::NoIntent),
        (|d| d.intent.as_mut().unwrap().digest = loa_model::Digest::of(b"x"), Breach::OtherIntent),
        (|d| d.intent.as_mut().unwrap().effect = Effect::Read, Breach::ReadIntent),
    ];
    for (spoil, breach) in spoils {
        let (mut world, _, waiting) = world();
        sending(&world, waiting);
        assert_eq!(world.broken(), vec![]);
        forge(&world, worker(), waiting, spoil);
        only(&mut world, [breach]);
    }
}

#[test]
fn i3_a_delivery_of_what_nobody_signed() {
    let (mut world, live, _) = world();
    let stranger = Delivery {
        id: DeliveryId(uuid::Uuid::from_u128(99)),
        state: State::Scheduled,
        digest: loa_model::Digest::of(b"x"),
        receipt: None,
        attempt: 0,
        ..world.delivery(live)
    };
    world.commit(Changes::by(operator(), "forge").insert(&stranger));
    // Nor is its post what it was made for.
    only(&mut world, [Breach::MadeUnsigned, Breach::Unsigned, Breach::ChangedSinceSigned]);
}

#[test]
fn i3_a_post_changed_after_it_was_signed() {
    let (mut world, live, _) = world();
    let post = world.delivery(live).post.to_string();
    let kept = ready(world.store.inner.get(Post::TABLE, &post)).unwrap().unwrap();
    let mut post: Post = kept.read().unwrap().record;
    post.content.text.push_str(" thêm một câu");
    world.commit(Changes::by(operator(), "forge").put(&post, Expect::Any));
    only(&mut world, [Breach::ChangedSinceSigned]);
}

#[test]
fn i3_live_and_never_sent() {
    let (mut world, _, waiting) = world();
    forge(&world, operator(), waiting, |d| {
        d.state = State::Published;
        d.receipt = Some(receipt("từ đâu"));
    });
    only(&mut world, [Breach::NeverSent]);
}

#[test]
fn i4_a_fence_that_falls() {
    let (mut world, live, _) = world();
    forge(&world, operator(), live, |d| d.fence -= 1);
    only(&mut world, [Breach::FenceFell]);
}

#[test]
fn i4_moved_by_a_worker_that_does_not_hold_it() {
    let (mut world, _, waiting) = world();
    sending(&world, waiting);
    let stranger = Actor::Worker("kẻ lạ#1".into());
    let until = world.clock.now() + 1.hours();
    walk(&world, &stranger, waiting, Event::Snooze { until, reason: String::new() });
    only(&mut world, [Breach::NotTheHolder]);
}

#[test]
fn i4_taking_away_with_a_higher_fence_is_right_and_so_is_a_person() {
    let (world, _, waiting) = world();
    sending(&world, waiting);
    let quarantine_until = world.clock.now() + 10.minutes();
    let other = Actor::Worker("tram khác#1".into());
    walk(&world, &other, waiting, Event::LeaseLost { quarantine_until });
    let person = Actor::User(person(3));
    walk(&world, &person, waiting, Event::Cancel { reason: "thôi".into() });
    assert_eq!(world.broken(), vec![]);
}

#[test]
fn i4_sent_under_another_fence_than_that_of_its_lease() {
    let (mut world, _, waiting) = world();
    sending(&world, waiting);
    forge(&world, worker(), waiting, |d| {
        let lease = d.lease.as_mut().unwrap();
        *lease = Lease { fence: lease.fence + 1, ..lease.clone() };
    });
    only(&mut world, [Breach::OtherFence]);
}

#[test]
fn i5_attempts_that_shrink_or_rise_by_themselves_or_too_far() {
    let (mut world, live, _) = world();
    forge(&world, operator(), live, |d| d.attempt = 4);
    only(&mut world, [Breach::AttemptsRose]);
    forge(&world, operator(), live, |d| d.attempt = 1);
    only(&mut world, [Breach::AttemptsRose, Breach::AttemptsFell]);
    forge(&world, operator(), live, |d| d.attempt = 6);
    only(&mut world, [Breach::AttemptsRose, Breach::AttemptsFell, Breach::TooManyAttempts]);
}

#[test]
fn i5_a_snooze_that_costs_an_attempt() {
    let (mut world, _, waiting) = world();
    sending(&world, waiting);
    let until = world.clock.now() + 1.hours();
    walk(&world, &worker(), waiting, Event::Snooze { until, reason: String::new() });
    assert_eq!(world.broken(), vec![]);
    forge(&world, worker(), waiting, |d| d.attempt += 1);
    only(&mut world, [Breach::AttemptsRose]);
}

#[test]
fn i8_ready_past_its_window_while_a_thousand_others_are_taken() {
    let (mut world, _, waiting) = world();
    let other = world.post("memory:tinh", |_, _| {});
    walk(&world, &worker(), other, Event::Due);
    world.clock.advance_to(world.delivery(waiting).due_at);
    walk(&world, &worker(), waiting, Event::Due);
    world.clock.advance_to(world.delivery(waiting).not_after + SignedDuration::from_secs(1));
    let taken = world.delivery(other);
    let mut now = Delivery { not_after: world.clock.now() + 48.hours(), ..taken };
    let mut take = |world: &World| {
        let (at, fence) = (world.clock.now(), now.fence + 1);
        let until = at + 1.hours();
        for event in [
            Event::Claim { owner: "tram#1".into(), fence, until },
            Event::Snooze { until: at, reason: String::new() },
        ] {
            now = now.apply(event, at).unwrap();
            world.commit(Changes::by(worker(), "walk").put(&now, Expect::Any));
        }
    };
    for _ in 0..=1002 {
        take(&world);
    }
    assert_eq!(world.broken(), vec![], "so many may go first");
    take(&world);
    only(&mut world, [Breach::Starved]);
    // It waited too long all the same.
    walk(&world, &worker(), waiting, Event::Expire);
    only(&mut world, [Breach::Starved]);
}

/// Changes what is reserved for texts on the account.
fn reserve(world: &World, change: impl FnOnce(&mut std::collections::BTreeMap<DeliveryId, Spent>)) {
    let kept = ready(world.store.inner.read::<Pace>(PAGE)).unwrap();
    let mut pace = kept.map_or_else(|| Pace::new(PAGE), |kept| kept.record);
    change(&mut pace.spending.entry("texts".into()).or_default().posts);
    world.commit(Changes::by(worker(), "reserve").put(&pace, Expect::Any));
}

#[test]
fn i9_more_reserved_than_there_is() {
    let (mut world, live, _) = world();
    let spent = Spent { units: 1, used: 0, at: world.clock.now() };
    let others = |n: u128| (DeliveryId(uuid::Uuid::from_u128(100 + n)), spent);
    reserve(&world, |posts| posts.extend((0..4).map(others)));
    assert_eq!(world.broken(), vec![], "five a day are five");
    // What a call took beyond its share is known afterwards: nobody could have held it back.
    reserve(&world, |posts| posts.get_mut(&live).unwrap().used = 3);
    assert_eq!(world.broken(), vec![]);
    reserve(&world, |posts| posts.extend((4..5).map(others)));
    only(&mut world, [Breach::OverSpent]);
    reserve(&world, |posts| posts.values_mut().for_each(|s| s.at -= 24.hours()));
    world.breaks = vec![];
    reserve(&world, |posts| posts.extend([(live, spent)]));
    assert_eq!(world.broken(), vec![], "those of yesterday are back");
}

#[test]
fn i9_begun_without_its_share() {
    let (mut world, _, waiting) = world();
    world.clock.advance_to(world.delivery(waiting).due_at);
    leased(&world, waiting, "tram#1");
    let intent = intent(&world, &world.delivery(waiting));
    walk(&world, &worker(), waiting, Event::Intend(intent));
    only(&mut world, [Breach::NotReserved]);
}

#[test]
fn i9_a_share_given_back_while_it_may_be_live() {
    let (mut world, _, waiting) = world();
    unclear(&world, waiting);
    assert_eq!(world.broken(), vec![]);
    reserve(&world, |posts| posts.retain(|id, _| *id != waiting));
    only(&mut world, [Breach::GivenBackUnclear]);
    // Refused, or long ago: it is right.
    let (world, live, waiting) = self::world();
    sending(&world, waiting);
    let until = world.clock.now() + 1.hours();
    walk(&world, &worker(), waiting, Event::Retry { until, reason: String::new(), restart: true });
    reserve(&world, |posts| posts.retain(|id, _| *id != waiting));
    world.clock.advance_to(world.clock.now() + 24.hours());
    reserve(&world, |posts| posts.retain(|id, _| *id != live));
    assert_eq!(world.broken(), vec![]);
}

#[test]
fn i10_sent_again_too_early_or_without_proof() {
    let (mut world, _, waiting) = world();
    unclear(&world, waiting);
    forge(&world, worker(), waiting, |d| d.state = State::Ready);
    only(&mut world, [Breach::NotAbsentTwice, Breach::WithinQuarantine]);
}

#[test]
fn i10_two_negative_read_backs_or_a_person_are_proof() {
    let (world, _, waiting) = world();
    unclear(&world, waiting);
    let apart = SignedDuration::from_mins(2);
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_mins(11));
        walk(&world, &worker(), waiting, Event::Absent { apart });
    }
    assert_eq!((world.state(waiting), world.broken()), (State::Ready, vec![]));
    claimed(&world, waiting, "tram#1");
    intend(&world, waiting);
    let quarantine_until = world.clock.now() + 10.minutes();
    walk(&world, &worker(), waiting, Event::Unclear { quarantine_until, reason: String::new() });
    let absent = Event::ConfirmAbsent { by: person(3), reason: "không thấy".into() };
    walk(&world, &Actor::User(person(3)), waiting, absent);
    assert_eq!((world.state(waiting), world.broken()), (State::Ready, vec![]));
}

#[test]
fn i10_unclear_without_a_quarantine() {
    let (mut world, _, waiting) = world();
    unclear(&world, waiting);
    forge(&world, worker(), waiting, |d| d.quarantine_until = None);
    only(&mut world, [Breach::NoQuarantine]);
}

#[test]
fn i11_begun_after_its_window() {
    let (mut world, _, waiting) = world();
    world.clock.advance_to(world.delivery(waiting).due_at);
    leased(&world, waiting, "tram#1");
    let at = world.clock.now();
    reserve(&world, |posts| posts.extend([(waiting, Spent { units: 1, used: 0, at })]));
    forge(&world, worker(), waiting, |d| {
        d.not_after = world.clock.now() - 1.seconds();
        d.state = State::Intent;
        d.intent = Some(intent(&world, d));
        d.attempt += 1;
    });
    only(&mut world, [Breach::AfterWindow]);
}

fn throw(world: &World, scope: &str, on: bool) {
    let (at, by) = (world.clock.now(), person(3));
    let switch = KillSwitch { scope: scope.into(), on, reason: String::new(), by, at };
    world.commit(Changes::by(operator(), "throw").put(&switch, Expect::Any));
}

fn live(world: &World, id: DeliveryId) {
    walk(world, &worker(), id, Event::Live(receipt("bài mới")));
}

#[test]
fn i11_sent_while_a_kill_switch_was_on() {
    for scope in ["all", "agency/demo", "channel/memory"] {
        let (mut world, _, waiting) = world();
        throw(&world, scope, true);
        sending(&world, waiting);
        live(&world, waiting);
        only(&mut world, [Breach::WhileStopped]);
    }
    let (world, _, waiting) = world();
    for (scope, on) in [("agency/khác", true), ("all", true), ("all", false)] {
        throw(&world, scope, on);
    }
    sending(&world, waiting);
    // Thrown after the intent: it may be on the wire.
    throw(&world, "all", true);
    live(&world, waiting);
    assert_eq!(world.broken(), vec![]);
}

#[test]
fn i11_a_stop_that_was_seen_behind_the_intent_is_kept() {
    let (world, _, waiting) = world();
    throw(&world, "all", true);
    sending(&world, waiting);
    walk(&world, &Actor::User(person(3)), waiting, Event::Cancel { reason: "thôi".into() });
    let until = world.clock.now();
    walk(&world, &worker(), waiting, Event::Snooze { until, reason: "dừng".into() });
    assert_eq!(world.broken(), vec![]);
    let (world, _, waiting) = self::world();
    throw(&world, "all", true);
    sending(&world, waiting);
    // The worker died before it asked again.
    let quarantine_until = world.clock.now() + 10.minutes();
    walk(&world, &worker(), waiting, Event::LeaseLost { quarantine_until });
    assert_eq!(world.broken(), vec![]);
}

#[test]
fn i11_sent_while_its_account_was_paused() {
    let (mut world, _, waiting) = world();
    let mut account = world.account(PAGE);
    account.status = AccountStatus::Paused {
        reason: "nghỉ".into(),
        since: world.clock.now(),
        by: Some(person(3)),
    };
    world.commit(Changes::by(operator(), "pause").put(&account, Expect::Any));
    sending(&world, waiting);
    live(&world, waiting);
    only(&mut world, [Breach::WhilePaused]);
}

#[test]
fn i11_begun_after_it_was_called_off() {
    let (mut world, _, waiting) = world();
    world.clock.advance_to(world.delivery(waiting).due_at);
    leased(&world, waiting, "tram#1");
    forge(&world, worker(), waiting, |d| d.cancel_requested = true);
    intend(&world, waiting);
    only(&mut world, [Breach::CalledOff]);
}

#[test]
fn i11_begun_of_a_post_that_was_taken_back() {
    let (mut world, _, waiting) = world();
    let post = world.delivery(waiting).post.to_string();
    let kept = ready(world.store.inner.get(Post::TABLE, &post)).unwrap().unwrap();
    let mut post: Post = kept.read().unwrap().record;
    post.state = PostState::Void;
    world.commit(Changes::by(operator(), "void").put(&post, Expect::Any));
    sending(&world, waiting);
    only(&mut world, [Breach::NotApproved]);
}

#[test]
fn i12_what_is_over_goes_on() {
    let (mut world, _, waiting) = world();
    walk(&world, &Actor::User(person(3)), waiting, Event::Cancel { reason: "thôi".into() });
    assert_eq!(world.broken(), vec![]);
    forge(&world, operator(), waiting, |d| d.state = State::Ready);
    only(&mut world, [Breach::WentOn]);
}

#[test]
fn i12_a_record_that_was_deleted() {
    let (mut world, _, waiting) = world();
    let mut changes = Changes::by(operator(), "forge");
    changes.rows.push(Change {
        table: Delivery::TABLE.into(),
        key: waiting.to_string(),
        expect: Expect::Any,
        value: None,
        index: vec![],
    });
    world.commit(changes);
    only(&mut world, [Breach::Deleted]);
}
