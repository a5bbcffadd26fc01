//! Random calls on the reference in memory and on a backend give equal answers, also after the backend was closed and opened
//! again. What fails is shrunk to the few calls that matter.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{path::Path, sync::Arc, time::Duration};

use loa_model::{Actor, Clock as _, Job, JobId, JobState, Priority, seams::SharedClock};
use loa_store::{
    AccountLease, Change, Changes, Claimed, Expect, JobEnd, MemoryStore, Options, SledStore, Store,
    conformance::{HandClock, by, job},
};
use proptest::{prelude::*, strategy::Union};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::json;

/// What is tested against the reference.
trait Backend: Store + Sized {
    /// Opens the store of a folder.
    fn open(folder: &Path, clock: SharedClock) -> Self;

    /// Held against itself; empty when all is well.
    async fn flaws(&self) -> Vec<String>;
}

impl Backend for SledStore {
    fn open(folder: &Path, clock: SharedClock) -> Self {
        let options = Options { segment_bytes: 3000, ..Options::default() };
        let store = Self::open(folder, clock, options).unwrap();
        assert_eq!(store.recovery().rebuilt, None, "its end was clean");
        store
    }

    async fn flaws(&self) -> Vec<String> {
        self.verify().await.unwrap().flaws
    }
}

/// Makes the test of a backend.
macro_rules! answers_as_the_reference {
    ($name:ident, $backend:ty) => {
        mod $name {
            use super::*;

            type Against = Pair<$backend>;

            proptest_state_machine::prop_state_machine! {
                #![proptest_config(ProptestConfig {
                    cases: 32,
                    failure_persistence: None,
                    ..ProptestConfig::default()
                })]

                #[test]
                fn answers_as_the_reference(sequential 1..80 => Against);
            }
        }
    };
}

answers_as_the_reference!(sled, SledStore);

/// (Key; expectation: 0 absent, 1 and 2 any, else a version from there on back; text and number, or delete.)
type RowCall = (u8, u8, Option<(String, f64)>);

#[derive(Debug, Clone)]
enum Call {
    Commit { rows: Vec<RowCall>, jobs: Vec<(u8, u8)>, finish: Option<u8> },
    Get { key: u8 },
    Range { from: String, to: String, limit: usize, reverse: bool },
    Scan { key: u8, limit: usize },
    Claim { owner: u8, n: u8, seconds: u8 },
    Heartbeat { claim: u8, seconds: u8 },
    Finish { claim: u8, end: u8 },
    Cancel { job: u8 },
    Retry { job: u8 },
    Lease { account: u8, owner: u8, seconds: u8 },
    Release { lease: u8 },
    Jobs,
    Tail { ago: u8, limit: usize },
    Wait { seconds: u8 },
    Reopen,
}

/// What decides which calls make sense.
#[derive(Debug, Clone)]
struct Known {
    /// Either the backend is opened again now and then, or leases are renewed: a renewal is in memory only, and a store
    /// that was opened again has forgotten it.
    reopens: bool,
    /// Claims there may be.
    claims: u8,
    /// Leases of accounts there may be.
    leases: u8,
}

struct Calls;

impl ReferenceStateMachine for Calls {
    type State = Known;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Known> {
        any::<bool>().prop_map(|reopens| Known { reopens, claims: 0, leases: 0 }).boxed()
    }

    fn transitions(known: &Known) -> BoxedStrategy<Call> {
        let text = prop_oneof!["[a-zđâẫộữặ ]{0,12}", Just("a\u{302}\u{303} phân tách".to_owned())];
        let row = (0..6u8, 0..6u8, proptest::option::weighted(0.8, (text, any::<f64>())));
        let rows = proptest::collection::vec(row, 0..4);
        let jobs = proptest::collection::vec((0..12u8, 0..3u8), 0..3);
        let (claim, lease) = (0..known.claims.max(1), 0..known.leases.max(1));
        let edge = || prop_oneof![Just(String::new()), "[a-zđ]", Just("\u{10ffff}".to_owned())];
        let finish = proptest::option::weighted(0.3, claim.clone());
        let mut calls = vec![
            (
                6,
                (rows, jobs, finish)
                    .prop_map(|(rows, jobs, finish)| Call::Commit { rows, jobs, finish })
                    .boxed(),
            ),
            (1, (0..6u8).prop_map(|key| Call::Get { key }).boxed()),
            (
                2,
                (edge(), edge(), 0..9usize, any::<bool>())
                    .prop_map(|(from, to, limit, reverse)| Call::Range { from, to, limit, reverse })
                    .boxed(),
            ),
            (1, (0..6u8, 0..9usize).prop_map(|(key, limit)| Call::Scan { key, limit }).boxed()),
            (
                4,
                (0..3u8, 0..4u8, 1..40u8)
                    .prop_map(|(owner, n, seconds)| Call::Claim { owner, n, seconds })
                    .boxed(),
            ),
            (1, (0..12u8).prop_map(|job| Call::Cancel { job }).boxed()),
            (1, (0..12u8).prop_map(|job| Call::Retry { job }).boxed()),
            (1, Just(Call::Jobs).boxed()),
            (1, (0..9u8, 0..9usize).prop_map(|(ago, limit)| Call::Tail { ago, limit }).boxed()),
            (3, (0..30u8).prop_map(|seconds| Call::Wait { seconds }).boxed()),
        ];
        if known.claims > 0 {
            let finish = (claim.clone(), 0..5u8);
            calls.push((3, finish.prop_map(|(claim, end)| Call::Finish { claim, end }).boxed()));
        }
        if known.reopens {
            calls.push((1, Just(Call::Reopen).boxed()));
            return Union::new_weighted(calls).boxed();
        }
        calls.push((
            2,
            (0..2u8, 0..3u8, 1..40u8)
                .prop_map(|(account, owner, seconds)| Call::Lease { account, owner, seconds })
                .boxed(),
        ));
        if known.claims > 0 {
            let beat = (claim, 1..40u8);
            let beat = beat.prop_map(|(claim, seconds)| Call::Heartbeat { claim, seconds });
            calls.push((1, beat.boxed()));
        }
        if known.leases > 0 {
            calls.push((1, lease.prop_map(|lease| Call::Release { lease }).boxed()));
        }
        Union::new_weighted(calls).boxed()
    }

    fn apply(mut known: Known, call: &Call) -> Known {
        match call {
            Call::Claim { n, .. } => known.claims = known.claims.saturating_add(*n),
            Call::Lease { .. } => known.leases = known.leases.saturating_add(1),
            _ => {}
        }
        known
    }

    fn preconditions(known: &Known, call: &Call) -> bool {
        match call {
            Call::Reopen => known.reopens,
            Call::Heartbeat { claim, .. } => !known.reopens && *claim < known.claims,
            Call::Finish { claim, .. } => *claim < known.claims,
            Call::Lease { .. } => !known.reopens,
            Call::Release { lease } => !known.reopens && *lease < known.leases,
            _ => true,
        }
    }
}

/// A store and what its callers hold.
struct Side<S> {
    store: S,
    claims: Vec<Claimed>,
    leases: Vec<AccountLease>,
}

/// The reference and a backend, on one clock.
struct Pair<B> {
    clock: Arc<HandClock>,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    memory: Side<MemoryStore>,
    /// Nothing only while it is opened again: its folder has one owner.
    backend: Option<Side<B>>,
}

impl<B: Backend> StateMachineTest for Pair<B> {
    type SystemUnderTest = Self;
    type Reference = Calls;

    fn init_test(_: &Known) -> Self {
        let clock = Arc::new(HandClock::default());
        let folder = tempfile::tempdir().unwrap();
        let backend = Side::new(B::open(folder.path(), clock.clone()));
        let memory = Side::new(MemoryStore::new(clock.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { clock, folder, runtime, memory, backend: Some(backend) }
    }

    fn apply(mut pair: Self, _: &Known, call: Call) -> Self {
        match call {
            Call::Wait { seconds: s } => pair.clock.advance(seconds(s)),
            Call::Reopen => pair.reopen(),
            call => {
                let Self { clock, runtime, memory, backend, .. } = &mut pair;
                let backend = backend.as_mut().unwrap();
                runtime.block_on(async {
                    let wanted = memory.run(&call, clock).await;
                    assert_eq!(backend.run(&call, clock).await, wanted, "{call:?}");
                });
            }
        }
        pair
    }

    fn check_invariants(pair: &Self, _: &Known) {
        let backend = pair.backend.as_ref().unwrap();
        assert_eq!(backend.store.last_seq(), pair.memory.store.last_seq());
    }

    fn teardown(mut pair: Self, known: Known) {
        pair.look();
        if known.reopens {
            pair.reopen();
            pair.look();
        }
        let backend = pair.backend.as_ref().unwrap();
        assert_eq!(pair.runtime.block_on(backend.store.flaws()), Vec::<String>::new());
    }
}

impl<B: Backend> Pair<B> {
    fn reopen(&mut self) {
        let Side { store, claims, leases } = self.backend.take().unwrap();
        drop(store);
        let store = B::open(self.folder.path(), self.clock.clone());
        self.backend = Some(Side { store, claims, leases });
    }

    fn look(&self) {
        let backend = self.backend.as_ref().unwrap();
        self.runtime.block_on(async {
            assert_eq!(look(&backend.store).await, look(&self.memory.store).await);
        });
    }
}

fn seconds(n: u8) -> Duration {
    Duration::from_secs(u64::from(n))
}

fn table(key: u8) -> String {
    format!("table-{}", key % 2)
}

fn row_key(key: u8) -> String {
    format!("khóa-{key}")
}

fn changes(rows: &[RowCall], jobs: &[(u8, u8)], seq: u64, clock: &HandClock) -> Changes {
    let mut changes = by("đổi");
    for (key, expect, value) in rows {
        let expect = match expect {
            0 => Expect::Absent,
            1 | 2 => Expect::Any,
            ago => Expect::Version(seq.saturating_sub(u64::from(*ago) - 3)),
        };
        let index = value.iter().map(|(text, _)| ("by_text".to_owned(), text.clone())).collect();
        changes.rows.push(Change {
            table: table(*key),
            key: row_key(*key),
            expect,
            value: value.as_ref().map(|(text, number)| json!({ "text": text, "number": number })),
            index,
        });
    }
    for (n, priority) in jobs {
        let priority =
            [Priority::Urgent, Priority::Normal, Priority::Backfill][usize::from(*priority)];
        let run_at = clock.now() + seconds(n % 4 * 5);
        changes.enqueue.push(Job {
            priority,
            run_at,
            max_attempts: 3,
            ..job(u32::from(*n), clock)
        });
    }
    changes
}

fn end(kind: u8, clock: &HandClock) -> JobEnd {
    let run_at = clock.now() + seconds(10);
    match kind {
        0 => JobEnd::Complete,
        1 => JobEnd::Fail { reason: "lỗi mạng".into(), run_at },
        2 => JobEnd::Snooze { run_at },
        3 => JobEnd::Discard { reason: "không thể".into() },
        _ => JobEnd::Cancel,
    }
}

/// Everything a store can be asked, as text.
async fn look(store: &dyn Store) -> String {
    let mut seen = Vec::new();
    for reverse in [false, true] {
        seen.push(format!("{:?}", store.range("by_text", "", "\u{10ffff}", 99, reverse).await));
        seen.push(format!("{:?}", store.range("by_text", "b", "đ", 3, reverse).await));
    }
    for table in ["table-0", "table-1"] {
        seen.push(format!("{:?}", store.scan(table, "khóa-1", 99).await));
        seen.push(format!("{:?}", store.get(table, "khóa-2").await));
    }
    for state in
        [None, Some(JobState::Available), Some(JobState::Completed), Some(JobState::Executing)]
    {
        seen.push(format!("{:?}", store.jobs(state, 99).await));
    }
    seen.push(format!("{:?} {}", store.tail(0, 999).await, store.last_seq()));
    seen.join("\n")
}

impl<S: Store> Side<S> {
    fn new(store: S) -> Self {
        Self { store, claims: Vec::new(), leases: Vec::new() }
    }

    /// Makes one call. Returns its answer as text.
    async fn run(&mut self, call: &Call, clock: &HandClock) -> String {
        let Self { store, claims, leases } = self;
        match call {
            Call::Commit { rows, jobs, finish } => {
                let mut changes = changes(rows, jobs, store.last_seq(), clock);
                let finish = finish.and_then(|n| claims.get(usize::from(n)));
                changes.finish = finish.map(|claimed| (claimed.job.id, claimed.fence));
                format!("{:?}", store.commit(changes).await)
            }
            Call::Get { key } => format!("{:?}", store.get(&table(*key), &row_key(*key)).await),
            Call::Range { from, to, limit, reverse } => {
                format!("{:?}", store.range("by_text", from, to, *limit, *reverse).await)
            }
            Call::Scan { key, limit } => {
                format!("{:?}", store.scan(&table(*key), &row_key(*key), *limit).await)
            }
            Call::Claim { owner, n, seconds: s } => {
                let owner = format!("máy-{owner}");
                let got = store.claim(&["ingest"], &owner, usize::from(*n), seconds(*s)).await;
                claims.extend(got.as_ref().unwrap().iter().cloned());
                format!("{got:?}")
            }
            Call::Heartbeat { claim, seconds: s } => match claims.get(usize::from(*claim)) {
                Some(claimed) => format!("{:?}", store.heartbeat(claimed, seconds(*s)).await),
                None => String::new(),
            },
            Call::Finish { claim, end: kind } => match claims.get(usize::from(*claim)) {
                Some(claimed) => format!("{:?}", store.finish(claimed, end(*kind, clock)).await),
                None => String::new(),
            },
            Call::Cancel { job: n } => {
                let id: JobId = job(u32::from(*n), clock).id;
                format!("{:?}", store.cancel_job(id, Actor::Operator("người".to_owned())).await)
            }
            Call::Retry { job: n } => {
                let id: JobId = job(u32::from(*n), clock).id;
                format!("{:?}", store.retry_job(id, Actor::Operator("người".to_owned())).await)
            }
            Call::Lease { account, owner, seconds: s } => {
                let (account, owner) = (format!("memory:a{account}"), format!("máy-{owner}"));
                let got = store.lease_account(&account, &owner, seconds(*s)).await;
                leases.extend(got.as_ref().unwrap().iter().cloned());
                format!("{got:?}")
            }
            Call::Release { lease } => match leases.get(usize::from(*lease)) {
                Some(lease) => format!("{:?}", store.release_account(lease).await),
                None => String::new(),
            },
            Call::Jobs => format!("{:?}", store.jobs(None, 99).await),
            Call::Tail { ago, limit } => {
                let after = store.last_seq().saturating_sub(u64::from(*ago));
                format!("{:?}", store.tail(after, *limit).await)
            }
            Call::Wait { .. } | Call::Reopen => unreachable!("the pair does that"),
        }
    }
}
