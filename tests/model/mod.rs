//! The publishing protocol as a machine small enough to look at every world it can come to.
//!
//! **Real** is the delivery. Every world holds a `loa_model::Delivery` and every change of it is `Delivery::apply`; a guard
//! inside is removed by changing what it sees or what it made (`moves.rs`), never by a copy of the table.
//!
//! **Copied from the code**, await by await, is the worker (`worker.rs`) with `Mover::changes` around its moves (`moves.rs`)
//! and the desk beside it (`people.rs`). Each function names its original: who changes one changes the other.
//!
//! **Around it** is a platform that takes no idempotency key (`platform.rs`), two workers that die, freeze by not being
//! chosen, and lose their round to a failing store, and time.
//!
//! **Assumed**, since no program can enforce it: a freeze between gate and write, the way of a request and the lag of
//! listings take a tick each at most; listings miss what is there in one spell of a tick at most; the clocks of the workers
//! agree; what is committed stays; a refusal is one; people tell what they see, and see what is there.
//!
//! **Left out** are pace, budgets and spreading, a second delivery of the account, corrections, retractions that fail, tokens. A
//! person's retry makes a new delivery of one that is over: it is safe because what is over and not live never becomes live
//! later (`Rule::Unsent` is looked at in every later world too).

pub mod answer;
pub mod checks;
pub mod essence;
pub mod guards;
pub mod moves;
pub mod people;
pub mod platform;
pub mod search;
pub mod worker;
pub mod world;

use std::sync::Arc;

use loa_model::{
    ArticleId, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, PostId,
    Priority, delivery::Effect,
};
use stateright::{Model, Property};

pub use checks::Rule;
pub use guards::{Guard, Guards};
pub use people::Act;
use platform::Fate;
use worker::Deed;
use world::{Owner, Phase, Spell, Worker, at, tick, words};
pub use world::{Tick, World};

/// How a post is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// One public request.
    Public,
    /// A hidden draft, made public by its id.
    Draft,
    /// One public request that is accepted, and asked about until it shows.
    Accepted,
}

/// Lengths in ticks.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The gate is open so long after the intent.
    pub send_within: Tick,
    /// Longest freeze between gate and write; the protocol cannot bound it.
    pub freeze: Option<u8>,
    /// Longest way of a request.
    pub travel: u8,
    /// Until listings show a post.
    pub lag: u8,
    /// Longest spell in which listings miss what is there.
    pub spell: u8,
    pub quarantine: Tick,
    pub apart: Tick,
    pub account_lease: Tick,
    /// Wait of a snooze and of a retry.
    pub wait: Tick,
    /// How long a chain asks on after its window.
    pub settle: Tick,
}

impl Default for Timing {
    fn default() -> Self {
        let (send_within, freeze, travel, lag) = (2, 1, 1, 1);
        Self {
            send_within,
            freeze: Some(freeze),
            travel,
            lag,
            spell: 1,
            // The gate opens for the last time one tick before the deadline.
            quarantine: Tick::from(freeze + travel + lag) - 1,
            apart: 2,
            account_lease: 3,
            wait: 1,
            settle: 2,
        }
    }
}

/// What can happen in a search.
#[derive(Debug, Clone)]
pub struct Scene {
    pub chain: Chain,
    /// Whether the platform can be read back.
    pub readable: bool,
    pub timing: Timing,
    /// Last tick of the approved window.
    pub window: Tick,
    pub max_attempts: u32,
    /// What people may do, each once; deciding a doubt with "it is there" any time.
    pub acts: Vec<Act>,
    /// The platform may refuse.
    pub refusals: bool,
    /// Listings may miss a post for a spell.
    pub spells: bool,
    /// A start of the same place may declare a living worker's leases lost, once.
    pub successors: bool,
    /// States that must be reached.
    pub reaches: Vec<State>,
    /// Ways in which a doubt must be seen to end.
    pub settles_by: Vec<&'static str>,
}

impl Scene {
    pub fn new(chain: Chain) -> Self {
        Self {
            chain,
            readable: true,
            timing: Timing::default(),
            window: Tick::from(i32::MAX),
            max_attempts: 2,
            acts: vec![],
            refusals: false,
            spells: false,
            successors: false,
            reaches: vec![],
            settles_by: vec![],
        }
    }
}

/// The protocol with these guards in this scene.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub scene: Scene,
    pub guards: Guards,
    /// The only rule that ends a story when a move breaks it; without one, all do.
    pub only: Option<Rule>,
}

/// One move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Tick,
    /// What time alone does to a delivery: due, missed.
    Sweep,
    Work(usize, Deed),
    /// What becomes of a request on its way.
    Arrive(usize, Fate),
    Person(Act),
}

impl Protocol {
    pub fn has(&self, guard: Guard) -> bool {
        self.guards.has(guard)
    }

    /// What the adapter's next step does to the platform.
    fn effect(&self, d: &Delivery) -> Effect {
        match (self.scene.chain, &d.ticket) {
            (Chain::Draft, None) => Effect::Hidden,
            (Chain::Draft, Some(_)) => Effect::Idempotent,
            (Chain::Accepted, Some(_)) => Effect::Read,
            (Chain::Public | Chain::Accepted, _) => Effect::Public,
        }
    }

    /// Everything that must happen within a time has happened or still has time.
    fn may_pass(&self, w: &World) -> bool {
        let timing = &self.scene.timing;
        let frozen = |worker: &Worker| match (&worker.phase, timing.freeze) {
            (Phase::Opened(_, age), Some(most)) => *age >= most,
            _ => false,
        };
        w.flights.iter().all(|flight| flight.age < timing.travel) && !w.workers.iter().any(frozen)
    }

    fn pass(&self, w: &mut World) {
        let timing = &self.scene.timing;
        w.now += 1;
        for flight in &mut w.flights {
            flight.age += 1;
        }
        for post in &mut w.posts {
            post.age = (post.age + 1).min(timing.lag);
        }
        for worker in &mut w.workers {
            if let Phase::Opened(_, age) = &mut worker.phase {
                *age = (*age + 1).min(timing.freeze.unwrap_or(0));
            }
        }
        if let Spell::Now(age) = w.spell {
            w.spell = if age < timing.spell { Spell::Now(age + 1) } else { Spell::Over };
        }
    }

    /// `Worker::sweep`.
    fn sweep(w: &World) -> Option<Event> {
        let late = w.now > tick(w.d.not_after);
        match w.d.state {
            State::Scheduled if late => Some(Event::Expire),
            State::Scheduled => Some(Event::Due),
            State::Ready | State::Held if late && !w.d.may_be_live() => Some(Event::Expire),
            _ => None,
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        let worker = |place| Worker {
            owner: Owner { place, start: 1 },
            tenure: None,
            phase: Phase::Idle,
            knows_killed: false,
            copy: None,
        };
        vec![World {
            now: 0,
            d: Arc::new(approved(&self.scene)),
            account: None,
            workers: [worker(0), worker(1)],
            flights: vec![],
            posts: vec![],
            drafts: 0,
            spell: if self.scene.spells { Spell::Ahead } else { Spell::Over },
            killed: false,
            paused: false,
            void: false,
            tampered: false,
            acts: !self.scene.acts.iter().fold(0, |acts, act| acts | act.bit()),
            succeeded: !self.scene.successors,
            incident: false,
            snoozed: false,
            lost: 0,
            sound: 0,
            broken: None,
        }]
    }

    fn actions(&self, w: &World, moves: &mut Vec<Move>) {
        if w.broken.is_some() {
            return;
        }
        if self.may_pass(w) {
            moves.push(Move::Tick);
        }
        if Self::sweep(w).is_some() {
            moves.push(Move::Sweep);
        }
        for place in 0..w.workers.len() {
            self.deeds(w, place, |deed| moves.push(Move::Work(place, deed)));
        }
        for (number, flight) in w.flights.iter().enumerate() {
            self.fates(flight, |fate| moves.push(Move::Arrive(number, fate)));
        }
        self.acts(w, |act| moves.push(Move::Person(act)));
    }

    fn next_state(&self, w: &World, step: Move) -> Option<World> {
        let mut next = w.clone();
        match step {
            Move::Tick => self.pass(&mut next),
            Move::Sweep => {
                let event = Self::sweep(w).expect("listed only then");
                self.make(&mut next, event);
            }
            Move::Work(place, deed) => self.work(&mut next, place, deed),
            Move::Arrive(number, fate) => self.arrive(&mut next, number, fate),
            Move::Person(act) => self.act(&mut next, act),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        checks::properties(self)
    }
}

/// An approved post's delivery, due now.
fn approved(scene: &Scene) -> Delivery {
    let id = uuid::Uuid::from_u128;
    Delivery {
        id: DeliveryId(id(1)),
        agency: String::new(),
        post: PostId(id(2)),
        article: ArticleId(id(3)),
        account: "memory:page".parse().unwrap(),
        digest: words(true),
        marker: String::new(),
        state: State::Scheduled,
        priority: Priority::Normal,
        due_at: at(0),
        not_after: at(scene.window),
        not_before: at(0),
        attempt: 0,
        lost: 0,
        max_attempts: scene.max_attempts,
        fence: 0,
        lease: None,
        intent: None,
        ticket: None,
        receipt: None,
        sending_since: None,
        public_since: None,
        paid: false,
        quarantine_until: None,
        absent: vec![],
        evidence: vec![],
        seen_live: None,
        cancel_requested: false,
        reason: String::new(),
        retry_of: None,
        created_at: at(0),
        updated_at: at(0),
    }
}
