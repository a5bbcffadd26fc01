//! Nothing twice, nothing lost: every world the publishing protocol can come to, and what happens when a guard is missing.
//!
//! `model/mod.rs` says what is real in it, what is copied from the worker and what is assumed. Times are in ticks and only
//! counted from now, so time has no end; workers die, freeze and fail as often as they like. What is counted here stands in
//! `docs/manual/reliability.md` too: `the_manual_says_what_is_found` prints it when it is out of date.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking and tells what it saw; its numbers are small"
)]

mod model;

use std::fmt::Write as _;

use loa_model::DeliveryState as State;
use model::{
    Act, Chain, Guard, Rule, Scene, Timing,
    search::{Seen, breaks, compares_what_counts_as_one, dead_end, holds_without},
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

/// Where every guard stands: what is looked at, and what must be seen there.
struct Whole {
    name: &'static str,
    worlds: usize,
    deep: usize,
}

/// One test for each scene: with every guard no rule is ever broken, these states are reached, and doubt ends in these ways.
macro_rules! whole {
    ($($name:ident: $scene:expr, reaches [$($state:ident),*], settles by [$($how:literal),*],
        $worlds:literal worlds, $deep:literal deep;)*) => {
        const WHOLE: &[Whole] = &[$(Whole {
            name: stringify!($name),
            worlds: $worlds,
            deep: $deep,
        }),*];
        mod with_every_guard_no_rule_is_ever_broken {
            use super::*;
            $(#[test]
            fn $name() {
                let (reaches, settles_by) = (vec![$(State::$state),*], vec![$($how),*]);
                let seen = holds_without(&[], Scene { reaches, settles_by, ..$scene });
                assert_eq!(seen, Seen { worlds: $worlds, deep: $deep });
            })*
        }
    };
}

/// Longer ways, freezes, lags and spells, and an attempt more.
fn wider(scene: Scene) -> Scene {
    let timing = Timing {
        send_within: 3,
        freeze: Some(2),
        travel: 2,
        lag: 2,
        spell: 2,
        quarantine: 5,
        apart: 3,
        account_lease: 4,
        ..Timing::default()
    };
    Scene { timing, max_attempts: 3, ..scene }
}

/// The same with wider bounds: minutes, and gigabytes of memory. `make soak` runs them.
mod with_every_guard_and_wider_bounds {
    use super::*;

    fn holds(scene: Scene) {
        println!("{:?}", holds_without(&[], wider(scene)));
    }

    #[test]
    #[ignore = "minutes: make soak"]
    fn one_public_request() {
        let acts = [Act::Cancel, Act::ConfirmAbsent, Act::Withdraw];
        holds(with(refusing(forgetful(succeeded(public()))), &acts));
    }

    #[test]
    #[ignore = "minutes: make soak"]
    fn a_draft_made_public() {
        holds(with(refusing(forgetful(draft())), &[Act::Cancel]));
    }

    #[test]
    #[ignore = "minutes: make soak"]
    fn a_post_that_is_accepted_and_shows_later() {
        let acts = [Act::Cancel, Act::Hold, Act::Pause, Act::Resume, Act::ConfirmAbsent];
        holds(with(late(succeeded(accepted())), &acts));
    }
}

/// Guards that are removed, and the rule that is broken then.
struct Needed {
    name: &'static str,
    guards: &'static [Guard],
    rule: Rule,
    moves: usize,
}

/// One test for each: the guards that are removed, the scene, the rule that is broken then, and in how many moves at least.
macro_rules! needed {
    ($($name:ident: [$($guard:ident),+] in $scene:expr, breaks $rule:ident in $moves:literal;)*) => {
        const NEEDED: &[Needed] = &[$(Needed {
            name: stringify!($name),
            guards: &[$(Guard::$guard),+],
            rule: Rule::$rule,
            moves: $moves,
        }),*];
        mod without {
            use super::*;
            $(#[test]
            fn $name() {
                breaks(&[$(Guard::$guard),+], &$scene, Rule::$rule, $moves);
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

whole! {
    one_public_request: refusing(forgetful(succeeded(public()))),
        reaches [Scheduled, Ready, Leased, Intent, Uncertain, Published, Rejected, Dead],
        settles by ["live", "found"], 74_579 worlds, 49 deep;
    a_person_tells_where_the_platform_cannot_be_read:
        with(refusing(unreadable()), &[Act::ConfirmLive, Act::ConfirmAbsent]),
        reaches [Ready, Intent, Uncertain, Published], settles by ["live", "person"], 44_773 worlds, 52 deep;
    people_call_off_and_take_back: with(public(), &[Act::Cancel, Act::Retract]),
        reaches [Cancelled, Retracting, Retracted], settles by ["live", "found"], 44_330 worlds, 50 deep;
    the_article_changes_or_somebody_holds_it:
        with(public(), &[Act::Hold, Act::Release, Act::Withdraw]),
        reaches [Held], settles by ["live", "found"], 95_700 worlds, 51 deep;
    people_stop_everything_near_the_end_of_the_window:
        with(late(public()), &[Act::Kill, Act::LiftKill, Act::Pause, Act::Resume]),
        reaches [Missed], settles by ["live"], 59_650 worlds, 42 deep;
    a_draft_made_public: refusing(forgetful(succeeded(draft()))),
        reaches [Rejected, Dead], settles by ["live", "found"], 373_771 worlds, 56 deep;
    a_draft_called_off_or_withdrawn_near_the_end_of_the_window:
        with(late(draft()), &[Act::Cancel, Act::Withdraw]),
        reaches [Cancelled, Missed, Retracting], settles by ["live"], 105_485 worlds, 49 deep;
    a_draft_that_is_paused: with(draft(), &[Act::Pause, Act::Resume]),
        reaches [Dead], settles by ["live", "found"], 274_576 worlds, 52 deep;
    a_draft_that_a_person_decides_about:
        with(late(succeeded(draft())), &[Act::ConfirmLive, Act::ConfirmAbsent]),
        reaches [Uncertain], settles by ["live", "found", "person"], 190_436 worlds, 47 deep;
    a_post_that_is_accepted_and_shows_later:
        with(
            late(succeeded(accepted())),
            &[Act::Cancel, Act::Hold, Act::Withdraw, Act::ConfirmLive, Act::ConfirmAbsent],
        ),
        reaches [Missed], settles by ["live", "found"], 171_913 worlds, 44 deep;
}

needed! {
    // Before a request.
    a_durable_intent: [DurableIntent] in public(), breaks Once in 19;
    the_approval_read_at_each_step: [ApprovalAtStep] in with(public(), &[Act::Withdraw, Act::Release]), breaks Stop in 8;
    all_three_looks_at_the_words: [WordsAtStep, WordsAtIntent, WordsAtGate] in with(public(), &[Act::Tamper]), breaks Intent in 8;
    the_window_at_the_gate: [WindowAtGate] in late(public()), breaks Window in 10;
    a_look_at_the_kill_switch: [KillIsRead] in with(public(), &[Act::Kill]), breaks Stop in 8;
    a_look_at_the_pause: [PauseIsRead] in with(public(), &[Act::Pause]), breaks Stop in 8;
    the_look_behind_the_intent: [StopBehindIntent] in with(public(), &[Act::Pause]), breaks Stop in 8;
    the_look_behind_the_intent_for_a_kill_switch: [StopBehindIntent] in with(public(), &[Act::Kill]), breaks Stop in 8;
    the_kill_switch_at_the_gate: [KillAtGate] in with(public(), &[Act::Kill]), breaks Stop in 9;
    the_fence_at_the_gate: [FenceAtGate] in public(), breaks Owner in 10;
    the_send_deadline_when_a_lease_is_cut_short: [DeadlineAtGate] in forgetful(succeeded(public())), breaks Once in 30;
    fence_and_deadline_at_the_gate: [FenceAtGate, DeadlineAtGate] in forgetful(public()), breaks Once in 32;
    a_true_effect_and_its_two_guards: [TrueEffect, EffectAtGate, DeadlineAtGate] in public(), breaks Intent in 7;
    one_request_of_client_and_gate: [ClientNeverRepeats, OneRequest] in public(), breaks Once in 13;
    doubt_about_a_gate_that_shut_late: [ClientNeverRepeats, ShutAfterSent] in public(), breaks Once in 20;
    doubt_about_making_public_whose_gate_shut_late: [ClientNeverRepeats, ShutAfterSent] in late(draft()), breaks Unsent in 20;
    a_count_of_attempts: [AttemptCounted] in public(), breaks Attempts in 5;
    a_snooze_that_is_free: [SnoozeIsFree] in refusing(public()), breaks Attempts in 14;
    the_attempt_limit: [LimitAtStep, LimitAtIntent] in public(), breaks Attempts in 31;
    the_platforms_wait: [WaitAtRound, WaitAtClaim] in refusing(public()), breaks Wait in 15;
    // What became of it.
    doubt_after_no_answer: [UnknownIsUncertain] in public(), breaks Once in 20;
    doubt_after_a_lost_sender: [LostIsUncertain] in public(), breaks Once in 19;
    doubt_after_no_answer_to_the_last_try: [UnknownShowIsUncertain] in draft(), breaks Unsent in 22;
    doubt_after_a_sender_lost_in_the_last_try: [LostShowIsUncertain] in draft(), breaks Unsent in 22;
    the_memory_that_a_draft_may_be_live: [MayBeLive] in draft(), breaks Unsent in 18;
    the_memory_that_it_was_accepted: [MayBeLive] in accepted(), breaks Unsent in 10;
    a_receipt: [ReceiptKept] in public(), breaks Proof in 10;
    a_late_receipt_kept: [LateReceipt] in public(), breaks Kept in 15;
    // How doubt ends.
    the_quarantine: [QuarantineAtAsk, Quarantine] in forgetful(public()), breaks Once in 27;
    the_quarantine_from_the_deadline: [QuarantineFromDeadline] in forgetful(succeeded(public())), breaks Once in 28;
    the_quarantine_of_an_earlier_sender: [LongestQuarantine] in refusing(forgetful(succeeded(draft()))), breaks Unsent in 36;
    the_quarantine_as_proof: [QuarantineAtAsk, Quarantine] in public(), breaks Doubt in 19;
    a_question_behind_the_quarantine: [QuarantineAtAsk] in public(), breaks Doubt in 23;
    a_question_behind_the_one_before: [ApartAtAsk] in public(), breaks Doubt in 19;
    a_second_negative_as_proof: [TwoNegatives] in public(), breaks Doubt in 14;
    a_second_negative: [TwoNegatives] in forgetful(public()), breaks Once in 26;
    time_between_two_negatives: [ApartAtAsk, Apart] in forgetful(public()), breaks Once in 29;
    answers_for_their_own_doubt: [FreshAnswers] in forgetful(public()), breaks Once in 33;
    a_person_where_nothing_can_be_read: [OnlyWhereReadable] in unreadable(), breaks Once in 31;
    a_person_who_waits: [PersonWaits] in with(unreadable(), &[Act::ConfirmAbsent]), breaks Once in 20;
    // A wish to call it off.
    the_wish_kept_while_it_is_sent: [CancelIsWish] in with(public(), &[Act::Cancel]), breaks Unsent in 10;
    the_wish_obeyed_when_it_is_live: [WishRetracts] in with(public(), &[Act::Cancel]), breaks Wish in 11;
    the_wish_obeyed_when_it_is_not: [WishCancels] in with(public(), &[Act::Cancel]), breaks Stop in 17;
    the_wish_at_each_step: [WishAtStep] in with(draft(), &[Act::Cancel]), breaks Stop in 21;
    // Whose it is.
    one_owner_of_an_account: [OneOwner] in public(), breaks Owner in 8;
    moves_of_the_holder_only: [SameLease] in public(), breaks Once in 40;
    versions: [Versions] in public(), breaks Once in 30;
    versions_of_what_is_over: [Versions] in with(public(), &[Act::Cancel]), breaks Final in 6;
    the_fence_at_a_claim: [FenceAtClaim] in public(), breaks Owner in 10;
    the_fence_at_an_intent: [SameLease, FenceAtIntent] in public(), breaks Owner in 12;
    the_fence_at_a_recovery: [FenceAtRecover] in public(), breaks Owner in 8;
    a_fence_raised_by_a_loss: [LostRaisesFence] in public(), breaks Owner in 20;
}

doubled! {
    two_looks_at_the_words_the_gate_sees: [WordsAtStep, WordsAtIntent] in with(public(), &[Act::Tamper]);
    two_looks_at_the_words_the_intent_sees: [WordsAtStep, WordsAtGate] in with(public(), &[Act::Tamper]);
    two_looks_at_the_words_the_step_sees: [WordsAtIntent, WordsAtGate] in with(public(), &[Act::Tamper]);
    three_looks_at_the_window_the_gate_sees: [WindowAtStep, WindowAtClaim, WindowAtIntent] in late(public());
    two_looks_for_a_stop_that_the_one_behind_the_intent_sees: [StopAtRound, StopAtStep] in with(late(public()), &[Act::Kill, Act::Pause]);
    the_deadline_where_leases_run_out: [DeadlineAtGate, QuarantineFromDeadline] in forgetful(public());
    a_true_effect_the_gate_sees: [TrueEffect, DeadlineAtGate] in public();
    a_true_effect_the_deadline_sees: [TrueEffect, EffectAtGate] in public();
    a_client_that_never_repeats: [ClientNeverRepeats] in public();
    the_count_at_the_gate: [OneRequest, ShutAfterSent] in public();
    the_fence_at_an_intent: [FenceAtIntent] in public();
    the_quarantine_when_it_is_asked: [Quarantine] in forgetful(public());
    time_between_two_questions: [Apart] in forgetful(public());
    the_attempt_limit_at_the_step: [LimitAtIntent] in public();
    the_attempt_limit_at_the_intent: [LimitAtStep] in public();
    the_platforms_wait_at_the_round: [WaitAtClaim] in refusing(public());
    the_platforms_wait_at_the_claim: [WaitAtRound] in refusing(public());
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

/// What a person saw where the platform can be read is searched for on; nothing is sent again, a wish to call it off is obeyed.
#[test]
fn a_person_saw_it_and_the_search_goes_on() {
    let scene = with(public(), &[Act::SeenLive, Act::Cancel]);
    let reaches = vec![State::Uncertain, State::Retracting];
    holds_without(&[], Scene { reaches, settles_by: vec!["live", "found"], ..scene });
}

#[test]
fn every_guard_is_removed_by_a_test() {
    let forgotten = |guard: &&Guard| {
        !NEEDED
            .iter()
            .map(|needed| needed.guards)
            .chain(DOUBLED.iter().copied())
            .any(|removed| removed.contains(guard))
            && !LIVELY.contains(guard)
    };
    assert_eq!(Guard::EVERY.iter().filter(forgotten).collect::<Vec<_>>(), [] as [&Guard; 0]);
}

#[test]
fn every_rule_can_be_broken() {
    let never = |rule: &&Rule| !NEEDED.iter().any(|needed| needed.rule == **rule);
    assert_eq!(Rule::EVERY.iter().filter(never).collect::<Vec<_>>(), [] as [&Rule; 0]);
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
    breaks(&[], &frozen(Some(2), quarantine), Rule::Once, 30);
    breaks(&[], &frozen(None, quarantine), Rule::Once, 30);
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

/// What this file counts, as the manual shows it.
fn tables() -> String {
    let plain = |name: &str| name.replace('_', " ");
    let mut text = String::from("| scene | worlds | moves to the last one |\n|---|---|---|\n");
    for Whole { name, worlds, deep } in WHOLE {
        writeln!(text, "| {} | {worlds} | {deep} |", plain(name)).unwrap();
    }
    text.push_str("\n| without | that is | broken | in moves |\n|---|---|---|---|\n");
    for Needed { name, guards, rule, moves } in NEEDED {
        let words: Vec<_> = guards.iter().map(|guard| guard.words()).collect();
        let (name, words, rule) = (plain(name), words.join(" "), rule.name());
        writeln!(text, "| {name} | {words} | {rule} | {moves} |").unwrap();
    }
    text
}

#[test]
fn the_manual_says_what_is_found() {
    let manual = include_str!("../docs/manual/reliability.md");
    assert!(manual.contains(&tables()), "docs/manual/reliability.md should say\n{}", tables());
}
