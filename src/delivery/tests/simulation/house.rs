//! The store as a process sees it: the real ledger and engine on a disk that loses power, an await before and after each call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use loa_delivery::{Secrets, VaultError};
use loa_model::{AccountName, Clock as _, Secret};
use loa_store::{
    AccountLease, Changes, Over, Result, Row, Seq, Vault,
    simulation::{Disk, SimulatedStore},
};

use crate::{dice::Dice, kernel::Process, time::Timeline, witness::Witness};

/// The store in the hands of one process.
#[derive(Clone)]
pub(crate) struct HouseStore {
    pub(crate) store: Arc<SimulatedStore>,
    pub(crate) disk: Disk,
    pub(crate) process: Arc<Process>,
    pub(crate) witness: Arc<Witness>,
    pub(crate) timeline: Arc<Timeline>,
    /// Longest time of one call, in milliseconds.
    pub(crate) slow_ms: Arc<AtomicU64>,
    pub(crate) dice: Arc<Dice>,
}

impl HouseStore {
    async fn before(&self, name: &'static str) {
        self.process.point(name).await;
        let slow = self.slow_ms.load(Ordering::Relaxed);
        if slow > 0 {
            self.timeline.sleep(self.dice.millis(0..=slow)).await;
        }
    }

    /// The answer of a call that writes, unless the machine died of it.
    async fn after<T>(&self, name: &'static str, answer: Result<T>) -> Result<T> {
        if self.disk.is_dark() {
            std::future::pending::<()>().await;
        }
        self.process.point(name).await;
        match &answer {
            Ok(_) => {
                let mut seen = self.witness.seen();
                seen.visible = seen.visible.max(self.store.last_seq());
            }
            Err(loa_store::Error::Io(_)) => {
                self.witness.count("store errors");
                self.witness.failed(&self.process.name, self.timeline.now());
            }
            Err(_) => {}
        }
        answer
    }

    fn read<T>(&self, rows: Result<T>) -> Result<T> {
        let mut seen = self.witness.seen();
        seen.visible = seen.visible.max(self.store.last_seq());
        rows
    }
}

#[async_trait]
impl Over for HouseStore {
    fn under(&self) -> &dyn loa_store::Store {
        &*self.store
    }

    async fn commit(&self, changes: Changes) -> Result<Seq> {
        self.before("before commit").await;
        let kept = changes.clone();
        let answer = self.store.commit(changes).await;
        let answer = self.after("after commit", answer).await;
        if let Ok(seq) = &answer {
            self.witness.say(|| {
                let of_delivery = kept.rows.iter().find(|row| row.table == "delivery");
                let why = of_delivery.and_then(|row| row.value.as_ref()?.get("reason")?.as_str());
                let why = why.filter(|why| !why.is_empty()).map(|why| format!(" ({why})"));
                let (who, what) = (&self.process.name, &kept.what);
                format!("{who} commits {seq}: {what}{}", why.unwrap_or_default())
            });
            self.witness.seen().acknowledged.insert(*seq, kept);
        }
        answer
    }

    async fn get(&self, table: &str, key: &str) -> Result<Option<Row>> {
        self.before("read").await;
        self.read(self.store.get(table, key).await)
    }

    async fn range(
        &self,
        index: &str,
        from: &str,
        to: &str,
        limit: usize,
        reverse: bool,
    ) -> Result<Vec<Row>> {
        self.before("read").await;
        self.read(self.store.range(index, from, to, limit, reverse).await)
    }

    async fn count(&self, index: &str, from: &str, to: &str) -> Result<usize> {
        self.before("read").await;
        self.read(self.store.count(index, from, to).await)
    }

    async fn scan(&self, table: &str, from: &str, limit: usize) -> Result<Vec<Row>> {
        self.before("read").await;
        self.read(self.store.scan(table, from, limit).await)
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<AccountLease>> {
        self.before("before lease").await;
        let answer = self.store.lease_account(account, owner, lease).await;
        self.after("after lease", answer).await
    }

    async fn release_account(&self, lease: &AccountLease) -> Result<()> {
        self.before("before release").await;
        let answer = self.store.release_account(lease).await;
        self.after("after release", answer).await
    }
}

/// Credentials in the real vault.
pub(crate) struct Safe(pub(crate) Vault);

#[async_trait]
impl Secrets for Safe {
    async fn get(&self, account: &AccountName) -> Result<Option<Secret>, VaultError> {
        match self.0.get(account).await {
            Ok(secret) => Ok(Some(secret)),
            Err(loa_store::Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn begin_refresh(&self, account: &AccountName) -> Result<(), VaultError> {
        // A mark that is there is of a start that died: accounts are refreshed by their owner alone.
        if let Some(dead) = self.0.pending_refresh(account).await? {
            self.0.abandon_refresh(&dead).await?;
        }
        Ok(self.0.begin_refresh(account).await.map(drop)?)
    }

    async fn finish_refresh(
        &self,
        account: &AccountName,
        new: Option<Secret>,
    ) -> Result<(), VaultError> {
        let Some(mark) = self.0.pending_refresh(account).await? else {
            return Ok(());
        };
        match new {
            Some(new) => self.0.finish_refresh(&mark, new).await.map(drop)?,
            None => self.0.abandon_refresh(&mark).await?,
        }
        Ok(())
    }
}
