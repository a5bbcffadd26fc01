//! How the work goes: how long an article takes to each channel, and how clips for slow links do beside the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use loa_model::{ArticleId, Metric, Priority};
use serde::{Deserialize, Serialize};

use crate::{
    Book, Result,
    age::{DAY_S, at_age, median, percentile},
    hours::FEW,
    report::count,
    story::{Clip, Key, Steady, Story, instant, second},
};

/// Time from the publication of articles to their first post on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speed {
    /// Channel.
    pub channel: String,
    /// Articles whose time is known.
    pub articles: u32,
    /// Articles whose page tells no time of publication, or one after the post.
    pub unknown: u32,
    /// The middle one, in seconds.
    pub median_s: Option<u64>,
    /// Nineteen of twenty articles took no longer, in seconds.
    pub p95_s: Option<u64>,
}

/// Clips of one kind by one number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Band {
    /// Whether they are made for slow links.
    pub low: bool,
    /// Channel.
    pub channel: String,
    /// The platform's name of its views.
    pub source_name: String,
    /// Definition.
    pub definition: String,
    /// Posts whose views at 24 hours are known.
    pub posts: u32,
    /// The middle one of their views at 24 hours; absent of fewer than [`FEW`] posts.
    pub median: Option<u64>,
}

/// What is known of the work in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// By channel. Posts from the archive are left out: nobody hurried with them.
    pub speed: Vec<Speed>,
    /// By channel, clips for slow links first.
    pub bands: Vec<Band>,
    /// Posts with a clip.
    pub clips: u32,
    /// Of these, posts that are in no band: it is not known which clip they carry, or their views at 24 hours are not.
    pub clips_unknown: u32,
    /// Time of the newest sample.
    pub as_of: Option<Timestamp>,
}

/// The operations of the posts that went live in the period, by what is known at `now`.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub fn operations(
    book: &Book,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Operations> {
    let until = second(now.max(to));
    let stories = book.born(from, to)?;
    let mut bands: BTreeMap<(&str, bool, &Key), Vec<u64>> = BTreeMap::new();
    let (mut clips, mut clips_unknown) = (0, 0);
    for story in &stories {
        let low = match story.clip {
            Clip::None => continue,
            Clip::Unknown => None,
            Clip::Of(id) => book.is_low(id),
        };
        clips += 1;
        let views = match story.steady(book, Metric::Views, until) {
            Steady::One(name, readings) => at_age(&readings, DAY_S).map(|views| (name, views)),
            Steady::Nothing | Steady::Broken => None,
        };
        let (Some(low), Some((name, views))) = (low, views) else {
            clips_unknown += 1;
            continue;
        };
        let key = book.name(name);
        bands.entry((key.1.as_str(), !low, key)).or_default().push(views);
    }
    let band = |((_, normal, key), views): ((&str, bool, &Key), Vec<u64>)| {
        let (_, channel, source_name, definition) = key.clone();
        let posts = count(views.len());
        let median = median(views).filter(|_| posts >= FEW);
        Band { low: !normal, channel, source_name, definition, posts, median }
    };
    let bands = bands.into_iter().map(band).collect();
    let as_of = stories.iter().filter_map(|story| story.until(until).last()).map(|m| m.at).max();
    let speed = speed(book, &stories);
    Ok(Operations { speed, bands, clips, clips_unknown, as_of: as_of.map(instant) })
}

fn speed(book: &Book, stories: &[&Story]) -> Vec<Speed> {
    // The first post of each article on each channel; nothing where its time is not known.
    let mut first: BTreeMap<(&str, ArticleId), Option<u64>> = BTreeMap::new();
    for story in stories.iter().filter(|story| story.priority != Priority::Backfill) {
        first.entry((story.account.channel(), story.article)).or_insert_with(|| {
            let published = book.piece(story).and_then(|piece| piece.published_at)?;
            u64::try_from(story.live_since.duration_since(published).as_secs()).ok()
        });
    }
    let mut channels: BTreeMap<&str, (Vec<u64>, u32)> = BTreeMap::new();
    for ((channel, _), took) in first {
        let (known, unknown) = channels.entry(channel).or_default();
        match took {
            Some(took) => known.push(took),
            None => *unknown += 1,
        }
    }
    let speed = |(channel, (known, unknown)): (&str, (Vec<u64>, u32))| Speed {
        channel: channel.to_owned(),
        articles: count(known.len()),
        unknown,
        median_s: median(known.clone()),
        p95_s: percentile(known, 95),
    };
    channels.into_iter().map(speed).collect()
}
