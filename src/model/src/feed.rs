//! A feed that an agency watches, and each entry that was found in one: looked at again and again, read once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    account::AccountName,
    digest::DigestBuilder,
    ids::{FeedId, JobId, UserId},
    job::JobKind,
    record::{IndexEntry, Record, join, time_key},
};

/// What is done with a new entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "then")]
pub enum Then {
    /// It becomes an article with its brief and variants.
    #[default]
    Read,
    /// And drafts of its posts are written, for people to submit.
    Compose {
        /// Accounts by name.
        accounts: Vec<AccountName>,
    },
}

/// Why the last looks failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedFailure {
    /// Looks in a row that failed.
    pub times: u32,
    /// Stable code: the key `ingest_error.<code>` of the locale files.
    pub code: String,
    /// What happened, without secrets.
    pub detail: String,
    /// The last of them.
    pub at: Timestamp,
}

/// A feed that is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Id.
    pub id: FeedId,
    /// Agency (tenant).
    pub agency: String,
    /// Address of the feed.
    pub url: String,
    /// What people call it.
    pub title: String,
    /// Who watches it: the author of what is composed.
    pub by: UserId,
    /// Minutes between two looks.
    pub every_minutes: u32,
    /// What is done with new entries.
    pub then: Then,
    /// Entries that were published before are left alone.
    pub since: Timestamp,
    /// Whether it is not looked at for now.
    pub paused: bool,
    /// Number of the look that is planned. A job of another number is of a plan that somebody changed, and does nothing.
    pub look: u32,
    /// When that look is due.
    pub next_at: Timestamp,
    /// The last look that ended, well or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<Timestamp>,
    /// The last look that could read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// When an entry was last taken for reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_at: Option<Timestamp>,
    /// Entries that were found and wait for the next look.
    #[serde(default)]
    pub waiting: u32,
    /// Present while looks fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FeedFailure>,
    /// `ETag` of what was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// `Last-Modified` of what was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Watched since.
    pub created_at: Timestamp,
}

impl Feed {
    /// Shortest and longest time between two looks, minutes.
    pub const EVERY: std::ops::RangeInclusive<u32> = 5..=1440;
    /// Looks in a row that fail before people are asked to see to it.
    pub const TROUBLE: u32 = 3;
    /// Longest wait between two looks, however often they failed.
    const LONGEST: SignedDuration = SignedDuration::from_hours(24);
    /// Wait while entries that were found are still to be taken.
    const REST: SignedDuration = SignedDuration::from_mins(5);

    /// Whether a person should see to it.
    pub fn in_trouble(&self) -> bool {
        !self.paused && self.failed.as_ref().is_some_and(|failed| failed.times >= Self::TROUBLE)
    }

    /// Plans the next look for this time. The one that was planned before is given up.
    #[must_use]
    pub fn planned(self, at: Timestamp) -> Self {
        Self { look: self.look.wrapping_add(1), next_at: at, ..self }
    }

    /// The job of the planned look.
    pub fn work(&self) -> JobKind {
        JobKind::Watch { feed: self.id, look: self.look }
    }

    /// After a look that ended now: the next one comes sooner when entries are left, and later each time it fails.
    #[must_use]
    pub fn looked(self, now: Timestamp) -> Self {
        let every = SignedDuration::from_mins(i64::from(self.every_minutes));
        let wait = match &self.failed {
            Some(failed) => {
                let doublings = failed.times.saturating_sub(1).min(16);
                (every * (1_i32 << doublings)).min(Self::LONGEST).max(every)
            }
            None if self.waiting > 0 => every.min(Self::REST),
            None => every,
        };
        let next = now.checked_add(wait).unwrap_or(now);
        Self { looked_at: Some(now), ..self.planned(next) }
    }
}

impl Record for Feed {
    const TABLE: &'static str = "feed";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let key = join(&[&self.agency, &self.id.to_string()]);
        let trouble = IndexEntry { index: "feed_in_trouble", key: key.clone() };
        let mut index = vec![IndexEntry { index: "feed_by_agency", key }];
        index.extend(self.in_trouble().then_some(trouble));
        index
    }
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Published before the feed was watched, or of no known day when it was looked at first: left alone.
    Old,
    /// Its article was here already.
    Known,
    /// Found, and taken at a next look.
    Waiting,
    /// A job reads it.
    Queued,
}

/// An entry of a feed, kept for ever so that it is read once: the agency and the address of the article are its key,
/// whichever feeds it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// Agency (tenant).
    pub agency: String,
    /// What tells the article from others: its address without what may differ.
    pub address: String,
    /// Address of the article.
    pub url: String,
    /// The feed that it was found in first.
    pub feed: FeedId,
    /// Its title in the feed.
    pub title: String,
    /// Published at, as the feed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// Found at.
    pub found_at: Timestamp,
    /// What became of it.
    pub state: ItemState,
    /// The job that reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
}

impl FeedItem {
    /// Its key, for who knows no more of it.
    pub fn key_of(agency: &str, address: &str) -> String {
        DigestBuilder::new("feed-item/1")
            .field("agency", agency)
            .field("address", address)
            .finish()
            .to_string()
    }
}

impl Record for FeedItem {
    const TABLE: &'static str = "feed_item";
    fn key(&self) -> String {
        Self::key_of(&self.agency, &self.address)
    }
    fn index(&self) -> Vec<IndexEntry> {
        let (feed, key) = (self.feed.to_string(), self.key());
        let published = time_key(self.published_at.unwrap_or(self.found_at));
        let found = join(&[&feed, &time_key(self.found_at), &published, &key]);
        let mut index = vec![IndexEntry { index: "feed_item_by_feed", key: found }];
        if self.state == ItemState::Waiting {
            // Oldest first: articles are read in the order in which they were published.
            let key = join(&[&feed, &published, &key]);
            index.push(IndexEntry { index: "feed_item_waiting", key });
        }
        index
    }
}

/// The address of an article, taken by the article that has it. An index holds several rows under one key, a table one: of two
/// readings of one page at once, the second is a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleAddress {
    /// Agency (tenant).
    pub agency: String,
    /// Canonical address.
    pub url: String,
    /// Whose it is.
    pub article: crate::ids::ArticleId,
}

impl Record for ArticleAddress {
    const TABLE: &'static str = "article_address";
    fn key(&self) -> String {
        FeedItem::key_of(&self.agency, &self.url)
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn feed() -> Feed {
        let at: Timestamp = "2026-11-22T05:00:00Z".parse().unwrap();
        Feed {
            id: FeedId(uuid::Uuid::from_u128(1)),
            agency: "demo".into(),
            url: "https://minhhoa.example/rss".into(),
            title: "Minh Họa".into(),
            by: UserId(uuid::Uuid::from_u128(2)),
            every_minutes: 30,
            then: Then::Read,
            since: at,
            paused: false,
            look: 4,
            next_at: at,
            looked_at: None,
            read_at: None,
            new_at: None,
            waiting: 0,
            failed: None,
            etag: None,
            modified: None,
            created_at: at,
        }
    }

    #[test]
    fn looks_are_further_apart_each_time_they_fail_and_sooner_while_entries_wait() {
        let at = feed().next_at;
        let wait = |feed: Feed| feed.looked(at).next_at;
        let failed = |times| FeedFailure { times, code: "x".into(), detail: String::new(), at };
        assert_eq!(wait(feed()), at + 30.minutes());
        assert_eq!(wait(Feed { waiting: 1, ..feed() }), at + 5.minutes());
        for (times, minutes) in [(1, 30), (2, 60), (3, 120), (7, 1440), (u32::MAX, 1440)] {
            let next = wait(Feed { failed: Some(failed(times)), ..feed() });
            assert_eq!(next, at + minutes.minutes(), "{times}");
        }
        // One that is looked at once a day is not looked at more often because it fails.
        let daily = Feed { failed: Some(failed(9)), every_minutes: 1440, ..feed() };
        assert_eq!(wait(daily), at + 24.hours());
        let next = feed().looked(at);
        assert_eq!((next.look, next.work()), (5, JobKind::Watch { feed: next.id, look: 5 }));
    }

    #[test]
    fn people_are_asked_after_some_failures_and_not_about_one_that_is_paused() {
        let at = feed().next_at;
        let asked = |times, paused| {
            let failed = FeedFailure { times, code: "x".into(), detail: String::new(), at };
            let feed = Feed { failed: Some(failed), paused, ..feed() };
            feed.index().iter().any(|entry| entry.index == "feed_in_trouble")
        };
        assert!(!asked(2, false) && asked(3, false) && !asked(3, true));
    }
}
