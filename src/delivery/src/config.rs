//! Settings of delivery.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use loa_model::{QuietHours, delivery::Effect};

/// Settings of the worker. Durations are whole seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Accounts served at the same time; each account is served serially, and holds the file it uploads in memory.
    pub concurrency: usize,
    /// Lease of an account; renewed at a third of it.
    pub account_lease_s: u32,
    /// Lease of a delivery: a chain that takes longer is handed back.
    pub delivery_lease_s: u32,
    /// Whole time of one creating request, at most 30.
    pub create_timeout_s: u32,
    /// Whole time of one harmless step: uploads, polls.
    pub upload_timeout_s: u32,
    /// Nothing may leave the machine later than this after its intent.
    pub send_within_s: u32,
    /// Time between an unclear outcome and the first read-back: request, visibility lag of the platform, margin.
    pub quarantine_s: u32,
    /// Distance of two negative read-backs that count.
    pub read_back_apart_s: u32,
    /// Wait after a read-back that failed.
    pub read_back_again_s: u32,
    /// A wait between steps up to this is spent under the lease; a longer one hands the delivery back.
    pub hold_wait_s: u32,
    /// Distance of two questions whether an account's credentials age, before it is served; 0 asks never.
    pub refresh_check_s: u32,
    /// How long after a public step, once its window is over, a chain still asks whether the post is live before the outcome
    /// counts as unclear.
    pub settle_s: u32,
    /// Tries of a retraction or a correction before a person is asked.
    pub aftercare_tries: u32,
    /// First measurement after posting.
    pub first_measure_s: u32,
    /// Longest nap between two rounds.
    pub poll_s: u32,
    /// Percent of every allowance kept for urgent posts and corrections.
    pub urgent_reserve_percent: u8,
    /// Posts of several accounts of one app that are due at the same moment, and named no exact time, are spread over at most
    /// this long, two seconds for each.
    pub spread_s: u32,
    /// Backfill that waited this long is served like the day's work.
    pub backfill_ages_s: u32,
    /// Hours without posts, urgent ones excepted.
    pub quiet: Option<QuietHours>,
    /// Most records read of one state in one round.
    pub batch: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 32,
            account_lease_s: 30,
            delivery_lease_s: 3600,
            create_timeout_s: 30,
            upload_timeout_s: 900,
            send_within_s: 20,
            quarantine_s: 600,
            read_back_apart_s: 120,
            read_back_again_s: 60,
            hold_wait_s: 120,
            refresh_check_s: 600,
            settle_s: 24 * 3600,
            aftercare_tries: 8,
            first_measure_s: 900,
            poll_s: 30,
            urgent_reserve_percent: 20,
            spread_s: 120,
            backfill_ages_s: 6 * 3600,
            quiet: None,
            batch: 1000,
        }
    }
}

pub(crate) fn secs(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}

impl Config {
    /// Whole time a step of this effect may take.
    pub(crate) fn timeout(&self, effect: Effect) -> Duration {
        let seconds = match effect {
            Effect::Public | Effect::Idempotent => self.create_timeout_s.min(30),
            Effect::Read | Effect::Hidden => self.upload_timeout_s,
        };
        Duration::from_secs(u64::from(seconds))
    }

    /// How long after its intent a step of this effect may still leave the machine.
    pub(crate) fn send_within(&self, effect: Effect) -> SignedDuration {
        match effect {
            Effect::Public | Effect::Idempotent => secs(self.send_within_s),
            Effect::Read | Effect::Hidden => secs(self.upload_timeout_s),
        }
    }

    /// Time until a lease that is held between rounds must be renewed.
    pub(crate) fn keep_lease_within(&self) -> SignedDuration {
        secs((self.account_lease_s / 2).max(1))
    }

    pub(crate) fn account_lease(&self) -> Duration {
        Duration::from_secs(u64::from(self.account_lease_s))
    }
}
