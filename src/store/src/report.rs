//! What `verify` found.

use std::collections::BTreeSet;

use loa_model::Digest;
use serde::Serialize;

use crate::{
    changes::Seq,
    error::Result,
    ledger::Reader,
    rows::{MemoryRows, Rows, Stored},
    sled_store::apply,
};

/// No more flaws than this are listed.
const FLAWS: usize = 20;

/// State of a store: the ledger against itself, and the index against the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Number of the last record; there are as many.
    pub last_seq: Seq,
    /// Hash of the last record: kept elsewhere, it proves that nothing before it was changed.
    pub head: Digest,
    /// Files of the ledger.
    pub segments: usize,
    /// Rows in the index.
    pub rows: u64,
    /// Entries of the secondary indexes.
    pub index_entries: u64,
    /// Bytes of a torn record that were cut off when the store was opened.
    pub cut_bytes: u64,
    /// What is wrong, in words; empty when all is well. At most 20.
    pub flaws: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty()
    }
}

/// Checks the ledger up to its end, and the rows against its replay.
pub(crate) fn verify(
    reader: &Reader,
    rows: &dyn Rows,
    (last_seq, head): (Seq, Digest),
    cut_bytes: u64,
) -> Result<Report> {
    let mut report = Report {
        last_seq,
        head,
        segments: 0,
        rows: 0,
        index_entries: 0,
        cut_bytes,
        flaws: Vec::new(),
    };
    let replayed = MemoryRows::default();
    match reader.check(last_seq, &mut |record| apply(record, &replayed)) {
        Ok((hash, segments)) => {
            report.segments = segments;
            if hash != head {
                report
                    .flaws
                    .push("the last record is not the one that was acknowledged".to_owned());
            }
        }
        Err(error) => {
            // Without a whole ledger there is nothing to hold the index against.
            report.flaws.push(error.to_string());
            return Ok(report);
        }
    }
    compare(&mut report, rows, &replayed)?;
    report.flaws.truncate(FLAWS);
    Ok(report)
}

fn compare(report: &mut Report, rows: &dyn Rows, replayed: &MemoryRows) -> Result<()> {
    let applied = (rows.applied()?, replayed.applied()?);
    if applied.0 != applied.1 {
        let (index, ledger) = (applied.0.0, applied.1.0);
        report.flaws.push(format!("the index stands at record {index}, the ledger at {ledger}"));
    }
    let mut keys = BTreeSet::new();
    rows.visit(&mut |table, key, row| {
        report.rows += 1;
        keys.insert((table.to_owned(), key.to_owned()));
        if replayed.row(table, key)?.as_ref() != Some(row) {
            note(report, || format!("row {table} {key} of the index is not what the ledger says"));
        }
        Ok(())
    })?;
    let mut entries = BTreeSet::new();
    rows.visit_index(&mut |entry| {
        report.index_entries += 1;
        entries.insert(entry.map(str::to_owned));
        Ok(())
    })?;
    replayed.visit(&mut |table, key, row: &Stored| {
        if !keys.contains(&(table.to_owned(), key.to_owned())) {
            note(report, || format!("row {table} {key} ({}) is missing in the index", row.version));
        }
        Ok(())
    })?;
    replayed.visit_index(&mut |entry| {
        if !entries.remove(&entry.map(str::to_owned)) {
            note(report, || format!("index entry {} is missing", entry.join(" · ")));
        }
        Ok(())
    })?;
    for entry in &entries {
        note(report, || format!("index entry {} has no row in the ledger", entry.join(" · ")));
    }
    Ok(())
}

fn note(report: &mut Report, flaw: impl FnOnce() -> String) {
    if report.flaws.len() < FLAWS {
        report.flaws.push(flaw());
    }
}
