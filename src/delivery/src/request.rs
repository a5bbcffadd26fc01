//! While a request runs: its time limit, the account's lease and the kill switches.

use std::{convert::Infallible, future::Future, time::Duration};

use crate::chain::At;

impl At<'_> {
    /// Runs a request under a time limit while the account's lease is kept alive and kill switches are heard; nothing when
    /// the time is over.
    pub(crate) async fn guarded<T>(
        &self,
        limit: Duration,
        request: impl Future<Output = T>,
    ) -> Option<T> {
        let clock = &self.worker.deps.clock;
        tokio::select! {
            biased;
            answer = request => Some(answer),
            () = clock.sleep(limit) => None,
            never = self.keep_lease() => match never {},
            never = self.hear_switches() => match never {},
        }
    }

    async fn keep_lease(&self) -> Infallible {
        let deps = &self.worker.deps;
        let lease_for = deps.config.account_lease();
        loop {
            deps.clock.sleep(lease_for / 3).await;
            let answer =
                deps.store.lease_account(self.account.name.as_str(), &deps.owner, lease_for).await;
            match answer {
                Ok(answer) => self.tenure.renew(answer),
                // Not renewed: the gate shuts by itself when the lease runs out.
                Err(error) => {
                    tracing::warn!(account = %self.account.name, %error, "A lease was not renewed");
                }
            }
        }
    }

    /// A switch thrown while a request is being prepared shuts its gate.
    async fn hear_switches(&self) -> Infallible {
        let mut changed = self.worker.deps.store.watch();
        loop {
            if let Err(error) = self.worker.read_kill_switches().await {
                tracing::warn!(account = %self.account.name, %error, "Kill switches were not read");
            }
            if changed.changed().await.is_err() {
                // The store is gone only when the process ends.
                return std::future::pending().await;
            }
        }
    }
}
