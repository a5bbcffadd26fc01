//! Nothing twice, nothing lost: every world the publishing protocol can come to, and what happens when a guard is missing.
//!
//! `model/mod.rs` says what is real in it, what is copied from the worker and what is assumed. Times are in ticks and only
//! counted from now, so time has no end; workers die, freeze and fail as often as they like.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking and tells what it saw; its numbers are small"
)]

mod model;

use loa_model::DeliveryState as State;
use model::{
    Act, Chain, Guard, Rule, Scene, Timing,
    search::{breaks, compares_what_counts_as_one, dead_end, holds_without},
};

fn public() -> Scene {
    Scene::new(Chain::Public)
}

fn draft() -> Scene {
    Scene::new(Chain::Draft)
}

fn accepted() -> Scene {
    Scene::new(Chain::Accepted)
}

fn unreadable() -> Scene {
    Scene { readable: false, ..public() }
}

/// The platform refuses, for a while or for good.
fn refusing(scene: Scene) -> Scene {
    Scene { refusals: true, ..scene }
}

/// For one short spell listings miss what is there.
fn forgetful(scene: Scene) -> Scene {
    Scene { spells: true, ..scene }
}

/// A restart declares a worker lost that is only frozen, and its lease is not over.
fn succeeded(scene: Scene) -> Scene {
    Scene { successors: true, ..scene }
}

/// The approved window ends soon.
fn late(scene: Scene) -> Scene {
    Scene { window: 2, ..scene }
}

fn with(scene: Scene, acts: &[Act]) -> Scene {
    Scene { acts: acts.to_vec(), ..scene }
}

mod with_every_guard_no_rule_is_ever_broken {
    use super::*;

    fn holds(scene: Scene, reaches: &[State], settles_by: &[&'static str]) {
        let (reaches, settles_by) = (reaches.to_vec(), settles_by.to_vec());
        holds_without(&[], Scene { reaches, settles_by, ..scene });
    }

    const ALWAYS: [State; 6] = [
        State::Scheduled,
        State::Ready,
        State::Leased,
        State::Intent,
        State::Uncertain,
        State::Published,
    ];

    #[test]
    fn one_public_request() {
        let scene = refusing(forgetful(succeeded(public())));
        let ends = [State::Rejected, State::Dead];
        holds(scene, &[&ALWAYS[..], &ends].concat(), &["live", "found"]);
    }

    #[test]
    fn a_person_tells_where_the_platform_cannot_be_read() {
        let scene = with(refusing(unreadable()), &[Act::ConfirmLive, Act::ConfirmAbsent]);
        holds(scene, &ALWAYS, &["live", "person"]);
    }

    #[test]
    fn people_call_off_and_take_back() {
        let scene = with(public(), &[Act::Cancel, Act::Retract]);
        let ends = [State::Cancelled, State::Retracting, State::Retracted];
        holds(scene, &ends, &["live", "found"]);
    }

    #[test]
    fn the_article_changes_or_somebody_holds_it() {
        let scene = with(public(), &[Act::Hold, Act::Release, Act::Withdraw]);
        holds(scene, &[State::Held], &["live", "found"]);
    }

    #[test]
    fn people_stop_everything_near_the_end_of_the_window() {
        let acts = [Act::Kill, Act::LiftKill, Act::Pause, Act::Resume];
        holds(with(late(public()), &acts), &[State::Missed], &["live"]);
    }

    #[test]
    fn a_draft_made_public() {
        let scene = refusing(forgetful(succeeded(draft())));
        holds(scene, &[State::Rejected, State::Dead], &["live", "found"]);
    }

    #[test]
    fn a_draft_called_off_or_withdrawn_near_the_end_of_the_window() {
        let scene = with(late(draft()), &[Act::Cancel, Act::Withdraw]);
        holds(scene, &[State::Cancelled, State::Missed, State::Retracting], &["live"]);
    }

    #[test]
    fn a_draft_that_a_person_decides_about() {
        let acts = [Act::ConfirmLive, Act::ConfirmAbsent];
        holds(with(late(succeeded(draft())), &acts), &ALWAYS, &["live", "found", "person"]);
    }

    #[test]
    fn a_post_that_is_accepted_and_shows_later() {
        let acts = [Act::Cancel, Act::Hold, Act::Withdraw, Act::ConfirmLive, Act::ConfirmAbsent];
        holds(with(late(succeeded(accepted())), &acts), &[State::Missed], &["live", "found"]);
    }
}

/// One test for each: the guards that are removed, the scene, and the rule that is broken then.
macro_rules! needed {
    ($($name:ident: [$($guard:ident),+] in $scene:expr, breaks $rule:ident;)*) => {
        const NEEDED: &[&[Guard]] = &[$(&[$(Guard::$guard),+]),*];
        mod without {
            use super::*;
            $(#[test]
            fn $name() {
                breaks(&[$(Guard::$guard),+], $scene, Rule::$rule);
            })*
        }
    };
}

/// One test for each: guards whose loss alone breaks nothing, since another stands behind them.
macro_rules! doubled {
    ($($name:ident: [$($guard:ident),+] in $scene:expr;)*) => {
        const DOUBLED: &[&[Guard]] = &[$(&[$(Guard::$guard),+]),*];
        mod even_without {
            use super::*;
            $(#[test]
            fn $name() {
                holds_without(&[$(Guard::$guard),+], $scene);
            })*
        }
    };
}

needed! {
    // Before a request.
    a_durable_intent: [DurableIntent] in public(), breaks Once;
    the_approval_read_at_each_step: [ApprovalAtStep] in with(public(), &[Act::Withdraw, Act::Release]), breaks Stop;
    all_three_looks_at_the_words: [WordsAtStep, WordsAtIntent, WordsAtGate] in with(public(), &[Act::Tamper]), breaks Intent;
    the_window_at_the_gate: [WindowAtGate] in late(public()), breaks Window;
    the_kill_switch_at_each_step: [KillAtStep] in with(public(), &[Act::Kill]), breaks Stop;
    the_kill_switch_at_the_gate: [KillAtGate] in with(public(), &[Act::Kill]), breaks Stop;
    the_pause_at_each_step: [PauseAtStep] in with(public(), &[Act::Pause]), breaks Stop;
    the_fence_at_the_gate: [FenceAtGate] in public(), breaks Owner;
    the_send_deadline_when_a_lease_is_cut_short: [DeadlineAtGate] in forgetful(succeeded(public())), breaks Once;
    fence_and_deadline_at_the_gate: [FenceAtGate, DeadlineAtGate] in forgetful(public()), breaks Once;
    a_true_effect_and_its_two_guards: [TrueEffect, EffectAtGate, DeadlineAtGate] in public(), breaks Intent;
    one_request_of_client_and_gate: [ClientNeverRepeats, OneRequest] in public(), breaks Once;
    doubt_about_a_gate_that_shut_late: [ClientNeverRepeats, ShutAfterSent] in public(), breaks Once;
    the_attempt_limit: [AttemptLimit] in public(), breaks Attempts;
    the_platforms_wait: [NotBefore] in refusing(public()), breaks Wait;
    // What became of it.
    doubt_after_no_answer: [UnknownIsUncertain] in public(), breaks Once;
    doubt_after_a_lost_sender: [LostIsUncertain] in public(), breaks Once;
    doubt_after_no_answer_to_the_last_try: [UnknownShowIsUncertain] in draft(), breaks Unsent;
    doubt_after_a_sender_lost_in_the_last_try: [LostShowIsUncertain] in draft(), breaks Unsent;
    the_memory_that_a_draft_may_be_live: [MayBeLive] in draft(), breaks Unsent;
    the_memory_that_it_was_accepted: [MayBeLive] in accepted(), breaks Unsent;
    a_late_receipt_kept: [LateReceipt] in public(), breaks Kept;
    // How doubt ends.
    the_quarantine: [Quarantine] in forgetful(public()), breaks Once;
    the_quarantine_from_the_deadline: [QuarantineFromDeadline] in forgetful(succeeded(public())), breaks Once;
    the_quarantine_of_an_earlier_sender: [LongestQuarantine] in refusing(forgetful(succeeded(draft()))), breaks Unsent;
    a_second_negative: [TwoNegatives] in forgetful(public()), breaks Once;
    time_between_two_negatives: [Apart] in forgetful(public()), breaks Once;
    answers_for_their_own_doubt: [FreshAnswers] in forgetful(public()), breaks Once;
    a_person_where_nothing_can_be_read: [OnlyWhereReadable] in unreadable(), breaks Once;
    a_person_who_waits: [PersonWaits] in with(unreadable(), &[Act::ConfirmAbsent]), breaks Once;
    // A wish to call it off.
    the_wish_kept_while_it_is_sent: [CancelIsWish] in with(public(), &[Act::Cancel]), breaks Unsent;
    the_wish_obeyed_when_it_is_live: [WishRetracts] in with(public(), &[Act::Cancel]), breaks Wish;
    the_wish_obeyed_when_it_is_not: [WishCancels] in with(public(), &[Act::Cancel]), breaks Stop;
    the_wish_at_each_step: [WishAtStep] in with(draft(), &[Act::Cancel]), breaks Stop;
    // Whose it is.
    one_owner_of_an_account: [OneOwner] in public(), breaks Owner;
    moves_of_the_holder_only: [SameLease] in public(), breaks Once;
    versions: [Versions] in public(), breaks Once;
    versions_of_what_is_over: [Versions] in with(public(), &[Act::Cancel]), breaks Final;
    the_fence_at_a_claim: [FenceAtClaim] in public(), breaks Owner;
    the_fence_at_an_intent: [SameLease, FenceAtIntent] in public(), breaks Owner;
    the_fence_at_a_recovery: [FenceAtRecover] in public(), breaks Owner;
    a_fence_raised_by_a_loss: [LostRaisesFence] in public(), breaks Owner;
}

doubled! {
    two_looks_at_the_words_the_gate_sees: [WordsAtStep, WordsAtIntent] in with(public(), &[Act::Tamper]);
    two_looks_at_the_words_the_intent_sees: [WordsAtStep, WordsAtGate] in with(public(), &[Act::Tamper]);
    two_looks_at_the_words_the_step_sees: [WordsAtIntent, WordsAtGate] in with(public(), &[Act::Tamper]);
    three_looks_at_the_window_the_gate_sees: [WindowAtStep, WindowAtClaim, WindowAtIntent] in late(public());
    the_stop_at_the_round_each_step_sees: [StopAtRound] in with(late(public()), &[Act::Kill, Act::Pause]);
    the_deadline_where_leases_run_out: [DeadlineAtGate, QuarantineFromDeadline] in forgetful(public());
    a_true_effect_the_gate_sees: [TrueEffect, DeadlineAtGate] in public();
    a_true_effect_the_deadline_sees: [TrueEffect, EffectAtGate] in public();
    a_client_that_never_repeats: [ClientNeverRepeats] in public();
    the_count_at_the_gate: [OneRequest, ShutAfterSent] in public();
    the_fence_at_an_intent: [FenceAtIntent] in public();
    doubt_at_once_after_a_wish: [WishIsDoubt] in with(late(draft()), &[Act::Cancel]);
}

/// Without this one nothing is sent twice; a delivery goes round for ever.
const LIVELY: &[Guard] = &[Guard::DoubtIsSettled];

#[test]
fn without_settling_a_doubt_it_goes_round_for_ever() {
    let scene = || late(accepted());
    assert_eq!(dead_end(&[], scene()), None);
    assert!(dead_end(LIVELY, scene()).is_some());
}

#[test]
fn every_guard_is_removed_by_a_test() {
    let forgotten = |guard: &&Guard| {
        !NEEDED.iter().chain(DOUBLED).any(|removed| removed.contains(guard))
            && !LIVELY.contains(guard)
    };
    assert_eq!(Guard::EVERY.iter().filter(forgotten).collect::<Vec<_>>(), [] as [&Guard; 0]);
}

/// Between gate and write a process can freeze. No program closes that window; the quarantine bounds what it may cost.
#[test]
fn a_freeze_between_gate_and_write_posts_twice_only_when_it_outlasts_the_quarantine() {
    let frozen = |freeze, quarantine| {
        let timing = Timing { freeze, quarantine, ..Timing::default() };
        Scene { timing, ..forgetful(succeeded(public())) }
    };
    let Timing { quarantine, .. } = Timing::default();
    holds_without(&[], frozen(Some(2), quarantine + 1));
    breaks(&[], frozen(Some(2), quarantine), Rule::Once);
    breaks(&[], frozen(None, quarantine), Rule::Once);
}

#[test]
fn no_world_is_a_dead_end() {
    for scene in [
        refusing(forgetful(public())),
        with(late(draft()), &[Act::Cancel, Act::Pause, Act::Resume]),
        with(unreadable(), &[Act::Cancel]),
    ] {
        assert_eq!(dead_end(&[], scene), None);
    }
}

/// The search is only as good as its idea of which worlds are the same.
#[test]
fn worlds_that_count_as_one_have_one_future() {
    for scene in [
        refusing(succeeded(public())),
        with(late(draft()), &[Act::Cancel, Act::ConfirmAbsent]),
        with(late(accepted()), &[Act::Cancel]),
    ] {
        assert!(compares_what_counts_as_one(scene) > 10_000);
    }
}
