//! Posts that were seen most, and posts that nobody saw or of which nobody knows.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use loa_model::Metric;
use serde::{Deserialize, Serialize};

use crate::{
    Book, PostRef, Result,
    age::DAY_S,
    report::count,
    story::{Key, Mark, Reading, Steady, Story, instant, second},
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
/// [`crate::Error::TooMany`].
pub fn ranking(book: &Book, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Result<Ranking> {
    let until = second(now.max(to));
    let stories = book.born(from, to)?;
    let mut lists: BTreeMap<&Key, Vec<Seen<'_>>> = BTreeMap::new();
    let (mut unseen, mut unknown, mut young) = (Vec::new(), Vec::new(), 0);
    for story in &stories {
        if let Steady::One(name, readings) = story.steady(book, Metric::Views, until)
            && let Some(last) = readings.last()
        {
            lists.entry(book.name(name)).or_default().push((*last, story));
        }
        let grown = story.live_since + SignedDuration::from_secs(DAY_S);
        if now < grown {
            young += 1;
            continue;
        }
        let known = story.until(until);
        let since = &known[known.partition_point(|mark| mark.at < second(grown))..];
        if since.is_empty() {
            unknown.push((*story, Unknown::NotMeasured));
            continue;
        }
        match views(book, since) {
            None => unknown.push((*story, Unknown::NotGiven)),
            Some(0) => unseen.push(*story),
            Some(_) => {}
        }
    }
    let top = lists.into_iter().map(|((_, channel, source_name, definition), mut posts)| {
        let of = count(posts.len());
        posts.sort_by_key(|(last, story)| (std::cmp::Reverse(last.value), story.post));
        posts.truncate(TOP);
        let ranked = |(last, story): Seen<'_>| Ranked {
            post: story.named(),
            views: last.value,
            at: story.live_since + SignedDuration::from_secs(last.age_s),
        };
        Top {
            channel: channel.clone(),
            source_name: source_name.clone(),
            definition: definition.clone(),
            posts: posts.into_iter().map(ranked).collect(),
            of,
        }
    });
    let top = top.collect();
    let (unseen_count, unknown_count) = (count(unseen.len()), count(unknown.len()));
    unseen.sort_by_key(|story| (std::cmp::Reverse(story.live_since), story.post));
    unknown.sort_by_key(|(story, _)| (std::cmp::Reverse(story.live_since), story.post));
    let as_of = stories.iter().filter_map(|story| story.until(until).last()).map(|m| m.at).max();
    Ok(Ranking {
        top,
        unseen: unseen.into_iter().take(NAMED).map(Story::named).collect(),
        unseen_count,
        unknown: unknown.into_iter().take(NAMED).map(|(s, why)| (s.named(), why)).collect(),
        unknown_count,
        young,
        as_of: as_of.map(instant),
    })
}

/// A post with the last reading of its views.
type Seen<'a> = (Reading, &'a Story);

/// Views of the newest sample that says anything about them; every name that the channel counts them under.
fn views(book: &Book, marks: &[Mark]) -> Option<u64> {
    let counts =
        |mark: &&Mark| mark.name != Mark::NOTHING && book.name(mark.name).0 == Metric::Views;
    let newest = marks.iter().rfind(counts)?.at;
    let own = marks.iter().filter(|mark| mark.at == newest).filter(counts);
    own.map(|mark| mark.value).max()
}
