//! Moves of the delivery: the real table, with what a missing guard would have let through around it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Delivery, DeliveryEvent as Event, DeliveryState as State, Receipt,
    delivery::{Effect, EventKind, Refused},
};

use super::{
    Guard, Protocol, Rule, Tick, World,
    world::{at, tick},
};

/// Who makes a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Worker,
    Person,
}

impl Protocol {
    /// A move by the worker or by time on the delivery as it is.
    pub fn make(&self, w: &mut World, event: Event) {
        self.make_by(w, event, By::Worker);
    }

    /// As [`Self::make`]; what the state machine refuses changes nothing. Returns whether it was made.
    pub fn make_by(&self, w: &mut World, event: Event, by: By) -> bool {
        let before = w.d.clone();
        self.make_on(w, &before, event, by)
    }

    /// A move on a copy of the delivery, written over what it is now.
    pub fn make_on(&self, w: &mut World, copy: &Delivery, event: Event, by: By) -> bool {
        let event = self.in_doubt(copy, event, w.now, by);
        let kind = event.kind();
        let Ok(mut next) = self.changes(copy, event, w.now) else { return false };
        // For people only: nothing is decided by it.
        next.evidence.clear();
        self.judge(w, &next, kind, by);
        w.d = Arc::new(next);
        true
    }

    /// First instant at which a read-back can be trusted: `Worker::quarantine`.
    pub fn quarantine(&self, send_deadline: Option<Timestamp>, now: Tick) -> Timestamp {
        let deadline = send_deadline.filter(|_| self.has(Guard::QuarantineFromDeadline));
        at(deadline.map_or(now, |deadline| tick(deadline).max(now)) + self.scene.timing.quarantine)
    }

    /// `Mover::in_doubt`: what may be live is found out about before it is put aside.
    fn in_doubt(&self, d: &Delivery, event: Event, now: Tick, by: By) -> Event {
        let quarantine_until = at(now + self.scene.timing.quarantine);
        let showing = d.intent.as_ref().is_some_and(|intent| intent.effect == Effect::Idempotent);
        match event {
            Event::Retry { reason, .. }
                if d.cancel_requested && showing && self.has(Guard::WishIsDoubt) =>
            {
                Event::Unclear { quarantine_until, reason }
            }
            Event::Expire | Event::Hold { .. } | Event::Exhaust { .. }
                if d.may_be_live()
                    && matches!(d.state, State::Leased | State::Intent)
                    && by == By::Worker
                    && self.has(Guard::DoubtIsSettled) =>
            {
                Event::Unclear { quarantine_until, reason: String::new() }
            }
            event => event,
        }
    }

    /// `Mover::changes`: the move, and what a wish to call it off makes of it.
    fn changes(&self, before: &Delivery, event: Event, now: Tick) -> Result<Delivery, Refused> {
        let kind = event.kind();
        let mut next = self.apply(before, event, now)?;
        let by_word = kind == EventKind::Absent && next.state == State::Published;
        let known =
            by_word || matches!(kind, EventKind::Live | EventKind::Found | EventKind::ConfirmLive);
        if next.cancel_requested {
            match next.state {
                State::Ready | State::Leased if next.may_be_live() => {}
                State::Ready | State::Leased if self.has(Guard::WishCancels) => {
                    next = next.apply(Event::Cancel { reason: String::new() }, at(now))?;
                }
                State::Published if known && self.has(Guard::WishRetracts) => {
                    next = next.apply(Event::Retract { reason: String::new() }, at(now))?;
                }
                _ => {}
            }
        }
        Ok(next)
    }

    /// `Delivery::apply`. A guard inside it is removed by changing what it looks at, or what it made of it.
    fn apply(&self, before: &Delivery, event: Event, now: Tick) -> Result<Delivery, Refused> {
        let now = at(now);
        let kind = event.kind();
        let mut d = before.clone();
        let mut event = event;
        match &mut event {
            Event::Claim { .. } => {
                d.fence = if self.has(Guard::FenceAtClaim) { d.fence } else { 0 };
                d.not_before = if self.has(Guard::WaitAtClaim) { d.not_before } else { now };
                if !self.has(Guard::WindowAtClaim) {
                    d.not_after = Timestamp::MAX;
                }
            }
            Event::Intend(intent) => {
                if !self.has(Guard::WordsAtIntent) {
                    d.digest = intent.digest;
                }
                if !self.has(Guard::WindowAtIntent) {
                    d.not_after = Timestamp::MAX;
                }
                if !self.has(Guard::LimitAtIntent) {
                    d.max_attempts = u32::MAX;
                }
                if let Some(lease) = d.lease.as_ref().filter(|_| !self.has(Guard::FenceAtIntent)) {
                    intent.fence = lease.fence;
                }
            }
            Event::LeaseLost { .. } => {
                let effect = d.intent.as_ref().map(|intent| intent.effect);
                if effect == Some(Effect::Public) && !self.has(Guard::LostIsUncertain) {
                    d.intent = None;
                }
                if let Some(intent) = &mut d.intent
                    && d.attempt >= d.max_attempts
                    && effect == Some(Effect::Idempotent)
                    && !self.has(Guard::LostShowIsUncertain)
                {
                    intent.effect = Effect::Hidden;
                }
            }
            Event::Unclear { .. } if !self.has(Guard::LongestQuarantine) => {
                d.quarantine_until = None;
            }
            Event::Absent { apart } => {
                if !self.has(Guard::Quarantine) {
                    d.quarantine_until = None;
                }
                if !self.has(Guard::Apart) {
                    *apart = SignedDuration::MIN;
                }
                if !self.has(Guard::TwoNegatives) {
                    d.absent.push(Timestamp::MIN);
                }
            }
            _ => {}
        }
        let mut next = d.apply(event, now)?;
        next.digest = before.digest;
        next.not_after = before.not_after;
        if next.max_attempts == u32::MAX {
            next.max_attempts = before.max_attempts;
        }
        match kind {
            EventKind::Claim => next.not_before = before.not_before,
            EventKind::Intend if !self.has(Guard::AttemptCounted) => next.attempt = before.attempt,
            EventKind::Snooze if !self.has(Guard::SnoozeIsFree) => next.paid = false,
            EventKind::Live if !self.has(Guard::ReceiptKept) => next.receipt = None,
            EventKind::LeaseLost if !self.has(Guard::LostRaisesFence) => next.fence = before.fence,
            EventKind::Cancel
                if !self.has(Guard::CancelIsWish)
                    && matches!(before.state, State::Intent | State::Uncertain) =>
            {
                next.state = State::Cancelled;
                next.lease = None;
            }
            _ => {}
        }
        if !self.has(Guard::MayBeLive) {
            next.public_since = None;
        }
        Ok(next)
    }

    /// What a move shows that a world does not.
    fn judge(&self, w: &mut World, next: &Delivery, kind: EventKind, by: By) {
        let before = w.d.clone();
        let was = before.state;
        if was.is_terminal() && next.state != was {
            self.broken(w, Rule::Final);
        }
        let begins = kind == EventKind::Intend
            && before.lease.as_ref().is_some_and(|lease| !lease.counted)
            && !w.snoozed;
        let costs = u32::from(begins);
        if next.attempt != before.attempt + costs || next.attempt > next.max_attempts {
            self.broken(w, Rule::Attempts);
        }
        w.snoozed = match kind {
            EventKind::Snooze => before.lease.as_ref().is_some_and(|lease| lease.counted),
            EventKind::Claim => w.snoozed,
            _ => false,
        };
        let fence = |d: &Delivery| d.lease.as_ref().map_or(0, |lease| lease.fence);
        match kind {
            EventKind::LeaseLost => w.lost = w.lost.max(fence(&before)),
            EventKind::Claim if fence(next) <= w.lost => self.broken(w, Rule::Owner),
            _ => {}
        }
        if next.fence < before.fence {
            self.broken(w, Rule::Owner);
        }
        let known = matches!(kind, EventKind::Live | EventKind::Found | EventKind::ConfirmLive);
        if known && next.cancel_requested && next.state == State::Published {
            self.broken(w, Rule::Wish);
        }
        if was != State::Uncertain && next.state == State::Uncertain {
            w.sound = 0;
        }
        let ended =
            was == State::Uncertain && next.state != State::Uncertain && next.receipt.is_none();
        if ended && by == By::Worker && w.sound < 2 {
            self.broken(w, Rule::Doubt);
        }
    }
}

/// Proof that a post is live, and how it came to be known.
pub fn receipt(post: Option<usize>, how: &str) -> Receipt {
    Receipt {
        remote_id: post.map_or_else(String::new, |post| post.to_string()),
        url: how.to_owned(),
        raw: serde_json::Value::Null,
        at: at(0),
    }
}
