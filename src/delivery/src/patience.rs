//! What a platform gave once, and nobody can ask for again, is written down although the disk refuses.

use std::time::Duration;

use loa_model::{AccountName, Clock, Secret};
use loa_store::Error as StoreError;

use crate::{Error, Result, Secrets, VaultError};

/// Distance of two tries.
const APART: Duration = Duration::from_secs(1);

/// Tries of one that is to end: a service manager waits longer than these take.
const LAST_TRIES: u32 = 30;

/// For writing until the disk takes it. A receipt or a single-use token that is dropped while a disk is full for a minute leaves
/// a post unclear, or an account to be connected anew.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    last_tries: u32,
}

impl Patience {
    /// Waits a second before the next try. One that `ends` gets thirty more.
    ///
    /// # Errors
    /// `error` itself: when trying again does not help, or was of no help too often.
    pub(crate) async fn bear(&mut self, error: Error, clock: &dyn Clock, ends: bool) -> Result<()> {
        let of_the_disk = matches!(
            error,
            Error::Store(StoreError::Io(_)) | Error::Vault(VaultError(StoreError::Io(_)))
        );
        if !of_the_disk {
            return Err(error);
        }
        if ends && self.last_tries == LAST_TRIES {
            tracing::error!(%error, "An answer of a platform could not be written down and is lost");
            return Err(error);
        }
        self.last_tries += u32::from(ends);
        tracing::error!(%error, "An answer of a platform cannot be written down and is tried again: free space on the disk");
        clock.sleep(APART).await;
        Ok(())
    }
}

/// Ends a refresh, with the new credentials when there are any: the old ones may be used up. Whoever `ends` tries thirty times
/// more.
///
/// # Errors
/// [`Error::Vault`]: nothing was kept.
pub async fn finish_refresh(
    secrets: &dyn Secrets,
    account: &AccountName,
    new: Option<Secret>,
    clock: &dyn Clock,
    ends: &(dyn Fn() -> bool + Sync),
) -> Result<()> {
    let mut patience = Patience::default();
    while let Err(error) = secrets.finish_refresh(account, new.clone()).await {
        patience.bear(error.into(), clock, ends()).await?;
    }
    Ok(())
}
