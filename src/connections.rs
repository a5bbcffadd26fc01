//! Credentials for the pages: they hand values in and are told which are there, and whether the platform takes them.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use loa_channel::{Error, ErrorKind, Health, RetryAdvice, Scope};
use loa_model::{Account, AccountName, Actor, Connect, Credentials, Secret, UserId};
use loa_pipeline::Flow;
use loa_store::Vault;
use loa_web::Connections;

/// How long a person waits for a platform.
const PATIENCE: Duration = Duration::from_secs(30);

/// The vault, and whoever speaks to platforms.
pub(crate) struct Wires {
    pub(crate) vault: Arc<Vault>,
    pub(crate) flow: Arc<Flow>,
}

impl Connections for Wires {
    fn told<'a>(
        &'a self,
        account: &'a AccountName,
        connect: &'a Connect,
    ) -> BoxFuture<'a, Result<Credentials, String>> {
        Box::pin(async move {
            match self.vault.get(account).await {
                Ok(secret) => Ok(connect.told(&secret)),
                Err(loa_store::Error::Refused { .. }) => Ok(Credentials::default()),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn keep<'a>(
        &'a self,
        account: &'a AccountName,
        secret: Secret,
        by: UserId,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let kept = self.vault.put(account, secret, Actor::User(by)).await;
            kept.map_err(|error| error.to_string())
        })
    }

    fn forget<'a>(
        &'a self,
        account: &'a AccountName,
        by: UserId,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let gone = self.vault.remove(account, Actor::User(by)).await;
            gone.map_err(|error| error.to_string())
        })
    }

    fn test<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, loa_channel::Result<Health>> {
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, self.flow.health(account)).await {
                Ok(answer) => answer,
                Err(_) => Err(Error::new(
                    ErrorKind::Unavailable,
                    RetryAdvice::Later { wait: PATIENCE, scope: Scope::Account },
                    "no answer within half a minute",
                )),
            }
        })
    }
}
