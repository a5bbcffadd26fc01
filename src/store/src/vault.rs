//! Secrets of accounts, sealed before they reach the ledger.
//!
//! A secret is sealed with XChaCha20-Poly1305 under the vault's key and bound to its account's name, so that a sealed
//! value moved to another account does not open. The key lies beside the data folder's backups, never in them.

use std::{fmt, fs, io, path::Path, sync::Arc};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use loa_model::{AccountName, Actor, Digest, Entropy, Record, Secret};
use serde::{Deserialize, Serialize};

use crate::{
    changes::{Changes, Expect, Versioned},
    contract::{Store, StoreExt as _},
    error::{Error, Result},
};

const KEY_FILE: &str = "vault.key";
/// Somebody else wrote in between so often: it is no accident any more.
const TRIES: usize = 16;

/// A sealed secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sealed {
    account: AccountName,
    /// Which key, without telling it.
    key: String,
    #[serde(with = "hex::serde")]
    nonce: [u8; 24],
    #[serde(with = "hex::serde")]
    bytes: Vec<u8>,
    /// Attempt of a refresh that was begun and not finished.
    refresh: Option<String>,
}

impl Record for Sealed {
    const TABLE: &'static str = "secret";
    fn key(&self) -> String {
        self.account.to_string()
    }
}

/// A refresh of single-use tokens that was begun: the old token may be used up from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshMark {
    /// Account.
    pub account: AccountName,
    /// Id of the attempt, random.
    pub attempt: String,
}

/// Seals and opens the secrets of accounts.
pub struct Vault {
    cipher: XChaCha20Poly1305,
    key_id: String,
    store: Arc<dyn Store>,
    entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// Opens the vault with `key_override`, else with the key file `vault.key` of the folder, which is made (mode 0600)
    /// when there is neither a key nor a secret yet.
    ///
    /// # Errors
    /// [`Error::Refused`] when the key file is missing, readable by others or no key; [`Error::Corrupt`] when a stored
    /// secret was sealed with another key.
    pub async fn open(
        key_dir: &Path,
        store: Arc<dyn Store>,
        entropy: Arc<dyn Entropy>,
        key_override: Option<[u8; 32]>,
    ) -> Result<Self> {
        let sealed = store.all::<Sealed>(1).await?;
        let key = if let Some(key) = key_override {
            key
        } else {
            let (dir, fresh) = (key_dir.to_owned(), sealed.is_empty());
            let entropy = entropy.clone();
            let key = move || key_of(&dir, fresh, entropy.as_ref());
            let key = tokio::task::spawn_blocking(key).await;
            key.map_err(|error| Error::Io(format!("vault: {error}")))??
        };
        let cipher = XChaCha20Poly1305::new(&key.into());
        let vault = Self { cipher, key_id: key_id(&key), store, entropy };
        if let Some(one) = sealed.first() {
            vault.unseal(&one.record)?;
        }
        Ok(vault)
    }

    /// The secret of an account.
    ///
    /// # Errors
    /// [`Error::Refused`] when none is stored, [`Error::Corrupt`] when it does not open.
    pub async fn get(&self, account: &AccountName) -> Result<Secret> {
        match self.sealed(account).await? {
            Some(found) => self.unseal(&found.record),
            None => Err(missing(account)),
        }
    }

    /// Lays new values over the secret of an account; an empty value never replaces a non-empty one. A refresh that was
    /// begun and not finished is forgotten: whoever hands in new values has connected the account anew.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`Vault::get`].
    pub async fn put(&self, account: &AccountName, secret: Secret, actor: Actor) -> Result<()> {
        self.change(account, actor, "store secret", |old| {
            let old = old.map(|sealed| self.unseal(&sealed)).transpose()?.unwrap_or_default();
            Ok((old.merged(secret.clone()), None))
        })
        .await
    }

    /// Forgets the secret of an account that is no more.
    ///
    /// # Errors
    /// [`Error::Io`], and a conflict when it was changed at the same moment.
    pub async fn remove(&self, account: &AccountName, actor: Actor) -> Result<()> {
        if let Some(kept) = self.sealed(account).await? {
            let changes = Changes::by(actor, "remove secret").delete(&kept.record, kept.version);
            self.store.commit(changes).await?;
        }
        Ok(())
    }

    /// Notes durably that the refresh token is about to be used. Call the platform only after this.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no secret, or while a refresh is pending: look at [`Vault::pending_refresh`] and
    /// [`Vault::abandon_refresh`] it to try once more with the old token.
    pub async fn begin_refresh(&self, account: &AccountName) -> Result<RefreshMark> {
        let mut attempt = [0; 16];
        self.entropy.fill(&mut attempt);
        let mark = RefreshMark { account: account.clone(), attempt: hex::encode(attempt) };
        self.change(account, worker(), "begin token refresh", |old| {
            let old = old.ok_or_else(|| missing(account))?;
            if old.refresh.is_some() {
                return Err(Error::Refused {
                    what: format!("refreshing the token of {account}"),
                    why: "another refresh was begun and never finished, its token may be used up"
                        .to_owned(),
                });
            }
            Ok((self.unseal(&old)?, Some(mark.attempt.clone())))
        })
        .await?;
        Ok(mark)
    }

    /// Stores the new token durably and ends the refresh. Hand the token out only after this.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another attempt or a person has replaced this one.
    pub async fn finish_refresh(&self, mark: &RefreshMark, fresh: Secret) -> Result<Secret> {
        self.change(&mark.account, worker(), "finish token refresh", |old| {
            let old = held(mark, old)?;
            Ok((self.unseal(&old)?.merged(fresh.clone()), None))
        })
        .await?;
        self.get(&mark.account).await
    }

    /// Ends a refresh that brought no new token: the platform refused, or nobody knows (after a crash) and the old token
    /// is to be tried once more.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another attempt or a person has replaced this one.
    pub async fn abandon_refresh(&self, mark: &RefreshMark) -> Result<()> {
        self.change(&mark.account, worker(), "abandon token refresh", |old| {
            let old = held(mark, old)?;
            Ok((self.unseal(&old)?, None))
        })
        .await
    }

    /// The refresh of an account that was begun and not finished: after a crash the old token may be used up.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn pending_refresh(&self, account: &AccountName) -> Result<Option<RefreshMark>> {
        let found = self.sealed(account).await?;
        let attempt = found.and_then(|found| found.record.refresh);
        Ok(attempt.map(|attempt| RefreshMark { account: account.clone(), attempt }))
    }

    async fn sealed(&self, account: &AccountName) -> Result<Option<Versioned<Sealed>>> {
        self.store.read::<Sealed>(account.as_str()).await
    }

    /// Replaces what is sealed by what `next` makes of it, again if somebody was faster.
    async fn change(
        &self,
        account: &AccountName,
        actor: Actor,
        what: &str,
        next: impl Fn(Option<Sealed>) -> Result<(Secret, Option<String>)>,
    ) -> Result<()> {
        let mut outcome = Ok(());
        for _ in 0..TRIES {
            let old = self.sealed(account).await?;
            let expect = old.as_ref().map_or(Expect::Absent, |old| Expect::Version(old.version));
            let (secret, refresh) = next(old.map(|old| old.record))?;
            let sealed = self.seal(account, &secret, refresh);
            let changes = Changes::by(actor.clone(), what).put(&sealed, expect);
            outcome = self.store.commit(changes).await.map(drop);
            if !matches!(outcome, Err(Error::Conflict { .. })) {
                break;
            }
        }
        outcome
    }

    fn seal(&self, account: &AccountName, secret: &Secret, refresh: Option<String>) -> Sealed {
        let mut nonce = [0; 24];
        self.entropy.fill(&mut nonce);
        let clear = serde_json::to_vec(secret).expect("a secret is JSON");
        let payload = Payload { msg: &clear, aad: account.as_str().as_bytes() };
        let bytes = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let bytes = bytes.expect("a secret is far shorter than the cipher's limit");
        Sealed { account: account.clone(), key: self.key_id.clone(), nonce, bytes, refresh }
    }

    fn unseal(&self, sealed: &Sealed) -> Result<Secret> {
        let corrupt = |why: String| Error::Corrupt {
            table: Sealed::TABLE.to_owned(),
            key: sealed.account.to_string(),
            why,
        };
        if sealed.key != self.key_id {
            return Err(corrupt(format!(
                "it was sealed with key {} and the vault has key {}: put the old {KEY_FILE} back",
                sealed.key, self.key_id
            )));
        }
        let aad = sealed.account.as_str().as_bytes();
        let payload = Payload { msg: &sealed.bytes, aad };
        let clear = self.cipher.decrypt(&XNonce::from(sealed.nonce), payload);
        let clear = clear.map_err(|_| corrupt("what is sealed was changed".to_owned()))?;
        // The parser's own words could quote the secret.
        serde_json::from_slice(&clear)
            .map_err(|_| corrupt("what is sealed is no secret".to_owned()))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

fn worker() -> Actor {
    Actor::Worker("vault".to_owned())
}

fn missing(account: &AccountName) -> Error {
    Error::Refused {
        what: format!("the secret of {account}"),
        why: "none is stored: connect the account first".to_owned(),
    }
}

fn held(mark: &RefreshMark, old: Option<Sealed>) -> Result<Sealed> {
    old.filter(|old| old.refresh.as_ref() == Some(&mark.attempt))
        .ok_or_else(|| Error::LeaseLost { what: format!("the token refresh of {}", mark.account) })
}

/// Names a key without telling it.
fn key_id(key: &[u8; 32]) -> String {
    Digest::of(&[b"loa vault key ", key.as_slice()].concat()).short()
}

/// Reads the key file; makes it when it may be made.
fn key_of(dir: &Path, fresh: bool, entropy: &dyn Entropy) -> Result<[u8; 32]> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(KEY_FILE);
    let refused =
        |why: &str| Err(Error::Refused { what: path.display().to_string(), why: why.to_owned() });
    let failed = |error: io::Error| Error::Io(format!("{}: {error}", path.display()));
    match fs::metadata(&path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            return refused(
                "others may read this key: `chmod 600` it, and renew the tokens if they did",
            );
        }
        Ok(_) => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Err(_) if !fresh => {
            return refused("the key is missing and secrets are sealed with it: put it back");
        }
        Err(_) => {
            let mut key = [0; 32];
            entropy.fill(&mut key);
            write_key(dir, &path, &key).map_err(failed)?;
        }
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    let mut key = [0; 32];
    match hex::decode_to_slice(text.trim(), &mut key) {
        Ok(()) => Ok(key),
        Err(_) => refused("it is no key: 64 hex characters are"),
    }
}

/// Writes the key aside and renames it: a crash leaves no half key.
fn write_key(dir: &Path, path: &Path, key: &[u8; 32]) -> io::Result<()> {
    use std::{
        io::Write as _,
        os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    writeln!(file, "{}", hex::encode(key))?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    crate::ledger::sync_folder(dir)
}
