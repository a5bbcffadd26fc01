//! Looks at every world a scene can come to.

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    hash::{BuildHasher, RandomState},
};

use loa_model::DeliveryState as State;
use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

use super::{Act, Guard, Guards, Move, Protocol, Rule, Scene, Tick, World, worker::Deed};

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub worlds: usize,
    /// Moves to the world that is furthest away.
    pub deep: usize,
}

/// Without these guards no rule is ever broken all the same, and everything the scene promises is reached.
pub fn holds_without(removed: &[Guard], scene: Scene) -> Seen {
    let protocol = Protocol { scene, guards: Guards::without(removed), only: None };
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    for property in checker.model().properties() {
        match (checker.discovery(property.name), property.expectation) {
            (Some(path), Expectation::Always) => {
                let rule = path.last_state().broken.map_or(property.name, Rule::name);
                panic!("without {removed:?}: broken: {rule}\n{}", story(&path))
            }
            (None, Expectation::Sometimes) => panic!("never {}", property.name),
            _ => {}
        }
    }
    Seen { worlds: checker.unique_state_count(), deep: checker.max_depth() - 1 }
}

/// Without these guards this rule is broken in so many moves and not in fewer. With any one of them back it is not broken in
/// as many: each is missed, and nothing else breaks the rule in this scene.
pub fn breaks(removed: &[Guard], scene: &Scene, rule: Rule, moves: usize) {
    let path = way_to_break(removed, scene, rule, None)
        .unwrap_or_else(|| panic!("without {removed:?} nobody notices: no world breaks {rule:?}"));
    let found = path.clone().into_actions().len();
    println!("without {removed:?}: {found} moves to break: {}\n{}", rule.name(), story(&path));
    assert_eq!(found, moves, "moves to break {rule:?} without {removed:?}");
    for back in removed {
        let others: Vec<_> = removed.iter().copied().filter(|guard| guard != back).collect();
        if let Some(path) = way_to_break(&others, scene, rule, Some(moves)) {
            panic!("{back:?} is not missed: without {others:?} as well\n{}", story(&path));
        }
    }
}

/// The shortest way to a world that breaks the rule, in at most so many moves.
fn way_to_break(
    removed: &[Guard],
    scene: &Scene,
    rule: Rule,
    moves: Option<usize>,
) -> Option<Path<World, Move>> {
    let guards = Guards::without(removed);
    let protocol = Protocol { scene: scene.clone(), guards, only: Some(rule) };
    let broken = HasDiscoveries::AnyOf(BTreeSet::from([rule.name()]));
    // A world is looked at below this depth, and the first one has depth 1. Without a depth: to the end.
    let depth = moves.map_or(0, |moves| moves + 2);
    let checker = protocol.checker().target_max_depth(depth).finish_when(broken).spawn_bfs().join();
    checker.discovery(rule.name())
}

/// The moves of a path, one a line.
fn story(path: &Path<World, Move>) -> String {
    let line = |(world, step): (World, Option<Move>)| match step {
        Some(step) => format!("  {:>2} {:?}: {step:?}\n", world.now, world.d.state),
        None => format!("  {:>2} {:?}\n", world.now, world.d.state),
    };
    path.clone().into_vec().into_iter().map(line).collect()
}

/// Worlds of different times that count as one have the same future, one move on: what makes one world of them leaves
/// nothing out that matters. Returns how many pairs were compared.
pub fn compares_what_counts_as_one(scene: Scene) -> usize {
    let protocol = Protocol { scene, guards: Guards::ALL, only: None };
    let hasher = RandomState::new();
    let future = |world: &World| {
        let next = protocol.next_states(world);
        next.iter().map(|next| hasher.hash_one(next)).collect::<BTreeSet<u64>>()
    };
    let mut known: HashMap<u64, (Tick, BTreeSet<u64>)> = HashMap::new();
    let mut queue: VecDeque<_> = protocol.init_states().into();
    let mut compared = 0;
    while let Some(world) = queue.pop_front() {
        match known.get(&hasher.hash_one(&world)) {
            Some((now, _)) if *now == world.now => {}
            Some((_, its)) => {
                assert_eq!(*its, future(&world), "two futures of one world: {world:#?}");
                compared += 1;
            }
            None => {
                known.insert(hasher.hash_one(&world), (world.now, future(&world)));
                queue.extend(protocol.next_states(&world));
            }
        }
    }
    compared
}

/// Every world is looked at; the answer is one from which the delivery comes to no end by itself, if there is one.
/// By itself: nobody dies any more, and a person only lifts what a person stopped.
pub fn dead_end(removed: &[Guard], scene: Scene) -> Option<String> {
    let protocol = Protocol { scene, guards: Guards::without(removed), only: None };
    let hasher = RandomState::new();
    let mut numbers: HashMap<u64, usize> = HashMap::new();
    let mut told = Vec::new();
    // From a world to those that lead to it, and the worlds that are an end.
    let mut before: Vec<Vec<usize>> = Vec::new();
    let mut ends = Vec::new();
    let mut queue: VecDeque<(Option<usize>, World)> =
        protocol.init_states().into_iter().map(|world| (None, world)).collect();
    while let Some((from, world)) = queue.pop_front() {
        let number = numbers.len();
        let number = *numbers.entry(hasher.hash_one(&world)).or_insert(number);
        if number == before.len() {
            before.push(Vec::new());
            told.push(format!("{:?} at {}", world.d.state, world.now));
            if is_end(&protocol, &world) {
                ends.push(number);
            }
            let mut moves = Vec::new();
            protocol.actions(&world, &mut moves);
            let next = moves.into_iter().filter_map(|step| {
                let by_itself = is_by_itself(step).then_some(number);
                protocol.next_state(&world, step).map(|next| (by_itself, next))
            });
            queue.extend(next);
        }
        before[number].extend(from);
    }
    let mut safe = HashSet::new();
    while let Some(world) = ends.pop() {
        if safe.insert(world) {
            ends.extend(&before[world]);
        }
    }
    println!("without {removed:?}: {} of {} worlds come to an end", safe.len(), told.len());
    (0..told.len()).find(|world| !safe.contains(world)).map(|world| told.swap_remove(world))
}

/// It is over, live, or waits for a person as it should.
fn is_end(protocol: &Protocol, w: &World) -> bool {
    match w.d.state {
        State::Published | State::Held => true,
        State::Uncertain => !protocol.scene.readable,
        state => state.is_terminal() || w.killed || w.paused,
    }
}

fn is_by_itself(step: Move) -> bool {
    match step {
        Move::Tick | Move::Sweep | Move::Arrive(..) => true,
        Move::Work(_, deed) => !matches!(deed, Deed::Die | Deed::Fail),
        Move::Person(act) => matches!(act, Act::LiftKill | Act::Resume),
    }
}
