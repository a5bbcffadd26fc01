//! Another time for a post: every state, the window that was signed, and whoever is faster.

use jiff::Timestamp;
use loa_model::{Plan, Timetable, Timing, When, delivery::Effect, schedule::SlotTaken};

use super::*;

const ZONE: &str = "Asia/Ho_Chi_Minh";

fn to(text: &str) -> When {
    When::At { at: at(text), wall: "2026-11-16T14:00".parse().unwrap() }
}

/// The fixture approves for 03:00 to 09:00; its clock stands at 02:00.
const INSIDE: &str = "2026-11-16T07:00:00Z";
const BEFORE: &str = "2026-11-16T02:59:59Z";
const AFTER: &str = "2026-11-16T09:00:01Z";

fn moved(desk: &Desk, post: &Post, when: When) -> Result<Post> {
    now(desk.review.reschedule(&desk.author, post.id, when, ZONE, None))
}

fn locked(result: Result<Post>) -> Locked {
    match result {
        Err(ReviewError::Locked(locked)) => locked,
        other => panic!("not locked: {other:?}"),
    }
}

fn approved(desk: &Desk) -> (Post, Delivery) {
    let post = desk.submitted();
    desk.approve(&post).unwrap()
}

#[test]
fn an_unapproved_post_moves_in_every_state_it_can_have() {
    let desk = Desk::new();
    let post = desk.post();
    let digest = post.digest();
    let again = moved(&desk, &post, to(INSIDE)).unwrap();
    assert_eq!((again.scheduled_at, again.state), (at(INSIDE), PostState::Draft));
    assert_eq!(
        (again.digest(), again.zone.as_str()),
        (digest, ZONE),
        "no time is in what is signed"
    );
    now(desk.review.submit(&desk.author, post.id, &desk.capability)).unwrap();
    // The approver moves what waits for them, too, and stays no writer of it.
    let by = &desk.approver;
    let waiting = now(desk.review.reschedule(by, post.id, to(AFTER), ZONE, None)).unwrap();
    assert_eq!((waiting.state, waiting.scheduled_at), (PostState::InReview, at(AFTER)));
    assert!(!waiting.was_written_by(by.id));
    now(desk.review.return_with_reason(by, post.id, "dài quá")).unwrap();
    let soon = moved(&desk, &post, When::Soon).unwrap();
    assert_eq!((soon.scheduled_at, soon.timing), (at("2026-11-16T02:00:00Z"), Timing::Soon));
    assert_eq!(soon.reason, "dài quá");
}

#[test]
fn an_approved_post_moves_with_its_delivery_and_keeps_its_signature() {
    let desk = Desk::new();
    let (post, delivery) = approved(&desk);
    assert_eq!(delivery.due_at, post.scheduled_at);
    let again = moved(&desk, &post, to(INSIDE)).unwrap();
    let d = desk.deliveries().remove(0);
    assert_eq!((again.scheduled_at, d.due_at, d.not_before), (at(INSIDE), at(INSIDE), at(INSIDE)));
    assert_eq!((&again.approval, d.not_after), (&post.approval, delivery.not_after));
    assert_eq!((d.id, d.state, d.digest), (delivery.id, DeliveryState::Scheduled, post.digest()));
    // As soon as it may go is the start of its window, not before.
    let soon = moved(&desk, &post, When::Soon).unwrap();
    assert_eq!(
        (soon.scheduled_at, desk.deliveries()[0].due_at),
        (window().not_before, window().not_before)
    );
}

#[test]
fn outside_its_window_an_approved_post_must_be_approved_anew() {
    let desk = Desk::new();
    let (post, _) = approved(&desk);
    let (from, until) = (window().not_before, window().not_after);
    for time in [BEFORE, AFTER] {
        let refused = moved(&desk, &post, to(time)).unwrap_err();
        let ReviewError::Time(why) = refused else { panic!("{refused:?}") };
        assert_eq!(why, BadTime::Outside { from, to: until });
    }
    for time in [from, until] {
        let wall = "2026-11-16T14:00".parse().unwrap();
        assert_eq!(moved(&desk, &post, When::At { at: time, wall }).unwrap().scheduled_at, time);
    }
    let d = desk.deliveries().remove(0);
    assert_eq!(
        (d.due_at, desk.read(&post).scheduled_at),
        (until, until),
        "a refusal wrote nothing"
    );
}

#[test]
fn neither_the_past_nor_an_embargo_is_a_time() {
    let desk = Desk::new();
    let post = desk.post();
    let refused = moved(&desk, &post, to("2026-11-16T01:59:59Z")).unwrap_err();
    assert!(matches!(refused, ReviewError::Time(BadTime::Past)), "{refused:?}");
    let key = loa_model::article::article_key(desk.article.id, desk.article.revision);
    let mut article = now(desk.store.read::<Article>(&key)).unwrap().unwrap();
    let until = at("2026-11-16T05:00:00Z");
    article.record.embargo_until = Some(until);
    let changes = Changes::by(Actor::Operator("test".into()), "set embargo");
    now(desk.store.commit(changes.update(&article.record, article.version))).unwrap();
    let refused = moved(&desk, &post, to("2026-11-16T04:59:59Z")).unwrap_err();
    assert!(
        matches!(refused, ReviewError::Time(BadTime::Embargo { until: is }) if is == until),
        "{refused:?}"
    );
    assert_eq!(moved(&desk, &post, When::Soon).unwrap().scheduled_at, until);
}

fn wire(desk: &Desk) -> Vec<DeliveryEvent> {
    on_the_wire(desk.deliveries()[0].digest)
}

fn sent(desk: &Desk, event: DeliveryEvent) -> Vec<DeliveryEvent> {
    [wire(desk), vec![event]].concat()
}

/// How a delivery comes to a state.
type Story = Box<dyn Fn(&Desk) -> Vec<DeliveryEvent>>;

#[test]
fn in_every_state_of_its_delivery_a_post_moves_or_says_why_not() {
    let time = at("2026-11-16T04:31:00Z");
    let claim =
        || DeliveryEvent::Claim { owner: "w".into(), fence: 1, until: at("2026-11-16T05:00:00Z") };
    let reason = || "r".to_owned();
    let stories: Vec<(DeliveryState, Option<Locked>, Story)> = vec![
        (DeliveryState::Scheduled, None, Box::new(|_| vec![])),
        (DeliveryState::Ready, None, Box::new(|_| vec![DeliveryEvent::Due])),
        (
            DeliveryState::Leased,
            Some(Locked::Sending),
            Box::new(move |_| vec![DeliveryEvent::Due, claim()]),
        ),
        (DeliveryState::Intent, Some(Locked::Sending), Box::new(wire)),
        (DeliveryState::Published, Some(Locked::Published), Box::new(move |d| sent(d, live()))),
        (
            DeliveryState::Uncertain,
            Some(Locked::Uncertain),
            Box::new(move |d| {
                sent(d, DeliveryEvent::Unclear { quarantine_until: time, reason: reason() })
            }),
        ),
        (
            DeliveryState::Rejected,
            Some(Locked::Over),
            Box::new(move |d| sent(d, DeliveryEvent::Reject { reason: reason() })),
        ),
        (
            DeliveryState::Dead,
            Some(Locked::Over),
            Box::new(move |d| sent(d, DeliveryEvent::Exhaust { reason: reason() })),
        ),
        (
            DeliveryState::Held,
            Some(Locked::Held),
            Box::new(move |_| vec![DeliveryEvent::Hold { reason: reason() }]),
        ),
        (
            DeliveryState::Cancelled,
            Some(Locked::Over),
            Box::new(move |_| vec![DeliveryEvent::Cancel { reason: reason() }]),
        ),
        (
            DeliveryState::Correcting,
            Some(Locked::Published),
            Box::new(move |d| [sent(d, live()), vec![DeliveryEvent::Correct]].concat()),
        ),
        (
            DeliveryState::Retracting,
            Some(Locked::Published),
            Box::new(move |d| {
                [sent(d, live()), vec![DeliveryEvent::Retract { reason: reason() }]].concat()
            }),
        ),
        (
            DeliveryState::Retracted,
            Some(Locked::Published),
            Box::new(move |d| {
                let done = DeliveryEvent::RetractDone { failure: String::new() };
                [sent(d, live()), vec![DeliveryEvent::Retract { reason: reason() }, done]].concat()
            }),
        ),
        (
            DeliveryState::Gone,
            Some(Locked::Published),
            Box::new(move |d| [sent(d, live()), vec![DeliveryEvent::SeenGone]].concat()),
        ),
    ];
    let mut told = vec![DeliveryState::Missed];
    for (state, why, story) in stories {
        let desk = Desk::new();
        let (post, delivery) = approved(&desk);
        let events = story(&desk);
        assert_eq!(desk.drive(&delivery, events).state, state);
        let answer = moved(&desk, &post, to(INSIDE));
        let d = desk.deliveries().remove(0);
        match why {
            None => {
                assert_eq!(answer.unwrap().scheduled_at, at(INSIDE), "{state:?}");
                assert_eq!((d.state, d.due_at), (DeliveryState::Scheduled, at(INSIDE)));
            }
            Some(why) => {
                assert_eq!(locked(answer), why, "{state:?}");
                assert_eq!((d.state, desk.read(&post).scheduled_at), (state, post.scheduled_at));
            }
        }
        told.push(state);
    }
    told.sort();
    assert_eq!(told.len(), DeliveryState::ALL.len(), "a state is not told of");
}

#[test]
fn what_has_begun_on_the_platform_stays_also_while_it_waits_between_two_steps() {
    let desk = Desk::new();
    let (post, delivery) = approved(&desk);
    let mut events = on_the_wire(delivery.digest);
    if let Some(DeliveryEvent::Intend(intent)) = events.last_mut() {
        intent.effect = Effect::Hidden;
    }
    let ticket = loa_model::Ticket { step: "show".into(), data: serde_json::Value::Null };
    let until = at("2026-11-16T05:00:00Z");
    events.push(DeliveryEvent::Step { ticket });
    events.push(DeliveryEvent::Snooze { until, reason: "hạn mức".into() });
    assert_eq!(desk.drive(&delivery, events).state, DeliveryState::Ready);
    assert_eq!(locked(moved(&desk, &post, to(INSIDE))), Locked::Sending);
}

#[test]
fn void_posts_and_corrections_have_no_time_to_change() {
    let desk = Desk::new();
    let (post, _) = approved(&desk);
    desk.change_article().unwrap();
    assert_eq!(locked(moved(&desk, &post, to(INSIDE))), Locked::Void);
    let signed = Some((at(BEFORE), at(AFTER)));
    let none = crate::reschedule::room(PostState::Approved, signed, None, at(INSIDE));
    assert_eq!(none, Err(Locked::Correction));
}

#[test]
fn a_worker_that_takes_it_at_the_same_time_is_not_robbed_of_it() {
    let mut desk = Desk::new();
    let (post, delivery) = approved(&desk);
    let d = desk.drive(&delivery, vec![DeliveryEvent::Due]);
    let stored = now(desk.store.read::<Delivery>(&d.id.to_string())).unwrap().unwrap();
    let time = at("2026-11-16T04:30:00Z");
    let claim = DeliveryEvent::Claim {
        owner: "w".into(),
        fence: 1,
        until: time + jiff::SignedDuration::from_mins(1),
    };
    let taken = stored.record.apply(claim, time).unwrap();
    let rival = Changes::by(Actor::Worker("w".into()), "claim").update(&taken, stored.version);
    let inner = desk.store.clone();
    desk.review.store = Arc::new(Raced { inner, rival: Mutex::new(Some(rival)) });
    let lost = moved(&desk, &post, to(INSIDE)).unwrap_err();
    assert!(matches!(lost, ReviewError::Conflict), "{lost:?}");
    let d = desk.deliveries().remove(0);
    assert_eq!((d.state, d.due_at), (DeliveryState::Leased, delivery.due_at));
    assert_eq!(desk.read(&post).scheduled_at, post.scheduled_at, "neither of the two was written");
    assert_eq!(locked(moved(&desk, &post, to(INSIDE))), Locked::Sending, "and now it says why");
}

#[test]
fn what_would_come_of_a_move_is_told_without_making_it() {
    let desk = Desk::new();
    let (post, delivery) = approved(&desk);
    let ask = |when| now(desk.review.would_reschedule(&desk.author, post.id, when, ZONE));
    assert_eq!(ask(to(INSIDE)).unwrap(), at(INSIDE));
    assert_eq!(ask(When::Soon).unwrap(), window().not_before);
    assert!(matches!(ask(to(AFTER)), Err(ReviewError::Time(BadTime::Outside { .. }))));
    assert_eq!((desk.read(&post), desk.deliveries()), (post.clone(), vec![delivery]));
}

#[test]
fn who_looked_at_an_older_version_looks_again() {
    let desk = Desk::new();
    let post = desk.post();
    let seen = now(desk.store.read::<Post>(&post.id.to_string())).unwrap().unwrap().version;
    let ask = |when| now(desk.review.reschedule(&desk.author, post.id, when, ZONE, Some(seen)));
    assert_eq!(ask(to(INSIDE)).unwrap().scheduled_at, at(INSIDE));
    assert!(matches!(ask(to(AFTER)), Err(ReviewError::Conflict)));
}

#[test]
fn others_move_nothing() {
    let desk = Desk::new();
    let post = desk.post();
    let analyst = User { roles: vec![Role::Analyst, Role::Admin], ..desk.author.clone() };
    let stranger = User { agency: "khac".into(), ..desk.author.clone() };
    let ask =
        |by: &User| now(desk.review.reschedule(by, post.id, to(INSIDE), ZONE, None)).unwrap_err();
    assert!(matches!(ask(&analyst), ReviewError::Role { .. }));
    assert!(matches!(ask(&stranger), ReviewError::NotFound { .. }));
}

#[test]
fn a_post_that_is_put_on_a_slot_takes_it() {
    let desk = Desk::new();
    let plan = Plan {
        zone: ZONE.into(),
        slots: vec!["daily 11:00".parse().unwrap(), "daily 14:00".parse().unwrap()],
        ..Plan::default()
    };
    let record = Timetable { account: desk.account.name.clone(), plan };
    let actor = Actor::Operator("test".into());
    now(desk.store.commit(Changes::by(actor, "set timetable").insert(&record))).unwrap();
    let (post, _) = approved(&desk);
    let next = |desk: &Desk| -> Timestamp {
        now(desk.review.next_slot(&desk.account.name)).unwrap().unwrap().at
    };
    assert_eq!(next(&desk), at("2026-11-16T04:00:00Z"));
    let first = moved(&desk, &post, When::NextSlot).unwrap();
    assert_eq!(first.scheduled_at, at("2026-11-16T04:00:00Z"));
    // Drawn onto the other slot by hand: nobody else is promised that one, and the first is free again.
    let second = moved(&desk, &post, to(INSIDE)).unwrap();
    assert!(matches!(second.timing, Timing::Slot { .. }), "{:?}", second.timing);
    assert_eq!(next(&desk), at("2026-11-16T04:00:00Z"));
    let key = SlotTaken::key_of(&desk.account.name, at(INSIDE));
    let taken = now(desk.store.read::<SlotTaken>(&key)).unwrap().unwrap();
    assert_eq!(taken.record.post, post.id);
    // The next but one lies outside of what was signed.
    moved(&desk, &post, to("2026-11-16T04:30:00Z")).unwrap();
    let rival = desk.compose().unwrap().posts.remove(0);
    assert_eq!(rival.id, post.id, "composing again makes nothing");
    assert_eq!(desk.deliveries()[0].due_at, at("2026-11-16T04:30:00Z"));
}
