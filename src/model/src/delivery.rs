//! One approved post on its way to its account: state machine, guards and the record.
//!
//! `Delivery::apply` is the only way a delivery changes. It is pure: the worker commits its result with the expected
//! version, then acts. The table itself is [`DeliveryState::next`] in `delivery/table.rs`.

mod index;
mod planned;
mod proof;
mod table;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use proof::{Evidence, Receipt, Sighting};
pub use table::{DeliveryState, EventKind};

use crate::{
    account::AccountName,
    digest::Digest,
    ids::{ArticleId, DeliveryId, PostId, UserId},
    job::{MOST_LOST, Priority},
    record::is_zero,
};

/// What one step of a publishing chain does to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing: a pure read. Needs no intent.
    Read,
    /// Makes something the audience cannot see; a second one is harmless.
    Hidden,
    /// May show something to the audience: an unknown outcome is `uncertain`.
    Public,
    /// May be repeated freely with the same result (make public by id).
    Idempotent,
}

/// Where a publishing chain stands. Opaque to everyone but the adapter; committed before the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Name of the next step, for people and logs.
    pub step: String,
    /// The adapter's own data. Never a secret.
    pub data: serde_json::Value,
}

/// What was durably written before a step with an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Step of the chain.
    pub step: String,
    /// Its effect.
    pub effect: Effect,
    /// Digest of the content about to be sent: equals the approved one.
    pub digest: Digest,
    /// Fence of the lease it was written under.
    pub fence: u64,
    /// Written at.
    pub at: Timestamp,
    /// After this nothing of it may leave the machine.
    pub send_deadline: Timestamp,
}

/// Who works on it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Worker.
    pub owner: String,
    /// Fence of the account's lease.
    pub fence: u64,
    /// Until.
    pub until: Timestamp,
    /// Whether an intent was written under this lease: the attempt is counted once.
    pub counted: bool,
}

/// One approved post on its way to its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Id.
    pub id: DeliveryId,
    /// Agency (tenant).
    pub agency: String,
    /// Post.
    pub post: PostId,
    /// Article of the post.
    pub article: ArticleId,
    /// Account.
    pub account: AccountName,
    /// Digest that was approved.
    pub digest: Digest,
    /// Marker of read-back: the code of the post's short link.
    pub marker: String,
    /// State.
    pub state: DeliveryState,
    /// Urgency.
    pub priority: Priority,
    /// To be posted at.
    pub due_at: Timestamp,
    /// Never after.
    pub not_after: Timestamp,
    /// Not tried again before.
    pub not_before: Timestamp,
    /// Attempts that wrote an intent.
    pub attempt: u32,
    /// Workers lost with it in a row, each before it did anything with it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// Highest fence that touched it.
    pub fence: u64,
    /// The worker on it.
    pub lease: Option<Lease>,
    /// The intent of the step under way, or of the step whose outcome is unclear.
    pub intent: Option<Intent>,
    /// Where the chain stands.
    pub ticket: Option<Ticket>,
    /// Proof, once live.
    pub receipt: Option<Receipt>,
    /// First intent of the running attempt: read-back looks from here.
    pub sending_since: Option<Timestamp>,
    /// Since when it may be live although the chain goes on: a step that makes public was accepted, or one that may be
    /// repeated has no known outcome.
    #[serde(default)]
    pub public_since: Option<Timestamp>,
    /// Whether the running attempt is counted: a chain that was snoozed goes on without costing another.
    #[serde(default)]
    pub paid: bool,
    /// No read-back before: then every request that was lost has arrived and is listed.
    pub quarantine_until: Option<Timestamp>,
    /// Negative read-backs since the outcome became unclear.
    pub absent: Vec<Timestamp>,
    /// What was seen, kept for the person who decides.
    pub evidence: Vec<Evidence>,
    /// A person saw it live while its outcome is unclear: it is never sent again, and their word stands when the search for a
    /// receipt ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_live: Option<Box<Sighting>>,
    /// A person wants it not to be live: becomes a retraction once its outcome is known.
    pub cancel_requested: bool,
    /// Why it is where it is, for people.
    pub reason: String,
    /// The delivery a person retried.
    pub retry_of: Option<DeliveryId>,
    /// Made at.
    pub created_at: Timestamp,
    /// Changed at.
    pub updated_at: Timestamp,
}

/// What happens to a delivery, with what the commit must write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its time has come.
    Due,
    /// Its time has come together with that of other accounts of its app: it goes a little later than they do.
    Spread {
        /// Not before.
        until: Timestamp,
    },
    /// A person gives it another time within its window, before anything of it was sent.
    Reschedule {
        /// When.
        at: Timestamp,
    },
    /// A person called it off.
    Cancel {
        /// Why.
        reason: String,
    },
    /// It is later than its `not_after`.
    Expire,
    /// Its article was superseded or withdrawn.
    Hold {
        /// Why.
        reason: String,
    },
    /// A person lets a held one go.
    Release,
    /// The owner of the account's lease takes it.
    Claim {
        /// Worker.
        owner: String,
        /// Fence of the account's lease.
        fence: u64,
        /// Lease end.
        until: Timestamp,
    },
    /// Not now (limit, quota, quiet hours, credentials); costs no attempt. From `intent` only when provably nothing was done.
    Snooze {
        /// Not before.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// The worker is gone, died or gave it back.
    LeaseLost {
        /// No read-back before, should the outcome be unclear.
        quarantine_until: Timestamp,
    },
    /// Durable word that a step is about to be sent.
    Intend(Intent),
    /// The step succeeded; the chain goes on.
    Step {
        /// Where it stands now.
        ticket: Ticket,
    },
    /// It is live.
    Live(Receipt),
    /// Provably refused, or a step that may be repeated failed; try again.
    Retry {
        /// Not before.
        until: Timestamp,
        /// Why.
        reason: String,
        /// Start the chain again (true) or go on from the ticket.
        restart: bool,
    },
    /// The platform refuses the content.
    Reject {
        /// The platform's reason.
        reason: String,
    },
    /// No attempt is left.
    Exhaust {
        /// Last reason.
        reason: String,
    },
    /// The outcome of a public step is not known.
    Unclear {
        /// No read-back before.
        quarantine_until: Timestamp,
        /// What happened.
        reason: String,
    },
    /// Read-back found it.
    Found(Receipt),
    /// Read-back did not find it.
    Absent {
        /// Smallest distance of two negative read-backs.
        apart: jiff::SignedDuration,
    },
    /// A person says it is there.
    ConfirmLive {
        /// With what is known of it.
        receipt: Receipt,
        /// Who.
        by: UserId,
    },
    /// A person saw it, and the search for a receipt goes on.
    SeenLive(Sighting),
    /// A person says it is not there.
    ConfirmAbsent {
        /// Who.
        by: UserId,
        /// Why they are sure.
        reason: String,
    },
    /// A correction is on its way.
    Correct,
    /// The correction is live, or failed with a reason.
    Corrected {
        /// Empty when it is live.
        failure: String,
    },
    /// A retraction is on its way.
    Retract {
        /// Why.
        reason: String,
    },
    /// The retraction is done, or failed with a reason.
    RetractDone {
        /// Empty when it is gone from the platform.
        failure: String,
    },
    /// The platform no longer shows it, seen twice.
    SeenGone,
}

/// Why a delivery that may be live is not put aside.
const MAY_BE_LIVE: &str = "it may be live: its outcome is found out first";

/// Why an event was refused. The record is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The table does not list the move.
    #[error(transparent)]
    Illegal(#[from] crate::IllegalMove),
    /// A guard does not hold.
    #[error("guard refused {event:?}: {why}")]
    Guard {
        /// Event.
        event: EventKind,
        /// Guard that does not hold.
        why: &'static str,
    },
}

impl Delivery {
    /// Whether the platform's id of the live post is known: without one nothing can be asked of the platform about it.
    pub fn has_remote_id(&self) -> bool {
        self.receipt.as_ref().is_some_and(|receipt| !receipt.remote_id.is_empty())
    }

    /// The delivery after `event`, or why not.
    ///
    /// # Errors
    /// [`Refused::Illegal`] when the table does not list the move, [`Refused::Guard`] when a guard does not hold.
    pub fn apply(&self, event: Event, now: Timestamp) -> Result<Self, Refused> {
        let kind = event.kind();
        let guard = |holds: bool, why: &'static str| {
            if holds { Ok(()) } else { Err(Refused::Guard { event: kind, why }) }
        };
        let mut next = self.clone();
        next.state = self.state.next(kind)?;
        next.updated_at = now;
        match event {
            Event::Due => guard(now >= self.due_at.max(self.not_before), "not due")?,
            Event::Spread { until } => {
                guard(now >= self.due_at, "not due")?;
                guard(self.not_before <= self.due_at, "spread already")?;
                guard(until < self.not_after, "beyond its window")?;
                next.not_before = until;
            }
            Event::Reschedule { at } => {
                guard(at >= now, "in the past")?;
                guard(at <= self.not_after, "beyond its window")?;
                guard(self.is_untouched(), "something of it was sent")?;
                (next.due_at, next.not_before) = (at, at);
                next.reason.clear();
            }
            Event::Expire => {
                guard(now > self.not_after, "not past its not_after")?;
                guard(!self.may_be_live(), MAY_BE_LIVE)?;
                next.unlease();
                "the time window passed".clone_into(&mut next.reason);
            }
            Event::Cancel { reason } => {
                if matches!(self.state, DeliveryState::Intent | DeliveryState::Uncertain) {
                    next.cancel_requested = true;
                } else if self.may_be_live() && self.state != DeliveryState::Held {
                    // Called off now, nobody would look whether it becomes live.
                    next.state = self.state;
                    next.cancel_requested = true;
                } else {
                    next.unlease();
                }
                next.reason = reason;
            }
            Event::Hold { reason } => {
                guard(!self.may_be_live(), MAY_BE_LIVE)?;
                next.unlease();
                next.reason = reason;
            }
            Event::Release => {
                next.lost = 0;
                next.reason.clear();
            }
            Event::Claim { owner, fence, until } => {
                guard(now >= self.not_before, "not before its not_before")?;
                // Nothing more is sent then, but what was sent is looked after.
                guard(now <= self.not_after || self.may_be_live(), "past its not_after")?;
                guard(fence >= self.fence, "older fence")?;
                guard(until > now, "lease already over")?;
                next.fence = fence;
                next.lease = Some(Lease { owner, fence, until, counted: self.paid });
            }
            Event::Snooze { until, reason } => {
                next.lease = None;
                next.intent = None;
                next.not_before = until;
                next.lost = 0;
                next.reason = reason;
            }
            Event::LeaseLost { quarantine_until } => next.lose_lease(quarantine_until),
            Event::Intend(intent) => {
                let lease = next.lease.as_mut().filter(|lease| lease.fence == intent.fence);
                guard(lease.is_some(), "fence is not current")?;
                guard(self.lease.as_ref().is_some_and(|l| now < l.until), "lease is over")?;
                guard(intent.digest == self.digest, "digest is not the approved one")?;
                guard(now <= self.not_after, "past its not_after")?;
                guard(intent.effect != Effect::Read, "a read needs no intent")?;
                if let Some(lease) = lease.filter(|lease| !lease.counted) {
                    lease.counted = true;
                    next.paid = true;
                    next.attempt += 1;
                }
                guard(next.attempt <= self.max_attempts, "no attempt left")?;
                next.lost = 0;
                next.sending_since = next.sending_since.or(Some(now));
                next.intent = Some(intent);
            }
            Event::Step { ticket } => {
                let effect = next.intent.take().map(|intent| intent.effect);
                if matches!(effect, Some(Effect::Public | Effect::Idempotent)) {
                    next.public_since.get_or_insert(now);
                }
                next.lost = 0;
                next.ticket = Some(ticket);
            }
            Event::Live(receipt) | Event::Found(receipt) => next.live(receipt),
            Event::ConfirmLive { receipt, by } => {
                next.note(now, format!("user {by} says it is live"));
                next.live(receipt);
            }
            Event::Retry { until, reason, restart } => {
                next.lease = None;
                next.paid = false;
                // Repeating it is harmless, but it may have worked.
                if next.intent.take().is_some_and(|intent| intent.effect == Effect::Idempotent) {
                    next.public_since.get_or_insert(now);
                }
                next.not_before = until;
                next.reason = reason;
                if restart {
                    guard(!next.may_be_live(), MAY_BE_LIVE)?;
                    next.ticket = None;
                    next.sending_since = None;
                }
            }
            Event::Reject { reason } | Event::Exhaust { reason } => {
                guard(kind != EventKind::Exhaust || !self.may_be_live(), MAY_BE_LIVE)?;
                next.unlease();
                next.intent = None;
                next.reason = reason;
            }
            Event::Unclear { quarantine_until, reason } => {
                next.unclear(quarantine_until, reason, now);
            }
            Event::Absent { apart } => {
                let quiet = self.quarantine_until.is_none_or(|until| now >= until);
                guard(quiet, "still in quarantine")?;
                let spaced =
                    self.absent.last().is_none_or(|last| now.duration_since(*last) >= apart);
                guard(spaced, "too soon after the last read-back")?;
                next.absent.push(now);
                next.note(now, "read-back did not find it".to_owned());
                if next.absent.len() >= 2 {
                    if let Some(seen) = next.seen_live.take() {
                        next.state = DeliveryState::Published;
                        next.live(seen.receipt);
                        return Ok(next);
                    }
                    next.forget_attempt();
                    next.state = if self.attempt < self.max_attempts {
                        DeliveryState::Ready
                    } else {
                        DeliveryState::Dead
                    };
                }
            }
            Event::SeenLive(seen) => {
                next.note(now, format!("user {} says it is live", seen.by));
                next.seen_live = Some(Box::new(seen));
            }
            Event::ConfirmAbsent { by, reason } => {
                next.note(now, format!("user {by} says it is not live: {reason}"));
                next.forget_attempt();
                // A person's word buys one more try even at the last attempt.
                next.max_attempts = next.max_attempts.max(next.attempt + 1);
                next.reason = reason;
            }
            Event::Correct | Event::SeenGone => {}
            Event::Corrected { failure } | Event::RetractDone { failure }
                if !failure.is_empty() =>
            {
                next.state = DeliveryState::Published;
                next.note(now, failure.clone());
                next.reason = failure;
            }
            Event::Corrected { .. } | Event::RetractDone { .. } => next.reason.clear(),
            Event::Retract { reason } => next.reason = reason,
        }
        Ok(next)
    }

    /// Whether the audience may see it although there is no proof yet. It is then neither missed, held nor given up: it
    /// goes on until it is live or uncertain.
    pub fn may_be_live(&self) -> bool {
        self.public_since.is_some()
    }

    /// Whether every worker that took it died with it before anything was sent: the next one would too.
    pub fn is_poison(&self) -> bool {
        self.lost >= MOST_LOST && !self.may_be_live()
    }

    /// Whether the lease's fence is this one and it still holds.
    pub fn is_held_by(&self, fence: u64, now: Timestamp) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.fence == fence && now < lease.until)
    }

    fn live(&mut self, receipt: Receipt) {
        self.unlease();
        self.intent = None;
        self.quarantine_until = None;
        self.receipt = Some(receipt);
        self.seen_live = None;
        self.reason.clear();
    }

    fn unlease(&mut self) {
        self.lease = None;
    }

    fn note(&mut self, at: Timestamp, what: String) {
        self.evidence.push(Evidence { at, what });
    }

    fn forget_attempt(&mut self) {
        self.lease = None;
        self.intent = None;
        self.ticket = None;
        self.sending_since = None;
        self.public_since = None;
        self.paid = false;
        self.quarantine_until = None;
        self.absent.clear();
        self.seen_live = None;
    }

    fn unclear(&mut self, quarantine_until: Timestamp, reason: String, now: Timestamp) {
        self.state = DeliveryState::Uncertain;
        self.lease = None;
        self.quarantine_until = self.quarantine_until.max(Some(quarantine_until));
        self.absent.clear();
        self.note(now, reason.clone());
        self.reason = reason;
    }

    /// Nothing was sent → ready; a harmless step may be repeated → ready; a public step was under way → uncertain. With no
    /// attempt left what may be live is uncertain too: given up, nobody would look whether it is live.
    fn lose_lease(&mut self, quarantine_until: Timestamp) {
        self.fence += 1;
        self.lease = None;
        self.paid = false;
        match self.intent.as_ref().map(|intent| intent.effect) {
            None => {
                self.lost += 1;
                self.state = DeliveryState::Ready;
            }
            Some(Effect::Public) => {
                let reason = "the worker was lost while sending".to_owned();
                self.unclear(quarantine_until, reason, self.updated_at);
            }
            Some(effect)
                if self.attempt >= self.max_attempts
                    && (effect == Effect::Idempotent || self.may_be_live()) =>
            {
                let reason = "the worker was lost while making it public".to_owned();
                self.unclear(quarantine_until, reason, self.updated_at);
            }
            Some(effect @ (Effect::Read | Effect::Hidden | Effect::Idempotent)) => {
                if effect == Effect::Idempotent {
                    self.public_since.get_or_insert(self.updated_at);
                    // Its request may still be on its way when the outcome of a later one becomes unclear.
                    self.quarantine_until = self.quarantine_until.max(Some(quarantine_until));
                }
                self.intent = None;
                if self.attempt < self.max_attempts {
                    self.state = DeliveryState::Ready;
                } else {
                    self.state = DeliveryState::Dead;
                    "the worker was lost in the last attempt".clone_into(&mut self.reason);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
