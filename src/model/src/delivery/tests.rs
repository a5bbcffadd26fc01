use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn delivery() -> Delivery {
    let id = uuid::Uuid::from_u128;
    Delivery {
        id: DeliveryId(id(1)),
        agency: "demo".into(),
        post: PostId(id(2)),
        article: ArticleId(id(3)),
        account: "memory:page".parse().unwrap(),
        digest: Digest::of(b"content"),
        marker: "k7f3q".into(),
        state: DeliveryState::Scheduled,
        priority: Priority::Normal,
        due_at: at(0),
        not_after: at(86_400),
        not_before: at(0),
        attempt: 0,
        lost: 0,
        max_attempts: 2,
        fence: 0,
        lease: None,
        intent: None,
        ticket: None,
        receipt: None,
        sending_since: None,
        public_since: None,
        paid: false,
        quarantine_until: None,
        absent: vec![],
        evidence: vec![],
        seen_live: None,
        cancel_requested: false,
        reason: String::new(),
        retry_of: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn claim(fence: u64, now: i64) -> Event {
    Event::Claim { owner: "w".into(), fence, until: at(now + 30) }
}

fn intent(effect: Effect, fence: u64, now: i64) -> Event {
    Event::Intend(Intent {
        step: "create".into(),
        effect,
        digest: Digest::of(b"content"),
        fence,
        at: at(now),
        send_deadline: at(now + 20),
    })
}

fn receipt() -> Receipt {
    Receipt { remote_id: "1".into(), url: String::new(), raw: serde_json::Value::Null, at: at(1) }
}

fn play(start: &Delivery, events: impl IntoIterator<Item = (i64, Event)>) -> Delivery {
    events.into_iter().fold(start.clone(), |d, (now, event)| d.apply(event, at(now)).unwrap())
}

#[test]
fn every_state_and_event_is_listed_or_refused() {
    let listed = DeliveryState::ALL
        .iter()
        .flat_map(|s| EventKind::ALL.iter().map(move |e| s.next(*e)))
        .flatten()
        .count();
    assert_eq!(listed, 46, "the table of docs and code differ: update both");
}

#[test]
fn i12_terminal_states_are_terminal() {
    for state in DeliveryState::ALL.into_iter().filter(|state| state.is_terminal()) {
        for event in EventKind::ALL {
            assert!(state.next(event).is_err(), "{state:?} takes {event:?}");
        }
    }
}

#[test]
fn the_happy_path_keeps_the_ticket_and_counts_one_attempt() {
    let ticket = Ticket { step: "publish".into(), data: serde_json::json!({"id": "9"}) };
    let d = play(
        &delivery(),
        [
            (0, Event::Due),
            (1, claim(1, 1)),
            (2, intent(Effect::Hidden, 1, 2)),
            (3, Event::Step { ticket: ticket.clone() }),
            (4, intent(Effect::Public, 1, 4)),
            (5, Event::Live(receipt())),
        ],
    );
    assert_eq!((d.state, d.attempt, d.ticket), (DeliveryState::Published, 1, Some(ticket)));
    assert!(d.lease.is_none() && d.intent.is_none());
}

#[test]
fn i3_an_intent_needs_the_approved_digest_a_live_lease_and_its_fence() {
    let leased = play(&delivery(), [(0, Event::Due), (1, claim(4, 1))]);
    let Event::Intend(good) = intent(Effect::Public, 4, 2) else { unreachable!() };
    let refused =
        |intent: Intent, now| leased.apply(Event::Intend(intent), at(now)).unwrap_err().to_string();
    assert!(
        refused(Intent { digest: Digest::of(b"other"), ..good.clone() }, 2).contains("approved")
    );
    assert!(refused(Intent { fence: 3, ..good.clone() }, 2).contains("fence"));
    assert!(refused(good.clone(), 31).contains("lease is over"));
    assert!(refused(Intent { effect: Effect::Read, ..good }, 2).contains("read"));
}

#[test]
fn i10_uncertain_leaves_to_ready_only_after_quarantine_and_two_spaced_absences() {
    let apart = SignedDuration::from_mins(2);
    let sent =
        play(&delivery(), [(0, Event::Due), (1, claim(1, 1)), (2, intent(Effect::Public, 1, 2))]);
    let lost = Event::LeaseLost { quarantine_until: at(600) };
    let d = play(&sent, [(31, lost)]);
    assert_eq!((d.state, d.attempt), (DeliveryState::Uncertain, 1));
    assert!(d.apply(Event::Absent { apart }, at(599)).is_err());
    let once = play(&d, [(600, Event::Absent { apart })]);
    assert_eq!(once.state, DeliveryState::Uncertain);
    assert!(once.apply(Event::Absent { apart }, at(700)).is_err());
    let twice = play(&once, [(720, Event::Absent { apart })]);
    assert_eq!(twice.state, DeliveryState::Ready);
    let again = play(&twice, [(721, claim(2, 721)), (722, intent(Effect::Public, 2, 722))]);
    let lost = Event::LeaseLost { quarantine_until: at(800) };
    let absent = || Event::Absent { apart };
    let dead = play(&again, [(760, lost), (800, absent()), (920, absent())]);
    assert_eq!(dead.state, DeliveryState::Dead, "no attempt is left");
}

#[test]
fn a_lost_harmless_step_goes_back_to_ready_with_its_ticket() {
    for effect in [Effect::Hidden, Effect::Idempotent] {
        let d = play(
            &delivery(),
            [
                (0, Event::Due),
                (1, claim(1, 1)),
                (2, intent(effect, 1, 2)),
                (31, Event::LeaseLost { quarantine_until: at(600) }),
            ],
        );
        assert_eq!((d.state, d.fence), (DeliveryState::Ready, 2));
        assert!(d.apply(claim(1, 40), at(40)).is_err(), "the old owner must not come back");
    }
}

#[test]
fn a_snooze_costs_no_attempt() {
    let until = at(60);
    let sent =
        play(&delivery(), [(0, Event::Due), (1, claim(1, 1)), (2, intent(Effect::Public, 1, 2))]);
    let d = play(&sent, [(3, Event::Snooze { until, reason: "chờ hạn mức".into() })]);
    assert_eq!((d.state, d.attempt, d.max_attempts), (DeliveryState::Ready, 1, 2));
    assert!(d.intent.is_none() && d.lease.is_none());
    let again = play(&d, [(60, claim(2, 60)), (61, intent(Effect::Public, 2, 61))]);
    assert_eq!(again.attempt, 1, "it goes on with the attempt it has paid");
    let retry = Event::Retry { until: at(70), reason: "mất mạng".into(), restart: false };
    let failed =
        play(&again, [(62, retry), (70, claim(3, 70)), (71, intent(Effect::Public, 3, 71))]);
    assert_eq!(failed.attempt, 2, "a failure is paid");
}

#[test]
fn a_lost_last_try_to_make_public_is_uncertain_not_dead() {
    let mut d = delivery();
    d.max_attempts = 1;
    let lost = Event::LeaseLost { quarantine_until: at(600) };
    let steps = |effect| [(0, Event::Due), (1, claim(1, 1)), (2, intent(effect, 1, 2))];
    let made_public = play(&play(&d, steps(Effect::Idempotent)), [(31, lost.clone())]);
    assert_eq!(made_public.state, DeliveryState::Uncertain);
    assert_eq!(play(&play(&d, steps(Effect::Hidden)), [(31, lost)]).state, DeliveryState::Dead);
}

#[test]
fn a_doubt_waits_for_every_sender_that_was_lost_before() {
    let lost = Event::LeaseLost { quarantine_until: at(622) };
    let d = play(
        &delivery(),
        [
            (0, Event::Due),
            (1, claim(1, 1)),
            (2, intent(Effect::Idempotent, 1, 2)),
            (3, lost),
            (3, claim(2, 3)),
            (4, intent(Effect::Idempotent, 2, 4)),
            (5, Event::Unclear { quarantine_until: at(605), reason: "r".into() }),
        ],
    );
    assert_eq!(d.quarantine_until, Some(at(622)), "the first sender may send until its deadline");
    let apart = SignedDuration::from_mins(2);
    let d = play(&d, [(622, Event::Absent { apart }), (742, Event::Absent { apart })]);
    assert_eq!((d.state, d.quarantine_until), (DeliveryState::Dead, None));
}

/// Public step accepted, or one that may be repeated lost: it may be live.
fn may_be_live() -> [Delivery; 3] {
    let ticket = Ticket { step: "poll".into(), data: serde_json::Value::Null };
    let sent =
        |effect| play(&delivery(), [(0, Event::Due), (1, claim(1, 1)), (2, intent(effect, 1, 2))]);
    let retry = Event::Retry { until: at(4), reason: "r".into(), restart: false };
    [
        play(&sent(Effect::Public), [(3, Event::Step { ticket: ticket.clone() })]),
        play(&sent(Effect::Idempotent), [(3, Event::Step { ticket })]),
        play(&play(&sent(Effect::Idempotent), [(3, retry)]), [(5, claim(2, 5))]),
    ]
}

#[test]
fn what_may_be_live_is_not_put_aside() {
    for d in may_be_live() {
        assert!(d.may_be_live() && d.state == DeliveryState::Leased);
        let late = at(90_000);
        assert!(d.apply(Event::Expire, late).is_err());
        assert!(d.apply(Event::Hold { reason: "r".into() }, late).is_err());
        assert!(d.apply(Event::Exhaust { reason: "r".into() }, late).is_err());
        let restart = Event::Retry { until: late, reason: "r".into(), restart: true };
        assert!(d.apply(restart, late).is_err());
        let wish = d.apply(Event::Cancel { reason: "r".into() }, late).unwrap();
        assert!(
            wish.cancel_requested && wish.state == DeliveryState::Leased && wish.lease == d.lease
        );
        // After the window it is still claimed, and nothing is sent any more.
        let lost = d.apply(Event::LeaseLost { quarantine_until: late }, late).unwrap();
        assert_eq!(lost.state, DeliveryState::Ready);
        let held = lost.apply(claim(9, 90_001), at(90_001)).unwrap();
        assert!(held.apply(intent(Effect::Public, 9, 90_002), at(90_002)).is_err(), "I11");
        let unclear = Event::Unclear { quarantine_until: at(91_000), reason: "r".into() };
        let d = held.apply(unclear, at(90_002)).unwrap();
        assert_eq!(d.state, DeliveryState::Uncertain);
        // Proved absent, it is an unsent delivery again.
        let apart = SignedDuration::from_mins(2);
        let absent = [(91_000, Event::Absent { apart }), (91_200, Event::Absent { apart })];
        let d = play(&d, absent);
        assert!(!d.may_be_live() && !d.paid && d.state == DeliveryState::Ready);
        assert!(d.apply(Event::Expire, at(91_201)).is_ok());
    }
}

#[test]
fn i11_nothing_is_claimed_after_not_after() {
    let d = play(&delivery(), [(0, Event::Due)]);
    let late = 86_401;
    assert!(d.apply(claim(1, late), at(late)).is_err());
    assert_eq!(play(&d, [(late, Event::Expire)]).state, DeliveryState::Missed);
    assert!(d.apply(Event::Expire, d.not_after - 1.second()).is_err());
}

#[test]
fn a_spread_post_goes_once_later_and_never_beyond_its_window() {
    let until = at(40);
    let spread = play(&delivery(), [(0, Event::Spread { until })]);
    assert_eq!((spread.state, spread.not_before), (DeliveryState::Scheduled, until));
    assert!(spread.apply(Event::Due, at(39)).is_err(), "not before its turn");
    assert_eq!(play(&spread, [(40, Event::Due)]).state, DeliveryState::Ready);
    assert!(spread.apply(Event::Spread { until: at(60) }, at(20)).is_err(), "spread twice");
    let beyond = Event::Spread { until: delivery().not_after };
    assert!(delivery().apply(beyond, at(0)).is_err());
}

#[test]
fn a_post_moves_while_it_waits_and_only_within_its_window() {
    let to = |second| Event::Reschedule { at: at(second) };
    let moved = play(&delivery(), [(0, to(500))]);
    assert_eq!((moved.state, moved.stands_at()), (DeliveryState::Scheduled, at(500)));
    assert!(moved.apply(Event::Due, at(499)).is_err(), "not at its old time");
    // Due and held up by a limit, it waits again, and the limit's reason is gone.
    let snooze = Event::Snooze { until: at(900), reason: "hạn mức".into() };
    let ready = play(&moved, [(500, Event::Due), (501, claim(1, 501)), (502, snooze)]);
    let again = play(&ready, [(503, to(600))]);
    assert_eq!((again.state, again.not_before), (DeliveryState::Scheduled, at(600)));
    assert!(again.reason.is_empty() && again.fence == 1);
    let why = |d: &Delivery, event, now| d.apply(event, at(now)).unwrap_err().to_string();
    assert!(why(&again, to(86_401), 503).contains("beyond its window"));
    assert!(why(&again, to(502), 503).contains("in the past"));
}

#[test]
fn what_was_sent_or_is_in_hand_does_not_move() {
    let to = || Event::Reschedule { at: at(900) };
    let leased = play(&delivery(), [(0, Event::Due), (1, claim(1, 1))]);
    assert!(matches!(leased.apply(to(), at(2)), Err(Refused::Illegal(_))));
    let lost = Event::LeaseLost { quarantine_until: at(600) };
    // A hidden draft of it is on the platform: its chain goes on by itself.
    let begun = play(&leased, [(2, intent(Effect::Hidden, 1, 2)), (31, lost)]);
    assert_eq!(begun.state, DeliveryState::Ready);
    let refused = begun.apply(to(), at(32)).unwrap_err().to_string();
    assert!(refused.contains("something of it was sent"), "{refused}");
    let restart = Event::Retry { until: at(40), reason: "refused".into(), restart: true };
    let afresh = play(&begun, [(33, claim(2, 33)), (34, restart), (35, to())]);
    assert_eq!(afresh.due_at, at(900), "provably nothing is there");
}

#[test]
fn a_live_post_stands_where_it_went_live() {
    let live = [
        (0, Event::Due),
        (1, claim(1, 1)),
        (2, intent(Effect::Public, 1, 2)),
        (700, Event::Live(receipt())),
    ];
    assert_eq!(play(&delivery(), live).stands_at(), receipt().at);
}

#[test]
fn a_cancel_during_sending_is_remembered_not_obeyed() {
    let d =
        play(&delivery(), [(0, Event::Due), (1, claim(1, 1)), (2, intent(Effect::Public, 1, 2))]);
    let d = play(
        &d,
        [(3, Event::Cancel { reason: "wrong photo".into() }), (4, Event::Live(receipt()))],
    );
    assert!(d.cancel_requested && d.state == DeliveryState::Published);
}

fn any_event(now: i64) -> impl Strategy<Value = Event> {
    let apart = SignedDuration::from_mins(2);
    let later = at(now + 60);
    prop_oneof![
        Just(Event::Due),
        Just(Event::Spread { until: later }),
        Just(Event::Reschedule { at: later }),
        Just(Event::Cancel { reason: "r".into() }),
        Just(Event::Expire),
        Just(Event::Hold { reason: "r".into() }),
        Just(Event::Release),
        (0u64..6).prop_map(move |fence| claim(fence, now)),
        Just(Event::Snooze { until: later, reason: "r".into() }),
        Just(Event::LeaseLost { quarantine_until: later }),
        (0u64..6).prop_map(move |fence| intent(Effect::Public, fence, now)),
        (0u64..6).prop_map(move |fence| intent(Effect::Hidden, fence, now)),
        (0u64..6).prop_map(move |fence| intent(Effect::Idempotent, fence, now)),
        Just(Event::Step { ticket: Ticket { step: "s".into(), data: serde_json::Value::Null } }),
        Just(Event::Live(receipt())),
        any::<bool>().prop_map(move |restart| Event::Retry {
            until: later,
            reason: "r".into(),
            restart
        }),
        Just(Event::Reject { reason: "r".into() }),
        Just(Event::Exhaust { reason: "r".into() }),
        Just(Event::Unclear { quarantine_until: later, reason: "r".into() }),
        Just(Event::Found(receipt())),
        Just(Event::Absent { apart }),
        Just(Event::SeenLive(Sighting { receipt: receipt(), by: UserId(uuid::Uuid::nil()) })),
        Just(Event::ConfirmAbsent { by: UserId(uuid::Uuid::nil()), reason: "r".into() }),
        Just(Event::Correct),
        Just(Event::Corrected { failure: String::new() }),
        Just(Event::Retract { reason: "r".into() }),
        Just(Event::RetractDone { failure: String::new() }),
        Just(Event::SeenGone),
    ]
}

fn story() -> impl Strategy<Value = Vec<(i64, Event)>> {
    proptest::collection::vec(
        (0i64..400).prop_flat_map(|gap| any_event(gap).prop_map(move |e| (gap, e))),
        0..60,
    )
}

proptest! {
    /// I2, I5, I12 and the shape of the record hold over any story; the clock only moves on.
    #[test]
    fn invariants_hold_over_any_story(story in story()) {
        let mut d = delivery();
        let mut now = 0;
        for (gap, event) in story {
            now += gap;
            let Ok(next) = d.apply(event.clone(), at(now)) else { continue };
            prop_assert!(next.attempt >= d.attempt, "I5 attempts never shrink");
            prop_assert!(!matches!(event, Event::Snooze { .. }) || next.attempt == d.attempt, "I5 snooze is free");
            prop_assert!(next.fence >= d.fence, "fences never fall");
            prop_assert!(!d.state.is_terminal(), "I12");
            prop_assert!(next.state != DeliveryState::Published || next.receipt.is_some(), "I2");
            prop_assert!(next.attempt <= next.max_attempts);
            let moved = matches!(event, Event::Reschedule { .. });
            prop_assert!(!moved || next.due_at <= next.not_after && d.sending_since.is_none() && d.lease.is_none());
            let aside = matches!(next.state, DeliveryState::Missed | DeliveryState::Held | DeliveryState::Cancelled | DeliveryState::Dead);
            prop_assert!(!(aside && next.may_be_live()), "what may be live is put aside");
            let by_person = matches!(event, Event::ConfirmAbsent { .. });
            prop_assert!(next.seen_live.is_none() || next.state == DeliveryState::Uncertain);
            let sent_again = d.seen_live.is_some() && next.state == DeliveryState::Ready;
            prop_assert!(!sent_again || by_person, "what a person saw is sent again");
            prop_assert!(next.max_attempts == d.max_attempts || by_person);
            prop_assert_eq!(next.state == DeliveryState::Intent, next.intent.is_some() && next.state != DeliveryState::Uncertain);
            prop_assert!(next.state != DeliveryState::Uncertain || next.quarantine_until.is_some());
            prop_assert!(next.state != DeliveryState::Leased || next.lease.is_some());
            d = next;
        }
    }
}
