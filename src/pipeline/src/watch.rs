//! Watching feeds: a look finds new entries, queues each for reading once, and plans the next look.
//!
//! What a look found, the jobs it queued, the plan of the next look and the end of its own job are one commit. An entry is a
//! record under the address of its article, so whatever dies, comes again, changes its place or is in two feeds, it is there
//! already the second time.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loa_ingest::{Error as IngestError, FeedEntry, FeedRead, FeedStamp};
use loa_model::{
    Article, Feed, FeedFailure, FeedId, FeedItem, ItemState, Job, JobKind, Record as _, Then, When,
    record::join,
};
use loa_store::{Changes, Claimed, Error as StoreError, Seq, StoreExt as _, Versioned};
use url::Url;

use crate::{
    Result,
    flow::{Done, Flow},
};

/// Most entries that one look queues: a portal that publishes its archive at once keeps nobody's articles waiting.
const AT_ONCE: usize = 20;
/// Times that a look is written again on top of what somebody else changed meanwhile.
const AGAIN: usize = 5;

/// What the portal said.
enum Heard {
    /// Nothing changed since the last look.
    Same,
    Read(FeedRead),
    Failed(IngestError),
}

impl Flow {
    /// One look at a feed.
    pub(crate) async fn watch(&self, job: &Claimed, id: FeedId, look: u32) -> Result<Done> {
        let store = &self.deps().store;
        let (mut heard, mut again) = (None, 0);
        loop {
            let row = store.read::<Feed>(&id.to_string()).await?;
            // Nobody watches it any more, or another look is planned in place of this one.
            let wanted = |row: &Versioned<Feed>| row.record.look == look && !row.record.paused;
            let Some(row) = row.filter(wanted) else { return Ok(Done::Nothing) };
            if heard.is_none() {
                heard = Some(self.hear(&row.record).await);
            }
            let changes = self.found(row, heard.as_ref().unwrap_or(&Heard::Same)).await?;
            match store.commit(changes.finish(job)).await {
                Ok(_) => return Ok(Done::Committed),
                // A person changed the feed, or another one holds the same article: look at what there is now.
                Err(StoreError::Conflict { .. }) if again < AGAIN => again += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn hear(&self, feed: &Feed) -> Heard {
        let Ok(url) = Url::parse(&feed.url) else {
            return Heard::Failed(IngestError::Feed(format!("{} is no address", feed.url)));
        };
        let stamp = FeedStamp { etag: feed.etag.clone(), modified: feed.modified.clone() };
        match self.deps().ingest.look(&url, &stamp).await {
            Ok(Some(read)) => Heard::Read(read),
            Ok(None) => Heard::Same,
            Err(error) => Heard::Failed(error),
        }
    }

    /// What is new is kept, and the oldest of what waits is queued for reading, also while the feed itself cannot be read.
    async fn found(&self, row: Versioned<Feed>, heard: &Heard) -> Result<Changes> {
        let (deps, now) = (self.deps(), self.deps().clock.now());
        let mut feed = row.record;
        let fresh = match heard {
            Heard::Read(read) => self.fresh(&feed, &read.entries, now).await?,
            Heard::Same | Heard::Failed(_) => Vec::new(),
        };
        let mine = join(&[&feed.id.to_string(), ""]);
        let waiting = "feed_item_waiting";
        let earlier = deps.store.list::<FeedItem>(waiting, &mine, AT_ONCE).await?;
        let all = deps.store.count_under(waiting, &mine).await?;
        let mut left = all.saturating_sub(earlier.len());
        let (mut jobs, mut items) = (Vec::new(), Vec::new());
        for row in earlier {
            let item = self.taken(&feed, row.record, &mut jobs).await?;
            items.push((item, Some(row.version)));
        }
        for (item, version) in fresh {
            let item = match item.state {
                ItemState::Waiting if jobs.len() >= AT_ONCE => {
                    left += 1;
                    item
                }
                ItemState::Waiting => self.taken(&feed, item, &mut jobs).await?,
                ItemState::Old | ItemState::Known | ItemState::Queued => item,
            };
            items.push((item, version));
        }
        if !jobs.is_empty() {
            tracing::info!(feed = %feed.id, new = jobs.len(), left, "Took {} entries of the feed {}", jobs.len(), feed.title);
            feed.new_at = Some(now);
        }
        feed.waiting = u32::try_from(left).unwrap_or(u32::MAX);
        let mut changes = self.next_look(&told(feed, heard, now).looked(now), row.version);
        for (item, version) in items {
            changes = match version {
                Some(version) => changes.update(&item, version),
                None => changes.insert(&item),
            };
        }
        Ok(jobs.into_iter().fold(changes, Changes::enqueue))
    }

    /// Entries that no feed of the agency had before, or that were left for this one, the oldest first.
    async fn fresh(
        &self,
        feed: &Feed,
        entries: &[FeedEntry],
        now: Timestamp,
    ) -> Result<Vec<(FeedItem, Option<Seq>)>> {
        let first = feed.read_at.is_none();
        let (mut fresh, mut seen) = (Vec::new(), BTreeSet::new());
        // Feeds have the newest on top, and days are missing or the same: what stands lower is older.
        for entry in entries.iter().rev() {
            let mut item = FeedItem {
                agency: feed.agency.clone(),
                address: entry.address(),
                url: entry.url.clone(),
                feed: feed.id,
                title: entry.title.clone(),
                published_at: entry.published_at,
                found_at: now,
                state: ItemState::Waiting,
                job: None,
            };
            let key = item.key();
            if !seen.insert(key.clone()) {
                continue;
            }
            let known = self.deps().store.read::<FeedItem>(&key).await?;
            let version = match known {
                Some(row) if self.leaves(feed, &row.record, entry).await? => Some(row.version),
                Some(_) => continue,
                None => None,
            };
            // What has no day was there before, when it is there at the first look.
            let old = entry.published_at.map_or(first, |at| at < feed.since);
            if old {
                item.state = ItemState::Old;
            } else if self.is_here(feed, &entry.url).await? {
                item.state = ItemState::Known;
            }
            fresh.push((item, version));
        }
        fresh.sort_by_key(|(item, _)| item.published_at.unwrap_or(now));
        Ok(fresh)
    }

    /// Whether another feed leaves an entry that it found to this one: it is watched no more and had not come to it, or it
    /// left it alone as too old while people want it from this feed, which they have just begun to watch further back.
    async fn leaves(&self, feed: &Feed, known: &FeedItem, entry: &FeedEntry) -> Result<bool> {
        if known.feed == feed.id {
            return Ok(false);
        }
        match known.state {
            ItemState::Known | ItemState::Queued => Ok(false),
            ItemState::Old => {
                let wanted = entry.published_at.is_some_and(|at| at >= feed.since);
                Ok(wanted && feed.read_at.is_none())
            }
            ItemState::Waiting => {
                let other = self.deps().store.read::<Feed>(&known.feed.to_string()).await?;
                Ok(other.is_none())
            }
        }
    }

    /// Whether an article of this address was read already, by whomever.
    async fn is_here(&self, feed: &Feed, url: &str) -> Result<bool> {
        let prefix = join(&[&feed.agency, url, ""]);
        let found = self.deps().store.list::<Article>("article_by_url", &prefix, 1).await?;
        Ok(!found.is_empty())
    }

    /// An entry whose reading is queued now; one that somebody read while it waited needs none.
    async fn taken(&self, feed: &Feed, item: FeedItem, jobs: &mut Vec<Job>) -> Result<FeedItem> {
        if self.is_here(feed, &item.url).await? {
            return Ok(FeedItem { state: ItemState::Known, ..item });
        }
        let (source, agency) = (item.url.clone(), feed.agency.clone());
        let work = match &feed.then {
            Then::Read => JobKind::Ingest { source, agency },
            Then::Compose { accounts } => JobKind::Prepare {
                source,
                agency,
                accounts: accounts.clone(),
                author: feed.by,
                when: When::Usual,
                text: None,
            },
        };
        let job = Job::new(self.deps().ids.make(), &feed.agency, work, self.deps().clock.now());
        let item = FeedItem { state: ItemState::Queued, job: Some(job.id), ..item };
        jobs.push(job);
        Ok(item)
    }

    fn next_look(&self, feed: &Feed, version: Seq) -> Changes {
        let next = Job::new(self.deps().ids.make(), &feed.agency, feed.work(), feed.next_at);
        Changes::by(Self::actor(), "look at feed").update(feed, version).enqueue(next)
    }
}

/// The feed with what a look said of it.
fn told(mut feed: Feed, heard: &Heard, now: Timestamp) -> Feed {
    match heard {
        Heard::Failed(error) => {
            let times = feed.failed.map_or(0, |failed| failed.times).saturating_add(1);
            tracing::warn!(feed = %feed.id, times, %error, "The feed {} cannot be read", feed.title);
            let (code, detail) = (error.code().to_owned(), error.to_string());
            feed.failed = Some(FeedFailure { times, code, detail, at: now });
            // What was kept for a conditional question may be what the portal trips over.
            (feed.etag, feed.modified) = (None, None);
            return feed;
        }
        Heard::Read(read) => {
            if feed.title.is_empty() {
                feed.title.clone_from(&read.title);
            }
            (feed.etag, feed.modified) = (read.stamp.etag.clone(), read.stamp.modified.clone());
        }
        Heard::Same => {}
    }
    (feed.failed, feed.read_at) = (None, Some(now));
    feed
}
