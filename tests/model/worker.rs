//! The worker, await by await, up to the answer: `delivery::{worker, errand, chain, gate, sweep, aftercare}`.

use std::sync::Arc;

use loa_model::{
    Delivery, DeliveryEvent as Event, DeliveryState as State, Intent, delivery::Effect,
};

use super::{
    Guard, Protocol, Rule, Tick, World,
    moves::By,
    world::{Flight, Outcome, Owner, Phase, Step, Tenure, at, number, tick, words},
};

/// A lease of a delivery is longer than any chain here.
const DELIVERY_LEASE: Tick = 1_000_000_000;

/// One move of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Takes the account.
    Take,
    /// A start declares the leases of an earlier one lost.
    Succeed,
    /// Takes the delivery from whoever lost the account.
    Recover,
    Claim,
    /// Looks whether the next step may be taken; ends the errand when not.
    Look,
    /// Commits the intent.
    Intend,
    /// Looks once more whether people stopped it.
    LookAgain,
    /// Asks the gate.
    Gate,
    Write,
    /// A client that repeats what was not answered.
    Repeat,
    /// No answer in time, or one that says nothing.
    GiveUp,
    /// Commits what came of it.
    Commit,
    /// Asks whether an accepted post shows yet.
    Poll(Option<usize>),
    /// Asks for the post by its marker.
    Ask(Option<usize>),
    /// Commits that answer.
    Answer,
    /// Takes the post back.
    Delete,
    /// Renews the account's lease.
    Renew,
    /// Hears of the kill switch.
    Hear,
    /// Nothing to do: gives the account back.
    Leave,
    /// The store fails it: the round is dropped, the account's lease stays.
    Fail,
    Die,
}

impl Protocol {
    /// What this worker can do next.
    pub fn deeds(&self, w: &World, place: usize, mut add: impl FnMut(Deed)) {
        let worker = &w.workers[place];
        match worker.phase {
            Phase::Idle => {}
            Phase::Prepared(_) | Phase::Opened(..) | Phase::Waiting(_) => add(Deed::Die),
            _ => {
                add(Deed::Die);
                add(Deed::Fail);
            }
        }
        let renewable = worker.tenure.is_some_and(|t| t.until == w.now + 1)
            && w.account == worker.tenure
            && matches!(worker.phase, Phase::Prepared(_) | Phase::Opened(..) | Phase::Waiting(_));
        if renewable {
            add(Deed::Renew);
        }
        match &worker.phase {
            Phase::Idle => {
                if self.is_wanted(w) && self.is_free(w, worker.owner) {
                    add(Deed::Take);
                }
                if w.is_leased()
                    && (w.holder().is_none() || w.holder() != Some(place) && !w.succeeded)
                {
                    add(Deed::Succeed);
                }
            }
            Phase::Owner => self.errands(w, place, add),
            Phase::Chosen => add(Deed::Look),
            Phase::Looked(step) if step.declared == Effect::Read && step.effect == Effect::Read => {
                for shown in self.listings(w) {
                    add(Deed::Poll(shown));
                }
            }
            Phase::Looked(_) => add(Deed::Intend),
            Phase::Intended(_) => add(Deed::LookAgain),
            Phase::Prepared(_) => {
                add(Deed::Gate);
                if w.killed != worker.knows_killed {
                    add(Deed::Hear);
                }
            }
            Phase::Opened(..) => add(Deed::Write),
            Phase::Waiting(step) => {
                add(Deed::GiveUp);
                if !self.has(Guard::ClientNeverRepeats) && step.opened < 2 {
                    add(Deed::Repeat);
                }
            }
            Phase::Heard(..) => add(Deed::Commit),
            Phase::Asked { .. } => add(Deed::Answer),
        }
    }

    /// `Worker::errand`: whether the delivery is worth taking the account for.
    fn is_wanted(&self, w: &World) -> bool {
        match w.d.state {
            State::Ready => self.is_claimable(w),
            State::Leased | State::Intent => true,
            State::Uncertain => self.asks_at(&w.d).is_some_and(|at| at <= w.now),
            State::Retracting => !w.killed && !w.paused,
            _ => false,
        }
    }

    fn is_claimable(&self, w: &World) -> bool {
        let stopped = (w.killed || w.paused) && self.has(Guard::StopAtRound);
        let waits = tick(w.d.not_before) > w.now && self.has(Guard::WaitAtRound);
        w.d.state == State::Ready && !stopped && !waits
    }

    /// `read_back::next`.
    fn asks_at(&self, d: &Delivery) -> Option<Tick> {
        if !self.scene.readable && self.has(Guard::OnlyWhereReadable) {
            return None;
        }
        let quarantine = d.quarantine_until.filter(|_| self.has(Guard::QuarantineAtAsk)).map(tick);
        let last = d.absent.last().filter(|_| self.has(Guard::ApartAtAsk)).map(|at| tick(*at));
        let apart = last.map(|last| last + self.scene.timing.apart);
        Some(quarantine.max(apart).unwrap_or(Tick::MIN))
    }

    /// `Queue::lease`.
    fn is_free(&self, w: &World, owner: Owner) -> bool {
        !self.has(Guard::OneOwner)
            || w.account.is_none_or(|lease| lease.until <= w.now || lease.owner == owner)
    }

    fn errands(&self, w: &World, place: usize, mut add: impl FnMut(Deed)) {
        let fence = w.workers[place].tenure.map_or(0, |tenure| tenure.fence);
        let newer = w.d.lease.as_ref().is_some_and(|lease| lease.fence > fence);
        match w.d.state {
            State::Leased | State::Intent if !newer || !self.has(Guard::FenceAtRecover) => {
                add(Deed::Recover);
            }
            State::Ready if self.is_claimable(w) => add(Deed::Claim),
            State::Uncertain if self.asks_at(&w.d).is_some_and(|at| at <= w.now) => {
                for shown in self.listings(w) {
                    add(Deed::Ask(shown));
                }
            }
            State::Retracting if !w.killed && !w.paused => add(Deed::Delete),
            _ => add(Deed::Leave),
        }
    }

    pub fn work(&self, w: &mut World, place: usize, deed: Deed) {
        match deed {
            Deed::Take => self.take(w, place),
            Deed::Succeed => self.succeed(w, place),
            Deed::Recover => {
                let fence = w.workers[place].tenure.map_or(0, |tenure| tenure.fence);
                if w.d.lease.as_ref().is_some_and(|lease| lease.fence > fence) {
                    self.broken(w, Rule::Owner);
                }
                self.lose(w);
                leave(w, place);
            }
            Deed::Claim => self.claim(w, place),
            Deed::Look => self.look(w, place),
            Deed::Intend => self.intend(w, place),
            Deed::LookAgain => self.look_again(w, place),
            Deed::Gate => self.gate(w, place),
            Deed::Write => write(w, place),
            Deed::Repeat => {
                let Phase::Waiting(step) = w.workers[place].phase else { unreachable!() };
                forget_flights(w, place);
                w.workers[place].phase = Phase::Prepared(step);
            }
            Deed::GiveUp => {
                let Phase::Waiting(step) = w.workers[place].phase else { unreachable!() };
                forget_flights(w, place);
                w.workers[place].phase = Phase::Heard(step, Outcome::Unknown);
            }
            Deed::Commit => self.commit(w, place),
            Deed::Poll(shown) => self.poll(w, place, shown),
            Deed::Ask(shown) => self.ask(w, place, shown),
            Deed::Answer => self.answer(w, place),
            Deed::Delete => {
                if let Some(post) = w.posts.iter_mut().find(|post| !post.deleted) {
                    post.deleted = true;
                }
                self.make(w, Event::RetractDone { failure: String::new() });
                leave(w, place);
            }
            Deed::Renew => {
                let until = w.now + self.scene.timing.account_lease;
                let lease = w.account.map(|lease| Tenure { until, ..lease });
                w.account = lease;
                w.workers[place].tenure = lease;
            }
            Deed::Hear => w.workers[place].knows_killed = w.killed,
            Deed::Leave => leave(w, place),
            Deed::Fail => drop_round(w, place),
            Deed::Die => {
                drop_round(w, place);
                w.workers[place].owner.start += 1;
            }
        }
        if let Phase::Idle = w.workers[place].phase {
            w.workers[place].knows_killed = false;
            w.workers[place].copy = None;
        }
    }

    /// `Worker::take`: the account, with a fence that the delivery has not outgrown.
    fn take(&self, w: &mut World, place: usize) {
        let owner = w.workers[place].owner;
        let kept = w.account.filter(|lease| lease.owner == owner && lease.until > w.now);
        let next = w.account.map_or(0, |lease| lease.fence) + 1;
        let tenure = Some(Tenure {
            owner,
            fence: kept.map_or(next, |lease| lease.fence).max(w.d.fence),
            until: w.now + self.scene.timing.account_lease,
        });
        w.account = tenure;
        w.workers[place].tenure = tenure;
        w.workers[place].phase = Phase::Owner;
    }

    /// `Worker::recover_former`.
    fn succeed(&self, w: &mut World, place: usize) {
        w.succeeded |= w.holder().is_some_and(|holder| holder != place);
        let former = w.d.lease.clone().expect("it is leased");
        self.lose(w);
        if let Some(lease) = &mut w.account
            && lease.fence == former.fence
            && lease.owner.is_called(&former.owner)
        {
            lease.until = lease.until.min(w.now);
        }
    }

    /// `Worker::lose`.
    fn lose(&self, w: &mut World) {
        let deadline = w.d.intent.as_ref().map(|intent| intent.send_deadline);
        let quarantine_until = self.quarantine(deadline, w.now);
        self.make(w, Event::LeaseLost { quarantine_until });
    }

    /// `At::begin`; what was called off meanwhile is dropped by `Worker::errand`.
    fn claim(&self, w: &mut World, place: usize) {
        if w.d.cancel_requested && !w.d.may_be_live() && self.has(Guard::WishCancels) {
            self.make(w, Event::Cancel { reason: String::new() });
            return leave(w, place);
        }
        let worker = &w.workers[place];
        let claim = Event::Claim {
            owner: worker.owner.name(),
            fence: worker.tenure.map_or(0, |tenure| tenure.fence),
            until: at(w.now + DELIVERY_LEASE),
        };
        if self.make_by(w, claim, By::Worker) {
            self.keep_copy(w, place);
            w.workers[place].phase = Phase::Chosen;
        } else {
            leave(w, place);
        }
    }

    /// The first half of `At::step`.
    fn look(&self, w: &mut World, place: usize) {
        if !self.is_held(w, place) || !holds(w, place) {
            return leave(w, place);
        }
        let d = w.d.clone();
        if w.now > tick(d.not_after) && !d.may_be_live() && self.has(Guard::WindowAtStep) {
            return self.end(w, place, Event::Expire);
        }
        if self.has(Guard::StopAtStep) && self.is_stopped(w, place) {
            return self.end(w, place, snooze(w));
        }
        if let Some(event) = self.forbidden(w, &d) {
            return self.end(w, place, event);
        }
        let effect = self.effect(&d);
        let lies = effect == Effect::Public && !self.has(Guard::TrueEffect);
        w.workers[place].phase = Phase::Looked(Step {
            declared: if lies { Effect::Read } else { effect },
            effect,
            draft: match (&d.ticket, effect) {
                (Some(ticket), Effect::Idempotent) => number(ticket),
                _ => 0,
            },
            approved: !w.tampered,
            intent: false,
            deadline: w.now,
            opened: 0,
            forbidden: w.void || d.cancel_requested,
        });
    }

    /// `At::stopped`.
    fn is_stopped(&self, w: &mut World, place: usize) -> bool {
        if self.has(Guard::KillIsRead) {
            w.workers[place].knows_killed = w.killed;
        }
        w.workers[place].knows_killed || w.paused && self.has(Guard::PauseIsRead)
    }

    /// The question behind the intent in `At::step`.
    fn look_again(&self, w: &mut World, place: usize) {
        let Phase::Intended(mut step) = w.workers[place].phase else { unreachable!() };
        if step.declared != Effect::Read
            && self.has(Guard::StopBehindIntent)
            && self.is_stopped(w, place)
        {
            return self.end(w, place, snooze(w));
        }
        step.forbidden |= w.killed || w.paused;
        w.workers[place].phase = Phase::Prepared(step);
    }

    /// `At::allowed` and `checked`: what to do instead of the next step.
    fn forbidden(&self, w: &World, d: &Delivery) -> Option<Event> {
        let hold = || Some(Event::Hold { reason: String::new() });
        if let Some(since) = d.public_since {
            let late = w.now > tick(d.not_after);
            let given_up = late && w.now > tick(since) + self.scene.timing.settle;
            if !given_up && self.effect(d) == Effect::Read {
                return None;
            }
            if late {
                return Some(Event::Expire);
            }
            if d.cancel_requested && self.has(Guard::WishAtStep) {
                return hold();
            }
        }
        if w.void && self.has(Guard::ApprovalAtStep) {
            return hold();
        }
        if w.tampered && self.has(Guard::WordsAtStep) {
            return hold();
        }
        None
    }

    /// `At::intend`.
    fn intend(&self, w: &mut World, place: usize) {
        let Phase::Looked(mut step) = w.workers[place].phase else { unreachable!() };
        if step.declared != Effect::Read && self.has(Guard::DurableIntent) {
            if !self.is_held(w, place) {
                return leave(w, place);
            }
            let counted = w.d.lease.as_ref().is_some_and(|lease| lease.counted);
            if !counted && w.d.attempt >= w.d.max_attempts && self.has(Guard::LimitAtStep) {
                return self.end(w, place, Event::Exhaust { reason: String::new() });
            }
            step.deadline = w.now + self.scene.timing.send_within;
            let intent = Intent {
                step: String::new(),
                effect: step.effect,
                digest: words(step.approved),
                fence: w.workers[place].tenure.map_or(0, |tenure| tenure.fence),
                at: at(w.now),
                send_deadline: at(step.deadline),
            };
            if !self.make_held(w, place, Event::Intend(intent)) {
                return self.end(w, place, Event::Hold { reason: String::new() });
            }
            step.intent = true;
            let owner = w.workers[place].owner;
            if w.d.lease.as_ref().is_some_and(|lease| !owner.is_called(&lease.owner)) {
                self.broken(w, Rule::Owner);
            }
        } else if step.declared != Effect::Read {
            step.deadline = w.now + self.scene.timing.send_within;
        }
        w.workers[place].phase = Phase::Intended(step);
    }

    /// `SendGate::open`, and what a shut one means.
    fn gate(&self, w: &mut World, place: usize) {
        let worker = &w.workers[place];
        let Phase::Prepared(mut step) = worker.phase else { unreachable!() };
        let shut = self.has(Guard::KillAtGate) && worker.knows_killed
            || self.has(Guard::EffectAtGate) && step.declared == Effect::Read
            || self.has(Guard::WordsAtGate) && !step.approved
            || self.has(Guard::WindowAtGate) && w.now > tick(w.d.not_after)
            || self.has(Guard::DeadlineAtGate) && w.now >= step.deadline
            || self.has(Guard::FenceAtGate) && !holds(w, place)
            || self.has(Guard::OneRequest) && step.opened > 0 && step.effect == Effect::Public;
        if !shut {
            self.judge_opening(w, place, step);
            step.opened += 1;
            w.workers[place].phase = Phase::Opened(step, 0);
        } else if step.opened > 0 && step.effect != Effect::Hidden && self.has(Guard::ShutAfterSent)
        {
            w.workers[place].phase = Phase::Heard(step, Outcome::Unknown);
        } else {
            let until = at(w.now + self.scene.timing.wait);
            self.end(w, place, Event::Snooze { until, reason: String::new() });
        }
    }

    /// What must be true when a request is let go.
    fn judge_opening(&self, w: &mut World, place: usize, step: Step) {
        let worker = &w.workers[place];
        if !step.intent || !step.approved || step.declared == Effect::Read {
            self.broken(w, Rule::Intent);
        } else if w.now > tick(w.d.not_after) {
            self.broken(w, Rule::Window);
        } else if step.forbidden || worker.knows_killed {
            self.broken(w, Rule::Stop);
        } else if w.now < tick(w.d.not_before) && self.is_held(w, place) {
            self.broken(w, Rule::Wait);
        } else if !self.scene.successors && (w.account != worker.tenure || !holds(w, place)) {
            self.broken(w, Rule::Owner);
        }
    }

    /// `chain::same`: whether the delivery is still under this worker's lease.
    pub fn is_held(&self, w: &World, place: usize) -> bool {
        let worker = &w.workers[place];
        let ours = |d: &Delivery| {
            d.lease.as_ref().is_some_and(|lease| {
                worker.tenure.is_some_and(|tenure| lease.fence == tenure.fence)
                    && worker.owner.is_called(&lease.owner)
            })
        };
        !self.has(Guard::SameLease) || worker.copy.is_some() || w.is_leased() && ours(&w.d)
    }

    /// Commits an event on the delivery this worker holds.
    pub fn make_held(&self, w: &mut World, place: usize, event: Event) -> bool {
        let copy = w.workers[place].copy.clone().unwrap_or_else(|| w.d.clone());
        let made = self.make_on(w, &copy, event, By::Worker);
        self.keep_copy(w, place);
        made
    }

    /// Commits the event that ends this worker's errand.
    pub fn end(&self, w: &mut World, place: usize, event: Event) {
        if self.is_held(w, place) {
            self.make_held(w, place, event);
        }
        leave(w, place);
    }

    fn keep_copy(&self, w: &mut World, place: usize) {
        if !self.has(Guard::Versions) {
            w.workers[place].copy = Some(Arc::clone(&w.d));
        }
    }
}

/// `Tenure::holds`: the lease as this worker knows it.
fn holds(w: &World, place: usize) -> bool {
    w.workers[place].tenure.is_some_and(|tenure| w.now < tenure.until)
}

fn snooze(w: &World) -> Event {
    Event::Snooze { until: at(w.now), reason: String::new() }
}

fn write(w: &mut World, place: usize) {
    let Phase::Opened(step, _) = w.workers[place].phase else { unreachable!() };
    w.flights.push(Flight {
        draft: step.draft,
        hidden: step.effect == Effect::Hidden,
        age: 0,
        waiter: Some(place),
    });
    w.workers[place].phase = Phase::Waiting(step);
}

/// What the worker was doing is dropped. What has left stays on its way.
fn drop_round(w: &mut World, place: usize) {
    forget_flights(w, place);
    let worker = &mut w.workers[place];
    worker.tenure = None;
    worker.phase = Phase::Idle;
}

/// Nobody waits for these any more. A hidden one then matters to nobody.
fn forget_flights(w: &mut World, place: usize) {
    w.flights.retain(|flight| !(flight.hidden && flight.waiter == Some(place)));
    for flight in &mut w.flights {
        flight.waiter = flight.waiter.filter(|waiter| *waiter != place);
    }
}

/// The errand is over; the account is given back when it is still ours.
pub fn leave(w: &mut World, place: usize) {
    let worker = &mut w.workers[place];
    worker.phase = Phase::Idle;
    let tenure = worker.tenure.take();
    if let Some(lease) = &mut w.account
        && tenure.is_some_and(|tenure| tenure.fence == lease.fence && tenure.owner == lease.owner)
    {
        lease.until = lease.until.min(w.now);
    }
}
