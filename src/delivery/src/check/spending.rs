//! I9: what is reserved of the platforms' allowances, by the record of the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{
    Account, AccountName, Delivery, DeliveryId, Post,
    capability::{PaceRule, QuotaScope},
};
use loa_store::Change;

use super::Rules;
use crate::{Pace, Result, keeping::app_key, pace::Spent};

/// The allowances of its channel that a post takes something of: one bit each, in the order of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reserves(u64);

impl Reserves {
    pub(super) fn of(post: &Post, rules: &Rules) -> Self {
        let shape = post.content.shape();
        let rule = rules.get(post.account.channel());
        let quotas = rule.into_iter().flat_map(|rule| &rule.quotas).take(64).enumerate();
        let taken = quotas.filter(|(_, quota)| quota.cost_of(&shape) > 0);
        Self(taken.fold(0, |bits, (n, _)| bits | 1 << n))
    }
}

/// Units that a pace does not count any more.
pub(super) struct GivenBack {
    channel: String,
    bucket: String,
    spent: Spent,
}

impl GivenBack {
    /// Whether they should still count at `now`.
    pub(super) fn counts(&self, rules: &Rules, now: Timestamp) -> bool {
        let Some(rule) = rules.get(&self.channel) else { return false };
        let quota = rule.quotas.iter().find(|quota| quota.bucket == self.bucket);
        quota.is_some_and(|quota| self.spent.counts(&quota.window, now))
    }
}

/// Paces as of a record.
#[derive(Default)]
pub(super) struct Paces {
    by_key: BTreeMap<String, Pace>,
    /// Keys of the apps of the accounts.
    apps: BTreeMap<AccountName, String>,
}

impl Paces {
    /// Takes an account: with whom it shares.
    pub(super) fn share(&mut self, account: &Account, rules: &Rules) {
        if let Some(rule) = rules.get(account.name.channel()) {
            self.apps.insert(account.name.clone(), app_key(account, rule));
        }
    }

    /// Takes a pace. Returns the posts that it does not count any more.
    pub(super) fn learn(&mut self, change: &Change) -> Result<Vec<(DeliveryId, GivenBack)>> {
        let Some(now) = change.record::<Pace>()? else { return Ok(Vec::new()) };
        let mut gone = Vec::new();
        if let Some(before) = self.by_key.get(&now.key) {
            for (bucket, spending) in &before.spending {
                let kept = now.spending.get(bucket).map(|spending| &spending.posts);
                let missing = |id: &DeliveryId| kept.is_none_or(|kept| !kept.contains_key(id));
                for (id, spent) in spending.posts.iter().filter(|(id, _)| missing(id)) {
                    let channel = channel_of(&now.key).to_owned();
                    gone.push((*id, GivenBack { channel, bucket: bucket.clone(), spent: *spent }));
                }
            }
        }
        self.by_key.insert(now.key.clone(), now);
        Ok(gone)
    }

    /// Whether a delivery that begins is counted wherever its like were.
    pub(super) fn reserved(&self, d: &Delivery, reserves: Reserves, rules: &Rules) -> bool {
        let Some(rule) = rules.get(d.account.channel()) else { return true };
        let quotas = rule.quotas.iter().take(64).enumerate();
        quotas.filter(|(n, _)| reserves.0 >> n & 1 == 1).all(|(_, quota)| {
            let key = match quota.scope {
                QuotaScope::Account => Some(d.account.as_str()),
                QuotaScope::App => self.apps.get(&d.account).map(String::as_str),
            };
            let pace = key.and_then(|key| self.by_key.get(key));
            // An allowance that nothing was ever counted of is one of a later release.
            let spending = pace.and_then(|pace| pace.spending.get(&quota.bucket));
            spending.is_none_or(|spending| spending.posts.contains_key(&d.id))
        })
    }
}

/// Channel of the account or the app that a pace is of.
pub(super) fn channel_of(key: &str) -> &str {
    match key.strip_prefix("app/") {
        Some(app) => app.split('/').next().unwrap_or_default(),
        None => key.split(':').next().unwrap_or_default(),
    }
}

/// Whether more is reserved than an allowance has. What calls took beyond what was reserved for them shows only afterwards.
pub(super) fn overspent(pace: &Pace, rule: &PaceRule) -> bool {
    let scope = if pace.key.starts_with("app/") { QuotaScope::App } else { QuotaScope::Account };
    rule.quotas.iter().filter(|quota| quota.scope == scope).any(|quota| {
        let Some(spending) = pace.spending.get(&quota.bucket) else { return false };
        let Some(last) = spending.posts.values().map(|spent| spent.at).max() else { return false };
        let counted = spending.posts.values().filter(|spent| spent.counts(&quota.window, last));
        counted.map(|spent| u64::from(spent.units)).sum::<u64>() > u64::from(quota.limit)
    })
}
