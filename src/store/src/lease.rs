//! Work under a lease: claimed jobs, how they end, and the right to post on an account.

use jiff::Timestamp;
use loa_model::Job;
use serde::{Deserialize, Serialize};

/// A job under a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claimed {
    /// The job.
    pub job: Job,
    /// This try, from 1.
    pub attempt: u32,
    /// Fence of the lease.
    pub fence: u64,
    /// Lease end.
    pub until: Timestamp,
}

/// How a job ended for now, when its work made no commit of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// Done.
    Complete,
    /// Failed: again at `run_at` while tries are left, else discarded with the reason.
    Fail {
        /// Why, for people.
        reason: String,
        /// Not before.
        run_at: Timestamp,
    },
    /// Failed, and trying again cannot help: discarded with the reason.
    Discard {
        /// Why, for people.
        reason: String,
    },
    /// Not now; costs no try.
    Snooze {
        /// Not before.
        run_at: Timestamp,
    },
    /// Called off.
    Cancel,
}

/// A job with its state, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// State.
    pub state: loa_model::JobState,
    /// Tries so far.
    pub attempt: u32,
    /// Last reason.
    pub reason: String,
    /// Claims whose worker went silent with the job.
    pub lost: u32,
    /// End of the lease of whoever has it, also when it ran out.
    pub until: Option<Timestamp>,
    /// Whether a person asked to call it off while it runs: the worker obeys at its next heartbeat.
    pub cancel_requested: bool,
}

/// The right to post on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLease {
    /// Account name.
    pub account: String,
    /// Owner.
    pub owner: String,
    /// Raised at every change of owner.
    pub fence: u64,
    /// Until.
    pub until: Timestamp,
}
