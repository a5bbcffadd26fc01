//! What a stand-in keeps: named records in tables, each change one line of a log that is written before it is answered.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{Error, Result};

/// The state of one platform on disk. It survives `kill -9`: a change is in the log before the answer leaves.
#[derive(Debug)]
pub struct Book {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    page: Page,
}

/// Tables of records, as one change sees them.
#[derive(Debug, Default)]
pub struct Page {
    tables: BTreeMap<String, BTreeMap<String, Value>>,
    /// What the running change did, and what was there before.
    done: Vec<(Op, Option<Value>)>,
}

/// One record put or, with no value, taken away.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Op {
    #[serde(rename = "t")]
    table: String,
    #[serde(rename = "k")]
    key: String,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
}

impl Book {
    /// Opens the book at `path`, or begins it. A last line that a kill cut short is dropped: its change was never answered.
    ///
    /// # Errors
    /// [`Error::File`] on IO, [`Error::Damaged`] when a whole line is not ours.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::file("open", path))?;
        let mut page = Page::default();
        let mut reader = BufReader::new(&file);
        let (mut whole, mut line, mut number) = (0u64, Vec::new(), 0usize);
        loop {
            line.clear();
            number += 1;
            let read = reader.read_until(b'\n', &mut line).map_err(Error::file("read", path))?;
            if line.last() != Some(&b'\n') {
                break;
            }
            let ops: Vec<Op> = serde_json::from_slice(&line).map_err(|error| Error::Damaged {
                path: path.to_owned(),
                line: number,
                why: error.to_string(),
            })?;
            for op in ops {
                page.apply(op);
            }
            whole += read as u64;
        }
        page.done.clear();
        file.set_len(whole).map_err(Error::file("cut", path))?;
        file.seek(SeekFrom::End(0)).map_err(Error::file("read", path))?;
        Ok(Self { inner: Mutex::new(Inner { path: path.to_owned(), file, page }) })
    }

    /// Reads. `look` and the closure of [`Book::change`] must not ask the book again: it is locked.
    pub fn read<T>(&self, look: impl FnOnce(&Page) -> T) -> T {
        look(&self.lock().page)
    }

    /// Changes records, all or none: on an error nothing happened; on success the change is in the log.
    ///
    /// # Errors
    /// What `change` returns, or [`Error::File`] when the log cannot be written.
    pub fn change<T, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Page) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut inner = self.lock();
        let Inner { path, file, page } = &mut *inner;
        let out = match change(page) {
            Ok(out) => out,
            Err(error) => {
                page.undo();
                return Err(error);
            }
        };
        if page.done.is_empty() {
            return Ok(out);
        }
        let ops: Vec<&Op> = page.done.iter().map(|(op, _)| op).collect();
        let mut line = serde_json::to_vec(&ops).expect("values serialise");
        line.push(b'\n');
        if let Err(error) = file.write_all(&line) {
            page.undo();
            return Err(Error::file("write", path.clone())(error).into());
        }
        page.done.clear();
        Ok(out)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// The record of this key.
    pub fn get<T: DeserializeOwned>(&self, table: &str, key: &str) -> Option<T> {
        self.tables.get(table)?.get(key).map(|value| parse(table, value))
    }

    /// Every record of a table, by key.
    pub fn list<T: DeserializeOwned>(&self, table: &str) -> Vec<(String, T)> {
        self.tables
            .get(table)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.clone(), parse(table, value)))
            .collect()
    }

    /// Puts a record.
    pub fn put<T: Serialize>(&mut self, table: &str, key: &str, record: &T) {
        let value = serde_json::to_value(record).expect("records serialise to JSON");
        self.apply(Op { table: table.to_owned(), key: key.to_owned(), value: Some(value) });
    }

    /// Takes a record away; it may be missing.
    pub fn delete(&mut self, table: &str, key: &str) {
        self.apply(Op { table: table.to_owned(), key: key.to_owned(), value: None });
    }

    /// The next number of a counter, from 1.
    pub fn next(&mut self, counter: &str) -> u64 {
        let next = self.get::<u64>("_counter", counter).unwrap_or(0) + 1;
        self.put("_counter", counter, &next);
        next
    }

    fn apply(&mut self, op: Op) {
        let table = self.tables.entry(op.table.clone()).or_default();
        let before = match &op.value {
            Some(value) => table.insert(op.key.clone(), value.clone()),
            None => table.remove(&op.key),
        };
        self.done.push((op, before));
    }

    fn undo(&mut self) {
        for (op, before) in std::mem::take(&mut self.done).into_iter().rev() {
            let table = self.tables.entry(op.table).or_default();
            match before {
                Some(value) => table.insert(op.key, value),
                None => table.remove(&op.key),
            };
        }
    }
}

fn parse<T: DeserializeOwned>(table: &str, value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| {
        // Only this build wrote the value, through `put` of the same type.
        panic!("table {table} holds another type: {error}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(book: &Book) -> Vec<(String, String)> {
        book.read(|page| page.list("post"))
    }

    #[test]
    fn a_change_survives_reopening_and_an_error_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.jsonl");
        let book = Book::open(&path).unwrap();
        book.change(|page| {
            let key = page.next("post").to_string();
            page.put("post", &key, &"Nghị định mới về đất đai");
            Ok::<_, Error>(())
        })
        .unwrap();
        let refused = book.change(|page| {
            page.put("post", "1", &"đã bị ghi đè");
            page.put("post", "2", &"thừa");
            Err::<(), _>(Error::Control("no".to_owned()))
        });
        assert!(refused.is_err());
        drop(book);
        let book = Book::open(&path).unwrap();
        assert_eq!(titles(&book), [("1".to_owned(), "Nghị định mới về đất đai".to_owned())]);
        assert_eq!(book.change(|page| Ok::<_, Error>(page.next("post"))).unwrap(), 2);
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_the_book_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.jsonl");
        let put = |book: &Book, key: &str| {
            book.change(|page| {
                page.put("post", key, &"Tin");
                Ok::<_, Error>(())
            })
            .unwrap();
        };
        put(&Book::open(&path).unwrap(), "a");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(br#"[{"t":"post","k":"b","v":"#).unwrap();
        drop(file);
        let book = Book::open(&path).unwrap();
        put(&book, "c");
        drop(book);
        let keys: Vec<_> =
            titles(&Book::open(&path).unwrap()).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "c"]);
    }

    #[test]
    fn a_line_that_is_not_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("book.jsonl");
        std::fs::write(&path, "không phải sổ\n").unwrap();
        assert!(matches!(Book::open(&path), Err(Error::Damaged { line: 1, .. })));
    }
}
