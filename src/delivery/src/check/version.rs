//! One version of a delivery: what it shows by itself, and what it made of the version before.

use jiff::Timestamp;
use loa_model::{Actor, Delivery, DeliveryState as State, Digest, delivery::Effect};

use super::Breach;

/// Takes what is found.
pub(super) type Note<'a> = dyn FnMut(Breach) + 'a;

/// What the next version of a delivery is held against.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub(super) state: State,
    attempt: u32,
    fence: u64,
    holder: Option<String>,
    /// Of the id on the platform.
    remote: Option<Digest>,
    quarantine_until: Option<Timestamp>,
    absent: usize,
    /// Whether a person wants it not to be live.
    pub(super) called_off: bool,
    /// What forbade the step when its intent was written: then nothing of it may have been sent.
    pub(super) stop: Option<Breach>,
}

impl Before {
    pub(super) fn of(now: &Delivery, stop: Option<Breach>) -> Self {
        Self {
            state: now.state,
            attempt: now.attempt,
            fence: now.fence,
            holder: now.lease.as_ref().map(|lease| lease.owner.clone()),
            remote: remote(now),
            quarantine_until: now.quarantine_until,
            absent: now.absent.len(),
            called_off: now.cancel_requested,
            stop,
        }
    }
}

fn remote(d: &Delivery) -> Option<Digest> {
    d.receipt.as_ref().map(|receipt| Digest::of(receipt.remote_id.as_bytes()))
}

/// What a delivery shows by itself.
pub(super) fn alone(d: &Delivery, note: &mut Note<'_>) {
    let was_live = matches!(
        d.state,
        State::Published | State::Correcting | State::Retracting | State::Retracted | State::Gone
    );
    match &d.receipt {
        None if was_live => note(Breach::NoReceipt),
        Some(receipt) if receipt.remote_id.is_empty() && d.evidence.is_empty() => {
            note(Breach::EmptyReceipt);
        }
        Some(_) if d.attempt == 0 => note(Breach::NeverSent),
        _ => {}
    }
    match &d.intent {
        None if d.state == State::Intent => note(Breach::NoIntent),
        Some(intent) if intent.digest != d.digest => note(Breach::OtherIntent),
        Some(intent) if intent.effect == Effect::Read => note(Breach::ReadIntent),
        Some(intent)
            if d.state == State::Intent
                && d.lease.as_ref().map(|lease| lease.fence) != Some(intent.fence) =>
        {
            note(Breach::OtherFence);
        }
        _ => {}
    }
    if d.attempt > d.max_attempts {
        note(Breach::TooManyAttempts);
    }
    if d.state == State::Uncertain && d.quarantine_until.is_none() {
        note(Breach::NoQuarantine);
    }
}

/// A version and the one before.
pub(super) struct Version<'a> {
    pub(super) actor: &'a Actor,
    pub(super) before: &'a Before,
    pub(super) now: &'a Delivery,
}

impl Version<'_> {
    /// What it made of the version before.
    pub(super) fn moved(&self, note: &mut Note<'_>) {
        let Self { before, now, .. } = self;
        if before.state.is_terminal() && now.state != before.state {
            note(Breach::WentOn);
        }
        if now.attempt < before.attempt {
            note(Breach::AttemptsFell);
        }
        if now.attempt > before.attempt
            && (now.attempt > before.attempt + 1 || now.state != State::Intent)
        {
            note(Breach::AttemptsRose);
        }
        if now.fence < before.fence {
            note(Breach::FenceFell);
        }
        if let Some(stop) = before.stop.filter(|_| self.was_sent()) {
            note(stop);
        }
        if let Actor::Worker(worker) = self.actor {
            self.moved_by(worker, note);
        }
    }

    /// Whether a step whose intent stood before got an answer. A lost lease raises the fence; a worker that saw a stop puts
    /// it back.
    fn was_sent(&self) -> bool {
        let answered = matches!(
            self.now.state,
            State::Leased
                | State::Published
                | State::Retracting
                | State::Uncertain
                | State::Rejected
                | State::Dead
        );
        self.before.state == State::Intent && answered && self.now.fence == self.before.fence
    }

    /// What only a person may do.
    fn moved_by(&self, worker: &str, note: &mut Note<'_>) {
        let Self { before, now, .. } = self;
        if before.remote.is_some() && before.remote != remote(now) {
            note(Breach::OtherReceipt);
        }
        // Who does not hold it may take it away, or put it aside before anything of it is sent.
        let taken = now.fence > before.fence;
        let aside = before.state == State::Leased && now.state == State::Held;
        let held_by_another = before.holder.as_ref().is_some_and(|holder| holder != worker);
        if held_by_another && !taken && !aside {
            note(Breach::NotTheHolder);
        }
        let again = matches!(now.state, State::Ready | State::Dead | State::Cancelled);
        if before.state == State::Uncertain && again {
            // The second one is in this version.
            if before.absent == 0 {
                note(Breach::NotAbsentTwice);
            }
            if before.quarantine_until.is_some_and(|until| now.updated_at < until) {
                note(Breach::WithinQuarantine);
            }
        }
    }
}
