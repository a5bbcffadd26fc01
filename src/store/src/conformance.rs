//! The clauses of the [`Store`] contract: one suite, run on every backend by [`conformance!`](crate::conformance!).
//!
//! Each clause is a public function that takes an empty store and the clock it reads. Its first line of doc is the rule.

#![expect(
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    reason = "these are tests, compiled for the crates that run them"
)]

mod accounts;
mod queue;
mod records;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use loa_model::{
    Actor, Clock, IndexEntry, Job, JobId, JobKind, Record, record::join, seams::BoxFuture,
};
use serde::{Deserialize, Serialize};

pub use accounts::*;
pub use queue::*;
pub use records::*;

use crate::{Changes, Store};

/// Makes one named test per clause: `loa_store::conformance!(memory, make)`, where `make(clock)` returns a store in an
/// `Arc<dyn Store>` and whatever must live as long as it does.
#[macro_export]
macro_rules! conformance {
    ($name:ident, $make:expr) => {
        $crate::conformance_clauses! { $name, $make,
            text_comes_back_byte_for_byte
            an_insert_refuses_a_taken_key
            a_stale_version_changes_nothing
            one_failed_expectation_undoes_the_commit
            one_of_many_writers_wins
            versions_are_numbers_of_commits
            a_deleted_row_leaves_its_indexes
            an_index_entry_moves_with_its_row
            an_index_is_read_in_order_both_ways
            an_index_is_counted_as_it_is_read
            a_scan_begins_at_its_key
            an_audit_record_may_change_no_row
            big_values_are_refused
            tables_of_the_queue_are_refused
            keys_with_nul_are_refused
            a_row_changes_once_in_a_commit
            the_tail_is_a_chain_without_gaps
            the_past_of_a_record_is_read_backwards
            watchers_wake_at_every_commit
            a_job_is_claimed_once
            jobs_are_counted_by_state
            urgent_jobs_go_first_then_the_oldest
            backfill_rises_by_waiting
            only_wanted_kinds_are_claimed
            a_job_waits_for_its_time
            jobs_are_queued_with_their_commit
            a_job_id_is_queued_once
            what_a_job_waited_for_makes_it_due
            a_lapsed_lease_is_taken_and_fenced
            a_slow_worker_may_hand_in_while_nobody_took_over
            a_heartbeat_keeps_the_lease
            work_and_its_end_are_one_commit
            a_failed_job_returns_until_its_tries_are_used
            a_job_that_silences_its_workers_is_discarded
            a_silent_last_try_is_the_last
            a_snooze_costs_no_try
            a_waiting_job_is_called_off_at_once
            a_running_job_is_called_off_at_its_heartbeat
            a_called_off_job_is_not_tried_again
            what_cannot_be_done_is_discarded_at_once
            a_person_has_a_job_tried_again
            jobs_are_listed_newest_first
            one_owner_posts_at_a_time
            keeping_an_account_keeps_its_fence
            a_new_owner_has_a_higher_fence
            a_released_account_is_free_at_once
            a_stale_owner_cannot_release
        }
    };
}

/// The tests behind [`conformance!`].
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_clauses {
    ($name:ident, $make:expr, $($clause:ident)*) => {
        mod $name {
            use super::*;

            $(
                #[tokio::test]
                async fn $clause() {
                    let clock = std::sync::Arc::new($crate::conformance::HandClock::default());
                    let (store, _alive) = ($make)(clock.clone());
                    $crate::conformance::$clause(store, &clock).await;
                }
            )*
        }
    };
}

/// A clock that only moves when it is told to. It starts on 2026-11-22 at noon in Hà Nội.
#[derive(Debug)]
pub struct HandClock(Mutex<Timestamp>);

impl Default for HandClock {
    fn default() -> Self {
        Self(Mutex::new("2026-11-22T05:00:00Z".parse().expect("an instant")))
    }
}

impl HandClock {
    /// Moves on.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock instead of waiting.
    fn sleep(&self, wait: Duration) -> BoxFuture<'_, ()> {
        self.advance(wait);
        Box::pin(std::future::ready(()))
    }
}

/// The store under test.
pub type Subject = Arc<dyn Store>;

/// A record of the suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Primary key.
    pub id: String,
    /// Sorts in the index `note_by_shelf`.
    pub shelf: String,
    /// Any text.
    pub text: String,
}

impl Note {
    /// A note.
    pub fn new(id: &str, shelf: &str, text: &str) -> Self {
        Self { id: id.to_owned(), shelf: shelf.to_owned(), text: text.to_owned() }
    }
}

impl Record for Note {
    const TABLE: &'static str = "note";
    fn key(&self) -> String {
        self.id.clone()
    }
    fn index(&self) -> Vec<IndexEntry> {
        vec![IndexEntry { index: "note_by_shelf", key: join(&[&self.shelf, &self.id]) }]
    }
}

/// Changes of the suite's person.
pub fn by(what: &str) -> Changes {
    Changes::by(Actor::Operator("biên tập viên".to_owned()), what)
}

/// Job `n`, an ingest due now by this clock.
pub fn job(n: u32, clock: &HandClock) -> Job {
    let id: JobId = format!("00000000-0000-7000-8000-{n:012}").parse().expect("a UUID");
    let source = format!("https://cong-tin.example/bài-{n}");
    Job::new(id, "demo", JobKind::Ingest { source, agency: "demo".to_owned() }, clock.now())
}

const MINUTE: Duration = Duration::from_mins(1);
const KINDS: &[&str] = &["ingest"];

#[cfg(test)]
mod tests {
    #[test]
    fn every_clause_is_run() {
        let listed = include_str!("conformance.rs").split("$make,\n").nth(1).unwrap();
        let listed: Vec<_> = listed.split('}').next().unwrap().split_whitespace().collect();
        let sources = [
            include_str!("conformance/records.rs"),
            include_str!("conformance/queue.rs"),
            include_str!("conformance/accounts.rs"),
        ];
        let lines = sources.iter().flat_map(|source| source.lines());
        let clauses = lines.filter_map(|line| line.strip_prefix("pub async fn "));
        let clauses: Vec<_> = clauses.filter_map(|line| line.split('(').next()).collect();
        assert_eq!(listed, clauses);
    }
}
