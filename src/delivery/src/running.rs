//! The loop: looks for work while earlier work is still being served.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use futures::{SinkExt as _, StreamExt as _, channel::mpsc};
use jiff::Timestamp;
use loa_model::{AccountName, Delivery, DeliveryEvent as Event, DeliveryState as State};
use loa_store::Seq;
use tokio::sync::watch;

use crate::{Result, Round, Worker, config::secs, worker::AGAIN_S};

/// Two looks are so far apart while accounts are being served: every step of theirs changes the store.
const APART: Duration = Duration::from_millis(50);

/// An account is being served, as long as this lives. Looks pass it over, and when one did, another one follows.
pub(crate) struct Service<'a> {
    worker: &'a Worker,
    account: AccountName,
}

impl<'a> Service<'a> {
    pub(crate) fn begin(worker: &'a Worker, account: &AccountName) -> Self {
        worker.memory().served.insert(account.clone(), false);
        Self { worker, account: account.clone() }
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let passed_over = self.worker.memory().served.remove(&self.account);
        if passed_over == Some(true) {
            self.worker.look_again_at(self.worker.deps.clock.now());
        }
    }
}

impl Worker {
    /// Looks and serves until `shutdown` turns true: on time, and at every change of the store. An account whose service takes
    /// long keeps no other waiting. Then finishes what is being sent and hands every lease back.
    ///
    /// # Errors
    /// [`crate::Error::Store`] when the last hand-back fails; failures of looks and services are logged and they are repeated.
    pub async fn run(&self, mut shutdown: watch::Receiver<bool>) -> Result<()> {
        // Without room: nobody looks again before all that was found is being served.
        let (mut give, given) = mpsc::channel(0);
        let looking = async move {
            let mut changed = self.deps.store.watch();
            while !self.stopping.load(Ordering::Acquire) {
                changed.borrow_and_update();
                let mut round = Round::default();
                match self.look(&mut round).await {
                    Ok(errands) => {
                        for errand in errands {
                            let taken = give.send(Box::pin(self.serve(errand))).await;
                            taken.expect("who serves stays until nothing is given any more");
                        }
                    }
                    Err(error) => {
                        tracing::error!(%error, "a look for deliveries failed and will be repeated");
                        round.wake_at(self.deps.clock.now() + secs(AGAIN_S));
                    }
                }
                round.wake.into_iter().for_each(|at| self.look_again_at(at));
                self.nap(&mut changed).await;
            }
        };
        let serving = async {
            let mut served = given.buffer_unordered(self.deps.config.concurrency.max(1));
            while let Some(part) = served.next().await {
                part.wake.into_iter().for_each(|at| self.look_again_at(at));
            }
        };
        let stopping = async {
            wanted(&mut shutdown).await;
            self.stopping.store(true, Ordering::Release);
            self.told.notify_one();
        };
        tokio::join!(looking, serving, stopping);
        self.hand_back().await
    }

    /// Waits until there is a reason to look: the time of one, a change of the store, or the end of the loop.
    async fn nap(&self, changed: &mut watch::Receiver<Seq>) {
        let clock = &self.deps.clock;
        let longest = clock.now() + secs(self.deps.config.poll_s.max(1));
        let serves = !self.memory().served.is_empty();
        if serves {
            clock.sleep(APART).await;
        }
        while !self.stopping.load(Ordering::Acquire) {
            let wake = self.memory().wake.map_or(longest, |at| at.min(longest));
            let Ok(left) = Duration::try_from(wake.duration_since(clock.now())) else { break };
            if left.is_zero() {
                break;
            }
            tokio::select! {
                biased;
                () = clock.sleep(left) => break,
                answer = changed.changed() => {
                    // The store is gone only when the process ends; the clock keeps the loop going until then.
                    if answer.is_err() {
                        clock.sleep(Duration::from_secs(1)).await;
                    }
                    break;
                }
                () = self.told.notified() => {}
            }
        }
        self.memory().wake = None;
    }

    fn look_again_at(&self, at: Timestamp) {
        let mut memory = self.memory();
        memory.wake = Some(memory.wake.map_or(at, |wake| wake.min(at)));
        drop(memory);
        self.told.notify_one();
    }

    /// Accounts that a look passes over because they are being served.
    pub(crate) fn being_served(&self) -> BTreeSet<AccountName> {
        let mut memory = self.memory();
        memory.served.iter_mut().for_each(|(_, passed_over)| *passed_over = true);
        memory.served.keys().cloned().collect()
    }

    /// Stops serving, snoozes chains that wait under a lease and gives every account back.
    ///
    /// # Errors
    /// [`crate::Error::Store`].
    pub async fn hand_back(&self) -> Result<()> {
        self.stopping.store(true, Ordering::Release);
        let held = std::mem::take(&mut self.memory().held);
        for (_, (id, until)) in held {
            let mover = self.mover(true);
            let Some(before) = mover.read(id).await? else { continue };
            let owner = self.deps.owner.as_str();
            let ours = |d: &Delivery| {
                d.state == State::Leased
                    && d.lease.as_ref().is_some_and(|lease| lease.owner == owner)
            };
            if ours(&before.record) {
                let event = Event::Snooze { until, reason: "handed back at shutdown".into() };
                // Refused or taken over meanwhile: then it is not ours to hand back.
                drop(mover.make(&before, &event, self.deps.clock.now(), ours, |_, c| c).await?);
            }
        }
        let accounts: Vec<_> = self.memory().tenures.keys().cloned().collect();
        for account in accounts {
            self.release(&account).await?;
        }
        Ok(())
    }
}

async fn wanted(shutdown: &mut watch::Receiver<bool>) {
    // A sender that is gone can ask for nothing: then only the caller's drop ends the loop.
    if shutdown.wait_for(|wanted| *wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}
