//! A vault and platforms that are not there: what is kept is looked at by tests, what a platform answers is in the token.

use std::{collections::BTreeMap, sync::Mutex};

use futures::future::BoxFuture;
use loa_channel::{Error, ErrorKind, Health, RetryAdvice};
use loa_model::{Account, AccountName, Connect, Credentials, Secret, UserId};
use loa_web::Connections;

/// Secrets by account, and how often a platform was asked.
#[derive(Default)]
pub struct Vault {
    pub kept: Mutex<BTreeMap<AccountName, Secret>>,
    pub asked: Mutex<usize>,
}

impl Vault {
    /// Keeps values as if a person had connected the account.
    pub fn put(&self, account: &str, values: &[(&str, &str)]) {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut kept = self.kept.lock().unwrap();
        let old = kept.remove(&account.parse().unwrap()).unwrap_or_default();
        kept.insert(account.parse().unwrap(), old.merged(Secret::new(values)));
    }

    /// A value that is kept.
    pub fn value(&self, account: &str, name: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        kept.get(&account.parse().unwrap())?.get(name).map(str::to_owned)
    }
}

impl Connections for Vault {
    fn told<'a>(
        &'a self,
        account: &'a AccountName,
        connect: &'a Connect,
    ) -> BoxFuture<'a, Result<Credentials, String>> {
        let kept = self.kept.lock().unwrap().get(account).cloned().unwrap_or_default();
        Box::pin(async move { Ok(connect.told(&kept)) })
    }

    fn keep<'a>(
        &'a self,
        account: &'a AccountName,
        secret: Secret,
        _by: UserId,
    ) -> BoxFuture<'a, Result<(), String>> {
        let mut kept = self.kept.lock().unwrap();
        let old = kept.remove(account).unwrap_or_default();
        kept.insert(account.clone(), old.merged(secret));
        Box::pin(async { Ok(()) })
    }

    fn forget<'a>(
        &'a self,
        account: &'a AccountName,
        _by: UserId,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.kept.lock().unwrap().remove(account);
        Box::pin(async { Ok(()) })
    }

    fn test<'a>(&'a self, account: &'a Account) -> BoxFuture<'a, loa_channel::Result<Health>> {
        *self.asked.lock().unwrap() += 1;
        let kept = self.kept.lock().unwrap().get(&account.name).cloned().unwrap_or_default();
        let says = |word: &str| kept.values().any(|value| value == word);
        let answer = if kept.values().next().is_none() || says("refused") {
            let message = "Invalid OAuth access token <b>";
            Err(Error::new(ErrorKind::Auth, RetryAdvice::Reauthorize, message).code("190"))
        } else if says("away") {
            let wait = std::time::Duration::from_secs(5);
            let advice = RetryAdvice::Later { wait, scope: loa_channel::Scope::Account };
            Err(Error::new(ErrorKind::Unavailable, advice, "no answer"))
        } else {
            let other = says("of-another");
            let remote_id = if other { "999".to_owned() } else { account.remote_id.clone() };
            Ok(Health { title: "Trang Cổng tin Minh Họa".to_owned(), remote_id })
        };
        Box::pin(async { answer })
    }
}
