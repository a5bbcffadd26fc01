//! Deterministic simulation: from one seed the accounts, posts, people, faults, crashes and the disk of a newsroom, on one
//! thread and on a clock of ours. The oracle is outside: what the platform's audience saw, against the ledger.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::needless_pass_by_value,
    clippy::option_option,
    clippy::print_stdout,
    clippy::similar_names,
    reason = "a plan is used up as it is lived; a step may end one of the processes or none; a replay is told"
)]

mod adapter;
mod blows;
mod coverage;
mod dice;
mod house;
mod kernel;
mod oracle;
mod people;
mod plan;
mod platform;
mod time;
mod verdict;
mod watch;
mod wire;
mod witness;
mod world;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use world::World;

/// What came of a seed.
struct Outcome {
    broken: Option<String>,
    counts: BTreeMap<String, u64>,
    story: Vec<String>,
    polls: u64,
    records: u64,
}

fn run(seed: u64, loud: bool) -> Outcome {
    let mut world = World::new(seed, loud);
    let witness = world.witness.clone();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        world.run();
        if witness.broken().is_none() {
            world.judge();
        }
    }));
    let panicked = ran.is_err().then(|| "the program panicked, see above".to_owned());
    let broken = witness.broken().or(panicked);
    let (counts, story) = witness.take();
    Outcome { broken, counts, story, polls: world.polls, records: world.records }
}

fn replay(seed: u64) -> String {
    format!("SIM_SEED={seed} cargo test -p loa-delivery --test simulation seeds -- --nocapture")
}

/// Tells the whole story of a seed and fails if a promise was broken in it.
fn tell(seed: u64) {
    let outcome = run(seed, true);
    for line in &outcome.story {
        println!("{line}");
    }
    if let Some(broken) = outcome.broken {
        panic!("seed {seed}: {broken}\nreplay: {}", replay(seed));
    }
    println!("seed {seed} keeps every promise");
}

/// What came of many seeds.
#[derive(Default)]
struct Total {
    counts: BTreeMap<String, u64>,
    broken: BTreeMap<u64, String>,
    ran: u64,
    /// The most of one seed, and which.
    polls: (u64, u64),
    records: (u64, u64),
}

/// Runs seeds on every processor; stops at the first broken promise unless it is a survey.
fn run_all(seeds: std::ops::Range<u64>, survey: bool, report_every: u64) -> Total {
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let total = Mutex::new(Total::default());
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let outcome = run(seed, false);
            let mut total = total.lock().unwrap();
            for (what, count) in outcome.counts {
                *total.counts.entry(what).or_default() += count;
            }
            total.ran += 1;
            total.polls = total.polls.max((outcome.polls, seed));
            total.records = total.records.max((outcome.records, seed));
            if let Some(broken) = outcome.broken {
                stop.store(!survey, Ordering::Relaxed);
                total.broken.insert(seed, broken);
            }
            if report_every > 0 && (seed + 1) % report_every == 0 {
                println!("{} seeds", seed + 1 - seeds.start);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().min(8));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    total.into_inner().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the seed of a replay comes from the environment")]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
}

/// Runs seeds, prints what they met, and fails unless every promise was kept.
fn keep_every_promise(many: u64, report_every: u64) {
    let from = number("SIM_FROM").unwrap_or(0);
    let survey = number("SIM_SURVEY").is_some();
    let seeds = from..from + number("SIM_SEEDS").unwrap_or(many);
    let total = run_all(seeds, survey, report_every);
    for (what, count) in &total.counts {
        println!("{count:>9} {what}");
    }
    let ((polls, busiest), (records, longest)) = (total.polls, total.records);
    println!("most polls {polls} (seed {busiest}), most records {records} (seed {longest})");
    if survey {
        let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for (seed, broken) in &total.broken {
            kinds.entry(broken.split(':').next().unwrap()).or_default().push(*seed);
        }
        println!("{kinds:#?}");
    }
    if let Some((seed, broken)) = total.broken.first_key_value() {
        let story = run(*seed, true).story;
        for line in story.iter().skip(story.len().saturating_sub(80)) {
            println!("  {line}");
        }
        panic!("seed {seed}: {broken}\nreplay: {}", replay(*seed));
    }
    let missing = coverage::missing(&total.counts, total.ran);
    assert!(missing.is_empty(), "{} seeds never met: {missing:#?}", total.ran);
}

#[test]
fn seeds_keep_every_promise() {
    if let Some(seed) = number("SIM_SEED") {
        return tell(seed);
    }
    keep_every_promise(coverage::ENOUGH, 0);
}

/// Everything a seed decides comes from the seed: the story of a failure is the story of its replay.
#[test]
fn a_seed_has_one_story() {
    for seed in [3, 14, 159] {
        let (one, other) = (run(seed, true), run(seed, true));
        assert!(one.story.len() > 50, "seed {seed} has only {} lines", one.story.len());
        assert_eq!(one.story, other.story, "seed {seed}");
        assert_eq!((one.polls, one.records), (other.polls, other.records), "seed {seed}");
    }
}

#[test]
#[ignore = "hours: make soak"]
fn soak() {
    keep_every_promise(200_000, 1000);
}
