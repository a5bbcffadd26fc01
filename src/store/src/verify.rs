//! `verify`: the ledger against itself, and the index against the ledger, while both go on.
//!
//! Nothing is copied: of every row of the replay only two short hashes are kept, and they are struck off as the index shows
//! the row and its entries. What changes meanwhile is told by the records that came meanwhile, and not judged.

use std::collections::{BTreeMap, BTreeSet};

use loa_model::{Digest, JobId};
use serde::Serialize;

use crate::{
    changes::Seq,
    engine::resolve,
    error::Result,
    ledger::{Reader, Record},
    queue::{self, JobRow},
    rows::{RowOp, Rows, Stored},
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
    /// What is wrong, in words; empty when all is well. At most 20. Each begins with what it breaks: `I6` (the ledger has no
    /// gap and an unbroken chain, the index is its replay) or `I7` (every index entry belongs to a row).
    pub flaws: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.flaws.is_empty()
    }
}

/// A row of the replay that the index has not shown yet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Owed {
    /// Hash of the row; zero once the index has shown it.
    row: u128,
    /// Sum of the hashes of its index entries, less those that the index has shown.
    entries: u128,
}

/// What a replay of the ledger gives, as far as a comparison needs it.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    rows: BTreeMap<u128, Owed>,
    /// Jobs that are not over: a record may finish one without saying what it was.
    jobs: BTreeMap<JobId, JobRow>,
}

/// Something of the index that the replay does not explain: the row it is about, and what to say of it while there are few.
type Doubt = (u128, Option<String>);

/// A verification under way.
#[derive(Debug)]
pub(crate) struct Verification {
    report: Report,
    shadow: Shadow,
    doubts: Vec<Doubt>,
}

impl Shadow {
    fn apply(&mut self, record: &Record<'_>) -> Result<()> {
        for op in resolve(&record.entry()?, |id| Ok(self.jobs.get(&id).cloned()))? {
            if op.table == queue::JOBS {
                self.take_job(&op)?;
            }
            let key = name_hash(&op.table, &op.key);
            match &op.row {
                None => self.rows.remove(&key),
                Some(row) => {
                    let entries = row.index.iter().map(|(index, sort)| hash(&[index, sort]));
                    let entries = entries.fold(0, u128::wrapping_add);
                    self.rows.insert(key, Owed { row: row_hash(row), entries })
                }
            };
        }
        Ok(())
    }

    fn take_job(&mut self, op: &RowOp) -> Result<()> {
        let Some(row) = &op.row else { return Ok(()) };
        let row: JobRow = crate::engine::parse(&op.table, &op.key, &row.value)?;
        if row.state.ended() {
            self.jobs.remove(&row.job.id);
        } else {
            self.jobs.insert(row.job.id, row);
        }
        Ok(())
    }
}

impl Verification {
    /// Checks the ledger up to the record `last_seq`, whose hash is `head`, and the rows against its replay.
    pub(crate) fn begin(
        reader: &Reader,
        rows: &dyn Rows,
        (last_seq, head): (Seq, Digest),
        applied: (Seq, Digest),
    ) -> Self {
        let report = Report {
            last_seq,
            head,
            segments: 0,
            rows: 0,
            index_entries: 0,
            cut_bytes: 0,
            flaws: Vec::new(),
        };
        let mut begun = Self { report, shadow: Shadow::default(), doubts: Vec::new() };
        let Self { report, shadow, .. } = &mut begun;
        match reader.check(last_seq, &mut |record| shadow.apply(record)) {
            Ok((hash, segments)) => {
                report.segments = segments;
                if hash != head {
                    let why = "I6 the last record is not the one that was acknowledged";
                    report.flaws.push(why.to_owned());
                }
            }
            Err(error) => {
                // Without a whole ledger there is nothing to hold the index against.
                report.flaws.push(format!("I6 {error}"));
                begun.shadow = Shadow::default();
                return begun;
            }
        }
        if applied != (last_seq, head) {
            let why =
                format!("I6 the index stands at record {}, the ledger at {last_seq}", applied.0);
            report.flaws.push(why);
        }
        if let Err(error) = begun.strike_off(rows) {
            begun.report.flaws.push(format!("I6 {error}"));
            begun.shadow = Shadow::default();
        }
        begun
    }

    /// Goes through the index.
    fn strike_off(&mut self, rows: &dyn Rows) -> Result<()> {
        let Self { report, shadow, doubts } = self;
        rows.visit(&mut |table, key, row| {
            report.rows += 1;
            match shadow.rows.get_mut(&name_hash(table, key)) {
                Some(owed) if owed.row == row_hash(row) => owed.row = 0,
                // Another one stays owed.
                Some(_) => {}
                None => note(doubts, name_hash(table, key), || {
                    format!("I6 row {table} {key} of the index is not in the ledger")
                }),
            }
            Ok(())
        })?;
        rows.visit_index(&mut |[index, sort, table, key]| {
            report.index_entries += 1;
            match shadow.rows.get_mut(&name_hash(table, key)) {
                Some(owed) => owed.entries = owed.entries.wrapping_sub(hash(&[index, sort])),
                None => note(doubts, name_hash(table, key), || {
                    format!(
                        "I7 index entry {index} · {sort} of {table} {key} has no row in the ledger"
                    )
                }),
            }
            Ok(())
        })
    }

    /// Lets go what the records after the last one that was checked explain, and names the rest. `to` is the last record
    /// that the index may have shown.
    pub(crate) fn end(mut self, reader: &Reader, to: Seq, cut_bytes: u64) -> Result<Report> {
        self.report.cut_bytes = cut_bytes;
        let mut changed = BTreeSet::new();
        reader.read(self.report.last_seq, to, &mut |record| {
            changed.extend(names(record)?.iter().map(|(table, key)| name_hash(table, key)));
            Ok(())
        })?;
        self.doubts.retain(|(row, _)| !changed.contains(row));
        let unnamed = || "I6 rows of the index are not in the ledger".to_owned();
        let doubts = self.doubts.into_iter().take(FLAWS);
        self.report.flaws.extend(doubts.map(|(_, what)| what.unwrap_or_else(unnamed)));
        let mut rows = self.shadow.rows;
        rows.retain(|row, owed| *owed != Owed::default() && !changed.contains(row));
        if self.report.flaws.len() < FLAWS && !rows.is_empty() {
            self.report.flaws.extend(missing(reader, self.report.last_seq, &mut rows)?);
        }
        self.report.flaws.truncate(FLAWS);
        Ok(self.report)
    }
}

/// Says which rows are still owed: only the ledger knows their names.
fn missing(reader: &Reader, to: Seq, owed: &mut BTreeMap<u128, Owed>) -> Result<Vec<String>> {
    let mut flaws = Vec::new();
    reader.read(0, to, &mut |record| {
        for (table, key) in names(record)? {
            let Some(owed) = owed.remove(&name_hash(&table, &key)) else { continue };
            if flaws.len() >= FLAWS {
                return Ok(());
            }
            flaws.push(if owed.row == 0 {
                format!("I7 the index entries of row {table} {key} are not what the ledger says")
            } else {
                format!("I6 row {table} {key} is not in the index as the ledger says")
            });
        }
        Ok(())
    })?;
    Ok(flaws)
}

/// The rows that a record changes.
fn names(record: &Record<'_>) -> Result<Vec<(String, String)>> {
    let changes = record.entry()?.changes;
    let jobs = changes.enqueue.iter().map(|job| job.id).chain(changes.finish.map(|(id, _)| id));
    let jobs = jobs.map(|id| (queue::JOBS.to_owned(), id.to_string()));
    let rows = changes.rows.iter().map(|row| (row.table.clone(), row.key.clone()));
    Ok(rows.chain(jobs).collect())
}

fn note(doubts: &mut Vec<Doubt>, row: u128, what: impl FnOnce() -> String) {
    // Most of a busy store's were changed meanwhile and are let go.
    let told = doubts.len() < FLAWS * 100;
    doubts.push((row, told.then(what)));
}

fn row_hash(row: &Stored) -> u128 {
    let index = serde_json::to_vec(&row.index).expect("pairs of strings are JSON");
    digest(&[&row.version.to_le_bytes(), &index, &row.value])
}

fn name_hash(table: &str, key: &str) -> u128 {
    hash(&[table, key])
}

fn hash(parts: &[&str]) -> u128 {
    digest(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>())
}

/// Half a SHA-256 over parts, each with its length before it.
fn digest(parts: &[&[u8]]) -> u128 {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    u128::from_le_bytes(*whole.first_chunk().expect("16 of 32 bytes"))
}
