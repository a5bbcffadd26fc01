//! What came of a request or a question: `delivery::{outcome, read_back}`.

use loa_model::{
    DeliveryEvent as Event, DeliveryState as State, Receipt, Ticket, delivery::Effect,
};

use super::{
    Guard, Protocol, Rule, Tick, World,
    moves::{By, receipt},
    worker::leave,
    world::{Outcome, Phase, Worker, at, same_doubt, tick},
};

impl Protocol {
    /// `At::answered` and `At::failed`.
    pub fn commit(&self, w: &mut World, place: usize) {
        let Phase::Heard(step, outcome) = w.workers[place].phase else { unreachable!() };
        let left = w.d.attempt < w.d.max_attempts;
        let until = at(w.now + self.scene.timing.wait);
        let reason = String::new;
        let unclear = |deadline| Event::Unclear {
            quarantine_until: self.quarantine(deadline, w.now),
            reason: reason(),
        };
        let retry = || Event::Retry { until, reason: reason(), restart: false };
        let exhaust = || Event::Exhaust { reason: reason() };
        let event = match outcome {
            Outcome::Live(post) => return self.live(w, place, &receipt(Some(post), "live")),
            Outcome::Accepted(post) => return self.go_on(w, place, "settle", post),
            Outcome::Drafted(draft) => return self.go_on(w, place, "show", usize::from(draft)),
            Outcome::Throttled => Event::Snooze { until, reason: reason() },
            Outcome::Refused if w.d.may_be_live() => unclear(None),
            Outcome::Refused => Event::Reject { reason: reason() },
            Outcome::Unavailable if left => retry(),
            Outcome::Unavailable if step.effect == Effect::Idempotent => unclear(None),
            Outcome::Unavailable => exhaust(),
            Outcome::Unknown => {
                let open = match step.declared {
                    Effect::Public => self.has(Guard::UnknownIsUncertain),
                    Effect::Idempotent => !left && self.has(Guard::UnknownShowIsUncertain),
                    Effect::Hidden | Effect::Read => false,
                };
                if open {
                    unclear(w.d.intent.as_ref().map(|intent| intent.send_deadline))
                } else if left || step.declared == Effect::Read {
                    retry()
                } else {
                    exhaust()
                }
            }
        };
        self.end(w, place, event);
    }

    /// `At::live` and `Mover::late_receipt`.
    fn live(&self, w: &mut World, place: usize, receipt: &Receipt) {
        if self.is_held(w, place) {
            self.make_held(w, place, Event::Live(receipt.clone()));
        } else if self.has(Guard::LateReceipt) {
            if w.d.state == State::Uncertain {
                self.make(w, Event::Found(receipt.clone()));
            }
            let known = w.d.receipt.as_ref().is_some_and(|r| r.remote_id == receipt.remote_id);
            w.incident |= !known;
        }
        let known = w.d.receipt.as_ref().is_some_and(|r| r.remote_id == receipt.remote_id);
        if !known && !w.incident {
            self.broken(w, Rule::Kept);
        }
        leave(w, place);
    }

    /// A step is done; the chain goes on from its ticket.
    fn go_on(&self, w: &mut World, place: usize, step: &str, data: usize) {
        let ticket = Ticket { step: step.to_owned(), data: data.into() };
        let made = self.is_held(w, place) && self.make_held(w, place, Event::Step { ticket });
        if made && w.d.state == State::Leased {
            w.workers[place].phase = Phase::Chosen;
        } else {
            leave(w, place);
        }
    }

    /// One question after an accepted post, and what comes of it.
    pub fn poll(&self, w: &mut World, place: usize, shown: Option<usize>) {
        self.list(w, shown);
        if let Some(post) = shown {
            return self.live(w, place, &receipt(Some(post), "live"));
        }
        let until = at(w.now + self.scene.timing.wait);
        self.end(w, place, Event::Snooze { until, reason: String::new() });
    }

    /// The first half of `At::read_back`.
    pub fn ask(&self, w: &mut World, place: usize, shown: Option<usize>) {
        self.list(w, shown);
        let last = w.d.absent.last().map_or(Tick::MIN, |at| tick(*at));
        let apart = w.now.saturating_sub(self.scene.timing.apart) >= last;
        let sound = apart && !self.is_under_way(w);
        w.workers[place].phase = Phase::Asked { found: shown, of: w.d.clone(), sound };
    }

    /// Whether something may still become public, or is and listings do not show it yet.
    fn is_under_way(&self, w: &World) -> bool {
        let may_leave = |worker: &Worker| match worker.phase {
            Phase::Opened(step, _) => step.effect != Effect::Hidden,
            Phase::Intended(step) | Phase::Prepared(step) => {
                step.effect != Effect::Hidden
                    && w.now < step.deadline
                    && worker.tenure.is_some_and(|tenure| w.now < tenure.until)
            }
            _ => false,
        };
        w.workers.iter().any(may_leave)
            || w.flights.iter().any(|flight| !flight.hidden)
            || w.posts.iter().any(|post| post.age < self.scene.timing.lag)
    }

    /// Its second half.
    pub fn answer(&self, w: &mut World, place: usize) {
        let Phase::Asked { found, of, sound } = w.workers[place].phase.clone() else {
            unreachable!()
        };
        let same = same_doubt(&of, &w.d);
        let counts = w.d.state == State::Uncertain && (same || !self.has(Guard::FreshAnswers));
        match found {
            Some(post) if w.d.state == State::Uncertain => {
                self.make(w, Event::Found(receipt(Some(post), "found")));
            }
            None if counts => {
                w.sound += u8::from(sound && same);
                let apart = jiff::SignedDuration::from_secs(self.scene.timing.apart);
                let made = self.make_by(w, Event::Absent { apart }, By::Worker);
                if !made {
                    w.sound -= u8::from(sound && same);
                }
            }
            _ => {}
        }
        leave(w, place);
    }
}
