//! The invariants of delivery, checked against the ledger: each version of a delivery against the one before, in the order
//! in which they were written, and what stands now against what belongs to it.
//!
//! Records go by page after page. Of each delivery only what its next version is held against stays, some hundred bytes;
//! of each post its signed digest; of each account whether it may post and what it reserved.
//!
//! I6 (the ledger has no gap, the index is its replay) and I7 (every index entry belongs to a record) are the store's own:
//! [`SledStore::verify`](loa_store::SledStore::verify).

mod breach;
mod history;
mod spending;
mod standing;
mod version;

use std::{collections::BTreeMap, fmt};

use loa_model::{DeliveryId, capability::PaceRule};
use loa_store::{Seq, Store};
use serde::Serialize;

use crate::Result;
pub use breach::{Breach, Invariant};
use history::History;

/// No more than this are listed.
const MOST: usize = 100;
/// Records that are read at a time.
const PAGE: usize = 256;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// What.
    pub breach: Breach,
    /// Whose: `delivery <id>` or `pace <account or app>`.
    pub about: String,
    /// Record of the ledger that shows it; nothing when it is how things stand now.
    pub seq: Option<Seq>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (vi, en) = (self.breach.say("vi"), self.breach.say("en"));
        write!(f, "{:?} {}", self.breach.invariant(), self.about)?;
        if let Some(seq) = self.seq {
            write!(f, " (record {seq})")?;
        }
        write!(f, ": {vi} · {en}")
    }
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Records of the ledger that were read.
    pub records: u64,
    /// Deliveries there ever were.
    pub deliveries: u64,
    /// What is broken; at most 100.
    pub broken: Vec<Broken>,
}

impl Checked {
    fn note(&mut self, breach: Breach, about: String, seq: Option<Seq>) {
        if self.broken.len() < MOST {
            self.broken.push(Broken { breach, about, seq });
        }
    }
}

/// The allowances of the channels, by name. What a channel that is not named spent is not judged.
pub type Rules = BTreeMap<String, PaceRule>;

/// Checks every delivery there ever was. What is written meanwhile may or may not be looked at.
///
/// # Errors
/// [`crate::Error::Store`] when a record cannot be read.
pub async fn check(store: &dyn Store, rules: &Rules) -> Result<Checked> {
    let mut found = Checked::default();
    let mut history = History::new(rules);
    let end = store.last_seq();
    while found.records < end {
        let page = store.tail(found.records, PAGE).await?;
        let Some(last) = page.last() else { break };
        found.records = last.seq;
        for entry in &page {
            history.take(entry, &mut found)?;
        }
    }
    history.end(&mut found);
    standing::check(store, rules, &mut found).await?;
    Ok(found)
}

fn about(id: DeliveryId) -> String {
    format!("delivery {id}")
}
