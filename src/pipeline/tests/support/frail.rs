//! A store that dies at one of its writes: before it is kept, or after it is and before anybody hears of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use loa_store::{Changes, Claimed, Error, JobEnd, Over, Result, Seq, Store};

/// Counts writes and dies at one of them; at none when that is zero.
pub struct Frail {
    pub inner: Arc<dyn Store>,
    pub writes: AtomicU64,
    /// Twice the number of the write, and one more when it is kept.
    pub dies_at: AtomicU64,
    /// Whether the process is dead: nothing is written before it starts again.
    pub dead: AtomicBool,
}

impl Frail {
    pub fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            writes: AtomicU64::new(0),
            dies_at: AtomicU64::new(0),
            dead: AtomicBool::new(false),
        })
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T>>) -> Result<T> {
        let n = 2 * (1 + self.writes.fetch_add(1, Ordering::Relaxed));
        let at = self.dies_at.load(Ordering::Relaxed);
        let dead = || {
            self.dead.store(true, Ordering::Relaxed);
            Err(Error::Io("the machine lost its power".to_owned()))
        };
        if at == n || self.dead.load(Ordering::Relaxed) {
            return dead();
        }
        let done = write.await?;
        if at == n + 1 { dead() } else { Ok(done) }
    }
}

#[async_trait]
impl Over for Frail {
    fn under(&self) -> &dyn Store {
        &*self.inner
    }

    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.write(self.inner.commit(changes)).await
    }

    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        self.write(self.inner.claim(kinds, owner, n, lease)).await
    }

    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.write(self.inner.finish(claimed, end)).await
    }
}
