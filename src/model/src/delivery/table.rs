//! The transition table of a delivery: every state and event is listed or refused.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::IllegalMove;

/// State of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Approved, waits for its time.
    Scheduled,
    /// Due, waits for the account.
    Ready,
    /// A worker has it; nothing is being sent.
    Leased,
    /// A step may be on the wire.
    Intent,
    /// Live, with proof.
    Published,
    /// It is not known whether it is live.
    Uncertain,
    /// The platform refuses the content.
    Rejected,
    /// Given up after the last attempt.
    Dead,
    /// Its article changed; a person decides.
    Held,
    /// Called off by a person.
    Cancelled,
    /// Its window passed; a person decides.
    Missed,
    /// A correction is on its way.
    Correcting,
    /// A retraction is on its way.
    Retracting,
    /// Taken back.
    Retracted,
    /// No longer shown by the platform, not by our hand.
    Gone,
}

/// The kind of an [`Event`], for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the event of the same name")]
pub enum EventKind {
    Due,
    Spread,
    Reschedule,
    Cancel,
    Expire,
    Hold,
    Release,
    Claim,
    Snooze,
    LeaseLost,
    Intend,
    Step,
    Live,
    Retry,
    Reject,
    Exhaust,
    Unclear,
    Found,
    Absent,
    ConfirmLive,
    SeenLive,
    ConfirmAbsent,
    Correct,
    Corrected,
    Retract,
    RetractDone,
    SeenGone,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 27] = [
        Self::Due,
        Self::Spread,
        Self::Reschedule,
        Self::Cancel,
        Self::Expire,
        Self::Hold,
        Self::Release,
        Self::Claim,
        Self::Snooze,
        Self::LeaseLost,
        Self::Intend,
        Self::Step,
        Self::Live,
        Self::Retry,
        Self::Reject,
        Self::Exhaust,
        Self::Unclear,
        Self::Found,
        Self::Absent,
        Self::ConfirmLive,
        Self::SeenLive,
        Self::ConfirmAbsent,
        Self::Correct,
        Self::Corrected,
        Self::Retract,
        Self::RetractDone,
        Self::SeenGone,
    ];
}

impl Event {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        use EventKind as K;
        match self {
            Self::Due => K::Due,
            Self::Spread { .. } => K::Spread,
            Self::Reschedule { .. } => K::Reschedule,
            Self::Cancel { .. } => K::Cancel,
            Self::Expire => K::Expire,
            Self::Hold { .. } => K::Hold,
            Self::Release => K::Release,
            Self::Claim { .. } => K::Claim,
            Self::Snooze { .. } => K::Snooze,
            Self::LeaseLost { .. } => K::LeaseLost,
            Self::Intend(_) => K::Intend,
            Self::Step { .. } => K::Step,
            Self::Live(_) => K::Live,
            Self::Retry { .. } => K::Retry,
            Self::Reject { .. } => K::Reject,
            Self::Exhaust { .. } => K::Exhaust,
            Self::Unclear { .. } => K::Unclear,
            Self::Found(_) => K::Found,
            Self::Absent { .. } => K::Absent,
            Self::ConfirmLive { .. } => K::ConfirmLive,
            Self::SeenLive(_) => K::SeenLive,
            Self::ConfirmAbsent { .. } => K::ConfirmAbsent,
            Self::Correct => K::Correct,
            Self::Corrected { .. } => K::Corrected,
            Self::Retract { .. } => K::Retract,
            Self::RetractDone { .. } => K::RetractDone,
            Self::SeenGone => K::SeenGone,
        }
    }
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 15] = [
        Self::Scheduled,
        Self::Ready,
        Self::Leased,
        Self::Intent,
        Self::Published,
        Self::Uncertain,
        Self::Rejected,
        Self::Dead,
        Self::Held,
        Self::Cancelled,
        Self::Missed,
        Self::Correcting,
        Self::Retracting,
        Self::Retracted,
        Self::Gone,
    ];

    /// The state after `event`, before its guards. `Cancel`, `LeaseLost`, `Absent`, `Corrected` and `RetractDone` may end elsewhere,
    /// as [`Delivery::apply`](super::Delivery::apply) says.
    ///
    /// # Errors
    /// [`IllegalMove`] when the table does not list the move.
    pub fn next(self, event: EventKind) -> Result<Self, IllegalMove> {
        use {DeliveryState as S, EventKind as E};
        let state = match (self, event) {
            (S::Scheduled, E::Due)
            | (S::Held, E::Release)
            | (S::Leased, E::LeaseLost)
            | (S::Leased | S::Intent, E::Retry | E::Snooze)
            | (S::Uncertain, E::ConfirmAbsent) => S::Ready,
            (S::Scheduled, E::Spread) | (S::Scheduled | S::Ready, E::Reschedule) => S::Scheduled,
            (S::Ready, E::Claim) | (S::Leased | S::Intent, E::Step) => S::Leased,
            (S::Leased, E::Intend) | (S::Intent, E::Cancel) => S::Intent,
            (S::Leased | S::Intent, E::Unclear)
            | (S::Intent, E::LeaseLost)
            | (S::Uncertain, E::Absent | E::Cancel | E::SeenLive) => S::Uncertain,
            (S::Leased | S::Intent, E::Live)
            | (S::Uncertain, E::Found | E::ConfirmLive)
            | (S::Correcting, E::Corrected) => S::Published,
            (S::Leased | S::Intent, E::Reject) => S::Rejected,
            (S::Leased | S::Intent, E::Exhaust) => S::Dead,
            (S::Scheduled | S::Ready | S::Leased, E::Hold) => S::Held,
            (S::Scheduled | S::Ready | S::Leased | S::Held, E::Cancel) => S::Cancelled,
            (S::Scheduled | S::Ready | S::Leased | S::Held, E::Expire) => S::Missed,
            (S::Published, E::Correct) => S::Correcting,
            (S::Published, E::Retract) => S::Retracting,
            (S::Retracting, E::RetractDone) => S::Retracted,
            (S::Published, E::SeenGone) => S::Gone,
            _ => {
                return Err(IllegalMove {
                    what: "delivery",
                    state: format!("{self:?}"),
                    event: format!("{event:?}"),
                });
            }
        };
        Ok(state)
    }

    /// Whether it ended without being live, so that its post may be tried again.
    pub fn is_unsent(self) -> bool {
        matches!(self, Self::Rejected | Self::Dead | Self::Cancelled | Self::Missed)
    }

    /// Whether nothing moves it any more. A person's retry makes a new delivery.
    pub fn is_terminal(self) -> bool {
        self.is_unsent() || matches!(self, Self::Retracted | Self::Gone)
    }

    /// The name in records, indexes and the interface.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Intent => "intent",
            Self::Published => "published",
            Self::Uncertain => "uncertain",
            Self::Rejected => "rejected",
            Self::Dead => "dead",
            Self::Held => "held",
            Self::Cancelled => "cancelled",
            Self::Missed => "missed",
            Self::Correcting => "correcting",
            Self::Retracting => "retracting",
            Self::Retracted => "retracted",
            Self::Gone => "gone",
        }
    }
}
