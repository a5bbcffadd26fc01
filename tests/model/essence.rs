//! Which worlds are the same: all that can matter from here on, in bytes.
//!
//! Times are counted from now, as far as they can matter; fences and drafts by how they compare. That is why the search
//! ends although time does not. `worlds_that_count_as_one_have_one_future` looks whether something was left out.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use loa_model::{Delivery, DeliveryState as State, delivery::Effect};

use super::world::{
    Outcome, Owner, Phase, Spell, Step, Tenure, Tick, Worker, World, number, same_doubt, tick,
};

impl World {
    /// All that can matter from here on, with times counted from now and the two workers in this order.
    fn essence(&self, order: [usize; 2]) -> [u8; ROOM] {
        let mut e = Essence { world: self, order, out: Bytes([0; ROOM], 0), drafts: [0; 8] };
        e.delivery(&self.d);
        e.tenure(self.account.filter(|lease| lease.until > self.now));
        for place in order {
            e.worker(&self.workers[place]);
        }
        let fences = order.map(|place| self.workers[place].tenure.map_or(0, |t| t.fence));
        e.fences(fences[0], fences[1]);
        let mut flights: Vec<_> = self
            .flights
            .iter()
            .map(|f| (e.draft(f.draft), f.hidden, f.age, f.waiter.map_or(0, |w| e.place(w))))
            .collect();
        flights.sort_unstable();
        for (draft, hidden, age, waiter) in flights {
            e.out.extend([draft, u8::from(hidden), age, waiter]);
        }
        e.out.push(255);
        for post in &self.posts {
            let draft = e.draft(post.draft);
            e.out.extend([draft, post.age, u8::from(post.deleted)]);
        }
        e.out.push(255);
        e.out.push(match self.spell {
            Spell::Ahead => 0,
            Spell::Over => 1,
            Spell::Now(age) => 2 + age,
        });
        e.flags(&[
            self.killed,
            self.paused,
            self.void,
            self.tampered,
            self.succeeded,
            self.incident,
            self.snoozed,
        ]);
        e.out.extend(self.acts.to_le_bytes());
        if self.d.state == State::Uncertain {
            e.out.push(self.sound);
        }
        e.out.push(self.broken.map_or(0, |rule| 1 + rule as u8));
        e.out.0
    }

    /// The two workers are alike, so it does not matter which is which.
    fn canonical(&self) -> [u8; ROOM] {
        match self.workers[0].rank().cmp(&self.workers[1].rank()) {
            Ordering::Less => self.essence([0, 1]),
            Ordering::Greater => self.essence([1, 0]),
            Ordering::Equal => self.essence([0, 1]).min(self.essence([1, 0])),
        }
    }
}

impl Worker {
    /// A quick order of two workers by what they do.
    fn rank(&self) -> u8 {
        match self.phase {
            Phase::Idle => 0,
            Phase::Owner => 1,
            Phase::Chosen => 2,
            Phase::Looked(_) => 3,
            Phase::Intended(_) => 4,
            Phase::Prepared(_) => 5,
            Phase::Opened(..) => 6,
            Phase::Waiting(_) => 7,
            Phase::Heard(..) => 8,
            Phase::Asked { .. } => 9,
        }
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.canonical());
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

/// Times further ahead than this are as far as for ever: no time of the protocol is longer.
const FAR: Tick = 20;

/// Bytes of a world, more than any needs.
const ROOM: usize = 128;

/// A vector would do; unoptimised, this one is several times faster.
struct Bytes([u8; ROOM], usize);

impl Bytes {
    fn push(&mut self, byte: u8) {
        self.0[self.1] = byte;
        self.1 += 1;
    }

    fn extend<const N: usize>(&mut self, bytes: [u8; N]) {
        let mut next = 0;
        while next < N {
            self.push(bytes[next]);
            next += 1;
        }
    }
}

struct Essence<'a> {
    world: &'a World,
    order: [usize; 2],
    out: Bytes,
    /// Drafts by their first mention.
    drafts: [u8; 8],
}

impl Essence<'_> {
    /// An instant, from `floor` ticks ago to for ever.
    fn time(&mut self, at: Tick, floor: Tick) {
        let ahead = (at - self.world.now).clamp(floor, FAR) - floor;
        self.out.push(u8::try_from(ahead).unwrap());
    }

    fn flags(&mut self, flags: &[bool]) {
        let mut bits = 0;
        for flag in flags {
            bits = bits << 1 | u8::from(*flag);
        }
        self.out.push(bits);
    }

    fn place(&self, place: usize) -> u8 {
        if self.order[0] == place { 1 } else { 2 }
    }

    /// A process: 0 when it is gone.
    fn owner(&self, owner: Owner) -> u8 {
        if self.world.workers[owner.place].owner == owner { self.place(owner.place) } else { 0 }
    }

    /// Fences are only compared.
    fn fences(&mut self, one: u64, other: u64) {
        self.out.push(one.cmp(&other) as u8);
    }

    /// A fence and that of the delivery: a claim needs one as new, and the loss of a lease adds one to the delivery's.
    fn claims(&mut self, fence: u64) {
        let newest = if self.world.is_leased() { fence } else { fence.min(self.world.d.fence) };
        self.fences(newest, self.world.d.fence);
    }

    fn tenure(&mut self, tenure: Option<Tenure>) {
        let Some(tenure) = tenure else { return self.out.push(9) };
        let owner = self.owner(tenure.owner);
        self.out.push(owner);
        self.fences(tenure.fence, self.world.account.map_or(0, |lease| lease.fence));
        self.claims(tenure.fence);
        self.time(tenure.until, 0);
    }

    fn draft(&mut self, draft: u8) -> u8 {
        if draft == 0 {
            return 0;
        }
        let known = self.drafts.iter().position(|known| *known == draft || *known == 0).unwrap();
        self.drafts[known] = draft;
        u8::try_from(known).unwrap() + 1
    }

    fn delivery(&mut self, d: &Delivery) {
        self.out.push(d.state as u8);
        self.flags(&[
            d.paid,
            d.cancel_requested,
            d.lease.as_ref().is_some_and(|lease| lease.counted),
            d.public_since.is_some(),
            d.seen_live.is_some(),
        ]);
        self.out.extend([d.attempt, d.max_attempts].map(|n| u8::try_from(n).unwrap()));
        self.claims(self.world.account.map_or(0, |lease| lease.fence));
        let holder = d.lease.as_ref().map_or(3, |lease| {
            self.world.worker_named(&lease.owner).map_or(0, |place| self.place(place))
        });
        self.out.push(holder);
        if let Some(lease) = &d.lease {
            self.fences(lease.fence, d.fence);
        }
        match &d.intent {
            Some(intent) => {
                self.out.push(intent.effect as u8);
                self.flags(&[intent.digest == d.digest]);
                self.time(tick(intent.send_deadline), -4);
            }
            None => self.out.push(9),
        }
        match &d.ticket {
            Some(ticket) => {
                let data = number(ticket);
                let data = if ticket.step == "show" { self.draft(data) } else { 100 + data };
                self.out.push(data);
            }
            None => self.out.push(0),
        }
        self.out.push(d.receipt.as_ref().map_or(0, |receipt| {
            1 + ["live", "found", "person"].iter().position(|how| *how == receipt.url).unwrap()
                as u8
        }));
        if d.public_since.is_some() {
            self.time(d.public_since.map_or(0, tick), -3);
        }
        if let Some(until) = d.quarantine_until {
            self.time(tick(until), 0);
        }
        self.out.push(u8::try_from(d.absent.len()).unwrap());
        if let Some(last) = d.absent.last() {
            self.time(tick(*last), -3);
        }
        if !d.state.is_terminal() {
            self.time(tick(d.not_before), 0);
        }
        self.time(tick(d.not_after), -1);
    }

    fn worker(&mut self, worker: &Worker) {
        self.out.push(worker.rank());
        self.tenure(worker.tenure);
        match &worker.phase {
            Phase::Idle | Phase::Owner | Phase::Chosen => {}
            Phase::Looked(step) | Phase::Intended(step) | Phase::Prepared(step) => {
                self.step(*step);
                self.time(step.deadline, 0);
                self.flags(&[worker.knows_killed]);
            }
            Phase::Opened(step, age) => {
                self.step(*step);
                self.out.push(*age);
            }
            // A client that repeats asks the same gate again.
            Phase::Waiting(step) => {
                self.step(*step);
                if step.effect == Effect::Public {
                    self.time(step.deadline, 0);
                }
                self.flags(&[worker.knows_killed]);
            }
            Phase::Heard(step, outcome) => {
                self.step(*step);
                match outcome {
                    Outcome::Live(post) => self.out.extend([1, *post as u8]),
                    Outcome::Accepted(post) => self.out.extend([2, *post as u8]),
                    Outcome::Drafted(draft) => {
                        let draft = self.draft(*draft);
                        self.out.extend([3, draft]);
                    }
                    Outcome::Throttled => self.out.push(4),
                    Outcome::Unavailable => self.out.push(5),
                    Outcome::Refused => self.out.push(6),
                    Outcome::Unknown => self.out.push(7),
                }
            }
            Phase::Asked { found, of, sound } => {
                let same = same_doubt(of, &self.world.d);
                self.out.push(found.map_or(0, |post| 1 + post as u8));
                self.flags(&[*sound, same]);
            }
        }
        if let Some(copy) = &worker.copy {
            self.delivery(&copy.clone());
        }
    }

    fn step(&mut self, step: Step) {
        let draft = self.draft(step.draft);
        self.out.extend([step.declared as u8, step.effect as u8, draft, step.opened]);
        self.flags(&[step.approved, step.intent, step.forbidden]);
    }
}
