//! A store that counts the rows it is asked for.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use loa_model::{Digest, JobState, User};
use loa_store::{Changes, JobView, MemoryStore, Over, Result, Row, Seq, Store, StoreExt as _};

/// The store of the pages: what they read is counted.
pub struct Counted {
    pub inner: Arc<MemoryStore>,
    pub rows: Arc<AtomicUsize>,
    /// The record that somebody changed in the ledger; none at zero.
    pub changed: Arc<AtomicU64>,
    /// Where a commit called so never ends, as when the process dies in it.
    pub dies: Arc<Mutex<Option<Dies>>>,
    /// Whether it did.
    pub died: Arc<Mutex<bool>>,
    /// The person whom somebody else renames before they are read so many times more.
    pub turns: Turns,
}

/// Table, key and how many reads from now.
pub type Turns = Arc<Mutex<Option<(&'static str, String, u32)>>>;

/// At which commit the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dies {
    /// Before this one is written.
    Before(&'static str),
    /// When this one is written and nobody heard of it.
    Behind(&'static str),
}

impl Counted {
    fn is_turn(&self, table: &str, key: &str) -> bool {
        let mut turns = self.turns.lock().expect("nobody died with it");
        let Some((of, whose, left)) = turns.as_mut() else { return false };
        if *of != table || whose != key {
            return false;
        }
        *left -= 1;
        let now = *left == 0;
        if now {
            *turns = None;
        }
        now
    }
    async fn dead(&self) -> Result<Seq> {
        *self.died.lock().expect("nobody died with it") = true;
        std::future::pending().await
    }
    fn count<T>(&self, rows: Vec<T>) -> Vec<T> {
        self.rows.fetch_add(rows.len(), Ordering::Relaxed);
        rows
    }
}

#[async_trait]
impl Over for Counted {
    fn under(&self) -> &dyn Store {
        &*self.inner
    }

    async fn commit(&self, changes: Changes) -> Result<Seq> {
        let dies = *self.dies.lock().expect("nobody died with it");
        if matches!(dies, Some(Dies::Before(what)) if what == changes.what) {
            return self.dead().await;
        }
        let last = matches!(dies, Some(Dies::Behind(what)) if what == changes.what);
        let done = self.inner.commit(changes).await;
        if last { self.dead().await } else { done }
    }

    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.rows.fetch_add(1, Ordering::Relaxed);
        if self.is_turn(table, key) {
            let row = self.inner.read::<User>(key).await?.expect("the person is there");
            let user = User { name: format!("{} 2", row.record.name), ..row.record };
            let changes = Changes::by(super::records::by(), "rename").update(&user, row.version);
            self.inner.commit(changes).await?;
        }
        self.inner.get(table, key).await
    }

    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        Ok(self.count(self.inner.range(index, from, to, limit, reverse).await?))
    }

    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        Ok(self.count(self.inner.scan(table, from, limit).await?))
    }

    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        Ok(self.count(self.inner.jobs(state, limit).await?))
    }

    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<loa_store::Link>> {
        let mut links = self.inner.links(after, limit).await?;
        let changed = self.changed.load(Ordering::Relaxed);
        for link in links.iter_mut().filter(|link| link.seq == changed) {
            link.hash = Digest([7; 32]);
        }
        Ok(links)
    }
}
