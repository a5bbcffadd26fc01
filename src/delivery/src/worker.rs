//! The worker: what it remembers, one deterministic round, and the service of one account.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::StreamExt as _;
use jiff::Timestamp;
use loa_channel::Notes;
use loa_model::{
    AccountName, Actor, Delivery, DeliveryEvent as Event, DeliveryId, DeliveryState as State, Ids,
    record::{Record as _, join, time_key},
};
use loa_store::{AccountLease, Error as StoreError, Row, Seq, Versioned};

use crate::{
    Deps, Result, chain,
    config::secs,
    errand::Errand,
    gate::Tenure,
    moves::{Mover, NotMoved},
    running::Service,
    turns::Turns,
};

/// Time after which what failed for a reason of our own is tried again.
pub(crate) const AGAIN_S: u32 = 1;

/// What happened to one delivery in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// Delivery.
    pub delivery: DeliveryId,
    /// Account.
    pub account: AccountName,
    /// State it is in now.
    pub state: State,
    /// Why, for people; may be empty.
    pub reason: String,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Round {
    /// What happened, in order.
    pub happened: Vec<Happened>,
    /// When there is something to do again; absent when nothing waits for a time.
    pub wake: Option<Timestamp>,
    /// Accounts whose service ended in an error, and which: the others went on, and it is repeated.
    pub failed: Vec<(AccountName, String)>,
}

impl Round {
    pub(crate) fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }

    pub(crate) fn note(&mut self, delivery: &Delivery) {
        self.happened.push(Happened {
            delivery: delivery.id,
            account: delivery.account.clone(),
            state: delivery.state,
            reason: delivery.reason.clone(),
        });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.happened.extend(other.happened);
        self.failed.extend(other.failed);
        if let Some(wake) = other.wake {
            self.wake_at(wake);
        }
    }
}

/// What this process remembers between rounds. Losing it costs time, never a post.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) started: bool,
    /// Whose turn it is, by app.
    pub(crate) turns: BTreeMap<String, Turns>,
    /// Chains waiting under their lease.
    pub(crate) held: BTreeMap<AccountName, (DeliveryId, Timestamp)>,
    /// Leases kept between rounds.
    pub(crate) tenures: BTreeMap<AccountName, Tenure>,
    /// Not asked again before (read-backs, corrections, retractions), with the tries so far.
    pub(crate) later: BTreeMap<DeliveryId, (u32, Timestamp)>,
    pub(crate) refreshed: BTreeMap<AccountName, Timestamp>,
    /// Refusals of credentials that had just been renewed.
    pub(crate) refusals: BTreeMap<AccountName, Vec<Timestamp>>,
    /// When everything in a state was looked at last.
    pub(crate) all_swept_at: BTreeMap<State, Timestamp>,
    /// When to ask next whether credentials age.
    pub(crate) check_token_at: BTreeMap<AccountName, Timestamp>,
    /// Accounts that are being served, and whether a look passed them over meanwhile.
    pub(crate) served: BTreeMap<AccountName, bool>,
    /// When the services that ended since the last look want another one.
    pub(crate) wake: Option<Timestamp>,
}

/// Sends what is due. One per process; several processes share a store by the leases.
pub struct Worker {
    pub(crate) deps: Deps,
    pub(crate) ids: Ids,
    pub(crate) memory: Mutex<Memory>,
    pub(crate) killed: Mutex<BTreeMap<String, Arc<AtomicBool>>>,
    /// The record up to which `killed` is true.
    pub(crate) switches_read_at: tokio::sync::Mutex<Option<Seq>>,
    pub(crate) stopping: AtomicBool,
    /// A service has ended, or the worker shall.
    pub(crate) told: tokio::sync::Notify,
    pub(crate) refreshing: tokio::sync::Mutex<()>,
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(deps: Deps) -> Self {
        let ids = Ids::new(deps.clock.clone(), deps.entropy.clone());
        Self {
            deps,
            ids,
            memory: Mutex::default(),
            killed: Mutex::default(),
            switches_read_at: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
            told: tokio::sync::Notify::new(),
            refreshing: tokio::sync::Mutex::new(()),
        }
    }

    /// One round: promotes what is due, expires what is late, recovers lost leases, serves each account once, reads back
    /// what is unclear. Deterministic for a given store, clock and randomness.
    ///
    /// # Errors
    /// [`crate::Error::Store`] before any account is served: the round may be repeated. An error in the service of one account
    /// is that account's ([`Round::failed`]).
    pub async fn tick(&self) -> Result<Round> {
        let mut round = Round::default();
        let errands = self.look(&mut round).await?;
        let width = self.deps.config.concurrency.max(1);
        let mut served =
            futures::stream::iter(errands.into_iter().map(|errand| self.serve(errand)))
                .buffer_unordered(width);
        while let Some(part) = served.next().await {
            round.merge(part);
        }
        Ok(round)
    }

    /// Does what time alone does and says what there is to do, in the order of service, for accounts that are not being
    /// served.
    pub(crate) async fn look(&self, round: &mut Round) -> Result<Vec<Errand>> {
        let served = self.being_served();
        self.read_kill_switches().await?;
        if !self.memory().started {
            self.recover_former(round).await?;
            self.memory().started = true;
        }
        self.keep_held(&served, round).await?;
        self.sweep(round).await?;
        self.errands(&served, round).await
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mover(&self, deletable: bool) -> Mover<'_> {
        Mover {
            store: &*self.deps.store,
            ids: &self.ids,
            actor: Actor::Worker(self.deps.owner.clone()),
            config: &self.deps.config,
            deletable,
        }
    }

    /// A number in 0..1 from the handed-down randomness.
    pub(crate) fn random(&self) -> f64 {
        let mut bytes = [0u8; 4];
        self.deps.entropy.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
    }

    pub(crate) async fn state_rows(
        &self,
        state: State,
        until: Option<Timestamp>,
    ) -> Result<Vec<Versioned<Delivery>>> {
        self.first_rows(state, until, self.deps.config.batch).await
    }

    pub(crate) async fn first_rows(
        &self,
        state: State,
        until: Option<Timestamp>,
        most: usize,
    ) -> Result<Vec<Versioned<Delivery>>> {
        let from = join(&[state.name(), ""]);
        let to = match until {
            Some(until) => format!("{from}{}\u{10ffff}", time_key(until)),
            None => format!("{from}\u{10ffff}"),
        };
        let rows: Vec<Row> =
            self.deps.store.range("delivery_by_state", &from, &to, most, false).await?;
        rows.iter().map(|row| row.read().map_err(Into::into)).collect()
    }

    /// Deliveries of the same state behind this one.
    pub(crate) async fn rows_after(
        &self,
        last: &Delivery,
        most: usize,
    ) -> Result<Vec<Versioned<Delivery>>> {
        let (from, to) = (behind(last), join(&[last.state.name(), "\u{10ffff}"]));
        let rows: Vec<Row> =
            self.deps.store.range("delivery_by_state", &from, &to, most, false).await?;
        rows.iter().map(|row| row.read().map_err(Into::into)).collect()
    }

    /// Keeps the leases of accounts whose chain waits: between rounds nobody else does. A chain that somebody else took over
    /// meanwhile is no reason to keep an account.
    async fn keep_held(&self, served: &BTreeSet<AccountName>, round: &mut Round) -> Result<()> {
        let held = self.memory().held.clone();
        let held = held.into_iter().filter(|(name, _)| !served.contains(name));
        for (account, (id, _)) in held {
            let waits = self.mover(true).read(id).await?.is_some_and(|row| {
                let owner = row.record.lease.as_ref().map(|lease| lease.owner.as_str());
                row.record.state == State::Leased && owner == Some(self.deps.owner.as_str())
            });
            if !waits {
                self.memory().held.remove(&account);
                self.release(&account).await?;
                continue;
            }
            self.take(&account, 0).await?;
            round.wake_at(self.deps.clock.now() + self.deps.config.keep_lease_within());
        }
        Ok(())
    }

    /// Serves one account once. Its error ends nobody else's service.
    pub(crate) fn serve(&self, errand: Errand) -> impl Future<Output = Round> + Send {
        let service = Service::begin(self, &errand.account.name);
        async move {
            let _until_its_end = service;
            let mut round = Round::default();
            if self.stopping.load(Ordering::Acquire) {
                return round;
            }
            if let Err(error) = Box::pin(self.serve_account(&errand, &mut round)).await {
                let account = errand.account.name;
                tracing::error!(%account, %error, "The service of an account failed and will be repeated");
                round.failed.push((account, error.to_string()));
                round.wake_at(self.deps.clock.now() + secs(AGAIN_S));
            }
            round
        }
    }

    /// Serves one account under its lease, and gives it back unless a chain waits under it.
    async fn serve_account(&self, errand: &Errand, round: &mut Round) -> Result<()> {
        let name = &errand.account.name;
        let highest =
            errand.ready.iter().chain(&errand.lost).map(|d| d.record.fence).max().unwrap_or(0);
        let Some(tenure) = self.take(name, highest).await? else {
            // Another worker has the account: look again when its lease may have run out.
            round.wake_at(self.deps.clock.now() + secs(self.deps.config.account_lease_s.max(1)));
            return Ok(());
        };
        let outcome = self.serve_under(errand, &tenure, round).await;
        let held = self.memory().held.contains_key(name);
        let released = if held { Ok(()) } else { self.release(name).await };
        outcome.and(released)
    }

    async fn serve_under(&self, errand: &Errand, tenure: &Tenure, round: &mut Round) -> Result<()> {
        let at = chain::At {
            worker: self,
            account: &errand.account,
            channel: &*errand.channel,
            tenure,
            plan: errand.plan.as_ref(),
            notes: Notes::default(),
        };
        for row in &errand.lost {
            self.recover(row, tenure, round).await?;
        }
        at.keep_fresh().await?;
        if let Some(id) = errand.held {
            self.memory().held.remove(&errand.account.name);
            at.resume(id, round).await?;
        }
        for row in &errand.aftercare {
            at.aftercare(row, round).await?;
        }
        for row in &errand.unclear {
            at.read_back(row, round).await?;
        }
        if self.memory().held.contains_key(&errand.account.name) {
            return Ok(());
        }
        if let Some(row) = errand.ready.as_ref().filter(|_| !self.stopping.load(Ordering::Acquire))
        {
            at.begin(row, round).await?;
            if errand.more {
                // One post of an account a round: the others follow at once, after the other accounts.
                round.wake_at(self.deps.clock.now());
            }
        }
        Ok(())
    }

    /// Takes or keeps the account with a fence no delivery has outgrown.
    async fn take(&self, account: &AccountName, at_least: u64) -> Result<Option<Tenure>> {
        let lease_for = self.deps.config.account_lease();
        for _ in 0..4 {
            let lease = self
                .deps
                .store
                .lease_account(account.as_str(), &self.deps.owner, lease_for)
                .await?;
            let Some(lease) = lease else {
                self.memory().tenures.remove(account);
                self.memory().held.remove(account);
                return Ok(None);
            };
            let kept = self.memory().tenures.get(account).cloned();
            if let Some(kept) = kept {
                if kept.lease().is_some_and(|k| k.fence == lease.fence) && lease.fence >= at_least {
                    kept.renew(Some(lease));
                    return Ok(Some(kept));
                }
                self.memory().tenures.remove(account);
            }
            if lease.fence >= at_least {
                let tenure = Tenure::new(lease);
                self.memory().tenures.insert(account.clone(), tenure.clone());
                return Ok(Some(tenure));
            }
            // A recovery raised the delivery's fence above ours: giving back and taking anew raises the account's.
            self.give_back(&lease).await?;
        }
        Ok(None)
    }

    pub(crate) async fn release(&self, account: &AccountName) -> Result<()> {
        let tenure = self.memory().tenures.remove(account);
        if let Some(lease) = tenure.and_then(|tenure| tenure.lease()) {
            self.give_back(&lease).await?;
        }
        Ok(())
    }

    pub(crate) async fn give_back(&self, lease: &AccountLease) -> Result<()> {
        match self.deps.store.release_account(lease).await {
            // Gone already: it ran out, which is as good.
            Ok(()) | Err(StoreError::LeaseLost { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Commits an event that needs no lease; a delivery that moved meanwhile is left for the next round.
    pub(crate) async fn step_aside(
        &self,
        row: &Versioned<Delivery>,
        event: Event,
        round: &mut Round,
    ) -> Result<()> {
        let now = self.deps.clock.now();
        match self.mover(true).make(row, &event, now, |_| false, |_, c| c).await? {
            Ok(done) => round.note(&done.record),
            Err(NotMoved::Lost(_)) => round.wake_at(now),
            Err(NotMoved::Refused(refused)) => {
                tracing::warn!(delivery.id = %row.record.id, %refused, "A move of a delivery was refused");
            }
        }
        Ok(())
    }
}

/// The key right behind a delivery in `delivery_by_state`.
pub(crate) fn behind(d: &Delivery) -> String {
    let place = d.index().into_iter().find(|entry| entry.index == "delivery_by_state");
    format!("{}\0", place.expect("every delivery has its place").key)
}
