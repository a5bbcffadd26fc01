//! Rows in sled: one tree that holds what the records up to some number did to the rows.
//!
//! Keys: `m` the last applied record; `b` the last record that was begun; `r table NUL key` a row; `i index NUL sort NUL
//! table NUL key` an index entry. A row is `version byte · CRC32 · seq · index entries · JSON`. sled's own flush is no fsync
//! on Linux, so nothing here is ever taken for durable: the ledger is.
//!
//! A process that dies in the middle leaves the first of the changes that were under way, in order. Applying their records
//! again makes them whole, since it gives the same from anywhere in between: a row names its index entries, they are changed
//! before it, and `m` comes last.

use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use loa_model::Digest;
use sled::{Db, IVec};

use crate::{
    changes::{Row, Seq},
    error::{Error, Result},
    folder::DataFolder,
    rows::{Resolved, RowOp, Rows, Stored},
};

const APPLIED: &[u8] = b"m";
const BEGUN: &[u8] = b"b";
const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 8 + 4;
/// Entries a visit reads at a time: nobody waits longer for it.
const PAGE: usize = 1000;
/// So much is given to sled before it is waited for: two of its buffers of 512 KiB.
const MOST_BYTES: usize = 1 << 20;
/// Bytes of an index entry in sled's log, about.
const ENTRY_BYTES: usize = 150;

/// The index in sled. Whatever sled does not answer well makes the folder doubtful: the next start builds it anew.
#[derive(Debug)]
pub(crate) struct SledRows {
    folder: Arc<DataFolder>,
    cache_bytes: u64,
    /// Held for writing while a record is applied, so that a reader never sees an entry without its row. Nothing is there
    /// after a renewal that failed.
    db: RwLock<Option<Db>>,
    /// Bytes it was given since it was last waited for, about.
    given: AtomicUsize,
}

impl SledRows {
    /// Opens the index of a folder. Broken pages show when they are read.
    ///
    /// # Errors
    /// [`Error::Io`] when sled cannot, or panics.
    pub(crate) fn open(folder: Arc<DataFolder>, cache_bytes: u64) -> Result<Self> {
        let db = open(&folder.index(), cache_bytes)?;
        Ok(Self { folder, cache_bytes, db: RwLock::new(Some(db)), given: AtomicUsize::new(0) })
    }

    fn ask<T>(&self, ask: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        self.guarded(db.as_ref(), ask)
    }

    /// Asks sled, which may fail, panic, or hand out bytes that are not what was put in.
    fn guarded<T>(&self, db: Option<&Db>, ask: impl FnOnce(&Db) -> Result<T>) -> Result<T> {
        let answer = match db {
            Some(db) => caught(|| ask(db)),
            None => Err(Error::Io("it could not be built anew".to_owned())),
        };
        answer.map_err(|error| {
            let why = format!("the index failed ({error})");
            self.folder.doubt(&why);
            Error::Io(format!("{why}; start loa again, it builds the index anew from the ledger"))
        })
    }

    /// The last record of which anything may be in here.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn begun(&self) -> Result<Seq> {
        self.ask(|db| {
            let found = db.get(BEGUN).map_err(|error| failed(&error))?;
            let seq = found.as_deref().map(<[u8; 8]>::try_from).transpose();
            let seq = seq.map_err(|_| corrupt("meta", "b", "no number"))?;
            Ok(seq.map_or(0, u64::from_le_bytes))
        })
    }

    /// Waits now and then until sled has written what it was given. With seven or more of its buffers under way, sled 0.34
    /// may wait for ever for a file that it wants to shorten: all threads that could do it wait for the one that waits.
    fn keep_up(&self, db: &Db, bytes: usize) -> Result<()> {
        if self.given.fetch_add(bytes, Ordering::Relaxed) + bytes >= MOST_BYTES {
            self.given.store(0, Ordering::Relaxed);
            db.flush().map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Up to a page of entries whose key begins with a letter, behind a key.
    fn page(&self, letter: u8, behind: Option<&IVec>) -> Result<Vec<(IVec, IVec)>> {
        let (first, end) = ([letter], [letter + 1]);
        let from = behind.map_or(Bound::Included(first.as_slice()), |key| Bound::Excluded(key));
        self.ask(|db| {
            let found = db.range::<&[u8], _>((from, Bound::Excluded(end.as_slice())));
            found.take(PAGE).map(|entry| entry.map_err(|error| failed(&error))).collect()
        })
    }

    /// Visits every entry whose key begins with a letter; what is written meanwhile may or may not be among them.
    fn pages(&self, letter: u8, each: &mut dyn FnMut(&IVec, &IVec) -> Result<()>) -> Result<()> {
        let mut page = self.page(letter, None)?;
        while let Some((last, _)) = page.last() {
            let last = last.clone();
            for (key, value) in &page {
                each(key, value)?;
            }
            page = self.page(letter, Some(&last))?;
        }
        Ok(())
    }
}

/// Opens sled, which may fail or panic on pages it cannot read.
fn open(path: &Path, cache_bytes: u64) -> Result<Db> {
    let config = sled::Config::new()
        .path(path)
        .mode(sled::Mode::HighThroughput)
        .cache_capacity(cache_bytes)
        .flush_every_ms(Some(500));
    caught(|| config.open().map_err(|error| failed(&error)))
}

fn caught<T>(ask: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|_| Err(Error::Io("sled panicked over it".to_owned())))
}

/// Makes a row what an operation says. Returns about how many bytes sled has to write for it.
fn put(db: &Db, op: &RowOp) -> Result<usize> {
    let (table, key) = (op.table.as_str(), op.key.as_str());
    let old = db.get(row_key(table, key)).map_err(|error| failed(&error))?;
    let old = old.map(|bytes| decode(table, key, &bytes)).transpose()?.unwrap_or_default().index;
    let new = op.row.as_ref().map_or([].as_slice(), |row| &row.index);
    let gone: Vec<_> = old.iter().filter(|entry| !new.contains(entry)).collect();
    for entry in &gone {
        remove(db, &index_key(entry, table, key))?;
    }
    // Those that both have too: what an earlier release was removing when it was killed is listed and gone.
    for entry in new {
        insert(db, &index_key(entry, table, key), b"")?;
    }
    let row = op.row.as_ref().map(encode);
    match &row {
        Some(row) => insert(db, &row_key(table, key), row)?,
        None => remove(db, &row_key(table, key))?,
    }
    Ok(row.map_or(0, |row| row.len()) + ENTRY_BYTES * (gone.len() + new.len() + 1))
}

fn insert(db: &Db, key: &[u8], value: &[u8]) -> Result<()> {
    db.insert(key, value).map(drop).map_err(|error| failed(&error))
}

fn remove(db: &Db, key: &[u8]) -> Result<()> {
    db.remove(key).map(drop).map_err(|error| failed(&error))
}

/// A row for its reader: without its index entries, and its bytes as sled holds them.
fn found(db: &Db, table: &str, key: &str) -> Result<Option<Row>> {
    let found = db.get(row_key(table, key)).map_err(|error| failed(&error))?;
    found.map(|bytes| row(table, key, bytes)).transpose()
}

fn row(table: &str, key: &str, bytes: IVec) -> Result<Row> {
    let Parts { version, value, .. } = parts(table, key, &bytes)?;
    let start = bytes.len() - value.len();
    let value = Bytes::from_owner(bytes).slice(start..);
    Ok(Row { key: key.to_owned(), version, value })
}

impl Rows for SledRows {
    fn applied(&self) -> Result<(Seq, Digest)> {
        self.ask(|db| {
            let Some(bytes) = db.get(APPLIED).map_err(|error| failed(&error))? else {
                return Ok((0, Digest([0; 32])));
            };
            let (seq, rest) =
                bytes.split_first_chunk::<8>().ok_or_else(|| corrupt("meta", "m", "too short"))?;
            let hash = rest.try_into().map_err(|_| corrupt("meta", "m", "no hash"))?;
            Ok((u64::from_le_bytes(*seq), Digest(hash)))
        })
    }

    fn row(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.ask(|db| found(db, table, key))
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
        self.ask(|db| {
            let entries = db.range(index_edge(index, from)..index_edge(index, to));
            let row = |entry: sled::Result<(IVec, IVec)>| {
                let (bytes, _) = entry.map_err(|error| failed(&error))?;
                let [_, _, table, key] = index_parts(&bytes)?;
                let row = found(db, table, key)?;
                row.ok_or_else(|| corrupt(table, key, "its index entry stands alone"))
            };
            if reverse {
                entries.rev().take(limit).map(row).collect()
            } else {
                entries.take(limit).map(row).collect()
            }
        })
    }

    fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        if from >= to {
            return Ok(0);
        }
        self.ask(|db| {
            let mut found = db.range(index_edge(index, from)..index_edge(index, to));
            found.try_fold(0, |count, entry| {
                entry.map_err(|error| failed(&error))?;
                Ok(count + 1)
            })
        })
    }

    fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.ask(|db| {
            let end = [b"r", table.as_bytes(), b"\x01"].concat();
            let found = db.range(row_key(table, from)..end);
            let each = |entry: sled::Result<(IVec, IVec)>| {
                let (at, bytes) = entry.map_err(|error| failed(&error))?;
                let (table, key) = row_parts(&at)?;
                row(table, key, bytes)
            };
            found.take(limit).map(each).collect()
        })
    }

    fn apply(&self, records: &[Resolved], tell: &mut dyn FnMut()) -> Result<()> {
        let db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        tell();
        let Some(last) = records.last() else { return Ok(()) };
        self.guarded(db.as_ref(), |db| {
            insert(db, BEGUN, &last.seq.to_le_bytes())?;
            for op in records.iter().flat_map(|record| &record.ops) {
                let bytes = put(db, op)?;
                self.keep_up(db, bytes)?;
            }
            insert(db, APPLIED, &[last.seq.to_le_bytes().as_slice(), &last.hash.0].concat())
        })
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str, &Stored) -> Result<()>) -> Result<()> {
        self.pages(b'r', &mut |at, bytes| {
            let (table, key) = row_parts(at)?;
            each(table, key, &decode(table, key, bytes)?)
        })
    }

    fn visit_index(&self, each: &mut dyn FnMut([&str; 4]) -> Result<()>) -> Result<()> {
        self.pages(b'i', &mut |at, _| each(index_parts(at)?))
    }

    fn renew(&self, fill: &mut dyn FnMut(&dyn Rows) -> Result<u64>) -> Result<u64> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        drop(db.take());
        self.folder.empty_index()?;
        let fresh = open(&self.folder.index(), self.cache_bytes)?;
        // Another view of the same tree with a lock of its own: readers of this one wait until it is whole.
        let view = Self {
            folder: self.folder.clone(),
            cache_bytes: self.cache_bytes,
            db: RwLock::new(Some(fresh.clone())),
            given: AtomicUsize::new(0),
        };
        let filled = fill(&view)?;
        *db = Some(fresh);
        Ok(filled)
    }

    fn flush(&self) -> Result<()> {
        self.ask(|db| db.flush().map(drop).map_err(|error| failed(&error)))
    }
}

fn row_key(table: &str, key: &str) -> Vec<u8> {
    [b"r", table.as_bytes(), b"\0", key.as_bytes()].concat()
}

fn index_key((index, sort): &(String, String), table: &str, key: &str) -> Vec<u8> {
    let zero = b"\0".as_slice();
    let parts = [index, sort, table, key].map(str::as_bytes);
    [b"i", parts[0], zero, parts[1], zero, parts[2], zero, parts[3]].concat()
}

/// Where the entries of an index with this sort key begin.
fn index_edge(index: &str, sort: &str) -> Vec<u8> {
    [b"i", index.as_bytes(), b"\0", sort.as_bytes()].concat()
}

fn row_parts(bytes: &[u8]) -> Result<(&str, &str)> {
    text(bytes)?.split_once('\0').ok_or_else(|| corrupt("index", "row", "its key has no table"))
}

fn index_parts(bytes: &[u8]) -> Result<[&str; 4]> {
    let mut parts = text(bytes)?.split('\0');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(index), Some(sort), Some(table), Some(key), None) => Ok([index, sort, table, key]),
        _ => Err(corrupt("index", "entry", "it has not four parts")),
    }
}

/// The text of a key behind its first byte.
fn text(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes.get(1..).unwrap_or_default());
    text.map_err(|_| corrupt("index", "key", "it is not UTF-8"))
}

fn encode(row: &Stored) -> Vec<u8> {
    let entries = serde_json::to_vec(&row.index).expect("pairs of strings are JSON");
    let length = u32::try_from(entries.len()).expect("index entries are short");
    let mut bytes = Vec::with_capacity(HEAD + entries.len() + row.value.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&row.version.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&entries);
    bytes.extend_from_slice(&row.value);
    let crc = crc32fast::hash(&bytes[5..]);
    bytes[1..5].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What a row's bytes are made of.
struct Parts<'a> {
    version: Seq,
    /// JSON of its index entries.
    index: &'a [u8],
    /// The rest of the bytes.
    value: &'a [u8],
}

fn parts<'a>(table: &str, key: &str, bytes: &'a [u8]) -> Result<Parts<'a>> {
    let bad = |why| corrupt(table, key, why);
    let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or_else(|| bad("it is cut short"))?;
    let crc = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if head[0] != VERSION || crc != crc32fast::hash(&bytes[5..]) {
        return Err(bad("its checksum does not match"));
    }
    let version = head[5..13].try_into().map(u64::from_le_bytes).expect("eight bytes");
    let length = head[13..].try_into().map(u32::from_le_bytes).expect("four bytes");
    let (index, value) = rest
        .split_at_checked(usize::try_from(length).unwrap_or(usize::MAX))
        .ok_or_else(|| bad("it is cut short"))?;
    Ok(Parts { version, index, value })
}

fn decode(table: &str, key: &str, bytes: &[u8]) -> Result<Stored> {
    let Parts { version, index, value } = parts(table, key, bytes)?;
    let index = serde_json::from_slice(index)
        .map_err(|_| corrupt(table, key, "its index entries are no JSON"))?;
    Ok(Stored { version, value: Bytes::copy_from_slice(value), index })
}

fn failed(error: &sled::Error) -> Error {
    Error::Io(error.to_string())
}

fn corrupt(table: &str, key: &str, why: &str) -> Error {
    Error::Corrupt { table: table.to_owned(), key: key.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::MemoryRows;

    fn record(seq: Seq, index: &[(&str, &str)]) -> Resolved {
        let index = index.iter().map(|(name, sort)| ((*name).to_owned(), (*sort).to_owned()));
        let row = Stored { version: seq, value: Bytes::from_static(b"{}"), index: index.collect() };
        let op = RowOp { table: "bài".to_owned(), key: "một".to_owned(), row: Some(row) };
        Resolved { seq, hash: Digest([7; 32]), ops: vec![op] }
    }

    #[test]
    fn whoever_is_told_of_a_record_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Arc::new(DataFolder::open(folder.path(), None).unwrap());
        let sled = SledRows::open(folder, 1 << 20).unwrap();
        let memory = MemoryRows::default();
        let locks: [(&dyn Rows, &dyn Fn() -> bool); 2] =
            [(&sled, &|| sled.db.try_read().is_err()), (&memory, &|| memory.is_locked())];
        for (rows, is_locked) in locks {
            let mut told = 0;
            rows.apply(&[record(1, &[])], &mut || told += u32::from(is_locked())).unwrap();
            assert_eq!(told, 1, "a reader may still see what was before: {rows:?}");
            assert!(!is_locked() && rows.row("bài", "một").unwrap().is_some());
        }
    }

    #[test]
    fn index_entries_follow_their_row_from_wherever_a_kill_left_them() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Arc::new(DataFolder::open(folder.path(), None).unwrap());
        let rows = SledRows::open(folder, 1 << 20).unwrap();
        let (old, new) = ([("a", "giữ"), ("a", "bỏ")], [("a", "giữ"), ("b", "mới")]);
        let records = [record(1, &old), record(2, &new), record(3, &old), record(4, &new)];
        rows.apply(&records, &mut || ()).unwrap();
        let entries = || {
            let mut found = Vec::new();
            let mut each = |[index, sort, ..]: [&str; 4]| {
                found.push(format!("{index} {sort}"));
                Ok(())
            };
            rows.visit_index(&mut each).unwrap();
            found
        };
        assert_eq!(entries(), ["a giữ", "b mới"]);
        // As a kill leaves it: the row is older or newer than its entries. The records come again, from the first.
        for (stays, row) in
            [(&["a giữ"][..], 1), (&[], 3), (&["b mới", "a bỏ"], 2), (&["b mới"], 4)]
        {
            let each = |db: &Db| {
                for entry in db.scan_prefix(b"i").keys() {
                    db.remove(entry.unwrap()).unwrap();
                }
                for (index, sort) in stays.iter().map(|entry| entry.split_once(' ').unwrap()) {
                    let entry = (index.to_owned(), sort.to_owned());
                    db.insert(index_key(&entry, "bài", "một"), b"").unwrap();
                }
                let [RowOp { row: Some(row), .. }] = &records[row - 1].ops[..] else { panic!() };
                db.insert(row_key("bài", "một"), encode(row)).unwrap();
                Ok(())
            };
            rows.ask(each).unwrap();
            rows.apply(&records, &mut || ()).unwrap();
            assert_eq!(entries(), ["a giữ", "b mới"], "{stays:?} with row {row}");
        }
    }
}
