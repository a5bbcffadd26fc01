//! Every state machine of the model but the delivery's, which has its own tests: each state and event is listed here with
//! its end, everything else is refused, and no story of events breaks what the machine is for.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Debug;

use loa_model::{
    ArticleState as A, IllegalMove, Job, JobId, JobKind, JobState as J, PostState as P,
    VariantState as V, article::ArticleEvent as Ae, job::JobEvent as Je, post::PostEvent as Pe,
    variant::VariantEvent as Ve,
};
use proptest::prelude::*;

/// The listed moves and no other; states without a listed move are the final ones.
fn is_exactly<S: Copy + PartialEq + Debug, E: Copy + PartialEq + Debug>(
    states: &[S],
    events: &[E],
    next: impl Fn(S, E) -> Result<S, IllegalMove>,
    listed: &[(S, E, S)],
    last: &[S],
) {
    for state in states {
        for event in events {
            let expected = listed.iter().find(|(s, e, _)| s == state && e == event);
            match (next(*state, *event), expected) {
                (Ok(end), Some((_, _, listed))) => {
                    assert_eq!(end, *listed, "{state:?} by {event:?}");
                }
                (Err(refused), None) => {
                    // The refusal names both, so that a log line is enough to understand it.
                    let said = refused.to_string();
                    assert!(said.contains(&format!("{state:?}")), "{said}");
                    assert!(said.contains(&format!("{event:?}")), "{said}");
                }
                (got, expected) => panic!("{state:?} by {event:?}: {got:?}, listed {expected:?}"),
            }
        }
        let ends = !listed.iter().any(|(from, ..)| from == state);
        assert_eq!(ends, last.contains(state), "{state:?}");
    }
}

const ARTICLE: [Ae; 3] = [Ae::Completed, Ae::Revised, Ae::Withdrawn];
const VARIANT: [Ve; 6] =
    [Ve::Start, Ve::Release, Ve::Finish, Ve::Fail, Ve::InputChanged, Ve::Retry];
const POST: [Pe; 6] = [Pe::Edit, Pe::Submit, Pe::Approve, Pe::Return, Pe::Reject, Pe::InputChanged];
const JOB: [Je; 9] = [
    Je::Due,
    Je::Claim,
    Je::Complete,
    Je::Fail,
    Je::Exhaust,
    Je::Snooze,
    Je::LeaseLost,
    Je::Cancel,
    Je::Retry,
];

/// A new event does not compile here until it stands in the lists above.
#[test]
fn every_event_is_in_its_list() {
    for event in ARTICLE {
        match event {
            Ae::Completed | Ae::Revised | Ae::Withdrawn => {}
        }
    }
    for event in VARIANT {
        match event {
            Ve::Start | Ve::Release | Ve::Finish | Ve::Fail | Ve::InputChanged | Ve::Retry => {}
        }
    }
    for event in POST {
        match event {
            Pe::Edit | Pe::Submit | Pe::Approve | Pe::Return | Pe::Reject => {}
            Pe::InputChanged => {}
        }
    }
    for event in JOB {
        match event {
            Je::Due | Je::Claim | Je::Complete | Je::Fail => {}
            Je::Exhaust | Je::Snooze | Je::LeaseLost | Je::Cancel | Je::Retry => {}
        }
    }
}

#[test]
fn an_article_has_5_moves() {
    let listed = [
        (A::Fetched, Ae::Completed, A::Ready),
        (A::Fetched, Ae::Revised, A::Superseded),
        (A::Fetched, Ae::Withdrawn, A::Withdrawn),
        (A::Ready, Ae::Revised, A::Superseded),
        (A::Ready, Ae::Withdrawn, A::Withdrawn),
    ];
    is_exactly(&A::ALL, &ARTICLE, A::next, &listed, &[A::Superseded, A::Withdrawn]);
}

#[test]
fn a_variant_has_9_moves() {
    let listed = [
        (V::Queued, Ve::Start, V::Rendering),
        (V::Queued, Ve::InputChanged, V::Stale),
        (V::Rendering, Ve::Release, V::Queued),
        (V::Rendering, Ve::Finish, V::Rendered),
        (V::Rendering, Ve::Fail, V::Failed),
        (V::Rendering, Ve::InputChanged, V::Stale),
        (V::Rendered, Ve::InputChanged, V::Stale),
        (V::Failed, Ve::Retry, V::Queued),
        (V::Failed, Ve::InputChanged, V::Stale),
    ];
    is_exactly(&V::ALL, &VARIANT, V::next, &listed, &[V::Stale]);
}

#[test]
fn a_post_has_13_moves() {
    let listed = [
        (P::Draft, Pe::Edit, P::Draft),
        (P::Draft, Pe::Submit, P::InReview),
        (P::Draft, Pe::InputChanged, P::Void),
        (P::InReview, Pe::Edit, P::Draft),
        (P::InReview, Pe::Approve, P::Approved),
        (P::InReview, Pe::Return, P::Returned),
        (P::InReview, Pe::Reject, P::Void),
        (P::InReview, Pe::InputChanged, P::Void),
        (P::Approved, Pe::Edit, P::Void),
        (P::Approved, Pe::InputChanged, P::Void),
        (P::Returned, Pe::Edit, P::Draft),
        (P::Returned, Pe::Submit, P::InReview),
        (P::Returned, Pe::InputChanged, P::Void),
    ];
    is_exactly(&P::ALL, &POST, P::next, &listed, &[P::Void]);
}

#[test]
fn a_job_has_15_moves() {
    let listed = [
        (J::Scheduled, Je::Due, J::Available),
        (J::Scheduled, Je::Cancel, J::Cancelled),
        (J::Available, Je::Claim, J::Executing),
        (J::Available, Je::Cancel, J::Cancelled),
        (J::Executing, Je::Complete, J::Completed),
        (J::Executing, Je::Fail, J::Retryable),
        (J::Executing, Je::Exhaust, J::Discarded),
        (J::Executing, Je::Snooze, J::Scheduled),
        (J::Executing, Je::LeaseLost, J::Available),
        (J::Executing, Je::Cancel, J::Cancelled),
        (J::Retryable, Je::Due, J::Available),
        (J::Retryable, Je::Cancel, J::Cancelled),
        (J::Discarded, Je::Retry, J::Available),
        (J::Discarded, Je::Cancel, J::Cancelled),
        (J::Cancelled, Je::Retry, J::Available),
    ];
    is_exactly(&J::ALL, &JOB, J::next, &listed, &[J::Completed]);
}

#[test]
fn a_kind_of_job_is_named_as_it_is_written() {
    let id = uuid::Uuid::from_u128;
    let at = jiff::Timestamp::UNIX_EPOCH;
    let (article, author) = (loa_model::ArticleId(id(1)), loa_model::UserId(id(2)));
    let kinds = [
        JobKind::Ingest { source: "https://minhhoa.example/bài".into(), agency: "demo".into() },
        JobKind::Brief { article, revision: 1 },
        JobKind::Draw { variant: loa_model::VariantId(id(3)) },
        JobKind::Render { variant: loa_model::VariantId(id(3)) },
        JobKind::Compose {
            article,
            revision: 1,
            accounts: vec![],
            author,
            when: loa_model::When::NextSlot,
            text: None,
        },
        JobKind::Prepare {
            source: "https://minhhoa.example/bài".into(),
            agency: "demo".into(),
            accounts: vec![],
            author,
            when: loa_model::When::Soon,
            text: Some("Lời của biên tập viên".into()),
        },
        JobKind::Watch { feed: loa_model::FeedId(id(6)), look: 7 },
        JobKind::Measure { post: loa_model::PostId(id(4)), step: 0 },
    ];
    for work in kinds {
        let written = serde_json::to_value(&work).unwrap();
        assert_eq!(written["kind"], work.name());
        assert!(work.lane().kinds().contains(&work.name()), "{work:?} runs in no lane");
        let job = Job::new(JobId(id(5)), "demo", work, at);
        assert_eq!(job.max_attempts, job.work.tries());
        let text = serde_json::to_string(&job).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
    }
}

fn story<E: Copy + Debug + 'static>(events: &'static [E]) -> impl Strategy<Value = Vec<E>> {
    proptest::collection::vec(proptest::sample::select(events), 0..60)
}

proptest! {
    #[test]
    fn a_post_is_approved_only_as_it_was_submitted(story in story(&POST)) {
        let (mut state, mut submitted) = (P::Draft, false);
        for event in story {
            let Ok(next) = state.next(event) else { continue };
            prop_assert!(state != P::Void, "a void post came back by {:?}", event);
            if next == P::Approved {
                prop_assert!(submitted, "approved and not submitted as it is");
            }
            submitted = match event {
                Pe::Submit => true,
                Pe::Edit | Pe::Return | Pe::Reject | Pe::InputChanged => false,
                Pe::Approve => submitted,
            };
            // A change of any kind takes the signature away.
            prop_assert!(state != P::Approved || next == P::Void);
            state = next;
        }
    }

    #[test]
    fn a_variant_never_leaves_stale_and_is_drawn_before_it_is_rendered(story in story(&VARIANT)) {
        let (mut state, mut drawing) = (V::Queued, false);
        for event in story {
            let Ok(next) = state.next(event) else { continue };
            prop_assert!(state != V::Stale, "it left stale by {:?}", event);
            prop_assert!(event != Ve::InputChanged || next == V::Stale);
            if matches!(next, V::Rendered | V::Failed) {
                prop_assert!(drawing, "{:?} and nobody drew it", next);
            }
            drawing = event == Ve::Start;
            prop_assert_eq!(drawing, next == V::Rendering);
            state = next;
        }
    }

    #[test]
    fn an_article_is_replaced_or_withdrawn_once(story in story(&ARTICLE)) {
        let (mut state, mut ends) = (A::Fetched, 0);
        for event in story {
            let Ok(next) = state.next(event) else { continue };
            ends += usize::from(event != Ae::Completed);
            prop_assert!(ends <= 1);
            prop_assert_eq!(next == A::Ready, event == Ae::Completed);
            state = next;
        }
    }

    /// Whatever a worker does to a job it does under a claim of its own, once.
    #[test]
    fn a_job_ends_once_per_claim(story in story(&JOB)) {
        let (mut state, mut claims, mut answers, mut over) = (J::Scheduled, 0, 0, 0);
        for event in story {
            let Ok(next) = state.next(event) else { continue };
            prop_assert!(over == 0 || matches!(event, Je::Retry | Je::Cancel), "{:?} takes {:?}", state, event);
            match event {
                // Whoever still has it was told to stop; a person begins anew.
                Je::Retry => (answers, over) = (claims, 0),
                Je::Claim => claims += 1,
                Je::Complete | Je::Fail | Je::Exhaust | Je::Snooze | Je::LeaseLost => answers += 1,
                Je::Due | Je::Cancel => {}
            }
            prop_assert!(answers <= claims, "an answer without a claim");
            prop_assert!(claims <= answers + 1, "two workers at once");
            prop_assert_eq!(next == J::Executing, claims > answers && event != Je::Cancel);
            over += usize::from(matches!(next, J::Completed | J::Discarded | J::Cancelled));
            state = next;
        }
    }
}
