//! What must hold at every instant.

use loa_model::DeliveryState as State;
use stateright::Property;

use super::{Protocol, World};

/// A rule of the protocol. Some are seen in a world, some only when a move breaks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Once,
    Proof,
    Intent,
    Owner,
    Attempts,
    Doubt,
    Window,
    Stop,
    Final,
    Unsent,
    Kept,
    Wish,
    Wait,
}

impl Rule {
    pub const EVERY: [Self; 13] = [
        Self::Once,
        Self::Proof,
        Self::Intent,
        Self::Owner,
        Self::Attempts,
        Self::Doubt,
        Self::Window,
        Self::Stop,
        Self::Final,
        Self::Unsent,
        Self::Kept,
        Self::Wish,
        Self::Wait,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Once => "I1 one post at most is ever made public",
            Self::Proof => "I2 published has a receipt and is there",
            Self::Intent => "I3 nothing leaves without a durable intent of the approved words",
            Self::Owner => "I4 what leaves, leaves from the owner of the account",
            Self::Attempts => "I5 attempts never shrink, a snooze is free, none beyond the limit",
            Self::Doubt => "I10 doubt ends by proof: quarantine and two read-backs, or a person",
            Self::Window => "I11 nothing leaves after its window",
            Self::Stop => "I11 nothing leaves while stopped, withdrawn or called off",
            Self::Final => "I12 what is over is over",
            Self::Unsent => "what counts as unsent is not live",
            Self::Kept => "a receipt in hand is kept",
            Self::Wish => "what was called off and is live is taken back",
            Self::Wait => "the platform's wait is kept",
        }
    }
}

impl Protocol {
    /// A move broke a rule.
    pub fn broken(&self, w: &mut World, rule: Rule) {
        if self.only.is_none_or(|only| only == rule) {
            w.broken.get_or_insert(rule);
        }
    }
}

/// The rules, and what must be reached lest they hold of nothing. The checker pays for each property in each world, so
/// the rules that moves break share one unless a single rule is asked for.
pub fn properties(protocol: &Protocol) -> Vec<Property<Protocol>> {
    let in_a_world = [
        Property::always(Rule::Once.name(), |_, w: &World| w.posts.len() <= 1),
        Property::always(Rule::Proof.name(), |_, w: &World| is_proven(w)),
        Property::always(Rule::Unsent.name(), |_, w: &World| !counts_as_unsent(w) || w.live() == 0),
    ];
    let of_a_move = |name| Property::always(name, |_, w: &World| w.broken.is_none());
    if let Some(only) = protocol.only {
        let known = in_a_world.into_iter().find(|property| property.name == only.name());
        return vec![known.unwrap_or_else(|| of_a_move(only.name()))];
    }
    let reached = protocol.scene.reaches.iter().map(|state| reaches(*state));
    let settled = protocol.scene.settles_by.iter().map(|how| settles_by(how));
    in_a_world
        .into_iter()
        .chain([of_a_move("no move breaks a rule")])
        .chain(reached)
        .chain(settled)
        .collect()
}

fn is_proven(w: &World) -> bool {
    match w.d.state {
        State::Published | State::Retracting => w.d.receipt.is_some() && w.live() == 1,
        State::Retracted => w.d.receipt.is_some() && w.live() == 0,
        _ => true,
    }
}

fn counts_as_unsent(w: &World) -> bool {
    match w.d.state {
        State::Scheduled
        | State::Held
        | State::Cancelled
        | State::Missed
        | State::Dead
        | State::Rejected => true,
        State::Ready | State::Leased => !w.d.may_be_live(),
        _ => false,
    }
}

macro_rules! reaches {
    ($state:expr, $($name:ident),*) => {
        match $state {
            $(State::$name => {
                Property::sometimes(stringify!($name), |_, w: &World| w.d.state == State::$name)
            })*
        }
    };
}

fn reaches(state: State) -> Property<Protocol> {
    reaches!(
        state, Scheduled, Ready, Leased, Intent, Published, Uncertain, Rejected, Dead, Held,
        Cancelled, Missed, Correcting, Retracting, Retracted, Gone
    )
}

/// A doubt that ended with the post known to be live.
fn settles_by(how: &str) -> Property<Protocol> {
    fn by(w: &World, how: &str) -> bool {
        w.d.state == State::Published && w.d.receipt.as_ref().is_some_and(|r| r.url == how)
    }
    match how {
        "live" => Property::sometimes("published by its answer", |_, w| by(w, "live")),
        "found" => Property::sometimes("published by a read-back", |_, w| by(w, "found")),
        _ => Property::sometimes("published by a person's word", |_, w| by(w, "person")),
    }
}
