//! Rows in sled: one tree, one batch per record, the number of the record in the same batch.
//!
//! Keys: `m` the last applied record; `r table NUL key` a row; `i index NUL sort NUL table NUL key` an index entry.
//! A row is `version byte · CRC32 · seq · index entries · JSON`. sled's own flush is no fsync on Linux, so nothing here
//! is ever taken for durable: the ledger is.

use std::{
    path::Path,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use bytes::Bytes;
use loa_model::Digest;
use sled::{Batch, Db, IVec};

use crate::{
    changes::{Row, Seq},
    error::{Error, Result},
    rows::{RowOp, Rows, Stored},
};

const APPLIED: &[u8] = b"m";
const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 8 + 4;

/// The index in sled.
#[derive(Debug)]
pub(crate) struct SledRows {
    db: Db,
    /// Held for writing while a record is applied, so that a reader never sees an entry without its row.
    whole: RwLock<()>,
}

impl SledRows {
    /// Opens the index of a folder and reads all of it once, so that a broken page shows now.
    ///
    /// # Errors
    /// [`Error::Io`] when sled cannot; it may also panic.
    pub(crate) fn open(path: &Path, cache_bytes: u64) -> Result<Self> {
        let config = sled::Config::new()
            .path(path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(500));
        let rows =
            Self { db: config.open().map_err(|error| failed(&error))?, whole: RwLock::new(()) };
        rows.visit(&mut |_, _, _| Ok(()))?;
        rows.visit_index(&mut |_| Ok(()))?;
        Ok(rows)
    }

    fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.whole.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self, table: &str, key: &str) -> Result<Option<Stored>> {
        let found = self.db.get(row_key(table, key)).map_err(|error| failed(&error))?;
        found.map(|bytes| decode(table, key, &bytes)).transpose()
    }
}

impl Rows for SledRows {
    fn applied(&self) -> Result<(Seq, Digest)> {
        let Some(bytes) = self.db.get(APPLIED).map_err(|error| failed(&error))? else {
            return Ok((0, Digest([0; 32])));
        };
        let (seq, rest) =
            bytes.split_first_chunk::<8>().ok_or_else(|| corrupt("meta", "m", "too short"))?;
        let hash = rest.try_into().map_err(|_| corrupt("meta", "m", "no hash"))?;
        Ok((u64::from_le_bytes(*seq), Digest(hash)))
    }

    fn row(&self, table: &str, key: &str) -> Result<Option<Stored>> {
        let _whole = self.reading();
        self.stored(table, key)
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
        let _whole = self.reading();
        let edge = |sort: &str| [b"i", index.as_bytes(), b"\0", sort.as_bytes()].concat();
        let found = self.db.range(edge(from)..edge(to));
        let row = |entry: sled::Result<(IVec, IVec)>| {
            let (bytes, _) = entry.map_err(|error| failed(&error))?;
            let [_, _, table, key] = index_parts(&bytes)?;
            let row = self.stored(table, key)?;
            let row = row.ok_or_else(|| corrupt(table, key, "its index entry stands alone"))?;
            Ok(Row { key: key.to_owned(), version: row.version, value: row.value })
        };
        if reverse {
            found.rev().take(limit).map(row).collect()
        } else {
            found.take(limit).map(row).collect()
        }
    }

    fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        let _whole = self.reading();
        let end = [b"r", table.as_bytes(), b"\x01"].concat();
        let found = self.db.range(row_key(table, from)..end);
        let row = |entry: sled::Result<(IVec, IVec)>| {
            let (at, bytes) = entry.map_err(|error| failed(&error))?;
            let (table, key) = row_parts(&at)?;
            let row = decode(table, key, &bytes)?;
            Ok(Row { key: key.to_owned(), version: row.version, value: row.value })
        };
        found.take(limit).map(row).collect()
    }

    fn apply(&self, seq: Seq, hash: Digest, ops: &[RowOp]) -> Result<()> {
        let mut batch = Batch::default();
        // A record changes a row once (the engine sees to it), so what sled has is what was before.
        for op in ops {
            let (table, key) = (op.table.as_str(), op.key.as_str());
            for entry in self.stored(table, key)?.iter().flat_map(|old| &old.index) {
                batch.remove(index_key(entry, table, key));
            }
            let Some(row) = &op.row else {
                batch.remove(row_key(table, key));
                continue;
            };
            batch.insert(row_key(table, key), encode(row));
            for entry in &row.index {
                batch.insert(index_key(entry, table, key), b"");
            }
        }
        batch.insert(APPLIED, [seq.to_le_bytes().as_slice(), &hash.0].concat());
        let _whole = self.whole.write().unwrap_or_else(PoisonError::into_inner);
        self.db.apply_batch(batch).map_err(|error| failed(&error))
    }

    fn visit(&self, each: &mut dyn FnMut(&str, &str, &Stored) -> Result<()>) -> Result<()> {
        for entry in self.db.scan_prefix(b"r") {
            let (at, bytes) = entry.map_err(|error| failed(&error))?;
            let (table, key) = row_parts(&at)?;
            each(table, key, &decode(table, key, &bytes)?)?;
        }
        Ok(())
    }

    fn visit_index(&self, each: &mut dyn FnMut([&str; 4]) -> Result<()>) -> Result<()> {
        for entry in self.db.scan_prefix(b"i") {
            let (bytes, _) = entry.map_err(|error| failed(&error))?;
            each(index_parts(&bytes)?)?;
        }
        Ok(())
    }

    fn clear(&self) -> Result<()> {
        let _whole = self.whole.write().unwrap_or_else(PoisonError::into_inner);
        self.db.clear().map_err(|error| failed(&error))
    }

    fn flush(&self) -> Result<()> {
        self.db.flush().map(drop).map_err(|error| failed(&error))
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

fn row_parts(bytes: &[u8]) -> Result<(&str, &str)> {
    text(bytes)?.split_once('\0').ok_or_else(|| corrupt("index", "row", "its key has no table"))
}

fn index_parts(bytes: &[u8]) -> Result<[&str; 4]> {
    let parts: Vec<&str> = text(bytes)?.split('\0').collect();
    parts.try_into().map_err(|_| corrupt("index", "entry", "it has not four parts"))
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

fn decode(table: &str, key: &str, bytes: &[u8]) -> Result<Stored> {
    let bad = |why| corrupt(table, key, why);
    let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or_else(|| bad("it is cut short"))?;
    let crc = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if head[0] != VERSION || crc != crc32fast::hash(&bytes[5..]) {
        return Err(bad("its checksum does not match"));
    }
    let version = head[5..13].try_into().map(u64::from_le_bytes).expect("eight bytes");
    let length = head[13..].try_into().map(u32::from_le_bytes).expect("four bytes");
    let (entries, value) = rest
        .split_at_checked(usize::try_from(length).unwrap_or(usize::MAX))
        .ok_or_else(|| bad("it is cut short"))?;
    let index =
        serde_json::from_slice(entries).map_err(|_| bad("its index entries are no JSON"))?;
    Ok(Stored { version, value: Bytes::copy_from_slice(value), index })
}

fn failed(error: &sled::Error) -> Error {
    Error::Io(format!(
        "the index failed: {error}; start loa again, it rebuilds the index from the ledger"
    ))
}

fn corrupt(table: &str, key: &str, why: &str) -> Error {
    Error::Corrupt { table: table.to_owned(), key: key.to_owned(), why: why.to_owned() }
}
