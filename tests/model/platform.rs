//! A platform that takes no idempotency key: whatever arrives is done, late too.

use super::{
    Chain, Protocol, World,
    world::{Flight, Outcome, Phase, Post, Spell},
};

/// What becomes of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done and the answer arrives.
    Answered,
    /// It is done and the answer is lost, or is a server's error.
    Done,
    /// It is never done, and nobody says so.
    Lost,
    /// Provably not done.
    Throttled,
    Unavailable,
    Refused,
}

impl Protocol {
    pub fn fates(&self, flight: &Flight, mut add: impl FnMut(Fate)) {
        add(Fate::Lost);
        if !flight.hidden {
            add(Fate::Done);
        }
        if flight.waiter.is_some() {
            add(Fate::Answered);
            if self.scene.refusals {
                [Fate::Throttled, Fate::Unavailable, Fate::Refused].into_iter().for_each(add);
            }
        }
    }

    pub fn arrive(&self, w: &mut World, number: usize, fate: Fate) {
        let flight = w.flights.remove(number);
        let outcome = match fate {
            Fate::Lost => return,
            Fate::Answered | Fate::Done => self.done(w, flight),
            Fate::Throttled => Outcome::Throttled,
            Fate::Unavailable => Outcome::Unavailable,
            Fate::Refused => Outcome::Refused,
        };
        if let Some(waiter) = flight.waiter.filter(|_| fate != Fate::Done) {
            let Phase::Waiting(step) = w.workers[waiter].phase else { unreachable!() };
            w.workers[waiter].phase = Phase::Heard(step, outcome);
        }
    }

    fn done(&self, w: &mut World, flight: Flight) -> Outcome {
        if flight.hidden {
            w.drafts += 1;
            return Outcome::Drafted(w.drafts);
        }
        // Made public by its id: a second time changes nothing.
        let same = |post: &Post| flight.draft > 0 && post.draft == flight.draft;
        let number = w.posts.iter().position(same).unwrap_or(w.posts.len());
        if number == w.posts.len() {
            w.posts.push(Post { draft: flight.draft, age: 0, deleted: false });
        }
        match self.scene.chain {
            _ if w.posts[number].deleted => Outcome::Refused,
            Chain::Accepted => Outcome::Accepted(number),
            Chain::Public | Chain::Draft => Outcome::Live(number),
        }
    }

    /// What a listing may show now.
    pub fn listings(&self, w: &World) -> Vec<Option<usize>> {
        let live = w.posts.iter().position(|post| !post.deleted);
        match live {
            _ if !self.scene.readable => vec![None],
            None => vec![None],
            Some(post) if w.posts[post].age < self.scene.timing.lag || w.spell != Spell::Over => {
                vec![Some(post), None]
            }
            Some(post) => vec![Some(post)],
        }
    }

    /// A listing missed what it should show: the spell is on.
    pub fn list(&self, w: &mut World, shown: Option<usize>) {
        let missed = shown.is_none()
            && w.posts.iter().any(|post| !post.deleted && post.age >= self.scene.timing.lag);
        if missed && w.spell == Spell::Ahead {
            w.spell = Spell::Now(0);
        }
    }
}
