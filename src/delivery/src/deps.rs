//! What the worker is handed.

use std::sync::Arc;

use async_trait::async_trait;
use loa_channel::{Blobs, Channel, MediaUrls};
use loa_model::{AccountName, Entropy, Secret, seams::SharedClock};
use loa_store::Store;

use crate::Config;

/// The channels this build knows, by name.
pub trait Channels: Send + Sync {
    /// The adapter of the channel before the colon of an account's name.
    fn get(&self, channel: &str) -> Option<Arc<dyn Channel>>;
}

/// The vault does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the vault cannot be used: {0}")]
pub struct VaultError(#[from] pub loa_store::Error);

/// Credentials by account. A refresh is two-phase: a durable mark before the request, the result after it, so that a
/// single-use refresh token is never lost in between.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Credentials of an account.
    ///
    /// # Errors
    /// [`VaultError`] when the vault is closed or the disk refuses.
    async fn get(&self, account: &AccountName) -> Result<Option<Secret>, VaultError>;

    /// Keeps a durable mark that a refresh is about to be sent. A mark that is there already is of an attempt that died, with
    /// its answer lost or its process gone: this one takes its place and tries the old credentials once more.
    ///
    /// # Errors
    /// [`VaultError`]: then nothing is sent.
    async fn begin_refresh(&self, account: &AccountName) -> Result<(), VaultError>;

    /// Takes the mark away; keeps the new credentials, laid over the old ones, when there are any.
    ///
    /// # Errors
    /// [`VaultError`]: nothing was kept, and what the disk refused may be tried again ([`crate::finish_refresh`]).
    async fn finish_refresh(
        &self,
        account: &AccountName,
        new: Option<Secret>,
    ) -> Result<(), VaultError>;
}

/// Everything the worker works with.
#[derive(Clone)]
pub struct Deps {
    /// Records and leases.
    pub store: Arc<dyn Store>,
    /// Adapters.
    pub channels: Arc<dyn Channels>,
    /// Bytes of media.
    pub blobs: Arc<dyn Blobs>,
    /// Public addresses of media.
    pub media: Arc<dyn MediaUrls>,
    /// Credentials.
    pub secrets: Arc<dyn Secrets>,
    /// Time.
    pub clock: SharedClock,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Settings.
    pub config: Config,
    /// Name of this worker, see [`owner_name`].
    pub owner: String,
}

/// Name of a worker: the place it works at and the number of this start, raised at every start. A worker declares the
/// leases of lower numbers of its own place lost at once; those of other places run out.
pub fn owner_name(place: &str, instance: u64) -> String {
    format!("{place}#{instance}")
}

/// Whether `other` is an earlier start of `ours`.
pub(crate) fn is_former(other: &str, ours: &str) -> bool {
    let parts = |name: &str| {
        name.rsplit_once('#')
            .and_then(|(place, n)| Some((place.to_owned(), n.parse::<u64>().ok()?)))
    };
    match (parts(other), parts(ours)) {
        (Some((there, before)), Some((here, now))) => there == here && before < now,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_earlier_starts_of_the_same_place_are_former() {
        let ours = owner_name("trạm-1", 7);
        for (other, former) in [
            ("trạm-1#6", true),
            ("trạm-1#7", false),
            ("trạm-1#8", false),
            ("trạm-2#6", false),
            ("x", false),
        ] {
            assert_eq!(is_former(other, &ours), former, "{other}");
        }
    }
}
