//! How an audience answers: numbers that only grow, the same for the same seed, post and age.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The model of one platform's audience.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    seed: u64,
}

/// How strongly a post draws: what a platform sets by kind of post and size of audience.
#[derive(Debug, Clone, Copy)]
pub struct Pull {
    /// Followers when the post went up.
    pub audience: u64,
    /// Views in the long run for each thousand followers.
    pub views_per_mille: u64,
    /// Age at which half of them have come, seconds.
    pub half_life_s: u64,
}

/// Totals since the post went up. Each only grows with age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Times shown or played.
    pub views: u64,
    /// Different people, estimated.
    pub people: u64,
    /// Reactions of every kind.
    pub reactions: u64,
    /// Comments.
    pub comments: u64,
    /// Shares.
    pub shares: u64,
    /// Clicks on the link.
    pub clicks: u64,
}

impl Growth {
    /// A model from this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Numbers of a post at an age in milliseconds. Whole numbers only, so that every machine agrees.
    ///
    /// ```
    /// use loa_sandbox::{Growth, Pull};
    /// let growth = Growth::new(7);
    /// let pull = Pull { audience: 12_000, views_per_mille: 400, half_life_s: 6 * 3600 };
    /// let (day, week) = (growth.numbers("p1", 86_400_000, pull), growth.numbers("p1", 604_800_000, pull));
    /// assert!(day.views > 0 && day.views < week.views);
    /// assert!(week.people <= week.views);
    /// ```
    pub fn numbers(&self, post: &str, age_ms: i64, pull: Pull) -> Numbers {
        let age = u64::try_from(age_ms).unwrap_or(0);
        let half = pull.half_life_s.max(1) * 1000;
        // Between half and one and a half times what the kind of post draws on average.
        let luck = 500 + self.mix(post, "luck") % 1000;
        let whole = u128::from(pull.audience) * u128::from(pull.views_per_mille) * u128::from(luck)
            / 1_000_000;
        let views = whole * u128::from(age) / u128::from(age + half);
        let views = u64::try_from(views).unwrap_or(u64::MAX);
        let part = |what: &str, low: u64, high: u64| {
            let per_myriad = low + self.mix(post, what) % (high - low + 1);
            u64::try_from(u128::from(views) * u128::from(per_myriad) / 10_000).unwrap_or(u64::MAX)
        };
        Numbers {
            views,
            people: part("people", 7_200, 8_600),
            reactions: part("reactions", 150, 450),
            comments: part("comments", 10, 60),
            shares: part("shares", 30, 120),
            clicks: part("clicks", 80, 260),
        }
    }

    /// Followers at an age of the account in milliseconds: a slow, steady gain.
    pub fn followers(&self, account: &str, start: u64, age_ms: i64) -> u64 {
        let hours = u64::try_from(age_ms).unwrap_or(0) / 3_600_000;
        let daily = 3 + start / 2_000 + self.mix(account, "followers") % 5;
        start + hours * daily / 24
    }

    /// A number from the seed and two names, spread evenly.
    pub fn mix(&self, name: &str, what: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(what.as_bytes());
        let digest = hash.finalize();
        digest.iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PULL: Pull = Pull { audience: 25_000, views_per_mille: 350, half_life_s: 21_600 };

    #[test]
    fn numbers_only_grow() {
        let growth = Growth::new(42);
        for post in ["một", "hai", "ba"] {
            let mut before = growth.numbers(post, -5, PULL);
            assert_eq!(before, Numbers::default());
            for age in (0..2_000i64).map(|step| step * 600_000) {
                let now = growth.numbers(post, age, PULL);
                let grown = now.views >= before.views
                    && now.people >= before.people
                    && now.reactions >= before.reactions
                    && now.comments >= before.comments
                    && now.shares >= before.shares
                    && now.clicks >= before.clicks;
                assert!(grown, "{post} at {age}: {now:?} after {before:?}");
                before = now;
            }
            assert!(before.views > 1_000);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let at = |seed| Growth::new(seed).numbers("bài viết", 86_400_000, PULL);
        assert_eq!(at(1), at(1));
        assert_ne!(at(1), at(2));
    }

    #[test]
    fn followers_only_grow() {
        let growth = Growth::new(1);
        let followers: Vec<u64> =
            (0..200).map(|hour| growth.followers("trang", 9_000, hour * 3_600_000)).collect();
        assert!(followers.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(followers.first() < followers.last());
    }
}
