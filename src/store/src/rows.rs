//! Rows and their index entries: what a ledger record does to them, and the one place that keeps them in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::{PoisonError, RwLock},
};

use bytes::Bytes;
use loa_model::Digest;

use crate::{
    changes::{Row, Seq},
    error::Result,
};

/// A row as it is kept: with the index entries it must take along when it goes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Commit that wrote it.
    pub(crate) version: Seq,
    /// JSON.
    pub(crate) value: Bytes,
    /// (index, sort key).
    pub(crate) index: Vec<(String, String)>,
}

/// One row to put, or to delete when there is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowOp {
    /// Table.
    pub(crate) table: String,
    /// Primary key.
    pub(crate) key: String,
    /// New row.
    pub(crate) row: Option<Stored>,
}

/// What one record does to the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// Its number.
    pub(crate) seq: Seq,
    /// Its hash.
    pub(crate) hash: Digest,
    /// Rows it changes, each once.
    pub(crate) ops: Vec<RowOp>,
}

/// The rebuildable index of a ledger. One writer applies; anybody reads, and never sees half of a record.
pub(crate) trait Rows: std::fmt::Debug + Send + Sync + 'static {
    /// Number and hash of the last applied record.
    fn applied(&self) -> Result<(Seq, Digest)>;
    /// A row.
    fn row(&self, table: &str, key: &str) -> Result<Option<Row>>;
    /// Rows of an index whose sort key lies in `from..to`.
    fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>>;
    /// How many rows [`Rows::range`] would find; they are not read.
    fn count(&self, index: &str, from: &str, to: &str) -> Result<usize>;
    /// Rows of a table from a key on.
    fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>>;
    /// Applies records in order. Readers see all of them or none. After an end in the middle [`Rows::applied`] is as before
    /// and applying them again makes them whole. `tell` is called first, when no reader can see any more what was before:
    /// whoever hears of the records then finds them, though they are not there yet.
    fn apply(&self, records: &[Resolved], tell: &mut dyn FnMut()) -> Result<()>;
    /// Visits every row in the order of (table, key), index entries included.
    fn visit(&self, each: &mut dyn FnMut(&str, &str, &Stored) -> Result<()>) -> Result<()>;
    /// Visits every index entry: (index, sort key, table, key).
    fn visit_index(&self, each: &mut dyn FnMut([&str; 4]) -> Result<()>) -> Result<()>;
    /// Replaces everything by what `fill` puts into empty rows. Readers wait, and never see a part of it.
    fn renew(&self, fill: &mut dyn FnMut(&dyn Rows) -> Result<u64>) -> Result<u64>;
    /// Makes what was applied last, before a clean end.
    fn flush(&self) -> Result<()>;
}

/// Rows in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryRows(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    applied: Option<(Seq, Digest)>,
    rows: BTreeMap<(String, String), Stored>,
    index: BTreeSet<[String; 4]>,
}

impl Tables {
    fn entries(
        &self,
        index: &str,
        from: &str,
        to: &str,
    ) -> impl DoubleEndedIterator<Item = &[String; 4]> {
        let edge = |sort: &str| [index.to_owned(), sort.to_owned(), String::new(), String::new()];
        self.index.range((Bound::Included(edge(from)), Bound::Excluded(edge(to))))
    }

    fn row_of(&self, entry: &[String; 4]) -> Option<Row> {
        let [_, _, table, key] = entry;
        let stored = self.rows.get(&(table.clone(), key.clone()))?;
        Some(Row { key: key.clone(), version: stored.version, value: stored.value.clone() })
    }
}

impl MemoryRows {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl MemoryRows {
    /// Whether a reader would wait now.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.try_read().is_err()
    }
}

impl Rows for MemoryRows {
    fn applied(&self) -> Result<(Seq, Digest)> {
        Ok(self.read().applied.unwrap_or((0, Digest([0; 32]))))
    }

    fn row(&self, table: &str, key: &str) -> Result<Option<Row>> {
        let stored = self.read().rows.get(&(table.to_owned(), key.to_owned())).cloned();
        let row = |row: Stored| Row { key: key.to_owned(), version: row.version, value: row.value };
        Ok(stored.map(row))
    }

    fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        if from >= to {
            return Ok(Vec::new());
        }
        let tables = self.read();
        let found = tables.entries(index, from, to);
        Ok(if reverse {
            found.rev().filter_map(|entry| tables.row_of(entry)).take(limit).collect()
        } else {
            found.filter_map(|entry| tables.row_of(entry)).take(limit).collect()
        })
    }

    fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        Ok(if from < to { self.read().entries(index, from, to).count() } else { 0 })
    }

    fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        let tables = self.read();
        let start = (table.to_owned(), from.to_owned());
        let rows = tables.rows.range(start..).take_while(|((of, _), _)| of == table);
        let row = |((_, key), stored): (&(String, String), &Stored)| Row {
            key: key.clone(),
            version: stored.version,
            value: stored.value.clone(),
        };
        Ok(rows.map(row).take(limit).collect())
    }

    fn apply(&self, records: &[Resolved], tell: &mut dyn FnMut()) -> Result<()> {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tell();
        for op in records.iter().flat_map(|record| &record.ops) {
            let at = (op.table.clone(), op.key.clone());
            let entry = |(index, sort): &(String, String)| {
                [index.clone(), sort.clone(), op.table.clone(), op.key.clone()]
            };
            if let Some(old) = tables.rows.remove(&at) {
                for old in &old.index {
                    tables.index.remove(&entry(old));
                }
            }
            if let Some(row) = &op.row {
                tables.index.extend(row.index.iter().map(entry));
                tables.rows.insert(at, row.clone());
            }
        }
        if let Some(last) = records.last() {
            tables.applied = Some((last.seq, last.hash));
        }
        Ok(())
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str, &Stored) -> Result<()>) -> Result<()> {
        self.read().rows.iter().try_for_each(|((table, key), row)| each(table, key, row))
    }

    fn visit_index(&self, each: &mut dyn FnMut([&str; 4]) -> Result<()>) -> Result<()> {
        let tables = self.read();
        tables.index.iter().try_for_each(|[a, b, c, d]| each([a, b, c, d]))
    }

    fn renew(&self, fill: &mut dyn FnMut(&dyn Rows) -> Result<u64>) -> Result<u64> {
        let fresh = Self::default();
        let filled = fill(&fresh)?;
        let tables = fresh.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tables;
        Ok(filled)
    }

    fn flush(&self) -> Result<()> {
        Ok(())
    }
}
