//! The reference backend: everything in memory, gone with the process. For tests and simulations.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use loa_model::{Actor, JobId, JobState, seams::SharedClock};
use tokio::sync::watch;

use crate::{
    changes::{Changes, Entry, Link, Row, Seq},
    contract::Store,
    engine::{Engine, Staged},
    error::Result,
    lease::{AccountLease, Claimed, JobEnd, JobView},
    rows::{MemoryRows, Rows},
};

/// A store in memory. It never waits, so it runs under any executor.
#[derive(Debug)]
pub struct MemoryStore {
    clock: SharedClock,
    rows: Arc<MemoryRows>,
    state: Mutex<State>,
    seq: watch::Sender<Seq>,
}

#[derive(Debug)]
struct State {
    engine: Engine,
    entries: Vec<Entry>,
    links: Vec<Link>,
}

impl MemoryStore {
    /// An empty store that reads this clock.
    pub fn new(clock: SharedClock) -> Self {
        let rows = Arc::new(MemoryRows::default());
        let engine = Engine::load(rows.clone(), clock.now()).expect("rows in memory can be read");
        let state = Mutex::new(State { engine, entries: Vec::new(), links: Vec::new() });
        Self { clock, rows, state, seq: watch::Sender::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide<T>(&self, ask: impl FnOnce(&mut Engine) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        let answer = ask(&mut state.engine)?;
        let staged = state.engine.staged().iter();
        let link = |staged: &Staged| Link {
            seq: staged.entry.seq,
            previous: staged.entry.previous,
            hash: staged.hash,
        };
        let links: Vec<Link> = staged.map(link).collect();
        let entries = state.engine.apply(&mut || ())?;
        if !entries.is_empty() {
            state.entries.extend(entries);
            state.links.extend(links);
            self.seq.send_replace(state.engine.seq());
        }
        Ok(answer)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.decide(|engine| engine.commit(self.clock.now(), changes))
    }

    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.rows.row(table, key)
    }

    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        self.rows.range(index, from, to, limit, reverse)
    }

    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        self.rows.count(index, from, to)
    }

    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.rows.scan(table, from, limit)
    }

    async fn claim(
        &self,
        kinds: &[&str],
        owner: &str,
        n: usize,
        lease: Duration,
    ) -> Result<Vec<Claimed>> {
        let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        self.decide(|engine| engine.claim(self.clock.now(), &kinds, owner, n, lease))
    }

    async fn heartbeat(&self, claimed: &Claimed, lease: Duration) -> Result<bool> {
        self.decide(|engine| engine.heartbeat(self.clock.now(), claimed, lease))
    }

    async fn finish(&self, claimed: &Claimed, end: JobEnd) -> Result<()> {
        self.decide(|engine| engine.finish(self.clock.now(), claimed, &end))
    }

    async fn jobs(&self, state: Option<JobState>, limit: usize) -> Result<Vec<JobView>> {
        self.decide(|engine| engine.jobs(self.clock.now(), state, limit))
    }

    async fn job(&self, job: JobId) -> Result<Option<JobView>> {
        self.decide(|engine| engine.job(self.clock.now(), job))
    }

    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.decide(|engine| engine.cancel(self.clock.now(), job, actor))
    }

    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.decide(|engine| engine.retry(self.clock.now(), job, actor))
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        self.decide(|engine| engine.lease_account(self.clock.now(), account, owner, lease))
    }

    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        self.decide(|engine| engine.release_account(self.clock.now(), lease))
    }

    async fn tail(&self, after: Seq, limit: usize) -> Result<Vec<Entry>> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.state().entries.iter().skip(skip).take(limit).cloned().collect())
    }

    async fn links(&self, after: Seq, limit: usize) -> Result<Vec<Link>> {
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self.state().links.iter().skip(skip).take(limit).copied().collect())
    }

    fn last_seq(&self) -> Seq {
        *self.seq.borrow()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.seq.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use loa_model::Agency;

    use super::*;
    use crate::{Error, Expect, StoreExt};

    #[derive(Debug)]
    struct Noon;

    impl loa_model::Clock for Noon {
        fn now(&self) -> jiff::Timestamp {
            "2026-11-22T05:00:00Z".parse().unwrap()
        }
        fn sleep(&self, _: Duration) -> loa_model::seams::BoxFuture<'_, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_record_comes_back_with_its_version() {
        let store = MemoryStore::new(Arc::new(Noon));
        let agency = Agency {
            name: "so-tttt".to_owned(),
            title: "Sở Thông tin – ngữ, ẫm, độ".to_owned(),
            brand: "demo".to_owned(),
            zone: "Asia/Ho_Chi_Minh".to_owned(),
            urgent_alone: false,
        };
        let by = || Changes::by(Actor::Operator("test".to_owned()), "add agency");
        let seq = store.commit(by().insert(&agency)).await.unwrap();
        let found = store.read::<Agency>("so-tttt").await.unwrap().unwrap();
        assert_eq!((found.version, found.record.title.as_str()), (seq, agency.title.as_str()));
        let again = store.commit(by().put(&agency, Expect::Absent)).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
        assert_eq!(store.last_seq(), 1);
    }
}
