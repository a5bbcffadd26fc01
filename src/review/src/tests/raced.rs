//! A store in which somebody else is always faster once.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use loa_store::{Changes, Over, Result, Seq, Store};

/// A store whose first commit comes second: somebody else's change of the same rows lands in between.
pub(super) struct Raced {
    pub(super) inner: Arc<dyn Store>,
    pub(super) rival: Mutex<Option<Changes>>,
}

#[async_trait]
impl Over for Raced {
    fn under(&self) -> &dyn Store {
        &*self.inner
    }

    async fn commit(&self, changes: Changes) -> Result<Seq> {
        let rival = self.rival.lock().unwrap().take();
        if let Some(rival) = rival {
            self.inner.commit(rival).await?;
        }
        self.inner.commit(changes).await
    }
}
