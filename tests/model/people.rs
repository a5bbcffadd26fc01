//! What people do, each act at most once, and truthfully.

use loa_model::{DeliveryEvent as Event, DeliveryState as State, UserId, delivery::Sighting};

use super::{
    Guard, Protocol, Tick, World,
    moves::{By, receipt},
    world::tick,
};

/// An act of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Cancel,
    Hold,
    Release,
    Retract,
    /// The article changed: the post is void, its delivery held. `Review::article_changed`.
    Withdraw,
    /// Something changes the words of the post behind everybody's back.
    Tamper,
    Kill,
    LiftKill,
    Pause,
    Resume,
    ConfirmLive,
    /// They saw it where the platform can be read too: the search goes on.
    SeenLive,
    ConfirmAbsent,
}

impl Act {
    const ALL: [Self; 13] = [
        Self::Cancel,
        Self::Hold,
        Self::Release,
        Self::Retract,
        Self::Withdraw,
        Self::Tamper,
        Self::Kill,
        Self::LiftKill,
        Self::Pause,
        Self::Resume,
        Self::ConfirmLive,
        Self::SeenLive,
        Self::ConfirmAbsent,
    ];

    pub fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl Protocol {
    pub fn acts(&self, w: &World, mut add: impl FnMut(Act)) {
        for act in Act::ALL {
            if w.may(act) && self.is_possible(w, act) {
                add(act);
            }
        }
    }

    fn is_possible(&self, w: &World, act: Act) -> bool {
        let unsent = matches!(w.d.state, State::Scheduled | State::Ready | State::Leased);
        match act {
            Act::Cancel => {
                unsent || matches!(w.d.state, State::Held | State::Intent | State::Uncertain)
            }
            Act::Hold => unsent,
            Act::Release => w.d.state == State::Held,
            Act::Retract => w.d.state == State::Published,
            Act::Withdraw | Act::Tamper => !w.d.state.is_terminal() && w.d.receipt.is_none(),
            Act::Kill => !w.killed,
            Act::LiftKill => w.killed,
            Act::Pause => !w.paused,
            Act::Resume => w.paused,
            Act::ConfirmLive | Act::SeenLive => w.d.state == State::Uncertain && w.live() > 0,
            Act::ConfirmAbsent => {
                w.d.state == State::Uncertain && w.live() == 0 && !self.may_be_under_way(w)
            }
        }
    }

    /// `Desk::confirm_absent`: people wait until a request that left in time has arrived.
    fn may_be_under_way(&self, w: &World) -> bool {
        let timing = &self.scene.timing;
        let longest = Tick::from(timing.freeze.unwrap_or(0) + timing.travel);
        let deadline = w.d.intent.as_ref().map(|intent| tick(intent.send_deadline));
        let quarantine = w.d.quarantine_until.map(|until| tick(until) - timing.quarantine);
        self.has(Guard::PersonWaits)
            && deadline.max(quarantine).is_some_and(|last_sent| w.now < last_sent + longest)
    }

    pub fn act(&self, w: &mut World, act: Act) {
        if act != Act::ConfirmLive {
            w.acts |= act.bit();
        }
        let reason = String::new;
        let by = UserId(uuid::Uuid::nil());
        let event = match act {
            Act::Cancel => Event::Cancel { reason: reason() },
            Act::Hold => Event::Hold { reason: reason() },
            Act::Release => Event::Release,
            Act::Retract => Event::Retract { reason: reason() },
            Act::ConfirmLive => Event::ConfirmLive { receipt: receipt(None, "person"), by },
            Act::SeenLive => Event::SeenLive(Sighting { receipt: receipt(None, "person"), by }),
            Act::ConfirmAbsent => Event::ConfirmAbsent { by, reason: reason() },
            Act::Withdraw => {
                w.void = true;
                let unsent = matches!(w.d.state, State::Scheduled | State::Ready | State::Leased);
                if !unsent || w.d.may_be_live() {
                    return;
                }
                Event::Hold { reason: reason() }
            }
            Act::Tamper => return w.tampered = true,
            Act::Kill => return w.killed = true,
            Act::LiftKill => return w.killed = false,
            Act::Pause => return w.paused = true,
            Act::Resume => return w.paused = false,
        };
        self.make_by(w, event, By::Person);
    }
}
