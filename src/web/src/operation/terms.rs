//! The store as an operation writes to it: on the terms of the request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use loa_model::{Actor, JobId};
use loa_store::{Change, Changes, Error, Expect, Over, Result, Seq, Store};

tokio::task_local! {
    static TERMS: Arc<Terms>;
}

/// What a request lets happen.
#[derive(Default)]
pub(crate) struct Terms(Mutex<State>);

#[derive(Default)]
struct State {
    /// Goes with the first commit.
    claim: Option<Change>,
    /// The commit that it went with.
    carried: Option<Seq>,
    /// Whether another request of the same key was faster.
    taken: bool,
    seen: Option<Seen>,
    /// Whether that record changed since it was seen.
    stale: bool,
}

/// A record in the version that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) table: &'static str,
    pub(crate) key: String,
    pub(crate) version: Seq,
}

impl Terms {
    pub(crate) fn new(claim: Option<Change>, seen: Option<Seen>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { claim, seen, ..State::default() })))
    }

    /// Runs what commits on these terms.
    pub(crate) async fn on<F: Future>(self: &Arc<Self>, work: F) -> F::Output {
        TERMS.scope(Arc::clone(self), work).await
    }

    /// The commit that carried the claim; nothing when nothing was committed.
    pub(crate) fn carried(&self) -> Option<Seq> {
        self.state().carried
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.state().taken
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.state().stale
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changes with the terms on them, and the claim that goes with them.
    fn put_on(&self, mut changes: Changes) -> Result<(Changes, Option<Change>)> {
        let mut state = self.state();
        if let Some(seen) = state.seen.clone() {
            let of_it = |row: &&mut Change| row.table == seen.table && row.key == seen.key;
            for row in changes.rows.iter_mut().filter(of_it) {
                match row.expect {
                    Expect::Version(version) if version != seen.version => {
                        state.stale = true;
                        return Err(Error::Conflict { table: row.table.clone(), key: seen.key });
                    }
                    Expect::Any => row.expect = Expect::Version(seen.version),
                    Expect::Version(_) | Expect::Absent => {}
                }
            }
        }
        let claim = state.claim.take();
        changes.rows.extend(claim.clone());
        Ok((changes, claim))
    }

    fn done(&self, rows: &[(String, String)], claim: Option<Change>, done: &Result<Seq>) {
        let mut state = self.state();
        match done {
            Ok(seq) => {
                if claim.is_some() {
                    state.carried = Some(*seq);
                }
                // What it wrote itself is what it goes on from.
                if let Some(seen) = state.seen.as_mut()
                    && rows.iter().any(|(table, key)| table == seen.table && *key == seen.key)
                {
                    seen.version = *seq;
                }
            }
            Err(error) => {
                if let Error::Conflict { table, key } = error {
                    state.taken |=
                        claim.as_ref().is_some_and(|own| own.table == *table && own.key == *key);
                    state.stale |= state
                        .seen
                        .as_ref()
                        .is_some_and(|seen| seen.table == table && seen.key == *key);
                }
                state.claim = claim;
            }
        }
    }
}

/// A store that puts the terms of the request on what it commits; outside of an operation it is the store itself.
pub(crate) struct Careful(pub(crate) Arc<dyn Store>);

impl Careful {
    /// What a person does to a job is no commit of rows: the claim goes before it.
    async fn claimed(&self, actor: &Actor) -> Result<()> {
        let open = TERMS.try_with(|terms| terms.state().claim.is_some()).unwrap_or(false);
        if open {
            Over::commit(self, Changes::by(actor.clone(), super::once::KEEP)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Over for Careful {
    fn under(&self) -> &dyn Store {
        &*self.0
    }

    async fn commit(&self, changes: Changes) -> Result<Seq> {
        let Ok(terms) = TERMS.try_with(Arc::clone) else { return self.0.commit(changes).await };
        let (changes, claim) = terms.put_on(changes)?;
        let rows: Vec<_> =
            changes.rows.iter().map(|row| (row.table.clone(), row.key.clone())).collect();
        let done = self.0.commit(changes).await;
        terms.done(&rows, claim, &done);
        done
    }

    async fn cancel_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.claimed(&actor).await?;
        self.0.cancel_job(job, actor).await
    }

    async fn retry_job(&self, job: JobId, actor: Actor) -> Result<()> {
        self.claimed(&actor).await?;
        self.0.retry_job(job, actor).await
    }
}
