//! The promises while the world runs: what leaves a machine is held against what the store says at that instant, and what a
//! start finds against what was acknowledged.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, civil::Date};
use loa_delivery::{Correction, KillSwitch, Pace, Rules};
use loa_model::{
    Account, AccountName, AccountStatus, Delivery, DeliveryId, DeliveryState as State, Digest,
    Post, PostState, Priority, Record, delivery::Effect,
};
use loa_store::{
    AccountLease, Entry, Seq, Store as _, StoreExt as _, Versioned, simulation::SimulatedStore,
};

use crate::{
    kernel::Process,
    plan::{Plan, local_day},
    platform,
    witness::{Start, Witness, at_once},
};

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// First step of a chain.
    Start,
    /// Makes a draft public.
    Show,
    /// Corrects.
    Amend,
    /// Takes back.
    Delete,
}

impl Act {
    /// Whether it is a step of posting.
    pub(crate) fn is_of_a_post(self) -> bool {
        matches!(self, Self::Start | Self::Show)
    }
}

/// A request with an effect, as it leaves.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) delivery: DeliveryId,
    pub(crate) account: AccountName,
    pub(crate) act: Act,
    pub(crate) effect: Effect,
    /// Digest of what is sent.
    pub(crate) digest: Option<Digest>,
}

/// How far the clock of a skewed process may be off, with some room.
const SKEW: SignedDuration = SignedDuration::from_secs(45);
/// A correction or retraction has no intent: a switch thrown while a worker stands still just before it is missed, for as long
/// as its lease lasts.
const AT_THE_SAME_TIME: SignedDuration = SignedDuration::from_secs(30);
/// The same of a worker that has not stood still: the look at its secret, and the way to the gate.
const IN_A_MOMENT: SignedDuration = SignedDuration::from_secs(14);

fn read<R: Record>(store: &SimulatedStore, key: &str) -> Option<Versioned<R>> {
    at_once(store.read::<R>(key)).expect("the simulated store can be read")
}

/// The delivery with this receipt.
pub(crate) fn delivery_of(store: &SimulatedStore, remote_id: &str) -> Option<DeliveryId> {
    let all = at_once(store.all::<Delivery>(usize::MAX)).expect("it can be read");
    let ours = |d: &&Versioned<Delivery>| {
        d.record.receipt.as_ref().is_some_and(|receipt| receipt.remote_id == remote_id)
    };
    all.iter().find(ours).map(|d| d.record.id)
}

/// Holds a request against the store at the instant it leaves.
pub(crate) fn at_send(
    witness: &Witness,
    store: &SimulatedStore,
    process: &Arc<Process>,
    now: Timestamp,
    sent: &Sent,
) {
    let slack = if process.skewed { SKEW } else { SignedDuration::ZERO };
    let who =
        || format!("{} {:?} of {} on {}", process.name, sent.act, sent.delivery, sent.account);
    witness.count(&format!("sent {:?}", sent.act).to_lowercase());
    let Some(row) = read::<Delivery>(store, &sent.delivery.to_string()) else {
        return witness.broke("I3 no send without a delivery", &who());
    };
    let d = &row.record;
    let at_work = match sent.act {
        Act::Start | Act::Show => State::Intent,
        Act::Amend => State::Correcting,
        Act::Delete => State::Retracting,
    };
    let just_done = matches!(
        (sent.act, d.state),
        (Act::Delete, State::Retracted) | (Act::Amend, State::Published)
    );
    if just_done && now.duration_since(d.updated_at) <= AT_THE_SAME_TIME + slack {
        // Whoever had the account before was answered late: asking for the same twice changes nothing.
        return witness.count("corrections and retractions asked for twice");
    }
    if d.state != at_work {
        // Somebody took it over while a wrong clock still believes in its lease.
        let why = || format!("{} while it is {}", who(), d.state.name());
        return witness.check(process.skewed, "I3 I4 no send without a current intent", why);
    }
    let lease = at_once(store.get("account_lease", sent.account.as_str())).expect("readable");
    let lease: Option<AccountLease> =
        lease.map(|row| serde_json::from_slice(&row.value).expect("a lease is JSON"));
    let owns = lease.as_ref().is_some_and(|lease| lease.owner == process.name);
    witness.check(owns || process.skewed, "I4 only the owner of an account sends", || {
        format!("{} while the account is leased to {lease:?}", who())
    });
    let stops = stops(store, d, now);
    match sent.act {
        Act::Start | Act::Show => {
            for (why, version, _) in &stops {
                // A wish that waits rewrites the delivery under the same intent.
                let later = *version > row.version || *version > intended_in(store, d);
                witness.check(later, "I11 nothing is sent while stopped", || {
                    format!("{} under an intent of record {} while {why}", who(), row.version)
                });
            }
            under_intent(witness, store, &row, sent, (now, slack), &who());
        }
        Act::Amend | Act::Delete => {
            for (why, _, since) in &stops {
                let stood_still = process.stood_still_since(now - AT_THE_SAME_TIME);
                let most = if stood_still { AT_THE_SAME_TIME } else { IN_A_MOMENT };
                let fresh = now.duration_since(*since) <= most + slack;
                witness.check(fresh, "I11 nothing is sent while stopped", || {
                    format!("{} while {why} since {since}", who())
                });
            }
            if sent.act == Act::Amend {
                let order = read::<Correction>(store, &d.id.to_string());
                let post = order.and_then(|o| read::<Post>(store, &o.record.post.to_string()));
                let signed = post.and_then(|post| post.record.approval).map(|a| a.digest);
                witness.check(signed == sent.digest, "I3 corrected only to what was approved", who);
            }
        }
    }
}

/// The record that wrote the current intent down.
fn intended_in(store: &SimulatedStore, d: &Delivery) -> Seq {
    let entries = at_once(store.tail(0, usize::MAX)).expect("the ledger can be read");
    let of_it = |entry: &&Entry| {
        entry.changes.rows.iter().filter(|row| row.table == "delivery").any(|row| {
            let after = row.record::<Delivery>().expect("a delivery");
            after.is_some_and(|after| after.id == d.id && after.intent == d.intent)
        })
    };
    entries.iter().find(of_it).expect("an intent is in the ledger").seq
}

/// What forbids sending now: why, the record that says so, since when.
fn stops(store: &SimulatedStore, d: &Delivery, now: Timestamp) -> Vec<(String, Seq, Timestamp)> {
    let mut stops = Vec::new();
    let scopes = [
        "all".to_owned(),
        format!("agency/{}", d.agency),
        format!("channel/{}", d.account.channel()),
    ];
    for scope in scopes {
        if let Some(switch) = read::<KillSwitch>(store, &scope).filter(|switch| switch.record.on) {
            stops.push((format!("{scope} is killed"), switch.version, switch.record.at));
        }
    }
    if let Some(account) = read::<Account>(store, d.account.as_str())
        && let AccountStatus::Paused { since, .. } = account.record.status
    {
        stops.push(("the account is paused".to_owned(), account.version, since));
    }
    if let Some(post) = read::<Post>(store, &d.post.to_string())
        && post.record.state != PostState::Approved
        && matches!(d.state, State::Intent)
    {
        stops.push(("the post is void".to_owned(), post.version, now));
    }
    stops
}

fn under_intent(
    witness: &Witness,
    store: &SimulatedStore,
    row: &Versioned<Delivery>,
    sent: &Sent,
    (now, slack): (Timestamp, SignedDuration),
    who: &str,
) {
    let d = &row.record;
    let Some(intent) = &d.intent else {
        return witness.broke("I3 no send without a durable intent", who);
    };
    let same = intent.effect == sent.effect
        && Some(intent.digest) == sent.digest
        && intent.digest == d.digest;
    witness.check(same, "I3 what is sent is what was approved", || format!("{who}: {intent:?}"));
    let late = now >= intent.send_deadline + slack;
    witness.check(!late, "nothing leaves after its send deadline", || {
        format!("{who} at {now}: {intent:?}")
    });
    let post = read::<Post>(store, &d.post.to_string()).map(|post| post.record);
    let window = post.and_then(|post| post.approval).map(|a| (a.not_before, a.not_after));
    let inside =
        window.is_some_and(|(from, to)| now >= from - slack && now <= to.min(d.not_after) + slack);
    witness.check(inside, "I11 nothing is sent outside its window", || {
        format!("{who} at {now}: {window:?}")
    });
    if intent.effect == Effect::Public {
        let fresh = witness.seen().spent_intents.insert((d.id, intent.at, intent.fence));
        witness.check(fresh, "one intent covers one public request", || who.to_owned());
    }
    if sent.act == Act::Start {
        let pace = read::<Pace>(store, d.account.as_str()).map(|pace| pace.record);
        let until = pace.and_then(|pace| pace.not_before);
        let waits = until.is_some_and(|until| now + slack < until && intent.at + slack < until);
        witness.check(!waits, "the platform's wait is kept", || format!("{who} before {until:?}"));
        let start = Start {
            delivery: d.id,
            account: d.account.clone(),
            intended: intent.at,
            urgent: d.priority == Priority::Urgent,
        };
        witness.seen().starts.entry(d.account.clone()).or_default().push(start);
    }
}

/// First requests against the pace of their account: distance, burst and the day's budget; quiet hours.
pub(crate) fn pace_was_kept(witness: &Witness, plan: &Plan, posts: &[platform::Post]) {
    let slack = if plan.skewed { SKEW } else { SignedDuration::ZERO };
    let starts = witness.seen().starts.clone();
    for (account, mut starts) in starts {
        let rule = &plan.spec(&account).pace;
        starts.sort_by_key(|start| start.intended);
        let burst = rule.account.burst.max(1) as usize;
        let gap =
            SignedDuration::from_millis(i64::try_from(rule.account.min_gap_ms).expect("days"));
        for pair in starts.windows(burst + 1) {
            let (first, last) = (pair[0].intended, pair[burst].intended);
            let apart = last.duration_since(first) + slack;
            witness.check(apart >= gap, "posts keep their distance", || {
                format!("{account}: {first} and {last} with a burst of {burst}")
            });
        }
        budget_was_kept(witness, plan, &starts, posts);
        for start in starts.iter().filter(|start| !start.urgent) {
            let noisy =
                plan.quiet.as_ref().is_some_and(|quiet| quiet.covers(start.intended, slack));
            witness.check(!noisy, "quiet hours are quiet", || {
                format!("{} on {account} at {}", start.delivery, start.intended)
            });
        }
    }
}

/// I9: a day has its budget, and a part of it is kept for urgent posts. What the platform took counts, by the day of its intent.
fn budget_was_kept(witness: &Witness, plan: &Plan, starts: &[Start], posts: &[platform::Post]) {
    let mut days: BTreeMap<Date, BTreeMap<DeliveryId, bool>> = BTreeMap::new();
    for post in posts {
        let before =
            |start: &&Start| start.delivery == post.of && start.intended <= post.accepted_at + SKEW;
        if let Some(start) = starts.iter().rfind(before) {
            let day = days.entry(local_day(start.intended)).or_default();
            day.insert(start.delivery, start.urgent);
        }
    }
    for (account, spec) in &plan.accounts {
        let Some(quota) = spec.pace.quotas.first() else { continue };
        if starts.first().is_none_or(|start| start.account != account.name) {
            continue;
        }
        let most = quota.limit as usize;
        let kept = most * usize::from(plan.config.urgent_reserve_percent) / 100;
        for (day, deliveries) in &days {
            let calm = deliveries.values().filter(|urgent| !**urgent).count();
            let within = deliveries.len() <= most && calm <= most - kept;
            witness.check(within, "I9 the day's budget is kept", || {
                let (name, all) = (&account.name, deliveries.len());
                format!("{name}: {all} on {day}, {calm} of them not urgent")
            });
            if deliveries.len() == most {
                witness.count("days whose budget was spent");
            }
        }
    }
}

/// In fair weather a post goes out when it is due, and nobody waits for the next look around. Accounts with other posts about
/// the same time, a pace or quiet hours have a reason to wait, and so has what people stop. A window that is over at once is missed.
pub(crate) fn nothing_was_late(witness: &Witness, plan: &Plan, all: &[&Delivery]) {
    if !plan.fair || plan.quiet.is_some() {
        return;
    }
    let starts = witness.seen().starts.clone();
    for d in all {
        let pace = &plan.spec(&d.account).pace;
        let near = |other: &&&Delivery| {
            let apart = other.due_at.duration_since(d.due_at).abs();
            other.id != d.id && other.account == d.account && apart < SignedDuration::from_mins(20)
        };
        let stopped = plan.stopped(&d.marker) || d.retry_of.is_some();
        let brief = d.not_after.duration_since(d.due_at) < SignedDuration::from_mins(1);
        if brief
            || pace.account.min_gap_ms > 0
            || !pace.quotas.is_empty()
            || stopped
            || all.iter().any(|o| near(&o))
        {
            continue;
        }
        witness.count("posts that had no reason to be late");
        let start = starts.get(&d.account).into_iter().flatten().find(|s| s.delivery == d.id);
        let late = start.map(|start| start.intended.duration_since(d.due_at));
        let timely = late.is_some_and(|late| late < SignedDuration::from_mins(1));
        witness.check(timely, "nothing is late without reason", || {
            format!("{} on {}: due {}, {late:?} late", d.id, d.account, d.due_at)
        });
    }
}

/// What a start found on the disk against what anybody was told before.
pub(crate) fn after_restart(witness: &Witness, store: &SimulatedStore) {
    let entries = at_once(store.tail(0, usize::MAX)).expect("the ledger can be read");
    let seen = witness.seen();
    let last = entries.last().map_or(0, |entry| entry.seq);
    let (visible, lost) = (
        seen.visible,
        seen.acknowledged.iter().find(|(seq, changes)| {
            let place = usize::try_from(**seq - 1).expect("as many as fit into memory");
            entries.get(place).is_none_or(|entry| entry.changes != **changes)
        }),
    );
    let lost = lost.map(|(seq, changes)| format!("record {seq}, {:?}", changes.what));
    drop(seen);
    witness.check(lost.is_none(), "what was acknowledged is never missing", || {
        format!("{} is, of {last}", lost.unwrap_or_default())
    });
    witness.check(last >= visible, "what could be read is never missing", || {
        format!("record {visible} is, of {last}")
    });
    let report = at_once(store.verify()).expect("the ledger can be read");
    witness.check(report.is_sound(), "the store is sound after every start", || {
        report.flaws.join("; ")
    });
}

/// What `loa verify` says of the ledger in the end.
pub(crate) fn invariants_hold(witness: &Witness, store: &SimulatedStore, rules: &Rules) {
    let checked = at_once(loa_delivery::check(store, rules)).expect("the ledger can be read");
    for broken in &checked.broken {
        witness.broke("every invariant holds in the ledger", &broken.to_string());
    }
}
