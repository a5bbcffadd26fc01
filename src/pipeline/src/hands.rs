//! What channels are handed: bytes by hash, public addresses of media, sealed secrets.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use jiff::SignedDuration;
use loa_channel::{Error, ErrorKind, Result, RetryAdvice};
use loa_delivery::VaultError;
use loa_model::{
    AccountName, Actor, BlobHash, DeliveryId, Ids, Media, PublicMedia, Secret, record::join,
    seams::SharedClock,
};
use loa_net::{Client, Request};
use loa_store::{Blobs, Changes, Store, StoreExt, Vault};
use url::Url;

/// Blobs for channels.
pub struct BlobReader(pub Arc<Blobs>);

#[async_trait]
impl loa_channel::Blobs for BlobReader {
    async fn read(&self, hash: BlobHash) -> Result<Bytes> {
        self.0
            .get(hash)
            .await
            .map_err(|error| Error::internal(format!("blob {}: {error}", hash.short())))
    }
}

/// Public addresses of media: one per delivery and blob, kept for a year and more.
pub struct PublicUrls {
    /// Records.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: SharedClock,
    /// Tokens.
    pub ids: Ids,
    /// Address the outside sees, without a slash at the end.
    pub base: String,
    /// Asks the address as a platform would, before it is handed out.
    pub client: Client,
}

/// Kept a little longer than the year that platforms may take.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

#[async_trait]
impl loa_channel::MediaUrls for PublicUrls {
    async fn url(&self, delivery: DeliveryId, media: &Media) -> Result<Url> {
        let record = self.record(delivery, media).await?;
        let address = format!("{}/m/{}.{}", self.base, record.token, record.ext);
        let url: Url = address.parse().map_err(|_| {
            Error::internal(format!("web.public_url is not an address: {}", self.base))
        })?;
        self.check(&url).await?;
        Ok(url)
    }
}

impl PublicUrls {
    async fn record(&self, delivery: DeliveryId, media: &Media) -> Result<PublicMedia> {
        let failed = |error: loa_store::Error| {
            Error::internal(format!("public media cannot be kept: {error}"))
        };
        let key = join(&[&delivery.to_string(), &media.blob.to_string()]);
        let known = self
            .store
            .list::<PublicMedia>("public_media_by_delivery", &key, 1)
            .await
            .map_err(failed)?;
        if let Some(row) = known.into_iter().next() {
            return Ok(row.record);
        }
        let now = self.clock.now();
        let record = PublicMedia {
            token: self.ids.token(26),
            ext: extension(&media.mime).to_owned(),
            blob: media.blob,
            mime: media.mime.clone(),
            delivery,
            created_at: now,
            expires_at: now + KEPT,
        };
        let actor = Actor::Worker("public media".to_owned());
        self.store
            .commit(Changes::by(actor, "open a public address").insert(&record))
            .await
            .map_err(failed)?;
        Ok(record)
    }

    /// A platform that cannot fetch fails silently, hours later: so we fetch first.
    async fn check(&self, url: &Url) -> Result<()> {
        let answer =
            self.client.send(Request::get(url.clone()).header("range", "bytes=0-15"), None).await;
        let problem = match answer {
            Ok(response) if matches!(response.status, 200 | 206) && !response.body.is_empty() => {
                return Ok(());
            }
            Ok(response) => format!("it answers {}", response.status),
            Err(error) => error.to_string(),
        };
        Err(Error::new(
            ErrorKind::Media,
            RetryAdvice::Later {
                wait: std::time::Duration::from_mins(1),
                scope: loa_channel::Scope::Account,
            },
            format!(
                "our own media address cannot be fetched ({problem}): check web.public_url and that the server runs"
            ),
        ))
    }
}

/// The extension that platforms expect for a media type.
fn extension(mime: &str) -> &'static str {
    match mime {
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "video/mp4" => "mp4",
        "application/pdf" => "pdf",
        _ => "bin",
    }
}

/// The vault for posting and measuring: one refresh of an account at a time in this process.
pub struct VaultSecrets {
    vault: Arc<Vault>,
    under_way: Mutex<BTreeSet<AccountName>>,
}

impl VaultSecrets {
    /// Over this vault.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault, under_way: Mutex::default() }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeSet<AccountName>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn begin(&self, account: &AccountName) -> Result<(), VaultError> {
        // A mark that nobody of this process made is of a start that died: the old token is tried once more.
        if let Some(dead) = self.vault.pending_refresh(account).await? {
            self.vault.abandon_refresh(&dead).await?;
        }
        self.vault.begin_refresh(account).await?;
        Ok(())
    }
}

#[async_trait]
impl loa_delivery::Secrets for VaultSecrets {
    async fn get(&self, account: &AccountName) -> Result<Option<Secret>, VaultError> {
        match self.vault.get(account).await {
            Ok(secret) => Ok(Some(secret)),
            Err(loa_store::Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn begin_refresh(&self, account: &AccountName) -> Result<(), VaultError> {
        if !self.under_way().insert(account.clone()) {
            let why = "they are being renewed already".to_owned();
            let what = format!("renewing the credentials of {account}");
            return Err(loa_store::Error::Refused { what, why }.into());
        }
        let begun = self.begin(account).await;
        if begun.is_err() {
            self.under_way().remove(account);
        }
        begun
    }

    async fn finish_refresh(
        &self,
        account: &AccountName,
        new: Option<Secret>,
    ) -> Result<(), VaultError> {
        let finished = match self.vault.pending_refresh(account).await {
            Ok(Some(mark)) => match new {
                Some(fresh) => self.vault.finish_refresh(&mark, fresh).await.map(drop),
                None => self.vault.abandon_refresh(&mark).await,
            },
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        // What the disk refused is tried again: nobody asks the platform anew meanwhile.
        if !matches!(finished, Err(loa_store::Error::Io(_))) {
            self.under_way().remove(account);
        }
        Ok(finished?)
    }
}
