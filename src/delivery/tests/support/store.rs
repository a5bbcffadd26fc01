//! The store of the world: it crashes where the fuse blows, and fails where a test wants it to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use loa_store::{AccountLease, Changes, MemoryStore, Over, Seq, Store};

use super::Fuse;

/// The memory store with a fuse before and after every durable call.
pub struct FuseStore {
    pub inner: MemoryStore,
    pub fuse: Arc<Fuse>,
    /// The account nobody can take, because the disk fails at it.
    pub broken: Mutex<Option<String>>,
    /// How many commits the disk refuses from now on, and the end of the words they are of.
    pub full: Mutex<(u32, &'static str)>,
}

impl FuseStore {
    fn is_full(&self, what: &str) -> bool {
        let mut full = self.full.lock().unwrap();
        let refuses = full.0 > 0 && what.ends_with(full.1);
        full.0 -= u32::from(refuses);
        refuses
    }
}

#[async_trait]
impl Over for FuseStore {
    fn under(&self) -> &dyn Store {
        &self.inner
    }

    async fn commit(&self, changes: Changes) -> loa_store::Result<Seq> {
        self.fuse.point("before commit").await;
        if self.is_full(&changes.what) {
            return Err(loa_store::Error::Io("the disk is full".into()));
        }
        let answer = self.inner.commit(changes).await;
        self.fuse.point("after commit").await;
        answer
    }

    async fn lease_account(
        &self,
        account: &str,
        owner: &str,
        lease: Duration,
    ) -> loa_store::Result<Option<AccountLease>> {
        self.fuse.point("before lease").await;
        let broken = self.broken.lock().unwrap().as_deref() == Some(account);
        if broken {
            tokio::task::yield_now().await;
            return Err(loa_store::Error::Io("input/output error".into()));
        }
        self.inner.lease_account(account, owner, lease).await
    }

    async fn release_account(&self, lease: &AccountLease) -> loa_store::Result<()> {
        self.fuse.point("before release").await;
        self.inner.release_account(lease).await
    }
}
