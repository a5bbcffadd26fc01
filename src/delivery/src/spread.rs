//! Posts of many accounts of one app that are due at the same moment do not all go in the same second.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loa_model::{Account, AccountName, Delivery, DeliveryId, Digest, Post, Priority, Timing};
use loa_store::{StoreExt as _, Versioned};

use crate::{Result, Worker, config::secs, keeping::app_key};

/// Distance of two accounts, unless there are too many for it.
const APART: SignedDuration = SignedDuration::from_secs(2);

/// How much later than the first each account goes: evenly over at most `longest`, in an order that comes of the ids alone.
fn offsets(
    mut accounts: Vec<(Digest, AccountName)>,
    longest: SignedDuration,
) -> BTreeMap<AccountName, SignedDuration> {
    accounts.sort();
    let count = i32::try_from(accounts.len()).unwrap_or(i32::MAX).max(1);
    let apart = APART.min(longest / count);
    let places = (0..count).map(|place| apart * place);
    accounts.into_iter().zip(places).map(|((_, name), offset)| (name, offset)).collect()
}

impl Worker {
    /// Which of these due deliveries go later, and from when. A post that named its time keeps it, an urgent one waits for
    /// nobody, and none is moved out of its window or twice.
    pub(crate) async fn spread(
        &self,
        due: &[Versioned<Delivery>],
        now: Timestamp,
    ) -> Result<BTreeMap<DeliveryId, Timestamp>> {
        let longest = secs(self.deps.config.spread_s);
        let first_time = |d: &&Delivery| {
            d.priority != Priority::Urgent && d.not_before <= d.due_at && now <= d.not_after
        };
        let mut apps: BTreeMap<String, BTreeMap<AccountName, Vec<&Delivery>>> = BTreeMap::new();
        for delivery in due.iter().map(|row| &row.record).filter(first_time) {
            if let Some(app) = self.app_of(&delivery.account).await? {
                let accounts = apps.entry(app).or_default();
                accounts.entry(delivery.account.clone()).or_default().push(delivery);
            }
        }
        let mut later = BTreeMap::new();
        for accounts in apps.into_values().filter(|accounts| accounts.len() > 1) {
            let mut bound_to_nothing: BTreeMap<AccountName, Vec<&Delivery>> = BTreeMap::new();
            for (name, deliveries) in accounts {
                for delivery in deliveries {
                    if !self.named_its_time(delivery).await? {
                        bound_to_nothing.entry(name.clone()).or_default().push(delivery);
                    }
                }
            }
            let order = bound_to_nothing.iter().filter_map(|(name, deliveries)| {
                let first = deliveries.iter().map(|d| d.id).min()?;
                Some((Digest::of(first.0.as_bytes()), name.clone()))
            });
            let offsets = offsets(order.collect(), longest);
            for delivery in bound_to_nothing.into_values().flatten() {
                let offset = offsets.get(&delivery.account).copied().unwrap_or_default();
                let until = now + offset;
                if !offset.is_zero() && until < delivery.not_after {
                    later.insert(delivery.id, until);
                }
            }
        }
        Ok(later)
    }

    /// The app whose limits an account shares; nothing when its channel has none.
    async fn app_of(&self, name: &AccountName) -> Result<Option<String>> {
        let Some(channel) = self.deps.channels.get(name.channel()) else { return Ok(None) };
        let rule = &channel.capability().pace;
        if !rule.has_app() {
            return Ok(None);
        }
        let account = self.deps.store.read::<Account>(name.as_str()).await?;
        Ok(account.map(|account| app_key(&account.record, rule)))
    }

    async fn named_its_time(&self, delivery: &Delivery) -> Result<bool> {
        let post = self.deps.store.read::<Post>(&delivery.post.to_string()).await?;
        Ok(post.is_some_and(|post| matches!(post.record.timing, Timing::Exact { .. })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provinces_are_spread_evenly_and_always_the_same() {
        let name = |n: usize| format!("memory:tinh-{n}").parse::<AccountName>().unwrap();
        let accounts = |count: usize| {
            let named = |n: usize| (Digest::of(n.to_string().as_bytes()), name(n));
            (0..count).map(named).collect::<Vec<_>>()
        };
        for (count, most, apart_ms) in [(2, 120, 2000), (63, 120, 1904), (600, 120, 200), (5, 0, 0)]
        {
            let spread = offsets(accounts(count), secs(most));
            let mut times: Vec<_> = spread.values().copied().collect();
            times.sort();
            assert_eq!(times[0], SignedDuration::ZERO, "{count}");
            assert!(times.iter().all(|at| *at <= secs(most)), "{count}");
            let apart = |two: &[SignedDuration]| (two[1] - two[0]).as_millis();
            assert!(times.windows(2).all(|two| apart(two) == apart_ms), "{count} {times:?}");
            let mut turned = accounts(count);
            turned.reverse();
            assert_eq!(offsets(turned, secs(most)), spread);
        }
    }
}
