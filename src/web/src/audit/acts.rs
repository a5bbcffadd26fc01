//! What commits call what they do, in words of the locale files.

use crate::assets::Assets;

/// Every phrase that commits are made with, apart from the moves of a delivery.
pub(super) const ACTS: &[&str] = &[
    "abandon token refresh",
    "add account",
    "add agency",
    "add brand kit",
    "add person",
    "add sample person",
    "add template",
    "approve correction",
    "approve own post in an emergency",
    "approve post",
    "approve post again",
    "arrange a clip",
    "begin token refresh",
    "brief article",
    "cancel job",
    "change account",
    "change agency",
    "change brand kit",
    "change feed",
    "change own password",
    "change person",
    "choose agency",
    "choose brand kit",
    "choose language",
    "claim jobs",
    "close incident",
    "complete job",
    "compose posts",
    "confirm post that was approved alone",
    "correct post",
    "count click",
    "deactivate person",
    "delete feed",
    "discard job",
    "draw a variant again",
    "draw anew",
    "edit post",
    "fail job",
    "fail variant",
    "finish token refresh",
    "give article address",
    "give password",
    "have two people sign every post",
    "hide the first steps",
    "import post",
    "index by time",
    "ingest article",
    "keep the answer of a request",
    "keep the platform's usage",
    "keep the platform's wait",
    "lease account",
    "let approvers sign urgent posts alone",
    "let person in",
    "lift kill switch",
    "look at feed",
    "look at feed now",
    "make API token",
    "measure post",
    "name account",
    "note test of account",
    "open a public address",
    "pause account",
    "pause account, credentials refused",
    "pause feed",
    "queue a brief",
    "queue an article",
    "queue composing",
    "reactivate person",
    "read feed entry",
    "reject post",
    "release account",
    "remove account",
    "remove brand kit",
    "remove secret",
    "remove template",
    "render variant",
    "report incident",
    "request retraction",
    "reschedule post",
    "resume account",
    "resume feed",
    "retry delivery",
    "retry job",
    "return post",
    "revise article",
    "revoke API token",
    "revoke other sessions",
    "revoke session",
    "revoke shared report",
    "say who keeps the installation",
    "schedule post",
    "set account",
    "set agency",
    "set delivery aside",
    "set timetable",
    "set up",
    "set user",
    "share report",
    "sign in",
    "sign out",
    "skip measurement",
    "snooze job",
    "start rendering",
    "start worker",
    "state population",
    "stop job",
    "store secret",
    "submit post",
    "take a person out of the agency",
    "take back post that was approved alone",
    "throw kill switch",
    "use API token",
    "use session",
    "wake composing",
    "watch feed",
    "withdraw population",
];

/// How the moves of a delivery are asked for together.
pub(super) const MOVES: &str = "delivery";

/// How everything that approvers decide about a post is asked for together.
pub(super) const DECISIONS: &str = "decisions";
const DECIDED: [&str; 8] = [
    "approve correction",
    "approve own post in an emergency",
    "approve post",
    "approve post again",
    "confirm post that was approved alone",
    "reject post",
    "return post",
    "take back post that was approved alone",
];

/// Whether a commit called so is of the kind that is asked for.
pub(super) fn is(what: &str, asked: &str) -> bool {
    match asked {
        MOVES => moved(what).is_some(),
        DECISIONS => DECIDED.contains(&what),
        _ => what == asked,
    }
}

/// State and event of a move of a delivery: `delivery leased lease lost`.
fn moved(what: &str) -> Option<(&str, &str)> {
    what.strip_prefix("delivery ")?.split_once(' ')
}

/// A phrase as the key of its words.
fn key(phrase: &str) -> String {
    let mut key = String::new();
    for c in phrase.chars() {
        if c.is_ascii_alphanumeric() {
            key.push(c);
        } else if !key.ends_with('_') {
            key.push('_');
        }
    }
    key
}

/// The words of a phrase; the phrase itself where there are none.
pub(super) fn words(assets: &Assets, lang: &str, what: &str) -> String {
    let word = |key: String| {
        let word = assets.word(lang, &key);
        (word != key).then_some(word)
    };
    match what {
        MOVES => return assets.word(lang, "audit.moves"),
        DECISIONS => return assets.word(lang, "audit.decisions"),
        _ => {}
    }
    let found = match moved(what) {
        Some((state, event)) => word(format!("audit_event.{}", key(event))).map(|event| {
            format!(
                "{event} ({} {})",
                assets.word(lang, "audit.was"),
                assets.word(lang, &format!("state.{state}"))
            )
        }),
        None => word(format!("audit_act.{}", key(what))),
    };
    found.unwrap_or_else(|| what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_of_a_delivery_is_of_one_kind_with_the_others() {
        assert!(is("delivery leased lease lost", MOVES) && is("approve post", "approve post"));
        assert!(is("return post", DECISIONS) && !is("submit post", DECISIONS));
        assert!(DECIDED.iter().all(|act| ACTS.contains(act)));
        assert!(!is("approve post again", "approve post") && !is("delivery", "approve post"));
        assert_eq!(key("pause account, credentials refused"), "pause_account_credentials_refused");
        assert_eq!(key("keep the platform's wait"), "keep_the_platform_s_wait");
    }
}
