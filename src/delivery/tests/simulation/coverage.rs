//! What many seeds together must have met. A simulation in which nothing happens would find nothing.

use std::collections::BTreeMap;

use loa_model::{DeliveryState, delivery::EventKind};

use crate::{verdict::move_name, wire::Fault};

/// Moves that do not belong here: a measurement sees that a post is gone, only accounts that share an app are spread, and
/// posts are moved in review.
const ELSEWHERE: [(DeliveryState, EventKind); 4] = [
    (DeliveryState::Published, EventKind::SeenGone),
    (DeliveryState::Scheduled, EventKind::Spread),
    (DeliveryState::Scheduled, EventKind::Reschedule),
    (DeliveryState::Ready, EventKind::Reschedule),
];

/// Seeds in which all of it happens.
pub(crate) const ENOUGH: u64 = 300;

const HAPPENED: [&str; 54] = [
    "accounts connected anew",
    "clock jumps",
    "crashed after answer",
    "crashed after commit",
    "crashed after lease",
    "crashed before commit",
    "crashed before lease",
    "crashed before the gate",
    "crashed on the wire",
    "crashed read",
    "days whose budget was spent",
    "ended cancelled",
    "ended dead",
    "ended missed",
    "ended published",
    "ended rejected",
    "ended retracted",
    "froze after answer",
    "froze after commit",
    "froze before commit",
    "froze before the gate",
    "froze on the wire",
    "froze read",
    "gate: the account belongs to another worker",
    "gate: the send deadline passed",
    "house died after commit",
    "house died in the middle of a write",
    "house died read",
    "incident cannotretract",
    "incident correctionfailed",
    "incident maybelive",
    "incident needsreauth",
    "incident retractfailed",
    "leases taken over",
    "people: cancel",
    "people: confirm absent",
    "people: confirm live",
    "people: correct",
    "people: hold",
    "people: incident closed",
    "people: kill",
    "people: pause",
    "people: release",
    "people: retract",
    "people: retry",
    "people: void",
    "posts that had no reason to be late",
    "posts twice by a person's choice",
    "sent amend",
    "sent delete",
    "stale listings",
    "store errors",
    "torn tails cut",
    "workers asked to stop",
];

/// What takes more seeds than `make test` has.
const RARE: [&str; 4] = [
    "duplicates found by read-back",
    "gate: outside the approved window",
    "incident duplicate",
    "incident latereceipt",
];

/// What never happened in these counts of so many seeds.
pub(crate) fn missing(counts: &BTreeMap<String, u64>, seeds: u64) -> Vec<String> {
    if seeds < ENOUGH {
        return Vec::new();
    }
    let moves = DeliveryState::ALL.into_iter().flat_map(|state| {
        let legal = move |kind: &EventKind| {
            state.next(*kind).is_ok() && !ELSEWHERE.contains(&(state, *kind))
        };
        EventKind::ALL.into_iter().filter(legal).map(move |kind| move_name(state, kind))
    });
    let rare = RARE.iter().filter(|_| seeds >= 20 * ENOUGH);
    let happened = HAPPENED.iter().chain(rare).map(|name| (*name).to_owned());
    let faults = Fault::ALL.into_iter().map(Fault::name);
    let wanted = happened.chain(faults).chain(moves);
    wanted.filter(|name| !counts.contains_key(name)).collect()
}
