//! Everything reports need of one post.

use std::ops::Deref;

use jiff::Timestamp;
use loa_model::{
    AccountName, ArticleId, DeliveryId, MediaRole, Metric, Post, PostFormat, PostId, Priority,
    VariantId,
};
use serde::{Deserialize, Serialize};

use crate::Book;

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

/// What is written in a post, as far as reports tell of it.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) article: ArticleId,
    pub(crate) account: AccountName,
    pub(crate) format: PostFormat,
    pub(crate) lang: String,
    pub(crate) title: String,
    pub(crate) priority: Priority,
    pub(crate) clip: Clip,
}

impl Head {
    pub(crate) fn of(post: Post) -> Self {
        let content = post.content;
        let words = if content.title.is_empty() { &content.text } else { &content.title };
        let title = words.lines().next().unwrap_or_default().chars().take(80).collect();
        let clip = content.media.iter().find(|media| media.role == MediaRole::Video);
        Self {
            article: post.article,
            account: post.account,
            format: content.format,
            lang: content.lang,
            title,
            priority: post.priority,
            clip: clip.map_or(Clip::None, |media| media.variant.map_or(Clip::Unknown, Clip::Of)),
        }
    }

    pub(crate) fn named(&self, post: PostId, live_since: Timestamp) -> PostRef {
        PostRef {
            post,
            article: self.article,
            account: self.account.clone(),
            format: self.format,
            title: self.title.clone(),
            live_since,
        }
    }
}

/// A number as it was read, as small as it can be: reports go over millions of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Seconds since 1970.
    pub(crate) at: u32,
    /// What it counts, as the book numbers it.
    pub(crate) name: u32,
    pub(crate) value: u64,
}

impl Mark {
    /// Stands for a sample without any number: the post was measured, and nothing was given.
    pub(crate) const NOTHING: u32 = u32::MAX;
}

/// A time as marks keep it.
pub(crate) fn second(at: Timestamp) -> u32 {
    let second = at.as_second().clamp(0, i64::from(u32::MAX));
    u32::try_from(second).unwrap_or(u32::MAX)
}

/// Back from there.
pub(crate) fn instant(at: u32) -> Timestamp {
    Timestamp::from_second(i64::from(at)).unwrap_or(Timestamp::MAX)
}

/// A post that is or was live.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) post: PostId,
    pub(crate) head: Head,
    pub(crate) live_since: Timestamp,
    /// Its deliveries that were live, with the time of their receipt.
    pub(crate) live: Vec<(DeliveryId, Timestamp)>,
    /// By time, then by name.
    pub(crate) marks: Vec<Mark>,
}

impl Deref for Story {
    type Target = Head;
    fn deref(&self) -> &Head {
        &self.head
    }
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
        self.head.named(self.post, self.live_since)
    }

    /// What was read before a time.
    pub(crate) fn until(&self, to: u32) -> &[Mark] {
        &self.marks[..self.marks.partition_point(|mark| mark.at < to)]
    }

    /// The readings of the definition that a metric is counted by; a post whose platform counts under two names gives the
    /// first. Nothing when the definition changed: before and after are not one count.
    pub(crate) fn steady(&self, book: &Book, metric: Metric, to: u32) -> Steady {
        let own = || {
            let known = self.until(to).iter().filter(|mark| mark.name != Mark::NOTHING);
            known.filter(|mark| book.name(mark.name).0 == metric)
        };
        let Some(first) = own().map(|mark| mark.name).min_by_key(|name| book.name(*name)) else {
            return Steady::Nothing;
        };
        let family = book.family(first);
        if own().any(|mark| mark.name != first && book.family(mark.name) == family) {
            return Steady::Broken;
        }
        let since = i64::from(second(self.live_since));
        let reading =
            |mark: &Mark| Reading { age_s: i64::from(mark.at) - since, value: mark.value };
        Steady::One(first, own().filter(|mark| mark.name == first).map(reading).collect())
    }
}

/// What a post says of a metric over its life.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Steady {
    /// The platform never gave it.
    Nothing,
    /// One definition from the first to the last reading.
    One(u32, Vec<Reading>),
    /// The definition changed.
    Broken,
}
