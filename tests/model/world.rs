//! Everything there is at one instant, and which instants are the same.

use std::sync::Arc;

use jiff::Timestamp;
use loa_model::{Delivery, DeliveryState as State, Digest, Ticket, delivery::Effect};

use super::{checks::Rule, people::Act};

/// Time in ticks. Only differences matter.
pub type Tick = i64;

const EPOCH: i64 = 1_700_000_000;

pub fn at(tick: Tick) -> Timestamp {
    Timestamp::from_second(EPOCH + tick).unwrap()
}

pub fn tick(at: Timestamp) -> Tick {
    at.as_second() - EPOCH
}

/// A start of a worker's process: two starts at one place are two owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub place: usize,
    pub start: u32,
}

impl Owner {
    pub fn name(self) -> String {
        format!("{}#{}", self.place, self.start)
    }

    pub fn is_called(self, name: &str) -> bool {
        let parts = name.split_once('#').map(|(place, start)| (place.parse(), start.parse()));
        parts == Some((Ok(self.place), Ok(self.start)))
    }
}

/// The account's lease, in the store or as a worker knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenure {
    pub owner: Owner,
    pub fence: u64,
    pub until: Tick,
}

/// A step as it was looked at before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What the adapter says it does.
    pub declared: Effect,
    /// What it does.
    pub effect: Effect,
    /// Draft that it makes public, or 0.
    pub draft: u8,
    /// Whether the words in memory are the approved ones.
    pub approved: bool,
    /// Its intent was committed.
    pub intent: bool,
    /// After this the gate is shut.
    pub deadline: Tick,
    /// Requests the gate let go.
    pub opened: u8,
    /// Withdrawn or called off when it was looked at, or stopped behind the intent.
    pub forbidden: bool,
}

/// What a worker knows of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Live(usize),
    Accepted(usize),
    Drafted(u8),
    /// Provably not done: too many requests.
    Throttled,
    /// Provably not done: try again.
    Unavailable,
    /// Provably not done: not these words.
    Refused,
    Unknown,
}

/// What a worker is doing. Between two phases it may freeze or die.
#[derive(Debug, Clone)]
pub enum Phase {
    Idle,
    /// Holds the account, as far as it knows.
    Owner,
    /// Holds a claimed delivery, before a step.
    Chosen,
    /// Has looked whether it may take the step.
    Looked(Step),
    /// The intent is durable.
    Intended(Step),
    /// Nobody had stopped it behind the intent; its connection is made.
    Prepared(Step),
    /// The gate let it go, this many ticks ago; nothing is written yet.
    Opened(Step, u8),
    /// The request is on its way.
    Waiting(Step),
    /// What came of it; not committed yet.
    Heard(Step, Outcome),
    /// The answer of a read-back of this delivery; not committed yet.
    Asked {
        found: Option<usize>,
        of: Arc<Delivery>,
        /// Nothing was under way that it could not show, and it was apart from the one before.
        sound: bool,
    },
}

#[derive(Debug, Clone)]
pub struct Worker {
    pub owner: Owner,
    pub tenure: Option<Tenure>,
    pub phase: Phase,
    /// This process has heard of the kill switch.
    pub knows_killed: bool,
    /// Its copy of the delivery, where versions do not protect what others wrote.
    pub copy: Option<Arc<Delivery>>,
}

/// A request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flight {
    /// Draft to make public; 0 for a request that makes something.
    pub draft: u8,
    pub hidden: bool,
    pub age: u8,
    /// Worker that waits for the answer.
    pub waiter: Option<usize>,
}

/// What the audience can see, or could until it was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post {
    pub draft: u8,
    /// Up to the listing's lag.
    pub age: u8,
    pub deleted: bool,
}

/// A spell in which listings miss what is there. One at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spell {
    Ahead,
    Now(u8),
    Over,
}

#[derive(Debug, Clone)]
pub struct World {
    pub now: Tick,
    pub d: Arc<Delivery>,
    pub account: Option<Tenure>,
    pub workers: [Worker; 2],
    pub flights: Vec<Flight>,
    pub posts: Vec<Post>,
    /// Drafts made so far.
    pub drafts: u8,
    pub spell: Spell,
    pub killed: bool,
    pub paused: bool,
    /// The post's approval is void.
    pub void: bool,
    /// The post's words are other than those that were approved.
    pub tampered: bool,
    /// Acts of people that are used up.
    pub acts: u32,
    /// A living worker's leases were declared lost once.
    pub succeeded: bool,
    /// A receipt was kept as an incident.
    pub incident: bool,
    /// Its last move was a snooze of an attempt that is counted.
    pub snoozed: bool,
    /// Newest fence that was lost.
    pub lost: u64,
    /// Sound negative read-backs since the outcome became unclear.
    pub sound: u8,
    /// The rule that was broken by the last move.
    pub broken: Option<Rule>,
}

impl World {
    pub fn live(&self) -> usize {
        self.posts.iter().filter(|post| !post.deleted).count()
    }

    pub fn may(&self, act: Act) -> bool {
        self.acts & act.bit() == 0
    }

    /// The living worker with this name.
    pub fn worker_named(&self, name: &str) -> Option<usize> {
        self.workers.iter().position(|worker| worker.owner.is_called(name))
    }

    /// The worker under whose lease the delivery is; nothing when its process is gone.
    pub fn holder(&self) -> Option<usize> {
        self.d.lease.as_ref().and_then(|lease| self.worker_named(&lease.owner))
    }

    pub fn is_leased(&self) -> bool {
        matches!(self.d.state, State::Leased | State::Intent)
    }
}

/// Whether nothing was decided about the doubt in between.
pub fn same_doubt(then: &Delivery, now: &Delivery) -> bool {
    now.state == State::Uncertain
        && now.quarantine_until == then.quarantine_until
        && now.absent == then.absent
}

/// The draft or post a ticket is about.
pub fn number(ticket: &Ticket) -> u8 {
    u8::try_from(ticket.data.as_u64().unwrap()).unwrap()
}

/// Digest of the approved words, and of others.
pub fn words(approved: bool) -> Digest {
    Digest([u8::from(approved); 32])
}
