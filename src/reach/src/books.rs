//! The books of every agency: read from the store once, then kept by the ledger.

use std::collections::HashMap;

use jiff::Timestamp;
use loa_model::{AccountName, Article, Delivery, Post, PostId, Record, Sample, Value, Variant};
use loa_store::{Change, Row, Seq, Store};
use serde::Deserialize;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{Book, Population, Result};

/// Rows that are read at once.
const TOGETHER: usize = 1_000;
/// Records of the ledger that are read at once: one may hold thousands of rows.
const RECORDS: usize = 32;

/// What reports read, of every agency; empty until somebody asks. Whoever answers many reports keeps one.
#[derive(Debug, Default)]
pub struct Books {
    kept: RwLock<Option<Kept>>,
    none: Book,
}

#[derive(Debug, Default)]
struct Kept {
    seq: Seq,
    books: HashMap<String, Book>,
}

/// Books as they stand while somebody reads in them.
#[derive(Debug)]
pub struct Open<'a> {
    kept: RwLockReadGuard<'a, Option<Kept>>,
    none: &'a Book,
}

impl Open<'_> {
    /// The book of an agency; an empty one of an agency that never had a post.
    pub fn of(&self, agency: &str) -> &Book {
        self.kept.as_ref().and_then(|kept| kept.books.get(agency)).unwrap_or(self.none)
    }
}

impl Books {
    /// Books as of now: what was committed before is in them.
    ///
    /// # Errors
    /// [`crate::Error::Store`].
    pub async fn open(&self, store: &dyn Store) -> Result<Open<'_>> {
        let kept = self.kept.read().await;
        if kept.as_ref().is_some_and(|kept| kept.seq >= store.last_seq()) {
            return Ok(Open { kept, none: &self.none });
        }
        drop(kept);
        let mut kept = self.kept.write().await;
        // Taken out: what fails half way is read anew.
        let mut own = match kept.take() {
            Some(own) => own,
            None => Kept::read(store).await?,
        };
        own.follow(store).await?;
        *kept = Some(own);
        Ok(Open { kept: kept.downgrade(), none: &self.none })
    }
}

/// Between the parts of a key.
const SEPARATOR: char = '\u{1}';

/// What is needed of a sample: the raw answer of the platform is most of it and is not read.
#[derive(Deserialize)]
struct Slim {
    agency: String,
    post: PostId,
    account: AccountName,
    taken_at: Timestamp,
    values: Vec<Value>,
}

const _: () = assert!(Sample::SCHEMA == 1, "samples of other schemas are read as a whole");

impl Kept {
    async fn read(store: &dyn Store) -> Result<Self> {
        // What is written while this reads comes again with the ledger.
        let mut kept = Self { seq: store.last_seq(), books: HashMap::new() };
        for table in TABLES {
            let mut from = String::new();
            loop {
                let rows = store.scan(table, &from, TOGETHER).await?;
                let Some(last) = rows.last() else { break };
                // The next key there can be.
                from = format!("{}\0", last.key);
                for row in &rows {
                    kept.row(table, row)?;
                }
            }
        }
        Ok(kept)
    }

    async fn follow(&mut self, store: &dyn Store) -> Result<()> {
        loop {
            let entries = store.tail(self.seq, RECORDS).await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
            for change in entries.iter().flat_map(|entry| &entry.changes.rows) {
                self.change(change)?;
            }
            self.seq = last;
        }
    }

    fn row(&mut self, table: &str, row: &Row) -> Result<()> {
        match table {
            Article::TABLE => self.article(&row.read()?.record),
            Variant::TABLE => self.variant(&row.read()?.record),
            Post::TABLE => self.post(row.read()?.record),
            Delivery::TABLE => self.delivery(&row.read()?.record),
            Population::TABLE => self.population(&row.key, Some(row.read()?.record)),
            // Most rows there are: read without the raw answers, and as a whole where that fails, which then says why.
            _ => match serde_json::from_slice(&row.value) {
                Ok(slim) => self.sample(slim),
                Err(_) => self.whole(row.read()?.record),
            },
        }
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Result<()> {
        match change.table.as_str() {
            Article::TABLE => change.record()?.iter().for_each(|article| self.article(article)),
            Variant::TABLE => change.record()?.iter().for_each(|variant| self.variant(variant)),
            Post::TABLE => change.record()?.into_iter().for_each(|post| self.post(post)),
            Delivery::TABLE => change.record()?.iter().for_each(|d| self.delivery(d)),
            Sample::TABLE => change.record()?.into_iter().for_each(|sample| self.whole(sample)),
            Population::TABLE => self.population(&change.key, change.record()?),
            _ => {}
        }
        Ok(())
    }

    fn book(&mut self, agency: &str) -> &mut Book {
        if !self.books.contains_key(agency) {
            self.books.insert(agency.to_owned(), Book::of(agency));
        }
        self.books.get_mut(agency).expect("it was just put there")
    }

    fn article(&mut self, article: &Article) {
        self.book(&article.agency).article(article);
    }

    fn variant(&mut self, variant: &Variant) {
        self.book(&variant.agency).variant(variant);
    }

    fn post(&mut self, post: Post) {
        let agency = post.agency.clone();
        self.book(&agency).post(post);
    }

    fn delivery(&mut self, delivery: &Delivery) {
        self.book(&delivery.agency).delivery(delivery);
    }

    fn population(&mut self, key: &str, population: Option<Population>) {
        // What is taken back has no record that says whose it was; its key begins with it.
        let agency = key.split(SEPARATOR).next().unwrap_or_default();
        self.book(agency).population(key.to_owned(), population);
    }

    fn whole(&mut self, sample: Sample) {
        let Sample { agency, post, account, taken_at, values, .. } = sample;
        self.sample(Slim { agency, post, account, taken_at, values });
    }

    fn sample(&mut self, sample: Slim) {
        let channel = sample.account.channel();
        let values = sample.values.into_iter().map(|value| {
            let Value { metric, source_name, definition, value } = value;
            ((metric, channel.to_owned(), source_name, definition), value)
        });
        self.book(&sample.agency).sample(sample.post, sample.taken_at, values);
    }
}

/// Tables that are read, in the order in which one needs the other.
const TABLES: [&str; 6] = [
    Article::TABLE,
    Variant::TABLE,
    Post::TABLE,
    Delivery::TABLE,
    Population::TABLE,
    Sample::TABLE,
];
