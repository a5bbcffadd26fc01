//! Whose turn it is: deficit round robin between the accounts of one app that have a post ready.
//!
//! Accounts stand in a ring, in the order of their names. On its way around, the turn brings each account that waits one
//! quantum of credit, the price of the cheapest post that waits; whoever can pay for its post has the turn. With equal prices
//! this is plain round robin: between two turns of an account, every other that waits has exactly one.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};

use loa_model::{
    AccountName, Shape,
    capability::{PaceRule, QuotaScope},
};

/// Where the ring of one app stands. Lost at a restart but for the account that had the last turn, which is kept with the
/// app's pace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turns {
    /// Who had the last turn.
    last: Option<AccountName>,
    /// Credit of accounts that could not pay yet.
    credit: BTreeMap<AccountName, u64>,
}

impl Turns {
    /// A ring whose last turn was this account's.
    pub fn after(last: Option<AccountName>) -> Self {
        Self { last, credit: BTreeMap::new() }
    }

    /// Gives the next turn among those that wait, with the prices of their posts.
    pub fn next(&mut self, waiting: &BTreeMap<AccountName, u64>) -> Option<AccountName> {
        self.credit.retain(|account, _| waiting.contains_key(account));
        let quantum = waiting.values().copied().min()?.max(1);
        loop {
            let after = self.last.as_ref().map_or(Unbounded, Excluded);
            let (account, price) = waiting
                .range::<AccountName, _>((after, Unbounded))
                .next()
                .or_else(|| waiting.first_key_value())?;
            self.last = Some(account.clone());
            let credit = self.credit.remove(account).unwrap_or(0) + quantum;
            if credit >= *price {
                return Some(account.clone());
            }
            self.credit.insert(account.clone(), credit);
        }
    }
}

/// Price of a post's turn: its share of the app's allowance that it takes most of, in thousandths, at least 1.
pub(crate) fn price(rule: &PaceRule, shape: &Shape) -> u64 {
    let shared = rule.quotas.iter().filter(|quota| quota.scope == QuotaScope::App);
    let part = |limit: u32, cost: u32| u64::from(cost) * 1000 / u64::from(limit.max(1));
    shared.map(|quota| part(quota.limit, quota.cost_of(shape))).max().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> AccountName {
        format!("memory:tinh-{n:02}").parse().unwrap()
    }

    #[test]
    fn with_equal_prices_everyone_has_one_turn_before_anyone_has_two() {
        let waiting: BTreeMap<_, _> = (0..63).map(|n| (name(n), 10)).collect();
        let mut turns = Turns::after(Some(name(40)));
        let order: Vec<_> = (0..630).map(|_| turns.next(&waiting).unwrap()).collect();
        assert_eq!(order[0], name(41), "the ring goes on where it stood");
        for window in order.windows(63) {
            let mut names = window.to_vec();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 63);
        }
    }

    #[test]
    fn who_posts_dearly_has_fewer_turns_and_the_same_share() {
        let waiting = BTreeMap::from([(name(1), 60), (name(2), 10), (name(3), 20)]);
        let mut turns = Turns::default();
        let mut spent: BTreeMap<AccountName, u64> = BTreeMap::new();
        for _ in 0..1000 {
            let account = turns.next(&waiting).unwrap();
            *spent.entry(account.clone()).or_default() += waiting[&account];
        }
        let (least, most) = (spent.values().min().unwrap(), spent.values().max().unwrap());
        assert!(most - least <= 60, "{spent:?}");
    }

    #[test]
    fn who_comes_late_or_leaves_keeps_no_credit() {
        let mut turns = Turns::default();
        let both = BTreeMap::from([(name(1), 1), (name(2), 100)]);
        for _ in 0..50 {
            assert_eq!(turns.next(&both), Some(name(1)));
        }
        let one = BTreeMap::from([(name(1), 1)]);
        assert_eq!(turns.next(&one), Some(name(1)));
        assert_eq!(turns.credit, BTreeMap::new(), "credit is for those who wait");
        assert_eq!(turns.next(&BTreeMap::new()), None);
    }
}
