//! Credentials: what a refresh gives, and the vault that keeps it.

use std::sync::Mutex;

use async_trait::async_trait;
use loa_channel::{Error, ErrorKind, RetryAdvice, memory::TOKEN};
use loa_delivery::{Secrets, VaultError};
use loa_model::{AccountName, Secret};

/// What a refresh of the credentials gives.
#[derive(Debug, Clone)]
pub enum RefreshMode {
    /// They do not age.
    Nothing,
    Token(String),
    Refused,
    /// The answer is lost: whether the refresh token is used up is not known.
    Lost,
}

impl RefreshMode {
    pub fn answer(self) -> loa_channel::Result<Option<Secret>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Token(token) => Ok(Some(Secret::new([(TOKEN.to_owned(), token)]))),
            Self::Refused => {
                Err(Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, "refresh token revoked"))
            }
            Self::Lost => {
                Err(Error::new(ErrorKind::Unavailable, RetryAdvice::Verify, "the answer is lost"))
            }
        }
    }
}

/// The vault: remembers marks and results in order.
#[derive(Default)]
pub struct Vault {
    pub secret: Mutex<Option<Secret>>,
    /// Somebody else renews it, right before the next mark.
    pub renewed_meanwhile: Mutex<Option<Secret>>,
    pub log: Mutex<Vec<&'static str>>,
    /// How many ends of a refresh the disk refuses from now on.
    pub full: Mutex<u32>,
}

impl Vault {
    pub fn put(&self, token: &str) {
        *self.secret.lock().unwrap() = Some(Secret::new([(TOKEN.to_owned(), token.to_owned())]));
    }

    pub fn token(&self) -> String {
        let secret = self.secret.lock().unwrap();
        secret.as_ref().and_then(|secret| secret.get(TOKEN)).unwrap_or_default().to_owned()
    }
}

#[async_trait]
impl Secrets for Vault {
    async fn get(&self, _account: &AccountName) -> Result<Option<Secret>, VaultError> {
        Ok(self.secret.lock().unwrap().clone())
    }
    async fn begin_refresh(&self, _account: &AccountName) -> Result<(), VaultError> {
        self.log.lock().unwrap().push("begin");
        if let Some(newer) = self.renewed_meanwhile.lock().unwrap().take() {
            *self.secret.lock().unwrap() = Some(newer);
        }
        Ok(())
    }
    async fn finish_refresh(
        &self,
        _account: &AccountName,
        new: Option<Secret>,
    ) -> Result<(), VaultError> {
        let mut full = self.full.lock().unwrap();
        if *full > 0 {
            *full -= 1;
            return Err(loa_store::Error::Io("the disk is full".into()).into());
        }
        self.log.lock().unwrap().push(if new.is_some() { "kept" } else { "nothing" });
        if new.is_some() {
            *self.secret.lock().unwrap() = new;
        }
        Ok(())
    }
}
