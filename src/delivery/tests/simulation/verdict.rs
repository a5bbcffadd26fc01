//! The judgement at the end: the platform's own records against a replay of the ledger.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loa_delivery::{Correction, Incident, IncidentKind, Pace};
use loa_model::{
    Actor, Clock as _, Delivery, DeliveryId, DeliveryState as State, Post, delivery::EventKind,
};
use loa_store::{Entry, Seq, Store as _, StoreExt as _, simulation::SimulatedStore};

use crate::{
    witness::{Wish, Witness, at_once},
    world::World,
};

/// A record of a delivery.
struct Move<'a> {
    seq: Seq,
    entry: &'a Entry,
    after: Delivery,
}

/// Judges a world that has come to rest.
pub(crate) fn of(world: &World, store: &SimulatedStore) {
    let entries = at_once(store.tail(0, usize::MAX)).expect("the ledger can be read");
    let mut histories: BTreeMap<DeliveryId, Vec<Move<'_>>> = BTreeMap::new();
    for entry in &entries {
        for row in entry.changes.rows.iter().filter(|row| row.table == "delivery") {
            let after = row.record::<Delivery>().expect("a delivery");
            let after = after.expect("deliveries are never deleted");
            let moves = histories.entry(after.id).or_default();
            moves.push(Move { seq: entry.seq, entry, after });
        }
    }
    for moves in histories.values() {
        for pair in moves.windows(2) {
            one_move(world, &pair[0].after, &pair[1]);
        }
    }
    let incidents = at_once(store.all::<Incident>(usize::MAX)).expect("they can be read");
    let incidents: Vec<_> = incidents.into_iter().map(|kept| kept.record).collect();
    for incident in &incidents {
        world.witness.count(&format!("incident {:?}", incident.kind).to_lowercase());
    }
    let all: Vec<&Delivery> =
        histories.values().filter_map(|m| m.last()).map(|m| &m.after).collect();
    for d in &all {
        the_end(world, store, d, &all, &incidents);
    }
    crate::oracle::nothing_was_late(&world.witness, &world.plan, &all);
    receipts_are_kept(&world.witness, &histories, &incidents);
    waits_are_kept(world, &entries);
}

/// I2, I4, I5, I10, I12 of one record on the one before.
fn one_move(world: &World, before: &Delivery, next: &Move<'_>) {
    let (witness, after) = (&world.witness, &next.after);
    let what = next.entry.changes.what.as_str();
    let who = || format!("record {}, {what}, of {}", next.seq, after.id);
    let slack = SignedDuration::from_secs(if world.plan.skewed { 45 } else { 0 });
    witness.check(after.attempt >= before.attempt && after.fence >= before.fence, "I5", || {
        format!("{}: attempts or fence shrink", who())
    });
    witness.check(after.attempt <= after.max_attempts, "I9 attempts are not exceeded", who);
    let Some(kind) = kind_of(what, before.state) else {
        // Written by review, or rewritten as it was by a retry.
        let held = after.state == State::Held && !before.state.is_terminal();
        return witness.check(held || after == before, "I12 only moves of the table", who);
    };
    let Ok(expected) = before.state.next(kind) else {
        return witness.broke("I12 only moves of the table", &who());
    };
    witness.count(&move_name(before.state, kind));
    let lost = before.lease.as_ref().filter(|_| kind == EventKind::LeaseLost);
    if lost.is_some_and(|lease| next.entry.changes.actor != former(&lease.owner, next)) {
        witness.count("leases taken over");
    }
    let elsewhere = matches!(
        kind,
        EventKind::Cancel
            | EventKind::LeaseLost
            | EventKind::Absent
            | EventKind::Corrected
            | EventKind::RetractDone
    );
    // A wish that waited is obeyed in the same commit.
    let wish = before.cancel_requested
        && matches!(
            (expected, after.state),
            (State::Ready | State::Leased, State::Cancelled)
                | (State::Published, State::Retracting)
                | (State::Ready, State::Uncertain)
        );
    witness.check(after.state == expected || elsewhere || wish, "I12", || {
        format!("{}: {} instead of {}", who(), after.state.name(), expected.name())
    });
    witness.check(before.attempt == after.attempt || kind == EventKind::Intend, "I5", || {
        format!("{}: only an intent counts an attempt", who())
    });
    let bought = kind == EventKind::ConfirmAbsent || before.max_attempts == after.max_attempts;
    witness.check(bought, "I9 nobody but a person adds attempts", who);
    let holders = matches!(
        kind,
        EventKind::Intend
            | EventKind::Step
            | EventKind::Live
            | EventKind::Retry
            | EventKind::Reject
            | EventKind::Exhaust
            | EventKind::Unclear
            | EventKind::Snooze
    );
    if holders {
        let owner = before.lease.as_ref().map(|lease| Actor::Worker(lease.owner.clone()));
        witness.check(owner.as_ref() == Some(&next.entry.changes.actor), "I4", || {
            format!("{} by {:?}, held by {owner:?}", who(), next.entry.changes.actor)
        });
    }
    let by_word = kind == EventKind::Absent && after.state != State::Uncertain;
    let by_word = by_word && before.seen_live.is_some();
    if by_word || matches!(kind, EventKind::Live | EventKind::Found | EventKind::ConfirmLive) {
        let measures = next.entry.changes.enqueue.len();
        witness.check(measures == 1, "a live post is measured once", who);
        is_there(world, after, next.entry.at, kind);
    }
    if kind == EventKind::Absent && after.state != State::Uncertain {
        let spaced = before.absent.first().is_some_and(|first| {
            let apart = next.entry.at.duration_since(*first) + slack;
            apart >= SignedDuration::from_secs(world.plan.config.read_back_apart_s.into())
        });
        let rested = before.quarantine_until.is_none_or(|until| next.entry.at + slack >= until);
        witness.check(spaced && rested, "I10 absent twice after the quarantine", who);
    }
    let resent = before.state == State::Uncertain && after.state == State::Ready;
    if resent && kind != EventKind::ConfirmAbsent {
        let spec = world.plan.spec(&after.account);
        let known = spec.read_back != loa_model::capability::ReadBack::None;
        witness.check(known, "I10 without read-back only a person sends again", who);
    }
}

/// The later start of the same place that a record is by, else the owner itself.
fn former(owner: &str, next: &Move<'_>) -> Actor {
    let place = |name: &str| name.split('#').next().map(str::to_owned);
    match &next.entry.changes.actor {
        Actor::Worker(name) if place(name) == place(owner) => Actor::Worker(name.clone()),
        _ => Actor::Worker(owner.to_owned()),
    }
}

/// I2: what is called published is on the platform.
fn is_there(world: &World, d: &Delivery, at: Timestamp, kind: EventKind) {
    let Some(receipt) = &d.receipt else {
        return world.witness.broke("I2 published means a receipt", &d.id.to_string());
    };
    if receipt.remote_id.is_empty() && matches!(kind, EventKind::ConfirmLive | EventKind::Absent) {
        return;
    }
    let seen = world.platform.posts().into_iter().any(|post| {
        post.id.to_string() == receipt.remote_id
            && post.marker == d.marker
            && post.account == d.account
            && post.was_seen(at + SignedDuration::from_secs(1))
    });
    world.witness.check(seen, "I2 published means that it is there", || format!("{d:#?}"));
}

/// What became of a delivery, and whether everybody was told.
fn the_end(
    world: &World,
    store: &SimulatedStore,
    d: &Delivery,
    all: &[&Delivery],
    incidents: &[Incident],
) {
    let witness = &world.witness;
    witness.count(&format!("ended {}", d.state.name()));
    let now = world.timeline.now();
    let live = world.platform.live(&d.account, &d.marker, now);
    let told = |kinds: &[IncidentKind]| {
        incidents.iter().any(|i| i.delivery == Some(d.id) && kinds.contains(&i.kind))
    };
    let story = |what: &str| format!("{what}: {} live, {d:#?}", live.len());
    let siblings = all.iter().filter(|other| other.post == d.post && other.id != d.id);
    let alone = siblings.clone().all(|other| other.state.is_terminal());
    witness.check(d.state.is_terminal() || alone, "one delivery of a post at a time", || {
        story("another is open")
    });
    let by_hand =
        told(&[IncidentKind::CannotRetract, IncidentKind::RetractFailed, IncidentKind::Duplicate]);
    match d.state {
        State::Published => {
            let one = live.len() == 1 || by_hand || live.len() > 1 && chosen(world, d);
            witness.check(one, "nothing is lost: published is live", || story("not once"));
            // Of two that a person chose, the receipt says which one is looked after.
            let ours = d.receipt.as_ref().map_or("", |receipt| receipt.remote_id.as_str());
            let known = live.iter().find(|post| post.id.to_string() == ours);
            let content = known.or(live.first()).map(|post| post.content.digest(&post.account));
            let corrected = corrected(store, d);
            let right = content.is_none()
                || content == Some(d.digest) && corrected.is_none_or(|(_, done)| !done)
                || content == corrected.map(|(digest, _)| digest);
            let excused = told(&[IncidentKind::CorrectionFailed]);
            witness.check(right || excused, "the audience sees what was approved", || {
                story("other content")
            });
        }
        state if state.is_terminal() => {
            let gone = live.is_empty() || !alone || chosen(world, d) || by_hand;
            witness.check(gone, "nothing is live that is called over", || story("it is"));
            let why = !d.reason.is_empty() || d.state == State::Retracted;
            witness.check(why, "what is over says why", || story("no reason"));
        }
        _ => witness.broke("nothing is left lying", &story("at rest")),
    }
    let wishes = witness.seen().wishes.clone();
    if wishes.contains(&(d.id, Wish::Cancelled)) && d.state == State::Published {
        witness.check(by_hand, "a cancel is never forgotten", || story("published"));
    }
    if wishes.contains(&(d.id, Wish::Retracted)) && d.state != State::Retracted {
        witness.check(by_hand, "a retraction is never forgotten", || story("not retracted"));
    }
}

/// Whether a person chose a second post of it.
fn chosen(world: &World, d: &Delivery) -> bool {
    world.platform.allowed(&d.marker) > 1
}

/// Digest of the correction that was ordered, and whether it is said to be done.
fn corrected(store: &SimulatedStore, d: &Delivery) -> Option<(loa_model::Digest, bool)> {
    let order = at_once(store.read::<Correction>(&d.id.to_string())).expect("readable")?.record;
    let post = at_once(store.read::<Post>(&order.post.to_string())).expect("readable")?.record;
    Some((post.digest(), order.done_at.is_some()))
}

/// A receipt that reached a worker which lived on is in the ledger.
fn receipts_are_kept(
    witness: &Witness,
    histories: &BTreeMap<DeliveryId, Vec<Move<'_>>>,
    incidents: &[Incident],
) {
    let told = witness.seen().told.clone();
    for told in told {
        let of_delivery = histories.values().flatten().any(|m| {
            m.after.receipt.as_ref().is_some_and(|receipt| receipt.remote_id == told.remote_id)
        });
        let of_incident = incidents.iter().any(|i| i.remote_ids.contains(&told.remote_id));
        witness.check(of_delivery || of_incident, "a receipt that came is kept", || {
            format!("post {}, told to {} at {}", told.remote_id, told.process, told.at)
        });
    }
}

/// A wait that reached a worker which lived on is in the ledger, for the account or for its app.
fn waits_are_kept(world: &World, entries: &[Entry]) {
    let slack = SignedDuration::from_secs(if world.plan.skewed { 45 } else { 1 });
    let rows = entries.iter().flat_map(|entry| &entry.changes.rows);
    let paces: Vec<Pace> = rows
        .filter(|row| row.table == "pace")
        .filter_map(|row| row.record::<Pace>().expect("a pace"))
        .collect();
    let asked = world.witness.seen().asked.clone();
    for asked in asked {
        let app = format!("app/{}/", asked.account.channel());
        let kept = paces.iter().any(|pace| {
            let whose = if asked.app {
                pace.key.starts_with(&app)
            } else {
                pace.key == asked.account.as_str()
            };
            whose && pace.not_before.is_some_and(|until| until + slack >= asked.until)
        });
        world.witness.check(kept, "a wait that was asked for is kept", || format!("{asked:?}"));
    }
}

/// The name of a move in the counters.
pub(crate) fn move_name(from: State, kind: EventKind) -> String {
    format!("move {} {kind:?}", from.name())
}

/// The event of a record's words: `delivery leased intend` is `Intend` on a leased one.
fn kind_of(what: &str, before: State) -> Option<EventKind> {
    let words = what.strip_prefix("delivery ")?.strip_prefix(before.name())?.trim_start();
    let name: String = words.split(' ').map(capital).collect();
    EventKind::ALL.into_iter().find(|kind| format!("{kind:?}") == name)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
