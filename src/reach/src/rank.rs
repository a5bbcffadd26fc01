//! Posts that were seen most, and posts that nobody saw or of which nobody knows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loa_model::Metric;
use loa_store::Store;
use serde::{Deserialize, Serialize};

use crate::{
    PostRef, Result,
    age::DAY_S,
    report::count,
    story::{Key, Steady, Story, stories},
};

/// Posts in a list of the most seen.
const TOP: usize = 10;
/// Silent posts that are named; all are counted.
const NAMED: usize = 100;

/// A post with its views.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Post.
    pub post: PostRef,
    /// Its views as read last.
    pub views: u64,
    /// When that was.
    pub at: Timestamp,
}

/// The most seen posts by one number: numbers of two channels or definitions are never ranked together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// Channel.
    pub channel: String,
    /// The platform's name of its views.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// The most seen first, at most ten.
    pub posts: Vec<Ranked>,
    /// Of so many.
    pub of: u32,
}

/// Why nothing is known of a post's views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It was not measured since it was 24 hours old.
    NotMeasured,
    /// It was measured, and the channel gave no views.
    NotGiven,
}

/// Posts of the period, ranked and silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranking {
    /// By number.
    pub top: Vec<Top>,
    /// Posts that had no view at 24 hours or later, as the channel said: the newest first, at most a hundred.
    pub unseen: Vec<PostRef>,
    /// How many those are.
    pub unseen_count: u32,
    /// Posts older than 24 hours of whose views nothing is known: the newest first, at most a hundred. They are not unseen.
    pub unknown: Vec<(PostRef, Unknown)>,
    /// How many those are.
    pub unknown_count: u32,
    /// Posts that are not yet 24 hours old.
    pub young: u32,
    /// Time of the newest sample.
    pub as_of: Option<Timestamp>,
}

/// Ranks the posts that went live in the period by what is known of them at `now`.
///
/// # Errors
/// [`crate::Error::Store`], [`crate::Error::TooMany`].
pub async fn ranking(
    store: &dyn Store,
    agency: &str,
    span: (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Ranking> {
    let mut stories = stories(store, agency, span.0, now.max(span.1)).await?;
    stories.retain(|story| story.live_since >= span.0 && story.live_since < span.1);
    let mut lists: BTreeMap<Key, Vec<Ranked>> = BTreeMap::new();
    let (mut unseen, mut unknown, mut young) = (Vec::new(), Vec::new(), 0);
    for story in &stories {
        if let Some((key, ranked)) = ranked(story) {
            lists.entry(key).or_default().push(ranked);
        }
        let grown = story.live_since + SignedDuration::from_secs(DAY_S);
        if now < grown {
            young += 1;
            continue;
        }
        let mut since = story.samples.iter().filter(|sample| sample.taken_at >= grown).peekable();
        if since.peek().is_none() {
            unknown.push((story.named(), Unknown::NotMeasured));
            continue;
        }
        // The newest that says anything about views; every name that the channel counts them under.
        let mut views = since.filter_map(|sample| {
            let own = sample.values.iter().filter(|value| value.metric == Metric::Views);
            own.map(|value| value.value).max()
        });
        match views.next_back() {
            None => unknown.push((story.named(), Unknown::NotGiven)),
            Some(0) => unseen.push(story.named()),
            Some(_) => {}
        }
    }
    let top = lists.into_iter().map(|((_, channel, source_name, definition), mut posts)| {
        let of = count(posts.len());
        posts.sort_by(|a, b| b.views.cmp(&a.views).then(a.post.post.cmp(&b.post.post)));
        posts.truncate(TOP);
        Top { channel, source_name, definition, posts, of }
    });
    let top = top.collect();
    let (unseen_count, unknown_count) = (count(unseen.len()), count(unknown.len()));
    unseen.sort_by_key(|post: &PostRef| (std::cmp::Reverse(post.live_since), post.post));
    unknown.sort_by_key(|(post, _)| (std::cmp::Reverse(post.live_since), post.post));
    unseen.truncate(NAMED);
    unknown.truncate(NAMED);
    let as_of = stories.iter().flat_map(|s| &s.samples).map(|s| s.taken_at).max();
    Ok(Ranking { top, unseen, unseen_count, unknown, unknown_count, young, as_of })
}

fn ranked(story: &Story) -> Option<(Key, Ranked)> {
    let Steady::One(key, readings) = story.steady(Metric::Views) else { return None };
    let last = readings.last()?;
    let at = story.live_since + SignedDuration::from_secs(last.age_s);
    Some((key, Ranked { post: story.named(), views: last.value, at }))
}
