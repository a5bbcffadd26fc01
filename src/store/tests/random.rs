//! Random calls on the reference in memory and on the embedded store give equal answers, also after it was reopened.

#![expect(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::{sync::Arc, time::Duration};

use loa_model::{Actor, Clock as _, Job, JobId, JobState, Priority};
use loa_store::{
    Change, Changes, Claimed, Expect, JobEnd, MemoryStore, Options, SledStore, Store,
    conformance::{HandClock, by, job},
};
use proptest::prelude::*;
use serde_json::json;

/// (Key; expectation: 0 absent, 1 and 2 any, else a version from there on back; text and number, or delete.)
type RowCall = (u8, u8, Option<(String, f64)>);

#[derive(Debug, Clone)]
enum Call {
    Commit { rows: Vec<RowCall>, jobs: Vec<(u8, u8)>, finish: Option<u8> },
    Claim { owner: u8, n: u8, seconds: u8 },
    Heartbeat { claim: u8, seconds: u8 },
    Finish { claim: u8, end: u8 },
    Cancel { job: u8 },
    Retry { job: u8 },
    Lease { account: u8, owner: u8, seconds: u8 },
    Release { lease: u8 },
    Wait { seconds: u8 },
    Look,
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    let text = prop_oneof!["[a-zđâẫộữặ ]{0,12}", Just("a\u{302}\u{303} phân tách".to_owned())];
    let row = (0..6u8, 0..6u8, proptest::option::weighted(0.8, (text, any::<f64>())));
    let rows = proptest::collection::vec(row, 0..4);
    let jobs = proptest::collection::vec((0..12u8, 0..3u8), 0..3);
    prop_oneof![
        6 => (rows, jobs, proptest::option::weighted(0.3, 0..8u8))
            .prop_map(|(rows, jobs, finish)| Call::Commit { rows, jobs, finish }),
        4 => (0..3u8, 0..4u8, 1..40u8).prop_map(|(owner, n, seconds)| Call::Claim { owner, n, seconds }),
        1 => (0..8u8, 1..40u8).prop_map(|(claim, seconds)| Call::Heartbeat { claim, seconds }),
        3 => (0..8u8, 0..5u8).prop_map(|(claim, end)| Call::Finish { claim, end }),
        1 => (0..12u8).prop_map(|job| Call::Cancel { job }),
        1 => (0..12u8).prop_map(|job| Call::Retry { job }),
        2 => (0..2u8, 0..3u8, 1..40u8)
            .prop_map(|(account, owner, seconds)| Call::Lease { account, owner, seconds }),
        1 => (0..4u8).prop_map(|lease| Call::Release { lease }),
        3 => (0..30u8).prop_map(|seconds| Call::Wait { seconds }),
        2 => Just(Call::Look),
        1 => Just(Call::Reopen),
    ]
}

fn seconds(n: u8) -> Duration {
    Duration::from_secs(u64::from(n))
}

fn changes(call: &Call, seq: u64, clock: &HandClock, claims: &[Claimed]) -> Changes {
    let Call::Commit { rows, jobs, finish } = call else { unreachable!() };
    let mut changes = by("đổi");
    for (key, expect, value) in rows {
        let expect = match expect {
            0 => Expect::Absent,
            1 | 2 => Expect::Any,
            ago => Expect::Version(seq.saturating_sub(u64::from(*ago) - 3)),
        };
        let index = value.iter().map(|(text, _)| ("by_text".to_owned(), text.clone())).collect();
        changes.rows.push(Change {
            table: format!("table-{}", key % 2),
            key: format!("khóa-{key}"),
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
    changes.finish = finish.and_then(|n| claims.get(usize::from(n))).map(|c| (c.job.id, c.fence));
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

/// One call on one store: its answer as text, and what later calls need.
async fn run(
    store: &dyn Store,
    call: &Call,
    clock: &HandClock,
    claims: &mut Vec<Claimed>,
    leases: &mut Vec<loa_store::AccountLease>,
) -> String {
    match call {
        Call::Commit { .. } => {
            format!("{:?}", store.commit(changes(call, store.last_seq(), clock, claims)).await)
        }
        Call::Claim { owner, n, seconds: s } => {
            let got = store
                .claim(&["ingest"], &format!("máy-{owner}"), usize::from(*n), seconds(*s))
                .await;
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
        Call::Look => look(store).await,
        Call::Wait { .. } | Call::Reopen => String::new(),
    }
}

/// A reopened store has forgotten what was renewed in memory only, so those calls are left out where it is reopened.
fn renews(call: &Call) -> bool {
    matches!(call, Call::Heartbeat { .. } | Call::Lease { .. } | Call::Release { .. })
}

async fn compare(calls: Vec<Call>, reopens: bool) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(HandClock::default());
    let options = || Options { segment_bytes: 3000, ..Options::default() };
    let memory = MemoryStore::new(clock.clone());
    let mut sled = SledStore::open(folder.path(), clock.clone(), options()).unwrap();
    let (mut claims, mut leases) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    let calls = calls.into_iter().filter(|call| !(reopens && renews(call)));
    for call in calls.chain([Call::Look, Call::Reopen, Call::Look]) {
        match call {
            Call::Wait { seconds: s } => clock.advance(seconds(s)),
            Call::Reopen if reopens => {
                drop(sled);
                sled = SledStore::open(folder.path(), clock.clone(), options()).unwrap();
                prop_assert_eq!(&sled.recovery().rebuilt, &None);
            }
            _ => {}
        }
        let one = run(&memory, &call, &clock, &mut claims.0, &mut leases.0).await;
        let two = run(&sled, &call, &clock, &mut claims.1, &mut leases.1).await;
        prop_assert_eq!(one, two, "{:?}", call);
    }
    let report = sled.verify().await.unwrap();
    prop_assert_eq!(report.flaws, Vec::<String>::new());
    Ok(())
}

fn block_on(
    compared: impl Future<Output = Result<(), TestCaseError>>,
) -> Result<(), TestCaseError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compared)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sled_answer_alike(calls in proptest::collection::vec(call(), 1..80)) {
        block_on(compare(calls, false))?;
    }

    #[test]
    fn a_reopened_store_answers_as_before(calls in proptest::collection::vec(call(), 1..80)) {
        block_on(compare(calls, true))?;
    }
}
