//! Everything reports need of one post, read within bounds: by account and by time, never a whole table.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use jiff::{SignedDuration, Timestamp};
use loa_model::{
    Account, AccountName, Article, ArticleId, Delivery, DeliveryState, MediaRole, Metric, Post,
    PostFormat, PostId, Priority, Sample, VariantId,
    article::article_key,
    record::{join, time_key},
};
use loa_store::{Store, StoreExt as _};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Most accounts of an agency.
const ACCOUNTS: usize = 1000;
/// Most posts of one report: more do not fit into a page or a sheet that anybody reads.
const POSTS: usize = 200_000;
/// Most samples of one post: the plan has nineteen, second looks come on top.
const SAMPLES: usize = 1000;
/// Posts are measured for a year: what went out earlier was not measured in the period.
const MEASURED: SignedDuration = SignedDuration::from_hours(24 * 400);
/// A post goes out at its time or later; a little more than never is looked at.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// States of deliveries that were live at some time.
const LIVE: [DeliveryState; 5] = [
    DeliveryState::Published,
    DeliveryState::Correcting,
    DeliveryState::Retracting,
    DeliveryState::Retracted,
    DeliveryState::Gone,
];

/// The video of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clip {
    /// It carries none.
    None,
    /// It is not known what it is a rendition of.
    Unknown,
    /// A rendition of this variant.
    Of(VariantId),
}

/// Everything about one post that a row needs.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) post: PostId,
    pub(crate) article: ArticleId,
    pub(crate) revision: u32,
    pub(crate) account: AccountName,
    pub(crate) format: PostFormat,
    pub(crate) lang: String,
    pub(crate) title: String,
    pub(crate) priority: Priority,
    pub(crate) clip: Clip,
    pub(crate) live_since: Timestamp,
    /// By time.
    pub(crate) samples: Vec<Sample>,
}

/// What a number is: metric, channel, the platform's name of it, its definition. Numbers of two keys are never added.
pub(crate) type Key = (Metric, String, String, String);

/// A post as a list names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRef {
    /// Post.
    pub post: PostId,
    /// Article.
    pub article: ArticleId,
    /// Account.
    pub account: AccountName,
    /// Format.
    pub format: PostFormat,
    /// First line of its words.
    pub title: String,
    /// Live since.
    pub live_since: Timestamp,
}

/// A number of a post by its age, within one definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) age_s: i64,
    pub(crate) value: u64,
}

impl Story {
    pub(crate) fn named(&self) -> PostRef {
        PostRef {
            post: self.post,
            article: self.article,
            account: self.account.clone(),
            format: self.format,
            title: self.title.clone(),
            live_since: self.live_since,
        }
    }

    /// The readings of a metric by definition, in order of age.
    pub(crate) fn readings(&self, metric: Metric) -> BTreeMap<Key, Vec<Reading>> {
        let mut all: BTreeMap<Key, Vec<Reading>> = BTreeMap::new();
        for sample in &self.samples {
            let age_s = sample.taken_at.duration_since(self.live_since).as_secs();
            for value in sample.values.iter().filter(|value| value.metric == metric) {
                let channel = self.account.channel().to_owned();
                let key = (metric, channel, value.source_name.clone(), value.definition.clone());
                all.entry(key).or_default().push(Reading { age_s, value: value.value });
            }
        }
        all
    }

    /// The readings of the definition that a metric is counted by now; a post whose platform counts under two names gives the
    /// first. Nothing when the definition changed: before and after are not one count.
    pub(crate) fn steady(&self, metric: Metric) -> Steady {
        let all = self.readings(metric);
        let Some(((_, _, name, _), _)) = all.first_key_value() else { return Steady::Nothing };
        let name = name.clone();
        let mut own = all.into_iter().filter(|((_, _, source, _), _)| *source == name);
        match (own.next(), own.next()) {
            (Some((key, readings)), None) => Steady::One(key, readings),
            (Some(_), Some(_)) => Steady::Broken,
            (None, _) => Steady::Nothing,
        }
    }
}

/// What a post says of a metric over its life.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Steady {
    /// The platform never gave it.
    Nothing,
    /// One definition from the first to the last reading.
    One(Key, Vec<Reading>),
    /// The definition changed.
    Broken,
}

/// The posts of an agency that were live or measured from `from` to before `to`, by time; samples up to `to`.
pub(crate) async fn stories(
    store: &dyn Store,
    agency: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Story>> {
    let mut stories = Vec::new();
    for delivery in deliveries(store, agency, from, to).await? {
        let Some(receipt) = &delivery.receipt else { continue };
        let live_since = receipt.at;
        let Some(post) = store.read::<Post>(&delivery.post.to_string()).await? else { continue };
        let mut samples = samples_of(store, delivery.post).await?;
        samples.retain(|sample| sample.taken_at < to);
        // Older posts belong to the period only when something was seen of them in it.
        if live_since < from && !samples.iter().any(|sample| sample.taken_at >= from) {
            continue;
        }
        stories.push(story(post.record, live_since, samples));
    }
    Ok(stories)
}

pub(crate) fn story(post: Post, live_since: Timestamp, samples: Vec<Sample>) -> Story {
    let content = post.content;
    let words = if content.title.is_empty() { &content.text } else { &content.title };
    let title = words.lines().next().unwrap_or_default().chars().take(80).collect();
    let clip = content.media.iter().find(|media| media.role == MediaRole::Video);
    Story {
        post: post.id,
        article: post.article,
        revision: post.revision,
        account: post.account,
        format: content.format,
        lang: content.lang,
        title,
        priority: post.priority,
        clip: clip.map_or(Clip::None, |media| media.variant.map_or(Clip::Unknown, Clip::Of)),
        live_since,
        samples,
    }
}

/// The samples of a post by time.
pub(crate) async fn samples_of(store: &dyn Store, post: PostId) -> Result<Vec<Sample>> {
    let prefix = join(&[&post.to_string(), ""]);
    let samples = store.list::<Sample>("sample_by_post", &prefix, SAMPLES).await?;
    Ok(samples.into_iter().map(|kept| kept.record).collect())
}

/// Deliveries that were live before `to` and may have been measured since `from`, one a post, by the time they went out.
async fn deliveries(
    store: &dyn Store,
    agency: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Delivery>> {
    let earliest = from.checked_sub(MEASURED).unwrap_or(Timestamp::UNIX_EPOCH);
    let latest = to.checked_add(SLACK).unwrap_or(Timestamp::MAX);
    let accounts = join(&[agency, ""]);
    let accounts = store.list::<Account>("account_by_agency", &accounts, ACCOUNTS).await?;
    let mut found: Vec<Delivery> = Vec::new();
    for account in accounts {
        for state in LIVE {
            let key = |at| join(&[account.record.name.as_str(), state.name(), &time_key(at)]);
            let (first, last) = (key(earliest), key(latest));
            let room = POSTS + 1 - found.len();
            let rows = store.range("delivery_by_account", &first, &last, room, false).await?;
            for row in rows {
                let delivery: Delivery = row.read()?.record;
                let live = delivery.receipt.as_ref().is_some_and(|receipt| receipt.at < to);
                if live && delivery.agency == agency {
                    found.push(delivery);
                }
            }
            if found.len() > POSTS {
                return Err(Error::TooMany { most: POSTS });
            }
        }
    }
    found.sort_by_key(|d| (d.receipt.as_ref().map(|receipt| receipt.at), d.id));
    let mut seen = BTreeSet::new();
    found.retain(|delivery| seen.insert(delivery.post));
    Ok(found)
}

/// What reports need of an article.
#[derive(Debug, Clone, Default)]
pub(crate) struct Piece {
    pub(crate) title: Option<String>,
    pub(crate) section: String,
    pub(crate) published_at: Option<Timestamp>,
}

/// Articles that were looked up, each once.
#[derive(Default)]
pub(crate) struct Pieces(BTreeMap<ArticleId, Piece>);

impl Pieces {
    /// The article of a post: its newest words, and when it was published at first.
    pub(crate) async fn of(&mut self, store: &dyn Store, post: &Story) -> Result<&Piece> {
        Ok(match self.0.entry(post.article) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                free.insert(read_piece(store, post.article, post.revision).await?)
            }
        })
    }
}

async fn read_piece(store: &dyn Store, article: ArticleId, revision: u32) -> Result<Piece> {
    /// Most revisions that are looked through to find the newest.
    const REVISIONS: u32 = 1000;
    let read = async |revision| {
        let kept = store.read::<Article>(&article_key(article, revision)).await?;
        Ok::<_, Error>(kept.map(|kept| kept.record))
    };
    let Some(mut newest) = read(revision).await? else { return Ok(Piece::default()) };
    for next in (revision + 1..).take(REVISIONS as usize) {
        let Some(article) = read(next).await? else { break };
        newest = article;
    }
    let first = if newest.revision == 1 { None } else { read(1).await? };
    let published_at = first.and_then(|first| first.published_at).or(newest.published_at);
    let title = Some(newest.title().to_owned());
    Ok(Piece { title, section: newest.section, published_at })
}
